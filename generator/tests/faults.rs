//! Each entry of `faults.yaml` is an environment of this repository with one thing wrong in it: what no validator of CloudFormation
//! or Kubernetes sees is said before anything is applied, at a line of the overlay.

use std::collections::BTreeSet;

use kubezero::pipeline::environment::{Chains, Environment};
use kubezero::pipeline::plan::Plan;
use kubezero::pipeline::render::{RenderedTree, Shared};
use kubezero::pipeline::repository::{Repository, Wanted};
use kubezero::yaml::write;
use rayon::prelude::*;
use serde_json::Value as Json;

use crate::support;
use crate::trees::{Inputs, documents, lay};

struct Fault {
    /// An environment that is laid over.
    of: String,
    set: Json,
    /// Words of the message.
    says: String,
    /// Where not in the environment: the beginning of the path.
    at: String,
}

fn faults() -> Vec<Fault> {
    let path = support::tests().join("faults.yaml");
    let list = documents("faults.yaml", &std::fs::read_to_string(path).unwrap()).remove(0);
    let text = |fault: &Json, key: &str, otherwise: &str| fault[key].as_str().unwrap_or(otherwise).to_owned();
    let read = |fault: &Json| Fault {
        of: text(fault, "of", "aws-ha"),
        set: fault["set"].clone(),
        says: text(fault, "says", ""),
        at: text(fault, "at", "environments/"),
    };
    list.as_array().unwrap().iter().map(read).collect()
}

/// All rules as data: their message, with what differs between environments left out.
fn messages(inputs: &Inputs) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (path, text) in inputs.0.iter().filter(|(path, _)| path.ends_with("/rules.yaml")) {
        let rules = documents(path, str::from_utf8(text).unwrap()).pop().unwrap_or_default();
        for rule in rules.as_array().into_iter().flatten() {
            found.insert((path.clone(), rule["message"].as_str().unwrap().to_owned()));
        }
    }
    found
}

/// Whether a message is what a template came to.
fn is_of(template: &str, message: &str) -> bool {
    let parts: Vec<String> = template
        .split("{{")
        .map(|part| part.split_once("}}").map_or(part, |(_, rest)| rest))
        .map(regex::escape)
        .collect();
    regex::Regex::new(&format!("^(?s){}$", parts.join(".*"))).unwrap().is_match(message)
}

#[test]
fn each_fault_of_an_environment_is_said_at_its_line() {
    let faults = faults();
    let mut inputs = Inputs::of_this_repository();
    let messages = messages(&inputs);
    for (index, fault) in faults.iter().enumerate() {
        let path = format!("environments/{}/environment.yaml", fault.of);
        let text = String::from_utf8(inputs.0[&path].clone()).unwrap();
        let mut environment = documents(&path, &text).remove(0);
        lay(&mut environment, &fault.set);
        let text = write::to_string(&environment).unwrap().into_bytes();
        inputs.0.insert(format!("environments/fault-{index}/environment.yaml"), text);
        let outputs = inputs.0.get(&format!("environments/{}/outputs.yaml", fault.of)).cloned();
        inputs.0.extend(outputs.map(|text| (format!("environments/fault-{index}/outputs.yaml"), text)));
    }
    let Ok(repository) = Repository::load(&inputs, &Wanted::All) else { panic!("the faulty environments do not load") };
    let (chains, shared) = (Chains::default(), Shared::default());
    let results: Vec<(Option<String>, Vec<String>)> = faults
        .par_iter()
        .enumerate()
        .map(|(index, fault)| {
            let overlay = &repository.environments()[&format!("fault-{index}")];
            let found = Environment::resolve(&repository, overlay, &chains).and_then(|environment| {
                Plan::new(&repository, &environment)
                    .and_then(|plan| RenderedTree::render(&repository, plan, &shared))
                    .map(|_| ())
            });
            let label = format!("{} with {}", fault.of, fault.set);
            let Err(found) = found else { return (Some(format!("{label}: nothing is said")), Vec::new()) };
            let place = |mistake: &kubezero::diagnostic::Diagnostic| {
                mistake.at.as_ref().map(|(at, _)| repository.sources().locate(*at)).unwrap_or_default()
            };
            let heard: Vec<String> = found.iter().map(|mistake| mistake.message.clone()).collect();
            let said: Vec<String> =
                found.iter().filter(|mistake| mistake.message.contains(&fault.says)).map(place).collect();
            let wrong = match said.iter().any(|at| at.starts_with(&fault.at)) {
                true => None,
                false if said.is_empty() => Some(format!("{label}: {heard:#?}")),
                false => Some(format!("{label}: is said at {said:?}, not in {}", fault.at)),
            };
            (wrong, heard)
        })
        .collect();
    let wrong: Vec<String> = results.iter().filter_map(|(wrong, _)| wrong.clone()).collect();
    let unheard: Vec<&(String, String)> = messages
        .iter()
        .filter(|(_, template)| !results.iter().flat_map(|(_, heard)| heard).any(|message| is_of(template, message)))
        .collect();
    println!(
        "{} faults; {} of {} rules are heard, not {unheard:#?}",
        faults.len(),
        messages.len() - unheard.len(),
        messages.len()
    );
    support::nothing_wrong(&wrong);
    assert!(messages.len() - unheard.len() >= 80, "{unheard:#?}");
}
