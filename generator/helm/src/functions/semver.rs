//! Semantic versions.

use std::sync::Arc;

use super::{Arguments, Return, fail};
use crate::chart::version::{self, Version};
use crate::template::Type;
use crate::value::{Entries, Object, Value, Width};

const INVALID: &str = "invalid semantic version";

/// What `semver` gives.
#[derive(Debug)]
struct Semver {
    version: Version,
    metadata: String,
    original: String,
}

impl Semver {
    fn parse(text: &str) -> Option<Semver> {
        let version = Version::parse(text)?;
        let metadata = text.split_once('+').map_or("", |(_, metadata)| metadata);
        Some(Semver { version, metadata: metadata.to_owned(), original: text.to_owned() })
    }

    /// As a version that was computed is written.
    fn of(&self, numbers: [u64; 3]) -> Value {
        let [major, minor, patch] = numbers;
        let v = if self.original.starts_with('v') { "v" } else { "" };
        let version = Version { major, minor, patch, pre: String::new() };
        let original = format!("{v}{major}.{minor}.{patch}");
        Value::Object(Arc::new(Semver { version, metadata: String::new(), original }))
    }

    fn compare(&self, with: &Value) -> Result<i64, String> {
        match with {
            Value::Object(object) if object.kind() == self.kind() => match Version::parse(&object.display()) {
                Some(other) => Ok(self.version.compare(&other) as i64),
                None => Err(INVALID.to_owned()),
            },
            other => Err(format!("wrong type for value; expected *semver.Version; got {}", other.type_name())),
        }
    }
}

impl Object for Semver {
    fn kind(&self) -> &'static str {
        "*semver.Version"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static [Type]> {
        match name {
            "Compare" | "Equal" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual" => {
                Some(&[Type::Object("*semver.Version")])
            }
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String" | "IncMajor"
            | "IncMinor" | "IncPatch" => Some(&[]),
            _ => None,
        }
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        self.method(name)?;
        let whole = |number: u64| Ok(Value::Sized(i64::try_from(number).unwrap_or(i64::MAX), Width::Uint64));
        let Version { major, minor, patch, pre } = &self.version;
        let first = arguments.first().unwrap_or(&Value::Nil);
        Some(match name {
            "Major" => whole(*major),
            "Minor" => whole(*minor),
            "Patch" => whole(*patch),
            "Prerelease" => Ok(pre.as_str().into()),
            "Metadata" => Ok(self.metadata.as_str().into()),
            "Original" => Ok(self.original.as_str().into()),
            "String" => Ok(self.display().into()),
            "IncMajor" => Ok(self.of([major.saturating_add(1), 0, 0])),
            "IncMinor" => Ok(self.of([*major, minor.saturating_add(1), 0])),
            // A pre-release becomes what it comes before.
            "IncPatch" if !pre.is_empty() => Ok(self.of([*major, *minor, *patch])),
            "IncPatch" => Ok(self.of([*major, *minor, patch.saturating_add(1)])),
            "Compare" => self.compare(first).map(Value::Int),
            "Equal" => self.compare(first).map(|order| (order == 0).into()),
            "LessThan" => self.compare(first).map(|order| (order < 0).into()),
            "LessThanEqual" => self.compare(first).map(|order| (order <= 0).into()),
            "GreaterThan" => self.compare(first).map(|order| (order > 0).into()),
            _ => self.compare(first).map(|order| (order >= 0).into()),
        })
    }

    fn display(&self) -> String {
        let Version { major, minor, patch, pre } = &self.version;
        let dash = if pre.is_empty() { "" } else { "-" };
        let plus = if self.metadata.is_empty() { "" } else { "+" };
        format!("{major}.{minor}.{patch}{dash}{pre}{plus}{}", self.metadata)
    }

    fn as_map(&self) -> Option<Entries> {
        None
    }
}

pub(super) fn semver(args: &Arguments<'_>) -> Return {
    match Semver::parse(args.text(0)) {
        Some(version) => Ok(Value::Object(Arc::new(version))),
        None => fail(INVALID),
    }
}

pub(super) fn semver_compare(args: &Arguments<'_>) -> Return {
    let (range, version) = (args.text(0), args.text(1));
    if !version::is_range(range) {
        return fail(format!("improper constraint: {}", crate::template::quote(range)));
    }
    if Version::parse(version).is_none() {
        return fail(INVALID);
    }
    Ok(version::matches(range, version).into())
}
