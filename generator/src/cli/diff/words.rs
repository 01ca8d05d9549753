//! What the formats of a review share: which items are one, how environments are named, what a class is called,
//! and the line that proves that nothing is left out. Words only; each format escapes for itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value as Json;

use crate::cli::output::count;
use crate::review::model::{
    Action, Cause, Class, Demand, Exception, Finding, GroupedEdit, Item, Line, Object, Place, Review, Side,
};
use crate::values::edit::{Change, Segment};

/// How much attention a class needs: one section of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Something is deleted or lost.
    Lost,
    /// It may go wrong, or somebody gets more than before.
    Care,
    /// It changes.
    Changed,
    /// It comes.
    New,
    /// Nothing but bytes.
    Cosmetic,
}

impl Weight {
    /// The weight of a class.
    pub fn of(class: Class) -> Weight {
        match class {
            Class::Destroyed | Class::DataLoss => Weight::Lost,
            Class::Immutable
            | Class::Identity
            | Class::Privilege
            | Class::CrdNarrowed
            | Class::ArgoCd
            | Class::Traffic => Weight::Care,
            Class::Restart | Class::Scale | Class::Image | Class::ChartVersion | Class::Configuration => {
                Weight::Changed
            }
            Class::New => Weight::New,
            Class::Cosmetic => Weight::Cosmetic,
        }
    }

    /// The heading of its section.
    pub fn heading(self) -> &'static str {
        match self {
            Weight::Lost => "Deleted or lost",
            Weight::Care => "Needs care",
            Weight::Changed => "Changed",
            Weight::New => "New",
            Weight::Cosmetic => "Cosmetic",
        }
    }

    /// Its sign where pictures are shown.
    pub fn picture(self) -> &'static str {
        match self {
            Weight::Lost => "⛔",
            Weight::Care => "⚠️",
            Weight::Changed => "±",
            Weight::New => "+",
            Weight::Cosmetic => "○",
        }
    }

    /// Its sign on a terminal: one column wide.
    pub fn sign(self) -> &'static str {
        match self {
            Weight::Lost => "✗",
            Weight::Care => "!",
            Weight::Changed => "±",
            Weight::New => "+",
            Weight::Cosmetic => "○",
        }
    }
}

/// What a class is called.
pub fn class(class: Class) -> &'static str {
    match class {
        Class::Destroyed => "destroyed",
        Class::DataLoss => "data loss",
        Class::Immutable => "immutable field",
        Class::Identity => "identity",
        Class::Privilege => "privilege",
        Class::CrdNarrowed => "CRD narrowed",
        Class::ArgoCd => "Argo CD behaviour",
        Class::Traffic => "traffic",
        Class::Restart => "restart",
        Class::Scale => "scale",
        Class::Image => "image",
        Class::ChartVersion => "chart version",
        Class::Configuration => "configuration",
        Class::New => "new",
        Class::Cosmetic => "cosmetic",
    }
}

/// Items that are the same change to different objects, in the same environments.
#[derive(Debug, Clone)]
pub struct Bundle<'a> {
    /// At least one.
    pub items: Vec<&'a Item>,
    /// The first of them, which speaks for all.
    pub first: &'a Item,
}

impl<'a> Bundle<'a> {
    /// The class of all of them.
    pub fn weight(&self) -> Weight {
        Weight::of(self.first.class)
    }

    /// The environments, in order.
    pub fn environments(&self) -> Vec<&'a str> {
        self.first.places.iter().map(|place| place.environment.as_str()).collect()
    }

    /// How many objects they are over all environments.
    pub fn objects(&self) -> usize {
        self.items.iter().map(|item| item.places.len()).sum()
    }

    /// What each of them is.
    pub fn names(&self) -> Vec<Name> {
        self.items.iter().map(|item| name(item)).collect()
    }

    /// What happens to them, after their names; empty where they change.
    pub fn happening(&self) -> &'static str {
        match (self.first.action, self.items.len()) {
            (Action::Removed, 1) => "is removed",
            (Action::Removed, _) => "are removed",
            (Action::Added, 1) => "is new",
            (Action::Added, _) => "are new",
            (Action::Renamed | Action::Changed, _) => "",
        }
    }

    /// The classes of it and of its edits, the worst first; cosmetic edits count for nothing beside others.
    pub fn classes(&self) -> String {
        let inside = self.first.edits.iter().map(|edit| edit.finding.class);
        let more: BTreeSet<Class> =
            inside.filter(|other| !matches!(other, Class::Cosmetic | Class::Configuration)).collect();
        let all = [self.first.class].into_iter().chain(more.into_iter().filter(|other| *other != self.first.class));
        all.map(class).collect::<Vec<_>>().join(", ")
    }

    /// Edits that are more than cosmetic, then the number of those that are not.
    pub fn edits(&self) -> (Vec<&'a GroupedEdit>, Vec<&'a GroupedEdit>) {
        let cosmetic = |edit: &&GroupedEdit| edit.finding.class == Class::Cosmetic;
        self.first.edits.iter().partition(|edit| !cosmetic(edit) || self.first.class == Class::Cosmetic)
    }

    /// Edits in groups that have one reason, one list of environments and the same exceptions.
    pub fn groups(&self) -> Vec<Vec<&'a GroupedEdit>> {
        let mut groups: Vec<Vec<&'a GroupedEdit>> = Vec::new();
        let alike = |a: &GroupedEdit, b: &GroupedEdit| {
            a.finding == b.finding
                && a.environments == b.environments
                && a.exceptions == b.exceptions
                && a.causes == b.causes
        };
        for edit in self.edits().0 {
            match groups.iter_mut().find(|group| group.first().is_some_and(|first| alike(first, edit))) {
                Some(group) => group.push(edit),
                None => groups.push(vec![edit]),
            }
        }
        groups.sort_by_key(|group| group.first().map(|edit| edit.finding.class));
        groups
    }

    /// The input lines behind the whole: its own, or else those of its edits, each once.
    pub fn causes(&self) -> Vec<&'a Cause> {
        let mut seen = BTreeSet::new();
        let inside = self.first.edits.iter().flat_map(|edit| &edit.causes);
        let own = self.first.causes.iter();
        let all: Vec<&Cause> = if self.first.causes.is_empty() { inside.collect() } else { own.collect() };
        all.into_iter().filter(|cause| seen.insert(*cause)).collect()
    }

    /// What is said about the object as a whole and about its edits, each once, the worst first.
    pub fn findings(&self) -> Vec<&'a Finding> {
        let edits = self.first.edits.iter().map(|edit| &edit.finding);
        let mut findings: Vec<&Finding> = Vec::new();
        for finding in self.first.findings.iter().chain(edits) {
            if !finding.reason.is_empty() && !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        findings.sort_by_key(|finding| finding.class);
        findings
    }
}

/// The name of an object in one environment, or the pattern of its names in several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Kind, or `file`.
    pub kind: String,
    /// Namespace and name.
    pub path: String,
}

/// What an object is called.
pub fn object(object: &Object) -> Name {
    let kind = if object.kind == "File" { "file".to_owned() } else { object.kind.clone() };
    let path = match object.namespace.as_str() {
        "" => object.name.clone(),
        namespace => format!("{namespace}/{}", object.name),
    };
    Name { kind, path }
}

/// What an item is called: `{environment}` stands for the environment's name where that is in it.
pub fn name(item: &Item) -> Name {
    let plain = object(&item.object);
    if item.places.iter().all(|place| place.object == item.object) {
        return plain;
    }
    let pattern = |place: &Place| {
        let name = object(&place.object);
        Name { path: name.path.replace(place.environment.as_str(), "{environment}"), ..name }
    };
    let mut patterns = item.places.iter().map(pattern);
    match patterns.next() {
        Some(first) if patterns.all(|other| other == first) => first,
        _ => Name { path: format!("{} (other names elsewhere)", plain.path), ..plain },
    }
}

/// What an object was called before, with its group where only that differs.
pub fn former(was: &Object, is: &Object) -> String {
    let (before, after) = (object(was), object(is));
    if before != after {
        return format!("{} {}", before.kind, before.path);
    }
    let group = if was.group.is_empty() { "core" } else { &was.group };
    format!("{} {} of the group {group}", before.kind, before.path)
}

/// Items in order of class; those that are one change to several objects together.
pub fn bundles(items: &[Item]) -> Vec<Bundle<'_>> {
    let mut sorted: Vec<&Item> = items.iter().collect();
    sorted.sort_by_key(|item| item.class);
    let mut bundles: Vec<Bundle<'_>> = Vec::new();
    let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
    for item in sorted {
        let alike = known.entry(print_of(item)).or_default();
        match alike.iter().find(|&&index| same(bundles[index].first, item)) {
            Some(&index) => bundles[index].items.push(item),
            None => {
                alike.push(bundles.len());
                bundles.push(Bundle { items: vec![item], first: item });
            }
        }
    }
    bundles
}

/// Bundles in their order; those that come or go in the same environments by the same lines together, where the first of them is.
pub fn stories<'b, 'a>(bundles: &'b [Bundle<'a>]) -> Vec<Vec<&'b Bundle<'a>>> {
    let mut stories: Vec<Vec<&Bundle<'_>>> = Vec::new();
    let mut known: HashMap<(Action, &[Cause], Vec<&str>), usize> = HashMap::new();
    for bundle in bundles {
        let first = bundle.first;
        if !matches!(first.action, Action::Removed | Action::Added) || first.causes.is_empty() {
            stories.push(vec![bundle]);
            continue;
        }
        let index = *known.entry((first.action, &first.causes, bundle.environments())).or_insert(stories.len());
        match stories.get_mut(index) {
            Some(story) => story.push(bundle),
            None => stories.push(vec![bundle]),
        }
    }
    stories
}

/// Whether two items can be told in one sentence.
fn same(a: &Item, b: &Item) -> bool {
    let whole = a.action == Action::Changed || a.component == b.component;
    let environments = a.places.iter().map(|place| &place.environment);
    whole
        && a.class == b.class
        && a.action == b.action
        && a.was.is_none()
        && b.was.is_none()
        && a.edits == b.edits
        && a.findings == b.findings
        && a.causes == b.causes
        && environments.eq(b.places.iter().map(|place| &place.environment))
}

/// A number that items have in common which are the same change; others hardly ever.
fn print_of(item: &Item) -> u64 {
    let mut hasher = DefaultHasher::new();
    (item.class, item.action, item.places.len(), item.edits.len()).hash(&mut hasher);
    item.places.first().map(|place| &place.environment).hash(&mut hasher);
    item.places.last().map(|place| &place.environment).hash(&mut hasher);
    for edit in &item.edits {
        for segment in &edit.edit.path {
            match segment {
                Segment::Key(key) => key.hash(&mut hasher),
                Segment::Item { item, .. } => item.hash(&mut hasher),
            }
        }
        match &edit.edit.change {
            Change::Added { new } | Change::Replaced { new, .. } => hash_json(new, &mut hasher),
            Change::Removed { old } => hash_json(old, &mut hasher),
            Change::Reordered { order } => order.hash(&mut hasher),
        }
    }
    hasher.finish()
}

fn hash_json(value: &Json, hasher: &mut DefaultHasher) {
    match value {
        Json::String(text) => text.hash(hasher),
        Json::Array(items) => items.iter().for_each(|item| hash_json(item, hasher)),
        Json::Object(map) => map.iter().for_each(|(key, value)| {
            key.hash(hasher);
            hash_json(value, hasher);
        }),
        other => other.to_string().hash(hasher),
    }
}

/// Environments in few words: `all 100 environments`, `dev-{1..34}`, or the first three and how many more.
pub fn environments(names: &[&str], review: &Review) -> String {
    let every = |side: &Side| names.len() > 2 && side.environments.iter().map(String::as_str).eq(names.iter().copied());
    if every(&review.head) || every(&review.base) {
        return format!("all {} environments", names.len());
    }
    fold(names)
}

/// Names with numbers in ranges; more than four pieces become three and a count.
pub fn fold(names: &[&str]) -> String {
    let pieces = pieces(names);
    let kept = if pieces.len() > 4 { 3 } else { pieces.len() };
    let rest: usize = pieces[kept..].iter().map(|piece| piece.1).sum();
    let named: Vec<&str> = pieces[..kept].iter().map(|piece| piece.0.as_str()).collect();
    match rest {
        0 => named.join(", "),
        rest => format!("{} and {rest} more", named.join(", ")),
    }
}

/// What a number stands between, and the numbers found there.
type Series<'a> = ((&'a str, &'a str), Vec<(u64, &'a str)>);

/// Each piece with how many names it stands for.
fn pieces(names: &[&str]) -> Vec<(String, usize)> {
    let mut series: Vec<Series<'_>> = Vec::new();
    let mut known: HashMap<(&str, &str), usize> = HashMap::new();
    for name in names {
        let (before, number, after) = split_number(name);
        let key = if number.is_empty() { (*name, "\u{0}") } else { (before, after) };
        let index = *known.entry(key).or_insert(series.len());
        if index == series.len() {
            series.push((key, Vec::new()));
        }
        series[index].1.push((number.parse().unwrap_or(0), number));
    }
    let mut pieces = Vec::new();
    for ((before, after), mut numbers) in series {
        numbers.sort_unstable();
        let widths: BTreeSet<usize> = numbers.iter().map(|(_, digits)| digits.len()).collect();
        let padded = numbers.iter().any(|(_, digits)| digits.len() > 1 && digits.starts_with('0'));
        if numbers.len() == 1 || padded && widths.len() > 1 || after == "\u{0}" {
            let after = if after == "\u{0}" { "" } else { after };
            pieces.extend(numbers.iter().map(|(_, digits)| (clip(&format!("{before}{digits}{after}"), 64), 1)));
            continue;
        }
        let ranges = ranges(&numbers);
        // What does not fit between one pair of braces goes on in the next.
        for some in ranges.chunks(4) {
            let inside: Vec<&str> = some.iter().map(|range| range.0.as_str()).collect();
            let inside = inside.join(",");
            let single = some.len() == 1 && some[0].1 == 1;
            let inside = if single { inside } else { format!("{{{inside}}}") };
            pieces.push((clip(&format!("{before}{inside}{after}"), 64), some.iter().map(|range| range.1).sum()));
        }
    }
    pieces
}

/// `1..34` for what follows on each other, otherwise the number, each with how many it stands for.
fn ranges(numbers: &[(u64, &str)]) -> Vec<(String, usize)> {
    let mut ranges: Vec<(String, usize)> = Vec::new();
    for run in numbers.chunk_by(|a, b| a.0.checked_add(1) == Some(b.0)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        match run.len() {
            1 | 2 => ranges.extend(run.iter().map(|(_, digits)| ((*digits).to_owned(), 1))),
            more => ranges.push((format!("{}..{}", first.1, last.1), more)),
        }
    }
    ranges
}

/// What stands before the last number of a name, the number, and what stands after it.
fn split_number(name: &str) -> (&str, &str, &str) {
    let Some(end) = name.rfind(|c: char| c.is_ascii_digit()).map(|at| at + 1) else { return (name, "", "") };
    let start = name[..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + name[at..].chars().next().map_or(1, char::len_utf8));
    if end - start > 12 {
        return (name, "", "");
    }
    (&name[..start], &name[start..end], &name[end..])
}

/// A name without its number: what environments of one stage have in common.
fn stem(name: &str) -> String {
    let (before, number, after) = split_number(name);
    if number.is_empty() {
        return name.to_owned();
    }
    let stem = format!("{before}{after}");
    let trimmed = stem.trim_matches(['-', '.', '_']);
    if trimmed.is_empty() { name.to_owned() } else { trimmed.to_owned() }
}

/// Which components change where.
#[derive(Debug, Default)]
pub struct Matrix {
    /// Groups of environments, or none where the cells say in words where.
    pub columns: Vec<String>,
    /// Component, and a cell for each column: the worst weight with how many objects it has, then all others' number.
    pub rows: Vec<(String, Vec<Cell>)>,
}

/// How many objects of each weight.
pub type Cell = BTreeMap<Weight, usize>;

/// The matrix of a review; `None` where it would say nothing, or has more than 30 rows.
pub fn matrix(review: &Review) -> Option<Matrix> {
    let mut by_component: BTreeMap<&str, BTreeMap<&str, Cell>> = BTreeMap::new();
    let mut protected = BTreeSet::new();
    for item in &review.items {
        let row = by_component.entry(item.component.as_str()).or_default();
        for place in &item.places {
            let cell = row.entry(place.environment.as_str()).or_default();
            *cell.entry(Weight::of(item.class)).or_insert(0) += 1;
            if place.protected {
                protected.insert(place.environment.as_str());
            }
        }
    }
    let touched: BTreeSet<&str> = by_component.values().flat_map(|row| row.keys().copied()).collect();
    if by_component.is_empty() || by_component.len() > 30 || by_component.len() == 1 && touched.len() == 1 {
        return None;
    }
    let groups = columns(&touched, &by_component)?;
    let heading = |title: &str, names: &BTreeSet<&str>| {
        let guarded = names.iter().filter(|name| protected.contains(*name)).count();
        let mut notes = Vec::new();
        if names.len() > 1 {
            notes.push(names.len().to_string());
        }
        match guarded {
            0 => {}
            some if some == names.len() => notes.push("protected".to_owned()),
            some => notes.push(format!("{some} protected")),
        }
        if notes.is_empty() { title.to_owned() } else { format!("{title} ({})", notes.join(", ")) }
    };
    let rows = by_component.iter().map(|(component, row)| {
        let cells = groups.iter().map(|(_, names)| {
            let mut sum = Cell::new();
            for (weight, number) in names.iter().filter_map(|name| row.get(name)).flatten() {
                *sum.entry(*weight).or_insert(0) += number;
            }
            sum
        });
        (clip(component, 40), cells.collect::<Vec<_>>())
    });
    let mut rows: Vec<(String, Vec<Cell>)> = rows.collect();
    rows.sort_by_key(|(_, cells)| cells.iter().filter_map(|cell| cell.keys().next().copied()).min());
    Some(Matrix { columns: groups.iter().map(|(title, names)| heading(title, names)).collect(), rows })
}

/// At most six groups of environments: each alone, or by stage, or by what happens in them.
fn columns<'a>(
    touched: &BTreeSet<&'a str>,
    by_component: &BTreeMap<&str, BTreeMap<&'a str, Cell>>,
) -> Option<Vec<(String, BTreeSet<&'a str>)>> {
    const MOST: usize = 6;
    if touched.len() <= MOST {
        return Some(touched.iter().map(|name| (clip(name, 24), BTreeSet::from([*name]))).collect());
    }
    let mut stages: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for name in touched {
        stages.entry(stem(name)).or_default().insert(name);
    }
    if stages.len() <= MOST {
        return Some(stages.into_iter().map(|(stem, names)| (clip(&stem, 24), names)).collect());
    }
    let mut alike: BTreeMap<Vec<Option<&Cell>>, BTreeSet<&str>> = BTreeMap::new();
    for name in touched {
        let what = by_component.values().map(|row| row.get(name)).collect();
        alike.entry(what).or_default().insert(name);
    }
    if alike.len() > MOST {
        return Some(vec![("all".to_owned(), touched.clone())]);
    }
    let title = |names: &BTreeSet<&str>| clip(&fold(&names.iter().copied().collect::<Vec<_>>()), 40);
    let mut groups: Vec<(String, BTreeSet<&str>)> = alike.into_values().map(|names| (title(&names), names)).collect();
    groups.sort_by(|a, b| a.1.cmp(&b.1));
    Some(groups)
}

/// How many objects change, and where: the headline.
pub fn headline(review: &Review) -> String {
    let touched: BTreeSet<&str> =
        review.items.iter().flat_map(|item| &item.places).map(|place| place.environment.as_str()).collect();
    let known = review.head.environments.len().max(touched.len());
    let verb = if review.totals.changed == 1 { "changes" } else { "change" };
    let objects = match review.totals.of_charts {
        0 => count(review.totals.changed, "object"),
        some => format!("{} ({some} made by charts)", count(review.totals.changed, "object")),
    };
    let said = match (touched.len(), known) {
        (some, all) if some == all && all > 1 => format!("{objects} {verb} in all {all} environments"),
        (some, all) => format!("{objects} {verb} in {some} of {}", count(all, "environment")),
    };
    match review.unseen().count() {
        0 => said,
        unseen => format!(
            "{said}; what {} {} was not seen",
            count(unseen, "chart"),
            if unseen == 1 { "makes" } else { "make" }
        ),
    }
}

/// The charts that are delivered in another way than before, each with what stays and what changes.
pub fn handed_over(review: &Review) -> Vec<String> {
    let handed = review.charts.iter().filter_map(|chart| Some((chart, chart.delivered.as_deref()?)));
    handed
        .map(|(chart, how)| {
            let names: Vec<&str> = chart.environments.iter().map(String::as_str).collect();
            let verb = if chart.kept == 1 { "stays" } else { "stay" };
            let kept = match &chart.unseen {
                Some(_) => "what becomes of its objects is not known".to_owned(),
                None => format!("{} {verb} as before, {} differ", count(chart.kept, "object"), chart.objects),
            };
            let places = environments(&names, review);
            format!("{}: delivered as {how} from now on in {places}: {kept}", chart.application)
        })
        .collect()
}

/// A review in which nothing that is rendered changes, in one sentence.
pub fn nothing(review: &Review) -> String {
    match review.totals.inputs {
        _ if review.unseen().next().is_some() => {
            "Nothing that is committed changes, but not all objects of charts were seen.".to_owned()
        }
        0 => "No rendered change: no input file edited, 0 outputs differ.".to_owned(),
        inputs => format!("No rendered change: {} edited, 0 outputs differ.", count(inputs, "input file")),
    }
}

/// One side as a person says it, with its commit.
pub fn side(side: &Side) -> (String, String) {
    let commit: String = side.commit.iter().flat_map(|commit| hex(commit)).take(7).collect();
    let same = !commit.is_empty() && side.name.starts_with(&commit);
    (clip(&side.name, 40), if same { String::new() } else { commit })
}

/// What differs in numbers: inputs and generated files.
pub fn sizes(review: &Review) -> String {
    let verb = if review.totals.files == 1 { "differs" } else { "differ" };
    format!(
        "{} edited, {} {verb}; {} in {}",
        count(review.totals.inputs, "input file"),
        count(review.totals.files, "generated file"),
        count(review.head.applications, "Application"),
        count(review.head.environments.len(), "environment"),
    )
}

/// That the two sides were rendered by different versions of the generator, and what this alone changes.
pub fn versions(review: &Review) -> Option<String> {
    let version = |side: &Side| side.generator.as_deref().map_or("none".to_owned(), |version| clip(version, 30));
    let objects: usize = review.by_tool.iter().map(|item| item.places.len()).sum();
    let differs = review.base.generator.is_some() && review.base.generator != review.head.generator;
    match (differs || objects > 0, objects) {
        (false, _) => None,
        (true, 0) => Some(format!(
            "The generator itself, {} before and {} now, changes nothing of it.",
            version(&review.base),
            version(&review.head)
        )),
        (true, objects) => Some(format!(
            "The generator itself, {} before and {} now, changes {} that {} not counted above.",
            version(&review.base),
            version(&review.head),
            count(objects, "object"),
            if objects == 1 { "is" } else { "are" }
        )),
    }
}

/// The line that proves what is listed; `kubezero diff --verify` looks for it.
pub fn proof(review: &Review, listed: usize) -> String {
    let changed = review.totals.changed;
    let said = if listed == changed && review.totals.listed == changed {
        format!("complete: {listed} of {} listed", count(changed, "changed object"))
    } else {
        format!("listed {listed} of {} here", count(changed, "changed object"))
    };
    let short = |digest: &str| hex(digest.trim_start_matches("sha256:")).take(16).collect::<String>();
    format!(
        "{said} · digest {} · base {} · head {}",
        short(&review.totals.digest),
        short(&review.base.digest),
        short(&review.head.digest)
    )
}

/// The hexadecimal digits of a text.
pub fn hex(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

/// How many objects a list of items has over all environments.
pub fn listed(items: &[Item]) -> usize {
    items.iter().map(|item| item.places.len()).sum()
}

/// A cause in words: where it is, and the text before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// `because`, or `comes from` where the line was not edited.
    pub word: &'static str,
    /// `file:line`.
    pub at: String,
    /// The text before, where there was one.
    pub old: Option<String>,
    /// The text after, where there is one.
    pub new: Option<String>,
}

/// A cause in words.
pub fn because(cause: &Cause) -> Because {
    let word = if cause.edited { "because" } else { "comes from" };
    let text = |line: &Line| clip(line.text.trim(), 160);
    let elsewhere = match (&cause.before, &cause.after) {
        (Some(before), Some(after)) if before.file != after.file => format!("{}: ", at(before)),
        _ => String::new(),
    };
    let place = cause.after.as_ref().or(cause.before.as_ref());
    let old = cause.before.as_ref().filter(|_| cause.edited).map(|line| format!("{elsewhere}{}", text(line)));
    let new = cause.after.as_ref().or(cause.before.as_ref().filter(|_| !cause.edited)).map(text);
    Because { word, at: place.map(at).unwrap_or_default(), old, new }
}

/// `file:line`.
pub fn at(line: &Line) -> String {
    format!("{}:{}", clip_front(&line.file, 120), line.line)
}

/// Why something is not everywhere: the words, and the line where they do not name it.
pub fn why(exception: &Exception) -> (String, Option<(String, String)>) {
    let place = exception.at.as_ref().filter(|line| !exception.why.contains(&at(line)));
    (clip(&exception.why, 300), place.map(|line| (at(line), clip(line.text.trim(), 160))))
}

/// Whether a group of edits leaves out environments of its bundle of which no exception says why.
pub fn partial(bundle: &Bundle<'_>, edit: &GroupedEdit) -> bool {
    let told: usize = edit.exceptions.iter().map(|exception| exception.environments.len()).sum();
    edit.environments.len() + told < bundle.first.places.len()
}

/// Demands of one kind: what differs between them is the environment and the trailer.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The first of them.
    pub first: &'a Demand,
    /// Their environments.
    pub environments: Vec<&'a str>,
    /// The lines to add, each once.
    pub trailers: Vec<&'a str>,
}

/// Demands that were or were not met, those that say the same of different environments together.
pub fn asked(review: &Review, accepted: bool) -> Vec<Asked<'_>> {
    let mut all: Vec<Asked<'_>> = Vec::new();
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    for demand in review.demands.iter().filter(|demand| demand.accepted == accepted) {
        let about = match demand.environment.as_str() {
            "" => demand.about.clone(),
            environment => demand.about.replace(environment, "{environment}"),
        };
        let index = *known.entry((demand.gate.clone(), about)).or_insert(all.len());
        if index == all.len() {
            all.push(Asked { first: demand, environments: Vec::new(), trailers: Vec::new() });
        }
        let asked = &mut all[index];
        if !asked.environments.contains(&demand.environment.as_str()) {
            asked.environments.push(&demand.environment);
        }
        if let Some(trailer) = demand.trailer.as_deref().filter(|trailer| !asked.trailers.contains(trailer)) {
            asked.trailers.push(trailer);
        }
    }
    all
}

/// What several demands are about; the environment is left open where there are several.
pub fn about(asked: &Asked<'_>) -> String {
    let about = &asked.first.about;
    match asked.environments.as_slice() {
        [_] | [] => about.clone(),
        _ if asked.first.environment.is_empty() => about.clone(),
        _ => about.replace(asked.first.environment.as_str(), "{environment}"),
    }
}

/// A path inside a value: `spec.containers[name=web].image`, keys with other characters in quotes.
pub fn path(segments: &[Segment]) -> String {
    let mut out = String::new();
    for segment in segments {
        match segment {
            Segment::Key(key) if plain(key) => {
                out += if out.is_empty() { "" } else { "." };
                out += key;
            }
            Segment::Key(key) => out += &format!("[{}]", Json::String(clip(key, 120))),
            Segment::Item { item, old, new } if item.is_empty() => {
                out += &new.or(*old).map_or("[]".to_owned(), |index| format!("[{index}]"));
            }
            Segment::Item { item, .. } => out += &format!("[{}]", clip(item, 120)),
        }
    }
    out
}

fn plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 120
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'/'))
}

/// A text whose invisible characters can be seen: no terminal and no browser acts on them.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\t' => out.push(c),
            c if invisible(c) => out += &format!("\\u{{{:x}}}", c as u32),
            c => out.push(c),
        }
    }
    out
}

/// Control characters, marks that turn the direction of writing, and what has no width.
fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// At most so many characters, all visible, with a sign where more were.
pub fn clip(text: &str, most: usize) -> String {
    let shown = visible(text);
    if shown.len() <= most || shown.chars().nth(most).is_none() {
        return shown;
    }
    shown.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// At most so many characters, the last of them: the end of a path says more than its beginning.
fn clip_front(text: &str, most: usize) -> String {
    let shown = visible(text);
    let length = shown.chars().count();
    if length <= most {
        return shown;
    }
    ['…'].into_iter().chain(shown.chars().skip(length + 1 - most)).collect()
}
