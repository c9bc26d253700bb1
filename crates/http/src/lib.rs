//! The one HTTP client, and what a running stage tells meanwhile.

use repo_relay_diagnosis as diagnosis;
use repo_relay_names::credential;

pub mod http;
pub mod pending_write;
pub mod progress;
