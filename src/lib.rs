//! repo-relay: one workflow step that checks a token, publishes to another repository, tags it,
//! starts the workflows downstream and says in plain words what went wrong.
//!
//! Data walks from left to right; no stage reads the environment, prints, or calls an earlier one:
//!
//! ```text
//! env, flags -> Inputs, Context -> Plan -> Cleared<Plan> -> Pushed -> Tagged -> SecretSet -> Triggered -> Waited -> Report -> streams, files, exit status
//!         inputs, context    plan   preflight       push      tag      secrets      trigger      wait      report
//! ```

pub mod cli;
pub mod connection;
pub mod context;
pub mod credential;
pub mod diagnosis;
pub mod doubt;
pub mod explain;
pub mod fanout;
pub mod git;
pub mod github;
pub mod globs;
pub mod http;
pub mod inputs;
pub mod mint;
pub mod names;
pub mod plan;
pub mod preflight;
pub mod progress;
pub mod publish;
pub mod push;
pub mod refs;
pub mod relay;
pub mod report;
pub mod retry;
pub mod secrets;
pub mod step;
pub mod tag;
pub mod trigger;
pub mod wait;
pub mod workflow_file;
