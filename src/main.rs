//! The command: arguments and environment in, exit status out.

use std::process::ExitCode;

use repo_relay::{context::Environment, step};

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).collect();
    let current_dir = std::env::current_dir().unwrap_or_default();
    step::run(arguments, Environment::of_this_process(), current_dir)
}
