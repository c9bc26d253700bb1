//! Scratch refs that killed steps left behind, deleted after a push.

use crate::{connection::Connection, git::scratch, plan::Plan, preflight::Cleared, progress::Event};

/// Deletes the scratch refs that are older than a day, each only with the value that was seen. Nothing in a dry run.
///
/// The sweep is no part of the push: a notice tells its failure, and the step goes on.
pub(super) async fn sweep(cleared: &Cleared<Plan>, connection: &Connection) {
    if cleared.plan().behaviour.dry_run {
        return;
    }
    let refs = cleared.advertisement();
    let doomed = scratch::abandoned(&refs, cleared.at());
    if doomed.is_empty() {
        return;
    }
    let text = match scratch::delete(&connection.remote, &refs, &doomed).await {
        Ok(()) => format!("{} scratch refs of steps that were killed are deleted.", doomed.len()),
        Err(error) => {
            format!("Scratch refs of steps that were killed could not be deleted. {}", error.into_failure().what)
        }
    };
    connection.watch.see(Event::Notice(&text));
}
