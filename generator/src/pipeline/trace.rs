//! Where a rendered value comes from: the line of the template that wrote it, the values which that line
//! reads, and the lines of the overlays that set those. Computed only when somebody asks.

use std::sync::{Arc, LazyLock};

use handlebars::Context;
use regex::Regex;
use serde_json::Value as Json;

use super::plan::{Content, Plan, Planned};
use super::render::{Shared, render_template, render_values};
use super::repository::{Overlay, Repository};
use super::template::TemplateName;
use crate::diagnostic::{Diagnostics, Origin};
use crate::objects::manifest::Identity;
use crate::values::path;
use crate::yaml::{Entry, Map, Node, Value};

/// One layer's word on a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The overlay: `layers/base` or the environment's name.
    pub overlay: String,
    /// Where it says so.
    pub at: Origin,
    /// What it says.
    pub value: Json,
}

/// Every overlay of the chain that sets a value, lowest first: the last one wins.
pub fn settings(repository: &Repository, plan: &Plan<'_>, segments: &[String]) -> Vec<Setting> {
    let chain = plan.environment.chain.iter().filter_map(|name| {
        let overlay: &Overlay = match name.strip_prefix("layers/") {
            Some(layer) => repository.layers().get(layer)?,
            None => repository.environments().get(name)?,
        };
        Some((name, overlay))
    });
    chain
        .filter_map(|(name, overlay)| {
            let node = overlay.values.at(segments.iter().map(String::as_str))?;
            Some(Setting { overlay: name.clone(), at: node.origin()?, value: node.to_json() })
        })
        .collect()
}

/// A chart's values as rendered; each node's last place is a line of a template or of an overlay.
pub fn values(repository: &Repository, plan: &Plan<'_>, application: &Planned<'_>) -> Option<Node> {
    let context = context(plan, application.component)?;
    let node = render_values(repository, plan, application, &context, &Shared::default(), &mut Diagnostics::new())?;
    let Content::Chart { chart, .. } = &application.content else { return None };
    Some(match &chart.values {
        Some(template) => placed(repository, template, &context, &node),
        None => Arc::unwrap_or_clone(node),
    })
}

/// The object with this identity, each node placed at a line of its template.
pub fn object(repository: &Repository, plan: &Plan<'_>, component: &str, wanted: &Identity) -> Option<Node> {
    let context = context(plan, component)?;
    let selected = plan.selection.enabled.get(component)?;
    for template in &selected.component.manifest_templates {
        let documents = render_template(repository, template, &context, &mut Diagnostics::new())?;
        if let Some(node) = documents.iter().find(|node| Identity::of(node).is_ok_and(|identity| identity == *wanted)) {
            return Some(placed(repository, template, &context, node));
        }
    }
    None
}

fn context(plan: &Plan<'_>, component: &str) -> Option<Context> {
    let mut context = plan.context.clone();
    plan.point(&mut context, component);
    Some(context)
}

fn placed(repository: &Repository, template: &TemplateName, context: &Context, node: &Node) -> Node {
    let lines = repository.templates().line_map(repository.sources().text(template.file), context);
    place(node, template, lines.as_deref())
}

fn place(node: &Node, template: &TemplateName, lines: Option<&[u32]>) -> Node {
    let origins = node
        .origins
        .iter()
        .map(|origin| match lines {
            Some(lines) if origin.file == template.file => {
                let line = lines.get(origin.line.saturating_sub(1) as usize).copied().unwrap_or(1);
                Origin { line, column: 1, ..*origin }
            }
            None if origin.file == template.file => Origin::start_of(template.file),
            _ => *origin,
        })
        .collect();
    let value = match &node.value {
        Value::Map(map) => Value::Map(
            map.iter()
                .map(|(key, entry)| {
                    let node = Arc::new(place(&entry.node, template, lines));
                    (key.clone(), Entry { key_at: entry.key_at, node })
                })
                .collect::<Map>(),
        ),
        Value::List(items) => Value::List(items.iter().map(|item| Arc::new(place(item, template, lines))).collect()),
        other => other.clone(),
    };
    Node { value, origins }
}

/// The variables and partials that a line of a template reads, each once, in order.
pub fn reads(line: &str) -> Vec<String> {
    #[expect(clippy::unwrap_used, reason = "a constant pattern, used by a test")]
    static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b(?:settings|cluster|argocd|components)(?:\.[A-Za-z0-9_-]+)+|\b(?:platform|environment)\b")
            .unwrap()
    });
    let mut found: Vec<String> = Vec::new();
    for tag in line.split("{{").skip(1) {
        let tag = tag.split("}}").next().unwrap_or("");
        if let Some(partial) = tag.trim_start_matches(['~', '{']).strip_prefix('>') {
            let name = partial.split_whitespace().next().unwrap_or("");
            found.push(format!("partial {name}"));
        }
        // Words in quotes are not variables.
        let bare: String = tag.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        for variable in VARIABLE.find_iter(&bare) {
            found.push(variable.as_str().to_owned());
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|name| seen.insert(name.clone()));
    found
}

/// The value that a template variable has, and its path in the environment's overlays.
pub fn variable(plan: &Plan<'_>, component: &str, name: &str) -> Option<(Json, Vec<String>)> {
    let context = plan.context_of(component);
    let segments = path::split(name);
    let value = segments.iter().try_fold(&context, |value, key| value.get(key))?.clone();
    let in_overlays = match segments.first().map(String::as_str) {
        Some("settings") => {
            let mut path = vec!["components".to_owned(), component.to_owned()];
            path.extend(segments);
            path
        }
        Some("platform") => vec!["cluster".to_owned(), "platform".to_owned()],
        _ => segments,
    };
    Some((value, in_overlays))
}

#[cfg(test)]
mod tests {
    use super::reads;

    #[test]
    fn a_line_says_what_it_reads() {
        assert_eq!(
            reads("host: {{json (concat \"cluster.x\" settings.host)}} {{#if cluster.aws}}{{> placement indent=2}}"),
            ["settings.host", "cluster.aws", "partial placement"]
        );
        assert_eq!(reads("plain: settings.host"), Vec::<String>::new());
    }
}
