//! `kubezero compare`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde_json::json;

use super::diff::words::clip;
use super::output::{count, print_json};
use super::plan::TextOrJson;
use super::table::{folded, width};
use super::{Global, Outcome, pager};
use crate::diagnostic::Diagnostic;
use crate::review::View;
use crate::review::compare::{Difference, Sort, compare};
use crate::review::model::{Line, Object};
use crate::{Result, pipeline};

/// A value longer than this is cut.
const LONGEST: usize = 60;

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
        TextOrJson::Text => pager::page(&text(args, &differences, width()), &global.directory)?,
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

/// For people: the lines that make a difference, and under them what differs by them.
fn text(args: &CompareArgs, differences: &[Difference], width: usize) -> String {
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
        let objects: BTreeSet<(&str, &Object)> = part.iter().map(|d| (d.component.as_str(), &d.object)).collect();
        text += &format!("{heading}: {} in {}\n", count(part.len(), "difference"), count(objects.len(), "object"));
        for (reason, part) in by_reason(&part) {
            text.push('\n');
            match reason.as_slice() {
                [] => text += &format!("  the template of {}\n", part[0].component),
                lines => lines.iter().for_each(|line| {
                    text += &folded(&format!("  {}:{}  {}\n", line.file, line.line, short(&line.text)), width);
                }),
            }
            text += &whole(&part, args, width);
            text += &fields(&part, width);
        }
        text.push('\n');
    }
    text + &folded(
        &format!(
            "Values stand as `{first} → {second}`, names in braces for what each has of its own; {} in all.\n",
            count(differences.len(), "difference")
        ),
        width,
    )
}

/// Differences by the overlay lines that make them; by component where there are none.
fn by_reason<'d>(part: &[&'d Difference]) -> Vec<(Vec<&'d Line>, Vec<&'d Difference>)> {
    let mut groups: Vec<(Vec<&Line>, Vec<&Difference>)> = Vec::new();
    let mut known: BTreeMap<(Vec<&Line>, &str), usize> = BTreeMap::new();
    for difference in part {
        let lines = [&difference.first_at, &difference.second_at].into_iter().flatten();
        let mut lines: Vec<&Line> = lines.filter(|line| line.file.starts_with("environments/")).collect();
        lines.dedup();
        let component = if lines.is_empty() { difference.component.as_str() } else { "" };
        let index = *known.entry((lines.clone(), component)).or_insert(groups.len());
        match groups.get_mut(index) {
            Some((_, list)) => list.push(difference),
            None => groups.push((lines, vec![difference])),
        }
    }
    groups
}

/// The objects that only one of the two has, by component.
fn whole(part: &[&Difference], args: &CompareArgs, width: usize) -> String {
    let mut only: BTreeMap<(&str, bool), Vec<String>> = BTreeMap::new();
    for difference in part.iter().filter(|difference| difference.path.is_empty()) {
        only.entry((&difference.component, difference.first.is_some())).or_default().push(title(difference));
    }
    let lines = only.into_iter().map(|((component, is_first), titles)| {
        let name = if is_first { &args.first } else { &args.second };
        folded(&format!("    {component}, only in {name}: {}\n", titles.join(", ")), width)
    });
    lines.collect()
}

/// Fields that differ; those that do so in the same way in several objects once.
fn fields(part: &[&Difference], width: usize) -> String {
    type Field<'d> = (&'d str, &'d Option<String>, &'d Option<String>);
    let mut fields: Vec<(Field<'_>, Vec<String>)> = Vec::new();
    let mut known: BTreeMap<Field<'_>, usize> = BTreeMap::new();
    for difference in part.iter().filter(|difference| !difference.path.is_empty()) {
        let field = (difference.path.as_str(), &difference.first, &difference.second);
        let index = *known.entry(field).or_insert(fields.len());
        match fields.get_mut(index) {
            Some((_, titles)) => titles.push(title(difference)),
            None => fields.push((field, vec![title(difference)])),
        }
    }
    let mut text = String::new();
    let mut last: &[String] = &[];
    for ((path, first, second), titles) in &fields {
        if last != titles.as_slice() {
            text += &folded(&format!("    {}\n", titles.join(", ")), width);
            last = titles;
        }
        let path = path.strip_prefix("spec.source.helm.valuesObject.").unwrap_or(path);
        let change = match (first, second) {
            (Some(first), Some(second)) => format!("{} → {}", short(first), short(second)),
            (Some(first), None) => format!("{} → nothing", short(first)),
            (None, Some(second)) => format!("nothing → {}", short(second)),
            (None, None) => String::new(),
        };
        text += &folded(&format!("      {path}: {change}\n"), width);
    }
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

fn short(value: &str) -> String {
    clip(value, LONGEST)
}
