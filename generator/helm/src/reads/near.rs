//! Names that are alike.

/// The name that is most like this one, if any is alike enough for it to have been meant.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |name: &str| -> Vec<char> {
        name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    let most = (wanted.len() / 4).clamp(1, 3);
    let distances = names.filter_map(|other| {
        let letters = plain(other);
        let distance = distance(&wanted, &letters);
        (distance <= most && letters.len() > distance).then_some((distance, other))
    });
    distances.min().map(|(_, name)| name)
}

/// How many letters have to be put in, taken out, changed, or swapped with their neighbour.
fn distance(left: &[char], right: &[char]) -> usize {
    if left.len().abs_diff(right.len()) > 3 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let changed = last[column] + usize::from(letter != other);
            let mut least = changed.min(last[column + 1] + 1).min(next[column] + 1);
            let swapped = row > 0 && column > 0 && left[row - 1] == *other && right[column - 1] == *letter;
            if swapped && letter != other {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn names_that_may_have_been_meant() {
        let known = ["replicas", "replicaCount", "image", "nodeSelector", "tolerations"];
        let near = |name: &str| nearest(name, known.into_iter());
        assert_eq!(near("replica"), Some("replicas"));
        assert_eq!(near("toleratoins"), Some("tolerations"));
        assert_eq!(near("node_selector"), Some("nodeSelector"));
        assert_eq!(near("Image"), Some("image"));
        assert_eq!(near("ports"), None);
        assert_eq!(near(""), None);
    }
}
