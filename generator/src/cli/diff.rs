//! `kubezero diff`

pub mod fold;
pub mod html;
pub mod markdown;
pub mod proof;
pub mod rows;
pub mod sarif;
pub mod text;
pub mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::output::{complain, count, print, print_json};
use super::{Global, Outcome, cache, pager, table};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::git::{Commit, Git};
use crate::pipeline::charts::Charts;
use crate::pipeline::environment::Environment;
use crate::pipeline::render::RenderedTree;
use crate::pipeline::repository::{COMPONENTS, ENVIRONMENTS, Repository, Wanted};
use crate::pipeline::source::{Folder, Kind, Source};
use crate::review::gate::Acceptance;
use crate::review::model::Review;
use crate::review::{Committed, Named, View, review};
use crate::{Error, Failure, Result, VERSION, pipeline};

/// Say what a change does to what runs, object by object, and which input line made it so
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Environments; all where none is named
    #[arg(value_name = "ENV")]
    pub environments: Vec<String>,
    /// The revision before [default: where the head left the default branch]
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
    /// The revision after [default: the work tree]
    #[arg(long, value_name = "REV")]
    pub head: Option<String>,
    /// How it is shown
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: Format,
    /// Write to a file; further pages go to FILE-2, FILE-3 before the extension
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Exit with 1 where something changes
    #[arg(long)]
    pub exit_code: bool,
    /// Exit with 1 where an environment asks for a yes that no commit trailer says, and name the trailers
    #[arg(long)]
    pub gate: bool,
    /// Exit with 1 where this file, written earlier, is not the review of these two revisions
    #[arg(long, value_name = "FILE")]
    pub verify: Option<PathBuf>,
    /// Most characters of a Markdown page
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1_500..))]
    pub limit: u32,
    /// Most Markdown pages
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub pages: u16,
}

/// Columns of a text that goes to a file.
const FILE_WIDTH: usize = 100;

/// How a review is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    Text,
    /// For a comment on a pull request
    Markdown,
    /// One page that needs nothing else
    Html,
    /// Shape `review` of docs/json.md
    Json,
    /// SARIF 2.1.0 on the input lines, for a forge
    Sarif,
}

/// Runs the command.
pub fn run(global: &Global, args: &DiffArgs) -> Result<Outcome> {
    let review = compute(global, args)?;
    if let Some(file) = &args.verify {
        return verify(&review, args, file, global.quiet);
    }
    show(&review, global, args)?;
    let open: Vec<&str> = review
        .demands
        .iter()
        .filter(|demand| !demand.accepted)
        .filter_map(|demand| demand.trailer.as_deref())
        .collect();
    if args.gate && !open.is_empty() {
        complain(&format!(
            "{} not accepted; to say yes, put into the message of a commit of this change:\n  {}\n",
            count(open.len(), "demand"),
            open.join("\n  ")
        ));
        return Ok(Outcome::Differs);
    }
    Ok(if args.exit_code && review.has_changes() { Outcome::Differs } else { Outcome::Fine })
}

/// One side's inputs, which its trees borrow from.
struct Loaded {
    repository: Repository,
    environments: Vec<Environment>,
}

impl Loaded {
    /// Reads a side; nothing where it has no environment at all.
    fn of(source: &dyn Source, wanted: &[String], charts: &Arc<Charts>) -> Result<Option<Loaded>> {
        let there: Vec<String> = source
            .list(ENVIRONMENTS)?
            .into_iter()
            .filter(|found| found.kind == Kind::Folder && found.name() != "layers" && !found.name().starts_with('.'))
            .map(|found| found.name().to_owned())
            .collect();
        let chosen: Vec<String> =
            there.iter().filter(|name| wanted.is_empty() || wanted.contains(name)).cloned().collect();
        if chosen.is_empty() || source.list(COMPONENTS)?.is_empty() {
            return Ok(None);
        }
        let wanted = if wanted.is_empty() { Wanted::All } else { Wanted::Only(chosen) };
        let repository = Repository::load(source, &wanted)?.with_charts(charts.clone());
        let environments = pipeline::resolve(&repository)?;
        Ok(Some(Loaded { repository, environments }))
    }

    fn render(&self) -> Result<Vec<RenderedTree<'_>>> {
        pipeline::render(&self.repository, &self.environments)
    }
}

/// Renders both sides and compares them.
pub fn compute(global: &Global, args: &DiffArgs) -> Result<Review> {
    let git = Git::open(&global.directory)?;
    let head_commit = match &args.head {
        Some(revision) => Some(git.resolve(revision)?),
        None if git.is_bare() => Some(git.resolve("HEAD")?),
        None => None,
    };
    let tip = head_commit.map_or_else(|| git.resolve("HEAD"), Ok)?;
    let (base_commit, base_name) = match &args.base {
        Some(revision) => (git.resolve(revision)?, revision.clone()),
        None => (git.merge_base(tip)?, git.default_branch()?.0),
    };
    let base_source = git.inputs(base_commit)?;
    let head_source: Box<dyn Source> = match head_commit {
        Some(commit) => Box::new(git.inputs(commit)?),
        None => Box::new(Folder::new(&global.directory)),
    };
    // Both sides share what a chart comes to.
    let charts = cache::charts();
    let (base, head) = rayon::join(
        || Loaded::of(&base_source, &args.environments, &charts),
        || Loaded::of(head_source.as_ref(), &args.environments, &charts),
    );
    // Mistakes of the head are what its author can mend: they come first.
    let head = head?;
    let base = base.map_err(|error| of_base(error, &base_name))?;
    if head.is_none() && base.is_none() {
        return Err(nothing_there(&args.environments));
    }
    let (base_trees, head_trees) = rayon::join(
        || base.as_ref().map_or_else(|| Ok(Vec::new()), Loaded::render),
        || head.as_ref().map_or_else(|| Ok(Vec::new()), Loaded::render),
    );
    let head_trees = head_trees?;
    let base_trees = base_trees.map_err(|error| of_base(error, &base_name))?;
    let committed = committed(&git, base_commit)?;
    let acceptances = git
        .trailers(base_commit, tip)?
        .into_iter()
        .map(|trailer| Acceptance { token: trailer.key, value: trailer.value.trim().to_owned() })
        .collect::<Vec<_>>();
    let names = (
        Named { name: base_name, commit: Some(base_commit.to_string()), generator: committed.generator.clone() },
        Named {
            name: args.head.clone().unwrap_or_else(|| "the work tree".to_owned()),
            commit: head_commit.map(|commit| commit.to_string()),
            generator: Some(VERSION.to_owned()),
        },
    );
    let base = base.as_ref().map(|loaded| View { repository: &loaded.repository, trees: &base_trees, alone: false });
    let head = head.as_ref().map(|loaded| View { repository: &loaded.repository, trees: &head_trees, alone: false });
    let written_by_another = committed.generator.as_deref().is_some_and(|version| version != VERSION);
    let review = review(base, head, names, Some(&committed).filter(|_| written_by_another), &acceptances);
    Ok(review)
}

/// What is committed under `argocd/` of a commit; files are read only where another version of the generator wrote them.
fn committed(git: &Git, commit: Commit) -> Result<Committed> {
    let generators = git.generators(commit)?;
    let generator = generators.values().find(|version| *version != VERSION).or(generators.values().next()).cloned();
    let mut committed = Committed { generator, ..Committed::default() };
    let tree = git.tree(commit)?;
    for (environment, _) in generators.iter().filter(|(_, version)| *version != VERSION) {
        let folder = format!("argocd/{environment}");
        let index = tree.find(&format!("{folder}/index.yaml"))?.unwrap_or_default();
        let components = components_of(&String::from_utf8_lossy(&index));
        let mut files = BTreeMap::new();
        for found in tree.walk(&folder)?.into_iter().filter(|found| found.kind == Kind::File) {
            let path = found.path.strip_prefix(&folder).unwrap_or(&found.path).trim_start_matches('/').to_owned();
            // A file that `index.yaml` does not list is a person's.
            if let Some(component) = components.get(&path) {
                files.insert(path, (tree.read(&found.path)?, component.clone()));
            }
        }
        committed.environments.insert(environment.clone(), files);
    }
    Ok(committed)
}

/// The component of every file that an `index.yaml` lists.
fn components_of(index: &str) -> BTreeMap<String, String> {
    let Ok(index) = crate::yaml::parse(crate::diagnostic::FileId(u32::MAX), index) else { return BTreeMap::new() };
    let files = index.get("files").and_then(|files| files.as_map().cloned()).unwrap_or_default();
    files
        .iter()
        .map(|(path, entry)| {
            let component = entry.node.get("component").and_then(|node| node.as_str()).unwrap_or_default();
            (path.as_ref().to_owned(), component.to_owned())
        })
        .collect()
}

fn show(review: &Review, global: &Global, args: &DiffArgs) -> Result<()> {
    let pages = match args.format {
        Format::Text => vec![text::text(review, if args.output.is_some() { FILE_WIDTH } else { table::width() })],
        Format::Markdown => pages(review, args),
        Format::Html => vec![html::page(review)],
        Format::Json => return json(review, args),
        Format::Sarif => vec![pretty(&sarif::document(review))?],
    };
    let Some(file) = &args.output else {
        return match args.format {
            Format::Text => pager::page(&pages.concat(), &global.directory),
            _ => pages.iter().try_for_each(|page| print(page)),
        };
    };
    for (number, page) in pages.iter().enumerate() {
        // Escapes for colour are for terminals.
        let page = anstream::adapter::strip_str(page).to_string();
        write(&numbered(file, number + 1), &page)?;
    }
    if !global.quiet {
        complain(&format!("{}\n", words::headline(review)));
    }
    Ok(())
}

fn pages(review: &Review, args: &DiffArgs) -> Vec<String> {
    markdown::pages(review, args.limit as usize, args.pages.into())
}

fn json(review: &Review, args: &DiffArgs) -> Result<()> {
    let document = document(review);
    match &args.output {
        Some(file) => write(file, &pretty(&document)?),
        None => print_json(&document),
    }
}

/// Shape `review` of docs/json.md.
fn document(review: &Review) -> serde_json::Value {
    let mut document = serde_json::json!({"kind": "review", "version": 1});
    if let (Some(document), Ok(serde_json::Value::Object(review))) =
        (document.as_object_mut(), serde_json::to_value(review))
    {
        document.extend(review);
    }
    document
}

fn pretty(document: &serde_json::Value) -> Result<String> {
    let text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::new("write", "the review", std::io::Error::other(error)))?;
    Ok(text + "\n")
}

#[expect(clippy::disallowed_methods, reason = "the file that the user named")]
fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(|error| Failure::new("write", file, error).into())
}

/// `review.md`, `review-2.md`, `review-3.md`.
fn numbered(file: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return file.to_owned();
    }
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = match file.extension() {
        Some(extension) => format!("{stem}-{number}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    file.with_file_name(name)
}

#[expect(clippy::disallowed_methods, reason = "the file that the user named")]
fn verify(review: &Review, args: &DiffArgs, file: &Path, quiet: bool) -> Result<Outcome> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::new("read", file, error))?;
    let shown = file.display();
    let text = anstream::adapter::strip_str(&text).to_string();
    let wrong = match text.trim_start() {
        start if start.starts_with('{') => {
            let now = if start.contains("\"runs\"") { sarif::document(review) } else { document(review) };
            proof::wrong_document(start, &now)
        }
        // A comment on a pull request may be edited by many.
        start if start.starts_with("<!-- kubezero-review") => proof::wrong(&text, review, || pages(review, args)),
        start if start.starts_with("<!") => proof::wrong(&text, review, || [html::page(review)]),
        // Whoever wrote it had a terminal of any width.
        _ => proof::wrong(&text, review, || {
            let widths = [table::width(), FILE_WIDTH].into_iter().chain(20..=160);
            widths.map(|width| anstream::adapter::strip_str(&text::text(review, width)).to_string())
        }),
    };
    match wrong {
        None => {
            if !quiet {
                print(&format!("{shown} is the review of these revisions, and complete\n"))?;
            }
            Ok(Outcome::Fine)
        }
        Some(why) => {
            complain(&format!("{shown} is not the review of these revisions: {why}\n"));
            Ok(Outcome::Differs)
        }
    }
}

fn of_base(error: Error, name: &str) -> Error {
    match error {
        Error::Mistakes(mut mistakes) => {
            let mut found = Diagnostics::new();
            for diagnostic in mistakes.diagnostics {
                found.push(diagnostic.help(format!(
                    "this is in the base `{name}`, which has to render to be compared with; `--base REV` names another"
                )));
            }
            mistakes.diagnostics = found;
            Error::Mistakes(mistakes)
        }
        other => other,
    }
}

fn nothing_there(wanted: &[String]) -> Error {
    let message = match wanted {
        [] => "neither side has an environment".to_owned(),
        names => format!(
            "neither side has {}",
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
        ),
    };
    crate::git::mistake(Diagnostic::new("unknown-environment", message).help("`kubezero environments` lists them"))
}
