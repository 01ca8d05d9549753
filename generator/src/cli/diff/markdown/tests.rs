//! What reviewers see, as goldens, and what always holds of it.

#![allow(clippy::disallowed_methods, reason = "tests read and write their goldens")]

use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::samples::{self, cause, edit, finding, item, object, replaced};
use crate::cli::diff::{markdown, sarif, text, words};
use crate::review::model::{Action, Class, Demand, Exception, Review, WithoutEffect};

type Sample = fn() -> Review;

const ALL: [(&str, Sample); 5] = [
    ("bump", samples::bump),
    ("danger", samples::danger),
    ("addition", samples::addition),
    ("settings", samples::settings),
    ("nothing", samples::nothing),
];

/// Colours away: what a pipe gets.
fn colourless(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        out += &rest[..at];
        let end = rest[at..].find('m').unwrap();
        rest = &rest[at + end + 1..];
    }
    out + rest
}

/// Compares with a golden, or writes it where `BLESS=1`.
fn golden(name: &str, found: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reviews").join(name);
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, found).unwrap();
        return None;
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    (wanted != found).then(|| {
        let diff = similar::TextDiff::from_lines(wanted.as_str(), found).unified_diff().to_string();
        format!("tests/reviews/{name} is not as expected (BLESS=1 cargo test writes it):\n{diff}")
    })
}

#[test]
fn what_a_reviewer_sees() {
    let mut wrong = Vec::new();
    for (name, make) in ALL {
        let review = make();
        let pages = markdown::pages(&review, 65_536, 1);
        assert_eq!(pages.len(), 1);
        wrong.extend(golden(&format!("{name}.md"), &pages[0]));
        for width in [40, 80, 120] {
            wrong.extend(golden(&format!("{name}.{width}.txt"), &colourless(&text::text(&review, width))));
        }
        let log = serde_json::to_string_pretty(&sarif::document(&review)).unwrap() + "\n";
        wrong.extend(golden(&format!("{name}.sarif.json"), &log));
    }
    // What is left where there is no room.
    let mut crowded = samples::large(false);
    crowded.items.extend(samples::danger().items);
    crowded.demands = samples::danger().demands;
    samples::add_up(&mut crowded);
    wrong.extend(golden("crowded.md", &markdown::pages(&crowded, 8000, 1)[0]));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_version_in_a_hundred_environments_is_short() {
    let page = &markdown::pages(&samples::bump(), 65_536, 1)[0];
    assert!(page.chars().count() < 3000, "{} characters", page.chars().count());
    assert!(page.contains("all 100 environments"), "{page}");
    assert!(page.contains("`prod-eu-{1..8}` (8 environments)"), "{page}");
    assert!(page.contains("complete: 100 of 100 changed objects listed"), "{page}");
}

#[test]
fn the_three_facts_come_first_in_order_with_their_lines() {
    let review = samples::danger();
    let facts = [
        ("orders/orders-db", "environments/prod-eu-7/environment.yaml:12"),
        ("ci-deployer", "components/ci/templates/role.yaml:9"),
        ("argocd/monitoring", "components/monitoring/component.yaml:4"),
    ];
    for shown in [markdown::pages(&review, 65_536, 1).remove(0), colourless(&text::text(&review, 100))] {
        let first: Vec<&str> = shown.lines().take(40).collect();
        let mut from = 0;
        for (name, line) in facts {
            let places = [name, line].map(|text| {
                let at = first.iter().skip(from).position(|shown| shown.contains(text));
                from + at.unwrap_or_else(|| panic!("{text} is not in its place:\n{}", first.join("\n")))
            });
            from = places[0].max(places[1]);
        }
    }
}

#[test]
fn a_review_without_changes_is_a_sentence() {
    let mut review = samples::nothing();
    review.without_effect.clear();
    review.totals.inputs = 14;
    let page = markdown::pages(&review, 65_536, 1).remove(0);
    let lines: Vec<&str> = page.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 3, "marker, sentence, proof: {page}");
    assert_eq!(lines[1], "No rendered change: 14 input files edited, 0 outputs differ.");
}

#[test]
fn what_does_not_fit_is_counted() {
    let mut review = samples::large(false);
    // Objects of which none is like another.
    for (number, item) in review.items.iter_mut().enumerate() {
        item.object.name += &format!("-{number}");
        item.places[0].object = item.object.clone();
    }
    let page = markdown::pages(&review, 20_000, 1).remove(0);
    check(&page, 20_000);
    let listed = listed(&page);
    assert!(listed > 100 && listed < 2000, "{page}");
    assert!(page.contains(&format!("**{} of 2000 changed objects are not listed here**", 2000 - listed)), "{page}");
    // The worst is last to be cut.
    review.items.extend(samples::danger().items.drain(..3));
    samples::add_up(&mut review);
    let page = markdown::pages(&review, 5000, 1).remove(0);
    check(&page, 5000);
    assert!(page.contains("Take a backup first") && page.contains("It has the finalizer"));
}

#[test]
fn more_pages_hold_more() {
    let review = samples::large(false);
    let pages = markdown::pages(&review, 65_536, 9);
    assert!(pages.len() > 1 && pages.len() < 10);
    pages.iter().for_each(|page| check(page, 65_536));
    assert!(pages[0].contains("complete: 2000 of 2000"), "{}", pages[0]);
    for (index, page) in pages.iter().enumerate() {
        assert!(page.starts_with(&format!("<!-- kubezero-review:v1 page {}/{} head=a1b2c3d4", index + 1, pages.len())));
    }
    let named = pages.concat().matches("**configuration** · `Application argocd/component-").count();
    assert!(named > 200, "{named}");
}

#[test]
fn large_reviews_take_milliseconds() {
    for alike in [true, false] {
        let review = samples::large(alike);
        let start = std::time::Instant::now();
        let pages = markdown::pages(&review, 65_536, 1);
        let markdown = start.elapsed();
        let text = text::text(&review, 100);
        let both = start.elapsed();
        sarif::document(&review);
        eprintln!(
            "alike {alike}: markdown {markdown:?}, text {:?}, sarif {:?}",
            both - markdown,
            start.elapsed() - both
        );
        assert!(pages[0].len() + text.len() > 1000);
        // Generous: the tests run unoptimised, on machines that do other things too.
        assert!(start.elapsed() < std::time::Duration::from_secs(5));
    }
}

#[test]
fn environments_are_named_in_few_words() {
    let fleet = samples::fleet();
    let names: Vec<&str> = fleet.iter().map(String::as_str).collect();
    assert_eq!(words::fold(&names), "dev-{1..34}, prod-eu-{1..33}, staging-{1..33}");
    assert_eq!(words::fold(&["c001", "c002", "c003", "c010"]), "c{001..003,010}");
    assert_eq!(words::fold(&["eu-1-prod", "eu-2-prod"]), "eu-{1,2}-prod");
    assert_eq!(words::fold(&["a", "b", "c", "d"]), "a, b, c, d");
    assert_eq!(words::fold(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    assert_eq!(words::fold(&["a", "a-1", "01", "1"]), "a, a-1, 01, 1");
}

#[test]
fn sarif_points_at_inputs() {
    let log = sarif::document(&samples::danger());
    let results = log["runs"][0]["results"].as_array().unwrap();
    let database = results.iter().find(|result| result["ruleId"] == "review/database-removed").unwrap();
    assert_eq!(database["level"], "error");
    let at = &database["locations"][0]["physicalLocation"];
    assert_eq!(at["artifactLocation"]["uri"], "environments/prod-eu-7/environment.yaml");
    assert_eq!(at["region"]["startLine"], 12);
    let rules: Vec<_> =
        log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|r| &r["id"]).collect();
    assert!(results.iter().all(|result| rules.contains(&&result["ruleId"])));
}

/// How many objects a page says are listed.
fn listed(page: &str) -> usize {
    let proof = page.lines().rfind(|line| line.starts_with("<sub>")).unwrap();
    let words: Vec<&str> = proof.trim_start_matches("<sub>").split(' ').collect();
    words[1].parse().unwrap()
}

/// What holds of every page.
fn check(page: &str, limit: usize) {
    assert!(page.chars().count() <= limit - limit / 50, "{} of {limit}", page.chars().count());
    assert!(page.starts_with("<!-- kubezero-review:v1 page "), "{page}");
    assert!(page.lines().next().unwrap().ends_with(" -->"), "{page}");
    let outside = outside_code(page).replace("&#8203;", "\u{200b}").replace("\\]", "");
    assert_eq!(outside.matches("<details").count(), outside.matches("</details>").count(), "{page}");
    assert_eq!(outside.matches("<!--").count(), 1, "{outside}");
    for (at, _) in outside.match_indices(['@', '#']) {
        let next = outside[at + 1..].chars().next().unwrap_or(' ');
        assert!(!next.is_alphanumeric(), "{:?} in {outside}", &outside[at..]);
    }
    assert!(!outside.contains("://") && !outside.contains("]("), "{outside}");
    for tag in outside.split('<').skip(1) {
        let known = ["!--", "details", "/details", "summary", "/summary", "sub>", "/sub>"];
        assert!(known.iter().any(|known| tag.starts_with(known)), "<{tag}");
    }
    let hidden = |c: char| (c.is_control() && c != '\n' && c != '\t') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!page.contains(hidden), "{page:?}");
    let proof = page.lines().rfind(|line| !line.is_empty()).unwrap();
    assert!(proof.starts_with("<sub>") && proof.contains(" listed") | proof.contains("listed "), "{proof}");
}

/// A page without its fences and its code in lines, read as Markdown does.
fn outside_code(page: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<usize> = None;
    for line in page.lines() {
        let ticks = line.chars().take_while(|c| *c == '`').count();
        match fence {
            Some(open) => {
                if ticks >= open && line.len() == ticks {
                    fence = None;
                }
            }
            None if ticks >= 3 && !line[ticks..].contains('`') => fence = Some(ticks),
            None => out += &(without_spans(line) + "\n"),
        }
    }
    assert_eq!(fence, None, "a fence stays open:\n{page}");
    out
}

fn without_spans(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        // An escaped backtick opens nothing; an escaped backslash escapes nothing.
        let slashes = rest[..at].chars().rev().take_while(|c| *c == '\\').count();
        if slashes % 2 == 1 {
            out += &rest[..=at];
            rest = &rest[at + 1..];
            continue;
        }
        out += &rest[..at];
        let ticks = rest[at..].chars().take_while(|c| *c == '`').count();
        let after = &rest[at + ticks..];
        let close = runs(after).find(|(_, length)| *length == ticks);
        let Some((end, _)) = close else { panic!("code is never closed: {line}") };
        rest = &after[end + ticks..];
    }
    out + rest
}

fn runs(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find('`')?;
        let length = text[start..].chars().take_while(|c| *c == '`').count();
        at = start + length;
        Some((start, length))
    })
}

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "`",
        "```",
        "````diff",
        "</details>",
        "<details open>",
        "@here",
        "#1",
        "!2",
        "\u{202e}",
        "\u{0}",
        "<!--",
        "-->",
        "|",
        "\n",
        "\r\n",
        "\t",
        "- ",
        "* ",
        "# ",
        "> ",
        "[a](b)",
        "https://x.y",
        "www.x.y",
        "\\",
        "GH-3",
        "~~~",
        "a",
        "name",
        "é",
        "👩‍🚀",
        " ",
        "<script>",
        "&lt;",
        "\u{1b}[31m",
        "\u{2028}",
        "{environment}",
        "env-1",
        "7",
        "---",
        "$x$",
    ]);
    let short = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    prop_oneof![20 => short.clone(), 1 => short.prop_map(|text| text + &"x`@a ".repeat(2000))]
}

fn any_class() -> impl Strategy<Value = Class> {
    prop::sample::select(vec![
        Class::Destroyed,
        Class::DataLoss,
        Class::Immutable,
        Class::Identity,
        Class::Privilege,
        Class::CrdNarrowed,
        Class::ArgoCd,
        Class::Traffic,
        Class::Restart,
        Class::Scale,
        Class::Image,
        Class::ChartVersion,
        Class::Configuration,
        Class::New,
        Class::Cosmetic,
    ])
}

prop_compose! {
    fn any_item()(
        class in any_class(),
        action in prop::sample::select(vec![Action::Removed, Action::Changed, Action::Renamed, Action::Added]),
        words in prop::collection::vec(hostile(), 12),
        environments in prop::collection::btree_set(prop_oneof!["[a-z]{1,6}-[0-9]{1,3}", hostile()], 1..12),
        edits in 0..4usize,
    ) -> crate::review::model::Item {
        let environments: Vec<String> = environments.into_iter().collect();
        let mut found = item(class, action, &words[0], object(&words[1], &words[2]), &environments);
        if action == Action::Renamed {
            found.was = Some(object(&words[3], &words[2]));
        }
        if action == Action::Added {
            found.content = Some(json!({words[4].clone(): [words[5].clone(), 1, null]}));
        }
        let said = finding(class, &words[6], &words[7], &words[8]);
        found.findings.push(said.clone());
        let at = format!("{}:3", words[9]);
        for number in 0..edits {
            let (old, new) = (words[number].clone(), words[number + 1].clone());
            let mut one = edit(replaced(&words[number + 2], json!(old), json!(new)), said.clone(), &environments[..1]);
            one.causes = vec![cause(&at, &words[10], &words[11])];
            one.exceptions = vec![Exception {
                environments: environments[1..].to_vec(),
                why: words[number + 3].clone(),
                at: Some(samples::line(&at, &words[4])),
            }];
            found.edits.push(one);
        }
        found
    }
}

prop_compose! {
    fn any_review()(
        items in prop::collection::vec(any_item(), 0..12),
        by_tool in prop::collection::vec(any_item(), 0..3),
        words in prop::collection::vec(hostile(), 8),
        demands in 0..4usize,
        without in 0..4usize,
        copies in prop_oneof![Just(1usize), Just(30)],
    ) -> Review {
        let mut review = samples::nothing();
        review.items = (0..copies).flat_map(|_| items.clone()).collect();
        for (number, item) in review.items.iter_mut().enumerate() {
            item.object.name += &number.to_string();
        }
        review.by_tool = by_tool;
        review.head.name = words[0].clone();
        review.head.commit = Some(words[1].clone());
        review.base.generator = Some(words[2].clone());
        review.demands = (0..demands).map(|number| Demand {
            gate: words[3].clone(),
            environment: words[4 + number % 2].clone(),
            about: words[number].clone(),
            at: Some(samples::line("a/b.yaml:3", &words[6])),
            trailer: Some(format!("Accept-Delete: {}", words[7])),
            accepted: number == 2,
            item: String::new(),
        }).collect();
        review.without_effect = (0..without).map(|number| WithoutEffect {
            at: samples::line("a/b.yaml:3", &words[number]),
            path: words[3].clone(),
            shadowed_by: Vec::new(),
            why: words[number + 1].clone(),
        }).collect();
        samples::add_up(&mut review);
        review
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_in_it(review in any_review(), limit in 1500..70_000usize, most in 1..4usize) {
        let pages = markdown::pages(&review, limit, most);
        prop_assert!(!pages.is_empty() && pages.len() <= most);
        for page in &pages {
            check(page, limit);
        }
        // The headline counts what the model counts.
        if !review.items.is_empty() {
            let counts = pages[0].lines().nth(2).unwrap();
            let numbers: Vec<usize> =
                counts.split(' ').filter_map(|word| word.parse().ok()).collect();
            let wanted: Vec<usize> = review.totals.by_class.iter().map(|(_, number)| *number).collect();
            prop_assert_eq!(numbers, wanted);
        }
        // No control character reaches a terminal but those of the colours.
        for width in [40, 120] {
            let shown = colourless(&text::text(&review, width));
            prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{:?}", shown);
            let proof = format!("complete: {0} of", review.totals.changed);
            prop_assert!(shown.contains(&proof));
        }
        sarif::document(&review);
    }
}
