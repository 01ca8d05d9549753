//! Renders random templates with random values by Helm's own engine and by ours, and shows where they differ.
//!
//! `fuzz ORACLE N [SEED]`, where ORACLE is the program that is built from `parity/oracle`. The same seed gives the same cases.
#![allow(
    clippy::disallowed_methods,
    reason = "a tool for those who work on the engine: it runs programs and asks for options"
)]

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::mpsc::{Sender, channel};

use helm_render::engine::HelmEngine;
use helm_render::render::Engine;
use helm_render::template::Limits;
use helm_render::value::Value;
use helm_render::yaml;
use serde_json::json;

mod grammar;

use grammar::{Case, Random};

/// So many cases are asked at once, so that both sides have something to do.
const BATCH: usize = 250;

/// What a side made of a case.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Rendered(BTreeMap<String, String>),
    Error(String),
    Panic(String),
    /// Helm took too long.
    Late,
}

struct Oracle {
    path: String,
    /// What is asked and not answered yet.
    open: VecDeque<String>,
    process: Child,
    /// A thread writes, so that neither side waits for the other to read.
    to: Option<Sender<String>>,
    from: BufReader<ChildStdout>,
}

impl Oracle {
    #[expect(clippy::disallowed_methods, reason = "the other side is a program of its own")]
    fn start(path: &str) -> Result<Oracle, String> {
        let mut process = Command::new(path)
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What ends the process, such as a map that holds itself, is told at length.
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{path}: {error}"))?;
        let (Some(to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("no pipes".to_owned());
        };
        let (sender, receiver) = channel::<String>();
        std::thread::spawn(move || {
            let mut to = BufWriter::new(to);
            while let Ok(question) = receiver.recv() {
                // Who does not listen any more has ended; that is seen where answers are read.
                if writeln!(to, "{question}").and_then(|()| to.flush()).is_err() {
                    return;
                }
            }
        });
        let from = BufReader::new(from);
        Ok(Oracle { path: path.to_owned(), open: VecDeque::new(), process, to: Some(sender), from })
    }

    fn ask(&mut self, cases: &[Case]) -> Result<(), String> {
        for case in cases {
            let question = json!({ "templates": case.templates(), "values": case.values() }).to_string();
            self.open.push_back(question.clone());
            self.send(question)?;
        }
        Ok(())
    }

    fn send(&self, question: String) -> Result<(), String> {
        match &self.to {
            Some(to) => to.send(question).or(Ok(())),
            None => Err("it has ended".to_owned()),
        }
    }

    /// Starts anew after a case that does not end.
    fn restart(&mut self) -> Result<(), String> {
        let _ = self.process.wait();
        let open = std::mem::take(&mut self.open);
        *self = Oracle::start(&self.path.clone())?;
        for question in &open {
            self.send(question.clone())?;
        }
        self.open = open;
        Ok(())
    }

    fn answer(&mut self) -> Result<Answer, String> {
        let mut line = String::new();
        self.from.read_line(&mut line).map_err(|error| error.to_string())?;
        self.open.pop_front();
        if line.is_empty() {
            self.restart()?;
            return Ok(Answer::Late);
        }
        let answer: serde_json::Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line:?}"))?;
        if answer["late"] == true {
            self.restart()?;
            return Ok(Answer::Late);
        }
        if let Some(error) = answer["error"].as_str() {
            return Ok(Answer::Error(error.to_owned()));
        }
        let rendered = answer["rendered"].as_object().into_iter().flatten();
        Ok(Answer::Rendered(
            rendered.map(|(name, text)| (name.clone(), text.as_str().unwrap_or_default().to_owned())).collect(),
        ))
    }
}

/// What we make of a case, as Helm's engine goes about it.
fn ours(case: &Case) -> Answer {
    match catch_unwind(AssertUnwindSafe(|| rendered(case))) {
        Ok(Ok(rendered)) => Answer::Rendered(rendered),
        Ok(Err(error)) => Answer::Error(error),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Answer::Panic(
                text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default(),
            )
        }
    }
}

fn rendered(case: &Case) -> Result<BTreeMap<String, String>, String> {
    let values = match yaml::unmarshal(&case.values()).map_err(|error| format!("values: {error}"))? {
        Value::Nil => Value::map::<&str, Value>([]),
        values @ Value::Map(_) => values,
        _ => return Err("values: no map".to_owned()),
    };
    let mut engine = HelmEngine::new(Limits::default());
    let templates: BTreeMap<String, String> =
        case.templates().into_iter().map(|(name, text)| (format!("c/{name}"), text)).collect();
    for (name, text) in templates.iter().rev() {
        engine.parse(name, text).map_err(|error| error.message)?;
    }
    let mut rendered = BTreeMap::new();
    for name in templates.keys().rev() {
        let short = name.strip_prefix("c/").unwrap_or(name);
        if short.rsplit('/').next().is_some_and(|base| base.starts_with('_')) {
            continue;
        }
        let release = Value::map([
            ("Name", Value::from("rel")),
            ("Namespace", "ns".into()),
            ("IsUpgrade", false.into()),
            ("IsInstall", true.into()),
            ("Revision", 1i64.into()),
            ("Service", "Helm".into()),
        ]);
        let template = Value::map([("Name", name.as_str()), ("BasePath", "c/templates")]);
        let scope = Value::map([("Values", values.clone()), ("Release", release), ("Template", template)]);
        let text = engine.execute(name, &scope).map_err(|error| error.message)?;
        rendered.insert(short.to_owned(), text.replace("<no value>", ""));
    }
    Ok(rendered)
}

/// Helm's messages are put on several lines; what is left after that is compared.
fn same_message(theirs: &str, ours: &str) -> bool {
    let last_line = |text: &str| text.trim().rsplit('\n').next().unwrap_or_default().trim().to_owned();
    let last = |text: &str| last_line(text).rsplit(": ").next().unwrap_or_default().trim().to_owned();
    let bare = |text: &str| text.replace("HELM_ERR_START", "").replace("HELM_ERR_END", "");
    last(&bare(theirs)) == last(&bare(ours))
}

fn differs(theirs: &Answer, ours: &Answer) -> bool {
    match (theirs, ours) {
        (_, Answer::Panic(_)) => true,
        (Answer::Late, _) | (Answer::Error(_), Answer::Error(_)) => false,
        // How much room Go keeps behind a list is not ours to know.
        (_, Answer::Error(error)) if error.contains("slice index out of bounds") => false,
        // What depends on the clock is refused.
        (_, Answer::Error(error)) if error.contains("on every run") => false,
        // Half a character, and what the parsers of YAML and TOML say about what is neither is not compared.
        (Answer::Rendered(theirs), Answer::Rendered(ours))
            if theirs.values().any(|text| foreign_words(text))
                && ours.values().any(|text| foreign_words(text) || text.contains("%!")) =>
        {
            false
        }
        (theirs, ours) => theirs != ours,
    }
}

/// Whether the words of a parser are in the text.
fn foreign_words(text: &str) -> bool {
    let text = text.to_lowercase();
    // Half a character is no text; Go keeps its bytes.
    text.contains("rror converting yaml") || text.contains("rror+converting+yaml") || text.contains("toml: ") || text.contains('\u{fffd}')
        // The insides of a version or a date, which Go shows where it knows no better.
        || text.contains("(uint64=")
        || text.contains("time.location")
        || text.contains("u+ed")
}

/// A smaller case that differs too.
fn reduced(oracle: &mut Oracle, mut case: Case) -> Result<Case, String> {
    loop {
        let mut smaller = None;
        for candidate in case.smaller() {
            oracle.ask(std::slice::from_ref(&candidate))?;
            let theirs = oracle.answer()?;
            if differs(&theirs, &ours(&candidate)) {
                smaller = Some(candidate);
                break;
            }
        }
        match smaller {
            Some(candidate) => case = candidate,
            None => return Ok(case),
        }
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to people")]
fn run(arguments: &[String]) -> Result<bool, String> {
    let [path, count, rest @ ..] = arguments else {
        return Err("arguments: ORACLE N [SEED] [SHOWN] [KNOWN]".to_owned());
    };
    let count: usize = count.parse().map_err(|_| "N is no number")?;
    let seed: u64 = rest.first().map_or(Ok(1), |seed| seed.parse()).map_err(|_| "SEED is no number")?;
    let most: usize = rest.get(1).map_or(Ok(10), |most| most.parse()).map_err(|_| "SHOWN is no number")?;
    let mut oracle = Oracle::start(path)?;
    let (mut done, mut different, mut failed, mut words, mut late) = (0, 0, 0, 0, 0);
    let mut messages: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    while done < count {
        let size = BATCH.min(count - done);
        let cases: Vec<Case> =
            (done..done + size).map(|number| Case::new(&mut Random::new(seed, number as u64))).collect();
        oracle.ask(&cases)?;
        let ours: Vec<Answer> = cases.iter().map(ours).collect();
        for (case, ours) in cases.into_iter().zip(ours) {
            let theirs = oracle.answer()?;
            late += usize::from(theirs == Answer::Late);
            if let (Answer::Error(theirs), Answer::Error(ours)) = (&theirs, &ours) {
                failed += 1;
                let kind: String = theirs
                    .trim()
                    .rsplit('\n')
                    .next()
                    .unwrap_or_default()
                    .rsplit(": ")
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(60)
                    .collect();
                *kinds.entry(kind).or_default() += 1;
                if !same_message(theirs, ours) {
                    words += 1;
                    let key: String = theirs
                        .rsplit(": ")
                        .next()
                        .unwrap_or_default()
                        .chars()
                        .filter(|c| !c.is_ascii_digit())
                        .take(40)
                        .collect();
                    let entry = messages.entry(key).or_insert_with(|| (0, format!("{theirs}\n    ours: {ours}")));
                    entry.0 += 1;
                }
            }
            if differs(&theirs, &ours) {
                different += 1;
                if different <= most {
                    different_case(&mut oracle, case)?;
                }
            }
        }
        done += size;
    }
    let mut messages: Vec<_> = messages.into_values().collect();
    messages.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    if std::env::var_os("FUZZ_WORDS").is_some() {
        let mut kinds: Vec<_> = kinds.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (kind, count) in kinds.iter().take(40) {
            println!("{count} times {kind}");
        }
        for (count, message) in messages.iter().take(25) {
            println!("{count} times other words: {message}\n");
        }
    }
    println!(
        "{done} cases of seed {seed}: {different} differ; {failed} fail on both sides, {words} of them in other words; {late} took Helm too long"
    );
    oracle.to = None;
    if let Err(error) = oracle.process.wait() {
        eprintln!("{error}");
    }
    // The same seed gives the same cases, so what is known is a number: one more is news.
    let known = rest.get(2).and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(different <= known)
}

#[expect(clippy::print_stdout, reason = "a program that talks to people")]
fn different_case(oracle: &mut Oracle, case: Case) -> Result<(), String> {
    // What is still under way is answered first, so that the answers to smaller cases are not taken for those.
    let mut own = Oracle::start(&oracle_path())?;
    let case = reduced(&mut own, case)?;
    own.ask(std::slice::from_ref(&case))?;
    let theirs = own.answer()?;
    println!("=== values:\n{}", case.values());
    for (name, text) in case.templates() {
        println!("--- {name}:\n{text}");
    }
    println!("--- Helm: {theirs:?}\n--- ours: {:?}\n", ours(&case));
    own.to = None;
    let _ = own.process.wait();
    let _ = oracle;
    Ok(())
}

fn oracle_path() -> String {
    std::env::args().nth(1).unwrap_or_default()
}

#[expect(clippy::print_stderr, reason = "a program that talks to people")]
fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
