//! Whether the branch was published to by a later run than this one.

use super::{directory::DirectoryPlan, proposal::Base};
use crate::{
    diagnosis::Failure,
    git::{format::TreeEntry, remote::Remote},
    retry::Retries,
};

/// What stands in a run's address between its repository and its number, which grows with each run of the repository.
const RUNS: &str = "/actions/runs/";

/// The address of the run that made the tip, if it is a later run of the repository whose run `own` is, and it changed what this
/// publish replaces. Only of such a tip are the commit before it and its trees fetched.
pub async fn newer_run(
    own: Option<&str>,
    directory: &DirectoryPlan,
    base: &Base,
    remote: &Remote,
    retries: &Retries,
) -> Result<Option<String>, Failure> {
    let (Some(own), Some(tip)) = (own, base.tip()) else { return Ok(None) };
    let commit = base.store().read_commit(tip)?;
    let Some(later) = later(&commit.message, own) else { return Ok(None) };
    // A first commit, as `history: single` makes them, may have changed anything.
    let Some(parent) = commit.parents.first() else { return Ok(Some(later)) };
    let before = base.commit(*parent, remote, retries).await?.tree;
    // Only the entries of the destination itself: comparing what lies below would fetch all trees of two commits.
    let before = base.folder(before, &directory.asked.commit.destination, remote, retries).await?;
    let after = base.folder(commit.tree, &directory.asked.commit.destination, remote, retries).await?;
    Ok(changes_more_than_stays(directory, &before, &after).then_some(later))
}

/// The run that a commit's trailer names, if it is of the same repository as `own` and later.
fn later(message: &[u8], own: &str) -> Option<String> {
    let number = |address: &str| -> Option<(String, u64)> {
        let (repository, rest) = address.trim().split_once(RUNS)?;
        // The address of a repeated run goes on with `/attempts/N`.
        Some((repository.to_ascii_lowercase(), rest.split('/').next()?.parse().ok()?))
    };
    let message = String::from_utf8_lossy(message);
    // The last one is the step's own trailer. An earlier line may be a quotation in somebody's message.
    let run = message.lines().rev().find_map(|line| line.strip_prefix("Relay-Run:"))?.trim();
    let ((own_repository, own), (repository, run_number)) = (number(own)?, number(run)?);
    (own_repository == repository && run_number > own).then(|| run.to_owned())
}

/// Whether an entry changed that neither `keep` nor `exclude` leaves alone.
fn changes_more_than_stays(directory: &DirectoryPlan, before: &[TreeEntry], after: &[TreeEntry]) -> bool {
    let differs = |one: &[TreeEntry], other: &[TreeEntry]| {
        one.iter().any(|entry| {
            // A folder that stays in part counts as changed: whether it is would take its trees.
            let stays = [&directory.keep, &directory.exclude]
                .iter()
                .any(|globs| if entry.mode.is_tree() { globs.cover(&entry.name) } else { globs.matches(&entry.name) });
            !stays && !other.contains(entry)
        })
    };
    differs(before, after) || differs(after, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_run_of_the_same_repository_counts() {
        let own = "https://github.com/acme/source/actions/runs/100";
        let of = |url: &str| later(format!("Publish\n\nRelay-Source: a/b@1\nRelay-Run: {url}\n").as_bytes(), own);
        assert!(of("https://github.com/Acme/source/actions/runs/101").is_some());
        assert!(of("https://github.com/acme/source/actions/runs/1000/attempts/2").is_some());
        for other in [
            "https://github.com/acme/source/actions/runs/100",
            "https://github.com/acme/source/actions/runs/99",
            "https://github.com/acme/other/actions/runs/101",
            "https://x/acme/source/actions/runs/101",
            "",
            "x",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
