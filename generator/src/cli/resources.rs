//! `kubezero resources`

mod picture;

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::images::{gather, unseen_json, unseen_text};
use super::output::{count, print, print_json};
use super::table::{table, width};
use super::{Global, Outcome};
use crate::Result;
use crate::pipeline::objects::EnvironmentObjects;
use crate::pipeline::objects::resources::{Amount, Resources, Workload, resources};

/// Add up what an environment asks of its nodes, by component and by group of nodes, from charts at hand
#[derive(Debug, Args)]
pub struct ResourcesArgs {
    /// Environment
    #[arg(value_name = "ENV")]
    pub environment: String,
    /// How it is shown
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: Format,
}

/// Forms of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// Shape `resources` of docs/json.md
    Json,
    /// For a browser or a document
    Svg,
}

/// Runs the command.
pub fn run(global: &Global, args: &ResourcesArgs) -> Result<Outcome> {
    for environment in gather(global, &args.environment)? {
        let found = resources(&environment);
        match args.format {
            Format::Text => print(&text(&environment, &found, width()))?,
            Format::Svg => print(&picture::svg(&environment, &found))?,
            Format::Json => {
                let mut answer = json!({"kind": "resources", "version": 1, "environment": environment.environment});
                if let (Some(answer), Ok(serde_json::Value::Object(found))) =
                    (answer.as_object_mut(), serde_json::to_value(&found))
                {
                    answer.extend(found);
                    answer.insert("unseen".to_owned(), unseen_json(&environment.unseen));
                }
                print_json(&answer)?;
            }
        }
    }
    Ok(Outcome::Fine)
}

/// A group of nodes, or groups that a workload may choose from, with what each component asks of it.
struct Share {
    name: String,
    /// `3 × m6a.xlarge`.
    nodes: String,
    requests: Amount,
    limits: Amount,
    offered: Option<Amount>,
    components: Vec<(String, Amount)>,
}

/// Groups first, then what can run on several of them.
fn shares(found: &Resources) -> Vec<Share> {
    let by_component = |amount: &dyn Fn(&Workload) -> Option<Amount>| {
        let mut sums: BTreeMap<&str, Amount> = BTreeMap::new();
        for workload in found.workloads.iter().filter(|workload| !workload.is_job) {
            if let Some(amount) = amount(workload) {
                let sum = sums.entry(&workload.component).or_default();
                sum.milli_cpu += amount.milli_cpu;
                sum.memory += amount.memory;
            }
        }
        sums.into_iter().map(|(name, amount)| (name.to_owned(), amount)).collect::<Vec<_>>()
    };
    let times = |amount: Amount, count: u64| Amount {
        milli_cpu: amount.milli_cpu.saturating_mul(count),
        memory: amount.memory.saturating_mul(count),
    };
    let groups = found.groups.iter().map(|group| Share {
        name: group.name.clone(),
        nodes: match (group.nodes == group.max_nodes, &group.instance_type) {
            (true, Some(kind)) => format!("{} × {kind}", group.nodes),
            (true, None) => count(usize::try_from(group.nodes).unwrap_or(usize::MAX), "node"),
            (false, Some(kind)) => format!("{} to {} × {kind}", group.nodes, group.max_nodes),
            (false, None) => format!("{} to {} nodes", group.nodes, group.max_nodes),
        },
        requests: group.requests,
        limits: group.limits,
        offered: group.each.map(|each| times(each, group.nodes)),
        components: by_component(&|workload| {
            let here = workload.groups.contains(&group.name) && (workload.every_node || workload.groups.len() == 1);
            let count = if workload.every_node { group.nodes } else { workload.pods };
            here.then(|| times(workload.requests, count))
        }),
    });
    let placements = found.placements.iter().map(|placement| Share {
        name: runs_on(&placement.groups, false, found),
        nodes: String::new(),
        requests: placement.requests,
        limits: placement.limits,
        offered: placement.offered,
        components: by_component(&|workload| {
            let here = !workload.every_node && workload.groups == placement.groups;
            here.then(|| times(workload.requests, workload.pods))
        }),
    });
    groups.chain(placements).collect()
}

/// Where a workload runs, in words.
fn runs_on(groups: &[String], every_node: bool, found: &Resources) -> String {
    let all = groups.len() == found.groups.len();
    match (groups, every_node) {
        ([], _) => "no node".to_owned(),
        (_, true) if all => "every node".to_owned(),
        ([one], true) => format!("every node of {one}"),
        ([one], false) => one.clone(),
        (_, true) => format!("every node of {}", groups.join(", ")),
        (_, false) if all => "any node".to_owned(),
        (_, false) => groups.join(" or "),
    }
}

/// Cores, with what matters of the digits: `0.25`, `12.5`.
fn cores(amount: Amount) -> String {
    let text = format!("{:.2}", amount.milli_cpu as f64 / 1000.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Memory in GiB, or MiB below one.
fn memory(amount: Amount) -> String {
    const MIB: f64 = 1_048_576.0;
    let mib = amount.memory as f64 / MIB;
    match amount.memory {
        0 => "0".to_owned(),
        bytes if bytes < 1 << 30 => format!("{mib:.0} MiB"),
        _ => format!("{:.1} GiB", mib / 1024.0),
    }
}

/// `1.5 of 12 (13 %)`.
fn of(part: &str, whole: Option<String>, share: Option<(u64, u64)>) -> String {
    match (whole, share) {
        (Some(whole), Some((some, all))) if all > 0 => {
            format!("{part} of {whole} ({} %)", some.saturating_mul(100).div_ceil(all))
        }
        _ => part.to_owned(),
    }
}

fn text(environment: &EnvironmentObjects, found: &Resources, width: usize) -> String {
    let rows: Vec<Vec<String>> = shares(found)
        .iter()
        .map(|share| {
            let offered = share.offered;
            vec![
                share.name.clone(),
                share.nodes.clone(),
                of(
                    &cores(share.requests),
                    offered.map(cores),
                    offered.map(|all| (share.requests.milli_cpu, all.milli_cpu)),
                ),
                of(
                    &memory(share.requests),
                    offered.map(memory),
                    offered.map(|all| (share.requests.memory, all.memory)),
                ),
                memory(share.limits),
            ]
        })
        .collect();
    let mut out = table(&["NODES", "AT LEAST", "CPU ASKED FOR", "MEMORY ASKED FOR", "MEMORY LIMITS"], &rows, width);
    out.push('\n');

    let mut sums: BTreeMap<(&str, String), (u64, Amount, Amount, bool)> = BTreeMap::new();
    for workload in found.workloads.iter().filter(|workload| !workload.is_job) {
        let place = runs_on(&workload.groups, workload.every_node, found);
        let sum = sums.entry((&workload.component, place)).or_default();
        sum.0 += workload.pods;
        for (total, one) in [(&mut sum.1, workload.requests), (&mut sum.2, workload.limits)] {
            total.milli_cpu += one.milli_cpu * workload.pods;
            total.memory += one.memory * workload.pods;
        }
        sum.3 |= !workload.without_limits.is_empty();
    }
    let rows: Vec<Vec<String>> = sums
        .into_iter()
        .map(|((component, place), (pods, requests, limits, open))| {
            let limits = match (limits.memory, open) {
                (0, _) => "none".to_owned(),
                (_, true) => format!("{} and more", memory(limits)),
                (_, false) => memory(limits),
            };
            vec![component.to_owned(), place, pods.to_string(), cores(requests), memory(requests), limits]
        })
        .collect();
    out += &table(&["COMPONENT", "RUNS ON", "PODS", "CPU", "MEMORY", "MEMORY LIMITS"], &rows, width);
    let without: Vec<&Workload> =
        found.workloads.iter().filter(|workload| !workload.is_job && !workload.without_requests.is_empty()).collect();
    let jobs = found.workloads.iter().filter(|workload| workload.is_job).count();
    out += &format!(
        "\n{}, {} of them without requests for CPU or memory; not in any sum: {}\n",
        count(found.workloads.len() - jobs, "workload"),
        without.len(),
        count(jobs, "job"),
    );
    out += &unseen_text(&environment.unseen);
    out
}
