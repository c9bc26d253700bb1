//! Where the refs lead to that a push of refs made or found: what starts and waits for workflows goes by that.

use crate::refs::{Local, facts::RefsFacts};
use std::collections::BTreeSet;

use crate::refs::{blocking::blocking, facts::RefUpdate};
use crate::{
    diagnosis::Failure,
    git::checkout::Reach,
    names::{Oid, RefName},
};

/// A ref that the step pushed, or found as it should be.
#[derive(Clone, Debug)]
pub struct WrittenRef {
    /// The branch or tag.
    pub name: RefName,
    /// The commit that it leads to.
    pub commit: Oid,
    /// Whether this step put it there.
    pub changed: bool,
    /// How many tags were pushed at once with it, where those are so many that GitHub starts nothing for them; else 0.
    pub pushed_with: usize,
}

/// The refs of the lines, in their order, each with its commit; those in `landed` are new. What is no commit starts nothing.
///
/// # Errors
/// `local-git-error` for a checkout that cannot be read.
pub async fn places(local: &Local, refs: &RefsFacts, landed: &[RefUpdate]) -> Result<Vec<WrittenRef>, Failure> {
    let reach = Reach::new(local.objects.clone(), local.shallow.clone());
    let (values, silent) = (refs.values.clone(), refs.silent_tags);
    let new: BTreeSet<RefName> = landed.iter().map(|update| update.name.clone()).collect();
    blocking(move || {
        let mut places = Vec::new();
        for (name, value) in values {
            let changed = new.contains(&name);
            // A tag can lead to a tree or a file, for which no workflow runs.
            let commit = if name.is_branch() { Some(value) } else { reach.commit_of(value)? };
            let pushed_with = if changed && name.is_tag() { silent } else { 0 };
            places.extend(commit.map(|commit| WrittenRef { name, commit, changed, pushed_with }));
        }
        Ok(places)
    })
    .await
}
