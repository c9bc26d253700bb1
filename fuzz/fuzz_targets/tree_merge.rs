//! The merge of a directory into a branch, against what it is to give over plain lists of paths.
#![no_main]

#[path = "../../src/publish/tree/model.rs"]
mod model;

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, fs::symlink},
    path::Path,
};

use libfuzzer_sys::{
    arbitrary::{self, Arbitrary, Unstructured},
    fuzz_target,
};
use model::Files;
use repo_relay::{diagnosis::{Cause, Failure}, git::format::{FileMode, ObjectKind, TreeEntry}, progress::NoWatch, globs::Globs, publish::{exposed::Search, hash::{self, Retain}, tree::{ClosedPreviews, Site, MergeError, Merged, Placement, Trees, merge}, walk::walk}, names::Oid};

#[derive(Debug)]
struct Input {
    branch: Option<Files>,
    directory: Option<Files>,
    destination: String,
    keep: Vec<&'static str>,
    exclude: Vec<&'static str>,
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        const PATTERNS: [&str; 10] = ["a", "a/**", "b/", "*", "**/d", "a/*", "d/a", "**", "**/a.b", "A/?"];
        const PLACES: [&str; 7] = ["", "", "a", "b", "a/b", "d/a/b", "a.b/A"];
        let globs = |input: &mut Unstructured<'a>| {
            let count = input.int_in_range(0..=2)?;
            (0..count).map(|_| input.choose(&PATTERNS).copied()).collect::<Result<Vec<_>, _>>()
        };
        let (keep, exclude) = (globs(input)?, globs(input)?);
        let destination = (*input.choose(&PLACES)?).to_owned();
        let modes = ["100644", "100644", "100755", "120000", "160000"];
        let branch = if input.ratio(9, 10)? { Some(files(input, &modes)?) } else { None };
        let directory = if input.ratio(9, 10)? { Some(files(input, &modes[..4])?) } else { None };
        Ok(Self { branch, directory, destination, keep, exclude })
    }
}

fn files(input: &mut Unstructured<'_>, modes: &[&'static str]) -> arbitrary::Result<Files> {
    const NAMES: [&[u8]; 9] = [b"a", b"b", b"a.b", b"a-", b"A", b"CNAME", b"d", b"\xff\xfe", "\u{202e}x".as_bytes()];
    let covers = |above: &[u8], path: &[u8]| path.strip_prefix(above).is_some_and(|rest| rest.first() == Some(&b'/'));
    let mut files = Files::new();
    for _ in 0..input.int_in_range(0..=12)? {
        let depth = input.int_in_range(1..=4)?;
        let names = (0..depth).map(|_| input.choose(&NAMES).copied()).collect::<Result<Vec<_>, _>>()?;
        let path = names.join(&b'/');
        let mode = *input.choose(modes)?;
        let content = vec![*input.choose(b"123")?; input.int_in_range(1..=2)?];
        if !files.keys().any(|old: &Vec<u8>| covers(old, &path) || covers(&path, old)) {
            files.insert(path, (mode, content));
        }
    }
    Ok(files)
}

/// The trees of a branch, made by the plainest code from its list of files.
#[derive(Default)]
struct Objects(HashMap<Oid, Vec<u8>>);

impl Objects {
    fn write(&mut self, files: &Files) -> Oid {
        let mut entries: Vec<TreeEntry> = Vec::new();
        let mut folders: std::collections::BTreeMap<Vec<u8>, Files> = Default::default();
        for (path, (mode, content)) in files {
            match path.iter().position(|byte| *byte == b'/') {
                Some(slash) => {
                    let below = folders.entry(path[..slash].to_vec()).or_default();
                    below.insert(path[slash + 1..].to_vec(), (mode, content.clone()));
                }
                None => {
                    let oid = ObjectKind::Blob.id_of(content);
                    entries.push(TreeEntry { name: path.clone(), mode: mode_of(mode), oid });
                }
            }
        }
        for (name, files) in folders {
            let oid = self.write(&files);
            entries.push(TreeEntry { name, mode: FileMode::TREE, oid });
        }
        // Git's order: as if the name of a folder ended in a slash.
        entries.sort_by_key(|entry| [&entry.name[..], if entry.mode.is_tree() { b"/" } else { b"" }].concat());
        let content = TreeEntry::write_all(&entries);
        let oid = ObjectKind::Tree.id_of(&content);
        self.0.insert(oid, content);
        oid
    }
}

impl Trees for Objects {
    fn tree(&self, oid: Oid) -> Result<Option<Vec<TreeEntry>>, Failure> {
        Ok(self.0.get(&oid).map(|content| TreeEntry::read_all(content).expect("a tree")))
    }
}

fn mode_of(mode: &str) -> FileMode {
    match mode {
        "100644" => FileMode::FILE,
        "100755" => FileMode::EXECUTABLE,
        "120000" => FileMode::SYMLINK,
        _ => FileMode::SUBMODULE,
    }
}

fuzz_target!(|input: Input| {
    let globs = |patterns: &[&str]| Globs::new(patterns).expect("globs");
    let (keep, exclude) = (globs(&input.keep), globs(&input.exclude));
    let expected = model::expected(&model::Case {
        branch: input.branch.as_ref(),
        directory: input.directory.as_ref(),
        destination: &input.destination,
        keep: &|path| keep.matches(path),
        exclude: &|path| exclude.matches(path),
        covers: &|path| keep.cover(path) || exclude.cover(path),
    });
    let mut objects = Objects::default();
    let base = input.branch.as_ref().map(|files| objects.write(files));
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let content = match &input.directory {
        Some(files) => {
            put(files, folder.path());
            match walk(folder.path(), &exclude) {
                Err(failure) if failure.cause == Cause::NothingToPublish => None,
                listing => {
                    let listing = listing.expect("a folder that can be read");
                    Some(hash::hash(listing, &Retain::nothing(), &Search::nothing(), &NoWatch).expect("files that can be read"))
                }
            }
        }
        None => None,
    };
    let destination = input.destination.parse().expect("a path");
    let placement = Placement { destination: &destination, keep: &keep, exclude: &exclude, root_files: &[], site: Site::Root, closed_previews: &ClosedPreviews::new() };
    match (merge(&objects, base, content.as_ref(), &placement), expected) {
        (Ok(merged), Some(expected)) => {
            check(&objects, base, &merged);
            assert_eq!(merged.tree, Objects::default().write(&expected), "{expected:?}");
            let empty = Files::new();
            let before = input.branch.as_ref().unwrap_or(&empty);
            let added = expected.keys().filter(|path| !before.contains_key(*path)).count() as u64;
            let removed = before.keys().filter(|path| !expected.contains_key(*path)).count() as u64;
            assert_eq!((merged.changes.added, merged.changes.removed), (added, removed));
        }
        (Err(MergeError::Failed(_)), None) => {}
        (merged, expected) => panic!("{merged:?} but {expected:?}"),
    }
});

fn put(files: &Files, folder: &Path) {
    for (path, (mode, content)) in files {
        let place = folder.join(OsStr::from_bytes(path));
        fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
        if *mode == "120000" {
            symlink(OsStr::from_bytes(content), place).expect("a link");
        } else {
            fs::write(&place, content).expect("a file");
            let bits = if *mode == "100755" { 0o755 } else { 0o644 };
            fs::set_permissions(place, fs::Permissions::from_mode(bits)).expect("a mode");
        }
    }
}

/// All that the new tree needs is sent or was there, and nothing is sent that was there.
fn check(objects: &Objects, base: Option<Oid>, merged: &Merged) {
    let mut known = HashSet::new();
    let mut open: Vec<_> = base.into_iter().collect();
    while let Some(oid) = open.pop() {
        if known.insert(oid) {
            open.extend(objects.tree(oid).expect("in memory").unwrap_or_default().iter().map(|entry| entry.oid));
        }
    }
    let trees: HashMap<_, _> = merged.trees.iter().cloned().collect();
    let blobs: HashSet<_> = merged.blobs.iter().map(|blob| blob.oid).collect();
    assert!(trees.keys().chain(&blobs).all(|oid| !known.contains(oid)), "what is known is sent");
    let mut open = vec![merged.tree];
    while let Some(oid) = open.pop() {
        if known.contains(&oid) {
            continue;
        }
        let content = trees.get(&oid).unwrap_or_else(|| panic!("the tree {oid} is not sent"));
        assert_eq!(ObjectKind::Tree.id_of(content), oid);
        let entries = TreeEntry::read_all(content).expect("a tree");
        assert!(entries.is_sorted_by(|one, other| one.order(other).is_lt()), "in git's order");
        for entry in entries {
            if entry.mode.is_tree() {
                open.push(entry.oid);
            } else if !entry.mode.is_submodule() {
                assert!(known.contains(&entry.oid) || blobs.contains(&entry.oid), "the blob {} is not sent", entry.oid);
            }
        }
    }
}
