//! What Helm looks at in a document, found without reading all of it into values.
//!
//! Most of what charts give is plain: block maps and lists, scalars on one line, block scalars. A walk over its lines is enough to
//! know that it is YAML and what its head says, at a small part of what it costs to read it. Wherever the walk meets something
//! that it is not sure about (anchors, tags, merge keys, tabs, directives, keys that stand twice, anything that might be a mistake)
//! it gives up, and the document is read in full. So it never decides that a document is wrong, and what it says is what the
//! reader would say: a test holds both against each other.

use std::collections::BTreeMap;

use super::read;
use super::resolve::{Dialect, Scalar, resolve};

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

/// What annotations begin with that mean something to Helm.
const OWN: &str = "helm.sh/";

/// Documents that nest deeper are read in full.
const DEPTH: usize = 100;

/// Keys that are longer are not keys to YAML where they stand on one line.
const KEY: usize = 1000;

/// What stands at a place of the document, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot<'t> {
    /// Anything that is YAML.
    Any,
    ApiVersion,
    Kind,
    Name,
    Metadata,
    Annotations,
    /// A scalar.
    Annotation(&'t str),
}

/// What a block map or list is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Any,
    Root,
    Metadata,
    Annotations,
}

/// A block map or list that stands open.
#[derive(Clone, Copy)]
struct Open {
    column: usize,
    list: bool,
    role: Role,
}

/// A walk over the lines of a document.
struct Walk<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// Where the next line starts.
    at: usize,
    open: Vec<Open>,
    /// The last key or dash has nothing after it so far.
    waiting: Option<Slot<'t>>,
    /// The last line ended with a plain scalar, which may go on; and whether that would matter.
    plain: Option<bool>,
    head: Head,
    seen: u8,
}

/// The head of a document; none where only reading it in full can tell.
pub(crate) fn walk(text: &str) -> Option<Head> {
    let bytes = text.as_bytes();
    if bytes.iter().any(|byte| *byte < b' ' && !matches!(*byte, b'\n' | b'\t') || *byte == 0x7f) {
        return None;
    }
    // What might be a line break or no character at all.
    let odd =
        |c: char| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    if !text.is_ascii() && text.chars().any(odd) {
        return None;
    }
    let mut walk =
        Walk { text, bytes, at: 0, open: Vec::new(), waiting: None, plain: None, head: Head::default(), seen: 0 };
    while let Some((start, end)) = walk.line() {
        walk.step(start, end)?;
    }
    Some(walk.head)
}

/// Where the spaces end.
fn skip(bytes: &[u8], mut at: usize, end: usize) -> usize {
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

impl<'t> Walk<'t> {
    /// The bounds of the next line.
    fn line(&mut self) -> Option<(usize, usize)> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let start = self.at;
        let end = start + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        self.at = end + 1;
        Some((start, end))
    }

    fn step(&mut self, line: usize, end: usize) -> Option<()> {
        let start = skip(self.bytes, line, end);
        let rest = &self.bytes[start..end];
        match rest.first() {
            None => return Some(()),
            Some(b'#') => {
                self.plain = None;
                return Some(());
            }
            _ => {}
        }
        let column = start - line;
        if rest.contains(&b'\t') || column == 0 && matches!(rest, [b'-', b'-', b'-', ..] | [b'.', b'.', b'.', ..]) {
            return None;
        }
        if let Some(matters) = self.plain.take()
            && self.open.last().is_some_and(|top| column > top.column)
        {
            // The scalar goes on.
            if matters || !begins_plain(rest) || plain_end(rest)? < rest.len() {
                return None;
            }
            self.plain = Some(false);
            return Some(());
        }
        let item = is_item(rest);
        if let Some(slot) = self.waiting.take() {
            let top = self.open.last()?;
            if column > top.column || item && !top.list && column == top.column {
                let role = match slot {
                    Slot::Any => Role::Any,
                    Slot::Metadata if !item => Role::Metadata,
                    Slot::Annotations if !item => Role::Annotations,
                    _ => return None,
                };
                self.push(Open { column, list: item, role })?;
                return self.entry(start, end, column);
            }
        }
        while self.open.last().is_some_and(|top| top.column > column || top.column == column && top.list && !item) {
            self.open.pop();
        }
        match self.open.last() {
            Some(top) if top.column == column && top.list == item => {}
            None if self.seen == 0 && column == 0 && !item => {
                self.push(Open { column, list: false, role: Role::Root })?;
            }
            _ => return None,
        }
        self.entry(start, end, column)
    }

    fn push(&mut self, open: Open) -> Option<()> {
        if self.open.len() >= DEPTH {
            return None;
        }
        self.open.push(open);
        Some(())
    }

    /// An item of the innermost list, or a key of the innermost map.
    fn entry(&mut self, mut start: usize, end: usize, mut column: usize) -> Option<()> {
        while is_item(&self.bytes[start..end]) {
            let inner = skip(self.bytes, start + 1, end);
            if inner == end || self.bytes[inner] == b'#' {
                self.waiting = Some(Slot::Any);
                return Some(());
            }
            column += inner - start;
            start = inner;
            if is_item(&self.bytes[start..end]) {
                self.push(Open { column, list: true, role: Role::Any })?;
            } else if let Some((key, value)) = self.key(start, end) {
                self.push(Open { column, list: false, role: Role::Any })?;
                return self.pair(key?, value, end);
            } else {
                return self.value(start, end, Slot::Any);
            }
        }
        let (key, value) = self.key(start, end)?;
        self.pair(key?, value, end)
    }

    /// The key that stands here, if it is a good one, and where what follows it starts; none where no key stands here.
    fn key(&self, start: usize, end: usize) -> Option<(Option<&'t str>, usize)> {
        let line = &self.bytes[start..end];
        let ends = |at: usize| line.get(at) == Some(&b':') && line.get(at + 1).is_none_or(|next| *next == b' ');
        if let [quote @ (b'"' | b'\''), inner @ ..] = line {
            let close = inner.iter().position(|byte| byte == quote)?;
            if !ends(close + 2) {
                return None;
            }
            let fine = close < KEY && !inner[..close].contains(&b'\\');
            return Some((fine.then(|| &self.text[start + 1..start + 1 + close]), start + close + 3));
        }
        let close = (0..line.len()).find(|at| line[*at] == b':' && ends(*at))?;
        let key = &self.text[start..start + close];
        let fine = begins_plain(line)
            && close < KEY
            && close > 0
            && line[close - 1] != b' '
            && key != "<<"
            && !key.contains(" #")
            && !matches!(resolve(key, Dialect::V2), Scalar::Null | Scalar::Uint(_));
        Some((fine.then_some(key), start + close + 1))
    }

    /// A key with what follows it on the line.
    fn pair(&mut self, key: &'t str, after: usize, end: usize) -> Option<()> {
        let slot = match self.open.last()?.role {
            Role::Any => Slot::Any,
            Role::Root => self.slot(
                key,
                &[("apiVersion", Slot::ApiVersion), ("kind", Slot::Kind), ("metadata", Slot::Metadata)],
                1,
            )?,
            Role::Metadata => self.slot(key, &[("name", Slot::Name), ("annotations", Slot::Annotations)], 8)?,
            Role::Annotations => Slot::Annotation(key),
        };
        let value = skip(self.bytes, after, end);
        if value == end || self.bytes[value] == b'#' {
            if let Slot::Annotation(key) = slot
                && key.starts_with(OWN)
            {
                return None;
            }
            self.waiting = Some(slot);
            return Some(());
        }
        self.value(value, end, slot)
    }

    /// Which of these keys it is. Go finds keys in any case, so one in another case is not for the walk, nor is one that comes twice.
    fn slot(&mut self, key: &str, known: &[(&str, Slot<'t>)], first: u8) -> Option<Slot<'t>> {
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
        // Something stands in the root.
        self.seen |= 0x80;
        Some(Slot::Any)
    }

    /// What follows a key or a dash.
    fn value(&mut self, start: usize, end: usize, slot: Slot<'t>) -> Option<()> {
        let line = &self.bytes[start..end];
        match line {
            [quote @ (b'"' | b'\''), ..] => {
                let close = self.quoted(start, *quote)?;
                let inner = &self.text[start + 1..close];
                self.put(slot, || (!inner.contains(['\\', '\'', '\n'])).then(|| inner.to_owned()))?;
                let end = self.end_of(close);
                self.at = end + 1;
                self.only_comment(close + 1, end)
            }
            [b'|' | b'>', rest @ ..] => {
                self.put(slot, || None)?;
                let after = start + 1 + usize::from(matches!(rest, [b'+' | b'-', ..]));
                self.only_comment(after, end)?;
                self.block()
            }
            [b'{' | b'[', ..] => {
                match slot {
                    Slot::Any => {}
                    Slot::Metadata | Slot::Annotations if line.starts_with(b"{}") => {}
                    _ => return None,
                }
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
                let matters = slot != Slot::Any && !matches!(slot, Slot::Annotation(key) if !key.starts_with(OWN));
                self.put(slot, || read::plain_text(text))?;
                // A comment ends the scalar for good.
                self.plain = (skip(self.bytes, start + length, end) == end).then_some(matters);
                Some(())
            }
        }
    }

    /// Takes a scalar down where it matters what it says.
    fn put(&mut self, slot: Slot<'t>, text: impl FnOnce() -> Option<String>) -> Option<()> {
        match slot {
            Slot::Any => {}
            Slot::Annotation(key) if !key.starts_with(OWN) => {}
            Slot::ApiVersion => self.head.api_version = text()?,
            Slot::Kind => self.head.kind = text()?,
            Slot::Name => self.head.name = text()?,
            Slot::Annotation(key) => {
                if self.head.annotations.insert(key.to_owned(), text()?).is_some() {
                    return None;
                }
            }
            Slot::Metadata | Slot::Annotations => return None,
        }
        Some(())
    }

    fn end_of(&self, at: usize) -> usize {
        at + self.bytes[at..].iter().position(|byte| *byte == b'\n').unwrap_or(self.bytes.len() - at)
    }

    /// Whether nothing but spaces and a comment follow.
    fn only_comment(&self, at: usize, end: usize) -> Option<()> {
        let comment = skip(self.bytes, at, end);
        (comment == end || comment > at && self.bytes[comment] == b'#').then_some(())
    }

    /// Where the closing quote of a scalar stands, on this line or a later one.
    fn quoted(&self, start: usize, quote: u8) -> Option<usize> {
        let column = self.open.last()?.column;
        let mut at = start + 1;
        loop {
            match *self.bytes.get(at)? {
                byte if byte == quote => {
                    if quote == b'\'' && self.bytes.get(at + 1) == Some(&b'\'') {
                        at += 2;
                        continue;
                    }
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
    fn block(&mut self) -> Option<()> {
        let parent = self.open.last()?.column;
        let (mut indent, mut widest) = (None, 0);
        let mut before = self.at;
        while let Some((start, end)) = self.line() {
            let text = skip(self.bytes, start, end);
            let column = text - start;
            match indent {
                None if text == end => widest = widest.max(column),
                None if column <= parent => {
                    self.at = before;
                    return (widest <= parent).then_some(());
                }
                None if self.bytes[text] == b'\t' || widest > column => return None,
                None => indent = Some(column),
                Some(indent) if text < end && column < indent => {
                    self.at = before;
                    return Some(());
                }
                Some(_) => {}
            }
            before = self.at;
        }
        (indent.is_some() || widest <= parent).then_some(())
    }

    /// Where a flow collection that stands on one line ends.
    fn flow(&self, start: usize, end: usize, depth: usize) -> Option<usize> {
        if depth > DEPTH / 2 {
            return None;
        }
        let map = self.bytes[start] == b'{';
        let close = if map { b'}' } else { b']' };
        let mut at = skip(self.bytes, start + 1, end);
        if at < end && self.bytes[at] == close {
            return Some(at + 1);
        }
        loop {
            if map {
                at = self.flow_scalar(at, end, true)?;
                if self.bytes.get(at..at + 2) != Some(b": ") {
                    return None;
                }
                at = skip(self.bytes, at + 1, end);
            }
            at = match self.bytes[at..end].first()? {
                b'{' | b'[' => self.flow(at, end, depth + 1)?,
                _ => self.flow_scalar(at, end, false)?,
            };
            at = skip(self.bytes, at, end);
            match self.bytes[at..end].first()? {
                b',' => at = skip(self.bytes, at + 1, end),
                byte if *byte == close => return Some(at + 1),
                _ => return None,
            }
        }
    }

    /// Where a scalar in a flow collection ends.
    fn flow_scalar(&self, start: usize, end: usize, key: bool) -> Option<usize> {
        let line = &self.bytes[start..end];
        match line {
            [quote @ (b'"' | b'\''), ..] => {
                let close = self.quoted(start, *quote).filter(|close| *close < end)?;
                Some(close + 1)
            }
            [first, ..] if first.is_ascii_alphanumeric() || matches!(first, b'_' | b'/' | b'$') => {
                let fine = |byte: u8| {
                    byte.is_ascii_alphanumeric()
                        || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'$' | b'+' | b'=' | b'@')
                };
                let length = line.iter().position(|byte| !fine(*byte)).unwrap_or(line.len());
                let text = &self.text[start..start + length];
                if key && matches!(resolve(text, Dialect::V2), Scalar::Null | Scalar::Uint(_)) {
                    return None;
                }
                Some(start + length)
            }
            _ => None,
        }
    }
}

/// How long the plain scalar on a line is, up to a comment; none where the line may be more than a scalar.
fn plain_end(line: &[u8]) -> Option<usize> {
    let mut length = line.len();
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b':' if line.get(at + 1).is_none_or(|next| *next == b' ') => return None,
            b'#' if at > 0 && line[at - 1] == b' ' => {
                length = at;
                break;
            }
            _ => {}
        }
    }
    while length > 0 && line[length - 1] == b' ' {
        length -= 1;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::head;

    /// Whether the walk knew what the document is; what it says has to be what the reader says.
    fn agrees(text: &str) -> bool {
        let Some(walked) = walk(text) else { return false };
        let mut full = match crate::yaml::unmarshal(text).and_then(|value| head(&value)) {
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
        "spec:\n    deep:\n        - a: |\n            text\n          b: c\n    d: e\nstatus: {}",
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
            "---\na: b",
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
            assert!(walk(text).is_none(), "{text:?}");
            let _ = crate::yaml::unmarshal(text);
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
