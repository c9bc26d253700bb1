//! What everything else stands on: names, secrets, patterns, and the system.

pub mod credential;
pub mod globs;
pub mod names;
pub mod system;
