//! Texts of strangers inside Markdown: nothing in them is read as markup, calls a person or links to an issue.

use crate::cli::diff::words::visible;

/// A text outside code. What stands between backticks is shown as code.
pub fn prose(text: &str) -> String {
    let text = visible(text);
    let parts: Vec<&str> = text.split('`').collect();
    let mut out = String::with_capacity(text.len() + 16);
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        match index % 2 {
            // Two codes that touch would be read as one, or as none.
            0 if part.is_empty() && index > 0 && !last => out += "&#8203;",
            0 => plain(part, &mut out),
            // The backtick that opened it is never closed.
            _ if last => {
                out += "\\`";
                plain(part, &mut out);
            }
            _ if part.trim().is_empty() => out += "\\`\\`",
            _ => out += &code(part),
        }
    }
    out
}

/// Characters that mean something to Markdown, to HTML or to a forge lose it.
fn plain(text: &str, out: &mut String) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let word = chars.peek().is_some_and(|next| next.is_alphanumeric() || matches!(next, '_' | '-' | '"' | '&'));
        match c {
            '<' => *out += "&lt;",
            '>' => *out += "&gt;",
            '&' => *out += "&amp;",
            '\\' | '*' | '_' | '[' | ']' | '|' | '~' | '`' | '#' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // Addresses are links only as a whole.
            ':' if chars.peek() == Some(&'/') => *out += ":&#8203;",
            '.' if out.ends_with("www") => *out += ".&#8203;",
            c => out.push(c),
        }
        // `@name`, `#1`, and what GitLab reads: `!1`, `~label`, `%milestone`, `$snippet`, `&epic`; and `GH-1`.
        let issue = c == '-' && (out.ends_with("GH-") || out.ends_with("gh-"));
        if word && (issue || matches!(c, '@' | '#' | '!' | '~' | '%' | '$' | '&')) {
            *out += "&#8203;";
        }
    }
}

/// A text as code within a line; it may stand in a table.
pub fn code(text: &str) -> String {
    let text = visible(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    // Of blanks alone no code can be made.
    if text.trim().is_empty() {
        return format!("`{}`", "␣".repeat(text.chars().count().clamp(1, 8)));
    }
    // A blank at both ends is taken away again; it keeps backticks apart.
    let apart = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    if apart { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") }
}

/// Code in a cell of a table, where `|` ends the cell even in code.
pub fn cell_code(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Lines as a block of code of a language; the fence is longer than any in them.
pub fn fenced(language: &str, lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let mut out = format!("{fence}{language}\n");
    for line in lines {
        out += line;
        out.push('\n');
    }
    out + &fence + "\n"
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        assert_eq!(prose("auth-2 and arrow.x cost $x$"), "auth-2 and arrow.x cost \\$&#8203;x\\$");
        assert_eq!(prose("ask @here about #1 </details>"), "ask @&#8203;here about \\#&#8203;1 &lt;/details&gt;");
        assert_eq!(prose("[a](https://b.c) ![x](y)"), "\\[a\\](https:&#8203;//b.c) \\!\\[x\\](y)");
        assert_eq!(prose("`spec.selector` stays | so"), "`spec.selector` stays \\| so");
        assert_eq!(prose("`a``b`"), "`a`&#8203;`b`");
        assert_eq!(prose("one ` only @you"), "one \\` only @&#8203;you");
        assert_eq!(prose("GH-12 www.example.org"), "GH-&#8203;12 www.&#8203;example.org");
        assert_eq!(prose("a\u{202e}b\u{0}"), "a\\\\u{202e}b\\\\u{0}");
    }

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("  "), "`␣␣`");
        assert_eq!(cell_code("a|b"), "`a\\|b`");
        assert_eq!(fenced("diff", &["- ```".to_owned()]), "````diff\n- ```\n````\n");
    }
}
