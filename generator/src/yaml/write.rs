//! Any serialisable value to canonical YAML: one way to write each value, whatever the machine.
//!
//! Two spaces, lists not indented under their key, block literals for text with line breaks, quotes
//! around every string that a YAML 1.1 reader (Argo CD, Helm, PyYAML) or a YAML 1.2 reader would take
//! for something else, one line break at the end. No anchors, no tags, no flow style but `{}` and `[]`.

use std::fmt::{Display, Write as _};

use serde::ser::{self, Serialize};

/// Writes a value as one YAML document.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, WriteError> {
    let mut out = String::with_capacity(4096);
    append(value, &mut out)?;
    Ok(out)
}

/// Writes a value as one YAML document at the end of a text.
pub fn append<T: Serialize + ?Sized>(value: &T, out: &mut String) -> Result<(), WriteError> {
    value.serialize(Writer { out, indent: 0, place: Place::Top })?;
    if !out.ends_with('\n') {
        out.push('\n');
    }
    Ok(())
}

/// A value that YAML cannot hold. Only a program error can cause it.
#[derive(Debug, thiserror::Error)]
#[error("cannot be written as YAML: {0}")]
pub struct WriteError(String);

impl ser::Error for WriteError {
    fn custom<T: Display>(message: T) -> WriteError {
        WriteError(message.to_string())
    }
}

/// What stands before the value that is to be written.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Nothing: the document begins.
    Top,
    /// `key:` without a space.
    AfterKey,
    /// `-` without a space.
    AfterDash,
}

struct Writer<'a> {
    out: &'a mut String,
    /// Column of the keys or dashes of a collection that begins here.
    indent: usize,
    place: Place,
}

impl Writer<'_> {
    fn scalar(self, text: &str) {
        if self.place != Place::Top {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn string(self, text: &str) {
        if self.place != Place::Top && is_block(text) {
            self.out.push(' ');
            // The text of a literal stands two columns to the right of its key or dash.
            block(self.out, text, self.indent);
        } else {
            let mut quoted = String::new();
            push_scalar(&mut quoted, text);
            self.scalar(&quoted);
        }
    }
}

/// Whether a literal block keeps this text byte for byte and reads better than one long quoted line.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && text != "\n"
        // A first line that is blank or indented would need an indentation indicator.
        && !text.starts_with([' ', '\n', '\t'])
        // Blank-only lines and trailing blanks survive in a literal, but no editor shows them.
        && text.split('\n').all(is_literal)
}

/// Whether a line can stand in a literal block.
pub(super) fn is_literal(line: &str) -> bool {
    !line.ends_with(' ') && line.chars().all(|c| is_printable(c) && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
}

fn block(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    let breaks = text.len() - body.len();
    out.push_str(match breaks {
        0 => "|-\n",
        1 => "|\n",
        _ => "|+\n",
    });
    for line in body.split('\n') {
        if !line.is_empty() {
            push_spaces(out, indent);
            out.push_str(line);
        }
        out.push('\n');
    }
    for _ in 1..breaks {
        out.push('\n');
    }
}

fn push_spaces(out: &mut String, count: usize) {
    for _ in 0..count {
        out.push(' ');
    }
}

/// What YAML calls printable, less what no reader shows.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Writes a string on one line: plain where nobody can misread it, else in double quotes.
pub fn push_scalar(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_raw(c) => out.push(c),
            c if c < '\u{a0}' => {
                let _ = write!(out, "\\x{:02X}", c as u32);
            }
            c if (c as u32) <= 0xffff => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => {
                let _ = write!(out, "\\U{:08X}", c as u32);
            }
        }
    }
    out.push('"');
}

/// Whether a character stands for itself between double quotes.
pub(super) fn is_raw(c: char) -> bool {
    // Joiners and direction marks are escaped, so that a reviewer sees that they are there.
    let is_hidden = matches!(
        c,
        '\u{a0}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    );
    is_printable(c) && !is_hidden && c != '"' && c != '\\'
}

/// Whether a string can stand without quotes for readers of YAML 1.1 and 1.2 alike.
pub(super) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    let starts_well =
        first.is_ascii_alphanumeric() || matches!(first, b'_' | b'/' | b'.' | b'(' | b'$' | b'^' | b'<' | b'+' | b'-');
    if !starts_well || last == b':' || last == b' ' {
        return false;
    }
    // `- a`, `? a` and `---` begin something else.
    if first == b'-'
        && (bytes.len() == 1 || !bytes[1].is_ascii_alphanumeric() && bytes[1] != b'-' || text.starts_with("---"))
    {
        return false;
    }
    if first == b'.' && text.starts_with("...") {
        return false;
    }
    let mut previous = 0u8;
    for &b in bytes {
        let fine = match b {
            b' '..=b'~' => !(b == b'#' && previous == b' ' || previous == b':' && b == b' '),
            _ => false,
        };
        if !fine {
            return false;
        }
        previous = b;
    }
    !is_ambiguous(text)
}

/// Whether some reader takes this plain text for a boolean, a null, a number, a date or a merge key.
fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 14] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "~", "<<", "=", ""];
    if text.len() <= 5 && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return true;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some(first) = unsigned.bytes().next() else { return true };
    if first == b'.' {
        // .5, .inf, .nan and what looks like them; `.foo` is a path.
        let rest = &unsigned[1..];
        return rest.is_empty()
            || rest.bytes().next().is_some_and(|b| b.is_ascii_digit())
            || ["inf", "nan"].iter().any(|word| word.eq_ignore_ascii_case(rest));
    }
    if !first.is_ascii_digit() {
        return false;
    }
    // Integers of every base with underscores, floats, exponents, sexagesimals and dates consist of these.
    let hexadecimal = unsigned.len() > 2 && matches!(unsigned.as_bytes()[1], b'x' | b'X' | b'o' | b'O' | b'b' | b'B');
    if hexadecimal {
        return unsigned[2..].bytes().all(|b| b.is_ascii_hexdigit() || b == b'_');
    }
    let number_like =
        unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'e' | b'E' | b'+' | b'-' | b':'));
    if number_like {
        return true;
    }
    // A date with a time: 2001-12-14t21:59:43.10-05:00, 2001-12-14 21:59:43.10 -5
    unsigned.len() >= 8
        && unsigned.bytes().take(4).all(|b| b.is_ascii_digit())
        && unsigned.as_bytes()[4] == b'-'
        && unsigned.bytes().all(|b| {
            b.is_ascii_digit() || matches!(b, b'-' | b':' | b'.' | b' ' | b'\t' | b'T' | b't' | b'Z' | b'z' | b'+')
        })
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Collection<'a>;
    type SerializeTuple = Collection<'a>;
    type SerializeTupleStruct = Collection<'a>;
    type SerializeTupleVariant = ser::Impossible<(), WriteError>;
    type SerializeMap = Collection<'a>;
    type SerializeStruct = Collection<'a>;
    type SerializeStructVariant = ser::Impossible<(), WriteError>;

    fn serialize_bool(self, value: bool) -> Result<(), WriteError> {
        self.scalar(if value { "true" } else { "false" });
        Ok(())
    }
    fn serialize_i8(self, value: i8) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<(), WriteError> {
        self.scalar(&value.to_string());
        Ok(())
    }
    fn serialize_u8(self, value: u8) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<(), WriteError> {
        self.scalar(&value.to_string());
        Ok(())
    }
    fn serialize_f32(self, value: f32) -> Result<(), WriteError> {
        self.serialize_f64(value.into())
    }
    fn serialize_f64(self, value: f64) -> Result<(), WriteError> {
        if !value.is_finite() {
            return Err(WriteError(format!("{value} is not a finite number")));
        }
        // `1.0`, `1.5`, `1e+30`: the forms that every reader takes for a float.
        let mut text = format!("{value:?}");
        if let Some(at) = text.find('e') {
            if !text[..at].contains('.') {
                text.insert_str(at, ".0");
            }
            let at = text.find('e').unwrap_or(at);
            if !text[at + 1..].starts_with('-') {
                text.insert(at + 1, '+');
            }
        }
        self.scalar(&text);
        Ok(())
    }
    fn serialize_char(self, value: char) -> Result<(), WriteError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<(), WriteError> {
        self.string(value);
        Ok(())
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), WriteError> {
        Err(WriteError("bytes have no YAML form here".to_owned()))
    }
    fn serialize_none(self) -> Result<(), WriteError> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), WriteError> {
        self.scalar("null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), WriteError> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), WriteError> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), WriteError> {
        Err(WriteError("a variant with a value has no YAML form here".to_owned()))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Collection<'a>, WriteError> {
        Ok(Collection::new(self, false))
    }
    fn serialize_tuple(self, _: usize) -> Result<Collection<'a>, WriteError> {
        Ok(Collection::new(self, false))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Collection<'a>, WriteError> {
        Ok(Collection::new(self, false))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, WriteError> {
        Err(WriteError("a variant with values has no YAML form here".to_owned()))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Collection<'a>, WriteError> {
        Ok(Collection::new(self, true))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Collection<'a>, WriteError> {
        Ok(Collection::new(self, true))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, WriteError> {
        Err(WriteError("a variant with values has no YAML form here".to_owned()))
    }
}

/// A map or list that is being written. Nothing is written before its first item, because an empty one
/// stands on the line of its key.
struct Collection<'a> {
    out: &'a mut String,
    /// Column of this collection's own keys or dashes.
    indent: usize,
    place: Place,
    is_map: bool,
    is_empty: bool,
}

impl<'a> Collection<'a> {
    fn new(writer: Writer<'a>, is_map: bool) -> Collection<'a> {
        // A list under a key has its dashes in the column of the key.
        let indent = match (writer.place, is_map) {
            (Place::AfterKey, false) => writer.indent.saturating_sub(2),
            _ => writer.indent,
        };
        Collection { out: writer.out, indent, place: writer.place, is_map, is_empty: true }
    }

    /// Moves to where the next key or dash belongs.
    fn next(&mut self) {
        if !self.is_empty {
            push_spaces(self.out, self.indent);
            return;
        }
        self.is_empty = false;
        match self.place {
            Place::Top => {}
            Place::AfterKey => {
                self.out.push('\n');
                push_spaces(self.out, self.indent);
            }
            // The first key or dash stands behind the dash of the list around it.
            Place::AfterDash => self.out.push(' '),
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.next();
        self.out.push('-');
        value.serialize(Writer { out: self.out, indent: self.indent + 2, place: Place::AfterDash })
    }

    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), WriteError> {
        self.next();
        push_scalar(self.out, key);
        self.out.push(':');
        value.serialize(Writer { out: self.out, indent: self.indent + 2, place: Place::AfterKey })
    }

    fn close(self) {
        if self.is_empty {
            if self.place != Place::Top {
                self.out.push(' ');
            }
            self.out.push_str(if self.is_map { "{}\n" } else { "[]\n" });
        }
    }
}

impl ser::SerializeSeq for Collection<'_> {
    type Ok = ();
    type Error = WriteError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.item(value)
    }
    fn end(self) -> Result<(), WriteError> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTuple for Collection<'_> {
    type Ok = ();
    type Error = WriteError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.item(value)
    }
    fn end(self) -> Result<(), WriteError> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTupleStruct for Collection<'_> {
    type Ok = ();
    type Error = WriteError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.item(value)
    }
    fn end(self) -> Result<(), WriteError> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeMap for Collection<'_> {
    type Ok = ();
    type Error = WriteError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), WriteError> {
        Err(WriteError("keys are written together with their values".to_owned()))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), WriteError> {
        Err(WriteError("values are written together with their keys".to_owned()))
    }
    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), WriteError> {
        let key = key.serialize(KeyText)?;
        self.entry(&key, value)
    }
    fn end(self) -> Result<(), WriteError> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeStruct for Collection<'_> {
    type Ok = ();
    type Error = WriteError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), WriteError> {
        self.entry(key, value)
    }
    fn end(self) -> Result<(), WriteError> {
        self.close();
        Ok(())
    }
}

/// Keys are strings; everything else is refused.
struct KeyText;

macro_rules! refuse_keys {
    ($($method:ident($($type:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self $(, _: $type)*) -> Result<$ok, WriteError> {
            Err(WriteError("a key must be a string".to_owned()))
        })*
    };
}

impl ser::Serializer for KeyText {
    type Ok = String;
    type Error = WriteError;
    type SerializeSeq = ser::Impossible<String, WriteError>;
    type SerializeTuple = ser::Impossible<String, WriteError>;
    type SerializeTupleStruct = ser::Impossible<String, WriteError>;
    type SerializeTupleVariant = ser::Impossible<String, WriteError>;
    type SerializeMap = ser::Impossible<String, WriteError>;
    type SerializeStruct = ser::Impossible<String, WriteError>;
    type SerializeStructVariant = ser::Impossible<String, WriteError>;

    fn serialize_str(self, value: &str) -> Result<String, WriteError> {
        Ok(value.to_owned())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, WriteError> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<String, WriteError> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<String, WriteError> {
        Ok(variant.to_owned())
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, WriteError> {
        Err(WriteError("a key must be a string".to_owned()))
    }
    refuse_keys! {
        serialize_bool(bool) -> String;
        serialize_i8(i8) -> String;
        serialize_i16(i16) -> String;
        serialize_i32(i32) -> String;
        serialize_i64(i64) -> String;
        serialize_u8(u8) -> String;
        serialize_u16(u16) -> String;
        serialize_u32(u32) -> String;
        serialize_u64(u64) -> String;
        serialize_f32(f32) -> String;
        serialize_f64(f64) -> String;
        serialize_char(char) -> String;
        serialize_bytes(&[u8]) -> String;
        serialize_none() -> String;
        serialize_unit() -> String;
        serialize_unit_struct(&'static str) -> String;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(value: serde_json::Value) -> String {
        to_string(&value).unwrap()
    }

    #[test]
    fn layout() {
        let value = json!({
            "a": {"b": [1, {"c": "d", "e": ["f"]}, [], {}, ["g", ["h"]]], "i": {}},
            "text": "one\n  two\n\nthree\n",
            "list": ["x\ny"],
            "empty": "",
        });
        assert_eq!(
            written(value),
            "a:\n  b:\n  - 1\n  - c: d\n    e:\n    - f\n  - []\n  - {}\n  - - g\n    - - h\n  i: {}\n\
             text: |\n  one\n    two\n\n  three\nlist:\n- |-\n  x\n  y\nempty: \"\"\n"
        );
    }

    #[test]
    fn strings_that_readers_would_misread_are_quoted() {
        for text in [
            "yes",
            "No",
            "ON",
            "off",
            "y",
            "N",
            "true",
            "False",
            "null",
            "~",
            "",
            "0777",
            "1_000",
            "12:30:00",
            "0x1F",
            "0b1",
            "1e3",
            "1.5",
            ".5",
            "-1",
            "+1",
            ".inf",
            "-.INF",
            ".nan",
            "2020-01-01",
            "2001-12-14t21:59:43.10-05:00",
            "- a",
            "a: b",
            "a #b",
            "a:",
            " a",
            "a ",
            "#a",
            "@a",
            "`a",
            "%a",
            "!a",
            "&a",
            "*a",
            "{a",
            "[a",
            "'a",
            "\"a",
            "|",
            ">",
            "?",
            "-",
            "---",
            "...",
            "=",
            "<<",
            ",a",
            "1.2.3",
            "a\tb",
            "\u{feff}",
            "é\u{202e}",
        ] {
            let text = written(json!({"k": text}));
            assert!(text.starts_with("k: \""), "{text}");
        }
        for text in [
            "a",
            "a-b",
            "v1.2.3",
            "http://x/y",
            "a:b",
            "a#b",
            "--flag=x",
            "-v",
            "/x",
            ".x/y",
            "10.0.0.0/8",
            "100m",
            "5s",
            "$x",
        ] {
            assert_eq!(written(json!({"k": text})), format!("k: {text}\n"));
        }
    }

    #[test]
    fn floats_stay_floats() {
        assert_eq!(written(json!([1.0, 1.5, 1e30, 1e-7, 0.1])), "- 1.0\n- 1.5\n- 1.0e+30\n- 1.0e-7\n- 0.1\n");
    }
}
