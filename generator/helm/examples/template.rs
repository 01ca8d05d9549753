//! Prints what `helm template RELEASE CHART -n NAMESPACE` prints.
//!
//! `template CHART [-f VALUES]... [--helm 3.19|3.21|4.2] [--kube-version VERSION] [-a API]... [--include-crds] [--no-hooks]
//! [--skip-tests] [--is-upgrade] [--notes] RELEASE NAMESPACE`

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use helm_render::capabilities::{Capabilities, HelmVersion};
use helm_render::chart::{Chart, Limits, values};
use helm_render::render::{Options, Prepared, Release};
use helm_render::value::Value;

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
    let mut plain = Vec::new();
    let mut set = Value::map::<&str, Value>([]);
    let mut helm = HelmVersion::V4_2;
    let (mut kube_version, mut api_versions) = (None, Vec::new());
    let (mut options, mut hooks, mut skip_tests, mut upgrade, mut notes) =
        (Options::default(), true, false, false, false);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("flag needs an argument: {argument}"));
        match argument.as_str() {
            "-f" | "--values" => {
                let path = value()?;
                let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
                let file = values::read(&text).map_err(|error| format!("failed to parse {path}: {error}"))?;
                set = values::merge(&set, &file);
            }
            "--helm" => {
                helm = match value()?.as_str() {
                    "3.19" => HelmVersion::V3_19,
                    "3.21" => HelmVersion::V3_21,
                    "4.2" => HelmVersion::V4_2,
                    other => return Err(format!("unknown version of Helm: {other}")),
                }
            }
            "--kube-version" => kube_version = Some(value()?),
            "-a" | "--api-versions" => api_versions.extend(value()?.split(',').map(str::to_owned)),
            "--include-crds" => options.include_crds = true,
            "--skip-schema-validation" => options.skip_schema = true,
            "--render-subchart-notes" => options.subchart_notes = true,
            "--no-hooks" => hooks = false,
            "--skip-tests" => skip_tests = true,
            "--is-upgrade" => upgrade = true,
            "--notes" => notes = true,
            _ => plain.push(argument),
        }
    }
    let [chart, release, namespace] = plain.as_slice() else {
        return Err("arguments: CHART [-f VALUES]... RELEASE NAMESPACE".to_owned());
    };
    let chart = Chart::load(Path::new(chart), &Limits::default()).map_err(|error| error.to_string())?;
    let mut capabilities = Capabilities::of(helm).with_api_versions(api_versions);
    if let Some(version) = kube_version {
        capabilities = capabilities.with_kube_version(&version).map_err(|error| error.to_string())?;
    }
    let mut release = Release::new(release.as_str(), namespace.as_str());
    release.upgrade = upgrade;
    let chart = Prepared::new(chart);
    let rendered = chart.render(&set, &release, &capabilities, &options);
    // The process ends soon, and takes no time to give its memory back.
    std::mem::forget((chart, set, capabilities));
    let rendered = rendered.map_err(|error| error.to_string())?;
    let mut printed = rendered.print_with(hooks, skip_tests);
    if notes {
        printed.push_str(&rendered.notes);
    }
    std::mem::forget(rendered);
    Ok(printed)
}
