//! Two environments side by side: what promotion from the one to the other would carry over, what differs on purpose, what drifted.

use serde::Serialize;

use super::View;
use super::cause::Causes;
use super::facts::{Facts, shown};
use super::group::said;
use super::model::{Action, Line, Object};
use super::tree::{self, Files, Raw};
use crate::pipeline::render::{RenderedFile, RenderedTree};
use crate::values::edit::{Change, Edit, Segment, display_path};

/// Why two environments differ somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// The first one's own overlay says so: promotion would bring it to the second.
    Promotion,
    /// Only the second one's own overlay says so.
    Drift,
    /// Facts of the clusters or the layers they stand on make it so.
    Purpose,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Why.
    pub sort: Sort,
    /// Component.
    pub component: String,
    /// The object; names of facts stand in braces.
    pub object: Object,
    /// The path in it; empty where only one has the object at all.
    pub path: String,
    /// In the first environment; none where it is not there.
    pub first: Option<String>,
    /// In the second environment.
    pub second: Option<String>,
    /// The line that says so for the first.
    pub first_at: Option<Line>,
    /// The line that says so for the second.
    pub second_at: Option<Line>,
}

/// All differences, facts apart, in order of why, component and object.
pub fn compare(first: View<'_>, second: View<'_>) -> Vec<Difference> {
    let (Some(one), Some(two)) = (first.trees.first(), second.trees.first()) else { return Vec::new() };
    let names = [one, two].map(|tree| tree.plan.environment.name.as_str());
    let clusters = [one, two].map(|tree| tree.plan.context.data().get("cluster").into_iter().collect::<Vec<_>>());
    let facts = Facts::of(&names.into_iter().zip(clusters).collect());
    let abstracted: Vec<Vec<(String, &RenderedFile, String)>> =
        [one, two].map(|tree| of(tree, facts.get(&tree.plan.environment.name))).into();
    let files = |side: usize| -> Files<'_> {
        let files = abstracted[side].iter();
        files.map(|(path, file, text)| (path.as_str(), (text.as_bytes(), file.component.as_str()))).collect()
    };
    let causes = Causes::between(Some(first), Some(second));
    let mut differences: Vec<Difference> =
        tree::changes("", &files(0), &files(1)).iter().flat_map(|raw| of_object(raw, &causes, names)).collect();
    differences.sort_by(|a, b| {
        let key = |d: &Difference| (d.sort, d.component.clone(), said(&d.object), d.path.clone());
        key(a).cmp(&key(b))
    });
    differences
}

/// The files of a tree with names in place of facts, in their paths too.
fn of<'t>(tree: &'t RenderedTree<'_>, facts: Option<&Facts>) -> Vec<(String, &'t RenderedFile, String)> {
    let named = |text: &str| facts.map_or_else(|| text.to_owned(), |facts| facts.abstracted(text));
    tree.files.iter().map(|(path, file)| (named(path), file, named(&String::from_utf8_lossy(&file.text)))).collect()
}

fn of_object(raw: &Raw, causes: &Causes<'_>, names: [&str; 2]) -> Vec<Difference> {
    let object = Object {
        group: shown(&raw.object.group),
        kind: raw.object.kind.clone(),
        namespace: shown(&raw.object.namespace),
        name: shown(&raw.object.name),
    };
    let difference = |path: &[Segment], first: Option<String>, second: Option<String>| {
        let [first_at, second_at] = causes.behind(raw, path);
        Difference {
            sort: sort(names, first_at.as_ref(), second_at.as_ref()),
            component: raw.component.clone(),
            object: object.clone(),
            path: if path.is_empty() { String::new() } else { shown(&display_path(path)) },
            first: first.map(|text| shown(&text)),
            second: second.map(|text| shown(&text)),
            first_at: first_at.map(|(line, _)| line),
            second_at: second_at.map(|(line, _)| line),
        }
    };
    let whole = || Some("is there".to_owned());
    match raw.action {
        Action::Added => vec![difference(&[], None, whole())],
        Action::Removed => vec![difference(&[], whole(), None)],
        Action::Changed | Action::Renamed => {
            let mut found = Vec::new();
            raw.edits.iter().for_each(|edit| leaves(edit, &mut Vec::new(), &mut found));
            let lines = found.into_iter().map(|(path, inside, change)| match change {
                Change::Added { new } => (path, inside, None, Some(new.to_string())),
                Change::Removed { old } => (path, inside, Some(old.to_string()), None),
                Change::Replaced { old, new, .. } => (path, inside, Some(old.to_string()), Some(new.to_string())),
                Change::Reordered { .. } => {
                    (path, inside, Some("one order".to_owned()), Some("another order".to_owned()))
                }
            });
            lines
                .map(|(path, inside, first, second)| {
                    let mut found = difference(&path[..inside], first, second);
                    found.path = shown(&display_path(&path));
                    found
                })
                .collect()
        }
    }
}

/// Edits with those inside of texts one by one: the path, how much of it leads to the text, and the change.
fn leaves<'e>(edit: &'e Edit, above: &mut Vec<Segment>, found: &mut Vec<(Vec<Segment>, usize, &'e Change)>) {
    let depth = above.len();
    above.extend(edit.path.iter().cloned());
    match &edit.change {
        Change::Replaced { inside: Some(inside), .. } if !inside.edits.is_empty() && depth == 0 => {
            let from = found.len();
            let text = above.len();
            inside.edits.iter().for_each(|edit| leaves(edit, above, found));
            found[from..].iter_mut().for_each(|(_, length, _)| *length = text);
        }
        change => found.push((above.clone(), above.len(), change)),
    }
    above.truncate(depth);
}

/// Whose line it is decides.
fn sort(names: [&str; 2], first: Option<&(Line, bool)>, second: Option<&(Line, bool)>) -> Sort {
    let own = |line: Option<&(Line, bool)>, name: &str| {
        line.is_some_and(|(line, in_component)| {
            *in_component && line.file.starts_with(&format!("environments/{name}/"))
        })
    };
    match (own(first, names[0]), own(second, names[1])) {
        (true, _) => Sort::Promotion,
        (false, true) => Sort::Drift,
        (false, false) => Sort::Purpose,
    }
}
