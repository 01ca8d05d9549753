//! The two glob dialects that Argo CD matches with, so that a permission can be decided before the
//! cluster decides it.
//!
//! - `gobwas` (github.com/gobwas/glob v0.2.3): source repositories, destinations, and the
//!   `include` and `exclude` of a directory source. Has `**`, `{a,b}` and `[!a]`.
//! - `path/filepath` of Go's standard library: groups, kinds and names of resources. Has none of
//!   the three, and negates a class as `[^a]`.
//!
//! Both are read into the same few tokens. Matching carries the *set* of positions that can be
//! reached through the text, so its cost is bounded by pattern times text: no pattern, however
//! hostile, makes it backtrack.
//!
//! Where gobwas departs from its own documentation this module follows the documentation, except
//! for one departure that turns up in real patterns and grants more than is written: see
//! [`Glob::gobwas`]. Departures left out, found by comparing 200,000 random cases: text beyond
//! ASCII next to `?` or a class, three stars in a row, an empty alternative beside a star, and a
//! lone `?` or negated class, which gobwas lets match the empty text. Go's `filepath.Match` in turn
//! misses some matches where a negated class stands for `/`, which no group, kind or name holds.

use std::iter::Peekable;
use std::str::Chars;

/// A compiled pattern. The whole text must match; there is no search inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    tokens: Vec<Token>,
    /// Set where the pattern is `text*text`, whose two texts gobwas lets overlap.
    overlapping: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// This character.
    Char(char),
    /// One character other than the separator.
    Single { separator: Option<char> },
    /// Any number of characters other than the separator.
    Many { separator: Option<char> },
    /// One character inside (or, negated, outside) any of these inclusive ranges.
    Class { ranges: Vec<(char, char)>, negated: bool },
    /// Any one of these patterns.
    AnyOf(Vec<Vec<Token>>),
}

/// How deep `{` may nest; deeper patterns count as malformed. Nobody writes three; without a limit
/// a hostile pattern could exhaust the stack.
const DEEPEST_NESTING: usize = 32;

impl Glob {
    /// Reads a pattern as gobwas does; `separator` is what `*` and `?` stop at.
    ///
    /// `*` any characters but the separator, `**` any characters, `?` one character but the
    /// separator, `[abc]`, `[a-z]`, `[!a]`, `{one,two}` (nesting allowed, an unclosed `{` is
    /// closed by the end), `\x` the character x. `None` where gobwas refuses to compile: Argo CD
    /// then logs and treats the pattern as matching nothing (`util/glob/glob.go`).
    ///
    /// Known departure, reproduced: where `*` (that stops at nothing) stands between two texts and
    /// there is no more to the pattern, gobwas checks prefix and suffix apart, so `ab*ba` also
    /// matches `aba`.
    #[must_use]
    pub fn gobwas(pattern: &str, separator: Option<char>) -> Option<Self> {
        let mut reader = Reader { rest: pattern, separator };
        let tokens = reader.sequence(0)?;
        let overlapping = overlapping_texts(&tokens);
        Some(Glob { tokens, overlapping })
    }

    /// Reads a pattern as Go's `filepath.Match` does on Unix.
    ///
    /// `*` any characters but `/`, `?` one character but `/`, `[a-z]`, `[^a-z]`, `\x`. `None`
    /// where the pattern is malformed, which for Argo CD means that it matches nothing
    /// (`isResourceInList` in `pkg/apis/application/v1alpha1/types.go`).
    #[must_use]
    pub fn filepath(pattern: &str) -> Option<Self> {
        let separator = Some('/');
        let mut tokens = Vec::new();
        let mut rest = pattern.chars().peekable();
        while let Some(c) = rest.next() {
            tokens.push(match c {
                '*' => Token::Many { separator },
                '?' => Token::Single { separator },
                '[' => filepath_class(&mut rest)?,
                '\\' => Token::Char(rest.next()?),
                c => Token::Char(c),
            });
        }
        Some(Glob { tokens, overlapping: None })
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        if let Some((prefix, suffix)) = &self.overlapping {
            return text.starts_with(prefix.as_str()) && text.ends_with(suffix.as_str());
        }
        let text: Vec<char> = text.chars().collect();
        let mut start = vec![false; text.len() + 1];
        start[0] = true;
        advance(&self.tokens, &text, start)[text.len()]
    }
}

/// From the positions in `text` that can be reached before `tokens`, those that can be reached
/// after them.
fn advance(tokens: &[Token], text: &[char], mut reached: Vec<bool>) -> Vec<bool> {
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        match token {
            Token::Many { separator } => {
                let mut running = false;
                for position in 0..=text.len() {
                    running |= reached[position];
                    next[position] = running;
                    if text.get(position).is_some_and(|&c| Some(c) == *separator) {
                        running = false;
                    }
                }
            }
            Token::AnyOf(alternatives) => {
                for alternative in alternatives {
                    let ends = advance(alternative, text, reached.clone());
                    for (position, end) in ends.into_iter().enumerate() {
                        next[position] |= end;
                    }
                }
            }
            one_character => {
                for (position, &c) in text.iter().enumerate() {
                    next[position + 1] = reached[position] && one_character.accepts(c);
                }
            }
        }
        reached = next;
    }
    reached
}

impl Token {
    /// Whether a token that stands for one character stands for this one.
    fn accepts(&self, c: char) -> bool {
        match self {
            Token::Char(expected) => *expected == c,
            Token::Single { separator } => *separator != Some(c),
            Token::Class { ranges, negated } => ranges.iter().any(|&(low, high)| low <= c && c <= high) != *negated,
            Token::Many { .. } | Token::AnyOf(_) => false,
        }
    }
}

/// The two texts of a pattern `text*text` whose `*` stops at nothing.
fn overlapping_texts(tokens: &[Token]) -> Option<(String, String)> {
    let unbounded = Token::Many { separator: None };
    let star = tokens.iter().position(|token| *token == unbounded)?;
    let text = |tokens: &[Token]| -> Option<String> {
        let one = |token: &Token| {
            if let Token::Char(c) = token { Some(*c) } else { None }
        };
        tokens.iter().map(one).collect()
    };
    let (before, after) = (text(&tokens[..star])?, text(&tokens[star + 1..])?);
    (!before.is_empty() && !after.is_empty()).then_some((before, after))
}

/// Reads gobwas' syntax.
struct Reader<'p> {
    rest: &'p str,
    separator: Option<char>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Reads up to the end, or, inside braces, up to the `,` or `}` that ends this alternative.
    fn sequence(&mut self, depth: usize) -> Option<Vec<Token>> {
        let separator = self.separator;
        let mut tokens = Vec::new();
        while let Some(c) = self.peek() {
            if depth > 0 && (c == ',' || c == '}') {
                break;
            }
            self.next();
            tokens.push(match c {
                '*' if self.peek() == Some('*') => {
                    self.next();
                    Token::Many { separator: None }
                }
                '*' => Token::Many { separator },
                '?' => Token::Single { separator },
                '[' => self.class()?,
                '{' => self.alternatives(depth + 1)?,
                // A lone backslash at the end stands for nothing.
                '\\' => match self.next() {
                    Some(escaped) => Token::Char(escaped),
                    None => break,
                },
                c => Token::Char(c),
            });
        }
        Some(tokens)
    }

    /// Reads what follows a `{`.
    fn alternatives(&mut self, depth: usize) -> Option<Token> {
        if depth > DEEPEST_NESTING {
            return None;
        }
        let mut alternatives = Vec::new();
        loop {
            alternatives.push(self.sequence(depth)?);
            if self.next() != Some(',') {
                return Some(Token::AnyOf(alternatives));
            }
        }
    }

    /// Reads what follows a `[`: either one range `a-z` or a list of characters, in which `-` has
    /// no meaning. gobwas does not mix the two.
    fn class(&mut self) -> Option<Token> {
        let negated = self.peek() == Some('!');
        if negated {
            self.next();
        }
        let mut ahead = self.rest.chars();
        let (low, then) = (ahead.next()?, ahead.next());
        if then == Some('-') {
            self.rest = ahead.as_str();
            let high = self.next()?;
            let closed = self.next()? == ']';
            return (closed && low <= high).then(|| Token::Class { ranges: vec![(low, high)], negated });
        }
        let mut ranges = Vec::new();
        loop {
            let c = match self.next()? {
                ']' if ranges.is_empty() => return None,
                ']' => return Some(Token::Class { ranges, negated }),
                '\\' => self.next()?,
                c => c,
            };
            ranges.push((c, c));
        }
    }
}

/// Reads what follows a `[` in Go's dialect: ranges and characters, in any number.
fn filepath_class(rest: &mut Peekable<Chars<'_>>) -> Option<Token> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || rest.next_if_eq(&']').is_none() {
        let low = filepath_bound(rest)?;
        let high = match rest.next_if_eq(&'-') {
            Some(_) => filepath_bound(rest)?,
            None => low,
        };
        ranges.push((low, high));
    }
    Some(Token::Class { ranges, negated })
}

/// One end of a range in Go's dialect: `-` and `]` need a backslash.
fn filepath_bound(rest: &mut Peekable<Chars<'_>>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;
    use proptest::prelude::*;

    /// Every row was checked once against gobwas/glob v0.2.3.
    #[test]
    fn gobwas_dialect() {
        let slash = Some('/');
        for (pattern, separator, text, expected) in [
            ("", None, "", Some(true)),
            ("", None, "a", Some(false)),
            ("*", slash, "a/b", Some(false)),
            ("*", None, "a/b", Some(true)),
            ("**", slash, "a/b", Some(true)),
            ("*", slash, "", Some(true)),
            ("a?c", slash, "abc", Some(true)),
            ("a?c", slash, "a/c", Some(false)),
            ("a?c", None, "a/c", Some(true)),
            ("[a-c]x", None, "bx", Some(true)),
            ("[a-c]x", None, "dx", Some(false)),
            // A class may hold the separator, and a negated one accepts it.
            ("a[/]b", slash, "a/b", Some(true)),
            ("a[!x]b", slash, "a/b", Some(true)),
            ("[!a-c]x", None, "dx", Some(true)),
            // `^` negates nothing here.
            ("[^a]x", None, "^x", Some(true)),
            ("[^a]x", None, "bx", Some(false)),
            // One range or a list, never both: here `-` is a character.
            ("[abc-z]x", None, "-x", Some(true)),
            ("[abc-z]x", None, "dx", Some(false)),
            ("[]a]", None, "a", None),
            ("[c-a]", None, "b", None),
            ("[a", None, "a", None),
            ("{a,b*}/x", slash, "bcd/x", Some(true)),
            ("{a,b*}/x", slash, "b/d/x", Some(false)),
            // White space is part of an alternative.
            ("{a, b}", None, "b", Some(false)),
            ("{a,{b,c}d}", None, "cd", Some(true)),
            ("{ab,cd", None, "cd", Some(true)),
            // Outside braces a comma and a closing brace are themselves.
            ("a,b}", None, "a,b}", Some(true)),
            (r"\*a", None, "*a", Some(true)),
            (r"\*a", None, "ba", Some(false)),
            (r"{a\,b,c}", None, "a,b", Some(true)),
            // The overlap that gobwas allows, and only where the star stops at nothing.
            ("ab*ba", None, "aba", Some(true)),
            ("ab*ba", slash, "aba", Some(false)),
            ("ab**ba", slash, "aba", Some(true)),
            // What a root Application includes.
            ("{applications/*,projects/*}", None, "applications/a.yaml", Some(true)),
            ("{applications/*,projects/*}", None, "applications/sub/a.yaml", Some(true)),
            ("{applications/*,projects/*}", None, "manifests/applications/a.yaml", Some(false)),
            ("{applications/*,projects/*}", None, "root.yaml", Some(false)),
            ("applications/*.yaml", None, "applications/a.yaml", Some(true)),
            ("**/*.yaml", None, "a.yaml", Some(false)),
        ] {
            let got = Glob::gobwas(pattern, separator).map(|glob| glob.matches(text));
            assert_eq!(got, expected, "{pattern:?} on {text:?}, separator {separator:?}");
        }
    }

    /// Every row was checked once against Go 1.26's `filepath.Match`.
    #[test]
    fn filepath_dialect() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "Pod", true),
            ("*", "", true),
            ("*", "a/b", false),
            ("*/*", "Pod", false),
            ("*.io", "cert-manager.io", true),
            ("[^a]b", "cb", true),
            ("[^a]b", "ab", false),
            // gobwas' syntax means other things here.
            ("[!a]b", "!b", true),
            ("{Pod,Job}", "Pod", false),
            ("{Pod,Job}", "{Pod,Job}", true),
            ("**", "a/b", false),
            // Ranges and characters mix.
            ("[a-cx]", "x", true),
            (r"[\-a]", "-", true),
            // Malformed patterns match nothing.
            ("[-a]", "a", false),
            ("[]a]", "a", false),
            ("[", "[", false),
            ("a\\", "a", false),
        ] {
            let got = Glob::filepath(pattern).is_some_and(|glob| glob.matches(text));
            assert_eq!(got, expected, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn hostile_patterns_are_refused_or_cheap() {
        assert_eq!(Glob::gobwas(&"{".repeat(100_000), None), None);
        let stars = Glob::gobwas(&"*a".repeat(200), None);
        assert!(stars.is_some_and(|glob| !glob.matches(&"a".repeat(199))));
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_text_panics(pattern in ".{0,20}", text in ".{0,20}") {
            let _ = Glob::gobwas(&pattern, Some('/')).map(|glob| glob.matches(&text));
            let _ = Glob::filepath(&pattern).map(|glob| glob.matches(&text));
        }

        #[test]
        fn an_escaped_text_matches_itself_only(text in "[a-z*?{}/,\\[\\]!^-]{1,12}", other in "[a-z*]{1,12}") {
            let escaped: String = text.chars().flat_map(|c| ['\\', c]).collect();
            for glob in [Glob::gobwas(&escaped, None), Glob::filepath(&escaped)] {
                let glob = glob.ok_or_else(|| TestCaseError::fail("refused"))?;
                prop_assert!(glob.matches(&text));
                prop_assert_eq!(glob.matches(&other), text == other);
            }
        }
    }
}
