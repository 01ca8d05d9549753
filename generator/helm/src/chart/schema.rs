//! `values.schema.json`: what values may be, with the mistakes in the words of the library that Helm uses.
//!
//! Whether values fit is certain; the words are those of Helm for what schemas of charts use, but for mistakes within `allOf`,
//! `if` and `dependentSchemas`, which are listed one by one. Helm lists properties in any order; here they are sorted. What a schema
//! has elsewhere (`$ref` to a URL) is not fetched and takes everything.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Retrieve, Uri, ValidationError, Validator};
use serde_json::Value as Json;

use super::plain;
use super::text::to_json;
use super::values::Tree;
use crate::value::{Map, Value};

/// Schemas from elsewhere, which take everything.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, _uri: &Uri<String>) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Json::Bool(true))
    }
}

/// Schemas that were compiled, or why they could not be, by where their bytes lie in memory.
#[derive(Debug, Default)]
pub(crate) struct Schemas(Mutex<HashMap<usize, Arc<Schema>>>);

/// A schema that is compiled once. The bytes are held, so that nothing else comes to lie where they do.
#[derive(Debug)]
struct Schema {
    bytes: Arc<[u8]>,
    /// What it says, where that can be told without compiling it.
    plain: OnceLock<Option<Json>>,
    compiled: OnceLock<Result<Validator, String>>,
}

impl Schemas {
    fn of(&self, bytes: &Arc<[u8]>) -> Arc<Schema> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Schema { bytes: Arc::clone(bytes), plain: OnceLock::new(), compiled: OnceLock::new() });
        Arc::clone(known.entry(bytes.as_ptr() as usize).or_insert_with(new))
    }
}

impl Schema {
    /// Whether values fit for sure, which takes no compiling where the schema is plain.
    fn fits(&self, values: &Json) -> bool {
        let read = || serde_json::from_slice(&self.bytes).ok().filter(plain::is_plain);
        self.plain.get_or_init(read).as_ref().and_then(|schema| plain::fits(schema, values)) == Some(true)
    }

    fn compiled(&self) -> Result<&Validator, String> {
        let compiled = self.compiled.get_or_init(|| {
            let schema: Json = serde_json::from_slice(&self.bytes).map_err(|error| error.to_string())?;
            jsonschema::options().with_retriever(Nowhere).build(&schema).map_err(|error| error.to_string())
        });
        compiled.as_ref().map_err(Clone::clone)
    }
}

/// All that is wrong with the values of a chart and its subcharts; empty where nothing is.
pub(crate) fn check(tree: &Tree, at: usize, values: &Map, schemas: &Schemas) -> String {
    let node = &tree.nodes[at];
    let mut found = String::new();
    if let Some(schema) = &node.chart.schema
        && let Err(mistakes) = check_one(&schemas.of(schema), values)
    {
        let _ = write!(found, "{}:\n{mistakes}", node.name);
    }
    for child in &node.children {
        let name = &tree.nodes[*child].name;
        match values.get(name) {
            None | Some(Value::Nil) => {}
            Some(Value::Map(values)) => found.push_str(&check(tree, *child, &values, schemas)),
            Some(other) => {
                let got = other.type_name();
                let _ = write!(found, "{name}:\ninvalid type for values: expected object (map), got {got}\n");
            }
        }
    }
    found
}

fn check_one(schema: &Schema, values: &Map) -> Result<(), String> {
    let values = to_json(&Value::Map(values.clone()));
    if schema.fits(&values) {
        return Ok(());
    }
    let validator = schema.compiled()?;
    let mut root = Place::default();
    for error in validator.iter_errors(&values) {
        root.add(&error);
    }
    if root.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    for mistake in root.list("") {
        mistake.write(&mut text, 0);
    }
    Err(text)
}

/// A place in the values, with what is wrong there and below.
#[derive(Default)]
struct Place {
    own: Vec<Mistake>,
    missing: Vec<String>,
    /// Nothing else is looked at where the type or the value is wrong.
    decided: bool,
    below: BTreeMap<String, Place>,
}

struct Mistake {
    at: String,
    message: String,
    causes: Vec<Mistake>,
}

impl Mistake {
    fn write(&self, to: &mut String, indent: usize) {
        let _ = writeln!(to, "{}- at {}: {}", "  ".repeat(indent), quote(&self.at), self.message);
        for cause in &self.causes {
            cause.write(to, indent + 1);
        }
    }
}

impl Place {
    fn add(&mut self, error: &ValidationError<'_>) {
        let path = error.instance_path().to_string();
        let mut place = self;
        for part in path.split('/').skip(1) {
            place = place.below.entry(part.to_owned()).or_default();
        }
        let decides = matches!(error.kind(), Kind::Type { .. } | Kind::Enum { .. } | Kind::Constant { .. });
        if place.decided {
            return;
        }
        if decides {
            place.decided = true;
            place.own.clear();
            place.missing.clear();
        }
        if let Kind::Required { property } = error.kind() {
            place.missing.push(property.as_str().unwrap_or_default().to_owned());
            return;
        }
        let causes = match error.kind() {
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => context
                .iter()
                .flat_map(|errors| {
                    let mut branch = Place::default();
                    errors.iter().for_each(|error| branch.add(error));
                    branch.within(&path)
                })
                .collect(),
            _ => Vec::new(),
        };
        place.own.push(Mistake { at: path, message: message(error), causes });
    }

    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.missing.is_empty() && self.below.values().all(Place::is_empty)
    }

    /// What is wrong here and below, one by one.
    fn list(self, at: &str) -> Vec<Mistake> {
        let mut all = Vec::new();
        if !self.missing.is_empty() {
            let plural = if self.missing.len() == 1 { "property" } else { "properties" };
            let message = format!("missing {plural} {}", quoted(&self.missing));
            all.push(Mistake { at: at.to_owned(), message, causes: Vec::new() });
        }
        let (values, objects): (Vec<_>, Vec<_>) =
            self.own.into_iter().partition(|mistake| !mistake.message.starts_with("additional properties"));
        all.extend(values);
        for (name, place) in self.below {
            all.extend(place.grouped(&format!("{at}/{name}")));
        }
        all.extend(objects);
        all
    }

    /// The same as one mistake, where there are several.
    fn grouped(self, at: &str) -> Option<Mistake> {
        let mut all = self.list(at);
        if all.len() < 2 {
            return all.pop();
        }
        Some(Mistake { at: at.to_owned(), message: "validation failed".to_owned(), causes: all })
    }

    /// What is wrong below a path that all mistakes have in common.
    fn within(mut self, path: &str) -> Option<Mistake> {
        for part in path.split('/').skip(1) {
            self = self.below.remove(part).unwrap_or_default();
        }
        self.grouped(path)
    }
}

/// Text in single quotes.
fn quote(text: &str) -> String {
    let text = format!("{text:?}").replace("\\\"", "\"").replace("\\'", "'").replace('\'', "\\'");
    format!("'{}'", &text[1..text.len() - 1])
}

fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(", ")
}

fn display(value: &Json) -> String {
    match value {
        Json::String(text) => quote(text),
        Json::Array(_) | Json::Object(_) => "value".to_owned(),
        Json::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

/// A number with commas between thousands, as in English.
fn number(value: f64) -> String {
    let text = format!("{value}");
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |text| ("-", text));
    let (whole, fraction) = text.split_once('.').map_or((text, ""), |(whole, fraction)| (whole, fraction));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{fraction}")
}

fn message(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    let length = || match value.as_ref() {
        Json::String(text) => text.chars().count(),
        Json::Array(items) => items.len(),
        Json::Object(entries) => entries.len(),
        _ => 0,
    };
    let bound =
        |word: &str, limit: &u64| format!("{word}: got {}, want {}", number(length() as f64), number(*limit as f64));
    let limit = |word: &str, limit: &Json| {
        let (got, want) = (value.as_f64().unwrap_or_default(), limit.as_f64().unwrap_or_default());
        format!("{word}: got {}, want {}", number(got), number(want))
    };
    match error.kind() {
        Kind::AdditionalItems { limit } => {
            format!("last {} additionalItem(s) not allowed", length().saturating_sub(*limit))
        }
        Kind::AdditionalProperties { unexpected } => {
            let mut unexpected = unexpected.clone();
            unexpected.sort_unstable();
            format!("additional properties {} not allowed", quoted(&unexpected))
        }
        Kind::AnyOf { .. } => "'anyOf' failed".to_owned(),
        Kind::OneOfNotValid { .. } => "'oneOf' failed, none matched".to_owned(),
        Kind::OneOfMultipleValid { context } => {
            let valid: Vec<String> =
                (0..context.len()).filter(|at| context[*at].is_empty()).take(2).map(|at| at.to_string()).collect();
            format!("'oneOf' failed, subschemas {} matched", valid.join(", "))
        }
        Kind::Constant { expected_value } => match expected_value.as_ref() {
            Json::Array(_) | Json::Object(_) => "const failed".to_owned(),
            wanted => format!("value must be {}", display(wanted)),
        },
        Kind::Contains => "no items match contains schema".to_owned(),
        Kind::Enum { options } => match options.as_array().map(Vec::as_slice) {
            Some(options) if options.iter().any(|option| option.is_array() || option.is_object()) => {
                "enum failed".to_owned()
            }
            Some([one]) => format!("value must be {}", display(one)),
            Some(options) => {
                let options: Vec<String> = options.iter().map(display).collect();
                format!("value must be one of {}", options.join(", "))
            }
            None => "enum failed".to_owned(),
        },
        Kind::ExclusiveMaximum { limit: most } => limit("exclusiveMaximum", most),
        Kind::ExclusiveMinimum { limit: least } => limit("exclusiveMinimum", least),
        Kind::Maximum { limit: most } => limit("maximum", most),
        Kind::Minimum { limit: least } => limit("minimum", least),
        Kind::MultipleOf { multiple_of } => {
            format!("multipleOf: got {}, want {}", number(value.as_f64().unwrap_or_default()), number(*multiple_of))
        }
        Kind::FalseSchema => "false schema".to_owned(),
        Kind::Format { format } => format!("{} is not valid {format}: {error}", display(value)),
        Kind::MaxItems { limit } => bound("maxItems", limit),
        Kind::MaxLength { limit } => bound("maxLength", limit),
        Kind::MaxProperties { limit } => bound("maxProperties", limit),
        Kind::MinItems { limit } => bound("minItems", limit),
        Kind::MinLength { limit } => bound("minLength", limit),
        Kind::MinProperties { limit } => bound("minProperties", limit),
        Kind::Not { .. } => "'not' failed".to_owned(),
        Kind::Pattern { pattern } => format!("{} does not match pattern {}", display(value), quote(pattern)),
        Kind::PropertyNames { error } => format!("invalid propertyName {}", display(error.instance())),
        Kind::Required { .. } => "missing property".to_owned(),
        Kind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(kind) => kind.to_string(),
                TypeKind::Multiple(kinds) => kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(" or "),
            };
            let got = match value.as_ref() {
                Json::Null => "null",
                Json::Bool(_) => "boolean",
                Json::Number(_) => "number",
                Json::String(_) => "string",
                Json::Array(_) => "array",
                Json::Object(_) => "object",
            };
            format!("got {got}, want {wanted}")
        }
        Kind::UnevaluatedProperties { unexpected } => {
            let mut unexpected = unexpected.clone();
            unexpected.sort_unstable();
            format!("additional properties {} not allowed", quoted(&unexpected))
        }
        Kind::UniqueItems => match value.as_array() {
            Some(items) => {
                let twice = (0..items.len())
                    .find_map(|last| items[..last].iter().position(|item| *item == items[last]).map(|at| (at, last)));
                let (first, second) = twice.unwrap_or_default();
                format!("items at {first} and {second} are equal")
            }
            None => error.to_string(),
        },
        _ => error.to_string(),
    }
}
