//! What CloudFormation refuses only when it is too late, and the order in which stacks follow from each other.
//!
//! Limits: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Origin};
use crate::objects::sync_wave;
use crate::yaml::{Node, Value};

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
}

/// Whether a document is a CloudFormation template.
pub fn is_template(node: &Node) -> bool {
    node.get("AWSTemplateFormatVersion").is_some()
}

impl Stack {
    /// Reads a template; `at` is where to point when nothing better is known.
    pub fn read(name: &str, file: &str, node: &Node, at: Origin) -> Stack {
        let mut imports = Vec::new();
        walk(node, &mut |node| {
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
        }
    }
}

/// Resources of a template: logical name, type, properties, place.
fn resources(node: &Node) -> impl Iterator<Item = (&str, &str, Option<&Node>, Option<Origin>)> {
    node.get("Resources").and_then(|n| n.as_map()).into_iter().flatten().map(|(name, entry)| {
        let kind = entry.node.get("Type").and_then(|n| n.as_str()).unwrap_or_default();
        (name.as_ref(), kind, entry.node.get("Properties").map(AsRef::as_ref), Some(entry.key_at))
    })
}

fn walk<'n>(node: &'n Node, look: &mut impl FnMut(&'n Node)) {
    look(node);
    match &node.value {
        Value::Map(map) => map.values().for_each(|entry| walk(&entry.node, look)),
        Value::List(items) => items.iter().for_each(|item| walk(item, look)),
        _ => {}
    }
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

/// Attributes of a Network Load Balancer's target group; CloudFormation itself takes any text.
const TARGET_GROUP_ATTRIBUTES: [&str; 9] = [
    "deregistration_delay.connection_termination.enabled",
    "deregistration_delay.timeout_seconds",
    "load_balancing.cross_zone.enabled",
    "preserve_client_ip.enabled",
    "proxy_protocol_v2.enabled",
    "stickiness.enabled",
    "stickiness.type",
    "target_health_state.unhealthy.connection_termination.enabled",
    "target_health_state.unhealthy.draining_interval_seconds",
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
    for (name, kind, properties, at) in resources(node) {
        let Some(properties) = properties else { continue };
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
                let attributes = properties.get("TargetGroupAttributes").and_then(|n| n.as_list()).unwrap_or_default();
                for key in attributes.iter().filter_map(|attribute| attribute.get("Key")) {
                    let text = key.as_str().unwrap_or_default();
                    if !TARGET_GROUP_ATTRIBUTES.contains(&text) {
                        found_attribute(&mut say, key, text, name);
                    }
                }
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

fn found_attribute(say: &mut impl FnMut(Option<Origin>, String, &str), key: &Node, text: &str, name: &str) {
    say(
        key.origin(),
        format!("`{text}` of {name} is no attribute of a Network Load Balancer's target group"),
        "see TARGET_GROUP_ATTRIBUTES in AWS' documentation of ModifyTargetGroupAttributes",
    );
}

/// Puts stacks into an order in which every import finds its export, or says why there is none. Places in what is wrong belong to
/// the file at the index given with it.
pub fn order(mut stacks: Vec<Stack>) -> Result<Vec<Stack>, Vec<(usize, Diagnostic)>> {
    let mut wrong = Vec::new();
    let mut exporter: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, stack) in stacks.iter().enumerate() {
        for (name, at) in &stack.exports {
            if let Some(other) = exporter.insert(name, index) {
                let message = format!("`{}` and `{}` both export `{name}`", stacks[other].name, stack.name);
                wrong.push((
                    index,
                    Diagnostic::new("stack", message).at(*at, "").help("an export has one owner in a region"),
                ));
            }
        }
    }
    let mut depends: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); stacks.len()];
    for (index, stack) in stacks.iter().enumerate() {
        for (name, at) in &stack.imports {
            match exporter.get(name.as_str()) {
                Some(other) => {
                    depends[index].insert(*other);
                }
                None => {
                    let diagnostic = Diagnostic::new("stack", format!("no stack exports `{name}`"))
                        .at(*at, "")
                        .did_you_mean(name, exporter.keys().copied())
                        .help("an import needs an `Outputs` entry with this `Export.Name` in another stack");
                    wrong.push((index, diagnostic));
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
            return Err(vec![(first, Diagnostic::new("stack", message).help(help))]);
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
