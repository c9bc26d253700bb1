//! Prints the page `docs/checks.md`: `cargo run --example checks > docs/checks.md`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(repo_relay::preflight::CheckName::page().as_bytes())
}
