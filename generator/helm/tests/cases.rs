//! The engine prints what Helm printed: every chart under `cases/` against the output that `ci/helm-cases` recorded beside it.
//!
//! `CASES=yaml-` in the environment runs only the cases whose names contain that; `cases/README.md` has the form of a case.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "a test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use helm_render::capabilities::{Capabilities, HelmVersion};
use helm_render::chart::{Chart, Limits, values};
use helm_render::engine::HelmEngine;
use helm_render::render::{Options, Prepared, Release, render};
use helm_render::value::Value;
use helm_render::{functions, template, yaml};
use regex::Regex;

/// How a message of ours is compared with Helm's.
#[derive(Clone, Copy, PartialEq)]
enum Compare {
    /// It is Helm's, word for word.
    Words,
    /// Its lines are Helm's, in any order: Helm's own is by chance.
    Lines,
    /// It is Helm's as far as the YAML parser's own words, which differ.
    Start,
    /// It names the same places of templates, in the same order.
    Place,
    /// There is one.
    Failure,
}

struct Case {
    folder: PathBuf,
    described: Value,
}

impl Case {
    fn read(folder: PathBuf) -> Case {
        let described = match fs::read_to_string(folder.join("case.yaml")) {
            Ok(text) => yaml::unmarshal(&text).expect("case.yaml is YAML"),
            Err(_) => Value::Nil,
        };
        Case { folder, described }
    }

    fn name(&self) -> &str {
        self.folder.file_name().unwrap().to_str().unwrap()
    }

    fn setting(&self, name: &str) -> Option<Value> {
        match &self.described {
            Value::Map(map) => map.get(name),
            _ => None,
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        self.setting(name).map(|value| match value {
            Value::String(text) => text.to_string(),
            other => panic!("{}: {name} is a text, and not {other:?}", self.name()),
        })
    }

    fn texts(&self, name: &str) -> Vec<String> {
        match self.setting(name) {
            None => Vec::new(),
            Some(Value::List(values)) => values
                .iter()
                .map(|value| match value {
                    Value::String(text) => text.to_string(),
                    other => panic!("{}: {name} lists texts, and not {other:?}", self.name()),
                })
                .collect(),
            Some(other) => panic!("{}: {name} is a list, and not {other:?}", self.name()),
        }
    }

    fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.setting(name).map_or(otherwise, |value| value.truth())
    }

    fn compare(&self) -> Compare {
        match self.text("compare").as_deref() {
            None => Compare::Words,
            Some("lines") => Compare::Lines,
            Some("start") => Compare::Start,
            Some("place") => Compare::Place,
            Some("failure") => Compare::Failure,
            Some(other) => panic!("{}: compare is lines, start, place or failure, and not {other}", self.name()),
        }
    }

    /// What Helm printed, or how it failed.
    fn expected(&self) -> Result<String, String> {
        let read = |name: &str| fs::read_to_string(self.folder.join(name));
        match (read("expected.yaml"), read("expected.error"), read("expected.refused")) {
            (Ok(printed), Err(_), Err(_)) => Ok(printed),
            (Err(_), Ok(error), Err(_)) | (Err(_), Err(_), Ok(error)) => Err(message(&error)),
            _ => panic!("{}: one of expected.yaml, expected.error, expected.refused", self.name()),
        }
    }

    /// What we print, or how we fail.
    fn run(&self) -> Result<String, String> {
        let said = |error: &dyn std::fmt::Display| message(&format!("Error: {error}"));
        let chart = Chart::load(&self.folder.join("chart"), &Limits::default()).map_err(|error| said(&error))?;
        let mut set = Value::map::<&str, Value>([]);
        for file in self.texts("values") {
            let text = fs::read_to_string(self.folder.join(&file)).expect("a file of values");
            let values = values::read(&text).map_err(|error| said(&format!("failed to parse {file}: {error}")))?;
            set = values::merge(&set, &values);
        }
        let mut capabilities = Capabilities::of(HelmVersion::V4_2).with_api_versions(self.texts("apiVersions"));
        if let Some(version) = self.text("kubeVersion") {
            capabilities = capabilities.with_kube_version(&version).map_err(|error| said(&error))?;
        }
        let name = self.text("release").unwrap_or_else(|| "release".to_owned());
        let namespace = self.text("namespace").unwrap_or_else(|| "default".to_owned());
        let release = Release { upgrade: self.flag("upgrade", false), ..Release::new(name, namespace) };
        let options = Options {
            include_crds: self.flag("crds", true),
            subchart_notes: false,
            skip_schema: !self.flag("schema", true),
            ..Options::default()
        };
        let mut engine = HelmEngine::new(template::Limits::default());
        let chart = Arc::new(chart);
        let rendered = render(&chart, &set, &release, &capabilities, &options, &mut engine);
        // A chart that is prepared once gives the same each time, on several threads at once.
        let prepared = Prepared::new(chart);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let again = prepared.render(&set, &release, &capabilities, &options);
                    assert_eq!(again, rendered, "{}", self.name());
                });
            }
        });
        let rendered = rendered.map_err(|error| said(&error))?;
        Ok(rendered.print_with(self.flag("hooks", true), !self.flag("tests", true)))
    }

    /// What is wrong, where something is.
    fn check(&self) -> Option<String> {
        match (self.expected(), self.run()) {
            (Ok(expected), Ok(printed)) => difference(&expected, &printed),
            (Err(expected), Err(error)) => match self.compare() {
                Compare::Words => difference(&expected, &error),
                Compare::Lines => difference(&sorted(&expected), &sorted(&error)),
                Compare::Start => difference(start(&expected), start(&error)),
                Compare::Place => difference(&places(&expected), &places(&error)),
                Compare::Failure => None,
            },
            (Ok(_), Err(error)) => Some(format!("fails: {error}\n")),
            (Err(expected), Ok(_)) => Some(format!("does not fail: {expected}\n")),
        }
    }
}

/// A message without what Helm's command line puts around it.
fn message(text: &str) -> String {
    let text = text.trim_end().trim_end_matches("Use --debug flag to render out invalid YAML").trim_end();
    text.strip_prefix("Error: ").unwrap_or(text).to_owned()
}

/// The lines of a message by their words.
fn sorted(message: &str) -> String {
    let mut lines: Vec<&str> = message.split('\n').collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// A message up to where the YAML parser takes over.
fn start(message: &str) -> &str {
    const CONVERTING: &str = "error converting YAML to JSON: ";
    message.find(CONVERTING).map_or(message, |at| &message[..at + CONVERTING.len()])
}

/// The places that a message names, one a line.
fn places(message: &str) -> String {
    let place = Regex::new(r"[\w./-]+\.(?:yaml|tpl|txt):\d+(?::\d+)?").unwrap();
    place.find_iter(message).fold(String::new(), |all, place| all + place.as_str() + "\n")
}

/// The first lines that differ.
fn difference(expected: &str, got: &str) -> Option<String> {
    if expected == got {
        return None;
    }
    let mut said = String::new();
    let (mut left, mut right) = (expected.split('\n'), got.split('\n'));
    let (mut line, mut shown) = (0, 0);
    loop {
        line += 1;
        let (helm, ours) = (left.next(), right.next());
        if helm.is_none() && ours.is_none() {
            break;
        }
        if helm != ours && shown < 12 {
            shown += 1;
            let show = |line: Option<&str>| line.map_or("(nothing)".to_owned(), |line| format!("{line:?}"));
            let _ = writeln!(said, "  line {line}\n    Helm: {}\n    ours: {}", show(helm), show(ours));
        }
    }
    Some(said)
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = fs::read_dir(&root).expect("the folder of cases").map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.into_iter().map(Case::read).collect()
}

#[test]
fn what_is_printed_is_what_helm_printed() {
    let only = std::env::var("CASES").unwrap_or_default();
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.name().contains(&only)).collect();
    let mut wrong = Vec::new();
    for case in &cases {
        if let Some(difference) = case.check() {
            wrong.push(format!("{}:\n{difference}", case.name()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases\n\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn there_are_cases_for_everything() {
    assert!(cases().len() >= 200, "only {} cases", cases().len());
}

#[test]
fn every_function_has_a_case() {
    let action = Regex::new(r"(?s)\{\{.*?\}\}").unwrap();
    let word = Regex::new(r"\w+").unwrap();
    let mut used = BTreeSet::new();
    let mut folders: Vec<PathBuf> = cases().into_iter().map(|case| case.folder.join("chart")).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            for part in action.find_iter(&text) {
                used.extend(word.find_iter(part.as_str()).map(|word| word.as_str().to_owned()));
            }
        }
    }
    let language = [
        "and", "call", "html", "index", "slice", "js", "len", "not", "or", "print", "printf", "println", "urlquery",
        "eq", "ge", "gt", "le", "lt", "ne", "if", "else", "range", "with", "define", "block", "template", "break",
        "continue",
    ];
    let all = functions::names().map(|(name, _)| name).chain(language);
    let unused: Vec<&str> = all.filter(|name| !used.contains(*name)).collect();
    assert!(unused.is_empty(), "no case calls {}", unused.join(", "));
}

/// `ci/parity --record` writes it, where the charts are; here it is only looked whether it says what the readme counts.
#[test]
fn the_table_of_real_charts_is_whole() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("parity/results.tsv");
    let table = fs::read_to_string(path).expect("the table");
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().expect("a head").split('\t').collect();
    let wanted = "chart version repository commit values objects equal random sha256 result why";
    assert_eq!(head.join(" "), wanted);
    let (mut charts, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (line, text) in lines.enumerate() {
        let row: Vec<&str> = text.split('\t').collect();
        let [chart, version, repository, commit, values, objects, equal, random, digest, result, why] = row.as_slice()
        else {
            panic!("line {}: {} columns", line + 2, row.len());
        };
        let number = |text: &str| text.parse::<usize>().unwrap_or_else(|_| panic!("line {}: {text}", line + 2));
        let (objects, equal, random) = (number(objects), number(equal), number(random));
        let place = format!("line {}: {text}", line + 2);
        assert!(repository.contains('/') && !values.is_empty(), "{place}");
        assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{place}");
        assert!(digest.is_empty() || digest.len() == 64, "{place}");
        match *result {
            "equal" => assert!(equal + random == objects && digest.len() == 64, "{place}"),
            "equal-errors" => assert!(objects == 0, "{place}"),
            // What differs says why.
            _ => assert!(!why.is_empty(), "{place}"),
        }
        charts.insert((*chart, *version, *repository));
        assert!(seen.insert((*chart, *version, *repository, *values)), "twice: {place}");
    }
    assert!(charts.len() >= 120, "only {} charts", charts.len());
}
