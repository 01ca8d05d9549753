//! Objects that are another one on each run, where that is allowed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use helm_render::capabilities::{Capabilities, HelmVersion};
use helm_render::chart::{Chart, File, Limits};
use helm_render::render::{Options, Prepared, Release, RenderError, Rendered};
use helm_render::value::Value;

fn render(allow_random: bool, files: &[(&str, &str)]) -> Result<Rendered, RenderError> {
    let mut all = vec![File::new("Chart.yaml", b"apiVersion: v2\nname: top\nversion: 1.0.0\n")];
    all.extend(files.iter().map(|(name, text)| File::new(*name, text.as_bytes())));
    let chart = Chart::from_files(all, &Limits::default()).expect("a chart");
    let options = Options { allow_random, ..Options::default() };
    let release = Release::new("release", "default");
    Prepared::new(chart).render(&Value::Nil, &release, &Capabilities::of(HelmVersion::V4_2), &options)
}

const SECRET: (&str, &str) = (
    "templates/secret.yaml",
    "kind: ConfigMap\nmetadata:\n  name: plain\n---\nkind: Secret\nmetadata:\n  name: made\ndata:\n  \
     a: {{ randAlphaNum 8 | b64enc | quote }}\n  b: {{ uuidv4 }}\n",
);

#[test]
fn chance_is_refused_by_default() {
    let error = render(false, &[SECRET]).expect_err("it is refused").to_string();
    assert!(error.contains("randAlphaNum"), "{error}");
}

#[test]
fn objects_with_chance_in_them_are_given_apart() {
    let rendered = render(true, &[SECRET]).expect("it renders");
    let names: Vec<&str> = rendered.manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    assert_eq!(names, ["plain"]);
    let [random] = rendered.random.as_slice() else { panic!("{:?}", rendered.random) };
    let manifest = random.manifest.as_ref().expect("an object");
    assert_eq!((manifest.kind.as_str(), manifest.name.as_str()), ("Secret", "made"));
    assert!(manifest.content.ends_with("data:\n  a: <random>\n  b: <random>\n"), "{:?}", manifest.content);
    let chances: Vec<String> = random
        .chances
        .iter()
        .map(|chance| format!("{}:{} {}", chance.template, chance.line, chance.function))
        .collect();
    assert_eq!(chances, ["top/templates/secret.yaml:9 randAlphaNum", "top/templates/secret.yaml:10 uuidv4"]);
}

#[test]
fn what_is_computed_from_it_is_apart_too() {
    let helper = ("templates/_h.tpl", "{{ define \"p\" }}x-{{ randAlpha 4 }}{{ end }}");
    let sum = (
        "templates/deployment.yaml",
        "kind: Deployment\nmetadata:\n  name: d\n  annotations:\n    sum: {{ include (print $.Template.BasePath \
         \"/secret.yaml\") . | sha256sum }}\n    p: {{ include \"p\" . }}\n",
    );
    let map = ("templates/map.yaml", "kind: ConfigMap\ndata:\n{{ dict \"a\" (randNumeric 3) | toYaml | indent 2 }}\n");
    let rendered = render(true, &[SECRET, helper, sum, map]).expect("it renders");
    let mut paths: Vec<&str> = rendered.random.iter().map(|random| random.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["top/templates/deployment.yaml", "top/templates/map.yaml", "top/templates/secret.yaml"]);
    assert_eq!(rendered.manifests.len(), 1);
}

#[test]
fn where_chance_decides_nothing_is_known() {
    let decides = ("templates/a.yaml", "{{ if eq (randAlpha 1) \"a\" }}kind: A{{ else }}kind: B{{ end }}\n");
    let rendered = render(true, &[decides, SECRET]).expect("it renders");
    let random: Vec<(&str, bool)> =
        rendered.random.iter().map(|random| (random.path.as_str(), random.manifest.is_some())).collect();
    assert_eq!(random, [("top/templates/a.yaml", false), ("top/templates/secret.yaml", true)]);
}
