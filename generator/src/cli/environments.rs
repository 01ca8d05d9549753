//! `kubezero environments`

use clap::Args;
use serde_json::json;

use super::components::Format;
use super::output::{print, print_json};
use super::{Global, Outcome, table};
use crate::diagnostic::Diagnostics;
use crate::pipeline::environment::Environment;
use crate::pipeline::repository::Repository;
use crate::pipeline::selection::Selection;
use crate::yaml::Node;
use crate::{Result, pipeline};

/// List the environments, or show one: its layers, its files and what is switched on
#[derive(Debug, Args)]
pub struct EnvironmentsArgs {
    /// Environment; all are listed where none is named
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// How they are shown
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: Format,
}

/// Runs the command.
pub fn run(global: &Global, args: &EnvironmentsArgs) -> Result<Outcome> {
    let names: Vec<String> = args.name.iter().cloned().collect();
    let repository = global.load(&names)?;
    let environments = pipeline::resolve(&repository)?;
    let mut mistakes = Diagnostics::new();
    let mut selected = Vec::new();
    for environment in &environments {
        match Selection::of(&repository, environment) {
            Ok(selection) => selected.push((environment, selection)),
            Err(found) => mistakes.append(found.in_environment(&environment.name)),
        }
    }
    if !mistakes.is_empty() {
        return Err(repository.mistakes(mistakes));
    }
    let width = table::width();
    match (args.format, args.name.is_some()) {
        (Format::Text, false) => {
            let rows: Vec<Vec<String>> = selected
                .iter()
                .map(|(environment, selection)| {
                    let layers: Vec<&str> = layers(environment).collect();
                    vec![
                        environment.name.clone(),
                        selection.platform.clone(),
                        kubernetes(environment),
                        selection.enabled.len().to_string(),
                        layers.join(", "),
                    ]
                })
                .collect();
            print(&table::table(&["ENVIRONMENT", "PLATFORM", "KUBERNETES", "COMPONENTS", "LAYERS"], &rows, width))?;
        }
        (Format::Json, false) => {
            let list: Vec<_> = selected
                .iter()
                .map(|(environment, selection)| {
                    json!({
                        "name": environment.name,
                        "platform": selection.platform,
                        "kubernetesVersion": kubernetes(environment),
                        "chain": environment.chain,
                        "components": selection.enabled.keys().collect::<Vec<_>>(),
                    })
                })
                .collect();
            print_json(&json!({"kind": "environments", "version": 1, "environments": list}))?;
        }
        (format, true) => {
            for (environment, selection) in &selected {
                one(&repository, environment, selection, format, width)?;
            }
        }
    }
    Ok(Outcome::Fine)
}

fn layers(environment: &Environment) -> impl Iterator<Item = &str> {
    environment.chain.iter().filter_map(|name| name.strip_prefix("layers/"))
}

fn kubernetes(environment: &Environment) -> String {
    environment.get(["cluster", "kubernetesVersion"]).and_then(Node::as_str).unwrap_or_default().to_owned()
}

fn one(
    repository: &Repository,
    environment: &Environment,
    selection: &Selection<'_>,
    format: Format,
    width: usize,
) -> Result<()> {
    let sources = repository.sources();
    if format == Format::Json {
        let components: Vec<_> = selection
            .enabled
            .iter()
            .map(|(name, selected)| {
                json!({
                    "name": name,
                    "namespace": selected.namespace,
                    "because": {
                        "file": sources.path(selected.because.file),
                        "line": selected.because.line,
                        "column": selected.because.column,
                    },
                })
            })
            .collect();
        return print_json(&json!({
            "kind": "environment", "version": 1,
            "name": environment.name,
            "platform": selection.platform,
            "kubernetesVersion": kubernetes(environment),
            "chain": environment.chain,
            "files": environment.inputs,
            "components": components,
        }));
    }
    let mut out = format!("{}\n\n", environment.name);
    out += &table::facts(&[("platform", selection.platform.clone()), ("Kubernetes", kubernetes(environment))], width);
    out += "\nlaid over one another, the last one wins:\n";
    for file in &environment.inputs {
        out += &format!("  {file}\n");
    }
    out += "\nswitched on:\n";
    let rows: Vec<Vec<String>> = selection
        .enabled
        .iter()
        .map(|(name, selected)| vec![(*name).to_owned(), sources.locate(selected.because)])
        .collect();
    out += &table::table(&["COMPONENT", "BY"], &rows, width);
    print(&out)
}
