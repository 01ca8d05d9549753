//! The cache of chart archives on this machine, as far as rendering reads it. `kubezero charts fetch` fills it.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Failure;
use crate::pipeline::charts::{Archives, Charts};

/// Archives in a folder, by their sums: `charts/sha256/<first two digits>/<sum>.tgz`.
#[derive(Debug)]
struct Cache {
    folder: PathBuf,
}

/// Charts out of the cache of this machine, shared by everything that one run renders.
pub fn charts() -> Arc<Charts> {
    Arc::new(match folder() {
        Some(folder) => Charts::with_cache(Box::new(Cache { folder })),
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
        let Some(first) = sha256.get(..2) else { return Ok(None) };
        let path = self.folder.join("charts/sha256").join(first).join(format!("{sha256}.tgz"));
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(Failure::new("read", path, error)),
        }
    }
}
