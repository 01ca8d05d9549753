//! Words and characters of the page: nothing that comes from a review gets into it but through [`escaped`].

use std::fmt::Write as _;

use crate::cli::diff::words;
use crate::review::model::{Action, Class, Object};

/// Text for HTML, inside an element or a quoted attribute.
///
/// Characters that would change the order or the look of others without being seen are written as their code points.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if is_unseen(c) => {
                let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Whether a character steers others or takes no room: controls, marks of direction, tags, breaks that are no line feed.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `2,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 object`, `2,000 objects`.
pub fn counted(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// At most so many characters, with an ellipsis for the rest; the first line only.
pub fn shortened(text: &str, limit: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let is_whole = line.len() == text.trim_end().len();
    if is_whole && line.chars().count() <= limit {
        return line.to_owned();
    }
    line.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// The first so many digits of a commit or digest.
pub fn brief(id: &str) -> String {
    id.strip_prefix("sha256:").unwrap_or(id).chars().take(12).collect()
}

/// How a class is called, what it means, the word in the page's names for it, and its tone from 1, alarm, to 6, quiet.
pub struct ClassWords {
    /// As a title.
    pub title: String,
    /// In one sentence.
    pub meaning: &'static str,
    /// In the address and in the style.
    pub key: &'static str,
    /// Colour.
    pub tone: u8,
}

/// Every class, the worst first.
pub const CLASSES: [Class; 15] = [
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
];

/// The words for a class.
pub fn class(class: Class) -> ClassWords {
    let (meaning, key, tone) = match class {
        Class::Destroyed => ("Something that runs is deleted.", "destroyed", 1),
        Class::DataLoss => ("Data goes away, or may.", "data-loss", 1),
        Class::Immutable => ("The API server will refuse it.", "immutable", 2),
        Class::Identity => ("It becomes another object, or lands elsewhere.", "identity", 2),
        Class::Privilege => ("Somebody may do more than before.", "privilege", 2),
        Class::CrdNarrowed => ("A custom resource is accepted no longer.", "crd-narrowed", 2),
        Class::ArgoCd => ("Argo CD itself acts differently.", "argo-cd", 3),
        Class::Traffic => ("Connections go elsewhere or stop.", "traffic", 3),
        Class::Restart => ("Pods are restarted.", "restart", 3),
        Class::Scale => ("More or fewer of the same.", "scale", 4),
        Class::Image => ("Another image runs.", "image", 4),
        Class::ChartVersion => ("Another version of a chart.", "chart-version", 4),
        Class::Configuration => ("A value of which no rule knows more.", "configuration", 4),
        Class::New => ("Something comes.", "new", 5),
        Class::Cosmetic => ("Other bytes, and nothing else.", "cosmetic", 6),
    };
    ClassWords { title: capitalised(words::class(class)), meaning, key, tone }
}

/// With a capital letter.
pub fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The word for what happens.
pub fn action(action: Action) -> &'static str {
    match action {
        Action::Removed => "Removed",
        Action::Changed => "Changed",
        Action::Renamed => "Renamed",
        Action::Added => "Added",
    }
}

/// `namespace/name`, or the name alone.
pub fn full_name(object: &Object) -> String {
    match object.namespace.as_str() {
        "" => object.name.clone(),
        namespace => format!("{namespace}/{}", object.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            escaped(r#"<script>alert("1")</script>&'"#),
            "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"
        );
    }

    #[test]
    fn characters_that_deceive_are_named() {
        assert_eq!(escaped("a\u{202e}b\u{0}c\rd\ne\u{2028}"), "a⟨U+202E⟩b⟨U+0000⟩c⟨U+000D⟩d\ne⟨U+2028⟩");
        assert_eq!(escaped("größer → 你好 👩‍💻"), "größer → 你好 👩‍💻");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(grouped), ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!(
            (counted(1, "object"), counted(2000, "object")),
            ("1 object".to_owned(), "2,000 objects".to_owned())
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äö…");
        assert_eq!(shortened("one\ntwo", 10), "one…");
        assert_eq!(shortened("one\n", 10), "one");
    }

    #[test]
    fn classes_are_all_there_and_in_order() {
        assert!(CLASSES.is_sorted());
        let mut keys: Vec<_> = CLASSES.iter().map(|c| class(*c).key).collect();
        for (one, key) in CLASSES.iter().zip(&keys) {
            assert_eq!(serde_json::to_value(one).unwrap(), **key, "the address uses the word of the JSON");
        }
        keys.dedup();
        assert_eq!(keys.len(), CLASSES.len());
    }
}
