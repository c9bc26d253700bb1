mod property;

use std::{
    collections::{HashMap, HashSet},
    sync::OnceLock,
};

use emulator::local::{Files, Git};

use super::*;
use crate::{
    git::format::ObjectKind,
    publish::tests::support::{directory, hashed, write_tree},
};

fn git() -> std::sync::MutexGuard<'static, Git> {
    // One repository for all: git takes longer to start than to work.
    static GIT: OnceLock<std::sync::Mutex<Git>> = OnceLock::new();
    GIT.get_or_init(|| Git::new().into()).lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn files(list: &[(&str, &str)]) -> Files {
    list.iter().map(|(path, content)| (path.as_bytes().to_vec(), ("100644", content.as_bytes().to_vec()))).collect()
}

fn globs(patterns: &[&str]) -> Globs {
    Globs::new(patterns).unwrap()
}

#[derive(Default)]
struct Case {
    branch: Option<Files>,
    directory: Option<Files>,
    destination: TreePath,
    keep: Globs,
    exclude: Globs,
    root_files: Vec<RootFile>,
    site: Site,
}

impl Case {
    fn on(branch: &[(&str, &str)], directory: &[(&str, &str)]) -> Self {
        Self { branch: Some(files(branch)), directory: Some(files(directory)), ..Self::default() }
    }

    fn at(mut self, destination: &str) -> Self {
        self.destination = destination.parse().unwrap();
        self
    }

    fn merge_with(&self, git: &Git, trees: &dyn Trees) -> Result<Merged, MergeError> {
        let base = self.branch.as_ref().map(|files| write_tree(git, files));
        let folder = self.directory.as_ref().map(directory);
        let content = match &folder {
            Some(folder) => match hashed(folder.path(), &self.exclude) {
                Err(failure) if failure.cause == Cause::NothingToPublish => None,
                hashed => Some(hashed?),
            },
            None => None,
        };
        let placement = Placement {
            destination: &self.destination,
            keep: &self.keep,
            exclude: &self.exclude,
            root_files: &self.root_files,
            site: self.site,
            closed_previews: &ClosedPreviews::new(),
        };
        merge(trees, base, content.as_ref(), &placement)
    }

    fn merge(&self) -> Result<Merged, MergeError> {
        let git = git();
        self.merge_with(&git, &*git)
    }

    /// Merges, and expects exactly `expected` on the branch.
    fn gives(&self, expected: &[(&str, &str)]) -> Changes {
        let merged = self.merge().unwrap();
        assert_eq!(merged.tree, write_tree(&git(), &files(expected)));
        merged.changes
    }

    fn fails(&self) -> Failure {
        match self.merge() {
            Err(MergeError::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }
}

fn changes(added: u64, changed: u64, removed: u64) -> Changes {
    Changes { added, changed, removed, ..Changes::default() }
}

#[test]
fn the_destination_becomes_the_directory_and_the_rest_stays() {
    let branch = [("index.html", "old"), ("docs/a", "a"), ("docs/gone", "g"), ("other/x", "x")];
    let case = Case::on(&branch, &[("a", "new"), ("sub/b", "b")]).at("docs");
    let expected = [("index.html", "old"), ("docs/a", "new"), ("docs/sub/b", "b"), ("other/x", "x")];
    assert_eq!(case.gives(&expected), changes(1, 1, 1));
    let merged = case.merge().unwrap();
    assert_eq!((merged.trees.len(), merged.blobs.len()), (3, 2));
}

#[test]
fn a_new_branch_is_the_directory() {
    let case = Case { branch: None, ..Case::on(&[], &[("a", "1"), ("b/c", "1")]) }.at("x/y");
    assert_eq!(case.gives(&[("x/y/a", "1"), ("x/y/b/c", "1")]), changes(2, 0, 0));
    let merged = case.merge().unwrap();
    assert_eq!(merged.blobs.len(), 1, "the same content is sent once");
}

#[test]
fn nothing_changed_is_the_same_tree_and_nothing_to_send() {
    let same = [("a", "1"), ("b/c", "2"), ("b/d/e", "3")];
    let merged = Case::on(&same, &same).merge().unwrap();
    assert_eq!(merged.tree, write_tree(&git(), &files(&same)));
    assert!(merged.trees.is_empty() && merged.blobs.is_empty());
    assert_eq!(merged.changes, changes(0, 0, 0));
}

#[test]
fn a_rename_sends_no_blob_and_a_moved_folder_no_tree_of_its_own() {
    let merged = Case::on(&[("a/x", "1"), ("a/y", "2")], &[("b/x", "1"), ("b/y", "2")]).merge().unwrap();
    assert_eq!((merged.trees.len(), merged.blobs.len()), (1, 0));
    assert_eq!(merged.changes, changes(2, 0, 2));
}

#[test]
fn files_turn_into_folders_and_back_and_names_change_their_case() {
    let case = Case::on(
        &[("a", "f"), ("b/x", "1"), ("b/y/z", "2"), ("Read", "r")],
        &[("a/x", "1"), ("b", "f"), ("read", "r")],
    );
    assert_eq!(case.gives(&[("a/x", "1"), ("b", "f"), ("read", "r")]), changes(3, 0, 4));
}

#[test]
fn kept_files_stay_but_may_be_overwritten() {
    let branch = [("a", "old"), ("b", "old"), ("v1/x", "1"), ("v1/y/z", "1"), ("w/x", "1"), ("c/d", "1")];
    let case =
        Case { keep: globs(&["v1", "a", "c/*"]), ..Case::on(&branch, &[("a", "new"), ("w", "file"), ("c/e", "2")]) };
    let expected = [("a", "new"), ("v1/x", "1"), ("v1/y/z", "1"), ("w", "file"), ("c/d", "1"), ("c/e", "2")];
    assert_eq!(case.gives(&expected), changes(2, 1, 2));
}

#[test]
fn excluded_files_are_neither_published_nor_removed() {
    let branch = [(".github/workflows/x.yml", "branch"), ("a.map", "branch"), ("b", "1")];
    let directory = [(".github/workflows/y.yml", "dir"), ("a.map", "dir"), ("c", "1")];
    let case = Case { exclude: globs(&[".github/**", "*.map"]), ..Case::on(&branch, &directory) };
    let expected = [(".github/workflows/x.yml", "branch"), ("a.map", "branch"), ("c", "1")];
    assert_eq!(case.gives(&expected), changes(1, 0, 1));
}

#[test]
fn a_file_can_not_take_the_place_of_a_folder_with_excluded_files() {
    let case =
        Case { exclude: globs(&["a/keep/**"]), ..Case::on(&[("a/keep/x", "1"), ("a/y", "1")], &[("a", "file")]) };
    let failure = case.fails();
    assert_eq!(failure.cause, Cause::InvalidInput);
    assert!(failure.what.contains("a/keep"), "{failure}");
}

#[test]
fn p1_a_submodule_goes_like_a_file_unless_it_is_kept_or_outside() {
    let mut branch = files(&[("a/b", "1")]);
    branch.insert(b"lib/sub".to_vec(), ("160000", b"commit".to_vec()));
    let with_submodule = |list: &[(&str, &str)]| {
        let mut expected = files(list);
        expected.insert(b"lib/sub".to_vec(), ("160000", b"commit".to_vec()));
        expected
    };
    let case = || Case { branch: Some(branch.clone()), ..Case::on(&[], &[("c", "1")]) };
    assert_eq!(case().gives(&[("c", "1")]), changes(1, 0, 2));
    assert_eq!(case().at("lib").gives(&[("a/b", "1"), ("lib/c", "1")]), changes(1, 0, 1));
    let outside = case().at("a").merge().unwrap();
    assert_eq!(outside.tree, write_tree(&git(), &with_submodule(&[("a/c", "1")])));
    for pattern in ["lib/sub", "lib/**"] {
        let kept = Case { keep: globs(&[pattern]), ..case() }.merge().unwrap();
        assert_eq!(kept.tree, write_tree(&git(), &with_submodule(&[("c", "1")])), "{pattern}");
    }
    let case = Case { branch: Some(branch.clone()), directory: None, ..Case::default() }.at("lib");
    assert_eq!(case.gives(&[("a/b", "1")]), changes(0, 0, 1));
}

#[test]
fn p2_a_kept_file_and_the_other_kind_do_not_fit_together() {
    for (branch, directory, keep) in [
        ("previews/pr-1/index.html", "previews", "previews/**"),
        ("a/b/c", "a/b", "**"),
        ("docs", "docs/index.html", "docs"),
        ("f/g", "f/g/h", "f/*"),
    ] {
        let case = Case { keep: globs(&[keep]), ..Case::on(&[(branch, "old")], &[(directory, "new")]) };
        let failure = case.fails();
        assert_eq!(failure.cause, Cause::InvalidInput);
        assert!(failure.what.contains(branch) && failure.what.contains("`keep`"), "{failure}");
    }
    let case = Case { keep: globs(&["b"]), ..Case::on(&[("a/b", "old")], &[("a", "new")]) };
    assert_eq!(case.gives(&[("a", "new")]), changes(1, 0, 1), "`keep` names another file");
}

#[test]
fn p6_the_files_of_the_site_stand_in_the_folder_that_pages_publishes_from() {
    let branch = [("docs/CNAME", "here"), ("docs/old", "1"), ("src/a", "1")];
    let at = |site, root_files| Case { root_files, site, ..Case::on(&branch, &[("a", "1")]) }.at("docs");
    let rest = [("docs/a", "1"), ("src/a", "1")];
    let with = |more: &[(&'static str, &'static str)]| [&rest[..], more].concat();
    at(Site::Destination, Vec::new()).gives(&with(&[("docs/CNAME", "here")]));
    at(Site::Unknown, Vec::new()).gives(&with(&[("docs/CNAME", "here")]));
    at(Site::Root, Vec::new()).gives(&rest);
    let cname = || vec![root_file("CNAME", "new.example", true)];
    at(Site::Destination, cname()).gives(&with(&[("docs/CNAME", "new.example")]));
    at(Site::Unknown, cname()).gives(&with(&[("CNAME", "new.example"), ("docs/CNAME", "here")]));
}

#[test]
fn the_first_files_that_change_are_named_in_the_order_of_their_paths() {
    let branch = [("a.txt", "1"), ("a/b", "1"), ("gone/x", "1"), ("same", "1")];
    let merged = Case::on(&branch, &[("a.txt", "2"), ("a/b", "1"), ("n/1", "1"), ("n/2", "1"), ("same", "1")]);
    let files: Vec<_> = merged.merge().unwrap().files.into_iter().collect();
    let named = |path: &str, status| (path.as_bytes().to_vec(), status);
    let expected = [
        named("a.txt", FileStatus::Changed),
        named("gone/x", FileStatus::Removed),
        named("n/1", FileStatus::Added),
        named("n/2", FileStatus::Added),
    ];
    assert_eq!(files, expected);
    let many: Vec<(String, &str)> = (0..300).map(|number| (format!("f{number:03}"), "1")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(path, content)| (path.as_str(), *content)).collect();
    let files = Case::on(&[("f", "1"), ("z", "1")], &many).merge().unwrap().files;
    assert_eq!(files.len(), MOST_FILES);
    assert_eq!(files.into_iter().take(2).map(|(path, _)| path).collect::<Vec<_>>(), [b"f".to_vec(), b"f000".to_vec()]);
}

#[test]
fn a_destination_below_a_file_or_submodule_of_the_branch_is_refused() {
    let case = Case::on(&[("a", "file"), ("b", "1")], &[("x", "1")]).at("a/b/c");
    let failure = case.fails();
    assert!(failure.what.contains("\"a\" is a file"), "{failure}");
    Case::on(&[("a", "file"), ("b", "1")], &[("x", "1")]).at("a").gives(&[("a/x", "1"), ("b", "1")]);
    let branch = Files::from([(b"s".to_vec(), ("160000", b"commit".to_vec()))]);
    let case = Case { branch: Some(branch), ..Case::on(&[], &[("x", "1")]) }.at("s");
    assert!(case.fails().what.contains("submodule"));
}

#[test]
fn a_destination_is_taken_off_with_the_folders_that_become_empty() {
    let branch = [("pr/1/a", "1"), ("pr/1/b/c", "1"), ("x", "1")];
    let remove = |destination: &str| Case { directory: None, ..Case::on(&branch, &[]) }.at(destination);
    assert_eq!(remove("pr/1").gives(&[("x", "1")]), changes(0, 0, 2));
    for absent in ["pr/2", "q/r", "x/y"] {
        let merged = remove(absent).merge().unwrap();
        assert_eq!(merged.tree, write_tree(&git(), &files(&branch)), "{absent}");
        assert_eq!(merged.changes, changes(0, 0, 0));
    }
    let merged = remove("").merge().unwrap();
    assert_eq!(merged.tree, ObjectKind::Tree.id_of(b""));
    assert_eq!(merged.trees, [(merged.tree, Vec::new())]);
}

fn root_file(name: &'static str, content: &'static str, overwrite: bool) -> RootFile {
    RootFile { name, content: Bytes::from_static(content.as_bytes()), overwrite }
}

#[test]
fn nojekyll_and_cname_go_to_the_root_of_the_branch() {
    let root_files = vec![root_file(".nojekyll", "", false), root_file("CNAME", "new.example", true)];
    let case = |branch: &[(&str, &str)], directory: &[(&str, &str)], destination: &str| {
        Case { root_files: root_files.clone(), ..Case::on(branch, directory) }.at(destination)
    };
    let both = [(".nojekyll", ""), ("CNAME", "new.example")];
    let with = |more: &[(&'static str, &'static str)]| [&both[..], more].concat();
    assert_eq!(case(&[], &[("a", "1")], "").gives(&with(&[("a", "1")])), changes(3, 0, 0));
    assert_eq!(case(&[], &[("a", "1")], "d").gives(&with(&[("d/a", "1")])), changes(3, 0, 0));
    let old = [(".nojekyll", "mine"), ("CNAME", "old.example"), ("a", "1")];
    for (destination, path) in [("", "a"), ("d", "d/a")] {
        let mut expected = vec![(".nojekyll", "mine"), ("CNAME", "new.example"), (path, "2")];
        if path != "a" {
            expected.push(("a", "1"));
        }
        let seen = case(&old, &[("a", "2")], destination).gives(&expected);
        assert_eq!(seen, changes(u64::from(path != "a"), 1 + u64::from(path == "a"), 0), "{destination}");
    }
    let own = [(".nojekyll", "own"), ("CNAME", "own.example"), ("a", "1")];
    assert_eq!(
        case(&both, &own, "").gives(&[(".nojekyll", "own"), ("CNAME", "new.example"), ("a", "1")]),
        changes(1, 1, 0)
    );
    assert_eq!(case(&own, &own[..1], "").gives(&[(".nojekyll", "own"), ("CNAME", "new.example")]), changes(0, 1, 1));
}

#[test]
fn a_cname_of_the_branch_stays_when_the_directory_has_none() {
    let case = Case::on(&[("CNAME", "here"), ("sub/CNAME", "there"), ("b", "1")], &[("a", "1")]);
    assert_eq!(case.gives(&[("CNAME", "here"), ("a", "1")]), changes(1, 0, 2));
    Case::on(&[("CNAME", "here")], &[("CNAME", "new")]).gives(&[("CNAME", "new")]);
}

#[test]
fn changed_workflow_files_are_named() {
    let branch = [(".github/workflows/a.yml", "1"), (".github/workflows/b.yml", "1"), (".github/workflows/c.yml", "1")];
    let named = |case: Case| {
        let mut paths = case.merge().unwrap().changes.workflow_files;
        paths.sort();
        paths.into_iter().map(|path| String::from_utf8(path).unwrap()).collect::<Vec<_>>()
    };
    let directory =
        [(".github/workflows/a.yml", "1"), (".github/workflows/b.yml", "2"), (".github/workflows/d.yml", "1")];
    let expected = ["b", "c", "d"].map(|name| format!(".github/workflows/{name}.yml"));
    assert_eq!(named(Case::on(&branch, &directory)), expected);
    assert_eq!(named(Case::on(&[("x", "1")], &[("workflows/n", "1")]).at(".github")), [".github/workflows/n"]);
    assert!(named(Case::on(&branch, &[(".github/workflows/e.yml", "1")]).at("docs")).is_empty());
}

#[test]
fn old_modes_of_the_branch_are_no_change() {
    let content = [b"100664 a\0".as_slice(), ObjectKind::Blob.id_of(b"1").as_bytes()].concat();
    let base = ObjectKind::Tree.id_of(&content);
    let trees = Held([(base, TreeEntry::read_all(&content).unwrap())].into());
    let folder = directory(&files(&[("a", "1")]));
    let content = hashed(folder.path(), &Globs::default()).unwrap();
    let (root, none) = (TreePath::default(), Globs::default());
    let placement = Placement {
        destination: &root,
        keep: &none,
        exclude: &none,
        root_files: &[],
        site: Site::Root,
        closed_previews: &ClosedPreviews::new(),
    };
    assert_eq!(merge(&trees, Some(base), Some(&content), &placement).unwrap().tree, base);
}

/// Trees in memory.
struct Held(HashMap<Oid, Vec<TreeEntry>>);

impl Trees for Held {
    fn tree(&self, oid: Oid) -> Result<Option<Vec<TreeEntry>>, Failure> {
        Ok(self.0.get(&oid).cloned())
    }
}

#[test]
fn a_handful_of_trees_that_holds_billions_of_files_is_given_up() {
    let entry = |name: u8, mode, oid| TreeEntry { name: vec![name], mode, oid };
    let (mut oid, mut mode) = (ObjectKind::Blob.id_of(b"boom"), crate::git::format::FileMode::FILE);
    let mut held = Held(HashMap::new());
    for _ in 0..10 {
        let entries: Vec<_> = (b'a'..b'a' + 10).map(|name| entry(name, mode, oid)).collect();
        (oid, mode) = (ObjectKind::Tree.id_of(&TreeEntry::write_all(&entries)), crate::git::format::FileMode::TREE);
        held.0.insert(oid, entries);
    }
    assert_eq!(count_files(&held, oid).unwrap(), Some(10_000_000_000), "counted without looking at each");
    let folder = directory(&files(&[("index.html", "1")]));
    let exclude = globs(&[".github/**"]);
    let content = hashed(folder.path(), &exclude).unwrap();
    let (root, keep) = (TreePath::default(), Globs::default());
    let placement = Placement {
        destination: &root,
        keep: &keep,
        exclude: &exclude,
        root_files: &[],
        site: Site::Root,
        closed_previews: &ClosedPreviews::new(),
    };
    match merge(&held, Some(oid), Some(&content), &placement) {
        Err(MergeError::Failed(failure)) => {
            assert_eq!(failure.cause, Cause::ServerError);
            assert!(failure.what.contains("more than 1000000 folders"), "{failure}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn very_deep_trees_are_merged() {
    let deep = |end: &str| format!("{}{end}", "d/".repeat(1200));
    let (branch, directory) = (deep("old"), deep("new"));
    let case = Case::on(&[(&branch, "1"), ("x", "1")], &[(&directory, "2"), ("x", "1")]);
    assert_eq!(case.gives(&[(&directory, "2"), ("x", "1")]), changes(1, 0, 1));
}

/// Trees of which only some were fetched.
struct Partly<'a>(&'a Git, HashSet<Oid>);

impl Trees for Partly<'_> {
    fn tree(&self, oid: Oid) -> Result<Option<Vec<TreeEntry>>, Failure> {
        if self.1.contains(&oid) { self.0.tree(oid) } else { Ok(None) }
    }
}

impl Partly<'_> {
    fn fetch(&mut self, oid: Oid, deep: bool) {
        self.1.insert(oid);
        for entry in self.0.tree(oid).unwrap().unwrap() {
            if deep && entry.mode.is_tree() {
                self.fetch(entry.oid, true);
            }
        }
    }
}

#[test]
fn only_trees_on_the_way_and_inside_the_destination_are_needed() {
    let branch = [("pr/1/a", "1"), ("pr/1/b/c", "2"), ("pr/2/a/b", "3"), ("x/y", "4")];
    let case = Case::on(&branch, &[("a", "3"), ("n", "5")]).at("pr/1");
    let git = git();
    let mut partly = Partly(&git, HashSet::new());
    let mut asked = Vec::new();
    let merged = loop {
        match case.merge_with(&git, &partly) {
            Err(MergeError::Missing { oid, deep }) => {
                asked.push(deep);
                partly.fetch(oid, deep);
            }
            other => break other.unwrap(),
        }
    };
    assert_eq!(asked, [false, false, true]);
    assert_eq!(
        merged.tree,
        write_tree(&git, &files(&[("pr/1/a", "3"), ("pr/1/n", "5"), ("pr/2/a/b", "3"), ("x/y", "4")]))
    );
    assert_eq!(merged.blobs.len(), 2, "what only a tree that was not fetched names is sent again");
    assert_eq!(count_files(&partly, merged.tree).unwrap(), None);
    assert_eq!(count_files(&*git, merged.tree).unwrap(), Some(4));
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let show = |files: &Option<Files>| {
            let line = |(path, (mode, content)): (&Vec<u8>, &(&str, Vec<u8>))| {
                format!("{mode} {} = {}", path.escape_ascii(), content.escape_ascii())
            };
            files.as_ref().map(|files| files.iter().map(line).collect::<Vec<_>>())
        };
        f.debug_struct("Case")
            .field("branch", &show(&self.branch))
            .field("directory", &show(&self.directory))
            .field("destination", &self.destination)
            .field("keep", &self.keep.patterns())
            .field("exclude", &self.exclude.patterns())
            .field("root_files", &self.root_files)
            .finish_non_exhaustive()
    }
}

#[test]
fn trees_that_the_directory_has_too_are_not_read_and_their_files_are_known() {
    let branch = [("a/1", "one"), ("b/2", "two"), ("b/in/3", "three"), ("c/4", "four")];
    let directory = [("a/1", "new"), ("a/moved", "three"), ("b/2", "two"), ("b/in/3", "three"), ("c/4", "four")];
    let case = Case::on(&branch, &directory);
    let git = git();
    let root = write_tree(&git, &files(&branch));
    let entries = git.tree(root).unwrap().unwrap();
    let changed = entries.iter().find(|entry| entry.name == b"a").unwrap().oid;
    let merged = case.merge_with(&git, &Partly(&git, HashSet::from([root, changed]))).unwrap();
    assert_eq!(merged.tree, write_tree(&git, &files(&directory)));
    let blobs: Vec<Oid> = merged.blobs.iter().map(|blob| blob.oid).collect();
    assert_eq!(blobs, [ObjectKind::Blob.id_of(b"new")], "b/in/3 tells that the branch has the moved file");
}
