//! The index of a repository, read as it flows by: it may be larger than memory, and a few entries of it are wanted.
//!
//! Helm writes an index as YAML in block style, so its lines tell by their indentation where a chart starts. Only the entries of the
//! wanted charts are handed to a YAML parser, one version at a time. An index that is written as JSON is read by a JSON parser that
//! keeps nothing of what is not wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::cache::is_sha256;
use crate::yaml::{self, Anchors};

/// As much is kept of a line that nobody wants.
const LINE: usize = 4096;
/// One version of a chart may take as much.
const MOST_ITEM: usize = 4 * 1024 * 1024;

/// A version of a chart in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) version: String,
    /// Small hexadecimal digits; none where the index says none, or something that is no such digest.
    pub(crate) digest: Option<String>,
    pub(crate) urls: Vec<String>,
    pub(crate) app_version: Option<String>,
    pub(crate) deprecated: bool,
}

/// The wanted charts of an index, each with its versions in the order of the index.
pub(crate) type Found = BTreeMap<String, Vec<Entry>>;

/// Picks the entries of some charts from an index.
pub(crate) fn scan(mut input: impl BufRead, wanted: &BTreeSet<&str>) -> Result<Found, String> {
    let unreadable = |error: io::Error| format!("the index cannot be read: {error}");
    loop {
        let buffer = input.fill_buf().map_err(unreadable)?;
        if buffer.is_empty() {
            return Err("the index is empty".to_owned());
        }
        if let Some(rest) = buffer.strip_prefix(b"\xef\xbb\xbf") {
            let used = buffer.len() - rest.len();
            input.consume(used);
            continue;
        }
        let blank = buffer.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        if blank > 0 {
            input.consume(blank);
            continue;
        }
        // Blanks may be the indentation of YAML: they are not taken away.
        let start = buffer.iter().find(|byte| !byte.is_ascii_whitespace());
        return if start == Some(&b'{') { json(input, wanted) } else { Scanner::new(wanted).run(input) };
    }
}

fn entry(value: &Value) -> Result<Entry, String> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let Some(version) = text("version") else { return Err("an entry has no version".to_owned()) };
    let digest = text("digest").map(|digest| digest.strip_prefix("sha256:").unwrap_or(digest).to_ascii_lowercase());
    let urls = match value.get("urls") {
        Some(Value::Array(urls)) => urls.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Ok(Entry {
        version: version.to_owned(),
        digest: digest.filter(|digest| is_sha256(digest)),
        urls,
        app_version: text("appVersion").map(str::to_owned),
        deprecated: matches!(value.get("deprecated"), Some(Value::Bool(true)))
            || text("deprecated").is_some_and(|text| text == "true"),
    })
}

// --- YAML ----------------------------------------------------------------------------------------

/// What the lines that come belong to.
enum Place {
    /// What stands before `entries`.
    Before,
    /// `entries`, at this indentation; its charts lie at the other one, once it is known.
    Entries { top: usize, charts: Option<usize> },
}

/// How the versions of the chart at hand are written.
enum Style {
    /// As a block; the items lie at this indentation, once it is known.
    Block(Option<usize>),
    /// In brackets: the text as a whole.
    Flow,
}

struct Scanner<'a> {
    wanted: &'a BTreeSet<&'a str>,
    found: Found,
    /// The wanted chart whose lines come.
    chart: Option<(String, Style)>,
    /// Lines that were not parsed yet.
    text: Vec<u8>,
    /// The line where these start.
    start: usize,
    number: usize,
}

impl<'a> Scanner<'a> {
    fn new(wanted: &'a BTreeSet<&'a str>) -> Scanner<'a> {
        Scanner { wanted, found: Found::new(), chart: None, text: Vec::new(), start: 0, number: 0 }
    }

    fn run(mut self, mut input: impl BufRead) -> Result<Found, String> {
        let mut place = Place::Before;
        let mut line = Vec::new();
        loop {
            let keep = if self.chart.is_some() { MOST_ITEM } else { LINE };
            line.clear();
            let whole = read_line(&mut input, &mut line, keep)
                .map_err(|error| format!("the index cannot be read at line {}: {error}", self.number + 1))?;
            let Some(whole) = whole else { break };
            self.number += 1;
            if self.number == 1 && line.starts_with(b"%") {
                continue;
            }
            let indent = line.iter().take_while(|&&byte| byte == b' ').count();
            let content = line[indent..].trim_ascii_end();
            if content.is_empty() || content[0] == b'#' {
                self.keep(&line)?;
                continue;
            }
            if content[0] == b'\t' {
                return Err(format!("line {} of the index is indented by a tab", self.number));
            }
            if indent == 0 && (content == b"---" || content == b"...") {
                if matches!(place, Place::Entries { .. }) {
                    break;
                }
                continue;
            }
            let item = content[0] == b'-' && content.get(1).is_none_or(|byte| matches!(byte, b' ' | b'\t'));
            match place {
                Place::Before => {
                    let top = indent;
                    if let Some(("entries", value)) =
                        self.key(content).as_ref().map(|(key, value)| (key.as_str(), *value))
                    {
                        match value {
                            b"" => place = Place::Entries { top, charts: None },
                            b"{}" | b"~" | b"null" => {
                                place = Place::Entries { top, charts: None };
                                break;
                            }
                            _ if value[0] == b'&' || value[0] == b'*' => {
                                return Err(self.refuse("has an anchor at `entries`, and anchors are not supported"));
                            }
                            _ => return Err(self.refuse("has its entries in braces, which is supported in JSON only")),
                        }
                    }
                }
                Place::Entries { top, charts } => {
                    let charts = charts.unwrap_or(indent);
                    if indent <= top && !(item && indent == charts && charts > top) {
                        break;
                    }
                    place = Place::Entries { top, charts: Some(charts) };
                    if indent < charts {
                        return Err(self.refuse("is indented as nothing else is"));
                    }
                    if indent == charts && !item {
                        self.end_chart()?;
                        self.start_chart(content, whole)?;
                    } else if let Some((_, style)) = &mut self.chart {
                        if let Style::Block(items) = style
                            && item
                            && indent == *items.get_or_insert(indent)
                        {
                            self.end_item()?;
                        }
                        if !whole {
                            return Err(self.refuse(&format!("is longer than {MOST_ITEM} bytes")));
                        }
                        self.keep(&line)?;
                    }
                }
            }
        }
        self.end_chart()?;
        match place {
            Place::Before => Err("the index has no `entries`".to_owned()),
            Place::Entries { .. } => Ok(self.found),
        }
    }

    fn refuse(&self, what: &str) -> String {
        format!("line {} of the index {what}", self.number)
    }

    /// The key of a line, and what stands behind it without a comment.
    fn key<'l>(&self, content: &'l [u8]) -> Option<(String, &'l [u8])> {
        let (key, rest) = if matches!(content[0], b'"' | b'\'') {
            let quote = content[0];
            let mut at = 1;
            loop {
                match *content.get(at)? {
                    b'\\' if quote == b'"' => at += 2,
                    b'\'' if quote == b'\'' && content.get(at + 1) == Some(&b'\'') => at += 2,
                    byte if byte == quote => break,
                    _ => at += 1,
                }
            }
            let text = std::str::from_utf8(&content[..=at]).ok()?;
            let key = yaml::read(text, Anchors::Refused).ok()?.as_str()?.to_owned();
            (key, content[at + 1..].trim_ascii_start().strip_prefix(b":")?)
        } else {
            let ends = |at: usize| content.get(at + 1).is_none_or(u8::is_ascii_whitespace);
            let at = (0..content.len()).find(|&at| content[at] == b':' && ends(at))?;
            (std::str::from_utf8(content[..at].trim_ascii_end()).ok()?.to_owned(), &content[at + 1..])
        };
        let mut value = rest.trim_ascii();
        if value.starts_with(b"#") {
            value = b"";
        } else if let Some(at) = value.windows(2).position(|pair| pair == b" #") {
            value = value[..at].trim_ascii_end();
        }
        Some((key, value))
    }

    fn start_chart(&mut self, content: &[u8], whole: bool) -> Result<(), String> {
        if content[0] == b'?' {
            return Err(self.refuse("has a key of several lines, which is not supported"));
        }
        let Some((name, value)) = self.key(content) else {
            return Err(self.refuse("should name a chart"));
        };
        if content[0] == b'&' || content[0] == b'*' || name == "<<" {
            return Err(self.refuse("has an anchor, and anchors are not supported"));
        }
        if !self.wanted.contains(name.as_str()) {
            return Ok(());
        }
        if self.found.contains_key(&name) {
            return Err(self.refuse(&format!("names the chart {name:?} for the second time")));
        }
        let style = match value {
            b"" => Style::Block(None),
            b"[]" | b"~" | b"null" => {
                self.found.insert(name, Vec::new());
                return Ok(());
            }
            _ if value[0] == b'&' || value[0] == b'*' => {
                return Err(self.refuse("has an anchor, and anchors are not supported"));
            }
            _ if !whole => return Err(self.refuse(&format!("is longer than {LINE} bytes"))),
            _ => {
                self.start = self.number;
                self.text.extend_from_slice(value);
                self.text.push(b'\n');
                Style::Flow
            }
        };
        self.found.insert(name.clone(), Vec::new());
        self.chart = Some((name, style));
        Ok(())
    }

    /// Keeps a line of a wanted chart.
    fn keep(&mut self, line: &[u8]) -> Result<(), String> {
        if self.chart.is_some() {
            if self.text.len() + line.len() > MOST_ITEM {
                return Err(self.refuse(&format!("belongs to an entry of more than {MOST_ITEM} bytes")));
            }
            if self.text.is_empty() {
                self.start = self.number;
            }
            self.text.extend_from_slice(line);
            self.text.push(b'\n');
        }
        Ok(())
    }

    fn end_item(&mut self) -> Result<(), String> {
        let Some((name, _)) = &self.chart else { return Ok(()) };
        let start = self.start;
        let wrong = |what: &dyn fmt::Display| format!("the index says of {name:?}, from line {start}: {what}");
        let text = std::str::from_utf8(&self.text).map_err(|error| wrong(&error))?;
        let entries = match yaml::read(text, Anchors::Refused).map_err(|error| wrong(&error))? {
            Value::Array(values) => {
                values.iter().map(entry).collect::<Result<Vec<_>, _>>().map_err(|error| wrong(&error))?
            }
            Value::Null => Vec::new(),
            _ => return Err(wrong(&"its versions should be a list")),
        };
        self.found.entry(name.clone()).or_default().extend(entries);
        self.text.clear();
        Ok(())
    }

    fn end_chart(&mut self) -> Result<(), String> {
        self.end_item()?;
        self.chart = None;
        Ok(())
    }
}

/// Reads a line without its end and keeps so many bytes of it; says whether these are all, and nothing where there is no line.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, keep: usize) -> io::Result<Option<bool>> {
    let (mut whole, mut any) = (true, false);
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(any.then_some(whole));
        }
        any = true;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = keep - line.len();
        whole &= part.len() <= room;
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(Some(whole));
        }
    }
}

// --- JSON ----------------------------------------------------------------------------------------

fn json(input: impl Read, wanted: &BTreeSet<&str>) -> Result<Found, String> {
    let mut reader = serde_json::Deserializer::from_reader(input);
    let mut found = Found::new();
    let mut seen = false;
    let top = Top { wanted, found: &mut found, seen: &mut seen };
    (&mut reader).deserialize_map(top).map_err(|error| {
        let hint = if error.is_syntax() { " (what starts with a brace is read as JSON)" } else { "" };
        format!("the index cannot be read: {error}{hint}")
    })?;
    if seen { Ok(found) } else { Err("the index has no `entries`".to_owned()) }
}

struct Top<'a> {
    wanted: &'a BTreeSet<&'a str>,
    found: &'a mut Found,
    seen: &'a mut bool,
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an index of charts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "entries" {
                *self.seen = true;
                map.next_value_seed(Charts { wanted: self.wanted, found: self.found })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Charts<'a> {
    wanted: &'a BTreeSet<&'a str>,
    found: &'a mut Found,
}

impl<'de> DeserializeSeed<'de> for Charts<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Charts<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a map of charts")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if self.wanted.contains(name.as_str()) {
                map.next_value_seed(Versions(self.found.entry(name).or_default()))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Versions<'a>(&'a mut Vec<Entry>);

impl<'de> DeserializeSeed<'de> for Versions<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Versions<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a list of versions")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element::<Value>()? {
            self.0.push(entry(&value).map_err(serde::de::Error::custom)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, scan};
    use std::collections::BTreeSet;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn pick(text: &str, wanted: &[&str]) -> Result<Found, String> {
        let wanted: BTreeSet<&str> = wanted.iter().copied().collect();
        // A small buffer, so that lines lie across its end.
        scan(std::io::BufReader::with_capacity(7, text.as_bytes()), &wanted)
    }

    fn short(found: &Found) -> String {
        let mut out = String::new();
        for (name, entries) in found {
            for entry in entries {
                let digest = entry.digest.as_deref().map_or("-", |digest| &digest[..2]);
                out += &format!("{name} {} {digest} {}\n", entry.version, entry.urls.join(" "));
            }
        }
        out
    }

    #[test]
    fn blocks_as_helm_writes_them() {
        let text = format!(
            "apiVersion: v1\nentries:\n  api:\n  - version: 9.9.9\n  web:\n  - apiVersion: v2\n    description: |\n      entries:\n\n        web:\n    # a comment\n    digest: {A}\n    urls:\n    - web-2.0.0.tgz\n    - https://example.com/web.tgz\n    version: 2.0.0\n  - digest: sha256:{A}\n    urls: [web-1.0.0.tgz]\n    version: \"1.0.0\"\n  zoo:\n  - version: 1\ngenerated: now\n"
        );
        assert_eq!(
            short(&pick(&text, &["web", "none"]).unwrap()),
            "web 2.0.0 aa web-2.0.0.tgz https://example.com/web.tgz\nweb 1.0.0 aa web-1.0.0.tgz\n"
        );
        // Other indentations, ends of lines and quotes.
        let text = format!(
            "\u{feff}---\r\n\"entries\": # all\r\n    'a:b':\r\n        -   version: 1.0.0\r\n    \"web\" :\r\n        -\r\n            version: 3.0.0\r\n            digest: {A}\r\n            urls:\r\n                - web.tgz\r\n"
        );
        assert_eq!(short(&pick(&text, &["web", "a:b"]).unwrap()), "a:b 1.0.0 - \nweb 3.0.0 aa web.tgz\n");
        let flow = "entries:\n  api: []\n  web: [{version: 1.0.0, urls: [x.tgz]},\n    {version: 0.9.0, urls: []}]\n  zoo:\n  - version: 1\n";
        assert_eq!(short(&pick(flow, &["web", "api"]).unwrap()), "web 1.0.0 - x.tgz\nweb 0.9.0 - \n");
        assert_eq!(short(&pick("entries: {}\n", &["web"]).unwrap()), "");
        assert_eq!(short(&pick("entries:\ngenerated: now\n", &["web"]).unwrap()), "");
    }

    #[test]
    fn json_as_some_servers_write_it() {
        let text = format!(
            r#"{{"apiVersion":"v1","x":[1,{{"entries":{{"web":[]}}}}],"entries":{{"api":[{{"version":"1"}}],"web":[{{"version":"2.0.0","digest":"{A}","urls":["w\u0065b.tgz"],"deprecated":true}}]}},"generated":"now"}}"#
        );
        let found = pick(&text, &["web"]).unwrap();
        assert_eq!(short(&found), "web 2.0.0 aa web.tgz\n");
        assert!(found["web"][0].deprecated);
        let pretty =
            "\n{\n  \"entries\": {\n    \"web\": [\n      {\"version\": \"1.0.0\", \"urls\": [\"x\"]}\n    ]\n  }\n}\n";
        assert_eq!(short(&pick(pretty, &["web"]).unwrap()), "web 1.0.0 - x\n");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        for (text, words) in [
            ("", "the index is empty"),
            ("<!DOCTYPE html>\n<html>\n", "no `entries`"),
            ("{\"a\": 1}", "no `entries`"),
            ("{\"entries\": {", "EOF"),
            ("{a: 1, entries: {}}", "read as JSON"),
            ("entries: &all\n  web:\n", "line 1 of the index has an anchor"),
            ("entries:\n  web: &w\n  - version: 1\n", "line 2 of the index has an anchor"),
            ("entries:\n  web:\n  - &one\n    version: 1.0.0\n", "anchors are not supported"),
            ("entries:\n  web:\n  - version: 1.0.0\n  - *one\n", "from line 4"),
            ("entries:\n  <<: *other\n", "anchor"),
            ("entries:\n  web:\n  - urls: []\n", "an entry has no version"),
            ("entries:\n  web:\n    a: b\n", "should be a list"),
            ("entries:\n  web:\n\t- version: 1\n", "line 3 of the index is indented by a tab"),
            ("entries: {web: [{version: 1}]}\n", "in braces"),
            ("entries:\n  web:\n  - version: 1\n  web:\n  - version: 2\n", "second time"),
            ("entries:\n    web:\n    - version: 1\n  api:\n", "indented as nothing else"),
        ] {
            let error = pick(text, &["web"]).unwrap_err();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }
}
