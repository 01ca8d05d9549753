//! Charts on disk.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::ignore::Rules;
use super::{Budget, ChartError, File, archive};

/// Reads all files of a chart: a folder without what its `.helmignore` names, or an archive.
#[expect(clippy::disallowed_methods, reason = "the one place where charts are read from disk; links are not followed")]
pub(super) fn read(path: &Path, budget: &mut Budget) -> Result<Vec<File>, ChartError> {
    let failed = |error: std::io::Error| ChartError(format!("cannot read {}: {error}", path.display()));
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        // An archive that is larger than what may come out of it is none that we would take.
        let size = fs::metadata(path).map_err(failed)?.len();
        if size > budget.limits.total {
            let most = budget.limits.total;
            return Err(ChartError(format!("chart archive {} is larger than {most} bytes", path.display())));
        }
        return archive::unpack(&fs::read(path).map_err(failed)?, budget);
    }
    let rules = match fs::symlink_metadata(path.join(".helmignore")) {
        Ok(found) if found.is_file() && found.len() <= budget.limits.file => {
            let text = fs::read(path.join(".helmignore")).map_err(failed)?;
            Rules::parse(&String::from_utf8_lossy(&text))
        }
        Ok(_) => return Err(ChartError::new("cannot load irregular file .helmignore")),
        Err(_) => Rules::parse(""),
    };
    let mut files = Vec::new();
    walk(path, "", &rules.map_err(ChartError)?, budget, &mut files, &mut Vec::new(), 0)?;
    Ok(files)
}

/// Reads what lies in a folder. The buffer is for all files, so that no memory is touched for each anew.
#[expect(clippy::disallowed_methods, reason = "the one place where charts are read from disk; links are not followed")]
fn walk(
    root: &Path,
    folder: &str,
    rules: &Rules,
    budget: &mut Budget,
    files: &mut Vec<File>,
    data: &mut Vec<u8>,
    depth: usize,
) -> Result<(), ChartError> {
    if depth > 64 {
        return Err(ChartError::new("chart has folders more than 64 deep"));
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(folder)).map_err(|error| unread(folder, &error))? {
        let name = entry.map_err(|error| unread(folder, &error))?.file_name();
        budget.entry()?;
        names.push(name.into_string().map_err(|_| ChartError::new("chart has a file whose name is not UTF-8"))?);
    }
    names.sort_unstable();
    for name in names {
        let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let path = root.join(&name);
        let found = fs::symlink_metadata(&path).map_err(|error| unread(&name, &error))?;
        if rules.ignores(&name, found.is_dir()) {
            continue;
        }
        if found.is_dir() {
            walk(root, &name, rules, budget, files, data, depth + 1)?;
            continue;
        }
        if found.is_symlink() {
            return Err(ChartError(format!("chart contains a link, which is refused: {name:?}")));
        }
        if !found.is_file() {
            return Err(ChartError(format!("cannot load irregular file {name} as it has file mode type bits set")));
        }
        if found.len() > budget.limits.file {
            let most = budget.limits.file;
            return Err(ChartError(format!("chart file {name:?} is larger than the maximum file size {most}")));
        }
        budget.bytes(found.len())?;
        data.clear();
        let read = fs::File::open(&path).and_then(|mut file| file.read_to_end(data));
        read.map_err(|error| unread(&name, &error))?;
        files.push(File::new(name, data));
    }
    Ok(())
}

fn unread(name: &str, error: &std::io::Error) -> ChartError {
    ChartError(format!("error reading {name}: {error}"))
}
