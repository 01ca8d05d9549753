//! Notes what templates read while they run.
//!
//! Every map and list of the values is known by its address, with the paths under which a user would set it. Maps and lists are
//! passed on by reference, so that whatever looks at one, wherever it got it from, is seen to look at these paths.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::How;
use crate::value::{Map, Value};

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A key of a map.
    Key(Arc<str>),
    /// The place in a list, from 0.
    Item(usize),
}

/// A path that something was read at, as a node of the tree of all of them.
#[derive(Debug, Default, Clone)]
pub(super) struct Node {
    pub children: BTreeMap<Step, usize>,
    /// By the template that was rendered and the file that the reading code is in.
    pub reads: BTreeMap<(usize, usize), How>,
}

/// The node of the values as a whole.
pub(crate) const ROOT: usize = 0;
/// Nodes, and copies of maps and lists: with more of them everything counts as read.
const MOST: usize = 1_000_000;
/// Paths that one map stands for, after many merges. With more of them all count as read as a whole.
const PATHS: usize = 64;
/// How deep values of two branches are put together.
const BOTH: usize = 30;
/// Deeper values are looked through no further.
const DEPTH: usize = 500;

/// Notes what templates read.
#[derive(Debug, Default)]
pub struct Tracer {
    pub(super) nodes: Vec<Node>,
    known: HashMap<usize, Vec<usize>>,
    /// Keeps every address in use.
    held: Vec<Value>,
    pub(super) files: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, usize>,
    entry: usize,
    /// Whether all branches are taken, whatever their conditions say.
    pub(crate) explores: bool,
    /// Whether it had to give up, so that nothing can be said to be unread.
    pub(crate) gave_up: bool,
    /// How many steps are left for taking all branches.
    pub(crate) left: u64,
}

fn address(value: &Value) -> Option<usize> {
    match value {
        Value::Map(map) => Some(map.address()),
        Value::List(list) => Some(list.address()),
        _ => None,
    }
}

impl Tracer {
    pub(crate) fn new() -> Tracer {
        Tracer { nodes: vec![Node::default()], ..Tracer::default() }
    }

    /// Names the template that is rendered.
    pub(crate) fn enter(&mut self, template: &str) {
        self.entry = self.file(template);
    }

    pub(super) fn file(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let name: Arc<str> = name.into();
        self.files.push(Arc::clone(&name));
        self.numbers.insert(name, self.files.len() - 1);
        self.files.len() - 1
    }

    /// Lets go of the values.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
        self.held.clear();
    }

    /// Lets go of the values and empties them, as they may hold each other in a circle once all branches were taken.
    pub(crate) fn empty(&mut self) {
        self.known.clear();
        for value in std::mem::take(&mut self.held) {
            if let Value::Map(map) = value {
                map.clear();
            }
        }
    }

    pub(crate) fn child(&mut self, node: usize, step: Step) -> usize {
        if let Some(child) = self.nodes[node].children.get(&step) {
            return *child;
        }
        if self.nodes.len() >= MOST {
            self.gave_up = true;
            return node;
        }
        self.nodes.push(Node::default());
        let child = self.nodes.len() - 1;
        self.nodes[node].children.insert(step, child);
        child
    }

    pub(crate) fn key(&mut self, node: usize, key: &str) -> usize {
        if let Some(child) = self.nodes[node].children.get(&Step::Key(key.into())) {
            return *child;
        }
        self.child(node, Step::Key(key.into()))
    }

    /// Says that these paths are what a map or a list stands for.
    pub(crate) fn know(&mut self, value: &Value, nodes: &[usize]) {
        let Some(address) = address(value) else { return };
        if self.held.len() >= MOST {
            self.gave_up = true;
            return;
        }
        let known = self.known.entry(address).or_default();
        if known.is_empty() {
            self.held.push(value.clone());
        }
        let mut too_many = Vec::new();
        for node in nodes {
            if known.contains(node) {
            } else if known.len() < PATHS {
                known.push(*node);
            } else {
                too_many.push(*node);
            }
        }
        let entry = self.entry;
        for node in too_many {
            self.mark(node, How::Whole, entry);
        }
    }

    fn known(&self, value: &Value) -> Vec<usize> {
        address(value).and_then(|address| self.known.get(&address)).cloned().unwrap_or_default()
    }

    pub(crate) fn mark(&mut self, node: usize, how: How, file: usize) {
        let read = self.nodes[node].reads.entry((self.entry, file)).or_default();
        *read = *read | how;
    }

    fn all(&mut self, value: &Value, how: How, file: &str) {
        let nodes = self.known(value);
        if nodes.is_empty() {
            return;
        }
        let file = self.file_of(file);
        for node in nodes {
            self.mark(node, how, file);
        }
    }

    /// The file that code is in; what `tpl` runs is taken to be in the template that is rendered.
    fn file_of(&mut self, file: &str) -> usize {
        if file == "gotpl" { self.entry } else { self.file(file) }
    }

    /// A key of a map, or a place of a list, was asked for.
    pub(crate) fn asked(&mut self, of: &Value, step: &Step, given: Option<&Value>, file: &str) {
        let nodes = self.known(of);
        if nodes.is_empty() {
            return;
        }
        let file = self.file_of(file);
        let how = match given {
            Some(Value::Map(_) | Value::List(_)) => How::Walked,
            _ => How::Whole,
        };
        for node in nodes {
            let child = self.child(node, step.clone());
            self.mark(child, how, file);
        }
    }

    /// A key of a map was asked for.
    pub(crate) fn asked_key(&mut self, of: &Map, key: &str, file: &str) {
        let value = Value::Map(of.clone());
        self.asked(&value, &Step::Key(key.into()), of.get(key).as_ref(), file);
    }

    /// It was looked whether there is anything.
    pub(crate) fn tested(&mut self, value: &Value, file: &str) {
        self.all(value, How::Tested, file);
    }

    /// Each key or item was looked at.
    pub(crate) fn listed(&mut self, value: &Value, file: &str) {
        self.all(value, How::Listed, file);
    }

    /// Something was looked at with all that is in it.
    pub(crate) fn whole(&mut self, value: &Value, file: &str) {
        let mut rest = vec![value.clone()];
        let mut seen = HashSet::new();
        while let Some(value) = rest.pop() {
            let Some(address) = address(&value) else { continue };
            if !seen.insert(address) {
                continue;
            }
            self.all(&value, How::Whole, file);
            let nests = |value: &&Value| matches!(value, Value::Map(_) | Value::List(_));
            match value {
                Value::Map(map) => rest.extend(map.entries().values().filter(nests).cloned()),
                Value::List(list) => rest.extend(list.iter().filter(nests).cloned()),
                _ => {}
            }
        }
    }

    /// What a function is about to look at in its arguments.
    pub(crate) fn calls(&mut self, function: &str, arguments: &[Value], file: &str) {
        let text = |at: usize| match arguments.get(at) {
            Some(Value::String(text)) => Some(&**text),
            _ => None,
        };
        match function {
            // They pass on what they are given.
            "include" | "tpl" | "dict" | "list" | "tuple" | "set" | "unset" | "ternary" => {}
            // The copy stands for the same paths.
            "deepCopy" | "mustDeepCopy" | "pick" | "omit" | "merge" | "mustMerge" | "mergeOverwrite"
            | "mustMergeOverwrite" => {}
            "get" | "hasKey" => {
                if let (Some(Value::Map(map)), Some(key)) = (arguments.first(), text(1)) {
                    self.asked_key(map, key, file);
                }
            }
            "pluck" => {
                for map in arguments.iter().skip(1) {
                    if let (Value::Map(map), Some(key)) = (map, text(0)) {
                        self.asked_key(map, key, file);
                    }
                }
            }
            "dig" => {
                let [path @ .., _, Value::Map(map)] = arguments else { return };
                let mut map = map.clone();
                for key in path {
                    let Value::String(key) = key else { return };
                    self.asked_key(&map, key, file);
                    map = match map.get(key) {
                        Some(Value::Map(next)) => next,
                        _ => return,
                    };
                }
            }
            "default" | "empty" | "coalesce" | "all" | "any" | "required" | "typeOf" | "typeIs" | "typeIsLike"
            | "kindOf" | "kindIs" | "not" | "and" | "or" => {
                for value in arguments {
                    self.tested(value, file);
                }
            }
            "keys" | "values" | "len" | "first" | "mustFirst" | "last" | "mustLast" | "rest" | "mustRest"
            | "initial" | "mustInitial" | "reverse" | "mustReverse" | "concat" | "append" | "mustAppend" | "push"
            | "mustPush" | "prepend" | "mustPrepend" | "slice" | "mustSlice" | "chunk" | "mustChunk" => {
                for value in arguments {
                    self.listed(value, file);
                }
            }
            "index" => {
                let Some((first, steps)) = arguments.split_first() else { return };
                let mut value = first.clone();
                for step in steps {
                    let (step, next) = match (&value, step) {
                        (Value::Map(map), Value::String(key)) => (Step::Key(Arc::clone(key)), map.get(key)),
                        (Value::List(list), step) => match step.whole().and_then(|at| usize::try_from(at).ok()) {
                            Some(at) => (Step::Item(at), list.get(at).cloned()),
                            None => return,
                        },
                        _ => return,
                    };
                    self.asked(&value, &step, next.as_ref(), file);
                    value = next.unwrap_or_default();
                }
            }
            _ => {
                for value in arguments {
                    self.whole(value, file);
                }
            }
        }
    }

    /// What a function gave stands for, where it is a copy of its arguments, or its arguments changed.
    pub(crate) fn called(&mut self, function: &str, arguments: &[Value], given: &Value) {
        match function {
            "deepCopy" | "mustDeepCopy" => {
                if let Some(of) = arguments.first() {
                    self.copied(of, given, 0);
                }
            }
            "pick" | "omit" => {
                if let Some(of) = arguments.first() {
                    let nodes = self.known(of);
                    self.know_some(given, &nodes);
                }
            }
            "merge" | "mustMerge" | "mergeOverwrite" | "mustMergeOverwrite" => {
                for source in arguments.iter().skip(1) {
                    self.merged(source, given, 0);
                }
            }
            _ => {}
        }
    }

    fn know_some(&mut self, value: &Value, nodes: &[usize]) {
        if !nodes.is_empty() {
            self.know(value, nodes);
        }
    }

    fn copied(&mut self, of: &Value, copy: &Value, depth: usize) {
        if depth > DEPTH {
            self.gave_up = true;
            return;
        }
        let nodes = self.known(of);
        self.know_some(copy, &nodes);
        match (of, copy) {
            (Value::Map(of), Value::Map(copy)) => {
                let copy = copy.entries();
                for (key, value) in of.entries().iter() {
                    if let Some(copy) = copy.get(key) {
                        self.copied(value, copy, depth + 1);
                    }
                }
            }
            (Value::List(of), Value::List(copy)) => {
                for (of, copy) in of.iter().zip(copy.iter()) {
                    self.copied(of, copy, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn merged(&mut self, source: &Value, into: &Value, depth: usize) {
        let (Value::Map(from), Value::Map(to)) = (source, into) else { return };
        if from.same(to) {
            return;
        }
        if depth > DEPTH {
            self.gave_up = true;
            return;
        }
        let nodes = self.known(source);
        self.know_some(into, &nodes);
        let to = to.entries();
        for (key, value) in from.entries().iter() {
            if let (Value::Map(_), Some(there)) = (value, to.get(key)) {
                self.merged(value, there, depth + 1);
            }
        }
    }

    /// What a variable may hold that is assigned to in one of several branches; none where that is what is assigned last.
    pub(crate) fn either(&mut self, old: &Value, new: &Value, file: &str) -> Option<Value> {
        match (old, new) {
            (Value::Map(_), Value::Map(_)) => Some(self.both(old, new, file, 0)),
            (Value::List(_), Value::List(_)) => {
                if self.known(old).iter().any(|node| !self.known(new).contains(node)) {
                    self.whole(old, file);
                }
                None
            }
            (Value::Map(_) | Value::List(_), _) => Some(old.clone()),
            _ => None,
        }
    }

    fn both(&mut self, old: &Value, new: &Value, file: &str, depth: usize) -> Value {
        let (Value::Map(one), Value::Map(other)) = (old, new) else { return new.clone() };
        if one.same(other) {
            return new.clone();
        }
        if depth > BOTH {
            self.whole(old, file);
            return new.clone();
        }
        let mut nodes = self.known(old);
        nodes.extend(self.known(new));
        let mut entries = (*one.entries()).clone();
        for (key, value) in other.entries().iter() {
            let value = match entries.get(key) {
                Some(there @ Value::Map(_)) if matches!(value, Value::Map(_)) => {
                    self.both(&there.clone(), value, file, depth + 1)
                }
                Some(there @ (Value::Map(_) | Value::List(_))) if address(value).is_none() => there.clone(),
                Some(there) => {
                    let there = there.clone();
                    self.whole(&there, file);
                    value.clone()
                }
                None => value.clone(),
            };
            entries.insert(Arc::clone(key), value);
        }
        let both = Value::Map(Map::of(one.item_type(), entries));
        self.know_some(&both, &nodes);
        both
    }

    /// Whether to put this there would hide values of the user's.
    pub(crate) fn hides(&self, map: &Map, key: &str, value: Option<&Value>) -> bool {
        let Some(old) = map.get(key) else { return false };
        let old = self.known(&old);
        let new = value.map(|value| self.known(value)).unwrap_or_default();
        old.iter().any(|node| !new.contains(node))
    }
}
