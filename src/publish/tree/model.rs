//! For tests and fuzzing: what a merge is to give, in the plainest words, over whole lists of paths.
//!
//! Nothing here is of the crate, so that the fuzz target can take the file as it is.

use std::collections::BTreeMap;

/// Paths with their modes, octal as git prints them, and their contents. A submodule's content names its commit.
pub(crate) type Files = BTreeMap<Vec<u8>, (&'static str, Vec<u8>)>;

/// What is merged into what.
pub(crate) struct Case<'a> {
    /// The branch, if there is one.
    pub(crate) branch: Option<&'a Files>,
    /// The directory; none when the destination is taken off the branch.
    pub(crate) directory: Option<&'a Files>,
    /// The folder of the branch.
    pub(crate) destination: &'a str,
    /// Whether `keep` matches.
    pub(crate) keep: &'a dyn Fn(&[u8]) -> bool,
    /// Whether `exclude` matches.
    pub(crate) exclude: &'a dyn Fn(&[u8]) -> bool,
    /// Whether `keep` or `exclude` covers a folder.
    pub(crate) covers: &'a dyn Fn(&[u8]) -> bool,
}

/// The branch afterwards; nothing where the two do not fit together.
pub(crate) fn expected(case: &Case<'_>) -> Option<Files> {
    let covers = |above: &[u8], path: &[u8]| path.strip_prefix(above).is_some_and(|rest| rest.first() == Some(&b'/'));
    let destination = case.destination.as_bytes();
    let inside = |path: &[u8]| -> Option<Vec<u8>> {
        let rest = if destination.is_empty() { Some(path) } else { path.strip_prefix(destination)?.strip_prefix(b"/") };
        rest.map(<[u8]>::to_vec)
    };
    let whole = |path: &[u8]| if destination.is_empty() { path.to_vec() } else { [destination, path].join(&b'/') };
    let empty = Files::new();
    let directory = case.directory.unwrap_or(&empty);
    let published: BTreeMap<_, _> = directory.iter().filter(|(path, _)| !(case.exclude)(path)).collect();
    let gone = case.directory.is_none() || published.is_empty();
    let mut result = Files::new();
    for (path, entry) in case.branch.into_iter().flatten() {
        if let Some(path) = inside(path) {
            let protected = (case.exclude)(&path);
            let kept = protected || (case.keep)(&path);
            let stays = kept
                || (entry.0 == "160000" && (case.covers)(&path))
                || (path == b"CNAME" && destination.is_empty() && !gone);
            let blocked = published.keys().any(|new| covers(new, &path) || covers(&path, new));
            if kept && blocked {
                return None;
            }
            if stays && !blocked {
                result.insert(whole(&path), entry.clone());
            }
        } else if covers(path, destination) || path == destination {
            let ends_here = path == destination;
            match (gone, ends_here, entry.0) {
                (true, false, _) => return case.branch.cloned(),
                (true, true, _) => {}
                (false, true, mode) if mode != "160000" => {}
                _ => return None,
            }
        } else {
            result.insert(path.clone(), entry.clone());
        }
    }
    for (path, entry) in published {
        result.insert(whole(path), entry.clone());
    }
    Some(result)
}
