//! Everything that is spoken of is there. In each environment, and in each test case of each component, what our objects, our
//! values and the components' facts refer to exists: Secrets, issuers, gateways, classes, namespaces, Services and their ports.
//! What only a rendered chart shows stands in `CHARTS_MAKE`, with where it was looked up.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::LazyLock;

use kubezero::pipeline::objects::security::{Policy, violations};
use kubezero::pipeline::plan::Content;
use kubezero::pipeline::render::{RenderedTree, SecretNeed};
use kubezero::pipeline::repository::{Repository, Wanted};
use regex::Regex;
use serde_json::{Value as Json, json};

use crate::combinations;
use crate::trees::{Inputs, documents, each_rendered, objects, texts};

/// What a chart or an operator makes and others speak of: the Application, the kind, `namespace/name`, labels that are selected
/// by, and ports by name and number.
struct Made {
    by: &'static str,
    kind: &'static str,
    name: &'static str,
    labels: &'static [(&'static str, &'static str)],
    ports: &'static [(&'static str, u64)],
}

const fn made(
    by: &'static str,
    kind: &'static str,
    name: &'static str,
    labels: &'static [(&'static str, &'static str)],
    ports: &'static [(&'static str, u64)],
) -> Made {
    Made { by, kind, name, labels, ports }
}

/// Each with where it was looked up.
const CHARTS_MAKE: &[Made] = &[
    // argo-cd's values: server.service.servicePortHttp and servicePortHttps; `nameOverride` is argocd.
    made("argo-cd", "Service", "argocd/argocd-server", &[], &[("http", 80), ("https", 443)]),
    // The chart's DaemonSet: its labels are fixed (aws-cloud-controller-manager, templates/daemonset.yaml).
    made(
        "aws-cloud-controller-manager",
        "Pod",
        "kube-system/aws-cloud-controller-manager",
        &[("k8s-app", "aws-cloud-controller-manager")],
        &[],
    ),
    // The operator makes both, with these labels (tigera/operator, pkg/render/node.go and typha.go).
    made("calico-operator", "Pod", "calico-system/calico-node", &[("k8s-app", "calico-node")], &[("", 9091)]),
    made("calico-operator", "Pod", "calico-system/calico-typha", &[("k8s-app", "calico-typha")], &[("", 9093)]),
    // cilium's templates/hubble-ui/service.yaml.
    made("cilium", "Service", "kube-system/hubble-ui", &[], &[("http", 80)]),
    // The operator makes them for the objects of these names (Elastic's "Services" and "Access the Elastic Stack").
    made("elastic-manifests", "Service", "elastic-system/elasticsearch-es-http", &[], &[("https", 9200)]),
    made("elastic-manifests", "Service", "elastic-system/kibana-kb-http", &[], &[("http", 5601)]),
    // eck-operator's ServiceAccount has the chart's full name, which is the release's where that contains the chart's.
    made("elastic-operator", "ServiceAccount", "elastic-system/elastic-operator", &[], &[]),
    // cert-manager's ServiceAccount has the chart's full name.
    made("cert-manager", "ServiceAccount", "cert-manager/cert-manager", &[], &[]),
    // istiod's templates/service.yaml.
    made("istio-istiod", "Service", "istio-system/istiod", &[("app", "istiod")], &[("http-monitoring", 15014)]),
    // The gateway chart labels its pods with `istio` and the release without `istio-`; the proxy's port is the injected one.
    made(
        "istio-gateway-public",
        "Pod",
        "istio-ingress/istio-ingressgateway",
        &[("istio", "ingressgateway")],
        &[("http-envoy-prom", 15090)],
    ),
    made(
        "istio-gateway-private",
        "Pod",
        "istio-ingress/istio-private-ingressgateway",
        &[("istio", "private-ingressgateway")],
        &[("http-envoy-prom", 15090)],
    ),
    // Their Services have the ports of our values.
    made("istio-gateway-public", "Service", "istio-ingress/istio-ingressgateway", &[], &[]),
    made("istio-gateway-private", "Service", "istio-ingress/istio-private-ingressgateway", &[], &[]),
    // fluentd's helpers: full name is the release's where that contains the chart's; the port is in our values.
    made("logging-fluentd", "Service", "logging/logging-fluentd", &[], &[("forward", 24224)]),
    made(
        "logging-fluentd",
        "Pod",
        "logging/logging-fluentd",
        &[("app.kubernetes.io/instance", "logging-fluentd"), ("app.kubernetes.io/name", "fluentd")],
        &[],
    ),
    // kube-prometheus-stack's values: prometheus.service.port, alertmanager.service.port, grafana's service.port; our fullnameOverride.
    made("metrics-stack", "Service", "monitoring/metrics-prometheus", &[], &[("http-web", 9090)]),
    made("metrics-stack", "Service", "monitoring/metrics-alertmanager", &[], &[("http-web", 9093)]),
    made("metrics-stack", "Service", "monitoring/metrics-grafana", &[], &[("service", 80)]),
    // node-local-dns's helpers.
    made(
        "node-local-dns",
        "Pod",
        "kube-system/node-local-dns",
        &[("app.kubernetes.io/instance", "node-local-dns"), ("app.kubernetes.io/name", "node-local-dns")],
        &[("dns", 53), ("dns-tcp", 53)],
    ),
    // opensearch's values: httpPort, and fullnameOverride or the cluster's name for the Service.
    made("opensearch-opensearch", "Service", "opensearch/opensearch", &[], &[("http", 9200)]),
    made("opensearch-opensearch", "Service", "opensearch/opensearch-headless", &[], &[("http", 9200)]),
    made("opensearch-dashboards", "Service", "opensearch/opensearch-dashboards", &[], &[("http", 5601)]),
];

/// Versions besides the listed ones: the API, who serves it, the kind.
const SERVED_TOO: [(&str, &str, &str); 1] =
    // Istio's CRD has no later version of this kind; the chart's own `apiVersions` are the ones that charts ask for.
    [("networking.istio.io/v1alpha3", "istio-base", "EnvoyFilter")];

/// Secrets that charts ask cert-manager for by their own Certificate, from values that name an issuer.
const CHARTS_CERTIFY: [(&str, &str); 3] = [
    ("aws-load-balancer-controller-controller", "kube-system/aws-load-balancer-tls"),
    ("external-secrets-operator", "external-secrets/external-secrets-webhook"),
    ("pod-identity", "pod-identity/pod-identity-webhook-cert"),
];

/// Secrets that are declared although nothing of ours refers to them, and why.
const SPOKEN_OF_BY_NOBODY: [(&str, &str); 9] = [
    ("argocd/argocd-redis", "Argo CD and its chart know it by this name"),
    ("argocd/argocd-secret", "Argo CD knows it by this name"),
    ("argocd/argocd-initial-admin-secret", "people read it"),
    ("istio-system/istio-ca-secret", "istiod knows it by this name"),
    ("kube-system/cilium-ca", "cilium's chart knows it by this name"),
    ("kube-system/hubble-server-certs", "cilium's chart knows it by this name"),
    ("kube-system/hubble-relay-client-certs", "cilium's chart knows it by this name"),
    ("kube-system/sealed-secrets-key", "the controller finds it by its label"),
    ("velero/velero-repo-credentials", "Velero knows it by this name"),
];

/// Values with `secret` in their key that name none.
const NO_SECRET: [&str; 8] = [
    "createSecret",
    "processClusterExternalSecret",
    "processClusterPushSecret",
    "processPushSecret",
    "redisSecretInit",
    "rfc2136-tsig-secret-alg",
    "useExistingSecrets",
    "useSecret",
];

/// What test cases speak of that is not the platform's: it is there to show that a setting arrives.
const ELSEWHERE: [(&str, &str); 2] = [
    ("Namespace/mq", "the brokers behind the private gateway's ports are somebody else's"),
    ("StorageClass", "cases without a component that brings storage"),
];

/// The drivers of volumes, and who brings them.
const DRIVERS: [(&str, &str); 2] =
    [("ebs.csi.aws.com", "aws-ebs-csi-driver"), ("efs.csi.aws.com", "aws-efs-csi-driver")];

/// One Application with what matters here.
#[derive(Clone, Debug)]
struct App {
    name: String,
    component: String,
    chart: String,
    release: String,
    namespace: String,
    more_namespaces: Vec<String>,
    wave: u32,
    manifests: bool,
    api_versions: Vec<String>,
    values: Json,
}

/// An environment as Argo CD gets it, read back from its text.
#[derive(Clone, Debug)]
struct Cluster {
    environment: String,
    apps: Vec<App>,
    /// With the component that they belong to.
    objects: Vec<(String, Json)>,
    secrets: Vec<SecretNeed>,
    iam_roles: Json,
    case: bool,
}

/// What a check saw.
#[derive(Default)]
struct Seen {
    references: usize,
    wrong: BTreeSet<String>,
    /// Entries of the tables above that were needed.
    used: BTreeSet<String>,
}

impl Seen {
    fn check(&mut self, fine: bool, words: impl FnOnce() -> String) {
        self.references += 1;
        if !fine {
            self.wrong.insert(words());
        }
    }

    /// Whether a case may speak of this.
    fn elsewhere(&mut self, cluster: &Cluster, what: &str) -> bool {
        let known = cluster.case && ELSEWHERE.iter().any(|(name, _)| *name == what);
        if known {
            self.used.insert(format!("elsewhere {what}"));
        }
        known
    }
}

fn text<'v>(value: &'v Json, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Json, pointer: &str) -> impl Iterator<Item = &'v Json> {
    value.pointer(pointer).and_then(Json::as_array).into_iter().flatten()
}

fn kind_of(object: &Json) -> &str {
    text(object, "/kind")
}

fn group_of(object: &Json) -> &str {
    text(object, "/apiVersion").split_once('/').map_or("", |(group, _)| group)
}

fn place(object: &Json) -> String {
    format!("{}/{}", text(object, "/metadata/namespace"), text(object, "/metadata/name"))
}

/// An entry of a map somewhere in a value.
struct Entry<'v> {
    path: String,
    key: &'v str,
    value: &'v Json,
    parent: &'v Json,
}

fn entries(value: &Json) -> Vec<Entry<'_>> {
    fn walk<'v>(path: &str, value: &'v Json, found: &mut Vec<Entry<'v>>) {
        match value {
            Json::Object(map) => {
                for (key, inner) in map {
                    let path = format!("{path}.{key}");
                    walk(&path, inner, found);
                    found.push(Entry { path, key, value: inner, parent: value });
                }
            }
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(&format!("{path}[{index}]"), item, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk("", value, &mut found);
    found
}

/// All texts in a value.
fn all_texts(value: &Json) -> Vec<&str> {
    match value {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(all_texts).collect(),
        Json::Object(map) => map.values().flat_map(all_texts).collect(),
        _ => Vec::new(),
    }
}

impl Cluster {
    fn of(environment: &str, tree: &RenderedTree<'_>, case: bool) -> Cluster {
        let files = texts(tree);
        let mut applications = BTreeMap::new();
        let mut own = Vec::new();
        for (path, object) in objects(&files) {
            match path.split('/').collect::<Vec<_>>().as_slice() {
                ["manifests", component, _] => own.push(((*component).to_owned(), object)),
                ["applications", _] => {
                    applications.insert(text(&object, "/metadata/name").to_owned(), object);
                }
                _ => {}
            }
        }
        let app = |planned: &kubezero::pipeline::plan::Planned<'_>| {
            let object = &applications[&planned.name];
            let component = tree.plan.selection.enabled.get(planned.component).map(|selected| selected.component);
            let part = match &planned.content {
                Content::Chart { chart, .. } => Some(&chart.part),
                Content::Manifests => component.map(|component| &component.manifests),
            };
            let helm = &object["spec"]["source"]["helm"];
            let values = match helm.get("values").and_then(Json::as_str) {
                Some(text) => documents(&planned.name, text).pop().unwrap(),
                None => helm.get("valuesObject").cloned().unwrap_or_else(|| json!({})),
            };
            App {
                name: planned.name.clone(),
                component: planned.component.to_owned(),
                chart: text(object, "/spec/source/chart").to_owned(),
                release: text(object, "/spec/source/helm/releaseName").to_owned(),
                namespace: planned.namespace.clone(),
                more_namespaces: match &planned.content {
                    Content::Chart { chart, .. } => chart.writes_namespaces.clone(),
                    Content::Manifests => Vec::new(),
                },
                wave: text(object, "/metadata/annotations/argocd.argoproj.io~1sync-wave").parse().unwrap(),
                manifests: matches!(planned.content, Content::Manifests),
                api_versions: part.map(|part| part.api_versions.clone()).unwrap_or_default(),
                values,
            }
        };
        Cluster {
            environment: environment.to_owned(),
            apps: tree.plan.applications.iter().map(app).collect(),
            objects: own,
            secrets: tree.secrets.clone(),
            iam_roles: tree.plan.context.data()["iamRoles"].clone(),
            case,
        }
    }

    fn app(&self, name: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.name == name)
    }

    fn of_kind<'c>(&'c self, group: &'c str, kind: &'c str) -> impl Iterator<Item = &'c Json> {
        let mine = move |object: &&Json| kind_of(object) == kind && group_of(object) == group;
        self.objects.iter().map(|(_, object)| object).filter(mine)
    }

    fn has(&self, group: &str, kind: &str, place_of: &str) -> bool {
        self.of_kind(group, kind).any(|object| place(object) == place_of)
    }

    /// What the charts of this environment make.
    fn made(&self) -> impl Iterator<Item = &'static Made> {
        CHARTS_MAKE.iter().filter(|made| self.app(made.by).is_some())
    }

    /// Manifests and values, with the namespace that they are in, and words for where.
    fn documents(&self) -> Vec<(String, String, &Json)> {
        let own = self.objects.iter().map(|(component, object)| {
            let words = format!("{component}: {} {}", kind_of(object), text(object, "/metadata/name"));
            (words, text(object, "/metadata/namespace").to_owned(), object)
        });
        let values = self.apps.iter().map(|app| (format!("{}: values", app.name), app.namespace.clone(), &app.values));
        own.chain(values).collect()
    }
}

// --- Secrets -------------------------------------------------------------------------------------------------------------------

/// One Secret that something names, with the key where it says one.
type Reference = (String, Option<String>);

fn secret_references(document: &Json, wrong: &mut Vec<String>) -> Vec<Reference> {
    let mut found = Vec::new();
    for Entry { path, key, value, parent } in entries(document) {
        let named = |value: &Json| {
            value["name"].as_str().map(|name| (name.to_owned(), value["key"].as_str().map(str::to_owned)))
        };
        match (key, value) {
            // What a Certificate fills is no reference: `certificates_are_declared` looks at it.
            ("secretName", _) if kind_of(document) == "Certificate" => {}
            ("secretName", Json::String(name)) => {
                let keys: Vec<_> = list(parent, "/items").map(|item| text(item, "/key").to_owned()).collect();
                found.extend(keys.iter().map(|key| (name.clone(), Some(key.clone()))));
                if keys.is_empty() {
                    found.push((name.clone(), None));
                }
            }
            ("existingSecret", Json::String(name)) => {
                let keys = ["userKey", "passwordKey"].map(|key| parent[key].as_str());
                found.extend(keys.into_iter().flatten().map(|key| (name.clone(), Some(key.to_owned()))));
                found.push((name.clone(), None));
            }
            ("credentialName" | "tlsSecret", Json::String(name)) => found.push((name.clone(), None)),
            ("secret", Json::String(name)) => {
                let key = parent["key"].as_str();
                found.push((name.clone(), key.map(str::to_owned)));
                if key.is_none() {
                    // opensearchAccount.
                    found.extend(["username", "password", "cookie"].map(|key| (name.clone(), Some(key.to_owned()))));
                }
            }
            ("secret", Json::Object(_)) if value["name"].is_string() => found.extend(named(value)),
            ("secret", Json::Object(map))
                if map.is_empty() || map.contains_key("secretName") || path == ".configs.secret" => {}
            ("secrets" | "imagePullSecrets", Json::Array(items)) => {
                found.extend(items.iter().map(|item| (item.as_str().unwrap_or(text(item, "/name")).to_owned(), None)));
            }
            ("certificateRefs", Json::Array(items)) => found.extend(items.iter().filter_map(named)),
            (_, Json::Object(_)) if value["name"].is_string() && key.to_lowercase().ends_with("secretref") => {
                found.extend(named(value));
            }
            ("secretKeyRef", _) => found.extend(named(value)),
            (_, Json::Object(map)) if key == "extraEnvSecrets" || map.is_empty() => {}
            (_, Json::Null) => {}
            _ if !key.to_lowercase().contains("secret") || NO_SECRET.contains(&key) => {}
            // Of charts: labels and annotations of a namespace, mounts and settings of which the parts are looked at.
            ("secretsNamespaceAnnotations" | "secretsNamespaceLabels" | "secretMounts" | "secureSettings", _) => {}
            _ if path.starts_with(".data.") || path.contains(".spec.groups[") => {}
            _ => wrong.push(format!("{path}: nobody said whether this names a Secret: {value}")),
        }
    }
    // Argo CD's way, and files of Alertmanager's configuration.
    static INSIDE: LazyLock<[Regex; 2]> = LazyLock::new(|| {
        [r"\$([a-z0-9][a-z0-9-]*[a-z][a-z0-9-]*):([\w.-]+)", r"/etc/alertmanager/secrets/([a-z0-9-]+)/([\w.-]+)"]
            .map(|pattern| Regex::new(pattern).unwrap())
    });
    for said in all_texts(document) {
        for pattern in &*INSIDE {
            found.extend(pattern.captures_iter(said).map(|part| (part[1].to_owned(), Some(part[2].to_owned()))));
        }
    }
    found
}

/// Secrets that are named are declared, with their keys; and what is declared is named.
fn secrets(cluster: &Cluster, seen: &mut Seen) {
    let mut named: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
    let mut declared: BTreeMap<String, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for need in &cluster.secrets {
        let (keys, makers) = declared.entry(format!("{}/{}", need.namespace, need.name)).or_default();
        keys.extend(need.keys.keys().map(String::as_str));
        makers.insert(&need.made_by);
    }
    for (at, namespace, document) in cluster.documents() {
        let mut wrong = Vec::new();
        let found = secret_references(document, &mut wrong);
        seen.wrong.extend(wrong.into_iter().map(|text| format!("{at}{text}")));
        let namespace = match kind_of(document) {
            // Without a namespace of their own they read where their controller keeps such things.
            "ClusterIssuer" | "Bundle" => "cert-manager".to_owned(),
            _ => namespace,
        };
        for (name, key) in found {
            if name.is_empty() {
                continue;
            }
            let secret = format!("{namespace}/{name}");
            let known = declared.get(&secret);
            seen.check(known.is_some(), || {
                format!("{at} names the Secret {secret}, which secrets.yaml.hbs does not have")
            });
            if let (Some((keys, _)), Some(key)) = (known, &key) {
                seen.check(keys.contains(key.as_str()), || {
                    format!("{at} reads `{key}` of {secret}, which has {keys:?}")
                });
            }
            named.entry(secret).or_default().insert(key);
        }
    }
    let mut made: BTreeSet<String> = BTreeSet::new();
    for certificate in cluster.of_kind("cert-manager.io", "Certificate") {
        let secret = format!("{}/{}", text(certificate, "/metadata/namespace"), text(certificate, "/spec/secretName"));
        let declared = declared.get(&secret);
        seen.check(declared.is_some_and(|(_, makers)| makers.contains("cert-manager")), || {
            format!(
                "the Certificate {} makes the Secret {secret}, which is not declared as cert-manager's",
                place(certificate)
            )
        });
        made.insert(secret);
    }
    for issuer in cluster.of_kind("cert-manager.io", "ClusterIssuer") {
        let account = text(issuer, "/spec/acme/privateKeySecretRef/name");
        if !account.is_empty() {
            made.insert(format!("cert-manager/{account}"));
        }
    }
    for (app, secret) in CHARTS_CERTIFY {
        if cluster.app(app).is_some() {
            seen.used.insert(format!("certify {secret}"));
            made.insert(secret.to_owned());
        }
    }
    for (secret, (_, makers)) in &declared {
        if makers.contains("cert-manager") {
            seen.check(made.contains(secret), || format!("nothing asks cert-manager for the Secret {secret}"));
        } else if named.contains_key(secret) {
            continue;
        } else if SPOKEN_OF_BY_NOBODY.iter().any(|(name, _)| name == secret) {
            seen.used.insert(format!("unspoken {secret}"));
        } else {
            seen.wrong.insert(format!("the Secret {secret} is declared and nothing names it"));
        }
    }
}

// --- issuers -------------------------------------------------------------------------------------------------------------------

fn issuers(cluster: &Cluster, seen: &mut Seen) {
    for (at, namespace, document) in cluster.documents() {
        let mut found: Vec<(String, String)> = Vec::new();
        for Entry { key, value, parent, path } in entries(document) {
            match (key, value) {
                ("existingIssuer", _) if value["enabled"] == json!(false) => {}
                ("issuerRef" | "existingIssuer", Json::Object(_)) => {
                    let kind = value["kind"].as_str().unwrap_or("Issuer");
                    found.push((kind.to_owned(), text(value, "/name").to_owned()));
                }
                ("defaultIssuerName", Json::String(name)) => {
                    found.push((text(parent, "/defaultIssuerKind").to_owned(), name.clone()));
                }
                ("cert-manager.io/cluster-issuer", Json::String(name)) => {
                    found.push(("ClusterIssuer".to_owned(), name.clone()))
                }
                ("cert-manager.io/issuer", Json::String(name)) => found.push(("Issuer".to_owned(), name.clone())),
                ("defaultIssuerKind" | "defaultIssuerGroup", _) => {}
                (_, Json::Object(_)) if key.to_lowercase().contains("issuer") => {
                    seen.wrong.insert(format!("{at}{path}: nobody said whether this names an issuer: {value}"));
                }
                _ => {}
            }
        }
        for (kind, name) in found {
            let place = if kind == "ClusterIssuer" { format!("/{name}") } else { format!("{namespace}/{name}") };
            let there = cluster.has("cert-manager.io", &kind, &place);
            seen.check(there, || format!("{at} names the {kind} {place}, which is not there"));
        }
    }
}

// --- gateways, routes and Services ---------------------------------------------------------------------------------------------

/// Whether a pattern such as `*.example.com` takes in a host.
fn takes_in(pattern: &str, host: &str) -> bool {
    let pattern = pattern.rsplit('/').next().unwrap();
    match pattern.strip_prefix('*') {
        Some(rest) => host.strip_prefix('*').unwrap_or(host).ends_with(rest),
        None => pattern == host,
    }
}

fn gateways(cluster: &Cluster, seen: &mut Seen) {
    let istio = "networking.istio.io";
    for gateway in cluster.of_kind(istio, "Gateway") {
        // Which Application's pods take the gateway on, and whether its Service has the ports.
        let release = format!("istio-{}", text(gateway, "/spec/selector/istio"));
        let app = cluster.apps.iter().find(|app| {
            app.chart == "gateway" && app.release == release && app.namespace == text(gateway, "/metadata/namespace")
        });
        seen.check(app.is_some(), || format!("no pods for the Gateway {}: no release {release}", place(gateway)));
        for server in list(gateway, "/spec/servers") {
            let port = &server["port"]["number"];
            let served = app.is_some_and(|app| {
                list(&app.values, "/service/ports").any(|have| have.get("targetPort").unwrap_or(&have["port"]) == port)
            });
            seen.check(served, || format!("the Service of the Gateway {} lacks the port {port}", place(gateway)));
        }
    }
    for route in cluster.of_kind(istio, "VirtualService") {
        for name in list(route, "/spec/gateways") {
            let name = name.as_str().unwrap();
            let found = cluster.of_kind(istio, "Gateway").find(|gateway| place(gateway) == name);
            seen.check(found.is_some(), || format!("the VirtualService {} names the Gateway {name}", place(route)));
            let Some(gateway) = found else { continue };
            for host in list(route, "/spec/hosts").filter_map(Json::as_str) {
                let taken = list(gateway, "/spec/servers")
                    .flat_map(|server| list(server, "/hosts"))
                    .any(|pattern| takes_in(pattern.as_str().unwrap(), host));
                seen.check(taken, || {
                    format!("{host} of the VirtualService {} is nothing to the Gateway {name}", place(route))
                });
            }
            for section in ["/spec/tcp", "/spec/tls", "/spec/http"] {
                for port in
                    list(route, section).flat_map(|part| list(part, "/match")).filter_map(|found| found.get("port"))
                {
                    let listens = list(gateway, "/spec/servers").any(|server| server["port"]["number"] == *port);
                    seen.check(listens, || {
                        format!("the Gateway {name} does not listen on {port}, which {} wants", place(route))
                    });
                }
            }
        }
    }
    let api = "gateway.networking.k8s.io";
    for gateway in cluster.of_kind(api, "Gateway") {
        let class = text(gateway, "/spec/gatewayClassName");
        let there = class == "istio" && cluster.app("istio-istiod").is_some()
            || cluster.has(api, "GatewayClass", &format!("/{class}"));
        seen.check(there, || format!("the Gateway {} is of class {class}, which nobody serves", place(gateway)));
    }
    for (_, route) in
        cluster.objects.iter().filter(|(_, object)| group_of(object) == api && kind_of(object).ends_with("Route"))
    {
        for parent in list(route, "/spec/parentRefs") {
            let namespace = parent["namespace"].as_str().unwrap_or(text(route, "/metadata/namespace"));
            let wanted = format!("{namespace}/{}", text(parent, "/name"));
            let found = cluster.of_kind(api, "Gateway").find(|gateway| place(gateway) == wanted);
            let section = text(parent, "/sectionName");
            let there = found.is_some_and(|gateway| {
                section.is_empty() || list(gateway, "/spec/listeners").any(|listener| listener["name"] == section)
            });
            seen.check(there, || {
                format!("{} {} names the Gateway {wanted}, section `{section}`", kind_of(route), place(route))
            });
        }
    }
}

/// Service names, `namespace/name`, that are there, with their ports; no ports: not known.
fn services(cluster: &Cluster) -> BTreeMap<String, BTreeSet<u64>> {
    let mut all: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for service in cluster.of_kind("", "Service") {
        let ports = list(service, "/spec/ports").filter_map(|port| port["port"].as_u64());
        all.insert(place(service), ports.collect());
    }
    for made in cluster.made().filter(|made| made.kind == "Service") {
        let mut ports: BTreeSet<u64> = made.ports.iter().map(|(_, number)| *number).collect();
        let app = cluster.app(made.by).unwrap();
        ports.extend(list(&app.values, "/service/ports").filter_map(|port| port["port"].as_u64()));
        all.insert(made.name.to_owned(), ports);
    }
    all
}

/// Every `<service>.<namespace>.svc`, and where traffic is sent to.
fn hosts(cluster: &Cluster, seen: &mut Seen) {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b([a-z0-9][a-z0-9-]*)\.([a-z0-9][a-z0-9-]*)\.svc\b(?:\.cluster\.local)?(?::(\d+))?").unwrap()
    });
    let services = services(cluster);
    let mut found: Vec<(String, String, Option<u64>)> = Vec::new();
    for (at, namespace, document) in cluster.documents() {
        for said in all_texts(document) {
            for part in PATTERN.captures_iter(said) {
                let port = part.get(3).map(|port| port.as_str().parse().unwrap());
                found.push((at.clone(), format!("{}/{}", &part[2], &part[1]), port));
            }
        }
        for Entry { key, value, .. } in entries(document) {
            if kind_of(document) == "VirtualService" && key == "destination" {
                let host = text(value, "/host");
                let mut parts = host.split('.');
                let (name, other) = (parts.next().unwrap(), parts.next());
                found.push((
                    at.clone(),
                    format!("{}/{name}", other.unwrap_or(&namespace)),
                    value["port"]["number"].as_u64(),
                ));
            }
            if key == "backendRefs" {
                for backend in value.as_array().into_iter().flatten() {
                    let namespace = backend["namespace"].as_str().unwrap_or(&namespace);
                    found.push((
                        at.clone(),
                        format!("{namespace}/{}", text(backend, "/name")),
                        backend["port"].as_u64(),
                    ));
                }
            }
        }
        if kind_of(document) == "CiliumLocalRedirectPolicy" {
            let frontend = &document["spec"]["redirectFrontend"]["serviceMatcher"];
            let name = format!("{}/{}", text(frontend, "/namespace"), text(frontend, "/serviceName"));
            // Kubernetes' own.
            seen.check(name == "kube-system/kube-dns", || format!("{at} names the Service {name}"));
        }
    }
    for (at, service, port) in found {
        for made in cluster.made().filter(|made| made.name == service && made.kind == "Service") {
            seen.used.insert(format!("Service {}", made.name));
        }
        match services.get(&service) {
            Some(ports) => {
                let there = port.is_none_or(|port| ports.contains(&port));
                seen.check(there, || format!("{at} wants port {port:?} of the Service {service}, which has {ports:?}"));
            }
            None => {
                let namespace = service.split('/').next().unwrap();
                let other = seen.elsewhere(cluster, &format!("Namespace/{namespace}"));
                seen.check(other, || format!("{at} names the Service {service}, which is not there"));
            }
        }
    }
}

// --- selectors -----------------------------------------------------------------------------------------------------------------

type Labels = BTreeMap<String, String>;

fn labels(value: &Json) -> Labels {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

/// Whether labels are selected, and which values of `In` they make use of.
fn selects(selector: &Json, labels: &Labels) -> bool {
    let plain = selector.get("matchLabels").is_none() && selector.get("matchExpressions").is_none();
    let wanted = if plain { selector } else { &selector["matchLabels"] };
    let all = wanted
        .as_object()
        .into_iter()
        .flatten()
        .all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str());
    all && list(selector, "/matchExpressions").all(|expression| {
        let value = labels.get(text(expression, "/key"));
        let among = list(expression, "/values").any(|one| one.as_str() == value.map(String::as_str));
        match text(expression, "/operator") {
            "In" => among,
            "NotIn" => !among,
            "Exists" => value.is_some(),
            _ => value.is_none(),
        }
    })
}

/// Pods and Services of ours and of charts: words, namespace, labels, names and numbers of ports.
type Selectable = (String, String, Labels, Vec<(String, u64)>);

fn selectable(cluster: &Cluster, kind: &str) -> Vec<Selectable> {
    let mut all = Vec::new();
    for made in cluster.made().filter(|made| made.kind == kind) {
        let labels = made.labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let ports = made.ports.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect();
        all.push((made.name.to_owned(), made.name.split('/').next().unwrap().to_owned(), labels, ports));
    }
    for (_, object) in &cluster.objects {
        let ports = |path: &str, number: &str| {
            list(object, path)
                .map(|port| (text(port, "/name").to_owned(), port[number].as_u64().unwrap_or_default()))
                .collect()
        };
        let namespace = text(object, "/metadata/namespace").to_owned();
        if kind == "Service" && kind_of(object) == "Service" {
            all.push((place(object), namespace, labels(&object["metadata"]["labels"]), ports("/spec/ports", "port")));
        } else if kind == "Pod" && object.pointer("/spec/template/spec/containers").is_some() {
            let of = labels(&object["spec"]["template"]["metadata"]["labels"]);
            all.push((place(object), namespace, of, ports("/spec/template/spec/containers/0/ports", "containerPort")));
        }
    }
    all
}

/// Every selector of ours selects something, each value that it lists too, and what it says of ports is so.
fn selectors(cluster: &Cluster, seen: &mut Seen) {
    for (component, object) in &cluster.objects {
        let (what, at, ports, namespaces): (_, _, Vec<Json>, Vec<&str>) = match kind_of(object) {
            "ServiceMonitor" | "PodMonitor" => {
                let endpoints = list(object, "/spec/endpoints").chain(list(object, "/spec/podMetricsEndpoints"));
                let ports = endpoints.filter_map(|endpoint| endpoint.get("port").cloned()).collect();
                let others = list(object, "/spec/namespaceSelector/matchNames").filter_map(Json::as_str).collect();
                (if kind_of(object) == "PodMonitor" { "Pod" } else { "Service" }, "/spec/selector", ports, others)
            }
            "Service" => ("Pod", "/spec/selector", Vec::new(), Vec::new()),
            "PodDisruptionBudget" | "AuthorizationPolicy" | "NetworkPolicy" => {
                ("Pod", "/spec/selector", Vec::new(), Vec::new())
            }
            "EnvoyFilter" => ("Pod", "/spec/workloadSelector/labels", Vec::new(), Vec::new()),
            "CiliumLocalRedirectPolicy" => {
                let ports = list(object, "/spec/redirectBackend/toPorts").map(|port| port["name"].clone()).collect();
                ("Pod", "/spec/redirectBackend/localEndpointSelector", ports, Vec::new())
            }
            _ => continue,
        };
        let Some(selector) = object.pointer(at) else { continue };
        let words = format!("{component}: {} {}", kind_of(object), place(object));
        let namespaces = if namespaces.is_empty() { vec![text(object, "/metadata/namespace")] } else { namespaces };
        let all = selectable(cluster, what);
        let chosen: Vec<_> = all
            .iter()
            .filter(|(_, namespace, labels, _)| namespaces.contains(&namespace.as_str()) && selects(selector, labels))
            .collect();
        seen.check(!chosen.is_empty(), || format!("{words} selects no {what} in {namespaces:?}: {selector}"));
        for (name, ..) in &chosen {
            seen.used.insert(format!("{what} {name}"));
        }
        for port in ports.iter().filter_map(Json::as_str).filter(|_| !chosen.is_empty()) {
            let there = chosen.iter().all(|(.., ports)| ports.iter().any(|(name, _)| name == port));
            seen.check(there, || format!("{words} wants the port `{port}` of {:?}", chosen[0]));
        }
        for expression in list(selector, "/matchExpressions").filter(|expression| expression["operator"] == "In") {
            for value in list(expression, "/values") {
                let mut alone = json!({"matchLabels": {}});
                alone["matchLabels"][text(expression, "/key")] = value.clone();
                let there = chosen.iter().any(|(_, _, labels, _)| selects(&alone, labels));
                seen.check(there, || format!("{words}: nothing has {}={value}", text(expression, "/key")));
            }
        }
        // Numbers in a replacement are ports that Prometheus goes to.
        for replacement in all_texts(&object["spec"]).into_iter().filter_map(|text| text.strip_prefix("$1:")) {
            let there =
                chosen.iter().all(|(.., ports)| ports.iter().any(|(_, number)| number.to_string() == replacement));
            seen.check(there, || format!("{words} goes to the port {replacement} of {chosen:?}"));
        }
    }
}

// --- storage, priorities, ConfigMaps, accounts, roles --------------------------------------------------------------------------

fn storage(cluster: &Cluster, seen: &mut Seen) {
    let mut classes: BTreeMap<String, bool> = BTreeMap::new();
    let default = "storageclass.kubernetes.io/is-default-class";
    for class in cluster.of_kind("storage.k8s.io", "StorageClass") {
        classes.insert(text(class, "/metadata/name").to_owned(), class["metadata"]["annotations"][default] == "true");
    }
    for app in &cluster.apps {
        for class in list(&app.values, "/storageClasses") {
            classes.insert(text(class, "/name").to_owned(), class["annotations"][default] == "true");
        }
        for class in list(&app.values, "/classes") {
            classes.insert(text(class, "/name").to_owned(), class["storageClass"]["isDefaultClass"] == true);
        }
    }
    let defaults: Vec<_> = classes.iter().filter(|(_, default)| **default).map(|(name, _)| name).collect();
    seen.check(defaults.len() < 2, || format!("several default StorageClasses: {defaults:?}"));
    let mut claims: Vec<(String, String)> = Vec::new();
    for (at, _, document) in cluster.documents() {
        for Entry { path, key, value, parent } in entries(document) {
            match (key, value) {
                // A volume that was made by hand and the claim for it only have to say the same.
                ("storageClassName", _) if kind_of(document) == "PersistentVolume" => {}
                ("storageClassName" | "storageClass", Json::String(name)) if !name.is_empty() && name != "-" => {
                    claims.push((format!("{at}{path}"), name.clone()));
                }
                // A claim that leaves the choice to the cluster.
                ("accessModes", _)
                    if parent.get("storageClassName").is_none() && kind_of(document) != "PersistentVolume" =>
                {
                    claims.push((format!("{at}{path}"), String::new()));
                }
                ("persistence" | "persistentVolume", Json::Object(map))
                    if map.get("enabled") != Some(&json!(false))
                        && value["size"].is_string()
                        && ["", "-"].contains(&text(value, "/storageClass")) =>
                {
                    claims.push((format!("{at}{path}"), String::new()));
                }
                _ => {}
            }
        }
        let driver = [text(document, "/driver"), text(document, "/spec/csi/driver")].join("");
        if let Some((_, by)) = DRIVERS.iter().find(|(name, _)| *name == driver) {
            seen.check(cluster.app(by).is_some(), || format!("{at} is for {driver}, which is not there"));
        } else if !driver.is_empty() && !kind_of(document).is_empty() {
            seen.wrong.insert(format!("{at}: nobody said who brings the driver {driver}"));
        }
    }
    for (at, name) in claims {
        let there = if name.is_empty() { !defaults.is_empty() } else { classes.contains_key(&name) };
        let what = if name.is_empty() { "StorageClass".to_owned() } else { format!("StorageClass/{name}") };
        let other = !there && seen.elsewhere(cluster, &what);
        seen.check(there || other, || match name.as_str() {
            "" => format!("{at} leaves the choice to a default StorageClass, of which there is none"),
            name => format!("{at} names the StorageClass {name}; there are {classes:?}"),
        });
    }
}

/// Pod specs of our own, those in custom resources too: words, namespace, spec.
fn pods(cluster: &Cluster) -> Vec<(String, String, &Json)> {
    let mut all = Vec::new();
    for (component, object) in &cluster.objects {
        let words = format!("{component}: {} {}", kind_of(object), place(object));
        let namespace = text(object, "/metadata/namespace").to_owned();
        let direct = ["/spec/template", "/spec/jobTemplate/spec/template"];
        for template in direct
            .iter()
            .filter_map(|path| object.pointer(path))
            .filter(|template| template.pointer("/spec/containers").is_some())
        {
            all.push((words.clone(), namespace.clone(), template));
        }
        if kind_of(object) == "Pod" {
            all.push((words.clone(), namespace.clone(), object));
        }
        for entry in entries(object).into_iter().filter(|entry| entry.key == "podTemplate") {
            all.push((format!("{words}{}", entry.path), namespace.clone(), entry.value));
        }
    }
    all
}

fn small_things(cluster: &Cluster, seen: &mut Seen) {
    let roles_accounts: BTreeSet<String> = list(&cluster.iam_roles, "")
        .flat_map(|role| {
            list(role, "/serviceAccounts")
                .map(|name| format!("{}/{}", text(role, "/namespace"), name.as_str().unwrap()))
        })
        .collect();
    let account = |seen: &mut Seen, at: &str, name: &str| {
        if cluster.made().any(|made| made.kind == "ServiceAccount" && made.name == name) {
            seen.used.insert(format!("ServiceAccount {name}"));
            seen.check(true, String::new);
            return;
        }
        let there = cluster.has("", "ServiceAccount", name) || roles_accounts.contains(name);
        seen.check(there, || format!("{at} names the ServiceAccount {name}, which is not there"));
    };
    for (at, namespace, document) in cluster.documents() {
        for Entry { path, key, value, .. } in entries(document) {
            match (key, value) {
                ("priorityClassName", Json::String(name)) if !name.is_empty() => {
                    let own = ["system-cluster-critical", "system-node-critical"].contains(&name.as_str());
                    let there = own || cluster.has("scheduling.k8s.io", "PriorityClass", &format!("/{name}"));
                    seen.check(there, || format!("{at}{path} names the PriorityClass {name}, which is not there"));
                }
                ("configMap" | "configMapRef" | "configMapKeyRef", Json::Object(map)) if map.contains_key("name") => {
                    let name = format!("{namespace}/{}", text(value, "/name"));
                    let found = cluster.of_kind("", "ConfigMap").find(|object| place(object) == name);
                    seen.check(found.is_some(), || {
                        format!("{at}{path} names the ConfigMap {name}, which is not there")
                    });
                    let keys = list(value, "/items").map(|item| text(item, "/key")).chain(value["key"].as_str());
                    for key in keys.filter(|_| found.is_some()) {
                        let there = found.is_some_and(|found| found["data"].get(key).is_some());
                        seen.check(there, || {
                            format!("{at}{path} reads `{key}` of the ConfigMap {name}, which has no such key")
                        });
                    }
                }
                ("serviceAccountRef", Json::Object(_)) => {
                    let namespace = match (value["namespace"].as_str(), kind_of(document)) {
                        (Some(namespace), _) => namespace,
                        (None, "ClusterIssuer") => "cert-manager",
                        (None, _) => &namespace,
                    };
                    account(seen, &at, &format!("{namespace}/{}", text(value, "/name")));
                }
                _ => {}
            }
        }
        if kind_of(document).ends_with("RoleBinding") {
            let role = &document["roleRef"];
            let of = if role["kind"] == "Role" { namespace.clone() } else { String::new() };
            let wanted = format!("{of}/{}", text(role, "/name"));
            let there = cluster.has("rbac.authorization.k8s.io", text(role, "/kind"), &wanted);
            seen.check(there, || format!("{at} names the {} {wanted}, which is not there", text(role, "/kind")));
            for subject in list(document, "/subjects").filter(|subject| subject["kind"] == "ServiceAccount") {
                account(seen, &at, &format!("{}/{}", text(subject, "/namespace"), text(subject, "/name")));
            }
        }
        if kind_of(document) == "Kibana" {
            let wanted = format!("{namespace}/{}", text(document, "/spec/elasticsearchRef/name"));
            let there = cluster.has("elasticsearch.k8s.elastic.co", "Elasticsearch", &wanted);
            seen.check(there, || format!("{at} names the Elasticsearch {wanted}, which is not there"));
        }
        if let Some(tier) = document.pointer("/spec/tier").and_then(Json::as_str) {
            let there = tier == "default" || cluster.has("crd.projectcalico.org", "Tier", &format!("/{tier}"));
            seen.check(there, || format!("{at} names the Tier {tier}, which is not there"));
        }
    }
    for (at, namespace, pod) in pods(cluster) {
        if let Some(name) = pod["spec"]["serviceAccountName"].as_str() {
            account(seen, &at, &format!("{namespace}/{name}"));
        }
    }
}

/// A role of the cloud and the pods that take it on name each other.
fn cloud_roles(cluster: &Cluster, seen: &mut Seen) {
    static ROLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^arn:[\w-]+:iam::\d+:role/.+\.pod\.([\w-]+)$").unwrap());
    // In annotations of accounts and pods, in their environment, in what an issuer asks for.
    let taken_on = |value: &Json| -> BTreeSet<String> {
        all_texts(value).iter().filter_map(|text| Some(ROLE.captures(text)?[1].to_owned())).collect()
    };
    let values = cluster.apps.iter().map(|app| (&app.component, &app.values));
    let said: BTreeSet<(&str, String)> = cluster
        .objects
        .iter()
        .map(|(component, object)| (component, object))
        .chain(values)
        .flat_map(|(component, value)| taken_on(value).into_iter().map(move |role| (component.as_str(), role)))
        .collect();
    let role_of = |role: &Json| (text(role, "/component").to_owned(), text(role, "/name").to_owned());
    let known: BTreeSet<_> = list(&cluster.iam_roles, "").map(role_of).collect();
    for (component, role) in &said {
        let there = known.contains(&((*component).to_owned(), role.clone()));
        seen.check(there, || format!("{component} takes on the role {role}, which is none of its iamRoles"));
    }
    let kiam = cluster.app("kiam").is_some();
    // Without either nobody can take a role on.
    for role in list(&cluster.iam_roles, "").filter(|_| kiam || cluster.app("pod-identity").is_some()) {
        let (component, name) = role_of(role);
        let there = said.contains(&(component.as_str(), name.clone()));
        seen.check(there, || format!("{component} has the role {name}, and nothing of it takes the role on"));
        for account in list(role, "/serviceAccounts").filter_map(Json::as_str) {
            let wanted = format!("{}/{account}", text(role, "/namespace"));
            let Some(own) = cluster.of_kind("", "ServiceAccount").find(|object| place(object) == wanted) else {
                continue;
            };
            let by_pod = pods(cluster)
                .into_iter()
                .any(|(_, namespace, pod)| format!("{namespace}/{}", text(pod, "/spec/serviceAccountName")) == wanted)
                && cluster.objects.iter().any(|(of, object)| *of == component && taken_on(object).contains(&name));
            let by_account = taken_on(own);
            let fine = if by_account.is_empty() { by_pod } else { by_account == BTreeSet::from([name.clone()]) };
            seen.check(fine, || {
                format!("neither the ServiceAccount {wanted} nor its pods name the role {name}: {by_account:?}")
            });
        }
    }
}

// --- namespaces, ports, owners, order ------------------------------------------------------------------------------------------

const OF_KUBERNETES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

fn namespaces(cluster: &Cluster, seen: &mut Seen) {
    let there: BTreeSet<&str> =
        cluster.of_kind("", "Namespace").map(|object| text(object, "/metadata/name")).chain(OF_KUBERNETES).collect();
    for app in &cluster.apps {
        for namespace in app.more_namespaces.iter().chain([&app.namespace]) {
            // The chart makes it, which its `writes` says.
            let own = namespace == "cilium-secrets" && app.chart == "cilium";
            seen.check(own || there.contains(namespace.as_str()), || {
                format!("{} writes to the namespace {namespace}", app.name)
            });
        }
    }
    for (component, object) in &cluster.objects {
        let named = [text(object, "/metadata/namespace")].into_iter();
        // The operator makes its own.
        let others = list(object, "/spec/namespaceSelector/matchNames").filter_map(Json::as_str);
        let others = others.filter(|name| *name != "calico-system" || cluster.app("calico-operator").is_none());
        for namespace in named.chain(others).filter(|namespace| !namespace.is_empty()) {
            let words =
                || format!("{component}: {} {} speaks of the namespace {namespace}", kind_of(object), place(object));
            seen.check(there.contains(namespace), words);
        }
    }
    for app in &cluster.apps {
        let trusted = text(&app.values, "/app/trust/namespace");
        seen.check(trusted.is_empty() || there.contains(trusted), || {
            format!("{}: app.trust.namespace {trusted}", app.name)
        });
    }
}

fn node_ports(cluster: &Cluster, seen: &mut Seen) {
    let mut taken: BTreeMap<u64, String> = BTreeMap::new();
    for (at, _, document) in cluster.documents() {
        for Entry { path, key, value, .. } in entries(document) {
            let ("nodePort" | "healthCheckNodePort", Some(port)) = (key, value.as_u64()) else { continue };
            seen.check((30_000..32_768).contains(&port), || format!("{at}{path}: {port} is no NodePort"));
            if let Some(first) = taken.insert(port, format!("{at}{path}")) {
                seen.wrong.insert(format!("the NodePort {port} is taken twice: {first} and {at}{path}"));
            }
        }
    }
}

/// Ports of the machine itself that pods in its network listen on: the chart, the value that says which, and the chart's own. Without a
/// value it is the program's.
const ON_THE_MACHINE: [(&str, &str, u64); 20] = [
    ("aws-cloud-controller-manager", "", 10258),
    ("cilium", "/prometheus/port", 9962),
    ("cilium", "/operator/prometheus/port", 9963),
    ("cilium", "/envoy/prometheus/port", 9964),
    ("cilium", "/hubble/metrics/port", 9965),
    ("cilium", "/healthPort", 9879),
    ("cilium", "/envoy/healthPort", 9878),
    ("kiam", "/agent/prometheus/port", 9620),
    ("kiam", "/server/prometheus/port", 9620),
    ("kiam", "/server/service/targetPort", 443),
    ("kiam", "/agent/host/port", 8181),
    ("kube-prometheus-stack", "/prometheus-node-exporter/service/port", 9100),
    ("node-local-dns", "/config/healthPort", 8080),
    ("node-local-dns", "", 9253),
    ("tigera-operator", "/installation/nodeMetricsPort", 9091),
    ("tigera-operator", "/installation/typhaMetricsPort", 9093),
    ("tigera-operator", "", 5473),
    ("aws-efs-csi-driver", "/node/healthPort", 9809),
    ("tigera-operator", "", 9099),
    ("tigera-operator", "", 9098),
];

/// Ports of Kubernetes itself on the machines.
const OF_THE_MACHINE: [(&str, u64); 9] = [
    ("API server", 6443),
    ("etcd", 2379),
    ("etcd's peers", 2380),
    ("etcd's metrics", 2381),
    ("kubelet", 10250),
    ("kubelet's health", 10248),
    ("scheduler", 10259),
    ("controller-manager", 10257),
    ("kube-proxy", 10256),
];

fn host_ports(cluster: &Cluster, seen: &mut Seen) {
    let mut taken: BTreeMap<u64, String> =
        OF_THE_MACHINE.iter().map(|(who, port)| (*port, (*who).to_owned())).collect();
    let mut take = |port: u64, who: String, seen: &mut Seen| {
        let first = taken.insert(port, who.clone());
        seen.check(first.is_none(), || format!("{who} and {first:?} want the machine's port {port}"));
    };
    for app in &cluster.apps {
        for (_, path, default) in ON_THE_MACHINE.iter().filter(|(chart, ..)| *chart == app.chart) {
            let port = app.values.pointer(path).and_then(Json::as_u64).unwrap_or(*default);
            take(port, format!("{}{path}", app.name), seen);
        }
    }
    for (at, _, document) in cluster.documents() {
        for Entry { path, key, value, .. } in entries(document) {
            if let ("hostPort", Some(port)) = (key, value.as_u64()) {
                take(port, format!("{at}{path}"), seen);
            }
        }
    }
}

fn owners(cluster: &Cluster, seen: &mut Seen) {
    let mut owner: BTreeMap<String, String> = BTreeMap::new();
    let mut own = |what: String, who: &str, seen: &mut Seen| {
        let first = owner.insert(what.clone(), who.to_owned());
        seen.check(first.is_none(), || format!("{what} belongs to {who} and to {}", first.unwrap()));
    };
    for (component, object) in &cluster.objects {
        own(format!("{}.{} {}", kind_of(object), group_of(object), place(object)), component, seen);
    }
    for app in &cluster.apps {
        if !app.release.is_empty() {
            own(format!("the release {}/{}", app.namespace, app.release), &app.name, seen);
        }
        for version in &app.api_versions {
            own(format!("the API {version}"), &app.name, seen);
        }
    }
    for made in cluster.made().filter(|made| ["Service", "ServiceAccount"].contains(&made.kind)) {
        own(format!("{}. {}", made.kind, made.name), made.by, seen);
    }
}

/// A custom resource comes after what defines it.
fn definitions(cluster: &Cluster, seen: &mut Seen) {
    for (component, object) in &cluster.objects {
        let (version, kind, group) = (text(object, "/apiVersion"), kind_of(object), group_of(object));
        let own_kind = !group.contains('.')
            || group.ends_with(".k8s.io") && !["gateway.networking.k8s.io", "snapshot.storage.k8s.io"].contains(&group);
        if own_kind {
            continue;
        }
        let words = format!("{component}: {version} {kind} {}", place(object));
        let mine = cluster.apps.iter().find(|app| app.manifests && app.component == *component).unwrap();
        let single = format!("{version}/{kind}");
        let too = SERVED_TOO.iter().find(|(api, _, of)| *api == version && *of == kind).map(|(_, by, _)| *by);
        let before = cluster.apps.iter().find(|app| {
            if too == Some(app.name.as_str()) {
                return true;
            }
            // Where kinds are listed too, the list is all there is.
            let listed = app.api_versions.iter().any(|have| have.starts_with(&format!("{version}/")));
            app.api_versions.contains(&single) || !listed && app.api_versions.iter().any(|have| have == version)
        });
        match before {
            Some(before) => {
                if too == Some(before.name.as_str()) {
                    seen.used.insert(format!("served {version}"));
                }
                seen.check(before.wave < mine.wave, || {
                    format!("{words} comes in wave {}, and {} in {}", mine.wave, before.name, before.wave)
                });
            }
            None => {
                // Its CRDs are made by the operator while it runs.
                let options = text(object, "/metadata/annotations/argocd.argoproj.io~1sync-options");
                let patient = options.contains("SkipDryRunOnMissingResource=true");
                let by_cilium = group == "cilium.io"
                    && cluster.app("cilium").is_some_and(|app| {
                        app.wave < mine.wave || app.component != *component && app.wave <= mine.wave
                    });
                seen.check(patient && by_cilium, || {
                    format!("{words}: no Application says that it serves {version}, kind {kind}")
                });
            }
        }
    }
}

// --- Pod Security --------------------------------------------------------------------------------------------------------------

fn pod_security(cluster: &Cluster, seen: &mut Seen) {
    let levels: BTreeMap<&str, &str> = cluster
        .of_kind("", "Namespace")
        .map(|object| {
            (text(object, "/metadata/name"), text(object, "/metadata/labels/pod-security.kubernetes.io~1enforce"))
        })
        .collect();
    let level_of = |namespace: &str| levels.get(namespace).copied().unwrap_or_default();
    for (at, namespace, pod) in pods(cluster) {
        let policy = Policy { level: level_of(&namespace), minor: u32::MAX };
        let wrong = violations(policy, &pod["metadata"], &pod["spec"]);
        seen.check(wrong.is_empty(), || {
            format!("{at}: {namespace} is {}, which forbids {wrong:?}", level_of(&namespace))
        });
    }
    // As far as values show it, the same of charts.
    for app in &cluster.apps {
        let level = level_of(&app.namespace);
        if !["baseline", "restricted"].contains(&level) {
            continue;
        }
        for Entry { path, key, value, .. } in entries(&app.values) {
            let forbidden = match key {
                "hostNetwork" | "hostPID" | "hostIPC" | "privileged" | "useHostNetwork" | "hostNetworking" => {
                    *value == true
                }
                "hostPath" => value.is_object(),
                "hostPort" => value.as_u64().is_some_and(|port| port != 0),
                "allowPrivilegeEscalation" => level == "restricted" && *value == true,
                "runAsNonRoot" => level == "restricted" && *value == false,
                "runAsUser" => level == "restricted" && *value == 0,
                _ => false,
            };
            seen.check(!forbidden, || format!("{}{path}: {value}, and {} is {level}", app.name, app.namespace));
        }
    }
}

// --- all of it -----------------------------------------------------------------------------------------------------------------

type Check = fn(&Cluster, &mut Seen);

const CHECKS: [(&str, Check, usize); 13] = [
    ("secrets", secrets, 300),
    ("issuers", issuers, 100),
    ("gateways", gateways, 100),
    ("hosts", hosts, 100),
    ("selectors", selectors, 50),
    ("storage", storage, 50),
    ("small things", small_things, 100),
    ("cloud roles", cloud_roles, 50),
    ("namespaces", namespaces, 500),
    ("node ports", node_ports, 50),
    ("host ports", host_ports, 50),
    ("owners", owners, 500),
    ("definitions", definitions, 200),
];

fn clusters() -> Vec<Rc<Cluster>> {
    thread_local!(static ALL: RefCell<Option<Vec<Rc<Cluster>>>> = const { RefCell::new(None) });
    if let Some(all) = ALL.with_borrow(Clone::clone) {
        return all;
    }
    let inputs = Inputs::of_this_repository();
    let mut all = Vec::new();
    for (inputs, case) in [(inputs.cases_as_environments(), true), (inputs, false)] {
        each_rendered(&inputs, |name, tree| {
            let tree = tree.unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
            all.push(Rc::new(Cluster::of(name, tree, case)));
        });
    }
    ALL.set(Some(all.clone()));
    all
}

#[test]
fn everything_that_is_spoken_of_is_there() {
    let clusters = clusters();
    let mut wrong: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut used = BTreeSet::new();
    let mut counts = Vec::new();
    for (name, check, least) in CHECKS.into_iter().chain([("pod security", pod_security as Check, 50)]) {
        let mut references = 0;
        for cluster in &clusters {
            let mut seen = Seen::default();
            check(cluster, &mut seen);
            references += seen.references;
            used.extend(seen.used);
            for text in seen.wrong {
                wrong.entry(format!("{name}: {text}")).or_default().insert(cluster.environment.clone());
            }
        }
        assert!(references >= least, "{name} saw {references} references only");
        counts.push(format!("{references} of {name}"));
    }
    println!("{} environments: {}", clusters.len(), counts.join(", "));
    let tables = CHARTS_MAKE
        .iter()
        .map(|made| format!("{} {}", made.kind, made.name))
        .chain(CHARTS_CERTIFY.iter().map(|(_, secret)| format!("certify {secret}")))
        .chain(SPOKEN_OF_BY_NOBODY.iter().map(|(secret, _)| format!("unspoken {secret}")))
        .chain(SERVED_TOO.iter().map(|(api, ..)| format!("served {api}")))
        .chain(ELSEWHERE.iter().map(|(what, _)| format!("elsewhere {what}")));
    for entry in tables.filter(|entry| !used.contains(entry)) {
        wrong.entry(format!("the entry `{entry}` of a table is not needed")).or_default();
    }
    let lines: Vec<String> = wrong
        .iter()
        .map(|(text, environments)| {
            format!("{text}\n    in {}", environments.iter().cloned().collect::<Vec<_>>().join(", "))
        })
        .collect();
    assert!(lines.is_empty(), "{} wrong:\n{}", lines.len(), lines.join("\n"));
}

/// The same where an environment has one component more or less: as far as it renders, nothing hangs in the air.
#[test]
fn nothing_hangs_in_the_air_with_a_component_more_or_less() {
    let inputs = combinations::inputs();
    let Ok(repository) = Repository::load(&inputs, &Wanted::All) else { panic!("the repository itself has mistakes") };
    let switches = repository.components().keys().flat_map(|name| [format!("with-{name}"), format!("no-{name}")]);
    let switches: BTreeSet<String> = switches.collect();
    let shares_storage = |name: &str| {
        repository
            .components()
            .get(name)
            .is_some_and(|component| component.provided().any(|given| given.name == "storage"))
    };
    let (mut all, _, labels) = combinations::variants(&inputs, &repository);
    let wanted: BTreeSet<&String> =
        labels.iter().filter(|(_, label)| switches.contains(*label)).map(|(name, _)| name).collect();
    all.0.retain(|path, _| {
        let environment = path.strip_prefix("environments/").and_then(|path| Some(path.split_once('/')?.0.to_owned()));
        environment.is_none_or(|name| !labels.contains_key(&name) || wanted.contains(&name))
    });
    let (mut looked_at, mut wrong) = (0, BTreeMap::<String, BTreeSet<String>>::new());
    each_rendered(&all, |name, tree| {
        let Ok(tree) = tree else { return };
        looked_at += 1;
        let cluster = Cluster::of(name, tree, true);
        for (check, run) in
            CHECKS.iter().map(|(name, run, _)| (*name, *run)).chain([("pod security", pod_security as Check)])
        {
            let mut seen = Seen::default();
            run(&cluster, &mut seen);
            for text in seen.wrong {
                // Who switches off what makes a class and still names it has a class of their own by that name.
                let class_of_own =
                    labels.get(name).is_some_and(|label| shares_storage(label.trim_start_matches("no-")));
                if check == "storage" && class_of_own {
                    continue;
                }
                let name = labels.get(name).map_or(name.to_owned(), |label| format!("{name}, {label}"));
                wrong.entry(format!("{check}: {text}")).or_default().insert(name);
            }
        }
    });
    let lines: Vec<_> = wrong.iter().map(|(text, environments)| format!("{text}\n    in {environments:?}")).collect();
    assert!(lines.is_empty(), "{} wrong:\n{}", lines.len(), lines.join("\n"));
    println!("{looked_at} of {} environments render", wanted.len());
    assert!(looked_at > 50, "{looked_at}");
}

// --- each check can fail -------------------------------------------------------------------------------------------------------

fn wrong_in(cluster: &Cluster, check: &str) -> BTreeSet<String> {
    let checks = CHECKS.iter().map(|(name, check, _)| (*name, *check));
    let (_, check) = checks.chain([("pod security", pod_security as Check)]).find(|(name, _)| *name == check).unwrap();
    let mut seen = Seen::default();
    check(cluster, &mut seen);
    seen.wrong
}

/// A fault: the environment, the check, the document as `Kind name` or `values application`, what is replaced in its JSON by what,
/// and words that must be said about it.
const FAULTS: &[[&str; 6]] = &[
    [
        "aws-ha",
        "secrets",
        "values logging-fluentd",
        r#""name":"log-writer""#,
        r#""name":"log-writers""#,
        "logging/log-writers",
    ],
    ["aws-ha", "secrets", "values logging-fluentd", r#""key":"username""#, r#""key":"user""#, "reads `user`"],
    ["aws-ha", "secrets", "values argo-cd", "$argocd-oidc:", "$argocd-odic:", "argocd-odic"],
    ["aws-ha", "secrets", "values metrics-stack", "admin-password", "password", "reads `password`"],
    [
        "aws-ha",
        "secrets",
        "values velero-server",
        r#""credentials":{"#,
        r#""credentials":{"someSecret":"x","#,
        "nobody said",
    ],
    ["aws-ha", "secrets", "Job opensearch-setup", "opensearch-admin-tls", "opensearch-root-tls", "opensearch-root-tls"],
    ["aws-ha", "secrets", "Gateway public", "public-ingress-tls", "ingress-tls", "istio-ingress/ingress-tls"],
    ["aws-ha", "secrets", "Certificate fluentd", "fluentd-tls", "fluent-tls", "makes the Secret logging/fluent-tls"],
    ["aws-ha", "secrets", "ClusterIssuer local-ca", "local-ca\"}", "ca\"}", "cert-manager/ca"],
    ["aws-ha", "issuers", "Certificate fluentd", "local-ca", "local", "ClusterIssuer /local,"],
    ["aws-ha", "issuers", "Certificate fluentd", "ClusterIssuer", "Issuer", "Issuer logging/local-ca"],
    [
        "aws-ha",
        "issuers",
        "values cert-manager",
        "defaultIssuerName\":\"",
        "defaultIssuerName\":\"x",
        "ClusterIssuer /x",
    ],
    ["aws-ha", "issuers", "values pod-identity", "local-ca", "local", "ClusterIssuer /local,"],
    [
        "aws-ha",
        "gateways",
        "VirtualService argocd-server",
        "istio-ingress/private",
        "istio-ingress/internal",
        "istio-ingress/internal",
    ],
    [
        "aws-ha",
        "gateways",
        "VirtualService argocd-server",
        "argocd.prod-eu.example.com",
        "argocd.example.com",
        "argocd.example.com",
    ],
    ["aws-ha", "gateways", "Gateway private", r#""number":443"#, r#""number":8443"#, "lacks the port 8443"],
    [
        "aws-ha",
        "gateways",
        "Gateway private",
        r#""istio":"private-ingressgateway""#,
        r#""istio":"internal""#,
        "no release istio-internal",
    ],
    ["aws-classic", "gateways", "HTTPRoute public-https-redirect", "http-0", "http-9", "section `http-9`"],
    [
        "aws-classic",
        "gateways",
        "HTTPRoute public-https-redirect",
        r#""name":"public""#,
        r#""name":"outer""#,
        "istio-ingress/outer",
    ],
    ["aws-ha", "hosts", "VirtualService grafana", r#""number":80"#, r#""number":3000"#, "port Some(3000)"],
    ["aws-ha", "hosts", "VirtualService grafana", "metrics-grafana", "grafana", "monitoring/grafana"],
    [
        "aws-ha",
        "hosts",
        "values logging-fluentd",
        "opensearch.opensearch.svc",
        "opensearch.search.svc",
        "search/opensearch",
    ],
    ["aws-ha", "hosts", "values opensearch-exporter", ".svc:9200", ".svc:9201", "port Some(9201)"],
    ["aws-ha", "selectors", "ServiceMonitor istiod", r#""app":"istiod""#, r#""app":"pilot""#, "selects no Service"],
    ["aws-ha", "selectors", "ServiceMonitor istiod", "http-monitoring", "metrics", "wants the port `metrics`"],
    [
        "aws-ha",
        "selectors",
        "ServiceMonitor aws-cloud-controller-manager",
        "https-metrics",
        "metrics",
        "wants the port `metrics`",
    ],
    [
        "aws-ha",
        "selectors",
        "Service aws-cloud-controller-manager",
        r#""selector":{"k8s-app""#,
        r#""selector":{"app""#,
        "selects no Pod",
    ],
    ["aws-ha", "selectors", "PodMonitor calico-node", "calico-system", "calico", "selects no Pod"],
    ["aws-ha", "selectors", "PodMonitor calico-node", "$1:9091", "$1:9092", "the port 9092"],
    [
        "aws-ha",
        "selectors",
        "PodMonitor ingress-gateways",
        r#""private-ingressgateway""#,
        r#""inner""#,
        "nothing has istio=\"inner\"",
    ],
    ["aws-ha", "selectors", "PodDisruptionBudget logging-fluentd", r#""fluentd""#, r#""fluent""#, "selects no Pod"],
    [
        "aws-ha",
        "storage",
        "values aws-ebs-csi-driver",
        r#"is-default-class":"true""#,
        r#"is-default-class":"false""#,
        "leaves the choice",
    ],
    [
        "aws-ha",
        "storage",
        "values logging-fluentd",
        r#""storageClass":"""#,
        r#""storageClass":"gp9""#,
        "the StorageClass gp9",
    ],
    ["aws-classic", "storage", "PersistentVolume *", "efs.csi.aws.com", "nfs.csi.k8s.io", "nobody said who brings"],
    ["aws-ha", "small things", "values argo-cd", "system-cluster-critical", "critical", "PriorityClass critical"],
    [
        "aws-ha",
        "small things",
        "Job opensearch-setup",
        r#"{"name":"opensearch-setup"}"#,
        r#"{"name":"setup"}"#,
        "ConfigMap opensearch/setup",
    ],
    [
        "aws-classic",
        "small things",
        "Elasticsearch elasticsearch",
        r#"serviceAccountName":"elastic"#,
        r#"serviceAccountName":"rubber"#,
        "rubbersearch",
    ],
    [
        "aws-classic",
        "small things",
        "Kibana kibana",
        r#"elasticsearchRef":{"name":"elastic"#,
        r#"elasticsearchRef":{"name":"rubber"#,
        "rubbersearch",
    ],
    [
        "aws-ha",
        "small things",
        "RoleBinding cert-manager-token",
        r#""name":"cert-manager","#,
        r#""name":"manager","#,
        "cert-manager/manager",
    ],
    [
        "aws-ha",
        "small things",
        "RoleBinding cert-manager-token",
        r#""Role","name":"cert-"#,
        r#""Role","name":"x"#,
        "xmanager-token",
    ],
    [
        "aws-ha",
        "small things",
        "GlobalNetworkPolicy platform.block-metadata-service",
        r#""tier":"platform""#,
        r#""tier":"top""#,
        "Tier top",
    ],
    ["aws-ha", "cloud roles", "values aws-ebs-csi-driver", ".pod.ebs-csi", ".pod.ebs", "the role ebs, which is none"],
    [
        "aws-classic",
        "cloud roles",
        "Elasticsearch elasticsearch",
        ".pod.es-snapshot",
        ".snapshot",
        "has the role es-snapshot",
    ],
    ["aws-ha", "node ports", "values istio-gateway-private", "31443", "30443", "30443 is taken twice"],
    ["aws-ha", "node ports", "values istio-gateway-private", "31443", "443", "443 is no NodePort"],
    ["aws-ha", "host ports", "values calico-operator", "9091", "10250", "port 10250"],
    ["aws-classic", "host ports", "values kiam", "9621", "9620", "port 9620"],
    [
        "aws-ha",
        "namespaces",
        "Certificate fluentd",
        r#""namespace":"logging""#,
        r#""namespace":"logs""#,
        "the namespace logs",
    ],
    ["aws-ha", "namespaces", "PodMonitor calico-node", "calico-system", "calico", "the namespace calico"],
    [
        "aws-ha",
        "namespaces",
        "Namespace logging",
        r#""name":"logging""#,
        r#""name":"logs""#,
        "writes to the namespace logging",
    ],
    [
        "aws-ha",
        "owners",
        "Certificate opensearch-http",
        r#""name":"opensearch-http""#,
        r#""name":"opensearch-node""#,
        "belongs to",
    ],
    [
        "aws-ha",
        "definitions",
        "Certificate fluentd",
        "cert-manager.io/v1\"",
        "cert-manager.io/v2\"",
        "cert-manager.io/v2",
    ],
    [
        "aws-ha",
        "definitions",
        "Certificate fluentd",
        r#""kind":"Certificate""#,
        r#""kind":"Certificates""#,
        "kind Certificates",
    ],
    [
        "cilium--aws-ha",
        "definitions",
        "CiliumClusterwideNetworkPolicy *",
        "SkipDryRunOnMissingResource=true",
        "Prune=false",
        "no Application says",
    ],
    ["aws-ha", "pod security", "Job opensearch-setup", r#""ALL""#, r#""KILL""#, "capabilities.drop lacks ALL"],
    [
        "aws-ha",
        "pod security",
        "Job opensearch-setup",
        r#""restartPolicy""#,
        r#""hostNetwork":true,"restartPolicy""#,
        "hostNetwork",
    ],
    ["aws-ha", "pod security", "Job opensearch-setup", "RuntimeDefault", "Unconfined", "seccompProfile"],
    ["aws-ha", "pod security", "Namespace logging", "privileged", "baseline", "hostPath"],
];

#[test]
fn each_fault_is_found() {
    let clusters = clusters();
    let mut wrong = Vec::new();
    for [environment, check, document, from, to, words] in FAULTS {
        let original = clusters.iter().find(|cluster| cluster.environment == *environment).unwrap();
        let mut cluster = Cluster::clone(original);
        let (kind, name) = document.split_once(' ').unwrap();
        let place: &mut Json = if kind == "values" {
            &mut cluster.apps.iter_mut().find(|app| app.name == name).unwrap_or_else(|| panic!("{document}")).values
        } else {
            // Of two of one name, such as Gateways, the one that has what is replaced.
            let mine = |object: &Json| {
                let named = name == "*" || object["metadata"]["name"] == name;
                kind_of(object) == kind && named && object.to_string().contains(from)
            };
            let found = cluster.objects.iter_mut().map(|(_, object)| object).find(|object| mine(object));
            let Some(found) = found else {
                wrong.push(format!("{environment} has no {document} with {from}"));
                continue;
            };
            found
        };
        let before = place.to_string();
        let after = before.replace(from, to);
        if before == after {
            wrong.push(format!("{environment}: {document} has no {from}: {before:.600}"));
            continue;
        }
        *place = serde_json::from_str(&after).unwrap();
        let found = wrong_in(&cluster, check);
        if !wrong_in(original, check).is_empty() || !found.iter().any(|text| text.contains(words)) {
            wrong.push(format!("{environment}: {check}: {document}: {from} → {to}: `{words}` is not in {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let checks: BTreeSet<&str> = FAULTS.iter().map(|fault| fault[1]).collect();
    assert_eq!(checks.len(), CHECKS.len() + 1);
    println!("{} faults found", FAULTS.len());
}

#[test]
fn faults_of_the_whole_are_found() {
    let clusters = clusters();
    let original = clusters.iter().find(|cluster| cluster.environment == "aws-ha").unwrap();
    let change = |check: &str, words: &str, change: &dyn Fn(&mut Cluster)| {
        let mut cluster = Cluster::clone(original);
        change(&mut cluster);
        let found = wrong_in(&cluster, check);
        assert!(found.iter().any(|text| text.contains(words)), "{check}: `{words}` is not in {found:?}");
    };
    let index = |cluster: &Cluster, name: &str| cluster.apps.iter().position(|app| app.name == name).unwrap();
    change("secrets", "is declared and nothing names it", &|cluster| {
        let mut need = cluster.secrets[0].clone();
        need.name = "spare".to_owned();
        need.made_by = "you".to_owned();
        cluster.secrets.push(need);
    });
    change("secrets", "nothing asks cert-manager for the Secret", &|cluster| {
        cluster.objects.retain(|(_, object)| kind_of(object) != "Certificate");
    });
    change("secrets", "which secrets.yaml.hbs does not have", &|cluster| cluster.secrets.clear());
    change("issuers", "which is not there", &|cluster| {
        cluster.objects.retain(|(_, object)| kind_of(object) != "ClusterIssuer");
    });
    change("storage", "several default", &|cluster| {
        let index = index(cluster, "aws-ebs-csi-driver");
        let classes = cluster.apps[index].values["storageClasses"].as_array_mut().unwrap();
        let mut second = classes[0].clone();
        second["name"] = json!("second");
        classes.push(second);
    });
    change("storage", "is for ebs.csi.aws.com", &|cluster| {
        cluster.objects.push((
            "velero".to_owned(),
            json!({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "driver": "ebs.csi.aws.com", "metadata": {"name": "s"}}),
        ));
        cluster.apps.retain(|app| app.name != "aws-ebs-csi-driver");
    });
    change("cloud roles", "has the role spare", &|cluster| {
        let spare = json!({"name": "spare", "component": "velero", "namespace": "velero", "serviceAccounts": ["velero-server"]});
        cluster.iam_roles.as_array_mut().unwrap().push(spare);
    });
    change("owners", "belongs to", &|cluster| {
        let twice = cluster.objects[0].clone();
        cluster.objects.push(("metrics".to_owned(), twice.1));
    });
    change("owners", "the release kube-system/metrics-server", &|cluster| {
        let index = index(cluster, "node-local-dns");
        cluster.apps[index].release = "metrics-server".to_owned();
    });
    change("owners", "the API cert-manager.io/v1", &|cluster| {
        let index = index(cluster, "node-local-dns");
        cluster.apps[index].api_versions = vec!["cert-manager.io/v1".to_owned()];
    });
    change("definitions", "comes in wave", &|cluster| {
        let index = index(cluster, "cert-manager");
        cluster.apps[index].wave = 99;
    });
    change("host ports", "want the machine's port 10258", &|cluster| {
        let index = index(cluster, "metrics-server");
        cluster.apps[index].values["hostPort"] = json!(10258);
    });
}

#[test]
fn pod_security_is_what_the_standards_say() {
    let safe = json!({
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "c", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    });
    let newest = |level, spec: &Json| violations(Policy { level, minor: u32::MAX }, &Json::Null, spec);
    for level in ["", "privileged", "baseline", "restricted"] {
        assert_eq!(newest(level, &safe), Vec::<String>::new(), "{level}");
    }
    // The path, the value, and whether baseline forbids it too.
    for (path, value, in_baseline) in [
        ("/hostPID", json!(true), true),
        ("/volumes/0/hostPath", json!({"path": "/"}), true),
        ("/volumes/0/nfs", json!({}), false),
        ("/securityContext/runAsNonRoot", Json::Null, false),
        ("/securityContext/runAsUser", json!(0), false),
        ("/securityContext/seccompProfile", Json::Null, false),
        ("/securityContext/seccompProfile/type", json!("Unconfined"), true),
        ("/securityContext/appArmorProfile", json!({"type": "Unconfined"}), true),
        ("/securityContext/seLinuxOptions", json!({"type": "spc_t"}), true),
        ("/securityContext/seLinuxOptions", json!({"user": "sysadm_u"}), true),
        ("/securityContext/windowsOptions", json!({"hostProcess": true}), true),
        ("/securityContext/sysctls", json!([{"name": "kernel.msgmax", "value": "1"}]), true),
        ("/containers/0/ports", json!([{"hostPort": 80}]), true),
        ("/containers/0/securityContext/privileged", json!(true), true),
        ("/containers/0/securityContext/procMount", json!("Unmasked"), true),
        ("/containers/0/securityContext/allowPrivilegeEscalation", Json::Null, false),
        ("/containers/0/securityContext/capabilities/drop", json!([]), false),
        ("/containers/0/securityContext/capabilities/add", json!(["CHOWN"]), false),
        ("/containers/0/securityContext/capabilities/add", json!(["SYS_ADMIN"]), true),
        ("/containers/0/securityContext/runAsNonRoot", json!(false), false),
        ("/containers/0/securityContext/seccompProfile", json!({"type": "Unconfined"}), true),
        ("/containers/0/lifecycle", json!({"preStop": {"httpGet": {"host": "10.0.0.1", "port": 80}}}), true),
        ("/containers/0/livenessProbe", json!({"tcpSocket": {"host": "10.0.0.1", "port": 80}}), true),
    ] {
        let mut spec = safe.clone();
        let (parent, key) = path.rsplit_once('/').unwrap();
        spec.pointer_mut(parent).unwrap()[key] = value;
        assert!(!newest("restricted", &spec).is_empty(), "{path}");
        assert_eq!(!newest("baseline", &spec).is_empty(), in_baseline, "{path}");
        assert!(newest("privileged", &spec).is_empty(), "{path}");
    }
    let annotated = json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}});
    let found = violations(Policy { level: "baseline", minor: 36 }, &annotated, &safe);
    assert_eq!(found, ["the annotation container.apparmor.security.beta.kubernetes.io/c unconfined"]);
    // The standards forbid a volume's source, not one that is written and not set.
    let unset = json!({"containers": [], "volumes": [{"name": "v", "emptyDir": {}, "hostPath": null}]});
    assert_eq!(newest("baseline", &unset), Vec::<String>::new());
}

/// Each rule that a version of Kubernetes changed: before it, and from it on.
#[test]
fn pod_security_is_that_of_the_version() {
    let pod = |change: Json| {
        let mut spec = json!({
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "c", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}],
        });
        for (path, value) in change.as_object().unwrap() {
            let (parent, key) = path.rsplit_once('/').unwrap();
            spec.pointer_mut(parent).unwrap()[key] = value.clone();
        }
        spec
    };
    let sysctl = |name: &str| pod(json!({"/securityContext/sysctls": [{"name": name, "value": "1"}]}));
    let se_linux = pod(json!({"/securityContext/seLinuxOptions": {"type": "container_engine_t"}}));
    let probe = pod(json!({"/containers/0/readinessProbe": {"httpGet": {"host": "10.0.0.1", "port": 80}}}));
    let own_users =
        pod(json!({"/hostUsers": false, "/securityContext/runAsUser": 0, "/securityContext/runAsNonRoot": false}));
    let unmasked = pod(json!({"/hostUsers": false, "/containers/0/securityContext/procMount": "Unmasked"}));
    let windows = pod(json!({"/os": {"name": "windows"}, "/containers/0/securityContext": {"runAsNonRoot": true}}));
    // The level, the pod, the version that changed the rule, and whether it is allowed from then on.
    for (level, spec, since, allowed_then) in [
        ("baseline", sysctl("net.ipv4.ip_local_reserved_ports"), 27, true),
        ("baseline", sysctl("net.ipv4.tcp_keepalive_time"), 29, true),
        ("baseline", sysctl("net.ipv4.tcp_rmem"), 32, true),
        ("baseline", sysctl("net.ipv4.tcp_notsent_lowat"), 37, true),
        ("baseline", se_linux, 31, true),
        ("baseline", probe, 34, false),
        ("baseline", unmasked.clone(), 35, true),
        ("restricted", own_users, 35, true),
        ("restricted", windows, 25, true),
    ] {
        let allowed = |minor| violations(Policy { level, minor }, &Json::Null, &spec).is_empty();
        assert_eq!((allowed(since - 1), allowed(since)), (!allowed_then, allowed_then), "{level} at 1.{since}: {spec}");
    }
    assert_eq!(violations(Policy { level: "restricted", minor: 35 }, &Json::Null, &unmasked), ["c: procMount"]);
    let namespace = json!({"metadata": {"labels": {
        "pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.33",
    }}});
    let policy = Policy::of(&namespace, 36);
    assert_eq!((policy.level, policy.minor), ("baseline", 33));
}
