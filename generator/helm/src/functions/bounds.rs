//! How much a function may be given. Values share what they hold, and may hold themselves, so that a few steps can make one that
//! would fill any memory once it is written out.

use crate::value::Value;

/// So many values may be in what a function looks through, each counted as often as it stands there.
const VALUES: usize = 4_000_000;
/// So many bytes of text may be in it.
const BYTES: usize = 256 << 20;
/// So many comparisons of items may be made.
const COMPARISONS: usize = 400_000_000;

/// Whether a function of this name looks through all that it is given, however deep.
fn looks_through(name: &str) -> bool {
    matches!(
        name,
        "cat"
            | "deepCopy"
            | "deepEqual"
            | "dict"
            | "has"
            | "join"
            | "merge"
            | "mergeOverwrite"
            | "omit"
            | "quote"
            | "sortAlpha"
            | "squote"
            | "toDecimal"
            | "toJson"
            | "toPrettyJson"
            | "toRawJson"
            | "toString"
            | "toStrings"
            | "toToml"
            | "toYaml"
            | "toYamlPretty"
            | "uniq"
            | "without"
    )
}

/// Why a function is not called with these arguments.
pub(super) fn refused(name: &str, arguments: &[Value]) -> Option<String> {
    let name = match name.strip_prefix("must") {
        Some(rest) => rest[..rest.len().min(1)].to_lowercase() + rest.get(1..).unwrap_or_default(),
        None => name.to_owned(),
    };
    if !looks_through(&name) {
        return None;
    }
    let length = |value: Option<&Value>| match value {
        Some(Value::List(values)) => values.len(),
        _ => 0,
    };
    let items = length(arguments.first());
    let comparisons = match name.as_str() {
        "uniq" => items.saturating_mul(items) / 2,
        "without" => items.saturating_mul(arguments.len()),
        _ => 0,
    };
    if comparisons > COMPARISONS {
        return Some(format!("{items} items are too many to compare"));
    }
    let large = match name.as_str() {
        // Only keys are written out.
        "dict" => arguments.iter().step_by(2).any(|key| is_large(std::slice::from_ref(key))),
        "omit" => is_large(arguments.get(1..).unwrap_or_default()),
        _ => is_large(arguments),
    };
    if large { Some("the value is too large, or holds itself".to_owned()) } else { None }
}

/// What is counted on the way through a value.
#[derive(Default)]
struct Counted {
    values: usize,
    bytes: usize,
    /// What is still to be looked into.
    open: Vec<Value>,
}

impl Counted {
    /// Counts a value; says whether it is one too many.
    fn add(&mut self, value: &Value) -> bool {
        self.values += 1;
        match value {
            Value::String(text) => self.bytes += text.len(),
            Value::List(_) | Value::Map(_) => self.open.push(value.clone()),
            _ => {}
        }
        self.values > VALUES || self.bytes > BYTES
    }
}

/// Whether more is in the values than may be.
fn is_large(values: &[Value]) -> bool {
    let mut counted = Counted::default();
    if values.iter().any(|value| counted.add(value)) {
        return true;
    }
    while let Some(value) = counted.open.pop() {
        let large = match &value {
            Value::List(values) => values.iter().any(|value| counted.add(value)),
            Value::Map(map) => map.entries().iter().any(|(key, value)| {
                counted.bytes += key.len();
                counted.add(value)
            }),
            _ => false,
        };
        if large {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_doubles_with_every_step_is_large() {
        let mut value = Value::from("x");
        for _ in 0..60 {
            value = Value::from(vec![value.clone(), value]);
        }
        assert!(refused("toYaml", std::slice::from_ref(&value)).is_some());
        assert!(refused("mustToJson", &[value.clone()]).is_some());
        assert!(refused("first", &[value]).is_none());
    }

    #[test]
    fn what_holds_itself_is_large() {
        let Value::Map(map) = Value::map([("a", 1i64)]) else { return };
        map.set("b", map.clone().into());
        assert!(refused("toString", &[map.clone().into()]).is_some());
        map.remove("b");
    }

    #[test]
    fn a_chart_is_not_large() {
        let value = Value::from((0..10_000i64).map(Value::from).collect::<Vec<_>>());
        assert!(refused("toYaml", std::slice::from_ref(&value)).is_none());
        assert!(refused("uniq", &[value]).is_none());
        let many = Value::from((0..100_000i64).map(Value::from).collect::<Vec<_>>());
        assert!(refused("uniq", &[many]).is_some());
    }
}
