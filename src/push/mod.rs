//! The push stage: a directory onto a branch, or refs of the checkout.

pub mod directory;
pub mod refs;
pub mod told;
pub mod written;
