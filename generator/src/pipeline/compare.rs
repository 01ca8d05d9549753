//! Compares what an environment should look like with what `argocd/<environment>` holds.
//!
//! Reads the committed tree and decides, file by file, whose it is: ours and current, ours and
//! stale, ours but edited, or somebody else's. It never writes. What a person has to settle is
//! returned as a [`Problem`], which is data; only the machine's refusals are a [`Failure`].
#![allow(clippy::disallowed_methods, reason = "the one place that reads the committed output")]

mod committed;
mod index;
mod walk;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    io::{self, Read as _, Seek as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;
use rustix::fs::OFlags;
use semver::Version;
use sha2::{Digest as _, Sha256};

pub use self::committed::{Committed, compare_committed, leftovers_committed};
use self::index::{Head, Index, IndexError, LONGEST_HEADER, Sha256Digest, has_header, read_index};
use self::walk::Entry;
pub(crate) use self::walk::{Kind, insert_folders, walk};

/// The file that lists every generated file of an environment; it does not list itself.
pub const INDEX: &str = "index.yaml";

/// Under this many files a second thread costs more than it brings.
const FILES_PER_THREAD: usize = 64;

/// How often a tree that changes under our eyes is looked at before giving up.
const ATTEMPTS: usize = 10;

/// Every file of one environment, as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesiredTree {
    /// The environment's name, which is also the name of its folder.
    pub environment: String,
    /// Content by path below `argocd/<environment>`, parts separated by `/`, with `index.yaml`.
    pub files: BTreeMap<String, Arc<[u8]>>,
}

/// Something in `argocd/` that a person has to settle; its path is relative to `argocd/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// A generated file that is neither what was generated nor what would be generated now.
    EditedByHand {
        /// The file.
        path: String,
    },
    /// A file, or a folder with all it holds, that nobody generated.
    NotGenerated {
        /// The file or folder.
        path: String,
    },
    /// A file or folder that nobody generated, where a generated one has to go.
    Occupied {
        /// What stands in the way.
        path: String,
    },
    /// A symbolic link; generated trees hold none, and none is followed.
    Symlink {
        /// The link.
        path: String,
    },
    /// An `index.yaml` that does not parse, so that it cannot say what is ours.
    UnreadableIndex {
        /// The index.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// A tree that a newer generator wrote; an older one does not know what it would undo.
    NewerGenerator {
        /// The index that says so.
        path: String,
        /// The version it names.
        found: String,
        /// The version that is running.
        ours: String,
    },
}

impl Problem {
    /// Where the problem is, relative to `argocd/`.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::EditedByHand { path }
            | Self::NotGenerated { path }
            | Self::Occupied { path }
            | Self::Symlink { path }
            | Self::UnreadableIndex { path, .. }
            | Self::NewerGenerator { path, .. } => path,
        }
    }
}

/// The machine's refusal, or a caller's breach of contract: nothing a change of input settles.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A name or path that must not reach the disk.
    #[error("`{what}` cannot be written: {reason}")]
    Invalid {
        /// The name or path.
        what: String,
        /// Why not.
        reason: &'static str,
    },
    /// Somebody changed the tree while it was compared, or between comparing and writing.
    #[error("{} changed while it was compared or replaced; nothing was written", path.display())]
    ChangedMeanwhile {
        /// The file that is not what it was.
        path: PathBuf,
    },
    /// A comparison with problems was handed to the writer.
    #[error("`{environment}` has problems, so nothing is written")]
    Refused {
        /// The environment whose problems are unsettled.
        environment: String,
    },
    /// An interrupted run has to be finished first.
    #[error("an interrupted run left {}", path.display())]
    Unfinished {
        /// The journal of that run.
        path: PathBuf,
    },
    /// An interrupted run of a newer version, whose journal this version cannot read.
    #[error("a newer version was interrupted and left {}; run that version again", path.display())]
    NewerJournal {
        /// The journal of that run.
        path: PathBuf,
    },
}

impl Failure {
    /// Turns an error of the operating system into a failure that says where.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    fn is_vanished(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// What would change in one environment, and all that the writer needs to change it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The environment, which is also the name of its folder.
    pub environment: String,
    /// Files to write that are not there, sorted.
    pub added: Vec<String>,
    /// Generated files with other content, sorted.
    pub changed: Vec<String>,
    /// Generated files that are no longer wanted, sorted.
    pub removed: Vec<String>,
    /// How many files are already right.
    pub unchanged: usize,
    /// Foreign or edited files and folders that stay although their environment is gone, sorted.
    pub kept: Vec<String>,
    /// What keeps the environment from being written, sorted.
    pub problems: Vec<Problem>,
    /// The new tree, whole.
    pub(crate) new: BTreeMap<String, Source>,
    /// Every file that the decision was based on.
    pub(crate) seen: BTreeMap<String, Stamp>,
    /// The folder that was looked at, where there is one.
    pub(crate) folder: Option<u64>,
}

impl Comparison {
    /// Whether writing would change anything.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !(self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty())
    }

    fn refused(environment: &str, problem: Problem) -> Self {
        Self { environment: environment.to_owned(), problems: vec![problem], ..Self::default() }
    }
}

/// Where a file of the new tree comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The file stays as it is.
    Kept,
    /// The file is written with this content.
    Fresh(Arc<[u8]>),
}

/// Enough of a file's metadata to notice that it was edited or replaced.
///
/// Not the change time: taking a hard link moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub inode: u64,
    pub size: u64,
    pub seconds: i64,
    pub nanoseconds: i64,
}

impl Stamp {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.len(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }
}

/// Compares one environment with its folder below `argocd`, and writes nothing.
///
/// `overwrite_edited` settles what may be settled by overwriting: files edited by hand, and an
/// index that is missing or does not parse, in which case the first line of a file tells whether
/// it is ours. It never settles foreign files, symbolic links or a newer generator.
///
/// # Errors
///
/// Where a file or folder cannot be read, or the tree holds a path that must not reach the disk.
pub fn compare(
    argocd: &Path,
    tree: &DesiredTree,
    own_version: &str,
    overwrite_edited: bool,
) -> Result<Comparison, Failure> {
    check_tree(tree)?;
    let own = &parse_own_version(own_version)?;
    let question = Question {
        argocd,
        environment: &tree.environment,
        desired: &tree.files,
        own,
        overwrite_edited,
        foreign_stays: false,
    };
    question.answer()
}

/// Finds the generated folders of environments that no longer exist.
///
/// Each comes back as a comparison that removes what was generated. Foreign files and edited ones
/// are listed in [`Comparison::kept`] and stay where they are; with `overwrite_edited` only
/// foreign ones do. A folder without an index of ours is not looked at.
///
/// # Errors
///
/// Where a file or folder cannot be read.
pub fn leftovers(
    argocd: &Path,
    environments: &BTreeSet<String>,
    own_version: &str,
    overwrite_edited: bool,
) -> Result<Vec<Comparison>, Failure> {
    let own = &parse_own_version(own_version)?;
    let entries = match fs::read_dir(argocd) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::io("list", argocd)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Failure::io("list", argocd))?;
        let kind = entry.file_type().map_err(Failure::io("examine", &entry.path()))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if kind.is_dir() && !environments.contains(&name) && reason_against_name(&name).is_none() {
            names.push(name);
        }
    }
    names.sort_unstable();
    let desired = BTreeMap::new();
    let found = names.par_iter().map(|name| {
        if !is_our_folder(&argocd.join(name), name)? {
            return Ok(None);
        }
        let question =
            Question { argocd, environment: name, desired: &desired, own, overwrite_edited, foreign_stays: true };
        question.answer().map(Some)
    });
    let found: Vec<Option<Comparison>> = found.collect::<Result<_, Failure>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// Whether an index made this folder ours: it parses and names the folder, or its first line says
/// that we generated it. A generated folder that somebody copied under another name is theirs.
fn is_our_folder(folder: &Path, name: &str) -> Result<bool, Failure> {
    let path = folder.join(INDEX);
    match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Failure::io("examine", &path)(error)),
    }
    let bytes = match read_index(&path) {
        // Another process is removing the folder.
        Err(failure) if failure.is_vanished() => return Ok(false),
        read => read?,
    };
    match Head::parse(&bytes) {
        Some(head) => Ok(head.environment.is_none_or(|environment| environment == name)),
        None => Ok(has_header(&bytes)),
    }
}

/// One comparison to make.
struct Question<'a> {
    argocd: &'a Path,
    environment: &'a str,
    desired: &'a BTreeMap<String, Arc<[u8]>>,
    own: &'a Version,
    overwrite_edited: bool,
    /// The environment is gone, so that nothing foreign is in anybody's way.
    foreign_stays: bool,
}

impl Question<'_> {
    /// Looks at the tree until it holds still.
    ///
    /// Whoever only looks takes no lock, and a writer may replace the folder under their eyes. They
    /// would then hold old files against a new index, and blame a person for the difference.
    fn answer(&self) -> Result<Comparison, Failure> {
        let folder = self.argocd.join(self.environment);
        let mut before = State::of(&folder)?;
        for attempt in 1..=ATTEMPTS {
            let answer = self.look();
            let after = State::of(&folder)?;
            let vanished = answer.as_ref().is_err_and(Failure::is_vanished);
            if before == after && (!vanished || attempt == ATTEMPTS) {
                return answer;
            }
            before = after;
        }
        Err(Failure::ChangedMeanwhile { path: folder })
    }

    fn look(&self) -> Result<Comparison, Failure> {
        let folder = self.argocd.join(self.environment);
        let environment = self.environment.to_owned();
        let inode = match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => metadata.ino(),
            Ok(metadata) if metadata.is_symlink() => {
                return Ok(Comparison::refused(self.environment, Problem::Symlink { path: environment }));
            }
            Ok(_) => {
                return Ok(Comparison::refused(self.environment, Problem::Occupied { path: environment }));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Comparison {
                    environment,
                    added: self.desired.keys().cloned().collect(),
                    new: self.all_fresh(),
                    ..Comparison::default()
                });
            }
            Err(error) => return Err(Failure::io("examine", &folder)(error)),
        };
        let ledger = match self.ledger(&folder)? {
            Ok(ledger) => ledger,
            Err(problem) => return Ok(Comparison::refused(self.environment, problem)),
        };
        let entries = self.entries(&folder, &ledger)?;
        let verdicts: Vec<(Verdict, Option<Stamp>)> = entries
            .par_iter()
            .with_min_len(FILES_PER_THREAD)
            .map_init(Vec::new, |buffer, entry| self.judge(entry, &ledger, buffer))
            .collect::<Result<_, Failure>>()?;
        let all_current = verdicts.iter().all(|(verdict, _)| *verdict == Verdict::Current);
        if all_current && verdicts.len() == self.desired.len() {
            return Ok(Comparison {
                environment,
                unchanged: verdicts.len(),
                folder: Some(inode),
                ..Comparison::default()
            });
        }
        let mut comparison = self.assemble(&entries, verdicts)?;
        comparison.folder = Some(inode);
        Ok(comparison)
    }

    fn all_fresh(&self) -> BTreeMap<String, Source> {
        let fresh = |(path, bytes): (&String, &Arc<[u8]>)| (path.clone(), Source::Fresh(Arc::clone(bytes)));
        self.desired.iter().map(fresh).collect()
    }

    fn problem_path(&self, path: &str) -> String {
        format!("{}/{path}", self.environment)
    }

    /// Finds out what the committed index knows.
    fn ledger(&self, folder: &Path) -> Result<Result<Ledger, Problem>, Failure> {
        let path = folder.join(INDEX);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(metadata) if metadata.is_symlink() => {
                return Ok(Err(Problem::Symlink { path: self.problem_path(INDEX) }));
            }
            Ok(_) => {
                return Ok(Err(Problem::Occupied { path: self.problem_path(INDEX) }));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Ok(Ledger::Missing));
            }
            Err(error) => return Err(Failure::io("examine", &path)(error)),
        }
        Ok(self.ledger_of(&read_index(&path)?))
    }

    /// What an index says.
    fn ledger_of(&self, bytes: &[u8]) -> Result<Ledger, Problem> {
        if self.desired.get(INDEX).is_some_and(|desired| **desired == *bytes) {
            return Ok(Ledger::Current);
        }
        let unreadable = match Index::parse(bytes, self.own) {
            Ok(index) => return Ok(Ledger::Read(index.files.0)),
            Err(IndexError::Newer { found }) => {
                return Err(Problem::NewerGenerator {
                    path: self.problem_path(INDEX),
                    found,
                    ours: self.own.to_string(),
                });
            }
            Err(IndexError::Unreadable(unreadable)) => unreadable,
        };
        if self.overwrite_edited && has_header(bytes) {
            return Ok(Ledger::Missing);
        }
        Err(Problem::UnreadableIndex {
            path: self.problem_path(INDEX),
            line: unreadable.line,
            column: unreadable.column,
            message: unreadable.message,
        })
    }

    /// Lists the folder; folders that hold nothing of ours come as one entry, unless only the
    /// files themselves can tell whose they are.
    fn entries(&self, folder: &Path, ledger: &Ledger) -> Result<Vec<Entry>, Failure> {
        let mut ours = HashSet::new();
        for path in self.desired.keys() {
            insert_folders(&mut ours, path);
        }
        if let Ledger::Read(files) = ledger {
            for path in files.keys() {
                insert_folders(&mut ours, path);
            }
        }
        let by_header = ledger.by_header(self.overwrite_edited);
        walk(folder, &|path| by_header || ours.contains(path))
    }

    fn judge(&self, entry: &Entry, ledger: &Ledger, buffer: &mut Vec<u8>) -> Result<(Verdict, Option<Stamp>), Failure> {
        match entry.kind {
            Kind::Symlink => return Ok((Verdict::Symlink, None)),
            Kind::Folder => return Ok((Verdict::ForeignFolder, None)),
            Kind::Odd => return Ok((Verdict::Odd, None)),
            Kind::File => {}
        }
        let path = entry.path.as_str();
        let desired = self.desired.get(path);
        let reading = |error| Failure::io("read", &entry.at)(error);
        let mut options = fs::OpenOptions::new();
        // Not through a link that took the file's place since it was listed, and not waiting for
        // the other end of a pipe that did.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let mut file = options.read(true).custom_flags(flags).open(&entry.at).map_err(reading)?;
        let metadata = file.metadata().map_err(reading)?;
        if !metadata.is_file() {
            return Ok((Verdict::Odd, None));
        }
        let stamp = Some(Stamp::of(&metadata));
        if let Some(desired) = desired
            && metadata.len() == desired.len() as u64
        {
            buffer.clear();
            (&mut file).take(metadata.len()).read_to_end(buffer).map_err(reading)?;
            if **buffer == **desired {
                return Ok((Verdict::Current, stamp));
            }
            file.rewind().map_err(reading)?;
        }
        let header = || {
            buffer.clear();
            (&file).take(LONGEST_HEADER).read_to_end(buffer).map_err(reading)?;
            Ok(has_header(buffer))
        };
        let verdict = self.verdict(path, ledger, || digest_of(&file).map_err(reading), header)?;
        Ok((verdict, stamp))
    }

    /// Whose a file is that does not have the content we would write.
    fn verdict(
        &self,
        path: &str,
        ledger: &Ledger,
        digest: impl FnOnce() -> Result<[u8; 32], Failure>,
        header: impl FnOnce() -> Result<bool, Failure>,
    ) -> Result<Verdict, Failure> {
        Ok(match ledger {
            _ if path == INDEX && !matches!(ledger, Ledger::Missing) => Verdict::Stale,
            Ledger::Read(files) => match files.get(path) {
                None => Verdict::Foreign,
                Some(_) if self.overwrite_edited => Verdict::Stale,
                Some(known) if known.0 == digest()? => Verdict::Stale,
                Some(_) => Verdict::Edited,
            },
            // The index lists what we would write, and this is not what we would write.
            Ledger::Current => match self.desired.get(path) {
                None => Verdict::Foreign,
                Some(_) if self.overwrite_edited => Verdict::Stale,
                Some(_) => Verdict::Edited,
            },
            Ledger::Missing if ledger.by_header(self.overwrite_edited) => match header()? {
                true => Verdict::Stale,
                false => Verdict::Foreign,
            },
            Ledger::Missing => Verdict::Foreign,
        })
    }

    fn assemble(&self, entries: &[Entry], verdicts: Vec<(Verdict, Option<Stamp>)>) -> Result<Comparison, Failure> {
        let mut comparison = Comparison { environment: self.environment.to_owned(), ..Comparison::default() };
        let mut new = self.all_fresh();
        let mut folders = HashSet::new();
        for path in self.desired.keys() {
            insert_folders(&mut folders, path);
        }
        for (entry, (verdict, stamp)) in entries.iter().zip(verdicts) {
            let path = &entry.path;
            let wanted = self.desired.contains_key(path);
            let in_the_way = wanted || folders.contains(path.as_str());
            if let Some(stamp) = stamp {
                comparison.seen.insert(path.clone(), stamp);
            }
            let problems = &mut comparison.problems;
            let at = || self.problem_path(path);
            match verdict {
                Verdict::Current => {
                    comparison.unchanged += 1;
                    new.insert(path.clone(), Source::Kept);
                }
                Verdict::Stale if wanted => comparison.changed.push(path.clone()),
                Verdict::Stale => comparison.removed.push(path.clone()),
                Verdict::Edited | Verdict::Foreign if self.foreign_stays => {
                    comparison.kept.push(path.clone());
                    new.insert(path.clone(), Source::Kept);
                }
                Verdict::ForeignFolder if self.foreign_stays => {
                    comparison.kept.push(path.clone());
                    self.keep_folder(entry, &mut comparison, &mut new)?;
                }
                Verdict::Edited => problems.push(Problem::EditedByHand { path: at() }),
                Verdict::Symlink => problems.push(Problem::Symlink { path: at() }),
                Verdict::Foreign | Verdict::ForeignFolder | Verdict::Odd if in_the_way => {
                    problems.push(Problem::Occupied { path: at() });
                }
                Verdict::Foreign | Verdict::ForeignFolder | Verdict::Odd => {
                    problems.push(Problem::NotGenerated { path: at() });
                }
            }
        }
        let found: HashSet<&String> = comparison.changed.iter().collect();
        let is_added =
            |(path, source): &(&String, &Source)| matches!(source, Source::Fresh(_)) && !found.contains(path);
        comparison.added = new.iter().filter(is_added).map(|(path, _)| path.clone()).collect();
        comparison.changed.sort_unstable();
        comparison.removed.sort_unstable();
        comparison.kept.sort_unstable();
        comparison.problems.sort_unstable();
        if comparison.problems.is_empty() && comparison.has_changes() {
            comparison.new = new;
        } else {
            comparison.seen.clear();
        }
        Ok(comparison)
    }

    /// Takes a foreign folder along into the new tree, file by file.
    fn keep_folder(
        &self,
        folder: &Entry,
        comparison: &mut Comparison,
        new: &mut BTreeMap<String, Source>,
    ) -> Result<(), Failure> {
        for entry in walk(&folder.at, &|_| true)? {
            let path = format!("{}/{}", folder.path, entry.path);
            match entry.kind {
                Kind::File => {
                    let metadata = fs::symlink_metadata(&entry.at).map_err(Failure::io("examine", &entry.at))?;
                    comparison.seen.insert(path.clone(), Stamp::of(&metadata));
                    new.insert(path, Source::Kept);
                }
                Kind::Symlink => {
                    comparison.problems.push(Problem::Symlink { path: self.problem_path(&path) });
                }
                Kind::Folder | Kind::Odd => {
                    comparison.problems.push(Problem::NotGenerated { path: self.problem_path(&path) })
                }
            }
        }
        Ok(())
    }
}

/// Tells a folder from the one that a writer puts in its place: renaming sets the change time.
#[derive(PartialEq, Eq)]
struct State(Option<(u64, i64, i64)>);

impl State {
    fn of(folder: &Path) -> Result<Self, Failure> {
        match fs::symlink_metadata(folder) {
            Ok(found) => Ok(Self(Some((found.ino(), found.ctime(), found.ctime_nsec())))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(Failure::io("examine", folder)(error)),
        }
    }
}

/// What the committed index knows about the files beside it.
enum Ledger {
    /// It is, byte for byte, the index we would write.
    Current,
    /// It is an older one.
    Read(BTreeMap<String, Sha256Digest>),
    /// There is none, or none that can be used.
    Missing,
}

impl Ledger {
    /// Whether a file's first line is what tells whose it is.
    fn by_header(&self, overwrite_edited: bool) -> bool {
        matches!(self, Self::Missing) && overwrite_edited
    }
}

/// Whose a file is, and whether it is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It has the content we would write.
    Current,
    /// It is ours to replace or remove.
    Stale,
    /// We wrote it, and somebody changed it since.
    Edited,
    /// Somebody else's.
    Foreign,
    /// A folder that holds something, and nothing of ours.
    ForeignFolder,
    Symlink,
    /// A pipe, a socket, a device, or a name that we would never give.
    Odd,
}

/// Refuses a tree whose paths could leave the environment's folder or collide.
fn check_tree(tree: &DesiredTree) -> Result<(), Failure> {
    let refuse = |what: &str, reason| Err(Failure::Invalid { what: what.to_owned(), reason });
    if let Some(reason) = reason_against_name(&tree.environment) {
        return refuse(&tree.environment, reason);
    }
    if !tree.files.contains_key(INDEX) {
        return refuse(&tree.environment, "its tree has no index.yaml");
    }
    let mut folders = HashSet::new();
    for path in tree.files.keys() {
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return refuse(path, "it is not a plain relative path");
        }
        if path.contains(char::is_control) {
            return refuse(path, "it holds a control character");
        }
        insert_folders(&mut folders, path);
    }
    match folders.into_iter().find(|folder| tree.files.contains_key(*folder)) {
        Some(folder) => refuse(folder, "it would be a file and a folder"),
        None => Ok(()),
    }
}

/// Why a folder below `argocd/` cannot have this name: it would not be one folder, or be private.
fn reason_against_name(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.starts_with('.') {
        Some("the name of an environment neither is empty nor starts with a dot")
    } else if name.contains(|character: char| character == '/' || character.is_control()) {
        Some("the name of an environment holds neither a slash nor a control character")
    } else {
        None
    }
}

fn parse_own_version(text: &str) -> Result<Version, Failure> {
    Version::parse(text).map_err(|_| Failure::Invalid { what: text.to_owned(), reason: "it is not a semantic version" })
}

fn digest_of(mut file: &fs::File) -> io::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    io::copy(&mut file, &mut digest)?;
    Ok(digest.finalize().into())
}

#[cfg(test)]
pub(crate) mod tests;
