//! Every fault that networks and servers have.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chart_store::{DigestOf, Kind, Pin, sha256};

use crate::server::{Asked, Server, answer, cut, head, part};
use crate::support::{Place, archive, index, pin};

/// A repository with one chart, whose archive is served by the test.
fn repository(
    digest: Option<&str>,
    serve: impl Fn(&Asked, &mut std::net::TcpStream) + Send + Sync + 'static,
) -> Server {
    let text = index("web", "1.0.0", digest, "web.tgz");
    Server::start(move |asked, stream| match asked.path.as_str() {
        "/index.yaml" => answer(stream, 200, &[], &text),
        _ => serve(asked, stream),
    })
}

fn fetch(server: &Server, place: &Place) -> Result<chart_store::Fetched, chart_store::FetchError> {
    place.fetch(&pin(&server.url(), "web", "1.0.0"))
}

#[test]
fn another_archive_than_the_one_that_was_said() {
    let chart = archive("web", "1.0.0", 0);
    let (found, wanted) = (sha256(&chart), "a".repeat(64));
    let served = chart.clone();
    let server = repository(Some(&wanted), move |_, stream| answer(stream, 200, &[], &served));
    let place = Place::new();
    let error = fetch(&server, &place).unwrap_err();
    let kind =
        Kind::WrongDigest { of: DigestOf::Archive, expected: wanted.clone().into(), found: found.clone().into() };
    assert_eq!(error.kind, kind);
    assert!(error.to_string().contains(&found) && error.to_string().contains(&wanted), "{error}");
    assert!(place.kept().is_empty() && place.waited().is_empty());
    // Where the pin knows the archive, an index that is wrong about it does no harm.
    let known = Pin { sha256: Some(found), ..pin(&server.url(), "web", "1.0.0") };
    place.fetch(&known).unwrap();
    let other = Pin { sha256: Some("b".repeat(64)), ..known };
    let error = place.fetch(&other).unwrap_err();
    assert!(matches!(error.kind, Kind::WrongDigest { ref expected, .. } if **expected == "b".repeat(64)));
}

#[test]
fn what_is_no_chart() {
    for (bytes, kind, words) in [
        (b"<html>log in</html>".to_vec(), Kind::NotAnArchive, "<html>log in</html>"),
        (archive("api", "1.0.0", 0), Kind::OtherChart, "the archive holds \"api\" \"1.0.0\""),
        (archive("web", "2.0.0", 0), Kind::OtherChart, "the archive holds \"web\" \"2.0.0\""),
        (archive("web", "1.0.0", 5000)[..3000].to_vec(), Kind::NotAnArchive, "the archive is broken"),
        (Vec::new(), Kind::NotAnArchive, "0 bytes"),
    ] {
        let server = repository(None, move |_, stream| answer(stream, 200, &[], &bytes));
        let place = Place::new();
        let error = fetch(&server, &place).unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.to_string().contains(words), "{error}");
        assert!(place.kept().is_empty());
    }
    // A portal's page instead of an archive whose digest is known: the words are of the page.
    let server = repository(Some(&"a".repeat(64)), |_, stream| answer(stream, 200, &[], b"<html>"));
    assert_eq!(fetch(&server, &Place::new()).unwrap_err().kind, Kind::NotAnArchive);
}

#[test]
fn a_server_that_stumbles_is_asked_again_after_longer_and_longer() {
    let chart = archive("web", "1.0.0", 0);
    let server = repository(None, move |asked, stream| match asked.before {
        0 => answer(stream, 500, &[], b""),
        1 => answer(stream, 503, &[], b""),
        2 => {}
        _ => answer(stream, 200, &[], &chart),
    });
    let place = Place::new();
    fetch(&server, &place).unwrap();
    assert_eq!(place.waited(), [500, 1000, 2000]);
    let server = repository(None, |_, stream| answer(stream, 502, &[], b""));
    let place = Place::new();
    let error = fetch(&server, &place).unwrap_err();
    assert_eq!((error.kind.clone(), error.came.as_str()), (Kind::Busy, "the answer was 502 Bad Gateway"));
    assert_eq!(server.paths().len(), 1 + 4);
}

#[test]
fn a_server_says_when_to_come_back() {
    let chart = archive("web", "1.0.0", 0);
    let server = repository(None, move |asked, stream| match asked.before {
        0 => answer(stream, 429, &[("Retry-After", "7")], b""),
        1 => {
            let headers = [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:50:00 GMT")];
            answer(stream, 503, &headers, b"");
        }
        _ => answer(stream, 200, &[], &chart),
    });
    let place = Place::new();
    fetch(&server, &place).unwrap();
    assert_eq!(place.waited(), [7000, 23_000]);
    let server = repository(None, |_, stream| answer(stream, 429, &[("Retry-After", "3600")], b""));
    let place = Place::new();
    let error = fetch(&server, &place).unwrap_err();
    assert_eq!(error.kind, Kind::Busy);
    assert!(error.came.ends_with("try again in 3600 s"), "{error}");
    assert!(place.waited().is_empty());
}

#[test]
fn a_download_that_was_cut_goes_on_where_it_ended() {
    let chart = archive("web", "1.0.0", 300_000);
    let (length, served) = (chart.len(), chart.clone());
    let server = repository(None, move |asked, stream| {
        let headers = [("ETag", "\"one\"")];
        match asked.before {
            0 => cut(stream, &headers, &served, 100_000),
            1 => {
                assert_eq!(asked.header("range"), Some("bytes=100000-"));
                assert_eq!(asked.header("if-range"), Some("\"one\""));
                let range = format!("bytes 100000-{}/{}", served.len() - 1, served.len());
                head(
                    stream,
                    206,
                    &[headers[0], ("Content-Range", &range), ("Content-Length", &(served.len() - 100_000).to_string())],
                );
                let _ = stream.write_all(&served[100_000..150_000]);
            }
            _ => part(asked, stream, &headers, &served),
        }
    });
    let place = Place::new();
    assert_eq!(fetch(&server, &place).unwrap().sha256, sha256(&chart));
    assert_eq!(server.log().last().unwrap().header("range"), Some("bytes=150000-"));
    assert_eq!(place.waited(), [500, 500], "what makes progress is not slowed down");
    assert!(length > 150_000);
}

#[test]
fn another_file_is_not_sewn_to_the_first_half() {
    let (old, new) = (archive("web", "1.0.0", 200_000), archive("web", "1.0.0", 250_000));
    // The server says that it is another one, and sends all of it.
    let (first, second) = (old.clone(), new.clone());
    let server = repository(None, move |asked, stream| match asked.before {
        0 => cut(stream, &[("ETag", "\"old\"")], &first, 100_000),
        _ => answer(stream, 200, &[("ETag", "\"new\"")], &second),
    });
    assert_eq!(fetch(&server, &Place::new()).unwrap().sha256, sha256(&new));
    // Nobody says what it is: it is fetched from the start.
    let (first, second) = (old.clone(), new.clone());
    let server = repository(None, move |asked, stream| match asked.before {
        0 => cut(stream, &[], &first, 100_000),
        _ => part(asked, stream, &[], &second),
    });
    let place = Place::new();
    assert_eq!(fetch(&server, &place).unwrap().sha256, sha256(&new));
    assert_eq!(server.log().last().unwrap().header("range"), None);
    // The digest is known, so half of it may be kept; a part that does not fit, or is not to be had, makes it start again.
    let (first, second) = (old.clone(), old.clone());
    let server = repository(Some(&sha256(&old)), move |asked, stream| match asked.before {
        0 => cut(stream, &[], &first, 100_000),
        1 => answer(stream, 206, &[("Content-Range", "bytes 5-9/10")], b"other"),
        2 => cut(stream, &[], &first, 50_000),
        3 => answer(stream, 416, &[], b""),
        _ => part(asked, stream, &[], &second),
    });
    let mut place = Place::new();
    place.options.tries = 10;
    assert_eq!(fetch(&server, &place).unwrap().sha256, sha256(&old));
    assert_eq!(server.log().last().unwrap().header("range"), None);
}

#[test]
fn a_connection_that_always_ends_too_early() {
    let chart = archive("web", "1.0.0", 10_000);
    let length = chart.len();
    let server = repository(None, move |_, stream| cut(stream, &[], &chart, 4000));
    let place = Place::new();
    let error = fetch(&server, &place).unwrap_err();
    assert_eq!(error.kind, Kind::Cut);
    assert_eq!(error.came, format!("the connection ended after 4000 bytes of {length}"));
    assert!(place.kept().is_empty());
    // In chunks there is no length, but an end that must come.
    let server = repository(None, |_, stream| {
        head(stream, 200, &[("Transfer-Encoding", "chunked")]);
        let _ = stream.write_all(b"5\r\nhello\r\n");
    });
    assert_eq!(fetch(&server, &Place::new()).unwrap_err().kind, Kind::Cut);
    // No HTTP at all.
    let server = repository(None, |_, stream| {
        let _ = stream.write_all(b"SSH-2.0-x\r\n\r\n");
    });
    assert_eq!(fetch(&server, &Place::new()).unwrap_err().kind, Kind::Cut);
}

#[test]
fn a_server_that_falls_silent() {
    let chart = archive("web", "1.0.0", 10_000);
    let hold = |stream: &mut std::net::TcpStream| {
        // Until the other side has had enough.
        let _ = std::io::Read::read(stream, &mut [0; 1]);
    };
    let half = chart.clone();
    let server = repository(None, move |_, stream| {
        cut(stream, &[], &half, 4000);
        hold(stream);
    });
    let mut place = Place::new();
    place.options.silence = Duration::from_millis(50);
    place.options.tries = 2;
    let error = fetch(&server, &place).unwrap_err();
    assert_eq!((error.kind.clone(), place.waited().len()), (Kind::Timeout, 1), "{error}");
    let server = repository(None, move |_, stream| hold(stream));
    let error = fetch(&server, &place).unwrap_err();
    assert_eq!((error.kind, error.came.as_str()), (Kind::Timeout, "no answer came in time"));
    // One that is slow but keeps sending is waited for, however long it takes in all.
    let server = repository(None, move |_, stream| {
        head(stream, 200, &[("Content-Length", &chart.len().to_string())]);
        for part in chart.chunks(chart.len() / 8) {
            let _ = stream.write_all(part);
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    place.options.silence = Duration::from_secs(20);
    fetch(&server, &place).unwrap();
}

#[test]
fn redirects() {
    let chart = archive("web", "1.0.0", 0);
    let served = chart.clone();
    let server = repository(None, move |asked, stream| match asked.path.as_str() {
        "/web.tgz" => answer(stream, 302, &[("Location", "/a/b")], b""),
        "/a/b" => answer(stream, 307, &[("Location", "../c?x=1")], b""),
        "/c?x=1" => answer(stream, 200, &[], &served),
        _ => answer(stream, 404, &[], b""),
    });
    assert_eq!(fetch(&server, &Place::new()).unwrap().sha256, sha256(&chart));
    let server = repository(None, |_, stream| answer(stream, 301, &[("Location", "/web.tgz")], b""));
    let error = fetch(&server, &Place::new()).unwrap_err();
    assert_eq!(error.kind, Kind::TooManyRedirects);
    assert_eq!(server.paths().len(), 1 + 11);
    for to in ["file:///etc/passwd", "ftp://example.com/x", ""] {
        let server = repository(None, move |_, stream| answer(stream, 302, &[("Location", to)], b""));
        let error = fetch(&server, &Place::new()).unwrap_err();
        assert_eq!(error.kind, Kind::BadRedirect, "{to}");
    }
}

#[test]
fn more_than_anybody_wants() {
    let sent = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&sent);
    let server = repository(None, move |asked, stream| {
        if asked.before == 0 {
            return head(stream, 200, &[("Content-Length", "99999999999")]);
        }
        head(stream, 200, &[("Transfer-Encoding", "chunked")]);
        let chunk = [b"400\r\n".as_slice(), &[b'x'; 1024], b"\r\n"].concat();
        while stream.write_all(&chunk).is_ok() {
            counted.fetch_add(1024, Ordering::Relaxed);
        }
    });
    let mut place = Place::new();
    place.options.most_archive = 1024 * 1024;
    let error = fetch(&server, &place).unwrap_err();
    assert_eq!(error.kind, Kind::TooLarge);
    assert!(error.came.contains("99999999999 bytes, 1048576 at most"), "{error}");
    place.options.most_index = 100;
    let error = fetch(&server, &place).unwrap_err();
    assert_eq!((error.kind, error.asked.as_str()), (Kind::TooLarge, "web 1.0.0 (the index)"));
    place.options.most_index = 1 << 20;
    let error = fetch(&server, &place).unwrap_err();
    assert_eq!(error.kind, Kind::TooLarge);
    // It ends soon after, though the server would go on for ever: what lies in the sockets' buffers is all that is too much.
    assert!(sent.load(Ordering::Relaxed) < 64 * 1024 * 1024);
}

#[test]
fn nobody_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let place = Place::new();
    let error = place.fetch(&pin(&format!("http://{address}"), "web", "1.0.0")).unwrap_err();
    assert_eq!((error.kind, error.came.as_str()), (Kind::Unreachable, "the connection was refused"));
    assert_eq!(place.waited(), [500, 1000, 2000]);
    let error = place.fetch(&pin("http://no host/", "web", "1.0.0")).unwrap_err();
    assert_eq!(error.kind, Kind::Malformed);
}

#[test]
fn statuses_that_mean_nothing_here() {
    let server = repository(None, |_, stream| answer(stream, 418, &[], b""));
    let error = fetch(&server, &Place::new()).unwrap_err();
    assert_eq!((error.kind.clone(), error.came.as_str()), (Kind::Status(418), "the answer was 418 I'm a teapot"));
    assert_eq!(error.kind.code(), "status");
}
