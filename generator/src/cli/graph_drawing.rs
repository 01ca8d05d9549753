//! Pictures of an environment's Applications: who waits for whom, wave by wave.
//!
//! One [`Graph`], four forms: [`text`] for a terminal, [`mermaid`] for a page of Markdown, [`dot`]
//! for Graphviz, [`svg`] for a browser or a document. All are pure functions of the graph and
//! return text; nothing here prints, and nothing knows the plan that the graph was made from.
//!
//! All four leave out what follows from the rest: where C waits for B and B waits for A, the line
//! from A to C says nothing, and in a real environment such lines are most of them. Names and
//! details may hold anything at all; each form escapes for itself.

mod layout;
pub(super) mod svg;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use svg::svg;

/// What is drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// What the picture shows: the environment's name.
    pub title: String,
    /// The Applications, in the order in which they are to appear within a wave.
    pub nodes: Vec<Node>,
    /// Who waits for whom. An edge whose end is not in `nodes` is ignored.
    pub edges: Vec<Edge>,
}

/// One Application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The Application's name.
    pub name: String,
    /// The component that yields it.
    pub component: String,
    /// Its sync wave.
    pub wave: u32,
    /// What it consists of.
    pub kind: Kind,
    /// A few words more, such as chart and version. May be empty.
    pub detail: String,
}

/// What an Application consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Helm chart, rendered by Argo CD.
    Chart,
    /// Kubernetes objects from this repository.
    Manifests,
    /// The Application that makes every namespace.
    Namespaces,
}

/// One Application waits for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The one that comes first: an index into [`Graph::nodes`].
    pub from: usize,
    /// The one that waits: an index into [`Graph::nodes`].
    pub to: usize,
    /// Whether the wait is only because the other happens to be enabled (`uses`).
    pub soft: bool,
    /// Why, in a few words, such as `requires network`. May be empty.
    pub why: String,
}

impl Graph {
    /// The edges that do not follow from others, at most one from a node to another (a hard one
    /// rather than a soft one), ordered by their ends.
    ///
    /// Only edges that lead to a higher wave can imply another; the rest, which a correct plan
    /// does not have, are kept as they are.
    fn essential_edges(&self) -> Vec<&Edge> {
        let n = self.nodes.len();
        let mut edges: Vec<&Edge> = self.edges.iter().filter(|edge| edge.from < n && edge.to < n).collect();
        edges.sort_by(|a, b| (a.from, a.to, a.soft, &a.why).cmp(&(b.from, b.to, b.soft, &b.why)));
        edges.dedup_by_key(|edge| (edge.from, edge.to));

        let rises = |edge: &Edge| self.nodes[edge.from].wave < self.nodes[edge.to].wave;
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); n];
        for edge in edges.iter().filter(|edge| rises(edge)) {
            after[edge.from].push(edge.to);
        }
        // Highest wave first, so that what lies beyond a node is known before it is asked for.
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&node| std::cmp::Reverse(self.nodes[node].wave));
        let mut beyond: Vec<Vec<bool>> = vec![Vec::new(); n];
        for node in order {
            let mut reached = vec![false; n];
            for &next in &after[node] {
                reached[next] = true;
                for (mark, &further) in reached.iter_mut().zip(&beyond[next]) {
                    *mark |= further;
                }
            }
            beyond[node] = reached;
        }
        let implied =
            |edge: &Edge| rises(edge) && after[edge.from].iter().any(|&next| next != edge.to && beyond[next][edge.to]);
        edges.retain(|edge| !implied(edge));
        edges
    }

    /// The waves in use, ascending, each with its nodes in the order of the graph.
    fn waves(&self) -> Vec<(u32, Vec<usize>)> {
        let mut waves: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            waves.entry(node.wave).or_default().push(index);
        }
        waves.into_iter().collect()
    }

    /// `13 Applications in 5 waves`.
    fn summary(&self) -> String {
        let count = |n: usize, one: &str| match n {
            1 => format!("1 {one}"),
            n => format!("{n} {one}s"),
        };
        match self.nodes.len() {
            0 => "no Applications".to_owned(),
            n => format!("{} in {}", count(n, "Application"), count(self.waves().len(), "wave")),
        }
    }
}

impl Kind {
    /// The word for it; also a class name in the drawings.
    fn word(self) -> &'static str {
        match self {
            Kind::Chart => "chart",
            Kind::Manifests => "manifests",
            Kind::Namespaces => "namespaces",
        }
    }
}

/// The graph as text: a section for each wave, and for each Application what it waits for.
///
/// Where `width` has room for three columns (name, detail, what it waits for) it is a table,
/// otherwise a list. No line is longer than `width` characters, except where a single word is.
#[must_use]
pub fn text(graph: &Graph, width: usize) -> String {
    let edges = graph.essential_edges();
    let longest =
        |of: fn(&Node) -> &str| graph.nodes.iter().map(|node| one_line(of(node)).chars().count()).max().unwrap_or(0);
    let (name, detail) = (longest(|node| &node.name), longest(|node| &node.detail));
    // Names stand two from the edge and columns two apart.
    let room = width.saturating_sub(2 + name + 2 + detail + 2);
    let table = (room >= 30).then_some((name, detail, room));

    let mut lines = Lines::default();
    let heading = match one_line(&graph.title).as_str() {
        "" => graph.summary(),
        title => format!("{title}: {}", graph.summary()),
    };
    lines.under("", wrap(&heading, width, "  "));
    for (wave, nodes) in graph.waves() {
        lines.push("");
        lines.push(format!("wave {wave}"));
        for node in nodes {
            let waits: Vec<_> = edges.iter().filter(|edge| edge.to == node).collect();
            let node = &graph.nodes[node];
            let (first, second) = (one_line(&node.name), one_line(&node.detail));
            if let Some((name, detail, room)) = table {
                let mut block = Vec::new();
                for edge in waits {
                    let lead = if block.is_empty() { "after " } else { "      " };
                    block.extend(wait(graph, edge, lead, 8, room));
                }
                lines.under(&format!("  {first:name$}  {second:detail$}  "), block);
                continue;
            }
            if 2 + first.chars().count() + 2 + second.chars().count() <= width {
                lines.push(format!("  {first}  {second}"));
            } else {
                lines.push(format!("  {first}"));
                lines.under("    ", wrap(&second, width.saturating_sub(4), ""));
            }
            for edge in waits {
                lines.under("    ", wait(graph, edge, "after ", 2, width.saturating_sub(4)));
            }
        }
    }
    lines.text
}

/// `after calico-operator (requires network)`, the first word given as `lead`; where that is too
/// long, the reason on lines of its own, `indent` from the left.
fn wait(graph: &Graph, edge: &Edge, lead: &str, indent: usize, width: usize) -> Vec<String> {
    let from = one_line(&graph.nodes[edge.from].name);
    let why = match (one_line(&edge.why).as_str(), edge.soft) {
        ("", false) => return vec![format!("{lead}{from}")],
        ("", true) => "(where enabled)".to_owned(),
        (why, _) => format!("({why})"),
    };
    let whole = format!("{lead}{from} {why}");
    if whole.chars().count() <= width {
        return vec![whole];
    }
    let mut lines = vec![format!("{lead}{from}")];
    let reason = wrap(&why, width.saturating_sub(indent), " ");
    lines.extend(reason.iter().map(|line| format!("{:indent$}{line}", "")));
    lines
}

/// The same text on one line and without control characters, which could take over a terminal, or
/// those that turn the direction of writing, which could make it read as something else.
fn one_line(text: &str) -> String {
    let visible = |c: char| if c.is_control() || turns(c) { ' ' } else { c };
    let text: String = text.chars().map(visible).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a character turns the direction of writing.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Lines without space at their ends.
#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn push(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref().trim_end());
        self.text.push('\n');
    }

    /// `lead` before the first of `block`'s lines, as much space before the others. An empty block
    /// is `lead` alone.
    fn under(&mut self, lead: &str, block: Vec<String>) {
        let space = " ".repeat(lead.chars().count());
        let mut block = block.into_iter();
        self.push(format!("{lead}{}", block.next().unwrap_or_default()));
        for line in block {
            self.push(format!("{space}{line}"));
        }
    }
}

/// Breaks between words; lines after the first begin with `hang`. At least one line.
fn wrap(text: &str, width: usize, hang: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, hang.to_owned()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines
}

/// The graph as a Mermaid flowchart. Soft edges are dotted.
#[must_use]
pub fn mermaid(graph: &Graph) -> String {
    let mut lines = Lines::default();
    lines.push("---");
    lines.push(format!("title: {}", yaml_quoted(&one_line(&graph.title))));
    lines.push("---");
    lines.push("flowchart LR");
    for (wave, nodes) in graph.waves() {
        lines.push(format!("  subgraph wave{wave}[\"wave {wave}\"]"));
        for node in nodes {
            let Node { name, kind, detail, .. } = &graph.nodes[node];
            let (name, detail) = (mermaid_text(name), mermaid_text(detail));
            let separator = if detail.is_empty() { "" } else { "<br/>" };
            let (open, close) = match kind {
                Kind::Chart => ("[", "]"),
                Kind::Manifests => ("(", ")"),
                Kind::Namespaces => ("([", "])"),
            };
            lines.push(format!("    n{node}{open}\"{name}{separator}{detail}\"{close}"));
        }
        lines.push("  end");
    }
    for edge in graph.essential_edges() {
        let arrow = if edge.soft { "-.->" } else { "-->" };
        lines.push(format!("  n{} {arrow} n{}", edge.from, edge.to));
    }
    lines.text
}

/// Everything but letters, digits and a few harmless marks as Mermaid's numbered entities: its
/// labels are read as HTML and as Markdown, and some words and signs are syntax even in quotes.
fn mermaid_text(text: &str) -> String {
    let mut escaped = String::new();
    for c in one_line(text).chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '/' | '+' | ',') {
            escaped.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "#{};", u32::from(c));
        }
    }
    escaped
}

/// A double-quoted YAML scalar of a text without control characters.
fn yaml_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The graph for Graphviz. Soft edges are dashed; why an edge is there is its tooltip.
#[must_use]
pub fn dot(graph: &Graph) -> String {
    let mut lines = Lines::default();
    lines.push(format!("digraph {} {{", dot_quoted(&one_line(&graph.title))));
    lines.push("  rankdir=LR; ranksep=0.8; nodesep=0.2; newrank=true;");
    lines.push("  fontname=\"system-ui,sans-serif\";");
    lines.push("  node [shape=box, style=rounded, fontname=\"system-ui,sans-serif\", fontsize=11];");
    lines.push("  edge [color=\"#71808f\", arrowsize=0.7];");
    for (wave, nodes) in graph.waves() {
        lines.push(format!("  // wave {wave}"));
        let together: Vec<String> = nodes.iter().map(|node| format!("n{node};")).collect();
        for node in nodes {
            let Node { name, component, kind, detail, .. } = &graph.nodes[node];
            let label = match (one_line(name), one_line(detail)) {
                (name, detail) if detail.is_empty() => name,
                (name, detail) => format!("{name}\n{detail}"),
            };
            let style = match kind {
                Kind::Chart => "",
                Kind::Manifests => ", style=\"rounded,dashed\"",
                Kind::Namespaces => ", style=\"rounded,bold\"",
            };
            let (label, tooltip) = (dot_quoted(&label), dot_quoted(component));
            lines.push(format!("  n{node} [label={label}, tooltip={tooltip}{style}];"));
        }
        lines.push(format!("  {{ rank=same; {} }}", together.join(" ")));
    }
    for edge in graph.essential_edges() {
        let style = if edge.soft { ", style=dashed" } else { "" };
        let tooltip = dot_quoted(&edge.why);
        lines.push(format!("  n{} -> n{} [tooltip={tooltip}{style}];", edge.from, edge.to));
    }
    lines.push("}");
    lines.text
}

/// A quoted string of Graphviz' language. A backslash would begin one of its own escapes (`\N` is
/// the node's name), an ampersand one of HTML's; a line break is written as one, other control
/// characters go.
fn dot_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '&' => quoted.push_str("&amp;"),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() || turns(c) => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
