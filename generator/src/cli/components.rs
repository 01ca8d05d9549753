//! `kubezero components`

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::files::{mistake, replace};
use super::output::{count, print, print_json};
use super::{Global, Outcome, table};
use crate::diagnostic::Diagnostic;
use crate::pipeline::component::{Chart, Component, Reference};
use crate::pipeline::render::{Generate, YOU};
use crate::pipeline::repository::{Repository, Wanted};
use crate::pipeline::selection::Selection;
use crate::pipeline::source::{Folder, Source as _};
use crate::values::schema::{Property, Schema, list_words};
use crate::{Result, pipeline};

/// Where the settings table of a README begins.
const BEGIN: &str = "<!-- settings:begin -->";
/// Where it ends.
const END: &str = "<!-- settings:end -->";

/// List the components, or show one with its settings
#[derive(Debug, Args)]
pub struct ComponentsArgs {
    /// Component; all are listed where none is named
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// How they are shown
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: Format,
    /// List the Secrets that the components of an environment need, and who makes them
    #[arg(long, value_name = "ENV", conflicts_with = "name")]
    pub secrets: Option<String>,
    /// Write the settings tables into the READMEs of the components
    #[arg(long, hide = true)]
    pub update_readmes: bool,
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs: docs/json.md
    Json,
}

/// Runs the command.
pub fn run(global: &Global, args: &ComponentsArgs) -> Result<Outcome> {
    if let Some(environment) = args.secrets.as_ref().filter(|_| !args.update_readmes) {
        secrets(global, environment, args.format)?;
        return Ok(Outcome::Fine);
    }
    // The catalogue does not depend on environments, so a mistake in one of them must not hide it.
    let folder = Folder::new(&global.directory);
    let repository = Repository::load(&folder, &Wanted::Only(Vec::new()))?;
    if args.update_readmes {
        return update_readmes(global, &repository, args.name.as_deref());
    }
    let width = table::width();
    let Some(name) = &args.name else {
        let components = repository.components().values();
        match args.format {
            Format::Text => print(&list(components, width))?,
            Format::Json => print_json(&json!({
                "kind": "components", "version": 1,
                "components": components.map(summary_json).collect::<Vec<_>>(),
            }))?,
        }
        return Ok(Outcome::Fine);
    };
    let component = find(&repository, name)?;
    let environments = enabled_in(global, name);
    match args.format {
        Format::Text => print(&one(component, environments.as_deref(), width))?,
        Format::Json => {
            let mut shown = json!({"kind": "component", "version": 1});
            if let (Some(shown), Json::Object(summary)) = (shown.as_object_mut(), summary_json(component)) {
                shown.extend(summary);
            }
            shown["requires"] = json!(names(&mut component.required()));
            shown["uses"] = json!(names(&mut component.used()));
            shown["provides"] = json!(names(&mut component.provided()));
            shown["environments"] = json!(environments);
            shown["settings"] = json!(component.schema.properties());
            print_json(&shown)?;
        }
    }
    Ok(Outcome::Fine)
}

/// A component by name, or the mistake that says which there are.
pub fn find<'r>(repository: &'r Repository, name: &str) -> Result<&'r Component> {
    repository.components().get(name).ok_or_else(|| {
        let known: Vec<&str> = repository.components().keys().map(String::as_str).collect();
        let mut diagnostic = Diagnostic::new("unknown-component", format!("there is no component `{name}`"))
            .did_you_mean(name, known.iter().copied());
        if diagnostic.help.is_empty() {
            diagnostic = match known.len() {
                0 => diagnostic.help("there is none yet: `kubezero new component NAME`"),
                1..=12 => diagnostic.help(format!("components: {}", list_words(&known))),
                number => diagnostic.help(format!("there are {number}: `kubezero components` lists them")),
            };
        }
        mistake(diagnostic)
    })
}

/// The environments that have it switched on; `None` where they cannot be read as they are.
fn enabled_in(global: &Global, component: &str) -> Option<Vec<String>> {
    let repository = global.load(&[]).ok()?;
    let environments = pipeline::resolve(&repository).ok()?;
    let has = |environment: &&pipeline::environment::Environment| {
        Selection::of(&repository, environment).is_ok_and(|selection| selection.enabled.contains_key(component))
    };
    Some(environments.iter().filter(has).map(|environment| environment.name.clone()).collect())
}

/// Chart and version of each part, what works before what it needs: CRDs last.
fn charts(component: &Component) -> Vec<String> {
    let mut charts: Vec<&Chart> = component.charts.iter().collect();
    charts.sort_by_key(|chart| chart.folder.is_some() || chart.key.starts_with("crds"));
    let mut charts: Vec<String> = charts.iter().map(|chart| format!("{} {}", chart.title(), chart.version)).collect();
    charts.dedup();
    charts
}

/// The charts by repository, and what to call them.
fn sources(component: &Component) -> Vec<(&'static str, &str, Vec<String>)> {
    let mut sources: Vec<(&'static str, &str, Vec<String>)> = Vec::new();
    for chart in &component.charts {
        let word = if chart.folder.is_some() { "folder" } else { "chart" };
        let text = format!("{} {}", chart.title(), chart.version);
        match sources.iter_mut().find(|(known, repository, _)| *known == word && *repository == chart.repository) {
            None => sources.push((word, &chart.repository, vec![text])),
            Some((_, _, charts)) if charts.contains(&text) => {}
            Some((_, _, charts)) => charts.push(text),
        }
    }
    sources
        .into_iter()
        .map(|(word, repository, charts)| match (word, charts.len()) {
            ("chart", 2..) => ("charts", repository, charts),
            ("folder", 2..) => ("folders", repository, charts),
            _ => (word, repository, charts),
        })
        .collect()
}

fn list<'a>(components: impl Iterator<Item = &'a Component>, width: usize) -> String {
    let rows: Vec<Vec<String>> = components
        .map(|component| {
            let platforms = component.platforms.as_ref().map_or("all".to_owned(), |(names, _)| names.join(", "));
            let charts = charts(component);
            let chart = match charts.as_slice() {
                [] => "manifests".to_owned(),
                [chart] => chart.clone(),
                [first, rest @ ..] => format!("{first}, {} more", rest.len()),
            };
            vec![component.name.clone(), chart, platforms, component.description.clone()]
        })
        .collect();
    match rows.len() {
        0 => "no components: `kubezero new component NAME` makes one\n".to_owned(),
        _ => table::table(&["COMPONENT", "CHARTS", "PLATFORMS", "DESCRIPTION"], &rows, width),
    }
}

fn summary_json(component: &Component) -> Json {
    let charts: Vec<Json> = component
        .charts
        .iter()
        .map(|chart| {
            json!({
                "key": chart.key, "repository": chart.repository, "name": chart.title(), "version": chart.version,
                "folder": chart.folder.is_some(), "placement": chart.placement,
            })
        })
        .collect();
    json!({
        "name": component.name,
        "description": component.description,
        "homepage": component.homepage,
        "license": component.license,
        "namespace": component.namespace,
        "platforms": component.platforms.as_ref().map(|(names, _)| names),
        "charts": charts,
        "manifests": !component.manifest_templates.is_empty(),
        "iamRoles": component.iam_roles.iter().map(|role| &role.name).collect::<Vec<_>>(),
    })
}

/// The names of references, each once.
fn names<'a>(of: &mut dyn Iterator<Item = &'a Reference>) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for reference in of {
        if !names.contains(&reference.name.as_str()) {
            names.push(&reference.name);
        }
    }
    names
}

fn one(component: &Component, environments: Option<&[String]>, width: usize) -> String {
    let mut out = table::indented(&format!("{}: {}", component.name, component.description), 0, width);
    out.push('\n');
    let mut facts = vec![
        ("homepage", component.homepage.clone().unwrap_or_default()),
        ("licence", component.license.clone()),
        ("namespace", component.namespace.clone()),
        ("platforms", component.platforms.as_ref().map_or("all".to_owned(), |(names, _)| names.join(", "))),
    ];
    for (word, repository, charts) in sources(component) {
        facts.push((word, format!("{} from {repository}", charts.join(", "))));
    }
    for (nodes, words) in
        [("controllers", "on controllers"), ("workers", "on workers"), ("every-node", "on every node")]
    {
        facts.push((words, placed(component, nodes).join(", ")));
    }
    let roles = component.iam_roles.iter();
    let roles: Vec<String> =
        roles.map(|role| format!("{} for {}", role.name, role.service_accounts.join(", "))).collect();
    facts.push(("IAM roles", roles.join("; ")));
    if component.secrets.is_some() {
        facts.push(("Secrets", "`kubezero components --secrets ENV` lists them".to_owned()));
    }
    facts.push(("requires", names(&mut component.required()).join(", ")));
    facts.push(("uses", names(&mut component.used()).join(", ")));
    facts.push(("provides", names(&mut component.provided()).join(", ")));
    if let Some(environments) = environments {
        let words = if environments.is_empty() { "no environment".to_owned() } else { environments.join(", ") };
        facts.push(("enabled in", words));
    }
    facts.push(("README", format!("components/{}/README.md", component.name)));
    out += &table::facts(&facts, width);
    let properties = component.schema.properties();
    if properties.is_empty() {
        return out + "\nIt has no settings.\n";
    }
    let heading = format!("{}, below components.{}.settings:", count(properties.len(), "setting"), component.name);
    out += &format!("\n{}\n", table::indented(&heading, 0, width));
    let rows: Vec<Vec<String>> = properties
        .iter()
        .map(|property| {
            vec![property.path.clone(), property.kind.clone(), default_words(property), property.description.clone()]
        })
        .collect();
    // Long enumerations or defaults leave no room for a table: blocks read better than four thin columns.
    let head = ["SETTING", "TYPE", "DEFAULT", "DESCRIPTION"];
    let thin: usize = (0..3).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).sum();
    if thin + 6 + 40 <= width {
        return out + &table::table(&head, &rows, width);
    }
    for property in &properties {
        out += &format!("{}\n", property.path);
        let default = match (&property.default, property.required) {
            (_, true) => ", required".to_owned(),
            (Some(default), _) => format!(", default {default}"),
            (None, _) => String::new(),
        };
        out += &table::indented(&format!("{}{default}", property.kind), 2, width);
        out += &table::indented(&property.description, 4, width);
    }
    out
}

/// The parts of a component's charts that run on one kind of node, each by the name of its values.
fn placed(component: &Component, nodes: &str) -> Vec<String> {
    let charts = component.charts.iter();
    let parts =
        charts.flat_map(|chart| chart.placement.get(nodes).into_iter().flatten().map(move |part| (chart, part)));
    parts
        .map(|(chart, part)| match (part.as_str(), component.charts.len()) {
            (".", _) => chart.key.clone(),
            (part, 1) => part.to_owned(),
            (part, _) => format!("{}.{part}", chart.key),
        })
        .collect()
}

/// The Secrets that an environment needs, those that a person makes first.
fn secrets(global: &Global, environment: &str, format: Format) -> Result<()> {
    let repository = global.load(&[environment.to_owned()])?;
    let environments = pipeline::resolve(&repository)?;
    for mut tree in pipeline::render(&repository, &environments)? {
        tree.secrets.sort_by_key(|secret| secret.made_by != YOU);
        if format == Format::Json {
            print_json(&json!({
                "kind": "secrets", "version": 1, "environment": environment, "secrets": tree.secrets,
            }))?;
            continue;
        }
        let rows: Vec<Vec<String>> = tree
            .secrets
            .iter()
            .map(|secret| {
                let made_up = |key: &str| secret.generate.as_ref().and_then(|generate| generate.get(key));
                let keys: Vec<String> = secret
                    .keys
                    .iter()
                    .map(|(key, what)| match made_up(key) {
                        Some(Generate { random_bytes: Some(count), .. }) => {
                            format!("{key}: {what}, such as {count} random bytes")
                        }
                        Some(Generate { value: Some(text), .. }) => format!("{key}: {what}, such as {text}"),
                        _ => format!("{key}: {what}"),
                    })
                    .collect();
                vec![
                    format!("{}/{}", secret.namespace, secret.name),
                    secret.component.clone(),
                    secret.made_by.clone(),
                    format!("{} ({})", secret.purpose, keys.join("; ")),
                ]
            })
            .collect();
        match rows.len() {
            0 => print("no component of it reads a Secret\n")?,
            _ => print(&table::table(&["SECRET", "READ BY", "MADE BY", "PURPOSE AND KEYS"], &rows, table::width()))?,
        }
    }
    Ok(())
}

fn default_words(property: &Property) -> String {
    match (&property.default, property.required) {
        (_, true) => "required".to_owned(),
        (Some(default), _) => default.to_string(),
        (None, _) => String::new(),
    }
}

/// The settings of a component as a Markdown table, as it stands in the component's README.
pub fn settings_table(schema: &Schema) -> String {
    let properties = schema.properties();
    if properties.is_empty() {
        return "No settings.\n".to_owned();
    }
    let cell = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{}`", cell(text)) };
    let mut out = "| Setting | Type | Default | Description |\n|---|---|---|---|\n".to_owned();
    for property in &properties {
        let default = match (&property.default, property.required) {
            (_, true) => "required".to_owned(),
            (Some(default), _) => code(&default.to_string()),
            (None, _) => String::new(),
        };
        out += &format!(
            "| `{}` | {} | {default} | {} |\n",
            cell(&property.path),
            cell(&property.kind),
            cell(&property.description)
        );
    }
    out
}

/// A README with the table between its marks; `None` where it has none.
pub fn with_table(readme: &str, table: &str) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

fn update_readmes(global: &Global, repository: &Repository, only: Option<&str>) -> Result<Outcome> {
    let folder = Folder::new(&global.directory);
    let chosen: Vec<&Component> = match only {
        Some(name) => vec![find(repository, name)?],
        None => repository.components().values().collect(),
    };
    for component in chosen {
        let path = format!("components/{}/README.md", component.name);
        let there = folder.list(&format!("components/{}", component.name))?.iter().any(|found| found.path == path);
        let text = if there { String::from_utf8_lossy(&folder.read(&path)?).into_owned() } else { String::new() };
        let words = match with_table(&text, &settings_table(&component.schema)) {
            None => "has no marks for the settings",
            Some(new) if new == text => "unchanged",
            Some(new) => {
                replace(&global.directory.join(&path), &new)?;
                "written"
            }
        };
        if !global.quiet {
            print(&format!("{path}: {words}\n"))?;
        }
    }
    Ok(Outcome::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::repository::embedded;

    #[test]
    fn a_settings_table_goes_between_its_marks_and_escapes_bars() -> std::result::Result<(), String> {
        let schema = embedded(
            "{type: object, required: [a], properties: {a: {type: string, description: 'x | y'}, b: {enum: [p, q], default: p}}}",
            None,
        )
        .ok_or("the schema compiles")?;
        let table = settings_table(&schema);
        assert_eq!(
            table,
            "| Setting | Type | Default | Description |\n|---|---|---|---|\n| `a` | string | required | x \\| y |\n\
             | `b` | p \\| q | `\"p\"` |  |\n"
        );
        let readme = format!("# A\n\n{BEGIN}\nold\n{END}\n\nmore\n");
        let new = with_table(&readme, &table).ok_or("it has marks")?;
        assert!(new.contains("x \\| y") && !new.contains("old") && new.ends_with("\n\nmore\n"));
        assert_eq!(with_table(&new, &table), Some(new));
        assert_eq!(with_table("# A\n", &table), None);
        Ok(())
    }
}
