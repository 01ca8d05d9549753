//! `kubezero man`

use clap::{Args, CommandFactory as _};

use super::files::mistake;
use super::output::print;
use super::{Cli, Outcome};
use crate::diagnostic::Diagnostic;
use crate::{Failure, Result};

/// Print the manual page, of all commands or of one: `kubezero man | man -l -`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Command; all where none is named
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

/// Runs the command.
pub fn run(args: &ManArgs) -> Result<Outcome> {
    let mut program = Cli::command();
    program.build();
    let commands =
        || program.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
    let mut pages = Vec::new();
    match &args.command {
        Some(name) => match commands().find(|command| command.get_name() == name) {
            Some(command) => pages.push(command.clone()),
            None => {
                return Err(mistake(
                    Diagnostic::new("unknown-command", format!("there is no command `{name}`"))
                        .did_you_mean(name, commands().map(clap::Command::get_name))
                        .help("`kubezero --help` lists them"),
                ));
            }
        },
        None => {
            pages.push(program.clone());
            for command in commands() {
                pages.push(command.clone());
                pages.extend(command.get_subcommands().filter(|command| command.get_name() != "help").cloned());
            }
        }
    }
    let mut out = Vec::new();
    for page in pages {
        clap_mangen::Man::new(page)
            .render(&mut out)
            .map_err(|error| Failure::new("write", "the manual page", error))?;
    }
    print(&String::from_utf8_lossy(&out))?;
    Ok(Outcome::Fine)
}
