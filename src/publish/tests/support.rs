//! Real git for the tests: a repository in a temporary folder, with no configuration but its own.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

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

/// Octal modes as git prints them.
pub(crate) type Files = BTreeMap<Vec<u8>, (&'static str, Vec<u8>)>;

pub(crate) struct Git {
    folder: tempfile::TempDir,
    reader: Mutex<(Child, ChildStdin, BufReader<ChildStdout>)>,
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1").env_remove("GIT_DIR");
    for name in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{name}_NAME"), "A").env(format!("GIT_{name}_EMAIL"), "a@b");
    }
    command
}

/// What git answers in `folder` to this, with `input` as its standard input.
pub(crate) fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = command(folder)
        .args(arguments)
        .env("GIT_INDEX_FILE", folder.join("test-index"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    output.stdout
}

impl Git {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        assert!(command(folder.path()).args(["init", "-q", "-b", "main"]).status().unwrap().success());
        let mut child = command(folder.path())
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { folder, reader: Mutex::new((child, stdin, BufReader::new(stdout))) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        git(self.path(), arguments, input)
    }

    pub(crate) fn line(&self, arguments: &[&str], input: &[u8]) -> String {
        String::from_utf8(self.run(arguments, input)).unwrap().trim().to_owned()
    }

    /// The tree of `files`, made by git's own index. A submodule's content names its commit.
    pub(crate) fn write_tree(&self, files: &Files) -> Oid {
        let mut lines = Vec::new();
        for (path, (mode, content)) in files {
            let kind = crate::git::format::ObjectKind::Blob;
            lines.extend_from_slice(format!("{mode} {}\t", kind.id_of(content)).as_bytes());
            lines.extend_from_slice(path);
            lines.push(0);
        }
        self.run(&["read-tree", "--empty"], b"");
        self.run(&["update-index", "-z", "--index-info"], &lines);
        self.line(&["write-tree", "--missing-ok"], b"").parse().unwrap()
    }
}

impl Drop for Git {
    fn drop(&mut self) {
        let mut reader = self.reader.lock().unwrap();
        reader.0.kill().unwrap();
        reader.0.wait().unwrap();
    }
}

impl Trees for Git {
    fn tree(&self, oid: Oid) -> Result<Option<Vec<TreeEntry>>, Failure> {
        let mut reader = self.reader.lock().unwrap();
        let (_, stdin, stdout) = &mut *reader;
        writeln!(stdin, "{oid}").unwrap();
        stdin.flush().unwrap();
        let mut head = String::new();
        stdout.read_line(&mut head).unwrap();
        if head.trim_end().ends_with("missing") {
            return Ok(None);
        }
        let mut words = head.split_whitespace().skip(1);
        assert_eq!(words.next(), Some("tree"));
        let mut content = vec![0; words.next().unwrap().parse::<usize>().unwrap() + 1];
        stdout.read_exact(&mut content).unwrap();
        content.pop();
        Ok(TreeEntry::read_all(&content))
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
