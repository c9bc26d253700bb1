//! Git: the objects and the wire.

pub mod format;
pub mod objects;
