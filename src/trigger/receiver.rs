//! What the receiver's own file tells about a run: one that must show the relay's id, and does not, is another start's.

use std::collections::BTreeMap;

use crate::workflow_file::relay_id::RelayId;
use crate::{
    connection::Connection,
    github::model::{Content, Run},
    names::Slug,
    workflow_file::WorkflowFile,
};

/// Whose a run is, that resembles a start's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// It shows the relay's id.
    Ours,
    /// It lacks the id, which its file's `run-name` would show: another start's beyond doubt.
    Anothers,
    /// Its file shows no id, so that the title tells nothing.
    Open,
    /// Its file could not be read.
    Unknown,
}

/// The files that were looked at, each once.
pub(crate) struct Receivers<'a> {
    target: &'a Slug,
    connection: &'a Connection,
    /// By path and commit; none: it could not be read.
    files: BTreeMap<(String, String), Option<WorkflowFile>>,
}

impl<'a> Receivers<'a> {
    pub(crate) fn new(target: &'a Slug, connection: &'a Connection) -> Self {
        Self { target, connection, files: BTreeMap::new() }
    }

    /// Whose a run is.
    pub(crate) async fn whose(&mut self, id: &RelayId, run: &Run) -> Whose {
        if id.is_shown_by(run) {
            return Whose::Ours;
        }
        let path = run.path.split('@').next().unwrap_or_default().to_owned();
        // At the run's own commit, since `run-name` can have changed between two commits.
        let key = (path, run.head_sha.clone());
        if !self.files.contains_key(&key) {
            let answer = self.connection.github.content(self.target, &key.0, Some(&key.1)).await;
            let file = match answer.map(|answered| answered.value) {
                Ok(Content::File(bytes)) => Some(WorkflowFile::read(&String::from_utf8_lossy(&bytes))),
                Ok(Content::Other) | Err(_) => None,
            };
            self.files.insert(key.clone(), file);
        }
        match self.files.get(&key).and_then(Option::as_ref) {
            None => Whose::Unknown,
            Some(file) if id.must_be_shown_by(file) => Whose::Anothers,
            Some(_) => Whose::Open,
        }
    }
}
