//! What templates compute with: the values that YAML and Go's templates know, with Go's ideas of truth, order and kind.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A value. Maps are sorted by key, as Go's templates and go-yaml show them.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Go's nil, YAML's null, and what a missing key of a map gives.
    #[default]
    Nil,
    /// bool
    Bool(bool),
    /// int, int64: whole numbers written in templates, results of functions that return them.
    Int(i64),
    /// float64: every number that comes out of YAML values, as in Helm.
    Float(f64),
    /// string
    String(Arc<str>),
    /// []interface{}
    List(Arc<Vec<Value>>),
    /// map[string]interface{}
    Map(Arc<BTreeMap<Arc<str>, Value>>),
    /// A thing with fields and methods that only the program makes: `.Files`, `.Capabilities.APIVersions`, a semantic version.
    Object(Arc<dyn Object>),
}

/// Something with fields and methods, such as `.Capabilities.APIVersions` or `.Files`.
pub trait Object: std::fmt::Debug + Send + Sync {
    /// Name of its kind in messages.
    fn kind(&self) -> &'static str;
    /// A field; none where it has no such field.
    fn field(&self, name: &str) -> Option<Value>;
    /// Calls a method; none where it has no such method.
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>>;
    /// As `%v` prints it.
    fn display(&self) -> String;
    /// Its fields as a map, where `range`, `toYaml` and the like may look into it.
    fn as_map(&self) -> Option<BTreeMap<Arc<str>, Value>>;
}

impl PartialEq for dyn Object {
    fn eq(&self, other: &dyn Object) -> bool {
        std::ptr::addr_eq(self, other)
    }
}
