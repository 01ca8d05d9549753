//! Values as numbers, the way Sprig takes anything for a number.

use crate::value::Value;

/// A float as an int64, as amd64 converts it: what does not fit is the smallest number.
pub(super) fn truncate(value: f64) -> i64 {
    if value > -9.3e18 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
        value as i64
    } else {
        i64::MIN
    }
}

/// A zero after a point does not make a float of it: `5.0` is 5, `5.10` is no whole number.
fn without_zero_fraction(text: &str) -> &str {
    let trimmed = text.trim_end_matches('0');
    match trimmed.strip_suffix('.') {
        Some(whole) if trimmed.len() < text.len() => whole,
        _ => text,
    }
}

/// `strconv.ParseInt` in base 0: prefixes and underscores as in Go's source.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = rest.to_ascii_lowercase();
    let (radix, digits, prefixed) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits, true)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits, true)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits, true)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..], true)
    } else {
        (10, &*lower, false)
    };
    // An underscore stands between digits, or between a prefix and a digit.
    let fits = !digits.ends_with('_') && !digits.contains("__") && (prefixed || !digits.starts_with('_'));
    let digits = digits.replace('_', "");
    if !fits || digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let size = u64::from_str_radix(&digits, radix).ok()?;
    if negative { 0i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() }
}

/// `strconv.ParseFloat`.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let word = rest.to_ascii_lowercase();
    let special = match &*word {
        "inf" | "infinity" => Some(f64::INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    };
    if let Some(value) = special {
        return Some(if negative { -value } else { value });
    }
    // An underscore stands between digits.
    let digits = |at: usize| rest.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let fine = |at: usize| at > 0 && digits(at - 1) && digits(at + 1);
    if rest.match_indices('_').any(|(at, _)| !fine(at)) {
        return None;
    }
    crate::yaml::decimal(&text.replace('_', ""))
}

/// As `int64` takes it.
pub(super) fn int(value: &Value) -> i64 {
    match value {
        Value::Int(value) | Value::Sized(value, _) => *value,
        Value::Float(value) => truncate(*value),
        Value::Bool(value) => i64::from(*value),
        Value::String(text) => parse_int(without_zero_fraction(text)).unwrap_or(0),
        _ => 0,
    }
}

/// As `float64` takes it.
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::Int(value) | Value::Sized(value, _) => *value as f64,
        Value::Float(value) => *value,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::String(text) => parse_float(text).unwrap_or(0.0),
        _ => 0.0,
    }
}
