//! Compiles a template without its plain lines, and puts them back afterwards.
//!
//! Handlebars reads a text character by character and counts lines from the top for every tag, so compiling
//! costs the square of the length, and most lines of a template hold no tag. Each of those is compiled as one
//! mark in its place. Lines and columns of all tags stay, and so does all white space, which tags may trim.

use handlebars::template::TemplateElement;
use handlebars::{Template, TemplateError};

/// No tag may hold it outside of quotes.
const MARK: char = '\u{1}';

/// Compiles a text under a name, as [`Template::compile_with_name`] does.
pub fn compile(name: &str, text: &str) -> Result<Template, TemplateError> {
    let whole = || Template::compile_with_name(text, name.to_owned());
    let Some((short, lines)) = shorten(text) else { return whole() };
    // Where the short text is not a template, the whole one tells why, or is one after all.
    let Ok(mut template) = Template::compile_with_name(&short, name.to_owned()) else { return whole() };
    // All are back: none was taken for a part of a tag.
    match restore(&mut template, &lines) {
        Some(count) if count == lines.len() => Ok(template),
        _ => whole(),
    }
}

/// The text with marks for its plain lines, and these lines; nothing where marks could be mistaken.
fn shorten(text: &str) -> Option<(String, Vec<&str>)> {
    if text.contains(MARK) {
        return None;
    }
    let mut short = String::with_capacity(text.len() / 2);
    let mut lines = Vec::new();
    let mut inside_tag = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        if inside_tag || content.len() < 8 || content.contains("{{") {
            short.push_str(line);
            inside_tag = ends_inside_tag(line, inside_tag);
            continue;
        }
        let (before, after) = line.split_once(content)?;
        short.push_str(before);
        short.push(MARK);
        short.push_str(&lines.len().to_string());
        short.push(MARK);
        short.push_str(after);
        lines.push(content);
    }
    Some((short, lines))
}

fn ends_inside_tag(line: &str, mut inside: bool) -> bool {
    let mut rest = line;
    while let Some(at) = rest.find(if inside { "}}" } else { "{{" }) {
        rest = &rest[at + 2..];
        inside = !inside;
    }
    inside
}

/// Puts the lines back, and counts them.
fn restore(template: &mut Template, lines: &[&str]) -> Option<usize> {
    let mut count = 0;
    for element in &mut template.elements {
        match element {
            TemplateElement::RawString(text) | TemplateElement::Comment(text) => count += restore_text(text, lines)?,
            TemplateElement::HelperBlock(tag) => {
                for inner in tag.template.iter_mut().chain(&mut tag.inverse) {
                    count += restore(inner, lines)?;
                }
            }
            TemplateElement::PartialBlock(tag) | TemplateElement::DecoratorBlock(tag) => {
                if let Some(inner) = &mut tag.template {
                    count += restore(inner, lines)?;
                }
            }
            _ => {}
        }
    }
    Some(count)
}

fn restore_text(text: &mut String, lines: &[&str]) -> Option<usize> {
    let mut whole = String::with_capacity(text.len() * 4);
    let mut count = 0;
    for (index, part) in text.split(MARK).enumerate() {
        if index % 2 == 0 {
            whole.push_str(part);
        } else {
            whole.push_str(lines.get(part.parse::<usize>().ok()?)?);
            count += 1;
        }
    }
    *text = whole;
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_compiles_to_the_same() {
        let cases = [
            "",
            "plain\n",
            "a plain line\n  another: one\n\n   \nlast line without end",
            "name: {{json a}}\nplain line: one\n{{#if b}}\n  plain line: two\n{{else}}\n\tplain line: three  \n{{/if}}\nend of it\n",
            "{{~#each list~}}\n   plain line of the loop   \n{{~/each~}}\n   after the loop: 1\n",
            "{{json\n  settings.a.long.path\n}}\nplain line: \"}}\"\n{{! a comment\nplain line in it\n}}plain line after\n",
            "{{!-- a comment }}\nplain line in it\n--}}\nplain line after\n",
            "{{{{raw}}}}\nplain line in it: {{ x }}\n  another plain line\n{{{{/raw}}}}\nplain line after\n",
            "{{json (concat \"}}\"\n  settings.a.b.c)}}\nplain line after\n",
            "{{json (concat \"}}\"\n  settings.a\n  settings.b.c\n  settings.d)}}\nplain line after\n",
            "plain line: \\{{x}}\nanother plain line: \\\n{{x}}\nthe end of it",
            "{{#> part}}\nplain line in it\n{{/part}}\n{{#*inline \"x\"}}\nplain line in it\n{{/inline}}\n",
            "windows line here\r\n{{#if a}}\r\n  plain line: 1\r\n{{/if}}\r\n",
            "mark \u{1}0\u{1} in the text\nplain line here\n",
        ];
        for text in cases {
            assert_eq!(
                compile("t", text).unwrap(),
                Template::compile_with_name(text, "t".to_owned()).unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn it_fails_at_the_same_place() {
        let texts =
            ["plain line: 1\n{{#if a}}\nplain line: 2\n", "plain line: 1\nb: {{json}\nplain line: 2\n{{/if}}\n"];
        for text in texts {
            let (short, whole) =
                (compile("t", text).unwrap_err(), Template::compile_with_name(text, "t".to_owned()).unwrap_err());
            assert_eq!((short.to_string(), short.pos()), (whole.to_string(), whole.pos()));
        }
    }

    #[test]
    fn every_template_of_the_platform_compiles_to_the_same() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../components");
        let mut compared = 0;
        for entry in walkdir::WalkDir::new(folder) {
            let path = entry.unwrap().into_path();
            if path.extension().is_some_and(|extension| extension == "hbs") {
                #[expect(clippy::disallowed_methods, reason = "a test reads the platform's own templates")]
                let text = std::fs::read_to_string(&path).unwrap();
                let whole = Template::compile_with_name(&text, "t".to_owned()).unwrap();
                assert_eq!(compile("t", &text).unwrap(), whole, "{}", path.display());
                compared += 1;
            }
        }
        assert!(compared > 100, "{compared}");
    }
}
