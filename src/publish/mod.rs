//! Publishing a directory: data in, data out, no network.
//!
//! ```text
//! walk -> Listing -> hash -> Hashed -> tree::merge -> Merged -> message, commit -> the objects to send
//!                              |           ^
//!                              |           the branch's trees
//!                              once for all targets, and for each tip that another push makes meanwhile
//! ```

pub mod commit;
mod folders;
pub mod globs;
pub mod hash;
pub mod message;
pub(crate) mod names;
pub mod proposal;
pub mod sign;
pub mod sizes;
pub mod source;
#[cfg(test)]
pub(crate) mod testing;
pub mod tree;
pub mod walk;
