//! To come.

use super::{Arguments, Return, fail};

pub(super) fn adler32sum(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn build_custom_cert(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn decrypt_aes(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn derive_password(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn sha1sum(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn sha256sum(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

pub(super) fn sha512sum(_: &Arguments<'_>) -> Return {
    fail("not there yet")
}

