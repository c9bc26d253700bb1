//! Git's objects as bytes: kinds, modes, ids, and the content of trees and commits.
//!
//! Source: <https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>, and `fsck.c` of git for what a tree may hold.

use std::cmp::Ordering;

use sha1::{Digest, Sha1};

use crate::names::Oid;

/// The four kinds of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// A file's content, or a symlink's target.
    Blob,
    /// An annotated tag.
    Tag,
}

impl ObjectKind {
    /// The kind's name in an object's header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    /// A hasher that has seen the header of an object of `size` bytes; the content follows.
    pub fn hasher(self, size: u64) -> Sha1 {
        let mut hasher = Sha1::new();
        hasher.update(format!("{} {size}\0", self.name()));
        hasher
    }

    /// The id of an object of this kind.
    pub fn id_of(self, content: &[u8]) -> Oid {
        let mut hasher = self.hasher(content.len() as u64);
        hasher.update(content);
        Oid::from_bytes(hasher.finalize().into())
    }
}

/// What a tree's entry is, with the mode's bits as they stand in the tree: odd ones of old repositories
/// (`100664`) are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileMode(u32);

impl FileMode {
    /// A folder.
    pub const TREE: Self = Self(0o040_000);
    /// A file.
    pub const FILE: Self = Self(0o100_644);
    /// A file that its owner may execute.
    pub const EXECUTABLE: Self = Self(0o100_755);
    /// A symbolic link.
    pub const SYMLINK: Self = Self(0o120_000);
    /// A submodule's commit.
    pub const SUBMODULE: Self = Self(0o160_000);

    /// Whether the entry is a folder.
    pub fn is_tree(self) -> bool {
        self.0 & 0o170_000 == 0o040_000
    }

    /// Whether the entry is a submodule's commit.
    pub fn is_submodule(self) -> bool {
        self.0 & 0o170_000 == 0o160_000
    }

    /// The one of the five modes that git writes today for this one.
    #[must_use]
    pub fn canonical(self) -> Self {
        match self.0 & 0o170_000 {
            0o100_000 if self.0 & 0o100 != 0 => Self::EXECUTABLE,
            0o100_000 => Self::FILE,
            0o120_000 => Self::SYMLINK,
            0o040_000 => Self::TREE,
            _ => Self::SUBMODULE,
        }
    }
}

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// The name, without a slash; any bytes but NUL.
    pub name: Vec<u8>,
    /// Its kind and bits.
    pub mode: FileMode,
    /// The blob, tree or submodule commit.
    pub oid: Oid,
}

impl TreeEntry {
    /// Git's order inside a tree: by bytes, a folder as if its name ended in a slash.
    pub fn order(&self, other: &Self) -> Ordering {
        let key = |entry: &Self, at: usize| match entry.name.get(at) {
            Some(byte) => Some(*byte),
            None if at == entry.name.len() && entry.mode.is_tree() => Some(b'/'),
            None => None,
        };
        let common = self.name.len().min(other.name.len());
        self.name[..common].cmp(&other.name[..common]).then_with(|| key(self, common).cmp(&key(other, common)))
    }

    /// The content of the tree of `entries`, which must be in git's order.
    pub fn write_all(entries: &[Self]) -> Vec<u8> {
        // 28 bytes: the mode, a blank, the NUL and the id.
        let mut content = Vec::with_capacity(entries.iter().map(|entry| entry.name.len() + 28).sum());
        for entry in entries {
            content.extend_from_slice(format!("{:o} ", entry.mode.0).as_bytes());
            content.extend_from_slice(&entry.name);
            content.push(0);
            content.extend_from_slice(entry.oid.as_bytes());
        }
        content
    }

    /// The entries of a tree's content; nothing when it is malformed.
    pub fn read_all(mut content: &[u8]) -> Option<Vec<Self>> {
        // An entry with a short name has about 36 bytes; a wrong guess costs a reallocation and nothing else.
        let mut entries = Vec::with_capacity(content.len() / 36);
        while !content.is_empty() {
            let space = memchr::memchr(b' ', content)?;
            let mode = u32::from_str_radix(std::str::from_utf8(&content[..space]).ok()?, 8).ok()?;
            let end = space + memchr::memchr(0, &content[space..])?;
            let name = content[space + 1..end].to_vec();
            let oid: [u8; 20] = content.get(end + 1..end + 21)?.try_into().ok()?;
            if name.is_empty() {
                return None;
            }
            entries.push(Self { name, mode: FileMode(mode), oid: Oid::from_bytes(oid) });
            content = &content[end + 21..];
        }
        Some(entries)
    }
}

/// What a publish needs to know of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit's root tree.
    pub tree: Oid,
    /// Its parents, in order.
    pub parents: Vec<Oid>,
    /// Everything after the headers, as it stands.
    pub message: Vec<u8>,
}

impl CommitInfo {
    /// Reads a commit's content; nothing when it is malformed.
    pub fn read(content: &[u8]) -> Option<Self> {
        let oid = |line: &[u8], header: &str| -> Option<Oid> {
            std::str::from_utf8(line.strip_prefix(header.as_bytes())?).ok()?.parse().ok()
        };
        // A commit with an empty message can end with its headers.
        let end = memchr::memmem::find(content, b"\n\n");
        let (headers, message) = match end {
            Some(end) => (&content[..end], &content[end + 2..]),
            None => (content, &[][..]),
        };
        let mut lines = headers.split(|byte| *byte == b'\n');
        let tree = oid(lines.next()?, "tree ")?;
        // git writes the parents directly behind the tree and reads none further down.
        let parents = lines.map_while(|line| oid(line, "parent ")).collect();
        Some(Self { tree, parents, message: message.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git() {
        assert_eq!(ObjectKind::Blob.id_of(b"").to_string(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(ObjectKind::Tree.id_of(b"").to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        assert_eq!(ObjectKind::Blob.id_of(b"hello\n").to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
    }

    #[test]
    fn a_folder_sorts_as_if_its_name_ended_in_a_slash() {
        let entry = |name: &str, mode| TreeEntry { name: name.into(), mode, oid: Oid::ZERO };
        let mut entries = [
            entry("a0", FileMode::FILE),
            entry("a", FileMode::TREE),
            entry("a.b", FileMode::FILE),
            entry("a-b", FileMode::TREE),
            entry("A", FileMode::FILE),
        ];
        entries.sort_by(TreeEntry::order);
        let names: Vec<_> = entries.iter().map(|entry| String::from_utf8_lossy(&entry.name)).collect();
        assert_eq!(names, ["A", "a-b", "a.b", "a", "a0"]);
    }

    #[test]
    fn a_tree_is_written_as_it_was_read() {
        let entries = vec![
            TreeEntry { name: b"old".to_vec(), mode: FileMode(0o100_664), oid: Oid::from_bytes([7; 20]) },
            TreeEntry { name: b"with space\n".to_vec(), mode: FileMode::TREE, oid: Oid::from_bytes([0; 20]) },
        ];
        let content = TreeEntry::write_all(&entries);
        assert!(content.starts_with(b"100664 old\0"));
        assert_eq!(TreeEntry::read_all(&content), Some(entries));
        assert_eq!(TreeEntry::read_all(&content[..content.len() - 1]), None);
        assert_eq!(TreeEntry::read_all(b"rubbish"), None);
    }

    #[test]
    fn a_commit_tells_its_tree_parents_and_message() {
        let (tree, first, second) = ("1".repeat(40), "2".repeat(40), "3".repeat(40));
        let text = format!(
            "tree {tree}\nparent {first}\nparent {second}\nauthor A <a@b> 1 +0000\ngpgsig x\n parent {tree}\n\nsubject\n\nbody\n"
        );
        let commit = CommitInfo::read(text.as_bytes()).unwrap();
        assert_eq!(commit.tree.to_string(), tree);
        assert_eq!(commit.parents.iter().map(Oid::to_string).collect::<Vec<_>>(), [first, second]);
        assert_eq!(commit.message, b"subject\n\nbody\n");
        assert_eq!(CommitInfo::read(b"blob\n\n"), None);
    }
}
