//! Edits as rows: what went with `-`, what came with `+`, and lines that stayed around them.

use serde_json::Value as Json;
use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices};

use super::words::{clip, path, visible};
use crate::values::edit::{Change, Edit, Format, Segment};

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It was so and is so.
    Same,
    /// It was so.
    Old,
    /// It is so.
    New,
    /// A remark in place of lines that are left out.
    Note,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub mark: Mark,
    /// Its text: one line, all of it visible.
    pub text: String,
}

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Lines that stayed, before and after each that did not.
    pub context: usize,
    /// Rows for one edit.
    pub rows: usize,
    /// Characters in a row.
    pub width: usize,
}

/// An edit at its path; those inside an embedded document one by one.
#[derive(Debug, Clone)]
pub struct Leaf<'a> {
    /// Where, in words.
    pub path: String,
    change: &'a Change,
    layout: Option<Format>,
}

/// All edits of an edit.
pub fn leaves(edit: &Edit) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    collect(edit, &mut Vec::new(), &mut found);
    found
}

fn collect<'a>(edit: &'a Edit, above: &mut Vec<Segment>, found: &mut Vec<Leaf<'a>>) {
    let depth = above.len();
    above.extend(edit.path.iter().cloned());
    match &edit.change {
        Change::Replaced { inside: Some(inside), .. } if !inside.edits.is_empty() => {
            inside.edits.iter().for_each(|edit| collect(edit, above, found));
        }
        change => {
            let layout = match change {
                Change::Replaced { inside: Some(inside), .. } => Some(inside.format),
                _ => None,
            };
            let path = match path(above) {
                path if path.is_empty() => "the whole".to_owned(),
                path => path,
            };
            found.push(Leaf { path: clip(&path, 300), change, layout });
        }
    }
    above.truncate(depth);
}

impl Leaf<'_> {
    /// The edit in one line: `65.5.0 → 66.1.0` as two texts of at most so many characters, either of them missing
    /// where nothing was or is; or a remark.
    pub fn short(&self, most: usize) -> Result<(Option<String>, Option<String>), String> {
        match self.change {
            Change::Added { new } => Ok((None, Some(inline(new, most)))),
            Change::Removed { old } => Ok((Some(inline(old, most)), None)),
            Change::Replaced { .. } if self.layout.is_some() => Err("layout or comments only".to_owned()),
            Change::Replaced { old: Json::String(old), new: Json::String(new), .. } => {
                let (old, new) = window(old, new, most);
                Ok((Some(old), Some(new)))
            }
            Change::Replaced { old, new, .. } => Ok((Some(inline(old, most)), Some(inline(new, most)))),
            Change::Reordered { order } => Err(reordered(order)),
        }
    }

    /// Another version of the same image: its name, the version before and after.
    pub fn image(&self) -> Option<(String, String, String)> {
        let Change::Replaced { old: Json::String(old), new: Json::String(new), .. } = self.change else { return None };
        let ((name, before), (other, after)) = (old.rsplit_once(':')?, new.rsplit_once(':')?);
        let is_tag = |text: &str| !text.is_empty() && !text.contains(['/', ' ', '\n']);
        let is_one = name == other && !name.contains(['\n', ' ']) && is_tag(before) && is_tag(after);
        is_one.then(|| (clip(name, 200), clip(before, 100), clip(after, 100)))
    }

    /// Whether one line says all of it.
    pub fn is_short(&self) -> bool {
        let short = |value: &Json| match value {
            Json::String(text) => text.len() <= 80 && !text.contains('\n'),
            Json::Array(items) => items.is_empty(),
            Json::Object(map) => map.is_empty(),
            _ => true,
        };
        match self.change {
            Change::Added { new } => short(new),
            Change::Removed { old } => short(old),
            Change::Replaced { old, new, .. } => self.layout.is_none() && short(old) && short(new),
            Change::Reordered { .. } => true,
        }
    }

    /// The edit in rows.
    pub fn rows(&self, room: Room) -> Vec<Row> {
        let rows = match self.change {
            Change::Added { new } => marked(Mark::New, new),
            Change::Removed { old } => marked(Mark::Old, old),
            Change::Reordered { order } => vec![Row { mark: Mark::Note, text: reordered(order) }],
            Change::Replaced { old, new, .. } => self.replaced(old, new, room),
        };
        limited(rows, room)
    }

    fn replaced(&self, old: &Json, new: &Json, room: Room) -> Vec<Row> {
        let mut rows = Vec::new();
        if let Some(format) = self.layout {
            let name = match format {
                Format::Yaml => "YAML",
                Format::Json => "JSON",
                Format::Toml => "TOML",
                Format::Properties => "properties",
            };
            rows.push(Row { mark: Mark::Note, text: format!("the {name} in it differs in layout or comments only") });
        }
        match (old, new) {
            (Json::String(old), Json::String(new)) if !old.contains('\n') && !new.contains('\n') => {
                let (old, new) = window(old, new, room.width);
                rows.push(Row { mark: Mark::Old, text: old });
                rows.push(Row { mark: Mark::New, text: new });
            }
            (old, new) => rows.extend(difference(&lines(old), &lines(new), room.context)),
        }
        rows
    }
}

fn reordered(order: &[usize]) -> String {
    let shown: Vec<String> = order.iter().take(20).map(|index| (index + 1).to_string()).collect();
    let more = if order.len() > 20 { ", …" } else { "" };
    format!("the same items in another order: what were numbers {}{more}", shown.join(", "))
}

/// A value as a whole, in rows.
pub fn content(value: &Json, room: Room) -> Vec<Row> {
    limited(marked(Mark::Same, value), room)
}

fn marked(mark: Mark, value: &Json) -> Vec<Row> {
    lines(value).iter().map(|line| Row { mark, text: visible(line) }).collect()
}

/// No more rows than there is room for, and none wider.
fn limited(mut rows: Vec<Row>, room: Room) -> Vec<Row> {
    // A remark in place of a single row would save nothing.
    if rows.len() > room.rows + 1 {
        let left = rows.len() - room.rows;
        rows.truncate(room.rows);
        rows.push(Row { mark: Mark::Note, text: format!("{left} lines more") });
    }
    for row in &mut rows {
        if row.text.len() > room.width {
            let length = row.text.chars().count();
            // The remark would be longer than what it stands for.
            if length > room.width + 40 {
                let kept: String = row.text.chars().take(room.width).collect();
                row.text = format!("{kept}… {} characters more", length - room.width);
            }
        }
    }
    rows
}

/// A value as lines: a text as it stands, a number as it is written, everything else as YAML.
fn lines(value: &Json) -> Vec<String> {
    match value {
        Json::String(text) if text.contains('\n') => text.lines().map(str::to_owned).collect(),
        Json::Array(items) if items.is_empty() => vec!["[]".to_owned()],
        Json::Object(map) if map.is_empty() => vec!["{}".to_owned()],
        Json::Array(_) | Json::Object(_) => {
            let text = serde_yaml::to_string(value).unwrap_or_else(|_| value.to_string());
            text.lines().map(str::to_owned).collect()
        }
        scalar => vec![inline(scalar, usize::MAX)],
    }
}

/// A value in one line; texts that would be read as something else are quoted, so that a change of type is seen.
pub fn inline(value: &Json, most: usize) -> String {
    match value {
        Json::String(text) if ambiguous(text) => clip(&value.to_string(), most),
        Json::String(text) => clip(text, most),
        other => clip(&other.to_string(), most),
    }
}

fn ambiguous(text: &str) -> bool {
    text.is_empty()
        || text.trim() != text
        || text.starts_with(['"', '\'', '[', '{', '*', '&', '!'])
        || matches!(text, "true" | "false" | "null" | "~" | "yes" | "no" | "on" | "off")
        || text.parse::<f64>().is_ok()
}

/// Two texts of one line each; of long ones the part that differs, with a little around it.
fn window(old: &str, new: &str, most: usize) -> (String, String) {
    let (old_shown, new_shown) =
        (inline(&Json::String(old.to_owned()), usize::MAX), inline(&Json::String(new.to_owned()), usize::MAX));
    let long = |text: &str| text.len() > most && text.chars().count() > most;
    if !long(&old_shown) && !long(&new_shown) {
        return (old_shown, new_shown);
    }
    let same = old_shown.chars().zip(new_shown.chars()).take_while(|(a, b)| a == b).count();
    let skip = same.saturating_sub(most / 4);
    let cut = |text: &str| {
        let rest: String = text.chars().skip(skip).collect();
        let lead = if skip > 0 { "…" } else { "" };
        let length = rest.chars().count();
        if length <= most {
            return format!("{lead}{rest}");
        }
        format!("{lead}{}… {} characters more", rest.chars().take(most).collect::<String>(), length - most)
    };
    (cut(&old_shown), cut(&new_shown))
}

/// What differs between two lists of lines.
fn difference(old: &[String], new: &[String], context: usize) -> Vec<Row> {
    let operations = operations(old, new);
    let mut rows = Vec::new();
    let mut shown = 0;
    for group in similar::group_diff_ops(operations, context) {
        let Some(first) = group.first() else { continue };
        let start = first.old_range().start;
        if start > shown {
            rows.push(Row { mark: Mark::Note, text: unchanged(start - shown) });
        }
        for operation in &group {
            let mut add = |mark, lines: &[String]| {
                rows.extend(lines.iter().map(|line| Row { mark, text: visible(line) }));
            };
            if operation.tag() == DiffTag::Equal {
                add(Mark::Same, &new[operation.new_range()]);
            } else {
                add(Mark::Old, &old[operation.old_range()]);
                add(Mark::New, &new[operation.new_range()]);
            }
        }
        shown = group.last().map_or(shown, |last| last.old_range().end);
    }
    if shown < old.len() && !rows.is_empty() {
        rows.push(Row { mark: Mark::Note, text: unchanged(old.len() - shown) });
    }
    if rows.is_empty() {
        rows.push(Row { mark: Mark::Note, text: "differs in its line ends only".to_owned() });
    }
    rows
}

fn unchanged(lines: usize) -> String {
    if lines == 1 { "1 line unchanged".to_owned() } else { format!("{lines} lines unchanged") }
}

/// How to come from one list to the other. Where that would take long, all between the first and the last difference.
fn operations(old: &[String], new: &[String]) -> Vec<DiffOp> {
    let before = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[before..], &new[before..]);
    if old_rest.len().saturating_mul(new_rest.len()) <= 4_000_000 {
        return capture_diff_slices(Algorithm::Myers, old, new);
    }
    let after = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_len, new_len) = (old_rest.len() - after, new_rest.len() - after);
    vec![
        DiffOp::Equal { old_index: 0, new_index: 0, len: before },
        DiffOp::Replace { old_index: before, old_len, new_index: before, new_len },
        DiffOp::Equal { old_index: before + old_len, new_index: before + new_len, len: after },
    ]
}
