//! Each value that we hand to a chart is one that the chart knows: a misspelt one would be ignored in silence.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::trees::{all_rendered, documents, objects, upstream};

/// Keys that a chart reads although its values.yaml does not have them, or maps whose keys are the user's.
/// A path ends where anything may follow.
const OPEN: &[(&str, &str, &str)] = &[
    ("argo-cd", "configs.cm", "becomes argocd-cm: every key with dots is Argo CD's own"),
    ("argo-cd", "configs.params", "becomes argocd-cmd-params-cm: every key with dots is Argo CD's own"),
    ("argo-cd", "global.nodeSelector", "labels of nodes"),
    ("argo-cd", "redis-ha", "values of a subchart that is not in the pack"),
    ("istiod", "meshConfig", "any field of Istio's MeshConfig"),
    ("kube-prometheus-stack", "grafana.grafana.ini", "becomes grafana.ini: sections and keys are Grafana's own"),
    ("tigera-operator", "installation", "any field of the Installation's spec"),
    ("tigera-operator", "nodeSelector", "labels of nodes"),
];

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

/// As Helm lays values over one another: maps merge, everything else replaces, null removes.
fn lay(under: &mut Json, over: &Json) {
    match (under, over) {
        (Json::Object(under), Json::Object(over)) => {
            for (key, value) in over {
                match under.get_mut(key) {
                    _ if value.is_null() => drop(under.remove(key)),
                    Some(below) => lay(below, value),
                    None => drop(under.insert(key.clone(), value.clone())),
                }
            }
        }
        (under, over) => *under = over.clone(),
    }
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

/// The keys of `values` that `known` has not, unless the place is open.
fn unknown(chart: &str, path: &str, values: &Json, known: &Json, found: &mut Vec<String>) {
    let (Some(values), Some(known)) = (values.as_object(), known.as_object()) else { return };
    // An empty map is an invitation: nodeSelector, annotations, affinity, resources.
    if known.is_empty() {
        return;
    }
    for (key, value) in values {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let open = OPEN.iter().any(|(of, at, _why)| {
            *of == chart && path.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        if open {
            continue;
        }
        match known.get(key) {
            Some(known) => unknown(chart, &path, value, known, found),
            None => found.push(path),
        }
    }
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
fn every_value_is_known_to_its_chart() {
    let Some(upstream) = upstream() else { return };
    let (mut seen, mut keys, mut by_schema) = (BTreeMap::<String, usize>::new(), 0, 0);
    let mut wrong = BTreeMap::<String, String>::new();
    let mut all_defaults = BTreeMap::new();
    let mut schemas = BTreeMap::new();
    for (environment, files) in &all_rendered() {
        for (path, object) in objects(files) {
            let Some(chart) = object.pointer("/spec/source/chart").and_then(Json::as_str) else { continue };
            let version = object["spec"]["source"]["targetRevision"].as_str().unwrap();
            let helm = &object["spec"]["source"]["helm"];
            let values = match helm.get("values").and_then(Json::as_str) {
                Some(text) => documents(path, text).pop().unwrap(),
                None => helm.get("valuesObject").cloned().unwrap_or_else(|| json!({})),
            };
            let name = format!("{chart} {version}");
            let defaults = all_defaults.entry(name.clone()).or_insert_with(|| defaults(&upstream, chart, version));
            let schema = schemas.entry(name.clone()).or_insert_with(|| schema_of(&folder(&upstream, chart, version)));
            let mut missing = Vec::new();
            // A schema knows more than the defaults: it has the keys without one.
            match schema {
                Some(schema) => {
                    let mut laid = defaults.clone();
                    lay(&mut laid, &values);
                    missing
                        .extend(schema.iter_errors(&laid).map(|error| format!("{}: {error}", error.instance_path())));
                    by_schema += 1;
                }
                None => unknown(chart, "", &values, defaults, &mut missing),
            }
            for key in missing {
                wrong.entry(format!("{name}: {key}")).or_insert_with(|| format!("{environment}/{path}"));
            }
            keys += leaves(&values);
            *seen.entry(name).or_default() += 1;
        }
    }
    println!(
        "{keys} values of {} Applications, {by_schema} by the chart's schema: {seen:#?}",
        seen.values().sum::<usize>()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen.len() >= 9 && keys > 1000, "{keys}");
}

#[test]
fn a_misspelt_value_is_seen() {
    let Some(upstream) = upstream() else { return };
    let known = defaults(&upstream, "istiod", "1.30.3");
    for (values, wanted) in [
        (json!({"replicaCount": 2}), vec![]),
        (json!({"replicacount": 2}), vec!["replicacount"]),
        (json!({"global": {"logAsJSON": true}}), vec!["global.logAsJSON"]),
        (json!({"nodeSelector": {"any.example.com/key": "x"}}), vec![]),
    ] {
        let mut found = Vec::new();
        unknown("istiod", "", &values, &known, &mut found);
        assert_eq!(found, wanted, "{values}");
    }
    let known = defaults(&upstream, "kube-prometheus-stack", "88.5.3");
    let mut found = Vec::new();
    unknown(
        "kube-prometheus-stack",
        "",
        &json!({"grafana": {"persistence": {"enabled": true}, "persistance": 1}}),
        &known,
        &mut found,
    );
    assert_eq!(found, ["grafana.persistance"]);
}
