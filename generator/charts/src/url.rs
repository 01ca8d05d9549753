//! Addresses: read, joined, and shown without anything that is secret.

use std::fmt;

use crate::credentials::Login;

/// The address of something that is fetched: `http` or `https`, nothing else.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) https: bool,
    /// What stood before `@`.
    pub(crate) login: Option<Login>,
    /// In small letters; an IPv6 address in its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Starts with `/`.
    path: String,
    query: Option<String>,
}

impl Url {
    /// Reads an absolute address.
    pub(crate) fn parse(text: &str) -> Option<Url> {
        let (scheme, rest) = text.split_once("://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (login, address) = match authority.rsplit_once('@') {
            Some((user, address)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                (Some(Login::new(&decoded(user)?, &decoded(password)?)), address)
            }
            None => (None, authority),
        };
        let (host, port) = split_port(address)?;
        let port = port.unwrap_or(if https { 443 } else { 80 });
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(encoded(query))),
            None => (rest, None),
        };
        let path = without_dots(&encoded(if path.is_empty() { "/" } else { path }));
        Some(Url { https, login, host, port, path, query })
    }

    /// Where a reference leads to that was found here: absolute, from the root, or relative.
    pub(crate) fn join(&self, reference: &str) -> Option<Url> {
        let reference = reference.trim();
        if has_scheme(reference) {
            return Url::parse(reference);
        }
        let scheme = if self.https { "https" } else { "http" };
        if let Some(rest) = reference.strip_prefix("//") {
            return Url::parse(&format!("{scheme}://{rest}"));
        }
        let reference = reference.split('#').next().unwrap_or_default();
        let (path, query) = match reference.split_once('?') {
            Some((path, query)) => (path, Some(encoded(query))),
            None => (reference, None),
        };
        let mut joined = self.clone();
        if path.is_empty() {
            joined.query = query.or(joined.query);
            return Some(joined);
        }
        let path = encoded(path);
        joined.path = if path.starts_with('/') {
            without_dots(&path)
        } else {
            let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            without_dots(&format!("{folder}/{path}"))
        };
        joined.query = query;
        Some(joined)
    }

    /// A file below a folder. A query stays: some repositories ask for one.
    pub(crate) fn below(&self, file: &str) -> Url {
        let mut below = self.clone();
        below.path = format!("{}/{}", self.path.trim_end_matches('/'), encoded(file));
        below
    }

    /// The same address as a folder, which references are relative to.
    pub(crate) fn folder(&self) -> Url {
        self.below("")
    }

    pub(crate) fn with_query(mut self, query: &[(&str, &str)]) -> Url {
        let mut all = self.query.take().unwrap_or_default();
        for (key, value) in query {
            if !all.is_empty() {
                all.push('&');
            }
            all += &format!("{}={}", strictly_encoded(key), strictly_encoded(value));
        }
        self.query = Some(all);
        self
    }

    /// Scheme, host and port are the same: where secrets may go along.
    pub(crate) fn same_origin(&self, other: &Url) -> bool {
        (self.https, &self.host, self.port) == (other.https, &other.host, other.port)
    }

    /// As it is asked for: without a login, with the query.
    pub(crate) fn request(&self) -> String {
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{}{query}", self.origin(), self.path)
    }

    /// Whether the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    fn origin(&self) -> String {
        let (scheme, usual) = if self.https { ("https", 443) } else { ("http", 80) };
        let port = if self.port == usual { String::new() } else { format!(":{}", self.port) };
        format!("{scheme}://{}{port}", self.host)
    }
}

/// Without login and query: both may hold secrets.
impl fmt::Display for Url {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.query.is_some() { "?…" } else { "" };
        write!(to, "{}{}{query}", self.origin(), self.path)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, to)
    }
}

/// Any address as it may be shown, whether it can be read or not.
pub(crate) fn shown(text: &str) -> String {
    let (start, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (path, query) = match rest.split_once('?') {
        Some((path, _)) => (path, "?…"),
        None => (rest, ""),
    };
    format!("{start}{host}{path}{query}").chars().filter(|c| !c.is_control()).collect()
}

/// `host`, `host:port`, `[::1]:port`.
pub(crate) fn split_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.rfind(':') {
        Some(at) if !text[at..].contains(']') => (&text[..at], Some(&text[at + 1..])),
        _ => (text, None),
    };
    let host = host.to_ascii_lowercase();
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').filter(|rest| rest.parse::<std::net::Ipv6Addr>().is_ok())?,
        None => host.as_str(),
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if bare.is_empty() || !(host.starts_with('[') || bare.bytes().all(legal)) {
        return None;
    }
    let port = match port {
        None | Some("") => None,
        Some(port) => Some(port.parse().ok()?),
    };
    Some((host, port))
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(crate) fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

/// What an address cannot hold as it is becomes `%xx`.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}') => {
                out.push(byte as char);
            }
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

fn strictly_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

/// A form, as `application/x-www-form-urlencoded` has it.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(key, value)| format!("{}={}", strictly_encoded(key), strictly_encoded(value))).collect();
    fields.join("&")
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    parts.pop();
                }
                if last {
                    parts.push("");
                }
            }
            segment => parts.push(segment),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{Url, shown};

    #[test]
    fn references_are_joined() {
        let base = Url::parse("https://charts.example.com/stable/?key=1").unwrap();
        for (reference, expected) in [
            ("web-1.0.0.tgz", "https://charts.example.com/stable/web-1.0.0.tgz"),
            ("charts/web-1.0.0.tgz", "https://charts.example.com/stable/charts/web-1.0.0.tgz"),
            ("../web-1.0.0.tgz", "https://charts.example.com/web-1.0.0.tgz"),
            ("../../../web.tgz", "https://charts.example.com/web.tgz"),
            ("/other/web.tgz?x=1", "https://charts.example.com/other/web.tgz?x=1"),
            ("//cdn.example.com/web.tgz", "https://cdn.example.com/web.tgz"),
            ("http://cdn.example.com:8080/a b/ü.tgz", "http://cdn.example.com:8080/a%20b/%C3%BC.tgz"),
            ("HTTPS://CDN.example.com:443/x", "https://cdn.example.com/x"),
        ] {
            assert_eq!(base.join(reference).unwrap().request(), expected, "{reference}");
        }
        assert!(base.join("file:///etc/passwd").is_none());
        assert!(base.join("https://").is_none());
        assert!(Url::parse("https://a b/").is_none());
        assert!(Url::parse("https://host:99999/").is_none());
        assert_eq!(Url::parse("https://[::1]:8/x").unwrap().request(), "https://[::1]:8/x");
    }

    #[test]
    fn nothing_secret_is_shown() {
        let url = Url::parse("https://user:p%40ss@example.com/a?token=secret#x").unwrap();
        assert_eq!(url.login.as_ref().unwrap().password(), "p@ss");
        assert_eq!(format!("{url} {url:?}"), "https://example.com/a?… https://example.com/a?…");
        assert_eq!(url.request(), "https://example.com/a?token=secret");
        assert_eq!(shown("https://user:pass@example.com/a?token=secret"), "https://example.com/a?…");
        assert_eq!(shown("user:pass@example.com"), "example.com");
    }
}
