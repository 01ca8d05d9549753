//! Brings work trees along that have a branch checked out which moves, by the user's own `git`: its rules for attributes,
//! line ends, sparse checkouts and submodules are the ones that hold there. What a person changed is never touched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::user::User;
use super::{Commit, Git, is_folder, mistake};
use crate::Result;
use crate::diagnostic::Diagnostic;

/// A work tree that has the branch checked out.
#[derive(Debug)]
pub struct Place {
    /// Its top folder.
    pub top: PathBuf,
    user: User,
}

/// Files that differ between two commits, with their ids on both sides, by path.
type Changes = BTreeMap<String, (Option<String>, Option<String>)>;

/// Why a work tree was not brought along; nothing in it was touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Another `git` is at work on its index.
    Busy(String),
    /// Files that would change hold something else than Git knows, so that something could be lost.
    Dirty(Vec<String>),
    /// Anything else, in Git's words.
    Other(String),
}

/// Every work tree that has a branch (`refs/heads/…`) checked out, the linked ones too.
pub fn places(git: &Git, branch: &str) -> Result<Vec<Place>> {
    let has_linked = git.repository.worktrees().is_ok_and(|names| !names.is_empty());
    if git.is_bare() && !has_linked {
        return Ok(Vec::new());
    }
    let listed = User::of(git).must(&["worktree", "list", "--porcelain"], b"")?;
    let wanted = format!("branch {branch}");
    Ok(String::from_utf8_lossy(&listed.out)
        .split("\n\n")
        .filter(|entry| entry.lines().any(|line| line == wanted))
        .filter_map(|entry| entry.lines().find_map(|line| line.strip_prefix("worktree ")))
        .map(PathBuf::from)
        .filter(|top| is_folder(top))
        .map(|top| Place { user: User::at(top.clone()), top })
        .collect())
}

impl Place {
    /// Refuses where a merge, a rebase or the like is under way: its result would be based on what is no longer there.
    pub fn check(&self) -> Result<()> {
        const UNDER_WAY: [(&str, &str); 6] = [
            ("MERGE_HEAD", "merge"),
            ("CHERRY_PICK_HEAD", "cherry-pick"),
            ("REVERT_HEAD", "revert"),
            ("rebase-merge", "rebase"),
            ("rebase-apply", "rebase"),
            ("BISECT_LOG", "bisection"),
        ];
        for (name, what) in UNDER_WAY {
            let path = self.user.must(&["rev-parse", "--git-path", name], b"")?.text();
            if exists(&self.top.join(path)) {
                return Err(mistake(
                    Diagnostic::new(
                        "operation-under-way",
                        format!("a {what} is under way in `{}`", self.top.display()),
                    )
                    .help("finish it or give it up first: `git status` says how")
                    .help("or commit to another branch: `--branch NAME`"),
                ));
            }
        }
        Ok(())
    }

    /// Moves index and files from one commit to another, as a fast-forward does. All or nothing.
    pub fn bring(&self, old: Commit, new: Commit) -> Result<std::result::Result<(), Refusal>> {
        // Files that were only touched count as unchanged. What it finds to say is said below.
        self.user.run(&["update-index", "-q", "--refresh"], b"")?;
        let (old, new) = (old.to_string(), new.to_string());
        let arguments = ["read-tree", "-m", "-u", &old, &new];
        let first = self.user.run(&arguments, b"")?;
        if first.fine {
            return Ok(Ok(()));
        }
        if first.complaint.contains("index.lock") {
            return Ok(Err(Refusal::Busy(first.complaint)));
        }
        let current = match self.settled(&old, &new)? {
            Ok(current) => current,
            Err(dirty) => return Ok(Err(Refusal::Dirty(dirty))),
        };
        if current.is_empty() {
            return Ok(Err(Refusal::Other(first.complaint)));
        }
        let mut list = current.join("\0").into_bytes();
        list.push(0);
        let noted = self.user.run(&["update-index", "--add", "--remove", "-z", "--stdin"], &list)?;
        if !noted.fine {
            return Ok(Err(Refusal::Other(noted.complaint)));
        }
        let second = self.user.run(&arguments, b"")?;
        Ok(if second.fine { Ok(()) } else { Err(Refusal::Other(second.complaint)) })
    }

    /// Files that already are what they would become, as after `kubezero render`; or those that are neither.
    fn settled(&self, old: &str, new: &str) -> Result<std::result::Result<Vec<String>, Vec<String>>> {
        let changes = self.changes(old, new)?;
        let staged = self.staged(&changes)?;
        let there: Vec<&String> = changes.keys().filter(|path| exists(&self.top.join(path))).collect();
        let list: String = there.iter().map(|path| format!("{path}\n")).collect();
        let hashed = self.user.run(&["hash-object", "--stdin-paths"], list.as_bytes())?;
        let ids: Vec<String> = hashed.text().lines().map(str::to_owned).collect();
        let mut on_disk: BTreeMap<&str, &str> = BTreeMap::new();
        for (path, id) in there.iter().zip(&ids) {
            on_disk.insert(path, id);
        }
        let (mut current, mut dirty) = (Vec::new(), Vec::new());
        for (path, (was, becomes)) in &changes {
            let found = match on_disk.get(path.as_str()) {
                Some(id) => Some(*id),
                // One that could not be hashed is a folder, or may not be read.
                None if exists(&self.top.join(path)) => Some("?"),
                None => None,
            };
            let in_index = staged.get(path).map(String::as_str);
            let index_is_ours = in_index == was.as_deref() || in_index == becomes.as_deref();
            match found {
                _ if !index_is_ours => dirty.push(path.clone()),
                found if found == becomes.as_deref() => current.push(path.clone()),
                found if found == was.as_deref() => {}
                _ => dirty.push(path.clone()),
            }
        }
        Ok(if dirty.is_empty() { Ok(current) } else { Err(dirty) })
    }

    /// The files that differ between two commits, with the ids on both sides.
    fn changes(&self, old: &str, new: &str) -> Result<Changes> {
        let raw = self.user.must(&["diff-tree", "-r", "-z", "--no-renames", "--full-index", "--raw", old, new], b"")?;
        let text = String::from_utf8_lossy(&raw.out).into_owned();
        let mut fields = text.split('\0');
        let mut changes = BTreeMap::new();
        let id = |id: &str| (!id.bytes().all(|digit| digit == b'0')).then(|| id.to_owned());
        while let (Some(facts), Some(path)) = (fields.next(), fields.next()) {
            let mut facts = facts.split(' ').skip(2);
            if let (Some(was), Some(becomes)) = (facts.next(), facts.next()) {
                changes.insert(path.to_owned(), (id(was), id(becomes)));
            }
        }
        Ok(changes)
    }

    /// What the index holds of these files.
    fn staged(&self, changes: &BTreeMap<String, (Option<String>, Option<String>)>) -> Result<BTreeMap<String, String>> {
        let listed = self.user.must(&["ls-files", "--stage", "-z"], b"")?;
        let text = String::from_utf8_lossy(&listed.out).into_owned();
        let entries = text.split('\0').filter_map(|entry| {
            let (facts, path) = entry.split_once('\t')?;
            let id = facts.split(' ').nth(1)?;
            changes.contains_key(path).then(|| (path.to_owned(), id.to_owned()))
        });
        Ok(entries.collect())
    }
}

/// Inputs in the work tree that no commit has: they do not count, and their owner should know. By path.
pub fn uncommitted(git: &Git) -> Result<Vec<String>> {
    if git.is_bare() {
        return Ok(Vec::new());
    }
    let folders = [git.inside("components"), git.inside("environments")];
    let arguments = [
        "--no-optional-locks",
        "--literal-pathspecs",
        "status",
        "--porcelain",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        "--",
        &folders[0],
        &folders[1],
    ];
    let answer = User::of(git).run(&arguments, b"")?;
    if !answer.fine {
        return Ok(Vec::new());
    }
    let text = String::from_utf8_lossy(&answer.out).into_owned();
    Ok(text.split('\0').filter_map(|entry| entry.get(3..)).map(str::to_owned).collect())
}

#[expect(clippy::disallowed_methods, reason = "whether something is in the way in a work tree")]
fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}
