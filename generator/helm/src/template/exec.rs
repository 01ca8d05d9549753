//! Executes templates.

use std::fmt::Display;
use std::sync::Arc;

use super::builtin::{self, Builtin, Failed, Item, Parameter};
use super::lex::newlines;
use super::literal::{Number, quote};
use super::made::{self, Call};
use super::methods;
use super::print::{self, Unprintable};
use super::stack::deep;
use super::tree::{Branch, Command, Node, Pipe, Tree, Word, WordKind};
use super::{
    FunctionError, Functions, Limits, Names, ParsedFile, Place, ROOT, Signature, TemplateError, Templates, Type,
};
use crate::reads::Tracer;
use crate::value::{Entries, Object, Of, Value, Width, dismantle};

/// A running execution. Functions are handed it, so that `include` and `tpl` can run templates.
pub struct Exec<'a> {
    templates: Arc<Templates>,
    functions: &'a dyn Functions,
    limits: Limits,
    steps: u64,
    written: usize,
    depth: usize,
    included: Names<usize>,
    /// Notes which values are read.
    tracer: Option<&'a mut Tracer>,
    /// Whether all branches are taken, and mistakes are passed over.
    explores: bool,
    /// Whether what would be made up by chance leaves a mark where it is printed, and is no mistake.
    allows_random: bool,
    /// How many templates run within each other by `include` and `tpl`.
    running: usize,
}

/// So many bytes of an argument count as a step.
const BYTES_A_STEP: usize = 128;
/// So many items of an argument count as a step.
const ITEMS_A_STEP: usize = 16;

/// How often a template may include itself, as Helm counts.
const INCLUDED: usize = 1000;
/// The same where all branches are taken, so that none ends a recursion.
const EXPLORED: usize = 3;
/// How deep it may go where all branches are taken.
const EXPLORED_DEPTH: usize = 1000;

/// What prints for nothing at all. Helm takes it out of what it renders.
pub(super) const NO_VALUE: &str = "<no value>";

/// What is printed, as Helm gives it.
pub(crate) fn without_no_value(text: String) -> String {
    match memchr::memmem::find(text.as_bytes(), NO_VALUE.as_bytes()) {
        Some(_) => text.replace(NO_VALUE, ""),
        None => text,
    }
}

type Executed<T> = Result<T, Box<TemplateError>>;

impl<'a> Exec<'a> {
    pub(super) fn new(templates: Arc<Templates>, functions: &'a dyn Functions, limits: Limits) -> Exec<'a> {
        Exec {
            templates,
            functions,
            limits,
            steps: 0,
            written: 0,
            depth: 0,
            included: Names::default(),
            tracer: None,
            explores: false,
            allows_random: false,
            running: 0,
        }
    }

    /// Notes which values are read.
    pub(super) fn traced(mut self, tracer: &'a mut Tracer) -> Exec<'a> {
        self.explores = tracer.explores;
        if self.explores {
            self.limits.steps = self.limits.steps.min(tracer.left);
            self.limits.depth = self.limits.depth.min(EXPLORED_DEPTH);
        }
        self.tracer = Some(tracer);
        self
    }

    /// The bounds of this execution.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Helm's `include`: what a named template gives for this value.
    pub fn include(&mut self, name: &str, data: &Value) -> Result<String, FunctionError> {
        let count = match self.included.get_mut(name) {
            Some(count) => count,
            None => self.included.entry(name.into()).or_default(),
        };
        if *count > if self.explores { EXPLORED } else { INCLUDED } {
            return Err(
                format!("rendering template has a nested reference name: {name}: unable to execute template").into()
            );
        }
        *count += 1;
        let given = self.named(name, data);
        if let Some(count) = self.included.get_mut(name) {
            *count -= 1;
        }
        given
    }

    fn named(&mut self, name: &str, data: &Value) -> Result<String, FunctionError> {
        let Some(tree) = self.templates.tree(name).cloned() else {
            return Err(no_template(name).into());
        };
        Ok(self.run(&tree, data)?)
    }

    /// Helm's `tpl`: what a text gives as a template, which sees all named templates and may define its own.
    pub fn tpl(&mut self, text: &str, data: &Value) -> Result<String, FunctionError> {
        if !text.contains("{{") {
            return Ok(without_no_value(text.to_owned()));
        }
        let mut templates = Templates::over(Arc::clone(&self.templates));
        let file = ParsedFile::new(ROOT, text, self.functions).map_err(|error| FunctionError::Template {
            context: format!("cannot parse template {}: ", quote(text)),
            error,
        })?;
        templates.add(&file);
        let outer = std::mem::replace(&mut self.templates, Arc::new(templates));
        let given = match file.named(ROOT) {
            Some(main) => self.run(main, data),
            None => Ok(String::new()),
        };
        self.templates = outer;
        let given = given.map_err(|error| FunctionError::Template {
            context: format!("error during tpl function execution for {}: ", quote(text)),
            error,
        })?;
        Ok(without_no_value(given))
    }

    /// Leaves a mark where something would be printed that is made up by chance.
    pub(super) fn allowing_random(mut self, allow: bool) -> Exec<'a> {
        self.allows_random = allow;
        self
    }

    /// Tells whoever notes reads how much taking all branches took.
    pub(super) fn settle(self) {
        if let Some(tracer) = self.tracer
            && self.explores
        {
            tracer.left = tracer.left.saturating_sub(self.steps);
            tracer.gave_up |= self.steps > self.limits.steps;
        }
    }

    /// Executes one template from its start.
    pub(super) fn run(&mut self, tree: &Tree, data: &Value) -> Executed<String> {
        let mut to = String::new();
        let dot = Item::of(data.clone());
        self.running += 1;
        let mut state = State::new(self, tree, &dot, &mut to);
        let done = state.nested(|state| state.walk(&dot, &tree.root));
        drop(state);
        self.running -= 1;
        done.map(|_| to)
    }
}

/// Go's message for a template that is not there.
pub(super) fn no_template(name: &str) -> String {
    format!("template: no template {} associated with template {}", quote(name), quote(ROOT))
}

/// The variables in scope, the innermost last.
#[derive(Default)]
struct Variables(Vec<(Arc<str>, Item)>);

impl Variables {
    fn pop(&mut self, mark: usize) {
        for (_, item) in self.0.drain(mark..) {
            discard(item);
        }
    }
}

impl Drop for Variables {
    fn drop(&mut self) {
        self.pop(0);
    }
}

/// Drops a value that may nest deep.
fn discard(item: Item) {
    if let Item::Plain(value @ Value::List(_)) | Item::Inner(value @ Value::List(_)) = item {
        dismantle(value);
    }
}

/// How a list of nodes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Through,
    Break,
    Continue,
}

/// What is being evaluated, for messages.
#[derive(Clone, Copy)]
enum At<'s> {
    Start,
    Node(&'s Node),
    Pipe(&'s Pipe),
    Command(&'s Command),
    Word(&'s Word),
}

impl At<'_> {
    fn pos(&self) -> usize {
        match self {
            At::Start => 0,
            At::Node(Node::If(branch) | Node::With(branch) | Node::Range(branch)) => branch.pipe.pos,
            At::Node(
                Node::Text { pos, .. }
                | Node::Action { pos, .. }
                | Node::Template { pos, .. }
                | Node::Break { pos }
                | Node::Continue { pos },
            ) => *pos,
            At::Pipe(pipe) => pipe.pos,
            At::Command(command) => command.pos,
            At::Word(word) => word.pos,
        }
    }

    fn shown(&self, text: &str) -> String {
        match self {
            At::Start => String::new(),
            At::Node(Node::Text { pos, end }) => text[*pos..*end].to_owned(),
            At::Node(node) => node.to_string(),
            At::Pipe(pipe) => pipe.to_string(),
            At::Command(command) => command.to_string(),
            At::Word(word) => word.to_string(),
        }
    }
}

/// What a value must be to fit where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Whatever it is, with what is known of its type.
    Reflected,
    Type(Type),
}

impl From<Parameter> for Wanted {
    fn from(parameter: Parameter) -> Wanted {
        match parameter {
            Parameter::Reflected => Wanted::Reflected,
            Parameter::Any => Wanted::Type(Type::Any),
            Parameter::String => Wanted::Type(Type::String),
        }
    }
}

impl Type {
    /// As Go names it.
    fn name(self) -> &'static str {
        match self {
            Type::Any => "interface {}",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Int64 => "int64",
            Type::Float => "float64",
            Type::String => "string",
            Type::Strings => "[]string",
            Type::List => "[]interface {}",
            Type::Map => "map[string]interface {}",
            Type::Object(name) => name,
        }
    }

    /// Whether nil is a value of this type.
    fn takes_nil(self) -> bool {
        match self {
            Type::Any | Type::Strings | Type::List | Type::Map => true,
            Type::Bool | Type::Int | Type::Int64 | Type::Float | Type::String => false,
            Type::Object(name) => name.starts_with('*') || name.starts_with("map["),
        }
    }

    fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Type::Any, _)
            | (Type::Bool, Value::Bool(_))
            | (Type::Int, Value::Int(_))
            | (Type::Int64, Value::Sized(_, Width::Int64))
            | (Type::Float, Value::Float(_))
            | (Type::String, Value::String(_)) => true,
            (Type::List, Value::List(values)) => values.item_type() == Of::Anything,
            (Type::Strings, Value::List(values)) => values.item_type().is_strings(),
            (Type::Map, Value::Map(map)) => map.item_type().is_anything(),
            (Type::Object(name), Value::Object(object)) => object.kind() == name,
            (Type::String, Value::Object(object)) => object.bytes().is_some(),
            _ => false,
        }
    }
}

/// The words of a command, with what the pipeline hands it.
#[derive(Clone, Copy)]
struct Arguments<'s, 'f> {
    /// The function or field first, if there are any words.
    words: &'s [Word],
    last: &'f Item,
}

impl<'s> Arguments<'s, '_> {
    fn some(&self) -> bool {
        self.words.len() > 1 || self.has_last()
    }

    fn has_last(&self) -> bool {
        !matches!(self.last, Item::Missing)
    }

    fn rest(&self) -> &'s [Word] {
        self.words.get(1..).unwrap_or_default()
    }
}

/// The execution of one template.
struct State<'s, 'e, 'x> {
    exec: &'e mut Exec<'x>,
    tree: &'s Tree,
    variables: Variables,
    at: At<'s>,
    /// What the pipeline did before the command that runs.
    piped: Option<&'s Command>,
    to: &'e mut String,
}

impl<'s, 'e, 'x> State<'s, 'e, 'x> {
    fn new(exec: &'e mut Exec<'x>, tree: &'s Tree, dot: &Item, to: &'e mut String) -> State<'s, 'e, 'x> {
        State { exec, tree, variables: Variables(vec![("$".into(), dot.clone())]), at: At::Start, piped: None, to }
    }

    // Mistakes

    fn place(&self) -> Place {
        let pos = self.at.pos();
        let before = &self.tree.text[..pos];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            file: self.tree.file.to_string(),
            line: newlines(before) + 1,
            column: Some(pos - start),
            template: self.tree.name.to_string(),
            at: self.at.shown(&self.tree.text),
        }
    }

    fn located(&self, cause: &str) -> (String, Place) {
        let place = self.place();
        let column = place.column.unwrap_or_default();
        let message = format!(
            "template: {}:{}:{column}: executing {} at <{}>: {cause}",
            place.file,
            place.line,
            quote(&place.template),
            place.at
        );
        (message, place)
    }

    fn error(&self, cause: impl Into<String>) -> Box<TemplateError> {
        let cause = cause.into();
        let (message, place) = self.located(&cause);
        Box::new(TemplateError { message, places: vec![place], cause, not_deterministic: None })
    }

    fn fail<T>(&self, cause: impl Into<String>) -> Executed<T> {
        Err(self.error(cause))
    }

    fn unprintable(&self, reason: Unprintable) -> Box<TemplateError> {
        match reason {
            Unprintable::Long => self.error(format!("more than {} bytes of output", self.exec.limits.output)),
            Unprintable::Deep => self.error("a value that nests too deep, or holds itself, cannot be printed"),
        }
    }

    /// The mistake of a function that was called.
    fn call_failed(&self, name: &str, error: FunctionError) -> Box<TemplateError> {
        match error {
            FunctionError::Message(message) => self.error(format!("error calling {name}: {message}")),
            FunctionError::NotDeterministic(reason) => {
                let mut error = self.error(format!("error calling {name}: {reason}"));
                error.not_deterministic = Some(reason);
                error
            }
            FunctionError::Template { context, mut error } => {
                let (message, place) = self.located(&format!("error calling {name}: {context}{}", error.message));
                error.message = message;
                error.places.insert(0, place);
                error
            }
        }
    }

    // What is read

    /// Lets whoever notes reads note one.
    fn traced(&mut self, note: impl FnOnce(&mut Tracer, &str)) {
        if let Some(tracer) = self.exec.tracer.as_deref_mut() {
            note(tracer, &self.tree.file);
        }
    }

    /// Passes over a mistake where all branches are taken, unless there are no steps left.
    fn passed_over<T>(&self, done: Executed<T>, otherwise: T) -> Executed<T> {
        match done {
            Err(_) if self.exec.explores && self.exec.steps <= self.exec.limits.steps => Ok(otherwise),
            done => done,
        }
    }

    // Bounds

    fn step(&mut self) -> Executed<()> {
        self.exec.steps += 1;
        if self.exec.steps > self.exec.limits.steps {
            return self.fail(format!("more than {} steps", self.exec.limits.steps));
        }
        Ok(())
    }

    /// Long texts and lists are more than one step for whoever works on them.
    fn work(&mut self, values: &[Value]) -> Executed<()> {
        let of = |value: &Value| match value {
            Value::String(text) => text.len() / BYTES_A_STEP,
            Value::List(values) => values.len() / ITEMS_A_STEP,
            _ => 0,
        };
        self.exec.steps += values.iter().map(of).sum::<usize>() as u64;
        self.step()
    }

    fn write(&mut self, text: &str) -> Executed<()> {
        self.exec.written += text.len();
        if self.exec.written > self.exec.limits.output {
            return Err(self.unprintable(Unprintable::Long));
        }
        self.to.push_str(text);
        Ok(())
    }

    /// Does something that nests.
    fn nested<T: Send>(&mut self, run: impl FnOnce(&mut Self) -> Executed<T> + Send) -> Executed<T> {
        self.exec.depth += 1;
        let depth = self.exec.depth;
        let done = if depth > self.exec.limits.depth { None } else { deep(depth, || run(self)) };
        self.exec.depth -= 1;
        match done {
            Some(done) => done,
            None => self.fail(format!("exceeded maximum template depth ({})", self.exec.limits.depth)),
        }
    }

    /// What a function gave, if it is not too large.
    fn sized(&self, name: &str, value: Value) -> Executed<Value> {
        let (size, most, what) = match &value {
            Value::String(text) => (text.len(), self.exec.limits.output, "bytes"),
            Value::List(values) => (values.len(), self.exec.limits.items, "items"),
            _ => return Ok(value),
        };
        if size > most {
            return self.fail(format!("error calling {name}: more than {most} {what}"));
        }
        Ok(value)
    }

    // Nodes

    fn walk(&mut self, dot: &Item, nodes: &'s [Node]) -> Executed<Flow> {
        for node in nodes {
            let done = self.node(dot, node);
            let flow = self.passed_over(done, Flow::Through)?;
            if flow != Flow::Through && !self.exec.explores {
                return Ok(flow);
            }
        }
        Ok(Flow::Through)
    }

    fn node(&mut self, dot: &Item, node: &'s Node) -> Executed<Flow> {
        self.at = At::Node(node);
        self.step()?;
        match node {
            Node::Text { pos, end } => {
                let tree = self.tree;
                self.write(&tree.text[*pos..*end])?;
            }
            Node::Action { pipe, .. } => {
                let item = self.pipeline(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.at = At::Node(node);
                    self.print(&item)?;
                }
            }
            Node::If(branch) => return self.branch(dot, branch, false),
            Node::With(branch) => return self.branch(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template { name, pipe, .. } => self.template(dot, name, pipe.as_deref())?,
            Node::Break { .. } => return Ok(Flow::Break),
            Node::Continue { .. } => return Ok(Flow::Continue),
        }
        Ok(Flow::Through)
    }

    fn print(&mut self, item: &Item) -> Executed<()> {
        // What `include` gives goes on to other functions, and is made up as a whole.
        if self.exec.allows_random
            && self.exec.running == 1
            && let Some(refusal) = made::written(item.value())
        {
            return self.write(&made::mark(&refusal));
        }
        self.not_refused(item)?;
        if item.value().as_binary().is_some() {
            return self.fail("the string is not UTF-8, and can only be passed on, encoded and summed");
        }
        self.traced(|tracer, file| tracer.whole(item.value(), file));
        match item.value() {
            Value::Nil => self.write(NO_VALUE),
            Value::String(text) => self.write(text),
            value => {
                if let Some(refusal) = made::written(value) {
                    return Err(refusal);
                }
                let text = print::value(value, self.exec.limits.output).map_err(|reason| self.unprintable(reason))?;
                self.write(&text)
            }
        }
    }

    /// Whether something may look at the value.
    fn not_refused(&self, item: &Item) -> Executed<()> {
        made::refusal(item.value()).map_or(Ok(()), |refusal| Err(Box::new(refusal.clone())))
    }

    fn branch(&mut self, dot: &Item, branch: &'s Branch, with: bool) -> Executed<Flow> {
        let mark = self.variables.0.len();
        let item = self.pipeline(dot, &branch.pipe)?;
        self.traced(|tracer, file| tracer.tested(item.value(), file));
        if self.exec.explores {
            let inner = if with { &item } else { dot };
            self.nested(|state| state.walk(inner, &branch.body))?;
            if let Some(otherwise) = &branch.otherwise {
                self.nested(|state| state.walk(dot, otherwise))?;
            }
            self.variables.pop(mark);
            return Ok(Flow::Through);
        }
        self.not_refused(&item)?;
        let truth = item.value().truth();
        let flow = if truth {
            let dot = if with { &item } else { dot };
            self.nested(|state| state.walk(dot, &branch.body))
        } else if let Some(otherwise) = &branch.otherwise {
            self.nested(|state| state.walk(dot, otherwise))
        } else {
            Ok(Flow::Through)
        };
        let flow = flow.map_err(|mut error| {
            if error.not_deterministic.is_some()
                && let Some((path, negated)) = made::asked(&branch.pipe)
                && negated == truth
            {
                made::hint(&mut error, &path);
            }
            error
        })?;
        self.variables.pop(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Item, branch: &'s Branch) -> Executed<Flow> {
        let mark = self.variables.0.len();
        let over = self.pipeline(dot, &branch.pipe)?;
        self.traced(|tracer, file| tracer.listed(over.value(), file));
        let over = if self.exec.explores && self.not_refused(&over).is_err() { Item::Invalid } else { over };
        self.not_refused(&over)?;
        let flow = self.nested(|state| {
            let done = state.each(branch, over.into_value());
            let some = state.passed_over(done, true)?;
            if some && !state.exec.explores {
                return Ok(Flow::Through);
            }
            if !some && state.exec.explores {
                state.iteration(branch, Item::Invalid, Item::Invalid)?;
            }
            match &branch.otherwise {
                Some(otherwise) => state.walk(dot, otherwise),
                None => Ok(Flow::Through),
            }
        })?;
        self.variables.pop(mark);
        Ok(flow)
    }

    /// Walks the body for each item; says whether there were any.
    fn each(&mut self, branch: &'s Branch, over: Value) -> Executed<bool> {
        let some = match &over {
            Value::Nil => false,
            Value::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    let index = Item::Plain(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)));
                    if self.iteration(branch, index, Item::held(values.item_type(), value.clone()))? == Flow::Break {
                        break;
                    }
                }
                !values.is_empty()
            }
            Value::Map(map) => self.entries(branch, map.item_type(), &map.entries())?,
            Value::Int(number) | Value::Sized(number, _) => {
                if branch.pipe.variables.len() > 1 {
                    return self.fail(format!("can't use {number} to iterate over more than one variable"));
                }
                for index in 0..*number {
                    if self.iteration(branch, Item::Invalid, Item::Plain(like(&over, index)))? == Flow::Break {
                        break;
                    }
                }
                *number > 0
            }
            value => match value {
                Value::Object(object) if object.reflected() == "map" => match object.as_map() {
                    Some(entries) => self.entries(branch, Of::Anything, &entries)?,
                    None => false,
                },
                value => {
                    let shown =
                        print::value(value, self.exec.limits.output).map_err(|reason| self.unprintable(reason))?;
                    return self.fail(format!("range can't iterate over {shown}"));
                }
            },
        };
        Ok(some)
    }

    fn entries(&mut self, branch: &'s Branch, of: Of, entries: &Entries) -> Executed<bool> {
        for (key, value) in entries {
            let key = Item::Plain(Value::String(Arc::clone(key)));
            if self.iteration(branch, key, Item::held(of, value.clone()))? == Flow::Break {
                break;
            }
        }
        Ok(!entries.is_empty())
    }

    fn iteration(&mut self, branch: &'s Branch, index: Item, item: Item) -> Executed<Flow> {
        self.step()?;
        let mark = self.variables.0.len();
        match (&*branch.pipe.variables, branch.pipe.assign) {
            ([], _) => {}
            ([only], true) => self.assign(only, item.clone())?,
            ([first, second, ..], true) => {
                self.assign(first, index)?;
                self.assign(second, item.clone())?;
            }
            ([_], false) => self.top(1, item.clone()),
            ([_, _, ..], false) => {
                self.top(1, item.clone());
                self.top(2, index);
            }
        }
        let flow = self.walk(&item, &branch.body)?;
        self.variables.pop(mark);
        Ok(flow)
    }

    fn template(&mut self, dot: &Item, name: &Arc<str>, pipe: Option<&'s Pipe>) -> Executed<()> {
        let here = self.at;
        let Some(tree) = self.exec.templates.tree(name).cloned() else {
            return self.fail(format!("template {} not defined", quote(name)));
        };
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Item::Invalid,
        };
        let walked = self.nested(|state| {
            let mut inner = State::new(state.exec, &tree, &dot, state.to);
            inner.walk(&dot, &tree.root)
        });
        walked.map(|_| ()).map_err(|mut error| {
            self.at = here;
            error.places.insert(0, self.place());
            error
        })
    }

    // Variables

    fn assign(&mut self, name: &str, item: Item) -> Executed<()> {
        let file = &self.tree.file;
        match self.variables.0.iter_mut().rev().find(|(variable, _)| **variable == *name) {
            Some((_, variable)) => {
                let item = match &mut self.exec.tracer {
                    // Another branch than this one may be the one that is taken.
                    Some(tracer) if self.exec.explores => match tracer.either(variable.value(), item.value(), file) {
                        Some(value) => Item::of(value),
                        None => item,
                    },
                    _ => item,
                };
                discard(std::mem::replace(variable, item));
                Ok(())
            }
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    /// Sets the variable that is so far from the innermost one.
    fn top(&mut self, from_end: usize, item: Item) {
        let at = self.variables.0.len().checked_sub(from_end);
        if let Some((_, variable)) = at.and_then(|at| self.variables.0.get_mut(at)) {
            discard(std::mem::replace(variable, item));
        }
    }

    fn variable(&self, name: &str) -> Executed<Item> {
        match self.variables.0.iter().rev().find(|(variable, _)| **variable == *name) {
            Some((_, item)) => Ok(item.clone()),
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    // Pipelines

    fn pipeline(&mut self, dot: &Item, pipe: &'s Pipe) -> Executed<Item> {
        self.at = At::Pipe(pipe);
        let mut item = Item::Missing;
        let mut before = None;
        for command in &pipe.commands {
            self.piped = before;
            let done = self.command(dot, command, &item);
            item = self.passed_over(done, Item::Invalid)?.bare();
            before = Some(command);
        }
        for variable in &pipe.variables {
            if pipe.assign {
                self.assign(variable, item.clone())?;
            } else {
                self.variables.0.push((Arc::clone(variable), item.clone()));
            }
        }
        Ok(item)
    }

    fn command(&mut self, dot: &Item, command: &'s Command, last: &Item) -> Executed<Item> {
        self.step()?;
        let arguments = Arguments { words: &command.words, last };
        let Some(first) = command.words.first() else {
            return self.fail("empty command");
        };
        match &first.kind {
            WordKind::Field(names) => self.field_word(dot, first, names, arguments),
            WordKind::Chain(word, names) => self.chain(dot, first, word, names, arguments),
            WordKind::Identifier(name) => self.function(dot, first, name, At::Command(command), arguments),
            WordKind::Pipe(pipe) => {
                self.not_a_function(first, arguments)?;
                self.nested(|state| state.pipeline(dot, pipe))
            }
            WordKind::Variable(names) => self.variable_word(dot, first, names, arguments),
            kind => {
                self.at = At::Word(first);
                self.not_a_function(first, arguments)?;
                match kind {
                    WordKind::Bool(value) => Ok(Item::Plain(Value::Bool(*value))),
                    WordKind::Dot => Ok(dot.clone()),
                    WordKind::Number(number) => self.constant(first, number),
                    WordKind::String { text, .. } => Ok(Item::Plain(Value::String(Arc::clone(text)))),
                    _ => self.fail("nil is not a command"),
                }
            }
        }
    }

    fn not_a_function(&self, word: &Word, arguments: Arguments<'_, '_>) -> Executed<()> {
        if arguments.some() {
            return self.fail(format!("can't give argument to non-function {word}"));
        }
        Ok(())
    }

    /// A number where nothing says of which type it is to be.
    fn constant(&mut self, word: &'s Word, number: &Number) -> Executed<Item> {
        self.at = At::Word(word);
        let text = &number.text;
        let hexadecimal = (text.starts_with("0x") || text.starts_with("0X")) && !text.contains(['p', 'P']);
        let fraction = !hexadecimal && !text.starts_with('\'') && text.contains(['.', 'e', 'E', 'p', 'P']);
        if let Some((real, imaginary)) = number.complex {
            return Ok(Item::Plain(Value::Object(Arc::new(Complex(real, imaginary)))));
        }
        match (number.float, number.int) {
            (Some(float), _) if fraction => Ok(Item::Plain(Value::Float(float))),
            (_, Some(int)) => Ok(Item::Plain(Value::Int(int))),
            _ => self.fail(format!("{text} overflows int")),
        }
    }

    // Fields

    fn field_word(
        &mut self,
        dot: &Item,
        word: &'s Word,
        names: &'s [Arc<str>],
        arguments: Arguments<'s, '_>,
    ) -> Executed<Item> {
        self.at = At::Word(word);
        self.fields(dot, dot.clone(), word, names, arguments)
    }

    fn chain(
        &mut self,
        dot: &Item,
        word: &'s Word,
        of: &'s Word,
        names: &'s [Arc<str>],
        arguments: Arguments<'s, '_>,
    ) -> Executed<Item> {
        self.at = At::Word(word);
        if matches!(of.kind, WordKind::Nil) {
            return self.fail(format!("indirection through explicit nil in {word}"));
        }
        let receiver = self.argument(dot, Wanted::Reflected, of)?;
        self.fields(dot, receiver, word, names, arguments)
    }

    fn variable_word(
        &mut self,
        dot: &Item,
        word: &'s Word,
        names: &'s [Arc<str>],
        arguments: Arguments<'s, '_>,
    ) -> Executed<Item> {
        self.at = At::Word(word);
        let Some((name, fields)) = names.split_first() else {
            return self.fail("undefined variable: ");
        };
        let item = self.variable(name)?;
        if fields.is_empty() {
            self.not_a_function(word, arguments)?;
            return Ok(item);
        }
        self.fields(dot, item, word, fields, arguments)
    }

    /// `.a.b.c` of something. The last one takes the arguments.
    fn fields(
        &mut self,
        dot: &Item,
        mut receiver: Item,
        word: &'s Word,
        names: &'s [Arc<str>],
        arguments: Arguments<'s, '_>,
    ) -> Executed<Item> {
        let Some((last, before)) = names.split_last() else {
            return Ok(receiver);
        };
        for name in before {
            receiver = self.field(dot, receiver, word, name, Arguments { words: &[], last: &Item::Missing })?;
        }
        self.field(dot, receiver, word, last, arguments)
    }

    fn field(
        &mut self,
        dot: &Item,
        receiver: Item,
        word: &'s Word,
        name: &Arc<str>,
        arguments: Arguments<'s, '_>,
    ) -> Executed<Item> {
        let type_name = receiver.type_name();
        if made::refusal(receiver.value()).is_some() {
            return Ok(receiver);
        }
        match receiver {
            Item::Missing | Item::Invalid => Ok(Item::Invalid),
            Item::Inner(Value::Nil) => self.fail(format!("nil pointer evaluating {type_name}.{name}")),
            Item::Plain(Value::Map(map)) | Item::Inner(Value::Map(map)) => {
                if map.item_type() == Of::Values
                    && let Some(takes) = methods::of_values(name)
                {
                    let literal = match arguments.words.get(1).map(|word| &word.kind) {
                        Some(WordKind::String { text, .. }) => Some(&**text),
                        _ => None,
                    };
                    self.traced(|tracer, file| methods::trace_values(&map, name, literal, tracer, file));
                    let run = |values: &[Value]| methods::call_values(&map, name, values);
                    return self.method(dot, word, name, takes, arguments, run);
                }
                if arguments.some() {
                    return self.fail(format!("{name} is not a method but has arguments"));
                }
                self.traced(|tracer, file| tracer.asked_key(&map, name, file));
                Ok(Item::held(map.item_type(), map.get_or_zero(name)))
            }
            Item::Plain(Value::Object(object)) | Item::Inner(Value::Object(object)) => {
                if object.refused().is_some() {
                    // A field of what would have been made up is made up too.
                    return Ok(Item::Plain(Value::Object(object.clone())));
                }
                if let Some(takes) = object.method(name) {
                    let run = |values: &[Value]| object.call(name, values).unwrap_or(Ok(Value::Nil));
                    return self.method(dot, word, name, takes, arguments, run);
                }
                match object.field(name) {
                    Some(_) if arguments.some() => {
                        self.fail(format!("{name} has arguments but cannot be invoked as function"))
                    }
                    Some(Value::Nil) => Ok(Item::Inner(Value::Nil)),
                    Some(field) => Ok(Item::Plain(field)),
                    None => self.fail(format!("can't evaluate field {name} in type {type_name}")),
                }
            }
            Item::Plain(Value::List(list)) | Item::Inner(Value::List(list))
                if list.item_type() == Of::Versions && &**name == "Has" =>
            {
                let run = |values: &[Value]| Ok(values.iter().any(|value| list.contains(value)).into());
                self.method(dot, word, name, &[Type::String], arguments, run)
            }
            _ => self.fail(format!("can't evaluate field {name} in type {type_name}")),
        }
    }

    /// Calls a method.
    fn method(
        &mut self,
        dot: &Item,
        word: &'s Word,
        name: &Arc<str>,
        takes: &'static [Type],
        arguments: Arguments<'s, '_>,
        run: impl FnOnce(&[Value]) -> Result<Value, String>,
    ) -> Executed<Item> {
        self.count(name, takes.len(), false, arguments)?;
        let wanted = |index: usize| Wanted::Type(takes.get(index).copied().unwrap_or(Type::Any));
        let words = arguments.rest();
        let mut values = Vec::with_capacity(takes.len());
        for (index, word) in words.iter().enumerate() {
            values.push(self.argument(dot, wanted(index), word)?.into_value());
        }
        if arguments.has_last() {
            values.push(self.fitting(arguments.last.clone(), wanted(words.len()))?.into_value());
        }
        if let Some(value) = values.iter().find(|value| made::refusal(value).is_some()) {
            return Ok(Item::Plain(value.clone()));
        }
        match run(&values) {
            Ok(value) => Ok(Item::Inner(self.sized(name, value)?)),
            Err(message) => {
                self.at = At::Word(word);
                self.fail(format!("error calling {name}: {message}"))
            }
        }
    }

    // Functions

    fn function(
        &mut self,
        dot: &Item,
        word: &'s Word,
        name: &Arc<str>,
        at: At<'s>,
        arguments: Arguments<'s, '_>,
    ) -> Executed<Item> {
        self.at = At::Word(word);
        if let Some(signature) = self.exec.functions.signature(name) {
            return self.call(dot, name, signature, at, arguments);
        }
        match Builtin::named(name) {
            Some(builtin) => self.call_builtin(dot, name, builtin, at, arguments),
            None => self.fail(format!("{} is not a defined function", quote(name))),
        }
    }

    fn count(&self, name: &str, fixed: usize, variadic: bool, arguments: Arguments<'_, '_>) -> Executed<()> {
        let words = arguments.rest().len();
        let given = words + usize::from(arguments.has_last());
        if variadic && given < fixed {
            return self.fail(format!("wrong number of args for {name}: want at least {fixed} got {words}"));
        }
        if !variadic && given != fixed {
            return self.fail(format!("wrong number of args for {name}: want {fixed} got {given}"));
        }
        Ok(())
    }

    fn call(
        &mut self,
        dot: &Item,
        name: &str,
        signature: Signature,
        at: At<'s>,
        arguments: Arguments<'s, '_>,
    ) -> Executed<Item> {
        let piped = self.piped;
        self.count(name, signature.parameters.len(), signature.variadic.is_some(), arguments)?;
        let wanted = |index: usize| {
            let variadic = signature.variadic.unwrap_or(Type::Any);
            Wanted::Type(signature.parameters.get(index).copied().unwrap_or(variadic))
        };
        let words = arguments.rest();
        let mut values = Vec::with_capacity(words.len() + 1);
        for (index, word) in words.iter().enumerate() {
            values.push(self.argument(dot, wanted(index), word)?.into_value());
        }
        if arguments.has_last() {
            values.push(self.fitting(arguments.last.clone(), wanted(words.len()))?.into_value());
        }
        self.work(&values)?;
        let traced = self.exec.tracer.is_some().then(|| values.clone());
        if let Some(values) = &traced {
            self.traced(|tracer, file| tracer.calls(name, values, file));
            if self.exec.explores && self.would_hide(name, values) {
                return Ok(Item::Inner(values.first().cloned().unwrap_or_default()));
            }
        }
        match made::call(name, &values) {
            Call::Runs => {}
            Call::HandsOn(value) => return Ok(Item::Plain(value)),
            Call::Fails(refusal) => return Err(refusal),
        }
        let functions = self.exec.functions;
        let given = functions.call(name, values, self.exec);
        if let (Some(values), Ok(given)) = (&traced, &given) {
            self.traced(|tracer, _| tracer.called(name, values, given));
        }
        match given {
            // Most functions give an interface; those that do not never give nil.
            Ok(value) if name == "default" && made::refusal(&value).is_some() => {
                let given = match (words.get(1), piped) {
                    (Some(word), _) => Some(word),
                    (None, Some(Command { words, .. })) if words.len() == 1 => words.first(),
                    _ => None,
                };
                let path = given.map(ToString::to_string).filter(|path| path.contains(".Values."));
                Ok(Item::Plain(match path {
                    Some(path) => made::avoided_by(value, &path),
                    None => value,
                }))
            }
            Ok(value) => Ok(Item::Inner(self.sized(name, value)?)),
            Err(error) => {
                self.at = at;
                let error = self.call_failed(name, error);
                if error.not_deterministic.is_some() { Ok(Item::Plain(made::made(error))) } else { Err(error) }
            }
        }
    }

    /// Whether a function would hide values of the user's from what runs later, though a condition may forbid it.
    fn would_hide(&self, name: &str, arguments: &[Value]) -> bool {
        let (Some(tracer), [Value::Map(map), Value::String(key), value @ ..]) = (&self.exec.tracer, arguments) else {
            return false;
        };
        matches!(name, "set" | "unset") && tracer.hides(map, key, value.first())
    }

    fn call_builtin(
        &mut self,
        dot: &Item,
        name: &str,
        builtin: Builtin,
        at: At<'s>,
        arguments: Arguments<'s, '_>,
    ) -> Executed<Item> {
        let (fixed, variadic) = builtin.parameters();
        self.count(name, fixed.len(), variadic.is_some(), arguments)?;
        let words = arguments.rest();
        if let Builtin::And | Builtin::Or = builtin {
            let mut item = Item::Invalid;
            for word in words {
                item = self.argument(dot, Wanted::Reflected, word)?;
                self.traced(|tracer, file| tracer.tested(item.value(), file));
                if item.value().truth() == (builtin == Builtin::Or) && !self.exec.explores {
                    return Ok(item);
                }
            }
            return Ok(if arguments.has_last() { arguments.last.clone() } else { item });
        }
        let wanted = |index: usize| Wanted::from(fixed.get(index).copied().or(variadic).unwrap_or(Parameter::Any));
        let mut items = Vec::with_capacity(words.len() + 1);
        for (index, word) in words.iter().enumerate() {
            items.push(self.argument(dot, wanted(index), word)?);
        }
        if arguments.has_last() {
            items.push(self.fitting(arguments.last.clone(), wanted(words.len()))?);
        }
        if self.exec.tracer.is_some() {
            let values: Vec<Value> = items.iter().map(|item| item.value().clone()).collect();
            self.traced(|tracer, file| tracer.calls(name, &values, file));
        }
        if let Some(item) = items.iter().find(|item| made::refusal(item.value()).is_some()) {
            return Ok(item.clone());
        }
        if let Some(value) = made::hidden(name, items.iter().map(Item::value)) {
            return Ok(Item::Plain(value));
        }
        if items.iter().any(|item| item.value().as_binary().is_some()) {
            self.at = at;
            return self.fail(format!(
                "error calling {name}: the string is not UTF-8, and can only be passed on, encoded and summed"
            ));
        }
        let callee = match (builtin, words.first()) {
            (Builtin::Call, Some(word)) => word.to_string(),
            (Builtin::Call, None) => match arguments.last.value() {
                Value::String(text) => text.to_string(),
                value => format!("<{} Value>", value.type_name()),
            },
            _ => String::new(),
        };
        match builtin::call(builtin, items, &callee, self.exec.limits.output) {
            Ok(item) => Ok(item),
            Err(failed) => {
                self.at = at;
                Err(match failed {
                    Failed::Message(message) => self.error(format!("error calling {name}: {message}")),
                    Failed::Unprintable(reason) => self.unprintable(reason),
                })
            }
        }
    }

    /// What a word gives, where something of some type is wanted.
    fn argument(&mut self, dot: &Item, wanted: Wanted, word: &'s Word) -> Executed<Item> {
        self.at = At::Word(word);
        let none = Arguments { words: &[], last: &Item::Missing };
        let item = match &word.kind {
            WordKind::Dot => dot.clone(),
            WordKind::Nil => {
                return match wanted {
                    Wanted::Reflected => Ok(Item::Invalid),
                    Wanted::Type(wanted) if wanted.takes_nil() => Ok(Item::Inner(Value::Nil)),
                    Wanted::Type(wanted) => self.fail(format!("cannot assign nil to {}", wanted.name())),
                };
            }
            WordKind::Field(names) => self.field_word(dot, word, names, none)?,
            WordKind::Variable(names) => self.variable_word(dot, word, names, none)?,
            WordKind::Pipe(pipe) => self.nested(|state| state.pipeline(dot, pipe))?,
            WordKind::Identifier(name) => self.function(dot, word, name, At::Word(word), none)?,
            WordKind::Chain(of, names) => self.chain(dot, word, of, names, none)?,
            _ => return self.literal(wanted, word),
        };
        self.fitting(item, wanted)
    }

    /// A constant, where something of some type is wanted.
    fn literal(&mut self, wanted: Wanted, word: &'s Word) -> Executed<Item> {
        let expected = |what: &str| self.fail(format!("expected {what}; found {word}"));
        let value = match (wanted, &word.kind) {
            (Wanted::Reflected | Wanted::Type(Type::Any), kind) => match kind {
                WordKind::Number(number) => return self.constant(word, number),
                WordKind::Bool(value) => Value::Bool(*value),
                WordKind::String { text, .. } => Value::String(Arc::clone(text)),
                _ => return self.fail(format!("can't handle assignment of {word} to empty interface argument")),
            },
            (Wanted::Type(Type::Bool), WordKind::Bool(value)) => Value::Bool(*value),
            (Wanted::Type(Type::Bool), _) => return expected("bool"),
            (Wanted::Type(Type::String), WordKind::String { text, .. }) => Value::String(Arc::clone(text)),
            (Wanted::Type(Type::String), _) => return expected("string"),
            (Wanted::Type(Type::Int), WordKind::Number(number)) if let Some(int) = number.int => Value::Int(int),
            (Wanted::Type(Type::Int64), WordKind::Number(number)) if let Some(int) = number.int => Value::int64(int),
            (Wanted::Type(Type::Int | Type::Int64), _) => return expected("integer"),
            (Wanted::Type(Type::Float), WordKind::Number(number)) if let Some(float) = number.float => {
                Value::Float(float)
            }
            (Wanted::Type(Type::Float), _) => return expected("float"),
            (Wanted::Type(wanted), _) => {
                return self.fail(format!("can't handle {word} for arg of type {}", wanted.name()));
            }
        };
        Ok(Item::Plain(value))
    }

    /// An item, if it is of the type that is wanted.
    fn fitting(&self, item: Item, wanted: Wanted) -> Executed<Item> {
        let Wanted::Type(wanted) = wanted else {
            return Ok(item);
        };
        if made::refusal(item.value()).is_some() {
            return Ok(item);
        }
        match &item {
            Item::Missing | Item::Invalid if wanted.takes_nil() => Ok(Item::Inner(Value::Nil)),
            Item::Missing | Item::Invalid => self.fail(format!("invalid value; expected {}", wanted.name())),
            Item::Inner(Value::Nil) if wanted != Type::Any => self.wrong(wanted, "interface {}"),
            item if !wanted.takes(item.value()) => self.wrong(wanted, item.value().type_name()),
            Item::Plain(Value::Map(map)) | Item::Inner(Value::Map(map))
                if wanted == Type::Map && map.item_type() == Of::Values =>
            {
                Ok(Item::Plain(map.as_of(Of::Anything).into()))
            }
            _ => Ok(item),
        }
    }

    fn wrong<T>(&self, wanted: Type, got: impl Display) -> Executed<T> {
        self.fail(format!("wrong type for value; expected {}; got {got}", wanted.name()))
    }
}

/// A whole number of the same type as another.
fn like(value: &Value, number: i64) -> Value {
    match value {
        Value::Sized(_, width) => Value::Sized(number, *width),
        _ => Value::Int(number),
    }
}

/// A complex constant, which templates can only print.
#[derive(Debug)]
struct Complex(f64, f64);

impl Object for Complex {
    fn kind(&self) -> &'static str {
        "complex128"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, _name: &str, _arguments: &[Value]) -> Option<Result<Value, String>> {
        None
    }

    fn display(&self) -> String {
        let real = print::format_float(self.0, 'g', None);
        let imaginary = print::format_float(self.1, 'g', None);
        let plus = if imaginary.starts_with(['-', '+']) { "" } else { "+" };
        format!("({real}{plus}{imaginary}i)")
    }

    fn as_map(&self) -> Option<Entries> {
        None
    }
}
