//! `kubezero charts list`

use serde_json::json;

use super::super::output::{print, print_json};
use super::super::plan::TextOrJson;
use super::super::{Global, Outcome, table};
use super::named::{self, Place};
use crate::Result;

/// Runs the command.
pub fn run(global: &Global, format: TextOrJson) -> Result<Outcome> {
    let repository = global.load(&[])?;
    let named = named::named(&repository)?;
    let lock = repository.lock();
    let all = repository.all_environments().len();
    let (mut rows, mut list) = (Vec::new(), Vec::new());
    for (pin, by) in &named {
        let locked = lock.get(pin);
        let sha256 = locked.and_then(|locked| locked.sha256.as_deref());
        let place = named::at_hand(&repository, pin).ok().map(|(_, place)| match place {
            Place::Vendor => "vendor",
            Place::Cache => "cache",
        });
        let environments: Vec<&str> = by.environments.iter().map(String::as_str).collect();
        let used = match environments.len() {
            0 => "none".to_owned(),
            some if some == all && all > 1 => format!("all {all}"),
            _ => environments.join(", "),
        };
        let digest = match (locked, sha256) {
            (None, _) => "not locked",
            (_, None) => "unknown",
            (_, Some(sha256)) => sha256.get(..12).unwrap_or(sha256),
        };
        rows.push(vec![
            pin.name.clone(),
            pin.version.clone(),
            digest.to_owned(),
            place.unwrap_or("no").to_owned(),
            used,
        ]);
        list.push(json!({
            "repository": pin.repository,
            "name": pin.name,
            "version": pin.version,
            "locked": locked.is_some(),
            "sha256": sha256,
            "ociDigest": locked.and_then(|locked| locked.oci_digest.as_deref()),
            "at": place,
            "components": by.components,
            "environments": by.environments,
        }));
    }
    match format {
        TextOrJson::Text => {
            print(&table::table(&["CHART", "VERSION", "SHA256", "AT HAND", "ENVIRONMENTS"], &rows, table::width()))?;
        }
        TextOrJson::Json => print_json(&json!({"kind": "charts", "version": 1, "charts": list}))?,
    }
    Ok(Outcome::Fine)
}
