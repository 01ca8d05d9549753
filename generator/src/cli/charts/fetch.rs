//! `kubezero charts fetch`

use std::collections::BTreeMap;

use super::super::files::replace;
use super::super::output::{count, print};
use super::super::{Global, Outcome};
use super::named::{self, Named};
use super::network::{Missing, Progress, options, size, wanted};
use crate::Result;
use crate::pipeline::lock::{LOCK, Lock, Locked, Pin};
use crate::pipeline::repository::Repository;

/// Runs the command.
pub fn run(global: &Global) -> Result<Outcome> {
    let repository = global.load(&[])?;
    let named = named::named(&repository)?;
    let brought = bring(global, &repository, &named)?;
    let mut said = brought.said;
    let text = Lock::text(&brought.charts);
    let before = repository.lock();
    let gone: Vec<&Pin> = before.charts().keys().filter(|pin| !named.contains_key(*pin)).collect();
    said.extend(
        gone.iter()
            .map(|pin| format!("{} {}: nobody names it any longer, so it leaves the lock", pin.name, pin.version)),
    );
    let is_new = text != Lock::text(before.charts());
    // What came is written down even where something else did not come.
    if is_new && !(named.is_empty() && before.charts().is_empty()) {
        replace(&global.directory.join(LOCK), &text)?;
        said.push(format!("wrote {LOCK}"));
    }
    let there = named.len() - brought.missing.len();
    said.push(format!("{} of {} at hand, {} fetched", there, count(named.len(), "chart"), brought.fetched));
    if !global.quiet {
        print(&(said.join("\n") + "\n"))?;
    }
    brought.missing.result(&repository)?;
    Ok(Outcome::Fine)
}

/// What came of fetching.
pub struct Brought {
    /// The lock as it should be: everything that is named, with the digests that are known now.
    pub charts: BTreeMap<Pin, Locked>,
    /// What did not come.
    pub missing: Missing,
    /// What is worth a line.
    pub said: Vec<String>,
    fetched: usize,
}

/// Brings charts into the cache: from `components/vendor` where they lie there, from the network otherwise.
pub fn bring(global: &Global, repository: &Repository, named: &BTreeMap<Pin, Named>) -> Result<Brought> {
    let cache = named::cache()?;
    let lock = repository.lock();
    for pin in named.keys() {
        // What comes with the repository is not asked for, and other repositories on this machine may use it.
        if let Ok((bytes, named::Place::Vendor)) = named::at_hand(repository, pin)
            && let Some(sha256) = lock.get(pin).and_then(|locked| locked.sha256.as_deref())
            && !cache.has(sha256)
        {
            // Where the cache cannot be written, that is said when something has to be fetched.
            let _ = cache.write(&bytes);
        }
    }
    let pins: Vec<&Pin> = named.keys().collect();
    let asked: Vec<chart_store::Pin> = pins.iter().map(|pin| wanted(pin, lock.get(pin))).collect();
    let progress = Progress::new(global, asked.len());
    let results = chart_store::fetch(&asked, &cache, &options(global)?, &|event| progress.tell(event));
    progress.end();
    let mut brought = Brought { charts: BTreeMap::new(), missing: Missing::default(), said: Vec::new(), fetched: 0 };
    for (pin, result) in pins.into_iter().zip(results) {
        let known = lock.get(pin);
        let locked = match result {
            Ok(fetched) => {
                let from = fetched.from.as_deref().unwrap_or_default();
                if !fetched.cached {
                    brought.fetched += 1;
                    brought.said.push(format!("{} {}: {} from {from}", pin.name, pin.version, size(fetched.bytes)));
                }
                if known.is_none_or(|known| known.sha256.is_none()) {
                    let short = fetched.sha256.get(..12).unwrap_or_default();
                    let by =
                        if fetched.expected { "as published" } else { "read off the archive: nobody publishes it" };
                    brought.said.push(format!("{} {}: its digest is {short}…, {by}", pin.name, pin.version));
                }
                let oci_digest = fetched.oci_digest.or_else(|| known?.oci_digest.clone());
                Locked { sha256: Some(fetched.sha256), oci_digest, at: None }
            }
            Err(error) => {
                let at = named.get(pin).map(|named| named.at);
                brought.missing.push(&error, pin, at, known.and_then(|known| known.at));
                known.map_or_else(Locked::default, Locked::without_place)
            }
        };
        brought.charts.insert(pin.clone(), locked);
    }
    Ok(brought)
}
