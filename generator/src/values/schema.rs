//! JSON Schema over trees with places: each violation is a mistake at the line that set the value, and
//! every declared property gets its default.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use jsonschema::{JsonType, Validator, error::TypeKind, error::ValidationErrorKind};
use serde_json::{Map as JsonMap, Value as Json};

use super::path;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Origin, closest};
use crate::yaml::{Node, Value};

/// A compiled JSON Schema 2020-12 and the places of its own lines.
#[derive(Debug)]
pub struct Schema {
    source: Node,
    json: Json,
    validator: Validator,
    /// Whether the defaults have been held against the schema itself.
    defaults_fit: AtomicBool,
}

/// More values than this are only listed where none of them is near.
const MANY: usize = 8;

/// One row of a settings table.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Property {
    /// Path below the settings, such as `acme.email`; `*` stands for any key, `[]` for any item.
    pub path: String,
    /// Type, enumeration or pattern in words.
    #[serde(rename = "type")]
    pub kind: String,
    /// The default as JSON, where there is one.
    pub default: Option<Json>,
    /// The schema's description.
    pub description: String,
    /// Whether it must be given.
    pub required: bool,
}

impl Schema {
    /// Compiles a schema that was read from a file.
    pub fn compile(file: FileId, source: Node) -> Result<Schema, Box<Diagnostic>> {
        let json = source.to_json();
        match jsonschema::draft202012::options().should_validate_formats(true).build(&json) {
            Ok(validator) => Ok(Schema { source, json, validator, defaults_fit: AtomicBool::new(false) }),
            Err(error) => Err(Box::new(broken(file, &source, &json, &error))),
        }
    }

    /// The schema as JSON, for editors.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// Checks a tree and returns it with all defaults filled in. `null` counts as absent.
    ///
    /// `prefix` is where the tree stands (`components.istio.settings`), `owner` the place to point at where
    /// there is no tree at all.
    pub fn check(&self, tree: Option<&Node>, prefix: &str, owner: Option<Origin>, mistakes: &mut Diagnostics) -> Json {
        let given = match tree {
            Some(node) if node.value != Value::Null => node.to_json_without_nulls(),
            _ => Json::Object(JsonMap::new()),
        };
        let before = mistakes.len();
        if !self.validator.is_valid(&given) {
            for error in self.validator.iter_errors(&given) {
                self.explain(&error, &given, tree, prefix, owner, mistakes);
            }
        }
        let filled = self.fill(&self.json, Some(given));
        // Once is enough: whatever else the tree holds was checked above.
        if mistakes.len() == before && !self.defaults_fit.swap(true, Ordering::Relaxed) {
            self.check_defaults(&filled, mistakes);
        }
        filled
    }

    /// What was accepted without defaults must be acceptable with them.
    fn check_defaults(&self, filled: &Json, mistakes: &mut Diagnostics) {
        let filled = without_nulls(filled);
        for error in self.validator.iter_errors(&filled) {
            let rule = path::from_pointer(error.schema_path().as_str());
            let (_, place) = self.rule(&rule);
            let at = path::join(&path::from_pointer(error.instance_path().as_str()));
            mistakes.push(
                Diagnostic::new("schema", format!("the default of `{at}` does not fit its own schema: {error}"))
                    .at_maybe(place.or(self.source.origin()), "the schema asks for this")
                    .help("mend the default, or what the schema asks for"),
            );
        }
    }

    fn explain(
        &self,
        error: &jsonschema::ValidationError<'_>,
        given: &Json,
        tree: Option<&Node>,
        prefix: &str,
        owner: Option<Origin>,
        mistakes: &mut Diagnostics,
    ) {
        let segments = path::from_pointer(error.instance_path().as_str());
        let name = |more: Option<&str>| {
            let mut all: Vec<&str> = if prefix.is_empty() { vec![] } else { vec![prefix] };
            let below = path::join(&segments);
            if !below.is_empty() {
                all.push(&below);
            }
            let mut text = all.join(".");
            if let Some(more) = more {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&path::join(&[more]));
            }
            text
        };
        let node = tree.and_then(|tree| tree.at(segments.iter().map(String::as_str)));
        let origin = node.and_then(Node::origin).or(owner);
        let rule = path::from_pointer(error.schema_path().as_str());
        // The place of the schema whose keyword refused the value.
        let (parent, rule_origin) = self.rule(&rule);
        let found = segments.iter().try_fold(given, |value, segment| match value {
            Json::Object(map) => map.get(segment),
            Json::Array(items) => items.get(segment.parse::<usize>().ok()?),
            _ => None,
        });
        let shown = || shorten(&found.map_or_else(|| "nothing".to_owned(), Json::to_string));
        let described = parent.and_then(|schema| schema.get("description")).and_then(Json::as_str);

        let mut diagnostic = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let known: Vec<&str> = parent
                    .and_then(|schema| schema.get("properties"))
                    .and_then(Json::as_object)
                    .map(|map| map.keys().map(String::as_str).collect())
                    .unwrap_or_default();
                for key in unexpected {
                    let at = node.and_then(|node| node.key_origin(key)).or(origin);
                    let mut diagnostic = Diagnostic::new("unknown-key", format!("unknown key `{}`", name(Some(key))))
                        .at_maybe(at, "no schema knows this key")
                        .did_you_mean(key, known.iter().copied());
                    if diagnostic.help.is_empty() && !known.is_empty() {
                        diagnostic = diagnostic.help(format!("known here: {}", list_words(&known)));
                    }
                    mistakes.push(diagnostic);
                }
                return;
            }
            ValidationErrorKind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                // The line that names the map, not the first of the settings that are in it.
                let named = segments
                    .split_last()
                    .and_then(|(last, above)| tree?.at(above.iter().map(String::as_str))?.key_origin(last));
                let place = if segments.is_empty() { owner.or(origin) } else { named.or(origin) };
                let about = parent
                    .and_then(|schema| schema.pointer(&format!("/properties/{key}/description")))
                    .and_then(Json::as_str);
                let mut diagnostic =
                    Diagnostic::new("missing-setting", format!("`{}` is required and not set", name(Some(key))))
                        .at_maybe(place, format!("`{key}` is missing here"));
                // Where else somebody said something of it: each of these files could say this too.
                let mut files: Vec<FileId> = place.iter().map(|place| place.file).collect();
                for origin in node.iter().flat_map(|node| node.origins.iter().rev()) {
                    if !files.contains(&origin.file) {
                        files.push(origin.file);
                        diagnostic = diagnostic.also(*origin, "other parts are set here");
                    }
                }
                if let Some(about) = about {
                    diagnostic = diagnostic.help(format!("`{key}`: {}", lower_first(about)));
                }
                mistakes.push(diagnostic);
                return;
            }
            ValidationErrorKind::Type { kind } => Diagnostic::new(
                "wrong-type",
                format!("`{}` must be {}, found {} {}", name(None), type_words(kind), kind_word(found), shown()),
            ),
            ValidationErrorKind::Enum { options } => {
                let options: Vec<String> =
                    options.as_array().map(|o| o.iter().map(plain_json).collect()).unwrap_or_default();
                let words: Vec<&str> = options.iter().map(String::as_str).collect();
                let near = found.and_then(Json::as_str).and_then(|found| closest(found, words.iter().copied()));
                let mut diagnostic = Diagnostic::new(
                    "not-in-enum",
                    match words.len() {
                        ..=MANY => format!("`{}` must be one of {}, found {}", name(None), list_words(&words), shown()),
                        _ => format!("`{}` cannot be {}", name(None), shown()),
                    },
                );
                match near {
                    Some(near) => diagnostic = diagnostic.help(format!("did you mean `{near}`?")),
                    None if words.len() > MANY => {
                        diagnostic = diagnostic.help(format!("it can be {}", list_words(&words)))
                    }
                    None => {}
                }
                diagnostic
            }
            ValidationErrorKind::Constant { expected_value } => {
                Diagnostic::new("not-in-enum", format!("`{}` must be {expected_value}, found {}", name(None), shown()))
            }
            ValidationErrorKind::Pattern { pattern } => Diagnostic::new(
                "pattern",
                format!("`{}` must match the pattern `{pattern}`, found {}", name(None), shown()),
            ),
            ValidationErrorKind::Format { format } => {
                Diagnostic::new("pattern", format!("`{}` must be a valid {format}, found {}", name(None), shown()))
            }
            ValidationErrorKind::Minimum { limit } => {
                Diagnostic::new("range", format!("`{}` must be at least {limit}, found {}", name(None), shown()))
            }
            ValidationErrorKind::Maximum { limit } => {
                Diagnostic::new("range", format!("`{}` must be at most {limit}, found {}", name(None), shown()))
            }
            ValidationErrorKind::ExclusiveMinimum { limit } => {
                Diagnostic::new("range", format!("`{}` must be more than {limit}, found {}", name(None), shown()))
            }
            ValidationErrorKind::ExclusiveMaximum { limit } => {
                Diagnostic::new("range", format!("`{}` must be less than {limit}, found {}", name(None), shown()))
            }
            ValidationErrorKind::MultipleOf { multiple_of } => Diagnostic::new(
                "range",
                format!("`{}` must be a multiple of {multiple_of}, found {}", name(None), shown()),
            ),
            ValidationErrorKind::MinLength { limit } => Diagnostic::new(
                "range",
                format!("`{}` must have at least {limit} character(s), found {}", name(None), shown()),
            ),
            ValidationErrorKind::MaxLength { limit } => Diagnostic::new(
                "range",
                format!("`{}` must have at most {limit} characters, found {}", name(None), shown()),
            ),
            ValidationErrorKind::MinItems { limit } => {
                Diagnostic::new("range", format!("`{}` must have at least {limit} item(s)", name(None)))
            }
            ValidationErrorKind::MaxItems { limit } => {
                Diagnostic::new("range", format!("`{}` must have at most {limit} item(s)", name(None)))
            }
            ValidationErrorKind::MinProperties { limit } => {
                Diagnostic::new("range", format!("`{}` must have at least {limit} entries", name(None)))
            }
            ValidationErrorKind::MaxProperties { limit } => {
                Diagnostic::new("range", format!("`{}` must have at most {limit} entries", name(None)))
            }
            ValidationErrorKind::UniqueItems => {
                Diagnostic::new("range", format!("`{}` must not hold the same item twice", name(None)))
            }
            ValidationErrorKind::FalseSchema => {
                Diagnostic::new("unknown-key", format!("`{}` is not allowed here", name(None)))
            }
            ValidationErrorKind::PropertyNames { error } => {
                Diagnostic::new("pattern", format!("a key of `{}` is not allowed: {error}", name(None)))
            }
            _ => Diagnostic::new("schema-rule", format!("`{}`: {error}", name(None))),
        };
        diagnostic = diagnostic.at_maybe(origin, "");
        if let Some(node) = node {
            for lost in node.origins.iter().rev().skip(1) {
                diagnostic = diagnostic.also(*lost, "a layer below set it here");
            }
        }
        if let Some(rule_origin) = rule_origin {
            diagnostic = diagnostic.also(rule_origin, "the schema asks for this");
        }
        if let Some(described) = described {
            diagnostic = diagnostic.help(described.to_owned());
        }
        mistakes.push(diagnostic);
    }

    /// The schema object that holds a keyword, and the keyword's place. Follows `$ref`.
    fn rule(&self, segments: &[String]) -> (Option<&Json>, Option<Origin>) {
        let Some((_, owner)) = segments.split_last() else { return (None, None) };
        let mut json = &self.json;
        let mut node = &self.source;
        for segment in owner {
            if segment == "$ref" {
                let Some((target, place)) = self.resolve(json, node) else { return (None, None) };
                (json, node) = (target, place);
                continue;
            }
            let next = match json {
                Json::Object(map) => map.get(segment),
                Json::Array(items) => segment.parse::<usize>().ok().and_then(|i| items.get(i)),
                _ => None,
            };
            match (next, node.at([segment.as_str()])) {
                (Some(value), Some(place)) => (json, node) = (value, place),
                _ => return (None, None),
            }
        }
        let keyword = segments.last().and_then(|keyword| node.key_origin(keyword)).or(node.origin());
        (Some(json), keyword)
    }

    fn resolve<'a>(&'a self, json: &Json, _node: &Node) -> Option<(&'a Json, &'a Node)> {
        let reference = json.get("$ref")?.as_str()?.strip_prefix('#')?;
        let target = self.json.pointer(reference)?;
        let segments = path::from_pointer(reference);
        Some((target, self.source.at(segments.iter().map(String::as_str))?))
    }

    fn dereferenced<'a>(&'a self, schema: &'a Json) -> &'a Json {
        let mut schema = schema;
        // A chain of references longer than this is a loop.
        for _ in 0..16 {
            let Some(target) = schema
                .get("$ref")
                .and_then(Json::as_str)
                .and_then(|reference| reference.strip_prefix('#'))
                .and_then(|pointer| self.json.pointer(pointer))
            else {
                return schema;
            };
            schema = target;
        }
        schema
    }

    /// A value with every declared property present: the default, an object of defaults, or null.
    fn fill(&self, schema: &Json, value: Option<Json>) -> Json {
        self.fill_to(schema, value, 0)
    }

    fn fill_to(&self, schema: &Json, value: Option<Json>, depth: usize) -> Json {
        let default = schema.get("default");
        let schema = self.dereferenced(schema);
        let value = match value.or_else(|| default.cloned()).or_else(|| schema.get("default").cloned()) {
            Some(value) => value,
            None if depth < 32 && stands_alone(schema) => Json::Object(JsonMap::new()),
            None => return Json::Null,
        };
        match value {
            Json::Object(mut map) if depth < 32 => {
                let declared = schema.get("properties").and_then(Json::as_object);
                let mut filled: BTreeMap<String, Json> = BTreeMap::new();
                if let Some(declared) = declared {
                    for (key, property) in declared {
                        filled.insert(key.clone(), self.fill_to(property, map.remove(key), depth + 1));
                    }
                }
                let additional = schema.get("additionalProperties").filter(|s| s.is_object());
                let patterns = schema.get("patternProperties").and_then(Json::as_object);
                for (key, value) in map {
                    let by_pattern = patterns.and_then(|patterns| {
                        patterns.iter().find(|(pattern, _)| matches_pattern(pattern, &key)).map(|(_, schema)| schema)
                    });
                    let value = match by_pattern.or(additional) {
                        Some(schema) => self.fill_to(schema, Some(value), depth + 1),
                        None => value,
                    };
                    filled.insert(key, value);
                }
                Json::Object(filled.into_iter().collect())
            }
            Json::Array(items) if depth < 32 => match schema.get("items") {
                Some(schema) => {
                    Json::Array(items.into_iter().map(|item| self.fill_to(schema, Some(item), depth + 1)).collect())
                }
                None => Json::Array(items),
            },
            value => value,
        }
    }

    /// All properties in the schema's order of keys, for the settings table.
    pub fn properties(&self) -> Vec<Property> {
        let mut rows = Vec::new();
        self.collect(&self.json, "", 0, &mut rows);
        rows
    }

    fn collect(&self, schema: &Json, prefix: &str, depth: usize, rows: &mut Vec<Property>) {
        let schema = self.dereferenced(schema);
        if depth > 8 {
            return;
        }
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Json::as_array)
            .map(|names| names.iter().filter_map(Json::as_str).collect())
            .unwrap_or_default();
        let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return };
        for (key, property) in properties {
            let target = self.dereferenced(property);
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            let text = |name: &str| property.get(name).or_else(|| target.get(name));
            rows.push(Property {
                path: path.clone(),
                kind: kind_in_words(target),
                default: text("default").cloned(),
                description: text("description").and_then(Json::as_str).unwrap_or_default().trim().to_owned(),
                required: required.contains(&key.as_str()),
            });
            self.collect(target, &path, depth + 1, rows);
            let nested = target.get("additionalProperties").filter(|s| s.is_object());
            let patterned = target.get("patternProperties").and_then(Json::as_object).and_then(|p| p.values().next());
            if let Some(nested) = nested.or(patterned) {
                self.collect(nested, &format!("{path}.*"), depth + 1, rows);
            }
            if let Some(items) = target.get("items") {
                self.collect(items, &format!("{path}[]"), depth + 1, rows);
            }
        }
    }
}

/// What is wrong with a schema that cannot be compiled, at the keyword that says it.
fn broken(file: FileId, source: &Node, json: &Json, error: &jsonschema::ValidationError<'_>) -> Diagnostic {
    let dialect = "the dialect is JSON Schema 2020-12: https://json-schema.org/understanding-json-schema";
    let start = source.origin().unwrap_or(Origin::start_of(file));
    if let Some((at, reference)) = dangling(json, json, &mut Vec::new()) {
        let origin = source.at(at.iter().map(String::as_str)).and_then(Node::origin).unwrap_or(start);
        return match reference.starts_with('#') {
            true => Diagnostic::new("schema", format!("`$ref` names `{reference}`, which is not in this schema"))
                .at(origin, "")
                .help("definitions stand under `$defs`, and are named `#/$defs/<name>`"),
            false => Diagnostic::new("schema", format!("`$ref` names `{reference}`, which is outside of this schema"))
                .at(origin, "")
                .help("nothing is fetched: copy what you need to `$defs`, and name it `#/$defs/<name>`"),
        };
    }
    let at = path::from_pointer(error.instance_path().as_str());
    let node = source.at(at.iter().map(String::as_str));
    let value = at.iter().try_fold(json, |value, segment| match value {
        Json::Array(items) => items.get(segment.parse::<usize>().ok()?),
        other => other.get(segment),
    });
    let shown = shorten(&value.map_or_else(|| "nothing".to_owned(), Json::to_string));
    // An item of `required` is a matter of `required`; a property is one of `properties`.
    let keyword = at.iter().rev().find(|segment| segment.parse::<usize>().is_err());
    let keyword = keyword.map_or("the schema", String::as_str);
    let wanted = match error.kind() {
        _ if keyword == "type" => Some(format!("one of {}, or a list of them", list_words(&TYPES))),
        ValidationErrorKind::Type { kind } => Some(type_words(kind)),
        ValidationErrorKind::Format { format } if format == "regex" => Some("a regular expression".to_owned()),
        ValidationErrorKind::Format { format } => Some(format!("a valid {format}")),
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> = options.as_array().into_iter().flatten().map(plain_json).collect();
            Some(format!("one of {}", list_words(&options.iter().map(String::as_str).collect::<Vec<_>>())))
        }
        ValidationErrorKind::Minimum { limit } => Some(format!("at least {limit}")),
        ValidationErrorKind::ExclusiveMinimum { limit } => Some(format!("more than {limit}")),
        ValidationErrorKind::UniqueItems => Some("a list without the same item twice".to_owned()),
        ValidationErrorKind::MinItems { limit } => Some(format!("a list of at least {limit}")),
        _ => None,
    };
    let message = match wanted {
        Some(wanted) => format!("`{}` must be {wanted}, found {shown}", path::join(&at)),
        None => format!("`{}` cannot be {shown}: `{keyword}` does not allow that", path::join(&at)),
    };
    let mut diagnostic = Diagnostic::new("schema", format!("this is not a JSON Schema: {message}"))
        .at(node.and_then(Node::origin).unwrap_or(start), "");
    if keyword == "type" {
        let given = match value {
            Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).find(|item| !TYPES.contains(item)),
            other => other.and_then(Json::as_str),
        };
        diagnostic = diagnostic.did_you_mean(given.unwrap_or_default(), TYPES);
    }
    diagnostic.help(dialect)
}

/// What `type` can say.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// A `$ref` that leads nowhere, and its path.
fn dangling(root: &Json, schema: &Json, at: &mut Vec<String>) -> Option<(Vec<String>, String)> {
    match schema {
        Json::Object(map) => map.iter().find_map(|(key, value)| {
            at.push(key.clone());
            let found = match (key.as_str(), value.as_str()) {
                ("$ref", Some(target)) => {
                    let known = match target.strip_prefix('#') {
                        Some(pointer) if pointer.is_empty() || pointer.starts_with('/') => {
                            root.pointer(pointer).is_some()
                        }
                        // `$anchor` and `$id` are ways to name things that are not looked into here.
                        Some(_) => true,
                        None => root.get("$id").is_some(),
                    };
                    (!known).then(|| (at.clone(), target.to_owned()))
                }
                // Values, in which `$ref` means nothing.
                _ if matches!(key.as_str(), "default" | "examples" | "const" | "enum") => None,
                _ => dangling(root, value, at),
            };
            at.pop();
            found
        }),
        Json::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            at.push(index.to_string());
            let found = dangling(root, item, at);
            at.pop();
            found
        }),
        _ => None,
    }
}

/// The same value without map entries that are null.
pub fn without_nulls(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            Json::Object(map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

fn matches_pattern(pattern: &str, key: &str) -> bool {
    regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(key))
}

/// Whether an object may be left out although it has properties: then its own defaults count.
fn stands_alone(schema: &Json) -> bool {
    schema.get("properties").is_some()
        && schema.get("required").and_then(Json::as_array).is_none_or(Vec::is_empty)
        && schema.get("type").and_then(Json::as_str) == Some("object")
}

fn type_words(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => type_word(*kind).to_owned(),
        TypeKind::Multiple(kinds) => {
            let words: Vec<&str> = kinds.iter().map(type_word).collect();
            words.join(" or ")
        }
    }
}

fn type_word(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "a list",
        JsonType::Boolean => "a boolean (`true` or `false`)",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "a map",
        JsonType::String => "a string",
    }
}

fn kind_word(value: Option<&Json>) -> &'static str {
    match value {
        Some(Json::Array(_)) => "the list",
        Some(Json::Bool(_)) => "the boolean",
        Some(Json::Number(_)) => "the number",
        Some(Json::Object(_)) => "the map",
        Some(Json::String(_)) => "the string",
        Some(Json::Null) | None => "",
    }
}

fn plain_json(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.to_owned();
    }
    text.chars().take(57).chain("...".chars()).collect()
}

fn lower_first(text: &str) -> String {
    let mut chars = text.trim().chars();
    match chars.next() {
        // `IAM role` keeps its capital: only a word in sentence case is lowered.
        Some(first) if chars.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.trim().to_owned(),
    }
}

/// `a`, `b` and `c`.
pub fn list_words(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

fn kind_in_words(schema: &Json) -> String {
    if let Some(options) = schema.get("enum").and_then(Json::as_array) {
        return options.iter().map(plain_json).collect::<Vec<_>>().join(" | ");
    }
    let base = match schema.get("type") {
        Some(Json::String(kind)) => kind.clone(),
        Some(Json::Array(kinds)) => kinds.iter().map(plain_json).collect::<Vec<_>>().join(" or "),
        _ if schema.get("properties").is_some() => "object".to_owned(),
        _ => "any".to_owned(),
    };
    match base.as_str() {
        "array" => {
            let item = schema.get("items").map_or_else(|| "any".to_owned(), kind_in_words);
            format!("list of {item}")
        }
        "object" => match schema.get("additionalProperties") {
            Some(nested) if nested.is_object() => format!("map of {}", kind_in_words(nested)),
            _ => "object".to_owned(),
        },
        _ => base,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn schema(text: &str) -> Schema {
        Schema::compile(FileId(1), parse(FileId(1), text).unwrap()).unwrap()
    }

    const SCHEMA: &str = "
type: object
additionalProperties: false
required: [email]
properties:
  email: {type: string, description: Where to send notices}
  replicas: {type: integer, minimum: 1, maximum: 5, default: 2}
  mode: {enum: [sidecar, ambient], default: sidecar}
  optional: {type: string}
  nested:
    type: object
    additionalProperties: false
    properties:
      on: {type: boolean, default: false}
  ports:
    type: object
    additionalProperties: {$ref: '#/$defs/port'}
$defs:
  port:
    type: object
    additionalProperties: false
    required: [number]
    properties:
      number: {type: integer}
      protocol: {type: string, default: TCP}
";

    #[test]
    fn every_declared_property_is_present_afterwards() {
        let mut mistakes = Diagnostics::new();
        let tree = parse(FileId(0), "{email: x, ports: {a: {number: 1}}, optional: null}").unwrap();
        let filled = schema(SCHEMA).check(Some(&tree), "s", None, &mut mistakes);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        assert_eq!(
            filled,
            serde_json::json!({
                "email": "x", "replicas": 2, "mode": "sidecar", "optional": null, "nested": {"on": false},
                "ports": {"a": {"number": 1, "protocol": "TCP"}},
            })
        );
    }

    #[test]
    fn a_default_that_does_not_fit_is_a_mistake_in_the_schema() {
        let mut mistakes = Diagnostics::new();
        let schema = schema("type: object\nproperties:\n  a: {type: integer, default: none}");
        schema.check(None, "s", None, &mut mistakes);
        let found: Vec<&str> = mistakes.iter().map(|m| m.message.as_str()).collect();
        assert_eq!(found, ["the default of `a` does not fit its own schema: \"none\" is not of type \"integer\""]);
        assert!(mistakes.iter().all(|m| m.at.as_ref().is_some_and(|(origin, _)| origin.line == 3)));
    }

    #[test]
    fn a_broken_schema_is_explained_at_its_keyword() {
        let cases = [
            ("required: host", 2, "`required` must be a list, found \"host\""),
            (
                "properties: {a: {type: strin}}",
                2,
                "`properties.a.type` must be one of `array`, `boolean`, `integer`, `null`, `number`, `object` and `string`, or a list of them, found \"strin\"",
            ),
            ("properties: {a: {pattern: '('}}", 2, "`properties.a.pattern` must be a regular expression, found \"(\""),
            ("properties: {a: {minLength: -1}}", 2, "`properties.a.minLength` must be at least 0, found -1"),
            ("properties: {a: 3}", 2, "`properties.a` must be a boolean (`true` or `false`) or a map, found 3"),
        ];
        for (text, line, wanted) in cases {
            let parsed = parse(FileId(1), &format!("type: object\n{text}\n")).unwrap();
            let found = Schema::compile(FileId(1), parsed).unwrap_err();
            assert_eq!(found.message, format!("this is not a JSON Schema: {wanted}"));
            assert_eq!(found.at.map(|(origin, _)| origin.line), Some(line), "{text}");
        }
        for reference in ["#/$defs/a", "https://example.com/a.json"] {
            let parsed = parse(FileId(1), &format!("properties:\n  a: {{$ref: '{reference}'}}\n")).unwrap();
            let found = Schema::compile(FileId(1), parsed).unwrap_err();
            assert!(found.message.starts_with(&format!("`$ref` names `{reference}`")), "{}", found.message);
            assert_eq!(found.at.map(|(origin, _)| origin.line), Some(2));
        }
    }

    #[test]
    fn what_is_missing_is_missing_in_the_map_that_is_named() {
        let parse = |file: u32, text: &str| std::sync::Arc::new(parse(FileId(file), text).unwrap());
        let mut mistakes = Diagnostics::new();
        let below = parse(0, "ports:\n  a:\n    protocol: UDP\n");
        let tree = crate::values::overlay::lay(&below, &parse(2, "email: x\nports:\n  a:\n    {}\n"), &mut mistakes);
        schema(SCHEMA).check(Some(&tree), "s", None, &mut mistakes);
        let places: Vec<_> = mistakes
            .iter()
            .map(|m| {
                let place = |origin: &Origin| (origin.file.0, origin.line);
                (m.at.as_ref().map(|(o, _)| place(o)), m.also.iter().map(|(o, _)| place(o)).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(places, [(Some((2, 3)), vec![(0, 3)])]);
    }

    #[test]
    fn every_violation_is_a_mistake_at_its_line() {
        let cases = [
            ("{}", "`s.email` is required and not set"),
            ("{email: x, replica: 1}", "unknown key `s.replica`"),
            ("{email: x, replicas: three}", "`s.replicas` must be an integer, found the string \"three\""),
            ("{email: x, replicas: 9}", "`s.replicas` must be at most 5, found 9"),
            ("{email: x, mode: sidcar}", "`s.mode` must be one of `sidecar` and `ambient`, found \"sidcar\""),
            ("{email: x, ports: {a: {nummer: 1, number: 1}}}", "unknown key `s.ports.a.nummer`"),
        ];
        for (text, wanted) in cases {
            let mut mistakes = Diagnostics::new();
            let tree = parse(FileId(0), text).unwrap();
            schema(SCHEMA).check(Some(&tree), "s", None, &mut mistakes);
            let found: Vec<&str> = mistakes.iter().map(|m| m.message.as_str()).collect();
            assert_eq!(found, [wanted], "{text}");
            assert!(mistakes.iter().all(|m| m.at.is_some()), "{text}");
        }
    }
}
