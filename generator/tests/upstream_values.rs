//! The committed facts are those of what was published, every pinned chart has them, and merged values fit
//! the chart's own schema where it has one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kubezero::pipeline::repository::{Repository, Wanted};
use serde_json::{Value as Json, json};

use crate::support;
use crate::trees::{Inputs, all_rendered, documents, lay, objects, root, upstream};

fn repository() -> Repository {
    Repository::load(&Inputs::of_this_repository(), &Wanted::All).unwrap()
}

#[test]
fn every_pinned_chart_has_facts() {
    let repository = repository();
    let charts = repository.components().values().flat_map(|component| &component.charts);
    let without: Vec<_> = charts
        .filter(|chart| chart.folder.is_none() && !repository.facts().has_chart(&chart.name, &chart.version))
        .map(|chart| format!("{} {}: ci/facts --from FOLDER writes them", chart.name, chart.version))
        .collect();
    support::nothing_wrong(&without);
    assert_eq!(repository.facts().unreadable(), []);
}

#[test]
fn facts_are_those_of_upstream() {
    let Some(upstream) = upstream() else { return };
    let works = Command::new("python3").args(["-c", "import yaml"]).stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "a pipeline that has ../shared/upstream needs PyYAML");
        println!("skipped: PyYAML is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut derive = support::command("python3", root());
    derive.args(["ci/facts", "--no-default", "--from"]).arg(&upstream).arg("--output").arg(folder.path());
    let run = support::finish(derive);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let derived = support::files(folder.path());
    let committed = root().join("components/facts");
    let wrong: Vec<String> =
        derived.iter().filter_map(|(path, text)| support::compare(&committed.join(path), text)).collect();
    support::nothing_wrong(&wrong);
    let others: Vec<_> = support::files(&committed).into_keys().filter(|path| !derived.contains_key(path)).collect();
    println!("{} files derived again; from elsewhere: {others:?}", derived.len());
    assert!(derived.len() > 60);
}

#[test]
fn a_misspelt_value_is_seen() {
    let repository = repository();
    for (chart, version, values, wanted) in [
        ("istiod", "1.30.3", "replicaCount: 2", vec![]),
        ("istiod", "1.30.3", "replicacount: 2", vec!["unknown-value"]),
        ("istiod", "1.30.3", "replicaCount: two", vec!["wrong-value-type"]),
        ("istiod", "1.30.3", "global: {logAsJSON: true, logAsJson: null}", vec!["unknown-value"]),
        ("istiod", "1.30.3", "{nodeSelector: {any.example.com/key: x}, meshConfig: {anything: 1}}", vec![]),
        ("istiod", "1.29.0", "replicacount: 2", vec![]),
        ("argo-cd", "10.1.1", "configs: {cm: {timeout.reconciliation: 60s, create: yes}}", vec!["wrong-value-type"]),
        (
            "kube-prometheus-stack",
            "88.5.3",
            "grafana: {persistence: {enabled: true}, persistance: 1, grafana.ini: {any: {key: 1}}}",
            vec!["unknown-value"],
        ),
        ("cert-manager", "v1.21.1", "{podAnnotations: {a: b}, ingressShim: {defaultIssuerName: x}}", vec![]),
        ("gateway", "1.30.3", "service: {ports: [{name: a, port: 1, nodePort: 30000}]}", vec![]),
    ] {
        let tree = kubezero::yaml::parse(Default::default(), values).unwrap();
        let found = repository.facts().values(chart, version, &tree);
        let codes: Vec<_> = found.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, wanted, "{chart}: {values}: {found:?}");
    }
}

fn folder(upstream: &Path, chart: &str, version: &str) -> PathBuf {
    let name = match chart {
        "base" | "istiod" | "gateway" => format!("istio-{chart}"),
        other => other.to_owned(),
    };
    upstream.join(name).join(version)
}

fn yaml(path: &Path) -> Json {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A chart's defaults, with those of its subcharts under their names.
fn defaults(upstream: &Path, chart: &str, version: &str) -> Json {
    let folder = folder(upstream, chart, version);
    let mut own = yaml(&folder.join("values.yaml"));
    // Istio's charts keep all their defaults below one key, and users set them without it.
    if let Some(inner) = own.get("_internal_defaults_do_not_set") {
        own = inner.clone();
    }
    let about = yaml(&folder.join("Chart.yaml"));
    let mut all = json!({});
    for dependency in about["dependencies"].as_array().into_iter().flatten() {
        let name = dependency["alias"].as_str().or(dependency["name"].as_str()).unwrap();
        let version = dependency["version"].as_str().unwrap();
        let bundled = folder.join("charts").join(name).join("values.yaml");
        let published = upstream.join(name).join(version).join("values.yaml");
        for file in [bundled, published] {
            if file.is_file() {
                all[name] = yaml(&file);
                break;
            }
        }
    }
    if own.is_object() {
        lay(&mut all, &own);
    }
    all
}

fn schema_of(folder: &Path) -> Option<jsonschema::Validator> {
    let text = fs::read_to_string(folder.join("values.schema.json")).ok()?;
    let mut schema: Json = serde_json::from_str(&text).unwrap();
    // Istio's says only "some version"; its words are those of draft 7.
    if schema["$schema"] == "http://json-schema.org/schema#" {
        schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    }
    Some(jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{}: {error}", folder.display())))
}

fn leaves(value: &Json) -> usize {
    match value {
        Json::Object(map) => map.values().map(leaves).sum(),
        _ => 1,
    }
}

#[test]
fn merged_values_fit_the_schema_of_their_chart() {
    let Some(upstream) = upstream() else { return };
    let (mut seen, mut keys) = (BTreeMap::<String, usize>::new(), 0);
    let mut wrong = BTreeMap::<String, String>::new();
    let mut charts = BTreeMap::new();
    for (environment, files) in &all_rendered() {
        for (path, object) in objects(files) {
            let Some(chart) = object.pointer("/spec/source/chart").and_then(Json::as_str) else { continue };
            let version = object["spec"]["source"]["targetRevision"].as_str().unwrap();
            let name = format!("{chart} {version}");
            let known = charts.entry(name.clone()).or_insert_with(|| {
                let schema = schema_of(&folder(&upstream, chart, version))?;
                Some((schema, defaults(&upstream, chart, version)))
            });
            let Some((schema, defaults)) = known else { continue };
            let helm = &object["spec"]["source"]["helm"];
            let values = match helm.get("values").and_then(Json::as_str) {
                Some(text) => documents(path, text).pop().unwrap(),
                None => helm.get("valuesObject").cloned().unwrap_or_else(|| json!({})),
            };
            let mut laid = defaults.clone();
            lay(&mut laid, &values);
            for error in schema.iter_errors(&laid) {
                let text = format!("{name}: {}: {error}", error.instance_path());
                wrong.entry(text).or_insert_with(|| format!("{environment}/{path}"));
            }
            keys += leaves(&values);
            *seen.entry(name).or_default() += 1;
        }
    }
    println!("{keys} values of {} Applications: {seen:#?}", seen.values().sum::<usize>());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen.len() >= 2 && keys > 100, "{keys} of {seen:?}");
}
