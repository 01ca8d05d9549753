//! `kubezero render`

use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;
use rayon::prelude::*;

use super::output::{count, print};
use super::{Global, Outcome};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::pipeline::compare::{self, Comparison, DesiredTree, Problem};
use crate::pipeline::render::RenderedTree;
use crate::pipeline::repository::Bytes;
use crate::pipeline::source::Folder;
use crate::pipeline::stamp::{self, Stamps};
use crate::pipeline::write::{self, LockError};
use crate::{Error, Failure, Result, VERSION, pipeline};

/// Write `argocd/<environment>` for every environment, or for those named
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// Environments; all where none is named
    #[arg(value_name = "ENV")]
    pub environments: Vec<String>,
    /// Write nothing; exit with 1 and a summary where the committed output is stale
    #[arg(long)]
    pub check: bool,
    /// Replace generated files that were edited by hand; the edits are lost
    #[arg(long, conflicts_with = "check")]
    pub overwrite_edited: bool,
}

/// Runs the command.
pub fn run(global: &Global, args: &RenderArgs) -> Result<Outcome> {
    if !args.check
        && let Some(current) = nothing_to_do(global, args)
    {
        if !global.quiet {
            print(&summary(&[], current, false, false))?;
        }
        return Ok(Outcome::Fine);
    }
    let repository = global.load(&args.environments)?;
    let mut environments = pipeline::resolve(&repository)?;
    let argocd = global.directory.join("argocd");
    let (mut stamps, mut inputs, mut current) = (Stamps::default(), Vec::new(), 0);
    if !args.check {
        // A write that was cut off is finished below, under the lock: what is on disk now says nothing yet.
        if !write::is_unfinished(&argocd) {
            stamps = Stamps::read(&argocd);
        }
        inputs = stamp::inputs(&repository, &environments);
        let untouched: Vec<bool> = environments
            .par_iter()
            .zip(&inputs)
            .map(|(environment, inputs)| stamps.current(&argocd, environment, inputs).is_some())
            .collect();
        let mut kept = untouched.iter();
        environments.retain(|_| kept.next() == Some(&false));
        let mut kept = untouched.iter();
        inputs.retain(|_| kept.next() == Some(&false));
        current = untouched.iter().filter(|untouched| **untouched).count();
    }
    let desired = pipeline::render_each(&repository, &environments, desired)?;

    // The lock comes before the comparison: what was compared must be what is replaced.
    let lock = if args.check {
        None
    } else {
        let lock = write::lock(&argocd).map_err(|error| as_it_was(&argocd, locked(error)))?;
        let recovery = write::recover(&lock).map_err(|failure| as_it_was(&argocd, failed(failure)))?;
        // Another writer came in between: what was taken for untouched may be so no longer.
        if current > 0 && (!recovery.finished.is_empty() || Stamps::read(&argocd) != stamps) {
            drop(lock);
            return run(global, args);
        }
        Some(lock)
    };
    let mut comparisons = desired
        .par_iter()
        .map(|tree| compare::compare(&argocd, tree, VERSION, args.overwrite_edited))
        .collect::<std::result::Result<Vec<Comparison>, _>>()
        .map_err(failed)?;
    if args.environments.is_empty() {
        let known: BTreeSet<String> = repository.all_environments().clone();
        comparisons.extend(compare::leftovers(&argocd, &known, VERSION, args.overwrite_edited).map_err(failed)?);
    }
    let problems: Diagnostics = problems(&comparisons, |path| {
        format!("then take the edit back: `git restore {path}`, or `kubezero render --overwrite-edited`")
    });
    if !problems.is_empty() {
        return Err(repository.mistakes(problems));
    }

    let unfinished = args.check && write::is_unfinished(&argocd);
    let summary = summary(&comparisons, current, args.check, global.verbose > 0);
    let changes = comparisons.iter().any(Comparison::has_changes);
    if let Some(lock) = &lock {
        let written = write::write(lock, &comparisons).map_err(|failure| as_it_was(&argocd, failed(failure)))?;
        stamps.note(&desired, inputs);
        let sources = repository.sources().iter().map(|(_, file)| (file.path.as_ref(), file.text.as_bytes()));
        let is_news = stamps.note_whole(stamp::whole(sources, repository.all_environments()));
        if is_news || !desired.is_empty() {
            stamps.keep(&argocd);
        }
        if !written.rescued.is_empty() {
            super::output::complain(&format!(
                "note: files that were saved during the write are kept in {}\n",
                written.rescued.iter().map(|path| format!("{path:?}")).collect::<Vec<_>>().join(", ")
            ));
        }
    }
    if !global.quiet {
        print(&summary)?;
        if unfinished {
            print("an earlier write was cut off: `kubezero render` finishes it\n")?;
        }
        if args.check && changes {
            print("the committed output is stale: run `kubezero render` and commit the result\n")?;
        }
    }
    // The process ends here, and the system takes all memory back at once: giving it back piece by piece takes longer.
    std::mem::forget((repository, environments, desired, comparisons));
    Ok(if args.check && (changes || unfinished) { Outcome::Differs } else { Outcome::Fine })
}

/// How many environments there are, where neither an input nor an output was touched since the last run. Whatever is strange is
/// left to the long way, which has words for it.
fn nothing_to_do(global: &Global, args: &RenderArgs) -> Option<usize> {
    let argocd = global.directory.join("argocd");
    if global.verbose > 0 || write::has_remains(&argocd) {
        return None;
    }
    let stamps = Some(Stamps::read(&argocd)).filter(Stamps::has_whole)?;
    let bytes = Bytes::read(&Folder::new(&global.directory), &global.wanted(&args.environments)).ok()??;
    let files = bytes.files.iter().map(|(path, text)| (path.as_str(), text.as_slice()));
    let whole = stamp::whole(files, &bytes.all_environments);
    let is_current = stamps.is_whole(&argocd, &whole, &bytes.chosen)
        && compare::leftovers(&argocd, &bytes.all_environments, VERSION, false).is_ok_and(|left| left.is_empty());
    is_current.then_some(bytes.chosen.len())
}

/// The bytes of a tree; everything else about it is let go.
pub(super) fn desired(tree: RenderedTree<'_>) -> DesiredTree {
    DesiredTree {
        environment: tree.plan.environment.name.clone(),
        files: tree.files.into_iter().map(|(path, file)| (path, file.text)).collect(),
    }
}

fn summary(comparisons: &[Comparison], mut current: usize, check: bool, verbose: bool) -> String {
    let mut text = String::new();
    for comparison in comparisons {
        if !comparison.has_changes() {
            current += 1;
            if !verbose {
                continue;
            }
        }
        let mut parts = parts(comparison);
        if comparison.unchanged > 0 || parts.is_empty() {
            parts.push(format!("{} unchanged", comparison.unchanged));
        }
        text += &format!("argocd/{}: {}\n", comparison.environment, parts.join(", "));
        if check || verbose {
            let lists = [(&comparison.added, '+'), (&comparison.changed, '~'), (&comparison.removed, '-')];
            for (files, sign) in lists {
                for file in files {
                    text += &format!("  {sign} {file}\n");
                }
            }
        }
        if !comparison.kept.is_empty() {
            text += &format!("  kept, because not generated: {}\n", comparison.kept.join(", "));
        }
    }
    if current > 0 {
        text += &format!("{} up to date\n", count(current, "environment"));
    }
    text
}

/// How many files were added, changed and removed, in words.
pub(super) fn parts(comparison: &Comparison) -> Vec<String> {
    [(&comparison.added, "added"), (&comparison.changed, "changed"), (&comparison.removed, "removed")]
        .into_iter()
        .filter(|(files, _)| !files.is_empty())
        .map(|(files, word)| format!("{} {word}", files.len()))
        .collect()
}

/// What a person has to settle; `taking_back` says how an edit of a generated file is undone.
pub(super) fn problems(comparisons: &[Comparison], taking_back: impl Fn(&str) -> String) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for problem in comparisons.iter().flat_map(|comparison| &comparison.problems) {
        let path = format!("argocd/{}", problem.path());
        let diagnostic = match problem {
            Problem::EditedByHand { .. } => Diagnostic::new("edited-by-hand", format!("`{path}` was edited by hand"))
                .help("move the change into `environments/` or `components/`")
                .help(taking_back(&path)),
            Problem::NotGenerated { .. } => {
                Diagnostic::new("not-generated", format!("`{path}` is not generated, and Argo CD might apply it"))
                    .help("everything under argocd/<environment> is generated: move it elsewhere or delete it")
            }
            Problem::Occupied { .. } => {
                Diagnostic::new("not-generated", format!("`{path}` stands where a generated file belongs"))
                    .help("nobody generated it: move it elsewhere or delete it")
            }
            Problem::Symlink { .. } => Diagnostic::new("symlink", format!("`{path}` is not a plain file or folder"))
                .help("generated trees hold plain files only: remove it"),
            Problem::UnreadableIndex { line, column, message, .. } => {
                Diagnostic::new("unreadable-index", format!("`{path}:{line}:{column}` cannot be read: {message}")).help(
                    "it lists what is generated; after a merge, `kubezero render --overwrite-edited` makes it anew",
                )
            }
            Problem::NewerGenerator { found, ours, .. } => {
                Diagnostic::new("newer-generator", format!("`{path}` was written by kubezero {found}, this is {ours}"))
                    .help(format!("use kubezero {found} or newer"))
            }
        };
        diagnostics.push(diagnostic.in_file(path));
    }
    diagnostics
}

/// A failure of comparing or writing, in the program's own terms.
pub(super) fn failed(failure: compare::Failure) -> Error {
    match failure {
        compare::Failure::Io { doing, path, source } => Failure::new(doing, path, source).into(),
        other => Error::Busy(other.to_string()),
    }
}

/// Says what became of the output where writing it failed.
fn as_it_was(argocd: &Path, error: Error) -> Error {
    match error {
        Error::Failure(failure) => Error::Failure(Failure {
            note: Some(match write::is_unfinished(argocd) {
                true => "the write was cut off half-way: `kubezero render` finishes it as soon as it can",
                false => "nothing was written: argocd/ is as it was before",
            }),
            ..failure
        }),
        other => other,
    }
}

fn locked(error: LockError) -> Error {
    match error {
        LockError::HeldBy { pid, command, .. } => {
            let pid = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            Error::Busy(format!("another kubezero is writing argocd/: `{command}`{pid}\nhelp: wait until it is done"))
        }
        LockError::Failure(failure) => failed(failure),
    }
}
