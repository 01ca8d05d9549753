#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::pedantic)]

use std::{
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    sync::Arc,
    time::Duration,
};

use super::*;
use crate::pipeline::compare::{
    DesiredTree, Problem, compare, leftovers,
    tests::{Argocd, HEADER, tree},
};

const NO_LINKS: Abilities = Abilities { links: false, exchange: true };
const NO_EXCHANGE: Abilities = Abilities { links: true, exchange: false };
const NOTHING: Abilities = Abilities { links: false, exchange: false };
const EVERY_KIND: [Abilities; 4] = [ALL_ABILITIES, NO_LINKS, NO_EXCHANGE, NOTHING];

impl Argocd {
    fn lock(&self) -> Lock {
        lock(self.0.path()).unwrap()
    }

    fn render(&self, trees: &[DesiredTree], abilities: Abilities) -> Result<Summary, Failure> {
        let lock = self.lock();
        recover(&lock)?;
        let mut comparisons: Vec<_> = trees.iter().map(|tree| self.compare(tree)).collect();
        let names = trees.iter().map(|tree| tree.environment.clone()).collect();
        comparisons.extend(leftovers(self.0.path(), &names, "0.4.0", false)?);
        write_with(&lock, &comparisons, abilities)
    }

    /// What lies in a folder, with folders as `…/`.
    fn files(&self, under: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.at(under)];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let entry = entry.unwrap();
                let path = entry.path();
                let name = String::from_utf8_lossy(path.strip_prefix(self.0.path()).unwrap().as_os_str().as_bytes())
                    .into_owned();
                if entry.file_type().unwrap().is_dir() {
                    found.insert(name + "/", Vec::new());
                    open.push(path);
                } else {
                    found.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    fn is_exactly(&self, trees: &[DesiredTree]) {
        let fresh = Argocd::new();
        for tree in trees {
            for (path, bytes) in &tree.files {
                fresh.put(&format!("{}/{path}", tree.environment), bytes);
            }
        }
        let mut found = self.files("");
        found.retain(|path, _| !path.starts_with(".kubezero/"));
        assert_eq!(found, fresh.files(""));
        let mut private: Vec<_> = self.files(".kubezero").into_keys().collect();
        private.retain(|path| !path.contains("/rescued/"));
        assert_eq!(private, [".kubezero/.gitignore", ".kubezero/lock"]);
    }
}

fn one() -> [DesiredTree; 3] {
    let root = format!("{HEADER}root\n");
    [
        tree("a", &[("stays/x", "x\n"), ("root.yaml", &root), ("goes/one", "1\n")]),
        tree("b", &[("stays/x", "x\n")]),
        tree("c", &[("file", "file\n"), ("folder/x", "x\n")]),
    ]
}

fn two() -> [DesiredTree; 3] {
    [
        tree("a", &[("stays/x", "x\n"), ("root.yaml", "other root\n"), ("comes/two", "2\n")]),
        tree("b", &[("stays/x", "x\n")]),
        tree("c", &[("file/x", "x\n"), ("folder", "file\n")]),
    ]
}

#[test]
fn trees_are_written_byte_for_byte() {
    for abilities in EVERY_KIND {
        let argocd = Argocd::new();
        let summary = argocd.render(&one(), abilities).unwrap();
        assert_eq!(summary.environments, ["a", "b", "c"]);
        assert_eq!((summary.written, summary.removed), (9, 0));
        argocd.is_exactly(&one());
        let summary = argocd.render(&two(), abilities).unwrap();
        assert_eq!(summary.environments, ["a", "c"]);
        assert_eq!((summary.written, summary.removed), (6, 3));
        argocd.is_exactly(&two());
        assert_eq!(argocd.render(&two(), abilities).unwrap(), Summary::default());
        assert_eq!(argocd.files(".kubezero")[".kubezero/.gitignore"], b"*\n");
    }
    // Any bytes at all, and no final newline.
    let argocd = Argocd::new();
    let mut odd = tree("a", &[("x", "")]);
    odd.files.insert("x".to_owned(), Arc::from((0..=255).collect::<Vec<u8>>()));
    argocd.render(&[odd.clone()], ALL_ABILITIES).unwrap();
    argocd.is_exactly(&[odd]);
}

#[test]
fn files_that_stay_keep_inode_and_time() {
    for abilities in EVERY_KIND {
        let argocd = Argocd::new();
        argocd.render(&one(), abilities).unwrap();
        let stays = argocd.at("a/stays/x");
        File::open(&stays).unwrap().set_modified(std::time::UNIX_EPOCH + Duration::from_secs(7)).unwrap();
        let before = fs::metadata(&stays).unwrap();
        let untouched = fs::metadata(argocd.at("b")).unwrap();
        argocd.render(&two(), abilities).unwrap();
        let after = fs::metadata(&stays).unwrap();
        assert_eq!(before.modified().unwrap(), after.modified().unwrap());
        assert_eq!(before.mode(), after.mode());
        assert_eq!(before.ino() == after.ino(), abilities.links);
        assert_eq!(after.nlink(), 1);
        let same = fs::metadata(argocd.at("b")).unwrap();
        assert_eq!((untouched.ino(), untouched.mtime_nsec()), (same.ino(), same.mtime_nsec()));
        // 0644 less what the umask takes.
        assert_eq!(fs::metadata(argocd.at("a/root.yaml")).unwrap().mode() & 0o7133, 0);
    }
}

#[test]
fn one_problem_anywhere_and_nothing_is_written() {
    let argocd = Argocd::new();
    argocd.render(&one(), ALL_ABILITIES).unwrap();
    argocd.put("c/notes.txt", "mine");
    let before = argocd.files("");
    let refused = argocd.render(&two(), ALL_ABILITIES);
    assert!(matches!(refused, Err(Failure::Refused { environment }) if environment == "c"));
    assert_eq!(argocd.files(""), before);
}

#[test]
fn an_environment_given_twice_is_refused() {
    let argocd = Argocd::new();
    let lock = argocd.lock();
    let comparison = argocd.compare(&one()[0]);
    let refused = write(&lock, &[comparison.clone(), comparison]);
    assert!(matches!(refused, Err(Failure::Invalid { .. })));
}

#[test]
fn an_environment_that_is_gone_leaves_what_is_not_ours() {
    for abilities in EVERY_KIND {
        let argocd = Argocd::new();
        argocd.render(&one(), abilities).unwrap();
        let [a, b, _] = one();
        argocd.render(&[a.clone(), b.clone()], abilities).unwrap();
        argocd.is_exactly(&[a.clone(), b]);
        argocd.put("b/mine/deep/notes", "mine");
        argocd.put("b/stays/x", "edited");
        let summary = argocd.render(std::slice::from_ref(&a), abilities).unwrap();
        assert_eq!((summary.environments.len(), summary.removed), (1, 1));
        let left = argocd.files("b");
        assert_eq!(
            left.into_keys().collect::<Vec<_>>(),
            ["b/mine/", "b/mine/deep/", "b/mine/deep/notes", "b/stays/", "b/stays/x"]
        );
        // It is nobody's but theirs now.
        assert_eq!(argocd.render(&[a], abilities).unwrap(), Summary::default());
    }
}

/// Compares, lets somebody interfere, and writes.
fn interfere(then: impl FnOnce(&Argocd)) -> (Argocd, Result<Summary, Failure>) {
    let argocd = Argocd::new();
    argocd.render(&one(), ALL_ABILITIES).unwrap();
    let lock = argocd.lock();
    let comparisons: Vec<_> = two().iter().map(|tree| argocd.compare(tree)).collect();
    then(&argocd);
    let result = write(&lock, &comparisons);
    (argocd, result)
}

#[test]
fn what_somebody_does_between_comparing_and_writing_is_not_lost() {
    let interferences: [fn(&Argocd); 8] = [
        |argocd| argocd.put("a/new", "mine"),
        |argocd| argocd.put("a/new/deep", "mine"),
        |argocd| argocd.put("a/goes/one", "mine"),
        |argocd| argocd.put("a/stays/x", "mine"),
        |argocd| argocd.put("a/stays/x", "y\n"),
        |argocd| symlink("x", argocd.at("a/stays/y")).unwrap(),
        |argocd| {
            fs::rename(argocd.at("a"), argocd.at("moved")).unwrap();
            argocd.put("a/mine", "mine");
        },
        |argocd| fs::rename(argocd.at("a"), argocd.at("moved")).unwrap(),
    ];
    for (number, interference) in interferences.into_iter().enumerate() {
        let (argocd, result) = interfere(interference);
        // A kept file that vanished is noticed sooner, when it cannot be linked.
        let noticed = matches!(&result, Err(Failure::ChangedMeanwhile { .. } | Failure::Io { .. }));
        assert!(noticed, "{number}: {result:?}");
        let (clean, _) = interfere(|_| {});
        drop(clean);
        let expected = Argocd::new();
        expected.render(&one(), ALL_ABILITIES).unwrap();
        interference(&expected);
        let without_lock = |argocd: &Argocd| {
            let mut files = argocd.files("");
            files.remove(".kubezero/lock");
            files
        };
        assert_eq!(without_lock(&argocd), without_lock(&expected), "{number}");
    }
    // A file that vanished would have been removed or replaced anyway.
    let (argocd, result) = interfere(|argocd| fs::remove_file(argocd.at("a/goes/one")).unwrap());
    result.unwrap();
    argocd.is_exactly(&two());
}

fn swap_of(comparison: &Comparison, new: Option<u64>) -> Swap {
    Swap { environment: comparison.environment.clone(), new, old: comparison.folder, seen: comparison.seen.clone() }
}

/// Prepares a write up to its journal, as if the process had died then.
fn die_with_journal(argocd: &Argocd, trees: &[DesiredTree]) {
    let lock = argocd.lock();
    recover(&lock).unwrap();
    let comparisons: Vec<_> = trees.iter().map(|tree| argocd.compare(tree)).collect();
    let changing: Vec<_> = comparisons.iter().filter(|one| one.has_changes()).collect();
    prepare(&Places::of(&lock), &changing, ALL_ABILITIES).unwrap();
}

#[test]
fn a_journal_is_rolled_forward_from_any_point() {
    for abilities in [ALL_ABILITIES, NO_EXCHANGE] {
        for done in 0..=2 {
            let argocd = Argocd::new();
            argocd.render(&one(), ALL_ABILITIES).unwrap();
            die_with_journal(&argocd, &two());
            let lock = argocd.lock();
            let places = Places::of(&lock);
            assert!(is_unfinished(argocd.0.path()));
            assert!(matches!(write(&lock, &[argocd.compare(&one()[1])]), Err(Failure::Unfinished { .. })));
            let journal = Journal::read(&places.private).unwrap().unwrap();
            for swap in &journal.swaps[..done] {
                swap_in(&places, swap, abilities).unwrap();
            }
            if done == 1 && !abilities.exchange {
                // In the very moment in which the folder is missing.
                fs::create_dir_all(&places.retired).unwrap();
                fs::rename(argocd.at("c"), places.retired.join("c")).unwrap();
            }
            let recovery = recover(&lock).unwrap();
            assert_eq!(recovery.finished, ["a", "c"]);
            assert!(recovery.let_be.is_empty() && recovery.rescued.is_empty());
            argocd.is_exactly(&two());
            assert_eq!(recover(&lock).unwrap(), Recovery::default());
        }
    }
}

#[test]
fn without_a_journal_everything_staged_is_forgotten() {
    let argocd = Argocd::new();
    argocd.render(&one(), ALL_ABILITIES).unwrap();
    die_with_journal(&argocd, &two());
    let journal = argocd.at(".kubezero/journal");
    fs::rename(&journal, argocd.at(".kubezero/journal.new")).unwrap();
    recover(&argocd.lock()).unwrap();
    argocd.is_exactly(&one());
    // A damaged journal was never acted upon either.
    for damage in [1, 40, 200] {
        die_with_journal(&argocd, &two());
        let mut bytes = fs::read(&journal).unwrap();
        bytes[damage] ^= 1;
        if damage == 1 {
            bytes.truncate(100);
        }
        fs::write(&journal, bytes).unwrap();
        recover(&argocd.lock()).unwrap();
        argocd.is_exactly(&one());
    }
    die_with_journal(&argocd, &two());
    fs::write(&journal, "kubezero journal 2\nwho knows\n").unwrap();
    assert!(matches!(recover(&argocd.lock()), Err(Failure::NewerJournal { .. })));
    assert!(argocd.at(".kubezero/staging/a").exists(), "left to the newer version");
}

#[test]
fn notes_that_were_cut_off_are_cleared_away() {
    let argocd = Argocd::new();
    argocd.render(&one(), ALL_ABILITIES).unwrap();
    fs::write(argocd.at(".kubezero").join(stamp::DRAFT), "{\"who").unwrap();
    assert!(has_remains(&argocd.at("")));
    recover(&argocd.lock()).unwrap();
    assert!(!has_remains(&argocd.at("")));
    argocd.is_exactly(&one());
}

#[test]
fn what_was_changed_after_a_crash_is_let_be() {
    // Before its exchange: the edited environment stays as it is.
    let argocd = Argocd::new();
    argocd.render(&one(), ALL_ABILITIES).unwrap();
    die_with_journal(&argocd, &two());
    argocd.put("a/new", "mine");
    let recovery = recover(&argocd.lock()).unwrap();
    assert_eq!((recovery.finished, recovery.let_be), (vec!["c".into()], vec!["a".into()]));
    assert_eq!(fs::read(argocd.at("a/new")).unwrap(), b"mine");
    fs::remove_file(argocd.at("a/new")).unwrap();
    argocd.render(&two(), ALL_ABILITIES).unwrap();
    argocd.is_exactly(&two());

    // After its exchange: what somebody put into the old tree at that very moment is moved away.
    let argocd = Argocd::new();
    argocd.render(&one(), ALL_ABILITIES).unwrap();
    die_with_journal(&argocd, &two());
    argocd.put(".kubezero/rescued/a/new", "an earlier one");
    {
        let lock = argocd.lock();
        let places = Places::of(&lock);
        let journal = Journal::read(&places.private).unwrap().unwrap();
        swap_in(&places, &journal.swaps[0], ALL_ABILITIES).unwrap();
    }
    argocd.put(".kubezero/staging/a/new", "mine");
    argocd.put(".kubezero/staging/a/deep/new", "mine");
    argocd.put(".kubezero/staging/a/goes/one", "edited");
    let mut recovery = recover(&argocd.lock()).unwrap();
    recovery.rescued.sort();
    let rescued = argocd.at(".kubezero/rescued/a");
    assert_eq!(recovery.rescued, [rescued.join("deep"), rescued.join("goes/one"), rescued.join("new.1")]);
    assert_eq!(fs::read(rescued.join("goes/one")).unwrap(), b"edited");
    argocd.is_exactly(&two());
}

#[test]
fn a_repository_copied_after_a_crash_is_let_be() {
    let argocd = Argocd::new();
    argocd.render(&one(), ALL_ABILITIES).unwrap();
    die_with_journal(&argocd, &two());
    let copy = Argocd::new();
    for (path, bytes) in argocd.files("") {
        if !path.ends_with('/') {
            copy.put(&path, bytes);
        }
    }
    let recovery = recover(&copy.lock()).unwrap();
    assert_eq!((recovery.finished.len(), recovery.let_be.len()), (0, 2));
    copy.is_exactly(&one());
    copy.render(&two(), ALL_ABILITIES).unwrap();
    copy.is_exactly(&two());
}

#[test]
fn what_cannot_go_forward_goes_back() {
    for abilities in [ALL_ABILITIES, NO_EXCHANGE] {
        let argocd = Argocd::new();
        let [a, b, c] = one();
        argocd.render(&[a.clone(), b.clone()], abilities).unwrap();
        let lock = argocd.lock();
        let places = Places::of(&lock);
        let two = two();
        // Changed, new, gone, and one that cannot be done: its staged tree is not there.
        let comparisons = [argocd.compare(&two[0]), argocd.compare(&c)];
        let changing: Vec<_> = comparisons.iter().collect();
        let mut journal = prepare(&places, &changing, abilities).unwrap();
        let gone = &leftovers(argocd.0.path(), &["a".to_owned()].into(), "0.4.0", false).unwrap()[0];
        journal.swaps.push(swap_of(gone, None));
        let mut impossible = swap_of(&comparisons[1], Some(1));
        impossible.environment = "d".to_owned();
        journal.swaps.push(impossible);
        let failure = replace(&places, &journal, abilities).unwrap_err();
        assert!(failure.to_string().contains("/d: "), "{failure}");
        drop(lock);
        argocd.is_exactly(&[a, b]);
    }
}

#[test]
fn the_private_folder_is_never_entered_through_a_link() {
    let elsewhere = Argocd::new();
    elsewhere.put("precious/file", "mine");
    let argocd = Argocd::new();
    symlink(elsewhere.at("precious"), argocd.at(".kubezero")).unwrap();
    assert!(lock(argocd.0.path()).is_err());
    fs::remove_file(argocd.at(".kubezero")).unwrap();
    drop(argocd.lock());
    for name in ["staging", "retired", "journal.new"] {
        symlink(elsewhere.at("precious"), argocd.at(".kubezero").join(name)).unwrap();
    }
    argocd.render(&one(), ALL_ABILITIES).unwrap();
    argocd.is_exactly(&one());
    fs::remove_file(argocd.at(".kubezero/lock")).unwrap();
    symlink(elsewhere.at("precious/file"), argocd.at(".kubezero/lock")).unwrap();
    assert!(lock(argocd.0.path()).is_err());
    assert_eq!(fs::read(elsewhere.at("precious/file")).unwrap(), b"mine");
}

#[test]
fn one_lock_at_a_time() {
    let argocd = Argocd::new();
    let first = lock(&argocd.at("not/yet/there")).unwrap();
    match lock(first.argocd()) {
        Err(LockError::HeldBy { pid, command, since }) => {
            assert_eq!(pid, Some(std::process::id()));
            assert!(!command.is_empty() && since.is_some());
        }
        other => panic!("{other:?}"),
    }
    // Nor does deleting the folder under a holder give two of them the same file.
    let argocd_path = first.argocd().to_owned();
    fs::remove_dir_all(argocd_path.join(".kubezero")).unwrap();
    let second = lock(&argocd_path).unwrap();
    drop(first);
    assert!(lock(&argocd_path).is_err());
    drop(second);
    lock(&argocd_path).unwrap();
}

#[test]
fn journals_survive_writing_and_reading() {
    let folder = tempfile::tempdir().unwrap();
    let stamp = Stamp { inode: 1, size: 2, seconds: -3, nanoseconds: 4 };
    let seen = [("a b/c", stamp), (" x ", stamp)].map(|(path, stamp)| (path.to_owned(), stamp));
    let swap =
        |environment: &str, new, old| Swap { environment: environment.to_owned(), new, old, seen: seen.clone().into() };
    let journal = Journal { swaps: vec![swap("a", Some(1), None), swap("b c", None, Some(u64::MAX))] };
    journal.write(folder.path()).unwrap();
    assert_eq!(Journal::read(folder.path()).unwrap(), Some(journal));
    let bytes = fs::read(folder.path().join("journal")).unwrap();
    for end in 0..bytes.len() {
        fs::write(folder.path().join("journal"), &bytes[..end]).unwrap();
        match Journal::read(folder.path()) {
            Ok(None) => assert!(!is_unfinished(folder.path())),
            // Cut inside the number of the title.
            other => assert!(end < 20 && matches!(other, Err(Failure::NewerJournal { .. })), "{end}"),
        }
    }
}

/// Xorshift: enough to wander about, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn tree(&mut self, environment: &str) -> DesiredTree {
        let names = ["a", "b", "a/x", "b/x", "b/y", "c/d/e", "c/d", "c", "z z", "ü"];
        let mut files: Vec<(&str, &str)> = Vec::new();
        for name in names {
            let collides = files
                .iter()
                .any(|(other, _)| name.starts_with(&format!("{other}/")) || other.starts_with(&format!("{name}/")));
            if !collides && self.roll(2) == 0 {
                files.push((name, ["", "1\n", "2\n", HEADER][self.roll(4) as usize]));
            }
        }
        tree(environment, &files)
    }

    /// Does to a folder what people do; `true` where it is something to refuse.
    fn meddle(&mut self, argocd: &Argocd, environment: &str, current: &DesiredTree) -> bool {
        let paths: Vec<&String> = current.files.keys().filter(|path| *path != "index.yaml").collect();
        let any = paths.get(self.roll(paths.len().max(1) as u64) as usize);
        match (self.roll(8), any) {
            (0, Some(path)) => {
                argocd.put(&format!("{environment}/{path}"), "edited\n");
                true
            }
            (1, Some(path)) => {
                fs::remove_file(argocd.at(&format!("{environment}/{path}"))).unwrap();
                false
            }
            (2, _) => {
                argocd.put(&format!("{environment}/foreign/file"), "mine\n");
                true
            }
            (3, _) => {
                fs::create_dir_all(argocd.at(&format!("{environment}/empty/folders"))).unwrap();
                false
            }
            (4, _) => {
                symlink("index.yaml", argocd.at(&format!("{environment}/link"))).unwrap();
                true
            }
            _ => false,
        }
    }
}

#[test]
fn random_histories_end_as_desired_or_untouched() {
    let histories: u64 = std::env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let (mut refused, mut written) = (0, 0);
    for seed in 1..=histories {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut argocd = Argocd::new();
        let mut current: Vec<DesiredTree> = Vec::new();
        for _ in 0..12 {
            let next: Vec<DesiredTree> = ["a", "b", "c"]
                .into_iter()
                .filter_map(|name| if dice.roll(4) > 0 { Some(dice.tree(name)) } else { None })
                .collect();
            let kept: Vec<_> = next.iter().map(|tree| tree.environment.clone()).collect();
            let mut spoilt = false;
            for tree in &current {
                // What happens to environments that go is another test's matter.
                if kept.contains(&tree.environment) {
                    spoilt |= dice.meddle(&argocd, &tree.environment, tree);
                }
            }
            let mut before = argocd.files("");
            let abilities = EVERY_KIND[dice.roll(4) as usize];
            match argocd.render(&next, abilities) {
                Ok(_) => {
                    written += 1;
                    argocd.is_exactly(&next);
                    for tree in &next {
                        let again = argocd.compare(tree);
                        assert!(!again.has_changes() && again.problems.is_empty());
                        assert_eq!(again.unchanged, tree.files.len());
                    }
                    current = next;
                }
                Err(Failure::Refused { .. }) => {
                    refused += 1;
                    assert!(spoilt, "seed {seed}: refused for no reason");
                    let mut after = argocd.files("");
                    for files in [&mut before, &mut after] {
                        files.retain(|path, _| !path.starts_with(".kubezero/"));
                    }
                    assert_eq!(after, before, "seed {seed}");
                    argocd = Argocd::new();
                    current = Vec::new();
                }
                Err(failure) => panic!("seed {seed}: {failure}"),
            }
        }
    }
    assert!(refused > 0 && written > refused);
}

#[test]
fn problems_are_data() {
    let argocd = Argocd::new();
    argocd.render(&one(), ALL_ABILITIES).unwrap();
    argocd.put("a/root.yaml", "edited");
    let problems = compare(argocd.0.path(), &two()[0], "0.4.0", false).unwrap().problems;
    assert_eq!(problems, [Problem::EditedByHand { path: "a/root.yaml".to_owned() }]);
    assert_eq!(problems[0].path(), "a/root.yaml");
    // Overwriting what was edited goes all the way.
    let lock = argocd.lock();
    let comparisons: Vec<_> = two().iter().map(|tree| argocd.overwrite(tree)).collect();
    assert_eq!(write(&lock, &comparisons).unwrap().rescued, [] as [PathBuf; 0]);
    argocd.is_exactly(&two());
}
