//! Repositories with an index.

use chart_store::{Kind, Pin, sha256};

use crate::server::{Server, answer};
use crate::support::{Place, archive, index, pin};

#[test]
fn a_chart_is_fetched_once() {
    let chart = archive("web", "1.0.0", 0);
    let digest = sha256(&chart);
    let server = Server::of(vec![
        ("/stable/index.yaml", index("web", "1.0.0", Some(&digest), "charts/web-1.0.0.tgz")),
        ("/stable/charts/web-1.0.0.tgz", chart.clone()),
    ]);
    let place = Place::new();
    let wanted = pin(&format!("{}/stable/", server.url()), "web", "1.0.0");
    let fetched = place.fetch(&wanted).unwrap();
    assert_eq!((fetched.sha256.as_str(), fetched.cached, fetched.expected), (digest.as_str(), false, true));
    assert_eq!(fetched.bytes, chart.len() as u64);
    assert_eq!(place.cache.read(&digest).unwrap().unwrap(), chart);
    assert_eq!(place.kept(), [format!("{digest}.tgz")]);
    assert_eq!(server.paths(), ["/stable/index.yaml", "/stable/charts/web-1.0.0.tgz"]);
    // The index is asked what the digest is, and that is in the cache.
    assert!(place.fetch(&wanted).unwrap().cached);
    assert_eq!(server.paths().len(), 3);
    // The digest is known: nobody is asked.
    let known = Pin { sha256: Some(digest.clone()), ..wanted.clone() };
    assert!(place.fetch(&known).unwrap().cached);
    assert_eq!(server.paths().len(), 3);
    // What was damaged on the disk is fetched again.
    std::fs::write(place.cache.path(&digest), b"damaged").unwrap();
    assert!(place.cache.read(&digest).unwrap_err().to_string().contains("which is not its name"));
    assert!(!place.fetch(&known).unwrap().cached);
    assert_eq!(place.cache.read(&digest).unwrap().unwrap(), chart);
}

#[test]
fn addresses_may_be_absolute_and_lie_elsewhere() {
    let chart = archive("web", "1.0.0", 0);
    let files = Server::of(vec![("/x/web.tgz", chart.clone())]);
    let at = format!("{}/x/web.tgz", files.other_url());
    let server = Server::of(vec![("/index.yaml", index("web", "v1.0.0", None, &at))]);
    let place = Place::new();
    // As Helm has it, a version is found with or without its `v`.
    let fetched = place.fetch(&pin(&server.url(), "web", "1.0.0")).unwrap();
    assert_eq!(fetched.sha256, sha256(&chart));
    assert!(!fetched.expected, "nobody had said the digest");
    let registry = Server::of(vec![("/index.yaml", index("web", "1.0.0", None, "oci://example.com/web:1.0.0"))]);
    let error = place.fetch(&pin(&registry.url(), "web", "1.0.0")).unwrap_err();
    assert!(error.to_string().contains("oci://example.com/web:1.0.0: name that as its repository"), "{error}");
    let local = Server::of(vec![("/index.yaml", index("web", "1.0.0", None, "file:///etc/passwd"))]);
    assert_eq!(place.fetch(&pin(&local.url(), "web", "1.0.0")).unwrap_err().kind, Kind::Malformed);
}

#[test]
fn many_charts_of_one_repository_read_its_index_once() {
    let charts: Vec<(String, Vec<u8>)> =
        (0..20).map(|n| (format!("chart{n}"), archive(&format!("chart{n}"), "1.0.0", n * 1000))).collect();
    let mut text = "entries:\n".to_owned();
    for (name, bytes) in &charts {
        text += &format!("  {name}:\n  - version: 1.0.0\n    digest: {}\n    urls: [{name}.tgz]\n", sha256(bytes));
    }
    let paths: Vec<String> = charts.iter().map(|(name, _)| format!("/{name}.tgz")).collect();
    let mut files: Vec<(&str, Vec<u8>)> =
        paths.iter().map(String::as_str).zip(charts.iter().map(|(_, bytes)| bytes.clone())).collect();
    files.push(("/index.yaml", text.into_bytes()));
    let server = Server::of(files);
    let place = Place::new();
    let mut pins: Vec<Pin> = charts.iter().map(|(name, _)| pin(&server.url(), name, "1.0.0")).collect();
    // One twice, one that is not there: the others come, and the answers are in order.
    pins.push(pins[3].clone());
    pins.insert(5, pin(&server.url(), "none", "1.0.0"));
    let results = place.fetch_all(&pins);
    assert_eq!(results.len(), 22);
    for (pin, result) in pins.iter().zip(&results) {
        match charts.iter().find(|(name, _)| *name == pin.name) {
            Some((_, bytes)) => assert_eq!(result.as_ref().unwrap().sha256, sha256(bytes)),
            None => assert_eq!(result.as_ref().unwrap_err().kind, Kind::NotFound),
        }
    }
    let paths = server.paths();
    assert_eq!(paths.iter().filter(|path| *path == "/index.yaml").count(), 1);
    assert_eq!(paths.len(), 21);
}

#[test]
fn what_is_not_there_is_named() {
    let server = Server::of(vec![("/index.yaml", index("web", "1.0.0", None, "web.tgz"))]);
    let place = Place::new();
    let url = server.url();
    for (repository, name, version, words) in [
        (url.clone(), "api", "1.0.0", format!("api 1.0.0 from {url}/index.yaml: the index has no chart \"api\"")),
        (
            url.clone(),
            "web",
            "2.0.0",
            format!("web 2.0.0 from {url}/index.yaml: the index has no such version, but 1.0.0"),
        ),
        (url.clone(), "web", "1.0.0", format!("web 1.0.0 from {url}/web.tgz: the answer was 404 Not Found")),
        (
            format!("{url}/none"),
            "web",
            "1.0.0",
            format!("web 1.0.0 (the index) from {url}/none/index.yaml: the answer was 404 Not Found"),
        ),
    ] {
        let error = place.fetch(&pin(&repository, name, version)).unwrap_err();
        assert_eq!((error.kind.clone(), error.to_string()), (Kind::NotFound, words));
    }
    assert!(place.kept().is_empty());
    assert!(place.waited().is_empty(), "what is not there does not come later");
}

#[test]
fn an_index_may_be_compressed_on_the_way() {
    use std::io::Write as _;
    let chart = archive("web", "1.0.0", 0);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&index("web", "1.0.0", None, "web.tgz")).unwrap();
    let packed = encoder.finish().unwrap();
    let server = Server::start(move |asked, stream| match asked.path.as_str() {
        "/index.yaml" => {
            assert_eq!(asked.header("accept-encoding"), Some("gzip"));
            answer(stream, 200, &[("Content-Encoding", "gzip")], &packed);
        }
        _ => {
            // An archive is what it is: its digest is of these bytes.
            assert_eq!(asked.header("accept-encoding"), Some("identity"));
            answer(stream, 200, &[], &chart);
        }
    });
    Place::new().fetch(&pin(&server.url(), "web", "1.0.0")).unwrap();
}

#[test]
fn versions_are_listed() {
    let text =
        "entries:\n  web:\n  - version: 2.0.0\n    appVersion: \"9\"\n  - version: 1.0.0\n    deprecated: true\n";
    let server = Server::of(vec![("/index.yaml", text.as_bytes().to_vec())]);
    let place = Place::new();
    let charts = [(server.url(), "web".to_owned()), (server.url(), "api".to_owned())];
    let mut found = chart_store::versions(&charts, &place.cache, &place.options, &|_| {});
    assert_eq!(found.pop().unwrap().unwrap_err().kind, Kind::NotFound);
    let offered = found.pop().unwrap().unwrap();
    let short: Vec<_> =
        offered.iter().map(|one| (one.version.as_str(), one.app_version.as_deref(), one.deprecated)).collect();
    assert_eq!(short, [("2.0.0", Some("9"), false), ("1.0.0", None, true)]);
}
