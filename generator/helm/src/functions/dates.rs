//! To come.

use super::{Arguments, Return, fail};

pub(super) fn date(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn date_in_zone(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn date_modify(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_days(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_hours(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_microseconds(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_milliseconds(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_minutes(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_nanoseconds(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_round(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_round_to(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_seconds(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_truncate_to(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn duration_weeks(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn html_date(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn html_date_in_zone(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn must_date_modify(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn must_to_date(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn must_to_duration(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn to_date(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn unix_epoch(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

