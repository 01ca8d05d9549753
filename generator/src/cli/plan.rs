//! `kubezero plan`

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::output::{count, print, print_json};
use super::table::{folded, known_width};
use super::{Global, Outcome};
use crate::pipeline::plan::{Content, Plan, Planned};
use crate::pipeline::render::RenderedTree;
use crate::pipeline::repository::Repository;
use crate::{Result, pipeline};

/// Show an environment's Applications in the order in which Argo CD syncs them, and why
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Environment
    #[arg(value_name = "ENV")]
    pub environment: String,
    /// How it is shown
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: TextOrJson,
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// For people
    Text,
    /// A shape of docs/json.md
    Json,
}

/// Runs the command.
pub fn run(global: &Global, args: &PlanArgs) -> Result<Outcome> {
    let repository = global.load(std::slice::from_ref(&args.environment))?;
    let environments = pipeline::resolve(&repository)?;
    for tree in pipeline::render(&repository, &environments)? {
        match args.format {
            TextOrJson::Text => {
                let text = text(&tree);
                print(&known_width(std::io::stdout()).map_or_else(|| text.clone(), |width| folded(&text, width)))?;
            }
            TextOrJson::Json => print_json(&to_json(&tree, &repository))?,
        }
    }
    Ok(Outcome::Fine)
}

/// Chart and version, or what else an Application deploys.
pub fn detail(plan: &Plan<'_>, index: usize) -> String {
    match &plan.applications[index].content {
        Content::Chart { chart, version } => {
            let how = if plan.applications[index].is_manifests() { ", as manifests" } else { "" };
            format!("{} {version}{how}", chart.title())
        }
        Content::Manifests => "manifests".to_owned(),
    }
}

fn text(tree: &RenderedTree<'_>) -> String {
    let plan = &tree.plan;
    let waves = plan.applications.iter().map(|a| a.wave).max().unwrap_or(1);
    let mut out = format!(
        "{}: {} in {}\n",
        plan.environment.name,
        count(plan.applications.len() + usize::from(!plan.namespaces.is_empty()), "Application"),
        count(waves as usize, "wave")
    );
    out += "\nwave 1\n  namespaces  ";
    out += &plan.namespaces.keys().cloned().collect::<Vec<_>>().join(", ");
    out.push('\n');
    let mut current = 1;
    for index in plan.in_order() {
        let application = &plan.applications[index];
        if application.wave != current {
            current = application.wave;
            out += &format!("\nwave {current}\n");
        }
        out += &format!("  {}  {} → {}\n", application.name, detail(plan, index), application.namespace);
        if let Some(delivered) = tree.delivered.get(&application.name) {
            for (note, times) in delivered.notes() {
                out += &format!("      {times} × {note}\n");
            }
            for what in &delivered.left_out {
                out += &format!("      left out: {what}\n");
            }
        }
        // Only the edges from the wave before decide this one's place; the rest follows from them.
        for edge in
            plan.edges.iter().filter(|e| e.after == index && plan.applications[e.before].wave + 1 == application.wave)
        {
            out += &format!("      after {} ({})\n", plan.applications[edge.before].name, edge.why);
        }
    }
    out
}

/// How a chart gets to the cluster; of one that is committed, what became of what Helm would have done.
fn delivery(tree: &RenderedTree<'_>, application: &Planned<'_>) -> Json {
    match tree.delivered.get(&application.name) {
        Some(delivered) => {
            let noted = delivered.manifests.iter().filter(|made| !made.notes.is_empty());
            let notes: Vec<Json> =
                noted.map(|made| json!({"object": made.identity.to_string(), "notes": made.notes})).collect();
            json!({"as": "manifests", "folder": delivered.folder, "notes": notes, "leftOut": delivered.left_out})
        }
        None => json!({"as": if matches!(application.content, Content::Manifests) { "manifests" } else { "charts" }}),
    }
}

fn to_json(tree: &RenderedTree<'_>, repository: &Repository) -> Json {
    let plan = &tree.plan;
    let applications: Vec<Json> = plan
        .in_order()
        .into_iter()
        .map(|index| {
            let application = &plan.applications[index];
            let after: Vec<Json> = plan
                .edges
                .iter()
                .filter(|edge| edge.after == index)
                .map(|edge| {
                    json!({
                        "application": plan.applications[edge.before].name,
                        "soft": edge.soft,
                        "why": edge.why,
                        "at": edge.at.map(|at| repository.sources().locate(at)),
                    })
                })
                .collect();
            let (chart, version, repository) = match &application.content {
                Content::Chart { chart, version } => (Some(chart.title()), Some(version), Some(&chart.repository)),
                Content::Manifests => (None, None, None),
            };
            json!({
                "name": application.name,
                "component": application.component,
                "wave": application.wave,
                "namespace": application.namespace,
                "chart": chart,
                "version": version,
                "repository": repository,
                "delivery": delivery(tree, application),
                "after": after,
            })
        })
        .collect();
    json!({
        "kind": "plan",
        "version": 1,
        "environment": plan.environment.name,
        "namespaces": plan.namespaces.keys().collect::<Vec<_>>(),
        "applications": applications,
    })
}
