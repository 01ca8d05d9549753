//! Git as a source of inputs and as the place where commits go. The only module that knows libgit2 and runs the user's
//! own `git`.

pub mod checkout;
pub mod commit;
pub mod tree;
pub mod user;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{ErrorCode, Oid};

use crate::diagnostic::{Diagnostic, Diagnostics, Sources};
use crate::{Error, Failure, Mistakes, Result};
pub use tree::Tree;

/// A commit, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit(Oid);

impl Commit {
    /// The first digits of the id, as people quote them.
    pub fn short(self) -> String {
        self.0.to_string().chars().take(10).collect()
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A trailer of a commit's message, such as `Accept-Delete: aws-ha/logging`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// What stands before the colon, as it was written.
    pub key: String,
    /// What stands after it; continued lines are joined by a line break, as Git has them.
    pub value: String,
    /// Whose message has it.
    pub commit: Commit,
}

/// The Git repository around a folder, bare or not, and where in it the folder is.
pub struct Git {
    repository: git2::Repository,
    directory: PathBuf,
    prefix: String,
}

impl fmt::Debug for Git {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Git").field("at", &self.repository.path()).field("prefix", &self.prefix).finish()
    }
}

impl Git {
    /// Opens the Git repository that a folder belongs to.
    ///
    /// The folder need not be there: a bare repository has none of its own, and a sparse checkout may leave it out.
    pub fn open(directory: &Path) -> Result<Git> {
        let mut missing = Vec::new();
        let mut there = directory;
        while !is_folder(there) {
            let (Some(name), Some(parent)) = (there.file_name(), there.parent()) else { break };
            missing.push(name.to_string_lossy().into_owned());
            there = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        }
        let repository = git2::Repository::discover(there).map_err(|error| cannot_open(directory, &error))?;
        let top = repository.workdir().unwrap_or(repository.path());
        let mut segments: Vec<String> = match absolute(there)?.strip_prefix(absolute(top)?) {
            Ok(inside) => inside.iter().map(|segment| segment.to_string_lossy().into_owned()).collect(),
            Err(_) => Vec::new(),
        };
        if segments.first().is_some_and(|first| first == ".git") {
            segments.clear();
        }
        segments.extend(missing.into_iter().rev());
        segments.retain(|segment| segment != ".");
        if !missing_is_inside(&segments) {
            return Err(mistake(no_repository(directory)));
        }
        Ok(Git { directory: directory.to_owned(), prefix: segments.join("/"), repository })
    }

    /// Where the folder is inside the Git repository, without slashes at the ends; empty at the top.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The path in the Git repository of a path in the folder.
    pub fn inside(&self, path: &str) -> String {
        match self.prefix.as_str() {
            "" => path.to_owned(),
            prefix => format!("{prefix}/{path}"),
        }
    }

    /// Whether there is no work tree.
    pub fn is_bare(&self) -> bool {
        self.repository.is_bare()
    }

    /// The commit that a revision names: a branch, a tag, an id, `HEAD~2`.
    pub fn resolve(&self, revision: &str) -> Result<Commit> {
        let found = self.repository.revparse_single(revision).and_then(|object| object.peel_to_commit());
        match found {
            Ok(commit) => Ok(Commit(commit.id())),
            Err(_) if revision == "HEAD" && self.is_unborn() => Err(mistake(unborn())),
            Err(error) => {
                let mut diagnostic = Diagnostic::new(
                    "unknown-revision",
                    format!("`{revision}` names no commit here: {}", words(&error)),
                );
                if self.repository.is_shallow() {
                    diagnostic = diagnostic
                        .help("this clone is shallow: `git fetch --unshallow` brings the rest of its history");
                }
                Err(mistake(
                    diagnostic.help("`git fetch` brings what other clones have; `git branch -a` lists the branches"),
                ))
            }
        }
    }

    /// Where a commit left the default branch: the base that a pull request has.
    ///
    /// The default branch is what `origin/HEAD` names, or else the first that is there of `main` and `master`.
    pub fn merge_base(&self, head: Commit) -> Result<Commit> {
        let (name, tip) = self.default_branch()?;
        match self.repository.merge_base(tip.0, head.0) {
            Ok(base) => Ok(Commit(base)),
            Err(error) if error.code() == ErrorCode::NotFound => {
                let diagnostic = Diagnostic::new(
                    "no-merge-base",
                    format!("{} and `{name}` have no commit in common that is known here", head.short()),
                );
                let diagnostic = match self.repository.is_shallow() {
                    true => {
                        diagnostic.help("this clone is shallow: `git fetch --unshallow` brings the rest of its history")
                    }
                    false => diagnostic.help("name the revision to compare with: `--base REV`"),
                };
                Err(mistake(diagnostic))
            }
            Err(error) => Err(self.failed("find the merge base in", &error)),
        }
    }

    /// The default branch, as it is called here, and its tip.
    pub fn default_branch(&self) -> Result<(String, Commit)> {
        const CANDIDATES: [&str; 5] = [
            "refs/remotes/origin/HEAD",
            "refs/remotes/origin/main",
            "refs/heads/main",
            "refs/remotes/origin/master",
            "refs/heads/master",
        ];
        for candidate in CANDIDATES {
            let Ok(reference) = self.repository.find_reference(candidate).and_then(|found| found.resolve()) else {
                continue;
            };
            if let (Ok(name), Ok(commit)) = (reference.shorthand(), reference.peel_to_commit()) {
                return Ok((name.to_owned(), Commit(commit.id())));
            }
        }
        Err(mistake(
            Diagnostic::new(
                "no-default-branch",
                "which branch is the default one cannot be told: there is no `main` and no `master`",
            )
            .help("`git remote set-head origin --auto` asks the remote")
            .help("or name the revision to compare with: `--base REV`"),
        ))
    }

    /// The trailers of all commits that `head` has and `base` has not, the newest commit first.
    pub fn trailers(&self, base: Commit, head: Commit) -> Result<Vec<Trailer>> {
        let failed = |error: git2::Error| self.failed("read the history of", &error);
        let mut walk = self.repository.revwalk().map_err(failed)?;
        walk.push(head.0).map_err(failed)?;
        walk.hide(base.0).map_err(failed)?;
        let mut trailers = Vec::new();
        for id in walk {
            let id = id.map_err(failed)?;
            let commit = self.repository.find_commit(id).map_err(failed)?;
            let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
            trailers.extend(trailers_of(&message).into_iter().map(|(key, value)| Trailer {
                key,
                value,
                commit: Commit(id),
            }));
        }
        Ok(trailers)
    }

    /// The inputs of a commit, read whole: `components/` and `environments/`.
    ///
    /// Submodules and Git LFS pointers among them are mistakes, because their content is not in the repository.
    pub fn inputs(&self, commit: Commit) -> Result<Tree> {
        let tree = self.tree(commit)?;
        let diagnostics = tree.read_all(&["components", "environments"])?;
        match diagnostics.is_empty() {
            true => Ok(tree),
            false => Err(mistakes(diagnostics)),
        }
    }

    /// Everything that a commit holds, read when it is asked for.
    pub fn tree(&self, commit: Commit) -> Result<Tree> {
        let tree = Tree::of(self, commit)?;
        self.complete(&tree)?;
        Ok(tree)
    }

    /// Which version of this program wrote each environment's committed output, by environment.
    pub fn generators(&self, commit: Commit) -> Result<BTreeMap<String, String>> {
        use crate::pipeline::source::{Kind, Source as _};
        let tree = self.tree(commit)?;
        let mut versions = BTreeMap::new();
        for folder in tree.list("argocd")?.into_iter().filter(|found| found.kind == Kind::Folder) {
            let index = format!("{}/index.yaml", folder.path);
            let Some(text) = tree.find(&index)? else { continue };
            let text = String::from_utf8_lossy(&text);
            let version = text.lines().take(20).find_map(|line| line.strip_prefix("generator:"));
            if let Some(version) = version {
                versions.insert(folder.name().to_owned(), version.trim().trim_matches(['"', '\'']).to_owned());
            }
        }
        Ok(versions)
    }

    /// Has the user's `git` fetch what a partial clone (`--filter`) left at its remote, all at once.
    fn complete(&self, tree: &Tree) -> Result<()> {
        let failed = |error: git2::Error| self.failed("read the configuration of", &error);
        let config = self.repository.config().and_then(|mut config| config.snapshot()).map_err(failed)?;
        let remotes = self.repository.remotes().map_err(failed)?;
        let is_promisor = |name: &&str| config.get_bool(&format!("remote.{name}.promisor")).unwrap_or(false);
        let Some(remote) = remotes.iter().flatten().flatten().find(is_promisor) else { return Ok(()) };
        let missing = tree.missing()?;
        if missing.is_empty() {
            return Ok(());
        }
        let list: String = missing.iter().map(|id| format!("{id}\n")).collect();
        let arguments =
            ["-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
        let rest = ["--recurse-submodules=no", "--filter=blob:none", "--stdin", remote];
        let answer = user::User::of(self).run(&[&arguments[..], &rest[..]].concat(), list.as_bytes())?;
        match answer.fine {
            true => Ok(()),
            false => Err(Error::Busy(format!(
                "{} objects are not in this partial clone, and cannot be fetched from `{remote}`{}\n\
                 help: `git fetch {remote}` has to work first",
                missing.len(),
                user::quoted(&answer.complaint)
            ))),
        }
    }

    fn is_unborn(&self) -> bool {
        matches!(self.repository.head(), Err(error) if error.code() == ErrorCode::UnbornBranch)
    }

    /// A refusal of the machine, in libgit2's words.
    fn failed(&self, action: &'static str, error: &git2::Error) -> Error {
        failed(action, self.repository.path(), error)
    }
}

/// The trailers of a message, by the rules of `git interpret-trailers`.
fn trailers_of(message: &str) -> Vec<(String, String)> {
    let Ok(found) = git2::message_trailers_strs(message) else { return Vec::new() };
    found.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A message with trailers at its end; trailers that it has already stay in one paragraph with them.
pub fn with_trailers(message: &str, trailers: &[(&str, String)]) -> String {
    let message = message.trim_end();
    let has_some = !trailers_of(&format!("{message}\n")).is_empty();
    let mut text = format!("{message}{}", if has_some { "\n" } else { "\n\n" });
    for (key, value) in trailers {
        text += &format!("{key}: {value}\n");
    }
    text
}

fn missing_is_inside(segments: &[String]) -> bool {
    segments.iter().all(|segment| segment != "..")
}

#[expect(clippy::disallowed_methods, reason = "where the Git repository is, not what is in it")]
fn is_folder(path: &Path) -> bool {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

#[expect(clippy::disallowed_methods, reason = "whether there is a hook")]
fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

#[expect(clippy::disallowed_methods, reason = "where in the Git repository a folder is; the path goes nowhere else")]
fn absolute(path: &Path) -> Result<PathBuf> {
    Ok(std::fs::canonicalize(path).map_err(|error| Failure::new("find", path, error))?)
}

/// A single mistake that has no place in an input file.
pub(crate) fn mistake(diagnostic: Diagnostic) -> Error {
    mistakes(diagnostic.into())
}

fn mistakes(diagnostics: Diagnostics) -> Error {
    Error::Mistakes(Mistakes { sources: Arc::new(Sources::default()), diagnostics: diagnostics.sorted() })
}

fn failed(action: &'static str, path: &Path, error: &git2::Error) -> Error {
    Failure::new(action, path, std::io::Error::other(words(error))).into()
}

/// What libgit2 says, without a full stop.
fn words(error: &git2::Error) -> String {
    error.message().trim_end_matches('.').to_owned()
}

fn no_repository(directory: &Path) -> Diagnostic {
    Diagnostic::new("no-git-repository", format!("`{}` is not in a Git repository", directory.display()))
        .help("`git init` makes one, or name the folder with `-C DIR`")
}

fn unborn() -> Diagnostic {
    Diagnostic::new("no-commit", "there is no commit yet, and inputs are taken from commits")
        .help("commit the inputs first: `git add components environments && git commit`")
}

fn cannot_open(directory: &Path, error: &git2::Error) -> Error {
    let shown = directory.display();
    match error.code() {
        ErrorCode::NotFound => mistake(no_repository(directory)),
        ErrorCode::Owner => mistake(
            Diagnostic::new("git-repository", format!("the Git repository of `{shown}` belongs to another user")).help(
                "if you trust it: `git config --global --add safe.directory PATH`, with the path of its top folder",
            ),
        ),
        _ if error.message().contains("extension") || error.message().contains("object format") => mistake(
            Diagnostic::new(
                "git-repository",
                format!("the Git repository of `{shown}` cannot be read: {}", words(error)),
            )
            .help("clone it without `--filter`, with SHA-1 objects and with references in files (Git's defaults)"),
        ),
        _ => failed("open the Git repository of", directory, error),
    }
}

#[cfg(test)]
mod tests;
