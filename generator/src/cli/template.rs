//! `kubezero template`

use clap::Args;

use super::output::print;
use super::{Global, Outcome};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::pipeline::plan::Content;
use crate::pipeline::render::RenderedTree;
use crate::pipeline::repository::Repository;
use crate::{Result, pipeline};

/// Print what Helm would make of an environment's charts, from archives at hand
#[derive(Debug, Args)]
pub struct TemplateArgs {
    /// Environment
    #[arg(value_name = "ENV")]
    pub environment: String,
    /// A component or one of its Applications; all charts of the environment where none is named
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// Runs the command.
pub fn run(global: &Global, args: &TemplateArgs) -> Result<Outcome> {
    let repository = global.load(std::slice::from_ref(&args.environment))?;
    let environments = pipeline::resolve(&repository)?;
    for tree in pipeline::render(&repository, &environments)? {
        print(&text(&repository, &tree, args.name.as_deref())?)?;
    }
    Ok(Outcome::Fine)
}

/// What Helm prints, chart after chart in the order in which they are installed.
fn text(repository: &Repository, tree: &RenderedTree<'_>, name: Option<&str>) -> Result<String> {
    let plan = &tree.plan;
    let is_meant =
        |application: &str, component: &str| name.is_none_or(|name| name == application || name == component);
    let mut text = String::new();
    let mut mistakes = Diagnostics::new();
    let mut any = false;
    for planned in plan.applications.iter().filter(|planned| is_meant(&planned.name, planned.component)) {
        let (Content::Chart { chart, .. }, Some(request)) = (&planned.content, tree.request(&planned.name)) else {
            continue;
        };
        any = true;
        match repository.print_chart(&request) {
            Ok(found) => text.push_str(&found),
            Err(problem) => mistakes.push(problem.diagnostic(&request.pin).at(chart.version_at, "")),
        }
    }
    if let Some(name) = name.filter(|_| !any) {
        let charts = plan.applications.iter().filter(|planned| tree.request(&planned.name).is_some());
        let known: Vec<&str> = charts.flat_map(|planned| [planned.name.as_str(), planned.component]).collect();
        mistakes.push(
            Diagnostic::new("no-chart", format!("`{name}` has no chart in `{}`", plan.environment.name))
                .did_you_mean(name, known)
                .help(format!("`kubezero plan {}` lists what there is", plan.environment.name)),
        );
    }
    mistakes.or(text).map_err(|mistakes| repository.mistakes(mistakes))
}
