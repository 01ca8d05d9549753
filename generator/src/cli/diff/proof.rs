//! Whether a review that was written earlier is the review of these two revisions, and whole.

use std::sync::LazyLock;

use regex::Regex;

use super::words;
use crate::review::model::Review;

/// What is wrong with the text of a review, in words; nothing where it is this one. `same` is what the same format says now.
pub fn wrong(text: &str, review: &Review, same: &[String]) -> Option<String> {
    let Some(found) = digests(text) else {
        return Some("it has no proof line, so it is no review or its end was cut off".to_owned());
    };
    let wanted = digests(&words::proof(review, review.totals.listed)).unwrap_or_default();
    for ((name, found), wanted) in ["list of changes", "base", "head"].iter().zip(&found).zip(&wanted) {
        if found != wanted {
            return Some(format!("the digest of its {name} is {found}, and now it is {wanted}"));
        }
    }
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let text = lines(text.trim());
    if !same.is_empty() && same.iter().all(|page| lines(page.trim()) != text) {
        return Some("the digests are right, but its text was changed or cut".to_owned());
    }
    None
}

/// The three digests of the last proof line: of the list, of base, of head.
fn digests(text: &str) -> Option<[String; 3]> {
    #[expect(clippy::unwrap_used, reason = "a constant pattern, used by a test")]
    static PROOF: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"digest ([0-9a-f]{16}) · base ([0-9a-f]{16}) · head ([0-9a-f]{16})").unwrap());
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
    }
}
