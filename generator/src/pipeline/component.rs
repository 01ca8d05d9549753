//! A component as its folder describes it. What it does is data; nothing here knows a component's name.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::rules::Rule;
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
    /// Cloud roles that its pods take on.
    pub iam_roles: Vec<IamRole>,
    /// What its settings and the cluster's facts must not say together.
    pub rules: Vec<Rule>,
    /// Lists the Secrets that it needs.
    pub secrets: Option<TemplateName>,
    /// What it adds to every Namespace object.
    pub namespace_template: Option<TemplateName>,
    /// Files of its own that must be there before Argo CD.
    pub bootstrap: Vec<BootstrapTemplate>,
    /// Its settings' schema.
    pub schema: Schema,
    /// All its files that take part in rendering, for `index.yaml`.
    pub inputs: Vec<String>,
}

/// A file below `bootstrap/`.
#[derive(Debug, Clone)]
pub struct BootstrapTemplate {
    /// Where it goes, below `argocd/<environment>/bootstrap/`; `[cluster.x]` in it stands for one file per entry.
    pub path: String,
    /// What it is made of.
    pub template: TemplateName,
}

/// What comes before, and what is given.
#[derive(Debug, Clone, Default)]
pub struct Relations {
    /// Must be there, and first.
    pub requires: Vec<Reference>,
    /// First, where enabled.
    pub uses: Vec<Reference>,
    /// Capabilities given, by nobody else at the same time.
    pub provides: Vec<Reference>,
    /// Capabilities given beside others.
    pub shares: Vec<Reference>,
}

impl Relations {
    /// Every capability that is given, alone or beside others.
    pub fn given(&self) -> impl Iterator<Item = &Reference> {
        self.provides.iter().chain(&self.shares)
    }
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
    /// Name in the repository; empty for a folder.
    pub name: String,
    /// A folder of plain manifests in a Git repository, instead of a chart.
    pub folder: Option<GitFolder>,
    /// Exact version; of a folder the tag.
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
    /// Where its parts run: value paths by the kind of node.
    pub placement: BTreeMap<String, Vec<String>>,
    /// Its values template, where it has one.
    pub values: Option<TemplateName>,
}

/// Plain manifests in somebody's Git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitFolder {
    /// Folder in the repository.
    pub path: String,
    /// Only these files, as a glob.
    pub include: Option<String>,
}

/// A role of the cloud that pods take on.
#[derive(Debug, Clone)]
pub struct IamRole {
    /// Its name, of which the role's full name is made.
    pub name: String,
    /// Where it is named.
    pub at: Origin,
    /// ServiceAccounts that may take it on.
    pub service_accounts: Vec<String>,
    /// Their namespace, where it is not the component's.
    pub namespace: Option<String>,
    /// Path in the template context that must be true.
    pub when: Option<Reference>,
}

impl Chart {
    /// What it is called where people see it: the chart, or the folder.
    pub fn title(&self) -> &str {
        self.folder.as_ref().map_or(&self.name, |folder| &folder.path)
    }
}

/// What a Namespace object carries.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
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

    /// The relations of the component itself, of each chart and of the manifests.
    fn all_relations(&self) -> impl Iterator<Item = &Relations> {
        let parts = self.charts.iter().map(|chart| &chart.part).chain([&self.manifests]);
        [&self.relations].into_iter().chain(parts.map(|part| &part.relations))
    }

    /// Every capability that any part of it gives.
    pub fn provided(&self) -> impl Iterator<Item = &Reference> {
        self.all_relations().flat_map(Relations::given)
    }

    /// Whether it gives a capability only beside others.
    pub fn shares(&self, capability: &str) -> bool {
        self.all_relations().all(|relations| relations.provides.iter().all(|given| given.name != capability))
    }

    /// Every capability or component that any part of it needs.
    pub fn required(&self) -> impl Iterator<Item = &Reference> {
        self.all_relations().flat_map(|relations| &relations.requires)
    }

    /// Every capability or component that any part of it uses where it is on.
    pub fn used(&self) -> impl Iterator<Item = &Reference> {
        self.all_relations().flat_map(|relations| &relations.uses)
    }

    /// Every capability or component that any part of it needs or uses.
    pub fn wanted(&self) -> impl Iterator<Item = &Reference> {
        self.all_relations().flat_map(|relations| relations.requires.iter().chain(&relations.uses))
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
    /// `secrets.yaml.hbs`.
    pub secrets: Option<TemplateName>,
    /// `namespace.yaml.hbs`.
    pub namespace: Option<TemplateName>,
    /// `bootstrap/**.hbs`.
    pub bootstrap: Vec<BootstrapTemplate>,
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
            folder: text(chart, "path").map(|path| GitFolder { path, include: text(chart, "include") }),
            placement: typed(Some(chart), "placement"),
            values,
        });
        check_source(chart, entry.key_at, mistakes);
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
        iam_roles: iam_roles(node),
        rules: Vec::new(),
        secrets: files.secrets,
        namespace_template: files.namespace,
        bootstrap: files.bootstrap,
        schema,
        inputs: files.inputs,
    })
}

fn iam_roles(node: &Node) -> Vec<IamRole> {
    let roles = node.get("iamRoles").and_then(|n| n.as_map()).into_iter().flatten();
    roles
        .map(|(name, entry)| IamRole {
            name: name.as_ref().to_owned(),
            at: entry.key_at,
            service_accounts: references(Some(&entry.node), "serviceAccounts").into_iter().map(|r| r.name).collect(),
            namespace: entry.node.get("namespace").and_then(|n| n.as_str()).map(str::to_owned),
            when: entry.node.get("when").and_then(|n| reference(n)),
        })
        .collect()
}

/// A chart has a name; a folder of manifests has a path, and nothing of Helm.
fn check_source(chart: &Node, at: Origin, mistakes: &mut Diagnostics) {
    let has = |key: &str| chart.get(key).is_some();
    let wrong = |key: &str, message: &str, help: &str| {
        Diagnostic::new("chart-source", message.to_owned()).at(chart.key_origin(key).unwrap_or(at), "").help(help)
    };
    match (has("name"), has("path")) {
        (true, true) => mistakes.push(wrong(
            "path",
            "`name` and `path` exclude each other",
            "a chart has a name, a folder of plain manifests in Git a path",
        )),
        (false, false) => mistakes.push(wrong(
            "",
            "this names no chart",
            "add `name`, or `path` for a folder of plain manifests in Git",
        )),
        (true, false) if has("include") => mistakes.push(wrong(
            "include",
            "`include` belongs to a folder of plain manifests",
            "remove it, or give a `path` instead of a `name`",
        )),
        (false, true) => {
            for key in ["release", "skipCrds", "placement"] {
                if has(key) {
                    mistakes.push(wrong(
                        key,
                        &format!("`{key}` belongs to a chart, this is a folder of plain manifests"),
                        "remove it",
                    ));
                }
            }
            let repository = chart.get("repository").and_then(|n| n.as_str()).unwrap_or_default();
            if !repository.starts_with("https://") {
                mistakes.push(wrong(
                    "repository",
                    "a folder of plain manifests comes from a Git repository",
                    "give its https address",
                ));
            }
        }
        _ => {}
    }
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
        shares: references(node, "shares"),
    }
}

/// A typed view of a part that the file's schema has accepted, so it cannot fail to fit.
pub fn typed<T: Default + for<'de> Deserialize<'de>>(node: Option<&Node>, key: &str) -> T {
    node.and_then(|n| n.get(key))
        .and_then(|n| serde_json::from_value(n.to_json_without_nulls()).ok())
        .unwrap_or_default()
}
