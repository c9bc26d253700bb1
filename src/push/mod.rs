//! The push stage: a directory onto a branch, or refs of the checkout.

pub mod directory;
pub mod lfs;
pub mod pull_request;
pub mod refs;
mod signed;
mod sweep;
pub mod told;
mod upload;
pub mod words;
pub mod written;
