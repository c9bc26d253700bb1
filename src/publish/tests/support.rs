//! Folders and trees for the tests of this module.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
};

use emulator::local::{Files, Git};

use crate::{diagnosis::Failure, git::format::TreeEntry, names::Oid, progress::NoWatch};
use crate::{
    globs::Globs,
    publish::{
        exposed::Search,
        hash::{self, Hashed, Retain},
        tree::Trees,
        walk,
    },
};

/// The tree of `files`.
pub(crate) fn write_tree(git: &Git, files: &Files) -> Oid {
    git.write_tree(files).parse().unwrap()
}

impl Trees for Git {
    fn tree(&self, oid: Oid) -> Result<Option<Vec<TreeEntry>>, Failure> {
        Ok(self.read_tree(&oid.to_string()).and_then(|content| TreeEntry::read_all(&content)))
    }
}

/// Writes `files` into a fresh folder.
pub(crate) fn directory(files: &Files) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, (mode, content)) in files {
        let place = folder.path().join(std::ffi::OsStr::from_bytes(path));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        if *mode == "120000" {
            std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(content), place).unwrap();
        } else {
            fs::write(&place, content).unwrap();
            let bits = if *mode == "100755" { 0o755 } else { 0o644 };
            fs::set_permissions(place, fs::Permissions::from_mode(bits)).unwrap();
        }
    }
    folder
}

/// Lists and hashes a folder.
pub(crate) fn hashed(root: &Path, exclude: &Globs) -> Result<Hashed, Failure> {
    hash::hash(walk::walk(root, exclude)?, &Retain::nothing(), &Search::nothing(), &NoWatch)
}
