//! What the tests of the program as a whole share: a repository in a temporary folder, and running the binary in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The top of this repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The folder that holds the tests' data.
pub fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Whether expected output is to be written rather than compared.
pub fn blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

/// What a run came to.
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

/// A command that does not depend on who runs it: the binary on the path, no colour, nobody's Git configuration.
pub fn command(program: &str, folder: &Path) -> Command {
    let binaries = Path::new(env!("CARGO_BIN_EXE_kubezero")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.current_dir(folder).env("PATH", path).env("NO_COLOR", "1").env("LC_ALL", "C").env_remove("COLUMNS");
    // What a person has in their cache is not part of a test.
    command.env("KUBEZERO_CACHE", "/dev/null/nowhere");
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn finish(mut command: Command) -> Run {
    let output = command.output().unwrap();
    Run {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}

/// Runs the program in a folder.
pub fn kubezero(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = command(env!("CARGO_BIN_EXE_kubezero"), folder);
    command.args(arguments);
    finish(command)
}

/// Replaces a text in a file, which has it.
pub fn replace(folder: &Path, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(folder.join(file)).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(folder.join(file), text.replace(from, to)).unwrap();
}

/// Runs git as nobody in particular; it has to succeed.
pub fn git(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = command("git", folder);
    command.args(["-c", "user.name=Test", "-c", "user.email=test@example.com"]).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let run = finish(command);
    assert_eq!(run.code, 0, "git {arguments:?}: {}{}", run.stdout, run.stderr);
    run
}

/// Copies a folder over another one: what is there already is replaced or stays.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file below a folder, by its path in it.
pub fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inside, text)| (format!("{name}/{inside}"), text)));
        } else {
            found.insert(name, String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned());
        }
    }
    found
}

/// Compares a file with what it should be, or writes it; what is different comes back in words.
pub fn compare(path: &Path, found: &str) -> Option<String> {
    let wanted = fs::read_to_string(path).unwrap_or_default();
    if wanted == found {
        return None;
    }
    if blessing() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, found).unwrap();
        return None;
    }
    Some(format!(
        "{} is not as expected (BLESS=1 cargo test writes it):\n{}",
        path.display(),
        similar::TextDiff::from_lines(wanted.as_str(), found).unified_diff().header("expected", "found")
    ))
}

/// Fails with all that is wrong, not with the first of it.
pub fn nothing_wrong(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// A chart's folder as an archive, the same bytes whenever it is packed.
pub fn pack(chart: &Path) -> Vec<u8> {
    let name = chart.file_name().unwrap().to_str().unwrap();
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6)));
    for (path, text) in files(chart) {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("{name}/{path}"), text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// Puts charts of the tests' own into a repository's `components/vendor`, and their sums into its lock. Each is the address of its
/// repository, its version and its folder below `tests/charts`, whose last part is its name.
pub fn vendor(repository: &Path, charts: &[(&str, &str, &str)]) {
    let packed = charts.iter().map(|(address, version, chart)| {
        let bytes = pack(&tests().join("charts").join(chart));
        (*address, *version, chart.rsplit('/').next().unwrap(), bytes)
    });
    vendor_packed(repository, packed.collect());
}

/// The same for archives: address, version, name and bytes.
pub fn vendor_packed(repository: &Path, charts: Vec<(&str, &str, &str, Vec<u8>)>) {
    use kubezero::pipeline::lock::{LOCK, Lock, Locked, Pin};
    use sha2::Digest as _;

    let folder = repository.join("components/vendor");
    fs::create_dir_all(&folder).unwrap();
    let mut locked = BTreeMap::new();
    for (address, version, name, bytes) in charts {
        let sum: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(folder.join(format!("{name}-{version}-{}.tgz", &sum[..12])), bytes).unwrap();
        let pin = Pin { repository: address.to_owned(), name: name.to_owned(), version: version.to_owned() };
        locked.insert(pin, Locked { sha256: Some(sum), ..Locked::default() });
    }
    fs::write(repository.join(LOCK), Lock::text(&locked)).unwrap();
}
