//! The same comparison with a tree that Git holds rather than a folder: the rules are those of [`super`].

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::PathBuf;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::index::Head;
use super::{
    Comparison, DesiredTree, Entry, Failure, INDEX, Kind, Ledger, Problem, Question, Verdict, check_tree, has_header,
    insert_folders, parse_own_version, reason_against_name,
};
use crate::pipeline::source::{self, Source};

/// Output as a commit holds it.
pub trait Committed: Source {
    /// Whether the file at a path has exactly these bytes, told without reading it where that is possible.
    fn holds(&self, path: &str, bytes: &[u8]) -> Result<bool, crate::Failure> {
        Ok(self.read(path)? == bytes)
    }
}

/// Compares one environment with its folder below `argocd` in a commit.
///
/// # Errors
///
/// Where an object cannot be read, or the tree holds a path that must not be written.
pub fn compare_committed(
    committed: &dyn Committed,
    argocd: &str,
    tree: &DesiredTree,
    own_version: &str,
    overwrite_edited: bool,
) -> Result<Comparison, Failure> {
    check_tree(tree)?;
    let own = &parse_own_version(own_version)?;
    let question = Question {
        argocd: argocd.as_ref(),
        environment: &tree.environment,
        desired: &tree.files,
        own,
        overwrite_edited,
        foreign_stays: false,
    };
    question.look_at(committed, argocd)
}

/// Finds the generated folders of environments that no longer exist, in a commit: see [`super::leftovers`].
///
/// # Errors
///
/// Where an object cannot be read.
pub fn leftovers_committed(
    committed: &dyn Committed,
    argocd: &str,
    environments: &BTreeSet<String>,
    own_version: &str,
    overwrite_edited: bool,
) -> Result<Vec<Comparison>, Failure> {
    let own = &parse_own_version(own_version)?;
    let desired = BTreeMap::new();
    let mut found = Vec::new();
    for folder in committed.list(argocd).map_err(lifted)? {
        let name = folder.name();
        if folder.kind != source::Kind::Folder || environments.contains(name) || reason_against_name(name).is_some() {
            continue;
        }
        if !is_our_folder(committed, &folder.path, name)? {
            continue;
        }
        let question = Question {
            argocd: argocd.as_ref(),
            environment: name,
            desired: &desired,
            own,
            overwrite_edited,
            foreign_stays: true,
        };
        found.push(question.look_at(committed, argocd)?);
    }
    Ok(found)
}

fn is_our_folder(committed: &dyn Committed, folder: &str, name: &str) -> Result<bool, Failure> {
    let index = format!("{folder}/{INDEX}");
    let children = committed.list(folder).map_err(lifted)?;
    if !children.iter().any(|child| child.path == index && child.kind == source::Kind::File) {
        return Ok(false);
    }
    let bytes = committed.read(&index).map_err(lifted)?;
    Ok(match Head::parse(&bytes) {
        Some(head) => head.environment.is_none_or(|environment| environment == name),
        None => has_header(&bytes),
    })
}

impl Question<'_> {
    fn look_at(&self, committed: &dyn Committed, argocd: &str) -> Result<Comparison, Failure> {
        let folder = format!("{argocd}/{}", self.environment);
        let environment = self.environment.to_owned();
        let mut files = committed.walk(&folder).map_err(lifted)?;
        if files.is_empty() {
            let standing = committed.list(argocd).map_err(lifted)?.into_iter().find(|found| found.path == folder);
            return Ok(match standing.map(|found| found.kind) {
                Some(source::Kind::Link) => {
                    Comparison::refused(self.environment, Problem::Symlink { path: environment })
                }
                Some(source::Kind::File | source::Kind::Other) => {
                    Comparison::refused(self.environment, Problem::Occupied { path: environment })
                }
                Some(source::Kind::Folder) | None => Comparison {
                    environment,
                    added: self.desired.keys().cloned().collect(),
                    new: self.all_fresh(),
                    ..Comparison::default()
                },
            });
        }
        for file in &mut files {
            file.path.drain(..=folder.len());
        }
        let ledger = match self.committed_ledger(committed, &folder, &files)? {
            Ok(ledger) => ledger,
            Err(problem) => return Ok(Comparison::refused(self.environment, problem)),
        };
        let entries = self.committed_entries(files, &ledger);
        let verdicts = entries
            .par_iter()
            .map(|entry| self.judge_committed(committed, &folder, entry, &ledger).map(|verdict| (verdict, None)))
            .collect::<Result<Vec<_>, Failure>>()?;
        self.assemble(&entries, verdicts)
    }

    fn committed_ledger(
        &self,
        committed: &dyn Committed,
        folder: &str,
        files: &[source::Found],
    ) -> Result<Result<Ledger, Problem>, Failure> {
        let path = self.problem_path(INDEX);
        match files.iter().find(|file| file.path == INDEX).map(|file| file.kind) {
            Some(source::Kind::File) => {}
            Some(source::Kind::Link) => return Ok(Err(Problem::Symlink { path })),
            Some(_) => return Ok(Err(Problem::Occupied { path })),
            None if files.iter().any(|file| file.path.starts_with("index.yaml/")) => {
                return Ok(Err(Problem::Occupied { path }));
            }
            None => return Ok(Ok(Ledger::Missing)),
        }
        let index = format!("{folder}/{INDEX}");
        Ok(self.ledger_of(&committed.read(&index).map_err(lifted)?))
    }

    /// The files; those in a folder that holds nothing of ours come as that folder.
    fn committed_entries(&self, files: Vec<source::Found>, ledger: &Ledger) -> Vec<Entry> {
        let mut ours = HashSet::new();
        for path in self.desired.keys() {
            insert_folders(&mut ours, path);
        }
        if let Ledger::Read(files) = ledger {
            for path in files.keys() {
                insert_folders(&mut ours, path);
            }
        }
        let one_by_one = self.foreign_stays || ledger.by_header(self.overwrite_edited);
        let mut entries: Vec<Entry> = Vec::with_capacity(files.len());
        for file in files {
            let folders = file.path.match_indices('/').map(|(at, _)| &file.path[..at]);
            let foreign = folders.into_iter().find(|folder| !one_by_one && !ours.contains(*folder));
            let (path, kind) = match (foreign, file.kind) {
                (Some(folder), _) => (folder.to_owned(), Kind::Folder),
                (None, source::Kind::File) if !file.path.contains(char::is_control) => (file.path, Kind::File),
                (None, source::Kind::Link) => (file.path, Kind::Symlink),
                (None, _) => (file.path, Kind::Odd),
            };
            if entries.last().is_none_or(|last| last.path != path) {
                entries.push(Entry { path, at: PathBuf::new(), kind });
            }
        }
        entries
    }

    fn judge_committed(
        &self,
        committed: &dyn Committed,
        folder: &str,
        entry: &Entry,
        ledger: &Ledger,
    ) -> Result<Verdict, Failure> {
        match entry.kind {
            Kind::Symlink => return Ok(Verdict::Symlink),
            Kind::Folder => return Ok(Verdict::ForeignFolder),
            Kind::Odd => return Ok(Verdict::Odd),
            Kind::File => {}
        }
        let path = format!("{folder}/{}", entry.path);
        if let Some(desired) = self.desired.get(&entry.path)
            && committed.holds(&path, desired).map_err(lifted)?
        {
            return Ok(Verdict::Current);
        }
        let read = || committed.read(&path).map_err(lifted);
        self.verdict(&entry.path, ledger, || Ok(Sha256::digest(read()?).into()), || Ok(has_header(&read()?)))
    }
}

/// A failure of the source as one of the comparison.
fn lifted(failure: crate::Failure) -> Failure {
    let source = io::Error::new(failure.source.kind(), failure.source.to_string());
    Failure::Io { doing: failure.action, path: failure.path, source }
}
