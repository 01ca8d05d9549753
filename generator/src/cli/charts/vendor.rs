//! `kubezero charts vendor`

use std::collections::BTreeSet;

use super::super::files::place;
use super::super::output::{count, print};
use super::super::{Global, Outcome};
use super::named;
use crate::Result;
use crate::diagnostic::Diagnostics;
use crate::pipeline::charts::VENDOR;
use crate::pipeline::source::{Folder, Source as _};

/// Runs the command.
pub fn run(global: &Global) -> Result<Outcome> {
    let repository = global.load(&[])?;
    let named = named::named(&repository)?;
    let (mut mistakes, mut archives) = (Diagnostics::new(), Vec::new());
    for (pin, by) in &named {
        match named::at_hand(&repository, pin) {
            Ok((bytes, _)) => archives.push((named::vendored_name(pin, &chart_store::sha256(&bytes)), bytes)),
            Err(problem) => mistakes.push(problem.diagnostic(pin).at(by.at, "")),
        }
    }
    mistakes.or(()).map_err(|mistakes| repository.mistakes(mistakes))?;
    let there: BTreeSet<String> =
        Folder::new(&global.directory).list(VENDOR)?.into_iter().map(|found| found.path).collect();
    let mut said = Vec::new();
    let mut copied = 0;
    for (path, bytes) in &archives {
        // Its name has its digest, and it was held against that a moment ago.
        if !there.contains(path) {
            place(&global.directory, path, bytes)?;
            copied += 1;
        }
    }
    let wanted: BTreeSet<&str> = archives.iter().map(|(path, _)| path.as_str()).collect();
    for path in there.iter().filter(|path| path.ends_with(".tgz") && !wanted.contains(path.as_str())) {
        said.push(format!("{path}: nobody names it; remove it where it is not needed"));
    }
    said.push(format!("{} in {VENDOR}, {copied} new", count(archives.len(), "archive")));
    if !global.quiet {
        print(&(said.join("\n") + "\n"))?;
    }
    Ok(Outcome::Fine)
}
