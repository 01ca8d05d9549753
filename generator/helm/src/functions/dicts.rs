//! Maps. `set`, `unset` and the merges change the map that they are given.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::strings::strval;
use super::{Arguments, FunctionError, Return, fail, format, strings_value};
use crate::value::{Entries, Map, Of, Value};

pub(super) fn dict(args: &Arguments<'_>) -> Return {
    let mut entries = Entries::new();
    for pair in args.rest(0).chunks(2) {
        let key = pair.first().map(strval).unwrap_or_default();
        entries.insert(key.into(), pair.get(1).cloned().unwrap_or_else(|| "".into()));
    }
    Ok(entries.into())
}

pub(super) fn get(args: &Arguments<'_>) -> Return {
    Ok(args.map(0).and_then(|map| map.get(args.text(1))).unwrap_or_else(|| "".into()))
}

pub(super) fn set(args: &Arguments<'_>) -> Return {
    let Some(map) = args.map(0) else {
        return fail("assignment to entry in nil map");
    };
    map.set(args.text(1), args.any(2).clone());
    Ok(map.clone().into())
}

pub(super) fn unset(args: &Arguments<'_>) -> Return {
    if let Some(map) = args.map(0) {
        map.remove(args.text(1));
    }
    // Nil stands for an empty map.
    Ok(args.map(0).cloned().unwrap_or_default().into())
}

pub(super) fn has_key(args: &Arguments<'_>) -> Return {
    Ok(args.map(0).is_some_and(|map| map.contains(args.text(1))).into())
}

fn maps(values: &[Value]) -> impl Iterator<Item = &Map> {
    values.iter().filter_map(|value| match value {
        Value::Map(map) => Some(map),
        _ => None,
    })
}

pub(super) fn pluck(args: &Arguments<'_>) -> Return {
    let found = maps(args.rest(1)).filter_map(|map| map.get(args.text(0)));
    Ok(found.collect::<Vec<_>>().into())
}

pub(super) fn keys(args: &Arguments<'_>) -> Return {
    Ok(strings_value(maps(args.rest(0)).flat_map(|map| map.entries().keys().cloned().collect::<Vec<_>>())))
}

pub(super) fn values(args: &Arguments<'_>) -> Return {
    Ok(args.map(0).map(|map| map.entries().values().cloned().collect::<Vec<_>>()).unwrap_or_default().into())
}

pub(super) fn pick(args: &Arguments<'_>) -> Return {
    let Some(map) = args.map(0) else {
        return Ok(Entries::new().into());
    };
    let mut picked = Entries::new();
    for key in args.rest(1) {
        if let Value::String(key) = key
            && let Some(value) = map.get(key)
        {
            picked.insert(Arc::clone(key), value);
        }
    }
    Ok(picked.into())
}

pub(super) fn omit(args: &Arguments<'_>) -> Return {
    let Some(map) = args.map(0) else {
        return Ok(Entries::new().into());
    };
    let omitted: BTreeSet<String> = args.rest(1).iter().map(strval).collect();
    let kept = map
        .entries()
        .iter()
        .filter(|(key, _)| !omitted.contains(&***key))
        .map(|(k, v)| (Arc::clone(k), v.clone()))
        .collect::<Entries>();
    Ok(kept.into())
}

pub(super) fn merge(args: &Arguments<'_>) -> Return {
    merged(args, false)
}

pub(super) fn merge_overwrite(args: &Arguments<'_>) -> Return {
    merged(args, true)
}

fn merged(args: &Arguments<'_>, overwrite: bool) -> Return {
    let destination = args.map(0).cloned().unwrap_or_default();
    for source in maps(args.rest(1)) {
        merge_into(&destination, source, overwrite, 0)?;
    }
    Ok(destination.into())
}

/// What the library merges that Sprig uses. What is empty in the destination (zero, false, nothing) counts as absent; what
/// holds maps on both sides is merged in place; lists replace lists. What is taken over is shared, not copied.
fn merge_into(destination: &Map, source: &Map, overwrite: bool, depth: usize) -> Result<(), FunctionError> {
    if depth > format::MAX_DEPTH {
        return fail("the maps are too deep to merge");
    }
    if destination.same(source) {
        return Ok(());
    }
    for (key, value) in source.entries().iter() {
        if *value == Value::Nil {
            if overwrite {
                destination.set(Arc::clone(key), Value::Nil);
            }
            continue;
        }
        let present = destination.get(key);
        if let (Value::Map(value), Some(Value::Map(present))) = (value, &present) {
            merge_into(present, value, overwrite, depth + 1)?;
            if !present.is_empty() {
                continue;
            }
        }
        if overwrite || !present.is_some_and(|present| present.truth()) {
            destination.set(Arc::clone(key), value.clone());
        }
    }
    Ok(())
}

pub(super) fn dig(args: &Arguments<'_>) -> Return {
    let [path @ .., default, map] = args.rest(0) else {
        return fail("dig needs at least three arguments");
    };
    if path.is_empty() {
        return fail("dig needs at least three arguments");
    }
    let wrong = |value: &Value, wanted: &str| {
        let found = if *value == Value::Nil { "nil" } else { value.type_name() };
        fail(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
    };
    let map = match map {
        Value::Map(map) if map.item_type() == Of::Anything => map,
        other => return wrong(other, "map[string]interface {}"),
    };
    let mut keys = Vec::new();
    for key in path {
        match key {
            Value::String(key) => keys.push(key),
            key => return wrong(key, "string"),
        }
    }
    let mut map = map.clone();
    for (index, key) in keys.iter().enumerate() {
        let Some(step) = map.get(key) else {
            return Ok(default.clone());
        };
        if index + 1 == keys.len() {
            return Ok(step);
        }
        match step {
            Value::Map(next) if next.item_type() == Of::Anything => map = next,
            step => return wrong(&step, "map[string]interface {}"),
        }
    }
    Ok(default.clone())
}
