//! Encrypted connections, to a server that OpenSSL's own program plays.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use chart_store::Kind;

use crate::support::{Place, archive, pin};

struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves a folder in which each file is a whole answer; or says why it cannot.
fn start(folder: &Path) -> Result<Server, String> {
    let mut make = Command::new("openssl");
    make.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    make.args([
        "-subj",
        "/CN=charts",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]);
    make.args(["-addext", "basicConstraints=critical,CA:FALSE"]).current_dir(folder).stdin(Stdio::null());
    let output = make.output().map_err(|error| format!("openssl cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("openssl makes no certificate: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let mut serve = Command::new("openssl");
    serve.args(["s_server", "-accept", "127.0.0.1:0", "-cert", "cert.pem", "-key", "key.pem", "-HTTP"]);
    serve.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = serve.spawn().map_err(|error| format!("openssl cannot be run: {error}"))?;
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    loop {
        line.clear();
        if log.read_line(&mut line).unwrap_or(0) == 0 {
            return Err("openssl serves nothing at a port of its own choice".to_owned());
        }
        if let Some(address) = line.strip_prefix("ACCEPT ") {
            let url = format!("https://{}", address.trim());
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
            return Ok(Server { child, url });
        }
    }
}

#[test]
fn servers_are_known_by_their_certificates() {
    let mut place = Place::new();
    let folder = place.folder.path().join("served");
    std::fs::create_dir_all(&folder).unwrap();
    let answer = |name: &str, head: &str, body: &[u8]| {
        let head = format!("HTTP/1.0 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
        std::fs::write(folder.join(name), [head.as_bytes(), body].concat()).unwrap();
    };
    let index =
        "entries:\n  web:\n  - {version: 1.0.0, urls: [web.tgz]}\n  down:\n  - {version: 1.0.0, urls: [down.tgz]}\n";
    answer("index.yaml", "200 OK", index.as_bytes());
    answer("web.tgz", "200 OK", &archive("web", "1.0.0", 100_000));
    answer("down.tgz", "302 Found\r\nLocation: http://127.0.0.1:1/down.tgz", b"");
    let server = match start(&folder) {
        Ok(server) => server,
        Err(why) => return println!("skipped: {why}"),
    };
    // Nobody trusts it: that is not tried again.
    let error = place.fetch(&pin(&server.url, "web", "1.0.0")).unwrap_err();
    assert_eq!((error.kind.clone(), place.waited().len()), (Kind::Tls, 0), "{error}");
    let ca = folder.join("cert.pem");
    for trust in [format!("caFile: {}", ca.display()), "insecure_skip_tls_verify: true".to_owned()] {
        let text = format!("repositories:\n- url: {}\n  {trust}\n", server.url);
        let file = place.file("repositories.yaml", &text);
        place.environment(&[("HELM_REPOSITORY_CONFIG", &file)]);
        let _ = std::fs::remove_dir_all(place.cache.root());
        place.fetch(&pin(&server.url, "web", "1.0.0")).unwrap();
    }
    // What was asked for safely is not fetched in the clear.
    let error = place.fetch(&pin(&server.url, "down", "1.0.0")).unwrap_err();
    assert_eq!(error.kind, Kind::BadRedirect);
    assert!(error.came.contains("which is not encrypted"), "{error}");
    // A file that is none is named.
    let text = format!("repositories:\n- url: {}\n  caFile: {}\n", server.url, folder.join("key.pem").display());
    let file = place.file("repositories.yaml", &text);
    place.environment(&[("HELM_REPOSITORY_CONFIG", &file)]);
    let error = place.fetch(&pin(&server.url, "web", "1.0.0")).unwrap_err();
    assert!(error.kind == Kind::Tls && error.came.contains("holds no certificate"), "{error}");
}
