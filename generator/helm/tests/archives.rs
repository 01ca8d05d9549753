//! Archives are hostile input: what is too large, leaves its folder or is no file is refused, and nothing panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "a test")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use helm_render::chart::{Chart, Limits};
use tar::{Builder, EntryType, Header};

const CHART: &[u8] = b"apiVersion: v2\nname: small\nversion: 1.0.0\n";

/// An archive of entries: type, name as it is written into the header, contents.
fn archive(entries: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, data) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        // The builder would refuse names that leave the folder.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, *data).unwrap();
    }
    packed(&builder.into_inner().unwrap())
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn file<'a>(name: &'a str, data: &'a [u8]) -> (EntryType, &'a str, &'a [u8]) {
    (EntryType::Regular, name, data)
}

fn load(bytes: &[u8]) -> Result<Chart, String> {
    Chart::from_archive(bytes, &Limits::default()).map_err(|error| error.to_string())
}

/// The message for an archive with a chart and one thing more.
fn refused(kind: EntryType, name: &str, data: &[u8]) -> String {
    load(&archive(&[file("small/Chart.yaml", CHART), (kind, name, data)])).expect_err(name)
}

#[test]
fn a_chart() {
    let chart = load(&archive(&[
        (EntryType::Directory, "small/", b""),
        file("small/Chart.yaml", CHART),
        file("small/values.yaml", b"\xef\xbb\xbfa: 1\n"),
        file("small/templates/./x/../a.yaml", b"x"),
        file("small/charts/below/Chart.yaml", b"apiVersion: v1\nname: below\nversion: 0.1.0\n"),
    ]))
    .unwrap();
    assert_eq!((chart.name(), chart.templates[0].name.as_str()), ("small", "templates/a.yaml"));
    assert_eq!(chart.dependencies[0].name(), "below");
}

#[test]
fn paths_that_leave_the_chart() {
    for (name, message) in [
        ("small/../../etc/passwd", "illegally references parent directory"),
        ("small/..", "illegally references parent directory"),
        ("../etc/passwd", "chart"),
        ("small//etc/passwd", "illegally contains absolute paths"),
        ("/etc/passwd", ""),
        ("small", "outside the base directory"),
        ("small/.", "outside the base directory"),
        ("small/c:/windows", "illegally named files"),
        ("small\\..\\..\\windows", "illegally references parent directory"),
        ("Chart.yaml", "outside the base directory"),
        ("Chart.yaml/x", "chart yaml not in base directory"),
    ] {
        let archive = archive(&[file("small/Chart.yaml", CHART), file(name, b"x")]);
        match load(&archive) {
            Err(error) => assert!(error.contains(message), "{name}: {error}"),
            // A path whose first part is anything lies in the chart, without that part.
            Ok(chart) => assert!(chart.files.iter().all(|file| !file.name.starts_with(['/', '.'])), "{name}"),
        }
    }
}

#[test]
fn what_is_no_file() {
    for kind in [EntryType::Symlink, EntryType::Link] {
        assert!(refused(kind, "small/templates/a.yaml", b"").contains("contains a link"), "{kind:?}");
    }
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::GNUSparse] {
        refused(kind, "small/templates/a.yaml", b"");
    }
}

#[test]
fn more_than_the_limits() {
    let big = vec![b' '; 2000];
    let bytes = archive(&[file("small/Chart.yaml", CHART), file("small/a", &big), file("small/b", &big)]);
    let with = |limits: Limits| Chart::from_archive(&bytes, &limits).map(|_| ()).map_err(|error| error.to_string());
    let fine = Limits::default();
    assert_eq!(with(fine), Ok(()));
    assert!(with(Limits { file: 1999, ..fine }).unwrap_err().contains("larger than the maximum file size 1999"));
    assert!(with(Limits { total: 4000, ..fine }).unwrap_err().contains("larger than the maximum"));
    assert!(with(Limits { entries: 2, ..fine }).unwrap_err().contains("more than 2 files"));
}

#[test]
fn bombs() {
    // A header that promises much: nothing is allocated for it.
    let mut header = Header::new_gnu();
    header.set_path("small/values.yaml").unwrap();
    header.set_size(1 << 40);
    header.set_cksum();
    assert!(load(&packed(header.as_bytes())).is_err());
    // Much that is packed well: one file, and blocks that are no files.
    let zeros = vec![0; 6 << 20];
    assert!(load(&archive(&[file("small/Chart.yaml", CHART), file("small/a", &zeros)])).is_err());
    let many: Vec<u8> = vec![b'x'; 300 << 20];
    assert!(load(&packed(&many)).is_err());
    // Charts in charts in charts.
    let mut inner = archive(&[file("small/Chart.yaml", CHART)]);
    for _ in 0..Limits::default().depth + 1 {
        inner = archive(&[file("small/Chart.yaml", CHART), file("small/charts/small.tgz", &inner)]);
    }
    assert!(load(&inner).unwrap_err().contains("nested more than"));
}

#[test]
fn what_is_broken() {
    assert_eq!(load(b"").unwrap_err(), "gzip: invalid header");
    assert_eq!(load(b"PK\x03\x04").unwrap_err(), "gzip: invalid header");
    assert_eq!(load(&packed(b"")).unwrap_err(), "no files in chart archive");
    assert_eq!(load(&archive(&[file("small/values.yaml", b"")])).unwrap_err(), "Chart.yaml file is missing");
    let whole = archive(&[file("small/Chart.yaml", CHART), file("small/templates/a.yaml", &[b'a'; 5000])]);
    // Cut anywhere, and with any byte turned: a message or a chart, never a panic.
    for at in 0..whole.len() {
        let _ = load(&whole[..at]);
        let mut turned = whole.clone();
        turned[at] ^= 0x55;
        let _ = load(&turned);
    }
}
