//! The cache of chart archives on this machine, as far as rendering reads it. `kubezero charts fetch` fills it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::Failure;
use crate::pipeline::charts::{Archives, Charts};

/// The archives that were fetched, and beside them what charts came to.
#[derive(Debug)]
struct Cache(chart_store::Cache);

/// Charts out of the cache of this machine, shared by everything that one run renders.
pub fn charts() -> Arc<Charts> {
    Arc::new(match folder() {
        Some(folder) => Charts::with_cache(Box::new(Cache(chart_store::Cache::new(folder)))),
        None => Charts::default(),
    })
}

/// `$KUBEZERO_CACHE`, else `kubezero` in the user's folder for caches; none where this machine has no such folder.
#[expect(
    clippy::disallowed_methods,
    reason = "where the cache is does not matter to what is in it: archives are known by their sums"
)]
pub fn folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("KUBEZERO_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("kubezero")))
        .or_else(|| Some(variable("HOME")?.join(".cache/kubezero")))
}

impl Archives for Cache {
    #[expect(clippy::disallowed_methods, reason = "an archive is known by its sum, wherever it lies")]
    fn read(&self, sha256: &str) -> Result<Option<Vec<u8>>, Failure> {
        // Whoever asks holds it against its sum, and says both sums where they differ.
        let path = self.0.path(sha256);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(Failure::new("read", path, error)),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "what was kept is what this very build makes of the same input")]
    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        let bytes = std::fs::read(self.kept(key)?).ok()?;
        let mut whole = Vec::with_capacity(bytes.len().saturating_mul(8));
        GzDecoder::new(bytes.as_slice()).read_to_end(&mut whole).ok()?;
        Some(whole)
    }

    /// Whatever goes wrong here costs time and nothing else.
    #[expect(clippy::disallowed_methods, reason = "it is written aside and renamed, so nobody ever reads half of it")]
    fn keep(&self, key: &str, bytes: &[u8]) {
        let Some(path) = self.kept(key) else { return };
        let Some(folder) = path.parent() else { return };
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            make_room(folder)?;
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(bytes)?;
            let aside = folder.join(format!("{key}.{}.new", std::process::id()));
            std::fs::write(&aside, packed.finish()?)?;
            std::fs::rename(&aside, &path)
        };
        let _ = write();
    }
}

impl Cache {
    /// `rendered/<build>/<first two digits>/<key>.gz`
    fn kept(&self, key: &str) -> Option<PathBuf> {
        Some(self.0.root().join("rendered").join(env!("KUBEZERO_BUILD")).join(key.get(..2)?).join(format!("{key}.gz")))
    }
}

/// So many files may be in each of the 256 folders.
const ROOM: usize = 64;

/// Removes the oldest file of a folder that is full.
#[expect(clippy::disallowed_methods, reason = "what is removed can be made again")]
fn make_room(folder: &Path) -> std::io::Result<()> {
    let files: Vec<_> = std::fs::read_dir(folder)?.flatten().collect();
    if files.len() < ROOM {
        return Ok(());
    }
    let age = |file: &std::fs::DirEntry| file.metadata().and_then(|metadata| metadata.modified()).ok();
    match files.iter().min_by_key(|file| age(file)) {
        Some(oldest) => std::fs::remove_file(oldest.path()),
        None => Ok(()),
    }
}
