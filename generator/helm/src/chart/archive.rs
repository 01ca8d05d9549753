//! Archives, unpacked in memory.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::{Budget, ChartError, File};

/// Unpacks a `.tgz` into files whose paths start within its top folder.
pub(super) fn unpack(bytes: &[u8], budget: &mut Budget) -> Result<Vec<File>, ChartError> {
    if !bytes.starts_with(b"\x1f\x8b\x08") {
        return Err(ChartError::new("gzip: invalid header"));
    }
    let broken = |error: std::io::Error| ChartError(format!("broken archive: {error}"));
    // A bound on all that comes out of it, headers too: the files' own bound is on what the headers say.
    let most = budget.total.saturating_add(1024 * (budget.entries as u64).saturating_add(1024));
    let mut archive = Archive::new(MultiGzDecoder::new(bytes).take(most));
    let mut files = Vec::new();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        budget.entry()?;
        let name = std::str::from_utf8(&entry.path_bytes())
            .map_err(|_| ChartError::new("chart has a file whose name is not UTF-8"))?
            .to_owned();
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader | EntryType::XHeader => continue,
            EntryType::Regular if name.ends_with('/') => continue,
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Symlink | EntryType::Link => {
                return Err(ChartError(format!("chart contains a link, which is refused: {name:?}")));
            }
            _ => return Err(ChartError(format!("chart contains something that is no file: {name:?}"))),
        }
        let inner = inner_path(&name)?;
        let size = entry.size();
        if size > budget.limits.file {
            let most = budget.limits.file;
            return Err(ChartError(format!(
                "decompressed chart file {name:?} is larger than the maximum file size {most}"
            )));
        }
        budget.bytes(size)?;
        let mut data = Vec::new();
        (&mut entry).take(size).read_to_end(&mut data).map_err(broken)?;
        if (data.len() as u64) < size {
            return Err(ChartError::new("unexpected EOF"));
        }
        files.push(File::new(inner, &data));
    }
    if files.is_empty() { Err(ChartError::new("no files in chart archive")) } else { Ok(files) }
}

/// Where a file lies within the chart: without the top folder, and never outside of it.
fn inner_path(name: &str) -> Result<String, ChartError> {
    let name_with_slashes;
    // Archives made on Windows may have backslashes.
    let plain = if name.contains('\\') {
        name_with_slashes = name.replace('/', "\u{0}").replace('\\', "/");
        &name_with_slashes
    } else {
        name
    };
    let (top, rest) = plain.split_once('/').unwrap_or((plain, ""));
    if rest.contains('\u{0}') || top.contains('\u{0}') {
        return Err(ChartError(format!("chart mixes / and \\ in a path: {name:?}")));
    }
    if rest.starts_with('/') {
        return Err(ChartError::new("chart illegally contains absolute paths"));
    }
    let clean = super::clean_path(rest);
    if clean == "." {
        return Err(ChartError(format!("chart illegally contains content outside the base directory: {name:?}")));
    }
    if clean.starts_with("..") {
        return Err(ChartError::new("chart illegally references parent directory"));
    }
    let bytes = clean.as_bytes();
    if bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'/' {
        return Err(ChartError::new("chart contains illegally named files"));
    }
    if top == "Chart.yaml" {
        return Err(ChartError::new("chart yaml not in base directory"));
    }
    Ok(clean)
}
