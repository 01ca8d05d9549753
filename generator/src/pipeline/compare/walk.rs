//! Lists a committed tree.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use super::Failure;

/// What was found in a folder.
pub(crate) struct Entry {
    /// Relative to the folder, parts separated by `/`.
    pub path: String,
    pub at: PathBuf,
    pub kind: Kind,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    /// A folder that was not looked into; it holds something.
    Folder,
    Symlink,
    /// A pipe, a socket, a device, or a name that we would never give.
    Odd,
}

/// Lists a folder and every folder in it that is `ours`, in no order.
///
/// Folders that hold nothing but folders do not count: Git knows none, and there is nothing in
/// them to lose.
pub(crate) fn walk(root: &Path, ours: &dyn Fn(&str) -> bool) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    let mut open = vec![(String::new(), root.to_owned())];
    while let Some((prefix, folder)) = open.pop() {
        for found in fs::read_dir(&folder).map_err(Failure::io("list", &folder))? {
            let found = found.map_err(Failure::io("list", &folder))?;
            let at = found.path();
            let kind = found.file_type().map_err(Failure::io("examine", &at))?;
            let name = found.file_name();
            let readable = name.to_str().filter(|name| !name.contains(char::is_control));
            let path = match (prefix.as_str(), name.to_string_lossy()) {
                ("", name) => name.into_owned(),
                (prefix, name) => format!("{prefix}/{name}"),
            };
            let kind = if kind.is_symlink() {
                Kind::Symlink
            } else if kind.is_dir() {
                if readable.is_some() && ours(&path) {
                    open.push((path, at));
                    continue;
                }
                if !holds_anything(&at) {
                    continue;
                }
                if readable.is_some() { Kind::Folder } else { Kind::Odd }
            } else if kind.is_file() && readable.is_some() {
                Kind::File
            } else {
                Kind::Odd
            };
            entries.push(Entry { path, at, kind });
        }
    }
    Ok(entries)
}

/// Whether anything but folders lies in or below a folder; one that cannot be read might.
fn holds_anything(folder: &Path) -> bool {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            return true;
        };
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.file_type()?, entry.path()))) {
                Ok((kind, path)) if kind.is_dir() => open.push(path),
                _ => return true,
            }
        }
    }
    false
}

/// Adds every folder above `path`.
pub(crate) fn insert_folders<'a>(folders: &mut HashSet<&'a str>, path: &'a str) {
    let mut rest = path;
    while let Some((folder, _)) = rest.rsplit_once('/') {
        if !folders.insert(folder) {
            return;
        }
        rest = folder;
    }
}
