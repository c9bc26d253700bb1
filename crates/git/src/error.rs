//! What can go wrong on the wire. Causes, sentences and remedies are those of the diagnosis.

pub use crate::diagnosis::errors::WireError;
