//! Stage 1, load: which files exist and parse. It merges nothing and asks no meaning.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use helm_render::reads::Unread;
use helm_render::render::Prepared;
use rayon::prelude::*;

use super::charts::{ChartObject, ChartObjects, Charts, Problem, Request, VENDOR, Vendored};
use super::component::{self, BootstrapTemplate, Component, ComponentFiles};
use super::lock::{self, LOCK, Lock, Pin};
use super::rules::{self, Rule};
use super::source::{Found, Kind, Source};
use super::template::{TemplateName, Templates};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Origin, Sources};
use crate::values::facts::Facts;
use crate::values::schema::{Schema, list_words};
use crate::yaml::{self, Entry, Map, Node, Value};
use crate::{Error, Mistakes, Result, name};

/// Larger input files are refused: the largest sensible one, a values template, has a few dozen KiB.
const MAX_FILE: u64 = 1024 * 1024;

/// The folder of component modules.
pub const COMPONENTS: &str = "components";
/// The folder of overlays.
pub const ENVIRONMENTS: &str = "environments";
/// The layers inside it.
const LAYERS: &str = "environments/layers";
/// What the cloud made, in an environment's folder: ids and names that nobody could know before. Written by `ci/outputs`.
const OUTPUTS: &str = "outputs.yaml";
/// The schema of the `cluster` and `argocd` blocks.
const ENVIRONMENT_SCHEMA: &str = "environments/environment.schema.yaml";
/// What a schema cannot say about them.
const ENVIRONMENT_RULES: &str = "environments/rules.yaml";

/// Everything under `components/` and `environments/`, parsed once, shared by all environments.
#[derive(Debug)]
pub struct Repository {
    sources: Arc<Sources>,
    components: BTreeMap<String, Component>,
    templates: Templates,
    facts: Facts,
    layers: BTreeMap<String, Overlay>,
    environments: BTreeMap<String, Overlay>,
    all_environments: BTreeSet<String>,
    environment_schema: Schema,
    environment_rules: Vec<Rule>,
    secrets_form: Schema,
    overlay_form: Schema,
    lock: Lock,
    vendored: Vendored,
    charts: Arc<Charts>,
}

/// One overlay: a layer or an environment.
#[derive(Debug)]
pub struct Overlay {
    /// Name of its folder.
    pub name: String,
    /// Its main file.
    pub file: FileId,
    /// Layers below, in order, with their places.
    pub extends: Vec<(String, Origin)>,
    /// Everything but `extends`, with `components/<component>.yaml` files laid over it.
    pub values: Arc<Node>,
    /// Its files.
    pub inputs: Vec<String>,
}

/// Which environments a command is about.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// All of them.
    All,
    /// These; the others are listed but not read.
    Only(Vec<String>),
}

/// Which files count as inputs, before any is read.
struct Listing {
    found: Vec<Found>,
    /// Files among the environments' folders.
    stray: Vec<Found>,
    all_environments: BTreeSet<String>,
    /// The environments that were asked for, whether they exist or not.
    chosen: Vec<String>,
}

impl Listing {
    fn of(source: &dyn Source, wanted: &Wanted) -> Result<Listing> {
        let mut found = source.walk(COMPONENTS)?;
        // Test cases belong to the developer's tests, not to the platform.
        found.retain(|file| file.path.split('/').nth(2) != Some("tests"));
        // Archives are known by their sums, which the lock has.
        found.retain(|file| !file.path.strip_prefix(VENDOR).is_some_and(|rest| rest.starts_with('/')));
        found.extend(source.walk(LAYERS)?);
        let mut all_environments = BTreeSet::new();
        let mut folders = Vec::new();
        let mut stray = Vec::new();
        for entry in source.list(ENVIRONMENTS)? {
            match entry.kind {
                Kind::Folder if entry.name() == "layers" || entry.name().starts_with('.') => {}
                Kind::Folder => {
                    all_environments.insert(entry.name().to_owned());
                    folders.push(entry);
                }
                _ if entry.path == ENVIRONMENT_SCHEMA || entry.path == ENVIRONMENT_RULES => found.push(entry),
                _ if is_ignored(&entry) => {}
                _ => stray.push(entry),
            }
        }
        let chosen: Vec<String> = match wanted {
            Wanted::All => all_environments.iter().cloned().collect(),
            Wanted::Only(names) => names.clone(),
        };
        let is_chosen: BTreeSet<&str> = chosen.iter().map(String::as_str).collect();
        for folder in folders.iter().filter(|folder| is_chosen.contains(folder.name())) {
            found.extend(source.walk(&folder.path)?);
        }
        found.retain(|entry| !is_ignored(entry));
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Listing { found, stray, all_environments, chosen })
    }
}

/// The inputs as bytes: enough to tell whether anything was touched.
#[derive(Debug)]
pub struct Bytes {
    /// Every input file by its path, in order.
    pub files: Vec<(String, Vec<u8>)>,
    /// The environments that were asked for.
    pub chosen: Vec<String>,
    /// The names of all environments.
    pub all_environments: BTreeSet<String>,
}

impl Bytes {
    /// Reads all inputs and understands none; nothing where something about them is strange, and has to be said.
    pub fn read(source: &dyn Source, wanted: &Wanted) -> Result<Option<Bytes>> {
        let Listing { found, stray, all_environments, chosen } = Listing::of(source, wanted)?;
        let is_plain = |entry: &Found| entry.kind == Kind::File && entry.size <= MAX_FILE;
        if !stray.is_empty()
            || !found.iter().all(is_plain)
            || chosen.iter().any(|name| !all_environments.contains(name))
        {
            return Ok(None);
        }
        let read: Vec<_> = found.par_iter().map(|entry| source.read(&entry.path)).collect();
        let mut files = Vec::with_capacity(found.len());
        for (entry, bytes) in found.into_iter().zip(read) {
            files.push((entry.path, bytes?));
        }
        Ok(Some(Bytes { files, chosen, all_environments }))
    }
}

impl Repository {
    /// Reads a repository. All mistakes of all files are collected.
    pub fn load(source: &dyn Source, wanted: &Wanted) -> Result<Repository> {
        let mut mistakes = Diagnostics::new();
        let Listing { found, stray, all_environments, chosen } = Listing::of(source, wanted)?;
        for name in chosen.iter().filter(|name| !all_environments.contains(*name)) {
            mistakes.push(unknown_environment(name, &all_environments));
        }
        let mut reader = Reader::read(source, found, &mut mistakes)?;
        for entry in stray {
            let file = reader.sources.add(&entry.path, Arc::from(""));
            mistakes.push(stray_file(
                file,
                &entry.path,
                "environments are folders: `environments/<name>/environment.yaml`",
            ));
        }

        let component_form = embedded(include_str!("../schemas/component.schema.yaml"), None);
        let overlay_form = embedded(
            include_str!("../schemas/overlay.schema.yaml"),
            Some(include_str!("../schemas/component.schema.yaml")),
        );
        let rules_form = embedded(include_str!("../schemas/rules.schema.yaml"), None);
        let secrets_form = embedded(include_str!("../schemas/secrets.schema.yaml"), None);
        let lock_form = embedded(lock::FORM, None);
        let (Some(component_form), Some(overlay_form), Some(rules_form), Some(secrets_form), Some(lock_form)) =
            (component_form, overlay_form, rules_form, secrets_form, lock_form)
        else {
            // A test compiles them: this cannot happen in a build that passed.
            return Err(Error::Busy("the schemas inside the program do not compile".to_owned()));
        };

        let (components, mut templates) = reader.components(&component_form, &rules_form, &mut mistakes);
        let environment_rules = reader.rules(ENVIRONMENT_RULES, &rules_form, &mut templates, &mut mistakes);
        let facts = reader.facts(&mut mistakes);
        let lock = reader.lock(&lock_form, &mut mistakes);
        let known: BTreeSet<&str> = reader.component_folders();
        let layers = reader.overlays(LAYERS, "overlay.yaml", &overlay_form, &known, &mut mistakes);
        let environments = reader.overlays(ENVIRONMENTS, "environment.yaml", &overlay_form, &known, &mut mistakes);
        let environment_schema = reader.environment_schema(&mut mistakes);
        let sources = Arc::new(reader.sources);
        let vendored = vendored(source, &lock)?;
        if mistakes.is_empty() && all_environments.is_empty() && matches!(wanted, Wanted::All) {
            mistakes.push(
                Diagnostic::new("no-environment", "there is no environment to render")
                    .in_file(ENVIRONMENTS)
                    .help("make one: `kubezero new environment NAME`"),
            );
        }
        match environment_schema {
            Some(environment_schema) if mistakes.is_empty() => Ok(Repository {
                sources,
                components,
                templates,
                facts,
                layers,
                environments,
                all_environments,
                environment_schema,
                environment_rules,
                secrets_form,
                overlay_form,
                lock,
                vendored,
                charts: Arc::default(),
            }),
            _ => Err(Error::Mistakes(Mistakes { sources, diagnostics: mistakes.sorted() })),
        }
    }

    /// The texts that places point into.
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }

    /// The catalogue, by name.
    pub fn components(&self) -> &BTreeMap<String, Component> {
        &self.components
    }

    /// All compiled templates.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// What charts and custom resources are known to take.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// All layers, by name.
    pub fn layers(&self) -> &BTreeMap<String, Overlay> {
        &self.layers
    }

    /// The environments that were asked for.
    pub fn environments(&self) -> &BTreeMap<String, Overlay> {
        &self.environments
    }

    /// The names of all environments, read or not.
    pub fn all_environments(&self) -> &BTreeSet<String> {
        &self.all_environments
    }

    /// The schema of `cluster` and `argocd`.
    pub fn environment_schema(&self) -> &Schema {
        &self.environment_schema
    }

    /// What no environment may say.
    pub fn environment_rules(&self) -> &[Rule] {
        &self.environment_rules
    }

    /// The schema of what `secrets.yaml.hbs` gives.
    pub fn secrets_form(&self) -> &Schema {
        &self.secrets_form
    }

    /// The schema of overlay files.
    pub fn overlay_form(&self) -> &Schema {
        &self.overlay_form
    }

    /// Which archive each pinned chart is.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The repository with charts that others use too, and with the cache that those have.
    pub fn with_charts(mut self, charts: Arc<Charts>) -> Repository {
        self.charts = charts;
        self
    }

    /// What a chart comes to.
    ///
    /// # Errors
    /// Where its archive is not at hand, is another one than the lock says, or does not render.
    pub fn objects(&self, request: &Request) -> std::result::Result<Arc<ChartObjects>, Problem> {
        let scopes = |group: &str, kind: &str| self.facts.is_namespaced(group, kind);
        self.charts.objects(&self.lock, &self.vendored, request, &scopes)
    }

    /// What a chart, or one template of it, comes to with values that nobody has: nothing of it is kept.
    ///
    /// # Errors
    /// Where its archive is not at hand, is another one than the lock says, or does not render.
    pub fn probe(&self, request: &Request, only: Option<&str>) -> std::result::Result<Vec<ChartObject>, Problem> {
        let scopes = |group: &str, kind: &str| self.facts.is_namespaced(group, kind);
        self.charts.probe(&self.lock, &self.vendored, request, only, &scopes)
    }

    /// Which values of a request no template of its chart reads.
    ///
    /// # Errors
    /// Where its archive is not at hand, is another one than the lock says, or does not render.
    pub fn unread(&self, request: &Request) -> std::result::Result<Vec<Unread>, Problem> {
        self.charts.unread(&self.lock, &self.vendored, request)
    }

    /// The archive of a chart, and whether it came with the repository.
    ///
    /// # Errors
    /// Where it is not at hand, or is another one than the lock says.
    pub fn archive(&self, pin: &Pin) -> std::result::Result<(Vec<u8>, bool), Problem> {
        self.charts.archive_of(&self.lock, &self.vendored, pin)
    }

    /// A pinned chart.
    ///
    /// # Errors
    /// Where its archive is not at hand, is another one than the lock says, or cannot be read.
    pub fn chart(&self, pin: &Pin) -> std::result::Result<Arc<Prepared>, Problem> {
        self.charts.chart(&self.lock, &self.vendored, pin)
    }

    /// What Helm prints of a chart, without its tests.
    ///
    /// # Errors
    /// Where its archive is not at hand, is another one than the lock says, or does not render.
    pub fn print_chart(&self, request: &Request) -> std::result::Result<String, Problem> {
        self.charts.print(&self.lock, &self.vendored, request)
    }

    /// Turns mistakes of a later stage into an error that can draw them.
    pub fn mistakes(&self, diagnostics: Diagnostics) -> Error {
        Error::Mistakes(Mistakes { sources: self.sources.clone(), diagnostics: diagnostics.sorted() })
    }
}

/// The archives that came with the repository, of the charts that it locks.
fn vendored(source: &dyn Source, lock: &Lock) -> Result<Vendored> {
    let sums = lock.charts().values().filter_map(|locked| locked.sha256.as_deref()?.get(..12));
    let sums: BTreeSet<&str> = sums.collect();
    let mut found = Vec::new();
    for entry in source.list(VENDOR)?.into_iter().filter(|entry| entry.kind == Kind::File) {
        let short = entry.name().strip_suffix(".tgz").and_then(|name| name.rsplit_once('-')).map(|(_, short)| short);
        if let Some(short) = short.filter(|short| sums.contains(short)) {
            found.push((short.to_owned(), entry));
        }
    }
    let read: Vec<_> = found.par_iter().map(|(_, entry)| source.read(&entry.path)).collect();
    let mut vendored = Vendored::default();
    for ((short, _), bytes) in found.into_iter().zip(read) {
        vendored.0.insert(short, bytes?);
    }
    Ok(vendored)
}

/// A schema inside the program, optionally with the definitions of another one.
pub fn embedded(text: &str, definitions: Option<&str>) -> Option<Schema> {
    let file = FileId(u32::MAX);
    let mut node = yaml::parse(file, text).ok()?;
    if let (Some(definitions), Value::Map(root)) = (definitions, &mut node.value) {
        let donor = yaml::parse(file, definitions).ok()?;
        let mut merged: Map = donor.get("$defs")?.as_map()?.clone();
        let own = root.get("$defs")?.node.as_map()?.clone();
        merged.extend(own);
        let entry = root.get_mut("$defs")?;
        *entry = Entry { key_at: entry.key_at, node: Arc::new(Node::new(Value::Map(merged), entry.key_at)) };
    }
    Schema::compile(file, node).ok()
}

fn unknown_environment(name: &str, known: &BTreeSet<String>) -> Diagnostic {
    let words: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut diagnostic = Diagnostic::new("unknown-environment", format!("there is no environment `{name}`"))
        .did_you_mean(name, words.iter().copied());
    if diagnostic.help.is_empty() {
        diagnostic = match words.len() {
            0 => diagnostic.help("there is none yet: `kubezero new environment NAME`"),
            1..=12 => diagnostic.help(format!("environments: {}", list_words(&words))),
            count => diagnostic.help(format!("there are {count}: `kubezero environments` lists them")),
        };
    }
    diagnostic
}

fn stray_file(file: FileId, path: &str, help: &str) -> Diagnostic {
    Diagnostic::new("stray-file", format!("`{path}` belongs to nothing")).at(Origin::start_of(file), "").help(help)
}

/// What editors, systems and people leave beside the files that count.
fn is_ignored(found: &Found) -> bool {
    let name = found.name();
    name.starts_with('.') || name.ends_with(".md") || name.ends_with('~') || matches!(name, "CODEOWNERS" | "OWNERS")
}

/// All files with their texts, before they mean anything.
struct Reader {
    sources: Sources,
    /// Paths in order, with the index of each.
    files: BTreeMap<String, FileId>,
    /// YAML files that parsed.
    parsed: BTreeMap<FileId, Arc<Node>>,
}

impl Reader {
    fn read(source: &dyn Source, found: Vec<Found>, mistakes: &mut Diagnostics) -> Result<Reader> {
        let mut sources = Sources::default();
        let mut files = BTreeMap::new();
        let readable = found;
        let texts: Vec<_> = readable
            .par_iter()
            .map(|entry| match entry.kind {
                Kind::File if entry.size <= MAX_FILE => source.read(&entry.path).map(Some),
                _ => Ok(None),
            })
            .collect();
        for (entry, bytes) in readable.iter().zip(texts) {
            let refused = |mistakes: &mut Diagnostics, sources: &mut Sources, diagnostic: Diagnostic| {
                let file = sources.add(&entry.path, Arc::from(""));
                mistakes.push(diagnostic.at(Origin::start_of(file), ""));
            };
            let Some(bytes) = bytes? else {
                let diagnostic = match entry.kind {
                    Kind::Link => Diagnostic::new("symlink", format!("`{}` is a symbolic link", entry.path))
                        .help("inputs are plain files of this repository: replace the link by the file it points to"),
                    Kind::File => Diagnostic::new(
                        "file-too-large",
                        format!("`{}` has {} bytes, at most {MAX_FILE} are read", entry.path, entry.size),
                    )
                    .help("split it, or move data that is not configuration elsewhere"),
                    _ => Diagnostic::new("not-a-file", format!("`{}` is not a regular file", entry.path))
                        .help("remove it"),
                };
                refused(mistakes, &mut sources, diagnostic);
                continue;
            };
            match String::from_utf8(bytes) {
                Ok(text) => {
                    let file = sources.add(&entry.path, Arc::from(text));
                    files.insert(entry.path.clone(), file);
                }
                Err(error) => {
                    let valid = error.utf8_error().valid_up_to();
                    let text = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
                    let line = text.matches('\n').count() as u32 + 1;
                    let column = text.rsplit('\n').next().unwrap_or("").chars().count() as u32 + 1;
                    let file = sources.add(&entry.path, Arc::from(text));
                    mistakes.push(
                        Diagnostic::new("invalid-utf8", format!("`{}` is not valid UTF-8", entry.path))
                            .at(Origin { file, line, column }, "the first wrong byte is here")
                            .help("save it as UTF-8"),
                    );
                }
            }
        }
        let yaml_files: Vec<(&String, FileId)> =
            files.iter().filter(|(path, _)| path.ends_with(".yaml")).map(|(path, file)| (path, *file)).collect();
        let trees: Vec<_> = yaml_files.par_iter().map(|(_, file)| yaml::parse(*file, sources.text(*file))).collect();
        let mut parsed = BTreeMap::new();
        for ((_, file), tree) in yaml_files.iter().zip(trees) {
            match tree {
                Ok(node) => {
                    parsed.insert(*file, Arc::new(node));
                }
                Err(diagnostic) => mistakes.push(*diagnostic),
            }
        }
        Ok(Reader { sources, files, parsed })
    }

    fn component_folders(&self) -> BTreeSet<&str> {
        self.files
            .keys()
            .filter_map(|path| path.strip_prefix("components/")?.split_once('/'))
            .map(|(folder, _)| folder)
            .filter(|folder| !matches!(*folder, "partials" | "facts"))
            .collect()
    }

    /// `components/facts/**`, and what a component brings in a folder `facts` of its own.
    fn facts(&self, mistakes: &mut Diagnostics) -> Facts {
        let mut facts = Facts::default();
        let below = |path: &str, shared: bool| {
            let (folder, inside) = path.strip_prefix("components/")?.split_once('/')?;
            let inside = if shared { Some(inside) } else { inside.strip_prefix("facts/") };
            inside.filter(|_| (folder == "facts") == shared && folder != "partials").map(str::to_owned)
        };
        // Those of the repository come first.
        for shared in [true, false] {
            for (path, &file) in &self.files {
                let Some(inside) = below(path, shared) else { continue };
                if !facts.add(&inside, path, file, self.sources.shared_text(file)) {
                    mistakes.push(stray_file(
                        file,
                        path,
                        "facts are `charts/<chart>-<version>.facts` and `kinds/<group>.facts`",
                    ));
                }
            }
        }
        facts
    }

    /// The chart lock, which need not exist.
    fn lock(&self, form: &Schema, mistakes: &mut Diagnostics) -> Lock {
        match self.files.get(LOCK) {
            Some(&file) => Lock::read(file, self.sources.text(file), form, mistakes),
            None => Lock::default(),
        }
    }

    /// The rules of one file, which need not exist.
    fn rules(&self, path: &str, form: &Schema, templates: &mut Templates, mistakes: &mut Diagnostics) -> Vec<Rule> {
        let file = self.files.get(path).copied();
        match file.and_then(|file| Some((file, self.parsed.get(&file)?))) {
            Some((file, node)) => rules::read(file, path, node, form, templates, mistakes),
            None => Vec::new(),
        }
    }

    fn components(
        &self,
        form: &Schema,
        rules_form: &Schema,
        mistakes: &mut Diagnostics,
    ) -> (BTreeMap<String, Component>, Templates) {
        let mut folders: BTreeMap<&str, ComponentFiles> = BTreeMap::new();
        let mut to_compile: Vec<(String, FileId, bool)> = Vec::new();
        let mut partials = Vec::new();
        for (path, &file) in &self.files {
            let Some(rest) = path.strip_prefix("components/") else { continue };
            let Some((folder, inside)) = rest.split_once('/') else {
                if rest != "charts.lock" {
                    mistakes.push(stray_file(file, path, "components are folders: `components/<name>/component.yaml`"));
                }
                continue;
            };
            if folder == "partials" {
                match inside.strip_suffix(".hbs") {
                    Some(name) => {
                        to_compile.push((name.to_owned(), file, true));
                        partials.push(path.clone());
                    }
                    None => mistakes.push(stray_file(file, path, "partials are `components/partials/<name>.hbs`")),
                }
                continue;
            }
            // Facts are read elsewhere.
            if folder == "facts" || inside.starts_with("facts/") {
                continue;
            }
            let files = folders.entry(folder).or_default();
            let template = || TemplateName { path: path.clone(), file };
            match inside {
                "component.yaml" | "settings.schema.yaml" | "rules.yaml" => {}
                "secrets.yaml.hbs" => files.secrets = Some(template()),
                "namespace.yaml.hbs" => files.namespace = Some(template()),
                "values.yaml.hbs" => files.values = Some(template()),
                _ if inside.starts_with("values/") && inside.ends_with(".yaml.hbs") => {
                    let key = inside.trim_start_matches("values/").trim_end_matches(".yaml.hbs");
                    files.values_by_chart.insert(key.to_owned(), template());
                }
                _ if inside.starts_with("manifests/") && inside.ends_with(".yaml.hbs") => {
                    files.manifests.push(template());
                }
                _ if inside.starts_with("bootstrap/") && inside.ends_with(".hbs") => {
                    let target = inside.trim_start_matches("bootstrap/").trim_end_matches(".hbs");
                    files.bootstrap.push(BootstrapTemplate { path: target.to_owned(), template: template() });
                }
                _ => {
                    mistakes.push(stray_file(
                        file,
                        path,
                        "a component has component.yaml, settings.schema.yaml, rules.yaml, values.yaml.hbs or values/<chart>.yaml.hbs, manifests/*.yaml.hbs, secrets.yaml.hbs, namespace.yaml.hbs, bootstrap/**.hbs, facts/, README.md and tests/",
                    ));
                    continue;
                }
            }
            if inside.ends_with(".hbs") {
                to_compile.push((path.clone(), file, false));
            }
            files.inputs.push(path.clone());
        }

        let compiled: Vec<_> = to_compile
            .par_iter()
            .map(|(name, file, _)| Templates::compile(name, *file, self.sources.text(*file)))
            .collect();
        let mut templates = Templates::new();
        for ((name, file, is_partial), template) in to_compile.iter().zip(compiled) {
            match template {
                Ok(template) => templates.add(name, *file, template, *is_partial),
                Err(diagnostic) => mistakes.push(*diagnostic),
            }
        }

        let mut components = BTreeMap::new();
        for (folder, mut files) in folders {
            let path = format!("components/{folder}/component.yaml");
            if let Err(why) = name::label(folder) {
                let at = self.files.get(&files.inputs[0]).copied().unwrap_or_default();
                mistakes.push(bad_name("component", folder, why, at));
            }
            let Some(&file) = self.files.get(&path) else {
                let at = files.inputs.first().and_then(|path| self.files.get(path)).copied().unwrap_or_default();
                mistakes.push(
                    Diagnostic::new("missing-file", format!("the component `{folder}` has no component.yaml"))
                        .at(Origin::start_of(at), "")
                        .help("`kubezero new component NAME` makes a folder that renders at once"),
                );
                continue;
            };
            let Some(node) = self.parsed.get(&file) else { continue };
            let Some(schema) = self.settings_schema(folder, mistakes) else { continue };
            if !files.inputs.is_empty() {
                files.inputs.extend(partials.iter().cloned());
                files.inputs.sort();
            }
            if let Some(mut component) = component::read(folder, file, node, form, schema, files, mistakes) {
                let path = format!("components/{folder}/rules.yaml");
                component.rules = self.rules(&path, rules_form, &mut templates, mistakes);
                components.insert(folder.to_owned(), component);
            }
        }
        (components, templates)
    }

    fn settings_schema(&self, folder: &str, mistakes: &mut Diagnostics) -> Option<Schema> {
        let path = format!("components/{folder}/settings.schema.yaml");
        let Some(&file) = self.files.get(&path) else {
            // No schema: no settings.
            return embedded("{type: object, additionalProperties: false, properties: {}}", None);
        };
        let node = self.parsed.get(&file)?;
        match Schema::compile(file, node.as_ref().clone()) {
            Ok(schema) => Some(schema),
            Err(diagnostic) => {
                mistakes.push(*diagnostic);
                None
            }
        }
    }

    fn environment_schema(&self, mistakes: &mut Diagnostics) -> Option<Schema> {
        let Some(&file) = self.files.get(ENVIRONMENT_SCHEMA) else {
            mistakes.push(
                Diagnostic::new("missing-file", format!("`{ENVIRONMENT_SCHEMA}` is missing"))
                    .in_file(ENVIRONMENT_SCHEMA)
                    .help("it declares the `cluster` and `argocd` blocks; `kubezero init DIR` makes a repository that has one"),
            );
            return None;
        };
        let node = self.parsed.get(&file)?;
        match Schema::compile(file, node.as_ref().clone()) {
            Ok(schema) => Some(schema),
            Err(diagnostic) => {
                mistakes.push(*diagnostic);
                None
            }
        }
    }

    fn overlays(
        &self,
        folder: &str,
        main: &str,
        form: &Schema,
        components: &BTreeSet<&str>,
        mistakes: &mut Diagnostics,
    ) -> BTreeMap<String, Overlay> {
        let prefix = format!("{folder}/");
        let mut groups: BTreeMap<&str, Vec<(&str, FileId)>> = BTreeMap::new();
        for (path, &file) in self.files.range(prefix.clone()..) {
            let Some(rest) = path.strip_prefix(&prefix) else { break };
            if folder == ENVIRONMENTS && rest.starts_with("layers/") {
                continue;
            }
            let Some((name, inside)) = rest.split_once('/') else {
                if path != ENVIRONMENT_SCHEMA && path != ENVIRONMENT_RULES {
                    mistakes.push(stray_file(file, path, &format!("overlays are folders: `{folder}/<name>/{main}`")));
                }
                continue;
            };
            groups.entry(name).or_default().push((inside, file));
        }
        let read: Vec<(String, Option<Overlay>, Diagnostics)> = groups
            .into_par_iter()
            .map(|(name, files)| {
                let mut mistakes = Diagnostics::new();
                let overlay = self.overlay(folder, name, &files, main, form, components, &mut mistakes);
                (name.to_owned(), overlay, mistakes)
            })
            .collect();
        let mut overlays = BTreeMap::new();
        let mut folded: BTreeMap<String, String> = BTreeMap::new();
        for (name, overlay, found) in read {
            mistakes.append(found);
            if let Some(overlay) = overlay {
                if let Some(other) = folded.insert(name.to_lowercase(), name.clone()) {
                    mistakes.push(
                        Diagnostic::new("name-collision", format!("`{name}` and `{other}` differ only in case"))
                            .at(Origin::start_of(overlay.file), "")
                            .help("on some file systems they are one folder: rename one"),
                    );
                }
                overlays.insert(name, overlay);
            }
        }
        overlays
    }

    #[expect(clippy::too_many_arguments, reason = "one overlay needs exactly these, and they are named")]
    fn overlay(
        &self,
        folder: &str,
        name: &str,
        files: &[(&str, FileId)],
        main: &str,
        form: &Schema,
        components: &BTreeSet<&str>,
        mistakes: &mut Diagnostics,
    ) -> Option<Overlay> {
        let first = files.first().map_or_else(FileId::default, |(_, file)| *file);
        if let Err(why) = name::label(name) {
            mistakes.push(bad_name(if folder == LAYERS { "layer" } else { "environment" }, name, why, first));
        }
        let mut document: Option<(FileId, Arc<Node>)> = None;
        let mut entries: Vec<(&str, FileId, Arc<Node>)> = Vec::new();
        let mut outputs: Option<(FileId, Arc<Node>)> = None;
        for (inside, file) in files {
            let component = inside.strip_prefix("components/").and_then(|rest| rest.strip_suffix(".yaml"));
            match (component, self.parsed.get(file)) {
                _ if *inside == main => match self.parsed.get(file) {
                    Some(node) => document = Some((*file, node.clone())),
                    None => return None,
                },
                (Some(component), Some(node)) if !component.contains('/') => {
                    entries.push((component, *file, node.clone()))
                }
                (Some(_), None) => {}
                _ if folder == ENVIRONMENTS && *inside == OUTPUTS => {
                    outputs = self.parsed.get(file).map(|node| (*file, node.clone()));
                }
                _ => mistakes.push(stray_file(
                    *file,
                    self.sources.path(*file),
                    &match folder {
                        ENVIRONMENTS => format!("an environment has {main}, components/<component>.yaml and {OUTPUTS}"),
                        _ => format!("a layer has {main} and components/<component>.yaml"),
                    },
                )),
            }
        }
        let Some((file, document)) = document else {
            mistakes.push(
                Diagnostic::new("missing-file", format!("`{folder}/{name}` has no {main}"))
                    .at(Origin::start_of(first), "")
                    .help(format!("make one, or move the folder out of `{folder}`")),
            );
            return None;
        };

        let mut values = document.clone();
        for (component, entry_file, node) in &entries {
            values = with_entry(&values, component, *entry_file, node, mistakes);
        }
        if let Some((_, node)) = &outputs {
            if let Some(at) = node.key_origin("extends") {
                mistakes.push(
                    Diagnostic::new("unknown-key", format!("`{OUTPUTS}` cannot extend a layer"))
                        .at(at, "")
                        .help(format!("it holds what the cloud made, over everything else: move `extends` to {main}")),
                );
            }
            values = crate::values::overlay::lay(&values, node, mistakes);
        }
        let before = mistakes.len();
        form.check(Some(&values), "", Some(Origin::start_of(file)), mistakes);
        for (key, entry) in values.get("components").and_then(|n| n.as_map()).into_iter().flatten() {
            if !components.contains(key.as_ref()) {
                let mut diagnostic = Diagnostic::new("unknown-component", format!("there is no component `{key}`"))
                    .at(entry.key_at, "")
                    .did_you_mean(key, components.iter().copied());
                if diagnostic.help.is_empty() {
                    diagnostic = diagnostic.help("`kubezero components` lists them");
                }
                mistakes.push(diagnostic);
            }
            if entry.node.value == Value::Null {
                mistakes.push(
                    Diagnostic::new("empty-component", format!("`components.{key}` says nothing"))
                        .at(entry.key_at, "")
                        .help(format!(
                            "write `{key}: {{}}` to switch it on, or `{key}: {{enabled: false}}` to switch it off"
                        )),
                );
            }
        }
        if mistakes.len() > before {
            return None;
        }

        let extends = values
            .get("extends")
            .and_then(|n| n.as_list())
            .unwrap_or_default()
            .iter()
            .filter_map(|item| Some((item.as_str()?.to_owned(), item.origin()?)))
            .collect();
        let values = match &values.value {
            Value::Map(map) => {
                let mut map = map.clone();
                map.remove("extends");
                Arc::new(Node { value: Value::Map(map), origins: values.origins.clone() })
            }
            _ => values,
        };
        let mut inputs: Vec<String> = vec![self.sources.path(file).to_owned()];
        inputs.extend(entries.iter().map(|(_, file, _)| self.sources.path(*file).to_owned()));
        inputs.extend(outputs.iter().map(|(file, _)| self.sources.path(*file).to_owned()));
        Some(Overlay { name: name.to_owned(), file, extends, values, inputs })
    }
}

/// Lays a component's own file over the overlay that it belongs to.
fn with_entry(
    values: &Arc<Node>,
    component: &str,
    file: FileId,
    node: &Arc<Node>,
    mistakes: &mut Diagnostics,
) -> Arc<Node> {
    let origin = Origin::start_of(file);
    let wrap = |key: &str, node: Arc<Node>| {
        let map: Map = [(Arc::from(key), Entry { key_at: origin, node })].into_iter().collect();
        Arc::new(Node::new(Value::Map(map), origin))
    };
    let over = wrap("components", wrap(component, node.clone()));
    crate::values::overlay::lay(values, &over, mistakes)
}

fn bad_name(what: &str, name: &str, why: &str, file: FileId) -> Diagnostic {
    Diagnostic::new("bad-name", format!("the {what} name `{name}` {why}"))
        .at(Origin::start_of(file), "")
        .help("names are DNS labels: lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit")
}
