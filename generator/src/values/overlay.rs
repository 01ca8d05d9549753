//! The overlay rules, and nothing else.
//!
//! Maps merge by key. Scalars and lists are replaced whole. `null` replaces whatever lies below it, and is
//! replaced by whatever lies above it. A value that otherwise changes its kind (map, list, scalar) between
//! two layers is a mistake that names both places: with that rule laying is associative wherever no null
//! stands, so a chain can be explained link by link and a shared prefix can be laid once.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::yaml::{Entry, Map, Node, Value};

/// Lays `above` over `below`. What `above` does not touch is shared with `below`, not copied.
pub fn lay(below: &Arc<Node>, above: &Arc<Node>, mistakes: &mut Diagnostics) -> Arc<Node> {
    lay_at(below, above, &mut Vec::new(), mistakes)
}

fn lay_at<'a>(
    below: &Arc<Node>,
    above: &'a Arc<Node>,
    path: &mut Vec<&'a str>,
    mistakes: &mut Diagnostics,
) -> Arc<Node> {
    let value = match (&below.value, &above.value) {
        (Value::Map(lower), Value::Map(upper)) => {
            let mut map: Map = lower.clone();
            for (key, entry) in upper {
                let node = match lower.get(key) {
                    Some(existing) => {
                        path.push(key);
                        let node = lay_at(&existing.node, &entry.node, path, mistakes);
                        path.pop();
                        node
                    }
                    None => entry.node.clone(),
                };
                map.insert(key.clone(), Entry { key_at: entry.key_at, node });
            }
            Value::Map(map)
        }
        (lower, upper) => {
            let changes_kind = *lower != Value::Null && *upper != Value::Null && !lower.same_shape(upper);
            if changes_kind {
                mistakes.push(kind_changed(below, above, path));
            }
            upper.clone()
        }
    };
    let mut origins = below.origins.clone();
    origins.extend(above.origins.iter().copied());
    Arc::new(Node { value, origins })
}

fn kind_changed(below: &Node, above: &Node, path: &[&str]) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(
        "kind-changed",
        format!("`{}` is {} here and {} in the layer below", path.join("."), above.value.kind(), below.value.kind()),
    )
    .at_maybe(above.origin(), above.value.kind())
    .help("keep the kind, or use another key; `null` above removes the value below");
    if let Some(origin) = below.origin() {
        diagnostic = diagnostic.also(origin, format!("{} in the layer below", below.value.kind()));
    }
    diagnostic
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::yaml::parse;
    use proptest::prelude::*;

    fn node(file: u32, text: &str) -> Arc<Node> {
        Arc::new(parse(FileId(file), text).unwrap())
    }

    fn laid(texts: &[&str]) -> (serde_json::Value, usize) {
        let mut mistakes = Diagnostics::new();
        let mut below = node(0, texts[0]);
        for (i, text) in texts.iter().enumerate().skip(1) {
            below = lay(&below, &node(i as u32, text), &mut mistakes);
        }
        (below.to_json(), mistakes.len())
    }

    #[test]
    fn the_rules() {
        let cases = [
            (vec!["{a: {b: 1, c: 2}}", "{a: {c: 3, d: 4}}"], r#"{"a":{"b":1,"c":3,"d":4}}"#, 0),
            (vec!["{a: [1, 2]}", "{a: [3]}"], r#"{"a":[3]}"#, 0),
            (vec!["{a: {b: 1}}", "{a: null}"], r#"{"a":null}"#, 0),
            (vec!["{a: {b: 1}}", "{a: null}", "{a: 5}"], r#"{"a":5}"#, 0),
            (vec!["{a: {b: 1}}", "{a: {}}"], r#"{"a":{"b":1}}"#, 0),
            (vec!["{a: {b: 1}}", "{a: 1}"], r#"{"a":1}"#, 1),
            (vec!["{a: [1]}", "{a: {b: 1}}"], r#"{"a":{"b":1}}"#, 1),
            (vec!["{a: 1}", "{a: 'text'}"], r#"{"a":"text"}"#, 0),
        ];
        for (texts, wanted, mistakes) in cases {
            let (value, found) = laid(&texts);
            assert_eq!((value.to_string().as_str(), found), (wanted, mistakes), "{texts:?}");
        }
    }

    #[test]
    fn every_leaf_keeps_who_lost() {
        let mut mistakes = Diagnostics::new();
        let below = lay(&node(0, "{a: 1, b: 1}"), &node(1, "{a: 2}"), &mut mistakes);
        let top = lay(&below, &node(2, "{a: 3}"), &mut mistakes);
        let files = |key: &str| top.get(key).map(|n| n.origins.iter().map(|o| o.file.0).collect::<Vec<_>>());
        assert_eq!(files("a"), Some(vec![0, 1, 2]));
        assert_eq!(files("b"), Some(vec![0]));
    }

    /// Trees over two keys, so that overlaps are frequent. Without null: see the module's first lines.
    fn tree() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            (0..3i64).prop_map(|n| serde_json::json!(n)),
            Just(serde_json::json!("text")),
            Just(serde_json::json!([1, 2])),
        ];
        leaf.prop_recursive(3, 16, 3, |inner| {
            proptest::collection::btree_map("[ab]", inner, 0..3).prop_map(|map| serde_json::json!(map))
        })
    }

    fn root() -> impl Strategy<Value = Arc<Node>> {
        proptest::collection::btree_map("[abc]", tree(), 0..4)
            .prop_map(|map| node(0, &serde_json::json!(map).to_string()))
    }

    proptest! {
        #[test]
        fn empty_is_the_identity(a in root()) {
            let empty = node(9, "{}");
            let mut mistakes = Diagnostics::new();
            prop_assert_eq!(lay(&empty, &a, &mut mistakes).to_json(), a.to_json());
            prop_assert_eq!(lay(&a, &empty, &mut mistakes).to_json(), a.to_json());
            prop_assert!(mistakes.is_empty());
        }

        #[test]
        fn laying_a_tree_over_itself_changes_nothing(a in root()) {
            let mut mistakes = Diagnostics::new();
            prop_assert_eq!(lay(&a, &a, &mut mistakes).to_json(), a.to_json());
            prop_assert!(mistakes.is_empty());
        }

        #[test]
        fn laying_is_associative_where_kinds_are_kept(a in root(), b in root(), c in root()) {
            let (mut left, mut right) = (Diagnostics::new(), Diagnostics::new());
            let from_left = lay(&lay(&a, &b, &mut left), &c, &mut left);
            let from_right = lay(&a, &lay(&b, &c, &mut right), &mut right);
            prop_assert_eq!(left.is_empty(), right.is_empty(), "both orders must refuse the same triples");
            if left.is_empty() {
                prop_assert_eq!(from_left.to_json(), from_right.to_json());
                prop_assert_eq!(&from_left.origins, &from_right.origins);
            }
        }
    }
}
