//! Edited inputs that change nothing, and what stands in their way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::View;
use super::cause::{Causes, line_of};
use super::model::{ChartSeen, Exception, Item, Line, WithoutEffect};
use crate::diagnostic::Origin;
use crate::pipeline::render::RenderedTree;
use crate::pipeline::repository::Overlay;
use crate::values::path;
use crate::yaml::Node;

/// Looks at every edited file.
pub fn without_effect(
    base: Option<View<'_>>,
    head: Option<View<'_>>,
    causes: &Causes<'_>,
    items: &[Item],
    charts: &[ChartSeen],
) -> Vec<WithoutEffect> {
    let mut found = Vec::new();
    let is_on = |component: &str| {
        let trees = base.into_iter().chain(head).flat_map(|view| view.trees);
        trees.into_iter().any(|tree| tree.plan.selection.enabled.contains_key(component))
    };
    let mut off: BTreeSet<&str> = BTreeSet::new();
    let cited = cited(items);
    for file in causes.changed_files() {
        match file.split('/').collect::<Vec<_>>().as_slice() {
            ["environments", ..] if is_of_whole_environment(file, base, head) => {}
            ["environments", ..] => {
                let of = |view: Option<View<'_>>| view.and_then(|view| leaves(view, file));
                match (of(base), of(head)) {
                    (None, None) => found.extend(whole(file, causes, items, |_| true)),
                    (before, after) => {
                        let effects =
                            overlay(file, before.unwrap_or_default(), after.unwrap_or_default(), base, head, &cited);
                        match effects {
                            Some(list) => found.extend(list),
                            None => found.extend(only_layout(file, causes)),
                        }
                    }
                }
            }
            ["components", "partials" | "facts", ..] => found.extend(whole(file, causes, items, |_| true)),
            // A chart that has another archive has other objects, and is among the charts.
            ["components", "charts.lock"] if charts.is_empty() => {
                let line = only_layout(file, causes);
                found.extend(
                    line.map(|found| WithoutEffect { why: "no environment's charts change".to_owned(), ..found }),
                );
            }
            ["components", "charts.lock"] | ["components", "vendor", ..] => {}
            ["components", component, _, ..] if !is_on(component) => {
                // One line says it of all its files.
                let line = only_layout(file, causes).filter(|_| off.insert(*component));
                found.extend(
                    line.map(|found| WithoutEffect { why: "no environment switches it on".to_owned(), ..found }),
                );
            }
            ["components", component, ..] => {
                found.extend(whole(file, causes, items, |item| item.component == *component));
            }
            _ => {}
        }
    }
    found
}

/// The lines that items name as their cause.
fn cited(items: &[Item]) -> BTreeSet<(&str, u32)> {
    let causes = items.iter().flat_map(|item| item.edits.iter().flat_map(|edit| &edit.causes).chain(&item.causes));
    causes
        .flat_map(|cause| [&cause.before, &cause.after])
        .flatten()
        .map(|line| (line.file.as_str(), line.line))
        .collect()
}

/// Whether only environments that are new or gone stand on a file: all that it says has come or gone with them.
fn is_of_whole_environment(file: &str, base: Option<View<'_>>, head: Option<View<'_>>) -> bool {
    let (Some(base), Some(head)) = (base, head) else { return false };
    let stands = |tree: &&RenderedTree| tree.plan.environment.inputs.iter().any(|input| input == file);
    let mut names =
        base.trees.iter().chain(head.trees).filter(stands).map(|tree| &tree.plan.environment.name).peekable();
    names.peek().is_some() && names.all(|name| base.tree(name).is_none() || head.tree(name).is_none())
}

/// Every value that a file sets, with its line.
type Leaves = BTreeMap<Vec<String>, (Json, Line)>;

/// What an edited overlay does not change; nothing where no value was edited at all.
fn overlay(
    file: &str,
    before: Leaves,
    after: Leaves,
    base: Option<View<'_>>,
    head: Option<View<'_>>,
    cited: &BTreeSet<(&str, u32)>,
) -> Option<Vec<WithoutEffect>> {
    let edited = |path: &Vec<String>| {
        before.get(path).map(|leaf| &leaf.0) != after.get(path).map(|leaf| &leaf.0)
            && !is_filled(path, &before, &after)
            && !is_filled(path, &after, &before)
    };
    let mut paths: Vec<&Vec<String>> = before.keys().chain(after.keys()).filter(|path| edited(path)).collect();
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    for segments in paths {
        let Some((_, at)) = after.get(segments).or_else(|| before.get(segments)) else { continue };
        let mut shadows: BTreeMap<(String, Option<Line>), Vec<String>> = BTreeMap::new();
        let (mut reached, mut effective) = (false, false);
        for tree in head.into_iter().flat_map(|view| view.trees) {
            let environment = &tree.plan.environment;
            let is_reached = |inputs: &[String]| inputs.iter().any(|input| input == file);
            let old = base.and_then(|view| view.tree(&environment.name)).map(|tree| &tree.plan.environment);
            if !is_reached(&environment.inputs) && !old.is_some_and(|old| is_reached(&old.inputs)) {
                continue;
            }
            reached = true;
            let path = || segments.iter().map(String::as_str);
            let now = environment.values.at(path());
            let then = old.and_then(|old| old.values.at(path()));
            let winner = now.and_then(Node::origin).and_then(|origin| Some(shown(head?, origin)));
            let winner = winner.filter(|line| line.file != file || line.line != at.line);
            if let Some(line) = switched_off(head, base, tree, segments) {
                shadows
                    .entry(("the component is off".to_owned(), Some(line)))
                    .or_default()
                    .push(environment.name.clone());
                continue;
            }
            // Where another line sets it, a change of the value is that line's.
            let is_shadowed = after.contains_key(segments) && winner.is_some();
            if !is_shadowed && (old.is_none() || now.map(Node::to_json) != then.map(Node::to_json)) {
                effective = true;
                break;
            }
            let why = match &winner {
                Some(line) => format!("set at {}:{}", line.file, line.line),
                None => "the value is the same as before".to_owned(),
            };
            shadows.entry((why, winner)).or_default().push(environment.name.clone());
        }
        let is_cited = [before.get(segments), after.get(segments)]
            .into_iter()
            .flatten()
            .any(|(_, line)| cited.contains(&(line.file.as_str(), line.line)));
        if effective && is_cited {
            continue;
        }
        let why = match reached {
            _ if effective => "no change that is listed could be traced to it",
            false => "no environment stands on it",
            true if shadows.keys().any(|(why, _)| why.starts_with("set at")) => "another layer sets it again",
            true if shadows.keys().any(|(_, at)| at.is_some()) => "its component is off",
            true => "the value is the same as before",
        };
        found.push(WithoutEffect {
            at: at.clone(),
            path: path::join(segments),
            shadowed_by: if effective { BTreeMap::new() } else { shadows }
                .into_iter()
                .filter(|((_, at), _)| at.is_some())
                .map(|((why, at), environments)| Exception { environments, why, at })
                .collect(),
            why: why.to_owned(),
        });
    }
    Some(found)
}

/// The line that keeps a setting's component off on both sides, where one does.
fn switched_off(
    head: Option<View<'_>>,
    base: Option<View<'_>>,
    tree: &RenderedTree<'_>,
    segments: &[String],
) -> Option<Line> {
    let [components, component, key, ..] = segments else { return None };
    let is_on = |tree: &RenderedTree<'_>| tree.plan.selection.enabled.contains_key(component.as_str());
    let was_on = base.and_then(|view| view.tree(&tree.plan.environment.name)).is_some_and(is_on);
    if components != "components" || key == "enabled" || is_on(tree) || was_on {
        return None;
    }
    let path = [components.as_str(), component.as_str(), "enabled"];
    Some(shown(head?, tree.plan.environment.values.at(path)?.origin()?))
}

/// Whether a map that is empty on one side has something in it on the other: that is the edit.
fn is_filled(path: &Vec<String>, here: &Leaves, there: &Leaves) -> bool {
    let is_empty = here.get(path).is_some_and(|(value, _)| value.as_object().is_some_and(serde_json::Map::is_empty));
    is_empty
        && there
            .range(path.clone()..)
            .find(|(other, _)| *other != path)
            .is_some_and(|(other, _)| other.starts_with(path))
}

/// A file that is understood as a whole: it did something where an item of those it is about is there.
fn whole(file: &str, causes: &Causes<'_>, items: &[Item], concerns: impl Fn(&Item) -> bool) -> Option<WithoutEffect> {
    if items.iter().any(concerns) {
        return None;
    }
    only_layout(file, causes).map(|found| WithoutEffect { why: "no rendered file changes".to_owned(), ..found })
}

fn only_layout(file: &str, causes: &Causes<'_>) -> Option<WithoutEffect> {
    let first = causes.changed_lines(file).into_iter().next()?;
    Some(WithoutEffect {
        at: first.after.or(first.before)?,
        path: String::new(),
        shadowed_by: Vec::new(),
        why: "only comments and layout".to_owned(),
    })
}

/// The values of the overlay that a file belongs to, as far as this file sets them; nothing where it belongs to none.
fn leaves(view: View<'_>, file: &str) -> Option<Leaves> {
    let overlays = view.repository.layers().values().chain(view.repository.environments().values());
    let mut of_file = overlays.filter(|overlay| overlay.inputs.iter().any(|input| input == file)).peekable();
    of_file.peek()?;
    let mut leaves = Leaves::new();
    for overlay in of_file {
        collect(view, &overlay.values, file, &mut Vec::new(), &mut leaves);
        extends(view, overlay, file, &mut leaves);
    }
    Some(leaves)
}

fn extends(view: View<'_>, overlay: &Overlay, file: &str, leaves: &mut Leaves) {
    for (name, origin) in &overlay.extends {
        if view.repository.sources().path(origin.file) == file {
            let path = vec!["extends".to_owned(), name.clone()];
            leaves.insert(path, (Json::String(name.clone()), shown(view, *origin)));
        }
    }
}

fn collect(view: View<'_>, node: &Node, file: &str, path: &mut Vec<String>, leaves: &mut Leaves) {
    match node.as_map() {
        Some(map) if !map.is_empty() => {
            for (key, entry) in map {
                path.push(key.as_ref().to_owned());
                collect(view, &entry.node, file, path, leaves);
                path.pop();
            }
        }
        _ => {
            let line = node.origin().map(|origin| shown(view, origin));
            if let Some(line) = line.filter(|line| line.file == file) {
                leaves.insert(path.clone(), (node.to_json(), line));
            }
        }
    }
}

fn shown(view: View<'_>, origin: Origin) -> Line {
    let sources = view.repository.sources();
    line_of(sources.text(origin.file), sources.path(origin.file), origin.line)
}
