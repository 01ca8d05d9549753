//! Values that no template of their chart reads. Helm takes them without a word: a misspelt key does nothing, and nobody is told.

use helm_render::reads::{Step, Unread, Why};

use super::plan::{Content, Planned};
use super::render::RenderedTree;
use super::repository::Repository;
use super::trace;
use crate::diagnostic::{Diagnostic, Origin};
use crate::values::path;
use crate::yaml::Node;

/// The values of an environment that nobody reads, each at the line of the overlay or of the template that sets it. Charts that are not
/// at hand or do not render are left out; who renders them says so.
pub fn dead_values(repository: &Repository, tree: &RenderedTree<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for planned in &tree.plan.applications {
        let Some(request) = tree.request(&planned.name) else { continue };
        let Ok(unread) = repository.unread(&request) else { continue };
        if unread.is_empty() {
            continue;
        }
        let Some(values) = trace::values(repository, &tree.plan, planned) else { continue };
        found.extend(unread.iter().filter_map(|unread| dead(repository, planned, &values, unread)));
    }
    found
}

fn dead(repository: &Repository, planned: &Planned<'_>, values: &Node, unread: &Unread) -> Option<Diagnostic> {
    let keys: Vec<String> = unread.path.0.iter().map(step).collect();
    let at = place(values, &keys);
    let is_of_overlay = at.is_some_and(|at| repository.sources().path(at.file).starts_with("environments/"));
    let Content::Chart { chart, version } = &planned.content else { return None };
    let name = path::join(&keys);
    let diagnostic = match &unread.why {
        // A template of ours may write for both: with the part and without it.
        Why::Off(_) if !is_of_overlay => return None,
        Why::Off(part) => {
            let message =
                format!("the value `{name}` is for `{part}`, which is off in the chart `{} {version}`", chart.name);
            Diagnostic::new("value-nobody-reads", message).help("switch it on, or take the value away")
        }
        Why::Unknown | Why::Elsewhere => {
            let message = format!("no template of the chart `{} {version}` reads the value `{name}`", chart.name);
            let diagnostic = Diagnostic::new("value-nobody-reads", message);
            match &unread.nearest {
                Some(nearest) => diagnostic.help(format!("did you mean `{nearest}`?")),
                None => diagnostic.help("take it away, or look in the chart's values.yaml where it is now"),
            }
        }
    };
    Some(diagnostic.at_maybe(at, ""))
}

fn step(step: &Step) -> String {
    match step {
        Step::Key(key) => key.to_string(),
        Step::Item(item) => item.to_string(),
    }
}

/// The line that sets a value; of a map the first line in it.
fn place(values: &Node, keys: &[String]) -> Option<Origin> {
    values.at(keys.iter().map(String::as_str))?.origin()
}
