//! Stage 2, resolve: which value wins, and who lost. It knows no component.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::repository::{Overlay, Repository};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::values::overlay::lay;
use crate::yaml::Node;

/// One environment's values, every leaf with all places that set it.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Name of its folder.
    pub name: String,
    /// The overlays laid, lowest first, itself last.
    pub chain: Vec<String>,
    /// The files of the chain, in the order laid.
    pub inputs: Vec<String>,
    /// What came out.
    pub values: Arc<Node>,
    /// Its own first line, to point at where nothing better is known.
    pub at: Origin,
}

/// What a chain of layers came to, computed once however many environments begin with it.
#[derive(Debug, Default)]
pub struct Chains {
    laid: Mutex<HashMap<Vec<String>, Laid>>,
}

/// The values, and what was wrong on the way.
type Laid = (Arc<Node>, Diagnostics);

impl Chains {
    /// A chain of layers laid upon each other, lowest first; nothing where there is none.
    fn lay(&self, repository: &Repository, layers: &[String]) -> Option<Laid> {
        // A thread that panicked left whole entries behind.
        let mut known = self.laid.lock().unwrap_or_else(PoisonError::into_inner);
        let mut below: Option<Laid> = None;
        for length in 1..=layers.len() {
            let prefix = &layers[..length];
            if let Some(laid) = known.get(prefix) {
                below = Some(laid.clone());
                continue;
            }
            let layer = &repository.layers()[&prefix[length - 1]];
            let laid = match below {
                Some((below, mut mistakes)) => (lay(&below, &layer.values, &mut mistakes), mistakes),
                None => (layer.values.clone(), Diagnostics::new()),
            };
            known.insert(prefix.to_vec(), laid.clone());
            below = Some(laid);
        }
        below
    }
}

impl Environment {
    /// Resolves one environment.
    pub fn resolve(repository: &Repository, overlay: &Overlay, chains: &Chains) -> Result<Environment, Diagnostics> {
        let mut mistakes = Diagnostics::new();
        let mut layers = Vec::new();
        follow(repository, overlay, &mut layers, &mut Vec::new(), &mut mistakes);
        let mut mistakes = match mistakes.or(()) {
            Ok(()) => Diagnostics::new(),
            Err(mistakes) => return Err(mistakes),
        };

        let values = match chains.lay(repository, &layers) {
            Some((below, found)) => {
                mistakes = found;
                lay(&below, &overlay.values, &mut mistakes)
            }
            None => overlay.values.clone(),
        };

        let mut inputs: Vec<String> =
            layers.iter().flat_map(|layer| repository.layers()[layer].inputs.iter().cloned()).collect();
        inputs.extend(overlay.inputs.iter().cloned());
        let mut chain: Vec<String> = layers.iter().map(|layer| format!("layers/{layer}")).collect();
        chain.push(overlay.name.clone());
        mistakes.or(Environment {
            name: overlay.name.clone(),
            chain,
            inputs,
            values,
            at: Origin::start_of(overlay.file),
        })
    }

    /// A node by path.
    pub fn get<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Node> {
        self.values.at(path)
    }
}

/// Depth first, left to right, each layer once.
fn follow(
    repository: &Repository,
    overlay: &Overlay,
    layers: &mut Vec<String>,
    open: &mut Vec<(String, Origin)>,
    mistakes: &mut Diagnostics,
) {
    for (reference, origin) in &overlay.extends {
        let Some(name) = reference.strip_prefix("layers/") else {
            let known: Vec<String> = repository.layers().keys().map(|name| format!("layers/{name}")).collect();
            let mut diagnostic =
                Diagnostic::new("unknown-layer", format!("`{reference}` is not a layer")).at(*origin, "");
            diagnostic = match repository.layers().contains_key(reference) {
                true => diagnostic.help(format!("write `layers/{reference}`")),
                false => diagnostic
                    .did_you_mean(reference, known.iter().map(String::as_str))
                    .help("only layers can be extended: move what two environments share into `environments/layers/<name>/overlay.yaml`"),
            };
            mistakes.push(diagnostic);
            continue;
        };
        if let Some(start) = open.iter().position(|(open, _)| open == name) {
            let path: Vec<String> =
                open[start..].iter().map(|(name, _)| format!("`{name}`")).chain([format!("`{name}`")]).collect();
            let mut diagnostic =
                Diagnostic::new("extends-cycle", format!("layers extend each other: {}", path.join(" → ")))
                    .at(*origin, "this closes the circle")
                    .help("take one of these `extends` out");
            for (name, origin) in open[start..].iter().skip(1) {
                diagnostic = diagnostic.also(*origin, format!("`{name}` is extended here"));
            }
            mistakes.push(diagnostic);
            continue;
        }
        if layers.iter().any(|layer| layer == name) {
            continue;
        }
        let Some(layer) = repository.layers().get(name) else {
            let known: Vec<String> = repository.layers().keys().map(|name| format!("layers/{name}")).collect();
            mistakes.push(
                Diagnostic::new("unknown-layer", format!("there is no layer `{name}`"))
                    .at(*origin, "")
                    .did_you_mean(reference, known.iter().map(String::as_str))
                    .help("layers are `environments/layers/<name>/overlay.yaml`"),
            );
            continue;
        };
        open.push((name.to_owned(), *origin));
        follow(repository, layer, layers, open, mistakes);
        open.pop();
        layers.push(name.to_owned());
    }
}
