//! Two kinds of pattern for paths: the one of `.helmignore` (Go's `filepath.Match`), and the one of `.Files.Glob`.

/// A pattern that is not well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadPattern;

/// What one step of a shell pattern asks for.
#[derive(Debug)]
enum Step {
    Star,
    Any,
    Set(bool, Vec<(char, char)>),
    Char(char),
}

fn shell_steps(pattern: &str) -> Result<Vec<Step>, BadPattern> {
    let mut chars = pattern.chars().peekable();
    let mut steps = Vec::new();
    while let Some(char) = chars.next() {
        steps.push(match char {
            '*' => Step::Star,
            '?' => Step::Any,
            '\\' => Step::Char(chars.next().ok_or(BadPattern)?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    let mut end = |first: bool| match chars.next() {
                        Some('\\') => chars.next().map(Some).ok_or(BadPattern),
                        Some('-') => Err(BadPattern),
                        Some(']') if first => Ok(None),
                        Some(']') | None => Err(BadPattern),
                        Some(char) => Ok(Some(char)),
                    };
                    let Some(low) = end(!ranges.is_empty())? else { break };
                    let high = if chars.next_if_eq(&'-').is_some() {
                        let mut end = || match chars.next() {
                            Some('\\') => chars.next().ok_or(BadPattern),
                            Some('-' | ']') | None => Err(BadPattern),
                            Some(char) => Ok(char),
                        };
                        end()?
                    } else {
                        low
                    };
                    ranges.push((low, high));
                }
                Step::Set(negated, ranges)
            }
            char => Step::Char(char),
        });
    }
    Ok(steps)
}

/// A shell pattern, in which `*` and `?` stop at slashes.
#[derive(Debug)]
pub(crate) struct Shell {
    steps: Vec<Step>,
    /// The text, where it is nothing but text, or but a star and text, which is what most patterns are.
    simple: Option<(bool, String)>,
}

impl Shell {
    /// Reads a pattern.
    pub(crate) fn new(pattern: &str) -> Result<Shell, BadPattern> {
        let steps = shell_steps(pattern)?;
        let text = pattern.strip_prefix('*').unwrap_or(pattern);
        let simple = !text.contains(['*', '?', '[', '\\', '/']);
        Ok(Shell { steps, simple: simple.then(|| (text.len() < pattern.len(), text.to_owned())) })
    }

    /// Whether a name matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        match &self.simple {
            Some((false, text)) => return name == text,
            Some((true, text)) => return name.strip_suffix(text.as_str()).is_some_and(|start| !start.contains('/')),
            None => {}
        }
        let name: Vec<char> = name.chars().collect();
        walk(&self.steps, &name, |step, char| match step {
            Step::Star => char != '/',
            Step::Any => char != '/',
            Step::Set(negated, ranges) => ranges.iter().any(|(low, high)| (*low..=*high).contains(&char)) != *negated,
            Step::Char(wanted) => *wanted == char,
        })
    }
}

/// Matches with one point to come back to, as `*` takes no slash: what comes before the last star need not be tried again.
fn walk(steps: &[Step], name: &[char], fits: impl Fn(&Step, char) -> bool) -> bool {
    let (mut at, mut step) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match steps.get(step) {
            Some(Step::Star) => {
                back = Some((step, at));
                step += 1;
                continue;
            }
            Some(wanted) if name.get(at).is_some_and(|char| fits(wanted, *char)) => {
                at += 1;
                step += 1;
                continue;
            }
            None if at == name.len() => return true,
            _ => {}
        }
        match back {
            Some((star, from)) if name.get(from).is_some_and(|char| *char != '/') => {
                back = Some((star, from + 1));
                (step, at) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
}

/// A pattern of `.Files.Glob`: `*` stops at slashes, `**` does not, `{a,b}` is a choice, `[!a-z]` a set.
#[derive(Debug)]
pub(crate) struct Glob(Vec<Node>);

#[derive(Debug)]
enum Node {
    Text(Vec<char>),
    Any,
    Super,
    Single,
    Set { not: bool, ranges: Vec<(char, char)> },
    Choice(Vec<Vec<Node>>),
}

/// More steps than this and a pattern is taken to match nothing: patterns come from charts.
const STEPS: usize = 1_000_000;
const DEPTH: usize = 64;

impl Glob {
    /// Reads a pattern.
    pub(crate) fn new(pattern: &str) -> Result<Glob, BadPattern> {
        let mut parser = Parser { chars: pattern.chars().collect(), at: 0 };
        let nodes = parser.sequence(0)?;
        if parser.at < parser.chars.len() { Err(BadPattern) } else { Ok(Glob(nodes)) }
    }

    /// All names.
    pub(crate) fn all() -> Glob {
        Glob(vec![Node::Super])
    }

    /// Whether a name matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let mut ends = vec![false; name.len() + 1];
        ends[0] = true;
        let mut steps = STEPS;
        advance(&self.0, &name, ends, &mut steps).last().copied().unwrap_or(false)
    }
}

/// From the places where a match may stand, the places where it may stand after these nodes.
fn advance(nodes: &[Node], name: &[char], mut from: Vec<bool>, steps: &mut usize) -> Vec<bool> {
    for node in nodes {
        let mut to = vec![false; from.len()];
        *steps = steps.saturating_sub(from.len());
        if *steps == 0 {
            return to;
        }
        let one = |to: &mut Vec<bool>, fits: &dyn Fn(char) -> bool| {
            for (at, char) in name.iter().enumerate() {
                if from[at] && fits(*char) {
                    to[at + 1] = true;
                }
            }
        };
        match node {
            Node::Text(text) => {
                for at in 0..from.len() {
                    if from[at] && name[at..].starts_with(text) {
                        to[at + text.len()] = true;
                    }
                }
            }
            Node::Any | Node::Super => {
                let mut open = false;
                for at in 0..from.len() {
                    if matches!(node, Node::Any) && at > 0 && name[at - 1] == '/' {
                        open = false;
                    }
                    open |= from[at];
                    to[at] = open;
                }
            }
            Node::Single => one(&mut to, &|char| char != '/'),
            Node::Set { not, ranges } => {
                one(&mut to, &|char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&char)) != *not)
            }
            Node::Choice(choices) => {
                for choice in choices {
                    for (at, reached) in advance(choice, name, from.clone(), steps).into_iter().enumerate() {
                        to[at] |= reached;
                    }
                }
            }
        }
        from = to;
    }
    from
}

struct Parser {
    chars: Vec<char>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Option<char> {
        let char = self.chars.get(self.at).copied();
        self.at += 1;
        char
    }

    fn sequence(&mut self, depth: usize) -> Result<Vec<Node>, BadPattern> {
        if depth > DEPTH {
            return Err(BadPattern);
        }
        let mut nodes = Vec::new();
        let mut text = Vec::new();
        while let Some(char) = self.chars.get(self.at).copied() {
            if depth > 0 && (char == ',' || char == '}') {
                break;
            }
            self.at += 1;
            let node = match char {
                '\\' => {
                    text.extend(self.next());
                    continue;
                }
                '*' if self.chars.get(self.at) == Some(&'*') => {
                    self.at += 1;
                    Node::Super
                }
                '*' => Node::Any,
                '?' => Node::Single,
                '[' => self.set()?,
                '{' => {
                    let mut choices = Vec::new();
                    loop {
                        choices.push(self.sequence(depth + 1)?);
                        match self.next() {
                            Some(',') => {}
                            Some('}') => break,
                            _ => return Err(BadPattern),
                        }
                    }
                    Node::Choice(choices)
                }
                char => {
                    text.push(char);
                    continue;
                }
            };
            if !text.is_empty() {
                nodes.push(Node::Text(std::mem::take(&mut text)));
            }
            nodes.push(node);
        }
        if !text.is_empty() {
            nodes.push(Node::Text(text));
        }
        Ok(nodes)
    }

    fn set(&mut self) -> Result<Node, BadPattern> {
        let not = self.chars.get(self.at) == Some(&'!');
        if not {
            self.at += 1;
        }
        if self.chars.get(self.at + 1) == Some(&'-') {
            let (low, high) = (self.next().ok_or(BadPattern)?, self.chars.get(self.at + 1).copied());
            let high = high.filter(|high| *high >= low).ok_or(BadPattern)?;
            self.at += 2;
            if self.next() != Some(']') {
                return Err(BadPattern);
            }
            return Ok(Node::Set { not, ranges: vec![(low, high)] });
        }
        let mut ranges = Vec::new();
        loop {
            match self.next() {
                Some(']') if !ranges.is_empty() => return Ok(Node::Set { not, ranges }),
                Some(']') | None => return Err(BadPattern),
                Some('\\') => {
                    let char = self.next().ok_or(BadPattern)?;
                    ranges.push((char, char));
                }
                Some(char) => ranges.push((char, char)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Glob, Shell};

    #[test]
    fn shell_patterns() {
        for (pattern, name, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "a/b.txt", false),
            ("a/*/c", "a/b/c", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            (r"\*", "*", true),
            ("a*b*c", "aXbYbc", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(
                Shell::new(pattern).map(|shell| shell.matches(name)).ok(),
                Some(expected),
                "{pattern:?} of {name:?}"
            );
        }
        for pattern in ["[", "[]", "[a-", r"a\", "[-]", "[a-]"] {
            assert!(Shell::new(pattern).is_err(), "{pattern:?}");
        }
    }

    #[test]
    fn globs() {
        for (pattern, name, expected) in [
            ("files/*", "files/a", true),
            ("files/*", "files/a/b", false),
            ("files/**", "files/a/b", true),
            ("**", "", true),
            ("files/**.yaml", "files/a/b.yaml", true),
            ("files/{a,b*}.txt", "files/bcd.txt", true),
            ("files/{a,b*}.txt", "files/c.txt", false),
            ("f?o", "foo", true),
            ("f?o", "f/o", false),
            ("[a-c].x", "b.x", true),
            ("[!a-c].x", "b.x", false),
            ("[abc].x", "c.x", true),
            (r"a\*", "a*", true),
            ("a,b", "a,b", true),
            ("{a,{b,c}}", "c", true),
            ("a}", "a}", true),
        ] {
            assert_eq!(Glob::new(pattern).map(|glob| glob.matches(name)), Ok(expected), "{pattern:?} of {name:?}");
        }
        for pattern in ["[", "{a", "[]", "[z-a]"] {
            assert!(Glob::new(pattern).is_err(), "{pattern:?}");
        }
    }
}
