//! Everything that is there: objects by name, what Kubernetes has of itself, and what controllers make for others.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

use super::ownership::may;
use super::workloads::{Pod, pods};
use super::{EnvironmentObjects, Object, each_entry, list, text};

/// What every cluster has: group, kind, namespace (`*`: each), name.
const OF_KUBERNETES: &[(&str, &str, &str, &str)] = &[
    ("", "ServiceAccount", "*", "default"),
    ("", "ConfigMap", "*", "kube-root-ca.crt"),
    ("", "ConfigMap", "kube-system", "extension-apiserver-authentication"),
    ("", "ConfigMap", "kube-system", "kubeadm-config"),
    ("", "ConfigMap", "kube-system", "kube-proxy"),
    ("", "ConfigMap", "kube-system", "coredns"),
    ("", "Service", "default", "kubernetes"),
    ("", "Service", "kube-system", "kube-dns"),
    ("scheduling.k8s.io", "PriorityClass", "", "system-node-critical"),
    ("scheduling.k8s.io", "PriorityClass", "", "system-cluster-critical"),
    ("rbac.authorization.k8s.io", "ClusterRole", "", "cluster-admin"),
    ("rbac.authorization.k8s.io", "ClusterRole", "", "admin"),
    ("rbac.authorization.k8s.io", "ClusterRole", "", "edit"),
    ("rbac.authorization.k8s.io", "ClusterRole", "", "view"),
    ("rbac.authorization.k8s.io", "Role", "kube-system", "extension-apiserver-authentication-reader"),
    ("rbac.authorization.k8s.io", "Role", "kube-public", "kubeadm:bootstrap-signer-clusterinfo"),
];

/// ServiceAccounts of kube-system that Kubernetes' own controllers and kubeadm have.
const ACCOUNTS_OF_KUBERNETES: [&str; 6] =
    ["coredns", "kube-proxy", "bootstrap-signer", "token-cleaner", "namespace-controller", "generic-garbage-collector"];

/// What operators make for an object: its group, its kind, the kind of what is made, and how the name begins and ends beside that of the
/// object. From the operators' documentation: Elastic's "Access the Elastic Stack", the Prometheus operator's API.
const BY_OPERATORS: &[(&str, &str, &str, &str, &str)] = &[
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", "Service", "", "-es-http"),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", "Service", "", "-es-internal-http"),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", "Service", "", "-es-transport"),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", "Secret", "", "-es-http-certs-public"),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", "Secret", "", "-es-elastic-user"),
    ("kibana.k8s.elastic.co", "Kibana", "Service", "", "-kb-http"),
    ("kibana.k8s.elastic.co", "Kibana", "Secret", "", "-kb-http-certs-public"),
    ("monitoring.coreos.com", "Prometheus", "Secret", "prometheus-", ""),
    ("monitoring.coreos.com", "Alertmanager", "Secret", "alertmanager-", "-generated"),
];

/// Objects of one kind, by namespace and name.
type ByName<'e> = BTreeMap<(&'e str, &'e str), &'e Object>;

/// Everything that is there.
pub struct Known<'e> {
    /// The environment.
    pub environment: &'e EnvironmentObjects,
    /// Its pods.
    pub pods: Vec<Pod<'e>>,
    objects: BTreeMap<(&'e str, &'e str), ByName<'e>>,
    /// Secrets and ConfigMaps that a controller makes, by kind, namespace and name; `*` is each namespace.
    made: HashSet<(&'static str, String, String)>,
    declared: HashMap<(&'e str, &'e str), BTreeSet<&'e str>>,
    namespaces: HashSet<&'e str>,
}

/// The keys of a Secret or a ConfigMap.
pub enum Keys<'e> {
    /// Whoever makes it decides.
    Any,
    /// These.
    These(BTreeSet<&'e str>),
}

impl<'e> Known<'e> {
    /// Looks through an environment once.
    pub fn of(environment: &'e EnvironmentObjects) -> Known<'e> {
        let mut objects: BTreeMap<(&str, &str), ByName<'_>> = BTreeMap::new();
        for object in &environment.objects {
            let identity = &object.identity;
            objects
                .entry((&identity.group, &identity.kind))
                .or_default()
                .insert((&identity.namespace, &identity.name), object);
        }
        let mut declared: HashMap<(&str, &str), BTreeSet<&str>> = HashMap::new();
        for secret in &environment.secrets {
            let keys = secret.keys.keys().map(String::as_str);
            declared.entry((&secret.namespace, &secret.name)).or_default().extend(keys);
        }
        let named = environment.objects.iter().filter(|object| object.is("", "Namespace"));
        let namespaces = named.map(|object| object.identity.name.as_str()).collect();
        let made = environment.objects.iter().flat_map(made_for).collect();
        Known { environment, pods: pods(environment), objects, made, declared, namespaces }
    }

    /// An object by name.
    pub fn get(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&'e Object> {
        self.objects.get(&(group, kind))?.get(&(namespace, name)).copied()
    }

    /// All objects of a kind.
    pub fn of_kind(&self, group: &str, kind: &str) -> Vec<&'e Object> {
        self.objects.get(&(group, kind)).into_iter().flat_map(|found| found.values().copied()).collect()
    }

    /// Whether an object is there, or nobody can say that it is not.
    pub fn is_there(&self, group: &str, kind: &str, namespace: &str, name: &str) -> bool {
        let of_kubernetes = || {
            OF_KUBERNETES.iter().any(|&(of, known, space, called)| {
                of == group && known == kind && called == name && [namespace, "*"].contains(&space)
            }) || name.starts_with("system:")
                || kind == "ServiceAccount"
                    && namespace == "kube-system"
                    && (ACCOUNTS_OF_KUBERNETES.contains(&name) || name.ends_with("-controller"))
        };
        self.get(group, kind, namespace, name).is_some()
            || of_kubernetes()
            || match namespace {
                "" => self.environment.may_hide_of_cluster(group, kind),
                namespace => self.environment.may_hide(namespace),
            }
            || self.is_made(kind, namespace, name)
            || !namespace.is_empty() && !self.is_known_namespace(namespace)
    }

    /// Whether a namespace is ours or Kubernetes' own: what lies in any other nobody here knows.
    pub fn is_known_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contains(namespace) || crate::pipeline::plan::Plan::is_foreign(namespace)
    }

    /// Whether a controller makes it.
    fn is_made(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let in_made = |namespace: &str| {
            let kinds = ["Secret", "ConfigMap", "Service"];
            kinds.iter().any(|&of| of == kind && self.made.contains(&(of, namespace.to_owned(), name.to_owned())))
        };
        if in_made(namespace) || in_made("*") {
            return true;
        }
        let beside = BY_OPERATORS.iter().filter(|(.., made, _, _)| *made == kind);
        let mut beside = beside.filter_map(|(group, of, _, begin, end)| {
            let own = name.strip_prefix(begin)?;
            Some((group, of, own.strip_suffix(end).unwrap_or(own), *end))
        });
        // What begins like the name of the object is one of its many.
        beside.any(|(group, of, own, end)| {
            let mine = |object: &Object| {
                object.identity.namespace == namespace
                    && (own == object.identity.name || end.is_empty() && own.starts_with(&object.identity.name))
            };
            self.of_kind(group, of).into_iter().any(mine)
        }) || ["Secret", "ConfigMap"].contains(&kind) && self.is_made_by_program(kind, namespace, name)
    }

    /// Whether a program is told this name and may make such an object there.
    fn is_made_by_program(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let resource = if kind == "Secret" { "secrets" } else { "configmaps" };
        self.pods.iter().any(|pod| {
            let told = || pod.containers().any(|container| is_told(container, name));
            let account = (pod.namespace(), pod.service_account());
            told() && may(self.environment, account, namespace, "create", resource)
        })
    }

    /// The keys of a Secret; nothing where there is none.
    pub fn secret(&self, namespace: &str, name: &str) -> Option<Keys<'e>> {
        if let Some(keys) = self.declared.get(&(namespace, name)) {
            return Some(Keys::These(keys.clone()));
        }
        match self.get("", "Secret", namespace, name) {
            Some(object) => Some(keys_of(object, &["/data", "/stringData"])),
            None => self.is_there("", "Secret", namespace, name).then_some(Keys::Any),
        }
    }

    /// The keys of a ConfigMap; nothing where there is none.
    pub fn config_map(&self, namespace: &str, name: &str) -> Option<Keys<'e>> {
        match self.get("", "ConfigMap", namespace, name) {
            Some(object) => Some(keys_of(object, &["/data", "/binaryData"])),
            None => self.is_there("", "ConfigMap", namespace, name).then_some(Keys::Any),
        }
    }

    /// The names of a kind in a namespace, to propose one.
    pub fn names(&self, group: &str, kind: &str, namespace: &str) -> Vec<&'e str> {
        let of_kind = self.of_kind(group, kind).into_iter();
        of_kind
            .filter(|object| object.identity.namespace == namespace)
            .map(|object| object.identity.name.as_str())
            .collect()
    }
}

/// Keys of an object; one that is empty is filled by somebody.
fn keys_of<'e>(object: &'e Object, maps: &[&str]) -> Keys<'e> {
    let maps = maps.iter().filter_map(|path| object.content().pointer(path)?.as_object());
    let keys: BTreeSet<&str> = maps.flat_map(|map| map.keys().map(String::as_str)).collect();
    if keys.is_empty() { Keys::Any } else { Keys::These(keys) }
}

/// Whether an argument or a variable of a container is or ends with this name.
fn is_told(container: &Json, name: &str) -> bool {
    let words = ["/args", "/command"].iter().flat_map(|path| list(container, path)).filter_map(Json::as_str);
    let variables = list(container, "/env").map(|variable| text(variable, "/value"));
    let mut all =
        words.chain(variables).flat_map(|word| word.split(|c: char| c.is_whitespace() || "=,\"'/".contains(c)));
    all.any(|word| word == name)
}

/// What controllers make because of an object.
fn made_for(object: &Object) -> Vec<(&'static str, String, String)> {
    let content = object.content();
    let own = || object.identity.namespace.clone();
    let mut found = Vec::new();
    let mut secret = |namespace: String, name: &str| {
        if !name.is_empty() {
            found.push(("Secret", namespace, name.to_owned()));
        }
    };
    let either = |path: &str| match text(content, path) {
        "" => object.identity.name.clone(),
        name => name.to_owned(),
    };
    match (object.identity.group.as_str(), object.identity.kind.as_str()) {
        ("cert-manager.io", "Certificate") => secret(own(), text(content, "/spec/secretName")),
        ("external-secrets.io", "ExternalSecret") => secret(own(), &either("/spec/target/name")),
        ("external-secrets.io", "ClusterExternalSecret") => secret("*".to_owned(), &either("/spec/externalSecretName")),
        ("bitnami.com", "SealedSecret") => secret(own(), &either("/spec/template/metadata/name")),
        ("trust.cert-manager.io", "Bundle" | "ClusterBundle") => {
            for (key, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
                if content.pointer(&format!("/spec/target/{key}")).is_some() {
                    found.push((kind, "*".to_owned(), object.identity.name.clone()));
                }
            }
        }
        ("networking.k8s.io", "Ingress") | ("gateway.networking.k8s.io", "Gateway") => {
            let annotations = content.pointer("/metadata/annotations").and_then(Json::as_object);
            let issuers = ["cert-manager.io/issuer", "cert-manager.io/cluster-issuer"];
            if annotations.is_some_and(|map| issuers.iter().any(|key| map.contains_key(*key))) {
                list(content, "/spec/tls").for_each(|tls| secret(own(), text(tls, "/secretName")));
                for listener in list(content, "/spec/listeners") {
                    list(listener, "/tls/certificateRefs").for_each(|tls| secret(own(), text(tls, "/name")));
                }
            }
        }
        // The private key of an account is made by whoever registers it.
        ("cert-manager.io", "ClusterIssuer" | "Issuer") => {
            each_entry(content, &mut |_, key, value, _| {
                if key == "privateKeySecretRef" {
                    secret("*".to_owned(), text(value, "/name"));
                }
            });
        }
        // istiod puts the roots of trust into every namespace.
        ("apps", "Deployment") if text(content, "/metadata/labels/app") == "istiod" => {
            found.push(("ConfigMap", "*".to_owned(), "istio-ca-root-cert".to_owned()));
        }
        _ => {}
    }
    found
}
