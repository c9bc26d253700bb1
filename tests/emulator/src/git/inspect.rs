//! What a push brings: new commits, large files, workflow files.

use std::collections::BTreeSet;

use git2::{Commit, ObjectType, Odb, Oid, Repository, Tree, TreeWalkMode, TreeWalkResult};

use crate::lfs;

const WORKFLOWS: &str = ".github/workflows";

/// An object id; `None` for the 40 zeros of a ref that is made or deleted.
pub(super) fn id(text: &str) -> Option<Oid> {
    Oid::from_str(text).ok().filter(|id| !id.is_zero())
}

/// The commit that a value of a ref names, through an annotated tag if need be.
pub(super) fn commit<'a>(bare: &'a Repository, value: &str) -> Option<Commit<'a>> {
    bare.find_object(id(value)?, None).ok()?.peel_to_commit().ok()
}

/// Commits reachable from a new value that no ref reaches yet, newest first.
pub(super) fn new_commits<'a>(bare: &'a Repository, value: &str) -> Vec<Commit<'a>> {
    let walk = || {
        let mut walk = bare.revwalk()?;
        walk.push(commit(bare, value).ok_or_else(|| git2::Error::from_str("no commit"))?.id())?;
        walk.hide_glob("refs/*")?;
        Ok::<_, git2::Error>(walk.flatten().filter_map(|id| bare.find_commit(id).ok()).collect())
    };
    walk().unwrap_or_default()
}

/// Commits reachable from a new value and not from the old one, newest first.
pub(crate) fn commits_between<'a>(bare: &'a Repository, old: &str, new: &str) -> Vec<Commit<'a>> {
    let walk = || {
        let mut walk = bare.revwalk()?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL)?;
        walk.push(Oid::from_str(new)?)?;
        walk.hide(Oid::from_str(old)?)?;
        Ok::<_, git2::Error>(walk.flatten().filter_map(|id| bare.find_commit(id).ok()).collect())
    };
    walk().unwrap_or_default()
}

/// Whether the old value is an ancestor of the new one.
pub(super) fn is_fast_forward(bare: &Repository, old: &str, new: &str) -> bool {
    match (id(old), id(new)) {
        (Some(old), Some(new)) => old == new || bare.graph_descendant_of(new, old).unwrap_or(false),
        _ => true,
    }
}

/// Path and size of each file that a commit adds or changes, against its first parent.
pub(super) fn changed_files(bare: &Repository, commit: &Commit<'_>) -> Vec<(String, u64)> {
    let before = commit.parent(0).ok().and_then(|parent| parent.tree().ok());
    let mut files = Vec::new();
    if let (Ok(after), Ok(store)) = (commit.tree(), bare.odb()) {
        take_changed(bare, &store, before.as_ref(), &after, "", &mut files);
    }
    files
}

/// As git itself does, and libgit2 does not: what is the same folder before and after is not looked into.
fn take_changed(
    bare: &Repository,
    store: &Odb<'_>,
    before: Option<&Tree<'_>>,
    after: &Tree<'_>,
    folder: &str,
    files: &mut Vec<(String, u64)>,
) {
    for entry in after {
        let old = before.and_then(|before| before.get_name_bytes(entry.name_bytes()));
        if old.as_ref().is_some_and(|old| (old.id(), old.filemode()) == (entry.id(), entry.filemode())) {
            continue;
        }
        let path = format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes()));
        if entry.kind() == Some(ObjectType::Tree) {
            let old = old.and_then(|old| bare.find_tree(old.id()).ok());
            if let Ok(tree) = bare.find_tree(entry.id()) {
                take_changed(bare, store, old.as_ref(), &tree, &format!("{path}/"), files);
            }
        } else if let Ok((size, _)) = store.read_header(entry.id()) {
            files.push((path, size as u64));
        }
    }
}

/// The LFS objects that the pointer files name which a commit adds or changes.
pub(super) fn lfs_objects(bare: &Repository, commit: &Commit<'_>) -> Vec<String> {
    let Ok(tree) = commit.tree() else { return Vec::new() };
    let small = changed_files(bare, commit).into_iter().filter(|(_, size)| *size < 1024);
    let blobs = small.filter_map(|(path, _)| bare.find_blob(tree.get_path(path.as_ref()).ok()?.id()).ok());
    blobs.filter_map(|blob| lfs::pointer(blob.content())).collect()
}

/// Path and blob of each workflow file of a commit.
fn workflow_files(bare: &Repository, commit: &Commit<'_>) -> BTreeSet<(String, Oid)> {
    let folder = commit.tree().and_then(|tree| tree.get_path(WORKFLOWS.as_ref())?.to_object(bare)?.peel_to_tree());
    let Ok(folder) = folder else { return BTreeSet::new() };
    let mut files = BTreeSet::new();
    let _ = folder.walk(TreeWalkMode::PreOrder, |parent, entry| {
        if entry.kind() == Some(ObjectType::Blob) {
            let name = String::from_utf8_lossy(entry.name_bytes());
            files.insert((format!("{WORKFLOWS}/{parent}{name}"), entry.id()));
        }
        TreeWalkResult::Ok
    });
    files
}

/// The first workflow file of a new value that stands so at the tip of no branch.
pub(super) fn new_workflow_file(bare: &Repository, value: &str) -> Option<String> {
    let mut files = workflow_files(bare, &commit(bare, value)?);
    for reference in bare.references_glob("refs/heads/*").ok()?.flatten() {
        if files.is_empty() {
            break;
        }
        if let Ok(tip) = reference.peel_to_commit() {
            let known = workflow_files(bare, &tip);
            files.retain(|file| !known.contains(file));
        }
    }
    files.into_iter().next().map(|(path, _)| path)
}
