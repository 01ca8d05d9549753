//! The order in which go-yaml writes the keys of a map: digits by what they count, letters after everything else.

use unicode_general_category::{GeneralCategory, get_general_category};

use super::resolve::Dialect;

fn is_letter(c: char) -> bool {
    use GeneralCategory::*;
    c.is_ascii_alphabetic()
        || !c.is_ascii()
            && matches!(
                get_general_category(c),
                UppercaseLetter | LowercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter
            )
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || !c.is_ascii() && get_general_category(c) == GeneralCategory::DecimalNumber
}

/// Whether one key stands before another.
pub(crate) fn less(a: &str, b: &str, dialect: Dialect) -> bool {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut digits = false;
    for index in 0..a.len().min(b.len()) {
        let (x, y) = (a[index], b[index]);
        if x == y {
            digits = is_digit(x);
            continue;
        }
        let (x_letter, y_letter) = (is_letter(x), is_letter(y));
        if x_letter && y_letter {
            return x < y;
        }
        if x_letter || y_letter {
            return if dialect == Dialect::V3 && digits { x_letter } else { y_letter };
        }
        let mut counts = (0i64, 0i64);
        // Zeros count only after another digit.
        if x == '0' || y == '0' {
            let before = a[..index].iter().rev().take_while(|c| is_digit(**c));
            if before.into_iter().any(|c| *c != '0') {
                counts = (1, 1);
            }
        }
        let count = |chars: &[char], from: usize, start: i64| {
            let digits = chars[from..].iter().take_while(|c| is_digit(**c));
            let mut length = 0usize;
            let value = digits.fold(start, |value, c| {
                length += 1;
                value.wrapping_mul(10).wrapping_add(i64::from(u32::from(*c)) - i64::from(u32::from('0')))
            });
            (value, length)
        };
        let (x_count, x_length) = count(&a, index, counts.0);
        let (y_count, y_length) = count(&b, index, counts.1);
        if x_count != y_count {
            return x_count < y_count;
        }
        if x_length != y_length {
            return x_length < y_length;
        }
        return x < y;
    }
    a.len() < b.len()
}

/// Sorts entries by their keys. The order is not one that mathematicians would call so, which is why this is no sort of the
/// standard library: those may panic.
pub(crate) fn by_key<T: Copy>(entries: &mut [(&str, T)], dialect: Dialect) {
    if entries.windows(2).all(|pair| !less(pair[1].0, pair[0].0, dialect)) {
        return;
    }
    let middle = entries.len() / 2;
    let (left, right) = entries.split_at_mut(middle);
    by_key(left, dialect);
    by_key(right, dialect);
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut merged = Vec::new();
    while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
        if less(r.0, l.0, dialect) {
            merged.extend(right.next());
        } else {
            merged.extend(left.next());
        }
    }
    merged.extend(left);
    merged.extend(right);
    let merged: Vec<(&str, T)> = merged.into_iter().copied().collect();
    entries.copy_from_slice(&merged);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(keys: &str, dialect: Dialect) -> String {
        let mut entries: Vec<(&str, ())> = keys.split(' ').map(|key| (key, ())).collect();
        entries.reverse();
        by_key(&mut entries, dialect);
        entries.iter().map(|(key, ())| *key).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn natural_order() {
        for keys in [
            "a a1 a2 a10 b",
            "a.b a/b a_b ab",
            "1 2 10 11 A a",
            "A B a b",
            "a-1 a-2 a-10",
            "x1 x01 x2 x02 x10 x010",
            "v1.2 v1.10",
            "foo foo-bar foo.bar foo0 foobar",
            "- _ a",
            "host1 host2b host10",
            "a1 a01",
            "d1 d12 d12a",
        ] {
            assert_eq!(sorted(keys, Dialect::V2), keys);
        }
    }

    #[test]
    fn a_letter_after_a_digit() {
        assert_eq!(sorted("a1b a1-", Dialect::V2), "a1- a1b");
        assert_eq!(sorted("a1b a1-", Dialect::V3), "a1b a1-");
    }
}
