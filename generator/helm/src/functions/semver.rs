//! To come.

use super::{Arguments, Return, fail};

pub(super) fn semver(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn semver_compare(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

