//! Charts delivered as manifests. The charts are the tests' own: one with a chart inside, definitions, hooks, things to keep and
//! things that Argo CD does not take; the environment `prod` has Argo CD render them, `edge` has them committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::support::{self, finish, git, replace};

const ADDRESS: &str = "https://charts.example.com";
const EDGE: &str = "environments/edge/environment.yaml";

fn charts() -> [(&'static str, &'static str, &'static str); 3] {
    [
        (ADDRESS, "2.0.1", "2.0.1/shop"),
        (ADDRESS, "1.0.0", "delivered/1.0.0/hall"),
        (ADDRESS, "0.3.0", "delivered/0.3.0/frame"),
    ]
}

fn platform() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    support::copy(&support::tests().join("charts/delivered/platform"), folder.path());
    support::vendor(folder.path(), &charts());
    folder
}

fn render(folder: &Path) -> BTreeMap<String, String> {
    let run = support::kubezero(folder, &["render"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    tree(folder)
}

fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut files = support::files(&folder.join("argocd"));
    files.retain(|path, _| !path.starts_with(".kubezero"));
    files
}

fn refused(folder: &Path) -> String {
    let run = support::kubezero(folder, &["render"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(!folder.join("argocd").exists(), "something was written");
    run.stderr
}

/// A chart of one template, as the only one of a repository whose `edge` takes its objects.
fn with_template(template: &str) -> tempfile::TempDir {
    let folder = platform();
    let chart = folder.path().join("frame");
    fs::create_dir_all(chart.join("templates")).unwrap();
    fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: frame\nversion: 0.3.0\n").unwrap();
    fs::write(chart.join("templates/one.yaml"), template).unwrap();
    let [shop, hall, _] = charts();
    support::vendor(folder.path(), &[shop, hall, (ADDRESS, "0.3.0", chart.to_str().unwrap())]);
    fs::remove_dir_all(chart).unwrap();
    replace(folder.path(), EDGE, "    # But for this one.\n    delivery: charts\n", "    {}\n");
    folder
}

#[test]
fn the_whole_tree_is_as_expected() {
    let folder = platform();
    let found = render(folder.path());
    let expected = support::tests().join("charts/expected/delivered");
    if support::blessing() && expected.exists() {
        fs::remove_dir_all(&expected).unwrap();
    }
    let mut wrong: Vec<String> =
        found.iter().filter_map(|(path, text)| support::compare(&expected.join(path), text)).collect();
    let extra = support::files(&expected).into_keys().filter(|path| !found.contains_key(path));
    wrong.extend(extra.map(|path| format!("{path} is not rendered")));
    support::nothing_wrong(&wrong);
    let run = support::kubezero(folder.path(), &["render", "--check"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn the_plan_reports_every_translation() {
    let folder = platform();
    let run = support::kubezero(folder.path(), &["plan", "edge"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let wrong = support::compare(&support::tests().join("charts/expected/plan.txt"), &run.stdout);
    support::nothing_wrong(&wrong.into_iter().collect::<Vec<_>>());
    let run = support::kubezero(folder.path(), &["plan", "edge", "--format", "json"]);
    let plan: Json = serde_json::from_str(&run.stdout).unwrap();
    let of = |name: &str| {
        let applications = plan["applications"].as_array().unwrap();
        applications.iter().find(|application| application["name"] == name).unwrap()["delivery"].clone()
    };
    assert_eq!(of("lamp")["as"], "charts");
    assert_eq!(of("gallery-hall")["as"], "manifests");
    assert_eq!(of("gallery-hall")["folder"], "manifests/gallery-hall/");
    assert_eq!(of("shop")["folder"], "manifests/shop.chart/");
}

#[test]
fn the_objects_are_those_that_helm_prints() {
    let folder = platform();
    let found = render(folder.path());
    let run = support::kubezero(folder.path(), &["template", "edge", "shop"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let printed = run.stdout.matches("\nkind: ").count();
    assert_eq!(found.keys().filter(|path| path.starts_with("edge/manifests/shop.chart/")).count(), printed);
    // The same Application in both environments, but for its source and what follows from it.
    let application = |environment: &str| found[&format!("{environment}/applications/shop.yaml")].clone();
    let (prod, edge) = (application("prod"), application("edge"));
    assert!(prod.contains("chart: shop") && !edge.contains("chart: shop"));
    assert!(edge.contains("path: argocd/edge/manifests/shop.chart\n"), "{edge}");
    assert!(edge.contains("directory:\n      recurse: true\n"), "{edge}");
}

#[test]
fn neither_threads_nor_company_change_a_byte() {
    let whole = render(platform().path());
    let alone = platform();
    let run = support::kubezero(alone.path(), &["--jobs", "1", "render", "edge"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let alone = tree(alone.path());
    let of_edge: BTreeMap<_, _> = whole.into_iter().filter(|(path, _)| path.starts_with("edge/")).collect();
    assert_eq!(alone, of_edge);
    // Archives of a cache instead of the repository's own.
    let cached = platform();
    let cache = cached.path().join("cache");
    let vendor = cached.path().join("components/vendor");
    let lock = fs::read_to_string(cached.path().join("components/charts.lock")).unwrap();
    for sum in lock.lines().filter_map(|line| line.trim().strip_prefix("sha256: ")) {
        let sum = sum.trim_matches('"');
        let short = &sum[..12];
        let name = support::names(&vendor).into_iter().find(|name| name.contains(short)).unwrap();
        let to = cache.join(format!("charts/sha256/{}/{sum}.tgz", &sum[..2]));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(vendor.join(name), to).unwrap();
    }
    let mut command = support::command(env!("CARGO_BIN_EXE_kubezero"), cached.path());
    command.args(["--jobs", "4", "render", "edge"]).env("KUBEZERO_CACHE", &cache);
    let run = finish(command);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(tree(cached.path()), of_edge);
}

#[test]
fn every_archive_that_is_missing_is_named_and_nothing_is_written() {
    let folder = platform();
    fs::remove_dir_all(folder.path().join("components/vendor")).unwrap();
    let said = refused(folder.path());
    for chart in ["hall 1.0.0", "shop 2.0.1"] {
        assert!(said.contains(&format!("the chart `{chart}` is not in the cache")), "{said}");
    }
    // What Argo CD renders needs no archive.
    assert!(!said.contains("frame"), "{said}");
    assert!(said.contains("environments/edge/environment.yaml:5:11"), "{said}");
    assert!(said.contains("components/gallery/component.yaml"), "{said}");
    assert!(said.contains("kubezero charts fetch"), "{said}");
    // The other environment renders.
    let run = support::kubezero(folder.path(), &["render", "prod"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_component_has_the_last_word() {
    let folder = platform();
    let found = render(folder.path());
    assert!(found["edge/applications/lamp.yaml"].contains("chart: frame"));
    assert!(!found.keys().any(|path| path.starts_with("edge/manifests/lamp")));
    replace(folder.path(), EDGE, "delivery: charts", "delivery: manifests");
    replace(folder.path(), EDGE, "\ndelivery: manifests", "");
    let found = render(folder.path());
    assert!(found.contains_key("edge/manifests/lamp/configmap-lamp-frame.yaml"), "{:?}", found.keys());
    assert!(found["edge/applications/shop.yaml"].contains("chart: shop"));
    let run = support::kubezero(folder.path(), &["explain", "edge", "components.lamp.delivery"]);
    assert!(run.code == 0 && run.stdout.contains("environments/edge/environment.yaml:10:15"), "{}", run.stdout);
    replace(folder.path(), EDGE, "delivery: manifests", "delivery: manifest");
    let run = support::kubezero(folder.path(), &["render"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("environments/edge/environment.yaml:10:15"), "{}", run.stderr);
}

#[test]
fn a_secret_does_not_get_into_git() {
    let secret = |data: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: door}}\n{data}\n");
    for data in ["stringData: {key: hunter2}", "data: {key: aHVudGVyMg==}", "data: {key: '/w=='}"] {
        let said = refused(with_template(&secret(data)).path());
        assert!(said.contains("secret-in-output") && said.contains("delivery: charts"), "{said}");
        assert!(said.contains("templates/one.yaml") && !said.contains("hunter2"), "{said}");
        assert!(said.contains("components/lamp/component.yaml:8:14"), "{said}");
    }
    let password = "stringData: {settings.yaml: \"user: a\\npassword: hunter2\"}";
    assert!(refused(with_template(&secret(password)).path()).contains("secret-in-output"));
    for data in ["data: {key: ''}", "data: {}", "", "stringData: {settings.yaml: 'door: open'}"] {
        render(with_template(&secret(data)).path());
    }
}

#[test]
fn what_is_too_large_for_an_annotation_is_applied_by_the_server() {
    let template =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata: {text: {{ repeat 262144 \"<\" | quote }}}\n";
    let option = |folder: &Path| {
        render(folder)["edge/manifests/lamp/configmap-large.yaml"].contains("sync-options: ServerSideApply=true")
    };
    // The Application says so for all its objects.
    let folder = with_template(template);
    assert!(!option(folder.path()));
    let says = "namespace: lamp\napplication: {syncOptions: [ServerSideApply=false]}\n";
    replace(folder.path(), "components/lamp/component.yaml", "namespace: lamp\n", says);
    assert!(option(folder.path()));
    let small = template.replace("262144", "43000");
    let folder = with_template(&small);
    replace(folder.path(), "components/lamp/component.yaml", "namespace: lamp\n", says);
    assert!(!option(folder.path()), "the escapes of 43000 characters take 258000 bytes");
    let folder = with_template(&template.replace("262144", "1048577"));
    assert!(refused(folder.path()).contains("too-large"));
}

#[test]
fn a_hostile_chart_writes_nowhere_else() {
    for (kind, name, says) in [
        ("../../../Job", "a", "no name of a kind"),
        ("Job", "../../../a", "bad-object"),
        ("Job", "a\\n- b", "bad-object"),
    ] {
        let template = format!("apiVersion: batch/v1\nkind: {kind}\nmetadata: {{name: \"{name}\"}}\n");
        let said = refused(with_template(&template).path());
        assert!(said.contains(says), "{said}");
    }
    let marked = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: '# +argocd:skip-file-rendering'}\n";
    assert!(refused(with_template(marked).path()).contains("pass over its file"));
}

#[test]
fn one_object_has_one_owner_across_charts() {
    let template =
        "apiVersion: v1\nkind: Service\nmetadata: {name: shop, namespace: shop}\nspec: {ports: [{port: 1}]}\n";
    let said = refused(with_template(template).path());
    assert!(said.contains("duplicate-object") && said.contains("`lamp` and `shop` both make"), "{said}");
}

#[test]
fn a_change_of_delivery_is_no_change_of_objects() {
    let folder = platform();
    git(folder.path(), &["init", "--quiet", "--initial-branch=main"]);
    git(folder.path(), &["add", "--all"]);
    git(folder.path(), &["commit", "--quiet", "--message", "all of it"]);
    git(folder.path(), &["switch", "--quiet", "--create", "change"]);
    let review = |folder: &Path| -> Json {
        let run = support::kubezero(folder, &["diff", "--format", "json"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    };
    let kinds = |review: &Json| -> Vec<String> {
        let items = review["items"].as_array().unwrap().iter();
        let mut kinds: Vec<String> = items.map(|item| item["object"]["kind"].as_str().unwrap().to_owned()).collect();
        kinds.sort();
        kinds
    };
    let prod = "environments/prod/environment.yaml";
    replace(folder.path(), prod, "  name: prod\n", "  name: prod\ndelivery: manifests\n");
    let moved = review(folder.path());
    let seen = moved["charts"].as_array().unwrap();
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert!(seen.iter().all(|chart| chart["delivered"] == "manifests" && chart["objects"] == 0), "{seen:?}");
    let kept = |name: &str| seen.iter().find(|chart| chart["application"] == name).unwrap()["kept"].clone();
    assert_eq!(kept("shop"), 6);
    assert_eq!(kept("gallery-hall"), 14);
    // Applications with another source, and projects with other repositories; each because of the line.
    let found = kinds(&moved);
    assert!(found.iter().all(|kind| matches!(kind.as_str(), "AppProject" | "Application")), "{found:?}");
    for item in moved["items"].as_array().unwrap().iter().filter(|item| item["object"]["kind"] == "Application") {
        let text = item.pointer("/edits/0/causes/0/after/text").or(item.pointer("/causes/0/after/text"));
        assert_eq!(text.unwrap(), "delivery: manifests", "{item}");
    }
    let text = support::kubezero(folder.path(), &["diff"]).stdout;
    assert!(text.contains("DELIVERED OTHERWISE") && text.contains("14 objects stay as before"), "{text}");
    // What really differs is shown beside.
    replace(folder.path(), "components/gallery/values/hall.yaml.hbs", "gold", "silver");
    let review_of_both = review(folder.path());
    let changed: Vec<_> = review_of_both["items"].as_array().unwrap().iter().collect();
    let changed: Vec<_> = changed.iter().filter(|item| item["object"]["kind"] == "ConfigMap").collect();
    assert_eq!(changed.len(), 2, "one of the chart that is handed over, one of a file: {changed:?}");
    // Back again.
    git(folder.path(), &["add", "--all"]);
    git(folder.path(), &["commit", "--quiet", "--message", "moved"]);
    replace(folder.path(), prod, "delivery: manifests\n", "");
    let run = support::kubezero(folder.path(), &["diff", "--base", "HEAD", "--format", "json"]);
    let back: Json = serde_json::from_str(&run.stdout).unwrap();
    let seen = back["charts"].as_array().unwrap();
    assert!(seen.iter().all(|chart| chart["delivered"] == "charts" && chart["objects"] == 0), "{seen:?}");
    // A file of a chart is an ordinary file, and its cause is a value.
    git(folder.path(), &["checkout", "--quiet", "--", "."]);
    replace(folder.path(), "components/gallery/values/hall.yaml.hbs", "silver", "bronze");
    let run = support::kubezero(folder.path(), &["diff", "--base", "HEAD", "--format", "json"]);
    let edited: Json = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(kinds(&edited), ["ConfigMap"], "{}", run.stdout);
    assert_eq!(edited["totals"]["ofCharts"], 0);
    let item = &edited["items"][0];
    assert_eq!(item["edits"][0]["causes"][0]["after"]["text"], "colour: bronze", "{item}");
}
