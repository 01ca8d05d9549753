//! The same commit gives the same bytes: on any machine, with any number of threads, for anybody.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use crate::trees::{Inputs, generated, put, render, render_alone};

fn run(repository: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kubezero"))
        .args(arguments)
        .arg("-C")
        .arg(repository)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?} {environment:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}

fn fresh(arguments: &[&str], environment: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    Inputs::of_this_repository().write_into(folder.path());
    run(folder.path(), arguments, environment);
    generated(folder.path())
}

#[track_caller]
fn same(what: &str, found: &BTreeMap<String, Vec<u8>>, wanted: &BTreeMap<String, Vec<u8>>) {
    let differing: Vec<_> =
        found.keys().chain(wanted.keys()).filter(|path| found.get(*path) != wanted.get(*path)).collect();
    assert!(differing.is_empty(), "{what}: {differing:?}");
}

#[test]
fn any_number_of_threads_any_locale_and_anybody_give_the_same_bytes() {
    let wanted = fresh(&["render", "--jobs", "1"], &[]);
    assert!(wanted.len() > 100, "{} files", wanted.len());
    let mut compared = 0;
    for jobs in ["2", "7", "64"] {
        same(jobs, &fresh(&["render", "--jobs", jobs], &[]), &wanted);
        compared += 1;
    }
    let home = tempfile::tempdir().unwrap();
    let surroundings: [&[(&str, &str)]; 6] = [
        &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8")],
        &[("LC_ALL", "C"), ("LANG", "C")],
        &[("TZ", "Pacific/Kiritimati")],
        &[("TZ", "America/St_Johns"), ("SOURCE_DATE_EPOCH", "1")],
        &[
            ("HOME", home.path().to_str().unwrap()),
            ("USER", "nobody"),
            ("LOGNAME", "nobody"),
            ("HOSTNAME", "elsewhere"),
        ],
        &[
            ("HOME", "/nonexistent"),
            ("XDG_CONFIG_HOME", "/nonexistent"),
            ("CI", "true"),
            ("NO_COLOR", "1"),
            ("GIT_BRANCH", "other"),
        ],
    ];
    for surrounding in surroundings {
        same(&format!("{surrounding:?}"), &fresh(&["render"], surrounding), &wanted);
        compared += 1;
    }
    println!("{compared} renderings of {} files are the same as the first", wanted.len());
}

#[test]
fn the_order_of_files_and_the_place_of_the_repository_do_not_matter() {
    let wanted = fresh(&["render"], &[]);
    let inputs = Inputs::of_this_repository();

    let backwards = tempfile::tempdir().unwrap();
    for (path, text) in inputs.0.iter().rev() {
        put(&backwards.path().join(path), text);
    }
    run(backwards.path(), &["render"], &[]);
    same("files made in reverse order", &generated(backwards.path()), &wanted);

    let above = tempfile::tempdir().unwrap();
    let strange = above.path().join("a b/ünï: {{x}} #1");
    inputs.write_into(&strange);
    run(&strange, &["render"], &[]);
    same("a folder with a strange name", &generated(&strange), &wanted);

    let link = above.path().join("link");
    std::os::unix::fs::symlink(&strange, &link).unwrap();
    fs::remove_dir_all(strange.join("argocd")).unwrap();
    run(&link, &["render"], &[]);
    same("through a link", &generated(&strange), &wanted);

    // One environment by itself is what it is among others.
    let alone = tempfile::tempdir().unwrap();
    inputs.write_into(alone.path());
    for environment in wanted.keys().filter_map(|path| path.strip_suffix("/root.yaml")).rev() {
        run(alone.path(), &["render", environment], &[]);
    }
    same("one environment after the other", &generated(alone.path()), &wanted);
}

#[test]
fn what_environments_share_changes_none_of_them() {
    let inputs = Inputs::of_this_repository();
    let (mut compared, mut files) = (0, 0);
    for inputs in [inputs.cases_as_environments(), inputs] {
        let (together, alone) = (render(&inputs), render_alone(&inputs));
        assert_eq!(together.len(), alone.len());
        for (name, outcome) in &together {
            assert!(outcome == &alone[name], "{name} is another among others than by itself");
            files += outcome.as_ref().map_or(0, BTreeMap::len);
            compared += 1;
        }
    }
    assert!(files > 1000, "{files} files");
    println!("{compared} environments with {files} files are the same among others as by themselves");
}

/// Inode and time of each file and folder below `argocd`, the lock aside.
fn stamps(repository: &Path) -> BTreeMap<String, (u64, i64, i64)> {
    fn walk(folder: &Path, found: &mut BTreeMap<String, (u64, i64, i64)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap() == ".kubezero" {
                continue;
            }
            let data = fs::symlink_metadata(&path).unwrap();
            found.insert(path.to_str().unwrap().to_owned(), (data.ino(), data.mtime(), data.mtime_nsec()));
            if data.is_dir() {
                walk(&path, found);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&repository.join("argocd"), &mut found);
    found
}

#[test]
fn rendering_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    Inputs::of_this_repository().write_into(folder.path());
    run(folder.path(), &["render"], &[]);
    let before = stamps(folder.path());
    for jobs in ["1", "7"] {
        run(folder.path(), &["render", "--jobs", jobs], &[]);
        assert_eq!(stamps(folder.path()), before);
    }
    run(folder.path(), &["render", "--check"], &[]);
    assert_eq!(stamps(folder.path()), before);
    println!("{} files and folders kept inode and time", before.len());
}

#[test]
fn a_change_touches_only_the_files_that_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::of_this_repository();
    inputs.write_into(folder.path());
    run(folder.path(), &["render"], &[]);
    let (before, texts) = (stamps(folder.path()), generated(folder.path()));
    let file = "environments/bare-metal/environment.yaml";
    let text = String::from_utf8(inputs.0[file].clone()).unwrap();
    let changed = text.replace("kubernetesVersion: \"1.34\"", "kubernetesVersion: \"1.35\"");
    let changed = if changed == text {
        text.replace("kubernetesVersion: \"1.35\"", "kubernetesVersion: \"1.34\"")
    } else {
        changed
    };
    assert_ne!(changed, text);
    inputs.0.insert(file.to_owned(), changed.into_bytes());
    inputs.write_into(folder.path());
    run(folder.path(), &["render"], &[]);
    let (after, new_texts) = (stamps(folder.path()), generated(folder.path()));
    let mut touched = 0;
    for (path, text) in &new_texts {
        let full = folder.path().join("argocd").join(path).to_str().unwrap().to_owned();
        if texts.get(path) == Some(text) {
            assert_eq!(before.get(&full), after.get(&full), "{path}");
        } else {
            touched += 1;
        }
    }
    assert!(touched > 0 && touched < new_texts.len() / 2, "{touched} of {}", new_texts.len());
}
