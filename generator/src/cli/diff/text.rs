//! A review for a terminal.

use std::collections::BTreeSet;

use anstyle::{AnsiColor, Style};

use super::fold::{self, How};
use super::rows::{Leaf, Mark, Room, Row, content, leaves};
use super::words::{self, Asked, Bundle, Weight};
use crate::cli::output::count;
use crate::cli::table::wrap;
use crate::review::model::{Action, Cause, Class, Finding, GroupedEdit, Review, WithoutEffect};
use crate::values::edit::Change;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const PLAIN: Style = Style::new();

/// How much of a difference a terminal shows: it can be scrolled.
const ROOM: Room = Room { context: 3, rows: 2000, width: 2000 };

/// So many edits of a document in a ConfigMap are shown.
const OF_DOCUMENT: usize = 4;

/// How much of a new object is shown.
const PREVIEW: Room = Room { context: 0, rows: 12, width: 300 };

/// A review in lines of about `width` columns, with colours.
pub fn text(review: &Review, width: usize) -> String {
    let mut page = Page { out: String::new(), width: width.max(20), review, at_heading: false, said: None };
    page.header();
    page.unseen();
    let bundles = words::bundles(&review.items);
    for part in bundles.chunk_by(|a, b| a.weight() == b.weight()) {
        let Some(weight) = part.first().map(Bundle::weight) else { continue };
        page.blank();
        page.line(0, colour(weight).bold(), &weight.heading().to_uppercase());
        page.at_heading = true;
        page.said = None;
        match weight {
            Weight::Cosmetic => page.folded(part),
            _ => page.told(part),
        }
    }
    page.handed_over();
    page.by_tool();
    page.without_effect();
    page.demands();
    page.blank();
    page.wrapped(0, 2, DIM, &words::proof(review, words::listed(&review.items)));
    page.out
}

/// The colour of a weight.
fn colour(weight: Weight) -> Style {
    match weight {
        Weight::Lost => RED,
        Weight::Care => AnsiColor::Yellow.on_default(),
        Weight::Changed => AnsiColor::Cyan.on_default(),
        Weight::New => GREEN,
        Weight::Cosmetic => DIM,
    }
}

struct Page<'a> {
    out: String,
    width: usize,
    review: &'a Review,
    /// Whether the line before is a heading.
    at_heading: bool,
    /// The lines that were named as the cause of the object of a chart before.
    said: Option<Vec<Cause>>,
}

impl Page<'_> {
    fn blank(&mut self) {
        self.out.push('\n');
    }

    /// What stands between two bundles.
    fn gap(&mut self) {
        if !std::mem::take(&mut self.at_heading) {
            self.blank();
        }
    }

    /// One line as it is.
    fn line(&mut self, indent: usize, style: Style, text: &str) {
        self.out += &format!("{:indent$}{style}{text}{style:#}\n", "");
    }

    /// A text in lines; those after the first go on further to the right.
    fn wrapped(&mut self, indent: usize, further: usize, style: Style, text: &str) {
        let room = self.width.saturating_sub(indent + further).max(16);
        for (index, line) in wrap(&words::visible(text), room).iter().enumerate() {
            let indent = if index == 0 { indent } else { indent + further };
            self.line(indent, style, line);
        }
    }

    fn header(&mut self) {
        let review = self.review;
        if review.items.is_empty() {
            self.wrapped(0, 2, BOLD, &words::nothing(review));
        } else {
            self.wrapped(0, 2, BOLD, &words::headline(review));
            self.counts();
        }
        let side = |side| match words::side(side) {
            (name, commit) if commit.is_empty() => name,
            (name, commit) => format!("{name} ({commit})"),
        };
        let between = format!("{} → {}", side(&review.base), side(&review.head));
        let sizes = if review.items.is_empty() { String::new() } else { format!(": {}", words::sizes(review)) };
        self.wrapped(0, 2, DIM, &format!("{between}{sizes}"));
        let open = review.demands.iter().filter(|demand| !demand.accepted).count();
        if open > 0 {
            let verb = if open == 1 { "waits" } else { "wait" };
            self.wrapped(0, 2, RED.bold(), &format!("{} {verb} for a yes: see the end", count(open, "demand")));
        }
        if !review.items.is_empty() {
            self.matrix();
        }
    }

    /// How many objects of each class, each in its colour.
    fn counts(&mut self) {
        let mut line = String::new();
        let mut used = 0;
        for (index, (class, number)) in self.review.totals.by_class.iter().enumerate() {
            let weight = Weight::of(*class);
            let text = format!("{} {number} {}", weight.sign(), words::class(*class));
            let length = text.chars().count();
            if index > 0 && used + 3 + length > self.width {
                line += "\n";
                used = 0;
            } else if index > 0 {
                line += " · ";
                used += 3;
            }
            let style = colour(weight);
            line += &format!("{style}{text}{style:#}");
            used += length;
        }
        if !line.is_empty() {
            self.out += &format!("{line}\n");
        }
    }

    /// Components by groups of environments; where it is too wide, one line for each pair.
    fn matrix(&mut self) {
        let Some(matrix) = words::matrix(self.review) else { return };
        let cell = |cell: &words::Cell| {
            let parts: Vec<String> =
                cell.iter().map(|(weight, number)| format!("{} {number}", weight.sign())).collect();
            parts.join(", ")
        };
        let first = matrix.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let cells: Vec<Vec<String>> = matrix.rows.iter().map(|(_, row)| row.iter().map(cell).collect()).collect();
        let widths: Vec<usize> = (0..matrix.columns.len())
            .map(|column| {
                let longest = cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
                longest.max(matrix.columns[column].chars().count())
            })
            .collect();
        self.blank();
        if first + widths.iter().map(|width| width + 2).sum::<usize>() <= self.width {
            let head: String =
                matrix.columns.iter().zip(&widths).map(|(title, &width)| format!("  {title:width$}")).collect();
            self.line(0, DIM, format!("{:first$}{head}", "").trim_end());
            for ((name, row), texts) in matrix.rows.iter().zip(&cells) {
                let mut line = format!("{name:first$}");
                for ((cell, text), &width) in row.iter().zip(texts).zip(&widths) {
                    let style = cell.keys().next().map_or(PLAIN, |weight| colour(*weight));
                    line += &format!("  {style}{text}{style:#}{:1$}", "", width - text.chars().count());
                }
                self.out += &format!("{}\n", line.trim_end());
            }
            return;
        }
        for ((name, row), texts) in matrix.rows.iter().zip(&cells) {
            self.line(0, PLAIN, name);
            for ((title, cell), text) in matrix.columns.iter().zip(row).zip(texts) {
                if let Some(weight) = cell.keys().next() {
                    let style = colour(*weight);
                    self.out += &format!("  {title}: {style}{text}{style:#}\n");
                }
            }
        }
    }

    /// Bundles of one weight. What charts make and no rule knows comes last, in few words.
    fn told(&mut self, bundles: &[Bundle<'_>]) {
        let (alike, others): (Vec<_>, Vec<_>) =
            fold::together(bundles.to_vec()).into_iter().partition(|(how, _)| *how == Some(How::Configured));
        let others: Vec<Bundle<'_>> = others.into_iter().flat_map(|(_, bundles)| bundles).collect();
        for story in words::stories(&others) {
            match story.as_slice() {
                [bundle] => self.bundle(bundle),
                bundles => self.story(bundles),
            }
        }
        alike.iter().for_each(|(_, bundles)| self.alike(bundles));
    }

    /// Objects of one kind and one chart that change in configuration.
    fn alike(&mut self, bundles: &[Bundle<'_>]) {
        let (Some(alike), Some(first)) = (fold::alike(bundles), bundles.first()) else { return };
        self.gap();
        let places = words::environments(&first.environments(), self.review);
        let title = format!(
            "{} {}: {} of {} in {places}{}",
            first.weight().sign(),
            words::class(first.first.class),
            fold::number(&words::clip(alike.kind, 60), alike.objects),
            words::clip(alike.chart, 80),
            self.guarded(first)
        );
        self.wrapped(0, 4, colour(first.weight()).bold(), &title);
        self.causes_of_chart(first);
        let names = |bundles: &[&Bundle<'_>]| fold::names(bundles).join(", ");
        if !alike.plain.is_empty() {
            let text = format!("in nothing but {}: {}", alike.common.join("; "), names(&alike.plain));
            self.wrapped(2, 2, PLAIN, &text);
        }
        for (bundle, leaves) in &alike.others {
            let short = |leaf: Leaf<'_>| match leaf.is_short() {
                true => edit_line(leaf),
                false => format!("{}{}", leaf.path, fold::long(&leaf)),
            };
            let shown: Vec<String> = leaves.iter().take(2).cloned().map(short).collect();
            let more = match leaves.len().saturating_sub(2) {
                0 => String::new(),
                more => format!("; and {}", count(more, "more edit")),
            };
            self.wrapped(2, 2, PLAIN, &format!("{}: {}{more}", names(&[bundle]), shown.join("; ")));
        }
    }

    /// The lines behind an object of a chart, unless they are those behind the one before.
    fn causes_of_chart(&mut self, bundle: &Bundle<'_>) {
        let causes = bundle.causes();
        let is_said = self.said.as_ref().is_some_and(|said| said.iter().eq(causes.iter().copied()));
        if !is_said {
            self.causes(2, &causes);
            self.said = Some(causes.into_iter().cloned().collect());
        }
    }

    /// Objects that come or go together by the same line: one title, and a word about each.
    fn story(&mut self, bundles: &[&Bundle<'_>]) {
        let Some(first) = bundles.first() else { return };
        self.gap();
        let mut components: Vec<&str> = Vec::new();
        for item in bundles.iter().flat_map(|bundle| &bundle.items) {
            let is_own = !matches!(item.component.as_str(), "namespaces" | "root");
            if is_own && !components.contains(&item.component.as_str()) {
                components.push(&item.component);
            }
        }
        let objects: usize = bundles.iter().map(|bundle| bundle.items.len()).sum();
        let classes: BTreeSet<Class> = bundles.iter().map(|bundle| bundle.first.class).collect();
        let classes: Vec<&str> = classes.into_iter().map(words::class).collect();
        let of = match components.as_slice() {
            [] => String::new(),
            names if names.len() > 4 => format!(" of {} components", names.len()),
            names => format!(" of {}", words::clip(&names.join(", "), 120)),
        };
        let verb = if first.first.action == Action::Removed { "are removed" } else { "are new" };
        let places = words::environments(&first.environments(), self.review);
        let guarded = self.guarded(first);
        let title = format!(
            "{} {}: {objects} objects{of} {verb} in {places}{guarded}",
            first.weight().sign(),
            classes.join(", ")
        );
        self.wrapped(0, 4, colour(first.weight()).bold(), &title);
        self.causes(2, &first.causes());
        // Of a whole chart a person wants to know what it was, and not every name.
        let is_chart = |bundle: &&Bundle<'_>| bundle.first.chart.is_some();
        let names = |bundles: &[&Bundle<'_>]| -> String {
            if bundles.iter().filter(|bundle| is_chart(bundle)).count() > 8 {
                return fold::kinds(bundles);
            }
            let names = bundles.iter().flat_map(|bundle| bundle.names());
            names.map(|name| format!("{} {}", name.kind, name.path)).collect::<Vec<_>>().join(", ")
        };
        // What a rule of its own speaks of comes first; the others are a list.
        let (said, plain): (Vec<&Bundle<'_>>, Vec<&Bundle<'_>>) =
            bundles.iter().partition(|bundle| bundle.findings().iter().any(|finding| finding.rule != "deleted"));
        let mut alike: Vec<(Vec<&Finding>, Vec<&Bundle<'_>>)> = Vec::new();
        for bundle in said {
            let findings = bundle.findings();
            match alike.iter_mut().find(|(known, _)| *known == findings) {
                Some((_, known)) => known.push(bundle),
                None => alike.push((findings, vec![bundle])),
            }
        }
        for (findings, bundles) in alike {
            let reasons: Vec<&str> = findings.iter().map(|finding| finding.reason.as_str()).collect();
            self.wrapped(2, 2, PLAIN, &format!("{}: {}", names(&bundles), reasons.join(" ")));
            findings.iter().for_each(|finding| self.remedy(4, &finding.remedy));
        }
        if plain.len() <= 12 {
            if !plain.is_empty() {
                self.wrapped(2, 2, PLAIN, &format!("and {}", names(&plain)));
            }
            return;
        }
        // A whole environment, say: what belongs together stands together.
        let mut by_component: Vec<(&str, Vec<&Bundle<'_>>)> = Vec::new();
        for bundle in plain {
            let component = bundle.first.component.as_str();
            match by_component.iter_mut().find(|(known, _)| *known == component) {
                Some((_, known)) => known.push(bundle),
                None => by_component.push((component, vec![bundle])),
            }
        }
        for (component, bundles) in by_component {
            self.wrapped(2, 4, PLAIN, &format!("{component} ({}): {}", bundles.len(), names(&bundles)));
        }
    }

    /// How many of its environments are protected.
    fn guarded(&self, bundle: &Bundle<'_>) -> String {
        let places = &bundle.first.places;
        match places.iter().filter(|place| place.protected).count() {
            0 => String::new(),
            some if some == places.len() => " (protected)".to_owned(),
            some => format!(" ({some} protected)"),
        }
    }

    /// Class, names, what happens to them, and where.
    fn title(&mut self, bundle: &Bundle<'_>) {
        let item = bundle.first;
        let mut names = bundle.names();
        let one_kind = names.windows(2).all(|pair| pair[0].kind == pair[1].kind);
        let mut text = match names.as_mut_slice() {
            [name] => format!("{} {}", name.kind, name.path),
            names if one_kind => {
                let paths: Vec<&str> = names.iter().map(|name| name.path.as_str()).collect();
                format!("{} {}s {}", paths.len(), names[0].kind, paths.join(", "))
            }
            names => {
                let all: Vec<String> = names.iter().map(|name| format!("{} {}", name.kind, name.path)).collect();
                format!("{} objects {}", all.len(), all.join(", "))
            }
        };
        match &item.was {
            Some(was) => text += &format!(" was {}", words::former(was, &item.object)),
            None if !bundle.happening().is_empty() => text += &format!(" {}", bundle.happening()),
            None => {}
        }
        text += &format!(" in {}", words::environments(&bundle.environments(), self.review));
        text += &self.guarded(bundle);
        if bundle.names().iter().all(|name| !name.path.contains(item.component.as_str())) {
            text += &format!(", component {}", words::clip(&item.component, 80));
        }
        let class = format!("{} {}:", bundle.weight().sign(), bundle.classes());
        let style = colour(bundle.weight()).bold();
        let lines = wrap(&words::visible(&format!("{class} {text}")), self.width.saturating_sub(4).max(16));
        for (index, line) in lines.iter().enumerate() {
            match line.strip_prefix(&class).filter(|_| index == 0) {
                Some(rest) => self.out += &format!("{style}{class}{style:#}{BOLD}{rest}{BOLD:#}\n"),
                None if index == 0 => self.line(0, style, line),
                None => self.line(4, BOLD, line),
            }
        }
    }

    fn bundle(&mut self, bundle: &Bundle<'_>) {
        self.gap();
        self.title(bundle);
        let groups = bundle.groups();
        let shared = bundle.causes();
        let own = !bundle.first.causes.is_empty() || groups.len() < 2;
        let is_of_chart = bundle.first.chart.is_some();
        if is_of_chart {
            self.causes_of_chart(bundle);
        } else if own {
            self.causes(2, &shared);
        }
        let mut said: Vec<&str> = Vec::new();
        for finding in bundle.findings() {
            // What is said of an edit stands with it, where there are several.
            let own = groups.len() > 1 && !bundle.first.findings.contains(finding);
            let is_plain =
                is_of_chart && (finding.rule.is_empty() && finding.class == Class::Configuration || is_image(finding));
            if !own && !is_plain && finding.class != Class::Cosmetic && !said.contains(&finding.reason.as_str()) {
                said.push(&finding.reason);
                self.wrapped(2, 2, PLAIN, &finding.reason);
                self.remedy(2, &finding.remedy);
            }
        }
        let mut before: Option<&GroupedEdit> = None;
        for group in &groups {
            // The same lines are not named twice.
            let causes =
                group.first().filter(|first| !own && before.is_none_or(|before| before.causes != first.causes));
            let causes: Vec<&Cause> = causes.into_iter().flat_map(|first| &first.causes).collect();
            self.group(bundle, group, &said, &causes);
            before = group.first().copied();
        }
        let cosmetic = bundle.edits().1;
        let is_relabelled = is_of_chart && cosmetic.iter().all(|edit| fold::is_of_label(&edit.finding));
        if !cosmetic.is_empty() && !is_relabelled {
            let paths: Vec<String> =
                cosmetic.iter().flat_map(|edit| leaves(&edit.edit)).map(|leaf| leaf.path).collect();
            let text = format!("{}: {}", count(paths.len(), "cosmetic change"), paths.join(", "));
            self.wrapped(2, 2, DIM, &text);
        }
        if let (Action::Added, Some(value), 1) = (bundle.first.action, &bundle.first.content, bundle.items.len()) {
            self.rows(4, &content(value, PREVIEW));
        }
    }

    fn remedy(&mut self, indent: usize, remedy: &str) {
        if !remedy.is_empty() {
            self.wrapped(indent, 2, PLAIN, &format!("→ {remedy}"));
        }
    }

    /// Edits with one reason; what was said of the whole object is not said again.
    fn group(&mut self, bundle: &Bundle<'_>, group: &[&GroupedEdit], said: &[&str], causes: &[&Cause]) {
        let Some(first) = group.first() else { return };
        let finding = &first.finding;
        let is_known = finding.rule.is_empty() && finding.class == Class::Configuration;
        let is_image = is_image(finding) && bundle.first.chart.is_some();
        if !finding.reason.is_empty() && !said.contains(&finding.reason.as_str()) && !is_known && !is_image {
            self.wrapped(2, 2, PLAIN, &format!("{}: {}", words::class(finding.class), finding.reason));
            self.remedy(2, &finding.remedy);
        }
        self.causes(2, causes);
        if words::partial(bundle, first) {
            let names: Vec<&str> = first.environments.iter().map(String::as_str).collect();
            self.wrapped(2, 2, PLAIN, &format!("only in {}:", words::environments(&names, self.review)));
        }
        // The reason says what became of the label.
        let is_label = finding.rule == "pods-restart-version";
        let mut shown: Vec<Leaf<'_>> = Vec::new();
        for edit in group.iter().filter(|_| !is_label) {
            let mut all = leaves(&edit.edit);
            let is_document = matches!(edit.edit.change, Change::Replaced { inside: Some(_), .. });
            let left = all.len().saturating_sub(OF_DOCUMENT);
            if !is_document || left < 2 || bundle.first.object.kind != "ConfigMap" {
                shown.extend(all);
                continue;
            }
            all.truncate(OF_DOCUMENT);
            shown.extend(all);
            self.edits(&std::mem::take(&mut shown), is_image);
            self.line(2, DIM, &format!("… {}", fold::more(left, &words::path(&edit.edit.path))));
        }
        self.edits(&shown, is_image);
        for exception in &first.exceptions {
            let names: Vec<&str> = exception.environments.iter().map(String::as_str).collect();
            let (why, line) = words::why(exception);
            let line = line.map(|(at, text)| format!(", {at}: {text}")).unwrap_or_default();
            let style = AnsiColor::Yellow.on_default();
            self.wrapped(2, 2, style, &format!("not in {}: {why}{line}", words::fold(&names)));
        }
    }

    /// Edits in order, those of one list together.
    fn edits(&mut self, leaves: &[Leaf<'_>], is_image: bool) {
        for together in leaves.chunk_by(|a, b| list(&a.path).is_some() && list(&a.path) == list(&b.path)) {
            self.leaves(together, is_image);
        }
    }

    /// Edits at one path, or of the items of one list that have no name: in one line if that says it all. Of an image
    /// the version is enough.
    fn leaves(&mut self, leaves: &[Leaf<'_>], is_image: bool) {
        let Some(first) = leaves.first() else { return };
        if let (true, [_], Some((name, old, new))) = (is_image, leaves, first.image()) {
            let text = format!("image: {name} {old} → {new}, at {}", first.path);
            self.wrapped(2, 2, PLAIN, &text);
            return;
        }
        let path = list(&first.path).map_or_else(|| first.path.clone(), |list| format!("{list}[]"));
        let cyan = AnsiColor::Cyan.on_default();
        let room = self.width.saturating_sub(path.chars().count() + 6);
        let texts = in_a_line(leaves).map(|(old, new)| (old.join(", "), new.join(", ")));
        if let Some((old, new)) = texts.filter(|(old, new)| old.len() + new.len() <= room) {
            let text = match (old.is_empty(), new.is_empty()) {
                (false, true) => format!("- {RED}{old}{RED:#}"),
                (true, false) => format!("+ {GREEN}{new}{GREEN:#}"),
                _ => format!("{RED}{old}{RED:#} → {GREEN}{new}{GREEN:#}"),
            };
            self.out += &format!("  {cyan}{path}:{cyan:#} {text}\n");
            return;
        }
        self.line(2, cyan, &path);
        leaves.iter().for_each(|leaf| self.rows(4, &leaf.rows(ROOM)));
    }

    fn rows(&mut self, indent: usize, rows: &[Row]) {
        for row in rows {
            match row.mark {
                Mark::Same => self.line(indent, PLAIN, format!("  {}", row.text).trim_end()),
                Mark::Old => self.line(indent, RED, &format!("- {}", row.text)),
                Mark::New => self.line(indent, GREEN, &format!("+ {}", row.text)),
                Mark::Note => self.line(indent, DIM, &format!("… {}", row.text)),
            }
        }
    }

    fn causes(&mut self, indent: usize, causes: &[&Cause]) {
        for cause in causes.iter().take(5) {
            let said = words::because(cause);
            let text = match (&said.old, &said.new) {
                (Some(old), Some(new)) => format!("{old} → {new}"),
                (Some(old), None) => format!("{old} (gone)"),
                (None, Some(new)) if cause.edited => format!("{new} (new)"),
                (None, Some(new)) => new.clone(),
                (None, None) => String::new(),
            };
            self.wrapped(indent, 2, DIM, &format!("{} {}: {text}", said.word, said.at));
        }
        if causes.len() > 5 {
            self.wrapped(indent, 2, DIM, &format!("and because of {} more", count(causes.len() - 5, "line")));
        }
    }

    /// Bundles of which nobody needs more than a line.
    fn folded(&mut self, bundles: &[Bundle<'_>]) {
        let (groups, others) = fold::relabelled(bundles);
        for group in groups {
            let Some(first) = group.first() else { continue };
            let objects: usize = group.iter().map(|bundle| bundle.items.len()).sum();
            let places = words::environments(&first.environments(), self.review);
            let chart = words::clip(first.first.chart.as_deref().unwrap_or_default(), 80);
            let said = fold::RELABELLED;
            let text = format!(
                "{} {objects} objects of {chart} in {places} {said}: {}",
                first.weight().sign(),
                fold::kinds(&group)
            );
            self.wrapped(0, 4, DIM, &text);
        }
        for bundle in others {
            self.wrapped(0, 4, DIM, &one_line(bundle, self.review));
        }
    }

    /// Charts that are delivered in another way, whose objects are the same.
    fn handed_over(&mut self) {
        let handed = words::handed_over(self.review);
        if !handed.is_empty() {
            self.blank();
            self.line(0, BOLD, "DELIVERED OTHERWISE");
            handed.iter().for_each(|line| self.wrapped(0, 2, PLAIN, line));
        }
    }

    /// What is not in the review, because no archive was at hand.
    fn unseen(&mut self) {
        let unseen = fold::unseen(self.review);
        if !unseen.is_empty() {
            self.blank();
            self.line(0, RED.bold(), "OBJECTS NOT SEEN");
            unseen.iter().for_each(|one| self.wrapped(0, 2, PLAIN, &one.sentence(self.review, usize::MAX)));
        }
    }

    fn by_tool(&mut self) {
        if let Some(said) = words::versions(self.review) {
            self.blank();
            self.wrapped(0, 2, BOLD, &said);
            self.folded(&words::bundles(&self.review.by_tool));
        }
    }

    fn without_effect(&mut self) {
        let edits = &self.review.without_effect;
        if edits.is_empty() {
            return;
        }
        self.blank();
        self.line(0, BOLD, &format!("{} WITHOUT EFFECT", count(edits.len(), "EDITED LINE").to_uppercase()));
        for edit in edits {
            self.wrapped(0, 2, PLAIN, &without_effect(edit));
            for exception in &edit.shadowed_by {
                let names: Vec<&str> = exception.environments.iter().map(String::as_str).collect();
                let (why, line) = words::why(exception);
                let line = line.map(|(at, text)| format!(", {at}: {text}")).unwrap_or_default();
                let names = words::environments(&names, self.review);
                self.wrapped(2, 2, DIM, &format!("{names}: {why}{line}"));
            }
        }
    }

    fn demands(&mut self) {
        let open = words::asked(self.review, false);
        if !open.is_empty() {
            self.blank();
            self.line(0, RED.bold(), "TO BE ACCEPTED");
            open.iter().for_each(|asked| self.demand(asked));
            let trailers: Vec<&str> = open.iter().flat_map(|asked| asked.trailers.iter().copied()).collect();
            if !trailers.is_empty() {
                let lines = if trailers.len() == 1 { "this line" } else { "these lines" };
                self.wrapped(0, 2, PLAIN, &format!("Whoever wants that adds {lines} to the commit message:"));
                trailers.iter().for_each(|trailer| self.line(2, BOLD, &words::visible(trailer)));
            }
        }
        let accepted = words::asked(self.review, true);
        if !accepted.is_empty() {
            self.blank();
            self.line(0, BOLD, "ACCEPTED");
            accepted.iter().for_each(|asked| self.demand(asked));
        }
    }

    fn demand(&mut self, asked: &Asked<'_>) {
        let names = words::environments(&asked.environments, self.review);
        let at = asked.first.at.as_ref().map(|line| format!(" Asked for at {}.", words::at(line)));
        let at = at.unwrap_or_default();
        let text = format!("{names} ({}): {}{at}", asked.first.gate, words::about(asked));
        self.wrapped(0, 2, PLAIN, &text);
        if asked.first.accepted {
            asked.trailers.iter().for_each(|trailer| self.line(2, DIM, &words::visible(trailer)));
        }
    }
}

/// Whether all that is said is which image runs.
fn is_image(finding: &Finding) -> bool {
    matches!(finding.rule.as_str(), "image" | "image-by-operator")
}

/// The list that the path of an item without a name leads into.
fn list(path: &str) -> Option<&str> {
    let (list, index) = path.strip_suffix(']')?.rsplit_once('[')?;
    index.bytes().all(|byte| byte.is_ascii_digit()).then_some(list)
}

/// What was and what is, where each is a short scalar.
fn in_a_line(leaves: &[Leaf<'_>]) -> Option<(Vec<String>, Vec<String>)> {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for leaf in leaves {
        let (was, is) = leaf.is_short().then(|| leaf.short(80).ok())??;
        old.extend(was);
        new.extend(is);
    }
    Some((old, new))
}

/// A bundle with its first edits, for lists.
fn one_line(bundle: &Bundle<'_>, review: &Review) -> String {
    let names: Vec<String> = bundle.names().iter().map(|name| format!("{} {}", name.kind, name.path)).collect();
    let mut text = format!("{} {}", bundle.weight().sign(), names.join(", "));
    match bundle.happening() {
        "" => {}
        happening => text += &format!(" {happening}"),
    }
    text += &format!(" in {}", words::environments(&bundle.environments(), review));
    let edits: Vec<String> = bundle.first.edits.iter().flat_map(|edit| leaves(&edit.edit)).map(edit_line).collect();
    if !edits.is_empty() {
        text += &format!(": {}", edits[..edits.len().min(3)].join("; "));
    }
    if edits.len() > 3 {
        text += &format!(" and {} more", edits.len() - 3);
    }
    text
}

fn edit_line(leaf: Leaf<'_>) -> String {
    match leaf.short(60) {
        Ok((Some(old), Some(new))) => format!("{} {old} → {new}", leaf.path),
        Ok((Some(old), None)) => format!("{} {old} goes", leaf.path),
        Ok((None, Some(new))) => format!("{} {new} comes", leaf.path),
        Ok((None, None)) => leaf.path,
        Err(remark) => format!("{} {remark}", leaf.path),
    }
}

fn without_effect(edit: &WithoutEffect) -> String {
    let why = if edit.why.is_empty() { String::new() } else { format!(" ({})", words::clip(&edit.why, 300)) };
    format!("{}: {}{why}", words::at(&edit.at), words::clip(edit.at.text.trim(), 160))
}
