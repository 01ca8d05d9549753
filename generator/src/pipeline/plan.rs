//! Stage 4, plan: every decision, no text. Settings are checked and filled in, Applications named, edges
//! drawn, waves numbered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handlebars::Context;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::component::{Chart, NamespacePolicy, Part, Reference, Relations, typed};
use super::environment::Environment;
use super::repository::Repository;
use super::selection::{Selected, Selection};
use super::template::Templates;
use crate::diagnostic::{Diagnostic, Diagnostics, Origin, Sources};
use crate::objects::policy::Policy;
use crate::objects::sync_wave;
use crate::yaml::Node;

/// The component name under which the namespaces' own Application stands.
pub const NAMESPACES: &str = "namespaces";

/// Namespaces that Kubernetes makes itself: never ours to own.
const FOREIGN_NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// All decisions for one environment.
#[derive(Debug)]
pub struct Plan<'r> {
    /// Environment.
    pub environment: &'r Environment,
    /// Components that are on.
    pub selection: Selection<'r>,
    /// Where Argo CD finds and puts things.
    pub argocd: Argocd,
    /// Kubernetes' version as Helm wants it: `1.34.0`.
    pub kube_version: String,
    /// What templates see, without `settings` and `component`.
    pub context: Context,
    /// Filled settings by component.
    pub settings: BTreeMap<&'r str, Json>,
    /// Applications in order of wave and name, with the namespaces' own first.
    pub applications: Vec<Planned<'r>>,
    /// What comes before what; indices into `applications`.
    pub edges: Vec<Edge>,
    /// Namespaces to own.
    pub namespaces: BTreeMap<String, NamespacePolicy>,
}

/// One Application to be.
#[derive(Debug, Clone)]
pub struct Planned<'r> {
    /// Its name.
    pub name: String,
    /// Component, or [`NAMESPACES`].
    pub component: &'r str,
    /// What it deploys.
    pub content: Content<'r>,
    /// Where to.
    pub namespace: String,
    /// Its place in the order, from 1.
    pub wave: u32,
    /// Argo CD's policy for it.
    pub policy: Policy,
    /// API versions its chart sees, beside Kubernetes' own.
    pub api_versions: Vec<String>,
    /// The line that has its chart delivered as manifests, where one has.
    pub manifests: Option<Origin>,
}

impl Planned<'_> {
    /// Whether it is a chart whose objects are committed.
    pub fn is_manifests(&self) -> bool {
        matches!(&self.content, Content::Chart { chart, .. } if self.manifests.is_some() && chart.folder.is_none())
    }
}

/// What an Application deploys.
#[derive(Debug, Clone)]
pub enum Content<'r> {
    /// An upstream chart.
    Chart {
        /// As the component has it.
        chart: &'r Chart,
        /// The version, which an environment may override.
        version: String,
    },
    /// Plain manifests from `manifests/<component>/`.
    Manifests,
}

/// One Application comes before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The earlier one.
    pub before: usize,
    /// The later one.
    pub after: usize,
    /// Whether it is only `uses`.
    pub soft: bool,
    /// In words, for people: requires `certificates`.
    pub why: String,
    /// The line that says so.
    pub at: Option<Origin>,
}

/// The `argocd` block, with its defaults.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Argocd {
    /// Git repository.
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    /// Fully qualified reference.
    pub target_revision: String,
    /// Folder in the repository that holds the environments' output.
    #[serde(default = "default_path")]
    pub path: String,
    /// Argo CD's own namespace.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// The cluster that it deploys to.
    #[serde(default)]
    pub destination: Cluster,
}

fn default_path() -> String {
    "argocd".to_owned()
}

fn default_namespace() -> String {
    "argocd".to_owned()
}

/// A cluster by server or by name.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Cluster {
    /// API server's address.
    pub server: Option<String>,
    /// Name in Argo CD.
    pub name: Option<String>,
}

/// The cluster in which Argo CD itself runs.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";

impl<'r> Plan<'r> {
    /// Makes every decision for one environment.
    pub fn new(repository: &'r Repository, environment: &'r Environment) -> Result<Plan<'r>, Diagnostics> {
        let mut mistakes = Diagnostics::new();
        let facts = facts(repository, environment, &mut mistakes);
        check_revision(environment, &mut mistakes);
        let selection = match Selection::of(repository, environment) {
            Ok(selection) => selection,
            Err(more) => {
                mistakes.append(more);
                return Err(mistakes);
            }
        };

        let mut settings = BTreeMap::new();
        for (name, selected) in &selection.enabled {
            let tree = selected.entry.get("settings");
            let filled = selected.component.schema.check(
                tree.map(|node| node.as_ref()),
                &format!("components.{name}.settings"),
                environment.get(["components"]).and_then(|node| node.key_origin(name)).or(Some(selected.because)),
                &mut mistakes,
            );
            settings.insert(*name, filled);
            check_chart_keys(selected, &mut mistakes);
        }
        let mut mistakes = match mistakes.or(()) {
            Ok(()) => Diagnostics::new(),
            Err(mistakes) => return Err(mistakes),
        };

        let argocd: Argocd = match serde_json::from_value(crate::values::schema::without_nulls(&facts["argocd"])) {
            Ok(argocd) => argocd,
            Err(_) => {
                mistakes.push(
                    Diagnostic::new("missing-setting", "`argocd` needs at least `repoURL` and `targetRevision`")
                        .at(environment.at, "")
                        .help("declare them as required in `environments/environment.schema.yaml`"),
                );
                return Err(mistakes);
            }
        };
        let components: serde_json::Map<String, Json> = repository
            .components()
            .iter()
            .map(|(name, component)| {
                let selected = selection.enabled.get(name.as_str());
                let namespace = selected.map_or(&component.namespace, |selected| &selected.namespace);
                let settings = settings.get(name.as_str()).cloned().unwrap_or(Json::Null);
                (name.clone(), json!({"enabled": selected.is_some(), "namespace": namespace, "settings": settings}))
            })
            .collect();
        let kube_version = match facts["cluster"]["kubernetesVersion"].as_str() {
            Some(version) if version.matches('.').count() == 1 => format!("{version}.0"),
            Some(version) => version.trim_start_matches('v').to_owned(),
            None => String::new(),
        };
        let context = Context::wraps(json!({
            "environment": environment.name,
            "platform": facts["cluster"]["platform"],
            "cluster": facts["cluster"],
            "argocd": facts["argocd"],
            "components": components,
            "capabilities": selection.capabilities,
            "iamRoles": [],
            "settings": null,
            "component": null,
        }));
        // JSON is JSON: it cannot fail.
        let context = context.unwrap_or_else(|_| Context::null());

        let mut plan = Plan {
            environment,
            selection,
            argocd,
            kube_version,
            context,
            settings,
            applications: Vec::new(),
            edges: Vec::new(),
            namespaces: BTreeMap::new(),
        };
        plan.gather_iam_roles(repository.templates(), &mut mistakes);
        plan.name_applications(repository.templates(), &mut mistakes);
        plan.draw_edges();
        plan.own_namespaces(&mut mistakes);
        if mistakes.is_empty() {
            plan.number_waves(repository.sources(), &mut mistakes);
        }
        mistakes.or(plan)
    }

    /// The context of one component's templates.
    pub fn context_of(&self, component: &str) -> Json {
        let mut context = self.context.clone();
        self.point(&mut context, component);
        context.data().clone()
    }

    /// Sets the entries of a context that belong to one component.
    pub fn point(&self, context: &mut Context, component: &str) {
        let data = context.data_mut();
        if let Some(selected) = self.selection.enabled.get(component) {
            data["settings"] = self.settings.get(component).cloned().unwrap_or_default();
            data["component"] = json!({"name": component, "namespace": selected.namespace});
        }
    }

    /// Every template sees the cloud roles of all enabled components: who hands them out has to know them.
    fn gather_iam_roles(&mut self, templates: &Templates, mistakes: &mut Diagnostics) {
        let mut roles: BTreeMap<&'r str, (Json, Origin)> = BTreeMap::new();
        // Taken out and put back: it is large, and only two of its entries are one component's.
        let mut context = std::mem::replace(&mut self.context, Context::null());
        for (name, selected) in &self.selection.enabled {
            self.point(&mut context, name);
            for role in &selected.component.iam_roles {
                if role.when.as_ref().is_some_and(|when| !Self::holds(&context, templates, when, mistakes)) {
                    continue;
                }
                let namespace = role.namespace.as_deref().unwrap_or(&selected.namespace);
                let entry = json!({
                    "name": role.name, "component": name, "namespace": namespace, "serviceAccounts": role.service_accounts,
                });
                if let Some((_, other)) = roles.insert(&role.name, (entry, role.at)) {
                    mistakes.push(
                        Diagnostic::new("name-collision", format!("two IAM roles are called `{}`", role.name))
                            .at(role.at, "")
                            .also(other, "the other")
                            .help("rename one: in the cloud they would be one role with the rights of both"),
                    );
                }
            }
        }
        self.context = context;
        self.context.data_mut()["iamRoles"] = roles.into_values().map(|(entry, _)| entry).collect();
    }

    fn name_applications(&mut self, templates: &Templates, mistakes: &mut Diagnostics) {
        let mut applications = Vec::new();
        let mut context = std::mem::replace(&mut self.context, Context::null());
        for (name, selected) in &self.selection.enabled {
            self.point(&mut context, name);
            let component = selected.component;
            let base = Policy::defaults().with(&component.policy);
            let over: Policy = typed(Some(&selected.entry), "application");
            // The component's own word counts, whatever the environment says.
            let delivery = selected.entry.get("delivery").or_else(|| self.environment.values.get("delivery"));
            let manifests = delivery.filter(|node| node.as_str() == Some("manifests")).and_then(|node| node.origin());
            let mut planned = |key: Option<&str>, content, namespace: &str, part: &Part| {
                if let Some(when) = &part.when
                    && !Self::holds(&context, templates, when, mistakes)
                {
                    return;
                }
                applications.push(Planned {
                    name: component.application_name(key),
                    component: &component.name,
                    content,
                    namespace: namespace.to_owned(),
                    wave: 0,
                    policy: base.with(&part.policy).with(&over),
                    api_versions: Vec::new(),
                    manifests,
                });
            };
            for chart in &component.charts {
                let pinned = selected.entry.at(["charts", chart.key.as_str(), "version"]);
                let version = pinned.and_then(Node::as_str).unwrap_or(&chart.version).to_owned();
                let namespace = chart.namespace.as_deref().unwrap_or(&selected.namespace);
                planned(Some(&chart.key), Content::Chart { chart, version }, namespace, &chart.part);
            }
            if !component.manifest_templates.is_empty() {
                planned(None, Content::Manifests, &selected.namespace, &component.manifests);
            }
        }
        self.context = context;
        for (index, application) in applications.iter().enumerate() {
            let because = self.selection.enabled.get(application.component).map(|s| s.because);
            if let Err(why) = crate::name::label(&application.name) {
                mistakes.push(
                    Diagnostic::new("bad-name", format!("the Application name `{}` {why}", application.name))
                        .at_maybe(because, "from this component")
                        .help("shorten the component's name or the chart's key"),
                );
            }
            if application.name == NAMESPACES {
                mistakes.push(
                    Diagnostic::new("name-collision", format!("the Application name `{NAMESPACES}` is taken"))
                        .at_maybe(because, "from this component")
                        .help("the Application of all namespaces has this name: rename the component"),
                );
            }
            if let Some(other) = applications[..index].iter().find(|other| other.name == application.name) {
                mistakes.push(
                    Diagnostic::new(
                        "name-collision",
                        format!(
                            "`{}` and `{}` both make an Application `{}`",
                            other.component, application.component, application.name
                        ),
                    )
                    .at_maybe(because, "")
                    .help("rename one of the components, or a chart's key"),
                );
            }
        }
        self.applications = applications;
    }

    /// Whether the path or sub-expression in a `when` is true.
    fn holds(context: &Context, templates: &Templates, when: &Reference, mistakes: &mut Diagnostics) -> bool {
        if when.name.starts_with('(') {
            return templates.holds(&when.name, when.at, context).unwrap_or_else(|diagnostic| {
                mistakes.push(*diagnostic);
                false
            });
        }
        let found = when.name.split('.').try_fold(context.data(), |value, key| value.get(key));
        match found.and_then(Json::as_bool) {
            Some(value) => value,
            None => {
                mistakes.push(
                    Diagnostic::new("bad-condition", format!("`when: {}` is not true or false", when.name))
                        .at(when.at, "")
                        .help("name a boolean of the template context, such as `settings.private.enabled`, or ask with a sub-expression: `(and …)`"),
                );
                false
            }
        }
    }

    fn draw_edges(&mut self) {
        let mut edges = Vec::new();
        let of_component = |name: &str| -> Vec<usize> {
            (0..self.applications.len()).filter(|&i| self.applications[i].component == name).collect()
        };
        for (index, application) in self.applications.iter().enumerate() {
            let Some(selected) = self.selection.enabled.get(application.component) else { continue };
            let component = selected.component;
            let part = part_of(component, application);
            let lists = [
                (&component.relations.requires, false),
                (&part.relations.requires, false),
                (&component.relations.uses, true),
                (&part.relations.uses, true),
            ];
            for (references, soft) in lists {
                for reference in references {
                    let verb = if soft { "uses" } else { "requires" };
                    for before in self.giving(&reference.name) {
                        if before != index {
                            edges.push(Edge {
                                before,
                                after: index,
                                soft,
                                why: format!("{verb} {}", reference.name),
                                at: Some(reference.at),
                            });
                        }
                    }
                }
            }
            let own = of_component(application.component);
            match (&application.content, &part.after) {
                (Content::Manifests, None) => {
                    for before in own.into_iter().filter(|&i| i != index) {
                        edges.push(Edge {
                            before,
                            after: index,
                            soft: false,
                            why: "its charts first".to_owned(),
                            at: None,
                        });
                    }
                }
                (_, Some(after)) => {
                    for reference in after {
                        let name = component.application_name(Some(&reference.name));
                        if let Some(before) = own.iter().copied().find(|&i| self.applications[i].name == name) {
                            edges.push(Edge {
                                before,
                                after: index,
                                soft: false,
                                why: format!("after {}", reference.name),
                                at: Some(reference.at),
                            });
                        }
                    }
                }
                _ => {}
            }
        }
        edges.sort_by_key(|edge| (edge.after, edge.before, edge.soft));
        edges.dedup_by(|a, b| (a.after, a.before) == (b.after, b.before));
        self.edges = edges;
    }

    /// The Applications that give a capability; where there is none of that name, those of the component.
    fn giving(&self, name: &str) -> Vec<usize> {
        let gives = |relations: &Relations| relations.given().any(|given| given.name == name);
        let is_capability = self.selection.capabilities.contains_key(name);
        (0..self.applications.len())
            .filter(|&index| {
                let application = &self.applications[index];
                let Some(selected) = self.selection.enabled.get(application.component) else { return false };
                let component = selected.component;
                (component.name == name && !is_capability)
                    || gives(&component.relations)
                    || gives(&part_of(component, application).relations)
            })
            .collect()
    }

    fn own_namespaces(&mut self, mistakes: &mut Diagnostics) {
        let mut said: BTreeMap<String, (&str, Option<String>, Origin)> = BTreeMap::new();
        let mut namespaces: BTreeMap<String, NamespacePolicy> = BTreeMap::new();
        for application in &self.applications {
            let Some(selected) = self.selection.enabled.get(application.component) else { continue };
            let component = selected.component;
            if FOREIGN_NAMESPACES.contains(&application.namespace.as_str()) {
                continue;
            }
            let policy = &component.namespace_policy;
            let owned = namespaces.entry(application.namespace.clone()).or_default();
            owned.labels.extend(policy.labels.clone());
            owned.annotations.extend(policy.annotations.clone());
            if let Some(level) = &policy.pod_security {
                match said.get(&application.namespace) {
                    Some((other, Some(first), at)) if first != level && *other != component.name => {
                        mistakes.push(
                            Diagnostic::new(
                                "pod-security-conflict",
                                format!(
                                    "`{other}` wants pod security `{first}` and `{}` wants `{level}` in the namespace `{}`",
                                    component.name, application.namespace
                                ),
                            )
                            .at(component.namespace_policy_at, level.clone())
                            .also(*at, first.clone())
                            .help("say the same level in both, or give one of them a namespace of its own"),
                        );
                    }
                    _ => {
                        said.insert(
                            application.namespace.clone(),
                            (&component.name, Some(level.clone()), component.namespace_policy_at),
                        );
                        owned.pod_security = Some(level.clone());
                    }
                }
            }
        }
        self.namespaces = namespaces;
    }

    /// Adds a namespace that only plain manifests write to.
    pub fn is_foreign(namespace: &str) -> bool {
        FOREIGN_NAMESPACES.contains(&namespace)
    }

    /// Leaves out Applications that turned out to deploy nothing.
    pub fn without(&mut self, empty: &BTreeSet<String>, sources: &Sources, mistakes: &mut Diagnostics) {
        if empty.is_empty() {
            return;
        }
        let kept: Vec<usize> =
            (0..self.applications.len()).filter(|&i| !empty.contains(&self.applications[i].name)).collect();
        let moved: BTreeMap<usize, usize> = kept.iter().enumerate().map(|(new, &old)| (old, new)).collect();
        self.edges = self
            .edges
            .iter()
            .filter_map(|edge| {
                Some(Edge { before: *moved.get(&edge.before)?, after: *moved.get(&edge.after)?, ..edge.clone() })
            })
            .collect();
        self.applications = kept.into_iter().map(|i| self.applications[i].clone()).collect();
        self.number_waves(sources, mistakes);
    }

    fn number_waves(&mut self, sources: &Sources, mistakes: &mut Diagnostics) {
        let pairs: Vec<(usize, usize)> = self.edges.iter().map(|edge| (edge.before, edge.after)).collect();
        match sync_wave::waves(self.applications.len(), &pairs) {
            Ok(waves) => {
                // The namespaces' own Application has wave 1.
                for (application, wave) in self.applications.iter_mut().zip(&waves) {
                    application.wave = wave + 1;
                }
                self.hand_down_api_versions();
            }
            Err(cycle) => mistakes.push(self.cycle(&cycle, sources)),
        }
    }

    fn cycle(&self, cycle: &[usize], _sources: &Sources) -> Diagnostic {
        let name = |index: usize| self.applications[index].name.as_str();
        let mut path: Vec<String> = cycle.iter().map(|&e| format!("`{}`", name(self.edges[e].before))).collect();
        if let Some(first) = path.first().cloned() {
            path.push(first);
        }
        let mut diagnostic =
            Diagnostic::new("requires-cycle", format!("Applications wait for each other: {}", path.join(" → ")));
        let mut is_first = true;
        for &index in cycle {
            let edge = &self.edges[index];
            let words = format!("`{}` comes after `{}`: {}", name(edge.after), name(edge.before), edge.why);
            match edge.at {
                Some(at) if is_first => {
                    diagnostic = diagnostic.at(at, words);
                    is_first = false;
                }
                Some(at) => diagnostic = diagnostic.also(at, words),
                None => diagnostic = diagnostic.help(words),
            }
        }
        diagnostic.help("take one of these edges out, or move it under the one chart that needs it")
    }

    /// A chart sees the API versions of everything that comes before it.
    fn hand_down_api_versions(&mut self) {
        let mut order: Vec<usize> = (0..self.applications.len()).collect();
        order.sort_by_key(|&i| self.applications[i].wave);
        let mut served: Vec<BTreeSet<String>> = vec![BTreeSet::new(); order.len()];
        for &index in &order {
            let mut all = BTreeSet::new();
            for edge in self.edges.iter().filter(|edge| edge.after == index) {
                all.extend(served[edge.before].iter().cloned());
            }
            self.applications[index].api_versions = all.iter().cloned().collect();
            if let Some(selected) = self.selection.enabled.get(self.applications[index].component) {
                all.extend(part_of(selected.component, &self.applications[index]).api_versions.iter().cloned());
            }
            served[index] = all;
        }
    }

    /// The rank of each Application for display: by wave, then by name.
    pub fn in_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.applications.len()).collect();
        order.sort_by(|&a, &b| {
            let key = |i: usize| (self.applications[i].wave, self.applications[i].name.as_str());
            key(a).cmp(&key(b))
        });
        order
    }
}

fn part_of<'c>(component: &'c super::component::Component, application: &Planned<'_>) -> &'c Part {
    match &application.content {
        Content::Chart { chart, .. } => component.chart(&chart.key).map_or(&component.manifests, |chart| &chart.part),
        Content::Manifests => &component.manifests,
    }
}

/// `cluster` and `argocd`, checked against the repository's own schema.
fn facts(repository: &Repository, environment: &Environment, mistakes: &mut Diagnostics) -> Json {
    let map = environment.values.as_map();
    let tree = map.map(|map| {
        let kept = map
            .iter()
            .filter(|(key, _)| matches!(key.as_ref(), "cluster" | "argocd"))
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect();
        Arc::new(Node { value: crate::yaml::Value::Map(kept), origins: environment.values.origins.clone() })
    });
    repository.environment_schema().check(tree.as_deref(), "", Some(environment.at), mistakes)
}

fn check_revision(environment: &Environment, mistakes: &mut Diagnostics) {
    let Some(node) = environment.get(["argocd", "targetRevision"]) else { return };
    let Some(revision) = node.as_str() else { return };
    let is_hash = revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit());
    let is_full = ["refs/heads/", "refs/tags/"].iter().any(|prefix| {
        revision.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && !rest.contains(['*', ' ', '~', '^', ':']))
    });
    if !is_hash && !is_full {
        mistakes.push(
            Diagnostic::new(
                "moving-revision",
                format!("`argocd.targetRevision` is `{revision}`, which can mean several things"),
            )
            .at_maybe(node.origin(), "")
            .help(format!(
                "write it in full: `refs/heads/{}`, `refs/tags/<tag>`, or a commit's 40 digits",
                revision.replace("HEAD", "main")
            )),
        );
    }
}

fn check_chart_keys(selected: &Selected<'_>, mistakes: &mut Diagnostics) {
    let component = selected.component;
    let keys: Vec<&str> = component.charts.iter().map(|chart| chart.key.as_str()).collect();
    let unknown = |key: &str, at: Origin| {
        Diagnostic::new("unknown-chart", format!("`{}` has no chart `{key}`", component.name))
            .at(at, "")
            .did_you_mean(key, keys.iter().copied())
            .help(match keys.len() {
                0 => format!("`{}` has no chart at all", component.name),
                _ => format!("its charts: {}", crate::values::schema::list_words(&keys)),
            })
    };
    for (key, entry) in selected.entry.get("charts").and_then(|n| n.as_map()).into_iter().flatten() {
        if !keys.contains(&key.as_ref()) {
            mistakes.push(unknown(key, entry.key_at));
            continue;
        }
        if let Some(version) = entry.node.get("version") {
            check_version(version.as_str().unwrap_or_default(), version.origin(), mistakes);
        }
    }
    for chart in &component.charts {
        check_version(&chart.version, Some(chart.version_at), mistakes);
    }
    for chart in component.charts.iter().filter(|chart| chart.folder.is_some()) {
        let values = match component.charts.len() {
            1 => selected.entry.key_origin("values"),
            _ => selected.entry.get("values").and_then(|values| values.key_origin(&chart.key)),
        };
        if let Some(at) = values.or(chart.values.as_ref().map(|template| Origin::start_of(template.file))) {
            mistakes.push(
                Diagnostic::new("chart-source", format!("`{}` of `{}` takes no values", chart.key, component.name))
                    .at(at, "")
                    .help("it is a folder of plain manifests, not a chart: remove the values"),
            );
        }
    }
    if component.charts.len() != 1 {
        for (key, entry) in selected.entry.get("values").and_then(|n| n.as_map()).into_iter().flatten() {
            if !keys.contains(&key.as_ref()) {
                mistakes.push(unknown(key, entry.key_at));
            } else if entry.node.as_map().is_none() {
                mistakes.push(
                    Diagnostic::new("wrong-type", format!("the values of the chart `{key}` must be a map"))
                        .at(entry.key_at, "")
                        .help("values stand under the chart's key"),
                );
            }
        }
    }
}

fn check_version(version: &str, at: Option<Origin>, mistakes: &mut Diagnostics) {
    let bare = version.strip_prefix('v').unwrap_or(version);
    if semver::Version::parse(bare).is_err() {
        mistakes.push(
            Diagnostic::new("moving-version", format!("the chart version `{version}` is not one exact version"))
                .at_maybe(at, "")
                .help("pin it: `1.2.3` or `v1.2.3`; ranges and `latest` would deploy what nobody reviewed"),
        );
    }
}
