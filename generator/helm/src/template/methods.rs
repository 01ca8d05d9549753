//! The methods of Helm's map of values.

use super::Type;
use crate::reads::Tracer;
use crate::value::{Map, Of, Value};

/// What a method of the map of values takes; none where it has no such method.
pub(super) fn of_values(name: &str) -> Option<&'static [Type]> {
    match name {
        "AsMap" | "YAML" => Some(&[]),
        "Table" | "PathValue" => Some(&[Type::String]),
        _ => None,
    }
}

/// Calls a method of the map of values.
pub(super) fn call_values(map: &Map, name: &str, arguments: &[Value]) -> Result<Value, String> {
    let path = match arguments.first() {
        Some(Value::String(path)) => path,
        _ => "",
    };
    match name {
        "Table" => Ok(table(map, path.split('.'))?.as_of(Of::Values).into()),
        "PathValue" => value(map, path),
        "YAML" => crate::yaml::marshal(&map.as_of(Of::Anything).into()).map(Value::from),
        _ => Ok(map.as_of(Of::Anything).into()),
    }
}

/// Notes what a method of the map of values reads.
pub(super) fn trace_values(map: &Map, name: &str, path: Option<&str>, tracer: &mut Tracer, file: &str) {
    match (name, path) {
        ("AsMap", _) => {}
        ("Table" | "PathValue", Some(path)) => {
            let mut map = map.clone();
            for key in path.split('.') {
                tracer.asked_key(&map, key, file);
                match map.get(key) {
                    Some(Value::Map(next)) => map = next,
                    _ => return,
                }
            }
        }
        _ => tracer.whole(&map.clone().into(), file),
    }
}

fn table<'a>(map: &Map, keys: impl Iterator<Item = &'a str>) -> Result<Map, String> {
    let mut map = map.clone();
    for key in keys {
        map = match map.get(key) {
            Some(Value::Map(next)) => next,
            _ => return Err(format!("{} is not a table", super::quote(key))),
        };
    }
    Ok(map)
}

/// What stands at the end of a path, which is no table.
fn value(map: &Map, path: &str) -> Result<Value, String> {
    if path.is_empty() {
        return Err("YAML path cannot be empty".to_owned());
    }
    let (tables, key) = path.rsplit_once('.').map_or((None, path), |(tables, key)| (Some(tables), key));
    let map = match tables {
        Some(tables) => table(map, tables.split('.')).ok(),
        None => Some(map.clone()),
    };
    match map.and_then(|map| map.get(key)) {
        None | Some(Value::Map(_)) => Err(format!("{} is not a value", super::quote(key))),
        Some(value) => Ok(value),
    }
}
