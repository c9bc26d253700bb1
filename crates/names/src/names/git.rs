//! The names of things in a repository: objects, refs, folders of a branch.

use std::{fmt, str::FromStr};

use super::tree;
use crate::names::{NameError, malformed};

/// A SHA-1 object id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid([u8; 20]);

impl Oid {
    /// Forty zeros: "no object" in a ref update.
    pub const ZERO: Self = Self([0; 20]);

    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The id's bytes.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Whether this is "no object".
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The first seven digits, as people quote commits.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(7);
        text
    }
}

impl FromStr for Oid {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = [0; 20];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| malformed(format!("{text:?} is no object id of 40 hexadecimal digits")))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A full ref name, `refs/…`, as `git check-ref-format` accepts it.
///
/// Source: <https://git-scm.com/docs/git-check-ref-format>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

impl RefName {
    /// `refs/heads/NAME`. A name that already is a full branch ref is taken as it is.
    pub fn branch(name: &str) -> Result<Self, NameError> {
        format!("refs/heads/{}", name.strip_prefix("refs/heads/").unwrap_or(name)).parse()
    }

    /// `refs/tags/NAME`. A name that already is a full tag ref is taken as it is.
    pub fn tag(name: &str) -> Result<Self, NameError> {
        format!("refs/tags/{}", name.strip_prefix("refs/tags/").unwrap_or(name)).parse()
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without `refs/heads/` or `refs/tags/`.
    pub fn short(&self) -> &str {
        self.0.strip_prefix("refs/heads/").or_else(|| self.0.strip_prefix("refs/tags/")).unwrap_or(&self.0)
    }

    /// The refs of the same kind in whose place its folders stand: `refs/heads/a` for `refs/heads/a/b`.
    pub fn above(&self) -> Vec<Self> {
        let kind = self.0.len() - self.short().len();
        let ends = self.0.match_indices('/').map(|(at, _)| at).filter(|at| *at > kind);
        ends.map(|at| Self(self.0[..at].to_owned())).collect()
    }

    /// Whether it is a branch.
    pub fn is_branch(&self) -> bool {
        self.0.starts_with("refs/heads/")
    }

    /// Whether it is a tag.
    pub fn is_tag(&self) -> bool {
        self.0.starts_with("refs/tags/")
    }
}

impl FromStr for RefName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let forbidden = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
        let component = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && !part.ends_with('.')
                // `.lock` is how git names its own lock files.
                && part.rsplit_once('.').is_none_or(|(_, last)| last != "lock")
        };
        let short = text.strip_prefix("refs/heads/").or_else(|| text.strip_prefix("refs/tags/")).unwrap_or(text);
        let fine = text.starts_with("refs/")
            && text.len() <= 1024
            && !text.contains(forbidden)
            && !text.contains("..")
            && !text.contains("@{")
            // git refuses such branches, since a command would read the name as an option.
            && !short.starts_with('-')
            && text.split('/').all(component);
        if fine { Ok(Self(text.to_owned())) } else { Err(malformed(format!("{short:?} is no valid ref name"))) }
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A folder inside a branch: `/` between names, none of them empty, `.`, `..` or `.git`. The root is the empty path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// The path, without a slash at either end; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names from the root down.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }
}

impl FromStr for TreePath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // `./docs//a/` is a common way to write `docs/a`.
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        for part in &parts {
            if *part == ".." {
                return Err(malformed(format!("{text:?} leaves the branch: `..` is not allowed")));
            }
            // Without case: on Windows and macOS `.GIT` is the same folder.
            if part.eq_ignore_ascii_case(".git") || part.contains(['\\', '\0']) {
                return Err(malformed(format!("{text:?} holds {part:?}, which git does not allow as a folder name")));
            }
        }
        let path = parts.join("/");
        for part in &parts {
            if let Some(reason) = tree::refusal(path.as_bytes(), part.as_bytes(), false) {
                return Err(malformed(format!("the folder {part:?} cannot be pushed: {reason}")));
            }
        }
        Ok(Self(path))
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ref_names_are_those_of_check_ref_format() {
        for fine in ["main", "a/b", "gh-pages", "ünï", "v1.4.2", "@", "feature/a.b"] {
            assert!(RefName::branch(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "", "-x", ".a", "a.", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a//b", "a/", "/a",
            "a.lock", "a/.b", "x@{1}", "a\u{7f}", "a\nb",
        ] {
            assert!(RefName::branch(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(RefName::branch("refs/heads/x").unwrap().short(), "x");
        assert_eq!(RefName::tag("v1").unwrap().as_str(), "refs/tags/v1");
    }

    #[test]
    fn a_destination_stays_inside_the_branch() {
        assert_eq!("/docs//pr-1/".parse::<TreePath>().unwrap().as_str(), "docs/pr-1");
        assert!("".parse::<TreePath>().unwrap().is_root());
        for wrong in ["../x", "a/../b", "a/.git/b", "a\\b", ".GIT"] {
            assert!(wrong.parse::<TreePath>().is_err(), "{wrong}");
        }
    }
}
