//! To come.

use super::{Arguments, Return, fail};

pub(super) fn base(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn clean(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn dir(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn ext(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn is_abs(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

