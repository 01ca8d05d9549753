//! Makes `argocd/` what the comparisons say: every environment or none. The only writer.
//!
//! The tool's own folder `argocd/.kubezero/`, which Git ignores, holds:
//!
//! - `lock`: who writes at the moment
//! - `staging/<environment>`: a new tree; after the exchange, the old one
//! - `retired/<environment>`: an old tree that was moved away rather than exchanged
//! - `journal`: which trees are being replaced
//! - `rescued/<environment>`: what somebody saved into an old tree while it was being replaced
//!
//! A write builds every new tree in `staging`, hard-linking the files that stay, so that these
//! keep inode and modification time. When all of it is on disk it writes the journal: from then on
//! the write has happened, whatever comes. It exchanges each folder with its new tree in one system
//! call, removes the journal, and deletes the old trees. [`recover`] finishes an interrupted write
//! where there is a journal and forgets it where there is none.
//!
//! Where the file system has no hard links, files that stay are copied, with their modification
//! time. Where it cannot exchange two folders, the old one is moved away and the new one takes its
//! place; for that moment the folder is missing, and recovery works as before. Folders that cannot
//! be renamed at all, because they are mount points or belong to a lower layer of an overlay file
//! system, are a failure, and everything stays as it was.
#![allow(clippy::disallowed_methods, reason = "the one place that writes the output")]

mod journal;
mod lock;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use rustix::{
    fs::{CWD, RenameFlags},
    io::Errno,
};

use self::journal::{Journal, Swap};
pub use self::lock::{Lock, LockError, lock};
use crate::pipeline::compare::{Comparison, Failure, Source, Stamp, insert_folders, walk};
use crate::pipeline::stamp;

/// Up to this many new files and folders are made durable one by one; see [`make_durable`].
const SYNCED_ONE_BY_ONE: usize = 64;

/// What a write did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The environments whose folders were replaced, created or removed, in the order given.
    pub environments: Vec<String>,
    /// How many files were written.
    pub written: usize,
    /// How many files were removed.
    pub removed: usize,
    /// Files that appeared in an old tree at the very moment of its exchange, where they are now.
    pub rescued: Vec<PathBuf>,
}

/// What was left of an interrupted write, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The environments of a write that was finished now, if there was one.
    pub finished: Vec<String>,
    /// Environments of that write that somebody has changed since, so that they were let be.
    pub let_be: Vec<String>,
    /// Files that appeared in an old tree at the very moment of its exchange, where they are now.
    pub rescued: Vec<PathBuf>,
}

const STAGING: &str = "staging";
const RETIRED: &str = "retired";

/// Where everything is.
struct Places {
    argocd: PathBuf,
    private: PathBuf,
    staging: PathBuf,
    retired: PathBuf,
}

impl Places {
    fn of(lock: &Lock) -> Self {
        let private = lock.folder().to_owned();
        Self {
            argocd: lock.argocd().to_owned(),
            staging: private.join(STAGING),
            retired: private.join(RETIRED),
            private,
        }
    }
}

/// What the file system is asked to do; narrowed by tests only.
#[derive(Clone, Copy)]
struct Abilities {
    links: bool,
    exchange: bool,
}

const ALL_ABILITIES: Abilities = Abilities { links: true, exchange: true };

/// Whether an interrupted write is waiting for [`recover`], so that `argocd/` may be a mixture.
#[must_use]
pub fn is_unfinished(argocd: &Path) -> bool {
    Journal::path_in(&argocd.join(lock::PRIVATE)).exists()
}

/// Whether a write, finished or not, left something behind that [`recover`] clears away.
#[must_use]
pub fn has_remains(argocd: &Path) -> bool {
    let private = argocd.join(lock::PRIVATE);
    is_unfinished(argocd)
        || [STAGING, RETIRED].iter().any(|folder| private.join(folder).exists())
        || Journal::has_draft(&private)
        || private.join(stamp::DRAFT).exists()
}

/// Finishes or forgets what an interrupted write left; the first thing to do under the lock,
/// before anything is compared.
///
/// # Errors
///
/// Where the write can be neither finished nor taken back, or what it left cannot be removed. If
/// it could be taken back, the next attempt starts from the old trees.
pub fn recover(lock: &Lock) -> Result<Recovery, Failure> {
    let places = Places::of(lock);
    let Some(mut journal) = Journal::read(&places.private)? else {
        clear(&places)?;
        return Ok(Recovery::default());
    };
    let mut recovery = Recovery::default();
    let mut swaps = Vec::new();
    for swap in std::mem::take(&mut journal.swaps) {
        // Between that run and this one, Git or a person may have been here.
        if is_swapped(&places, &swap)? || is_as_seen(&places, &swap)?.is_ok() {
            recovery.finished.push(swap.environment.clone());
            swaps.push(swap);
        } else {
            recovery.rescued.extend(rescue(&places, &swap)?);
            recovery.let_be.push(swap.environment);
        }
    }
    recovery.rescued.extend(replace(&places, &Journal { swaps }, ALL_ABILITIES)?);
    Ok(recovery)
}

/// Replaces the folder of every environment that changes, or of none.
///
/// Environments without changes are not touched. A process that dies on the way leaves either a
/// journal, and then the next [`recover`] finishes, or none, and then nothing has happened.
///
/// # Errors
///
/// Where a comparison has problems, where a tree changed since it was compared, or where the
/// operating system refuses. Then every folder is as it was, unless tidying up after the exchange
/// is what failed: then every folder is new, and the next [`recover`] tidies up.
pub fn write(lock: &Lock, comparisons: &[Comparison]) -> Result<Summary, Failure> {
    write_with(lock, comparisons, ALL_ABILITIES)
}

fn write_with(lock: &Lock, comparisons: &[Comparison], abilities: Abilities) -> Result<Summary, Failure> {
    let places = Places::of(lock);
    if let Some(refused) = comparisons.iter().find(|comparison| !comparison.problems.is_empty()) {
        return Err(Failure::Refused { environment: refused.environment.clone() });
    }
    if is_unfinished(&places.argocd) {
        return Err(Failure::Unfinished { path: Journal::path_in(&places.private) });
    }
    let mut names = HashSet::new();
    for comparison in comparisons {
        if !names.insert(comparison.environment.as_str()) {
            let what = comparison.environment.clone();
            return Err(Failure::Invalid { what, reason: "it is given twice" });
        }
    }
    let changing: Vec<&Comparison> = comparisons.iter().filter(|comparison| comparison.has_changes()).collect();
    if changing.is_empty() {
        return Ok(Summary::default());
    }
    clear(&places)?;
    let prepared = prepare(&places, &changing, abilities);
    let journal = match prepared {
        Ok(journal) => journal,
        Err(failure) => {
            // The first failure is the one worth telling; the next run clears what stays.
            let _ = clear(&places);
            return Err(failure);
        }
    };
    Ok(Summary {
        environments: names_of(&journal),
        written: changing.iter().map(|one| one.added.len() + one.changed.len()).sum(),
        removed: changing.iter().map(|one| one.removed.len()).sum(),
        rescued: replace(&places, &journal, abilities)?,
    })
}

fn names_of(journal: &Journal) -> Vec<String> {
    journal.swaps.iter().map(|swap| swap.environment.clone()).collect()
}

/// Does everything that can fail for want of space or permission, up to the journal.
fn prepare(places: &Places, changing: &[&Comparison], abilities: Abilities) -> Result<Journal, Failure> {
    // Opened before the first write, so that it reports every error of writing back.
    let file_system = File::open(&places.private).map_err(Failure::io("open", &places.private))?;
    create_folder(&places.staging)?;
    let staged: Vec<Staged> =
        changing.par_iter().map(|comparison| stage(places, comparison, abilities)).collect::<Result<_, Failure>>()?;
    make_durable(places, &file_system, &staged)?;
    let mut swaps = Vec::with_capacity(changing.len());
    for (comparison, staged) in changing.iter().zip(staged) {
        swaps.push(Swap {
            environment: comparison.environment.clone(),
            new: staged.inode,
            old: comparison.folder,
            seen: comparison.seen.clone(),
        });
    }
    // As late as possible: what somebody saves from now on is rescued from the old tree.
    swaps
        .par_iter()
        .try_for_each(|swap| is_as_seen(places, swap)?.map_err(|path| Failure::ChangedMeanwhile { path }))?;
    let journal = Journal { swaps };
    journal.write(&places.private)?;
    Ok(journal)
}

/// A new tree, and what in it is new.
struct Staged {
    /// The folder, unless nothing is left of the environment.
    inode: Option<u64>,
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

fn stage(places: &Places, comparison: &Comparison, abilities: Abilities) -> Result<Staged, Failure> {
    if comparison.new.is_empty() {
        return Ok(Staged { inode: None, folders: Vec::new(), files: Vec::new() });
    }
    let root = places.staging.join(&comparison.environment);
    let committed = places.argocd.join(&comparison.environment);
    let mut folders = HashSet::new();
    for path in comparison.new.keys() {
        insert_folders(&mut folders, path);
    }
    // Sorted, a folder comes before the folders in it.
    let folders: BTreeSet<&str> = folders.into_iter().collect();
    let folders: Vec<PathBuf> =
        std::iter::once(root.clone()).chain(folders.into_iter().map(|folder| root.join(folder))).collect();
    for folder in &folders {
        create_folder(folder)?;
    }
    let mut files = Vec::new();
    for (path, source) in &comparison.new {
        let at = root.join(path);
        match source {
            Source::Fresh(bytes) => {
                // A new inode always: written through a link, the old tree would change too.
                let write = || {
                    let mut options = OpenOptions::new();
                    options.write(true).create_new(true).mode(0o644).open(&at)?.write_all(bytes)
                };
                write().map_err(Failure::io("write", &committed.join(path)))?;
                files.push(at);
            }
            Source::Kept => {
                if !keep(&committed.join(path), &at, abilities)? {
                    files.push(at);
                }
            }
        }
    }
    let metadata = fs::symlink_metadata(&root).map_err(Failure::io("examine", &root))?;
    Ok(Staged { inode: Some(metadata.ino()), folders, files })
}

/// Links a file into the new tree; copies it, and says `false`, where that is not possible.
fn keep(from: &Path, to: &Path, abilities: Abilities) -> Result<bool, Failure> {
    let linked = if abilities.links { fs::hard_link(from, to) } else { Err(Errno::OPNOTSUPP.into()) };
    match linked {
        Ok(()) => return Ok(true),
        // PERM is also how a system answers that protects other users' files from being linked.
        Err(error) if has_errno(&error, &CANNOT_LINK) => {}
        Err(error) => return Err(Failure::io("link", from)(error)),
    }
    let copy = || {
        let modified = fs::symlink_metadata(from)?.modified()?;
        fs::copy(from, to)?;
        File::open(to)?.set_modified(modified)
    };
    copy().map_err(Failure::io("copy", from))?;
    Ok(false)
}

const CANNOT_LINK: [Errno; 5] = [Errno::PERM, Errno::MLINK, Errno::NOSYS, Errno::OPNOTSUPP, Errno::XDEV];

const CANNOT_EXCHANGE: [Errno; 3] = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP];

fn has_errno(error: &io::Error, errors: &[Errno]) -> bool {
    Errno::from_io_error(error).is_some_and(|error| errors.contains(&error))
}

fn create_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir(path).map_err(Failure::io("create", path))
}

/// Returns when the new trees would survive a power cut.
///
/// A first render of 500 environments makes 20,000 files. Synced one by one they cost as many
/// journal commits of the file system; `syncfs` costs one. It also waits for what other processes
/// have written to the same file system, which is not worth it for the handful of files of an
/// ordinary change. It reports errors of writing back since Linux 5.8.
fn make_durable(places: &Places, file_system: &File, staged: &[Staged]) -> Result<(), Failure> {
    let count: usize = staged.iter().map(|one| one.folders.len() + one.files.len()).sum();
    #[cfg(target_os = "linux")]
    if count > SYNCED_ONE_BY_ONE {
        let synced = rustix::fs::syncfs(file_system).map_err(io::Error::from);
        return synced.map_err(Failure::io("sync", &places.staging));
    }
    let _ = (file_system, count);
    staged.par_iter().flat_map(|one| one.files.par_iter().chain(&one.folders)).try_for_each(|path| sync(path))?;
    sync(&places.staging)
}

fn sync(path: &Path) -> Result<(), Failure> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Failure::io("sync", path))
}

/// Puts every new tree in its place and clears away the old ones; takes all of it back where one
/// refuses. The journal is on disk, so that a process that dies here is finished by the next one.
fn replace(places: &Places, journal: &Journal, abilities: Abilities) -> Result<Vec<PathBuf>, Failure> {
    let swapped =
        journal.swaps.iter().try_for_each(|swap| swap_in(places, swap, abilities)).and_then(|()| sync_parents(places));
    if let Err(failure) = swapped {
        // Whoever dies in here leaves the journal, and the next run tries to go forward again.
        for swap in journal.swaps.iter().rev() {
            swap_out(places, swap, abilities)?;
        }
        sync_parents(places)?;
        Journal::remove(&places.private)?;
        let _ = clear(places);
        return Err(failure);
    }
    let rescued: Vec<Vec<PathBuf>> =
        journal.swaps.par_iter().map(|swap| rescue(places, swap)).collect::<Result<_, Failure>>()?;
    Journal::remove(&places.private)?;
    // All is written. What cannot be deleted now is tried again by the next run.
    let _ = clear(places);
    Ok(rescued.concat())
}

fn sync_parents(places: &Places) -> Result<(), Failure> {
    for folder in [&places.staging, &places.retired, &places.argocd] {
        if inode(folder)?.is_some() {
            sync(folder)?;
        }
    }
    Ok(())
}

fn inode(path: &Path) -> Result<Option<u64>, Failure> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("examine", path)(error)),
    }
}

/// Whether the new tree is in its place, or the place empty if that is what is wanted.
///
/// A folder keeps its inode when it is renamed, so that the journal can tell old from new.
fn is_swapped(places: &Places, swap: &Swap) -> Result<bool, Failure> {
    let target = inode(&places.argocd.join(&swap.environment))?;
    match swap.new {
        Some(_) => Ok(target == swap.new),
        None => Ok(target.is_none()),
    }
}

/// Moves one environment from old to new, unless that is done.
fn swap_in(places: &Places, swap: &Swap, abilities: Abilities) -> Result<(), Failure> {
    if is_swapped(places, swap)? {
        return Ok(());
    }
    let target = places.argocd.join(&swap.environment);
    let staged = places.staging.join(&swap.environment);
    let retired = places.retired.join(&swap.environment);
    if swap.new.is_none() {
        create_if_missing(&places.retired)?;
        return rename(&target, &retired);
    }
    if inode(&target)?.is_none() {
        return rename(&staged, &target).map_err(|failure| naming(failure, &target));
    }
    if exchange(&staged, &target, abilities)? {
        return Ok(());
    }
    create_if_missing(&places.retired)?;
    rename(&target, &retired)?;
    rename(&staged, &target).map_err(|failure| naming(failure, &target))
}

/// Moves one environment from new to old, unless that is done.
fn swap_out(places: &Places, swap: &Swap, abilities: Abilities) -> Result<(), Failure> {
    let target = places.argocd.join(&swap.environment);
    let staged = places.staging.join(&swap.environment);
    let retired = places.retired.join(&swap.environment);
    let is_retired = inode(&retired)?.is_some();
    if swap.new.is_some() && is_swapped(places, swap)? {
        if inode(&staged)?.is_some() && exchange(&staged, &target, abilities)? {
            return Ok(());
        }
        rename(&target, &staged)?;
    }
    if is_retired && inode(&target)?.is_none() {
        rename(&retired, &target)?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    // Renaming a folder replaces nothing but an empty folder.
    fs::rename(from, to).map_err(Failure::io("replace", from))
}

/// Names the folder that a person knows rather than one in staging.
fn naming(failure: Failure, path: &Path) -> Failure {
    match failure {
        Failure::Io { doing, source, .. } => Failure::io(doing, path)(source),
        other => other,
    }
}

/// Exchanges two folders in one step; `false` where the file system cannot.
fn exchange(staged: &Path, target: &Path, abilities: Abilities) -> Result<bool, Failure> {
    if !abilities.exchange {
        return Ok(false);
    }
    match rustix::fs::renameat_with(CWD, staged, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(error) if CANNOT_EXCHANGE.contains(&error) => Ok(false),
        Err(error) => Err(Failure::io("replace", target)(error.into())),
    }
}

fn create_if_missing(path: &Path) -> Result<(), Failure> {
    match create_folder(path) {
        Err(Failure::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Whether the folder to replace is the one that was compared, with nothing new in it; if not,
/// what is different.
fn is_as_seen(places: &Places, swap: &Swap) -> Result<Result<(), PathBuf>, Failure> {
    let target = places.argocd.join(&swap.environment);
    match inode(&target)? {
        // Absent is fine: it was, or the old tree was being moved away.
        None if swap.old.is_none() || inode(&places.retired.join(&swap.environment))?.is_some() => Ok(Ok(())),
        found if found == swap.old => {
            Ok(strangers(&target, &swap.seen)?.into_iter().next().map_or(Ok(()), |(_, at)| Err(at)))
        }
        _ => Ok(Err(target)),
    }
}

/// Everything in an old tree that was not there, or not the same, when it was compared.
fn strangers(root: &Path, seen: &BTreeMap<String, Stamp>) -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut folders = HashSet::new();
    for path in seen.keys() {
        insert_folders(&mut folders, path);
    }
    let mut strangers = Vec::new();
    for entry in walk(root, &|path| folders.contains(path))? {
        let known = match seen.get(&entry.path) {
            Some(stamp) => {
                let metadata = fs::symlink_metadata(&entry.at).map_err(Failure::io("examine", &entry.at))?;
                metadata.is_file() && Stamp::of(&metadata) == *stamp
            }
            None => false,
        };
        if !known {
            strangers.push((entry.path, entry.at));
        }
    }
    Ok(strangers)
}

/// Moves whatever appeared in an old tree since it was last looked at to where it is not deleted.
fn rescue(places: &Places, swap: &Swap) -> Result<Vec<PathBuf>, Failure> {
    let mut rescued = Vec::new();
    for old in [&places.staging, &places.retired] {
        let old = old.join(&swap.environment);
        let found = inode(&old)?;
        if found.is_none() || found == swap.new {
            continue;
        }
        for (path, at) in strangers(&old, &swap.seen)? {
            let wanted = places.private.join("rescued").join(&swap.environment).join(path);
            if let Some(parent) = wanted.parent() {
                fs::create_dir_all(parent).map_err(Failure::io("create", parent))?;
            }
            let mut to = wanted.clone();
            let mut number = 1;
            while inode(&to)?.is_some() {
                let mut name = wanted.clone().into_os_string();
                name.push(format!(".{number}"));
                to = PathBuf::from(name);
                number += 1;
            }
            fs::rename(&at, &to).map_err(Failure::io("rescue", &at))?;
            rescued.push(to);
        }
    }
    Ok(rescued)
}

/// Deletes what staging and retirement hold; there must be no journal that still needs it.
fn clear(places: &Places) -> Result<(), Failure> {
    for folder in [&places.staging, &places.retired] {
        // A link must not have us list, and delete, what lies where it leads.
        if fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir()) {
            let entries: Vec<PathBuf> = fs::read_dir(folder)
                .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
                .map_err(Failure::io("list", folder))?;
            entries.par_iter().try_for_each(|entry| delete(entry))?;
        }
        delete(folder)?;
    }
    delete(&places.private.join(stamp::DRAFT))?;
    Journal::remove_draft(&places.private)
}

/// Deletes a tree, even one with folders that its owner may not write.
fn delete(path: &Path) -> Result<(), Failure> {
    let first = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match first {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mut open = vec![path.to_owned()];
            while let Some(folder) = open.pop() {
                // A folder that is not ours to open up makes the second attempt fail as well.
                let _ = fs::set_permissions(&folder, Permissions::from_mode(0o700));
                for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                    if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                        open.push(entry.path());
                    }
                }
            }
            fs::remove_dir_all(path).map_err(Failure::io("delete", path))
        }
        other => other.map_err(Failure::io("delete", path)),
    }
}

#[cfg(test)]
mod tests;
