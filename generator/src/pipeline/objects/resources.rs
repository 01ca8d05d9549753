//! CPU and memory: what workloads ask for and are held to, and on which nodes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::check::Findings;
use super::known::Known;
use super::workloads::{Count, Pod, pods};
use super::{EnvironmentObjects, each_entry, list, text};
use crate::diagnostic::Diagnostic;

/// The label and the taint of controllers.
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// The name of the controllers' group.
pub const CONTROLLERS: &str = "controllers";

/// CPU in thousandths of a core, memory in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Amount {
    /// Thousandths of a core.
    pub milli_cpu: u64,
    /// Bytes of memory.
    pub memory: u64,
}

impl Amount {
    fn plus(self, other: Amount) -> Amount {
        Amount {
            milli_cpu: self.milli_cpu.saturating_add(other.milli_cpu),
            memory: self.memory.saturating_add(other.memory),
        }
    }

    fn times(self, count: u64) -> Amount {
        Amount { milli_cpu: self.milli_cpu.saturating_mul(count), memory: self.memory.saturating_mul(count) }
    }

    fn most(self, other: Amount) -> Amount {
        Amount { milli_cpu: self.milli_cpu.max(other.milli_cpu), memory: self.memory.max(other.memory) }
    }

    fn of(resources: Option<&Json>, which: &str) -> Amount {
        let part = |name: &str| resources.and_then(|resources| resources.get(which)?.get(name));
        Amount {
            milli_cpu: part("cpu").and_then(|value| quantity(value, 1000)).unwrap_or(0),
            memory: part("memory").and_then(|value| quantity(value, 1)).unwrap_or(0),
        }
    }
}

/// A quantity of Kubernetes, in whole numbers of one `scale`th; nothing where it is none.
fn quantity(value: &Json, scale: u64) -> Option<u64> {
    const SUFFIXES: [(&str, f64); 14] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let number = match value {
        Json::Number(number) => number.as_f64()?,
        Json::String(text) => {
            let text = text.trim();
            let suffix = SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)));
            let (digits, factor) = suffix.unwrap_or((text, 1.0));
            digits.parse::<f64>().ok()? * factor
        }
        _ => return None,
    };
    let scaled = number * scale as f64;
    // Above this no cluster has so much, and a float64 is no whole number any more.
    (scaled.is_finite() && (0.0..9e15).contains(&scaled)).then(|| scaled.ceil() as u64)
}

/// A group of like nodes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeGroup {
    /// `controllers`, or the name in `cluster.workerGroups`.
    pub name: String,
    /// How many there are at least.
    pub nodes: u64,
    /// How many there may be.
    pub max_nodes: u64,
    /// What a machine is, where that is known.
    pub instance_type: Option<String>,
    /// What one of them has, where that is known.
    pub each: Option<Amount>,
    /// What all workloads that can run nowhere else ask for, and every node's share.
    pub requests: Amount,
    /// What they are held to.
    pub limits: Amount,
    #[serde(skip)]
    labels: BTreeMap<String, String>,
    #[serde(skip)]
    taints: Vec<(String, String, String)>,
}

/// One workload.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Component.
    pub component: String,
    /// Application.
    pub application: String,
    /// `Deployment shop/web`.
    pub object: String,
    /// Groups that it can run on.
    pub groups: Vec<String>,
    /// Whether there is one on each node of these groups.
    pub every_node: bool,
    /// Whether it ends by itself, and is in no total.
    pub is_job: bool,
    /// How many pods there are; those of nodes for the least number of nodes.
    pub pods: u64,
    /// What one pod asks for.
    pub requests: Amount,
    /// What one pod is held to; what has no limit counts nothing.
    pub limits: Amount,
    /// Containers that ask for no CPU or no memory.
    pub without_requests: Vec<String>,
    /// Containers without a limit of memory.
    pub without_limits: Vec<String>,
}

/// An environment's nodes and workloads.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Groups of nodes, controllers first.
    pub groups: Vec<NodeGroup>,
    /// Workloads, in order of component and name.
    pub workloads: Vec<Workload>,
    /// By the groups that a workload can run on, joined by ` or `, in order: what all of them ask for and are held to.
    pub placements: Vec<Placement>,
}

/// What runs on the same choice of groups.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// Groups to choose from.
    pub groups: Vec<String>,
    /// Requests of all.
    pub requests: Amount,
    /// Limits of all.
    pub limits: Amount,
    /// What the nodes of all these groups have at least, where it is known of each.
    pub offered: Option<Amount>,
}

/// Adds everything up.
pub fn resources(environment: &EnvironmentObjects) -> Resources {
    let mut groups = groups(environment);
    let mut workloads: Vec<Workload> = pods(environment)
        .iter()
        .filter(|pod| pod.is_whole || pod.containers().any(|container| container.get("resources").is_some()))
        .map(|pod| workload(pod, &groups))
        .chain(of_operators(environment, &groups))
        .collect();
    workloads.sort_by(|a, b| (&a.component, &a.object).cmp(&(&b.component, &b.object)));
    let mut placements: BTreeMap<Vec<String>, (Amount, Amount)> = BTreeMap::new();
    for workload in workloads.iter().filter(|workload| !workload.is_job) {
        if workload.every_node {
            for group in groups.iter_mut().filter(|group| workload.groups.contains(&group.name)) {
                group.requests = group.requests.plus(workload.requests.times(group.nodes));
                group.limits = group.limits.plus(workload.limits.times(group.nodes));
            }
            continue;
        }
        let (requests, limits) = (workload.requests.times(workload.pods), workload.limits.times(workload.pods));
        if let [only] = workload.groups.as_slice()
            && let Some(group) = groups.iter_mut().find(|group| group.name == *only)
        {
            group.requests = group.requests.plus(requests);
            group.limits = group.limits.plus(limits);
        } else {
            let entry = placements.entry(workload.groups.clone()).or_default();
            *entry = (entry.0.plus(requests), entry.1.plus(limits));
        }
    }
    let placements = placements
        .into_iter()
        .map(|(names, (requests, limits))| {
            let own: Vec<&NodeGroup> = groups.iter().filter(|group| names.contains(&group.name)).collect();
            let each = own.iter().map(|group| Some(group.each?.times(group.nodes)));
            let offered = each.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty());
            let offered = offered.map(|all| all.into_iter().fold(Amount::default(), Amount::plus));
            Placement { groups: names, requests, limits, offered }
        })
        .collect();
    Resources { groups, workloads, placements }
}

/// Containers without requests, one remark for each Application.
pub fn check(known: &Known<'_>, found: &mut Findings) {
    let mut by: BTreeMap<&str, (Vec<String>, Option<crate::diagnostic::Origin>)> = BTreeMap::new();
    for pod in known.pods.iter().filter(|pod| pod.is_whole && pod.count != Count::Job) {
        let without = without(pod, "requests", &["cpu", "memory"]);
        if !without.is_empty() {
            let entry = by.entry(&pod.object.application).or_default();
            entry.0.push(format!("{} ({})", pod.object.identity, without.join(", ")));
            entry.1 = entry.1.or(pod.object.at);
        }
    }
    for (application, (pods, at)) in by {
        found.remarks.push(
            Diagnostic::new(
                "no-requests",
                format!("`{application}` has containers that ask for no CPU or memory: {}", pods.join("; ")),
            )
            .at_maybe(at, "")
            .help("the scheduler takes them for nothing, and they are the first to go when a node is full"),
        );
    }
}

/// Containers that lack one of these.
fn without(pod: &Pod<'_>, which: &str, names: &[&str]) -> Vec<String> {
    let long = ["/containers", "/initContainers"]
        .iter()
        .flat_map(|path| list(pod.spec, path).filter(move |container| *path == "/containers" || is_sidecar(container)));
    long.filter(|container| {
        names.iter().any(|name| {
            let own = |which: &str| container.pointer(&format!("/resources/{which}/{name}")).is_some();
            // A limit is a request too, where there is no other.
            !(own(which) || which == "requests" && own("limits"))
        })
    })
    .map(|container| text(container, "/name").to_owned())
    .collect()
}

fn is_sidecar(container: &Json) -> bool {
    text(container, "/restartPolicy") == "Always"
}

/// What the scheduler takes a pod for: its containers, or more while it starts.
fn pod_amount(spec: &Json, which: &str) -> Amount {
    let of = |container: &Json| {
        let resources = container.get("resources");
        let (own, limit) = (Amount::of(resources, which), Amount::of(resources, "limits"));
        let or = |own: u64, limit: u64| if own == 0 && which == "requests" { limit } else { own };
        Amount { milli_cpu: or(own.milli_cpu, limit.milli_cpu), memory: or(own.memory, limit.memory) }
    };
    let (mut beside, mut starting) = (Amount::default(), Amount::default());
    for container in list(spec, "/initContainers") {
        if is_sidecar(container) {
            beside = beside.plus(of(container));
            starting = starting.most(beside);
        } else {
            starting = starting.most(beside.plus(of(container)));
        }
    }
    let running = list(spec, "/containers").map(of).fold(beside, Amount::plus);
    running.most(starting).plus(Amount {
        milli_cpu: spec.pointer("/overhead/cpu").and_then(|value| quantity(value, 1000)).unwrap_or(0),
        memory: spec.pointer("/overhead/memory").and_then(|value| quantity(value, 1)).unwrap_or(0),
    })
}

fn workload(pod: &Pod<'_>, groups: &[NodeGroup]) -> Workload {
    // An operator that runs something on every node tolerates what these have.
    let anywhere = pod.count == Count::Nodes && !pod.is_whole && pod.spec.get("tolerations").is_none();
    let fitting: Vec<&NodeGroup> = groups.iter().filter(|group| anywhere || fits(pod.spec, group)).collect();
    Workload {
        component: pod.object.component.clone(),
        application: pod.object.application.clone(),
        object: pod.object.identity.to_string(),
        every_node: pod.count == Count::Nodes,
        is_job: pod.count == Count::Job,
        pods: match pod.count {
            Count::Replicas(count) => count,
            Count::Nodes => fitting.iter().map(|group| group.nodes).sum(),
            Count::Job => 1,
        },
        groups: fitting.iter().map(|group| group.name.clone()).collect(),
        requests: pod_amount(pod.spec, "requests"),
        limits: pod_amount(pod.spec, "limits"),
        without_requests: without(pod, "requests", &["cpu", "memory"]),
        without_limits: without(pod, "limits", &["memory"]),
    }
}

/// Parts of custom resources that have `resources` beside a number of pods, a place to run or an image: their operator makes one
/// container of each.
fn of_operators(environment: &EnvironmentObjects, groups: &[NodeGroup]) -> Vec<Workload> {
    const OF_POD: [&str; 6] = ["replicas", "count", "podTemplate", "nodeSelector", "tolerations", "image"];
    let mut found = Vec::new();
    for object in environment.objects.iter().filter(|object| !object.identity.is_built_in()) {
        let Some(spec) = object.content().get("spec") else { continue };
        each_entry(object.content(), &mut |path, key, resources, part| {
            let is_of_pod = key == "resources"
                && path.starts_with("spec")
                && !path.contains("ontainers[")
                && OF_POD.iter().any(|key| part.get(*key).is_some());
            let asks = ["requests", "limits"].iter().filter_map(|which| resources.get(*which));
            if !is_of_pod || !asks.into_iter().any(|amount| amount.get("cpu").or(amount.get("memory")).is_some()) {
                return;
            }
            let place = part.pointer("/podTemplate/spec").or(part.get("nodeSelector").and(Some(part))).unwrap_or(spec);
            let fitting = groups.iter().filter(|group| fits(place, group)).map(|group| group.name.clone());
            let (requests, limits) = (Amount::of(Some(resources), "requests"), Amount::of(Some(resources), "limits"));
            let name = || vec![object.identity.name.clone()];
            found.push(Workload {
                component: object.component.clone(),
                application: object.application.clone(),
                object: object.identity.to_string(),
                groups: fitting.collect(),
                every_node: false,
                is_job: false,
                pods: ["replicas", "count"].iter().find_map(|key| part.get(*key)?.as_u64()).unwrap_or(1),
                requests,
                limits,
                without_requests: if requests.milli_cpu == 0 || requests.memory == 0 { name() } else { Vec::new() },
                without_limits: if limits.memory == 0 { name() } else { Vec::new() },
            });
        });
    }
    found
}

/// The groups of an environment.
fn groups(environment: &EnvironmentObjects) -> Vec<NodeGroup> {
    let cluster = &environment.cluster;
    let group = |name: &str, nodes: u64, max_nodes: u64, instance_type: Option<String>| NodeGroup {
        name: name.to_owned(),
        nodes,
        max_nodes,
        each: instance_type.as_deref().and_then(size),
        instance_type,
        requests: Amount::default(),
        limits: Amount::default(),
        labels: BTreeMap::from([("kubernetes.io/os".to_owned(), "linux".to_owned())]),
        taints: Vec::new(),
    };
    let replicas = cluster.pointer("/controlPlane/replicas").and_then(Json::as_u64).unwrap_or(1);
    // Which machines controllers are is a setting of whatever makes them.
    let settings = environment.settings.as_object().into_iter().flatten();
    let mut types = settings.filter_map(|(_, settings)| settings.pointer("/controlPlane/instanceType")?.as_str());
    let mut controllers = group(CONTROLLERS, replicas, replicas, types.next().map(str::to_owned));
    controllers.labels.insert(CONTROL_PLANE.to_owned(), String::new());
    let workers: Vec<NodeGroup> = cluster
        .pointer("/workerGroups")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(name, said)| {
            let number = |key: &str| said.get(key).and_then(Json::as_u64).unwrap_or(0);
            let instance_type = list(said, "/instanceTypes").next().and_then(Json::as_str);
            let mut group = group(name, number("min"), number("max"), instance_type.map(str::to_owned));
            for (key, value) in said.get("labels").and_then(Json::as_object).into_iter().flatten() {
                group.labels.insert(key.clone(), value.as_str().unwrap_or_default().to_owned());
            }
            for kind in ["public", "private"] {
                if [kind, "both"].contains(&text(said, "/ingress")) {
                    let label = format!("node.kubernetes.io/ingress.{kind}");
                    group.labels.entry(label).or_insert_with(|| "present".to_owned());
                }
            }
            for (key, taint) in said.get("taints").and_then(Json::as_object).into_iter().flatten() {
                group.taints.push((key.clone(), text(taint, "/value").to_owned(), text(taint, "/effect").to_owned()));
            }
            group
        })
        .collect();
    // Where there are no workers, controllers take every pod.
    if workers.iter().any(|group| group.max_nodes > 0) {
        controllers.taints.push((CONTROL_PLANE.to_owned(), String::new(), "NoSchedule".to_owned()));
    }
    std::iter::once(controllers).chain(workers).collect()
}

/// Whether the scheduler may put a pod on nodes of a group.
fn fits(spec: &Json, group: &NodeGroup) -> bool {
    let label = |key: &str| group.labels.get(key).cloned();
    // What is known of a machine only when it is there.
    let is_open = |key: &str| {
        let well_known = key.starts_with("topology.") || key.contains("kubernetes.io/arch") || key.contains("hostname");
        !group.labels.contains_key(key) && (well_known || key.contains("instance-type"))
    };
    let selector = spec.get("nodeSelector").and_then(Json::as_object).into_iter().flatten();
    let mut selector = selector.map(|(key, value)| is_open(key) || label(key).as_deref() == value.as_str());
    let terms: Vec<&Json> =
        list(spec, "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms").collect();
    let term_fits = |term: &&Json| {
        list(term, "/matchExpressions").all(|expression| {
            let one = serde_json::json!({"matchExpressions": [expression]});
            is_open(text(expression, "/key")) || super::workloads::selects(&one, label)
        })
    };
    let tolerated = group.taints.iter().all(|(key, value, effect)| {
        effect == "PreferNoSchedule"
            || list(spec, "/tolerations").any(|toleration| {
                let of_effect = ["", effect.as_str()].contains(&text(toleration, "/effect"));
                let exists = text(toleration, "/operator") == "Exists";
                let of_key = match text(toleration, "/key") {
                    "" => exists,
                    own => own == key && (exists || text(toleration, "/value") == value),
                };
                of_effect && of_key
            })
    });
    selector.all(|fine| fine) && (terms.is_empty() || terms.iter().any(term_fits)) && tolerated
}

/// What an EC2 instance of the usual families has: c, m and r from the fifth generation on have 2, 4 and 8 GiB for each vCPU; `medium` has
/// one of these, `large` two, `xlarge` four, `Nxlarge` and `metal-Nxl` N times four; t3, t3a and t4g have two up to `large`. Compared
/// with the list that the cluster autoscaler takes from AWS (22 January 2026): of its types none that is named here differs.
pub fn size(instance_type: &str) -> Option<Amount> {
    const GIB: u64 = 1 << 30;
    let (family, size) = instance_type.split_once('.')?;
    let amount = |cpus: u64, memory: u64| Some(Amount { milli_cpu: cpus * 1000, memory });
    if ["t3", "t3a", "t4g"].contains(&family) {
        return match size {
            "nano" => amount(2, GIB / 2),
            "micro" => amount(2, GIB),
            "small" => amount(2, 2 * GIB),
            "medium" => amount(2, 4 * GIB),
            "large" => amount(2, 8 * GIB),
            "xlarge" => amount(4, 16 * GIB),
            "2xlarge" => amount(8, 32 * GIB),
            _ => None,
        };
    }
    // The one exception of these families.
    if family == "c5n" {
        return None;
    }
    let gib = match family.chars().next()? {
        'c' => 2,
        'm' => 4,
        'r' => 8,
        _ => return None,
    };
    let generation: u32 = family.chars().skip(1).take_while(char::is_ascii_digit).collect::<String>().parse().ok()?;
    let cpus = match size {
        "medium" => 1,
        "large" => 2,
        "xlarge" => 4,
        size => {
            let times = match size.strip_prefix("metal-") {
                Some(metal) => metal.strip_suffix("xl")?,
                None => size.strip_suffix("xlarge")?,
            };
            times.parse::<u64>().ok().filter(|times| (2..=96).contains(times))? * 4
        }
    };
    if generation < 5 { None } else { amount(cpus, cpus * gib * GIB) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities() {
        for (value, scale, wanted) in [
            (json!("100m"), 1000, Some(100)),
            (json!("1.5"), 1000, Some(1500)),
            (json!(2), 1000, Some(2000)),
            (json!("64Mi"), 1, Some(67_108_864)),
            (json!("1G"), 1, Some(1_000_000_000)),
            (json!("128974848000m"), 1, Some(128_974_848)),
            (json!("much"), 1, None),
            (json!("-1"), 1, None),
            (json!("1e30"), 1, None),
            (json!(true), 1, None),
        ] {
            assert_eq!(quantity(&value, scale), wanted, "{value}");
        }
    }

    #[test]
    fn a_pod_is_as_large_as_at_its_largest() {
        let container = |cpu: &str| json!({"name": "c", "resources": {"requests": {"cpu": cpu, "memory": "1"}}});
        let mut sidecar = container("10m");
        sidecar["restartPolicy"] = json!("Always");
        let spec = json!({"containers": [container("100m"), container("50m")], "initContainers": [sidecar, container("200m")]});
        assert_eq!(pod_amount(&spec, "requests"), Amount { milli_cpu: 210, memory: 3 });
        let limited = json!({"containers": [{"name": "c", "resources": {"limits": {"cpu": 1, "memory": "2"}}}]});
        assert_eq!(pod_amount(&limited, "requests"), Amount { milli_cpu: 1000, memory: 2 });
    }

    #[test]
    fn machines_have_their_size() {
        let gib = |cpus: u64, gib: u64| Some(Amount { milli_cpu: cpus * 1000, memory: gib << 30 });
        for (name, wanted) in [
            ("m6i.large", gib(2, 8)),
            ("c6i.large", gib(2, 4)),
            ("m5.2xlarge", gib(8, 32)),
            ("r7g.xlarge", gib(4, 32)),
            ("t3.medium", gib(2, 4)),
            ("c7g.medium", gib(1, 2)),
            ("m7i.metal-24xl", gib(96, 384)),
            ("m8i.96xlarge", gib(384, 1536)),
            ("c5n.large", None),
            ("m4.large", None),
            ("m6i.metal", None),
            ("large", None),
        ] {
            assert_eq!(size(name), wanted, "{name}");
        }
    }
}
