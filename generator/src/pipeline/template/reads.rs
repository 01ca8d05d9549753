//! Which values a template can read, known without rendering it.
//!
//! Two environments that agree on these get the same text, so one of them can take over what the other came
//! to. What is found is never too little: a name inside a loop that is also the name of something at the top
//! of the context counts as that, and where a template could read anything, nothing is claimed.

use std::collections::BTreeSet;

use handlebars::template::{Parameter, TemplateElement};
use handlebars::{Path, PathSeg, Template};
use serde_json::{Map, Value as Json};

/// Paths from the top of the context, sorted, none below another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reads(Vec<Vec<String>>);

impl Reads {
    /// What a template reads, its partials included; nothing where it could read anything.
    pub fn of<'t>(template: &'t Template, partial: &dyn Fn(&str) -> Option<&'t Template>) -> Option<Reads> {
        let mut search = Search { partial, paths: BTreeSet::new(), open: Vec::new() };
        search.template(template, false)?;
        let mut paths: Vec<Vec<String>> = Vec::new();
        for path in search.paths {
            // Sorted, a path comes before everything below it.
            if !paths.last().is_some_and(|above| path.starts_with(above)) {
                paths.push(path);
            }
        }
        Some(Reads(paths))
    }

    /// Writes the values that are read: the same text for two contexts exactly where the part that is read is the same.
    pub fn write(&self, context: &Json, text: &mut Vec<u8>) {
        for path in &self.0 {
            let mut value = context;
            for key in path {
                match value.get(key) {
                    Some(next) => value = next,
                    // Marked, because something else could have the same value.
                    None if value.is_object() => {
                        text.push(b'-');
                        value = &Json::Null;
                        break;
                    }
                    // What is no map is read whole.
                    None => {
                        text.push(b'=');
                        break;
                    }
                }
            }
            // Writing JSON to memory does not fail.
            let _ = serde_json::to_writer(&mut *text, value);
            text.push(b'\n');
        }
    }

    /// The part of a context that is read: a template gives the same with it as with all of it.
    pub fn part(&self, context: &Json) -> Json {
        let mut part = Json::Object(Map::new());
        for path in &self.0 {
            let (mut from, mut to) = (context, &mut part);
            for (depth, key) in path.iter().enumerate() {
                let Some(next) = from.get(key) else { break };
                let is_all = depth + 1 == path.len() || !next.is_object();
                let Json::Object(map) = to else { break };
                // Entered even where the rest is missing: what is missing then is the same part of the path.
                to = map.entry(key.clone()).or_insert_with(|| match is_all {
                    true => next.clone(),
                    false => Json::Object(Map::new()),
                });
                if is_all {
                    break;
                }
                from = next;
            }
        }
        part
    }
}

struct Search<'f, 't> {
    partial: &'f dyn Fn(&str) -> Option<&'t Template>,
    paths: BTreeSet<Vec<String>>,
    /// Partials on the way, so that one which includes itself ends.
    open: Vec<(String, bool)>,
}

/// `None` wherever a template could read anything.
impl<'t> Search<'_, 't> {
    /// `inner`: whether `this` is no longer the whole context.
    fn template(&mut self, template: &'t Template, inner: bool) -> Option<()> {
        template.elements.iter().try_for_each(|element| self.element(element, inner))
    }

    fn element(&mut self, element: &'t TemplateElement, inner: bool) -> Option<()> {
        match element {
            TemplateElement::RawString(_) | TemplateElement::Comment(_) => Some(()),
            TemplateElement::Expression(tag)
            | TemplateElement::HtmlExpression(tag)
            | TemplateElement::HelperBlock(tag) => {
                let is_call = !tag.params.is_empty() || !tag.hash.is_empty() || tag.block;
                let name = tag.name.as_name().filter(|_| is_call);
                match name {
                    Some(name) => self.call(name, &tag.params)?,
                    None => self.parameter(&tag.name, inner)?,
                }
                self.parameters(tag.params.iter().chain(tag.hash.values()), inner)?;
                let inside = inner || matches!(name, Some("each" | "with"));
                tag.template.iter().try_for_each(|template| self.template(template, inside))?;
                tag.inverse.iter().try_for_each(|template| self.template(template, inner))
            }
            TemplateElement::PartialExpression(tag) => {
                self.parameters(tag.params.iter().chain(tag.hash.values()), inner)?;
                let name = match &tag.name {
                    Parameter::Name(name) => name.as_str(),
                    _ => return None,
                };
                let inside = inner || !tag.params.is_empty();
                let step = (name.to_owned(), inside);
                if self.open.contains(&step) {
                    return Some(());
                }
                self.open.push(step);
                let found = self.template((self.partial)(name)?, inside);
                self.open.pop();
                found
            }
            // Blocks handed to partials and decorators: not used, and not worth following.
            _ => None,
        }
    }

    fn parameters(&mut self, mut parameters: impl Iterator<Item = &'t Parameter>, inner: bool) -> Option<()> {
        parameters.try_for_each(|parameter| self.parameter(parameter, inner))
    }

    fn parameter(&mut self, parameter: &'t Parameter, inner: bool) -> Option<()> {
        match parameter {
            Parameter::Literal(_) => Some(()),
            Parameter::Path(path) => self.path(path, inner),
            Parameter::Subexpression(call) => {
                let TemplateElement::Expression(tag) = call.as_element() else { return None };
                match tag.params.is_empty() && tag.hash.is_empty() {
                    true => self.parameter(&tag.name, inner),
                    false => {
                        self.call(tag.name.as_name()?, &tag.params)?;
                        self.parameters(tag.params.iter().chain(tag.hash.values()), inner)
                    }
                }
            }
            // A bare name is a helper without arguments, or nothing that there is.
            Parameter::Name(name) => self.path(&Path::parse(name).ok()?, inner),
            _ => None,
        }
    }

    /// What a function reads beside its arguments.
    fn call(&mut self, function: &str, parameters: &'t [Parameter]) -> Option<()> {
        if super::READS_CONTEXT.contains(&function) {
            match parameters.first()? {
                Parameter::Literal(Json::String(name)) => {
                    self.paths.insert(vec!["capabilities".to_owned(), name.clone()]);
                    self.paths.insert(vec!["components".to_owned(), name.clone(), "enabled".to_owned()]);
                }
                _ => {
                    self.paths.insert(vec!["capabilities".to_owned()]);
                    self.paths.insert(vec!["components".to_owned()]);
                }
            }
        }
        Some(())
    }

    fn path(&mut self, path: &Path, inner: bool) -> Option<()> {
        let (segments, raw) = match path {
            Path::Relative((segments, raw)) => (segments, raw),
            Path::Local((_, name, _)) if name == "root" => return None,
            // `@key`, `@first`: of a list or map that was read to loop over it.
            Path::Local(_) => return Some(()),
        };
        let names: Vec<String> = segments
            .iter()
            .filter_map(|segment| match segment {
                PathSeg::Named(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        let is_whole = names.is_empty() && (!inner || raw.contains("@root") || raw.contains(".."));
        if is_whole {
            return None;
        }
        if !names.is_empty() {
            self.paths.insert(names);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reads(text: &str) -> Option<Vec<String>> {
        let template = Template::compile(text).unwrap();
        let partial = Template::compile("{{settings.p}}{{x}}").unwrap();
        let whole = Template::compile("{{json this}}").unwrap();
        let partial = |name: &str| match name {
            "part" => Some(&partial),
            "whole" => Some(&whole),
            _ => None,
        };
        Reads::of(&template, &partial).map(|reads| reads.0.iter().map(|path| path.join(".")).collect())
    }

    #[test]
    fn every_way_to_name_a_value() {
        let cases: &[(&str, &[&str])] = &[
            ("plain", &[]),
            ("{{settings.a}} {{json settings.b.c}}", &["settings.a", "settings.b.c"]),
            ("{{settings.a}} {{json settings.a.b}}", &["settings.a"]),
            (
                "{{#if (and cluster.aws (not settings.a))}}{{cluster.name}}{{else}}{{settings.b}}{{/if}}",
                &["cluster.aws", "cluster.name", "settings.a", "settings.b"],
            ),
            (
                "{{#if settings.a}}{{else if settings.b}}{{settings.c}}{{/if}}",
                &["settings.a", "settings.b", "settings.c"],
            ),
            (
                "{{#each settings.list as |v k|}}{{v.name}}{{@index}}{{../cluster.name}}{{/each}}",
                &["cluster.name", "settings.list", "v.name"],
            ),
            (
                "{{#each settings.list}}{{this}}{{json this.x}}{{@root.cluster.name}}{{/each}}",
                &["cluster.name", "settings.list", "x"],
            ),
            ("{{> part}}", &["settings.p", "x"]),
            ("{{> part (object) x=cluster.name}}", &["cluster.name", "object", "settings.p", "x"]),
            ("{{> whole settings.a}}", &["settings.a"]),
            (
                "{{#if (enabled \"istio\")}}{{provider \"ingress\"}}{{/if}}",
                &[
                    "capabilities.ingress",
                    "capabilities.istio",
                    "components.ingress.enabled",
                    "components.istio.enabled",
                ],
            ),
            ("{{#if (enabled settings.a)}}x{{/if}}", &["capabilities", "components", "settings.a"]),
            ("{{json (object a=(list settings.b))}}", &["settings.b"]),
            ("{{{{raw}}}}{{ $labels.x }}{{{{/raw}}}}", &[]),
        ];
        for (text, wanted) in cases {
            let wanted: Vec<String> = wanted.iter().map(|path| (*path).to_owned()).collect();
            let found = reads(text).unwrap_or_else(|| panic!("{text}"));
            assert!(wanted.iter().all(|path| found.contains(path)), "{text}: {found:?}");
            assert!(found.len() <= wanted.len(), "{text}: {found:?}");
        }
    }

    #[test]
    fn where_anything_could_be_read_nothing_is_claimed() {
        let cases = ["{{json this}}", "{{json @root}}", "{{> whole}}", "{{> (lookup settings \"x\")}}", "{{> nobody}}"];
        let more = [
            "{{#each settings.a}}{{json ../this}}{{/each}}",
            "{{#> part}}x{{/part}}",
            "{{#*inline \"a\"}}b{{/inline}}",
        ];
        for text in cases.into_iter().chain(more) {
            assert_eq!(reads(text), None, "{text}");
        }
    }

    #[test]
    fn the_part_that_is_read() {
        let template =
            Template::compile("{{settings.a}}{{settings.list.[0].x}}{{cluster.name.y}}{{cluster.aws}}").unwrap();
        let reads = Reads::of(&template, &|_| None).unwrap();
        let cluster = json!({"name": "n", "range": "10.0.0.0/8"});
        assert_eq!(
            reads
                .part(&json!({"settings": {"a": {"b": 1}, "c": 2, "list": [{"x": 1}, 2]}, "cluster": cluster, "d": 3})),
            json!({"settings": {"a": {"b": 1}, "list": [{"x": 1}, 2]}, "cluster": {"name": "n"}}),
        );
        assert_eq!(reads.part(&json!({"settings": {"c": 2}})), json!({"settings": {}}));
        assert_eq!(reads.part(&json!({"settings": null})), json!({"settings": null}));
        let written = |context: Json| {
            let mut text = Vec::new();
            reads.write(&context, &mut text);
            String::from_utf8(text).unwrap()
        };
        let same = written(json!({"settings": {"a": 1, "list": [1], "c": 2}, "cluster": {"name": {"y": "y"}}, "d": 1}));
        assert_eq!(same, written(json!({"settings": {"a": 1, "list": [1]}, "cluster": {"name": {"y": "y", "z": 1}}})));
        let others = [
            json!({"settings": {"a": "1", "list": [1]}, "cluster": {"name": {"y": "y"}}}),
            json!({"settings": {"a": 1, "list": [2]}, "cluster": {"name": {"y": "y"}}}),
            json!({"settings": {"a": 1, "list": [1]}, "cluster": {"name": {"y": "y"}, "aws": null}}),
            json!({"settings": {"a": 1, "list": [1]}, "cluster": {"name": {"y": null}}}),
            json!({"settings": {"a": 1, "list": [1]}, "cluster": {"name": "y"}}),
            json!({"settings": {"a": 1, "list": [1]}, "cluster": {"name": {}}}),
            json!({"settings": {"a": 1}, "cluster": {"name": {"y": "y"}}}),
            json!({"cluster": {"name": {"y": "y"}}}),
        ];
        let mut texts: Vec<String> = others.into_iter().map(written).chain([same]).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 9, "{texts:#?}");
    }
}
