//! `kubezero components`

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::files::{mistake, replace};
use super::output::{count, print, print_json};
use super::{Global, Outcome, table};
use crate::diagnostic::Diagnostic;
use crate::pipeline::component::{Component, Reference};
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
    // The catalogue does not depend on environments, so a mistake in one of them must not hide it.
    let folder = Folder::new(&global.directory);
    let repository = Repository::load(&folder, &Wanted::Only(Vec::new()))?;
    if args.update_readmes {
        return update_readmes(global, &repository, args.name.as_deref());
    }
    if let Some(environment) = &args.secrets {
        secrets(global, environment, args.format)?;
        return Ok(Outcome::Fine);
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
            let mut shown = summary_json(component);
            shown["kind"] = json!("component");
            shown["version"] = json!(1);
            let names = |of: &[Reference]| of.iter().map(|r| r.name.clone()).collect::<Vec<_>>();
            shown["requires"] = json!(names(&component.relations.requires));
            shown["uses"] = json!(names(&component.relations.uses));
            shown["provides"] = json!(component.provided().map(|r| &r.name).collect::<Vec<_>>());
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

fn charts(component: &Component) -> Vec<String> {
    let mut charts: Vec<String> =
        component.charts.iter().map(|chart| format!("{} {}", chart.title(), chart.version)).collect();
    charts.dedup();
    charts
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

fn one(component: &Component, environments: Option<&[String]>, width: usize) -> String {
    let names = |of: &mut dyn Iterator<Item = &Reference>| {
        let mut names: Vec<&str> = of.map(|reference| reference.name.as_str()).collect();
        names.dedup();
        names.join(", ")
    };
    let mut out = table::indented(&format!("{}: {}", component.name, component.description), 0, width);
    out.push('\n');
    let mut facts = vec![
        ("homepage", component.homepage.clone().unwrap_or_default()),
        ("licence", component.license.clone()),
        ("namespace", component.namespace.clone()),
        ("platforms", component.platforms.as_ref().map_or("all".to_owned(), |(names, _)| names.join(", "))),
    ];
    for chart in &component.charts {
        facts.push(("chart", format!("{} {} from {}", chart.title(), chart.version, chart.repository)));
    }
    for (nodes, words) in
        [("controllers", "on controllers"), ("workers", "on workers"), ("every-node", "on every node")]
    {
        facts.push((words, placed(component, nodes).join(", ")));
    }
    let roles: Vec<&str> = component.iam_roles.iter().map(|role| role.name.as_str()).collect();
    facts.push(("IAM roles", roles.join(", ")));
    let parts: Vec<_> =
        component.charts.iter().map(|chart| &chart.part.relations).chain([&component.manifests.relations]).collect();
    let own = &component.relations;
    facts.push(("requires", names(&mut own.requires.iter().chain(parts.iter().flat_map(|part| &part.requires)))));
    facts.push(("uses", names(&mut own.uses.iter().chain(parts.iter().flat_map(|part| &part.uses)))));
    facts.push(("provides", names(&mut component.provided())));
    if let Some(environments) = environments {
        let words = if environments.is_empty() { "no environment".to_owned() } else { environments.join(", ") };
        facts.push(("enabled in", words));
    }
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
        tree.secrets.sort_by_key(|secret| secret.made_by != "you");
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
                let keys: Vec<String> = secret.keys.iter().map(|(key, what)| format!("{key}: {what}")).collect();
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
