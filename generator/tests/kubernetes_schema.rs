//! Kubernetes' own kinds are what the API server of every supported version knows: each object is checked against the types of
//! that version, and a field that they do not have is refused, because the API server would drop it in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use jsonschema::Validator;
use serde_json::{Value as Json, json};

use crate::trees::{all_rendered, objects, root};

/// Groups that look like Kubernetes' own and are made by CRDs.
const DEFINED_BY_CRDS: [&str; 2] = ["gateway.networking.k8s.io", "snapshot.storage.k8s.io"];

/// The types of one minor version.
struct Types {
    minor: String,
    document: Json,
    validators: BTreeMap<String, Validator>,
}

impl Types {
    fn namespaced(&self, api_version: &str, kind: &str) -> Option<bool> {
        self.document["namespaced"][format!("{api_version} {kind}")].as_bool()
    }

    fn definition(&mut self, model: &str) -> &Validator {
        let document = &self.document;
        self.validators.entry(model.to_owned()).or_insert_with(|| {
            let schema = json!({"$ref": format!("#/$defs/{model}"), "$defs": document["$defs"]});
            jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{model}: {error}"))
        })
    }

    /// What is wrong with an object; nothing where it is none of Kubernetes' own.
    fn mistakes(&mut self, object: &Json) -> Option<Vec<String>> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
        let (api_version, kind) = (text("/apiVersion"), text("/kind"));
        let Some(namespaced) = self.namespaced(&api_version, &kind) else {
            let group = api_version.split_once('/').map_or("", |(group, _)| group);
            let own = !group.contains('.') || group.ends_with(".k8s.io") && !DEFINED_BY_CRDS.contains(&group);
            return own.then(|| vec![format!("Kubernetes {} has no {api_version} {kind}", self.minor)]);
        };
        let reference = self.document["schemas"][format!("{api_version} {kind}")]["$ref"].clone();
        let model = reference.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let mut mistakes = errors(self.definition(&model), object);
        if namespaced == text("/metadata/namespace").is_empty() {
            let has = if namespaced { "needs a" } else { "has no" };
            mistakes.push(format!("/metadata/namespace: {kind} {has} namespace"));
        }
        Some(mistakes)
    }
}

fn errors(validator: &Validator, value: &Json) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The versions that an environment may have.
fn supported() -> Vec<String> {
    let text = fs::read_to_string(root().join("environments/environment.schema.yaml")).unwrap();
    let schema: Json = serde_yaml::from_str(&text).unwrap();
    let minors = schema.pointer("/properties/cluster/properties/kubernetesVersion/enum").unwrap();
    serde_json::from_value(minors.clone()).unwrap()
}

/// The types of all supported versions, or a line that says why they cannot be had here.
fn types() -> Option<Vec<Types>> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kubernetes");
    let script = root().join("generator/tests/kubernetes/schema.py");
    let mut all = Vec::new();
    for minor in supported() {
        // One test at a time: two would write the same download.
        static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _one = ONE.lock();
        let mut command = Command::new("python3");
        command.arg(&script).arg(&minor).arg(&cache).stdin(Stdio::null());
        let Ok(output) = command.output() else {
            println!("skipped: the types of Kubernetes need python3");
            return None;
        };
        if output.status.code() == Some(77) {
            println!("skipped: the types of Kubernetes: {}", String::from_utf8_lossy(&output.stdout).trim());
            return None;
        }
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let document = serde_json::from_slice(&output.stdout).unwrap();
        all.push(Types { minor, document, validators: BTreeMap::new() });
    }
    Some(all)
}

/// The pods inside of custom resources, which CRDs leave open, with their paths.
fn pod_templates<'v>(path: &str, value: &'v Json, found: &mut Vec<(String, &'v Json)>) {
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                let path = format!("{path}/{key}");
                if key == "podTemplate" {
                    found.push((path, value));
                } else {
                    pod_templates(&path, value, found);
                }
            }
        }
        Json::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                pod_templates(&format!("{path}/{index}"), value, found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_built_in_object_is_valid_in_every_supported_version() {
    let Some(mut types) = types() else { return };
    assert!(types.len() >= 2, "two versions are supported");
    let trees = all_rendered();
    for types in &mut types {
        let (mut checked, mut pods, mut custom) = (BTreeMap::<String, usize>::new(), 0, BTreeSet::new());
        let mut wrong = BTreeSet::new();
        for (environment, files) in &trees {
            for (path, object) in objects(files) {
                let name = format!("{} {}", object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
                match types.mistakes(&object) {
                    Some(mistakes) => {
                        wrong.extend(mistakes.into_iter().map(|text| format!("{environment}/{path}: {text}")));
                        *checked.entry(name).or_default() += 1;
                    }
                    None => {
                        let mut found = Vec::new();
                        pod_templates("", &object["spec"], &mut found);
                        for (at, pod) in found {
                            let mut pod = pod.clone();
                            // The operator puts its own container in where there is none to change.
                            if pod["spec"].is_object() && pod["spec"]["containers"].is_null() {
                                pod["spec"]["containers"] = json!([]);
                            }
                            let mistakes = errors(types.definition("V1PodTemplateSpec"), &pod);
                            wrong.extend(mistakes.iter().map(|text| format!("{environment}/{path}: {at}{text}")));
                            pods += 1;
                        }
                        custom.insert(name);
                    }
                }
            }
        }
        let wrong: Vec<_> = wrong.into_iter().collect();
        assert!(wrong.is_empty(), "Kubernetes {}:\n{}", types.minor, wrong.join("\n"));
        println!("Kubernetes {}: {pods} pods in custom resources, and {checked:#?}", types.minor);
        assert!(checked.len() >= 10 && checked.values().sum::<usize>() > 150, "{checked:?}");
        assert!(custom.contains("cert-manager.io/v1 Certificate"), "{custom:?}");
        assert!(pods >= 2, "{pods}");
    }
}

#[test]
fn what_kubernetes_does_not_know_is_seen() {
    let Some(types) = types() else { return };
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j", "namespace": "n"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "c", "image": "i", "resources": {"limits": {"memory": "1Gi"}}}],
        }}},
    });
    let container = "/spec/template/spec/containers/0";
    for mut types in types {
        assert_eq!(types.mistakes(&job), Some(vec![]), "{}", types.minor);
        for (parent, key, value) in [
            ("", "data", json!({})),
            ("/spec", "backofLimit", json!(1)),
            ("/spec", "backoffLimit", json!("1")),
            ("/spec/template/spec", "hostNetwork", json!("true")),
            (container, "resources", json!({"limits": {"memory": 1}})),
            (container, "ports", json!([{"name": "no number"}])),
            (container, "livenessProbe", json!({"httpGet": {"port": true}})),
            (container, "securityContext", json!({"capabilities": {"drop": "ALL"}})),
            ("/metadata", "annotations", json!({"a": 1})),
            ("/metadata", "namespace", Json::Null),
            ("", "apiVersion", json!("batch/v1beta1")),
            ("", "kind", json!("Jobs")),
        ] {
            let mut object = job.clone();
            object.pointer_mut(parent).unwrap()[key] = value;
            let found = types.mistakes(&object).unwrap_or_default();
            assert!(!found.is_empty(), "Kubernetes {}: {parent}/{key}", types.minor);
        }
        let widget = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}});
        assert_eq!(types.mistakes(&widget), None);
        let mut namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "w"}});
        assert_eq!(types.mistakes(&namespace), Some(vec![]));
        namespace["metadata"]["namespace"] = json!("n");
        assert_eq!(types.mistakes(&namespace).unwrap().len(), 1);
    }
}
