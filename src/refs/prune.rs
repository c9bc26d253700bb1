//! Refs of the target that a pattern names and the checkout no longer has, as `git push --prune` finds them. Pure.
//!
//! Source: <https://git-scm.com/docs/git-push#Documentation/git-push.txt---prune>, `remote.c` of git (`get_ref_match`)

use std::collections::BTreeSet;

use super::spec::{BRANCHES, fits, is_hidden, is_left_out};
use crate::{
    git::advertisement::Advertisement,
    inputs::Refspec,
    names::{Oid, RefName},
};

/// What the patterns name at the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// The refs without a source, in order of their names.
    pub refs: Vec<(RefName, Oid)>,
    /// How many refs of the target the patterns match, with a source or without.
    pub matching: usize,
}

/// The refs of `target` that match the right side of a pattern of `specs`. A ref is extra where its source is not among
/// `sources`, the refs of the checkout, and no line gives it a value (`written`).
pub fn extra(
    specs: &[Refspec],
    sources: &BTreeSet<RefName>,
    written: &BTreeSet<&RefName>,
    target: &Advertisement,
) -> Extra {
    let left_out: Vec<&str> =
        specs.iter().filter(|spec| spec.negative).filter_map(|spec| spec.source.as_deref()).collect();
    let patterns: Vec<(&str, &str)> = specs.iter().filter(|spec| !spec.negative).filter_map(pattern).collect();
    let mut extra = Extra::default();
    for (name, value) in &target.refs {
        let text = name.as_str();
        // Names of the server's own, such as `refs/pull/`, have no source in
        // any checkout: all of them would look extra.
        if is_hidden(name) || is_left_out(&left_out, text) {
            continue;
        }
        // The first pattern that fits decides, as in git.
        let source = patterns.iter().find_map(|(source, to)| Some(source.replacen('*', fits(to, text)?, 1)));
        let Some(source) = source else { continue };
        extra.matching += 1;
        let is_there = source.parse::<RefName>().is_ok_and(|source| sources.contains(&source));
        if !is_there && !written.contains(name) {
            extra.refs.push((name.clone(), *value));
        }
    }
    extra
}

/// Both sides of a line that is a pattern; `:` stands for all branches.
fn pattern(spec: &Refspec) -> Option<(&str, &str)> {
    match (spec.source.as_deref(), spec.destination.as_deref()) {
        (Some(source), to) if source.contains('*') => Some((source, to.filter(|to| !to.is_empty()).unwrap_or(source))),
        (None, Some("")) => Some((BRANCHES, BRANCHES)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> BTreeSet<RefName> {
        list.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn refspec(line: &str) -> Refspec {
        let text = |part: &str| Some(part.to_owned());
        if let Some(left_out) = line.strip_prefix('^') {
            return Refspec { force: false, negative: true, source: text(left_out), destination: None };
        }
        let (source, destination) = match line.split_once(':') {
            Some((source, to)) => (text(source).filter(|source| !source.is_empty()), text(to)),
            None => (text(line), None),
        };
        Refspec { force: false, negative: false, source, destination }
    }

    fn found(specs: &[&str], sources: &[&str], target: &[&str]) -> (Vec<String>, usize) {
        let specs: Vec<Refspec> = specs.iter().map(|spec| refspec(spec)).collect();
        let value: Oid = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
        let mut advertisement = Advertisement::default();
        advertisement.refs = names(target).into_iter().map(|name| (name, value)).collect();
        let extra = super::extra(&specs, &names(sources), &BTreeSet::new(), &advertisement);
        (extra.refs.iter().map(|(name, _)| name.to_string()).collect(), extra.matching)
    }

    #[test]
    fn what_matches_and_has_no_source_is_extra() {
        let target = ["refs/heads/main", "refs/heads/old", "refs/tags/v1", "refs/pull/1/head"];
        let main = ["refs/heads/main"];
        assert_eq!(found(&["refs/heads/*"], &main, &target), (vec!["refs/heads/old".into()], 2));
        assert_eq!(found(&["refs/heads/*", "^refs/heads/o*"], &main, &target), (vec![], 1));
        assert_eq!(found(&["main"], &main, &target), (vec![], 0), "a line without a pattern prunes nothing");
        assert_eq!(found(&[":"], &main, &target), (vec!["refs/heads/old".into()], 2));
        assert_eq!(found(&["refs/*"], &main, &target).0, ["refs/heads/old", "refs/tags/v1"]);
        let mapped = ["refs/heads/m/main", "refs/heads/m/old", "refs/heads/old"];
        assert_eq!(found(&["refs/heads/*:refs/heads/m/*"], &main, &mapped), (vec!["refs/heads/m/old".into()], 2));
    }
}
