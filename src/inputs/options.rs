//! Values of inputs that are one of a few words, and what belongs together with them.

use std::{fmt, path::PathBuf, str::FromStr};

use super::Refspec;
use crate::names::{NameError, TreePath};

/// The input `symlinks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symlinks {
    /// Links are published as links.
    Keep,
    /// The file or folder that a link points to is published in its place.
    Follow,
}

/// The input `trailers`: whether the commit message gets `Relay-Source` and `Relay-Run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailers {
    /// Except where the source repository is private and the target is public.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The input `sign`: whether GitHub signs the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Where the rules of the branch ask for verified signatures and nothing else satisfies them.
    Auto,
    /// Always.
    Github,
    /// Never.
    No,
}

/// The inputs `pull-request` and `pull-request-merge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullRequestInputs {
    /// When the change goes to a pull request.
    pub when: PullRequestWhen,
    /// How the pull request is merged; none: the step leaves it open.
    pub merge: Option<MergeMethod>,
}

/// The input `pull-request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullRequestWhen {
    /// Never.
    No,
    /// Where the rules of the branch do not let this actor push to it directly.
    Required,
    /// Always.
    Always,
}

/// The ways in which GitHub merges a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMethod {
    /// A merge commit.
    Merge,
    /// One commit with all changes.
    Squash,
    /// The commits on top of the base branch.
    Rebase,
}

impl MergeMethod {
    /// The word in the input and in GitHub's interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }
}

/// `refs` and the inputs that go with it.
#[derive(Clone, Debug)]
pub struct RefsPush {
    /// The refspecs in the order of the lines, each once; never empty.
    pub specs: Vec<Refspec>,
    /// The folder of the workspace that holds the checkout, as it was written; none: the workspace.
    pub checkout: Option<PathBuf>,
    /// Whether refs of the target that match a pattern and have no source are deleted.
    pub prune: bool,
    /// Whether Git LFS objects are uploaded before the push.
    pub lfs: bool,
    /// The most that one push may bring, in bytes: GitHub's limit, and no input. Tests lower it.
    pub push_limit: u64,
    /// Whether the branch goes through a pull request.
    pub pull_request: PullRequestInputs,
}

/// The input `prune-previews`: the path, from the root of the branch, of the folder that holds the preview of one pull
/// request. `{number}` stands for the number of the pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewFolders {
    before: String,
    after: String,
}

/// Stands for the number of a pull request.
const NUMBER: &str = "{number}";

impl PreviewFolders {
    /// The folders above the one whose name has the number.
    pub fn above(&self) -> impl Iterator<Item = &str> {
        // The last part belongs to the name that has the number.
        let end = self.before.rfind('/').unwrap_or(0);
        self.before[..end].split('/').filter(|name| !name.is_empty())
    }

    /// The folders below that one, down to the preview.
    pub fn below(&self) -> impl Iterator<Item = &str> {
        // The first part belongs to the name that has the number.
        self.after.split('/').skip(1).filter(|name| !name.is_empty())
    }

    /// The number of the pull request in the name of a folder, which has it as GitHub writes it.
    pub fn number(&self, name: &[u8]) -> Option<u64> {
        let before = self.before.rsplit('/').next().unwrap_or_default();
        let after = self.after.split('/').next().unwrap_or_default();
        let digits = name.strip_prefix(before.as_bytes())?.strip_suffix(after.as_bytes())?;
        // `pr-007` is no preview: GitHub writes numbers without zeros in front.
        let plain = digits.first().is_some_and(|digit| *digit != b'0') && digits.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
    }
}

impl FromStr for PreviewFolders {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.contains(NUMBER) {
            return Err(format!("it has no {NUMBER}"));
        }
        // Two numbers could differ, and then nobody knows which pull request is meant.
        if text.matches(NUMBER).count() > 1 {
            return Err(format!("{NUMBER} stands there more than once"));
        }
        let path: TreePath = text.parse().map_err(|error: NameError| error.to_string())?;
        let (before, after) = path.as_str().split_once(NUMBER).ok_or("it is no path of a folder")?;
        Ok(Self { before: before.to_owned(), after: after.to_owned() })
    }
}

impl fmt::Display for PreviewFolders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{NUMBER}{}", self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_folder_has_the_number_once() {
        for (text, shown) in [
            ("previews/pr-{number}", "previews/pr-{number}"),
            ("/{number}/", "{number}"),
            ("./a//{number}/site", "a/{number}/site"),
        ] {
            assert_eq!(text.parse::<PreviewFolders>().unwrap().to_string(), shown);
        }
        let preview: PreviewFolders = "a/b/pr-{number}x/site/old".parse().unwrap();
        assert_eq!(preview.above().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(preview.below().collect::<Vec<_>>(), ["site", "old"]);
        assert_eq!(preview.number(b"pr-17x"), Some(17));
        for other in ["pr-017x", "pr-0x", "pr-x", "pr-17", "17x", "pr-+1x", "pr-17x/", "pr-99999999999999999999x"] {
            assert_eq!(preview.number(other.as_bytes()), None, "{other}");
        }
        let preview: PreviewFolders = "{number}".parse().unwrap();
        assert_eq!((preview.above().count(), preview.below().count(), preview.number(b"8")), (0, 0, Some(8)));
        for wrong in ["previews", "", "{Number}", "{number}/{number}", "../{number}", ".git/{number}", "a\\{number}"] {
            assert!(wrong.parse::<PreviewFolders>().is_err(), "{wrong}");
        }
    }
}
