//! YAML as Helm writes and reads it: sigs.k8s.io/yaml, which is JSON by way of go-yaml version 2, and for `toYamlPretty`
//! go-yaml version 3. What is written is the same, byte for byte.

use crate::functions::format;
use crate::value::Value;

mod emit;
mod read;
mod resolve;
mod sort;
mod walk;

use emit::Emitter;
use resolve::Dialect;
pub(crate) use resolve::decimal;
pub(crate) use walk::{Head, head};

/// A value as `sigs.k8s.io/yaml` writes it, with a line break at the end. It goes through JSON, so that what JSON has no word
/// for is a mistake, and so is what the way back from JSON stumbles over.
pub fn marshal(value: &Value) -> Result<String, String> {
    let mut folded = false;
    check(value, 0, &mut folded)?;
    if folded {
        return Ok(Emitter::document(&fold(value), Dialect::V2));
    }
    Ok(Emitter::document(value, Dialect::V2))
}

/// A value as go-yaml version 3 writes it with an indentation of two, which is what `toYamlPretty` gives.
pub fn marshal_pretty(value: &Value) -> Result<String, String> {
    if too_deep(value, 0) {
        return Err("yaml: the value is too deep".to_owned());
    }
    Ok(Emitter::document(value, Dialect::V3))
}

/// Reads the first document of a text as `sigs.k8s.io/yaml` does; the message of a mistake is Go's as far as it comes from
/// values, and that of the parser where the text is not YAML.
pub fn unmarshal(text: &str) -> Result<Value, String> {
    read::read(text).map_err(|error| format!("error converting YAML to JSON: {error}"))
}

fn too_deep(value: &Value, depth: usize) -> bool {
    if depth > format::MAX_DEPTH {
        return true;
    }
    match value {
        Value::List(values) => values.iter().any(|value| too_deep(value, depth + 1)),
        Value::Map(map) => map.entries().values().any(|value| too_deep(value, depth + 1)),
        _ => false,
    }
}

/// Whether the value survives being written as JSON and read as YAML.
fn check(value: &Value, depth: usize, folded: &mut bool) -> Result<(), String> {
    if depth > format::MAX_DEPTH {
        return Err("json: unsupported value: encountered a cycle".to_owned());
    }
    match value {
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Sized(..) => Ok(()),
        Value::Float(value) if value.is_finite() => Ok(()),
        Value::Float(value) => Err(format!("json: unsupported value: {}", format::float(*value))),
        Value::String(text) => check_text(text, folded),
        Value::List(values) => values.iter().try_for_each(|value| check(value, depth + 1, folded)),
        Value::Map(map) => check_map(&map.entries(), depth, folded),
        Value::Object(object) => object.as_map().map_or(Ok(()), |entries| check_map(&entries, depth, folded)),
    }
}

fn check_map(entries: &crate::value::Entries, depth: usize, folded: &mut bool) -> Result<(), String> {
    for (key, value) in entries {
        check_text(key, folded)?;
        // The JSON of a longer key does not fit what YAML takes for a key on one line.
        if key.len() > 150 && crate::functions::json::string(key, true).chars().count() > 1024 {
            return Err("yaml: did not find expected ',' or '}'".to_owned());
        }
        check(value, depth + 1, folded)?;
    }
    Ok(())
}

/// JSON leaves these characters as they are, and YAML's reader does not take them.
fn check_text(text: &str, folded: &mut bool) -> Result<(), String> {
    if text.is_ascii() && !text.contains('\u{7f}') {
        return Ok(());
    }
    for c in text.chars() {
        match c {
            '\u{85}' => *folded = true,
            '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                return Err("yaml: control characters are not allowed".to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

/// JSON leaves the next-line character as it is, and YAML reads it as a line break, which it folds.
fn fold(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(fold_text(text)),
        Value::List(values) => Value::from(values.iter().map(fold).collect::<Vec<_>>()),
        Value::Map(map) => Value::map(map.entries().iter().map(|(key, value)| (fold_text(key), fold(value)))),
        value => value.clone(),
    }
}

fn fold_text(text: &str) -> String {
    let mut lines = text.split('\u{85}').peekable();
    let mut folded = lines.next().unwrap_or_default().to_owned();
    let mut breaks = 0usize;
    if lines.peek().is_none() {
        return folded;
    }
    folded.truncate(folded.trim_end_matches(' ').len());
    while let Some(line) = lines.next() {
        breaks += 1;
        let mut line = line.trim_start_matches(' ');
        if lines.peek().is_some() {
            line = line.trim_end_matches(' ');
            if line.is_empty() {
                continue;
            }
        }
        folded.push_str(&if breaks == 1 { " ".to_owned() } else { "\n".repeat(breaks - 1) });
        folded.push_str(line);
        breaks = 0;
    }
    folded
}
