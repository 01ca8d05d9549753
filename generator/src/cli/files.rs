//! Files that `init`, `new` and `components --update-readmes` write: sources, never generated output.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::diagnostic::{Diagnostic, Diagnostics, Sources};
use crate::{Error, Failure, Mistakes, Result};

/// What `init` and `new` write. Touch this file after adding one there: cargo only notices those it knows.
static SCAFFOLD: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/scaffold");

/// One mistake outside of any file that was read.
pub fn mistake(diagnostic: Diagnostic) -> Error {
    Error::Mistakes(Mistakes { sources: Arc::new(Sources::default()), diagnostics: Diagnostics::from(diagnostic) })
}

/// The files of a scaffold by path, with `name` filled in.
pub fn scaffold(folder: &str, name: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open: Vec<&Dir<'_>> = SCAFFOLD.get_dir(folder).into_iter().collect();
    while let Some(dir) = open.pop() {
        open.extend(dir.dirs());
        for file in dir.files() {
            let path = file.path().strip_prefix(folder).unwrap_or(file.path());
            let path: Vec<_> = path.iter().map(|segment| segment.to_string_lossy()).collect();
            // A `.gitattributes` among our own sources would count there.
            let path = path.join("/").replace("dot-", ".");
            files.push((path, file.contents_utf8().unwrap_or_default().replace("__NAME__", name)));
        }
    }
    files.sort();
    files
}

/// Writes new files; a file that is there already is never touched.
#[expect(clippy::disallowed_methods, reason = "scaffolds are sources, which only these commands write")]
pub fn write_new(root: &Path, files: &[(String, String)]) -> Result<()> {
    for (path, text) in files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Failure::new("create", folder, error))?;
        }
        let written = std::fs::File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| Failure::new("write", &path, error))?;
    }
    Ok(())
}

/// Replaces a text file.
#[expect(clippy::disallowed_methods, reason = "documentation is a source, which only these commands write")]
pub fn replace(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| Failure::new("write", path, error).into())
}

/// Puts a file into a repository, whole or not at all.
#[expect(clippy::disallowed_methods, reason = "archives of charts are sources, which only `charts vendor` writes")]
pub fn place(root: &Path, path: &str, bytes: &[u8]) -> Result<()> {
    let path = root.join(path);
    let beside = path.with_extension("part");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::new("create", folder, error))?;
    }
    std::fs::write(&beside, bytes).map_err(|error| Failure::new("write", &beside, error))?;
    std::fs::rename(&beside, &path).map_err(|error| Failure::new("write", &path, error).into())
}
