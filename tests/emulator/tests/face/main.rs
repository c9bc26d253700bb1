//! The emulator seen from outside: real git and real HTTP against it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod apps;
mod conformance;
mod deploy_keys;
mod faults;
mod git;
mod lfs;
mod load;
mod pulls;
mod receiving;
mod rest;
mod rules;
mod runs;
mod secrets;
mod signatures;
mod support;
mod surroundings;
