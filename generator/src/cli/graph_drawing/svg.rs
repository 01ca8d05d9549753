//! The drawing as SVG: one file that needs nothing else, neither script nor font nor network.
//!
//! It is read from top to bottom and as wide as a page: each wave is a band of one or more rows.
//! Colours come from classes, so that the drawing can follow the reader's light
//! or dark scheme. Text cannot be measured here; widths are estimated from the width of letters in
//! common system fonts, with room to spare, and what is still too long is cut, the whole of it
//! staying in the title that a pointer or a screen reader finds.

use std::fmt::Write as _;

use super::layout::{self, Layout, Line, Link, NODE_LENGTH};
use super::{Edge, Graph, Kind, Node, one_line};

/// Around everything.
const MARGIN: i32 = 24;
/// From the top to the first band: title and summary.
const HEADING: i32 = 76;
/// At the left of a band: the wave's name.
const GUTTER: i32 = 72;
/// From the boxes to the edge of their band.
const BAND_PADDING: i32 = 12;
/// From the bands to the bottom: the legend.
const LEGEND: i32 = 44;
/// Applications in a row, where a wave has more of them.
const PER_ROW: usize = 5;
/// Between two rows, where lines find their way: least and most, and what each line adds.
const ALLEY: (i32, i32, i32) = (28, 72, 2);
/// From a box's edge to its text: left, where the coloured stripe is, and right.
const TEXT_INSET: (i32, i32) = (16, 10);
/// How high a box is: two lines for the name, one for the detail.
const BOX_HEIGHT: i32 = 56;
const TITLE_SIZE: f64 = 22.0;
/// Bold letters are wider; estimating them as larger plain ones comes to the same.
const NAME_SIZE: f64 = 15.0;
const DETAIL_SIZE: f64 = 11.0;

/// The graph as an SVG document.
///
/// Edges that do not lead to a higher wave (a correct plan has none) cannot be drawn and are left
/// out.
#[must_use]
pub fn svg(graph: &Graph) -> String {
    let edges = graph.essential_edges();
    let waves = graph.waves();
    let picture = Picture::new(graph, &edges, &waves);
    let mut out = String::new();
    picture.write(&mut out);
    out
}

/// One wave and its rows.
struct Band {
    wave: u32,
    first: usize,
    last: usize,
    nodes: Vec<usize>,
}

struct Picture<'g> {
    graph: &'g Graph,
    edges: &'g [&'g Edge],
    bands: Vec<Band>,
    /// Where the boxes of each row begin, from the top.
    rows: Vec<i32>,
    row_of: Vec<usize>,
    layout: Layout,
    width: i32,
    height: i32,
}

impl<'g> Picture<'g> {
    fn new(graph: &'g Graph, edges: &'g [&'g Edge], waves: &[(u32, Vec<usize>)]) -> Self {
        let (bands, row_of) = in_rows(graph, edges, waves);
        let links: Vec<Link> = edges
            .iter()
            .filter(|edge| row_of[edge.from] < row_of[edge.to])
            .map(|edge| Link { from: edge.from, to: edge.to, soft: edge.soft })
            .collect();
        let layout = layout::lay_out(&row_of, &links);

        let mut rows = Vec::new();
        let mut y = HEADING;
        for band in &bands {
            y += BAND_PADDING;
            for row in band.first..=band.last {
                rows.push(y);
                let pieces = layout.lines.iter().flat_map(|line| &line.between);
                let busy = pieces.filter(|&&(upper, ..)| upper == row).count();
                let busy = i32::try_from(busy).unwrap_or(ALLEY.1);
                let alley = ALLEY.2.saturating_mul(busy).saturating_add(ALLEY.0).min(ALLEY.1);
                y += BOX_HEIGHT + if row < band.last { alley } else { 0 };
            }
            // The padding of the band above and of the one below is part of the way between them.
            y += BAND_PADDING + ALLEY.0;
        }
        let bottom = if bands.is_empty() { HEADING } else { y - ALLEY.0 };
        let width = MARGIN + GUTTER + layout.height + BAND_PADDING + MARGIN;
        let width = width.max(2 * MARGIN + legend_width(graph, edges));
        Picture { graph, edges, bands, rows, row_of, layout, width, height: bottom + LEGEND + MARGIN }
    }

    fn write(&self, out: &mut String) {
        let Picture { width, height, .. } = *self;
        let heading = match one_line(&self.graph.title) {
            title if title.is_empty() => "Applications".to_owned(),
            title => title,
        };
        let summary = self.graph.summary();
        line(
            out,
            format_args!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">"#
            ),
        );
        let title = escape(&heading);
        line(out, format_args!(r#"<title id="title">{title}: {summary}</title>"#));
        line(out, format_args!(r#"<desc id="desc">{}</desc>"#, escape(&self.description())));
        out.push_str(STYLE);
        line(out, format_args!(r#"<rect class="page" width="{width}" height="{height}"/>"#));
        let baseline = MARGIN + 18;
        let cut = cut_to(&heading, TITLE_SIZE, f64::from(width - 2 * MARGIN));
        line(out, format_args!(r#"<text class="title" x="{MARGIN}" y="{baseline}">{}</text>"#, escape(&cut)));
        line(out, format_args!(r#"<text class="quiet" x="{MARGIN}" y="{}">{summary}</text>"#, baseline + 20));
        for band in &self.bands {
            self.write_band(out, band);
        }
        for drawn in &self.layout.lines {
            self.write_line(out, drawn);
        }
        self.write_arrowheads(out);
        for (index, node) in self.graph.nodes.iter().enumerate() {
            self.write_box(out, index, node);
        }
        self.write_legend(out);
        line(out, format_args!("</svg>"));
    }

    /// The same in words, for those who cannot see it: wave by wave.
    fn description(&self) -> String {
        let mut words = String::new();
        for band in &self.bands {
            let names: Vec<String> = band.nodes.iter().map(|&node| one_line(&self.graph.nodes[node].name)).collect();
            let _ = write!(words, "Wave {}: {}. ", band.wave, names.join(", "));
        }
        words.trim_end().to_owned()
    }

    /// A place in a row of the layout on the page.
    fn on_page(x: i32) -> i32 {
        MARGIN + GUTTER + x
    }

    fn write_band(&self, out: &mut String, band: &Band) {
        let top = self.rows[band.first] - BAND_PADDING;
        let height = self.rows[band.last] + BOX_HEIGHT + BAND_PADDING - top;
        let width = self.width - 2 * MARGIN;
        line(
            out,
            format_args!(r#"<rect class="band" x="{MARGIN}" y="{top}" width="{width}" height="{height}" rx="10"/>"#),
        );
        let (x, y) = (MARGIN + BAND_PADDING, top + 24);
        line(out, format_args!(r#"<text class="wave" x="{x}" y="{y}">wave {}</text>"#, band.wave));
        if band.nodes.len() > 1 {
            let y = y + 16;
            line(out, format_args!(r#"<text class="count" x="{x}" y="{y}">{}</text>"#, band.nodes.len()));
        }
    }

    /// One source's line with all its branches, as one path.
    fn write_line(&self, out: &mut String, drawn: &Line) {
        let mut path = String::new();
        for &(upper, from, to) in &drawn.between {
            let (y1, y2) = (self.rows[upper] + BOX_HEIGHT, self.rows[upper + 1]);
            let (x1, x2) = (Self::on_page(from), Self::on_page(to));
            let bend = i32::midpoint(y1, y2);
            if x1 == x2 {
                let _ = write!(path, "M{x1} {y1}V{y2}");
            } else {
                let _ = write!(path, "M{x1} {y1}C{x1} {bend} {x2} {bend} {x2} {y2}");
            }
        }
        for &(row, x) in &drawn.across {
            let y = self.rows[row];
            let _ = write!(path, "M{} {y}V{}", Self::on_page(x), y + BOX_HEIGHT);
        }
        let class = if drawn.soft { "line soft" } else { "line" };
        line(
            out,
            format_args!(
                r#"<g class="{class}"><title>{}</title><path d="{path}"/></g>"#,
                escape(&self.line_title(drawn))
            ),
        );
    }

    /// `cert-manager before istio (requires certificates), …`.
    fn line_title(&self, drawn: &Line) -> String {
        let names = |node: usize| one_line(&self.graph.nodes[node].name);
        let ends: Vec<String> = self
            .edges
            .iter()
            .filter(|edge| edge.from == drawn.from && edge.soft == drawn.soft && drawn.to.contains(&edge.to))
            .map(|edge| match one_line(&edge.why).as_str() {
                "" => names(edge.to),
                why => format!("{} ({why})", names(edge.to)),
            })
            .collect();
        format!("{} before {}", names(drawn.from), ends.join(", "))
    }

    /// One for each box at which any line ends, however many do.
    fn write_arrowheads(&self, out: &mut String) {
        let mut ends: Vec<usize> = self.layout.lines.iter().flat_map(|drawn| drawn.to.iter().copied()).collect();
        ends.sort_unstable();
        ends.dedup();
        let mut path = String::new();
        for node in ends {
            let x = Self::on_page(self.layout.node_y[node]);
            let y = self.rows[self.row_of[node]];
            let _ = write!(path, "M{x} {y}l-4 -7h8z");
        }
        if !path.is_empty() {
            line(out, format_args!(r#"<path class="head" d="{path}"/>"#));
        }
    }

    fn write_box(&self, out: &mut String, index: usize, node: &Node) {
        let width = half_of(NODE_LENGTH) * 2;
        let x = Self::on_page(self.layout.node_y[index]) - width / 2;
        let (y, high) = (self.rows[self.row_of[index]], BOX_HEIGHT);
        let room = f64::from(width - TEXT_INSET.0 - TEXT_INSET.1);
        let (name, detail) = (one_line(&node.name), one_line(&node.detail));
        let mut title = name.clone();
        if !detail.is_empty() {
            let _ = write!(title, "\n{detail}");
        }
        let component = one_line(&node.component);
        if !component.is_empty() && component != name {
            let _ = write!(title, "\ncomponent {component}");
        }
        let kind = node.kind.word();
        line(
            out,
            format_args!(r#"<g class="box {kind}" transform="translate({x} {y})"><title>{}</title>"#, escape(&title)),
        );
        line(out, format_args!(r#"<rect class="card" width="{width}" height="{high}" rx="7"/>"#));
        line(out, format_args!(r#"<rect class="stripe" x="5" y="7" width="3" height="{}" rx="1.5"/>"#, high - 14));
        let text = TEXT_INSET.0;
        let lines = in_two_lines(&name, NAME_SIZE, room);
        let detail = cut_before_last_word(&detail, DETAIL_SIZE, room);
        let first = match (lines.len(), detail.is_empty()) {
            (1, true) => 33,
            (1, false) => 25,
            (_, true) => 26,
            _ => 18,
        };
        let mut y = first;
        for shown in lines {
            line(out, format_args!(r#"<text class="name" x="{text}" y="{y}">{}</text>"#, escape(&shown)));
            y += 14;
        }
        if !detail.is_empty() {
            let y = if first == 25 { y + 2 } else { y };
            line(out, format_args!(r#"<text class="detail" x="{text}" y="{y}">{}</text>"#, escape(&detail)));
        }
        line(out, format_args!("</g>"));
    }

    fn write_legend(&self, out: &mut String) {
        let y = self.height - MARGIN;
        let mut x = MARGIN;
        for entry in legend(self.graph, self.edges) {
            match entry {
                Legend::Kind(kind) => line(
                    out,
                    format_args!(
                        r#"<g class="{}"><rect class="stripe" x="{x}" y="{}" width="3" height="14" rx="1.5"/></g>"#,
                        kind.word(),
                        y - 11
                    ),
                ),
                Legend::Line { soft } => line(
                    out,
                    format_args!(
                        r#"<g class="line{}"><path d="M{x} {}h22"/></g>"#,
                        if soft { " soft" } else { "" },
                        y - 4
                    ),
                ),
            }
            x += entry.symbol_width();
            line(out, format_args!(r#"<text class="detail" x="{x}" y="{y}">{}</text>"#, entry.words()));
            x += entry.words_width();
        }
    }
}

/// What the legend explains: only what the drawing holds.
#[derive(Clone, Copy)]
enum Legend {
    Kind(Kind),
    Line { soft: bool },
}

impl Legend {
    fn words(self) -> &'static str {
        match self {
            Legend::Kind(Kind::Chart) => "Helm chart",
            Legend::Kind(Kind::Manifests) => "manifests of this repository",
            Legend::Kind(Kind::Namespaces) => "namespaces",
            Legend::Line { soft: false } => "must be healthy first",
            Legend::Line { soft: true } => "comes first where enabled",
        }
    }

    fn symbol_width(self) -> i32 {
        match self {
            Legend::Kind(_) => 10,
            Legend::Line { .. } => 30,
        }
    }

    fn words_width(self) -> i32 {
        ceil(text_width(self.words(), DETAIL_SIZE)) + 24
    }
}

fn legend(graph: &Graph, edges: &[&Edge]) -> Vec<Legend> {
    let kinds = [Kind::Chart, Kind::Manifests, Kind::Namespaces];
    let kinds = kinds.into_iter().filter(|&kind| graph.nodes.iter().any(|node| node.kind == kind));
    let lines = [false, true].into_iter().filter(|&soft| edges.iter().any(|edge| edge.soft == soft));
    kinds.map(Legend::Kind).chain(lines.map(|soft| Legend::Line { soft })).collect()
}

fn legend_width(graph: &Graph, edges: &[&Edge]) -> i32 {
    legend(graph, edges).into_iter().map(|entry| entry.symbol_width() + entry.words_width()).sum()
}

/// The rows of each wave, and the row of each node. Where a wave has several, those for which most others wait are
/// in the last: lines from them need not pass the others.
fn in_rows(graph: &Graph, edges: &[&Edge], waves: &[(u32, Vec<usize>)]) -> (Vec<Band>, Vec<usize>) {
    let mut row_of = vec![0; graph.nodes.len()];
    let mut bands = Vec::new();
    let mut first = 0;
    for (wave, nodes) in waves {
        let rows = nodes.len().div_ceil(PER_ROW);
        let mut order = nodes.clone();
        order.sort_by_key(|&node| edges.iter().filter(|edge| edge.from == node).count());
        for (place, &node) in order.iter().enumerate() {
            row_of[node] = first + place * rows / order.len();
        }
        bands.push(Band { wave: *wave, first, last: first + rows - 1, nodes: nodes.clone() });
        first += rows;
    }
    (bands, row_of)
}

/// A name on one line, or broken after a hyphen into two; what is still too long is cut.
fn in_two_lines(name: &str, size: f64, room: f64) -> Vec<String> {
    if text_width(name, size) <= room {
        return vec![name.to_owned()];
    }
    let ends = name.char_indices().filter(|&(_, c)| c == '-').map(|(at, _)| at + 1);
    let end = ends.rev().find(|&end| end < name.len() && text_width(&name[..end], size) <= room);
    match end {
        Some(end) => vec![name[..end].to_owned(), cut_to(&name[end..], size, room)],
        None => vec![cut_to(name, size, room)],
    }
}

/// Cut so that the last word stays: the version.
fn cut_before_last_word(text: &str, size: f64, room: f64) -> String {
    match text.rsplit_once(' ') {
        Some((before, last)) if text_width(text, size) > room => {
            let room = room - text_width(last, size) - text_width(" ", size);
            if room < text_width("mm…", size) {
                return cut_to(text, size, room + text_width(last, size));
            }
            format!("{} {last}", cut_to(before, size, room))
        }
        _ => cut_to(text, size, room),
    }
}

/// The text, or its beginning and an ellipsis where it is wider than `room`.
pub(in crate::cli) fn cut_to(text: &str, size: f64, room: f64) -> String {
    if text_width(text, size) <= room {
        return text.to_owned();
    }
    let mut width = text_width("…", size);
    let mut cut = String::new();
    for c in text.chars() {
        width += letter_width(c) * size;
        if width > room {
            break;
        }
        cut.push(c);
    }
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

pub(in crate::cli) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(letter_width).sum::<f64>() * size
}

/// The width of a letter at size 1, on the wide side of what system fonts have.
fn letter_width(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' | '!' | ',' | '.' | ':' | ';' => 0.29,
        'f' | 'r' | 't' | ' ' | '(' | ')' | '[' | ']' | '/' | '-' | 'I' | '"' => 0.39,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
        'A'..='Z' => 0.70,
        c if c.is_ascii() => 0.59,
        // Where many scripts are as wide as high.
        c if c >= '\u{1100}' => 1.05,
        _ => 0.65,
    }
}

/// Everything that means something in XML, and nothing that XML 1.0 cannot hold at all.
pub(in crate::cli) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}

#[allow(clippy::cast_possible_truncation)]
fn ceil(width: f64) -> i32 {
    width.ceil() as i32
}

#[allow(clippy::cast_possible_truncation)]
fn half_of(height: f64) -> i32 {
    (height / 2.0) as i32
}

const STYLE: &str = "\
<style>
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:#1f2933}
.title{font-size:20px;font-weight:650}
.quiet{font-size:13px;fill:#5b6774}
.wave{font-size:11px;font-weight:600;letter-spacing:.03em;fill:#5b6774}
.count{font-size:11px;fill:#8a96a3;}
.name{font-size:13px;font-weight:600}
.detail{font-size:11px;fill:#5b6774}
.page{fill:#fff}
.band{fill:#f4f6f8}
.card{fill:#fff;stroke:#d3dae1}
.line path{fill:none;stroke:#90a0b0;stroke-width:1.5}
.soft path{stroke-dasharray:4 4}
.line:hover path{stroke:#2463c8;stroke-width:2.5}
.head{fill:#7c8c9d}
.chart .stripe{fill:#3b78d8}
.manifests .stripe{fill:#1d9a85}
.namespaces .stripe{fill:#d08b1f}
@media(prefers-color-scheme:dark){
text{fill:#e4e9ee}
.quiet,.wave,.detail{fill:#9ba8b5}
.count{fill:#76838f}
.page{fill:#0e1318}
.band{fill:#161d24}
.card{fill:#1f2830;stroke:#35414c}
.line path{stroke:#5f7081}
.line:hover path{stroke:#7fb0ff}
.head{fill:#74869a}
.chart .stripe{fill:#5c9bff}
.manifests .stripe{fill:#2fc4aa}
.namespaces .stripe{fill:#efae45}
}
</style>
";
