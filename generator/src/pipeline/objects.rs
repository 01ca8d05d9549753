//! Every object that Argo CD would apply for an environment: its own manifests, and what its charts come to. Whatever could not be
//! had is named, so that nobody takes a part for the whole.

pub mod apis;
pub mod check;
pub mod images;
pub mod known;
pub mod ownership;
pub mod references;
pub mod resources;
pub mod security;
pub mod selectors;
pub mod workloads;

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value as Json;

use super::charts::{ChartObjects, Problem};
use super::plan::{Content, NAMESPACES};
use super::render::{RenderedTree, SecretNeed};
use super::repository::Repository;
use crate::diagnostic::{Diagnostic, FileId, Origin};
use crate::objects::manifest::{Identity, dotted_kind};
use crate::yaml;

/// One object.
#[derive(Debug, Clone)]
pub struct Object {
    /// The Application that it belongs to.
    pub application: String,
    /// Component, or [`NAMESPACES`].
    pub component: String,
    /// Who it is, with the namespace that it comes to lie in.
    pub identity: Identity,
    /// A place of the input to show: the chart's version, or the template.
    pub at: Option<Origin>,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    /// One of a chart, which environments share.
    Chart(Arc<ChartObjects>, usize),
    /// From a file of the tree.
    Own(Arc<Json>),
}

impl Object {
    /// An object that no chart makes.
    pub fn own(application: &str, component: &str, identity: Identity, at: Option<Origin>, content: Json) -> Object {
        let (application, component) = (application.to_owned(), component.to_owned());
        Object { application, component, identity, at, body: Body::Own(Arc::new(content)) }
    }

    /// The object itself.
    pub fn content(&self) -> &Json {
        match &self.body {
            Body::Chart(made, index) => &made.objects[*index].content,
            Body::Own(content) => content,
        }
    }

    /// The chart's template that made it.
    pub fn template(&self) -> Option<&str> {
        match &self.body {
            Body::Chart(made, index) => Some(&made.objects[*index].template),
            Body::Own(_) => None,
        }
    }

    /// Whether Helm would run it as a hook.
    pub fn is_hook(&self) -> bool {
        matches!(&self.body, Body::Chart(made, index) if !made.objects[*index].hooks.is_empty())
    }

    /// The text at a JSON pointer, empty where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        text(self.content(), pointer)
    }

    /// Whether it is of this group and kind.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.identity.kind == kind && self.identity.group == group
    }

    /// Who it is and who makes it, for a message.
    pub fn words(&self) -> String {
        match self.template() {
            Some(template) => format!("`{}` of `{}` ({template})", self.identity, self.application),
            None => format!("`{}` of `{}`", self.identity, self.application),
        }
    }
}

/// The text at a JSON pointer, empty where there is none.
pub fn text<'v>(value: &'v Json, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

/// The entries of a list at a JSON pointer.
pub fn list<'v>(value: &'v Json, pointer: &str) -> impl Iterator<Item = &'v Json> {
    value.pointer(pointer).and_then(Json::as_array).into_iter().flatten()
}

/// Calls for each entry of each map in a value, with its dotted path, its key and the map that it stands in.
pub fn each_entry<'v>(value: &'v Json, look: &mut impl FnMut(&str, &'v str, &'v Json, &'v Json)) {
    fn walk<'v>(path: &mut String, value: &'v Json, look: &mut impl FnMut(&str, &'v str, &'v Json, &'v Json)) {
        let length = path.len();
        match value {
            Json::Object(map) => {
                for (key, inner) in map {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(key);
                    look(path, key, inner, value);
                    walk(path, inner, look);
                    path.truncate(length);
                }
            }
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push_str(&format!("[{index}]"));
                    walk(path, item, look);
                    path.truncate(length);
                }
            }
            _ => {}
        }
    }
    walk(&mut String::new(), value, look);
}

/// An Application whose objects are not known.
#[derive(Debug, Clone)]
pub struct Unseen {
    /// The Application.
    pub application: String,
    /// Component.
    pub component: String,
    /// The chart, or the folder.
    pub chart: String,
    /// Its version.
    pub version: String,
    /// Namespaces that it writes to.
    pub namespaces: Vec<String>,
    /// Cluster-scoped kinds that it may write: `ClusterRole.rbac.authorization.k8s.io`.
    pub cluster_kinds: Vec<String>,
    /// Why: `is not in the cache`.
    pub why: String,
    /// What to do about it, where something can be done.
    pub remedy: Option<&'static str>,
    /// Where the chart is pinned.
    pub at: Origin,
    /// Whether it is no chart, but a folder of somebody's Git repository.
    pub is_folder: bool,
    /// What is wrong, where the chart is at hand and does not render.
    pub mistake: Option<Diagnostic>,
}

/// All objects of an environment.
#[derive(Debug)]
pub struct EnvironmentObjects {
    /// Environment.
    pub environment: String,
    /// Kubernetes' version: `1.34.0`.
    pub kube_version: String,
    /// Objects in order of Application, then as the chart has them.
    pub objects: Vec<Object>,
    /// What could not be had.
    pub unseen: Vec<Unseen>,
    /// Secrets that are there without a manifest.
    pub secrets: Vec<SecretNeed>,
    /// The `cluster` block, with its defaults.
    pub cluster: Json,
    /// Filled settings, by component.
    pub settings: Json,
}

impl EnvironmentObjects {
    /// Reads the manifests of a tree and renders its charts.
    pub fn of(repository: &Repository, tree: &RenderedTree<'_>) -> EnvironmentObjects {
        let plan = &tree.plan;
        let parts: Vec<Result<Vec<Object>, Unseen>> = plan
            .applications
            .par_iter()
            .filter_map(|planned| {
                let Content::Chart { chart, version } = &planned.content else { return None };
                let unseen = |why: String, remedy, mistake| Unseen {
                    application: planned.name.clone(),
                    component: planned.component.to_owned(),
                    chart: chart.title().to_owned(),
                    version: version.clone(),
                    namespaces: chart.writes_namespaces.iter().chain([&planned.namespace]).cloned().collect(),
                    cluster_kinds: chart.writes_cluster_kinds.clone(),
                    why,
                    remedy,
                    at: chart.version_at,
                    is_folder: chart.folder.is_some(),
                    mistake,
                };
                if chart.folder.is_some() {
                    return Some(Err(unseen(format!("is a folder of {}", chart.repository), None, None)));
                }
                // The objects of a chart that is delivered as manifests are among these.
                if tree.delivered.contains_key(&planned.name) {
                    return None;
                }
                let request = tree.request(&planned.name)?;
                Some(match repository.objects(&request) {
                    Ok(made) => Ok((0..made.objects.len())
                        .map(|index| Object {
                            application: planned.name.clone(),
                            component: planned.component.to_owned(),
                            identity: made.objects[index].identity.clone(),
                            at: Some(chart.version_at),
                            body: Body::Chart(made.clone(), index),
                        })
                        .collect()),
                    Err(problem) => {
                        let away = matches!(problem, Problem::NotLocked | Problem::NoSum | Problem::NotThere(_));
                        let mistake = (!away).then(|| problem.diagnostic(&request.pin).at(chart.version_at, ""));
                        Err(unseen(problem.words(), Some(problem.remedy()), mistake))
                    }
                })
            })
            .collect();
        let mut objects = own(repository, tree);
        let mut unseen = Vec::new();
        for part in parts {
            match part {
                Ok(found) => objects.extend(found),
                Err(problem) => unseen.push(problem),
            }
        }
        let data = plan.context.data();
        EnvironmentObjects {
            environment: plan.environment.name.clone(),
            kube_version: plan.kube_version.clone(),
            objects,
            unseen,
            secrets: tree.secrets.clone(),
            cluster: data.get("cluster").cloned().unwrap_or_default(),
            settings: plan.settings.iter().map(|(name, settings)| ((*name).to_owned(), settings.clone())).collect(),
        }
    }

    /// Whether something in this namespace may be of those that nobody has seen.
    pub fn may_hide(&self, namespace: &str) -> bool {
        // A folder of definitions of kinds has nothing else.
        let of_objects =
            |unseen: &&Unseen| !(unseen.is_folder && unseen.chart.split('/').any(|part| part.starts_with("crd")));
        self.unseen.iter().filter(of_objects).any(|unseen| unseen.namespaces.iter().any(|name| name == namespace))
    }

    /// Whether a cluster-scoped object of this kind may be of those that nobody has seen.
    pub fn may_hide_of_cluster(&self, group: &str, kind: &str) -> bool {
        let dotted = dotted_kind(group, kind);
        self.unseen.iter().any(|unseen| unseen.cluster_kinds.contains(&dotted))
    }
}

/// The manifests of a tree.
fn own(repository: &Repository, tree: &RenderedTree<'_>) -> Vec<Object> {
    let files: HashMap<&str, FileId> = repository.sources().iter().map(|(id, file)| (file.path.as_ref(), id)).collect();
    let manifests = tree.files.iter().filter(|(path, _)| path.starts_with("manifests/"));
    let found = manifests.flat_map(|(_, file)| {
        let application = match file.component.as_str() {
            NAMESPACES => NAMESPACES.to_owned(),
            component => {
                let planned = tree.plan.applications.iter();
                let mut mine = planned
                    .filter(|planned| planned.component == component && matches!(planned.content, Content::Manifests));
                mine.next().map_or_else(|| component.to_owned(), |planned| planned.name.clone())
            }
        };
        let at = file.inputs.iter().find_map(|path| files.get(path.as_str())).map(|id| Origin::start_of(*id));
        let text = std::str::from_utf8(&file.text).unwrap_or_default();
        let documents = yaml::parse_all(FileId(u32::MAX), text).unwrap_or_default();
        documents.into_iter().filter_map(move |node| {
            let identity = Identity::of(&node).ok()?;
            Some(Object::own(&application, &file.component, identity, at, node.to_json()))
        })
    });
    found.collect()
}
