//! How the target's refs stand to those of the checkout: how many commits each has that the other lacks.

use std::collections::BTreeSet;

use super::{blocking::blocking, updates::Change};
use crate::{
    diagnosis::Failure,
    git::{checkout::Reach, history, remote::Remote},
    names::{Oid, RefName},
    report::{Drift, DriftRow},
    retry::Retries,
};

/// For how many refs whose commits the checkout lacks the target's history is fetched.
const FETCHED: usize = 5;

/// A ref of the target that differs from the checkout's, as far as the checkout alone tells.
#[derive(Clone, Debug)]
pub(super) struct Differing {
    name: RefName,
    new: Oid,
    /// The target's value, where the checkout lacks it.
    unknown: Option<Oid>,
    row: DriftRow,
}

/// Compares the values that are to change. A deletion that a line asks for is no drift.
pub(super) fn compare(reach: &mut Reach, changes: &[Change]) -> Result<Vec<Differing>, Failure> {
    let mut differing = Vec::new();
    for Change { name, old, new, .. } in changes {
        let Some(new) = *new else { continue };
        let mut row = DriftRow { name: name.as_str().to_owned(), state: Drift::Behind, ahead: None, behind: None };
        let mut unknown = None;
        if let Some(old) = *old {
            if reach.is_here(old) {
                // A tag of a tree or a file has no history to count.
                if let (Some(old), Some(new)) = (reach.commit_of(old)?, reach.commit_of(new)?) {
                    let (ahead, behind) = reach.ahead_behind(&[old], new)?;
                    (row.ahead, row.behind) = (Some(ahead), Some(behind));
                    if behind > 0 {
                        row.state = Drift::Diverged;
                    }
                }
            } else {
                unknown = Some(old);
                row.state = Drift::Diverged;
            }
        }
        differing.push(Differing { name: name.clone(), new, unknown, row });
    }
    Ok(differing)
}

/// The rows of the report. Where the checkout lacks the target's commits they are counted in the target's history;
/// `proved` are the refs that turned out to be ancestors all the same.
///
/// # Errors
/// `local-git-error`. A history that cannot be fetched leaves its counts open.
pub(super) async fn rows(
    differing: Vec<Differing>,
    proved: &BTreeSet<RefName>,
    mut reach: Reach,
    remote: &Remote,
    retries: &Retries,
) -> Result<(Vec<DriftRow>, Reach), Failure> {
    let mut rows = Vec::new();
    let mut fetched = 0;
    for Differing { name, new, unknown, mut row } in differing {
        if let Some(old) = unknown {
            if proved.contains(&name) {
                row.state = Drift::Behind;
            // Each takes requests that the push does not need: a mirror of a
            // thousand branches must not wait for its report.
            } else if name.is_branch() && fetched < FETCHED {
                fetched += 1;
                let objects = reach.objects().clone();
                let look = || {
                    let objects = objects.clone();
                    history::unknown(remote, old, move |oid| objects.has(oid))
                };
                // What the target has is worth a question, not a failure: the push itself needs none of it.
                if let Ok(history::Unknown { commits, known, is_whole }) =
                    retries.run("count of the target's commits", look).await
                {
                    // A count of a part of the history would look like a fact.
                    row.behind = is_whole.then_some(commits);
                    let (back, ahead) = blocking(move || {
                        let counts = reach.ahead_behind(&known, new)?;
                        Ok((reach, counts.0))
                    })
                    .await?;
                    reach = back;
                    row.ahead = is_whole.then_some(ahead);
                }
            }
        }
        rows.push(row);
    }
    Ok((rows, reach))
}
