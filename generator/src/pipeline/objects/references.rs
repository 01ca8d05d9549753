//! Everything that an object speaks of is there: ConfigMaps, Secrets and their keys, accounts, classes, claims, roles, issuers, gateways,
//! Services and their ports.

use serde_json::Value as Json;

use super::check::Findings;
use super::known::{Keys, Known};
use super::workloads::Pod;
use super::{Object, each_entry, list, text};
use crate::diagnostic::Diagnostic;

/// Looks up everything that objects speak of.
pub fn check(known: &Known<'_>, found: &mut Findings) {
    let mut look = Look { known, found };
    for pod in &known.pods {
        look.pod(pod);
    }
    for object in &known.environment.objects {
        look.object(object);
    }
}

struct Look<'k, 'e> {
    known: &'k Known<'e>,
    found: &'k mut Findings,
}

/// A reference: what is spoken of.
struct To<'t> {
    group: &'t str,
    kind: &'t str,
    namespace: &'t str,
    name: &'t str,
}

impl Look<'_, '_> {
    fn missing(&mut self, object: &Object, path: &str, to: &To<'_>) {
        let place = match to.namespace {
            "" => to.name.to_owned(),
            namespace => format!("{namespace}/{}", to.name),
        };
        let help = match to.kind {
            "Secret" => {
                "make it with a Certificate or an ExternalSecret, or declare it in the component's secrets.yaml.hbs"
            }
            _ => "correct the name, or switch on what makes it",
        };
        let names = self.known.names(to.group, to.kind, to.namespace);
        self.found.mistakes.push(
            Diagnostic::new(
                "missing-reference",
                format!("{} names the {} `{place}` at `{path}`, which is not there", object.words(), to.kind),
            )
            .at_maybe(object.at, "")
            .did_you_mean(to.name, names)
            .help(help),
        );
    }

    /// Something is named.
    fn named(&mut self, object: &Object, path: &str, to: To<'_>) {
        if !to.name.is_empty() && !self.known.is_there(to.group, to.kind, to.namespace, to.name) {
            self.missing(object, path, &to);
        }
    }

    /// Something is named that Kubernetes does without.
    fn named_loosely(&mut self, object: &Object, path: &str, to: To<'_>, so: &str) {
        if !to.name.is_empty() && !self.known.is_there(to.group, to.kind, to.namespace, to.name) {
            let message = format!(
                "{} names the {} `{}/{}` at `{path}`, which is not there",
                object.words(),
                to.kind,
                to.namespace,
                to.name
            );
            self.found.remarks.push(Diagnostic::new("loose-reference", message).at_maybe(object.at, "").help(so));
        }
    }

    /// A ConfigMap or a Secret is named, and keys in it.
    fn keyed(&mut self, object: &Object, path: &str, kind: &str, namespace: &str, name: &str, keys: &[&str]) {
        if name.is_empty() {
            return;
        }
        let known = match kind {
            "Secret" => self.known.secret(namespace, name),
            _ => self.known.config_map(namespace, name),
        };
        match known {
            None => self.missing(object, path, &To { group: "", kind, namespace, name }),
            Some(Keys::Any) => {}
            Some(Keys::These(there)) => {
                for key in keys.iter().filter(|key| !key.is_empty() && !there.contains(*key)) {
                    let all: Vec<&str> = there.iter().copied().collect();
                    self.found.mistakes.push(
                        Diagnostic::new(
                            "missing-key",
                            format!(
                                "{} reads `{key}` of the {kind} `{namespace}/{name}` at `{path}`, which has no such key",
                                object.words()
                            ),
                        )
                        .at_maybe(object.at, "")
                        .did_you_mean(key, all.iter().copied())
                        .help(format!("it has {}", crate::values::schema::list_words(&all))),
                    );
                }
            }
        }
    }

    fn pod(&mut self, pod: &Pod<'_>) {
        let (object, spec, namespace) = (pod.object, pod.spec, pod.namespace());
        if namespace.is_empty() {
            // An operator decides where it lies.
            return;
        }
        let at = |rest: String| format!("{}.{rest}", pod.path);
        for (index, volume) in list(spec, "/volumes").enumerate() {
            let path = at(format!("volumes[{index}]"));
            self.volume(object, &path, namespace, volume);
            for source in list(volume, "/projected/sources") {
                self.volume(object, &path, namespace, source);
            }
            let claim = text(volume, "/persistentVolumeClaim/claimName");
            let templates = list(object.content(), "/spec/volumeClaimTemplates");
            if !templates.into_iter().any(|template| text(template, "/metadata/name") == claim) {
                self.named(object, &path, To { group: "", kind: "PersistentVolumeClaim", namespace, name: claim });
            }
        }
        for container in pod.containers() {
            let name = text(container, "/name");
            for (index, source) in list(container, "/envFrom").enumerate() {
                let path = at(format!("{name}.envFrom[{index}]"));
                for (key, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
                    let Some(reference) = source.get(key).filter(|reference| !is_optional(reference)) else { continue };
                    self.keyed(object, &path, kind, namespace, text(reference, "/name"), &[]);
                }
            }
            for variable in list(container, "/env") {
                let path = at(format!("{name}.env.{}", text(variable, "/name")));
                for (key, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
                    let reference = variable.get("valueFrom").and_then(|from| from.get(key));
                    let Some(reference) = reference.filter(|reference| !is_optional(reference)) else { continue };
                    let key = text(reference, "/key");
                    self.keyed(object, &path, kind, namespace, text(reference, "/name"), &[key]);
                }
            }
        }
        for secret in list(spec, "/imagePullSecrets") {
            self.keyed(object, &at("imagePullSecrets".to_owned()), "Secret", namespace, text(secret, "/name"), &[]);
        }
        let account = pod.service_account();
        self.named(
            object,
            &at("serviceAccountName".to_owned()),
            To { group: "", kind: "ServiceAccount", namespace, name: account },
        );
        for (key, group, kind) in [
            ("priorityClassName", "scheduling.k8s.io", "PriorityClass"),
            ("runtimeClassName", "node.k8s.io", "RuntimeClass"),
        ] {
            let name = spec.get(key).and_then(Json::as_str).unwrap_or_default();
            self.named(object, &at(key.to_owned()), To { group, kind, namespace: "", name });
        }
    }

    fn volume(&mut self, object: &Object, path: &str, namespace: &str, volume: &Json) {
        for (key, kind, name) in [("configMap", "ConfigMap", "/name"), ("secret", "Secret", "/secretName")] {
            let Some(source) = volume.get(key).filter(|source| !is_optional(source)) else { continue };
            let name = match text(source, name) {
                "" => text(source, "/name"),
                name => name,
            };
            let keys: Vec<&str> = list(source, "/items").map(|item| text(item, "/key")).collect();
            self.keyed(object, path, kind, namespace, name, &keys);
        }
    }

    fn object(&mut self, object: &Object) {
        let content = object.content();
        let own = object.identity.namespace.as_str();
        match (object.identity.group.as_str(), object.identity.kind.as_str()) {
            ("apps", "StatefulSet") => {
                let name = object.text("/spec/serviceName");
                let to = To { group: "", kind: "Service", namespace: own, name };
                self.named_loosely(object, "spec.serviceName", to, "its pods have no names in DNS of their own");
                for claim in list(content, "/spec/volumeClaimTemplates") {
                    self.storage_class(object, "spec.volumeClaimTemplates", text(claim, "/spec/storageClassName"));
                }
            }
            ("", "PersistentVolumeClaim") if object.text("/spec/volumeName").is_empty() => {
                self.storage_class(object, "spec.storageClassName", object.text("/spec/storageClassName"));
            }
            ("networking.k8s.io", "Ingress") => self.ingress(object),
            ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => self.binding(object),
            ("autoscaling", "HorizontalPodAutoscaler") => {
                let api = object.text("/spec/scaleTargetRef/apiVersion");
                let group = api.split_once('/').map_or("", |(group, _)| group);
                let (kind, name) = (object.text("/spec/scaleTargetRef/kind"), object.text("/spec/scaleTargetRef/name"));
                self.named(object, "spec.scaleTargetRef", To { group, kind, namespace: own, name });
            }
            ("admissionregistration.k8s.io", _) => {
                for webhook in list(content, "/webhooks") {
                    self.webhook(
                        object,
                        &format!("webhooks.{}", text(webhook, "/name")),
                        webhook.pointer("/clientConfig/service"),
                    );
                }
            }
            ("apiregistration.k8s.io", "APIService") => {
                self.webhook(object, "spec.service", content.pointer("/spec/service"))
            }
            ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                self.webhook(
                    object,
                    "spec.conversion",
                    content.pointer("/spec/conversion/webhook/clientConfig/service"),
                );
            }
            _ if !object.identity.is_built_in() => self.custom(object),
            _ => {}
        }
    }

    fn storage_class(&mut self, object: &Object, path: &str, name: &str) {
        self.named(object, path, To { group: "storage.k8s.io", kind: "StorageClass", namespace: "", name });
    }

    fn ingress(&mut self, object: &Object) {
        let own = object.identity.namespace.as_str();
        let class = object.text("/spec/ingressClassName");
        self.named(
            object,
            "spec.ingressClassName",
            To { group: "networking.k8s.io", kind: "IngressClass", namespace: "", name: class },
        );
        for tls in list(object.content(), "/spec/tls") {
            self.keyed(object, "spec.tls", "Secret", own, text(tls, "/secretName"), &[]);
        }
        let paths = list(object.content(), "/spec/rules").flat_map(|rule| list(rule, "/http/paths"));
        let backends = paths.filter_map(|path| path.get("backend"));
        for backend in backends.chain(object.content().pointer("/spec/defaultBackend")) {
            let port = match text(backend, "/service/port/name") {
                "" => backend.pointer("/service/port/number").and_then(Json::as_u64).map(Port::Number),
                name => Some(Port::Name(name)),
            };
            self.service(object, "spec.rules", own, text(backend, "/service/name"), port);
        }
    }

    fn binding(&mut self, object: &Object) {
        let group = "rbac.authorization.k8s.io";
        let (kind, name) = (object.text("/roleRef/kind"), object.text("/roleRef/name"));
        let namespace = if kind == "Role" { object.identity.namespace.as_str() } else { "" };
        self.named(object, "roleRef", To { group, kind, namespace, name });
        for subject in list(object.content(), "/subjects").filter(|subject| text(subject, "/kind") == "ServiceAccount")
        {
            let namespace = text(subject, "/namespace");
            if !namespace.is_empty() {
                let name = text(subject, "/name");
                let to = To { group: "", kind: "ServiceAccount", namespace, name };
                self.named_loosely(
                    object,
                    "subjects",
                    to,
                    "whoever makes it has these rights at once: leave the binding out",
                );
            }
        }
    }

    /// What a custom resource speaks of in words that are the same everywhere.
    fn custom(&mut self, object: &Object) {
        let own = object.identity.namespace.as_str();
        let content = object.content();
        let mut named: Vec<(String, To<'_>)> = Vec::new();
        let mut keyed: Vec<(String, &str, &str, &str)> = Vec::new();
        each_entry(content, &mut |path, key, value, _| match (key, value) {
            ("storageClassName" | "storageClass", Json::String(name)) => {
                named
                    .push((path.to_owned(), To { group: "storage.k8s.io", kind: "StorageClass", namespace: "", name }));
            }
            ("priorityClassName", Json::String(name)) => {
                named.push((
                    path.to_owned(),
                    To { group: "scheduling.k8s.io", kind: "PriorityClass", namespace: "", name },
                ));
            }
            ("serviceAccountName", Json::String(name)) if !own.is_empty() => {
                named.push((path.to_owned(), To { group: "", kind: "ServiceAccount", namespace: own, name }));
            }
            ("secretKeyRef" | "configMapKeyRef", Json::Object(_)) if !own.is_empty() && !is_optional(value) => {
                let kind = if key == "secretKeyRef" { "Secret" } else { "ConfigMap" };
                // Where there is a namespace beside, it is another form.
                if value.get("namespace").is_none() && !path.contains("ontainers[") {
                    keyed.push((path.to_owned(), kind, text(value, "/name"), text(value, "/key")));
                }
            }
            ("issuerRef", Json::Object(_)) => {
                let group = match text(value, "/group") {
                    "" => "cert-manager.io",
                    group => group,
                };
                let kind = match text(value, "/kind") {
                    "" => "Issuer",
                    kind => kind,
                };
                let namespace = if kind.starts_with("Cluster") { "" } else { own };
                named.push((path.to_owned(), To { group, kind, namespace, name: text(value, "/name") }));
            }
            _ => {}
        });
        for (path, to) in named {
            self.named(object, &path, to);
        }
        for (path, kind, name, key) in keyed {
            self.keyed(object, &path, kind, own, name, &[key]);
        }
        match (object.identity.group.as_str(), object.identity.kind.as_str()) {
            ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" | "UDPRoute") => {
                self.route(object)
            }
            ("networking.istio.io", "VirtualService") => self.virtual_service(object),
            _ => {}
        }
    }

    fn route(&mut self, object: &Object) {
        let own = object.identity.namespace.as_str();
        let or_own = |namespace: &'_ str| if namespace.is_empty() { own.to_owned() } else { namespace.to_owned() };
        for parent in list(object.content(), "/spec/parentRefs") {
            if ["", "Gateway"].contains(&text(parent, "/kind")) {
                let namespace = or_own(text(parent, "/namespace"));
                let to = To {
                    group: "gateway.networking.k8s.io",
                    kind: "Gateway",
                    namespace: &namespace,
                    name: text(parent, "/name"),
                };
                self.named(object, "spec.parentRefs", to);
            }
        }
        for backend in list(object.content(), "/spec/rules").flat_map(|rule| list(rule, "/backendRefs")) {
            if ["", "Service"].contains(&text(backend, "/kind")) {
                let port = backend.get("port").and_then(Json::as_u64).map(Port::Number);
                self.service(object, "spec.rules", &or_own(text(backend, "/namespace")), text(backend, "/name"), port);
            }
        }
    }

    fn virtual_service(&mut self, object: &Object) {
        let own = object.identity.namespace.as_str();
        for gateway in list(object.content(), "/spec/gateways").filter_map(Json::as_str).filter(|name| *name != "mesh")
        {
            let (namespace, name) = gateway.split_once('/').unwrap_or((own, gateway));
            self.named(object, "spec.gateways", To { group: "networking.istio.io", kind: "Gateway", namespace, name });
        }
        let mut hosts = Vec::new();
        each_entry(object.content(), &mut |path, key, value, _| {
            if key == "destination" {
                let port = value.pointer("/port/number").and_then(Json::as_u64);
                hosts.push((path.to_owned(), text(value, "/host"), port));
            }
        });
        for (path, host, port) in hosts {
            let host = host.strip_suffix(".svc.cluster.local").or(host.strip_suffix(".svc")).unwrap_or(host);
            let (name, namespace) = match host.split('.').collect::<Vec<_>>()[..] {
                [name] => (name, own),
                [name, namespace] => (name, namespace),
                // Something outside of the cluster.
                _ => continue,
            };
            self.service(object, &path, namespace, name, port.map(Port::Number));
        }
    }

    /// A Service that the API server calls.
    fn webhook(&mut self, object: &Object, path: &str, service: Option<&Json>) {
        let Some(service) = service.filter(|service| service.is_object()) else { return };
        let port = service.get("port").and_then(Json::as_u64).unwrap_or(443);
        self.service(object, path, text(service, "/namespace"), text(service, "/name"), Some(Port::Number(port)));
    }

    /// A Service, and a port of it.
    fn service(&mut self, object: &Object, path: &str, namespace: &str, name: &str, port: Option<Port<'_>>) {
        if name.is_empty() {
            return;
        }
        let Some(service) = self.known.get("", "Service", namespace, name) else {
            return self.named(object, path, To { group: "", kind: "Service", namespace, name });
        };
        let Some(port) = port else { return };
        let there = list(service.content(), "/spec/ports").any(|entry| match port {
            Port::Name(name) => text(entry, "/name") == name,
            Port::Number(number) => entry.get("port").and_then(Json::as_u64) == Some(number),
        });
        if !there && service.text("/spec/type") != "ExternalName" {
            let shown = match port {
                Port::Name(name) => name.to_owned(),
                Port::Number(number) => number.to_string(),
            };
            let all: Vec<String> = list(service.content(), "/spec/ports")
                .map(|entry| format!("{} {}", entry["port"], text(entry, "/name")).trim_end().to_owned())
                .collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            self.found.mistakes.push(
                Diagnostic::new(
                    "missing-port",
                    format!(
                        "{} goes to the port {shown} of the Service `{namespace}/{name}` at `{path}`, which has none",
                        object.words()
                    ),
                )
                .at_maybe(object.at, "")
                .help(format!("it has {}", crate::values::schema::list_words(&all))),
            );
        }
    }
}

#[derive(Clone, Copy)]
enum Port<'p> {
    Name(&'p str),
    Number(u64),
}

fn is_optional(reference: &Json) -> bool {
    reference.get("optional").is_some_and(|optional| *optional == true)
}
