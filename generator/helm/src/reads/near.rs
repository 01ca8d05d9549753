//! Names that are alike.

/// The name that is most like this one, if any is alike enough for it to have been meant.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |name: &str| -> String {
        name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(name);
    let most = (wanted.chars().count() / 4).clamp(1, 3);
    let distances = names.filter_map(|other| {
        let letters = plain(other);
        // Letters that are put in, taken out, changed, or swapped with their neighbour.
        let distance = strsim::osa_distance(&wanted, &letters);
        (distance <= most && letters.chars().count() > distance).then_some((distance, other))
    });
    distances.min().map(|(_, name)| name)
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
