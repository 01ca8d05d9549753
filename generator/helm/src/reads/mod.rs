//! Which values templates read, and which of those that are set nobody does.
//!
//! Paths are those of the values as they are given for the chart that is rendered: what the subchart `db` knows as `.Values.size`
//! is `db.size`, and its `.Values.global.zone` is `global.zone` as well as `db.global.zone`.
//!
//! Two things are known about a value. In this rendering, each read is noted while templates run ([`Reads::all`],
//! [`Reads::templates`]). And then all templates run once more with every branch taken, whatever its condition says, so that what
//! some other values would make them read is known too. A key that is set is unread ([`Reads::unread`]) where neither reads it, nor
//! looks at what holds it as a whole.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::chart::values::{ROOT as TOP, Tree};
use crate::chart::{Chart, ImportValue};
use crate::value::{Map, Value};

mod mentions;
mod near;
mod trace;

pub use mentions::Mentions;
pub use trace::{Step, Tracer};

/// How a value was read. What is said of a map or list later in this list includes what is said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum How {
    /// It was passed on, or something in it was asked for.
    #[default]
    Walked,
    /// It was looked whether there is anything in it, or of what kind it is.
    Tested,
    /// Its keys or items were gone through one by one. What they hold may have been read or not.
    Listed,
    /// It was looked at with all that is in it: written out, compared, worked on. Each scalar that is read is read so.
    Whole,
}

impl std::ops::BitOr for How {
    type Output = How;

    fn bitor(self, other: How) -> How {
        self.max(other)
    }
}

/// Where a value is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// A path of keys.
    pub fn of_keys<'k>(keys: impl IntoIterator<Item = &'k str>) -> Path {
        Path(keys.into_iter().map(|key| Step::Key(key.into())).collect())
    }

    fn with(&self, step: Step) -> Path {
        let mut steps = self.0.clone();
        steps.push(step);
        Path(steps)
    }
}

impl fmt::Display for Path {
    /// `a.b[0]."with.dot"`
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(item) => write!(to, "[{item}]")?,
                Step::Key(key) => {
                    if at > 0 {
                        to.write_str(".")?;
                    }
                    if key.is_empty() || key.contains(['.', '[', '"', ' ']) {
                        write!(to, "{key:?}")?;
                    } else {
                        to.write_str(key)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A value was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<'r> {
    /// Which.
    pub path: Path,
    /// How.
    pub how: How,
    /// The template that was rendered: `chart/templates/file.yaml`. `chart/Chart.yaml` where a condition or a tag was read.
    pub template: &'r str,
    /// The file that the reading code is in: the same, or one of partials.
    pub file: &'r str,
}

/// A value that is set, and that no template reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where it is. What is below is not read either, and not listed.
    pub path: Path,
    /// Why it is thought that nobody reads it.
    pub why: Why,
    /// What may have been meant, where something is read under a name like this.
    pub nearest: Option<String>,
}

/// Why a value is thought to be unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No template knows its name.
    Unknown,
    /// Some template knows the name, but none reads it here.
    Elsewhere,
    /// It is for a subchart that does not take part; the name of the subchart.
    Off(String),
}

/// A chart that takes part, or could.
#[derive(Debug)]
struct Scope {
    path: Keys,
    mentions: Mentions,
    off: bool,
}

/// What was read in a rendering.
#[derive(Debug, Clone)]
pub struct Reads(Arc<Known>);

#[derive(Debug)]
struct Known {
    read: Tracer,
    could: Tracer,
    defaults: Value,
    scopes: Vec<Scope>,
    /// What several charts share: templates that have names, and texts in values.
    shared: Mentions,
    /// What charts take over from below.
    imports: Vec<Import>,
}

/// From where, and to where.
type Import = (Keys, Keys);
/// The keys that lead to a table.
type Keys = Vec<Arc<str>>;

impl PartialEq for Reads {
    fn eq(&self, other: &Reads) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Tracer {
    /// Learns under which paths the values of a chart and its subcharts are set.
    pub(crate) fn learn(&mut self, tree: &Tree, values: &Map) {
        self.learn_in(Some((tree, TOP)), &[trace::ROOT], &[], &Value::Map(values.clone()));
    }

    fn learn_in(&mut self, chart: Option<(&Tree, usize)>, nodes: &[usize], globals: &[usize], value: &Value) {
        self.know(value, nodes);
        match value {
            Value::Map(map) => {
                for (key, value) in map.entries().iter() {
                    if !matches!(value, Value::Map(_) | Value::List(_)) {
                        continue;
                    }
                    let mut below: Vec<usize> = nodes.iter().map(|node| self.key(*node, key)).collect();
                    let child = chart.and_then(|(tree, at)| {
                        let children = &tree.nodes[at].children;
                        children.iter().find(|child| *tree.nodes[**child].name == **key).map(|child| (tree, *child))
                    });
                    let mut handed = Vec::new();
                    if child.is_some() {
                        handed.extend_from_slice(globals);
                        handed.extend(nodes.iter().map(|node| self.key(*node, "global")));
                    } else if chart.is_some() && &**key == "global" {
                        below.extend_from_slice(globals);
                    }
                    self.learn_in(child, &below, &handed, value);
                }
            }
            Value::List(list) => {
                for (at, value) in list.iter().enumerate() {
                    if matches!(value, Value::Map(_) | Value::List(_)) {
                        let below: Vec<usize> = nodes.iter().map(|node| self.child(*node, Step::Item(at))).collect();
                        self.learn_in(None, &below, &[], value);
                    }
                }
            }
            _ => {}
        }
    }

    fn at(&self, path: &[Step]) -> Option<usize> {
        path.iter().try_fold(trace::ROOT, |node, step| self.nodes[node].children.get(step).copied())
    }

    /// Whether it, or something below it, was read.
    fn touched(&self, node: usize) -> bool {
        let node = &self.nodes[node];
        !node.reads.is_empty() || node.children.values().any(|child| self.touched(*child))
    }

    fn how_at(&self, node: usize) -> Option<How> {
        self.nodes[node].reads.values().copied().max()
    }

    /// How what is at a path was read; as a whole, where that is so for something that holds it.
    fn how(&self, path: &[Step]) -> Option<How> {
        let mut node = trace::ROOT;
        let mut above = None;
        for step in path {
            above = self.how_at(node);
            if above == Some(How::Whole) {
                return above;
            }
            match self.nodes[node].children.get(step) {
                Some(child) => node = *child,
                None => {
                    // The key was there, and gone through, though nothing in it was asked for.
                    let last = path.last() == Some(step);
                    return above.filter(|how| *how == How::Listed && last).map(|_| How::Walked);
                }
            }
        }
        let listed = (above == Some(How::Listed) || self.touched(node)).then_some(How::Walked);
        self.how_at(node).or(listed)
    }

    fn gather<'r>(&'r self, node: usize, path: &Path, all: &mut Vec<Read<'r>>) {
        for ((template, file), how) in &self.nodes[node].reads {
            all.push(Read {
                path: path.clone(),
                how: *how,
                template: &self.files[*template],
                file: &self.files[*file],
            });
        }
        for (step, child) in &self.nodes[node].children {
            self.gather(*child, &path.with(step.clone()), all);
        }
    }

    fn templates_of<'r>(&'r self, node: usize, all: &mut BTreeSet<&'r str>) {
        all.extend(self.nodes[node].reads.keys().map(|(template, _)| &*self.files[*template]));
    }

    fn templates_below<'r>(&'r self, node: usize, all: &mut BTreeSet<&'r str>) {
        self.templates_of(node, all);
        for child in self.nodes[node].children.values() {
            self.templates_below(*child, all);
        }
    }

    /// Notes what conditions and tags of dependencies read.
    fn conditions(&mut self, chart: &Chart, path: &[Arc<str>], name: &str) {
        let file = format!("{name}/Chart.yaml");
        self.enter(&file);
        let file = self.file(&file);
        for dependency in chart.metadata.dependencies.iter().flatten() {
            for condition in dependency.condition.split(',').map(str::trim).filter(|condition| !condition.is_empty()) {
                // A subchart's globals are those of whoever is above it, too.
                let from = if condition.starts_with("global.") { 0 } else { path.len() };
                for depth in from..=path.len() {
                    let mut node = trace::ROOT;
                    for key in path[..depth].iter().map(|key| &**key).chain(condition.split('.')) {
                        node = self.key(node, key);
                    }
                    self.mark(node, How::Whole, file);
                }
            }
            for tag in &dependency.tags {
                let own = path.iter().fold(trace::ROOT, |node, key| self.key(node, key));
                for node in [trace::ROOT, own] {
                    let tags = self.key(node, "tags");
                    let tag = self.key(tags, tag);
                    self.mark(tag, How::Whole, file);
                }
            }
        }
    }
}

/// The path of a chart's values.
fn values_path(tree: &Tree, at: usize) -> Keys {
    let mut path = Vec::new();
    let mut at = at;
    while let Some(parent) = tree.nodes[at].parent {
        path.push(Arc::from(tree.nodes[at].name.as_str()));
        at = parent;
    }
    path.reverse();
    path
}

impl Reads {
    pub(crate) fn new(tree: &Tree, mut read: Tracer, could: Tracer, values: &Map, defaults: Map) -> Reads {
        let mut known = Known {
            read: Tracer::new(),
            could,
            defaults: defaults.into(),
            scopes: Vec::new(),
            shared: Mentions::default(),
            imports: Vec::new(),
        };
        known.shared.texts(&Value::Map(values.clone()));
        known.add(tree, TOP, &mut read);
        known.read = read;
        Reads(Arc::new(known))
    }

    /// Everything that was read, by path.
    pub fn all(&self) -> Vec<Read<'_>> {
        let mut all = Vec::new();
        self.0.read.gather(trace::ROOT, &Path::default(), &mut all);
        all
    }

    /// The templates that read something at or below a path, or that looked at what holds it as a whole.
    pub fn templates(&self, path: &Path) -> BTreeSet<&str> {
        let mut all = BTreeSet::new();
        for path in self.0.names(&path.0) {
            let read = &self.0.read;
            for (depth, _) in path.iter().enumerate() {
                let Some(node) = read.at(&path[..depth]) else { break };
                let enough = if depth + 1 == path.len() { How::Listed } else { How::Whole };
                let reads = read.nodes[node].reads.iter().filter(|(_, how)| **how >= enough);
                all.extend(reads.map(|((template, _), _)| &*read.files[*template]));
            }
            if let Some(node) = read.at(&path) {
                read.templates_below(node, &mut all);
            }
        }
        all
    }

    /// How what is at a path was read in this rendering; as a whole where that is so for something that holds it.
    pub fn how(&self, path: &Path) -> Option<How> {
        self.0.names(&path.0).iter().filter_map(|path| self.0.read.how(path)).max()
    }

    /// Which of these values, which are the ones that the chart was rendered with, no template reads, whatever branches it takes.
    pub fn unread(&self, values: &Value) -> Vec<Unread> {
        let mut unread = Vec::new();
        if !self.0.read.gave_up && !self.0.could.gave_up {
            self.0.judge(values, &Path::default(), &mut unread);
        }
        unread
    }

    /// Whether all templates could be run with all branches taken. Where not, nothing is said to be unread.
    pub fn complete(&self) -> bool {
        !self.0.read.gave_up && !self.0.could.gave_up
    }
}

impl Known {
    fn add(&mut self, tree: &Tree, at: usize, read: &mut Tracer) {
        let node = &tree.nodes[at];
        let path = values_path(tree, at);
        read.conditions(&node.chart, &path, &tree.full_path(at));
        let mentions = Mentions::of(&node.chart, &mut self.shared);
        self.scopes.push(Scope { path: path.clone(), mentions, off: false });
        for dependency in node.chart.metadata.dependencies.iter().flatten() {
            let name = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            let mut below = path.clone();
            below.push(name.as_str().into());
            let there = node.children.iter().any(|child| tree.nodes[*child].name == *name);
            if !there && let Some(chart) = node.chart.dependencies.iter().find(|chart| chart.name() == dependency.name)
            {
                self.add_off(chart, &below);
                continue;
            }
            for import in &dependency.import_values {
                let (child, parent) = match import {
                    ImportValue::Export(name) => (format!("exports.{name}"), "."),
                    ImportValue::Table { child, parent } => (child.clone(), parent.as_str()),
                    ImportValue::Other => continue,
                };
                let steps = |path: &[Arc<str>], more: &str| {
                    path.iter().cloned().chain(more.split('.').filter(|key| !key.is_empty()).map(Arc::from)).collect()
                };
                self.imports.push((steps(&below, &child), steps(&path, parent)));
            }
        }
        for child in node.children.clone() {
            self.add(tree, child, read);
        }
    }

    fn add_off(&mut self, chart: &Chart, path: &[Arc<str>]) {
        let mut own = Mentions::default();
        let mut mentions = Mentions::of(chart, &mut own);
        mentions.extend(own);
        self.scopes.push(Scope { path: path.to_vec(), mentions, off: true });
        for chart in &chart.dependencies {
            let mut path = path.to_vec();
            path.push(chart.name().into());
            self.add_off(chart, &path);
        }
    }

    /// The paths under which templates know what is set at a path: itself, and where it is imported to.
    fn names(&self, path: &[Step]) -> Vec<Vec<Step>> {
        let mut names = vec![path.to_vec()];
        let mut at = 0;
        while let Some(name) = names.get(at).cloned() {
            at += 1;
            for (from, to) in &self.imports {
                if let Some(rest) = below(&name, from) {
                    let new: Vec<Step> = to.iter().cloned().map(Step::Key).chain(rest.iter().cloned()).collect();
                    if names.len() < 100 && !names.contains(&new) {
                        names.push(new);
                    }
                }
            }
        }
        names
    }

    fn how(&self, path: &[Step]) -> Option<How> {
        let imported = self.imports.iter().any(|(from, _)| {
            path.len() <= from.len() && path.iter().zip(from).all(|(step, key)| *step == Step::Key(Arc::clone(key)))
        });
        let names = self.names(path);
        let how = names.iter().flat_map(|path| [self.read.how(path), self.could.how(path)]).flatten().max();
        how.or(imported.then_some(How::Walked))
    }

    fn default(&self, path: &[Step]) -> Value {
        path.iter().fold(self.defaults.clone(), |value, step| match (value, step) {
            (Value::Map(map), Step::Key(key)) => map.get(key).unwrap_or_default(),
            (Value::List(list), Step::Item(at)) => list.get(*at).cloned().unwrap_or_default(),
            _ => Value::Nil,
        })
    }

    fn judge(&self, value: &Value, path: &Path, unread: &mut Vec<Unread>) {
        let below: Vec<(Step, Value)> = match value {
            Value::Map(map) => {
                map.entries().iter().map(|(key, value)| (Step::Key(Arc::clone(key)), value.clone())).collect()
            }
            Value::List(list) => list.iter().cloned().enumerate().map(|(at, value)| (Step::Item(at), value)).collect(),
            _ => return,
        };
        for (step, value) in below {
            let path = path.with(step);
            match self.how(&path.0) {
                Some(How::Whole) => {}
                // Whether there is anything: where nothing is by default, it is there because of what is set.
                Some(How::Tested) if !self.default(&path.0).truth() => {}
                Some(_) => self.judge(&value, &path, unread),
                None => unread.extend(self.verdict(path)),
            }
        }
    }

    fn verdict(&self, path: Path) -> Option<Unread> {
        // A place in a list has no name that could be wrong.
        let Some(Step::Key(key)) = path.0.last() else { return None };
        let keys: Vec<Arc<str>> = path
            .0
            .iter()
            .map_while(|step| match step {
                Step::Key(key) => Some(Arc::clone(key)),
                Step::Item(_) => None,
            })
            .collect();
        let off = self.scopes.iter().filter(|scope| scope.off);
        let name = |scope: &Scope| Why::Off(scope.path.join("."));
        if let Some(scope) = off.clone().find(|scope| keys.starts_with(&scope.path)) {
            return Some(Unread { path, why: name(scope), nearest: None });
        }
        if keys.first().is_some_and(|first| &**first == "global")
            && let Some(scope) = off.clone().find(|scope| scope.mentions.has(key))
        {
            return Some(Unread { path, why: name(scope), nearest: None });
        }
        // The charts whose values these are: the subchart, and those that it is a part of.
        let owners =
            || self.scopes.iter().filter(|scope| keys.len() > scope.path.len() && keys.starts_with(&scope.path));
        let mentioned = self.shared.has(key) || owners().any(|scope| scope.mentions.has(key));
        let why = if mentioned { Why::Elsewhere } else { Why::Unknown };
        let owner = owners().max_by_key(|scope| scope.path.len()).map_or(0, |scope| scope.path.len());
        let nearest = self.nearest(&path, key, owner);
        Some(Unread { path, why, nearest })
    }

    /// What may have been meant.
    fn nearest(&self, path: &Path, key: &str, owner: usize) -> Option<String> {
        let (_, above) = path.0.split_last()?;
        let mut siblings: BTreeSet<Arc<str>> = BTreeSet::new();
        if let Value::Map(map) = self.default(above) {
            siblings.extend(map.entries().keys().cloned());
        }
        for tracer in [&self.read, &self.could] {
            let Some(node) = tracer.at(above) else { continue };
            let children = tracer.nodes[node].children.iter().filter(|(_, child)| tracer.touched(**child));
            siblings.extend(children.filter_map(|(step, _)| match step {
                Step::Key(key) => Some(Arc::clone(key)),
                Step::Item(_) => None,
            }));
        }
        siblings.remove(key);
        if let Some(near) = near::nearest(key, siblings.iter().map(|name| &**name)) {
            return Some(Path(above.to_vec()).with(Step::Key(near.into())).to_string());
        }
        // The same name, elsewhere in the same chart.
        let within = self.could.at(path.0.get(..owner)?)?;
        let mut level = vec![(within, Path(path.0.get(..owner)?.to_vec()))];
        let mut seen = HashSet::new();
        while !level.is_empty() {
            let mut next = Vec::new();
            for (node, at) in &level {
                for (step, child) in &self.could.nodes[*node].children {
                    let there = at.with(step.clone());
                    let same = matches!(step, Step::Key(name) if name.eq_ignore_ascii_case(key));
                    if same && there != *path && self.could.touched(*child) {
                        return Some(there.to_string());
                    }
                    if seen.insert(*child) {
                        next.push((*child, there));
                    }
                }
            }
            level = next;
        }
        None
    }
}

/// What is left of a path below another.
fn below<'p>(path: &'p [Step], above: &[Arc<str>]) -> Option<&'p [Step]> {
    let same = path.len() >= above.len()
        && path.iter().zip(above).all(|(step, key)| matches!(step, Step::Key(step) if step == key));
    same.then(|| &path[above.len()..])
}
