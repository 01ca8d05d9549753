//! What charts make of a change: the objects behind every Application that names a chart, before and after.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::View;
use super::cause::line_of;
use super::model::{ChartSeen, Line, Object};
use super::tree::{self, Found, Raw};
use crate::pipeline::charts::{ChartObjects, Problem, Request};
use crate::pipeline::deliver;
use crate::pipeline::lock::{Locked, Pin};
use crate::pipeline::plan::Content;
use crate::pipeline::render::RenderedTree;
use crate::pipeline::trace;

/// The state before or after, where it has the environment.
type Side<'v> = Option<(View<'v>, &'v RenderedTree<'v>)>;

fn side<'v>(view: Option<View<'v>>, environment: &str) -> Side<'v> {
    view.and_then(|view| Some((view, view.tree(environment)?)))
}

/// What happens to objects of charts in one environment, and of which charts that is not known.
pub fn changes(environment: &str, base: Option<View<'_>>, head: Option<View<'_>>) -> (Vec<Raw>, Vec<ChartSeen>) {
    let (base, head) = (side(base, environment), side(head, environment));
    let same_locks = match (base, head) {
        (Some((base, _)), Some((head, _))) => sums(base).eq(sums(head)),
        _ => false,
    };
    let charts = |side: Side<'_>| -> BTreeSet<(String, String)> {
        let applications = side.into_iter().flat_map(|(_, tree)| &tree.plan.applications);
        applications.map(|planned| (planned.component.to_owned(), planned.name.clone())).collect()
    };
    let names: BTreeSet<(String, String)> = charts(base).into_iter().chain(charts(head)).collect();
    let (mut raws, mut seen) = (Vec::new(), Vec::new());
    for (component, application) in names {
        let file = format!("applications/{application}.yaml");
        let text = |side: Side<'_>| Some(side?.1.files.get(&file)?.text.clone());
        if same_locks && text(base) == text(head) {
            continue;
        }
        let request = |side: Side<'_>| side?.1.request(&application);
        let (before, after) = (request(base), request(head));
        let is_committed = |side: Side<'_>| side.is_some_and(|(_, tree)| tree.delivered.contains_key(&application));
        let is_handed_over = before.is_some() && after.is_some() && is_committed(base) != is_committed(head);
        if !is_handed_over && (is_committed(base) || is_committed(head)) {
            // Its objects are files.
            continue;
        }
        let sum = |side: Side<'_>, request: &Option<Request>| -> Option<Locked> {
            Some(side?.0.repository.lock().get(&request.as_ref()?.pin)?.without_place())
        };
        if !is_handed_over && before == after && sum(base, &before) == sum(head, &after) {
            continue;
        }
        let objects = |side: Side<'_>, request: &Option<Request>| match (side, request) {
            // What is committed needs no archive.
            (Some(_), Some(_)) if is_committed(side) => Ok(None),
            (Some((view, _)), Some(request)) => view.repository.objects(request).map(Some),
            _ => Ok(None),
        };
        let found_on = |side, request: &Option<Request>, objects: Option<&ChartObjects>| match (side, request, objects)
        {
            (Some((_, tree)), _, _) if is_committed(side) => committed(tree, &application),
            (Some((view, tree)), Some(request), Some(objects)) if is_handed_over => {
                translated(view, tree, &application, request, objects, &file, &component)
            }
            (_, _, objects) => found_in(objects, &file, &component),
        };
        let found = objects(base, &before).and_then(|base| Ok((base, objects(head, &after)?)));
        let version = |request: &Option<Request>| request.as_ref().map(|request| request.pin.version.clone());
        let chart = after.as_ref().or(before.as_ref()).map(|request| request.pin.name.clone()).unwrap_or_default();
        let mut one = ChartSeen {
            application: application.clone(),
            component: component.clone(),
            chart,
            before: version(&before),
            after: version(&after),
            environments: vec![environment.to_owned()],
            objects: 0,
            delivered: is_handed_over.then(|| if is_committed(head) { "manifests" } else { "charts" }.to_owned()),
            kept: 0,
            unseen: None,
            remedy: String::new(),
            at: version_line(head, &application).or_else(|| version_line(base, &application)),
        };
        match found {
            Ok((old, new)) => {
                let may_be_renamed = before.is_some() && after.is_some();
                let mut before = found_on(base, &before, old.as_deref());
                let mut after = found_on(head, &after, new.as_deref());
                let all = before.len();
                before.retain(|object, found| {
                    let is_same = after.get(object).is_some_and(|other| other.content == found.content);
                    if is_same {
                        after.remove(object);
                    }
                    !is_same
                });
                one.kept = if is_handed_over { all - before.len() } else { 0 };
                let found = tree::pair(environment, before, after, may_be_renamed);
                one.objects = found.len();
                raws.extend(found.into_iter().map(|raw| Raw { chart: Some(application.clone()), ..raw }));
            }
            Err(problem) => {
                one.remedy = problem.remedy().to_owned();
                one.unseen = Some(words(&problem));
            }
        }
        seen.push(one);
    }
    (raws, seen)
}

/// The line that says which version of its chart an Application has.
fn version_line(side: Side<'_>, application: &str) -> Option<Line> {
    let (view, tree) = side?;
    let planned = tree.plan.applications.iter().find(|planned| planned.name == application)?;
    let Content::Chart { chart, .. } = &planned.content else { return None };
    let path = ["components", planned.component, "charts", &chart.key, "version"].map(str::to_owned);
    let at = trace::settings(view.repository, &tree.plan, &path).pop().map_or(chart.version_at, |setting| setting.at);
    let sources = view.repository.sources();
    Some(line_of(sources.text(at.file), sources.path(at.file), at.line))
}

/// Why, in few words: an error of Helm has many lines.
fn words(problem: &Problem) -> String {
    problem.words().lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}

/// The sums of a lock, without their places.
fn sums<'v>(view: View<'v>) -> impl Iterator<Item = (&'v Pin, Option<&'v str>)> {
    view.repository.lock().charts().iter().map(|(pin, locked)| (pin, locked.sha256.as_deref()))
}

fn found_in<'f>(objects: Option<&ChartObjects>, file: &'f str, component: &'f str) -> BTreeMap<Object, Found<'f>> {
    let objects = objects.into_iter().flat_map(|found| &found.objects);
    objects
        .map(|object| {
            let mut content = object.content.clone();
            without_nulls(&mut content);
            (Object::from(object.identity.clone()), Found { file, component, content })
        })
        .collect()
}

/// The folders of charts that are delivered in another way than before: what is in them is compared with what the charts make.
pub fn handed_over<'v>(base: Option<&'v RenderedTree<'_>>, head: Option<&'v RenderedTree<'_>>) -> Vec<&'v str> {
    let (Some(base), Some(head)) = (base, head) else { return Vec::new() };
    let of = |one: &'v RenderedTree<'_>, other: &'v RenderedTree<'_>| {
        let delivered = one.delivered.iter().filter(|(name, _)| !other.delivered.contains_key(*name));
        let delivered = delivered.filter(|(name, _)| other.request(name).is_some());
        delivered.map(|(_, delivered)| delivered.folder.as_str()).collect::<Vec<_>>()
    };
    of(base, head).into_iter().chain(of(head, base)).collect()
}

/// The objects of a chart as they are committed.
fn committed<'v>(tree: &'v RenderedTree<'_>, application: &str) -> BTreeMap<Object, Found<'v>> {
    let Some(delivered) = tree.delivered.get(application) else { return BTreeMap::new() };
    let files: tree::Files<'v> = tree
        .files
        .range(delivered.folder.clone()..)
        .take_while(|(path, _)| path.starts_with(&delivered.folder))
        .map(|(path, file)| (path.as_str(), (file.text.as_ref(), file.component.as_str())))
        .collect();
    let mut found = BTreeMap::new();
    for (path, (text, component)) in files {
        for (object, mut content) in tree::read(path, text) {
            without_nulls(&mut content);
            found.insert(object, Found { file: path, component, content });
        }
    }
    found
}

/// The objects of a chart as they would be committed.
fn translated<'f>(
    view: View<'_>,
    tree: &RenderedTree<'_>,
    application: &str,
    request: &Request,
    objects: &ChartObjects,
    file: &'f str,
    component: &'f str,
) -> BTreeMap<Object, Found<'f>> {
    let Some(planned) = tree.plan.applications.iter().find(|planned| planned.name == application) else {
        return BTreeMap::new();
    };
    deliver::translated(view.repository, &tree.plan, planned, request, objects)
        .into_iter()
        .map(|(identity, mut content)| {
            without_nulls(&mut content);
            (Object::from(identity), Found { file, component, content })
        })
        .collect()
}

/// The API server takes a null for nothing.
fn without_nulls(value: &mut Json) {
    match value {
        Json::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Json::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// The same chart in several environments is one line.
pub fn together(seen: Vec<ChartSeen>) -> Vec<ChartSeen> {
    let mut all: Vec<ChartSeen> = Vec::new();
    for one in seen {
        let is_same = |known: &&mut ChartSeen| {
            (&known.application, &known.chart, &known.before, &known.after, &known.unseen, &known.delivered)
                == (&one.application, &one.chart, &one.before, &one.after, &one.unseen, &one.delivered)
        };
        match all.iter_mut().find(is_same) {
            Some(known) => {
                known.objects += one.objects;
                known.kept += one.kept;
                known.environments.extend(one.environments);
            }
            None => all.push(one),
        }
    }
    all.sort_by(|a, b| {
        (&a.component, &a.application, &a.environments).cmp(&(&b.component, &b.application, &b.environments))
    });
    all
}
