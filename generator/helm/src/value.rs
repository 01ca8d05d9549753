//! What templates compute with: the values that YAML and Go's templates know, with Go's ideas of truth, order and kind.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::template::{TemplateError, Type};

/// A value. Maps are sorted by key, as Go's templates and go-yaml show them.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Go's nil, YAML's null, and what a missing key of a map gives.
    #[default]
    Nil,
    /// bool
    Bool(bool),
    /// int: whole numbers written in templates, and what functions give that count.
    Int(i64),
    /// A whole number of another of Go's types, which matters where a function wants an `int` and is given an `int64`.
    Sized(i64, Width),
    /// float64: every number that comes out of YAML values, as in Helm.
    Float(f64),
    /// string
    String(Arc<str>),
    /// []interface{}, and the lists of one type that some functions give.
    List(List),
    /// map[string]interface{}, or map[string]string. A clone is the same map, as in Go: what `set` puts into one is seen through all.
    Map(Map),
    /// A thing with fields and methods that only the program makes: `.Files`, `.Capabilities.APIVersions`, a semantic version.
    Object(Arc<dyn Object>),
}

/// Go's whole numbers other than `int`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// int64: what arithmetic gives.
    Int64,
    /// uint8: a byte of a string.
    Uint8,
    /// uint64: a part of a version.
    Uint64,
}

impl Width {
    /// Its name in Go.
    pub fn name(self) -> &'static str {
        match self {
            Width::Int64 => "int64",
            Width::Uint8 => "uint8",
            Width::Uint64 => "uint64",
        }
    }
}

/// What a list or a map holds as far as Go's types know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Of {
    /// Anything: `interface {}`.
    #[default]
    Anything,
    /// `string`
    Strings,
    /// `int`
    Ints,
    /// `[]interface {}`
    Lists,
    /// Anything, in Helm's map of values, which has methods and is of another type than other maps.
    Values,
    /// `string`, in Helm's list of API versions, which has a method and is of another type than other lists.
    Versions,
    /// `uint8`: the bytes of a file.
    Bytes,
}

impl Of {
    /// Whether anything may be held.
    pub fn is_anything(self) -> bool {
        matches!(self, Of::Anything | Of::Values)
    }

    /// Whether strings are held.
    pub fn is_strings(self) -> bool {
        matches!(self, Of::Strings | Of::Versions)
    }
}

/// A list, which reads like a slice. A clone shares its items.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct List {
    items: Arc<Vec<Value>>,
    of: Of,
    nil: bool,
}

impl List {
    /// A list of items of one type.
    pub fn of(of: Of, items: Vec<Value>) -> List {
        List { items: Arc::new(items), of, nil: false }
    }

    /// Go's nil slice, which is an empty list but for JSON, where it is null.
    pub fn nil(of: Of) -> List {
        List { nil: true, of, ..List::default() }
    }

    /// What its items are.
    pub fn item_type(&self) -> Of {
        self.of
    }

    /// The bytes, where it is a list of bytes.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let byte = |value: &Value| value.whole().and_then(|byte| u8::try_from(byte).ok()).unwrap_or_default();
        (self.of == Of::Bytes).then(|| self.items.iter().map(byte).collect())
    }

    /// Whether it is Go's nil slice.
    pub fn is_nil(&self) -> bool {
        self.nil
    }

    /// Whether both share their items.
    pub fn same(&self, other: &List) -> bool {
        Arc::ptr_eq(&self.items, &other.items)
    }

    /// What tells it from all other lists while it is held.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.items).addr()
    }

    fn type_name(&self) -> &'static str {
        match self.of {
            Of::Anything => "[]interface {}",
            Of::Strings => "[]string",
            Of::Ints => "[]int",
            Of::Lists => "[][]interface {}",
            Of::Values => "[]interface {}",
            Of::Versions => "common.VersionSet",
            Of::Bytes => "[]uint8",
        }
    }
}

impl std::ops::Deref for List {
    type Target = Vec<Value>;

    fn deref(&self) -> &Vec<Value> {
        &self.items
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> List {
        List::of(Of::Anything, items)
    }
}

/// Something with fields and methods, such as `.Capabilities.APIVersions` or `.Files`.
pub trait Object: fmt::Debug + Send + Sync {
    /// Name of its type in messages, in Go's words: `*chart.Metadata`.
    fn kind(&self) -> &'static str;
    /// What kind of type that is, as Go's reflection says.
    fn reflected(&self) -> &'static str {
        if self.kind().starts_with('*') { "ptr" } else { "struct" }
    }
    /// Go's truth: structs are true, maps and lists are where they hold something.
    fn truth(&self) -> bool {
        true
    }
    /// What a method takes; none where there is no such method. Methods come before fields.
    fn method(&self, _name: &str) -> Option<&'static [Type]> {
        None
    }
    /// A field; none where it has no such field.
    fn field(&self, name: &str) -> Option<Value>;
    /// Calls a method; none where it has no such method. The arguments fit what it takes.
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>>;
    /// As `%v` prints it.
    fn display(&self) -> String;
    /// Its fields as a map, where `range`, `toYaml` and the like may look into it.
    fn as_map(&self) -> Option<BTreeMap<Arc<str>, Value>>;
    /// Its fields in the order in which JSON has them.
    fn ordered(&self) -> Option<Vec<(Arc<str>, Value)>> {
        self.as_map().map(|map| map.into_iter().collect())
    }
    /// Why there is no such value, where a function was refused that would have made it up. Templates may pass it on, but whatever
    /// looks at it fails.
    fn refused(&self) -> Option<&TemplateError> {
        None
    }
    /// The bytes, where it is a string that is no text.
    fn bytes(&self) -> Option<&[u8]> {
        None
    }
    /// As JSON writes it, where it is a string there.
    fn text(&self) -> Option<String> {
        None
    }
}

impl PartialEq for dyn Object {
    fn eq(&self, other: &dyn Object) -> bool {
        std::ptr::addr_eq(self, other)
    }
}

/// What a map holds.
pub type Entries = BTreeMap<Arc<str>, Value>;

/// A map that is shared by all its clones. Sprig's `set`, `unset` and `merge` change a map in place, and charts rely on it:
/// `{{ $_ := set .Values "key" 1 }}` is seen by whoever holds `.Values`.
#[derive(Clone, Default)]
pub struct Map(Arc<RwLock<Arc<Entries>>>, Of);

impl Map {
    /// A map of these entries.
    pub fn new(entries: Entries) -> Map {
        Map::of(Of::Anything, entries)
    }

    /// A map to values of one type.
    pub fn of(of: Of, entries: Entries) -> Map {
        Map(Arc::new(RwLock::new(Arc::new(entries))), of)
    }

    /// What its values are.
    pub fn item_type(&self) -> Of {
        self.1
    }

    /// What a key holds; where it is absent, the zero value of what the map holds.
    pub fn get_or_zero(&self, key: &str) -> Value {
        self.get(key).unwrap_or_else(|| match self.1 {
            Of::Strings => "".into(),
            Of::Ints => Value::Int(0),
            _ => Value::Nil,
        })
    }

    /// The same map, under another type.
    #[must_use]
    pub fn as_of(&self, of: Of) -> Map {
        Map(Arc::clone(&self.0), of)
    }

    /// What it holds at this moment. Cheap: nothing is copied until the map changes.
    pub fn entries(&self) -> Arc<Entries> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a key holds; none where the key is absent.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Whether the key is there, be it with nil.
    pub fn contains(&self, key: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// Puts a value in, for all who hold this map.
    pub fn set(&self, key: impl Into<Arc<str>>, value: Value) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut entries).insert(key.into(), value);
    }

    /// Takes a key out, for all who hold this map.
    pub fn remove(&self, key: &str) -> Option<Value> {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut entries).remove(key)
    }

    /// Takes all keys out, for all who hold this map.
    pub(crate) fn clear(&self) {
        let entries = std::mem::take(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner));
        dismantle(Value::Map(Map(Arc::new(RwLock::new(entries)), self.1)));
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether it has no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes out what nests in it, if nobody else holds it.
    fn empty_into(&mut self, rest: &mut Vec<Value>) {
        if let Some(lock) = Arc::get_mut(&mut self.0) {
            let entries = std::mem::take(lock.get_mut().unwrap_or_else(PoisonError::into_inner));
            rest.extend(Arc::into_inner(entries).into_iter().flatten().map(|(_, value)| value).filter(Value::nests));
        }
    }

    /// What tells it from all other maps while it is held.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Whether both are one and the same map.
    pub fn same(&self, other: &Map) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Drop for Map {
    /// Values may nest deeper than the stack has room for, so they are taken apart one by one.
    fn drop(&mut self) {
        let mut rest = Vec::new();
        self.empty_into(&mut rest);
        rest.into_iter().for_each(dismantle);
    }
}

/// Drops a value, however deep it nests.
pub(crate) fn dismantle(value: Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::List(values) => {
                rest.extend(Arc::into_inner(values.items).into_iter().flatten().filter(Value::nests))
            }
            Value::Map(mut map) => map.empty_into(&mut rest),
            _ => {}
        }
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        self.same(other) || self.entries() == other.entries()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries().fmt(to)
    }
}

impl From<Entries> for Map {
    fn from(entries: Entries) -> Map {
        Map::new(entries)
    }
}

impl FromIterator<(Arc<str>, Value)> for Map {
    fn from_iter<T: IntoIterator<Item = (Arc<str>, Value)>>(entries: T) -> Map {
        Map::new(entries.into_iter().collect())
    }
}

/// Values from what Rust has at hand.
macro_rules! value_from {
    ($($from:ty, $value:ident => $to:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Value {
                $to
            }
        }
    )*};
}

value_from! {
    bool, value => Value::Bool(value);
    i32, value => Value::Int(value.into());
    i64, value => Value::Int(value);
    f64, value => Value::Float(value);
    &str, value => Value::String(value.into());
    String, value => Value::String(value.into());
    Arc<str>, value => Value::String(value);
    Vec<Value>, value => Value::List(value.into());
    List, value => Value::List(value);
    Entries, value => Value::Map(Map::new(value));
    Map, value => Value::Map(value);
}

impl Value {
    /// A map of these entries.
    pub fn map<K: Into<Arc<str>>, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Value {
        Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// An int64.
    pub fn int64(value: i64) -> Value {
        Value::Sized(value, Width::Int64)
    }

    /// A whole number of any type.
    pub fn whole(&self) -> Option<i64> {
        match self {
            Value::Int(value) | Value::Sized(value, _) => Some(*value),
            _ => None,
        }
    }

    /// An int64, and no other number.
    pub fn as_int64(&self) -> Option<i64> {
        match self {
            Value::Sized(value, Width::Int64) => Some(*value),
            _ => None,
        }
    }

    /// Bytes.
    pub fn bytes(bytes: &[u8]) -> Value {
        let items = bytes.iter().map(|byte| Value::Sized(i64::from(*byte), Width::Uint8)).collect();
        Value::List(List::of(Of::Bytes, items))
    }

    /// A list of strings.
    pub fn strings<S: Into<Value>>(texts: impl IntoIterator<Item = S>) -> Value {
        Value::List(List::of(Of::Strings, texts.into_iter().map(Into::into).collect()))
    }

    /// The bytes of a string that is no text, which few functions can work on.
    pub fn as_binary(&self) -> Option<&[u8]> {
        match self {
            Value::Object(object) => object.bytes(),
            _ => None,
        }
    }

    fn nests(&self) -> bool {
        matches!(self, Value::List(_) | Value::Map(_))
    }

    /// Go's truth, that of `if` and `default`: false, zero, nil and whatever is empty are not true.
    pub fn truth(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(value) => *value,
            Value::Int(value) | Value::Sized(value, _) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::String(value) => !value.is_empty(),
            Value::List(values) => !values.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Object(object) => object.truth(),
        }
    }

    /// The name of its Go type, as messages and `%T` show it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Sized(_, width) => width.name(),
            Value::Float(_) => "float64",
            Value::String(_) => "string",
            Value::List(list) => list.type_name(),
            Value::Map(map) if map.1 == Of::Strings => "map[string]string",
            Value::Map(map) if map.1 == Of::Values => "common.Values",
            Value::Map(_) => "map[string]interface {}",
            Value::Object(object) => object.kind(),
        }
    }

    /// The name of its kind in Go's reflection, which is what Sprig's `kindOf` says.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Nil => "invalid",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Sized(_, width) => width.name(),
            Value::Float(_) => "float64",
            Value::String(_) => "string",
            Value::List(_) => "slice",
            Value::Map(_) => "map",
            Value::Object(object) => object.reflected(),
        }
    }
}
