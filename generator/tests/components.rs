//! Each `components/<component>/tests/<case>/environment.yaml` is rendered as an environment, and the files of that
//! component are `expected/**`. `BLESS=1 cargo test` writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rayon::prelude::*;

use crate::support;

#[test]
fn every_case_renders_as_expected() {
    let components = support::root().join("components");
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
    wrong.extend(cases.par_iter().flat_map(|(component, case)| render(component, case)).collect::<Vec<_>>());
    support::nothing_wrong(&wrong);
}

fn render(component: &str, case: &str) -> Vec<String> {
    let root = support::root();
    let folder = root.join("components").join(component).join("tests").join(case);
    let mut wrong: Vec<String> = support::names(&folder)
        .into_iter()
        .filter(|name| !matches!(name.as_str(), "environment.yaml" | "expected"))
        .map(|name| format!("{}/{name} belongs to nothing", folder.display()))
        .collect();
    let temporary = tempfile::tempdir().unwrap();
    support::copy(&root.join("components"), &temporary.path().join("components"));
    let environments = temporary.path().join("environments");
    support::copy(&root.join("environments/layers"), &environments.join("layers"));
    for file in
        ["environment.schema.yaml", "rules.yaml"].iter().filter(|file| root.join("environments").join(file).is_file())
    {
        fs::copy(root.join("environments").join(file), environments.join(file)).unwrap();
    }
    fs::create_dir(environments.join("case")).unwrap();
    fs::copy(folder.join("environment.yaml"), environments.join("case/environment.yaml")).unwrap();
    let run = support::kubezero(temporary.path(), &["render"]);
    if run.code != 0 {
        wrong.push(format!("{component}/{case} does not render:\n{}", run.stderr));
        return wrong;
    }
    let found = of_component(component, &temporary.path().join("argocd/case"));
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

/// The files that belong to a component, as `index.yaml` says.
fn of_component(component: &str, tree: &Path) -> BTreeMap<String, String> {
    let mut files = support::files(tree);
    let index: serde_json::Value = serde_yaml::from_str(&files["index.yaml"]).unwrap();
    files.retain(|path, _| index["files"][path]["component"] == component);
    files
}
