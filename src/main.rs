//! The command: environment and flags in, exit status out.

fn main() {}
