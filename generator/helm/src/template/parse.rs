//! Reads a template.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use smallvec::SmallVec;

use super::lex::{Kind, Lexer, Token};
use super::literal::{Number, quote, unquote};
use super::stack::deep;
use super::tree::{Branch, Command, Node, Pipe, Tree, Word, WordKind, Written};
use super::{Functions, Place, TemplateError, builtin};

/// How deep blocks and parentheses may nest in each other.
const DEPTH: usize = 1000;

/// Reads a text, and gives the templates it defines; the text itself, under the name of the file, is the last one.
pub(super) fn parse(file: &str, text: &str, functions: &dyn Functions) -> Result<Vec<Tree>, Box<TemplateError>> {
    let mut parser = Parser {
        file: file.into(),
        text: text.into(),
        functions,
        lexer: Lexer::new(text),
        trees: Vec::new(),
        depth: 0,
        scope: Scope::default(),
        names: vec![None; NAMES as usize],
        known: Vec::new(),
    };
    let root = parser.file()?;
    let name = Arc::clone(&parser.file);
    parser.add(name, root)?;
    Ok(parser.trees)
}

/// The start of a path, with room for what mostly follows.
fn path(name: Arc<str>) -> Vec<Arc<str>> {
    let mut path = Vec::with_capacity(4);
    path.push(name);
    path
}

struct Parser<'a> {
    file: Arc<str>,
    text: Arc<str>,
    functions: &'a dyn Functions,
    lexer: Lexer<'a>,
    trees: Vec<Tree>,
    depth: usize,
    scope: Scope<'a>,
    /// Names that were seen lately, each at a place of its own.
    names: Vec<Option<Arc<str>>>,
    /// Names of functions.
    known: Vec<Arc<str>>,
}

/// How many names are kept, so that the same one need not be made anew.
const NAMES: u64 = 256;

/// How many names of functions are kept.
const KNOWN: usize = 8;

/// What each template has of its own while it is read.
struct Scope<'a> {
    /// Three tokens of look-ahead; the last one read is the first.
    tokens: [Token<'a>; 3],
    peeked: usize,
    variables: Vec<Arc<str>>,
    /// What the action that is read starts with.
    action: Option<Token<'a>>,
    ranges: usize,
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Scope {
            tokens: [Token::none(), Token::none(), Token::none()],
            peeked: 0,
            variables: vec!["$".into()],
            action: None,
            ranges: 0,
        }
    }
}

/// How a list of nodes ended.
enum End {
    End,
    Else,
}

impl End {
    fn shown(&self) -> &'static str {
        match self {
            End::End => "{{end}}",
            End::Else => "{{else}}",
        }
    }
}

/// A node, or what ends the list it would stand in.
enum Item {
    Node(Node),
    End(End),
}

type Parsed<T> = Result<T, Box<TemplateError>>;

impl<'a> Parser<'a> {
    /// A name, shared with where it was seen before.
    fn name(&mut self, text: &str) -> Arc<str> {
        let hash = foldhash::fast::FixedState::default().hash_one(text);
        match self.names.get_mut((hash % NAMES) as usize) {
            Some(Some(name)) if **name == *text => Arc::clone(name),
            Some(place) => {
                let name: Arc<str> = text.into();
                *place = Some(Arc::clone(&name));
                name
            }
            None => text.into(),
        }
    }

    // Tokens

    fn next(&mut self) -> Token<'a> {
        match self.scope.peeked.checked_sub(1) {
            Some(peeked) => self.scope.peeked = peeked,
            None => self.scope.tokens[0] = self.lexer.token(),
        }
        self.scope.tokens[self.scope.peeked]
    }

    fn backup(&mut self) {
        self.scope.peeked += 1;
    }

    fn backup2(&mut self, first: Token<'a>) {
        self.scope.tokens[1] = first;
        self.scope.peeked = 2;
    }

    fn backup3(&mut self, first: Token<'a>, second: Token<'a>) {
        self.scope.tokens[1] = second;
        self.scope.tokens[2] = first;
        self.scope.peeked = 3;
    }

    fn peek(&mut self) -> Token<'a> {
        let token = self.next();
        self.backup();
        token
    }

    fn next_non_space(&mut self) -> Token<'a> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token<'a> {
        let token = self.next_non_space();
        self.backup();
        token
    }

    // Mistakes

    fn line(&self, token: &Token<'_>) -> usize {
        token.line(&self.text)
    }

    fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let cause = message.into();
        let line = self.line(&self.scope.tokens[0]);
        let place =
            Place { file: self.file.to_string(), line, column: None, template: String::new(), at: String::new() };
        Err(Box::new(TemplateError {
            message: format!("template: {}:{line}: {cause}", self.file),
            places: vec![place],
            cause,
            not_deterministic: None,
        }))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token<'a>> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn unexpected<T>(&self, token: &Token<'_>, context: &str) -> Parsed<T> {
        if token.kind != Kind::Error {
            return self.fail(format!("unexpected {} in {context}", token.shown()));
        }
        let line = self.scope.action.map(|action| self.line(&action));
        let mistake = self.lexer.mistake();
        let started = match line {
            Some(line) if line != self.line(token) => {
                let within = if mistake.ends_with(" action") { "" } else { " in action" };
                format!("{within} started at {}:{line}", self.file)
            }
            _ => String::new(),
        };
        self.fail(format!("{mistake}{started}"))
    }

    /// Reads something that nests, with a bound on how deep.
    fn nested<T: Send>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T> + Send) -> Parsed<T> {
        if self.depth >= DEPTH {
            return self.fail("max expression depth exceeded");
        }
        self.depth += 1;
        let depth = self.depth;
        let read = deep(depth, || read(self));
        self.depth -= 1;
        match read {
            Some(read) => read,
            None => self.fail("max expression depth exceeded"),
        }
    }

    // Templates

    fn file(&mut self) -> Parsed<Vec<Node>> {
        let mut root = Vec::new();
        loop {
            let token = self.peek();
            if token.kind == Kind::Eof {
                return Ok(root);
            }
            if token.kind == Kind::LeftDelim {
                let delimiter = self.next();
                if self.next_non_space().kind == Kind::Define {
                    self.own_scope(Parser::definition)?;
                    continue;
                }
                self.backup2(delimiter);
            }
            match self.text_or_action()? {
                Item::Node(node) => root.push(node),
                Item::End(end) => return self.fail(format!("unexpected {}", end.shown())),
            }
        }
    }

    /// Reads a template that stands in another one.
    fn own_scope<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::take(&mut self.scope);
        let read = read(self)?;
        self.scope = outer;
        Ok(read)
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let token = self.next_non_space();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(&token, CONTEXT);
        }
        let name = unquote(token.text).or_else(|error| self.fail(error))?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.body(name.into(), CONTEXT)
    }

    /// What a `define` or `block` holds, up to its end.
    fn body(&mut self, name: Arc<str>, context: &str) -> Parsed<()> {
        let (root, end) = self.list()?;
        if let End::Else = end {
            return self.fail(format!("unexpected {} in {context}", end.shown()));
        }
        self.add(name, root)
    }

    fn add(&mut self, name: Arc<str>, root: Vec<Node>) -> Parsed<()> {
        let tree = Tree { name, file: Arc::clone(&self.file), text: Arc::clone(&self.text), root: Arc::new(root) };
        let existing = self.trees.iter().position(|existing| existing.name == tree.name);
        match existing {
            Some(at) if self.trees[at].is_empty() => self.trees[at] = tree,
            Some(_) if tree.is_empty() => {}
            Some(_) => return self.fail(format!("template: multiple definition of template {}", quote(&tree.name))),
            None => self.trees.push(tree),
        }
        Ok(())
    }

    /// Nodes up to an `end` or `else`.
    fn list(&mut self) -> Parsed<(Vec<Node>, End)> {
        self.nested(|parser| {
            let mut nodes = Vec::new();
            while parser.peek_non_space().kind != Kind::Eof {
                match parser.text_or_action()? {
                    Item::Node(node) => nodes.push(node),
                    Item::End(end) => return Ok((nodes, end)),
                }
            }
            parser.fail("unexpected EOF")
        })
    }

    fn text_or_action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text { pos: token.pos, end: token.pos + token.text.len() })),
            Kind::LeftDelim => {
                self.scope.action = Some(token);
                let item = self.action()?;
                self.scope.action = None;
                Ok(item)
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => {
                self.leave("{{break}}")?;
                Node::Break { pos: token.pos }
            }
            Kind::Continue => {
                self.leave("{{continue}}")?;
                Node::Continue { pos: token.pos }
            }
            Kind::Else => {
                if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Item::End(End::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::End(End::End));
            }
            Kind::If => Node::If(self.control("if")?.into()),
            Kind::Range => Node::Range(self.control("range")?.into()),
            Kind::With => Node::With(self.control("with")?.into()),
            Kind::Template => {
                let token = self.next_non_space();
                let name = self.template_name(&token, "template clause")?;
                let pipe = if self.next_non_space().kind == Kind::RightDelim {
                    None
                } else {
                    self.backup();
                    Some(self.pipeline("template clause", Kind::RightDelim)?.into())
                };
                Node::Template { pos: token.pos, name, pipe }
            }
            _ => {
                self.backup();
                let pos = self.peek().pos;
                Node::Action { pos, pipe: self.pipeline("command", Kind::RightDelim)?.into() }
            }
        };
        Ok(Item::Node(node))
    }

    /// `break` or `continue`.
    fn leave(&mut self, shown: &str) -> Parsed<()> {
        let token = self.next_non_space();
        if token.kind != Kind::RightDelim {
            return self.unexpected(&token, shown);
        }
        if self.scope.ranges == 0 {
            return self.fail(format!("{shown} outside {{{{range}}}}"));
        }
        Ok(())
    }

    fn control(&mut self, context: &'static str) -> Parsed<Branch> {
        let variables = self.scope.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let range = usize::from(context == "range");
        self.scope.ranges += range;
        let (body, end) = self.list()?;
        self.scope.ranges -= range;
        let otherwise = match end {
            End::End => None,
            End::Else => Some(self.otherwise(context)?),
        };
        self.scope.variables.truncate(variables);
        Ok(Branch { pipe, body, otherwise })
    }

    /// What follows an `else`: nodes, or for `else if` and `else with` the one node whose end is that of the whole.
    fn otherwise(&mut self, context: &'static str) -> Parsed<Vec<Node>> {
        match (context, self.peek().kind) {
            ("if", Kind::If) => {
                self.next();
                Ok(vec![Node::If(self.nested(|parser| parser.control("if"))?.into())])
            }
            ("with", Kind::With) => {
                self.next();
                Ok(vec![Node::With(self.nested(|parser| parser.control("with"))?.into())])
            }
            _ => {
                let (nodes, end) = self.list()?;
                match end {
                    End::End => Ok(nodes),
                    End::Else => self.fail("expected end; found {{else}}"),
                }
            }
        }
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let block = Arc::clone(&name);
        self.own_scope(|parser| parser.body(block, CONTEXT))?;
        Ok(Node::Template { pos: token.pos, name, pipe: Some(pipe.into()) })
    }

    fn template_name(&mut self, token: &Token<'_>, context: &str) -> Parsed<Arc<str>> {
        match token.kind {
            Kind::String | Kind::RawString => Ok(unquote(token.text).or_else(|error| self.fail(error))?.into()),
            _ => self.unexpected(token, context),
        }
    }

    // Pipelines

    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let pos = self.peek_non_space().pos;
        let mut pipe = Pipe { pos, assign: false, variables: Vec::new(), commands: SmallVec::new() };
        self.declarations(context, &mut pipe)?;
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => {
                    self.check(&pipe, context)?;
                    return Ok(pipe);
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    pipe.commands.push(self.command()?);
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    /// The variables at the start of a pipeline, if it has any.
    fn declarations(&mut self, context: &str, pipe: &mut Pipe) -> Parsed<()> {
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.next();
            // A space is a token: `$x foo` must be read up to `foo` to know that `$x` is an argument.
            let after = self.peek();
            let next = self.peek_non_space();
            let declares = matches!(next.kind, Kind::Assign | Kind::Declare);
            if declares || next.kind == Kind::Char && next.text == "," {
                self.next_non_space();
                let name = self.name(variable.text);
                pipe.variables.push(Arc::clone(&name));
                self.scope.variables.push(name);
                if declares {
                    pipe.assign = next.kind == Kind::Assign;
                    return Ok(());
                }
                if context != "range" || pipe.variables.len() >= 2 {
                    return self.fail(format!("too many declarations in {context}"));
                }
                match self.peek_non_space().kind {
                    Kind::Variable | Kind::RightDelim | Kind::RightParen => {}
                    _ => return self.fail("range can only initialize variables"),
                }
            } else {
                if after.kind == Kind::Space {
                    self.backup3(variable, after);
                } else {
                    self.backup2(variable);
                }
                return Ok(());
            }
        }
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        // Only the first command may be a plain value: nothing can be handed to one.
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.words.first().map(|word| &word.kind);
            if let Some(
                WordKind::Bool(_) | WordKind::Dot | WordKind::Nil | WordKind::Number(_) | WordKind::String { .. },
            ) = first
            {
                return self.fail(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let pos = self.peek_non_space().pos;
        let mut words = SmallVec::new();
        loop {
            self.peek_non_space();
            if let Some(word) = self.operand()? {
                words.push(word);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if words.is_empty() {
            return self.fail("empty command");
        }
        Ok(Command { pos, words })
    }

    /// A word with the fields that follow it; none where no word follows.
    fn operand(&mut self) -> Parsed<Option<Word>> {
        let Some(mut word) = self.term()? else {
            return Ok(None);
        };
        let after = self.peek();
        if after.kind != Kind::Field {
            return Ok(Some(word));
        }
        let mut fields = match &mut word.kind {
            WordKind::Field(names) | WordKind::Variable(names) => std::mem::take(names),
            _ => Vec::new(),
        };
        while self.peek().kind == Kind::Field {
            let field = self.next().text;
            fields.push(self.name(&field[1..]));
        }
        match &mut word.kind {
            WordKind::Field(names) | WordKind::Variable(names) => {
                *names = fields;
                word.pos = after.pos;
            }
            WordKind::Bool(_) | WordKind::String { .. } | WordKind::Number(_) | WordKind::Nil | WordKind::Dot => {
                return self.fail(format!("unexpected . after term {}", quote(&word.to_string())));
            }
            _ => word = Word { pos: after.pos, kind: WordKind::Chain(Box::new(word), fields) },
        }
        Ok(Some(word))
    }

    fn term(&mut self) -> Parsed<Option<Word>> {
        let token = self.next_non_space();
        let text = token.text;
        let kind = match token.kind {
            Kind::Identifier => {
                let name = self.name(text);
                // Most names come more than once.
                let known = self.known.last().is_some_and(|known| Arc::ptr_eq(known, &name))
                    || self.known.iter().any(|known| Arc::ptr_eq(known, &name));
                if !known {
                    if self.functions.signature(text).is_none() && builtin::Builtin::named(text).is_none() {
                        return self.fail(format!("function {} not defined", quote(text)));
                    }
                    if self.known.len() < KNOWN {
                        self.known.push(Arc::clone(&name));
                    }
                }
                WordKind::Identifier(name)
            }
            Kind::Dot => WordKind::Dot,
            Kind::Nil => WordKind::Nil,
            Kind::Variable => {
                if !self.scope.variables.iter().any(|variable| **variable == *text) {
                    return self.fail(format!("undefined variable {}", quote(text)));
                }
                WordKind::Variable(path(self.name(text)))
            }
            Kind::Field => WordKind::Field(path(self.name(&text[1..]))),
            Kind::Bool => WordKind::Bool(text == "true"),
            Kind::CharConstant => WordKind::Number(Number::character(text).or_else(|error| self.fail(error))?.into()),
            Kind::Complex => WordKind::Number(Number::sum(text).or_else(|error| self.fail(error))?.into()),
            Kind::Number => WordKind::Number(Number::plain(text).or_else(|error| self.fail(error))?.into()),
            Kind::LeftParen => WordKind::Pipe(
                self.nested(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?.into(),
            ),
            Kind::String | Kind::RawString => {
                let unquoted = unquote(text).or_else(|error| self.fail(error))?;
                let written = match text.chars().next() {
                    Some(quote) if text.len() == unquoted.len() + 2 && text[1..].starts_with(&*unquoted) => {
                        Written::Between(quote)
                    }
                    _ => Written::As(text.into()),
                };
                WordKind::String { written, text: unquoted.into() }
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Word { pos: token.pos, kind }))
    }
}
