//! A review as data: what every format shows, and what `--format json` prints as it stands.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::values::edit::Edit;

/// What a change does to what runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// The state before.
    pub base: Side,
    /// The state after.
    pub head: Side,
    /// Everything that changes, the most dangerous first; the same change in many environments is one item.
    pub items: Vec<Item>,
    /// What only the generator changed: its version at base rendered the same input to other bytes.
    pub by_tool: Vec<Item>,
    /// Edited inputs that change nothing.
    pub without_effect: Vec<WithoutEffect>,
    /// What the environments ask a person to say yes to.
    pub demands: Vec<Demand>,
    /// Every chart whose objects change, or may.
    pub charts: Vec<ChartSeen>,
    /// The proof that nothing is left out.
    pub totals: Totals,
}

/// A chart that is another one than before, or has other values: what became of its objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartSeen {
    /// Application.
    pub application: String,
    /// Component.
    pub component: String,
    /// Chart.
    pub chart: String,
    /// Version before; none where the Application is new.
    pub before: Option<String>,
    /// Version after; none where the Application goes.
    pub after: Option<String>,
    /// Environments, in order.
    pub environments: Vec<String>,
    /// How many of its objects change, over these environments.
    pub objects: usize,
    /// `charts` or `manifests`, where it is delivered in another way than before.
    pub delivered: Option<String>,
    /// How many objects stay as they are then.
    pub kept: usize,
    /// Why its objects could not be shown, to go after its name; none where they are among the items.
    pub unseen: Option<String>,
    /// What to do about that.
    pub remedy: String,
    /// The line that says its version: after the change where it stays.
    pub at: Option<Line>,
}

impl Review {
    /// The charts of which it is not known what becomes of their objects.
    pub fn unseen(&self) -> impl Iterator<Item = &ChartSeen> {
        self.charts.iter().filter(|chart| chart.unseen.is_some())
    }

    /// Whether something changes, or may: what was not seen counts as a change.
    pub fn has_changes(&self) -> bool {
        self.totals.changed > 0 || self.unseen().next().is_some()
    }
}

/// One side of a review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// What was asked for, as a person says it: `main`, `HEAD~1`, `the work tree`.
    pub name: String,
    /// Full commit id; none for a work tree.
    pub commit: Option<String>,
    /// Version of the generator that the committed `argocd/` of this side was written by; none where nothing is committed.
    pub generator: Option<String>,
    /// Every environment of this side, in order.
    pub environments: Vec<String>,
    /// How many Applications it has over all environments.
    pub applications: usize,
    /// How many objects and files it has over all environments.
    pub objects: usize,
    /// `sha256` over paths and bytes of all rendered files.
    pub digest: String,
}

/// How dangerous a change is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Something that runs is deleted.
    Destroyed,
    /// Data goes away, or may.
    DataLoss,
    /// The API server will refuse it.
    Immutable,
    /// It becomes another object, or lands elsewhere; the old one stays or is deleted.
    Identity,
    /// Somebody may do more than before.
    Privilege,
    /// A CustomResourceDefinition accepts less than before.
    CrdNarrowed,
    /// Argo CD itself acts differently: prune, self-heal, finalizers, waves, projects.
    ArgoCd,
    /// Connections go elsewhere or stop.
    Traffic,
    /// Pods are restarted.
    Restart,
    /// More or fewer of the same.
    Scale,
    /// Another image runs.
    Image,
    /// Another version of a chart.
    ChartVersion,
    /// A value of which no rule knows more.
    Configuration,
    /// Something new.
    New,
    /// It changes bytes and nothing else.
    Cosmetic,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It goes.
    Removed,
    /// It stays and has other contents.
    Changed,
    /// It has another name, namespace or group.
    Renamed,
    /// It comes.
    Added,
}

/// One object, or a file that is not an object, and what happens to it in how many environments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Twelve hexadecimal digits that stay the same as long as the change does.
    pub id: String,
    /// The worst class of it and of its edits.
    pub class: Class,
    /// What happens.
    pub action: Action,
    /// The component that it belongs to; `root` and `namespaces` are the generator's own.
    pub component: String,
    /// The Application whose chart makes the object; none for what is committed as it is.
    pub chart: Option<String>,
    /// What it is, in the first of its places.
    pub object: Object,
    /// What it was, where it is renamed.
    pub was: Option<Object>,
    /// Where it happens, in order of environment.
    pub places: Vec<Place>,
    /// What is to be said about the object as a whole.
    pub findings: Vec<Finding>,
    /// What changes inside; empty where it is added or removed.
    pub edits: Vec<GroupedEdit>,
    /// The whole object in the first place, where it is added or removed; the contents of Secrets are not in it.
    pub content: Option<Json>,
    /// The input that makes it so: lines that changed, on both sides.
    pub causes: Vec<Cause>,
}

/// Who an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// API group, empty for core and for files.
    pub group: String,
    /// Kind; `File` for what is not an object.
    pub kind: String,
    /// Namespace, empty for what has none.
    pub namespace: String,
    /// Name; the path below `argocd/<environment>/` for a file.
    pub name: String,
}

/// One environment's part of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Environment.
    pub environment: String,
    /// Its identity here: names may hold the environment's own.
    pub object: Object,
    /// The file below `argocd/<environment>/` after the change; before it, where it goes.
    pub file: String,
    /// Whether the environment is marked as protected.
    pub protected: bool,
}

/// A change at one path, the same in several environments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupedEdit {
    /// What changes, as it is in the first of its environments.
    pub edit: Edit,
    /// Its class with the words for it.
    pub finding: Finding,
    /// Environments, in order; a part of the item's.
    pub environments: Vec<String>,
    /// Why it is not in the others; empty where it is in all of the item's.
    pub exceptions: Vec<Exception>,
    /// The input that makes it so: lines that changed, on both sides.
    pub causes: Vec<Cause>,
}

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How dangerous.
    pub class: Class,
    /// Name of the rule; empty for what no rule is about.
    pub rule: String,
    /// Why it has this class, in one sentence.
    pub reason: String,
    /// What to do or to look at; may be empty.
    pub remedy: String,
}

/// Environments in which an edit is missing, and what holds it off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    /// Environments, in order.
    pub environments: Vec<String>,
    /// `has ANOTHER VALUE, set at …`, without a full stop.
    pub why: String,
    /// The line that makes it so.
    pub at: Option<Line>,
}

/// A line of an input file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Path inside the repository.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// Its text without the space around it; never a secret's value.
    pub text: String,
}

/// Why something changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The line before; none where it is new.
    pub before: Option<Line>,
    /// The line after; none where it is gone.
    pub after: Option<Line>,
    /// Whether the line itself was edited. Otherwise it is where the value comes from, and the edit could not be followed further.
    pub edited: bool,
}

/// An edited input that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WithoutEffect {
    /// The edited line.
    pub at: Line,
    /// The path of the value in an overlay; empty for other files.
    pub path: String,
    /// What wins over it, by line, with the environments where it does.
    pub shadowed_by: Vec<Exception>,
    /// Why, in words: `only comments and layout`, `no environment has this layer`, …
    pub why: String,
}

/// Something that needs a person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Demand {
    /// The rule of the environment: `protected`, `deletions`, `acknowledge`.
    pub gate: String,
    /// Environment.
    pub environment: String,
    /// What it is about, in one sentence.
    pub about: String,
    /// Where the environment asks for it.
    pub at: Option<Line>,
    /// The commit trailer that says yes: `Accept-Delete: aws-ha/logging`; none where no trailer can.
    pub trailer: Option<String>,
    /// Whether it was said.
    pub accepted: bool,
    /// The item's `id`; empty where it is about several.
    pub item: String,
}

/// The proof that nothing is left out: what is listed is what differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Objects and files that differ between the two rendered trees, over all environments.
    pub changed: usize,
    /// Objects and files that the items list, over all environments. Always the same number.
    pub listed: usize,
    /// How many of them charts make.
    pub of_charts: usize,
    /// Generated files that differ.
    pub files: usize,
    /// Input files that differ.
    pub inputs: usize,
    /// By class, how many objects, in order of class; classes without any are left out.
    pub by_class: Vec<(Class, usize)>,
    /// `sha256` over the list of changed objects with their bytes before and after.
    pub digest: String,
}
