//! The real binary against a GitHub on loopback: real HTTP, real git.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::must_use_candidate,
    missing_docs,
    dead_code,
    reason = "tests may stop at the first surprise"
)]

mod app;
mod certificates;
mod commands;
mod content;
mod directory;
mod dump;
mod emulated;
mod ending;
mod fanout;
mod field_checks;
mod field_inputs;
mod field_publish;
mod field_publish_more;
mod field_refs;
mod field_refs_more;
mod field_triggers;
mod field_wiki;
mod floating;
mod foreseen;
mod front;
mod hostile;
mod hostile_sources;
mod hosts;
mod inside;
mod late;
mod leaks;
mod lfs;
mod limits;
mod machine;
mod machine_more;
mod malicious;
mod malicious_ssh;
mod mangled;
mod matrix;
mod mirror;
mod mirror_prune;
mod native;
mod once;
mod packs;
mod pages;
mod panics;
mod parts;
mod patience;
mod polling;
mod preflight;
mod preflight_content;
mod preflight_cost;
mod preflight_rules;
mod preflight_tags;
mod preflight_token;
mod preflight_workflow;
mod previews;
mod publish;
mod pull_request;
mod race;
mod reasons;
mod refs;
mod refs_checkouts;
mod refs_faults;
mod refs_packed;
mod relay_id;
mod renamed;
mod report;
mod revoke;
mod runner;
mod scopes;
mod secret;
mod server_speaks;
mod setups;
mod signed;
mod signing;
mod situations;
mod soak;
mod sparing;
mod ssh;
mod sshd;
mod swaps;
mod tag;
mod thin;
mod transport;
mod trigger;
mod wait;
mod world;
