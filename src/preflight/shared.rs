//! What the targets of a step share.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::facts::NewTokenFacts;
use crate::publish::source::Source;

/// What the targets of a step share: it is the same for all, and worked out or asked for once.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// The directory.
    pub source: Arc<Source>,
    /// What was learned about a new token that is to be stored.
    pub new_token: Arc<OnceCell<NewTokenFacts>>,
}
