//! Words in strings: their case, their bounds, and lines of them.

use unicode_general_category::{GeneralCategory, get_general_category};

use super::strings::{lower_char, part, upper_char};
use super::{Arguments, Return};

fn is_letter(c: char) -> bool {
    use GeneralCategory::*;
    matches!(
        get_general_category(c),
        UppercaseLetter | LowercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter
    )
}

fn is_upper(c: char) -> bool {
    get_general_category(c) == GeneralCategory::UppercaseLetter
}

fn is_number(c: char) -> bool {
    use GeneralCategory::*;
    matches!(get_general_category(c), DecimalNumber | LetterNumber | OtherNumber)
}

fn is_punctuation(c: char) -> bool {
    use GeneralCategory::*;
    matches!(
        get_general_category(c),
        ConnectorPunctuation
            | DashPunctuation
            | OpenPunctuation
            | ClosePunctuation
            | InitialPunctuation
            | FinalPunctuation
            | OtherPunctuation
    )
}

/// The form that a letter has at the beginning of a title.
fn title_char(c: char) -> char {
    match c {
        'Ǆ' | 'ǅ' | 'ǆ' => 'ǅ',
        'Ǉ' | 'ǈ' | 'ǉ' => 'ǈ',
        'Ǌ' | 'ǋ' | 'ǌ' => 'ǋ',
        'Ǳ' | 'ǲ' | 'ǳ' => 'ǲ',
        c => upper_char(c),
    }
}

/// What Go's `strings.Title` takes for the end of a word.
fn is_separator(c: char) -> bool {
    if c.is_ascii() {
        return !(c.is_ascii_alphanumeric() || c == '_');
    }
    !is_letter(c) && get_general_category(c) != GeneralCategory::DecimalNumber && c.is_whitespace()
}

pub(super) fn title(args: &Arguments<'_>) -> Return {
    let mut before = ' ';
    let titled: String = args
        .text(0)
        .chars()
        .map(|c| {
            let first = is_separator(before);
            before = c;
            if first { title_char(c) } else { c }
        })
        .collect();
    Ok(titled.into())
}

pub(super) fn untitle(args: &Arguments<'_>) -> Return {
    let mut first = true;
    let lowered: String = args
        .text(0)
        .chars()
        .map(|c| {
            if c.is_whitespace() {
                first = true;
                c
            } else if std::mem::take(&mut first) {
                lower_char(c)
            } else {
                c
            }
        })
        .collect();
    Ok(lowered.into())
}

pub(super) fn swapcase(args: &Arguments<'_>) -> Return {
    let mut whitespace = true;
    let swapped: String = args
        .text(0)
        .chars()
        .map(|c| match get_general_category(c) {
            GeneralCategory::UppercaseLetter | GeneralCategory::TitlecaseLetter => {
                whitespace = false;
                lower_char(c)
            }
            GeneralCategory::LowercaseLetter if whitespace => {
                whitespace = false;
                title_char(c)
            }
            GeneralCategory::LowercaseLetter => upper_char(c),
            _ => {
                whitespace = c.is_whitespace();
                c
            }
        })
        .collect();
    Ok(swapped.into())
}

/// These two look at bytes as if each were a character.
fn byte_is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ' | 0x85 | 0xa0)
}

pub(super) fn nospace(args: &Arguments<'_>) -> Return {
    let text = args.text(0);
    if !text.bytes().any(byte_is_space) {
        return Ok(args.any(0).clone());
    }
    Ok(text.bytes().filter(|byte| !byte_is_space(*byte)).map(char::from).collect::<String>().into())
}

pub(super) fn initials(args: &Arguments<'_>) -> Return {
    let mut gap = true;
    let mut initials = String::new();
    for byte in args.text(0).bytes() {
        if byte_is_space(byte) {
            gap = true;
        } else if std::mem::take(&mut gap) {
            initials.push(char::from(byte));
        }
    }
    Ok(initials.into())
}

fn wrapped(text: &str, width: i64, separator: &str, break_words: bool) -> String {
    let separator = if separator.is_empty() { "\n" } else { separator };
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let bytes = text.as_bytes();
    let mut lines = String::new();
    let mut offset = 0;
    while bytes.len() - offset > width {
        if bytes[offset] == b' ' {
            offset += 1;
            continue;
        }
        let end = offset + width;
        let space = bytes[offset..=end].iter().rposition(|byte| *byte == b' ');
        if let Some(space) = space {
            lines.push_str(&part(text, offset, offset + space));
            lines.push_str(separator);
            offset += space + 1;
        } else if break_words {
            lines.push_str(&part(text, offset, end));
            lines.push_str(separator);
            offset = end;
        } else if let Some(space) = bytes[end..].iter().position(|byte| *byte == b' ') {
            lines.push_str(&part(text, offset, end + space));
            lines.push_str(separator);
            offset = end + space + 1;
        } else {
            lines.push_str(&part(text, offset, text.len()));
            offset = text.len();
        }
    }
    lines + &part(text, offset, text.len())
}

pub(super) fn wrap(args: &Arguments<'_>) -> Return {
    Ok(wrapped(args.text(1), args.int(0), "", false).into())
}

pub(super) fn wrap_with(args: &Arguments<'_>) -> Return {
    Ok(wrapped(args.text(2), args.int(0), args.text(1), true).into())
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

pub(super) fn camelcase(args: &Arguments<'_>) -> Return {
    let mut camel = String::new();
    let mut chars = args.text(0).chars();
    let mut first_upper = false;
    let mut current = None;
    // What connects stays where nothing stands before it.
    for c in chars.by_ref() {
        if is_connector(c) {
            camel.push(c);
            continue;
        }
        first_upper = is_upper(c);
        current = Some(upper_char(c));
        break;
    }
    let Some(mut current) = current else {
        // Go writes the last one again where there are only connectors.
        camel.extend(args.text(0).chars().last());
        return Ok(camel.into());
    };
    for c in chars {
        let before = current;
        current = c;
        if is_connector(current) && is_connector(before) {
            camel.push(before);
            continue;
        }
        if is_connector(before) {
            first_upper = is_upper(current);
            current = upper_char(current);
        } else {
            if first_upper {
                if is_upper(current) {
                    current = lower_char(current);
                } else {
                    first_upper = false;
                }
            }
            camel.push(before);
        }
    }
    camel.push(current);
    Ok(camel.into())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

/// Letters of scripts that have words; Chinese characters and their like are none.
fn is_alphabet(c: char) -> bool {
    let code = u32::from(c);
    is_letter(c) && !matches!(code, 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x2fa1f)
}

/// The first word of a text, and what follows.
fn next_word(text: &str) -> (Word, &str, &str) {
    let mut chars = text.char_indices();
    let Some((_, first)) = chars.next() else {
        return (Word::None, "", "");
    };
    let run = |from: usize, belongs: &dyn Fn(char) -> bool| {
        text[from..].find(|c| !belongs(c)).map_or(text.len(), |length| from + length)
    };
    let begin = first.len_utf8();
    let (word, end) = if is_connector(first) {
        (Word::Connector, run(begin, &is_connector))
    } else if is_punctuation(first) {
        (Word::Punctuation, run(begin, &is_punctuation))
    } else if is_upper(first) {
        let second = text[begin..].chars().next();
        let end = match second {
            Some(c) if is_upper(c) => {
                let end = run(begin, &is_upper);
                // The last capital of `HTTPStatus` belongs to the next word.
                match text[end..].chars().next() {
                    Some(c) if is_alphabet(c) => end - text[..end].chars().next_back().map_or(0, char::len_utf8),
                    _ => end,
                }
            }
            Some(c) if is_alphabet(c) => run(begin, &|c| is_alphabet(c) && !is_upper(c)),
            _ => begin,
        };
        (Word::Upper, end)
    } else if is_alphabet(first) {
        (Word::Alphabet, run(begin, &|c| is_alphabet(c) && !is_upper(c)))
    } else if is_number(first) {
        (Word::Number, run(begin, &is_number))
    } else {
        let other = |c| !(is_connector(c) || is_alphabet(c) || is_number(c) || is_punctuation(c));
        (Word::Other, run(begin, &other))
    };
    (word, &text[..end], &text[end..])
}

fn push_lower(to: &mut String, word: Word, text: &str, connector: char) {
    if word != Word::Upper && word != Word::Connector {
        to.push_str(text);
        return;
    }
    to.extend(text.chars().map(|c| {
        if is_connector(c) {
            connector
        } else if is_upper(c) {
            lower_char(c)
        } else {
            c
        }
    }));
}

fn joined(text: &str, connector: char) -> String {
    use Word::*;
    let mut to = String::new();
    let (mut word, mut part, mut rest) = next_word(text);
    while !rest.is_empty() {
        if word != Connector {
            push_lower(&mut to, word, part, connector);
        }
        let (before, last) = (word, part);
        (word, part, rest) = next_word(rest);
        match before {
            Number => {
                while matches!(word, Alphabet | Number) {
                    push_lower(&mut to, word, part, connector);
                    (word, part, rest) = next_word(rest);
                }
                if !matches!(word, None | Punctuation | Connector) {
                    to.push(connector);
                }
            }
            Connector => push_lower(&mut to, before, last, connector),
            Punctuation => {}
            _ if word != Number => {
                if !matches!(word, Connector | Punctuation) {
                    to.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = part;
                (word, part, rest) = next_word(rest);
                if word != Alphabet {
                    // A number belongs to what stands before it: `Bld4Floor` becomes `bld4_floor`.
                    push_lower(&mut to, Number, number, connector);
                    if !matches!(word, Connector | Punctuation) {
                        to.push(connector);
                    }
                    continue;
                }
                // Unless small letters follow: `HTTP2xx` becomes `http_2xx`.
                to.push(connector);
                push_lower(&mut to, Number, number, connector);
                while matches!(word, Alphabet | Number) {
                    push_lower(&mut to, word, part, connector);
                    (word, part, rest) = next_word(rest);
                }
                if !matches!(word, None | Connector | Punctuation) {
                    to.push(connector);
                }
            }
        }
    }
    push_lower(&mut to, word, part, connector);
    to
}

pub(super) fn snakecase(args: &Arguments<'_>) -> Return {
    Ok(joined(args.text(0), '_').into())
}

pub(super) fn kebabcase(args: &Arguments<'_>) -> Return {
    Ok(joined(args.text(0), '-').into())
}
