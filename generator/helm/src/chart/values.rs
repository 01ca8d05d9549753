//! What a chart's values come to: its own, its subcharts', and those that are set; which subcharts take part; what is imported.
//!
//! Values are merged by Helm in place, with tables that several places hold at once, and some of what comes out depends on that.
//! [`Map`] is shared by its clones too, so the same steps give the same values.
//!
//! What null does: set by the user, it takes away what the chart has as a default, at every depth. Where the default within a table
//! is null itself, null stays from Helm 3.21 on, and the key goes in Helm 3.19. Nulls in a `values.yaml` that nothing overrides stay
//! in Helm 3 and go in Helm 4.

use std::sync::Arc;

use super::metadata::number_text;
use super::{Chart, ChartError, Dependency, ImportValue, Metadata, version};
use crate::capabilities::HelmVersion;
use crate::functions::json;
use crate::value::{Map, Value};

const GLOBAL: &str = "global";
/// Tables within tables, and charts that take part: more are refused.
const DEPTH: usize = 500;
const CHARTS: usize = 5_000;
const NODES: usize = 4_000_000;

/// Reads a file of values, whose documents are merged, the last on top.
pub fn read(text: &str) -> Result<Value, String> {
    let mut values = Value::Map(Map::default());
    let mut document = String::new();
    for line in text.split_inclusive('\n').chain(["---"]) {
        if let Some(after) = line.strip_prefix("---") {
            let after = after.trim();
            if !after.is_empty() && !after.starts_with('#') {
                return Err(format!("error reading yaml document: invalid Yaml document separator: {after}"));
            }
            if !document.is_empty() {
                values = merge(&values, &read_document(&document)?);
                document.clear();
                continue;
            }
        }
        document.push_str(line);
    }
    Ok(values)
}

fn read_document(text: &str) -> Result<Value, String> {
    let wrong = |error: String| format!("cannot unmarshal yaml document: {error}");
    match super::text::read(text).map_err(wrong)? {
        value @ (Value::Nil | Value::Map(_)) => Ok(value),
        other => Err(wrong(format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            json::kind(&other)
        ))),
    }
}

/// Merges a file of values over another, as `-f` does: tables are merged, all else is replaced, nulls stay.
pub fn merge(below: &Value, above: &Value) -> Value {
    match (below, above) {
        (Value::Map(below), Value::Map(above)) => {
            let mut merged = (*below.entries()).clone();
            for (key, value) in above.entries().iter() {
                let value = match (merged.get(key), value) {
                    (Some(below @ Value::Map(_)), Value::Map(_)) => merge(below, value),
                    _ => value.clone(),
                };
                merged.insert(Arc::clone(key), value);
            }
            merged.into()
        }
        (below, Value::Nil) => below.clone(),
        (_, above) => above.clone(),
    }
}

/// A chart that takes part, with what conditions and aliases made of it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) chart: Arc<Chart>,
    pub(crate) name: String,
    /// Where its dependencies are described; none where the chart describes none.
    described: Option<Vec<usize>>,
    values: Value,
    pub(crate) parent: Option<usize>,
    pub(crate) children: Vec<usize>,
}

/// The charts that take part in a rendering. Charts and descriptions have places, so that several charts can share them.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    described: Vec<Dependency>,
    helm: HelmVersion,
    pub(crate) warnings: Vec<String>,
    left: usize,
}

/// The place of the chart that is rendered.
pub(crate) const ROOT: usize = 0;

type Done<T = ()> = Result<T, ChartError>;

fn too_deep() -> ChartError {
    ChartError::new(format!("values are nested more than {DEPTH} deep"))
}

fn table(value: Option<Value>) -> Option<Map> {
    match value {
        Some(Value::Map(map)) => Some(map),
        _ => None,
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// A value within a warning or a printed struct.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) | Value::Sized(value, _) => value.to_string(),
        Value::Float(value) => number_text(*value),
        Value::String(text) => text.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => {
            let entries = map.entries();
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}:{}", shown(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::Object(object) => object.display(),
    }
}

/// Looks a table up by a path with dots.
pub(crate) fn lookup_table(map: &Map, path: &str) -> Option<Map> {
    path.split('.').try_fold(map.clone(), |map, name| table(map.get(name)))
}

/// Looks up what is no table by a path with dots.
fn lookup_value(map: &Map, path: &str) -> Option<Value> {
    let (map, name) = match path.rsplit_once('.') {
        Some((tables, name)) => (lookup_table(map, tables)?, name),
        None => (map.clone(), path),
    };
    map.get(name).filter(|value| !matches!(value, Value::Map(_)))
}

impl Tree {
    /// Takes a chart with its subcharts, and does what Helm does before it renders: aliases, conditions, tags and imports.
    pub(crate) fn new(chart: &Arc<Chart>, set: &Value, helm: HelmVersion) -> Done<Tree> {
        let mut tree = Tree { nodes: Vec::new(), described: Vec::new(), helm, warnings: Vec::new(), left: NODES };
        tree.add(chart, None)?;
        let set = match set {
            Value::Map(map) => map.clone(),
            _ => Map::default(),
        };
        tree.enable(ROOT, &set, "", 0)?;
        tree.import_all(ROOT)?;
        Ok(tree)
    }

    /// The values that the chart is rendered with.
    pub(crate) fn render_values(&mut self, set: &Value) -> Done<Map> {
        let set = match set {
            Value::Map(map) => map.clone(),
            _ => Map::default(),
        };
        self.coalesce_values(ROOT, &set, false)
    }

    /// What `Chart.yaml` comes to: the name may be an alias, and only dependencies that take part are left.
    pub(crate) fn metadata(&self, node: usize) -> Metadata {
        let node = &self.nodes[node];
        let dependencies = node
            .described
            .as_ref()
            .map(|places| places.iter().filter_map(|place| self.described.get(*place)).cloned().collect::<Vec<_>>());
        let mut metadata = node.chart.metadata.clone();
        metadata.name.clone_from(&node.name);
        metadata.dependencies = dependencies;
        metadata
    }

    /// Where a chart's files are, as Helm names it: `chart/charts/subchart`.
    pub(crate) fn full_path(&self, node: usize) -> String {
        let mut names = vec![self.nodes[node].name.as_str()];
        let mut at = node;
        while let Some(parent) = self.nodes[at].parent {
            at = parent;
            names.push(&self.nodes[at].name);
        }
        names.reverse();
        names.join("/charts/")
    }

    fn put(&mut self, node: Node) -> Done<usize> {
        if self.nodes.len() >= CHARTS {
            return Err(ChartError::new(format!("chart has more than {CHARTS} subcharts")));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    fn describe(&mut self, dependency: Dependency) -> usize {
        self.described.push(dependency);
        self.described.len() - 1
    }

    fn add(&mut self, chart: &Arc<Chart>, parent: Option<usize>) -> Done<usize> {
        let described = chart.metadata.dependencies.clone();
        let described = described.map(|all| all.into_iter().map(|one| self.describe(one)).collect());
        let node = self.put(Node {
            chart: Arc::clone(chart),
            name: chart.metadata.name.clone(),
            described,
            values: chart.values.clone(),
            parent,
            children: Vec::new(),
        })?;
        for child in &chart.dependencies {
            let child = self.add(child, Some(node))?;
            self.nodes[node].children.push(child);
        }
        Ok(node)
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) && self.warnings.len() < 1000 {
            self.warnings.push(warning);
        }
    }

    fn copy(&mut self, value: &Value, depth: usize) -> Done<Value> {
        self.left = self.left.checked_sub(1).ok_or_else(|| ChartError::new("values are too large"))?;
        if depth > DEPTH {
            return Err(too_deep());
        }
        Ok(match value {
            Value::Map(map) => Value::Map(self.copy_map(map, depth)?),
            Value::List(items) => items.iter().map(|item| self.copy(item, depth + 1)).collect::<Done<Vec<_>>>()?.into(),
            other => other.clone(),
        })
    }

    fn copy_map(&mut self, map: &Map, depth: usize) -> Done<Map> {
        // The tree is copied as it is, which is cheaper than to build another one key by key.
        let mut entries = (*map.entries()).clone();
        for value in entries.values_mut() {
            *value = self.copy(value, depth + 1)?;
        }
        Ok(Map::new(entries))
    }

    /// Whether a chart with this name, in a fitting version, is the one that is meant.
    fn find(&self, charts: &[usize], wanted: &Dependency) -> Option<usize> {
        charts.iter().copied().find(|place| {
            let node = &self.nodes[*place];
            node.name == wanted.name && version::matches(&wanted.version, &node.chart.metadata.version)
        })
    }

    /// Another chart of the same, under its alias. Helm 3 lets both share what they describe and hold; Helm 4 does not.
    fn another(&mut self, place: usize, alias: &str) -> Done<usize> {
        let mut node = self.nodes[place].clone();
        if self.helm.is_v4() {
            if let Some(places) = &mut node.described {
                for place in places {
                    let copy = self.described[*place].clone();
                    *place = self.describe(copy);
                }
            }
            let children = std::mem::take(&mut node.children);
            for child in children {
                let copy = self.nodes[child].clone();
                node.children.push(self.put(copy)?);
            }
        }
        if !alias.is_empty() {
            alias.clone_into(&mut node.name);
        }
        let children = node.children.clone();
        let place = self.put(node)?;
        if self.helm.is_v4() {
            for child in children {
                self.nodes[child].parent = Some(place);
            }
        }
        Ok(place)
    }

    fn adopt(&mut self, parent: usize, children: Vec<usize>) {
        for child in &children {
            self.nodes[*child].parent = Some(parent);
        }
        self.nodes[parent].children = children;
    }

    /// Finds out which subcharts take part.
    fn enable(&mut self, at: usize, set: &Map, path: &str, depth: usize) -> Done {
        if depth > DEPTH {
            return Err(too_deep());
        }
        let Some(described) = self.nodes[at].described.clone() else { return Ok(()) };
        let existing = self.nodes[at].children.clone();
        let mut children = Vec::new();
        for child in &existing {
            let mut listed = described.iter().map(|place| &self.described[*place]);
            if !listed.any(|wanted| self.find(&[*child], wanted).is_some()) {
                children.push(*child);
            }
        }
        for place in &described {
            let wanted = self.described[*place].clone();
            if let Some(found) = self.find(&existing, &wanted) {
                children.push(self.another(found, &wanted.alias)?);
            }
            if !wanted.alias.is_empty() {
                self.described[*place].name = wanted.alias;
            }
        }
        self.adopt(at, children);

        for place in &described {
            self.described[*place].enabled = true;
        }
        let values = self.coalesce_values(at, set, false)?;
        self.apply_tags(&described, &values);
        self.apply_conditions(&described, &values, path);

        let off: Vec<String> = described
            .iter()
            .map(|place| &self.described[*place])
            .filter(|dependency| !dependency.enabled)
            .map(|dependency| dependency.name.clone())
            .collect();
        let left = |name: &String| !off.contains(name);
        let children: Vec<usize> =
            self.nodes[at].children.iter().copied().filter(|child| left(&self.nodes[*child].name)).collect();
        let described: Vec<usize> = described.into_iter().filter(|place| left(&self.described[*place].name)).collect();
        for child in &children {
            let path = format!("{path}{}.", self.nodes[*child].name);
            self.enable(*child, &values, &path, depth + 1)?;
        }
        self.nodes[at].described = Some(described).filter(|described| !described.is_empty());
        self.adopt(at, children);
        Ok(())
    }

    fn apply_tags(&mut self, described: &[usize], values: &Map) {
        let Some(tags) = table(values.get("tags")) else { return };
        for place in described {
            let dependency = self.described[*place].clone();
            let (mut on, mut off) = (false, false);
            for tag in &dependency.tags {
                match tags.get(tag) {
                    None => {}
                    Some(Value::Bool(true)) => on = true,
                    Some(Value::Bool(false)) => off = true,
                    Some(_) => {
                        let chart = &dependency.name;
                        self.warn(format!("Warning: Tag '{tag}' for chart {chart} returned non-bool value"));
                    }
                }
            }
            self.described[*place].enabled = on || !off;
        }
    }

    fn apply_conditions(&mut self, described: &[usize], values: &Map, path: &str) {
        for place in described {
            let dependency = self.described[*place].clone();
            for condition in dependency.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
                match lookup_value(values, &format!("{path}{condition}")) {
                    None => {}
                    Some(Value::Bool(enabled)) => {
                        self.described[*place].enabled = enabled;
                        break;
                    }
                    Some(_) => {
                        let chart = &dependency.name;
                        self.warn(format!(
                            "Warning: Condition path '{condition}' for chart {chart} returned non-bool value"
                        ));
                    }
                }
            }
        }
    }

    fn import_all(&mut self, at: usize) -> Done {
        for child in self.nodes[at].children.clone() {
            self.import_all(child)?;
        }
        self.import(at)
    }

    /// Takes over what subcharts export.
    fn import(&mut self, at: usize) -> Done {
        let Some(described) = self.nodes[at].described.clone() else { return Ok(()) };
        let values = self.coalesce_values(at, &Map::default(), true)?;
        let imported = Map::default();
        for place in described {
            let dependency = self.described[place].clone();
            let mut done = Vec::new();
            for import in dependency.import_values {
                let (child, parent) = match import {
                    ImportValue::Export(name) => (format!("exports.{name}"), ".".to_owned()),
                    ImportValue::Table { child, parent } => (child, parent),
                    ImportValue::Other => continue,
                };
                let found = lookup_table(&values, &format!("{}.{child}", dependency.name));
                match found {
                    None => {
                        let name = child.rsplit('.').next().unwrap_or_default();
                        let chart = &dependency.name;
                        self.warn(format!(
                            "Warning: ImportValues missing table from chart {chart}: {name:?} is not a table"
                        ));
                    }
                    Some(found) => {
                        // An empty table is taken as a new one, not as the one that is there.
                        let mut found = if found.is_empty() { Map::default() } else { found };
                        if parent != "." {
                            for name in parent.rsplit('.') {
                                found = [(Arc::from(name), Value::Map(found))].into_iter().collect();
                            }
                        }
                        self.merge_tables(&imported, &found, "", true, 0)?;
                    }
                }
                done.push(ImportValue::Table { child, parent });
            }
            self.described[place].import_values =
                // Where a description is shared, Helm 3 does not find what to import the second time.
                if self.helm.is_v4() { done } else { vec![ImportValue::Other; done.len()] };
        }
        if imported.is_empty() {
            // Nobody else holds what is new.
            self.nodes[at].values = Value::Map(values);
            return Ok(());
        }
        let values = self.copy_map(&values, 0)?;
        self.merge_tables(&values, &imported, "", true, 0)?;
        self.nodes[at].values = Value::Map(self.copy_map(&values, 0)?);
        Ok(())
    }

    /// What values a chart and its subcharts get; `set` stays as it is. Where `keep` is set, nulls are kept for later.
    fn coalesce_values(&mut self, at: usize, set: &Map, keep: bool) -> Done<Map> {
        let values = self.copy_map(set, 0)?;
        self.coalesce(at, &values, "", keep, 0)?;
        Ok(values)
    }

    fn coalesce(&mut self, at: usize, to: &Map, prefix: &str, keep: bool, depth: usize) -> Done {
        if depth > DEPTH {
            return Err(too_deep());
        }
        self.add_defaults(at, to, prefix, keep)?;
        let prefix = join(prefix, &self.nodes[at].name);
        for child in self.nodes[at].children.clone() {
            let name = self.nodes[child].name.clone();
            let values = match to.get(&name) {
                None => {
                    let values = Map::default();
                    to.set(name, Value::Map(values.clone()));
                    values
                }
                Some(Value::Map(values)) => values,
                // The mistake shows the value as `%t` does.
                Some(other) => {
                    let shown = match &other {
                        Value::Bool(value) => value.to_string(),
                        Value::Nil => "%!t(<nil>)".to_owned(),
                        other => format!("%!t({}={})", other.type_name(), shown(other)),
                    };
                    return Err(ChartError::new(format!("type mismatch on {name}: {shown}")));
                }
            };
            self.add_globals(&values, to, &prefix)?;
            self.coalesce(child, &values, &prefix, keep, depth + 1)?;
        }
        Ok(())
    }

    /// Hands the globals of a chart down to a subchart.
    fn add_globals(&mut self, to: &Map, from: &Map, prefix: &str) -> Done {
        let mut tables = [Map::default(), Map::default()];
        for ((globals, holder), role) in tables.iter_mut().zip([to, from]).zip(["destination", "source"]) {
            match holder.get(GLOBAL) {
                None => {}
                Some(Value::Map(map)) => *globals = map,
                Some(_) => {
                    self.warn(format!("warning: skipping globals because {role} {GLOBAL} is not a table."));
                    return Ok(());
                }
            }
        }
        let [to_globals, from_globals] = tables;
        for (key, value) in from_globals.entries().iter() {
            match (value, to_globals.get(key)) {
                (Value::Map(from), there) => {
                    // The table is new, the tables within are those of the parent.
                    let from = Map::new((*from.entries()).clone());
                    match there {
                        None => to_globals.set(Arc::clone(key), Value::Map(from)),
                        Some(Value::Map(there)) => {
                            self.merge_tables(&from, &there, &join(prefix, key), true, 0)?;
                            to_globals.set(Arc::clone(key), Value::Map(from));
                        }
                        Some(_) => {
                            self.warn(format!("Conflict: cannot merge map onto non-map for {key:?}. Skipping."));
                        }
                    }
                }
                (_, Some(Value::Map(_))) => self.warn(format!("key {key} is table. Skipping")),
                (value, _) => to_globals.set(Arc::clone(key), value.clone()),
            }
        }
        to.set(GLOBAL, Value::Map(to_globals));
        Ok(())
    }

    /// Adds a chart's own values where nothing else is set.
    fn add_defaults(&mut self, at: usize, to: &Map, prefix: &str, keep: bool) -> Done {
        let prefix = join(prefix, &self.nodes[at].name);
        let Value::Map(defaults) = self.nodes[at].values.clone() else { return Ok(()) };
        let defaults = self.copy_map(&defaults, 0)?;
        let v4 = self.helm.is_v4();
        for (key, value) in defaults.entries().iter() {
            match to.get(key) {
                Some(Value::Nil) if !keep => {
                    to.remove(key);
                }
                Some(Value::Map(there)) => match value {
                    Value::Map(from) => {
                        let children = &self.nodes[at].children;
                        let keep = keep || children.iter().any(|child| *self.nodes[*child].name == **key);
                        if !keep && v4 {
                            without_nulls(from);
                        }
                        self.merge_tables(&there, from, &join(&prefix, key), keep, 0)?;
                    }
                    Value::Nil => {}
                    _ => self.warn(format!("warning: skipped value for {prefix}.{key}: Not a table.")),
                },
                Some(_) => {}
                None => {
                    if !keep && v4 {
                        match value {
                            Value::Nil => continue,
                            Value::Map(map) => without_nulls(map),
                            _ => {}
                        }
                    }
                    to.set(Arc::clone(key), value.clone());
                }
            }
        }
        Ok(())
    }

    /// Merges a table into another, whose values win.
    fn merge_tables(&mut self, to: &Map, from: &Map, prefix: &str, keep: bool, depth: usize) -> Done {
        if depth > DEPTH {
            return Err(too_deep());
        }
        self.left = self.left.checked_sub(1).ok_or_else(|| ChartError::new("values are too large"))?;
        let with_default = from.entries();
        let old = self.helm == HelmVersion::V3_19;
        for (key, value) in to.entries().iter() {
            if !old && *value == Value::Nil {
                from.set(Arc::clone(key), Value::Nil);
            }
        }
        for (key, value) in from.entries().iter() {
            match (to.get(key), value) {
                (None, value) => to.set(Arc::clone(key), value.clone()),
                (Some(Value::Nil), _)
                    if !keep && (old || with_default.get(key).is_some_and(|default| *default != Value::Nil)) =>
                {
                    to.remove(key);
                }
                (Some(Value::Map(there)), Value::Map(from)) => {
                    // A table that is both is as it should be already.
                    if !there.same(from) {
                        self.merge_tables(&there, from, &join(prefix, key), keep, depth + 1)?;
                    }
                }
                (Some(_), Value::Map(_)) => {
                    let (full, value) = (join(prefix, key), shown(value));
                    self.warn(format!("warning: cannot overwrite table with non table for {full} ({value})"));
                }
                (Some(Value::Map(_)), value) if *value != Value::Nil => {
                    let (full, value) = (join(prefix, key), shown(value));
                    self.warn(format!(
                        "warning: destination for {full} is a table. Ignoring non-table value ({value})"
                    ));
                }
                (Some(_), _) => {}
            }
        }
        Ok(())
    }
}

fn without_nulls(map: &Map) {
    for (key, value) in map.entries().iter() {
        match value {
            Value::Nil => {
                map.remove(key);
            }
            Value::Map(map) => without_nulls(map),
            _ => {}
        }
    }
}
