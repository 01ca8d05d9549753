//! Fingerprints the program's own sources: what another build rendered is never taken for our own work.
#![expect(clippy::disallowed_methods, reason = "a build script reads its own sources")]

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

fn main() {
    let mut hasher = DefaultHasher::new();
    let sources = ["src", "helm/src"];
    for folder in sources {
        fold(Path::new(folder), &mut hasher);
        println!("cargo::rerun-if-changed={folder}");
    }
    if let Ok(lock) = std::fs::read("../Cargo.lock") {
        lock.hash(&mut hasher);
    }
    println!("cargo::rerun-if-changed=../Cargo.lock");
    println!("cargo::rustc-env=KUBEZERO_BUILD={:016x}", hasher.finish());
}

fn fold(folder: &Path, hasher: &mut DefaultHasher) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        path.to_string_lossy().hash(hasher);
        if path.is_dir() {
            fold(&path, hasher);
        } else if let Ok(bytes) = std::fs::read(&path) {
            bytes.hash(hasher);
        }
    }
}
