//! Who may write what, and who does: one owner for each object, and projects that let every object pass.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;

use super::check::Findings;
use super::{EnvironmentObjects, Object};
use crate::diagnostic::{Diagnostic, FileId};
use crate::objects::manifest::Identity;
use crate::objects::project_rules::{self, AppProjectSpec};
use crate::pipeline::plan::{Content, IN_CLUSTER};
use crate::pipeline::render::RenderedTree;
use crate::yaml;

/// One object, one Application.
pub fn owners(environment: &EnvironmentObjects, found: &mut Findings) {
    let mut owners: HashMap<&Identity, &Object> = HashMap::new();
    for object in &environment.objects {
        let Some(first) = owners.insert(&object.identity, object) else { continue };
        if first.application == object.application {
            // Helm's hooks may be made anew; and Argo CD applies the same object of one Application once.
            continue;
        }
        found.mistakes.push(
            Diagnostic::new(
                "object-of-two",
                format!("`{}` and `{}` both make `{}`", first.application, object.application, object.identity),
            )
            .at_maybe(object.at, "again here")
            .help(
                "in the cluster one would overwrite the other, for ever: have one of them leave it out, or rename it",
            ),
        );
    }
}

/// The projects of a tree, by name.
fn projects(tree: &RenderedTree<'_>) -> BTreeMap<String, AppProjectSpec> {
    let files = tree.files.iter().filter_map(|(path, file)| {
        let name = path.strip_prefix("projects/")?.strip_suffix(".yaml")?;
        let node = yaml::parse(FileId(u32::MAX), std::str::from_utf8(&file.text).ok()?).ok()?;
        let spec: AppProjectSpec = serde_json::from_value(node.to_json().get("spec")?.clone()).ok()?;
        Some((name.to_owned(), spec))
    });
    files.collect()
}

/// Every object is let through by the project of its Application.
pub fn permitted(environment: &EnvironmentObjects, tree: &RenderedTree<'_>, found: &mut Findings) {
    let projects = projects(tree);
    let destination = &tree.plan.argocd.destination;
    let (server, name) = match (&destination.server, &destination.name) {
        (Some(server), _) => (server.as_str(), if server == IN_CLUSTER { "in-cluster" } else { "" }),
        (None, Some(name)) => ("", name.as_str()),
        (None, None) => (IN_CLUSTER, "in-cluster"),
    };
    let mut said = BTreeSet::new();
    for object in &environment.objects {
        let Some(project) = projects.get(&object.component) else { continue };
        let Identity { group, kind, namespace, name: object_name } = &object.identity;
        let dotted = object.identity.dotted_kind();
        let (wrong, help) = if namespace.is_empty() {
            let fine = project_rules::permits_cluster_kind(project, group, kind, object_name);
            (
                (!fine).then(|| format!("cluster-scoped objects of the kind `{dotted}`")),
                format!("add `{dotted}` to `writes.clusterKinds` of the chart in component.yaml"),
            )
        } else if !project_rules::permits_namespaced_kind(project, group, kind) {
            (Some(format!("objects of the kind `{dotted}`")), "let the project have the kind".to_owned())
        } else {
            let fine = project_rules::permits_destination(project, server, name, namespace);
            (
                (!fine).then(|| format!("objects in the namespace `{namespace}`")),
                format!("add `{namespace}` to `writes.namespaces` of the chart in component.yaml"),
            )
        };
        if let Some(what) = wrong.filter(|what| said.insert((object.application.clone(), what.clone()))) {
            found.mistakes.push(
                Diagnostic::new(
                    "project-forbids",
                    format!("the project `{}` does not permit {what}, such as {}", object.component, object.words()),
                )
                .at_maybe(object.at, "")
                .help(help)
                .help("Argo CD would refuse the whole Application"),
            );
        }
    }
}

/// What a chart of each component may write, and in none of these environments does. Only charts that were seen in all of them count.
pub fn spare(all: &[(&EnvironmentObjects, &RenderedTree<'_>)], found: &mut Findings) {
    #[derive(Default)]
    struct Made<'o> {
        kinds: BTreeSet<String>,
        namespaces: BTreeSet<&'o str>,
    }
    let mut made: BTreeMap<&str, Made<'_>> = BTreeMap::new();
    let mut unseen: BTreeSet<&str> = BTreeSet::new();
    for (environment, _) in all {
        unseen.extend(environment.unseen.iter().map(|unseen| unseen.application.as_str()));
        for object in &environment.objects {
            let made = made.entry(&object.application).or_default();
            match object.identity.namespace.as_str() {
                "" => {
                    made.kinds.insert(object.identity.dotted_kind());
                }
                namespace => {
                    made.namespaces.insert(namespace);
                }
            }
        }
    }
    let mut said = BTreeSet::new();
    let planned = all.iter().flat_map(|(_, tree)| &tree.plan.applications);
    for planned in planned {
        let Content::Chart { chart, .. } = &planned.content else { continue };
        let Some(made) = made.get(planned.name.as_str()).filter(|_| !unseen.contains(planned.name.as_str())) else {
            continue;
        };
        if !said.insert(planned.name.as_str()) {
            continue;
        }
        let kinds = chart.writes_cluster_kinds.iter().filter(|kind| !made.kinds.contains(*kind));
        let namespaces = chart.writes_namespaces.iter().filter(|name| !made.namespaces.contains(name.as_str()));
        let spare: Vec<&str> = kinds.chain(namespaces).map(String::as_str).collect();
        if !spare.is_empty() {
            found.remarks.push(
                Diagnostic::new(
                    "writes-more",
                    format!(
                        "`{}` may write {}, and its chart makes none of it here",
                        planned.name,
                        crate::values::schema::list_words(&spare)
                    ),
                )
                .at(chart.at, "")
                .help("take it out of `writes`, unless a setting that no environment has here makes it"),
            );
        }
    }
}

/// Whether a ServiceAccount may do this to objects of core Kubernetes in a namespace.
pub fn may(
    environment: &EnvironmentObjects,
    account: (&str, &str),
    namespace: &str,
    verb: &str,
    resource: &str,
) -> bool {
    let bound = environment.objects.iter().filter(|object| object.identity.group == "rbac.authorization.k8s.io");
    let mut bound = bound.filter(|object| match object.identity.kind.as_str() {
        "ClusterRoleBinding" => true,
        "RoleBinding" => object.identity.namespace == namespace,
        _ => false,
    });
    bound.any(|binding| {
        let mine = super::list(binding.content(), "/subjects").any(|subject| {
            super::text(subject, "/kind") == "ServiceAccount"
                && super::text(subject, "/name") == account.1
                && [account.0, ""].contains(&super::text(subject, "/namespace"))
        });
        let (kind, name) = (binding.text("/roleRef/kind"), binding.text("/roleRef/name"));
        mine && (name == "cluster-admin"
            || environment.objects.iter().any(|role| {
                let is_role = role.is("rbac.authorization.k8s.io", kind)
                    && role.identity.name == name
                    && (kind == "ClusterRole" || role.identity.namespace == binding.identity.namespace);
                is_role
                    && super::list(role.content(), "/rules").any(|rule| {
                        let has = |list: &str, wanted: &str| {
                            super::list(rule, list).filter_map(Json::as_str).any(|one| one == wanted || one == "*")
                        };
                        has("/verbs", verb) && has("/resources", resource) && has("/apiGroups", "")
                    })
            }))
    })
}
