//! What a change does to what runs: two rendered trees, compared object by object. Pure; `cli::diff` prints it.
//!
//! [`tree`] finds what differs in each environment, [`rules`] say how dangerous it is, [`group`] makes one item of the same change in
//! many environments, [`cause`] finds the input lines, [`effect`] the edited lines that do nothing, [`gate`] what a person has to
//! say yes to. What comes out is a [`model::Review`]. [`compare`] does the like for two environments of one side.

pub mod cause;
pub mod chart;
pub mod compare;
pub mod effect;
pub mod facts;
pub mod gate;
pub mod group;
pub mod model;
pub mod rules;
pub mod secret;
pub mod tree;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::hex;
use crate::pipeline::compare::INDEX;
use crate::pipeline::render::RenderedTree;
use crate::pipeline::repository::Repository;
use cause::Causes;
use facts::Facts;
use gate::Acceptance;
use model::{ChartSeen, Class, Item, Review, Side, Totals};
use tree::{Files, Raw};

/// One side, rendered.
#[derive(Debug, Clone, Copy)]
pub struct View<'v> {
    /// The inputs.
    pub repository: &'v Repository,
    /// What they render to, in order of environment.
    pub trees: &'v [RenderedTree<'v>],
    /// Whether its one tree stands for whatever environment is asked for: two environments are compared, not two sides of one.
    pub alone: bool,
}

impl<'v> View<'v> {
    /// The tree of an environment, where this side has it.
    pub fn tree(&self, environment: &str) -> Option<&'v RenderedTree<'v>> {
        if self.alone {
            return self.trees.first();
        }
        let at = self.trees.binary_search_by(|tree| tree.plan.environment.name.as_str().cmp(environment)).ok()?;
        self.trees.get(at)
    }
}

/// What is committed under `argocd/` at base, by environment, with the component of each file.
#[derive(Debug, Default)]
pub struct Committed {
    /// Files by path below `argocd/<environment>/`.
    pub environments: BTreeMap<String, BTreeMap<String, (Vec<u8>, String)>>,
    /// The version of the generator that wrote it; none where nothing is committed.
    pub generator: Option<String>,
}

/// How a side is called.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// As a person says it.
    pub name: String,
    /// Full commit id; none for a work tree.
    pub commit: Option<String>,
    /// The version of the generator that wrote what is committed there.
    pub generator: Option<String>,
}

/// Compares two sides. One is missing where nothing was there before, or nothing is left.
pub fn review(
    base: Option<View<'_>>,
    head: Option<View<'_>>,
    names: (Named, Named),
    committed: Option<&Committed>,
    acceptances: &[Acceptance],
) -> Review {
    let environments = environments(base, head);
    let mut raws = changes(&environments, |environment| {
        let trees = [base, head].map(|view| view.and_then(|view| view.tree(environment)));
        let [mut before, mut after] = trees.map(files);
        // The objects of a chart that is delivered in another way than before stay the same, wherever they are.
        for folder in chart::handed_over(trees[0], trees[1]) {
            before.retain(|path, _| !path.starts_with(folder));
            after.retain(|path, _| !path.starts_with(folder));
        }
        (before, after)
    });
    let each: Vec<&str> = environments.iter().copied().collect();
    let of_charts: Vec<_> = each.par_iter().map(|environment| chart::changes(environment, base, head)).collect();
    let mut charts = Vec::new();
    for (more, seen) in of_charts {
        raws.extend(more);
        charts.extend(seen);
    }
    let facts = own_facts(&environments, base, head);
    let causes = Causes::between(base, head);
    let mut groups = group::group(&raws, &facts);
    groups.par_iter_mut().for_each(|group| causes.explain(group, &raws));
    let mut items: Vec<Item> = groups.into_iter().map(|group| group.item).collect();
    let charts = chart::together(charts);
    let demands = gate::demands(base, head, &mut items, &charts, acceptances);

    let by_tool = committed.map_or_else(Vec::new, |committed| {
        let raws = changes(&environments, |environment| {
            let before = committed.environments.get(environment);
            let before = before
                .into_iter()
                .flatten()
                .map(|(path, (text, component))| (path.as_str(), (text.as_slice(), component.as_str())));
            let after = base.and_then(|view| view.tree(environment));
            // What was never committed was not changed by the generator.
            let before: Files<'_> = before.collect();
            if before.is_empty() { (Files::new(), Files::new()) } else { (before, files(after)) }
        });
        group::group(&raws, &facts).into_iter().map(|group| group.item).collect()
    });

    let without_effect = effect::without_effect(base, head, &causes, &items, &charts);
    let totals = totals(&raws, &items, &charts, base, head, &causes);
    Review {
        base: side(names.0, base),
        head: side(names.1, head),
        items,
        by_tool,
        without_effect,
        demands,
        charts,
        totals,
    }
}

/// Every environment of either side.
fn environments<'v>(base: Option<View<'v>>, head: Option<View<'v>>) -> BTreeSet<&'v str> {
    let trees = base.into_iter().chain(head).flat_map(|view| view.trees);
    trees.map(|tree| tree.plan.environment.name.as_str()).collect()
}

/// What differs in every environment, in order.
fn changes<'f>(environments: &BTreeSet<&'f str>, sides: impl Fn(&'f str) -> (Files<'f>, Files<'f>) + Sync) -> Vec<Raw> {
    let environments: Vec<&str> = environments.iter().copied().collect();
    environments
        .par_iter()
        .flat_map_iter(|environment| {
            let (base, head) = sides(environment);
            tree::changes(environment, &base, &head)
        })
        .collect()
}

fn files<'v>(tree: Option<&'v RenderedTree<'v>>) -> Files<'v> {
    let files = tree.into_iter().flat_map(|tree| &tree.files);
    files.map(|(path, file)| (path.as_str(), (file.text.as_ref(), file.component.as_str()))).collect()
}

/// The facts that make an environment what it is, on both sides of it.
fn own_facts(environments: &BTreeSet<&str>, base: Option<View<'_>>, head: Option<View<'_>>) -> BTreeMap<String, Facts> {
    let clusters: BTreeMap<&str, Vec<&Json>> = environments
        .iter()
        .map(|environment| {
            let sides = [base, head].into_iter().flatten();
            let clusters = sides.filter_map(|view| view.tree(environment)?.plan.context.data().get("cluster"));
            (*environment, clusters.collect())
        })
        .collect();
    Facts::of(&clusters)
}

fn side(named: Named, view: Option<View<'_>>) -> Side {
    let trees = view.map_or(&[][..], |view| view.trees);
    let files = trees.iter().flat_map(|tree| {
        let environment = tree.plan.environment.name.as_str();
        tree.files.iter().map(move |(path, file)| (environment, path.as_str(), file.text.as_ref()))
    });
    Side {
        name: named.name,
        commit: named.commit,
        generator: named.generator,
        environments: trees.iter().map(|tree| tree.plan.environment.name.clone()).collect(),
        applications: trees.iter().map(|tree| tree.plan.applications.len()).sum(),
        objects: trees.iter().map(|tree| tree::count(tree.files.keys().map(String::as_str))).sum(),
        digest: digest(files),
    }
}

/// One digest of rendered trees: environment, path and bytes of each file, in order.
pub fn digest<'f>(files: impl IntoIterator<Item = (&'f str, &'f str, &'f [u8])>) -> String {
    let mut digest = Sha256::new();
    for (environment, path, bytes) in files {
        digest.update(format!("{environment}/{path}\0{}\0", bytes.len()));
        digest.update(bytes);
    }
    hex(&digest.finalize())
}

fn totals(
    raws: &[Raw],
    items: &[Item],
    charts: &[ChartSeen],
    base: Option<View<'_>>,
    head: Option<View<'_>>,
    causes: &Causes<'_>,
) -> Totals {
    let mut digest = Sha256::new();
    let mut by_class: BTreeMap<Class, usize> = BTreeMap::new();
    for raw in raws {
        *by_class.entry(raw.class()).or_default() += 1;
        digest.update(format!("{}\0{:?}\0{:?}\0{:?}\0", raw.environment, raw.action, raw.object, raw.was));
        if raw.chart.is_some() {
            for content in [&raw.base, &raw.head] {
                digest.update(content.as_ref().map(Json::to_string).unwrap_or_default());
            }
            digest.update(serde_json::to_string(&raw.edits).unwrap_or_default());
            continue;
        }
        for (side, file) in [(base, &raw.base_file), (head, &raw.head_file)] {
            let text = file
                .as_ref()
                .and_then(|file| side?.tree(&raw.environment)?.files.get(file))
                .map_or(&[][..], |file| file.text.as_ref());
            digest.update(Sha256::digest(text));
        }
    }
    // A review that shows less than another is another one.
    for chart in charts.iter().filter(|chart| chart.unseen.is_some()) {
        digest.update(serde_json::to_string(chart).unwrap_or_default());
    }
    Totals {
        changed: raws.len(),
        listed: items.iter().map(|item| item.places.len()).sum(),
        of_charts: raws.iter().filter(|raw| raw.chart.is_some()).count(),
        files: differing_files(base, head),
        inputs: causes.changed_files().count(),
        by_class: by_class.into_iter().collect(),
        digest: hex(&digest.finalize()),
    }
}

fn differing_files(base: Option<View<'_>>, head: Option<View<'_>>) -> usize {
    let mut names: BTreeSet<(&str, &str)> = BTreeSet::new();
    for tree in base.into_iter().chain(head).flat_map(|view| view.trees) {
        let paths = tree.files.keys().filter(|path| *path != INDEX);
        names.extend(paths.map(|path| (tree.plan.environment.name.as_str(), path.as_str())));
    }
    let text = |view: Option<View<'_>>, environment: &str, path: &str| {
        view.and_then(|view| Some(view.tree(environment)?.files.get(path)?.text.clone()))
    };
    names
        .into_iter()
        .filter(|(environment, path)| text(base, environment, path) != text(head, environment, path))
        .count()
}
