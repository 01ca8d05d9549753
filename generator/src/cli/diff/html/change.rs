//! What changes at a path, drawn: old and new with the words that differ marked, texts line by line.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::text::{counted, escaped, shortened};
use crate::cli::diff::words;
use crate::values::edit::{Change, Edit, Format, Inside, Segment};
use serde_json::Value as Json;

/// Lines that are alike and shown around a change.
const AROUND: usize = 3;
/// Above so many words on either side, which of them differ is not looked for.
const WORDS: usize = 1_000;
/// Above so many lines on both sides together, which of them differ is not looked for.
const LINES: usize = 20_000;

/// Where an edit is: `spec.containers[name=web].image`.
fn path(segments: &[Segment]) -> String {
    match segments {
        [] => "the whole document".to_owned(),
        segments => words::path(segments),
    }
}

/// One edit below its path.
pub fn edit(out: &mut String, edit: &Edit) {
    *out += "<p class=\"path\"><code>";
    *out += &escaped(&path(&edit.path));
    *out += "</code></p>";
    change(out, &edit.change);
}

fn change(out: &mut String, change: &Change) {
    match change {
        Change::Added { new } => sides(out, None, Some(&shown(new))),
        Change::Removed { old } => sides(out, Some(&shown(old)), None),
        Change::Replaced { old, new, inside: Some(inside) } => within(out, old, new, inside),
        Change::Replaced { old, new, inside: None } => replaced(out, old, new),
        Change::Reordered { order } => {
            let order: Vec<String> = order.iter().map(|index| (index + 1).to_string()).collect();
            *out += "<p class=\"note\">Another order; the places they had before: ";
            *out += &order.join(", ");
            *out += "</p>";
        }
    }
}

/// The documents that the texts hold, and the texts themselves folded.
fn within(out: &mut String, old: &Json, new: &Json, inside: &Inside) {
    let format = match inside.format {
        Format::Yaml => "YAML",
        Format::Json => "JSON",
        Format::Toml => "TOML",
        Format::Properties => "properties",
    };
    if inside.edits.is_empty() {
        *out += &format!("<p class=\"note\">The same {format}; only its layout or comments differ</p>");
    } else {
        *out += &format!("<p class=\"note\">Inside, as {format}:</p><div class=\"inside\">");
        for inner in &inside.edits {
            edit(out, inner);
        }
        *out += "</div>";
    }
    *out += "<details class=\"fold\"><summary>As text</summary>";
    replaced(out, old, new);
    *out += "</details>";
}

fn replaced(out: &mut String, old: &Json, new: &Json) {
    let (before, after) = if same_type(old, new) { (shown(old), shown(new)) } else { (typed(old), typed(new)) };
    if before.contains('\n') || after.contains('\n') {
        lines(out, &before, &after);
    } else {
        sides(out, Some(&before), Some(&after));
    }
}

fn same_type(old: &Json, new: &Json) -> bool {
    std::mem::discriminant(old) == std::mem::discriminant(new)
}

/// A value as a person reads it: texts as they are unless they would be taken for something else, the rest as YAML.
pub fn shown(value: &Json) -> String {
    match value {
        Json::String(text) if is_unmistakable(text) => text.clone(),
        Json::Array(list) if list.is_empty() => "[]".to_owned(),
        Json::Object(map) if map.is_empty() => "{}".to_owned(),
        Json::Array(_) | Json::Object(_) => yaml(value),
        scalar => scalar.to_string(),
    }
}

/// A value whose type is seen: texts in quotes.
fn typed(value: &Json) -> String {
    match value {
        Json::String(text) if !text.contains('\n') => value.to_string(),
        value => shown(value),
    }
}

fn is_unmistakable(text: &str) -> bool {
    !text.is_empty()
        && text.trim_matches(' ').len() == text.len()
        && text.parse::<f64>().is_err()
        && !matches!(text, "true" | "false" | "null" | "~" | "[]" | "{}")
}

/// A whole object.
pub fn yaml(value: &Json) -> String {
    let text = serde_yaml::to_string(value).unwrap_or_else(|_| format!("{value:#}"));
    text.trim_end_matches('\n').to_owned()
}

/// Old above new, or beside it; one of them where it comes or goes.
pub fn sides(out: &mut String, old: Option<&str>, new: Option<&str>) {
    *out += "<div class=\"d\">";
    pair(out, old, new);
    *out += "</div>";
}

fn pair(out: &mut String, old: Option<&str>, new: Option<&str>) {
    let (old, new) = match (old, new) {
        (Some(old), Some(new)) => {
            let (old, new) = marked(old, new);
            (Some(old), Some(new))
        }
        (old, new) => (old.map(escaped), new.map(escaped)),
    };
    if let Some(old) = old {
        *out += &format!("<del>{}</del>", kept(&old));
    }
    if let Some(new) = new {
        *out += &format!("<ins>{}</ins>", kept(&new));
    }
}

/// An empty text would be a line of no height.
fn kept(html: &str) -> &str {
    if html.is_empty() { " " } else { html }
}

/// Two texts line by line, with what is alike left out.
fn lines(out: &mut String, old: &str, new: &str) {
    // A line break that ends both is no line.
    let (old, new) = old.strip_suffix('\n').zip(new.strip_suffix('\n')).unwrap_or((old, new));
    let old: Vec<&str> = old.split('\n').collect();
    let new: Vec<&str> = new.split('\n').collect();
    if old.len() + new.len() > LINES {
        sides(out, Some(&old.join("\n")), Some(&new.join("\n")));
        return;
    }
    let operations = capture_diff_slices(Algorithm::Myers, &old, &new);
    *out += "<div class=\"d\">";
    let last = operations.len().saturating_sub(1);
    let mut index = 0;
    while let Some(operation) = operations.get(index) {
        if let DiffOp::Equal { old_index, len, .. } = *operation {
            alike(out, &old[old_index..old_index + len], index == 0, index == last);
            index += 1;
        } else {
            // What goes and what comes at the same place stand side by side.
            let rest = &operations[index..];
            let many = rest.iter().take_while(|o| !matches!(o, DiffOp::Equal { .. })).count();
            let gone: Vec<&str> = rest[..many].iter().flat_map(|o| old[o.old_range()].iter().copied()).collect();
            let come: Vec<&str> = rest[..many].iter().flat_map(|o| new[o.new_range()].iter().copied()).collect();
            let joined = |lines: &[&str]| (!lines.is_empty()).then(|| lines.join("\n"));
            pair(out, joined(&gone).as_deref(), joined(&come).as_deref());
            index += many;
        }
    }
    *out += "</div>";
}

fn alike(out: &mut String, lines: &[&str], is_first: bool, is_last: bool) {
    let head = if is_first { 0 } else { AROUND };
    let tail = if is_last { 0 } else { AROUND };
    if lines.len() <= head + tail + 1 {
        same(out, lines);
        return;
    }
    same(out, &lines[..head]);
    *out += &format!("<p class=\"gap\">{} alike</p>", counted(lines.len() - head - tail, "line"));
    same(out, &lines[lines.len() - tail..]);
}

/// Once for each side; the second is shown only where they stand side by side.
fn same(out: &mut String, lines: &[&str]) {
    if !lines.is_empty() {
        let text = escaped(&lines.join("\n"));
        let text = kept(&text);
        *out += &format!("<span class=\"s\">{text}</span><span class=\"s again\" aria-hidden=\"true\">{text}</span>");
    }
}

/// Both texts with the words that differ marked, unless nearly all of them do.
fn marked(old: &str, new: &str) -> (String, String) {
    let (before, after) = (split(old), split(new));
    if before.len() > WORDS || after.len() > WORDS {
        return (escaped(old), escaped(new));
    }
    let operations = capture_diff_slices(Algorithm::Myers, &before, &after);
    let alike: usize = operations
        .iter()
        .filter(|o| matches!(o, DiffOp::Equal { .. }))
        .flat_map(|o| &before[o.old_range()])
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| word.len())
        .sum();
    if alike * 4 < old.len().min(new.len()) {
        return (escaped(old), escaped(new));
    }
    let side = |words: &[&str], range: fn(&DiffOp) -> std::ops::Range<usize>| {
        let mut out = String::new();
        for operation in &operations {
            let text = escaped(&words[range(operation)].concat());
            match operation {
                DiffOp::Equal { .. } => out += &text,
                _ if text.is_empty() => {}
                _ => out += &format!("<mark>{text}</mark>"),
            }
        }
        out
    };
    (side(&before, DiffOp::old_range), side(&after, DiffOp::new_range))
}

/// Runs of letters and digits, and every other character by itself.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (index, c) in text.char_indices() {
        let is_word = c.is_alphanumeric();
        if index > start && !(in_word && is_word) {
            words.push(&text[start..index]);
            start = index;
        }
        in_word = is_word;
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

/// An edit in one line, for the head of an item: `targetRevision 1.0 → 1.1`.
pub fn gist(edit: &Edit) -> Option<String> {
    let scalar = |value: &Json| match value {
        Json::Array(_) | Json::Object(_) => None,
        Json::String(text) if text.trim_end().contains('\n') => None,
        value => Some(escaped(&shortened(&shown(value), 48))),
    };
    let (old, new) = match &edit.change {
        Change::Replaced { old, new, .. } => (Some(scalar(old)?), Some(scalar(new)?)),
        Change::Added { new } => (None, Some(scalar(new)?)),
        Change::Removed { old } => (Some(scalar(old)?), None),
        Change::Reordered { .. } => return None,
    };
    let mut out = format!("<code>{}</code> ", escaped(&end(&edit.path)));
    if let Some(old) = &old {
        out += &format!("<del>{old}</del>");
    }
    if old.is_some() && new.is_some() {
        out += " → ";
    }
    if let Some(new) = &new {
        out += &format!("<ins>{new}</ins>");
    }
    Some(out)
}

/// The last two steps of a path, which tell most.
fn end(segments: &[Segment]) -> String {
    shortened(&path(&segments[segments.len().saturating_sub(2)..]), 48)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(key: &str) -> Segment {
        Segment::Key(key.to_owned())
    }

    fn drawn(old: &Json, new: &Json) -> String {
        let mut out = String::new();
        change(&mut out, &Change::Replaced { old: old.clone(), new: new.clone(), inside: None });
        out
    }

    #[test]
    fn a_path_says_which_item_and_quotes_what_is_not_a_word() {
        let item = Segment::Item { item: "name=web".to_owned(), old: Some(0), new: Some(1) };
        assert_eq!(path(&[key("spec"), item, key("image")]), "spec[name=web].image");
        let nth = Segment::Item { item: String::new(), old: None, new: Some(2) };
        assert_eq!(path(&[key("data"), key("app.yaml"), nth]), "data[\"app.yaml\"][2]");
        assert_eq!(path(&[]), "the whole document");
    }

    #[test]
    fn only_the_words_that_differ_are_marked() {
        assert_eq!(
            drawn(&json!("quay.io/app:65.5.0"), &json!("quay.io/app:66.5.0")),
            "<div class=\"d\"><del>quay.io/app:<mark>65</mark>.5.0</del><ins>quay.io/app:<mark>66</mark>.5.0</ins></div>"
        );
    }

    #[test]
    fn texts_with_nothing_in_common_are_not_marked() {
        assert_eq!(drawn(&json!("alpha"), &json!("omega")), "<div class=\"d\"><del>alpha</del><ins>omega</ins></div>");
    }

    #[test]
    fn another_type_is_seen() {
        let html = drawn(&json!("3"), &json!(3));
        assert!(html.contains("&quot;") && html.contains("<ins>3</ins>"), "{html}");
        assert_eq!(shown(&json!("true")), "\"true\"");
        assert_eq!(shown(&json!("")), "\"\"");
    }

    #[test]
    fn lines_that_are_alike_are_counted() {
        let old: Vec<String> = (1..=20).map(|n| format!("line {n}")).collect();
        let mut new = old.clone();
        new[9] = "line ten".to_owned();
        let html = drawn(&json!(old.join("\n")), &json!(new.join("\n")));
        assert_eq!(html.matches("6 lines alike").count(), 1, "{html}");
        assert_eq!(html.matches("7 lines alike").count(), 1, "{html}");
        assert!(html.contains("<del>line <mark>10</mark></del><ins>line <mark>ten</mark></ins>"), "{html}");
    }

    #[test]
    fn lines_lose_nothing() {
        let mut out = String::new();
        lines(&mut out, "a\nb\nc\n", "b\nx\nc\nd\n");
        assert_eq!(
            out,
            "<div class=\"d\"><del>a</del><span class=\"s\">b</span><span class=\"s again\" aria-hidden=\"true\">b</span>\
             <ins>x</ins><span class=\"s\">c</span><span class=\"s again\" aria-hidden=\"true\">c</span><ins>d</ins></div>"
        );
    }

    #[test]
    fn words_put_together_are_the_text() {
        for text in ["", "a", " a", "v1.2-rc.3 größer  你好", "--"] {
            assert_eq!(split(text).concat(), text);
        }
    }
}
