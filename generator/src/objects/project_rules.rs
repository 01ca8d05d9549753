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
pub fn permits_destination(project: &AppProjectSpec, server: &str, name: &str, namespace: &str) -> bool {
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
        let forbidden_namespace = forbids(&item.namespace) && !namespace_matches && server_matches;
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
    project.cluster_resource_whitelist.as_deref().is_some_and(listed) && !listed(&project.cluster_resource_blacklist)
}

/// Whether Applications of the project may write namespaced objects of this kind. The object's own
/// namespace must also be permitted as a destination: ask [`permits_destination`] as well
/// (`AppProject.IsResourcePermitted`).
#[must_use]
pub fn permits_namespaced_kind(project: &AppProjectSpec, group: &str, kind: &str) -> bool {
    let listed =
        |list: &[GroupKind]| list.iter().any(|item| filepath(&item.kind, kind) && filepath(&item.group, group));
    project.namespace_resource_whitelist.as_deref().is_none_or(listed) && !listed(&project.namespace_resource_blacklist)
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

#[cfg(test)]
mod tests {
    use super::{
        AppProjectSpec, ClusterResource, Destination, GroupKind, permits_cluster_kind, permits_destination,
        permits_namespaced_kind, permits_source,
    };

    // Every row of the tables below was checked once against Argo CD's own functions, compiled
    // with gobwas/glob v0.2.3 under Go 1.26. The comment names the rule, and the place it has in
    // app_project_types.go at 37ee0097cf.

    #[test]
    fn sources() {
        let rows: &[(&[&str], &str, bool)] = &[
            // Nothing listed, nothing matched (:462, :479).
            (&[], "https://h/r", false),
            // `*` alone is everything, across `/` (:451) ...
            (&["*"], "https://h/org/r", true),
            // ... even what is no address at all.
            (&["*"], "", true),
            // Elsewhere `*` stops at `/`, because that is the separator (:471).
            (&["https://h/*"], "https://h/r", true),
            (&["https://h/*"], "https://h/org/r", false),
            (&["https://h/**"], "https://h/org/r", true),
            (&["https://*/org/*"], "https://git.example.com/org/r", true),
            // `?` stops at `/` too.
            (&["https://h/a?b"], "https://h/a/b", false),
            // Both sides are normalised as Git addresses (:459, :466, :468).
            (&["https://H/Org/R.git"], "https://h/org/r", true),
            (&["git@h:org/r.git"], "ssh://git@h/org/r", true),
            // A trailing slash is not.
            (&["https://h/r"], "https://h/r/", false),
            // Addresses that do not parse are all the empty one (git.go:86), like an empty entry.
            (&[""], "https://h:x/r", true),
            (&["https://h:y/q"], "https://h:x/r", true),
            // A class works; braces do not, because normalising encodes them (git.go:89).
            (&["https://h/[a-c]"], "https://h/b", true),
            (&["https://h/{a,b}"], "https://h/b", false),
            // Any entry will do, in any order (:472).
            (&["https://h/a", "https://h/b"], "https://h/b", true),
            // A `!` entry forbids what its body matches, wherever it stands (:474) ...
            (&["*", "!https://h/secret"], "https://h/secret", false),
            (&["!https://h/secret", "*"], "https://h/secret", false),
            // ... after normalising ...
            (&["*", "!https://h/secret.git"], "https://H/secret", false),
            // ... and by itself permits everything else (:447, :472).
            (&["!https://h/secret"], "https://h/r", true),
            // Its body `*` is an ordinary glob, which stops at `/` (:448).
            (&["!*"], "https://h/r", true),
            (&["!*"], "charts", false),
            // Only one `!` is taken off (strings.TrimPrefix, :466).
            (&["!!https://h/a"], "https://h/a", true),
            // Space before `!` goes away in normalising, and then it forbids (:468, :474).
            (&["*", " !charts"], "charts", false),
            // Helm repositories go through the same rule.
            (&["registry.io/charts"], "registry.io/charts", true),
            (&["oci://registry.io/charts"], "registry.io/charts", false),
        ];
        for &(source_repos, url, expected) in rows {
            let project = AppProjectSpec {
                source_repos: source_repos.iter().map(ToString::to_string).collect(),
                ..AppProjectSpec::default()
            };
            assert_eq!(permits_source(&project, url), expected, "{source_repos:?} and {url:?}");
        }
    }

    #[test]
    fn destinations() {
        type Row<'a> = (&'a [[&'a str; 3]], [&'a str; 3], bool);
        let local = "https://kubernetes.default.svc";
        // Items and question: server, name, namespace.
        let rows: &[Row<'_>] = &[
            // Nothing listed, nothing matched (:508, :526).
            (&[], [local, "in-cluster", "a"], false),
            // Server or name, and namespace (:515).
            (&[[local, "", "a"]], [local, "in-cluster", "a"], true),
            (&[["", "in-cluster", "a"]], [local, "in-cluster", "a"], true),
            (&[[local, "", "a"]], [local, "in-cluster", "b"], false),
            // One of the two suffices, even where the other contradicts.
            (&[["https://other", "in-cluster", "a"]], [local, "in-cluster", "a"], true),
            // What is not known matches nothing, not even `*` (:511, :512).
            (&[["*", "", "*"]], ["", "in-cluster", "a"], false),
            (&[["", "*", "*"]], ["", "in-cluster", "a"], true),
            // No separator: `*` crosses `/` and `-` (:511-513).
            (&[["https://*", "", "team-*"]], ["https://h/k8s/c1", "", "team-a-b"], true),
            (&[["*", "", "{a,b}"]], [local, "", "b"], true),
            (&[["*", "", "[ab]"]], [local, "", "b"], true),
            // An absent namespace is the empty pattern: it permits no namespaced object ...
            (&[[local, "", ""]], [local, "", "a"], false),
            // ... and cluster-wide only that.
            (&[[local, "", ""]], [local, "", ""], true),
            (&[[local, "", "*"]], [local, "", ""], true),
            // A forbidden namespace, wherever it stands, where the server matches (:521).
            (&[["*", "", "*"], ["*", "", "!kube-system"]], [local, "", "kube-system"], false),
            (&[["*", "", "!kube-system"], ["*", "", "*"]], [local, "", "kube-system"], false),
            // By itself it permits every other namespace (:447, :517).
            (&[["*", "", "!kube-system"]], [local, "", "a"], true),
            // It looks at the server only: with a name instead, it does not forbid (:521).
            (&[["*", "", "*"], ["", "in-cluster", "!a"]], [local, "in-cluster", "a"], true),
            // A forbidden server forbids where the namespace matches ... (:519, right of `||`)
            (&[["*", "", "*"], ["!https://x", "", "*"]], ["https://x", "", "a"], false),
            (&[["*", "", "*"], ["!https://x", "", "b"]], ["https://x", "", "a"], true),
            // ... a forbidden name whatever the namespace (:519, left of `||`).
            (&[["*", "", "*"], ["", "!prod", "b"]], ["https://x", "prod", "a"], false),
            // An unknown name is "not matched", so a forbidden name then forbids all (:511, :519).
            (&[["*", "", "*"], ["", "!prod", "*"]], [local, "", "a"], false),
            // A trailing slash is part of the server here; Argo CD removed the Application's.
            (&[["https://x/", "", "*"]], ["https://x", "", "a"], false),
        ];
        for &(items, [server, name, namespace], expected) in rows {
            let destinations = items.iter().map(|[server, name, namespace]| Destination {
                server: (*server).to_owned(),
                name: (*name).to_owned(),
                namespace: (*namespace).to_owned(),
            });
            let project = AppProjectSpec { destinations: destinations.collect(), ..AppProjectSpec::default() };
            let got = permits_destination(&project, server, name, namespace);
            assert_eq!(got, expected, "{items:?} and {server:?} {name:?} {namespace:?}");
        }
    }

    #[test]
    fn namespaced_kinds() {
        type Row<'a> = (Option<&'a [[&'a str; 2]]>, &'a [[&'a str; 2]], [&'a str; 2], bool);
        // Whitelist, blacklist and question: group, kind.
        let rows: &[Row<'_>] = &[
            // Absent permits all, empty permits none (:407).
            (None, &[], ["apps", "Deployment"], true),
            (Some(&[]), &[], ["apps", "Deployment"], false),
            (Some(&[["apps", "Deployment"]]), &[], ["apps", "Deployment"], true),
            (Some(&[["apps", "Deployment"]]), &[], ["apps", "StatefulSet"], false),
            // The core group is the empty text, not `v1` (:401).
            (Some(&[["", "ConfigMap"]]), &[], ["", "ConfigMap"], true),
            (Some(&[["", "ConfigMap"]]), &[], ["apps", "ConfigMap"], false),
            // `*` also matches the core group (types.go:3852).
            (Some(&[["*", "*"]]), &[], ["", "Pod"], true),
            (Some(&[["*.io", "*"]]), &[], ["cert-manager.io", "Issuer"], true),
            // The blacklist wins (:409) ...
            (None, &[["", "Secret"]], ["", "Secret"], false),
            (Some(&[["*", "*"]]), &[["", "Secret"]], ["", "Secret"], false),
            // ... and one of everything is the safe way to say "none".
            (None, &[["*", "*"]], ["", "Pod"], false),
            // filepath.Match: braces are themselves, `[^x]` negates, malformed matches nothing.
            (Some(&[["", "{Pod,Job}"]]), &[], ["", "Pod"], false),
            (Some(&[["", "[^S]*"]]), &[], ["", "Pod"], true),
            (Some(&[["", "[^S]*"]]), &[], ["", "Secret"], false),
            (Some(&[["", "[Pod"]]), &[], ["", "Pod"], false),
            (None, &[["", "[Pod"]], ["", "Pod"], true),
            // Kinds are compared with their case.
            (Some(&[["", "pod"]]), &[], ["", "Pod"], false),
        ];
        let list = |rows: &[[&str; 2]]| -> Vec<GroupKind> {
            let item = |[group, kind]: &[&str; 2]| GroupKind { group: (*group).to_owned(), kind: (*kind).to_owned() };
            rows.iter().map(item).collect()
        };
        for &(white, black, [group, kind], expected) in rows {
            let project = AppProjectSpec {
                namespace_resource_whitelist: white.map(list),
                namespace_resource_blacklist: list(black),
                ..AppProjectSpec::default()
            };
            let got = permits_namespaced_kind(&project, group, kind);
            assert_eq!(got, expected, "{white:?} without {black:?} and {group:?} {kind:?}");
        }
    }

    #[test]
    fn cluster_kinds() {
        type Row<'a> = (Option<&'a [[&'a str; 3]]>, &'a [[&'a str; 3]], [&'a str; 3], bool);
        let rbac = "rbac.authorization.k8s.io";
        // Whitelist, blacklist and question: group, kind, name.
        let rows: &[Row<'_>] = &[
            // Absent and empty both permit none (:415).
            (None, &[], ["", "Namespace", "a"], false),
            (Some(&[]), &[], ["", "Namespace", "a"], false),
            (Some(&[[rbac, "ClusterRole", ""]]), &[], [rbac, "ClusterRole", "x"], true),
            (Some(&[[rbac, "ClusterRole", ""]]), &[], [rbac, "ClusterRoleBinding", "x"], false),
            // No name means all names (types.go:3871).
            (Some(&[["", "Namespace", ""]]), &[], ["", "Namespace", "anything"], true),
            // A name is a pattern (types.go:3874).
            (Some(&[["", "Namespace", "team-*"]]), &[], ["", "Namespace", "team-a"], true),
            (Some(&[["", "Namespace", "team-*"]]), &[], ["", "Namespace", "kube-system"], false),
            (Some(&[["", "Namespace", "[a"]]), &[], ["", "Namespace", "a"], false),
            // The colon of system roles needs no care.
            (Some(&[[rbac, "*", "system:*"]]), &[], [rbac, "ClusterRole", "system:x"], true),
            // The blacklist wins, by name where it names (:416).
            (Some(&[["*", "*", ""]]), &[["", "Namespace", "kube-*"]], ["", "Namespace", "kube-system"], false),
            (Some(&[["*", "*", ""]]), &[["", "Namespace", "kube-*"]], ["", "Namespace", "a"], true),
            // A blacklist alone permits nothing.
            (None, &[["", "Namespace", "x"]], ["", "Namespace", "a"], false),
        ];
        let list = |rows: &[[&str; 3]]| -> Vec<ClusterResource> {
            let item = |[group, kind, name]: &[&str; 3]| ClusterResource {
                group: (*group).to_owned(),
                kind: (*kind).to_owned(),
                name: (*name).to_owned(),
            };
            rows.iter().map(item).collect()
        };
        for &(white, black, [group, kind, name], expected) in rows {
            let project = AppProjectSpec {
                cluster_resource_whitelist: white.map(list),
                cluster_resource_blacklist: list(black),
                ..AppProjectSpec::default()
            };
            let got = permits_cluster_kind(&project, group, kind, name);
            assert_eq!(got, expected, "{white:?} without {black:?} and {group:?} {kind:?} {name:?}");
        }
    }

    #[test]
    fn absent_and_empty_whitelists_are_written_apart() {
        let mut project = AppProjectSpec { source_repos: vec!["https://h/r".to_owned()], ..AppProjectSpec::default() };
        let json = |project: &AppProjectSpec| serde_json::to_string(project).unwrap();
        assert_eq!(json(&project), r#"{"sourceRepos":["https://h/r"]}"#);
        project.namespace_resource_whitelist = Some(vec![]);
        assert_eq!(json(&project), r#"{"sourceRepos":["https://h/r"],"namespaceResourceWhitelist":[]}"#);
        let read: AppProjectSpec = serde_json::from_str(&json(&project)).unwrap();
        assert_eq!(read, project);
    }
}
