//! What differs between two values, as a list of edits, and the way back: base and edits give head.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// A change at one path of a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// Where, from the top.
    pub path: Vec<Segment>,
    /// What.
    pub change: Change,
}

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum Segment {
    /// Into a map.
    Key(String),
    /// Into a list.
    Item {
        /// What tells the item from others, `name=web` or `containerPort=80,protocol=TCP`; empty where only its place does.
        item: String,
        /// Its index before; none where it is new.
        old: Option<usize>,
        /// Its index after; none where it is gone.
        new: Option<usize>,
    },
}

/// What happens at a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "change")]
pub enum Change {
    /// The value comes.
    Added {
        /// What comes.
        new: Json,
    },
    /// The value goes.
    Removed {
        /// What goes.
        old: Json,
    },
    /// Another value stands there.
    Replaced {
        /// Before.
        old: Json,
        /// After.
        new: Json,
        /// What differs inside, where both are texts of a format that could be read.
        inside: Option<Inside>,
    },
    /// The items of the list that stay stand in another order.
    Reordered {
        /// Old indexes of the items that stay, in their new order.
        order: Vec<usize>,
    },
}

/// What differs inside an embedded document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inside {
    /// What it was read as.
    pub format: Format,
    /// Its edits; paths start at the top of the document. Empty where only layout or comments differ.
    pub edits: Vec<Edit>,
}

/// A format of embedded documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// TOML.
    Toml,
    /// `key=value` lines.
    Properties,
}

/// Values below this depth are compared as a whole, so that no input exhausts the stack.
const DEEPEST: usize = 200;
/// Documents inside documents inside documents.
const DEEPEST_EMBEDDED: usize = 3;
/// Texts longer than this are not read as documents.
const LONGEST_DOCUMENT: usize = 1 << 20;
/// Lists that together have more items than this get a cheaper comparison.
const LONGEST_SUBSEQUENCE: usize = 2_000;
/// So many fields may make the key of a list.
const MOST_FIELDS: usize = 4;
static NULL: Json = Json::Null;

impl Edit {
    /// The path as a person writes it: `spec.template.spec.containers[name=web].image`, `data["app.yaml"]`.
    pub fn display_path(&self) -> String {
        display_path(&self.path)
    }
}

/// A path as a person writes it; `.` for the top.
pub fn display_path(path: &[Segment]) -> String {
    let mut out = String::new();
    for segment in path {
        match segment {
            Segment::Key(key) => display_key(&mut out, key),
            Segment::Item { item, old, new } => display_item(&mut out, item, new.or(*old)),
        }
    }
    if out.is_empty() { ".".to_owned() } else { out }
}

/// One key further.
pub fn display_key(out: &mut String, key: &str) {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '$'));
    if plain {
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(key);
    } else {
        // Writing into a string cannot fail.
        let _ = write!(out, "[{}]", Json::from(key));
    }
}

/// One item further.
pub fn display_item(out: &mut String, item: &str, index: Option<usize>) {
    let _ = match (item, index) {
        ("", Some(index)) => write!(out, "[{index}]"),
        ("", None) => write!(out, "[]"),
        (item, _) if item.contains(['[', ']', '\n']) => write!(out, "[{}]", Json::from(item)),
        (item, _) => write!(out, "[{item}]"),
    };
}

/// What tells the items of lists apart, by the keys that lead to the list.
#[derive(Debug, Clone, Default)]
pub struct ListKeys {
    by_last: HashMap<String, Vec<ListKey>>,
    others: Vec<Vec<Field>>,
}

/// A list, and the sets of fields that may tell its items apart.
#[derive(Debug, Clone)]
struct ListKey {
    /// Keys above the last one, the nearest first.
    above: Vec<String>,
    candidates: Vec<Vec<Field>>,
}

#[derive(Debug, Clone)]
struct Field {
    name: String,
    optional: bool,
}

/// A row of the table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// Names of lists, with the keys above them where those matter: `ports`, `spec.versions`; `*` for all others.
    lists: Vec<String>,
    /// Sets of fields; `protocol?` may be missing. The set that pairs most items wins, the first among equals.
    keys: Vec<Vec<String>>,
}

impl ListKeys {
    /// Reads the table, or says what is wrong with it.
    pub fn of(text: &str) -> Result<ListKeys, String> {
        let rows: Vec<Row> = serde_yaml::from_str(text).map_err(|mistake| mistake.to_string())?;
        let mut keys = ListKeys::default();
        for row in rows {
            let candidates: Vec<Vec<Field>> = row.keys.iter().map(|names| fields(names)).collect::<Result<_, _>>()?;
            for list in row.lists {
                if list == "*" {
                    keys.others.clone_from(&candidates);
                    continue;
                }
                let mut parts = list.rsplit('.').map(str::to_owned);
                let last = parts.next().unwrap_or_default();
                let key = ListKey { above: parts.collect(), candidates: candidates.clone() };
                keys.by_last.entry(last).or_default().push(key);
            }
        }
        Ok(keys)
    }

    /// The sets of fields for the list at a path, and whether the table names it.
    fn candidates(&self, path: &[Step<'_>]) -> (&[Vec<Field>], bool) {
        let mut above = path.iter().rev().filter_map(|step| match step {
            Step::Key(key) => Some(*key),
            Step::Item { .. } => None,
        });
        let named = above.next().and_then(|last| self.by_last.get(last)).and_then(|rows| {
            rows.iter().find(|row| {
                let mut above = above.clone();
                row.above.iter().all(|wanted| above.next() == Some(wanted))
            })
        });
        match named {
            Some(row) => (&row.candidates, true),
            None => (&self.others, false),
        }
    }
}

fn fields(names: &[String]) -> Result<Vec<Field>, String> {
    if names.is_empty() || names.len() > MOST_FIELDS {
        return Err(format!("{names:?}: a key has one to {MOST_FIELDS} fields"));
    }
    let field = |name: &String| match name.strip_suffix('?') {
        Some(name) => Field { name: name.to_owned(), optional: true },
        None => Field { name: name.clone(), optional: false },
    };
    Ok(names.iter().map(field).collect())
}

type Key<'a> = [&'a Json; MOST_FIELDS];

/// The key of an item; none where it lacks a field or a field is not a scalar.
fn key_of<'a>(item: &'a Json, fields: &[Field]) -> Option<Key<'a>> {
    let map = item.as_object()?;
    let mut key = [&NULL; MOST_FIELDS];
    for (place, field) in key.iter_mut().zip(fields) {
        *place = match map.get(&field.name) {
            Some(Json::Object(_) | Json::Array(_)) => return None,
            Some(value) => value,
            None if field.optional => &NULL,
            None => return None,
        };
    }
    Some(key)
}

/// Items by key; none where an item has none or two have the same.
fn keyed<'a>(items: &'a [Json], fields: &[Field]) -> Option<HashMap<Key<'a>, usize>> {
    let mut by_key = HashMap::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if by_key.insert(key_of(item, fields)?, index).is_some() {
            return None;
        }
    }
    Some(by_key)
}

/// What tells an item from others, in words: `name=web`.
fn label(item: &Json, fields: &[Field]) -> String {
    let mut out = String::new();
    for field in fields {
        let Some(value) = item.get(&field.name) else { continue };
        if !out.is_empty() {
            out.push(',');
        }
        let _ = match value {
            Json::String(text) => write!(out, "{}={text}", field.name),
            other => write!(out, "{}={other}", field.name),
        };
    }
    out
}

/// A step down while two values are compared.
#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Item { item: &'a Json, fields: &'a [Field], old: Option<usize>, new: Option<usize> },
}

impl Step<'_> {
    fn segment(&self) -> Segment {
        match *self {
            Step::Key(key) => Segment::Key(key.to_owned()),
            Step::Item { item, fields, old, new } => Segment::Item { item: label(item, fields), old, new },
        }
    }
}

/// What differs, in order of the old value's keys, then the new ones. [`apply`] is the way back.
pub fn diff(old: &Json, new: &Json, keys: &ListKeys) -> Vec<Edit> {
    diff_embedded(old, new, keys, 0)
}

fn diff_embedded(old: &Json, new: &Json, keys: &ListKeys, embedded: usize) -> Vec<Edit> {
    let mut differ = Differ { keys, path: Vec::new(), edits: Vec::new(), embedded };
    differ.value(old, new);
    differ.edits
}

/// The fields of the key, and for each new item the index of the old one that it was.
type Paired<'a> = (&'a [Field], Vec<Option<usize>>);

struct Differ<'a> {
    keys: &'a ListKeys,
    path: Vec<Step<'a>>,
    edits: Vec<Edit>,
    /// Depth of embedded documents.
    embedded: usize,
}

impl<'a> Differ<'a> {
    fn value(&mut self, old: &'a Json, new: &'a Json) {
        let may_descend = self.path.len() < DEEPEST;
        match (old, new) {
            (Json::Object(old), Json::Object(new)) if may_descend => self.map(old, new),
            (Json::Array(old), Json::Array(new)) if may_descend => self.list(old, new),
            (old, new) if old == new => {}
            (Json::String(before), Json::String(after)) => {
                let inside = self.inside(before, after);
                self.push(Change::Replaced { old: old.clone(), new: new.clone(), inside });
            }
            _ => self.push(Change::Replaced { old: old.clone(), new: new.clone(), inside: None }),
        }
    }

    fn push(&mut self, change: Change) {
        self.edits.push(Edit { path: self.path.iter().map(Step::segment).collect(), change });
    }

    fn push_at(&mut self, step: Step<'a>, change: Change) {
        self.path.push(step);
        self.push(change);
        self.path.pop();
    }

    fn map(&mut self, old: &'a Map<String, Json>, new: &'a Map<String, Json>) {
        // Both sides have the same keys in the same order nearly always: a look at the same place saves the search.
        let mut beside = new.iter();
        for (key, before) in old {
            let after = match beside.next() {
                Some((other, after)) if other == key => Some(after),
                _ => new.get(key),
            };
            match after {
                Some(after) => {
                    self.path.push(Step::Key(key));
                    self.value(before, after);
                    self.path.pop();
                }
                None => self.push_at(Step::Key(key), Change::Removed { old: before.clone() }),
            }
        }
        let mut beside = old.keys();
        for (key, after) in new {
            if beside.next() != Some(key) && !old.contains_key(key) {
                self.push_at(Step::Key(key), Change::Added { new: after.clone() });
            }
        }
    }

    fn list(&mut self, old: &'a [Json], new: &'a [Json]) {
        if old == new {
            return;
        }
        let (fields, partners) = self.by_key(old, new).unwrap_or_else(|| (&[], by_value(old, new)));
        let mut stays = vec![false; old.len()];
        partners.iter().flatten().for_each(|index| stays[*index] = true);
        for (index, item) in old.iter().enumerate().filter(|(index, _)| !stays[*index]) {
            let step = Step::Item { item, fields, old: Some(index), new: None };
            self.push_at(step, Change::Removed { old: item.clone() });
        }
        for (index, (item, partner)) in new.iter().zip(&partners).enumerate() {
            let step = Step::Item { item, fields, old: *partner, new: Some(index) };
            match partner.and_then(|partner| old.get(partner)) {
                Some(before) => {
                    self.path.push(step);
                    self.value(before, item);
                    self.path.pop();
                }
                None => self.push_at(step, Change::Added { new: item.clone() }),
            }
        }
        let order: Vec<usize> = partners.into_iter().flatten().collect();
        if !order.is_sorted() {
            self.push(Change::Reordered { order });
        }
    }

    /// For each new item the old one with the same key, where the table says what the key is and it holds on both sides.
    fn by_key(&self, old: &[Json], new: &[Json]) -> Option<Paired<'a>> {
        if !old.iter().chain(new).all(Json::is_object) {
            return None;
        }
        let keys = self.keys;
        let (candidates, named) = keys.candidates(&self.path);
        let mut best: Option<(usize, Paired<'a>)> = None;
        for fields in candidates {
            let (Some(before), Some(_)) = (keyed(old, fields), keyed(new, fields)) else { continue };
            let partners: Vec<Option<usize>> =
                new.iter().map(|item| before.get(&key_of(item, fields)?).copied()).collect();
            let pairs = partners.iter().flatten().count();
            let better = best.as_ref().is_none_or(|(most, ..)| pairs > *most);
            if better && (named || pairs > 0) {
                best = Some((pairs, (fields, partners)));
            }
        }
        best.map(|(_, paired)| paired)
    }

    fn inside(&self, old: &str, new: &str) -> Option<Inside> {
        if self.embedded >= DEEPEST_EMBEDDED {
            return None;
        }
        let (format, before) = document(old)?;
        let (other, after) = document(new)?;
        // JSON is YAML, properties are not.
        let format = match (format, other) {
            (format, other) if format == other => format,
            (Format::Json | Format::Yaml, Format::Json | Format::Yaml) => Format::Yaml,
            _ => return None,
        };
        Some(Inside { format, edits: diff_embedded(&before, &after, self.keys, self.embedded + 1) })
    }
}

/// A text as a map or a list, where it is one.
fn document(text: &str) -> Option<(Format, Json)> {
    if text.len() > LONGEST_DOCUMENT {
        return None;
    }
    let is_branch = |value: &Json| value.is_object() || value.is_array();
    if text.trim_start().starts_with(['{', '['])
        && let Some(value) = serde_json::from_str(text).ok().filter(is_branch)
    {
        return Some((Format::Json, value));
    }
    // A single line with a colon is a sentence more often than a document.
    if !text.trim_end().contains('\n') {
        return None;
    }
    if let Some(value) = properties(text) {
        return Some((Format::Properties, value));
    }
    serde_yaml::from_str(text).ok().filter(is_branch).map(|value| (Format::Yaml, value))
}

/// A text that consists of `key=value` lines, empty lines and comments.
fn properties(text: &str) -> Option<Json> {
    let mut map = Map::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (key, value) = line.split_once('=')?;
        let key = key.trim_end();
        let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
        if !plain || map.insert(key.to_owned(), Json::from(value.trim_start())).is_some() {
            return None;
        }
    }
    (!map.is_empty()).then_some(Json::Object(map))
}

/// For each new item an old one: the same value, kept or moved, or what stands in its place where as much goes as comes.
fn by_value(old: &[Json], new: &[Json]) -> Vec<Option<usize>> {
    let mut ids: HashMap<&Json, usize> = HashMap::new();
    let mut id = |item| {
        let next = ids.len();
        *ids.entry(item).or_insert(next)
    };
    let before: Vec<usize> = old.iter().map(&mut id).collect();
    let after: Vec<usize> = new.iter().map(&mut id).collect();
    let kept = common_subsequence(&before, &after);

    let mut partners = vec![None; new.len()];
    let mut stays = vec![false; old.len()];
    for &(from, to) in &kept {
        partners[to] = Some(from);
        stays[from] = true;
    }
    let mut moved: HashMap<usize, VecDeque<usize>> = HashMap::new();
    for (index, id) in before.iter().enumerate().filter(|(index, _)| !stays[*index]) {
        moved.entry(*id).or_default().push_back(index);
    }
    for (to, id) in after.iter().enumerate() {
        if partners[to].is_none()
            && let Some(from) = moved.get_mut(id).and_then(VecDeque::pop_front)
        {
            partners[to] = Some(from);
            stays[from] = true;
        }
    }
    let (mut from, mut to) = (0, 0);
    for &(next_from, next_to) in kept.iter().chain([&(old.len(), new.len())]) {
        let goes: Vec<usize> = (from..next_from).filter(|index| !stays[*index]).collect();
        let comes: Vec<usize> = (to..next_to).filter(|index| partners[*index].is_none()).collect();
        if goes.len() == comes.len() && goes.iter().zip(&comes).all(|(goes, comes)| alike(&old[*goes], &new[*comes])) {
            goes.iter().zip(&comes).for_each(|(goes, comes)| partners[*comes] = Some(*goes));
        }
        (from, to) = (next_from + 1, next_to + 1);
    }
    partners
}

/// Whether one may be what became of the other: both are maps, or both are scalars.
fn alike(old: &Json, new: &Json) -> bool {
    match (old, new) {
        (Json::Object(_), Json::Object(_)) => true,
        (Json::Object(_) | Json::Array(_), _) | (_, Json::Object(_) | Json::Array(_)) => false,
        _ => true,
    }
}

/// Pairs of indexes with the same number, ascending on both sides.
fn common_subsequence(old: &[usize], new: &[usize]) -> Vec<(usize, usize)> {
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old_middle, new_middle) = (&old_rest[..old_rest.len() - end], &new_rest[..new_rest.len() - end]);
    let mut pairs: Vec<(usize, usize)> = (0..start).map(|index| (index, index)).collect();
    if old_middle.len() + new_middle.len() <= LONGEST_SUBSEQUENCE {
        for op in similar::capture_diff_slices(similar::Algorithm::Myers, old_middle, new_middle) {
            if let similar::DiffOp::Equal { old_index, new_index, len } = op {
                pairs.extend((0..len).map(|index| (start + old_index + index, start + new_index + index)));
            }
        }
    } else {
        pairs.extend(ascending(old_middle, new_middle).into_iter().map(|(from, to)| (start + from, start + to)));
    }
    pairs.extend((0..end).map(|index| (old.len() - end + index, new.len() - end + index)));
    pairs
}

/// A common subsequence in `n log n`: the first of a number is paired with the first, the second with the second, and the
/// longest run of pairs that ascends is kept.
fn ascending(old: &[usize], new: &[usize]) -> Vec<(usize, usize)> {
    let mut places: HashMap<usize, VecDeque<usize>> = HashMap::new();
    for (index, id) in old.iter().enumerate() {
        places.entry(*id).or_default().push_back(index);
    }
    let pairs: Vec<(usize, usize)> = new
        .iter()
        .enumerate()
        .filter_map(|(to, id)| places.get_mut(id).and_then(VecDeque::pop_front).map(|from| (from, to)))
        .collect();
    // The smallest end of a run of each length, and what comes before each pair in its run.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous = vec![None; pairs.len()];
    for (index, (from, _)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].0 < *from);
        previous[index] = length.checked_sub(1).map(|shorter| ends[shorter]);
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let mut run: Vec<(usize, usize)> = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(index) = next {
        run.push(pairs[index]);
        next = previous[index];
    }
    run.reverse();
    run
}

/// The new value: `base` with the edits made. None where they were not made for it.
pub fn apply(base: &Json, edits: &[Edit]) -> Option<Json> {
    apply_at(base, &edits.iter().collect::<Vec<_>>(), 0)
}

fn apply_at(base: &Json, edits: &[&Edit], depth: usize) -> Option<Json> {
    match edits {
        [] => return Some(base.clone()),
        [edit] if edit.path.len() == depth => {
            if let Change::Replaced { old, new, .. } = &edit.change {
                return (old == base).then(|| new.clone());
            }
        }
        _ => {}
    }
    match base {
        Json::Object(map) => apply_map(map, edits, depth),
        Json::Array(items) => apply_list(items, edits, depth),
        _ => None,
    }
}

fn apply_map(base: &Map<String, Json>, edits: &[&Edit], depth: usize) -> Option<Json> {
    let mut by_key: HashMap<&str, Vec<&Edit>> = HashMap::new();
    let mut comes: Vec<(&String, &Json)> = Vec::new();
    for edit in edits {
        let Segment::Key(key) = edit.path.get(depth)? else { return None };
        match &edit.change {
            Change::Added { new } if edit.path.len() == depth + 1 => comes.push((key, new)),
            _ => by_key.entry(key).or_default().push(edit),
        }
    }
    let mut map = Map::with_capacity(base.len() + comes.len());
    for (key, value) in base {
        let Some(own) = by_key.remove(key.as_str()) else {
            map.insert(key.clone(), value.clone());
            continue;
        };
        match own.as_slice() {
            [Edit { path, change: Change::Removed { old } }] if path.len() == depth + 1 => {
                if old != value {
                    return None;
                }
            }
            own => {
                map.insert(key.clone(), apply_at(value, own, depth + 1)?);
            }
        }
    }
    for (key, new) in comes {
        if map.insert(key.clone(), new.clone()).is_some() {
            return None;
        }
    }
    by_key.is_empty().then_some(Json::Object(map))
}

fn apply_list(base: &[Json], edits: &[&Edit], depth: usize) -> Option<Json> {
    let mut goes: HashSet<usize> = HashSet::new();
    let mut comes: BTreeMap<usize, &Json> = BTreeMap::new();
    let mut changes: HashMap<usize, Vec<&Edit>> = HashMap::new();
    let mut order: Option<&Vec<usize>> = None;
    for edit in edits {
        match (edit.path.get(depth), &edit.change) {
            (None, Change::Reordered { order: stated }) if order.is_none() => order = Some(stated),
            (Some(Segment::Item { old: Some(index), new: None, .. }), Change::Removed { old }) => {
                if edit.path.len() != depth + 1 || base.get(*index)? != old || !goes.insert(*index) {
                    return None;
                }
            }
            (Some(Segment::Item { old: None, new: Some(index), .. }), Change::Added { new }) => {
                if edit.path.len() != depth + 1 || comes.insert(*index, new).is_some() {
                    return None;
                }
            }
            (Some(Segment::Item { old: Some(index), new: Some(_), .. }), _) => {
                changes.entry(*index).or_default().push(edit);
            }
            _ => return None,
        }
    }
    let stay: Vec<usize> = match order {
        Some(order) => {
            let distinct: HashSet<&usize> = order.iter().collect();
            let whole = distinct.len() == order.len() && order.len() + goes.len() == base.len();
            if !whole || order.iter().any(|index| goes.contains(index)) {
                return None;
            }
            order.clone()
        }
        None => (0..base.len()).filter(|index| !goes.contains(index)).collect(),
    };
    let length = stay.len() + comes.len();
    let mut stay = stay.into_iter();
    let mut items = Vec::with_capacity(length);
    for place in 0..length {
        if let Some(new) = comes.remove(&place) {
            items.push(new.clone());
            continue;
        }
        let index = stay.next()?;
        let item = base.get(index)?;
        items.push(match changes.remove(&index) {
            Some(own) => apply_at(item, &own, depth + 1)?,
            None => item.clone(),
        });
    }
    (comes.is_empty() && changes.is_empty()).then_some(Json::Array(items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn keys() -> ListKeys {
        ListKeys::of(
            "- lists: [containers, env]\n  keys: [[name]]\n\
             - lists: [ports]\n  keys: [[name], [containerPort, protocol?], [port, protocol?]]\n\
             - lists: [tolerations]\n  keys: [[key?, operator?, effect?]]\n\
             - lists: [b.a]\n  keys: [[name], [a]]\n\
             - lists: ['*']\n  keys: [[name]]\n",
        )
        .unwrap()
    }

    /// The edits as lines, after they were applied.
    fn lines(old: &Json, new: &Json) -> Vec<String> {
        let edits = diff(old, new, &keys());
        assert_eq!(apply(old, &edits).as_ref(), Some(new), "{edits:#?}");
        let kept: Vec<Edit> = serde_json::from_str(&serde_json::to_string(&edits).unwrap()).unwrap();
        assert_eq!(kept, edits, "edits survive JSON");
        edits.iter().map(line).collect()
    }

    fn line(edit: &Edit) -> String {
        let path = edit.display_path();
        match &edit.change {
            Change::Added { new } => format!("+ {path}: {new}"),
            Change::Removed { old } => format!("- {path}: {old}"),
            Change::Replaced { old, new, inside: None } => format!("{path}: {old} -> {new}"),
            Change::Replaced { inside: Some(inside), .. } => {
                format!("{path} {:?} {:?}", inside.format, inside.edits.iter().map(line).collect::<Vec<_>>())
            }
            Change::Reordered { order } => format!("{path} {order:?}"),
        }
    }

    #[test]
    fn maps_and_scalars() {
        assert_eq!(
            lines(&json!({"a": 1, "b": {"c": 1}, "d": 1}), &json!({"d": "1", "b": {"c": 1, "x.y": null}})),
            ["- a: 1", r#"+ b["x.y"]: null"#, r#"d: 1 -> "1""#]
        );
        assert_eq!(lines(&json!(1), &json!([1])), [".: 1 -> [1]"]);
        assert!(lines(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1})).is_empty());
    }

    #[test]
    fn lists_with_keys() {
        let old = json!({"containers": [{"name": "web", "image": "a:1"}, {"name": "log"}]});
        let new = json!({"containers": [{"name": "log"}, {"name": "init"}, {"name": "web", "image": "a:2"}]});
        assert_eq!(
            lines(&old, &new),
            [
                r#"+ containers[name=init]: {"name":"init"}"#,
                r#"containers[name=web].image: "a:1" -> "a:2""#,
                "containers [1, 0]"
            ]
        );
    }

    #[test]
    fn the_fields_that_pair_most_items_are_the_key() {
        let ports = |name: &str, number: u16| json!({"ports": [{"name": name, "containerPort": number}]});
        assert_eq!(lines(&ports("http", 80), &ports("http", 81)), ["ports[name=http].containerPort: 80 -> 81"]);
        assert_eq!(lines(&ports("http", 80), &ports("web", 80)), [r#"ports[containerPort=80].name: "http" -> "web""#]);
        // A key that is not unique is none.
        let twice = json!({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]});
        let other = json!({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "3"}]});
        assert_eq!(lines(&twice, &other), [r#"env[1].value: "2" -> "3""#]);
    }

    #[test]
    fn lists_without_keys() {
        let list = |items: &[&str]| json!({"args": items});
        assert_eq!(lines(&list(&["a", "b", "c"]), &list(&["a", "x", "b", "c"])), [r#"+ args[1]: "x""#]);
        assert_eq!(lines(&list(&["a", "b", "c"]), &list(&["a", "x", "c"])), [r#"args[1]: "b" -> "x""#]);
        assert_eq!(lines(&list(&["get", "list"]), &list(&["list", "get"])), ["args [1, 0]"]);
        assert_eq!(
            lines(&json!([{"a": 1, "b": 1}, 7]), &json!([7, 8, {"a": 1, "b": 1}])),
            ["+ [1]: 8", ". [1, 0]"],
            "a moved item is not one that comes"
        );
        assert_eq!(lines(&json!([{"a": 1, "b": 1}]), &json!([{"a": 1, "b": 2}])), ["[0].b: 1 -> 2"]);
    }

    #[test]
    fn documents_inside() {
        let text = |text: &str| json!({"data": {"app.yaml": text}});
        assert_eq!(
            lines(&text("a:\n  b: 1\n# one\n"), &text("a:\n  b: 2\n")),
            [r#"data["app.yaml"] Yaml ["a.b: 1 -> 2"]"#]
        );
        assert_eq!(lines(&text("a: 1 # x\nb: 2\n"), &text("a: 1\nb: 2\n")), [r#"data["app.yaml"] Yaml []"#]);
        assert_eq!(lines(&text(r#"{"a": 1}"#), &text(r#"{"a":2}"#)), [r#"data["app.yaml"] Json ["a: 1 -> 2"]"#]);
        assert_eq!(
            lines(&text("# x\na.b=1\nc = 2"), &text("a.b=1\nc=3")),
            [r#"data["app.yaml"] Properties ["c: \"2\" -> \"3\""]"#]
        );
        for (old, new) in [("Note: one", "Note: two"), ("{{ a }}", "{{ b }}"), ("a\nb", "a\nc"), ("x=1", "a: 1\nb: 2")]
        {
            let edits = diff(&text(old), &text(new), &keys());
            assert!(matches!(edits[0].change, Change::Replaced { inside: None, .. }), "{old:?}");
        }
    }

    #[test]
    fn edits_of_another_value_are_refused() {
        let (old, new) = (json!({"a": [1, {"name": "b"}], "c": 1}), json!({"a": [{"name": "b", "x": 1}], "d": 1}));
        let edits = diff(&old, &new, &keys());
        assert_eq!(apply(&old, &edits), Some(new.clone()));
        for other in [json!(1), json!({}), json!([]), json!({"a": [], "c": 1}), json!({"a": [2, 3], "c": 1}), new] {
            assert_eq!(apply(&other, &edits), None, "{other}");
        }
    }

    #[test]
    fn hostile_input_is_no_danger() {
        let nested = |depth: usize, leaf: i64| (0..depth).fold(json!(leaf), |value, _| json!({ "a": [value] }));
        let (old, new) = (nested(200, 1), nested(200, 2));
        assert_eq!(apply(&old, &diff(&old, &new, &keys())), Some(new));
        let long = |f: &dyn Fn(u64) -> Json| Json::from((0..100_000).map(f).collect::<Vec<_>>());
        let lists = [
            long(&|n| json!(n)),
            long(&|n| json!(n + 1)),
            long(&|n| json!(100_000 - n)),
            long(&|n| json!(n % 3)),
            long(&|n| json!(n % 7 % 3)),
            long(&|n| json!({"name": n})),
            long(&|n| json!({"name": n * 7919 % 100_000, "x": n % 10})),
            long(&|n| json!([n * 7919 % 100_000])),
        ];
        for (old, new) in lists.iter().zip(lists.iter().skip(1)) {
            assert_eq!(apply(old, &diff(old, new, &keys())).as_ref(), Some(new));
        }
    }

    /// Trees in which the same keys, names and values come again.
    fn tree() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            (0..4i64).prop_map(Json::from),
            Just(json!(1.0)),
            "[ab]{0,2}".prop_map(Json::from),
            (0..4i64, "[ab]").prop_map(|(n, key)| json!(format!("x: {n}\n{key}: [1, {{name: {n}}}]\n"))),
            (0..4i64).prop_map(|n| json!(format!("a={n}\nb=1"))),
            (0..4i64).prop_map(|n| json!(format!("{{\"a\": {n}}}"))),
        ];
        leaf.prop_recursive(5, 64, 6, |inner| {
            let named = ("[abc]", inner.clone()).prop_map(|(name, value)| json!({"name": name, "value": value}));
            prop_oneof![
                proptest::collection::btree_map("(a|b|c|env|ports|containers)", inner.clone(), 0..5)
                    .prop_map(|map| json!(map)),
                proptest::collection::vec(inner, 0..5).prop_map(Json::from),
                proptest::collection::vec(named, 0..4).prop_map(Json::from),
            ]
        })
    }

    proptest! {
        #[test]
        fn base_and_edits_give_head(old in tree(), new in tree()) {
            let edits = diff(&old, &new, &keys());
            prop_assert_eq!(apply(&old, &edits), Some(new.clone()), "{:#?}", edits);
            prop_assert_eq!(edits.is_empty(), old == new);
            prop_assert!(diff(&new, &new.clone(), &keys()).is_empty());
        }
    }
}
