//! What is secret is not shown: its place is kept, its value becomes its digest and its length.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use regex::{Captures, Regex};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::model::Object;
use crate::hex;
use crate::values::edit::{Change, Edit, Segment};

/// Digits of a digest that are shown: enough to tell two apart, too few to guess a value by.
const DIGITS: usize = 4;

/// Whether the value of a key is likely to be a secret. Names of Secrets are none.
pub fn is_secret(key: &str) -> bool {
    const ENDS: [&str; 16] = [
        "password",
        "passwd",
        "passphrase",
        "token",
        "secretkey",
        "apikey",
        "apitoken",
        "privatekey",
        "accesskey",
        "accesskeyid",
        "secretaccesskey",
        "clientsecret",
        "sharedsecret",
        "webhookurl",
        "credentials",
        "encryptionkey",
    ];
    let bare: String = key.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    ENDS.iter().any(|end| bare.ends_with(end))
}

/// Whether a text is secret wherever it stands: a private key, a URL with a password.
fn holds_secret(text: &str) -> bool {
    if text.contains("PRIVATE KEY-----") {
        return true;
    }
    text.split("://").skip(1).any(|rest| {
        let host = rest.split(['/', ' ', '"', '\'', '\n']).next().unwrap_or_default();
        host.rsplit_once('@')
            .and_then(|(user, _)| user.split_once(':'))
            .is_some_and(|(_, password)| !password.is_empty() && !password.starts_with('$'))
    })
}

/// Digest and length of a value, in so many digits.
fn shown(value: &Json, is_base64: bool, digits: usize) -> String {
    let bytes = match value {
        Json::String(text) if is_base64 => BASE64.decode(text.trim()).unwrap_or_else(|_| text.clone().into_bytes()),
        Json::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    };
    let digest = hex(&Sha256::digest(&bytes));
    format!("(sha256 {}…, {} bytes)", &digest[..digits.min(digest.len())], bytes.len())
}

/// Replaces what is secret in an object; its keys stay.
pub fn mask(object: &Object, content: &mut Json) {
    if is_kind_secret(object) {
        for (key, is_base64) in [("data", true), ("stringData", false)] {
            if let Some(Json::Object(data)) = content.get_mut(key) {
                data.values_mut().for_each(|value| *value = Json::from(shown(value, is_base64, DIGITS)));
            }
        }
        if let Some(Json::Object(annotations)) = content.pointer_mut("/metadata/annotations") {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    mask_value(content);
}

fn is_kind_secret(object: &Object) -> bool {
    object.kind == "Secret" && object.group.is_empty()
}

fn mask_value(value: &mut Json) {
    match value {
        Json::Object(map) => mask_map(map),
        Json::Array(items) => items.iter_mut().for_each(mask_value),
        Json::String(text) if holds_secret(text) => *value = Json::from(shown(value, false, DIGITS)),
        Json::String(text) => {
            if let Some(masked) = mask_text(text) {
                *text = masked;
            }
        }
        _ => {}
    }
}

fn mask_map(map: &mut Map<String, Json>) {
    let is_variable = map.get("name").and_then(Json::as_str).is_some_and(is_secret);
    for (key, value) in map.iter_mut() {
        let secret = is_secret(key) || is_variable && key == "value";
        match value {
            Json::String(text) if secret && is_filled(text) => *value = Json::from(shown(value, false, DIGITS)),
            value => mask_value(value),
        }
    }
}

/// Empty texts and references hold no secret; what is masked already stays as it is.
fn is_filled(text: &str) -> bool {
    let is_reference = text.starts_with('$') && !text.contains(char::is_whitespace);
    !text.is_empty() && !is_reference && !text.starts_with("(sha256 ")
}

/// A text of several lines without the secrets in it; none where there are none.
fn mask_text(text: &str) -> Option<String> {
    if !text.contains([':', '=']) || !text.trim_end().contains('\n') {
        return None;
    }
    let mut masked = false;
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let shown = mask_line(line);
            masked |= shown != line;
            shown
        })
        .collect();
    masked.then(|| lines.join("\n"))
}

/// A line of a file without the secrets in it: `password: x` becomes `password: (sha256 …)`, in flow style too.
pub fn mask_line(line: &str) -> String {
    if holds_secret(line) {
        return "(a secret)".to_owned();
    }
    masked_pairs(line, is_secret)
}

/// A line whose value is known to be secret, whatever its key is called.
pub fn mask_whole_line(line: &str) -> String {
    const SAID: [&str; 8] = ["kind", "apiVersion", "name", "namespace", "metadata", "type", "enabled", "version"];
    if holds_secret(line) {
        return "(a secret)".to_owned();
    }
    match PAIR.is_match(line) {
        true => masked_pairs(line, |key| !SAID.contains(&key)),
        // An item of a list, or a line of a longer text.
        false if line.contains(char::is_alphanumeric) && !line.contains("{{") && !line.trim_end().ends_with(':') => {
            shown(&Json::from(line.trim().trim_start_matches("- ")), false, DIGITS)
        }
        false => line.to_owned(),
    }
}

/// A key, its mark and its value, with quotes where there are some.
#[expect(clippy::unwrap_used, reason = "a constant pattern, used by a test")]
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?x) (?<key> [A-Za-z0-9_./-]+ ) (?<mark> ["']? \s* (?: :\s+ | = ) )
        (?<value> "(?:[^"\\]|\\.)*" | '(?:[^']|'')*' | [^\s"',{}\[\]\#|>~] [^,{}\[\]]* )"#,
    )
    .unwrap()
});

fn masked_pairs(line: &str, is_secret: impl Fn(&str) -> bool) -> String {
    // In flow style a variable has its name before its value.
    let mut is_variable = false;
    PAIR.replace_all(line, |found: &Captures<'_>| {
        let value = found["value"].trim_end();
        let bare = value.trim_matches(['"', '\'']);
        let is_word = matches!(bare, "true" | "false" | "null") || bare == value && bare.parse::<f64>().is_ok();
        let is_hidden = is_secret(&found["key"]) || is_variable && &found["key"] == "value";
        is_variable = &found["key"] == "name" && self::is_secret(bare);
        if !is_hidden || is_word || !is_filled(bare) {
            return found[0].to_owned();
        }
        let space = &found["value"][value.len()..];
        let mark = if found["mark"].ends_with('=') { "= " } else { &found["mark"] };
        format!("{}{mark}{}{space}", &found["key"], shown(&Json::from(bare), false, DIGITS))
    })
    .into_owned()
}

/// Replaces what is secret in the edits of an object. The digests of a value before and after always differ.
pub fn mask_edits(object: &Object, edits: &mut [Edit]) {
    for edit in edits {
        let top = match edit.path.first() {
            Some(Segment::Key(key)) => key.as_str(),
            _ => "",
        };
        let data = is_kind_secret(object) && matches!(top, "data" | "stringData");
        let is_base64 = data && top == "data";
        mask_edit(edit, data, is_base64);
    }
}

fn mask_edit(edit: &mut Edit, all: bool, is_base64: bool) {
    let last = edit.path.iter().rev().find_map(|segment| match segment {
        Segment::Key(key) => Some(key.as_str()),
        Segment::Item { .. } => None,
    });
    let is_variable = last == Some("value")
        && edit.path.iter().rev().nth(1).is_some_and(|segment| {
            matches!(segment, Segment::Item { item, .. } if item.strip_prefix("name=").is_some_and(is_secret))
        });
    let secret = all || is_variable || last.is_some_and(is_secret);
    let hide = |value: &mut Json, digits: usize| hide(value, secret, all, is_base64, digits);
    match &mut edit.change {
        Change::Added { new: value } | Change::Removed { old: value } => hide(value, DIGITS),
        Change::Reordered { .. } => {}
        Change::Replaced { old, new, inside } => {
            let (before, after) = (old.clone(), new.clone());
            for digits in (DIGITS..=64).step_by(4) {
                (*old, *new) = (before.clone(), after.clone());
                hide(old, digits);
                hide(new, digits);
                if old != new {
                    break;
                }
            }
            if all {
                *inside = None;
            } else if let Some(inside) = inside {
                inside.edits.iter_mut().for_each(|edit| mask_edit(edit, false, false));
            }
        }
    }
}

/// Whether something was hidden in a change.
pub fn is_masked(change: &Change) -> bool {
    match change {
        Change::Added { new: value } | Change::Removed { old: value } => has_masked(value),
        Change::Replaced { old, new, inside } => {
            let inside = inside.iter().flat_map(|inside| &inside.edits);
            has_masked(old) || has_masked(new) || inside.map(|edit| &edit.change).any(is_masked)
        }
        Change::Reordered { .. } => false,
    }
}

fn has_masked(value: &Json) -> bool {
    match value {
        Json::String(text) => text.starts_with("(sha256 "),
        Json::Array(items) => items.iter().any(has_masked),
        Json::Object(map) => map.values().any(has_masked),
        _ => false,
    }
}

/// Hides a value: whole where it is secret, otherwise what is secret inside.
fn hide(value: &mut Json, secret: bool, all: bool, is_base64: bool, digits: usize) {
    match value {
        Json::Object(map) if all => map.values_mut().for_each(|value| hide(value, true, true, is_base64, digits)),
        Json::String(text) if secret && is_filled(text) || holds_secret(text) => {
            *value = Json::from(shown(value, is_base64, digits));
        }
        value => mask_value(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::rules::lists;
    use crate::values::edit::diff;
    use serde_json::json;

    fn object(kind: &str) -> Object {
        Object { group: String::new(), kind: kind.to_owned(), namespace: "home".to_owned(), name: "thing".to_owned() }
    }

    fn masked(kind: &str, mut content: Json) -> Json {
        mask(&object(kind), &mut content);
        content
    }

    fn edited(kind: &str, old: &Json, new: &Json) -> String {
        let mut edits = diff(old, new, lists());
        mask_edits(&object(kind), &mut edits);
        serde_json::to_string(&edits).unwrap()
    }

    #[test]
    fn keys_of_secrets() {
        for key in
            ["password", "adminPassword", "DB_PASSWORD", "auth-token", "secretKey", "api_key", "aws_secret_access_key"]
        {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "existingSecret",
            "secretName",
            "passwordSecretName",
            "tokenAudience",
            "key",
            "tokens.yaml",
            "secretKeyRef",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn a_secret_shows_its_keys() {
        let secret = masked("Secret", json!({"data": {"a": "cGFzc3dvcmQ="}, "stringData": {"b": "password"}}));
        let word = "(sha256 5e88…, 8 bytes)";
        assert_eq!(secret, json!({"data": {"a": word}, "stringData": {"b": word}}), "base64 is undone");
        assert_eq!(masked("ConfigMap", json!({"data": {"a": "x"}})), json!({"data": {"a": "x"}}));
    }

    #[test]
    fn secrets_elsewhere() {
        let content = masked(
            "Application",
            json!({
                "adminPassword": "hunter22",
                "passwordFrom": "a",
                "token": "",
                "secretKey": "$env",
                "automountToken": true,
                "env": [{"name": "DB_PASSWORD", "value": "hunter22"}, {"name": "DB", "value": "main"}],
                "url": "https://admin:hunter22@example.com/a",
                "key": "-----BEGIN RSA PRIVATE KEY-----\nhunter22",
                "values": "a: 1\nauth:\n  password: hunter22\n  existingSecret: b\n",
            }),
        );
        let text = content.to_string();
        assert!(!text.contains("hunter22"), "{text}");
        assert_eq!(content["env"][1]["value"], "main");
        assert_eq!((&content["token"], &content["secretKey"]), (&json!(""), &json!("$env")));
        assert!(content["values"].as_str().unwrap().ends_with(" bytes)\n  existingSecret: b\n"), "{text}");
    }

    #[test]
    fn edits_show_no_secret_and_still_differ() {
        let secret = |value: &str| json!({"stringData": {"a": value, "b": "same"}});
        let text = edited("Secret", &secret("hunter22"), &secret("hunter23"));
        assert!(!text.contains("hunter2") && text.contains("sha256"), "{text}");
        assert!(!edited("Secret", &json!({}), &secret("hunter22")).contains("hunter2"));
        assert!(!edited("Secret", &secret("a: 1\nb: hunter22"), &secret("a: 1\nb: hunter23")).contains("hunter2"));
        let values = |value: &str| json!({"values": format!("a: 1\npassword: {value}\n"), "env": [{"name": "TOKEN", "value": value}]});
        let text = edited("Application", &values("hunter22"), &values("hunter23"));
        assert!(!text.contains("hunter2") && text.contains("a: 1"), "{text}");
        // Two values whose first digits are the same are told apart by more of them.
        let digest = |n: u32| shown(&json!(format!("{n}")), false, DIGITS);
        let mut known = std::collections::HashMap::new();
        let (old, new) = (1000..9999u32).find_map(|n| known.insert(digest(n), n).map(|other| (other, n))).unwrap();
        let mut edits = diff(&json!({"password": format!("{old}")}), &json!({"password": format!("{new}")}), lists());
        mask_edits(&object("X"), &mut edits);
        assert!(matches!(&edits[0].change, Change::Replaced { old, new, .. } if old != new));
    }

    #[test]
    fn lines() {
        assert_eq!(mask_line("  image: a"), "  image: a");
        assert_eq!(mask_line("  password: true"), "  password: true");
        assert!(mask_line("- token: 'abc'").starts_with("- token: (sha256 "));
        assert!(mask_line("PASSWORD=abc").starts_with("PASSWORD= (sha256 "));
        assert_eq!(mask_line("a: https://b:c@d"), "(a secret)");
        assert!(!mask_line("settings: {user: me, password: hunter22, replicas: 2}").contains("hunter"));
        assert!(mask_line("settings: {user: me, password: hunter22, replicas: 2}").ends_with(", replicas: 2}"));
        assert!(!mask_line(r#"{"user": "me", "token": "hunter 22, it is"}"#).contains("hunter"));
        assert!(!mask_line("[{name: A, value: b}, {name: API_TOKEN, value: hunter22}]").contains("hunter"));
        assert!(mask_line("[{name: A, value: b}, {name: API_TOKEN, value: hunter22}]").contains("value: b"));
        assert!(!mask_line("password: \"12345678\"").contains("1234"), "digits in quotes");
        for line in ["password: {{json settings.password}}", "password:", "token: |", "clientSecret: {name: a, key: b}"]
        {
            assert_eq!(mask_line(line), line);
        }
        assert!(!mask_whole_line("  tls.key: hunter22").contains("hunter"));
        assert!(!mask_whole_line("  - hunter22").contains("hunter"));
        assert_eq!(mask_whole_line("kind: Secret"), "kind: Secret");
        assert_eq!(mask_whole_line("stringData:"), "stringData:");
    }
}
