//! The sums as SVG: for each group of nodes two bars, CPU and memory, in which each component has its part, and what the nodes offer
//! around them. It needs nothing else, neither script nor font nor network.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Share, cores, memory, shares};
use crate::cli::graph_drawing::svg::{cut_to, escape, text_width};
use crate::cli::output::count;
use crate::pipeline::objects::EnvironmentObjects;
use crate::pipeline::objects::resources::{Amount, Resources};

const WIDTH: i32 = 960;
const MARGIN: i32 = 24;
const HEADING: i32 = 84;
/// A group: two bars below each other.
const BAND: i32 = 84;
const GAP: i32 = 12;
/// Where bars begin, and how long the longest is.
const BARS: i32 = 236;
const LONGEST: i32 = 500;
const BAR_HEIGHT: i32 = 20;
/// Components with a colour of their own; all others share one.
const COLOURS: usize = 8;
/// Between two entries of the legend.
const ENTRY: i32 = 26;

/// The picture of an environment.
pub fn svg(environment: &EnvironmentObjects, found: &Resources) -> String {
    let shares = shares(found);
    let named = largest(&shares);
    let (legend, rows) = legend(&named);
    let bottom = HEADING + i32::try_from(shares.len()).unwrap_or(0) * (BAND + GAP);
    let skipped = if environment.unseen.iter().any(|unseen| !unseen.is_folder) { 22 } else { 0 };
    let height = bottom + rows * 22 + skipped + MARGIN;
    let mut out = String::new();
    let title = escape(&format!("{}: what is asked of its nodes", environment.environment));
    let described: Vec<String> = shares
        .iter()
        .map(|share| format!("{}: {} cores and {}", share.name, cores(share.requests), memory(share.requests)))
        .collect();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title desc">"#
    );
    let _ = writeln!(out, r#"<title id="title">{title}</title>"#);
    let _ = writeln!(out, r#"<desc id="desc">{}</desc>"#, escape(&described.join(". ")));
    out.push_str(STYLE);
    let _ = writeln!(out, r#"<rect class="page" width="{WIDTH}" height="{height}"/>"#);
    let _ = writeln!(out, r#"<text class="title" x="{MARGIN}" y="{}">{title}</text>"#, MARGIN + 18);
    let summary = format!(
        "Requests of {} by component; the frame is what the least number of nodes has. Nothing is taken off for the system itself.",
        count(found.workloads.iter().filter(|workload| !workload.is_job).count(), "workload")
    );
    let _ = writeln!(out, r#"<text class="quiet" x="{MARGIN}" y="{}">{summary}</text>"#, MARGIN + 38);
    for (index, share) in shares.iter().enumerate() {
        let top = HEADING + i32::try_from(index).unwrap_or(0) * (BAND + GAP);
        band(&mut out, share, &named, top);
    }
    for (name, class, x, row) in legend {
        let y = bottom + 12 + row * 22;
        let _ = writeln!(out, r#"<rect class="{class}" x="{x}" y="{}" width="12" height="12" rx="2"/>"#, y - 10);
        let _ = writeln!(out, r#"<text class="detail" x="{}" y="{y}">{}</text>"#, x + 18, escape(&name));
    }
    if skipped > 0 {
        let away = environment.unseen.iter().filter(|unseen| !unseen.is_folder).count();
        let y = bottom + 12 + rows * 22;
        let words = format!("Without {} whose objects could not be had", count(away, "chart"));
        let _ = writeln!(out, r#"<text class="quiet" x="{MARGIN}" y="{y}">{words}</text>"#);
    }
    out.push_str("</svg>\n");
    out
}

/// The components that ask for most, by name, each with its colour.
fn largest(shares: &[Share]) -> BTreeMap<String, usize> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, amount) in shares.iter().flat_map(|share| &share.components) {
        // A core is worth as much as 4 GiB: that is what most machines have for each.
        *sums.entry(name).or_default() += amount.memory.saturating_add(amount.milli_cpu.saturating_mul(4_294_967));
    }
    let mut order: Vec<(&str, u64)> = sums.into_iter().collect();
    order.sort_by_key(|(name, sum)| (std::cmp::Reverse(*sum), *name));
    order.into_iter().take(COLOURS).enumerate().map(|(colour, (name, _))| (name.to_owned(), colour)).collect()
}

/// Name, class, place from the left and row of each entry; and how many rows there are.
fn legend(named: &BTreeMap<String, usize>) -> (Vec<(String, String, i32, i32)>, i32) {
    let mut entries: Vec<(String, String)> = Vec::new();
    let mut order: Vec<(&String, &usize)> = named.iter().collect();
    order.sort_by_key(|(_, colour)| **colour);
    entries.extend(order.into_iter().map(|(name, colour)| (name.clone(), format!("c{colour}"))));
    if !entries.is_empty() {
        entries.push(("others".to_owned(), "other".to_owned()));
    }
    let (mut x, mut row) = (MARGIN, 0);
    let mut placed = Vec::new();
    for (name, class) in entries {
        let wide = whole(text_width(&name, 11.0)) + 18 + ENTRY;
        if x + wide > WIDTH - MARGIN {
            (x, row) = (MARGIN, row + 1);
        }
        placed.push((name, class, x, row));
        x += wide;
    }
    (placed, row + 1)
}

fn band(out: &mut String, share: &Share, named: &BTreeMap<String, usize>, top: i32) {
    let _ = writeln!(
        out,
        r#"<rect class="band" x="{MARGIN}" y="{top}" width="{}" height="{BAND}" rx="10"/>"#,
        WIDTH - 2 * MARGIN
    );
    let room = f64::from(BARS - MARGIN - 76);
    let x = MARGIN + 14;
    let name = escape(&cut_to(&share.name, 15.0, room));
    let _ = writeln!(
        out,
        r#"<text class="name" x="{x}" y="{}">{name}<title>{}</title></text>"#,
        top + 36,
        escape(&share.name)
    );
    let nodes = escape(&cut_to(&share.nodes, 11.0, room));
    let _ = writeln!(out, r#"<text class="detail" x="{x}" y="{}">{nodes}</text>"#, top + 54);
    let cpu = |amount: Amount| amount.milli_cpu;
    let bytes = |amount: Amount| amount.memory;
    bar(out, share, named, top + 16, "CPU", &cpu, &cores);
    bar(out, share, named, top + 48, "memory", &bytes, &memory);
}

fn bar(
    out: &mut String,
    share: &Share,
    named: &BTreeMap<String, usize>,
    top: i32,
    what: &str,
    part: &dyn Fn(Amount) -> u64,
    shown: &dyn Fn(Amount) -> String,
) {
    let offered = share.offered.map(part);
    let longest = offered.unwrap_or(0).max(part(share.requests));
    let scale = |value: u64| match longest {
        0 => 0.0,
        longest => value as f64 / longest as f64 * f64::from(LONGEST),
    };
    let baseline = top + 14;
    let _ = writeln!(out, r#"<text class="detail" text-anchor="end" x="{}" y="{baseline}">{what}</text>"#, BARS - 10);
    if let Some(offered) = offered {
        let _ = writeln!(
            out,
            r#"<rect class="offered" x="{BARS}" y="{top}" width="{:.1}" height="{BAR_HEIGHT}" rx="3"/>"#,
            scale(offered)
        );
    }
    let mut components: Vec<&(String, Amount)> = share.components.iter().collect();
    components.sort_by_key(|(name, _)| (named.get(name).copied().unwrap_or(usize::MAX), name.clone()));
    let mut x = f64::from(BARS);
    for (name, amount) in components {
        let wide = scale(part(*amount));
        if wide <= 0.0 {
            continue;
        }
        let class = named.get(name).map_or_else(|| "other".to_owned(), |colour| format!("c{colour}"));
        let _ = writeln!(
            out,
            r#"<rect class="{class}" x="{x:.1}" y="{top}" width="{wide:.1}" height="{BAR_HEIGHT}"><title>{}: {}</title></rect>"#,
            escape(name),
            shown(*amount)
        );
        x += wide;
    }
    let unit = if what == "CPU" { " cores" } else { "" };
    let words = match share.offered {
        Some(offered) => format!("{} of {}{unit}", shown(share.requests), shown(offered)),
        None => format!("{}{unit}", shown(share.requests)),
    };
    let too_much = if offered.is_some_and(|offered| part(share.requests) > offered) { "over" } else { "detail" };
    let _ = writeln!(out, r#"<text class="{too_much}" x="{}" y="{baseline}">{words}</text>"#, BARS + LONGEST + 12);
}

#[allow(clippy::cast_possible_truncation)]
fn whole(width: f64) -> i32 {
    width.ceil() as i32
}

const STYLE: &str = "\
<style>
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:#1f2933}
.title{font-size:20px;font-weight:650}
.quiet{font-size:13px;fill:#5b6774}
.name{font-size:14px;font-weight:600}
.detail{font-size:11px;fill:#5b6774}
.over{font-size:11px;font-weight:600;fill:#c22f2f}
.page{fill:#fff}
.band{fill:#f4f6f8}
.offered{fill:#fff;stroke:#a9b5c1}
.c0{fill:#3b78d8}.c1{fill:#1d9a85}.c2{fill:#d08b1f}.c3{fill:#8a5bd0}.c4{fill:#c8567e}.c5{fill:#5a9b32}.c6{fill:#2e9cc2}.c7{fill:#a0703c}
.other{fill:#93a0ad}
@media(prefers-color-scheme:dark){
text{fill:#e4e9ee}
.quiet,.detail{fill:#9ba8b5}
.over{fill:#ff8a80}
.page{fill:#0e1318}
.band{fill:#161d24}
.offered{fill:#1f2830;stroke:#4a5763}
.c0{fill:#5c9bff}.c1{fill:#2fc4aa}.c2{fill:#efae45}.c3{fill:#b48cf2}.c4{fill:#ee86ab}.c5{fill:#8acb5f}.c6{fill:#5cc4e6}.c7{fill:#cf9c63}
.other{fill:#76838f}
}
</style>
";
