//! Nothing is left to chance: where a chart lets one say on which machines a part of it runs, its component says it, and the
//! values of every environment do what the component says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use kubezero::pipeline::repository::{Repository, Wanted};
use serde::Deserialize as _;
use serde_json::{Value as Json, json};

use crate::trees::{Inputs, all_rendered, documents, lay, objects, upstream};

const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// Charts of which the pack has no values.yaml: what their component says is taken as it is.
const NOT_IN_THE_PACK: [&str; 5] =
    ["eck-operator-crds", "opensearch", "opensearch-dashboards", "prometheus-elasticsearch-exporter", "trust-manager"];

/// Charts without a `nodeSelector`: their pods run on every machine that they tolerate.
const WITHOUT_SELECTOR: [&str; 3] = ["cni", "node-local-dns", "ztunnel"];

/// How a part is seen to be off.
enum Switch {
    /// It is nothing by itself.
    NoPart,
    /// The value is false.
    Off,
    /// The value is this text.
    Text(&'static str),
}

/// Parts that are off by another switch than `enabled` at their path or above: the chart, the part, and where the switch is.
const OFF_BY: &[(&str, &str, &str, Switch)] = &[
    // Each part of both charts says it itself.
    ("cert-manager", "global", "", Switch::NoPart),
    ("external-secrets", "global", "", Switch::NoPart),
    ("cilium", "clustermesh.apiserver", "/clustermesh/useAPIServer", Switch::Off),
    ("cilium", "encryption.ztunnel", "/encryption/type", Switch::Text("wireguard")),
    ("external-secrets", ".", "/createOperator", Switch::Off),
    ("external-secrets", "certController", "/certController/create", Switch::Off),
    ("external-secrets", "webhook", "/webhook/create", Switch::Off),
];

/// What the component says of each chart: `chart version`, then each path with its kind of machine.
type Said = BTreeMap<String, BTreeMap<String, Vec<String>>>;

fn said() -> Said {
    let inputs = Inputs::of_this_repository();
    let Ok(repository) = Repository::load(&inputs, &Wanted::All) else { panic!("the repository itself has mistakes") };
    let mut said = Said::new();
    for (name, component) in repository.components() {
        for chart in component.charts.iter().filter(|chart| chart.folder.is_none()) {
            let mut paths: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (kind, list) in &chart.placement {
                for path in list {
                    paths.entry(path.clone()).or_default().push(kind.clone());
                }
            }
            said.insert(format!("{name}/{}: {} {}", chart.key, chart.name, chart.version), paths);
        }
    }
    said
}

/// The paths of all maps that have a `nodeSelector`; `.` is the top.
fn offered(values: &Json) -> BTreeSet<String> {
    fn walk(path: &str, value: &Json, found: &mut BTreeSet<String>) {
        let Some(map) = value.as_object() else { return };
        for (key, inner) in map {
            if key == "nodeSelector" {
                found.insert(if path.is_empty() { ".".to_owned() } else { path.to_owned() });
            }
            walk(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, inner, found);
        }
    }
    let mut found = BTreeSet::new();
    walk("", values, &mut found);
    found
}

/// The first document of a file; one Chart.yaml has two.
fn first(path: &Path) -> Json {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut all = serde_yaml::Deserializer::from_str(&text).filter_map(|one| Json::deserialize(one).ok());
    all.find(|value| !value.is_null()).unwrap_or_else(|| json!({}))
}

/// What is wrong with the paths of one chart.
fn left_to_chance(chart: &str, offered: &BTreeSet<String>, said: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for path in offered {
        match said.get(path).map(Vec::as_slice) {
            None => wrong.push(format!("nobody said where {path} runs")),
            Some([_]) => {}
            Some(several) => wrong.push(format!("{path} is under {several:?}")),
        }
    }
    for (path, kinds) in said.iter().filter(|(path, _)| !offered.contains(*path)) {
        if !(WITHOUT_SELECTOR.contains(&chart) && path == "." && *kinds == ["every-node"]) {
            wrong.push(format!("{path} has no nodeSelector in the chart"));
        }
    }
    wrong
}

fn part<'v>(values: &'v Json, path: &str) -> &'v Json {
    if path == "." {
        return values;
    }
    path.split('.').fold(values, |value, key| &value[key])
}

fn tolerates(tolerations: &Json) -> bool {
    tolerations.as_array().into_iter().flatten().any(|toleration| {
        let all = toleration.get("key").is_none() && toleration["operator"] == "Exists";
        let effect = toleration.get("effect").is_none_or(|effect| effect == "NoSchedule");
        effect && (all || toleration["key"] == CONTROL_PLANE)
    })
}

/// Whether a part is switched off, by `enabled` of itself or of what it belongs to, or by having no pods.
fn is_off(chart: &str, values: &Json, path: &str) -> bool {
    let mut at = path;
    loop {
        let here = part(values, at);
        if at != "." && (here["enabled"] == false || here["replicas"] == 0) {
            return true;
        }
        match at.rsplit_once('.') {
            Some((above, _)) if at != "." => at = above,
            _ => break,
        }
    }
    OFF_BY.iter().filter(|(of, part_of, ..)| *of == chart && *part_of == path).any(|(_, _, at, switch)| match switch {
        Switch::NoPart => true,
        Switch::Off => values.pointer(at) == Some(&json!(false)),
        Switch::Text(text) => values.pointer(at) == Some(&json!(text)),
    })
}

/// What is wrong with one part in the values of an environment, laid over the chart's own.
fn misplaced(chart: &str, values: &Json, path: &str, kind: &str) -> Option<String> {
    if kind == "unused" {
        return (!is_off(chart, values, path))
            .then(|| format!("{path} is said to be unused, and is on as far as can be seen"));
    }
    if is_off(chart, values, path) {
        return None;
    }
    let own = part(values, path);
    // What a part does not say it takes from `global`, where the chart has that.
    let or_global = |key: &str| {
        let said = &own[key];
        let empty = said.as_object().is_none_or(serde_json::Map::is_empty) && said.as_array().is_none_or(Vec::is_empty);
        if empty { &values["global"][key] } else { said }
    };
    let selected = or_global("nodeSelector").get(CONTROL_PLANE).is_some();
    let tolerated = tolerates(or_global("tolerations")) || own["tolerateAllTaints"] == true;
    match kind {
        "controllers" if !selected => Some(format!("{path}.nodeSelector does not choose the controllers")),
        "controllers" if !tolerated => Some(format!("{path}.tolerations lacks the controllers' taint")),
        "workers" if selected => Some(format!("{path}.nodeSelector chooses the controllers")),
        "every-node" if selected => Some(format!("{path}.nodeSelector leaves out the workers")),
        "every-node" if !tolerated => Some(format!("{path}.tolerations leaves out the controllers")),
        _ => None,
    }
}

/// The chart's defaults with those of its subcharts under their names, or nothing where the pack does not have it.
fn known(upstream: &Path, chart: &str, version: &str) -> Option<Json> {
    if NOT_IN_THE_PACK.contains(&chart) {
        return None;
    }
    let name = match chart {
        "base" | "cni" | "gateway" | "istiod" | "ztunnel" => format!("istio-{chart}"),
        other => other.to_owned(),
    };
    let folder = upstream.join(name).join(version);
    let mut own = first(&folder.join("values.yaml"));
    // Istio's charts keep all their defaults below one key, and users set them without it.
    if let Some(inner) = own.get("_internal_defaults_do_not_set") {
        own = inner.clone();
    }
    let mut all = json!({});
    for dependency in first(&folder.join("Chart.yaml"))["dependencies"].as_array().into_iter().flatten() {
        let name = dependency["name"].as_str().unwrap();
        let alias = dependency["alias"].as_str().unwrap_or(name);
        let bundled = folder.join("charts").join(alias).join("values.yaml");
        let published = upstream.join(name).join(dependency["version"].as_str().unwrap()).join("values.yaml");
        if let Some(file) = [bundled, published].into_iter().find(|file| file.is_file()) {
            all[alias] = first(&file);
        }
    }
    lay(&mut all, &own);
    Some(all)
}

#[test]
fn every_place_that_a_chart_offers_is_decided() {
    let Some(upstream) = upstream() else { return };
    let (mut paths, mut absent, mut wrong) = (0, BTreeSet::new(), Vec::new());
    let said = said();
    for (name, said) in &said {
        let (chart, version) = name.split_once(": ").unwrap().1.split_once(' ').unwrap();
        let Some(values) = known(&upstream, chart, version) else {
            absent.insert(chart.to_owned());
            continue;
        };
        let offered = offered(&values);
        paths += offered.len();
        wrong.extend(left_to_chance(chart, &offered, said).into_iter().map(|text| format!("{name}: {text}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(absent, NOT_IN_THE_PACK.map(str::to_owned).into());
    println!("{paths} places of {} charts are decided; not in the pack: {absent:?}", said.len());
    assert!(paths > 50, "{paths}");
}

#[test]
fn values_place_every_part_as_the_component_says() {
    let Some(upstream) = upstream() else { return };
    let said = said();
    let mut all_defaults: BTreeMap<String, Json> = BTreeMap::new();
    let (mut placed, mut wrong) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, BTreeSet<String>>::new());
    for (environment, files) in &all_rendered() {
        for (path, object) in objects(files) {
            let Some(chart) = object.pointer("/spec/source/chart").and_then(Json::as_str) else { continue };
            let version = object["spec"]["source"]["targetRevision"].as_str().unwrap();
            let component = object["metadata"]["labels"]["kubezero.io/component"].as_str().unwrap();
            let application = object["metadata"]["name"].as_str().unwrap();
            // Two charts of one name, as the two gateways are, are told apart by their key.
            let mine = |name: &&String| {
                let (key, rest) = name.split_once(": ").unwrap();
                let key = key.strip_prefix(&format!("{component}/"));
                rest == format!("{chart} {version}")
                    && key.is_some_and(|key| {
                        application == key || application == format!("{component}-{key}") || application == component
                    })
            };
            let name = said.keys().find(mine).unwrap_or_else(|| panic!("{environment}/{path}: {chart} {version}"));
            let helm = &object["spec"]["source"]["helm"];
            let values = match helm.get("values").and_then(Json::as_str) {
                Some(text) => documents(path, text).pop().unwrap(),
                None => helm.get("valuesObject").cloned().unwrap_or_else(|| json!({})),
            };
            let defaults = all_defaults
                .entry(format!("{chart} {version}"))
                .or_insert_with(|| known(&upstream, chart, version).unwrap_or_else(|| json!({})));
            let mut laid = defaults.clone();
            lay(&mut laid, &values);
            for (path, kinds) in &said[name] {
                *placed.entry(kinds[0].clone()).or_default() += 1;
                if let Some(text) = misplaced(chart, &laid, path, &kinds[0]) {
                    wrong.entry(format!("{name}: {text}")).or_default().insert(environment.clone());
                }
            }
        }
    }
    let lines: Vec<_> = wrong.iter().map(|(text, environments)| format!("{text}\n    in {environments:?}")).collect();
    assert!(lines.is_empty(), "{} wrong:\n{}", lines.len(), lines.join("\n"));
    println!("placed: {placed:?}");
    assert!(placed["controllers"] > 100 && placed["every-node"] > 30, "{placed:?}");
}

#[test]
fn a_part_left_to_chance_is_seen() {
    let values = json!({"nodeSelector": {}, "worker": {"nodeSelector": {}, "inner": {"nodeSelector": {}}}});
    let offered = offered(&values);
    assert_eq!(offered, [".", "worker", "worker.inner"].map(str::to_owned).into());
    let said = |list: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
        list.iter()
            .map(|(path, kinds)| ((*path).to_owned(), kinds.iter().map(|kind| (*kind).to_owned()).collect()))
            .collect()
    };
    let one: &[&str] = &["controllers"];
    let all = said(&[(".", one), ("worker", one), ("worker.inner", one)]);
    assert!(left_to_chance("c", &offered, &all).is_empty());
    assert_eq!(
        left_to_chance("c", &offered, &said(&[(".", one), ("worker", one)])),
        ["nobody said where worker.inner runs"]
    );
    let more = said(&[(".", one), ("worker", &["controllers", "workers"]), ("worker.inner", one), ("gone", one)]);
    assert_eq!(left_to_chance("c", &offered, &more).len(), 2);
    let every = said(&[(".", &["every-node"])]);
    assert_eq!(left_to_chance("c", &BTreeSet::new(), &every), [". has no nodeSelector in the chart"]);
    assert!(left_to_chance("cni", &BTreeSet::new(), &every).is_empty());

    let chosen = json!({CONTROL_PLANE: ""});
    let taint = json!([{"key": CONTROL_PLANE, "operator": "Exists", "effect": "NoSchedule"}]);
    let fine = json!({"a": {"nodeSelector": chosen, "tolerations": taint}});
    assert_eq!(misplaced("c", &fine, "a", "controllers"), None);
    for (pointer, value) in
        [("/a/nodeSelector", json!({})), ("/a/tolerations", json!([{"key": "other"}])), ("/a/tolerations", json!([]))]
    {
        let mut values = fine.clone();
        *values.pointer_mut(pointer).unwrap() = value;
        assert!(misplaced("c", &values, "a", "controllers").is_some(), "{values}");
        values["global"] = fine["a"].clone();
        let inherits = !values["a"]["tolerations"].to_string().contains("other");
        assert_eq!(misplaced("c", &values, "a", "controllers").is_none(), inherits, "{values}");
    }
    assert!(misplaced("c", &fine, "a", "workers").is_some());
    assert!(misplaced("c", &fine, "a", "every-node").is_some());
    assert!(misplaced("c", &json!({"a": {}}), "a", "every-node").is_some());
    assert_eq!(misplaced("c", &json!({"a": {"tolerations": [{"operator": "Exists"}]}}), "a", "every-node"), None);
    assert!(misplaced("c", &fine, "a", "unused").is_some());
    assert_eq!(misplaced("c", &json!({"a": {"enabled": false, "b": {}}}), "a.b", "unused"), None);
}
