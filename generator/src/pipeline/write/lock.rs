//! The lock against a second writer.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, SystemTime},
};

use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
};

use crate::pipeline::compare::Failure;

/// The tool's own folder in `argocd/`.
pub(super) const PRIVATE: &str = ".kubezero";

/// What is recorded of a command line, and read of a lock file, at most.
const LONGEST_NOTE: usize = 4096;

/// How often to look for the note of a holder that has the lock and has not written it yet.
const ATTEMPTS: u32 = 20;

/// The right to write below one `argocd/`, for as long as the value lives.
///
/// It is a lock of the operating system on a file: it goes when the process goes, however it
/// goes, and what the file says is only for the message to the next one who comes.
#[derive(Debug)]
pub struct Lock {
    argocd: PathBuf,
    folder: PathBuf,
    _file: File,
}

impl Lock {
    /// The folder that is locked.
    #[must_use]
    pub fn argocd(&self) -> &Path {
        &self.argocd
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process is writing.
    #[error("another process is writing to `argocd/`: {command}")]
    HeldBy {
        /// Its process number, if it said.
        pid: Option<u32>,
        /// Its command line, if it said.
        command: String,
        /// When it took the lock, if known.
        since: Option<SystemTime>,
    },
    /// The operating system refused.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Takes the lock for `argocd`, creating the folder where it is missing; never waits.
///
/// # Errors
///
/// Where another process has the lock, or the operating system refuses.
pub fn lock(argocd: &Path) -> Result<Lock, LockError> {
    let folder = argocd.join(PRIVATE);
    create_private(&folder)?;
    let path = folder.join("lock");
    for _ in 0..ATTEMPTS {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&path)
            .map_err(Failure::io("open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let note = read_note(&mut file);
                if note.is_empty() {
                    thread::sleep(Duration::from_millis(5));
                    continue;
                }
                return Err(held_by(&note, &file));
            }
            Err(error) => return Err(Failure::io("lock", &path)(error.into()).into()),
        }
        // Somebody may have deleted the folder and another process have made it anew.
        let locked = file.metadata().map_err(Failure::io("examine", &path))?;
        if !fs::symlink_metadata(&path).is_ok_and(|found| found.ino() == locked.ino()) {
            create_private(&folder)?;
            continue;
        }
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(note().as_bytes())
        };
        write().map_err(Failure::io("write", &path))?;
        return Ok(Lock { argocd: argocd.to_owned(), folder, _file: file });
    }
    Err(LockError::HeldBy { pid: None, command: "an unknown command".to_owned(), since: None })
}

/// Makes the private folder, which ignores itself, so that no repository has to.
fn create_private(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(Failure::io("create", folder))?;
    let metadata = fs::symlink_metadata(folder).map_err(Failure::io("examine", folder))?;
    if !metadata.is_dir() {
        // A link would have trees staged, and deleted, wherever it leads.
        return Err(Failure::io("use", folder)(io::ErrorKind::NotADirectory.into()));
    }
    let ignore = folder.join(".gitignore");
    // An empty one is what a run leaves that died at this very point.
    if fs::symlink_metadata(&ignore).is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(());
    }
    fs::write(&ignore, "*\n").map_err(Failure::io("write", &ignore))
}

/// Process number and command line, on a line each.
fn note() -> String {
    let arguments: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().replace(char::is_control, " ")).collect();
    let command: String = arguments.join(" ").chars().take(LONGEST_NOTE / 4).collect();
    format!("{}\n{command}\n", process::id())
}

fn read_note(file: &mut File) -> String {
    let mut bytes = Vec::new();
    // Only for a message: a note that cannot be read is as good as none.
    let _ = file.rewind();
    let _ = file.take(LONGEST_NOTE as u64).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn held_by(note: &str, file: &File) -> LockError {
    let mut lines = note.lines();
    let pid = lines.next().and_then(|line| line.parse().ok());
    let command = lines.next().unwrap_or("an unknown command").replace(char::is_control, " ");
    let since = file.metadata().and_then(|metadata| metadata.modified()).ok();
    LockError::HeldBy { pid, command, since }
}
