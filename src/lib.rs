//! repo-relay: one workflow step that checks a token, publishes to another repository, tags it, starts the workflows
//! downstream and explains in plain words what went wrong.
//!
//! Data runs from left to right; no stage reads the environment, prints, or calls an earlier one:
//!
//! ```text
//! env, flags -> Inputs, Context -> Plan -> Cleared<Plan> -> Pushed -> Tagged -> SecretSet -> Triggered -> Waited -> Report -> streams, files, exit status
//!         inputs, context    plan   preflight       push      tag      secrets      trigger      wait      report
//! ```
//!
//! The modules stand on floors, listed here from the top down. A file imports only from its own floor and from floors
//! below; `tests/house.rs` holds that. The floors below `retry` are crates, `crates/`, which the program names as its modules.
//!
//! - step
//!   - [`step`]: one step, from its arguments to its exit status
//! - fanout
//!   - [`fanout`]: all targets of a step, side by side
//! - relay
//!   - [`relay`]: the stages of one target in their order, and what the report says of each
//! - wait
//!   - [`wait`]: the wait stage: runs followed to their end
//! - push · tag · secrets · trigger · revoke
//!   - [`push`]: the push stage: a directory onto a branch, or refs of the checkout
//!   - [`tag`]: the tag stage
//!   - [`secrets`]: the secret stage
//!   - [`trigger`]: the trigger stage: `repository_dispatch` and `workflow_dispatch`, never sent twice
//!   - [`revoke`]: the revoke stage: the end of an old token, once for the whole step
//! - preflight
//!   - [`preflight`]: the checks: facts are gathered, then judged; the only maker of `Cleared`
//! - connection · mint
//!   - [`connection`]: one target, reached: REST and git over the same client
//!   - [`mint`]: the installation token of a GitHub App, minted and revoked
//! - plan
//!   - [`plan`]: what one relay will do, as data
//! - refs · publish · `workflow_file`
//!   - [`refs`]: refs of the checkout, and the updates that pushing them takes
//!   - [`publish`]: a directory, and the proposal of what publishing it changes
//!   - [`workflow_file`]: workflow files: triggers, inputs, filters
//! - context · inputs · cli · explain
//!   - [`context`]: what the runner tells about the workflow: `GITHUB_*`, proxies
//!   - [`inputs`]: the inputs as typed values: the only reader of `INPUT_*` and flags
//!   - [`cli`]: commands and flags
//! - git · github · report · retry
//!   - [`git`]: the objects and the wire protocol; types of git2 and russh stop here
//!   - [`github`]: REST operations and their models; types of octocrab stop here
//!   - [`report`]: the report and its four renderings: log, outputs, summary, exit status
//!   - [`retry`]: tries, pauses and the budget
//! - http · progress · `pending_write`
//!   - [`http`]: the one HTTP client, with proxies and TLS
//!   - [`progress`]: events of a running stage, for a log or a progress bar
//!   - [`pending_write`]: a write whose answer is outstanding
//!   - [`explain`]: the command `explain`
//! - diagnosis
//!   - [`diagnosis`]: the closed list of causes, the classifier of error texts, and `Failure`
//! - names · credential · globs · system
//!   - [`names`]: names of things on a GitHub server, parsed strictly: repositories, servers, refs, object ids, paths in a tree
//!   - [`credential`]: secrets, token kinds, and the redactor that keeps both out of what is printed
//!   - [`globs`]: the patterns of `keep` and `exclude`
//!   - [`system`]: what differs between Linux, macOS and Windows

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "its documentation is for whoever works on it, and is made with private items"
)]

pub use repo_relay_diagnosis as diagnosis;
pub use repo_relay_git as git;
use repo_relay_github as github;
pub use repo_relay_http::{http, pending_write, progress};
use repo_relay_names::system;
pub use repo_relay_names::{credential, globs, names};
pub use repo_relay_report as report;

pub mod cli;
pub mod connection;
pub mod context;
pub mod explain;
mod fanout;
pub mod inputs;
pub mod mint;
pub mod plan;
pub mod preflight;
pub mod publish;
mod push;
mod refs;
pub mod relay;
pub mod retry;
mod revoke;
mod secrets;
pub mod step;
mod tag;
mod trigger;
mod wait;
pub mod workflow_file;
