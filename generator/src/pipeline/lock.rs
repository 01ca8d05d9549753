//! The chart lock: which archive each pinned chart is, by the sum of its bytes.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Origin};
use crate::values::schema::Schema;
use crate::yaml::{self, write};

/// Where it lies.
pub const LOCK: &str = "components/charts.lock";

/// What stands in place of a sum that was never read at a source.
const UNKNOWN: &str = "unknown";

/// A chart as a component pins it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin {
    /// Chart repository; that of a registry is without `oci://`, as Argo CD has it.
    pub repository: String,
    /// Chart.
    pub name: String,
    /// Exact version.
    pub version: String,
}

/// What is known of a pinned chart's archive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locked {
    /// The sum of the archive, as 64 hexadecimal digits; none where it was never read at a source.
    pub sha256: Option<String>,
    /// `sha256:` and the sum of the manifest, for a chart in a registry.
    pub oci_digest: Option<String>,
    /// Where it stands in the lock; none for what was not read from there.
    pub at: Option<Origin>,
}

impl Locked {
    /// The same, wherever it stands.
    pub fn without_place(&self) -> Locked {
        Locked { at: None, ..self.clone() }
    }
}

/// `components/charts.lock`.
#[derive(Debug, Clone, Default)]
pub struct Lock {
    charts: BTreeMap<Pin, Locked>,
}

impl Lock {
    /// Understands the text of the file.
    pub fn read(file: FileId, text: &str, form: &Schema, mistakes: &mut Diagnostics) -> Lock {
        let mut lock = Lock::default();
        let node = match yaml::parse(file, text) {
            Ok(node) => node,
            Err(diagnostic) => {
                mistakes.push(*diagnostic);
                return lock;
            }
        };
        let before = mistakes.len();
        form.check(Some(&node), "", Some(Origin::start_of(file)), mistakes);
        if mistakes.len() > before {
            return lock;
        }
        for entry in node.get("charts").and_then(|charts| charts.as_list()).unwrap_or_default() {
            let text = |key: &str| entry.get(key).and_then(|node| node.as_str()).map(str::to_owned);
            let (Some(repository), Some(name), Some(version)) = (text("repository"), text("name"), text("version"))
            else {
                continue;
            };
            let pin = Pin { repository, name, version };
            let at = entry.key_origin("name").or(entry.origin());
            let locked =
                Locked { sha256: text("sha256").filter(|sum| sum != UNKNOWN), oci_digest: text("ociDigest"), at };
            if let Some(first) = lock.charts.get(&pin) {
                let message = format!("the chart `{} {}` is locked twice", pin.name, pin.version);
                let mut diagnostic = Diagnostic::new("locked-twice", message).at_maybe(at, "");
                if let Some(first) = first.at {
                    diagnostic = diagnostic.also(first, "first here");
                }
                mistakes.push(diagnostic.help("remove one; `kubezero charts fetch` writes the file anew"));
                continue;
            }
            lock.charts.insert(pin, locked);
        }
        lock
    }

    /// What is known of a chart; nothing where the lock does not name it.
    pub fn get(&self, pin: &Pin) -> Option<&Locked> {
        self.charts.get(pin)
    }

    /// Every chart, in order.
    pub fn charts(&self) -> &BTreeMap<Pin, Locked> {
        &self.charts
    }

    /// The text of a lock that names these charts.
    pub fn text(charts: &BTreeMap<Pin, Locked>) -> String {
        let mut text = String::from("# Written by `kubezero charts fetch`. Do not edit.\nversion: 1\ncharts:");
        if charts.is_empty() {
            text.push_str(" []");
        }
        text.push('\n');
        for (pin, locked) in charts {
            let sum = locked.sha256.as_deref().unwrap_or(UNKNOWN);
            let fields = [
                ("- repository", Some(pin.repository.as_str())),
                ("  name", Some(&pin.name)),
                ("  version", Some(&pin.version)),
                ("  sha256", Some(sum)),
                ("  ociDigest", locked.oci_digest.as_deref()),
            ];
            for (key, value) in fields.into_iter().filter_map(|(key, value)| Some((key, value?))) {
                text.push_str(key);
                text.push_str(": ");
                write::push_scalar(&mut text, value);
                text.push('\n');
            }
        }
        text
    }
}

/// The form of a lock, as text: a test compiles it.
pub const FORM: &str = include_str!("../schemas/lock.schema.yaml");

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Schema {
        Schema::compile(FileId(u32::MAX), yaml::parse(FileId(u32::MAX), FORM).unwrap()).unwrap()
    }

    fn read(text: &str) -> (Lock, Diagnostics) {
        let mut mistakes = Diagnostics::new();
        let lock = Lock::read(FileId(0), text, &form(), &mut mistakes);
        (lock, mistakes)
    }

    #[test]
    fn what_is_written_is_read() {
        let pin = |name: &str| Pin {
            repository: "https://charts.example.com".to_owned(),
            name: name.to_owned(),
            version: "1.10".to_owned(),
        };
        let known = Locked { sha256: Some("ab".repeat(32)), oci_digest: None, at: None };
        let in_registry = Locked { oci_digest: Some(format!("sha256:{}", "cd".repeat(32))), ..known.clone() };
        let charts = BTreeMap::from([(pin("a"), Locked::default()), (pin("b"), known), (pin("c"), in_registry)]);
        let text = Lock::text(&charts);
        let (lock, mistakes) = read(&text);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        let without_places: BTreeMap<Pin, Locked> =
            lock.charts().iter().map(|(pin, locked)| (pin.clone(), locked.without_place())).collect();
        assert_eq!(without_places, charts);
        assert!(lock.get(&pin("a")).unwrap().sha256.is_none());
        assert_eq!(read(&Lock::text(&BTreeMap::new())).0.charts().len(), 0);
    }

    #[test]
    fn mistakes_have_a_place() {
        let entry = "- {repository: r, name: a, version: '1', sha256: unknown}\n";
        let (_, mistakes) = read(&format!("version: 1\ncharts:\n{entry}{entry}"));
        assert_eq!(mistakes.iter().map(|d| d.code).collect::<Vec<_>>(), ["locked-twice"]);
        assert_eq!(mistakes.iter().next().unwrap().at.as_ref().unwrap().0.line, 4);
        let (_, mistakes) = read("version: 1\ncharts:\n- {repository: r, name: a, version: '1', sha256: abc}\n");
        assert_eq!(mistakes.len(), 1);
        assert_eq!(mistakes.iter().next().unwrap().at.as_ref().unwrap().0.line, 3);
    }
}
