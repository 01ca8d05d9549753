//! Go's literals: quoting and unquoting of strings and characters, and reading of numbers.

use std::borrow::Cow;

use unicode_general_category::{GeneralCategory, get_general_category};

/// Go's `unicode.IsLetter`.
pub(super) fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    use GeneralCategory::{LowercaseLetter, ModifierLetter, OtherLetter, TitlecaseLetter, UppercaseLetter};
    matches!(
        get_general_category(c),
        LowercaseLetter | ModifierLetter | OtherLetter | TitlecaseLetter | UppercaseLetter
    )
}

/// Go's `unicode.IsDigit`.
pub(super) fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || !c.is_ascii() && get_general_category(c) == GeneralCategory::DecimalNumber
}

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, SpaceSeparator, Surrogate, Unassigned,
    };
    !matches!(
        get_general_category(c),
        Control | Format | LineSeparator | ParagraphSeparator | PrivateUse | SpaceSeparator | Surrogate | Unassigned
    )
}

/// Go's `strconv.Quote`.
pub fn quote(text: &str) -> String {
    quote_with(text, '"', false)
}

/// Go's `strconv.Quote` and its kin: with the quote to use, and whether only ASCII may stand unescaped.
pub(super) fn quote_with(text: &str, quote: char, ascii: bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for c in text.chars() {
        escape(&mut quoted, c, quote, ascii);
    }
    quoted.push(quote);
    quoted
}

fn escape(to: &mut String, c: char, quote: char, ascii: bool) {
    if c == quote || c == '\\' {
        to.push('\\');
        to.push(c);
        return;
    }
    if is_print(c) && (!ascii || c.is_ascii()) {
        to.push(c);
        return;
    }
    match c {
        '\x07' => to.push_str("\\a"),
        '\x08' => to.push_str("\\b"),
        '\x0c' => to.push_str("\\f"),
        '\n' => to.push_str("\\n"),
        '\r' => to.push_str("\\r"),
        '\t' => to.push_str("\\t"),
        '\x0b' => to.push_str("\\v"),
        c if c < ' ' || c == '\x7f' => to.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if u32::from(c) < 0x10000 => to.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => to.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// Whether a text can stand between backquotes as it is.
pub(super) fn can_backquote(text: &str) -> bool {
    text.chars().all(|c| !(c == '\u{feff}' || c < ' ' && c != '\t' || c == '`' || c == '\x7f'))
}

/// Go's message for literals that it cannot read.
pub(super) const SYNTAX: &str = "invalid syntax";

/// Go's `strconv.Unquote` for what the lexer calls a string: `"…"` or a raw one.
pub(super) fn unquote(literal: &str) -> Result<Cow<'_, str>, String> {
    let syntax = || SYNTAX.to_owned();
    let mut chars = literal.chars();
    let quote = chars.next().ok_or_else(syntax)?;
    let inner = literal.get(1..literal.len().saturating_sub(1)).ok_or_else(syntax)?;
    if quote == '`' {
        return Ok(if inner.contains('\r') { inner.replace('\r', "").into() } else { inner.into() });
    }
    if quote.is_ascii() && !inner.bytes().any(|byte| matches!(byte, b'\\' | b'\n') || char::from(byte) == quote) {
        return Ok(inner.into());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        if rest.starts_with('\n') {
            return Err(syntax());
        }
        let (unit, after) = unquote_char(rest, quote)?;
        match unit {
            Unit::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Unit::Byte(byte) => bytes.push(byte),
        }
        rest = after;
    }
    let text = String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(text.into())
}

/// What one escape stands for.
pub(super) enum Unit {
    Char(char),
    /// `\x` and octal escapes are bytes, whether or not they make UTF-8.
    Byte(u8),
}

/// Go's `strconv.UnquoteChar`: the first character of a text between quotes, and what follows it.
pub(super) fn unquote_char(text: &str, quote: char) -> Result<(Unit, &str), String> {
    let syntax = || SYNTAX.to_owned();
    let mut chars = text.chars();
    let first = chars.next().ok_or_else(syntax)?;
    if first == quote {
        return Err(syntax());
    }
    if first != '\\' {
        return Ok((Unit::Char(first), chars.as_str()));
    }
    let escaped = chars.next().ok_or_else(syntax)?;
    let rest = chars.as_str();
    let simple = |c| Ok((Unit::Char(c), rest));
    match escaped {
        'a' => simple('\x07'),
        'b' => simple('\x08'),
        'f' => simple('\x0c'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\x0b'),
        '\\' => simple('\\'),
        'x' | 'u' | 'U' => {
            let length = match escaped {
                'x' => 2,
                'u' => 4,
                _ => 8,
            };
            let digits = rest.get(..length).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
            let number = u32::from_str_radix(digits.ok_or_else(syntax)?, 16).map_err(|_| syntax())?;
            let unit = match u8::try_from(number) {
                Ok(byte) if escaped == 'x' => Unit::Byte(byte),
                _ => Unit::Char(char::from_u32(number).ok_or_else(syntax)?),
            };
            Ok((unit, &rest[length..]))
        }
        '0'..='7' => {
            let digits = text.get(1..4).filter(|digits| digits.bytes().all(|b| (b'0'..=b'7').contains(&b)));
            let number = u32::from_str_radix(digits.ok_or_else(syntax)?, 8).map_err(|_| syntax())?;
            Ok((Unit::Byte(u8::try_from(number).map_err(|_| syntax())?), &text[4..]))
        }
        c if c == quote => simple(c),
        _ => Err(syntax()),
    }
}

/// A number as it stands in a template. Which of the readings holds is decided by where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    pub text: String,
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
    /// Real and imaginary part of a complex constant.
    pub complex: Option<(f64, f64)>,
}

impl Number {
    /// A character constant.
    pub fn character(text: &str) -> Result<Number, String> {
        let (unit, tail) = unquote_char(&text[1..], '\'')?;
        if tail != "'" {
            return Err(format!("malformed character constant: {text}"));
        }
        let code = match unit {
            Unit::Char(c) => u32::from(c),
            Unit::Byte(byte) => byte.into(),
        };
        Ok(Number {
            text: text.to_owned(),
            int: Some(code.into()),
            uint: Some(code.into()),
            float: Some(code.into()),
            complex: None,
        })
    }

    /// A number constant: decimal, octal, hexadecimal, binary, floating point or imaginary.
    pub fn plain(text: &str) -> Result<Number, String> {
        if let Some(imaginary) = text.strip_suffix('i')
            && let Some(imaginary) = parse_float(imaginary)
        {
            return Ok(Number::of_complex(text, 0.0, imaginary));
        }
        let mut number = Number { text: text.to_owned(), int: None, uint: None, float: None, complex: None };
        // Most numbers are a few digits.
        #[expect(clippy::cast_precision_loss, reason = "there are no more than four digits")]
        if let 1..=4 = text.len()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text.len() == 1 || !text.starts_with('0'))
            && let Ok(uint) = text.parse::<u64>()
        {
            number.uint = Some(uint);
            number.int = uint.try_into().ok();
            number.float = Some(uint as f64);
            return Ok(number);
        }
        number.uint = parse_uint(text);
        number.int = parse_int(text);
        if number.int == Some(0) {
            number.uint = Some(0); // So that -0 is one.
        }
        #[expect(clippy::cast_precision_loss, reason = "Go promotes the same way")]
        if let Some(int) = number.int {
            number.float = Some(int as f64);
        } else if let Some(uint) = number.uint {
            number.float = Some(uint as f64);
        } else if let Some(float) = parse_float(text) {
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", quote(text)));
            }
            number.float = Some(float);
            number.whole(float);
        }
        if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
            return Err(format!("illegal number syntax: {}", quote(text)));
        }
        Ok(number)
    }

    /// A sum of a real and an imaginary number: `1+2i`.
    pub fn sum(text: &str) -> Result<Number, String> {
        let illegal = || "syntax error scanning complex number".to_owned();
        let bytes = text.as_bytes();
        let split = (1..bytes.len())
            .find(|&at| matches!(bytes[at], b'+' | b'-') && !matches!(bytes[at - 1], b'e' | b'E' | b'p' | b'P'));
        let (real, imaginary) = text.split_at(split.ok_or_else(illegal)?);
        let real = parse_float(real).ok_or_else(illegal)?;
        let imaginary = imaginary.strip_suffix('i').and_then(parse_float).ok_or_else(illegal)?;
        Ok(Number::of_complex(text, real, imaginary))
    }

    fn of_complex(text: &str, real: f64, imaginary: f64) -> Number {
        let complex = Some((real, imaginary));
        let mut number = Number { text: text.to_owned(), int: None, uint: None, float: None, complex };
        if imaginary == 0.0 {
            number.float = Some(real);
            number.whole(real);
        }
        number
    }

    /// A floating point number without a fraction is an integer too.
    #[expect(clippy::cast_possible_truncation, reason = "that is the question")]
    #[expect(clippy::cast_sign_loss, reason = "negative numbers are asked for first")]
    fn whole(&mut self, float: f64) {
        if float.fract() == 0.0 && float.abs() < 9_223_372_036_854_775_808.0 {
            self.int = Some(float as i64);
        }
        if float.fract() == 0.0 && (0.0..18_446_744_073_709_551_616.0).contains(&float) {
            self.uint = Some(float as u64);
        }
    }
}

/// Go's `strconv.ParseUint` of base 0.
fn parse_uint(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = if let Some(digits) = lower.strip_prefix("0x") {
        (digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (digits, 2)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (digits, 8)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (&lower[1..], 8)
    } else {
        (&*lower, 10)
    };
    if !underscores_fit(text) || digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).ok()
}

/// Go's `strconv.ParseInt` of base 0.
fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// Go's `strconv.ParseFloat`, hexadecimal notation and underscores too.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    if !underscores_fit(text) {
        return None;
    }
    let (negative, magnitude) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if magnitude.contains('_') && !magnitude.to_ascii_lowercase().starts_with("0x") && !text.contains(['.', 'e', 'E']) {
        return None;
    }
    let magnitude = magnitude.replace('_', "").to_ascii_lowercase();
    let value = if let Some(hexadecimal) = magnitude.strip_prefix("0x") {
        let (mantissa, exponent) = hexadecimal.split_once('p')?;
        let exponent: i32 = exponent.parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
        let mut mantissa = 0.0f64;
        if digits.is_empty() {
            return None;
        }
        for digit in digits.chars() {
            mantissa = mantissa * 16.0 + f64::from(digit.to_digit(16)?);
        }
        mantissa * f64::from(exponent.checked_sub(shift)?).exp2()
    } else {
        if !magnitude.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        magnitude.parse().ok().filter(|value: &f64| value.is_finite())?
    };
    Some(if negative { -value } else { value })
}

/// Whether each underscore stands between digits, or after the prefix of a base.
fn underscores_fit(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text).to_ascii_lowercase();
    let (digits, hexadecimal, mut seen) = match text.get(..2) {
        Some("0x") => (&text[2..], true, '0'),
        Some("0b" | "0o") => (&text[2..], false, '0'),
        _ => (&*text, false, '^'),
    };
    for c in digits.chars() {
        if c.is_ascii_digit() || hexadecimal && c.is_ascii_hexdigit() {
            seen = '0';
        } else if c == '_' {
            if seen != '0' {
                return false;
            }
            seen = '_';
        } else {
            if seen == '_' {
                return false;
            }
            seen = '!';
        }
    }
    seen != '_'
}
