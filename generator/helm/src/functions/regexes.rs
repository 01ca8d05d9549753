//! To come.

use super::{Arguments, Return, fail};

pub(super) fn find(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn find_all(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn matches(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn must_match(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn quote_meta(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn replace_all(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn replace_all_literal(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn split(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

