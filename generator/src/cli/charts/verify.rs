//! `kubezero charts verify`

use super::super::output::{count, print};
use super::super::{Global, Outcome};
use super::named;
use crate::Result;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::pipeline::charts::Problem;

/// Runs the command.
pub fn run(global: &Global, lock_only: bool) -> Result<Outcome> {
    let repository = global.load(&[])?;
    let named = named::named(&repository)?;
    let lock = repository.lock();
    let mut mistakes = Diagnostics::new();
    for (pin, by) in &named {
        let locked = lock.get(pin);
        let problem = match (locked, lock_only) {
            (None, _) => Some(Problem::NotLocked),
            (Some(locked), true) => locked.sha256.is_none().then_some(Problem::NoSum),
            (Some(_), false) => match named::at_hand(&repository, pin) {
                Err(problem) => Some(problem),
                Ok((bytes, _)) => {
                    chart_store::check_archive(&bytes, &pin.name, &pin.version).err().map(Problem::NoChart)
                }
            },
        };
        if let Some(problem) = problem {
            let mut diagnostic = problem.diagnostic(pin).at(by.at, "");
            if let Some(at) = locked.and_then(|locked| locked.at) {
                diagnostic = diagnostic.also(at, "locked here");
            }
            mistakes.push(diagnostic);
        }
    }
    for (pin, locked) in lock.charts().iter().filter(|(pin, _)| !named.contains_key(*pin)) {
        let message = format!("the chart `{} {}` is locked, and nobody names it", pin.name, pin.version);
        let diagnostic = Diagnostic::new("chart-not-named", message).at_maybe(locked.at, "");
        mistakes.push(diagnostic.help("run `kubezero charts fetch`, which writes the lock anew"));
    }
    mistakes.or(()).map_err(|mistakes| repository.mistakes(mistakes))?;
    if !global.quiet {
        let what = if lock_only { "locked" } else { "locked and at hand" };
        print(&format!("{} named, {what}\n", count(named.len(), "chart")))?;
    }
    Ok(Outcome::Fine)
}
