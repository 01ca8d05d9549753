//! A review as SARIF 2.1.0: what changes is shown on the input lines that cause it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::fold;
use super::rows::leaves;
use super::words::{self, Bundle};
use crate::cli::report;
use crate::review::model::{Cause, ChartSeen, Class, Finding, GroupedEdit, Line, Review};

/// A review as a SARIF log.
pub fn document(review: &Review) -> Json {
    let mut rules: BTreeMap<String, Class> = BTreeMap::new();
    let mut results = Vec::new();
    for bundle in words::bundles(&review.items) {
        for (finding, edits) in findings(&bundle) {
            let rule = rule(finding.as_ref(), bundle.first.class);
            let class = finding.as_ref().map_or(bundle.first.class, |finding| finding.class);
            rules.entry(rule.clone()).and_modify(|worst| *worst = class.min(*worst)).or_insert(class);
            results.push(result(review, &bundle, &rule, class, finding.as_ref(), &edits));
        }
    }
    let rules = rules.iter().map(|(id, class)| {
        json!({
            "id": id,
            "shortDescription": {"text": words::class(*class)},
            "defaultConfiguration": {"level": level(*class)},
        })
    });
    let mut rules: Vec<Json> = rules.collect();
    let unseen: Vec<Json> = review.unseen().map(|chart| not_seen(review, chart)).collect();
    if !unseen.is_empty() {
        rules.push(json!({
            "id": NOT_SEEN,
            "shortDescription": {"text": "objects not seen"},
            "defaultConfiguration": {"level": "warning"},
        }));
        results.extend(unseen);
    }
    report::sarif(rules, results)
}

/// The rule about charts that could not be rendered.
const NOT_SEEN: &str = "review/not-seen";

/// A chart whose objects may change in any way, at the line of its version.
fn not_seen(review: &Review, chart: &ChartSeen) -> Json {
    let names: Vec<&str> = chart.environments.iter().map(String::as_str).collect();
    let text = format!(
        "objects not seen: {} in {}: the chart {}\nhelp: {}",
        fold::chart(chart),
        words::environments(&names, review),
        words::clip(chart.unseen.as_deref().unwrap_or_default(), 600),
        chart.remedy
    );
    let place = match (&chart.at, names.first()) {
        (Some(line), _) => Some(location(line, None)),
        (None, Some(name)) => {
            let path = format!("argocd/{name}/applications/{}.yaml", chart.application);
            Some(json!({"physicalLocation": {"artifactLocation": {"uri": uri(&path)}}}))
        }
        (None, None) => None,
    };
    json!({
        "ruleId": NOT_SEEN,
        "level": "warning",
        "message": {"text": text},
        "locations": place.into_iter().collect::<Vec<_>>(),
        "relatedLocations": [],
        "partialFingerprints": {"kubezeroReview/v1": format!("{}:{NOT_SEEN}", words::clip(&chart.application, 60))},
        "properties": {"class": Json::Null, "objects": 0, "environments": names.len()},
    })
}

/// How loud a forge is about a class.
fn level(class: Class) -> &'static str {
    match class {
        Class::Destroyed | Class::DataLoss | Class::Immutable => "error",
        Class::Identity | Class::Privilege | Class::CrdNarrowed | Class::ArgoCd | Class::Traffic => "warning",
        Class::Cosmetic => "none",
        _ => "note",
    }
}

fn rule(finding: Option<&Finding>, class: Class) -> String {
    match finding {
        Some(finding) if !finding.rule.is_empty() => format!("review/{}", words::clip(&finding.rule, 100)),
        _ => {
            let class = finding.map_or(class, |finding| finding.class);
            format!("review/{}", words::class(class).to_lowercase().replace(' ', "-"))
        }
    }
}

/// Every finding with its edits; one of the whole object where nothing is said of it.
fn findings<'a>(bundle: &Bundle<'a>) -> Vec<(Option<Finding>, Vec<&'a GroupedEdit>)> {
    let mut found: Vec<(Option<Finding>, Vec<&GroupedEdit>)> = Vec::new();
    for finding in &bundle.first.findings {
        found.push((Some(finding.clone()), Vec::new()));
    }
    for edit in &bundle.first.edits {
        match found.iter_mut().find(|(finding, _)| finding.as_ref() == Some(&edit.finding)) {
            Some((_, edits)) => edits.push(edit),
            None => found.push((Some(edit.finding.clone()), vec![edit])),
        }
    }
    if found.is_empty() {
        found.push((None, Vec::new()));
    }
    found
}

fn result(
    review: &Review,
    bundle: &Bundle<'_>,
    rule: &str,
    class: Class,
    finding: Option<&Finding>,
    edits: &[&GroupedEdit],
) -> Json {
    let mut causes: Vec<&Cause> = edits.iter().flat_map(|edit| &edit.causes).collect();
    if causes.is_empty() {
        causes = bundle.causes();
    }
    // A line that is gone has no place in the files as they are now.
    causes.sort_by_key(|cause| cause.after.is_none());
    causes.dedup();
    let mut places = causes.iter().map(|cause| place(cause));
    let first = places.next().or_else(|| generated(bundle)).into_iter().collect::<Vec<_>>();
    let mut related: Vec<Json> = places.take(20).collect();
    let exceptions = edits.iter().flat_map(|edit| &edit.exceptions);
    for exception in exceptions.take(20) {
        if let Some(line) = &exception.at {
            let names: Vec<&str> = exception.environments.iter().map(String::as_str).collect();
            let text = format!("not in {}: {}", words::fold(&names), words::clip(&exception.why, 300));
            related.push(location(line, Some(&text)));
        }
    }
    json!({
        "ruleId": rule,
        "level": level(class),
        "message": {"text": message(review, bundle, class, finding, edits)},
        "locations": first,
        "relatedLocations": related,
        "partialFingerprints": {"kubezeroReview/v1": format!("{}:{rule}", words::clip(&bundle.first.id, 40))},
        "properties": {
            "class": class,
            "objects": bundle.objects(),
            "environments": bundle.environments().len(),
        },
    })
}

fn message(
    review: &Review,
    bundle: &Bundle<'_>,
    class: Class,
    finding: Option<&Finding>,
    edits: &[&GroupedEdit],
) -> String {
    let names: Vec<String> = bundle.names().iter().map(|name| format!("{} {}", name.kind, name.path)).collect();
    let mut text = format!(
        "{}: {}",
        words::class(class),
        words::clip(&words::fold(&names.iter().map(String::as_str).collect::<Vec<_>>()), 400)
    );
    match (&bundle.first.was, bundle.happening()) {
        (Some(was), _) => text += &format!(" was {}", words::former(was, &bundle.first.object)),
        (None, "") => {}
        (None, happening) => text += &format!(" {happening}"),
    }
    text += &format!(" in {}", words::environments(&bundle.environments(), review));
    let paths: Vec<String> = edits.iter().flat_map(|edit| leaves(&edit.edit)).map(|leaf| leaf.path).collect();
    if let Some(first) = paths.first() {
        let more = if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() };
        text += &format!(", at {first}{more}");
    }
    if let Some(finding) = finding {
        for (lead, said) in [("", &finding.reason), ("help: ", &finding.remedy)] {
            if !said.is_empty() {
                text += &format!("\n{lead}{}", words::clip(said, 600));
            }
        }
    }
    text
}

/// Where a cause is; what is gone is shown at the line where it was.
fn place(cause: &Cause) -> Json {
    match (&cause.after, &cause.before) {
        (Some(line), _) => location(line, None),
        (None, Some(line)) => location(line, Some(&format!("was here: {}", words::clip(line.text.trim(), 160)))),
        (None, None) => json!({}),
    }
}

fn location(line: &Line, text: Option<&str>) -> Json {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(&line.file)},
            "region": {"startLine": line.line.max(1)},
        },
    });
    if let Some(text) = text {
        location["message"] = json!({"text": text});
    }
    location
}

/// The generated file, where no input is known: forges refuse results without a place.
fn generated(bundle: &Bundle<'_>) -> Option<Json> {
    let place = bundle.first.places.first()?;
    let path = format!("argocd/{}/{}", place.environment, place.file);
    Some(json!({"physicalLocation": {"artifactLocation": {"uri": uri(&path)}}}))
}

/// A path as SARIF wants it: what has a meaning in addresses is written as its number.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' | b'@' | b'+' | b'=' | b',' => {
                out.push(char::from(byte));
            }
            byte => out += &format!("%{byte:02X}"),
        }
    }
    out
}
