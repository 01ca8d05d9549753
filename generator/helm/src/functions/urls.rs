//! To come.

use super::{Arguments, Return, fail};

pub(super) fn join(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn parse(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

