//! What a plain scalar means to go-yaml: a bool, a number, a date, or a string after all.

/// Which go-yaml.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// go.yaml.in/yaml/v2, which `toYaml`, `fromYaml` and values files go through.
    V2,
    /// go.yaml.in/yaml/v3, which `toYamlPretty` goes through.
    V3,
}

/// What a plain scalar is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    /// A date, which Go reads as a string, but never writes without quotes.
    Timestamp,
    /// `<<`
    Merge,
    String,
}

/// `strconv.ParseInt` and `ParseUint` for base 0, of a text without underscores.
fn integer(text: &str) -> Option<Scalar> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = rest.len() != text.len();
    let bytes = rest.as_bytes();
    let (radix, digits) = match (bytes.first()?, bytes.get(1).map(u8::to_ascii_lowercase)) {
        (b'0', Some(b'x')) => (16, &rest[2..]),
        (b'0', Some(b'b')) => (2, &rest[2..]),
        (b'0', Some(b'o')) => (8, &rest[2..]),
        (b'0', Some(_)) => (8, &rest[1..]),
        _ => (10, rest),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    match (i64::try_from(size), negative) {
        (Ok(size), false) => Some(Scalar::Int(size)),
        (Ok(size), true) => Some(Scalar::Int(-size)),
        (Err(_), true) if size == i64::MIN.unsigned_abs() => Some(Scalar::Int(i64::MIN)),
        (Err(_), true) => None,
        (Err(_), false) if signed => None,
        (Err(_), false) => Some(Scalar::Uint(size)),
    }
}

/// `strconv.ParseFloat` for decimal numbers, which does not take what is out of range.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// What `text` means where nothing quotes or tags it.
pub(crate) fn resolve(text: &str, dialect: Dialect) -> Scalar {
    let Some(first) = text.bytes().next() else {
        return Scalar::Null;
    };
    if !matches!(first, b'+' | b'-' | b'.' | b'~' | b'0'..=b'9') && !b"yYnNtTfFoO".contains(&first) {
        return Scalar::String;
    }
    match text {
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ if dialect == Dialect::V2 => match text {
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Scalar::Bool(true),
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Scalar::Bool(false),
            _ => {}
        },
        _ => {}
    }
    match first {
        b'.' => decimal(text).map_or(Scalar::String, Scalar::Float),
        b'+' | b'-' | b'0'..=b'9' => number(text),
        _ => Scalar::String,
    }
}

/// A number as go-yaml takes them, tried only where the first byte is a digit or a sign.
fn number(text: &str) -> Scalar {
    if is_timestamp(text) {
        return Scalar::Timestamp;
    }
    let without;
    let plain = if text.contains('_') {
        without = text.replace('_', "");
        &without
    } else {
        text
    };
    if let Some(integer) = integer(plain) {
        return integer;
    }
    if plain.len() > 1
        && plain.starts_with(['+', '-'])
        && !plain[1..].starts_with(['.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    {
        return Scalar::String;
    }
    if is_float(plain)
        && let Some(value) = decimal(plain)
    {
        return Scalar::Float(value);
    }
    Scalar::String
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    fn digits(text: &str) -> (usize, &str) {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        (text.len() - rest.len(), rest)
    }
    let (whole, rest) = digits(text.strip_prefix(['+', '-']).unwrap_or(text));
    let rest = match rest.strip_prefix('.') {
        Some(after) => {
            let (fraction, rest) = digits(after);
            if whole == 0 && fraction == 0 {
                return false;
            }
            rest
        }
        None if whole == 0 => return false,
        None => rest,
    };
    match rest.strip_prefix(['e', 'E']) {
        Some(after) => {
            let (exponent, rest) = digits(after.strip_prefix(['+', '-']).unwrap_or(after));
            exponent > 0 && rest.is_empty()
        }
        None => rest.is_empty(),
    }
}

/// Whether it is a number of YAML 1.1 in base 60, which go-yaml does not read, but quotes for the sake of those who do.
pub(crate) fn is_base60(text: &str) -> bool {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !text.contains(':') || !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut parts = whole.split(':');
    parts.next().is_some_and(digits)
        && parts.clone().next().is_some()
        && parts.all(|part| match part.as_bytes() {
            [d] => d.is_ascii_digit(),
            [t, d] => (b'0'..=b'5').contains(t) && d.is_ascii_digit(),
            _ => false,
        })
        && fraction.is_none_or(digits)
}

/// A reader of dates in Go's layouts.
struct Dates<'a>(&'a [u8]);

impl Dates<'_> {
    /// One or two digits (exactly two where `fixed`) up to a limit.
    fn number(&mut self, fixed: bool, limits: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let first = self.0.first().filter(|b| b.is_ascii_digit())?;
        let second = self.0.get(1).filter(|b| b.is_ascii_digit());
        let mut value = u32::from(first - b'0');
        match second {
            Some(second) => {
                value = value * 10 + u32::from(second - b'0');
                self.0 = &self.0[2..];
            }
            None if fixed => return None,
            None => self.0 = &self.0[1..],
        }
        limits.contains(&value).then_some(value)
    }

    fn byte(&mut self, expected: u8) -> Option<()> {
        let rest = self.0.strip_prefix(&[expected])?;
        self.0 = rest;
        Some(())
    }
}

/// Whether it is a date, or a date with a time, in one of the forms that go-yaml knows.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 5 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    timestamp(bytes).is_some()
}

fn timestamp(bytes: &[u8]) -> Option<()> {
    let year = bytes[..4].iter().fold(0u32, |year, b| year * 10 + u32::from(b - b'0'));
    let mut rest = Dates(&bytes[5..]);
    let month = rest.number(false, 1..=12)?;
    rest.byte(b'-')?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    rest.number(false, 1..=days)?;
    let zone = match rest.0.first() {
        None => return Some(()),
        Some(b'T' | b't') => true,
        Some(b' ') => false,
        Some(_) => return None,
    };
    rest.0 = &rest.0[1..];
    rest.number(false, 0..=23)?;
    rest.byte(b':')?;
    rest.number(false, 0..=59)?;
    rest.byte(b':')?;
    rest.number(false, 0..=59)?;
    if matches!(rest.0, [b'.' | b',', digit, ..] if digit.is_ascii_digit()) {
        let digits = rest.0[1..].iter().take_while(|b| b.is_ascii_digit()).count();
        rest.0 = &rest.0[1 + digits..];
    }
    if zone {
        match rest.0.first()? {
            b'Z' => rest.0 = &rest.0[1..],
            b'+' | b'-' => {
                rest.0 = &rest.0[1..];
                rest.number(true, 0..=24)?;
                rest.byte(b':')?;
                rest.number(true, 0..=60)?;
            }
            _ => return None,
        }
    }
    rest.0.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars() {
        use Scalar::*;
        for (text, scalar) in [
            ("", Null),
            ("~", Null),
            ("null", Null),
            ("nULL", String),
            ("yes", Bool(true)),
            ("On", Bool(true)),
            ("y", Bool(true)),
            ("OFF", Bool(false)),
            ("n", Bool(false)),
            ("oFF", String),
            ("0", Int(0)),
            ("-0", Int(0)),
            ("+7", Int(7)),
            ("0x1F", Int(31)),
            ("0777", Int(511)),
            ("0o17", Int(15)),
            ("0b101", Int(5)),
            ("-0x10", Int(-16)),
            ("1_000", Int(1000)),
            ("08", Float(8.0)),
            ("9223372036854775807", Int(i64::MAX)),
            ("-9223372036854775808", Int(i64::MIN)),
            ("9223372036854775808", Uint(9223372036854775808)),
            ("18446744073709551616", Float(18446744073709551616.0)),
            ("1.5", Float(1.5)),
            ("1.", Float(1.0)),
            (".5", Float(0.5)),
            ("-.5", Float(-0.5)),
            ("1e3", Float(1000.0)),
            ("1E+3", Float(1000.0)),
            ("1e400", String),
            ("1.2.3", String),
            ("-", String),
            ("--1", String),
            ("0x", String),
            ("0xg", String),
            (".", String),
            ("...", String),
            (".inf", Float(f64::INFINITY)),
            ("-.Inf", Float(f64::NEG_INFINITY)),
            ("+.INF", Float(f64::INFINITY)),
            ("inf", String),
            ("1:30", String),
            ("2020-01-02", Timestamp),
            ("2020-1-2", Timestamp),
            ("2020-13-02", String),
            ("2020-02-30", String),
            ("2020-02-29", Timestamp),
            ("2021-02-29", String),
            ("2001-12-14t21:59:43.10-05:00", Timestamp),
            ("2001-12-14T21:59:43Z", Timestamp),
            ("2001-12-14T21:59:43", String),
            ("2001-12-14 21:59:43.10", Timestamp),
            ("2001-12-14 21:59:43.10 -5", String),
            ("10.0.0.1", String),
            ("1.0.0-rc", String),
            ("12e", String),
            ("true", Bool(true)),
            ("tRue", String),
        ] {
            assert_eq!(resolve(text, Dialect::V2), scalar, "{text}");
        }
        assert!(matches!(resolve(".nan", Dialect::V2), Float(value) if value.is_nan()));
        assert_eq!(resolve("yes", Dialect::V3), String);
        assert_eq!(resolve("True", Dialect::V3), Bool(true));
    }

    #[test]
    fn base_60() {
        for (text, is) in [
            ("1:30", true),
            ("190:20:30", true),
            ("-1:30.5", true),
            ("12:60", false),
            ("1:2:3:4", true),
            ("1_0:30", true),
            ("1:", false),
            (":1", false),
            ("a:30", false),
            ("1:300", false),
            ("00:1a", false),
        ] {
            assert_eq!(is_base60(text), is, "{text}");
        }
    }
}
