//! What a commit holds, as a source of files: nothing is checked out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::{Commit, Git, failed, words};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::pipeline::compare::Committed;
use crate::pipeline::source::{Found, Kind, Source};
use crate::{Failure, Result};

/// How many objects a thread reads before it is worth another one.
const READ_PER_THREAD: usize = 256;

/// Objects above this size are not read ahead; no input may be so large.
const LARGEST_READ_AHEAD: usize = 1024 * 1024;

/// How the text begins that Git LFS commits in place of a file.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// The files of a commit below the folder that [`Git`] was opened for. Links are not followed.
pub struct Tree {
    entries: BTreeMap<String, Entry>,
    objects: Objects,
    /// Contents that were read ahead.
    read: OnceLock<HashMap<Oid, Arc<[u8]>>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    id: Oid,
    mode: i32,
}

impl Entry {
    fn kind(self) -> Kind {
        // The permissions do not count, only the type.
        match self.mode & 0o170_000 {
            0o100_000 => Kind::File,
            0o120_000 => Kind::Link,
            _ => Kind::Other,
        }
    }
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tree").field("entries", &self.entries.len()).finish()
    }
}

impl Tree {
    /// Lists a commit's `components`, `environments` and `argocd`. Nothing else counts.
    pub(super) fn of(git: &Git, commit: Commit) -> Result<Tree> {
        let failed = |error: git2::Error| git.failed("read the commit's tree in", &error);
        let root = git.repository.find_commit(commit.0).and_then(|commit| commit.tree()).map_err(failed)?;
        let mut entries = BTreeMap::new();
        for folder in ["components", "environments", "argocd"] {
            let entry = match root.get_path(Path::new(&git.inside(folder))) {
                Ok(entry) => entry,
                Err(error) if error.code() == git2::ErrorCode::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            if entry.kind() == Some(ObjectType::Tree) {
                collect(&git.repository, entry.id(), folder, &mut entries).map_err(failed)?;
            } else {
                entries.insert(folder.to_owned(), Entry { id: entry.id(), mode: entry.filemode() });
            }
        }
        let objects = Objects { path: git.repository.path().to_owned(), open: Mutex::default() };
        Ok(Tree { entries, objects, read: OnceLock::new() })
    }

    /// The files whose content is not here.
    pub(super) fn missing(&self) -> Result<Vec<Oid>> {
        let ids = self.entries.values().filter(|entry| entry.kind() != Kind::Other).map(|entry| entry.id);
        let missing = self.objects.with(|odb| Ok(ids.filter(|id| !odb.exists(*id)).collect::<BTreeSet<Oid>>()));
        let missing = missing.map_err(|error| failed("read objects of", &self.objects.path, &error))?;
        Ok(missing.into_iter().collect())
    }

    /// Reads all files of some folders at once, and says which of them are not what they stand for.
    pub(super) fn read_all(&self, folders: &[&str]) -> Result<Diagnostics> {
        let mut mistakes = Diagnostics::new();
        let mut wanted: Vec<(&str, Oid)> = Vec::new();
        for folder in folders {
            for (path, entry) in self.below(folder) {
                match entry.kind() {
                    Kind::File => wanted.push((path, entry.id)),
                    Kind::Other => mistakes.push(submodule(path)),
                    Kind::Link | Kind::Folder => {}
                }
            }
        }
        let parts: Vec<Vec<(Oid, Arc<[u8]>)>> = wanted
            .par_chunks(READ_PER_THREAD)
            .map(|part| {
                self.objects.with(|odb| {
                    let mut read = Vec::with_capacity(part.len());
                    for (_, id) in part {
                        if odb.read_header(*id)?.0 <= LARGEST_READ_AHEAD {
                            read.push((*id, Arc::from(odb.read(*id)?.data())));
                        }
                    }
                    Ok(read)
                })
            })
            .collect::<std::result::Result<_, git2::Error>>()
            .map_err(|error| failed("read objects of", &self.objects.path, &error))?;
        let read: HashMap<Oid, Arc<[u8]>> = parts.into_iter().flatten().collect();
        for (path, id) in wanted {
            if read.get(&id).is_some_and(|bytes| is_lfs_pointer(bytes)) {
                mistakes.push(lfs_pointer(path));
            }
        }
        let _ = self.read.set(read);
        Ok(mistakes)
    }

    /// The content of a file, if the commit has it.
    pub fn find(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.entries.get(path) {
            Some(entry) if entry.kind() == Kind::File => Ok(Some(self.read(path)?)),
            _ => Ok(None),
        }
    }

    /// Everything below a folder that is no folder, by path.
    fn below<'t>(&'t self, folder: &str) -> impl Iterator<Item = (&'t str, Entry)> + use<'t> {
        let start = format!("{}/", folder.trim_end_matches('/'));
        let inside = start.clone();
        self.entries
            .range(start..)
            .take_while(move |(path, _)| path.starts_with(&inside))
            .map(|(path, entry)| (path.as_str(), *entry))
    }

    fn content(&self, id: Oid) -> std::result::Result<Arc<[u8]>, git2::Error> {
        match self.read.get().and_then(|read| read.get(&id)) {
            Some(bytes) => Ok(bytes.clone()),
            None => self.objects.with(|odb| Ok(Arc::from(odb.read(id)?.data()))),
        }
    }

    fn size(&self, entry: Entry) -> u64 {
        if entry.kind() != Kind::File {
            return 0;
        }
        if let Some(bytes) = self.read.get().and_then(|read| read.get(&entry.id)) {
            return bytes.len() as u64;
        }
        self.objects.with(|odb| odb.read_header(entry.id)).map_or(0, |(size, _)| size as u64)
    }

    fn found(&self, path: &str, entry: Entry) -> Found {
        // The output is compared by its ids: nobody asks how large it is.
        let size = if path.starts_with("argocd/") { 0 } else { self.size(entry) };
        Found { path: path.to_owned(), kind: entry.kind(), size }
    }
}

impl Source for Tree {
    fn list(&self, folder: &str) -> std::result::Result<Vec<Found>, Failure> {
        let length = folder.trim_end_matches('/').len() + 1;
        let mut found: Vec<Found> = Vec::new();
        for (path, entry) in self.below(folder) {
            let inside = path.get(length..).unwrap_or_default();
            let child = match inside.split_once('/') {
                None => self.found(path, entry),
                Some((name, _)) => {
                    let path = path.get(..length + name.len()).unwrap_or(path);
                    if found.last().is_some_and(|last| last.path == path) {
                        continue;
                    }
                    Found { path: path.to_owned(), kind: Kind::Folder, size: 0 }
                }
            };
            found.push(child);
        }
        found.sort_by(|a, b| a.name().cmp(b.name()));
        found.dedup_by(|a, b| a.path == b.path);
        Ok(found)
    }

    fn walk(&self, folder: &str) -> std::result::Result<Vec<Found>, Failure> {
        Ok(self.below(folder).map(|(path, entry)| self.found(path, entry)).collect())
    }

    fn read(&self, path: &str) -> std::result::Result<Vec<u8>, Failure> {
        let Some(entry) = self.entries.get(path) else {
            return Err(Failure::new("read", path, std::io::ErrorKind::NotFound.into()));
        };
        let content = self.content(entry.id);
        content
            .map(|bytes| bytes.to_vec())
            .map_err(|error| Failure::new("read", path, std::io::Error::other(words(&error))))
    }
}

impl Committed for Tree {
    fn holds(&self, path: &str, bytes: &[u8]) -> std::result::Result<bool, Failure> {
        let id = Oid::hash_object(ObjectType::Blob, bytes)
            .map_err(|error| Failure::new("hash", path, std::io::Error::other(words(&error))))?;
        Ok(self.entries.get(path).is_some_and(|entry| entry.id == id))
    }
}

/// The object database, opened once for each thread that reads: libgit2's handles are not to be shared.
struct Objects {
    path: PathBuf,
    open: Mutex<Vec<git2::Repository>>,
}

impl Objects {
    fn with<T>(
        &self,
        read: impl FnOnce(&git2::Odb<'_>) -> std::result::Result<T, git2::Error>,
    ) -> std::result::Result<T, git2::Error> {
        let idle = self.open.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let repository = match idle {
            Some(repository) => repository,
            None => git2::Repository::open(&self.path)?,
        };
        let result = repository.odb().and_then(|odb| read(&odb));
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(repository);
        result
    }
}

fn collect(
    repository: &git2::Repository,
    id: Oid,
    folder: &str,
    entries: &mut BTreeMap<String, Entry>,
) -> std::result::Result<(), git2::Error> {
    for entry in &repository.find_tree(id)? {
        let path = format!("{folder}/{}", String::from_utf8_lossy(entry.name_bytes()));
        match entry.kind() {
            Some(ObjectType::Tree) => collect(repository, entry.id(), &path, entries)?,
            _ => {
                entries.insert(path, Entry { id: entry.id(), mode: entry.filemode() });
            }
        }
    }
    Ok(())
}

/// Whether a text is what Git LFS commits in place of a file.
pub(super) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && bytes.starts_with(LFS_POINTER)
}

/// What to say of a pointer that stands for an input.
fn lfs_pointer(path: &str) -> Diagnostic {
    Diagnostic::new("lfs-pointer", format!("`{path}` is a Git LFS pointer: its content is not in the repository"))
        .in_file(path)
        .help("inputs and outputs are small texts: take their pattern out of `.gitattributes`")
        .help(format!("then `git add --renormalize {path}` and commit"))
}

fn submodule(path: &str) -> Diagnostic {
    Diagnostic::new("submodule", format!("`{path}` is a submodule: its files are not part of this repository"))
        .in_file(path)
        .help("copy the files in, with `git subtree add` for example; submodules elsewhere do no harm")
}
