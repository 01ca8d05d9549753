//! Each `components/<component>/tests/<case>/environment.yaml` is rendered as an environment, and the files of that
//! component are `expected/**`. `BLESS=1 cargo test` writes them.

use std::collections::BTreeSet;
use std::fs;

use rayon::prelude::*;

use crate::support;
use crate::trees::{Inputs, render};

#[test]
fn every_case_renders_as_expected() {
    let components = support::root().join("components");
    let inputs = Inputs::of_this_repository();
    let mut cases = Vec::new();
    let mut wrong = Vec::new();
    for component in support::names(&components) {
        if !components.join(&component).join("component.yaml").is_file() {
            continue;
        }
        let of_component = support::names(&components.join(&component).join("tests"));
        if of_component.len() < 2 {
            wrong.push(format!(
                "components/{component}/tests has {} case(s), at least 2 are required",
                of_component.len()
            ));
        }
        cases.extend(of_component.into_iter().map(|case| (component.clone(), case)));
    }
    wrong.extend(cases.par_iter().flat_map(|(component, case)| check(&inputs, component, case)).collect::<Vec<_>>());
    support::nothing_wrong(&wrong);
}

fn check(inputs: &Inputs, component: &str, case: &str) -> Vec<String> {
    let root = support::root();
    let folder = root.join("components").join(component).join("tests").join(case);
    let mut wrong: Vec<String> = support::names(&folder)
        .into_iter()
        .filter(|name| !matches!(name.as_str(), "environment.yaml" | "expected"))
        .map(|name| format!("{}/{name} belongs to nothing", folder.display()))
        .collect();
    let text = fs::read(folder.join("environment.yaml")).unwrap();
    let outcome = render(&inputs.with_environments([("case".to_owned(), text)])).remove("case").unwrap();
    let mut found = match outcome {
        Ok(files) => files,
        Err(mistakes) => {
            wrong.push(format!("{component}/{case} does not render: {mistakes:#?}"));
            return wrong;
        }
    };
    // The files that belong to the component, as the index says.
    let index: serde_json::Value = serde_yaml::from_str(&found["index.yaml"]).unwrap();
    found.retain(|path, _| index["files"][path]["component"] == component);
    let expected = folder.join("expected");
    let wanted = support::files(&expected);
    let paths: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
    for path in paths {
        match found.get(path) {
            Some(text) => wrong.extend(support::compare(&expected.join(path), text)),
            None if support::blessing() => fs::remove_file(expected.join(path)).unwrap(),
            None => wrong.push(format!("{}: no longer rendered", expected.join(path).display())),
        }
    }
    wrong
}
