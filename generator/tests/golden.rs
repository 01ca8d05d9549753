//! The largest golden case is this repository itself.

use crate::support;

#[test]
fn the_committed_output_is_current() {
    let root = support::root();
    let run = support::kubezero(&root, &["-C", ".", "render", "--check"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
}
