//! The pipeline: `load → resolve → select → plan → render → compare → write`. One module per stage, one
//! type per stage that only it can make. Everything between load and compare is pure.

pub mod check;
pub mod compare;
pub mod component;
pub mod environment;
pub mod plan;
pub mod render;
pub mod repository;
pub mod rules;
pub mod selection;
pub mod source;
pub mod stamp;
pub mod template;
pub mod trace;
pub mod write;

use rayon::prelude::*;

use crate::Result;
use crate::diagnostic::Diagnostics;
use environment::{Chains, Environment};
use plan::Plan;
use render::RenderedTree;
use repository::Repository;

/// Stage 2 for every environment that was asked for.
pub fn resolve(repository: &Repository) -> Result<Vec<Environment>> {
    let mut mistakes = Diagnostics::new();
    let mut chains = Chains::default();
    let mut environments = Vec::new();
    for overlay in repository.environments().values() {
        match Environment::resolve(repository, overlay, &mut chains) {
            Ok(environment) => environments.push(environment),
            Err(found) => mistakes.append(found.in_environment(&overlay.name)),
        }
    }
    finish(repository, environments, mistakes)
}

/// Stages 3 and 4 for every environment.
pub fn plan<'r>(repository: &'r Repository, environments: &'r [Environment]) -> Result<Vec<Plan<'r>>> {
    each(repository, environments, |environment| Plan::new(repository, environment))
}

/// Stages 3 to 5 for every environment, in parallel, in order.
pub fn render<'r>(repository: &'r Repository, environments: &'r [Environment]) -> Result<Vec<RenderedTree<'r>>> {
    each(repository, environments, |environment| RenderedTree::render(repository, Plan::new(repository, environment)?))
}

fn each<'r, T: Send>(
    repository: &Repository,
    environments: &'r [Environment],
    stage: impl Fn(&'r Environment) -> std::result::Result<T, Diagnostics> + Sync,
) -> Result<Vec<T>> {
    let results: Vec<_> = environments
        .par_iter()
        .map(|environment| stage(environment).map_err(|mistakes| mistakes.in_environment(&environment.name)))
        .collect();
    let mut mistakes = Diagnostics::new();
    let mut values = Vec::with_capacity(results.len());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(found) => mistakes.append(found),
        }
    }
    finish(repository, values, mistakes)
}

fn finish<T>(repository: &Repository, values: T, mistakes: Diagnostics) -> Result<T> {
    mistakes.or(values).map_err(|mistakes| repository.mistakes(mistakes))
}
