//! What the rendered tree must hold to: Argo CD's limits, one owner per object, no secret anywhere.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;

use super::environment::Environment;
use super::plan::Plan;
use super::render::RenderedFile;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Origin};
use crate::objects::manifest::Identity;
use crate::yaml::{self, Node, Step, Value, dotted};

/// etcd refuses objects above 1.5 MB; Argo CD keeps each past sync's source inside the Application.
const MAX_APPLICATION: usize = 1_400_000;
/// The API server refuses ConfigMaps above 1 MiB.
const MAX_OBJECT: usize = 1_048_576;
/// Argo CD's repository server refuses more plain manifests than this in one Application.
const MAX_FOLDER: usize = 10 * 1024 * 1024;

/// One rendered object, and where it comes from.
pub struct Found<'a> {
    /// Component.
    pub component: String,
    /// Who it is.
    pub identity: &'a Identity,
    /// Its place in a template.
    pub at: Origin,
}

/// Kinds that Argo CD leaves out by default: rendering one does nothing.
const EXCLUDED: [(&str, &str); 8] = [
    ("", "Endpoints"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("coordination.k8s.io", "Lease"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("cert-manager.io", "CertificateRequest"),
    ("authentication.k8s.io", "TokenReview"),
    ("authorization.k8s.io", "SubjectAccessReview"),
    ("cilium.io", "CiliumIdentity"),
];

/// Sync options that Argo CD reads from an object's annotation; it ignores all others in silence.
const OBJECT_SYNC_OPTIONS: [&str; 14] = [
    "ClientSideApplyMigration=false",
    "Delete=confirm",
    "Delete=false",
    "Force=true",
    "Prune=confirm",
    "Prune=false",
    "PruneLast=true",
    "Replace=true",
    "Replace=false",
    "ServerSideApply=false",
    "ServerSideApply=true",
    "SkipDryRunOnMissingResource=true",
    "Validate=false",
    "SkipDryRunOnMissingResource=false",
];

/// Whether Argo CD leaves out objects of this kind.
pub fn is_excluded(identity: &Identity) -> bool {
    EXCLUDED.contains(&(identity.group.as_str(), identity.kind.as_str()))
}

/// What is wrong with one object, each at its place in the template's output.
pub fn object(identity: &Identity, node: &Node) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut say = |code, at: &[&str], message: String, help: &str| {
        let place = node.at(at.iter().copied()).and_then(Node::origin).or(node.origin());
        found.push(Diagnostic::new(code, message).at_maybe(place, "").help(help));
    };
    if is_excluded(identity) {
        say(
            "excluded-kind",
            &["kind"],
            format!("Argo CD ignores objects of the kind {}, so `{identity}` would never be applied", identity.kind),
            "leave it to the controller that makes such objects",
        );
    }
    let mut is_filled_secret = false;
    if identity.group.is_empty() && identity.kind == "Secret" {
        let filled = |key: &&str| node.get(key).is_some_and(|data| data.as_map().is_none_or(|map| !map.is_empty()));
        if let Some(key) = ["data", "stringData"].iter().find(|key| filled(key)) {
            is_filled_secret = true;
            say(
                "secret-in-output",
                &[key],
                format!("`{identity}` would put a secret into Git"),
                "refer to a Secret that is made in the cluster, and say in the README which keys it needs",
            );
        }
    }
    match (identity.is_namespaced(), identity.namespace.is_empty()) {
        (Some(true), true) => say(
            "bad-object",
            &["metadata"],
            format!("`{identity}` has no namespace"),
            "write `metadata.namespace`: the project's permissions and the review depend on it",
        ),
        (Some(false), false) => say(
            "bad-object",
            &["metadata", "namespace"],
            format!("`{identity}` is cluster-scoped and has a namespace"),
            "remove `metadata.namespace`",
        ),
        _ => {}
    }
    for (key, entry) in node.at(["metadata", "annotations"]).and_then(Node::as_map).into_iter().flatten() {
        let at = ["metadata", "annotations", key.as_ref()];
        let Some(text) = entry.node.as_str() else {
            say(
                "bad-object",
                &at,
                format!("the annotation `{key}` of `{identity}` is {}, not a string", entry.node.value.kind()),
                "quote it, or pass it through `quote`",
            );
            continue;
        };
        if key.as_ref() == "argocd.argoproj.io/sync-wave" && text.parse::<i32>().is_err() {
            say(
                "bad-object",
                &at,
                format!("the sync wave `{text}` of `{identity}` is not an integer, so Argo CD ignores it"),
                "write an integer in quotes",
            );
        }
        if key.as_ref() == "argocd.argoproj.io/sync-options" {
            for option in text.split(',').map(str::trim).filter(|option| !OBJECT_SYNC_OPTIONS.contains(option)) {
                let help = match crate::diagnostic::closest(option, OBJECT_SYNC_OPTIONS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known: {}", OBJECT_SYNC_OPTIONS.join(", ")),
                };
                say(
                    "unknown-sync-option",
                    &at,
                    format!("Argo CD knows no sync option `{option}` and ignores it on `{identity}`"),
                    &help,
                );
            }
        }
    }
    if !is_filled_secret && let Some((what, path, place)) = secret_in(node) {
        found.push(secret(format!("`{identity}` holds what looks like {what} at `{path}`"), place));
    }
    found
}

/// The first key of a chart's Secret that must not be in Git: anything but nothing at all and configuration, a document of keys and
/// values in which nothing looks like a secret.
pub fn secret_of_chart(secret: &Node) -> Option<String> {
    let is_harmless = |text: &str| {
        let documents = || yaml::parse_all(FileId(u32::MAX), text).ok();
        let has_keys = |node: &Node| node.as_map().is_some_and(|map| !map.is_empty());
        let is_document =
            |node: &Node| has_keys(node) || node.as_list().is_some_and(|items| items.iter().all(|item| has_keys(item)));
        let is_configuration = |node: &Node| is_document(node) && secret_in(node).is_none();
        text.trim().is_empty() || documents().is_some_and(|documents| documents.iter().all(is_configuration))
    };
    for (field, is_encoded) in [("data", true), ("stringData", false)] {
        for (key, entry) in secret.get(field).and_then(|data| data.as_map()).into_iter().flatten() {
            let text = match &entry.node.value {
                Value::Null => continue,
                Value::String(text) if !is_encoded => Some(text.to_string()),
                Value::String(text) => {
                    let text: String = text.split_ascii_whitespace().collect();
                    base64::engine::general_purpose::STANDARD
                        .decode(text)
                        .ok()
                        .and_then(|bytes| String::from_utf8(bytes).ok())
                }
                _ => None,
            };
            if text.is_none_or(|text| !is_harmless(&text)) {
                return Some(format!("{field}.{key}"));
            }
        }
    }
    None
}

/// One owner for each object, and nothing that Argo CD would ignore or refuse.
pub fn identities(objects: &[Found<'_>], plan: &Plan<'_>, mistakes: &mut Diagnostics) {
    let mut owners: HashMap<&Identity, &Found<'_>> = HashMap::new();
    for object in objects {
        if object.identity.kind == "Namespace" && plan.namespaces.contains_key(&object.identity.name) {
            mistakes.push(
                Diagnostic::new("duplicate-object", format!("`{}` is made by the generator itself", object.identity))
                    .at(object.at, "")
                    .help("say what it needs under `namespacePolicy` in component.yaml"),
            );
        }
        if let Some(other) = owners.insert(object.identity, object) {
            mistakes.push(
                Diagnostic::new(
                    "duplicate-object",
                    if other.component == object.component {
                        format!("`{}` makes `{}` twice", object.component, object.identity)
                    } else {
                        format!("`{}` and `{}` both make `{}`", other.component, object.component, object.identity)
                    },
                )
                .at(object.at, "again here")
                .also(other.at, "first here")
                .help("in the cluster one would overwrite the other: rename one, or keep one"),
            );
        }
    }
}

/// Sizes that Argo CD, etcd and the API server refuse.
pub fn limits(files: &BTreeMap<String, RenderedFile>, plan: &Plan<'_>, mistakes: &mut Diagnostics) {
    let mut folders: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (path, file) in files {
        let place = plan.selection.enabled.get(file.component.as_str()).map(|selected| selected.because);
        let size = file.text.len();
        if path.starts_with("applications/") {
            let kept = plan
                .applications
                .iter()
                .find(|a| format!("applications/{}.yaml", a.name) == *path)
                .and_then(|a| a.policy.revision_history_limit)
                .unwrap_or(10) as usize;
            if size.saturating_mul(kept + 1) > MAX_APPLICATION {
                mistakes.push(
                    Diagnostic::new(
                        "too-large",
                        format!("`{path}` has {size} bytes, and Argo CD keeps {kept} copies of it in one object: etcd refuses more than 1.5 MB"),
                    )
                    .at_maybe(place, "")
                    .help("make the values smaller, or lower `application.revisionHistoryLimit`"),
                );
            }
        }
        if let Some(rest) = path.strip_prefix("manifests/") {
            let folder = rest.split('/').next().unwrap_or(rest);
            folders.entry(folder).or_insert((0, &file.component)).0 += size;
            // What a chart makes was measured as the API server does.
            if size > MAX_OBJECT && file.chart.is_none() {
                mistakes.push(
                    Diagnostic::new(
                        "too-large",
                        format!("`{path}` has {size} bytes, the API server takes at most {MAX_OBJECT}"),
                    )
                    .at_maybe(place, "")
                    .help("split the object"),
                );
            }
        }
    }
    for (folder, (size, component)) in folders {
        if size > MAX_FOLDER {
            let place = plan.selection.enabled.get(component).map(|selected| selected.because);
            mistakes.push(
                Diagnostic::new("too-large", format!("the files in `manifests/{folder}` have {size} bytes, Argo CD reads at most {MAX_FOLDER} in one Application"))
                    .at_maybe(place, "")
                    .help("split the component, or deliver its chart as a chart: `delivery: charts`"),
            );
        }
    }
}

/// Refuses values of an overlay that look like a secret.
pub fn overlay_secrets(environment: &Environment, mistakes: &mut Diagnostics) {
    secrets(&environment.values, |node, path, what| {
        mistakes.push(
            Diagnostic::new("secret-in-overlay", format!("`{}` looks like {what}", dotted(path)))
                .at_maybe(node.origin(), "")
                .help("Git keeps it for ever: refer to a Secret of the cluster instead, and replace this credential"),
        );
    });
}

/// The first chart value that looks like a secret and comes from a template; those of an overlay are known by then.
pub fn values(node: &Node, application: &str) -> Option<Diagnostic> {
    let (what, path, place) = secret_in(node)?;
    Some(secret(format!("the values of `{application}` hold what looks like {what} at `{path}`"), place))
}

/// A secret in a file of the bootstrap.
pub fn file(node: &Node, path: &str) -> Option<Diagnostic> {
    let (what, at, place) = secret_in(node)?;
    let at = if at.is_empty() { at } else { format!(" at `{at}`") };
    Some(secret(format!("the file `bootstrap/{path}` would hold what looks like {what}{at}"), place))
}

fn secret(message: String, place: Option<Origin>) -> Diagnostic {
    Diagnostic::new("secret-in-output", message)
        .at_maybe(place, "")
        .help("Git keeps it for ever: refer to a Secret of the cluster instead, and replace this credential")
}

/// The first thing in a tree that looks like a secret: what, and where.
fn secret_in(node: &Node) -> Option<(&'static str, String, Option<Origin>)> {
    let mut found = None;
    secrets(node, |node, path, what| {
        found.get_or_insert_with(|| (what, dotted(path), node.origin()));
    });
    found
}

/// Everything in a tree that looks like a secret.
fn secrets<'n>(node: &'n Node, mut report: impl FnMut(&'n Node, &[Step<'n>], &'static str)) {
    node.visit(&mut |node, path| {
        let Value::String(text) = &node.value else { return };
        let key = match path.last() {
            Some(Step::Key(key)) => key,
            _ => "",
        };
        if let Some(what) = looks_secret(key, text) {
            report(node, path, what);
        }
    });
}

/// What a text under a key looks like, if it looks like a secret.
fn looks_secret(key: &str, text: &str) -> Option<&'static str> {
    #[expect(clippy::unwrap_used, reason = "the patterns are constants, and a test uses each")]
    static TOKENS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
        [
            (r"-----BEGIN [A-Z ]*PRIVATE KEY-----", "a private key"),
            (r"\b(AKIA|ASIA)[0-9A-Z]{16}\b", "an AWS access key"),
            (r"\bgh[pousr]_[0-9A-Za-z]{36}", "a GitHub token"),
            (r"\bglpat-[0-9A-Za-z_-]{20}", "a GitLab token"),
            (r"\bxox[abprs]-[0-9A-Za-z-]{10,}", "a Slack token"),
            (r"https://hooks\.slack\.com/services/T[0-9A-Z]+/", "a Slack webhook"),
            (r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.", "a JSON web token"),
            (r"\$2[aby]\$[0-9]{2}\$[./0-9A-Za-z]{53}", "a password hash"),
            (r"://[^/\s:@]+:[^/\s:@$]+@", "an address with a password"),
        ]
        .into_iter()
        .map(|(pattern, what)| (Regex::new(pattern).unwrap(), what))
        .collect()
    });
    // Most values are short words: the patterns need a run of characters that these do not have.
    if text.len() >= 8 {
        let may_match = text.contains("-----BEGIN")
            || text.contains("AKIA")
            || text.contains("ASIA")
            || text.contains("gh")
            || text.contains("glpat-")
            || text.contains("xox")
            || text.contains("hooks.slack")
            || text.contains("eyJ")
            || text.contains("$2")
            || text.contains('@');
        if may_match && let Some((_, what)) = TOKENS.iter().find(|(pattern, _)| pattern.is_match(text)) {
            return Some(what);
        }
    }
    let key = key.to_ascii_lowercase();
    let names_secret = [
        "password",
        "passwd",
        "passphrase",
        "token",
        "secretkey",
        "apikey",
        "api_key",
        "privatekey",
        "private_key",
        "clientsecret",
        "client_secret",
        "secretaccesskey",
        "sharedkey",
        "shared_key",
    ]
    .iter()
    .any(|end| key.ends_with(end));
    // `$name:key`, paths and templates are references, not secrets.
    let is_reference = text.is_empty() || text.starts_with(['$', '/', '{']) || text.contains("{{");
    (names_secret && !is_reference).then_some("a password, token or key in clear text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_recognised() {
        let cases: [(&str, &str, Option<&str>); 18] = [
            ("tls.key", "-----BEGIN RSA PRIVATE KEY-----\nMIIE", Some("a private key")),
            ("x", "AKIAIOSFODNN7EXAMPLE", Some("an AWS access key")),
            ("x", "ghp_0123456789abcdefghijklmnopqrstuvwxyz", Some("a GitHub token")),
            ("x", "glpat-0123456789abcdefghij", Some("a GitLab token")),
            ("x", "xoxb-123456789012-abcdef", Some("a Slack token")),
            ("x", "https://hooks.slack.com/services/T00000000/B000/XXXX", Some("a Slack webhook")),
            ("x", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig", Some("a JSON web token")),
            ("x", "$2y$10$abcdefghijklmnopqrstuv0123456789ABCDEFGHIJKLMNOPQRSTU", Some("a password hash")),
            ("url", "https://user:hunter2@example.com/", Some("an address with a password")),
            ("adminPassword", "hunter2", Some("a password, token or key in clear text")),
            ("api_token", "abc", Some("a password, token or key in clear text")),
            ("passwordKey", "admin-password", None),
            ("existingSecret", "grafana-admin", None),
            ("secretName", "ca-tls", None),
            ("clientSecret", "$oidc:clientSecret", None),
            ("password", "", None),
            ("repoURL", "git@git.example.com:platform/clusters.git", None),
            ("email", "ops@example.com", None),
        ];
        for (key, text, wanted) in cases {
            assert_eq!(looks_secret(key, text), wanted, "{key}: {text}");
        }
    }
}
