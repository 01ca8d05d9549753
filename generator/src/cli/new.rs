//! `kubezero new`

use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json, json};

use super::components::{settings_table, with_table};
use super::files::{mistake, scaffold, write_new};
use super::output::print;
use super::{Global, Outcome};
use crate::diagnostic::Diagnostic;
use crate::pipeline::repository::{Repository, Wanted, embedded};
use crate::pipeline::source::{Folder, Source, With};
use crate::yaml::Node;
use crate::{Error, Failure, Result, name, pipeline};

/// Make a component or an environment that renders at once
#[derive(Debug, Args)]
pub struct NewArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make components/NAME with one manifest and one setting
    Component {
        /// Name of the component, a DNS label
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Make environments/NAME with what the schema of environments asks for
    Environment {
        /// Name of the environment, a DNS label
        #[arg(value_name = "NAME")]
        name: String,
        /// Layers to extend, lowest first [default: the first that suffice]
        #[arg(long, value_name = "LAYER", value_delimiter = ',')]
        extends: Vec<String>,
    },
}

/// Runs the command.
pub fn run(global: &Global, args: &NewArgs) -> Result<Outcome> {
    match &args.what {
        What::Component { name } => component(global, name),
        What::Environment { name, extends } => environment(global, name, extends),
    }
}

fn free(global: &Global, parent: &str, what: &str, name: &str) -> Result<()> {
    let reserved =
        matches!((what, name), ("component", "facts" | "partials" | "namespaces" | "root") | ("environment", "layers"));
    let why = name::label(name).err().or(reserved.then_some("is taken by the program itself"));
    if let Some(why) = why {
        return Err(mistake(
            Diagnostic::new("bad-name", format!("the {what} name `{name}` {why}")).help(
                "names are DNS labels: lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit",
            ),
        ));
    }
    let taken = Folder::new(&global.directory).list(parent)?;
    if let Some(found) = taken.iter().find(|found| found.name().eq_ignore_ascii_case(name)) {
        return Err(mistake(
            Diagnostic::new("exists", format!("`{}` is there already", found.path))
                .help("choose another name; nothing is ever overwritten"),
        ));
    }
    Ok(())
}

/// The files of a new component, below its folder.
pub fn component_files(name: &str) -> Vec<(String, String)> {
    let mut files = scaffold("component", name);
    let schema = files.iter().find(|(path, _)| path == "settings.schema.yaml").map(|(_, text)| text.clone());
    let table = schema.and_then(|text| embedded(&text, None)).map(|schema| settings_table(&schema));
    for (path, text) in &mut files {
        if path == "README.md"
            && let Some(filled) = table.as_ref().and_then(|table| with_table(text, table))
        {
            *text = filled;
        }
    }
    files
}

fn component(global: &Global, name: &str) -> Result<Outcome> {
    free(global, "components", "component", name)?;
    let mut files: Vec<(String, String)> =
        component_files(name).into_iter().map(|(path, text)| (format!("components/{name}/{path}"), text)).collect();
    // Its own tests need environments that are valid here. Where the repository cannot be read as it is,
    // the component is made all the same.
    let folder = Folder::new(&global.directory);
    let cases = [
        ("default", "nothing set", json!({})),
        ("changed", "every setting changed", json!({"settings": {"greeting": format!("Hello from {name}")}})),
    ];
    let made: Result<Vec<_>> =
        cases.iter().map(|(case, words, entry)| test_case(&folder, name, &files, case, words, entry)).collect();
    let tested = made.is_ok();
    files.extend(made.unwrap_or_default().concat());
    write_new(&global.directory, &files)?;
    if !global.quiet {
        let paths: String = files.iter().map(|(path, _)| format!("  {path}\n")).collect();
        let untested = match tested {
            true => "",
            false => "\nwithout test cases, because no environment is valid here: `kubezero validate` says why\n",
        };
        print(&format!(
            "written:\n{paths}{untested}\nnext:\n  switch it on: `{name}: {{}}` under `components` of an environment or a layer\n  kubezero render\n"
        ))?;
    }
    Ok(Outcome::Fine)
}

/// A complete environment that switches the component on, and what it must render to.
fn test_case(
    folder: &Folder,
    name: &str,
    files: &[(String, String)],
    case: &str,
    words: &str,
    entry: &Json,
) -> Result<Vec<(String, String)>> {
    const PATH: &str = "environments/case/environment.yaml";
    let repository = Repository::load(folder, &Wanted::Only(Vec::new()))?;
    let schema = repository.environment_schema().json();
    let mut last = None;
    for platform in platforms(schema) {
        let attempt =
            candidate(folder, "case", PATH, &[], platform.as_ref(), schema, &Json::Null).and_then(|mut document| {
                document.insert("components".to_owned(), json!({name: entry}));
                let text = write(&format!("A complete environment with {name}: {words}."), &document)?;
                let with: Vec<(String, String)> =
                    files.iter().cloned().chain([(PATH.to_owned(), text.clone())]).collect();
                let repository =
                    Repository::load(&With { folder, files: &with }, &Wanted::Only(vec!["case".to_owned()]))?;
                let environments = pipeline::resolve(&repository)?;
                let at = format!("components/{name}/tests/{case}");
                let mut made = vec![(format!("{at}/environment.yaml"), text)];
                for tree in pipeline::render(&repository, &environments)? {
                    let own = tree.files.iter().filter(|(_, file)| file.component == name);
                    made.extend(own.map(|(path, file)| {
                        (format!("{at}/expected/{path}"), String::from_utf8_lossy(&file.text).into_owned())
                    }));
                }
                Ok(made)
            });
        match attempt {
            Ok(made) => return Ok(made),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::Busy("no platform to begin with".to_owned())))
}

/// The platforms that an environment can be of; one that is not said where the schema knows none.
fn platforms(schema: &Json) -> Vec<Option<Json>> {
    match schema.pointer("/properties/cluster/properties/platform/enum") {
        Some(Json::Array(platforms)) => platforms.iter().cloned().map(Some).collect(),
        _ => vec![None],
    }
}

fn environment(global: &Global, name: &str, extends: &[String]) -> Result<Outcome> {
    free(global, "environments", "environment", name)?;
    let folder = Folder::new(&global.directory);
    let repository = Repository::load(&folder, &Wanted::Only(Vec::new()))?;
    let layers: Vec<&str> = repository.layers().keys().map(String::as_str).collect();
    let mut chosen = Vec::new();
    for layer in extends {
        let layer = layer.strip_prefix("layers/").unwrap_or(layer);
        if !layers.contains(&layer) {
            return Err(mistake(
                Diagnostic::new("unknown-layer", format!("there is no layer `{layer}`"))
                    .did_you_mean(layer, layers.iter().copied())
                    .help("layers are `environments/layers/<name>/overlay.yaml`"),
            ));
        }
        chosen.push(layer);
    }
    let chains: Vec<Vec<&str>> = match (chosen.is_empty(), layers.contains(&"base")) {
        (false, _) => vec![chosen],
        (true, base) => {
            let below: Vec<&str> = if base { vec!["base"] } else { Vec::new() };
            let more =
                layers.iter().filter(|layer| **layer != "base").map(|layer| [below.as_slice(), &[*layer]].concat());
            std::iter::once(below.clone()).chain(more).collect()
        }
    };

    // The Git repository is the same for all environments of a repository.
    let siblings = global.load(&[]).and_then(|repository| pipeline::resolve(&repository)).unwrap_or_default();
    let argocd = siblings.first().and_then(|sibling| sibling.get(["argocd"])).map(Node::to_json).unwrap_or_default();

    let path = format!("environments/{name}/environment.yaml");
    let schema = repository.environment_schema().json();
    let platforms = platforms(schema);
    let mut first = None;
    for chain in &chains {
        for platform in &platforms {
            let made = candidate(&folder, name, &path, chain, platform.as_ref(), schema, &argocd)
                .and_then(|document| write(&header(name), &document));
            let text = match made {
                Ok(text) => text,
                Err(error) => {
                    first.get_or_insert(error);
                    continue;
                }
            };
            match render(&folder, name, &path, &text) {
                Ok(()) => {
                    write_new(&global.directory, &[(path.clone(), text)])?;
                    if !global.quiet {
                        print(&format!(
                            "written:\n  {path}\n\nnext:\n  put in what is true of the cluster\n  kubezero environments {name}\n  kubezero render {name}\n"
                        ))?;
                    }
                    return Ok(Outcome::Fine);
                }
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
    }
    // Examples do not satisfy this repository: the mistakes say what is asked for.
    Err(first.unwrap_or_else(|| Error::Busy("no layer and no platform to begin with".to_owned())))
}

/// The file that says what the layers leave open, with examples from the schema.
fn candidate(
    folder: &Folder,
    name: &str,
    path: &str,
    chain: &[&str],
    platform: Option<&Json>,
    schema: &Json,
    argocd: &Json,
) -> Result<Map<String, Json>> {
    let mut document = Map::new();
    if !chain.is_empty() {
        let layers: Vec<String> = chain.iter().map(|layer| format!("layers/{layer}")).collect();
        document.insert("extends".to_owned(), json!(layers));
    }
    let draft = [(path.to_owned(), write(&header(name), &document)?)];
    let repository = Repository::load(&With { folder, files: &draft }, &Wanted::Only(vec![name.to_owned()]))?;
    let environments = pipeline::resolve(&repository)?;
    let laid = environments.first().map(|environment| environment.values.to_json_without_nulls()).unwrap_or_default();
    let mut known = json!({"cluster": {"name": name, "domain": format!("{name}.example.com")}, "argocd": argocd});
    if let Some(platform) = platform {
        known["cluster"]["platform"] = platform.clone();
    }
    for block in ["cluster", "argocd"] {
        let property = &schema["properties"][block];
        let mut missing = missing(schema, property, laid.get(block), &known[block], 0);
        if block == "cluster" {
            // Two clusters of one name would be one: these are said here even where a layer says them.
            for key in ["name", "domain"] {
                if property["properties"].get(key).is_some() {
                    missing.insert(key.to_owned(), known["cluster"][key].clone());
                }
            }
        }
        if !missing.is_empty() {
            document.insert(block.to_owned(), Json::Object(missing));
        }
    }
    Ok(document)
}

fn header(name: &str) -> String {
    format!("What {name} is, and how it differs from the layers below it.")
}

fn write(header: &str, document: &Map<String, Json>) -> Result<String> {
    let body = crate::yaml::write::to_string(document)
        .map_err(|error| Failure::new("write", "the environment", std::io::Error::other(error)))?;
    Ok(format!("# {header}\n{body}"))
}

/// What a schema requires and `laid` does not have: from `known`, or an example.
fn missing(root: &Json, schema: &Json, laid: Option<&Json>, known: &Json, depth: usize) -> Map<String, Json> {
    let mut out = Map::new();
    let mut required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let mut done: Vec<&str> = Vec::new();
    // Twice: what is filled in first can decide what else is required.
    for _ in 0..2 {
        for key in required.iter().filter(|key| !done.contains(key)) {
            let Some(property) = schema["properties"].get(*key) else { continue };
            let below = laid.and_then(|laid| laid.get(*key));
            let value = match below {
                Some(Json::Object(_)) => {
                    let more = missing(root, property, below, &known[*key], depth + 1);
                    if more.is_empty() { None } else { Some(Json::Object(more)) }
                }
                Some(_) => None,
                None if known.get(*key).is_some_and(|value| !value.is_object() && !value.is_null()) => {
                    Some(known[*key].clone())
                }
                None => Some(example(root, property, &known[*key], depth + 1)),
            };
            if let Some(value) = value {
                out.insert((*key).to_owned(), value);
            }
        }
        done = std::mem::take(&mut required);
        if let Some(condition) = schema.get("if") {
            let mut whole = laid.and_then(Json::as_object).cloned().unwrap_or_default();
            whole.extend(out.clone());
            let holds = jsonschema::draft202012::new(condition).is_ok_and(|c| c.is_valid(&Json::Object(whole)));
            let branch = if holds { "then" } else { "else" };
            required = schema[branch]["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        }
    }
    out
}

/// A value that a schema accepts, as far as one can tell from its examples.
fn example(root: &Json, schema: &Json, known: &Json, depth: usize) -> Json {
    if let Some(target) = schema["$ref"].as_str().and_then(|r| root.pointer(r.trim_start_matches('#')))
        && depth < 16
    {
        return example(root, target, known, depth + 1);
    }
    let first = |key: &str| schema[key].as_array().and_then(|values| values.first()).cloned();
    let said = first("examples").or_else(|| schema.get("default").cloned());
    if let Some(value) = said.or_else(|| schema.get("const").cloned()).or_else(|| first("enum")) {
        return value;
    }
    match schema["type"].as_str() {
        Some("object") if depth < 16 => Json::Object(missing(root, schema, None, known, depth)),
        Some("object") => json!({}),
        Some("array") if schema["minItems"].as_u64().unwrap_or(0) > 0 => {
            json!([example(root, &schema["items"], &Json::Null, depth + 1)])
        }
        Some("array") => json!([]),
        Some("boolean") => json!(false),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        _ => json!("example"),
    }
}

fn render(folder: &Folder, name: &str, path: &str, text: &str) -> Result<()> {
    let files = [(path.to_owned(), text.to_owned())];
    let repository = Repository::load(&With { folder, files: &files }, &Wanted::Only(vec![name.to_owned()]))?;
    let environments = pipeline::resolve(&repository)?;
    pipeline::render(&repository, &environments).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_from_examples_and_follows_conditions() {
        let schema = json!({
            "type": "object",
            "required": ["name", "platform"],
            "properties": {
                "name": {"type": "string"},
                "platform": {"enum": ["aws", "other"]},
                "aws": {"type": "object", "required": ["region"], "properties": {"region": {"examples": ["eu-central-1"]}}},
            },
            "if": {"properties": {"platform": {"const": "aws"}}},
            "then": {"required": ["aws"]},
        });
        let of = |laid: Json| Json::Object(missing(&schema, &schema, Some(&laid), &json!({"name": "x"}), 0));
        assert_eq!(of(json!({})), json!({"name": "x", "platform": "aws", "aws": {"region": "eu-central-1"}}));
        assert_eq!(of(json!({"platform": "other"})), json!({"name": "x"}));
        assert_eq!(of(json!({"name": "y", "platform": "aws", "aws": {"region": "r"}})), json!({}));
    }
}
