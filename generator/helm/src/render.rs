//! From a chart, values, a release and what a cluster can do to objects, hooks and notes, and to what `helm template` prints.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use regex::Regex;

use crate::capabilities::Capabilities;
use crate::chart::schema::{self, Schemas};
use crate::chart::values::{ROOT, Tree, lookup_table};
use crate::chart::{Chart, ChartError, Files, clean_path, metadata_value, text, version};
use crate::engine::{HelmEngine, Parsed};
use crate::reads::{Reads, Tracer};
use crate::template::{self, Chance, Limits};
use crate::value::{Entries, Map, Of, Value};
use crate::yaml::{self, Head};

/// Whatever runs templates. All templates of a chart and its subcharts are parsed before the first is executed.
pub trait Engine {
    /// Takes a template in. What a later template defines stands in for what an earlier one defined under the same name.
    fn parse(&mut self, name: &str, text: &str) -> Result<(), EngineError>;

    /// Takes in all templates of a rendering, in this order. A mistake comes with the place of the file that has it.
    fn parse_all(&mut self, files: &[(&str, &Arc<[u8]>)]) -> Result<(), (usize, EngineError)> {
        for (at, (name, data)) in files.iter().enumerate() {
            self.parse(name, &text_of(data)).map_err(|error| (at, error))?;
        }
        Ok(())
    }

    /// Executes a template.
    fn execute(&mut self, name: &str, data: &Value) -> Result<String, EngineError>;

    /// Whether what would be made up by chance leaves a mark where it is printed, and is no mistake. Engines that know no such marks
    /// do as they do.
    fn allow_random(&mut self, _: bool) {}

    /// Executes a template, and notes which values it reads. None where the engine cannot.
    fn execute_traced(&mut self, _: &str, _: &Value, _: &mut Tracer) -> Option<Result<String, EngineError>> {
        None
    }
}

/// A template did not parse or execute.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EngineError {
    /// The message in the words of Go's text/template, from `template: ` on, with what led there.
    pub message: String,
    /// What `required` or `fail` said, where one of them stopped the rendering.
    pub said: Option<String>,
    /// The whole error as the engine has it.
    pub source: Option<Box<template::TemplateError>>,
}

/// What is installed, under which name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `.Release.Name`
    pub name: String,
    /// `.Release.Namespace`
    pub namespace: String,
    /// Whether it is an upgrade and no installation.
    pub upgrade: bool,
    /// `.Release.Revision`
    pub revision: i64,
}

impl Release {
    /// A first installation.
    pub fn new(name: impl Into<String>, namespace: impl Into<String>) -> Release {
        Release { name: name.into(), namespace: namespace.into(), upgrade: false, revision: 1 }
    }

    fn to_value(&self) -> Value {
        Value::map([
            ("Name", Value::from(self.name.as_str())),
            ("Namespace", self.namespace.as_str().into()),
            ("IsUpgrade", self.upgrade.into()),
            ("IsInstall", (!self.upgrade).into()),
            ("Revision", self.revision.into()),
            ("Service", "Helm".into()),
        ])
    }
}

/// What is rendered, and what is not.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether `crds/` is part of the manifest (`--include-crds`).
    pub include_crds: bool,
    /// Whether the notes of subcharts are notes too (`--render-subchart-notes`).
    pub subchart_notes: bool,
    /// Whether values are not checked against `values.schema.json` (`--skip-schema-validation`).
    pub skip_schema: bool,
    /// Whether it is noted which values templates read. Costs about three times the rest.
    pub trace: bool,
    /// Whether objects that have something in them that is made up by chance are given apart, where otherwise they are a mistake.
    pub allow_random: bool,
    /// The only template that is executed, `chart/templates/file.yaml`, where not all are (`--show-only`, but mistakes of the others
    /// do not show, and what they would change in the values stays as it is).
    pub only: Option<String>,
}

/// A document of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The template: `chart/templates/file.yaml`.
    pub path: String,
    /// The document, without what separates it from others.
    pub content: String,
    /// Its `apiVersion`; empty where it has none.
    pub api_version: String,
    /// Its `kind`; empty where it has none.
    pub kind: String,
    /// Its name; empty where it has none.
    pub name: String,
}

/// A document that Helm would run at its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The document.
    pub manifest: Manifest,
    /// When: `pre-install`, `test`, …
    pub events: Vec<String>,
    /// Lighter hooks run before heavier ones.
    pub weight: i64,
    /// `helm.sh/hook-delete-policy`
    pub delete_policies: Vec<String>,
    /// `helm.sh/hook-output-log-policy`
    pub output_log_policies: Vec<String>,
}

/// A file of `crds/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crd {
    /// Where it is: `chart/crds/file.yaml`.
    pub path: String,
    /// What it holds.
    pub data: Arc<[u8]>,
}

impl Crd {
    /// What it holds, as text.
    pub fn content(&self) -> Cow<'_, str> {
        text_of(&self.data)
    }
}

/// An object that Helm would make another one on each run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random {
    /// The template: `chart/templates/file.yaml`.
    pub path: String,
    /// The object, with `<random>` for what would be made up; none where chance decides what the template gives at all, so that
    /// nothing is known of its objects.
    pub manifest: Option<Manifest>,
    /// What makes it up.
    pub chances: Vec<Chance>,
}

/// What a chart gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rendered {
    /// The files of `crds/`, those of subcharts last; part of the manifest only where the options say so.
    pub crds: Vec<Crd>,
    /// The objects in the order in which Helm installs them.
    pub manifests: Vec<Manifest>,
    /// The hooks, in the order in which Helm prints them.
    pub hooks: Vec<Hook>,
    /// `NOTES.txt`
    pub notes: String,
    /// What Helm would have warned about.
    pub warnings: Vec<String>,
    /// What is another one on each run, and so is not among the objects and hooks, where the options allow it.
    pub random: Vec<Random>,
    /// Which values were read, where the options ask for it and the engine can tell.
    pub reads: Option<Reads>,
    include_crds: bool,
}

impl Rendered {
    /// What `helm template` prints.
    pub fn print(&self) -> String {
        self.print_with(true, false)
    }

    /// What `helm template` prints, without hooks (`--no-hooks`) or without tests (`--skip-tests`).
    pub fn print_with(&self, hooks: bool, skip_tests: bool) -> String {
        let crds: Vec<_> =
            self.crds.iter().filter(|_| self.include_crds).map(|crd| (&crd.path, crd.content())).collect();
        let crds = crds.iter().map(|(path, content)| (*path, &**content));
        let objects = self.manifests.iter().map(|one| (&one.path, one.content.as_str()));
        let shown = self.hooks.iter().filter(|_| hooks);
        let shown = shown.filter(|hook| !(skip_tests && hook.events.iter().any(|event| event == "test")));
        let shown = shown.map(|hook| (&hook.manifest.path, hook.manifest.content.as_str()));
        const AROUND: usize = "---\n# Source: \n\n".len();
        let all = crds.clone().chain(objects.clone()).chain(shown.clone());
        let length: usize = all.map(|(path, content)| path.len() + content.len() + AROUND).sum();
        let mut printed = String::with_capacity(length + 1);
        let put = |printed: &mut String, (path, content): (&String, &str)| {
            for part in ["---\n# Source: ", path, "\n", content, "\n"] {
                printed.push_str(part);
            }
        };
        crds.chain(objects).for_each(|one| put(&mut printed, one));
        // What comes before the hooks is trimmed. It begins with a dash.
        printed.truncate(printed.trim_end().len());
        printed.push('\n');
        shown.for_each(|one| put(&mut printed, one));
        printed
    }
}

/// A chart could not be rendered.
#[derive(Debug, Clone, PartialEq)]
pub enum RenderError {
    /// Something about the chart or its values, in Helm's words.
    Chart(ChartError),
    /// A template did not parse or execute.
    Template {
        /// Helm's message.
        message: String,
        /// What the engine said.
        error: Box<EngineError>,
    },
    /// What a template gave is no YAML.
    Yaml {
        /// Helm's message.
        message: String,
        /// The template.
        path: String,
        /// The document.
        content: String,
    },
}

impl fmt::Display for RenderError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RenderError::Chart(error) => error.fmt(to),
            RenderError::Template { message, .. } => to.write_str(message),
            RenderError::Yaml { message, .. } => {
                write!(to, "{message}\n\nUse --debug flag to render out invalid YAML")
            }
        }
    }
}

impl std::error::Error for RenderError {}

impl From<ChartError> for RenderError {
    fn from(error: ChartError) -> RenderError {
        RenderError::Chart(error)
    }
}

/// A template with the scope that it runs in. All templates of a chart run in the same one: what `set` puts into it stays.
struct Source {
    data: Arc<[u8]>,
    scope: Map,
    base: String,
}

/// A chart that is rendered many times: what does not depend on values, such as its parsed templates, is made when it is first
/// needed, and then shared by all renderings, on as many threads as there are.
///
/// ```
/// # use helm_render::{capabilities::{Capabilities, HelmVersion}, chart::{Chart, File, Limits}, render::*, value::Value};
/// let files = vec![
///     File::new("Chart.yaml", b"{apiVersion: v2, name: small, version: 1.0.0}"),
///     File::new("values.yaml", b"who: world"),
///     File::new("templates/greeting.yaml", b"kind: Greeting\nto: {{ .Values.who }}"),
/// ];
/// let chart = Prepared::new(Chart::from_files(files, &Limits::default())?);
/// let (release, capabilities) = (Release::new("one", "default"), Capabilities::of(HelmVersion::V4_2));
/// for who in ["world", "moon"] {
///     let values = Value::map([("who", who)]);
///     let rendered = chart.render(&values, &release, &capabilities, &Options::default())?;
///     assert_eq!(rendered.manifests[0].content, format!("kind: Greeting\nto: {who}"));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Prepared {
    chart: Arc<Chart>,
    limits: Limits,
    parsed: Arc<Parsed>,
    schemas: Schemas,
}

impl Prepared {
    /// Nothing is parsed yet: that is done when something is rendered for the first time.
    pub fn new(chart: impl Into<Arc<Chart>>) -> Prepared {
        Prepared::with_limits(chart, Limits::default())
    }

    /// The same with other bounds for each template that is executed.
    pub fn with_limits(chart: impl Into<Arc<Chart>>, limits: Limits) -> Prepared {
        Prepared { chart: chart.into(), limits, parsed: Arc::default(), schemas: Schemas::default() }
    }

    /// The chart.
    pub fn chart(&self) -> &Arc<Chart> {
        &self.chart
    }

    /// Renders the chart as [`render`] does.
    pub fn render(
        &self,
        values: &Value,
        release: &Release,
        capabilities: &Capabilities,
        options: &Options,
    ) -> Result<Rendered, RenderError> {
        let mut engine = HelmEngine::sharing(self.limits, Arc::clone(&self.parsed));
        render_with(&self.chart, values, release, capabilities, options, &self.schemas, &mut engine)
    }
}

/// Renders a chart once as `helm template` does. [`Prepared`] renders it more than once.
pub fn render(
    chart: &Arc<Chart>,
    values: &Value,
    release: &Release,
    capabilities: &Capabilities,
    options: &Options,
    engine: &mut dyn Engine,
) -> Result<Rendered, RenderError> {
    render_with(chart, values, release, capabilities, options, &Schemas::default(), engine)
}

fn render_with(
    chart: &Arc<Chart>,
    values: &Value,
    release: &Release,
    capabilities: &Capabilities,
    options: &Options,
    schemas: &Schemas,
    engine: &mut dyn Engine,
) -> Result<Rendered, RenderError> {
    let helm = capabilities.helm;
    if !is_release_name(&release.name) {
        return Err(ChartError::new(format!(
            "release name check failed: release name {:?}: invalid release name, must match regex {RELEASE_NAME} and the length must \
             not be longer than 53",
            release.name
        ))
        .into());
    }
    installable(chart, helm.is_v4())?;
    let mut tree = Tree::new(chart, values, helm)?;
    let merged = tree.render_values(values)?;
    if !options.skip_schema {
        let mistakes = schema::check(&tree, ROOT, &merged, schemas);
        if !mistakes.is_empty() {
            return Err(ChartError::new(format!(
                "values don't meet the specifications of the schema(s) in the following chart(s):\n{mistakes}"
            ))
            .into());
        }
    }
    let wanted = &chart.metadata.kube_version;
    if !wanted.is_empty() && !version::matches(wanted, &capabilities.kube_version.plain) {
        let has = &capabilities.kube_version.version;
        return Err(ChartError::new(format!(
            "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {has}"
        ))
        .into());
    }

    let mut sources = BTreeMap::new();
    let top = Scope { release: release.to_value(), capabilities: capabilities.to_value(), v4: helm.is_v4() };
    scopes(&tree, ROOT, &merged, &top, &mut sources);
    let mut tracer = options.trace.then(Tracer::new);
    if let Some(tracer) = &mut tracer {
        tracer.learn(&tree, &merged);
    }
    let mut names = parse(&sources, engine)?;
    if let Some(only) = &options.only {
        names.retain(|name| name == only);
    }
    engine.allow_random(options.allow_random);
    let mut random = Vec::new();
    let mut files =
        run(&names, &sources, helm.is_v4(), engine, &mut tracer, options.allow_random.then_some(&mut random))?;
    let reads = match tracer {
        Some(tracer) => Some(explored(&mut tree, &names, values, &top, tracer, engine)?),
        None => None,
    };

    let mut notes = Vec::new();
    let own_notes = clean_path(&format!("{}/templates/NOTES.txt", chart.name()));
    files.retain(|path, content| {
        let is_notes = path.ends_with("NOTES.txt");
        if is_notes && (options.subchart_notes || *path == own_notes) && !content.is_empty() {
            let text = std::mem::take(content);
            notes.push(template::marks(&text).map_or(text, |(plain, _)| plain));
        }
        !is_notes
    });

    let mut rendered = Rendered {
        crds: crds(&tree, ROOT),
        notes: notes.join("\n"),
        include_crds: options.include_crds,
        random,
        reads,
        ..Rendered::default()
    };
    for (path, content) in files {
        // Partials are gone already; a file of blanks is none.
        if !content.trim().is_empty() {
            for document in split(&content, helm.is_v4()) {
                match options.allow_random.then(|| template::marks(document)).flatten() {
                    Some((content, chances)) => rendered.random.push(random_object(&path, content, chances)),
                    None => sort_in(&path, document, &mut rendered)?,
                }
            }
        }
    }
    rendered.manifests.sort_by(|left, right| by_kind(&left.kind, &right.kind, helm.is_v4()));
    rendered.hooks.sort_by(|left, right| by_kind(&left.manifest.kind, &right.manifest.kind, helm.is_v4()));
    rendered.warnings.splice(0..0, chart.warnings.iter().cloned().chain(tree.warnings));
    Ok(rendered)
}

/// What Helm says that names of releases match.
const RELEASE_NAME: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

fn is_release_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part = |part: &str| {
        let bytes = part.as_bytes();
        bytes.iter().all(|byte| letter(*byte) || *byte == b'-')
            && bytes.first().is_some_and(|byte| letter(*byte))
            && bytes.last().is_some_and(|byte| letter(*byte))
    };
    name.len() <= 53 && name.split('.').all(part)
}

/// Whether a chart can be rendered by itself, and has what it says it needs.
fn installable(chart: &Chart, v4: bool) -> Result<(), ChartError> {
    if v4 && chart.metadata.api_version == "v3" {
        return Err(ChartError::new("invalid chart apiVersion"));
    }
    let kind = &chart.metadata.kind;
    if !matches!(kind.as_str(), "" | "application") {
        return Err(ChartError::new(format!("{kind} charts are not installable")));
    }
    let has = |name: &str| chart.dependencies.iter().any(|dependency| dependency.name() == name);
    let wanted = chart.metadata.dependencies.iter().flatten().map(|dependency| dependency.name.as_str());
    let missing: Vec<&str> = wanted.filter(|name| !has(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (an, build) = if v4 { ("an", "'helm dependency build'") } else { ("An", "`helm dependency build`") };
    Err(ChartError::new(format!(
        "{an} error occurred while checking for chart dependencies. You may need to run {build} to fetch missing dependencies: \
         found in Chart.yaml, but missing in charts/ directory: {}",
        missing.join(", ")
    )))
}

/// What all scopes share.
struct Scope {
    release: Value,
    capabilities: Value,
    v4: bool,
}

/// Bytes as text. To look whether they are text all along is many times faster than to look for where they are not.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Makes the scope of a chart and of those below it, and gathers their templates.
fn scopes(tree: &Tree, at: usize, values: &Map, top: &Scope, sources: &mut BTreeMap<String, Source>) -> Map {
    let node = &tree.nodes[at];
    let subcharts = Map::default();
    let scope: Entries = [
        ("Chart", metadata_value(&tree.metadata(at), node.parent.is_none(), top.v4)),
        ("Files", Value::Object(Arc::new(Files::new(&node.chart.files)))),
        ("Release", top.release.clone()),
        ("Capabilities", top.capabilities.clone()),
        ("Values", Value::Map(values.as_of(if top.v4 { Of::Values } else { Of::Anything }))),
        ("Subcharts", Value::Map(subcharts.clone())),
    ]
    .into_iter()
    .map(|(name, value)| (Arc::from(name), value))
    .collect();
    let map = Map::new(scope);
    for child in &node.children {
        let name = &tree.nodes[*child].name;
        let own = lookup_table(values, name).unwrap_or_default();
        let below = scopes(tree, *child, &own, top, sources);
        subcharts.set(name.as_str(), Value::Map(below));
    }
    let full = tree.full_path(at);
    for file in &node.chart.templates {
        let base = file.name.rsplit('/').next().unwrap_or_default();
        if node.chart.is_library() && !base.starts_with('_') {
            continue;
        }
        let source =
            Source { data: Arc::clone(&file.data), scope: map.clone(), base: clean_path(&format!("{full}/templates")) };
        sources.insert(clean_path(&format!("{full}/{}", file.name)), source);
    }
    map
}

/// Parses all templates, and gives the order in which they are executed: deeper files first, and among the equally deep the last by
/// name, so that what charts define wins over what their subcharts define.
fn parse(sources: &BTreeMap<String, Source>, engine: &mut dyn Engine) -> Result<Vec<String>, RenderError> {
    let mut names: Vec<&String> = sources.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse((name.matches('/').count(), name.as_str())));
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), &sources[*name].data)).collect();
    engine.parse_all(&files).map_err(|(at, error)| {
        let message = parse_message(files.get(at).map_or("", |file| file.0), &error.message);
        RenderError::Template { message, error: Box::new(error) }
    })?;
    Ok(names.into_iter().cloned().collect())
}

/// Executes the templates that are no partials.
fn run(
    names: &[String],
    sources: &BTreeMap<String, Source>,
    v4: bool,
    engine: &mut dyn Engine,
    tracer: &mut Option<Tracer>,
    mut random: Option<&mut Vec<Random>>,
) -> Result<BTreeMap<String, String>, RenderError> {
    let mut files = BTreeMap::new();
    for name in names.iter().filter(|name| !is_partial(name)) {
        let data = sources[name].data(name, v4);
        let traced = match tracer {
            Some(tracer) => engine.execute_traced(name, &data, tracer),
            None => None,
        };
        if traced.is_none() {
            *tracer = None;
        }
        let text = match traced.unwrap_or_else(|| engine.execute(name, &data)) {
            Ok(text) => text,
            Err(error) => {
                if let Some(random) = &mut random
                    && let Some(refusal) = error.source.as_ref().filter(|error| error.not_deterministic.is_some())
                {
                    let chances = vec![template::chance(refusal)];
                    random.push(Random { path: name.clone(), manifest: None, chances });
                    continue;
                }
                let message = execution_message(&error, v4);
                return Err(RenderError::Template { message, error: Box::new(error) });
            }
        };
        let text = template::without_no_value(text);
        files.insert(name.clone(), text);
    }
    Ok(files)
}

fn is_partial(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|base| base.starts_with('_'))
}

impl Source {
    /// What the template is executed on.
    fn data(&self, name: &str, v4: bool) -> Value {
        let of = if v4 { Of::Values } else { Of::Anything };
        let template = [("Name", name), ("BasePath", self.base.as_str())];
        let template = template.into_iter().map(|(key, value)| (Arc::from(key), value.into())).collect();
        self.scope.set("Template", Map::of(of, template).into());
        self.scope.as_of(of).into()
    }
}

/// How many steps all templates together may take where all branches are taken.
const EXPLORED: u64 = 10_000_000;

/// Runs all templates once more with all branches taken, and puts together what is known of reads.
fn explored(
    tree: &mut Tree,
    names: &[String],
    values: &Value,
    top: &Scope,
    mut read: Tracer,
    engine: &mut dyn Engine,
) -> Result<Reads, RenderError> {
    read.forget();
    let warnings = tree.warnings.clone();
    let merged = tree.render_values(values)?;
    let given = tree.render_values(values)?;
    let defaults = tree.render_values(&Value::Nil)?;
    tree.warnings = warnings;
    let mut could = Tracer::new();
    could.explores = true;
    could.left = EXPLORED;
    could.learn(tree, &merged);
    let mut sources = BTreeMap::new();
    scopes(tree, ROOT, &merged, top, &mut sources);
    for name in names.iter().filter(|name| !is_partial(name)) {
        // Mistakes are of branches that are not to be taken; that there were too many steps, the tracer knows.
        let _ = engine.execute_traced(name, &sources[name].data(name, top.v4), &mut could);
    }
    could.empty();
    Ok(Reads::new(tree, read, could, &given, defaults))
}

/// Helm's message for a template that does not parse.
fn parse_message(name: &str, message: &str) -> String {
    let parts: Vec<&str> = message.split(": ").collect();
    match parts.as_slice() {
        [_, place, .., last] => format!("parse error at ({place}): {last}"),
        [_, place] => format!("parse error at ({place}): {place}"),
        _ => format!("parse error in ({name}): {message}"),
    }
}

/// Helm's message for a template that does not execute.
fn execution_message(error: &EngineError, v4: bool) -> String {
    let message = &error.message;
    let mut parts = message.splitn(3, ": ");
    let (Some(_), Some(place), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return message.clone();
    };
    const START: &str = "HELM_ERR_START";
    const END: &str = "HELM_ERR_END";
    if let Some((_, after)) = rest.split_once(START)
        && let Some((said, _)) = after.rsplit_once(END)
    {
        return format!("execution error at ({place}): {said}");
    }
    if let Some(said) = &error.said {
        return format!("execution error at ({place}): {said}");
    }
    if v4 { trace(message).unwrap_or_else(|| message.clone()) } else { message.clone() }
}

/// The lines that Helm 4 makes of a message: place, what was executed, and what happened, from the outermost template inwards.
fn trace(message: &str) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = Some(message);
    while let Some(text) = rest {
        let text_after = text.strip_prefix("template: ")?;
        if text_after.starts_with("no template ") {
            lines.push(format!("{text}\n"));
            break;
        }
        let Some((place, after)) = text_after.split_once(": executing ") else {
            let (place, cause) = text_after.rsplit_once(": ")?;
            let cause = cause.split(" template:").next().unwrap_or(cause);
            lines.push(format!("{place}\n  {cause}\n"));
            break;
        };
        let (function, after) = after.strip_prefix('"')?.split_once('"')?;
        let (at, cause) = after.strip_prefix(" at <")?.split_once(">: ")?;
        let short = cause.split(" template:").next().unwrap_or(cause);
        let line = format!("{place}\n  executing \"{function}\" at <{at}>:\n    {short}\n");
        if lines.last() != Some(&line) {
            lines.push(line);
        }
        // What a function said is an error of its own, and has to be one of a template too.
        rest = match cause.strip_prefix("error calling ") {
            Some(called) => Some(called.split_once(": ")?.1),
            None => None,
        };
    }
    Some(lines.concat().trim().to_owned())
}

/// The files of `crds/`.
fn crds(tree: &Tree, at: usize) -> Vec<Crd> {
    let node = &tree.nodes[at];
    let manifest = |name: &str| {
        let extension = name.rsplit('/').next().and_then(|base| base.rsplit_once('.')).map_or("", |(_, end)| end);
        ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    };
    let own = node.chart.files.iter().filter(|file| file.name.starts_with("crds/") && manifest(&file.name));
    let mut all: Vec<Crd> = own
        .map(|file| Crd {
            path: clean_path(&format!("{}/{}", tree.full_path(at), file.name)),
            data: Arc::clone(&file.data),
        })
        .collect();
    for child in &node.children {
        all.extend(crds(tree, *child));
    }
    all
}

static SEPARATOR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?:^|(?-u:\s)*\n)---(?-u:\s)*").ok());

/// Splits what a template gave into documents.
fn split(content: &str, v4: bool) -> Vec<&str> {
    if v4 {
        return split_v4(content.trim_start());
    }
    let content = content.trim();
    let Some(separator) = &*SEPARATOR else { return vec![content] };
    separator.split(content).filter(|document| !document.is_empty()).map(str::trim).collect()
}

/// Helm 4 splits at lines that begin with three dashes, and takes the blanks after them away.
fn split_v4(content: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut start = 0;
    let first = content.starts_with("---").then_some(0);
    let others = memchr::memmem::find_iter(content.as_bytes(), "\n---").map(|newline| newline + 1);
    for line in first.into_iter().chain(others) {
        documents.push(&content[start..line]);
        start = content.len() - content[line + "---".len()..].trim_start_matches([' ', '\t']).len();
    }
    documents.push(&content[start..]);
    documents.into_iter().map(str::trim_start).filter(|document| !document.trim_end().is_empty()).collect()
}

const EVENTS: &[&str] = &[
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
];

/// Puts a document among the manifests or the hooks.
fn sort_in(path: &str, content: &str, rendered: &mut Rendered) -> Result<(), RenderError> {
    let failed = |error: String| RenderError::Yaml {
        message: format!("YAML parse error on {path}: {error}"),
        path: path.to_owned(),
        content: content.to_owned(),
    };
    let head = match yaml::head(content) {
        Some(head) => head,
        None => text::read(content).and_then(|value| head(&value)).map_err(failed)?,
    };
    let manifest = Manifest {
        path: path.to_owned(),
        content: content.to_owned(),
        api_version: head.api_version,
        kind: head.kind,
        name: head.name,
    };
    let Some(hook) = head.annotations.get("helm.sh/hook") else {
        rendered.manifests.push(manifest);
        return Ok(());
    };
    let list = |name: &str| -> Vec<String> {
        let Some(text) = head.annotations.get(name) else { return Vec::new() };
        text.split(',').map(|one| one.trim().to_lowercase()).collect()
    };
    let mut events = Vec::new();
    for event in list("helm.sh/hook") {
        match event.as_str() {
            "test-success" => events.push("test".to_owned()),
            known if EVENTS.contains(&known) => events.push(event),
            _ => {
                rendered.warnings.push(format!("info: skipping unknown hook: {hook:?}"));
                return Ok(());
            }
        }
    }
    let weight = head.annotations.get("helm.sh/hook-weight").and_then(|weight| weight.parse().ok()).unwrap_or(0);
    rendered.hooks.push(Hook {
        manifest,
        events,
        weight,
        delete_policies: list("helm.sh/hook-delete-policy"),
        output_log_policies: list("helm.sh/hook-output-log-policy"),
    });
    Ok(())
}

/// An object of which not all is known. What was to be made up may have been what makes it YAML.
fn random_object(path: &str, content: String, chances: Vec<Chance>) -> Random {
    let head = text::read(&content).and_then(|value| head(&value)).unwrap_or_default();
    let manifest =
        Manifest { path: path.to_owned(), content, api_version: head.api_version, kind: head.kind, name: head.name };
    Random { path: path.to_owned(), manifest: Some(manifest), chances }
}

/// What Helm looks at in a document.
pub(crate) fn head(value: &Value) -> Result<Head, String> {
    use crate::chart::{field, string};
    use crate::functions::json::kind;
    let wrong = |value: &Value, of: &str| {
        let got = kind(value);
        Err(format!("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {got} into Go {of}"))
    };
    let entries = match value {
        Value::Nil => return Ok(Head::default()),
        Value::Map(map) => map.entries(),
        other => return wrong(other, "value of type util.SimpleHead"),
    };
    let text = |entries: &Entries, name: &str, at: &str| {
        string(&field(entries, name), &format!("SimpleHead.{at}")).map(Option::unwrap_or_default)
    };
    let mut head = Head {
        api_version: text(&entries, "apiVersion", "apiVersion")?,
        kind: text(&entries, "kind", "kind")?,
        ..Head::default()
    };
    match field(&entries, "metadata") {
        Value::Nil => {}
        Value::Map(map) => {
            let metadata = map.entries();
            head.name = text(&metadata, "name", "metadata.name")?;
            match field(&metadata, "annotations") {
                Value::Nil => {}
                Value::Map(map) => {
                    for (key, value) in map.entries().iter() {
                        let value = string(value, "SimpleHead.metadata.annotations")?.unwrap_or_default();
                        head.annotations.insert(key.to_string(), value);
                    }
                }
                other => {
                    return wrong(&other, "struct field .metadata.annotations of type map[string]string");
                }
            }
        }
        other => {
            return wrong(
                &other,
                "struct field SimpleHead.metadata of type struct { Name string \"json:\\\"name\\\"\"; Annotations \
                 map[string]string \"json:\\\"annotations\\\"\" }",
            );
        }
    }
    Ok(head)
}

/// The order in which kinds are installed. What is not here comes last, by name of kind.
const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];
/// What Helm 4 has besides, at the end.
const WEBHOOKS: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

fn by_kind(left: &str, right: &str, v4: bool) -> std::cmp::Ordering {
    let place = |kind: &str| {
        let more = if v4 { WEBHOOKS } else { &[] };
        INSTALL_ORDER.iter().chain(more).position(|known| *known == kind)
    };
    match (place(left), place(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}
