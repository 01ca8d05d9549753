//! Mistakes as a person, a program or a forge reads them: the one place that draws a diagnostic.

use std::error::Error as _;

use annotate_snippets::{AnnotationKind, Group, Level, Origin as FileName, Renderer, Snippet};
use serde_json::{Value as Json, json};

use super::output::{complain, count};
use super::table::{known_width, wrap};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin, Sources};
use crate::{Error, Mistakes};

/// Prints an error and returns the exit code.
pub fn error(error: &Error) -> u8 {
    match error {
        Error::Mistakes(mistakes) => complain(&text(mistakes, true, known_width(std::io::stderr()))),
        Error::Failure(failure) => {
            let mut words = format!("error: {failure}");
            let mut source = failure.source();
            while let Some(cause) = source {
                words += &format!(": {cause}");
                source = cause.source();
            }
            if let Some(remedy) = failure.remedy() {
                words += &format!("\nhelp: {remedy}");
            }
            if let Some(note) = failure.note {
                words += &format!("\nnote: {note}");
            }
            complain(&(words + "\n"));
        }
        Error::Busy(why) => complain(&format!("error: {why}\n")),
    }
    super::exit_code(error)
}

/// All mistakes drawn with their lines; colour codes are removed later where nobody wants them.
///
/// Remedies are broken into lines where a width is given: a terminal would break them within words.
pub fn text(mistakes: &Mistakes, colour: bool, width: Option<usize>) -> String {
    let mut out = drawings(&mistakes.diagnostics, &mistakes.sources, &Level::ERROR, colour, width);
    out += &format!("{} found\n", count(mistakes.diagnostics.len(), "mistake"));
    out
}

/// All remarks drawn in the same way: they are worth knowing, and no mistakes.
pub fn remarks(remarks: &Diagnostics, sources: &Sources, colour: bool, width: Option<usize>) -> String {
    let level = Level::INFO.with_name("remark");
    let mut out = drawings(remarks, sources, &level, colour, width);
    out += &format!("{}\n", count(remarks.len(), "remark"));
    out
}

fn drawings(
    diagnostics: &Diagnostics,
    sources: &Sources,
    level: &Level<'_>,
    colour: bool,
    width: Option<usize>,
) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics.iter() {
        let folded = width.map(|width| {
            // In front of a remedy stand the gutter, which is as wide as a line number, and `= help: `.
            let room = width.saturating_sub(14).max(20);
            let help = diagnostic.help.iter().map(|help| wrap(help, room).join("\n")).collect();
            Diagnostic { help, ..diagnostic.clone() }
        });
        out += &renderer.render(&drawn(folded.as_ref().unwrap_or(diagnostic), sources, level));
        out += "\n\n";
    }
    out
}

/// Where a line of the text begins and how long it is, in bytes.
fn span(text: &str, origin: Origin) -> std::ops::Range<usize> {
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index + 1 == origin.line as usize {
            let line = line.trim_end_matches(['\n', '\r']);
            let column = line.char_indices().nth(origin.column.saturating_sub(1) as usize);
            let at = column.map_or(line.len(), |(at, _)| at);
            let rest = &line[at..];
            return start + at..start + at + word(rest);
        }
        start += line.len();
    }
    text.len()..text.len()
}

/// How far a key or a value reaches: to its closing quote, or to what ends a plain word.
fn word(rest: &str) -> usize {
    let mut chars = rest.char_indices();
    let length = match chars.next() {
        Some((_, quote @ ('"' | '\''))) => {
            chars.find(|(_, c)| *c == quote).map_or(rest.len(), |(at, c)| at + c.len_utf8())
        }
        Some(_) => {
            let end = [": ", " #", ", ", "}", "]"].iter().filter_map(|end| rest.find(end)).min();
            end.unwrap_or(rest.len())
        }
        None => 0,
    };
    rest[..length].trim_end().trim_end_matches(':').len().max(usize::from(!rest.is_empty()))
}

fn drawn<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources, level: &Level<'a>) -> Vec<Group<'a>> {
    let title = level.clone().primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut group = Group::with_title(title);
    if let Some((origin, label)) = &diagnostic.at {
        // Places in the same file share one snippet, so that a reader sees them together.
        let mut files = vec![origin.file];
        for (also, _) in &diagnostic.also {
            if !files.contains(&also.file) {
                files.push(also.file);
            }
        }
        for file in files {
            let text = sources.text(file);
            let path = sources.path(file);
            if text.is_empty() || path == "<unknown>" {
                if path != "<unknown>" {
                    group = group.element(FileName::path(path));
                }
                continue;
            }
            let mut snippet = Snippet::source(text).path(path).fold(true);
            if origin.file == file {
                let annotation = AnnotationKind::Primary.span(span(text, *origin));
                snippet =
                    snippet.annotation(if label.is_empty() { annotation } else { annotation.label(label.as_str()) });
            }
            for (also, label) in diagnostic.also.iter().filter(|(also, _)| also.file == file) {
                snippet = snippet.annotation(AnnotationKind::Context.span(span(text, *also)).label(label.as_str()));
            }
            group = group.element(snippet);
        }
    }
    if let Some(path) = &diagnostic.path {
        group = group.element(FileName::path(path.as_str()));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    if diagnostic.environments.len() > 1 {
        group = group.element(Level::NOTE.message(format!("in {}", environments(diagnostic))));
    }
    vec![group]
}

fn environments(diagnostic: &Diagnostic) -> String {
    let names: Vec<&str> = diagnostic.environments.iter().map(String::as_str).collect();
    match names.len() {
        0..=5 => names.join(", "),
        more => format!("{} and {} more environments", names[..4].join(", "), more - 4),
    }
}

fn place(sources: &Sources, origin: Origin, label: &str) -> Json {
    json!({
        "file": sources.path(origin.file),
        "line": origin.line,
        "column": origin.column,
        "label": label,
    })
}

/// Mistakes as JSON: `docs/json.md`, shape `mistakes` version 1.
pub fn to_json(diagnostics: &Diagnostics, sources: &Sources) -> Json {
    let list: Vec<Json> = diagnostics
        .iter()
        .map(|diagnostic| {
            json!({
                "code": diagnostic.code,
                "message": diagnostic.message,
                "at": diagnostic.at.as_ref().map(|(origin, label)| place(sources, *origin, label)),
                "path": diagnostic.path,
                "also": diagnostic.also.iter().map(|(origin, label)| place(sources, *origin, label)).collect::<Vec<_>>(),
                "help": diagnostic.help,
                "environments": diagnostic.environments,
            })
        })
        .collect();
    json!({"kind": "mistakes", "version": 1, "mistakes": list})
}

/// Mistakes as SARIF 2.1.0, which forges show on the lines of a pull request.
pub fn to_sarif(diagnostics: &Diagnostics, remarks: &Diagnostics, sources: &Sources) -> Json {
    let location = |origin: Origin, label: &str| {
        let mut location = json!({
            "physicalLocation": {
                "artifactLocation": {"uri": sources.path(origin.file)},
                "region": {"startLine": origin.line, "startColumn": origin.column},
            },
        });
        if !label.is_empty() {
            location["message"] = json!({"text": label});
        }
        location
    };
    let all = || diagnostics.iter().map(|one| (one, "error")).chain(remarks.iter().map(|one| (one, "note")));
    let mut codes: Vec<&str> = all().map(|(diagnostic, _)| diagnostic.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let results: Vec<Json> = all()
        .map(|(diagnostic, level)| {
            let mut text = diagnostic.message.clone();
            for help in &diagnostic.help {
                text += &format!("\nhelp: {help}");
            }
            let locations: Vec<Json> = match (&diagnostic.at, &diagnostic.path) {
                (Some((origin, label)), _) => vec![location(*origin, label)],
                (None, Some(path)) => vec![json!({"physicalLocation": {"artifactLocation": {"uri": path}}})],
                (None, None) => Vec::new(),
            };
            json!({
                "ruleId": diagnostic.code,
                "level": level,
                "message": {"text": text},
                "locations": locations,
                "relatedLocations": diagnostic.also.iter().map(|(o, l)| location(*o, l)).collect::<Vec<_>>(),
            })
        })
        .collect();
    sarif(codes.iter().map(|code| json!({"id": code})).collect(), results)
}

/// What stands around the results in every SARIF log of this program.
pub fn sarif(rules: Vec<Json>, results: Vec<Json>) -> Json {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "kubezero", "version": crate::VERSION, "rules": rules}},
            "results": results,
        }],
    })
}
