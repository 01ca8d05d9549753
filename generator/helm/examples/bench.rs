//! Measures rendering in one process: `ci/bench --charts` runs it, and docs/performance.md tells what came of it.
//!
//! - `bench once [-f VALUES]... [--times N] CHART`: loads and renders a chart N times from its files on, and N times more where it
//!   is prepared already. Prints the median seconds of both and the number of objects.
//! - `bench fleet [--environments N] [--threads N] FILE`: renders each chart of a file for each environment. A line of it is a chart
//!   and, after tabs, files with values. Every other environment sets one more value of its own. Prints seconds and what was rendered.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods, reason = "a tool for developers")]

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use helm_render::capabilities::{Capabilities, HelmVersion};
use helm_render::chart::{Chart, Limits, values};
use helm_render::render::{Options, Prepared, Release, Rendered};
use helm_render::value::Value;

type Done<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Done {
    let what = arguments.next().unwrap_or_default();
    let (mut files, mut plain) = (Vec::new(), Vec::new());
    let (mut times, mut environments, mut threads) = (20, 100, 0);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("flag needs an argument: {argument}"));
        let number = |text: String| text.parse::<usize>().map_err(|error| format!("{text}: {error}"));
        match argument.as_str() {
            "-f" => files.push(value()?),
            "--times" => times = number(value()?)?.max(1),
            "--environments" => environments = number(value()?)?,
            "--threads" => threads = number(value()?)?,
            _ => plain.push(argument),
        }
    }
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        some => some,
    };
    match (what.as_str(), plain.as_slice()) {
        ("once", [chart]) => once(chart, &files, times),
        ("fleet", [list]) => fleet(list, environments, threads),
        _ => Err("arguments: once [-f VALUES]... CHART, or fleet [--environments N] FILE".to_owned()),
    }
}

fn read(files: &[String]) -> Done<Value> {
    files.iter().try_fold(Value::map::<&str, Value>([]), |below, path| {
        let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let above = values::read(&text).map_err(|error| format!("{path}: {error}"))?;
        Ok(values::merge(&below, &above))
    })
}

fn prepared(chart: &str) -> Done<Prepared> {
    Chart::load(Path::new(chart), &Limits::default()).map(Prepared::new).map_err(|error| format!("{chart}: {error}"))
}

fn rendered(chart: &Prepared, values: &Value, capabilities: &Capabilities) -> Done<Rendered> {
    let options = Options { include_crds: true, ..Options::default() };
    let release = Release::new("bench", "bench-space");
    chart.render(values, &release, capabilities, &options).map_err(|error| error.to_string())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn once(chart: &str, files: &[String], times: usize) -> Done {
    let values = read(files)?;
    let capabilities = Capabilities::of(HelmVersion::V4_2);
    let (mut whole, mut warm) = (Vec::new(), Vec::new());
    let mut objects = 0;
    for _ in 0..times {
        let start = Instant::now();
        let chart = prepared(chart)?;
        let text = rendered(&chart, &values, &capabilities)?.print();
        whole.push(start.elapsed());
        objects = text.matches("\n# Source: ").count();
        let start = Instant::now();
        std::hint::black_box(rendered(&chart, &values, &capabilities)?.print());
        warm.push(start.elapsed());
    }
    println!("{:.6}\t{:.6}\t{objects}", median(whole), median(warm));
    Ok(())
}

fn fleet(list: &str, environments: usize, threads: usize) -> Done {
    let list = fs::read_to_string(list).map_err(|error| format!("{list}: {error}"))?;
    let lines: Vec<&str> = list.lines().filter(|line| !line.is_empty()).collect();
    let start = Instant::now();
    let mut charts = Vec::new();
    for line in &lines {
        let mut parts = line.split('\t').map(str::to_owned);
        let chart = parts.next().unwrap_or_default();
        charts.push((prepared(&chart)?, read(&parts.collect::<Vec<_>>())?, chart));
    }
    let loaded = start.elapsed();
    let (next, objects, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let capabilities = Capabilities::of(HelmVersion::V4_2);
    let work = || -> Done {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (environment, chart) = (at / charts.len().max(1), at % charts.len().max(1));
            if environment >= environments || charts.is_empty() {
                return Ok(());
            }
            let (chart, values, path) = &charts[chart];
            let own = Value::map([("environment", format!("environment-{environment}"))]);
            let own = if environment % 2 == 0 { Value::map::<&str, Value>([]) } else { Value::map([("global", own)]) };
            let done = rendered(chart, &values::merge(values, &own), &capabilities);
            let text = done.map_err(|error| format!("{path}: {error}"))?.print();
            objects.fetch_add(text.matches("\n# Source: ").count(), Ordering::Relaxed);
            bytes.fetch_add(text.len(), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
    })?;
    let (objects, bytes) = (objects.into_inner(), bytes.into_inner());
    println!("{:.6}\t{:.6}\t{objects}\t{bytes}", start.elapsed().as_secs_f64(), loaded.as_secs_f64());
    Ok(())
}
