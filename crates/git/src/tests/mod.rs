//! Conversations with real git: over pipes and over HTTP.

mod conversation;
mod over_http;
pub(crate) mod process;
