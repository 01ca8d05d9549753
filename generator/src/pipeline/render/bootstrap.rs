//! What must exist before Argo CD: `argocd/<environment>/bootstrap/`, which Argo CD does not sync.
//!
//! Components bring files of their own below `bootstrap/`. CloudFormation templates among them are put into order. The first
//! Applications, up to Argo CD itself, come as what an operator applies once: the same objects, charts and values that the
//! Applications name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handlebars::Context;
use serde::Serialize;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::erased::Document;
use super::{Files, RenderedFile, SecretNeed, YOU, file_text, hex, in_template, line_map, moved, render_template};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::objects::cloudformation::{self, Stack, Wrong};
use crate::pipeline::check;
use crate::pipeline::component::BootstrapTemplate;
use crate::pipeline::plan::{Content, NAMESPACES, Planned};
use crate::pipeline::repository::Repository;
use crate::pipeline::template::TemplateName;
use crate::yaml::{self, Node};

/// The capability whose component deploys everything else: Argo CD.
const DEPLOYS: &str = "gitops";

/// The folder below `argocd/<environment>/`.
const FOLDER: &str = "bootstrap";

/// Below it a folder for each kind of machine: the files that it fetches when it starts. Rendered first, because others pin their sums.
const NODES: &str = "nodes/";

/// Rendered last, with the order of everything else in sight.
const RUNBOOK: &str = "README.md";

/// One thing that is applied to the new cluster by hand, or by `ci/bootstrap`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step<'a> {
    application: &'a str,
    wave: u32,
    namespace: &'a str,
    /// Objects to apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chart: Option<ChartStep<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<FolderStep<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChartStep<'a> {
    repository: &'a str,
    name: &'a str,
    version: &'a str,
    release: &'a str,
    kube_version: &'a str,
    api_versions: &'a [String],
    skip_crds: bool,
    /// The values, as the Application has them.
    values: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FolderStep<'a> {
    repository: &'a str,
    tag: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Order<'a> {
    version: u32,
    environment: &'a str,
    stacks: &'a [Stack],
    kubernetes: &'a [Step<'a>],
    /// Those that nothing in the cluster makes.
    secrets: Vec<&'a SecretNeed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Secrets<'a> {
    secrets: &'a [SecretNeed],
}

/// Renders everything below `bootstrap/` into the tree.
pub(super) fn render(
    repository: &Repository,
    files: &mut Files<'_, '_>,
    values: &BTreeMap<String, Arc<Node>>,
    secrets: &[SecretNeed],
    context: &mut Context,
    mistakes: &mut Diagnostics,
) {
    let plan = files.plan;
    let mut made = Made { repository, files: BTreeMap::new(), stacks: Vec::new(), at: Vec::new() };
    let templates: Vec<(&str, &BootstrapTemplate)> = plan
        .selection
        .enabled
        .iter()
        .flat_map(|(name, selected)| selected.component.bootstrap.iter().map(move |template| (*name, template)))
        .collect();
    let phase = |template: &BootstrapTemplate| match template.path.as_str() {
        path if path.starts_with(NODES) => 0,
        RUNBOOK => 2,
        _ => 1,
    };
    let render_phase = |number: u32, made: &mut Made<'_>, context: &mut Context, mistakes: &mut Diagnostics| {
        for (component, template) in templates.iter().filter(|(_, template)| phase(template) == number) {
            plan.point(context, component);
            made.template(component, template, context, mistakes);
        }
    };
    render_phase(0, &mut made, context, mistakes);
    context.data_mut()["bundles"] = made.sums();
    render_phase(1, &mut made, context, mistakes);
    let mut wrong = match cloudformation::has_node_ports(&made.stacks) {
        true => cloudformation::closed_ports(&made.stacks, &opened_ports(files, values)),
        false => Vec::new(),
    };
    let stacks = cloudformation::order(std::mem::take(&mut made.stacks)).unwrap_or_else(|more| {
        wrong.extend(more);
        Vec::new()
    });
    for Wrong { mut diagnostic, places } in wrong {
        for (index, place, words) in places {
            let Some(from) = made.at.get(index) else { continue };
            plan.point(context, &from.component);
            let lines = from.lines(repository, context);
            let place = in_template(&from.template, Some(place), lines.as_deref());
            diagnostic = match diagnostic.at {
                None => diagnostic.at(place, words),
                Some(_) => diagnostic.also(place, words),
            };
        }
        mistakes.push(diagnostic);
    }
    let steps = made.steps(files, values);
    if made.files.is_empty() && steps.is_empty() {
        return;
    }
    if !secrets.is_empty() {
        made.put("secrets.required.yaml", "root", file_text("root", &[&Secrets { secrets }]), Vec::new());
    }
    let order = Order {
        version: 1,
        environment: &plan.environment.name,
        stacks: &stacks,
        kubernetes: &steps,
        secrets: secrets.iter().filter(|secret| secret.made_by == YOU).collect(),
    };
    let text = serde_json::to_string_pretty(&order).unwrap_or_default() + "\n";
    made.put("order.json", "root", Arc::from(text.into_bytes()), Vec::new());

    let order = json!({"stacks": stacks, "kubernetes": steps, "secrets": secrets});
    context.data_mut()["bootstrap"] = order;
    render_phase(2, &mut made, context, mistakes);
    if let Some(map) = context.data_mut().as_object_mut() {
        map.remove("bootstrap");
        map.remove("bundles");
    }
    let done = made.files;
    files.files.extend(done.into_iter().map(|(path, file)| (format!("{FOLDER}/{path}"), file)));
}

/// Ports that Services have on the machines: what charts are told, and what our own objects say.
fn opened_ports(files: &Files<'_, '_>, values: &BTreeMap<String, Arc<Node>>) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for node in values.values() {
        node.visit(&mut |node, path| {
            if let (Some(yaml::Step::Key(key)), yaml::Value::Number(port)) = (path.last(), &node.value)
                && key.ends_with("odePort")
            {
                found.extend(port.as_u64());
            }
        });
    }
    for (_, file) in files.files.iter().filter(|(path, _)| path.starts_with("manifests/")) {
        // Our own writer puts it so, and nothing else.
        let text = str::from_utf8(&file.text).unwrap_or_default();
        let ports = text.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("nodePort: "));
        found.extend(ports.filter_map(|port| port.parse::<u64>().ok()));
    }
    found
}

struct Made<'p> {
    repository: &'p Repository,
    files: BTreeMap<String, RenderedFile>,
    stacks: Vec<Stack>,
    /// Where each stack comes from.
    at: Vec<From>,
}

/// What made a file.
struct From {
    component: String,
    template: TemplateName,
    /// `key` and `value`, where its path has `[…]`.
    entry: Option<(Json, Json)>,
}

impl From {
    /// Which line of the template made each line of its output. The context already points at the component.
    fn lines(&self, repository: &Repository, context: &mut Context) -> Option<Vec<u32>> {
        show_entry(context, self.entry.clone());
        let lines = line_map(repository, &self.template, context);
        show_entry(context, None);
        lines
    }
}

/// Sets `key` and `value` to what a template is rendered for, or takes them away.
fn show_entry(context: &mut Context, entry: Option<(Json, Json)>) {
    let Some(map) = context.data_mut().as_object_mut() else { return };
    match entry {
        Some((key, value)) => {
            map.insert("key".to_owned(), key);
            map.insert("value".to_owned(), value);
        }
        None => {
            map.remove("key");
            map.remove("value");
        }
    }
}

impl Made<'_> {
    fn put(&mut self, path: &str, component: &str, text: Arc<[u8]>, inputs: Vec<String>) -> bool {
        let file = RenderedFile { text, component: component.to_owned(), chart: None, inputs };
        self.files.insert(path.to_owned(), file).is_none()
    }

    /// Writes `nodes/<bundle>/SHA256SUMS`; gives the sum of each of these files, by bundle. Who has the one has them all.
    fn sums(&mut self) -> Json {
        let mut lists: BTreeMap<String, String> = BTreeMap::new();
        for (path, file) in &self.files {
            let Some((bundle, inside)) = path.strip_prefix(NODES).and_then(|rest| rest.split_once('/')) else {
                continue;
            };
            let list = lists.entry(bundle.to_owned()).or_default();
            *list += &format!("{}  {inside}\n", hex(&Sha256::digest(&file.text)));
        }
        let mut sums = serde_json::Map::new();
        for (bundle, list) in lists {
            sums.insert(bundle.clone(), hex(&Sha256::digest(&list)).into());
            self.put(&format!("{NODES}{bundle}/SHA256SUMS"), "root", Arc::from(list.into_bytes()), Vec::new());
        }
        Json::Object(sums)
    }

    /// Renders one template, as often as the `[…]` in its path say.
    fn template(
        &mut self,
        component: &str,
        template: &BootstrapTemplate,
        context: &mut Context,
        mistakes: &mut Diagnostics,
    ) {
        let Some((before, rest)) = template.path.split_once('[') else {
            self.one(component, template, &template.path, context, mistakes);
            return;
        };
        let Some((each, after)) = rest.split_once(']') else { return };
        let entries = each.split('.').try_fold(context.data(), |value, key| value.get(key));
        let entries: Vec<(String, Json)> = match entries {
            Some(Json::Object(map)) => map.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            Some(Json::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, value)| (value.as_str().map_or_else(|| index.to_string(), str::to_owned), value.clone()))
                .collect(),
            // The settings say that there is none, or it belongs to another platform.
            Some(Json::Null) | None => Vec::new(),
            Some(_) => {
                mistakes.push(
                    Diagnostic::new("template-output", format!("`{each}` is neither a list nor a map"))
                        .at(Origin::start_of(template.template.file), "")
                        .help("a path with `[…]` makes one file for each entry of what it names"),
                );
                Vec::new()
            }
        };
        for (key, value) in entries {
            let path = format!("{before}{key}{after}");
            show_entry(context, Some((Json::String(key), value)));
            self.one(component, template, &path, context, mistakes);
        }
        show_entry(context, None);
    }

    fn one(
        &mut self,
        component: &str,
        template: &BootstrapTemplate,
        path: &str,
        context: &Context,
        mistakes: &mut Diagnostics,
    ) {
        let name = &template.template;
        let text: Arc<[u8]> = if path.ends_with(".yaml") {
            let Some(documents) = render_template(self.repository, name, context, mistakes) else { return };
            if documents.is_empty() {
                return;
            }
            let text = file_text(component, &documents.iter().map(|node| node as &dyn Document).collect::<Vec<_>>());
            let mut wrong: Vec<Diagnostic> = documents.iter().filter_map(|node| check::file(node, path)).collect();
            if let [node] = documents.as_slice()
                && cloudformation::is_template(node)
            {
                wrong.extend(cloudformation::check(node, text.len()));
                let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".yaml");
                let cluster = context.data()["cluster"]["name"].as_str().unwrap_or_default();
                let stack = Stack::read(&format!("{cluster}-{stem}"), path, node, Origin::start_of(name.file));
                self.stacks.push(stack);
                let entry = context.data().get("key").map(|key| (key.clone(), context.data()["value"].clone()));
                self.at.push(From { component: component.to_owned(), template: name.clone(), entry });
            }
            if !wrong.is_empty() {
                let lines = line_map(self.repository, name, context);
                wrong.into_iter().for_each(|diagnostic| mistakes.push(moved(diagnostic, name, lines.as_deref())));
                return;
            }
            text
        } else {
            let text = match self.repository.templates().render(name, context) {
                Ok(text) => text,
                Err(diagnostic) => {
                    mistakes.push(*diagnostic);
                    return;
                }
            };
            if text.trim().is_empty() {
                return;
            }
            let text = Node::new(yaml::Value::String(text.into()), Origin::start_of(name.file));
            if let Some(diagnostic) = check::file(&text, path) {
                mistakes.push(moved(diagnostic, name, None));
                return;
            }
            Arc::from(text.as_str().unwrap_or_default().as_bytes())
        };
        if !self.put(path, component, text, vec![name.path.clone()]) {
            mistakes.push(
                Diagnostic::new("name-collision", format!("two components make the file `{FOLDER}/{path}`"))
                    .at(Origin::start_of(name.file), "")
                    .help("rename one, or let one of the components do without it"),
            );
        }
    }

    /// What is applied to a new cluster: everything that has to come before Argo CD, itself, and the root.
    fn steps<'p>(&mut self, files: &Files<'p, '_>, values: &BTreeMap<String, Arc<Node>>) -> Vec<Step<'p>> {
        let plan = files.plan;
        let Some(Some(component)) = plan.selection.capabilities.get(DEPLOYS) else { return Vec::new() };
        let deploys = |index: &usize| {
            let application = &plan.applications[*index];
            application.component == *component && matches!(application.content, Content::Chart { .. })
        };
        let mut wanted: BTreeSet<usize> = (0..plan.applications.len()).filter(deploys).collect();
        let mut open: Vec<usize> = wanted.iter().copied().collect();
        while let Some(index) = open.pop() {
            let before = plan.edges.iter().filter(|edge| edge.after == index).map(|edge| edge.before);
            open.extend(before.filter(|before| wanted.insert(*before)));
        }
        let mut steps = vec![Step {
            application: NAMESPACES,
            wave: 1,
            namespace: &plan.argocd.namespace,
            file: Some(self.objects(files, 0, NAMESPACES, NAMESPACES)),
            chart: None,
            folder: None,
        }];
        let mut ordered: Vec<_> = wanted.into_iter().map(|index| &plan.applications[index]).collect();
        ordered.sort_by(|a, b| (a.wave, &a.name).cmp(&(b.wave, &b.name)));
        for application in ordered {
            let number = steps.len();
            let mut step = Step {
                application: &application.name,
                wave: application.wave,
                namespace: &application.namespace,
                file: None,
                chart: None,
                folder: None,
            };
            match &application.content {
                Content::Manifests => {
                    step.file = Some(self.objects(files, number, &application.name, application.component));
                }
                Content::Chart { chart, version } => match &chart.folder {
                    _ if application.is_manifests() => {
                        step.file = Some(self.committed(files, number, application));
                    }
                    Some(folder) => {
                        step.folder = Some(FolderStep {
                            repository: &chart.repository,
                            tag: version,
                            path: &folder.path,
                            include: folder.include.as_deref(),
                        });
                    }
                    None => {
                        let path = format!("k8s/{number:02}-{}.values.yaml", application.name);
                        if let Some(node) = values.get(&application.name) {
                            let text = file_text(application.component, &[node.as_ref()]);
                            self.put(&path, application.component, text, Vec::new());
                        }
                        step.chart = Some(ChartStep {
                            repository: &chart.repository,
                            name: &chart.name,
                            version,
                            release: chart.release.as_deref().unwrap_or(&application.name),
                            kube_version: &plan.kube_version,
                            api_versions: &application.api_versions,
                            skip_crds: chart.skip_crds,
                            values: path,
                        });
                    }
                },
            }
            steps.push(step);
        }
        let number = steps.len();
        let path = format!("k8s/{number:02}-root.yaml");
        if let Some(root) = files.files.get("root.yaml") {
            self.put(&path, "root", root.text.clone(), Vec::new());
        }
        steps.push(Step {
            application: super::ROOT,
            wave: 0,
            namespace: &plan.argocd.namespace,
            file: Some(path),
            chart: None,
            folder: None,
        });
        steps
    }

    /// All objects of a chart in one file, definitions first. Hooks run when Argo CD syncs.
    fn committed(&mut self, files: &Files<'_, '_>, number: usize, application: &Planned<'_>) -> String {
        let mut text = Vec::new();
        let paths = files.by_hand.get(&application.name).into_iter().flatten();
        for file in paths.filter_map(|path| files.files.get(path)) {
            if !text.is_empty() {
                text.extend_from_slice(b"---\n");
            }
            text.extend_from_slice(&file.text);
        }
        let path = format!("k8s/{number:02}-{}.yaml", application.name);
        self.put(&path, application.component, Arc::from(text), Vec::new());
        path
    }

    /// All objects of one component in one file: the same bytes as below `manifests/`.
    fn objects(&mut self, files: &Files<'_, '_>, number: usize, name: &str, component: &str) -> String {
        let folder = format!("manifests/{component}/");
        let mut text = Vec::new();
        for (_, file) in files.files.range(folder.clone()..).take_while(|(path, _)| path.starts_with(&folder)) {
            if !text.is_empty() {
                text.extend_from_slice(b"---\n");
            }
            text.extend_from_slice(&file.text);
        }
        let path = format!("k8s/{number:02}-{name}.yaml");
        self.put(&path, component, Arc::from(text), Vec::new());
        path
    }
}
