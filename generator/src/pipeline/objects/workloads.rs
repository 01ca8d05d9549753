//! Pods to be: of Kubernetes' own workloads, and the parts of pods that custom resources hand to their operators.

use serde_json::Value as Json;

use super::{EnvironmentObjects, Object, each_entry, list, text};

/// A pod's template.
#[derive(Debug, Clone)]
pub struct Pod<'o> {
    /// The object that it stands in.
    pub object: &'o Object,
    /// Where its `spec` stands there, dotted; empty for the whole of `spec` of a Pod.
    pub path: String,
    /// Its `spec`.
    pub spec: &'o Json,
    /// Its `metadata`, or null.
    pub metadata: &'o Json,
    /// How many there are.
    pub count: Count,
    /// Whether it is all of a pod: an operator adds to the others.
    pub is_whole: bool,
}

/// How many pods a template comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Replicas(u64),
    /// One on each node.
    Nodes,
    /// One now and then, which ends.
    Job,
}

/// The keys that hold containers.
pub const CONTAINERS: [&str; 3] = ["/containers", "/initContainers", "/ephemeralContainers"];

impl<'o> Pod<'o> {
    /// Its containers, those of every list.
    pub fn containers(&self) -> impl Iterator<Item = &'o Json> + use<'o> {
        let spec = self.spec;
        CONTAINERS.iter().flat_map(move |path| list(spec, path))
    }

    /// The value of one of its labels.
    pub fn label(&self, key: &str) -> Option<&'o str> {
        self.metadata.get("labels")?.get(key)?.as_str()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &'o str {
        &self.object.identity.namespace
    }

    /// Its ServiceAccount.
    pub fn service_account(&self) -> &'o str {
        match text(self.spec, "/serviceAccountName") {
            "" => match text(self.spec, "/serviceAccount") {
                "" => "default",
                name => name,
            },
            name => name,
        }
    }
}

/// Every pod of an environment.
pub fn pods(environment: &EnvironmentObjects) -> Vec<Pod<'_>> {
    environment.objects.iter().flat_map(|object| pods_of(environment, object)).collect()
}

/// Where a workload of Kubernetes' own has its pod's template.
fn template(object: &Object) -> Option<&'static str> {
    match (object.identity.group.as_str(), object.identity.kind.as_str()) {
        ("", "Pod") => Some(""),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") => Some("/spec/template"),
        ("", "ReplicationController") | ("batch", "Job") => Some("/spec/template"),
        ("batch", "CronJob") => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

fn pods_of<'o>(environment: &'o EnvironmentObjects, object: &'o Object) -> Vec<Pod<'o>> {
    const NULL: &Json = &Json::Null;
    let content = object.content();
    if let Some(place) = template(object) {
        let Some(template) = content.pointer(place) else { return Vec::new() };
        let Some(spec) = template.get("spec") else { return Vec::new() };
        let count = match object.identity.kind.as_str() {
            "DaemonSet" => Count::Nodes,
            "Job" | "CronJob" => Count::Job,
            "Pod" => Count::Replicas(1),
            _ => Count::Replicas(replicas(environment, object)),
        };
        let metadata = template.get("metadata").unwrap_or(NULL);
        let path = format!("{place}/spec").trim_start_matches('/').replace('/', ".");
        return vec![Pod { object, path, spec, metadata, count, is_whole: true }];
    }
    if object.identity.is_built_in() || object.identity.group.ends_with("argoproj.io") {
        return Vec::new();
    }
    // An operator makes pods of whatever has containers; what is above says how many, where it says so.
    let mut found = Vec::new();
    for (path, spec) in with_containers(content) {
        let above: Vec<&str> = path.split('.').collect();
        let nodes = above.iter().any(|key| key.to_ascii_lowercase().contains("daemonset"));
        let around = |count: usize| {
            let pointer: String =
                above[..above.len().saturating_sub(count)].iter().map(|key| pointer_of(key)).collect();
            content.pointer(&pointer)
        };
        // `nodeSets[0].podTemplate.spec`: the set has the count, and the template the labels.
        let count = [around(0), around(1), around(2)]
            .into_iter()
            .flatten()
            .find_map(|map| ["replicas", "count"].iter().find_map(|key| map.get(key)?.as_u64()));
        let metadata = around(1).and_then(|template| template.get("metadata")).unwrap_or(NULL);
        let count = if nodes { Count::Nodes } else { Count::Replicas(count.unwrap_or(1)) };
        found.push(Pod { object, path, spec, metadata, count, is_whole: false });
    }
    found
}

/// `nodeSets[0]` as a JSON pointer.
fn pointer_of(key: &str) -> String {
    let (name, index) = key.split_once('[').unwrap_or((key, ""));
    match index.strip_suffix(']') {
        Some(index) => format!("/{name}/{}", index.replace("][", "/")),
        None => format!("/{name}"),
    }
}

/// The maps of a custom resource that have containers.
fn with_containers(content: &Json) -> Vec<(String, &Json)> {
    let mut found: Vec<(String, &Json)> = Vec::new();
    each_entry(content, &mut |path, key, value, parent| {
        let is_list = value.as_array().is_some_and(|items| items.iter().all(|item| item.get("name").is_some()));
        if matches!(key, "containers" | "initContainers") && is_list && path.starts_with("spec") {
            let above = path.rsplit_once('.').map_or("", |(above, _)| above).to_owned();
            if !found.iter().any(|(known, _)| *known == above) {
                found.push((above, parent));
            }
        }
    });
    found
}

/// How many replicas a workload has at least: an autoscaler's lower bound goes over its own number.
fn replicas(environment: &EnvironmentObjects, object: &Object) -> u64 {
    let scaler = environment.objects.iter().filter(|scaler| scaler.is("autoscaling", "HorizontalPodAutoscaler"));
    let mut mine = scaler.filter(|scaler| {
        scaler.identity.namespace == object.identity.namespace
            && scaler.text("/spec/scaleTargetRef/kind") == object.identity.kind
            && scaler.text("/spec/scaleTargetRef/name") == object.identity.name
    });
    match mine.next() {
        Some(scaler) => scaler.content().pointer("/spec/minReplicas").and_then(Json::as_u64).unwrap_or(1),
        None => object.content().pointer("/spec/replicas").and_then(Json::as_u64).unwrap_or(1),
    }
}

/// Whether a selector of labels takes these labels: `matchLabels` and `matchExpressions`.
pub fn selects(selector: &Json, labels: impl Fn(&str) -> Option<String>) -> bool {
    let equal = selector.get("matchLabels").and_then(Json::as_object).into_iter().flatten();
    let all_equal = |(key, value): (&String, &Json)| labels(key).as_deref() == value.as_str();
    equal.into_iter().all(all_equal)
        && list(selector, "/matchExpressions").all(|expression| {
            let found = labels(text(expression, "/key"));
            let named = || list(expression, "/values").any(|value| value.as_str() == found.as_deref());
            match text(expression, "/operator") {
                "In" => found.is_some() && named(),
                "NotIn" => found.is_none() || !named(),
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                // The API server refuses any other; it is not for this to say so.
                _ => true,
            }
        })
}
