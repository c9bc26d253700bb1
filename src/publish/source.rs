//! The directory, listed and hashed once, however many targets it goes to.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::{
    hash::{Hashed, Retain, hash},
    walk::{Listing, walk},
};
use crate::{
    diagnosis::{Cause, Failure},
    plan::DirectoryPlan,
    progress::Watch,
};

/// What all targets of a step share of its directory.
#[derive(Debug, Default)]
pub struct Source {
    listed: OnceCell<Result<Mutex<Option<Listing>>, Failure>>,
    hashed: OnceCell<Result<Arc<Hashed>, Failure>>,
}

impl Source {
    /// Lists the directory, or remembers that it was: an empty one is refused before the first request.
    pub async fn list(&self, plan: &DirectoryPlan) -> Result<(), Failure> {
        self.listing(plan).await.map(|_| ())
    }

    /// The directory's content by its object ids. Must be called inside a tokio runtime.
    pub async fn hashed(&self, plan: &DirectoryPlan, watch: &Arc<dyn Watch>) -> Result<Arc<Hashed>, Failure> {
        let make = || async {
            let listing = self.listing(plan).await?.lock().unwrap_or_else(PoisonError::into_inner).take();
            let listing = listing.ok_or_else(unfinished)?;
            let watch = Arc::clone(watch);
            let work = move || hash(listing, &Retain::nothing(), &*watch).map(Arc::new);
            tokio::task::spawn_blocking(work).await.map_err(|_| unfinished())?
        };
        self.hashed.get_or_init(make).await.clone()
    }

    async fn listing(&self, plan: &DirectoryPlan) -> Result<&Mutex<Option<Listing>>, Failure> {
        let list = || async {
            let (directory, exclude) = (plan.directory.clone(), plan.exclude.clone());
            let listing = tokio::task::spawn_blocking(move || walk(&directory, &exclude)).await;
            listing.map_err(|_| unfinished())?.map(|listing| Mutex::new(Some(listing)))
        };
        self.listed.get_or_init(list).await.as_ref().map_err(Clone::clone)
    }
}

fn unfinished() -> Failure {
    Failure::new(Cause::InternalError, "Reading the directory did not come to its end.")
}
