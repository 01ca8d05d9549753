//! `kubezero init`

use std::path::PathBuf;

use clap::Args;

use super::files::{mistake, scaffold, write_new};
use super::new::component_files;
use super::output::{count, print};
use super::{Global, Outcome};
use crate::diagnostic::Diagnostic;
use crate::pipeline::source::{Folder, Source as _};
use crate::{Failure, Result};

/// Make a repository with one environment and one component, which renders at once
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Folder to make; it may exist and be empty
    #[arg(value_name = "DIR")]
    pub target: PathBuf,
}

/// Runs the command.
pub fn run(global: &Global, args: &InitArgs) -> Result<Outcome> {
    let target = global.directory.join(&args.target);
    // A fresh clone of an empty repository holds `.git` and nothing else.
    let there: Vec<String> = Folder::new(&target)
        .list(".")?
        .iter()
        .map(|found| found.name().to_owned())
        .filter(|name| name != ".git")
        .collect();
    if let Some(first) = there.first() {
        return Err(mistake(
            Diagnostic::new("not-empty", format!("`{}` is not empty: it holds `{first}`", args.target.display()))
                .help("name a folder that does not exist yet; nothing is ever overwritten"),
        ));
    }
    let mut files = scaffold("repository", "hello");
    files.extend(component_files("hello").into_iter().map(|(path, text)| (format!("components/hello/{path}"), text)));
    write_new(&target, &files)?;
    let git = git(&target)?;
    if !global.quiet {
        let shown = args.target.display();
        print(&format!(
            "{shown}: {} written{}\n\nnext:\n  kubezero -C {shown} render\n  kubezero -C {shown} explain example hello\n",
            count(files.len(), "file"),
            if git { ", Git repository made" } else { "" }
        ))?;
    }
    Ok(Outcome::Fine)
}

/// Makes a Git repository where the folder is not inside one; says whether it did.
fn git(target: &std::path::Path) -> Result<bool> {
    if git2::Repository::discover(target).is_ok() {
        return Ok(false);
    }
    let mut options = git2::RepositoryInitOptions::new();
    options.initial_head("main").no_reinit(true).external_template(false);
    match git2::Repository::init_opts(target, &options) {
        Ok(_) => Ok(true),
        Err(error) => {
            Err(Failure::new("make a Git repository in", target, std::io::Error::other(error.message().to_owned()))
                .into())
        }
    }
}
