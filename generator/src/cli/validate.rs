//! `kubezero validate`

use clap::{Args, ValueEnum};

use super::output::{count, print, print_json};
use super::{Global, Outcome, report};
use crate::diagnostic::{Diagnostics, Sources};
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
        let environments = pipeline::resolve(&repository)?;
        let trees = pipeline::render(&repository, &environments)?;
        Ok((trees.len(), trees.iter().map(|tree| tree.plan.applications.len()).sum::<usize>()))
    });
    let shown = |diagnostics: &Diagnostics, sources: &Sources| match args.format {
        Format::Text => Ok(()),
        Format::Json => print_json(&report::to_json(diagnostics, sources)),
        Format::Sarif => print_json(&report::to_sarif(diagnostics, sources)),
    };
    match result {
        Ok((environments, applications)) => {
            if args.format == Format::Text && !global.quiet {
                print(&format!(
                    "{} and {} are valid\n",
                    count(environments, "environment"),
                    count(applications, "Application")
                ))?;
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
