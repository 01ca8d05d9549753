//! What Kubernetes and Argo CD accept as a name.

/// Why a name is refused, in words that end a sentence.
pub type Refusal = &'static str;

/// A DNS-1123 label: lower-case letters, digits and `-`, at most 63, beginning and ending alphanumeric.
/// Folders of environments, layers and components, namespaces and project names are labels.
pub fn label(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err("is empty");
    }
    if name.len() > 63 {
        return Err("is longer than 63 characters");
    }
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err("has upper-case letters");
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err("has a character that is not a lower-case letter, a digit or `-`");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err("begins or ends with `-`");
    }
    Ok(())
}

/// A DNS-1123 subdomain: labels joined by dots, at most 253 characters. Most objects' names.
pub fn subdomain(name: &str) -> Result<(), Refusal> {
    if name.len() > 253 {
        return Err("is longer than 253 characters");
    }
    name.split('.').try_for_each(|part| match label(part) {
        Err("is longer than 63 characters") => Ok(()),
        other => other,
    })
}

/// A path segment (`rbac.authorization.k8s.io` names: `system:node`): anything that cannot leave its folder.
pub fn path_segment(name: &str) -> Result<(), Refusal> {
    match name {
        "" => Err("is empty"),
        "." | ".." => Err("is a relative folder"),
        _ if name.len() > 253 => Err("is longer than 253 characters"),
        _ if name.contains(['/', '%']) => Err("has a `/` or `%`"),
        _ if name.chars().any(|c| c.is_control() || c.is_whitespace()) => Err("has a blank or control character"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for good in ["a", "cert-manager", "0a", &"a".repeat(63)] {
            assert_eq!(label(good), Ok(()), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ü", &"a".repeat(64)] {
            assert!(label(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn subdomains() {
        for good in ["a.b", "x.example.com", &"a".repeat(100)] {
            assert_eq!(subdomain(good), Ok(()), "{good}");
        }
        for bad in ["a..b", ".a", "a.", "A.b", &"a".repeat(254)] {
            assert!(subdomain(bad).is_err(), "{bad}");
        }
    }
}
