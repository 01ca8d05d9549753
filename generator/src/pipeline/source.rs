//! Where inputs come from: a folder today, a Git tree for reviews. Reads only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::Failure;

/// A set of input files, addressed by `/`-separated paths inside the repository.
pub trait Source: Sync {
    /// The direct children of a folder, sorted by name. A folder that is not there has none.
    fn list(&self, folder: &str) -> Result<Vec<Found>, Failure>;

    /// Everything below a folder but folders themselves, sorted by path.
    fn walk(&self, folder: &str) -> Result<Vec<Found>, Failure>;

    /// The bytes of a file.
    fn read(&self, path: &str) -> Result<Vec<u8>, Failure>;
}

/// A file, folder or link that a [`Source`] has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Path inside the repository.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Size in bytes; 0 for what is not a file.
    pub size: u64,
}

impl Found {
    /// The last segment of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, which is never followed.
    Link,
    /// A socket, a device, a pipe.
    Other,
}

/// A work tree on disk.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The repository whose top level is this folder.
    pub fn new(root: impl Into<PathBuf>) -> Folder {
        Folder { root: root.into() }
    }

    fn find(&self, folder: &str, depth: usize) -> Result<Vec<Found>, Failure> {
        let top = self.root.join(folder);
        match top.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::new("read", top, error)),
            Ok(_) => {}
        }
        let mut found = Vec::new();
        for entry in WalkDir::new(&top).min_depth(1).max_depth(depth).follow_links(false).sort_by_file_name() {
            let entry = entry.map_err(|error| {
                let path = error.path().map_or_else(|| top.clone(), Path::to_owned);
                let source = error.into_io_error().unwrap_or_else(|| std::io::Error::other("the folder is a loop"));
                Failure::new("read", path, source)
            })?;
            let kind = match entry.file_type() {
                kind if kind.is_file() => Kind::File,
                kind if kind.is_dir() => Kind::Folder,
                kind if kind.is_symlink() => Kind::Link,
                _ => Kind::Other,
            };
            if depth > 1 && kind == Kind::Folder {
                continue;
            }
            let relative = entry.path().strip_prefix(&top).unwrap_or(entry.path());
            let mut path = folder.to_owned();
            for segment in relative {
                path.push('/');
                path.push_str(&segment.to_string_lossy());
            }
            let size = if kind == Kind::File { entry.metadata().map_or(0, |m| m.len()) } else { 0 };
            found.push(Found { path, kind, size });
        }
        Ok(found)
    }
}

impl Source for Folder {
    fn list(&self, folder: &str) -> Result<Vec<Found>, Failure> {
        self.find(folder, 1)
    }

    fn walk(&self, folder: &str) -> Result<Vec<Found>, Failure> {
        let mut found = self.find(folder, usize::MAX)?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads inputs from disk")]
    fn read(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let path = self.root.join(path);
        std::fs::read(&path).map_err(|error| Failure::new("read", path, error))
    }
}

/// A folder with other files than there are on disk.
#[derive(Debug, Clone, Copy)]
pub struct With<'a> {
    /// What is on disk.
    pub folder: &'a Folder,
    /// Files by path that are new, or stand in for those on disk.
    pub files: &'a [(String, String)],
}

impl Source for With<'_> {
    fn list(&self, folder: &str) -> Result<Vec<Found>, Failure> {
        let mut found: BTreeMap<String, Found> =
            self.folder.list(folder)?.into_iter().map(|found| (found.path.clone(), found)).collect();
        for (path, text) in self.files {
            let Some(rest) = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) else { continue };
            let (path, kind, size) = match rest.split_once('/') {
                Some((child, _)) => (format!("{folder}/{child}"), Kind::Folder, 0),
                None => (path.clone(), Kind::File, text.len() as u64),
            };
            found.insert(path.clone(), Found { path, kind, size });
        }
        Ok(found.into_values().collect())
    }

    fn walk(&self, folder: &str) -> Result<Vec<Found>, Failure> {
        let mut found: BTreeMap<String, Found> =
            self.folder.walk(folder)?.into_iter().map(|found| (found.path.clone(), found)).collect();
        for (path, text) in self.files {
            if path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')) {
                found.insert(path.clone(), Found { path: path.clone(), kind: Kind::File, size: text.len() as u64 });
            }
        }
        Ok(found.into_values().collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Failure> {
        match self.files.iter().find(|(known, _)| known == path) {
            Some((_, text)) => Ok(text.as_bytes().to_vec()),
            None => self.folder.read(path),
        }
    }
}
