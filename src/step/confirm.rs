//! The one question that a person is asked: whether to write to a repository that nobody wrote down.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal as _, Write as _},
};

use crate::{
    context::Context,
    diagnosis::{Cause, Failure},
    inputs::Inputs,
};

/// Asks the person at the terminal before anything is written to a repository that the checkout or the environment names. Where
/// nobody can be asked, nothing is: a script and a runner go on.
///
/// # Errors
/// `cancelled` for any answer but yes.
pub(super) fn confirm(inputs: &Inputs, context: &Context) -> Result<(), Failure> {
    if context.on_runner || inputs.behaviour.dry_run || !inputs.writes() {
        return Ok(());
    }
    let [target, ..] = inputs.targets.list.as_slice() else { return Ok(()) };
    let source = if context.repository.is_some() { "GITHUB_REPOSITORY" } else { "the remote `origin`" };
    let question = format!("Write to {} (named by {source})? [y/N] ", target.web());
    match answer(&question) {
        None => Ok(()),
        Some(answer) if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") => Ok(()),
        Some(_) => {
            Err(Failure::new(Cause::Cancelled, format!("Not confirmed: nothing was written to {}.", target.web()))
                .with_remedy(format!("Name the target with `--repository {}`, or pass `--yes`.", target.slug)))
        }
    }
}

/// The line that a person types; none where there is no terminal.
fn answer(question: &str) -> Option<String> {
    if !io::stderr().is_terminal() {
        return None;
    }
    // Standard input may hold a token or be closed; the terminal is still there.
    let mut terminal: Box<dyn BufRead> = if io::stdin().is_terminal() {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open("/dev/tty").ok()?))
    };
    let mut err = io::stderr().lock();
    err.write_all(question.as_bytes()).and_then(|()| err.flush()).ok()?;
    let mut line = String::new();
    terminal.read_line(&mut line).ok()?;
    Some(line)
}
