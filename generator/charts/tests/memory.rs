//! An index that is larger than what reading it may take.
#![allow(clippy::disallowed_methods, reason = "tests make files and look at their own process")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufRead as _, BufReader, Write};
use std::net::TcpListener;

use chart_store::{Cache, Kind, Options, Pin};

/// The most memory that this process has had since it was last asked to forget it, in kilobytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// 48 MB of index in the style that is asked for, made as it is sent. The chart that is wanted comes near the end.
fn send(stream: &mut impl Write, json: bool) -> std::io::Result<u64> {
    let mut sent = 0;
    let mut write = |text: &str| {
        sent += text.len() as u64;
        stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
    };
    let words = "An entry that describes itself at length, as the entries of large repositories do. ".repeat(12);
    write(if json { "{\"apiVersion\":\"v1\",\"entries\":{" } else { "apiVersion: v1\nentries:\n" })?;
    for chart in 0..400 {
        let name = if chart == 390 { "web".to_owned() } else { format!("chart{chart:03}") };
        let mut text = if json { format!("\"{name}\":[") } else { format!("  {name}:\n") };
        for patch in 0..110 {
            let comma = if patch == 0 { "" } else { "," };
            text += &match json {
                true => {
                    format!("{comma}{{\"version\":\"1.0.{patch}\",\"urls\":[\"x.tgz\"],\"description\":\"{words}\"}}")
                }
                false => format!("  - description: {words}\n    urls:\n    - x.tgz\n    version: 1.0.{patch}\n"),
            };
        }
        text += if json && chart < 399 {
            "],"
        } else if json {
            "]"
        } else {
            ""
        };
        write(&text)?;
    }
    write(if json { "}}" } else { "generated: now\n" })?;
    stream.write_all(b"0\r\n\r\n")?;
    Ok(sent)
}

#[test]
fn a_large_index_is_never_held_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let mut sizes = Vec::new();
        for json in [false, true] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
            sizes.push(send(&mut stream, json).unwrap());
        }
        sizes
    });
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path());
    // A version that is not there: the index is all that is read.
    let pin = Pin {
        repository: format!("http://{address}"),
        name: "web".to_owned(),
        version: "9.9.9".to_owned(),
        sha256: None,
        oci_digest: None,
    };
    let fetch =
        || chart_store::fetch(std::slice::from_ref(&pin), &cache, &Options::default(), &|_| {}).remove(0).unwrap_err();
    let before = peak();
    for _ in 0..2 {
        let error = fetch();
        assert_eq!(
            (error.kind.clone(), error.came.as_str()),
            (Kind::NotFound, "the index has no such version, but 1.0.0, 1.0.1, 1.0.2 and others")
        );
    }
    let sizes = server.join().unwrap();
    assert!(sizes.iter().all(|size| *size > 40_000_000), "{sizes:?}");
    match (before, peak()) {
        (Some(before), Some(after)) => {
            let more = after.saturating_sub(before);
            assert!(more < 12 * 1024, "{sizes:?} bytes of index took {more} KB of memory");
        }
        _ => println!("skipped: this system does not say how much memory a process had"),
    }
}
