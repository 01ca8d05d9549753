//! Archives by their digest, shared by repositories and processes.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

/// A folder of archives: `charts/sha256/<first two digits>/<all digits>.tgz`.
///
/// An archive is written beside its place and moved there when it is whole, so any number of processes may share the folder. What is
/// read is always held against its digest.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// An archive in the cache is not what its name says.
#[derive(Debug)]
pub enum CacheError {
    /// Its bytes have another digest: the disk, or somebody, changed it.
    Damaged {
        /// Where it lies.
        path: PathBuf,
        /// The digest of what lies there.
        found: String,
    },
    /// It could not be read or written.
    Io {
        /// What was tried.
        tried: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system answered.
        error: io::Error,
    },
}

impl fmt::Display for CacheError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CacheError::Damaged { path, found } => {
                write!(to, "{} has the digest {found}, which is not its name", path.display())
            }
            CacheError::Io { tried, path, error } => write!(to, "cannot {tried} {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for CacheError {}

/// The digest of some bytes, as 64 small hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text is a digest as it is written here: 64 small hexadecimal digits.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

static COUNT: AtomicU64 = AtomicU64::new(0);

impl Cache {
    /// The cache in a folder, which is made when something is first put there.
    pub fn new(root: impl Into<PathBuf>) -> Cache {
        Cache { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where an archive lies, or would lie.
    pub fn path(&self, digest: &str) -> PathBuf {
        let first = digest.get(..2).unwrap_or("__");
        self.root.join("charts").join("sha256").join(first).join(format!("{digest}.tgz"))
    }

    /// Reads an archive and holds it against its digest.
    pub fn read(&self, digest: &str) -> Result<Option<Vec<u8>>, CacheError> {
        if !is_sha256(digest) {
            return Ok(None);
        }
        let path = self.path(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CacheError::Io { tried: "read", path, error }),
        };
        let found = sha256(&bytes);
        if found == digest { Ok(Some(bytes)) } else { Err(CacheError::Damaged { path, found }) }
    }

    /// Whether an archive is there, whole.
    pub fn has(&self, digest: &str) -> bool {
        matches!(self.read(digest), Ok(Some(_)))
    }

    /// Puts an archive in; its digest comes back. What lies there already is replaced in one step.
    pub fn write(&self, bytes: &[u8]) -> Result<String, CacheError> {
        let digest = sha256(bytes);
        let (path, mut file) = self.temporary()?;
        let failed = |tried, path: &Path| {
            let path = path.to_owned();
            move |error| CacheError::Io { tried, path, error }
        };
        let place = self.path(&digest);
        let written =
            file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("write", &path)).and_then(|()| {
                let folder = place.parent().unwrap_or(&self.root);
                fs::create_dir_all(folder).map_err(failed("make", folder))?;
                fs::rename(&path, &place).map_err(failed("make", &place))
            });
        if written.is_err() {
            // Nobody looks at what is left half.
            let _ = fs::remove_file(&path);
        }
        written.map(|()| digest)
    }

    /// A new file in the cache's own folder for what is not whole yet.
    pub(crate) fn temporary(&self) -> Result<(PathBuf, fs::File), CacheError> {
        let folder = self.root.join("charts").join("incoming");
        let failed = |path: &Path, error| CacheError::Io { tried: "make", path: path.to_owned(), error };
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        // Another machine may share the folder and have a process of the same number.
        for _ in 0..1000 {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{}-{count}", std::process::id()));
            match fs::File::options().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&path, error)),
            }
        }
        Err(failed(&folder, io::Error::other("there are too many unfinished files")))
    }
}
