//! What the last render came to, so that an environment whose inputs and output are both untouched need
//! not be rendered again.
//!
//! A private note in `argocd/.kubezero/`, never committed, never needed: without it everything is rendered.
//! It counts only where the same build wrote it, every input has the same bytes, and every file of the
//! output, read again, has the bytes that were written. `--check` does not look at it.
#![expect(clippy::disallowed_methods, reason = "reads and writes the private folder beside the output")]

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::compare::{DesiredTree, Kind, walk};
use super::environment::Environment;
use super::repository::{ENVIRONMENTS, Repository};

/// The sources of this very program.
const BUILD: &str = env!("KUBEZERO_BUILD");

/// Notes of the last render, by environment.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamps {
    environments: BTreeMap<String, Stamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    inputs: String,
    output: String,
}

impl Stamps {
    /// Reads the notes; none where there are none that can be read.
    pub fn read(argocd: &Path) -> Stamps {
        std::fs::read(argocd.join(".kubezero/stamps.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Keeps the notes. Losing them costs time, nothing else, so a failure is no failure.
    pub fn keep(&self, argocd: &Path) {
        let folder = argocd.join(".kubezero");
        let draft = folder.join("stamps.json.new");
        if let Ok(text) = serde_json::to_vec(self)
            && std::fs::write(&draft, text).is_ok()
        {
            let _ = std::fs::rename(&draft, folder.join("stamps.json"));
        }
    }

    /// How many files an environment has whose inputs and output are as they were, if they are.
    pub fn current(&self, argocd: &Path, environment: &Environment, inputs: &str) -> Option<usize> {
        let stamp = self.environments.get(&environment.name).filter(|stamp| stamp.inputs == inputs)?;
        let entries = walk(&argocd.join(&environment.name), &|_| true).ok()?;
        let mut files = BTreeMap::new();
        for entry in &entries {
            if entry.kind != Kind::File {
                return None;
            }
            files.insert(entry.path.as_str(), std::fs::read(&entry.at).ok()?);
        }
        let output = digest(files.iter().map(|(path, bytes)| (*path, bytes.as_slice())));
        (output == stamp.output).then_some(files.len())
    }

    /// Notes what was written.
    pub fn note(&mut self, tree: &DesiredTree, inputs: String) {
        let output = digest(tree.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_ref())));
        self.environments.insert(tree.environment.clone(), Stamp { inputs, output });
    }
}

/// Everything that an environment's output depends on: the program, the components, its own chain.
pub fn inputs(repository: &Repository, environments: &[Environment]) -> Vec<String> {
    let sources = repository.sources();
    let texts: BTreeMap<&str, &str> =
        sources.iter().map(|(_, file)| (file.path.as_ref(), file.text.as_ref())).collect();
    let shared = texts.iter().filter(|(path, _)| {
        path.starts_with("components/") || path.rsplit_once('/').is_some_and(|(folder, _)| folder == ENVIRONMENTS)
    });
    let shared = digest(shared.map(|(path, text)| (*path, text.as_bytes())));
    environments
        .par_iter()
        .map(|environment| {
            let own = environment
                .inputs
                .iter()
                .map(|path| (path.as_str(), texts.get(path.as_str()).copied().unwrap_or("").as_bytes()));
            format!("{BUILD}-{shared}-{}", digest(own))
        })
        .collect()
}

fn digest<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hasher = Sha256::new();
    for (path, bytes) in files {
        hasher.update((path.len() as u64).to_le_bytes());
        hasher.update(path);
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    format!("{:x}", hasher.finalize())
}
