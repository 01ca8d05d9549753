//! Fetches Helm charts from HTTP repositories and OCI registries into a cache that knows each archive by its digest.
//!
//! What is wanted is said by [`Pin`]s: a repository, a chart, a version, and the digest where it is known. [`fetch`] brings them all,
//! several at a time, and answers for each of them: the digest, or a [`FetchError`] that says what was asked, of whom, what came back and
//! what helps. An archive whose digest is known is taken from the [`Cache`] and nobody is asked. Nothing enters the cache that is not the
//! chart and version that it was fetched for.
//!
//! Calls block. Waits between tries are the only thing that takes time by itself, and [`Options`] can replace them.
#![expect(clippy::disallowed_methods, reason = "fetching and keeping files is what this crate is for")]

mod archive;
mod cache;
mod credentials;
mod error;
mod http;
mod index;
mod oci;
mod proxy;
mod url;
mod yaml;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{BufReader, Seek as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use cache::{Cache, CacheError, is_sha256, sha256};
pub use credentials::{Credentials, Login};
pub use error::{DigestOf, FetchError, Kind};
pub use proxy::Proxies;

use archive::same_version;
use credentials::Access;
use http::{Client, Request, Sink};
use index::{Entry, Found};
use oci::{Reference, Registries};
use url::{Url, shown};

/// A chart that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin {
    /// `https://charts.jetstack.io`; or a registry as Argo CD has it, `public.ecr.aws/aws-ec2/helm`, or with `oci://` before it.
    pub repository: String,
    /// The chart's name.
    pub name: String,
    /// The chart's version, one and no range.
    pub version: String,
    /// The archive's digest, where it is known: 64 small hexadecimal digits.
    pub sha256: Option<String>,
    /// The digest of the manifest in a registry, where it is known: `sha256:…`.
    pub oci_digest: Option<String>,
}

impl Pin {
    fn what(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// Whether it comes from a registry rather than from a repository with an index.
    pub fn is_oci(&self) -> bool {
        is_oci(&self.repository)
    }
}

/// Whether a repository is a registry, by how it is written.
pub fn is_oci(repository: &str) -> bool {
    repository.starts_with("oci://") || !repository.contains("://")
}

/// A repository's address as it may be shown: without a login and without a query.
pub fn shown_repository(repository: &str) -> String {
    shown(repository)
}

/// A chart that is in the cache now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The archive's digest.
    pub sha256: String,
    /// The digest of the manifest, where a registry was asked.
    pub oci_digest: Option<String>,
    /// Where it came from, where anybody was asked.
    pub from: Option<String>,
    /// The archive was in the cache already.
    pub cached: bool,
    /// Somebody said the digest beforehand: the pin, the index or the manifest. Otherwise it was read off what came.
    pub expected: bool,
    /// How large the archive is.
    pub bytes: u64,
}

/// A version that a repository offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The version.
    pub version: String,
    /// The archive's digest, where the index says it.
    pub sha256: Option<String>,
    /// The version of the program in it, where the index says it.
    pub app_version: Option<String>,
    /// Its authors ask not to use it any longer.
    pub deprecated: bool,
}

/// What happens while things are fetched. Events of several charts are mixed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An index is read.
    Index {
        /// The repository, as it may be shown.
        repository: &'a str,
    },
    /// Bytes have come.
    Received {
        /// What is fetched.
        what: &'a str,
        /// So many so far.
        bytes: u64,
        /// Of so many, where that was said.
        total: Option<u64>,
    },
    /// It did not work; it is tried again.
    Waiting {
        /// What is fetched.
        what: &'a str,
        /// After so long.
        wait: Duration,
        /// Why.
        why: &'a str,
    },
    /// A chart is there, or will not come.
    Done {
        /// Which one, by its place among the pins.
        index: usize,
        /// Whether it is there.
        fetched: bool,
    },
}

/// Is told what happens, from several threads.
pub type Progress<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// How things are fetched.
#[derive(Clone)]
pub struct Options {
    /// So many at a time.
    pub threads: usize,
    /// So many times without any progress.
    pub tries: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub backoff: Duration,
    /// The longest wait. A server that asks for more is not waited for.
    pub patience: Duration,
    /// How long making a connection may take.
    pub connect: Duration,
    /// How long nothing may come.
    pub silence: Duration,
    /// So many redirects in a row.
    pub redirects: u32,
    /// An index may be as large as this, as it comes over the wire.
    pub most_index: u64,
    /// An archive may be as large as this.
    pub most_archive: u64,
    /// What we call ourselves.
    pub user_agent: String,
    /// The proxies.
    pub proxies: Proxies,
    /// The logins.
    pub credentials: Credentials,
    /// Waits.
    pub sleep: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl Default for Options {
    /// Without proxies and logins.
    fn default() -> Options {
        Options {
            threads: 8,
            tries: 4,
            backoff: Duration::from_millis(500),
            patience: Duration::from_secs(60),
            connect: Duration::from_secs(20),
            silence: Duration::from_secs(60),
            redirects: 10,
            most_index: 512 * 1024 * 1024,
            most_archive: 100 * 1024 * 1024,
            user_agent: concat!("chart-store/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxies: Proxies::default(),
            credentials: Credentials::default(),
            sleep: Arc::new(std::thread::sleep),
        }
    }
}

impl Options {
    /// With the proxies that the environment names and the logins that Helm and Docker know.
    pub fn from_environment(variable: &dyn Fn(&str) -> Option<String>) -> Result<Options, FetchError> {
        Ok(Options {
            proxies: Proxies::load(variable),
            credentials: Credentials::load(variable)?,
            ..Options::default()
        })
    }
}

/// Brings charts into the cache. The answers are in the order of the pins.
pub fn fetch(
    pins: &[Pin],
    cache: &Cache,
    options: &Options,
    progress: Progress<'_>,
) -> Vec<Result<Fetched, FetchError>> {
    let client = Client::new(options, progress);
    let registries = Registries::new(&client);
    let mut results: Vec<Option<Result<Fetched, FetchError>>> =
        parallel(options, pins, |pin| cached(pin, cache).map(Ok));
    for (index, _) in results.iter().enumerate().filter(|(_, result)| result.is_some()) {
        progress(Event::Done { index, fetched: true });
    }
    // Each pin once, however often it is named; each index once, with all that is wanted from it.
    let mut missing: Vec<&Pin> = Vec::new();
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (pin, _) in pins.iter().zip(&results).filter(|(_, result)| result.is_none()) {
        if !missing.contains(&pin) {
            missing.push(pin);
        }
        if !pin.is_oci() {
            wanted.entry(&pin.repository).or_default().insert(&pin.name);
        }
    }
    let indexes = indexes(&client, cache, wanted);
    let brought = parallel(options, &missing, |pin| {
        let result = match indexes.get(pin.repository.as_str()) {
            Some(Ok(index)) => from_repository(&client, cache, pin, index),
            Some(Err(error)) => Err(FetchError { asked: format!("{} ({})", pin.what(), error.asked), ..error.clone() }),
            None => from_registry(&client, &registries, cache, pin),
        };
        for (index, _) in pins.iter().enumerate().filter(|(_, other)| other == pin) {
            progress(Event::Done { index, fetched: result.is_ok() });
        }
        result
    });
    let brought: HashMap<&Pin, Result<Fetched, FetchError>> = missing.into_iter().zip(brought).collect();
    for (pin, result) in pins.iter().zip(&mut results) {
        if result.is_none() {
            *result = brought.get(pin).cloned();
        }
    }
    results.into_iter().flatten().collect()
}

/// Asks which versions of charts there are, each chart by its repository and name. The answers are in the order of the questions, each in
/// the order of its repository.
pub fn versions(
    charts: &[(String, String)],
    cache: &Cache,
    options: &Options,
    progress: Progress<'_>,
) -> Vec<Result<Vec<Offered>, FetchError>> {
    let client = Client::new(options, progress);
    let registries = Registries::new(&client);
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (repository, name) in charts.iter().filter(|(repository, _)| !is_oci(repository)) {
        wanted.entry(repository).or_default().insert(name);
    }
    let indexes = indexes(&client, cache, wanted);
    parallel(options, charts, |(repository, name)| match indexes.get(repository.as_str()) {
        Some(Ok(index)) => match index.found.get(name) {
            Some(entries) => Ok(entries.iter().map(offered).collect()),
            None => Err(not_in_index(name, index)),
        },
        Some(Err(error)) => Err(error.clone()),
        None => {
            let what = format!("the versions of {name}");
            let reference = Reference::new(repository, name)
                .map_err(|why| FetchError::new(Kind::Malformed, &what, shown(repository), why))?;
            let tags = registries.tags(&reference, &what)?;
            let tags = tags.into_iter().map(|tag| Offered {
                version: tag.replace('_', "+"),
                sha256: None,
                app_version: None,
                deprecated: false,
            });
            Ok(tags.collect())
        }
    })
}

fn offered(entry: &Entry) -> Offered {
    Offered {
        version: entry.version.clone(),
        sha256: entry.digest.clone(),
        app_version: entry.app_version.clone(),
        deprecated: entry.deprecated,
    }
}

/// An index, and where it lies.
struct Index {
    url: Url,
    /// The repository as a folder.
    base: Url,
    access: Access,
    found: Found,
}

fn indexes<'r>(
    client: &Client<'_>,
    cache: &Cache,
    wanted: BTreeMap<&'r str, BTreeSet<&'r str>>,
) -> HashMap<&'r str, Result<Index, FetchError>> {
    let wanted: Vec<(&str, BTreeSet<&str>)> = wanted.into_iter().collect();
    let read = parallel(client.options, &wanted, |(repository, names)| index(client, cache, repository, names));
    wanted.into_iter().map(|(repository, _)| repository).zip(read).collect()
}

fn index(client: &Client<'_>, cache: &Cache, repository: &str, names: &BTreeSet<&str>) -> Result<Index, FetchError> {
    let what = "the index";
    let Some(base) = Url::parse(repository) else {
        let came = "this is no address of a repository".to_owned();
        return Err(FetchError::new(Kind::Malformed, what, shown(repository), came));
    };
    let access = client.options.credentials.repository(&base);
    let url = base.below("index.yaml");
    client.tell(Event::Index { repository: &base.to_string() });
    let request = Request {
        url: url.clone(),
        what,
        accept: None,
        authorization: access.login.as_ref().map(Login::header),
        tls: access.tls.clone(),
        compressed: true,
        most: client.options.most_index,
        form: None,
        known_digest: false,
    };
    let unusable = |error: &dyn std::fmt::Display| FetchError::new(Kind::Cache, what, &url, error.to_string());
    // It may be larger than memory, so it waits on the disk until it is whole.
    let (path, file) = cache.temporary().map_err(|error| unusable(&error))?;
    let mut sink = Sink::File(file, 0);
    let result = client.fetch(&request, &mut sink).map_err(|trouble| *trouble.error).and_then(|reply| {
        let Sink::File(mut file, _) = sink else { return Ok(Found::new()) };
        file.rewind().map_err(|error| unusable(&error))?;
        let found = if reply.gzip {
            index::scan(BufReader::with_capacity(64 * 1024, flate2::read::MultiGzDecoder::new(file)), names)
        } else {
            index::scan(BufReader::with_capacity(64 * 1024, file), names)
        };
        found.map_err(|why| FetchError::new(Kind::Malformed, what, &url, why))
    });
    // Nobody looks at it again; that it cannot be removed is no reason to fail.
    let _ = fs::remove_file(&path);
    Ok(Index { found: result?, base: base.folder(), url, access })
}

fn not_in_index(name: &str, index: &Index) -> FetchError {
    FetchError::new(Kind::NotFound, name, &index.url, format!("the index has no chart {name:?}"))
}

/// What is known by its digest and lies in the cache. A damaged archive is fetched again.
fn cached(pin: &Pin, cache: &Cache) -> Option<Fetched> {
    let digest = pin.sha256.as_ref()?;
    let bytes = cache.read(digest).ok()??;
    Some(Fetched {
        sha256: digest.clone(),
        oci_digest: pin.oci_digest.clone(),
        from: None,
        cached: true,
        expected: true,
        bytes: bytes.len() as u64,
    })
}

fn from_repository(client: &Client<'_>, cache: &Cache, pin: &Pin, index: &Index) -> Result<Fetched, FetchError> {
    let what = pin.what();
    let Some(entries) = index.found.get(&pin.name) else {
        return Err(FetchError { asked: what, ..not_in_index(&pin.name, index) });
    };
    let exact = entries.iter().find(|entry| entry.version == pin.version);
    let Some(entry) = exact.or_else(|| entries.iter().find(|entry| same_version(&entry.version, &pin.version))) else {
        let some: Vec<&str> = entries.iter().take(3).map(|entry| entry.version.as_str()).collect();
        let came = match some.as_slice() {
            [] => "the index has no version of it".to_owned(),
            some => format!(
                "the index has no such version, but {}{}",
                some.join(", "),
                if entries.len() > some.len() { " and others" } else { "" }
            ),
        };
        return Err(FetchError::new(Kind::NotFound, what, &index.url, came));
    };
    // Where the pin says what is wanted, the archive itself is held against it; an index may be wrong about an archive.
    if pin.sha256.is_none()
        && let Some(digest) = &entry.digest
        && let Ok(Some(bytes)) = cache.read(digest)
    {
        let bytes = bytes.len() as u64;
        let (sha256, from) = (digest.clone(), Some(index.url.to_string()));
        return Ok(Fetched { sha256, oci_digest: None, from, cached: true, expected: true, bytes });
    }
    let wrong = |came: String| FetchError::new(Kind::Malformed, &what, &index.url, came);
    let Some(reference) = entry.urls.first() else { return Err(wrong("the index has no address of it".to_owned())) };
    if reference.starts_with("oci://") {
        return Err(wrong(format!("it lies in a registry, at {}: name that as its repository", shown(reference))));
    }
    let Some(mut url) = index.base.join(reference) else {
        return Err(wrong(format!("its address in the index is none to fetch from: {}", shown(reference))));
    };
    // As Helm does: the login goes where the index lies, and elsewhere only where the user said so.
    let at_home = url.same_origin(&index.url);
    let login = index.access.login.as_ref().filter(|_| at_home || index.access.pass_to_all).or(url.login.as_ref());
    let authorization = login.map(Login::header);
    url.login = None;
    let expected = pin.sha256.as_ref().or(entry.digest.as_ref());
    let request = Request {
        url: url.clone(),
        what: &what,
        accept: None,
        authorization,
        tls: if at_home || index.access.pass_to_all { index.access.tls.clone() } else { credentials::Tls::default() },
        compressed: false,
        most: client.options.most_archive,
        form: None,
        known_digest: expected.is_some(),
    };
    let (bytes, _) = client.bytes(&request).map_err(|trouble| *trouble.error)?;
    keep(cache, pin, &what, &url, &bytes, expected.map(String::as_str), None)
}

fn from_registry(
    client: &Client<'_>,
    registries: &Registries<'_>,
    cache: &Cache,
    pin: &Pin,
) -> Result<Fetched, FetchError> {
    let what = pin.what();
    let reference = Reference::new(&pin.repository, &pin.name)
        .map_err(|why| FetchError::new(Kind::Malformed, &what, shown(&pin.repository), why))?;
    let manifest = registries.manifest(&reference, pin, &what)?;
    if let Some(wanted) = pin.sha256.as_ref().filter(|wanted| **wanted != manifest.layer) {
        let from = format!("{}/{}", shown(&pin.repository), pin.name);
        return Err(FetchError::wrong_digest(DigestOf::Archive, &what, from, wanted, &manifest.layer));
    }
    if let Ok(Some(bytes)) = cache.read(&manifest.layer) {
        return Ok(Fetched {
            sha256: manifest.layer,
            oci_digest: Some(manifest.digest),
            from: Some(format!("{}/{}", shown(&pin.repository), pin.name)),
            cached: true,
            expected: true,
            bytes: bytes.len() as u64,
        });
    }
    let (bytes, url) = registries.archive(&reference, &manifest, &what, client.options.most_archive)?;
    let layer = manifest.layer.clone();
    keep(cache, pin, &what, &url, &bytes, Some(&layer), Some(manifest.digest))
}

/// Puts what came into the cache, once it is what it should be.
fn keep(
    cache: &Cache,
    pin: &Pin,
    what: &str,
    url: &Url,
    bytes: &[u8],
    expected: Option<&str>,
    oci_digest: Option<String>,
) -> Result<Fetched, FetchError> {
    let found = sha256(bytes);
    if let Some(expected) = expected.filter(|expected| *expected != found) {
        // A page of a portal, say, is worth other words than another archive.
        if !bytes.starts_with(b"\x1f\x8b")
            && let Err((kind, why)) = archive::check(bytes, &pin.name, &pin.version)
        {
            return Err(FetchError::new(kind, what, url, why));
        }
        return Err(FetchError::wrong_digest(DigestOf::Archive, what, url, expected, &found));
    }
    archive::check(bytes, &pin.name, &pin.version).map_err(|(kind, why)| FetchError::new(kind, what, url, why))?;
    let sha256 = cache
        .write(bytes)
        .map_err(|error| FetchError::new(Kind::Cache, what, cache.root().display(), error.to_string()))?;
    Ok(Fetched {
        sha256,
        oci_digest,
        from: Some(url.to_string()),
        cached: false,
        expected: expected.is_some(),
        bytes: bytes.len() as u64,
    })
}

/// Checks that an archive is the chart that it is taken for: a gzip tar whose `Chart.yaml` says that name and version. What is wrong
/// comes back in words.
pub fn check_archive(bytes: &[u8], name: &str, version: &str) -> Result<(), String> {
    archive::check(bytes, name, version).map_err(|(_, why)| why)
}

/// Does the same with each of many things, several at a time; the answers are in their order.
fn parallel<T: Sync, R: Send>(options: &Options, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, 64).min(items.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    let result = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
