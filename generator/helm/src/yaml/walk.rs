//! YAML that is plain, read at a small part of what it costs to read any YAML.
//!
//! Most of what charts hold and give is plain: block maps and lists, scalars on one line, block scalars. A walk over its lines is
//! enough to know that it is YAML and what it says. Wherever the walk meets something that it is not sure about (anchors, tags,
//! merge keys, tabs, directives, anything that might be a mistake) it gives up, and the text is read in full. So it never decides
//! that a text is wrong, and what it says is what the reader would say: a test holds both against each other.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::read::{key_name, plain_text, scalar_value};
use super::resolve::{Dialect, Scalar, resolve};
use crate::value::{Entries, Value};

/// What Helm looks at in a document.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Head {
    /// `apiVersion`
    pub(crate) api_version: String,
    /// `kind`
    pub(crate) kind: String,
    /// `metadata.name`
    pub(crate) name: String,
    /// `metadata.annotations`; the walk keeps only those of Helm.
    pub(crate) annotations: BTreeMap<String, String>,
}

/// The head of a document; none where only reading it in full can tell.
pub(crate) fn head(text: &str) -> Option<Head> {
    let mut heads = Heads::default();
    walk(text, &mut heads)?;
    Some(heads.head)
}

/// The value of a text; none where only reading it in full can tell.
pub(super) fn value(text: &str) -> Option<Value> {
    let mut values = Values::default();
    walk(text, &mut values)?;
    Some(values.root.unwrap_or_default())
}

/// What annotations begin with that mean something to Helm.
const OWN: &str = "helm.sh/";

/// Documents that nest deeper are read in full.
const DEPTH: usize = 100;

/// Keys that are longer are not keys to YAML where they stand on one line.
const KEY: usize = 1000;

/// What the walk tells of what it meets. Each of these may give up.
trait Sink<'t> {
    /// A list or a map begins.
    fn open(&mut self, list: bool) -> Option<()>;
    /// The innermost list or map ends.
    fn close(&mut self) -> Option<()>;
    /// A key of the innermost map.
    fn key(&mut self, key: &'t str, quoted: bool) -> Option<()>;
    /// Nothing stands where something could.
    fn null(&mut self) -> Option<()>;
    /// A scalar without quotes, on one line so far.
    fn plain(&mut self, text: &'t str) -> Option<()>;
    /// The last scalar goes on on another line.
    fn goes_on(&mut self) -> Option<()>;
    /// What stands between quotes.
    fn quoted(&mut self, raw: &'t str, quote: u8) -> Option<()>;
    /// A block scalar: its `|` or `>` with what follows, its lines, and how far they are indented.
    fn block(&mut self, header: &'t str, lines: &'t str, indent: usize) -> Option<()>;
}

/// A block map or list that stands open.
#[derive(Clone, Copy)]
struct Open {
    column: usize,
    list: bool,
}

/// A walk over the lines of a document.
struct Walk<'t, 's, S> {
    text: &'t str,
    bytes: &'t [u8],
    /// There are tabs in it.
    tabs: bool,
    /// Where the next line starts.
    at: usize,
    open: Vec<Open>,
    /// Something stood there already.
    begun: bool,
    /// The last key or dash has nothing after it so far.
    waiting: bool,
    /// The last line ended with a plain scalar, which may go on.
    plain: bool,
    sink: &'s mut S,
}

fn walk<'t, S: Sink<'t>>(text: &'t str, sink: &mut S) -> Option<()> {
    let bytes = text.as_bytes();
    // Without an early end, so that many bytes are looked at at once.
    let control = |byte: u8| (byte < b' ') & (byte != b'\n') & (byte != b'\t') | (byte == 0x7f);
    if bytes.iter().fold(false, |found, byte| found | control(*byte)) {
        return None;
    }
    // What might be a line break or no character at all.
    let odd =
        |c: char| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    if !text.is_ascii() && text.chars().any(odd) {
        return None;
    }
    let tabs = memchr::memchr(b'\t', bytes).is_some();
    let mut walk =
        Walk { text, bytes, tabs, at: 0, open: Vec::new(), begun: false, waiting: false, plain: false, sink };
    while let Some((start, end)) = walk.line() {
        walk.step(start, end)?;
    }
    if walk.waiting {
        walk.sink.null()?;
    }
    walk.open.iter().try_for_each(|_| walk.sink.close())
}

/// Where the spaces end.
fn skip(bytes: &[u8], mut at: usize, end: usize) -> usize {
    const EIGHT: &[u8] = b"        ";
    while bytes[..end].get(at..at + EIGHT.len()) == Some(EIGHT) {
        at += EIGHT.len();
    }
    while at < end && bytes[at] == b' ' {
        at += 1;
    }
    at
}

/// Whether a plain scalar may begin so.
fn begins_plain(rest: &[u8]) -> bool {
    match rest {
        [first, ..] if first.is_ascii_alphanumeric() || *first >= 0x80 => true,
        [b'_' | b'/' | b'.' | b'+' | b'$' | b'(' | b')' | b'<' | b'=' | b'~' | b'^' | b'\\' | b';', ..] => true,
        [b'-' | b':', second, ..] => *second != b' ',
        _ => false,
    }
}

/// Whether what begins so is an item of a list.
fn is_item(rest: &[u8]) -> bool {
    matches!(rest, [b'-'] | [b'-', b' ', ..])
}

/// A key with what makes it one.
struct Key<'t> {
    text: &'t str,
    quoted: bool,
    /// Where what follows it starts.
    after: usize,
}

impl<'t, S: Sink<'t>> Walk<'t, '_, S> {
    /// The bounds of the next line.
    fn line(&mut self) -> Option<(usize, usize)> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let start = self.at;
        let end = start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at = end + 1;
        Some((start, end))
    }

    fn step(&mut self, line: usize, end: usize) -> Option<()> {
        let start = skip(self.bytes, line, end);
        let rest = &self.bytes[start..end];
        match rest.first() {
            None => return Some(()),
            Some(b'#') => {
                self.plain = false;
                return Some(());
            }
            _ => {}
        }
        let column = start - line;
        if self.tabs && rest.contains(&b'\t') {
            return None;
        }
        if column == 0 && matches!(rest, [b'-', b'-', b'-', ..] | [b'.', b'.', b'.', ..]) {
            // Only the one that begins the document.
            let begins = rest == b"---" && !self.begun;
            self.begun = true;
            return begins.then_some(());
        }
        self.begun = true;
        if std::mem::take(&mut self.plain) && self.open.last().is_some_and(|top| column > top.column) {
            // The scalar goes on.
            if plain_end(rest)? < rest.len() {
                return None;
            }
            self.plain = true;
            return self.sink.goes_on();
        }
        let item = is_item(rest);
        if std::mem::take(&mut self.waiting) {
            let top = self.open.last()?;
            if column > top.column || item && !top.list && column == top.column {
                if !item && self.key(start, end).is_none() {
                    // A scalar on a line of its own.
                    return self.value(start, end);
                }
                self.push(Open { column, list: item })?;
                return self.entry(start, end, column);
            }
            self.sink.null()?;
        }
        while self.open.last().is_some_and(|top| top.column > column || top.column == column && top.list && !item) {
            self.open.pop();
            self.sink.close()?;
        }
        match self.open.last() {
            Some(top) if top.column == column && top.list == item => {}
            None if column == 0 && !item => self.push(Open { column, list: false })?,
            _ => return None,
        }
        self.entry(start, end, column)
    }

    fn push(&mut self, open: Open) -> Option<()> {
        if self.open.len() >= DEPTH {
            return None;
        }
        self.open.push(open);
        self.sink.open(open.list)
    }

    /// An item of the innermost list, or a key of the innermost map.
    fn entry(&mut self, mut start: usize, end: usize, mut column: usize) -> Option<()> {
        while is_item(&self.bytes[start..end]) {
            let inner = skip(self.bytes, start + 1, end);
            if inner == end || self.bytes[inner] == b'#' {
                self.waiting = true;
                return Some(());
            }
            column += inner - start;
            start = inner;
            if is_item(&self.bytes[start..end]) {
                self.push(Open { column, list: true })?;
            } else if let Some(key) = self.key(start, end) {
                self.push(Open { column, list: false })?;
                return self.pair(key?, end);
            } else {
                return self.value(start, end);
            }
        }
        let key = self.key(start, end)?;
        self.pair(key?, end)
    }

    /// The key that stands here, if it is a good one; none where no key stands here.
    fn key(&self, start: usize, end: usize) -> Option<Option<Key<'t>>> {
        let line = &self.bytes[start..end];
        let ends = |at: usize| line.get(at) == Some(&b':') && line.get(at + 1).is_none_or(|next| *next == b' ');
        if let [quote @ (b'"' | b'\''), inner @ ..] = line {
            let close = inner.iter().position(|byte| byte == quote)?;
            if !ends(close + 2) {
                return None;
            }
            let fine = close < KEY && !inner[..close].contains(&b'\\');
            let text = &self.text[start + 1..start + 1 + close];
            return Some(fine.then_some(Key { text, quoted: true, after: start + close + 3 }));
        }
        let close = memchr::memchr_iter(b':', line).find(|at| ends(*at))?;
        let text = &self.text[start..start + close];
        let fine = begins_plain(line)
            && close < KEY
            && close > 0
            && line[close - 1] != b' '
            && text != "<<"
            && !line[..close].windows(2).any(|pair| pair == b" #")
            && !matches!(resolve(text, Dialect::V2), Scalar::Null | Scalar::Uint(_));
        Some(fine.then_some(Key { text, quoted: false, after: start + close + 1 }))
    }

    /// A key with what follows it on the line.
    fn pair(&mut self, key: Key<'t>, end: usize) -> Option<()> {
        self.sink.key(key.text, key.quoted)?;
        let value = skip(self.bytes, key.after, end);
        if value == end || self.bytes[value] == b'#' {
            self.waiting = true;
            return Some(());
        }
        self.value(value, end)
    }

    /// What follows a key or a dash.
    fn value(&mut self, start: usize, end: usize) -> Option<()> {
        let line = &self.bytes[start..end];
        match line {
            [quote @ (b'"' | b'\''), ..] => {
                let close = self.string(start, *quote)?;
                let end = self.end_of(close);
                self.at = end + 1;
                self.only_comment(close + 1, end)
            }
            [b'|' | b'>', rest @ ..] => {
                let after = start + 1 + usize::from(matches!(rest, [b'+' | b'-', ..]));
                self.only_comment(after, end)?;
                self.block(&self.text[start..after])
            }
            [b'{' | b'[', ..] => {
                let after = self.flow(start, end, 0)?;
                self.only_comment(after, end)
            }
            _ => {
                if !begins_plain(line) {
                    return None;
                }
                let length = plain_end(line)?;
                let text = &self.text[start..start + length];
                if matches!(line[0], b'.' | b'+' | b'-')
                    && matches!(resolve(text, Dialect::V2), Scalar::Float(value) if !value.is_finite())
                {
                    return None;
                }
                // A comment ends the scalar for good.
                self.plain = skip(self.bytes, start + length, end) == end;
                self.sink.plain(text)
            }
        }
    }

    fn end_of(&self, at: usize) -> usize {
        at + memchr::memchr(b'\n', &self.bytes[at..]).unwrap_or(self.bytes.len() - at)
    }

    /// Whether nothing but spaces and a comment follow.
    fn only_comment(&self, at: usize, end: usize) -> Option<()> {
        let comment = skip(self.bytes, at, end);
        (comment == end || comment > at && self.bytes[comment] == b'#').then_some(())
    }

    /// Where the closing quote of a scalar stands, on this line or a later one.
    fn string(&mut self, start: usize, quote: u8) -> Option<usize> {
        let column = self.open.last()?.column;
        let mut at = start + 1;
        loop {
            match *self.bytes.get(at)? {
                byte if byte == quote => {
                    if quote == b'\'' && self.bytes.get(at + 1) == Some(&b'\'') {
                        at += 2;
                        continue;
                    }
                    self.sink.quoted(&self.text[start + 1..at], quote)?;
                    return Some(at);
                }
                b'\\' if quote == b'"' => match self.bytes.get(at + 1)? {
                    b'"' | b'\\' | b'/' | b'n' | b't' | b'r' | b'b' | b'f' | b'a' | b'v' | b'e' | b'0' => at += 2,
                    b'\n' => at += 1,
                    _ => return None,
                },
                b'\n' => {
                    // The line goes on deeper than what holds the scalar.
                    let end = self.end_of(at + 1);
                    let next = skip(self.bytes, at + 1, end);
                    if next < end && next - (at + 1) <= column {
                        return None;
                    }
                    at = next;
                }
                b'\t' => return None,
                _ => at += 1,
            }
        }
    }

    /// Goes on behind a block scalar. Its first line that is not blank says how far it is indented.
    fn block(&mut self, header: &'t str) -> Option<()> {
        let parent = self.open.last()?.column;
        let (mut indent, mut widest) = (None, 0);
        let first = self.at.min(self.bytes.len());
        let mut before = first;
        while let Some((start, end)) = self.line() {
            let text = skip(self.bytes, start, end);
            let column = text - start;
            let over = match indent {
                None if text == end => {
                    widest = widest.max(column);
                    false
                }
                None if column <= parent => true,
                None if self.bytes[text] == b'\t' || widest > column => return None,
                None => {
                    indent = Some(column);
                    false
                }
                Some(indent) => text < end && column < indent,
            };
            if over {
                self.at = before;
                break;
            }
            before = self.at.min(self.bytes.len());
        }
        if indent.is_none() && widest > parent {
            return None;
        }
        self.sink.block(header, &self.text[first..before], indent.unwrap_or_default())
    }

    /// Where a flow collection that stands on one line ends.
    fn flow(&mut self, start: usize, end: usize, depth: usize) -> Option<usize> {
        if depth > DEPTH / 2 {
            return None;
        }
        let map = self.bytes[start] == b'{';
        self.sink.open(!map)?;
        let close = if map { b'}' } else { b']' };
        let mut at = skip(self.bytes, start + 1, end);
        if at < end && self.bytes[at] == close {
            self.sink.close()?;
            return Some(at + 1);
        }
        loop {
            if map {
                at = self.flow_key(at, end)?;
                if self.bytes.get(at..at + 2) != Some(b": ") {
                    return None;
                }
                at = skip(self.bytes, at + 1, end);
            }
            at = match self.bytes[at..end].first()? {
                b'{' | b'[' => self.flow(at, end, depth + 1)?,
                quote @ (b'"' | b'\'') => self.string(at, *quote).filter(|close| *close < end)? + 1,
                _ => {
                    let text = self.flow_word(at, end)?;
                    self.sink.plain(text)?;
                    at + text.len()
                }
            };
            at = skip(self.bytes, at, end);
            match self.bytes[at..end].first()? {
                b',' => at = skip(self.bytes, at + 1, end),
                byte if *byte == close => {
                    self.sink.close()?;
                    return Some(at + 1);
                }
                _ => return None,
            }
        }
    }

    /// A key in a flow map, and where it ends.
    fn flow_key(&mut self, start: usize, end: usize) -> Option<usize> {
        if let [quote @ (b'"' | b'\''), inner @ ..] = &self.bytes[start..end] {
            let close = inner.iter().position(|byte| byte == quote)?;
            if close >= KEY || inner[..close].contains(&b'\\') {
                return None;
            }
            self.sink.key(&self.text[start + 1..start + 1 + close], true)?;
            return Some(start + close + 2);
        }
        let text = self.flow_word(start, end).filter(|text| text.len() < KEY)?;
        if matches!(resolve(text, Dialect::V2), Scalar::Null | Scalar::Uint(_)) {
            return None;
        }
        self.sink.key(text, false)?;
        Some(start + text.len())
    }

    /// A plain scalar in a flow collection.
    fn flow_word(&self, start: usize, end: usize) -> Option<&'t str> {
        let line = &self.bytes[start..end];
        let begins = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'$');
        let fine = |byte: u8| begins(byte) || matches!(byte, b'-' | b'.' | b'+' | b'=' | b'@');
        let length = line.iter().position(|byte| !fine(*byte)).unwrap_or(line.len());
        line.first().is_some_and(|first| begins(*first)).then(|| &self.text[start..start + length])
    }
}

/// How long the plain scalar on a line is, up to a comment; none where the line may be more than a scalar.
fn plain_end(line: &[u8]) -> Option<usize> {
    let mut length = line.len();
    for at in memchr::memchr2_iter(b':', b'#', line) {
        if line[at] == b':' {
            if line.get(at + 1).is_none_or(|next| *next == b' ') {
                return None;
            }
        } else if at > 0 && line[at - 1] == b' ' {
            length = at;
            break;
        }
    }
    while length > 0 && line[length - 1] == b' ' {
        length -= 1;
    }
    Some(length)
}

/// What stands at a place of the document, as far as it matters.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Slot<'t> {
    #[default]
    Any,
    ApiVersion,
    Kind,
    Name,
    Metadata,
    Annotations,
    /// A scalar that means nothing to Helm.
    Foreign,
    /// An annotation of Helm.
    Own(&'t str),
}

/// What a map or a list is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Any,
    Root,
    Metadata,
    Annotations,
}

/// Picks the head out of a document.
#[derive(Default)]
struct Heads<'t> {
    head: Head,
    roles: Vec<Role>,
    /// What comes next.
    slot: Slot<'t>,
    /// Which keys of the head were there.
    seen: u8,
    /// The last scalar matters.
    matters: bool,
}

impl<'t> Heads<'t> {
    /// Which of these keys it is. Go finds keys in any case, so one in another case is not for the walk, nor is one that comes twice.
    fn known(&mut self, key: &str, known: &[(&str, Slot<'t>)], first: u8) -> Option<Slot<'t>> {
        for (at, (name, slot)) in known.iter().enumerate() {
            if key.eq_ignore_ascii_case(name) {
                let bit = first << at;
                if key != *name || self.seen & bit != 0 {
                    return None;
                }
                self.seen |= bit;
                return Some(*slot);
            }
        }
        Some(Slot::Any)
    }

    /// Takes a scalar down where it matters what it says.
    fn put(&mut self, text: impl FnOnce() -> Option<String>) -> Option<()> {
        let slot = std::mem::take(&mut self.slot);
        self.matters = !matches!(slot, Slot::Any | Slot::Foreign);
        match slot {
            Slot::Any | Slot::Foreign => {}
            Slot::ApiVersion => self.head.api_version = text()?,
            Slot::Kind => self.head.kind = text()?,
            Slot::Name => self.head.name = text()?,
            Slot::Own(key) => {
                if self.head.annotations.insert(key.to_owned(), text()?).is_some() {
                    return None;
                }
            }
            Slot::Metadata | Slot::Annotations => return None,
        }
        Some(())
    }
}

impl<'t> Sink<'t> for Heads<'t> {
    fn open(&mut self, list: bool) -> Option<()> {
        let role = match std::mem::take(&mut self.slot) {
            Slot::Any if self.roles.is_empty() && !list => Role::Root,
            Slot::Any => Role::Any,
            Slot::Metadata if !list => Role::Metadata,
            Slot::Annotations if !list => Role::Annotations,
            _ => return None,
        };
        self.roles.push(role);
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        self.roles.pop().map(|_| ())
    }

    fn key(&mut self, key: &'t str, _quoted: bool) -> Option<()> {
        const ROOT: [(&str, Slot<'_>); 3] =
            [("apiVersion", Slot::ApiVersion), ("kind", Slot::Kind), ("metadata", Slot::Metadata)];
        self.slot = match self.roles.last()? {
            Role::Any => Slot::Any,
            Role::Root => self.known(key, &ROOT, 1)?,
            Role::Metadata => self.known(key, &[("name", Slot::Name), ("annotations", Slot::Annotations)], 8)?,
            Role::Annotations if key.starts_with(OWN) => Slot::Own(key),
            Role::Annotations => Slot::Foreign,
        };
        Some(())
    }

    fn null(&mut self) -> Option<()> {
        match std::mem::take(&mut self.slot) {
            Slot::Own(_) => None,
            _ => Some(()),
        }
    }

    fn plain(&mut self, text: &'t str) -> Option<()> {
        self.put(|| plain_text(text))
    }

    fn goes_on(&mut self) -> Option<()> {
        (!self.matters).then_some(())
    }

    fn quoted(&mut self, raw: &'t str, quote: u8) -> Option<()> {
        self.put(|| unquoted(raw, quote).map(Cow::into_owned))
    }

    fn block(&mut self, _header: &'t str, _lines: &'t str, _indent: usize) -> Option<()> {
        self.put(|| None)
    }
}

/// A list or a map that is not complete.
enum Part {
    List(Vec<Value>),
    Map(Entries, Option<Arc<str>>),
}

/// Puts values together.
#[derive(Default)]
struct Values {
    open: Vec<Part>,
    root: Option<Value>,
}

impl Values {
    fn put(&mut self, value: Value) -> Option<()> {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Part::List(values)) => values.push(value),
            Some(Part::Map(entries, key)) => {
                entries.insert(key.take()?, value);
            }
        }
        Some(())
    }
}

impl<'t> Sink<'t> for Values {
    fn open(&mut self, list: bool) -> Option<()> {
        self.open.push(if list { Part::List(Vec::new()) } else { Part::Map(Entries::new(), None) });
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        let value = match self.open.pop()? {
            Part::List(values) => values.into(),
            Part::Map(entries, _) => entries.into(),
        };
        self.put(value)
    }

    fn key(&mut self, text: &'t str, quoted: bool) -> Option<()> {
        let Some(Part::Map(_, key)) = self.open.last_mut() else { return None };
        let meaning = if quoted { Scalar::String } else { resolve(text, Dialect::V2) };
        *key = Some(key_name(meaning, &text.into()).ok()?);
        Some(())
    }

    fn null(&mut self) -> Option<()> {
        self.put(Value::Nil)
    }

    fn plain(&mut self, text: &'t str) -> Option<()> {
        let value = match resolve(text, Dialect::V2) {
            Scalar::String => text.into(),
            meaning => scalar_value(meaning, text.into()).ok()?,
        };
        self.put(value)
    }

    fn goes_on(&mut self) -> Option<()> {
        None
    }

    fn quoted(&mut self, raw: &'t str, quote: u8) -> Option<()> {
        let text: Arc<str> = unquoted(raw, quote)?.into();
        self.put(text.into())
    }

    fn block(&mut self, header: &'t str, lines: &'t str, indent: usize) -> Option<()> {
        let text = literal(header, lines, indent)?;
        self.put(text.into())
    }
}

/// What stands between quotes, where it stands on one line.
fn unquoted(raw: &str, quote: u8) -> Option<Cow<'_, str>> {
    if raw.contains('\n') {
        return None;
    }
    if quote == b'\'' {
        return Some(if raw.contains('\'') { raw.replace("''", "'").into() } else { raw.into() });
    }
    if !raw.contains('\\') {
        return Some(raw.into());
    }
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'a' => '\u{7}',
                'v' => '\u{b}',
                'e' => '\u{1b}',
                '0' => '\0',
                c @ ('"' | '\\' | '/') => c,
                _ => return None,
            },
            c => c,
        });
    }
    Some(text.into())
}

/// The text of a block scalar that keeps its lines, all of which end with a line break.
fn literal(header: &str, lines: &str, indent: usize) -> Option<String> {
    if !header.starts_with('|') || !lines.is_empty() && !lines.ends_with('\n') {
        return None;
    }
    let mut text = String::with_capacity(lines.len());
    let mut breaks = 0;
    for line in lines.split_terminator('\n') {
        let line = line.get(indent..).filter(|_| indent > 0).unwrap_or_default();
        if line.is_empty() {
            breaks += 1;
            continue;
        }
        // Breaks before the first line count, as do those between lines.
        let before = if text.is_empty() { breaks } else { breaks + 1 };
        text.extend(std::iter::repeat_n('\n', before));
        text.push_str(line);
        breaks = 0;
    }
    match header.as_bytes().get(1) {
        Some(b'-') => {}
        Some(_) => text.extend(std::iter::repeat_n('\n', if text.is_empty() { breaks } else { breaks + 1 })),
        None if text.is_empty() => {}
        None => text.push('\n'),
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::head as head_of;

    /// Whether the walk knew what the document is; what it says has to be what the reader says.
    fn agrees(text: &str) -> bool {
        let (walked, read) = (head(text), crate::yaml::read::in_full(text));
        if let Some(value) = value(text) {
            assert_eq!(Ok(value), read, "{text}");
        }
        let Some(walked) = walked else { return false };
        let mut full = match read.and_then(|value| head_of(&value)) {
            Ok(full) => full,
            Err(error) => panic!("{error}, and the walk says {walked:?} of\n{text}"),
        };
        full.annotations.retain(|key, _| key.starts_with(OWN));
        assert_eq!(walked, full, "{text}");
        true
    }

    const PLAIN: &[&str] = &[
        "",
        "# nothing\n  # at all",
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  annotations:\n    b: \"c\"\n    helm.sh/hook: pre-install,test\n",
        "metadata:\n  name: 1.50\n  annotations: {}\nkind: yes\napiVersion:\n",
        "kind: 'List'\nitems:\n- a: 1\n  b:\n  - 2\n  -\n    c: 3\n- - x\n  - y: z\n- \"a\": b # c\n",
        "kind: \"A\"   # comment\ndata:\n  a: |-\n\n    x: [\n      y\n\tnot\n",
        "data:\n  a: |\n    {{\n    \t- b\n   # deeper than a, not than the text\n  b: >+\n  c: text\n    goes on\n\n    and on\n",
        "a: [a, 'b, c', {d: \"e\", f: [1, 2]}, []]\nb: {}\nc: \"x\n  y \\\n  z\"\nd: 'it''s\n\n  so'\n",
        "a:\n- b\n- c: d\n  e:\n  - f\ng: -x\nh: :80\ni: a:b#c\nj: .inf\n",
        "---\n# values\na: |\n\n  b\n   c\n\n  d\n\n\ne: |-\n    f\n\n\ng: |+\n  h\n\n\ni:\n- |\n  j\n- |+\n\n- k\n",
        "a: \"b\\n\\tc\\\\ \\\"d\\\"\"\ne: 'f '' g'\n1: 2\n1.50: 0x1F\nyes: no\nh: 1_000\ni: 2020-01-02\nj: {k: 1, \"l\": [null, y]}\nm:\n",
        "spec:\n    deep:\n        - a: |\n            text\n          b: c\n    d: e\nstatus: {}",
        "a:\n  text on\n  - its own\n  \"line\"\nb:\n- c:\n    'd'\n  e:\n    \"f\n    g\"\n  h:\n   |\n    i\n",
        "kind: ~\nmetadata:\n  name: y\n  labels:\n    a: b\n  annotations:\n    c: ~\n    d:\n    e: |\n      f\n",
    ];

    #[test]
    fn says_what_the_reader_says() {
        let known = PLAIN.iter().filter(|text| agrees(text)).count();
        assert!(known >= PLAIN.len() - 2, "{known}");
        for text in [
            "a: &x b",
            "a: *x",
            "<<: {a: b}",
            "a: !!str b",
            "---\n---\na: b",
            "a: b\n---\nc: d",
            "a: b\n...",
            "kind: a\nkind: b",
            "Kind: a",
            "a:\tb",
            "a: b\r\n",
            "? a\n: b",
            "a",
            "- a",
            "a: b: c",
            "a: b\n c: d",
            "a:\n  b: c\n d: e",
            "a: [",
            "a: \"b",
            "a: \"\\q\"",
            "a: |2\n   b",
            "~: a",
            "18446744073709551615: a",
            "a: .inf",
            "a: {b}",
            "metadata: a",
            "metadata:\n- a",
            "name: b\nmetadata: []",
            "a: %b",
            "a: @b",
            "a: `b",
            "kind: [a]",
            "kind:\n  a: b",
            "metadata:\n  annotations:\n    a: {}",
            "a: 'b' c",
            "a: |x\n  b",
            "%YAML 1.1",
            "a: \u{85}b",
        ] {
            assert!(head(text).is_none(), "{text:?}");
            agrees(text);
        }
    }

    /// A source of numbers that are the same on every run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % bound as u64) as usize
        }
    }

    #[test]
    fn says_so_whatever_is_changed() {
        const PARTS: &[&str] = &[
            " ",
            "  ",
            "\n",
            "\n  ",
            "\n    ",
            ":",
            ": ",
            "-",
            "- ",
            "#",
            " #",
            "\"",
            "'",
            "|",
            ">-",
            "{",
            "}",
            "[",
            "]",
            ",",
            ", ",
            "a",
            "0",
            "\\",
            "\t",
            "&a",
            "*a",
            "!",
            "%",
            "@",
            "?",
            "? ",
            "<<",
            "~",
            "---",
            "...",
            "é",
            "kind",
            "name: ",
            "metadata:",
            "annotations:",
            "a: ",
            "a:\n",
            "- a: b\n",
            ".inf",
            "null: ",
            "=",
        ];
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        let (mut known, mut all) = (0, 0);
        // Three million of them agreed once.
        for _ in 0..20_000 {
            let mut text = PLAIN[numbers.below(PLAIN.len())].to_owned();
            for _ in 0..=numbers.below(4) {
                let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
                let at = bounds[numbers.below(bounds.len())];
                let to = bounds[numbers.below(bounds.len())].clamp(at, text.len().min(at + 6));
                let to = if text.is_char_boundary(to) { to } else { at };
                let part = PARTS[numbers.below(PARTS.len())];
                match numbers.below(3) {
                    0 => text.insert_str(at, part),
                    1 => text.replace_range(at..to, ""),
                    _ => text.replace_range(at..to, part),
                }
            }
            all += 1;
            known += usize::from(agrees(&text));
        }
        assert!(known > all / 20, "{known} of {all}");
    }
}
