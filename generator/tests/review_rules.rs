//! `docs/review.md`: its table of rules is what `rules.yaml` says.

use std::fs;

use kubezero::review::model::{Action, Class};
use kubezero::review::rules::{Fact, Happening, Rule, rules};
use serde_json::Value as Json;

use crate::support;

const PAGE: &str = "docs/review.md";

/// The classes, the worst first, with what each means.
const CLASSES: [(Class, &str); 14] = [
    (Class::Destroyed, "Something that runs is deleted."),
    (Class::DataLoss, "Data goes away, or may."),
    (Class::Immutable, "The API server refuses it."),
    (Class::Identity, "It becomes another object, or lands elsewhere; the old one stays or is deleted."),
    (Class::Privilege, "Somebody may do more than before."),
    (Class::CrdNarrowed, "A CustomResourceDefinition accepts less than before."),
    (Class::ArgoCd, "Argo CD itself acts differently: prune, self-heal, finalizers, waves, projects."),
    (Class::Traffic, "Connections go elsewhere or stop."),
    (Class::Restart, "Pods are restarted."),
    (Class::Scale, "More or fewer of the same."),
    (Class::Image, "Another image runs."),
    (Class::ChartVersion, "Another version of a chart."),
    (Class::Configuration, "A value of which no rule knows more; these are the rules that know that much."),
    (Class::Cosmetic, "It changes bytes and nothing else. Folded and counted, never hidden."),
];

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn codes<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    texts.into_iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

fn values(values: &[Json]) -> String {
    let word = |value: &Json| if value.is_null() { "nothing".to_owned() } else { format!("`{value}`") };
    values.iter().map(word).collect::<Vec<_>>().join(" or ")
}

/// `RangeOrBranch` as `range or branch`.
fn spaced(name: String) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn fact(whose: &str, fact: &Fact) -> String {
    let wanted =
        fact.is.iter().map(|value| format!("`{value}`")).chain(fact.like.iter().map(|word| format!("`{word}`")));
    let wanted = wanted.collect::<Vec<_>>().join(" or ");
    let at = if fact.at == "." { String::new() } else { format!(" `{}`", fact.at) };
    match (fact.not, wanted.is_empty()) {
        (false, true) => format!("{whose} has{at}"),
        (true, true) => format!("{whose} has no{at}"),
        (false, false) => format!("{whose}{at} is {wanted}"),
        (true, false) => format!("{whose}{at} is not {wanted}"),
    }
}

/// What a rule asks, in words.
fn condition(rule: &Rule) -> String {
    let mut parts = Vec::new();
    if rule.action != [Action::Changed, Action::Renamed] {
        parts.push(rule.action.iter().map(word).collect::<Vec<_>>().join(" or "));
    }
    if !rule.paths.is_empty() {
        parts.push(codes(&rule.paths));
    }
    if !rule.except.is_empty() {
        parts.push(format!("but not {}", codes(&rule.except)));
    }
    if rule.change != [Happening::Added, Happening::Removed, Happening::Replaced] {
        let happenings = rule.change.iter().map(|happening| spaced(format!("{happening:?}")));
        parts.push(happenings.collect::<Vec<_>>().join(" or "));
    }
    if !rule.from.is_empty() {
        parts.push(format!("was {}", values(&rule.from)));
    }
    if !rule.to.is_empty() {
        parts.push(format!("becomes {}", values(&rule.to)));
    }
    parts.extend(rule.contains.iter().map(|text| format!("gets `{text}`")));
    parts.extend(rule.loses.iter().map(|text| format!("loses `{text}`")));
    parts.extend(rule.check.iter().map(|check| spaced(format!("{check:?}"))));
    let sides = [("the object before", &rule.base), ("the object after", &rule.head), ("the old value", &rule.old)];
    for (whose, facts) in sides.into_iter().chain([("the new value", &rule.new)]) {
        parts.extend(facts.iter().map(|one| fact(whose, one)));
    }
    if rule.otherwise {
        parts.push("where no other rule says something".to_owned());
    }
    parts.join("; ")
}

fn table() -> String {
    let mut out = String::new();
    for (class, meaning) in CLASSES {
        out += &format!(
            "\n### `{}`\n\n{meaning}\n\n| rule | about | when | why | remedy |\n|---|---|---|---|---|\n",
            word(&class)
        );
        for rule in rules().all().iter().filter(|rule| rule.class == class) {
            let cells = [
                format!("`{}`", rule.rule),
                codes(&rule.on),
                condition(rule),
                rule.reason.clone(),
                rule.remedy.clone(),
            ];
            out += &format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
        }
    }
    out + "\n"
}

#[test]
fn the_table_of_rules_is_current() {
    let page = fs::read_to_string(support::root().join(PAGE)).unwrap();
    let (begin, end) = ("<!-- rules:begin -->", "<!-- rules:end -->");
    let (before, rest) = page.split_once(begin).unwrap_or_else(|| panic!("{PAGE} has no {begin}"));
    let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{PAGE} has no {end}"));
    let page = format!("{before}{begin}\n{}{end}{after}", table());
    support::nothing_wrong(&Vec::from_iter(support::compare(&support::root().join(PAGE), &page)));
    let told: usize =
        CLASSES.iter().map(|(class, _)| rules().all().iter().filter(|rule| rule.class == *class).count()).sum();
    assert_eq!(told, rules().all().len(), "every class of a rule is told");
}
