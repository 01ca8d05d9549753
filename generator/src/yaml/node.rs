//! A tree of YAML values in which every node remembers each place that set it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use smallvec::SmallVec;

use crate::diagnostic::Origin;

/// The places that set a value, winner last. Almost always one.
pub type Origins = SmallVec<[Origin; 1]>;

/// A value and every place that set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value that won.
    pub value: Value,
    /// All places that set it, winner last. Never empty for a node that was parsed.
    pub origins: Origins,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`; `yes` and `on` are strings.
    Bool(bool),
    /// An integer or a finite float.
    Number(serde_json::Number),
    /// Any other scalar.
    String(Arc<str>),
    /// A sequence.
    List(Vec<Arc<Node>>),
    /// A mapping, sorted by key.
    Map(Map),
}

/// A mapping with string keys, sorted: iteration order never depends on the order in a file.
pub type Map = BTreeMap<Arc<str>, Entry>;

/// A key's place and its value. Values are shared: laying an overlay copies only what it touches.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands, in the overlay that set it last.
    pub key_at: Origin,
    /// The value.
    pub node: Arc<Node>,
}

/// One step down, from a collection to what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'n> {
    /// To the value of a key.
    Key(&'n str),
    /// To an item of a list.
    Item(usize),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Key(key) => f.write_str(key),
            Step::Item(index) => write!(f, "{index}"),
        }
    }
}

/// Steps as messages write them: `spec.ports.0.nodePort`.
pub fn dotted(path: &[Step<'_>]) -> String {
    path.iter().map(Step::to_string).collect::<Vec<_>>().join(".")
}

impl Node {
    /// A node set in one place.
    pub fn new(value: Value, origin: Origin) -> Node {
        Node { value, origins: SmallVec::from_elem(origin, 1) }
    }

    /// The place that won.
    pub fn origin(&self) -> Option<Origin> {
        self.origins.last().copied()
    }

    /// The mapping, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Arc<Node>]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// A child by key, where this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Arc<Node>> {
        self.as_map()?.get(key).map(|entry| &entry.node)
    }

    /// The place of a key, where this is a map that has it.
    pub fn key_origin(&self, key: &str) -> Option<Origin> {
        self.as_map()?.get(key).map(|entry| entry.key_at)
    }

    /// A descendant by path; list items by their index.
    pub fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Node> {
        let mut node = self;
        for segment in path {
            node = match &node.value {
                Value::Map(map) => &map.get(segment)?.node,
                Value::List(items) => items.get(segment.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(node)
    }

    /// Shows this node and then everything below it, in order, each with the steps that lead to it from here.
    pub fn visit<'n>(&'n self, look: &mut impl FnMut(&'n Node, &[Step<'n>])) {
        self.visit_at(&mut Vec::new(), look);
    }

    fn visit_at<'n>(&'n self, path: &mut Vec<Step<'n>>, look: &mut impl FnMut(&'n Node, &[Step<'n>])) {
        look(self, path);
        let mut below = |step, node: &'n Node| {
            path.push(step);
            node.visit_at(path, look);
            path.pop();
        };
        match &self.value {
            Value::Map(map) => map.iter().for_each(|(key, entry)| below(Step::Key(key), &entry.node)),
            Value::List(items) => items.iter().enumerate().for_each(|(index, item)| below(Step::Item(index), item)),
            _ => {}
        }
    }

    /// Whether a `null` stands anywhere in it.
    pub fn has_null(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Map(map) => map.values().any(|entry| entry.node.has_null()),
            Value::List(items) => items.iter().any(|item| item.has_null()),
            _ => false,
        }
    }

    /// The same tree without places.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => serde_json::Value::Bool(*value),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::String(text) => serde_json::Value::String(text.as_ref().to_owned()),
            Value::List(items) => serde_json::Value::Array(items.iter().map(|item| item.to_json()).collect()),
            Value::Map(map) => serde_json::Value::Object(
                map.iter().map(|(key, entry)| (key.as_ref().to_owned(), entry.node.to_json())).collect(),
            ),
        }
    }

    /// The same tree without places and without map entries that are null: for `cluster` and `settings`,
    /// where null means absent.
    pub fn to_json_without_nulls(&self) -> serde_json::Value {
        match &self.value {
            Value::Map(map) => serde_json::Value::Object(
                map.iter()
                    .filter(|(_, entry)| entry.node.value != Value::Null)
                    .map(|(key, entry)| (key.as_ref().to_owned(), entry.node.to_json_without_nulls()))
                    .collect(),
            ),
            Value::List(items) => {
                serde_json::Value::Array(items.iter().map(|item| item.to_json_without_nulls()).collect())
            }
            _ => self.to_json(),
        }
    }
}

impl Value {
    /// The word that messages use for this kind of value.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Whether both are maps, both lists, or both scalars: an overlay may not change this.
    pub fn same_shape(&self, other: &Value) -> bool {
        let shape = |value: &Value| match value {
            Value::Map(_) => 0,
            Value::List(_) => 1,
            _ => 2,
        };
        shape(self) == shape(other)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => number.serialize(serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item.as_ref())?;
                }
                list.end()
            }
            Value::Map(map) => {
                let mut object = serializer.serialize_map(Some(map.len()))?;
                for (key, entry) in map {
                    object.serialize_entry(key.as_ref(), entry.node.as_ref())?;
                }
                object.end()
            }
        }
    }
}
