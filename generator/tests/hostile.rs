//! Free text survives. Whatever a person types into a setting arrives as typed, or is refused: read back by
//! our own parser, by PyYAML (YAML 1.1) and by `sigs.k8s.io/yaml`, with which Kubernetes and Argo CD read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kubezero::pipeline::repository::{Repository, Wanted};
use kubezero::yaml::write;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

use crate::trees::{Inputs, documents, render, rendered};

/// Texts that some reader or template takes for something else.
const TEXTS: [&str; 44] = [
    "a: b",
    "- x",
    "-",
    "#c",
    "a #c",
    "{{x}}",
    "{{{x}}}",
    "{{#if x}}",
    "line\nbreak",
    "line\n\n  break\n",
    "\nfirst",
    "a\r\nb",
    "tab\tbetween",
    "\ttab first",
    "yes",
    "no",
    "on",
    "Off",
    "y",
    "null",
    "~",
    "true",
    "0777",
    "0o17",
    "0x1F",
    "1e3",
    "1_000",
    "12:30:45",
    "2001-12-14",
    ".inf",
    ".nan",
    "<<",
    "=",
    "! x",
    "&a *b",
    "| x",
    "> x",
    "😀 é",
    "it's \"quoted\"",
    "back\\slash \\n \\u0041",
    "trailing  ",
    "right\u{200f}to\u{200e}left",
    "next\u{85}line\u{2028}sep\u{feff}",
    "\u{7f}\u{1b}[0m$(x) ${x} %s `x`",
];

/// What a setting needs around it to have an effect. `*` is the key of a map that the test makes.
fn around() -> Vec<(&'static str, &'static str, Json)> {
    let acme = |solver: &str, more: Json| {
        let mut acme = json!({"email": "a@example.com", "solver": solver, "dnsZones": ["example.com"]});
        acme[solver] = more;
        json!({"acme": acme})
    };
    let secret = json!({"name": "secret", "key": "key"});
    let email = json!({"to": "a@example.com", "from": "b@example.com", "smarthost": "mail:25", "username": "u", "passwordKey": "k"});
    let receiver = |kind: &str, settings: Json| json!({"alertmanager": {"defaultReceiver": "key", "receivers": {"key": {kind: settings}}}});
    let load_balancer = |gateway: &str| json!({gateway: {"service": {"type": "LoadBalancer"}}});
    vec![
        (
            "argo-cd",
            "oidc",
            json!({"oidc": {"name": "n", "issuer": "https://h/i", "clientID": "c", "clientSecret": secret}}),
        ),
        (
            "argo-cd",
            "rbac",
            json!({"oidc": {"name": "n", "issuer": "https://h/i", "clientID": "c", "clientSecret": secret}}),
        ),
        ("cert-manager", "acme", acme("route53", json!({}))),
        (
            "cert-manager",
            "acme.recursiveNameservers",
            acme("rfc2136", json!({"nameserver": "ns", "tsigKeyName": "t", "tsigSecret": secret})),
        ),
        ("cert-manager", "acme.cloudflare", acme("cloudflare", json!({"apiTokenSecret": secret}))),
        (
            "cert-manager",
            "acme.rfc2136",
            acme("rfc2136", json!({"nameserver": "ns", "tsigKeyName": "t", "tsigSecret": secret})),
        ),
        ("cert-manager", "acme.http01", acme("http01", json!({}))),
        (
            "nodes",
            "bareMetal.nameservers",
            json!({"bareMetal": {"gateway": "192.168.1.1", "endpoint": "kube-vip", "endpointAddress": "192.168.1.10"}}),
        ),
        ("istio", "public.service", load_balancer("public")),
        ("istio", "private.service", load_balancer("private")),
        ("metrics", "alertmanager.secretName", receiver("slack", json!({"channel": "#c", "urlKey": "u"}))),
        ("metrics", "alertmanager.receivers.*.slack", receiver("slack", json!({"channel": "#c", "urlKey": "u"}))),
        ("metrics", "alertmanager.receivers.*.email", receiver("email", email)),
        (
            "metrics",
            "alertmanager.receivers.*.sns",
            receiver("sns", json!({"topicArn": "arn:aws:sns:eu-west-1:123456789012:t", "region": "eu-west-1"})),
        ),
    ]
}

/// How a component says that a name is that of nothing it knows: a reference, not a broken text.
const NO_SUCH: [&str; 4] =
    ["names none of settings.", "there is no receiver", "has no file system", "no driver that mounts them"];

/// Settings that reach no file: `kubezero components --secrets` lists what they name, or what they name is not made.
const LISTED_ONLY: [&str; 2] =
    ["components.cert-manager.settings.acme.other.secrets.", "components.aws-storage.settings.existingBuckets."];

/// A pattern lets a text through in one of these forms, or not at all.
const FORMS: [(&str, &str); 6] = [
    ("", ""),
    ("https://example.com/", ""),
    ("", "@example.com"),
    ("", ":53"),
    ("arn:aws:iam::123456789012:role/", ""),
    ("arn:aws:sns:eu-west-1:123456789012:", ""),
];

/// Every string setting without an enumeration or format: its path and its pattern.
fn free_strings(path: &str, schema: &Json, found: &mut Vec<(String, Json)>) {
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    let is_string = match &schema["type"] {
        Json::Array(types) => types.contains(&json!("string")),
        other => other == "string",
    };
    if is_string && ["enum", "format", "const"].iter().all(|key| schema.get(key).is_none()) {
        found.push((path.to_owned(), schema.clone()));
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        free_strings(&join(key), property, found);
    }
    if schema["additionalProperties"].is_object() {
        free_strings(&join("*"), &schema["additionalProperties"], found);
    }
    if schema["items"].is_object() {
        free_strings(&join("[]"), &schema["items"], found);
    }
}

fn set(value: &mut Json, path: &[&str], text: &str) {
    match path {
        [] => *value = json!(text),
        ["[]", rest @ ..] => {
            let mut item = value.get(0).cloned().unwrap_or(Json::Null);
            set(&mut item, rest, text);
            *value = json!([item]);
        }
        [key, rest @ ..] => {
            if !value.is_object() {
                *value = json!({});
            }
            // An entry that is there has what it needs around the text.
            let first = value.as_object().and_then(|map| map.keys().next()).map_or("key", String::as_str).to_owned();
            set(&mut value[if *key == "*" { first.as_str() } else { key }], rest, text);
        }
    }
}

/// The environments of a component's test cases: in each it has what it requires.
fn cases(inputs: &Inputs, component: &str) -> Vec<(String, Json)> {
    let folder = format!("components/{component}/tests/");
    let cases = inputs.0.iter().filter_map(|(path, text)| {
        let case = path.strip_prefix(&folder)?.strip_suffix("/environment.yaml")?;
        let document = documents(path, str::from_utf8(text).unwrap()).pop().unwrap();
        Some((format!("{component}--{case}"), document))
    });
    cases.collect()
}

/// Lays one value over another: maps by key, everything else whole.
fn lay(under: &mut Json, over: &Json) {
    match (under, over) {
        (Json::Object(under), Json::Object(over)) => {
            for (key, value) in over {
                lay(under.entry(key).or_insert(Json::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

/// A case with a text in one of its settings, and with what that setting needs to have an effect.
fn environment(case: &Json, component: &str, around: &Json, path: &str, text: &str) -> Vec<u8> {
    let mut environment = case.clone();
    let settings = &mut environment["components"][component]["settings"];
    if !settings.is_object() {
        *settings = json!({});
    }
    lay(settings, around);
    set(settings, &path.split('.').collect::<Vec<_>>(), text);
    written(&environment)
}

fn written(environment: &Json) -> Vec<u8> {
    // JSON is YAML, and its writer is not ours. What YAML wants escaped is escaped, as an editor would do it.
    let escape = |c: char| match c {
        ' '..='~' => c.to_string(),
        c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    environment.to_string().chars().map(escape).collect::<String>().into_bytes()
}

/// All strings in a document, keys too, and those in strings that are themselves YAML.
fn contains(value: &Json, text: &str) -> bool {
    match value {
        Json::String(found) => found.contains(text) || embedded(found).is_some_and(|inner| contains(&inner, text)),
        Json::Array(items) => items.iter().any(|item| contains(item, text)),
        Json::Object(map) => map.iter().any(|(key, value)| key.contains(text) || contains(value, text)),
        _ => false,
    }
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

/// Whether a script, a unit or the like has a text in it as no reader can misunderstand it: quoted as shells or as JSON and TOML want it,
/// or such that it needs no quotes anywhere.
fn contains_raw(file: &str, text: &str) -> bool {
    let is_harmless = text.chars().all(|c| c.is_ascii_alphanumeric() || "._:/@+-".contains(c));
    is_harmless && file.contains(text)
        || file.contains(&format!("'{}'", text.replace('\'', "'\\''")))
        || file.contains(&json!(text).to_string())
}

/// A string that holds a map in YAML or JSON, like a file in a ConfigMap.
fn embedded(text: &str) -> Option<Json> {
    if !text.contains(':') || text.len() < 8 {
        return None;
    }
    let nodes = kubezero::yaml::parse_all(kubezero::diagnostic::FileId(0), text).ok()?;
    let [node] = nodes.as_slice() else { return None };
    let value = node.to_json();
    value.is_object().then_some(value)
}

/// The strings in a document that are themselves YAML, as they are.
fn embedded_texts(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::String(text) if embedded(text).is_some() => found.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| embedded_texts(item, found)),
        Json::Object(map) => map.values().for_each(|value| embedded_texts(value, found)),
        _ => {}
    }
}

/// What a reader makes of each document of each file.
type Answers = BTreeMap<PathBuf, Vec<Result<Json, String>>>;

fn ask(mut reader: Command, files: &[PathBuf]) -> Answers {
    let mut child = reader.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let list: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    let feeding = std::thread::spawn(move || input.write_all(list.as_bytes()));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    assert!(output.status.success(), "{reader:?}");
    let mut answers = Answers::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let answer: Json = serde_json::from_slice(line).unwrap();
        let value = match answer.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer.get("value").cloned().unwrap_or_default()),
        };
        answers.entry(PathBuf::from(answer["file"].as_str().unwrap())).or_default().push(value);
    }
    answers
}

const PYTHON: &str = r#"
import json, sys, yaml

class Loader(yaml.SafeLoader):
    pass

# PyYAML takes the last of two equal keys in silence.
def mapping(loader, node):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    if len(keys) != len(set(map(str, keys))) or not all(isinstance(key, str) for key in keys):
        raise yaml.YAMLError("keys %r" % keys)
    return loader.construct_mapping(node, deep=True)

Loader.add_constructor("tag:yaml.org,2002:map", mapping)
for line in sys.stdin:
    path = line.rstrip("\n")
    try:
        with open(path, encoding="utf-8", newline="") as file:
            answers = [{"value": value} for value in yaml.load_all(file.read(), Loader)]
    except yaml.YAMLError as error:
        answers = [{"error": str(error)}]
    for answer in answers:
        print(json.dumps({"file": path, **answer}, default=repr))
"#;

fn pyyaml() -> Option<Command> {
    let works = Command::new("python3").args(["-c", "import yaml"]).stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        println!("skipped: PyYAML is not installed");
        return None;
    }
    let mut command = Command::new("python3");
    command.args(["-c", PYTHON]).env("PYTHONIOENCODING", "utf-8");
    Some(command)
}

fn go(folder: &Path) -> Option<Command> {
    if !Command::new("go")
        .arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        println!("skipped: no Go toolchain is installed");
        return None;
    }
    let program = folder.join("reader");
    let output = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/go"))
        .output()
        .unwrap();
    if !output.status.success() {
        println!("skipped: the Go reader cannot be built: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(Command::new(program))
}

/// Numbers that are the same number are equal, however they are written.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => {
            a == b || a.as_f64() == b.as_f64() && a.is_f64() != b.is_f64() || a.as_f64() == b.as_f64() && a.is_f64()
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Writes the texts to files, has them read by every reader there is, and compares with what they should be.
fn read_by_all(texts: &[(String, String, Vec<Json>)]) {
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = BTreeMap::new();
    for (index, (context, text, values)) in texts.iter().enumerate() {
        let path = folder.path().join(format!("{index:06}.yaml"));
        fs::write(&path, text).unwrap();
        wanted.insert(path, (context, text, values));
    }
    let files: Vec<PathBuf> = wanted.keys().cloned().collect();
    for (name, reader) in [("PyYAML", pyyaml()), ("sigs.k8s.io/yaml", go(folder.path()))] {
        let Some(reader) = reader else { continue };
        let answers = ask(reader, &files);
        let mut wrong = Vec::new();
        for (path, (context, text, values)) in &wanted {
            let found = answers.get(path).cloned().unwrap_or_default();
            let found: Result<Vec<Json>, String> = found.into_iter().collect();
            match found {
                Ok(found) if found.len() == values.len() && found.iter().zip(*values).all(|(a, b)| same(a, b)) => {}
                found => wrong.push(format!("{context}: {name} reads {found:?} instead of {values:?} from\n{text}")),
            }
        }
        wrong.truncate(10);
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        println!("{name} read {} files as we meant them", files.len());
    }
}

#[test]
fn every_free_text_setting_arrives_intact() {
    let inputs = Inputs::of_this_repository();
    let repository = Repository::load(&inputs, &Wanted::All).unwrap_or_else(|error| panic!("{error}"));
    let around = around();
    let (mut environments, mut wanted) = (Vec::new(), BTreeMap::new());
    let (mut settings, mut texts, mut unmatched, mut contexts) = (0, 0, 0, Vec::new());
    for (component, about) in repository.components() {
        let mut found = Vec::new();
        free_strings("", about.schema.json(), &mut found);
        let cases = cases(&inputs, component);
        for (path, schema) in found {
            settings += 1;
            let pattern = schema["pattern"].as_str().map(|pattern| regex::Regex::new(pattern).unwrap());
            for text in TEXTS {
                let form = FORMS.iter().find_map(|(before, after)| {
                    let text = format!("{before}{text}{after}");
                    pattern.as_ref().is_none_or(|pattern| pattern.is_match(&text)).then_some(text)
                });
                let Some(text) = form else {
                    unmatched += 1;
                    continue;
                };
                let fits = around.iter().filter(|(of, at, _)| of == component && path.starts_with(at));
                let around = fits.max_by_key(|(_, at, _)| at.len()).map_or(json!({}), |(_, _, value)| value.clone());
                for (like, case) in &cases {
                    let name = format!("e{}", environments.len());
                    environments.push((name.clone(), environment(case, component, &around, &path, &text)));
                    wanted.insert(name, (texts, text.clone(), like.clone()));
                }
                contexts.push(format!("components.{component}.settings.{path} = {text:?}"));
                texts += 1;
            }
        }
    }
    let plain = rendered(&inputs.cases_as_environments());

    // In some test case of the component the text has an effect; in the others it need not.
    let (mut arrived, mut refused) = (BTreeSet::new(), BTreeMap::<usize, BTreeMap<&str, String>>::new());
    let mut readings = Vec::new();
    for (name, outcome) in render(&inputs.with_environments(environments)) {
        let (number, text, like) = &wanted[&name];
        let files = match outcome {
            Ok(files) => files,
            Err(mistakes) => {
                let of_it = refused.entry(*number).or_default();
                for (code, message) in mistakes {
                    // A name that must be that of a receiver is no free text.
                    let code = if NO_SUCH.iter().any(|words| message.contains(words)) { "reference" } else { code };
                    of_it.insert(code, message);
                }
                continue;
            }
        };
        for (path, yaml) in &files {
            // The index and what has only another environment's name in it say nothing about the text.
            let without = plain[like].get(path);
            if path == "index.yaml" || without.is_some_and(|without| without.replace(like, &name) == *yaml) {
                continue;
            }
            if !is_yaml(path) {
                // Prose is read by people.
                if contains_raw(yaml, text) || path.ends_with(".md") && yaml.contains(text) {
                    arrived.insert(*number);
                }
                continue;
            }
            let values = documents(path, yaml);
            if !values.iter().any(|value| contains(value, text)) {
                continue;
            }
            arrived.insert(*number);
            let mut inner = Vec::new();
            values.iter().for_each(|value| embedded_texts(value, &mut inner));
            readings.push((format!("{name}: {path}"), yaml.clone(), values));
            for text in inner {
                let value = embedded(&text).unwrap();
                readings.push((format!("{name}: inside {path}"), text, vec![value]));
            }
        }
    }
    readings.sort_by(|a, b| a.1.cmp(&b.1));
    readings.dedup_by(|a, b| a.1 == b.1);
    // Only the schema may refuse a text everywhere: anything else would be a template that a text can break.
    let by_schema = ["pattern", "range", "wrong-type", "not-in-enum", "reference"];
    let (mut by, mut lost) = (BTreeMap::<&str, usize>::new(), Vec::new());
    let listed_only = |number: &usize| LISTED_ONLY.iter().any(|path| contexts[*number].starts_with(path));
    for number in (0..texts).filter(|number| !arrived.contains(number) && !listed_only(number)) {
        let reasons = refused.get(&number);
        match reasons.and_then(|reasons| by_schema.iter().find(|code| reasons.contains_key(**code))) {
            Some(code) => *by.entry(code).or_default() += 1,
            None => lost.push(format!("{}: {reasons:?}", contexts[number])),
        }
    }
    println!(
        "{settings} free-text settings, {} texts: {} arrived, {unmatched} are against the pattern in every form, refused: {by:?}",
        TEXTS.len(),
        arrived.len()
    );
    assert!(lost.is_empty(), "{} did not arrive:\n{}", lost.len(), lost.join("\n"));
    assert!(arrived.len() > 2000, "{}", arrived.len());
    read_by_all(&readings);
}

#[test]
fn the_real_environments_are_read_alike_by_all_readers() {
    let trees = rendered(&Inputs::of_this_repository());
    let mut readings = Vec::new();
    for (environment, files) in &trees {
        for (path, text) in files.iter().filter(|(path, _)| is_yaml(path)) {
            readings.push((format!("{environment}/{path}"), text.clone(), documents(path, text)));
        }
    }
    read_by_all(&readings);
}

fn a_string() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        proptest::sample::select(&TEXTS[..]).prop_map(str::to_owned),
        "[-+.0-9_eExXobn:]{1,12}",
        "[ \t\n\r:#,\\[\\]{}&*!|>'\"%@`?~<=-]{1,8}",
        "[a-zA-Z :#\n-]{0,40}",
        "[yYnNtTfFoO][a-zA-Z]{0,4}",
        "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9]{1,2}:[0-9]{2}:[0-9]{2}(Z|[-+][0-9]{1,2})?)?",
    ]
}

fn a_tree() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        4 => a_string().prop_map(Json::from),
        1 => any::<i64>().prop_map(Json::from),
        1 => (i64::MAX as u64..).prop_map(Json::from),
        1 => any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Json::from),
        1 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            proptest::collection::btree_map(a_string(), inner, 0..5)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_is_read_back_as_it_was_written(tree in a_tree()) {
        let tree = json!({"top": tree});
        let text = write::to_string(&tree).unwrap();
        let ours = documents("ours", &text);
        prop_assert!(ours.len() == 1 && same(&ours[0], &tree), "ours: {:?}\n{text}", ours);
        let theirs: Json = serde_yaml::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert!(same(&theirs, &tree), "serde: {theirs}\n{text}");
        // Written again it is the same text: there is one form for each value.
        prop_assert_eq!(write::to_string(&ours[0]).unwrap(), write::to_string(&tree_sorted(&tree)).unwrap());
    }
}

fn tree_sorted(tree: &Json) -> Json {
    documents("sorted", &write::to_string(tree).unwrap()).remove(0)
}

#[test]
fn many_trees_are_read_alike_by_all_readers() {
    let mut runner = TestRunner::deterministic();
    let strategy = a_tree();
    let mut readings = Vec::new();
    for index in 0..3000 {
        let tree = json!({"top": strategy.new_tree(&mut runner).unwrap().current()});
        readings.push((format!("tree {index}"), write::to_string(&tree).unwrap(), vec![tree]));
    }
    for text in TEXTS {
        let tree = json!({text: text, "list": [text, [text], {text: text}], "map": {"deep": {"deeper": text}}});
        readings.push((format!("{text:?}"), write::to_string(&tree).unwrap(), vec![tree]));
    }
    read_by_all(&readings);
}
