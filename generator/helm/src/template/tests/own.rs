//! What is ours: several files, bounds, objects, where mistakes lead.

use super::*;

fn fails(files: &[(&str, &str)], limits: Limits) -> TemplateError {
    *run(files, limits).expect_err("it must fail")
}

#[test]
fn later_files_replace_earlier_definitions() {
    let files = [("a", "{{template `x`}}"), ("b", "{{define `x`}}1{{end}}"), ("c", "{{define `x`}}2{{end}}")];
    assert_eq!(run(&files, Limits::default()).unwrap(), "2");
}

#[test]
fn empty_definitions_of_later_files_replace_nothing() {
    let files = [("a", "{{template `x`}}"), ("b", "{{define `x`}}1{{end}}"), ("c", "{{define `x`}}\n{{end}}")];
    assert_eq!(run(&files, Limits::default()).unwrap(), "1");
}

#[test]
fn files_are_templates() {
    let files = [("a/b.yaml", "[{{include `c.tpl` .s}}]"), ("c.tpl", "<{{.}}>")];
    assert_eq!(run(&files, Limits::default()).unwrap(), "[<xyz>]");
}

#[test]
fn an_unknown_template_is_a_mistake() {
    let error = Arc::new(Templates::new()).execute("x", &Value::Nil, &Helpers, Limits::default()).unwrap_err();
    assert_eq!(error.message, "template: no template \"x\" associated with template \"gotpl\"");
    assert!(!Templates::new().contains("x"));
}

#[test]
fn mistakes_carry_the_chain_of_templates() {
    let files = [
        ("a.yaml", "{{include `b` .}}"),
        ("_b.tpl", "{{define `b`}}\n {{template `c` .}}{{end}}{{define `c`}}{{tpl `{{ .s.x }}` .}}{{end}}"),
    ];
    let error = fails(&files, Limits::default());
    let places: Vec<String> = error
        .places
        .iter()
        .map(|place| {
            format!("{}:{}:{} {} <{}>", place.file, place.line, place.column.unwrap(), place.template, place.at)
        })
        .collect();
    assert_eq!(
        places,
        [
            "a.yaml:1:2 a.yaml <include `b` .>",
            "_b.tpl:2:12 b <{{template \"c\" .}}>",
            "_b.tpl:2:42 c <tpl `{{ .s.x }}` .>",
            "gotpl:1:5 gotpl <.s.x>",
        ]
    );
    assert_eq!(error.cause, "can't evaluate field x in type interface {}");
    assert_eq!(error.to_string(), error.message);
}

#[test]
fn mistakes_of_reading_have_a_place() {
    let error = fails(&[("a.yaml", "\n{{")], Limits::default());
    assert_eq!((error.places[0].line, error.places[0].column), (2, None));
    assert_eq!(error.cause, "unclosed action");
}

#[test]
fn what_differs_between_runs_is_refused_through_includes() {
    let files = [("a", "{{include `b` .}}"), ("b", "x {{ moment }}")];
    let error = fails(&files, Limits::default());
    assert_eq!(error.not_deterministic.as_deref(), Some("the clock differs"));
    assert_eq!(error.places.len(), 2);
    assert_eq!((error.places[1].file.as_str(), error.places[1].column), ("b", Some(5)));
}

#[test]
fn include_of_itself_ends_where_helms_does() {
    let error = fails(&[("a", "{{define `r`}}{{include `r` .}}{{end}}{{include `r` .}}")], Limits::default());
    assert!(error.message.ends_with(
        "error calling include: rendering template has a nested reference name: r: unable to execute template"
    ));
    assert_eq!(error.places.len(), 1002);
}

#[test]
fn template_of_itself_ends() {
    let error = fails(&[("a", "{{define `r`}}{{template `r` .}}{{end}}{{template `r` .}}")], Limits::default());
    assert_eq!(error.cause, "exceeded maximum template depth (20000)");
}

#[test]
fn tpl_of_itself_ends() {
    let text = "{{$t := `{{tpl .t .}}`}}{{tpl $t (dict `t` $t)}}";
    let limits = Limits { depth: 300, ..Limits::default() };
    assert_eq!(fails(&[("a", text)], limits).cause, "exceeded maximum template depth (300)");
}

#[test]
fn steps_are_bounded() {
    let limits = Limits { steps: 1000, ..Limits::default() };
    let error = fails(&[("a", "{{range 1000000000}}{{end}}")], limits);
    assert_eq!(error.cause, "more than 1000 steps");
}

#[test]
fn output_is_bounded() {
    let limits = Limits { output: 100, ..Limits::default() };
    assert_eq!(fails(&[("a", "{{range 100}}abc{{end}}")], limits).cause, "more than 100 bytes of output");
    assert_eq!(fails(&[("a", "{{printf `%200d` 1}}")], limits).cause, "more than 100 bytes of output");
    let doubled = "{{$x := `abc`}}{{range 100}}{{$x = join $x $x $x}}{{end}}";
    assert_eq!(fails(&[("a", doubled)], limits).cause, "error calling join: more than 100 bytes");
    let shared = "{{$x := list 1}}{{range 40}}{{$x = list $x $x}}{{end}}{{$x}}";
    assert_eq!(fails(&[("a", shared)], limits).cause, "more than 100 bytes of output");
}

#[test]
fn lists_are_bounded() {
    let limits = Limits { items: 2, ..Limits::default() };
    assert_eq!(fails(&[("a", "{{list 1 2 3}}")], limits).cause, "error calling list: more than 2 items");
}

#[test]
fn deep_values_are_dropped_and_not_printed() {
    let text = "{{$x := list 1}}{{range 300000}}{{$x = deeper $x}}{{end}}";
    assert_eq!(run(&[("a", text)], Limits::default()).unwrap(), "");
    let error = fails(&[("a", &format!("{text}{{{{$x}}}}"))], Limits::default());
    assert_eq!(error.cause, "a value that nests too deep, or holds itself, cannot be printed");
}

#[test]
fn deep_maps_are_dropped() {
    let text = "{{$d := dict `a` 1}}{{range 300000}}{{$x := set $d `a` (dict `a` $d.a)}}{{end}}";
    assert_eq!(run(&[("a", text)], Limits::default()).unwrap(), "");
    let text = "{{$d := dict `a` 1}}{{range 300000}}{{$x := set $d `a` (list $d.a)}}{{end}}";
    assert_eq!(run(&[("a", text)], Limits::default()).unwrap(), "");
}

#[test]
fn a_map_that_holds_itself_is_not_printed() {
    let error = fails(&[("a", "{{$d := dict `a` 1}}{{$x := set $d `self` $d}}{{$d}}")], Limits::default());
    assert_eq!(error.cause, "a value that nests too deep, or holds itself, cannot be printed");
}

#[test]
fn deep_templates_are_read_up_to_a_bound() {
    let nested = |depth: usize| format!("{}1{}", "{{if 1}}".repeat(depth), "{{end}}".repeat(depth));
    assert_eq!(run(&[("a", &nested(900))], Limits::default()).unwrap(), "1");
    assert_eq!(fails(&[("a", &nested(100_000))], Limits::default()).cause, "max expression depth exceeded");
    let nested = |depth: usize| format!("{{{{{}1{}}}}}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(run(&[("a", &nested(900))], Limits::default()).unwrap(), "1");
    assert_eq!(fails(&[("a", &nested(100_000))], Limits::default()).cause, "max expression depth exceeded");
}

#[test]
fn long_chains_of_else_if_are_read() {
    let chain: String = (0..300).map(|index| format!("{{{{else if eq 299 {index}}}}}{index}")).collect();
    assert_eq!(run(&[("a", &format!("{{{{if 0}}}}{chain}{{{{end}}}}"))], Limits::default()).unwrap(), "299");
}

#[test]
fn no_text_makes_it_panic() {
    let pieces = [
        "{{", "}}", "(", ")", "|", ".", "$x", ":=", "if", "range", "end", "\"", "`", "'", "- ", " -", "/*", "*/", "é",
        "0x", "%",
    ];
    let mut seed = 7u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text += pieces[(seed >> 33) as usize % pieces.len()];
            if seed & (1 << 32) != 0 {
                text.push(' ');
            }
        }
        let _ = render(&text);
    }
}

/// A thing with a field and methods.
#[derive(Debug)]
struct Thing;

impl Object for Thing {
    fn kind(&self) -> &'static str {
        "*thing.Thing"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Name" => Some("n".into()),
            "Gone" => Some(Value::Nil),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<&'static [Type]> {
        match name {
            "Has" => Some(&[Type::String]),
            "Self" | "Fail" => Some(&[]),
            _ => None,
        }
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        match (name, arguments) {
            ("Has", [Value::String(text)]) => Some(Ok((&**text == "a").into())),
            ("Self", []) => Some(Ok(Value::Object(Arc::new(Thing)))),
            ("Fail", []) => Some(Err("no".to_owned())),
            _ => None,
        }
    }

    fn display(&self) -> String {
        "a thing".to_owned()
    }

    fn as_map(&self) -> Option<Entries> {
        None
    }
}

fn on_thing(text: &str) -> String {
    let mut templates = Templates::new();
    templates.parse("t", text, &Helpers).unwrap();
    let data = Value::map([("thing", Value::Object(Arc::new(Thing)))]);
    Arc::new(templates).execute("t", &data, &Helpers, Limits::default()).unwrap_or_else(|error| error.message)
}

#[test]
fn objects_have_fields_and_methods() {
    assert_eq!(on_thing("{{.thing.Name}} {{.thing}} {{len .thing.Name}}"), "n a thing 1");
    assert_eq!(on_thing("{{.thing.Has `a`}} {{`b` | .thing.Has}} {{.thing.Self.Self.Name}}"), "true false n");
    assert_eq!(
        on_thing("{{if .thing.Has `a`}}1{{end}}{{printf `%s %d` .thing .thing}}"),
        "1a thing %!d(*thing.Thing=a thing)"
    );
}

#[test]
fn mistakes_with_objects_are_gos() {
    let at = |at: &str, cause: &str| format!("template: t:1:{at}: {cause}");
    assert_eq!(
        on_thing("{{.thing.None}}"),
        at("8", "executing \"t\" at <.thing.None>: can't evaluate field None in type interface {}")
    );
    assert_eq!(
        on_thing("{{.thing.Gone.Further}}"),
        at("8", "executing \"t\" at <.thing.Gone.Further>: nil pointer evaluating interface {}.Further")
    );
    assert_eq!(
        on_thing("{{.thing.Has}}"),
        at("8", "executing \"t\" at <.thing.Has>: wrong number of args for Has: want 1 got 0")
    );
    assert_eq!(on_thing("{{.thing.Fail}}"), at("8", "executing \"t\" at <.thing.Fail>: error calling Fail: no"));
    assert_eq!(
        on_thing("{{.thing.Name 1}}"),
        at("8", "executing \"t\" at <.thing.Name>: Name has arguments but cannot be invoked as function")
    );
}

#[test]
fn maps_are_shared_and_compared() {
    let (one, two) = (Map::default(), Map::default());
    assert_eq!(one, two);
    let same = one.clone();
    same.set("a", Value::Int(1));
    assert_eq!(one.get("a"), Some(Value::Int(1)));
    assert!(one.same(&same) && !one.same(&two) && one != two);
    let before = one.entries();
    assert_eq!(one.remove("a"), Some(Value::Int(1)));
    assert_eq!((before.len(), one.len(), one.is_empty(), one.contains("a")), (1, 0, true, false));
    assert_eq!(Map::from(BTreeMap::new()), one);
}

#[test]
fn kinds_and_types_are_gos() {
    let kinds = |value: Value| (value.kind(), value.type_name());
    assert_eq!(kinds(Value::Nil), ("invalid", "<nil>"));
    assert_eq!(kinds(Value::Float(1.0)), ("float64", "float64"));
    assert_eq!(kinds(Value::from(vec![])), ("slice", "[]interface {}"));
    assert_eq!(kinds(Value::Map(Map::default())), ("map", "map[string]interface {}"));
    assert_eq!(kinds(Value::Object(Arc::new(Thing))), ("ptr", "*thing.Thing"));
}
