//! `kill -9` of the real program at random moments: what is on disk is the old tree or the new one.
//!
//! `KUBEZERO_KILLS` says how often.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use kubezero::pipeline::write::{is_unfinished, lock, recover};

use crate::trees::{Inputs, generated, put, rendered};

type Tree = BTreeMap<String, Vec<u8>>;

/// A variant of the inputs, and everything that it renders to.
struct Variant {
    name: &'static str,
    overlay: Vec<u8>,
    tree: Tree,
}

const OVERLAY: &str = "environments/layers/base/overlay.yaml";

impl Variant {
    fn new(name: &'static str, more: &str) -> Variant {
        let mut inputs = Inputs::of_this_repository();
        let text = String::from_utf8(inputs.0[OVERLAY].clone()).unwrap();
        // A setting that reaches many files, and a component that comes and goes with all of its own.
        let changed = match more {
            "" => text,
            more => {
                assert!(text.contains("\n  metrics: {}\n") && text.contains("\n  calico: {}\n"), "{text}");
                text.replace("\n  metrics: {}\n", "\n").replace("\n  calico: {}\n", more)
            }
        };
        let overlay = changed.into_bytes();
        inputs.0.insert(OVERLAY.to_owned(), overlay.clone());
        let tree = rendered(&inputs)
            .into_iter()
            .flat_map(|(environment, files)| {
                files.into_iter().map(move |(path, text)| (format!("{environment}/{path}"), text.into_bytes()))
            })
            .collect();
        Variant { name, overlay, tree }
    }
}

fn start(repository: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_kubezero"))
        .args(["render", "--quiet", "-C"])
        .arg(repository)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn finish(repository: &Path, context: &str) -> Duration {
    let begin = Instant::now();
    let output = start(repository).wait_with_output().unwrap();
    assert!(output.status.success(), "{context}: {}", String::from_utf8_lossy(&output.stderr));
    begin.elapsed()
}

/// Which of the two trees is on disk, whole.
fn which<'v>(repository: &Path, variants: [&'v Variant; 2], context: &str) -> &'v Variant {
    let found = generated(repository);
    if let Some(variant) = variants.into_iter().find(|variant| variant.tree == found) {
        return variant;
    }
    let differing = |variant: &Variant| -> Vec<String> {
        let paths = found.keys().chain(variant.tree.keys());
        paths.filter(|path| found.get(*path) != variant.tree.get(*path)).take(5).cloned().collect()
    };
    panic!("{context}: neither tree: {:?} {:?}", differing(variants[0]), differing(variants[1]));
}

fn random(state: &mut u64, below: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % below.max(1)
}

fn private_is_tidy(argocd: &Path, context: &str) {
    // Neither a journal nor anything staged; what was learnt about unchanged files may stay.
    let left =
        fs::read_dir(argocd.join(".kubezero")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = left.filter(|name| ![".gitignore", "lock", "stamps.json"].contains(&name.as_str())).collect();
    assert!(left.is_empty(), "{context}: {left:?}");
}

#[test]
fn killed_at_any_moment_it_leaves_the_old_tree_or_the_new_one() {
    let kills: usize = std::env::var("KUBEZERO_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25);
    let variants = [
        Variant::new("first", ""),
        Variant::new(
            "second",
            "\n  calico: {settings: {logSeverity: Error, metadataService: {block: false}}}\n  metrics: {enabled: false}\n",
        ),
    ];
    let changed = variants[0].tree.iter().filter(|(path, text)| variants[1].tree.get(*path) != Some(text)).count();
    assert!(changed > 30, "{changed}");

    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path();
    let argocd = repository.join("argocd");
    let staging = argocd.join(".kubezero/staging");
    Inputs::of_this_repository().write_into(repository);
    finish(repository, "the first tree");
    assert_eq!(which(repository, [&variants[0], &variants[1]], "the first tree").name, "first");

    // How long a run takes that has everything to write.
    put(&repository.join(OVERLAY), &variants[1].overlay);
    let whole = finish(repository, "the second tree");
    let mut current = 1;

    let mut state = 0x2545_f491_4f6c_dd1d;
    let (mut killed, mut too_late, mut journals, mut staged, mut mixed, mut old, mut new, mut by_program) =
        (0, 0, 0, 0, 0, 0, 0, 0);
    while killed < kills {
        let round = killed + too_late;
        assert!(too_late < kills * 20 + 200, "the program is always done before it is killed");
        let (before, after) = (&variants[current], &variants[1 - current]);
        let context = format!("round {round}, from the {} to the {}", before.name, after.name);
        put(&repository.join(OVERLAY), &after.overlay);
        let mut child = start(repository);
        // One in three at any moment of the run; the others from when it begins to write.
        if round % 3 != 0 {
            let begin = Instant::now();
            while !staging.exists() && begin.elapsed() < whole * 3 && child.try_wait().unwrap().is_none() {
                thread::yield_now();
            }
            thread::sleep(Duration::from_micros(random(&mut state, whole.as_micros() as u64 / 2)));
        } else {
            thread::sleep(Duration::from_micros(random(&mut state, whole.as_micros() as u64)));
        }
        // It may be done already.
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        if output.status.signal() != Some(9) {
            assert!(output.status.success(), "{context}: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(which(repository, [before, after], &context).name, after.name, "{context}");
            too_late += 1;
            current = 1 - current;
            continue;
        }
        killed += 1;
        journals += usize::from(is_unfinished(&argocd));
        staged += usize::from(staging.exists());
        let on_disk = generated(repository);
        if on_disk != before.tree && on_disk != after.tree {
            // Between two environments' exchanges. Each environment by itself is whole even so.
            mixed += 1;
            assert!(is_unfinished(&argocd), "{context}: mixed, and nothing says so");
            for environment in ["aws-ha/", "aws-single/", "bare-metal/"] {
                let of = |tree: &Tree| -> Tree {
                    tree.iter()
                        .filter(|(path, _)| path.starts_with(environment))
                        .map(|(p, t)| (p.clone(), t.clone()))
                        .collect()
                };
                let found = of(&on_disk);
                assert!(found == of(&before.tree) || found == of(&after.tree), "{context}: {environment} is torn");
            }
        }
        if round % 2 == 0 {
            // Recovery by itself, as the next command does it first.
            let lock = lock(&argocd).unwrap();
            let recovery = recover(&lock).unwrap();
            assert!(recovery.let_be.is_empty() && recovery.rescued.is_empty(), "{context}: {recovery:?}");
            let found = which(repository, [before, after], &context);
            match found.name == after.name {
                true => new += 1,
                false => old += 1,
            }
            private_is_tidy(&argocd, &context);
            drop(lock);
            finish(repository, &context);
            current = 1 - current;
        } else {
            // The next run of the program, on the same inputs or on the old ones again.
            by_program += 1;
            let target = if random(&mut state, 2) == 0 { after } else { before };
            put(&repository.join(OVERLAY), &target.overlay);
            finish(repository, &context);
            assert_eq!(which(repository, [before, after], &context).name, target.name, "{context}");
            if target.name == after.name {
                current = 1 - current;
            }
        }
        which(repository, [&variants[current], &variants[current]], &context);
        private_is_tidy(&argocd, &context);
    }
    println!(
        "{killed} kills within runs of {whole:?} ({too_late} came too late): {staged} while writing, {journals} with a journal, \
         {mixed} between two environments; recovery alone left {old} old trees and {new} new ones, the next run put {by_program} right"
    );
}
