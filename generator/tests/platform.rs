//! `docs/platform.md`: what it says about components, namespaces, ports, roles and Secrets is generated here, every promise
//! in it names a component, a setting and a file that are there, and its pictures are what `kubezero graph` draws.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use kubezero::pipeline::plan::{Content, Plan};
use kubezero::pipeline::repository::{Repository, Wanted};
use serde_json::Value as Json;

use crate::support;
use crate::trees::{self, Inputs};

const PAGE: &str = "docs/platform.md";

/// Rows by their cells, each with the environments in which it is so.
type Rows = BTreeMap<Vec<String>, BTreeSet<String>>;

/// What the four environments come to.
#[derive(Default)]
struct Seen {
    environments: BTreeSet<String>,
    components: BTreeMap<String, BTreeSet<String>>,
    /// Components and environments by namespace and level.
    namespaces: BTreeMap<(String, String), (BTreeSet<String>, BTreeSet<String>)>,
    ports: Rows,
    roles: Rows,
    secrets: Rows,
}

fn seen() -> Seen {
    let mut seen = Seen::default();
    trees::each_rendered(&Inputs::of_this_repository(), |name, tree| {
        let tree = tree.unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
        let add = |rows: &mut Rows, cells: Vec<String>| {
            rows.entry(cells).or_default().insert(name.to_owned());
        };
        seen.environments.insert(name.to_owned());
        for component in tree.plan.selection.enabled.keys() {
            seen.components.entry((*component).to_owned()).or_default().insert(name.to_owned());
        }
        let files = trees::texts(tree);
        for (namespace, components) in namespaces(&tree.plan) {
            let own = files.get(&format!("manifests/namespaces/namespace-{namespace}.yaml"));
            let level = own.and_then(|text| text.split("pod-security.kubernetes.io/enforce: ").nth(1)?.lines().next());
            let level = level.map_or("not set".to_owned(), str::to_owned);
            let (of, environments) = seen.namespaces.entry((namespace, level)).or_default();
            of.extend(components);
            environments.insert(name.to_owned());
        }
        for (path, object) in trees::objects(&files) {
            let application = path.rsplit('/').next().unwrap().trim_end_matches(".yaml");
            // Values that hold a null are a text.
            let values = object["spec"]["source"]["helm"]["values"].as_str();
            let values = values.map_or_else(Vec::new, |text| trees::documents(path, text));
            for port in [object].iter().chain(&values).flat_map(node_ports) {
                add(&mut seen.ports, [port, vec![application.to_owned()]].concat());
            }
        }
        let roles = tree.plan.context.data()["iamRoles"].as_array().unwrap();
        // Elsewhere nobody hands them out.
        for role in roles.iter().filter(|_| tree.plan.context.data()["platform"] == "aws") {
            let text = |key: &str| role[key].as_str().unwrap().to_owned();
            let accounts: Vec<String> =
                role["serviceAccounts"].as_array().unwrap().iter().map(|name| code(name.as_str().unwrap())).collect();
            let cells =
                vec![code(&text("name")), link(&text("component")), code(&text("namespace")), accounts.join(", ")];
            add(&mut seen.roles, cells);
        }
        for secret in &tree.secrets {
            // Those that a person has to make come first.
            let order = if secret.made_by == "you" { "0" } else { "1" };
            let keys: Vec<String> = secret.keys.keys().map(|key| code(key)).collect();
            let name = code(&format!("{}/{}", secret.namespace, secret.name));
            let made_by = if secret.made_by == "you" { "**you**".to_owned() } else { secret.made_by.clone() };
            let cells = vec![order.to_owned(), name, keys.join(", "), made_by, link(&secret.component)];
            add(&mut seen.secrets, [cells, vec![secret.purpose.clone()]].concat());
        }
    });
    seen
}

/// Every namespace in use, with the components that have something in it.
fn namespaces(plan: &Plan<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for application in &plan.applications {
        let mut of = vec![&application.namespace];
        if let Content::Chart { chart, .. } = &application.content {
            of.extend(&chart.writes_namespaces);
        }
        for namespace in of {
            found.entry(namespace.clone()).or_default().insert(application.component.to_owned());
        }
    }
    for namespace in plan.namespaces.keys() {
        found.entry(namespace.clone()).or_default();
    }
    found
}

/// Ports that an object or the values in it open on every machine: number, name, and the port of the Service.
fn node_ports(value: &Json) -> Vec<Vec<String>> {
    let words = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut found = Vec::new();
    match value {
        Json::Object(map) => {
            // Values of zero leave the choice to Kubernetes; a map is the schema of a CRD.
            if let Some(port) = map.get("nodePort").map(words).filter(|port| port.parse::<u16>().is_ok_and(|n| n > 0)) {
                found.push(vec![
                    port,
                    map.get("name").map_or_else(String::new, words),
                    map.get("port").map_or_else(String::new, words),
                ]);
            }
            map.values().for_each(|value| found.extend(node_ports(value)));
        }
        Json::Array(items) => items.iter().for_each(|value| found.extend(node_ports(value))),
        _ => {}
    }
    found
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn link(component: &str) -> String {
    format!("[{component}](../components/{component}/README.md)")
}

/// The names of environments, or that it is all of them.
fn among(some: &BTreeSet<String>, all: &BTreeSet<String>) -> String {
    if some == all { "all".to_owned() } else { Vec::from_iter(some.iter().map(String::as_str)).join(", ") }
}

fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out
}

fn components(repository: &Repository, seen: &Seen) -> String {
    let rows = repository.components().values().map(|component| {
        let mut charts: Vec<String> = component
            .charts
            .iter()
            .map(|chart| match &chart.folder {
                Some(folder) => {
                    let repository = chart.repository.trim_end_matches(".git").rsplit('/').next().unwrap();
                    format!("{repository} {}, its folder {}", chart.version, code(&folder.path))
                }
                None => format!("{} {}", chart.title(), chart.version),
            })
            .collect();
        charts.sort_by_key(|chart| (chart.contains('`'), chart.clone()));
        charts.dedup();
        if charts.is_empty() {
            charts.push("manifests".to_owned());
        }
        let mut places = Vec::new();
        for (nodes, words) in [("controllers", "controllers"), ("workers", "workers"), ("every-node", "every machine")]
        {
            if component.charts.iter().any(|chart| chart.placement.get(nodes).is_some_and(|parts| !parts.is_empty())) {
                places.push(words);
            }
        }
        vec![
            link(&component.name),
            component.description.clone(),
            component.license.clone(),
            charts.join("; "),
            if places.is_empty() { "no pods".to_owned() } else { places.join(", ") },
            match seen.components.get(&component.name) {
                Some(some) => among(some, &seen.environments),
                None => format!("none; [tests](../components/{}/tests)", component.name),
            },
        ]
    });
    table(&["component", "what it is", "licence", "charts", "runs on", "environments"], rows)
}

fn with_environments(rows: &Rows, seen: &Seen) -> Vec<Vec<String>> {
    rows.iter().map(|(cells, some)| [&cells[..], &[among(some, &seen.environments)]].concat()).collect()
}

#[test]
fn generated_parts_are_current() {
    let inputs = Inputs::of_this_repository();
    let repository = Repository::load(&inputs, &Wanted::Only(Vec::new())).unwrap();
    let seen = seen();
    let secrets = with_environments(&seen.secrets, &seen).into_iter().map(|mut row| row.split_off(1));
    let namespaces = seen.namespaces.iter().map(|((namespace, level), (components, environments))| {
        let components: Vec<String> = components.iter().map(|name| link(name)).collect();
        vec![code(namespace), level.clone(), components.join(", "), among(environments, &seen.environments)]
    });
    let parts = [
        ("components", components(&repository, &seen)),
        ("namespaces", table(&["namespace", "Pod Security", "components", "environments"], namespaces)),
        (
            "ports",
            table(
                &["port", "name", "leads to port", "of the Service of", "environments"],
                with_environments(&seen.ports, &seen),
            ),
        ),
        (
            "roles",
            table(
                &["role", "component", "namespace", "ServiceAccounts", "environments"],
                with_environments(&seen.roles, &seen),
            ),
        ),
        ("secrets", table(&["Secret", "keys", "made by", "read by", "what for", "environments"], secrets)),
    ];
    let mut page = fs::read_to_string(support::root().join(PAGE)).unwrap();
    for (name, text) in parts {
        let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
        let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{PAGE} has no {begin}"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{PAGE} has no {end}"));
        page = format!("{before}{begin}\n{text}{end}{after}");
    }
    support::nothing_wrong(&Vec::from_iter(support::compare(&support::root().join(PAGE), &page)));
}

/// The pictures are those of `kubezero graph`, and the page shows every one.
#[test]
fn pictures_are_current() {
    let root = support::root();
    let page = fs::read_to_string(root.join(PAGE)).unwrap();
    let mut wrong = Vec::new();
    for environment in support::names(&root.join("argocd")).into_iter().filter(|name| !name.starts_with('.')) {
        let run = support::kubezero(&root, &["graph", &environment, "--format", "svg"]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        let name = format!("graph-{environment}.svg");
        wrong.extend(support::compare(&root.join("docs").join(&name), &run.stdout));
        if !page.contains(&format!("({name})")) {
            wrong.push(format!("{PAGE} does not show {name}"));
        }
    }
    support::nothing_wrong(&wrong);
}

/// What stands in a cell: links to files and words in backticks, in their order.
enum Piece<'t> {
    Link(&'t str),
    Code(&'t str),
}

fn pieces<'t>(cell: &'t str) -> Vec<Piece<'t>> {
    let pattern = regex::Regex::new(r"\]\(([^)]*)\)|`([^`]*)`").unwrap();
    let piece = |found: regex::Captures<'t>| match (found.get(1), found.get(2)) {
        (Some(link), _) => Piece::Link(link.as_str()),
        (_, Some(code)) => Piece::Code(code.as_str()),
        _ => unreachable!(),
    };
    pattern.captures_iter(cell).map(piece).collect()
}

/// Whether a JSON Schema has a property at a path, `*` being any key of a map.
fn has_property(schema: &Json, path: &str) -> bool {
    let mut at = schema;
    for key in path.split('.') {
        at = if key == "*" { &at["additionalProperties"] } else { &at["properties"][key] };
    }
    at.is_object()
}

/// Each row of the table of promises: the component is there, its schema has the setting, the file says what the page says.
#[test]
fn promises_name_what_is_there() {
    let root = support::root();
    let inputs = Inputs::of_this_repository();
    let repository = Repository::load(&inputs, &Wanted::Only(Vec::new())).unwrap();
    let schema = |path: &str| -> Json { serde_yaml::from_str(&fs::read_to_string(root.join(path)).unwrap()).unwrap() };
    let facts = schema("environments/environment.schema.yaml");
    let overlay = schema("generator/src/schemas/overlay.schema.yaml");
    let page = fs::read_to_string(root.join(PAGE)).unwrap();
    let promises = page.split("\n## ").find(|section| section.starts_with("Promises")).expect("a section of promises");

    let (mut rows, mut named, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for line in promises
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| **") && !line.starts_with("| promise |"))
    {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let [promise, kept_by, shown_in] = cells[..] else {
            wrong.push(format!("not three cells: {line}"));
            continue;
        };
        rows += 1;
        let mut component = None;
        for piece in pieces(kept_by) {
            match piece {
                // A place on this page.
                Piece::Link(target) if target.starts_with('#') => {}
                Piece::Link(target) => {
                    let name = target.strip_prefix("../components/").and_then(|rest| rest.strip_suffix("/README.md"));
                    component = name.and_then(|name| repository.components().get(name));
                    match component {
                        Some(component) => drop(named.insert(component.name.clone())),
                        None => wrong.push(format!("{promise}: {target} is no component's README")),
                    }
                }
                Piece::Code(path) => {
                    let there = match component {
                        _ if path.starts_with("cluster.") || path.starts_with("argocd.") => has_property(&facts, path),
                        Some(component) => component.schema.properties().iter().any(|property| property.path == path),
                        None => has_property(&overlay, path) || has_property(&overlay["$defs"]["entry"], path),
                    };
                    if !there {
                        let of = component.map_or("the facts and overlays", |component| &component.name);
                        wrong.push(format!("{promise}: {of} have no `{path}`"));
                    }
                }
            }
        }
        let mut file = None;
        for piece in pieces(shown_in) {
            match piece {
                Piece::Link(target) => {
                    file = fs::read_to_string(root.join("docs").join(target)).ok();
                    if file.is_none() || !(target.starts_with("../argocd/") || target.starts_with("../components/")) {
                        wrong.push(format!("{promise}: {target} is no committed output"));
                    }
                }
                Piece::Code(text) => {
                    if !file.as_ref().is_some_and(|file| file.contains(text)) {
                        wrong.push(format!("{promise}: the file does not say `{text}`"));
                    }
                }
            }
        }
        if file.is_none() {
            wrong.push(format!("{promise}: no file shows it"));
        }
    }
    let missing: Vec<_> = repository.components().keys().filter(|name| !named.contains(*name)).collect();
    if !missing.is_empty() {
        wrong.push(format!("no promise names {missing:?}"));
    }
    support::nothing_wrong(&wrong);
    assert!(rows > 40, "only {rows} promises");
}

/// The ports of machines that are written by hand stand in the files that the page names for them.
#[test]
fn ports_of_machines_stand_where_the_page_says() {
    let root = support::root();
    let page = fs::read_to_string(root.join(PAGE)).unwrap();
    let section = page.split("\n### ").find(|section| section.starts_with("Ports of machines")).unwrap();
    let mut wrong = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("| ") && line.contains("](")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let Some(Piece::Link(target)) = pieces(cells.last().unwrap()).into_iter().next() else {
            wrong.push(format!("no file: {line}"));
            continue;
        };
        let text = fs::read_to_string(root.join("docs").join(target)).unwrap_or_default();
        let numbers = cells[0].split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
        for number in numbers {
            if !text.split(|c: char| !c.is_ascii_digit()).any(|found| found == number) {
                wrong.push(format!("{target} does not name port {number}"));
            }
        }
    }
    support::nothing_wrong(&wrong);
}

/// Every component is in README.md's table of topics, and its own README says why, not only what.
#[test]
fn every_component_is_listed_and_says_why() {
    let root = support::root();
    let inputs = Inputs::of_this_repository();
    let repository = Repository::load(&inputs, &Wanted::Only(Vec::new())).unwrap();
    let front = fs::read_to_string(root.join("README.md")).unwrap();
    let mut wrong = Vec::new();
    for name in repository.components().keys() {
        let path = format!("components/{name}/README.md");
        if !front.contains(&format!("({path})")) {
            wrong.push(format!("README.md does not list {name}"));
        }
        let text = fs::read_to_string(root.join(&path)).unwrap();
        if !text.contains("\n## Why") || !text.contains("<!-- settings:begin -->") {
            wrong.push(format!("{path} has no section `Why …` or no table of settings"));
        }
    }
    support::nothing_wrong(&wrong);
}
