//! What refused functions stand for. A chart may ask for chance and not use it, as in `default (randAlphaNum 16) .Values.password`
//! where the password is set; so the refusal is handed on as a value, and is a mistake as soon as anything looks at it.

use std::sync::Arc;

use super::tree::{Pipe, WordKind};
use super::{Chance, TemplateError};
use crate::value::{Entries, Object, Value};

/// A value that a refused function would have made up.
#[derive(Debug)]
struct Made(Box<TemplateError>);

impl Object for Made {
    fn kind(&self) -> &'static str {
        "string"
    }

    fn reflected(&self) -> &'static str {
        "string"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, _name: &str, _arguments: &[Value]) -> Option<Result<Value, String>> {
        None
    }

    fn display(&self) -> String {
        String::new()
    }

    fn as_map(&self) -> Option<Entries> {
        None
    }

    fn refused(&self) -> Option<&TemplateError> {
        Some(&self.0)
    }
}

/// The value that stands for a refusal.
pub(super) fn made(refusal: Box<TemplateError>) -> Value {
    Value::Object(Arc::new(Made(refusal)))
}

/// The refusal that a value stands for.
pub(super) fn refusal(value: &Value) -> Option<&TemplateError> {
    match value {
        Value::Object(object) => object.refused(),
        _ => None,
    }
}

/// Stands on both sides of a mark. It is no character, so that texts that are meant well do not have it.
const MARK: char = '\u{10ffff}';
/// Stands between the parts of a mark.
const PART: char = '\u{10fffe}';
/// What is shown where a mark was.
const SHOWN: &str = "<random>";

/// What is printed in place of what would have been made up.
pub(super) fn mark(refusal: &TemplateError) -> String {
    let Chance { template, line, function, reason } = chance(refusal);
    format!("{MARK}{template}{PART}{line}{PART}{function}{PART}{reason}{MARK}")
}

/// Where something was to be made up, and why it is not.
pub(crate) fn chance(refusal: &TemplateError) -> Chance {
    let place = refusal.places.last();
    let called = refusal.cause.strip_prefix("error calling ").and_then(|called| called.split_once(':'));
    Chance {
        template: place.map(|place| place.file.clone()).unwrap_or_default(),
        line: place.map_or(0, |place| place.line),
        function: called.map_or("", |(function, _)| function).to_owned(),
        reason: refusal.not_deterministic.clone().unwrap_or_default(),
    }
}

/// Takes the marks out of a text.
pub(crate) fn marks(text: &str) -> Option<(String, Vec<Chance>)> {
    if !text.contains(MARK) {
        return None;
    }
    let (mut plain, mut chances) = (String::new(), Vec::new());
    for (at, part) in text.split(MARK).enumerate() {
        if at % 2 == 0 {
            plain.push_str(part);
            continue;
        }
        let parts: Vec<&str> = part.splitn(4, PART).collect();
        let [template, line, function, reason] = parts.as_slice() else { return None };
        let chance = Chance {
            template: (*template).to_owned(),
            line: line.parse().unwrap_or_default(),
            function: (*function).to_owned(),
            reason: (*reason).to_owned(),
        };
        if !chances.contains(&chance) {
            chances.push(chance);
        }
        plain.push_str(SHOWN);
    }
    Some((plain, chances))
}

/// What is to be done with a call that is handed such a value.
pub(super) enum Call {
    /// It goes on: the function only chooses between its arguments.
    Runs,
    /// What it gives is made up as well.
    HandsOn(Value),
    /// It fails: it would change something, or run a template on it.
    Fails(Box<TemplateError>),
}

/// Whether a function writes out all that a map or list holds.
fn writes(name: &str) -> bool {
    matches!(
        name,
        "toYaml"
            | "mustToYaml"
            | "toYamlPretty"
            | "toJson"
            | "mustToJson"
            | "toPrettyJson"
            | "mustToPrettyJson"
            | "toRawJson"
            | "mustToRawJson"
            | "toToml"
            | "mustToToml"
            | "toString"
            | "toStrings"
            | "quote"
            | "squote"
            | "join"
            | "cat"
            | "sortAlpha"
            | "print"
            | "println"
            | "printf"
            | "html"
            | "js"
            | "urlquery"
    )
}

/// Deeper values are not looked through: they cannot be written out either.
const DEPTH: usize = 500;

/// More values are not looked at: a list that holds itself many times over would never end.
const VALUES: u32 = 4_000_000;

/// The refusal that lies in a map or a list, or is the value itself.
fn within(value: &Value, depth: usize, left: &mut u32) -> Option<Box<TemplateError>> {
    *left = left.checked_sub(1)?;
    if *left == 0 {
        return None;
    }
    match value {
        Value::List(values) if depth < DEPTH && values.item_type().is_anything() => {
            values.iter().take(*left as usize).find_map(|value| within(value, depth + 1, left))
        }
        Value::Map(map) if depth < DEPTH => map.entries().values().find_map(|value| within(value, depth + 1, left)),
        Value::Object(_) => refusal(value).map(|refusal| Box::new(refusal.clone())),
        _ => None,
    }
}

/// The refusal that would be written out with a value.
pub(super) fn written(value: &Value) -> Option<Box<TemplateError>> {
    within(value, 0, &mut { VALUES })
}

/// What a function that writes out its arguments gives, where a refusal lies in one of them.
pub(super) fn hidden<'v>(name: &str, arguments: impl IntoIterator<Item = &'v Value>) -> Option<Value> {
    if !writes(name) {
        return None;
    }
    arguments.into_iter().find_map(written).map(made)
}

/// What is to be done with a call.
pub(super) fn call(name: &str, arguments: &[Value]) -> Call {
    if let Some(value) = hidden(name, arguments) {
        return Call::HandsOn(value);
    }
    let Some((at, value)) = arguments.iter().enumerate().find(|(_, value)| refusal(value).is_some()) else {
        return Call::Runs;
    };
    let only = |place: usize| arguments.iter().enumerate().all(|(at, value)| at == place || refusal(value).is_none());
    match name {
        "coalesce" => Call::Runs,
        "default" if only(0) => Call::Runs,
        "ternary" if at < 2 && arguments.get(2).is_some_and(|test| refusal(test).is_none()) => Call::Runs,
        // What is put into a map is a mistake only for whoever takes it out.
        "set" if at == 2 => Call::Runs,
        "set" | "unset" | "merge" | "mustMerge" | "mergeOverwrite" | "mustMergeOverwrite" | "include" | "tpl"
        | "fail" => match refusal(value) {
            Some(refusal) => Call::Fails(Box::new(refusal.clone())),
            None => Call::Runs,
        },
        _ => Call::HandsOn(value.clone()),
    }
}

/// The value with the setting that would have avoided it, were it set.
pub(super) fn avoided_by(value: Value, path: &str) -> Value {
    match refusal(&value) {
        None => value,
        Some(refusal) => {
            let mut refusal = Box::new(refusal.clone());
            hint(&mut refusal, path);
            made(refusal)
        }
    }
}

/// Says in a refusal which setting would have avoided it, unless it says so already.
pub(super) fn hint(refusal: &mut TemplateError, path: &str) {
    const AVOIDS: &str = " is empty, and setting it avoids this";
    if refusal.not_deterministic.is_none() || refusal.cause.contains(AVOIDS) {
        return;
    }
    for text in [&mut refusal.message, &mut refusal.cause].into_iter().chain(refusal.not_deterministic.as_mut()) {
        text.push_str("; ");
        text.push_str(path);
        text.push_str(AVOIDS);
    }
}

/// The setting that a condition asks for, and whether the condition is that it is not set.
pub(super) fn asked(pipe: &Pipe) -> Option<(String, bool)> {
    let [command] = pipe.commands.as_slice() else { return None };
    let (word, negated) = match command.words.as_slice() {
        [word] => (word, false),
        [not, word] if matches!(&not.kind, WordKind::Identifier(name) if &**name == "not") => (word, true),
        _ => return None,
    };
    let path = word.to_string();
    path.contains(".Values.").then_some((path, negated))
}
