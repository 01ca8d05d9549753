//! The images that an environment runs: those of containers, and those that custom resources and arguments hand to operators.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::{EnvironmentObjects, Object, each_entry};

/// Istio's injection puts the real image in the place of this word.
const INJECTED: &str = "auto";

/// One image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// As it is written.
    pub image: String,
    /// Where it comes from: Docker's own where it is not said.
    pub registry: String,
    /// The tag, where there is one.
    pub tag: Option<String>,
    /// The digest, where there is one.
    pub digest: Option<String>,
    /// Whether what it means can change: no digest, and the tag is `latest` or none.
    pub moves: bool,
    /// Who uses it, in order.
    pub used_by: Vec<Use>,
}

/// One use of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// Component.
    pub component: String,
    /// Application.
    pub application: String,
    /// The object: `Deployment shop/web`.
    pub object: String,
    /// Where in it.
    pub path: String,
}

/// All images of an environment, in order.
pub fn images(environment: &EnvironmentObjects) -> Vec<Image> {
    let mut found: BTreeMap<String, Vec<Use>> = BTreeMap::new();
    for object in &environment.objects {
        for (path, image) in of_object(object) {
            found.entry(image).or_default().push(Use {
                component: object.component.clone(),
                application: object.application.clone(),
                object: object.identity.to_string(),
                path,
            });
        }
    }
    found
        .into_iter()
        .map(|(image, mut used_by)| {
            used_by.sort();
            used_by.dedup();
            let (registry, tag, digest) = parts(&image);
            let moves = digest.is_none() && matches!(tag.as_deref(), None | Some("latest"));
            Image { registry, tag, digest, moves, used_by, image }
        })
        .collect()
}

/// Paths and images of one object.
fn of_object(object: &Object) -> Vec<(String, String)> {
    let mut found = Vec::new();
    // A definition of a kind speaks of images and has none.
    if object.is("apiextensions.k8s.io", "CustomResourceDefinition") {
        return found;
    }
    each_entry(object.content(), &mut |path, key, value, parent| match (key, value) {
        ("image", Json::String(image)) => {
            let is_container = parent.get("name").is_some() && path.contains("ontainers[");
            if image != INJECTED && (is_container && !image.is_empty() || is_image(image)) {
                found.push((path.to_owned(), image.clone()));
            }
        }
        ("args" | "command", Json::Array(words)) => {
            for (index, word) in words.iter().filter_map(Json::as_str).enumerate() {
                let Some((flag, value)) = word.split_once('=') else { continue };
                if flag.starts_with('-') && speaks_of_image(flag, value) {
                    found.push((format!("{path}[{index}]"), value.to_owned()));
                }
            }
        }
        // Environment variables of operators: `RELATED_IMAGE_X`, `ARGOCD_IMAGE`.
        ("value", Json::String(value)) => {
            let name = parent.get("name").and_then(Json::as_str).unwrap_or_default();
            if path.contains(".env[") && speaks_of_image(name, value) {
                found.push((path.to_owned(), value.clone()));
            }
        }
        _ => {}
    });
    found
}

/// Whether a flag or a variable with this value hands over an image: it says so, or the value can be nothing else.
fn speaks_of_image(name: &str, value: &str) -> bool {
    let words = name.to_ascii_lowercase();
    let says_so = words.contains("image") && !words.contains("pull") && !words.contains("registry");
    is_image(value) && (says_so || is_unmistakable(value))
}

/// Whether a text is an image by itself: a host with a dot, a path, and a tag or a digest.
fn is_unmistakable(text: &str) -> bool {
    let Some((host, rest)) = text.split_once('/') else { return false };
    let (_, tag, digest) = parts(text);
    let named = host.contains('.') && !host.contains(':') && !rest.contains("//");
    let versioned =
        tag.is_some_and(|tag| tag.starts_with(|c: char| c.is_ascii_digit() || c == 'v')) || digest.is_some();
    // A path of an API or a label's key has the same form up to its last part.
    named && versioned && rest.split('/').all(|part| !part.is_empty())
}

/// Whether a text looks like an image with a repository and a tag or digest, or a path below a host.
fn is_image(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let (name, tag, digest) = split(text);
    let name_fine = !name.is_empty()
        && !name.contains(['@'])
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.rsplit('/').next().is_some_and(|last| !last.is_empty() && last == last.to_ascii_lowercase());
    text.chars().all(fine)
        && !text.contains("//")
        && name_fine
        && digest.is_none_or(|digest| digest.starts_with("sha256:"))
        && (tag.is_some() || digest.is_some() || name.contains('/'))
}

/// Name, tag and digest as they are written.
fn split(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    // A colon before the last slash is the host's port.
    match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag), digest),
        _ => (rest, None, digest),
    }
}

/// Registry, tag and digest of an image.
fn parts(image: &str) -> (String, Option<String>, Option<String>) {
    let (name, tag, digest) = split(image);
    let registry = match name.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    };
    (registry.to_owned(), tag.map(str::to_owned), digest.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_from_other_texts() {
        for (text, is) in [
            ("quay.io/org/app:v1.2", true),
            ("busybox:1.36", true),
            ("host:5000/app", true),
            ("app@sha256:0123", true),
            ("busybox", false),
            ("https://example.com/app:1", false),
            ("/etc/app", false),
            ("{{ image }}", false),
            ("", false),
        ] {
            assert_eq!(is_image(text), is, "{text}");
        }
        for (flag, value, is) in [
            ("--prometheus-config-reloader", "quay.io/org/reloader:v0.80.0", true),
            ("--image", "org/app", true),
            ("--image-pull-policy", "org/app:1", false),
            ("--metrics", "example.com/path", false),
            ("--leader", "kube-system/lease", false),
            ("--address", "db.example.com:5432/shop", false),
        ] {
            assert_eq!(speaks_of_image(flag, value), is, "{flag}={value}");
        }
        let of = |image| {
            let (registry, tag, digest) = parts(image);
            (registry, tag.unwrap_or_default(), digest.unwrap_or_default())
        };
        assert_eq!(of("busybox"), ("docker.io".to_owned(), String::new(), String::new()));
        assert_eq!(of("h:5000/a/b:1@sha256:2"), ("h:5000".to_owned(), "1".to_owned(), "sha256:2".to_owned()));
    }
}
