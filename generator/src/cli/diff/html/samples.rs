//! Reviews as they come: a pull request that is dangerous, a version that moves in a hundred environments, two thousand
//! Applications that change each in its own way, and one that means harm.

use serde_json::{Value as Json, json};

use crate::review::model::{
    Action, Cause, Class, Demand, Exception, Finding, GroupedEdit, Item, Line, Object, Place, Review, Side, Totals,
    WithoutEffect,
};
use crate::values::edit::{Change, Edit, Format, Inside, Segment};

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn side(name: &str, commit: Option<&str>, environments: &[String], applications: usize) -> Side {
    Side {
        name: name.to_owned(),
        commit: commit.map(str::to_owned),
        generator: Some("1.4.0".to_owned()),
        environments: environments.to_vec(),
        applications,
        objects: applications * 3,
        digest: "sha256:".to_owned() + &name.len().to_string().repeat(64)[..64],
    }
}

fn line(file: &str, line: u32, text: &str) -> Line {
    Line { file: file.to_owned(), line, text: text.to_owned() }
}

fn cause(file: &str, number: u32, before: Option<&str>, after: Option<&str>) -> Cause {
    Cause { before: before.map(|t| line(file, number, t)), after: after.map(|t| line(file, number, t)), edited: true }
}

fn object(group: &str, kind: &str, namespace: &str, name: &str) -> Object {
    Object { group: group.to_owned(), kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
}

fn application(name: &str) -> Object {
    object("argoproj.io", "Application", "argocd", name)
}

fn finding(class: Class, rule: &str, reason: &str, remedy: &str) -> Finding {
    Finding { class, rule: rule.to_owned(), reason: reason.to_owned(), remedy: remedy.to_owned() }
}

/// `spec.containers[name=web].image`, for these samples only.
fn path(text: &str) -> Vec<Segment> {
    text.split('/')
        .map(|step| {
            if step.contains('=') {
                Segment::Item { item: step.to_owned(), old: Some(0), new: Some(0) }
            } else {
                Segment::Key(step.to_owned())
            }
        })
        .collect()
}

fn replaced(at: &str, old: Json, new: Json) -> Edit {
    Edit { path: path(at), change: Change::Replaced { old, new, inside: None } }
}

fn grouped(edit: Edit, finding: Finding, environments: &[String], causes: Vec<Cause>) -> GroupedEdit {
    GroupedEdit { edit, finding, environments: environments.to_vec(), exceptions: Vec::new(), causes }
}

fn item(
    number: usize,
    class: Class,
    action: Action,
    component: &str,
    object: &Object,
    environments: &[String],
) -> Item {
    let folder =
        if object.kind == "Application" { "applications".to_owned() } else { format!("manifests/{component}") };
    let file = format!("{folder}/{}-{}.yaml", object.kind.to_lowercase(), object.name);
    Item {
        chart: None,
        id: format!("{:012x}", 0x3f2a_9c00_0000_u64 + number as u64 * 7919),
        class,
        action,
        component: component.to_owned(),
        object: object.clone(),
        was: None,
        places: environments
            .iter()
            .map(|environment| Place {
                environment: environment.clone(),
                object: object.clone(),
                file: file.clone(),
                protected: environment.contains("prod") || environment == "aws-ha",
            })
            .collect(),
        findings: Vec::new(),
        edits: Vec::new(),
        content: None,
        causes: Vec::new(),
    }
}

fn totals(items: &[Item], inputs: usize) -> Totals {
    let mut by_class = std::collections::BTreeMap::new();
    for item in items {
        *by_class.entry(item.class).or_insert(0) += item.places.len();
    }
    let changed = items.iter().map(|item| item.places.len()).sum();
    Totals {
        of_charts: 0,
        changed,
        listed: changed,
        files: changed,
        inputs,
        by_class: by_class.into_iter().collect(),
        digest: "sha256:77ab3f0c19d2e84b5a6677ab3f0c19d2e84b5a6677ab3f0c19d2e84b5a66cafe".to_owned(),
    }
}

/// A database goes, a role grows, and more, in four environments.
pub fn dangerous() -> Review {
    let all = owned(&["aws-ha", "aws-single", "bare-metal", "aws-classic"]);
    let ha = &all[..1];
    let mut items = Vec::new();

    let mut database = item(1, Class::Destroyed, Action::Removed, "orders-db", &application("orders-db"), ha);
    database.findings = vec![
        finding(
            Class::Destroyed,
            "application-removed",
            "The Application goes, and its finalizer deletes all that it installed",
            "Take the finalizer off in a commit before if the objects are to stay.",
        ),
        finding(
            Class::DataLoss,
            "claims-removed",
            "The chart makes 3 PersistentVolumeClaims, whose volumes are deleted with them",
            "Back up, or set reclaimPolicy: Retain first.",
        ),
    ];
    database.causes = vec![cause("environments/aws-ha/environment.yaml", 31, Some("orders-db: {}"), None)];
    database.content = Some(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {
            "name": "orders-db",
            "namespace": "argocd",
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {
            "project": "orders-db",
            "destination": {"namespace": "orders", "server": "https://kubernetes.default.svc"},
            "source": {
                "chart": "postgresql",
                "repoURL": "registry-1.docker.io/bitnamicharts",
                "targetRevision": "16.4.2",
            },
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}}},
    }));
    items.push(database);

    let mut selector = item(
        2,
        Class::Immutable,
        Action::Changed,
        "ingress",
        &object("apps", "Deployment", "ingress", "gateway"),
        &all[..2],
    );
    selector.edits.push(grouped(
        replaced("spec/selector/matchLabels/app", json!("gateway"), json!("edge-gateway")),
        finding(
            Class::Immutable,
            "deployment-selector",
            "The selector of a Deployment cannot be changed",
            "Delete the Deployment with --cascade=orphan before this is merged, or keep the label.",
        ),
        &all[..2],
        vec![cause(
            "components/ingress/manifests/gateway.yaml.hbs",
            14,
            Some("app: gateway"),
            Some("app: edge-gateway"),
        )],
    ));
    items.push(selector);

    let mut moved = item(3, Class::Identity, Action::Renamed, "istiod", &application("istiod"), &all);
    moved.was = Some(application("istio-pilot"));
    moved.findings.push(finding(
        Class::Identity,
        "application-renamed",
        "Argo CD sees a new Application and deletes the old one",
        "Say Accept-Identity if the mesh may be gone for a minute.",
    ));
    moved.edits.push(grouped(
        replaced("spec/destination/namespace", json!("istio-system"), json!("istio-control")),
        finding(Class::Identity, "destination", "All its objects are made anew in another namespace", ""),
        &all[1..],
        vec![cause(
            "components/istiod/component.yaml",
            9,
            Some("namespace: istio-system"),
            Some("namespace: istio-control"),
        )],
    ));
    moved.edits[0].exceptions.push(Exception {
        environments: ha.to_vec(),
        why: "has istio-system, set at environments/aws-ha/environment.yaml:44".to_owned(),
        at: Some(line("environments/aws-ha/environment.yaml", 44, "namespace: istio-system")),
    });
    items.push(moved);

    let role = object("rbac.authorization.k8s.io", "ClusterRole", "", "cluster-autoscaler");
    let mut wider = item(4, Class::Privilege, Action::Changed, "cluster-autoscaler", &role, &all);
    wider.edits.push(grouped(
        Edit {
            path: path("rules/apiGroups=[\"\"],resources=[secrets]/verbs"),
            change: Change::Replaced {
                old: json!(["get", "list"]),
                new: json!(["get", "list", "create", "*"]),
                inside: None,
            },
        },
        finding(
            Class::Privilege,
            "role-wider",
            "It may do everything to Secrets, in every namespace",
            "Name the verbs that it needs.",
        ),
        &all,
        vec![cause(
            "components/cluster-autoscaler/manifests/role.yaml.hbs",
            22,
            Some("verbs: [get, list]"),
            Some("verbs: [get, list, create, \"*\"]"),
        )],
    ));
    items.push(wider);

    let mut argo = item(5, Class::ArgoCd, Action::Changed, "loki", &application("loki"), &all[..3]);
    argo.edits.push(grouped(
        replaced("spec/syncPolicy/automated/prune", json!(false), json!(true)),
        finding(Class::ArgoCd, "prune-on", "Objects that leave the chart are deleted from now on", ""),
        &all[..3],
        vec![cause("environments/layers/production/overlay.yaml", 18, Some("prune: false"), Some("prune: true"))],
    ));
    argo.edits.push(GroupedEdit {
        edit: Edit { path: path("spec/syncPolicy/syncOptions"), change: Change::Reordered { order: vec![1, 0, 2] } },
        finding: finding(Class::Cosmetic, "order", "The order of sync options means nothing", ""),
        environments: all[..3].to_vec(),
        exceptions: Vec::new(),
        causes: Vec::new(),
    });
    items.push(argo);

    let old_config = [
        "auth_enabled: false",
        "server:",
        "  http_listen_port: 3100",
        "  grpc_listen_port: 9095",
        "common:",
        "  ring:",
        "    kvstore:",
        "      store: inmemory",
        "  replication_factor: 1",
        "limits_config:",
        "  retention_period: 744h",
        "  max_query_series: 500",
        "  reject_old_samples: true",
        "",
    ]
    .join("\n");
    let new_config = [
        "auth_enabled: true",
        "server:",
        "  http_listen_port: 3100",
        "  grpc_listen_port: 9095",
        "common:",
        "  ring:",
        "    kvstore:",
        "      store: memberlist",
        "  replication_factor: 3",
        "limits_config:",
        "  retention_period: 744h",
        "  max_query_series: 500",
        "  reject_old_samples: true",
        "",
    ]
    .join("\n");
    let mut config =
        item(6, Class::Restart, Action::Changed, "loki", &object("", "ConfigMap", "monitoring", "loki"), &all[..3]);
    config.edits.push(grouped(
        Edit {
            path: path("data/loki.yaml"),
            change: Change::Replaced {
                old: json!(old_config),
                new: json!(new_config),
                inside: Some(Inside {
                    format: Format::Yaml,
                    edits: vec![
                        replaced("auth_enabled", json!(false), json!(true)),
                        replaced("common/ring/kvstore/store", json!("inmemory"), json!("memberlist")),
                        replaced("common/replication_factor", json!(1), json!(3)),
                    ],
                }),
            },
        },
        finding(
            Class::Restart,
            "config-checksum",
            "The Pods that mount it restart, as their template holds its checksum",
            "",
        ),
        &all[..3],
        vec![cause(
            "components/loki/values.yaml.hbs",
            40,
            Some("replication_factor: 1"),
            Some("replication_factor: 3"),
        )],
    ));
    config.edits.push(grouped(
        Edit {
            path: path("data/alerts.txt"),
            change: Change::Replaced {
                old: json!("first\nsecond\nthird\nfourth\nfifth\nsixth\nseventh\nthe end of the old\n"),
                new: json!(
                    "first\nsecond\nthird\nfourth\nfifth\nsixth and a half\nseventh\nthe end of the new\none more\n"
                ),
                inside: None,
            },
        },
        finding(Class::Configuration, "", "A value of which no rule knows more", ""),
        &all[..3],
        vec![Cause {
            before: None,
            after: Some(line("components/loki/values.yaml.hbs", 61, "alerts: {{alerts}}")),
            edited: false,
        }],
    ));
    items.push(config);

    let mut scale = item(7, Class::Scale, Action::Changed, "grafana", &application("grafana"), &all[..1]);
    scale.edits.push(grouped(
        replaced("spec/source/helm/valuesObject/replicas", json!(2), json!(3)),
        finding(Class::Scale, "replicas", "One more of it runs", ""),
        ha,
        vec![cause("environments/aws-ha/environment.yaml", 60, Some("replicas: 2"), Some("replicas: 3"))],
    ));
    items.push(scale);

    let mut bump =
        item(8, Class::Image, Action::Changed, "kube-prometheus-stack", &application("kube-prometheus-stack"), &all);
    bump.edits.push(grouped(
        replaced("spec/source/targetRevision", json!("65.5.0"), json!("66.1.0")),
        finding(
            Class::ChartVersion,
            "chart-major",
            "A new major version: its notes may ask for steps by hand",
            "Read the notes of 66.0.0.",
        ),
        &all,
        vec![cause(
            "components/kube-prometheus-stack/component.yaml",
            4,
            Some("version: 65.5.0"),
            Some("version: 66.1.0"),
        )],
    ));
    bump.edits.push(grouped(
        replaced(
            "spec/source/helm/valuesObject/image",
            json!("quay.io/prometheus/prometheus:v2.55.0"),
            json!("quay.io/prometheus/prometheus:v3.0.1"),
        ),
        finding(Class::Image, "image", "Another image runs", ""),
        &all,
        vec![cause("components/prometheus/values.yaml.hbs", 31, Some("tag: v2.55.0"), Some("tag: v3.0.1"))],
    ));
    items.push(bump);

    let mut new = item(9, Class::New, Action::Added, "velero", &application("velero"), &all[..2]);
    new.findings.push(finding(Class::New, "", "A new Application", ""));
    new.content = Some(json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "velero", "namespace": "argocd"},
        "spec": {"project": "velero", "source": {"chart": "velero", "targetRevision": "8.1.0"}},
    }));
    new.causes = vec![cause("environments/layers/aws/overlay.yaml", 71, None, Some("velero: {}"))];
    items.push(new);

    for (number, name) in ["external-dns", "cert-manager", "kyverno"].iter().enumerate() {
        let mut label = item(20 + number, Class::Cosmetic, Action::Changed, name, &application(name), &all);
        label.edits.push(grouped(
            replaced("metadata/labels/chart", json!("one-1.0.0"), json!("one-1.0.1")),
            finding(Class::Cosmetic, "chart-label", "A label that nothing selects by", ""),
            &all,
            vec![cause("components/labels.yaml", 3, Some("chart: one-1.0.0"), Some("chart: one-1.0.1"))],
        ));
        items.push(label);
    }

    let mut tool = item(40, Class::Cosmetic, Action::Changed, "root", &object("", "File", "", "index.yaml"), &all);
    tool.edits.push(grouped(
        replaced("generator", json!("1.3.2"), json!("1.4.0")),
        finding(Class::Cosmetic, "", "The version of the generator", ""),
        &all,
        Vec::new(),
    ));

    let mut base = side("main", Some("9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c"), &all, 96);
    base.generator = Some("1.3.2".to_owned());
    Review {
        charts: Vec::new(),
        base,
        head: side("the work tree", None, &all, 97),
        by_tool: vec![tool],
        without_effect: vec![
            WithoutEffect {
                at: line("environments/layers/base/overlay.yaml", 40, "retention: 30d"),
                path: "components.loki.settings.retention".to_owned(),
                shadowed_by: vec![Exception {
                    environments: all[..3].to_vec(),
                    why: "has 14d, set at environments/layers/production/overlay.yaml:12".to_owned(),
                    at: Some(line("environments/layers/production/overlay.yaml", 12, "retention: 14d")),
                }],
                why: "another layer wins in every environment that has the component".to_owned(),
            },
            WithoutEffect {
                at: line("components/velero/README.md", 7, "## How to restore"),
                path: String::new(),
                shadowed_by: Vec::new(),
                why: "only comments and layout".to_owned(),
            },
        ],
        demands: vec![
            Demand {
                gate: "protected".to_owned(),
                environment: "aws-ha".to_owned(),
                about: "The Application orders-db is deleted from a protected environment".to_owned(),
                at: Some(line("environments/aws-ha/environment.yaml", 5, "protected: true")),
                trailer: Some("Accept-Delete: aws-ha/orders-db".to_owned()),
                accepted: false,
                item: items[0].id.clone(),
            },
            Demand {
                gate: "acknowledge".to_owned(),
                environment: "aws-ha".to_owned(),
                about: "ClusterRole cluster-autoscaler may do more".to_owned(),
                at: Some(line("environments/layers/production/overlay.yaml", 3, "acknowledge: [privilege]")),
                trailer: Some("Accept-Privilege: aws-ha/ClusterRole//cluster-autoscaler".to_owned()),
                accepted: false,
                item: items[3].id.clone(),
            },
            Demand {
                gate: "acknowledge".to_owned(),
                environment: "aws-ha".to_owned(),
                about: "The Application istio-pilot becomes istiod".to_owned(),
                at: None,
                trailer: Some("Accept-Identity: aws-ha/istiod".to_owned()),
                accepted: true,
                item: items[2].id.clone(),
            },
        ],
        totals: totals(&items, 11),
        items,
    }
}

/// One chart moves in a hundred environments, eight of which hold their own image.
pub fn bump() -> Review {
    let all: Vec<String> = (1..=100)
        .map(|n| {
            format!(
                "{}-eu-{n:03}",
                if n <= 34 {
                    "dev"
                } else if n <= 67 {
                    "staging"
                } else {
                    "prod"
                }
            )
        })
        .collect();
    let own = &all[80..88];
    let others: Vec<String> = all.iter().filter(|name| !own.contains(name)).cloned().collect();
    let mut item =
        item(1, Class::Image, Action::Changed, "kube-prometheus-stack", &application("kube-prometheus-stack"), &all);
    item.edits.push(grouped(
        replaced("spec/source/targetRevision", json!("65.5.0"), json!("65.8.1")),
        finding(Class::ChartVersion, "chart-minor", "A new minor version of the chart", ""),
        &all,
        vec![cause(
            "components/kube-prometheus-stack/component.yaml",
            4,
            Some("version: 65.5.0"),
            Some("version: 65.8.1"),
        )],
    ));
    let mut image = grouped(
        replaced("spec/source/helm/valuesObject/image/tag", json!("v2.55.0"), json!("v2.55.1")),
        finding(Class::Image, "image", "Another image runs", ""),
        &others,
        vec![cause("components/prometheus/values.yaml.hbs", 31, Some("tag: v2.55.0"), Some("tag: v2.55.1"))],
    );
    image.exceptions.push(Exception {
        environments: own.to_vec(),
        why: "has v2.54.1, set at environments/layers/eu-west-1-prod/overlay.yaml:18".to_owned(),
        at: Some(line("environments/layers/eu-west-1-prod/overlay.yaml", 18, "tag: v2.54.1")),
    });
    item.edits.push(image);
    let items = vec![item];
    Review {
        charts: Vec::new(),
        base: side("main", Some("9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c"), &all, 2_000),
        head: side("bump-prometheus", Some("a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4"), &all, 2_000),
        by_tool: Vec::new(),
        without_effect: Vec::new(),
        demands: Vec::new(),
        totals: totals(&items, 2),
        items,
    }
}

/// Two thousand Applications, each with changes of its own: nothing can be put together.
pub fn large() -> Review {
    let all: Vec<String> = (1..=100).map(|n| format!("cluster-{n:03}")).collect();
    let components: Vec<String> = (1..=20).map(|n| format!("component-{n:02}")).collect();
    let mut items = Vec::new();
    for number in 0..2_000 {
        let (environment, component) = (&all[number / 20], &components[number % 20]);
        let class = text_class(number);
        let name = format!("{component}-{environment}");
        let here = std::slice::from_ref(environment);
        let mut item = item(number, class, Action::Changed, component, &application(&name), here);
        let file = format!("environments/{environment}/environment.yaml");
        for (index, key) in
            ["targetRevision", "helm/valuesObject/replicas", "helm/valuesObject/resources/limits/memory"]
                .iter()
                .enumerate()
        {
            item.edits.push(grouped(
                replaced(
                    &format!("spec/source/{key}"),
                    json!(format!("{number}.{index}.0")),
                    json!(format!("{number}.{index}.1")),
                ),
                finding(
                    class,
                    "rule",
                    "A reason that says in one sentence why it is of this class",
                    "A remedy that says what to do.",
                ),
                here,
                vec![cause(
                    &file,
                    20 + index as u32,
                    Some(&format!("value: {number}.{index}.0")),
                    Some(&format!("value: {number}.{index}.1")),
                )],
            ));
        }
        items.push(item);
    }
    items.sort_by_key(|item| item.class);
    Review {
        charts: Vec::new(),
        base: side("main", Some("9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c"), &all, 2_000),
        head: side("the work tree", None, &all, 2_000),
        by_tool: Vec::new(),
        without_effect: Vec::new(),
        demands: Vec::new(),
        totals: totals(&items, 100),
        items,
    }
}

fn text_class(number: usize) -> Class {
    super::text::CLASSES[(number * 7) % super::text::CLASSES.len()]
}

/// What somebody writes who wants the page to run it.
pub const HOSTILE: [&str; 12] = [
    "<script>window.harmed=1</script>",
    "</script><script>window.harmed=2</script>",
    "</style><img src=x onerror=\"window.harmed=3\">",
    "\" autofocus onfocus=\"window.harmed=4\" x=\"",
    "' onmouseover='window.harmed=5",
    "javascript:window.harmed=6",
    "<svg/onload=window.harmed=7>",
    "{{script}}{{policy}}",
    "--><!--<script>window.harmed=8</script>",
    "\u{202e}lmth\u{2028}\u{0}\r",
    "</textarea></details></title><iframe srcdoc=\"<script>parent.harmed=9</script>\"></iframe>",
    "&lt;img src=x onerror=window.harmed=10&gt;</noscript><img src=x onerror=window.harmed=11>",
];

/// The dangerous one, with every text in it replaced.
pub fn hostile() -> Review {
    let mut review = serde_json::to_value(dangerous()).unwrap();
    let mut number = 0;
    poison(&mut review, &mut number, "");
    serde_json::from_value(review).unwrap()
}

/// So many of it that they wait to be opened.
pub fn hostile_many() -> Review {
    let mut review = hostile();
    let few = review.items.clone();
    for round in 0..10 {
        review.items.extend(few.iter().cloned().map(|mut item| {
            item.id += &round.to_string();
            item
        }));
    }
    review
}

/// Words of the model itself stay, or it could not be read back.
fn poison(value: &mut Json, number: &mut usize, key: &str) {
    match value {
        Json::String(_) if matches!(key, "class" | "action" | "change" | "format" | "byClass") => {}
        Json::String(text) => {
            *text = if text.contains('\n') {
                format!("{}\n{text}", HOSTILE.join("\n"))
            } else {
                HOSTILE[*number % 12].to_owned()
            };
            *number += 1;
        }
        Json::Array(list) => list.iter_mut().for_each(|value| poison(value, number, key)),
        Json::Object(map) => map.iter_mut().for_each(|(key, value)| poison(value, number, key)),
        _ => {}
    }
}
