//! The program as a person meets it: exit codes, help, pipes.

use std::process::Stdio;

use crate::support::{self, kubezero};

#[test]
fn exit_codes() {
    let root = support::root();
    let empty = tempfile::tempdir().unwrap();
    for (arguments, code) in [
        (&["validate"][..], 0),
        (&["validate", "no-such-environment"], 1),
        (&["render", "--check"], 0),
        (&["--version"], 0),
        (&["help"], 0),
        (&["no-such-command"], 2),
        (&["render", "--no-such-option"], 2),
        (&["render", "--check", "--overwrite-edited"], 2),
        (&[], 2),
    ] {
        let run = kubezero(&root, arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}{}", run.stdout, run.stderr);
    }
    let run = kubezero(empty.path(), &["validate"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let run = kubezero(empty.path(), &["-C", "not-there", "validate"]);
    assert!(run.code != 0 && run.stderr.starts_with("error"), "{}", run.stderr);
}

#[test]
fn version() {
    let run = kubezero(&support::root(), &["--version"]);
    assert_eq!(run.stdout, format!("kubezero {}\n", kubezero::VERSION));
}

#[test]
fn charts_that_are_not_checked_are_named_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    support::copy(&support::tests().join("mistakes/_base"), folder.path());
    let plain = kubezero(folder.path(), &["validate"]).stdout;
    let facts = folder.path().join("components/web/facts/charts/web-2.0.1.facts");
    std::fs::create_dir_all(facts.parent().unwrap()).unwrap();
    std::fs::write(facts, "chart web 2.0.1\n  * any\n").unwrap();
    let run = kubezero(folder.path(), &["validate", "-v"]);
    assert_eq!(run.stdout, plain + "no facts of base 1.2.3: its values were not checked\n", "{}", run.stderr);
}

#[test]
fn colour_is_for_people() {
    let root = support::root();
    let piped = kubezero(&root, &["validate", "no-such-environment"]);
    assert!(!piped.stderr.contains('\x1b'), "{:?}", piped.stderr);
    let always = kubezero(&root, &["--color", "always", "validate", "no-such-environment"]);
    assert!(always.stderr.contains('\x1b'), "{:?}", always.stderr);
}

#[test]
fn a_closed_pipe_is_no_error() {
    for arguments in [&["--help"][..], &["validate", "--format", "json"], &["validate"]] {
        let mut command = support::command(env!("CARGO_BIN_EXE_kubezero"), &support::root());
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {stderr}");
    }
}

/// `docs/cli.md` is the help of every command.
#[test]
fn help_is_the_page() {
    let root = support::root();
    let help = |arguments: &[&str]| {
        let run = kubezero(&root, &[arguments, &["--help"]].concat());
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
        run.stdout.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>()
    };
    let main = help(&[]);
    let mut page = format!(
        "# Commands\n\nThe help of every command, as `--help` prints it. A test keeps it so.\n\n## kubezero\n\n```text\n{main}```\n"
    );
    let mut commands = main.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for line in commands.by_ref() {
        let Some(name) =
            line.strip_prefix("  ").filter(|line| !line.starts_with(' ')).and_then(|line| line.split(' ').next())
        else {
            continue;
        };
        if name != "help" {
            page += &format!("\n## kubezero {name}\n\n```text\n{}```\n", help(&[name]));
        }
    }
    support::nothing_wrong(&support::compare(&root.join("docs/cli.md"), &page).into_iter().collect::<Vec<_>>());
}
