//! `kubezero compare`

use clap::Args;
use serde_json::json;

use super::output::{count, print, print_json};
use super::plan::TextOrJson;
use super::{Global, Outcome};
use crate::diagnostic::Diagnostic;
use crate::review::View;
use crate::review::compare::{Difference, Sort, compare};
use crate::review::model::Line;
use crate::{Result, pipeline};

/// A value longer than this is cut.
const LONGEST: usize = 100;

/// Two environments side by side, their names and addresses apart: what promotion would change, what drifted, what differs on purpose
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The environment that is promoted from, such as staging
    #[arg(value_name = "ENV")]
    pub first: String,
    /// The environment that is promoted to, such as production
    #[arg(value_name = "ENV")]
    pub second: String,
    /// How it is shown
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: TextOrJson,
}

/// Runs the command.
pub fn run(global: &Global, args: &CompareArgs) -> Result<Outcome> {
    let names = [&args.first, &args.second];
    if names[0] == names[1] {
        return Err(crate::git::mistake(
            Diagnostic::new("same-environment", format!("`{}` is the same environment twice", args.first))
                .help("name two: `kubezero compare STAGING PRODUCTION`"),
        ));
    }
    let repository = global.load(&[args.first.clone(), args.second.clone()])?;
    let environments = pipeline::resolve(&repository)?;
    let trees = pipeline::render(&repository, &environments)?;
    let of = |name: &str| {
        let at = trees.iter().position(|tree| tree.plan.environment.name == name).unwrap_or_default();
        View { repository: &repository, trees: &trees[at..=at], alone: true }
    };
    let differences = compare(of(names[0]), of(names[1]));
    match args.format {
        TextOrJson::Text => print(&text(args, &differences))?,
        TextOrJson::Json => print_json(&json!({
            "kind": "comparison",
            "version": 1,
            "first": args.first,
            "second": args.second,
            "differences": differences,
        }))?,
    }
    Ok(Outcome::Fine)
}

fn text(args: &CompareArgs, differences: &[Difference]) -> String {
    let (first, second) = (&args.first, &args.second);
    if differences.is_empty() {
        return format!("{first} and {second} are the same, their own facts apart\n");
    }
    let mut text = String::new();
    let headings = [
        (Sort::Promotion, format!("what promotion from {first} to {second} would carry over")),
        (Sort::Drift, format!("what only {second} says for itself")),
        (Sort::Purpose, "what differs by the facts of the clusters and by their layers".to_owned()),
    ];
    for (sort, heading) in headings {
        let part: Vec<&Difference> = differences.iter().filter(|difference| difference.sort == sort).collect();
        if part.is_empty() {
            continue;
        }
        text += &format!("{heading}: {}\n", count(part.len(), "difference"));
        let mut last = None;
        for difference in part {
            let object = (&difference.component, &difference.object);
            if last != Some(object) {
                text += &format!("\n  {}  {}\n", difference.component, title(difference));
                last = Some(object);
            }
            let indent = if difference.path.is_empty() { "    " } else { "      " };
            if !difference.path.is_empty() {
                text += &format!("    {}\n", difference.path);
            }
            for (name, value, at) in [
                (first, &difference.first, &difference.first_at),
                (second, &difference.second, &difference.second_at),
            ] {
                let value = value.as_ref().map_or_else(|| "is not there".to_owned(), |value| short(value));
                text += &format!("{indent}{name}: {value}{}\n", place(at.as_ref()));
            }
        }
        text.push('\n');
    }
    text += &format!("names in braces stand for what each environment has of its own; {} in all\n", count(differences.len(), "difference"));
    text
}

fn title(difference: &Difference) -> String {
    let object = &difference.object;
    match (object.kind.as_str(), object.namespace.as_str()) {
        ("File", _) => object.name.clone(),
        (kind, "") => format!("{kind} {}", object.name),
        (kind, namespace) => format!("{kind} {namespace}/{}", object.name),
    }
}

fn place(at: Option<&Line>) -> String {
    at.map_or_else(String::new, |line| format!("  ({}:{})", line.file, line.line))
}

fn short(value: &str) -> String {
    match value.chars().count() {
        length if length > LONGEST => value.chars().take(LONGEST).collect::<String>() + "…",
        _ => value.to_owned(),
    }
}
