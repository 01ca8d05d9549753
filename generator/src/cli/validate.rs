//! `kubezero validate`

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};

use super::output::{count, print, print_json};
use super::{Global, Outcome, report};
use crate::diagnostic::{Diagnostics, Sources};
use crate::pipeline::plan::Content;
use crate::pipeline::render::RenderedTree;
use crate::pipeline::repository::Repository;
use crate::{Error, Result, pipeline};

/// Check everything that `render` checks, and write nothing
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Environments; all where none is named
    #[arg(value_name = "ENV")]
    pub environments: Vec<String>,
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

/// Runs the command.
pub fn run(global: &Global, args: &ValidateArgs) -> Result<Outcome> {
    let result = global.load(&args.environments).and_then(|repository| {
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
        let unjudged = if global.verbose > 0 { charts_without_facts(&repository, &trees) } else { Vec::new() };
        Ok((trees.len(), trees.iter().map(|tree| tree.plan.applications.len()).sum::<usize>(), unjudged))
    });
    let shown = |diagnostics: &Diagnostics, sources: &Sources| match args.format {
        Format::Text => Ok(()),
        Format::Json => print_json(&report::to_json(diagnostics, sources)),
        Format::Sarif => print_json(&report::to_sarif(diagnostics, sources)),
    };
    match result {
        Ok((environments, applications, unjudged)) => {
            if args.format == Format::Text && !global.quiet {
                print(&format!(
                    "{} and {} are valid\n",
                    count(environments, "environment"),
                    count(applications, "Application")
                ))?;
                for chart in unjudged {
                    print(&format!("no facts of {chart}: its values were not checked\n"))?;
                }
            }
            shown(&Diagnostics::new(), &Sources::default())?;
            Ok(Outcome::Fine)
        }
        Err(Error::Mistakes(mistakes)) if args.format != Format::Text => {
            shown(&mistakes.diagnostics, &mistakes.sources)?;
            Ok(Outcome::Differs)
        }
        Err(error) => Err(error),
    }
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
