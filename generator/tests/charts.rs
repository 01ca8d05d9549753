//! Charts rendered by the program: what `template` prints, what a review says of their objects, and what is said where an archive is
//! missing or another one. The charts are the tests' own, in `tests/charts`.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::support::{self, finish};

const CHARTS: [(&str, &str, &str); 2] =
    [("https://charts.example.com", "2.0.1", "2.0.1/shop"), ("https://charts.example.com", "2.1.0", "2.1.0/shop")];

/// A repository with one environment, one component and its chart in two versions.
pub fn platform() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    support::copy(&support::tests().join("charts/platform"), folder.path());
    support::vendor(folder.path(), &CHARTS);
    folder
}

pub fn replace(folder: &Path, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(folder.join(file)).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(folder.join(file), text.replace(from, to)).unwrap();
}

pub fn git(folder: &Path, arguments: &[&str]) {
    let mut command = support::command("git", folder);
    command.args(["-c", "user.name=Test", "-c", "user.email=test@example.com"]).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let run = finish(command);
    assert_eq!(run.code, 0, "git {arguments:?}: {}{}", run.stdout, run.stderr);
}

pub fn committed() -> tempfile::TempDir {
    let folder = platform();
    git(folder.path(), &["init", "--quiet", "--initial-branch=main"]);
    git(folder.path(), &["add", "--all"]);
    git(folder.path(), &["commit", "--quiet", "--message", "all of it"]);
    git(folder.path(), &["switch", "--quiet", "--create", "change"]);
    folder
}

/// The items of a review whose objects a chart makes: action, kind and class.
fn of_charts(review: &Json) -> Vec<(String, String, String)> {
    let text = |item: &Json, path: &str| item.pointer(path).unwrap().as_str().unwrap().to_owned();
    let items = review["items"].as_array().unwrap().iter().filter(|item| !item["chart"].is_null());
    let mut found: Vec<_> =
        items.map(|item| (text(item, "/action"), text(item, "/object/kind"), text(item, "/class"))).collect();
    found.sort();
    found
}

fn review(folder: &Path) -> Json {
    let run = support::kubezero(folder, &["diff", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn template_prints_what_helm_would() {
    let folder = platform();
    let run = support::kubezero(folder.path(), &["template", "prod", "shop"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let wrong = support::compare(&support::tests().join("charts/expected/template.yaml"), &run.stdout);
    support::nothing_wrong(&wrong.into_iter().collect::<Vec<_>>());
    let unknown = support::kubezero(folder.path(), &["template", "prod", "shopp"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("did you mean `shop`?"), "{}", unknown.stderr);
}

#[test]
fn a_new_version_is_reviewed_object_by_object() {
    let folder = committed();
    replace(folder.path(), "components/shop/component.yaml", "version: 2.0.1", "version: 2.1.0");
    let review = review(folder.path());
    let found = of_charts(&review);
    let found: Vec<(&str, &str, &str)> = found.iter().map(|(a, k, c)| (a.as_str(), k.as_str(), c.as_str())).collect();
    assert_eq!(
        found,
        [
            ("added", "Service", "new"),
            ("changed", "ConfigMap", "configuration"),
            ("changed", "Deployment", "immutable"),
            ("changed", "Job", "image"),
            ("removed", "Service", "traffic"),
        ]
    );
    assert_eq!(review["totals"]["ofCharts"], 5);
    assert_eq!(review["totals"]["changed"], review["totals"]["listed"]);
    let chart = &review["charts"][0];
    assert_eq!((&chart["before"], &chart["after"]), (&"2.0.1".into(), &"2.1.0".into()));
    assert!(chart["unseen"].is_null());
    // Each of them changes by the line of the version.
    for item in review["items"].as_array().unwrap().iter().filter(|item| !item["chart"].is_null()) {
        assert_eq!(item["causes"][0]["after"]["text"], "version: 2.1.0", "{item}");
    }
}

#[test]
fn a_value_is_reviewed_by_what_it_does() {
    let folder = committed();
    replace(folder.path(), "environments/prod/environment.yaml", "good day", "good night");
    let review = review(folder.path());
    let found = of_charts(&review);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1, "ConfigMap");
    let item = review["items"].as_array().unwrap().iter().find(|item| !item["chart"].is_null()).unwrap();
    assert_eq!(item["causes"][0]["after"]["text"], "greeting: good night");
}

#[test]
fn what_cannot_be_seen_is_said() {
    let folder = committed();
    replace(folder.path(), "components/shop/component.yaml", "version: 2.0.1", "version: 2.1.0");
    for name in support::names(&folder.path().join("components/vendor")) {
        if name.contains("2.1.0") {
            fs::remove_file(folder.path().join("components/vendor").join(name)).unwrap();
        }
    }
    let mut command = support::command(env!("CARGO_BIN_EXE_kubezero"), folder.path());
    command.args(["diff"]).env("KUBEZERO_CACHE", folder.path().join("nothing"));
    let run = finish(command);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("shop 2.0.1 → 2.1.0"), "{}", run.stdout);
    assert!(run.stdout.contains("is not in the cache"), "{}", run.stdout);
    assert!(run.stdout.contains("kubezero charts fetch"), "{}", run.stdout);
}

#[test]
fn another_archive_than_the_lock_says_is_refused() {
    let folder = platform();
    for name in support::names(&folder.path().join("components/vendor")) {
        fs::write(folder.path().join("components/vendor").join(name), b"something else").unwrap();
    }
    let run = support::kubezero(folder.path(), &["template", "prod"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("chart-wrong-sum"), "{}", run.stderr);
    let lock = fs::read_to_string(folder.path().join("components/charts.lock")).unwrap();
    let sum = lock.lines().find_map(|line| line.trim().strip_prefix("sha256: ")).unwrap();
    assert!(run.stderr.contains(sum), "{}", run.stderr);
}

#[test]
fn a_chart_that_refuses_its_values_says_why() {
    let folder = platform();
    replace(folder.path(), "components/shop/values.yaml.hbs", "host:", "hostname:");
    let run = support::kubezero(folder.path(), &["template", "prod"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("the shop needs a host"), "{}", run.stderr);
}
