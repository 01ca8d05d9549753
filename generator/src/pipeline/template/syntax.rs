//! What is wrong with a template that is not Handlebars, in words and at the tag that causes it.
//!
//! The grammar notices a tag or block that is not closed at the end of the file and knows it by the names
//! of its rules. This looks for the usual slips itself, and is only asked once the grammar has refused.

/// Something wrong, at a place given in bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Slip {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub at: usize,
    /// The other end of it, with what stands there.
    pub also: Option<(usize, String)>,
    /// What to do.
    pub help: String,
}

fn slip(at: usize, message: impl Into<String>, help: impl Into<String>) -> Slip {
    Slip { message: message.into(), at, also: None, help: help.into() }
}

/// The first slip in a text, if it is one of those known here.
pub fn find(text: &str) -> Option<Slip> {
    let mut blocks: Vec<(String, usize)> = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("{{") {
        let open = at + found;
        let before = &text[..open];
        // One backslash makes the braces literal, two are a backslash.
        if before.len() - before.trim_end_matches('\\').len() == 1 {
            at = open + text[open..].bytes().take_while(|b| *b == b'{').count();
            continue;
        }
        let rest = &text[open..];
        if rest.starts_with("{{!") {
            let close = if rest.starts_with("{{!--") { "--}}" } else { "}}" };
            let Some(end) = rest.find(close) else {
                return Some(slip(open, "the comment is not closed", format!("end it with `{close}`")));
            };
            at = open + end + close.len();
            continue;
        }
        let braces = rest.bytes().take_while(|b| *b == b'{').count().min(4);
        let close = "}".repeat(braces);
        let inside = open + braces;
        let end = match end_of_tag(text, inside, &close) {
            Ok(end) => end,
            Err(Some(slip)) => return Some(slip),
            Err(None) => {
                return Some(slip(
                    open,
                    format!("`{}` is not closed", &rest[..braces]),
                    format!("write `{close}` where the expression ends; literal braces are written `\\{{{{`"),
                ));
            }
        };
        let content = text[inside..end].trim_matches(['~', ' ', '\t', '\n', '\r']);
        at = end + braces;
        let name = |of: &str| {
            let of = of.trim_start_matches(['#', '/', '>', '*', '^', ' ']);
            of.split([' ', '\n', '\t', '\r', '~']).next().unwrap_or_default().to_owned()
        };
        if braces == 4 {
            let (name, mark) = (name(content), format!("{{{{{{{{/{}}}}}}}}}", name(content)));
            let Some(end) = text[at..].find(&mark) else {
                return Some(slip(
                    open,
                    format!("the block `{{{{{{{{{name}}}}}}}}}` is not closed"),
                    format!("end it with `{mark}`"),
                ));
            };
            at += end + mark.len();
        } else if content.starts_with('#') {
            blocks.push((name(content), open));
        } else if content.starts_with('/') {
            let name = name(content);
            match blocks.pop() {
                None => {
                    return Some(slip(
                        open,
                        format!("`{{{{/{name}}}}}` closes nothing"),
                        format!("remove it, or open the block with `{{{{#{name} …}}}}`"),
                    ));
                }
                Some((opened, place)) if opened != name => {
                    return Some(Slip {
                        also: Some((place, "opened here".to_owned())),
                        ..slip(
                            open,
                            format!("`{{{{#{opened}}}}}` is closed by `{{{{/{name}}}}}`"),
                            "close blocks in the order in which they were opened, the last one first",
                        )
                    });
                }
                Some(_) => {}
            }
        } else if (content == "else" || content == "^" || content.starts_with("else ")) && blocks.is_empty() {
            return Some(slip(
                open,
                "`{{else}}` stands outside of a block",
                "it belongs between `{{#if …}}` and `{{/if}}`, or in another block",
            ));
        } else if content.is_empty() {
            return Some(slip(
                open,
                format!("`{}{close}` is empty", &rest[..braces]),
                "name what is to stand there; literal braces are written `\\{{`",
            ));
        }
    }
    let (name, open) = blocks.pop()?;
    Some(slip(
        open,
        format!("the block `{{{{#{name}}}}}` is not closed"),
        format!("write `{{{{/{name}}}}}` where it ends"),
    ))
}

/// Where a tag ends, or what in it is not closed; `Err(None)` is the tag itself.
fn end_of_tag(text: &str, start: usize, close: &str) -> Result<usize, Option<Slip>> {
    let mut parentheses: Vec<usize> = Vec::new();
    let mut bars: Vec<usize> = Vec::new();
    let mut at = start;
    let unclosed = |at: usize, mark: &str| {
        Some(slip(at, format!("the `{mark}` is not closed"), format!("close it before the `{close}`")))
    };
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' | '\'' => {
                let mut escaped = false;
                let end = text[at + 1..].char_indices().find(|(_, other)| {
                    let ends = *other == c && !escaped;
                    escaped = *other == '\\' && !escaped;
                    ends
                });
                match end {
                    Some((end, _)) if !text[at + 1..at + 1 + end].contains('\n') => at += end + 1,
                    _ => return Err(unclosed(at, &c.to_string())),
                }
            }
            '(' => parentheses.push(at),
            ')' if parentheses.pop().is_none() => {
                return Err(Some(slip(at, "the `)` closes nothing", "remove it, or write the `(` that it closes")));
            }
            '|' => bars.push(at),
            '}' if text[at..].starts_with(close) => {
                return match (parentheses.last(), bars.len() % 2) {
                    (Some(open), _) => Err(unclosed(*open, "(")),
                    (None, 1) => Err(unclosed(bars[bars.len() - 1], "|")),
                    (None, _) => Ok(at),
                };
            }
            '{' if text[at..].starts_with("{{") => return Err(None),
            _ => {}
        }
        at += c.len_utf8();
    }
    Err(None)
}

/// What the grammar wanted, in words: its own names for that mean nothing to anybody.
pub fn expected(reason: &str) -> Option<String> {
    let rules = reason.split("expected ").nth(1)?;
    let mut words: Vec<&str> = Vec::new();
    for rule in rules.split([',', ' ']).filter(|word| !matches!(*word, "" | "or")) {
        let word = match rule {
            "identifier" | "opt_identifier" | "path_id" | "path_item" | "path_key" | "path_local" | "path_up" => {
                "a name"
            }
            "reference" | "path_inline" | "path_root" => "a variable",
            "partial_identifier" | "opt_partial_identifier" => "the name of a partial",
            "literal" | "string_literal" | "number_literal" | "boolean_literal" | "null_literal" => "a value",
            "array_literal" => "a list",
            "object_literal" => "a map",
            "helper_parameter" => "an argument",
            "hash" => "`key=value`",
            "subexpression" => "`(…)`",
            "block_param" => "`as |name|`",
            "helper_block_end" | "partial_block_end" | "decorator_block_end" => "`{{/…}}`",
            "trailing_tilde_to_omit_whitespace" => "`}}`",
            _ => continue,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.split_last()? {
        (last, []) => Some((*last).to_owned()),
        (last, first) => Some(format!("{} or {last}", first.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_where_they_begin() {
        let cases = [
            ("a: {{json x}", Some((3, "`{{` is not closed"))),
            ("a: {{json x\nb: {{y}}", Some((3, "`{{` is not closed"))),
            ("{{#if x}}\na\n", Some((0, "the block `{{#if}}` is not closed"))),
            ("{{#if x}}{{#each y}}{{/if}}{{/each}}", Some((20, "`{{#each}}` is closed by `{{/if}}`"))),
            ("a {{/if}}", Some((2, "`{{/if}}` closes nothing"))),
            ("a {{else}} b", Some((2, "`{{else}}` stands outside of a block"))),
            ("{{json (eq 1 2}}", Some((7, "the `(` is not closed"))),
            ("{{json a)}}", Some((8, "the `)` closes nothing"))),
            ("{{json \"a}}\nb: \"c\"", Some((7, "the `\"` is not closed"))),
            ("{{#each x as |a b}}{{/each}}", Some((13, "the `|` is not closed"))),
            ("{{ }}", Some((0, "`{{}}` is empty"))),
            ("{{! a", Some((0, "the comment is not closed"))),
            ("{{{{raw}}}} {{", Some((0, "the block `{{{{raw}}}}` is not closed"))),
            ("\\{{ {{{{raw}}}} {{ {{{{/raw}}}} {{!-- }} {{#if --}} {{~#if (eq a \"}}\")~}} {{else}} {{~/if~}}", None),
        ];
        for (text, wanted) in cases {
            let found = find(text);
            let found = found.as_ref().map(|slip| (slip.at, slip.message.as_str()));
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn the_names_of_rules_become_words() {
        assert_eq!(
            expected("expected identifier, subexpression, or reference").as_deref(),
            Some("a name, `(…)` or a variable")
        );
        assert_eq!(expected("expected EOI"), None);
    }
}
