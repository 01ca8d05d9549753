//! `.helmignore`.

use super::glob::{BadPattern, Shell};

/// The rules of a `.helmignore`, and those that always hold.
#[derive(Debug)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    /// None where what is left of the rule is no pattern, which matches nothing.
    pattern: Option<Shell>,
    /// A rule with `!` ignores what does **not** match it.
    negated: bool,
    only_folders: bool,
    /// A pattern without slashes is matched against the last part of a path.
    whole_path: bool,
}

impl Rules {
    /// Reads the rules of a file.
    pub(crate) fn parse(text: &str) -> Result<Rules, String> {
        let mut rules = Vec::new();
        for line in text.trim_start_matches('\u{feff}').split('\n') {
            rules.extend(rule(line)?);
        }
        // Editors' and others' hidden files are no templates.
        rules.extend(rule("templates/.?*")?);
        Ok(Rules(rules))
    }

    /// Whether a path, relative to the chart, is left out. The first rule that decides, decides.
    pub(crate) fn ignores(&self, path: &str, folder: bool) -> bool {
        for rule in &self.0 {
            let name = if rule.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
            let matched = rule.pattern.as_ref().is_some_and(|pattern| pattern.matches(name));
            if rule.negated {
                if (rule.only_folders && !folder) || !matched {
                    return true;
                }
            } else if matched && (folder || !rule.only_folders) {
                return true;
            }
        }
        false
    }
}

fn rule(line: &str) -> Result<Option<Rule>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    if line.contains("**") {
        return Err("double-star (**) syntax is not supported".to_owned());
    }
    Shell::new(line).map_err(|BadPattern| "syntax error in pattern".to_owned())?;
    let (negated, line) = line.strip_prefix('!').map_or((false, line), |line| (true, line));
    let (only_folders, line) = line.strip_suffix('/').map_or((false, line), |line| (true, line));
    let (whole_path, line) = line.strip_prefix('/').map_or((line.contains('/'), line), |line| (true, line));
    Ok(Some(Rule { pattern: Shell::new(line).ok(), negated, only_folders, whole_path }))
}

#[cfg(test)]
mod tests {
    use super::Rules;

    #[test]
    fn rules() {
        let ignored = |rules: &str, path: &str, folder: bool| Rules::parse(rules).unwrap().ignores(path, folder);
        assert!(ignored("", "templates/.hidden.yaml", false));
        assert!(!ignored("", "templates/a.yaml", false));
        assert!(ignored("# comment\n*.md\r\n", "docs/README.md", false));
        assert!(ignored("/*.md", "README.md", false));
        assert!(!ignored("/*.md", "docs/README.md", false));
        assert!(ignored("docs/", "docs", true));
        assert!(!ignored("docs/", "docs", false));
        assert!(ignored("a/b", "a/b", false));
        assert!(!ignored("a/b", "c/a/b", false));
        assert!(ignored("!keep.txt", "other.txt", false));
        assert!(!ignored("!keep.txt", "keep.txt", false));
        assert!(Rules::parse("a/**").is_err());
        assert!(Rules::parse("[").is_err());
    }
}
