//! Every component switched on and off, alone and together with what it uses; every capability from each of its
//! providers; one controller and three: each environment renders, or is refused with a mistake that a person understands.

use std::collections::{BTreeMap, BTreeSet};

use kubezero::pipeline::repository::{Repository, Wanted};
use serde_json::Value as Json;

use crate::trees::{Inputs, each_rendered, objects, texts};

/// What a person may be told about a combination that cannot be. Everything else is a fault of a template.
const SAID_WELL: [&str; 7] = [
    "license",
    "missing-setting",
    "pod-security-conflict",
    "rule",
    "two-providers",
    "unmet-requirement",
    "wrong-platform",
];

/// The environments of this repository, and variants of each that differ by a line or two.
fn variants(
    inputs: &Inputs,
    repository: &Repository,
) -> (Inputs, BTreeMap<String, BTreeSet<String>>, BTreeMap<String, String>) {
    let mut all = inputs.clone();
    let mut off: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut all_labels: BTreeMap<String, String> = BTreeMap::new();
    let mut make = |base: &str, label: &str, switches: &[(&str, bool)], more: &[(&str, &str)]| {
        // An environment's name is a label of at most 63 characters, so what it is about stands beside it.
        let name = format!("{base}-{}", all_labels.len());
        all_labels.insert(name.clone(), label.to_owned());
        let folder = format!("environments/{base}/");
        let copied: Vec<(String, Vec<u8>)> = inputs
            .0
            .iter()
            .filter_map(|(path, text)| {
                Some((format!("environments/{name}/{}", path.strip_prefix(&folder)?), text.clone()))
            })
            .collect();
        all.0.extend(copied);
        for (component, on) in switches {
            let path = format!("environments/{name}/components/{component}.yaml");
            let mut text = all.0.get(&path).map(|text| String::from_utf8(text.clone()).unwrap()).unwrap_or_default();
            text += &format!("enabled: {on}\n");
            all.0.insert(path, text.into_bytes());
        }
        for (from, to) in more {
            let path = format!("environments/{name}/environment.yaml");
            let text = String::from_utf8(all.0[&path].clone()).unwrap();
            assert!(text.contains(from), "{base} lacks {from:?}");
            all.0.insert(path, text.replacen(from, to, 1).into_bytes());
        }
        let off_here = switches.iter().filter(|(_, on)| !on).map(|(component, _)| (*component).to_owned());
        off.insert(name, off_here.collect());
    };

    let components = repository.components();
    let givers = |wanted: &str| -> Vec<&str> {
        let gives = |name: &str| components[name].provided().any(|given| given.name == wanted);
        components.keys().map(String::as_str).filter(|name| *name == wanted || gives(name)).collect()
    };
    for base in repository.environments().keys() {
        for component in components.keys() {
            make(base, &format!("with-{component}"), &[(component, true)], &[]);
            make(base, &format!("no-{component}"), &[(component, false)], &[]);
            let wanted: BTreeSet<&str> = components[component].wanted().map(|wanted| wanted.name.as_str()).collect();
            for other in wanted.iter().flat_map(|wanted| givers(wanted)).collect::<BTreeSet<_>>() {
                if other == component {
                    continue;
                }
                make(base, &format!("{component}-no-{other}"), &[(component, true), (other, false)], &[]);
                make(base, &format!("{component}-with-{other}"), &[(component, true), (other, true)], &[]);
                make(base, &format!("no-{component}-no-{other}"), &[(component, false), (other, false)], &[]);
            }
        }
        // A capability from each component that gives it, instead of the others.
        let capabilities: BTreeSet<&str> =
            components.values().flat_map(|component| component.provided()).map(|given| given.name.as_str()).collect();
        for capability in capabilities {
            let givers: Vec<&str> = givers(capability);
            for chosen in givers.iter().filter(|_| givers.len() > 1) {
                let switches: Vec<(&str, bool)> = givers.iter().map(|giver| (*giver, giver == chosen)).collect();
                make(base, &format!("{capability}-by-{chosen}"), &switches, &[]);
            }
        }
        for replicas in [1, 3] {
            make(
                base,
                &format!("controllers-{replicas}"),
                &[],
                &[("cluster:\n", &format!("cluster:\n  controlPlane: {{replicas: {replicas}}}\n"))],
            );
        }
    }
    (all, off, all_labels)
}

#[test]
fn every_combination_renders_or_says_why_not() {
    let mut inputs = Inputs::of_this_repository();
    // A cluster's own size would stand twice in the variants.
    for (path, text) in inputs.0.iter_mut().filter(|(path, _)| path.ends_with("/environment.yaml")) {
        if path.starts_with("environments/") {
            let lines = String::from_utf8(text.clone()).unwrap();
            *text = lines.replace("  controlPlane: {replicas: 3}\n", "").into_bytes();
        }
    }
    let Ok(repository) = Repository::load(&inputs, &Wanted::All) else { panic!("the repository itself has mistakes") };
    let groups = groups_by_component(&repository);
    let (all, off, labels) = variants(&inputs, &repository);
    let (mut fine, mut refused, mut wrong) = (0, BTreeMap::<&str, usize>::new(), Vec::new());
    let label = |name: &str| labels.get(name).map_or(name.to_owned(), |label| format!("{name}, {label}"));
    each_rendered(&all, |name, tree| match tree {
        Ok(tree) => {
            fine += 1;
            let files = texts(tree);
            for component in off.get(name).into_iter().flatten() {
                let enabled = |other: &str| tree.plan.selection.enabled.contains_key(other);
                assert!(!enabled(component), "{name}: {component} is still on");
                let mine = tree.files.iter().find(|(_, file)| file.component == *component);
                wrong.extend(mine.map(|(path, _)| format!("{}: {path} is left of {component}", label(name))));
                // Kinds that only this component brings.
                let lost: Vec<&str> = groups
                    .iter()
                    .filter(|(_, givers)| {
                        givers.contains(component.as_str()) && !givers.iter().any(|giver| enabled(giver))
                    })
                    .map(|(group, _)| *group)
                    .collect();
                for (path, object) in objects(&files) {
                    let of =
                        |version: &str| lost.iter().find(|group| version.starts_with(&format!("{group}/"))).copied();
                    // Applications and projects are the generator's own; what charts are told is not.
                    let told = object.pointer("/spec/source/helm/apiVersions").and_then(Json::as_array);
                    let told = told.into_iter().flatten().filter_map(Json::as_str);
                    let own = path.starts_with("manifests/").then(|| text_of(&object["apiVersion"]));
                    for group in told.chain(own).filter_map(of) {
                        wrong.push(format!(
                            "{}: {path} speaks of {group}, which {component} would have brought",
                            label(name)
                        ));
                    }
                }
            }
        }
        Err(mistakes) => {
            for (code, message) in mistakes {
                *refused.entry(code).or_default() += 1;
                if !SAID_WELL.contains(&code) {
                    wrong.push(format!("{}: {code}: {message}", label(name)));
                }
            }
        }
    });
    println!("{fine} of {} environments render; the others are refused: {refused:?}", off.len());
    wrong.truncate(40);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(fine > 50, "{fine}");
}

fn text_of(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

/// The API groups that components bring, and who brings each.
fn groups_by_component(repository: &Repository) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, component) in repository.components() {
        let parts = component.charts.iter().map(|chart| &chart.part).chain([&component.manifests]);
        for version in parts.flat_map(|part| &part.api_versions) {
            if let Some((group, _)) = version.split_once('/') {
                groups.entry(group).or_default().insert(name);
            }
        }
    }
    groups
}
