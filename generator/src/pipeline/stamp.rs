//! What the last render came to, so that an environment whose inputs and output are both untouched need
//! not be rendered again.
//!
//! A private note in `argocd/.kubezero/`, never committed, never needed: without it everything is rendered.
//! It counts only where the same build wrote it, every input has the same bytes, and every file of the
//! output, read again, has the bytes that were written. `--check` does not look at it.
#![expect(clippy::disallowed_methods, reason = "reads and writes the private folder beside the output")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::compare::{DesiredTree, Kind, walk};
use super::environment::Environment;
use super::repository::{ENVIRONMENTS, Repository};

/// The sources of this very program.
const BUILD: &str = env!("KUBEZERO_BUILD");

/// The notes while they are being written: a run that is killed may leave it to the next, which clears it away.
pub(super) const DRAFT: &str = "stamps.json.new";

/// Notes of the last render, by environment.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamps {
    /// All inputs of the last run together: where they are the same, nothing has to be understood.
    #[serde(default)]
    whole: Option<String>,
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
        let draft = folder.join(DRAFT);
        if let Ok(text) = serde_json::to_vec(self)
            && std::fs::write(&draft, text).is_ok()
        {
            let _ = std::fs::rename(&draft, folder.join("stamps.json"));
        }
    }

    /// How many files an environment has whose inputs and output are as they were, if they are.
    pub fn current(&self, argocd: &Path, environment: &Environment, inputs: &str) -> Option<usize> {
        self.environments.get(&environment.name).filter(|stamp| stamp.inputs == inputs)?;
        self.output(argocd, &environment.name)
    }

    /// Whether all inputs and the outputs of these environments are as they were.
    pub fn is_whole(&self, argocd: &Path, whole: &str, environments: &[String]) -> bool {
        self.whole.as_deref() == Some(whole)
            && environments.par_iter().all(|environment| self.output(argocd, environment).is_some())
    }

    /// Whether there is a note of a whole run at all.
    pub fn has_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// Notes all inputs together; says whether that was news.
    pub fn note_whole(&mut self, whole: String) -> bool {
        self.whole.replace(whole.clone()).is_none_or(|before| before != whole)
    }

    /// How many files an environment has whose output is as it was, if it is.
    fn output(&self, argocd: &Path, environment: &str) -> Option<usize> {
        let stamp = self.environments.get(environment)?;
        let entries = walk(&argocd.join(environment), &|_| true).ok()?;
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

    /// Notes what was written, and from which inputs.
    pub fn note(&mut self, trees: &[DesiredTree], inputs: Vec<String>) {
        let stamps = trees.par_iter().zip(inputs).map(|(tree, inputs)| {
            let output = digest(tree.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_ref())));
            (tree.environment.clone(), Stamp { inputs, output })
        });
        self.environments.extend(stamps.collect::<Vec<_>>());
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

/// All inputs together, whatever they mean.
pub fn whole<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>, environments: &BTreeSet<String>) -> String {
    let names = environments.iter().map(|name| (name.as_str(), &[][..]));
    format!("{BUILD}-{}-{}", digest(files), digest(names))
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
