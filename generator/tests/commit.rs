//! `kubezero commit` with the real `git`: every state that a clone can be in, real servers, many writers, `kill -9`.
//!
//! `KUBEZERO_WRITERS=16x20` says how many writers make how many changes, `KUBEZERO_KILLS` how often it is killed.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{self, Run, finish, tests};

const INPUT: &str = "environments/example/environment.yaml";
const OUTPUT: &str = "argocd/example/manifests/hello/greeting.yaml";

/// A folder with a home of its own, so that nobody's configuration takes part.
struct Workshop {
    folder: tempfile::TempDir,
    more: Vec<(String, String)>,
}

impl Workshop {
    /// With a repository `repo` whose inputs are committed and whose output is not.
    fn new() -> Workshop {
        let workshop = Workshop { folder: tempfile::tempdir().unwrap(), more: Vec::new() };
        fs::write(
            workshop.at(".gitconfig"),
            "[user]\nname = Test\nemail = test@example.com\n[init]\ndefaultBranch = main\n[protocol \"file\"]\nallow = always\n\
             [advice]\ndetachedHead = false\n",
        )
        .unwrap();
        assert_eq!(workshop.kubezero(".", &["init", "repo"]).code, 0);
        workshop.git("repo", &["add", "--all"]);
        workshop.git("repo", &["commit", "--quiet", "--message", "inputs"]);
        workshop
    }

    /// With a bare remote besides, whose `main` is that of `repo`.
    fn with_remote() -> Workshop {
        let workshop = Workshop::new();
        workshop.git(".", &["clone", "--quiet", "--bare", "repo", "remote.git"]);
        workshop.git("repo", &["remote", "add", "origin", workshop.at("remote.git").to_str().unwrap()]);
        workshop.git("repo", &["fetch", "--quiet"]);
        workshop.git("repo", &["branch", "--quiet", "--set-upstream-to=origin/main"]);
        workshop
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn run(&self, program: &str, folder: &str, arguments: &[&str]) -> Run {
        finish(self.command(program, folder, arguments))
    }

    fn command(&self, program: &str, folder: &str, arguments: &[&str]) -> Command {
        let mut command = support::command(program, &self.at(folder));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GIT_") || name == "EMAIL") {
            command.env_remove(name);
        }
        command.env("HOME", self.folder.path()).env("XDG_CONFIG_HOME", self.at("none"));
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env_remove("SSH_AUTH_SOCK");
        command.envs(self.more.iter().map(|(name, value)| (name, value)));
        command.args(arguments);
        command
    }

    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let run = self.run("git", folder, arguments);
        assert_eq!(run.code, 0, "git {arguments:?} in {folder}: {}{}", run.stdout, run.stderr);
        run.stdout.trim().to_owned()
    }

    fn kubezero(&self, folder: &str, arguments: &[&str]) -> Run {
        self.run(env!("CARGO_BIN_EXE_kubezero"), folder, arguments)
    }

    /// Commits, and has to be able to.
    fn commit(&self, folder: &str, arguments: &[&str]) -> Run {
        let run = self.kubezero(folder, &[&["commit"], arguments].concat());
        assert_eq!(run.code, 0, "commit {arguments:?} in {folder}: {}{}", run.stdout, run.stderr);
        run
    }

    /// Fails to commit with these words, and moves nothing.
    fn refuses(&self, folder: &str, arguments: &[&str], code: i32, words: &[&str]) -> String {
        let state = |workshop: &Workshop| {
            let status = workshop.run("git", folder, &["status", "--porcelain"]).stdout;
            let here = workshop.run("git", folder, &["for-each-ref", "refs/heads"]).stdout;
            let there = match workshop.at("remote.git").exists() {
                true => workshop.git("remote.git", &["for-each-ref"]),
                false => String::new(),
            };
            format!("{status}\n{here}\n{there}")
        };
        let before = state(self);
        let run = self.kubezero(folder, &[&["commit"], arguments].concat());
        assert_eq!(run.code, code, "commit {arguments:?} in {folder}: {}{}", run.stdout, run.stderr);
        for part in words {
            assert!(run.stderr.contains(part), "no `{part}` in:\n{}", run.stderr);
        }
        assert!(run.stderr.contains("help: "), "no remedy in:\n{}", run.stderr);
        assert_eq!(state(self), before);
        run.stderr
    }

    fn greet(&self, folder: &str, greeting: &str) {
        let path = self.at(folder).join(INPUT);
        let text = fs::read_to_string(&path).unwrap();
        let kept: String =
            text.lines().filter(|line| !line.contains("greeting:")).map(|line| format!("{line}\n")).collect();
        fs::write(path, format!("{kept}      greeting: {greeting}\n")).unwrap();
    }

    /// Changes an input and commits it.
    fn change(&self, folder: &str, greeting: &str) {
        self.greet(folder, greeting);
        self.git(folder, &["commit", "--quiet", "--all", "--message", greeting]);
    }

    fn hook(&self, path: &str, script: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What a commit's output is, is what a fresh clone renders from its inputs.
    fn is_current(&self, repository: &str, revision: &str) {
        let clone = self.at("fresh");
        let _ = fs::remove_dir_all(&clone);
        self.git(".", &["clone", "--quiet", "--no-checkout", repository, "fresh"]);
        let commit = self.git(repository, &["rev-parse", revision]);
        self.git("fresh", &["checkout", "--quiet", "--detach", &commit]);
        let run = self.kubezero("fresh", &["render", "--check"]);
        assert_eq!(run.code, 0, "{revision}: {}{}", run.stdout, run.stderr);
    }

    fn is_clean(&self, folder: &str) {
        assert_eq!(self.git(folder, &["status", "--porcelain"]), "", "{folder}");
    }
}

#[test]
fn a_commit_says_what_it_is_and_leaves_the_rest_alone() {
    let workshop = Workshop::new();
    let inputs = workshop.git("repo", &["rev-parse", "HEAD"]);
    workshop.greet("repo", "not committed");
    let run = workshop.commit("repo", &[]);
    assert!(run.stdout.contains("argocd/example: ") && run.stdout.contains("committed to main: "), "{}", run.stdout);
    assert!(
        run.stderr.contains("1 input in the work tree did not count") && run.stderr.contains(INPUT),
        "{}",
        run.stderr
    );
    let message = workshop.git("repo", &["log", "-1", "--format=%B"]);
    assert!(
        message.starts_with("Render example\n\n8 new\n\nargocd/example: ") && message.contains(" added\n"),
        "{message}"
    );
    let trailers = workshop.git("repo", &["log", "-1", "--format=%(trailers:only)"]);
    let trailers: Vec<&str> = trailers.lines().collect();
    assert_eq!(trailers[0], format!("Inputs: {inputs}"));
    assert_eq!(trailers[1], format!("Generator: kubezero {}", env!("CARGO_PKG_VERSION")));
    assert!(trailers[2].starts_with("Tree: sha256:") && trailers[2].len() == 77, "{trailers:?}");
    // The edit is still there, and only that.
    assert_eq!(workshop.git("repo", &["status", "--porcelain"]), format!("M {INPUT}"));
    workshop.is_current("repo", "main");

    let run = workshop.commit("repo", &[]);
    assert!(run.stdout.starts_with("nothing to commit: argocd is what the inputs of "), "{}", run.stdout);
    workshop.git("repo", &["commit", "--quiet", "--all", "--message", "more"]);
    workshop.commit("repo", &["--message", "Say more\n\nAccept-Delete: example/hello"]);
    let trailers = workshop
        .git("repo", &["log", "-1", "--format=%s%n%(trailers:key=Accept-Delete)%(trailers:key=Inputs,keyonly)"]);
    assert_eq!(trailers, "Say more\nAccept-Delete: example/hello\nInputs");
    workshop.is_clean("repo");
    workshop.git("repo", &["fsck", "--strict"]);
}

#[test]
fn every_state_of_a_clone_works_or_is_said() {
    let workshop = Workshop::with_remote();
    // Detached.
    workshop.git("repo", &["switch", "--quiet", "--detach"]);
    workshop.refuses("repo", &[], 1, &["detached-head", "--branch NAME", "nothing was committed"]);
    workshop.commit("repo", &["--branch", "rendered"]);
    workshop.is_current("repo", "rendered");
    workshop.is_clean("repo");
    // Another branch checked out, in another work tree too.
    workshop.git("repo", &["worktree", "add", "--quiet", "../linked", "main"]);
    workshop.commit("linked", &[]);
    workshop.is_clean("linked");
    assert!(workshop.at("linked").join(OUTPUT).exists() || workshop.at("linked/argocd/example/index.yaml").exists());
    workshop.change("linked", "from afar");
    workshop.commit("repo", &["--branch", "main"]);
    workshop.is_clean("linked");
    workshop.is_clean("repo");
    workshop.is_current("repo", "main");
    // Unborn.
    workshop.git(".", &["init", "--quiet", "unborn"]);
    workshop.refuses("unborn", &[], 1, &["no-commit", "git add components environments"]);
    // No repository.
    fs::create_dir(workshop.at("nothing")).unwrap();
    workshop.refuses("nothing", &[], 1, &["no-git-repository"]);
    // Bare, and without a checkout.
    workshop.git("repo", &["push", "--quiet", "origin", "main"]);
    workshop.change("linked", "in a bare one");
    workshop.git("linked", &["push", "--quiet", "origin", "main"]);
    workshop.commit("remote.git", &[]);
    workshop.is_current("remote.git", "main");
    // Shallow.
    let address = format!("file://{}", workshop.at("remote.git").display());
    workshop.git(".", &["clone", "--quiet", "--depth=1", &address, "shallow"]);
    workshop.change("shallow", "from the shallows");
    workshop.commit("shallow", &["--push"]);
    workshop.is_current("remote.git", "main");
    // Partial: what was left there is fetched.
    workshop.git("remote.git", &["config", "uploadpack.allowFilter", "true"]);
    workshop.git(".", &["clone", "--quiet", "--filter=blob:none", "--no-checkout", &address, "partial"]);
    workshop.git("partial", &["switch", "--quiet", "--detach"]);
    workshop.git("linked", &["pull", "--quiet", "origin", "main"]);
    workshop.change("linked", "for a part");
    workshop.git("linked", &["push", "--quiet", "origin", "main"]);
    workshop.git("partial", &["fetch", "--quiet"]);
    workshop.git("partial", &["branch", "--quiet", "--force", "main", "origin/main"]);
    workshop.commit("partial", &["--push", "--branch", "main"]);
    workshop.is_current("remote.git", "main");
    // Sparse: without argocd/, so that new files stay outside.
    workshop.git(".", &["clone", "--quiet", "remote.git", "sparse"]);
    workshop.git("sparse", &["sparse-checkout", "set", "environments"]);
    workshop.change("sparse", "sparsely");
    workshop.commit("sparse", &["--push"]);
    assert!(!workshop.at("sparse/argocd").exists() && !workshop.at("sparse/components").exists());
    workshop.is_clean("sparse");
    workshop.is_current("remote.git", "main");
    // Line ends of another system in the work tree.
    workshop.git(".", &["clone", "--quiet", "--config=core.autocrlf=true", "remote.git", "crlf"]);
    fs::remove_file(workshop.at("crlf/.gitattributes")).unwrap();
    workshop.git("crlf", &["commit", "--quiet", "--all", "--message", "no attributes"]);
    workshop.change("crlf", "with carriage returns");
    workshop.commit("crlf", &["--push"]);
    workshop.is_clean("crlf");
    assert!(fs::read_to_string(workshop.at("crlf/argocd/example/index.yaml")).unwrap().contains("\r\n"));
    workshop.is_current("remote.git", "main");
    // With a submodule that is none of our business.
    workshop.git("repo", &["switch", "--quiet", "--detach"]);
    workshop.git("linked", &["pull", "--quiet"]);
    workshop.git("linked", &["submodule", "--quiet", "add", "../remote.git", "vendor/sub"]);
    workshop.change("linked", "beside a submodule");
    workshop.commit("linked", &["--push"]);
    assert!(workshop.git("linked", &["ls-tree", "HEAD", "vendor/"]).starts_with("160000 commit "));
    workshop.is_clean("linked");
    for folder in ["repo", "remote.git", "shallow", "sparse", "crlf"] {
        workshop.git(folder, &["fsck", "--strict"]);
    }
}

#[test]
fn a_repository_may_be_a_folder_of_another() {
    let workshop = Workshop::new();
    workshop.git("repo", &["rm", "--quiet", "-r", "--cached", "."]);
    fs::create_dir_all(workshop.at("repo/teams/a")).unwrap();
    for name in ["components", "environments"] {
        fs::rename(workshop.at("repo").join(name), workshop.at("repo/teams/a").join(name)).unwrap();
    }
    workshop.git("repo", &["add", "--all"]);
    workshop.git("repo", &["commit", "--quiet", "--message", "moved"]);
    workshop.commit("repo/teams/a", &[]);
    let files = workshop.git("repo", &["ls-tree", "-r", "--name-only", "HEAD"]);
    assert!(files.contains("teams/a/argocd/example/index.yaml") && !files.starts_with("argocd/"), "{files}");
    workshop.is_clean("repo");
    assert_eq!(workshop.kubezero("repo/teams/a", &["render", "--check"]).code, 0);
    workshop.git(".", &["clone", "--quiet", "--bare", "repo", "bare.git"]);
    assert!(workshop.commit("bare.git", &["-C", "teams/a"]).stdout.starts_with("nothing to commit: teams/a/argocd "));
}

#[test]
fn what_people_did_to_the_output_is_not_lost() {
    let workshop = Workshop::new();
    workshop.commit("repo", &[]);
    let index = workshop.at("repo/argocd/example/index.yaml");
    let file = workshop.git("repo", &["ls-files", "argocd/example/manifests"]).lines().next().unwrap().to_owned();
    // Rendered, but not committed: the same as what is to be committed, so that nothing is in the way.
    workshop.change("repo", "rendered before");
    assert_eq!(workshop.kubezero("repo", &["render"]).code, 0);
    workshop.commit("repo", &[]);
    workshop.is_clean("repo");
    // Edited in the work tree.
    workshop.change("repo", "another");
    let edited = format!("{}# mine\n", fs::read_to_string(workshop.at("repo").join(&file)).unwrap());
    fs::write(workshop.at("repo").join(&file), &edited).unwrap();
    workshop.refuses("repo", &[], 1, &["dirty-output", &file, "git restore"]);
    assert_eq!(fs::read_to_string(workshop.at("repo").join(&file)).unwrap(), edited);
    // A folder where a file belongs, an untracked file in the way, an index that is locked.
    fs::remove_file(workshop.at("repo").join(&file)).unwrap();
    fs::create_dir(workshop.at("repo").join(&file)).unwrap();
    fs::write(workshop.at("repo").join(&file).join("x"), "mine").unwrap();
    workshop.refuses("repo", &[], 1, &["dirty-output"]);
    assert!(workshop.at("repo").join(&file).join("x").exists());
    fs::remove_dir_all(workshop.at("repo").join(&file)).unwrap();
    workshop.git("repo", &["restore", "argocd"]);
    fs::write(workshop.at("repo/.git/index.lock"), "").unwrap();
    workshop.refuses("repo", &["--tries", "2"], 2, &["index.lock", "gave up after 2 tries"]);
    fs::remove_file(workshop.at("repo/.git/index.lock")).unwrap();
    // A merge that is under way.
    fs::write(workshop.at("repo/.git/MERGE_HEAD"), workshop.git("repo", &["rev-parse", "HEAD"])).unwrap();
    workshop.refuses("repo", &[], 1, &["operation-under-way", "a merge is under way"]);
    fs::remove_file(workshop.at("repo/.git/MERGE_HEAD")).unwrap();
    // Edited and committed.
    fs::write(workshop.at("repo").join(&file), &edited).unwrap();
    workshop.git("repo", &["commit", "--quiet", "--all", "--message", "by hand"]);
    workshop.refuses("repo", &[], 1, &["edited-by-hand", "kubezero commit --overwrite-edited"]);
    workshop.commit("repo", &["--overwrite-edited"]);
    // A file that nobody generated.
    fs::write(workshop.at("repo/argocd/example/mine.yaml"), "a: 1\n").unwrap();
    workshop.git("repo", &["add", "--all"]);
    workshop.git("repo", &["commit", "--quiet", "--message", "mine"]);
    workshop.refuses("repo", &[], 1, &["not-generated", "argocd/example/mine.yaml"]);
    workshop.git("repo", &["revert", "--no-edit", "HEAD"]);
    // Both, or the index itself, as Git LFS would have them.
    fs::write(&index, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n").unwrap();
    workshop.git("repo", &["commit", "--quiet", "--all", "--message", "lfs"]);
    workshop.refuses("repo", &[], 1, &["lfs-pointer", ".gitattributes"]);
    workshop.git("repo", &["revert", "--no-edit", "HEAD"]);
    fs::write(workshop.at("repo").join(INPUT), "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
        .unwrap();
    workshop.git("repo", &["commit", "--quiet", "--all", "--message", "lfs"]);
    workshop.refuses("repo", &[], 1, &["lfs-pointer", INPUT]);
}

#[test]
fn who_commits_is_asked_of_git() {
    let workshop = Workshop::new();
    fs::write(workshop.at(".gitconfig"), "[user]\nuseConfigOnly = true\n").unwrap();
    workshop.refuses("repo", &[], 1, &["no-identity", "git config user.name"]);
    let mut command = workshop.command(env!("CARGO_BIN_EXE_kubezero"), "repo", &["commit"]);
    command.envs([
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@a"),
        ("GIT_COMMITTER_NAME", "C"),
        ("GIT_COMMITTER_EMAIL", "c@c"),
    ]);
    // As a hook has it.
    command.env("GIT_AUTHOR_DATE", "1700000000 -0330").env("GIT_DIR", "elsewhere").arg("--quiet");
    let run = finish(command);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(
        workshop.git("repo", &["log", "-1", "--format=%an <%ae> %ad %cn <%ce>", "--date=raw"]),
        "A <a@a> 1700000000 -0330 C <c@c>"
    );
}

#[test]
fn a_commit_is_signed_as_git_signs() {
    let workshop = Workshop::new();
    workshop.refuses("repo", &["--sign"], 2, &["could not be signed", "nothing was committed"]);
    if Command::new("ssh-keygen").arg("-?").output().is_err() {
        println!("skipped: signing needs ssh-keygen");
        return;
    }
    let key = workshop.at("key");
    workshop.run("ssh-keygen", ".", &["-q", "-t", "ed25519", "-N", "", "-f", key.to_str().unwrap()]);
    let public = fs::read_to_string(workshop.at("key.pub")).unwrap();
    fs::write(workshop.at("allowed"), format!("test@example.com {public}")).unwrap();
    for (name, value) in [("gpg.format", "ssh"), ("user.signingKey", key.to_str().unwrap())] {
        workshop.git("repo", &["config", name, value]);
    }
    workshop.git("repo", &["config", "gpg.ssh.allowedSignersFile", workshop.at("allowed").to_str().unwrap()]);
    workshop.commit("repo", &["--sign"]);
    workshop.git("repo", &["verify-commit", "HEAD"]);
    workshop.git("repo", &["config", "commit.gpgSign", "true"]);
    workshop.change("repo", "signed by habit");
    workshop.commit("repo", &[]);
    workshop.git("repo", &["verify-commit", "HEAD"]);
    workshop.is_clean("repo");
}

#[test]
fn a_push_that_is_refused_loses_nothing() {
    let workshop = Workshop::with_remote();
    workshop.refuses("repo", &["--push", "--remote", "orign"], 1, &["no-remote", "did you mean `origin`?"]);
    workshop.hook("repo/.git/hooks/pre-push", "echo 'not on a Friday' >&2; exit 1");
    workshop.refuses("repo", &["--push"], 2, &["not on a Friday", "`pre-push` hook"]);
    fs::remove_file(workshop.at("repo/.git/hooks/pre-push")).unwrap();
    workshop.hook("remote.git/hooks/update", "echo 'error: GH006: Protected branch update failed for '$1 >&2; exit 1");
    workshop.refuses("repo", &["--push"], 2, &["GH006", "the branch is protected", "--branch NAME"]);
    workshop.hook("remote.git/hooks/update", "test $1 != refs/heads/main");
    workshop.refuses("repo", &["--push"], 2, &["hook declined", "--branch NAME"]);
    // As the remedy says.
    workshop.commit("repo", &["--push", "--branch", "topic"]);
    workshop.is_current("remote.git", "topic");
    workshop.is_clean("repo");
    fs::remove_file(workshop.at("remote.git/hooks/update")).unwrap();
    let away = workshop.at("away.git");
    fs::rename(workshop.at("remote.git"), &away).unwrap();
    workshop.refuses("repo", &["--push"], 2, &["`origin` cannot be read", "nothing is lost"]);
    fs::rename(&away, workshop.at("remote.git")).unwrap();
    // With all out of the way.
    let run = workshop.commit("repo", &["--push"]);
    assert!(run.stdout.contains("pushed to origin\n"), "{}", run.stdout);
    assert_eq!(workshop.git("repo", &["rev-parse", "main"]), workshop.git("remote.git", &["rev-parse", "main"]));
    workshop.is_clean("repo");
}

#[test]
fn a_push_goes_on_what_is_there_and_says_where_that_is_not_ours() {
    let workshop = Workshop::with_remote();
    workshop.git(".", &["clone", "--quiet", "remote.git", "other"]);
    workshop.change("other", "by somebody else");
    workshop.git("other", &["push", "--quiet"]);
    // Behind: their inputs count, and the branch here comes along.
    workshop.commit("repo", &["--push"]);
    workshop.is_clean("repo");
    workshop.is_current("remote.git", "main");
    assert!(fs::read_to_string(workshop.at("repo").join(INPUT)).unwrap().contains("by somebody else"));
    // Ahead: what was committed before goes along, and is said to.
    workshop.change("repo", "mine");
    let run = workshop.commit("repo", &["--push"]);
    assert!(run.stdout.contains("pushed to origin, with 1 commit made before"), "{}", run.stdout);
    // A commit that was made without pushing is pushed later.
    workshop.change("repo", "mine again");
    workshop.commit("repo", &[]);
    let run = workshop.commit("repo", &["--push"]);
    assert!(
        run.stdout.contains("nothing to commit") && run.stdout.contains("pushed to origin: 2 commits"),
        "{}",
        run.stdout
    );
    workshop.is_current("remote.git", "main");
    // Diverged: the user's business.
    workshop.git("other", &["pull", "--quiet"]);
    workshop.git("other", &["commit", "--quiet", "--allow-empty", "--message", "theirs"]);
    workshop.git("other", &["push", "--quiet"]);
    workshop.change("repo", "at the same time");
    workshop.refuses(
        "repo",
        &["--push"],
        1,
        &["diverged", "1 only here, 1 only there", "git pull --rebase origin main"],
    );
    workshop.git("repo", &["pull", "--quiet", "--rebase", "origin", "main"]);
    workshop.commit("repo", &["--push"]);
    workshop.is_current("remote.git", "main");
    // A dirty file does not stop the push; the branch here stays, and that is said.
    workshop.git("other", &["pull", "--quiet"]);
    workshop.change("other", "later");
    workshop.git("other", &["push", "--quiet"]);
    workshop.greet("repo", "unsaved");
    let run = workshop.commit("repo", &["--push"]);
    assert!(run.stderr.contains("`git pull --ff-only` brings it along"), "{}", run.stderr);
    assert_eq!(workshop.git("repo", &["status", "--porcelain"]), format!("M {INPUT}"));
    workshop.is_current("remote.git", "main");
}

/// Ends a server with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn http(workshop: &Workshop, login: Option<&str>) -> Option<(Server, String)> {
    let script = tests().join("git/server.py");
    let mut command =
        workshop.command("python3", ".", &[script.to_str().unwrap(), workshop.folder.path().to_str().unwrap()]);
    let mut child = match command.args(login).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("skipped: Git over HTTP needs python3: {error}");
            return None;
        }
    };
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
    Some((Server(child), port.trim().to_owned()))
}

#[test]
fn it_pushes_over_http() {
    let workshop = Workshop::with_remote();
    let Some((_server, port)) = http(&workshop, None) else { return };
    workshop.git("repo", &["remote", "set-url", "origin", &format!("http://127.0.0.1:{port}/remote.git")]);
    // Who is not known may read and not write.
    let words = workshop.refuses("repo", &["--push"], 2, &["403"]);
    assert!(words.contains("may read but not write"), "{words}");
    workshop.git("remote.git", &["config", "http.receivepack", "true"]);
    workshop.commit("repo", &["--push"]);
    workshop.is_current("remote.git", "main");
}

#[test]
fn it_pushes_over_http_with_the_users_credentials() {
    let workshop = Workshop::with_remote();
    let Some((_server, port)) = http(&workshop, Some("anna:s3cret")) else { return };
    workshop.git("repo", &["remote", "set-url", "origin", &format!("http://127.0.0.1:{port}/remote.git")]);
    workshop.refuses("repo", &["--push"], 2, &["could not read Username", "Git cannot log in"]);
    fs::write(workshop.at(".git-credentials"), format!("http://anna:wrong@127.0.0.1%3a{port}\n")).unwrap();
    workshop.git("repo", &["config", "credential.helper", "store"]);
    workshop.refuses("repo", &["--push"], 2, &["Git cannot log in"]);
    fs::write(workshop.at(".git-credentials"), format!("http://anna:s3cret@127.0.0.1%3a{port}\n")).unwrap();
    let run = workshop.commit("repo", &["--push"]);
    assert!(!run.stdout.contains("s3cret") && !run.stderr.contains("s3cret"));
    workshop.is_current("remote.git", "main");
}

#[test]
fn it_pushes_over_ssh() {
    let Some(sshd) = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].into_iter().find(|path| Path::new(path).exists())
    else {
        println!("skipped: there is no sshd");
        return;
    };
    let mut workshop = Workshop::with_remote();
    for name in ["host", "known", "unknown"] {
        let path = workshop.at(name);
        workshop.run("ssh-keygen", ".", &["-q", "-t", "ed25519", "-N", "", "-f", path.to_str().unwrap()]);
    }
    fs::copy(workshop.at("known.pub"), workshop.at("authorized")).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let top = workshop.folder.path().display().to_string();
    fs::write(
        workshop.at("sshd.conf"),
        format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {top}/host\nAuthorizedKeysFile {top}/authorized\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\nPermitRootLogin yes\nUsePAM no\n"
        ),
    )
    .unwrap();
    // It keeps what it is not root for in a folder that packages make when it is started as a service.
    let _ = fs::create_dir_all("/run/sshd");
    let configuration = workshop.at("sshd.conf");
    let mut command = workshop.command(sshd, ".", &["-D", "-e", "-f", configuration.to_str().unwrap()]);
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let _server = Server(child);
    let begin = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begin.elapsed() > Duration::from_secs(10) {
            println!("skipped: sshd does not start here");
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let user = finish(workshop.command("id", ".", &["-un"])).stdout.trim().to_owned();
    workshop.git("repo", &["remote", "set-url", "origin", &format!("ssh://{user}@127.0.0.1:{port}{top}/remote.git")]);
    let ssh = |key: &str| {
        let line = format!(
            "ssh -F /dev/null -i {top}/{key} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=accept-new \
             -o UserKnownHostsFile={top}/hosts"
        );
        ("GIT_SSH_COMMAND".to_owned(), line)
    };
    workshop.more = vec![ssh("unknown")];
    workshop.refuses("repo", &["--push"], 2, &["Permission denied", "Git cannot log in"]);
    workshop.more = vec![ssh("known")];
    let run = workshop.kubezero("repo", &["commit", "--push"]);
    if run.stderr.contains("Permission denied") {
        println!("skipped: sshd does not let `{user}` in here: {}", run.stderr);
        return;
    }
    assert_eq!(run.code, 0, "{}", run.stderr);
    workshop.is_current("remote.git", "main");
}

#[test]
fn many_writers_lose_nothing() {
    let wanted = std::env::var("KUBEZERO_WRITERS").unwrap_or_default();
    let (writers, changes) = wanted
        .split_once('x')
        .and_then(|(writers, changes)| Some((writers.parse::<usize>().ok()?, changes.parse::<usize>().ok()?)))
        .unwrap_or((4, 3));
    let workshop = Workshop::with_remote();
    for writer in 0..writers {
        assert_eq!(workshop.kubezero("repo", &["new", "environment", &format!("w{writer}")]).code, 0);
    }
    workshop.git("repo", &["add", "--all"]);
    workshop.git("repo", &["commit", "--quiet", "--message", "environments"]);
    workshop.commit("repo", &["--push"]);
    for writer in 0..writers {
        workshop.git(".", &["clone", "--quiet", "remote.git", &format!("clone{writer}")]);
    }
    let begin = Instant::now();
    let lost: usize = std::thread::scope(|scope| {
        let workshop = &workshop;
        let threads: Vec<_> =
            (0..writers).map(|writer| scope.spawn(move || write(workshop, writer, changes))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let took = begin.elapsed();
    workshop.git("remote.git", &["fsck", "--strict"]);
    assert_eq!(workshop.git("remote.git", &["rev-list", "--merges", "--count", "main"]), "0");
    let subjects = workshop.git("remote.git", &["log", "--format=%s", "main"]);
    for writer in 0..writers {
        for change in 0..changes {
            let subject = format!("writer {writer} change {change}");
            assert_eq!(subjects.lines().filter(|line| *line == subject).count(), 1, "{subject}");
        }
    }
    // Each commit of ours has what its own inputs give.
    workshop.git(".", &["clone", "--quiet", "remote.git", "check"]);
    let renders = workshop.git("check", &["log", "--format=%H %(trailers:key=Inputs,valueonly,separator=)", "main"]);
    let mut checked = 0;
    for (commit, inputs) in
        renders.lines().filter_map(|line| line.split_once(' ')).filter(|(_, inputs)| !inputs.is_empty())
    {
        assert_eq!(workshop.git("check", &["rev-parse", &format!("{commit}^")]), inputs);
        workshop.git("check", &["checkout", "--quiet", "--detach", commit]);
        let run = workshop.kubezero("check", &["render", "--check"]);
        assert_eq!(run.code, 0, "{commit}: {}{}", run.stdout, run.stderr);
        checked += 1;
    }
    workshop.is_current("remote.git", "main");
    for writer in 0..writers {
        let output = workshop.git(
            "remote.git",
            &[
                "grep",
                "-h",
                "-o",
                &format!("writer {writer} change {}", changes - 1),
                "main",
                "--",
                &format!("argocd/w{writer}"),
            ],
        );
        assert!(!output.is_empty());
        workshop.is_clean(&format!("clone{writer}"));
    }
    println!("{writers} writers, {changes} changes each: {checked} renders, {lost} races lost, {took:?}");
}

#[test]
fn writers_in_one_work_tree_do_not_tread_on_each_other() {
    let workshop = Workshop::new();
    let names: Vec<String> = (0..5).map(|number| format!("w{number}")).collect();
    for name in &names {
        assert_eq!(workshop.kubezero("repo", &["new", "environment", name]).code, 0);
    }
    workshop.git("repo", &["add", "--all"]);
    workshop.git("repo", &["commit", "--quiet", "--message", "environments"]);
    std::thread::scope(|scope| {
        for name in &names {
            let workshop = &workshop;
            scope.spawn(move || workshop.commit("repo", &[name, "--tries", "100"]));
        }
    });
    workshop.is_clean("repo");
    assert_eq!(workshop.git("repo", &["rev-list", "--count", "main"]), "7");
    workshop.commit("repo", &["example"]);
    workshop.is_current("repo", "main");
    workshop.git("repo", &["fsck", "--strict", "--no-dangling"]);
}

/// Makes changes one after the other, each pushed, and each rendered; how many races it lost.
fn write(workshop: &Workshop, writer: usize, changes: usize) -> usize {
    let folder = format!("clone{writer}");
    let input = workshop.at(&folder).join(format!("environments/w{writer}/environment.yaml"));
    let original = fs::read_to_string(&input).unwrap();
    let mut lost = 0;
    for change in 0..changes {
        let words = format!("writer {writer} change {change}");
        fs::write(&input, greeted(&original, &words)).unwrap();
        workshop.git(&folder, &["commit", "--quiet", "--all", "--message", &words]);
        while workshop.run("git", &folder, &["push", "--quiet"]).code != 0 {
            workshop.git(&folder, &["pull", "--quiet", "--rebase"]);
        }
        let run = workshop.commit(&folder, &["--push", "--tries", "200"]);
        let tries =
            run.stdout.rsplit_once(", in ").and_then(|(_, rest)| rest.split_once(" tries")?.0.parse::<usize>().ok());
        lost += tries.unwrap_or(1) - 1;
    }
    lost
}

/// An environment's file with a greeting in it.
fn greeted(text: &str, words: &str) -> String {
    let kept: String = text
        .lines()
        .filter(|line| !line.starts_with("components:") && !line.starts_with("  hello"))
        .map(|line| format!("{line}\n"))
        .collect();
    format!("{kept}components:\n  hello:\n    settings:\n      greeting: {words}\n")
}

/// Whether a group of processes has one that still runs; not one that is dead and waits for somebody to notice.
fn has_living(group: u32) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        std::thread::sleep(Duration::from_millis(300));
        return false;
    };
    processes.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok()).any(|stat| {
        // After the name: state, parent, group.
        let mut words = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let state = words.next().unwrap_or("Z");
        state != "Z" && state != "X" && words.nth(1) == Some(group.to_string().as_str())
    })
}

#[test]
fn killed_at_any_moment_the_repository_is_whole() {
    let kills: usize = std::env::var("KUBEZERO_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    let workshop = Workshop::with_remote();
    workshop.commit("repo", &["--push"]);
    let begin = Instant::now();
    workshop.change("repo", "to measure");
    workshop.commit("repo", &[]);
    // How long a run takes without a push, and with one.
    let mut whole = [begin.elapsed(); 2];
    let (mut killed, mut locks, mut round) = (0, 0, 0);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    while killed < kills {
        round += 1;
        workshop.change("repo", &format!("round {round}"));
        let arguments: &[&str] = if round % 2 == 0 { &["commit"] } else { &["commit", "--push"] };
        let mut command = workshop.command(env!("CARGO_BIN_EXE_kubezero"), "repo", arguments);
        let mut child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let begin = Instant::now();
        let end = Duration::from_micros(random % whole[round % 2].as_micros() as u64);
        while begin.elapsed() < end && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        let _ = child.kill();
        match child.wait().unwrap().code() {
            None => killed += 1,
            // It was faster: the machine has less to do than before.
            Some(_) => whole[round % 2] = begin.elapsed(),
        }
        // A `git` that it had started ends by itself.
        let begin = Instant::now();
        while has_living(child.id()) {
            assert!(begin.elapsed() < Duration::from_secs(60), "a git goes on for ever");
            std::thread::sleep(Duration::from_millis(5));
        }
        for folder in ["repo", "remote.git"] {
            let lock = workshop.at(folder).join(if folder == "repo" {
                ".git/refs/heads/main.lock"
            } else {
                "refs/heads/main.lock"
            });
            if lock.exists() {
                // The one moment that Git's own way of moving a reference leaves open, too.
                locks += 1;
                fs::remove_file(lock).unwrap();
            }
            workshop.git(folder, &["fsck", "--strict", "--connectivity-only"]);
        }
        // Nothing but output may differ from the newest commit, and the next run puts it right.
        let status = workshop.git("repo", &["status", "--porcelain"]);
        assert!(status.lines().all(|line| line.trim_start().contains("argocd/")), "{status}");
        workshop.commit("repo", &["--push"]);
        workshop.is_clean("repo");
        workshop.is_current("remote.git", "main");
        assert_eq!(workshop.git("repo", &["rev-parse", "main"]), workshop.git("remote.git", &["rev-parse", "main"]));
    }
    workshop.git("repo", &["fsck", "--strict"]);
    println!("{killed} kills in {round} runs of {whole:?}, {locks} locks left");
}
