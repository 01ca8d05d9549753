//! Strings. Go counts bytes, and so do these.

use super::{Arguments, Return, fail, format, strings_value, text_of};
use crate::value::{Map, Of, Value};

/// Longer strings are not made.
const MAX_LENGTH: usize = 64 << 20;

/// A value as Sprig makes a string of it.
pub(super) fn strval(value: &Value) -> String {
    match value {
        Value::List(list) if let Some(bytes) = list.bytes() => text_of(&bytes),
        value => format::display(value),
    }
}

/// What Sprig makes of a list of anything: nil is left out.
pub(super) fn strings_of(value: &Value) -> Vec<String> {
    match value {
        Value::Nil => Vec::new(),
        Value::List(values) => values.iter().filter(|value| **value != Value::Nil).map(strval).collect(),
        value => vec![strval(value)],
    }
}

pub(super) fn hello(_: &Arguments<'_>) -> Return {
    Ok("Hello!".into())
}

/// Part of a string, in bytes.
pub(super) fn part(text: &str, from: usize, to: usize) -> String {
    text_of(text.as_bytes().get(from..to).unwrap_or_default())
}

fn abbreviate(text: &str, offset: i64, width: i64) -> String {
    let length = text.len() as i64;
    if text.is_empty() || width < 4 {
        return String::new();
    }
    if length <= width {
        return text.to_owned();
    }
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return part(text, 0, (width - 3) as usize) + "...";
    }
    if width < 7 {
        return String::new();
    }
    if offset + width - 3 < length {
        let rest = part(text, offset as usize, text.len());
        return format!("...{}", abbreviate(&rest, 0, width - 3));
    }
    format!("...{}", part(text, (length - (width - 3)) as usize, text.len()))
}

pub(super) fn abbrev(args: &Arguments<'_>) -> Return {
    let (width, text) = (args.int(0), args.text(1));
    Ok(if width < 4 { text.into() } else { abbreviate(text, 0, width).into() })
}

pub(super) fn abbrevboth(args: &Arguments<'_>) -> Return {
    let (left, right, text) = (args.int(0), args.int(1), args.text(2));
    if right < 4 || left > 0 && right < 7 {
        return Ok(text.into());
    }
    if left < 0 && text.len() as i64 > right && left.checked_neg().is_none() {
        return Ok("".into());
    }
    Ok(abbreviate(text, left, right).into())
}

pub(super) fn trunc(args: &Arguments<'_>) -> Return {
    let (count, text) = (args.int(0), args.text(1));
    let length = text.len() as i64;
    if count < 0 && length.saturating_add(count) > 0 {
        return Ok(part(text, (length + count) as usize, text.len()).into());
    }
    if count >= 0 && length > count {
        return Ok(part(text, 0, count as usize).into());
    }
    Ok(text.into())
}

pub(super) fn trim(args: &Arguments<'_>) -> Return {
    Ok(args.text(0).trim().into())
}

/// Go maps character by character; only one of them becomes more than one in Rust's mapping.
pub(super) fn upper_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

pub(super) fn lower_char(c: char) -> char {
    if c == 'İ' {
        return 'i';
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

pub(super) fn upper(args: &Arguments<'_>) -> Return {
    Ok(args.text(0).chars().map(upper_char).collect::<String>().into())
}

pub(super) fn lower(args: &Arguments<'_>) -> Return {
    Ok(args.text(0).chars().map(lower_char).collect::<String>().into())
}

pub(super) fn substr(args: &Arguments<'_>) -> Return {
    let (start, end, text) = (args.int(0), args.int(1), args.text(2));
    let length = text.len() as i64;
    if start < 0 {
        if end < 0 {
            return fail(format!("runtime error: slice bounds out of range [:{end}]"));
        }
        if end > length {
            return fail(format!("runtime error: slice bounds out of range [:{end}] with length {length}"));
        }
        return Ok(part(text, 0, end as usize).into());
    }
    if end < 0 || end > length {
        if start > length {
            return fail(format!("runtime error: slice bounds out of range [{start}:{length}]"));
        }
        return Ok(part(text, start as usize, text.len()).into());
    }
    if start > end {
        return fail(format!("runtime error: slice bounds out of range [{start}:{end}]"));
    }
    Ok(part(text, start as usize, end as usize).into())
}

fn repeated(text: &str, count: i64) -> Result<String, super::FunctionError> {
    let Ok(count) = usize::try_from(count) else {
        return fail("strings: negative Repeat count");
    };
    match text.len().checked_mul(count) {
        Some(length) if length <= MAX_LENGTH => Ok(text.repeat(count)),
        _ => fail("strings: Repeat output length overflow"),
    }
}

pub(super) fn repeat(args: &Arguments<'_>) -> Return {
    Ok(repeated(args.text(1), args.int(0))?.into())
}

pub(super) fn trim_all(args: &Arguments<'_>) -> Return {
    let cut = args.text(0);
    Ok(args.text(1).trim_matches(|c| cut.contains(c)).into())
}

pub(super) fn trim_suffix(args: &Arguments<'_>) -> Return {
    let text = args.text(1);
    Ok(text.strip_suffix(args.text(0)).unwrap_or(text).into())
}

pub(super) fn trim_prefix(args: &Arguments<'_>) -> Return {
    let text = args.text(1);
    Ok(text.strip_prefix(args.text(0)).unwrap_or(text).into())
}

pub(super) fn contains(args: &Arguments<'_>) -> Return {
    Ok(args.text(1).contains(args.text(0)).into())
}

pub(super) fn has_prefix(args: &Arguments<'_>) -> Return {
    Ok(args.text(1).starts_with(args.text(0)).into())
}

pub(super) fn has_suffix(args: &Arguments<'_>) -> Return {
    Ok(args.text(1).ends_with(args.text(0)).into())
}

pub(super) fn quote(args: &Arguments<'_>) -> Return {
    let quoted: Vec<String> =
        args.rest(0).iter().filter(|value| **value != Value::Nil).map(|value| format::quote(&strval(value))).collect();
    Ok(quoted.join(" ").into())
}

pub(super) fn squote(args: &Arguments<'_>) -> Return {
    let quoted: Vec<String> =
        args.rest(0).iter().filter(|value| **value != Value::Nil).map(|value| format!("'{}'", strval(value))).collect();
    Ok(quoted.join(" ").into())
}

pub(super) fn cat(args: &Arguments<'_>) -> Return {
    let texts: Vec<String> = args.rest(0).iter().filter(|value| **value != Value::Nil).map(strval).collect();
    Ok(texts.join(" ").into())
}

fn indented(spaces: i64, text: &str) -> Result<String, super::FunctionError> {
    let pad = repeated(" ", spaces)?;
    let breaks = text.bytes().filter(|byte| *byte == b'\n').count();
    if pad.len().saturating_mul(breaks + 1).saturating_add(text.len()) > MAX_LENGTH {
        return fail("strings: Repeat output length overflow");
    }
    let mut indented = String::with_capacity(text.len() + pad.len() * (breaks + 1));
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            indented.push('\n');
        }
        indented.push_str(&pad);
        indented.push_str(line);
    }
    Ok(indented)
}

pub(super) fn indent(args: &Arguments<'_>) -> Return {
    Ok(indented(args.int(0), args.text(1))?.into())
}

pub(super) fn nindent(args: &Arguments<'_>) -> Return {
    Ok(format!("\n{}", indented(args.int(0), args.text(1))?).into())
}

pub(super) fn replace(args: &Arguments<'_>) -> Return {
    let (old, new, text) = (args.text(0), args.text(1), args.text(2));
    let most = if old.is_empty() { text.len() + 1 } else { text.len() / old.len() };
    if most.saturating_mul(new.len()) > MAX_LENGTH {
        return fail("strings: Repeat output length overflow");
    }
    Ok(text.replace(old, new).into())
}

pub(super) fn plural(args: &Arguments<'_>) -> Return {
    Ok(args.any(usize::from(args.int(2) != 1)).clone())
}

pub(super) fn to_string(args: &Arguments<'_>) -> Return {
    Ok(match args.any(0) {
        text @ Value::String(_) => text.clone(),
        value => strval(value).into(),
    })
}

pub(super) fn to_strings(args: &Arguments<'_>) -> Return {
    Ok(strings_value(strings_of(args.any(0))))
}

pub(super) fn join(args: &Arguments<'_>) -> Return {
    Ok(strings_of(args.any(1)).join(args.text(0)).into())
}

pub(super) fn sort_alpha(args: &Arguments<'_>) -> Return {
    Ok(match args.any(0) {
        value @ Value::List(_) => {
            let mut texts = strings_of(value);
            texts.sort();
            strings_value(texts)
        }
        value => strings_value([strval(value)]),
    })
}

/// Go's `strings.SplitN`: without limit where it is negative, nothing at all where it is zero.
fn pieces(separator: &str, limit: i64, text: &str) -> Vec<String> {
    if limit == 0 {
        return Vec::new();
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if !separator.is_empty() {
        return text.splitn(limit, separator).map(str::to_owned).collect();
    }
    let mut rest = text;
    let mut pieces = Vec::new();
    while let Some(c) = rest.chars().next() {
        if pieces.len() + 1 == limit {
            pieces.push(rest.to_owned());
            break;
        }
        pieces.push(c.to_string());
        rest = &rest[c.len_utf8()..];
    }
    pieces
}

fn numbered(pieces: Vec<String>) -> Value {
    let entries = pieces.into_iter().enumerate().map(|(index, piece)| (format!("_{index}").into(), piece.into()));
    Map::of(Of::Strings, entries.collect()).into()
}

pub(super) fn split(args: &Arguments<'_>) -> Return {
    Ok(numbered(pieces(args.text(0), -1, args.text(1))))
}

pub(super) fn splitn(args: &Arguments<'_>) -> Return {
    Ok(numbered(pieces(args.text(0), args.int(1), args.text(2))))
}

pub(super) fn split_list(args: &Arguments<'_>) -> Return {
    Ok(strings_value(pieces(args.text(0), -1, args.text(1))))
}
