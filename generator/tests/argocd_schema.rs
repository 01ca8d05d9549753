//! What we write is what the API server would accept: every object is checked against its CRD, and a field
//! that the CRD does not have is refused, because the API server would drop it in silence.

use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::Validator;
use serde_json::{Value as Json, json};

use crate::trees::{Definitions, all_rendered, objects, upstream};

/// A structural schema of Kubernetes as JSON Schema.
fn closed(schema: &Json) -> Json {
    let Some(map) = schema.as_object() else { return schema.clone() };
    let mut out = map.clone();
    let open = map.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    let integer_or_string = map.get("x-kubernetes-int-or-string") == Some(&json!(true));
    for key in ["format", "default", "example", "description", "externalDocs"] {
        out.remove(key);
    }
    if let Some(properties) = map.get("properties").and_then(Json::as_object) {
        let mut properties: serde_json::Map<_, _> =
            properties.iter().map(|(key, value)| (key.clone(), closed(value))).collect();
        if map.get("x-kubernetes-embedded-resource") == Some(&json!(true)) {
            for key in ["apiVersion", "kind", "metadata"] {
                properties.entry(key).or_insert_with(|| json!({}));
            }
        }
        out.insert("properties".to_owned(), properties.into());
    }
    match map.get("additionalProperties") {
        Some(values) => {
            out.insert("additionalProperties".to_owned(), closed(values));
        }
        None if map.get("type") == Some(&json!("object")) && !open => {
            out.insert("additionalProperties".to_owned(), json!(false));
        }
        None => {}
    }
    if let Some(items) = map.get("items") {
        out.insert("items".to_owned(), closed(items));
    }
    if map.get("nullable") == Some(&json!(true))
        && let Some(kind) = map.get("type")
    {
        out.insert("type".to_owned(), json!([kind, "null"]));
    }
    if integer_or_string {
        out.remove("type");
        out.insert("type".to_owned(), json!(["integer", "string"]));
    }
    out.into()
}

/// A schema for whole objects: what every object has is not in the CRD.
fn of_object(schema: &Json) -> Json {
    let mut schema = closed(schema);
    for key in ["apiVersion", "kind"] {
        schema["properties"][key] = json!({"type": "string"});
    }
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    schema["properties"]["metadata"] = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "namespace": {"type": "string"},
            "labels": texts,
            "annotations": texts,
            "finalizers": {"type": "array", "items": {"type": "string"}},
        },
    });
    schema
}

/// CRDs, read only when one of their kind is asked for.
struct Crds {
    definitions: Definitions,
    validators: BTreeMap<(String, String), Option<Validator>>,
}

impl Crds {
    fn below(folder: &Path) -> Crds {
        Crds { definitions: Definitions::below(folder), validators: BTreeMap::new() }
    }

    fn of(&mut self, api_version: &str, kind: &str) -> Option<&Validator> {
        let key = (api_version.to_owned(), kind.to_owned());
        if !self.validators.contains_key(&key) {
            let validator = self.definitions.find(api_version, kind).map(|version| {
                jsonschema::validator_for(&of_object(&version["schema"]["openAPIV3Schema"]))
                    .unwrap_or_else(|error| panic!("{api_version} {kind}: {error}"))
            });
            self.validators.insert(key.clone(), validator);
        }
        self.validators[&key].as_ref()
    }
}

fn mistakes(validator: &Validator, object: &Json) -> Vec<String> {
    validator.iter_errors(object).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn every_application_and_project_is_valid() {
    let Some(upstream) = upstream() else { return };
    let mut crds = Crds::below(&upstream.join("argocd-crds/v3.5.1/crds"));
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (environment, files) in &all_rendered() {
        for (path, object) in objects(files) {
            if path.starts_with("manifests/") {
                continue;
            }
            let kind = object["kind"].as_str().unwrap();
            let validator = crds.of("argoproj.io/v1alpha1", kind).unwrap_or_else(|| panic!("{path}: {kind}"));
            wrong.extend(mistakes(validator, &object).into_iter().map(|text| format!("{environment}/{path}: {text}")));
            *count.entry(kind.to_owned()).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count["Application"] > 50 && count["AppProject"] > 20, "{count:?}");
    println!("valid: {count:?}");
}

/// Kinds that the pack has no CRD of, and why.
const WITHOUT_CRD: [(&str, &str); 3] = [
    ("rbac.authorization.k8s.io/", "Kubernetes' own: checked against its own types"),
    ("cilium.io/", "Cilium's operator makes its CRDs when it runs, and the pack has none"),
    ("trust.cert-manager.io/", "checked by the generator against components/facts, the pack has none"),
];

#[test]
fn every_custom_resource_is_valid() {
    let Some(upstream) = upstream() else { return };
    let mut crds = Crds::below(&upstream);
    let (mut checked, mut unknown) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    let mut wrong = Vec::new();
    for (environment, files) in &all_rendered() {
        for (path, object) in objects(files) {
            let (api_version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
            if !path.starts_with("manifests/") || !api_version.split('/').next().unwrap().contains('.') {
                continue;
            }
            let name = format!("{api_version} {kind}");
            let Some(validator) = crds.of(api_version, kind) else {
                *unknown.entry(name).or_default() += 1;
                continue;
            };
            wrong.extend(mistakes(validator, &object).into_iter().map(|text| format!("{environment}/{path}: {text}")));
            *checked.entry(name).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("valid: {checked:#?}\nwithout a CRD in the pack: {unknown:?}");
    let strange: Vec<&String> =
        unknown.keys().filter(|name| !WITHOUT_CRD.iter().any(|(prefix, _why)| name.starts_with(prefix))).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert!(checked.values().sum::<usize>() >= 20);
}

#[test]
fn an_unknown_field_and_a_wrong_type_are_seen() {
    let Some(upstream) = upstream() else { return };
    let mut crds = Crds::below(&upstream.join("argocd-crds/v3.5.1/crds"));
    let validator = crds.of("argoproj.io/v1alpha1", "Application").unwrap();
    let object = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "a"},
        "spec": {"project": "p", "destination": {"namespace": "n", "server": "s"}, "source": {"repoURL": "r", "helm": {"valuesObject": {"any": 1}}}},
    });
    assert!(mistakes(validator, &object).is_empty(), "{:?}", mistakes(validator, &object));
    for (path, value) in [
        ("/spec/unknown", json!(1)),
        ("/spec/source/helm/valueObject", json!({})),
        ("/spec/project", json!(1)),
        ("/metadata/label", json!({})),
        ("/metadata/name", json!(7)),
    ] {
        let mut object = object.clone();
        let (parent, key) = path.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key] = value;
        assert_eq!(mistakes(validator, &object).len(), 1, "{path}: {:?}", mistakes(validator, &object));
    }
}
