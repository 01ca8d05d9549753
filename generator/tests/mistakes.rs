//! Each `mistakes/<case>/` is laid over the small valid repository `mistakes/_base`, and the program says `stderr.txt`.
//!
//! In a case: `repo/**` adds or replaces files; `setup.sh` does what files cannot (exit code 77: skipped, and it says why);
//! `command` is the line to run (default `kubezero validate`); `code` its exit code (default 1).

use std::fs;
use std::path::Path;

use rayon::prelude::*;

use crate::support;

const KNOWN: [&str; 5] = ["code", "command", "repo", "setup.sh", "stderr.txt"];

#[test]
fn base_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    support::copy(&support::tests().join("mistakes/_base"), folder.path());
    let run = support::kubezero(folder.path(), &["validate"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn every_mistake_is_answered() {
    let folder = support::tests().join("mistakes");
    let cases: Vec<String> = support::names(&folder).into_iter().filter(|name| name != "_base").collect();
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let wrong: Vec<String> = cases.par_iter().flat_map(|name| case(&folder, name)).collect();
    support::nothing_wrong(&wrong);
}

fn case(folder: &Path, name: &str) -> Vec<String> {
    let case = folder.join(name);
    let mut wrong: Vec<String> = support::names(&case)
        .into_iter()
        .filter(|file| !KNOWN.contains(&file.as_str()))
        .map(|file| format!("mistakes/{name}/{file} belongs to nothing"))
        .collect();
    let temporary = tempfile::tempdir().unwrap();
    // A name of its own, so that messages could not name it by accident and still be compared.
    let repository = temporary.path().join("repository");
    support::copy(&folder.join("_base"), &repository);
    if case.join("repo").is_dir() {
        support::copy(&case.join("repo"), &repository);
    }
    if case.join("setup.sh").is_file() {
        let mut setup = support::command("bash", &repository);
        setup.args(["-eu", "-o", "pipefail"]).arg(case.join("setup.sh"));
        let run = support::finish(setup);
        if run.code == 77 {
            println!("skipped: {name}: {}", run.stdout.trim());
            return wrong;
        }
        if run.code != 0 {
            wrong.push(format!("mistakes/{name}/setup.sh failed: {}{}", run.stdout, run.stderr));
            return wrong;
        }
    }
    let line = fs::read_to_string(case.join("command")).unwrap_or_else(|_| "kubezero validate".to_owned());
    let code = fs::read_to_string(case.join("code")).map_or(1, |code| code.trim().parse::<i32>().unwrap());
    let mut command = support::command("bash", &repository);
    command.args(["-c", line.trim()]);
    let run = support::finish(command);
    if run.code != code {
        wrong.push(format!("mistakes/{name}: exit code {}, expected {code}\n{}{}", run.code, run.stdout, run.stderr));
    }
    if run.stderr.is_empty() || run.stderr.contains("panicked") {
        wrong.push(format!("mistakes/{name}: no message, or a bug: {:?}", run.stderr));
    }
    wrong.extend(support::compare(&case.join("stderr.txt"), &run.stderr));
    wrong
}
