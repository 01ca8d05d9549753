//! Registries, with the faults that they have.

use std::sync::{Arc, Mutex};

use chart_store::{DigestOf, Kind, Pin, sha256};
use serde_json::{Value, json};

use crate::server::{Asked, Server, answer, cut, part};
use crate::support::{Place, archive, pin};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// `user:secret`
const LOGIN: &str = "Basic dXNlcjpzZWNyZXQ=";

fn manifest(chart: &[u8]) -> Value {
    json!({
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "sha256:0", "size": 1},
        "layers": [
            {"mediaType": "application/vnd.cncf.helm.chart.provenance.v1.prov", "digest": "sha256:1", "size": 1},
            {
                "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                "digest": format!("sha256:{}", sha256(chart)),
                "size": chart.len(),
            },
        ],
    })
}

/// Answers for one chart, `charts/web 1.0.0`, to whoever has come so far.
fn open(asked: &Asked, stream: &mut std::net::TcpStream, manifest: &[u8], chart: &[u8]) {
    match asked.path.as_str() {
        "/v2/charts/web/manifests/1.0.0" | "/v2/charts/web/manifests/1.0.0_7" => {
            assert!(asked.header("accept").unwrap().contains(MANIFEST));
            answer(stream, 200, &[("Content-Type", MANIFEST)], manifest);
        }
        path if path == format!("/v2/charts/web/blobs/sha256:{}", sha256(chart)) => answer(stream, 200, &[], chart),
        _ => answer(stream, 404, &[], b"{}"),
    }
}

fn registry(manifest: Vec<u8>, chart: Vec<u8>) -> Server {
    Server::start(move |asked, stream| open(asked, stream, &manifest, &chart))
}

fn at(server: &Server) -> Pin {
    pin(&format!("{}/charts", server.host()), "web", "1.0.0")
}

#[test]
fn a_chart_is_fetched_from_a_registry() {
    let chart = archive("web", "1.0.0", 0);
    let text = manifest(&chart).to_string().into_bytes();
    let digest = format!("sha256:{}", sha256(&text));
    let server = registry(text, chart.clone());
    let place = Place::new();
    let fetched = place.fetch(&at(&server)).unwrap();
    assert_eq!((fetched.sha256.clone(), fetched.oci_digest.clone()), (sha256(&chart), Some(digest.clone())));
    assert!(fetched.expected && !fetched.cached);
    // With the scheme that Helm writes, and the tag that stands for a version with a plus.
    let other = archive("web", "1.0.0+7", 0);
    let server = registry(manifest(&other).to_string().into_bytes(), other);
    let plus =
        Pin { version: "1.0.0+7".to_owned(), repository: format!("oci://{}/charts", server.host()), ..at(&server) };
    place.fetch(&plus).unwrap();
    // Both digests are known, and the archive is there: nobody is asked.
    let known = Pin { sha256: Some(fetched.sha256), oci_digest: fetched.oci_digest, ..at(&server) };
    let before = server.paths().len();
    assert!(place.fetch(&known).unwrap().cached);
    assert_eq!(server.paths().len(), before);
    let error = place.fetch(&Pin { name: "api".to_owned(), ..at(&server) }).unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    assert!(place.fetch(&Pin { name: "../api".to_owned(), ..at(&server) }).unwrap_err().came.contains("no name"));
}

#[test]
fn digests_are_held_against_what_is_known() {
    let chart = archive("web", "1.0.0", 0);
    let text = manifest(&chart).to_string().into_bytes();
    let digest = format!("sha256:{}", sha256(&text));
    let server = registry(text.clone(), chart.clone());
    let place = Place::new();
    let wanted = format!("sha256:{}", "a".repeat(64));
    let error = place.fetch(&Pin { oci_digest: Some(wanted.clone()), ..at(&server) }).unwrap_err();
    let kind = Kind::WrongDigest { of: DigestOf::Manifest, expected: wanted.clone().into(), found: digest.into() };
    assert_eq!(error.kind, kind);
    let error = place.fetch(&Pin { sha256: Some("b".repeat(64)), ..at(&server) }).unwrap_err();
    assert!(
        matches!(error.kind, Kind::WrongDigest { of: DigestOf::Archive, ref found, .. } if **found == sha256(&chart))
    );
    // The registry lies about a manifest, or brings another layer.
    let said = wanted.clone();
    let server = Server::start(move |_, stream| answer(stream, 200, &[("Docker-Content-Digest", &said)], &text));
    let error = place.fetch(&at(&server)).unwrap_err();
    assert!(matches!(error.kind, Kind::WrongDigest { of: DigestOf::Manifest, .. }), "{error}");
    let text = manifest(&chart).to_string().into_bytes();
    let other = archive("web", "1.0.0", 100);
    let server = Server::start(move |asked, stream| match asked.path.contains("/blobs/") {
        true => answer(stream, 200, &[], &other),
        false => answer(stream, 200, &[], &text),
    });
    let error = place.fetch(&at(&server)).unwrap_err();
    assert!(matches!(error.kind, Kind::WrongDigest { of: DigestOf::Archive, .. }), "{error}");
    assert!(place.kept().is_empty());
}

#[test]
fn manifests_that_are_no_charts() {
    let chart = archive("web", "1.0.0", 0);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut text = manifest(&chart);
        change(&mut text);
        text.to_string().into_bytes()
    };
    for (text, kind, words) in [
        (b"<html>".to_vec(), Kind::Malformed, "the manifest is no JSON"),
        (json!({"manifests": []}).to_string().into_bytes(), Kind::Malformed, "an index of several manifests"),
        (
            with(&|text| text["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json")),
            Kind::OtherChart,
            "it is no chart, but application/vnd.oci.image.config.v1+json",
        ),
        (with(&|text| text["layers"] = json!([])), Kind::Malformed, "should name one archive"),
        (
            with(&|text| text["layers"][1]["digest"] = json!("sha512:00")),
            Kind::Malformed,
            "by something else than a sha256",
        ),
        (with(&|text| text["layers"][1]["size"] = json!(1_u64 << 40)), Kind::TooLarge, "1099511627776 bytes"),
    ] {
        let server = registry(text, chart.clone());
        let error = Place::new().fetch(&at(&server)).unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// A registry that asks for a token, and the place where tokens are had.
fn guarded(chart: &[u8], issue: impl Fn(&Asked) -> Option<&'static str> + Send + Sync + 'static) -> (Server, Server) {
    let tokens = Server::start(move |asked, stream| match issue(asked) {
        Some(field) => answer(stream, 200, &[], format!("{{\"{field}\": \"let-me-in\"}}").as_bytes()),
        None => answer(stream, 401, &[], b"{}"),
    });
    let realm =
        format!("Bearer realm=\"{}/token\",service=\"charts\",scope=\"repository:charts/web:pull\"", tokens.url());
    let (text, chart) = (manifest(chart).to_string().into_bytes(), chart.to_vec());
    let server = Server::start(move |asked, stream| match asked.header("authorization") {
        Some("Bearer let-me-in") => open(asked, stream, &text, &chart),
        _ => answer(stream, 401, &[("WWW-Authenticate", &realm)], b"{}"),
    });
    (server, tokens)
}

#[test]
fn a_token_is_asked_for_once() {
    let chart = archive("web", "1.0.0", 0);
    let (server, tokens) = guarded(&chart, |asked| asked.header("authorization").is_none().then_some("token"));
    let place = Place::new();
    place.fetch(&at(&server)).unwrap();
    assert_eq!(tokens.paths(), ["/token?service=charts&scope=repository%3Acharts%2Fweb%3Apull"]);
    assert_eq!(server.paths().len(), 3, "the token of the manifest opens the layer too");
    // With Docker's login, which is for the registry and its tokens.
    let (server, tokens) =
        guarded(&chart, |asked| (asked.header("authorization") == Some(LOGIN)).then_some("access_token"));
    let mut place = Place::new();
    let error = place.fetch(&at(&server)).unwrap_err();
    assert_eq!((error.kind.clone(), error.asked.as_str()), (Kind::Unauthorised, "a token for web 1.0.0"), "{error}");
    let config = json!({"auths": {server.host(): {"auth": LOGIN.strip_prefix("Basic ")}}}).to_string();
    place.file("docker/config.json", &config);
    let docker = place.folder.path().join("docker");
    place.environment(&[("DOCKER_CONFIG", docker.to_str().unwrap())]);
    place.fetch(&at(&server)).unwrap();
    assert!(server.log().iter().all(|asked| asked.header("authorization") != Some(LOGIN)));
    assert_eq!(tokens.log().len(), 2);
    // Helm's own file comes first, and an identity token is traded.
    let (server, tokens) = guarded(&chart, |asked| {
        let asks = ["grant_type=refresh_token", "refresh_token=long%2Blived", "service=charts"];
        (asked.method == "POST" && asks.iter().all(|part| asked.body.contains(part))).then_some("access_token")
    });
    let config = json!({"auths": {server.host(): {"identitytoken": "long+lived"}}}).to_string();
    let file = place.file("helm.json", &config);
    place.environment(&[("HELM_REGISTRY_CONFIG", &file), ("DOCKER_CONFIG", docker.to_str().unwrap())]);
    std::fs::remove_dir_all(place.cache.root()).unwrap();
    place.fetch(&at(&server)).unwrap();
    assert_eq!(tokens.log().len(), 1);
}

#[test]
fn a_registry_may_ask_for_the_login_itself() {
    let chart = archive("web", "1.0.0", 0);
    let text = manifest(&chart).to_string().into_bytes();
    let server = Server::start(move |asked, stream| match asked.header("authorization") {
        Some(LOGIN) => open(asked, stream, &text, &chart),
        _ => answer(stream, 401, &[("WWW-Authenticate", "Basic realm=\"charts\"")], b"{}"),
    });
    let mut place = Place::new();
    assert_eq!(place.fetch(&at(&server)).unwrap_err().kind, Kind::Unauthorised);
    // From a program that keeps it: it prints what it is asked for.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let script = format!(
            "#!/bin/sh\nread server || true\n[ \"$1 $server\" = 'get {}' ] && echo '{{\"Username\": \"user\", \"Secret\": \"secret\"}}'\n",
            server.host()
        );
        let program = place.file("bin/docker-credential-mine", &script);
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let bin = place.folder.path().join("bin");
        let path = format!("{}:/usr/bin:/bin", bin.display());
        for config in [json!({"credsStore": "mine"}), json!({"credHelpers": {server.host(): "mine"}})] {
            let file = place.file("helm.json", &config.to_string());
            place.environment(&[("HELM_REGISTRY_CONFIG", &file), ("PATH", &path)]);
            let _ = std::fs::remove_dir_all(place.cache.root());
            place.fetch(&at(&server)).unwrap();
        }
        let file = place.file("helm.json", &json!({"credsStore": "other"}).to_string());
        place.environment(&[("HELM_REGISTRY_CONFIG", &file), ("PATH", &path)]);
        let _ = std::fs::remove_dir_all(place.cache.root());
        let error = place.fetch(&at(&server)).unwrap_err();
        assert_eq!(error.kind, Kind::Credentials);
        assert!(error.to_string().contains("docker-credential-other"), "{error}");
    }
}

#[test]
fn a_layer_may_lie_elsewhere() {
    let chart = archive("web", "1.0.0", 200_000);
    let served = chart.clone();
    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let noted = Arc::clone(&seen);
    let store = Server::start(move |asked, stream| {
        noted.lock().unwrap().push(asked.header("authorization").map(str::to_owned));
        match asked.before {
            0 => cut(stream, &[], &served, 50_000),
            _ => part(asked, stream, &[], &served),
        }
    });
    let to = format!("{}/blob?signature=secret", store.other_url());
    let tokens = Server::start(|_, stream| answer(stream, 200, &[], b"{\"token\": \"let-me-in\"}"));
    let realm = format!("Bearer realm=\"{}/token\"", tokens.url());
    let text = manifest(&chart).to_string().into_bytes();
    let server = Server::start(move |asked, stream| match asked.header("authorization") {
        Some("Bearer let-me-in") if asked.path.contains("/blobs/") => answer(stream, 307, &[("Location", &to)], b""),
        Some("Bearer let-me-in") => answer(stream, 200, &[], &text),
        _ => answer(stream, 401, &[("WWW-Authenticate", &realm)], b"{}"),
    });
    let place = Place::new();
    place.fetch(&at(&server)).unwrap();
    assert_eq!(*seen.lock().unwrap(), [None, None]);
    assert_eq!(store.log()[1].header("range"), Some("bytes=50000-"), "its digest is known, so half of it is kept");
}

#[test]
fn a_token_is_not_fetched_in_the_clear() {
    let realm = "Bearer realm=\"http://tokens.example.com/token\",service=\"x\"";
    let server = Server::start(move |_, stream| answer(stream, 401, &[("WWW-Authenticate", realm)], b"{}"));
    let error = Place::new().fetch(&at(&server)).unwrap_err();
    assert!(error.came.contains("not encrypted"), "{error}");
}

#[test]
fn tags_are_listed_page_by_page() {
    let server = Server::start(|asked, stream| match asked.path.as_str() {
        "/v2/charts/web/tags/list?n=1000" => {
            let next = [("Link", "</v2/charts/web/tags/list?n=1000&last=1.0.0_7>; rel=\"next\"")];
            answer(stream, 200, &next, b"{\"name\": \"charts/web\", \"tags\": [\"1.0.0\", \"1.0.0_7\"]}");
        }
        _ => answer(stream, 200, &[], b"{\"tags\": [\"latest\"]}"),
    });
    let place = Place::new();
    let charts = [(format!("{}/charts", server.host()), "web".to_owned())];
    let found = chart_store::versions(&charts, &place.cache, &place.options, &|_| {}).remove(0).unwrap();
    let versions: Vec<&str> = found.iter().map(|one| one.version.as_str()).collect();
    assert_eq!(versions, ["1.0.0", "1.0.0+7", "latest"]);
}
