//! `kubezero commit`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::diff::words;
use super::output::{complain, count, print};
use super::render::{desired, failed, parts, problems};
use super::{Global, Outcome, cache};
use crate::git::commit::{Done, Request, TRIES, Work};
use crate::git::{self, Commit, Git, Tree, checkout};
use crate::pipeline::compare::{self, Comparison, DesiredTree};
use crate::pipeline::repository::Repository;
use crate::review::model::Class;
use crate::review::tree::{Files, Raw};
use crate::{Result, VERSION, pipeline, review};

/// How many environments a message lists.
const LISTED: usize = 40;

/// The longest pause between two tries, in milliseconds.
const LONGEST_PAUSE: u64 = 5_000;

/// Render what the branch's newest commit holds, and commit the result to the branch
///
/// Inputs are taken from the commit, not from the work tree. Work tree and index are left alone, unless the branch is
/// checked out: then the files of argocd/ are brought along. A commit that comes too late is rendered again on what is
/// there then.
#[derive(Debug, Args)]
pub struct CommitArgs {
    /// Environments; all where none is named
    #[arg(value_name = "ENV")]
    pub environments: Vec<String>,
    /// Push the commit with `git push`, never by force
    #[arg(long)]
    pub push: bool,
    /// Commit to this branch, which is made from the current commit where there is none
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// What to say instead of the summary; the trailers are added to it
    #[arg(long, short, value_name = "TEXT")]
    pub message: Option<String>,
    /// Sign the commit, as `git commit -S` does
    #[arg(long)]
    pub sign: bool,
    /// Where to push to [default: where `git push` would]
    #[arg(long, value_name = "NAME", requires = "push")]
    pub remote: Option<String>,
    /// Replace generated files that were edited by hand; the edits stay in the history only
    #[arg(long)]
    pub overwrite_edited: bool,
    /// How often to try where others commit at the same time
    #[arg(long, value_name = "N", default_value_t = TRIES, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub tries: u32,
}

/// Runs the command.
pub fn run(global: &Global, args: &CommitArgs) -> Result<Outcome> {
    let git = Git::open(&global.directory)?;
    let request = Request {
        branch: args.branch.clone(),
        push: args.push,
        remote: args.remote.clone(),
        sign: args.sign,
        tries: args.tries,
    };
    let rendering = Rendering { global, args, git: &git, last: Mutex::default() };
    let done = git::commit::commit(&git, &request, &rendering)?;
    if !global.quiet {
        print(&summary(&git, &done))?;
        for note in notes(&git, &done)? {
            complain(&format!("note: {note}\n"));
        }
    }
    Ok(Outcome::Fine)
}

/// What a commit is to hold, and the clock.
struct Rendering<'a> {
    global: &'a Global,
    args: &'a CommitArgs,
    git: &'a Git,
    /// Of what was rendered last.
    last: Mutex<Last>,
}

/// What is to be said of a render.
#[derive(Debug, Default)]
struct Last {
    digest: String,
    /// How many objects change, by class, the worst first; empty where the message is given.
    classes: BTreeMap<Class, usize>,
}

impl Work for Rendering<'_> {
    fn render(&self, inputs: Commit) -> Result<Vec<Comparison>> {
        let tree = self.git.inputs(inputs)?;
        let repository =
            Repository::load(&tree, &self.global.wanted(&self.args.environments))?.with_charts(cache::charts());
        let environments = pipeline::resolve(&repository)?;
        let desired = pipeline::render_each(&repository, &environments, desired)?;
        let overwrite = self.args.overwrite_edited;
        let mut comparisons = desired
            .par_iter()
            .map(|desired| compare::compare_committed(&tree, "argocd", desired, VERSION, overwrite))
            .collect::<std::result::Result<Vec<Comparison>, _>>()
            .map_err(failed)?;
        if self.args.environments.is_empty() {
            let known: BTreeSet<String> = repository.all_environments().clone();
            let left = compare::leftovers_committed(&tree, "argocd", &known, VERSION, overwrite).map_err(failed)?;
            comparisons.extend(left);
        }
        let problems =
            problems(&comparisons, |_| "then take the edit back: `kubezero commit --overwrite-edited`".to_owned());
        if !problems.is_empty() {
            return Err(repository.mistakes(problems));
        }
        let mut classes = BTreeMap::new();
        // A message of one's own does not name them.
        for comparison in comparisons.iter().filter(|_| self.args.message.is_none()) {
            let desired = desired.iter().find(|desired| desired.environment == comparison.environment);
            for raw in changes(&tree, comparison, desired)? {
                *classes.entry(raw.class()).or_default() += 1;
            }
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Last { digest: digest(&desired), classes };
        Ok(comparisons)
    }

    fn message(&self, inputs: Commit, comparisons: &[Comparison]) -> Result<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let text = self.args.message.clone().unwrap_or_else(|| what_changed(comparisons, &last.classes));
        let mut trailers = vec![("Inputs", inputs.to_string()), ("Generator", format!("kubezero {VERSION}"))];
        if !self.args.environments.is_empty() {
            trailers.push(("Environments", self.args.environments.join(", ")));
        }
        trailers.push(("Tree", format!("sha256:{}", last.digest)));
        Ok(git::with_trailers(&text, &trailers))
    }

    fn pause(&self, attempt: u32) {
        std::thread::sleep(pause(attempt, std::process::id()));
    }
}

/// Longer with each try, and different for each process, so that several do not meet again and again.
fn pause(attempt: u32, process: u32) -> Duration {
    let longest = (50 << attempt.min(8)).min(LONGEST_PAUSE);
    let digest = Sha256::digest(format!("{process} {attempt}"));
    let part = digest.iter().take(2).fold(0, |number, byte| number * 256 + u64::from(*byte));
    Duration::from_millis(longest / 4 + longest * 3 / 4 * part / 65_536)
}

/// The same digest that a review has of the trees it compares.
fn digest(trees: &[DesiredTree]) -> String {
    review::digest(trees.iter().flat_map(|tree| {
        let files = tree.files.iter();
        files.map(|(path, bytes)| (tree.environment.as_str(), path.as_str(), bytes.as_ref()))
    }))
}

/// What becomes of the objects of one environment.
fn changes(tree: &Tree, comparison: &Comparison, desired: Option<&DesiredTree>) -> Result<Vec<Raw>> {
    let mut before: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for path in comparison.changed.iter().chain(&comparison.removed) {
        let file = format!("argocd/{}/{path}", comparison.environment);
        before.insert(path, tree.find(&file)?.unwrap_or_default());
    }
    let base: Files<'_> = before.iter().map(|(path, text)| (*path, (text.as_slice(), ""))).collect();
    let files = comparison.changed.iter().chain(&comparison.added);
    let head: Files<'_> = files
        .filter_map(|path| {
            let (path, text) = desired?.files.get_key_value(path)?;
            Some((path.as_str(), (text.as_ref(), "")))
        })
        .collect();
    Ok(review::tree::changes(&comparison.environment, &base, &head))
}

/// The subject, below it how many objects change in which way, and each environment with the number of its files that do.
fn what_changed(comparisons: &[Comparison], classes: &BTreeMap<Class, usize>) -> String {
    let changed: Vec<&Comparison> = comparisons.iter().filter(|comparison| comparison.has_changes()).collect();
    let mut text = match changed.as_slice() {
        [] => "Render: nothing changes".to_owned(),
        [only] => format!("Render {}", only.environment),
        several => format!("Render {}", count(several.len(), "environment")),
    };
    text += "\n\n";
    if !classes.is_empty() {
        let words = classes.iter().map(|(class, number)| format!("{number} {}", words::class(*class)));
        text += &format!("{}\n\n", words.collect::<Vec<_>>().join(", "));
    }
    for comparison in changed.iter().take(LISTED) {
        // Not `name: …`, which would be a trailer.
        text += &format!("argocd/{}: {}\n", comparison.environment, parts(comparison).join(", "));
    }
    if changed.len() > LISTED {
        text += &format!("and {}\n", count(changed.len() - LISTED, "more environment"));
    }
    text
}

fn summary(git: &Git, done: &Done) -> String {
    let mut text = String::new();
    let before = match done.pushed_before {
        0 => String::new(),
        number => format!(", with {} made before", count(number, "commit")),
    };
    match done.commit {
        None => {
            text += &format!(
                "nothing to commit: {} is what the inputs of {} ({}) give\n",
                git.inside("argocd"),
                done.inputs.short(),
                done.branch
            );
            if let (Some(remote), 1..) = (&done.pushed, done.pushed_before) {
                text += &format!("pushed to {remote}: {}\n", count(done.pushed_before, "commit"));
            }
        }
        Some(commit) => {
            for comparison in done.comparisons.iter().filter(|comparison| comparison.has_changes()) {
                text += &format!("argocd/{}: {}\n", comparison.environment, parts(comparison).join(", "));
                if !comparison.kept.is_empty() {
                    text += &format!("  kept, because not generated: {}\n", comparison.kept.join(", "));
                }
            }
            text += &format!(
                "committed to {}: {}, from the inputs of {}\n",
                done.branch,
                commit.short(),
                done.inputs.short()
            );
            if let Some(remote) = &done.pushed {
                text += &format!("pushed to {remote}{before}");
                if done.tries > 1 {
                    text += &format!(", in {} tries", done.tries);
                }
                text.push('\n');
            }
        }
    }
    text
}

fn notes(git: &Git, done: &Done) -> Result<Vec<String>> {
    let mut notes = done.notes.clone();
    let uncommitted = checkout::uncommitted(git)?;
    if !uncommitted.is_empty() {
        let shown = uncommitted.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if uncommitted.len() > 5 { format!(" and {} more", uncommitted.len() - 5) } else { String::new() };
        notes.push(format!(
            "{} in the work tree did not count, because no commit has what is there: {shown}{more}",
            count(uncommitted.len(), "input")
        ));
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_end_and_differ() {
        let longest = Duration::from_millis(LONGEST_PAUSE);
        assert!(pause(2, 1) < Duration::from_millis(201));
        assert!((2..100).all(|attempt| pause(attempt, 7) <= longest));
        assert!(pause(9, 7) > pause(2, 7));
        let different: BTreeSet<Duration> = (1000..1016).map(|process| pause(4, process)).collect();
        assert!(different.len() > 12, "{different:?}");
    }

    #[test]
    fn a_message_lists_what_fits() {
        let comparison =
            |name: String| Comparison { environment: name, added: vec!["a".to_owned()], ..Comparison::default() };
        let one = what_changed(
            &[comparison("aws-ha".to_owned()), Comparison::default()],
            &BTreeMap::from([(Class::ChartVersion, 4), (Class::Destroyed, 1)]),
        );
        assert_eq!(one, "Render aws-ha\n\n1 destroyed, 4 chart version\n\nargocd/aws-ha: 1 added\n");
        let many: Vec<Comparison> = (0..100).map(|number| comparison(format!("e{number}"))).collect();
        let many = what_changed(&many, &BTreeMap::new());
        assert!(many.starts_with("Render 100 environments\n\nargocd/e0: 1 added\n"), "{many}");
        assert!(many.ends_with("argocd/e39: 1 added\nand 60 more environments\n"), "{many}");
    }
}
