//! The directory, listed and hashed once, however many targets it goes to.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::{
    hash::{Hashed, Retain, hash},
    sizes::too_large,
    special,
    walk::{Listing, shown, walk, walk_following},
};
use crate::names::tree::MAX_PATH;
use crate::{
    diagnosis::{Cause, Failure},
    progress::Watch,
    publish::directory::DirectoryPlan,
};

/// GitHub's folder of workflow files: changes in it need a right of their own.
pub const WORKFLOWS: &[u8] = b".github/workflows/";

/// What all targets of a step share of its directory.
#[derive(Debug, Default)]
pub struct Source {
    listed: OnceCell<Result<Listed, Failure>>,
    hashed: OnceCell<Result<Arc<Hashed>, Failure>>,
}

#[derive(Debug)]
struct Listed {
    /// Taken by who hashes it.
    listing: Mutex<Option<Listing>>,
    workflow_files: bool,
}

impl Source {
    /// Lists the directory, or remembers that it was: an empty one is refused before the first request.
    pub async fn list(&self, plan: &DirectoryPlan) -> Result<(), Failure> {
        self.listing(plan).await.map(|_| ())
    }

    /// The directory's content by its object ids; with a file that GitHub does not take it is not read. Must be called inside a tokio runtime.
    pub async fn hashed(&self, plan: &DirectoryPlan, watch: &Arc<dyn Watch>) -> Result<Arc<Hashed>, Failure> {
        let make = || async {
            // Moved out, not cloned: a copy would hold all paths of a large site twice.
            let listing = self.listing(plan).await?.listing.lock().unwrap_or_else(PoisonError::into_inner).take();
            let listing = listing.ok_or_else(unfinished)?;
            if let Some(failure) = too_large(&listing) {
                return Err(failure);
            }
            let watch = Arc::clone(watch);
            let (retain, search) = (Retain::small(&listing), plan.search.clone());
            // A few small files decide it, before all others are read.
            let work = move || match special::refused(&listing)? {
                Some(failure) => Err(failure),
                None => hash(listing, &retain, &search, &*watch).map(Arc::new),
            };
            tokio::task::spawn_blocking(work).await.map_err(|_| unfinished())?
        };
        self.hashed.get_or_init(make).await.clone()
    }

    /// Whether files of the directory land in the branch's `.github/workflows/`.
    pub async fn brings_workflow_files(&self, plan: &DirectoryPlan) -> bool {
        self.listing(plan).await.is_ok_and(|listed| listed.workflow_files)
    }

    async fn listing(&self, plan: &DirectoryPlan) -> Result<&Listed, Failure> {
        let list = || async {
            let (directory, exclude, within) =
                (plan.directory.clone(), plan.exclude.clone(), plan.follow_within.clone());
            let listing = match directory {
                Some(directory) => {
                    let list = move || match within {
                        Some(workspace) => walk_following(&directory, &exclude, &workspace),
                        None => walk(&directory, &exclude),
                    };
                    let listing = tokio::task::spawn_blocking(list).await;
                    listing.map_err(|_| unfinished())??
                }
                None => Listing::nothing(),
            };
            // The walk knows the path inside the directory alone; only the
            // destination in front of it makes this one too long.
            if let Some(file) = listing.files().iter().find(|file| plan.on_branch(&file.path).len() > MAX_PATH) {
                let what = format!(
                    "{} cannot be published into {}: on the branch its path is longer than {MAX_PATH} bytes.",
                    shown(&file.path),
                    shown(plan.asked.commit.destination.as_str().as_bytes())
                );
                return Err(Failure::new(Cause::InvalidInput, what).with_remedy("Choose a shorter `destination`."));
            }
            let workflow_files = listing.files().iter().any(|file| plan.on_branch(&file.path).starts_with(WORKFLOWS));
            Ok(Listed { listing: Mutex::new(Some(listing)), workflow_files })
        };
        // A failure is remembered like a success: each target would only meet it again.
        self.listed.get_or_init(list).await.as_ref().map_err(Clone::clone)
    }
}

fn unfinished() -> Failure {
    Failure::new(Cause::InternalError, "Reading the directory did not come to its end.")
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::Path,
        sync::atomic::{AtomicU64, Ordering},
    };

    use super::*;
    use crate::{
        globs::Globs,
        inputs::{
            BranchCommit, DirectoryPush, History, Nojekyll, PullRequestInputs, PullRequestWhen, Sign, Symlinks,
            Trailers,
        },
        names::RefName,
        progress::Event,
        publish::exposed::Search,
    };

    /// Counts the hashings that ended.
    #[derive(Default)]
    struct Ended(AtomicU64);

    impl Watch for Ended {
        fn see(&self, event: Event<'_>) {
            if matches!(event, Event::Finished) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn plan_of(folder: &Path) -> DirectoryPlan {
        let commit = BranchCommit {
            branch: RefName::branch("gh-pages").unwrap(),
            destination: "".parse().unwrap(),
            history: History::Append,
            message: String::new(),
            allow_empty: false,
            trailers: Trailers::Auto,
            sign: Sign::Auto,
            pull_request: PullRequestInputs { when: PullRequestWhen::No, merge: None },
            prune_previews: None,
        };
        let asked = DirectoryPush {
            directory: folder.to_owned(),
            commit,
            keep: Vec::new(),
            exclude: Vec::new(),
            symlinks: Symlinks::Keep,
            nojekyll: Nojekyll::Never,
            cname: None,
        };
        let none = || Globs::new::<&str>(&[]).unwrap();
        DirectoryPlan {
            directory: Some(folder.to_owned()),
            follow_within: None,
            asked,
            keep: none(),
            exclude: none(),
            search: Search::nothing(),
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_hundred_targets_hash_the_directory_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.html"), "hello").unwrap();
        let plan = Arc::new(plan_of(folder.path()));
        let (source, ended) = (Arc::new(Source::default()), Arc::new(Ended::default()));
        let targets = (0..200).map(|_| {
            let (source, plan, watch) = (Arc::clone(&source), Arc::clone(&plan), Arc::clone(&ended) as Arc<dyn Watch>);
            tokio::spawn(async move {
                source.list(&plan).await.unwrap();
                source.hashed(&plan, &watch).await.unwrap()
            })
        });
        let mut all = Vec::new();
        for target in targets.collect::<Vec<_>>() {
            all.push(target.await.unwrap());
        }
        assert!(all.iter().all(|hashed| Arc::ptr_eq(hashed, &all[0])));
        assert_eq!(ended.0.load(Ordering::Relaxed), 1);
        // What came later would be seen only by reading again.
        fs::remove_file(folder.path().join("index.html")).unwrap();
        let watch = Arc::clone(&ended) as Arc<dyn Watch>;
        assert!(Arc::ptr_eq(&source.hashed(&plan, &watch).await.unwrap(), &all[0]));
    }
}
