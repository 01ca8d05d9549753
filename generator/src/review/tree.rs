//! Two trees of one environment, file by file and object by object: who comes, who goes, who becomes another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::model::{Action, Class, Finding, Object};
use super::rules;
use crate::diagnostic::FileId;
use crate::objects::manifest::Identity;
use crate::pipeline::compare::INDEX;
use crate::values::edit::{self, Edit};
use crate::yaml;

/// The rendered files of one environment by path below `argocd/<environment>/`, with the component of each.
pub type Files<'f> = BTreeMap<&'f str, (&'f [u8], &'f str)>;

/// What happens to one object of one environment.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Environment.
    pub environment: String,
    /// What happens.
    pub action: Action,
    /// The component that it belongs to, after the change where it stays.
    pub component: String,
    /// The Application whose chart makes it; none for what is committed as it is.
    pub chart: Option<String>,
    /// Who it is, after the change where it stays.
    pub object: Object,
    /// Who it was, where that is another.
    pub was: Option<Object>,
    /// Its file before.
    pub base_file: Option<String>,
    /// Its file after.
    pub head_file: Option<String>,
    /// It, before; the contents of Secrets are not in it.
    pub base: Option<Json>,
    /// It, after.
    pub head: Option<Json>,
    /// What differs.
    pub edits: Vec<Edit>,
    /// What rules say of the whole.
    pub findings: Vec<Finding>,
    /// What rules say of each edit, in the same order.
    pub edit_findings: Vec<Finding>,
}

impl Raw {
    /// The worst that is said of it.
    pub fn class(&self) -> Class {
        self.findings.iter().chain(&self.edit_findings).map(|finding| finding.class).min().unwrap_or(
            match self.action {
                Action::Removed => Class::Destroyed,
                Action::Renamed => Class::Identity,
                Action::Changed => Class::Cosmetic,
                Action::Added => Class::New,
            },
        )
    }
}

/// An object where it was found.
#[derive(Debug, Clone)]
pub struct Found<'f> {
    /// Its file; of an object of a chart that of the Application.
    pub file: &'f str,
    /// Its component.
    pub component: &'f str,
    /// The object.
    pub content: Json,
}

/// Everything that differs between two trees of an environment. `index.yaml` follows from the rest and is not an object.
pub fn changes(environment: &str, base: &Files<'_>, head: &Files<'_>) -> Vec<Raw> {
    let differs = |path: &str| base.get(path).map(|file| file.0) != head.get(path).map(|file| file.0);
    let before = objects(base.iter().filter(|(path, _)| differs(path)));
    let after = objects(head.iter().filter(|(path, _)| differs(path)));
    // Where a whole environment comes or goes, nothing was renamed.
    pair(environment, before, after, !base.is_empty() && !head.is_empty())
}

/// Everything that differs between two sets of objects, of which none are the same in both.
pub fn pair<'f>(
    environment: &str,
    mut before: BTreeMap<Object, Found<'f>>,
    mut after: BTreeMap<Object, Found<'f>>,
    may_be_renamed: bool,
) -> Vec<Raw> {
    let mut raws = Vec::new();
    let same: Vec<Object> = before.keys().filter(|object| after.contains_key(object)).cloned().collect();
    for object in same {
        if let (Some(old), Some(new)) = (before.remove(&object), after.remove(&object)) {
            raws.push(both(environment, Action::Changed, object, None, old, new));
        }
    }
    if may_be_renamed {
        for (was, object) in renamed(&before, &after) {
            if let (Some(old), Some(new)) = (before.remove(&was), after.remove(&object)) {
                raws.push(both(environment, Action::Renamed, object, Some(was), old, new));
            }
        }
    }
    raws.extend(before.into_iter().map(|(object, found)| one(environment, Action::Removed, object, found)));
    raws.extend(after.into_iter().map(|(object, found)| one(environment, Action::Added, object, found)));
    raws
}

/// How many objects and files a tree has.
pub fn count<'f>(paths: impl Iterator<Item = &'f str>) -> usize {
    paths.filter(|path| *path != INDEX).count()
}

fn both(environment: &str, action: Action, object: Object, was: Option<Object>, old: Found<'_>, new: Found<'_>) -> Raw {
    let edits = edit::diff(&old.content, &new.content, rules::lists());
    let judged = rules::judge(&object, action, Some(&old.content), Some(&new.content), &edits);
    let mut raw = Raw {
        environment: environment.to_owned(),
        action,
        component: new.component.to_owned(),
        chart: None,
        object,
        was,
        base_file: Some(old.file.to_owned()),
        head_file: Some(new.file.to_owned()),
        base: None,
        head: None,
        edits,
        findings: judged.findings,
        edit_findings: judged.edits,
    };
    if raw.edits.is_empty() && raw.findings.is_empty() {
        let (rule, reason) = match old.file == new.file {
            true => ("layout", "only comments or layout differ"),
            false => ("file-moved", "the same object in another file"),
        };
        raw.findings.push(Finding {
            class: Class::Cosmetic,
            rule: rule.to_owned(),
            reason: reason.to_owned(),
            remedy: String::new(),
        });
    }
    rules::mask_edits(&raw.object, &mut raw.edits);
    raw
}

fn one(environment: &str, action: Action, object: Object, found: Found<'_>) -> Raw {
    let Found { file, component, mut content } = found;
    let is_new = action == Action::Added;
    let (base, head) = if is_new { (None, Some(&content)) } else { (Some(&content), None) };
    let judged = rules::judge(&object, action, base, head, &[]);
    rules::mask(&object, &mut content);
    Raw {
        environment: environment.to_owned(),
        action,
        component: component.to_owned(),
        chart: None,
        object,
        was: None,
        base_file: (!is_new).then(|| file.to_owned()),
        head_file: is_new.then(|| file.to_owned()),
        base: (!is_new).then(|| content.clone()),
        head: is_new.then_some(content),
        edits: Vec::new(),
        findings: judged.findings,
        edit_findings: Vec::new(),
    }
}

fn objects<'f>(files: impl Iterator<Item = (&'f &'f str, &'f (&'f [u8], &'f str))>) -> BTreeMap<Object, Found<'f>> {
    let mut found = BTreeMap::new();
    for (path, (text, component)) in files.filter(|(path, _)| **path != INDEX) {
        for (object, content) in read(path, text) {
            found.insert(object, Found { file: path, component, content });
        }
    }
    found
}

/// The objects in a file; one that stands for the file itself where it holds none. What bootstraps a cluster is applied as files.
pub fn read(path: &str, text: &[u8]) -> Vec<(Object, Json)> {
    let text = String::from_utf8_lossy(text);
    let parsed = || yaml::parse_all(FileId(u32::MAX), &text).unwrap_or_default();
    let mut documents = match path.ends_with(".yaml") || path.ends_with(".json") {
        true => yaml::written::read_all(&text).unwrap_or_else(|| parsed().iter().map(yaml::Node::to_json).collect()),
        false => Vec::new(),
    };
    let as_file = |content| {
        let name = path.to_owned();
        vec![(Object { group: String::new(), kind: "File".to_owned(), namespace: String::new(), name }, content)]
    };
    let is_applied_as_file = path.starts_with("bootstrap/");
    let identities: Option<Vec<Identity>> = documents.iter().map(Identity::of_json).collect();
    match identities {
        _ if documents.is_empty() => as_file(Json::String(text.into_owned())),
        Some(identities) if !is_applied_as_file => identities.into_iter().map(Object::from).zip(documents).collect(),
        _ if is_applied_as_file && documents.len() == 1 => as_file(documents.remove(0)),
        _ => as_file(Json::Array(documents)),
    }
}

impl From<Identity> for Object {
    fn from(identity: Identity) -> Object {
        let Identity { group, kind, namespace, name } = identity;
        Object { group, kind, namespace, name }
    }
}

/// So much of two objects must be the same for one to be the other with a new name.
const SIMILAR: f64 = 0.6;

/// More candidates of one kind than this are not compared each with each.
const CANDIDATES: usize = 64;

/// Pairs of objects that went and came and are the same but for their name, namespace or group; the most similar first.
fn renamed(before: &BTreeMap<Object, Found<'_>>, after: &BTreeMap<Object, Found<'_>>) -> Vec<(Object, Object)> {
    let kinds: BTreeSet<&str> = before.keys().map(|object| object.kind.as_str()).collect();
    let mut pairs = Vec::new();
    for kind in kinds {
        let of_kind = |found: &BTreeMap<Object, Found<'_>>| -> Vec<(Object, BTreeSet<String>)> {
            let objects = found.iter().filter(|(object, _)| object.kind == kind);
            objects.map(|(object, found)| (object.clone(), leaves(&found.content))).collect()
        };
        let (old, new) = (of_kind(before), of_kind(after));
        if old.len() > CANDIDATES || new.len() > CANDIDATES {
            continue;
        }
        for (was, contents) in &old {
            for (object, others) in &new {
                let shared = contents.intersection(others).count();
                let all = contents.len() + others.len() - shared;
                let score = if all == 0 { 0.0 } else { shared as f64 / all as f64 };
                if score >= SIMILAR {
                    pairs.push(((score * 1e6) as u64, was.clone(), object.clone()));
                }
            }
        }
    }
    pairs.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (&a.1, &a.2).cmp(&(&b.1, &b.2))));
    let (mut gone, mut come) = (BTreeSet::new(), BTreeSet::new());
    pairs.retain(|(_, was, object)| {
        let is_free = !gone.contains(was) && !come.contains(object);
        if is_free {
            gone.insert(was.clone());
            come.insert(object.clone());
        }
        is_free
    });
    pairs.into_iter().map(|(_, was, object)| (was, object)).collect()
}

/// Every scalar of an object with its path, but for what says who it is.
fn leaves(content: &Json) -> BTreeSet<String> {
    fn walk(value: &Json, path: &mut String, found: &mut BTreeSet<String>) {
        let length = path.len();
        match value {
            Json::Object(map) => {
                for (key, value) in map {
                    path.push('/');
                    path.push_str(key);
                    if !matches!(path.as_str(), "/apiVersion" | "/kind" | "/metadata/name" | "/metadata/namespace") {
                        walk(value, path, found);
                    }
                    path.truncate(length);
                }
            }
            Json::Array(items) => {
                path.push_str("/-");
                for item in items {
                    walk(item, path, found);
                }
                path.truncate(length);
            }
            Json::String(text) => {
                for line in text.lines() {
                    found.insert(format!("{path}={line}"));
                }
            }
            other => {
                found.insert(format!("{path}={other}"));
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(content, &mut String::new(), &mut found);
    found
}
