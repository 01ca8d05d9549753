//! Addresses, as Go's `net/url` takes them apart and puts them together.

use super::{Arguments, FunctionError, Return, fail};
use crate::functions::format;
use crate::value::{Map, Value};

/// The parts of an address, decoded.
#[derive(Debug, Default)]
struct Address {
    scheme: String,
    opaque: String,
    user: Option<User>,
    host: String,
    path: String,
    /// The path as it was written, where that is not how it would be encoded.
    raw_path: String,
    force_query: bool,
    query: String,
    fragment: String,
    raw_fragment: String,
}

#[derive(Debug)]
struct User {
    name: String,
    password: Option<String>,
}

/// Which part of an address is encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

fn escapes(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    if matches!(part, Part::Host | Part::Zone) && b"!$&'()*+,;=:[]<>\"".contains(&byte) {
        return false;
    }
    match byte {
        b'-' | b'_' | b'.' | b'~' => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => byte == b'?',
            Part::User => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Part::Fragment => false,
            Part::Host | Part::Zone => true,
        },
        b'!' | b'(' | b')' | b'*' if part == Part::Fragment => false,
        _ => true,
    }
}

fn escape(text: &str, part: Part) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if escapes(byte, part) {
            escaped.push_str(&format!("%{byte:02X}"));
        } else {
            escaped.push(char::from(byte));
        }
    }
    escaped
}

fn unescape(text: &str, part: Part) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut to = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let digits =
                text.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let Some(value) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
                let mut end = (at + 3).min(bytes.len());
                while !text.is_char_boundary(end) {
                    end += 1;
                }
                return Err(format!("invalid URL escape {}", format::quote(&text[at..end])));
            };
            if part == Part::Host && value < 0x80 && value != b'%' {
                return Err(format!("invalid URL escape {}", format::quote(&text[at..at + 3])));
            }
            if part == Part::Zone && value != b'%' && value != b' ' && escapes(value, Part::Host) {
                return Err(format!("invalid URL escape {}", format::quote(&text[at..at + 3])));
            }
            to.push(value);
            at += 3;
        } else {
            if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && escapes(byte, part) {
                let wrong = format::quote(&char::from(byte).to_string());
                return Err(format!("invalid character {wrong} in host name"));
            }
            to.push(byte);
            at += 1;
        }
    }
    Ok(String::from_utf8_lossy(&to).into_owned())
}

/// Whether it is how a path or fragment may be written.
fn encoded_well(text: &str, part: Part) -> bool {
    text.bytes().all(|byte| match byte {
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'[' | b']'
        | b'%' => true,
        byte => !escapes(byte, part),
    })
}

impl Address {
    fn parse(text: &str) -> Result<Address, String> {
        let (main, fragment) = text.split_once('#').unwrap_or((text, ""));
        let mut address =
            Address::parse_main(main).map_err(|error| format!("parse {}: {error}", format::quote(main)))?;
        if !fragment.is_empty() {
            address.fragment = unescape(fragment, Part::Fragment)
                .map_err(|error| format!("parse {}: {error}", format::quote(text)))?;
            if escape(&address.fragment, Part::Fragment) != fragment {
                address.raw_fragment = fragment.to_owned();
            }
        }
        Ok(address)
    }

    fn parse_main(text: &str) -> Result<Address, String> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut address = Address::default();
        if text == "*" {
            address.path = "*".to_owned();
            return Ok(address);
        }
        let (scheme, mut rest) = scheme(text)?;
        address.scheme = scheme.to_ascii_lowercase();
        if rest.ends_with('?') && rest.matches('?').count() == 1 {
            address.force_query = true;
            rest = &rest[..rest.len() - 1];
        } else if let Some((before, query)) = rest.split_once('?') {
            rest = before;
            address.query = query.to_owned();
        }
        if !rest.starts_with('/') {
            if !address.scheme.is_empty() {
                address.opaque = rest.to_owned();
                return Ok(address);
            }
            let segment = rest.split('/').next().unwrap_or_default();
            if segment.contains(':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        if let Some(after) = rest.strip_prefix("//")
            && (!address.scheme.is_empty() || !rest.starts_with("///"))
        {
            let end = after.find('/').unwrap_or(after.len());
            let authority;
            (authority, rest) = after.split_at(end);
            address.authority(authority)?;
        }
        address.path = unescape(rest, Part::Path)?;
        if escape(&address.path, Part::Path) != rest {
            address.raw_path = rest.to_owned();
        }
        Ok(address)
    }

    fn authority(&mut self, authority: &str) -> Result<(), String> {
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        self.host = host_of(host)?;
        if let Some(user) = user {
            let valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%".contains(c);
            if !user.chars().all(valid) {
                return Err("net/url: invalid userinfo".to_owned());
            }
            self.user = Some(match user.split_once(':') {
                None => User { name: unescape(user, Part::User)?, password: None },
                Some((name, password)) => {
                    User { name: unescape(name, Part::User)?, password: Some(unescape(password, Part::User)?) }
                }
            });
        }
        Ok(())
    }

    fn hostname(&self) -> &str {
        let without_port = match self.host.rfind(':') {
            Some(colon) if is_port(&self.host[colon..]) => &self.host[..colon],
            _ => &self.host,
        };
        match without_port.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(bare) => bare,
            None => without_port,
        }
    }

    fn written(&self) -> String {
        let mut to = String::new();
        if !self.scheme.is_empty() {
            to.push_str(&self.scheme);
            to.push(':');
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    to.push_str("//");
                }
                if let Some(user) = &self.user {
                    to.push_str(&user.written());
                    to.push('@');
                }
                to.push_str(&escape(&self.host, Part::Host));
            }
            let path = self.written_path();
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                to.push('/');
            }
            if to.is_empty() && path.split('/').next().is_some_and(|segment| segment.contains(':')) {
                to.push_str("./");
            }
            to.push_str(&path);
        } else {
            to.push_str(&self.opaque);
        }
        if self.force_query || !self.query.is_empty() {
            to.push('?');
            to.push_str(&self.query);
        }
        if !self.fragment.is_empty() {
            to.push('#');
            let raw = &self.raw_fragment;
            let kept = !raw.is_empty()
                && encoded_well(raw, Part::Fragment)
                && unescape(raw, Part::Fragment).is_ok_and(|decoded| decoded == self.fragment);
            to.push_str(&if kept { raw.clone() } else { escape(&self.fragment, Part::Fragment) });
        }
        to
    }

    fn written_path(&self) -> String {
        let raw = &self.raw_path;
        if !raw.is_empty()
            && encoded_well(raw, Part::Path)
            && unescape(raw, Part::Path).is_ok_and(|decoded| decoded == self.path)
        {
            return raw.clone();
        }
        if self.path == "*" { "*".to_owned() } else { escape(&self.path, Part::Path) }
    }
}

impl User {
    fn written(&self) -> String {
        let name = escape(&self.name, Part::User);
        match &self.password {
            Some(password) => format!("{name}:{}", escape(password, Part::User)),
            None => name,
        }
    }
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn host_of(host: &str) -> Result<String, String> {
    if host.starts_with('[') {
        let Some(end) = host.rfind(']') else {
            return Err("missing ']' in host".to_owned());
        };
        let port = &host[end + 1..];
        if !port.is_empty() && !is_port(port) {
            return Err(format!("invalid port {} after host", format::quote(port)));
        }
        if let Some(zone) = host[..end].find("%25") {
            let parts = [
                unescape(&host[..zone], Part::Host)?,
                unescape(&host[zone..end], Part::Zone)?,
                unescape(&host[end..], Part::Host)?,
            ];
            return Ok(parts.concat());
        }
    } else if let Some(colon) = host.rfind(':')
        && !is_port(&host[colon..])
    {
        return Err(format!("invalid port {} after host", format::quote(&host[colon..])));
    }
    unescape(host, Part::Host)
}

pub(super) fn parse(args: &Arguments<'_>) -> Return {
    let address = match Address::parse(args.text(0)) {
        Ok(address) => address,
        Err(error) => return fail(format!("unable to parse url: {error}")),
    };
    Ok(Value::map([
        ("scheme", address.scheme.clone()),
        ("host", address.host.clone()),
        ("hostname", address.hostname().to_owned()),
        ("path", address.path.clone()),
        ("query", address.query.clone()),
        ("opaque", address.opaque.clone()),
        ("fragment", address.fragment.clone()),
        ("userinfo", address.user.as_ref().map(User::written).unwrap_or_default()),
    ]))
}

fn part_of(map: Option<&Map>, key: &str) -> Result<String, FunctionError> {
    match map.and_then(|map| map.get(key)) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.to_string()),
        Some(Value::Nil) => super::nil_pointer(),
        Some(value) => fail(format!("unable to parse {key} key, must be of type string, but {} found", value.kind())),
    }
}

pub(super) fn join(args: &Arguments<'_>) -> Return {
    let map = args.map(0);
    let mut address = Address {
        scheme: part_of(map, "scheme")?,
        host: part_of(map, "host")?,
        path: part_of(map, "path")?,
        query: part_of(map, "query")?,
        opaque: part_of(map, "opaque")?,
        fragment: part_of(map, "fragment")?,
        ..Address::default()
    };
    let user = part_of(map, "userinfo")?;
    if !user.is_empty() {
        match Address::parse(&format!("proto://{user}@host")) {
            Ok(parsed) => address.user = parsed.user,
            Err(error) => return fail(format!("unable to parse userinfo in dict: {error}")),
        }
    }
    Ok(address.written().into())
}
