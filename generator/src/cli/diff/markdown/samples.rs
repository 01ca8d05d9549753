//! Reviews made by hand, one for each situation that a reviewer meets.

use serde_json::{Value as Json, json};

use crate::review::model::{
    Action, Cause, Class, Demand, Exception, Finding, GroupedEdit, Item, Line, Object, Place, Review, Side, Totals,
    WithoutEffect,
};
use crate::values::edit::{Change, Edit, Format, Inside, Segment};

/// A hundred environments in three stages.
pub fn fleet() -> Vec<String> {
    let stage = |name: &'static str, last: usize| (1..=last).map(move |number| format!("{name}-{number}"));
    let mut names: Vec<String> = stage("dev", 34).chain(stage("prod-eu", 33)).chain(stage("staging", 33)).collect();
    names.sort();
    names
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn digest(digit: char) -> String {
    let mut digest = format!("{digit}7ab09c4e1f25d83");
    digest += &"0".repeat(48);
    digest
}

fn review(environments: &[String], items: Vec<Item>) -> Review {
    let side = |name: &str, commit: Option<&str>, digit| Side {
        name: name.to_owned(),
        commit: commit.map(|commit| commit.repeat(5)),
        generator: Some("0.1.0".to_owned()),
        environments: environments.to_vec(),
        applications: environments.len() * 20,
        objects: environments.len() * 64,
        digest: digest(digit),
    };
    let mut review = Review {
        charts: Vec::new(),
        base: side("main", Some("9f8e7d6c"), '4'),
        head: side("bump-charts", Some("a1b2c3d4"), '5'),
        items,
        by_tool: Vec::new(),
        without_effect: Vec::new(),
        demands: Vec::new(),
        totals: Totals {
            changed: 0,
            listed: 0,
            of_charts: 0,
            files: 0,
            inputs: 1,
            by_class: Vec::new(),
            digest: digest('6'),
        },
    };
    add_up(&mut review);
    review
}

/// Sets the totals to what the items list.
pub fn add_up(review: &mut Review) {
    let mut by_class = std::collections::BTreeMap::new();
    for item in &review.items {
        *by_class.entry(item.class).or_insert(0) += item.places.len();
    }
    review.totals.changed = by_class.values().sum();
    review.totals.listed = review.totals.changed;
    review.totals.files = review.totals.changed;
    review.totals.by_class = by_class.into_iter().collect();
}

pub fn object(kind: &str, path: &str) -> Object {
    let (namespace, name) = path.split_once('/').unwrap_or(("", path));
    let group = match kind {
        "Application" | "AppProject" => "argoproj.io",
        "Deployment" | "StatefulSet" => "apps",
        "ClusterRole" => "rbac.authorization.k8s.io",
        "HTTPRoute" => "gateway.networking.k8s.io",
        _ => "",
    };
    Object { group: group.to_owned(), kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
}

pub fn item(class: Class, action: Action, component: &str, object: Object, environments: &[String]) -> Item {
    let place = |environment: &String| Place {
        environment: environment.clone(),
        object: object.clone(),
        file: format!("{component}/{}-{}.yaml", object.kind.to_lowercase(), object.name),
        protected: environment.starts_with("prod"),
    };
    Item {
        chart: None,
        id: "0123456789ab".to_owned(),
        class,
        action,
        component: component.to_owned(),
        places: environments.iter().map(place).collect(),
        object,
        was: None,
        findings: Vec::new(),
        edits: Vec::new(),
        content: None,
        causes: Vec::new(),
    }
}

pub fn finding(class: Class, rule: &str, reason: &str, remedy: &str) -> Finding {
    Finding { class, rule: rule.to_owned(), reason: reason.to_owned(), remedy: remedy.to_owned() }
}

pub fn line(at: &str, text: &str) -> Line {
    let (file, line) = at.rsplit_once(':').unwrap();
    Line { file: file.to_owned(), line: line.parse().unwrap(), text: text.to_owned() }
}

pub fn cause(at: &str, before: &str, after: &str) -> Cause {
    let side = |text: &str| (!text.is_empty()).then(|| line(at, text));
    Cause { before: side(before), after: side(after), edited: true }
}

/// A path: keys by dots, items of lists in brackets.
pub fn path(text: &str) -> Vec<Segment> {
    let mut path = Vec::new();
    for part in text.split('.') {
        let (key, item) = part.split_once('[').unwrap_or((part, ""));
        path.push(Segment::Key(key.replace('~', ".")));
        if let Some(item) = item.strip_suffix(']') {
            path.push(Segment::Item { item: item.to_owned(), old: Some(0), new: Some(0) });
        }
    }
    path
}

pub fn replaced(at: &str, old: Json, new: Json) -> Edit {
    Edit { path: path(at), change: Change::Replaced { old, new, inside: None } }
}

pub fn edit(edit: Edit, finding: Finding, environments: &[String]) -> GroupedEdit {
    let environments = environments.to_vec();
    GroupedEdit { edit, finding, environments, exceptions: Vec::new(), causes: Vec::new() }
}

/// One version of a chart in a hundred environments, eight of which set an image themselves.
pub fn bump() -> Review {
    let fleet = fleet();
    let pinned: Vec<String> = (1..=8).map(|number| format!("prod-eu-{number}")).collect();
    let others: Vec<String> = fleet.iter().filter(|name| !pinned.contains(name)).cloned().collect();
    let mut app = item(Class::Image, Action::Changed, "monitoring", object("Application", "argocd/monitoring"), &fleet);
    let version = edit(
        replaced("spec.source.targetRevision", json!("65.5.0"), json!("66.1.0")),
        finding(
            Class::ChartVersion,
            "chart-major",
            "Another major version of the chart kube-prometheus-stack.",
            "Read its notes on upgrades; CRDs are not upgraded by Helm.",
        ),
        &fleet,
    );
    let mut tag = edit(
        replaced("spec.source.helm.valuesObject.prometheusOperator.image.tag", json!("v0.77.1"), json!("v0.78.2")),
        finding(Class::Image, "image", "Another image runs.", ""),
        &others,
    );
    tag.causes = vec![cause("environments/base.yaml:31", "tag: v0.77.1", "tag: v0.78.2")];
    tag.exceptions = vec![Exception {
        environments: pinned,
        why: "has `v0.76.0`, set at `environments/stages/prod.yaml:18`".to_owned(),
        at: Some(line("environments/stages/prod.yaml:18", "tag: v0.76.0")),
    }];
    app.edits = vec![version, tag];
    app.edits[0].causes = vec![cause("components/monitoring/component.yaml:4", "version: 65.5.0", "version: 66.1.0")];
    let mut review = review(&fleet, vec![app]);
    review.totals.inputs = 2;
    review
}

/// A database is deleted, a role widened, and a chart bumped in a hundred environments.
pub fn danger() -> Review {
    let fleet = fleet();
    let one = texts(&["prod-eu-7"]);
    let gone = |class, kind: &str, name: &str| {
        let mut item = item(class, Action::Removed, "orders", object(kind, name), &one);
        item.causes = vec![cause("environments/prod-eu-7/environment.yaml:12", "orders: {}", "")];
        item
    };
    let mut database = gone(Class::DataLoss, "Cluster", "orders/orders-db");
    database.findings = vec![finding(
        Class::DataLoss,
        "database-removed",
        "The operator deletes the database's volumes with it.",
        "Take a backup first, or set `spec.deletionPolicy: Retain` in a change before this one.",
    )];
    let mut application = gone(Class::Destroyed, "Application", "argocd/orders");
    application.findings = vec![finding(
        Class::Destroyed,
        "application-removed",
        "It has the finalizer: Argo CD deletes everything that it deployed.",
        "",
    )];
    let mut namespace = gone(Class::Destroyed, "Namespace", "orders");
    namespace.findings =
        vec![finding(Class::Destroyed, "namespace-removed", "Everything in the namespace is deleted with it.", "")];
    let mut role = item(
        Class::Privilege,
        Action::Changed,
        "ci",
        object("ClusterRole", "ci-deployer"),
        &texts(&["dev-1", "prod-eu-7"]),
    );
    role.edits = vec![edit(
        Edit { path: path("rules[0].verbs[3]"), change: Change::Added { new: json!("*") } },
        finding(
            Class::Privilege,
            "rbac-wildcard",
            "Whoever has the role may do everything with `secrets`.",
            "Name the verbs that are needed.",
        ),
        &texts(&["dev-1", "prod-eu-7"]),
    )];
    role.edits[0].edit.path =
        vec![Segment::Key("rules".to_owned()), index(1), Segment::Key("verbs".to_owned()), index(3)];
    role.causes = vec![cause(
        "components/ci/templates/role.yaml:9",
        "verbs: [get, list, watch]",
        "verbs: [get, list, watch, \"*\"]",
    )];
    let mut items = bump().items;
    items[0].class = Class::ChartVersion;
    items[0].edits.truncate(1);
    items.splice(0..0, [database, application, namespace, role]);
    let mut review = review(&fleet, items);
    review.totals.inputs = 4;
    review.without_effect = vec![WithoutEffect {
        at: line("environments/base.yaml:40", "retention: 30d"),
        path: "components.monitoring.settings.retention".to_owned(),
        shadowed_by: vec![Exception {
            environments: fleet.iter().filter(|name| name.starts_with("prod")).cloned().collect(),
            why: "has `90d`".to_owned(),
            at: Some(line("environments/stages/prod.yaml:12", "retention: 90d")),
        }],
        why: String::new(),
    }];
    let demand = |gate: &str, about: &str, at: &str, trailer: Option<&str>, accepted| Demand {
        gate: gate.to_owned(),
        environment: "prod-eu-7".to_owned(),
        about: about.to_owned(),
        at: Some(line(at, "review:")),
        trailer: trailer.map(str::to_owned),
        accepted,
        item: String::new(),
    };
    let at = "environments/prod-eu-7/environment.yaml:4";
    review.demands = vec![
        demand(
            "acknowledge",
            "The database orders/orders-db is deleted with its data.",
            at,
            Some("Accept-Data-Loss: prod-eu-7/Cluster/orders/orders-db"),
            false,
        ),
        demand("deletions", "3 objects are deleted, and 1 may be.", at, Some("Accept-Delete: prod-eu-7/orders"), false),
        demand(
            "acknowledge",
            "The role ci-deployer is widened.",
            at,
            Some("Accept-Privilege: prod-eu-7/ClusterRole//ci-deployer"),
            true,
        ),
    ];
    review
}

fn index(index: usize) -> Segment {
    Segment::Item { item: String::new(), old: Some(index), new: Some(index) }
}

/// A new component in one environment.
pub fn addition() -> Review {
    let environments = texts(&["aws-classic", "aws-ha", "aws-single"]);
    let one = texts(&["aws-ha"]);
    let at = cause("environments/aws-ha/environment.yaml:19", "", "logging: {}");
    let new = |component: &str, kind: &str, name: &str, content: Json| {
        let mut item = item(Class::New, Action::Added, component, object(kind, name), &one);
        item.content = Some(content);
        item.causes = vec![at.clone()];
        item
    };
    let application = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "logging", "namespace": "argocd", "annotations": {"argocd.argoproj.io/sync-wave": "4"}},
        "spec": {
            "project": "aws-ha",
            "source": {"chart": "loki", "repoURL": "https://grafana.github.io/helm-charts", "targetRevision": "6.24.0"},
            "destination": {"namespace": "logging", "server": "https://kubernetes.default.svc"},
        },
    });
    let mut project = item(Class::ArgoCd, Action::Changed, "root", object("AppProject", "argocd/aws-ha"), &one);
    project.edits = vec![edit(
        Edit {
            path: vec![Segment::Key("spec".to_owned()), Segment::Key("sourceRepos".to_owned()), index(2)],
            change: Change::Added { new: json!("https://grafana.github.io/helm-charts") },
        },
        finding(Class::ArgoCd, "project-widened", "The project may deploy from one more repository.", ""),
        &one,
    )];
    project.causes = vec![at.clone()];
    let mut scaled = item(Class::Scale, Action::Changed, "ingress", object("Application", "argocd/ingress"), &one);
    scaled.edits = vec![edit(
        replaced("spec.source.helm.valuesObject.controller.replicaCount", json!(2), json!(3)),
        finding(Class::Scale, "replicas", "From 2 to 3 replicas.", ""),
        &one,
    )];
    scaled.causes = vec![cause("environments/aws-ha/environment.yaml:27", "replicas: 2", "replicas: 3")];
    let items = vec![
        project,
        scaled,
        new("logging", "Application", "argocd/logging", application),
        new("namespaces", "Namespace", "logging", json!({"apiVersion": "v1", "kind": "Namespace"})),
        new("logging", "ConfigMap", "logging/dashboards", json!({"data": {"a.json": "{}"}})),
        new("logging", "ConfigMap", "logging/alerts", json!({"data": {"a.yaml": "groups: []\n"}})),
    ];
    let mut review = review(&environments, items);
    review.head.name = "the work tree".to_owned();
    review.head.commit = None;
    review
}

/// Settings of all sorts, a rename, secrets, cosmetics, and a newer generator.
pub fn settings() -> Review {
    let environments = texts(&["aws-ha", "aws-single", "bare-metal", "prod-eu"]);
    let two = texts(&["aws-ha", "prod-eu"]);
    let mut config = item(Class::Restart, Action::Changed, "gateway", object("ConfigMap", "gateway/settings"), &two);
    let script_before = "#!/bin/sh\nset -e\nfor host in a b c; do\n  check \"$host\"\ndone\nwait\nsync\ntrue\nexit 0\n";
    let script_after = script_before.replace("a b c", "a b c d").replace("exit 0", "exit \"$failed\"");
    config.edits = vec![
        edit(
            Edit {
                path: path("data.app~yaml"),
                change: Change::Replaced {
                    old: json!("limits:\n  burst: 5\n"),
                    new: json!("limits:\n  burst: 50\n  rate: \"10\"\n"),
                    inside: Some(Inside {
                        format: Format::Yaml,
                        edits: vec![
                            replaced("limits.burst", json!(5), json!(50)),
                            Edit { path: path("limits.rate"), change: Change::Added { new: json!("10") } },
                        ],
                    }),
                },
            },
            finding(Class::Restart, "config-hash", "Pods that read it are restarted by the reloader.", ""),
            &two,
        ),
        edit(
            replaced("data.check~sh", json!(script_before), json!(script_after)),
            finding(Class::Configuration, "", "", ""),
            &texts(&["aws-ha"]),
        ),
        edit(
            replaced("metadata.labels.version", json!("1.2"), json!("1.3")),
            finding(Class::Cosmetic, "labels", "Only labels that say a version.", ""),
            &two,
        ),
    ];
    config.edits[0].causes = vec![cause("components/gateway/settings.yaml:3", "burst: 5", "burst: 50")];
    config.edits[1].causes =
        vec![cause("components/gateway/check.sh:3", "for host in a b c; do", "for host in a b c d; do")];
    let mut route = item(Class::Traffic, Action::Changed, "gateway", object("HTTPRoute", "gateway/shop"), &two);
    route.edits = vec![
        edit(
            replaced("spec.rules[matches=/].backendRefs[name=shop].port", json!(8080), json!("8080")),
            finding(
                Class::Immutable,
                "wrong-type",
                "The API server refuses a text where a number belongs.",
                "Write the port without quotes.",
            ),
            &two,
        ),
        edit(
            Edit { path: path("spec.hostnames"), change: Change::Reordered { order: vec![2, 0, 1] } },
            finding(Class::Cosmetic, "order", "The order of host names means nothing.", ""),
            &two,
        ),
    ];
    route.class = Class::Immutable;
    route.causes = vec![cause("environments/base.yaml:8", "port: 8080", "port: \"8080\"")];
    let mut renamed =
        item(Class::Identity, Action::Renamed, "gateway", object("Application", "argocd/edge"), &texts(&["prod-eu"]));
    renamed.was = Some(object("Application", "argocd/gateway"));
    renamed.findings = vec![finding(
        Class::Identity,
        "application-renamed",
        "Argo CD deletes the old Application with all that it deployed and makes a new one.",
        "Take the finalizer off the old one first.",
    )];
    renamed.causes = vec![cause("environments/prod-eu/environment.yaml:6", "name: gateway", "name: edge")];
    let mut secret = item(
        Class::Configuration,
        Action::Changed,
        "gateway",
        object("Secret", "gateway/token"),
        &texts(&["bare-metal"]),
    );
    secret.edits = vec![edit(
        replaced("data.token", json!("(sha256 a1b2c3d4, 24 bytes)"), json!("(sha256 5e6f7a8b, 32 bytes)")),
        finding(Class::Configuration, "", "", ""),
        &texts(&["bare-metal"]),
    )];
    secret.causes = vec![Cause {
        before: None,
        after: Some(line("environments/bare-metal/secrets.yaml:2", "token: …")),
        edited: false,
    }];
    let labels = |name: &str| {
        let mut item = item(
            Class::Cosmetic,
            Action::Changed,
            name,
            object("Application", &format!("argocd/{name}")),
            &environments,
        );
        item.edits = vec![edit(
            replaced("metadata.labels.owner", json!("platform"), json!("Platform")),
            finding(Class::Cosmetic, "labels", "A label that nothing selects.", ""),
            &environments,
        )];
        item.causes = vec![cause("environments/base.yaml:2", "owner: platform", "owner: Platform")];
        item
    };
    let items = vec![route, renamed, config, secret, labels("certificates"), labels("dns"), labels("gateway")];
    let mut review = review(&environments, items);
    review.head.generator = Some("0.2.0".to_owned());
    let mut tool = item(Class::Cosmetic, Action::Changed, "root", object("File", "index.yaml"), &environments);
    tool.edits = vec![edit(
        replaced("generator", json!("0.1.0"), json!("0.2.0")),
        finding(Class::Cosmetic, "", "", ""),
        &environments,
    )];
    review.by_tool = vec![tool];
    review.totals.inputs = 6;
    review
}

/// Inputs are edited, and nothing comes of it.
pub fn nothing() -> Review {
    let environments = texts(&["aws-ha", "aws-single"]);
    let mut review = review(&environments, Vec::new());
    review.totals.inputs = 2;
    review.without_effect = vec![
        WithoutEffect {
            at: line("environments/base.yaml:40", "retention: 30d"),
            path: "components.monitoring.settings.retention".to_owned(),
            shadowed_by: vec![Exception {
                environments: environments.clone(),
                why: "has `90d`".to_owned(),
                at: Some(line("environments/stages/prod.yaml:12", "retention: 90d")),
            }],
            why: String::new(),
        },
        WithoutEffect {
            at: line("components/dns/README.md:3", "How names are served"),
            path: String::new(),
            shadowed_by: Vec::new(),
            why: "only documentation".to_owned(),
        },
    ];
    review
}

/// Two thousand Applications in a hundred environments, each with a change of its own or all with the same.
pub fn large(alike: bool) -> Review {
    let fleet = fleet();
    let mut items = Vec::new();
    for component in 0..20 {
        let name = format!("component-{component}");
        let app = object("Application", &format!("argocd/{name}"));
        let groups: Vec<Vec<String>> =
            if alike { vec![fleet.clone()] } else { fleet.iter().map(|name| vec![name.clone()]).collect() };
        for (number, environments) in groups.iter().enumerate() {
            let mut item = item(Class::Configuration, Action::Changed, &name, app.clone(), environments);
            item.edits = vec![edit(
                replaced("spec.source.helm.valuesObject.size", json!(number), json!(number + component + 1)),
                finding(Class::Configuration, "", "", ""),
                environments,
            )];
            item.causes =
                vec![cause(&format!("environments/{}/environment.yaml:7", environments[0]), "size: 1", "size: 2")];
            items.push(item);
        }
    }
    review(&fleet, items)
}
