//! Values as Go's `fmt`, `strconv` and `encoding/json` print them.

use crate::value::Value;

/// Deeper values are not looked into: a map can hold itself.
pub(crate) const MAX_DEPTH: usize = 500;

/// The shortest decimal digits that give this number back, and the power of ten that the first of them counts.
fn digits(value: f64) -> (String, i32) {
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// The same for float32, which go-yaml uses for keys.
fn digits32(value: f64) -> (String, i32) {
    let text = format!("{:e}", (value as f32).abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn with_exponent(digits: &str, exponent: i32, width: usize) -> String {
    let (first, rest) = digits.split_at(1.min(digits.len()));
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:0width$}", exponent.unsigned_abs())
}

fn without_exponent(digits: &str, exponent: i32) -> String {
    if exponent < 0 {
        return format!("0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1));
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{digits}{}", "0".repeat(whole - digits.len()));
    }
    let (whole, fraction) = digits.split_at(whole);
    format!("{whole}.{fraction}")
}

fn general(value: f64, (digits, exponent): (String, i32)) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let text = if (-4..6).contains(&exponent) || value == 0.0 {
        without_exponent(&digits, exponent)
    } else {
        with_exponent(&digits, exponent, 2)
    };
    format!("{sign}{text}")
}

/// A float64 as Go's `%v` prints it: `1e+06`, `0.5`, `+Inf`.
pub fn float(value: f64) -> String {
    general(value, digits(value))
}

/// A float64 as `strconv` prints it with the precision of a float32.
pub fn float32(value: f64) -> String {
    let narrow = f64::from(value as f32);
    general(narrow, digits32(value))
}

/// A float64 as `encoding/json` prints it: `1000000`, `1e+21`, `1e-7`. None for what JSON has no word for.
pub fn float_json(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value == 0.0 {
        return Some(format!("{sign}0"));
    }
    let (digits, exponent) = digits(value);
    let plain = value.abs() >= 1e-6 && value.abs() < 1e21;
    let text = if plain { without_exponent(&digits, exponent) } else { with_exponent(&digits, exponent, 1) };
    Some(format!("{sign}{text}"))
}

/// A value as Go's `%v` prints it.
pub fn display(value: &Value) -> String {
    let mut text = String::new();
    write_display(&mut text, value, 0);
    text
}

fn write_display(to: &mut String, value: &Value, depth: usize) {
    if depth > MAX_DEPTH {
        to.push_str("...");
        return;
    }
    match value {
        Value::Nil => to.push_str("<nil>"),
        Value::Bool(value) => to.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) | Value::Sized(value, _) => to.push_str(&value.to_string()),
        Value::Float(value) => to.push_str(&float(*value)),
        Value::String(value) => to.push_str(value),
        Value::List(values) => {
            to.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    to.push(' ');
                }
                write_display(to, value, depth + 1);
            }
            to.push(']');
        }
        Value::Map(map) => {
            to.push_str("map[");
            for (index, (key, value)) in map.entries().iter().enumerate() {
                if index > 0 {
                    to.push(' ');
                }
                to.push_str(key);
                to.push(':');
                write_display(to, value, depth + 1);
            }
            to.push(']');
        }
        Value::Object(object) => to.push_str(&object.display()),
    }
}

/// Whether Go's `strconv.IsPrint` holds: letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // Rust escapes what is not printable; a letter before it keeps marks from being escaped as well.
    let text: String = ['a', c].iter().collect();
    text.escape_debug().count() == 2
}

/// A string as Go's `%q` prints it.
pub fn quote(text: &str) -> String {
    let mut to = String::with_capacity(text.len() + 2);
    to.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                to.push('\\');
                to.push(c);
            }
            c if is_print(c) => to.push(c),
            '\u{07}' => to.push_str("\\a"),
            '\u{08}' => to.push_str("\\b"),
            '\u{0c}' => to.push_str("\\f"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\u{0b}' => to.push_str("\\v"),
            c if c < ' ' || c == '\u{7f}' => to.push_str(&format!("\\x{:02x}", c as u32)),
            c if (c as u32) < 0x10000 => to.push_str(&format!("\\u{:04x}", c as u32)),
            c => to.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    to.push('"');
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_printed_as_go_prints_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (8080.0, "8080"),
            (100_000.0, "100000"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (123_456_789.5, "1.234567895e+08"),
            (0.5, "0.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e100, "1e+100"),
            (3.15, "3.15"),
            (-12.75, "-12.75"),
            (123456.75, "123456.75"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn floats_in_json() {
        for (value, text) in [
            (1_000_000.0, "1000000"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000001, "0.000001"),
            (0.0000001, "1e-7"),
            (1.25e-10, "1.25e-10"),
            (-0.0, "-0"),
            (0.1, "0.1"),
        ] {
            assert_eq!(float_json(value).as_deref(), Some(text));
        }
        assert_eq!(float_json(f64::NAN), None);
        assert_eq!(float_json(f64::INFINITY), None);
    }

    #[test]
    fn quoted_as_go_quotes() {
        for (text, quoted) in [
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("say \"hi\"", r#""say \"hi\"""#),
            ("back\\slash", r#""back\\slash""#),
            ("tab\tnew\nline\r", r#""tab\tnew\nline\r""#),
            ("\u{7}\u{8}\u{c}\u{b}\0\u{1b}\u{7f}", r#""\a\b\f\v\x00\x1b\x7f""#),
            ("ä€😀", r#""ä€😀""#),
            ("\u{a0}\u{feff}\u{200b}", "\"\\u00a0\\ufeff\\u200b\""),
            ("e\u{301}", "\"e\u{301}\""),
            ("\u{e000}\u{10ffff}", "\"\\ue000\\U0010ffff\""),
        ] {
            assert_eq!(quote(text), quoted);
        }
    }

    #[test]
    fn values_are_printed_as_go_prints_them() {
        let map = Value::map([
            ("b", Value::from(1.5)),
            ("a", Value::Nil),
            ("c", Value::from(vec![true.into(), "x y".into()])),
        ]);
        assert_eq!(display(&map), "map[a:<nil> b:1.5 c:[true x y]]");
        assert_eq!(display(&Value::Nil), "<nil>");
        assert_eq!(display(&Value::from(Vec::new())), "[]");
        assert_eq!(display(&Value::map::<&str, Value>([])), "map[]");
    }
}
