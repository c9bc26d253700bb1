//! What went wrong, as a value: a closed list of causes, and the failure that carries one.

mod cause;
mod failure;

pub use cause::Cause;
pub use failure::{Failure, Retry, Stage};
