//! Asking repositories and registries, and saying what came of it.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::PoisonError;

use chart_store::{Event, FetchError, Kind, Options};

use super::super::output::complain;
use super::super::{Global, report};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::pipeline::lock::{Locked, Pin};
use crate::pipeline::repository::Repository;
use crate::{Error, Failure, Result};

/// How everything is fetched: with the logins and proxies of this machine.
#[expect(clippy::disallowed_methods, reason = "how a chart is fetched does not matter: it is known by its digest")]
pub fn options(global: &Global) -> Result<Options> {
    let mut options = Options::from_environment(&|name| std::env::var(name).ok()).map_err(|error| failure(&error))?;
    options.user_agent = format!("kubezero/{}", crate::VERSION);
    options.threads = global.jobs.map_or(options.threads, usize::from);
    Ok(options)
}

/// What is asked for a pinned chart.
pub fn wanted(pin: &Pin, locked: Option<&Locked>) -> chart_store::Pin {
    chart_store::Pin {
        repository: pin.repository.clone(),
        name: pin.name.clone(),
        version: pin.version.clone(),
        sha256: locked.and_then(|locked| locked.sha256.clone()),
        oci_digest: locked.and_then(|locked| locked.oci_digest.clone()),
    }
}

/// Says on standard error how far it is, to a person who waits.
pub struct Progress {
    quiet: bool,
    terminal: bool,
    all: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    done: usize,
    shown: bool,
}

impl Progress {
    /// Of so many charts.
    pub fn new(global: &Global, all: usize) -> Progress {
        Progress { quiet: global.quiet, terminal: std::io::stderr().is_terminal(), all, state: Mutex::default() }
    }

    /// Takes an event.
    pub fn tell(&self, event: Event<'_>) {
        if self.quiet {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Waiting { what, wait, why } => {
                self.clear(&mut state);
                let seconds = wait.as_millis().div_ceil(1000);
                complain(&format!("{what}: {why}; trying again in {seconds} s\n"));
            }
            Event::Done { .. } => state.done += 1,
            // Nothing that would be seen.
            _ if state.shown => return,
            _ => {}
        }
        if self.terminal {
            complain(&format!("\r\x1b[K{} of {} charts", state.done, self.all));
            state.shown = true;
        }
    }

    /// Takes the line away.
    pub fn end(&self) {
        self.clear(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn clear(&self, state: &mut State) {
        if state.shown {
            complain("\r\x1b[K");
            state.shown = false;
        }
    }
}

/// What did not come: mistakes of whoever named it, and failures of networks and machines.
#[derive(Default)]
pub struct Missing {
    mistakes: Diagnostics,
    failures: Vec<Error>,
}

impl Missing {
    /// Takes an error, with the line that names the chart and the one that locks it.
    pub fn push(&mut self, error: &FetchError, pin: &Pin, at: Option<Origin>, locked: Option<Origin>) {
        let title = format!("`{} {}`", pin.name, pin.version);
        match &error.kind {
            Kind::WrongDigest { expected, found, .. } => {
                let message = format!("the chart {title} is another archive than was said");
                let mut diagnostic = Diagnostic::new("chart-wrong-sum", message).at_maybe(locked.or(at), "");
                if let (Some(at), Some(_)) = (at, locked) {
                    diagnostic = diagnostic.also(at, "named here");
                }
                self.mistakes.push(
                    diagnostic
                        .help(format!("wanted: {expected}"))
                        .help(format!("found:  {found}, of {}", error.from))
                        .help(error.remedy()),
                );
            }
            Kind::Cut
            | Kind::Timeout
            | Kind::Unreachable
            | Kind::Tls
            | Kind::Busy
            | Kind::Status(_)
            | Kind::Credentials
            | Kind::Cache => self.failures.push(failure(error)),
            _ => self.mistakes.push(
                Diagnostic::new("chart-not-fetched", format!("the chart {title} cannot be had: {}", error.came))
                    .at_maybe(at, "")
                    .help(format!("asked was {}", error.from))
                    .help(error.remedy()),
            ),
        }
    }

    /// How many charts did not come.
    pub fn len(&self) -> usize {
        self.mistakes.len() + self.failures.len()
    }

    /// Says everything: the exit code is 1 where there are mistakes, and 2 where networks and machines alone are to blame.
    pub fn result(mut self, repository: &Repository) -> Result<()> {
        let last = match self.mistakes.is_empty() {
            true => self.failures.pop(),
            false => Some(repository.mistakes(self.mistakes)),
        };
        for failure in &self.failures {
            report::error(failure);
        }
        last.map_or(Ok(()), Err)
    }
}

/// A failure of the network, in words.
pub fn failure(error: &FetchError) -> Error {
    let what = format!("{} from {}", error.asked, error.from);
    let mut failure = Failure::new("fetch", what, std::io::Error::other(error.came.clone()));
    failure.note = Some(error.remedy());
    Error::Failure(failure)
}

/// `83 kB`, `3.2 MB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
