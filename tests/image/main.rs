//! The image itself, started as the Actions runner starts it, against a GitHub on loopback.
//!
//! `script/test` builds the image, names it in `REPO_RELAY_IMAGE` and runs these tests; by themselves they have nothing
//! to start and are ignored.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "tests may stop at the first surprise"
)]

mod act;
mod container;
mod engine;
#[allow(dead_code, clippy::print_stdout, reason = "shared with the tests of the bare binary")]
#[path = "../integration/leaks.rs"]
mod leaks;
mod native;
#[path = "../pages/mod.rs"]
mod pages;
mod recipes;
mod release;
#[allow(dead_code, reason = "shared with the tests of the bare binary")]
#[path = "../integration/runner.rs"]
mod runner;
#[allow(dead_code, reason = "shared with the tests of the bare binary")]
#[path = "../integration/native/server.rs"]
mod server;
#[allow(dead_code, reason = "shared with the tests of the bare binary")]
#[path = "../integration/sshd.rs"]
mod sshd;
mod start;
mod workflow;
#[allow(dead_code, reason = "shared with the tests of the bare binary")]
#[path = "../integration/world.rs"]
mod world;
