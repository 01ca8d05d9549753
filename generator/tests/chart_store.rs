//! `kubezero charts`: fetching from a server on this machine into a cache of the test's own, and what the lock says of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;

use crate::support::{self, Run, finish, replace};

/// Answers with files until the test ends.
struct Server {
    address: SocketAddr,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (files, asked) = (Arc::<Mutex<BTreeMap<String, Vec<u8>>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (its_files, its_asked) = (Arc::clone(&files), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (files, asked) = (Arc::clone(&its_files), Arc::clone(&its_asked));
                std::thread::spawn(move || answer(stream.unwrap(), &files, &asked));
            }
        });
        Server { address, files, asked }
    }

    fn url(&self) -> String {
        format!("http://{}/charts", self.address)
    }

    fn serve(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.lock().unwrap().insert(path.to_owned(), bytes.into());
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn answer(mut stream: TcpStream, files: &Mutex<BTreeMap<String, Vec<u8>>>, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(path.clone());
    let found = files.lock().unwrap().get(&path).cloned();
    let (status, body) = found.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    let _ = stream.write_all(
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
    );
    let _ = stream.write_all(&body);
}

/// A repository whose one chart lies on a server, in two versions.
struct Place {
    folder: tempfile::TempDir,
    server: Server,
    sums: [String; 2],
}

fn sum(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        support::copy(&support::tests().join("charts/platform"), &folder.path().join("repository"));
        let server = Server::start();
        let mut index = "apiVersion: v1\nentries:\n  shop:\n".to_owned();
        let sums = ["2.0.1", "2.1.0"].map(|version| {
            let bytes = support::pack(&support::tests().join(format!("charts/{version}/shop")));
            let sum = sum(&bytes);
            index += &format!("  - version: {version}\n    digest: {sum}\n    urls: [shop-{version}.tgz]\n");
            server.serve(&format!("/charts/shop-{version}.tgz"), bytes);
            sum
        });
        server.serve("/charts/index.yaml", index);
        let place = Place { folder, server, sums };
        replace(
            &place.repository(),
            "components/shop/component.yaml",
            "https://charts.example.com",
            &place.server.url(),
        );
        place
    }

    fn repository(&self) -> std::path::PathBuf {
        self.folder.path().join("repository")
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = support::command(env!("CARGO_BIN_EXE_kubezero"), &self.repository());
        command.args(arguments).env("KUBEZERO_CACHE", self.folder.path().join("cache"));
        // Nobody's logins and proxies.
        command.env("HOME", self.folder.path()).env_remove("XDG_CONFIG_HOME").env_remove("DOCKER_CONFIG");
        for name in ["HELM_REPOSITORY_CONFIG", "HELM_REGISTRY_CONFIG", "HELM_CONFIG_HOME", "HTTP_PROXY", "http_proxy"] {
            command.env_remove(name);
        }
        finish(command)
    }

    fn fine(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.stdout, run.stderr);
        run.stdout
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.repository().join("components/charts.lock")).unwrap_or_default()
    }

    fn entry(&self, version: &str, sha256: &str) -> String {
        format!("- repository: {}\n  name: shop\n  version: \"{version}\"\n  sha256: {sha256}\n", self.server.url())
    }
}

const HEAD: &str = "# Written by `kubezero charts fetch`. Do not edit.\nversion: 1\ncharts:\n";

#[test]
fn fetching_fills_the_cache_and_the_lock() {
    let place = Place::new();
    let run = place.run(&["charts", "verify"]);
    assert!(run.code == 1 && run.stderr.contains("chart-not-locked"), "{}", run.stderr);
    let said = place.fine(&["charts", "fetch"]);
    let url = place.server.url();
    assert!(said.contains(&format!("from {url}/shop-2.0.1.tgz")), "{said}");
    assert!(said.contains(&format!("its digest is {}…, as published", &place.sums[0][..12])), "{said}");
    assert!(said.ends_with("wrote components/charts.lock\n1 of 1 chart at hand, 1 fetched\n"), "{said}");
    assert_eq!(place.lock(), HEAD.to_owned() + &place.entry("2.0.1", &place.sums[0]));
    assert_eq!(place.fine(&["charts", "verify"]), "1 chart named, locked and at hand\n");
    // Now nobody is asked, and nothing is written.
    let asked = place.server.asked();
    assert_eq!(place.fine(&["charts", "fetch"]), "1 of 1 chart at hand, 0 fetched\n");
    assert_eq!(place.server.asked(), asked);
    // What lies in the cache is what is rendered.
    assert!(place.fine(&["template", "prod", "shop"]).contains("kind: Deployment"));
    // A sum that nobody knew is filled in; a chart that nobody names leaves.
    let lock = HEAD.to_owned() + &place.entry("1.0.0", "unknown") + &place.entry("2.0.1", "unknown");
    fs::write(place.repository().join("components/charts.lock"), &lock).unwrap();
    let run = place.run(&["charts", "verify", "--lock-only"]);
    assert!(run.stderr.contains("chart-without-sum") && run.stderr.contains("chart-not-named"), "{}", run.stderr);
    let said = place.fine(&["charts", "fetch"]);
    assert!(said.contains("shop 1.0.0: nobody names it any longer"), "{said}");
    assert_eq!(place.lock(), HEAD.to_owned() + &place.entry("2.0.1", &place.sums[0]));
    assert_eq!(place.fine(&["charts", "verify", "--lock-only"]), "1 chart named, locked\n");
}

#[test]
fn another_archive_than_the_locked_one_is_a_mistake_that_shows_both() {
    let place = Place::new();
    let wanted = "ab".repeat(32);
    let lock = HEAD.to_owned() + &place.entry("2.0.1", &wanted);
    fs::write(place.repository().join("components/charts.lock"), &lock).unwrap();
    let run = place.run(&["charts", "fetch"]);
    assert_eq!(run.code, 1);
    for part in ["chart-wrong-sum", "components/charts.lock:5:", &wanted, &place.sums[0], "component.yaml"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert_eq!(place.lock(), lock, "the lock stays as it is");
}

#[test]
fn what_cannot_be_had_is_said_and_the_rest_comes() {
    let place = Place::new();
    replace(&place.repository(), "components/shop/component.yaml", "version: 2.0.1", "version: 9.9.9");
    let run = place.run(&["charts", "fetch"]);
    assert_eq!(run.code, 1);
    for part in ["chart-not-fetched", "component.yaml:8:", "no such version, but 2.0.1, 2.1.0"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert_eq!(place.lock(), HEAD.to_owned() + &place.entry("9.9.9", "unknown"));
    // Where the machine or the network is to blame, the exit code says so.
    replace(
        &place.repository(),
        "components/shop/component.yaml",
        &place.server.url(),
        "http://user:secret@127.0.0.1:1/x",
    );
    let run = place.run(&["charts", "fetch", "-q"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("the connection was refused") && run.stderr.contains("127.0.0.1:1"), "{}", run.stderr);
    assert!(!run.stderr.contains("secret"), "{}", run.stderr);
}

#[test]
fn charts_are_listed() {
    let place = Place::new();
    let text = place.fine(&["charts", "list"]);
    assert_eq!(text, "CHART  VERSION  SHA256      AT HAND  ENVIRONMENTS\nshop   2.0.1    not locked  no       prod\n");
    place.fine(&["charts", "fetch"]);
    let json: Json = serde_json::from_str(&place.fine(&["charts", "list", "--format", "json"])).unwrap();
    let one = &json["charts"][0];
    assert_eq!((&one["name"], &one["at"], &one["locked"]), (&"shop".into(), &"cache".into(), &true.into()));
    assert_eq!((&one["sha256"], &one["environments"]), (&place.sums[0].clone().into(), &serde_json::json!(["prod"])));
}

#[test]
fn archives_are_vendored() {
    let place = Place::new();
    let run = place.run(&["charts", "vendor"]);
    assert!(run.code == 1 && run.stderr.contains("kubezero charts fetch"), "{}", run.stderr);
    place.fine(&["charts", "fetch"]);
    assert_eq!(place.fine(&["charts", "vendor"]), "1 archive in components/vendor, 1 new\n");
    let name = format!("shop-2.0.1-{}.tgz", &place.sums[0][..12]);
    assert_eq!(support::names(&place.repository().join("components/vendor")), std::slice::from_ref(&name));
    fs::write(place.repository().join("components/vendor/old-1.0.0-000000000000.tgz"), b"old").unwrap();
    let said = place.fine(&["charts", "vendor"]);
    assert!(said.contains("old-1.0.0-000000000000.tgz: nobody names it") && said.contains("0 new"), "{said}");
    // With it no cache and no server is needed, and another machine's cache is filled from it.
    fs::remove_dir_all(place.folder.path().join("cache")).unwrap();
    let asked = place.server.asked();
    assert!(place.fine(&["charts", "list"]).contains("vendor"));
    assert_eq!(place.fine(&["charts", "verify"]), "1 chart named, locked and at hand\n");
    assert_eq!(place.fine(&["charts", "fetch"]), "1 of 1 chart at hand, 0 fetched\n");
    assert_eq!(place.server.asked(), asked);
    fs::remove_file(place.repository().join("components/vendor").join(name)).unwrap();
    assert_eq!(place.fine(&["charts", "verify"]), "1 chart named, locked and at hand\n");
}

#[test]
fn a_new_version_is_shown_before_it_is_written() {
    let place = Place::new();
    place.fine(&["charts", "fetch"]);
    let (component, lock) = ("components/shop/component.yaml", place.lock());
    let before = fs::read_to_string(place.repository().join(component)).unwrap();
    let text = place.fine(&["charts", "update"]);
    for part in [
        "COMPONENT  CHART  NOW    NEW",
        "shop       shop   2.0.1  2.1.0",
        "Deployment",
        "shop 2.0.1 → 2.1.0: defaults that we leave as they are, and that move",
        "port: 8080 → 8081",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let now = |file: &str| fs::read_to_string(place.repository().join(file)).unwrap();
    assert_eq!((now(component), place.lock()), (before.clone(), lock.clone()), "nothing is written");
    assert_eq!(place.fine(&["charts", "update", "--to", "~2.0"]), "1 chart: nothing newer\n");
    let run = place.run(&["charts", "update", "--to", "3.x"]);
    assert!(run.code == 1 && run.stderr.contains("the newest is 2.1.0"), "{}", run.stderr);
    let run = place.run(&["charts", "update", "shopp"]);
    assert!(run.code == 1 && run.stderr.contains("did you mean `shop`?"), "{}", run.stderr);
    let run = place.run(&["charts", "update", "shop", "--write"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("wrote components/shop/component.yaml"), "{}", run.stderr);
    assert_eq!(now(component), before.replace("version: 2.0.1", "version: 2.1.0"));
    assert_eq!(place.lock(), HEAD.to_owned() + &place.entry("2.1.0", &place.sums[1]));
    assert_eq!(place.fine(&["charts", "verify"]), "1 chart named, locked and at hand\n");
    assert_eq!(place.fine(&["charts", "update"]), "1 chart: nothing newer\n");
}

/// The lock that is committed names what components name, as the program would write it.
#[test]
fn the_committed_lock_is_whole() {
    use kubezero::diagnostic::{Diagnostics, FileId};
    use kubezero::pipeline::lock::{FORM, LOCK, Lock};
    use kubezero::values::schema::Schema;

    let text = fs::read_to_string(support::root().join(LOCK)).unwrap();
    let form = kubezero::yaml::parse(FileId(u32::MAX), FORM).unwrap();
    let form = Schema::compile(FileId(u32::MAX), form).unwrap();
    let mut mistakes = Diagnostics::new();
    let lock = Lock::read(FileId(0), &text, &form, &mut mistakes);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    assert_eq!(Lock::text(lock.charts()), text, "`kubezero charts fetch` writes it otherwise");
    let json = support::kubezero(&support::root(), &["charts", "list", "--format", "json"]);
    let json: Json = serde_json::from_str(&json.stdout).unwrap();
    let named = json["charts"].as_array().unwrap();
    assert!(named.iter().all(|chart| chart["locked"] == true), "run `kubezero charts fetch`");
    assert_eq!(named.len(), lock.charts().len(), "the lock names a chart that nobody names");
}

#[test]
fn only_charts_go_to_the_network() {
    // One crate makes requests, and nothing but the commands under `charts` uses it; where its cache lies, which is only
    // files, others ask, too.
    for (path, text) in support::files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let uses = text.replace("chart_store::Cache", "").contains("chart_store");
        assert!(!uses || path.starts_with("cli/charts/"), "src/{path} uses chart_store");
    }
}
