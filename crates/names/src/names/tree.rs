//! Which names may stand in a tree: what git, or GitHub's check of every push, refuses is found before anything is sent.
//!
//! Source: <https://git-scm.com/docs/git-fsck#_fsck_messages> (`hasDotgit`, `gitmodulesSymlink`), and
//! `is_ntfs_dotgit` and `is_hfs_dotgit` of git.

/// The longest path that git handles, in bytes.
pub const MAX_PATH: usize = 4096;
/// The longest name that common file systems hold, in bytes.
const MAX_NAME: usize = 255;

/// Whether this is a repository's own folder (or the file that points to one), which never is published.
pub fn is_dot_git(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b".git")
}

/// Why a path, whose last name is `name`, cannot be pushed; nothing when it can.
pub fn refusal(path: &[u8], name: &[u8], is_symlink: bool) -> Option<&'static str> {
    if path.len() > MAX_PATH {
        Some("its path is longer than 4096 bytes")
    } else if name.len() > MAX_NAME {
        Some("its name is longer than 255 bytes")
    } else if matches!(name, b"" | b"." | b"..") || name.contains(&0) || name.contains(&b'/') {
        Some("git does not allow its name")
    // Windows takes a backslash for a separator, so that each part counts by itself.
    } else if name.split(|byte| *byte == b'\\').any(is_ntfs_dot_git) {
        Some("Windows takes its name for `.git`, so that git and GitHub refuse it")
    } else if is_hfs_dot_git(name) {
        Some("macOS takes its name for `.git`, so that git and GitHub refuse it")
    } else if is_symlink && Special::of(name) == Some(Special::Modules) {
        Some("GitHub refuses a symbolic link that is named `.gitmodules`, or that Windows or macOS takes for it")
    } else {
        None
    }
}

/// A file that git reads wherever it stands, and that GitHub's check of every push looks into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// `.gitmodules`
    Modules,
    /// `.gitattributes`
    Attributes,
}

impl Special {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Modules => ".gitmodules",
            Self::Attributes => ".gitattributes",
        }
    }

    /// The file that git, NTFS or HFS+ takes `name` for.
    ///
    /// Source: `is_ntfs_dotgitmodules`, `is_hfs_dotgitmodules` and their like of git; `fsck_tree` looks behind each `\\`, too.
    pub fn of(name: &[u8]) -> Option<Self> {
        // Of a history each name of each tree is looked at, and hardly one begins like these.
        let first = *name.first()?;
        if !matches!(first, b'.' | b'g' | b'G' | b'~') && first.is_ascii() && memchr::memchr(b'\\', name).is_none() {
            return None;
        }
        [(Self::Modules, *b"gi7eba"), (Self::Attributes, *b"gi7d29")].into_iter().find_map(|(special, short)| {
            let is_it = |name: &[u8]| is_ntfs(name, special.name(), short);
            (name.split(|byte| *byte == b'\\').any(is_it) || is_hfs(name, special.name())).then_some(special)
        })
    }
}

/// Whether NTFS takes `name` for `plain`, whose short name by its hash begins with `short`.
fn is_ntfs(name: &[u8], plain: &str, short: [u8; 6]) -> bool {
    let is_end = |rest: &[u8]| rest.iter().find(|byte| !matches!(byte, b'.' | b' ')).is_none_or(|byte| *byte == b':');
    let after = |with: &[u8]| {
        let begin = name.get(..with.len())?;
        begin.eq_ignore_ascii_case(with).then(|| &name[with.len()..])
    };
    let numbered = |rest: &[u8]| rest.first().is_some_and(|digit| (b'1'..=b'4').contains(digit)) && is_end(&rest[1..]);
    // `gi7eba~1`: of the eight characters the last ones are the number.
    // NTFS names further ones by a hash, once `~1` to `~4` are taken.
    let by_hash = || {
        let (first, rest) = name.split_at_checked(8)?;
        let tilde = first.iter().position(|byte| *byte == b'~').filter(|at| *at <= 6)?;
        let number = &first[tilde + 1..];
        let counts = number.first()?.is_ascii_digit() && number[0] != b'0' && number.iter().all(u8::is_ascii_digit);
        (first[..tilde].eq_ignore_ascii_case(&short[..tilde]) && counts && is_end(rest)).then_some(())
    };
    let begin = [&plain.as_bytes()[1..7], b"~"].concat();
    after(plain.as_bytes()).is_some_and(is_end) || after(&begin).is_some_and(numbered) || by_hash().is_some()
}

/// `.git` and its short name `git~1`, with what NTFS drops from a name's end.
fn is_ntfs_dot_git(name: &[u8]) -> bool {
    let begins = |with: &[u8]| name.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    let rest = match (begins(b".git"), begins(b"git~1")) {
        (true, _) => &name[4..],
        (_, true) => &name[5..],
        _ => return false,
    };
    let end = rest.iter().position(|byte| !matches!(byte, b'.' | b' '));
    // A colon begins a stream's name: `.git::$INDEX_ALLOCATION` opens the folder itself.
    end.is_none_or(|end| rest[end] == b':')
}

/// `.git` once the code points are dropped that HFS+ ignores.
fn is_hfs_dot_git(name: &[u8]) -> bool {
    is_hfs(name, ".git")
}

/// Whether HFS+ takes `name` for `plain`.
fn is_hfs(name: &[u8], plain: &str) -> bool {
    // The code points that git skips too (`next_hfs_char` in `utf8.c`).
    let ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    std::str::from_utf8(name)
        .is_ok_and(|name| name.chars().filter(|c| !ignored(c)).map(|c| c.to_ascii_lowercase()).eq(plain.chars()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disguises_of_dot_git_are_refused() {
        for name in [
            ".git ",
            ".git.",
            ".GIT. .",
            "git~1",
            "GIT~1.",
            ".git:x",
            ".git::$INDEX_ALLOCATION",
            "a\\.git",
            ".g\u{200c}it",
            "\u{feff}.Git",
            "..",
        ] {
            assert!(refusal(name.as_bytes(), name.as_bytes(), false).is_some(), "{name:?}");
        }
    }

    #[test]
    fn odd_but_honest_names_pass() {
        for name in [
            ".gitignore",
            ".github",
            ".gitmodules",
            "git~2",
            ".git-x",
            ".gi",
            "git",
            "a b",
            "-x",
            "a\nb",
            "ünï",
            "...",
            "CON",
            "a\\b",
            ".gitx",
            "\u{200c}",
        ] {
            assert_eq!(refusal(name.as_bytes(), name.as_bytes(), false), None, "{name:?}");
        }
        assert_eq!(refusal(b"\xff\xfe", b"\xff\xfe", false), None);
        for name in [
            ".gitmodules",
            ".GitModules",
            ".gitmodules ",
            ".gitmodules.:x",
            "GITMOD~1",
            "gi7eba~2 ",
            ".git\u{200d}modules",
            "x\\.gitmodules",
            "gi~12345",
            "~1234567.",
        ] {
            assert!(refusal(name.as_bytes(), name.as_bytes(), true).is_some(), "{name:?}");
            assert!(refusal(name.as_bytes(), name.as_bytes(), false).is_none(), "{name:?}");
        }
        for name in [".gitmodules-x", "gitmod~5", "gitmodules", "gi7eba~0", ".gitmodule", "gi~1", ".gitattributes"] {
            assert_eq!(refusal(name.as_bytes(), name.as_bytes(), true), None, "{name:?}");
        }
    }

    #[test]
    fn over_long_names_and_paths_are_refused() {
        assert!(refusal(&[b'a'; 256], &[b'a'; 256], false).is_some());
        let path = vec![b'a'; 4097];
        assert!(refusal(&path, b"a", false).is_some());
        assert!(refusal(&path[1..], b"a", false).is_none());
    }
}
