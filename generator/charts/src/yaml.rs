//! A small reader of YAML: maps, lists and texts, which is all that an index, a `Chart.yaml` and Helm's own files are read for.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

const MAX_DEPTH: usize = 64;

/// What to do where one node stands for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchors {
    /// It is a mistake: only a part of the document is looked at, and the other node may lie outside of it.
    Refused,
    /// It is read as nothing: what is looked for is never written so.
    Nothing,
}

enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

/// Reads the first document. Scalars are texts, except for nothing at all.
pub(crate) fn read(text: &str, anchors: Anchors) -> Result<Value, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            // An anchor that lies outside of what is looked at is not known.
            let known = anchors == Anchors::Nothing || !error.info().contains("unknown anchor");
            let info = if known { error.info() } else { "anchors are not supported".to_owned() };
            format!("line {}: {info}", error.marker().line())
        })?;
        let refused = |id: usize| id != 0 && anchors == Anchors::Refused;
        let line = span.start.line();
        let value = match event {
            Event::Scalar(text, style, anchor, _) => {
                if refused(anchor) {
                    return Err(format!("line {line}: anchors are not supported"));
                }
                let nothing = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                if nothing { Value::Null } else { Value::String(text.into_owned()) }
            }
            Event::Alias(_) if anchors == Anchors::Refused => {
                return Err(format!("line {line}: anchors are not supported"));
            }
            Event::Alias(_) => Value::Null,
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) if refused(anchor) => {
                return Err(format!("line {line}: anchors are not supported"));
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(values)) => Value::Array(values),
                Some(Open::Map(entries, _)) => Value::Object(entries),
                None => continue,
            },
            Event::DocumentEnd => break,
            _ => continue,
        };
        if open.len() > MAX_DEPTH {
            return Err(format!("line {line}: nested too deeply"));
        }
        match open.last_mut() {
            Some(Open::List(values)) => values.push(value),
            Some(Open::Map(entries, key)) => match key.take() {
                Some(key) => {
                    entries.insert(key, value);
                }
                None => *key = Some(value.as_str().unwrap_or_default().to_owned()),
            },
            None => root = Some(value),
        }
    }
    Ok(root.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{Anchors, read};
    use serde_json::json;

    #[test]
    fn maps_lists_and_texts() {
        let text = "a: 1\nb: [x, 'y']\nc:\n- d: ~\n  e: |\n    text\n";
        assert_eq!(
            read(text, Anchors::Refused).unwrap(),
            json!({"a": "1", "b": ["x", "y"], "c": [{"d": null, "e": "text\n"}]})
        );
        assert!(read("a: &x 1\nb: *x\n", Anchors::Refused).unwrap_err().contains("anchors"));
        assert_eq!(read("a: &x 1\nb: *x\n", Anchors::Nothing).unwrap(), json!({"a": "1", "b": null}));
        assert!(read("a: [", Anchors::Refused).is_err());
    }
}
