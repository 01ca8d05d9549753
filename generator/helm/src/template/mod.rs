//! Go's text/template: the same templates give the same text, and the same mistakes the same words.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::reads::Tracer;
use crate::value::Value;

pub use exec::Exec;
pub(crate) use exec::without_no_value;
pub use literal::{is_print, quote};
pub(crate) use made::{chance, marks};
pub(crate) use names::names;
use tree::Tree;

mod builtin;
mod exec;
mod lex;
mod literal;
mod made;
mod methods;
mod names;
mod parse;
pub(crate) mod print;
mod stack;
mod tree;

#[cfg(test)]
mod tests;

/// The name under which Helm gathers the templates of a chart, and which it gives to the texts that `tpl` runs.
const ROOT: &str = "gotpl";

/// What is found by its name.
type Names<T> = HashMap<Arc<str>, T, foldhash::fast::RandomState>;

/// Named templates: each file, and whatever files define.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    /// Templates that this set was made over, and that it leaves as they are.
    under: Option<Arc<Templates>>,
    trees: Names<Arc<Tree>>,
}

impl Templates {
    /// No templates.
    pub fn new() -> Templates {
        Templates::default()
    }

    /// These templates, to which more can be added.
    pub fn over(templates: Arc<Templates>) -> Templates {
        Templates { under: Some(templates), trees: Names::default() }
    }

    /// Reads a text and adds it under this name, with what it defines. A template that was there under the same name is replaced,
    /// unless the new one is empty.
    pub fn parse(&mut self, name: &str, text: &str, functions: &dyn Functions) -> Result<(), Box<TemplateError>> {
        self.add(&ParsedFile::new(name, text, functions)?);
        Ok(())
    }

    /// Adds what was read from a text, as [`Templates::parse`] does.
    pub fn add(&mut self, file: &ParsedFile) {
        for tree in &file.0 {
            if !tree.is_empty() || self.tree(&tree.name).is_none() {
                self.trees.insert(Arc::clone(&tree.name), Arc::clone(tree));
            }
        }
    }

    fn tree(&self, name: &str) -> Option<&Arc<Tree>> {
        let mut templates = self;
        loop {
            if let Some(tree) = templates.trees.get(name) {
                return Some(tree);
            }
            templates = templates.under.as_deref()?;
        }
    }

    /// Whether there is a template of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.tree(name).is_some()
    }

    /// Executes a template. Where something has no value, `<no value>` stands, which Helm takes out of what it renders.
    pub fn execute(
        self: &Arc<Templates>,
        name: &str,
        data: &Value,
        functions: &dyn Functions,
        limits: Limits,
    ) -> Result<String, Box<TemplateError>> {
        let Some(tree) = self.tree(name) else {
            let message = exec::no_template(name);
            let cause = message.clone();
            return Err(Box::new(TemplateError { message, places: Vec::new(), cause, not_deterministic: None }));
        };
        Exec::new(Arc::clone(self), functions, limits).run(tree, data)
    }

    /// Executes a template, notes which values it reads, and leaves a mark where it would print what is made up by chance.
    pub(crate) fn execute_with(
        self: &Arc<Templates>,
        name: &str,
        data: &Value,
        functions: &dyn Functions,
        limits: Limits,
        allow_random: bool,
        tracer: Option<&mut Tracer>,
    ) -> Result<String, Box<TemplateError>> {
        let Some(tree) = self.tree(name) else {
            return self.execute(name, data, functions, limits);
        };
        let mut exec = Exec::new(Arc::clone(self), functions, limits).allowing_random(allow_random);
        if let Some(tracer) = tracer {
            tracer.enter(name);
            exec = exec.traced(tracer);
        }
        let done = exec.run(tree, data);
        exec.settle();
        done
    }
}

/// A text that was read: a template, after those that it defines.
#[derive(Debug, Clone)]
pub struct ParsedFile(Vec<Arc<Tree>>);

impl ParsedFile {
    /// Reads a text, whose own name in messages this is.
    pub fn new(name: &str, text: &str, functions: &dyn Functions) -> Result<ParsedFile, Box<TemplateError>> {
        Ok(ParsedFile(parse::parse(name, text, functions)?.into_iter().map(Arc::new).collect()))
    }

    /// The same text under another name; none where what it defines has one of these names.
    pub(crate) fn renamed(&self, from: &str, to: &str) -> Option<ParsedFile> {
        let (own, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|tree| *tree.name == *from);
        if own.len() != 1 || own[0].file != own[0].name || others.iter().any(|tree| *tree.name == *to) {
            return None;
        }
        let file: Arc<str> = to.into();
        let name = |tree: &Tree| Arc::clone(if *tree.name == *from { &file } else { &tree.name });
        let renamed = |tree: &Arc<Tree>| {
            let (text, root) = (Arc::clone(&tree.text), Arc::clone(&tree.root));
            Arc::new(Tree { name: name(tree), file: Arc::clone(&file), text, root })
        };
        Some(ParsedFile(self.0.iter().map(renamed).collect()))
    }

    /// The template of this name.
    fn named(&self, name: &str) -> Option<&Arc<Tree>> {
        self.0.iter().find(|tree| *tree.name == *name)
    }
}

/// Bounds of one execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many commands, nodes and iterations may be evaluated.
    pub steps: u64,
    /// How deep templates, blocks and parentheses may nest in each other while they are evaluated.
    pub depth: usize,
    /// How many bytes all templates together may write, and how long a text that a function gives may be.
    pub output: usize,
    /// How many items a list may have that a function gives.
    pub items: usize,
}

impl Default for Limits {
    /// Enough for any chart that is meant well.
    fn default() -> Limits {
        Limits { steps: 20_000_000, depth: 20_000, output: 256 << 20, items: 4_000_000 }
    }
}

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

impl From<Box<TemplateError>> for FunctionError {
    fn from(error: Box<TemplateError>) -> FunctionError {
        FunctionError::Template { context: String::new(), error }
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

/// A call of a function whose result is another one on each run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chance {
    /// The file that the call is in.
    pub template: String,
    /// The line, from 1.
    pub line: usize,
    /// The function.
    pub function: String,
    /// What makes it another one on each run, and the setting that avoids it where there is one.
    pub reason: String,
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

impl fmt::Display for TemplateError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}
