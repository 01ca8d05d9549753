//! Everything that is said of the objects of an environment: checks that a fault in a chart fails, images, and what is asked of nodes.
//! The chart is the tests' own, in `tests/objects`: it has one of everything that the checks look at.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::support::{self, Run};

/// A repository with the chart, after `change` had its way with the folders of both.
fn platform(change: impl FnOnce(&Path, &Path)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let chart = tempfile::tempdir().unwrap();
    let tests = support::tests().join("objects");
    support::copy(&tests.join("platform"), folder.path());
    support::copy(&tests.join("bazaar"), &chart.path().join("bazaar"));
    change(folder.path(), &chart.path().join("bazaar"));
    let bytes = support::pack(&chart.path().join("bazaar"));
    support::vendor_packed(folder.path(), vec![("https://charts.example.com", "1.0.0", "bazaar", bytes)]);
    folder
}

fn replace(folder: &Path, from: &str, to: &str) {
    let mut count = 0;
    for (path, text) in support::files(folder) {
        if text.contains(from) {
            fs::write(folder.join(path), text.replace(from, to)).unwrap();
            count += 1;
        }
    }
    assert!(count > 0, "nothing has {from:?}");
}

fn validate(folder: &Path) -> (Run, Json) {
    let run = support::kubezero(folder, &["validate", "--objects", "--format", "json"]);
    assert_eq!(run.stderr, "");
    let answer = serde_json::from_str(&run.stdout).unwrap();
    (run, answer)
}

/// Codes and words of mistakes or remarks.
fn said(answer: &Json, which: &str) -> Vec<(String, String)> {
    let list = answer[which].as_array().unwrap().iter();
    list.map(|one| (one["code"].as_str().unwrap().to_owned(), one["message"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn nothing_is_wrong_where_nothing_is() {
    let folder = platform(|_, _| {});
    let (run, answer) = validate(folder.path());
    assert_eq!(said(&answer, "mistakes"), []);
    assert_eq!(said(&answer, "remarks"), []);
    assert_eq!(answer["unseen"], serde_json::json!([]));
    assert_eq!(run.code, 0);
    let run = support::kubezero(folder.path(), &["validate", "--objects"]);
    assert_eq!(run.stdout, "1 environment and 2 Applications with 33 objects are valid\n");
}

/// What is replaced in the chart by what, the code of the mistake, and words of it.
const FAULTS: &[[&str; 4]] = &[
    ["claimName: data", "claimName: date", "missing-reference", "names the PersistentVolumeClaim `bazaar/date`"],
    [
        "configMapRef: {name: settings}",
        "configMapRef: {name: setting}",
        "missing-reference",
        "ConfigMap `bazaar/setting`",
    ],
    ["configMap: {name: settings,", "configMap: {name: setups,", "missing-reference", "ConfigMap `bazaar/setups`"],
    ["key: greeting}}}", "key: greetings}}}", "missing-key", "reads `greetings` of the ConfigMap `bazaar/settings`"],
    ["key: greeting, path", "key: bye, path", "missing-key", "reads `bye` of the ConfigMap"],
    ["name: login, key: password", "name: logins, key: password", "missing-reference", "Secret `bazaar/logins`"],
    [
        "name: login, key: password",
        "name: login, key: word",
        "missing-key",
        "reads `word` of the Secret `bazaar/login`",
    ],
    ["name: login, key: user", "name: login, key: usher", "missing-key", "reads `usher` of the Secret"],
    [
        "name: nowhere, key: spare, optional: true",
        "name: nowhere, key: spare",
        "missing-reference",
        "Secret `bazaar/nowhere`",
    ],
    ["imagePullSecrets: [{name: registry}]", "imagePullSecrets: [{name: r}]", "missing-reference", "Secret `bazaar/r`"],
    ["secret: {secretName: web-tls}", "secret: {secretName: tls}", "missing-reference", "Secret `bazaar/tls`"],
    ["--certificate-secret=minted", "--certificate-secret=mint", "missing-reference", "Secret `bazaar/minted`"],
    ["verbs: [create, get]", "verbs: [get]", "missing-reference", "Secret `bazaar/minted`"],
    ["{secretName: web-tls, dnsNames", "{secretName: web, dnsNames", "missing-reference", "Secret `bazaar/web-tls`"],
    [
        "serviceAccountName: web\n      priority",
        "serviceAccountName: wed\n      priority",
        "missing-reference",
        "ServiceAccount `bazaar/wed`",
    ],
    [
        "serviceAccountName: web\n  storage",
        "serviceAccountName: wed\n  storage",
        "missing-reference",
        "at `spec.serviceAccountName`",
    ],
    ["priorityClassName: traders", "priorityClassName: trader", "missing-reference", "PriorityClass `trader`"],
    [
        "spec: {storageClassName: shelves, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi",
        "spec: {storageClassName: shelf, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi",
        "missing-reference",
        "StorageClass `shelf`",
    ],
    [
        "storageClassName: shelves, accessModes: [ReadWriteOnce], resources: {requests: {storage: 9Gi",
        "storageClassName: shelf, accessModes: [ReadWriteOnce], resources: {requests: {storage: 9Gi",
        "missing-reference",
        "at `spec.volumeClaimTemplates`",
    ],
    ["storageClassName: shelves\n  image", "storageClassName: s\n  image", "missing-reference", "StorageClass `s`"],
    ["ingressClassName: gate", "ingressClassName: gates", "missing-reference", "IngressClass `gates`"],
    [
        "service: {name: web, port: {name: http}}",
        "service: {name: wed, port: {name: http}}",
        "missing-reference",
        "Service `bazaar/wed`",
    ],
    [
        "service: {name: web, port: {name: http}}",
        "service: {name: web, port: {name: h}}",
        "missing-port",
        "the port h of the Service",
    ],
    ["kind: Deployment, name: web", "kind: Deployment, name: wed", "missing-reference", "Deployment `bazaar/wed`"],
    ["kind: Role, name: web", "kind: Role, name: wed", "missing-reference", "Role `bazaar/wed`"],
    ["kind: ClusterRole, name: bazaar", "kind: ClusterRole, name: bazar", "missing-reference", "ClusterRole `bazar`"],
    [
        "clientConfig: {service: {name: web, namespace: bazaar, port: 80}}",
        "clientConfig: {service: {name: hook, namespace: bazaar}}",
        "missing-reference",
        "Service `bazaar/hook`",
    ],
    [
        "clientConfig: {service: {name: web, namespace: bazaar, port: 80}}",
        "clientConfig: {service: {name: web, namespace: bazaar}}",
        "missing-port",
        "the port 443 of the Service",
    ],
    ["port: 80, path: /convert", "port: 81, path: /convert", "missing-port", "the port 81"],
    [
        "versionPriority: 100, service: {name: web",
        "versionPriority: 100, service: {name: api",
        "missing-reference",
        "Service `bazaar/api`",
    ],
    ["issuerRef: {name: own}", "issuerRef: {name: other}", "missing-reference", "Issuer `bazaar/other`"],
    [
        "issuerRef: {name: own}",
        "issuerRef: {name: own, kind: ClusterIssuer}",
        "missing-reference",
        "ClusterIssuer `own`",
    ],
    ["parentRefs: [{name: outer}]", "parentRefs: [{name: inner}]", "missing-reference", "Gateway `bazaar/inner`"],
    ["backendRefs: [{name: web, port: 80}]", "backendRefs: [{name: web, port: 8080}]", "missing-port", "the port 8080"],
    ["port: {number: 80}", "port: {number: 81}", "missing-port", "the port 81"],
    ["host: web.bazaar.svc", "host: web.bazar.svc", "", ""],
    ["host: web.bazaar.svc", "host: wed.bazaar.svc", "missing-reference", "Service `bazaar/wed`"],
    [
        "selector: {matchLabels: {app: web}}\n",
        "selector: {matchLabels: {app: wed}}\n",
        "selects-nothing",
        "its own pods do not have",
    ],
    ["selector: {app: web}", "selector: {app: wed}", "selects-nothing", "selects app=wed, and no pod has that"],
    ["pod-name: store-0", "pod-name: store-0, app.kubernetes.io/name: x", "selects-nothing", "store-first"],
    ["targetPort: http}", "targetPort: https}", "missing-port", "sends to the port `https`"],
    ["values: [front]", "values: [back]", "selects-nothing", "selects tier In back"],
    [
        "selector: {matchLabels: {app: web}}, endpoints",
        "selector: {matchLabels: {app: wed}}, endpoints",
        "selects-nothing",
        "no Service has that",
    ],
    ["endpoints: [{port: metrics}]", "endpoints: [{port: metric}]", "missing-port", "wants the port `metric`"],
    [
        "selector: {matchLabels: {app: store}}, pod",
        "selector: {matchLabels: {app: stores}}, pod",
        "selects-nothing",
        "selects app=stores",
    ],
    [
        "podMetricsEndpoints: [{port: db}]",
        "podMetricsEndpoints: [{port: database}]",
        "missing-port",
        "wants the port `database`",
    ],
    [
        "metadata: {name: settings}",
        "metadata: {name: settings, namespace: market}",
        "project-forbids",
        "objects in the namespace `market`",
    ],
    [
        "kind: Issuer\nmetadata: {name: own}\n",
        "kind: RuntimeClass\nmetadata: {name: own}\n",
        "missing-reference",
        "Issuer `bazaar/own`",
    ],
    [
        "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass",
        "apiVersion: node.k8s.io/v1\nkind: RuntimeClass",
        "project-forbids",
        "cluster-scoped objects of the kind `RuntimeClass.node.k8s.io`",
    ],
    [
        "metadata: {name: settings}",
        "metadata: {name: sign}",
        "object-of-two",
        "`bazaar-manifests` and `bazaar` both make `ConfigMap bazaar/sign`",
    ],
    [
        "runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}\n      initContainers",
        "seccompProfile: {type: RuntimeDefault}}\n      initContainers",
        "pod-security",
        "wait: runAsNonRoot is not true",
    ],
    ["tolerations: [{operator: Exists}]", "hostNetwork: true", "pod-security", "hostNetwork"],
    [
        "volumes:\n",
        "volumes:\n      - {name: host, hostPath: {path: /}}\n",
        "pod-security",
        "the volume `host` of type hostPath",
    ],
    ["apiVersion: policy/v1", "apiVersion: policy/v1beta1", "removed-api", "which Kubernetes has not had since 1.25"],
    ["apiVersion: autoscaling/v2", "apiVersion: autoscaling/v2beta2", "removed-api", "since 1.26"],
    [
        "apiVersion: bazaar.example.com/v1\n",
        "apiVersion: bazaar.example.com/v1alpha1\n",
        "unserved-version",
        "does not serve",
    ],
    [
        "apiVersion: bazaar.example.com/v1\n",
        "apiVersion: bazaar.example.com/v2\n",
        "unserved-version",
        "does not serve",
    ],
    [
        "apiVersion: apps/v1\nkind: DaemonSet",
        "apiVersion: {{ fail \"closed\" }}\nkind: DaemonSet",
        "chart-not-rendered",
        "closed",
    ],
];

/// The same for what is no mistake.
const REMARKS: &[[&str; 4]] = &[
    ["requests: {cpu: 20m, memory: 16Mi}", "requests: {cpu: 20m}", "no-requests", "DaemonSet.apps bazaar/lamps (lamp)"],
    ["serviceName: store", "serviceName: stores", "loose-reference", "Service `bazaar/stores`"],
    [
        "subjects: [{kind: ServiceAccount, name: web",
        "subjects: [{kind: ServiceAccount, name: wed",
        "loose-reference",
        "ServiceAccount `bazaar/wed`",
    ],
    [
        "apiVersion: bazaar.example.com/v1\n",
        "apiVersion: bazaar.example.com/v1beta1\n",
        "deprecated-api",
        "calls deprecated",
    ],
    [
        "kind: PriorityClass\nmetadata: {name: traders}\nvalue: 1000",
        "kind: IngressClass\nmetadata: {name: traders}",
        "writes-more",
        "PriorityClass.scheduling.k8s.io",
    ],
    [
        "apiVersion: v1\nkind: ServiceAccount",
        "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\n---\napiVersion: v1\nkind: ServiceAccount",
        "deprecated-api",
        "since Kubernetes 1.33",
    ],
];

#[test]
fn each_fault_is_found() {
    let mut wrong = Vec::new();
    let mut codes = BTreeSet::new();
    let all = FAULTS.iter().map(|fault| (fault, "mistakes")).chain(REMARKS.iter().map(|fault| (fault, "remarks")));
    for ([from, to, code, words], which) in all {
        let folder = platform(|_, chart| replace(chart, from, to));
        let (run, answer) = validate(folder.path());
        let found = said(&answer, which);
        // Without a code nothing is to be said.
        let fine = match *code {
            "" => found.is_empty(),
            code => found.iter().any(|(of, message)| of == code && message.contains(words)),
        };
        let ends = i32::from(!said(&answer, "mistakes").is_empty());
        if !fine || run.code != ends || (which == "mistakes") != (ends == 1) && !code.is_empty() && which == "mistakes"
        {
            wrong.push(format!("{from} → {to}: `{words}` is not in {found:#?}"));
        }
        codes.insert(*code);
    }
    support::nothing_wrong(&wrong);
    println!("{} faults, {} codes", FAULTS.len() + REMARKS.len(), codes.len() - 1);
}

#[test]
fn what_cannot_be_had_is_said_and_not_guessed_at() {
    let folder = platform(|_, chart| replace(chart, "claimName: data", "claimName: date"));
    fs::remove_dir_all(folder.path().join("components/vendor")).unwrap();
    let (run, answer) = validate(folder.path());
    assert_eq!((run.code, said(&answer, "mistakes"), said(&answer, "remarks")), (0, vec![], vec![]));
    assert_eq!(answer["unseen"][0]["chart"], "bazaar");
    for command in [&["validate", "--objects"][..], &["images", "prod"], &["resources", "prod"]] {
        let run = support::kubezero(folder.path(), command);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let words = "skipped: bazaar 1.0.0 is not in the cache, run `kubezero charts fetch`";
        assert!(run.stdout.contains(words), "{}", run.stdout);
    }
}

#[test]
fn without_the_option_charts_are_not_looked_at() {
    let folder = platform(|_, chart| replace(chart, "claimName: data", "claimName: date"));
    assert_eq!(support::kubezero(folder.path(), &["validate"]).code, 0);
}

#[test]
fn images_and_resources_are_as_expected() {
    let folder = platform(|_, _| {});
    let mut wrong = Vec::new();
    for (command, extension) in
        [("images", "text"), ("images", "json"), ("resources", "text"), ("resources", "json"), ("resources", "svg")]
    {
        let run = support::kubezero(folder.path(), &[command, "prod", "--format", extension]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let name = format!("objects/expected/{command}.{}", extension.replace("text", "txt"));
        wrong.extend(support::compare(&support::tests().join(name), &run.stdout));
    }
    support::nothing_wrong(&wrong);
}
