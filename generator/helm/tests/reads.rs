//! What is noted of the values that templates read, on small charts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::sync::Arc;

use helm_render::capabilities::{Capabilities, HelmVersion};
use helm_render::chart::{Chart, File, Limits, values};
use helm_render::engine::HelmEngine;
use helm_render::reads::{How, Path, Reads, Why};
use helm_render::render::{Options, Release, Rendered, render};
use helm_render::template;
use helm_render::value::Value;

fn chart(files: &[(&str, &str)]) -> Arc<Chart> {
    let mut all = vec![File::new("Chart.yaml", b"apiVersion: v2\nname: top\nversion: 1.0.0\n")];
    for (name, text) in files {
        let file = File::new(*name, text.as_bytes());
        all.retain(|other| other.name != file.name);
        all.push(file);
    }
    Arc::new(Chart::from_files(all, &Limits::default()).expect("a chart"))
}

fn rendered(chart: &Arc<Chart>, set: &Value, trace: bool) -> Rendered {
    let mut engine = HelmEngine::new(template::Limits::default());
    let options = Options { trace, ..Options::default() };
    let release = Release::new("release", "default");
    render(chart, set, &release, &Capabilities::of(HelmVersion::V4_2), &options, &mut engine).expect("it renders")
}

fn reads(files: &[(&str, &str)], set: &str) -> (Reads, Value) {
    let (chart, set) = (chart(files), values::read(set).expect("values"));
    let rendered = rendered(&chart, &set, true);
    (rendered.reads.expect("reads are traced"), set)
}

/// What is unread, one a line: the path, why, and what may have been meant.
fn unread(files: &[(&str, &str)], set: &str) -> String {
    let (reads, set) = reads(files, set);
    assert!(reads.complete());
    let lines: Vec<String> = reads
        .unread(&set)
        .iter()
        .map(|unread| {
            let why = match &unread.why {
                Why::Unknown => "unknown".to_owned(),
                Why::Elsewhere => "elsewhere".to_owned(),
                Why::Off(chart) => format!("off with {chart}"),
            };
            let nearest = unread.nearest.as_ref().map(|nearest| format!(", {nearest}?")).unwrap_or_default();
            format!("{} {why}{nearest}", unread.path)
        })
        .collect();
    lines.join("\n")
}

/// The same for a chart of one template.
fn of(template: &str, defaults: &str, set: &str) -> String {
    unread(&[("templates/a.yaml", &format!("x: |\n  {template}\n")), ("values.yaml", defaults)], set)
}

#[test]
fn fields() {
    assert_eq!(of("{{ .Values.a.b }}", "", "a: {b: 1}"), "");
    assert_eq!(of("{{ .Values.a.b }}", "", "a: {b: 1, c: 2}\nd: 3"), "a.c unknown\nd unknown");
    assert_eq!(of("{{ .Values.replicas }}", "replicas: 1", "replica: 2"), "replica unknown, replicas?");
    assert_eq!(of("{{ .Values.nodeSelector }}", "", "nodeselector: 2"), "nodeselector unknown, nodeSelector?");
}

#[test]
fn the_same_name_elsewhere() {
    let found = of("{{ .Values.server.port }}{{ .Values.agent.name }}", "server: {}", "agent: {name: a, port: 1}");
    assert_eq!(found, "agent.port elsewhere, server.port?");
}

#[test]
fn what_holds_it_is_written_out() {
    assert_eq!(of("{{ toYaml .Values.a }}", "", "a: {b: {c: 1}}"), "");
    assert_eq!(of("{{ .Values.a }}", "", "a: {b: {c: 1}}"), "");
    assert_eq!(of("{{ .Values.a | quote }}", "", "a: {b: {c: 1}}"), "");
    assert_eq!(of("{{ eq (toString .Values.a) \"\" }}", "", "a: {b: {c: 1}}"), "");
    assert_eq!(of("{{ toYaml (dict \"x\" .Values.a) }}", "", "a: {b: 1}"), "");
    assert_eq!(of("{{ toYaml (list .Values.a) }}", "", "a: {b: 1}"), "");
    assert_eq!(of("{{ .Values | toJson | sha256sum }}", "", "a: {b: 1}"), "");
}

#[test]
fn with_and_dot() {
    assert_eq!(of("{{ with .Values.a }}{{ .b }}{{ end }}", "a: {b: 1}", "a: {b: 1, c: 2}"), "a.c unknown");
    assert_eq!(of("{{ with .Values.a }}{{ $.Values.c.d }}{{ end }}", "a: 1\nc: {}", "c: {d: 1, e: 1}"), "c.e unknown");
}

#[test]
fn whether_there_is_anything() {
    // It is there because of what is set.
    assert_eq!(of("{{ if .Values.a }}{{ .Values.b }}{{ end }}", "a: {}", "a: {c: 2}"), "");
    // It is there anyway.
    assert_eq!(of("{{ if .Values.a }}{{ .Values.b }}{{ end }}", "a: {b: 1}", "a: {c: 2}"), "a.c unknown");
    assert_eq!(of("{{ if not (empty .Values.a) }}x{{ end }}", "", "a: {c: 2}"), "");
    assert_eq!(of("{{ if kindIs \"map\" .Values.a }}x{{ end }}", "", "a: {c: 2}"), "");
}

#[test]
fn ranges() {
    assert_eq!(of("{{ range .Values.a }}{{ .b }}{{ end }}", "", "a: [{b: 1}, {b: 1, c: 2}]"), "a[1].c unknown");
    assert_eq!(of("{{ range $k, $v := .Values.a }}{{ $v.b }}{{ end }}", "", "a: {x: {b: 1, c: 2}}"), "a.x.c unknown");
    assert_eq!(of("{{ range $k, $v := .Values.a }}{{ $k }}={{ $v }}{{ end }}", "", "a: {x: {b: 1}, y: 2}"), "");
    assert_eq!(of("{{ range .Values.a }}{{ . }}{{ end }}", "", "a: [1, 2]"), "");
    assert_eq!(of("{{ range $i, $e := until 2 }}{{ index $.Values.a $i }}{{ end }}", "", "a: [1, 2]"), "");
    assert_eq!(of("{{ range $k, $_ := .Values.a }}{{ $k }}{{ end }}", "", "a: {x: 1, y: null}"), "");
    // A break in a branch that is not to be taken does not end it.
    let template = "{{ range .Values.a }}{{ if .last }}{{ break }}{{ end }}{{ .b }}{{ end }}";
    assert_eq!(of(template, "", "a: [{b: 1, last: true}, {b: 2}]"), "");
}

#[test]
fn named_templates() {
    let helper = ("templates/_h.tpl", "{{ define \"h\" }}{{ .b }}{{ .root.Values.z }}{{ end }}");
    let with = |template: &str, set: &str| unread(&[helper, ("templates/a.yaml", template)], set);
    let dict = "x: {{ include \"h\" (dict \"b\" .Values.a.b \"root\" $) }}";
    assert_eq!(with(dict, "a: {b: 1, c: 2}\nz: 1\nw: 1"), "a.c unknown\nw unknown");
    let set = "{{- $x := dict \"root\" $ }}{{ $_ := set $x \"b\" .Values.a }}x: {{ include \"h\" $x }}";
    assert_eq!(with(set, "a: {c: 2}\nz: 1"), "");
    let merged = "x: {{ include \"h\" (merge (dict \"root\" $) .Values.a) }}";
    assert_eq!(with(merged, "a: {b: 1, c: 2}\nz: 1"), "a.c unknown");
    let template = "x: {{ template \"h\" (set .Values.a \"root\" $) }}";
    assert_eq!(with(template, "a: {b: 1, c: 2}"), "a.c unknown");
}

#[test]
fn named_templates_that_include_others_on_dot() {
    let helpers =
        "{{ define \"outer\" }}{{ include \"inner\" . }}{{ end }}{{ define \"inner\" }}{{ .Values.name }}{{ end }}";
    let files = [("templates/_h.tpl", helpers), ("templates/a.yaml", "x: {{ include \"outer\" . }}")];
    assert_eq!(unread(&files, "name: n\nnames: m"), "names unknown, name?");
}

#[test]
fn templates_in_values() {
    let set = "t: '{{ .Values.b.c }}'\nb: {c: 1, d: 2}";
    assert_eq!(of("{{ tpl .Values.t . }}", "", set), "b.d unknown");
    let set = "t: {x: '{{ .Values.b.c }}'}\nb: {c: 1}";
    assert_eq!(of("{{ tpl (toYaml .Values.t) . }}", "", set), "");
}

#[test]
fn variables() {
    assert_eq!(of("{{ $a := .Values.a }}{{ $a.b }}", "", "a: {b: 1, c: 2}"), "a.c unknown");
    assert_eq!(of("{{ $a := dict }}{{ $a = .Values.a }}{{ $a.b.d }}", "", "a: {b: {d: 1, e: 1}}"), "a.b.e unknown");
}

#[test]
fn functions_that_take_a_key() {
    let all = |template: &str| of(template, "a: {beta: 0}", "a: {beta: 1, betas: 2}");
    for template in [
        "{{ index .Values \"a\" \"beta\" }}",
        "{{ index .Values.a \"beta\" }}",
        "{{ get .Values.a \"beta\" }}",
        "{{ hasKey .Values.a \"beta\" }}",
        "{{ pluck \"beta\" .Values.a | first }}",
        "{{ dig \"a\" \"beta\" 1 .Values.AsMap }}",
        "{{ get (.Values.a | default dict) \"beta\" }}",
        "{{ (.Values.a | default dict).beta }}",
        "{{ (.Values.a).beta }}",
        "{{ .Values.PathValue \"a.beta\" }}",
        "{{ (.Values.Table \"a\").beta }}",
        "{{ $key := \"beta\" }}{{ index .Values.a $key }}",
    ] {
        assert_eq!(all(template), "a.betas unknown, a.beta?", "{template}");
    }
}

#[test]
fn functions_that_choose() {
    let all = |template: &str| of(template, "a: {b: 0}\nd: {b: 0}", "a: {b: 1, zz: 2}\nd: {b: 3, vv: 1}");
    let wanted = "a.zz unknown\nd.vv unknown";
    assert_eq!(all("{{ (ternary .Values.a .Values.d true).b }}{{ (ternary .Values.a .Values.d false).b }}"), wanted);
    assert_eq!(all("{{ $x := coalesce .Values.a .Values.d }}{{ $x.b }}{{ .Values.d.b }}"), wanted);
    assert_eq!(all("{{ $x := or .Values.a .Values.d }}{{ $x.b }}{{ .Values.d.b }}"), wanted);
    assert_eq!(all("{{ range list .Values.a .Values.d }}{{ .b }}{{ end }}"), wanted);
    assert_eq!(all("{{ range concat (list .Values.a) (list .Values.d) }}{{ .b }}{{ end }}"), wanted);
}

#[test]
fn copies_and_merges() {
    let all = |template: &str| of(template, "", "a: {b: 1, in: {x: 1, w: 2}}\nd: {b: 3, in: {z: 1}}");
    assert_eq!(
        all("{{ $m := merge (deepCopy .Values.a) .Values.d }}{{ $m.b }}{{ $m.in.z }}"),
        "a.in.w unknown\na.in.x unknown"
    );
    assert_eq!(
        all("{{ $m := mergeOverwrite dict .Values.a .Values.d }}{{ $m.b }}{{ $m.in.x }}{{ $m.in.z }}"),
        "a.in.w unknown"
    );
    assert_eq!(all("{{ toYaml (merge dict .Values.a .Values.d) }}"), "");
    assert_eq!(all("{{ toYaml (omit .Values.a \"b\") }}{{ .Values.d | toJson }}"), "");
    assert_eq!(all("{{ $m := fromYaml (toYaml .Values.a) }}{{ .Values.d | len }}"), "d.in.z unknown");
    assert_eq!(all("{{ (mustDeepCopy .).Values.a.in.x }}{{ toYaml .Values.d }}"), "a.b unknown\na.in.w unknown");
}

#[test]
fn branches_that_are_not_taken() {
    let template = "{{ if .Values.flag }}{{ toYaml .Values.a }}{{ else }}{{ .Values.b.c }}{{ end }}";
    assert_eq!(of(template, "", "flag: false\na: {x: 1}\nb: {c: 1, d: 2}"), "b.d unknown");
    assert_eq!(of(template, "", "flag: true\na: {x: 1}\nb: {c: 1, d: 2}"), "b.d unknown");
    assert_eq!(of("{{ if and .Values.flag .Values.a.b }}x{{ end }}", "", "flag: false\na: {b: 1}"), "");
    let fails = "{{ if .Values.flag }}{{ fail \"no\" }}{{ .Values.b }}{{ end }}{{ if eq .Values.kind 1.0 }}{{ .Values.c }}{{ end }}";
    assert_eq!(of(fails, "kind: 1", "flag: false\nb: 1\nc: 1"), "");
    let required = "{{ if .Values.flag }}{{ $r := required \"r\" .Values.r }}{{ with .Values.a }}{{ .b }}{{ $r }}{{ end }}{{ end }}";
    assert_eq!(of(required, "", "flag: false\na: {b: 1}"), "");
}

#[test]
fn variables_that_are_assigned_in_branches() {
    let template = "{{ $x := .Values.a }}{{ if .Values.flag }}{{ $x = .Values.b }}{{ else }}{{ $x = .Values.c }}{{ end }}\
                    {{ if .Values.more }}{{ $x.in.k }}{{ end }}";
    let set = "flag: true\na: {in: {k: 1, l: 1}}\nb: {in: {k: 2, l: 2}}\nc: {in: {k: 3, l: 3}}\nmore: false";
    assert_eq!(of(template, "", set), "a.in.l unknown\nb.in.l unknown\nc.in.l unknown");
    let template = "{{ $x := .Values }}{{ range list \"a\" \"b\" }}{{ $x = index $x . }}{{ end }}{{ if .Values.more }}{{ $x.k }}{{ end }}";
    assert_eq!(of(template, "", "a: {b: {k: 1, l: 2}}"), "a.b.l unknown");
}

#[test]
fn recursion_ends_though_all_branches_are_taken() {
    let helper =
        "{{ define \"r\" }}{{ .v.name }}{{ if .v.below }}{{ include \"r\" (dict \"v\" .v.below) }}{{ end }}{{ end }}";
    let files = [("templates/_h.tpl", helper), ("templates/a.yaml", "x: {{ include \"r\" (dict \"v\" .Values.a) }}")];
    assert_eq!(
        unread(
            &[files[0], files[1], ("values.yaml", "a: {below: {below: {name: 1}}}")],
            "a: {name: 1, below: {name: 2, below: {name: 3, other: 4}}}"
        ),
        "a.below.below.other unknown"
    );
}

#[test]
fn a_name_that_is_put_together() {
    let template = "{{ if .Values.flag }}{{ range $x := list \"a\" }}{{ get $.Values.o (printf \"%sEnabled\" $x) }}{{ end }}{{ end }}";
    assert_eq!(of(template, "", "flag: false\no: {aEnabled: true}"), "");
}

const SUB: &str = "apiVersion: v2\nname: sub\nversion: 1.0.0\n";

fn with_sub(dependency: &str, top: &str, sub: &str, defaults: &str, set: &str) -> String {
    let metadata = format!(
        "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n- name: sub\n  version: 1.0.0\n{dependency}"
    );
    let files = [
        ("Chart.yaml", metadata.as_str()),
        ("templates/a.yaml", top),
        ("charts/sub/Chart.yaml", SUB),
        ("charts/sub/values.yaml", defaults),
        ("charts/sub/templates/a.yaml", sub),
    ];
    unread(&files, set)
}

#[test]
fn subcharts() {
    let found = with_sub("", "x: 1", "x: {{ .Values.a.b }}", "", "sub: {a: {b: 1, c: 2}}\na: {b: 1}");
    assert_eq!(found, "a unknown, sub.a?\nsub.a.c unknown");
    // The parent reads what is set for the subchart.
    assert_eq!(with_sub("", "x: {{ .Values.sub.d }}", "x: 1", "", "sub: {d: 1}"), "");
    assert_eq!(with_sub("", "x: {{ .Subcharts.sub.Values.d }}", "x: 1", "", "sub: {d: 1}"), "");
}

#[test]
fn aliases() {
    let found = with_sub("  alias: other", "x: 1", "x: {{ .Values.a }}", "", "sub: {a: 1}\nother: {a: 1, b: 1}");
    assert_eq!(found, "other.b unknown\nsub unknown");
}

#[test]
fn globals() {
    let sub = "x: {{ .Values.global.zone.name }}";
    assert_eq!(with_sub("", "x: 1", sub, "", "global: {zone: {name: a, size: 1}}"), "global.zone.size unknown");
    assert_eq!(with_sub("", "x: 1", sub, "", "sub: {global: {zone: {name: a}}}"), "");
    assert_eq!(with_sub("", "x: {{ .Values.global.zone.name }}", "x: 1", "", "global: {zone: {name: a}}"), "");
}

#[test]
fn imported_values() {
    let import = "  import-values:\n  - child: data\n    parent: got\n";
    let top = "x: {{ .Values.got.a }}";
    assert_eq!(with_sub(import, top, "x: 1", "data: {a: 0}", "sub: {data: {a: 1, b: 2}}"), "sub.data.b unknown");
    let export = "  import-values: [data]\n";
    let found = with_sub(
        export,
        "x: {{ .Values.a }}",
        "x: 1",
        "exports: {data: {a: 0}}",
        "sub: {exports: {data: {a: 1, b: 1}}}",
    );
    assert_eq!(found, "sub.exports.data.b unknown");
}

#[test]
fn subcharts_that_are_off() {
    let dependency = "  condition: sub.enabled\n  tags: [extra]\n";
    let sub = "x: {{ .Values.a }}{{ .Values.global.size }}";
    let set = "sub: {enabled: false, a: 1, b: 2}\nglobal: {size: 1, zones: 1}\ntags: {extra: false, other: true}";
    let found = with_sub(dependency, "x: {{ .Values.global.zone }}", sub, "", set);
    assert_eq!(
        found,
        "global.size off with sub\nglobal.zones unknown, global.zone?\nsub.a off with sub\nsub.b off with sub\ntags.other unknown"
    );
    let on = with_sub(dependency, "x: 1", sub, "", "sub: {enabled: true, a: 1, b: 2}");
    assert_eq!(on, "sub.b unknown");
}

#[test]
fn charts_that_put_their_values_together_anew() {
    let template =
        "{{- $_ := set . \"Values\" (mustMergeOverwrite (deepCopy .Values.defaults) .Values) }}\nx: {{ .Values.a.b }}";
    let files = [("templates/a.yaml", template), ("values.yaml", "defaults: {a: {b: 1}}")];
    assert_eq!(unread(&files, "a: {b: 2, c: 3}"), "a.c unknown");
    // In a circle.
    let template = "{{- $d := .Values.defaults }}{{ $_ := unset .Values \"defaults\" }}\
                    {{ $_ := set . \"Values\" (mustMergeOverwrite $d .Values) }}x: {{ .Values.a.b }}";
    let files = [("templates/a.yaml", template), ("values.yaml", "defaults: {a: {b: 1}}")];
    assert_eq!(unread(&files, "a: {b: 2, c: 3}"), "a.c unknown");
}

#[test]
fn which_templates_read_it() {
    let files = [
        ("templates/_h.tpl", "{{ define \"h\" }}{{ .Values.a.b }}{{ end }}"),
        ("templates/a.yaml", "x: {{ include \"h\" . }}"),
        ("templates/b.yaml", "x: {{ .Values.a.c }}\ny: {{ if .Values.off }}{{ .Values.a.d }}{{ end }}"),
        ("templates/c.yaml", "x: {{ toJson .Values.a }}"),
    ];
    let (reads, _) = reads(&files, "a: {b: 1, c: {e: 2}, d: 1}");
    let templates = |keys: &[&str]| {
        let found: Vec<String> =
            reads.templates(&Path::of_keys(keys.iter().copied())).into_iter().map(str::to_owned).collect();
        found.join(" ").replace("top/templates/", "")
    };
    assert_eq!(templates(&["a"]), "a.yaml b.yaml c.yaml");
    assert_eq!(templates(&["a", "b"]), "a.yaml c.yaml");
    assert_eq!(templates(&["a", "c", "e"]), "b.yaml c.yaml");
    assert_eq!(templates(&["a", "d"]), "c.yaml");
    assert_eq!(templates(&["z"]), "");
    let how = |keys: &[&str]| reads.how(&Path::of_keys(keys.iter().copied()));
    assert_eq!(how(&["a"]), Some(How::Whole));
    assert_eq!(how(&["off"]), Some(How::Whole));
    assert_eq!(how(&["z"]), None);
    let read = reads.all();
    let b = read.iter().find(|read| read.path.to_string() == "a.b").expect("a.b is read");
    assert_eq!((b.template, b.file), ("top/templates/a.yaml", "top/templates/_h.tpl"));
}

#[test]
fn tracing_changes_nothing() {
    let files = [("templates/a.yaml", "x: {{ $_ := set .Values \"a\" 2 }}{{ .Values.a }}{{ if .Values.b }}y{{ end }}")];
    let (chart, set) = (chart(&files), values::read("a: 1").expect("values"));
    let (plain, traced) = (rendered(&chart, &set, false), rendered(&chart, &set, true));
    assert_eq!(plain.print(), traced.print());
    assert!(plain.reads.is_none());
    assert_eq!(plain.warnings, traced.warnings);
}

#[test]
fn a_chart_says_which_names_it_mentions() {
    let files =
        [("templates/a.yaml", "{{ .Values.one.two }}{{ index .Values \"three\" }}{{ printf \"%sFour\" .x }}text.five")];
    let mentions = chart(&files).mentions();
    for name in ["one", "two", "three", "anyFour"] {
        assert!(mentions.has(name), "{name}");
    }
    assert!(!mentions.has("five"));
}
