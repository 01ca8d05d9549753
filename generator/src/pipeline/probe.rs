//! Which values reach an object of a chart: found by rendering the chart with one of them changed, and looking what changes with it.
//! Templates are programs, and no reading of them says as much.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Map, Value as Json};

use super::charts::{ChartObject, Problem, Request};
use super::repository::Repository;
use crate::diagnostic::FileId;
use crate::objects::manifest::Identity;
use crate::yaml;

/// More values than this are not tried one by one.
pub const MOST: usize = 512;

/// The keys that lead to a value.
pub type Path = Vec<String>;

/// The objects of a chart by who they are.
pub type Objects = BTreeMap<Identity, ChartObject>;

/// The values of a request; an empty map where it has none that can be read.
pub fn values(request: &Request) -> Json {
    let json = || serde_json::from_str(&request.values).ok();
    let yaml = || yaml::parse(FileId(u32::MAX), &request.values).ok().map(|node| node.to_json());
    json().or_else(yaml).filter(Json::is_object).unwrap_or_else(|| Json::Object(Map::new()))
}

/// Every value that is no map with something in it; lists are one value.
pub fn leaves(values: &Json) -> Vec<Path> {
    fn walk(value: &Json, path: &mut Path, found: &mut Vec<Path>) {
        match value {
            Json::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    path.push(key.clone());
                    walk(value, path, found);
                    path.pop();
                }
            }
            _ => found.push(path.clone()),
        }
    }
    let mut found = Vec::new();
    walk(values, &mut Path::new(), &mut found);
    found.retain(|path| !path.is_empty());
    found
}

/// The values that are others on two sides, or are on one of them only.
pub fn differing(base: &Json, head: &Json) -> Vec<Path> {
    let mut found: Vec<Path> = Vec::new();
    for path in leaves(head).into_iter().chain(leaves(base)) {
        // Where a map stands for a value, the map is what differs.
        let is_inside = found.iter().any(|known| path.starts_with(known) || known.starts_with(&path));
        if !is_inside && at(base, &path) != at(head, &path) {
            found.push(path);
        }
    }
    found
}

/// The value at a path.
pub fn at<'v>(values: &'v Json, path: &[String]) -> Option<&'v Json> {
    path.iter().try_fold(values, |value, key| value.as_object()?.get(key))
}

/// The same values with another one at a path, or none.
pub fn with(values: &Json, path: &[String], value: Option<&Json>) -> Json {
    let mut values = values.clone();
    let Some((last, above)) = path.split_last() else { return values };
    let mut place = &mut values;
    for key in above {
        if !place.is_object() {
            *place = Json::Object(Map::new());
        }
        let Json::Object(map) = place else { return values };
        place = map.entry(key.clone()).or_insert_with(|| Json::Object(Map::new()));
    }
    if !place.is_object() {
        *place = Json::Object(Map::new());
    }
    if let Json::Object(map) = place {
        match value {
            Some(value) => map.insert(last.clone(), value.clone()),
            None => map.remove(last),
        };
    }
    values
}

/// The objects of a chart with other values; of one template only, where one is named.
///
/// # Errors
/// Where the archive is not at hand or does not render with these values.
pub fn objects(
    repository: &Repository,
    request: &Request,
    values: &Json,
    only: Option<&str>,
) -> Result<Objects, Problem> {
    let request = Request { values: values.to_string(), ..request.clone() };
    Ok(by_identity(repository.probe(&request, only)?))
}

/// Objects by who they are.
pub fn by_identity(objects: Vec<ChartObject>) -> Objects {
    objects.into_iter().map(|object| (object.identity.clone(), object)).collect()
}

/// How a value reaches a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// With another value the field has another one.
    Field,
    /// With another value the object is not there, or no longer under this name.
    Object,
}

/// The values, of those at these paths, that reach a field of an object.
pub fn reaching(
    repository: &Repository,
    request: &Request,
    values: &Json,
    paths: &[Path],
    object: &ChartObject,
    field: &[String],
) -> Vec<(Path, Reach)> {
    let now = inside(&object.content, field);
    // The others need not run, unless they change what this one sees.
    let only = Some(object.template.as_str()).filter(|template| {
        objects(repository, request, values, Some(template))
            .is_ok_and(|alone| alone.get(&object.identity).is_some_and(|alone| alone.content == object.content))
    });
    let tried = |path: &Path| -> Option<Reach> {
        let mut reach = None;
        let others = others(at(values, path));
        for other in others.iter().map(Some).chain([None]) {
            // A chart may refuse what it does not expect.
            let Ok(found) = objects(repository, request, &with(values, path, other), only) else { continue };
            match found.get(&object.identity) {
                Some(found) if inside(&found.content, field) != now => return Some(Reach::Field),
                Some(_) => {}
                None => reach = Some(Reach::Object),
            }
        }
        reach
    };
    let found: Vec<Option<Reach>> = paths.par_iter().map(tried).collect();
    let mut reaching: Vec<(Path, Reach)> =
        paths.iter().zip(found).filter_map(|(path, reach)| Some((path.clone(), reach?))).collect();
    reaching.sort_by_key(|(_, reach)| *reach);
    reaching
}

/// Other values of the same type.
fn others(value: Option<&Json>) -> Vec<Json> {
    match value {
        Some(Json::Bool(value)) => vec![Json::Bool(!value)],
        Some(Json::Number(number)) => match number.as_i64() {
            Some(number) => vec![Json::from(number.saturating_add(1))],
            None => vec![Json::from(number.as_f64().unwrap_or_default() + 1.0)],
        },
        // What follows a text keeps most of its meaning; what stands alone keeps its form.
        Some(Json::String(text)) => vec![Json::String(format!("{text}-other")), Json::String("other".to_owned())],
        Some(Json::Array(_)) => vec![Json::Array(Vec::new())],
        Some(Json::Object(_)) => vec![serde_json::json!({"other": "other"})],
        Some(Json::Null) | None => vec![Json::String("other".to_owned()), Json::Bool(true), Json::from(7)],
    }
}

/// A field of an object. Items of lists are named by their index or by what tells them apart, `name=web`; in a text that holds JSON or
/// YAML the path goes on.
pub fn inside(value: &Json, field: &[String]) -> Option<Json> {
    let Some((first, rest)) = field.split_first() else { return Some(value.clone()) };
    match value {
        Json::Object(map) => inside(map.get(first)?, rest),
        Json::Array(items) => {
            let found = match first.parse::<usize>() {
                Ok(index) => items.get(index),
                Err(_) => items.iter().find(|item| {
                    first.split(',').all(|part| {
                        let Some((key, wanted)) = part.split_once('=') else { return false };
                        match item.get(key) {
                            Some(Json::String(text)) => text == wanted,
                            Some(other) => {
                                let text = other.to_string();
                                text == wanted
                            }
                            None => false,
                        }
                    })
                }),
            };
            inside(found?, rest)
        }
        Json::String(text) => {
            let document = match serde_json::from_str::<Json>(text) {
                Ok(document) => document,
                Err(_) => yaml::parse(FileId(u32::MAX), text).ok()?.to_json(),
            };
            if document.is_object() || document.is_array() { inside(&document, field) } else { None }
        }
        _ => None,
    }
}

/// For each object which of several changes reach it: what it is with all of them, and what it is with one of them taken back.
pub fn reached(head: &Objects, taken_back: &[Result<Objects, Problem>]) -> BTreeMap<Identity, Vec<usize>> {
    let mut reached: BTreeMap<Identity, Vec<usize>> = BTreeMap::new();
    for (index, found) in taken_back.iter().enumerate() {
        match found {
            Ok(found) => {
                let names = head.keys().chain(found.keys().filter(|identity| !head.contains_key(identity)));
                for identity in names {
                    let now = head.get(identity).map(|object| &object.content);
                    if now != found.get(identity).map(|object| &object.content) {
                        reached.entry(identity.clone()).or_default().push(index);
                    }
                }
            }
            // Without it nothing renders: everything needs it.
            Err(_) => {
                head.keys().for_each(|identity| reached.entry(identity.clone()).or_default().push(index));
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> Path {
        crate::values::path::split(text)
    }

    #[test]
    fn what_differs_is_named_once() {
        let base = json!({"a": {"b": 1, "c": [1]}, "d": {}, "gone": {"x": 1}, "same": {"y": true}});
        let head = json!({"a": {"b": 2, "c": [1, 2]}, "d": {"e": "f"}, "same": {"y": true}});
        assert_eq!(differing(&base, &head), [path("a.b"), path("a.c"), path("d.e"), path("gone.x")]);
        assert!(differing(&head, &head).is_empty());
    }

    #[test]
    fn a_value_is_put_in_place_or_taken_away() {
        let values = json!({"a": {"b": 1}, "c": "text"});
        assert_eq!(with(&values, &path("a.b"), None), json!({"a": {}, "c": "text"}));
        assert_eq!(with(&values, &path("c.d"), Some(&json!(2))), json!({"a": {"b": 1}, "c": {"d": 2}}));
        assert_eq!(at(&values, &path("a.b")), Some(&json!(1)));
        assert_eq!(at(&values, &path("c.b")), None);
    }

    #[test]
    fn fields_are_found_by_index_by_name_and_in_texts() {
        let object = json!({"spec": {"containers": [{"name": "a"}, {"name": "web", "ports": [{"containerPort": 80}]}]},
            "data": {"app.json": "{\"panels\": [{\"id\": 2, \"title\": \"t\"}]}", "plain": "text"}});
        for (field, wanted) in [
            ("spec.containers[1].name", Some(json!("web"))),
            ("spec.containers[name=web].ports[containerPort=80].containerPort", Some(json!(80))),
            ("data[\"app.json\"].panels[id=2].title", Some(json!("t"))),
            ("data.plain.x", None),
            ("spec.containers[name=none]", None),
        ] {
            assert_eq!(inside(&object, &path(field)), wanted, "{field}");
        }
    }
}
