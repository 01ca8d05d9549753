//! Why something changes: the input lines behind it, on both sides, those first that were edited.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use similar::{Algorithm, DiffOp};

use super::View;
use super::group::Group;
use super::model::{Action, Cause, Exception, Line, Object};
use super::secret;
use super::tree::Raw;
use crate::diagnostic::{FileId, Origin};
use crate::objects::manifest::Identity;
use crate::pipeline::lock::LOCK;
use crate::pipeline::plan::{Content, NAMESPACES};
use crate::pipeline::probe;
use crate::pipeline::render::{ROOT, RenderedTree};
use crate::pipeline::trace;
use crate::values::edit::{Edit, Segment};
use crate::yaml::Node;

/// More causes than this explain nothing.
const MOST: usize = 4;

/// The two sides of the inputs, and which of their lines differ.
#[derive(Debug)]
pub struct Causes<'v> {
    base: Option<View<'v>>,
    head: Option<View<'v>>,
    files: BTreeMap<String, Lines>,
    /// The files of both sides by path.
    ids: [BTreeMap<&'v str, FileId>; 2],
    /// What was found out about Applications that change in several ways, by environment and name.
    tried: Mutex<BTreeMap<(String, String), Tried>>,
}

/// Filled by the first who asks.
type Tried = Arc<OnceLock<Option<Reached>>>;

/// Which changes of an Application reach which object of its chart.
#[derive(Debug)]
struct Reached {
    /// The paths of the changes in the Application.
    paths: Vec<Vec<Segment>>,
    /// For each object those that reach it.
    objects: BTreeMap<Object, Vec<usize>>,
}

/// More changes of one Application than these are not tried one by one.
const MOST_TRIED: usize = 64;

/// What differs in one input file.
#[derive(Debug, Default)]
struct Lines {
    /// Changed lines before, each with the line that took its place.
    before: BTreeMap<u32, Option<u32>>,
    /// Changed lines after, each with the line whose place it took.
    after: BTreeMap<u32, Option<u32>>,
}

/// Before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Base,
    Head,
}

/// Lines that a value comes from, the nearest first.
type Origins = Vec<(Which, Origin)>;

impl<'v> Causes<'v> {
    /// Compares the inputs line by line.
    pub fn between(base: Option<View<'v>>, head: Option<View<'v>>) -> Causes<'v> {
        let texts = |view: Option<View<'v>>| -> BTreeMap<&'v str, &'v str> {
            let files = view.into_iter().flat_map(|view| view.repository.sources().iter());
            files.map(|(_, file)| (file.path.as_ref(), file.text.as_ref())).collect()
        };
        let (old, new) = (texts(base), texts(head));
        let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
        let files = names
            .into_iter()
            .filter(|name| old.get(name) != new.get(name))
            .map(|name| (name.to_owned(), Lines::between(old.get(name).copied(), new.get(name).copied())))
            .collect();
        let ids = [base, head].map(|view| {
            let files = view.into_iter().flat_map(|view| view.repository.sources().iter());
            files.map(|(id, file)| (file.path.as_ref(), id)).collect()
        });
        Causes { base, head, files, ids, tried: Mutex::default() }
    }

    /// Paths of the input files that differ.
    pub fn changed_files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The lines of a file that are new or other than before; the lines that are gone where it has none of those.
    pub fn changed_lines(&self, file: &str) -> Vec<Cause> {
        let Some(lines) = self.files.get(file) else { return Vec::new() };
        let after = lines.after.iter().map(|(line, before)| (*before, Some(*line)));
        let gone = lines.before.iter().filter(|(_, after)| after.is_none()).map(|(line, _)| (Some(*line), None));
        let pairs = after.chain(gone);
        let mut causes: Vec<Cause> = pairs
            .map(|(before, after)| Cause {
                before: before.and_then(|line| self.line(Which::Base, file, line)),
                after: after.and_then(|line| self.line(Which::Head, file, line)),
                edited: true,
            })
            .collect();
        // Comments and empty lines are hardly ever the reason.
        causes.sort_by_key(|cause| {
            let mut texts = [&cause.after, &cause.before].into_iter().flatten().map(|line| line.text.as_str());
            texts.all(|text| text.is_empty() || text.starts_with('#') || text.starts_with("{{!"))
        });
        causes
    }

    /// Fills in the causes of an item and of its edits, and why an edit is not everywhere.
    pub fn explain(&self, group: &mut Group, raws: &[Raw]) {
        let Some(first) = group.members.first().map(|member| &raws[*member]) else { return };
        group.item.causes = match &first.chart {
            Some(_) => self.of_chart(first, raws),
            None => self.of_object(first),
        };
        if first.object.kind == "Secret" && first.object.group.is_empty() {
            hide(&mut group.item.causes);
        }
        for (edit, (member, at)) in group.item.edits.iter_mut().zip(&group.from) {
            let raw = &raws[*member];
            let Some(changed) = raw.edits.get(*at).filter(|_| raw.chart.is_none()) else { continue };
            edit.causes = self.of_path(raw, &changed.path);
            edit.exceptions = self.exceptions(raw, changed, &edit.environments, &edit.causes);
            if secret::is_masked(&changed.change) {
                hide(&mut edit.causes);
                for line in edit.exceptions.iter_mut().filter_map(|exception| exception.at.as_mut()) {
                    line.text = secret::mask_whole_line(&line.text);
                }
            }
        }
    }

    /// The overlay lines that a path comes from on both sides, edited or not, and whether each stands in a component's entry; where
    /// no overlay has a word in it, the line of the component.
    pub fn behind(&self, raw: &Raw, path: &[Segment]) -> [Option<(Line, bool)>; 2] {
        [Which::Base, Which::Head].map(|which| {
            let mut origins = match path {
                [] => Vec::new(),
                path => self.field(which, raw, &plain_path(path, which)),
            };
            let view = self.view(which)?;
            if path.is_empty() {
                let tree = view.tree(&raw.environment)?;
                origins
                    .extend(tree.plan.selection.enabled.get(raw.component.as_str()).map(|selected| selected.because));
            }
            let sources = view.repository.sources();
            let is_overlay = |origin: &&Origin| sources.path(origin.file).starts_with("environments/");
            let origin = *origins.iter().find(is_overlay).or(origins.first())?;
            let file = sources.path(origin.file);
            let above = sources.text(origin.file).lines().take(origin.line as usize);
            let block = above.filter(|line| line.starts_with(|c: char| c.is_alphabetic())).last();
            let in_component =
                file.contains("/components/") || block.is_some_and(|line| line.starts_with("components"));
            Some((self.line(which, file, origin.line)?, in_component))
        })
    }

    fn of_path(&self, raw: &Raw, path: &[Segment]) -> Vec<Cause> {
        let mut origins = Origins::new();
        for which in [Which::Head, Which::Base] {
            let path = plain_path(path, which);
            origins.extend(self.field(which, raw, &path).into_iter().map(|origin| (which, origin)));
        }
        let direct = self.causes(&origins, true);
        if !direct.is_empty() {
            return direct;
        }
        let around = self.around(raw);
        if !around.is_empty() {
            return around;
        }
        self.causes(&origins, false).into_iter().take(1).collect()
    }

    /// Why an object of a chart changes: because its Application does.
    fn of_chart(&self, raw: &Raw, raws: &[Raw]) -> Vec<Cause> {
        let file = raw.chart.as_ref().map(|application| format!("applications/{application}.yaml"));
        let is_application = |other: &&Raw| {
            other.chart.is_none()
                && other.environment == raw.environment
                && other.head_file.as_ref().or(other.base_file.as_ref()) == file.as_ref()
        };
        let Some(application) = raws.iter().find(is_application) else { return self.of_archive(raw) };
        let mut causes = self.of_object(application);
        let reached = raw.chart.as_ref().map(|name| self.reached(&raw.environment, name));
        let reached = reached.as_ref().and_then(|tried| tried.get()?.as_ref());
        let paths: Vec<&Vec<Segment>> =
            match reached.and_then(|reached| Some((reached, reached.objects.get(&raw.object)?))) {
                Some((reached, some)) => some.iter().filter_map(|index| reached.paths.get(*index)).collect(),
                None => application.edits.iter().map(|edit| &edit.path).collect(),
            };
        for cause in paths.into_iter().flat_map(|path| self.of_path(application, path)) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        causes.truncate(MOST);
        causes
    }

    /// Why an object of a chart changes whose Application does not: its archive is another one.
    fn of_archive(&self, raw: &Raw) -> Vec<Cause> {
        let locked = |which: Which| -> Option<Origin> {
            let view = self.view(which)?;
            let request = view.tree(&raw.environment)?.request(raw.chart.as_ref()?)?;
            view.repository.lock().get(&request.pin)?.at
        };
        let Some(at) = locked(Which::Head).or_else(|| locked(Which::Base)) else { return Vec::new() };
        let mut causes = self.changed_lines(LOCK);
        // An entry has five lines.
        causes.retain(|cause| {
            let line = cause.after.as_ref().or(cause.before.as_ref()).map_or(0, |line| line.line);
            (at.line.saturating_sub(1)..at.line + 4).contains(&line)
        });
        causes.truncate(MOST);
        causes
    }

    /// Which changes of an Application reach which object of its chart: each is taken back by itself, to see what becomes of the objects.
    fn reached(&self, environment: &str, application: &str) -> Tried {
        let key = (environment.to_owned(), application.to_owned());
        // Whoever panicked left whole entries behind.
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        tried.get_or_init(|| self.try_each(environment, application));
        tried
    }

    fn try_each(&self, environment: &str, application: &str) -> Option<Reached> {
        let (base, head) = (self.base?, self.head?);
        let before = base.tree(environment)?.request(application)?;
        let after = head.tree(environment)?.request(application)?;
        let (old, new) = (probe::values(&before), probe::values(&after));
        let changed = probe::differing(&old, &new);
        let is_other_chart = before.pin != after.pin;
        let number = changed.len() + usize::from(is_other_chart);
        if !(2..=MOST_TRIED).contains(&number) {
            return None;
        }
        let keys = |keys: &[&str]| -> Vec<Segment> { keys.iter().map(|key| Segment::Key((*key).to_owned())).collect() };
        let (mut paths, mut taken_back) = (Vec::new(), Vec::new());
        if is_other_chart {
            let request = crate::pipeline::charts::Request { pin: before.pin.clone(), ..after.clone() };
            paths.push(keys(&["spec", "source", "targetRevision"]));
            taken_back.push(probe::objects(base.repository, &request, &new, None));
        }
        for path in changed {
            let values = probe::with(&new, &path, probe::at(&old, &path));
            taken_back.push(probe::objects(head.repository, &after, &values, None));
            let mut whole = keys(&["spec", "source", "helm", "valuesObject"]);
            whole.extend(path.into_iter().map(Segment::Key));
            paths.push(whole);
        }
        let now = head.repository.objects(&after).ok()?;
        let reached = probe::reached(&probe::by_identity(now.objects.clone()), &taken_back);
        let objects = reached.into_iter().map(|(identity, some)| (Object::from(identity), some)).collect();
        Some(Reached { paths, objects })
    }

    fn of_object(&self, raw: &Raw) -> Vec<Cause> {
        if matches!(raw.action, Action::Changed | Action::Renamed) && !raw.edits.is_empty() {
            let name = match raw.action {
                Action::Renamed => self.of_path(raw, &["metadata", "name"].map(|key| Segment::Key(key.to_owned()))),
                _ => Vec::new(),
            };
            return name;
        }
        let mut origins = Origins::new();
        let switch = |which: Which| -> Option<Origin> {
            let tree = self.view(which)?.tree(&raw.environment)?;
            match tree.plan.selection.enabled.get(raw.component.as_str()) {
                Some(selected) => Some(selected.because),
                None => {
                    let segments = ["components", raw.component.as_str(), "enabled"].map(str::to_owned);
                    let view = self.view(which)?;
                    trace::settings(view.repository, &tree.plan, &segments).pop().map(|setting| setting.at)
                }
            }
        };
        let is_on = |which: Which| {
            let tree = self.view(which).and_then(|view| view.tree(&raw.environment));
            tree.map(|tree| tree.plan.selection.enabled.contains_key(raw.component.as_str()))
        };
        match (is_on(Which::Base), is_on(Which::Head)) {
            // The environment itself comes or goes.
            (None, _) | (_, None) => {
                let which = if is_on(Which::Head).is_some() { Which::Head } else { Which::Base };
                let tree = self.view(which).and_then(|view| view.tree(&raw.environment));
                origins.extend(tree.map(|tree| (which, tree.plan.environment.at)));
            }
            _ if matches!(raw.component.as_str(), ROOT | NAMESPACES) => origins = self.switched(raw),
            (before, after) if before != after => {
                for which in [Which::Head, Which::Base] {
                    origins.extend(switch(which).map(|origin| (which, origin)));
                }
            }
            _ => {}
        }
        let direct = self.causes(&origins, true);
        if !direct.is_empty() {
            return direct;
        }
        let around = self.around(raw);
        if !around.is_empty() { around } else { self.causes(&origins, false).into_iter().take(1).collect() }
    }

    /// The lines that switch components on or off: those that live in this namespace, or all where it is about all of them.
    fn switched(&self, raw: &Raw) -> Origins {
        let trees = [Which::Base, Which::Head].map(|which| {
            let view = self.view(which)?;
            Some((view, view.tree(&raw.environment)?))
        });
        let mut origins = Origins::new();
        for (which, here, there) in [(Which::Head, trees[1], trees[0]), (Which::Base, trees[0], trees[1])] {
            let (Some((_, here)), Some((there_view, there))) = (here, there) else { continue };
            for (name, selected) in &here.plan.selection.enabled {
                let other = there.plan.selection.enabled.get(name);
                let is_here = raw.component != NAMESPACES || selected.namespace == raw.object.name;
                if !is_here || other.is_some_and(|other| other.namespace == selected.namespace) {
                    continue;
                }
                origins.push((which, selected.because));
                // Where it is off on the other side, a line there may say so.
                let segments = ["components", name, "enabled"].map(str::to_owned);
                let said = trace::settings(there_view.repository, &there.plan, &segments).pop();
                let other_side = if which == Which::Head { Which::Base } else { Which::Head };
                origins.extend(said.map(|setting| (other_side, setting.at)));
            }
        }
        origins
    }

    /// Edited lines that reach an object in another way: what its templates read as a whole, its component's files, the overlays.
    fn around(&self, raw: &Raw) -> Vec<Cause> {
        let mut origins = Origins::new();
        for which in [Which::Head, Which::Base] {
            origins.extend(self.variables(which, raw).into_iter().map(|origin| (which, origin)));
        }
        let mut causes = self.causes(&origins, true);
        if causes.is_empty() {
            let own = format!("components/{}/", raw.component);
            let of_object = self.inputs(raw);
            let files: Vec<&str> = self.changed_files().filter(|file| of_object.contains(*file)).collect();
            let files = if files.is_empty() {
                self.changed_files().filter(|file| file.starts_with(&own)).collect()
            } else {
                files
            };
            causes = files.into_iter().flat_map(|file| self.changed_lines(file).into_iter().take(2)).collect();
        }
        if causes.is_empty() {
            let overlays = self.overlays(&raw.environment);
            let files = self
                .changed_files()
                .filter(|file| overlays.contains(*file) || file.starts_with("components/partials/"));
            causes = files.flat_map(|file| self.changed_lines(file).into_iter().take(2)).collect();
        }
        if causes.is_empty() && matches!(raw.component.as_str(), ROOT | NAMESPACES) {
            causes = self.changed_files().flat_map(|file| self.changed_lines(file).into_iter().take(1)).collect();
        }
        causes.truncate(MOST);
        causes
    }

    /// The files that an object is made of, on either side.
    fn inputs(&self, raw: &Raw) -> BTreeSet<String> {
        let mut inputs = BTreeSet::new();
        for (which, file) in [(Which::Base, &raw.base_file), (Which::Head, &raw.head_file)] {
            let rendered = file.as_ref().and_then(|file| self.view(which)?.tree(&raw.environment)?.files.get(file));
            inputs.extend(rendered.into_iter().flat_map(|file| file.inputs.iter().cloned()));
        }
        inputs
    }

    fn overlays(&self, environment: &str) -> BTreeSet<String> {
        let trees = [Which::Base, Which::Head].map(|which| self.view(which).and_then(|view| view.tree(environment)));
        trees.into_iter().flatten().flat_map(|tree| tree.plan.environment.inputs.iter().cloned()).collect()
    }

    /// Places that set the variables which an object's templates read and which have another value on the other side.
    fn variables(&self, which: Which, raw: &Raw) -> Vec<Origin> {
        let Some((view, tree)) = self.view(which).and_then(|view| Some((view, view.tree(&raw.environment)?))) else {
            return Vec::new();
        };
        let other = if which == Which::Head { Which::Base } else { Which::Head };
        let other = self.view(other).and_then(|view| view.tree(&raw.environment));
        let sources = view.repository.sources();
        let mut texts: Vec<&str> = Vec::new();
        let wanted = self.inputs(raw);
        for (_, file) in sources.iter().filter(|(_, file)| file.path.ends_with(".hbs")) {
            if wanted.contains(file.path.as_ref()) {
                texts.push(&file.text);
            }
        }
        let mut names: BTreeSet<String> = texts.iter().flat_map(|text| trace::reads(text)).collect();
        let partials: Vec<String> =
            names.iter().filter_map(|name| name.strip_prefix("partial ").map(str::to_owned)).collect();
        for (_, file) in sources.iter() {
            let is_read = |partial: &String| file.path.as_ref() == format!("components/partials/{partial}.hbs");
            if partials.iter().any(is_read) {
                names.extend(trace::reads(&file.text));
            }
        }
        let mut origins = Vec::new();
        for name in names.iter().filter(|name| !name.starts_with("partial ")) {
            let here = trace::variable(&tree.plan, &raw.component, name);
            let there = other.and_then(|tree| trace::variable(&tree.plan, &raw.component, name));
            if here.as_ref().map(|(value, _)| value) == there.as_ref().map(|(value, _)| value) {
                continue;
            }
            if let Some((_, segments)) = here {
                origins.extend(leaf_origins(view, &raw.environment, &segments));
            }
        }
        origins
    }

    /// The lines that a field of an object comes from, the nearest first.
    fn field(&self, which: Which, raw: &Raw, path: &[String]) -> Vec<Origin> {
        let file = if which == Which::Head { &raw.head_file } else { &raw.base_file };
        let found = file.as_ref().and_then(|file| {
            let view = self.view(which)?;
            Some((view, view.tree(&raw.environment)?, file))
        });
        let Some((view, tree, file)) = found else { return Vec::new() };
        let application = file
            .strip_prefix("applications/")
            .and_then(|name| name.strip_suffix(".yaml"))
            .and_then(|name| tree.plan.applications.iter().find(|application| application.name == name));
        let values = ["spec", "source", "helm"];
        let of = |segments: &[&str]| -> Vec<Origin> {
            let segments: Vec<String> = segments.iter().map(|segment| (*segment).to_owned()).collect();
            let found = trace::settings(view.repository, &tree.plan, &segments);
            found.into_iter().rev().map(|setting| setting.at).collect()
        };
        let plain: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(application) = application {
            if plain.starts_with(&values) && matches!(plain.get(3), Some(&"valuesObject" | &"values")) {
                let node = trace::values(view.repository, &tree.plan, application);
                let inner = if plain[3] == "valuesObject" { &plain[4..] } else { &[] };
                return node.map_or_else(Vec::new, |node| self.node(view, raw, &node, inner));
            }
            return match (&application.content, plain.as_slice()) {
                (Content::Chart { .. }, ["spec", "source", ..]) if application.is_manifests() => {
                    let mut origins = of(&["components", application.component, "delivery"]);
                    origins.extend(of(&["delivery"]));
                    if let ["spec", "source", key @ ("targetRevision" | "repoURL")] = plain.as_slice() {
                        origins.extend(of(&["argocd", key]));
                    }
                    origins
                }
                (Content::Chart { chart, .. }, ["spec", "source", "targetRevision"]) => {
                    let mut origins = of(&["components", application.component, "charts", &chart.key, "version"]);
                    origins.push(chart.version_at);
                    origins
                }
                (Content::Chart { chart, .. }, ["spec", "source", "repoURL" | "chart" | "path", ..]) => vec![chart.at],
                (_, ["spec", "source", key @ ("targetRevision" | "repoURL")]) => of(&["argocd", key]),
                (_, ["spec", "destination", ..]) => {
                    let mut origins = of(&["components", application.component, "namespace"]);
                    origins.extend(of(&["argocd", "destination"]));
                    origins.extend(view.repository.components().get(application.component).map(|c| c.namespace_at));
                    origins
                }
                (_, ["metadata", "annotations", key, ..]) if key.contains("sync-wave") => {
                    let edges = tree.plan.edges.iter();
                    let index = tree.plan.applications.iter().position(|a| a.name == application.name);
                    edges.filter(|edge| Some(edge.after) == index).filter_map(|edge| edge.at).collect()
                }
                _ => of(&["components", application.component, "application"]),
            };
        }
        if file.starts_with("manifests/") && raw.component != NAMESPACES {
            let wanted = if which == Which::Head { &raw.object } else { raw.was.as_ref().unwrap_or(&raw.object) };
            let wanted = Identity {
                group: wanted.group.clone(),
                kind: wanted.kind.clone(),
                namespace: wanted.namespace.clone(),
                name: wanted.name.clone(),
            };
            if let Some((application, _)) = tree.delivered.iter().find(|(_, one)| file.starts_with(&one.folder)) {
                return self.of_delivered(view, tree, application);
            }
            let node = trace::object(view.repository, &tree.plan, &raw.component, &wanted);
            return node.map_or_else(Vec::new, |node| self.node(view, raw, &node, &plain));
        }
        Vec::new()
    }

    /// The lines that an object of a chart comes from: the chart's version, and every value that it is given.
    fn of_delivered(&self, view: View<'v>, tree: &RenderedTree<'_>, application: &str) -> Vec<Origin> {
        let Some(planned) = tree.plan.applications.iter().find(|planned| planned.name == application) else {
            return Vec::new();
        };
        let Content::Chart { chart, .. } = &planned.content else { return Vec::new() };
        let pinned = ["components", planned.component, "charts", &chart.key, "version"].map(str::to_owned);
        let pinned = trace::settings(view.repository, &tree.plan, &pinned);
        let mut origins: Vec<Origin> = pinned.into_iter().rev().map(|setting| setting.at).collect();
        origins.push(chart.version_at);
        if let Some(values) = trace::values(view.repository, &tree.plan, planned) {
            below(&values, &mut origins);
        }
        let sources = view.repository.sources();
        let templates = |origin: &Origin| sources.path(origin.file).ends_with(".hbs");
        for origin in origins.clone().into_iter().filter(templates) {
            for name in trace::reads(sources.line(origin)) {
                if let Some((_, segments)) = trace::variable(&tree.plan, planned.component, &name) {
                    origins.extend(leaf_origins(view, &tree.plan.environment.name, &segments));
                }
            }
        }
        origins.push(planned.manifests.unwrap_or(chart.at));
        origins
    }

    /// Where a node was written, what that line reads, and who set that.
    fn node(&self, view: View<'v>, raw: &Raw, node: &Node, path: &[&str]) -> Vec<Origin> {
        // What is not there on this side stands, if anywhere, in what is around it.
        let found = (0..=path.len()).rev().find_map(|length| node.at(path[..length].iter().copied()));
        let Some(found) = found else { return Vec::new() };
        let mut origins: Vec<Origin> = Vec::new();
        below(found, &mut origins);
        let Some(tree) = view.tree(&raw.environment) else { return origins };
        let sources = view.repository.sources();
        for origin in origins.clone().into_iter().filter(|origin| sources.path(origin.file).ends_with(".hbs")) {
            for name in trace::reads(sources.line(origin)) {
                if let Some((_, segments)) = trace::variable(&tree.plan, &raw.component, &name) {
                    origins.extend(leaf_origins(view, &raw.environment, &segments));
                }
            }
        }
        origins
    }

    /// Causes out of places: only those that were edited, or all.
    fn causes(&self, origins: &Origins, edited: bool) -> Vec<Cause> {
        let mut causes: Vec<Cause> = Vec::new();
        for (which, origin) in origins {
            let Some(view) = self.view(*which) else { continue };
            let file = view.repository.sources().path(origin.file);
            let pair = self.files.get(file).and_then(|lines| lines.pair(*which, origin.line));
            let cause = match pair {
                Some((before, after)) => Cause {
                    before: before.and_then(|line| self.line(Which::Base, file, line)),
                    after: after.and_then(|line| self.line(Which::Head, file, line)),
                    edited: true,
                },
                None if edited => continue,
                None => {
                    let line = self.line(*which, file, origin.line);
                    match which {
                        Which::Head => Cause { before: None, after: line, edited: false },
                        Which::Base => Cause { before: line, after: None, edited: false },
                    }
                }
            };
            if (cause.before.is_some() || cause.after.is_some()) && !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        causes.truncate(MOST);
        causes
    }

    /// Why an edit that comes from a shared file is missing in environments that have the object.
    fn exceptions(&self, raw: &Raw, edit: &Edit, environments: &[String], causes: &[Cause]) -> Vec<Exception> {
        let own = format!("environments/{}/", raw.environment);
        let is_shared = |cause: &Cause| {
            let lines = [&cause.before, &cause.after];
            cause.edited && lines.into_iter().flatten().all(|line| !line.file.starts_with(&own))
        };
        let Some(cause) = causes.iter().find(|cause| is_shared(cause)) else { return Vec::new() };
        let shared = cause.after.as_ref().or(cause.before.as_ref()).map(|line| line.file.as_str()).unwrap_or_default();
        let mut found: BTreeMap<(String, Option<Line>), Vec<String>> = BTreeMap::new();
        let Some(head) = self.head else { return Vec::new() };
        for tree in head.trees {
            let environment = &tree.plan.environment.name;
            if environments.contains(environment) || self.base.is_some_and(|base| base.tree(environment).is_none()) {
                continue;
            }
            // An overlay that this environment does not stand on is no news for it.
            let reached =
                !shared.starts_with("environments/") || tree.plan.environment.inputs.iter().any(|i| i == shared);
            let Some(file) = raw.head_file.as_ref().filter(|file| reached && tree.files.contains_key(*file)) else {
                continue;
            };
            let mut there = raw.clone();
            there.environment.clone_from(environment);
            there.base_file = Some(file.clone());
            let path = plain_path(&edit.path, Which::Head);
            let origins = self.field(Which::Head, &there, &path);
            let sources = head.repository.sources();
            let winner = origins.iter().find(|origin| sources.path(origin.file).starts_with("environments/"));
            let line = winner.and_then(|origin| self.line(Which::Head, sources.path(origin.file), origin.line));
            let why = match &line {
                Some(line) => format!("set at {}:{}", line.file, line.line),
                None => "the same as before".to_owned(),
            };
            found.entry((why, line)).or_default().push(environment.clone());
        }
        found.into_iter().map(|((why, at), environments)| Exception { environments, why, at }).collect()
    }

    fn view(&self, which: Which) -> Option<View<'v>> {
        match which {
            Which::Base => self.base,
            Which::Head => self.head,
        }
    }

    fn line(&self, which: Which, file: &str, line: u32) -> Option<Line> {
        let sources = self.view(which)?.repository.sources();
        let id = *self.ids[usize::from(which == Which::Head)].get(file)?;
        Some(line_of(sources.text(id), file, line))
    }
}

/// A line of a file as it is shown: without secrets.
pub fn line_of(text: &str, file: &str, line: u32) -> Line {
    let mut from = text.lines().skip((line as usize).saturating_sub(2));
    let above = if line > 1 { from.next().unwrap_or_default() } else { "" };
    let text = from.next().unwrap_or_default().trim();
    // A variable has its name on the line above.
    let name =
        above.trim().trim_start_matches("- ").strip_prefix("name:").map(|name| name.trim().trim_matches(['"', '\'']));
    let text = match name.is_some_and(secret::is_secret) && text.starts_with("value:") {
        true => secret::mask_whole_line(text),
        false => secret::mask_line(text),
    };
    Line { file: file.to_owned(), line, text }
}

/// Hides what stands in the lines behind a value that is secret itself.
fn hide(causes: &mut [Cause]) {
    for line in causes.iter_mut().flat_map(|cause| [&mut cause.before, &mut cause.after]).flatten() {
        line.text = secret::mask_whole_line(&line.text);
    }
}

/// The places of all overlays that set something at a path or below it.
fn leaf_origins(view: View<'_>, environment: &str, segments: &[String]) -> Vec<Origin> {
    let Some(tree) = view.tree(environment) else { return Vec::new() };
    let mut origins = Vec::new();
    for name in tree.plan.environment.chain.iter().rev() {
        let overlay = match name.strip_prefix("layers/") {
            Some(layer) => view.repository.layers().get(layer),
            None => view.repository.environments().get(name),
        };
        if let Some(node) = overlay.and_then(|overlay| overlay.values.at(segments.iter().map(String::as_str))) {
            below(node, &mut origins);
        }
    }
    origins
}

/// The places of a node and of everything in it.
fn below(node: &Node, origins: &mut Vec<Origin>) {
    for origin in node.origins.iter().rev() {
        add(*origin, origins);
    }
    for entry in node.as_map().into_iter().flat_map(|map| map.values()) {
        add(entry.key_at, origins);
        below(&entry.node, origins);
    }
    for item in node.as_list().unwrap_or_default() {
        below(item, origins);
    }
}

fn add(origin: Origin, origins: &mut Vec<Origin>) {
    if !origins.contains(&origin) {
        origins.push(origin);
    }
}

/// A path with the indexes of one side.
fn plain_path(path: &[Segment], which: Which) -> Vec<String> {
    path.iter()
        .map(|segment| match segment {
            Segment::Key(key) => key.clone(),
            Segment::Item { old, new, .. } => {
                let index = if which == Which::Head { new.or(*old) } else { old.or(*new) };
                index.unwrap_or_default().to_string()
            }
        })
        .collect()
}

impl Lines {
    fn between(old: Option<&str>, new: Option<&str>) -> Lines {
        let mut lines = Lines::default();
        let (old, new): (Vec<&str>, Vec<&str>) =
            (old.unwrap_or_default().lines().collect(), new.unwrap_or_default().lines().collect());
        let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
        for op in similar::capture_diff_slices(Algorithm::Myers, &old, &new) {
            let (before, after) = (op.old_range(), op.new_range());
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            // A line that became empty is gone.
            let is_filled =
                |lines: &[&str], index: &usize| lines.get(*index).is_some_and(|line| !line.trim().is_empty());
            for (place, index) in before.clone().enumerate() {
                let other = after.clone().nth(place).filter(|index| is_filled(&new, index)).map(number);
                lines.before.insert(number(index), other);
            }
            let is_gone = |(place, index): &(usize, usize)| {
                !is_filled(&new, index)
                    && before.clone().nth(*place).is_some_and(|old_index| is_filled(&old, &old_index))
            };
            for (place, index) in after.enumerate().filter(|pair| !is_gone(pair)) {
                let other = before.clone().nth(place).filter(|index| is_filled(&old, index)).map(number);
                lines.after.insert(number(index), other);
            }
        }
        lines
    }

    /// Both ends of a changed line.
    fn pair(&self, which: Which, line: u32) -> Option<(Option<u32>, Option<u32>)> {
        match which {
            Which::Base => self.before.get(&line).map(|after| (Some(line), *after)),
            Which::Head => self.after.get(&line).map(|before| (*before, Some(line))),
        }
    }
}
