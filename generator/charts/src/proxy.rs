//! Which requests go through a proxy: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, read as Go reads them, and so Helm.

use std::net::IpAddr;

use crate::url::{Url, split_port};

/// The proxies, and what is asked without them.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    never: Vec<String>,
}

/// A proxy's address may hold a password.
impl std::fmt::Debug for Proxies {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Proxies(…)")
    }
}

impl Proxies {
    /// Reads the variables; small letters win.
    pub fn load(variable: &dyn Fn(&str) -> Option<String>) -> Proxies {
        let either = |name: &str| {
            variable(&name.to_lowercase()).or_else(|| variable(name)).filter(|value| !value.trim().is_empty())
        };
        let never = either("NO_PROXY").unwrap_or_default();
        Proxies {
            http: either("HTTP_PROXY"),
            https: either("HTTPS_PROXY"),
            never: never.split(',').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty()).collect(),
        }
    }

    /// The proxy through which an address is asked. This machine itself is never asked through one.
    pub(crate) fn of(&self, url: &Url) -> Option<&str> {
        let proxy = if url.https { self.https.as_deref() } else { self.http.as_deref() }?;
        (!url.is_loopback() && !self.never.iter().any(|pattern| matches(pattern, url))).then_some(proxy)
    }
}

fn matches(pattern: &str, url: &Url) -> bool {
    if pattern == "*" {
        return true;
    }
    let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let address = bare(&url.host).parse::<IpAddr>().ok();
    if let Some((network, bits)) = pattern.split_once('/') {
        let (Ok(network), Ok(bits), Some(address)) = (network.parse::<IpAddr>(), bits.parse::<u32>(), address) else {
            return false;
        };
        return within(address, network, bits);
    }
    if let (Ok(wanted), Some(address)) = (bare(pattern).parse::<IpAddr>(), address) {
        return wanted == address;
    }
    let (subdomains_only, name) = match pattern.strip_prefix("*.").or_else(|| pattern.strip_prefix('.')) {
        Some(name) => (true, name),
        None => (false, pattern),
    };
    let Some((name, port)) = split_port(name) else { return false };
    if port.is_some_and(|port| port != url.port) {
        return false;
    }
    let below = url.host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'));
    below || !subdomains_only && url.host == name
}

fn within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Proxies;
    use crate::url::Url;

    #[test]
    fn the_variables_are_read_as_go_reads_them() {
        let load = |never: &str| {
            let never = never.to_owned();
            Proxies::load(&move |name| match name {
                "HTTPS_PROXY" => Some("http://proxy:3128".to_owned()),
                "NO_PROXY" => Some(never.clone()),
                _ => None,
            })
        };
        for (never, url, proxied) in [
            ("", "https://example.com", true),
            ("", "http://example.com", false),
            ("", "https://localhost:5000", false),
            ("", "https://127.0.0.9", false),
            ("*", "https://example.com", false),
            ("other.com, example.com", "https://example.com", false),
            ("example.com", "https://charts.example.com", false),
            ("example.com", "https://notexample.com", true),
            (".example.com", "https://example.com", true),
            (".example.com", "https://a.example.com", false),
            ("*.example.com", "https://a.example.com", false),
            ("example.com:8443", "https://example.com", true),
            ("example.com:8443", "https://example.com:8443", false),
            ("10.0.0.0/8", "https://10.1.2.3", false),
            ("10.0.0.0/8", "https://11.1.2.3", true),
            ("fd00::/8", "https://[fd12::1]", false),
            ("10.1.2.3", "https://10.1.2.3", false),
            ("0.0.0.0/0", "https://10.1.2.3", false),
        ] {
            assert_eq!(load(never).of(&Url::parse(url).unwrap()).is_some(), proxied, "{never:?} {url}");
        }
    }
}
