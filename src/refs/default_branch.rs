//! The branch that no push may delete.

use crate::{
    diagnosis::{Cause, Failure, Situation},
    git::{advertisement::Advertisement, remote::Remote},
    names::RefName,
};

/// How many branches a message offers.
const OFFERED: usize = 3;

/// The failure for the deletion of the default branch, which GitHub refuses whoever asks.
pub(super) fn default_branch(name: &RefName, refs: &Advertisement, remote: &Remote) -> Failure {
    let Situation { server, repository, .. } = remote.situation();
    let page = match (server, repository) {
        (Some(server), Some(repository)) => format!("{server}/{repository}/settings"),
        _ => "Settings > General".to_owned(),
    };
    let others: Vec<&str> = refs
        .refs
        .keys()
        .filter(|other| other.is_branch() && *other != name)
        .take(OFFERED)
        .map(RefName::short)
        .collect();
    let others = if others.is_empty() { String::new() } else { format!(", such as {}", others.join(", ")) };
    let short = name.short();
    let what = format!("`refs` deletes {short}, the default branch of the target, which GitHub never allows.");
    let remedy = format!(
        "Choose another default branch on {page} (Default branch){others}, then delete {short}; or take `:{short}` out of `refs`."
    );
    Failure::new(Cause::BranchProtected, what).with_remedy(remedy).with_link(page)
}
