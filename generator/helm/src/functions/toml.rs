//! TOML as the library of Helm writes and reads it.

use std::sync::Arc;

use toml_edit::{DocumentMut, Item, TableLike};

use super::format;
use crate::value::{Entries, Value};

const DEEP: &str = "toml: the value is too deep";
/// What Go says about nil, where it does not come as far as TOML.
pub(super) const NIL: &str = "reflect: call of reflect.Value.Type on zero Value";
const NIL_ITEM: &str = "toml: cannot encode array with nil element";

/// A map as TOML.
pub(super) fn write(value: &Value) -> Result<String, String> {
    let mut writer = Writer::default();
    match map_of(value) {
        Some(entries) => writer.table(&mut Vec::new(), &entries)?,
        None if matches!(value, Value::List(_)) && is_tables(value)? => {
            return Err("toml: top-level values must be Go maps or structs".to_owned());
        }
        // Without a key, the value stands for itself.
        None => writer.element(value, 0)?,
    }
    Ok(writer.to)
}

#[derive(Default)]
struct Writer {
    to: String,
}

fn map_of(value: &Value) -> Option<Arc<Entries>> {
    match value {
        Value::Map(map) => Some(map.entries()),
        Value::Object(object) => object.as_map().map(Arc::new),
        _ => None,
    }
}

/// Whether it is a list of nothing but tables.
fn is_tables(value: &Value) -> Result<bool, String> {
    let Value::List(values) = value else {
        return Ok(false);
    };
    if values.contains(&Value::Nil) {
        return Err(NIL_ITEM.to_owned());
    }
    Ok(!values.is_empty() && values.iter().all(|value| map_of(value).is_some()))
}

fn is_table(value: &Value) -> Result<bool, String> {
    Ok(map_of(value).is_some() || is_tables(value)?)
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{8}' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\u{c}' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            c if c < ' ' || c == '\u{7f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn key_text(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { key.to_owned() } else { quoted(key) }
}

impl Writer {
    fn indent(&mut self, depth: usize) {
        self.to.push_str(&"  ".repeat(depth.saturating_sub(1)));
    }

    fn line_break(&mut self) {
        if !self.to.is_empty() {
            self.to.push('\n');
        }
    }

    fn header(&mut self, path: &[Arc<str>], open: &str, close: &str) {
        self.indent(path.len());
        let path: Vec<String> = path.iter().map(|key| key_text(key)).collect();
        self.to.push_str(&format!("{open}{}{close}", path.join(".")));
        self.line_break();
    }

    /// What a table holds: first what stands on a line of its own, then the tables in it.
    fn table(&mut self, path: &mut Vec<Arc<str>>, entries: &Entries) -> Result<(), String> {
        if path.len() > format::MAX_DEPTH {
            return Err(DEEP.to_owned());
        }
        let (mut plain, mut tables) = (Vec::new(), Vec::new());
        for (key, value) in entries {
            if is_table(value)? { tables.push((key, value)) } else { plain.push((key, value)) }
        }
        for (key, value) in plain {
            if *value != Value::Nil {
                self.indent(path.len() + 1);
                self.to.push_str(&format!("{} = ", key_text(key)));
                self.element(value, 0)?;
                self.line_break();
            }
        }
        for (key, value) in tables {
            path.push(Arc::clone(key));
            if let Value::List(values) = value {
                for value in values.iter() {
                    self.line_break();
                    self.header(path, "[[", "]]");
                    if let Some(entries) = map_of(value) {
                        self.table(path, &entries)?;
                    }
                }
            } else if let Some(entries) = map_of(value) {
                if path.len() == 1 {
                    self.line_break();
                }
                self.header(path, "[", "]");
                self.table(path, &entries)?;
            }
            path.pop();
        }
        Ok(())
    }

    fn element(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > format::MAX_DEPTH {
            return Err(DEEP.to_owned());
        }
        if let Some(entries) = map_of(value) {
            return self.inline(&entries, depth);
        }
        match value {
            Value::Nil => return Err("unexpected type: <nil>".to_owned()),
            Value::Bool(value) => self.to.push_str(if *value { "true" } else { "false" }),
            Value::Float(value) if value.is_nan() => self.to.push_str("nan"),
            Value::Float(value) if value.is_infinite() => self.to.push_str(if *value < 0.0 { "-inf" } else { "inf" }),
            Value::Float(value) => {
                let text = format::float(*value);
                let point = if text.contains(['.', 'e']) { "" } else { ".0" };
                self.to.push_str(&format!("{text}{point}"));
            }
            Value::String(text) => self.to.push_str(&quoted(text)),
            Value::List(values) => {
                self.to.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        self.to.push_str(", ");
                    }
                    self.element(value, depth + 1)?;
                }
                self.to.push(']');
            }
            Value::Object(object) => match object.text() {
                Some(text) => self.to.push_str(&text),
                None => self.to.push_str(&quoted(&object.display())),
            },
            value => self.to.push_str(&format::display(value)),
        }
        Ok(())
    }

    fn inline(&mut self, entries: &Entries, depth: usize) -> Result<(), String> {
        let (mut plain, mut tables) = (Vec::new(), Vec::new());
        for entry in entries {
            if is_table(entry.1)? { tables.push(entry) } else { plain.push(entry) }
        }
        self.to.push('{');
        let some_tables = !tables.is_empty();
        for (group, more) in [(plain, some_tables), (tables, false)] {
            let last = group.len().saturating_sub(1);
            for (index, (key, value)) in group.into_iter().enumerate() {
                if *value == Value::Nil {
                    continue;
                }
                self.to.push_str(&format!("{} = ", key_text(key)));
                self.element(value, depth + 1)?;
                if more || index != last {
                    self.to.push_str(", ");
                }
            }
        }
        self.to.push('}');
        Ok(())
    }
}

/// Reads a document. Whole numbers stay whole, dates are moments.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let document = text.parse::<DocumentMut>().map_err(|error| format!("toml: {}", error.message()))?;
    table_value(document.as_table(), 0)
}

fn table_value(table: &dyn TableLike, depth: usize) -> Result<Value, String> {
    if depth > format::MAX_DEPTH {
        return Err(DEEP.to_owned());
    }
    let mut entries = Entries::new();
    for (key, item) in table.iter() {
        let value = match item {
            Item::None => continue,
            Item::Value(value) => scalar(value, depth)?,
            Item::Table(table) => table_value(table, depth + 1)?,
            Item::ArrayOfTables(tables) => {
                let tables = tables.iter().map(|table| table_value(table, depth + 1)).collect::<Result<Vec<_>, _>>()?;
                tables.into()
            }
        };
        entries.insert(key.into(), value);
    }
    Ok(entries.into())
}

fn scalar(value: &toml_edit::Value, depth: usize) -> Result<Value, String> {
    if depth > format::MAX_DEPTH {
        return Err(DEEP.to_owned());
    }
    Ok(match value {
        toml_edit::Value::String(text) => text.value().as_str().into(),
        toml_edit::Value::Integer(number) => Value::int64(*number.value()),
        toml_edit::Value::Float(number) => (*number.value()).into(),
        toml_edit::Value::Boolean(truth) => (*truth.value()).into(),
        toml_edit::Value::Datetime(date) => super::dates::of_toml(&date.value().to_string()),
        toml_edit::Value::Array(values) => {
            values.iter().map(|value| scalar(value, depth + 1)).collect::<Result<Vec<_>, _>>()?.into()
        }
        toml_edit::Value::InlineTable(table) => table_value(table, depth + 1)?,
    })
}
