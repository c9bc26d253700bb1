//! The runs that were there before a start was asked for: none of them is its own.
//!
//! A run's moment is told to the second, so that a run which another step started just before cannot be told by it.

use std::{collections::BTreeSet, time::Duration};

use super::{Start, once::made_since};
use crate::{
    connection::Connection,
    github::{Polled, RunQuery},
    names::Slug,
};

/// How long the start may be held up for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The numbers of the runs that `start`, which is not asked for yet, could be taken for; as far as the list can be read at once.
pub(super) async fn before(slug: &Slug, connection: &Connection, start: &Start) -> BTreeSet<u64> {
    let created = made_since(start.began);
    let query = RunQuery {
        workflow: start.workflow.as_deref(),
        event: Some(start.event),
        created: Some(&created),
        ..RunQuery::default()
    };
    let patience = PATIENCE.min(connection.retries.left() / 2);
    match tokio::time::timeout(patience, connection.github.runs(slug, &query, None)).await {
        Ok(Ok(Polled::Changed(answered))) => answered.value.into_iter().map(|run| run.id).collect(),
        // A list that cannot be read makes the search less certain, and is no reason to start nothing.
        _ => BTreeSet::new(),
    }
}
