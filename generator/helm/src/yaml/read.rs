//! Text to values, as go-yaml version 2 reads YAML and `encoding/json` hands it on: the old words for booleans, base 8 with a
//! leading zero, merge keys, the last of equal keys, all numbers as float64.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag};

use super::resolve::{Dialect, Scalar, resolve};
use crate::functions::format;
use crate::value::{Entries, Map, Value};

/// Deeper documents are refused.
const MAX_DEPTH: usize = 400;

/// What stands open.
enum Open {
    List { anchor: usize, values: Vec<Value> },
    Map { anchor: usize, entries: Entries, key: Option<Key> },
}

enum Key {
    Name(Arc<str>),
    Merge,
}

/// A node that is complete.
enum Node {
    /// A scalar with what it means.
    Scalar(Scalar, Arc<str>),
    Value(Value),
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, usize)>,
    root: Option<Value>,
    decoded: usize,
    aliased: usize,
}

/// So many comments may be stuck to what stands before them.
const STUCK: usize = 100;

/// Reads the first document of a text. Nothing at all is nil.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    super::walk::value(text).map_or_else(|| in_full(text), Ok)
}

/// The same for any text, plain or not.
pub(super) fn in_full(text: &str) -> Result<Value, String> {
    let error = match read_as_it_is(text) {
        Err(error) if text.contains(['|', '>']) => error,
        done => return done,
    };
    // go-yaml takes a comment that is stuck to the head of a block of text (`key: |# comment`), the parser does not.
    let mut parted = text.to_owned();
    for _ in 0..STUCK {
        match read_as_it_is(&parted) {
            Err(next) => match part_comment(&parted, &next) {
                Some(text) => parted = text,
                None => return Err(error),
            },
            done => return done,
        }
    }
    Err(error)
}

/// The text with a space before the comment in the line that the parser stumbled over, or the one before.
fn part_comment(text: &str, error: &str) -> Option<String> {
    let line: usize = error.strip_prefix("yaml: line ")?.split(':').next()?.parse().ok()?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let stuck = |at: &usize| lines.get(*at).and_then(|line| stuck_comment(line));
    let at = [line.wrapping_sub(1), line.wrapping_sub(2), line].into_iter().find(|at| stuck(at).is_some())?;
    let (head, comment) = lines.get(at)?.split_at(stuck(&at)?);
    Some([&lines[..at].concat(), head, " ", comment, &lines[at + 1..].concat()].concat())
}

/// Where a comment is stuck to the head of a block of text.
fn stuck_comment(line: &str) -> Option<usize> {
    line.char_indices().filter(|(_, letter)| *letter == '#').map(|(at, _)| at).find(|at| {
        let head = line[..*at].trim_end_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, '+' | '-'));
        let before = head.strip_suffix(['|', '>']);
        head.len() + 3 > *at && before.is_some_and(|before| before.ends_with([' ', '\t']) || before.is_empty())
    })
}

fn read_as_it_is(text: &str) -> Result<Value, String> {
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
    let fine = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    if !text.bytes().all(fine) && !text.chars().all(allowed) {
        return Err("yaml: control characters are not allowed".to_owned());
    }
    // What may stand before a document, where the parser takes more than go-yaml does.
    let mut before = text.lines().filter(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with('#'));
    match before.next() {
        Some(line) if line.trim_end() == "..." => return Err("yaml: did not find expected node content".to_owned()),
        Some(line) if line.starts_with('%') => match line[1..].split_whitespace().next() {
            Some("YAML" | "TAG") => {}
            _ => return Err("yaml: found unknown directive name".to_owned()),
        },
        _ => {}
    }
    let mut reader = Reader::default();
    let mut tabs = Tabs::of(text);
    for event in Parser::new_from_str(text) {
        // What comes after the first document is not read, be it YAML or not.
        if event.is_err() && reader.root.is_some() {
            break;
        }
        let (event, span) = event.map_err(|error| format!("yaml: line {}: {}", error.marker().line(), error.info()))?;
        if let Some(tabs) = &mut tabs {
            tabs.after(&event, span.start.line(), span.end.line())?;
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(&text, style, tag.as_deref())?;
                reader.count(1, false)?;
                reader.place(node, anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => reader.open(Open::List { anchor, values: Vec::new() })?,
            Event::MappingStart(_, anchor, _) => {
                reader.open(Open::Map { anchor, entries: Entries::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => reader.close()?,
            Event::Alias(id) => {
                let Some((value, size)) = reader.anchors.get(&id) else {
                    return Err("yaml: anchor value contains itself".to_owned());
                };
                let (value, size) = (deep_copy(value), *size);
                reader.count(size, true)?;
                reader.place(Node::Value(value), 0)?;
            }
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    Ok(reader.root.unwrap_or_default())
}

/// Lines that begin with a tab. Where blocks are, go-yaml takes none, even if nothing else is on them; the parser takes some.
struct Tabs {
    lines: std::collections::VecDeque<usize>,
    flows: Vec<bool>,
    /// Whether the document is a map or a list.
    blocks: bool,
}

impl Tabs {
    fn of(text: &str) -> Option<Tabs> {
        if !text.starts_with('\t') && !text.contains("\n\t") {
            return None;
        }
        let lines = text.lines().enumerate().filter(|(_, line)| line.starts_with('\t')).map(|(at, _)| at + 1).collect();
        Some(Tabs { lines, flows: Vec::new(), blocks: false })
    }

    /// What stands before an event that is no part of a flow is among blocks; quoted texts may have such lines within.
    fn after(&mut self, event: &Event<'_>, start: usize, end: usize) -> Result<(), String> {
        let in_flow = self.flows.iter().any(|flow| *flow);
        while let Some(line) = self.lines.front().copied().filter(|line| *line <= start) {
            self.lines.pop_front();
            if self.blocks && !in_flow {
                return Err(format!("yaml: line {line}: found character that cannot start any token"));
            }
        }
        match event {
            Event::SequenceStart(style, ..) | Event::MappingStart(style, ..) => {
                self.flows.push(*style == StructureStyle::Flow);
                self.blocks = true;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.flows.pop();
            }
            Event::Scalar(_, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, ..) => {
                while self.lines.front().is_some_and(|line| *line <= end) {
                    self.lines.pop_front();
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn deep_copy(value: &Value) -> Value {
    match value {
        Value::List(values) => values.iter().map(deep_copy).collect::<Vec<_>>().into(),
        Value::Map(map) => {
            Value::Map(map.entries().iter().map(|(key, value)| (Arc::clone(key), deep_copy(value))).collect())
        }
        value => value.clone(),
    }
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::List(values) => 1 + values.iter().map(size_of).sum::<usize>(),
        Value::Map(map) => 1 + map.entries().values().map(|value| 1 + size_of(value)).sum::<usize>(),
        _ => 1,
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Node, String> {
    let core = tag.and_then(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:"));
    let core = core.as_deref();
    let plain = style == ScalarStyle::Plain;
    let string = || Node::Scalar(Scalar::String, text.into());
    let Some(core) = core else {
        return Ok(match tag {
            None if plain && text == "<<" => Node::Scalar(Scalar::Merge, text.into()),
            None if plain => Node::Scalar(resolve(text, Dialect::V2), text.into()),
            _ => string(),
        });
    };
    let meaning = resolve(text, Dialect::V2);
    let found = match meaning {
        Scalar::Null => "null",
        Scalar::Bool(_) => "bool",
        Scalar::Int(_) | Scalar::Uint(_) => "int",
        Scalar::Float(_) => "float",
        Scalar::Timestamp => "timestamp",
        Scalar::Merge | Scalar::String => "str",
    };
    match core {
        "str" => Ok(string()),
        "merge" if text == "<<" => Ok(Node::Scalar(Scalar::Merge, text.into())),
        "binary" => {
            let data = base64::engine::general_purpose::STANDARD
                .decode(text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect::<String>())
                .map_err(|_| "yaml: !!binary value contains invalid base64 data".to_owned())?;
            Ok(Node::Scalar(Scalar::String, String::from_utf8_lossy(&data).as_ref().into()))
        }
        "null" | "bool" | "int" | "float" | "timestamp" => match meaning {
            _ if core == found => Ok(Node::Scalar(meaning, text.into())),
            Scalar::Int(value) if core == "float" => Ok(Node::Scalar(Scalar::Float(value as f64), text.into())),
            _ => Err(format!("yaml: cannot decode !!{found} `{text}` as a !!{core}")),
        },
        _ => Ok(string()),
    }
}

impl Reader {
    /// go-yaml's measure against documents that grow without end by aliases.
    fn count(&mut self, size: usize, alias: bool) -> Result<(), String> {
        self.decoded = self.decoded.saturating_add(size);
        if alias {
            self.aliased = self.aliased.saturating_add(size);
        }
        let decoded = self.decoded as f64;
        let allowed = match self.decoded {
            ..=400_000 => 0.99,
            4_000_000.. => 0.10,
            _ => 0.99 - 0.89 * ((decoded - 400_000.0) / 3_600_000.0),
        };
        if self.aliased > 100 && self.decoded > 1000 && self.aliased as f64 / decoded > allowed {
            return Err("yaml: document contains excessive aliasing".to_owned());
        }
        Ok(())
    }

    fn open(&mut self, open: Open) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("yaml: exceeded max depth of {MAX_DEPTH}"));
        }
        self.count(1, false)?;
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let (value, anchor) = match self.open.pop() {
            Some(Open::List { anchor, values }) => (Value::from(values), anchor),
            Some(Open::Map { anchor, entries, .. }) => (Value::Map(Map::new(entries)), anchor),
            None => return Ok(()),
        };
        self.place(Node::Value(value), anchor)
    }

    fn place(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if let Some(Open::Map { key: key @ None, .. }) = self.open.last_mut() {
            let name: Arc<str> = match &node {
                Node::Scalar(Scalar::Merge, _) => {
                    *key = Some(Key::Merge);
                    return Ok(());
                }
                Node::Scalar(meaning, text) => key_name(*meaning, text)?,
                Node::Value(Value::String(text)) => Arc::clone(text),
                Node::Value(Value::Float(value)) => format::float(*value).into(),
                Node::Value(Value::Bool(value)) => value.to_string().into(),
                Node::Value(value) => return Err(format!("yaml: invalid map key: {}", format::display(value))),
            };
            *key = Some(Key::Name(Arc::clone(&name)));
            if anchor > 0 {
                self.anchors.insert(anchor, (Value::String(name), 1));
            }
            return Ok(());
        }
        let value = match node {
            Node::Value(value) => value,
            Node::Scalar(meaning, text) => scalar_value(meaning, text)?,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (deep_copy(&value), size_of(&value)));
        }
        match self.open.last_mut() {
            Some(Open::List { values, .. }) => values.push(value),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                Some(Key::Name(name)) => {
                    entries.insert(name, value);
                }
                _ => merge(entries, &value)?,
            },
            None => self.root = Some(value),
        }
        Ok(())
    }
}

/// What stands first in a list of maps wins, and what a merge brings wins over what stood before it.
fn merge(entries: &mut Entries, value: &Value) -> Result<(), String> {
    let mut put = |value: &Value| match value {
        Value::Map(map) => {
            entries.extend(map.entries().iter().map(|(key, value)| (Arc::clone(key), deep_copy(value))));
            Ok(())
        }
        _ => Err("yaml: map merge requires map or sequence of maps as the value".to_owned()),
    };
    match value {
        Value::List(values) => values.iter().rev().try_for_each(put),
        value => put(value),
    }
}

pub(super) fn key_name(meaning: Scalar, text: &Arc<str>) -> Result<Arc<str>, String> {
    Ok(match meaning {
        Scalar::Null => {
            return Err("unsupported map key of type: %!s(<nil>), key: <nil>".to_owned());
        }
        Scalar::Bool(value) => value.to_string().into(),
        Scalar::Int(value) => value.to_string().into(),
        Scalar::Uint(value) => {
            return Err(format!("unsupported map key of type: uint64, key: {value:#x}"));
        }
        Scalar::Float(value) => match format::float32(value).as_str() {
            "+Inf" => ".inf".into(),
            "-Inf" => "-.inf".into(),
            "NaN" => ".nan".into(),
            text => text.into(),
        },
        Scalar::Timestamp | Scalar::Merge | Scalar::String => Arc::clone(text),
    })
}

/// What a plain scalar is where text is wanted; none where it is nothing that could stand there.
pub(super) fn plain_text(text: &str) -> Option<String> {
    let value = scalar_value(resolve(text, Dialect::V2), text.into()).ok()?;
    crate::chart::string(&value, "").ok().map(Option::unwrap_or_default)
}

pub(super) fn scalar_value(meaning: Scalar, text: Arc<str>) -> Result<Value, String> {
    Ok(match meaning {
        Scalar::Null => Value::Nil,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::Float(value as f64),
        Scalar::Uint(value) => Value::Float(value as f64),
        Scalar::Float(value) if !value.is_finite() => {
            return Err(format!("json: unsupported value: {}", format::float(value)));
        }
        Scalar::Float(value) => Value::Float(value),
        Scalar::Timestamp | Scalar::Merge | Scalar::String => Value::String(text),
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_comment_stuck_to_the_head_of_a_text() {
        let read = |text: &str| read(text).map(|value| crate::yaml::marshal(&value).unwrap_or_default());
        assert_eq!(read("a: |### x\n  one\n  #two\nb: 1\n").as_deref(), Ok("a: |\n  one\n  #two\nb: 1\n"));
        assert_eq!(read("a: >-# x\n  one\n  two\n").as_deref(), Ok("a: one two\n"));
        assert_eq!(read("- |+2#x\n   one\n- |#y\n  |#z\n").as_deref(), Ok("- |2\n   one\n- |\n  |#z\n"));
        assert!(read("a: b|# x\n  : [\n").is_err());
    }
    #[test]
    fn lines_that_begin_with_a_tab() {
        let fails = |text: &str| super::in_full(text).is_err();
        for text in ["a: 1\n\t\n", "a: 1\n\t\nb: 2\n", "a:\n- x\n\t# c\n- y\n", "a: &x\n\t\n- 1\n", "a: []\n\t\nb: 1\n"]
        {
            assert!(fails(text), "{text:?}");
        }
        for text in ["a: \"x\n\t\n  y\"\nb: 1\n", "a: b\n \t\nc: d\n", "\"a\n\tb\"\n"] {
            assert_eq!(super::in_full(text).err(), None, "{text:?}");
        }
    }
}
