//! Runs that are deleted while they are waited for.

use super::{
    run,
    waiting::{Waiting, failure},
};
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure},
    github::{Polled, model::Run},
};

/// Runs that no list has any more, each as it is now where that can be asked.
///
/// # Errors
/// One of them was deleted.
pub(super) async fn still_there(
    vanished: Vec<Run>,
    waiting: &Waiting,
    connection: &Connection,
) -> Result<Vec<Run>, Failure> {
    let mut kept = Vec::new();
    for run in vanished {
        match connection.github.run(&waiting.cleared.plan().target.slug, run.id, None).await {
            Ok(Polled::Changed(answered)) => kept.push(answered.value),
            Err(error) if error.is(404) => return Err(deleted(&run)),
            Ok(Polled::Unchanged(_)) | Err(_) => kept.push(run),
        }
    }
    Ok(kept)
}

/// A run that is gone before it has ended.
pub(super) fn deleted(run: &Run) -> Failure {
    let what = format!(
        "The run {} of {} was deleted while it was waited for (it was `{}`), so that its end is not known.",
        run.id,
        run::workflow_name(run),
        run::state(run)
    );
    failure(Cause::RunFailed, what, None).with_remedy(
        "Start it again, and see who or what deletes runs there: an account with Write, or a clean-up workflow.",
    )
}
