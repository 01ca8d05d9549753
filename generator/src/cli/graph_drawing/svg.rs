//! The graph as a picture that needs nothing but itself: no script, no font, no address.
//!
//! Columns are waves. All numbers are whole, and widths of texts are estimated rather than
//! measured, so that the same graph is the same picture everywhere.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::{Layout, Line, Link, NODE_HEIGHT, lay_out};
use super::{Edge, Graph, Kind, in_words, one_line};

/// Between the edge of the picture and what it shows.
const MARGIN: i32 = 32;
/// Between two columns: room for lines to rise and fall.
const GAP: i32 = 68;
/// Between the edge of a box and its text.
const PADDING: i32 = 14;
/// Where the columns' headings stand, and where their boxes begin.
const HEADINGS: i32 = 104;
const TOP: i32 = 136;
/// From the last box to the legend, and from there to the end.
const LEGEND: i32 = 52;
const BOTTOM: i32 = 32;
/// The height of a box.
#[allow(clippy::cast_possible_truncation)]
const HEIGHT: i32 = NODE_HEIGHT as i32;
/// How long the tip of an arrow is.
const TIP: i32 = 7;
/// A longer name or detail is cut; its box says all of it where a pointer rests on it.
const LONGEST: usize = 44;

const STYLE: &str = r##"
    .page { fill: #ffffff; stroke: #d0d7de }
    .box { stroke-width: 1.25 }
    .chart { fill: #eef6ff; stroke: #54a0e8 }
    .manifests { fill: #effbf1; stroke: #4fb069 }
    .namespaces { fill: #fff6ed; stroke: #e08a4a }
    text { font-family: ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 11px; fill: #59636e }
    .title { font-size: 20px; font-weight: 600; fill: #1f2328 }
    .summary { font-size: 13px }
    .wave { font-size: 12px; font-weight: 600; fill: #424a53 }
    .name { font-size: 13px; font-weight: 600; fill: #1f2328 }
    .rule { stroke: #d0d7de }
    .line { fill: none; stroke: #7d8793; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round }
    .halo { fill: none; stroke: #ffffff; stroke-width: 6 }
    .soft { stroke-dasharray: 4 5 }
    .tip { fill: #7d8793 }
    .from:hover .line { stroke: #0969da; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; stroke: #3d444d }
      .chart { fill: #0d2238; stroke: #3d7fc4 }
      .manifests { fill: #10261a; stroke: #3a8f52 }
      .namespaces { fill: #2b1c10; stroke: #b96b32 }
      text { fill: #9198a1 }
      .title, .name { fill: #f0f6fc }
      .wave { fill: #c3cbd4 }
      .rule { stroke: #3d444d }
      .line { stroke: #7f8994 }
      .halo { stroke: #0d1117 }
      .tip { fill: #7f8994 }
      .from:hover .line { stroke: #58a6ff }
    }
"##;

/// The graph as an SVG document. Soft edges are dashed; a title that appears where a pointer rests
/// says what an Application waits for and why.
#[must_use]
pub fn svg(graph: &Graph) -> String {
    let essential = graph.essential_edges();
    let waves = graph.waves();
    let mut column_of = vec![0; graph.nodes.len()];
    for (column, (_, nodes)) in waves.iter().enumerate() {
        for &node in nodes {
            column_of[node] = column;
        }
    }
    // A correct plan has no others, and those could not be drawn from left to right.
    let links: Vec<Link> = essential
        .iter()
        .filter(|edge| column_of[edge.from] < column_of[edge.to])
        .map(|edge| Link { from: edge.from, to: edge.to, soft: edge.soft })
        .collect();
    let picture = Picture {
        graph,
        columns: columns(graph, &waves),
        waves,
        layout: lay_out(&column_of, &links),
        column_of,
        edges: essential,
    };
    picture.draw()
}

/// Where a column stands.
struct Column {
    left: i32,
    right: i32,
}

fn columns(graph: &Graph, waves: &[(u32, Vec<usize>)]) -> Vec<Column> {
    let mut left = MARGIN;
    let mut columns = Vec::with_capacity(waves.len());
    for (_, nodes) in waves {
        let widest = nodes
            .iter()
            .map(|&node| {
                let node = &graph.nodes[node];
                width(&short(&node.name), 13, true).max(width(&short(&node.detail), 11, false))
            })
            .max();
        let right = left + 2 * PADDING + widest.unwrap_or(0).max(60);
        columns.push(Column { left, right });
        left = right + GAP;
    }
    columns
}

struct Picture<'g> {
    graph: &'g Graph,
    edges: Vec<&'g Edge>,
    waves: Vec<(u32, Vec<usize>)>,
    columns: Vec<Column>,
    column_of: Vec<usize>,
    layout: Layout,
}

impl Picture<'_> {
    fn draw(&self) -> String {
        let (legend, legend_end) = self.legend(TOP + self.layout.height + LEGEND);
        let title = match short(&self.graph.title) {
            title if title.is_empty() => "Applications".to_owned(),
            title => title,
        };
        let summary = self.graph.summary();
        let end = [
            self.columns.last().map_or(MARGIN, |column| column.right),
            MARGIN + width(&title, 20, true),
            MARGIN + width(&summary, 13, false),
            legend_end,
        ];
        let across = end.into_iter().max().unwrap_or(MARGIN) + MARGIN;
        let down = match self.graph.nodes.len() {
            0 => HEADINGS - 8,
            _ => TOP + self.layout.height + LEGEND + BOTTOM,
        };

        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {across} {down}\" width=\"{across}\" \
             height=\"{down}\" role=\"img\" aria-labelledby=\"title desc\">\n"
        );
        out += &format!("  <title id=\"title\">{}</title>\n", xml(&format!("{title}: who waits for whom")));
        out += &format!("  <desc id=\"desc\">{}</desc>\n", xml(&self.description()));
        out += &format!("  <style>{STYLE}  </style>\n");
        out += &format!(
            "  <rect class=\"page\" x=\"1\" y=\"1\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n",
            across - 2,
            down - 2
        );
        out += &format!("  <text class=\"title\" x=\"{MARGIN}\" y=\"48\">{}</text>\n", xml(&title));
        out += &format!("  <text class=\"summary\" x=\"{MARGIN}\" y=\"70\">{}</text>\n", xml(&summary));
        for ((wave, _), Column { left, right }) in self.waves.iter().zip(&self.columns) {
            out += &format!("  <text class=\"wave\" x=\"{left}\" y=\"{HEADINGS}\">wave {wave}</text>\n");
            let y = HEADINGS + 10;
            out += &format!("  <path class=\"rule\" d=\"M{left} {y}H{right}\"/>\n");
        }
        for line in &self.layout.lines {
            out += &self.line(line);
        }
        // After all lines, whose halos would cut them.
        let ends: BTreeSet<usize> = self.layout.lines.iter().flat_map(|line| line.to.iter().copied()).collect();
        for node in ends {
            let (x, y) = (self.columns[self.column_of[node]].left - 1, TOP + self.layout.node_y[node]);
            out += &format!("  <path class=\"tip\" d=\"M{x} {y}l-{TIP} -4v8z\"/>\n");
        }
        for node in 0..self.graph.nodes.len() {
            out += &self.node(node);
        }
        out += &legend;
        out += "</svg>\n";
        out
    }

    /// For those who do not see it.
    fn description(&self) -> String {
        let mut sentences = vec![format!("{}.", self.graph.summary())];
        for (wave, nodes) in &self.waves {
            let names: Vec<String> = nodes.iter().map(|&node| one_line(&self.graph.nodes[node].name)).collect();
            sentences.push(format!("Wave {wave}: {}.", names.join(", ")));
        }
        sentences.join(" ")
    }

    /// What an Application waits for, in words.
    fn waits(&self, node: usize) -> Vec<String> {
        self.edges.iter().filter(|edge| edge.to == node).map(|edge| in_words(self.graph, edge)).collect()
    }

    fn line(&self, line: &Line) -> String {
        let mut path = String::new();
        // From the top, whatever order the layout found its pieces in.
        let across: BTreeMap<usize, i32> = line.across.iter().copied().collect();
        for &(column, from, to) in &line.between {
            let (from, to) = (TOP + from, TOP + to);
            let start = self.columns[column].right;
            let Some(next) = self.columns.get(column + 1) else { continue };
            // Level before a tip, so that the tip continues the line.
            let end = next.left - TIP;
            if from == to {
                path += &format!("M{start} {from}H{end}");
            } else {
                let middle = (start + end) / 2;
                path += &format!("M{start} {from}C{middle} {from} {middle} {to} {end} {to}");
            }
        }
        for (column, y) in across {
            let Column { left, right } = self.columns[column];
            path += &format!("M{} {}H{right}", left - TIP, TOP + y);
        }
        let soft = if line.soft { " soft" } else { "" };
        let mut ends = line.to.clone();
        ends.sort_unstable();
        let ends: Vec<String> = ends.iter().map(|&node| one_line(&self.graph.nodes[node].name)).collect();
        let title = format!("{} → {}", one_line(&self.graph.nodes[line.from].name), ends.join(", "));
        format!(
            "  <g class=\"from\"><title>{}</title><path class=\"halo\" d=\"{path}\"/>\
             <path class=\"line{soft}\" d=\"{path}\"/></g>\n",
            xml(&title)
        )
    }

    fn node(&self, index: usize) -> String {
        let node = &self.graph.nodes[index];
        let Column { left, right } = self.columns[self.column_of[index]];
        let y = TOP + self.layout.node_y[index];
        let mut title = one_line(&node.name);
        for (lead, more) in [(", ", one_line(&node.detail)), ("; component ", one_line(&node.component))] {
            if !more.is_empty() {
                title += lead;
                title += &more;
            }
        }
        let waits = self.waits(index);
        if !waits.is_empty() {
            title += "; after ";
            title += &waits.join(", ");
        }
        let mut out = format!("  <g><title>{}</title>", xml(&title));
        out += &format!(
            "<rect class=\"box {}\" x=\"{left}\" y=\"{}\" width=\"{}\" height=\"{HEIGHT}\" rx=\"7\"/>",
            node.kind.word(),
            y - HEIGHT / 2,
            right - left
        );
        let x = left + PADDING;
        let detail = short(&node.detail);
        let name_y = if detail.is_empty() { y + 4 } else { y - 3 };
        out += &format!("<text class=\"name\" x=\"{x}\" y=\"{name_y}\">{}</text>", xml(&short(&node.name)));
        if !detail.is_empty() {
            out += &format!("<text x=\"{x}\" y=\"{}\">{}</text>", y + 13, xml(&detail));
        }
        out + "</g>\n"
    }

    /// What boxes and lines mean, as far as they occur, at this height; and where it ends.
    fn legend(&self, y: i32) -> (String, i32) {
        let mut x = MARGIN;
        let mut out = String::new();
        let mut entry = |swatch: &dyn Fn(i32) -> String, wide: i32, words: &str| {
            let text = x + wide + 8;
            out += &format!("  {}<text x=\"{text}\" y=\"{}\">{words}</text>\n", swatch(x), y + 4);
            x = text + width(words, 11, false) + 20;
        };
        let kinds = [
            (Kind::Namespaces, "every namespace"),
            (Kind::Chart, "Helm chart"),
            (Kind::Manifests, "manifests of this repository"),
        ];
        for (kind, words) in kinds {
            if self.graph.nodes.iter().any(|node| node.kind == kind) {
                let class = kind.word();
                let swatch = |x: i32| {
                    let top = y - 6;
                    format!("<rect class=\"box {class}\" x=\"{x}\" y=\"{top}\" width=\"18\" height=\"12\" rx=\"3\"/>")
                };
                entry(&swatch, 18, words);
            }
        }
        for (soft, class, words) in [(false, "line", "comes before"), (true, "line soft", "comes before, where enabled")] {
            if self.layout.lines.iter().any(|line| line.soft == soft) {
                let swatch = |x: i32| {
                    let (end, tip) = (x + 30 - TIP, x + 30);
                    format!(
                        "<path class=\"{class}\" d=\"M{x} {y}H{end}\"/>\
                         <path class=\"tip\" d=\"M{tip} {y}l-{TIP} -4v8z\"/>"
                    )
                };
                entry(&swatch, 30, words);
            }
        }
        (out, x - 20)
    }
}

/// On one line, and not too long for a box.
fn short(text: &str) -> String {
    let text = one_line(text);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let mut cut: String = text.chars().take(LONGEST - 1).collect();
    cut.push('…');
    cut
}

/// About how wide a text is, in a wide one of the usual fonts.
fn width(text: &str, size: i32, bold: bool) -> i32 {
    let hundredths: i32 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 32,
            'f' | 'r' | 't' | '-' | '(' | ')' | '/' => 41,
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 92,
            'A'..='Z' => 69,
            c if c.is_ascii() => 62,
            _ => 100,
        })
        .sum();
    let hundredths = if bold { hundredths * 110 / 100 } else { hundredths };
    (hundredths * size + 99) / 100
}

/// Escaped for text and for attributes, without what XML cannot hold at all.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c => escaped.push(c),
        }
    }
    escaped
}
