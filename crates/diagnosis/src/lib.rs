//! What went wrong, as a value: a closed list of causes, the failure that carries one, and the classifier
//! that finds it in an answer, in git's output or in an error of the network.

use repo_relay_names::{credential, names};

mod cause;
mod classify;
pub mod errors;
mod evidence;
mod failure;
mod finding;
mod job_permissions;
mod link;
mod listed;
mod reading;
mod refine;
mod remedy;
mod sentence;
pub mod token_page;
mod verdict;

pub use cause::Cause;
pub use classify::classify;
pub use evidence::{Evidence, Operation, Pushes, Situation};
pub use failure::{Failure, Retry, Stage};
pub use verdict::Diagnosis;
