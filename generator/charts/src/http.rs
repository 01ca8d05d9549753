//! Requests: redirects, retries, resumption, proxies, and who gets to see a login.
//!
//! `ureq` makes the connections and frames the messages. What must not go wrong is decided here: a login goes to the host that it is
//! for and to no other, a redirect never leads from https to http, and a download that was cut goes on where it ended only where the
//! server says that it is still the same file.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Seek as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Body, Proxy};

use crate::credentials::Tls;
use crate::error::{FetchError, Kind};
use crate::url::{Url, shown};
use crate::{Event, Options, Progress};

/// Something to ask for.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(crate) url: Url,
    /// What it is, for people.
    pub(crate) what: &'a str,
    pub(crate) accept: Option<&'a str>,
    /// The header that says who asks; for the host of `url` only.
    pub(crate) authorization: Option<String>,
    pub(crate) tls: Tls,
    /// It may come compressed.
    pub(crate) compressed: bool,
    pub(crate) most: u64,
    /// A form to send instead of asking.
    pub(crate) form: Option<String>,
    /// How it will be known whether what came is right: half of it may be taken from a server that does not say which file it is.
    pub(crate) known_digest: bool,
}

/// Where the bytes go.
pub(crate) enum Sink {
    Memory(Vec<u8>),
    File(fs::File, u64),
}

impl Sink {
    fn len(&self) -> u64 {
        match self {
            Sink::Memory(bytes) => bytes.len() as u64,
            Sink::File(_, length) => *length,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Sink::Memory(all) => all.extend_from_slice(bytes),
            Sink::File(file, length) => {
                file.write_all(bytes)?;
                *length += bytes.len() as u64;
            }
        }
        Ok(())
    }

    fn restart(&mut self) -> std::io::Result<()> {
        match self {
            Sink::Memory(bytes) => bytes.clear(),
            Sink::File(file, length) => {
                file.set_len(0)?;
                file.rewind()?;
                *length = 0;
            }
        }
        Ok(())
    }
}

/// What came along with the bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    /// The bytes are compressed by gzip on the way.
    pub(crate) gzip: bool,
    /// `Docker-Content-Digest`
    pub(crate) digest: Option<String>,
    /// `Link`, for lists in pages.
    pub(crate) link: Option<String>,
}

/// A request that did not work, and what may be done.
pub(crate) struct Trouble {
    pub(crate) error: Box<FetchError>,
    /// `WWW-Authenticate`, of the host that was asked first.
    pub(crate) challenges: Vec<String>,
    retry: Retry,
}

enum Retry {
    Never,
    /// After the usual wait, or after the one that the server asks for.
    After(Option<Duration>),
    /// At once, from the start.
    Anew,
}

impl From<FetchError> for Trouble {
    fn from(error: FetchError) -> Trouble {
        Trouble { error: Box::new(error), challenges: Vec::new(), retry: Retry::Never }
    }
}

/// By what it is known that the other half belongs to the first one.
#[derive(Default)]
struct Half {
    validator: Option<String>,
    total: Option<u64>,
    resumable: bool,
}

/// A proxy, and how a server is known where the connection is encrypted.
type Route = (Option<String>, Option<Tls>);

/// Connections, by proxy and by how servers are known.
pub(crate) struct Client<'a> {
    pub(crate) options: &'a Options,
    progress: Progress<'a>,
    agents: Mutex<HashMap<Route, Agent>>,
}

/// So many connections in all, however well each of them starts.
const MOST_CONNECTIONS: u32 = 200;

impl<'a> Client<'a> {
    pub(crate) fn new(options: &'a Options, progress: Progress<'a>) -> Client<'a> {
        Client { options, progress, agents: Mutex::default() }
    }

    pub(crate) fn tell(&self, event: Event<'_>) {
        (self.progress)(event);
    }

    /// Fetches into memory.
    pub(crate) fn bytes(&self, request: &Request<'_>) -> Result<(Vec<u8>, Reply), Trouble> {
        let mut sink = Sink::Memory(Vec::new());
        let reply = self.fetch(request, &mut sink)?;
        match sink {
            Sink::Memory(bytes) => Ok((bytes, reply)),
            Sink::File(..) => Ok((Vec::new(), reply)),
        }
    }

    /// Fetches until everything is there, or until there is no hope.
    pub(crate) fn fetch(&self, request: &Request<'_>, sink: &mut Sink) -> Result<Reply, Trouble> {
        let mut half = Half::default();
        let (mut tries, mut connections) = (0, 0);
        loop {
            let had = sink.len();
            let trouble = match self.attempt(request, sink, &mut half) {
                Ok(reply) => return Ok(reply),
                Err(trouble) => trouble,
            };
            connections += 1;
            // Whoever sends something each time is asked again and again, but not for ever.
            tries = if sink.len() > had { 1 } else { tries + 1 };
            let asked = match trouble.retry {
                Retry::Never => return Err(trouble),
                _ if tries >= self.options.tries || connections >= MOST_CONNECTIONS => return Err(trouble),
                Retry::Anew => continue,
                Retry::After(asked) => asked,
            };
            if asked.is_some_and(|asked| asked > self.options.patience) {
                return Err(trouble);
            }
            let doubled = 2u32.saturating_pow(tries - 1);
            let usual = self.options.backoff.saturating_mul(doubled).min(self.options.patience);
            let wait = asked.unwrap_or(usual);
            (self.progress)(Event::Waiting { what: request.what, wait, why: &trouble.error.came });
            (self.options.sleep)(wait);
        }
    }

    /// One connection after the other along redirects, then the body.
    fn attempt(&self, request: &Request<'_>, sink: &mut Sink, half: &mut Half) -> Result<Reply, Trouble> {
        let wrong = |kind, url: &Url, came: String| FetchError::new(kind, request.what, url, came);
        if sink.len() > 0 && !half.resumable {
            sink.restart().map_err(|error| self.unwritten(request, &error))?;
        }
        let had = sink.len();
        let mut url = request.url.clone();
        let mut at_home = true;
        let mut hops = 0;
        let response = loop {
            let response = self.send(request, &url, at_home, had, half)?;
            let status = response.status();
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                break response;
            }
            let to = text(&response, header::LOCATION).unwrap_or_default();
            let next = url.join(&to);
            let refuse = |why: &str| wrong(Kind::BadRedirect, &url, format!("it leads to {}, {why}", shown(&to)));
            let Some(mut next) = next.filter(|_| !to.is_empty()) else {
                return Err(refuse("which is no address to fetch from").into());
            };
            if url.https && !next.https {
                return Err(refuse("which is not encrypted").into());
            }
            if request.form.is_some() {
                return Err(refuse("where a login is not sent to").into());
            }
            hops += 1;
            if hops > self.options.redirects {
                let came = format!("more than {} redirects, the last one to {next}", self.options.redirects);
                return Err(wrong(Kind::TooManyRedirects, &request.url, came).into());
            }
            // Once it left the host, a login does not go along, not even back.
            at_home &= next.same_origin(&request.url);
            next.login = None;
            url = next;
        };
        let status = response.status();
        if !status.is_success() {
            return Err(self.refused(request, &url, at_home, &response, sink, half));
        }
        let length = text(&response, header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        let total = if status == StatusCode::PARTIAL_CONTENT {
            let range = text(&response, header::CONTENT_RANGE).and_then(|range| content_range(&range));
            match range {
                Some((start, total))
                    if start == had && total.is_none_or(|total| half.total.is_none_or(|known| known == total)) =>
                {
                    total.or(length.map(|length| had + length))
                }
                _ => {
                    half.resumable = false;
                    let came = "another part came than the one that was asked for".to_owned();
                    let error = wrong(Kind::Cut, &url, came);
                    return Err(Trouble { retry: Retry::Anew, ..error.into() });
                }
            }
        } else {
            if had > 0 {
                sink.restart().map_err(|error| self.unwritten(request, &error))?;
            }
            length
        };
        if total.is_some_and(|total| total > request.most) {
            return Err(self.too_large(request, &url, total).into());
        }
        let strong = text(&response, header::ETAG).filter(|tag| !tag.starts_with("W/"));
        half.validator = strong.or_else(|| text(&response, header::LAST_MODIFIED));
        half.total = total;
        half.resumable =
            request.form.is_none() && (half.validator.is_some() || request.known_digest && total.is_some());
        let reply = Reply {
            gzip: text(&response, header::CONTENT_ENCODING).is_some_and(|encoding| encoding.contains("gzip")),
            digest: named(&response, "docker-content-digest"),
            link: text(&response, header::LINK),
        };
        self.body(request, &url, response, total, sink)?;
        Ok(reply)
    }

    fn body(
        &self,
        request: &Request<'_>,
        url: &Url,
        response: Response<Body>,
        total: Option<u64>,
        sink: &mut Sink,
    ) -> Result<(), Trouble> {
        let mut reader = response.into_body().into_reader();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.cut(request, url, sink.len(), total, Some(&error))),
            };
            if sink.len() + count as u64 > request.most {
                return Err(self.too_large(request, url, None).into());
            }
            sink.write(&buffer[..count]).map_err(|error| self.unwritten(request, &error))?;
            (self.progress)(Event::Received { what: request.what, bytes: sink.len(), total });
        }
        if total.is_some_and(|total| total != sink.len()) {
            return Err(self.cut(request, url, sink.len(), total, None));
        }
        Ok(())
    }

    fn send(
        &self,
        request: &Request<'_>,
        url: &Url,
        at_home: bool,
        had: u64,
        half: &Half,
    ) -> Result<Response<Body>, Trouble> {
        let agent = self.agent(request, url, at_home)?;
        let mut headers: Vec<(header::HeaderName, String)> = Vec::new();
        if let Some(accept) = request.accept {
            headers.push((header::ACCEPT, accept.to_owned()));
        }
        headers.push((header::ACCEPT_ENCODING, if request.compressed { "gzip" } else { "identity" }.to_owned()));
        if let Some(authorization) = request.authorization.as_ref().filter(|_| at_home) {
            headers.push((header::AUTHORIZATION, authorization.clone()));
        }
        if had > 0 {
            headers.push((header::RANGE, format!("bytes={had}-")));
            if let Some(validator) = &half.validator {
                headers.push((header::IF_RANGE, validator.clone()));
            }
        }
        let address = url.request();
        let result = match &request.form {
            Some(form) => {
                let start = agent.post(&address).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                headers.into_iter().fold(start, |all, (name, value)| all.header(name, value)).send(form.as_str())
            }
            None => headers.into_iter().fold(agent.get(&address), |all, (name, value)| all.header(name, value)).call(),
        };
        result.map_err(|error| self.not_sent(request, url, &error))
    }

    /// A status that is no success.
    fn refused(
        &self,
        request: &Request<'_>,
        url: &Url,
        at_home: bool,
        response: &Response<Body>,
        sink: &mut Sink,
        half: &mut Half,
    ) -> Trouble {
        let status = response.status();
        let words = match status.canonical_reason() {
            Some(reason) => format!("the answer was {} {reason}", status.as_u16()),
            None => format!("the answer was {}", status.as_u16()),
        };
        let error = |kind, came: String| FetchError::new(kind, request.what, url, came);
        match status.as_u16() {
            401 | 403 => {
                let known = if request.authorization.is_some() && at_home {
                    "with the login that is known"
                } else {
                    "without a login"
                };
                let challenges = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
                let challenges = challenges.filter_map(|value| value.to_str().ok()).map(str::to_owned);
                Trouble {
                    challenges: challenges.filter(|_| at_home && status.as_u16() == 401).collect(),
                    error: Box::new(error(Kind::Unauthorised, format!("{words}, {known}"))),
                    retry: Retry::Never,
                }
            }
            404 | 410 => error(Kind::NotFound, words).into(),
            416 if sink.len() > 0 => {
                half.resumable = false;
                Trouble { retry: Retry::Anew, ..error(Kind::Cut, words).into() }
            }
            408 | 425 | 429 | 500 | 502 | 503 | 504 => {
                let asked = text(response, header::RETRY_AFTER);
                let wait =
                    asked.as_deref().and_then(|asked| retry_after(asked, text(response, header::DATE).as_deref()));
                let came = match wait {
                    Some(wait) => format!("{words}, try again in {} s", wait.as_secs()),
                    None => words,
                };
                Trouble { retry: Retry::After(wait), ..error(Kind::Busy, came).into() }
            }
            other => error(Kind::Status(other), words).into(),
        }
    }

    fn not_sent(&self, request: &Request<'_>, url: &Url, error: &ureq::Error) -> Trouble {
        let proxy = self.options.proxies.of(url);
        let by = proxy.map(|proxy| format!(" (through the proxy {})", shown(proxy))).unwrap_or_default();
        let (kind, came, again) = match error {
            ureq::Error::Timeout(_) => (Kind::Timeout, "no answer came in time".to_owned(), true),
            ureq::Error::HostNotFound => (Kind::Unreachable, "the host is not known".to_owned(), true),
            ureq::Error::ConnectionFailed => (Kind::Unreachable, "no connection could be made".to_owned(), true),
            ureq::Error::ConnectProxyFailed(why) => {
                (Kind::Unreachable, format!("the proxy refused: {}", why.trim()), false)
            }
            ureq::Error::InvalidProxyUrl => (Kind::Unreachable, "the proxy's address cannot be read".to_owned(), false),
            ureq::Error::Rustls(why) => (Kind::Tls, why.to_string(), false),
            ureq::Error::Tls(why) => (Kind::Tls, (*why).to_owned(), false),
            ureq::Error::Io(why) if is_tls(why) => (Kind::Tls, why.to_string(), false),
            ureq::Error::Io(why) if why.kind() == std::io::ErrorKind::ConnectionRefused => {
                (Kind::Unreachable, "the connection was refused".to_owned(), true)
            }
            ureq::Error::Io(why) => (Kind::Cut, format!("the connection broke: {why}"), true),
            ureq::Error::Protocol(why) => (Kind::Cut, format!("what came is no HTTP: {why}"), true),
            ureq::Error::LargeResponseHeader(..) => {
                (Kind::TooLarge, "the answer's head is too large".to_owned(), false)
            }
            // Nothing that is said here comes from us, so nothing secret is in it but what addresses hold.
            _ => (Kind::Unreachable, "the request could not be made".to_owned(), false),
        };
        let retry = if again { Retry::After(None) } else { Retry::Never };
        Trouble { retry, ..FetchError::new(kind, request.what, url, came + &by).into() }
    }

    fn cut(
        &self,
        request: &Request<'_>,
        url: &Url,
        came: u64,
        total: Option<u64>,
        error: Option<&std::io::Error>,
    ) -> Trouble {
        let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
        let late = error.is_some_and(|error| {
            error.kind() == std::io::ErrorKind::TimedOut
                || error
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<ureq::Error>())
                    .is_some_and(|inner| matches!(inner, ureq::Error::Timeout(_)))
        });
        let error = if late {
            FetchError::new(Kind::Timeout, request.what, url, format!("nothing more came after {came} bytes{of}"))
        } else {
            FetchError::new(Kind::Cut, request.what, url, format!("the connection ended after {came} bytes{of}"))
        };
        Trouble { retry: Retry::After(None), ..error.into() }
    }

    fn too_large(&self, request: &Request<'_>, url: &Url, total: Option<u64>) -> FetchError {
        let size = total.map(|total| format!("{total} bytes, ")).unwrap_or_default();
        FetchError::new(
            Kind::TooLarge,
            request.what,
            url,
            format!("it is larger than it may be: {size}{} at most", request.most),
        )
    }

    fn unwritten(&self, request: &Request<'_>, error: &std::io::Error) -> FetchError {
        FetchError::new(Kind::Cache, request.what, &request.url, format!("what came cannot be written: {error}"))
    }

    fn agent(&self, request: &Request<'_>, url: &Url, at_home: bool) -> Result<Agent, FetchError> {
        let wrong = |kind, came: String| FetchError::new(kind, request.what, url, came);
        let proxy = self.options.proxies.of(url).map(str::to_owned);
        // A certificate of ours is a login too; another host is known by the system's authorities.
        let tls = url.https.then(|| if at_home { request.tls.clone() } else { Tls::default() });
        let key = (proxy, tls);
        if let Some(agent) = self.agents.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(agent.clone());
        }
        let proxy = match &key.0 {
            None => None,
            Some(text) => {
                let proxy = Proxy::new(text).ok().filter(|proxy| proxy.protocol() == ureq::ProxyProtocol::Http);
                let why = || format!("the proxy {} is not supported: name an http:// address", shown(text));
                Some(proxy.ok_or_else(|| wrong(Kind::Unreachable, why()))?)
            }
        };
        let mut builder = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .user_agent(self.options.user_agent.as_str())
            .timeout_resolve(Some(self.options.connect))
            .timeout_connect(Some(self.options.connect))
            .timeout_recv_response(Some(self.options.silence))
            .timeout_per_read(Some(self.options.silence))
            .timeout_per_write(Some(self.options.silence))
            .max_idle_connections_per_host(self.options.threads.max(1));
        if let Some(tls) = &key.1 {
            builder = builder.tls_config(tls_config(tls).map_err(|why| wrong(Kind::Tls, why))?);
        }
        let agent: Agent = builder.build().into();
        self.agents.lock().unwrap_or_else(PoisonError::into_inner).insert(key, agent.clone());
        Ok(agent)
    }
}

fn text(response: &Response<Body>, name: header::HeaderName) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.trim().to_owned())
}

fn named(response: &Response<Body>, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.trim().to_owned())
}

fn is_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

fn tls_config(tls: &Tls) -> Result<TlsConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = match &tls.ca {
        Some(path) => {
            let certificates = certificates(path)?;
            if certificates.is_empty() {
                return Err(format!("{} holds no certificate", path.display()));
            }
            certificates
        }
        None if tls.unchecked => Vec::new(),
        None => {
            let found = rustls_native_certs::load_native_certs().certs;
            if found.is_empty() {
                return Err("this system has no certificates of authorities".to_owned());
            }
            found.iter().map(|certificate| Certificate::from_der(certificate.as_ref()).to_owned()).collect()
        }
    };
    let client = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => Some(client_certificate(certificate, key, &provider)?),
        _ => None,
    };
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .client_cert(client)
        .disable_verification(tls.unchecked)
        .build())
}

fn pem(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let mut found = Vec::new();
    for item in parse_pem(&pem(path)?) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(format!("{} is no PEM file", path.display())),
        }
    }
    Ok(found)
}

fn client_certificate(
    certificate: &Path,
    key: &Path,
    provider: &rustls::crypto::CryptoProvider,
) -> Result<ClientCert, String> {
    let chain = certificates(certificate)?;
    let unusable = || format!("{} and {} are no certificate with its key", certificate.display(), key.display());
    let private = PrivateKey::from_pem(&pem(key)?).map_err(|_| unusable())?;
    // The client takes for granted that they fit.
    let der = rustls::pki_types::PrivateKeyDer::try_from(private.der().to_vec()).map_err(|_| unusable())?;
    let ders = chain.iter().map(|part| rustls::pki_types::CertificateDer::from(part.der().to_vec())).collect();
    rustls::sign::CertifiedKey::from_der(ders, der, provider).map_err(|_| unusable())?;
    Ok(ClientCert::new_with_certs(&chain, private))
}

/// `bytes 5-9/10`: where the part starts, and how much there is in all.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

/// Seconds, or a date, which is held against the server's own clock.
fn retry_after(asked: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let (until, now) = (seconds(asked)?, seconds(date?)?);
    Some(Duration::from_secs(until.saturating_sub(now)))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` in seconds of some count.
fn seconds(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = date.split_once(", ")?.1.split_ascii_whitespace();
    let day: u64 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as u64 + 1;
    let year: u64 = parts.next()?.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let clock: Vec<u64> = parts.next()?.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour, minute, second] = clock.as_slice() else { return None };
    if day > 31 || *hour > 24 || *minute > 60 || *second > 61 {
        return None;
    }
    // Days since 1 March of the year 0.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::{content_range, retry_after};
    use std::time::Duration;

    #[test]
    fn waits_are_seconds_or_dates_of_the_servers_clock() {
        let date = Some("Fri, 31 Dec 1999 23:59:30 GMT");
        assert_eq!(retry_after("7", None), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sat, 01 Jan 2000 00:01:00 GMT", date), Some(Duration::from_secs(90)));
        assert_eq!(retry_after("Fri, 31 Dec 1999 23:59:00 GMT", date), Some(Duration::ZERO));
        assert_eq!(retry_after("Sat, 01 Jan 2000 00:01:00 GMT", None), None);
        assert_eq!(retry_after("soon", date), None);
        assert_eq!(retry_after("Xxx, 99 Foo 2000 00:01:00 GMT", date), None);
    }

    #[test]
    fn parts_say_where_they_start() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(content_range("bytes */10"), None);
    }
}
