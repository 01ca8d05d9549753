//! The same change in many environments is one item.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::facts::Facts;
use super::model::{Action, Class, Finding, GroupedEdit, Item, Object, Place};
use super::tree::Raw;
use crate::hex;

/// An item with what it was made of, for those who look for its causes.
#[derive(Debug)]
pub struct Group {
    /// The item.
    pub item: Item,
    /// Indexes of its changes, in the order of its places.
    pub members: Vec<usize>,
    /// For each of its edits: in which member, and there which edit.
    pub from: Vec<(usize, usize)>,
}

/// What changes are equal in, facts of their environments apart.
type Kind = (String, Action, String, String, String, Option<String>);

/// Puts changes together; the worst come first.
pub fn group(raws: &[Raw], facts: &BTreeMap<String, Facts>) -> Vec<Group> {
    let none = Facts::default();
    let of = |raw: &Raw| facts.get(&raw.environment).unwrap_or(&none);
    let named =
        |facts: &Facts, object: Option<&Object>| object.map_or_else(String::new, |o| facts.abstracted(&said(o)));
    let mut kinds: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for (index, raw) in raws.iter().enumerate() {
        let facts = of(raw);
        // What comes is the same where its contents are, what goes where the same is to be said of it.
        let contents = match raw.action {
            Action::Added => {
                let content = raw.head.as_ref().map(ToString::to_string).unwrap_or_default();
                short(&[facts.abstracted(&content).as_str()])
            }
            Action::Removed => facts.abstracted(&serde_json::to_string(&raw.findings).unwrap_or_default()),
            Action::Changed | Action::Renamed => String::new(),
        };
        let kind = (
            raw.component.clone(),
            raw.action,
            named(facts, Some(&raw.object)),
            named(facts, raw.was.as_ref()),
            contents,
            raw.chart.clone(),
        );
        kinds.entry(kind).or_default().push(index);
    }
    let mut groups = Vec::new();
    for (kind, members) in kinds {
        let keys: Vec<Vec<String>> = members.iter().map(|index| edit_keys(&raws[*index], of(&raws[*index]))).collect();
        for part in connected(&keys) {
            let members: Vec<usize> = part.iter().map(|place| members[*place]).collect();
            let keys: Vec<&[String]> = part.iter().map(|place| keys[*place].as_slice()).collect();
            groups.push(one(raws, &kind, members, &keys));
        }
    }
    groups.sort_by_cached_key(|group| order(&group.item));
    groups
}

fn order(item: &Item) -> impl Ord + use<> {
    (
        item.class,
        item.action,
        std::cmp::Reverse(item.places.len()),
        item.component.clone(),
        item.object.clone(),
        item.id.clone(),
    )
}

/// Edits of a change as texts that are equal where the edits are.
fn edit_keys(raw: &Raw, facts: &Facts) -> Vec<String> {
    raw.edits.iter().map(|edit| facts.abstracted(&serde_json::to_string(edit).unwrap_or_default())).collect()
}

/// Members that share an edit belong together, however many steps apart; those without edits do as well.
fn connected(keys: &[Vec<String>]) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..keys.len()).collect();
    fn root(parent: &mut [usize], mut at: usize) -> usize {
        while parent[at] != at {
            parent[at] = parent[parent[at]];
            at = parent[at];
        }
        at
    }
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (member, keys) in keys.iter().enumerate() {
        let alone = keys.is_empty().then_some("");
        for key in keys.iter().map(String::as_str).chain(alone) {
            let other = *first.entry(key).or_insert(member);
            let (a, b) = (root(&mut parent, member), root(&mut parent, other));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for member in 0..keys.len() {
        parts.entry(root(&mut parent, member)).or_default().push(member);
    }
    parts.into_values().collect()
}

fn one(raws: &[Raw], kind: &Kind, members: Vec<usize>, keys: &[&[String]]) -> Group {
    let mut order: Vec<&str> = Vec::new();
    let mut found: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (place, keys) in keys.iter().enumerate() {
        for (at, key) in keys.iter().enumerate() {
            let list = found.entry(key).or_default();
            if list.is_empty() {
                order.push(key);
            }
            list.push((members[place], at));
        }
    }
    let mut parts =
        vec![kind.0.clone(), format!("{:?}", kind.1), kind.2.clone(), kind.3.clone(), kind.4.clone(), sorted(&order)];
    parts.extend(kind.5.clone());
    let id = short(&parts.iter().map(String::as_str).collect::<Vec<_>>());
    let mut edits: Vec<(GroupedEdit, (usize, usize))> = order
        .iter()
        .map(|key| {
            let list = &found[key];
            let (member, at) = list[0];
            let raw = &raws[member];
            let mut environments: Vec<String> = list.iter().map(|(m, _)| raws[*m].environment.clone()).collect();
            environments.sort();
            environments.dedup();
            let edit = GroupedEdit {
                edit: raw.edits[at].clone(),
                finding: raw.edit_findings.get(at).cloned().unwrap_or_else(|| plain(Class::Configuration)),
                environments,
                exceptions: Vec::new(),
                causes: Vec::new(),
            };
            (edit, (member, at))
        })
        .collect();
    edits.sort_by_key(|(edit, _)| edit.finding.class);
    let (edits, from): (Vec<_>, Vec<_>) = edits.into_iter().unzip();
    let mut findings: Vec<Finding> = Vec::new();
    for finding in members.iter().flat_map(|member| &raws[*member].findings) {
        if !findings.contains(finding) {
            findings.push(finding.clone());
        }
    }
    findings.sort_by_key(|finding| finding.class);
    let first = &raws[members[0]];
    let class = members.iter().map(|member| raws[*member].class()).min().unwrap_or(Class::Cosmetic);
    let places = members
        .iter()
        .map(|member| {
            let raw = &raws[*member];
            Place {
                environment: raw.environment.clone(),
                object: raw.object.clone(),
                file: raw.head_file.clone().or_else(|| raw.base_file.clone()).unwrap_or_default(),
                protected: false,
            }
        })
        .collect();
    let item = Item {
        id,
        class,
        action: first.action,
        component: first.component.clone(),
        chart: first.chart.clone(),
        object: first.object.clone(),
        was: first.was.clone(),
        places,
        findings,
        edits,
        content: match first.action {
            Action::Added => first.head.clone(),
            Action::Removed => first.base.clone(),
            Action::Changed | Action::Renamed => None,
        },
        causes: Vec::new(),
    };
    Group { item, members, from }
}

fn plain(class: Class) -> Finding {
    Finding { class, rule: String::new(), reason: String::new(), remedy: String::new() }
}

fn sorted(keys: &[&str]) -> String {
    let keys: BTreeSet<&str> = keys.iter().copied().collect();
    keys.into_iter().collect::<Vec<_>>().join("\n")
}

/// Group, kind, namespace and name in one text.
pub fn said(object: &Object) -> String {
    format!("{}|{}|{}|{}", object.group, object.kind, object.namespace, object.name)
}

/// Twelve digits that differ where any of the parts does.
fn short(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let digest = digest.finalize();
    hex(&digest[..6])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::review::tree::{Files, changes};

    /// An object of a few with contents of a few, some of them the environment's own.
    fn tree() -> impl Strategy<Value = BTreeMap<String, Json>> {
        let value = prop_oneof![Just("a"), Just("b"), Just("{environment}"), Just("to {environment}.example.com")];
        let object = proptest::collection::btree_map("[pqr]", value, 0..4);
        proptest::collection::btree_map("[xyz]", object.prop_map(|data| json!(data)), 0..4)
    }

    fn files(environment: &str, tree: &BTreeMap<String, Json>) -> BTreeMap<String, String> {
        let file = |(name, data): (&String, &Json)| {
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": environment}, "data": data});
            (format!("manifests/{name}.yaml"), object.to_string().replace("{environment}", environment))
        };
        tree.iter().map(file).collect()
    }

    fn view(files: &BTreeMap<String, String>) -> Files<'_> {
        files.iter().map(|(path, text)| (path.as_str(), (text.as_bytes(), "web"))).collect()
    }

    proptest! {
        #[test]
        fn nothing_is_lost(sides in proptest::collection::vec((tree(), tree()), 1..6)) {
            let names: Vec<String> = (0..sides.len()).map(|number| format!("env-{number}")).collect();
            let cluster = json!({});
            let facts = Facts::of(&names.iter().map(|name| (name.as_str(), vec![&cluster, &cluster])).collect());
            let mut raws = Vec::new();
            for (name, (base, head)) in names.iter().zip(&sides) {
                let (base, head) = (files(name, base), files(name, head));
                raws.extend(changes(name, &view(&base), &view(&head)));
            }
            let groups = group(&raws, &facts);
            // Every object that changes has exactly one place.
            let mut wanted: Vec<(String, String)> = raws.iter().map(|raw| (raw.environment.clone(), said(&raw.object))).collect();
            let items = groups.iter().flat_map(|group| &group.item.places);
            let mut found: Vec<(String, String)> = items.map(|place| (place.environment.clone(), said(&place.object))).collect();
            wanted.sort();
            found.sort();
            prop_assert_eq!(wanted, found);
            // Every edit is in its item, for its environment and no other, facts apart.
            let key = |environment: &str, edit: &crate::values::edit::Edit| {
                facts[environment].abstracted(&serde_json::to_string(edit).unwrap())
            };
            for raw in &raws {
                let group = groups.iter().find(|group| {
                    group.item.places.iter().any(|place| place.environment == raw.environment && place.object == raw.object)
                });
                let group = group.unwrap();
                let mut wanted: Vec<String> = raw.edits.iter().map(|edit| key(&raw.environment, edit)).collect();
                let mut found: Vec<String> = group
                    .item
                    .edits
                    .iter()
                    .filter(|edit| edit.environments.contains(&raw.environment))
                    .map(|edit| key(&group.item.places.iter().find(|p| edit.environments.first() == Some(&p.environment)).unwrap().environment, &edit.edit))
                    .collect();
                wanted.sort();
                found.sort();
                prop_assert_eq!(wanted, found);
                prop_assert_eq!(group.item.action, raw.action);
                prop_assert!(group.item.class <= raw.class());
            }
        }
    }
}
