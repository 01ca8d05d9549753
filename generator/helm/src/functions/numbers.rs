//! Numbers. Whole ones wrap around as Go's do, the others compute in decimals.

use super::cast::{float, int as to_int};
use super::decimal::Decimal;
use super::{Arguments, FunctionError, Return, fail, format};
use crate::value::{List, Of, Value};

/// Longer lists of numbers are not made.
const MAX_LENGTH: usize = 1_000_000;

pub(super) fn atoi(args: &Arguments<'_>) -> Return {
    let text = args.text(0);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(0i64.into());
    }
    // What is too large becomes the largest number.
    let most = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(text.parse::<i64>().unwrap_or(most).into())
}

pub(super) fn int(args: &Arguments<'_>) -> Return {
    Ok(to_int(args.any(0)).into())
}

pub(super) fn int64(args: &Arguments<'_>) -> Return {
    Ok(Value::int64(to_int(args.any(0))))
}

pub(super) fn float64(args: &Arguments<'_>) -> Return {
    Ok(float(args.any(0)).into())
}

fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, FunctionError> {
    let mut values = Vec::new();
    if stop < start && step >= 0 || stop >= start && step <= 0 {
        return Ok(values);
    }
    let mut at = start;
    while if step < 0 { at > stop } else { at < stop } {
        if values.len() >= MAX_LENGTH {
            return fail(format!("more than {MAX_LENGTH} numbers"));
        }
        values.push(at);
        let Some(next) = at.checked_add(step) else {
            break;
        };
        at = next;
    }
    Ok(values)
}

fn list(values: Vec<i64>) -> Value {
    List::of(Of::Ints, values.into_iter().map(Value::Int).collect()).into()
}

pub(super) fn until(args: &Arguments<'_>) -> Return {
    let count = args.int(0);
    Ok(list(steps(0, count, if count < 0 { -1 } else { 1 })?))
}

pub(super) fn until_step(args: &Arguments<'_>) -> Return {
    Ok(list(steps(args.int(0), args.int(1), args.int(2))?))
}

pub(super) fn seq(args: &Arguments<'_>) -> Return {
    let (start, step, end) = match args.0.len() {
        1 => (1, None, args.int(0)),
        2 => (args.int(0), None, args.int(1)),
        3 => (args.int(0), Some(args.int(1)), args.int(2)),
        _ => return Ok("".into()),
    };
    let direction = if end < start { -1 } else { 1 };
    if end < start && step.is_some_and(|step| step > 0) {
        return Ok("".into());
    }
    let values = steps(start, end.wrapping_add(direction), step.unwrap_or(direction))?;
    Ok(values.iter().map(i64::to_string).collect::<Vec<_>>().join(" ").into())
}

pub(super) fn to_decimal(args: &Arguments<'_>) -> Return {
    let text = format::display(args.any(0));
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let octal = !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    Ok(Value::int64(octal.then(|| i64::from_str_radix(&text, 8).ok()).flatten().unwrap_or(0)))
}

pub(super) fn add1(args: &Arguments<'_>) -> Return {
    Ok(Value::int64(to_int(args.any(0)).wrapping_add(1)))
}

pub(super) fn add(args: &Arguments<'_>) -> Return {
    Ok(Value::int64(args.rest(0).iter().map(to_int).fold(0, i64::wrapping_add)))
}

pub(super) fn sub(args: &Arguments<'_>) -> Return {
    Ok(Value::int64(to_int(args.any(0)).wrapping_sub(to_int(args.any(1)))))
}

pub(super) fn mul(args: &Arguments<'_>) -> Return {
    Ok(Value::int64(args.rest(0).iter().map(to_int).fold(1, i64::wrapping_mul)))
}

pub(super) fn div(args: &Arguments<'_>) -> Return {
    match to_int(args.any(1)) {
        0 => fail("runtime error: integer divide by zero"),
        by => Ok(Value::int64(to_int(args.any(0)).wrapping_div(by))),
    }
}

pub(super) fn modulo(args: &Arguments<'_>) -> Return {
    match to_int(args.any(1)) {
        0 => fail("runtime error: integer divide by zero"),
        by => Ok(Value::int64(to_int(args.any(0)).wrapping_rem(by))),
    }
}

fn decimal(value: f64) -> Result<Decimal, FunctionError> {
    match Decimal::new(value) {
        Some(decimal) => Ok(decimal),
        None => fail(format!("Cannot create a Decimal from {}", format::float(value))),
    }
}

fn compute(first: f64, rest: &[Value], run: fn(&Decimal, &Decimal) -> Option<Decimal>) -> Return {
    let mut result = decimal(first)?;
    for value in rest {
        let other = decimal(float(value))?;
        result = match run(&result, &other) {
            Some(result) => result,
            None => return fail("the number has too many digits"),
        };
    }
    Ok(result.to_f64().into())
}

pub(super) fn add1f(args: &Arguments<'_>) -> Return {
    compute(float(args.any(0)), &[Value::Int(1)], Decimal::add)
}

pub(super) fn addf(args: &Arguments<'_>) -> Return {
    compute(0.0, args.rest(0), Decimal::add)
}

pub(super) fn subf(args: &Arguments<'_>) -> Return {
    compute(float(args.any(0)), args.rest(1), Decimal::subtract)
}

pub(super) fn mulf(args: &Arguments<'_>) -> Return {
    compute(float(args.any(0)), args.rest(1), Decimal::multiply)
}

pub(super) fn divf(args: &Arguments<'_>) -> Return {
    if args.rest(1).iter().any(|value| float(value) == 0.0) {
        return fail("decimal division by 0");
    }
    compute(float(args.any(0)), args.rest(1), Decimal::divide)
}

pub(super) fn max(args: &Arguments<'_>) -> Return {
    Ok(Value::int64(args.rest(0).iter().map(to_int).max().unwrap_or(0)))
}

pub(super) fn min(args: &Arguments<'_>) -> Return {
    Ok(Value::int64(args.rest(0).iter().map(to_int).min().unwrap_or(0)))
}

/// Where one is no number, neither is the greatest.
fn extreme(args: &Arguments<'_>, choose: fn(f64, f64) -> f64) -> Return {
    let mut result = float(args.any(0));
    for value in args.rest(1) {
        let value = float(value);
        result = if result.is_nan() || value.is_nan() { f64::NAN } else { choose(result, value) };
    }
    Ok(result.into())
}

pub(super) fn maxf(args: &Arguments<'_>) -> Return {
    extreme(args, f64::max)
}

pub(super) fn minf(args: &Arguments<'_>) -> Return {
    extreme(args, f64::min)
}

pub(super) fn ceil(args: &Arguments<'_>) -> Return {
    Ok(float(args.any(0)).ceil().into())
}

pub(super) fn floor(args: &Arguments<'_>) -> Return {
    Ok(float(args.any(0)).floor().into())
}

pub(super) fn round(args: &Arguments<'_>) -> Return {
    let on = match args.any(2) {
        Value::Float(on) => *on,
        _ => 0.5,
    };
    let places = args.int(1).clamp(-400, 400) as i32;
    let power = format!("1e{places}").parse::<f64>().unwrap_or(f64::NAN);
    let digit = power * float(args.any(0));
    let rounded = if digit.fract() >= on { digit.ceil() } else { digit.floor() };
    Ok((rounded / power).into())
}
