#![doc = include_str!("../../docs/architecture.md")]

pub mod diagnostic;
pub mod git;
pub mod name;
pub mod objects;
pub mod pipeline;
pub mod review;
pub mod values;
pub mod yaml;

pub mod cli;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diagnostic::{Diagnostics, Sources};

/// The version of this tool, written into every `index.yaml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The user's mistakes of one stage, with the texts they point into.
#[derive(Debug, Clone)]
pub struct Mistakes {
    /// The files that were read.
    pub sources: Arc<Sources>,
    /// The mistakes, in file order.
    pub diagnostics: Diagnostics,
}

/// A failure of the machine: it names the file, never a Rust type.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", shown(path))]
pub struct Failure {
    /// What was tried: `read`, `write`, `rename`.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// What the system answered.
    #[source]
    pub source: std::io::Error,
    /// What became of the output, where that is in question.
    pub note: Option<&'static str>,
}

/// A path as a person would write it.
fn shown(path: &Path) -> std::path::Display<'_> {
    path.strip_prefix(".").ok().filter(|path| !path.as_os_str().is_empty()).unwrap_or(path).display()
}

impl Failure {
    /// A failed action on a path.
    pub fn new(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Failure {
        Failure { action, path: path.as_ref().to_owned(), source, note: None }
    }

    /// What a person can do about it, where that is known.
    pub fn remedy(&self) -> Option<&'static str> {
        use std::io::ErrorKind;
        match self.source.kind() {
            ErrorKind::StorageFull => Some("make room on the disk, then run the command again"),
            ErrorKind::QuotaExceeded => {
                Some("delete files of yours or have the quota raised, then run the command again")
            }
            ErrorKind::ReadOnlyFilesystem => {
                Some("the file system is mounted read-only: mount it for writing, or work in a copy elsewhere")
            }
            ErrorKind::PermissionDenied => Some(
                "this user may not do that: change the owner or the permissions of the folder (`ls -ld` shows them)",
            ),
            _ => None,
        }
    }
}

/// Why a stage did not finish.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong.
    #[error("{} mistake(s) in the input", .0.diagnostics.len())]
    Mistakes(Mistakes),
    /// The machine failed.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Another writer is at work.
    #[error("{0}")]
    Busy(String),
}

/// Result of a stage.
pub type Result<T> = std::result::Result<T, Error>;

/// Bytes in hexadecimal digits, as digests are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[(b >> 4) as usize] as char, DIGITS[(b & 15) as usize] as char]).collect()
}
