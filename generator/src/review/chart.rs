//! What charts make of a change: the objects behind every Application that names a chart, before and after.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::View;
use super::model::{ChartSeen, Object};
use super::tree::{self, Found, Raw};
use crate::pipeline::charts::{ChartObjects, Problem, Request};
use crate::pipeline::lock::{Locked, Pin};
use crate::pipeline::render::RenderedTree;

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
        let sum = |side: Side<'_>, request: &Option<Request>| -> Option<Locked> {
            let locked = side?.0.repository.lock().get(&request.as_ref()?.pin)?;
            Some(Locked { at: None, ..locked.clone() })
        };
        if before == after && sum(base, &before) == sum(head, &after) {
            continue;
        }
        let objects = |side: Side<'_>, request: &Option<Request>| match (side, request) {
            (Some((view, _)), Some(request)) => view.repository.objects(request).map(Some),
            _ => Ok(None),
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
            unseen: None,
            remedy: String::new(),
        };
        match found {
            Ok((before, after)) => {
                let may_be_renamed = before.is_some() && after.is_some();
                let mut before = found_in(before.as_deref(), &file, &component);
                let mut after = found_in(after.as_deref(), &file, &component);
                before.retain(|object, found| {
                    let is_same = after.get(object).is_some_and(|other| other.content == found.content);
                    if is_same {
                        after.remove(object);
                    }
                    !is_same
                });
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
            (&known.application, &known.chart, &known.before, &known.after, &known.unseen)
                == (&one.application, &one.chart, &one.before, &one.after, &one.unseen)
        };
        match all.iter_mut().find(is_same) {
            Some(known) => {
                known.objects += one.objects;
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
