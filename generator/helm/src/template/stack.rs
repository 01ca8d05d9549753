//! Room on the stack for what nests deep.

use std::panic::resume_unwind;
use std::thread::{Builder, scope};

/// How many levels share one stack.
const LEVELS: usize = 64;

/// The size of a stack. The system hands out only the pages that are touched.
const SIZE: usize = 8 << 20;

/// Runs something that nests, at this depth, so that any depth fits: every so many levels it goes on in a thread of its own, for
/// which the caller waits. None where the system has no room for one.
pub(super) fn deep<T: Send>(depth: usize, run: impl FnOnce() -> T + Send) -> Option<T> {
    if !depth.is_multiple_of(LEVELS) {
        return Some(run());
    }
    scope(|threads| {
        let thread = Builder::new().stack_size(SIZE).spawn_scoped(threads, run).ok()?;
        Some(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
