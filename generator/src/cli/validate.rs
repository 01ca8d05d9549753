//! `kubezero validate`

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use rayon::prelude::*;

use super::images::{unseen_json, unseen_text};
use super::output::{count, print, print_json};
use super::table::known_width;
use super::{Global, Outcome, report};
use crate::diagnostic::{Diagnostics, Sources};
use crate::pipeline::objects::check::{Findings, check};
use crate::pipeline::objects::ownership::spare;
use crate::pipeline::objects::{EnvironmentObjects, Unseen};
use crate::pipeline::plan::Content;
use crate::pipeline::render::RenderedTree;
use crate::pipeline::repository::Repository;
use crate::pipeline::unread::dead_values;
use crate::{Error, Mistakes, Result, pipeline};

/// Check everything that `render` checks, and write nothing
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Environments; all where none is named
    #[arg(value_name = "ENV")]
    pub environments: Vec<String>,
    /// Check the objects that charts make as well, as far as their archives are at hand
    #[arg(long)]
    pub objects: bool,
    /// How mistakes are shown
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: Format,
}

/// How mistakes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people (on standard error)
    Text,
    /// Shape `mistakes` of docs/json.md
    Json,
    /// SARIF 2.1.0, for a forge
    Sarif,
}

/// What a run without mistakes of an earlier stage came to.
#[derive(Default)]
struct Report {
    environments: usize,
    applications: usize,
    objects: usize,
    without_facts: Vec<String>,
    mistakes: Diagnostics,
    remarks: Diagnostics,
    unseen: Vec<Unseen>,
    sources: Arc<Sources>,
}

/// Runs the command.
pub fn run(global: &Global, args: &ValidateArgs) -> Result<Outcome> {
    let report = match report(global, args) {
        Ok(report) => report,
        Err(Error::Mistakes(Mistakes { sources, diagnostics })) if args.format != Format::Text => {
            Report { mistakes: diagnostics, sources, ..Report::default() }
        }
        Err(error) => return Err(error),
    };
    match args.format {
        Format::Json => {
            let mut answer = report::to_json(&report.mistakes, &report.sources);
            answer["remarks"] = report::to_json(&report.remarks, &report.sources)["mistakes"].take();
            answer["unseen"] = unseen_json(&report.unseen);
            print_json(&answer)?;
        }
        Format::Sarif => print_json(&report::to_sarif(&report.mistakes, &report.remarks, &report.sources))?,
        Format::Text if global.quiet => {}
        Format::Text => print(&text(&report, args.objects))?,
    }
    if report.mistakes.is_empty() {
        return Ok(Outcome::Fine);
    }
    match args.format {
        Format::Text => Err(Error::Mistakes(Mistakes { sources: report.sources, diagnostics: report.mistakes })),
        _ => Ok(Outcome::Differs),
    }
}

/// What there is to say beside mistakes.
fn text(report: &Report, objects: bool) -> String {
    let mut out = String::new();
    if !report.remarks.is_empty() {
        out += &report::remarks(&report.remarks, &report.sources, true, known_width(std::io::stdout()));
    }
    out += &unseen_text(&report.unseen);
    if report.mistakes.is_empty() {
        let with_objects = if objects { format!(" with {}", count(report.objects, "object")) } else { String::new() };
        out += &format!(
            "{} and {}{with_objects} are valid\n",
            count(report.environments, "environment"),
            count(report.applications, "Application")
        );
    }
    for chart in &report.without_facts {
        out += &format!("no facts of {chart}: its values were not checked\n");
    }
    out
}

fn report(global: &Global, args: &ValidateArgs) -> Result<Report> {
    let repository = global.load(&args.environments)?;
    let mut unreadable = Diagnostics::new();
    // One environment asks for what it uses only.
    if args.environments.is_empty() {
        repository.facts().unreadable().into_iter().for_each(|diagnostic| unreadable.push(diagnostic));
    }
    if !unreadable.is_empty() {
        return Err(repository.mistakes(unreadable));
    }
    let environments = pipeline::resolve(&repository)?;
    let trees = pipeline::render(&repository, &environments)?;
    let mut report = Report {
        environments: trees.len(),
        applications: trees.iter().map(|tree| tree.plan.applications.len()).sum(),
        without_facts: if global.verbose > 0 { charts_without_facts(&repository, &trees) } else { Vec::new() },
        sources: repository.sources().clone(),
        ..Report::default()
    };
    if args.objects {
        let all: Vec<EnvironmentObjects> =
            trees.par_iter().map(|tree| EnvironmentObjects::of(&repository, tree)).collect();
        let pairs: Vec<_> = all.iter().zip(&trees).collect();
        let each: Vec<Findings> = pairs.par_iter().map(|(environment, tree)| check(environment, tree)).collect();
        let mut found = Findings::default();
        each.into_iter().for_each(|one| found.append(one));
        spare(&pairs, &mut found);
        let dead: Vec<_> = trees.par_iter().map(|tree| dead_values(&repository, tree)).collect();
        dead.into_iter().flatten().for_each(|diagnostic| found.remarks.push(diagnostic));
        let found = found.sorted();
        report.objects = all.iter().map(|environment| environment.objects.len()).sum();
        (report.mistakes, report.remarks) = (found.mistakes, found.remarks);
        report.unseen = all.into_iter().flat_map(|environment| environment.unseen).collect();
    }
    Ok(report)
}

/// The charts whose values nothing was held against.
fn charts_without_facts(repository: &Repository, trees: &[RenderedTree<'_>]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for application in trees.iter().flat_map(|tree| &tree.plan.applications) {
        if let Content::Chart { chart, version } = &application.content
            && chart.folder.is_none()
            && !repository.facts().has_chart(&chart.name, version)
        {
            found.insert(format!("{} {version}", chart.name));
        }
    }
    found.into_iter().collect()
}
