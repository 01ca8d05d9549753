//! Paths with slashes, as Go's `path` takes them apart.

use super::{Arguments, Return};

/// Without the slashes at its end, what stands behind the last slash.
pub(super) fn base(args: &Arguments<'_>) -> Return {
    let path = args.text(0);
    if path.is_empty() {
        return Ok(".".into());
    }
    let path = path.trim_end_matches('/');
    let base = path.rsplit('/').next().unwrap_or_default();
    Ok(if base.is_empty() { "/".into() } else { base.into() })
}

pub(super) fn dir(args: &Arguments<'_>) -> Return {
    let path = args.text(0);
    let end = path.rfind('/').map_or(0, |slash| slash + 1);
    Ok(cleaned(&path[..end]).into())
}

pub(super) fn clean(args: &Arguments<'_>) -> Return {
    Ok(cleaned(args.text(0)).into())
}

pub(super) fn ext(args: &Arguments<'_>) -> Return {
    let name = args.text(0).rsplit('/').next().unwrap_or_default();
    Ok(name.rfind('.').map_or("", |dot| &name[dot..]).into())
}

pub(super) fn is_abs(args: &Arguments<'_>) -> Return {
    Ok(args.text(0).starts_with('/').into())
}

fn cleaned(path: &str) -> String {
    crate::chart::clean_path(path)
}
