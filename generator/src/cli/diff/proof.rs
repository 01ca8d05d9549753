//! Whether a review that was written earlier is the review of these two revisions, and whole.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;

use super::words;
use crate::review::model::Review;

/// What is wrong with the text of a review, in words; nothing where it is this one. `same` is what the same format says now.
pub fn wrong<T: IntoIterator<Item = String>>(text: &str, review: &Review, same: impl FnOnce() -> T) -> Option<String> {
    let Some(found) = digests(text) else {
        return Some("it has no proof line, so it is no review or its end was cut off".to_owned());
    };
    let wanted = digests(&words::proof(review, review.totals.listed)).unwrap_or_default();
    for ((name, found), wanted) in ["list of changes", "base", "head"].iter().zip(&found).zip(&wanted) {
        if found != wanted {
            return Some(format!("the digest of its {name} is {found}, and now it is {wanted}"));
        }
    }
    let is_same = same().into_iter().any(|page| page.split_whitespace().eq(text.split_whitespace()));
    (!is_same).then(|| ANOTHER.to_owned())
}

/// The like for a review as JSON.
pub fn wrong_document(text: &str, now: &Json) -> Option<String> {
    let Ok(found) = serde_json::from_str::<Json>(text) else {
        return Some("it is not whole: it ends in the middle, or is no JSON".to_owned());
    };
    for (name, at) in [("list of changes", "/totals/digest"), ("base", "/base/digest"), ("head", "/head/digest")] {
        let [found, now] = [found.pointer(at), now.pointer(at)].map(|digest| digest.and_then(Json::as_str));
        if found != now {
            let [found, now] = [found, now].map(|digest| digest.unwrap_or("missing"));
            return Some(format!("the digest of its {name} is {found}, and now it is {now}"));
        }
    }
    (found != *now).then(|| ANOTHER.to_owned())
}

const ANOTHER: &str =
    "the digests are right, but its text is another: it was changed, cut, or made with other arguments";

/// The three digests of the last proof line: of the list, of base, of head.
fn digests(text: &str) -> Option<[String; 3]> {
    #[expect(clippy::unwrap_used, reason = "a constant pattern, used by a test")]
    static PROOF: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"digest\s+([0-9a-f]{16})\s+·\s+base\s+([0-9a-f]{16})\s+·\s+head\s+([0-9a-f]{16})").unwrap()
    });
    let found = PROOF.captures_iter(text).last()?;
    Some([&found[1], &found[2], &found[3]].map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::digests;

    #[test]
    fn the_last_proof_line_counts() {
        let line = |digit: &str| {
            let digits = digit.repeat(16);
            format!("complete: 3 of 3 changed objects listed · digest {digits} · base {digits} · head {digits}\n")
        };
        let found = digests(&(line("a") + "text\n" + &line("b"))).unwrap();
        assert_eq!(found[0], "b".repeat(16));
        assert!(digests("complete: 3 of 3 changed objects listed").is_none());
        // A narrow terminal breaks it.
        assert_eq!(digests(&line("a").replace(" · head ", " · head\n  ")).unwrap()[2], "a".repeat(16));
    }
}
