//! Who gets to see a login, and where it comes from.

use chart_store::{Kind, sha256};

use crate::server::{Server, answer, head};
use crate::support::{Place, archive, index, pin};

/// `user:secret`
const LOGIN: &str = "Basic dXNlcjpzZWNyZXQ=";

fn repositories(url: &str, more: &str) -> String {
    format!("apiVersion: \"\"\nrepositories:\n- name: mine\n  url: {url}\n  username: user\n  password: secret\n{more}")
}

/// A repository that lets nobody in without the login; its archive lies where the test says.
fn closed(archive_url: &str, chart: Vec<u8>) -> Server {
    let text = index("web", "1.0.0", None, archive_url);
    Server::start(move |asked, stream| {
        if asked.header("authorization") != Some(LOGIN) {
            return answer(stream, 401, &[("WWW-Authenticate", "Basic realm=\"mine\"")], b"secret page");
        }
        match asked.path.as_str() {
            "/index.yaml" => answer(stream, 200, &[], &text),
            _ => answer(stream, 200, &[], &chart),
        }
    })
}

#[test]
fn helms_own_file_opens_a_repository() {
    let server = closed("web.tgz", archive("web", "1.0.0", 0));
    let mut place = Place::new();
    let wanted = pin(&server.url(), "web", "1.0.0");
    let error = place.fetch(&wanted).unwrap_err();
    assert_eq!(error.kind, Kind::Unauthorised);
    assert_eq!(error.came, "the answer was 401 Unauthorized, without a login");
    assert!(error.remedy().contains("helm repo add"));
    let file = place.file("repositories.yaml", &repositories(&format!("{}/", server.url()), ""));
    place.environment(&[("HELM_REPOSITORY_CONFIG", &file)]);
    place.fetch(&wanted).unwrap();
    assert!(!format!("{:?}", place.options.credentials).contains("secret"));
    // One that is wrong is not shown either.
    let file = place.file("repositories.yaml", &repositories(&server.url(), "").replace("secret", "hunter2"));
    place.environment(&[("HELM_REPOSITORY_CONFIG", &file)]);
    let error = place.fetch(&wanted).unwrap_err();
    assert!(error.came.ends_with("with the login that is known"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    // In the address it works too, and is not shown.
    place.environment(&[]);
    let url = server.url().replace("http://", "http://user:secret@");
    place.fetch(&pin(&url, "web", "1.0.0")).unwrap();
    let error = place.fetch(&pin(&url, "web", "3.0.0")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
}

#[test]
fn a_login_goes_to_its_own_host_only() {
    let chart = archive("web", "1.0.0", 0);
    let served = chart.clone();
    let other = Server::start(move |_, stream| answer(stream, 200, &[], &served));
    let at = format!("{}/web.tgz?signature=1", other.other_url());
    // The index names another host.
    let server = closed(&at, chart.clone());
    let mut place = Place::new();
    let file = place.file("repositories.yaml", &repositories(&server.url(), ""));
    place.environment(&[("HELM_REPOSITORY_CONFIG", &file)]);
    place.fetch(&pin(&server.url(), "web", "1.0.0")).unwrap();
    assert_eq!(other.log()[0].header("authorization"), None);
    // The user said that it may have it.
    let more = "  pass_credentials_all: true\n";
    let file = place.file("repositories.yaml", &repositories(&server.url(), more));
    place.environment(&[("HELM_REPOSITORY_CONFIG", &file)]);
    std::fs::remove_dir_all(place.cache.root()).unwrap();
    place.fetch(&pin(&server.url(), "web", "1.0.0")).unwrap();
    assert_eq!(other.log()[1].header("authorization"), Some(LOGIN));
    // A redirect leads to another host, and from there back.
    let text = index("web", "1.0.0", None, "web.tgz");
    let (there, served) = (at.clone(), chart.clone());
    let back = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let to = std::sync::Arc::clone(&back);
    let middle = Server::start(move |_, stream| {
        answer(stream, 302, &[("Location", to.get().unwrap())], b"");
    });
    let by = format!("{}/x", middle.other_url());
    let server = Server::start(move |asked, stream| match asked.path.as_str() {
        "/index.yaml" => answer(stream, 200, &[], &text),
        "/web.tgz" => answer(stream, 302, &[("Location", &by)], b""),
        _ => answer(stream, 200, &[], &served),
    });
    back.set(format!("{}/back", server.url())).unwrap();
    let file = place.file("repositories.yaml", &repositories(&server.url(), ""));
    place.environment(&[("HELM_REPOSITORY_CONFIG", &file)]);
    place.fetch(&pin(&server.url(), "web", "1.0.0")).unwrap();
    let seen: Vec<_> = server.log().iter().map(|asked| asked.header("authorization").map(str::to_owned)).collect();
    assert_eq!(seen, [Some(LOGIN.to_owned()), Some(LOGIN.to_owned()), None]);
    assert_eq!(middle.log()[0].header("authorization"), None);
    assert!(there.contains("localhost"));
}

#[test]
fn proxies_are_used_as_go_uses_them() {
    let chart = archive("web", "1.0.0", 0);
    let digest = sha256(&chart);
    let server =
        Server::of(vec![("/index.yaml", index("web", "1.0.0", Some(&digest), "web.tgz")), ("/web.tgz", chart)]);
    let at = server.address;
    // It connects two sockets, as proxies do, whatever the name that it was asked for.
    let proxy = Server::start(move |asked, stream| {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("CONNECT", "charts.test:80"));
        if asked.header("proxy-authorization") != Some(LOGIN) {
            return answer(stream, 407, &[], b"");
        }
        let mut there = std::net::TcpStream::connect(at).unwrap();
        head(stream, 200, &[]);
        let (mut from, mut to) = (stream.try_clone().unwrap(), there.try_clone().unwrap());
        let up = std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut there, stream);
        let _ = stream.shutdown(std::net::Shutdown::Both);
        let _ = up.join();
    });
    let mut place = Place::new();
    place.environment(&[("HTTP_PROXY", &proxy.url().replace("http://", "http://user:secret@"))]);
    let wanted = pin("http://charts.test", "web", "1.0.0");
    assert_eq!(place.fetch(&wanted).unwrap().sha256, digest);
    // This machine is never asked through a proxy.
    let before = proxy.log().len();
    assert!(place.fetch(&pin(&server.url(), "web", "1.0.0")).unwrap().cached);
    assert_eq!(proxy.log().len(), before);
    place.environment(&[("HTTP_PROXY", &proxy.url().replace("http://", "http://user:wrong@"))]);
    let error = place.fetch(&wanted).unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable);
    assert!(error.came.contains("the proxy") && !format!("{error:?}").contains("wrong"), "{error}");
    place.environment(&[("HTTP_PROXY", "socks5://user:secret@127.0.0.1:1")]);
    let error = place.fetch(&wanted).unwrap_err();
    assert!(error.came.contains("socks5://127.0.0.1:1 is not supported"), "{error}");
}
