//! The pipeline: `load → resolve → select → plan → render → compare → write`. One module per stage, one
//! type per stage that only it can make. Everything between load and compare is pure.

pub mod charts;
pub mod check;
pub mod compare;
pub mod component;
pub mod deliver;
pub mod environment;
pub mod lock;
pub mod objects;
pub mod plan;
pub mod probe;
pub mod render;
pub mod repository;
pub mod rules;
pub mod selection;
pub mod source;
pub mod stamp;
pub mod template;
pub mod trace;
pub mod unread;
pub mod write;

use rayon::prelude::*;

use crate::Result;
use crate::diagnostic::Diagnostics;
use environment::{Chains, Environment};
use plan::Plan;
use render::{RenderedTree, Shared};
use repository::Repository;

/// Stage 2 for every environment that was asked for.
pub fn resolve(repository: &Repository) -> Result<Vec<Environment>> {
    let chains = Chains::default();
    let overlays: Vec<_> = repository.environments().values().collect();
    each(
        repository,
        &overlays,
        |overlay| overlay.name.as_str(),
        |overlay| Environment::resolve(repository, overlay, &chains),
    )
}

/// Stages 3 and 4 for every environment.
pub fn plan<'r>(repository: &'r Repository, environments: &'r [Environment]) -> Result<Vec<Plan<'r>>> {
    each(repository, environments, |environment| &environment.name, |environment| Plan::new(repository, environment))
}

/// Stages 3 to 5 for every environment, in parallel, in order.
pub fn render<'r>(repository: &'r Repository, environments: &'r [Environment]) -> Result<Vec<RenderedTree<'r>>> {
    render_each(repository, environments, |tree| tree)
}

/// The same, of which only what `keep` makes of each tree is kept: a tree with its plan is much larger than its files.
pub fn render_each<'r, T: Send>(
    repository: &'r Repository,
    environments: &'r [Environment],
    keep: impl Fn(RenderedTree<'r>) -> T + Sync,
) -> Result<Vec<T>> {
    let shared = Shared::default();
    each(
        repository,
        environments,
        |environment| &environment.name,
        |environment| RenderedTree::render(repository, Plan::new(repository, environment)?, &shared).map(&keep),
    )
}

/// A stage for every environment, whose mistakes are shown together.
fn each<'e, E: Sync, T: Send>(
    repository: &Repository,
    environments: &'e [E],
    name: impl Fn(&'e E) -> &'e str + Sync,
    stage: impl Fn(&'e E) -> std::result::Result<T, Diagnostics> + Sync,
) -> Result<Vec<T>> {
    let results: Vec<_> = environments
        .par_iter()
        .map(|environment| stage(environment).map_err(|mistakes| mistakes.in_environment(name(environment))))
        .collect();
    let mut mistakes = Diagnostics::new();
    let mut values = Vec::with_capacity(results.len());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(found) => mistakes.append(found),
        }
    }
    mistakes.or(values).map_err(|mistakes| repository.mistakes(mistakes))
}
