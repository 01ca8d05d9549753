//! Whole-environment checks on real objects: what only shows when every chart is rendered.

use super::known::Known;
use super::{EnvironmentObjects, apis, ownership, references, resources, security, selectors};
use crate::diagnostic::Diagnostics;
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
    environment.unseen.iter().filter_map(|unseen| unseen.mistake.clone()).for_each(|one| found.mistakes.push(one));
    ownership::owners(environment, &mut found);
    ownership::permitted(environment, tree, &mut found);
    apis::check(environment, &mut found);
    let known = Known::of(environment);
    references::check(&known, &mut found);
    selectors::check(&known, &mut found);
    security::check(&known, &environment.kube_version, &mut found);
    resources::check(&known, &mut found);
    let Findings { mistakes, remarks } = found;
    Findings {
        mistakes: mistakes.in_environment(&environment.environment),
        remarks: remarks.in_environment(&environment.environment),
    }
}
