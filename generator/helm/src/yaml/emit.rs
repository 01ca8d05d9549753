//! Values as go-yaml writes them, byte for byte.

use base64::Engine as _;

use super::resolve::{Dialect, Scalar, is_base60, resolve};
use super::sort::by_key;
use crate::functions::format;
use crate::value::Value;

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// What a text allows.
struct Analysis {
    multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
}

/// What go-yaml counts as a line break.
fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What go-yaml writes without escaping it. It looks at bytes, and knows nothing beyond the Basic Multilingual Plane.
fn is_printable(c: char) -> bool {
    c != '\u{feff}' && matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// Where a node stands.
#[derive(Clone, Copy)]
struct Place {
    /// It is the value of a key.
    mapping: bool,
    /// It is a key that fits on its line.
    simple_key: bool,
}

const ROOT: Place = Place { mapping: false, simple_key: false };
const ITEM: Place = Place { mapping: false, simple_key: false };
const KEY: Place = Place { mapping: true, simple_key: true };
const COMPLEX_KEY: Place = Place { mapping: true, simple_key: false };
const VALUE: Place = Place { mapping: true, simple_key: false };

/// What stands between two levels. go-yaml could write others, but nobody asks it to.
const INDENT: i32 = 2;

/// Writes values.
pub(crate) struct Emitter {
    out: String,
    dialect: Dialect,
    /// Lines are broken at the first space after this column.
    width: usize,
    column: usize,
    indent: i32,
    whitespace: bool,
    indention: bool,
}

impl Emitter {
    /// The document that holds this value, with the line break at its end.
    pub(crate) fn document(value: &Value, dialect: Dialect) -> String {
        let width = if dialect == Dialect::V2 { 80 } else { usize::MAX };
        let mut emitter =
            Emitter { out: String::new(), dialect, width, column: 0, indent: -1, whitespace: true, indention: true };
        emitter.node(value, ROOT, 0);
        emitter.write_indent();
        emitter.out
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        if self.dialect == Dialect::V3 {
            self.indention = true;
        }
    }

    fn write_break(&mut self, c: char) {
        if c == '\n' {
            self.put_break();
        } else {
            self.put(c);
            self.column = 0;
            if self.dialect == Dialect::V3 {
                self.indention = true;
            }
        }
    }

    fn write_indent(&mut self) {
        let indent = self.indent.max(0) as usize;
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        if self.dialect == Dialect::V2 {
            self.indention = true;
        }
    }

    fn indicator(&mut self, text: &str, need_whitespace: bool, is_whitespace: bool, is_indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(' ');
        }
        for c in text.chars() {
            self.put(c);
        }
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    /// Runs with a deeper indentation.
    fn deeper(&mut self, flow: bool, indentless: bool, run: impl FnOnce(&mut Self)) {
        let before = self.indent;
        if self.indent < 0 {
            self.indent = if flow { INDENT } else { 0 };
        } else if !indentless {
            self.indent += INDENT;
        }
        run(self);
        self.indent = before;
    }

    fn node(&mut self, value: &Value, place: Place, depth: usize) {
        if depth > format::MAX_DEPTH {
            return self.scalar("null", Style::Plain, place);
        }
        match value {
            Value::Nil => self.scalar("null", Style::Plain, place),
            Value::Bool(value) => self.scalar(if *value { "true" } else { "false" }, Style::Plain, place),
            Value::Int(value) | Value::Sized(value, _) => self.scalar(&value.to_string(), Style::Plain, place),
            Value::Float(value) => self.scalar(&self.float(*value), Style::Plain, place),
            Value::String(value) => self.string(value, place),
            Value::List(values) if let Some(bytes) = values.bytes() => {
                self.string(&base64::engine::general_purpose::STANDARD.encode(bytes), place);
            }
            Value::List(values) if values.is_nil() && self.dialect == Dialect::V2 => {
                self.scalar("null", Style::Plain, place)
            }
            Value::List(values) if values.is_empty() => {
                self.indicator("[", true, true, false);
                self.indicator("]", false, false, false);
            }
            Value::List(values) => {
                let indentless = self.dialect == Dialect::V2 && place.mapping && !self.indention;
                self.deeper(false, indentless, |emitter| {
                    for value in values.iter() {
                        emitter.write_indent();
                        emitter.indicator("-", true, false, true);
                        emitter.node(value, ITEM, depth + 1);
                    }
                });
            }
            Value::Map(map) => {
                let entries = map.entries();
                self.map(entries.iter().map(|(key, value)| (&**key, value)).collect(), depth);
            }
            Value::Object(object) => match object.as_map() {
                Some(entries) => self.map(entries.iter().map(|(key, value)| (&**key, value)).collect(), depth),
                None => self.string(&object.text().unwrap_or_else(|| object.display()), place),
            },
        }
    }

    fn map(&mut self, mut entries: Vec<(&str, &Value)>, depth: usize) {
        if entries.is_empty() {
            self.indicator("{", true, true, false);
            self.indicator("}", false, false, false);
            return;
        }
        by_key(&mut entries, self.dialect);
        self.deeper(false, false, |emitter| {
            for (key, value) in entries {
                emitter.write_indent();
                if key.len() <= 128 && !key.contains(is_break) {
                    emitter.string(key, KEY);
                    emitter.indicator(":", false, false, false);
                } else {
                    emitter.indicator("?", true, false, true);
                    emitter.string(key, COMPLEX_KEY);
                    emitter.write_indent();
                    emitter.indicator(":", true, false, true);
                }
                emitter.node(value, VALUE, depth + 1);
            }
        });
    }

    /// What the number is once it went through JSON, for version 2; version 3 is handed it as it is.
    fn float(&self, value: f64) -> String {
        if self.dialect == Dialect::V2
            && let Some(json) = format::float_json(value)
            && !json.contains(['.', 'e'])
        {
            match resolve(&json, Dialect::V2) {
                Scalar::Int(value) => return value.to_string(),
                Scalar::Uint(value) => return value.to_string(),
                _ => {}
            }
        }
        match format::float(value).as_str() {
            "+Inf" => ".inf".to_owned(),
            "-Inf" => "-.inf".to_owned(),
            "NaN" => ".nan".to_owned(),
            text => text.to_owned(),
        }
    }

    fn string(&mut self, text: &str, place: Place) {
        let old_bool = || {
            matches!(
                text,
                "y" | "Y"
                    | "yes"
                    | "Yes"
                    | "YES"
                    | "on"
                    | "On"
                    | "ON"
                    | "n"
                    | "N"
                    | "no"
                    | "No"
                    | "NO"
                    | "off"
                    | "Off"
                    | "OFF"
            )
        };
        let style = if text.contains('\n') {
            Style::Literal
        } else if resolve(text, self.dialect) == Scalar::String
            && !is_base60(text)
            && !(self.dialect == Dialect::V3 && old_bool())
        {
            Style::Plain
        } else {
            Style::Double
        };
        self.scalar(text, style, place);
    }

    fn scalar(&mut self, text: &str, wanted: Style, place: Place) {
        let chars: Vec<char> = text.chars().collect();
        let analysis = analyze(&chars, self.dialect);
        let mut style = wanted;
        if place.simple_key && analysis.multiline {
            style = Style::Double;
        }
        if style == Style::Plain && (!analysis.plain || chars.is_empty() && place.simple_key) {
            style = Style::Single;
        }
        if style == Style::Single && !analysis.single {
            style = Style::Double;
        }
        if style == Style::Literal && (!analysis.block || place.simple_key) {
            style = Style::Double;
        }
        let breaks = !place.simple_key;
        self.deeper(true, false, |emitter| match style {
            Style::Plain => emitter.plain(&chars, breaks),
            Style::Single => emitter.single(&chars, breaks),
            Style::Double => emitter.double(&chars, breaks),
            Style::Literal => emitter.literal(&chars),
        });
    }

    fn plain(&mut self, chars: &[char], allow_breaks: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        self.flow(chars, |_| allow_breaks, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn single(&mut self, chars: &[char], allow_breaks: bool) {
        self.indicator("'", true, false, false);
        self.flow(chars, |index| allow_breaks && index > 0 && index + 1 < chars.len(), true);
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    /// A text that is folded where a line is full and `may_fold` has no objection to the space; in quotes a quote stands twice.
    fn flow(&mut self, chars: &[char], may_fold: impl Fn(usize) -> bool, is_quoted: bool) {
        let (mut spaces, mut breaks) = (false, false);
        for (index, &c) in chars.iter().enumerate() {
            if c == ' ' {
                let is_full = !spaces && self.column > self.width && chars.get(index + 1) != Some(&' ');
                if is_full && may_fold(index) {
                    self.write_indent();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.put_break();
                }
                self.write_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if is_quoted && c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
    }

    fn double(&mut self, chars: &[char], allow_breaks: bool) {
        self.indicator("\"", true, false, false);
        // go-yaml asks whether the text begins with a byte order mark where it means to ask about one character.
        let mark = chars.first() == Some(&'\u{feff}');
        let mut spaces = false;
        for (index, &c) in chars.iter().enumerate() {
            if mark || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.escape(c);
                spaces = false;
            } else if c == ' ' {
                if allow_breaks && !spaces && self.column > self.width && index > 0 && index + 1 < chars.len() {
                    self.write_indent();
                    if chars.get(index + 1) == Some(&' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn escape(&mut self, c: char) {
        let code = u32::from(c);
        let text = match code {
            0x00 => "0".to_owned(),
            0x07 => "a".to_owned(),
            0x08 => "b".to_owned(),
            0x09 => "t".to_owned(),
            0x0a => "n".to_owned(),
            0x0b => "v".to_owned(),
            0x0c => "f".to_owned(),
            0x0d => "r".to_owned(),
            0x1b => "e".to_owned(),
            0x22 => "\"".to_owned(),
            0x5c => "\\".to_owned(),
            0x85 => "N".to_owned(),
            0xa0 => "_".to_owned(),
            0x2028 => "L".to_owned(),
            0x2029 => "P".to_owned(),
            code if code <= 0xff => format!("x{code:02X}"),
            0x100..=0xffff => format!("u{code:04X}"),
            _ => format!("U{code:08X}"),
        };
        self.put('\\');
        for c in text.chars() {
            self.put(c);
        }
    }

    fn literal(&mut self, chars: &[char]) {
        self.indicator("|", true, false, false);
        if chars.first().is_some_and(|&c| c == ' ' || is_break(c)) {
            self.indicator(&INDENT.to_string(), false, false, false);
        }
        match chars {
            [.., last] if !is_break(*last) => self.indicator("-", false, false, false),
            [_] => self.indicator("+", false, false, false),
            [.., before, _] if is_break(*before) => self.indicator("+", false, false, false),
            _ => {}
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for &c in chars {
            if is_break(c) {
                self.write_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }
}

fn analyze(chars: &[char], dialect: Dialect) -> Analysis {
    if chars.is_empty() {
        return Analysis { multiline: false, plain: true, single: true, block: false };
    }
    let mut indicators = matches!(chars, ['-', '-', '-', ..] | ['.', '.', '.', ..]);
    let (mut line_breaks, mut special, mut tabs) = (false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let (mut previous_space, mut previous_break) = (false, false);
    let mut preceded = true;
    let last = chars.len() - 1;
    for (index, &c) in chars.iter().enumerate() {
        let followed = chars.get(index + 1).is_none_or(|&c| is_blank(c));
        if index == 0 {
            indicators |= match c {
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => true,
                '?' | ':' | '-' => followed,
                _ => false,
            };
        } else {
            indicators |= match c {
                ':' => followed,
                '#' => preceded,
                _ => false,
            };
        }
        if c == '\t' && dialect == Dialect::V3 {
            tabs = true;
        } else if !is_printable(c) {
            special = true;
        }
        if c == ' ' {
            break_space |= previous_break;
            previous_space = true;
            previous_break = false;
        } else if is_break(c) {
            line_breaks = true;
            space_break |= previous_space;
            previous_space = false;
            previous_break = true;
        } else {
            previous_space = false;
            previous_break = false;
        }
        preceded = is_blank(c) || is_break(c) || c == '\0';
    }
    let outer = |c: char| c == ' ' || is_break(c);
    let trailing_space = chars[last] == ' ';
    let edges = outer(chars[0]) || outer(chars[last]);
    let unquotable = space_break || special;
    Analysis {
        multiline: line_breaks,
        plain: !(edges || break_space || unquotable || tabs || line_breaks || indicators),
        single: !(break_space || unquotable || tabs),
        block: !(trailing_space || unquotable),
    }
}
