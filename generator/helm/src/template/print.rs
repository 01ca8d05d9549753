//! Prints as Go's fmt does: `print`, `println`, `printf` and what an action gives.

use super::literal::{can_backquote, is_print, quote_with};
use crate::value::Value;

/// How deep lists and maps may nest in each other where they are printed.
const DEPTH: usize = 1000;

/// The widest field and the longest precision that a format may ask for.
const WIDEST: usize = 1_000_000;

/// Why something cannot be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unprintable {
    /// It would be longer than allowed.
    Long,
    /// It nests too deep, or holds itself.
    Deep,
}

type Printed = Result<(), Unprintable>;

/// `%v` of a value.
pub(crate) fn value(value: &Value, most: usize) -> Result<String, Unprintable> {
    let mut printer = Printer::new(most);
    printer.argument(value, 'v')?;
    Ok(printer.to)
}

/// Go's `fmt.Sprint`: a space between values neither of which is a string.
pub(crate) fn print(values: &[Value], most: usize) -> Result<String, Unprintable> {
    let mut printer = Printer::new(most);
    let mut previous_is_string = true;
    for value in values {
        let is_string = matches!(value, Value::String(_));
        if !is_string && !previous_is_string {
            printer.to.push(' ');
        }
        printer.argument(value, 'v')?;
        previous_is_string = is_string;
    }
    Ok(printer.to)
}

/// Go's `fmt.Sprintln`.
pub(crate) fn println(values: &[Value], most: usize) -> Result<String, Unprintable> {
    let mut printer = Printer::new(most);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            printer.to.push(' ');
        }
        printer.argument(value, 'v')?;
    }
    printer.to.push('\n');
    Ok(printer.to)
}

/// Go's `fmt.Sprintf`.
pub(crate) fn printf(format: &str, values: &[Value], most: usize) -> Result<String, Unprintable> {
    let mut printer = Printer::new(most);
    printer.format(format, values)?;
    Ok(printer.to)
}

/// The verb of one value, with its flags: what `%s` and its like print for it.
pub(crate) fn verb(value: &Value, verb: char, most: usize) -> Result<String, Unprintable> {
    let mut printer = Printer::new(most);
    printer.item(value, verb, 0)?;
    Ok(printer.to)
}

#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of a format")]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`
    plus_v: bool,
    /// `%#v`
    sharp_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

struct Printer {
    to: String,
    flags: Flags,
    most: usize,
}

const LOWER: &[u8; 17] = b"0123456789abcdefx";
const UPPER: &[u8; 17] = b"0123456789ABCDEFX";

impl Printer {
    fn new(most: usize) -> Printer {
        Printer { to: String::new(), flags: Flags::default(), most }
    }

    // Formats

    fn format(&mut self, format: &str, values: &[Value]) -> Printed {
        let bytes = format.as_bytes();
        let end = bytes.len();
        let (mut at, mut argument, mut reordered) = (0, 0, false);
        while at < end {
            let literal = format[at..].find('%').map_or(end, |found| at + found);
            self.to.push_str(&format[at..literal]);
            if literal >= end {
                break;
            }
            at = literal + 1;
            self.flags = Flags::default();
            let mut good = true;
            while let Some(byte) = bytes.get(at) {
                match byte {
                    b'#' => self.flags.sharp = true,
                    b'0' => self.flags.zero = true,
                    b'+' => self.flags.plus = true,
                    b'-' => self.flags.minus = true,
                    b' ' => self.flags.space = true,
                    _ => break,
                }
                at += 1;
            }
            let mut index = Index { argument, at, after: false, good: &mut good, reordered: &mut reordered };
            index.read(format, values.len());
            if bytes.get(index.at) == Some(&b'*') {
                index.at += 1;
                match index.number(values) {
                    Some(width) => {
                        if width < 0 {
                            self.flags.minus = true;
                            self.flags.zero = false;
                        }
                        self.flags.width = usize::try_from(width.unsigned_abs()).ok();
                    }
                    None => self.to.push_str("%!(BADWIDTH)"),
                }
                index.after = false;
            } else {
                (self.flags.width, index.at) = digits(bytes, index.at);
                if index.after && self.flags.width.is_some() {
                    *index.good = false;
                }
            }
            if index.at + 1 < end && bytes[index.at] == b'.' {
                index.at += 1;
                if index.after {
                    *index.good = false;
                }
                index.read(format, values.len());
                if bytes.get(index.at) == Some(&b'*') {
                    index.at += 1;
                    match index.number(values).map(usize::try_from) {
                        Some(Ok(precision)) => self.flags.precision = Some(precision),
                        _ => self.to.push_str("%!(BADPREC)"),
                    }
                    index.after = false;
                } else {
                    let precision;
                    (precision, index.at) = digits(bytes, index.at);
                    self.flags.precision = Some(precision.unwrap_or(0));
                }
            }
            if !index.after {
                index.read(format, values.len());
            }
            (at, argument) = (index.at, index.argument);
            let Some(verb) = format[at..].chars().next() else {
                self.to.push_str("%!(NOVERB)");
                break;
            };
            at += verb.len_utf8();
            if verb == '%' {
                self.to.push('%');
            } else if !good {
                self.to.push_str(&format!("%!{verb}(BADINDEX)"));
            } else if let Some(value) = values.get(argument) {
                if matches!(verb, 'v' | 'w') {
                    self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                    self.flags.plus_v = std::mem::take(&mut self.flags.plus);
                }
                self.argument(value, verb)?;
                argument += 1;
            } else {
                self.to.push_str(&format!("%!{verb}(MISSING)"));
            }
            self.bounded()?;
        }
        if !reordered && argument < values.len() {
            self.flags = Flags::default();
            self.to.push_str("%!(EXTRA ");
            for (index, value) in values[argument..].iter().enumerate() {
                if index > 0 {
                    self.to.push_str(", ");
                }
                if !matches!(value, Value::Nil) {
                    self.to.push_str(value.type_name());
                    self.to.push('=');
                }
                self.argument(value, 'v')?;
            }
            self.to.push(')');
        }
        Ok(())
    }

    fn bounded(&self) -> Printed {
        if self.to.len() > self.most { Err(Unprintable::Long) } else { Ok(()) }
    }

    // Values

    /// An argument, which differs from an item of a list in how nil is printed.
    fn argument(&mut self, value: &Value, verb: char) -> Printed {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad("<nil>"),
            (Value::Nil, _) => self.bad(value, verb)?,
            (_, 'T') => self.string(value.type_name(), 's'),
            // No address is the same in two runs; Go's look like this one.
            (Value::List(_) | Value::Map(_), 'p') => self.integer(0xc0_0000_0000, false, 16, LOWER, 'x', true),
            (_, 'p' | 'w') => self.bad(value, verb)?,
            _ => self.item(value, verb, 0)?,
        }
        self.bounded()
    }

    fn item(&mut self, value: &Value, verb: char, depth: usize) -> Printed {
        if depth > DEPTH {
            return Err(Unprintable::Deep);
        }
        self.bounded()?;
        let sharp_v = self.flags.sharp_v;
        let value_type = value.type_name();
        match value {
            Value::Nil => self.to.push_str(if sharp_v { "interface {}(nil)" } else { "<nil>" }),
            Value::Bool(truth) if matches!(verb, 't' | 'v') => self.pad(if *truth { "true" } else { "false" }),
            Value::Int(number) | Value::Sized(number, _) if "vdboOxXcqU".contains(verb) => self.whole(*number, verb),
            Value::Float(number) if "vbgGxXfFeE".contains(verb) => self.float(*number, verb),
            Value::String(text) if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') => self.string(text, verb),
            Value::Bool(_) | Value::Int(_) | Value::Sized(..) | Value::Float(_) | Value::String(_) => {
                self.bad(value, verb)?
            }
            Value::Object(object) if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') => {
                let shown = object.display();
                if sharp_v { self.pad(&shown) } else { self.string(&shown, verb) }
            }
            Value::Object(_) => self.bad(value, verb)?,
            Value::List(values)
                if matches!(verb, 's' | 'q' | 'x' | 'X')
                    && let Some(bytes) = values.bytes() =>
            {
                self.string(&String::from_utf8_lossy(&bytes), verb);
            }
            Value::List(values) if sharp_v && values.is_nil() => {
                self.to.push_str(value_type);
                self.to.push_str("(nil)");
            }
            Value::List(values) => {
                if sharp_v {
                    self.to.push_str(value_type);
                    self.to.push('{');
                } else {
                    self.to.push('[');
                }
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        self.to.push_str(if sharp_v { ", " } else { " " });
                    }
                    self.item(value, verb, depth + 1)?;
                }
                self.to.push(if sharp_v { '}' } else { ']' });
            }
            Value::Map(map) => {
                self.to.push_str(if sharp_v { value_type } else { "map" });
                self.to.push(if sharp_v { '{' } else { '[' });
                for (index, (key, value)) in map.entries().iter().enumerate() {
                    if index > 0 {
                        self.to.push_str(if sharp_v { ", " } else { " " });
                    }
                    self.item(&Value::String(key.clone()), verb, depth + 1)?;
                    self.to.push(':');
                    self.item(value, verb, depth + 1)?;
                }
                self.to.push(if sharp_v { '}' } else { ']' });
            }
        }
        Ok(())
    }

    /// A verb that the value does not have.
    fn bad(&mut self, value: &Value, verb: char) -> Printed {
        self.to.push_str("%!");
        self.to.push(verb);
        self.to.push('(');
        match value {
            Value::Nil => self.to.push_str("<nil>"),
            Value::Object(object) => self.to.push_str(&format!("{}={}", object.kind(), object.display())),
            value => {
                self.to.push_str(value.type_name());
                self.to.push('=');
                // Flags hold on, but the verb that they were for is not there.
                self.item(value, 'v', 0)?;
            }
        }
        self.to.push(')');
        Ok(())
    }

    // Text

    fn padding(&mut self, count: usize) {
        let fill = if self.flags.zero && !self.flags.minus { '0' } else { ' ' };
        self.to.extend(std::iter::repeat_n(fill, count));
    }

    fn pad(&mut self, text: &str) {
        let missing = self.flags.width.map_or(0, |width| width.saturating_sub(text.chars().count()));
        if self.flags.minus {
            self.to.push_str(text);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.to.push_str(text);
        }
    }

    /// Pads with spaces, whatever the flags say.
    fn pad_plain(&mut self, text: &str) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }

    fn string(&mut self, text: &str, verb: char) {
        match verb {
            'x' => self.hexadecimal(text, LOWER),
            'X' => self.hexadecimal(text, UPPER),
            'q' => self.quoted(text),
            'v' if self.flags.sharp_v => self.quoted(text),
            _ => self.pad(self.truncated(text)),
        }
    }

    fn truncated<'t>(&self, text: &'t str) -> &'t str {
        let end = self.flags.precision.and_then(|precision| text.char_indices().nth(precision));
        end.map_or(text, |(end, _)| &text[..end])
    }

    fn quoted(&mut self, text: &str) {
        let text = self.truncated(text);
        if self.flags.sharp && can_backquote(text) {
            self.pad(&format!("`{text}`"));
        } else {
            self.pad(&quote_with(text, '"', self.flags.plus));
        }
    }

    fn hexadecimal(&mut self, text: &str, digits: &[u8; 17]) {
        let bytes = text.as_bytes();
        let bytes = &bytes[..self.flags.precision.map_or(bytes.len(), |most| most.min(bytes.len()))];
        let prefix = [b'0', digits[16]].map(char::from);
        let mut written = String::new();
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 && self.flags.space {
                written.push(' ');
            }
            if self.flags.sharp && (index == 0 || self.flags.space) {
                written.extend(prefix);
            }
            written.push(digits[usize::from(byte >> 4)].into());
            written.push(digits[usize::from(byte & 15)].into());
        }
        self.pad(&written);
    }

    // Numbers

    fn whole(&mut self, number: i64, verb: char) {
        let magnitude = number.unsigned_abs();
        match verb {
            'b' => self.integer(magnitude, number < 0, 2, LOWER, verb, self.flags.sharp),
            'o' | 'O' => self.integer(magnitude, number < 0, 8, LOWER, verb, self.flags.sharp),
            'x' => self.integer(magnitude, number < 0, 16, LOWER, verb, self.flags.sharp),
            'X' => self.integer(magnitude, number < 0, 16, UPPER, verb, self.flags.sharp),
            'c' | 'q' => {
                let c = u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
                let text = c.to_string();
                let shown = if verb == 'q' { quote_with(&text, '\'', self.flags.plus) } else { text };
                self.pad(&shown);
            }
            'U' => {
                let digits = self.flags.precision.unwrap_or(0).clamp(4, WIDEST);
                #[expect(clippy::cast_sign_loss, reason = "Go reads the bits as an unsigned number")]
                let code = number as u64;
                let mut shown = format!("U+{code:0digits$X}");
                if self.flags.sharp
                    && let Some(c) = u32::try_from(code).ok().and_then(char::from_u32).filter(|&c| is_print(c))
                {
                    shown.push_str(&format!(" '{c}'"));
                }
                self.pad_plain(&shown);
            }
            _ => self.integer(magnitude, number < 0, 10, LOWER, verb, self.flags.sharp),
        }
    }

    fn integer(&mut self, mut number: u64, negative: bool, base: u64, digits: &[u8; 17], verb: char, sharp: bool) {
        let flags = self.flags;
        let mut least = 0;
        if let Some(precision) = flags.precision {
            if precision == 0 && number == 0 {
                self.pad_plain("");
                return;
            }
            least = precision;
        } else if let Some(width) = flags.width
            && flags.zero
            && !flags.minus
        {
            least = width.saturating_sub(usize::from(negative || flags.plus || flags.space));
        }
        let mut reversed = Vec::new();
        loop {
            reversed.push(digits[usize::try_from(number % base).unwrap_or(0)]);
            number /= base;
            if number == 0 {
                break;
            }
        }
        while reversed.len() < least {
            reversed.push(b'0');
        }
        if sharp {
            match base {
                2 => reversed.extend(b"b0"),
                8 if reversed.last() != Some(&b'0') => reversed.push(b'0'),
                16 => reversed.extend([digits[16], b'0']),
                _ => {}
            }
        }
        if verb == 'O' {
            reversed.extend(b"o0");
        }
        if negative {
            reversed.push(b'-');
        } else if flags.plus {
            reversed.push(b'+');
        } else if flags.space {
            reversed.push(b' ');
        }
        let shown: String = reversed.into_iter().rev().map(char::from).collect();
        self.pad_plain(&shown);
    }

    fn float(&mut self, number: f64, verb: char) {
        let (format, default) = match verb {
            'v' => ('g', None),
            'F' => ('f', Some(6)),
            'f' | 'e' | 'E' => (verb, Some(6)),
            _ => (verb, None),
        };
        let precision = self.flags.precision.or(default);
        let mut shown = format_float(number, format, precision);
        if !shown.starts_with(['-', '+']) {
            shown.insert(0, '+');
        }
        let flags = self.flags;
        if flags.space && shown.starts_with('+') && !flags.plus {
            shown.replace_range(..1, " ");
        }
        if !number.is_finite() {
            // Infinity keeps its sign, even where it is a plus.
            if number.is_nan() && !flags.space && !flags.plus {
                shown.remove(0);
            }
            self.pad_plain(&shown);
            return;
        }
        if flags.sharp && format != 'b' {
            shown = with_point(&shown, format, precision);
        }
        if flags.plus || !shown.starts_with('+') {
            if let Some(width) = flags.width
                && flags.zero
                && !flags.minus
                && width > shown.len()
            {
                let missing = width - shown.len();
                self.to.push_str(&shown[..1]);
                self.padding(missing);
                self.to.push_str(&shown[1..]);
                return;
            }
            self.pad(&shown);
        } else {
            self.pad(&shown[1..]);
        }
    }
}

/// An explicit index of an argument: `%[2]d`.
struct Index<'a> {
    argument: usize,
    at: usize,
    /// Whether an index was just read.
    after: bool,
    good: &'a mut bool,
    reordered: &'a mut bool,
}

impl Index<'_> {
    fn read(&mut self, format: &str, count: usize) {
        self.after = false;
        let Some(rest) = format.get(self.at..).and_then(|rest| rest.strip_prefix('[')) else {
            return;
        };
        *self.reordered = true;
        let Some(end) = rest.find(']').filter(|_| rest.len() >= 2) else {
            self.at += 1;
            *self.good = false;
            return;
        };
        let number = rest[..end].bytes().all(|b| b.is_ascii_digit()).then(|| rest[..end].parse::<usize>().ok());
        self.at += end + 2;
        match number.flatten().filter(|&number| number <= WIDEST * 10) {
            Some(number) if (1..=count).contains(&number) => {
                self.argument = number - 1;
                self.after = true;
            }
            number => {
                *self.good = false;
                self.after = number.is_some();
            }
        }
    }

    /// The argument as a width or precision.
    fn number(&mut self, values: &[Value]) -> Option<i64> {
        let value = values.get(self.argument)?;
        self.argument += 1;
        match value {
            Value::Int(number) | Value::Sized(number, _) if number.unsigned_abs() <= WIDEST as u64 => Some(*number),
            _ => None,
        }
    }
}

/// A number in a format, and where it ends.
fn digits(bytes: &[u8], start: usize) -> (Option<usize>, usize) {
    let mut number = None;
    let mut at = start;
    while let Some(digit) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
        let so_far = number.unwrap_or(0);
        if so_far > WIDEST {
            return (None, bytes.len());
        }
        number = Some(so_far * 10 + usize::from(digit - b'0'));
        at += 1;
    }
    (number, at)
}

/// Go's `strconv.FormatFloat` of 64 bits: without a precision, with as many digits as tell the number from its neighbours.
pub(crate) fn format_float(number: f64, format: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let number = number.abs();
    if number.is_infinite() {
        return if sign.is_empty() { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let shown = match format {
        'f' => match precision {
            Some(precision) => format!("{number:.precision$}"),
            None => format!("{number}"),
        },
        'e' | 'E' => exponential(number, precision, format),
        'b' => binary(number),
        'x' | 'X' => hexadecimal(number, precision, format),
        _ => general(number, precision, if format == 'G' { 'E' } else { 'e' }),
    };
    format!("{sign}{shown}")
}

/// The digits of a number, and the power of ten of the first of them.
fn decimal(number: f64, digits: Option<usize>) -> (String, i32) {
    let shown = match digits {
        Some(digits) => format!("{number:.*e}", digits.saturating_sub(1)),
        None => format!("{number:e}"),
    };
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn exponential(number: f64, precision: Option<usize>, e: char) -> String {
    let (digits, exponent) = decimal(number, precision.map(|precision| precision + 1));
    write_exponential(&digits, exponent, e)
}

fn write_exponential(digits: &str, exponent: i32, e: char) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}{e}{sign}{:02}", exponent.unsigned_abs())
}

fn general(number: f64, precision: Option<usize>, e: char) -> String {
    let (digits, exponent) = decimal(number, precision.map(|precision| precision.max(1)));
    let trimmed = digits.trim_end_matches('0');
    let digits = if trimmed.is_empty() && number != 0.0 { &digits } else { trimmed };
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = if number == 0.0 { 0 } else { exponent + 1 };
    let threshold = match precision.map(|precision| i32::try_from(precision.max(1)).unwrap_or(i32::MAX)) {
        // Many a chart has met this one: a million prints as 1e+06.
        None => 6,
        Some(precision) if precision > count && count >= point => count,
        Some(precision) => precision,
    };
    if number != 0.0 && (exponent < -4 || exponent >= threshold) {
        return write_exponential(digits, exponent, e);
    }
    plain(digits, point)
}

/// Digits with the decimal point after so many of them.
fn plain(digits: &str, point: i32) -> String {
    let Ok(whole) = usize::try_from(point) else {
        return format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0)));
    };
    if whole == 0 {
        return if digits.is_empty() { "0".to_owned() } else { format!("0.{digits}") };
    }
    match digits.len().checked_sub(whole) {
        Some(0) => digits.to_owned(),
        Some(_) => format!("{}.{}", &digits[..whole], &digits[whole..]),
        None => format!("{digits}{}", "0".repeat(whole - digits.len())),
    }
}

/// The mantissa, and the power of two it is multiplied by.
fn parts(number: f64) -> (u64, i32) {
    let bits = number.to_bits();
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0);
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

/// `%b`: the mantissa with a power of two.
fn binary(number: f64) -> String {
    let (mantissa, exponent) = parts(number);
    format!("{mantissa}p{exponent:+}")
}

/// `%x`: hexadecimal digits with a power of two.
fn hexadecimal(number: f64, precision: Option<usize>, format: char) -> String {
    let (mut mantissa, mut exponent) = parts(number);
    exponent += 52;
    if mantissa == 0 {
        exponent = 0;
    }
    // The leading bit goes to bit 60, so that there are fifteen digits behind the point.
    mantissa <<= 60 - 52;
    while mantissa != 0 && mantissa & (1 << 60) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision.filter(|&precision| precision < 15) {
        let shift = precision * 4;
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(precision) => format!("{fraction:0<precision$}")[..precision].to_owned(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let shown = format!("0x{}{point}{fraction}p{sign}{:02}", mantissa >> 60, exponent.unsigned_abs());
    if format == 'X' { shown.to_uppercase() } else { shown }
}

/// `%#g` and its like: with a decimal point always, and with the zeros at the end.
fn with_point(shown: &str, format: char, precision: Option<usize>) -> String {
    let mut missing = match format {
        'g' | 'G' | 'x' => i64::try_from(precision.unwrap_or(6)).unwrap_or(0),
        _ => 0,
    };
    let hexadecimal = matches!(format, 'x' | 'X');
    let tail = shown.find(|c| matches!(c, 'p' | 'P') || !hexadecimal && matches!(c, 'e' | 'E')).unwrap_or(shown.len());
    let (mut number, tail) = (shown[..tail].to_owned(), &shown[tail..]);
    let mut seen = false;
    for c in number.chars().skip(1).filter(|&c| c != '.') {
        seen |= c != '0';
        missing -= i64::from(seen);
    }
    if !number.contains('.') {
        if number.len() == 2 && number.ends_with('0') {
            missing -= 1;
        }
        number.push('.');
    }
    number.extend(std::iter::repeat_n('0', usize::try_from(missing).unwrap_or(0)));
    number + tail
}
