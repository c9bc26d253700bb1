//! Prints the page `docs/causes.md`: `cargo run --example causes > docs/causes.md`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(repo_relay::diagnosis::Cause::page().as_bytes())
}
