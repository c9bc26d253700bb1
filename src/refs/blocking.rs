//! Work on the checkout that blocks, off the threads that wait for the network.

use crate::diagnosis::{Cause, Failure};

/// Runs `work` on a thread where it may block.
///
/// # Errors
/// Those of `work`; `internal-error` when the thread ended without an answer.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::new(Cause::InternalError, format!("The checkout could not be looked at: {error}.")))?
}
