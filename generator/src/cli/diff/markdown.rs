//! A review as comments on a pull request: GitHub-flavoured Markdown in pages of a limited size.
//!
//! What does not fit is shown shorter, the least dangerous first: less context, then one line, then its name. What is
//! deleted or lost, what has to be accepted and the proof at the end come before everything else. Whatever is not
//! listed is counted, by component, and the proof says so.

mod escape;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::fold::{self, How};
use super::rows::{Leaf, Mark, Room, content, leaves};
use super::words::{self, Bundle, Weight};
use crate::cli::output::count;
use crate::review::model::{Action, Cause, Class, Exception, Finding, GroupedEdit, Review};
use crate::values::edit::Change as EditChange;
use escape::{cell_code, code, fenced, prose};

/// What is shown of an edit on each step of a block, from the least to the most.
const ROOMS: [Room; 3] = [
    Room { context: 0, rows: 12, width: 200 },
    Room { context: 1, rows: 60, width: 400 },
    Room { context: 3, rows: 400, width: 1000 },
];

/// So many edits of a document in a text are shown.
const OF_DOCUMENT: usize = 8;

/// How much of a new object is shown, on the same steps.
const PREVIEWS: [usize; 3] = [0, 12, 80];

/// A part of the review that can be shown at more or less length.
struct Block<'a> {
    /// The section it belongs to; none for what stands by itself.
    section: Option<Weight>,
    what: What<'a>,
    /// Texts by step, as far as they were asked for. Step 0 is nothing.
    steps: Vec<Option<(String, usize)>>,
    /// The step it is shown at.
    step: usize,
}

/// What a block is about.
enum What<'a> {
    /// One object that changes in several ways, in each environment in one of them; mostly in a single one.
    Family(Vec<Bundle<'a>>),
    /// Objects of one kind and one chart that change in configuration.
    Alike(Vec<Bundle<'a>>),
    /// Objects that come or go with their chart.
    Whole(Vec<Bundle<'a>>),
    Cosmetic(Vec<Bundle<'a>>),
    ByTool(Vec<Bundle<'a>>),
    WithoutEffect,
    Matrix,
    Demands,
}

/// Who gets room before whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    Demands,
    Lost,
    Matrix,
    Care,
    Others,
}

impl Block<'_> {
    fn new(section: Option<Weight>, what: What<'_>, steps: usize) -> Block<'_> {
        Block { section, what, steps: vec![None; steps + 1], step: 0 }
    }

    fn top(&self) -> usize {
        self.steps.len() - 1
    }

    /// How many characters it has at a step.
    fn length(&mut self, step: usize, review: &Review) -> usize {
        if step == 0 {
            return 0;
        }
        let what = &self.what;
        self.steps[step]
            .get_or_insert_with(|| {
                let text = format!("{}\n", shown(what, step, review).trim_matches('\n'));
                // And the empty line in front of it.
                let length = text.chars().count() + 1;
                (text, length)
            })
            .1
    }

    fn text(&self) -> &str {
        self.steps[self.step].as_ref().map_or("", |(text, _)| text)
    }

    /// Who gets room before whom.
    fn rank(&self) -> Rank {
        match self.what {
            What::Demands => Rank::Demands,
            What::Matrix => Rank::Matrix,
            _ if self.section == Some(Weight::Lost) => Rank::Lost,
            _ if self.section == Some(Weight::Care) => Rank::Care,
            _ => Rank::Others,
        }
    }

    /// Whether its edits are left out, or all of it.
    fn is_cut(&self) -> bool {
        self.objects() > 0 && self.step < self.top().min(3)
    }

    fn bundles(&self) -> &[Bundle<'_>] {
        match &self.what {
            What::Family(bundles) | What::Alike(bundles) | What::Whole(bundles) | What::Cosmetic(bundles) => bundles,
            _ => &[],
        }
    }

    fn objects(&self) -> usize {
        self.bundles().iter().map(Bundle::objects).sum()
    }
}

/// A review in at most `max_pages` pages of at most `limit` characters each, 2 % of which are kept free. Limits below
/// 1,500 are taken as 1,500.
pub fn pages(review: &Review, limit: usize, max_pages: usize) -> Vec<String> {
    let limit = limit.max(1500);
    let limit = limit - limit.div_ceil(50);
    let max_pages = max_pages.clamp(1, 99);
    let mut made = Vec::new();
    // What stands around the blocks is estimated, generously. A page that is too long would be refused by the forge, so it is
    // counted all the same.
    for spare in [0, 100, 300, limit / 2] {
        made = fitted(review, limit, max_pages, spare);
        if made.iter().all(|page| page.chars().count() <= limit) {
            break;
        }
    }
    made
}

/// The pages, with room kept for so many characters more than is thought necessary.
fn fitted(review: &Review, limit: usize, max_pages: usize, spare: usize) -> Vec<String> {
    let mut blocks = blocks(review);
    let top = header(review);
    // Around the blocks of a page: marker, proof and where the rest is; on the first one the header too.
    let proof = |listed| footer(review, listed, max_pages, max_pages).chars().count();
    let proof = proof(0).max(proof(review.totals.changed));
    let frame = marker(review, max_pages, max_pages).chars().count() + proof + 32 + spare;
    let reserve = top.chars().count();
    let mut used = max_pages;
    for number in 1..=max_pages {
        let room = Allowance { page: limit.saturating_sub(frame + HEADING), pages: number, reserve };
        if allot(&mut blocks, room, review) || number == max_pages {
            used = number;
            break;
        }
    }
    if blocks.iter().any(Block::is_cut) {
        let room = Allowance { page: limit.saturating_sub(frame + HEADING), pages: used, reserve: reserve + UNLISTED };
        allot(&mut blocks, room, review);
    }
    let texts = laid_out(&blocks, &top, limit.saturating_sub(frame), used);
    let listed: usize = blocks.iter().filter(|block| block.step > 0).map(Block::objects).sum();
    let total = texts.len();
    let mut texts = texts;
    if let Some(last) = texts.last_mut() {
        *last += &unlisted(&blocks, review);
    }
    let page = |(index, text): (usize, String)| {
        let (before, after) = (marker(review, index + 1, total), footer(review, listed, index + 1, total));
        format!("{before}{}\n{after}", text.trim_end_matches('\n'))
    };
    texts.into_iter().enumerate().map(page).collect()
}

/// The longest heading of a section with the lines around it.
const HEADING: usize = 40;

/// The sentences about what is not listed and what is cut are never longer.
const UNLISTED: usize = 600;

/// How many characters blocks may have.
#[derive(Clone, Copy)]
struct Allowance {
    page: usize,
    pages: usize,
    /// Taken from the first page and from all together.
    reserve: usize,
}

/// Gives every block its step; true where all are shown at full length.
fn allot(blocks: &mut [Block<'_>], room: Allowance, review: &Review) -> bool {
    for block in blocks.iter_mut() {
        block.step = 0;
    }
    // A block stands on one page: at worst the longest one, and its heading, are missing at the end of each but the last.
    let page = room.page.saturating_sub(room.reserve);
    let all = room.page.saturating_mul(room.pages).saturating_sub(room.reserve + HEADING * (2 * room.pages + 4));
    let mut used = 0;
    let mut longest = 0;
    let mut raise = |rank: Rank, step: usize, all: usize| {
        let mut failures = 0;
        for block in blocks.iter_mut().filter(|block| block.rank() == rank) {
            let step = step.min(block.top());
            // What had no room for less has none for more.
            if step != block.step + 1 {
                continue;
            }
            let old = block.length(block.step, review);
            let new = block.length(step, review);
            let most = longest.max(new);
            let total = (used + new).saturating_sub(old);
            let too_wide = rank == Rank::Matrix && new > page / 3;
            if too_wide || new > page || total + most * (room.pages - 1) > all {
                failures += 1;
                // The room is as good as used up; to look at thousands more would take long and find little.
                if failures > 40 {
                    break;
                }
                continue;
            }
            used = total;
            longest = most;
            block.step = step;
        }
    };
    raise(Rank::Demands, 1, all);
    (1..=3).for_each(|step| raise(Rank::Lost, step, all));
    raise(Rank::Matrix, 1, all);
    (2..=3).for_each(|step| raise(Rank::Demands, step, all));
    // A part is left for the names of all others.
    (1..=3).for_each(|step| raise(Rank::Care, step, all / 4 * 3));
    for step in 1..=5 {
        for rank in [Rank::Lost, Rank::Care, Rank::Others] {
            raise(rank, step, all);
        }
    }
    blocks.iter().all(|block| block.step == block.top())
}

/// Blocks on pages, in order, with the headings of their sections.
fn laid_out(blocks: &[Block<'_>], top: &str, room: usize, pages: usize) -> Vec<String> {
    let mut texts = vec![top.to_owned()];
    let mut used = top.chars().count();
    let mut section = None;
    for block in blocks.iter().filter(|block| block.step > 0) {
        let length = block.steps[block.step].as_ref().map_or(0, |(_, length)| *length);
        if used + length + HEADING > room && texts.len() < pages {
            texts.push(String::new());
            used = 0;
            section = None;
        }
        let Some(text) = texts.last_mut() else { continue };
        if block.section != section
            && let Some(weight) = block.section
        {
            separate(text);
            let heading = format!("#### {} {}\n", weight.picture(), weight.heading());
            used += heading.chars().count() + 1;
            *text += &heading;
        }
        section = block.section;
        let block = block.text();
        // Lines of one list stand together.
        let list = |line: Option<&str>| line.is_some_and(|line| line.starts_with("* "));
        if !(list(text.lines().last()) && list(block.lines().next())) {
            separate(text);
        }
        *text += block;
        used += length;
    }
    texts
}

/// An empty line at the end, unless there is one or nothing at all.
fn separate(text: &mut String) {
    if !text.is_empty() && !text.ends_with("\n\n") {
        text.push('\n');
    }
}

/// Everything that is shown, in order.
fn blocks(review: &Review) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    if words::matrix(review).is_some() {
        blocks.push(Block::new(None, What::Matrix, 1));
    }
    let mut cosmetic = Vec::new();
    let mut families: Vec<(Option<How>, Vec<Bundle<'_>>)> = Vec::new();
    let mut known = HashMap::new();
    for (how, mut bundles) in fold::together(words::bundles(&review.items)) {
        if how.is_some() {
            families.push((how, bundles));
            continue;
        }
        let Some(bundle) = bundles.pop() else { continue };
        let Bundle { first, items } = &bundle;
        if bundle.weight() == Weight::Cosmetic {
            cosmetic.push(bundle);
        } else if items.len() > 1 {
            families.push((None, vec![bundle]));
        } else {
            let who = (first.class, first.action, &first.component, &first.object, &first.was);
            let index = *known.entry(who).or_insert(families.len());
            match families.get_mut(index) {
                Some((_, family)) => family.push(bundle),
                None => families.push((None, vec![bundle])),
            }
        }
    }
    for (how, family) in families {
        let weight = family.first().map(Bundle::weight);
        blocks.push(match how {
            None => Block::new(weight, What::Family(family), 5),
            Some(How::Configured) => Block::new(weight, What::Alike(family), 2),
            Some(How::Whole(..)) => Block::new(weight, What::Whole(family), 2),
        });
    }
    if !cosmetic.is_empty() {
        blocks.push(Block::new(None, What::Cosmetic(cosmetic), 2));
    }
    let by_tool = words::bundles(&review.by_tool);
    if words::versions(review).is_some() {
        let steps = if by_tool.is_empty() { 1 } else { 2 };
        blocks.push(Block::new(None, What::ByTool(by_tool), steps));
    }
    if !review.without_effect.is_empty() {
        blocks.push(Block::new(None, What::WithoutEffect, 2));
    }
    if !review.demands.is_empty() {
        blocks.push(Block::new(None, What::Demands, 3));
    }
    blocks
}

fn shown(what: &What<'_>, step: usize, review: &Review) -> String {
    match what {
        What::Family(bundles) => match step {
            1 => shortest(bundles, review),
            2 => bundles.iter().map(|bundle| one_line(bundle, review)).collect(),
            step => {
                let texts: Vec<String> = bundles.iter().map(|bundle| in_full(bundle, step - 3, review)).collect();
                texts.join("\n")
            }
        },
        What::Alike(bundles) => alike(bundles, step, review),
        What::Whole(bundles) => whole(bundles, step, review),
        What::Cosmetic(bundles) => cosmetic(bundles, step, review),
        What::ByTool(bundles) => by_tool(bundles, step, review),
        What::WithoutEffect => without_effect(step, review),
        What::Matrix => matrix(review),
        What::Demands => demands(step, review),
    }
}

/// The hidden first line, by which `ci/comment` finds the page again.
fn marker(review: &Review, page: usize, pages: usize) -> String {
    let commit: String = review.head.commit.iter().flat_map(|commit| words::hex(commit)).take(64).collect();
    let commit = if commit.is_empty() { "none" } else { &commit };
    format!("<!-- kubezero-review:v1 page {page}/{pages} head={commit} -->\n")
}

fn footer(review: &Review, listed: usize, page: usize, pages: usize) -> String {
    let pages = if pages > 1 { format!(" · page {page} of {pages}") } else { String::new() };
    format!("\n<sub>{}{pages}</sub>\n", words::proof(review, listed))
}

/// What a reviewer reads first.
fn header(review: &Review) -> String {
    if review.items.is_empty() {
        return format!("{}\n\n{}", words::nothing(review), unseen(review));
    }
    let mut out = format!("### {}\n", words::headline(review));
    let counts = review.totals.by_class.iter().map(|(class, number)| {
        let text = format!("{} {number} {}", Weight::of(*class).picture(), words::class(*class));
        if Weight::of(*class) <= Weight::Care { format!("**{text}**") } else { text }
    });
    out += &format!("{}\n\n", counts.collect::<Vec<_>>().join(" · "));
    let side = |side| match words::side(side) {
        (name, commit) if commit.is_empty() => code(&name),
        (name, commit) => format!("{} {commit}", code(&name)),
    };
    out += &format!("{} → {}: {}.", side(&review.base), side(&review.head), words::sizes(review));
    let open = review.demands.iter().filter(|demand| !demand.accepted).count();
    if open > 0 {
        let verb = if open == 1 { "waits" } else { "wait" };
        out += &format!(" **{} {verb} for a yes**, see the end.", count(open, "demand"));
    }
    out + "\n\n" + &unseen(review)
}

/// Of which charts the objects are not in the review, in a line or two.
fn unseen(review: &Review) -> String {
    let unseen = fold::unseen(review);
    let mut out = String::new();
    for one in unseen.iter().take(2) {
        let said = prose(&words::clip(&one.sentence(review, 3), 400));
        out += &format!("⚠️ **Objects not seen**: {said}.\n\n");
    }
    match unseen.len().saturating_sub(2) {
        0 => out,
        more => out + &format!("And {} for other reasons; the full report says which.\n\n", count(more, "more chart")),
    }
}

fn matrix(review: &Review) -> String {
    let Some(matrix) = words::matrix(review) else { return String::new() };
    let mut out = String::new();
    let long = matrix.rows.len() > 10;
    if long {
        out += &format!("<details><summary>{} by environment</summary>\n\n", count(matrix.rows.len(), "component"));
    }
    let heads: Vec<String> = matrix.columns.iter().map(|title| prose(title)).collect();
    out += &format!("| | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for (component, cells) in &matrix.rows {
        let cells: Vec<String> = cells
            .iter()
            .map(|cell| {
                let parts: Vec<String> =
                    cell.iter().map(|(weight, number)| format!("{} {number}", weight.picture())).collect();
                parts.join(", ")
            })
            .collect();
        out += &format!("| {} | {} |\n", cell_code(component), cells.join(" | "));
    }
    if long {
        out += "\n</details>\n";
    }
    out + "\n"
}

/// Where a bundle happens.
fn places(bundle: &Bundle<'_>, review: &Review) -> String {
    let names = bundle.environments();
    let mut text = in_code(&words::environments(&names, review));
    let guarded = bundle.first.places.iter().filter(|place| place.protected).count();
    if guarded > 0 {
        text += &if guarded == names.len() { " (protected)".to_owned() } else { format!(" ({guarded} protected)") };
    }
    text
}

/// Environments as code, but not the words for all of them.
fn in_code(environments: &str) -> String {
    if environments.starts_with("all ") {
        return environments.to_owned();
    }
    match environments.rsplit_once(" and ") {
        Some((names, rest)) => format!("{} and {rest}", code(names)),
        None => code(environments),
    }
}

/// The objects of a bundle, all by name.
fn names(bundle: &Bundle<'_>) -> String {
    let names = bundle.names();
    let one_kind = names.windows(2).all(|pair| pair[0].kind == pair[1].kind);
    let joined = |text: &dyn Fn(&words::Name) -> String| names.iter().map(text).collect::<Vec<_>>().join(", ");
    match names.as_slice() {
        [name] => code(&format!("{} {}", name.kind, name.path)),
        [name, ..] if one_kind => {
            let kinds = prose(&words::clip(&name.kind, 60));
            format!("{} {kinds}s {}", names.len(), joined(&|name| code(&words::clip(&name.path, 200))))
        }
        _ => {
            let both = |name: &words::Name| code(&words::clip(&format!("{} {}", name.kind, name.path), 200));
            format!("{} objects {}", names.len(), joined(&both))
        }
    }
}

/// What happens to the objects of a bundle, in the same words everywhere.
fn title(bundle: &Bundle<'_>) -> String {
    let mut text = names(bundle);
    match &bundle.first.was {
        Some(was) => text += &format!(" was {}", code(&words::clip(&words::former(was, &bundle.first.object), 200))),
        None if !bundle.happening().is_empty() => text += &format!(" {}", bundle.happening()),
        None => {}
    }
    text
}

/// One line, and no more in it than what and where.
fn shortest(bundles: &[Bundle<'_>], review: &Review) -> String {
    let Some(bundle) = bundles.first() else { return String::new() };
    let mut text = format!("* {} · {}", bundle.classes(), title(bundle));
    let names: BTreeSet<&str> = bundles.iter().flat_map(Bundle::environments).collect();
    let names: Vec<&str> = names.into_iter().collect();
    text += &format!(" · {}", in_code(&words::environments(&names, review)));
    let edits = bundle.first.edits.len();
    if bundles.len() > 1 {
        text += &format!(" · in {} different ways", bundles.len());
    } else if edits > 0 {
        text += &format!(" · {}", count(edits, "change"));
    }
    text + "\n"
}

/// One line with the first edits and the first cause.
fn one_line(bundle: &Bundle<'_>, review: &Review) -> String {
    let mut text = format!("* {} · {} · {}", bundle.classes(), title(bundle), places(bundle, review));
    let edits: Vec<Leaf<'_>> = bundle.first.edits.iter().flat_map(|edit| leaves(&edit.edit)).collect();
    let shown: Vec<String> = edits.iter().take(3).map(|leaf| edit_line(leaf, 60)).collect();
    if !shown.is_empty() {
        text += &format!(" · {}", shown.join("; "));
    }
    if edits.len() > 3 {
        text += &format!(" and {} more", edits.len() - 3);
    }
    let exceptions: usize = bundle.first.edits.iter().map(|edit| edit.exceptions.len()).sum();
    if exceptions > 0 {
        text += " · not the same everywhere";
    }
    if let Some(cause) = bundle.causes().first() {
        text += &format!(" · {}", code(&words::because(cause).at));
    }
    text + "\n"
}

fn edit_line(leaf: &Leaf<'_>, most: usize) -> String {
    let path = code(&words::clip(&leaf.path, 120));
    match leaf.short(most) {
        Ok((Some(old), Some(new))) => format!("{path}: {} → {}", code(&old), code(&new)),
        Ok((Some(old), None)) => format!("{path}: {} goes", code(&old)),
        Ok((None, Some(new))) => format!("{path}: {} comes", code(&new)),
        Ok((None, None)) => path,
        Err(remark) => format!("{path}: {}", prose(&remark)),
    }
}

/// Objects of one kind and one chart that change in configuration.
fn alike(bundles: &[Bundle<'_>], step: usize, review: &Review) -> String {
    let (Some(alike), Some(first)) = (fold::alike(bundles), bundles.first()) else { return String::new() };
    let kinds = prose(&fold::number(&words::clip(alike.kind, 60), alike.objects));
    let chart = code(&words::clip(alike.chart, 80));
    let title = format!("{kinds} of {chart} · {}", places(first, review));
    let class = words::class(first.first.class);
    if step == 1 {
        return format!("* {class} · {title}\n");
    }
    let names = |bundles: &[&Bundle<'_>]| -> String {
        let names = fold::names(bundles);
        names.iter().map(|name| code(&words::clip(name, 200))).collect::<Vec<_>>().join(", ")
    };
    let mut out = format!("**{class}** · {title}\n{}", causes(&first.causes()));
    if !alike.plain.is_empty() {
        let common: Vec<String> = alike.common.iter().map(|text| code(text)).collect();
        out += &format!("- in nothing but {}: {}\n", common.join("; "), names(&alike.plain));
    }
    for (bundle, leaves) in &alike.others {
        let short = |leaf: &Leaf<'_>| match leaf.is_short() {
            true => edit_line(leaf, 60),
            false => format!("{}{}", code(&words::clip(&leaf.path, 120)), fold::long(leaf)),
        };
        let shown: Vec<String> = leaves.iter().take(2).map(short).collect();
        let more = match leaves.len().saturating_sub(2) {
            0 => String::new(),
            more => format!("; and {}", count(more, "more edit")),
        };
        out += &format!("- {}: {}{more}\n", names(&[bundle]), shown.join("; "));
    }
    out
}

/// Objects that come or go with their chart.
fn whole(bundles: &[Bundle<'_>], step: usize, review: &Review) -> String {
    let Some(first) = bundles.first() else { return String::new() };
    let objects: usize = bundles.iter().map(|bundle| bundle.items.len()).sum();
    let verb = if first.first.action == Action::Removed { "are removed" } else { "are new" };
    let chart = code(&words::clip(first.first.chart.as_deref().unwrap_or_default(), 80));
    let all: Vec<&Bundle<'_>> = bundles.iter().collect();
    let title = format!("{objects} objects of {chart} {verb} · {}", places(first, review));
    let class = words::class(first.first.class);
    if step == 1 {
        return format!("* {class} · {title}: {}\n", prose(&words::clip(&fold::kinds(&all), 300)));
    }
    let mut out = format!("**{class}** · {title}\n{}", causes(&first.causes()));
    let mut said: Vec<(Vec<&Finding>, Vec<&Bundle<'_>>)> = Vec::new();
    for bundle in bundles {
        let findings = bundle.findings();
        match said.iter_mut().find(|(known, _)| *known == findings) {
            Some((_, known)) => known.push(bundle),
            None => said.push((findings, vec![bundle])),
        }
    }
    for (findings, bundles) in said {
        let reasons: Vec<String> = findings.iter().map(|finding| reason(finding)).collect();
        let kinds = prose(&words::clip(&fold::kinds(&bundles), 600));
        out += &format!("- {kinds}{}{}\n", if reasons.is_empty() { "" } else { ": " }, reasons.join(" "));
    }
    let name = |name: words::Name| code(&words::clip(&format!("{} {}", name.kind, name.path), 200));
    let names: Vec<String> = bundles.iter().flat_map(Bundle::names).map(name).collect();
    out + "\n" + &details("their names", &format!("{}\n", names.join(", ")))
}

/// Title, reasons, causes and exceptions; the edits in lines of their own where they are few and short, otherwise below
/// as a difference.
fn in_full(bundle: &Bundle<'_>, detail: usize, review: &Review) -> String {
    let item = bundle.first;
    let mut out = format!("**{}** · {} · {}", bundle.classes(), title(bundle), places(bundle, review));
    if bundle.names().iter().all(|name| !name.path.contains(item.component.as_str())) {
        out += &format!(" · component {}", code(&words::clip(&item.component, 80)));
    }
    out += "\n";
    let groups = bundle.groups();
    let all: Vec<Leaf<'_>> = groups.iter().flatten().flat_map(|edit| leaves(&edit.edit)).collect();
    let brief = all.len() <= 4 && all.iter().all(Leaf::is_short);
    if brief {
        out += &groups.iter().map(|group| in_lines(bundle, group, review)).collect::<String>();
    }
    // What is said of one edit of several stands with it.
    let shared = |finding: &&Finding| {
        brief || groups.len() < 2 || item.findings.contains(finding) || finding.class == item.class
    };
    let (said, with_edits): (Vec<&Finding>, Vec<&Finding>) =
        bundle.findings().into_iter().filter(|finding| says_something(finding, bundle)).partition(shared);
    out += &causes(&bundle.causes());
    out += &said.iter().map(|finding| format!("- {}\n", reason(finding))).collect::<String>();
    if !brief {
        out += &groups.iter().map(|group| exceptions(group)).collect::<String>();
    }
    let groups = if brief { &[] } else { groups.as_slice() };
    let body = differences(bundle, groups, &with_edits, detail, review);
    if body.is_empty() {
        return out;
    }
    let cosmetic = cosmetic_edits(bundle);
    let summary = match (brief, item.edits.is_empty()) {
        (_, true) => "the whole object".to_owned(),
        (true, _) => count(cosmetic.len(), "cosmetic change"),
        _ => count(all.len() + cosmetic.len(), "change"),
    };
    let open = if bundle.weight() <= Weight::Care && !brief { " open" } else { "" };
    out + &format!("\n<details{open}><summary>{summary}</summary>\n\n{body}\n</details>\n")
}

/// Whether a reason is worth a line: of an object of a chart everybody knows that no rule knows it.
fn says_something(finding: &Finding, bundle: &Bundle<'_>) -> bool {
    let is_plain = finding.rule.is_empty() && finding.class == Class::Configuration;
    finding.class != Class::Cosmetic && !(is_plain && bundle.first.chart.is_some())
}

/// The edits of bytes and nothing else; of a chart's object not those that say its version.
fn cosmetic_edits<'a>(bundle: &Bundle<'a>) -> Vec<&'a GroupedEdit> {
    let is_said = |edit: &&GroupedEdit| bundle.first.chart.is_some() && fold::is_of_label(&edit.finding);
    bundle.edits().1.into_iter().filter(|edit| !is_said(edit)).collect()
}

/// Short edits, each in a line, and where they do not happen.
fn in_lines(bundle: &Bundle<'_>, group: &[&GroupedEdit], review: &Review) -> String {
    let Some(first) = group.first() else { return String::new() };
    let edits = group.iter().flat_map(|edit| leaves(&edit.edit)).map(|leaf| edit_line(&leaf, 100));
    let mut line = format!("- {}", edits.collect::<Vec<_>>().join("; "));
    if words::partial(bundle, first) {
        let names: Vec<&str> = first.environments.iter().map(String::as_str).collect();
        line += &format!(", only in {}", in_code(&words::environments(&names, review)));
    }
    if let [one] = first.exceptions.as_slice() {
        return format!("{line}; {}\n", exception(one));
    }
    format!("{line}\n{}", exceptions(group))
}

/// Where edits do not happen, a line for each reason.
fn exceptions(group: &[&GroupedEdit]) -> String {
    let Some(first) = group.first() else { return String::new() };
    let paths: Vec<String> = group.iter().flat_map(|edit| leaves(&edit.edit)).map(|leaf| leaf.path).collect();
    let more = if paths.len() > 2 { format!(" and {} more", paths.len() - 2) } else { String::new() };
    let paths: Vec<String> = paths.iter().take(2).map(|path| code(&words::clip(path, 120))).collect();
    let paths = paths.join(", ") + &more;
    let mut out = String::new();
    for found in first.exceptions.iter().take(8) {
        out += &format!("- {paths} {}\n", exception(found));
    }
    match first.exceptions.len().saturating_sub(8) {
        0 => out,
        left => out + &format!("- and {} more\n", count(left, "exception")),
    }
}

fn reason(finding: &Finding) -> String {
    let remedy = if finding.remedy.is_empty() { String::new() } else { format!(" → {}", sentence(&finding.remedy)) };
    format!("{}{remedy}", sentence(&finding.reason))
}

fn sentence(text: &str) -> String {
    prose(&words::clip(text, 600))
}

fn causes(causes: &[&Cause]) -> String {
    let mut out = String::new();
    for cause in causes.iter().take(4) {
        let said = words::because(cause);
        let text = match (&said.old, &said.new) {
            (Some(old), Some(new)) => format!("{} → {}", code(old), code(new)),
            (Some(old), None) => format!("{} is gone", code(old)),
            (None, Some(new)) if cause.edited => format!("{} is new", code(new)),
            (None, Some(new)) => code(new),
            (None, None) => "as a whole".to_owned(),
        };
        out += &format!("- {} {}: {text}\n", said.word, code(&said.at));
    }
    if causes.len() > 4 {
        out += &format!("- and because of {} more\n", count(causes.len() - 4, "line"));
    }
    out
}

/// `not in` which environments, and why.
fn exception(exception: &Exception) -> String {
    let names: Vec<&str> = exception.environments.iter().map(String::as_str).collect();
    let (why, line) = words::why(exception);
    let line = line.map(|(at, text)| format!(", {}: {}", code(&at), code(&text))).unwrap_or_default();
    let number = if names.len() > 1 { format!(" ({} environments)", names.len()) } else { String::new() };
    format!("**not** in {}{number}: {}{line}", in_code(&words::fold(&names)), prose(&why))
}

/// The edits as a difference, by reason.
fn differences(
    bundle: &Bundle<'_>,
    groups: &[Vec<&GroupedEdit>],
    with_edits: &[&Finding],
    detail: usize,
    review: &Review,
) -> String {
    let mut out = String::new();
    let room = ROOMS[detail.min(2)];
    for group in groups {
        let Some(first) = group.first() else { continue };
        let mut lead = Vec::new();
        if with_edits.contains(&&first.finding) {
            lead.push(format!("**{}**: {}", words::class(first.finding.class), reason(&first.finding)));
        }
        if words::partial(bundle, first) {
            let names: Vec<&str> = first.environments.iter().map(String::as_str).collect();
            lead.push(format!("only in {}", in_code(&words::environments(&names, review))));
        }
        if !lead.is_empty() {
            out += &format!("{}\n\n", lead.join(" · "));
        }
        out += &format!("{}\n", fenced("diff", &lines(group, room)));
    }
    let cosmetic = cosmetic_edits(bundle);
    if !cosmetic.is_empty() {
        let said = if groups.is_empty() {
            String::new()
        } else {
            format!("{}:\n\n", count(cosmetic.len(), "cosmetic change"))
        };
        out += &format!("{said}{}", fenced("diff", &lines(&cosmetic, room)));
    }
    let preview = PREVIEWS[detail.min(2)];
    if let (Action::Added, Some(value), [_], true) =
        (bundle.first.action, &bundle.first.content, bundle.items.as_slice(), preview > 0)
    {
        let rows = content(value, Room { rows: preview, ..room });
        let lines = rows.iter().map(|row| match row.mark {
            Mark::Note => format!("# … {}", row.text),
            _ => row.text.clone(),
        });
        out += &fenced("yaml", &lines.collect::<Vec<_>>());
    }
    out.trim_end_matches('\n').to_owned() + if out.is_empty() { "" } else { "\n" }
}

fn lines(edits: &[&GroupedEdit], room: Room) -> Vec<String> {
    let mut lines = Vec::new();
    for edit in edits {
        let mut all = leaves(&edit.edit);
        let is_document = matches!(edit.edit.change, EditChange::Replaced { inside: Some(_), .. });
        let left = all.len().saturating_sub(OF_DOCUMENT);
        if is_document && left > 1 {
            all.truncate(OF_DOCUMENT);
        }
        for leaf in all {
            lines.push(format!("@@ {} @@", leaf.path));
            lines.extend(leaf.rows(room).iter().map(|row| match row.mark {
                Mark::Same => format!("  {}", row.text).trim_end().to_owned(),
                Mark::Old => format!("- {}", row.text),
                Mark::New => format!("+ {}", row.text),
                Mark::Note => format!("# … {}", row.text),
            }));
        }
        if is_document && left > 1 {
            lines.push(format!("# … {}", fold::more(left, &words::path(&edit.edit.path))));
        }
    }
    lines
}

fn details(summary: &str, body: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{body}\n</details>\n")
}

fn cosmetic(bundles: &[Bundle<'_>], step: usize, review: &Review) -> String {
    let objects: usize = bundles.iter().map(Bundle::objects).sum();
    let line = |bundle: &Bundle<'_>| {
        if step == 1 { shortest(std::slice::from_ref(bundle), review) } else { one_line(bundle, review) }
    };
    let verb = if objects == 1 { "changes" } else { "change" };
    let (groups, others) = fold::relabelled(bundles);
    let labels = groups.iter().filter_map(|group| {
        let first = group.first()?;
        let objects: usize = group.iter().map(|bundle| bundle.items.len()).sum();
        let chart = code(&words::clip(first.first.chart.as_deref().unwrap_or_default(), 80));
        let kinds = if step == 1 { String::new() } else { format!(": {}", prose(&fold::kinds(group))) };
        let said = fold::RELABELLED;
        Some(format!("* {objects} objects of {chart} · {} · {said}{kinds}\n", places(first, review)))
    });
    details(
        &format!("{} {verb} in bytes and nothing else", count(objects, "object")),
        &labels.chain(others.into_iter().map(line)).collect::<String>(),
    )
}

fn by_tool(bundles: &[Bundle<'_>], step: usize, review: &Review) -> String {
    let Some(said) = words::versions(review) else { return String::new() };
    if step < 2 || bundles.is_empty() {
        return format!("\n{}\n\n", prose(&said));
    }
    let lines: String = bundles.iter().map(|bundle| one_line(bundle, review)).collect();
    format!("{}\n\n{}", prose(&said), details("What the generator changes", &lines))
}

fn without_effect(step: usize, review: &Review) -> String {
    let edits = &review.without_effect;
    let summary = format!("{} without effect", count(edits.len(), "edited line"));
    if step < 2 {
        return format!("\n{summary}: the full report lists them.\n\n");
    }
    let mut body = String::new();
    for edit in edits {
        body += &format!("* {} {}", code(&words::at(&edit.at)), code(&words::clip(edit.at.text.trim(), 160)));
        if !edit.why.is_empty() {
            body += &format!(": {}", prose(&words::clip(&edit.why, 300)));
        }
        for shadow in &edit.shadowed_by {
            let names: Vec<&str> = shadow.environments.iter().map(String::as_str).collect();
            let (why, line) = words::why(shadow);
            let line = line.map(|(at, text)| format!(", {}: {}", code(&at), code(&text))).unwrap_or_default();
            let environments = in_code(&words::environments(&names, review));
            body += &format!("; in {environments} {}{line}", prose(&why));
        }
        body += "\n";
    }
    details(&summary, &body)
}

/// What has to be accepted, with the lines to copy.
fn demands(step: usize, review: &Review) -> String {
    let (open, accepted) = (words::asked(review, false), words::asked(review, true));
    let mut out = String::new();
    if !open.is_empty() {
        out += "#### To be accepted\n\n";
        if step > 1 {
            open.iter().for_each(|asked| out += &demand(asked, review));
            out += "\n";
        } else {
            let all: usize = open.iter().map(|asked| asked.environments.len()).sum();
            out += &format!("{}, listed in the full report.\n\n", count(all, "demand"));
        }
        let trailers: Vec<String> =
            open.iter().flat_map(|asked| &asked.trailers).map(|t| words::clip(t, 300)).collect();
        if !trailers.is_empty() && step > 1 {
            let lines = if trailers.len() == 1 { "this line" } else { "these lines" };
            out += &format!("Whoever wants that adds {lines} to the commit message:\n\n{}\n", fenced("", &trailers));
        }
    }
    if !accepted.is_empty() {
        let all: usize = accepted.iter().map(|asked| asked.environments.len()).sum();
        let lines: String = accepted.iter().map(|asked| demand(asked, review)).collect();
        let summary = format!("{} accepted", count(all, "demand"));
        separate(&mut out);
        out += &if step > 2 { details(&summary, &lines) } else { format!("{summary}.\n") };
    }
    out
}

fn demand(asked: &words::Asked<'_>, review: &Review) -> String {
    let at = asked.first.at.as_ref().map(|line| format!(" Asked for at {}.", code(&words::at(line))));
    let at = at.unwrap_or_default();
    let names = in_code(&words::environments(&asked.environments, review));
    let mut text = format!("* {names}: {}{at}", sentence(&words::about(asked)));
    if asked.first.accepted {
        let trailers: Vec<String> = asked.trailers.iter().map(|trailer| code(&words::clip(trailer, 300))).collect();
        if !trailers.is_empty() {
            text += &format!(" Said: {}", trailers.join(", "));
        }
    }
    text + "\n"
}

/// How many objects of which components are not listed, and where they are.
fn unlisted(blocks: &[Block<'_>], review: &Review) -> String {
    let mut by_component: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = 0;
    for item in blocks.iter().filter(|block| block.step == 0).flat_map(Block::bundles).flat_map(|b| &b.items) {
        *by_component.entry(item.component.as_str()).or_insert(0) += item.places.len();
        all += item.places.len();
    }
    let short: usize = blocks.iter().filter(|block| block.step > 0 && block.is_cut()).map(Block::objects).sum();
    let mut out = String::new();
    if short > 0 {
        out += &format!(
            "\n{} in one line for want of room; the full report says all: `kubezero diff --format html`.\n",
            if short == 1 { "1 object is told".to_owned() } else { format!("{short} objects are told") }
        );
    }
    if all == 0 {
        return out;
    }
    let mut counts: Vec<(&str, usize)> = by_component.into_iter().collect();
    counts.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    // A fence around backticks could be longer than there is room for.
    let named = |name: &str| code(&words::clip(name, 24).replace('`', "'"));
    let shown: Vec<String> = counts.iter().take(5).map(|(name, number)| format!("{} {number}", named(name))).collect();
    let more = match counts.len().saturating_sub(5) {
        0 => String::new(),
        more => format!(" and {}", count(more, "other component")),
    };
    out + &format!(
        "\n**{all} of {} are not listed here**, there is no room for them: {}{more}. The full report lists them: `kubezero diff --format html`.\n",
        count(review.totals.changed, "changed object"),
        shown.join(", ")
    )
}
