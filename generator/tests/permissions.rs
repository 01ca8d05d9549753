//! Each AppProject permits what its Applications need, and nothing besides; and what comes first comes first.

use std::collections::{BTreeMap, BTreeSet};

use kubezero::objects::project_rules::{
    AppProjectSpec, permits_cluster_kind, permits_destination, permits_namespaced_kind, permits_source,
};
use kubezero::pipeline::plan::Content;
use kubezero::pipeline::render::RenderedTree;
use serde_json::Value as Json;

use crate::trees::{Inputs, each_rendered, objects, texts};

const IN_CLUSTER: &str = "https://kubernetes.default.svc";

/// One thing that a project must permit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Source(String),
    Destination { server: String, name: String, namespace: String },
    ClusterKind { group: String, kind: String, name: String },
    NamespacedKind { group: String, kind: String },
}

impl Need {
    fn is_met_by(&self, project: &AppProjectSpec) -> bool {
        match self {
            Need::Source(address) => permits_source(project, address),
            Need::Destination { server, name, namespace } => permits_destination(project, server, name, namespace),
            Need::ClusterKind { group, kind, name } => permits_cluster_kind(project, group, kind, name),
            Need::NamespacedKind { group, kind } => permits_namespaced_kind(project, group, kind),
        }
    }
}

fn text(object: &Json, pointer: &str) -> String {
    object.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// A tree's Applications and projects, read back from its text.
struct Read {
    projects: BTreeMap<String, AppProjectSpec>,
    applications: BTreeMap<String, Json>,
    manifests: BTreeMap<String, Vec<Json>>,
}

impl Read {
    fn of(tree: &RenderedTree<'_>) -> Read {
        let files = texts(tree);
        let mut read = Read { projects: BTreeMap::new(), applications: BTreeMap::new(), manifests: BTreeMap::new() };
        for (path, object) in objects(&files) {
            let name = text(&object, "/metadata/name");
            match (path.split('/').collect::<Vec<_>>().as_slice(), object["kind"].as_str().unwrap()) {
                (["manifests", component, _], _) => {
                    read.manifests.entry((*component).to_owned()).or_default().push(object)
                }
                (["projects", _] | ["root.yaml"], "AppProject") => {
                    // Unknown fields are refused: what the rules do not know cannot be relied on.
                    let spec = serde_json::from_value(object["spec"].clone()).unwrap();
                    assert!(read.projects.insert(name, spec).is_none());
                }
                (["applications", _] | ["root.yaml"], "Application") => {
                    assert!(read.applications.insert(name, object).is_none());
                }
                other => panic!("{path}: {other:?}"),
            }
        }
        read
    }

    /// Everything that the Applications of each project need.
    fn needs(&self, tree: &RenderedTree<'_>) -> BTreeMap<String, BTreeSet<Need>> {
        let mut needs: BTreeMap<String, BTreeSet<Need>> = BTreeMap::new();
        let environment = &tree.plan.environment.name;
        for (name, application) in &self.applications {
            let needs = needs.entry(text(application, "/spec/project")).or_default();
            let server = text(application, "/spec/destination/server");
            let cluster = text(application, "/spec/destination/name");
            let destination = |namespace: &str| Need::Destination {
                server: server.clone(),
                name: if server == IN_CLUSTER { "in-cluster".to_owned() } else { cluster.clone() },
                namespace: namespace.to_owned(),
            };
            needs.insert(Need::Source(text(application, "/spec/source/repoURL")));
            needs.insert(destination(&text(application, "/spec/destination/namespace")));

            let written: Vec<Json> = if name == "root" {
                let projects = self.projects.keys().filter(|name| *name != "root").map(|name| {
                    serde_json::json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": name, "namespace": tree.plan.argocd.namespace}})
                });
                let applications =
                    self.applications.iter().filter(|(name, _)| *name != "root").map(|(_, object)| object.clone());
                projects.chain(applications).collect()
            } else if let Some(path) = application.pointer("/spec/source/path").and_then(Json::as_str)
                && text(application, "/spec/source/repoURL") == tree.plan.argocd.repo_url
            {
                let folder = format!("{}/{environment}/manifests/", tree.plan.argocd.path);
                let component = path.strip_prefix(&folder).unwrap_or_else(|| panic!("{name}: {path}"));
                let objects = self.manifests.get(component).cloned().unwrap_or_default();
                assert!(!objects.is_empty(), "{name}: nothing in {path}");
                objects
            } else {
                Vec::new()
            };
            for object in written {
                let api_version = text(&object, "/apiVersion");
                let group = api_version.split_once('/').map_or(String::new(), |(group, _)| group.to_owned());
                let (kind, namespace) = (text(&object, "/kind"), text(&object, "/metadata/namespace"));
                if namespace.is_empty() {
                    needs.insert(Need::ClusterKind { group, kind, name: text(&object, "/metadata/name") });
                } else {
                    needs.insert(destination(&namespace));
                    needs.insert(Need::NamespacedKind { group, kind });
                }
            }
            // What a chart's templates write is what its component says they write.
            let planned = tree.plan.applications.iter().find(|planned| planned.name == *name);
            if let Some(Content::Chart { chart, .. }) = planned.map(|planned| &planned.content) {
                needs.extend(chart.writes_namespaces.iter().map(|namespace| destination(namespace)));
                for text in &chart.writes_cluster_kinds {
                    let (kind, group) = text.split_once('.').unwrap_or((text, ""));
                    needs.insert(Need::ClusterKind {
                        group: group.to_owned(),
                        kind: kind.to_owned(),
                        name: "any".to_owned(),
                    });
                }
                needs.insert(Need::NamespacedKind { group: "apps".to_owned(), kind: "Deployment".to_owned() });
            }
        }
        needs
    }
}

/// Every project that has one entry less.
fn with_one_entry_less(project: &AppProjectSpec) -> Vec<(String, AppProjectSpec)> {
    let mut less = Vec::new();
    macro_rules! without {
        ($list:expr, $field:ident, $change:expr) => {
            for index in 0..$list.len() {
                let mut project = project.clone();
                $change(&mut project, index);
                less.push((format!("{} {:?}", stringify!($field), $list[index]), project));
            }
        };
    }
    without!(project.source_repos, sourceRepos, |p: &mut AppProjectSpec, i| drop(p.source_repos.remove(i)));
    without!(project.destinations, destinations, |p: &mut AppProjectSpec, i| drop(p.destinations.remove(i)));
    let kinds = project.cluster_resource_whitelist.clone().unwrap_or_default();
    without!(kinds, clusterResourceWhitelist, |p: &mut AppProjectSpec, i| {
        p.cluster_resource_whitelist.as_mut().unwrap().remove(i);
    });
    let kinds = project.namespace_resource_whitelist.clone().unwrap_or_default();
    without!(kinds, namespaceResourceWhitelist, |p: &mut AppProjectSpec, i| {
        p.namespace_resource_whitelist.as_mut().unwrap().remove(i);
    });
    less
}

fn each(mut look: impl FnMut(&str, &RenderedTree<'_>, &Read)) {
    let inputs = Inputs::of_this_repository();
    for inputs in [inputs.cases_as_environments(), inputs] {
        each_rendered(&inputs, |name, tree| {
            let tree = tree.unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
            look(name, tree, &Read::of(tree));
        });
    }
}

#[test]
fn every_application_is_let_through_and_no_entry_is_spare() {
    let (mut met, mut removed) = (0, 0);
    let mut wrong = Vec::new();
    each(|environment, tree, read| {
        let needs = read.needs(tree);
        for (name, project) in &read.projects {
            let context = format!("{environment}: project {name}");
            let needs = needs.get(name).unwrap_or_else(|| panic!("{context}: no Application is in it"));
            for need in needs {
                met += 1;
                if !need.is_met_by(project) {
                    wrong.push(format!("{context} forbids {need:?}"));
                }
            }
            for (entry, less) in with_one_entry_less(project) {
                removed += 1;
                if needs.iter().all(|need| need.is_met_by(&less)) {
                    wrong.push(format!("{context} does not need {entry}"));
                }
            }
        }
    });
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(met > 200 && removed > 100, "{met} {removed}");
    println!("{met} needs are met; each of {removed} entries taken away was missed");
}

#[test]
fn projects_hold_no_pattern_and_applications_a_project_of_their_own() {
    let mut applications = 0;
    each(|environment, _, read| {
        for (name, project) in &read.projects {
            let lists = [
                project.source_repos.clone(),
                project
                    .destinations
                    .iter()
                    .flat_map(|d| [d.server.clone(), d.name.clone(), d.namespace.clone()])
                    .collect(),
                project
                    .cluster_resource_whitelist
                    .iter()
                    .flatten()
                    .flat_map(|k| [k.group.clone(), k.kind.clone()])
                    .collect(),
            ];
            for text in lists.iter().flatten() {
                assert!(
                    !text.contains(['*', '?', '[', '{', '!']),
                    "{environment}: project {name} has the pattern {text}"
                );
            }
        }
        for (name, application) in &read.applications {
            let project = text(application, "/spec/project");
            assert_ne!(project, "default", "{environment}: {name}");
            assert!(read.projects.contains_key(&project), "{environment}: {name} is in {project}, which is not there");
            applications += 1;
        }
    });
    println!("{applications} Applications");
}

#[test]
fn no_other_project_may_write_applications() {
    each(|environment, tree, read| {
        for (name, project) in &read.projects {
            let may = permits_namespaced_kind(project, "argoproj.io", "Application")
                && permits_destination(project, IN_CLUSTER, "in-cluster", &tree.plan.argocd.namespace);
            // Argo CD's own chart goes to that namespace too.
            let expected = name == "root"
                || tree
                    .plan
                    .applications
                    .iter()
                    .any(|planned| planned.component == name && planned.namespace == tree.plan.argocd.namespace);
            assert!(!may || expected, "{environment}: project {name} may write Applications");
        }
    });
}

fn wave(application: &Json) -> i64 {
    application["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"].as_str().unwrap().parse().unwrap()
}

#[test]
fn waves_grow_along_every_edge() {
    let mut edges = 0;
    each(|environment, tree, read| {
        let planned = &tree.plan.applications;
        for edge in &tree.plan.edges {
            let (before, after) = (&planned[edge.before].name, &planned[edge.after].name);
            let (first, second) = (wave(&read.applications[before]), wave(&read.applications[after]));
            assert!(first < second, "{environment}: {before} is in wave {first}, {after} in {second}: {}", edge.why);
            edges += 1;
        }
        let mut waves: BTreeSet<i64> = BTreeSet::new();
        for (name, application) in read.applications.iter().filter(|(name, _)| *name != "root") {
            waves.insert(wave(application));
            assert!(wave(application) > 0, "{environment}: {name} would come with the projects");
        }
        // Wave 1 is the namespaces', where there are any to make.
        let first = if read.applications.contains_key("namespaces") { 1 } else { 2 };
        let dense: BTreeSet<i64> = (first..first + waves.len() as i64).collect();
        assert_eq!(waves, dense, "{environment}: waves are numbered without gaps");
    });
    assert!(edges > 50);
    println!("{edges} edges");
}

/// Where an Application says that it brings an API (`apiVersions`), objects of that API come in a later wave.
#[test]
fn custom_resources_come_after_what_defines_them() {
    let (mut compared, mut without) = (0, BTreeSet::new());
    each(|environment, tree, read| {
        let mut brought: BTreeMap<String, (i64, String)> = BTreeMap::new();
        for planned in &tree.plan.applications {
            let component = tree.plan.selection.enabled.get(planned.component).map(|selected| selected.component);
            let Content::Chart { chart, .. } = &planned.content else { continue };
            assert!(component.is_some());
            for api in &chart.part.api_versions {
                let group = api.split('/').next().unwrap().to_owned();
                brought.insert(group, (wave(&read.applications[&planned.name]), planned.name.clone()));
            }
        }
        for application in read.applications.values() {
            let Some(path) = application.pointer("/spec/source/path").and_then(Json::as_str) else { continue };
            let name = text(application, "/metadata/name");
            for object in read.manifests.get(path.rsplit('/').next().unwrap()).into_iter().flatten() {
                let api_version = text(object, "/apiVersion");
                let Some((group, _)) = api_version.split_once('/') else { continue };
                let Some((first, by)) = brought.get(group) else {
                    without.insert(format!("{environment}: {name}: {api_version} {}", text(object, "/kind")));
                    continue;
                };
                assert!(*first < wave(application), "{environment}: {name} has a {group} object and is not after {by}");
                compared += 1;
            }
        }
    });
    println!(
        "{compared} objects come after their definition; not said who brings:\n{}",
        without.iter().cloned().collect::<Vec<_>>().join("\n")
    );
    assert!(compared > 50);
}
