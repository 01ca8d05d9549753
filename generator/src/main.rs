//! The `kubezero` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubezero::cli::main()
}
