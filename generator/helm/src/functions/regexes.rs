//! Regular expressions. Go's syntax is put into Rust's, which means the same but for a few words.

use std::sync::{Arc, LazyLock, RwLock};

use regex::{Regex, RegexBuilder};

use super::{Arguments, FunctionError, Return, fail, strings_value};
use crate::value::{List, Of, Value};

/// Larger programs are not built.
const MOST: usize = 4 << 20;
/// So many expressions are kept, because templates use the same ones again and again.
const KEPT: usize = 256;

static BUILT: LazyLock<RwLock<std::collections::HashMap<String, Arc<Regex>>>> = LazyLock::new(RwLock::default);

/// An expression as Go reads it; otherwise Go's message.
fn expression(text: &str) -> Result<Arc<Regex>, String> {
    if let Ok(built) = BUILT.read()
        && let Some(regex) = built.get(text)
    {
        return Ok(Arc::clone(regex));
    }
    let translated = Translator::translate(text).map_err(|error| format!("error parsing regexp: {error}"))?;
    let regex = RegexBuilder::new(&translated)
        .size_limit(MOST)
        .octal(false)
        .build()
        .map_err(|_| format!("error parsing regexp: invalid regular expression: `{text}`"))?;
    let regex = Arc::new(regex);
    if let Ok(mut built) = BUILT.write() {
        if built.len() >= KEPT {
            built.clear();
        }
        built.insert(text.to_owned(), Arc::clone(&regex));
    }
    Ok(regex)
}

fn compiled(args: &Arguments<'_>) -> Result<Arc<Regex>, FunctionError> {
    expression(args.text(0)).or_else(fail)
}

/// Where the `must` in the name is missing, Go panics with the expression in the message.
fn compiled_or_panic(args: &Arguments<'_>) -> Result<Arc<Regex>, FunctionError> {
    let text = args.text(0);
    let shown = if text.contains('`') { super::format::quote(text) } else { format!("`{text}`") };
    expression(text).or_else(|error| fail(format!("regexp: Compile({shown}): {error}")))
}

struct Translator<'t> {
    whole: &'t str,
    rest: &'t str,
    to: String,
    depth: usize,
}

impl<'t> Translator<'t> {
    fn translate(text: &str) -> Result<String, String> {
        let mut translator = Translator { whole: text, rest: text, to: String::new(), depth: 0 };
        translator.all()?;
        Ok(translator.to)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn all(&mut self) -> Result<(), String> {
        // Whether something stands before that can be repeated, and whether it is repeated already.
        let (mut some, mut repeated) = (false, false);
        while let Some(c) = self.next() {
            let start = self.to.len();
            match c {
                '\\' => {
                    self.escape()?;
                    (some, repeated) = (true, false);
                }
                '[' => {
                    self.class()?;
                    (some, repeated) = (true, false);
                }
                '(' => {
                    self.depth += 1;
                    if self.depth > 200 {
                        return Err("expression nests too deeply".to_owned());
                    }
                    self.group()?;
                    (some, repeated) = (false, false);
                }
                ')' => {
                    self.depth = self.depth.checked_sub(1).ok_or_else(|| format!("unexpected ): `{}`", self.rest))?;
                    self.to.push(')');
                    (some, repeated) = (true, false);
                }
                '|' => {
                    self.to.push('|');
                    (some, repeated) = (false, false);
                }
                '*' | '+' | '?' => {
                    self.repetition(&c.to_string(), some, repeated)?;
                    repeated = true;
                }
                '{' => match self.count()? {
                    Some(count) => {
                        self.repetition(&count, some, repeated)?;
                        repeated = true;
                    }
                    None => {
                        self.to.push_str("\\{");
                        (some, repeated) = (true, false);
                    }
                },
                '}' | ']' | '&' | '~' | '-' | '#' => {
                    self.to.push('\\');
                    self.to.push(c);
                    (some, repeated) = (true, false);
                }
                c => {
                    self.to.push(c);
                    (some, repeated) = (true, false);
                }
            }
            debug_assert!(self.to.len() >= start);
        }
        if self.depth > 0 {
            return Err(format!("missing closing ): `{}`", self.whole));
        }
        Ok(())
    }

    fn repetition(&mut self, operator: &str, some: bool, repeated: bool) -> Result<(), String> {
        if !some {
            return Err(format!("missing argument to repetition operator: `{operator}`"));
        }
        if repeated {
            let before: String = self.to.chars().rev().take(1).collect();
            return Err(format!("invalid nested repetition operator: `{before}{operator}`"));
        }
        self.to.push_str(operator);
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.rest = rest;
            self.to.push('?');
        }
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,5}`; nothing where the brace is only a brace.
    fn count(&mut self) -> Result<Option<String>, String> {
        let Some((inside, rest)) = self.rest.split_once('}') else {
            return Ok(None);
        };
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (least, most) = match inside.split_once(',') {
            None => (inside, Some(inside)),
            Some((least, "")) => (least, None),
            Some((least, most)) => (least, Some(most)),
        };
        if !number(least) || most.is_some_and(|most| !number(most)) {
            return Ok(None);
        }
        // A leading zero makes no number of it.
        if [Some(least), most].into_iter().flatten().any(|text| text.len() > 1 && text.starts_with('0')) {
            return Ok(None);
        }
        let size = |text: &str| text.parse::<u32>().ok().filter(|size| *size <= 1000);
        let (low, high) = (size(least), most.map(size));
        if low.is_none() || high == Some(None) || high.flatten().is_some_and(|high| low.is_some_and(|low| high < low)) {
            return Err(format!("invalid repeat count: `{{{inside}}}`"));
        }
        self.rest = rest;
        Ok(Some(format!("{{{inside}}}")))
    }

    fn group(&mut self) -> Result<(), String> {
        self.to.push('(');
        let Some(rest) = self.rest.strip_prefix('?') else {
            return Ok(());
        };
        if let Some(named) = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<')) {
            let Some((name, after)) = named.split_once('>') else {
                return Err(format!("invalid named capture: `({}`", self.rest));
            };
            if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
                return Err(format!("invalid named capture: `(?P<{name}>`"));
            }
            // Rust's names do not begin with a digit; these are not asked for by name there.
            self.to.push_str(&format!("?P<n{name}>"));
            self.rest = after;
            return Ok(());
        }
        let end = rest.find([':', ')']).ok_or("missing argument to repetition operator: `?`")?;
        let flags = &rest[..end];
        let (on, off) = flags.split_once('-').unwrap_or((flags, ""));
        let fine = |flags: &str| flags.chars().all(|c| matches!(c, 'i' | 'm' | 's' | 'U'));
        if !fine(on) || !fine(off) || flags.ends_with('-') || flags.is_empty() && rest.starts_with(')') {
            // What Go shows ends with the first letter that is no flag.
            let bad = rest.find(|c: char| !matches!(c, 'i' | 'm' | 's' | 'U' | '-')).unwrap_or(rest.len());
            let shown: String = rest[..bad].chars().chain(rest[bad..].chars().take(1)).collect();
            return Err(format!("invalid or unsupported Perl syntax: `(?{shown}`"));
        }
        self.to.push('?');
        self.to.push_str(flags);
        self.rest = &rest[end..];
        if let Some(rest) = self.rest.strip_prefix(')') {
            self.depth -= 1;
            self.to.push(')');
            self.rest = rest;
        } else if let Some(rest) = self.rest.strip_prefix(':') {
            self.to.push(':');
            self.rest = rest;
        }
        Ok(())
    }

    /// The letters that stand for sets of characters, in brackets or not.
    fn set(letter: char) -> Option<&'static str> {
        Some(match letter {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => "[\\t\\n\\x0c\\r ]",
            'S' => "[^\\t\\n\\x0c\\r ]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            _ => return None,
        })
    }

    fn escape(&mut self) -> Result<(), String> {
        let before = self.rest;
        let Some(c) = self.next() else {
            return Err("trailing backslash at end of expression: ``".to_owned());
        };
        if let Some(set) = Translator::set(c) {
            self.to.push_str(set);
            return Ok(());
        }
        match c {
            'A' => self.to.push_str("\\A"),
            'z' => self.to.push_str("\\z"),
            'b' => self.to.push_str("(?-u:\\b)"),
            'B' => self.to.push_str("(?-u:\\B)"),
            'C' => return Err("invalid escape sequence: `\\C`".to_owned()),
            'Q' => {
                let (literal, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.to.push_str(&regex::escape(literal));
                self.rest = rest;
            }
            'p' | 'P' => {
                let name = self.unicode(c)?;
                self.to.push_str(&name);
            }
            _ => {
                self.rest = before;
                let c = self.character()?;
                self.literal(c);
            }
        }
        Ok(())
    }

    fn unicode(&mut self, letter: char) -> Result<String, String> {
        let wrong = |rest: &str| format!("invalid character class range: `\\{letter}{rest}`");
        let Some(c) = self.next() else {
            return Err(wrong(""));
        };
        if c != '{' {
            return Ok(format!("\\{letter}{c}"));
        }
        let Some((name, rest)) = self.rest.split_once('}') else {
            return Err(wrong("{"));
        };
        self.rest = rest;
        Ok(match name.strip_prefix('^') {
            Some(name) if letter == 'p' => format!("\\P{{{name}}}"),
            Some(name) => format!("\\p{{{name}}}"),
            None => format!("\\{letter}{{{name}}}"),
        })
    }

    /// The character that an escape stands for; the backslash is read already.
    fn character(&mut self) -> Result<char, String> {
        let start = self.rest;
        let Some(c) = self.next() else {
            return Err("trailing backslash at end of expression: ``".to_owned());
        };
        let wrong = |rest: &str| format!("invalid escape sequence: `\\{}`", &start[..start.len() - rest.len()]);
        match c {
            'a' => return Ok('\u{7}'),
            'f' => return Ok('\u{c}'),
            'n' => return Ok('\n'),
            'r' => return Ok('\r'),
            't' => return Ok('\t'),
            'v' => return Ok('\u{b}'),
            'x' => {
                let digits;
                if let Some(rest) = self.rest.strip_prefix('{') {
                    let Some((inside, after)) = rest.split_once('}') else {
                        return Err(wrong(self.rest));
                    };
                    digits = inside;
                    self.rest = after;
                } else {
                    let Some(two) = self.rest.get(..2) else {
                        return Err(wrong(self.rest));
                    };
                    digits = two;
                    self.rest = &self.rest[2..];
                }
                let fine = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                let code = u32::from_str_radix(digits, 16).ok().filter(|_| fine);
                return code.and_then(char::from_u32).ok_or_else(|| wrong(self.rest));
            }
            '1'..='7' if !self.rest.starts_with(|c| matches!(c, '0'..='7')) => {}
            '0'..='7' => {
                let mut code = c as u32 - '0' as u32;
                for _ in 0..2 {
                    match self.rest.chars().next().and_then(|c| c.to_digit(8)) {
                        Some(digit) => {
                            code = code * 8 + digit;
                            self.rest = &self.rest[1..];
                        }
                        None => break,
                    }
                }
                return char::from_u32(code).ok_or_else(|| wrong(self.rest));
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => return Ok(c),
            _ => {}
        }
        Err(wrong(self.rest))
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation() {
            self.to.push('\\');
            self.to.push(c);
        } else if c.is_control() {
            self.to.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
        } else {
            self.to.push(c);
        }
    }

    fn class(&mut self) -> Result<(), String> {
        let whole = self.rest;
        self.to.push('[');
        if let Some(rest) = self.rest.strip_prefix('^') {
            self.rest = rest;
            self.to.push('^');
        }
        let mut first = true;
        loop {
            if let Some(rest) = self.rest.strip_prefix(']')
                && !first
            {
                self.rest = rest;
                self.to.push(']');
                return Ok(());
            }
            first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest.find(":]")
            {
                let name = &self.rest[..end + 2];
                const NAMES: &[&str] = &[
                    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
                    "upper", "word", "xdigit",
                ];
                let bare = name[2..name.len() - 2].trim_start_matches('^');
                if !NAMES.contains(&bare) {
                    return Err(format!("invalid character class range: `{name}`"));
                }
                self.to.push_str(name);
                self.rest = &self.rest[end + 2..];
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix('\\')
                && let Some(c) = rest.chars().next()
            {
                if let Some(set) = Translator::set(c) {
                    self.to.push_str(set);
                    self.rest = &rest[1..];
                    continue;
                }
                if matches!(c, 'p' | 'P') {
                    self.rest = &rest[1..];
                    let name = self.unicode(c)?;
                    self.to.push_str(&name);
                    continue;
                }
            }
            let start = self.rest;
            let low = self.in_class(whole)?;
            let mut high = low;
            if let Some(rest) = self.rest.strip_prefix('-')
                && !rest.starts_with(']')
                && !rest.is_empty()
            {
                self.rest = rest;
                high = self.in_class(whole)?;
                if high < low {
                    let range = &start[..start.len() - self.rest.len()];
                    return Err(format!("invalid character class range: `{range}`"));
                }
            }
            self.literal(low);
            if high != low {
                self.to.push('-');
                self.literal(high);
            }
        }
    }

    fn in_class(&mut self, whole: &str) -> Result<char, String> {
        match self.next() {
            None => Err(format!("missing closing ]: `[{whole}`")),
            Some('\\') => self.character(),
            Some(c) => Ok(c),
        }
    }
}

pub(super) fn matches(args: &Arguments<'_>) -> Return {
    Ok(expression(args.text(0)).is_ok_and(|regex| regex.is_match(args.text(1))).into())
}

pub(super) fn must_match(args: &Arguments<'_>) -> Return {
    Ok(compiled(args)?.is_match(args.text(1)).into())
}

fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn all_found(args: &Arguments<'_>, regex: &Regex) -> Return {
    let found = regex.find_iter(args.text(1)).take(limit(args.int(2))).map(|found| found.as_str());
    let found: Vec<Value> = found.map(Value::from).collect();
    Ok(if found.is_empty() { List::nil(Of::Strings).into() } else { strings_value(found) })
}

pub(super) fn find_all(args: &Arguments<'_>) -> Return {
    all_found(args, &*compiled_or_panic(args)?)
}

pub(super) fn must_find_all(args: &Arguments<'_>) -> Return {
    all_found(args, &*compiled(args)?)
}

fn found(args: &Arguments<'_>, regex: &Regex) -> Return {
    Ok(regex.find(args.text(1)).map_or("", |found| found.as_str()).into())
}

pub(super) fn find(args: &Arguments<'_>) -> Return {
    found(args, &*compiled_or_panic(args)?)
}

pub(super) fn must_find(args: &Arguments<'_>) -> Return {
    found(args, &*compiled(args)?)
}

/// Longer texts are not made.
const MAX_LENGTH: usize = 64 << 20;

fn replaced(args: &Arguments<'_>, regex: &Regex, literal: bool) -> Return {
    let (text, by) = (args.text(1), args.text(2));
    let mut to = String::new();
    let mut end = 0;
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        to.push_str(&text[end..whole.start()]);
        end = whole.end();
        if literal {
            to.push_str(by);
        } else {
            expand(by, &captures, &mut to);
        }
        if to.len() > MAX_LENGTH {
            return fail("the text would be too long");
        }
    }
    to.push_str(&text[end..]);
    Ok(to.into())
}

/// What `$1` and `${name}` stand for. What is no name stands for itself.
fn expand(template: &str, captures: &regex::Captures<'_>, to: &mut String) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        to.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            to.push('$');
            rest = after;
            continue;
        }
        let braced = rest.strip_prefix('{');
        let start = braced.unwrap_or(rest);
        let end = start.find(|c: char| !(c == '_' || c.is_alphanumeric())).unwrap_or(start.len());
        let name = &start[..end];
        let after = match braced {
            Some(_) => start[end..].strip_prefix('}'),
            None => Some(&start[end..]),
        };
        let Some(after) = after.filter(|_| !name.is_empty()) else {
            to.push('$');
            continue;
        };
        rest = after;
        let found = match number(name) {
            Some(number) => captures.get(number),
            None => captures.name(&format!("n{name}")),
        };
        to.push_str(found.map_or("", |found| found.as_str()));
    }
    to.push_str(rest);
}

/// A group's number. More than one digit with a zero first is a name, and one that no expression has.
fn number(name: &str) -> Option<usize> {
    if !name.bytes().all(|byte| byte.is_ascii_digit()) || name.len() > 1 && name.starts_with('0') {
        return None;
    }
    Some(name.parse().unwrap_or(usize::MAX))
}

pub(super) fn replace_all(args: &Arguments<'_>) -> Return {
    replaced(args, &*compiled_or_panic(args)?, false)
}

pub(super) fn must_replace_all(args: &Arguments<'_>) -> Return {
    replaced(args, &*compiled(args)?, false)
}

pub(super) fn replace_all_literal(args: &Arguments<'_>) -> Return {
    replaced(args, &*compiled_or_panic(args)?, true)
}

pub(super) fn must_replace_all_literal(args: &Arguments<'_>) -> Return {
    replaced(args, &*compiled(args)?, true)
}

fn parts(args: &Arguments<'_>, regex: &Regex) -> Return {
    let (text, count) = (args.text(1), args.int(2));
    if count == 0 {
        return Ok(List::nil(Of::Strings).into());
    }
    if !args.text(0).is_empty() && text.is_empty() {
        return Ok(strings_value([""]));
    }
    let most = limit(count);
    let mut parts: Vec<Value> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in regex.find_iter(text).take(most) {
        if parts.len() + 1 == most {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(text[begin..end].into());
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(text[begin..].into());
    }
    Ok(strings_value(parts))
}

pub(super) fn split(args: &Arguments<'_>) -> Return {
    parts(args, &*compiled_or_panic(args)?)
}

pub(super) fn must_split(args: &Arguments<'_>) -> Return {
    parts(args, &*compiled(args)?)
}

pub(super) fn quote_meta(args: &Arguments<'_>) -> Return {
    let mut quoted = String::new();
    for c in args.text(0).chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    Ok(quoted.into())
}
