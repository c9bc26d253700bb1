//! Which of the pushed refs must start a workflow file, as the file itself says: one run proves nothing for the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    connection::Connection,
    credential::TokenKind,
    diagnosis::Failure,
    names::{Oid, RefName},
    workflow_file::WorkflowFile,
};
use crate::{
    push::written::WrittenRef,
    wait::{
        Expected, RunOrigin, Waiting,
        not_triggered::Reason,
        reason::{self, WorkflowAtRef},
    },
};

/// For how many commits the file is read.
const MOST_COMMITS: usize = 5;

/// Whether each ref that must start the file shows a run. The files are read once, and only where a ref shows none.
pub(super) async fn all_have_shown(expected: &mut Expected, waiting: &Waiting, connection: &Connection) -> bool {
    let RunOrigin::File(file) = &expected.origin else { return true };
    let lacking = expected.without_run(waiting);
    if lacking.is_empty() {
        return true;
    }
    if expected.awaited.is_none() {
        let awaited = must_start(file, &lacking, waiting, connection).await;
        expected.awaited = Some(awaited);
    }
    expected.missing(waiting).is_empty()
}

/// The failure of refs that show no run though others do.
pub(super) fn not_all(expected: &Expected, waiting: &Waiting, after: Duration) -> Failure {
    let why = "It started for the other refs, and nothing in the file keeps it from starting for these.";
    reason::not_triggered(expected, waiting, after, Some(Reason::likely(why)))
}

/// Those of `places` whose own file starts for them beyond doubt.
async fn must_start(
    file: &str,
    places: &[&WrittenRef],
    waiting: &Waiting,
    connection: &Connection,
) -> BTreeSet<RefName> {
    let by_workflow_token =
        waiting.cleared.plan().git_token().is_some_and(|token| token.kind == TokenKind::GithubToken);
    let commits: BTreeSet<Oid> = places.iter().map(|place| place.commit).collect();
    // Pushes with `GITHUB_TOKEN` start nothing, and each commit takes two requests.
    if by_workflow_token || commits.len() > MOST_COMMITS {
        return BTreeSet::new();
    }
    let mut files: BTreeMap<Oid, WorkflowFile> = BTreeMap::new();
    for commit in commits {
        let found = reason::file_at(file, &commit.to_string(), waiting, connection).await;
        if let (WorkflowAtRef::Text(text), None) = (found, reason::skip_mark(commit, waiting, connection).await) {
            files.insert(commit, WorkflowFile::read(&text));
        }
    }
    // Only a file that leaves nothing open counts: a doubtful one must not turn runs that ended well into a failure.
    let starts = |place: &&&WrittenRef| {
        place.pushed_with == 0 && files.get(&place.commit).is_some_and(|file| file.excludes_push(&place.name).is_none())
    };
    places.iter().filter(starts).map(|place| place.name.clone()).collect()
}
