//! Whether an archive is the chart that it is taken for.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::error::Kind;
use crate::yaml::{self, Anchors};

/// Unpacked, a chart may be as large as this; Helm takes a fifth of it.
const MOST: u64 = 512 * 1024 * 1024;
/// `Chart.yaml` may be as large as this.
const MOST_METADATA: u64 = 1024 * 1024;

/// Looks into an archive: a gzip tar with `<folder>/Chart.yaml` of that name and version, whole to its end.
pub(crate) fn check(bytes: &[u8], name: &str, version: &str) -> Result<(), (Kind, String)> {
    let broken = |why: String| (Kind::NotAnArchive, why);
    if !bytes.starts_with(b"\x1f\x8b\x08") {
        let start: String = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        return Err(broken(format!("no gzip archive came, but {} bytes that start with {start:?}", bytes.len())));
    }
    let mut archive = tar::Archive::new(MultiGzDecoder::new(bytes).take(MOST));
    let unreadable = |error: std::io::Error| broken(format!("the archive is broken: {error}"));
    let mut found = None;
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path.strip_prefix("./").unwrap_or(&path);
        let is_metadata = path.split_once('/').is_some_and(|(_, file)| file == "Chart.yaml");
        if is_metadata && found.is_none() {
            let mut text = String::new();
            (&mut entry).take(MOST_METADATA).read_to_string(&mut text).map_err(unreadable)?;
            found = Some(text);
        }
        // What is left of the entry is read by the next one; of the last one it is read here.
        std::io::copy(&mut entry, &mut std::io::sink()).map_err(unreadable)?;
    }
    let Some(text) = found else { return Err(broken("the archive holds no <chart>/Chart.yaml".to_owned())) };
    let metadata = yaml::read(text.trim_start_matches('\u{feff}'), Anchors::Nothing)
        .map_err(|error| broken(format!("its Chart.yaml cannot be read: {error}")))?;
    let field = |key: &str| metadata.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let (its_name, its_version) = (field("name"), field("version"));
    if its_name != name || !same_version(&its_version, version) {
        return Err((Kind::OtherChart, format!("the archive holds {its_name:?} {its_version:?}")));
    }
    Ok(())
}

/// Versions are equal with and without a leading `v`: Helm finds them so.
pub(crate) fn same_version(left: &str, right: &str) -> bool {
    left.strip_prefix('v').unwrap_or(left) == right.strip_prefix('v').unwrap_or(right)
}
