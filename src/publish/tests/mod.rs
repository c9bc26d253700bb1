//! What the unit tests of publishing share.

pub(crate) mod support;
