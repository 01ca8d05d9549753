//! What is asked of a rendering.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::sync::Arc;

use helm_render::capabilities::{Capabilities, HelmVersion};
use helm_render::chart::{Chart, File, Limits};
use helm_render::engine::HelmEngine;
use helm_render::render::{Options, Release, render};
use helm_render::template;
use helm_render::value::Value;

#[test]
fn one_template_is_executed_where_one_is_named() {
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: top\nversion: 1.0.0\n"),
        ("templates/_helpers.tpl", "{{ define \"name\" }}shared{{ end }}"),
        ("templates/a.yaml", "kind: A\nmetadata: {name: {{ include \"name\" . }}}\n"),
        ("templates/b.yaml", "{{ fail \"never\" }}"),
    ];
    let files = files.into_iter().map(|(name, text)| File::new(name, text.as_bytes())).collect();
    let chart = Arc::new(Chart::from_files(files, &Limits::default()).expect("a chart"));
    let rendered = |only: Option<&str>| {
        let options = Options { only: only.map(str::to_owned), ..Options::default() };
        let mut engine = HelmEngine::new(template::Limits::default());
        let release = Release::new("release", "default");
        render(&chart, &Value::Nil, &release, &Capabilities::of(HelmVersion::V4_2), &options, &mut engine)
    };
    let alone = rendered(Some("top/templates/a.yaml")).expect("it renders");
    let objects: Vec<(&str, &str)> = alone.manifests.iter().map(|one| (one.kind.as_str(), one.name.as_str())).collect();
    assert_eq!(objects, [("A", "shared")]);
    assert!(rendered(Some("top/templates/none.yaml")).expect("it renders").manifests.is_empty());
    assert!(rendered(None).expect_err("all are executed").to_string().contains("never"));
}
