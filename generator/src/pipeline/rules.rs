//! What an environment must not say although every single value fits its schema: two ranges that overlap,
//! a name that becomes too long. The rules are data, of the components and of `environments/`.

use handlebars::Context;
use serde_json::Value as Json;

use super::template::{TemplateName, Templates};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Origin};
use crate::values::schema::Schema;
use crate::yaml::Node;

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Where it stands.
    pub at: Origin,
    /// Gives text where the rule applies.
    when: Option<TemplateName>,
    /// Gives text where the environment is wrong.
    condition: TemplateName,
    /// Path of what it is applied to, one by one.
    each: Option<String>,
    /// Paths whose lines are shown.
    places: Vec<TemplateName>,
    message: TemplateName,
    help: TemplateName,
}

/// Compiles the rules of one file.
pub fn read(
    file: FileId,
    path: &str,
    node: &Node,
    form: &Schema,
    templates: &mut Templates,
    mistakes: &mut Diagnostics,
) -> Vec<Rule> {
    let before = mistakes.len();
    form.check(Some(node), "", Some(Origin::start_of(file)), mistakes);
    if mistakes.len() > before {
        return Vec::new();
    }
    let mut rules = Vec::new();
    for (number, rule) in node.as_list().unwrap_or_default().iter().enumerate() {
        let at = rule.origin().unwrap_or(Origin::start_of(file));
        let mut compiled = |part: &str, text: &str, place: Option<Origin>| {
            let name = TemplateName { path: format!("{path}#{number}.{part}"), file };
            match Templates::compile(&name.path, file, text) {
                Ok(template) => templates.add(&name.path, file, template, false),
                Err(mut diagnostic) => {
                    diagnostic.at = Some((place.unwrap_or(at), String::new()));
                    mistakes.push(*diagnostic);
                }
            }
            name
        };
        let text = |key: &str| rule.get(key).and_then(|n| n.as_str().map(|text| (text, n.origin())));
        let mut part = |key: &str, wrap: bool| {
            let (text, place) = text(key)?;
            let text = if wrap { format!("{{{{#if {text}}}}}1{{{{/if}}}}") } else { text.to_owned() };
            Some(compiled(key, &text, place))
        };
        let (when, condition) = (part("when", true), part("if", true));
        let (message, help) = (part("message", false), part("help", false));
        let each = text("each").map(|(text, _)| text.to_owned());
        let places = rule.get("at").and_then(|n| n.as_list()).unwrap_or_default();
        let places = places.iter().enumerate();
        let places =
            places.filter_map(|(index, n)| Some(compiled(&format!("at{index}"), n.as_str()?, n.origin()))).collect();
        if let (Some(condition), Some(message), Some(help)) = (condition, message, help) {
            rules.push(Rule { at, when, condition, each, places, message, help });
        }
    }
    rules
}

/// The environment that is looked at, for its lines.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its values.
    pub values: &'a Node,
    /// Where to point when nothing better is known.
    pub at: Origin,
}

impl Rule {
    /// Looks at one environment; `component` is the rule's own, none for the rules of all environments.
    pub fn check(
        &self,
        templates: &Templates,
        environment: &Place<'_>,
        component: Option<&str>,
        context: &mut Context,
        mistakes: &mut Diagnostics,
    ) {
        let Some(path) = &self.each else {
            self.check_one(templates, environment, component, context, mistakes);
            return;
        };
        let entries = path.split('.').try_fold(context.data(), |value, key| value.get(key));
        let entries: Vec<(Json, Json)> = match entries {
            Some(Json::Object(map)) => map.iter().map(|(k, v)| (Json::String(k.clone()), v.clone())).collect(),
            Some(Json::Array(items)) => items.iter().enumerate().map(|(i, v)| (i.into(), v.clone())).collect(),
            _ => Vec::new(),
        };
        for (key, value) in entries {
            context.data_mut()["key"] = key;
            context.data_mut()["value"] = value;
            self.check_one(templates, environment, component, context, mistakes);
        }
        if let Some(map) = context.data_mut().as_object_mut() {
            map.remove("key");
            map.remove("value");
        }
    }

    fn check_one(
        &self,
        templates: &Templates,
        environment: &Place<'_>,
        component: Option<&str>,
        context: &Context,
        mistakes: &mut Diagnostics,
    ) {
        let mut text = |template: &TemplateName| match templates.render(template, context) {
            Ok(text) => Some(text),
            Err(mut diagnostic) => {
                // The line inside the small template says nothing: the rule's own does.
                diagnostic.at = Some((self.at, "in this rule".to_owned()));
                mistakes.push(*diagnostic);
                None
            }
        };
        if let Some(when) = &self.when
            && text(when).is_none_or(|text| text.is_empty())
        {
            return;
        }
        if text(&self.condition).is_none_or(|text| text.is_empty()) {
            return;
        }
        let (Some(message), Some(help)) = (text(&self.message), text(&self.help)) else { return };
        let mut diagnostic = Diagnostic::new("rule", message.trim().to_owned()).help(help.trim().to_owned());
        for place in &self.places {
            let Some(path) = text(place) else { return };
            let place = place_of(environment, component, &path);
            diagnostic = match diagnostic.at {
                None => diagnostic.at(place, ""),
                Some((first, _)) if first == place => diagnostic,
                Some(_) => diagnostic.also(place, ""),
            };
        }
        mistakes.push(diagnostic);
    }
}

/// The line of a path, or of what is nearest to it: a default has no line of its own.
fn place_of(environment: &Place<'_>, component: Option<&str>, path: &str) -> Origin {
    let own = match (component, path.split('.').next()) {
        (Some(component), Some("settings")) => vec!["components", component],
        _ => Vec::new(),
    };
    let mut node = environment.values;
    let mut found = environment.at;
    for key in own.into_iter().chain(path.split('.')) {
        let Some(next) = node.get(key) else { break };
        found = match next.as_map() {
            Some(_) => node.key_origin(key),
            None => next.origin(),
        }
        .unwrap_or(found);
        node = next;
    }
    found
}
