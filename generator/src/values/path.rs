//! Names of places in a tree: `components.cert-manager.settings.acme.email`.

/// Splits `a.b[0]."c.d"` into its segments. Quotes keep dots inside a key together.
pub fn split(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    let mut current = String::new();
    let mut quoted = false;
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' | '[' | ']' if !quoted => {
                if !current.is_empty() {
                    segments.push(std::mem::take(&mut current));
                }
            }
            c => current.push(c),
        }
    }
    if !current.is_empty() {
        segments.push(current);
    }
    segments
}

/// Joins segments so that [`split`] gives them back.
pub fn join<S: AsRef<str>>(segments: &[S]) -> String {
    let mut path = String::new();
    for segment in segments {
        let segment = segment.as_ref();
        if !path.is_empty() {
            path.push('.');
        }
        if segment.contains(['.', '[', ']']) || segment.is_empty() {
            path.push('"');
            path.push_str(segment);
            path.push('"');
        } else {
            path.push_str(segment);
        }
    }
    path
}

/// The segments of a JSON pointer (RFC 6901).
pub fn from_pointer(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_and_join_are_inverse() {
        for path in ["a", "a.b", "a.0.c", "configs.cm.\"admin.enabled\"", "x.\"a[0]\".y"] {
            assert_eq!(join(&split(path)), path);
        }
        assert_eq!(split("a.b[0].c"), ["a", "b", "0", "c"]);
        assert_eq!(from_pointer("/a~1b/c~0d/0"), ["a/b", "c~d", "0"]);
    }
}
