//! Whether values fit a schema that is plain, at a small part of what it costs to compile any schema.
//!
//! Most schemas of charts say of which type values are, what an object has, and which texts there are to choose from. A look at schema
//! and values together is enough for those. Wherever it meets something that it is not sure about (another keyword, a schema that
//! might be a mistake, values that do not fit), it gives up, and the schema is compiled. So it never decides that values are wrong.

use serde_json::{Map, Value as Json};

/// References to references, and schemas within schemas: more are not followed.
const DEPTH: usize = 200;

/// The schemas of schemas that say the same of all that is looked at here.
const DIALECTS: &[&str] = &[
    "http://json-schema.org/schema",
    "http://json-schema.org/draft-07/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
];

const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];

/// Whether a schema has nothing in it that is not looked at here, and is no mistake.
pub(super) fn is_plain(schema: &Json) -> bool {
    plain(schema, schema, 0)
}

fn plain(schema: &Json, root: &Json, depth: usize) -> bool {
    let entries = match schema {
        Json::Bool(_) => return depth > 0,
        Json::Object(entries) if depth < DEPTH => entries,
        _ => return false,
    };
    let within = |schema: &Json| plain(schema, root, depth + 1);
    let all_within = |schemas: &Json| schemas.as_object().is_some_and(|schemas| schemas.values().all(within));
    entries.iter().all(|(keyword, value)| match keyword.as_str() {
        "$schema" => {
            let known = |dialect: &str| DIALECTS.contains(&dialect.strip_suffix('#').unwrap_or(dialect));
            depth == 0 && value.as_str().is_some_and(known)
        }
        // A name for the whole changes nothing about what lies within.
        "$id" => {
            let elsewhere = |id: &str| id.starts_with("http") && !id.contains("json-schema.org") && !id.contains('#');
            depth == 0
                && value.as_str().is_some_and(|id| elsewhere(id) && id.bytes().all(|byte| byte.is_ascii_graphic()))
        }
        "$ref" => value.as_str().is_some_and(|to| target(root, to).is_some()),
        "$comment" | "title" | "description" => value.is_string(),
        "default" => true,
        "examples" => value.is_array(),
        "type" => match value {
            Json::String(name) => TYPES.contains(&name.as_str()),
            Json::Array(names) => {
                let known = |name: &Json| name.as_str().is_some_and(|name| TYPES.contains(&name));
                !names.is_empty() && names.iter().all(known) && unique(names)
            }
            _ => false,
        },
        "enum" => value.as_array().is_some_and(|values| !values.is_empty() && unique(values)),
        "required" => value.as_array().is_some_and(|names| names.iter().all(Json::is_string) && unique(names)),
        "minimum" | "maximum" => value.is_number(),
        "minItems" | "maxItems" | "minLength" | "maxLength" => value.is_u64(),
        "uniqueItems" => value.is_boolean(),
        "properties" | "definitions" | "$defs" => all_within(value),
        "items" | "additionalProperties" => within(value),
        "allOf" | "anyOf" | "oneOf" => {
            value.as_array().is_some_and(|schemas| !schemas.is_empty() && schemas.iter().all(within))
        }
        _ => false,
    })
}

fn unique(values: &[Json]) -> bool {
    values.iter().enumerate().all(|(at, value)| !values[..at].contains(value))
}

/// What a reference stands for: only what lies among the definitions of the whole.
fn target<'s>(root: &'s Json, to: &str) -> Option<&'s Json> {
    let (place, name) = to.strip_prefix("#/")?.split_once('/')?;
    let plain = matches!(place, "definitions" | "$defs") && !name.contains(['/', '~', '%']);
    plain.then(|| root.get(place)?.get(name)).flatten()
}

/// Whether a value fits a plain schema; none where only the compiled schema can tell.
pub(super) fn fits(schema: &Json, value: &Json) -> Option<bool> {
    fit(schema, value, schema, 0)
}

fn fit(schema: &Json, value: &Json, root: &Json, depth: usize) -> Option<bool> {
    let entries = match schema {
        Json::Bool(any) => return Some(*any),
        Json::Object(entries) if depth < DEPTH => entries,
        _ => return None,
    };
    if let Some(to) = entries.get("$ref") {
        // What stands beside it counts for some dialects, and for others it does not.
        let says_nothing = |keyword: &String| {
            matches!(
                keyword.as_str(),
                "$ref"
                    | "$schema"
                    | "$defs"
                    | "definitions"
                    | "$comment"
                    | "title"
                    | "description"
                    | "default"
                    | "examples"
            )
        };
        let to = target(root, to.as_str()?).filter(|_| entries.keys().all(says_nothing))?;
        return fit(to, value, root, depth + 1);
    }
    let mut fits = true;
    for (keyword, of) in entries {
        fits &= keyword_fits(keyword, of, entries, value, root, depth)?;
    }
    Some(fits)
}

fn keyword_fits(
    keyword: &str,
    of: &Json,
    schema: &Map<String, Json>,
    value: &Json,
    root: &Json,
    depth: usize,
) -> Option<bool> {
    let within = |schema: &Json, value: &Json| fit(schema, value, root, depth + 1);
    let how_many = |schemas: &Json| -> Option<usize> {
        let fitting = schemas.as_array()?.iter().map(|schema| within(schema, value).map(usize::from));
        fitting.sum()
    };
    Some(match (keyword, value) {
        ("type", _) => match of {
            Json::String(name) => is_of(name, value),
            names => names.as_array()?.iter().filter_map(Json::as_str).any(|name| is_of(name, value)),
        },
        // Numbers may be written in more than one way.
        ("enum", Json::String(_) | Json::Bool(_) | Json::Null) => of.as_array()?.contains(value),
        ("enum", _) => of.as_array()?.contains(value).then_some(true)?,
        ("required", Json::Object(entries)) => {
            of.as_array()?.iter().filter_map(Json::as_str).all(|name| entries.contains_key(name))
        }
        ("minimum", Json::Number(number)) => number.as_f64()? >= of.as_f64()?,
        ("maximum", Json::Number(number)) => number.as_f64()? <= of.as_f64()?,
        ("minItems", Json::Array(items)) => items.len() as u64 >= of.as_u64()?,
        ("maxItems", Json::Array(items)) => items.len() as u64 <= of.as_u64()?,
        ("minLength", Json::String(text)) => text.chars().count() as u64 >= of.as_u64()?,
        ("maxLength", Json::String(text)) => text.chars().count() as u64 <= of.as_u64()?,
        ("uniqueItems", Json::Array(items)) => {
            let texts = items.iter().all(Json::is_string);
            (!of.as_bool()? || items.len() < 2 || texts && unique(items)).then_some(true)?
        }
        ("properties", Json::Object(entries)) => {
            let mut fits = true;
            for (name, schema) in of.as_object()? {
                if let Some(value) = entries.get(name) {
                    fits &= within(schema, value)?;
                }
            }
            fits
        }
        ("additionalProperties", Json::Object(entries)) => {
            let known = schema.get("properties").and_then(Json::as_object);
            let mut fits = true;
            for (_, value) in entries.iter().filter(|(name, _)| !known.is_some_and(|known| known.contains_key(*name))) {
                fits &= within(of, value)?;
            }
            fits
        }
        ("items", Json::Array(items)) => {
            let mut fits = true;
            for item in items {
                fits &= within(of, item)?;
            }
            fits
        }
        ("allOf", _) => how_many(of)? == of.as_array()?.len(),
        ("anyOf", _) => how_many(of)? > 0,
        ("oneOf", _) => how_many(of)? == 1,
        _ => true,
    })
}

/// Whether a value is of a type.
fn is_of(name: &str, value: &Json) -> bool {
    match value {
        Json::Null => name == "null",
        Json::Bool(_) => name == "boolean",
        Json::Number(number) => {
            let whole = || number.as_f64().is_some_and(|number| number.fract() == 0.0);
            name == "number" || name == "integer" && whole()
        }
        Json::String(_) => name == "string",
        Json::Array(_) => name == "array",
        Json::Object(_) => name == "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Json, fits, is_plain};

    /// What is told without compiling is what the compiled schema says.
    #[test]
    fn says_what_the_compiled_schema_says() {
        let schemas = [
            json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "additionalProperties": false}),
            json!({"properties": {"a": {"enum": ["x", 1, null]}}, "required": ["a"], "default": {}}),
            json!({"$ref": "#/$defs/one", "$defs": {"one": {"properties": {"a": {"$ref": "#/$defs/two"}}}, "two": {"type": "integer"}}}),
            json!({"$defs": {"one": {"properties": {"a": {"$ref": "#/$defs/one"}}, "type": "object"}}, "$ref": "#/$defs/one"}),
            json!({"properties": {"a": {"minimum": 1, "maximum": 2, "minLength": 2, "maxItems": 1, "items": {"type": "string"}}}}),
            json!({"properties": {"a": {"oneOf": [{"type": "integer"}, {"type": "number"}, {"type": "string"}]}}}),
            json!({"properties": {"a": {"anyOf": [{"type": "boolean"}, {"maxLength": 1}]}, "b": false}}),
            json!({"properties": {"a": {"allOf": [{"type": ["array", "number"]}, {"uniqueItems": true}]}}}),
            json!({"properties": {"a": true}, "additionalProperties": {"type": "string"}}),
        ];
        let values = [
            json!("x"),
            json!("xy"),
            json!(1),
            json!(1.5),
            json!(3),
            json!(1.0),
            json!(null),
            json!(true),
            json!([]),
            json!(["a", "a"]),
            json!(["a"]),
            json!([1, 2]),
            json!({}),
            json!({"a": {}}),
            json!({"a": 1}),
        ];
        let mut told = 0;
        for schema in &schemas {
            assert!(is_plain(schema), "{schema}");
            let compiled = jsonschema::validator_for(schema).unwrap();
            let with = |value: &Json| [json!({"a": value}), json!({"b": value}), value.clone()];
            for value in values.iter().flat_map(with) {
                if let Some(fits) = fits(schema, &value) {
                    assert_eq!(fits, compiled.is_valid(&value), "{schema} {value}");
                    told += 1;
                }
            }
        }
        assert!(told > 350, "{told} of {}", schemas.len() * values.len() * 3);
    }

    /// What might be a mistake, or means something else, is left to the compiled schema.
    #[test]
    fn leaves_the_rest() {
        let schemas = [
            json!({"type": "text"}),
            json!({"type": []}),
            json!({"required": ["a", "a"]}),
            json!({"required": "a"}),
            json!({"properties": {"a": 1}}),
            json!({"pattern": "a"}),
            json!({"format": "date"}),
            json!({"if": true}),
            json!({"$ref": "#/$defs/none"}),
            json!({"$ref": "https://example.com"}),
            json!({"$id": "a#b"}),
            json!({"enum": []}),
            json!({"$schema": "http://json-schema.org/draft-04/schema#"}),
            json!({"items": [true]}),
            json!({"minItems": -1}),
            json!({"properties": {"a": {"$id": "https://example.com"}}}),
            json!({"unknown": 1}),
            json!(true),
            json!([]),
        ];
        for schema in &schemas {
            assert!(!is_plain(schema), "{schema}");
        }
        let beside = json!({"$ref": "#/$defs/a", "type": "string", "$defs": {"a": true}});
        assert_eq!(fits(&beside, &json!("x")), None);
    }
}
