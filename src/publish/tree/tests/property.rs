//! Random branches, directories and inputs: what the merge makes is the tree that git makes of the same list of files.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The list of files that the branch is to hold; nothing where the two do not fit together.
fn expected(case: &Case) -> Option<Files> {
    let mut result = model::expected(&model::Case {
        branch: case.branch.as_ref(),
        directory: case.directory.as_ref(),
        destination: case.destination.as_str(),
        keep: &|path| case.keep.matches(path),
        exclude: &|path| case.exclude.matches(path),
        covers: &|path| case.keep.cover(path) || case.exclude.cover(path),
    })?;
    let published: BTreeMap<_, _> =
        case.directory.iter().flatten().filter(|(path, _)| !case.exclude.matches(path)).collect();
    for file in &case.root_files {
        result = with_root_file(case, &published, result, file)?;
    }
    Some(result)
}

/// The result with `.nojekyll` or `CNAME`; nothing when what `exclude` or `keep` protects stands in its place.
fn with_root_file(
    case: &Case,
    published: &BTreeMap<&Vec<u8>, &(&'static str, Vec<u8>)>,
    mut result: Files,
    file: &RootFile,
) -> Option<Files> {
    let name = file.name.as_bytes().to_vec();
    let below = |path: &[u8]| path.strip_prefix(&name[..]).is_some_and(|rest| rest.first() == Some(&b'/'));
    let before = case.branch.as_ref().and_then(|branch| branch.get(&name));
    let entry = ("100644", file.content.to_vec());
    if !case.destination.is_root() {
        let there = result.get(&name).cloned();
        match there {
            Some(_) if !file.overwrite => {}
            None if result.keys().any(|path| below(path)) => {}
            _ => drop(result.insert(name, entry)),
        }
        return Some(result);
    }
    if published.keys().any(|path| below(path)) || (published.contains_key(&name) && !file.overwrite) {
        return Some(result);
    }
    if !published.contains_key(&name)
        && !file.overwrite
        && let Some(before) = before
    {
        result.insert(name, before.clone());
        return Some(result);
    }
    if case
        .branch
        .iter()
        .flatten()
        .any(|(path, _)| below(path) && (case.exclude.matches(path) || case.keep.matches(path)))
    {
        return None;
    }
    result.retain(|path, _| !below(path));
    result.insert(name, entry);
    Some(result)
}

fn counted(case: &Case, after: &Files) -> (u64, u64, u64) {
    let empty = Files::new();
    let before = case.branch.as_ref().unwrap_or(&empty);
    let count = |found: usize| found as u64;
    (
        count(after.keys().filter(|path| !before.contains_key(*path)).count()),
        count(after.iter().filter(|(path, entry)| before.get(*path).is_some_and(|old| old != *entry)).count()),
        count(before.keys().filter(|path| !after.contains_key(*path)).count()),
    )
}

fn any_files(modes: &'static [&'static str], at_least: usize) -> impl Strategy<Value = Files> {
    static NAMES: [&str; 8] = ["a", "b", "a.b", "a-", "A", "CNAME", ".nojekyll", "d"];
    let path =
        prop::collection::vec(prop::sample::select(&NAMES[..]), 1..4).prop_map(|names| names.join("/").into_bytes());
    let entry = (prop::sample::select(modes), prop::sample::select(vec![b"1", b"2", b"3"]));
    prop::collection::vec((path, entry), at_least..14).prop_map(|list| {
        let mut files = Files::new();
        for (path, (mode, content)) in list {
            let covers =
                |above: &[u8], path: &[u8]| path.strip_prefix(above).is_some_and(|rest| rest.first() == Some(&b'/'));
            if !files.keys().any(|old: &Vec<u8>| covers(old, &path) || covers(&path, old)) {
                files.insert(path, (mode, content.to_vec()));
            }
        }
        files
    })
}

fn any_globs() -> impl Strategy<Value = Globs> {
    static PATTERNS: [&str; 10] = ["a", "a/**", "b/", "*", "**/d", "a/*", "d/a", "**", "**/a.b", "A/?"];
    prop::collection::vec(prop::sample::select(&PATTERNS[..]), 0..3).prop_map(|patterns| globs(&patterns))
}

fn any_case() -> impl Strategy<Value = Case> {
    let branch = prop::option::weighted(0.9, any_files(&["100644", "100644", "100755", "120000", "160000"], 0));
    let directory = prop::option::weighted(0.85, any_files(&["100644", "100644", "100755", "120000"], 1));
    let destination = prop::sample::select(&["", "", "a", "b", "a/b", "d/a/b"][..]);
    let root_files = (prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    (branch, directory, destination, any_globs(), any_globs(), root_files).prop_map(
        |(branch, directory, destination, keep, exclude, (nojekyll, cname))| {
            let mut root_files = Vec::new();
            // Where nothing is published, nothing is added either.
            let published = directory.iter().flatten().any(|(path, _)| !exclude.matches(path));
            if published && nojekyll {
                root_files.push(root_file(".nojekyll", "", false));
            }
            if published && cname {
                root_files.push(root_file("CNAME", "2", true));
            }
            Case {
                branch,
                directory,
                destination: destination.parse().unwrap(),
                keep,
                exclude,
                root_files,
                site: Site::Root,
            }
        },
    )
}

/// Every blob, tree and submodule commit named by a tree below `root` that is here.
fn known_objects(trees: &dyn Trees, root: Oid) -> Result<HashSet<Oid>, Failure> {
    let mut known = HashSet::from([root]);
    let mut open = vec![root];
    while let Some(oid) = open.pop() {
        for entry in trees.tree(oid)?.unwrap_or_default() {
            if known.insert(entry.oid) && entry.mode.is_tree() {
                open.push(entry.oid);
            }
        }
    }
    Ok(known)
}

/// Everything that `merged` needs is sent or known, and nothing is sent that is known.
fn check_objects(git: &Git, base: Option<Oid>, merged: &Merged) -> Result<(), TestCaseError> {
    let known = base.map(|base| known_objects(git, base).unwrap()).unwrap_or_default();
    let trees: HashMap<_, _> = merged.trees.iter().cloned().collect();
    let blobs: HashSet<_> = merged.blobs.iter().map(|blob| blob.oid).collect();
    prop_assert_eq!((trees.len(), blobs.len()), (merged.trees.len(), merged.blobs.len()));
    prop_assert!(trees.keys().chain(&blobs).all(|oid| !known.contains(oid)));
    let mut used = HashSet::new();
    let mut open = vec![merged.tree];
    while let Some(oid) = open.pop() {
        if known.contains(&oid) || !used.insert(oid) {
            continue;
        }
        let content = trees.get(&oid).ok_or_else(|| TestCaseError::fail(format!("the tree {oid} is not sent")))?;
        prop_assert_eq!(ObjectKind::Tree.id_of(content), oid);
        for entry in TreeEntry::read_all(content).unwrap() {
            if entry.mode.is_tree() {
                open.push(entry.oid);
            } else if !entry.mode.is_submodule() && !known.contains(&entry.oid) {
                prop_assert!(blobs.contains(&entry.oid), "the blob {} is not sent", entry.oid);
                used.insert(entry.oid);
            }
        }
    }
    prop_assert_eq!(used.len(), trees.len() + blobs.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_merge_is_what_git_makes_of_the_merged_list_of_files(case in any_case()) {
        let git = git();
        match (case.merge_with(&git, &*git), expected(&case)) {
            (Ok(merged), Some(expected)) => {
                prop_assert_eq!(merged.tree, write_tree(&git, &expected));
                let Changes { added, changed, removed, .. } = merged.changes;
                prop_assert_eq!((added, changed, removed), counted(&case, &expected));
                check_objects(&git, case.branch.as_ref().map(|files| write_tree(&git, files)), &merged)?;
            }
            (Err(MergeError::Failed(_)), None) => {}
            (merged, expected) => prop_assert!(false, "{merged:?} but {expected:?}"),
        }
    }
}
