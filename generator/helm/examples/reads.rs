//! Says which values of a file no template of a chart reads, or where one is read.
//!
//! `reads CHART VALUES [--kube-version VERSION] [-a API]... [PATH]`: with a path (`a.b`), what is read at it and below, by which
//! template.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use helm_render::capabilities::{Capabilities, HelmVersion};
use helm_render::chart::{Chart, Limits, values};
use helm_render::engine::HelmEngine;
use helm_render::reads::Why;
use helm_render::render::{Options, Release, render};
use helm_render::template;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to people")]
fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(printed) => {
            print!("{printed}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "an example reads what it is told to")]
fn run(mut arguments: impl Iterator<Item = String>) -> Result<String, String> {
    let (mut plain, mut kube_version, mut api_versions) = (Vec::new(), None, Vec::new());
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("flag needs an argument: {argument}"));
        match argument.as_str() {
            "--kube-version" => kube_version = Some(value()?),
            "-a" | "--api-versions" => api_versions.extend(value()?.split(',').map(str::to_owned)),
            _ => plain.push(argument),
        }
    }
    let (chart, file, path) = match plain.as_slice() {
        [chart, file] => (chart, file, None),
        [chart, file, path] => (chart, file, Some(path)),
        _ => return Err("arguments: CHART VALUES [PATH]".to_owned()),
    };
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let set = values::read(&text).map_err(|error| format!("failed to parse {file}: {error}"))?;
    let chart = Arc::new(Chart::load(Path::new(chart), &Limits::default()).map_err(|error| error.to_string())?);
    let mut capabilities = Capabilities::of(HelmVersion::V4_2).with_api_versions(api_versions);
    if let Some(version) = kube_version {
        capabilities = capabilities.with_kube_version(&version).map_err(|error| error.to_string())?;
    }
    let options = Options { trace: true, ..Options::default() };
    let mut engine = HelmEngine::new(template::Limits::default());
    let release = Release::new("release", "default");
    let rendered =
        render(&chart, &set, &release, &capabilities, &options, &mut engine).map_err(|error| error.to_string())?;
    let Some(reads) = &rendered.reads else { return Err("nothing is known of what was read".to_owned()) };
    let mut printed = String::new();
    if let Some(path) = path {
        for read in reads.all() {
            let at = read.path.to_string();
            if at == *path || at.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with(['.', '['])) {
                printed.push_str(&format!("{at}: {:?} in {} for {}\n", read.how, read.file, read.template));
            }
        }
        return Ok(printed);
    }
    if !reads.complete() {
        return Err("there are too many branches to say what is not read".to_owned());
    }
    for unread in reads.unread(&set) {
        let why = match &unread.why {
            Why::Unknown => "no template knows it".to_owned(),
            Why::Elsewhere => "no template reads it".to_owned(),
            Why::Off(chart) => format!("{chart} does not take part"),
        };
        let nearest = unread.nearest.map(|nearest| format!("; {nearest}?")).unwrap_or_default();
        printed.push_str(&format!("{}: {why}{nearest}\n", unread.path));
    }
    Ok(printed)
}
