//! Charts rendered by the program: what `template` prints, what a review says of their objects, and what is said where an archive is
//! missing or another one. The charts are the tests' own, in `tests/charts`.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::support::{self, finish, git, replace};

const CHARTS: [(&str, &str, &str); 3] = [
    ("https://charts.example.com", "2.0.1", "2.0.1/shop"),
    ("https://charts.example.com", "2.1.0", "2.1.0/shop"),
    ("https://charts.example.com", "2.2.0", "2.2.0/shop"),
];

/// A repository with one environment, one component and its chart in two versions.
pub fn platform() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    support::copy(&support::tests().join("charts/platform"), folder.path());
    support::vendor(folder.path(), &CHARTS);
    folder
}

pub fn committed() -> tempfile::TempDir {
    into_git(platform())
}

/// A repository with all of it on `main`, and a branch `change` checked out.
fn into_git(folder: tempfile::TempDir) -> tempfile::TempDir {
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

fn diff(folder: &Path, arguments: &[&str]) -> support::Run {
    support::kubezero(folder, &[&["diff"], arguments].concat())
}

/// Takes the archive of a version away, and what is known of it.
fn forget(folder: &Path, version: &str) {
    let _ = fs::remove_dir_all(folder.join("nowhere"));
    for name in support::names(&folder.join("components/vendor")) {
        if name.contains(version) {
            fs::remove_file(folder.join("components/vendor").join(name)).unwrap();
        }
    }
}

#[test]
fn what_was_not_seen_is_said_in_every_format_and_counts() {
    let folder = committed();
    replace(folder.path(), "components/shop/component.yaml", "version: 2.0.1", "version: 2.1.0");
    let whole = diff(folder.path(), &["--format", "json"]).stdout;
    fs::write(folder.path().join("whole.json"), whole).unwrap();
    forget(folder.path(), "2.1.0");
    let of = |format: &str| diff(folder.path(), &["--format", format]).stdout;
    assert!(of("text").lines().take(12).any(|line| line == "OBJECTS NOT SEEN"), "{}", of("text"));
    assert!(of("markdown").lines().take(8).any(|line| line.contains("**Objects not seen**: shop 2.0.1 → 2.1.0")));
    assert!(of("html").contains("id=\"not-seen\""));
    let review: Json = serde_json::from_str(&of("json")).unwrap();
    assert_eq!(review["charts"][0]["unseen"], "is not in the cache");
    assert_eq!(review["charts"][0]["at"]["text"], "version: 2.1.0");
    let log: Json = serde_json::from_str(&of("sarif")).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["ruleId"] == "review/not-seen").unwrap();
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "components/shop/component.yaml");
    // A review that saw more is another one.
    assert_eq!(diff(folder.path(), &["--verify", "whole.json"]).code, 1);
    assert_eq!(diff(folder.path(), &["--exit-code"]).code, 1);
}

#[test]
fn what_was_not_seen_needs_a_yes_where_the_environment_is_protected() {
    let folder = platform();
    let environment = "environments/prod/environment.yaml";
    replace(folder.path(), environment, "cluster:\n", "review: {protected: true}\ncluster:\n");
    let folder = into_git(folder);
    replace(folder.path(), "components/shop/component.yaml", "version: 2.0.1", "version: 2.2.0");
    forget(folder.path(), "2.2.0");
    let run = diff(folder.path(), &["--gate"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stderr.contains("Accept-Unseen: prod/shop"), "{}", run.stderr);
    git(folder.path(), &["add", "--all"]);
    git(folder.path(), &["commit", "--quiet", "--message", "bump\n\nAccept-Unseen: prod/shop"]);
    assert_eq!(diff(folder.path(), &["--gate"]).code, 0);
}

#[test]
fn a_definition_that_allows_less_is_seen_in_a_chart() {
    let folder = committed();
    replace(folder.path(), "components/shop/component.yaml", "version: 2.0.1", "version: 2.2.0");
    let found = of_charts(&review(folder.path()));
    let narrowed = ("changed".to_owned(), "CustomResourceDefinition".to_owned(), "crd-narrowed".to_owned());
    assert!(found.contains(&narrowed), "{found:?}");
}

#[test]
fn a_whole_chart_that_goes_is_one_story_and_counts_as_deletions() {
    let folder = platform();
    let environment = "environments/prod/environment.yaml";
    replace(folder.path(), environment, "cluster:\n", "review: {deletions: 3}\ncluster:\n");
    let folder = into_git(folder);
    replace(folder.path(), environment, "  shop:\n    settings:\n", "  shop:\n    enabled: false\n    settings:\n");
    let run = diff(folder.path(), &["--gate"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stderr.contains("Accept-Deletions: prod/"), "{}", run.stderr);
    assert!(run.stdout.contains("objects of shop are removed in prod"), "{}", run.stdout);
    for name in ["Deployment shop/shop", "ConfigMap shop/shop-config", "Basket shop"] {
        assert!(run.stdout.split_whitespace().collect::<Vec<_>>().join(" ").contains(name), "{name}: {}", run.stdout);
    }
}

#[test]
fn each_object_names_the_lines_that_reach_it() {
    let folder = committed();
    replace(
        folder.path(),
        "environments/prod/environment.yaml",
        "      greeting: good day",
        "      greeting: good night\n      replicas: 5",
    );
    let review = review(folder.path());
    let causes = |kind: &str| -> Vec<String> {
        let items = review["items"].as_array().unwrap();
        let item = items.iter().find(|item| !item["chart"].is_null() && item["object"]["kind"] == kind).unwrap();
        let causes = item["causes"].as_array().unwrap();
        causes.iter().map(|cause| cause["after"]["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(causes("ConfigMap"), ["greeting: good night"]);
    assert_eq!(causes("Deployment"), ["replicas: 5"]);
}

#[test]
fn explain_leads_from_a_field_to_the_overlay() {
    let folder = platform();
    let explain = |arguments: &[&str]| support::kubezero(folder.path(), &[&["explain", "prod"], arguments].concat());
    let run = explain(&["shop/ConfigMap/shop-config", "data.greeting"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for said in [
        "\"good day\"",
        "made by shop/templates/config.yaml",
        "of the chart shop 2.0.1, for the Application shop",
        "reached by the value greeting = \"good day\"",
        "components/shop/values.yaml.hbs:3",
        "which reads settings.greeting = \"good day\"",
        "set at environments/prod/environment.yaml:7",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    let default = explain(&["Deployment/shop/shop", "spec.template.spec.containers[name=shop].ports[0].containerPort"]);
    assert!(default.stdout.contains("the chart's own default: port = 8080"), "{}{}", default.stdout, default.stderr);
    let json = explain(&["Deployment/shop:spec.replicas", "--format", "json"]);
    let json: Json = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["value"], 2);
    assert_eq!(json["values"][0]["path"], "replicaCount");
    assert_eq!(json["values"][0]["effect"], "field");
    let unknown = explain(&["Deployment/shopp", "spec.replicas"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("Deployment/shop/shop"), "{}", unknown.stderr);
    let field = explain(&["Deployment/shop", "spec.nothing"]);
    assert!(field.stderr.contains("has no field `spec.nothing`"), "{}", field.stderr);
}

/// The values of `prod` that nobody reads: what is said, with the place.
fn dead(folder: &Path) -> Vec<String> {
    use kubezero::pipeline::repository::{Repository, Wanted};
    use kubezero::pipeline::source::Folder;
    use kubezero::pipeline::unread::dead_values;

    let repository = Repository::load(&Folder::new(folder), &Wanted::All).unwrap();
    let environments = kubezero::pipeline::resolve(&repository).unwrap();
    let trees = kubezero::pipeline::render(&repository, &environments).unwrap();
    let found = trees.iter().flat_map(|tree| dead_values(&repository, tree));
    found
        .map(|diagnostic| {
            let at = diagnostic.at.as_ref().map_or_else(String::new, |(at, _)| repository.sources().locate(*at));
            format!("{at} {}; {}", diagnostic.message, diagnostic.help.join("; "))
        })
        .collect()
}

#[test]
fn values_that_nobody_reads_are_found_at_their_line() {
    let folder = platform();
    assert_eq!(dead(folder.path()), Vec::<String>::new());
    let environment = "environments/prod/environment.yaml";
    let settings = "    settings:\n";
    replace(folder.path(), environment, settings, &format!("    values: {{image: {{tagg: '1'}}}}\n{settings}"));
    let found = dead(folder.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("environments/prod/environment.yaml:6:"), "{found:?}");
    assert!(found[0].contains("no template of the chart `shop 2.0.1` reads the value `image.tagg`"), "{found:?}");
    // What is for a part that is off does nothing either.
    replace(folder.path(), environment, "{image: {tagg: '1'}}", "{mail: {from: me@example.com}}");
    replace(folder.path(), "components/shop/component.yaml", "version: 2.0.1", "version: 2.2.0");
    let found = dead(folder.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("is for `mail`, which is off"), "{found:?}");
    replace(folder.path(), environment, "{mail: {from", "{mail: {enabled: true, from");
    assert_eq!(dead(folder.path()), Vec::<String>::new());
}
