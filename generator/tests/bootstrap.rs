//! What an operator applies by hand is what Argo CD adopts later, and it comes in an order that works.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::trees::{Inputs, rendered};

type Files = BTreeMap<String, String>;

fn all() -> BTreeMap<String, Files> {
    rendered(&Inputs::of_this_repository())
}

fn documents(text: &str) -> Vec<Json> {
    crate::trees::documents("bootstrap", text)
}

fn order(files: &Files) -> Json {
    serde_json::from_str(&files["bootstrap/order.json"]).unwrap()
}

fn one(text: &str) -> Json {
    let mut found = documents(text);
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

fn list<'a>(of: &'a Json, key: &str) -> &'a [Json] {
    of[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[test]
fn each_step_is_what_its_application_says() {
    let (mut charts, mut objects) = (0, 0);
    for (environment, files) in all() {
        let order = order(&files);
        let steps = list(&order, "kubernetes");
        let names: Vec<&str> = steps.iter().map(|step| step["application"].as_str().unwrap()).collect();
        assert_eq!((names.first(), names.last()), (Some(&"namespaces"), Some(&"root")), "{environment}");
        for step in &steps[..steps.len() - 1] {
            let name = step["application"].as_str().unwrap();
            let application = one(&files[&format!("applications/{name}.yaml")]);
            let (source, metadata) = (&application["spec"]["source"], &application["metadata"]);
            let wave: u64 = metadata["annotations"]["argocd.argoproj.io/sync-wave"].as_str().unwrap().parse().unwrap();
            assert_eq!(step["wave"], wave, "{environment}: {name}");
            assert_eq!(step["namespace"], application["spec"]["destination"]["namespace"], "{environment}: {name}");
            if let Some(chart) = step["chart"].as_object() {
                let helm = &source["helm"];
                let said = json!({
                    "repository": source["repoURL"], "name": source["chart"], "version": source["targetRevision"],
                    "release": helm["releaseName"], "kubeVersion": helm["kubeVersion"],
                    "skipCrds": helm["skipCrds"].as_bool().unwrap_or(false), "values": chart["values"],
                    // Argo CD is always given a list, and `v1` says nothing to a chart.
                    "apiVersions": match helm["apiVersions"] == json!(["v1"]) {
                        true => json!([]),
                        false => helm["apiVersions"].clone(),
                    },
                });
                assert_eq!(step["chart"], said, "{environment}: {name}");
                let path = format!("bootstrap/{}", chart["values"].as_str().unwrap());
                let values = documents(&files[&path]).pop().unwrap_or_else(|| json!({}));
                let wanted = match helm["values"].as_str() {
                    Some(text) => one(text),
                    None => helm["valuesObject"].as_object().map_or_else(|| json!({}), |map| json!(map)),
                };
                assert_eq!(values, wanted, "{environment}: {name}");
                charts += 1;
            }
            if let Some(file) = step["file"].as_str() {
                let folder = source["path"].as_str().unwrap().split_once(&format!("{environment}/")).unwrap().1;
                let apart: Vec<&String> = files
                    .iter()
                    .filter(|(path, _)| path.starts_with(&format!("{folder}/")))
                    .map(|(_, text)| text)
                    .collect();
                objects += apart.len();
                let together = apart.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("---\n");
                assert_eq!(files[&format!("bootstrap/{file}")], together, "{environment}: {name}");
            }
        }
        let root = steps.last().unwrap()["file"].as_str().unwrap();
        assert_eq!(files[&format!("bootstrap/{root}")], files["root.yaml"], "{environment}");
    }
    assert!(charts >= 12 && objects >= 20, "{charts} charts, {objects} objects");
    println!("{charts} charts and {objects} objects are applied as their Applications say");
}

/// Whoever comes before a step in Argo CD's order comes before it by hand too, and nothing is missing.
#[test]
fn steps_come_in_the_order_of_waves() {
    for (environment, files) in all() {
        let order = order(&files);
        let steps = list(&order, "kubernetes");
        let waves: Vec<u64> = steps[..steps.len() - 1].iter().map(|step| step["wave"].as_u64().unwrap()).collect();
        assert!(waves.is_sorted(), "{environment}: {waves:?}");
        let namespaces: BTreeSet<String> = documents(&files["bootstrap/k8s/00-namespaces.yaml"])
            .iter()
            .map(|object| object["metadata"]["name"].as_str().unwrap().to_owned())
            .collect();
        for step in steps {
            let namespace = step["namespace"].as_str().unwrap();
            assert!(namespaces.contains(namespace) || namespace.starts_with("kube-"), "{environment}: {namespace}");
        }
    }
}

#[test]
fn argo_cd_syncs_nothing_of_the_bootstrap() {
    for (environment, files) in all() {
        assert_eq!(
            one_of(&files["root.yaml"], "Application")["spec"]["source"]["directory"]["include"],
            "{applications/*,projects/*}"
        );
        for (path, text) in files.iter().filter(|(path, _)| path.starts_with("applications/")) {
            let folder = one(text)["spec"]["source"]["path"].as_str().unwrap_or_default().to_owned();
            assert!(!folder.contains("bootstrap"), "{environment}: {path}");
        }
    }
}

fn one_of(text: &str, kind: &str) -> Json {
    documents(text).into_iter().find(|object| object["kind"] == kind).unwrap()
}

/// Whoever makes the Secrets needs only order.json: the same as in secrets.required.yaml, those that nothing in the cluster makes.
#[test]
fn the_order_has_the_secrets_to_make() {
    let mut made_up = 0;
    for (environment, files) in all() {
        let Some(required) = files.get("bootstrap/secrets.required.yaml") else { continue };
        let required = one(required);
        let wanted: Vec<&Json> = list(&required, "secrets").iter().filter(|secret| secret["madeBy"] == "you").collect();
        let order = order(&files);
        assert_eq!(list(&order, "secrets").iter().collect::<Vec<_>>(), wanted, "{environment}");
        for secret in wanted {
            let (keys, generate) = (secret["keys"].as_object().unwrap(), secret["generate"].as_object().unwrap());
            assert!(generate.keys().all(|key| keys.contains_key(key)), "{environment}: {secret}");
            made_up += generate.len();
            // Two ends of one connection are made up alike.
            for other in list(&order, "secrets").iter().filter(|other| other["name"] == secret["name"]) {
                assert_eq!(other["generate"], secret["generate"], "{environment}: {}", secret["name"]);
            }
        }
    }
    assert!(made_up > 5, "{made_up}");
}

/// Every import is exported by a stack that comes before.
#[test]
fn stacks_come_after_what_they_import() {
    let mut imports = 0;
    for (environment, files) in all() {
        let order = order(&files);
        let mut exported = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for stack in list(&order, "stacks") {
            let text = &files[&format!("bootstrap/{}", stack["file"].as_str().unwrap())];
            let template = one(text);
            for name in imports_of(&template) {
                assert!(exported.contains(&name), "{environment}: {} imports {name}", stack["name"]);
                imports += 1;
            }
            for name in list(stack, "dependsOn") {
                assert!(seen.contains(name.as_str().unwrap()), "{environment}: {}", stack["name"]);
            }
            let outputs = template["Outputs"].as_object().into_iter().flatten();
            exported.extend(outputs.filter_map(|(_, output)| Some(output["Export"]["Name"].as_str()?.to_owned())));
            seen.insert(stack["name"].as_str().unwrap().to_owned());
        }
        let templates = files.keys().filter(|path| path.starts_with("bootstrap/cfn/")).count();
        assert_eq!(templates, seen.len(), "{environment}: every template is a stack");
    }
    println!("{imports} imports find their exports");
}

fn imports_of(node: &Json) -> Vec<String> {
    match node {
        Json::Object(map) => {
            let own = map.get("Fn::ImportValue").and_then(Json::as_str).map(str::to_owned);
            own.into_iter().chain(map.values().flat_map(imports_of)).collect()
        }
        Json::Array(items) => items.iter().flat_map(imports_of).collect(),
        _ => Vec::new(),
    }
}

/// A machine that has the sum of `SHA256SUMS` has the sums of all its files.
#[test]
fn bundles_are_pinned_whole() {
    let hex = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (environment, files) in all() {
        let mut bundles: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for path in files.keys() {
            let Some(rest) = path.strip_prefix("bootstrap/nodes/") else { continue };
            let (bundle, inside) = rest.split_once('/').unwrap();
            bundles.entry(bundle).or_default().insert(inside);
        }
        for (bundle, mut inside) in bundles {
            assert!(inside.remove("SHA256SUMS"), "{environment}: {bundle}");
            let sums = &files[&format!("bootstrap/nodes/{bundle}/SHA256SUMS")];
            for line in sums.lines() {
                let (sum, path) = line.split_once("  ").unwrap();
                assert!(inside.remove(path), "{environment}: {bundle}: {path}");
                assert_eq!(
                    sum,
                    hex(files[&format!("bootstrap/nodes/{bundle}/{path}")].as_bytes()),
                    "{environment}: {path}"
                );
            }
            assert_eq!(inside, BTreeSet::new(), "{environment}: {bundle}");
            // User data, wherever it is, names this very sum.
            let sum = hex(sums.as_bytes());
            let pinned =
                files.iter().filter(|(path, text)| !path.starts_with("bootstrap/nodes/") && text.contains(&sum));
            assert!(pinned.count() > 0, "{environment}: nobody pins {bundle}");
        }
    }
}
