//! When two spellings of a repository's address are the same address, as Argo CD sees it.
//!
//! Argo CD compares addresses after `NormalizeGitURL` (`util/git/git.go`), which leans on Go's
//! `net/url`: parse, then print again. Printing is where the surprises are (a path that holds one
//! character which a URL may not hold is percent-encoded *as a whole*, glob characters included),
//! so this module follows Go 1.26's `net/url` step by step rather than use a URL crate, whose
//! rules (WHATWG's) differ.

/// The form in which Argo CD compares addresses of repositories, and patterns for them.
///
/// Lower case, without surrounding space, one trailing `.git` removed, and for SSH neither scheme
/// nor colon, so that `git@host:group/repo.git` and `ssh://git@host/group/repo` are one. A
/// trailing `/` stays. An address that Go cannot parse becomes the empty text; all such addresses
/// are therefore equal, to each other and to an empty pattern.
#[must_use]
pub fn normalize_git_url(url: &str) -> String {
    // One character for one, as Go does it; Rust's `str::to_lowercase` knows longer mappings.
    let mut url: String = url.trim().chars().flat_map(|c| c.to_lowercase().take(1)).collect();
    if is_ssh(&url) && !url.starts_with("ssh://") {
        // Go would read what follows the colon of `git@host:path` as a port.
        url = format!("ssh://{}", url.replacen(':', "/", 1));
    }
    let url = url.strip_suffix(".git").unwrap_or(&url);
    let printed = print_as_go(url).unwrap_or_default();
    printed.strip_prefix("ssh://").map(str::to_owned).unwrap_or(printed)
}

/// `user@host…`, with or without `ssh://` before it. The user may be empty.
fn is_ssh(url: &str) -> bool {
    let address = url.strip_prefix("ssh://").unwrap_or(url);
    address.rsplit_once('@').is_some_and(|(user, host)| !host.is_empty() && !user.contains(['/', ':']))
}

/// `url.Parse` and then `URL.String`; `None` where the first fails.
fn print_as_go(url: &str) -> Option<String> {
    let (address, fragment) = url.split_once('#').unwrap_or((url, ""));
    if address.bytes().any(|b| b.is_ascii_control()) {
        return None;
    }
    let mut printed = print_address(address)?;
    if !fragment.is_empty() {
        printed.push('#');
        printed.push_str(&Part::Fragment.print(fragment)?);
    }
    Some(printed)
}

/// The same for an address without a fragment.
fn print_address(address: &str) -> Option<String> {
    let (scheme, rest) = split_scheme(address)?;
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };

    let mut printed = String::new();
    if let Some(scheme) = scheme {
        printed.push_str(scheme);
        printed.push(':');
    }
    if scheme.is_some() && !rest.starts_with('/') {
        // "Opaque" in Go's words, as in `registry:5000/charts`: kept as it is.
        printed.push_str(rest);
    } else {
        if scheme.is_none() && first_segment(rest).contains(':') {
            return None;
        }
        let has_authority = rest.starts_with("//") && (scheme.is_some() || !rest.starts_with("///"));
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) if has_authority => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            _ => ("", rest),
        };
        let path = Part::Path.print(path)?;
        let authority = print_authority(scheme.unwrap_or_default(), authority)?;
        if has_authority && !(authority.is_empty() && (path.is_empty() || scheme.is_none())) {
            printed.push_str("//");
        }
        printed.push_str(&authority);
        if printed.is_empty() && first_segment(&path).contains(':') {
            printed.push_str("./");
        }
        printed.push_str(&path);
    }
    if let Some(query) = query {
        printed.push('?');
        printed.push_str(query);
    }
    Some(printed)
}

fn first_segment(path: &str) -> &str {
    path.split_once('/').map_or(path, |(segment, _)| segment)
}

/// What stands before the first colon, where that can be a scheme. `None` where the colon comes
/// first, which Go refuses.
fn split_scheme(address: &str) -> Option<(Option<&str>, &str)> {
    let other = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    match address.find(other) {
        Some(0) if address.starts_with(':') => None,
        Some(colon) if address[colon..].starts_with(':') && address.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Some((Some(&address[..colon]), &address[colon + 1..]))
        }
        _ => Some((None, address)),
    }
}

/// `user:password@host:port`.
fn print_authority(scheme: &str, authority: &str) -> Option<String> {
    let Some((user, host)) = authority.rsplit_once('@') else {
        return print_host(scheme, authority);
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b);
    if !user.bytes().all(plain) {
        return None;
    }
    let host = print_host(scheme, host)?;
    Some(match user.split_once(':') {
        None => format!("{}@{host}", Part::User.print_anew(user)?),
        Some((name, password)) => {
            let (name, password) = (Part::User.print_anew(name)?, Part::User.print_anew(password)?);
            format!("{name}:{password}@{host}")
        }
    })
}

fn print_host(scheme: &str, host: &str) -> Option<String> {
    match host.rfind('[') {
        Some(0) => {
            let (address, port) = host[1..].rsplit_once(']')?;
            let without_zone = address.split_once("%25").map_or(address, |(address, _)| address);
            without_zone.parse::<std::net::Ipv6Addr>().ok()?;
            return is_port(port).then(|| host.to_owned());
        }
        Some(_) => return None,
        None => {}
    }
    // Only the web's schemes are held to a single colon (Go 1.26).
    let colon = if matches!(scheme, "http" | "https") { host.find(':') } else { host.rfind(':') };
    if colon.is_some_and(|colon| !is_port(&host[colon..])) {
        return None;
    }
    if host.bytes().any(|b| b.is_ascii() && b != b'%' && !Part::Host.holds(b)) {
        return None;
    }
    // Only what is not ASCII may be percent-encoded in a host, and the percent sign itself.
    let decoded = decode(host)?;
    let ascii_escapes = host.match_indices('%').any(|(at, _)| {
        let high = host.as_bytes().get(at + 1).copied().unwrap_or_default();
        high < b'8' && !host[at..].starts_with("%25")
    });
    (!ascii_escapes).then(|| Part::Host.encode(&decoded))
}

/// Nothing, or a colon and digits (none is fine too).
fn is_port(port: &str) -> bool {
    port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
}

/// The parts of a URL that differ in what they may hold without percent-encoding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    User,
    Host,
    Path,
    Fragment,
}

impl Part {
    /// Whether Go writes this byte as it is.
    fn holds(self, b: u8) -> bool {
        let marks: &[u8] = match self {
            Part::User => b"$&+,;=",
            Part::Host => b"!\"$&'()*+,:;<=>[]",
            Part::Path => b"$&+,/:;=@",
            Part::Fragment => b"!$&()*+,/:;=?@",
        };
        b.is_ascii_alphanumeric() || b"-_.~".contains(&b) || marks.contains(&b)
    }

    /// Prints a path or fragment: unchanged where a URL may hold it, else encoded anew as a whole.
    fn print(self, text: &str) -> Option<String> {
        let decoded = decode(text)?;
        let may_stand = |b: u8| b"!'()*[]%".contains(&b) || self.holds(b);
        Some(if text.bytes().all(may_stand) { text.to_owned() } else { self.encode(&decoded) })
    }

    /// Prints a part whose spelling Go does not remember.
    fn print_anew(self, text: &str) -> Option<String> {
        Some(self.encode(&decode(text)?))
    }

    fn encode(self, bytes: &[u8]) -> String {
        let mut encoded = String::with_capacity(bytes.len());
        for &b in bytes {
            if self.holds(b) {
                encoded.push(char::from(b));
            } else {
                encoded.push('%');
                for digit in [b >> 4, b & 15] {
                    let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                    encoded.push(digit.to_ascii_uppercase());
                }
            }
        }
        encoded
    }
}

/// Undoes percent-encoding; `None` where a percent sign is not followed by two hexadecimal digits.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(b) = bytes.next() {
        decoded.push(if b == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            u8::try_from(high * 16 + low).ok()?
        } else {
            b
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::normalize_git_url;
    use proptest::prelude::*;

    /// Every row was checked once against Argo CD's own function under Go 1.26.
    #[test]
    fn addresses_as_argo_cd_compares_them() {
        for (url, expected) in [
            ("https://Git.Example.com/Org/Repo.git", "https://git.example.com/org/repo"),
            ("  https://h/r  ", "https://h/r"),
            // One `.git`, and only at the very end.
            ("https://h/r.git.git", "https://h/r.git"),
            ("https://h/r.git/", "https://h/r.git/"),
            ("https://h/r/", "https://h/r/"),
            // The three spellings of SSH are one.
            ("git@h:org/r.git", "git@h/org/r"),
            ("ssh://git@h/org/r", "git@h/org/r"),
            ("ssh://git@h:22/org/r", "git@h:22/org/r"),
            // A user that holds a slash or a colon is no SSH user.
            ("https://user:secret@h/r", "https://user:secret@h/r"),
            // Helm's registries: no scheme, with or without a port.
            ("registry-1.docker.io/bitnamicharts", "registry-1.docker.io/bitnamicharts"),
            ("registry:5000/charts", "registry:5000/charts"),
            ("oci://r.io/org/chart", "oci://r.io/org/chart"),
            // A digit cannot begin a scheme, so this has a colon where none may be.
            ("127.0.0.1:5000/charts", ""),
            ("https://h:port/r", ""),
            ("https://h/%zz", ""),
            (":r", ""),
            // Patterns survive, unless one character in the path must be encoded: then all are.
            ("*", "*"),
            ("https://*.example.com/**", "https://*.example.com/**"),
            ("https://h/[ab]*", "https://h/[ab]*"),
            ("https://h/{a,b}/*", "https://h/%7Ba,b%7D/%2A"),
            ("https://h/a b", "https://h/a%20b"),
            // Go reads these brackets as the start of an IPv6 address.
            ("https://h[12]/r", ""),
            ("https://[::1]:8443/r", "https://[::1]:8443/r"),
            ("https://h/r?x={y}#", "https://h/r?x={y}"),
        ] {
            assert_eq!(normalize_git_url(url), expected, "{url:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(url in ".{0,40}") {
            let _ = normalize_git_url(&url);
        }

        #[test]
        fn case_and_one_suffix_make_no_difference(path in "[a-zA-Z0-9/_-]{0,12}[a-z]") {
            let url = format!("https://h/{path}");
            prop_assert_eq!(normalize_git_url(&url), normalize_git_url(&format!("{}.git", url.to_uppercase().replace("HTTPS", "https"))));
        }
    }
}
