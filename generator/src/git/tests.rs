#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest as _, Sha256};

use super::commit::{Done, Request, Work, commit};
use super::*;
use crate::pipeline::compare::{Comparison, DesiredTree, compare_committed, leftovers_committed};
use crate::pipeline::source::{Folder, Kind, Source as _};

/// A folder with a repository that nobody's configuration reaches.
struct Sandbox(tempfile::TempDir);

impl Sandbox {
    fn new() -> Sandbox {
        let sandbox = Sandbox(tempfile::tempdir().unwrap());
        sandbox.git(".", &["init", "--quiet", "--initial-branch=main"]);
        sandbox.git(".", &["config", "user.name", "Test"]);
        sandbox.git(".", &["config", "user.email", "test@example.com"]);
        sandbox
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        git(&self.at(folder), arguments)
    }

    fn put(&self, path: &str, text: &str) {
        std::fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        std::fs::write(self.at(path), text).unwrap();
    }

    fn save(&self, message: &str) -> Commit {
        self.git(".", &["add", "--all"]);
        self.git(".", &["commit", "--quiet", "--message", message]);
        self.open().resolve("HEAD").unwrap()
    }

    fn open(&self) -> Git {
        Git::open(self.0.path()).unwrap()
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn codes(error: &Error) -> Vec<&'static str> {
    match error {
        Error::Mistakes(mistakes) => mistakes.diagnostics.iter().map(|diagnostic| diagnostic.code).collect(),
        other => panic!("no mistake: {other}"),
    }
}

#[test]
fn a_commit_reads_as_its_folder_does() {
    let sandbox = Sandbox::new();
    sandbox.put("components/a/component.yaml", "a: 1\n");
    sandbox.put("components/a-b/component.yaml", "b: 1\n");
    sandbox.put("components/a/values/x.hbs", "");
    sandbox.put("environments/rules.yaml", "[]\n");
    sandbox.put("environments/layers/base/overlay.yaml", "é: ü\n");
    sandbox.put("argocd/e/index.yaml", "generator: 0.0.9\n");
    symlink("component.yaml", sandbox.at("components/a/link")).unwrap();
    let head = sandbox.save("all");
    sandbox.put("components/a/component.yaml", "a: 2\n");

    let tree = sandbox.open().inputs(head).unwrap();
    let folder = Folder::new(sandbox.0.path());
    for inside in ["components", "environments", "components/a", "nowhere", "environments/layers"] {
        assert_eq!(tree.list(inside).unwrap(), folder.list(inside).unwrap(), "{inside}");
        assert_eq!(tree.walk(inside).unwrap(), folder.walk(inside).unwrap(), "{inside}");
    }
    assert_eq!(tree.read("components/a/component.yaml").unwrap(), b"a: 1\n");
    assert_eq!(tree.walk("components").unwrap()[2].kind, Kind::Link);
    assert!(tree.read("components/none").is_err());
    let versions = sandbox.open().generators(head).unwrap();
    assert_eq!(versions, BTreeMap::from([("e".to_owned(), "0.0.9".to_owned())]));
}

#[test]
fn a_folder_inside_a_bare_repository_or_one_that_is_not_there_is_found() {
    let sandbox = Sandbox::new();
    sandbox.put("platform/eu/environments/rules.yaml", "[]\n");
    let head = sandbox.save("all");
    sandbox.git(".", &["clone", "--quiet", "--bare", ".", "bare.git"]);
    sandbox.git(".", &["worktree", "add", "--quiet", "--detach", "linked"]);
    std::fs::remove_dir_all(sandbox.at("platform")).unwrap();
    for folder in ["platform/eu", "bare.git/platform/eu", "linked/platform/eu"] {
        let git = Git::open(&sandbox.at(folder)).unwrap();
        assert_eq!(git.prefix(), "platform/eu", "{folder}");
        let found = git.inputs(head).unwrap().walk("environments").unwrap();
        assert_eq!(found.len(), 1, "{folder}");
    }
    assert_eq!(Git::open(&sandbox.at("bare.git")).unwrap().prefix(), "");
    let outside = tempfile::tempdir().unwrap();
    assert_eq!(codes(&Git::open(outside.path()).unwrap_err()), ["no-git-repository"]);
}

#[test]
fn what_only_stands_for_a_file_is_a_mistake() {
    let sandbox = Sandbox::new();
    sandbox.put("components/a/values.hbs", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n");
    sandbox.save("pointer");
    let id = sandbox.git(".", &["rev-parse", "HEAD"]);
    for path in ["components/sub", "vendor/sub"] {
        sandbox.git(".", &["update-index", "--add", "--cacheinfo", &format!("160000,{id},{path}")]);
    }
    sandbox.git(".", &["commit", "--quiet", "--message", "submodules"]);
    let git = sandbox.open();
    let error = git.inputs(git.resolve("HEAD").unwrap()).unwrap_err();
    // The one outside the inputs does no harm.
    let mut found = codes(&error);
    found.sort_unstable();
    assert_eq!(found, ["lfs-pointer", "submodule"]);
}

#[test]
fn a_base_is_found_and_what_is_missing_is_said() {
    let sandbox = Sandbox::new();
    let git = sandbox.open();
    assert_eq!(codes(&git.resolve("HEAD").unwrap_err()), ["no-commit"]);
    sandbox.put("a", "1");
    let base = sandbox.save("base");
    sandbox.git(".", &["switch", "--quiet", "--create", "topic"]);
    sandbox.put("a", "2");
    let head = sandbox.save("head");
    assert_eq!(git.merge_base(head).unwrap(), base);
    assert_eq!(git.default_branch().unwrap().0, "main");
    sandbox.git(".", &["branch", "--move", "main", "trunk"]);
    assert_eq!(codes(&git.merge_base(head).unwrap_err()), ["no-default-branch"]);
    sandbox.git(".", &["update-ref", "refs/remotes/origin/trunk", "trunk"]);
    sandbox.git(".", &["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"]);
    assert_eq!(git.merge_base(head).unwrap(), base);
    assert_eq!(codes(&git.resolve("nothing").unwrap_err()), ["unknown-revision"]);
}

#[test]
fn trailers_are_those_that_git_finds() {
    let messages = [
        "subject\n\nAccept-Delete: aws-ha/logging\n",
        "subject\n\nbody\n\nAccept-Delete: a\nAccept-Data-Loss : b\n continued\n",
        "subject\n\nAccept-Delete: a\n\nnot in the last paragraph\n",
        "Accept-Delete: the subject is none\n",
        "subject\n\nwords\nand: more\nSigned-off-by: A <a@b>\n",
        "subject\n\nwords\nand more\nand: one\n",
        "subject\n\n# a comment\nAccept-Delete: a\n",
        "subject\n\nAccept-Delete: a\r\nAccept-Data-Loss: b\r\n",
        "subject\n\nAccept-Delete: a\n---\nnot: one\n",
    ];
    for message in messages {
        let sandbox = Sandbox::new();
        let arguments = ["commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--message"];
        sandbox.git(".", &[&arguments[..], &["base"]].concat());
        sandbox.git(".", &[&arguments[..], &[message]].concat());
        sandbox.put("message", message);
        let wanted = sandbox.git(".", &["interpret-trailers", "--parse", "message"]);
        let git = sandbox.open();
        let (base, head) = (git.resolve("HEAD~1").unwrap(), git.resolve("HEAD").unwrap());
        let found = git.trailers(base, head).unwrap();
        let one_line = |value: &str| value.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let found: Vec<String> =
            found.iter().map(|one| format!("{}: {}", one.key.trim(), one_line(&one.value))).collect();
        assert_eq!(found.join("\n"), wanted.replace('\r', ""), "{message:?}");
    }
}

#[test]
fn trailers_join_those_that_are_there() {
    let own = [("Inputs", "abc".to_owned())];
    assert_eq!(with_trailers("subject", &own), "subject\n\nInputs: abc\n");
    assert_eq!(with_trailers("subject\n\nAccept-Delete: a\n\n", &own), "subject\n\nAccept-Delete: a\nInputs: abc\n");
}

/// Renders `environments/<name>/value` to `argocd/<name>/out.yaml`.
struct Fake<'a> {
    git: &'a Git,
    pauses: AtomicU32,
    /// Done once, after rendering: the other writer.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send + 'a>>>,
}

impl<'a> Fake<'a> {
    fn new(git: &'a Git) -> Fake<'a> {
        Fake { git, pauses: AtomicU32::new(0), meanwhile: Mutex::new(None) }
    }
}

impl Work for Fake<'_> {
    fn render(&self, inputs: Commit) -> Result<Vec<Comparison>> {
        let tree = self.git.inputs(inputs)?;
        let mut comparisons = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        for folder in tree.list("environments")? {
            let text = tree.read(&format!("{}/value", folder.path))?;
            let digest = Sha256::digest(&text);
            let index = format!(
                "# Generated by kubezero\nversion: 1\ngenerator: 0.1.0\nenvironment: {}\nfiles:\n\
                 \x20 deep/out.yaml: {{sha256: {digest:x}}}\n",
                folder.name()
            );
            let files = BTreeMap::from([
                ("deep/out.yaml".to_owned(), Arc::from(text)),
                ("index.yaml".to_owned(), Arc::from(index.into_bytes())),
            ]);
            names.insert(folder.name().to_owned());
            let desired = DesiredTree { environment: folder.name().to_owned(), files };
            comparisons.push(compare_committed(&tree, "argocd", &desired, "0.1.0", false).unwrap());
        }
        comparisons.extend(leftovers_committed(&tree, "argocd", &names, "0.1.0", false).unwrap());
        let problem = comparisons.iter().flat_map(|comparison| &comparison.problems).next();
        if let Some(problem) = problem {
            return Err(mistake(Diagnostic::new("edited-by-hand", format!("{problem:?}"))));
        }
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile();
        }
        Ok(comparisons)
    }

    fn message(&self, inputs: Commit, _: &[Comparison]) -> Result<String> {
        Ok(with_trailers("Render", &[("Inputs", inputs.to_string())]))
    }

    fn pause(&self, _: u32) {
        self.pauses.fetch_add(1, Ordering::Relaxed);
    }
}

fn request() -> Request {
    Request { branch: None, push: false, remote: None, sign: false, tries: 4 }
}

fn run(git: &Git, request: &Request) -> Result<Done> {
    commit(git, request, &Fake::new(git))
}

#[test]
fn it_commits_and_brings_the_work_tree_along() {
    let sandbox = Sandbox::new();
    sandbox.put("environments/a/value", "1\n");
    sandbox.put("environments/b/value", "1\n");
    sandbox.put("README", "");
    let inputs = sandbox.save("inputs");
    // Neither staged nor other changes are touched.
    sandbox.put("README", "edited");
    sandbox.put("staged", "");
    sandbox.git(".", &["add", "staged"]);
    let git = sandbox.open();
    let done = run(&git, &request()).unwrap();
    assert_eq!((done.inputs, done.tries, done.branch.as_str()), (inputs, 1, "main"));
    assert_eq!(sandbox.git(".", &["status", "--porcelain"]), "M README\nA  staged");
    assert_eq!(std::fs::read_to_string(sandbox.at("argocd/a/deep/out.yaml")).unwrap(), "1\n");
    assert_eq!(sandbox.git(".", &["log", "-1", "--format=%P"]), inputs.to_string());
    assert!(run(&git, &request()).unwrap().commit.is_none());

    // An environment that is gone takes its output with it; what was rendered by hand already is no obstacle.
    sandbox.git(".", &["rm", "--quiet", "-r", "environments/b"]);
    sandbox.put("environments/a/value", "2\n");
    sandbox.git(".", &["add", "environments"]);
    sandbox.git(".", &["commit", "--quiet", "--message", "more"]);
    sandbox.put("argocd/a/deep/out.yaml", "2\n");
    let done = run(&git, &request()).unwrap();
    assert!(done.commit.is_some());
    assert_eq!(sandbox.git(".", &["status", "--porcelain"]), "M README");
    assert!(!sandbox.at("argocd/b").exists());
    sandbox.git(".", &["fsck", "--strict"]);
}

#[test]
fn what_no_commit_has_is_not_lost() {
    let sandbox = Sandbox::new();
    sandbox.put("environments/a/value", "1\n");
    sandbox.save("inputs");
    sandbox.put("argocd/a/deep/out.yaml", "mine\n");
    let git = sandbox.open();
    let head = git.resolve("HEAD").unwrap();
    assert_eq!(codes(&run(&git, &request()).unwrap_err()), ["dirty-output"]);
    assert_eq!(git.resolve("HEAD").unwrap(), head);
    assert_eq!(std::fs::read_to_string(sandbox.at("argocd/a/deep/out.yaml")).unwrap(), "mine\n");
    assert_eq!(sandbox.git(".", &["status", "--porcelain"]), "?? argocd/");
    // On another branch it does not matter.
    let done = run(&git, &Request { branch: Some("rendered".to_owned()), ..request() }).unwrap();
    assert_eq!(sandbox.git(".", &["rev-parse", "rendered"]), done.commit.unwrap().to_string());
    // What a person committed to argocd/ is kept as `render` would keep it.
    sandbox.save("mine");
    assert_eq!(codes(&run(&git, &request()).unwrap_err()), ["edited-by-hand"]);
}

#[test]
fn who_comes_too_late_renders_again() {
    let sandbox = Sandbox::new();
    sandbox.put("environments/a/value", "1\n");
    sandbox.save("inputs");
    let git = sandbox.open();
    let fake = Fake::new(&git);
    *fake.meanwhile.lock().unwrap() = Some(Box::new(|| {
        sandbox.put("environments/a/value", "2\n");
        sandbox.save("meanwhile");
    }));
    let done = commit(&git, &request(), &fake).unwrap();
    assert_eq!((done.tries, fake.pauses.load(Ordering::Relaxed)), (2, 1));
    assert_eq!(sandbox.git(".", &["show", "HEAD:argocd/a/deep/out.yaml"]), "2");
    assert_eq!(sandbox.git(".", &["status", "--porcelain"]), "");
}

#[test]
fn a_rendered_branch_keeps_its_history_and_follows_its_inputs() {
    let sandbox = Sandbox::new();
    sandbox.put("environments/a/value", "1\n");
    sandbox.save("inputs");
    let git = sandbox.open();
    let rendered = Request { branch: Some("rendered".to_owned()), ..request() };
    let first = run(&git, &rendered).unwrap().commit.unwrap();
    assert!(run(&git, &rendered).unwrap().commit.is_none());
    sandbox.put("environments/a/value", "2\n");
    let inputs = sandbox.save("more");
    let second = run(&git, &rendered).unwrap().commit.unwrap();
    assert_eq!(sandbox.git(".", &["log", "-1", "--format=%P", "rendered"]), format!("{first} {inputs}"));
    assert_eq!(sandbox.git(".", &["show", "rendered:argocd/a/deep/out.yaml"]), "2");
    assert!(run(&git, &rendered).unwrap().commit.is_none());
    assert_eq!(sandbox.git(".", &["rev-parse", "HEAD", "rendered"]), format!("{inputs}\n{second}"));
    // Somebody's own commit on it is not thrown away.
    sandbox.git(".", &["switch", "--quiet", "rendered"]);
    sandbox.put("environments/a/value", "3\n");
    sandbox.save("on the branch");
    sandbox.git(".", &["switch", "--quiet", "main"]);
    sandbox.put("environments/a/value", "4\n");
    sandbox.save("on main");
    assert_eq!(codes(&run(&git, &rendered).unwrap_err()), ["diverged"]);
}

#[test]
fn states_that_have_no_branch_are_said() {
    let sandbox = Sandbox::new();
    assert_eq!(codes(&run(&sandbox.open(), &request()).unwrap_err()), ["no-commit"]);
    sandbox.put("environments/a/value", "1\n");
    sandbox.save("inputs");
    let git = sandbox.open();
    let push = Request { push: true, ..request() };
    assert_eq!(codes(&run(&git, &push).unwrap_err()), ["no-remote"]);
    let named = Request { branch: Some("a..b".to_owned()), ..request() };
    assert_eq!(codes(&run(&git, &named).unwrap_err()), ["bad-branch-name"]);
    sandbox.git(".", &["switch", "--quiet", "--detach"]);
    assert_eq!(codes(&run(&sandbox.open(), &request()).unwrap_err()), ["detached-head"]);
    let named = Request { branch: Some("main".to_owned()), ..request() };
    assert!(run(&sandbox.open(), &named).unwrap().commit.is_some());
}

#[test]
fn five_hundred_environments_load_in_well_under_a_second() {
    let sandbox = Sandbox::new();
    let mut stream = "commit refs/heads/main\ncommitter Test <test@example.com> 1700000000 +0000\ndata 0\n".to_owned();
    for environment in 0..500 {
        for component in 0..20 {
            let text = format!("a: {environment}\nb: {component}\n");
            let path = format!("environments/e{environment}/components/c{component}.yaml");
            stream += &format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len());
        }
    }
    let git = sandbox.open();
    let imported = user::User::of(&git).run(&["fast-import", "--quiet"], stream.as_bytes()).unwrap();
    assert!(imported.fine, "{}", imported.complaint);
    let head = git.resolve("main").unwrap();
    let begin = std::time::Instant::now();
    let tree = git.inputs(head).unwrap();
    let found = tree.walk("environments").unwrap();
    let bytes: usize = found.iter().map(|file| tree.read(&file.path).unwrap().len()).sum();
    println!("{} files, {bytes} bytes: {:?}", found.len(), begin.elapsed());
    // Generous, for machines that do other things besides.
    assert!(found.len() == 10_000 && begin.elapsed().as_secs() < 5);
}
