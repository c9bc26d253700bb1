//! Publishing a directory.

mod folders;
pub mod globs;
pub mod hash;
mod names;
pub mod walk;
