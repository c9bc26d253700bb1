//! Git LFS of a repository.

/// Whether objects are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LfsState {
    /// They are.
    Enabled,
    /// Git LFS is switched off for the repository: 403.
    Disabled,
    /// The owner's budget is spent: 403.
    OverBudget,
}

/// Git LFS of a repository. One without this is a server that knows no LFS: 404.
#[derive(Clone, Debug)]
pub struct Lfs {
    /// Whether objects are taken.
    pub state: LfsState,
    /// Whether an upload counts only once the client has had it verified.
    pub verify: bool,
    /// The largest object in bytes; a larger one is refused alone, with 422. (GitHub: 2 GiB to 5 GiB, by plan.)
    pub object_limit: u64,
}

impl Default for Lfs {
    fn default() -> Self {
        Self { state: LfsState::Enabled, verify: false, object_limit: 2 << 30 }
    }
}

impl Lfs {
    /// Uploads have to be verified.
    #[must_use]
    pub fn verified(mut self) -> Self {
        self.verify = true;
        self
    }

    /// Another state.
    #[must_use]
    pub fn state(mut self, state: LfsState) -> Self {
        self.state = state;
        self
    }

    /// Another limit for one object, in bytes.
    #[must_use]
    pub fn limit(mut self, bytes: u64) -> Self {
        self.object_limit = bytes;
        self
    }
}
