//! What a component hands to the rest of its environment: namespaces' labels, cloud roles, the Secrets that it reads,
//! folders of manifests of somebody else's repository.

use std::fs;
use std::path::Path;

use crate::support;

fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    support::copy(&support::tests().join("mistakes/_base"), folder.path());
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn rendered(folder: &Path, path: &str) -> String {
    let run = support::kubezero(folder, &["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    fs::read_to_string(folder.join("argocd/prod").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const ROLES: &str = "description: What everything else stands on
license: Apache-2.0
namespace: kube-system
charts:
  base: {repository: https://charts.example.com, name: base, version: 1.2.3}
iamRoles:
  storage: {serviceAccounts: [disks, shares]}
  unused: {serviceAccounts: [none], when: components.web.settings.limits.off}
provides: [foundation]
";

#[test]
fn every_namespace_gets_what_components_add() {
    let roles = ROLES.replace("  unused: {serviceAccounts: [none], when: components.web.settings.limits.off}\n", "");
    let folder = repository(&[
        ("components/base/component.yaml", &roles),
        (
            "components/base/namespace.yaml.hbs",
            "annotations:
  example.com/roles: '{{#each iamRoles as |role|}}{{#if (eq role.namespace @root.namespace.name)}}{{role.name}} of {{role.component}} by {{join role.serviceAccounts \"+\"}}{{/if}}{{/each}}'
",
        ),
    ]);
    let foreign = rendered(folder.path(), "manifests/namespaces/namespace-kube-system.yaml");
    assert!(foreign.contains("example.com/roles: storage of base by disks+shares\n"), "{foreign}");
    // Nothing else of it is ours: no labels, and never removed.
    assert!(!foreign.contains("labels:") && foreign.contains("Delete=false,Prune=false"), "{foreign}");
    let own = rendered(folder.path(), "manifests/namespaces/namespace-web.yaml");
    assert!(own.contains("kubezero.io/environment: prod"), "{own}");
}

#[test]
fn a_condition_of_a_role_must_be_a_boolean() {
    let folder = repository(&[("components/base/component.yaml", ROLES)]);
    let run = support::kubezero(folder.path(), &["validate"]);
    let asked = ROLES.replace("components.web.settings.limits.off", "(eq components.web.settings.mode 'none')");
    let expression = repository(&[("components/base/component.yaml", &asked)]);
    assert_eq!(support::kubezero(expression.path(), &["validate"]).stderr, "");
    let misspelt = asked.replace("settings.mode", "settings.mod");
    let expression = repository(&[("components/base/component.yaml", &misspelt)]);
    let unknown = support::kubezero(expression.path(), &["validate"]).stderr;
    assert!(unknown.contains("error[template-variable]") && unknown.contains("component.yaml:8:"), "{unknown}");
    assert!(run.stderr.contains("error[bad-condition]") && run.stderr.contains("component.yaml:8:"), "{}", run.stderr);
}

#[test]
fn a_folder_of_manifests_is_taken_at_its_tag() {
    let folder = repository(&[(
        "components/base/component.yaml",
        "description: What everything else stands on
license: Apache-2.0
namespace: base-system
charts:
  crds:
    repository: https://git.example.com/base.git
    path: config/crd
    include: '*.yaml'
    version: v1.2.3
    writes: {clusterKinds: [CustomResourceDefinition.apiextensions.k8s.io]}
provides: [foundation]
",
    )]);
    fs::remove_file(folder.path().join("components/base/values.yaml.hbs")).unwrap();
    let application = rendered(folder.path(), "applications/base.yaml");
    let source = "  source:
    repoURL: https://git.example.com/base.git
    path: config/crd
    targetRevision: refs/tags/v1.2.3
    directory:
      recurse: true
      include: \"*.yaml\"
";
    assert!(application.contains(source), "{application}");
    let project = rendered(folder.path(), "projects/base.yaml");
    assert!(project.contains("- https://git.example.com/base.git\n"), "{project}");
}

#[test]
fn secrets_are_listed_but_never_rendered() {
    let folder = repository(&[(
        "components/web/secrets.yaml.hbs",
        "- name: web-session
  keys: {key: signs the session cookies of {{settings.host}}}
  madeBy: the web server
  purpose: sessions survive a restart
- name: web-login
  namespace: base-system
  keys: {username: the administrator's name, password: the administrator's}
  generate: {username: {value: admin}, password: {randomBytes: 24}}
  madeBy: you
  purpose: the first login
",
    )]);
    let run = support::kubezero(folder.path(), &["components", "--secrets", "prod"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[1].starts_with("base-system/web-login  web      you "), "{}", run.stdout);
    let words = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("sessions survive a restart (key: signs the session"), "{}", run.stdout);
    assert!(words.contains("such as 24 random bytes; username:"), "{}", run.stdout);
    let run = support::kubezero(folder.path(), &["components", "--secrets", "prod", "--format", "json"]);
    assert!(run.stdout.contains("\"madeBy\": \"you\""), "{}", run.stdout);
    let list: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let made_up = serde_json::json!({"password": {"randomBytes": 24}, "username": {"value": "admin"}});
    assert_eq!(list["secrets"][0]["generate"], made_up);
    assert_eq!(list["secrets"][1].get("generate"), None, "nobody makes up what somebody else makes");
    let application = rendered(folder.path(), "applications/web.yaml");
    assert!(!application.contains("web-login"), "{application}");
}
