//! `kubezero explain`

use std::sync::Arc;

use clap::Args;
use serde_json::{Value as Json, json};

use super::output::{print, print_json};
use super::plan::TextOrJson;
use super::{Global, Outcome};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin, closest};
use crate::objects::manifest::Identity;
use crate::pipeline::charts::{ChartObject, ChartObjects, Problem, Request};
use crate::pipeline::plan::{Content, NAMESPACES, Plan, Planned};
use crate::pipeline::probe::{self, Reach};
use crate::pipeline::render::{ROOT, RenderedFile, RenderedTree};
use crate::pipeline::repository::Repository;
use crate::pipeline::trace;
use crate::values::path;
use crate::yaml::{self, Node};
use crate::{Result, pipeline};

/// Say where a value, a component or a generated file comes from
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Environment
    #[arg(value_name = "ENV")]
    pub environment: String,
    /// A value (`cluster.domain`), a component (`istio`), a generated file (`applications/istio-base.yaml`), or an object that a
    /// chart makes (`Deployment/istio-system/istiod`)
    #[arg(value_name = "PATH")]
    pub path: String,
    /// A path within the file or the object (`spec.source.targetRevision`)
    #[arg(value_name = "FIELD")]
    pub field: Option<String>,
    /// How it is shown
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: TextOrJson,
}

/// An answer: lines of text, each with its depth, and the same as JSON.
struct Answer {
    lines: Vec<(usize, String)>,
    json: Json,
}

impl Answer {
    fn new(subject: &str) -> Answer {
        Answer { lines: Vec::new(), json: json!({"kind": "explanation", "version": 1, "subject": subject}) }
    }

    fn say(&mut self, depth: usize, text: impl Into<String>) {
        self.lines.push((depth, text.into()));
    }

    fn text(&self) -> String {
        self.lines
            .iter()
            .flat_map(|(depth, text)| text.lines().map(move |line| format!("{}{line}\n", "  ".repeat(*depth))))
            .collect()
    }
}

/// What a question is asked of.
struct Asked<'a, 'r> {
    repository: &'a Repository,
    tree: &'a RenderedTree<'r>,
}

/// Runs the command.
pub fn run(global: &Global, args: &ExplainArgs) -> Result<Outcome> {
    let repository = global.load(std::slice::from_ref(&args.environment))?;
    let environments = pipeline::resolve(&repository)?;
    let trees = pipeline::render(&repository, &environments)?;
    let Some(tree) = trees.first() else { return Ok(Outcome::Fine) };
    let asked = Asked { repository: &repository, tree };
    // `FILE:FIELD` in one word is what one copies from a review.
    let (subject, field) = match (&args.field, args.path.split_once(".yaml:"), args.path.split_once(':')) {
        (Some(field), ..) => (args.path.clone(), Some(field.clone())),
        (None, Some((file, field)), _) => (format!("{file}.yaml"), Some(field.to_owned())),
        (None, None, Some((object, field))) if object.contains('/') => (object.to_owned(), Some(field.to_owned())),
        (None, None, _) => (args.path.clone(), None),
    };
    let answer = asked.answer(&subject, field.as_deref())?;
    match args.format {
        TextOrJson::Text => print(&answer.text())?,
        TextOrJson::Json => print_json(&answer.json)?,
    }
    Ok(Outcome::Fine)
}

impl Asked<'_, '_> {
    fn plan(&self) -> &Plan<'_> {
        &self.tree.plan
    }

    fn environment(&self) -> &str {
        &self.plan().environment.name
    }

    fn at(&self, origin: Origin) -> String {
        self.repository.sources().locate(origin)
    }

    fn answer(&self, subject: &str, field: Option<&str>) -> Result<Answer> {
        let prefix = format!("argocd/{}/", self.environment());
        let file = subject.strip_prefix(&prefix).unwrap_or(subject);
        if let Some(rendered) = self.tree.files.get(file) {
            return match field {
                Some(field) => self.field(file, rendered, field),
                None => Ok(self.file(file, rendered)),
            };
        }
        if self.repository.components().contains_key(subject) {
            return Ok(self.component(subject));
        }
        if let Some(wanted) = self.wanted(subject) {
            return self.of_chart(subject, &wanted, field);
        }
        self.value(subject)
    }

    fn unknown(&self, subject: &str) -> crate::Error {
        let values = ["cluster", "argocd", "components"].map(str::to_owned);
        let names: Vec<String> =
            self.tree.files.keys().cloned().chain(self.repository.components().keys().cloned()).chain(values).collect();
        let mut diagnostic = Diagnostic::new(
            "unknown-path",
            format!("`{subject}` is no value, component or file of `{}`", self.environment()),
        );
        let segments = path::split(subject);
        // The longest part of the path that exists says where it went wrong.
        let values = &self.plan().environment.values;
        let known = (0..segments.len()).rev().find_map(|length| {
            let node = values.at(segments[..length].iter().map(String::as_str))?;
            let keys: Vec<&str> = node.as_map()?.keys().map(AsRef::as_ref).collect();
            Some((length, closest(&segments[length], keys.iter().copied()).map(str::to_owned)))
        });
        diagnostic = match known {
            Some((length, Some(near))) if length > 0 => {
                let mut better = segments[..length].to_vec();
                better.push(near);
                diagnostic.help(format!("did you mean `{}`?", path::join(&better)))
            }
            _ => diagnostic.did_you_mean(subject, names.iter().map(String::as_str)),
        };
        let diagnostic = diagnostic.help("ask for a value (`cluster.domain`), a component (`istio`), a file (`applications/<name>.yaml`), or a file and a field");
        self.repository.mistakes(Diagnostics::from(diagnostic))
    }

    /// Who set a value, winner first.
    fn chain(&self, answer: &mut Answer, depth: usize, segments: &[String]) -> Vec<Json> {
        let mut settings = trace::settings(self.repository, self.plan(), segments);
        let mut list = Vec::new();
        let winner = settings.pop();
        // A map has no single winner: every layer adds to it.
        if let Some(winner) = &winner {
            let word = if winner.value.is_object() { "last set at" } else { "set at" };
            answer.say(depth, format!("{word} {}", self.at(winner.at)));
            list.push(
                json!({"at": self.at(winner.at), "overlay": winner.overlay, "value": winner.value, "wins": true}),
            );
        }
        for lost in settings.iter().rev() {
            let word = if lost.value.is_object() { "adds to   " } else { "shadows   " };
            answer.say(depth, format!("{word}{}  {}", self.at(lost.at), brief(&lost.value)));
            list.push(json!({"at": self.at(lost.at), "overlay": lost.overlay, "value": lost.value, "wins": false}));
        }
        list
    }

    fn value(&self, subject: &str) -> Result<Answer> {
        let segments = path::split(subject);
        let set = self.plan().environment.values.at(segments.iter().map(String::as_str));
        let filled = self.filled(&segments);
        if set.is_none() && filled.is_none() {
            return Err(self.unknown(subject));
        }
        let mut answer = Answer::new(subject);
        let value = filled.unwrap_or_else(|| set.map(Node::to_json).unwrap_or_default());
        answer.say(0, format!("{subject} in {}", self.environment()));
        answer.say(1, shown(&value));
        let chain = self.chain(&mut answer, 1, &segments);
        if chain.is_empty() {
            let from = match segments.first().map(String::as_str) {
                Some("components") => match segments.get(1) {
                    Some(component) => format!("components/{component}/settings.schema.yaml"),
                    None => "the schema".to_owned(),
                },
                _ => "environments/environment.schema.yaml".to_owned(),
            };
            answer.say(1, format!("no overlay sets it: the default of {from}"));
            answer.json["default"] = json!(from);
        } else {
            answer.json["default"] = Json::Null;
        }
        answer.json["value"] = value;
        answer.json["chain"] = json!(chain);
        Ok(answer)
    }

    /// A value with defaults, as templates see it.
    fn filled(&self, segments: &[String]) -> Option<Json> {
        let context = self.plan().context.data();
        match segments.first().map(String::as_str) {
            Some("cluster" | "argocd" | "platform" | "environment") => {
                segments.iter().try_fold(context, |value, key| value.get(key)).cloned()
            }
            Some("components") if segments.get(2).is_some_and(|key| key == "settings") => {
                segments.iter().try_fold(context, |value, key| value.get(key)).cloned()
            }
            _ => None,
        }
    }

    fn component(&self, name: &str) -> Answer {
        let mut answer = Answer::new(name);
        let plan = self.plan();
        let Some(component) = self.repository.components().get(name) else { return answer };
        answer.say(0, format!("{name}: {}", component.description));
        let Some(selected) = plan.selection.enabled.get(name) else {
            answer.say(1, format!("off in {}", self.environment()));
            let segments = vec!["components".to_owned(), name.to_owned(), "enabled".to_owned()];
            let chain = self.chain(&mut answer, 1, &segments);
            if chain.is_empty() {
                answer.say(1, "no overlay lists it under `components`");
            }
            answer.json["enabled"] = json!(false);
            answer.json["chain"] = json!(chain);
            return answer;
        };
        answer.say(1, format!("on in {}, because of {}", self.environment(), self.at(selected.because)));
        answer.json["enabled"] = json!(true);
        answer.json["because"] = json!(self.at(selected.because));
        answer.say(1, format!("in the namespace {}", selected.namespace));

        answer.say(0, "\nApplications, in the order of their waves:");
        let mut applications = Vec::new();
        for index in plan.in_order() {
            let application = &plan.applications[index];
            if application.component != name {
                continue;
            }
            answer.say(
                1,
                format!("wave {}  {}  {}", application.wave, application.name, super::plan::detail(plan, index)),
            );
            let mut after = Vec::new();
            for edge in plan.edges.iter().filter(|edge| edge.after == index) {
                let before = &plan.applications[edge.before];
                if before.wave + 1 == application.wave {
                    let place = edge.at.map_or_else(String::new, |at| format!(" at {}", self.at(at)));
                    answer.say(3, format!("after {}: {}{place}", before.name, edge.why));
                }
                after.push(json!({"application": before.name, "why": edge.why, "at": edge.at.map(|at| self.at(at))}));
            }
            applications.push(json!({"name": application.name, "wave": application.wave, "after": after}));
        }
        answer.json["applications"] = json!(applications);

        let needed: Vec<String> =
            plan.selection
                .enabled
                .values()
                .filter(|other| other.component.name != name)
                .filter(|other| {
                    other.component.wanted().any(|wanted| {
                        wanted.name == name || component.provided().any(|given| given.name == wanted.name)
                    })
                })
                .map(|other| other.component.name.clone())
                .collect();
        if !needed.is_empty() {
            answer.say(1, format!("required or used by {}", needed.join(", ")));
        }
        answer.json["neededBy"] = json!(needed);

        let mut set = Vec::new();
        for part in ["settings", "values", "charts", "application", "namespace", "delivery"] {
            if let Some(node) = selected.entry.get(part) {
                leaves(node, &mut vec![part.to_owned()], &mut set);
            }
        }
        if set.is_empty() {
            answer.say(0, "\nNothing is set: every setting has its default.");
        } else {
            answer.say(0, "\nSet by overlays; every other setting has its default:");
        }
        let mut settings = Vec::new();
        for (segments, value, at) in &set {
            let place = at.map_or_else(String::new, |at| self.at(at));
            answer.say(1, format!("{} = {}", path::join(segments), brief(value)));
            answer.say(2, place.clone());
            settings.push(json!({"path": path::join(segments), "value": value, "at": place}));
        }
        answer.json["set"] = json!(settings);

        answer.say(0, "\nFiles:");
        let files: Vec<String> =
            self.tree.files.iter().filter(|(_, file)| file.component == name).map(|(path, _)| path.clone()).collect();
        for file in &files {
            answer.say(1, format!("argocd/{}/{file}", self.environment()));
        }
        answer.json["files"] = json!(files);
        answer.say(0, format!("\nIts settings: kubezero components {name}"));
        answer
    }

    fn file(&self, file: &str, rendered: &RenderedFile) -> Answer {
        let mut answer = Answer::new(file);
        answer.say(0, format!("argocd/{}/{file}", self.environment()));
        let from = match rendered.component.as_str() {
            ROOT | NAMESPACES => "made by the generator itself from the environment as a whole".to_owned(),
            component => format!("made by the component {component}"),
        };
        answer.say(1, from);
        if let Some((chart, version)) = &rendered.chart {
            answer.say(1, format!("for the chart {chart} {version}"));
        }
        if !rendered.inputs.is_empty() {
            answer.say(1, "from");
            for input in &rendered.inputs {
                answer.say(2, input.clone());
            }
        }
        answer.say(1, "with the values of");
        for input in &self.plan().environment.inputs {
            answer.say(2, input.clone());
        }
        answer.say(0, format!("\nA field of it: kubezero explain {} {file} metadata.name", self.environment()));
        answer.json["component"] = json!(rendered.component);
        answer.json["inputs"] = json!(rendered.inputs);
        answer.json["overlays"] = json!(self.plan().environment.inputs);
        answer
    }

    fn field(&self, file: &str, rendered: &RenderedFile, field: &str) -> Result<Answer> {
        let text = String::from_utf8_lossy(&rendered.text);
        let documents = yaml::parse_all(crate::diagnostic::FileId(u32::MAX), &text).unwrap_or_default();
        let segments = path::split(field);
        let found = documents.iter().rev().find_map(|document| document.at(segments.iter().map(String::as_str)));
        let Some(found) = found else {
            return Err(self.repository.mistakes(
                Diagnostic::new("unknown-path", format!("`{file}` has no field `{field}`"))
                    .in_file(format!("argocd/{}/{file}", self.environment()))
                    .help("list items are named by their index: `spec.ignoreDifferences.0.kind`")
                    .into(),
            ));
        };
        let mut answer = Answer::new(field);
        answer.say(0, format!("{field} in argocd/{}/{file}", self.environment()));
        answer.say(1, shown(&found.to_json()));
        answer.json["file"] = json!(file);
        answer.json["value"] = found.to_json();
        answer.json["at"] = Json::Null;
        answer.json["chain"] = json!([]);
        answer.json["reads"] = json!([]);
        let values_prefix: Vec<String> = ["spec", "source", "helm", "valuesObject"].map(str::to_owned).to_vec();
        let application = file
            .strip_prefix("applications/")
            .and_then(|name| name.strip_suffix(".yaml"))
            .and_then(|name| self.plan().applications.iter().position(|a| a.name == name));
        match application {
            Some(index) if segments.starts_with(&values_prefix) => {
                let application = &self.plan().applications[index];
                let traced = trace::values(self.repository, self.plan(), application);
                let inner = &segments[values_prefix.len()..];
                let node = traced.as_ref().and_then(|node| node.at(inner.iter().map(String::as_str)));
                self.origins(&mut answer, node, application.component);
            }
            Some(index) => self.application_field(&mut answer, index, &segments),
            None if file.starts_with("manifests/") && rendered.component != NAMESPACES => {
                let identity = documents.first().and_then(|document| Identity::of(document).ok());
                let traced = identity
                    .and_then(|wanted| trace::object(self.repository, self.plan(), &rendered.component, &wanted));
                let node = traced.as_ref().and_then(|node| node.at(segments.iter().map(String::as_str)));
                self.origins(&mut answer, node, &rendered.component);
            }
            None => answer.say(1, "decided by the generator from the whole environment; see docs/concepts.md"),
        }
        Ok(answer)
    }

    /// The lines that wrote a value, and what those lines read.
    fn origins(&self, answer: &mut Answer, node: Option<&Node>, component: &str) {
        let (at, reads) = self.lines(answer, 1, node, component);
        if !at.is_null() {
            answer.json["at"] = at;
            answer.json["reads"] = reads;
        }
    }

    /// The same at any depth: the place, and what is read there.
    fn lines(&self, answer: &mut Answer, depth: usize, node: Option<&Node>, component: &str) -> (Json, Json) {
        let Some(origin) = node.and_then(Node::origin) else {
            answer.say(depth, "set by the generator");
            return (Json::Null, json!([]));
        };
        let sources = self.repository.sources();
        answer.say(depth, format!("set at {}", self.at(origin)));
        let line = sources.line(origin).trim().to_owned();
        if !line.is_empty() {
            answer.say(depth + 1, line.clone());
        }
        if let Some(node) = node {
            for lost in node.origins.iter().rev().skip(1).filter(|lost| lost.file != origin.file) {
                answer.say(depth, format!("shadows {}", self.at(*lost)));
            }
        }
        let mut reads = Vec::new();
        if sources.path(origin.file).ends_with(".hbs") {
            for name in trace::reads(&line) {
                if let Some(partial) = name.strip_prefix("partial ") {
                    answer.say(depth, format!("which includes components/partials/{partial}.hbs"));
                    continue;
                }
                let Some((value, segments)) = trace::variable(self.plan(), component, &name) else { continue };
                answer.say(depth, format!("which reads {name} = {}", brief(&value)));
                let chain = self.chain(answer, depth + 1, &segments);
                if chain.is_empty() {
                    answer.say(depth + 1, "no overlay sets it: the schema's default, or computed");
                }
                reads.push(json!({"name": name, "value": value, "chain": chain}));
            }
        }
        (json!(self.at(origin)), json!(reads))
    }

    /// The object of a chart that a subject names: `Deployment/monitoring/grafana`, `Deployment/grafana`, and before it the Application
    /// where several charts have one of this name.
    fn wanted(&self, subject: &str) -> Option<Wanted> {
        let is_application = |name: &str| self.plan().applications.iter().any(|planned| planned.name == name);
        let parts: Vec<&str> = subject.split('/').collect();
        let (application, parts) = match parts.as_slice() {
            [first, rest @ ..] if rest.len() > 1 && is_application(first) => (Some((*first).to_owned()), rest),
            parts => (None, parts),
        };
        let (kind, namespace, name) = match parts {
            [kind, name] => (*kind, None, *name),
            [kind, namespace, name] => (*kind, Some((*namespace).to_owned()), *name),
            _ => return None,
        };
        let is_kind = kind.starts_with(|c: char| c.is_ascii_uppercase());
        is_kind.then(|| Wanted { application, kind: kind.to_owned(), namespace, name: name.to_owned() })
    }

    /// An object that a chart makes, or a field of it.
    fn of_chart(&self, subject: &str, wanted: &Wanted, field: Option<&str>) -> Result<Answer> {
        let is_asked = |planned: &&Planned<'_>| wanted.application.as_ref().is_none_or(|name| *name == planned.name);
        let mut found: Vec<(&Planned<'_>, Request, Arc<ChartObjects>, usize)> = Vec::new();
        let mut problems: Vec<(Request, Problem)> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for planned in self.plan().applications.iter().filter(is_asked) {
            let Some(request) = self.tree.request(&planned.name) else { continue };
            match self.repository.objects(&request) {
                Ok(objects) => {
                    names.extend(objects.objects.iter().map(|object| address(&object.identity)));
                    let index = objects.objects.iter().position(|object| wanted.is(&object.identity));
                    found.extend(index.map(|index| (planned, request, objects, index)));
                }
                Err(problem) => problems.push((request, problem)),
            }
        }
        if found.len() > 1 {
            let one = |(planned, _, _, _): &(&Planned<'_>, _, _, _)| format!("`{}/{subject}`", planned.name);
            let all: Vec<String> = found.iter().map(one).collect();
            let diagnostic = Diagnostic::new("unknown-path", format!("several charts make a `{subject}`"));
            return Err(self.repository.mistakes(diagnostic.help(format!("ask for {}", all.join(" or "))).into()));
        }
        let Some((planned, request, objects, index)) = found.pop() else {
            let mut diagnostic = Diagnostic::new(
                "unknown-path",
                format!("no chart of `{}` makes an object `{subject}`", self.environment()),
            );
            let name = format!("{}/{}", wanted.kind, wanted.name);
            diagnostic = diagnostic.did_you_mean(&name, names.iter().map(String::as_str));
            for (request, problem) in problems.iter().take(3) {
                let pin = &request.pin;
                diagnostic = diagnostic.help(format!(
                    "`{} {}` was not looked at: it {}; {}",
                    pin.name,
                    pin.version,
                    problem.words(),
                    problem.remedy()
                ));
            }
            return Err(self.repository.mistakes(diagnostic.into()));
        };
        let object = &objects.objects[index];
        let mut answer = Answer::new(subject);
        let pin = &request.pin;
        answer.json["application"] = json!(planned.name);
        answer.json["component"] = json!(planned.component);
        answer.json["chart"] = json!({"repository": pin.repository, "name": pin.name, "version": pin.version});
        answer.json["template"] = json!(object.template);
        answer.json["hooks"] = json!(object.hooks);
        let name = address(&object.identity);
        let Some(field) = field else {
            answer.say(0, format!("{name} in {}", self.environment()));
            self.made_by(&mut answer, planned, &request, object);
            answer.say(0, format!("\nA field of it: kubezero explain {} {subject} metadata.name", self.environment()));
            return Ok(answer);
        };
        let segments = path::split(field);
        let Some(value) = probe::inside(&object.content, &segments) else {
            let diagnostic = Diagnostic::new("unknown-path", format!("`{name}` has no field `{field}`"));
            let help = "items of lists are named by index or by what tells them apart: `spec.ports[0].port`, `spec.ports[name=http].port`";
            return Err(self.repository.mistakes(diagnostic.help(help).into()));
        };
        answer.say(0, format!("{field} of {name} in {}", self.environment()));
        answer.say(1, shown(&value));
        answer.json["field"] = json!(field);
        answer.json["value"] = value.clone();
        self.made_by(&mut answer, planned, &request, object);
        self.reached_by(&mut answer, planned, &request, object, &segments, &value);
        Ok(answer)
    }

    /// The template, the chart and the Application behind an object.
    fn made_by(&self, answer: &mut Answer, planned: &Planned<'_>, request: &Request, object: &ChartObject) {
        let Request { pin, .. } = request;
        answer.say(1, format!("made by {}", object.template));
        answer.say(1, format!("of the chart {} {}, for the Application {}", pin.name, pin.version, planned.name));
        if let Content::Chart { chart, .. } = &planned.content {
            let pinned = ["components", planned.component, "charts", &chart.key, "version"].map(str::to_owned);
            let at = trace::settings(self.repository, self.plan(), &pinned).pop().map(|setting| setting.at);
            answer.say(2, self.at(at.unwrap_or(chart.version_at)));
        }
        if !object.hooks.is_empty() {
            answer.say(1, format!("a hook: {}", object.hooks.join(", ")));
        }
    }

    /// The values that reach a field, each with the lines that set it.
    fn reached_by(
        &self,
        answer: &mut Answer,
        planned: &Planned<'_>,
        request: &Request,
        object: &ChartObject,
        field: &[String],
        value: &Json,
    ) {
        let values = probe::values(request);
        let mut paths = probe::leaves(&values);
        let left = paths.len().saturating_sub(probe::MOST);
        paths.truncate(probe::MOST);
        let reached = probe::reaching(self.repository, request, &values, &paths, object, field);
        let traced = trace::values(self.repository, self.plan(), planned);
        let mut list = Vec::new();
        for (path, reach) in &reached {
            let set = probe::at(&values, path).cloned().unwrap_or_default();
            let word = match reach {
                Reach::Field => "reached by the value",
                Reach::Object => "is there at all because of",
            };
            answer.say(1, format!("{word} {} = {}", path::join(path), brief(&set)));
            let node = traced.as_ref().and_then(|node| node.at(path.iter().map(String::as_str)));
            let (at, reads) = self.lines(answer, 2, node, planned.component);
            let effect = if *reach == Reach::Field { "field" } else { "object" };
            list.push(json!({"path": path::join(path), "value": set, "effect": effect, "at": at, "reads": reads}));
        }
        answer.json["values"] = json!(list);
        let mut defaults = Vec::new();
        if !reached.iter().any(|(_, reach)| *reach == Reach::Field) {
            for (path, default) in self.defaults(request, &values, object, field, value) {
                answer.say(1, format!("the chart's own default: {} = {}", path::join(&path), brief(&default)));
                defaults.push(json!({"path": path::join(&path), "value": default}));
            }
            if defaults.is_empty() {
                answer.say(
                    1,
                    "no value was found that reaches it: the template says so, or the chart's own name and version",
                );
            } else {
                let file = match &planned.content {
                    Content::Chart { chart, .. } => chart.values.as_ref(),
                    Content::Manifests => None,
                };
                if let Some(file) = file {
                    answer.say(2, format!("{} can set another", self.repository.sources().path(file.file)));
                }
            }
        }
        answer.json["defaults"] = json!(defaults);
        if left > 0 {
            answer.say(1, format!("{left} more values were not tried"));
        }
        answer.json["untried"] = json!(left);
    }

    /// The defaults of the chart that reach a field: those are tried whose text is in it.
    fn defaults(
        &self,
        request: &Request,
        values: &Json,
        object: &ChartObject,
        field: &[String],
        value: &Json,
    ) -> Vec<(probe::Path, Json)> {
        let Ok(prepared) = self.repository.chart(&request.pin) else { return Vec::new() };
        let mut known: Vec<(probe::Path, Json)> = Vec::new();
        own_values(prepared.chart(), &mut Vec::new(), &mut known);
        let whole = value.to_string();
        let is_in_it = |default: &Json| match default {
            Json::String(text) => !text.is_empty() && whole.contains(text.as_str()),
            Json::Null => false,
            Json::Array(items) => !items.is_empty() && default == value,
            Json::Object(_) => false,
            scalar => scalar == value || whole.contains(&format!(":{scalar}")) && !scalar.is_boolean(),
        };
        known.retain(|(path, default)| is_in_it(default) && probe::at(values, path).is_none());
        known.truncate(probe::MOST);
        // Given as values of ours they change nothing, and can be changed one by one.
        let given = known.iter().fold(values.clone(), |values, (path, value)| probe::with(&values, path, Some(value)));
        let paths: Vec<probe::Path> = known.iter().map(|(path, _)| path.clone()).collect();
        let reached = probe::reaching(self.repository, request, &given, &paths, object, field);
        let reaches = |path: &probe::Path| reached.iter().any(|(known, reach)| known == path && *reach == Reach::Field);
        known.into_iter().filter(|(path, _)| reaches(path)).collect()
    }

    fn application_field(&self, answer: &mut Answer, index: usize, segments: &[String]) {
        let plan = self.plan();
        let application = &plan.applications[index];
        let component_file = format!("components/{}/component.yaml", application.component);
        let path = path::join(segments);
        match (&application.content, path.as_str()) {
            (Content::Chart { .. }, path) if path.starts_with("spec.source") && application.is_manifests() => {
                match path.rsplit('.').next() {
                    Some(key @ ("targetRevision" | "repoURL")) => {
                        self.decided(answer, &["argocd", key].map(str::to_owned))
                    }
                    _ => {
                        answer.say(1, "the folder of its objects: it is delivered as manifests");
                        let own = ["components", application.component, "delivery"].map(str::to_owned);
                        let is_own = plan.environment.get(own.iter().map(String::as_str)).is_some();
                        self.decided(answer, if is_own { &own[..] } else { &own[2..] });
                    }
                }
            }
            (Content::Chart { chart, .. }, "spec.source.targetRevision") => {
                let pinned = ["components", application.component, "charts", &chart.key, "version"].map(str::to_owned);
                let chain = self.chain(answer, 1, &pinned);
                let here = self.at(chart.version_at);
                match chain.is_empty() {
                    true => answer.say(1, format!("set at {here}")),
                    false => answer.say(1, format!("shadows   {here}  {}", chart.version)),
                }
                answer.json["at"] = chain.first().map_or_else(|| json!(here), |winner| winner["at"].clone());
                answer.json["chain"] = json!(chain);
            }
            (Content::Chart { chart, .. }, "spec.source.repoURL" | "spec.source.chart") => {
                answer.say(1, format!("set at {}", self.at(chart.at)));
                answer.json["at"] = json!(self.at(chart.at));
            }
            (Content::Manifests, "spec.source.targetRevision" | "spec.source.repoURL") => {
                let key = segments.last().cloned().unwrap_or_default();
                self.decided(answer, &["argocd".to_owned(), key]);
            }
            _ if path.contains("sync-wave") => {
                answer.say(1, "the longest path of what has to come before:");
                let mut current = index;
                loop {
                    let here = &plan.applications[current];
                    let next = plan
                        .edges
                        .iter()
                        .find(|edge| edge.after == current && plan.applications[edge.before].wave + 1 == here.wave);
                    let Some(edge) = next else {
                        answer.say(2, format!("wave {}  {}: after its namespace", here.wave, here.name));
                        break;
                    };
                    let place = edge.at.map_or_else(String::new, |at| format!(", {}", self.at(at)));
                    answer.say(2, format!("wave {}  {}: {}{place}", here.wave, here.name, edge.why));
                    current = edge.before;
                }
            }
            _ if path.starts_with("spec.destination") => {
                answer.say(1, format!("the namespace of {component_file}, the cluster of `argocd.destination`"));
                self.decided(answer, &["argocd".to_owned(), "destination".to_owned()]);
            }
            _ => {
                answer.say(
                    1,
                    format!("Argo CD policy: the generator's defaults, then `application` in {component_file}"),
                );
                self.decided(answer, &["components", application.component, "application"].map(str::to_owned));
            }
        }
    }

    /// The overlays that decide a field of an Application.
    fn decided(&self, answer: &mut Answer, segments: &[String]) {
        let chain = self.chain(answer, 1, segments);
        answer.json["at"] = chain.first().map_or(Json::Null, |winner| winner["at"].clone());
        answer.json["chain"] = json!(chain);
    }
}

/// An object of a chart as a question names it.
struct Wanted {
    application: Option<String>,
    kind: String,
    namespace: Option<String>,
    name: String,
}

impl Wanted {
    fn is(&self, identity: &Identity) -> bool {
        self.kind == identity.kind
            && self.name == identity.name
            && self.namespace.as_ref().is_none_or(|namespace| *namespace == identity.namespace)
    }
}

/// `Deployment/monitoring/grafana`, as a review and a trailer have it.
fn address(identity: &Identity) -> String {
    match identity.namespace.as_str() {
        "" => format!("{}/{}", identity.kind, identity.name),
        namespace => format!("{}/{namespace}/{}", identity.kind, identity.name),
    }
}

/// What the values.yaml of a chart and of its subcharts say, by paths from the top. A chart's word goes before those of its subcharts.
fn own_values(chart: &helm_render::chart::Chart, above: &mut probe::Path, found: &mut Vec<(probe::Path, Json)>) {
    let own = pipeline::charts::json(&chart.values);
    for path in probe::leaves(&own) {
        let Some(value) = probe::at(&own, &path) else { continue };
        let whole: probe::Path = above.iter().chain(&path).cloned().collect();
        if !found.iter().any(|(known, _)| *known == whole) {
            found.push((whole, value.clone()));
        }
    }
    for dependency in &chart.dependencies {
        let name = dependency.metadata.name.clone();
        let aliases = chart.metadata.dependencies.iter().flatten().filter(|wanted| wanted.name == name);
        let mut names: Vec<String> =
            aliases.filter_map(|wanted| Some(wanted.alias.clone()).filter(|alias| !alias.is_empty())).collect();
        if names.is_empty() {
            names.push(name);
        }
        for name in names {
            above.push(name);
            own_values(dependency, above, found);
            above.pop();
        }
    }
}

/// All leaves below a node: path, value, place.
fn leaves(node: &Node, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Json, Option<Origin>)>) {
    match node.as_map() {
        Some(map) if !map.is_empty() => {
            for (key, entry) in map {
                path.push(key.as_ref().to_owned());
                leaves(&entry.node, path, found);
                path.pop();
            }
        }
        _ => found.push((path.clone(), node.to_json(), node.origin())),
    }
}

fn brief(value: &Json) -> String {
    let text = value.to_string();
    if text.chars().count() <= 72 { text } else { text.chars().take(69).chain("...".chars()).collect() }
}

fn shown(value: &Json) -> String {
    match value {
        Json::Object(_) | Json::Array(_) => yaml::write::to_string(value).unwrap_or_default(),
        scalar => scalar.to_string(),
    }
}
