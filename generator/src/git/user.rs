//! Runs the user's own `git`, for what depends on how they set it up: transport, signing, and their work tree.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Git;
use crate::{Error, Failure, Result};

/// Variables by which a surrounding `git`, such as one that runs a hook, says which repository it is at work on.
const OF_ANOTHER_REPOSITORY: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"];

/// What a run came to.
#[derive(Debug)]
pub struct Answer {
    /// Whether it ended with 0.
    pub fine: bool,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error, without blanks at the ends.
    pub complaint: String,
}

impl Answer {
    /// Standard output as text, without blanks at the ends.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).trim().to_owned()
    }
}

/// The user's `git` in one place: a work tree, or a repository without one.
#[derive(Debug, Clone)]
pub struct User {
    place: Vec<std::ffi::OsString>,
}

impl User {
    /// In the repository itself.
    pub fn of(git: &Git) -> User {
        match git.repository.workdir() {
            Some(top) => User::at(top.to_owned()),
            None => User { place: vec!["--git-dir".into(), git.repository.path().into()] },
        }
    }

    /// In a work tree.
    pub fn at(top: PathBuf) -> User {
        User { place: vec!["-C".into(), top.into()] }
    }

    /// Runs a command and says how it ended; failing to end well is no failure here.
    #[expect(clippy::disallowed_methods, reason = "transport, signing and the work tree are the user's own git's")]
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Answer> {
        let failed = |error| Error::from(Failure::new("run", "git", error));
        let mut command = Command::new("git");
        command.args(&self.place).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for variable in OF_ANOTHER_REPOSITORY {
            command.env_remove(variable);
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::Busy(
                "there is no `git` on the PATH\nhelp: install Git: pushing, signing and the work tree are left to it"
                    .to_owned(),
            ),
            _ => failed(error),
        })?;
        let mut stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // Beside it, so that neither waits for the other with a full pipe. Who does not read may close it.
            scope.spawn(move || stdin.take().map(|mut stdin| stdin.write_all(input)));
            child.wait_with_output()
        });
        let output = output.map_err(failed)?;
        Ok(Answer {
            fine: output.status.success(),
            out: output.stdout,
            complaint: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Runs a command that has to end well.
    pub fn must(&self, arguments: &[&str], input: &[u8]) -> Result<Answer> {
        let answer = self.run(arguments, input)?;
        match answer.fine {
            true => Ok(answer),
            false => Err(Error::Busy(format!("`git {}` failed{}", arguments.join(" "), quoted(&answer.complaint)))),
        }
    }
}

/// What a program said, as a block below a sentence.
pub fn quoted(complaint: &str) -> String {
    match complaint {
        "" => String::new(),
        text => {
            text.lines().map(|line| format!("\n  {}", line.trim_end())).collect::<String>().replacen('\n', ":\n", 1)
        }
    }
}
