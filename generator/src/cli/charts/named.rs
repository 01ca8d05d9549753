//! The charts that a repository names: in its components, and where an environment takes another version.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cache;
use crate::diagnostic::Origin;
use crate::pipeline::charts::{Problem, VENDOR};
use crate::pipeline::lock::Pin;
use crate::pipeline::plan::Content;
use crate::pipeline::repository::Repository;
use crate::yaml::Node;
use crate::{Error, Failure, Result, pipeline};

/// Who names a chart.
#[derive(Debug, Clone)]
pub struct Named {
    /// Where its version stands first.
    pub at: Origin,
    /// Components that have it.
    pub components: BTreeSet<String>,
    /// Environments that deploy it.
    pub environments: BTreeSet<String>,
}

/// Every chart that the repository names, in order.
pub fn named(repository: &Repository) -> Result<BTreeMap<Pin, Named>> {
    let mut found: BTreeMap<Pin, Named> = BTreeMap::new();
    let mut note = |pin: Pin, at: Origin, component: &str, environment: Option<&str>| {
        let named = found.entry(pin).or_insert_with(|| Named {
            at,
            components: BTreeSet::new(),
            environments: BTreeSet::new(),
        });
        named.components.insert(component.to_owned());
        named.environments.extend(environment.map(str::to_owned));
    };
    for (name, component) in repository.components() {
        for chart in component.charts.iter().filter(|chart| chart.folder.is_none()) {
            note(pin(&chart.repository, &chart.name, &chart.version), chart.version_at, name, None);
        }
    }
    let environments = pipeline::resolve(repository)?;
    for plan in pipeline::plan(repository, &environments)? {
        for planned in &plan.applications {
            let Content::Chart { chart, version } = &planned.content else { continue };
            if chart.folder.is_some() {
                continue;
            }
            let entry = plan.selection.enabled.get(planned.component).map(|selected| &selected.entry);
            let here =
                entry.and_then(|entry| entry.at(["charts", chart.key.as_str(), "version"])).and_then(Node::origin);
            let at = here.filter(|_| *version != chart.version).unwrap_or(chart.version_at);
            let name = plan.environment.name.as_str();
            note(pin(&chart.repository, &chart.name, version), at, planned.component, Some(name));
        }
    }
    Ok(found)
}

fn pin(repository: &str, name: &str, version: &str) -> Pin {
    Pin { repository: repository.to_owned(), name: name.to_owned(), version: version.to_owned() }
}

/// The cache of this machine.
pub fn cache() -> Result<chart_store::Cache> {
    match cache::folder() {
        Some(folder) => Ok(chart_store::Cache::new(folder)),
        None => {
            let why = std::io::Error::other("neither KUBEZERO_CACHE nor XDG_CACHE_HOME nor HOME names a folder");
            Err(Error::Failure(Failure::new("find", "the cache of charts", why)))
        }
    }
}

/// Where an archive lies that is at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In `components/vendor`.
    Vendor,
    /// In the cache.
    Cache,
}

/// The archive of a chart and where it lies, held against its digest.
pub fn at_hand(repository: &Repository, pin: &Pin) -> std::result::Result<(Vec<u8>, Place), Problem> {
    let (bytes, vendored) = repository.archive(pin)?;
    Ok((bytes, if vendored { Place::Vendor } else { Place::Cache }))
}

/// The name of an archive in `components/vendor`.
pub fn vendored_name(pin: &Pin, sha256: &str) -> String {
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || "._+".contains(c) { c } else { '-' }).collect()
    };
    let short = sha256.get(..12).unwrap_or(sha256);
    format!("{VENDOR}/{}-{}-{short}.tgz", plain(&pin.name), plain(&pin.version))
}
