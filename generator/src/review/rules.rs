//! How dangerous a change is, as the table `rules.yaml` says it: every edit gets the worst class that a rule gives it, with
//! the reason and the remedy. What no rule names is configuration; nothing is left out.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::model::{Action, Class, Finding, Object};
use super::secret;
pub use super::secret::{mask, mask_edits};
use crate::values::edit::{Change, Edit, ListKeys, Segment, display_item, display_key};

/// What is said about an object and its edits.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// About the object as a whole, the worst first; empty where only its edits are to be judged.
    pub findings: Vec<Finding>,
    /// About each edit, in the same order.
    pub edits: Vec<Finding>,
}

impl Judgement {
    /// The worst class of all.
    pub fn class(&self) -> Class {
        self.findings.iter().chain(&self.edits).map(|finding| finding.class).min().unwrap_or(Class::Cosmetic)
    }
}

/// What tells the items of lists apart.
pub fn lists() -> &'static ListKeys {
    static LISTS: OnceLock<ListKeys> = OnceLock::new();
    // The tests read the table and show its mistakes.
    LISTS.get_or_init(|| ListKeys::of(include_str!("lists.yaml")).unwrap_or_default())
}

/// The rules.
pub fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| Rules::of(include_str!("rules.yaml")).unwrap_or_default())
}

/// Says how dangerous it is what happens to an object. `base` and `head` are the whole object before and after.
pub fn judge(object: &Object, action: Action, base: Option<&Json>, head: Option<&Json>, edits: &[Edit]) -> Judgement {
    rules().judge(object, action, base, head, edits)
}

/// The table, read once.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Rules about whole objects.
    whole: Vec<usize>,
    /// The patterns of all other rules, merged by what they begin with.
    nodes: Vec<Node>,
}

/// A rule as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    pub rule: String,
    /// How dangerous.
    pub class: Class,
    /// Kinds: `Service` of any group, `Service.` of the core, `Deployment.apps`, `*.networking.k8s.io`, `$workload`.
    pub on: Vec<String>,
    #[serde(skip)]
    kinds: Vec<KindPattern>,
    /// What happens to the object: changed or renamed where a rule does not say.
    #[serde(default = "changed")]
    pub action: Vec<Action>,
    /// What edits are about: `spec.ports[].port`, with `*` for a key or a part of one, `**` for any way down, `$values`.
    /// Without any the rule is about the whole object.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Edits that it is not about.
    #[serde(default)]
    pub except: Vec<String>,
    #[serde(skip)]
    exceptions: Vec<Pattern>,
    /// What happens there; everything but another order where a rule does not say.
    #[serde(default = "all_but_reordered")]
    pub change: Vec<Happening>,
    /// The value was one of these, `null` for none, and is no longer.
    #[serde(default)]
    pub from: Vec<Json>,
    /// The value became one of these, `null` for none.
    #[serde(default)]
    pub to: Vec<Json>,
    /// The new text has this word between commas or as a part, the old one has not.
    pub contains: Option<String>,
    /// The old text has it, the new one has not.
    pub loses: Option<String>,
    /// What else has to be so.
    #[serde(default)]
    pub check: Vec<Check>,
    /// About the object before.
    #[serde(default)]
    pub base: Vec<Fact>,
    /// About the object after.
    #[serde(default)]
    pub head: Vec<Fact>,
    /// About what stood there.
    #[serde(default)]
    pub old: Vec<Fact>,
    /// About what stands there now.
    #[serde(default)]
    pub new: Vec<Fact>,
    /// It counts only where no other rule says something.
    #[serde(default)]
    pub otherwise: bool,
    /// Where it holds for the object as a whole, no other rule about the whole does: what they say does not come to pass.
    #[serde(default)]
    pub alone: bool,
    /// Why it has this class, one sentence; `{old}`, `{new}`, `{path}` and `{name}` are filled in.
    pub reason: String,
    /// What to do or to look at.
    #[serde(default)]
    pub remedy: String,
}

fn changed() -> Vec<Action> {
    vec![Action::Changed, Action::Renamed]
}

fn all_but_reordered() -> Vec<Happening> {
    vec![Happening::Added, Happening::Removed, Happening::Replaced]
}

/// What happens at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// A value comes.
    Added,
    /// A value goes.
    Removed,
    /// Another value stands there.
    Replaced,
    /// Items stand in another order.
    Reordered,
}

/// What a rule may ask about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The edit is about this very value and not about something around it.
    Direct,
    /// The value is a list.
    List,
    /// A number or a quantity becomes more.
    Increased,
    /// A number or a quantity becomes less.
    Decreased,
    /// The first number of a version becomes another.
    MajorVersion,
    /// An exact version or commit becomes a range or a branch.
    RangeOrBranch,
    /// The image comes from another registry.
    RegistryChanged,
    /// The image was named by its digest and is no longer.
    DigestLost,
    /// A level of the pod security standards becomes a weaker one.
    PodSecurityLowered,
    /// A role allows what it did not allow.
    GrantsMore,
    /// Only comments and layout of a text differ.
    Layout,
}

/// Something about a value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fact {
    /// Where; `.` for the value itself.
    pub at: String,
    #[serde(skip)]
    pattern: Pattern,
    /// One of these stands there. Without this and `like` it is enough that something does.
    #[serde(default)]
    pub is: Vec<Json>,
    /// A text like one of these stands there, `*` for any part.
    #[serde(default)]
    pub like: Vec<String>,
    /// It is not so.
    #[serde(default)]
    pub not: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Names for lists of kinds.
    kinds: BTreeMap<String, Vec<String>>,
    /// Names for what several paths begin with.
    paths: BTreeMap<String, Vec<String>>,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct KindPattern {
    kind: String,
    /// None for any.
    group: Option<String>,
}

impl KindPattern {
    fn of(text: &str) -> KindPattern {
        match text.split_once('.') {
            Some((kind, group)) => KindPattern { kind: kind.to_owned(), group: Some(group.to_owned()) },
            None => KindPattern { kind: text.to_owned(), group: None },
        }
    }

    fn fits(&self, object: &Object) -> bool {
        // A file is no object, so that `*` is not about it.
        let kind = if self.kind == "*" { object.kind != "File" } else { self.kind == object.kind };
        kind && self.group.as_ref().is_none_or(|group| *group == object.group)
    }
}

type Pattern = Vec<Part>;

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Key(String),
    /// A key like this, `*` for any part.
    Like(String),
    Item,
    /// Any way down, also none.
    Deep,
}

/// Reads `spec.ports[].port`, `metadata.annotations["a.b/c"]`, `**.*Image.tag`.
fn pattern(text: &str) -> Result<Pattern, String> {
    let wrong = || format!("`{text}` is not a path");
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[]") {
            parts.push(Part::Item);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("[\"") {
            let (key, after) = after.split_once("\"]").ok_or_else(wrong)?;
            parts.push(if key.contains('*') { Part::Like(key.to_owned()) } else { Part::Key(key.to_owned()) });
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            match key {
                "" if parts.is_empty() => return if rest == "." { Ok(parts) } else { Err(wrong()) },
                "" => return Err(wrong()),
                "**" => parts.push(Part::Deep),
                key if key.contains('*') => parts.push(Part::Like(key.to_owned())),
                key => parts.push(Part::Key(key.to_owned())),
            }
            rest = after;
        }
        if let Some(after) = rest.strip_prefix('.') {
            if after.is_empty() {
                return Err(wrong());
            }
            rest = after;
        }
    }
    Ok(parts)
}

/// Whether a text is like a word with `*` for any part of it.
fn like(word: &str, text: &str) -> bool {
    let mut parts = word.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A step down, as far as patterns see it.
#[derive(Clone, Copy)]
enum Place<'a> {
    Key(&'a str),
    Item(&'a str, Option<usize>),
}

fn fits(pattern: &[Part], path: &[Place<'_>]) -> bool {
    let Some((part, parts)) = pattern.split_first() else { return path.is_empty() };
    if *part == Part::Deep {
        return (0..=path.len()).any(|skipped| fits(parts, &path[skipped..]));
    }
    let Some((place, places)) = path.split_first() else { return false };
    let here = match (part, place) {
        (Part::Key(wanted), Place::Key(key)) => wanted == key,
        (Part::Like(wanted), Place::Key(key)) => like(wanted, key),
        (Part::Item, Place::Item(..)) => true,
        _ => false,
    };
    here && fits(parts, places)
}

/// Whether a value at the pattern is as wanted.
fn some(value: &Json, pattern: &[Part], wanted: &dyn Fn(&Json) -> bool) -> bool {
    let Some((part, parts)) = pattern.split_first() else { return wanted(value) };
    match (part, value) {
        (Part::Key(key), Json::Object(map)) => map.get(key).is_some_and(|value| some(value, parts, wanted)),
        (Part::Like(word), Json::Object(map)) => {
            map.iter().any(|(key, value)| like(word, key) && some(value, parts, wanted))
        }
        (Part::Item, Json::Array(items)) => items.iter().any(|value| some(value, parts, wanted)),
        (Part::Deep, value) => {
            some(value, parts, wanted)
                || match value {
                    Json::Object(map) => map.values().any(|value| some(value, pattern, wanted)),
                    Json::Array(items) => items.iter().any(|value| some(value, pattern, wanted)),
                    _ => false,
                }
        }
        _ => false,
    }
}

impl Fact {
    fn holds(&self, value: Option<&Json>) -> bool {
        let wanted = |value: &Json| {
            let any = self.is.is_empty() && self.like.is_empty();
            let text = value.as_str();
            any || self.is.contains(value) || text.is_some_and(|text| self.like.iter().any(|word| like(word, text)))
        };
        value.is_some_and(|value| some(value, &self.pattern, &wanted)) != self.not
    }
}

/// A place in the merged patterns.
#[derive(Debug, Default)]
struct Node {
    keys: HashMap<String, usize>,
    likes: Vec<(String, usize)>,
    item: Option<usize>,
    deep: Option<usize>,
    /// Whether it is `**`, which any step leaves where it is.
    is_deep: bool,
    /// Rules of which a pattern ends here.
    rules: Vec<usize>,
}

impl Rules {
    /// Reads the table, or says what is wrong with it.
    pub fn of(text: &str) -> Result<Rules, String> {
        let Written { kinds, paths, mut rules } = serde_yaml::from_str(text).map_err(|mistake| mistake.to_string())?;
        let mut table = Rules { nodes: vec![Node::default()], ..Rules::default() };
        for (index, rule) in rules.iter_mut().enumerate() {
            let name = rule.rule.clone();
            let explain = |mistake: String| format!("{name}: {mistake}");
            for kind in filled_in(&rule.on, &kinds).map_err(explain)? {
                rule.kinds.push(KindPattern::of(&kind));
            }
            for path in filled_in(&rule.except, &paths).map_err(explain)? {
                rule.exceptions.push(pattern(&path).map_err(explain)?);
            }
            let facts = [&mut rule.base, &mut rule.head, &mut rule.old, &mut rule.new];
            for fact in facts.into_iter().flatten() {
                fact.pattern = pattern(&fact.at).map_err(explain)?;
            }
            for path in filled_in(&rule.paths, &paths).map_err(explain)? {
                table.insert(&pattern(&path).map_err(explain)?, index);
            }
            if rule.paths.is_empty() {
                table.whole.push(index);
            }
        }
        table.rules = rules;
        Ok(table)
    }

    /// All rules, as the table has them.
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    fn insert(&mut self, pattern: &[Part], rule: usize) {
        let mut at = 0;
        for part in pattern {
            let known = match part {
                Part::Key(key) => self.nodes[at].keys.get(key).copied(),
                Part::Like(word) => self.nodes[at].likes.iter().find(|(other, _)| other == word).map(|(_, next)| *next),
                Part::Item => self.nodes[at].item,
                Part::Deep => self.nodes[at].deep,
            };
            let next = known.unwrap_or_else(|| {
                self.nodes.push(Node { is_deep: *part == Part::Deep, ..Node::default() });
                self.nodes.len() - 1
            });
            match part {
                Part::Key(key) => {
                    self.nodes[at].keys.insert(key.clone(), next);
                }
                Part::Like(word) if known.is_none() => self.nodes[at].likes.push((word.clone(), next)),
                Part::Like(_) => {}
                Part::Item => self.nodes[at].item = Some(next),
                Part::Deep => self.nodes[at].deep = Some(next),
            }
            at = next;
        }
        if !self.nodes[at].rules.contains(&rule) {
            self.nodes[at].rules.push(rule);
        }
    }

    /// Adds a place and what can be reached from it without a step.
    fn reach(&self, places: &mut Vec<usize>, node: usize) {
        let Some(known) = self.nodes.get(node).filter(|_| !places.contains(&node)) else { return };
        places.push(node);
        if let Some(deep) = known.deep {
            self.reach(places, deep);
        }
    }

    fn step(&self, places: &[usize], step: Place<'_>) -> Vec<usize> {
        let mut next = Vec::new();
        for &place in places {
            let node = &self.nodes[place];
            match step {
                Place::Key(key) => {
                    node.keys.get(key).into_iter().for_each(|place| self.reach(&mut next, *place));
                    for (_, place) in node.likes.iter().filter(|(word, _)| like(word, key)) {
                        self.reach(&mut next, *place);
                    }
                }
                Place::Item(..) => node.item.into_iter().for_each(|place| self.reach(&mut next, place)),
            }
            if node.is_deep {
                self.reach(&mut next, place);
            }
        }
        next
    }

    /// See [`judge`].
    pub fn judge(
        &self,
        object: &Object,
        action: Action,
        base: Option<&Json>,
        head: Option<&Json>,
        edits: &[Edit],
    ) -> Judgement {
        let mut walk = Walk {
            rules: self,
            object,
            action,
            base,
            head,
            path: Vec::new(),
            hits: None,
            grants_more: OnceCell::new(),
        };
        let edits = edits.iter().map(|edit| walk.finding(edit)).collect();
        Judgement { findings: walk.findings(), edits }
    }
}

/// Fills in what begins with `$name`.
fn filled_in(texts: &[String], names: &BTreeMap<String, Vec<String>>) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for text in texts {
        let Some(named) = text.strip_prefix('$') else {
            out.push(text.clone());
            continue;
        };
        let (name, rest) = named.split_at(named.find(['.', '[']).unwrap_or(named.len()));
        let beginnings = names.get(name).ok_or_else(|| format!("nothing is called `${name}`"))?;
        out.extend(beginnings.iter().map(|beginning| format!("{beginning}{rest}")));
    }
    Ok(out)
}

/// A value before and after, at the walk's path.
#[derive(Clone, Copy)]
struct Touch<'a> {
    old: Option<&'a Json>,
    new: Option<&'a Json>,
    happening: Happening,
    /// Whether the edit itself is about it.
    direct: bool,
    /// Whether only comments and layout differ.
    layout: bool,
}

/// A rule that holds, with its reason filled in.
#[derive(Clone)]
struct Hit {
    rule: usize,
    reason: String,
}

/// The rules that hold at a value: the worst one, and the one that counts otherwise.
#[derive(Clone, Default)]
struct Held {
    strong: Option<Hit>,
    weak: Option<Hit>,
}

struct Walk<'a> {
    rules: &'a Rules,
    object: &'a Object,
    action: Action,
    base: Option<&'a Json>,
    head: Option<&'a Json>,
    path: Vec<Place<'a>>,
    /// Every rule that held, where all are wanted.
    hits: Option<Vec<Hit>>,
    grants_more: OnceCell<bool>,
}

impl<'a> Walk<'a> {
    fn finding(&mut self, edit: &'a Edit) -> Finding {
        self.path.clear();
        let mut places = Vec::new();
        self.rules.reach(&mut places, 0);
        match self.edit(edit, places, &Held::default()) {
            Some(hit) => self.said(hit),
            None => Finding {
                class: Class::Configuration,
                rule: String::new(),
                reason: "No rule knows what this value does.".to_owned(),
                remedy: String::new(),
            },
        }
    }

    fn said(&self, hit: Hit) -> Finding {
        let rule = &self.rules.rules[hit.rule];
        Finding { class: rule.class, rule: rule.rule.clone(), reason: hit.reason, remedy: rule.remedy.clone() }
    }

    fn edit(&mut self, edit: &'a Edit, mut places: Vec<usize>, around: &Held) -> Option<Hit> {
        let depth = self.path.len();
        for segment in &edit.path {
            let place = match segment {
                Segment::Key(key) => Place::Key(key),
                Segment::Item { item, old, new } => Place::Item(item, new.or(*old)),
            };
            places = self.rules.step(&places, place);
            self.path.push(place);
        }
        let hit = self.change(&edit.change, &places, around);
        self.path.truncate(depth);
        hit
    }

    fn change(&mut self, change: &'a Change, places: &[usize], around: &Held) -> Option<Hit> {
        let direct = |old, new, happening| Touch { old, new, happening, direct: true, layout: false };
        match change {
            Change::Added { new } => self.touch(direct(None, Some(new), Happening::Added), places, around),
            Change::Removed { old } => self.touch(direct(Some(old), None, Happening::Removed), places, around),
            Change::Reordered { .. } => self.touch(direct(None, None, Happening::Reordered), places, around),
            Change::Replaced { old, new, inside } => {
                let mut touch = direct(Some(old), Some(new), Happening::Replaced);
                let Some(inside) = inside else { return self.touch(touch, places, around) };
                touch.layout = inside.edits.is_empty();
                if touch.layout {
                    return self.touch(touch, places, around);
                }
                let held = self.held(touch, places, around);
                let hits: Vec<_> = inside.edits.iter().map(|edit| self.edit(edit, places.to_vec(), &held)).collect();
                self.worst(hits)
            }
        }
    }

    /// The worst rule at a value or inside it, for that part of it about which the most dangerous thing is to be said.
    fn touch(&mut self, touch: Touch<'a>, places: &[usize], around: &Held) -> Option<Hit> {
        if places.is_empty() {
            return around.clone().counts();
        }
        let held = self.held(touch, places, around);
        let mut hits = Vec::new();
        let sides = [(touch.old, true), (touch.new, false)];
        for (value, is_old) in sides.into_iter().filter_map(|(value, is_old)| Some((value?, is_old))) {
            let inner = |value: &'a Json| Touch {
                old: is_old.then_some(value),
                new: (!is_old).then_some(value),
                happening: if is_old { Happening::Removed } else { Happening::Added },
                direct: false,
                layout: false,
            };
            match value {
                Json::Object(map) => {
                    for (key, value) in map {
                        hits.push(self.inner(Place::Key(key), inner(value), places, &held));
                    }
                }
                Json::Array(items) => {
                    for (index, value) in items.iter().enumerate() {
                        hits.push(self.inner(Place::Item("", Some(index)), inner(value), places, &held));
                    }
                }
                _ => {}
            }
        }
        if hits.is_empty() { held.counts() } else { self.worst(hits) }
    }

    fn inner(&mut self, place: Place<'a>, touch: Touch<'a>, places: &[usize], around: &Held) -> Option<Hit> {
        let places = self.rules.step(places, place);
        self.path.push(place);
        let hit = self.touch(touch, &places, around);
        self.path.pop();
        hit
    }

    /// None among them is configuration: worse than what is cosmetic.
    fn worst(&self, hits: Vec<Option<Hit>>) -> Option<Hit> {
        let class = |hit: &Option<Hit>| match hit {
            Some(hit) => (self.rules.rules[hit.rule].class, hit.rule),
            None => (Class::Configuration, usize::MAX),
        };
        hits.into_iter().min_by_key(class).flatten()
    }

    fn held(&mut self, touch: Touch<'a>, places: &[usize], around: &Held) -> Held {
        let mut held = around.clone();
        for &place in places {
            for &rule in &self.rules.nodes[place].rules {
                if !self.holds(rule, touch) {
                    continue;
                }
                let weak = self.rules.rules[rule].otherwise;
                let known = if weak { &held.weak } else { &held.strong };
                let rank = |rule: usize| (self.rules.rules[rule].class, rule);
                let better = known.as_ref().is_none_or(|known| rank(rule) < rank(known.rule));
                if better || self.hits.is_some() {
                    let hit = Hit { rule, reason: self.filled(rule, touch) };
                    if let Some(hits) = &mut self.hits
                        && hits.iter().all(|known| known.rule != rule)
                    {
                        hits.push(hit.clone());
                    }
                    if better {
                        *(if weak { &mut held.weak } else { &mut held.strong }) = Some(hit);
                    }
                }
            }
        }
        held
    }

    fn holds(&self, rule: usize, touch: Touch<'a>) -> bool {
        let rule = &self.rules.rules[rule];
        let (old, new) = (touch.old.unwrap_or(&Json::Null), touch.new.unwrap_or(&Json::Null));
        let text = |value: &'a Json| value.as_str().unwrap_or_default();
        self.is_about(rule)
            && rule.change.contains(&touch.happening)
            && (rule.from.is_empty() || rule.from.contains(old) && !rule.from.contains(new))
            && (rule.to.is_empty() || rule.to.contains(new) && !rule.to.contains(old))
            && rule.contains.as_ref().is_none_or(|word| text(new).contains(word) && !text(old).contains(word))
            && rule.loses.as_ref().is_none_or(|word| text(old).contains(word) && !text(new).contains(word))
            && rule.check.iter().all(|check| self.passes(*check, touch))
            && rule.old.iter().all(|fact| fact.holds(touch.old))
            && rule.new.iter().all(|fact| fact.holds(touch.new))
            && !rule.exceptions.iter().any(|pattern| fits(pattern, &self.path))
    }

    fn is_about(&self, rule: &Rule) -> bool {
        rule.action.contains(&self.action)
            && rule.kinds.iter().any(|kind| kind.fits(self.object))
            && rule.base.iter().all(|fact| fact.holds(self.base))
            && rule.head.iter().all(|fact| fact.holds(self.head))
    }

    fn passes(&self, check: Check, touch: Touch<'a>) -> bool {
        let texts = || Some((touch.old?.as_str()?, touch.new?.as_str()?));
        match check {
            Check::Direct => touch.direct,
            Check::List => touch.old.or(touch.new).is_some_and(Json::is_array),
            Check::Increased => compared(touch).is_some_and(|(old, new)| new > old),
            Check::Decreased => compared(touch).is_some_and(|(old, new)| new < old),
            Check::MajorVersion => texts()
                .is_some_and(|(old, new)| matches!((major(old), major(new)), (Some(old), Some(new)) if old != new)),
            Check::RangeOrBranch => texts().is_some_and(|(old, new)| is_exact(old) && !is_exact(new)),
            Check::RegistryChanged => texts().is_some_and(|(old, new)| registry(old) != registry(new)),
            Check::DigestLost => {
                let has = |image: &str| image.contains("sha256:");
                texts().map_or(touch.new.is_none(), |(old, new)| has(old) && !has(new))
            }
            Check::PodSecurityLowered => level(touch.new) < level(touch.old),
            Check::GrantsMore => {
                touch.new.is_some() && *self.grants_more.get_or_init(|| grants_more(self.base, self.head))
            }
            Check::Layout => touch.layout || texts().is_some_and(|(old, new)| same_lines(old, new)),
        }
    }

    fn filled(&self, rule: usize, touch: Touch<'_>) -> String {
        let reason = &self.rules.rules[rule].reason;
        if !reason.contains('{') {
            return reason.clone();
        }
        let hidden = self.object.kind == "Secret" && self.object.group.is_empty()
            || self.path.iter().any(|place| matches!(place, Place::Key(key) if secret::is_secret(key)));
        let word = |value: Option<&Json>| if hidden { "a secret".to_owned() } else { short(value) };
        let mut path = String::new();
        for place in &self.path {
            match *place {
                Place::Key(key) => display_key(&mut path, key),
                Place::Item(item, index) => display_item(&mut path, item, index),
            }
        }
        fill(
            reason,
            &[("path", &path), ("old", &word(touch.old)), ("new", &word(touch.new)), ("name", &self.object.name)],
        )
    }

    /// What is to be said about the whole object.
    fn findings(mut self) -> Vec<Finding> {
        self.path.clear();
        let mut hits: Vec<Hit> = Vec::new();
        for &rule in &self.rules.whole {
            if self.is_about(&self.rules.rules[rule]) {
                let touch = Touch {
                    old: self.base,
                    new: self.head,
                    happening: Happening::Replaced,
                    direct: true,
                    layout: false,
                };
                let reason = self.filled(rule, touch);
                hits.push(Hit { rule, reason });
            }
        }
        if let (Action::Added, Some(head)) = (self.action, self.head) {
            self.hits = Some(Vec::new());
            let mut places = Vec::new();
            self.rules.reach(&mut places, 0);
            let touch = Touch { old: None, new: Some(head), happening: Happening::Added, direct: true, layout: false };
            self.touch(touch, &places, &Held::default());
            hits.extend(self.hits.take().unwrap_or_default());
        }
        if hits.iter().any(|hit| self.rules.rules[hit.rule].alone) {
            hits.retain(|hit| self.rules.rules[hit.rule].alone);
        }
        let weak = |hit: &Hit| self.rules.rules[hit.rule].otherwise;
        if hits.iter().any(|hit| !weak(hit)) {
            hits.retain(|hit| !weak(hit));
        }
        hits.sort_by_key(|hit| (self.rules.rules[hit.rule].class, hit.rule));
        let mut findings: Vec<Finding> = hits.into_iter().map(|hit| self.said(hit)).collect();
        if findings.is_empty() {
            let said = match self.action {
                Action::Added => Some((Class::New, "It is new.")),
                Action::Removed => Some((Class::Destroyed, "It is deleted.")),
                Action::Renamed => Some((Class::Identity, "It becomes another object, and the old one is deleted.")),
                Action::Changed => None,
            };
            findings.extend(said.map(|(class, reason)| Finding {
                class,
                rule: String::new(),
                reason: reason.to_owned(),
                remedy: String::new(),
            }));
        }
        findings
    }
}

impl Held {
    fn counts(self) -> Option<Hit> {
        self.strong.or(self.weak)
    }
}

/// Whether two texts have the same lines, but for empty ones and for space at their ends.
fn same_lines(old: &str, new: &str) -> bool {
    let lines = |text: &'_ str| -> Vec<String> {
        text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    lines(old) == lines(new)
}

/// A value in a sentence.
fn short(value: Option<&Json>) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        None => return "nothing".to_owned(),
        Some(Json::Object(_)) => return "a map".to_owned(),
        Some(Json::Array(_)) => return "a list".to_owned(),
        Some(Json::String(text)) if text.is_empty() => return "an empty text".to_owned(),
        Some(Json::String(text)) => text.lines().next().unwrap_or_default().to_owned(),
        Some(other) => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// Fills in `{name}` once, so that no value is taken for a place to fill in.
fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let known = after.split_once('}').and_then(|(name, after)| {
            values.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value, after))
        });
        match known {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out + rest
}

fn compared(touch: Touch<'_>) -> Option<(f64, f64)> {
    let ((old, old_percent), (new, new_percent)) = (quantity(touch.old?)?, quantity(touch.new?)?);
    (old_percent == new_percent).then_some((old, new))
}

/// A number, a Kubernetes quantity or a percentage, and whether it is one.
fn quantity(value: &Json) -> Option<(f64, bool)> {
    if let Some(number) = value.as_f64() {
        return Some((number, false));
    }
    let text = value.as_str()?.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.trim().parse().ok()?;
    let factor = match unit {
        "" => 1.0,
        "%" => return Some((number, true)),
        "m" => 1e-3,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        _ => return None,
    };
    Some((number * factor, false))
}

fn major(version: &str) -> Option<u64> {
    let version = version.rsplit_once(':').map_or(version, |(_, tag)| tag).trim_start_matches(['v', '=']);
    let (major, _) = version.split_once('.')?;
    major.parse().ok()
}

/// Whether a revision is one version or one commit.
fn is_exact(revision: &str) -> bool {
    let is_commit = revision.len() == 40 && revision.chars().all(|c| c.is_ascii_hexdigit());
    let version = revision.strip_prefix('v').unwrap_or(revision);
    is_commit || revision.starts_with("refs/tags/") || semver::Version::parse(version).is_ok()
}

fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

fn level(value: Option<&Json>) -> u8 {
    match value.and_then(Json::as_str) {
        Some("restricted") => 2,
        Some("baseline") => 1,
        _ => 0,
    }
}

/// Whether a role allows what it did not allow before.
fn grants_more(base: Option<&Json>, head: Option<&Json>) -> bool {
    /// More grants than this are not compared one by one.
    const MOST: usize = 100_000;
    const NONE: &Vec<Json> = &Vec::new();
    let rules = |object: Option<&'_ Json>| -> Vec<Map<String, Json>> {
        let rules = object.and_then(|object| object.get("rules")).and_then(Json::as_array).unwrap_or(NONE);
        rules.iter().filter_map(Json::as_object).cloned().collect()
    };
    let (before, after) = (rules(base), rules(head));
    let list = |rule: &Map<String, Json>, key: &str| -> Vec<String> {
        let items = rule.get(key).and_then(Json::as_array).unwrap_or(NONE);
        items.iter().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let fields = |rule: &Map<String, Json>| {
        ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"].map(|key| list(rule, key))
    };
    let before: Vec<[Vec<String>; 5]> = before.iter().map(fields).collect();
    let has = |list: &[String], word: &str| list.iter().any(|item| item == word || item == "*");
    let mut seen = 0;
    for [verbs, groups, resources, names, urls] in after.iter().map(fields) {
        for verb in &verbs {
            for url in &urls {
                if !before.iter().any(|rule| has(&rule[0], verb) && rule[4].iter().any(|word| like(word, url))) {
                    return true;
                }
            }
            for (group, resource) in groups.iter().flat_map(|group| resources.iter().map(move |name| (group, name))) {
                seen += before.len().max(1);
                if seen > MOST {
                    return true;
                }
                let covered = |name: Option<&String>| {
                    before.iter().any(|rule| {
                        has(&rule[0], verb)
                            && has(&rule[1], group)
                            && has(&rule[2], resource)
                            && (rule[3].is_empty() || name.is_some_and(|name| rule[3].contains(name)))
                    })
                };
                let all = if names.is_empty() { covered(None) } else { names.iter().all(|name| covered(Some(name))) };
                if !all {
                    return true;
                }
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::edit::{apply, diff};
    use serde_json::json;
    use std::collections::BTreeSet;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        rule: String,
        on: String,
        #[serde(rename = "in", default)]
        inside: String,
        #[serde(default)]
        renamed: bool,
        fires: [Option<Json>; 2],
        quiet: [Option<Json>; 2],
    }

    fn object(kind: &str) -> Object {
        let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
        Object { group: group.into(), kind: kind.into(), namespace: "home".into(), name: "thing".into() }
    }

    fn judged(kind: &str, renamed: bool, old: Option<&Json>, new: Option<&Json>) -> Judgement {
        let (action, edits) = match (old, new) {
            (None, _) => (Action::Added, Vec::new()),
            (_, None) => (Action::Removed, Vec::new()),
            (Some(old), Some(new)) => {
                (if renamed { Action::Renamed } else { Action::Changed }, diff(old, new, lists()))
            }
        };
        if let (Some(old), Some(new)) = (old, new) {
            assert_eq!(apply(old, &edits).as_ref(), Some(new));
        }
        let judgement = judge(&object(kind), action, old, new, &edits);
        assert_eq!(judgement.edits.len(), edits.len());
        judgement
    }

    fn names(judgement: &Judgement) -> BTreeSet<&str> {
        judgement.findings.iter().chain(&judgement.edits).map(|finding| finding.rule.as_str()).collect()
    }

    fn cases() -> Vec<Case> {
        serde_yaml::from_str(include_str!("../../tests/review_rules/cases.yaml")).unwrap()
    }

    fn values(value: Json) -> Json {
        json!({"spec": {"source": {"helm": {"valuesObject": value}}}})
    }

    fn wrapped(case: &Case, value: &Option<Json>) -> Option<Json> {
        let value = value.clone()?;
        Some(match case.inside.as_str() {
            "" => value,
            "values" => values(value),
            "schema" => json!({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": value}}]}}),
            other => panic!("{}: nothing is called `{other}`", case.rule),
        })
    }

    #[test]
    fn the_tables_can_be_read() {
        ListKeys::of(include_str!("lists.yaml")).unwrap();
        let rules = Rules::of(include_str!("rules.yaml")).unwrap();
        let mut names = BTreeSet::new();
        for rule in rules.all() {
            assert!(names.insert(&rule.rule), "{} twice", rule.rule);
            for sentence in [&rule.reason, &rule.remedy] {
                assert!(sentence.is_empty() || sentence.ends_with('.'), "{}: {sentence}", rule.rule);
                let filled = fill(sentence, &[("old", ""), ("new", ""), ("path", ""), ("name", "")]);
                assert!(!filled.contains('{'), "{}: {sentence}", rule.rule);
            }
            assert!(!rule.reason.is_empty(), "{}", rule.rule);
        }
        for wrong in ["reson: x", "check: [bigger]", "paths: [a..b]", "paths: [$nothing]", "base: [{at: a, has: b}]"] {
            let text =
                format!("kinds: {{}}\npaths: {{}}\nrules:\n- {{rule: a, class: image, on: [A], reason: a, {wrong}}}");
            assert!(Rules::of(&text).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_rule_is_about_its_case_and_not_about_the_near_miss() {
        let mut wrong = Vec::new();
        for case in cases() {
            for (sides, wanted) in [(&case.fires, true), (&case.quiet, false)] {
                let [old, new] = sides;
                let judgement =
                    judged(&case.on, case.renamed, wrapped(&case, old).as_ref(), wrapped(&case, new).as_ref());
                if names(&judgement).contains(case.rule.as_str()) != wanted {
                    wrong.push(format!("{} ({wanted}): {judgement:?}", case.rule));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_rule_has_a_case() {
        let cases = cases();
        let tried: BTreeSet<&str> = cases.iter().map(|case| case.rule.as_str()).collect();
        let known: BTreeSet<&str> = rules().all().iter().map(|rule| rule.rule.as_str()).collect();
        assert_eq!(tried.symmetric_difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new());
    }

    #[test]
    fn every_class_has_a_rule() {
        let classes: BTreeSet<Class> = rules().all().iter().map(|rule| rule.class).collect();
        // All but `new`, which is what an added object is by itself.
        assert_eq!(classes.len(), 14);
    }

    fn classes(kind: &str, old: &Json, new: &Json) -> Vec<Class> {
        judged(kind, false, Some(old), Some(new)).edits.iter().map(|finding| finding.class).collect()
    }

    #[test]
    fn what_no_rule_names_is_configuration() {
        let judgement = judged("Thing.example.com", false, Some(&json!({"a": 1})), Some(&json!({"a": 2})));
        assert_eq!(judgement.edits[0].class, Class::Configuration);
        assert_eq!(judgement.edits[0].rule, "");
        assert!(judgement.findings.is_empty());
        assert_eq!(judged("Thing.example.com", false, None, Some(&json!({}))).class(), Class::New);
    }

    #[test]
    fn the_worst_inside_a_value_counts() {
        // A map that comes as a whole is looked into.
        let (old, new) = (values(json!({})), values(json!({"web": {"image": {"tag": "1"}, "hostNetwork": true}})));
        assert_eq!(classes("Application.argoproj.io", &old, &new), [Class::Privilege]);
        let labels = |labels: Json| json!({"metadata": {"labels": labels}});
        let (none, described) = (json!({"metadata": {}}), labels(json!({"helm.sh/chart": "a"})));
        assert_eq!(classes("Service.", &none, &described), [Class::Cosmetic]);
        let both = labels(json!({"helm.sh/chart": "a", "app": "b"}));
        assert_eq!(classes("Service.", &none, &both), [Class::Configuration]);
        // And so is a text that holds values.
        let text = |tag: &str| json!({"spec": {"source": {"helm": {"values": format!("image:\n  tag: '{tag}'\n")}}}});
        assert_eq!(classes("Application.argoproj.io", &text("1"), &text("2")), [Class::Image]);
    }

    #[test]
    fn words_are_filled_in_once() {
        let image =
            |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}});
        let judgement = judged("Deployment.apps", false, Some(&image("a:{new}")), Some(&image("a:2")));
        assert_eq!(judgement.edits[0].reason, "`a:2` runs instead of `a:{new}`.");
        let (old, new) = (values(json!({"a": {"replicas": 1}})), values(json!({"a": {"replicas": 0}})));
        let judgement = judged("Application.argoproj.io", false, Some(&old), Some(&new));
        assert_eq!(
            judgement.edits[0].reason,
            "`spec.source.helm.valuesObject.a.replicas` becomes 0, so that nothing of it runs."
        );
    }

    #[test]
    fn paths_are_read() {
        assert_eq!(
            pattern(r#"a[].b["c.d/*"].**.*Image"#).unwrap(),
            [
                Part::Key("a".into()),
                Part::Item,
                Part::Key("b".into()),
                Part::Like("c.d/*".into()),
                Part::Deep,
                Part::Like("*Image".into())
            ]
        );
        for wrong in ["a..b", "a.", ".a", "a[\"b"] {
            assert!(pattern(wrong).is_err(), "{wrong}");
        }
        for (word, text, is) in [
            ("*", "", true),
            ("a*", "ab", true),
            ("a*b", "ab", true),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("a", "b", false),
        ] {
            assert_eq!(like(word, text), is, "{word} {text}");
        }
    }

    #[test]
    fn quantities_are_compared() {
        let quantity = |value: Json| quantity(&value).map(|(number, _)| number);
        assert_eq!(quantity(json!("1500Mi")), Some(1_572_864_000.0));
        assert_eq!(quantity(json!("250m")), Some(0.25));
        assert_eq!(quantity(json!("abc")), None);
        let edit =
            |old: Json, new: Json| (json!({"spec": {"minAvailable": old}}), json!({"spec": {"minAvailable": new}}));
        let (old, new) = edit(json!(1), json!("50%"));
        assert_eq!(classes("PodDisruptionBudget.policy", &old, &new), [Class::Configuration]);
    }

    /// 2,000 Applications of 100 environments get another chart, another image and more memory.
    #[test]
    #[ignore = "a measurement: run it in release, alone"]
    #[allow(clippy::disallowed_methods, reason = "it measures")]
    fn two_thousand_applications() {
        let application = |n: usize, version: &str, tag: &str, memory: &str| {
            let part = |part: usize| json!({"enabled": part.is_multiple_of(2), "config": {"a": n, "list": [1, 2, 3]}, "text": "x"});
            let mut object = values(json!({"image": {"tag": tag}, "resources": {"limits": {"memory": memory}}}));
            object["spec"]["source"]["targetRevision"] = json!(version);
            object["metadata"] = json!({"name": format!("application-{n}"), "labels": {"a": "b"}});
            for index in 0..20 {
                object["spec"]["source"]["helm"]["valuesObject"][format!("part{index}")] = part(index);
            }
            object
        };
        let pairs: Vec<(Json, Json)> =
            (0..2_000).map(|n| (application(n, "1.0.0", "1", "1Gi"), application(n, "1.1.0", "2", "2Gi"))).collect();
        let object = object("Application.argoproj.io");
        judge(&object, Action::Changed, None, None, &[]);
        let start = std::time::Instant::now();
        let edits: Vec<_> = pairs.iter().map(|(old, new)| diff(old, new, lists())).collect();
        let compared = start.elapsed();
        let judgements: Vec<_> = pairs
            .iter()
            .zip(&edits)
            .map(|((old, new), edits)| judge(&object, Action::Changed, Some(old), Some(new), edits))
            .collect();
        println!("diff {compared:?}, judge {:?}", start.elapsed() - compared);
        assert!(judgements.iter().all(|judgement| judgement.edits.len() == 3));
    }
}
