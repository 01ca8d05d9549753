//! Stage 5, render: every byte, nothing on disk.

mod bootstrap;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use handlebars::Context;
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::charts::Request;
use super::check;
use super::component::NamespacePolicy;
use super::deliver::{self, Delivered};
use super::lock::LOCK;
use super::plan::{Content, IN_CLUSTER, NAMESPACES, Plan, Planned};
use super::repository::Repository;
use super::rules;
use super::template::TemplateName;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Origin};
use crate::objects::application::{
    AppProject, Application, ApplicationParts, ApplicationSource, Destination, DirectorySource, HelmSource, Namespace,
};
use crate::objects::manifest::{Identity, Ordered, tidy};
use crate::objects::policy::{Policy, Retry};
use crate::objects::project_rules::{self, AppProjectSpec, ClusterResource, GroupKind};
use crate::values::overlay::lay;
use crate::yaml::{self, Map, Node, Value, write};
use crate::{VERSION, hex};

/// The project of the root Application, which may hold Applications and AppProjects and nothing else.
pub const ROOT: &str = "root";

/// AppProjects come before every Application.
const PROJECT_WAVE: u32 = 0;

/// Everything under `argocd/<environment>/`, in memory.
#[derive(Debug)]
pub struct RenderedTree<'r> {
    /// The plan that it renders, without Applications that turned out empty.
    pub plan: Plan<'r>,
    /// Files by path below `argocd/<environment>/`; each path is written once.
    pub files: BTreeMap<String, RenderedFile>,
    /// The Secrets that its components read, in order of component.
    pub secrets: Vec<SecretNeed>,
    /// Charts whose objects are among the files, by Application.
    pub delivered: BTreeMap<String, Delivered>,
}

/// A Secret that must be in the cluster; its contents are never in Git.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretNeed {
    /// Component that reads it.
    pub component: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What each key holds.
    pub keys: BTreeMap<String, String>,
    /// Where a person makes it: the keys whose content nobody has to know before, and how to make it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate: Option<BTreeMap<String, Generate>>,
    /// `you`: it must be there before; otherwise who makes it.
    pub made_by: String,
    /// What it is for.
    pub purpose: String,
}

/// How the content of a key is made up, once, by whoever makes the Secret: in one of these ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generate {
    /// So many random bytes, written as two hexadecimal digits each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_bytes: Option<u32>,
    /// This very text, such as the name of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A Secret that nothing in the cluster makes.
pub const YOU: &str = "you";

/// One generated file.
#[derive(Debug, Clone)]
pub struct RenderedFile {
    /// The bytes.
    pub text: Arc<[u8]>,
    /// Component, or a part of the generator itself.
    pub component: String,
    /// Chart and version, where it is an Application for one.
    pub chart: Option<(String, String)>,
    /// The files of the component that made it.
    pub inputs: Vec<String>,
}

/// What templates came to, by the values that they read: environments that agree on those share it.
///
/// It saves time and changes nothing, which a test holds: rendered alone, an environment has the same bytes.
#[derive(Debug, Default)]
pub struct Shared {
    values: Memo<Option<Arc<Node>>>,
    objects: Memo<Vec<Arc<Object>>>,
    documents: Memo<Vec<Node>>,
}

/// Results of one kind, by template and by everything else that they depend on.
#[derive(Debug)]
struct Memo<T>(Mutex<HashMap<FileId, Kept<T>>>);

/// By the template's fingerprint.
type Kept<T> = HashMap<[u8; 32], Arc<T>>;

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Memo(Mutex::default())
    }
}

/// A template that reads something which is another value in every environment is not kept for all of them.
const KEPT_PER_TEMPLATE: usize = 8;

impl<T> Memo<T> {
    /// What `make` gives, unless it is known from before. Only what is free of mistakes is kept.
    fn get_or(
        &self,
        repository: &Repository,
        template: &TemplateName,
        context: &Context,
        beside: &str,
        mistakes: &mut Diagnostics,
        make: impl FnOnce(&mut Diagnostics) -> Option<T>,
    ) -> Option<Arc<T>> {
        let key = repository.templates().fingerprint(template, context, beside);
        // A thread that panicked left whole entries behind.
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &key
            && let Some(found) = known().get(&template.file).and_then(|kept| kept.get(key))
        {
            return Some(found.clone());
        }
        let before = mistakes.len();
        let made = Arc::new(make(mistakes)?);
        if let Some(key) = key.filter(|_| mistakes.len() == before) {
            let mut known = known();
            let kept = known.entry(template.file).or_default();
            if kept.len() < KEPT_PER_TEMPLATE {
                kept.insert(key, made.clone());
            }
        }
        Some(made)
    }
}

/// One object from a manifest template.
#[derive(Debug)]
struct Object {
    identity: Identity,
    /// The file that it will be.
    text: Arc<[u8]>,
    template: TemplateName,
    /// Where it begins in the template.
    at: Origin,
}

#[derive(Serialize)]
struct Index<'a> {
    version: u32,
    generator: &'a str,
    environment: &'a str,
    overlays: &'a [String],
    files: BTreeMap<&'a str, IndexEntry<'a>>,
}

#[derive(Serialize)]
struct IndexEntry<'a> {
    sha256: String,
    component: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    chart: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    inputs: &'a [String],
}

impl<'r> RenderedTree<'r> {
    /// Renders a plan and checks what came out.
    pub fn render(
        repository: &Repository,
        mut plan: Plan<'r>,
        shared: &Shared,
    ) -> Result<RenderedTree<'r>, Diagnostics> {
        let mut mistakes = Diagnostics::new();
        check::overlay_secrets(plan.environment, &mut mistakes);
        if !mistakes.is_empty() {
            // It would be found again wherever it ends up.
            return Err(mistakes);
        }

        // One context for all templates of the environment: only two entries differ between components.
        let mut context = std::mem::replace(&mut plan.context, Context::null());
        let names: Vec<&'r str> = plan.selection.enabled.keys().copied().collect();
        check_rules(repository, &plan, &mut context, &mut mistakes);
        if !mistakes.is_empty() {
            // Templates that compute with the same facts would only say it again, in worse words.
            return Err(mistakes);
        }
        // One environment alone is rendered by all threads, many are shared out whole.
        let at_least = if repository.environments().len() > 1 { names.len() } else { 1 };
        let parts: Vec<Part> = names
            .par_iter()
            .with_min_len(at_least)
            .map_init(|| context.clone(), |context, name| Part::render(repository, &plan, name, context, shared))
            .collect();
        let mut secrets = Vec::new();
        let mut objects: BTreeMap<&'r str, Vec<Arc<Object>>> = BTreeMap::new();
        let mut values: BTreeMap<String, Arc<Node>> = BTreeMap::new();
        for (name, part) in names.iter().zip(parts) {
            secrets.extend(part.secrets);
            objects.extend(part.objects.map(|made| (*name, made)));
            values.extend(part.values);
            mistakes.append(part.mistakes);
        }
        let empty: BTreeSet<String> = plan
            .applications
            .iter()
            .filter(|a| matches!(a.content, Content::Manifests) && objects.get(a.component).is_none_or(Vec::is_empty))
            .map(|a| a.name.clone())
            .collect();
        plan.without(&empty, repository.sources(), &mut mistakes);
        // Without all values there would be mistakes that follow from mistakes.
        let delivered = match mistakes.is_empty() {
            true => {
                let request = |planned: &Planned<'_>| {
                    let source = chart_source(&plan, planned, values.get(&planned.name).map(Arc::as_ref)).ok()??;
                    Request::of_source(&source, &planned.namespace)
                };
                deliver::deliver(repository, &plan, request, &mut mistakes)
            }
            false => BTreeMap::new(),
        };
        for (component, list) in &objects {
            for object in list {
                let namespace = &object.identity.namespace;
                if !namespace.is_empty() && !Plan::is_foreign(namespace) && !plan.namespaces.contains_key(namespace) {
                    let policy = plan.selection.enabled[component].component.namespace_policy.clone();
                    plan.namespaces.insert(namespace.clone(), policy);
                }
            }
        }
        own_namespaces(&mut plan, &delivered);
        let foreign = adorn_namespaces(repository, &mut plan, &objects, &delivered, &mut context, &mut mistakes);
        check::identities(&objects_of(&objects, &delivered), &plan, &mut mistakes);
        let mut mistakes = match mistakes.or(()) {
            Ok(()) => Diagnostics::new(),
            Err(mistakes) => return Err(mistakes),
        };

        let mut files =
            Files { plan: &plan, files: BTreeMap::new(), by_hand: BTreeMap::new(), delivered_folders: BTreeMap::new() };
        files.root();
        files.namespaces(&foreign);
        for (component, list) in &objects {
            files.manifests(component, list, &mut mistakes);
        }
        for (name, delivered) in &delivered {
            files.delivered(name, delivered, &mut mistakes);
        }
        for application in &plan.applications {
            files.application(application, values.get(&application.name).map(Arc::as_ref), &mut mistakes);
        }
        let enabled: Vec<&str> = plan.selection.enabled.keys().copied().collect();
        for component in enabled {
            files.project(component, objects.get(component).map(Vec::as_slice).unwrap_or_default(), &delivered);
        }
        bootstrap::render(repository, &mut files, &values, &secrets, &mut context, &mut mistakes);
        files.index();
        let files = files.files;
        plan.context = context;
        check::limits(&files, &plan, &mut mistakes);
        mistakes.or(RenderedTree { plan, files, secrets, delivered })
    }
}

impl RenderedTree<'_> {
    /// What Helm is asked for an Application, by Argo CD or by us; nothing where it has no chart.
    pub fn request(&self, application: &str) -> Option<Request> {
        if let Some(delivered) = self.delivered.get(application) {
            return Some(delivered.request.clone());
        }
        let file = self.files.get(&format!("applications/{application}.yaml"))?;
        file.chart.as_ref()?;
        let text = std::str::from_utf8(&file.text).ok()?;
        Request::of_application(&yaml::parse(FileId(u32::MAX), text).ok()?.to_json())
    }
}

/// What one component came to.
#[derive(Default)]
struct Part {
    secrets: Vec<SecretNeed>,
    /// Nothing where it has no manifests.
    objects: Option<Vec<Arc<Object>>>,
    /// By Application.
    values: Vec<(String, Arc<Node>)>,
    mistakes: Diagnostics,
}

impl Part {
    fn render(repository: &Repository, plan: &Plan<'_>, name: &str, context: &mut Context, shared: &Shared) -> Part {
        plan.point(context, name);
        let mut part = Part::default();
        part.secrets = render_secrets(repository, plan, name, context, shared, &mut part.mistakes);
        for application in plan.applications.iter().filter(|application| application.component == name) {
            match &application.content {
                Content::Manifests => {
                    part.objects = Some(render_objects(repository, plan, name, context, shared, &mut part.mistakes));
                }
                Content::Chart { .. } => {
                    let node = render_values(repository, plan, application, context, shared, &mut part.mistakes);
                    part.values.extend(node.map(|node| (application.name.clone(), node)));
                }
            }
        }
        part
    }
}

fn check_rules(repository: &Repository, plan: &Plan<'_>, context: &mut Context, mistakes: &mut Diagnostics) {
    let place = rules::Place { values: &plan.environment.values, at: plan.environment.at };
    for rule in repository.environment_rules() {
        rule.check(repository.templates(), &place, None, context, mistakes);
    }
    for (name, selected) in &plan.selection.enabled {
        if selected.component.rules.is_empty() {
            continue;
        }
        plan.point(context, name);
        for rule in &selected.component.rules {
            rule.check(repository.templates(), &place, Some(name), context, mistakes);
        }
    }
}

/// The Secrets that one component reads, as its `secrets.yaml.hbs` lists them.
fn render_secrets(
    repository: &Repository,
    plan: &Plan<'_>,
    component: &str,
    context: &Context,
    shared: &Shared,
    mistakes: &mut Diagnostics,
) -> Vec<SecretNeed> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        name: String,
        namespace: Option<String>,
        keys: BTreeMap<String, String>,
        #[serde(default)]
        generate: BTreeMap<String, Generate>,
        made_by: String,
        purpose: String,
    }
    let Some(selected) = plan.selection.enabled.get(component) else { return Vec::new() };
    let Some(template) = &selected.component.secrets else { return Vec::new() };
    let documents = shared.documents.get_or(repository, template, context, "", mistakes, |mistakes| {
        let documents = render_template(repository, template, context, mistakes)?;
        let mut wrong = Diagnostics::new();
        let start = Origin::start_of(template.file);
        for node in &documents {
            repository.secrets_form().check(Some(node), "", Some(start), &mut wrong);
            for entry in node.as_list().unwrap_or_default() {
                made_up(entry, &mut wrong);
            }
        }
        if !wrong.is_empty() {
            let lines = line_map(repository, template, context);
            for diagnostic in wrong.iter() {
                mistakes.push(moved(diagnostic.clone(), template, lines.as_deref()));
            }
            return None;
        }
        Some(documents)
    });
    let mut found = Vec::new();
    for node in documents.iter().flat_map(|documents| documents.iter()) {
        let entries: Vec<Entry> = serde_json::from_value(node.to_json()).unwrap_or_default();
        found.extend(entries.into_iter().map(|entry| SecretNeed {
            component: component.to_owned(),
            namespace: entry.namespace.unwrap_or_else(|| selected.namespace.clone()),
            name: entry.name,
            keys: entry.keys,
            generate: (entry.made_by == YOU).then_some(entry.generate),
            made_by: entry.made_by,
            purpose: entry.purpose,
        }));
    }
    found
}

/// What is made up must be a key of the Secret, and of one that somebody makes by hand.
fn made_up(entry: &Node, wrong: &mut Diagnostics) {
    let text = |key: &str| entry.get(key).and_then(|n| n.as_str()).unwrap_or_default();
    let Some(generate) = entry.get("generate").and_then(|n| n.as_map()) else { return };
    if text("madeBy") != YOU {
        let message = format!("nobody has to make up the Secret `{}`: {} makes it", text("name"), text("madeBy"));
        wrong.push(
            Diagnostic::new("template-output", message)
                .at_maybe(entry.key_origin("generate"), "")
                .help("`generate` belongs to `madeBy: you`"),
        );
    }
    let keys = entry.get("keys").and_then(|n| n.as_map());
    for (key, made) in generate {
        if keys.is_some_and(|keys| !keys.contains_key(key)) {
            wrong.push(
                Diagnostic::new("template-output", format!("the Secret `{}` has no key `{key}`", text("name")))
                    .at(made.key_at, "")
                    .did_you_mean(key, keys.into_iter().flatten().map(|(key, _)| key.as_ref()))
                    .help("`generate` has some of the names in `keys`"),
            );
        }
    }
}

/// Namespaces that charts write to and nobody makes.
fn own_namespaces(plan: &mut Plan<'_>, delivered: &BTreeMap<String, Delivered>) {
    let identities = || delivered.values().flat_map(|one| one.manifests.iter().map(move |made| (one, &made.identity)));
    let made: BTreeSet<&str> = identities()
        .filter(|(_, identity)| identity.group.is_empty() && identity.kind == "Namespace")
        .map(|(_, identity)| identity.name.as_str())
        .collect();
    for (one, Identity { namespace, .. }) in identities() {
        let is_there = made.contains(namespace.as_str()) || plan.namespaces.contains_key(namespace);
        if !namespace.is_empty() && !Plan::is_foreign(namespace) && !is_there {
            let selected = plan.selection.enabled.get(one.component.as_str());
            let policy = selected.map(|selected| selected.component.namespace_policy.clone()).unwrap_or_default();
            plan.namespaces.insert(namespace.clone(), policy);
        }
    }
}

/// What Argo CD is to make of a chart: nothing where there is none to render.
fn chart_source(
    plan: &Plan<'_>,
    planned: &Planned<'_>,
    values: Option<&Node>,
) -> Result<Option<ApplicationSource>, Box<Diagnostic>> {
    let Content::Chart { chart, version } = &planned.content else { return Ok(None) };
    if chart.folder.is_some() {
        return Ok(None);
    }
    let values = values.filter(|node| node.as_map().is_some_and(|map| !map.is_empty()));
    let has_null = values.is_some_and(Node::has_null);
    let text = match values.filter(|_| has_null).map(write::to_string) {
        Some(Ok(text)) => Some(text),
        Some(Err(error)) => {
            return Err(Box::new(Diagnostic::new("template-output", error.to_string()).at(chart.at, "")));
        }
        None => None,
    };
    let helm = HelmSource {
        release_name: chart.release.clone().unwrap_or_else(|| planned.name.clone()),
        values_object: values.filter(|_| !has_null).cloned(),
        values: text,
        skip_tests: true,
        skip_crds: chart.skip_crds,
        kube_version: plan.kube_version.clone(),
        // Without a list Argo CD would hand over what the live cluster serves at the moment.
        api_versions: match planned.api_versions.is_empty() {
            true => vec!["v1".to_owned()],
            false => planned.api_versions.clone(),
        },
    };
    Ok(Some(ApplicationSource::Chart {
        repo_url: chart.repository.clone(),
        chart: chart.name.clone(),
        target_revision: version.clone(),
        helm: Box::new(helm),
    }))
}

/// Lets components add labels and annotations to every namespace; gives what falls to namespaces that are not ours.
fn adorn_namespaces(
    repository: &Repository,
    plan: &mut Plan<'_>,
    objects: &BTreeMap<&str, Vec<Arc<Object>>>,
    delivered: &BTreeMap<String, Delivered>,
    context: &mut Context,
    mistakes: &mut Diagnostics,
) -> BTreeMap<String, NamespacePolicy> {
    let mut foreign: BTreeMap<String, NamespacePolicy> = BTreeMap::new();
    let of_charts = delivered.values().flat_map(|one| &one.manifests).map(|made| &made.identity.namespace);
    let written = objects.values().flatten().map(|object| &object.identity.namespace).chain(of_charts);
    let used: BTreeSet<String> =
        plan.applications.iter().map(|application| &application.namespace).chain(written).cloned().collect();
    let names: Vec<String> = used.into_iter().filter(|name| !name.is_empty()).collect();
    let components: Vec<(&str, TemplateName)> = plan
        .selection
        .enabled
        .iter()
        .filter_map(|(name, selected)| Some((*name, selected.component.namespace_template.clone()?)))
        .collect();
    for (component, template) in components {
        plan.point(context, component);
        for name in &names {
            context.data_mut()["namespace"] = serde_json::json!({"name": name});
            for node in render_template(repository, &template, context, mistakes).unwrap_or_default() {
                let given: Option<NamespacePolicy> = serde_json::from_value(node.to_json()).ok();
                let wrong = |what: &str, help: &str| {
                    Diagnostic::new(
                        "template-output",
                        format!("what `{component}` adds to the namespace `{name}` {what}"),
                    )
                    .at(Origin::start_of(template.file), "")
                    .help(help)
                };
                let Some(given) = given.filter(|given| given.pod_security.is_none()) else {
                    mistakes.push(wrong(
                        "is not labels and annotations",
                        "give `labels` and `annotations`, both maps of strings",
                    ));
                    continue;
                };
                if given == NamespacePolicy::default() {
                    continue;
                }
                let policy = match plan.namespaces.get_mut(name) {
                    Some(policy) => policy,
                    None => foreign.entry(name.clone()).or_default(),
                };
                for (own, more) in [(&mut policy.labels, given.labels), (&mut policy.annotations, given.annotations)] {
                    for (key, value) in more {
                        match own.insert(key.clone(), value.clone()) {
                            Some(other) if other != value => {
                                mistakes.push(wrong(
                                    &format!("sets `{key}`, which is `{other}` already"),
                                    "only one component can say it: take it out of the other",
                                ));
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
        if let Some(map) = context.data_mut().as_object_mut() {
            map.remove("namespace");
        }
    }
    foreign
}

fn objects_of<'a>(
    objects: &'a BTreeMap<&str, Vec<Arc<Object>>>,
    delivered: &'a BTreeMap<String, Delivered>,
) -> Vec<check::Found<'a>> {
    let of_charts = delivered.values().flat_map(|one| {
        let found = |made: &'a deliver::Manifest| check::Found {
            component: one.component.clone(),
            identity: &made.identity,
            at: one.at,
        };
        one.manifests.iter().map(found)
    });
    objects
        .iter()
        .flat_map(|(component, list)| {
            list.iter().map(|object| check::Found {
                component: component.to_string(),
                identity: &object.identity,
                at: object.at,
            })
        })
        .chain(of_charts)
        .collect()
}

/// The values for a chart: the component's template with the environment's `values` over it.
pub(super) fn render_values(
    repository: &Repository,
    plan: &Plan<'_>,
    application: &Planned<'_>,
    context: &Context,
    shared: &Shared,
    mistakes: &mut Diagnostics,
) -> Option<Arc<Node>> {
    let Content::Chart { chart, version } = &application.content else { return None };
    let selected = plan.selection.enabled.get(application.component)?;
    let own = match &chart.values {
        None => None,
        Some(template) => {
            let beside = format!("{} {version}", application.name);
            let own = shared.values.get_or(repository, template, context, &beside, mistakes, |mistakes| {
                template_values(repository, application, template, context, mistakes)
            })?;
            own.as_ref().clone()
        }
    };
    let over = match selected.component.charts.len() {
        1 => selected.entry.get("values").cloned(),
        _ => selected.entry.at(["values", chart.key.as_str()]).map(|node| Arc::new(node.clone())),
    };
    let over = over.filter(|node| node.as_map().is_some());
    if let Some(over) = &over {
        known(repository, application, over).into_iter().for_each(|diagnostic| mistakes.push(diagnostic));
    }
    match (own, over) {
        (Some(own), Some(over)) => {
            let before = mistakes.len();
            let laid = lay(&own, &over, mistakes);
            (mistakes.len() == before).then_some(laid)
        }
        (Some(own), None) => Some(own),
        (None, Some(over)) => Some(over),
        (None, None) => Some(Arc::new(Node { value: Value::Map(Map::new()), origins: Default::default() })),
    }
}

/// What a values template gives, checked; nothing in it where it is empty.
fn template_values(
    repository: &Repository,
    application: &Planned<'_>,
    template: &TemplateName,
    context: &Context,
    mistakes: &mut Diagnostics,
) -> Option<Option<Arc<Node>>> {
    let mut documents = render_template(repository, template, context, mistakes)?;
    if documents.len() > 1 {
        mistakes.push(
            Diagnostic::new("several-documents", "a values template yields several YAML documents")
                .at(Origin::start_of(template.file), "")
                .help("values are one map"),
        );
        return None;
    }
    let Some(node) = documents.pop() else { return Some(None) };
    if node.as_map().is_none() {
        mistakes.push(
            Diagnostic::new("template-output", format!("a values template yields {}, not a map", node.value.kind()))
                .at(Origin::start_of(template.file), "")
                .help("write `key: value` lines, as in the chart's own values.yaml"),
        );
        return None;
    }
    let mut wrong: Vec<Diagnostic> = check::values(&node, &application.name).into_iter().collect();
    wrong.extend(known(repository, application, &node));
    if !wrong.is_empty() {
        let lines = line_map(repository, template, context);
        wrong.into_iter().for_each(|diagnostic| mistakes.push(moved(diagnostic, template, lines.as_deref())));
    }
    Some(Some(Arc::new(node)))
}

/// What the chart's facts say against values.
fn known(repository: &Repository, application: &Planned<'_>, values: &Node) -> Vec<Diagnostic> {
    match &application.content {
        Content::Chart { chart, version } => repository.facts().values(&chart.name, version, values),
        Content::Manifests => Vec::new(),
    }
}

fn render_objects(
    repository: &Repository,
    plan: &Plan<'_>,
    component: &str,
    context: &Context,
    shared: &Shared,
    mistakes: &mut Diagnostics,
) -> Vec<Arc<Object>> {
    let Some(selected) = plan.selection.enabled.get(component) else { return Vec::new() };
    let mut objects = Vec::new();
    for template in &selected.component.manifest_templates {
        let made = shared.objects.get_or(repository, template, context, "", mistakes, |mistakes| {
            template_objects(repository, component, template, context, mistakes)
        });
        objects.extend(made.iter().flat_map(|made| made.iter().cloned()));
    }
    objects
}

/// What a manifest template gives, checked.
fn template_objects(
    repository: &Repository,
    component: &str,
    template: &TemplateName,
    context: &Context,
    mistakes: &mut Diagnostics,
) -> Option<Vec<Arc<Object>>> {
    let documents = render_template(repository, template, context, mistakes)?;
    let mut objects = Vec::with_capacity(documents.len());
    let mut lines = None;
    let repeated = repeated(&documents);
    for node in documents {
        let mut place = |origin: Option<Origin>| {
            let lines = lines.get_or_insert_with(|| line_map(repository, template, context));
            in_template(template, origin, lines.as_deref())
        };
        match Identity::of(&node) {
            Err((key, why)) => {
                let origin = node.key_origin(key).or(node.origin());
                mistakes.push(
                    Diagnostic::new("bad-object", format!("an object of `{component}` {why}"))
                        .at(place(origin), "")
                        .help("every object needs `apiVersion`, `kind` and `metadata.name`"),
                );
            }
            Ok(identity) => {
                let by_facts = repository.facts().object(&identity.group, identity.is_built_in(), &node);
                for mut diagnostic in check::object(&identity, &node).into_iter().chain(by_facts) {
                    if let Some((origin, _)) = &mut diagnostic.at {
                        *origin = place(Some(*origin));
                    }
                    mistakes.push(diagnostic);
                }
                let at = match repeated.contains(&identity) {
                    true => place(node.origin()),
                    false => Origin::start_of(template.file),
                };
                let text = file_text(component, &[&Ordered(&tidy(&node))]);
                objects.push(Arc::new(Object { identity, text, template: template.clone(), at }));
            }
        }
    }
    Some(objects)
}

/// What one template makes more than once.
fn repeated(documents: &[Node]) -> BTreeSet<Identity> {
    let mut seen = BTreeSet::new();
    let identities = documents.iter().filter(|_| documents.len() > 1).filter_map(|node| Identity::of(node).ok());
    identities.filter(|identity| !seen.insert(identity.clone())).collect()
}

/// Renders a template and parses what comes out; a mistake is shown at the template's line.
pub(super) fn render_template(
    repository: &Repository,
    template: &TemplateName,
    context: &Context,
    mistakes: &mut Diagnostics,
) -> Option<Vec<Node>> {
    let text = match repository.templates().render(template, context) {
        Ok(text) => text,
        Err(diagnostic) => {
            mistakes.push(*diagnostic);
            return None;
        }
    };
    match yaml::parse_all(template.file, &text) {
        Ok(documents) => Some(documents),
        Err(mut diagnostic) => {
            let lines = line_map(repository, template, context);
            if let Some((origin, _)) = &diagnostic.at {
                let line = text.lines().nth(origin.line.saturating_sub(1) as usize).unwrap_or("").to_owned();
                diagnostic.help.insert(0, format!("the rendered line: {}", line.trim_end()));
            }
            let mut diagnostic = moved(*diagnostic, template, lines.as_deref());
            diagnostic.message = format!("the template's output is not what it should be: {}", diagnostic.message);
            diagnostic.help.push("free text goes through `json`: `{{json settings.name}}`".to_owned());
            mistakes.push(diagnostic);
            None
        }
    }
}

/// For each line of a template's output, the line of the template: wanted only where there is a mistake to show.
fn line_map(repository: &Repository, template: &TemplateName, context: &Context) -> Option<Vec<u32>> {
    repository.templates().line_map(repository.sources().text(template.file), context)
}

/// A mistake in a template's output, at the template's lines.
fn moved(mut diagnostic: Diagnostic, template: &TemplateName, lines: Option<&[u32]>) -> Diagnostic {
    let places = diagnostic.at.iter_mut().chain(&mut diagnostic.also);
    for (origin, _) in places {
        *origin = in_template(template, Some(*origin), lines);
    }
    diagnostic
}

/// The place in a template that made a place in its output.
fn in_template(template: &TemplateName, output: Option<Origin>, lines: Option<&[u32]>) -> Origin {
    let start = Origin::start_of(template.file);
    match (output, lines) {
        (Some(output), _) if output.file != template.file => output,
        (Some(output), Some(lines)) => {
            let line = lines.get(output.line.saturating_sub(1) as usize).copied().unwrap_or(1);
            Origin { line, column: 1, ..start }
        }
        _ => start,
    }
}

/// The file name of each object in a folder, with the group where two would have the same.
fn file_names<'i>(identities: impl Iterator<Item = &'i Identity> + Clone, home: &str) -> Vec<String> {
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    identities.clone().for_each(|identity| *named.entry(identity.file_name(home)).or_default() += 1);
    let name = |identity: &Identity| match identity.file_name(home) {
        name if named[&name] > 1 => identity.file_name_with_group(home),
        name => name,
    };
    identities.map(name).collect()
}

/// The first line of a generated file: where it comes from.
fn head(component: &str) -> String {
    let from = match component {
        NAMESPACES | ROOT => "environments".to_owned(),
        component => format!("components/{component}"),
    };
    format!("# Generated by kubezero from {from}. Do not edit.\n")
}

/// A generated file: where it comes from, and its documents.
fn file_text(component: &str, documents: &[&dyn erased::Document]) -> Arc<[u8]> {
    let mut text = head(component);
    for (index, document) in documents.iter().enumerate() {
        if index > 0 {
            text.push_str("---\n");
        }
        document.append(&mut text);
    }
    Arc::from(text.into_bytes())
}

/// The tree while it is being filled.
struct Files<'p, 'r> {
    plan: &'p Plan<'r>,
    files: BTreeMap<String, RenderedFile>,
    /// The files of a chart that somebody applies before Argo CD is there, in order: definitions first, and no hooks.
    by_hand: BTreeMap<String, Vec<String>>,
    /// The folders of charts below `manifests/`.
    delivered_folders: BTreeMap<String, String>,
}

impl Files<'_, '_> {
    fn put(
        &mut self,
        path: String,
        component: &str,
        documents: &[&dyn erased::Document],
        chart: Option<(String, String)>,
        inputs: Vec<String>,
    ) {
        self.insert(path, component, file_text(component, documents), chart, inputs);
    }

    fn insert(
        &mut self,
        path: String,
        component: &str,
        text: Arc<[u8]>,
        chart: Option<(String, String)>,
        inputs: Vec<String>,
    ) {
        self.files.insert(path, RenderedFile { text, component: component.to_owned(), chart, inputs });
    }

    fn labels(&self, component: &str) -> BTreeMap<String, String> {
        [
            ("app.kubernetes.io/part-of", "kubezero"),
            ("kubezero.io/component", component),
            ("kubezero.io/environment", self.plan.environment.name.as_str()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
    }

    fn folder(&self) -> String {
        format!("{}/{}", self.plan.argocd.path.trim_matches('/'), self.plan.environment.name)
    }

    fn destination(&self, namespace: &str) -> Destination {
        let cluster = &self.plan.argocd.destination;
        let (server, name) = match (&cluster.name, &cluster.server) {
            (Some(name), _) => (None, Some(name.clone())),
            (None, Some(server)) => (Some(server.clone()), None),
            (None, None) => (Some(IN_CLUSTER.to_owned()), None),
        };
        Destination { server, name, namespace: namespace.to_owned() }
    }

    fn permitted(&self, namespace: &str) -> project_rules::Destination {
        let Destination { server, name, namespace } = self.destination(namespace);
        project_rules::Destination { server: server.unwrap_or_default(), name: name.unwrap_or_default(), namespace }
    }

    /// The Application that an operator applies by hand, and the project that it needs.
    fn root(&mut self) {
        let argocd = &self.plan.argocd;
        let group_kind = |kind: &str| GroupKind { group: "argoproj.io".to_owned(), kind: kind.to_owned() };
        let project = AppProject::new(
            ROOT,
            &argocd.namespace,
            self.labels(ROOT),
            None,
            AppProjectSpec {
                description: "The root Application: Applications and AppProjects, nothing else".to_owned(),
                source_repos: vec![argocd.repo_url.clone()],
                destinations: vec![project_rules::Destination {
                    server: IN_CLUSTER.to_owned(),
                    name: String::new(),
                    namespace: argocd.namespace.clone(),
                }],
                namespace_resource_whitelist: Some(vec![group_kind("AppProject"), group_kind("Application")]),
                ..AppProjectSpec::default()
            },
        );
        // Client-side apply: server-side apply on the parent has been seen to break waves.
        let policy = Policy {
            retain: Some(true),
            sync_options: vec!["PruneLast=true".to_owned()],
            compare_options: Vec::new(),
            retry: Some(Retry::patient(30)),
            ..Policy::defaults()
        };
        let mut application = Application::new(
            ApplicationParts {
                name: ROOT.to_owned(),
                argocd_namespace: argocd.namespace.clone(),
                labels: self.labels(ROOT),
                wave: None,
                project: ROOT.to_owned(),
                source: ApplicationSource::Folder {
                    repo_url: argocd.repo_url.clone(),
                    path: self.folder(),
                    target_revision: argocd.target_revision.clone(),
                    directory: DirectorySource {
                        recurse: true,
                        include: Some("{applications/*,projects/*}".to_owned()),
                    },
                },
                destination: Destination {
                    server: Some(IN_CLUSTER.to_owned()),
                    name: None,
                    namespace: argocd.namespace.clone(),
                },
            },
            &policy,
        );
        // Only these two folders concern the root: a commit elsewhere need not render it again.
        application
            .metadata
            .annotations
            .insert("argocd.argoproj.io/manifest-generate-paths".to_owned(), "applications;projects".to_owned());
        self.put("root.yaml".to_owned(), ROOT, &[&project, &application], None, Vec::new());
    }

    fn namespaces(&mut self, foreign: &BTreeMap<String, NamespacePolicy>) {
        if self.plan.namespaces.is_empty() && foreign.is_empty() {
            return;
        }
        let argocd = &self.plan.argocd;
        for (name, policy) in foreign {
            // Not ours: server-side apply adds these few keys and leaves everything else alone.
            let namespace = Namespace::new(name, policy.labels.clone(), policy.annotations.clone());
            let path = format!("manifests/{NAMESPACES}/namespace-{name}.yaml");
            self.put(path, NAMESPACES, &[&namespace], None, Vec::new());
        }
        for (name, policy) in &self.plan.namespaces {
            let mut labels = self.labels(NAMESPACES);
            labels.remove("kubezero.io/component");
            labels.extend(policy.labels.clone());
            if let Some(level) = &policy.pod_security {
                labels.insert("pod-security.kubernetes.io/enforce".to_owned(), level.clone());
            }
            let namespace = Namespace::new(name, labels, policy.annotations.clone());
            self.put(
                format!("manifests/{NAMESPACES}/namespace-{name}.yaml"),
                NAMESPACES,
                &[&namespace],
                None,
                Vec::new(),
            );
        }
        // Namespaces outlive their Application, and everything else waits for them.
        let policy = Policy { retain: Some(true), ..Policy::defaults() };
        let application = Application::new(
            ApplicationParts {
                name: NAMESPACES.to_owned(),
                argocd_namespace: argocd.namespace.clone(),
                labels: self.labels(NAMESPACES),
                wave: Some(1),
                project: NAMESPACES.to_owned(),
                source: self.folder_source(NAMESPACES),
                destination: self.destination(&argocd.namespace),
            },
            &policy,
        );
        let project = AppProject::new(
            NAMESPACES,
            &argocd.namespace,
            self.labels(NAMESPACES),
            Some(PROJECT_WAVE),
            AppProjectSpec {
                description: "Namespaces, and nothing in them".to_owned(),
                source_repos: vec![argocd.repo_url.clone()],
                destinations: vec![self.permitted(&argocd.namespace)],
                cluster_resource_whitelist: Some(vec![ClusterResource {
                    group: String::new(),
                    kind: "Namespace".to_owned(),
                    name: String::new(),
                }]),
                namespace_resource_blacklist: vec![GroupKind { group: "*".to_owned(), kind: "*".to_owned() }],
                ..AppProjectSpec::default()
            },
        );
        self.put(format!("applications/{NAMESPACES}.yaml"), NAMESPACES, &[&application], None, Vec::new());
        self.put(format!("projects/{NAMESPACES}.yaml"), NAMESPACES, &[&project], None, Vec::new());
    }

    fn folder_source(&self, component: &str) -> ApplicationSource {
        ApplicationSource::Folder {
            repo_url: self.plan.argocd.repo_url.clone(),
            path: format!("{}/manifests/{component}", self.folder()),
            target_revision: self.plan.argocd.target_revision.clone(),
            directory: DirectorySource { recurse: true, include: None },
        }
    }

    fn manifests(&mut self, component: &str, objects: &[Arc<Object>], mistakes: &mut Diagnostics) {
        let home = self.plan.selection.enabled[component].namespace.clone();
        let named = file_names(objects.iter().map(|object| &object.identity), &home);
        for (object, name) in objects.iter().zip(named) {
            let path = format!("manifests/{component}/{name}");
            self.no_other(&path, component, object.at, mistakes);
            let inputs = vec![object.template.path.clone()];
            self.insert(path, component, object.text.clone(), None, inputs);
        }
    }

    /// The objects of a chart, one a file.
    fn delivered(&mut self, application: &str, delivered: &Delivered, mistakes: &mut Diagnostics) {
        let planned = self.plan.applications.iter().find(|planned| planned.name == application);
        let Some(planned) = planned else { return };
        let mut inputs = vec![LOCK.to_owned(), format!("components/{}/component.yaml", delivered.component)];
        if let Content::Chart { chart, .. } = &planned.content {
            inputs.extend(chart.values.as_ref().map(|template| template.path.clone()));
        }
        inputs.sort();
        let named = file_names(delivered.manifests.iter().map(|made| &made.identity), &planned.namespace);
        let mut by_hand: Vec<(u8, String)> = Vec::new();
        for (made, name) in delivered.manifests.iter().zip(named) {
            let path = format!("{}{name}", delivered.folder);
            self.no_other(&path, application, delivered.at, mistakes);
            let mut text = head(&delivered.component);
            let notes = [format!("From {} of the chart.", made.template)];
            for note in notes.iter().chain(&made.notes) {
                text.push_str(&format!("# {}\n", deliver::printable(note)));
            }
            erased::Document::append(&Ordered(&tidy(&made.node)), &mut text);
            if !made.is_hook {
                let rank = match made.identity.kind.as_str() {
                    "Namespace" => 0,
                    "CustomResourceDefinition" => 1,
                    _ => 2,
                };
                by_hand.push((rank, path.clone()));
            }
            let text = Arc::from(text.into_bytes());
            self.insert(path, &delivered.component, text, Some(delivered.chart.clone()), inputs.clone());
        }
        by_hand.sort();
        self.by_hand.insert(application.to_owned(), by_hand.into_iter().map(|(_, path)| path).collect());
        let folder = delivered.folder.trim_start_matches("manifests/").trim_end_matches('/');
        self.delivered_folders.insert(application.to_owned(), folder.to_owned());
    }

    /// Says so where a file is there already.
    fn no_other(&self, path: &str, owner: &str, at: Origin, mistakes: &mut Diagnostics) {
        if self.files.contains_key(path) {
            mistakes.push(
                Diagnostic::new("name-collision", format!("two objects of `{owner}` would be the file `{path}`"))
                    .at(at, "")
                    .help("rename one: they differ only in upper and lower case, and on some file systems that is one file"),
            );
        }
    }

    fn application(&mut self, planned: &Planned<'_>, values: Option<&Node>, mistakes: &mut Diagnostics) {
        let Some(selected) = self.plan.selection.enabled.get(planned.component) else { return };
        let component = selected.component;
        let mut inputs = vec![format!("components/{}/component.yaml", component.name)];
        let (source, chart) = match &planned.content {
            Content::Manifests => (self.folder_source(planned.component), None),
            Content::Chart { chart, version } => {
                inputs.extend(chart.values.as_ref().map(|template| template.path.clone()));
                let shown = Some((chart.title().to_owned(), version.clone()));
                if let Some(folder) = &chart.folder {
                    let source = ApplicationSource::Folder {
                        repo_url: chart.repository.clone(),
                        path: folder.path.clone(),
                        target_revision: format!("refs/tags/{version}"),
                        directory: DirectorySource { recurse: true, include: folder.include.clone() },
                    };
                    return self.finish_application(planned, source, shown, inputs);
                }
                if planned.is_manifests() {
                    inputs.push(LOCK.to_owned());
                    let folder = self.delivered_folders.get(&planned.name).cloned().unwrap_or_default();
                    return self.finish_application(planned, self.folder_source(&folder), shown, inputs);
                }
                let source = match chart_source(self.plan, planned, values) {
                    Ok(Some(source)) => source,
                    Ok(None) => return,
                    Err(diagnostic) => return mistakes.push(*diagnostic),
                };
                (source, shown)
            }
        };
        self.finish_application(planned, source, chart, inputs);
    }

    fn finish_application(
        &mut self,
        planned: &Planned<'_>,
        source: ApplicationSource,
        chart: Option<(String, String)>,
        inputs: Vec<String>,
    ) {
        let application = Application::new(
            ApplicationParts {
                name: planned.name.clone(),
                argocd_namespace: self.plan.argocd.namespace.clone(),
                labels: self.labels(planned.component),
                wave: Some(planned.wave),
                project: planned.component.to_owned(),
                source,
                destination: self.destination(&planned.namespace),
            },
            &planned.policy,
        );
        self.put(format!("applications/{}.yaml", planned.name), planned.component, &[&application], chart, inputs);
    }

    /// Exactly the repositories, namespaces and cluster-scoped kinds that the component's Applications need.
    fn project(&mut self, name: &str, objects: &[Arc<Object>], delivered: &BTreeMap<String, Delivered>) {
        let component = self.plan.selection.enabled[name].component;
        let mut repositories = BTreeSet::new();
        let mut namespaces = BTreeSet::new();
        let mut kinds: BTreeSet<ClusterResource> = BTreeSet::new();
        let mut any = false;
        for application in self.plan.applications.iter().filter(|application| application.component == name) {
            any = true;
            namespaces.insert(application.namespace.clone());
            // Of what is committed it is known what is written.
            let committed: Option<Vec<&Identity>> = match &application.content {
                Content::Manifests => Some(objects.iter().map(|object| &object.identity).collect()),
                Content::Chart { .. } => delivered
                    .get(&application.name)
                    .map(|delivered| delivered.manifests.iter().map(|made| &made.identity).collect()),
            };
            if let Some(committed) = committed {
                repositories.insert(self.plan.argocd.repo_url.clone());
                for Identity { group, kind, namespace, .. } in committed {
                    if namespace.is_empty() {
                        let (group, kind) = (group.clone(), kind.clone());
                        kinds.insert(ClusterResource { group, kind, name: String::new() });
                    } else {
                        namespaces.insert(namespace.clone());
                    }
                }
                continue;
            }
            if let Content::Chart { chart, .. } = &application.content {
                repositories.insert(chart.repository.clone());
                namespaces.extend(chart.writes_namespaces.iter().cloned());
                for text in &chart.writes_cluster_kinds {
                    let (kind, group) = text.split_once('.').unwrap_or((text, ""));
                    let (group, kind) = (group.to_owned(), kind.to_owned());
                    kinds.insert(ClusterResource { group, kind, name: String::new() });
                }
            }
        }
        if !any {
            return;
        }
        let project = AppProject::new(
            name,
            &self.plan.argocd.namespace,
            self.labels(name),
            Some(PROJECT_WAVE),
            AppProjectSpec {
                description: component.description.clone(),
                source_repos: repositories.into_iter().collect(),
                destinations: namespaces.iter().map(|namespace| self.permitted(namespace)).collect(),
                cluster_resource_whitelist: (!kinds.is_empty()).then(|| kinds.into_iter().collect()),
                ..AppProjectSpec::default()
            },
        );
        let inputs = vec![format!("components/{name}/component.yaml")];
        self.put(format!("projects/{name}.yaml"), name, &[&project], None, inputs);
    }

    fn index(&mut self) {
        let files: BTreeMap<&str, IndexEntry<'_>> = self
            .files
            .iter()
            .map(|(path, file)| {
                let entry = IndexEntry {
                    sha256: hex(&Sha256::digest(&file.text)),
                    component: &file.component,
                    chart: file.chart.as_ref().map(|(name, _)| name.as_str()),
                    version: file.chart.as_ref().map(|(_, version)| version.as_str()),
                    inputs: &file.inputs,
                };
                (path.as_str(), entry)
            })
            .collect();
        let index = Index {
            version: 1,
            generator: VERSION,
            environment: &self.plan.environment.name,
            overlays: &self.plan.environment.inputs,
            files,
        };
        let mut text = String::from("# Generated by kubezero. Do not edit: removal of files trusts this list.\n");
        erased::Document::append(&index, &mut text);
        let file = RenderedFile {
            text: Arc::from(text.into_bytes()),
            component: ROOT.to_owned(),
            chart: None,
            inputs: Vec::new(),
        };
        self.files.insert("index.yaml".to_owned(), file);
    }
}

/// Documents of different types in one list.
mod erased {
    use crate::yaml::write;
    use serde::Serialize;

    /// Something that can be written as YAML.
    pub trait Document {
        /// Writes it at the end of a text.
        fn append(&self, text: &mut String);
    }

    impl<T: Serialize> Document for T {
        fn append(&self, text: &mut String) {
            // Our own types and parsed nodes hold nothing that YAML cannot: no bytes, no NaN, string keys.
            let written = write::append(self, text);
            debug_assert!(written.is_ok(), "{written:?}");
        }
    }
}
