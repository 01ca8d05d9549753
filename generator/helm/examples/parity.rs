//! Renders a folder of real charts with the real `helm` and with this crate, and says where they differ, byte for byte.
//!
//! `parity FOLDER [--helm PATH] [--cache FOLDER] [--only TEXT] [--sets defaults,everything,varied,ours] [--results FILE]
//! [--differences FOLDER] [--jobs N] [--speed] [--skip-schema-validation]`
//!
//! `FOLDER/<any name>/` holds `chart/` (or `chart.tgz`), `source.tsv` (lines of a word, a tab and a text: `repository`, `commit`,
//! `missing`) and, where there are any, `values/*.yaml`: value sets of ours. Three more value sets are derived from `values.yaml`:
//!
//! - `defaults`: nothing is set.
//! - `everything`: whatever is called `enabled` or `create`, or ends so, and is a boolean, is true.
//! - `varied`: names, replicas, tags, annotations, labels, lists and passwords that the chart leaves open are filled.
//!
//! Where a chart asks for chance, helm is run twice. The lines that differ between its own runs say nothing; in all others we must
//! agree, with constants in the place of what is random.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods, reason = "a tool for developers")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use helm_render::capabilities::{Capabilities, HelmVersion};
use helm_render::chart::{Chart, Limits, values};
use helm_render::engine::HelmEngine;
use helm_render::functions::HelmFunctions;
use helm_render::render::{Engine, EngineError, Options, Release, RenderError, render};
use helm_render::template::{self, Exec, FunctionError, Functions, Signature, Templates};
use helm_render::value::{Entries, Value};
use sha2::{Digest, Sha256};

const RELEASE: &str = "parity";
const NAMESPACE: &str = "parity-space";

type Done<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("parity: {error}");
            ExitCode::from(2)
        }
    }
}

/// What the command line says.
struct Asked {
    folder: PathBuf,
    helm: PathBuf,
    cache: Option<PathBuf>,
    only: String,
    sets: Vec<String>,
    results: Option<PathBuf>,
    differences: Option<PathBuf>,
    jobs: usize,
    speed: bool,
    skip_schema: bool,
}

fn asked() -> Done<Asked> {
    let mut asked = Asked {
        folder: PathBuf::new(),
        helm: std::env::var_os("HELM").map_or_else(|| PathBuf::from("helm"), PathBuf::from),
        cache: None,
        only: String::new(),
        sets: ["defaults", "everything", "varied", "ours"].map(str::to_owned).to_vec(),
        results: None,
        differences: None,
        jobs: 2,
        speed: false,
        skip_schema: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("flag needs an argument: {argument}"));
        match argument.as_str() {
            "--helm" => asked.helm = value()?.into(),
            "--cache" => asked.cache = Some(value()?.into()),
            "--only" => asked.only = value()?,
            "--sets" => asked.sets = value()?.split(',').map(str::to_owned).collect(),
            "--results" => asked.results = Some(value()?.into()),
            "--differences" => asked.differences = Some(value()?.into()),
            "--jobs" => asked.jobs = value()?.parse().map_err(|error| format!("--jobs: {error}"))?,
            "--speed" => asked.speed = true,
            "--skip-schema-validation" => asked.skip_schema = true,
            flag if flag.starts_with('-') => return Err(format!("unknown flag: {flag}")),
            folder => asked.folder = folder.into(),
        }
    }
    if asked.folder.as_os_str().is_empty() {
        return Err("a folder of charts is needed".to_owned());
    }
    Ok(asked)
}

/// A chart and one set of values.
struct Job {
    id: String,
    chart: PathBuf,
    set: String,
    /// The file with the values; none for the defaults.
    values: Option<PathBuf>,
    source: BTreeMap<String, String>,
}

/// What came of a job.
#[derive(Default)]
struct Outcome {
    name: String,
    version: String,
    objects: usize,
    equal: usize,
    random: usize,
    digest: String,
    result: &'static str,
    why: String,
    ours: Duration,
    helm: Duration,
}

fn run() -> Done<bool> {
    let asked = asked()?;
    let scratch =
        asked.cache.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("parity-{}", std::process::id())));
    fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    let jobs = jobs(&asked, &scratch)?;
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::new());
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(at) else { break };
                let outcome = compare(job, &asked, &scratch);
                if at.is_multiple_of(100) {
                    eprintln!("{at}/{}", jobs.len());
                }
                if let Ok(mut outcomes) = outcomes.lock() {
                    outcomes.push((at, outcome));
                }
            }
        };
        for _ in 0..asked.jobs.max(1) {
            // Threads get less stack than a main thread has.
            let _ = std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work);
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_default();
    outcomes.sort_by_key(|(at, _)| *at);
    report(&asked, &jobs, &outcomes)
}

fn jobs(asked: &Asked, scratch: &Path) -> Done<Vec<Job>> {
    let mut names: Vec<String> = Vec::new();
    let entries = fs::read_dir(&asked.folder).map_err(|error| format!("{}: {error}", asked.folder.display()))?;
    for entry in entries {
        names.push(entry.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let mut jobs = Vec::new();
    for id in names {
        let folder = asked.folder.join(&id);
        let chart = ["chart", "chart.tgz"].map(|name| folder.join(name)).into_iter().find(|path| path.exists());
        let Some(chart) = chart.filter(|_| id.contains(&asked.only)) else { continue };
        let source = fs::read_to_string(folder.join("source.tsv")).unwrap_or_default();
        let source: BTreeMap<String, String> = source
            .lines()
            .filter_map(|line| line.split_once('\t').map(|(key, text)| (key.to_owned(), text.to_owned())))
            .collect();
        let job = |set: &str, values: Option<PathBuf>| Job {
            id: id.clone(),
            chart: chart.clone(),
            set: set.to_owned(),
            values,
            source: source.clone(),
        };
        let wanted = |set: &str| asked.sets.iter().any(|one| one == set);
        if wanted("defaults") {
            jobs.push(job("defaults", None));
        }
        // A chart that cannot be loaded by us is compared with its defaults alone.
        let defaults = Chart::load(&chart, &Limits::default()).map(|chart| chart.values.clone()).unwrap_or_default();
        for (set, derive) in [("everything", everything as fn(&str, &Value) -> Option<String>), ("varied", varied)] {
            if wanted(set) {
                let derived = over(&defaults, derive, 0).unwrap_or_else(|| "{}".to_owned());
                let file = scratch.join(format!("{id}.{set}.values.json"));
                fs::write(&file, derived).map_err(|error| format!("{}: {error}", file.display()))?;
                jobs.push(job(set, Some(file)));
            }
        }
        if wanted("ours") {
            let mut files: Vec<PathBuf> =
                fs::read_dir(folder.join("values")).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            files.sort();
            for file in files {
                let set = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                jobs.push(job(&set, Some(file)));
            }
        }
    }
    Ok(jobs)
}

/// Values that set something else than the defaults wherever a rule has something to say; none where it has nothing.
fn over(value: &Value, rule: fn(&str, &Value) -> Option<String>, depth: usize) -> Option<String> {
    let Value::Map(map) = value else { return None };
    let mut fields = Vec::new();
    for (key, value) in map.entries().iter().filter(|_| depth < 40) {
        let set = match value {
            Value::Map(map) if !map.is_empty() => over(value, rule, depth + 1),
            value => rule(key, value),
        };
        if let Some(set) = set {
            fields.push(format!("{}: {set}", serde_json::Value::from(&**key)));
        }
    }
    (!fields.is_empty()).then(|| format!("{{{}}}", fields.join(", ")))
}

fn everything(key: &str, value: &Value) -> Option<String> {
    let key = key.to_ascii_lowercase();
    let named = ["enabled", "create", "enable"].iter().any(|name| key.ends_with(name));
    (named && *value == Value::Bool(false)).then(|| "true".to_owned())
}

fn varied(key: &str, value: &Value) -> Option<String> {
    let key = key.to_ascii_lowercase();
    let is = |names: &[&str]| names.contains(&key.as_str());
    let ends = |names: &[&str]| names.iter().any(|name| key.ends_with(name));
    let text = match value {
        Value::Nil | Value::String(_) if is(&["fullnameoverride"]) => r#""varied-full""#,
        Value::Nil | Value::String(_) if is(&["nameoverride"]) => r#""varied""#,
        Value::Nil | Value::String(_) if is(&["namespaceoverride"]) => r#""varied-space""#,
        Value::Nil | Value::String(_) if is(&["tag"]) => r#""v1.23.4""#,
        Value::String(text) if text.is_empty() && ends(&["password", "secretkey", "token", "erlangcookie"]) => {
            r#""varied: \"pass' word\" #1""#
        }
        Value::String(text) if text.is_empty() && ends(&["priorityclassname", "storageclass", "existingsecret"]) => {
            r#""varied-name""#
        }
        Value::String(text) if text.is_empty() && ends(&["loglevel"]) => r#""debug""#,
        Value::Float(_) | Value::Int(_) if is(&["replicas", "replicacount"]) => "3",
        Value::Float(_) | Value::Int(_) if is(&["revisionhistorylimit"]) => "0",
        Value::Map(map) if map.is_empty() && ends(&["annotations"]) => {
            r#"{"example.com/note": "yes", "example.com/text": "it's: \"quoted\" # not a comment\nwith two lines\n", "n": "1e3"}"#
        }
        Value::Map(map) if map.is_empty() && ends(&["labels"]) => r#"{"team": "on", "tier": "0123"}"#,
        Value::Map(map) if map.is_empty() && ends(&["nodeselector"]) => r#"{"kubernetes.io/os": "linux"}"#,
        Value::Map(map) if map.is_empty() && ends(&["resources"]) => {
            r#"{"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"cpu": 2, "memory": 1e9}}"#
        }
        Value::Map(map) if map.is_empty() && ends(&["securitycontext"]) => {
            r#"{"runAsUser": 65534, "fsGroup": 1000660000, "runAsNonRoot": true}"#
        }
        Value::Map(map) if map.is_empty() && ends(&["affinity"]) => {
            r#"{"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]}}}"#
        }
        Value::List(items) if items.is_empty() && ends(&["tolerations"]) => {
            r#"[{"key": "node-role", "operator": "Exists", "effect": "NoSchedule"}]"#
        }
        Value::List(items) if items.is_empty() && ends(&["pullsecrets"]) => r#"[{"name": "varied-pull"}]"#,
        Value::List(items) if items.is_empty() && ends(&["args", "flags"]) => r#"["--varied=true", "--n=1"]"#,
        Value::List(items) if items.is_empty() && ends(&["env", "envvars"]) => {
            r#"[{"name": "VARIED", "value": "0"}, {"name": "PLAIN", "value": "a: b"}]"#
        }
        Value::List(items) if items.is_empty() && ends(&["volumes"]) => r#"[{"name": "varied", "emptyDir": {}}]"#,
        Value::List(items) if items.is_empty() && ends(&["volumemounts"]) => {
            r#"[{"name": "varied", "mountPath": "/varied"}]"#
        }
        Value::List(items) if items.is_empty() && ends(&["initcontainers", "sidecars", "extracontainers"]) => {
            r#"[{"name": "varied", "image": "busybox:1", "command": ["sh", "-c", "echo $(date)\nexit 0"]}]"#
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// What helm said: its output, or its error.
type Said = Result<String, String>;

fn helm(job: &Job, asked: &Asked, cached: Option<&Path>) -> Done<(Said, Duration)> {
    if let Some(path) = cached {
        if let Ok(text) = fs::read_to_string(path.with_extension("out")) {
            return Ok((Ok(text), Duration::ZERO));
        }
        if let Ok(text) = fs::read_to_string(path.with_extension("err")) {
            return Ok((Err(text), Duration::ZERO));
        }
    }
    let mut command = Command::new(&asked.helm);
    command.args(["template", RELEASE]).arg(&job.chart).args(["--namespace", NAMESPACE, "--include-crds"]);
    if let Some(values) = &job.values {
        command.arg("--values").arg(values);
    }
    if asked.skip_schema {
        command.arg("--skip-schema-validation");
    }
    // Neither a cluster nor what somebody has in their home folder has a say.
    command.env("KUBECONFIG", "/dev/null").env("HELM_CONFIG_HOME", std::env::temp_dir().join("parity-no-home"));
    let start = Instant::now();
    let output = command.output().map_err(|error| format!("{}: {error}", asked.helm.display()))?;
    let took = start.elapsed();
    let said = if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let text = String::from_utf8_lossy(&output.stderr);
        let start = if text.starts_with("Error: ") { Some(0) } else { text.find("\nError: ").map(|at| at + 1) };
        Err(start.map_or(&*text, |at| &text[at + "Error: ".len()..]).trim_end().to_owned())
    };
    if let Some(path) = cached {
        let (extension, text) = match &said {
            Ok(text) => ("out", text),
            Err(text) => ("err", text),
        };
        fs::write(path.with_extension(extension), text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok((said, took))
}

/// What we say, and whether chance was asked for.
fn ours(job: &Job, skip_schema: bool, engine: &mut dyn Engine) -> (Said, bool) {
    let set = match &job.values {
        None => Ok(Value::map::<&str, Value>([])),
        Some(path) => fs::read_to_string(path).map_err(|error| error.to_string()).and_then(|text| values::read(&text)),
    };
    let rendered = catch_unwind(AssertUnwindSafe(|| {
        let chart = Chart::load(&job.chart, &Limits::default()).map_err(RenderError::Chart)?;
        let capabilities = Capabilities::of(HelmVersion::V4_2);
        let options = Options { include_crds: true, skip_schema, ..Options::default() };
        let release = Release::new(RELEASE, NAMESPACE);
        render(&Arc::new(chart), &set.unwrap_or_default(), &release, &capabilities, &options, engine)
    }));
    match rendered {
        Err(_) => (Err("PANIC".to_owned()), false),
        Ok(Ok(rendered)) => (Ok(rendered.print()), false),
        Ok(Err(error)) => {
            let chance = match &error {
                RenderError::Template { error, .. } => {
                    error.source.as_ref().is_some_and(|source| source.not_deterministic.is_some())
                }
                _ => false,
            };
            (Err(error.to_string()), chance)
        }
    }
}

fn compare(job: &Job, asked: &Asked, scratch: &Path) -> Outcome {
    let mut outcome = Outcome { name: job.id.clone(), ..Outcome::default() };
    if let Ok(chart) = Chart::load(&job.chart, &Limits::default()) {
        outcome.name = chart.metadata.name.clone();
        outcome.version = chart.metadata.version.clone();
    }
    let set = job.values.as_ref().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let set = digest(&set);
    // The dot at the end is there for the extension.
    let schema = if asked.skip_schema { ".plain" } else { "" };
    let base = scratch.join(format!("{}.{}.{}{schema}.", job.id, job.set, &set[..12]));
    let cached = asked.cache.as_ref().filter(|_| !asked.speed).map(|_| base.as_path());
    let first = match helm(job, asked, cached) {
        Ok((said, took)) => {
            outcome.helm = took;
            said
        }
        Err(error) => {
            outcome.result = "no-helm";
            outcome.why = error;
            return outcome;
        }
    };
    let start = Instant::now();
    let (mut mine, chance) = ours(job, asked.skip_schema, &mut HelmEngine::new(template::Limits::default()));
    outcome.ours = start.elapsed();
    if chance {
        mine = ours(job, asked.skip_schema, &mut Guessing::default()).0;
    }
    match (&first, &mine) {
        (Err(theirs), Err(mine)) if mine != "PANIC" => {
            outcome.result = "equal-errors";
            outcome.digest = digest(theirs);
            let same = plain(theirs) == plain(mine);
            outcome.why = if same { "same words" } else { "other words" }.to_owned();
            if theirs.starts_with("values don't meet") && !asked.skip_schema {
                outcome.why = format!("{} of the schema", outcome.why);
            }
            if !same {
                keep(job, asked, &format!("helm: {theirs}\nours: {mine}\n"), "words");
            }
        }
        (Err(theirs), mine) => {
            outcome.result = "helm-fails";
            outcome.digest = digest(theirs);
            let mine = mine.as_ref().err().cloned().unwrap_or_else(|| "(no error)".to_owned());
            keep(job, asked, &format!("helm: {theirs}\nours: {mine}\n"), "helm-fails");
        }
        (Ok(theirs), Err(mine)) => {
            outcome.result = if mine == "PANIC" { "panic" } else { "we-fail" };
            outcome.digest = digest(theirs);
            outcome.objects = documents(theirs).len();
            keep(job, asked, &format!("{mine}\n"), outcome.result);
        }
        (Ok(theirs), Ok(mine)) => {
            outcome.digest = digest(theirs);
            if theirs == mine {
                outcome.objects = documents(theirs).len();
                outcome.equal = outcome.objects;
                outcome.result = "equal";
            } else {
                // Helm may differ from itself: chance, or the order of Go's maps.
                let mut runs = vec![theirs.clone()];
                for more in 0..3 {
                    let path = scratch.join(format!("{}.{}.{}{schema}.{more}.", job.id, job.set, &set[..12]));
                    let cached = cached.map(|_| path.as_path());
                    if let Ok((Ok(text), _)) = helm(job, asked, cached) {
                        runs.push(text);
                    }
                }
                count(&runs, mine, &mut outcome);
                if chance {
                    outcome.why = format!("{} asks for chance", outcome.why).trim().to_owned();
                }
                if outcome.result != "equal" {
                    keep(job, asked, &difference(theirs, mine), "different");
                }
            }
        }
    }
    outcome
}

/// A message without what Helm advises after it.
fn plain(message: &str) -> &str {
    message.trim_end().trim_end_matches("Use --debug flag to render out invalid YAML").trim_end()
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut all, byte| {
        let _ = write!(all, "{byte:02x}");
        all
    })
}

/// The documents of what was printed, as Helm puts them together.
fn documents(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = text.match_indices("---\n# Source: ").map(|(at, _)| at).collect();
    starts.retain(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n');
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect()
}

/// Counts documents: those that are equal, and those of which helm itself has several.
fn count(runs: &[String], mine: &str, outcome: &mut Outcome) {
    let runs: Vec<Vec<&str>> = runs.iter().map(|run| documents(run)).collect();
    let mine = documents(mine);
    let theirs = &runs[0];
    outcome.objects = theirs.len();
    let mut different = theirs.len().abs_diff(mine.len());
    for (at, (document, mine)) in theirs.iter().zip(&mine).enumerate() {
        let all: Vec<&str> = runs.iter().filter_map(|run| run.get(at).copied()).collect();
        if all.contains(mine) {
            outcome.equal += 1;
        } else if all.iter().any(|other| other != document) && agrees(&all, mine) {
            outcome.random += 1;
        } else {
            different += 1;
        }
    }
    outcome.result = if different == 0 { "equal" } else { "different" };
    if different > 0 {
        outcome.why = format!("{different} documents differ");
    } else if outcome.random > 0 {
        outcome.why = format!("{} documents in all that helm gives twice", outcome.random);
    }
}

/// Whether a document has the lines on which all runs of helm agree.
fn agrees(all: &[&str], mine: &str) -> bool {
    let runs: Vec<Vec<&str>> = all.iter().map(|text| text.lines().collect()).collect();
    let lines: Vec<&str> = mine.lines().collect();
    if runs.iter().any(|run| run.len() != runs[0].len()) {
        // What helm does not give in one shape cannot be compared.
        return true;
    }
    let stable = |at: usize| runs.iter().all(|run| run[at] == runs[0][at]);
    if lines.len() == runs[0].len() {
        return (0..lines.len()).all(|at| !stable(at) || lines[at] == runs[0][at]);
    }
    // A constant may have another number of lines than what it stands for: the stable lines are there, in order.
    let mut rest = lines.iter();
    (0..runs[0].len()).filter(|at| stable(*at)).all(|at| rest.any(|line| *line == runs[0][at]))
}

fn keep(job: &Job, asked: &Asked, text: &str, kind: &str) {
    if let Some(folder) = &asked.differences {
        let _ = fs::create_dir_all(folder);
        let _ = fs::write(folder.join(format!("{}.{}.{kind}", job.id, job.set)), text);
    }
}

/// The first lines that differ, of each document that differs.
fn difference(theirs: &str, mine: &str) -> String {
    let (left, right) = (documents(theirs), documents(mine));
    let mut all = format!("{} documents, ours has {}\n", left.len(), right.len());
    for (at, document) in left.iter().enumerate() {
        let other = right.get(at).copied().unwrap_or_default();
        if *document == other {
            continue;
        }
        let source = document.lines().nth(1).unwrap_or_default();
        let _ = writeln!(all, "== {at} {source}");
        let (left, right): (Vec<&str>, Vec<&str>) = (document.lines().collect(), other.lines().collect());
        let first = left.iter().zip(&right).take_while(|(one, two)| one == two).count();
        let around = |lines: &[&str], sign: &str| {
            let some = lines.iter().enumerate().skip(first.saturating_sub(1)).take(5);
            some.map(|(at, line)| format!("{sign} {}: {line:?}\n", at + 1)).collect::<String>()
        };
        all.push_str(&around(&left, "-"));
        all.push_str(&around(&right, "+"));
    }
    all
}

/// An engine that gives constants where others would give what is random.
#[derive(Default)]
struct Guessing {
    templates: Arc<Templates>,
}

impl Engine for Guessing {
    fn parse(&mut self, name: &str, text: &str) -> Result<(), EngineError> {
        Ok(Arc::make_mut(&mut self.templates).parse(name, text, &Constants)?)
    }

    fn execute(&mut self, name: &str, data: &Value) -> Result<String, EngineError> {
        Ok(self.templates.execute(name, data, &Constants, template::Limits::default())?)
    }
}

struct Constants;

impl Functions for Constants {
    fn signature(&self, name: &str) -> Option<Signature> {
        HelmFunctions.signature(name)
    }

    fn call(&self, name: &str, arguments: Vec<Value>, exec: &mut Exec<'_>) -> Result<Value, FunctionError> {
        let length = || match arguments.first() {
            Some(Value::Int(length)) => usize::try_from(*length).unwrap_or_default().min(10_000),
            _ => 0,
        };
        let pair = || {
            let block = |what: &str| format!("-----BEGIN {what}-----\nAAAA\n-----END {what}-----\n");
            let fields = [("Cert", block("CERTIFICATE")), ("Key", block("RSA PRIVATE KEY"))];
            Value::Map(
                fields.into_iter().map(|(name, text)| (Arc::from(name), Value::from(text))).collect::<Entries>().into(),
            )
        };
        Ok(match name {
            "randAlphaNum" | "randAlpha" | "randAscii" => "a".repeat(length()).into(),
            "randNumeric" => "1".repeat(length()).into(),
            "randBytes" => "AAAA".repeat(length().div_ceil(3)).into(),
            "randInt" => arguments.into_iter().next().unwrap_or_default(),
            "shuffle" => arguments.into_iter().next().unwrap_or_default(),
            "uuidv4" => "00000000-0000-4000-8000-000000000000".into(),
            "bcrypt" => "$2a$10$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".into(),
            "htpasswd" => match arguments.first() {
                Some(Value::String(name)) => format!("{name}:$2a$10${}", "a".repeat(53)).into(),
                _ => Value::Nil,
            },
            "encryptAES" => "AAAA".into(),
            "now" => HelmFunctions.call("toDate", vec!["2006-01-02".into(), "2026-01-01".into()], exec)?,
            "genPrivateKey" => "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n".into(),
            "genCA"
            | "genCAWithKey"
            | "genSelfSignedCert"
            | "genSelfSignedCertWithKey"
            | "genSignedCert"
            | "genSignedCertWithKey" => pair(),
            _ => return HelmFunctions.call(name, arguments, exec),
        })
    }
}

fn report(asked: &Asked, jobs: &[Job], outcomes: &[(usize, Outcome)]) -> Done<bool> {
    let mut table =
        String::from("chart\tversion\trepository\tcommit\tvalues\tobjects\tequal\trandom\tsha256\tresult\twhy\n");
    let mut results: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut objects, mut equal, mut random, mut same_words) = (0, 0, 0, 0);
    let mut charts = std::collections::BTreeSet::new();
    for (at, outcome) in outcomes {
        let job = &jobs[*at];
        let source = |key: &str| job.source.get(key).map_or("", String::as_str);
        let missing = source("missing");
        let missing = if missing.is_empty() { String::new() } else { format!("; without {missing}") };
        let _ = writeln!(
            table,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            outcome.name,
            outcome.version,
            source("repository"),
            source("commit"),
            job.set,
            outcome.objects,
            outcome.equal,
            outcome.random,
            outcome.digest,
            outcome.result,
            format!("{}{missing}", outcome.why).trim_start_matches("; "),
        );
        *results.entry(outcome.result).or_default() += 1;
        objects += outcome.objects;
        equal += outcome.equal;
        random += outcome.random;
        same_words += usize::from(outcome.why == "same words");
        charts.insert(&job.id);
    }
    if let Some(path) = &asked.results {
        fs::write(path, &table).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    println!("charts {}, jobs {}, objects {objects}: equal {equal}, random {random}", charts.len(), outcomes.len());
    for (result, count) in &results {
        println!("{result:>14} {count}");
    }
    println!("errors in the same words: {same_words}");
    let mut times: Vec<(Duration, &str, &str)> =
        outcomes.iter().map(|(at, outcome)| (outcome.ours, jobs[*at].id.as_str(), jobs[*at].set.as_str())).collect();
    times.sort();
    let (ours, helm): (Duration, Duration) = (
        outcomes.iter().map(|(_, outcome)| outcome.ours).sum(),
        outcomes.iter().map(|(_, outcome)| outcome.helm).sum(),
    );
    println!("time in process {ours:.2?}; helm, as a process {helm:.2?}; the slowest of ours:");
    for (time, id, set) in times.iter().rev().take(10) {
        println!("  {time:>10.2?} {id} {set}");
    }
    Ok(!results.keys().any(|result| !matches!(*result, "equal" | "equal-errors")))
}
