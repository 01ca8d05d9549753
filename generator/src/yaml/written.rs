//! Reads back what [`super::write`] wrote: no places, no mistakes, and many times as fast as [`super::parse`].
//!
//! Whatever the writer would not have written so is left to the parser: no answer, never a wrong one.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::node::Value;
use super::parse::plain;
use super::write::{is_literal, is_plain, is_raw};

/// Values that are deeper or more are left to the parser, which refuses them.
const MAX_DEPTH: usize = 32;
const MAX_VALUES: usize = 100_000;
/// YAML wants keys on one line to be shorter than 1024 characters.
const MAX_KEY: usize = 1000;

/// The documents of a text, each of them a map with its keys in order; none where it is not as our writer writes it.
pub fn read_all(text: &str) -> Option<Vec<Json>> {
    let mut reader = Reader { text, at: 0, values: 0 };
    let mut documents = Vec::new();
    loop {
        while reader.rest().starts_with('#') {
            reader.line()?.bytes().all(|b| matches!(b, b' '..=b'~')).then_some(())?;
        }
        documents.push(reader.map(0, 0)?);
        if reader.rest().is_empty() {
            return Some(documents);
        }
        (reader.line()? == "---").then_some(())?;
    }
}

struct Reader<'t> {
    text: &'t str,
    /// How far it has been read.
    at: usize,
    values: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// What is left of this line, without its break; goes to the next.
    fn line(&mut self) -> Option<&'t str> {
        let (line, _) = self.rest().split_once('\n')?;
        self.at += line.len() + 1;
        Some(line)
    }

    /// Steps over a text that must stand here.
    fn skip(&mut self, text: &str) -> Option<()> {
        self.rest().starts_with(text).then(|| self.at += text.len())
    }

    /// Whether the line that begins here has exactly so many blanks before its text.
    fn is_indented(&self, indent: usize) -> bool {
        let bytes = self.rest().as_bytes();
        bytes.len() > indent && bytes[..indent].iter().all(|b| *b == b' ') && !matches!(bytes[indent], b' ' | b'\n')
    }

    /// Goes to the text of the next line if it is an entry of a collection in this column.
    fn next(&mut self, indent: usize, is_list: bool) -> bool {
        let is_next = self.is_indented(indent) && self.text[self.at + indent..].starts_with("- ") == is_list;
        // The line between two documents is no key.
        let is_next = is_next && !(indent == 0 && self.rest().starts_with("---\n"));
        if is_next {
            self.at += indent;
        }
        is_next
    }

    /// A map whose first key stands here, and whose others stand in the column `indent`.
    fn map(&mut self, indent: usize, depth: usize) -> Option<Json> {
        self.count(depth)?;
        let mut entries: Vec<(String, Json)> = Vec::new();
        let mut is_sorted = true;
        loop {
            let key = self.key()?;
            let value = match self.rest().as_bytes().first()? {
                b' ' => {
                    self.at += 1;
                    self.scalar(indent + 2)?
                }
                b'\n' => {
                    self.at += 1;
                    // A list under a key has its dashes in the column of the key.
                    if self.next(indent, true) {
                        self.list(indent, depth + 1)?
                    } else if self.next(indent + 2, false) {
                        self.map(indent + 2, depth + 1)?
                    } else {
                        return None;
                    }
                }
                _ => return None,
            };
            is_sorted &= entries.last().is_none_or(|(last, _)| *last < key);
            entries.push((key, value));
            if !self.next(indent, false) {
                break;
            }
        }
        if !is_sorted {
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            if entries.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return None;
            }
        }
        Some(Json::Object(Map::from_iter(entries)))
    }

    /// A list whose first dash stands here, and whose others stand in the column `indent`.
    fn list(&mut self, indent: usize, depth: usize) -> Option<Json> {
        self.count(depth)?;
        let mut items = Vec::new();
        loop {
            self.skip("- ")?;
            items.push(if self.rest().starts_with("- ") {
                self.list(indent + 2, depth + 1)?
            } else if self.begins_map() {
                self.map(indent + 2, depth + 1)?
            } else {
                self.scalar(indent + 2)?
            });
            if !self.next(indent, true) {
                break;
            }
        }
        Some(Json::Array(items))
    }

    fn count(&mut self, depth: usize) -> Option<()> {
        self.values += 1;
        (depth <= MAX_DEPTH && self.values <= MAX_VALUES).then_some(())
    }

    /// Whether a key stands here, and not a scalar.
    fn begins_map(&self) -> bool {
        let line = self.rest().split('\n').next().unwrap_or_default();
        match line.starts_with('"') {
            // `"…": ` and `"…":` end so in no other way: a text has its quotes escaped.
            true => quoted(line).is_some_and(|(_, length)| line[length..].starts_with(':')),
            false => line.ends_with(':') || line.contains(": "),
        }
    }

    /// A key; stops behind its colon.
    fn key(&mut self) -> Option<String> {
        let rest = self.rest();
        let (key, length) = match rest.starts_with('"') {
            true => quoted(rest)?,
            false => {
                let line = rest.split('\n').next().unwrap_or_default();
                let end = line.find(": ").or_else(|| line.strip_suffix(':').map(str::len))?;
                (Cow::Borrowed(line.get(..end).filter(|key| is_plain(key))?), end)
            }
        };
        if length > MAX_KEY {
            return None;
        }
        self.at += length;
        self.skip(":")?;
        Some(key.into_owned())
    }

    /// A scalar or an empty collection, with the line's end; `indent` is the column of a literal's text.
    fn scalar(&mut self, indent: usize) -> Option<Json> {
        self.count(0)?;
        let rest = self.rest();
        if rest.starts_with('"') {
            let (text, length) = quoted(rest)?;
            self.at += length;
            self.skip("\n")?;
            return Some(Json::String(text.into_owned()));
        }
        let line = self.line()?;
        Some(match line {
            "|" | "|-" | "|+" => Json::String(self.literal(indent, &line[1..])?),
            "{}" => Json::Object(Map::new()),
            "[]" => Json::Array(Vec::new()),
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            text if is_plain(text) => Json::String(text.to_owned()),
            text if text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) => {
                match plain(text) {
                    Ok(Value::Number(number)) => Json::Number(number),
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    /// The text of a literal, whose lines begin in the column `indent`.
    fn literal(&mut self, indent: usize, keeps: &str) -> Option<String> {
        let mut text = String::new();
        let mut blank = 0;
        loop {
            let rest = self.rest().as_bytes();
            if rest.first() == Some(&b'\n') {
                blank += 1;
                self.at += 1;
                continue;
            }
            if rest.len() <= indent || !rest[..indent].iter().all(|b| *b == b' ') {
                break;
            }
            self.at += indent;
            let line = self.line()?;
            let is_first = text.is_empty();
            // A first line that is blank or indented says how far the others are.
            if is_first && (blank > 0 || line.starts_with([' ', '\t'])) || line.is_empty() || !is_literal(line) {
                return None;
            }
            if !is_first {
                text.extend(std::iter::repeat_n('\n', blank + 1));
            }
            blank = 0;
            text.push_str(line);
        }
        let breaks = match keeps {
            "+" => 1 + blank,
            _ if blank > 0 => return None,
            "-" => 0,
            _ => 1,
        };
        text.extend(std::iter::repeat_n('\n', breaks));
        (breaks < text.len()).then_some(text)
    }
}

/// The text in double quotes at the beginning, and how far it goes, if our writer would have written it so.
fn quoted(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let inner = text.strip_prefix('"')?;
    let end = inner.find(['"', '\\', '\n'])?;
    let raw = |part: &str| part.chars().all(is_raw).then_some(());
    raw(&inner[..end])?;
    if inner.as_bytes()[end] == b'"' {
        return Some((Cow::Borrowed(&inner[..end]), end + 2));
    }
    let mut out = String::new();
    let mut rest = inner;
    loop {
        let end = rest.find(['"', '\\', '\n'])?;
        raw(&rest[..end])?;
        out.push_str(&rest[..end]);
        let (stop, after) = rest[end..].split_at(1);
        rest = after;
        match stop {
            "\"" => return Some((Cow::Owned(out), text.len() - rest.len())),
            "\\" => {
                let (escape, after) = rest.split_at_checked(1)?;
                let digits = match escape {
                    "x" => 2,
                    "u" => 4,
                    "U" => 8,
                    _ => 0,
                };
                let (number, after) = after.split_at_checked(digits)?;
                out.push(match escape {
                    "\"" => '"',
                    "\\" => '\\',
                    "n" => '\n',
                    "t" => '\t',
                    "r" => '\r',
                    "x" | "u" | "U" if number.bytes().all(|b| b.is_ascii_hexdigit()) => {
                        char::from_u32(u32::from_str_radix(number, 16).ok()?)?
                    }
                    _ => return None,
                });
                rest = after;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::diagnostic::FileId;
    use crate::yaml::{Node, parse_all, write};

    fn parsed(text: &str) -> Option<Vec<Json>> {
        Some(parse_all(FileId(0), text).ok()?.iter().map(Node::to_json).collect())
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z]{1,8}",
            "[ -~]{0,12}",
            "[a-c\\n \\t#:|'\"\\\\-]{0,14}",
            "\\PC{0,6}",
            any::<String>(),
            "[0-9.eE+x_-]{0,6}",
            Just("true".to_owned()),
            Just("---\n".to_owned()),
        ]
    }

    fn values() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            4 => texts().prop_map(Json::from),
            1 => any::<i64>().prop_map(Json::from),
            1 => any::<u64>().prop_map(Json::from),
            1 => any::<f64>().prop_map(|number| json!(number)),
            1 => any::<bool>().prop_map(Json::from),
            1 => Just(Json::Null),
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::btree_map(texts(), inner, 0..4).prop_map(Json::from_iter),
            ]
        })
    }

    fn documents() -> impl Strategy<Value = String> {
        let map = proptest::collection::btree_map(texts(), values(), 1..4);
        proptest::collection::vec(map, 1..3).prop_map(|maps| {
            let written = maps.iter().map(|map| write::to_string(map).unwrap());
            format!("# From somewhere.\n{}", written.collect::<Vec<_>>().join("---\n"))
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in documents()) {
            let read = read_all(&text);
            prop_assert!(read.is_some(), "{text}");
            prop_assert_eq!(read, parsed(&text), "{}", text);
        }

        #[test]
        fn what_is_read_is_what_the_parser_reads(
            text in documents(),
            edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..4usize, "[-a1 \\n#:|+\"{}\\[\\]&*!?%,<\\\\\\t\\r.~é]{0,3}"), 1..4),
        ) {
            let mut text: Vec<char> = text.chars().collect();
            for (at, gone, new) in edits {
                let at = at.index(text.len() + 1);
                let end = (at + gone).min(text.len());
                text.splice(at..end, new.chars());
            }
            let text: String = text.into_iter().collect();
            if let Some(read) = read_all(&text) {
                prop_assert_eq!(Some(read), parsed(&text), "{}", text);
            }
        }

        #[test]
        fn lines_of_any_order_are_read_as_the_parser_does(
            lines in proptest::collection::vec(
                ("(  ){0,3}(- ){0,2}", prop_oneof!["[a-c]: ?(|1|x|\\||\\|-|\\|\\+|\\{\\}|\"x\")", "(x|1|\"x\"|#|\\||---|)"]), 0..8),
        ) {
            let text: String = lines.iter().map(|(indent, rest)| format!("{indent}{rest}\n")).collect();
            if let Some(read) = read_all(&text) {
                prop_assert_eq!(Some(read), parsed(&text), "{}", text);
            }
        }
    }

    #[test]
    fn everything_that_is_committed_is_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../argocd");
        let mut compared = 0;
        for entry in walkdir::WalkDir::new(folder) {
            let path = entry.unwrap().into_path();
            let is_ours = !path.components().any(|part| part.as_os_str() == "bootstrap");
            if is_ours && path.extension().is_some_and(|extension| extension == "yaml") {
                #[expect(clippy::disallowed_methods, reason = "a test reads the platform's own output")]
                let text = std::fs::read_to_string(&path).unwrap();
                let read = read_all(&text);
                assert!(read.is_some(), "{}", path.display());
                assert_eq!(read, parsed(&text), "{}", path.display());
                compared += 1;
            }
        }
        assert!(compared > 100, "{compared}");
    }

    #[test]
    fn what_nobody_wrote_so_is_left_to_the_parser() {
        for text in [
            "",
            "a",
            "- a\n",
            "a: b",
            "a: b \n",
            "a: b # c\n",
            "a: b\n  c\n",
            "a: 'b'\n",
            "a: [b]\n",
            "a: &b c\n",
            "a: !b c\n",
            "a: yes\n",
            "a: 01\n",
            "a:\n",
            "a:\nb: c\n",
            "a:\n    b: c\n",
            "a:\n  - b\n",
            "a: b\na: c\n",
            "a: b\n\nc: d\n",
            "a: |\n\n  b\n",
            "a: |\n    b\n",
            "a: |\n  b\n\nc: d\n",
            "a: >\n  b\n",
            "a: b\n...\n",
            "---\na: b\n",
            "a: b\r\n",
            "a: \"b\tc\"\n",
            "a: \"b\\/c\"\n",
            "<<: {}\n",
            "\u{feff}a: b\n",
        ] {
            assert_eq!(read_all(text), None, "{text}");
        }
        assert_eq!(
            read_all("b: 1\na:\n- - c\n  - d: |+\n      e\n\n"),
            Some(vec![json!({"a": [["c", {"d": "e\n\n"}]], "b": 1})])
        );
    }
}
