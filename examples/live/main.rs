//! Does this version do on a server of yours what it promises? `script/live --help`
//!
//! Makes two private repositories, runs the program against them as a step of a workflow with every credential that is given,
//! asks the server about each fact that the code believes in, and removes what it made. With `--emulator` the server is the
//! GitHub on loopback that the tests use.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a program for a person"
)]

mod credentials;
mod facts;
pub(crate) mod local;
pub(crate) mod options;
mod repositories;
mod scene;
pub(crate) mod server;
mod setups;
mod step;
mod table;

use std::{
    env,
    io::{BufRead, IsTerminal},
    process::ExitCode,
};

use options::{Options, USAGE};
use repositories::Repositories;
use scene::Scene;
use server::{Interrupt, Server, Stop};
use table::Table;

fn main() -> ExitCode {
    ExitCode::from(run(&env::args().skip(1).collect::<Vec<_>>()))
}

/// One run, from the arguments to the exit status: 0 when every row holds or was skipped and nothing is left over, 1 otherwise,
/// 2 when it was started wrongly, 130 when it was interrupted.
pub(crate) fn run(arguments: &[String]) -> u8 {
    if arguments.iter().any(|argument| matches!(argument.as_str(), "-h" | "--help")) {
        println!("{USAGE}");
        return 0;
    }
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let local = arguments.iter().any(|argument| argument == "--emulator");
    let local = local.then(local::Local::start).transpose();
    let read = local.and_then(|local| {
        let given = |name: &str| local.as_ref().map_or_else(|| variable(name), |local| local.variable(name));
        Options::read(arguments, &given).map(|options| (options, local))
    });
    // The emulator lives as long as this function.
    let (options, _local) = match read {
        Ok(read) => read,
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}");
            return 2;
        }
    };
    println!("{}", options.plan());
    if !options.yes && !confirmed() {
        println!("Nothing was sent.");
        return 2;
    }
    let interrupt = match Interrupt::of_signals() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            eprintln!("Signals cannot be handled: {error}");
            return 1;
        }
    };
    match Server::new(&options, interrupt) {
        Ok(server) => work(&options, &server),
        Err(problem) => {
            eprintln!("{problem}");
            1
        }
    }
}

fn confirmed() -> bool {
    if !std::io::stdin().is_terminal() {
        println!("Standard input is no terminal, so nobody can be asked: pass --yes to go ahead.");
        return false;
    }
    println!("Go ahead? Type yes:");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}

fn work(options: &Options, server: &Server) -> u8 {
    let mut table = Table::new(server.web(), server.redactor(), &options.only);
    let mut repositories = Repositories::of(options, server);
    let done = repositories.make().and_then(|()| {
        let scene = Scene::open(options, server, repositories.refused_key.take())?;
        facts::ask(&scene, &mut table).and_then(|()| setups::run(&scene, &mut table))
    });
    let left = repositories.remove();
    table.finish(server.requests());
    print!("{}", table.text());
    if let Err(problem) = table.write(&options.output) {
        eprintln!("The table cannot be written to {}: {problem}", options.output.display());
        return 1;
    }
    println!("The table is in {0}/live.md and {0}/live.json.", options.output.display());
    for problem in &left {
        eprintln!("LEFT OVER: {problem}");
    }
    match done {
        Err(Stop::Interrupted) => {
            eprintln!("Interrupted; what was made is removed.");
            130
        }
        Err(Stop::Failed(problem)) => {
            eprintln!("{}", server.redactor().redact(&problem));
            1
        }
        Ok(()) if table.differs() || !left.is_empty() => 1,
        Ok(()) => 0,
    }
}
