//! Writes the man page of the command to standard output: `cargo run --example man > repo-relay.1`.

#![allow(missing_docs, reason = "an example")]

use std::io;

use clap_mangen::Man;
use repo_relay::cli;

fn main() -> io::Result<()> {
    let command = cli::command_line().about(env!("CARGO_PKG_DESCRIPTION")).version(env!("CARGO_PKG_VERSION"));
    // The page is the same whenever it is made: no date of this machine.
    Man::new(command).date("").render(&mut io::stdout().lock())
}
