//! What selects finds something: workloads their own pods, Services and budgets pods, monitors Services and pods, each with the ports that
//! they name.

use serde_json::Value as Json;

use super::check::Findings;
use super::known::Known;
use super::workloads::{Pod, selects};
use super::{Object, list, text};
use crate::diagnostic::Diagnostic;

/// Pods of Kubernetes itself in kube-system, by what they are selected by; kubeadm makes them.
const PODS_OF_KUBERNETES: [(&str, &str); 7] = [
    ("component", "kube-apiserver"),
    ("component", "kube-controller-manager"),
    ("component", "kube-scheduler"),
    ("component", "etcd"),
    ("tier", "control-plane"),
    ("k8s-app", "kube-dns"),
    ("k8s-app", "kube-proxy"),
];

/// Ports that Istio gives a pod when it puts its proxy into it.
const PORTS_OF_PROXY: [&str; 4] = ["http-envoy-prom", "http-envoy-admin", "status-port", "mesh-metrics"];

/// Services of Kubernetes itself: namespace, name, labels, ports.
type ServiceOf = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);
const SERVICES_OF_KUBERNETES: [ServiceOf; 2] = [
    ("default", &[("component", "apiserver"), ("provider", "kubernetes")], &["https"]),
    (
        "kube-system",
        &[("k8s-app", "kube-dns"), ("kubernetes.io/cluster-service", "true")],
        &["dns", "dns-tcp", "metrics"],
    ),
];

/// Looks for what is selected.
pub fn check(known: &Known<'_>, found: &mut Findings) {
    for object in &known.environment.objects {
        match (object.identity.group.as_str(), object.identity.kind.as_str()) {
            ("apps", _) => workload(known, object, found),
            ("", "Service") => service(known, object, found),
            ("policy", "PodDisruptionBudget") => budget(known, object, found),
            ("monitoring.coreos.com", "ServiceMonitor") => service_monitor(known, object, found),
            ("monitoring.coreos.com", "PodMonitor") => pod_monitor(known, object, found),
            _ => {}
        }
    }
}

/// Labels that controllers give each pod beside those of its template.
const OF_CONTROLLERS: [&str; 4] =
    ["apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-name", "job-name", "statefulset.kubernetes.io/pod-name"];

/// A selector without the labels that are known only of a single pod.
fn of_template(selector: &Json) -> Json {
    let mut selector = selector.clone();
    if let Some(equal) = selector.get_mut("matchLabels").and_then(Json::as_object_mut) {
        equal.retain(|key, _| !OF_CONTROLLERS.contains(&key.as_str()));
    }
    selector
}

fn labels_of(pod: &Pod<'_>) -> impl Fn(&str) -> Option<String> {
    let labels = pod.metadata.get("labels").cloned();
    move |key| Some(labels.as_ref()?.get(key)?.as_str()?.to_owned())
}

fn words(selector: &Json) -> String {
    let equal = selector.get("matchLabels").and_then(Json::as_object).into_iter().flatten();
    let mut words: Vec<String> =
        equal.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    words.extend(list(selector, "/matchExpressions").map(|expression| {
        let values: Vec<&str> = list(expression, "/values").filter_map(Json::as_str).collect();
        format!("{} {} {}", text(expression, "/key"), text(expression, "/operator"), values.join("|"))
            .trim_end()
            .to_owned()
    }));
    words.join(", ")
}

/// Whether an operator may make pods for an object: a custom resource, and none that is known to be something else.
fn may_make_pods(object: &Object) -> bool {
    let (group, kind) = (object.identity.group.as_str(), object.identity.kind.as_str());
    !object.identity.is_built_in()
        && !["cert-manager.io", "external-secrets.io", "networking.istio.io", "trust.cert-manager.io"].contains(&group)
        && !["HTTPRoute", "PodMonitor", "PrometheusRule", "ServiceMonitor"].contains(&kind)
}

/// The pods that a selector takes in a namespace; nothing where nobody can say, because somebody else makes pods there.
fn chosen<'k, 'e>(known: &'k Known<'e>, namespace: &str, selector: &Json) -> Option<Vec<&'k Pod<'e>>> {
    let there = || known.pods.iter().filter(|pod| pod.namespace() == namespace);
    let selector = &of_template(selector);
    let chosen: Vec<&Pod<'_>> = there().filter(|pod| pod.is_whole && selects(selector, labels_of(pod))).collect();
    if !chosen.is_empty() {
        return Some(chosen);
    }
    let equal = || selector.get("matchLabels").and_then(Json::as_object).into_iter().flatten();
    let of_kubernetes = namespace == "kube-system"
        && equal().any(|(key, value)| PODS_OF_KUBERNETES.iter().any(|(label, of)| key == label && value == of));
    // An operator labels the pods that it makes with the name of the object that it makes them for.
    let custom = known
        .environment
        .objects
        .iter()
        .filter(|object| may_make_pods(object) && ["", namespace].contains(&object.identity.namespace.as_str()));
    let names: Vec<&str> = custom.map(|object| object.identity.name.as_str()).collect();
    let of_operator = equal().any(|(_, value)| value.as_str().is_some_and(|value| names.contains(&value)));
    let unsure = of_kubernetes
        || of_operator
        || known.environment.may_hide(namespace)
        || !known.is_known_namespace(namespace)
        || there().any(|pod| !pod.is_whole && selects(selector, labels_of(pod)));
    (!unsure).then_some(Vec::new())
}

/// A workload's selector takes its own pods.
fn workload(known: &Known<'_>, object: &Object, found: &mut Findings) {
    let Some(selector) = object.content().pointer("/spec/selector") else { return };
    let Some(pod) = known.pods.iter().find(|pod| std::ptr::eq(pod.object, object)) else { return };
    if !selects(selector, labels_of(pod)) {
        found.mistakes.push(
            Diagnostic::new(
                "selects-nothing",
                format!("{} selects {}, which its own pods do not have", object.words(), words(selector)),
            )
            .at_maybe(object.at, "")
            .help("the API server refuses it: the selector must take the labels of the template"),
        );
    }
}

/// The names of a pod's ports.
fn ports<'p>(pod: &Pod<'p>) -> Vec<&'p str> {
    let own = pod.containers().flat_map(|container| list(container, "/ports")).map(|port| text(port, "/name"));
    own.filter(|name| !name.is_empty()).collect()
}

/// Whether Istio may put its proxy into a pod.
fn may_have_proxy(known: &Known<'_>, pod: &Pod<'_>) -> bool {
    let namespace = known.get("", "Namespace", "", pod.namespace());
    let of_namespace =
        |key: &str| namespace.map(|object| object.text(&format!("/metadata/labels/{}", key.replace('/', "~1"))));
    let annotated = |key: &str| pod.metadata.get("annotations").and_then(|map| map.get(key)).is_some();
    pod.label("sidecar.istio.io/inject") == Some("true")
        || annotated("inject.istio.io/templates")
        || of_namespace("istio-injection") == Some("enabled")
        || of_namespace("istio.io/rev").is_some_and(|revision| !revision.is_empty())
}

fn has_port(known: &Known<'_>, pod: &Pod<'_>, name: &str) -> bool {
    ports(pod).contains(&name) || PORTS_OF_PROXY.contains(&name) && may_have_proxy(known, pod)
}

fn service(known: &Known<'_>, object: &Object, found: &mut Findings) {
    let selector = object.content().pointer("/spec/selector").and_then(Json::as_object);
    let Some(selector) = selector.filter(|selector| !selector.is_empty()) else { return };
    let selector = serde_json::json!({"matchLabels": selector});
    let Some(pods) = chosen(known, &object.identity.namespace, &selector) else { return };
    if pods.is_empty() {
        found.mistakes.push(
            Diagnostic::new(
                "selects-nothing",
                format!("{} selects {}, and no pod has that", object.words(), words(&selector)),
            )
            .at_maybe(object.at, "")
            .help("correct the labels, or switch on what makes the pods"),
        );
        return;
    }
    for port in list(object.content(), "/spec/ports") {
        let Some(target) = port.get("targetPort").and_then(Json::as_str) else { continue };
        // A Service may span several workloads, of which one has the port.
        if target.parse::<u16>().is_err() && !pods.iter().any(|pod| has_port(known, pod, target)) {
            let all: Vec<&str> = pods.iter().flat_map(|pod| ports(pod)).collect();
            found.mistakes.push(
                Diagnostic::new(
                    "missing-port",
                    format!("{} sends to the port `{target}`, which its pods do not have", object.words()),
                )
                .at_maybe(object.at, "")
                .did_you_mean(target, all.iter().copied())
                .help(has_words(&all)),
            );
        }
    }
}

fn has_words(names: &[&str]) -> String {
    match names {
        [] => "they name no port at all".to_owned(),
        names => format!("they have {}", crate::values::schema::list_words(names)),
    }
}

fn budget(known: &Known<'_>, object: &Object, found: &mut Findings) {
    let Some(selector) = object.content().pointer("/spec/selector").filter(|selector| selector.is_object()) else {
        return;
    };
    if chosen(known, &object.identity.namespace, selector).is_some_and(|pods| pods.is_empty()) {
        found.mistakes.push(
            Diagnostic::new(
                "selects-nothing",
                format!("{} selects {}, and no pod has that", object.words(), words(selector)),
            )
            .at_maybe(object.at, "")
            .help("it protects nothing: correct the labels, or leave it out"),
        );
    }
}

/// The namespaces that a monitor looks into; nothing for all of them.
fn looks_into(object: &Object) -> Option<Vec<&str>> {
    let selector = object.content().pointer("/spec/namespaceSelector");
    if selector.and_then(|selector| selector.get("any")).is_some_and(|any| *any == true) {
        return None;
    }
    let named: Vec<&str> =
        list(object.content(), "/spec/namespaceSelector/matchNames").filter_map(Json::as_str).collect();
    Some(if named.is_empty() { vec![object.identity.namespace.as_str()] } else { named })
}

fn no_port(object: &Object, port: &str, what: &str, all: &[&str], found: &mut Findings) {
    let mut all = all.to_vec();
    all.sort_unstable();
    all.dedup();
    found.mistakes.push(
        Diagnostic::new(
            "missing-port",
            format!("{} wants the port `{port}`, which no {what} that it selects has", object.words()),
        )
        .at_maybe(object.at, "")
        .did_you_mean(port, all.iter().copied())
        .help(has_words(&all)),
    );
}

fn service_monitor(known: &Known<'_>, object: &Object, found: &mut Findings) {
    let Some(selector) = object.content().pointer("/spec/selector") else { return };
    let within = looks_into(object);
    let is_within = |namespace: &str| within.as_ref().is_none_or(|names| names.contains(&namespace));
    let services: Vec<&Object> = known
        .of_kind("", "Service")
        .into_iter()
        .filter(|service| is_within(&service.identity.namespace))
        .filter(|service| {
            let labels = service.content().pointer("/metadata/labels");
            selects(selector, |key| Some(labels?.get(key)?.as_str()?.to_owned()))
        })
        .collect();
    let of_kubernetes: Vec<&ServiceOf> = SERVICES_OF_KUBERNETES
        .iter()
        .filter(|(namespace, labels, _)| {
            let label = |key: &str| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
            is_within(namespace) && selects(selector, label)
        })
        .collect();
    if services.is_empty() && of_kubernetes.is_empty() {
        if !is_unsure(known, within.as_deref(), selector, "Service") {
            found.mistakes.push(
                Diagnostic::new(
                    "selects-nothing",
                    format!("{} selects {}, and no Service has that", object.words(), words(selector)),
                )
                .at_maybe(object.at, "")
                .help("nothing would be measured: correct the labels or the namespaces"),
            );
        }
        return;
    }
    let named =
        services.iter().flat_map(|service| list(service.content(), "/spec/ports")).map(|port| text(port, "/name"));
    let named: Vec<&str> = named.chain(of_kubernetes.iter().flat_map(|(.., ports)| ports.iter().copied())).collect();
    for port in list(object.content(), "/spec/endpoints").map(|endpoint| text(endpoint, "/port")) {
        if !port.is_empty() && !named.contains(&port) {
            no_port(object, port, "Service", &named, found);
        }
    }
}

/// Whether somebody else could make what a monitor selects.
fn is_unsure(known: &Known<'_>, within: Option<&[&str]>, selector: &Json, kind: &str) -> bool {
    let hidden = |namespace: &&str| known.environment.may_hide(namespace) || !known.is_known_namespace(namespace);
    let values: Vec<&str> = selector
        .get("matchLabels")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(_, value)| value.as_str())
        .collect();
    // An operator labels what it makes with its own name, or that of the object.
    let by_operator = known
        .environment
        .objects
        .iter()
        .any(|object| may_make_pods(object) && values.contains(&object.identity.name.as_str()));
    // A program that is told the name of a Service makes it.
    let told = kind == "Service"
        && known
            .pods
            .iter()
            .flat_map(Pod::containers)
            .flat_map(|container| list(container, "/args"))
            .filter_map(Json::as_str)
            .any(|word| {
                word.split_once("-service=")
                    .is_some_and(|(_, name)| values.iter().any(|value| name.ends_with(&format!("-{value}"))))
            });
    by_operator || told || within.map_or(!known.environment.unseen.is_empty(), |names| names.iter().any(hidden))
}

fn pod_monitor(known: &Known<'_>, object: &Object, found: &mut Findings) {
    let Some(selector) = object.content().pointer("/spec/selector") else { return };
    let within = looks_into(object);
    let pods: Vec<&Pod<'_>> = known
        .pods
        .iter()
        .filter(|pod| within.as_ref().is_none_or(|names| names.contains(&pod.namespace())))
        .filter(|pod| pod.is_whole && selects(selector, labels_of(pod)))
        .collect();
    if pods.is_empty() {
        let unsure = is_unsure(known, within.as_deref(), selector, "Pod")
            || within.iter().flatten().any(|namespace| chosen(known, namespace, selector).is_none());
        if !unsure {
            found.mistakes.push(
                Diagnostic::new(
                    "selects-nothing",
                    format!("{} selects {}, and no pod has that", object.words(), words(selector)),
                )
                .at_maybe(object.at, "")
                .help("nothing would be measured: correct the labels or the namespaces"),
            );
        }
        return;
    }
    for port in list(object.content(), "/spec/podMetricsEndpoints").map(|endpoint| text(endpoint, "/port")) {
        if !port.is_empty() && !pods.iter().any(|pod| has_port(known, pod, port)) {
            let all: Vec<&str> = pods.iter().flat_map(|pod| ports(pod)).collect();
            no_port(object, port, "pod", &all, found);
        }
    }
}
