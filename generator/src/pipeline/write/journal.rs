//! The record of a write that has begun to replace folders.
//!
//! Lines of text, the last one a checksum of the others:
//!
//! ```text
//! kubezero journal 1
//! environment <inode of the new folder> <inode of the old folder> <name>
//! file <inode> <size> <seconds> <nanoseconds> <path>
//! end <sha256>
//! ```
//!
//! An inode of `-` says that there is no such folder. The files are those of the old tree.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::pipeline::compare::{Failure, Stamp};

const TITLE: &str = "kubezero journal ";
const FORMAT: &str = "1";

/// The folders to replace, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Journal {
    pub swaps: Vec<Swap>,
}

/// One folder to replace.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Swap {
    pub environment: String,
    /// The new folder, unless none is wanted.
    pub new: Option<u64>,
    /// The old folder, where there is one.
    pub old: Option<u64>,
    /// The files of the old folder, as they were when it was decided to replace it.
    pub seen: BTreeMap<String, Stamp>,
}

impl Journal {
    pub(super) fn path_in(private: &Path) -> PathBuf {
        private.join("journal")
    }

    fn draft_in(private: &Path) -> PathBuf {
        private.join("journal.new")
    }

    /// Writes the journal, complete and durable, or not at all.
    pub(super) fn write(&self, private: &Path) -> Result<(), Failure> {
        let draft = Self::draft_in(private);
        let path = Self::path_in(private);
        let write = || {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o644).open(&draft)?;
            file.write_all(self.to_text().as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        write().map_err(Failure::io("write", &path))?;
        let synced = File::open(private).and_then(|folder| folder.sync_all());
        if let Err(error) = synced {
            // Nothing is replaced yet, and nothing must be on the strength of this journal.
            Self::remove(private)?;
            return Err(Failure::io("sync", private)(error));
        }
        Ok(())
    }

    /// Reads the journal, if there is one; a damaged one cannot have been acted upon.
    pub(super) fn read(private: &Path) -> Result<Option<Self>, Failure> {
        let path = Self::path_in(private);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::io("read", &path)(error)),
        };
        let text = String::from_utf8_lossy(&bytes);
        let title = text.lines().next().unwrap_or_default();
        match title.strip_prefix(TITLE) {
            Some(FORMAT) | None => {}
            Some(_) => return Err(Failure::NewerJournal { path }),
        }
        let journal = Self::from_text(&text);
        if journal.is_none() {
            Self::remove(private)?;
        }
        Ok(journal)
    }

    pub(super) fn remove(private: &Path) -> Result<(), Failure> {
        remove_if_there(&Self::path_in(private))
    }

    pub(super) fn has_draft(private: &Path) -> bool {
        Self::draft_in(private).exists()
    }

    pub(super) fn remove_draft(private: &Path) -> Result<(), Failure> {
        remove_if_there(&Self::draft_in(private))
    }

    fn to_text(&self) -> String {
        let inode = |inode: Option<u64>| inode.map_or("-".to_owned(), |inode| inode.to_string());
        let mut text = format!("{TITLE}{FORMAT}\n");
        // Writing to a string does not fail.
        for swap in &self.swaps {
            let (new, old) = (inode(swap.new), inode(swap.old));
            let _ = writeln!(text, "environment {new} {old} {}", swap.environment);
            for (path, stamp) in &swap.seen {
                let Stamp { inode, size, seconds, nanoseconds } = stamp;
                let _ = writeln!(text, "file {inode} {size} {seconds} {nanoseconds} {path}");
            }
        }
        let digest = Sha256::digest(&text);
        let _ = writeln!(text, "end {digest:x}");
        text
    }

    fn from_text(text: &str) -> Option<Self> {
        let (body, end) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let body = text.get(..=body.len())?;
        if end.strip_prefix("end ")? != format!("{:x}", Sha256::digest(body)) {
            return None;
        }
        let inode = |field: &str| match field {
            "-" => Some(None),
            number => number.parse().ok().map(Some),
        };
        let mut swaps: Vec<Swap> = Vec::new();
        for line in body.lines().skip(1) {
            if let Some(fields) = line.strip_prefix("environment ") {
                let mut fields = fields.splitn(3, ' ');
                swaps.push(Swap {
                    new: inode(fields.next()?)?,
                    old: inode(fields.next()?)?,
                    environment: fields.next()?.to_owned(),
                    seen: BTreeMap::new(),
                });
            } else {
                let mut fields = line.strip_prefix("file ")?.splitn(5, ' ');
                let stamp = Stamp {
                    inode: fields.next()?.parse().ok()?,
                    size: fields.next()?.parse().ok()?,
                    seconds: fields.next()?.parse().ok()?,
                    nanoseconds: fields.next()?.parse().ok()?,
                };
                swaps.last_mut()?.seen.insert(fields.next()?.to_owned(), stamp);
            }
        }
        Some(Self { swaps })
    }
}

fn remove_if_there(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::io("remove", path)(error)),
        _ => Ok(()),
    }
}
