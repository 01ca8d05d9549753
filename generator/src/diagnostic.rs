//! Mistakes of the user, each with its place, its reason and its remedy.
//!
//! A [`Diagnostic`] is data: it is drawn in one place only (`cli/report.rs`), so that text, JSON and SARIF
//! say the same. Failures of the machine (a full disk) are not diagnostics: see [`crate::Failure`].

use std::collections::BTreeSet;
use std::sync::Arc;

/// Index of a source file in [`Sources`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// The place that set a value: file, line and column, both counted from 1 in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The file, resolved by [`Sources::path`].
    pub file: FileId,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl Origin {
    /// The first character of a file: for mistakes that concern a file as a whole.
    pub fn start_of(file: FileId) -> Origin {
        Origin { file, line: 1, column: 1 }
    }
}

/// One input file: its path inside the repository and its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Path inside the repository, `/`-separated on every system.
    pub path: Arc<str>,
    /// The text, for snippets in messages. Empty where the file was not valid UTF-8.
    pub text: Arc<str>,
}

/// All input files that were read, in sorted order of their paths, so that an [`Origin`] is small.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file and returns its index.
    pub fn add(&mut self, path: &str, text: Arc<str>) -> FileId {
        self.files.push(SourceFile { path: Arc::from(path), text });
        FileId((self.files.len() - 1) as u32)
    }

    /// The path of a file inside the repository.
    pub fn path(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("<unknown>", |f| &f.path)
    }

    /// The text of a file.
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |f| &f.text)
    }

    /// The text of a file, to keep.
    pub fn shared_text(&self, file: FileId) -> Arc<str> {
        self.files.get(file.0 as usize).map_or_else(|| Arc::from(""), |f| f.text.clone())
    }

    /// One line of a file, without its line break; empty where there is none.
    pub fn line(&self, origin: Origin) -> &str {
        self.text(origin.file).lines().nth(origin.line.saturating_sub(1) as usize).unwrap_or("")
    }

    /// `path:line:column`, as compilers write it and editors open it.
    pub fn locate(&self, origin: Origin) -> String {
        format!("{}:{}:{}", self.path(origin.file), origin.line, origin.column)
    }

    /// All files, in the order of their indices.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(i, f)| (FileId(i as u32), f))
    }
}

/// One mistake in the input, with the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable identifier, the anchor in `docs/errors.md` and the rule in SARIF.
    pub code: &'static str,
    /// What is wrong: lower case, identifiers in backticks, no full stop.
    pub message: String,
    /// Where, with the words under the caret (may be empty).
    pub at: Option<(Origin, String)>,
    /// A file without a place in it, for mistakes about generated files and folders.
    pub path: Option<String>,
    /// Other places that belong to it: the layer below, the schema, the other end of an edge.
    pub also: Vec<(Origin, String)>,
    /// What to do about it.
    pub help: Vec<String>,
    /// The environments in which it occurs; empty where it concerns the repository as a whole.
    pub environments: BTreeSet<String>,
}

impl Diagnostic {
    /// A mistake without a place; add one with [`Diagnostic::at`].
    pub fn new(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            message: message.into(),
            at: None,
            path: None,
            also: Vec::new(),
            help: Vec::new(),
            environments: BTreeSet::new(),
        }
    }

    /// Sets the place and the words that stand under it.
    #[must_use]
    pub fn at(mut self, origin: Origin, label: impl Into<String>) -> Diagnostic {
        self.at = Some((origin, label.into()));
        self
    }

    /// Sets the place where there is one.
    #[must_use]
    pub fn at_maybe(self, origin: Option<Origin>, label: impl Into<String>) -> Diagnostic {
        match origin {
            Some(origin) => self.at(origin, label),
            None => self,
        }
    }

    /// Names a file (usually a generated one) instead of a place.
    #[must_use]
    pub fn in_file(mut self, path: impl Into<String>) -> Diagnostic {
        self.path = Some(path.into());
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn also(mut self, origin: Origin, label: impl Into<String>) -> Diagnostic {
        self.also.push((origin, label.into()));
        self
    }

    /// Adds a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }

    /// Adds "did you mean" where a known name is close to the one found.
    #[must_use]
    pub fn did_you_mean<'a>(self, found: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        match closest(found, known) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// All mistakes of a stage, shown together.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// None yet.
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Adds a mistake.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds all mistakes of another list.
    pub fn append(&mut self, other: Diagnostics) {
        self.list.extend(other.list);
    }

    /// Whether there is no mistake.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many mistakes there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The mistakes in the order found, or, after [`Diagnostics::sorted`], in file order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Marks every mistake as found in this environment.
    #[must_use]
    pub fn in_environment(mut self, environment: &str) -> Diagnostics {
        for diagnostic in &mut self.list {
            diagnostic.environments.insert(environment.to_owned());
        }
        self
    }

    /// In file order, each mistake once: one line in a shared layer is one mistake, however many
    /// environments meet it.
    #[must_use]
    pub fn sorted(self) -> Diagnostics {
        let mut unique: Vec<Diagnostic> = Vec::with_capacity(self.list.len());
        let mut seen: std::collections::HashMap<(&'static str, Option<Origin>, String), usize> = Default::default();
        for diagnostic in self.list {
            let place = diagnostic.at.as_ref().map(|(origin, _)| *origin);
            // Without a place in a file two environments can have the same words for two mistakes.
            let text = match (&place, &diagnostic.path) {
                (Some(_), _) => diagnostic.message.clone(),
                (None, path) => format!("{path:?} {}", diagnostic.message),
            };
            match seen.entry((diagnostic.code, place, text)) {
                std::collections::hash_map::Entry::Occupied(entry) => {
                    let first = &mut unique[*entry.get()];
                    first.environments.extend(diagnostic.environments);
                }
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(unique.len());
                    unique.push(diagnostic);
                }
            }
        }
        unique.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.at.as_ref().map(|(o, _)| *o), d.path.clone(), d.code, d.message.clone());
            key(a).cmp(&key(b))
        });
        Diagnostics { list: unique }
    }

    /// `Ok(value)` where there is no mistake.
    pub fn or<T>(self, value: T) -> Result<T, Diagnostics> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Diagnostics {
        Diagnostics { list: vec![diagnostic] }
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

/// The known name closest to the one found, if it is close enough to be a slip of the finger.
pub fn closest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = found.to_lowercase();
    known
        .into_iter()
        .filter_map(|name| {
            let distance = strsim::damerau_levenshtein(&folded, &name.to_lowercase());
            // A third of the word may be wrong, and a prefix counts as close: `cert` for `cert-manager`.
            let close = distance * 3 <= name.chars().count().max(found.chars().count())
                || (found.len() >= 3 && name.to_lowercase().starts_with(&folded));
            close.then_some((distance, name))
        })
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closest_finds_slips_and_nothing_else() {
        let known = ["settings", "values", "enabled", "namespace"];
        assert_eq!(closest("setings", known), Some("settings"));
        assert_eq!(closest("Enabled", known), Some("enabled"));
        assert_eq!(closest("name", known), Some("namespace"));
        assert_eq!(closest("replicas", known), None);
    }

    #[test]
    fn one_line_shared_by_two_environments_is_one_mistake() {
        let origin = Origin { file: FileId(0), line: 3, column: 1 };
        let one = |environment: &str| {
            Diagnostics::from(Diagnostic::new("x", "wrong").at(origin, "")).in_environment(environment)
        };
        let mut all = one("a");
        all.append(one("b"));
        let sorted = all.sorted();
        assert_eq!(sorted.len(), 1);
        assert_eq!(sorted.iter().next().map(|d| d.environments.len()), Some(2));
    }
}
