//! What an Argo CD project permits, decided as Argo CD will decide it.
//!
//! The generator writes one least-privilege `AppProject` per component and proves, before anything
//! is committed, that everything it rendered will be let through. These functions are that proof's
//! only knowledge of the rules. They follow `pkg/apis/application/v1alpha1/app_project_types.go`
//! and `types.go` of argo-cd (the code is the same in v3.4.7, v3.5.1 and 3.6.0-dev `37ee0097cf`).
//!
//! Not decided here, because only the cluster knows: `permitOnlyProjectScopedClusters`, and what
//! global projects add.

use serde::{Deserialize, Serialize};

use super::git_url::normalize_git_url;
use super::go_glob::Glob;

/// The `spec` of an `AppProject`: the fields that we emit, in the order in which we emit them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AppProjectSpec {
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where manifests may come from: globs over addresses, `!` before one forbids. None: nowhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_repos: Vec<String>,
    /// Where objects may go. None: nowhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<Destination>,
    /// Cluster-scoped kinds that may be written. Absent and empty both mean none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_resource_whitelist: Option<Vec<ClusterResource>>,
    /// Cluster-scoped kinds that may not be written, whatever the whitelist says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_resource_blacklist: Vec<ClusterResource>,
    /// Namespaced kinds that may be written. Absent means **all**, empty means none.
    ///
    /// To permit none, prefer a blacklist of `*`/`*`: Argo CD's own type drops an empty list when
    /// it writes the project back (`omitempty`), and then everything is permitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_resource_whitelist: Option<Vec<GroupKind>>,
    /// Namespaced kinds that may not be written, whatever the whitelist says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespace_resource_blacklist: Vec<GroupKind>,
}

/// A cluster, by address or by name, and a namespace in it. Each is a glob; `!` before it forbids.
///
/// An absent field matches only what is empty, so an entry without a namespace permits no
/// namespaced object.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Destination {
    /// The address of the cluster's API server.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// The name under which Argo CD knows the cluster.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// A kind in an API group: two patterns of Go's `filepath.Match`. The core group is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
}

/// A cluster-scoped kind, and optionally which objects of it: patterns of Go's `filepath.Match`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterResource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The names; empty means all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Whether Applications of the project may take manifests from this repository, Git or Helm.
///
/// Some pattern must match; a `!` pattern matches whatever its body does not, and forbids at once
/// what its body does. Both sides are normalised as Git addresses first
/// (`AppProject.IsSourcePermitted`).
#[must_use]
pub fn permits_source(project: &AppProjectSpec, repo_url: &str) -> bool {
    let repo_url = normalize_git_url(repo_url);
    let mut any_matched = false;
    for pattern in &project.source_repos {
        // Only one `!` is set aside; a second one is part of the address.
        let pattern = match pattern.strip_prefix('!') {
            Some(body) => format!("!{}", normalize_git_url(body)),
            None => normalize_git_url(pattern),
        };
        if glob_or_negation(&pattern, &repo_url, Some('/')) {
            any_matched = true;
        } else if forbids(&pattern) {
            return false;
        }
    }
    any_matched
}

/// Whether Applications of the project may write to this cluster and namespace.
///
/// `server` and `name` are both facts about *the cluster*, not fields of the Application: Argo CD
/// looks the cluster up first. Leave empty what is not known; an empty one matches nothing. The
/// cluster Argo CD runs in is `https://kubernetes.default.svc`, named `in-cluster`
/// (`AppProject.isDestinationMatched`).
#[must_use]
pub fn permits_destination(
    project: &AppProjectSpec,
    server: &str,
    name: &str,
    namespace: &str,
) -> bool {
    let mut any_matched = false;
    for item in &project.destinations {
        let name_matches = !name.is_empty() && glob_or_negation(&item.name, name, None);
        let server_matches = !server.is_empty() && glob_or_negation(&item.server, server, None);
        let namespace_matches = glob_or_negation(&item.namespace, namespace, None);

        if (server_matches || name_matches) && namespace_matches {
            any_matched = true;
            continue;
        }
        // A forbidden name forbids in every namespace, a forbidden server only in the item's own.
        // The asymmetry is Argo CD's.
        let forbidden_name = forbids(&item.name) && !name_matches;
        let forbidden_server = forbids(&item.server) && !server_matches && namespace_matches;
        let forbidden_namespace =
            forbids(&item.namespace) && !namespace_matches && server_matches;
        if forbidden_name || forbidden_server || forbidden_namespace {
            return false;
        }
    }
    any_matched
}

/// Whether Applications of the project may write this cluster-scoped object. A `Namespace` made by
/// `CreateNamespace=true` is one, of the core group (`AppProject.IsGroupKindNamePermitted`).
#[must_use]
pub fn permits_cluster_kind(project: &AppProjectSpec, group: &str, kind: &str, name: &str) -> bool {
    let listed = |list: &[ClusterResource]| {
        list.iter().any(|item| {
            filepath(&item.kind, kind)
                && filepath(&item.group, group)
                && (item.name.is_empty() || filepath(&item.name, name))
        })
    };
    project.cluster_resource_whitelist.as_deref().is_some_and(listed)
        && !listed(&project.cluster_resource_blacklist)
}

/// Whether Applications of the project may write namespaced objects of this kind. The object's own
/// namespace must also be permitted as a destination: ask [`permits_destination`] as well
/// (`AppProject.IsResourcePermitted`).
#[must_use]
pub fn permits_namespaced_kind(project: &AppProjectSpec, group: &str, kind: &str) -> bool {
    let listed = |list: &[GroupKind]| {
        list.iter().any(|item| filepath(&item.kind, kind) && filepath(&item.group, group))
    };
    project.namespace_resource_whitelist.as_deref().is_none_or(listed)
        && !listed(&project.namespace_resource_blacklist)
}

/// Whether a pattern is of the forbidding kind.
fn forbids(pattern: &str) -> bool {
    pattern.starts_with('!')
}

/// `!x` matches what `x` does not; `*` alone matches everything, even across the separator
/// (`globMatch`).
fn glob_or_negation(pattern: &str, text: &str, separator: Option<char>) -> bool {
    match pattern.strip_prefix('!') {
        Some(body) => !gobwas(body, text, separator),
        None => pattern == "*" || gobwas(pattern, text, separator),
    }
}

fn gobwas(pattern: &str, text: &str, separator: Option<char>) -> bool {
    Glob::gobwas(pattern, separator).is_some_and(|glob| glob.matches(text))
}

fn filepath(pattern: &str, text: &str) -> bool {
    Glob::filepath(pattern).is_some_and(|glob| glob.matches(text))
}
