//! `kubezero completions`, and what the shells ask afterwards.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::output::print;
use super::{Cli, Outcome};
use crate::pipeline::repository::{COMPONENTS, ENVIRONMENTS};
use crate::pipeline::source::{Folder, Kind, Source as _};
use crate::{Failure, Result};

/// The variable by which a shell asks for completions.
pub const VARIABLE: &str = "KUBEZERO_COMPLETE";

/// Print the script that makes a shell complete commands, environments and components
///
/// bash: `source <(kubezero completions bash)` in ~/.bashrc; zsh: the same with zsh in ~/.zshrc;
/// fish: `kubezero completions fish | source`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Shells that can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "a shell is its name")]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

/// Runs the command.
pub fn run(args: &CompletionsArgs) -> Result<Outcome> {
    let shell: &dyn EnvCompleter = match args.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
        Shell::Elvish => &Elvish,
        Shell::Powershell => &Powershell,
    };
    let mut out = Vec::new();
    shell
        .write_registration(VARIABLE, "kubezero", "kubezero", "kubezero", &mut out)
        .map_err(|error| Failure::new("write", "the completion script", error))?;
    print(&String::from_utf8_lossy(&out))?;
    Ok(Outcome::Fine)
}

/// The program's commands, in which environments and components complete to names of the repository.
pub fn command() -> clap::Command {
    let mut program = Cli::command();
    let names: Vec<String> = program.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        program = program.mut_subcommand(&name, |command| {
            let own = command.get_name().to_owned();
            command.mut_args(|arg| {
                let value = arg.get_value_names().and_then(|names| names.first()).map(|name| name.as_str().to_owned());
                match (own.as_str(), value.as_deref()) {
                    (_, Some("ENV")) | ("environments", Some("NAME")) => {
                        arg.add(ArgValueCandidates::new(|| names_in(ENVIRONMENTS)))
                    }
                    ("components" | "schema", Some("NAME")) => {
                        arg.add(ArgValueCandidates::new(|| names_in(COMPONENTS)))
                    }
                    _ => arg,
                }
            })
        });
    }
    program
}

/// Folders of `environments` or `components`. A shell that completes wants names or nothing, never errors.
fn names_in(folder: &str) -> Vec<CompletionCandidate> {
    let found = Folder::new(directory(std::env::args_os().skip(1))).list(folder).unwrap_or_default();
    let other = ["facts", "layers", "partials"];
    found
        .iter()
        .filter(|entry| entry.kind == Kind::Folder && !entry.name().starts_with('.') && !other.contains(&entry.name()))
        .map(|entry| CompletionCandidate::new(entry.name()))
        .collect()
}

/// The repository that an unfinished command line is about.
fn directory(mut words: impl Iterator<Item = std::ffi::OsString>) -> PathBuf {
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("-C") => return words.next().map_or_else(|| PathBuf::from("."), PathBuf::from),
            Some(joined) if joined.starts_with("-C") => return PathBuf::from(joined.trim_start_matches("-C")),
            _ => {}
        }
    }
    PathBuf::from(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_found_on_an_unfinished_line() {
        let of = |line: &str| directory(line.split(' ').map(std::ffi::OsString::from));
        assert_eq!(of("kubezero -C a render "), PathBuf::from("a"));
        assert_eq!(of("kubezero render -Cb "), PathBuf::from("b"));
        assert_eq!(of("kubezero render "), PathBuf::from("."));
    }
}
