//! A directory onto a branch, as planned.

use std::{path::PathBuf, sync::Arc};

use crate::{
    git::sign::SigningKey,
    globs::Globs,
    inputs::DirectoryPush,
    names::{Author, RefName},
};

use super::{
    exposed::Search,
    message::Origin,
    tree::{ClosedPreviews, Site},
};

/// A directory onto a branch.
#[derive(Clone, Debug)]
pub struct DirectoryPlan {
    /// The folder whose content is published: it is there, and inside the workspace. None: the destination is taken off the branch.
    pub directory: Option<PathBuf>,
    /// The workspace as the file system resolves it, where links are followed and must not leave it; none: links are published as links.
    pub follow_within: Option<PathBuf>,
    /// What the user asked for.
    pub asked: DirectoryPush,
    /// Files on the branch that stay though the directory lacks them.
    pub keep: Globs,
    /// Files that are neither published nor removed.
    pub exclude: Globs,
    /// The search for credentials in its files.
    pub search: Search,
}

impl DirectoryPlan {
    /// The branch that is published to.
    pub fn branch(&self) -> &RefName {
        &self.asked.commit.branch
    }

    /// Where a file of the directory comes to stand on the branch.
    pub fn on_branch(&self, path: &[u8]) -> Vec<u8> {
        let destination = &self.asked.commit.destination;
        if destination.is_root() { path.to_vec() } else { [destination.as_str().as_bytes(), b"/", path].concat() }
    }
}

/// What the commit of a publish says about itself.
#[derive(Clone, Debug)]
pub struct CommitPlan {
    /// Author and committer.
    pub author: Author,
    /// The key that signs it; none: it is unsigned.
    pub signing_key: Option<SigningKey>,
    /// The run that makes it.
    pub origin: Origin,
    /// The first tag of the step, for the placeholder `{tag}`.
    pub first_tag: Option<String>,
    /// What the target tells that the commit depends on.
    pub about: AboutSite,
}

/// What the target tells that the commit depends on.
#[derive(Clone, Debug, Default)]
pub struct AboutSite {
    /// Where Pages publishes from: the branch and its folder, without slashes around it. None: there is no such site, or it is not known.
    pub pages: Option<(String, String)>,
    /// Whether the message gets its trailers.
    pub trailers: bool,
    /// The preview folders whose pull request is not open, with their trees.
    pub closed_previews: Arc<ClosedPreviews>,
}

/// The one folder that Pages publishes from besides the root.
///
/// Source: <https://docs.github.com/en/pages/getting-started-with-github-pages/configuring-a-publishing-source-for-your-github-pages-site>
const PAGES_FOLDER: &str = "docs";

impl CommitPlan {
    /// Where the root of the site is that the branch of `directory` holds.
    pub fn site(&self, directory: &DirectoryPlan) -> Site {
        let destination = directory.asked.commit.destination.as_str();
        match &self.about.pages {
            _ if destination.is_empty() => Site::Root,
            Some((branch, folder)) if branch == directory.branch().short() && folder == destination => {
                Site::Destination
            }
            // A token without Pages: read sees no settings: the folder may be the site or may not.
            None if destination == PAGES_FOLDER => Site::Unknown,
            _ => Site::Root,
        }
    }
}
