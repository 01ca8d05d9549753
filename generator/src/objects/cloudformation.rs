//! What CloudFormation refuses only when it is too late, and the order in which stacks follow from each other.
//!
//! Limits: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Origin, closest};
use crate::objects::sync_wave;
use crate::yaml::{Node, Value, dotted};

/// A template in a request may have this many bytes; a larger one would have to be put into a bucket first.
const MAX_TEMPLATE: usize = 51_200;
/// EC2 takes user data up to this size, before it is encoded.
const MAX_USER_DATA: usize = 16_384;
const MAX_RESOURCES: usize = 500;
const MAX_OUTPUTS: usize = 200;

/// One stack, as its template says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stack {
    /// Name in the account and region.
    pub name: String,
    /// Its template, below `bootstrap/`.
    pub file: String,
    /// Stacks that export what this one imports, in order.
    pub depends_on: Vec<String>,
    /// What the caller has to agree to.
    pub capabilities: Vec<&'static str>,
    /// Values that are asked for, with their defaults.
    pub parameters: BTreeMap<String, Option<String>>,
    #[serde(skip)]
    exports: Vec<(String, Origin)>,
    #[serde(skip)]
    imports: Vec<(String, Origin)>,
    /// Target groups whose targets listen on ports of Services on the machines.
    #[serde(skip)]
    node_ports: Vec<(u64, String, Origin)>,
    /// Ranges of ports that security groups let in.
    #[serde(skip)]
    admits: Vec<(u64, u64)>,
}

/// Ports that Services have on machines.
const NODE_PORTS: std::ops::RangeInclusive<u64> = 30_000..=32_767;

/// Whether a document is a CloudFormation template.
pub fn is_template(node: &Node) -> bool {
    node.get("AWSTemplateFormatVersion").is_some()
}

impl Stack {
    /// Reads a template; `at` is where to point when nothing better is known.
    pub fn read(name: &str, file: &str, node: &Node, at: Origin) -> Stack {
        let mut imports = Vec::new();
        node.visit(&mut |node, _| {
            if let Some(import) = node.get("Fn::ImportValue")
                && let Some(text) = import.as_str()
            {
                imports.push((text.to_owned(), import.origin().unwrap_or(at)));
            }
        });
        let outputs = node.get("Outputs").and_then(|n| n.as_map()).into_iter().flatten();
        let exports = outputs
            .filter_map(|(_, entry)| entry.node.at(["Export", "Name"]))
            .filter_map(|name| Some((name.as_str()?.to_owned(), name.origin().unwrap_or(at))))
            .collect();
        let mut capabilities = BTreeSet::new();
        for (_, kind, properties, _) in resources(node) {
            if kind.starts_with("AWS::IAM::") {
                let named =
                    ["RoleName", "PolicyName", "ManagedPolicyName", "InstanceProfileName", "UserName", "GroupName"];
                let is_named = named.iter().any(|key| properties.is_some_and(|p| p.get(key).is_some()));
                capabilities.insert(if is_named { "CAPABILITY_NAMED_IAM" } else { "CAPABILITY_IAM" });
            }
        }
        if capabilities.contains("CAPABILITY_NAMED_IAM") {
            // It includes the other.
            capabilities.remove("CAPABILITY_IAM");
        }
        let parameters = node.get("Parameters").and_then(|n| n.as_map()).into_iter().flatten();
        let parameters = parameters
            .map(|(name, entry)| {
                let default = entry.node.get("Default").map(|node| match node.to_json() {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                });
                (name.as_ref().to_owned(), default)
            })
            .collect();
        Stack {
            name: name.to_owned(),
            file: file.to_owned(),
            depends_on: Vec::new(),
            capabilities: capabilities.into_iter().collect(),
            parameters,
            exports,
            imports,
            node_ports: node_ports(node, at),
            admits: admits(node),
        }
    }
}

/// A number, or a text that is one: CloudFormation takes both.
fn number(node: &Node) -> Option<u64> {
    match node.to_json() {
        serde_json::Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

fn node_ports(node: &Node, at: Origin) -> Vec<(u64, String, Origin)> {
    let groups = resources(node).filter(|(_, kind, ..)| *kind == "AWS::ElasticLoadBalancingV2::TargetGroup");
    let ports = groups.filter_map(|(name, _, properties, _)| {
        let port = properties?.get("Port")?;
        Some((number(port)?, name.to_owned(), port.origin().unwrap_or(at)))
    });
    ports.filter(|(port, ..)| NODE_PORTS.contains(port)).collect()
}

fn admits(node: &Node) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let range = |rule: &Node| Some((number(rule.get("FromPort")?)?, number(rule.get("ToPort")?)?));
    for (_, kind, properties, _) in resources(node) {
        let Some(properties) = properties else { continue };
        match kind {
            "AWS::EC2::SecurityGroupIngress" => found.extend(range(properties)),
            "AWS::EC2::SecurityGroup" => {
                let rules = properties.get("SecurityGroupIngress").and_then(|n| n.as_list()).unwrap_or_default();
                found.extend(rules.iter().filter_map(|rule| range(rule)));
            }
            _ => {}
        }
    }
    found
}

/// Whether any target group leads to a Service's port on the machines.
pub fn has_node_ports(stacks: &[Stack]) -> bool {
    stacks.iter().any(|stack| !stack.node_ports.is_empty())
}

/// Target groups that lead nowhere: no Service has opened their port on the machines, or no security group lets it in.
pub fn closed_ports(stacks: &[Stack], opened: &BTreeSet<u64>) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for (index, stack) in stacks.iter().enumerate() {
        for (port, name, at) in &stack.node_ports {
            let mut say = |message: String, help: &str| {
                let diagnostic = Diagnostic::new("stack", message).help(help);
                wrong.push(Wrong { diagnostic, places: vec![(index, *at, String::new())] });
            };
            if !opened.contains(port) {
                say(
                    format!("{name} sends traffic to port {port} of the machines, and no Service has this `nodePort`"),
                    "give the target group and the Service the same port; `values` of an environment can set that of the Service",
                );
            }
            if !stacks.iter().flat_map(|stack| &stack.admits).any(|(first, last)| (first..=last).contains(&port)) {
                say(
                    format!("{name} sends traffic to port {port} of the machines, and no security group lets it in"),
                    "give the target group and the rule of the security group the same port",
                );
            }
        }
    }
    wrong
}

/// Resources of a template: logical name, type, properties, place.
fn resources(node: &Node) -> impl Iterator<Item = (&str, &str, Option<&Node>, Option<Origin>)> {
    node.get("Resources").and_then(|n| n.as_map()).into_iter().flatten().map(|(name, entry)| {
        let kind = entry.node.get("Type").and_then(|n| n.as_str()).unwrap_or_default();
        (name.as_ref(), kind, entry.node.get("Properties").map(AsRef::as_ref), Some(entry.key_at))
    })
}

/// Names that AWS limits: type, property, longest.
const NAMES: [(&str, &str, usize); 6] = [
    ("AWS::IAM::Role", "RoleName", 64),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName", 128),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Name", 32),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "Name", 32),
    ("AWS::AutoScaling::AutoScalingGroup", "AutoScalingGroupName", 255),
    ("AWS::S3::Bucket", "BucketName", 63),
];

/// What the value of an attribute may be.
enum Takes {
    Flag,
    Number(u32, u32),
    Words(&'static [&'static str]),
    Text,
}

type Attributes = &'static [(&'static str, Takes)];

/// Attributes of Network Load Balancers and their parts: type, property, what AWS calls it, each attribute. CloudFormation itself
/// takes any text, and fails when the stack is half made.
const ATTRIBUTES: [(&str, &str, &str, Attributes); 3] = [
    (
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "LoadBalancerAttributes",
        "a Network Load Balancer",
        &[
            ("access_logs.s3.bucket", Takes::Text),
            ("access_logs.s3.enabled", Takes::Flag),
            ("access_logs.s3.prefix", Takes::Text),
            ("deletion_protection.enabled", Takes::Flag),
            (
                "dns_record.client_routing_policy",
                Takes::Words(&[
                    "availability_zone_affinity",
                    "partial_availability_zone_affinity",
                    "any_availability_zone",
                ]),
            ),
            ("ipv6.deny_all_igw_traffic", Takes::Flag),
            ("load_balancing.cross_zone.enabled", Takes::Flag),
            ("secondary_ips.auto_assigned.per_subnet", Takes::Number(0, 7)),
            ("zonal_shift.config.enabled", Takes::Flag),
        ],
    ),
    (
        "AWS::ElasticLoadBalancingV2::Listener",
        "ListenerAttributes",
        "a Network Load Balancer's listener",
        &[("tcp.idle_timeout.seconds", Takes::Number(60, 6000))],
    ),
    (
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "TargetGroupAttributes",
        "a Network Load Balancer's target group",
        &[
            ("deregistration_delay.connection_termination.enabled", Takes::Flag),
            ("deregistration_delay.timeout_seconds", Takes::Number(0, 3600)),
            ("load_balancing.cross_zone.enabled", Takes::Words(&["true", "false", "use_load_balancer_configuration"])),
            ("preserve_client_ip.enabled", Takes::Flag),
            ("proxy_protocol_v2.enabled", Takes::Flag),
            ("stickiness.enabled", Takes::Flag),
            ("stickiness.type", Takes::Words(&["source_ip"])),
            ("target_group_health.dns_failover.minimum_healthy_targets.count", Takes::Text),
            ("target_group_health.dns_failover.minimum_healthy_targets.percentage", Takes::Text),
            ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", Takes::Text),
            ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", Takes::Text),
            ("target_health_state.unhealthy.connection_termination.enabled", Takes::Flag),
            ("target_health_state.unhealthy.draining_interval_seconds", Takes::Number(0, 360_000)),
        ],
    ),
];

/// What is wrong with one template, each at its place in the template's output.
pub fn check(node: &Node, size: usize) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut say = |at: Option<Origin>, message: String, help: &str| {
        found.push(Diagnostic::new("stack", message).at_maybe(at.or(node.origin()), "").help(help));
    };
    if size > MAX_TEMPLATE {
        say(
            None,
            format!("the stack's template has {size} bytes, CloudFormation takes {MAX_TEMPLATE}"),
            "split it into two stacks",
        );
    }
    let count = resources(node).count();
    if count > MAX_RESOURCES {
        say(
            None,
            format!("the stack has {count} resources, CloudFormation takes {MAX_RESOURCES}"),
            "split it into two stacks",
        );
    }
    let outputs = node.get("Outputs").and_then(|n| n.as_map()).map_or(0, |map| map.len());
    if outputs > MAX_OUTPUTS {
        say(
            None,
            format!("the stack has {outputs} outputs, CloudFormation takes {MAX_OUTPUTS}"),
            "export less, or split it",
        );
    }
    // What a template gives when a value was missing. CloudFormation says so late, and without the place.
    node.visit(&mut |node, path| {
        if node.value == Value::Null {
            say(
                node.origin(),
                format!("`{}` is null", dotted(path)),
                "a template gives null for what is not there: ask with `if`, or say what it is otherwise",
            );
        }
    });
    for (name, kind, properties, at) in resources(node) {
        let Some(properties) = properties else { continue };
        attributes(name, kind, properties, &mut say);
        for (_, key, longest) in NAMES.iter().filter(|(of, ..)| *of == kind) {
            if let Some(value) = properties.get(key)
                && let Some(text) = value.as_str()
                && text.chars().count() > *longest
            {
                say(
                    value.origin(),
                    format!(
                        "the {key} `{text}` of {name} has {} characters, AWS takes {longest}",
                        text.chars().count()
                    ),
                    "shorten the cluster's name, or that of the group or role",
                );
            }
        }
        match kind {
            "AWS::EC2::LaunchTemplate" => {
                let data = properties.get("LaunchTemplateData");
                let option = |key: &str| data.and_then(|data| data.at(["MetadataOptions", key])).map(Node::to_json);
                let is_safe = option("HttpTokens") == Some("required".into())
                    && option("HttpPutResponseHopLimit").is_some_and(|hops| hops == 1);
                if !is_safe {
                    say(
                        at,
                        format!("machines of {name} would hand their credentials to pods"),
                        "set `MetadataOptions: {HttpEndpoint: enabled, HttpTokens: required, HttpPutResponseHopLimit: 1}`",
                    );
                }
                let user_data = data.and_then(|data| data.at(["UserData", "Fn::Base64"]));
                if let Some(text) = user_data.and_then(Node::as_str).filter(|text| text.len() > MAX_USER_DATA) {
                    say(
                        user_data.and_then(Node::origin),
                        format!("the user data of {name} has {} bytes, EC2 takes {MAX_USER_DATA}", text.len()),
                        "move files into the bundle that the machine fetches",
                    );
                }
            }
            "AWS::ElasticLoadBalancingV2::TargetGroup" => {
                let is_http = |key: &str| {
                    properties.get(key).and_then(|n| n.as_str()).is_some_and(|text| text.starts_with("HTTP"))
                };
                let path = properties.get("HealthCheckPath").and_then(|n| n.as_str());
                if is_http("HealthCheckProtocol") && path.is_none_or(|path| !path.starts_with('/')) {
                    say(
                        at,
                        format!("the health check of {name} has no path that begins with `/`"),
                        "set `HealthCheckPath`",
                    );
                }
            }
            _ => {}
        }
    }
    found
}

/// Attributes that there are not, or that cannot have this value. Those of other kinds of load balancers are not known here.
fn attributes(name: &str, kind: &str, properties: &Node, say: &mut impl FnMut(Option<Origin>, String, &str)) {
    let text_of = |key: &str| properties.get(key).and_then(|n| n.as_str());
    let is_other = match kind {
        "AWS::ElasticLoadBalancingV2::LoadBalancer" => text_of("Type") != Some("network"),
        _ => text_of("Protocol").is_some_and(|protocol| ["HTTP", "HTTPS", "GENEVE"].contains(&protocol)),
    };
    for (_, property, of, known) in ATTRIBUTES.iter().filter(|(of, ..)| *of == kind && !is_other) {
        let list = properties.get(property).and_then(|n| n.as_list()).unwrap_or_default();
        for attribute in list {
            let (Some(key), value) = (attribute.get("Key"), attribute.get("Value")) else { continue };
            let text = key.as_str().unwrap_or_default();
            let Some((_, takes)) = known.iter().find(|(one, _)| *one == text) else {
                let names: Vec<&str> = known.iter().map(|(one, _)| *one).collect();
                let help = match closest(text, names) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("see `{property}` in AWS' documentation of {kind}"),
                };
                say(key.origin(), format!("`{text}` of {name} is no attribute of {of}"), &help);
                continue;
            };
            let found = match value.map(|value| value.to_json()) {
                Some(serde_json::Value::String(text)) => text,
                Some(value @ (serde_json::Value::Bool(_) | serde_json::Value::Number(_))) => value.to_string(),
                // An intrinsic, which nobody knows before it runs; `null` is a mistake of its own.
                Some(_) => continue,
                None => String::new(),
            };
            let (is_right, wanted) = match takes {
                Takes::Flag => (["true", "false"].contains(&found.as_str()), "`true` or `false`".to_owned()),
                Takes::Number(least, most) => (
                    found.parse::<u32>().is_ok_and(|number| (*least..=*most).contains(&number)),
                    format!("a whole number from {least} to {most}"),
                ),
                Takes::Words(words) => (words.contains(&found.as_str()), format!("one of {}", words.join(", "))),
                Takes::Text => (!found.is_empty(), "a text".to_owned()),
            };
            if !is_right {
                let at = value.and_then(|value| value.origin()).or(key.origin());
                say(at, format!("`{text}` of {name} cannot be `{found}`"), &format!("it takes {wanted}"));
            }
        }
    }
}

/// A mistake between stacks.
#[derive(Debug)]
pub struct Wrong {
    /// What is wrong; without a place yet.
    pub diagnostic: Diagnostic,
    /// Where: the index of a stack, a place in its template's output, and words for it. The culprit comes first.
    pub places: Vec<(usize, Origin, String)>,
}

/// Puts stacks into an order in which every import finds its export, or says why there is none.
pub fn order(mut stacks: Vec<Stack>) -> Result<Vec<Stack>, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let mut exporter: BTreeMap<&str, (usize, Origin)> = BTreeMap::new();
    for (index, stack) in stacks.iter().enumerate() {
        for (name, at) in &stack.exports {
            if let Some((other, before)) = exporter.insert(name, (index, *at)) {
                let message = format!("`{}` and `{}` both export `{name}`", stacks[other].name, stack.name);
                wrong.push(Wrong {
                    diagnostic: Diagnostic::new("stack", message).help("an export has one owner in a region"),
                    places: vec![(index, *at, String::new()), (other, before, "the other one".to_owned())],
                });
            }
        }
    }
    let mut depends: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); stacks.len()];
    for (index, stack) in stacks.iter().enumerate() {
        for (name, at) in &stack.imports {
            match exporter.get(name.as_str()) {
                Some((other, _)) => {
                    depends[index].insert(*other);
                }
                None => {
                    let diagnostic = Diagnostic::new("stack", format!("no stack exports `{name}`"))
                        .did_you_mean(name, exporter.keys().copied())
                        .help("an import needs an `Outputs` entry with this `Export.Name` in another stack");
                    wrong.push(Wrong { diagnostic, places: vec![(index, *at, String::new())] });
                }
            }
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let edges: Vec<(usize, usize)> =
        depends.iter().enumerate().flat_map(|(after, all)| all.iter().map(move |before| (*before, after))).collect();
    let waves = match sync_wave::waves(stacks.len(), &edges) {
        Ok(waves) => waves,
        Err(cycle) => {
            let first = cycle.first().map_or(0, |edge| edges[*edge].0);
            let after = cycle.iter().map(|edge| edges[*edge].1);
            let names: Vec<String> =
                std::iter::once(first).chain(after).map(|index| format!("`{}`", stacks[index].name)).collect();
            let message = format!("stacks import from each other: {}", names.join(" → "));
            let help = "move what they share into a stack of its own, such as the security groups";
            // For each step of the cycle the import that makes it.
            let places = cycle.iter().filter_map(|edge| {
                let (before, after) = edges[*edge];
                let is_of = |name: &str| exporter.get(name).is_some_and(|(of, _)| *of == before);
                let (name, at) = stacks[after].imports.iter().find(|(name, _)| is_of(name))?;
                Some((after, *at, format!("`{}` imports `{name}` here", stacks[after].name)))
            });
            return Err(vec![Wrong {
                diagnostic: Diagnostic::new("stack", message).help(help),
                places: places.collect(),
            }]);
        }
    };
    let names: Vec<String> = stacks.iter().map(|stack| stack.name.clone()).collect();
    for (stack, depends) in stacks.iter_mut().zip(&depends) {
        stack.depends_on = depends.iter().map(|index| names[*index].clone()).collect();
        stack.depends_on.sort();
    }
    let mut ordered: Vec<(u32, Stack)> = waves.into_iter().zip(stacks).collect();
    ordered.sort_by(|(a, one), (b, other)| (a, &one.file).cmp(&(b, &other.file)));
    Ok(ordered.into_iter().map(|(_, stack)| stack).collect())
}
