//! Lists. None is changed in place.

use super::cast;
use super::logic::same;
use super::{Arguments, FunctionError, Return, fail, nil_pointer};
use crate::value::{List, Of, Value};

/// The items of a list; otherwise the mistake that Sprig makes of it.
fn items<'a>(value: &'a Value, doing: &str) -> Result<&'a [Value], FunctionError> {
    match value {
        Value::List(values) => Ok(values),
        Value::Nil => nil_pointer(),
        value => fail(format!("Cannot {doing} type {}", value.kind())),
    }
}

pub(super) fn list(args: &Arguments<'_>) -> Return {
    Ok(args.rest(0).to_vec().into())
}

pub(super) fn push(args: &Arguments<'_>) -> Return {
    let mut values = items(args.any(0), "push on")?.to_vec();
    values.push(args.any(1).clone());
    Ok(values.into())
}

pub(super) fn prepend(args: &Arguments<'_>) -> Return {
    let values = items(args.any(0), "prepend on")?;
    Ok([&[args.any(1).clone()], values].concat().into())
}

pub(super) fn first(args: &Arguments<'_>) -> Return {
    Ok(items(args.any(0), "find first on")?.first().cloned().unwrap_or_default())
}

pub(super) fn last(args: &Arguments<'_>) -> Return {
    Ok(items(args.any(0), "find last on")?.last().cloned().unwrap_or_default())
}

pub(super) fn rest(args: &Arguments<'_>) -> Return {
    match items(args.any(0), "find rest on")? {
        [] => Ok(List::nil(Of::Anything).into()),
        [_, rest @ ..] => Ok(rest.to_vec().into()),
    }
}

pub(super) fn initial(args: &Arguments<'_>) -> Return {
    match items(args.any(0), "find initial on")? {
        [] => Ok(List::nil(Of::Anything).into()),
        [initial @ .., _] => Ok(initial.to_vec().into()),
    }
}

pub(super) fn reverse(args: &Arguments<'_>) -> Return {
    Ok(items(args.any(0), "find reverse on")?.iter().rev().cloned().collect::<Vec<_>>().into())
}

pub(super) fn compact(args: &Arguments<'_>) -> Return {
    let values = items(args.any(0), "compact on")?;
    Ok(values.iter().filter(|value| value.truth()).cloned().collect::<Vec<_>>().into())
}

pub(super) fn uniq(args: &Arguments<'_>) -> Return {
    let mut unique: Vec<Value> = Vec::new();
    for value in items(args.any(0), "find uniq on")? {
        if !unique.iter().any(|other| same(value, other)) {
            unique.push(value.clone());
        }
    }
    Ok(unique.into())
}

pub(super) fn without(args: &Arguments<'_>) -> Return {
    let values = items(args.any(0), "find without on")?;
    let omit = args.rest(1);
    let kept = values.iter().filter(|value| !omit.iter().any(|other| same(value, other)));
    Ok(kept.cloned().collect::<Vec<_>>().into())
}

pub(super) fn has(args: &Arguments<'_>) -> Return {
    if *args.any(1) == Value::Nil {
        return Ok(false.into());
    }
    let values = items(args.any(1), "find has on")?;
    Ok(values.iter().any(|value| same(args.any(0), value)).into())
}

pub(super) fn slice(args: &Arguments<'_>) -> Return {
    let values = match args.any(0) {
        Value::List(values) => values,
        Value::Nil => return nil_pointer(),
        value => return fail(format!("list should be type of slice or array but {}", value.kind())),
    };
    if values.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.rest(1).first().map_or(0, cast::int);
    let end = args.rest(1).get(1).map_or(values.len() as i64, cast::int);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    match range.and_then(|(start, end)| values.get(start..end)) {
        Some(part) => Ok(List::of(values.item_type(), part.to_vec()).into()),
        None => fail("reflect.Value.Slice: slice index out of bounds"),
    }
}

pub(super) fn concat(args: &Arguments<'_>) -> Return {
    let mut all = Vec::new();
    for list in args.rest(0) {
        match list {
            Value::List(values) => all.extend(values.iter().cloned()),
            Value::Nil => return nil_pointer(),
            value => return fail(format!("Cannot concat type {} as list", value.kind())),
        }
    }
    Ok(if all.is_empty() { List::nil(Of::Anything).into() } else { all.into() })
}

pub(super) fn chunk(args: &Arguments<'_>) -> Return {
    let values = items(args.any(1), "chunk")?;
    let (size, length) = (args.int(0), values.len());
    if let Ok(size @ 1..) = usize::try_from(size) {
        let chunks = values.chunks(size).map(|chunk| chunk.to_vec().into());
        return Ok(List::of(Of::Lists, chunks.collect()).into());
    }
    // Go computes how many chunks there are, which may be none at all.
    let count = ((length as f64 - 1.0) / size as f64).floor() + 1.0;
    if length == 1 && size < -1 {
        return Ok(List::of(Of::Lists, vec![values.to_vec().into()]).into());
    }
    if count == 0.0 {
        return Ok(List::of(Of::Lists, Vec::new()).into());
    }
    fail("runtime error: makeslice: len out of range")
}
