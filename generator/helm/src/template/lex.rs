//! Cuts a template into tokens.

use super::literal::{is_digit, is_letter, is_print, quote};

/// The kinds of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The text does not go on as a template; the value says why.
    Error,
    Bool,
    /// A printable ASCII character with no meaning of its own: a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    fn keyword(word: &str) -> Option<Kind> {
        Some(match word {
            "block" => Kind::Block,
            "break" => Kind::Break,
            "continue" => Kind::Continue,
            "define" => Kind::Define,
            "else" => Kind::Else,
            "end" => Kind::End,
            "if" => Kind::If,
            "nil" => Kind::Nil,
            "range" => Kind::Range,
            "template" => Kind::Template,
            "with" => Kind::With,
            _ => return None,
        })
    }

    fn is_keyword(self) -> bool {
        use Kind::{Block, Break, Continue, Define, Dot, Else, End, If, Nil, Range, Template, With};
        matches!(self, Block | Break | Continue | Dot | Define | Else | End | If | Nil | Range | Template | With)
    }
}

/// A token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    /// Where it starts, in bytes.
    pub pos: usize,
    pub text: &'a str,
}

impl Token<'_> {
    /// A token that stands for none, and nowhere.
    pub fn none() -> Token<'static> {
        Token { kind: Kind::Eof, pos: usize::MAX, text: "" }
    }

    /// The line it starts on, from 1, in the text that it comes from; 0 where it stands for none. Only mistakes ask for it.
    pub fn line(&self, input: &str) -> usize {
        input.get(..self.pos).map_or(0, |before| newlines(before) + 1)
    }

    /// As messages show it; mistakes have their words in the lexer.
    pub fn shown(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            kind if kind.is_keyword() => format!("<{}>", self.text),
            _ if self.text.len() > 10 => {
                let start: String = self.text.chars().take(10).collect();
                format!("{}...", quote(&start))
            }
            _ => quote(self.text),
        }
    }
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_space_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// How long a text is without the space at its end.
fn trim_end(text: &str) -> usize {
    text.len() - text.bytes().rev().take_while(|byte| is_space_byte(*byte)).count()
}

/// Where the next left delimiter stands.
fn find_left(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'{', bytes).find(|at| bytes.get(at + 1) == Some(&b'{'))
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || is_letter(c) || is_digit(c)
}

/// `- ` after a left delimiter takes away the space before it.
fn trims_left(after: &str) -> bool {
    let mut bytes = after.bytes();
    bytes.next() == Some(b'-') && bytes.next().is_some_and(is_space_byte)
}

/// ` -` before a right delimiter takes away the space after it.
fn trims_right(before: &str) -> bool {
    let mut bytes = before.bytes();
    bytes.next().is_some_and(is_space_byte) && bytes.next() == Some(b'-')
}

/// Cuts a template into tokens, one at a time.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    input: &'a str,
    pos: usize,
    start: usize,
    parens: usize,
    inside: bool,
    /// Why the text does not go on as a template.
    mistake: String,
}

impl<'a> Lexer<'a> {
    pub fn new(input: &'a str) -> Lexer<'a> {
        Lexer { input, pos: 0, start: 0, parens: 0, inside: false, mistake: String::new() }
    }

    /// The next token.
    pub fn token(&mut self) -> Token<'a> {
        if self.inside {
            return self.action();
        }
        loop {
            let rest = &self.input[self.pos..];
            let Some(at) = find_left(rest) else {
                self.pos = self.input.len();
                let kind = if self.pos > self.start { Kind::Text } else { Kind::Eof };
                return self.emit(kind);
            };
            if at > 0 {
                let delimiter = self.pos + at;
                let text = &self.input[self.start..delimiter];
                let kept = if trims_left(&self.input[delimiter + LEFT.len()..]) { trim_end(text) } else { text.len() };
                self.pos = self.start + kept;
                let token = self.emit(Kind::Text);
                self.pos = delimiter;
                self.ignore();
                if !token.text.is_empty() {
                    return token;
                }
            }
            if let Some(token) = self.left() {
                return token;
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.input[self.pos..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.pos += next.len_utf8();
        Some(next)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let accepted = self.peek().is_some_and(|c| valid.contains(c));
        if accepted {
            self.pos += 1; // Whatever is accepted is ASCII.
        }
        accepted
    }

    fn accept_all(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    fn rest(&self) -> &'a str {
        &self.input[self.pos..]
    }

    /// Goes on behind what was read, without a token for it.
    fn ignore(&mut self) {
        self.start = self.pos;
    }

    fn emit(&mut self, kind: Kind) -> Token<'a> {
        let text = &self.input[self.start..self.pos];
        let token = Token { kind, pos: self.start, text };
        self.start = self.pos;
        token
    }

    /// What the token says that stands for a mistake.
    pub fn mistake(&self) -> &str {
        &self.mistake
    }

    fn error(&mut self, message: impl Into<String>) -> Token<'a> {
        self.mistake = message.into();
        let token = Token { kind: Kind::Error, pos: self.start, text: "" };
        self.input = "";
        self.pos = 0;
        self.start = 0;
        token
    }

    /// A left delimiter; none where a comment follows, which is skipped.
    fn left(&mut self) -> Option<Token<'a>> {
        self.pos += LEFT.len();
        let marker = if trims_left(self.rest()) { 2 } else { 0 };
        if self.input[self.pos + marker..].starts_with("/*") {
            self.pos += marker;
            self.ignore();
            return self.comment();
        }
        let token = self.emit(Kind::LeftDelim);
        self.inside = true;
        self.pos += marker;
        self.ignore();
        self.parens = 0;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token<'a>> {
        self.pos += "/*".len();
        let Some(end) = self.rest().find("*/") else {
            return Some(self.error("unclosed comment"));
        };
        self.pos += end + "*/".len();
        let Some(trim) = self.at_right() else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.skip_right(trim);
        self.ignore();
        None
    }

    /// Whether a right delimiter follows, and if so, whether it takes away the space after it.
    fn at_right(&self) -> Option<bool> {
        let rest = self.rest();
        if trims_right(rest) && rest[2..].starts_with(RIGHT) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn skip_right(&mut self, trim: bool) {
        if trim {
            self.pos += 2;
        }
        self.pos += RIGHT.len();
        if trim {
            self.skip_spaces();
        }
    }

    fn skip_spaces(&mut self) {
        let rest = &self.input.as_bytes()[self.pos..];
        self.pos += rest.iter().take_while(|byte| is_space_byte(**byte)).count();
    }

    fn right(&mut self, trim: bool) -> Token<'a> {
        if trim {
            self.pos += 2;
            self.ignore();
        }
        self.pos += RIGHT.len();
        let token = self.emit(Kind::RightDelim);
        if trim {
            self.skip_spaces();
            self.ignore();
        }
        self.inside = false;
        token
    }

    /// The next token between delimiters.
    fn action(&mut self) -> Token<'a> {
        // A right delimiter starts with a brace, or with the space before a dash.
        let closes = matches!(self.input.as_bytes().get(self.pos), Some(b'}' | b' ' | b'\t' | b'\r' | b'\n'));
        if let Some(trim) = closes.then(|| self.at_right()).flatten() {
            if self.parens == 0 {
                return self.right(trim);
            }
            return self.error("unclosed left paren");
        }
        let Some(c) = self.next() else {
            return self.error("unclosed action");
        };
        match c {
            c if is_space(c) => self.space(),
            '=' => self.emit(Kind::Assign),
            ':' if self.accept("=") => self.emit(Kind::Declare),
            ':' => self.error("expected :="),
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            '`' => match memchr::memchr(b'`', self.rest().as_bytes()) {
                Some(end) => {
                    self.pos += end + 1;
                    self.emit(Kind::RawString)
                }
                None => self.error("unterminated raw quoted string"),
            },
            '$' => self.field(Kind::Variable),
            '.' if self.rest().bytes().next().is_some_and(|b| !b.is_ascii_digit()) => self.field(Kind::Field),
            '.' | '+' | '-' | '0'..='9' => {
                self.pos = self.start;
                self.number()
            }
            '(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen)
            }
            ')' => match self.parens.checked_sub(1) {
                Some(parens) => {
                    self.parens = parens;
                    self.emit(Kind::RightParen)
                }
                None => self.error("unexpected right paren"),
            },
            c if is_alphanumeric(c) => self.identifier(),
            c if c.is_ascii() && is_print(c) => self.emit(Kind::Char),
            c => self.error(format!("unrecognized character in action: {}", code_point(c))),
        }
    }

    /// A run of spaces, the first of which is read. The last one may belong to a right delimiter.
    fn space(&mut self) -> Token<'a> {
        self.skip_spaces();
        let last = &self.input[self.pos - 1..];
        if trims_right(last) && last[2..].starts_with(RIGHT) {
            self.pos -= 1;
            if self.pos == self.start {
                return self.right(true);
            }
        }
        self.emit(Kind::Space)
    }

    fn identifier(&mut self) -> Token<'a> {
        self.word();
        if let Some(token) = self.bad_end() {
            return token;
        }
        let word = &self.input[self.start..self.pos];
        let kind = match word {
            "true" | "false" => Kind::Bool,
            word => Kind::keyword(word).unwrap_or(Kind::Identifier),
        };
        self.emit(kind)
    }

    /// `.field` or `$variable`, the first character of which is read.
    fn field(&mut self, kind: Kind) -> Token<'a> {
        if self.at_terminator() {
            return self.emit(if kind == Kind::Variable { kind } else { Kind::Dot });
        }
        self.word();
        self.bad_end().unwrap_or_else(|| self.emit(kind))
    }

    /// Goes on behind letters and digits.
    fn word(&mut self) {
        let bytes = self.input.as_bytes();
        loop {
            while bytes.get(self.pos).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
                self.pos += 1;
            }
            if bytes.get(self.pos).is_none_or(u8::is_ascii) || !self.peek().is_some_and(is_alphanumeric) {
                return;
            }
            self.next();
        }
    }

    fn bad_end(&mut self) -> Option<Token<'a>> {
        if self.at_terminator() {
            return None;
        }
        let c = self.peek()?;
        Some(self.error(format!("bad character {}", code_point(c))))
    }

    /// Whether what may follow an identifier follows.
    fn at_terminator(&self) -> bool {
        match self.input.as_bytes().get(self.pos) {
            None => true,
            Some(b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(') => true,
            Some(b'}') => self.rest().starts_with(RIGHT),
            Some(_) => false,
        }
    }

    /// A string or a character constant, the quote of which is read.
    fn quoted(&mut self, end: u8, kind: Kind, unterminated: &str) -> Token<'a> {
        loop {
            match memchr::memchr3(b'\\', b'\n', end, self.rest().as_bytes()) {
                None => return self.error(unterminated),
                Some(at) => self.pos += at,
            }
            match self.next() {
                Some('\\') if self.peek().is_some_and(|c| c != '\n') => {
                    self.next();
                }
                Some('\\' | '\n') => return self.error(unterminated),
                _ => return self.emit(kind),
            }
        }
    }

    fn number(&mut self) -> Token<'a> {
        let mut kind = Kind::Number;
        let mut well = self.scan_number();
        if well && matches!(self.peek(), Some('+' | '-')) {
            kind = Kind::Complex;
            well = self.scan_number() && self.input[..self.pos].ends_with('i');
        }
        if well {
            return self.emit(kind);
        }
        let text = &self.input[self.start..self.pos];
        self.error(format!("bad number syntax: {}", quote(text)))
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_all(digits);
        if self.accept(".") {
            self.accept_all(digits);
        }
        let exponent = match digits.len() {
            11 => self.accept("eE"),
            23 => self.accept("pP"),
            _ => false,
        };
        if exponent {
            self.accept("+-");
            self.accept_all("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

/// A character with its code point, as messages show it.
fn code_point(c: char) -> String {
    let code = u32::from(c);
    if is_print(c) { format!("U+{code:04X} '{c}'") } else { format!("U+{code:04X}") }
}

/// How many lines end in a text.
pub(super) fn newlines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}
