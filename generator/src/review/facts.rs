//! What is an environment's own: its name, domain, account. Two changes that differ in nothing else are the same change.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

/// Stands around the name of a fact in a text; characters of no meaning, so that none of them is in the text before.
const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';

/// Shorter values are words by chance.
const SHORTEST: usize = 3;

/// The facts of one environment that other environments have other values for.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Value and name, the longest value first: `eu-west-1` goes before `eu`.
    known: Vec<(String, String)>,
}

impl Facts {
    /// The facts of every environment: the strings of `cluster`, and the name. `clusters` has both sides of an environment; a fact
    /// that the change itself moves is none.
    pub fn of(clusters: &BTreeMap<&str, Vec<&Json>>) -> BTreeMap<String, Facts> {
        let mut leaves: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
        let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (environment, sides) in clusters {
            let mut own: Option<BTreeMap<String, String>> = None;
            for side in sides {
                let mut found = BTreeMap::new();
                strings(side, "cluster", &mut found);
                own = Some(match own {
                    None => found,
                    Some(mut own) => {
                        own.retain(|path, value| found.get(path) == Some(value));
                        own
                    }
                });
            }
            let mut own = own.unwrap_or_default();
            own.insert("environment".to_owned(), (*environment).to_owned());
            for (path, value) in &own {
                values.entry(path.clone()).or_default().insert(value.clone());
            }
            leaves.insert(environment, own);
        }
        let differs = |path: &str| values.get(path).is_some_and(|values| values.len() > 1);
        let facts = leaves.into_iter().map(|(environment, own)| {
            let mut known: Vec<(String, String)> = own
                .into_iter()
                .filter(|(path, value)| value.chars().count() >= SHORTEST && differs(path) && is_own(path, value))
                .map(|(path, value)| (value, path))
                .collect();
            known.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
            known.dedup_by(|a, b| a.0 == b.0);
            (environment.to_owned(), Facts { known })
        });
        facts.collect()
    }

    /// The text with names in place of values. Two texts of two environments become one exactly where they differ in facts only.
    pub fn abstracted(&self, text: &str) -> String {
        if text.contains([OPEN, CLOSE]) {
            return text.to_owned();
        }
        let mut text = text.to_owned();
        for (value, name) in &self.known {
            if text.contains(value.as_str()) {
                text = replaced(&text, value, name);
            }
        }
        text
    }
}

/// Whether a value is an environment's own. A plain word is a choice that others have too: `private`, `spot`.
fn is_own(path: &str, value: &str) -> bool {
    let is_name = matches!(path.rsplit('.').next(), Some("environment" | "name" | "domain"));
    is_name || !value.chars().all(char::is_alphabetic)
}

/// An abstracted text as people read it: `{cluster.domain}`.
pub fn shown(text: &str) -> String {
    text.replace(OPEN, "{").replace(CLOSE, "}")
}

/// Replaces whole words outside of names that were put in before.
fn replaced(text: &str, value: &str, name: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut from, mut last) = (0, 0);
    while let Some(found) = text[from..].find(value) {
        let (start, end) = (from + found, from + found + value.len());
        let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
        let inside = text[..start].rfind([OPEN, CLOSE]).is_some_and(|at| text[at..].starts_with(OPEN));
        let whole = !is_word(text[..start].chars().next_back()) && !is_word(text[end..].chars().next());
        if whole && !inside {
            out.push_str(&text[last..start]);
            out.push(OPEN);
            out.push_str(name);
            out.push(CLOSE);
            last = end;
        }
        from = end;
    }
    out.push_str(&text[last..]);
    out
}

fn strings(value: &Json, path: &str, found: &mut BTreeMap<String, String>) {
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                strings(value, &format!("{path}.{key}"), found);
            }
        }
        Json::String(text) => {
            found.insert(path.to_owned(), text.clone());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(list: &[(&str, Json)]) -> BTreeMap<String, Facts> {
        Facts::of(&list.iter().map(|(name, cluster)| (*name, vec![cluster, cluster])).collect())
    }

    #[test]
    fn two_texts_that_differ_in_facts_only_become_one() {
        let facts = facts(&[
            ("prod-eu", json!({"domain": "prod-eu.example.com", "region": "eu-west-1"})),
            ("prod-us", json!({"domain": "prod-us.example.com", "region": "us-east-1"})),
        ]);
        let eu = facts["prod-eu"].abstracted("https://argo.prod-eu.example.com/eu-west-1/prod-eu");
        let us = facts["prod-us"].abstracted("https://argo.prod-us.example.com/us-east-1/prod-us");
        assert_eq!(eu, us);
        assert!(eu.contains("cluster.domain") && eu.contains("environment"));
        assert_ne!(facts["prod-us"].abstracted("eu-west-1"), facts["prod-eu"].abstracted("eu-west-1"));
    }

    #[test]
    fn words_that_only_begin_like_a_fact_stay() {
        let facts = facts(&[("dev", json!({})), ("prod", json!({}))]);
        assert_eq!(facts["prod"].abstracted("products, production"), "products, production");
        assert!(facts["prod"].abstracted("in prod, at last").contains(OPEN));
    }

    #[test]
    fn a_choice_between_words_is_no_fact() {
        let facts = facts(&[("one", json!({"ingress": "private"})), ("two", json!({"ingress": "both"}))]);
        assert_eq!(facts["one"].abstracted("gateway-private"), "gateway-private");
    }

    #[test]
    fn what_all_have_or_the_change_moves_is_no_fact() {
        let (old, new) = (json!({"domain": "a.example.com"}), json!({"domain": "b.example.com"}));
        let other = json!({"domain": "c.example.com"});
        let facts = Facts::of(&BTreeMap::from([("one", vec![&old, &new]), ("two", vec![&other, &other])]));
        assert_eq!(facts["one"].abstracted("a.example.com"), "a.example.com");
    }
}
