//! `kubezero diff` from Git: what is found, how it is put together, what made it so, what is asked.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::support::{self, Run, finish};

/// A clone with a `main` that holds a small platform, and a branch `change` checked out.
struct Clone {
    folder: tempfile::TempDir,
}

impl Clone {
    /// A database, a role and a chart in so many environments, half of them on a layer `prod`.
    fn with(environments: usize) -> Clone {
        let clone = Clone { folder: tempfile::tempdir().unwrap() };
        support::copy(&support::tests().join("mistakes/_base/environments"), &clone.at("environments"));
        fs::remove_dir_all(clone.at("environments/prod")).unwrap();
        fs::remove_dir_all(clone.at("environments/layers/size")).unwrap();
        clone.write(
            "environments/layers/shared/overlay.yaml",
            "cluster:\n  platform: aws\n  kubernetesVersion: \"1.34\"\nargocd:\n  repoURL: https://git.example.com/platform.git\n  \
             targetRevision: refs/heads/main\ncomponents:\n  access: {}\n  shop: {}\n",
        );
        clone.write("environments/layers/prod/overlay.yaml", "components:\n  shop:\n    settings: {replicas: 5}\n");
        clone.component("database", "namespace: data\n", "{}\n", &[("store.yaml.hbs", DATABASE)]);
        clone.component("access", "namespace: access\n", "{}\n", &[("role.yaml.hbs", ROLE)]);
        clone.component(
            "shop",
            "namespace: shop\ncharts:\n  shop:\n    repository: https://charts.example.com\n    name: shop\n    version: 2.0.1\n",
            "replicas: {type: integer, default: 2, description: How many}\ngreeting: {type: string, default: hello, description: A word}\n",
            &[],
        );
        clone.write(
            "components/shop/values.yaml.hbs",
            "replicaCount: {{settings.replicas}}\nhost: {{json (concat \"shop.\" environment \".example.com\")}}\ngreeting: {{json settings.greeting}}\n",
        );
        for number in 0..environments {
            let name = format!("env-{number:03}");
            let layers = if number % 2 == 0 { "layers/shared" } else { "layers/shared, layers/prod" };
            let own = if number == 0 { "  database: {}\n" } else { "" };
            clone.write(
                &format!("environments/{name}/environment.yaml"),
                &format!("extends: [{layers}]\ncluster:\n  name: {name}\ncomponents:\n  shop: {{}}\n{own}"),
            );
        }
        clone.git(&["init", "--quiet", "--initial-branch=main"]);
        clone.commit("all of it");
        clone.git(&["switch", "--quiet", "--create", "change"]);
        clone
    }

    fn component(&self, name: &str, facts: &str, settings: &str, manifests: &[(&str, &str)]) {
        self.write(
            &format!("components/{name}/component.yaml"),
            &format!("description: Is called {name}\nlicense: MIT\n{facts}"),
        );
        let properties = settings.trim().lines().map(|line| format!("\n  {line}")).collect::<String>();
        let properties = if settings == "{}\n" { " {}".to_owned() } else { properties };
        self.write(
            &format!("components/{name}/settings.schema.yaml"),
            &format!(
                "$schema: https://json-schema.org/draft/2020-12/schema\ntype: object\nadditionalProperties: false\nproperties:{properties}\n"
            ),
        );
        for (file, text) in manifests {
            self.write(&format!("components/{name}/manifests/{file}"), text);
        }
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn replace(&self, path: &str, from: &str, to: &str) {
        support::replace(self.folder.path(), path, from, to);
    }

    fn git(&self, arguments: &[&str]) -> Run {
        support::git(self.folder.path(), arguments)
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    fn diff(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["diff"];
        all.extend(arguments);
        support::kubezero(self.folder.path(), &all)
    }

    fn review(&self) -> Json {
        let run = self.diff(&["--format", "json"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }
}

const DATABASE: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: orders, namespace: data}\nspec:\n  accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 10Gi}}\n";

const ROLE: &str = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: readers}\nrules:\n- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get, list]\n";

fn items(review: &Json) -> &Vec<Json> {
    review["items"].as_array().unwrap()
}

fn item<'a>(review: &'a Json, kind: &str, name: &str) -> &'a Json {
    let found = items(review).iter().find(|item| item["object"]["kind"] == kind && item["object"]["name"] == name);
    found.unwrap_or_else(|| panic!("no item for {kind} {name} in {review:#}"))
}

fn causes(of: &Json) -> Vec<String> {
    let line =
        |line: &Json| line.as_object().map(|line| format!("{}:{}", line["file"].as_str().unwrap(), line["line"]));
    let causes = of["causes"].as_array().unwrap().iter();
    causes.map(|cause| line(&cause["after"]).or_else(|| line(&cause["before"])).unwrap()).collect()
}

#[test]
fn the_worst_comes_first_with_the_line_that_caused_it() {
    let clone = Clone::with(100);
    clone.replace("environments/env-000/environment.yaml", "  database: {}\n", "");
    clone.replace("components/access/manifests/role.yaml.hbs", "verbs: [get, list]", "verbs: [\"*\"]");
    clone.replace("components/shop/component.yaml", "2.0.1", "2.1.0");
    let run = clone.diff(&[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let screen: String = run.stdout.lines().take(45).map(|line| format!("{line}\n")).collect();
    let place =
        |text: &str| screen.find(text).unwrap_or_else(|| panic!("no {text:?} on the first screen:\n{}", run.stdout));
    let (database, role, chart) = (place("orders"), place("readers"), place("argocd/shop in all"));
    assert!(database < role && role < chart, "{screen}");
    for cause in [
        "environments/env-000/environment.yaml",
        "components/access/manifests/role.yaml.hbs:7",
        "components/shop/component.yaml:8",
    ] {
        place(cause);
    }
    assert!(run.stdout.contains("all 100 environments"), "{}", run.stdout);

    let review = clone.review();
    assert_eq!(review["kind"], "review");
    assert_eq!(item(&review, "PersistentVolumeClaim", "orders")["class"], "data-loss");
    assert_eq!(item(&review, "ClusterRole", "readers")["class"], "privilege");
    assert_eq!(item(&review, "ClusterRole", "readers")["places"].as_array().unwrap().len(), 100);
    assert_eq!(item(&review, "Application", "shop")["class"], "chart-version");
    assert_eq!(review["totals"]["changed"], review["totals"]["listed"]);
    // The markdown of all this fits into a small comment.
    let comment = clone.diff(&["--format", "markdown"]).stdout;
    assert!(comment.chars().count() < 6_000, "{}", comment.chars().count());
}

#[test]
fn a_bump_over_a_hundred_environments_is_one_item_with_its_exceptions() {
    let clone = Clone::with(100);
    for number in [3, 7] {
        clone.replace(
            &format!("environments/env-{number:03}/environment.yaml"),
            "  shop: {}\n",
            "  shop:\n    charts: {shop: {version: 2.0.0}}\n",
        );
    }
    clone.commit("two stay behind");
    clone.git(&["branch", "--force", "main"]);
    clone.replace("components/shop/component.yaml", "2.0.1", "2.1.0");
    let review = clone.review();
    assert_eq!(items(&review).len(), 1, "{review:#}");
    let bump = item(&review, "Application", "shop");
    assert_eq!(bump["places"].as_array().unwrap().len(), 98);
    let edit = &bump["edits"][0];
    assert_eq!(causes(edit), ["components/shop/component.yaml:8"]);
    let exceptions: Vec<(&Json, &Json)> =
        edit["exceptions"].as_array().unwrap().iter().map(|e| (&e["environments"], &e["at"]["file"])).collect();
    assert_eq!(
        exceptions,
        [
            (&serde_json::json!(["env-003"]), &serde_json::json!("environments/env-003/environment.yaml")),
            (&serde_json::json!(["env-007"]), &serde_json::json!("environments/env-007/environment.yaml")),
        ]
    );
    let comment = clone.diff(&["--format", "markdown"]).stdout;
    assert!(comment.chars().count() < 3_000, "{comment}");
}

#[test]
fn a_value_is_followed_to_the_overlay_and_names_of_environments_do_not_matter() {
    let clone = Clone::with(6);
    clone.replace("environments/layers/prod/overlay.yaml", "replicas: 5", "replicas: 7");
    clone.replace("components/shop/values.yaml.hbs", "\"shop.\"", "\"store.\"");
    let review = clone.review();
    let shop: Vec<&Json> = items(&review).iter().filter(|item| item["object"]["name"] == "shop").collect();
    assert_eq!(shop.len(), 1, "one edit in all joins what only some have: {review:#}");
    let edits = shop[0]["edits"].as_array().unwrap();
    let edit = |path: &str| {
        let of = |edit: &&Json| edit["edit"]["path"].as_array().unwrap().last().unwrap() == path;
        edits.iter().find(of).unwrap_or_else(|| panic!("no {path}: {review:#}"))
    };
    assert_eq!(edit("host")["environments"].as_array().unwrap().len(), 6);
    assert_eq!(causes(edit("host")), ["components/shop/values.yaml.hbs:2"]);
    assert_eq!(edit("replicaCount")["environments"], serde_json::json!(["env-001", "env-003", "env-005"]));
    assert_eq!(causes(edit("replicaCount")), ["environments/layers/prod/overlay.yaml:3"]);
    assert_eq!(edit("replicaCount")["finding"]["class"], "scale");
}

#[test]
fn what_changes_nothing_is_said_with_what_shadows_it() {
    let clone = Clone::with(2);
    clone.write(
        "environments/layers/shared/overlay.yaml",
        &fs::read_to_string(clone.at("environments/layers/shared/overlay.yaml"))
            .unwrap()
            .replace("  shop: {}\n", "  shop:\n    settings: {replicas: 3}\n"),
    );
    clone.replace("environments/env-000/environment.yaml", "  shop: {}\n", "  shop:\n    settings: {replicas: 2}\n");
    clone.write("components/access/manifests/role.yaml.hbs", &format!("# Who may read.\n{ROLE}"));
    let review = clone.review();
    assert_eq!(review["totals"]["changed"], 0, "{review:#}");
    let found = review["withoutEffect"].as_array().unwrap();
    let of =
        |file: &str| found.iter().find(|entry| entry["at"]["file"] == file).unwrap_or_else(|| panic!("{review:#}"));
    let shared = of("environments/layers/shared/overlay.yaml");
    assert_eq!(shared["path"], "components.shop.settings.replicas");
    let shadows: BTreeSet<&str> =
        shared["shadowedBy"].as_array().unwrap().iter().map(|by| by["at"]["file"].as_str().unwrap()).collect();
    assert!(shadows.contains("environments/layers/prod/overlay.yaml"), "{review:#}");
    of("components/access/manifests/role.yaml.hbs");
    assert!(clone.diff(&[]).stdout.contains("No rendered change"), "{}", clone.diff(&[]).stdout);
}

#[test]
fn a_gate_asks_until_a_commit_says_yes() {
    let clone = Clone::with(3);
    let protected = "review: {protected: true, deletions: 1}\n";
    let file = "environments/env-000/environment.yaml";
    let text = fs::read_to_string(clone.at(file)).unwrap();
    clone.write(file, &format!("{text}{protected}"));
    clone.commit("protect it");
    clone.git(&["branch", "--force", "main"]);
    // Taking the gate away in the same change does not open it.
    clone.replace(file, "  database: {}\n", "");
    clone.replace(file, protected, "");
    clone.commit("the database goes");

    let run = clone.diff(&["--gate"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    let wanted: Vec<&str> = run.stderr.lines().map(str::trim).filter(|line| line.starts_with("Accept-")).collect();
    assert!(wanted.iter().any(|line| line.ends_with("env-000/PersistentVolumeClaim/data/orders")), "{}", run.stderr);
    assert!(wanted.iter().any(|line| line.starts_with("Accept-Deletions: env-000/")), "{}", run.stderr);

    // A yes to something else is none.
    clone.commit("almost\n\nAccept-Data-Loss: env-001/PersistentVolumeClaim/data/orders");
    assert_eq!(clone.diff(&["--gate"]).code, 1);
    clone.commit(&format!("yes\n\n{}", wanted.join("\n")));
    let run = clone.diff(&["--gate"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_review_that_is_stale_or_cut_is_found() {
    let clone = Clone::with(4);
    clone.replace("components/shop/component.yaml", "2.0.1", "2.1.0");
    for format in ["text", "markdown", "html", "json", "sarif"] {
        let file = format!("../review-{}-{format}", clone.folder.path().file_name().unwrap().to_string_lossy());
        assert_eq!(clone.diff(&["--format", format, "-o", &file]).code, 0);
        let whole = fs::read_to_string(clone.at(&file)).unwrap();
        let fine = clone.diff(&["--verify", &file]);
        assert_eq!(fine.code, 0, "{format}: {}", fine.stderr);

        let cut: String = whole.chars().take(whole.chars().count() / 3).collect();
        fs::write(clone.at(&file), cut).unwrap();
        assert_eq!(clone.diff(&["--verify", &file]).code, 1, "{format}");
        // The end is there, and something in the middle is not.
        fs::write(clone.at(&file), whole.replacen("2.1.0", "2.0.1", 1)).unwrap();
        assert_eq!(clone.diff(&["--verify", &file]).code, 1, "{format}");

        fs::write(clone.at(&file), &whole).unwrap();
        clone.replace("components/shop/component.yaml", "2.1.0", "2.2.0");
        let stale = clone.diff(&["--verify", &file]);
        assert_eq!(stale.code, 1, "{format}");
        assert!(stale.stderr.contains("not the review"), "{}", stale.stderr);
        assert!(format == "sarif" || stale.stderr.contains("digest"), "{}", stale.stderr);
        clone.replace("components/shop/component.yaml", "2.2.0", "2.1.0");
        fs::remove_file(clone.at(&file)).unwrap();
    }
}

/// Runs its arguments in a terminal of 10 lines and prints what appears there.
const IN_A_TERMINAL: &str = "
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 10, 100, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try:
        text = os.read(terminal, 65536)
    except OSError:
        break
    if not text:
        break
    os.write(1, text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

#[test]
fn a_long_review_goes_through_the_pager_of_git() {
    let clone = Clone::with(3);
    clone.replace("components/shop/component.yaml", "2.0.1", "2.1.0");
    let shown = |pager: &str| {
        clone.git(&["config", "core.pager", pager]);
        let mut command = support::command("python3", &clone.at(""));
        command.env_remove("GIT_PAGER").env_remove("PAGER").env_remove("NO_COLOR").env("TERM", "xterm");
        command.args(["-c", IN_A_TERMINAL, env!("CARGO_BIN_EXE_kubezero"), "diff"]);
        finish(command)
    };
    let paged = shown("sed 's/^/> /'");
    assert_eq!(paged.code, 0, "{}", paged.stdout);
    assert!(paged.stdout.lines().all(|line| line.starts_with("> ")), "{}", paged.stdout);
    assert!(paged.stdout.contains("\u{1b}[") && paged.stdout.contains("2.1.0"), "colours stay: {}", paged.stdout);
    // Who has read enough leaves; a pager that is not there hides nothing; `cat` is none.
    for (pager, whole) in [("head -n 1", false), ("no-such-program", true), ("cat", true)] {
        let shown = shown(pager);
        assert_eq!((shown.code, shown.stdout.contains("complete: ")), (0, whole), "{pager}: {}", shown.stdout);
    }
    // Into a file or a pipe it goes as it is.
    assert!(!clone.diff(&[]).stdout.contains("\u{1b}["));
}

#[test]
fn a_review_needs_no_checkout_and_touches_nothing() {
    let clone = Clone::with(3);
    clone.replace("components/shop/component.yaml", "2.0.1", "2.1.0");
    clone.commit("bump");
    let expected = clone.review();
    let before = clone.git(&["status", "--porcelain", "--ignored"]).stdout;
    let bare = tempfile::tempdir().unwrap();
    clone.git(&["clone", "--quiet", "--bare", ".", bare.path().join("clone.git").to_str().unwrap()]);
    let arguments = ["diff", "--base", "main", "--head", "change", "--format", "json"];
    let run = support::kubezero(&bare.path().join("clone.git"), &arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let found: Json = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found["items"], expected["items"]);
    assert_eq!(found["totals"], expected["totals"]);
    assert_eq!(before, clone.git(&["status", "--porcelain", "--ignored"]).stdout);
}

#[test]
fn environments_come_and_go_and_a_base_that_does_not_render_is_said() {
    let clone = Clone::with(3);
    fs::remove_dir_all(clone.at("environments/env-002")).unwrap();
    let text = fs::read_to_string(clone.at("environments/env-001/environment.yaml")).unwrap();
    clone.write("environments/env-new/environment.yaml", &text.replace("env-001", "env-new"));
    let review = clone.review();
    let actions: BTreeSet<(&str, &str)> = items(&review)
        .iter()
        .flat_map(|item| {
            let places = item["places"].as_array().unwrap().iter();
            places.map(|place| (item["action"].as_str().unwrap(), place["environment"].as_str().unwrap()))
        })
        .collect();
    assert_eq!(actions, BTreeSet::from([("removed", "env-002"), ("added", "env-new")]), "{review:#}");
    let added = items(&review).iter().find(|item| item["action"] == "added").unwrap();
    assert!(causes(added)[0].starts_with("environments/env-new/environment.yaml"), "{added:#}");
    assert_eq!(review["withoutEffect"], Json::Array(Vec::new()), "all of a new file has come with its environment");

    clone.write("environments/env-000/environment.yaml", "extends: [layers/shared]\nnonsense: 1\n");
    clone.commit("broken");
    clone.git(&["branch", "--force", "main"]);
    clone.git(&["checkout", "--quiet", "main~1", "--", "."]);
    let run = clone.diff(&["--base", "main"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("in the base `main`"), "{}", run.stderr);
}

#[test]
fn promotion_drift_and_purpose_are_told_apart() {
    let clone = Clone::with(4);
    clone.replace("environments/env-000/environment.yaml", "  shop: {}\n", "  shop:\n    settings: {greeting: hi}\n");
    clone.replace(
        "environments/env-001/environment.yaml",
        "  shop: {}\n",
        "  shop:\n    charts: {shop: {version: 2.0.0}}\n",
    );
    let run = support::kubezero(clone.folder.path(), &["compare", "env-000", "env-001", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let found: Json = serde_json::from_str(&run.stdout).unwrap();
    let of = |path: &str| {
        let all = found["differences"].as_array().unwrap();
        all.iter().find(|d| d["path"].as_str().unwrap().ends_with(path)).unwrap_or_else(|| panic!("{path}: {found:#}"))
    };
    assert_eq!(of("greeting")["sort"], "promotion");
    assert_eq!(of("greeting")["firstAt"]["file"], "environments/env-000/environment.yaml");
    assert_eq!(of("targetRevision")["sort"], "drift");
    assert_eq!(of("replicaCount")["sort"], "purpose");
    assert_eq!(of("replicaCount")["secondAt"]["file"], "environments/layers/prod/overlay.yaml");
    // Their own names and what is made of them are no difference.
    assert!(!run.stdout.contains("shop.env-00"), "{}", run.stdout);
    let text = support::kubezero(clone.folder.path(), &["compare", "env-000", "env-001"]).stdout;
    assert!(text.contains("what promotion from env-000 to env-001 would carry over"), "{text}");
    let same = support::kubezero(clone.folder.path(), &["compare", "env-000", "env-000"]);
    assert_eq!(same.code, 1);
}

/// In the first environment of an edit as it stands, in the others with their own names in it.
#[test]
fn applying_the_review_to_base_gives_head() {
    let clone = platform();
    for (class, _, edits) in LESSONS {
        if !matches!(class, "identity" | "cosmetic" | "new" | "destroyed" | "argo-cd") {
            for (file, from, to) in edits {
                clone.replace(file, from, to);
            }
        }
    }
    clone.replace("components/shop/values.yaml.hbs", "\"shop.\"", "\"store.\"");
    clone.replace(
        "components/shop/values.yaml.hbs",
        "greeting:",
        "words:\n- {name: b, value: 1}\n- {name: a, value: 2}\nhail:",
    );
    clone.replace("components/web/manifests/web.yaml.hbs", "selector: {app: web}\n  ports", "type: NodePort\n  ports");
    let review = clone.review();
    let base = tempfile::tempdir().unwrap();
    clone.git(&["clone", "--quiet", "--branch", "main", ".", base.path().to_str().unwrap()]);
    for folder in [base.path(), clone.folder.path()] {
        let run = support::kubezero(folder, &["render"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let mut applied = 0;
    for item in items(&review).iter().filter(|item| item["action"] == "changed") {
        for place in item["places"].as_array().unwrap() {
            let environment = place["environment"].as_str().unwrap();
            let path = format!("argocd/{environment}/{}", place["file"].as_str().unwrap());
            let here = |edit: &&Json| edit["environments"].as_array().unwrap().iter().any(|name| name == environment);
            let edits: Vec<kubezero::values::edit::Edit> = item["edits"]
                .as_array()
                .unwrap()
                .iter()
                .filter(here)
                .map(|edit| {
                    let first = edit["environments"][0].as_str().unwrap();
                    serde_json::from_str(&edit["edit"].to_string().replace(first, environment)).unwrap()
                })
                .collect();
            let (base, head) = (read_yaml(&base.path().join(&path)), read_yaml(&clone.at(&path)));
            assert_eq!(kubezero::values::edit::apply(&base, &edits).unwrap(), head, "{path}: {edits:#?}");
            applied += 1;
        }
    }
    assert!(applied >= 15, "{applied}");
}

fn read_yaml(path: &Path) -> Json {
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A class, what somebody does, and the edits of files that are it: file, from, to.
type Lesson = (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);

const LESSONS: [Lesson; 15] = [
    (
        "destroyed",
        "A component is switched off in one environment",
        &[("environments/env-000/environment.yaml", "  shop: {}\n", "  shop: {enabled: false}\n")],
    ),
    (
        "data-loss",
        "A volume is kept no longer",
        &[("components/database/manifests/volume.yaml.hbs", "Policy: Retain", "Policy: Delete")],
    ),
    (
        "immutable",
        "A claim asks for another class of storage",
        &[(
            "components/database/manifests/store.yaml.hbs",
            "[ReadWriteOnce]",
            "[ReadWriteOnce]\n  storageClassName: fast",
        )],
    ),
    (
        "identity",
        "A role gets another name",
        &[("components/access/manifests/role.yaml.hbs", "name: readers", "name: viewers")],
    ),
    (
        "privilege",
        "A role may do everything",
        &[("components/access/manifests/role.yaml.hbs", "verbs: [get, list]", "verbs: [\"*\"]")],
    ),
    (
        "crd-narrowed",
        "A definition no longer allows a value",
        &[("components/web/manifests/colour.yaml.hbs", "enum: [red, green]", "enum: [green]")],
    ),
    (
        "argo-cd",
        "Objects that left Git are no longer deleted",
        &[("components/shop/component.yaml", "namespace: shop\n", "namespace: shop\napplication: {prune: false}\n")],
    ),
    ("traffic", "A Service listens elsewhere", &[("components/web/manifests/web.yaml.hbs", "port: 80", "port: 8080")]),
    (
        "restart",
        "Pods get a variable",
        &[("components/web/manifests/web.yaml.hbs", "[{name: COLOUR, value: red}]", "[{name: COLOUR, value: green}]")],
    ),
    (
        "scale",
        "A layer runs more of the same",
        &[("environments/layers/prod/overlay.yaml", "replicas: 5", "replicas: 7")],
    ),
    ("image", "Another image", &[("components/web/manifests/web.yaml.hbs", "web:1.2.0", "web:1.3.0")]),
    ("chart-version", "Another chart", &[("components/shop/component.yaml", "version: 2.0.1", "version: 2.1.0")]),
    (
        "configuration",
        "A setting of one environment",
        &[(
            "environments/env-000/environment.yaml",
            "  shop: {}\n",
            "  shop:\n    settings: {greeting: good morning}\n",
        )],
    ),
    (
        "new",
        "A component in one more environment",
        &[("environments/env-001/environment.yaml", "  shop: {}\n", "  shop: {}\n  database: {}\n")],
    ),
    (
        "cosmetic",
        "The same verbs in another order, and a comment",
        &[("components/access/manifests/role.yaml.hbs", "verbs: [get, list]", "# Reading only.\n  verbs: [list, get]")],
    ),
];

const VOLUME: &str = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: orders}\nspec:\n  capacity: {storage: 10Gi}\n  accessModes: [ReadWriteOnce]\n  persistentVolumeReclaimPolicy: Retain\n  csi: {driver: ebs.csi.aws.com, volumeHandle: vol-1}\n";

const COLOUR: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: colours.example.com}\nspec:\n  group: example.com\n  names: {kind: Colour, listKind: ColourList, plural: colours, singular: colour}\n  scope: Cluster\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            type: object\n            properties:\n              tint:\n                type: string\n                enum: [red, green]\n";

const WEB: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: web}\nspec:\n  selector: {app: web}\n  ports: [{name: http, port: 80, targetPort: http}]\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: web}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - name: web\n        image: registry.example.com/web:1.2.0\n        env: [{name: COLOUR, value: red}]\n        ports: [{name: http, containerPort: 8080}]\n";

/// Everything that the lessons are about, in four environments.
fn platform() -> Clone {
    let clone = Clone::with(4);
    clone.component("web", "namespace: web\n", "{}\n", &[("web.yaml.hbs", WEB), ("colour.yaml.hbs", COLOUR)]);
    clone.write("components/database/manifests/volume.yaml.hbs", VOLUME);
    clone.replace("environments/layers/shared/overlay.yaml", "  access: {}\n", "  access: {}\n  web: {}\n");
    clone.commit("a platform");
    clone.git(&["branch", "--force", "main"]);
    clone
}

fn heading(class: &str, said: &str) -> String {
    format!("\n### {said}: `{class}`\n")
}

/// `docs/review.md` shows a review of every class, as the program writes it.
#[test]
fn every_class_has_a_review_to_read() {
    let clone = platform();
    let mut text = String::from("\n");
    let commit = regex::Regex::new(r" \([0-9a-f]{7}\)").unwrap();
    let digest = regex::Regex::new("[0-9a-f]{16}").unwrap();
    for (class, said, edits) in LESSONS {
        for (file, from, to) in edits {
            clone.replace(file, from, to);
        }
        let review = clone.review();
        let found: Vec<&Json> = items(&review).iter().map(|item| &item["class"]).collect();
        assert!(found.contains(&&Json::from(class)), "{said}: {class} is not in {found:?}");
        assert_eq!(review["totals"]["changed"], review["totals"]["listed"]);
        assert_eq!(review["withoutEffect"].as_array().unwrap().len(), 0, "{said}: {:#}", review["withoutEffect"]);
        for part in items(&review).iter().flat_map(|item| item["edits"].as_array().unwrap()) {
            assert!(!causes(part).is_empty(), "{said}: no cause of {part:#}");
        }
        let shown = clone.diff(&[]).stdout;
        let shown = digest.replace_all(&commit.replace_all(&shown, ""), "…").into_owned();
        text += &heading(class, said);
        text += "\n```diff\n";
        for line in clone.git(&["diff", "--unified=0"]).stdout.lines() {
            let is_said = line.starts_with("+++ ") || line.starts_with(['+', '-']) && !line.starts_with("---");
            if is_said {
                text += &format!("{}\n", line.replace("+++ b/", "# "));
            }
        }
        text += &format!("```\n\n```text\n{shown}```\n");
        clone.git(&["checkout", "--quiet", "--", "."]);
    }
    let page = support::root().join("docs/review.md");
    let before = fs::read_to_string(&page).unwrap();
    let (begin, end) = ("<!-- reviews:begin -->\n", "<!-- reviews:end -->");
    let (top, rest) = before.split_once(begin).unwrap();
    let (_, bottom) = rest.split_once(end).unwrap();
    let page = support::compare(&page, &format!("{top}{begin}{text}\n{end}{bottom}"));
    support::nothing_wrong(&Vec::from_iter(page));
}

#[test]
fn a_review_is_the_same_with_any_number_of_threads() {
    let clone = platform();
    for (_, _, edits) in LESSONS
        .iter()
        .filter(|(class, ..)| !matches!(*class, "privilege" | "new" | "configuration" | "cosmetic" | "identity"))
    {
        for (file, from, to) in *edits {
            clone.replace(file, from, to);
        }
    }
    for format in ["text", "markdown", "html", "json", "sarif"] {
        let of = |jobs: &str| {
            let run = clone.diff(&["--format", format, "--jobs", jobs]);
            assert_eq!(run.code, 0, "{}", run.stderr);
            run.stdout
        };
        let first = of("1");
        assert!(first.len() > 1_000);
        for jobs in ["2", "3", "8"] {
            assert!(first == of(jobs), "{format} with {jobs} threads");
        }
    }
}

/// What looks like a secret stands in no format, neither as a value nor in the line it comes from; a change of it is seen.
#[test]
fn secrets_are_not_shown() {
    let clone = platform();
    let hook = "alerts: {channel: web, webhookUrl: https://hooks.example.com/hunter22}\ngreeting:";
    clone.replace("components/shop/values.yaml.hbs", "greeting:", hook);
    let variable = "value: red}, {name: WEBHOOK_URL, value: https://hooks.example.com/hunter22}";
    clone.replace("components/web/manifests/web.yaml.hbs", "value: red}", variable);
    let is_clean = |clone: &Clone| {
        for format in ["text", "markdown", "html", "json", "sarif"] {
            let run = clone.diff(&["--format", format]);
            assert_eq!(run.code, 0, "{}", run.stderr);
            let line = run.stdout.lines().find(|line| line.contains("hunter"));
            assert!(line.is_none(), "{format}: {line:?}");
        }
    };
    is_clean(&clone);
    clone.commit("with secrets");
    clone.git(&["branch", "--force", "main"]);
    for file in ["components/web/manifests/web.yaml.hbs", "components/shop/values.yaml.hbs"] {
        clone.replace(file, "hunter22", "hunter33");
    }
    is_clean(&clone);
    assert_eq!(items(&clone.review()).len(), 2, "{:#}", clone.review());
}
