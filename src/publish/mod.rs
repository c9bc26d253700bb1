//! Publishing a directory.

mod folders;
pub mod globs;
pub mod hash;
mod names;
#[cfg(test)]
mod testing;
pub mod tree;
pub mod walk;
