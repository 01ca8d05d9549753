//! The one place where charts meet YAML.

use crate::value::Value;

/// Reads the first document of a text as Helm does: through JSON, so that keys are strings.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    crate::yaml::unmarshal(text)
}

/// Writes a value as Helm's `toYaml` does, with a line end at the end.
pub(crate) fn write(value: &Value) -> Result<String, String> {
    crate::yaml::marshal(value)
}

/// A value as JSON has it; what is no JSON becomes null.
pub(crate) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nil => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) | Value::Sized(value, _) => (*value).into(),
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
