//! The one place where charts meet YAML.

use crate::value::Value;

/// Reads the first document of a text as Helm does: through JSON, so that keys are strings.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let parsed: serde_json::Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    Ok(from_json(parsed))
}

/// Writes a value as Helm's `toYaml` does, with a line end at the end.
pub(crate) fn write(value: &Value) -> Result<String, String> {
    serde_yaml::to_string(&to_json(value)).map_err(|error| error.to_string())
}

fn from_json(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => text.into(),
        serde_json::Value::Array(items) => items.into_iter().map(from_json).collect::<Vec<_>>().into(),
        serde_json::Value::Object(entries) => {
            Value::map(entries.into_iter().map(|(key, value)| (key, from_json(value))))
        }
    }
}

/// A value as JSON has it; what is no JSON becomes null.
pub(crate) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nil => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => (*value as i64).into(),
        Value::Float(value) => (*value).into(),
        Value::String(text) => text.as_ref().into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => map.entries().iter().map(|(key, value)| (key.to_string(), to_json(value))).collect(),
        Value::Object(object) => match object.as_map() {
            Some(map) => map.iter().map(|(key, value)| (key.to_string(), to_json(value))).collect(),
            None => object.display().into(),
        },
    }
}
