//! Publishing a directory: data in, data out, no network.
//!
//! ```text
//! walk -> Listing -> hash -> Hashed -> tree::merge -> Merged -> message, commit -> the objects to send
//!                              |           ^
//!                              |           the branch's trees
//!                              once for all targets, and for each tip that another push makes meanwhile
//! ```

pub mod directory;
pub mod earlier;
pub mod exposed;
mod folders;
pub mod git_config;
pub mod hash;
pub mod message;
pub mod newer;
mod planned;
pub mod previews;
pub mod proposal;
pub mod sizes;
pub mod source;
pub(crate) mod special;
#[cfg(test)]
pub(crate) mod tests;
pub mod tree;
pub mod unmatched;
pub mod walk;
