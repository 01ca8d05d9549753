//! A commit that is made in memory and cannot lose a race: objects first, then one reference by compare-and-swap, here or
//! at the remote. Who comes too late renders again on what is there then. Nothing is ever forced.

use std::collections::BTreeMap;

use git2::{ErrorCode, FileMode, Oid};

use super::checkout::{self, Place, Refusal};
use super::tree::is_lfs_pointer;
use super::user::{User, quoted};
use super::{Commit, Git, mistake, unborn};
use crate::diagnostic::Diagnostic;
use crate::pipeline::compare::{Comparison, Source};
use crate::{Error, Result};

/// How often a race may be lost.
pub const TRIES: u32 = 8;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Request {
    /// The branch to commit to; the current one where none is named.
    pub branch: Option<String>,
    /// Whether the commit goes to a remote.
    pub push: bool,
    /// Which remote; where none is named, the one that `git push` takes.
    pub remote: Option<String>,
    /// Whether to sign; `commit.gpgSign` asks for it, too.
    pub sign: bool,
    /// How often to try.
    pub tries: u32,
}

/// What is done by those who know what a commit is to hold, and by those who have a clock.
pub trait Work {
    /// Renders the inputs of a commit and compares the result with the output that it holds.
    fn render(&self, inputs: Commit) -> Result<Vec<Comparison>>;
    /// The commit's message.
    fn message(&self, inputs: Commit, comparisons: &[Comparison]) -> Result<String>;
    /// Waits before another try; they are counted from 2.
    fn pause(&self, attempt: u32);
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Done {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Whose inputs were rendered.
    pub inputs: Commit,
    /// The new commit; none where there was nothing to commit.
    pub commit: Option<Commit>,
    /// What changed, by environment.
    pub comparisons: Vec<Comparison>,
    /// The remote that has the branch now as it is here, where it was asked for.
    pub pushed: Option<String>,
    /// How many commits were pushed that had been made before, and not by this run.
    pub pushed_before: usize,
    /// How often it was tried.
    pub tries: u32,
    /// What else the user should know, one sentence each.
    pub notes: Vec<String>,
}

/// Renders and commits; with a lost race again, until the request's tries are used up.
pub fn commit(git: &Git, request: &Request, work: &dyn Work) -> Result<Done> {
    let branch = target(git, request)?;
    let remote = match request.push {
        true => Some(Remote::of(git, request, &branch)?),
        false => None,
    };
    let mut rendered: Option<(Commit, Vec<Comparison>)> = None;
    let mut why = String::new();
    for attempt in 1..=request.tries.max(1) {
        if attempt > 1 {
            work.pause(attempt);
        }
        // Opened anew: what other processes did in between counts.
        let git = &Git::open(&git.directory)?;
        let run = Run { git, request, work, branch: &branch, remote: remote.as_ref(), attempt };
        match run.once(&mut rendered)? {
            Attempt::Done(done) => return Ok(*done),
            Attempt::Lost(reason) => why = reason,
        }
    }
    Err(Error::Busy(format!(
        "`{branch}` moved each time before the commit was in place: gave up after {} tries{}\n\
         help: run the command again\n\
         note: nothing was committed and nothing is lost",
        request.tries.max(1),
        quoted(&why)
    )))
}

/// The name of the branch to commit to, without `refs/heads/`.
fn target(git: &Git, request: &Request) -> Result<String> {
    if let Some(name) = &request.branch {
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        return match git2::Branch::name_is_valid(name) {
            Ok(true) => Ok(name.to_owned()),
            _ => Err(mistake(
                Diagnostic::new("bad-branch-name", format!("`{name}` cannot be the name of a branch"))
                    .help("`git help check-ref-format` has the rules"),
            )),
        };
    }
    match git.repository.head() {
        Ok(head) if head.is_branch() => match head.shorthand() {
            Ok(name) => Ok(name.to_owned()),
            Err(error) => Err(git.failed("read the current branch of", &error)),
        },
        Ok(_) => Err(mistake(
            Diagnostic::new("detached-head", "no branch is checked out, so it is open which one to commit to")
                .help("name it: `kubezero commit --branch NAME`, or check it out: `git switch NAME`"),
        )),
        Err(error) if error.code() == ErrorCode::UnbornBranch => Err(mistake(unborn())),
        Err(error) if error.code() == ErrorCode::NotFound => Err(mistake(unborn())),
        Err(error) => Err(git.failed("read the current branch of", &error)),
    }
}

/// What one attempt came to.
enum Attempt {
    Done(Box<Done>),
    Lost(String),
}

/// What a commit is made on.
struct Base {
    inputs: Commit,
    parents: Vec<Commit>,
    /// The branch as it is here.
    local: Option<Commit>,
    /// The branch as it is at the remote.
    far: Option<Commit>,
}

struct Run<'a> {
    git: &'a Git,
    request: &'a Request,
    work: &'a dyn Work,
    branch: &'a str,
    remote: Option<&'a Remote>,
    attempt: u32,
}

impl Run<'_> {
    fn once(&self, rendered: &mut Option<(Commit, Vec<Comparison>)>) -> Result<Attempt> {
        let base = self.base()?;
        let places = checkout::places(self.git, &self.reference())?;
        // With a push the work trees follow where they can; without one they are part of it.
        if self.remote.is_none() {
            places.iter().try_for_each(Place::check)?;
        }
        self.refuse_lfs(base.inputs)?;
        let comparisons = match rendered.take().filter(|(inputs, _)| *inputs == base.inputs) {
            Some((_, comparisons)) => comparisons,
            None => self.work.render(base.inputs)?,
        };
        let tree = self.tree(base.inputs, &comparisons)?;
        let is_news = match base.parents.as_slice() {
            [only] => self.tree_of(*only)? != tree,
            // On a branch of its own that was left behind: what counts is whether the branch would look different.
            [tip, ..] => self.tree_of(*tip)? != tree,
            [] => true,
        };
        if !is_news {
            return self.nothing(&base, comparisons);
        }
        let message = self.work.message(base.inputs, &comparisons)?;
        let commit = self.make(tree, &base.parents, &message)?;
        let landed = match self.remote {
            None => self.land(&base, commit, &places)?,
            Some(remote) => self.push(remote, &base, commit, &places)?,
        };
        match landed {
            Ok(notes) => Ok(Attempt::Done(Box::new(Done {
                branch: self.branch.to_owned(),
                inputs: base.inputs,
                commit: Some(commit),
                comparisons,
                pushed: self.remote.map(|remote| remote.name.clone()),
                pushed_before: self.pushed_before(&base)?,
                tries: self.attempt,
                notes,
            }))),
            Err(reason) => {
                *rendered = Some((base.inputs, comparisons));
                Ok(Attempt::Lost(reason))
            }
        }
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    fn failed(&self, action: &'static str) -> impl Fn(git2::Error) -> Error {
        move |error| self.git.failed(action, &error)
    }

    /// Finds what to commit on: the branch here, at the remote and, for a branch of its own, the current commit.
    fn base(&self) -> Result<Base> {
        let local = self.tip(&self.reference())?;
        let far = match self.remote {
            Some(remote) => remote.tip(self.git, self.branch)?,
            None => None,
        };
        let tip = match (local, far) {
            (Some(ours), Some(theirs)) if self.contains(ours, theirs)? => Some(ours),
            (Some(ours), Some(theirs)) if self.contains(theirs, ours)? => Some(theirs),
            (Some(ours), Some(theirs)) => return Err(self.diverged(ours, theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        let head = match self.request.branch {
            Some(_) => self.tip("HEAD")?,
            None => None,
        };
        let (inputs, parents) = match (tip, head) {
            (None, None) => return Err(mistake(unborn())),
            (Some(tip), None) => (tip, vec![tip]),
            (None, Some(head)) => (head, vec![head]),
            (Some(tip), Some(head)) if self.contains(tip, head)? => (tip, vec![tip]),
            (Some(tip), Some(head)) if self.contains(head, tip)? => (head, vec![head]),
            // The branch has renders that the current commit has not, and nothing else: both stay in the history.
            (Some(tip), Some(head)) if self.is_output_only(tip, head)? => (head, vec![tip, head]),
            (Some(tip), Some(head)) => {
                return Err(mistake(
                    Diagnostic::new(
                        "diverged",
                        format!("`{}` has changes of its own outside `{}`", self.branch, self.git.inside("argocd")),
                    )
                    .help(format!(
                        "it is at {}, the current commit is {}: merge one into the other first",
                        tip.short(),
                        head.short()
                    ))
                    .help(format!("or check it out and commit there: `git switch {}`", self.branch)),
                ));
            }
        };
        Ok(Base { inputs, parents, local, far })
    }

    fn tip(&self, reference: &str) -> Result<Option<Commit>> {
        match self.git.repository.find_reference(reference).and_then(|found| found.peel_to_commit()) {
            Ok(commit) => Ok(Some(Commit(commit.id()))),
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::UnbornBranch) => Ok(None),
            Err(error) => Err(self.git.failed("read a branch of", &error)),
        }
    }

    /// Whether the history of the first has the second.
    fn contains(&self, descendant: Commit, ancestor: Commit) -> Result<bool> {
        if descendant == ancestor {
            return Ok(true);
        }
        let found = self.git.repository.graph_descendant_of(descendant.0, ancestor.0);
        found.map_err(self.failed("read the history of"))
    }

    /// Whether all that a branch has beyond another commit is output.
    fn is_output_only(&self, tip: Commit, head: Commit) -> Result<bool> {
        let repository = &self.git.repository;
        let failed = self.failed("compare commits of");
        let Ok(fork) = repository.merge_base(tip.0, head.0) else { return Ok(false) };
        let tree = |id: Oid| repository.find_commit(id).and_then(|commit| commit.tree());
        let (old, new) = (tree(fork).map_err(&failed)?, tree(tip.0).map_err(&failed)?);
        let diff = repository.diff_tree_to_tree(Some(&old), Some(&new), None).map_err(&failed)?;
        let argocd = self.git.inside("argocd");
        let is_output = |file: git2::DiffFile<'_>| file.path().is_none_or(|path| path.starts_with(&argocd));
        Ok(diff.deltas().all(|delta| is_output(delta.old_file()) && is_output(delta.new_file())))
    }

    fn diverged(&self, ours: Commit, theirs: Commit) -> Error {
        let (branch, remote) = (self.branch, self.remote.map_or("the remote", |remote| remote.name.as_str()));
        let counts = self.git.repository.graph_ahead_behind(ours.0, theirs.0).unwrap_or_default();
        let diagnostic = Diagnostic::new(
            "diverged",
            format!(
                "`{branch}` and `{remote}/{branch}` have diverged: {} only here, {} only there",
                counts.0, counts.1
            ),
        );
        let diagnostic = match self.git.repository.is_shallow() {
            true => diagnostic.help("this clone is shallow, so it may only seem so: `git fetch --unshallow`"),
            false => diagnostic,
        };
        mistake(
            diagnostic
                .help(format!(
                    "your commits are yours to place: `git pull --rebase {remote} {branch}`, then this command again"
                ))
                .help(format!(
                    "conflicts in `{}` need no care: take either side, it is rendered anew",
                    self.git.inside("argocd")
                )),
        )
    }

    /// Raw text committed where Git LFS keeps the files would confuse every clone.
    fn refuse_lfs(&self, inputs: Commit) -> Result<()> {
        let tree = self.git.tree(inputs)?;
        let folders = crate::pipeline::source::Source::list(&tree, "argocd")?;
        for folder in folders {
            let index = format!("{}/index.yaml", folder.path);
            if tree.find(&index)?.is_some_and(|text| is_lfs_pointer(&text)) {
                let argocd = self.git.inside("argocd");
                return Err(mistake(
                    Diagnostic::new(
                        "lfs-pointer",
                        format!("`{argocd}` is kept in Git LFS, where Argo CD and reviewers see pointers only"),
                    )
                    .in_file(index)
                    .help(format!("add `/{argocd}/** !filter !diff !merge text` at the end of `.gitattributes`"))
                    .help(format!("then `git add --renormalize {argocd}` and commit")),
                ));
            }
        }
        Ok(())
    }

    fn tree_of(&self, commit: Commit) -> Result<Oid> {
        let found = self.git.repository.find_commit(commit.0).map(|commit| commit.tree_id());
        found.map_err(self.failed("read a commit of"))
    }

    /// The commit's tree with the new output in it; only objects are written.
    fn tree(&self, inputs: Commit, comparisons: &[Comparison]) -> Result<Oid> {
        let repository = &self.git.repository;
        let path = self.git.inside("argocd");
        let segments: Vec<&str> = path.split('/').collect();
        let write = || {
            let root = repository.find_commit(inputs.0)?.tree()?;
            // From the top down to argocd/: the trees that have to be written anew.
            let mut trees = vec![Some(root)];
            for segment in &segments {
                let inner = match trees.last() {
                    Some(Some(tree)) => match tree.get_name(segment) {
                        Some(entry) if entry.filemode() == i32::from(FileMode::Tree) => {
                            Some(repository.find_tree(entry.id())?)
                        }
                        _ => None,
                    },
                    _ => None,
                };
                trees.push(inner);
            }
            let argocd = trees.pop().flatten();
            let mut builder = repository.treebuilder(argocd.as_ref())?;
            for comparison in comparisons.iter().filter(|comparison| comparison.has_changes()) {
                let name = comparison.environment.as_str();
                let old = match argocd.as_ref().and_then(|tree| tree.get_name(name)) {
                    Some(entry) if entry.filemode() == i32::from(FileMode::Tree) => {
                        Some(repository.find_tree(entry.id())?)
                    }
                    _ => None,
                };
                let mut files = Vec::with_capacity(comparison.new.len());
                for (path, source) in &comparison.new {
                    let (id, mode) = match source {
                        Source::Fresh(bytes) => (repository.blob(bytes)?, i32::from(FileMode::Blob)),
                        Source::Kept => {
                            let missing = || git2::Error::from_str("a file to keep is not there");
                            let entry = old.as_ref().ok_or_else(missing)?.get_path(path.as_ref())?;
                            (entry.id(), entry.filemode())
                        }
                    };
                    files.push((path.as_str(), id, mode));
                }
                match build(repository, &files)? {
                    Some(id) => builder.insert(name, id, FileMode::Tree.into()).map(|_| ())?,
                    None if builder.get(name)?.is_some() => builder.remove(name)?,
                    None => {}
                }
            }
            let mut inner = (!builder.is_empty()).then(|| builder.write()).transpose()?;
            for (tree, name) in trees.into_iter().zip(&segments).rev() {
                let mut builder = repository.treebuilder(tree.as_ref())?;
                match inner {
                    Some(id) => builder.insert(name, id, FileMode::Tree.into()).map(|_| ())?,
                    None if builder.get(name)?.is_some() => builder.remove(name)?,
                    None => {}
                }
                inner = Some(builder.write()?);
            }
            inner.ok_or_else(|| git2::Error::from_str("the tree has no top"))
        };
        write().map_err(self.failed("write objects to"))
    }

    /// Writes the commit object, signed where that is asked for. No reference knows it yet.
    fn make(&self, tree: Oid, parents: &[Commit], message: &str) -> Result<Commit> {
        let user = User::of(self.git);
        let repository = &self.git.repository;
        let config = repository.config().map_err(self.failed("read the configuration of"))?;
        if self.request.sign || config.get_bool("commit.gpgsign").unwrap_or(false) {
            return self.make_signed(&user, tree, parents, message);
        }
        let identity = |variable: &str| -> Result<git2::Signature<'static>> {
            let answer = user.run(&["var", variable], b"")?;
            let parsed = answer.fine.then(|| signature(&answer.text())).flatten();
            parsed.ok_or_else(|| no_identity(&answer.complaint))
        };
        let (author, committer) = (identity("GIT_AUTHOR_IDENT")?, identity("GIT_COMMITTER_IDENT")?);
        let failed = self.failed("write a commit to");
        let tree = repository.find_tree(tree).map_err(&failed)?;
        let mut found = Vec::with_capacity(parents.len());
        for parent in parents {
            found.push(repository.find_commit(parent.0).map_err(&failed)?);
        }
        let parents: Vec<&git2::Commit<'_>> = found.iter().collect();
        repository.commit(None, &author, &committer, message, &tree, &parents).map(Commit).map_err(&failed)
    }

    fn make_signed(&self, user: &User, tree: Oid, parents: &[Commit], message: &str) -> Result<Commit> {
        let tree = tree.to_string();
        let parents: Vec<String> = parents.iter().map(Commit::to_string).collect();
        let mut arguments = vec!["commit-tree", "-S", &tree];
        for parent in &parents {
            arguments.extend(["-p", parent]);
        }
        arguments.extend(["-F", "-"]);
        let answer = user.run(&arguments, message.as_bytes())?;
        if answer.complaint.contains("Please tell me who you are") {
            return Err(no_identity(&answer.complaint));
        }
        match Oid::from_str(&answer.text()) {
            Ok(id) if answer.fine => Ok(Commit(id)),
            _ => Err(Error::Busy(format!(
                "the commit could not be signed{}\n\
                 help: `git commit -S` has to work: see `user.signingKey` and `gpg.format` in `git help config`\n\
                 note: nothing was committed",
                quoted(&answer.complaint)
            ))),
        }
    }

    /// Puts the commit on the branch here, and work trees that have it checked out on the commit.
    fn land(&self, base: &Base, commit: Commit, places: &[Place]) -> Result<std::result::Result<Vec<String>, String>> {
        let mut brought: Vec<&Place> = Vec::new();
        if let Some(old) = base.local {
            for place in places {
                let refusal = match place.bring(old, commit)? {
                    Ok(()) => {
                        brought.push(place);
                        continue;
                    }
                    Err(refusal) => refusal,
                };
                take_back(&brought, commit, old)?;
                return match refusal {
                    Refusal::Busy(words) => Ok(Err(words)),
                    // Where the branch moved in between, this is the other writer's output.
                    _ if self.tip(&self.reference())? != Some(old) => Ok(Err("the branch moved".to_owned())),
                    refusal => Err(self.dirty(place, &refusal)),
                };
            }
        }
        let set = self.set(base.local, commit, "render")?;
        if let (Err(_), Some(old)) = (&set, base.local) {
            take_back(&brought, commit, old)?;
        }
        Ok(set.map(|()| Vec::new()))
    }

    /// Moves the branch if it is where it was; says why not otherwise.
    fn set(&self, old: Option<Commit>, new: Commit, what: &str) -> Result<std::result::Result<(), String>> {
        let note = format!("kubezero commit: {what}");
        let name = self.reference();
        let set = match old {
            Some(old) => self.git.repository.reference_matching(&name, new.0, true, old.0, &note),
            None => self.git.repository.reference(&name, new.0, false, &note),
        };
        match set.map(|_| ()) {
            Ok(()) => Ok(Ok(())),
            Err(error) => match error.code() {
                ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound => Ok(Err("the branch moved".to_owned())),
                ErrorCode::Locked => Ok(Err(format!(
                    "{}\nif no `git` is at work there, one was cut off: delete that `.lock` file",
                    super::words(&error)
                ))),
                _ => Err(self.git.failed("move a branch of", &error)),
            },
        }
    }

    fn dirty(&self, place: &Place, refusal: &Refusal) -> Error {
        let top = place.top.display();
        let diagnostic = match refusal {
            Refusal::Dirty(paths) => {
                let shown: Vec<String> = paths.iter().take(5).map(|path| format!("`{path}`")).collect();
                let more = paths.len().saturating_sub(shown.len());
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                Diagnostic::new(
                    "dirty-output",
                    format!(
                        "`{}` is checked out in `{top}`, and {}{more} would change but hold something that no commit has",
                        self.branch,
                        shown.join(", ")
                    ),
                )
                .help(format!(
                    "commit it, or take it back, which loses it: `git restore --staged --worktree {}`",
                    self.git.inside("argocd")
                ))
            }
            Refusal::Busy(words) | Refusal::Other(words) => Diagnostic::new(
                "dirty-output",
                format!("`{}` is checked out in `{top}`, which cannot be brought along: {words}", self.branch),
            ),
        };
        mistake(
            diagnostic
                .help("or commit to another branch, which leaves the work tree alone: `kubezero commit --branch NAME`"),
        )
    }

    /// Pushes that very commit, without force, and lets the branch here follow.
    fn push(
        &self,
        remote: &Remote,
        base: &Base,
        commit: Commit,
        places: &[Place],
    ) -> Result<std::result::Result<Vec<String>, String>> {
        match remote.push(self.git, self.branch, commit, base.far)? {
            Err(reason) => Ok(Err(reason)),
            Ok(()) => Ok(Ok(self.follow(base, commit, places)?)),
        }
    }

    /// After a push: the branch here, where there is one, is fast-forwarded if nothing is in the way.
    fn follow(&self, base: &Base, commit: Commit, places: &[Place]) -> Result<Vec<String>> {
        let Some(old) = base.local.filter(|old| *old != commit) else { return Ok(Vec::new()) };
        let stays = |why: &str| {
            vec![format!(
                "`{}` was pushed, but stays at {} here, because {why}: `git pull --ff-only` brings it along",
                self.branch,
                old.short()
            )]
        };
        if places.iter().any(|place| place.check().is_err()) {
            return Ok(stays("a merge, rebase or the like is under way"));
        }
        let landed = self.land(base, commit, places);
        Ok(match landed {
            Ok(Ok(notes)) => notes,
            Ok(Err(_)) => stays("it moved or was in use meanwhile"),
            Err(Error::Mistakes(_)) => stays("files in a work tree hold something that no commit has"),
            Err(other) => return Err(other),
        })
    }

    /// There is nothing to commit; what was committed before may still have to be pushed.
    fn nothing(&self, base: &Base, comparisons: Vec<Comparison>) -> Result<Attempt> {
        let mut notes = Vec::new();
        let mut pushed_before = 0;
        if let (Some(remote), Some(local)) = (self.remote, base.local)
            && base.far != Some(local)
            && base.parents.first() == Some(&local)
        {
            if let Err(reason) = remote.push(self.git, self.branch, local, base.far)? {
                return Ok(Attempt::Lost(reason));
            }
            pushed_before = self.pushed_before(base)?;
        } else if let (Some(_), Some(tip)) = (self.remote, base.far) {
            let places = checkout::places(self.git, &self.reference())?;
            if base.parents.first() == Some(&tip) && base.local.is_some_and(|local| local != tip) {
                notes = self.follow(base, tip, &places)?;
            }
        }
        Ok(Attempt::Done(Box::new(Done {
            branch: self.branch.to_owned(),
            inputs: base.inputs,
            commit: None,
            comparisons,
            pushed: self.remote.map(|remote| remote.name.clone()),
            pushed_before,
            tries: self.attempt,
            notes,
        })))
    }

    /// How many commits the remote gets that were there before.
    fn pushed_before(&self, base: &Base) -> Result<usize> {
        if self.remote.is_none() {
            return Ok(0);
        }
        let Some(tip) = base.parents.first() else { return Ok(0) };
        match base.far {
            Some(far) => Ok(self.git.repository.graph_ahead_behind(tip.0, far.0).map_or(0, |(ahead, _)| ahead)),
            None => Ok(0),
        }
    }
}

/// Puts work trees back to where they were.
fn take_back(places: &[&Place], new: Commit, old: Commit) -> Result<()> {
    for place in places {
        // What refuses now was changed by somebody in between, and stays as they want it.
        let _ = place.bring(new, old)?;
    }
    Ok(())
}

/// Writes the trees of these files, given in order by their paths; none for no files.
fn build(repository: &git2::Repository, files: &[(&str, Oid, i32)]) -> std::result::Result<Option<Oid>, git2::Error> {
    if files.is_empty() {
        return Ok(None);
    }
    let mut builder = repository.treebuilder(None)?;
    let mut folders: BTreeMap<&str, Vec<(&str, Oid, i32)>> = BTreeMap::new();
    for (path, id, mode) in files {
        match path.split_once('/') {
            Some((folder, rest)) => folders.entry(folder).or_default().push((rest, *id, *mode)),
            None => builder.insert(path, *id, *mode).map(|_| ())?,
        }
    }
    for (folder, files) in folders {
        if let Some(id) = build(repository, &files)? {
            builder.insert(folder, id, FileMode::Tree.into())?;
        }
    }
    builder.write().map(Some)
}

/// `Name <address> seconds offset`, as `git var` prints it.
fn signature(text: &str) -> Option<git2::Signature<'static>> {
    let (name, rest) = text.split_once(" <")?;
    let (address, time) = rest.rsplit_once("> ")?;
    let (seconds, offset) = time.split_once(' ')?;
    let (sign, digits) = offset.split_at_checked(1)?;
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?;
    let offset = if sign == "-" { -minutes } else { minutes };
    git2::Signature::new(name, address, &git2::Time::new(seconds.parse().ok()?, offset)).ok()
}

fn no_identity(complaint: &str) -> Error {
    let why = complaint.lines().rev().find(|line| line.starts_with("fatal: ")).unwrap_or("fatal: no name is set");
    mistake(
        Diagnostic::new("no-identity", format!("Git does not know who commits: {}", why.trim_start_matches("fatal: ")))
            .help("`git config user.name NAME` and `git config user.email ADDRESS`")
            .help("in CI: `GIT_AUTHOR_NAME`, `GIT_AUTHOR_EMAIL`, `GIT_COMMITTER_NAME` and `GIT_COMMITTER_EMAIL`"),
    )
}

/// Where a push goes.
#[derive(Debug)]
struct Remote {
    name: String,
    /// What to give to `git` for it: the name, or the address where fetching and pushing differ.
    address: String,
}

impl Remote {
    /// The remote that was named, or the one that `git push` would take.
    fn of(git: &Git, request: &Request, branch: &str) -> Result<Remote> {
        let repository = &git.repository;
        let known: Vec<String> = match repository.remotes() {
            Ok(names) => names.iter().flatten().flatten().map(str::to_owned).collect(),
            Err(error) => return Err(git.failed("read the remotes of", &error)),
        };
        let config = repository.config().map_err(|error| git.failed("read the configuration of", &error))?;
        let configured = |key: String| config.get_string(&key).ok().filter(|name| name != ".");
        let name = request
            .remote
            .clone()
            .or_else(|| configured(format!("branch.{branch}.pushremote")))
            .or_else(|| configured("remote.pushdefault".to_owned()))
            .or_else(|| configured(format!("branch.{branch}.remote")))
            .or_else(|| known.iter().find(|name| *name == "origin").cloned())
            .or_else(|| if known.len() == 1 { known.first().cloned() } else { None });
        let Some(name) = name else {
            return Err(mistake(
                Diagnostic::new("no-remote", "there is no remote to push to")
                    .help("`git remote add origin URL`, or name one: `--remote NAME`"),
            ));
        };
        if !known.contains(&name) {
            if name.contains(['/', ':']) {
                return Ok(Remote { address: name.clone(), name });
            }
            return Err(mistake(
                Diagnostic::new("no-remote", format!("there is no remote `{name}`"))
                    .did_you_mean(&name, known.iter().map(String::as_str))
                    .help("`git remote -v` lists them"),
            ));
        }
        let user = User::of(git);
        let fetched = user.must(&["remote", "get-url", &name], b"")?.text();
        let pushed = user.must(&["remote", "get-url", "--push", &name], b"")?.text();
        Ok(Remote { address: if fetched == pushed { name.clone() } else { pushed }, name })
    }

    /// The branch as it is there, with its objects brought here.
    fn tip(&self, git: &Git, branch: &str) -> Result<Option<Commit>> {
        let Some(tip) = self.look(git, branch)? else { return Ok(None) };
        let known = |tip: Oid| git.repository.find_commit(tip).is_ok();
        if !known(tip) {
            let arguments = [
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-recurse-submodules",
                &self.address,
                &format!("refs/heads/{branch}"),
            ];
            let answer = User::of(git).run(&arguments, b"")?;
            if !answer.fine {
                return Err(self.unreachable("fetched from", &answer.complaint));
            }
        }
        Ok(Some(Commit(tip)))
    }

    /// The branch as it is there.
    fn look(&self, git: &Git, branch: &str) -> Result<Option<Oid>> {
        let reference = format!("refs/heads/{branch}");
        let answer = User::of(git).run(&["ls-remote", "--quiet", &self.address, &reference], b"")?;
        if !answer.fine {
            return Err(self.unreachable("read", &answer.complaint));
        }
        // A pattern, for Git: `main` is also the end of `refs/heads/refs/heads/main`.
        let text = answer.text();
        let mut lines = text.lines().filter_map(|line| line.split_once('\t'));
        Ok(lines.find(|(_, name)| *name == reference).and_then(|(id, _)| Oid::from_str(id).ok()))
    }

    /// Pushes a commit to a branch that is expected to be where it was seen; says why a race was lost.
    fn push(
        &self,
        git: &Git,
        branch: &str,
        commit: Commit,
        seen: Option<Commit>,
    ) -> Result<std::result::Result<(), String>> {
        let refspec = format!("{commit}:refs/heads/{branch}");
        let answer = User::of(git).run(&["push", "--porcelain", &self.address, &refspec], b"")?;
        if answer.fine {
            return Ok(Ok(()));
        }
        let Ok(found) = self.look(git, branch) else { return Err(self.refused(git, branch, &answer)) };
        if found == Some(commit.0) {
            // It arrived, and only the answer was lost.
            return Ok(Ok(()));
        }
        let text = answer.text();
        let words = format!("{text}\n{}", answer.complaint);
        let is_race = [
            "[rejected]",
            "cannot lock ref",
            "failed to update ref",
            "reference already exists",
            "incorrect old value",
        ];
        if found != seen.map(|seen| seen.0) || is_race.iter().any(|part| words.contains(part)) {
            return Ok(Err(format!("`{}/{branch}` moved", self.name)));
        }
        Err(self.refused(git, branch, &answer))
    }

    fn unreachable(&self, what: &str, complaint: &str) -> Error {
        Error::Busy(format!(
            "`{}` cannot be {what}{}\n{}note: nothing was committed and nothing is lost",
            self.name,
            quoted(complaint),
            remedy(complaint).map_or_else(
                || format!("help: `git fetch {}` has to work first\n", self.name),
                |help| format!("help: {help}\n")
            )
        ))
    }

    fn refused(&self, git: &Git, branch: &str, answer: &super::user::Answer) -> Error {
        let reason = answer
            .text()
            .lines()
            .find_map(|line| line.strip_prefix('!'))
            .and_then(|line| line.split('\t').nth(2).map(|reason| reason.replace("[remote rejected] ", "")));
        let own_hook = || {
            let path = User::of(git).run(&["rev-parse", "--git-path", "hooks/pre-push"], b"");
            path.is_ok_and(|path| {
                super::is_file(&git.repository.workdir().unwrap_or(git.repository.path()).join(path.text()))
            })
        };
        let words = format!("{}\n{}", reason.as_deref().unwrap_or_default(), answer.complaint);
        let help = match remedy(&words) {
            Some(help) => help.to_owned(),
            None if reason.is_some() => format!(
                "the rules of `{}` do not allow it: push to a branch of its own and open a pull request: \
                 `kubezero commit --push --branch NAME`",
                self.name
            ),
            None if own_hook() => {
                "your own `pre-push` hook may have refused: do what it says; `git push --dry-run` runs it, too"
                    .to_owned()
            }
            None => format!("`git push {}` has to work first", self.name),
        };
        let reason = reason.map_or_else(String::new, |reason| format!(": {}", reason.trim_matches(['(', ')'])));
        Error::Busy(format!(
            "`{}` did not take the commit for `{branch}`{reason}{}\nhelp: {help}\n\
             note: nothing was committed and nothing is lost: `{branch}` is as it was, here and there",
            self.name,
            match answer.complaint.as_str() {
                "" => String::new(),
                text => format!("\n{}", quoted(text).trim_start_matches(":\n")),
            }
        ))
    }
}

/// What to do where the words of `git` or of a forge tell.
fn remedy(words: &str) -> Option<&'static str> {
    const KNOWN: [(&[&str], &str); 4] = [
        (
            &["protected branch", "GH006", "GH013", "not allowed to push code to protected", "branch is protected"],
            "the branch is protected: push to a branch of its own and open a pull request: \
             `kubezero commit --push --branch NAME`",
        ),
        (
            &[
                "read-only",
                "read only",
                "Permission to",
                "denied to",
                "403",
                "unpacker error",
                "insufficient permission",
                "access denied",
                "not allowed to upload",
            ],
            "this account may read but not write there: ask for write access, or push to a fork: `--remote NAME`",
        ),
        (
            &[
                "Permission denied",
                "Authentication failed",
                "could not read Username",
                "could not read Password",
                "401",
                "Host key verification failed",
                "terminal prompts disabled",
            ],
            "Git cannot log in: `git push --dry-run` has to work first (credential helper, SSH key, known_hosts)",
        ),
        (
            &[
                "Could not resolve",
                "Connection refused",
                "timed out",
                "Failed to connect",
                "unable to access",
                "Connection reset",
                "does not appear to be a git repository",
                "not found",
            ],
            "it cannot be reached: see the address (`git remote -v`) and the network, then run the command again",
        ),
    ];
    KNOWN.iter().find(|(parts, _)| parts.iter().any(|part| words.contains(part))).map(|(_, help)| *help)
}
