//! Versions and ranges of versions, as the library reads them that Helm uses: laxer than semantic versioning.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;

/// A version: `1.2.3`, `v1.2`, `1.2.3-rc.1+build`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number; 0 where there is none.
    pub minor: u64,
    /// The third number; 0 where there is none.
    pub patch: u64,
    /// What stands behind the dash of a pre-release; empty for a release.
    pub pre: String,
}

/// A pattern that is known to be right; where it were not, it would match nothing.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

const EXTRA: &str = r"(-([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?(?:\+([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?";

impl Version {
    /// Reads a version; one or two numbers are enough.
    pub fn parse(text: &str) -> Option<Version> {
        let mut parts = Parts(text.strip_prefix('v').unwrap_or(text));
        let (major, minor, patch) = (parts.digits()?, parts.further()?, parts.further()?);
        let pre = parts.extra('-')?;
        parts.extra('+')?;
        if !parts.0.is_empty() {
            return None;
        }
        let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u64>().ok() };
        // Numbers in a pre-release have no leading zeros.
        let leading_zero =
            |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit());
        if pre.split('.').any(leading_zero) {
            return None;
        }
        Some(Version { major: number(major)?, minor: number(minor)?, patch: number(patch)?, pre: pre.to_owned() })
    }

    /// Which of two comes first; build metadata does not count.
    pub fn compare(&self, other: &Version) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

/// What is left of a version.
struct Parts<'t>(&'t str);

impl<'t> Parts<'t> {
    fn take(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.0.trim_start_matches(fits);
        let taken = &self.0[..self.0.len() - rest.len()];
        self.0 = rest;
        taken
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<&'t str> {
        Some(self.take(|c| c.is_ascii_digit())).filter(|digits| !digits.is_empty())
    }

    /// A dot and digits; nothing where no dot follows.
    fn further(&mut self) -> Option<&'t str> {
        match self.0.strip_prefix('.') {
            None => Some(""),
            Some(rest) => {
                self.0 = rest;
                self.digits()
            }
        }
    }

    /// Digits, or a sign that stands for any.
    fn number(&mut self) -> Option<&'t str> {
        match self.0.as_bytes().first()? {
            b'x' | b'X' | b'*' => {
                let (sign, rest) = self.0.split_at(1);
                self.0 = rest;
                Some(sign)
            }
            _ => self.digits(),
        }
    }

    /// A dot and a number; nothing where no dot follows.
    fn further_number(&mut self) -> Option<&'t str> {
        match self.0.strip_prefix('.') {
            None => Some(""),
            Some(rest) => {
                self.0 = rest;
                self.number()
            }
        }
    }

    /// What follows a sign: words with dots between them; nothing where the sign does not follow.
    fn extra(&mut self, sign: char) -> Option<&'t str> {
        let Some(rest) = self.0.strip_prefix(sign) else { return Some("") };
        self.0 = rest;
        let extra = self.take(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        (!extra.split('.').any(str::is_empty)).then_some(extra)
    }
}

fn compare_pre(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match (left.parse::<u64>(), right.parse::<u64>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => left.cmp(right),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// One condition, such as `>= 1.2`.
#[derive(Debug)]
struct Condition {
    operator: String,
    version: Version,
    /// Some number is left open: `1.x`, `1`.
    open: bool,
    minor_open: bool,
    patch_open: bool,
}

const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
const WILD: &str = r"v?[0-9|x|X|\*]+(?:\.[0-9|x|X|\*]+)?(?:\.[0-9|x|X|\*]+)?(?:-[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*)?(?:\+[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*)?";

static ONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(&format!(r"^\s*({OPERATORS})\s*v?([0-9|x|X|\*]+)(?:\.([0-9|x|X|\*]+))?(?:\.([0-9|x|X|\*]+))?{EXTRA}\s*$"))
});
static SPAN: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(&format!(r"\s*({WILD})\s+-\s+({WILD})\s*")));
static FIND: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(&format!(r"(?:{OPERATORS})\s*(?:{WILD})")));
static VALID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(&format!(r"^(?:\s*(?:{OPERATORS})\s*(?:{WILD})\s*)(?:(?:\s+|,\s*)(?:{OPERATORS})\s*(?:{WILD})\s*)*$"))
});

/// Whether a version lies in a range. What cannot be read lies in no range, and a range that cannot be read holds nothing.
pub fn matches(range: &str, version: &str) -> bool {
    let (Some(version), Some(alternatives)) = (Version::parse(version), parse_range(range)) else { return false };
    alternatives.iter().any(|conditions| {
        let with_pre = conditions.iter().any(|condition| !condition.version.pre.is_empty());
        conditions.iter().all(|condition| holds(condition, &version, with_pre))
    })
}

/// Whether a range can be read.
pub fn is_range(range: &str) -> bool {
    parse_range(range).is_some()
}

fn parse_range(range: &str) -> Option<Vec<Vec<Condition>>> {
    if let Some(simple) = simple_range(range) {
        return Some(simple);
    }
    parse_any_range(range)
}

fn parse_any_range(range: &str) -> Option<Vec<Vec<Condition>>> {
    let mut range = range.to_owned();
    let spans: Vec<(String, String)> = SPAN
        .as_ref()?
        .captures_iter(&range)
        .filter_map(|span| {
            let text = span.get(0)?.as_str().to_owned();
            Some((text, format!(">= {}, <= {} ", span.get(1)?.as_str(), span.get(2)?.as_str())))
        })
        .collect();
    for (span, conditions) in spans {
        range = range.replacen(&span, &conditions, 1);
    }
    range
        .split("||")
        .map(|part| {
            if !VALID.as_ref()?.is_match(part) {
                return None;
            }
            let found: Vec<&str> = FIND.as_ref()?.find_iter(part).map(|found| found.as_str()).collect();
            found.into_iter().map(parse_condition).collect()
        })
        .collect()
}

/// What most ranges are: conditions with nothing but numbers and commas between them. The expressions for all others are dear.
fn simple_range(range: &str) -> Option<Vec<Vec<Condition>>> {
    range.split("||").map(|part| part.split(',').map(simple_condition).collect()).collect()
}

fn simple_condition(text: &str) -> Option<Condition> {
    let text = text.trim_matches(' ');
    let version = text.trim_start_matches(['=', '!', '<', '>', '~', '^']);
    let operator = &text[..text.len() - version.len()];
    if !matches!(operator, "" | "=" | "!=" | ">" | "<" | ">=" | "=>" | "<=" | "=<" | "~" | "~>" | "^") {
        return None;
    }
    let version = version.trim_start_matches(' ');
    let mut parts = Parts(version.strip_prefix('v').unwrap_or(version));
    let (major, minor, patch) = (parts.number()?, parts.further_number()?, parts.further_number()?);
    let before = parts.0;
    parts.extra('-')?;
    parts.0.is_empty().then(|| condition(operator, [major, minor, patch], before)).flatten()
}

fn parse_condition(text: &str) -> Option<Condition> {
    let found = ONE.as_ref()?.captures(text)?;
    let part = |at: usize| found.get(at).map_or("", |part| part.as_str());
    condition(part(1), [part(2), part(3), part(4)], part(5))
}

/// A condition of its operator, its numbers, and what follows them with its dash.
fn condition(operator: &str, [major, minor, patch]: [&str; 3], pre: &str) -> Option<Condition> {
    let wild = |part: &str| matches!(part, "" | "x" | "X" | "*");
    let (mut open, mut minor_open, mut patch_open) = (true, false, false);
    let version = if wild(major) {
        format!("0.0.0{pre}")
    } else if wild(minor) {
        minor_open = true;
        format!("{major}.0.0{pre}")
    } else if wild(patch) {
        patch_open = true;
        format!("{major}.{minor}.0{pre}")
    } else {
        open = false;
        format!("{major}.{minor}.{patch}{pre}")
    };
    let version = Version::parse(&version)?;
    Some(Condition { operator: operator.to_owned(), version, open, minor_open, patch_open })
}

fn holds(condition: &Condition, version: &Version, with_pre: bool) -> bool {
    if !version.pre.is_empty() && !with_pre {
        return false;
    }
    let wanted = &condition.version;
    let order = version.compare(wanted);
    match condition.operator.as_str() {
        "" | "=" if condition.open => tilde(condition, version),
        "" | "=" => order == Ordering::Equal,
        "!=" if condition.open => {
            if wanted.major != version.major {
                true
            } else if condition.minor_open {
                false
            } else if wanted.minor != version.minor {
                true
            } else if condition.patch_open {
                (!version.pre.is_empty() || !wanted.pre.is_empty())
                    && compare_pre(&version.pre, &wanted.pre) != Ordering::Equal
            } else {
                wanted.patch != version.patch || order != Ordering::Equal
            }
        }
        "!=" => order != Ordering::Equal,
        ">" if condition.open && version.major != wanted.major => version.major > wanted.major,
        ">" if condition.open && condition.minor_open => false,
        ">" if condition.open && condition.patch_open => version.minor > wanted.minor,
        ">" => order == Ordering::Greater,
        "<" => order == Ordering::Less,
        ">=" | "=>" => order != Ordering::Less,
        "<=" | "=<" if condition.open => {
            version.major < wanted.major
                || version.major == wanted.major && (version.minor <= wanted.minor || condition.minor_open)
        }
        "<=" | "=<" => order != Ordering::Greater,
        "~" | "~>" => tilde(condition, version),
        "^" => caret(condition, version),
        _ => false,
    }
}

fn tilde(condition: &Condition, version: &Version) -> bool {
    let wanted = &condition.version;
    if version.compare(wanted) == Ordering::Less {
        return false;
    }
    let zero = (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0);
    if zero && !condition.minor_open && !condition.patch_open {
        return true;
    }
    version.major == wanted.major && (version.minor == wanted.minor || condition.minor_open)
}

fn caret(condition: &Condition, version: &Version) -> bool {
    let wanted = &condition.version;
    if version.compare(wanted) == Ordering::Less {
        return false;
    }
    if wanted.major > 0 || condition.minor_open {
        return version.major == wanted.major;
    }
    if version.major > 0 {
        return false;
    }
    if wanted.minor > 0 || condition.patch_open {
        return version.minor == wanted.minor;
    }
    version.minor == 0 && wanted.patch == version.patch
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn ranges() {
        for (range, version, expected) in [
            ("*", "1.2.3", true),
            ("*", "1.2.3-rc.1", false),
            ("*-0", "1.2.3-rc.1", true),
            ("", "1.2.3", false),
            ("1.2.3", "1.2.3", true),
            ("v1.2.3", "1.2.3", true),
            ("1.2.x", "1.2.9", true),
            ("1.x", "1.9.0", true),
            ("1", "2.0.0", false),
            ("~1.2.3", "1.2.9", true),
            ("~1.2.3", "1.3.0", false),
            ("~1", "1.9.9", true),
            ("^1.2", "1.9.0", true),
            ("^0.2.3", "0.3.0", false),
            ("^0.0.3", "0.0.4", false),
            (">=1.19.0-0", "v1.31.2-eks-abc", true),
            (">=1.19.0", "v1.31.2-eks-abc", false),
            (">= 1.2, < 3", "2.9.0", true),
            (">= 1.2 < 3", "3.0.0", false),
            ("1.2 - 1.4", "1.4.9", true),
            ("1.2 - 1.4", "1.5.0", false),
            ("<1.0 || >2", "3.1.0", true),
            (">2", "2.9.0", false),
            ("!=1.2.x", "1.2.3", false),
            ("<=1.x", "1.9.9", true),
            (">1.0.0-alpha.2", "1.0.0-alpha.10", true),
            ("one", "1.0.0", false),
            ("1.0.0", "one", false),
        ] {
            assert_eq!(matches(range, version), expected, "{range:?} of {version:?}");
        }
    }

    #[test]
    fn simple_ranges_are_read_as_all_others_are() {
        let versions = [
            "1",
            "1.2",
            "v1.2.3",
            "1.2-0",
            "1.2.3-rc.1",
            "0.0",
            "0",
            "1.2.3-01",
            "1.2.",
            "1..2",
            "99999999999999999999",
            "1.2.3-",
            "1-a..b",
            "x",
            "",
        ];
        for operator in ["", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "==", "=!", ">>", "> ", " "] {
            for version in versions {
                for range in [
                    format!("{operator}{version}"),
                    format!(" {operator} {version} "),
                    format!("{operator}{version}, <2"),
                    format!(">1 ,{operator}{version}||~3.4"),
                ] {
                    if let Some(simple) = super::simple_range(&range) {
                        let all = super::parse_any_range(&range);
                        assert_eq!(format!("{:?}", Some(simple)), format!("{all:?}"), "{range:?}");
                    }
                }
            }
        }
    }
}
