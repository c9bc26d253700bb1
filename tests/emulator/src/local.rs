//! Real git for tests: a repository in a temporary folder, with no configuration but its own.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "for tests alone, which stop at the first surprise")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

/// Files by their path: the octal mode as git prints it, and the content.
pub type Files = BTreeMap<Vec<u8>, (&'static str, Vec<u8>)>;

/// A repository of its own, and a `git cat-file` that reads its objects. Both end with it.
pub struct Git {
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
pub fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
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

#[expect(clippy::new_without_default, reason = "it starts a process")]
impl Git {
    /// An empty repository whose branch is `main`.
    pub fn new() -> Self {
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

    /// Its working tree.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What git answers here to `arguments`, with `input` as its standard input.
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        git(self.path(), arguments, input)
    }

    /// The same, as one line of text.
    pub fn line(&self, arguments: &[&str], input: &[u8]) -> String {
        String::from_utf8(self.run(arguments, input)).unwrap().trim().to_owned()
    }

    /// The id of the tree of `files`, made by git's own index. The files' contents are not stored.
    pub fn write_tree(&self, files: &Files) -> String {
        let mut lines = Vec::new();
        for (path, (mode, content)) in files {
            let id = git2::Oid::hash_object(git2::ObjectType::Blob, content).unwrap();
            lines.extend_from_slice(format!("{mode} {id}\t").as_bytes());
            lines.extend_from_slice(path);
            lines.push(0);
        }
        self.run(&["read-tree", "--empty"], b"");
        self.run(&["update-index", "-z", "--index-info"], &lines);
        self.line(&["write-tree", "--missing-ok"], b"")
    }

    /// The content of the tree `id`, as git stores it; nothing where there is no such object.
    pub fn read_tree(&self, id: &str) -> Option<Vec<u8>> {
        let mut reader = self.reader.lock().unwrap();
        let (_, stdin, stdout) = &mut *reader;
        writeln!(stdin, "{id}").unwrap();
        stdin.flush().unwrap();
        let mut head = String::new();
        stdout.read_line(&mut head).unwrap();
        if head.trim_end().ends_with("missing") {
            return None;
        }
        let mut words = head.split_whitespace().skip(1);
        assert_eq!(words.next(), Some("tree"));
        let mut content = vec![0; words.next().unwrap().parse::<usize>().unwrap() + 1];
        stdout.read_exact(&mut content).unwrap();
        content.pop();
        Some(content)
    }
}

impl Drop for Git {
    fn drop(&mut self) {
        let mut reader = self.reader.lock().unwrap();
        reader.0.kill().unwrap();
        reader.0.wait().unwrap();
    }
}
