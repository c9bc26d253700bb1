//! A fault of this program itself: told without secrets, with the outputs and the report written, what was minted revoked, no
//! file left, and exit status 1.
//!
//! A panic's own words may hold whatever the program was working on: a slice of a text out of bounds quotes the text.

use std::{
    io::{self, Write as _},
    panic::PanicHookInfo,
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{STACK, destinations};
use crate::{
    context::Context,
    diagnosis::{Cause, Failure, Stage},
    git::objects,
    mint::Tokens,
    report::{
        Console, Mode, Report,
        commands::{self, Level},
        json as report_json, write_all,
    },
};

/// How long the end may take. Whatever the thread that failed holds, it never gives back.
const PATIENCE: Duration = Duration::from_secs(4);

/// From here on a panic, of whatever thread, ends the process like any other failure.
pub(super) fn report(context: &Context, console: &Console, json: bool, tokens: &Tokens) {
    let (destinations, console, tokens) = (destinations(context), console.clone(), tokens.clone());
    std::panic::set_hook(Box::new(move |panic| {
        let words = words(panic);
        let (destinations, console, tokens) = (destinations.clone(), console.clone(), tokens.clone());
        let (done, ended) = mpsc::channel();
        // On a thread of its own: the one that failed may hold what is needed here.
        let writing = thread::Builder::new().stack_size(STACK).spawn(move || {
            let failure = console.redactor().redacted(Failure::new(Cause::InternalError, words));
            let text = console.redactor().redacted(commands::failure_text(&failure));
            let mut line = Vec::new();
            let _ = match console.mode() {
                Mode::Runner => commands::annotate(&mut line, Level::Error, Some(failure.cause.slug()), &text),
                Mode::Terminal | Mode::Plain => writeln!(line, "{text}"),
            };
            // Past the console, whose streams may be held.
            let _ = io::stderr().write_all(&line);
            let report = console.redactor().redacted(Report::failed(Stage::Inputs, &failure));
            write_all(&report, &destinations, &console);
            if json {
                super::print(&format!("{}\n", report_json::render(&report)));
            }
            if tokens.revoke_after_panic() > 0 {
                let text = "The App's token could not be revoked; it ends by itself within an hour.\n";
                let _ = io::stderr().write_all(text.as_bytes());
            }
            let _ = done.send(());
        });
        if writing.is_ok() {
            let _ = ended.recv_timeout(PATIENCE);
        }
        objects::remove_leftovers();
        #[allow(clippy::disallowed_methods, reason = "nothing returns from here to main")]
        std::process::exit(1)
    }));
}

fn words(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
    let said = panic.payload_as_str().unwrap_or("without words");
    format!("The program itself failed{place}: {said}. What it had done by then is not known.")
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, process::Command};

    use super::*;
    use crate::{
        context::Environment,
        credential::{Redactor, Secret},
        inputs::Raw,
    };

    const CANARY: &str = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";

    /// Runs in a process of its own, started by the test below in a folder of its own.
    #[test]
    #[ignore = "it ends its process"]
    fn fails_with_a_secret_in_its_words() {
        let environment: Environment =
            [("GITHUB_ACTIONS", "true"), ("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary")]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
        let context = Context::read(&environment, PathBuf::from("."));
        let console = Console::standard(true, false, Redactor::default());
        console.masks(&[Secret::new(CANARY.to_owned())]);
        report(&context, &console, false, &Tokens::default());
        let held = format!("é{CANARY}");
        let _ = &held[1..];
    }

    #[test]
    fn a_panic_is_reported_without_the_secret_that_it_quotes() {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "step::panics::tests::fails_with_a_secret_in_its_words"])
            .current_dir(folder.path())
            // No variable that an earlier step left keeps the report from being written.
            .env("RUST_MIN_STACK", "1099511627776000")
            .env("RUST_TEST_THREADS", "1")
            .output()
            .unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
        assert!(stderr.contains("::error title=internal-error::") && stderr.contains("char boundary"), "{stderr}");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let unmasked: String = stdout.lines().filter(|line| !line.contains("::add-mask::")).collect();
        assert!(read("output").contains("internal-error") && read("summary").contains("internal-error"));
        for text in [&*unmasked, &stderr, &read("output"), &read("summary")] {
            assert!(!text.contains(CANARY) && !text.contains(&CANARY[4..]), "{text}");
        }
    }

    #[test]
    fn what_holds_a_secret_does_not_print_it() {
        let names = crate::inputs::INPUTS.iter().filter(|input| input.form.is_secret()).map(|input| input.name);
        let given = names.map(|name| (format!("INPUT_{}", name.to_uppercase()), format!("canary-{name}")));
        let ambient = [("GH_TOKEN".to_owned(), "canary-ambient".to_owned())];
        let raw = Raw::from_environment(given.chain(ambient).collect());
        assert!(raw.secrets().count() >= 7);
        let redactor = Redactor::new(raw.secrets().map(|(_, secret)| secret));
        let printed = format!("{raw:?} {raw:#?} {redactor:?} {:?}", raw.secrets().collect::<Vec<_>>());
        assert!(!printed.contains("canary"), "{printed}");
    }
}
