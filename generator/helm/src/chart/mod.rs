//! Charts: what lies in a folder or an archive, before any value is set.
//!
//! Charts are hostile input: how much they may hold, how deeply they may nest and where their files may lie is bounded, and links
//! and devices are refused (Helm follows links in folders and reads links in archives as empty files).

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::value::Value;

mod archive;
mod files;
mod folder;
pub(crate) mod glob;
mod ignore;
mod metadata;
mod plain;
pub(crate) mod schema;
pub(crate) mod text;
pub mod values;
pub mod version;

pub(crate) use files::Files;
pub use metadata::{Dependency, ImportValue, Maintainer, Metadata};
pub(crate) use metadata::{field, string, template_value as metadata_value};

/// A chart could not be loaded, in Helm's words where Helm has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartError(String);

impl fmt::Display for ChartError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl std::error::Error for ChartError {}

impl ChartError {
    pub(crate) fn new(message: impl Into<String>) -> ChartError {
        ChartError(message.into())
    }
}

/// A file of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path from the root of the chart, with `/`.
    pub name: String,
    /// What it holds, without a byte order mark.
    pub data: Arc<[u8]>,
}

impl File {
    /// A file; a byte order mark is taken off.
    pub fn new(name: impl Into<String>, data: &[u8]) -> File {
        File { name: name.into(), data: data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data).into() }
    }
}

/// How much a chart may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of all files together, unpacked, those of its subcharts included.
    pub total: u64,
    /// Bytes of one file, unpacked.
    pub file: u64,
    /// Files and folders, those of its subcharts included.
    pub entries: usize,
    /// Charts within charts.
    pub depth: usize,
}

impl Default for Limits {
    /// Helm's limits for sizes (100 MiB and 5 MiB), and our own for the rest.
    fn default() -> Limits {
        Limits { total: 100 * 1024 * 1024, file: 5 * 1024 * 1024, entries: 50_000, depth: 16 }
    }
}

/// What is left of the limits.
#[derive(Debug)]
struct Budget {
    limits: Limits,
    total: u64,
    entries: usize,
}

impl Budget {
    fn new(limits: &Limits) -> Budget {
        Budget { limits: *limits, total: limits.total, entries: limits.entries }
    }

    fn entry(&mut self) -> Result<(), ChartError> {
        self.entries = self
            .entries
            .checked_sub(1)
            .ok_or_else(|| ChartError(format!("chart has more than {} files", self.limits.entries)))?;
        Ok(())
    }

    fn bytes(&mut self, bytes: u64) -> Result<(), ChartError> {
        match self.total.checked_sub(bytes) {
            Some(left) => {
                self.total = left;
                Ok(())
            }
            None => Err(ChartError(format!(
                "decompressed chart is larger than the maximum file size {}",
                self.limits.total
            ))),
        }
    }
}

/// A chart with its subcharts, as it was packed. Rendering does not change it.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// `Chart.yaml`, with what `requirements.yaml` adds.
    pub metadata: Metadata,
    /// `values.yaml`; an empty map where there is none.
    pub values: Value,
    /// `values.schema.json`
    pub schema: Option<Arc<[u8]>>,
    /// What lies under `templates/`.
    pub templates: Vec<File>,
    /// All else that templates may read, `crds/` included.
    pub files: Vec<File>,
    /// What lies under `charts/`, by name of folder or archive.
    pub dependencies: Vec<Arc<Chart>>,
    /// What Helm would have warned about.
    pub warnings: Vec<String>,
}

impl Chart {
    /// Loads a chart from a folder or an archive.
    pub fn load(path: &Path, limits: &Limits) -> Result<Chart, ChartError> {
        let mut budget = Budget::new(limits);
        load_files(folder::read(path, &mut budget)?, &mut budget, 0)
    }

    /// Loads a chart from the bytes of a `.tgz`.
    pub fn from_archive(bytes: &[u8], limits: &Limits) -> Result<Chart, ChartError> {
        let mut budget = Budget::new(limits);
        load_files(archive::unpack(bytes, &mut budget)?, &mut budget, 0)
    }

    /// Makes a chart of files whose paths start at the root of the chart. `.helmignore` has no say here, as with archives.
    pub fn from_files(files: Vec<File>, limits: &Limits) -> Result<Chart, ChartError> {
        let mut budget = Budget::new(limits);
        for file in &files {
            budget.entry()?;
            budget.bytes(file.data.len() as u64)?;
        }
        load_files(files, &mut budget, 0)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether it has nothing to render of its own.
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }
}

fn utf8(file: &File) -> Result<&str, String> {
    std::str::from_utf8(&file.data).map_err(|_| "yaml: invalid leading UTF-8 octet".to_owned())
}

fn load_files(files: Vec<File>, budget: &mut Budget, depth: usize) -> Result<Chart, ChartError> {
    if depth > budget.limits.depth {
        return Err(ChartError(format!("charts are nested more than {} deep", budget.limits.depth)));
    }
    let mut warnings = Vec::new();
    let read = |file: &File, what: &str| {
        utf8(file).and_then(text::read).map_err(|error| ChartError(format!("cannot load {what}: {error}")))
    };
    let mut described = metadata::Builder::default();
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        described
            .add(&read(file, "Chart.yaml")?)
            .map_err(|error| ChartError(format!("cannot load Chart.yaml: {error}")))?;
        described.default_version();
    }

    let mut values = Value::map::<&str, Value>([]);
    let mut schema = None;
    let (mut templates, mut others) = (Vec::new(), Vec::new());
    let mut packed: std::collections::BTreeMap<String, Vec<File>> = std::collections::BTreeMap::new();
    for file in files {
        match file.name.as_str() {
            "Chart.yaml" | "Chart.lock" => {}
            "values.yaml" => {
                let read = utf8(&file).and_then(values::read);
                values = read.map_err(|error| ChartError(format!("cannot load values.yaml: {error}")))?;
            }
            "values.schema.json" => schema = Some(file.data),
            "requirements.yaml" => {
                if !described.is_v1() {
                    warnings.push(
                        "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating \
                         dependencies to Chart.yaml."
                            .to_owned(),
                    );
                }
                described
                    .add(&read(&file, "requirements.yaml")?)
                    .map_err(|error| ChartError(format!("cannot load requirements.yaml: {error}")))?;
                if described.is_v1() {
                    others.push(file);
                }
            }
            "requirements.lock" => {
                if described.is_v1() {
                    others.push(file);
                }
            }
            name if name.starts_with("templates/") => templates.push(file),
            name if name.starts_with("charts/") && !name.ends_with(".prov") => {
                let rest = name["charts/".len()..].to_owned();
                let folder = rest.split('/').next().unwrap_or_default().to_owned();
                packed.entry(folder).or_default().push(File { name: rest, data: file.data });
            }
            _ => others.push(file),
        }
    }
    let metadata = described.finish().map_err(ChartError)?;

    let mut dependencies = Vec::new();
    for (name, files) in packed {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let loaded = if name.ends_with(".tgz") {
            match files.first() {
                Some(file) if file.name == name => {
                    archive::unpack(&file.data, budget).and_then(|files| load_files(files, budget, depth + 1))
                }
                other => {
                    let got = other.map_or("", |file| file.name.as_str());
                    let parent = &metadata.name;
                    return Err(ChartError(format!(
                        "error unpacking subchart tar in {parent}: expected {name}, got {got}"
                    )));
                }
            }
        } else {
            let within = files.into_iter().filter_map(|file| {
                let rest = file.name.split_once('/')?.1.to_owned();
                Some(File { name: rest, data: file.data })
            });
            load_files(within.collect(), budget, depth + 1)
        };
        match loaded {
            Ok(chart) => {
                warnings.extend(chart.warnings.iter().cloned());
                dependencies.push(Arc::new(chart));
            }
            Err(error) => {
                return Err(ChartError(format!("error unpacking subchart {name} in {}: {error}", metadata.name)));
            }
        }
    }
    Ok(Chart { metadata, values, schema, templates, files: others, dependencies, warnings })
}

/// A path without `.`, `..` and double slashes, as far as that goes; `.` where nothing is left.
pub(crate) fn clean_path(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
