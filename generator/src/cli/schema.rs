//! `kubezero schema`

use clap::{Args, ValueEnum};
use serde_json::{Map, Value as Json, json};

use super::components::find;
use super::files::mistake;
use super::output::print_json;
use super::{Global, Outcome};
use crate::Result;
use crate::diagnostic::Diagnostic;
use crate::pipeline::repository::{Repository, Wanted, embedded};
use crate::pipeline::source::Folder;

/// Print the JSON Schema of environment.yaml, of component.yaml or of one component's settings
///
/// With it an editor completes and checks these files. For YAML language servers, write
/// `# yaml-language-server: $schema=PATH` as the first line of a file, or map
/// `environments/**/*.yaml` to it in the editor's settings.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_name = "KIND", default_value = "environment", hide_default_value = true)]
    pub kind: Kind,
    /// Component whose settings are meant
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// The kinds of files that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// environment.yaml and overlay.yaml of this repository
    Environment,
    /// component.yaml, or with a name the settings of that component
    Component,
}

/// Runs the command.
pub fn run(global: &Global, args: &SchemaArgs) -> Result<Outcome> {
    let load = || Repository::load(&Folder::new(&global.directory), &Wanted::Only(Vec::new()));
    match (args.kind, &args.name) {
        (Kind::Environment, None) => print_json(&environment(&load()?))?,
        (Kind::Environment, Some(name)) => {
            return Err(mistake(
                Diagnostic::new("usage", "all environments of a repository have the same schema")
                    .help(format!("leave `{name}` out: `kubezero schema environment`")),
            ));
        }
        (Kind::Component, None) => {
            if let Some(schema) = embedded(include_str!("../schemas/component.schema.yaml"), None) {
                print_json(schema.json())?;
            }
        }
        (Kind::Component, Some(name)) => print_json(find(&load()?, name)?.schema.json())?,
    }
    Ok(Outcome::Fine)
}

/// The schema of overlays: what the program knows of them, with this repository's facts, layers and
/// components in their places.
pub fn environment(repository: &Repository) -> Json {
    let mut schema = repository.overlay_form().json().clone();
    let mut definitions = schema["$defs"].as_object().cloned().unwrap_or_default();
    definitions.insert("environment".to_owned(), part(repository.environment_schema().json(), "environment"));
    for block in ["cluster", "argocd"] {
        if repository.environment_schema().json()["properties"].get(block).is_some() {
            schema["properties"][block] = json!({"$ref": format!("#/$defs/environment/properties/{block}")});
        }
    }
    let layers: Vec<String> = repository.layers().keys().map(|name| format!("layers/{name}")).collect();
    if !layers.is_empty() {
        schema["properties"]["extends"]["items"] = json!({"enum": layers});
    }

    let entry = definitions.remove("entry").unwrap_or_default();
    let mut components = Map::new();
    for (name, component) in repository.components() {
        let definition = format!("settings-{name}");
        let mut own = entry.clone();
        own["description"] = json!(component.description);
        own["properties"]["settings"] = json!({
            "$ref": format!("#/$defs/{definition}"),
            "description": format!("Settings of {name}"),
        });
        let version = own["properties"]["charts"]["additionalProperties"].clone();
        let keys = || component.charts.iter().map(|chart| chart.key.clone());
        own["properties"]["charts"]["properties"] = keys().map(|key| (key, version.clone())).collect();
        own["properties"]["charts"]["additionalProperties"] = json!(false);
        if component.charts.len() > 1 {
            let values = json!({"type": ["object", "null"]});
            own["properties"]["values"]["properties"] = keys().map(|key| (key, values.clone())).collect();
            own["properties"]["values"]["additionalProperties"] = json!(false);
        }
        components.insert(name.clone(), own);
        definitions.insert(definition.clone(), part(component.schema.json(), &definition));
    }
    schema["properties"]["components"]["properties"] = Json::Object(components);
    schema["properties"]["components"]["additionalProperties"] = json!(false);
    schema["$defs"] = Json::Object(definitions);
    schema
}

/// A whole schema as a definition of another one: references rebased, and demands dropped that only the sum
/// of all layers can meet.
fn part(schema: &Json, name: &str) -> Json {
    let mut schema = schema.clone();
    relax(&mut schema, &format!("#/$defs/{name}"), true);
    if let Json::Object(map) = &mut schema {
        for key in ["$schema", "$id", "title"] {
            map.remove(key);
        }
    }
    schema
}

/// `layered`: whether several layers share the value. A list is replaced whole, so its items are complete.
fn relax(schema: &mut Json, base: &str, layered: bool) {
    let Json::Object(map) = schema else { return };
    if let Some(Json::String(reference)) = map.get_mut("$ref")
        && let Some(local) = reference.strip_prefix('#')
    {
        *reference = format!("{base}{local}");
    }
    if layered {
        let partial =
            ["required", "minProperties", "dependentRequired", "dependentSchemas", "if", "then", "else", "not"];
        for key in partial {
            map.remove(key);
        }
        // Without their `required` several alternatives may fit at once.
        if let Some(alternatives) = map.remove("oneOf") {
            map.insert("anyOf".to_owned(), alternatives);
        }
        // `null` takes back what a layer below has set.
        match map.get_mut("type") {
            Some(Json::Array(kinds)) if !kinds.contains(&json!("null")) => kinds.push(json!("null")),
            Some(Json::String(kind)) if kind != "null" => {
                let both = json!([kind, "null"]);
                map.insert("type".to_owned(), both);
            }
            _ => {}
        }
        if let Some(Json::Array(options)) = map.get_mut("enum")
            && !options.contains(&Json::Null)
        {
            options.push(Json::Null);
        }
        if let Some(value) = map.remove("const") {
            map.insert("enum".to_owned(), json!([value, null]));
        }
    }
    for (key, value) in map.iter_mut() {
        match (key.as_str(), value) {
            ("properties" | "patternProperties" | "$defs" | "dependentSchemas", Json::Object(schemas)) => {
                schemas.values_mut().for_each(|schema| relax(schema, base, layered));
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Json::Array(schemas)) => {
                let layered = layered && key != "prefixItems";
                schemas.iter_mut().for_each(|schema| relax(schema, base, layered));
            }
            ("additionalProperties" | "unevaluatedProperties", schema) => relax(schema, base, layered),
            ("items" | "contains" | "if" | "then" | "else" | "not" | "propertyNames", schema) => {
                relax(schema, base, false);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_asks_nothing_that_only_all_layers_together_can_give() {
        let schema = json!({
            "$schema": "x",
            "required": ["required"],
            "properties": {
                "required": {"type": "string", "enum": ["a"]},
                "list": {"type": "array", "items": {"type": "object", "required": ["x"], "$ref": "#/$defs/x"}},
                "other": {"$ref": "#/$defs/x"},
            },
            "$defs": {"x": {"type": "object"}},
        });
        assert_eq!(
            part(&schema, "p"),
            json!({
                "properties": {
                    "required": {"type": ["string", "null"], "enum": ["a", null]},
                    "list": {
                        "type": ["array", "null"],
                        "items": {"type": "object", "required": ["x"], "$ref": "#/$defs/p/$defs/x"},
                    },
                    "other": {"$ref": "#/$defs/p/$defs/x"},
                },
                "$defs": {"x": {"type": ["object", "null"]}},
            })
        );
    }
}
