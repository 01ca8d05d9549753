//! Go's text/template: the same templates give the same text, and the same mistakes the same words.

use crate::value::Value;

pub use exec::Exec;

mod exec;

/// The functions that templates may call besides those of the language (`printf`, `eq`, `index` and their like, which are
/// always there).
pub trait Functions: Sync {
    /// What the function takes; none where there is no function of that name, which is a mistake when a template is parsed.
    fn signature(&self, name: &str) -> Option<Signature>;

    /// Calls a function. The arguments fit its signature: there are as many as it takes, and each is of the type it takes.
    fn call(&self, name: &str, arguments: Vec<Value>, exec: &mut Exec<'_>) -> Result<Value, FunctionError>;
}

/// What a function takes, as the signature of the Go function has it. Calls that do not fit never reach the function; they
/// are mistakes in Go's words: `wrong number of args for trunc: want 2 got 1`, `wrong type for value; expected string; got int`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// The types of the parameters, in order, without the variadic one.
    pub parameters: &'static [Type],
    /// The type of each further argument, where the function takes any number of them (`...string`).
    pub variadic: Option<Type>,
}

impl Signature {
    /// A function of so many parameters.
    pub const fn of(parameters: &'static [Type]) -> Signature {
        Signature { parameters, variadic: None }
    }

    /// A function of these parameters and any number of further arguments of one type.
    pub const fn variadic(parameters: &'static [Type], rest: Type) -> Signature {
        Signature { parameters, variadic: Some(rest) }
    }
}

/// The Go type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `interface{}`: anything, nil too.
    Any,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `float64`
    Float,
    /// `string`
    String,
    /// `[]string`: a list whose items are strings (the engine knows one type of list), or nil.
    Strings,
    /// `[]interface{}`, or nil, which stands for the empty list.
    List,
    /// `map[string]interface{}`, or nil, which stands for a map that cannot be written to.
    Map,
    /// A type of the program, by its name in Go: only objects whose [`kind`](crate::value::Object::kind) it is, and nil where the
    /// name starts with `*`.
    Object(&'static str),
}

/// Why a function gave no value.
#[derive(Debug, Clone, PartialEq)]
pub enum FunctionError {
    /// What the Go function would have said.
    Message(String),
    /// The function would give another result on another run, so it is refused; the reason is for people.
    NotDeterministic(String),
    /// A template that the function ran (`include`, `tpl`) failed.
    Template {
        /// What the function says before it: `error during tpl function execution for "…": `, or nothing.
        context: String,
        /// The failure.
        error: Box<TemplateError>,
    },
}

impl From<String> for FunctionError {
    fn from(message: String) -> FunctionError {
        FunctionError::Message(message)
    }
}

impl From<&str> for FunctionError {
    fn from(message: &str) -> FunctionError {
        FunctionError::Message(message.to_owned())
    }
}

impl From<TemplateError> for FunctionError {
    fn from(error: TemplateError) -> FunctionError {
        FunctionError::Template { context: String::new(), error: Box::new(error) }
    }
}

/// A template that does not parse or does not execute.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateError {
    /// The whole message, in Go's words, with all that led there.
    pub message: String,
    /// Where it happened, from the outermost template to the innermost.
    pub places: Vec<Place>,
    /// What happened at the innermost place, without what led there.
    pub cause: String,
    /// Why the function there was refused, where it would give another result on another run.
    pub not_deterministic: Option<String>,
}

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name under which the text was parsed: a file, for Helm.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 0, as Go counts; none where a template does not parse.
    pub column: Option<usize>,
    /// The template that was running: the file, or what `define` named. Empty where a template does not parse.
    pub template: String,
    /// What was being evaluated there.
    pub at: String,
}

impl std::fmt::Display for TemplateError {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}
