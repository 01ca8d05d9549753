//! What Go's own package gives for the same templates, values and functions, case by case.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Exec, FunctionError, Functions, Limits, Signature, TemplateError, Templates, Type};
use crate::value::{Entries, Map, Object, Value};

mod errors;
mod language;
mod own;
mod printing;

/// Functions of every shape, for the tests.
struct Helpers;

impl Functions for Helpers {
    fn signature(&self, name: &str) -> Option<Signature> {
        use Type::{Any, Bool, Float, Int, List, Map, String, Strings};
        Some(match name {
            "add" => Signature::variadic(&[], Int),
            "boolean" => Signature::of(&[Bool]),
            "count" | "deeper" => Signature::of(&[Any]),
            "dict" | "list" => Signature::variadic(&[], Any),
            "die" | "moment" | "nothing" => Signature::of(&[]),
            "echo" => Signature::of(&[Any]),
            "floats" => Signature::of(&[Float]),
            "include" => Signature::of(&[String, Any]),
            "join" => Signature::variadic(&[String], String),
            "lists" => Signature::of(&[List]),
            "maps" => Signature::of(&[Map]),
            "oneArg" => Signature::of(&[String]),
            "set" => Signature::of(&[Map, String, Any]),
            "strings" => Signature::of(&[Strings]),
            "tpl" => Signature::of(&[String, Any]),
            "trunc" => Signature::of(&[Int, String]),
            "twoArgs" => Signature::of(&[String, String]),
            _ => return None,
        })
    }

    fn call(&self, name: &str, arguments: Vec<Value>, exec: &mut Exec<'_>) -> Result<Value, FunctionError> {
        let text = |index: usize| match arguments.get(index) {
            Some(Value::String(text)) => text.to_string(),
            _ => String::new(),
        };
        let any = |index: usize| arguments.get(index).cloned().unwrap_or_default();
        Ok(match name {
            "add" => Value::Int(arguments.iter().map(|value| if let Value::Int(int) = value { *int } else { 0 }).sum()),
            "boolean" | "floats" | "echo" | "lists" | "maps" | "strings" => any(0),
            "count" => Value::from(format!("{}", arguments.len())),
            "deeper" => Value::from(vec![any(0)]),
            "die" => return Err("die!".into()),
            "nothing" => Value::Nil,
            "moment" => return Err(FunctionError::NotDeterministic("the clock differs".to_owned())),
            "dict" => Value::map(arguments.chunks(2).map(|pair| {
                let Value::String(key) = &pair[0] else { panic!("a key is a string") };
                (Arc::clone(key), pair[1].clone())
            })),
            "list" => Value::from(arguments),
            "include" => Value::from(exec.include(&text(0), &any(1))?),
            "tpl" => Value::from(exec.tpl(&text(0), &any(1))?),
            "join" => Value::from((1..arguments.len()).map(text).collect::<Vec<_>>().join(&text(0))),
            "oneArg" => Value::from(format!("oneArg={}", text(0))),
            "twoArgs" => Value::from(format!("twoArgs={}{}", text(0), text(1))),
            "trunc" => {
                let Value::Int(length) = any(0) else { panic!("the engine checks types") };
                Value::from(text(1).chars().take(usize::try_from(length).unwrap()).collect::<String>())
            }
            "set" => {
                if let Value::Map(map) = any(0) {
                    map.set(text(1), any(2));
                }
                any(0)
            }
            _ => panic!("no such function"),
        })
    }
}

/// What the cases work on.
fn data() -> Value {
    let ints = |ints: &[i64]| Value::from(ints.iter().map(|&int| Value::Int(int)).collect::<Vec<_>>());
    let named = |name: &str| Value::map([("name", name)]);
    Value::map([
        ("big", Value::Float(1e6)),
        ("deep", Value::map([("a", Value::map([("b", Value::map([("c", "v")]))]))])),
        ("e", Value::Map(Map::default())),
        ("empty", Value::from("")),
        ("f", Value::Bool(false)),
        ("floats", Value::from(vec![1.0.into(), 2.5.into(), 1e7.into()])),
        ("i", Value::Int(17)),
        ("list", ints(&[3, 4, 5])),
        ("map", Value::map([("one", 1), ("two", 2), ("three", 3)])),
        ("maps", Value::from(vec![named("x"), named("y")])),
        (
            "mixed",
            Value::from(vec![
                1.into(),
                "two".into(),
                Value::Nil,
                true.into(),
                2.5.into(),
                ints(&[1]),
                Value::map([("k", "v"), ("n", "w")]),
            ]),
        ),
        ("n", Value::Float(3.0)),
        ("names", Value::from(vec!["a".into(), "b".into()])),
        ("nil", Value::Nil),
        ("none", Value::from(vec![])),
        ("s", Value::from("xyz")),
        ("t", Value::Bool(true)),
        ("zero", Value::Int(0)),
    ])
}

fn run(files: &[(&str, &str)], limits: Limits) -> Result<String, Box<TemplateError>> {
    let mut templates = Templates::new();
    for (name, text) in files {
        templates.parse(name, text, &Helpers)?;
    }
    Arc::new(templates).execute(files[0].0, &data(), &Helpers, limits)
}

fn render(text: &str) -> Result<String, String> {
    run(&[("t", text)], Limits::default()).map_err(|error| error.message)
}

/// One test for each case: a template, and what it gives, or the mistake.
macro_rules! cases {
    ($($name:ident: $template:expr => $expected:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let given = super::render($template).unwrap_or_else(|mistake| mistake);
                assert_eq!(given, $expected);
            }
        )*

        /// All of them, for whoever compares with the original.
        pub(super) const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $template, $expected)),*];
    };
}
pub(crate) use cases;

/// Writes all cases as Go, so that they can be run against the original.
#[test]
#[ignore = "for people: writes the cases as Go to what HELM_CASES names"]
#[expect(clippy::disallowed_methods, reason = "it is asked to write a file")]
fn cases_as_go() {
    let mut go = "package main\n\nvar cases = [][3]string{\n".to_owned();
    for (name, template, expected) in [language::ALL, printing::ALL, errors::ALL].concat() {
        let [template, expected] = [template, expected].map(super::quote);
        go += &format!("\t{{\"{name}\", {template}, {expected}}},\n");
    }
    std::fs::write(std::env::var("HELM_CASES").unwrap(), go + "}\n").unwrap();
}
