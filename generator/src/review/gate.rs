//! What a person has to say yes to before it is merged, and whether they did.

use std::collections::{BTreeMap, BTreeSet};

use super::View;
use super::model::{Action, ChartSeen, Class, Demand, Item, Line, Object, Place};
use crate::yaml::{Node, Value};

/// A commit trailer that says yes: `Accept-Delete: aws-ha/logging`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// `Accept-Delete`.
    pub token: String,
    /// `aws-ha/logging`.
    pub value: String,
}

/// What `review:` in an environment asks for. Both sides count, so that no change can open its own gate.
#[derive(Debug, Default)]
struct Gate {
    protected: Option<Option<Line>>,
    /// How many objects a change may delete.
    deletions: Option<(u64, Option<Line>)>,
    acknowledge: BTreeMap<Class, Option<Line>>,
}

/// Classes that a protected environment asks about.
const PROTECTED: [Class; 4] = [Class::Destroyed, Class::DataLoss, Class::Immutable, Class::Identity];

/// Marks what is protected, and lists what is asked.
pub fn demands(
    base: Option<View<'_>>,
    head: Option<View<'_>>,
    items: &mut [Item],
    charts: &[ChartSeen],
    said: &[Acceptance],
) -> Vec<Demand> {
    let gates: BTreeMap<String, Gate> =
        super::environments(base, head).into_iter().map(|name| (name.to_owned(), Gate::of(base, head, name))).collect();
    let mut demands = Vec::new();
    let mut deleted: BTreeMap<String, usize> = BTreeMap::new();
    for item in items.iter_mut() {
        for place in &mut item.places {
            let Some(gate) = gates.get(&place.environment) else { continue };
            place.protected = gate.protected.is_some();
            if item.action == Action::Removed && item.object.kind != "File" {
                *deleted.entry(place.environment.clone()).or_default() += 1;
            }
        }
        let classes = classes(item);
        for place in &item.places {
            let Some(gate) = gates.get(&place.environment) else { continue };
            for (class, environments) in &classes {
                let concerned = environments.as_ref().is_none_or(|list| list.contains(&place.environment));
                if let Some((name, at)) = gate.asks(*class).filter(|_| concerned) {
                    demands.push(demand(item, place, *class, name, at, said));
                }
            }
        }
    }
    for chart in charts.iter().filter(|chart| chart.unseen.is_some()) {
        for environment in &chart.environments {
            let Some(at) = gates.get(environment).and_then(|gate| gate.protected.as_ref()) else { continue };
            let value = format!("{environment}/{}", chart.application);
            demands.push(Demand {
                gate: "protected".to_owned(),
                about: format!(
                    "what becomes of the objects of `{}` in `{environment}` was not seen",
                    chart.application
                ),
                at: at.clone(),
                accepted: is_said(said, "Accept-Unseen", &value),
                trailer: Some(format!("Accept-Unseen: {value}")),
                environment: environment.clone(),
                item: String::new(),
            });
        }
    }
    for (environment, count) in deleted {
        let limit = gates.get(&environment).and_then(|gate| gate.deletions.as_ref());
        if let Some((limit, at)) = limit.filter(|(limit, _)| count as u64 > *limit) {
            let value = format!("{environment}/{count}");
            demands.push(Demand {
                gate: "deletions".to_owned(),
                about: format!("{count} objects are deleted in `{environment}`, and one change may delete {limit}"),
                at: at.clone(),
                accepted: is_said(said, "Accept-Deletions", &value),
                trailer: Some(format!("Accept-Deletions: {value}")),
                environment,
                item: String::new(),
            });
        }
    }
    demands
}

/// The classes of an item, each with the environments where it has it; all where it is of the whole object.
fn classes(item: &Item) -> BTreeMap<Class, Option<BTreeSet<String>>> {
    let mut classes: BTreeMap<Class, Option<BTreeSet<String>>> = BTreeMap::new();
    if item.findings.is_empty() && item.edits.is_empty() {
        classes.insert(item.class, None);
    }
    for finding in &item.findings {
        classes.insert(finding.class, None);
    }
    for edit in &item.edits {
        let known = classes.entry(edit.finding.class).or_insert_with(|| Some(BTreeSet::new()));
        if let Some(known) = known {
            known.extend(edit.environments.iter().cloned());
        }
    }
    classes
}

fn demand(item: &Item, place: &Place, class: Class, gate: &str, at: Option<Line>, said: &[Acceptance]) -> Demand {
    let token = token(class);
    let value = format!("{}/{}", place.environment, address(&place.object));
    Demand {
        gate: gate.to_owned(),
        environment: place.environment.clone(),
        about: format!("`{}` in `{}`: {}", title(&place.object), place.environment, words(class)),
        at,
        accepted: is_said(said, &token, &value),
        trailer: Some(format!("{token}: {value}")),
        item: item.id.clone(),
    }
}

fn is_said(said: &[Acceptance], token: &str, value: &str) -> bool {
    said.iter().any(|trailer| trailer.token.eq_ignore_ascii_case(token) && trailer.value == value)
}

/// The trailer that accepts a class.
fn token(class: Class) -> String {
    let name = match class {
        Class::Destroyed => "Delete",
        Class::DataLoss => "Data-Loss",
        Class::Immutable => "Immutable",
        Class::Identity => "Identity",
        Class::Privilege => "Privilege",
        Class::CrdNarrowed => "Crd-Narrowed",
        Class::ArgoCd => "Argo-Cd",
        Class::Traffic => "Traffic",
        Class::Restart => "Restart",
        Class::Scale => "Scale",
        Class::Image => "Image",
        Class::ChartVersion => "Chart-Version",
        Class::Configuration => "Configuration",
        Class::New => "New",
        Class::Cosmetic => "Cosmetic",
    };
    format!("Accept-{name}")
}

fn words(class: Class) -> &'static str {
    match class {
        Class::Destroyed => "is deleted",
        Class::DataLoss => "may lose data",
        Class::Immutable => "changes what cannot be changed in place",
        Class::Identity => "becomes another object or moves",
        Class::Privilege => "may do more than before",
        Class::CrdNarrowed => "accepts less than before",
        Class::ArgoCd => "changes how Argo CD acts",
        Class::Traffic => "changes where connections go",
        Class::Restart => "restarts pods",
        Class::Scale => "runs more or fewer of the same",
        Class::Image => "runs another image",
        Class::ChartVersion => "comes from another version of its chart",
        Class::Configuration => "has another configuration",
        Class::New => "is new",
        Class::Cosmetic => "changes in looks only",
    }
}

/// An Application by its name; any other object by kind, namespace and name.
fn address(object: &Object) -> String {
    match (object.group.as_str(), object.kind.as_str()) {
        ("argoproj.io", "Application") => object.name.clone(),
        ("", "File") => object.name.clone(),
        _ if object.namespace.is_empty() => format!("{}/{}", object.kind, object.name),
        _ => format!("{}/{}/{}", object.kind, object.namespace, object.name),
    }
}

fn title(object: &Object) -> String {
    match object.namespace.as_str() {
        "" => format!("{} {}", object.kind, object.name),
        namespace => format!("{} {namespace}/{}", object.kind, object.name),
    }
}

impl Gate {
    fn of(base: Option<View<'_>>, head: Option<View<'_>>, environment: &str) -> Gate {
        let mut gate = Gate::default();
        for view in [head, base].into_iter().flatten() {
            let Some(tree) = view.tree(environment) else { continue };
            let Some(review) = tree.plan.environment.get(["review"]) else { continue };
            let line = |node: &Node| {
                let origin = node.origin()?;
                let sources = view.repository.sources();
                Some(super::cause::line_of(sources.text(origin.file), sources.path(origin.file), origin.line))
            };
            if let Some(node) = review.get("protected").filter(|node| node.as_bool() == Some(true)) {
                gate.protected.get_or_insert_with(|| line(node));
            }
            if let Some((limit, node)) = review.get("deletions").and_then(|node| Some((whole(node)?, node)))
                && gate.deletions.as_ref().is_none_or(|(known, _)| limit < *known)
            {
                gate.deletions = Some((limit, line(node)));
            }
            for node in review.get("acknowledge").and_then(|node| node.as_list()).unwrap_or_default() {
                let class = node.as_str().and_then(|name| serde_json::from_value(name.into()).ok());
                if let Some(class) = class {
                    gate.acknowledge.entry(class).or_insert_with(|| line(node));
                }
            }
        }
        gate
    }

    /// Which gate asks about a class, and where it was put up.
    fn asks(&self, class: Class) -> Option<(&'static str, Option<Line>)> {
        if let Some(at) = self.acknowledge.get(&class) {
            return Some(("acknowledge", at.clone()));
        }
        let at = self.protected.as_ref().filter(|_| PROTECTED.contains(&class))?;
        Some(("protected", at.clone()))
    }
}

fn whole(node: &Node) -> Option<u64> {
    match &node.value {
        Value::Number(number) => number.as_u64(),
        _ => None,
    }
}
