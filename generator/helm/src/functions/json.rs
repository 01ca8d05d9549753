//! JSON as Go's `encoding/json` writes and reads it.

use base64::Engine as _;

use std::sync::Arc;

use super::format;
use crate::value::{Entries, Map, Value};

/// A string in JSON. Go escapes `<`, `>` and `&` too, unless told otherwise.
pub(crate) fn string(text: &str, html: bool) -> String {
    let mut to = String::with_capacity(text.len() + 2);
    write_string(&mut to, text, html);
    to
}

fn write_string(to: &mut String, text: &str, html: bool) {
    to.push('"');
    for c in text.chars() {
        match c {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\u{08}' => to.push_str("\\b"),
            '\u{0c}' => to.push_str("\\f"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '<' | '>' | '&' if html => to.push_str(&format!("\\u{:04x}", c as u32)),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => to.push_str(&format!("\\u{:04x}", c as u32)),
            c => to.push(c),
        }
    }
    to.push('"');
}

/// How JSON is laid out.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// `<`, `>` and `&` are escaped.
    pub html: bool,
    /// Two spaces a level, instead of nothing at all.
    pub pretty: bool,
}

/// A value in JSON.
pub(crate) fn write(value: &Value, layout: Layout) -> Result<String, String> {
    let mut to = String::new();
    write_value(&mut to, value, layout, 0)?;
    Ok(to)
}

fn write_value(to: &mut String, value: &Value, layout: Layout, depth: usize) -> Result<(), String> {
    if depth > format::MAX_DEPTH {
        return Err("json: unsupported value: encountered a cycle via map[string]interface {}".to_owned());
    }
    match value {
        Value::Nil => to.push_str("null"),
        Value::Bool(value) => to.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) | Value::Sized(value, _) => to.push_str(&value.to_string()),
        Value::Float(value) => match format::float_json(*value) {
            Some(text) => to.push_str(&text),
            None => return Err(format!("json: unsupported value: {}", format::float(*value))),
        },
        Value::String(text) => write_string(to, text, layout.html),
        Value::List(values) if let Some(bytes) = values.bytes() => {
            write_string(to, &base64::engine::general_purpose::STANDARD.encode(bytes), layout.html);
        }
        Value::List(values) if values.is_nil() => to.push_str("null"),
        Value::List(values) if values.is_empty() => to.push_str("[]"),
        Value::List(values) => {
            to.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    to.push(',');
                }
                line(to, layout, depth + 1);
                write_value(to, value, layout, depth + 1)?;
            }
            line(to, layout, depth);
            to.push(']');
        }
        Value::Map(map) => write_map(to, map.entries().iter(), layout, depth)?,
        Value::Object(object) => match object.ordered() {
            Some(entries) => write_map(to, entries.iter().map(|(key, value)| (key, value)), layout, depth)?,
            // A byte that is no text is written as an escape.
            None if object.bytes().is_some() => {
                let mut text = String::new();
                write_string(&mut text, &object.text().unwrap_or_default(), layout.html);
                to.push_str(&text.replace(char::REPLACEMENT_CHARACTER, "\\ufffd"));
            }
            None => write_string(to, &object.text().unwrap_or_else(|| object.display()), layout.html),
        },
    }
    Ok(())
}

fn write_map<'v>(
    to: &mut String,
    entries: impl ExactSizeIterator<Item = (&'v Arc<str>, &'v Value)>,
    layout: Layout,
    depth: usize,
) -> Result<(), String> {
    if entries.len() == 0 {
        to.push_str("{}");
        return Ok(());
    }
    to.push('{');
    for (index, (key, value)) in entries.enumerate() {
        if index > 0 {
            to.push(',');
        }
        line(to, layout, depth + 1);
        write_string(to, key, layout.html);
        to.push_str(if layout.pretty { ": " } else { ":" });
        write_value(to, value, layout, depth + 1)?;
    }
    line(to, layout, depth);
    to.push('}');
    Ok(())
}

fn line(to: &mut String, layout: Layout, depth: usize) {
    if layout.pretty {
        to.push('\n');
        to.extend(std::iter::repeat_n("  ", depth));
    }
}

/// Reads JSON; numbers become float64. Messages are those of `encoding/json`.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, at: 0 };
    reader.space();
    let value = reader.value("looking for beginning of value", 0)?;
    reader.space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.invalid("after top-level value")),
    }
}

/// What JSON calls the kind of a value, in messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Sized(..) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) | Value::Object(_) => "object",
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// What stands here does not belong here.
    fn invalid(&self, context: &str) -> String {
        let Some(byte) = self.peek() else {
            // Go ends what it reads with a space, to see whether that belongs there.
            return match context.starts_with("in ") || context.contains("numeric literal") {
                true => format!("invalid character ' ' {context}"),
                false => "unexpected end of JSON input".to_owned(),
            };
        };
        let shown = match byte {
            b'\'' => "'\\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            byte => {
                // Go looks at one byte and shows it as a character.
                let quoted = format::quote(&char::from(byte).to_string());
                format!("'{}'", quoted.trim_matches('"'))
            }
        };
        format!("invalid character {shown} {context}")
    }

    fn value(&mut self, context: &str, depth: usize) -> Result<Value, String> {
        if depth > format::MAX_DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Nil),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.invalid(context)),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, String> {
        for (index, expected) in word.bytes().enumerate() {
            if self.peek() != Some(expected) {
                let expected = char::from(expected);
                debug_assert!(index > 0);
                return Err(self.invalid(&format!("in literal {word} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self) -> bool {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at > from
    }

    fn number(&mut self) -> Result<Value, String> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else if !self.digits() {
            return Err(self.invalid("in numeric literal"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !self.digits() {
                return Err(self.invalid("after decimal point in numeric literal"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !self.digits() {
                return Err(self.invalid("in exponent of numeric literal"));
            }
        }
        let text = self.text.get(from..self.at).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Value::Float(value)),
            _ => Err(format!("json: cannot unmarshal number {text} into Go value of type float64")),
        }
    }

    fn string(&mut self) -> Result<Arc<str>, String> {
        self.at += 1;
        let mut to = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(c) = rest.chars().next() else {
                return Err("unexpected end of JSON input".to_owned());
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(to.into());
                }
                '\\' => {
                    self.at += 1;
                    self.escape(&mut to)?;
                }
                '\0'..='\u{1f}' => return Err(self.invalid("in string literal")),
                c => {
                    to.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn hex(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.invalid("in \\u hexadecimal character escape"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn escape(&mut self, to: &mut String) -> Result<(), String> {
        let c = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{08}',
            Some(b'f') => '\u{0c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let code = self.hex()?;
                let mut c = char::from_u32(code);
                if (0xd800..0xdc00).contains(&code)
                    && self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u"))
                {
                    let before = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xdc00..0xe000).contains(&low) {
                        c = char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
                    } else {
                        self.at = before;
                    }
                }
                to.push(c.unwrap_or('\u{fffd}'));
                return Ok(());
            }
            _ => return Err(self.invalid("in string escape code")),
        };
        self.at += 1;
        to.push(c);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut values = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::from(values));
        }
        loop {
            self.space();
            values.push(self.value("looking for beginning of value", depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::from(values));
                }
                _ => return Err(self.invalid("after array element")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut entries = Entries::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(Map::new(entries)));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.invalid("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.invalid("after object key"));
            }
            self.at += 1;
            self.space();
            let value = self.value("looking for beginning of value", depth + 1)?;
            entries.insert(key, value);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Map(Map::new(entries)));
                }
                _ => return Err(self.invalid("after object key:value pair")),
            }
        }
    }
}
