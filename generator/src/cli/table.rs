//! Columns that fit the terminal: a table where there is room, otherwise one block a row.

/// The width to write for: `COLUMNS`, or the terminal's, or 100 where nobody says.
pub fn width() -> usize {
    known_width(std::io::stdout()).unwrap_or(100)
}

/// How wide a stream is, where somebody looks at it; `None` for a pipe or a file, whose lines are best left whole.
#[expect(clippy::disallowed_methods, reason = "how wide a terminal is does not reach any generated file")]
pub fn known_width(stream: impl std::os::fd::AsFd) -> Option<usize> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse::<usize>().ok());
    let asked = || terminal_size::terminal_size_of(stream).map(|(columns, _)| usize::from(columns.0));
    // A terminal that does not know its width says zero.
    said.filter(|&columns| columns > 0)
        .or_else(asked)
        .filter(|&columns| columns > 0)
        .map(|columns| columns.clamp(20, 160))
}

/// Lines that are too long are broken between words and go on a bit further to the right.
pub fn folded(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if line.chars().count() <= width {
            out += &format!("{line}\n");
            continue;
        }
        let lead = line.chars().take_while(|c| *c == ' ').count();
        let lines = wrap(line, width.saturating_sub(lead + 4).max(10));
        for (index, part) in lines.iter().enumerate() {
            let indent = if index == 0 { lead } else { lead + 4 };
            out += &format!("{:indent$}{part}\n", "");
        }
    }
    out
}

/// Breaks a text between words into lines of at most `width` characters; longer words stand alone.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A text in wrapped lines, each after `indent` blanks.
pub fn indented(text: &str, indent: usize, width: usize) -> String {
    let lines = wrap(text, width.saturating_sub(indent).max(10));
    lines.iter().map(|line| format!("{:indent$}{line}\n", "")).collect()
}

/// Pairs of a word and its explanation, each after two blanks; empty explanations are left out.
pub fn facts(facts: &[(&str, String)], width: usize) -> String {
    let facts: Vec<_> = facts.iter().filter(|(_, text)| !text.is_empty()).collect();
    let first = facts.iter().map(|(word, _)| word.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (word, text) in facts {
        let lines = wrap(text, width.saturating_sub(first + 4).max(10));
        for (index, line) in lines.iter().enumerate() {
            let word = if index == 0 { *word } else { "" };
            out += &format!("  {word:first$}  {line}\n");
        }
    }
    out
}

/// A table under a heading; the last column is wrapped. Where less than 30 characters would be left for
/// it, every row becomes a block: its first cell, then the others below with their headings.
pub fn table(head: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let Some(last) = head.len().checked_sub(1) else { return String::new() };
    let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
    let widths: Vec<usize> = (0..last)
        .map(|column| {
            let longest = rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0);
            longest.max(head[column].chars().count())
        })
        .collect();
    let used: usize = widths.iter().map(|width| width + 2).sum();
    let mut out = String::new();
    let needed = rows.iter().map(|row| cell(row, last).chars().count()).max().unwrap_or(0).min(30);
    if used + needed <= width {
        let mut line = |cells: &[String], text: &str| {
            let lead: String = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}  ")).collect();
            out += format!("{lead}{text}").trim_end();
            out.push('\n');
        };
        line(&head[..last].iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), head[last]);
        for row in rows {
            let mut lead: Vec<String> = (0..last).map(|column| cell(row, column)).collect();
            let mut lines = wrap(&cell(row, last), width - used);
            if lines.is_empty() {
                lines.push(String::new());
            }
            for text in lines {
                line(&lead, &text);
                lead = vec![String::new(); last];
            }
        }
        return out;
    }
    for row in rows {
        out += &format!("{}\n", cell(row, 0));
        for (column, heading) in head.iter().enumerate().skip(1) {
            let text = cell(row, column);
            if !text.is_empty() {
                out += &indented(&format!("{}: {text}", heading.to_lowercase()), 2, width);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_further_to_the_right() {
        assert_eq!(folded("a b\n  one two three four\n", 18), "a b\n  one two\n      three four\n");
    }

    #[test]
    fn a_table_becomes_blocks_where_it_is_narrow() {
        let rows =
            vec![vec!["acme.email".to_owned(), "string".to_owned(), "Where notices about certificates go".to_owned()]];
        let head = ["SETTING", "TYPE", "DESCRIPTION"];
        assert_eq!(
            table(&head, &rows, 60),
            "SETTING     TYPE    DESCRIPTION\nacme.email  string  Where notices about certificates go\n"
        );
        let narrow = table(&head, &rows, 30);
        assert_eq!(narrow, "acme.email\n  type: string\n  description: Where notices\n  about certificates go\n");
        assert!(narrow.lines().all(|line| line.len() <= 30));
    }
}
