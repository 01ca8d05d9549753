//! Who may use whom: `cli → {review, git} → pipeline → {objects, values} → {diagnostic, yaml, name}`, and order in this folder.

use crate::support;

/// The modules from top to bottom; those on one level do not know each other, except for `ALLOWED`.
const LEVELS: [&[&str]; 5] =
    [&["cli"], &["review", "git"], &["pipeline"], &["objects", "values"], &["diagnostic", "yaml", "name"]];

/// The stages in order; a stage uses earlier ones only.
const STAGES: [&str; 20] = [
    "source",
    "template",
    "rules",
    "component",
    "lock",
    "charts",
    "repository",
    "probe",
    "environment",
    "selection",
    "plan",
    "check",
    "deliver",
    "render",
    "objects",
    "trace",
    "unread",
    "compare",
    "stamp",
    "write",
];

/// On one level, and why: a YAML mistake is a diagnostic with a place.
const ALLOWED: [(&str, &str); 1] = [("yaml", "diagnostic")];

/// Pairs of stages whose types refer to each other: the checks are part of rendering.
const ENTANGLED: [(&str, &str); 1] = [("check", "render")];

#[test]
fn imports_point_downwards() {
    let level = |module: &str| LEVELS.iter().position(|modules| modules.contains(&module));
    let mut wrong = Vec::new();
    let pointing = regex::Regex::new(r"crate::\{?([a-z]+)").unwrap();
    for (path, text) in support::files(&support::tests().join("../src")) {
        let module = path.split(['/', '.']).next().unwrap();
        let Some(own) = level(module) else { continue };
        for used in pointing.captures_iter(&code(&text)).map(|found| found[1].to_owned()) {
            let Some(other) = level(&used) else { continue };
            let sideways = other == own && used != module && !ALLOWED.contains(&(module, used.as_str()));
            if other < own || sideways {
                wrong.push(format!("src/{path}: `{module}` uses `{used}`"));
            }
        }
    }
    support::nothing_wrong(&wrong);
}

#[test]
fn stages_use_earlier_stages_only() {
    let rank = |stage: &str| STAGES.iter().position(|name| *name == stage);
    let mut wrong = Vec::new();
    let pointing = regex::Regex::new(r"(?:super|pipeline)::([a-z]+)").unwrap();
    for (path, text) in support::files(&support::tests().join("../src/pipeline")) {
        let stage = path.split(['/', '.']).next().unwrap();
        // In a submodule of a stage `super` is the stage itself.
        if stage == "mod" || path.contains('/') {
            continue;
        }
        let Some(own) = rank(stage) else {
            wrong.push(format!("src/pipeline/{path}: put the stage `{stage}` into STAGES"));
            continue;
        };
        for used in pointing.captures_iter(&code(&text)).map(|found| found[1].to_owned()) {
            if rank(&used).is_some_and(|other| other > own) && !ENTANGLED.contains(&(stage, used.as_str())) {
                wrong.push(format!("src/pipeline/{path}: `{stage}` uses the later stage `{used}`"));
            }
        }
    }
    support::nothing_wrong(&wrong);
}

#[test]
fn every_test_is_wired_in() {
    let main = support::files(&support::tests())["main.rs"].clone();
    for name in support::names(&support::tests()) {
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(main.contains(&format!("mod {module};")), "tests/main.rs lacks `mod {module};`");
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    for (path, text) in support::files(&support::tests().join("../src")) {
        for word in ["TODO", "FIXME", "XXX:", "todo!(", "unimplemented!("] {
            assert!(!text.contains(word), "src/{path} has {word}");
        }
    }
}

#[test]
fn every_code_is_explained() {
    let mut used = std::collections::BTreeSet::new();
    // The code is the first string after `Diagnostic::new(`, or after `say(` in the checks.
    let made = regex::Regex::new(r#"(?:Diagnostic::new|\bsay)\(\s*"([a-z0-9]+(?:-[a-z0-9]+)*)",\s"#).unwrap();
    for (_, text) in support::files(&support::tests().join("../src")) {
        used.extend(made.captures_iter(&code(&text)).map(|found| found[1].to_owned()));
    }
    let text = std::fs::read_to_string(support::root().join("docs/errors.md")).unwrap_or_default();
    let explained: std::collections::BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("### ").map(|heading| heading.trim_matches('`').to_owned()))
        .collect();
    let missing: Vec<_> = used.difference(&explained).collect();
    let stale: Vec<_> = explained.difference(&used).collect();
    assert!(missing.is_empty() && stale.is_empty(), "docs/errors.md lacks {missing:?}, and nothing says {stale:?}");
}

/// What is compiled into the program: without the unit tests and the comments.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}
