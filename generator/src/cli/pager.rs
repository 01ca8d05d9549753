//! Long texts go through the pager that the user's `git` uses.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::output::print;
use crate::Result;
use crate::git::user::User;

/// Shows a text: through the pager where standard output is a terminal that it does not fit into, and as it is otherwise.
///
/// The pager is what `git var GIT_PAGER` says, so `GIT_PAGER`, `core.pager` and `PAGER` count as they do for `git diff`, and `cat`
/// turns it off. Without one, or where it cannot be started, the text is printed.
pub fn page(text: &str, folder: &Path) -> Result<()> {
    if !std::io::stdout().is_terminal() || fits(text) {
        return print(text);
    }
    let Some(pager) = pager(folder) else { return print(text) };
    // Whether colours are wanted is asked of the terminal; the pager itself only sees a pipe.
    let text = match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        _ => text.to_owned(),
    };
    match through(&pager, &text) {
        true => Ok(()),
        false => print(&text),
    }
}

fn fits(text: &str) -> bool {
    terminal_size::terminal_size().is_some_and(|(_, height)| text.lines().count() < usize::from(height.0))
}

/// The command of the pager, if there is one.
fn pager(folder: &Path) -> Option<String> {
    let answer = User::at(folder.to_owned()).run(&["var", "GIT_PAGER"], b"").ok().filter(|answer| answer.fine)?;
    Some(answer.text()).filter(|pager| !pager.is_empty() && pager != "cat")
}

/// Whether a pager took a text.
#[expect(clippy::disallowed_methods, reason = "the pager that the user chose, started as git starts it")]
fn through(pager: &str, text: &str) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    // As git does: a screenful is no reason to wait for a key, colours stay, and the text is there afterwards.
    for (variable, value) in [("LESS", "FRX"), ("LV", "-c")] {
        if std::env::var_os(variable).is_none() {
            command.env(variable, value);
        }
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut stdin) = child.stdin.take() {
        // Whoever has read enough leaves.
        let _ = stdin.write_all(text.as_bytes());
    }
    // 127: the shell found no such program.
    child.wait().is_ok_and(|status| status.code() != Some(127))
}
