//! A review as one page: it works from disk, without network, and without its script.
//!
//! Everything is in the markup; the script filters it and moves about in it. The page's own style and script are named
//! by their digests in its policy, so that nothing else runs, whatever the review holds.

mod change;
#[cfg(test)]
mod samples;
mod text;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use self::text::{CLASSES, action, brief, capitalised, counted, escaped, full_name, grouped};
use super::fold;
use super::words::{self, Asked};
use crate::review::model::{
    Action, Cause, Class, Demand, Exception, Finding, GroupedEdit, Item, Line, Object, Place, Review, Side,
    WithoutEffect,
};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// Up to so many items are open from the start: of more, the first screen shows what each of them is about.
const OPEN: usize = 2;
/// Of more items than these, what is inside is markup only once it is opened, or where there is no script: a browser
/// takes what is in `noscript` for a text, which costs it nothing.
const AT_ONCE: usize = 100;
/// So many environments are named in an item's head.
const NAMED: usize = 3;
/// So many environments are named in a sentence.
const LISTED: usize = 12;
/// Up to so many rows the matrix is open from the start.
const ROWS: usize = 6;

/// The whole page.
pub fn page(review: &Review) -> String {
    let page = Page::of(review);
    let (style, script) = (STYLE.replace("\r\n", "\n"), SCRIPT.replace("\r\n", "\n"));
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        digest(&style),
        digest(&script)
    );
    let title = format!("{} · {} → {}", page.headline(), review.base.name, review.head.name);
    filled(PAGE, |name| match name {
        "policy" => policy.clone(),
        "title" => escaped(&title),
        "style" => style.clone(),
        "script" => script.clone(),
        "header" => page.header(),
        "options-environment" => options(page.environments.iter().copied()),
        "options-component" => options(page.components()),
        "options-class" => page.class_options(),
        "total" => page.items().count().to_string(),
        "not-seen" => page.not_seen(),
        "matrix" => page.matrix(),
        "changes" => page.changes(),
        "by-tool" => page.by_tool(),
        "without-effect" => page.without_effect(),
        "demands" => page.demands(),
        "proof" => page.proof(),
        "meanings" => meanings(),
        _ => String::new(),
    })
}

/// The template with its gaps filled; what fills them is not looked at again.
fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(1 << 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else { break };
        out.push_str(&value(name));
        rest = after;
    }
    out + rest
}

/// A source of the page's policy.
fn digest(text: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes())))
}

fn options<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.fold(String::new(), |out, name| {
        let name = escaped(name);
        out + &format!("<option value=\"{name}\">{name}</option>")
    })
}

/// By component, how many objects change and the worst of their classes.
type Row<'a> = BTreeMap<&'a str, (usize, Class)>;

/// What is shown of a place besides its environment: the object, the file, whether it is protected.
type Look<'a> = (&'a Object, &'a str, bool);

/// A review and what is looked up while it is drawn.
struct Page<'a> {
    review: &'a Review,
    /// Every environment that is on a side or in an item, in order.
    environments: Vec<&'a str>,
    /// Their places in that list.
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Page<'a> {
    fn of(review: &'a Review) -> Page<'a> {
        let mut environments: Vec<&str> = review.head.environments.iter().map(String::as_str).collect();
        let mut seen: BTreeSet<&str> = environments.iter().copied().collect();
        let places = review.items.iter().chain(&review.by_tool).flat_map(|item| &item.places);
        let others = review.base.environments.iter().map(String::as_str).chain(places.map(|p| p.environment.as_str()));
        for name in others {
            if seen.insert(name) {
                environments.push(name);
            }
        }
        let numbers = environments.iter().enumerate().map(|(number, name)| (*name, number)).collect();
        Page { review, environments, numbers }
    }

    fn items(&self) -> impl Iterator<Item = &'a Item> + use<'a> {
        self.review.items.iter().chain(&self.review.by_tool)
    }

    fn components(&self) -> impl Iterator<Item = &'a str> {
        self.items().map(|item| item.component.as_str()).collect::<BTreeSet<_>>().into_iter()
    }

    fn class_options(&self) -> String {
        let mut present = BTreeSet::new();
        for item in self.items() {
            present.extend(classes(item));
        }
        present.into_iter().map(text::class).fold(String::new(), |out, class| {
            out + &format!("<option value=\"{}\">{}</option>", class.key, class.title)
        })
    }

    fn headline(&self) -> String {
        match self.review.totals.changed {
            0 if self.review.has_changes() => "Not everything was seen".to_owned(),
            0 => "Nothing changes".to_owned(),
            _ => words::headline(self.review),
        }
    }

    fn header(&self) -> String {
        let Review { base, head, totals, .. } = self.review;
        let mut out = format!(
            "<p class=\"eyebrow\">{} <span class=\"to\">→</span> {}</p><h1>{}</h1>",
            side(base),
            side(head),
            escaped(&self.headline())
        );
        out += &format!("<p class=\"lede\">{}.</p>", escaped(&words::sizes(self.review)));
        if let Some(versions) = words::versions(self.review) {
            let versions = escaped(&versions);
            out += &match self.review.by_tool.is_empty() {
                true => format!("<p class=\"lede\">{versions}</p>"),
                false => format!("<p class=\"lede\">{versions} <a href=\"#by-tool\">What it changes</a></p>"),
            };
        }
        let unseen = self.review.unseen().count();
        if unseen > 0 {
            out += &format!(
                "<p class=\"stop\"><a href=\"#not-seen\">The objects of {} were not seen</a></p>",
                counted(unseen, "chart")
            );
        }
        let open: Vec<&Demand> = self.review.demands.iter().filter(|demand| !demand.accepted).collect();
        if !open.is_empty() {
            out += &format!(
                "<p class=\"stop\"><a href=\"#demands\">{} a person’s yes</a></p>",
                if open.len() == 1 { "1 change needs".to_owned() } else { format!("{} changes need", open.len()) }
            );
        }
        if !totals.by_class.is_empty() {
            out += "<ul class=\"counts\" aria-label=\"Changed objects by class\">";
            for (class, number) in &totals.by_class {
                let words = text::class(*class);
                out += &format!(
                    "<li><a class=\"t{}\" href=\"#class-{key}\" data-set=\"class={key}\"><b>{}</b> {}</a></li>",
                    words.tone,
                    grouped(*number),
                    words.title,
                    key = words.key
                );
            }
            out += "</ul>";
        }
        if totals.of_charts > 0 {
            let committed = totals.changed - totals.of_charts.min(totals.changed);
            out += &format!(
                "<ul class=\"counts\" aria-label=\"Changed objects by what makes them\">\
                 <li><a class=\"t0\" href=\"#changes\" data-set=\"made=chart\"><b>{}</b> Made by charts</a></li>\
                 <li><a class=\"t0\" href=\"#changes\" data-set=\"made=committed\"><b>{}</b> Committed</a></li></ul>",
                grouped(totals.of_charts),
                grouped(committed)
            );
        }
        out
    }

    /// The charts whose objects are not among the changes, and why.
    fn not_seen(&self) -> String {
        let unseen = fold::unseen(self.review);
        if unseen.is_empty() {
            return String::new();
        }
        let number = counted(self.review.unseen().count(), "chart");
        let mut out = section_start("not-seen", "Objects not seen", 0, &number);
        out += "<ul class=\"rows\">";
        for one in unseen {
            for chart in &one.charts {
                let names: Vec<&str> = chart.environments.iter().map(String::as_str).collect();
                out += &format!("<li><p><b>{}</b> in {}", escaped(&fold::chart(chart)), many(&names));
                if let Some(line) = &chart.at {
                    out += &format!(", {} <code>{}</code>", at(line), escaped(&line.text));
                }
                out += "</p></li>";
            }
            out +=
                &format!("<li><p class=\"reason\">The chart {}: {}</p></li>", escaped(one.why), sentence(one.remedy));
        }
        out + "</ul></div></section>"
    }

    /// How many objects change where, and how badly; environments with the same row share one.
    fn matrix(&self) -> String {
        let mut cells: BTreeMap<usize, Row<'_>> = BTreeMap::new();
        for item in &self.review.items {
            for place in &item.places {
                let row = cells.entry(self.number(&place.environment)).or_default();
                let cell = row.entry(item.component.as_str()).or_insert((0, item.class));
                *cell = (cell.0 + 1, cell.1.min(item.class));
            }
        }
        let mut rows: Vec<(Row<'_>, Vec<&str>)> = Vec::new();
        let mut known: HashMap<Vec<(&str, usize, Class)>, usize> = HashMap::new();
        for (number, row) in cells {
            let key = row.iter().map(|(component, (count, class))| (*component, *count, *class)).collect();
            let index = *known.entry(key).or_insert_with(|| {
                rows.push((row, Vec::new()));
                rows.len() - 1
            });
            rows[index].1.push(self.environments[number]);
        }
        if rows.is_empty() {
            return String::new();
        }
        // The worst columns and rows first: what matters stands at the top left.
        let mut columns: Vec<(Class, &str)> = self
            .review
            .items
            .iter()
            .fold(BTreeMap::new(), |mut worst: BTreeMap<&str, Class>, item| {
                let class = worst.entry(&item.component).or_insert(item.class);
                *class = item.class.min(*class);
                worst
            })
            .into_iter()
            .map(|(component, class)| (class, component))
            .collect();
        columns.sort_unstable();
        rows.sort_by_key(|(row, _)| row.values().map(|(_, class)| *class).min());
        let mut out = section_start(
            "where",
            "Where",
            0,
            &format!(
                "{}, <br>{}",
                counted(rows.iter().map(|(_, names)| names.len()).sum(), "environment"),
                counted(columns.len(), "component")
            ),
        );
        let fold = if rows.len() > ROWS {
            ("<details class=\"folded\"><summary>Show the table</summary>", "</details>")
        } else {
            ("", "")
        };
        out += fold.0;
        out += "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Changed objects by environment and component\">\
                <table><thead><tr><th scope=\"col\">Environment</th>";
        for (_, component) in &columns {
            let component = escaped(component);
            out += &format!(
                "<th scope=\"col\"><a href=\"#changes\" data-set=\"component={component}\">{component}</a></th>"
            );
        }
        out += "</tr></thead><tbody>";
        for (row, names) in &rows {
            self.row(&mut out, &columns, row, names);
        }
        out + "</tbody></table></div>" + fold.1 + "</div></section>"
    }

    fn row(&self, out: &mut String, columns: &[(Class, &str)], row: &Row<'_>, names: &[&str]) {
        let set = escaped(&names.join(","));
        let label = match names {
            [name] => escaped(name),
            names => format!("{} <span class=\"quiet\">{}</span>", counted(names.len(), "environment"), several(names)),
        };
        *out += &format!("<tr><th scope=\"row\"><a href=\"#changes\" data-set=\"environment={set}\">{label}</a></th>");
        for (_, component) in columns {
            match row.get(component) {
                None => *out += "<td></td>",
                Some((count, class)) => {
                    let words = text::class(*class);
                    *out += &format!(
                        "<td><a class=\"t{}\" href=\"#changes\" data-set=\"environment={set}\" \
                         data-and=\"component={}\">{}<span class=\"sr\"> {}</span></a></td>",
                        words.tone,
                        escaped(component),
                        grouped(*count),
                        words.title
                    );
                }
            }
        }
        *out += "</tr>";
    }

    fn number(&self, environment: &str) -> usize {
        self.numbers.get(environment).copied().unwrap_or_default()
    }

    fn changes(&self) -> String {
        let mut out = String::new();
        let is_open = self.review.items.len() <= OPEN;
        for class in CLASSES {
            let items: Vec<&Item> = self.review.items.iter().filter(|item| item.class == class).collect();
            if items.is_empty() {
                continue;
            }
            let words = text::class(class);
            let objects = counted(items.iter().map(|item| item.places.len()).sum(), "object");
            out += &section_start(&format!("class-{}", words.key), &words.title, words.tone, &objects);
            // Folded, and counted where it is folded.
            let is_folded = class == Class::Cosmetic;
            if is_folded {
                let number = counted(items.len(), "change");
                out += &format!("<details class=\"folded\"><summary>{number} of bytes and nothing else</summary>");
            }
            for item in items {
                self.item(&mut out, item, "item", is_open);
            }
            out += if is_folded { "</details></div></section>" } else { "</div></section>" };
        }
        if out.is_empty() {
            out = format!("<p class=\"nothing\">{}</p>", escaped(&words::nothing(self.review)));
        }
        out
    }

    fn item(&self, out: &mut String, item: &Item, prefix: &str, is_open: bool) {
        let words = text::class(item.class);
        let keys: Vec<&str> = classes(item).into_iter().map(|class| text::class(class).key).collect();
        let _ = write!(
            out,
            "<details class=\"item t{}\" id=\"{prefix}-{}\" data-class=\"{}\" data-on=\"{}\" data-component=\"{}\" data-made=\"{}\"{}><summary>",
            words.tone,
            escaped(&item.id),
            keys.join(" "),
            self.ranges(item),
            escaped(&item.component),
            if item.chart.is_some() { "chart" } else { "committed" },
            if is_open { " open" } else { "" }
        );
        self.head(out, item);
        *out += "</summary>";
        let is_lazy = self.items().count() > AT_ONCE && !is_open;
        *out += if is_lazy { "<noscript>" } else { "" };
        self.body(out, item, prefix);
        *out += if is_lazy { "</noscript></details>" } else { "</details>" };
    }

    fn body(&self, out: &mut String, item: &Item, prefix: &str) {
        *out += "<div class=\"body\">";
        findings(out, &item.findings, item.class);
        self.causes(out, &item.causes);
        for edit in &item.edits {
            self.edit(out, item, edit);
        }
        if let Some(content) = &item.content {
            let yaml = change::yaml(content);
            let (old, new) = if item.action == Action::Removed { (Some(&yaml), None) } else { (None, Some(&yaml)) };
            *out += &format!(
                "<details class=\"fold\"><summary>The whole object, {}</summary>",
                counted(yaml.lines().count(), "line")
            );
            change::sides(out, old.map(String::as_str), new.map(String::as_str));
            *out += "</details>";
        }
        places(out, item);
        let id = escaped(&item.id);
        *out += &format!(
            "<p class=\"meta\">Component {}{} · <a href=\"#{prefix}-{id}\">{id}</a></p></div>",
            escaped(&item.component),
            item.chart
                .as_deref()
                .map_or_else(String::new, |chart| format!(", made by the chart of {}", escaped(chart)))
        );
    }

    fn head(&self, out: &mut String, item: &Item) {
        let object = &item.object;
        let kind = match object.group.as_str() {
            "" => escaped(&object.kind),
            group => format!("<span title=\"{}\">{}</span>", escaped(group), escaped(&object.kind)),
        };
        *out += &format!(
            "<span class=\"who\"><span class=\"action\">{}</span> <span class=\"kind\">{kind}</span> <h3>{}</h3></span>",
            action(item.action),
            renamed(item)
        );
        *out += &format!("<span class=\"in\">{}</span><span class=\"why\">", self.whereabouts(&item.places));
        let worst = item.edits.iter().min_by_key(|edit| edit.finding.class);
        if item.findings.is_empty()
            && let Some(gist) = worst.and_then(|edit| change::gist(&edit.edit))
        {
            *out += &format!("<span class=\"gist\">{gist}</span> ");
        }
        let finding = item.findings.iter().chain(worst.map(|edit| &edit.finding)).min_by_key(|finding| finding.class);
        if let Some(finding) = finding {
            *out += &prose(&finding.reason);
        }
        if item.edits.len() > 1 {
            *out += &format!(" · {}", counted(item.edits.len() - 1, "more edit"));
        }
        *out += "</span>";
        let causes = worst.map(|edit| &edit.causes).filter(|causes| !causes.is_empty()).unwrap_or(&item.causes);
        if let Some(line) = causes.first().and_then(|cause| cause.after.as_ref().or(cause.before.as_ref())) {
            *out += &format!("<span class=\"from\">{}", at(line));
            if causes.len() > 1 {
                *out += &format!(" and {}", counted(causes.len() - 1, "more line"));
            }
            *out += "</span>";
        }
    }

    fn edit(&self, out: &mut String, item: &Item, edit: &GroupedEdit) {
        *out += "<div class=\"edit\">";
        change::edit(out, &edit.edit);
        let is_said = item.findings.contains(&edit.finding);
        if !is_said {
            findings(out, std::slice::from_ref(&edit.finding), item.class);
        }
        let (here, all) = (edit.environments.len(), item.places.len());
        if here < all {
            // Where every exception is listed, what is left is known.
            let known: usize = edit.exceptions.iter().map(|exception| exception.environments.len()).sum();
            let names = edit.environments.iter().map(String::as_str).collect::<Vec<_>>();
            *out += "<div class=\"only\">";
            *out += &match known + here == all && here > NAMED {
                true => format!("In {} of {all} environments", grouped(here)),
                false => format!("Only in {}", many(&names)),
            };
            *out += "</div>";
        }
        exceptions(out, &edit.exceptions, "Not in");
        if edit.causes != item.causes {
            self.causes(out, &edit.causes);
        }
        *out += "</div>";
    }

    /// The input lines that make a change.
    fn causes(&self, out: &mut String, causes: &[Cause]) {
        if causes.is_empty() {
            return;
        }
        *out += "<dl class=\"causes\">";
        for cause in causes {
            let word = if cause.edited { "Because of" } else { "Comes from" };
            *out += &format!("<div><dt>{word} ");
            match (&cause.before, &cause.after) {
                (Some(before), Some(after)) if before.file == after.file && before.line == after.line => {
                    *out += &at(after);
                }
                (before, after) => {
                    let lines: Vec<String> = before.iter().chain(after).map(at).collect();
                    *out += &lines.join(" → ");
                }
            }
            *out += "</dt><dd>";
            let (before, after) = (cause.before.as_ref(), cause.after.as_ref());
            if before.map(|line| &line.text) == after.map(|line| &line.text) {
                *out += &format!("<code>{}</code>", after.map(|line| escaped(&line.text)).unwrap_or_default());
            } else if !cause.edited && before.is_none() {
                *out += &format!("<code>{}</code>", after.map(|line| escaped(&line.text)).unwrap_or_default());
            } else {
                change::sides(out, before.map(|line| line.text.as_str()), after.map(|line| line.text.as_str()));
            }
            *out += "</dd></div>";
        }
        *out += "</dl>";
    }

    /// Numbers of the environments of an item, `0-33 40`, by which the script finds it.
    fn ranges(&self, item: &Item) -> String {
        let numbers: BTreeSet<usize> = item.places.iter().map(|place| self.number(&place.environment)).collect();
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => ranges.push((number, number)),
            }
        }
        let words: Vec<String> = ranges
            .into_iter()
            .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
            .collect();
        words.join(" ")
    }

    /// `aws-ha, aws-single`, or how many they are.
    fn whereabouts(&self, places: &[Place]) -> String {
        let mut names: Vec<&str> = places.iter().map(|place| place.environment.as_str()).collect();
        names.dedup();
        let guarded: BTreeSet<&str> =
            places.iter().filter(|place| place.protected).map(|place| place.environment.as_str()).collect();
        let count = names.len();
        let mut out = if count <= NAMED {
            named(names.iter().copied())
        } else if count == self.environments.len() {
            format!("all {} environments", grouped(count))
        } else {
            counted(count, "environment")
        };
        if !guarded.is_empty() {
            let word =
                if guarded.len() == count { "protected".to_owned() } else { format!("{} protected", guarded.len()) };
            out += &format!(" <span class=\"guard\">{word}</span>");
        }
        out
    }

    fn by_tool(&self) -> String {
        if self.review.by_tool.is_empty() {
            return String::new();
        }
        let objects: usize = self.review.by_tool.iter().map(|item| item.places.len()).sum();
        let mut out = section_start("by-tool", "By the generator alone", 0, &counted(objects, "object"));
        out += &format!(
            "<details class=\"folded\"><summary>The same input, rendered by {} instead of {}</summary>",
            self.review.head.generator.as_deref().map_or_else(|| "another version".to_owned(), escaped),
            self.review.base.generator.as_deref().map_or_else(|| "the one before".to_owned(), escaped)
        );
        for item in &self.review.by_tool {
            self.item(&mut out, item, "tool", false);
        }
        out + "</details></div></section>"
    }

    fn without_effect(&self) -> String {
        if self.review.without_effect.is_empty() {
            return String::new();
        }
        let number = counted(self.review.without_effect.len(), "input line");
        let mut out = section_start("without-effect", "Edited, without effect", 0, &number);
        out += "<ul class=\"rows\">";
        for WithoutEffect { at: line, path, shadowed_by, why } in &self.review.without_effect {
            out += &format!("<li><p>{} <code>{}</code></p>", at(line), escaped(&line.text));
            match path.as_str() {
                "" => out += &format!("<p class=\"reason\">{}</p>", sentence(&capitalised(why))),
                path => out += &format!("<p class=\"reason\"><code>{}</code>: {}</p>", escaped(path), sentence(why)),
            }
            exceptions(&mut out, shadowed_by, "In");
            out += "</li>";
        }
        out + "</ul></div></section>"
    }

    fn demands(&self) -> String {
        let demands = &self.review.demands;
        if demands.is_empty() {
            return String::new();
        }
        let open: Vec<&Demand> = demands.iter().filter(|demand| !demand.accepted).collect();
        let mut trailers: Vec<&str> = open.iter().filter_map(|demand| demand.trailer.as_deref()).collect();
        trailers.dedup();
        let number = format!("{} open, {} accepted", open.len(), demands.len() - open.len());
        let mut out = section_start("demands", "Needs a person’s yes", 0, &number);
        if trailers.len() > 1 {
            out += &format!("<p>{}</p>", copy(&trailers.join("\n"), &format!("Copy all {}", trailers.len())));
        }
        out += "<ul class=\"rows\">";
        for is_accepted in [false, true] {
            for asked in words::asked(self.review, is_accepted) {
                demand(&mut out, &asked, is_accepted);
            }
        }
        out + "</ul></div></section>"
    }

    fn proof(&self) -> String {
        let Review { base, head, totals, .. } = self.review;
        // In one piece: `kubezero diff --verify` reads it.
        let line = escaped(&words::proof(self.review, words::listed(&self.review.items)));
        let line = match line.strip_prefix("complete:") {
            Some(rest) => format!("<p class=\"whole\"><b>complete:</b>{rest}</p>"),
            None => format!("<p class=\"cut\"><b>incomplete:</b> {line}</p>"),
        };
        let row = |name: &str, side: &str, digest: &str| {
            format!("<div><dt>{name}</dt><dd>{side} <code>{}</code></dd></div>", escaped(digest))
        };
        format!(
            "{line}<dl>{}{}{}</dl>",
            row("changes", "", &totals.digest),
            row("base", &side(base), &base.digest),
            row("head", &side(head), &head.digest)
        )
    }
}

/// What is asked for in the same words, the lines that say yes to it, and where it is asked.
fn demand(out: &mut String, asked: &Asked<'_>, is_accepted: bool) {
    let Demand { gate, at: line, item, .. } = asked.first;
    let state = if is_accepted { ("said", "accepted") } else { ("unsaid", "open") };
    *out += &format!(
        "<li><div><span class=\"state {}\">{}</span> <b>{}</b> {}",
        state.0,
        state.1,
        many(&asked.environments),
        sentence(&words::about(asked))
    );
    if !item.is_empty() {
        *out += &format!(" <a href=\"#item-{}\">The change</a>", escaped(item));
    }
    *out += "</div>";
    if !asked.trailers.is_empty() {
        let trailers = asked.trailers.join("\n");
        *out += &format!("<div class=\"trailer\"><code>{}</code>", escaped(&trailers));
        if !is_accepted {
            *out += &copy(&trailers, "Copy");
        }
        *out += "</div>";
    }
    *out += &format!("<p class=\"reason\">Rule <code>{}</code>", escaped(gate));
    if let Some(line) = line {
        *out += &format!(", at {}", at(line));
    }
    *out += "</p></li>";
}

/// A heading at the side, and what follows it; tone 0 is that of the text.
fn section_start(id: &str, title: &str, tone: u8, number: &str) -> String {
    format!(
        "<section class=\"part\" id=\"{id}\"><header><h2 class=\"t{tone}\">{title}</h2> \
         <span class=\"quiet\">{number}</span></header><div class=\"list\">"
    )
}

/// What each class means.
fn meanings() -> String {
    CLASSES.map(text::class).iter().fold(String::new(), |out, class| {
        out + &format!("<div><dt class=\"t{}\">{}</dt><dd>{}</dd></div>", class.tone, class.title, class.meaning)
    })
}

/// `main 1a2b3c4d5e6f`.
fn side(side: &Side) -> String {
    let mut out = escaped(&side.name);
    if let Some(commit) = &side.commit
        && !commit.starts_with(&side.name)
    {
        out += &format!(" <code title=\"{}\">{}</code>", escaped(commit), escaped(&brief(commit)));
    }
    out
}

/// Its class and those of all its edits.
fn classes(item: &Item) -> BTreeSet<Class> {
    let edits = item.edits.iter().map(|edit| edit.finding.class);
    let findings = item.findings.iter().map(|finding| finding.class);
    edits.chain(findings).chain([item.class]).collect()
}

/// The name, and the one before where there was another.
fn renamed(item: &Item) -> String {
    let name = escaped(&full_name(&item.object));
    let Some(was) = &item.was else { return name };
    let mut before = full_name(was);
    if was.kind != item.object.kind || was.group != item.object.group {
        before = if was.group.is_empty() || was.kind != item.object.kind {
            format!("{} {before}", was.kind)
        } else {
            format!("{}.{} {before}", was.kind, was.group)
        };
    }
    format!("<del>{}</del> → {name}", escaped(&before))
}

/// A class where it is another than the item's, the reason, the remedy.
fn findings(out: &mut String, findings: &[Finding], of_item: Class) {
    for finding in findings {
        if finding.reason.is_empty() && finding.remedy.is_empty() {
            continue;
        }
        *out += "<p class=\"finding\">";
        if finding.class != of_item {
            let words = text::class(finding.class);
            *out += &format!("<span class=\"tag t{}\">{}</span> ", words.tone, words.title);
        }
        *out += &sentence(&finding.reason);
        if !finding.remedy.is_empty() {
            *out += &format!(" <span class=\"remedy\">{}</span>", sentence(&finding.remedy));
        }
        *out += "</p>";
    }
}

/// Where something else holds, and why.
fn exceptions(out: &mut String, exceptions: &[Exception], word: &str) {
    for Exception { environments, why, at: line } in exceptions {
        let names: Vec<&str> = environments.iter().map(String::as_str).collect();
        *out += &format!("<div class=\"exception\">{word} {}: {}", many(&names), escaped(why));
        if let Some(line) = line {
            // The words name the line already where they can.
            if !why.contains(&format!("{}:{}", line.file, line.line)) {
                *out += &format!(", {}", at(line));
            }
            *out += &format!(" <code>{}</code>", escaped(&line.text));
        }
        *out += "</div>";
    }
}

/// Environments and files; those that look alike in one line.
fn places(out: &mut String, item: &Item) {
    let mut alike: Vec<(Look<'_>, Vec<&str>)> = Vec::new();
    let mut known: HashMap<Look<'_>, usize> = HashMap::new();
    for place in &item.places {
        let key = (&place.object, place.file.as_str(), place.protected);
        let index = *known.entry(key).or_insert_with(|| {
            alike.push((key, Vec::new()));
            alike.len() - 1
        });
        alike[index].1.push(&place.environment);
    }
    *out += &format!(
        "<details class=\"fold\"><summary>{}</summary><ul class=\"places\">",
        counted(item.places.len(), "place")
    );
    for ((object, file, protected), environments) in alike {
        *out += &format!("<li>{}", many(&environments));
        if protected {
            *out += " <span class=\"guard\">protected</span>";
        }
        if *object != item.object {
            *out += &format!(" {} <b>{}</b>", escaped(&object.kind), escaped(&full_name(object)));
        }
        *out += &format!(" <code>{}</code></li>", escaped(file));
    }
    *out += "</ul></details>";
}

/// `FILE:LINE`.
fn at(line: &Line) -> String {
    format!("<span class=\"at\">{}:{}</span>", escaped(&line.file), line.line)
}

/// Names, all of them.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(escaped).collect::<Vec<_>>().join(", ")
}

/// Names; many of them folded behind their number.
fn many(names: &[&str]) -> String {
    let all = named(names.iter().copied());
    match names.len() {
        ..=LISTED => all,
        number => {
            let number = counted(number, "environment");
            format!("<details class=\"names\"><summary>{number}</summary>{all}</details>")
        }
    }
}

/// The first names and the last.
fn several(names: &[&str]) -> String {
    match names {
        [first, .., last] if names.len() > NAMED => format!("{} … {}", escaped(first), escaped(last)),
        names => named(names.iter().copied()),
    }
}

/// With a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    let is_ended = text.is_empty() || text.ends_with(['.', '!', '?', ':', '…']);
    prose(text) + if is_ended { "" } else { "." }
}

/// A text in which words between backticks are code, as a rule writes them.
fn prose(text: &str) -> String {
    let parts: Vec<String> = text.split('`').map(escaped).collect();
    if parts.len().is_multiple_of(2) {
        return escaped(text);
    }
    let part = |(index, part): (usize, String)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part };
    parts.into_iter().enumerate().map(part).collect()
}

/// A button that the script shows.
fn copy(text: &str, label: &str) -> String {
    format!("<button type=\"button\" class=\"copy\" data-copy=\"{}\" hidden>{label}</button>", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text between `>` and `<` that a tag of the content itself could have made.
    fn tags(html: &str, name: &str) -> usize {
        html.matches(&format!("<{name}")).count()
    }

    #[test]
    fn style_and_script_are_those_that_the_policy_names() {
        let page = page(&samples::dangerous());
        let between = |start: &str, end: &str| {
            let rest = page.split_once(start).unwrap().1;
            rest.split_once(end).unwrap().0.to_owned()
        };
        let policy = between("Content-Security-Policy\" content=\"", "\">");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.contains(&format!("style-src '{}'", digest(&between("<style>", "</style>")))), "{policy}");
        assert!(policy.contains(&format!("script-src '{}'", digest(&between("<script>", "</script>")))), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn the_page_asks_nobody_for_anything() {
        let page = page(&samples::dangerous());
        for word in [" src=", "url(", "@import", "fetch(", "http-equiv=\"refresh\"", " style=", " onclick="] {
            assert!(!page.contains(word), "{word}");
        }
        assert_eq!(tags(&page, "link"), 1, "the empty icon");
    }

    #[test]
    fn what_a_review_holds_is_never_markup() {
        let page = page(&samples::hostile());
        assert_eq!((tags(&page, "script"), tags(&page, "style")), (1, 1));
        for tag in ["img", "svg", "iframe", "/textarea", "!--"] {
            assert_eq!(tags(&page, tag), 0, "{tag}");
        }
        assert!(!page.contains("href=\"javascript:") && !page.contains("\u{202e}"));
        assert!(page.contains("{{script}}{{policy}}"), "gaps are filled in the template only");
        // An attribute that content had broken out of would stand before a bare name.
        assert!(!page.contains("\" autofocus") && !page.contains("' onmouseover="));
    }

    #[test]
    fn nor_where_it_waits_to_be_opened() {
        let page = page(&samples::hostile_many());
        assert_eq!(tags(&page, "noscript"), tags(&page, "/noscript"));
        assert_eq!(tags(&page, "noscript"), page.matches("<details class=\"item").count());
        assert_eq!((tags(&page, "script"), tags(&page, "style"), tags(&page, "img")), (1, 1, 0));
    }

    #[test]
    fn demands_in_the_same_words_are_one() {
        let mut review = samples::dangerous();
        for environment in ["aws-single", "bare-metal"] {
            let mut demand = review.demands[1].clone();
            for text in [&mut demand.environment, demand.trailer.as_mut().unwrap()] {
                *text = text.replace("aws-ha", environment);
            }
            review.demands.push(demand);
        }
        let page = page(&review);
        assert_eq!(page.matches("cluster-autoscaler may do more").count(), 1);
        assert_eq!(
            page.matches("Accept-Privilege: bare-metal/ClusterRole//cluster-autoscaler").count(),
            3,
            "shown, copied, copied with all"
        );
    }

    #[test]
    fn every_item_is_there_under_its_class() {
        let review = samples::dangerous();
        let page = page(&review);
        let mut last = 0;
        for item in &review.items {
            let at = page.find(&format!("id=\"item-{}\"", item.id)).unwrap();
            assert!(at > last, "{} stands before one that is worse", item.object.name);
            last = at;
        }
        assert_eq!(page.matches("<details class=\"item").count(), review.items.len() + review.by_tool.len());
        for text in [
            "Accept-Delete: aws-ha/orders-db",
            "environments/aws-ha/environment.yaml:31",
            "Not in aws-ha: has istio-system",
        ] {
            assert!(page.contains(text), "{text}");
        }
    }

    #[test]
    fn many_are_built_when_they_are_opened() {
        let many = page(&samples::large());
        assert_eq!((many.matches("<noscript>").count(), many.matches("</noscript>").count()), (2_000, 2_000));
        assert_eq!(page(&samples::dangerous()).matches("<noscript>").count(), 0);
    }

    #[test]
    fn environments_with_one_row_share_it() {
        let page = page(&samples::bump());
        let body = page.split_once("<tbody>").unwrap().1.split_once("</tbody>").unwrap().0;
        assert_eq!(body.matches("<tr>").count(), 1);
        assert!(body.contains("100 environments"), "{body}");
    }

    #[test]
    fn words_between_backticks_are_code() {
        assert_eq!(prose("Set `a<b` or `c`"), "Set <code>a&lt;b</code> or <code>c</code>");
        assert_eq!(prose("a lone ` stays"), "a lone ` stays");
    }

    #[test]
    fn nothing_is_said_where_nothing_changes() {
        let mut review = samples::bump();
        review.items.clear();
        review.totals = crate::review::model::Totals {
            of_charts: 0,
            changed: 0,
            listed: 0,
            files: 0,
            inputs: 14,
            by_class: Vec::new(),
            digest: "sha256:0".to_owned(),
        };
        let page = page(&review);
        assert!(page.contains("<h1>Nothing changes</h1>"));
        assert!(page.contains("No rendered change: 14 input files edited"));
    }

    #[test]
    fn an_incomplete_review_says_so() {
        let mut review = samples::bump();
        assert!(
            page(&review)
                .contains("<b>complete:</b> 100 of 100 changed objects listed · digest 77ab3f0c19d2e84b · base ")
        );
        review.items[0].places.pop();
        review.totals.listed -= 1;
        assert!(page(&review).contains("<b>incomplete:</b> listed 99 of 100 changed objects here · digest "));
    }

    #[test]
    fn environments_are_numbered_in_ranges() {
        let review = samples::bump();
        let page = Page::of(&review);
        let mut item = review.items[0].clone();
        item.places.retain(|place| !matches!(page.number(&place.environment), 3 | 5));
        assert_eq!(page.ranges(&item), "0-2 4 6-99");
    }

    /// For `ci/test-review-page`, which opens them in a browser.
    #[expect(clippy::disallowed_methods, reason = "the folder that ci/test-review-page names")]
    #[test]
    #[ignore = "writes pages into the folder that REVIEW_PAGES names"]
    fn pages_for_a_browser() {
        let folder = std::path::PathBuf::from(std::env::var_os("REVIEW_PAGES").unwrap());
        let reviews = [
            ("dangerous", samples::dangerous()),
            ("bump", samples::bump()),
            ("large", samples::large()),
            ("hostile", samples::hostile()),
            ("hostile-many", samples::hostile_many()),
        ];
        for (name, review) in reviews {
            std::fs::write(folder.join(name).with_extension("html"), page(&review)).unwrap();
        }
    }
}
