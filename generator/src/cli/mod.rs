//! Arguments in, text out. The only place that prints. One file per command.

pub mod cache;
pub mod charts;
pub mod commit;
pub mod compare;
pub mod completions;
pub mod components;
pub mod diff;
pub mod environments;
pub mod explain;
pub mod files;
pub mod graph;
pub mod graph_drawing;
pub mod images;
pub mod init;
pub mod man;
pub mod new;
pub mod output;
pub mod pager;
pub mod plan;
pub mod render;
pub mod report;
pub mod resources;
pub mod schema;
pub mod table;
pub mod template;
pub mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::pipeline::repository::{Repository, Wanted};
use crate::pipeline::source::Folder;
use crate::{Error, Result};

/// Turns environment overlays and component modules into Argo CD Applications.
#[derive(Debug, Parser)]
#[command(name = "kubezero", version, max_term_width = 100, propagate_version = false)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The repository: the folder that holds `components` and `environments`
    #[arg(short = 'C', value_name = "DIR", global = true, default_value = ".", hide_default_value = true)]
    pub directory: PathBuf,
    /// Print nothing but mistakes
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more; twice: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", hide_default_value = true)]
    pub color: Color,
    /// How many threads; the output never depends on it [default: one per core]
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Render(render::RenderArgs),
    Commit(commit::CommitArgs),
    Validate(validate::ValidateArgs),
    Diff(diff::DiffArgs),
    Compare(compare::CompareArgs),
    Explain(explain::ExplainArgs),
    Plan(plan::PlanArgs),
    Graph(graph::GraphArgs),
    Template(template::TemplateArgs),
    Charts(charts::ChartsArgs),
    Images(images::ImagesArgs),
    Resources(resources::ResourcesArgs),
    Components(components::ComponentsArgs),
    Environments(environments::EnvironmentsArgs),
    Init(init::InitArgs),
    New(new::NewArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// What a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Fine,
    /// Exit code 1: mistakes, or differences where they were asked for.
    Differs,
}

impl Global {
    /// Reads the repository.
    pub fn load(&self, environments: &[String]) -> Result<Repository> {
        let repository = Repository::load(&Folder::new(&self.directory), &self.wanted(environments))?;
        Ok(repository.with_charts(cache::charts()))
    }

    /// The environments named, or all.
    pub fn wanted(&self, environments: &[String]) -> Wanted {
        match environments {
            [] => Wanted::All,
            names => Wanted::Only(names.to_vec()),
        }
    }
}

/// Parses, runs, reports, exits.
pub fn main() -> ExitCode {
    // Answers a shell that completes, and does not come back then.
    clap_complete::CompleteEnv::with_factory(completions::command).var(completions::VARIABLE).complete();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // A closed pipe while printing help is no error.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    if let Some(jobs) = cli.global.jobs {
        // Fails only where a pool exists already, and none does.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.into()).build_global();
    }
    let global = &cli.global;
    let would_have = match &cli.command {
        Command::Render(args) if !args.check => Some("written"),
        Command::Commit(_) => Some("committed"),
        _ => None,
    };
    let result = match cli.command {
        Command::Render(args) => render::run(global, &args),
        Command::Commit(args) => commit::run(global, &args),
        Command::Validate(args) => validate::run(global, &args),
        Command::Diff(args) => diff::run(global, &args),
        Command::Compare(args) => compare::run(global, &args),
        Command::Explain(args) => explain::run(global, &args),
        Command::Plan(args) => plan::run(global, &args),
        Command::Graph(args) => graph::run(global, &args),
        Command::Template(args) => template::run(global, &args),
        Command::Charts(args) => charts::run(global, &args),
        Command::Images(args) => images::run(global, &args),
        Command::Resources(args) => resources::run(global, &args),
        Command::Components(args) => components::run(global, &args),
        Command::Environments(args) => environments::run(global, &args),
        Command::Init(args) => init::run(global, &args),
        Command::New(args) => new::run(global, &args),
        Command::Schema(args) => schema::run(global, &args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    };
    match result {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Differs) => ExitCode::from(1),
        Err(error) => {
            let code = report::error(&error);
            if let (Some(what), Error::Mistakes(_)) = (would_have, &error) {
                output::complain(&format!("nothing was {what}\n"));
            }
            ExitCode::from(code)
        }
    }
}

/// Exit code of an error: 1 for the user's mistakes, 2 for the machine's failures.
pub fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Mistakes(_) => 1,
        Error::Failure(_) | Error::Busy(_) => 2,
    }
}
