//! What charts come to: the objects that Argo CD would make of an Application that names a chart, rendered here, without Helm and
//! without network, from an archive whose sum the lock knows.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use helm_render::capabilities::{Capabilities, HelmVersion};
use helm_render::chart::{Chart, Limits, values};
use helm_render::reads::Unread;
use helm_render::render::{Options, Prepared, Release, RenderError, Rendered};
use helm_render::value::Value;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::lock::{Lock, Pin};
use crate::diagnostic::Diagnostic;
use crate::objects::application::ApplicationSource;
use crate::objects::manifest::Identity;
use crate::{Failure, hex};

/// The version of Helm that charts are rendered as. Argo CD 3.5 and later have no other.
const HELM: HelmVersion = HelmVersion::V4_2;

/// Archives that came with the repository, one file each: `<name>-<version>-<first twelve digits of the sum>.tgz`.
pub const VENDOR: &str = "components/vendor";

/// Where archives come from. They are known by their sums, so it does not matter where that is.
pub trait Archives: Send + Sync + fmt::Debug {
    /// The archive with this sum; nothing where it is not at hand. Whoever asks checks the sum.
    fn read(&self, sha256: &str) -> Result<Option<Vec<u8>>, Failure>;

    /// What [`Archives::keep`] was given under this key by this very build of the program, in this run or an earlier one.
    fn recall(&self, _key: &str) -> Option<Vec<u8>> {
        None
    }

    /// May keep something that takes time to make again. It is only about time: nothing is lost where it is not kept.
    fn keep(&self, _key: &str, _bytes: &[u8]) {}
}

/// Archives of the repository itself, by the first twelve digits of their sums.
#[derive(Debug, Default)]
pub struct Vendored(pub BTreeMap<String, Vec<u8>>);

impl Archives for Vendored {
    fn read(&self, sha256: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(sha256.get(..12).and_then(|short| self.0.get(short)).cloned())
    }
}

/// Everything that decides what a chart comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The chart.
    pub pin: Pin,
    /// Helm's release name.
    pub release: String,
    /// Namespace.
    pub namespace: String,
    /// Values, as YAML.
    pub values: String,
    /// Kubernetes' version: `1.34.0`.
    pub kube_version: String,
    /// API versions beside Kubernetes' own.
    pub api_versions: Vec<String>,
    /// Whether the files in `crds/` are among the objects.
    pub crds: bool,
}

impl Request {
    /// What Argo CD would ask Helm for this Application; nothing where it names no chart.
    pub fn of_application(application: &Json) -> Option<Request> {
        let source = application.pointer("/spec/source")?;
        let text = |path: &str| Some(source.pointer(path)?.as_str()?.to_owned());
        let pin = Pin { repository: text("/repoURL")?, name: text("/chart")?, version: text("/targetRevision")? };
        let values = match (text("/helm/values"), source.pointer("/helm/valuesObject")) {
            (_, Some(values)) => values.to_string(),
            (Some(values), None) => values,
            (None, None) => String::new(),
        };
        let api_versions = source.pointer("/helm/apiVersions").and_then(Json::as_array);
        Some(Request {
            pin,
            release: text("/helm/releaseName")
                .or_else(|| Some(application.pointer("/metadata/name")?.as_str()?.to_owned()))?,
            namespace: application.pointer("/spec/destination/namespace")?.as_str()?.to_owned(),
            values,
            kube_version: text("/helm/kubeVersion").unwrap_or_default(),
            api_versions: api_versions.into_iter().flatten().filter_map(|v| Some(v.as_str()?.to_owned())).collect(),
            crds: source.pointer("/helm/skipCrds").and_then(Json::as_bool) != Some(true),
        })
    }

    /// The same for a source that is not part of an Application.
    pub fn of_source(source: &ApplicationSource, namespace: &str) -> Option<Request> {
        let ApplicationSource::Chart { repo_url, chart, target_revision, helm } = source else { return None };
        let values = match (&helm.values, &helm.values_object) {
            (_, Some(values)) => values.to_json().to_string(),
            (Some(values), None) => values.clone(),
            (None, None) => String::new(),
        };
        Some(Request {
            pin: Pin { repository: repo_url.clone(), name: chart.clone(), version: target_revision.clone() },
            release: helm.release_name.clone(),
            namespace: namespace.to_owned(),
            values,
            kube_version: helm.kube_version.clone(),
            api_versions: helm.api_versions.clone(),
            crds: !helm.skip_crds,
        })
    }

    /// A sum over all of it and the archive.
    fn key(&self, sha256: &str) -> [u8; 32] {
        let mut digest = Sha256::new();
        let parts = [sha256, &self.release, &self.namespace, &self.values, &self.kube_version];
        let crds = if self.crds { "crds" } else { "" };
        for part in parts.into_iter().chain([crds]).chain(self.api_versions.iter().map(String::as_str)) {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        digest.finalize().into()
    }
}

/// Why the objects of a chart are not known.
#[derive(Debug, Clone)]
pub enum Problem {
    /// The lock does not name it.
    NotLocked,
    /// The lock names it without a sum.
    NoSum,
    /// No archive with this sum is at hand.
    NotThere(String),
    /// The archive has another sum: wanted, found.
    WrongSum(String, String),
    /// The machine could not read it.
    Unreadable(String),
    /// It is no chart, in words.
    NoChart(String),
    /// It does not render with these values, in Helm's words.
    NotRendered(String),
}

impl Problem {
    /// In words, to go after the chart's name: `is not in charts.lock`.
    pub fn words(&self) -> String {
        match self {
            Problem::NotLocked => "is not in `charts.lock`".to_owned(),
            Problem::NoSum => "has no sum in `charts.lock`".to_owned(),
            Problem::NotThere(_) => "is not in the cache".to_owned(),
            Problem::WrongSum(wanted, found) => {
                format!("is another archive than the lock says: sha256 {found} instead of {wanted}")
            }
            Problem::Unreadable(why) => format!("could not be read: {why}"),
            Problem::NoChart(why) => format!("is no chart that can be read: {why}"),
            Problem::NotRendered(why) => format!("does not render with these values: {why}"),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Problem::NotLocked | Problem::NoSum | Problem::NotThere(_) => "run `kubezero charts fetch`",
            Problem::WrongSum(..) => "somebody published it anew, or the file is damaged: `kubezero charts verify`",
            Problem::Unreadable(_) => "see that the cache can be read, or remove it and run `kubezero charts fetch`",
            Problem::NoChart(_) => "pin another version",
            Problem::NotRendered(_) => "mend the values, or pin a version of the chart that takes them",
        }
    }

    /// As a mistake.
    pub fn diagnostic(&self, pin: &Pin) -> Diagnostic {
        let message = format!("the chart `{} {}` {}", pin.name, pin.version, self.words());
        let diagnostic = match self {
            Problem::NotLocked => Diagnostic::new("chart-not-locked", message),
            Problem::NoSum => Diagnostic::new("chart-without-sum", message),
            Problem::NotThere(_) => Diagnostic::new("chart-not-there", message),
            Problem::WrongSum(..) => Diagnostic::new("chart-wrong-sum", message),
            Problem::Unreadable(_) => Diagnostic::new("chart-unreadable", message),
            Problem::NoChart(_) => Diagnostic::new("chart-broken", message),
            Problem::NotRendered(_) => Diagnostic::new("chart-not-rendered", message),
        };
        diagnostic.help(self.remedy())
    }
}

/// All that a chart makes, as it is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    made: Vec<Made>,
    left_out: Vec<String>,
}

/// An object that a chart makes, before it is known whether its kind has a namespace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Made {
    content: Json,
    template: String,
    hooks: Vec<String>,
}

/// An object that a chart makes.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartObject {
    /// Who it is. The namespace is that of the Application where the chart names none and the kind has one.
    pub identity: Identity,
    /// The object, as the chart has it.
    pub content: Json,
    /// The template or the file of `crds/` that made it.
    pub template: String,
    /// When Helm would run it, where it is a hook: `pre-install`.
    pub hooks: Vec<String>,
}

/// What a chart came to.
#[derive(Debug)]
pub struct ChartObjects {
    /// The archive.
    pub sha256: String,
    /// Every object, CRDs first, then in Helm's order, then hooks. Tests are left out, as Argo CD leaves them out.
    pub objects: Vec<ChartObject>,
    /// What is not among them, in words: `Pod web-test: a test of Helm's`.
    pub left_out: Vec<String>,
}

/// Scopes of kinds that charts and the catalogue do not say.
pub type Scopes<'s> = &'s dyn Fn(&str, &str) -> Option<bool>;

/// Renders charts, each archive parsed once and each request rendered once, however many repositories ask.
#[derive(Debug, Default)]
pub struct Charts {
    cache: Option<Box<dyn Archives>>,
    parsed: Memo<String, Arc<Prepared>>,
    rendered: Memo<[u8; 32], Arc<ChartObjects>>,
}

impl Charts {
    /// Charts out of a cache, beside what a repository brings itself.
    pub fn with_cache(cache: Box<dyn Archives>) -> Charts {
        Charts { cache: Some(cache), ..Charts::default() }
    }

    /// What a chart comes to.
    ///
    /// # Errors
    /// Where its archive is not at hand, is another one than the lock says, or does not render.
    pub fn objects(
        &self,
        lock: &Lock,
        vendored: &Vendored,
        request: &Request,
        scopes: Scopes<'_>,
    ) -> Result<Arc<ChartObjects>, Problem> {
        let sha256 = sum(lock, &request.pin)?;
        let key = request.key(sha256);
        self.rendered.get_or(key, || {
            let key = hex(&key);
            let recalled = self.cache.as_ref().and_then(|cache| cache.recall(&key));
            // What cannot be read is made again.
            let recalled = recalled.and_then(|bytes| Some((serde_json::from_slice::<Kept>(&bytes).ok()?, bytes.len())));
            let (kept, weight) = match recalled {
                Some(kept) => kept,
                None => {
                    let rendered = render(&*self.chart(lock, vendored, &request.pin)?, request)?;
                    let kept = gather(&rendered, request).map_err(Problem::NotRendered)?;
                    let bytes = serde_json::to_vec(&kept).unwrap_or_default();
                    if let Some(cache) = &self.cache {
                        cache.keep(&key, &bytes);
                    }
                    (kept, bytes.len())
                }
            };
            let objects = named(kept.made, request, scopes);
            let sha256 = sha256.to_owned();
            Ok((Arc::new(ChartObjects { sha256, objects, left_out: kept.left_out }), weight))
        })
    }

    /// What a chart, or one template of it, comes to with values that nobody has: nothing of it is kept.
    ///
    /// # Errors
    /// Where its archive is not at hand, is another one than the lock says, or does not render.
    pub fn probe(
        &self,
        lock: &Lock,
        vendored: &Vendored,
        request: &Request,
        only: Option<&str>,
        scopes: Scopes<'_>,
    ) -> Result<Vec<ChartObject>, Problem> {
        let chart = self.chart(lock, vendored, &request.pin)?;
        let options = Options {
            include_crds: request.crds && only.is_none(),
            only: only.map(str::to_owned),
            ..Options::default()
        };
        let rendered = render_with(&chart, request, &given(request)?, &options)?;
        Ok(named(gather(&rendered, request).map_err(Problem::NotRendered)?.made, request, scopes))
    }

    /// Which values of a request no template of its chart reads; none where that cannot be told for sure.
    ///
    /// # Errors
    /// Where its archive is not at hand, is another one than the lock says, or does not render.
    pub fn unread(&self, lock: &Lock, vendored: &Vendored, request: &Request) -> Result<Vec<Unread>, Problem> {
        let options = Options { trace: true, include_crds: request.crds, ..Options::default() };
        let values = given(request)?;
        let rendered = render_with(&*self.chart(lock, vendored, &request.pin)?, request, &values, &options)?;
        let reads = rendered.reads.filter(|reads| reads.complete());
        Ok(reads.map_or_else(Vec::new, |reads| reads.unread(&values)))
    }

    /// What Helm prints of a chart, without its tests.
    ///
    /// # Errors
    /// Where its archive is not at hand, is another one than the lock says, or does not render.
    pub fn print(&self, lock: &Lock, vendored: &Vendored, request: &Request) -> Result<String, Problem> {
        Ok(render(&*self.chart(lock, vendored, &request.pin)?, request)?.print_with(true, true))
    }

    /// A pinned chart.
    ///
    /// # Errors
    /// Where it is not at hand or cannot be read.
    pub fn chart(&self, lock: &Lock, vendored: &Vendored, pin: &Pin) -> Result<Arc<Prepared>, Problem> {
        let sha256 = sum(lock, pin)?;
        self.parsed.get_or(sha256.to_owned(), || {
            let (bytes, _) = self.archive(sha256, vendored)?;
            Chart::from_archive(&bytes, &Limits::default())
                .map(|chart| (Arc::new(Prepared::new(chart)), 0))
                .map_err(|error| Problem::NoChart(error.to_string()))
        })
    }

    /// The archive of a pinned chart, and whether it came with the repository.
    ///
    /// # Errors
    /// Where it is not at hand, or is another one than the lock says.
    pub fn archive_of(&self, lock: &Lock, vendored: &Vendored, pin: &Pin) -> Result<(Vec<u8>, bool), Problem> {
        self.archive(sum(lock, pin)?, vendored)
    }

    fn archive(&self, sha256: &str, vendored: &Vendored) -> Result<(Vec<u8>, bool), Problem> {
        let places = [(Some(vendored as &dyn Archives), true), (self.cache.as_deref(), false)];
        for (archives, is_vendored) in places.into_iter().filter_map(|(archives, own)| Some((archives?, own))) {
            let Some(bytes) = archives.read(sha256).map_err(|failure| Problem::Unreadable(whole(&failure)))? else {
                continue;
            };
            let found = hex(&Sha256::digest(&bytes));
            return match found == sha256 {
                true => Ok((bytes, is_vendored)),
                false => Err(Problem::WrongSum(sha256.to_owned(), found)),
            };
        }
        Err(Problem::NotThere(sha256.to_owned()))
    }
}

/// The sum that the lock has for a chart.
fn sum<'l>(lock: &'l Lock, pin: &Pin) -> Result<&'l str, Problem> {
    lock.get(pin).ok_or(Problem::NotLocked)?.sha256.as_deref().ok_or(Problem::NoSum)
}

/// So many bytes of JSON are kept in memory of what charts came to; what was made first goes first.
const MOST: usize = 128 << 20;

/// What was made before. Whoever comes first makes it, and the others wait; a problem is not kept.
#[derive(Debug)]
struct Memo<K, T>(Mutex<Entries<K, T>>);

#[derive(Debug)]
struct Entries<K, T> {
    known: HashMap<K, Place<T>>,
    /// In the order in which they were made, with the weight of each.
    made: VecDeque<(K, usize)>,
    weight: usize,
}

/// Locked by the one who makes it.
type Place<T> = Arc<Mutex<Option<T>>>;

impl<K, T> Default for Memo<K, T> {
    fn default() -> Self {
        Memo(Mutex::new(Entries { known: HashMap::new(), made: VecDeque::new(), weight: 0 }))
    }
}

impl<K: std::hash::Hash + Eq + Clone, T: Clone> Memo<K, T> {
    /// What `make` gives with its weight, unless it is known.
    fn get_or(&self, key: K, make: impl FnOnce() -> Result<(T, usize), Problem>) -> Result<T, Problem> {
        // A thread that panicked left whole entries behind.
        let entries = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = entries().known.entry(key.clone()).or_default().clone();
        let mut made = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = made.as_ref() {
            return Ok(made.clone());
        }
        let (new, weight) = make()?;
        *made = Some(new.clone());
        let mut entries = entries();
        entries.made.push_back((key, weight));
        entries.weight += weight;
        while entries.weight > MOST {
            let Some((oldest, weight)) = entries.made.pop_front() else { break };
            entries.known.remove(&oldest);
            entries.weight -= weight;
        }
        Ok(new)
    }
}

/// A failure with what the system said.
fn whole(failure: &Failure) -> String {
    format!("{failure}: {}", failure.source)
}

/// The values of a request.
fn given(request: &Request) -> Result<Value, Problem> {
    match request.values.as_str() {
        "" => Ok(Value::map::<&str, Value>([])),
        text => values::read(text).map_err(Problem::NotRendered),
    }
}

fn render(chart: &Prepared, request: &Request) -> Result<Rendered, Problem> {
    render_with(chart, request, &given(request)?, &Options { include_crds: request.crds, ..Options::default() })
}

fn render_with(chart: &Prepared, request: &Request, values: &Value, options: &Options) -> Result<Rendered, Problem> {
    let failed = |why: String| Problem::NotRendered(why);
    let mut capabilities = Capabilities::of(HELM).with_api_versions(request.api_versions.iter().cloned());
    if !request.kube_version.is_empty() {
        capabilities =
            capabilities.with_kube_version(&request.kube_version).map_err(|error| failed(error.to_string()))?;
    }
    let release = Release::new(request.release.as_str(), request.namespace.as_str());
    chart.render(values, &release, &capabilities, options).map_err(|error: RenderError| failed(error.to_string()))
}

/// Every object of what was rendered.
fn gather(rendered: &Rendered, request: &Request) -> Result<Kept, String> {
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    for crd in rendered.crds.iter().filter(|_| request.crds) {
        for document in documents(&crd.content()) {
            flat(read(document, &crd.path)?, &crd.path, &[], &mut found);
        }
    }
    for manifest in &rendered.manifests {
        flat(read(&manifest.content, &manifest.path)?, &manifest.path, &[], &mut found);
    }
    for hook in &rendered.hooks {
        if hook.events.iter().any(|event| event == "test") {
            left_out.push(format!("{} {}: a test of Helm's", hook.manifest.kind, hook.manifest.name));
            continue;
        }
        flat(read(&hook.manifest.content, &hook.manifest.path)?, &hook.manifest.path, &hook.events, &mut found);
    }
    left_out.extend(rendered.warnings.iter().filter(|warning| warning.contains("skipping unknown hook")).cloned());
    Ok(Kept { made: found, left_out })
}

/// Objects with who they are.
fn named(made: Vec<Made>, request: &Request, scopes: Scopes<'_>) -> Vec<ChartObject> {
    let own: BTreeMap<(String, String), bool> = made.iter().filter_map(|made| scope(&made.content)).collect();
    let is_namespaced = |identity: &Identity| {
        let of_chart = || own.get(&(identity.group.clone(), identity.kind.clone())).copied();
        let known = identity.is_namespaced().or_else(of_chart);
        // A kind that nobody knows has a namespace, as most have.
        known.or_else(|| scopes(&identity.group, &identity.kind)).unwrap_or(true)
    };
    let objects = made.into_iter().filter_map(|Made { content, template, hooks }| {
        let mut identity = identity(&content)?;
        match is_namespaced(&identity) {
            true if identity.namespace.is_empty() => identity.namespace.clone_from(&request.namespace),
            true => {}
            false => identity.namespace.clear(),
        }
        Some(ChartObject { identity, content, template, hooks })
    });
    objects.collect()
}

/// Who an object is, as far as it says so.
fn identity(object: &Json) -> Option<Identity> {
    let text = |path: &str| object.pointer(path).and_then(Json::as_str);
    let group = text("/apiVersion")?.rsplit_once('/').map_or("", |(group, _)| group);
    Some(Identity {
        group: group.to_owned(),
        kind: text("/kind")?.to_owned(),
        namespace: text("/metadata/namespace").unwrap_or_default().to_owned(),
        name: text("/metadata/name").or(text("/metadata/generateName"))?.to_owned(),
    })
}

/// The kind that a CustomResourceDefinition defines, and whether its objects have a namespace.
pub(super) fn scope(object: &Json) -> Option<((String, String), bool)> {
    let text = |path: &str| object.pointer(path).and_then(Json::as_str).map(str::to_owned);
    if text("/kind")? != "CustomResourceDefinition" {
        return None;
    }
    Some(((text("/spec/group")?, text("/spec/names/kind")?), text("/spec/scope")? == "Namespaced"))
}

/// The documents of a file of `crds/`, which Helm leaves in one piece.
fn documents(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut from, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            found.push(&text[from..at]);
            from = at + line.len();
        }
        at += line.len();
    }
    found.push(&text[from..]);
    found
}

/// A document as Argo CD reads it.
fn read(document: &str, path: &str) -> Result<Json, String> {
    let value = helm_render::yaml::unmarshal(document).map_err(|error| format!("{path}: {error}"))?;
    Ok(json(&value))
}

/// An object, or the objects of a list; nothing for an empty document.
fn flat(object: Json, path: &str, hooks: &[String], found: &mut Vec<Made>) {
    let is_list = object.get("kind").and_then(Json::as_str).is_some_and(|kind| kind.ends_with("List"));
    match object {
        Json::Object(mut map) if is_list && map.get("items").is_some_and(Json::is_array) => {
            if let Some(Json::Array(items)) = map.remove("items") {
                items.into_iter().for_each(|item| flat(item, path, hooks, found));
            }
        }
        Json::Object(map) if !map.is_empty() => {
            found.push(Made { content: Json::Object(map), template: path.to_owned(), hooks: hooks.to_vec() })
        }
        _ => {}
    }
}

/// A value of the engine as JSON. Whole numbers have no point.
pub fn json(value: &Value) -> Json {
    /// Whole numbers up to here are the same as a float64.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Nil | Value::Object(_) => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) | Value::Sized(value, _) => Json::from(*value),
        Value::Float(value) if value.fract() == 0.0 && value.abs() < EXACT => Json::from(*value as i64),
        Value::Float(value) => Json::from(*value),
        Value::String(text) => Json::from(text.as_ref()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(map) => {
            Json::Object(map.entries().iter().map(|(key, value)| (key.to_string(), json(value))).collect())
        }
    }
}
