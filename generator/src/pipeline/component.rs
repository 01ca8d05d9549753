//! A component as its folder describes it. What it does is data; nothing here knows a component's name.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::template::TemplateName;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Origin};
use crate::objects::policy::Policy;
use crate::values::schema::{Schema, list_words};
use crate::yaml::Node;

/// A name in `requires`, `uses`, `provides` or `after`, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Capability, component or chart key.
    pub name: String,
    /// Where it stands.
    pub at: Origin,
}

/// One component module.
#[derive(Debug)]
pub struct Component {
    /// Name of its folder.
    pub name: String,
    /// Its `component.yaml`.
    pub file: FileId,
    /// One line.
    pub description: String,
    /// Upstream's address.
    pub homepage: Option<String>,
    /// SPDX expression.
    pub license: String,
    /// Where the licence is named.
    pub license_at: Origin,
    /// Namespace of its objects.
    pub namespace: String,
    /// Where the namespace is named.
    pub namespace_at: Origin,
    /// Its charts, by key.
    pub charts: Vec<Chart>,
    /// The Application for its plain manifests.
    pub manifests: Part,
    /// Templates of plain manifests, by path.
    pub manifest_templates: Vec<TemplateName>,
    /// What all its Applications need.
    pub relations: Relations,
    /// Platforms it runs on; none: all.
    pub platforms: Option<(Vec<String>, Origin)>,
    /// Argo CD policy of all its Applications.
    pub policy: Policy,
    /// What its Namespace object carries.
    pub namespace_policy: NamespacePolicy,
    /// Where that is said.
    pub namespace_policy_at: Origin,
    /// Its settings' schema.
    pub schema: Schema,
    /// All its files that take part in rendering, for `index.yaml`.
    pub inputs: Vec<String>,
}

/// What comes before, and what is given.
#[derive(Debug, Clone, Default)]
pub struct Relations {
    /// Must be there, and first.
    pub requires: Vec<Reference>,
    /// First, where enabled.
    pub uses: Vec<Reference>,
    /// Capabilities given.
    pub provides: Vec<Reference>,
}

/// What a chart and the manifests have in common: each becomes one Application.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Path in the template context that must be true.
    pub when: Option<Reference>,
    /// Charts of the same component that come first; for manifests, `None` is all.
    pub after: Option<Vec<Reference>>,
    /// Relations of this Application alone.
    pub relations: Relations,
    /// API versions served once it is healthy.
    pub api_versions: Vec<String>,
    /// Policy, over the component's.
    pub policy: Policy,
}

/// A pinned chart of a component.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Key in `charts`.
    pub key: String,
    /// Where the key stands.
    pub at: Origin,
    /// Chart repository.
    pub repository: String,
    /// Name in the repository.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// Where the version stands.
    pub version_at: Origin,
    /// Helm's release name, where it is not the Application's.
    pub release: Option<String>,
    /// Namespace, where it is not the component's.
    pub namespace: Option<String>,
    /// Order, relations and policy.
    pub part: Part,
    /// Namespaces written besides its own.
    pub writes_namespaces: Vec<String>,
    /// Cluster-scoped kinds written.
    pub writes_cluster_kinds: Vec<String>,
    /// Whether the chart's `crds/` are left out.
    pub skip_crds: bool,
    /// Its values template, where it has one.
    pub values: Option<TemplateName>,
}

/// What a Namespace object carries.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespacePolicy {
    /// Pod Security Standard that is enforced.
    pub pod_security: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Component {
    /// How its Applications are named: alone it bears the component's name.
    pub fn application_name(&self, chart: Option<&str>) -> String {
        match chart {
            Some(_) if self.charts.len() == 1 => self.name.clone(),
            Some(key) => format!("{}-{key}", self.name),
            None if self.charts.is_empty() => self.name.clone(),
            None => format!("{}-manifests", self.name),
        }
    }

    /// The chart with this key.
    pub fn chart(&self, key: &str) -> Option<&Chart> {
        self.charts.iter().find(|chart| chart.key == key)
    }

    /// Every capability that any part of it gives.
    pub fn provided(&self) -> impl Iterator<Item = &Reference> {
        self.relations
            .provides
            .iter()
            .chain(self.charts.iter().flat_map(|chart| &chart.part.relations.provides))
            .chain(&self.manifests.relations.provides)
    }

    /// Every capability or component that any part of it needs or uses.
    pub fn wanted(&self) -> impl Iterator<Item = &Reference> {
        let parts = self.charts.iter().map(|chart| &chart.part).chain([&self.manifests]);
        let all = [&self.relations].into_iter().chain(parts.map(|part| &part.relations));
        all.flat_map(|relations| relations.requires.iter().chain(&relations.uses))
    }
}

/// The files of a component folder, found before anything is read.
#[derive(Debug, Default)]
pub struct ComponentFiles {
    /// `values.yaml.hbs`.
    pub values: Option<TemplateName>,
    /// `values/<key>.yaml.hbs`, by key.
    pub values_by_chart: BTreeMap<String, TemplateName>,
    /// `manifests/**.yaml.hbs`.
    pub manifests: Vec<TemplateName>,
    /// All of them, and component.yaml and the schema.
    pub inputs: Vec<String>,
}

/// Reads `component.yaml`, which `form` (the schema of such files) has to accept.
pub fn read(
    name: &str,
    file: FileId,
    node: &Node,
    form: &Schema,
    schema: Schema,
    files: ComponentFiles,
    mistakes: &mut Diagnostics,
) -> Option<Component> {
    let before = mistakes.len();
    form.check(Some(node), "", Some(Origin::start_of(file)), mistakes);
    if mistakes.len() > before {
        return None;
    }
    let here = Origin::start_of(file);
    let text = |node: &Node, key: &str| node.get(key).and_then(|n| n.as_str()).map(str::to_owned);
    let place = |node: &Node, key: &str| node.get(key).and_then(|n| n.origin()).unwrap_or(here);
    let part_of = |node: Option<&Node>| Part {
        when: node.and_then(|n| n.get("when")).and_then(|n| reference(n)),
        after: node.and_then(|n| n.get("after")).map(|_| references(node, "after")),
        relations: relations(node),
        api_versions: references(node, "apiVersions").into_iter().map(|r| r.name).collect(),
        policy: typed(node, "application"),
    };

    let mut charts = Vec::new();
    let chart_count = node.get("charts").and_then(|n| n.as_map()).map_or(0, |map| map.len());
    let mut values_by_chart = files.values_by_chart;
    for (key, entry) in node.get("charts").and_then(|n| n.as_map()).into_iter().flatten() {
        let chart = entry.node.as_ref();
        let values = if chart_count == 1 {
            files.values.clone().or_else(|| values_by_chart.remove(key.as_ref()))
        } else {
            values_by_chart.remove(key.as_ref())
        };
        charts.push(Chart {
            key: key.as_ref().to_owned(),
            at: entry.key_at,
            repository: text(chart, "repository").unwrap_or_default(),
            name: text(chart, "name").unwrap_or_default(),
            version: text(chart, "version").unwrap_or_default(),
            version_at: place(chart, "version"),
            release: text(chart, "release"),
            namespace: text(chart, "namespace"),
            part: part_of(Some(chart)),
            writes_namespaces: references(chart.get("writes").map(|n| n.as_ref()), "namespaces")
                .into_iter()
                .map(|r| r.name)
                .collect(),
            writes_cluster_kinds: references(chart.get("writes").map(|n| n.as_ref()), "clusterKinds")
                .into_iter()
                .map(|r| r.name)
                .collect(),
            skip_crds: chart.get("skipCrds").and_then(|n| n.as_bool()).unwrap_or(false),
            values,
        });
    }
    let keys: Vec<&str> = charts.iter().map(|chart| chart.key.as_str()).collect();
    if let (Some(values), true) = (&files.values, chart_count != 1) {
        mistakes.push(
            Diagnostic::new(
                "stray-file",
                format!("`values.yaml.hbs` belongs to a component with one chart, `{name}` has {chart_count}"),
            )
            .at(Origin::start_of(values.file), "")
            .help("name it `values/<key>.yaml.hbs` after the chart's key"),
        );
    }
    for (key, values) in &values_by_chart {
        mistakes.push(
            Diagnostic::new("stray-file", format!("`{name}` has no chart `{key}` for these values"))
                .at(Origin::start_of(values.file), "")
                .did_you_mean(key, keys.iter().copied())
                .help(format!("charts of `{name}`: {}", list_words(&keys))),
        );
    }
    let manifests = part_of(node.get("manifests").map(|n| n.as_ref()));
    let after_lists = charts.iter().filter_map(|chart| chart.part.after.as_ref()).chain(manifests.after.as_ref());
    for reference in after_lists.flatten() {
        if !keys.contains(&reference.name.as_str()) {
            mistakes.push(
                Diagnostic::new("unknown-chart", format!("`{name}` has no chart `{}`", reference.name))
                    .at(reference.at, "")
                    .did_you_mean(&reference.name, keys.iter().copied())
                    .help(format!("`after` names charts of the same component, here {}; another component is named under `requires` or `uses`", list_words(&keys))),
            );
        }
    }

    Some(Component {
        name: name.to_owned(),
        file,
        description: text(node, "description").unwrap_or_default(),
        homepage: text(node, "homepage"),
        license: text(node, "license").unwrap_or_default(),
        license_at: place(node, "license"),
        namespace: text(node, "namespace").unwrap_or_default(),
        namespace_at: place(node, "namespace"),
        charts,
        manifests,
        manifest_templates: files.manifests,
        relations: relations(Some(node)),
        platforms: node.get("platforms").map(|list| {
            let names = references(Some(node), "platforms").into_iter().map(|r| r.name).collect();
            (names, list.origin().unwrap_or(here))
        }),
        policy: typed(Some(node), "application"),
        namespace_policy: typed(Some(node), "namespacePolicy"),
        namespace_policy_at: node.key_origin("namespacePolicy").unwrap_or(here),
        schema,
        inputs: files.inputs,
    })
}

fn reference(node: &Node) -> Option<Reference> {
    Some(Reference { name: node.as_str()?.to_owned(), at: node.origin()? })
}

fn references(node: Option<&Node>, key: &str) -> Vec<Reference> {
    let items = node.and_then(|n| n.get(key)).and_then(|n| n.as_list()).unwrap_or_default();
    items.iter().filter_map(|item| reference(item)).collect()
}

fn relations(node: Option<&Node>) -> Relations {
    Relations {
        requires: references(node, "requires"),
        uses: references(node, "uses"),
        provides: references(node, "provides"),
    }
}

/// A typed view of a part that the file's schema has accepted, so it cannot fail to fit.
pub fn typed<T: Default + for<'de> Deserialize<'de>>(node: Option<&Node>, key: &str) -> T {
    node.and_then(|n| n.get(key))
        .and_then(|n| serde_json::from_value(n.to_json_without_nulls()).ok())
        .unwrap_or_default()
}
