//! What charts and custom resources know: names and types that `ci/facts` derived from what was published.
//!
//! A file is read with the repository and parsed when something first asks for it. What no file speaks of
//! is not judged, except for a custom resource in a repository that has facts: its kind may be misspelt.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, OnceLock};

use regex::Regex;

use super::path;
use super::schema::list_words;
use crate::diagnostic::{Diagnostic, FileId, Origin};
use crate::yaml::{Node, Value};

/// The ending of a file with facts.
pub const ENDING: &str = ".facts";

/// All facts of a repository, by chart and by API group.
#[derive(Debug, Default)]
pub struct Facts {
    charts: BTreeMap<String, File>,
    groups: BTreeMap<String, Vec<File>>,
}

#[derive(Debug)]
struct File {
    path: String,
    id: FileId,
    text: Arc<str>,
    book: OnceLock<Result<Book, Box<Diagnostic>>>,
}

/// A file that was parsed.
#[derive(Debug, Default)]
struct Book {
    facts: Vec<Fact>,
    chart: Option<usize>,
    kinds: Vec<Kind>,
    shapes: HashMap<String, usize>,
}

#[derive(Debug)]
struct Kind {
    name: String,
    versions: Vec<String>,
    is_namespaced: bool,
    fact: usize,
}

/// What may stand at one place.
#[derive(Debug, Default)]
struct Fact {
    /// Types, as bits; none is anything.
    types: u8,
    /// Known keys of a map, sorted.
    fields: Vec<Field>,
    /// What its other keys hold; none: there are no others.
    rest: Option<usize>,
    /// The map whose keys are meant, where they are written elsewhere in the file.
    shape: Option<usize>,
    /// What a list holds.
    items: Option<usize>,
    /// The only scalars, where there are few.
    words: Vec<String>,
    low: Option<f64>,
    high: Option<f64>,
    pattern: Option<(String, OnceLock<Option<Regex>>)>,
}

#[derive(Debug)]
struct Field {
    key: String,
    is_needed: bool,
    fact: usize,
}

const BOOLEAN: u8 = 1;
const INTEGER: u8 = 2;
const NUMBER: u8 = 4;
const STRING: u8 = 8;
const LIST: u8 = 16;
const MAP: u8 = 32;

/// The fact at the beginning of every book: anything.
const ANY: usize = 0;

/// What every object has.
const METADATA: &str = "shape metadata
  annotations {}
  finalizers [string]
  generateName string
  labels {string}
  name string
  namespace string
  ownerReferences []
";

impl Facts {
    /// Takes a file in, by its path below a folder of facts: `charts/<chart>-<version>.facts` or
    /// `kinds/<group>.facts`. Of two files about one chart the first counts; a group may have several files.
    /// False where it is neither.
    pub fn add(&mut self, inside: &str, path: &str, id: FileId, text: Arc<str>) -> bool {
        let file = File { path: path.to_owned(), id, text, book: OnceLock::new() };
        let Some((folder, name)) = inside.strip_suffix(ENDING).and_then(|inside| inside.split_once('/')) else {
            return false;
        };
        match folder {
            _ if name.contains('/') => return false,
            "charts" => drop(self.charts.entry(name.to_owned()).or_insert(file)),
            "kinds" => self.groups.entry(name.to_owned()).or_default().push(file),
            _ => return false,
        }
        true
    }

    /// Whether a version of a chart has facts.
    pub fn has_chart(&self, name: &str, version: &str) -> bool {
        self.charts.contains_key(&format!("{name}-{version}"))
    }

    /// Whether there are none at all: then nothing is judged.
    pub fn is_empty(&self) -> bool {
        self.charts.is_empty() && self.groups.is_empty()
    }

    /// The files that cannot be read. Parses all of them.
    pub fn unreadable(&self) -> Vec<Diagnostic> {
        let files = self.charts.values().chain(self.groups.values().flatten());
        files.filter_map(|file| file.book().err().cloned()).collect()
    }

    /// What is wrong with values for a chart. Nothing where the chart has no facts.
    pub fn values(&self, name: &str, version: &str, values: &Node) -> Vec<Diagnostic> {
        let Some(file) = self.charts.get(&format!("{name}-{version}")) else { return Vec::new() };
        let book = match file.book() {
            Ok(book) => book,
            Err(diagnostic) => return vec![diagnostic.clone()],
        };
        let Some(chart) = book.chart else { return Vec::new() };
        let mut found = Vec::new();
        Walk {
            book,
            path: Vec::new(),
            found: &mut |path, wrong, at| {
                let place = path::join(path);
                found.push(match wrong {
                    Wrong::Unknown(known) => {
                        let mut diagnostic = Diagnostic::new(
                            "unknown-value",
                            format!("the chart {name} {version} has no value `{place}`"),
                        )
                        .at_maybe(at, "");
                        diagnostic = suggest(diagnostic, path, &known);
                        diagnostic.help(format!("where the chart does read it, add it to {}", file.path))
                    }
                    // Helm lays values over the chart's own, so none is missing.
                    Wrong::Missing(_) => return,
                    Wrong::Type { wanted, found } | Wrong::Content { wanted, found } => Diagnostic::new(
                        "wrong-value-type",
                        format!("`{place}` of the chart {name} {version} must be {wanted}, found {found}"),
                    )
                    .at_maybe(at, "")
                    .help(format!("where the chart does take it, change {}", file.path)),
                });
            },
        }
        .check(chart, values, None);
        found
    }

    /// Whether objects of a kind have a namespace, where that is known.
    pub fn is_namespaced(&self, group: &str, kind: &str) -> Option<bool> {
        let books = self.groups.get(group)?.iter().filter_map(|file| file.book().ok());
        books.flat_map(|book| &book.kinds).find(|known| known.name == kind).map(|known| known.is_namespaced)
    }

    /// What is wrong with an object of a group that has facts, or should have.
    pub fn object(&self, group: &str, is_built_in: bool, object: &Node) -> Vec<Diagnostic> {
        if is_built_in && !self.groups.contains_key(group) || self.is_empty() {
            return Vec::new();
        }
        let text = |key: &str| object.get(key).and_then(|node| node.as_str()).unwrap_or_default();
        let place = |key: &str| object.get(key).and_then(|node| node.origin()).or(object.origin());
        let (kind, version) = (text("kind"), text("apiVersion").rsplit('/').next().unwrap_or_default());
        let Some(files) = self.groups.get(group) else {
            let words = self.groups.keys().map(String::as_str);
            return vec![
                Diagnostic::new("unknown-kind", format!("nothing is known of the API group `{group}`"))
                    .at_maybe(place("apiVersion"), "")
                    .did_you_mean(group, words)
                    .help(format!("where it is right, give it facts: `components/facts/kinds/{group}{ENDING}`")),
            ];
        };
        let mut all: Vec<&str> = Vec::new();
        for file in files {
            let book = match file.book() {
                Ok(book) => book,
                Err(diagnostic) => return vec![diagnostic.clone()],
            };
            let of_kind: Vec<&Kind> = book.kinds.iter().filter(|known| known.name == kind).collect();
            if let Some(known) = of_kind.iter().find(|known| known.versions.iter().any(|name| name == version)) {
                return book.judge(known, group, object);
            }
            let served: Vec<&str> = of_kind.iter().flat_map(|known| &known.versions).map(String::as_str).collect();
            if !served.is_empty() {
                return vec![
                    Diagnostic::new("unknown-kind", format!("`{kind}` is not served as `{group}/{version}`"))
                        .at_maybe(place("apiVersion"), "")
                        .help(format!("served: {}", list_words(&served))),
                ];
            }
            all.extend(book.kinds.iter().map(|known| known.name.as_str()));
        }
        let diagnostic = Diagnostic::new("unknown-kind", format!("the API group `{group}` has no kind `{kind}`"))
            .at_maybe(place("kind"), "");
        vec![suggest(diagnostic, &[kind.to_owned()], &all).help(format!(
            "where it is right, add it to {}",
            files.iter().map(|file| file.path.as_str()).next().unwrap_or_default()
        ))]
    }
}

/// Names what may have been meant, or what there is.
fn suggest(diagnostic: Diagnostic, path: &[String], known: &[&str]) -> Diagnostic {
    let key = path.last().map_or("", String::as_str);
    let before = diagnostic.help.len();
    let diagnostic = diagnostic.did_you_mean(key, known.iter().copied());
    match known.len() {
        1..=12 if diagnostic.help.len() == before => diagnostic.help(format!("known here: {}", list_words(known))),
        _ => diagnostic,
    }
}

impl File {
    fn book(&self) -> Result<&Book, &Diagnostic> {
        self.book.get_or_init(|| Book::parse(self.id, &self.text)).as_ref().map_err(|diagnostic| &**diagnostic)
    }
}

/// Something that the facts do not allow.
enum Wrong<'a> {
    /// A key, where these are known.
    Unknown(Vec<&'a str>),
    /// A field that must be there.
    Missing(&'a str),
    /// Another type.
    Type { wanted: String, found: String },
    /// The right type, and not what it may hold.
    Content { wanted: String, found: String },
}

type Report<'a> = &'a mut dyn FnMut(&[String], Wrong<'_>, Option<Origin>);

struct Walk<'a, 'n> {
    book: &'a Book,
    path: Vec<Step<'n>>,
    found: Report<'a>,
}

/// A step on the way to a place; text is made of it only where something is wrong there.
#[derive(Clone, Copy)]
enum Step<'n> {
    Key(&'n str),
    Item(usize),
}

impl<'n> Walk<'_, 'n> {
    fn check(&mut self, fact: usize, node: &'n Node, key_at: Option<Origin>) {
        let book = self.book;
        let fact = &book.facts[fact];
        if fact.types == 0 {
            return;
        }
        let types = match &node.value {
            // Helm takes it for "without the default", the API server for "not there".
            Value::Null => return,
            Value::Bool(_) => BOOLEAN,
            Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => INTEGER | NUMBER,
            Value::Number(_) => NUMBER,
            Value::String(_) => STRING,
            Value::List(_) => LIST,
            Value::Map(_) => MAP,
        };
        let at = node.origin().or(key_at);
        if fact.types & types == 0 {
            let wanted = type_words(fact.types);
            self.say(Wrong::Type { wanted, found: in_words(node) }, at);
            return;
        }
        match &node.value {
            Value::Map(map) => {
                let shape = fact.shape.map_or(fact, |shape| &book.facts[shape]);
                for (key, entry) in map {
                    self.path.push(Step::Key(key));
                    match shape.fields.binary_search_by(|field| field.key.as_str().cmp(key)) {
                        Ok(index) => self.check(shape.fields[index].fact, &entry.node, Some(entry.key_at)),
                        Err(_) => match shape.rest {
                            Some(rest) => self.check(rest, &entry.node, Some(entry.key_at)),
                            None => {
                                let known = shape.fields.iter().map(|field| field.key.as_str()).collect();
                                self.say(Wrong::Unknown(known), Some(entry.key_at));
                            }
                        },
                    }
                    self.path.pop();
                }
                for field in shape.fields.iter().filter(|field| field.is_needed) {
                    if map.get(field.key.as_str()).is_none_or(|entry| entry.node.value == Value::Null) {
                        self.say(Wrong::Missing(&field.key), key_at.or(at));
                    }
                }
            }
            Value::List(items) => {
                let Some(fact) = fact.items else { return };
                for (index, item) in items.iter().enumerate() {
                    self.path.push(Step::Item(index));
                    self.check(fact, item, item.origin().or(key_at));
                    self.path.pop();
                }
            }
            value => {
                if let Some(wanted) = fact.refuses(value) {
                    self.say(Wrong::Content { wanted, found: in_words(node) }, at);
                }
            }
        }
    }

    fn say(&mut self, wrong: Wrong<'_>, at: Option<Origin>) {
        let path: Vec<String> = self
            .path
            .iter()
            .map(|step| match step {
                Step::Key(key) => (*key).to_owned(),
                Step::Item(index) => index.to_string(),
            })
            .collect();
        (self.found)(&path, wrong, at);
    }
}

impl Fact {
    /// What a scalar of the right type should be, where it is not.
    fn refuses(&self, value: &Value) -> Option<String> {
        if !self.words.is_empty() {
            let text = match value {
                Value::String(text) => text.as_ref().to_owned(),
                Value::Number(number) => number.to_string(),
                Value::Bool(value) => value.to_string(),
                _ => return None,
            };
            let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
            return (!self.words.contains(&text)).then(|| format!("one of {}", list_words(&words)));
        }
        match value {
            Value::Number(number) => {
                let number = number.as_f64()?;
                match (self.low, self.high) {
                    (Some(low), _) if number < low => Some(format!("at least {low}")),
                    (_, Some(high)) if number > high => Some(format!("at most {high}")),
                    _ => None,
                }
            }
            Value::String(text) => {
                let (pattern, compiled) = self.pattern.as_ref()?;
                // A pattern in words that are not ours is not judged.
                let regex = compiled.get_or_init(|| Regex::new(pattern).ok()).as_ref()?;
                (!regex.is_match(text)).then(|| format!("like `{pattern}`"))
            }
            _ => None,
        }
    }
}

impl Book {
    /// What is wrong with an object of a known kind.
    fn judge(&self, kind: &Kind, group: &str, object: &Node) -> Vec<Diagnostic> {
        #[expect(clippy::unwrap_used, reason = "the text is a constant, and a test reads it")]
        static EVERY_OBJECT: LazyLock<Book> = LazyLock::new(|| Book::parse(FileId(u32::MAX), METADATA).unwrap());
        let name = format!("{}.{group}", kind.name);
        let mut found = Vec::new();
        let mut report = |path: &[String], wrong: Wrong<'_>, at: Option<Origin>| {
            let place = path::join(path);
            found.push(match wrong {
                Wrong::Unknown(known) => {
                    let diagnostic = Diagnostic::new("unknown-field", format!("{name} has no field `{place}`"));
                    let diagnostic = suggest(diagnostic.at_maybe(at, ""), path, &known);
                    match diagnostic.help.is_empty() {
                        true => diagnostic.help("remove it: the API server would drop it in silence"),
                        false => diagnostic,
                    }
                }
                Wrong::Missing(key) => {
                    let mut path = path.to_vec();
                    path.push(key.to_owned());
                    Diagnostic::new("missing-field", format!("{name} needs the field `{}`", path::join(&path)))
                        .at_maybe(at, "")
                        .help("write it: the API server refuses the object without it")
                }
                Wrong::Type { wanted, found } | Wrong::Content { wanted, found } => {
                    Diagnostic::new("wrong-field", format!("`{place}` of {name} must be {wanted}, found {found}"))
                        .at_maybe(at, "")
                        .help("the API server would refuse the object")
                }
            });
        };
        let own = &self.facts[kind.fact];
        for (key, entry) in object.as_map().into_iter().flatten() {
            let steps = vec![Step::Key(key.as_ref())];
            let at = Some(entry.key_at);
            match key.as_ref() {
                "apiVersion" | "kind" => {}
                "metadata" => {
                    let book = &*EVERY_OBJECT;
                    let metadata = book.shapes.get("metadata").copied().unwrap_or(ANY);
                    Walk { book, path: steps, found: &mut report }.check(metadata, &entry.node, at);
                }
                _ => {
                    let fact = own.fields.binary_search_by(|field| field.key.as_str().cmp(key));
                    let mut walk = Walk { book: self, path: steps, found: &mut report };
                    match fact.ok().map(|index| own.fields[index].fact).or(own.rest) {
                        Some(fact) => walk.check(fact, &entry.node, at),
                        None => {
                            let known = own.fields.iter().map(|field| field.key.as_str()).collect();
                            walk.say(Wrong::Unknown(known), at);
                        }
                    }
                }
            }
        }
        let is_there = |key: &str| object.get(key).is_some_and(|node| node.value != Value::Null);
        for field in own.fields.iter().filter(|field| field.is_needed && !is_there(&field.key)) {
            report(&[], Wrong::Missing(&field.key), object.key_origin("kind"));
        }
        let has_namespace = object.at(["metadata", "namespace"]).is_some();
        if has_namespace != kind.is_namespaced {
            let (what, help) = match kind.is_namespaced {
                true => ("is namespaced and says no namespace", "write `metadata.namespace`"),
                false => ("is cluster-scoped and has a namespace", "remove `metadata.namespace`"),
            };
            let at = object.key_origin("metadata").or(object.origin());
            found.push(Diagnostic::new("bad-object", format!("{name} {what}")).at_maybe(at, "").help(help));
        }
        found
    }

    fn parse(file: FileId, text: &str) -> Result<Book, Box<Diagnostic>> {
        let mut parser = Parser { book: Book::default(), wanted: Vec::new() };
        parser.book.facts.push(Fact::default());
        // The map whose keys stand at each depth; none where a line takes no children.
        let mut open: Vec<Option<usize>> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let bare = line.trim_start_matches(' ');
            if bare.is_empty() || bare.starts_with('#') {
                continue;
            }
            let depth = (line.len() - bare.len()) / 2;
            let children = match depth {
                0 => parser.heading(bare),
                _ => match open.get(depth - 1).copied().flatten() {
                    Some(map) => parser.key(map, bare, index),
                    None => None,
                },
            };
            let Some(children) = children else {
                return Err(bad(file, index, "this is no fact"));
            };
            open.truncate(depth);
            open.push(Some(children));
        }
        for (fact, name, line) in std::mem::take(&mut parser.wanted) {
            let Some(shape) = parser.book.shapes.get(&name) else {
                return Err(bad(file, line, &format!("there is no shape `{name}` in this file")));
            };
            parser.book.facts[fact].shape = Some(*shape);
        }
        for fact in &mut parser.book.facts {
            fact.fields.sort_by(|a, b| a.key.cmp(&b.key));
        }
        Ok(parser.book)
    }
}

fn bad(file: FileId, line: usize, what: &str) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new("bad-facts", what.to_owned())
            .at(Origin { file, line: line as u32 + 1, column: 1 }, "")
            .help("`ci/facts` writes these files; docs/architecture.md has their form"),
    )
}

struct Parser {
    book: Book,
    /// Facts that stand for a shape which may come later, with their lines.
    wanted: Vec<(usize, String, usize)>,
}

impl Parser {
    fn new_fact(&mut self) -> usize {
        self.book.facts.push(Fact::default());
        self.book.facts.len() - 1
    }

    /// `chart NAME VERSION`, `kind NAME VERSION,… SCOPE` or `shape NAME`: a map.
    fn heading(&mut self, line: &str) -> Option<usize> {
        let fact = self.new_fact();
        self.book.facts[fact].types = MAP;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["chart", _, _] => self.book.chart = Some(fact),
            ["kind", name, versions, scope @ ("namespaced" | "cluster")] => self.book.kinds.push(Kind {
                name: name.to_owned(),
                versions: versions.split(',').map(str::to_owned).collect(),
                is_namespaced: scope == "namespaced",
                fact,
            }),
            ["shape", name] => {
                self.book.shapes.insert(name.to_owned(), fact);
            }
            _ => return None,
        }
        Some(fact)
    }

    /// `KEY[!] TYPE [=WORD …] [>=N] [<=N] [~"PATTERN"]`. Gives the fact that lines below it are about.
    fn key(&mut self, map: usize, line: &str, at: usize) -> Option<usize> {
        let (key, rest) = match line.starts_with('"') {
            true => quoted(line)?,
            false => {
                let end = line.find([' ', '!'])?;
                (line[..end].to_owned(), &line[end..])
            }
        };
        let is_needed = rest.starts_with('!');
        let rest = rest.trim_start_matches('!').strip_prefix(' ')?;
        let (kind, mut more) = rest.split_once(' ').unwrap_or((rest, ""));
        let (fact, inner) = self.kind(kind, at)?;
        while !more.is_empty() {
            let target = &mut self.book.facts[inner];
            if let Some(rest) = more.strip_prefix('~') {
                let (pattern, rest) = quoted(rest)?;
                target.pattern = Some((pattern, OnceLock::new()));
                more = rest.trim_start_matches(' ');
                continue;
            }
            if let Some(quote) = more.strip_prefix('=').filter(|rest| rest.starts_with('"')) {
                let (word, rest) = quoted(quote)?;
                target.words.push(word);
                more = rest.trim_start_matches(' ');
                continue;
            }
            let (word, rest) = more.split_once(' ').unwrap_or((more, ""));
            if let Some(number) = word.strip_prefix(">=") {
                target.low = Some(number.parse().ok()?);
            } else if let Some(number) = word.strip_prefix("<=") {
                target.high = Some(number.parse().ok()?);
            } else {
                target.words.push(word.strip_prefix('=')?.to_owned());
            }
            more = rest;
        }
        match (key.as_str(), line.starts_with('"')) {
            ("*", false) => self.book.facts[map].rest = Some(fact),
            _ => self.book.facts[map].fields.push(Field { key, is_needed, fact }),
        }
        Some(inner)
    }

    /// A type, and its innermost part: the one that bounds and children belong to.
    fn kind(&mut self, text: &str, at: usize) -> Option<(usize, usize)> {
        if text == "any" || text.is_empty() {
            return Some((ANY, ANY));
        }
        let fact = self.new_fact();
        let mut inner = fact;
        for part in alternatives(text) {
            let within = |open: char, close: char| part.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
            let types = if let Some(items) = within('[', ']') {
                let (items, deeper) = self.kind(items, at)?;
                self.book.facts[fact].items = Some(items);
                if deeper != ANY {
                    inner = deeper;
                }
                LIST
            } else if let Some(values) = within('{', '}') {
                let (values, deeper) = self.kind(values, at)?;
                self.book.facts[fact].rest = Some(values);
                if deeper != ANY {
                    inner = deeper;
                }
                MAP
            } else if let Some(name) = part.strip_prefix('@') {
                self.wanted.push((fact, name.to_owned(), at));
                MAP
            } else {
                match part {
                    "scalar" => BOOLEAN | NUMBER | STRING,
                    "boolean" => BOOLEAN,
                    "integer" => INTEGER,
                    "number" => NUMBER,
                    "string" => STRING,
                    "map" => MAP,
                    _ => return None,
                }
            };
            self.book.facts[fact].types |= types;
        }
        Some((fact, inner))
    }
}

/// Splits a type at the bars that are not inside brackets.
fn alternatives(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (index, c) in text.char_indices() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            '|' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A JSON string at the beginning of a text, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let string = strings.next()?.ok()?;
    let end = strings.byte_offset();
    Some((string, &text[end..]))
}

fn type_words(types: u8) -> String {
    const WORDS: [(u8, &str); 6] = [
        (BOOLEAN, "a boolean (`true` or `false`)"),
        (NUMBER, "a number"),
        (INTEGER, "an integer"),
        (STRING, "a string"),
        (LIST, "a list"),
        (MAP, "a map"),
    ];
    let words: Vec<&str> = WORDS.iter().filter(|(bit, _)| types & bit != 0).map(|(_, word)| *word).collect();
    words.join(" or ")
}

fn in_words(node: &Node) -> String {
    let text = match &node.value {
        Value::Null | Value::List(_) | Value::Map(_) => return node.value.kind().to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {}", serde_json::Value::from(text.as_ref())),
    };
    match text.chars().count() {
        0..=80 => text,
        _ => text.chars().take(77).chain("...".chars()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    const TEXT: &str = r#"# A comment.
chart web 1.0.0
  "a key" any
  "*" boolean
  replicas integer >=1 <=9
  mode string =static ="two words"
  names [string] ~"^[a-z]+$"
  either string|[map]
    name! string
  labels {string}
  service @service
  services {@service}
shape service
  port number|string
  * boolean
kind Site v1 namespaced
  spec! map
"#;

    fn found(values: &str) -> Vec<String> {
        let mut facts = Facts::default();
        assert!(facts.add("charts/web-1.0.0.facts", "p", FileId(1), Arc::from(TEXT)));
        assert_eq!(facts.unreadable(), []);
        let tree = parse(FileId(0), values).unwrap();
        facts.values("web", "1.0.0", &tree).into_iter().map(|diagnostic| diagnostic.message).collect()
    }

    #[test]
    fn what_is_known_and_what_is_free() {
        for fine in [
            "{a key: [1], '*': true, replicas: 9, mode: two words, names: [a, b]}",
            "{either: x}",
            "{either: [{}]}",
            "{labels: {a: b}, service: {port: 80, other: false}, services: {any: {port: http}}}",
            "{replicas: null, service: {port: null}, labels: null, names: [null]}",
        ] {
            assert_eq!(found(fine), Vec::<String>::new(), "{fine}");
        }
        for (values, wanted) in [
            ("{replica: 1}", "the chart web 1.0.0 has no value `replica`"),
            ("{replicas: 0}", "`replicas` of the chart web 1.0.0 must be at least 1, found the number 0"),
            ("{replicas: 1.5}", "`replicas` of the chart web 1.0.0 must be an integer, found the number 1.5"),
            (
                "{mode: x}",
                "`mode` of the chart web 1.0.0 must be one of `static` and `two words`, found the string \"x\"",
            ),
            ("{names: [a, B]}", "`names.1` of the chart web 1.0.0 must be like `^[a-z]+$`, found the string \"B\""),
            ("{either: {}}", "`either` of the chart web 1.0.0 must be a string or a list, found a map"),
            ("{labels: {a.b: 1}}", "`labels.\"a.b\"` of the chart web 1.0.0 must be a string, found the number 1"),
            (
                "{services: {x: {a: 1}}}",
                "`services.x.a` of the chart web 1.0.0 must be a boolean (`true` or `false`), found the number 1",
            ),
        ] {
            assert_eq!(found(values), [wanted], "{values}");
        }
    }

    #[test]
    fn a_line_that_is_no_fact_is_a_mistake_at_its_place() {
        for (text, line) in [
            ("chart web", 1),
            ("chart web 1\n  a strong", 2),
            ("chart web 1\n  a", 2),
            ("chart web 1\n    a any", 2),
            ("chart web 1\n\n  a @b", 3),
            ("kind A v1 everywhere", 1),
            ("shape a\n  \"b any", 2),
            ("shape a\n  b integer >=x", 2),
        ] {
            let diagnostic = Book::parse(FileId(3), text).err().unwrap();
            assert_eq!(diagnostic.at.map(|(origin, _)| (origin.file, origin.line)), Some((FileId(3), line)), "{text}");
        }
        assert!(Book::parse(FileId(0), METADATA).is_ok_and(|book| book.shapes.contains_key("metadata")));
    }
}
