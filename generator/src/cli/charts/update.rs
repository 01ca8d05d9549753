//! `kubezero charts update`

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use chart_store::Offered;
use helm_render::chart::version::{self, Version};

use super::super::files::replace;
use super::super::output::{complain, count, print};
use super::super::{Global, Outcome, cache, diff, pager, table};
use super::network::{Missing, Progress, options, wanted};
use super::{moved, named};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::pipeline::lock::{LOCK, Lock, Locked, Pin};
use crate::pipeline::repository::{Repository, Wanted};
use crate::pipeline::source::{Folder, With};
use crate::review::{Named, View, review};
use crate::{Result, pipeline};

/// A chart that may have another version.
struct Proposal {
    at: Origin,
    old: Pin,
    new: Pin,
}

/// Runs the command.
pub fn run(global: &Global, components: &[String], to: Option<&str>, write: bool) -> Result<Outcome> {
    let repository = global.load(&[])?;
    let charts = chosen(&repository, components)?;
    let proposals = ask(global, &repository, &charts, to)?;
    if proposals.is_empty() {
        if !global.quiet {
            print(&format!("{}: nothing newer\n", count(charts.len(), "chart")))?;
        }
        return Ok(Outcome::Fine);
    }
    let locked = bring(global, &repository, &proposals)?;
    let edits = edits(&repository, &proposals)?;
    let changed = show(global, &proposals, &locked, &edits)?;
    if !write {
        complain("nothing was written; --write does that\n");
        return Ok(Outcome::Fine);
    }
    for (path, text) in &edits {
        replace(&global.directory.join(path), text)?;
    }
    replace(&global.directory.join(LOCK), &changed)?;
    if !global.quiet {
        let mut said: Vec<String> = edits.keys().map(|path| format!("wrote {path}")).collect();
        said.push(format!("wrote {LOCK}"));
        for one in proposals.iter().filter(|one| repository.facts().has_chart(&one.old.name, &one.old.version)) {
            said.push(format!(
                "the facts of {} are those of {}: ci/facts writes them anew",
                one.old.name, one.old.version
            ));
        }
        complain(&(said.join("\n") + "\n"));
    }
    Ok(Outcome::Fine)
}

/// A chart of a component, and where its version stands.
struct Pinned {
    component: String,
    at: Origin,
    pin: Pin,
}

fn chosen(repository: &Repository, components: &[String]) -> Result<Vec<Pinned>> {
    let mut mistakes = Diagnostics::new();
    for name in components.iter().filter(|name| !repository.components().contains_key(*name)) {
        let known = repository.components().keys().map(String::as_str);
        mistakes.push(
            Diagnostic::new("unknown-component", format!("there is no component `{name}`")).did_you_mean(name, known),
        );
    }
    let mut found = Vec::new();
    for (name, component) in repository.components() {
        if !components.is_empty() && !components.contains(name) {
            continue;
        }
        for chart in component.charts.iter().filter(|chart| chart.folder.is_none()) {
            let (repository, title, version) = (chart.repository.clone(), chart.name.clone(), chart.version.clone());
            let pin = Pin { repository, name: title, version };
            found.push(Pinned { component: name.clone(), at: chart.version_at, pin });
        }
    }
    mistakes.or(found).map_err(|mistakes| repository.mistakes(mistakes))
}

/// Asks which versions there are, and says which are proposed.
fn ask(global: &Global, repository: &Repository, charts: &[Pinned], to: Option<&str>) -> Result<Vec<Proposal>> {
    let asked: Vec<(String, String)> =
        charts.iter().map(|one| (one.pin.repository.clone(), one.pin.name.clone())).collect();
    let progress = Progress::new(global, asked.len());
    let answers = chart_store::versions(&asked, &named::cache()?, &options(global)?, &|event| progress.tell(event));
    progress.end();
    let (mut missing, mut mistakes) = (Missing::default(), Diagnostics::new());
    let (mut proposals, mut rows) = (Vec::new(), Vec::new());
    for (one, answer) in charts.iter().zip(answers) {
        let offered = match answer {
            Ok(offered) => offered,
            Err(error) => {
                missing.push(&error, &one.pin, Some(one.at), None);
                continue;
            }
        };
        let Some(found) = newest(&offered, to) else {
            if let Some(to) = to {
                let message = format!("`{}` has no version `{to}`", one.pin.name);
                let newest = newest(&offered, None).map(|newest| format!("the newest is {}", newest.version));
                let diagnostic = Diagnostic::new("chart-not-fetched", message).at(one.at, "now");
                mistakes
                    .push(diagnostic.help(newest.unwrap_or_else(|| "it has no version that is a release".to_owned())));
            }
            continue;
        };
        // A version that was asked for may be an older one; what is proposed is newer.
        let order = order(&found.version, &one.pin.version);
        let is_wanted = if to.is_some() { order != Ordering::Equal } else { order == Ordering::Greater };
        if !is_wanted {
            continue;
        }
        let note = [
            found.app_version.as_deref().map(|version| format!("of {version}")),
            found.deprecated.then(|| "deprecated by its authors".to_owned()),
        ];
        let note = note.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let cells = [&one.component, &one.pin.name, &one.pin.version, &found.version, &note];
        rows.push(cells.map(|cell| (*cell).to_string()).to_vec());
        let new = Pin { version: found.version.clone(), ..one.pin.clone() };
        proposals.push(Proposal { at: one.at, old: one.pin.clone(), new });
    }
    mistakes.or(()).map_err(|mistakes| repository.mistakes(mistakes))?;
    missing.result(repository)?;
    if !rows.is_empty() && !global.quiet {
        print(&table::table(&["COMPONENT", "CHART", "NOW", "NEW", "PROGRAM"], &rows, table::width()))?;
        print("\n")?;
    }
    Ok(proposals)
}

/// The newest version that is meant.
fn newest<'o>(offered: &'o [Offered], to: Option<&str>) -> Option<&'o Offered> {
    let same = |left: &str, right: &str| left.trim_start_matches('v') == right.trim_start_matches('v');
    if let Some(to) = to
        && let Some(exact) =
            offered.iter().find(|one| one.version == to).or(offered.iter().find(|one| same(&one.version, to)))
    {
        return Some(exact);
    }
    let is_meant = |one: &&Offered| match to {
        Some(range) => version::matches(range, &one.version),
        None => !one.deprecated && Version::parse(&one.version).is_some_and(|version| version.pre.is_empty()),
    };
    offered.iter().filter(is_meant).max_by(|left, right| order(&left.version, &right.version))
}

fn order(left: &str, right: &str) -> Ordering {
    match (Version::parse(left), Version::parse(right)) {
        (Some(left), Some(right)) => left.compare(&right),
        _ => left.cmp(right),
    }
}

/// Fetches both versions of every chart; the lock as far as it is known comes back.
fn bring(global: &Global, repository: &Repository, proposals: &[Proposal]) -> Result<BTreeMap<Pin, Locked>> {
    let lock = repository.lock();
    let mut locked = lock.charts().clone();
    let pins: BTreeSet<&Pin> = proposals.iter().flat_map(|one| [&one.old, &one.new]).collect();
    let pins: Vec<&Pin> = pins.into_iter().filter(|pin| named::at_hand(repository, pin).is_err()).collect();
    let asked: Vec<chart_store::Pin> = pins.iter().map(|pin| wanted(pin, lock.get(pin))).collect();
    let progress = Progress::new(global, asked.len());
    let results = chart_store::fetch(&asked, &named::cache()?, &options(global)?, &|event| progress.tell(event));
    progress.end();
    let mut missing = Missing::default();
    for (pin, result) in pins.into_iter().zip(results) {
        match result {
            Ok(fetched) => {
                let entry = Locked { sha256: Some(fetched.sha256), oci_digest: fetched.oci_digest, at: None };
                locked.insert(pin.clone(), entry);
            }
            Err(error) => {
                let new = proposals.iter().find(|one| one.new == *pin);
                match new {
                    Some(one) => missing.push(&error, pin, Some(one.at), None),
                    // Without the old archive the review says itself what it could not show.
                    None => complain(&format!("the version that is named now did not come: {error}\n")),
                }
            }
        }
    }
    missing.result(repository)?;
    Ok(locked)
}

/// The files of components with the new versions in place of the old ones, all else as it was.
fn edits(repository: &Repository, proposals: &[Proposal]) -> Result<BTreeMap<String, String>> {
    let sources = repository.sources();
    let mut edits: BTreeMap<String, String> = BTreeMap::new();
    let mut mistakes = Diagnostics::new();
    for one in proposals {
        let path = sources.path(one.at.file).to_owned();
        let text = edits.entry(path).or_insert_with(|| sources.text(one.at.file).to_owned());
        match edited(text, one.at, &one.old.version, &one.new.version) {
            Some(edited) => *text = edited,
            None => mistakes.push(
                Diagnostic::new(
                    "chart-not-fetched",
                    format!("the version of `{}` cannot be replaced here", one.old.name),
                )
                .at(one.at, "")
                .help(format!("write `version: {}` yourself", one.new.version)),
            ),
        }
    }
    mistakes.or(edits).map_err(|mistakes| repository.mistakes(mistakes))
}

/// The text with another word at a place.
fn edited(text: &str, at: Origin, old: &str, new: &str) -> Option<String> {
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(at.line.checked_sub(1)? as usize).map(str::len).sum();
    let line = lines.next()?;
    let column = line.char_indices().nth(at.column.checked_sub(1)? as usize)?.0;
    let quote = line[column..].starts_with(['"', '\'']);
    let start = column + usize::from(quote);
    let rest = line.get(start..)?.strip_prefix(old)?;
    let ends = if quote {
        rest.starts_with(['"', '\''])
    } else {
        rest.trim_end().is_empty() || rest.starts_with([' ', ',', '}'])
    };
    ends.then(|| format!("{}{new}{}", &text[..before + start], &text[before + start + old.len()..]))
}

/// Shows what the new versions change; the text of the new lock comes back.
fn show(
    global: &Global,
    proposals: &[Proposal],
    locked: &BTreeMap<Pin, Locked>,
    edits: &BTreeMap<String, String>,
) -> Result<String> {
    let folder = Folder::new(&global.directory);
    let lock = (LOCK.to_owned(), Lock::text(locked));
    let before = [lock.clone()];
    let after: Vec<(String, String)> = edits.clone().into_iter().chain([lock]).collect();
    let base_source = With { folder: &folder, files: &before };
    let head_source = With { folder: &folder, files: &after };
    let charts = cache::charts();
    let base = Repository::load(&base_source, &Wanted::All)?.with_charts(charts.clone());
    let head = Repository::load(&head_source, &Wanted::All)?.with_charts(charts);
    let (base_environments, head_environments) = (pipeline::resolve(&base)?, pipeline::resolve(&head)?);
    let base_trees = pipeline::render(&base, &base_environments)?;
    let head_trees = pipeline::render(&head, &head_environments)?;
    let side = |name: &str| Named { name: name.to_owned(), commit: None, generator: Some(crate::VERSION.to_owned()) };
    let names = (side("the work tree"), side("the work tree with the new versions"));
    let base_view = View { repository: &base, trees: &base_trees, alone: false };
    let head_view = View { repository: &head, trees: &head_trees, alone: false };
    let review = review(Some(base_view), Some(head_view), names, None, &[]);
    if !global.quiet {
        let mut text = diff::text::text(&review, table::width());
        for one in proposals {
            text += &moved::text(base_view, head_view, &one.old, &one.new, table::width());
        }
        pager::page(&text, &global.directory)?;
    }
    // Versions that environments name themselves stay in the lock.
    let named = named::named(&head)?;
    let left: BTreeMap<Pin, Locked> = named
        .into_keys()
        .map(|pin| {
            let known = locked.get(&pin).cloned().unwrap_or_default();
            (pin, known)
        })
        .collect();
    Ok(Lock::text(&left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;

    #[test]
    fn a_version_is_replaced_where_it_stands() {
        let at = |line, column| Origin { file: FileId(0), line, column };
        for (text, place, new) in [
            ("a:\n  version: 1.2.3 # pinned\n", at(2, 12), "a:\n  version: 2.0.0 # pinned\n"),
            ("v: \"1.2.3\"\n", at(1, 4), "v: \"2.0.0\"\n"),
            ("{v: 1.2.3, w: 1}", at(1, 5), "{v: 2.0.0, w: 1}"),
            ("ü: 1.2.3", at(1, 4), "ü: 2.0.0"),
        ] {
            assert_eq!(edited(text, place, "1.2.3", "2.0.0").as_deref(), Some(new));
        }
        assert_eq!(edited("v: 1.2.34\n", at(1, 4), "1.2.3", "2.0.0"), None);
        assert_eq!(edited("v: *one\n", at(1, 4), "1.2.3", "2.0.0"), None);
    }

    #[test]
    fn the_newest_is_taken() {
        let offered = |version: &str, deprecated| Offered {
            version: version.to_owned(),
            sha256: None,
            app_version: None,
            deprecated,
        };
        let all = [
            offered("v1.9.0", false),
            offered("1.10.0", false),
            offered("2.0.0-rc.1", false),
            offered("3.0.0", true),
            offered("latest", false),
        ];
        let pick = |to| newest(&all, to).map(|one| one.version.as_str());
        assert_eq!(pick(None), Some("1.10.0"));
        assert_eq!(pick(Some("~1.9")), Some("v1.9.0"));
        assert_eq!(pick(Some("1.9.0")), Some("v1.9.0"));
        assert_eq!(pick(Some(">=2.0.0-0")), Some("3.0.0"));
        assert_eq!(pick(Some("4.x")), None);
    }
}
