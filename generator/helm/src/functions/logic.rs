//! Choice, reflection, and what Helm adds of its own that is no encoding.

use std::sync::Arc;

use super::{Arguments, Return, WARNING_END, WARNING_START, format};
use crate::template::Exec;
use crate::value::{Entries, List, Map, Value};

pub(super) fn include(args: &Arguments<'_>, exec: &mut Exec<'_>) -> Return {
    Ok(exec.include(args.text(0), args.any(1))?.into())
}

pub(super) fn tpl(args: &Arguments<'_>, exec: &mut Exec<'_>) -> Return {
    Ok(exec.tpl(args.text(0), args.any(1))?.into())
}

fn warning(message: &str) -> Return {
    super::fail(format!("{WARNING_START}{message}{WARNING_END}"))
}

pub(super) fn required(args: &Arguments<'_>) -> Return {
    match args.any(1) {
        Value::Nil => warning(args.text(0)),
        Value::String(text) if text.is_empty() => warning(args.text(0)),
        value => Ok(value.clone()),
    }
}

pub(super) fn fail(args: &Arguments<'_>) -> Return {
    warning(args.text(0))
}

/// There is no cluster to look into.
pub(super) fn lookup(_: &Arguments<'_>) -> Return {
    Ok(Entries::new().into())
}

/// There is no network, which is what Helm says too unless it is told otherwise.
pub(super) fn get_host_by_name(_: &Arguments<'_>) -> Return {
    Ok("".into())
}

pub(super) fn default(args: &Arguments<'_>) -> Return {
    let given = args.any(1);
    Ok(if given.truth() { given.clone() } else { args.any(0).clone() })
}

pub(super) fn empty(args: &Arguments<'_>) -> Return {
    Ok((!args.any(0).truth()).into())
}

pub(super) fn coalesce(args: &Arguments<'_>) -> Return {
    Ok(args.rest(0).iter().find(|value| value.truth()).cloned().unwrap_or_default())
}

pub(super) fn all(args: &Arguments<'_>) -> Return {
    Ok(args.rest(0).iter().all(Value::truth).into())
}

pub(super) fn any(args: &Arguments<'_>) -> Return {
    Ok(args.rest(0).iter().any(Value::truth).into())
}

pub(super) fn ternary(args: &Arguments<'_>) -> Return {
    Ok(args.any(usize::from(!args.bool(2))).clone())
}

pub(super) fn type_of(args: &Arguments<'_>) -> Return {
    Ok(args.any(0).type_name().into())
}

pub(super) fn type_is(args: &Arguments<'_>) -> Return {
    Ok((args.text(0) == args.any(1).type_name()).into())
}

pub(super) fn type_is_like(args: &Arguments<'_>) -> Return {
    let name = args.any(1).type_name();
    Ok((args.text(0) == name || name.strip_prefix('*') == Some(args.text(0))).into())
}

pub(super) fn kind_of(args: &Arguments<'_>) -> Return {
    Ok(args.any(0).kind().into())
}

pub(super) fn kind_is(args: &Arguments<'_>) -> Return {
    Ok((args.text(0) == args.any(1).kind()).into())
}

/// Go's `reflect.DeepEqual`: a whole number is no float, and what is no number is not even itself.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    same_at(a, b, 0)
}

fn same_at(a: &Value, b: &Value, depth: usize) -> bool {
    if depth > format::MAX_DEPTH {
        return true;
    }
    match (a, b) {
        (Value::List(a), Value::List(b)) => {
            a.same(b) && a.item_type() == b.item_type()
                || a.item_type() == b.item_type()
                    && a.len() == b.len()
                    && a.iter().zip(b.iter()).all(|(a, b)| same_at(a, b, depth + 1))
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.item_type() != b.item_type() {
                return false;
            }
            if a.same(b) {
                return true;
            }
            let (a, b) = (a.entries(), b.entries());
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && same_at(a.1, b.1, depth + 1))
        }
        (Value::Object(a), Value::Object(b)) => Arc::ptr_eq(a, b) || a.kind() == b.kind() && a.display() == b.display(),
        (a, b) => a == b,
    }
}

pub(super) fn deep_equal(args: &Arguments<'_>) -> Return {
    Ok(same(args.any(0), args.any(1)).into())
}

fn copied(value: &Value, depth: usize) -> Return {
    if depth > format::MAX_DEPTH {
        return super::fail("deepCopy error: the value is too deep");
    }
    match value {
        Value::List(values) => {
            let copies = values.iter().map(|value| copied(value, depth + 1)).collect::<Result<Vec<_>, _>>();
            Ok(List::of(values.item_type(), copies?).into())
        }
        Value::Map(map) => {
            let mut copy = Entries::new();
            for (key, value) in map.entries().iter() {
                copy.insert(Arc::clone(key), copied(value, depth + 1)?);
            }
            Ok(Map::of(map.item_type(), copy).into())
        }
        value => Ok(value.clone()),
    }
}

pub(super) fn deep_copy(args: &Arguments<'_>) -> Return {
    if *args.any(0) == Value::Nil {
        return super::fail("reflect: call of reflect.Value.Type on zero Value");
    }
    copied(args.any(0), 0)
}
