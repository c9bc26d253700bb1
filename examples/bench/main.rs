//! Whole publishes beside hand-written git, many publishers at once, and Git LFS objects beside `git lfs push`: `script/bench`.
//!
//! Every way publishes a fresh copy of the same folder to a repository of its own on the same GitHub on loopback, from a
//! fresh HOME and a fresh folder for temporary files. Wall and CPU time and peak memory are those of the client, as GNU time
//! tells them; the server runs on the same cores, and what its git took is a column of its own.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a measurement")]

mod clients;
mod lfs;
mod pairs;
mod publish;
mod races;
mod sites;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use repo_relay::{context::Environment, step};

/// How this program calls itself as the one that is measured.
const AS_PROGRAM: &str = "as-program";
/// How it calls itself to read and hash a folder, and nothing else.
const BARE: &str = "bare";
/// How it calls itself to walk and hash a folder as a publish does, without the search for secrets.
const HASH: &str = "hash";
/// The same, with the search for secrets.
const SEARCH: &str = "hash-and-search";

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let first = arguments.next().unwrap_or_default();
    let number = |text: Option<std::ffi::OsString>| text.and_then(|text| text.to_str()?.parse().ok());
    match first.to_str().unwrap_or_default() {
        AS_PROGRAM => {
            return step::run(arguments.collect(), Environment::of_this_process(), env::current_dir().unwrap());
        }
        BARE => clients::read_and_hash(Path::new(&arguments.next().unwrap())),
        way @ (HASH | SEARCH) => clients::hash_as_a_publish(Path::new(&arguments.next().unwrap()), way == SEARCH),
        "signed" => pairs::signed(number(arguments.next()).unwrap_or(3)),
        "search" => pairs::search(number(arguments.next()).unwrap_or(3)),
        "races" => races::measure(number(arguments.next()).unwrap_or(200)),
        "lfs" => {
            let runs = number(arguments.next()).unwrap_or(3);
            lfs::measure(runs, number(arguments.next()).unwrap_or(1000));
        }
        "publish" => {
            let runs = number(arguments.next()).unwrap_or(3);
            let folder = arguments.next().map(PathBuf::from);
            let only = arguments.next().and_then(|text| text.into_string().ok()).unwrap_or_default();
            publish::measure(runs, folder, &only);
        }
        _ => {
            println!(
                "bench publish [RUNS [FOLDER [SITE]]] | bench races [PUBLISHERS] | bench lfs [RUNS [OBJECTS]] | \
                 bench signed [RUNS] | bench search [RUNS]"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
