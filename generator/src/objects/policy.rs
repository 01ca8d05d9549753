//! How Argo CD treats an Application: the part of its spec that a component or an environment decides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Policy as written in `component.yaml` or under an environment's component entry; absent means "as below".
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Policy {
    /// Deleting the Application leaves its objects.
    pub retain: Option<bool>,
    /// Argo CD syncs by itself.
    pub automated: Option<bool>,
    /// Objects that left the source are deleted.
    pub prune: Option<bool>,
    /// Changes made in the cluster are undone.
    pub self_heal: Option<bool>,
    /// `Key=value`, the last one of a key wins.
    pub sync_options: Vec<String>,
    /// `Key=value`, the last one of a key wins.
    pub compare_options: Vec<String>,
    /// Fields that controllers own.
    pub ignore_differences: Vec<IgnoreDifference>,
    /// What happens after a failed sync.
    pub retry: Option<Retry>,
    /// Past syncs remembered.
    pub revision_history_limit: Option<u32>,
}

/// Fields of some objects that the cluster owns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IgnoreDifference {
    /// API group, empty for core. Always written: Argo CD matches an absent group as the empty one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Kind.
    pub kind: String,
    /// One object only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One namespace only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// RFC 6901.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub json_pointers: Vec<String>,
    /// jq.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jq_path_expressions: Vec<String>,
    /// Managers whose fields are left alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub managed_fields_managers: Vec<String>,
}

/// What happens after a failed sync. Without a limit Argo CD would not retry at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// How often; -1 without end.
    pub limit: i64,
    /// Picks up a newer commit while retrying.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<bool>,
    /// Pauses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
}

/// Pauses between attempts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Backoff {
    /// First pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Growth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<u32>,
    /// Longest pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<String>,
}

impl Policy {
    /// What holds where nobody says otherwise.
    ///
    /// Server-side apply with server-side diff: several CRDs of the platform are too large for the
    /// annotation of client-side apply, and the older structured-merge diff shows API defaults as drift.
    pub fn defaults() -> Policy {
        Policy {
            retain: Some(false),
            automated: Some(true),
            prune: Some(true),
            self_heal: Some(true),
            sync_options: vec!["ServerSideApply=true".to_owned()],
            compare_options: vec!["ServerSideDiff=true".to_owned()],
            ignore_differences: Vec::new(),
            retry: Some(Retry::patient(10)),
            revision_history_limit: Some(3),
        }
    }

    /// This policy with another one over it.
    #[must_use]
    pub fn with(&self, over: &Policy) -> Policy {
        let list = |below: &[String], above: &[String]| below.iter().chain(above).cloned().collect();
        Policy {
            retain: over.retain.or(self.retain),
            automated: over.automated.or(self.automated),
            prune: over.prune.or(self.prune),
            self_heal: over.self_heal.or(self.self_heal),
            sync_options: list(&self.sync_options, &over.sync_options),
            compare_options: list(&self.compare_options, &over.compare_options),
            ignore_differences: self.ignore_differences.iter().chain(&over.ignore_differences).cloned().collect(),
            retry: over.retry.clone().or_else(|| self.retry.clone()),
            revision_history_limit: over.revision_history_limit.or(self.revision_history_limit),
        }
    }
}

impl Retry {
    /// Enough attempts to outlive a slow dependency: 30 s, 1 min, 2 min, then every 5 minutes.
    pub fn patient(limit: i64) -> Retry {
        Retry {
            limit,
            refresh: Some(true),
            backoff: Some(Backoff {
                duration: Some("30s".to_owned()),
                factor: Some(2),
                max_duration: Some("5m".to_owned()),
            }),
        }
    }
}

/// The options in order of their keys, each key once, the last one said wins. Options that only switch a
/// default off leave nothing behind.
pub fn settle(options: &[String]) -> Vec<String> {
    let mut by_key: BTreeMap<&str, &str> = BTreeMap::new();
    for option in options {
        let key = option.split('=').next().unwrap_or(option);
        by_key.insert(key, option);
    }
    // These say something when they are false; for all others absence says the same.
    const FALSE_SAYS_SOMETHING: [&str; 5] =
        ["Delete=false", "Prune=false", "Validate=false", "ClientSideApplyMigration=false", "ServerSideDiff=false"];
    by_key
        .into_values()
        .filter(|option| !option.ends_with("=false") || FALSE_SAYS_SOMETHING.contains(option))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_an_option_wins() {
        let options = ["ServerSideApply=true", "PruneLast=true", "ServerSideApply=false", "Prune=false"];
        let options: Vec<String> = options.iter().map(|o| (*o).to_owned()).collect();
        assert_eq!(settle(&options), ["Prune=false", "PruneLast=true"]);
    }
}
