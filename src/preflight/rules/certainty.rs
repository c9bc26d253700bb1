//! How sure a breach of a rule is.

/// How sure a breach is, leaving aside who may bypass the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// The server will refuse.
    Certain,
    /// The server decides.
    Perhaps,
}
