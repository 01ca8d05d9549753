//! Charts to serve, a cache to fill, and waits that take no time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chart_store::{Cache, FetchError, Fetched, Options, Pin};
use tempfile::TempDir;

/// An archive of a chart; `fill` bytes that do not compress make it larger.
pub fn archive(name: &str, version: &str, fill: usize) -> Vec<u8> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let metadata = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    let mut noise = 1u32;
    let filling: Vec<u8> = (0..fill)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        })
        .collect();
    for (path, data) in [("Chart.yaml", metadata.as_bytes()), ("files/noise", &filling)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("{name}/{path}"), data).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// An index with one version of one chart.
pub fn index(name: &str, version: &str, digest: Option<&str>, url: &str) -> Vec<u8> {
    let digest = digest.map(|digest| format!("    digest: {digest}\n")).unwrap_or_default();
    format!("apiVersion: v1\nentries:\n  {name}:\n  - apiVersion: v2\n{digest}    name: {name}\n    urls:\n    - {url}\n    version: {version}\ngenerated: \"x\"\n").into_bytes()
}

pub fn pin(repository: &str, name: &str, version: &str) -> Pin {
    Pin {
        repository: repository.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        sha256: None,
        oci_digest: None,
    }
}

/// A cache of its own, options that do not wait, and what they would have waited for.
pub struct Place {
    pub folder: TempDir,
    pub cache: Cache,
    pub options: Options,
    pub waits: Arc<Mutex<Vec<Duration>>>,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let waits: Arc<Mutex<Vec<Duration>>> = Arc::default();
        let seen = Arc::clone(&waits);
        let options = Options { sleep: Arc::new(move |wait| seen.lock().unwrap().push(wait)), ..Options::default() };
        Place { cache: Cache::new(folder.path().join("cache")), folder, options, waits }
    }

    pub fn fetch(&self, pin: &Pin) -> Result<Fetched, FetchError> {
        self.fetch_all(std::slice::from_ref(pin)).remove(0)
    }

    pub fn fetch_all(&self, pins: &[Pin]) -> Vec<Result<Fetched, FetchError>> {
        chart_store::fetch(pins, &self.cache, &self.options, &|_| {})
    }

    /// The waits so far, in milliseconds.
    pub fn waited(&self) -> Vec<u128> {
        self.waits.lock().unwrap().iter().map(Duration::as_millis).collect()
    }

    /// Takes variables for the environment.
    pub fn environment(&mut self, variables: &[(&str, &str)]) {
        let owned: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let read = Options::from_environment(&move |name| {
            owned.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        });
        let read = read.unwrap();
        self.options.credentials = read.credentials;
        self.options.proxies = read.proxies;
    }

    /// Writes a file and says where it lies.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Every file in the cache.
    pub fn kept(&self) -> Vec<String> {
        fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    found.push(path.file_name().unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let mut found = Vec::new();
        walk(self.cache.root(), &mut found);
        found
    }
}
