//! What becomes of values when a chart has another version: keys that it no longer has, and defaults that move under us.

use std::collections::{BTreeMap, BTreeSet};

use helm_render::chart::Chart;
use serde_json::{Map, Value as Json};

use super::super::diff::words::clip;
use super::super::table::folded;
use crate::pipeline::charts::json;
use crate::pipeline::lock::Pin;
use crate::pipeline::probe;
use crate::review::View;
use crate::values::edit::display_key;

/// So many lines of each kind.
const MOST: usize = 40;
/// A value longer than this is cut.
const LONGEST: usize = 50;

/// What is worth saying of one chart; nothing where its values stay as they are.
pub fn text(base: View<'_>, head: View<'_>, old: &Pin, new: &Pin, width: usize) -> String {
    let (Ok(before), Ok(after)) = (base.repository.chart(old), head.repository.chart(new)) else {
        return String::new();
    };
    let (before, after) = (defaults(before.chart(), 0), defaults(after.chart(), 0));
    let ours = ours(head, new);
    let (mut gone, mut moved) = (Lines::new(), Lines::new());
    for (environment, values) in &ours {
        let mut path = Vec::new();
        find_gone(values, &before, &after, &mut path, &mut |path| note(&mut gone, path.to_owned(), environment));
        find_moved(Some(values), &before, &after, &mut path, &mut |path, from, to| {
            let line = format!("{path}: {} → {}", shown(from), shown(to));
            note(&mut moved, line, environment);
        });
    }
    let mut out = String::new();
    for (heading, lines) in [
        ("keys that we set and that its values.yaml no longer has", gone),
        ("defaults that we leave as they are, and that move", moved),
    ] {
        if lines.is_empty() {
            continue;
        }
        out += &format!("\n{} {} → {}: {heading}\n", new.name, old.version, new.version);
        for (line, environments) in lines.iter().take(MOST) {
            let all = environments.len() == ours.len();
            let names: Vec<&str> = environments.iter().copied().collect();
            let place = if all { String::new() } else { format!(" ({})", names.join(", ")) };
            out += &folded(&format!("  {line}{place}"), width);
        }
        if lines.len() > MOST {
            out += &format!("  and {} more\n", lines.len() - MOST);
        }
    }
    out
}

/// What is said, and for which environments.
type Lines<'e> = BTreeMap<String, BTreeSet<&'e str>>;

fn note<'e>(lines: &mut Lines<'e>, line: String, environment: &'e str) {
    lines.entry(line).or_default().insert(environment);
}

/// The values that each environment gives to a chart.
fn ours<'v>(view: View<'v>, pin: &Pin) -> Vec<(&'v str, Json)> {
    let mut found = Vec::new();
    for tree in view.trees {
        for planned in &tree.plan.applications {
            if let Some(request) = tree.request(&planned.name).filter(|request| request.pin == *pin) {
                found.push((tree.plan.environment.name.as_str(), probe::values(&request)));
            }
        }
    }
    found
}

/// The values of a chart, with those of its subcharts under their names.
fn defaults(chart: &Chart, depth: usize) -> Json {
    let mut own = match json(&chart.values) {
        Json::Object(map) => map,
        _ => Map::new(),
    };
    for dependency in chart.dependencies.iter().filter(|_| depth < 16) {
        let name = &dependency.metadata.name;
        let listed = chart.metadata.dependencies.iter().flatten().filter(|one| one.name == *name);
        let mut keys: Vec<&str> =
            listed.map(|one| if one.alias.is_empty() { one.name.as_str() } else { one.alias.as_str() }).collect();
        if keys.is_empty() {
            keys.push(name);
        }
        let below = defaults(dependency, depth + 1);
        for key in keys {
            let over = own.remove(key).unwrap_or(Json::Null);
            own.insert(key.to_owned(), laid(below.clone(), over));
        }
    }
    Json::Object(own)
}

/// One value over another one.
fn laid(below: Json, over: Json) -> Json {
    match (below, over) {
        (below, Json::Null) => below,
        (Json::Object(mut below), Json::Object(over)) => {
            for (key, value) in over {
                let under = below.remove(&key).unwrap_or(Json::Null);
                below.insert(key, laid(under, value));
            }
            Json::Object(below)
        }
        (_, over) => over,
    }
}

fn find_gone(ours: &Json, before: &Json, after: &Json, path: &mut Vec<String>, found: &mut impl FnMut(&str)) {
    let (Json::Object(ours), Json::Object(before), Json::Object(after)) = (ours, before, after) else { return };
    for (key, value) in ours {
        // What the chart never had is a map of the user's own.
        let Some(old) = before.get(key) else { continue };
        path.push(key.clone());
        match after.get(key) {
            Some(new) => find_gone(value, old, new, path, found),
            // An empty map became one that is not even named.
            None if after.is_empty() => {}
            None => found(&dotted(path)),
        }
        path.pop();
    }
}

fn find_moved(
    ours: Option<&Json>,
    before: &Json,
    after: &Json,
    path: &mut Vec<String>,
    found: &mut impl FnMut(&str, Option<&Json>, Option<&Json>),
) {
    let (Json::Object(old), Json::Object(new)) = (before, after) else { return };
    for (key, was) in old {
        let set = ours.and_then(|ours| ours.get(key));
        path.push(key.clone());
        match (set, new.get(key)) {
            // What we set does not move, and what is gone is said where we set it.
            (Some(set), Some(is)) if set.is_object() && was.is_object() && is.is_object() => {
                find_moved(Some(set), was, is, path, found);
            }
            (Some(_), _) => {}
            (None, Some(is)) if was.is_object() && is.is_object() => find_moved(None, was, is, path, found),
            (None, Some(is)) if was != is => found(&dotted(path), Some(was), Some(is)),
            (None, Some(_)) => {}
            (None, None) => found(&dotted(path), Some(was), None),
        }
        path.pop();
    }
}

fn dotted(path: &[String]) -> String {
    let mut out = String::new();
    for key in path {
        display_key(&mut out, key);
    }
    out
}

fn shown(value: Option<&Json>) -> String {
    value.map_or_else(|| "gone".to_owned(), |value| clip(&value.to_string(), LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_ours_and_what_is_theirs() {
        let before = json!({"a": 1, "b": {"c": 2, "d": 3}, "list": [1], "free": {}, "old": {"x": 1}});
        let after = json!({"a": 2, "b": {"c": 3}, "list": [2], "free": {}, "new": true});
        let ours = json!({"a": 9, "b": {"d": 4}, "free": {"mine": 1}, "old": {"x": 2}});
        let (mut gone, mut moved) = (Vec::new(), Vec::new());
        find_gone(&ours, &before, &after, &mut Vec::new(), &mut |path| gone.push(path.to_owned()));
        find_moved(Some(&ours), &before, &after, &mut Vec::new(), &mut |path, from, to| {
            moved.push(format!("{path}: {} → {}", shown(from), shown(to)));
        });
        assert_eq!(gone, ["b.d", "old"]);
        assert_eq!(moved, ["b.c: 2 → 3", "list: [1] → [2]"]);
    }

    #[test]
    fn values_of_subcharts_lie_under_those_of_their_parent() {
        assert_eq!(
            laid(json!({"a": 1, "b": {"c": 1, "d": 2}}), json!({"b": {"c": 3}, "e": null})),
            json!({"a": 1, "b": {"c": 3, "d": 2}, "e": null})
        );
    }
}
