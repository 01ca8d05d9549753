//! The registry that most others are made of, where Go is there to build it; `REGISTRY` names it where it is built already.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chart_store::{Kind, sha256};
use serde_json::json;

use crate::support::{Place, archive, pin};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// `user:secret`, hashed as `htpasswd -B` does.
const USERS: &str = "user:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

/// The program, or why there is none.
fn program() -> Result<PathBuf, String> {
    if let Some(built) = std::env::var_os("REGISTRY") {
        return Ok(built.into());
    }
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registry");
    if !built.exists() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/registry");
        let mut build = Command::new("go");
        build.args(["build", "-trimpath", "-o"]).arg(&built).arg(".").current_dir(source).stdin(Stdio::null());
        let output = build.output().map_err(|error| format!("Go cannot be run: {error}"))?;
        if !output.status.success() {
            return Err(format!("it cannot be built: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
    }
    Ok(built)
}

struct Registry {
    child: Child,
    host: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it at a port of its own choice, which it says in its log.
fn start(program: &Path, place: &Place, users: bool) -> Registry {
    let mut text =
        "version: 0.1\nlog: {level: info, formatter: text}\nstorage: {inmemory: {}}\nhttp: {addr: '127.0.0.1:0'}\n"
            .to_owned();
    if users {
        let file = place.file("users", USERS);
        text += &format!("auth: {{htpasswd: {{realm: charts, path: '{file}'}}}}\n");
    }
    let file = place.file("registry.yml", &text);
    let mut child = Command::new(program)
        .args(["serve", &file])
        .env("OTEL_TRACES_EXPORTER", "none")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let (mut all, mut line) = (String::new(), String::new());
    let host = loop {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the registry ended: {all}");
        all += &line;
        if let Some((_, rest)) = line.split_once("listening on ") {
            break rest.split(['"', ' ', ',', '\n']).next().unwrap().to_owned();
        }
    };
    // It would wait for somebody to read what it says.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Registry { child, host }
}

/// Pushes a chart as `helm push` does: two blobs, then the manifest.
fn push(host: &str, login: Option<&str>, chart: &[u8], tag: &str) -> String {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let send = |method: &str, url: &str, kind: &str, body: &[u8]| {
        let mut request = ureq::http::Request::builder().method(method).uri(url).header("content-type", kind);
        if let Some(login) = login {
            request = request.header("authorization", login);
        }
        let response = agent.run(request.body(body).unwrap()).unwrap();
        assert!(response.status().is_success(), "{method} {url}: {}", response.status());
        response
    };
    let config = b"{\"name\":\"web\",\"version\":\"1.0.0\"}";
    for blob in [config.as_slice(), chart] {
        let response =
            send("POST", &format!("http://{host}/v2/charts/web/blobs/uploads/"), "application/octet-stream", b"");
        let to = response.headers().get("location").unwrap().to_str().unwrap().to_owned();
        let joint = if to.contains('?') { '&' } else { '?' };
        send("PUT", &format!("{to}{joint}digest=sha256:{}", sha256(blob)), "application/octet-stream", blob);
    }
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.cncf.helm.config.v1+json",
            "digest": format!("sha256:{}", sha256(config)),
            "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            "digest": format!("sha256:{}", sha256(chart)),
            "size": chart.len(),
        }],
    })
    .to_string();
    send("PUT", &format!("http://{host}/v2/charts/web/manifests/{tag}"), MANIFEST, manifest.as_bytes());
    format!("sha256:{}", sha256(manifest.as_bytes()))
}

#[test]
fn the_registry_that_others_are_made_of() {
    let program = match program() {
        Ok(program) => program,
        Err(why) => return println!("skipped: {why}"),
    };
    let (chart, plus) = (archive("web", "1.0.0", 300_000), archive("web", "1.0.0+build.7", 0));
    let mut place = Place::new();
    let registry = start(&program, &place, false);
    let digest = push(&registry.host, None, &chart, "1.0.0");
    push(&registry.host, None, &plus, "1.0.0_build.7");
    let at = |host: &str, version: &str| pin(&format!("{host}/charts"), "web", version);
    let fetched = place.fetch(&at(&registry.host, "1.0.0")).unwrap();
    assert_eq!((fetched.sha256.as_str(), fetched.oci_digest), (sha256(&chart).as_str(), Some(digest.clone())));
    assert_eq!(place.fetch(&at(&registry.host, "1.0.0+build.7")).unwrap().sha256, sha256(&plus));
    assert_eq!(place.fetch(&at(&registry.host, "2.0.0")).unwrap_err().kind, Kind::NotFound);
    let charts = [(format!("{}/charts", registry.host), "web".to_owned())];
    let found = chart_store::versions(&charts, &place.cache, &place.options, &|_| {}).remove(0).unwrap();
    assert_eq!(found.iter().map(|one| one.version.as_str()).collect::<Vec<_>>(), ["1.0.0", "1.0.0+build.7"]);
    // Another archive under the same tag: both digests are shown.
    let moved = push(&registry.host, None, &archive("web", "1.0.0", 1), "1.0.0");
    let known = chart_store::Pin { oci_digest: Some(digest.clone()), ..at(&registry.host, "1.0.0") };
    let error = place.fetch(&known).unwrap_err();
    assert!(error.came.contains(&digest) && error.came.contains(&moved), "{error}");
    // With a login.
    let registry = start(&program, &place, true);
    push(&registry.host, Some("Basic dXNlcjpzZWNyZXQ="), &chart, "1.0.0");
    std::fs::remove_dir_all(place.cache.root()).unwrap();
    assert_eq!(place.fetch(&at(&registry.host, "1.0.0")).unwrap_err().kind, Kind::Unauthorised);
    let config = json!({"auths": {registry.host.as_str(): {"auth": "dXNlcjpzZWNyZXQ="}}}).to_string();
    let file = place.file("helm.json", &config);
    place.environment(&[("HELM_REGISTRY_CONFIG", &file)]);
    assert_eq!(place.fetch(&at(&registry.host, "1.0.0")).unwrap().sha256, sha256(&chart));
}
