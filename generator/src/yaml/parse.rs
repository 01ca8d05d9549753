//! Text to [`Node`]: YAML 1.2 without the parts that surprise people.
//!
//! Refused, each with a remedy: duplicate keys, tags, merge keys, several documents where one is meant,
//! anchors that explode, deep nesting, numbers that YAML 1.1 and 1.2 read differently.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span};

use super::node::{Entry, Map, Node, Value};
use crate::diagnostic::{Diagnostic, FileId, Origin};

/// Deeper trees are refused: the deepest thing in this product, a pod template inside Helm values, has 15 levels.
const MAX_DEPTH: usize = 64;

/// More values than this in one file, aliases counted as often as they are used, are refused.
const MAX_VALUES: usize = 200_000;

/// A mistake in the YAML of one file. Boxed by callers that return it often.
pub type ParseError = Box<Diagnostic>;

/// Reads a file that holds one document. An empty file is an empty map.
pub fn parse(file: FileId, text: &str) -> Result<Node, ParseError> {
    let mut documents = parse_all(file, text)?;
    if documents.len() > 1 {
        let second = documents.get(1).and_then(Node::origin).unwrap_or(Origin::start_of(file));
        return Err(Box::new(
            Diagnostic::new("several-documents", "the file holds several YAML documents, one is expected")
                .at(second, "the second document begins here")
                .help("put each document in a file of its own, or remove the `---` line"),
        ));
    }
    Ok(documents.pop().unwrap_or_else(|| Node::new(Value::Map(Map::new()), Origin::start_of(file))))
}

/// Reads a file that holds any number of documents; documents without content are left out.
pub fn parse_all(file: FileId, text: &str) -> Result<Vec<Node>, ParseError> {
    if text.starts_with('\u{feff}') {
        return Err(Box::new(
            Diagnostic::new("byte-order-mark", "the file begins with a byte order mark")
                .at(Origin::start_of(file), "")
                .help("save it as UTF-8 without BOM"),
        ));
    }
    Builder { file, ..Builder::default() }.run(text)
}

#[derive(Default)]
struct Builder {
    file: FileId,
    stack: Vec<Open>,
    anchors: HashMap<usize, (Arc<Node>, usize)>,
    documents: Vec<Node>,
    values: usize,
}

/// A collection that is being read.
struct Open {
    origin: Origin,
    anchor: usize,
    /// How many values were counted before it began: the difference is its size.
    values_before: usize,
    collection: Collection,
}

enum Collection {
    List(Vec<Arc<Node>>),
    Map { map: Map, key: Option<(Arc<str>, Origin)> },
}

impl Builder {
    fn run(mut self, text: &str) -> Result<Vec<Node>, ParseError> {
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| self.syntax(text, &error))?;
            let origin = self.origin(&span);
            match event {
                Event::Scalar(text, style, anchor, tag) => {
                    if let Some(tag) = tag {
                        return Err(self.tag(origin, &tag.to_string()));
                    }
                    self.scalar(text, style, anchor, origin)?;
                }
                Event::SequenceStart(_, anchor, tag) => {
                    if let Some(tag) = tag {
                        return Err(self.tag(origin, &tag.to_string()));
                    }
                    self.open(origin, anchor, Collection::List(Vec::new()))?;
                }
                Event::MappingStart(_, anchor, tag) => {
                    if let Some(tag) = tag {
                        return Err(self.tag(origin, &tag.to_string()));
                    }
                    self.open(origin, anchor, Collection::Map { map: Map::new(), key: None })?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close()?,
                Event::Alias(id) => {
                    let Some((node, size)) = self.anchors.get(&id).cloned() else {
                        return Err(Box::new(
                            Diagnostic::new("yaml-syntax", "the alias stands inside the value that it repeats")
                                .at(origin, "")
                                .help("write the value out"),
                        ));
                    };
                    self.count(size, origin)?;
                    self.place(node, origin)?;
                }
                _ => {}
            }
        }
        Ok(self.documents)
    }

    fn origin(&self, span: &Span) -> Origin {
        Origin { file: self.file, line: span.start.line() as u32, column: span.start.col() as u32 + 1 }
    }

    fn syntax(&self, text: &str, error: &granit_parser::ScanError) -> ParseError {
        let marker = error.marker();
        let origin = Origin { file: self.file, line: (marker.line() as u32).max(1), column: marker.col() as u32 + 1 };
        let line = text.lines().nth(origin.line as usize - 1).unwrap_or("");
        let indentation_has_tab = line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
        if indentation_has_tab {
            let column = line.chars().position(|c| c == '\t').unwrap_or(0) as u32 + 1;
            return Box::new(
                Diagnostic::new("tab-indentation", "a tab stands in the indentation, where YAML allows only spaces")
                    .at(Origin { column, ..origin }, "tab")
                    .help("replace it by spaces"),
            );
        }
        let words = error.info().to_string();
        let diagnostic = match error.kind() {
            ErrorKind::UnclosedFlowCollection { open } => {
                return Box::new(self.unclosed(*open, origin));
            }
            ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
                Diagnostic::new("yaml-syntax", format!("this is not YAML: the `{open}` is closed by `{close}`"))
                    .at(origin, format!("`{open}` opens here"))
                    .help("close brackets in the order in which they were opened, the last one first")
            }
            _ => match self.bracket_around(text, origin) {
                // What stands no deeper than the line of the bracket cannot belong to it.
                Some((open, at)) if at.line < origin.line && indentation(text, origin) <= indentation(text, at) => {
                    return Box::new(self.unclosed(open, at).also(origin, "this still counts as part of it"));
                }
                Some((open, at)) => Diagnostic::new("yaml-syntax", format!("this is not YAML: {words}"))
                    .at(origin, "")
                    .also(at, format!("inside this `{open}`"))
                    .help("in brackets entries are separated by commas, and text with `: `, `,` or a bracket needs quotes"),
                None => Diagnostic::new("yaml-syntax", format!("this is not YAML: {words}")).at(origin, "").help(
                    "look here and at the lines above: a bracket or quote that is not closed, indentation that does not line up, or text with `: ` that needs quotes",
                ),
            },
        };
        Box::new(diagnostic)
    }

    fn unclosed(&self, open: char, at: Origin) -> Diagnostic {
        let close = if open == '[' { ']' } else { '}' };
        Diagnostic::new("yaml-syntax", format!("this is not YAML: the `{open}` is not closed"))
            .at(at, "opened here")
            .help(format!("write the `{close}`, or quote the text if the `{open}` belongs to it"))
    }

    /// The innermost bracket that is open where a mistake was found: reading only what stands before it
    /// ends inside of that bracket.
    fn bracket_around(&self, text: &str, origin: Origin) -> Option<(char, Origin)> {
        let lines: usize = text.split_inclusive('\n').take(origin.line as usize - 1).map(str::len).sum();
        let line = text.get(lines..)?;
        let column = line.char_indices().nth(origin.column as usize - 1).map_or(line.len(), |(at, _)| at);
        let error = Parser::new_from_str(text.get(..lines + column)?).find_map(Result::err)?;
        let ErrorKind::UnclosedFlowCollection { open } = error.kind() else { return None };
        let at = error.marker();
        Some((*open, Origin { file: self.file, line: (at.line() as u32).max(1), column: at.col() as u32 + 1 }))
    }

    fn tag(&self, origin: Origin, tag: &str) -> ParseError {
        let tag = tag.replace("tag:yaml.org,2002:", "!!");
        Box::new(
            Diagnostic::new("yaml-tag", format!("the tag `{tag}` is not supported"))
                .at(origin, "")
                .help("remove the tag; quote the value if it must be a string"),
        )
    }

    fn count(&mut self, values: usize, origin: Origin) -> Result<(), ParseError> {
        self.values = self.values.saturating_add(values);
        if self.values > MAX_VALUES {
            return Err(Box::new(
                Diagnostic::new("yaml-too-many-values", format!("the file expands to more than {MAX_VALUES} values"))
                    .at(origin, "")
                    .help("anchors multiply: write the repeated part once, in a layer"),
            ));
        }
        Ok(())
    }

    fn open(&mut self, origin: Origin, anchor: usize, collection: Collection) -> Result<(), ParseError> {
        if self.awaits_key() {
            return Err(Box::new(
                Diagnostic::new("yaml-key", "a map or a list cannot be a key")
                    .at(origin, "")
                    .help("quote it if it is meant as text, such as a `{{…}}` of a template"),
            ));
        }
        if self.stack.len() >= MAX_DEPTH {
            return Err(Box::new(
                Diagnostic::new("yaml-too-deep", format!("values are nested more than {MAX_DEPTH} levels deep"))
                    .at(origin, "")
                    .help("no Kubernetes object needs that: look for a part that was pasted into itself"),
            ));
        }
        self.count(1, origin)?;
        let values_before = self.values - 1;
        self.stack.push(Open { origin, anchor, values_before, collection });
        Ok(())
    }

    fn close(&mut self) -> Result<(), ParseError> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        let value = match open.collection {
            Collection::List(items) => Value::List(items),
            Collection::Map { map, .. } => Value::Map(map),
        };
        let node = Arc::new(Node::new(value, open.origin));
        if open.anchor > 0 {
            self.anchors.insert(open.anchor, (node.clone(), self.values - open.values_before));
        }
        self.place(node, open.origin)
    }

    fn awaits_key(&self) -> bool {
        matches!(self.stack.last(), Some(Open { collection: Collection::Map { key: None, .. }, .. }))
    }

    fn scalar(
        &mut self,
        text: std::borrow::Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        origin: Origin,
    ) -> Result<(), ParseError> {
        if self.awaits_key() {
            return self.key(&text, style, origin);
        }
        self.count(1, origin)?;
        let value = if style == ScalarStyle::Plain {
            plain(&text).map_err(|message| self.ambiguous(&text, message, origin))?
        } else {
            Value::String(Arc::from(text.as_ref()))
        };
        let node = Arc::new(Node::new(value, origin));
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), 1));
        }
        self.place(node, origin)
    }

    fn ambiguous(&self, text: &str, message: &str, origin: Origin) -> ParseError {
        Box::new(
            Diagnostic::new("ambiguous-scalar", format!("`{text}` {message}"))
                .at(origin, "")
                .help(format!("write \"{text}\" if it is text, or the number without the ambiguity")),
        )
    }

    fn key(&mut self, text: &str, style: ScalarStyle, origin: Origin) -> Result<(), ParseError> {
        if style == ScalarStyle::Plain && text == "<<" {
            return Err(Box::new(
                Diagnostic::new("yaml-merge-key", "merge keys (`<<`) are not supported")
                    .at(origin, "")
                    .help("write the values out, or put the shared part in a layer and extend it"),
            ));
        }
        if let Some(Open { collection: Collection::Map { map, key }, .. }) = self.stack.last_mut() {
            if let Some(first) = map.get(text) {
                return Err(Box::new(
                    Diagnostic::new("duplicate-key", format!("the key `{text}` stands twice in the same map"))
                        .at(origin, "again here")
                        .also(first.key_at, "first here")
                        .help("keep one of the two"),
                ));
            }
            *key = Some((Arc::from(text), origin));
        }
        Ok(())
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, node: Arc<Node>, origin: Origin) -> Result<(), ParseError> {
        match self.stack.last_mut() {
            None => {
                // `---` without content is one null: not a document to anybody who wrote it.
                if node.value != Value::Null {
                    self.documents.push(Arc::unwrap_or_clone(node));
                }
            }
            Some(Open { collection: Collection::List(items), .. }) => items.push(node),
            Some(Open { collection: Collection::Map { map, key }, .. }) => match key.take() {
                Some((name, key_at)) => {
                    map.insert(name, Entry { key_at, node });
                }
                None => match node.as_str() {
                    Some(text) => {
                        let text = text.to_owned();
                        return self.key(&text, ScalarStyle::DoubleQuoted, origin);
                    }
                    None => {
                        return Err(Box::new(
                            Diagnostic::new("yaml-key", "an alias that is not text cannot be a key").at(origin, ""),
                        ));
                    }
                },
            },
        }
        Ok(())
    }
}

/// How many blanks the line of a place begins with.
fn indentation(text: &str, at: Origin) -> usize {
    let line = text.lines().nth(at.line as usize - 1).unwrap_or("");
    line.chars().take_while(|c| *c == ' ').count()
}

/// What an unquoted scalar means in YAML 1.2, or why it is refused.
pub(super) fn plain(text: &str) -> Result<Value, &'static str> {
    let string = || Ok(Value::String(Arc::from(text)));
    let Some(first) = text.bytes().next() else { return Ok(Value::Null) };
    match text {
        "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return string();
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err("is not a finite number, which JSON and Kubernetes cannot hold");
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return match u64::from_str_radix(digits, radix) {
                Ok(number) => Ok(Value::Number(number.into())),
                Err(_) => string(),
            };
        }
    }
    let digits = unsigned.bytes().all(|b| b.is_ascii_digit());
    if digits && !unsigned.is_empty() {
        if unsigned.len() > 1 && unsigned.starts_with('0') {
            return Err("has a leading zero: YAML 1.1 (Argo CD, Helm) reads it as octal, YAML 1.2 as decimal");
        }
        let number = text.strip_prefix('+').unwrap_or(text);
        if let Ok(number) = number.parse::<i64>() {
            return Ok(Value::Number(number.into()));
        }
        if let Ok(number) = number.parse::<u64>() {
            return Ok(Value::Number(number.into()));
        }
        return Err("is too large for an integer");
    }
    let looks_like_float = unsigned.bytes().any(|b| b.is_ascii_digit())
        && unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if looks_like_float && let Ok(number) = text.parse::<f64>() {
        return match serde_json::Number::from_f64(number) {
            Some(number) => Ok(Value::Number(number)),
            None => Err("is too large for a number"),
        };
    }
    string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<serde_json::Value, String> {
        parse(FileId(0), text).map(|node| node.to_json()).map_err(|error| error.message)
    }

    /// Where a mistake is, where else it points, and what it says.
    fn refused(text: &str) -> ((u32, u32), Vec<(u32, u32)>, String) {
        let error = parse(FileId(0), text).unwrap_err();
        let place = |origin: Origin| (origin.line, origin.column);
        let at = error.at.as_ref().map_or((0, 0), |(origin, _)| place(*origin));
        (at, error.also.iter().map(|(origin, _)| place(*origin)).collect(), error.message)
    }

    #[test]
    fn a_bracket_that_is_not_closed_is_shown_where_it_opens() {
        let unclosed = |open: char| format!("this is not YAML: the `{open}` is not closed");
        assert_eq!(refused("a:\n  b: [x, y\n"), ((2, 6), vec![], unclosed('[')));
        assert_eq!(refused("a:\n  b: [x, y\n  c: 1\n"), ((2, 6), vec![(3, 4)], unclosed('[')));
        assert_eq!(refused("a:\n  b: {x: y\n  c: 1\n"), ((2, 6), vec![(3, 4)], unclosed('{')));
        assert_eq!(refused("a: {b: [{c: 1}, {d: 2]}\n").2, "this is not YAML: the `{` is closed by `]`");
        // The bracket is closed, and something in it is wrong.
        let (at, also, _) = refused("a: [\n  b: c: d,\n]\n");
        assert_eq!((at.0, also), (2, vec![(1, 4)]));
        // Brackets that are text open nothing.
        assert_eq!(refused("a: |\n  [\nb: '['\nc: d: e\n").1, []);
    }

    #[test]
    fn scalars_follow_yaml_1_2() {
        let cases = [
            ("a: yes", serde_json::json!({"a": "yes"})),
            ("a: true", serde_json::json!({"a": true})),
            ("a: 1", serde_json::json!({"a": 1})),
            ("a: -1.5e3", serde_json::json!({"a": -1500.0})),
            ("a: 1.30", serde_json::json!({"a": 1.3})),
            ("a: 1.2.3", serde_json::json!({"a": "1.2.3"})),
            ("a: 12:30:00", serde_json::json!({"a": "12:30:00"})),
            ("a: 2020-01-01", serde_json::json!({"a": "2020-01-01"})),
            ("a: 0x1F", serde_json::json!({"a": 31})),
            ("a: 0o17", serde_json::json!({"a": 15})),
            ("a:", serde_json::json!({"a": null})),
            ("a: '0777'", serde_json::json!({"a": "0777"})),
            ("a: 1_000", serde_json::json!({"a": "1_000"})),
            ("a: +", serde_json::json!({"a": "+"})),
            ("a: .", serde_json::json!({"a": "."})),
            ("a: 18446744073709551615", serde_json::json!({"a": 18446744073709551615u64})),
            ("1: a", serde_json::json!({"1": "a"})),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn surprises_are_refused() {
        let cases = [
            ("a: 0777", "`0777` has a leading zero: YAML 1.1 (Argo CD, Helm) reads it as octal, YAML 1.2 as decimal"),
            ("a: 1\na: 2", "the key `a` stands twice in the same map"),
            ("a: !!str 1", "the tag `!!str` is not supported"),
            ("a: !x {}", "the tag `!x` is not supported"),
            ("a: 1\n---\nb: 2", "the file holds several YAML documents, one is expected"),
            ("<<: {a: 1}", "merge keys (`<<`) are not supported"),
            ("a: &x [*x]", "the alias stands inside the value that it repeats"),
            ("{{a}}: 1", "a map or a list cannot be a key"),
            ("a:\n\tb: 1", "a tab stands in the indentation, where YAML allows only spaces"),
            ("a: .inf", "`.inf` is not a finite number, which JSON and Kubernetes cannot hold"),
            ("\u{feff}a: 1", "the file begins with a byte order mark"),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text), Err(wanted.to_owned()), "{text}");
        }
    }

    #[test]
    fn anchors_may_repeat_but_not_explode() {
        assert_eq!(read("a: &x {b: 1}\nc: *x"), Ok(serde_json::json!({"a": {"b": 1}, "c": {"b": 1}})));
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            bomb += &format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", "));
        }
        assert_eq!(read(&bomb), Err(format!("the file expands to more than {MAX_VALUES} values")));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        assert!(read(&deep).is_err());
        let fine = "a: ".to_owned() + &"[".repeat(MAX_DEPTH - 2) + &"]".repeat(MAX_DEPTH - 2);
        assert!(read(&fine).is_ok());
    }

    #[test]
    fn every_node_knows_its_place() {
        let node = parse(FileId(7), "a:\n  b: [1, {c: d}]\n").unwrap();
        let place = |path: &[&str]| {
            let origin = node.at(path.iter().copied()).and_then(Node::origin).unwrap();
            (origin.file.0, origin.line, origin.column)
        };
        assert_eq!(place(&["a", "b"]), (7, 2, 6));
        assert_eq!(place(&["a", "b", "0"]), (7, 2, 7));
        assert_eq!(place(&["a", "b", "1", "c"]), (7, 2, 14));
        assert_eq!(node.get("a").and_then(|a| a.key_origin("b")).map(|o| (o.line, o.column)), Some((2, 3)));
    }
}
