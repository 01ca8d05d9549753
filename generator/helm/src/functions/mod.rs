//! The functions that Helm offers to templates: Sprig's, and its own. What Helm computes from chance, the clock or a network
//! is refused, because the same input must give the same output.
//!
//! Where Go's order is that of chance (`keys`, `values` of a map), ours is the order of the keys.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::template::{Exec, FunctionError, Functions, Signature, Type};
use crate::value::{Map, Value};

mod bounds;
mod cast;
mod crypto;
mod dates;
mod decimal;
mod dicts;
mod encoding;
pub(crate) mod format;
pub(crate) mod json;
mod lists;
mod logic;
mod numbers;
mod paths;
mod regexes;
mod semver;
mod strings;
mod table;
mod toml;
mod urls;
mod words;

pub use table::names;

/// What Helm puts before the message of `required` and `fail`, so that it finds it again in what Go makes of it.
pub const WARNING_START: &str = "HELM_ERR_START";

/// What Helm puts after the message of `required` and `fail`.
pub const WARNING_END: &str = "HELM_ERR_END";

type Return = Result<Value, FunctionError>;

/// What runs when a function is called.
#[derive(Clone, Copy)]
enum Body {
    /// It depends on its arguments alone.
    Pure(fn(&Arguments<'_>) -> Return),
    /// It runs templates.
    Templates(fn(&Arguments<'_>, &mut Exec<'_>) -> Return),
    /// It is refused, for this reason.
    Refused(&'static str),
}

/// A function that templates can call, by any of its names.
struct Function {
    names: &'static [&'static str],
    signature: Signature,
    body: Body,
}

/// The arguments of a call. They fit the signature; what is absent all the same reads as nil.
struct Arguments<'a>(&'a [Value]);

impl Arguments<'_> {
    fn any(&self, at: usize) -> &Value {
        self.0.get(at).unwrap_or(&Value::Nil)
    }

    fn text(&self, at: usize) -> &str {
        match self.any(at) {
            Value::String(text) => text,
            _ => "",
        }
    }

    fn bytes(&self, at: usize) -> &[u8] {
        self.any(at).as_binary().unwrap_or_else(|| self.text(at).as_bytes())
    }

    fn int(&self, at: usize) -> i64 {
        match self.any(at) {
            Value::Int(value) | Value::Sized(value, _) => *value,
            _ => 0,
        }
    }

    fn bool(&self, at: usize) -> bool {
        matches!(self.any(at), Value::Bool(true))
    }

    /// A map; none for nil, which reads as an empty one and cannot be written to.
    fn map(&self, at: usize) -> Option<&Map> {
        match self.any(at) {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    fn rest(&self, from: usize) -> &[Value] {
        self.0.get(from..).unwrap_or(&[])
    }
}

/// A mistake in Go's words.
fn fail<T>(message: impl Into<String>) -> Result<T, FunctionError> {
    Err(FunctionError::Message(message.into()))
}

/// What Go says when Sprig asks for the type of nil.
fn nil_pointer<T>() -> Result<T, FunctionError> {
    fail("runtime error: invalid memory address or nil pointer dereference")
}

/// A list of strings.
fn strings_value<S: Into<Value>>(texts: impl IntoIterator<Item = S>) -> Value {
    Value::strings(texts)
}

/// Bytes as a string. Go's strings hold any bytes, ours only text: what is none becomes the replacement character.
fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The functions that take strings that are no text.
const BINARY: &[&str] = &[
    "b64enc",
    "b32enc",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "adler32sum",
    "toYaml",
    "mustToYaml",
    "toJson",
    "mustToJson",
    "dict",
    "list",
    "tuple",
    "set",
    "append",
    "push",
    "prepend",
    "default",
    "coalesce",
    "ternary",
    "required",
    "empty",
    "kindOf",
    "kindIs",
    "typeOf",
    "typeIs",
    "include",
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function, foldhash::fast::FixedState>> = LazyLock::new(|| {
    table::TABLE.iter().flat_map(|function| function.names.iter().map(move |name| (*name, function))).collect()
});

/// All functions of Helm: Sprig's and its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct HelmFunctions;

impl Functions for HelmFunctions {
    fn signature(&self, name: &str) -> Option<Signature> {
        BY_NAME.get(name).map(|function| function.signature)
    }

    fn call(&self, name: &str, arguments: Vec<Value>, exec: &mut Exec<'_>) -> Result<Value, FunctionError> {
        let Some(function) = BY_NAME.get(name) else {
            return fail(format!("function {} not defined", format::quote(name)));
        };
        if let Some(reason) = bounds::refused(name, &arguments) {
            return fail(reason);
        }
        if arguments.iter().any(|value| value.as_binary().is_some()) && !BINARY.contains(&name) {
            return fail("the string is not UTF-8, and can only be passed on, encoded and summed");
        }
        let arguments = Arguments(&arguments);
        match function.body {
            Body::Pure(run) => run(&arguments),
            Body::Templates(run) => run(&arguments, exec),
            Body::Refused(reason) => Err(FunctionError::NotDeterministic(reason.to_owned())),
        }
    }
}
