//! What README.md and docs/ show is so: commands run and print what stands below them, files in them are valid, and the JSON
//! has the keys and types of its examples.
//!
//! In a block fenced as `console` a line that begins with `$ ` is a command, and what follows is what it prints. A line `…`
//! stands for any number of lines, `…` within a line for anything. A command without output below it must only succeed.
//! `BLESS=1` writes outputs that have no `…`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::support;

/// Commands that are not run here, by how they begin, and why.
const NOT_RUN: [(&str, &str); 5] = [
    ("cargo test", "it runs the tests, this one among them"),
    ("BLESS=1 cargo test", "it runs the tests, this one among them"),
    ("cargo build", "it compiles the program, which these tests have done"),
    ("ci/check", "it compiles the program and runs the tests"),
    ("ci/bench", "it takes minutes and may install others' programs"),
];

/// What is cut off a command, which is then run with the program of these tests.
const COMPILED: &str = "cargo run --release -- ";

fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    let docs = support::files(&support::root().join("docs"));
    pages.extend(docs.into_keys().filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")));
    pages
}

fn read(page: &str) -> String {
    fs::read_to_string(support::root().join(page)).unwrap()
}

/// A fenced block: its kind, its text, and the line on which the text begins, from 0.
struct Block {
    kind: String,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, Block)> = None;
    for (number, line) in page.lines().enumerate() {
        let bare = line.trim_start();
        open = match open {
            Some((fence, block)) if bare.starts_with(&fence) => {
                blocks.push(block);
                None
            }
            Some((fence, mut block)) => {
                block.text += &format!("{line}\n");
                Some((fence, block))
            }
            None => bare.strip_prefix("```").map(|kind| {
                ("```".to_owned(), Block { kind: kind.trim().to_owned(), text: String::new(), line: number + 1 })
            }),
        };
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

/// The commands of a block, each with what is said to be printed and the line of that.
fn commands(block: &Block) -> Vec<(String, String, usize)> {
    let mut commands: Vec<(String, String, usize)> = Vec::new();
    for (number, line) in block.text.lines().enumerate() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new(), block.line + number + 1)),
            (None, Some((_, output, _))) => *output += &format!("{line}\n"),
            (None, None) => panic!("a console block begins with `$ `: {line}"),
        }
    }
    commands
}

/// A copy of what a person has after cloning, without what the tests do not need.
fn clone(to: &Path) {
    let root = support::root();
    for folder in ["components", "environments", "argocd"] {
        support::copy(&root.join(folder), &to.join(folder));
    }
    let _ = fs::remove_dir_all(to.join("argocd/.kubezero"));
    for file in [".gitignore", ".gitattributes"] {
        fs::copy(root.join(file), to.join(file)).unwrap();
    }
    let git =
        "git init -q && git add -A && git -c user.name=Somebody -c user.email=somebody@example.com commit -qm start";
    shell(to, git);
}

fn shell(folder: &Path, line: &str) -> support::Run {
    let mut command = support::command("bash", folder);
    command.args(["-euc", line]).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    support::finish(command)
}

fn is_as_shown(shown: &str, printed: &str) -> bool {
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let mut pattern = String::from("^");
    for line in lines(shown) {
        match line.trim() {
            "…" => pattern += "(?:.*\n)*?",
            _ => pattern += &(line.split('…').map(regex::escape).collect::<Vec<_>>().join(".*") + "\n"),
        }
    }
    let printed: String = lines(printed).iter().map(|line| format!("{line}\n")).collect();
    regex::Regex::new(&(pattern + "$")).unwrap().is_match(&printed)
}

#[test]
fn output_is_compared_line_by_line() {
    for (shown, printed, same) in [
        ("a\nb\n", "a\nb\n", true),
        ("a\n", "a\nb\n", false),
        ("a\n…\n", "a\nb\nc\n", true),
        ("…\nc\n", "a\nb\nc\n", true),
        ("a … c\n", "a b c\n", true),
        ("a … c\n", "a b\n c\n", false),
        ("a.c\n", "abc\n", false),
    ] {
        assert_eq!(is_as_shown(shown, printed), same, "{shown:?} {printed:?}");
    }
}

#[test]
fn commands_do_what_is_shown() {
    let mut used = BTreeSet::new();
    let (mut run, mut wrong) = (0, Vec::new());
    for page in pages() {
        let mut text = read(&page);
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<_> = blocks(&text).iter().filter(|block| block.kind == "console").flat_map(commands).collect();
        if !all.is_empty() {
            clone(folder.path());
        }
        let mut blessed = Vec::new();
        for (command, shown, line) in all {
            if let Some((begins, _)) = NOT_RUN.iter().find(|(begins, _)| command.starts_with(begins)) {
                used.insert(*begins);
                continue;
            }
            let command = match command.strip_prefix(COMPILED) {
                Some(arguments) => format!("kubezero {arguments}"),
                None => command,
            };
            assert!(
                ["kubezero ", "git ", "sed -i "].iter().any(|program| command.starts_with(program)),
                "{page}:{line}: `{command}` runs something else: add it to NOT_RUN with a reason, or run it here"
            );
            let done = shell(folder.path(), &command);
            run += 1;
            if done.code != 0 {
                wrong.push(format!("{page}:{line}: `{command}` ends with {}:\n{}", done.code, done.stderr));
            } else if !shown.is_empty() && !is_as_shown(&shown, &done.stdout) {
                if support::blessing() && !shown.contains('…') {
                    blessed.push((line, shown.lines().count(), done.stdout));
                    continue;
                }
                wrong.push(format!("{page}:{line}: `{command}` prints\n{}and not\n{shown}", done.stdout));
            }
        }
        for (line, count, output) in blessed.into_iter().rev() {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.splice(line..line + count, output.lines().map(|line| line.trim_end().to_owned()));
            text = lines.join("\n") + "\n";
            fs::write(support::root().join(&page), &text).unwrap();
        }
    }
    support::nothing_wrong(&wrong);
    assert!(run >= 8, "only {run} commands were run");
    let spare: Vec<_> = NOT_RUN.iter().filter(|(begins, _)| !used.contains(begins)).collect();
    assert!(spare.is_empty(), "nobody shows {spare:?}");
}

/// A block that begins with the name of a file as a comment is a file that can be used as it stands.
#[test]
fn files_are_valid() {
    let mut written = 0;
    for page in pages() {
        let folder = tempfile::tempdir().unwrap();
        let text = read(&page);
        let files: Vec<_> = blocks(&text)
            .into_iter()
            .filter(|block| block.kind == "yaml")
            .filter_map(|block| {
                let path = block.text.lines().next()?.strip_prefix("# ")?.to_owned();
                (path.starts_with("environments/") || path.starts_with("components/")).then_some((path, block.text))
            })
            .collect();
        if files.is_empty() {
            continue;
        }
        clone(folder.path());
        for (path, text) in &files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            written += 1;
        }
        let run = support::kubezero(folder.path(), &["validate"]);
        assert_eq!(run.code, 0, "{page}: {files:?}\n{}", run.stderr);
    }
    assert!(written >= 2, "only {written} files");
}

/// Commands in running text exist, with their options; and README.md lists every command.
#[test]
fn commands_in_the_text_exist() {
    let root = support::root();
    let mut help: BTreeMap<String, String> = BTreeMap::new();
    let mut help_of = |command: &str| {
        help.entry(command.to_owned()).or_insert_with(|| support::kubezero(&root, &[command, "--help"]).stdout).clone()
    };
    let main = support::kubezero(&root, &["--help"]).stdout;
    let commands: BTreeSet<String> = main
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?.split(' ').next())
        .map(str::to_owned)
        .collect();
    assert!(commands.contains("render") && commands.contains("help"), "{main}");
    let mut wrong = Vec::new();
    let inline = regex::Regex::new("`kubezero ([^`]+)`").unwrap();
    for page in pages() {
        for found in inline.captures_iter(&read(&page)) {
            let mut words = found[1].split_whitespace();
            let first = words.next().unwrap_or_default();
            let known = match first.starts_with('-') {
                true => main.contains(first),
                false => commands.contains(first),
            };
            let options: Vec<&str> = found[1].split_whitespace().filter(|word| word.starts_with("--")).collect();
            let unknown = options.iter().find(|option| !main.contains(*option) && !help_of(first).contains(*option));
            if !known || unknown.is_some() {
                wrong.push(format!("{page}: `kubezero {}` does not exist", &found[1]));
            }
        }
    }
    let readme = read("README.md");
    let listed: BTreeSet<String> = readme
        .split("## Commands")
        .nth(1)
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split([' ', '`']).next())
        .map(str::to_owned)
        .collect();
    let wanted: BTreeSet<String> = commands.into_iter().filter(|command| command != "help").collect();
    assert_eq!(listed, wanted, "the table of commands in README.md");
    support::nothing_wrong(&wrong);
}

/// Any JSON value stands below these keys: what a user has written, or what comes of it.
const ANY: [&str; 2] = ["value", "default"];

/// Maps below these keys have a user's own keys.
const FREE: [&str; 2] = ["generate", "keys"];

/// The types at every path; list items are one path.
fn shape(value: &Json, path: &str, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        _ if ANY.iter().any(|key| path.ends_with(&format!(".{key}"))) => "any",
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(items) => {
            items.iter().for_each(|item| shape(item, &format!("{path}[]"), found));
            "list"
        }
        Json::Object(map) => {
            let free = FREE.iter().any(|key| path.ends_with(&format!(".{key}")));
            let named = |key: &str| if free { "*".to_owned() } else { key.to_owned() };
            map.iter().for_each(|(key, value)| shape(value, &format!("{path}.{}", named(key)), found));
            "map"
        }
    };
    found.entry(path.to_owned()).or_default().insert(kind);
}

fn shape_of(value: &Json) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut found = BTreeMap::new();
    shape(value, "", &mut found);
    found
}

/// `docs/json.md`: below each command stands a shortened example of its answer. Example and answer have the same keys with
/// the same types, and the example says nothing that the answer does not.
#[test]
fn json_has_the_documented_shapes() {
    let page = read("docs/json.md");
    let folder = tempfile::tempdir().unwrap();
    clone(folder.path());
    // The same repository with mistakes in it, for the one shape that needs them.
    let mistaken = tempfile::tempdir().unwrap();
    let mistakes = support::tests().join("mistakes");
    for laid in ["_base", "shared-layer-seen-once/repo", "several-mistakes/repo"] {
        support::copy(&mistakes.join(laid), mistaken.path());
    }

    let (mut shapes, mut wrong) = (BTreeSet::new(), Vec::new());
    let all = blocks(&page);
    for pair in all.windows(2) {
        let ("console", "json") = (pair[0].kind.as_str(), pair[1].kind.as_str()) else { continue };
        let mut before = commands(&pair[0]);
        let (command, ..) = before.pop().unwrap();
        for (command, ..) in before {
            let run = shell(folder.path(), &command);
            assert_eq!(run.code, 0, "{command}: {}", run.stderr);
        }
        let example: Json = serde_json::from_str(&pair[1].text)
            .unwrap_or_else(|error| panic!("docs/json.md:{}: {error}", pair[1].line));
        let (place, code) = match command.starts_with("kubezero validate") {
            true => (mistaken.path(), 1),
            false => (folder.path(), 0),
        };
        let run = shell(place, &command);
        assert_eq!(run.code, code, "{command}: {}{}", run.stdout, run.stderr);
        let answer: Json = serde_json::from_str(&run.stdout).unwrap();
        shapes.insert(format!("{} {}", answer["kind"], answer["version"]));
        if (&example["kind"], &example["version"]) != (&answer["kind"], &answer["version"]) {
            wrong.push(format!("{command}: another kind or version"));
        }
        let (shown, real) = (shape_of(&example), shape_of(&answer));
        let describe = |shape: &BTreeMap<String, BTreeSet<&str>>| -> String {
            shape
                .iter()
                .map(|(path, kinds)| format!("{path}: {}\n", Vec::from_iter(kinds.iter().copied()).join(" or ")))
                .collect()
        };
        if shown != real {
            let (shown, real) = (describe(&shown), describe(&real));
            let diff = similar::TextDiff::from_lines(shown.as_str(), real.as_str());
            wrong.push(format!(
                "docs/json.md:{}: {command}\n{}",
                pair[1].line,
                diff.unified_diff().context_radius(0).header("documented", "printed")
            ));
        }
    }
    support::nothing_wrong(&wrong);
    let wanted = [
        "charts",
        "comparison",
        "component",
        "components",
        "environment",
        "environments",
        "explanation",
        "images",
        "mistakes",
        "plan",
        "resources",
        "review",
        "secrets",
    ];
    assert_eq!(Vec::from_iter(shapes), wanted.map(|kind| format!("\"{kind}\" 1")));
    assert_eq!(
        all.iter().filter(|block| block.kind == "json").count(),
        all.iter().filter(|block| block.kind == "console").count()
    );
}
