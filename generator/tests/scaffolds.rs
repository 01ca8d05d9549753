//! What `init` and `new` make renders at once; settings tables in READMEs are current.

use std::fs;
use std::path::Path;

use crate::support::{self, kubezero};

#[test]
fn settings_tables_are_current() {
    let components = support::root().join("components");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for component in support::names(&components) {
        let folder = components.join(&component);
        let Ok(schema) = fs::read_to_string(folder.join("settings.schema.yaml")) else { continue };
        let schema = kubezero::pipeline::repository::embedded(&schema, None).expect("schemas compile");
        let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
        let table = kubezero::cli::components::settings_table(&schema);
        match kubezero::cli::components::with_table(&readme, &table) {
            Some(current) => wrong.extend(support::compare(&folder.join("README.md"), &current)),
            None => wrong.push(format!("components/{component}/README.md has no marks for its settings table")),
        }
        seen += 1;
    }
    assert!(seen >= 5);
    support::nothing_wrong(&wrong);
}

fn works(folder: &Path, arguments: &[&str]) -> String {
    let run = kubezero(folder, arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.stdout, run.stderr);
    run.stdout
}

/// What is new renders with what is there, and its test cases hold.
fn is_complete(folder: &Path) {
    works(folder, &["render"]);
    works(folder, &["new", "component", "greeter"]);
    let component = folder.join("components/greeter");
    let readme = fs::read_to_string(component.join("README.md")).unwrap();
    assert!(readme.contains("| `greeting` | string | `\"Hello\"` |"), "{readme}");
    let cases = support::names(&component.join("tests"));
    assert_eq!(cases, ["changed", "default"]);
    for case in &cases {
        let environment = folder.join("environments/case");
        fs::create_dir(&environment).unwrap();
        fs::copy(component.join("tests").join(case).join("environment.yaml"), environment.join("environment.yaml"))
            .unwrap();
        works(folder, &["render", "case"]);
        let expected = support::files(&component.join("tests").join(case).join("expected"));
        let rendered = support::files(&folder.join("argocd/case"));
        assert!(expected.keys().any(|path| path.starts_with("manifests/greeter/")), "{expected:?}");
        for (path, text) in &expected {
            assert_eq!(rendered.get(path), Some(text), "{case}: {path}");
        }
        let of_component =
            rendered.keys().filter(|path| path.contains("greeter") && !path.contains("namespaces")).count();
        assert_eq!(expected.len(), of_component, "{case}: {:?}", rendered.keys());
        fs::remove_dir_all(&environment).unwrap();
        works(folder, &["render"]);
    }
    works(folder, &["new", "environment", "another"]);
    let file = folder.join("environments/another/environment.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let text = match text.contains("components:") {
        true => text.replace("components:", "components:\n  greeter: {}"),
        false => text + "components:\n  greeter: {}\n",
    };
    fs::write(&file, text).unwrap();
    works(folder, &["render", "another"]);
    assert!(folder.join("argocd/another/manifests/greeter/configmap-greeting.yaml").is_file());
    works(folder, &["render", "--check"]);
    for what in ["component", "environment"] {
        let name = if what == "component" { "greeter" } else { "another" };
        let again = kubezero(folder, &["new", what, name]);
        assert!(again.code == 1 && again.stderr.contains("error[exists]"), "{}", again.stderr);
    }
}

#[test]
fn what_new_makes_renders_in_this_repository() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["components", "environments", "argocd"] {
        support::copy(&support::root().join(part), &folder.path().join(part));
    }
    is_complete(folder.path());
}

#[test]
fn what_init_makes_renders_and_can_be_added_to() {
    let folder = tempfile::tempdir().unwrap();
    works(folder.path(), &["init", "clusters"]);
    is_complete(&folder.path().join("clusters"));
}

/// Without a valid repository around it a component is still made, and the lack of test cases is said.
#[test]
fn a_component_can_be_made_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let said = works(folder.path(), &["new", "component", "greeter"]);
    assert!(said.contains("without test cases"), "{said}");
    assert!(folder.path().join("components/greeter/component.yaml").is_file());
    assert!(!folder.path().join("components/greeter/tests").exists());
}
