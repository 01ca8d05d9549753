//! Whole-environment checks on real objects: what only shows when every chart is rendered.

use super::known::Known;
use super::{EnvironmentObjects, apis, ownership, references, resources, security, selectors};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::pipeline::charts::Problem;
use crate::pipeline::render::RenderedTree;

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is wrong.
    pub mistakes: Diagnostics,
    /// What is worth knowing, and no mistake.
    pub remarks: Diagnostics,
}

impl Findings {
    /// Both lists in file order, each finding once.
    #[must_use]
    pub fn sorted(self) -> Findings {
        Findings { mistakes: self.mistakes.sorted(), remarks: self.remarks.sorted() }
    }

    /// Adds another environment's.
    pub fn append(&mut self, other: Findings) {
        self.mistakes.append(other.mistakes);
        self.remarks.append(other.remarks);
    }
}

/// Every check of one environment.
pub fn check(environment: &EnvironmentObjects, tree: &RenderedTree<'_>) -> Findings {
    let mut found = Findings::default();
    for unseen in &environment.unseen {
        if let Some(problem) = &unseen.is_mistake {
            found.mistakes.push(not_rendered(problem, &unseen.chart, &unseen.version).at(unseen.at, ""));
        }
    }
    ownership::owners(environment, &mut found);
    ownership::permitted(environment, tree, &mut found);
    apis::check(environment, &mut found);
    let known = Known::of(environment);
    references::check(&known, &mut found);
    selectors::check(&known, &mut found);
    security::check(&known, &mut found);
    resources::check(&known, &mut found);
    let Findings { mistakes, remarks } = found;
    Findings {
        mistakes: mistakes.in_environment(&environment.environment),
        remarks: remarks.in_environment(&environment.environment),
    }
}

/// A chart that is at hand and does not render.
fn not_rendered(problem: &Problem, name: &str, version: &str) -> Diagnostic {
    problem.diagnostic(&crate::pipeline::lock::Pin {
        repository: String::new(),
        name: name.to_owned(),
        version: version.to_owned(),
    })
}
