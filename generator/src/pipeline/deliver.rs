//! Charts delivered as manifests: the objects that a chart comes to, made into files that Argo CD applies as it would have applied the
//! chart. Helm's hooks and its policy of keeping become Argo CD's, and of each translation there is a note.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::{Map as JsonMap, Value as Json};

use super::charts::{self, ChartObject, ChartObjects, Problem, Request};
use super::check;
use super::component::Chart;
use super::plan::{Content, Plan, Planned};
use super::repository::Repository;
use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::objects::application::SYNC_WAVE;
use crate::objects::manifest::{Identity, tidy};
use crate::objects::policy::settle;
use crate::yaml::{Entry, Map, Node, Value};

/// When Argo CD runs an object.
const HOOK: &str = "argocd.argoproj.io/hook";
/// When Argo CD deletes it again.
const DELETE_POLICY: &str = "argocd.argoproj.io/hook-delete-policy";
/// How Argo CD applies it.
const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";
/// What an object belongs to, which Argo CD notes on it.
const TRACKING: &str = "argocd.argoproj.io/tracking-id";
/// What client-side apply notes on an object: all of it.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

const HELM_HOOK: &str = "helm.sh/hook";
const HELM_WEIGHT: &str = "helm.sh/hook-weight";
const HELM_DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
const HELM_LOG_POLICY: &str = "helm.sh/hook-output-log-policy";
const HELM_RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// The API server takes no more bytes of annotations, keys and values together.
const MAX_ANNOTATIONS: usize = 262_144;
/// The API server takes no larger request.
const MAX_REQUEST: usize = 1_500_000;
/// The API server takes no more in a ConfigMap or a Secret.
const MAX_DATA: usize = 1_048_576;
/// Argo CD passes over a file with these characters anywhere in it.
const SKIPPED: &str = "+argocd:skip-file-rendering";

/// A chart whose objects are committed.
#[derive(Debug)]
pub struct Delivered {
    /// Component.
    pub component: String,
    /// Where its files are, below `argocd/<environment>/`, with a slash at the end.
    pub folder: String,
    /// What was rendered.
    pub request: Request,
    /// Chart and version.
    pub chart: (String, String),
    /// Its objects.
    pub manifests: Vec<Manifest>,
    /// What is not among them, and why.
    pub left_out: Vec<String>,
    /// The line of the version.
    pub at: Origin,
}

/// An object of a chart, as it is committed.
#[derive(Debug)]
pub struct Manifest {
    /// Who it is.
    pub identity: Identity,
    /// The object.
    pub node: Arc<Node>,
    /// The template or the file of `crds/` that made it.
    pub template: String,
    /// What became of what Helm would have done.
    pub notes: Vec<String>,
    /// Whether Argo CD runs it at a time of its own.
    pub is_hook: bool,
}

impl Delivered {
    /// Every note once, with how many objects have it.
    pub fn notes(&self) -> BTreeMap<&str, usize> {
        let mut notes = BTreeMap::new();
        for note in self.manifests.iter().flat_map(|manifest| &manifest.notes) {
            *notes.entry(note.as_str()).or_default() += 1;
        }
        notes
    }
}

/// The folder of a chart's objects below `argocd/<environment>/`, with a slash at the end: `manifests/<application>/`, unless a
/// component has its own manifests there.
pub fn folder(repository: &Repository, application: &str) -> String {
    let is_taken =
        repository.components().get(application).is_some_and(|component| !component.manifest_templates.is_empty());
    format!("manifests/{application}{}/", if is_taken { ".chart" } else { "" })
}

/// Renders every chart of an environment that is delivered as manifests. What is wrong with any of them is said at once.
pub fn deliver(
    repository: &Repository,
    plan: &Plan<'_>,
    request: impl Fn(&Planned<'_>) -> Option<Request> + Sync,
    mistakes: &mut Diagnostics,
) -> BTreeMap<String, Delivered> {
    let planned: Vec<(&Planned<'_>, &Chart, &str)> = plan
        .applications
        .iter()
        .filter_map(|planned| match &planned.content {
            Content::Chart { chart, version } if planned.is_manifests() => Some((planned, *chart, version.as_str())),
            _ => None,
        })
        .collect();
    let rendered: Vec<Option<(Request, Result<Arc<ChartObjects>, Problem>)>> = planned
        .par_iter()
        .map(|(planned, ..)| {
            let request = request(planned)?;
            let objects = repository.objects(&request);
            Some((request, objects))
        })
        .collect();
    // A kind that one chart defines another one may use.
    let defined: BTreeMap<(String, String), bool> = rendered
        .iter()
        .flatten()
        .filter_map(|(_, objects)| objects.as_ref().ok())
        .flat_map(|objects| objects.objects.iter().filter_map(|object| charts::scope(&object.content)))
        .collect();
    let made: Vec<(Option<(String, Delivered)>, Diagnostics)> = planned
        .par_iter()
        .zip(rendered)
        .map(|((planned, chart, version), rendered)| {
            let mut mistakes = Diagnostics::new();
            let Some((request, objects)) = rendered else { return (None, mistakes) };
            let place =
                Place { planned, at: version_at(plan, planned, chart), title: format!("{} {version}", chart.name) };
            let delivered = match objects {
                Ok(objects) => one(repository, plan, &place, chart, &request, &objects, &defined, &mut mistakes),
                Err(problem) => {
                    mistakes.push(place.said(problem.diagnostic(&request.pin)));
                    return (None, mistakes);
                }
            };
            (Some((planned.name.clone(), delivered)), mistakes)
        })
        .collect();
    let mut all = BTreeMap::new();
    for (delivered, found) in made {
        all.extend(delivered);
        mistakes.append(found);
    }
    all
}

/// What a chart of an Application would be as manifests, each object as JSON: a review compares it with what is committed.
pub fn translated(
    repository: &Repository,
    plan: &Plan<'_>,
    planned: &Planned<'_>,
    request: &Request,
    objects: &ChartObjects,
) -> Vec<(Identity, Json)> {
    let Content::Chart { chart, .. } = &planned.content else { return Vec::new() };
    let around = Around::of(repository, planned, chart, request, &objects.objects, &BTreeMap::new());
    objects
        .objects
        .iter()
        .filter(|object| left_out(plan, &object.identity).is_none())
        .filter_map(|object| {
            let made = around.translate(object).ok()?;
            let node = tidy(&node(&made.content, chart.at));
            Some((made.identity, node.to_json()))
        })
        .collect()
}

/// Where mistakes of a chart are shown.
struct Place<'p> {
    planned: &'p Planned<'p>,
    at: Origin,
    title: String,
}

impl Place<'_> {
    /// A mistake at the line that has the chart delivered this way, with the line of its version.
    fn said(&self, diagnostic: Diagnostic) -> Diagnostic {
        match self.planned.manifests {
            Some(at) => diagnostic.at(at, "delivered as manifests").also(self.at, "this version of the chart"),
            None => diagnostic.at(self.at, ""),
        }
    }

    /// A mistake in what the chart makes, at the line of its version.
    fn in_template(&self, mut diagnostic: Diagnostic, template: &str) -> Diagnostic {
        diagnostic.at = Some((self.at, "this version of the chart".to_owned()));
        if let Some(at) = self.planned.manifests {
            diagnostic = diagnostic.also(at, "delivered as manifests");
        }
        diagnostic.help(format!("the chart `{}` makes it in `{}`", self.title, printable(template)))
    }
}

/// The line of a chart's version: the environment's, where it has another one.
fn version_at(plan: &Plan<'_>, planned: &Planned<'_>, chart: &Chart) -> Origin {
    let selected = plan.selection.enabled.get(planned.component);
    let own = selected.and_then(|selected| selected.entry.at(["charts", chart.key.as_str(), "version"])?.origin());
    own.unwrap_or(chart.version_at)
}

#[expect(clippy::too_many_arguments, reason = "one chart needs exactly these, and they are named")]
fn one(
    repository: &Repository,
    plan: &Plan<'_>,
    place: &Place<'_>,
    chart: &Chart,
    request: &Request,
    objects: &ChartObjects,
    defined: &BTreeMap<(String, String), bool>,
    mistakes: &mut Diagnostics,
) -> Delivered {
    let around = Around::of(repository, place.planned, chart, request, &objects.objects, defined);
    let mut manifests = Vec::new();
    let mut left_out: Vec<String> = objects.left_out.iter().map(|text| printable(text)).collect();
    for object in &objects.objects {
        let identity = &object.identity;
        let made = match self::left_out(plan, identity).map_or_else(|| around.translate(object), Err) {
            Ok(made) => made,
            Err(why) => {
                left_out.push(format!("{identity}: {why}"));
                continue;
            }
        };
        let node = node(&made.content, place.at);
        let identity = match named(&node) {
            Ok(identity) => identity,
            Err(why) => {
                let diagnostic = Diagnostic::new("bad-object", format!("an object of `{}` {why}", place.planned.name))
                    .help("deliver this component as a chart: `delivery: charts`");
                mistakes.push(place.in_template(diagnostic, &object.template));
                continue;
            }
        };
        for diagnostic in wrong(repository, &around, &identity, &node, &made) {
            mistakes.push(place.in_template(diagnostic, &object.template));
        }
        manifests.push(Manifest {
            identity,
            node: Arc::new(node),
            template: object.template.clone(),
            notes: made.notes,
            is_hook: made.is_hook,
        });
    }
    Delivered {
        component: place.planned.component.to_owned(),
        folder: folder(repository, &place.planned.name),
        request: request.clone(),
        chart: (chart.title().to_owned(), request.pin.version.clone()),
        manifests,
        left_out,
        at: place.at,
    }
}

/// Why an object of a chart is not committed, where it is not.
fn left_out(plan: &Plan<'_>, identity: &Identity) -> Option<&'static str> {
    let is_namespace = identity.group.is_empty() && identity.kind == "Namespace";
    match identity {
        identity if check::is_excluded(identity) => Some("Argo CD applies no objects of this kind"),
        Identity { name, .. } if is_namespace && plan.namespaces.contains_key(name) => Some("the generator makes it"),
        _ => None,
    }
}

/// Who an object is, where its name, kind and group can stand in a path: charts are not to be trusted with that.
fn named(node: &Node) -> Result<Identity, String> {
    let identity = Identity::of(node).map_err(|(_, why)| why)?;
    if identity.kind.is_empty() || !identity.kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("has the kind `{}`, which is no name of a kind", printable(&identity.kind)));
    }
    if !identity.group.is_empty() {
        crate::name::subdomain(&identity.group)
            .map_err(|why| format!("is of the group `{}`, which {why}", printable(&identity.group)))?;
    }
    Ok(identity)
}

/// What is wrong with one object of a chart.
fn wrong(
    repository: &Repository,
    around: &Around<'_>,
    identity: &Identity,
    node: &Node,
    made: &Translated,
) -> Vec<Diagnostic> {
    let is_secret = identity.group.is_empty() && identity.kind == "Secret";
    let is_crd = identity.kind == "CustomResourceDefinition";
    let mut found: Vec<Diagnostic> = check::object(identity, node);
    // Descriptions of fields look like anything; a Secret is looked into below.
    found.retain(|diagnostic| !(is_secret || is_crd) || diagnostic.code != "secret-in-output");
    if is_secret && let Some(key) = check::secret_of_chart(node) {
        found.push(
            Diagnostic::new("secret-in-output", format!("`{identity}` would put `{key}` into Git"))
                .help("have the chart use a Secret that is made in the cluster: most charts have a value for its name")
                .help("or deliver this component as a chart: `delivery: charts`"),
        );
    }
    // What the chart brings itself it knows better; what has no facts is not judged.
    let facts = repository.facts();
    let is_defined = around.defines.contains(&(identity.group.clone(), identity.kind.clone()));
    if !is_defined && facts.is_namespaced(&identity.group, &identity.kind).is_some() {
        found.extend(facts.object(&identity.group, identity.is_built_in(), node));
    }
    let size = made.content.to_string().len();
    let most = if matches!(identity.kind.as_str(), "ConfigMap" | "Secret") { MAX_DATA } else { MAX_REQUEST };
    if size > most {
        found.push(
            Diagnostic::new("too-large", format!("`{identity}` has {size} bytes, the API server takes at most {most}"))
                .help("have the chart make less of it"),
        );
    }
    let mut skipped = false;
    node.visit(&mut |node, _| skipped |= node.as_str().is_some_and(|text| text.contains(SKIPPED)));
    if skipped {
        found.push(
            Diagnostic::new(
                "bad-object",
                format!("`{identity}` holds `{SKIPPED}`, so Argo CD would pass over its file"),
            )
            .help("deliver this component as a chart: `delivery: charts`"),
        );
    }
    found
}

/// What the objects of one chart have around them.
struct Around<'a> {
    repository: &'a Repository,
    chart: &'a Chart,
    application: &'a str,
    namespace: &'a str,
    /// The Application's sync options.
    options: Vec<String>,
    /// Kinds that this chart defines.
    defines: BTreeSet<(String, String)>,
    /// Scopes of kinds that charts of the environment define.
    defined: BTreeMap<(String, String), bool>,
    /// Whether there is anything that CRDs could come before.
    has_others: bool,
}

/// An object with Helm's words translated.
struct Translated {
    identity: Identity,
    content: Json,
    notes: Vec<String>,
    is_hook: bool,
}

impl<'a> Around<'a> {
    fn of(
        repository: &'a Repository,
        planned: &'a Planned<'_>,
        chart: &'a Chart,
        request: &'a Request,
        objects: &[ChartObject],
        defined: &BTreeMap<(String, String), bool>,
    ) -> Around<'a> {
        let own: BTreeMap<_, _> = objects.iter().filter_map(|object| charts::scope(&object.content)).collect();
        let defines = own.keys().cloned().collect();
        Around {
            repository,
            chart,
            application: &planned.name,
            namespace: &request.namespace,
            options: settle(&planned.policy.sync_options),
            defines,
            defined: defined.iter().map(|(kind, scope)| (kind.clone(), *scope)).chain(own).collect(),
            has_others: objects.iter().any(|object| object.identity.kind != "CustomResourceDefinition"),
        }
    }

    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|own| own == option)
    }

    /// Whether objects of a kind have a namespace. Of a kind that nobody knows they do, as of most.
    fn is_namespaced(&self, identity: &Identity) -> bool {
        let kind = (identity.group.clone(), identity.kind.clone());
        let written = || {
            let name = format!("{}.{}", identity.kind, identity.group);
            self.chart.writes_cluster_kinds.contains(&name).then_some(false)
        };
        let known = identity.is_namespaced().or_else(|| self.defined.get(&kind).copied());
        let known = known.or_else(|| self.repository.facts().is_namespaced(&identity.group, &identity.kind));
        known.or_else(written).unwrap_or(true)
    }

    /// The object as Argo CD is to apply it; why not, where Argo CD would not.
    fn translate(&self, object: &ChartObject) -> Result<Translated, &'static str> {
        let mut identity = object.identity.clone();
        let mut content = object.content.clone();
        let mut notes = Vec::new();
        let is_namespaced = self.is_namespaced(&identity);
        if !content.get("metadata").is_some_and(Json::is_object)
            && let Some(map) = content.as_object_mut()
        {
            map.insert("metadata".to_owned(), Json::Object(JsonMap::new()));
        }
        let Some(metadata) = content.get_mut("metadata").and_then(Json::as_object_mut) else {
            return Err("it is no object");
        };
        match is_namespaced {
            true if metadata.get("namespace").and_then(Json::as_str).is_none_or(str::is_empty) => {
                identity.namespace = self.namespace.to_owned();
                metadata.insert("namespace".to_owned(), Json::from(self.namespace));
            }
            true => {}
            false => {
                identity.namespace.clear();
                metadata.remove("namespace");
            }
        }
        for key in ["labels", "annotations"] {
            for (_, value) in metadata.get_mut(key).and_then(Json::as_object_mut).into_iter().flatten() {
                // The API server reads it as the empty string.
                if value.is_null() {
                    *value = Json::from("");
                }
            }
        }
        let mut annotations = match metadata.remove("annotations") {
            Some(Json::Object(annotations)) => annotations,
            _ => JsonMap::new(),
        };
        let is_hook = translate_hook(object, &mut annotations, &mut notes)?;
        let is_crd = identity.kind == "CustomResourceDefinition";
        if is_crd && !is_hook && self.has_others && !annotations.contains_key(SYNC_WAVE) {
            annotations.insert(SYNC_WAVE.to_owned(), Json::from("-1"));
            notes.push("sync wave -1: definitions come first".to_owned());
        }
        let mut options = Options::of(&annotations);
        if text(&annotations, HELM_RESOURCE_POLICY).is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep")) {
            annotations.remove(HELM_RESOURCE_POLICY);
            let added = ["Delete=false", "Prune=false"].map(|option| options.add(option));
            if added.contains(&true) {
                notes.push(format!("{HELM_RESOURCE_POLICY}: keep → {SYNC_OPTIONS}: Delete=false,Prune=false"));
            }
        }
        let kind = (identity.group.clone(), identity.kind.clone());
        let is_custom = !identity.is_built_in();
        if is_custom && self.defines.contains(&kind) && options.add("SkipDryRunOnMissingResource=true") {
            notes.push("SkipDryRunOnMissingResource=true: this chart defines its kind".to_owned());
        } else if is_custom
            && self.has("SkipDryRunOnMissingResource=true")
            && options.add("SkipDryRunOnMissingResource=true")
        {
            notes.push("SkipDryRunOnMissingResource=true: as the Application has it".to_owned());
        }
        options.put(&mut annotations);
        let is_server_side = self.has("ServerSideApply=true") || self.has("Replace=true");
        let put = |content: &mut Json, annotations: &JsonMap<String, Json>| {
            if let Some(metadata) = content.get_mut("metadata").and_then(Json::as_object_mut)
                && !annotations.is_empty()
            {
                metadata.insert("annotations".to_owned(), Json::Object(annotations.clone()));
            }
        };
        put(&mut content, &annotations);
        let says = options.says("ServerSideApply") || options.says("Replace");
        if !is_server_side && !says && self.annotated(&identity, &content) > MAX_ANNOTATIONS {
            options.add("ServerSideApply=true");
            options.put(&mut annotations);
            put(&mut content, &annotations);
            notes.push("ServerSideApply=true: too large for the annotation of client-side apply".to_owned());
        }
        Ok(Translated { identity, content, notes, is_hook })
    }

    /// The bytes of annotations that the object would have after client-side apply.
    fn annotated(&self, identity: &Identity, content: &Json) -> usize {
        let Identity { group, kind, namespace, name } = identity;
        let tracking = format!("{}:{group}/{kind}:{namespace}/{name}", self.application);
        let mut applied = content.clone();
        let mut bytes = TRACKING.len() + tracking.len() + LAST_APPLIED.len();
        if let Some(metadata) = applied.get_mut("metadata").and_then(Json::as_object_mut) {
            let annotations = metadata.entry("annotations").or_insert_with(|| Json::Object(JsonMap::new()));
            for (key, value) in annotations.as_object().into_iter().flatten() {
                bytes += key.len() + value.as_str().map_or(0, str::len);
            }
            if let Some(annotations) = annotations.as_object_mut() {
                annotations.insert(TRACKING.to_owned(), Json::from(tracking));
            }
        }
        // As Go writes it: these characters are escaped, and there is a line break at the end.
        let text = applied.to_string();
        let escaped = |c: char| match c {
            '<' | '>' | '&' => 5,
            '\u{2028}' | '\u{2029}' => 3,
            _ => 0,
        };
        bytes + text.len() + text.chars().map(escaped).sum::<usize>() + 1
    }
}

/// Makes Helm's hook Argo CD's; says whether it is one.
fn translate_hook(
    object: &ChartObject,
    annotations: &mut JsonMap<String, Json>,
    notes: &mut Vec<String>,
) -> Result<bool, &'static str> {
    // Argo CD orders every object by it, not only hooks.
    if let Some(weight) = text(annotations, HELM_WEIGHT).and_then(|weight| weight.trim().parse::<i64>().ok())
        && weight != 0
        && !annotations.contains_key(SYNC_WAVE)
    {
        annotations.insert(SYNC_WAVE.to_owned(), Json::from(weight.to_string()));
        notes.push(format!("{HELM_WEIGHT}: {weight} → {SYNC_WAVE}: {weight}"));
    }
    annotations.remove(HELM_WEIGHT);
    if object.hooks.is_empty() {
        return Ok(annotations.contains_key(HOOK));
    }
    let policies = text(annotations, HELM_DELETE_POLICY).map(str::to_owned).unwrap_or_default();
    for key in [HELM_HOOK, HELM_DELETE_POLICY, HELM_LOG_POLICY] {
        annotations.remove(key);
    }
    if annotations.contains_key(HOOK) {
        // The chart knows of Argo CD, which goes by its own annotation then.
        notes.push(format!("{HELM_HOOK}: {} is passed over for {HOOK}", object.hooks.join(",")));
        return Ok(true);
    }
    let mut times: Vec<&str> = object.hooks.iter().filter_map(|event| hook_of(event)).collect();
    times.sort_by_key(|time| TIMES.iter().position(|known| known == time));
    times.dedup();
    if times.is_empty() {
        return Err("a hook of rollbacks, which Argo CD does not have");
    }
    let (from, to) = (object.hooks.join(","), times.join(","));
    annotations.insert(HOOK.to_owned(), Json::from(to.as_str()));
    let has = |event: &str| object.hooks.iter().any(|own| own == event);
    let is_half = ["pre", "post"].iter().any(|time| has(&format!("{time}-install")) != has(&format!("{time}-upgrade")));
    let every = if is_half { ", with every sync: Argo CD knows no install and no upgrade" } else { "" };
    notes.push(format!("{HELM_HOOK}: {from} → {HOOK}: {to}{every}"));
    let kept: Vec<&str> = policies.split(',').filter_map(|policy| delete_policy_of(policy.trim())).collect();
    // Without one both delete it before the next run.
    if !kept.is_empty() && !annotations.contains_key(DELETE_POLICY) {
        let to = kept.join(",");
        notes.push(format!("{HELM_DELETE_POLICY}: {} → {DELETE_POLICY}: {to}", printable(&policies)));
        annotations.insert(DELETE_POLICY.to_owned(), Json::from(to));
    }
    Ok(true)
}

/// The times at which Argo CD runs hooks, in order.
const TIMES: [&str; 4] = ["PreSync", "PostSync", "PreDelete", "PostDelete"];

/// When Argo CD runs what Helm runs at an event. It has no rollbacks.
fn hook_of(event: &str) -> Option<&'static str> {
    Some(match event {
        "pre-install" | "pre-upgrade" => "PreSync",
        "post-install" | "post-upgrade" => "PostSync",
        "pre-delete" => "PreDelete",
        "post-delete" => "PostDelete",
        _ => return None,
    })
}

fn delete_policy_of(policy: &str) -> Option<&'static str> {
    Some(match policy.to_ascii_lowercase().as_str() {
        "before-hook-creation" => "BeforeHookCreation",
        "hook-succeeded" => "HookSucceeded",
        "hook-failed" => "HookFailed",
        _ => return None,
    })
}

/// The sync options of an object.
struct Options(Vec<String>);

impl Options {
    fn of(annotations: &JsonMap<String, Json>) -> Options {
        let own = text(annotations, SYNC_OPTIONS).unwrap_or_default().split(',').map(str::trim);
        Options(own.filter(|option| !option.is_empty()).map(str::to_owned).collect())
    }

    /// Whether it says anything about a key.
    fn says(&self, key: &str) -> bool {
        self.0.iter().any(|own| own.split('=').next() == Some(key))
    }

    /// Adds an option, unless the chart has a word on it.
    fn add(&mut self, option: &str) -> bool {
        let is_new = !self.says(option.split('=').next().unwrap_or(option));
        if is_new {
            self.0.push(option.to_owned());
        }
        is_new
    }

    fn put(&self, annotations: &mut JsonMap<String, Json>) {
        let mut options = self.0.clone();
        options.sort();
        if !options.is_empty() {
            annotations.insert(SYNC_OPTIONS.to_owned(), Json::from(options.join(",")));
        }
    }
}

fn text<'t>(annotations: &'t JsonMap<String, Json>, key: &str) -> Option<&'t str> {
    annotations.get(key).and_then(Json::as_str)
}

/// Words of a chart on one line.
pub fn printable(text: &str) -> String {
    let is_odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    text.chars().map(|c| if is_odd(c) { '?' } else { c }).collect()
}

/// A value whose every part stands at one place.
fn node(value: &Json, at: Origin) -> Node {
    let value = match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Number(number.clone()),
        Json::String(text) => Value::String(Arc::from(text.as_str())),
        Json::Array(items) => Value::List(items.iter().map(|item| Arc::new(node(item, at))).collect()),
        Json::Object(map) => {
            let entry = |value: &Json| Entry { key_at: at, node: Arc::new(node(value, at)) };
            Value::Map(map.iter().map(|(key, value)| (Arc::from(key.as_str()), entry(value))).collect::<Map>())
        }
    };
    Node::new(value, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hook(events: &[&str], annotations: Json) -> (Result<bool, &'static str>, Json, Vec<String>) {
        let identity = Identity {
            group: "batch".to_owned(),
            kind: "Job".to_owned(),
            namespace: "n".to_owned(),
            name: "j".to_owned(),
        };
        let hooks = events.iter().map(|event| (*event).to_owned()).collect();
        let object = ChartObject { identity, content: Json::Null, template: String::new(), hooks };
        let Json::Object(mut annotations) = annotations else { return (Err("no map"), Json::Null, Vec::new()) };
        let mut notes = Vec::new();
        let is_hook = translate_hook(&object, &mut annotations, &mut notes);
        (is_hook, Json::Object(annotations), notes)
    }

    #[test]
    fn every_event_has_its_time() {
        let cases = [
            (&["pre-install"][..], Some("PreSync")),
            (&["pre-upgrade"], Some("PreSync")),
            (&["post-install"], Some("PostSync")),
            (&["post-upgrade"], Some("PostSync")),
            (&["pre-delete"], Some("PreDelete")),
            (&["post-delete"], Some("PostDelete")),
            (&["pre-install", "pre-upgrade"], Some("PreSync")),
            (&["post-install", "pre-install", "post-rollback"], Some("PreSync,PostSync")),
            (&["post-delete", "pre-upgrade"], Some("PreSync,PostDelete")),
            (&["pre-rollback"], None),
            (&["pre-rollback", "post-rollback"], None),
        ];
        for (events, wanted) in cases {
            let (is_hook, annotations, notes) = hook(events, json!({HELM_HOOK: events.join(",")}));
            assert_eq!(is_hook.is_ok(), wanted.is_some(), "{events:?}");
            assert_eq!(annotations.get(HOOK).and_then(Json::as_str), wanted, "{events:?}");
            assert!(annotations.get(HELM_HOOK).is_none());
            assert_eq!(notes.len(), usize::from(wanted.is_some()), "{notes:?}");
        }
    }

    #[test]
    fn weights_and_delete_policies_are_translated() {
        let (_, annotations, notes) = hook(
            &["pre-install", "pre-upgrade"],
            json!({HELM_WEIGHT: "-5", HELM_DELETE_POLICY: "before-hook-creation, hook-succeeded", HELM_LOG_POLICY: "x"}),
        );
        assert_eq!(
            annotations,
            json!({HOOK: "PreSync", DELETE_POLICY: "BeforeHookCreation,HookSucceeded", SYNC_WAVE: "-5"})
        );
        assert_eq!(notes.len(), 3);
        let (_, annotations, notes) = hook(&["post-install"], json!({HELM_DELETE_POLICY: "hook-failed"}));
        assert_eq!(annotations, json!({HOOK: "PostSync", DELETE_POLICY: "HookFailed"}));
        assert!(notes[0].contains("every sync"), "{notes:?}");
        // What the chart says to Argo CD itself stays.
        let own = json!({HOOK: "Sync", SYNC_WAVE: "7", HELM_WEIGHT: "1"});
        assert_eq!(hook(&["pre-install"], own).1, json!({HOOK: "Sync", SYNC_WAVE: "7"}));
        // A weight orders what is no hook as well.
        assert_eq!(
            hook(&[], json!({HELM_WEIGHT: "3"})),
            (Ok(false), json!({SYNC_WAVE: "3"}), vec![format!("{HELM_WEIGHT}: 3 → {SYNC_WAVE}: 3")])
        );
        assert_eq!(hook(&[], json!({HELM_WEIGHT: "0"})).1, json!({}));
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        let at = Origin::start_of(crate::diagnostic::FileId(0));
        let of = |kind: &str, version: &str, name: &str| {
            named(&node(&json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}}), at))
        };
        assert!(of("Service", "v1", "a").is_ok());
        for (kind, version, name) in
            [("../../Service", "v1", "a"), ("Service", "../x/v1", "a"), ("Service", "v1", "../a"), ("", "v1", "a")]
        {
            assert!(of(kind, version, name).is_err(), "{kind} {version} {name}");
        }
    }
}
