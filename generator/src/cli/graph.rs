//! `kubezero graph`

use clap::{Args, ValueEnum};

use super::graph_drawing::{self, Edge, Graph, Kind, Node};
use super::output::{count, print};
use super::plan::detail;
use super::{Global, Outcome};
use crate::pipeline::plan::{Content, NAMESPACES};
use crate::pipeline::render::RenderedTree;
use crate::{Result, pipeline};

/// Draw an environment's Applications: who waits for whom, wave by wave
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// Environment
    #[arg(value_name = "ENV")]
    pub environment: String,
    /// How it is drawn
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_default_value = true)]
    pub format: Format,
}

/// Forms of the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    Text,
    /// For Markdown
    Mermaid,
    /// For Graphviz
    Dot,
    /// For a browser or a document
    Svg,
}

/// Width where there is no terminal to ask.
const PIPED: usize = 100;
/// Narrower than this, text would be broken at every word.
const NARROWEST: usize = 20;

/// Runs the command.
pub fn run(global: &Global, args: &GraphArgs) -> Result<Outcome> {
    let repository = global.load(std::slice::from_ref(&args.environment))?;
    let environments = pipeline::resolve(&repository)?;
    for tree in pipeline::render(&repository, &environments)? {
        let graph = graph(&tree);
        print(&match args.format {
            Format::Text => graph_drawing::text(&graph, columns()),
            Format::Mermaid => graph_drawing::mermaid(&graph),
            Format::Dot => graph_drawing::dot(&graph),
            Format::Svg => graph_drawing::svg(&graph),
        })?;
    }
    Ok(Outcome::Fine)
}

/// The Applications of an environment, that of the namespaces before all others.
fn graph(tree: &RenderedTree<'_>) -> Graph {
    let plan = &tree.plan;
    let mut graph = Graph { title: plan.environment.name.clone(), ..Graph::default() };
    let mut node_of = vec![0; plan.applications.len()];
    let namespaces = !plan.namespaces.is_empty();
    if namespaces {
        graph.nodes.push(Node {
            name: NAMESPACES.to_owned(),
            component: String::new(),
            wave: 1,
            kind: Kind::Namespaces,
            detail: count(plan.namespaces.len(), "namespace"),
        });
    }
    for index in plan.in_order() {
        let application = &plan.applications[index];
        node_of[index] = graph.nodes.len();
        // All others come later, so that for them it follows.
        if namespaces && application.wave == 2 {
            graph.edges.push(Edge { from: 0, to: graph.nodes.len(), soft: false, why: String::new() });
        }
        graph.nodes.push(Node {
            name: application.name.clone(),
            component: application.component.to_owned(),
            wave: application.wave,
            kind: match application.content {
                Content::Chart { .. } => Kind::Chart,
                Content::Manifests => Kind::Manifests,
            },
            detail: detail(plan, index),
        });
    }
    graph.edges.extend(plan.edges.iter().map(|edge| Edge {
        from: node_of[edge.before],
        to: node_of[edge.after],
        soft: edge.soft,
        why: edge.why.clone(),
    }));
    graph
}

/// How wide the terminal is, if there is one; `COLUMNS` decides over it.
#[expect(clippy::disallowed_methods, reason = "how wide a terminal is does not reach what is rendered")]
fn columns() -> usize {
    let wished = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    let terminal = || terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    // A terminal that does not know its width says zero.
    wished.filter(|&columns| columns > 0).or_else(|| terminal().filter(|&w| w > 0)).unwrap_or(PIPED).max(NARROWEST)
}
