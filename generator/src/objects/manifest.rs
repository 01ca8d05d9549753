//! Any Kubernetes object: who it is, how it is written, what its file is called.

use std::sync::Arc;

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::Value as Json;

use crate::name;
use crate::yaml::{Map, Node, Value};

/// What makes an object the same object: two manifests with one identity would overwrite each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// API group, empty for core.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace, empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// A kind with its group, as components write it; of the core alone.
pub fn dotted_kind(group: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match self.namespace.as_str() {
            "" => write!(f, " {}", self.name),
            namespace => write!(f, " {namespace}/{}", self.name),
        }
    }
}

impl Identity {
    /// Reads the identity, or says what is missing or wrong and at which key.
    pub fn of(node: &Node) -> Result<Identity, (&'static str, String)> {
        let text = |path: &[&str]| node.at(path.iter().copied()).and_then(Node::as_str);
        if node.as_map().is_none() {
            return Err(("", format!("is {}, not an object", node.value.kind())));
        }
        let api_version = text(&["apiVersion"]).ok_or(("apiVersion", "has no `apiVersion`".to_owned()))?;
        let kind = text(&["kind"]).ok_or(("kind", "has no `kind`".to_owned()))?;
        if node.get("metadata").is_none_or(|metadata| metadata.as_map().is_none()) {
            return Err(("metadata", "has no `metadata`".to_owned()));
        }
        let object = text(&["metadata", "name"]).ok_or(("metadata", "has no `metadata.name`".to_owned()))?;
        let namespace = match node.at(["metadata", "namespace"]) {
            None => None,
            Some(node) => {
                Some(node.as_str().ok_or(("metadata", "has a `metadata.namespace` that is not a string".to_owned()))?)
            }
        };
        Identity::checked(api_version, kind, namespace, object).map_err(|why| ("metadata", why))
    }

    /// Reads the identity of an object without places; none where [`Identity::of`] finds something wrong.
    pub fn of_json(value: &Json) -> Option<Identity> {
        let metadata = value.get("metadata")?;
        let namespace = match metadata.get("namespace") {
            None => None,
            Some(namespace) => Some(namespace.as_str()?),
        };
        let (api_version, kind) = (value.get("apiVersion")?.as_str()?, value.get("kind")?.as_str()?);
        Identity::checked(api_version, kind, namespace, metadata.get("name")?.as_str()?).ok()
    }

    fn checked(api_version: &str, kind: &str, namespace: Option<&str>, object: &str) -> Result<Identity, String> {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let checked = if group == "rbac.authorization.k8s.io" { name::path_segment } else { name::subdomain };
        checked(object).map_err(|why| format!("has the name `{object}`, which {why}"))?;
        if let Some(namespace) = namespace {
            name::label(namespace).map_err(|why| format!("has the namespace `{namespace}`, which {why}"))?;
        }
        Ok(Identity {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.unwrap_or_default().to_owned(),
            name: object.to_owned(),
        })
    }

    /// The kind with its group, as components write it: `ClusterRole.rbac.authorization.k8s.io`.
    pub fn dotted_kind(&self) -> String {
        dotted_kind(&self.group, &self.kind)
    }

    /// The file name below `manifests/<component>/`: `<kind>-<name>.yaml`, with the namespace where it is not
    /// the component's own.
    pub fn file_name(&self, home: &str) -> String {
        let mut file = format!("{}-{}", self.kind, self.name.replace(':', "_"));
        if !self.namespace.is_empty() && self.namespace != home {
            file.push('_');
            file.push_str(&self.namespace);
        }
        file.push_str(".yaml");
        file.to_lowercase()
    }

    /// The file name where another group has an object of this kind and name.
    pub fn file_name_with_group(&self, home: &str) -> String {
        let plain = self.file_name(home);
        let kind = self.kind.to_lowercase();
        plain.replacen(&kind, &format!("{kind}.{}", self.group), 1)
    }

    /// Whether Kubernetes itself serves this group.
    pub fn is_built_in(&self) -> bool {
        matches!(
            self.group.as_str(),
            "" | "apps"
                | "batch"
                | "autoscaling"
                | "policy"
                | "rbac.authorization.k8s.io"
                | "networking.k8s.io"
                | "storage.k8s.io"
                | "scheduling.k8s.io"
                | "node.k8s.io"
                | "admissionregistration.k8s.io"
                | "apiextensions.k8s.io"
                | "apiregistration.k8s.io"
                | "coordination.k8s.io"
                | "discovery.k8s.io"
                | "certificates.k8s.io"
                | "flowcontrol.apiserver.k8s.io"
                | "events.k8s.io"
        )
    }

    /// Whether objects of this kind have a namespace; unknown for custom resources.
    pub fn is_namespaced(&self) -> Option<bool> {
        if !self.is_built_in() {
            return None;
        }
        let cluster_scoped = matches!(
            self.kind.as_str(),
            "Namespace"
                | "Node"
                | "PersistentVolume"
                | "ClusterRole"
                | "ClusterRoleBinding"
                | "StorageClass"
                | "CSIDriver"
                | "CSINode"
                | "VolumeAttachment"
                | "VolumeAttributesClass"
                | "PriorityClass"
                | "RuntimeClass"
                | "IngressClass"
                | "IPAddress"
                | "ServiceCIDR"
                | "CustomResourceDefinition"
                | "APIService"
                | "MutatingWebhookConfiguration"
                | "ValidatingWebhookConfiguration"
                | "MutatingAdmissionPolicy"
                | "MutatingAdmissionPolicyBinding"
                | "ValidatingAdmissionPolicy"
                | "ValidatingAdmissionPolicyBinding"
                | "CertificateSigningRequest"
                | "FlowSchema"
                | "PriorityLevelConfiguration"
        );
        Some(!cluster_scoped)
    }
}

/// An object in Kubernetes' order of keys: `apiVersion`, `kind`, `metadata`, then the rest, `status` last.
pub struct Ordered<'a>(pub &'a Node);

impl Serialize for Ordered<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const FIRST: [&str; 3] = ["apiVersion", "kind", "metadata"];
        let Some(map) = self.0.as_map() else { return self.0.serialize(serializer) };
        let mut object = serializer.serialize_map(Some(map.len()))?;
        for key in FIRST {
            match map.get(key) {
                Some(entry) if key == "metadata" => object.serialize_entry(key, &OrderedMetadata(&entry.node))?,
                Some(entry) => object.serialize_entry(key, entry.node.as_ref())?,
                None => {}
            }
        }
        for (key, entry) in map.iter().filter(|(key, _)| !FIRST.contains(&key.as_ref()) && key.as_ref() != "status") {
            object.serialize_entry(key.as_ref(), entry.node.as_ref())?;
        }
        if let Some(entry) = map.get("status") {
            object.serialize_entry("status", entry.node.as_ref())?;
        }
        object.end()
    }
}

/// `metadata` with the name first.
struct OrderedMetadata<'a>(&'a Arc<Node>);

impl Serialize for OrderedMetadata<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const FIRST: [&str; 5] = ["name", "namespace", "labels", "annotations", "finalizers"];
        let Some(map) = self.0.as_map() else { return self.0.as_ref().serialize(serializer) };
        let mut object = serializer.serialize_map(Some(map.len()))?;
        for key in FIRST {
            if let Some(entry) = map.get(key) {
                object.serialize_entry(key, entry.node.as_ref())?;
            }
        }
        for (key, entry) in map.iter().filter(|(key, _)| !FIRST.contains(&key.as_ref())) {
            object.serialize_entry(key.as_ref(), entry.node.as_ref())?;
        }
        object.end()
    }
}

/// An object without the entries that say nothing: null values and empty maps in `metadata`.
#[must_use]
pub fn tidy(node: &Node) -> Node {
    let Some(map) = node.as_map() else { return node.clone() };
    let mut tidied: Map = map.clone();
    if let Some(entry) = tidied.get_mut("metadata")
        && let Some(metadata) = entry.node.as_map()
    {
        let kept: Map = metadata
            .iter()
            .filter(|(_, entry)| match &entry.node.value {
                Value::Null => false,
                Value::Map(map) => !map.is_empty(),
                Value::List(items) => !items.is_empty(),
                _ => true,
            })
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect();
        entry.node = Arc::new(Node { value: Value::Map(kept), origins: entry.node.origins.clone() });
    }
    Node { value: Value::Map(tidied), origins: node.origins.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::yaml::{parse, write};

    #[test]
    fn keys_stand_in_kubernetes_order() {
        let node = parse(
            FileId(0),
            "spec: {b: 1, a: 2}\nmetadata: {labels: {x: y}, name: thing, annotations: {}}\nkind: K\napiVersion: v1\nstatus: {}",
        )
        .unwrap();
        assert_eq!(
            write::to_string(&Ordered(&tidy(&node))).unwrap(),
            "apiVersion: v1\nkind: K\nmetadata:\n  name: thing\n  labels:\n    x: \"y\"\nspec:\n  a: 2\n  b: 1\nstatus: {}\n"
        );
    }

    #[test]
    fn file_names() {
        let identity = |namespace: &str, name: &str| Identity {
            group: "x.io".to_owned(),
            kind: "Gateway".to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        assert_eq!(identity("home", "a").file_name("home"), "gateway-a.yaml");
        assert_eq!(identity("other", "a").file_name("home"), "gateway-a_other.yaml");
        assert_eq!(identity("", "system:a").file_name("home"), "gateway-system_a.yaml");
        assert_eq!(identity("home", "a").file_name_with_group("home"), "gateway.x.io-a.yaml");
    }

    #[test]
    fn an_object_says_who_it_is() {
        let of = |text: &str| Identity::of(&parse(FileId(0), text).unwrap()).map_err(|(_, why)| why);
        assert_eq!(
            of("{apiVersion: v1, kind: Service, metadata: {name: a, namespace: b}}").unwrap().to_string(),
            "Service b/a"
        );
        assert_eq!(of("{kind: Service}"), Err("has no `apiVersion`".to_owned()));
        assert_eq!(of("{apiVersion: v1, metadata: {name: a}}"), Err("has no `kind`".to_owned()));
        assert_eq!(of("{apiVersion: v1, kind: S, metadata: {}}"), Err("has no `metadata.name`".to_owned()));
        assert_eq!(
            of("{apiVersion: v1, kind: S, metadata: {name: A}}"),
            Err("has the name `A`, which has upper-case letters".to_owned())
        );
    }
}
