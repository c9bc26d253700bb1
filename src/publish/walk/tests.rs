use std::{
    os::unix::{fs::PermissionsExt, fs::symlink, net::UnixListener},
    path::Path,
};

use super::*;

fn put(root: &Path, path: &str, content: &str) {
    let place = root.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, content).unwrap();
}

fn paths(listing: &Listing) -> Vec<String> {
    listing.files().iter().map(|file| String::from_utf8_lossy(&file.path).into_owned()).collect()
}

#[test]
fn everything_is_listed_in_the_order_of_git() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["a/x", "a.b", "a0", "-dash", "two words", "line\nbreak", "ünï", ".hidden", ".gitignore", "z/y/w"] {
        put(folder.path(), path, path);
    }
    put(folder.path(), ".gitignore", "*");
    fs::create_dir_all(folder.path().join("empty/deeper")).unwrap();
    let listing = walk(folder.path(), &Globs::default()).unwrap();
    let expected = ["-dash", ".gitignore", ".hidden", "a.b", "a/x", "a0", "line\nbreak", "two words", "z/y/w", "ünï"];
    assert_eq!(paths(&listing), expected);
    assert_eq!(listing.bytes(), listing.files().iter().map(|file| file.size).sum::<u64>());
}

#[test]
fn modes_are_those_of_git_and_links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "run", "#!/bin/sh");
    fs::set_permissions(folder.path().join("run"), fs::Permissions::from_mode(0o744)).unwrap();
    put(folder.path(), "group", "");
    fs::set_permissions(folder.path().join("group"), fs::Permissions::from_mode(0o674)).unwrap();
    symlink("/etc", folder.path().join("link")).unwrap();
    symlink(".", folder.path().join("loop")).unwrap();
    let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
    let listing = walk(folder.path(), &Globs::default()).unwrap();
    let modes: Vec<_> = listing.files().iter().map(|file| file.mode).collect();
    assert_eq!(modes, [FileMode::FILE, FileMode::SYMLINK, FileMode::SYMLINK, FileMode::EXECUTABLE]);
    assert_eq!(listing.link_target(&listing.files()[1]).unwrap(), "/etc");
    assert_eq!(listing.skipped, [Box::from(&b"socket"[..])]);
}

#[test]
fn dot_git_is_passed_over_at_any_depth_and_excluded_files_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    for path in [".git/HEAD", "a/.git", "b/.GIT/config", "a/b/.git/x", "kept", ".github/workflows/x.yml", "a/x.map"] {
        put(folder.path(), path, "");
    }
    let exclude = Globs::new(&[".github/**", "**/*.map"]).unwrap();
    let listing = walk(folder.path(), &exclude).unwrap();
    assert_eq!(paths(&listing), ["kept"]);
    assert_eq!(listing.excluded, 2);
}

#[test]
fn a_refused_name_is_named_unless_it_is_excluded() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a/git~1", "");
    put(folder.path(), "b", "");
    let failure = walk(folder.path(), &Globs::default()).unwrap_err();
    assert_eq!(failure.cause, Cause::InvalidInput);
    assert!(failure.what.contains("a/git~1"), "{failure}");
    assert!(walk(folder.path(), &Globs::new(&["a"]).unwrap()).is_ok());
}

#[test]
fn a_directory_without_files_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let why = |exclude: &[&str]| {
        let failure = walk(folder.path(), &Globs::new(exclude).unwrap()).unwrap_err();
        assert_eq!(failure.cause, Cause::NothingToPublish);
        failure.what
    };
    assert!(why(&[]).contains("it is empty"));
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    assert!(why(&[]).contains("its folders hold no file"));
    put(folder.path(), "a/b/c", "");
    assert!(why(&["a"]).contains("`exclude`"));
}

#[test]
fn a_file_that_changes_meanwhile_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a", "one");
    put(folder.path(), "b", "one");
    let listing = walk(folder.path(), &Globs::default()).unwrap();
    assert!(listing.open(&listing.files()[0]).is_ok());
    put(folder.path(), "new", "other");
    fs::rename(folder.path().join("new"), folder.path().join("a")).unwrap();
    assert!(listing.open(&listing.files()[0]).unwrap_err().what.contains("changed"));
    fs::remove_file(folder.path().join("b")).unwrap();
    assert!(listing.open(&listing.files()[1]).unwrap_err().what.contains("cannot be read"));
}

#[test]
fn what_takes_the_place_of_a_folder_that_is_being_read_is_not_read() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().canonicalize().unwrap();
    for path in ["site/f/a", "site/f/b", "site/g/a", "site/top"] {
        put(&root, path, path);
    }
    for path in ["outside/a", "outside/b"] {
        put(&root, path, "a secret");
    }
    let listing = walk(&root.join("site"), &Globs::default()).unwrap();
    let reader = Reader::of(&listing);
    let read = |reader: &Reader<'_>, at: usize| {
        reader.open(&listing.files()[at]).map(|file| io::read_to_string(file).unwrap())
    };
    let exchange = || {
        fs::rename(root.join("site/f"), root.join("moved")).unwrap();
        symlink(root.join("outside"), root.join("site/f")).unwrap();
    };
    // One thread, which holds the folder of its last file.
    rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(|| {
        let reader = Reader::of(&listing);
        for (at, path) in paths(&listing).iter().enumerate() {
            assert_eq!(&read(&reader, at).unwrap(), &format!("site/{path}"));
        }
        assert_eq!(read(&reader, 0).unwrap(), "site/f/a");
        exchange();
        assert_eq!(read(&reader, 1).unwrap(), "site/f/b", "the folder itself is held");
        assert_eq!(read(&reader, 2).unwrap(), "site/g/a");
        assert!(read(&reader, 1).unwrap_err().what.contains("changed"), "it is looked for once more");
        fs::write(root.join("site/g/a"), "longer than before").unwrap();
        assert!(read(&reader, 2).unwrap_err().what.contains("changed"));
    });
    assert!(read(&reader, 0).unwrap_err().what.contains("changed"), "outside of a pool nothing is held");
}

#[test]
fn a_directory_stays_inside_the_workspace() {
    let outer = tempfile::tempdir().unwrap();
    let workspace = outer.path().join("ws");
    put(&workspace, "site/index.html", "");
    put(outer.path(), "elsewhere/x", "");
    symlink(outer.path().join("elsewhere"), workspace.join("out")).unwrap();
    symlink("site", workspace.join("in")).unwrap();
    let resolve = |directory: &str| resolve_directory(&workspace, directory);
    let site = workspace.canonicalize().unwrap().join("site");
    for fine in ["site", "./site/", "site/../site", "in", workspace.join("site").to_str().unwrap()] {
        assert_eq!(resolve(fine).unwrap(), site, "{fine}");
    }
    assert_eq!(resolve(".").unwrap(), site.parent().unwrap());
    for outside in ["..", "../ws/site", "../nowhere", "out", "/", "/etc", "site/../../elsewhere"] {
        assert_eq!(resolve(outside).unwrap_err().cause, Cause::InvalidInput, "{outside}");
    }
    for absent in ["nope", "site/index.html", "site/index.html/x", "site\\x"] {
        assert_eq!(resolve(absent).unwrap_err().cause, Cause::DirectoryNotFound, "{absent}");
    }
    put(&workspace, "site/x/index.html", "");
    let slashes = resolve("site\\x").unwrap_err().to_string();
    assert!(slashes.contains("backslashes") && slashes.contains("`directory: site/x`"), "{slashes}");
}
