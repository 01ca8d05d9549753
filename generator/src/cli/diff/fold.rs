//! What charts make is much, and most of it says little: what can be told together, in the same words in every format.

use std::collections::BTreeMap;

use super::rows::{Leaf, leaves};
use super::words::{self, Bundle};
use crate::cli::output::count;
use crate::review::model::{Action, Cause, ChartSeen, Class, Finding, Review};

/// Fewer objects than this are told one by one.
const FEW: usize = 4;

/// Charts whose objects could not be shown for the same reason.
#[derive(Debug)]
pub struct Unseen<'a> {
    /// Why, to go after their names.
    pub why: &'a str,
    /// What to do about it.
    pub remedy: &'a str,
    /// They.
    pub charts: Vec<&'a ChartSeen>,
}

/// The charts whose objects could not be shown, by reason.
pub fn unseen(review: &Review) -> Vec<Unseen<'_>> {
    let mut all: Vec<Unseen<'_>> = Vec::new();
    for chart in review.unseen() {
        let why = chart.unseen.as_deref().unwrap_or_default();
        match all.iter_mut().find(|known| (known.why, known.remedy) == (why, chart.remedy.as_str())) {
            Some(known) => known.charts.push(chart),
            None => all.push(Unseen { why, remedy: &chart.remedy, charts: vec![chart] }),
        }
    }
    all
}

impl Unseen<'_> {
    /// All of it in one sentence, with at most so many charts by name.
    pub fn sentence(&self, review: &Review, most: usize) -> String {
        let mut names: Vec<String> = self.charts.iter().take(most).map(|seen| placed(seen, review)).collect();
        match self.charts.len().saturating_sub(most) {
            0 => {}
            more => names.push(format!("and {more} more")),
        }
        let each = if self.charts.len() > 1 { "each " } else { "" };
        format!("{}: the chart {each}{}; {}", names.join(", "), words::clip(self.why, 400), self.remedy)
    }
}

/// `shop 2.0.1 → 2.1.0 in prod`.
fn placed(seen: &ChartSeen, review: &Review) -> String {
    let names: Vec<&str> = seen.environments.iter().map(String::as_str).collect();
    format!("{} in {}", chart(seen), words::environments(&names, review))
}

/// `shop 2.0.1 → 2.1.0`, with the name of the chart where that is another.
pub fn chart(seen: &ChartSeen) -> String {
    let versions = match (&seen.before, &seen.after) {
        (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
        (before, after) => after.as_ref().or(before.as_ref()).cloned().unwrap_or_default(),
    };
    let text = match seen.application == seen.chart {
        true => format!("{} {versions}", seen.chart),
        false => format!("{} ({} {versions})", seen.application, seen.chart),
    };
    words::clip(text.trim_end(), 160)
}

/// Whether a finding is about a label or an annotation that only says which version it is of.
pub fn is_of_label(finding: &Finding) -> bool {
    matches!(finding.rule.as_str(), "describing-label" | "describing-annotation")
}

/// Whether a chart's new version is all that is to be seen of an object.
pub fn is_relabelled(bundle: &Bundle<'_>) -> bool {
    let first = bundle.first;
    first.chart.is_some()
        && first.action == Action::Changed
        && first.findings.is_empty()
        && first.edits.iter().all(|edit| is_of_label(&edit.finding))
}

/// The name of a kind where there are several of it.
fn plural(kind: &str) -> String {
    match kind {
        kind if kind.ends_with("cy") => format!("{}ies", kind.trim_end_matches('y')),
        kind if kind.ends_with(['s', 'x']) => format!("{kind}es"),
        kind => format!("{kind}s"),
    }
}

/// `3 Deployments`.
pub fn number(kind: &str, number: usize) -> String {
    if number == 1 { format!("1 {kind}") } else { format!("{number} {}", plural(kind)) }
}

/// Objects of several kinds: those of which there are many are counted, the others named.
pub fn kinds(bundles: &[&Bundle<'_>]) -> String {
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in bundles.iter().flat_map(|bundle| bundle.names()) {
        kinds.entry(name.kind).or_default().push(name.path);
    }
    let mut kinds: Vec<(String, Vec<String>)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, paths)| std::cmp::Reverse(paths.len()));
    let said = kinds.iter().map(|(kind, paths)| match paths.as_slice() {
        [path] => format!("{kind} {path}"),
        paths if paths.len() < FEW => format!("{} {}", number(kind, paths.len()), paths.join(", ")),
        paths => number(kind, paths.len()),
    });
    said.collect::<Vec<_>>().join(", ")
}

/// How objects are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// They have another configuration, of which no rule knows more.
    Configured,
    /// They come or go with their chart.
    Whole(Class, Action),
}

/// What has to be the same for objects to be told together: the chart, the kind, the environments and the lines.
type Key<'a> = (How, &'a str, &'a str, Vec<&'a str>, &'a [Cause]);

fn key<'a>(bundle: &Bundle<'a>) -> Option<Key<'a>> {
    let first = bundle.first;
    let chart = first.chart.as_deref()?;
    let (how, kind) = match first.action {
        Action::Changed if first.class == Class::Configuration && first.findings.is_empty() => {
            (How::Configured, first.object.kind.as_str())
        }
        action @ (Action::Added | Action::Removed) => (How::Whole(first.class, action), ""),
        _ => return None,
    };
    Some((how, chart, kind, bundle.environments(), &first.causes))
}

/// Bundles in their order; those that are told together stand where the first of them is.
pub fn together(bundles: Vec<Bundle<'_>>) -> Vec<(Option<How>, Vec<Bundle<'_>>)> {
    let mut sizes: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    for bundle in &bundles {
        if let Some(key) = key(bundle) {
            *sizes.entry(key).or_default() += bundle.items.len();
        }
    }
    let mut parts: Vec<(Option<How>, Vec<Bundle<'_>>)> = Vec::new();
    let mut known: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    for bundle in bundles {
        let Some(key) = key(&bundle).filter(|key| sizes.get(key).is_some_and(|size| *size >= FEW)) else {
            parts.push((None, vec![bundle]));
            continue;
        };
        let how = key.0;
        let index = *known.entry(key).or_insert(parts.len());
        match parts.get_mut(index) {
            Some((_, part)) => part.push(bundle),
            None => parts.push((Some(how), vec![bundle])),
        }
    }
    parts
}

/// What only has another version among its labels, by chart and environments where that saves something; then the others.
pub fn relabelled<'b, 'a>(bundles: &'b [Bundle<'a>]) -> (Vec<Vec<&'b Bundle<'a>>>, Vec<&'b Bundle<'a>>) {
    let mut groups: Vec<Vec<&Bundle<'_>>> = Vec::new();
    let (labels, mut others): (Vec<&Bundle<'_>>, Vec<&Bundle<'_>>) =
        bundles.iter().partition(|bundle| is_relabelled(bundle));
    for bundle in labels {
        let is_same = |group: &&mut Vec<&Bundle<'_>>| {
            group.first().is_some_and(|known| {
                known.first.chart == bundle.first.chart && known.environments() == bundle.environments()
            })
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(bundle),
            None => groups.push(vec![bundle]),
        }
    }
    groups.retain(|group| {
        let is_many = group.iter().map(|bundle| bundle.items.len()).sum::<usize>() >= FEW;
        if !is_many {
            others.extend(group);
        }
        is_many
    });
    (groups, others)
}

/// What is said of objects that only have another version among their labels, after their number.
pub const RELABELLED: &str = "in labels that say the version, and in nothing else";

/// Objects of one kind that change in configuration, with what many of them have in common.
#[derive(Debug)]
pub struct Alike<'b, 'a> {
    /// How many objects of one environment they are.
    pub objects: usize,
    /// Their kind.
    pub kind: &'a str,
    /// The Application whose chart makes them.
    pub chart: &'a str,
    /// Edits that at least half of them have: `pluginVersion: v13.0.0 → v11.4.0`.
    pub common: Vec<String>,
    /// Those in which nothing else changes.
    pub plain: Vec<&'b Bundle<'a>>,
    /// The others, each with its other edits.
    pub others: Vec<(&'b Bundle<'a>, Vec<Leaf<'a>>)>,
}

/// What objects of one kind have in common.
pub fn alike<'b, 'a>(bundles: &'b [Bundle<'a>]) -> Option<Alike<'b, 'a>> {
    let first = bundles.first()?.first;
    let own = |bundle: &'b Bundle<'a>| -> Vec<Leaf<'a>> {
        let edits = bundle.first.edits.iter().filter(|edit| edit.finding.class != Class::Cosmetic);
        edits.flat_map(|edit| leaves(&edit.edit)).collect()
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = Vec::new();
    for bundle in bundles {
        let leaves: Vec<(Option<String>, Leaf<'a>)> = own(bundle).into_iter().map(|leaf| (said(&leaf), leaf)).collect();
        let texts: std::collections::BTreeSet<&String> = leaves.iter().filter_map(|(said, _)| said.as_ref()).collect();
        for text in texts {
            *counts.entry(text.clone()).or_default() += 1;
        }
        all.push((bundle, leaves));
    }
    let most = bundles.len().div_ceil(2).max(FEW - 1);
    counts.retain(|_, number| *number >= most);
    let (mut plain, mut others) = (Vec::new(), Vec::new());
    for (bundle, leaves) in all {
        let rest: Vec<Leaf<'a>> = leaves
            .into_iter()
            .filter(|(said, _)| !said.as_ref().is_some_and(|text| counts.contains_key(text)))
            .map(|(_, leaf)| leaf)
            .collect();
        if rest.is_empty() { plain.push(bundle) } else { others.push((bundle, rest)) }
    }
    Some(Alike {
        objects: bundles.iter().map(|bundle| bundle.items.len()).sum(),
        kind: &first.object.kind,
        chart: first.chart.as_deref().unwrap_or_default(),
        common: counts.into_keys().collect(),
        plain,
        others,
    })
}

/// The names of objects of one kind, without their namespace where all are in one.
pub fn names(bundles: &[&Bundle<'_>]) -> Vec<String> {
    let names: Vec<String> = bundles.iter().flat_map(|bundle| bundle.names()).map(|name| name.path).collect();
    let space = |name: &String| name.split_once('/').map(|(space, _)| space.to_owned());
    let first = names.first().and_then(space);
    if first.is_none() || names.iter().any(|name| space(name) != first) {
        return names;
    }
    names.iter().filter_map(|name| Some(name.split_once('/')?.1.to_owned())).collect()
}

/// What becomes of something that is too long to be shown.
pub fn long(leaf: &Leaf<'_>) -> &'static str {
    match leaf.short(20) {
        Ok((Some(_), None)) => " goes",
        Ok((None, Some(_))) => " comes",
        _ => "",
    }
}

/// An edit by its last key and its values, where these are short.
fn said(leaf: &Leaf<'_>) -> Option<String> {
    let last =
        leaf.path.rsplit('.').next().filter(|key| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))?;
    if !leaf.is_short() {
        return None;
    }
    match leaf.short(60).ok()? {
        (Some(old), Some(new)) => Some(format!("{last}: {old} → {new}")),
        (Some(old), None) => Some(format!("{last}: {old} goes")),
        (None, Some(new)) => Some(format!("{last}: {new} comes")),
        (None, None) => None,
    }
}

/// What is left out of a list of edits: `14 more edits in data["overview.json"]`.
pub fn more(left: usize, path: &str) -> String {
    format!("{} in {path}", count(left, "more edit"))
}
