//! Stage 3, select: which components are on, and whether what they require is there. It orders nothing.

use std::collections::BTreeMap;

use super::component::Component;
use super::environment::Environment;
use super::repository::Repository;
use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::values::schema::list_words;
use crate::yaml::{Node, Value};

/// The components that are on in one environment.
#[derive(Debug)]
pub struct Selection<'r> {
    /// Enabled components, by name.
    pub enabled: BTreeMap<&'r str, Selected<'r>>,
    /// For each capability of the catalogue, the enabled component that provides it.
    pub capabilities: BTreeMap<&'r str, Option<&'r str>>,
    /// `cluster.platform`.
    pub platform: String,
}

/// One enabled component.
#[derive(Debug)]
pub struct Selected<'r> {
    /// What it is.
    pub component: &'r Component,
    /// Its entry in the environment's values.
    pub entry: std::sync::Arc<Node>,
    /// The line that switched it on.
    pub because: Origin,
    /// Its namespace here.
    pub namespace: String,
}

impl<'r> Selection<'r> {
    /// Selects the components of an environment.
    pub fn of(repository: &'r Repository, environment: &Environment) -> Result<Selection<'r>, Diagnostics> {
        let mut mistakes = Diagnostics::new();
        let platform = environment.get(["cluster", "platform"]).and_then(Node::as_str).unwrap_or_default().to_owned();
        let accepted: Vec<&str> = environment
            .get(["acceptLicenses"])
            .and_then(Node::as_list)
            .unwrap_or_default()
            .iter()
            .filter_map(|item| item.as_str())
            .collect();

        let mut enabled = BTreeMap::new();
        for (name, entry) in environment.get(["components"]).and_then(Node::as_map).into_iter().flatten() {
            let off = entry.node.get("enabled").is_some_and(|n| n.as_bool() == Some(false));
            if off || entry.node.value == Value::Null {
                continue;
            }
            let Some((name, component)) = repository.components().get_key_value(name.as_ref()) else { continue };
            let because = entry.node.get("enabled").and_then(|n| n.origin()).unwrap_or(entry.key_at);
            if let Some((platforms, at)) = &component.platforms
                && !platforms.contains(&platform)
            {
                let words: Vec<&str> = platforms.iter().map(String::as_str).collect();
                mistakes.push(
                    Diagnostic::new("wrong-platform", format!("`{name}` does not run on the platform `{platform}`"))
                        .at(because, "switched on here")
                        .also(*at, format!("it runs on {}", list_words(&words)))
                        .help(format!("switch it off here: `{name}: {{enabled: false}}`")),
                );
            }
            check_license(component, because, &accepted, &mut mistakes);
            let namespace = entry.node.get("namespace").and_then(|n| n.as_str()).unwrap_or(&component.namespace);
            if let Err(why) = crate::name::label(namespace) {
                let at = entry.node.get("namespace").and_then(|n| n.origin()).unwrap_or(component.namespace_at);
                mistakes.push(
                    Diagnostic::new("bad-name", format!("the namespace `{namespace}` {why}"))
                        .at(at, "")
                        .help("a namespace is a DNS label: lower-case letters, digits and `-`, at most 63"),
                );
            }
            let namespace = namespace.to_owned();
            enabled.insert(name.as_str(), Selected { component, entry: entry.node.clone(), because, namespace });
        }

        let mut capabilities: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let mut given: BTreeMap<&str, (&str, Origin)> = BTreeMap::new();
        for component in repository.components().values() {
            for capability in component.provided() {
                let provider = capabilities.entry(&capability.name).or_default();
                if !enabled.contains_key(component.name.as_str()) {
                    continue;
                }
                match given.get(capability.name.as_str()) {
                    // Given side by side: the first by name stands for all where one name is asked for.
                    Some((other, _))
                        if component.shares(&capability.name)
                            && repository.components()[*other].shares(&capability.name) => {}
                    Some((other, _)) if *other != component.name => {
                        let because = enabled[component.name.as_str()].because;
                        mistakes.push(
                            Diagnostic::new(
                                "two-providers",
                                format!("`{other}` and `{}` both provide `{}`", component.name, capability.name),
                            )
                            .at(because, "one of them")
                            .also(enabled[other].because, "the other")
                            .help(format!("only one may be on: `{}: {{enabled: false}}`", component.name)),
                        );
                    }
                    _ => {
                        given.insert(&capability.name, (&component.name, capability.at));
                        *provider = Some(&component.name);
                    }
                }
            }
        }

        for component in repository.components().values() {
            for wanted in component.wanted() {
                let known = capabilities.contains_key(wanted.name.as_str())
                    || repository.components().contains_key(&wanted.name);
                if !known {
                    let names = capabilities.keys().copied().chain(repository.components().keys().map(String::as_str));
                    mistakes.push(
                        Diagnostic::new(
                            "unknown-capability",
                            format!("nothing is called or provides `{}`", wanted.name),
                        )
                        .at(wanted.at, "")
                        .did_you_mean(&wanted.name, names)
                        .help("name a component, or a capability that some component lists under `provides`"),
                    );
                }
            }
        }

        for (name, selected) in &enabled {
            let component = selected.component;
            let own = component.charts.iter().map(|chart| &chart.part).chain([&component.manifests]);
            let required =
                component.relations.requires.iter().chain(own.flat_map(|part| part.relations.requires.iter()));
            for wanted in required {
                let met = enabled.contains_key(wanted.name.as_str())
                    || capabilities.get(wanted.name.as_str()).is_some_and(Option::is_some);
                let known = capabilities.contains_key(wanted.name.as_str())
                    || repository.components().contains_key(&wanted.name);
                if met || !known {
                    continue;
                }
                let providers: Vec<&str> = repository
                    .components()
                    .values()
                    .filter(|c| c.name == wanted.name || c.provided().any(|given| given.name == wanted.name))
                    .map(|c| c.name.as_str())
                    .collect();
                mistakes.push(
                    Diagnostic::new(
                        "unmet-requirement",
                        format!("`{name}` requires `{}`, which no enabled component provides", wanted.name),
                    )
                    .at(selected.because, "switched on here")
                    .also(wanted.at, "required here")
                    .help(format!("enable {} under `components`, or switch `{name}` off", or_words(&providers))),
                );
            }
        }
        mistakes.or(Selection { enabled, capabilities, platform })
    }
}

fn or_words(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
}

fn check_license(component: &Component, because: Origin, accepted: &[&str], mistakes: &mut Diagnostics) {
    let open = |id: &spdx::LicenseReq| id.license.id().is_some_and(|id| id.is_osi_approved());
    let by_name = |id: &spdx::LicenseReq| accepted.contains(&id.license.to_string().as_str());
    let expression = match spdx::Expression::parse(&component.license) {
        Ok(expression) => expression,
        Err(error) => {
            mistakes.push(
                Diagnostic::new(
                    "license",
                    format!("`{}` is not an SPDX expression: {}", component.license, error.reason),
                )
                .at(component.license_at, "")
                .help("identifiers: https://spdx.org/licenses; others are written `LicenseRef-<name>`"),
            );
            return;
        }
    };
    if !expression.evaluate(|requirement| open(requirement) || by_name(requirement)) {
        mistakes.push(
            Diagnostic::new(
                "license",
                format!(
                    "`{}` comes under `{}`, which is not an open-source licence",
                    component.name, component.license
                ),
            )
            .at(because, "switched on here")
            .also(component.license_at, "its licence")
            .help(format!(
                "accept it by name in this environment: `acceptLicenses: [{}]`, or switch it off",
                component.license
            )),
        );
    }
}
