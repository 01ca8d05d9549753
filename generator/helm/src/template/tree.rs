//! What a parsed template is, and how messages write its parts.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use smallvec::SmallVec;

use super::literal::{Number, quote};

/// A template: a file, or what `define` or `block` named in one.
#[derive(Debug)]
pub(super) struct Tree {
    pub name: Arc<str>,
    /// The name under which the text was parsed.
    pub file: Arc<str>,
    /// The whole text of the file: positions count from its start.
    pub text: Arc<str>,
    pub root: Arc<Vec<Node>>,
}

impl Tree {
    /// Whether there is nothing but space and definitions of other templates in it.
    pub fn is_empty(&self) -> bool {
        self.root.iter().all(|node| match node {
            Node::Text { pos, end } => self.text[*pos..*end].trim().is_empty(),
            _ => false,
        })
    }
}

/// A part of a template.
#[derive(Debug)]
pub(super) enum Node {
    /// Where it stands in the text of the file.
    Text {
        pos: usize,
        end: usize,
    },
    Action {
        pos: usize,
        pipe: Box<Pipe>,
    },
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    Template {
        pos: usize,
        name: Arc<str>,
        pipe: Option<Box<Pipe>>,
    },
    Break {
        pos: usize,
    },
    Continue {
        pos: usize,
    },
}

/// `if`, `with` or `range`.
#[derive(Debug)]
pub(super) struct Branch {
    pub pipe: Pipe,
    pub body: Vec<Node>,
    pub otherwise: Option<Vec<Node>>,
}

/// Commands, each of which hands its result to the next, and the variables that take the last one's.
#[derive(Debug)]
pub(super) struct Pipe {
    pub pos: usize,
    /// Whether the variables exist and are assigned to.
    pub assign: bool,
    pub variables: Vec<Arc<str>>,
    pub commands: SmallVec<[Command; 1]>,
}

/// A function, field or value with its arguments.
#[derive(Debug)]
pub(super) struct Command {
    pub pos: usize,
    pub words: SmallVec<[Word; 1]>,
}

/// A word of a command.
#[derive(Debug)]
pub(super) struct Word {
    pub pos: usize,
    pub kind: WordKind,
}

#[derive(Debug)]
pub(super) enum WordKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Box<Number>),
    String {
        written: Written,
        text: Arc<str>,
    },
    /// `.a.b`
    Field(Vec<Arc<str>>),
    /// `$a.b`: the first is the variable, with its dollar.
    Variable(Vec<Arc<str>>),
    /// A function.
    Identifier(Arc<str>),
    /// A pipeline in parentheses.
    Pipe(Box<Pipe>),
    /// Fields of what a word gives: `(…).a.b`.
    Chain(Box<Word>, Vec<Arc<str>>),
}

/// How a text is written.
#[derive(Debug)]
pub(super) enum Written {
    /// As it is, between two quotes.
    Between(char),
    As(Arc<str>),
}

impl Display for Node {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match self {
            // It is in the file.
            Node::Text { .. } => Ok(()),
            Node::Action { pipe, .. } => write!(to, "{{{{{pipe}}}}}"),
            Node::If(branch) => write!(to, "{{{{if {}}}}}", branch.pipe),
            Node::With(branch) => write!(to, "{{{{with {}}}}}", branch.pipe),
            Node::Range(branch) => write!(to, "{{{{range {}}}}}", branch.pipe),
            Node::Template { name, pipe: Some(pipe), .. } => write!(to, "{{{{template {} {pipe}}}}}", quote(name)),
            Node::Template { name, pipe: None, .. } => write!(to, "{{{{template {}}}}}", quote(name)),
            Node::Break { .. } => to.write_str("{{break}}"),
            Node::Continue { .. } => to.write_str("{{continue}}"),
        }
    }
}

impl Display for Pipe {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        for (index, variable) in self.variables.iter().enumerate() {
            write!(to, "{}{variable}", if index > 0 { ", " } else { "" })?;
        }
        if !self.variables.is_empty() {
            to.write_str(if self.assign { " = " } else { " := " })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            write!(to, "{}{command}", if index > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words.iter().enumerate() {
            if index > 0 {
                to.write_str(" ")?;
            }
            match &word.kind {
                WordKind::Pipe(pipe) => write!(to, "({pipe})")?,
                _ => word.fmt(to)?,
            }
        }
        Ok(())
    }
}

impl Display for Word {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            WordKind::Dot => to.write_str("."),
            WordKind::Nil => to.write_str("nil"),
            WordKind::Bool(value) => value.fmt(to),
            WordKind::Number(number) => to.write_str(&number.text),
            WordKind::String { written: Written::Between(quote), text } => write!(to, "{quote}{text}{quote}"),
            WordKind::String { written: Written::As(written), .. } => to.write_str(written),
            WordKind::Field(names) => names.iter().try_for_each(|name| write!(to, ".{name}")),
            WordKind::Variable(names) => to.write_str(&names.join(".")),
            WordKind::Identifier(name) => to.write_str(name),
            WordKind::Pipe(pipe) => pipe.fmt(to),
            WordKind::Chain(word, names) => {
                match &word.kind {
                    WordKind::Pipe(pipe) => write!(to, "({pipe})")?,
                    _ => word.fmt(to)?,
                }
                names.iter().try_for_each(|name| write!(to, ".{name}"))
            }
        }
    }
}
