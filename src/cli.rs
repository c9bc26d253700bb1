//! The command line: commands for people, and flags made from the table of inputs.

mod help;
mod laptop;
mod named;
mod refused;

use std::{
    ffi::OsString,
    io::{self, Read as _},
    path::PathBuf,
};

use clap::ArgMatches;
use clap_complete::Shell;
use zeroize::Zeroizing;

use self::{
    named::{ARGUMENT, Named},
    refused::{invalid, refused},
};
use crate::{
    context::Environment,
    diagnosis::Failure,
    explain::{self, ExplainOptions, OptionError},
    inputs::{
        INPUTS, Raw,
        table::{Form, Input},
    },
};

/// What the program is asked to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// One relay.
    Relay(Request),
    /// The diagnosis of a text.
    Explain(Explain),
    /// This text, on standard output.
    Help(String),
    /// This line, on standard output.
    Version(String),
    /// This script, on standard output.
    Completions(String),
}

/// One relay, as it was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its inputs, unread: mask [`Raw::secrets`] first, then [`Inputs::read`](crate::inputs::Inputs::read).
    pub raw: Raw,
    /// Whether the report is printed as one JSON object, and nothing else on standard output.
    pub json: bool,
    /// Whether nobody is asked before something is written.
    pub yes: bool,
}

/// One diagnosis, as it was asked for.
#[derive(Clone, Debug, Default)]
pub struct Explain {
    /// What is told beside the text.
    pub options: ExplainOptions,
    /// The file that holds the text; none: standard input.
    pub file: Option<PathBuf>,
    /// Whether the answer is JSON on a terminal too.
    pub json: bool,
}

/// Whether `arguments` ask for JSON, however wrong the rest of them is.
pub fn asks_for_json(arguments: &[OsString]) -> bool {
    flags_of(arguments).any(|argument| argument == "--json")
}

/// Reads the arguments (without the program's name) and the inputs in the environment; a flag wins.
/// `read_file` reads the file of a `--NAME-file` flag, `-` being standard input: [`read_secret_file`] in the program.
///
/// # Errors
/// `invalid-input` for a command or a flag that is unknown, repeated or lacks its value, and for a file that cannot be read.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment,
    read_file: &mut dyn FnMut(&str) -> io::Result<String>,
) -> Result<Command, Failure> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut whole = flags_of(&arguments).any(|argument| argument == "--help");
    if arguments.first().is_some_and(|first| first == "help") {
        arguments.remove(0);
        whole = true;
    }
    let named = arguments.first().and_then(|first| first.to_str()).and_then(Named::of);
    if whole {
        return Ok(Command::Help(help::whole(named)));
    }
    if flags_of(&arguments).any(|argument| argument == "-h") {
        return Ok(Command::Help(help::short(named)));
    }
    let Some(named) = named else {
        let matches = named::step_parser().try_get_matches_from(arguments).map_err(|error| refused(&error, None))?;
        if matches.get_flag("version") {
            return Ok(Command::Version(format!("{}\n", version())));
        }
        let raw = Raw::from_environment(environment);
        return with_flags(raw, &matches, |_| true, read_file).map(Command::Relay);
    };
    let arguments = joined(&arguments[1..]);
    let matches = named.parser().try_get_matches_from(arguments).map_err(|error| refused(&error, Some(named)))?;
    let argument = || matches.get_many::<String>(ARGUMENT).into_iter().flatten().map(String::as_str);
    match named {
        Named::Explain => explain_options(&matches)
            .map(|options| {
                let file = argument().next().filter(|file| *file != "-").map(PathBuf::from);
                Command::Explain(Explain { options, file, json: matches.get_flag("json") })
            })
            .map_err(|error| invalid(format!("{error}."))),
        Named::Completions => completions(argument().next().unwrap_or_default()).map(Command::Completions),
        Named::Check | Named::Publish | Named::Push => {
            let mut raw = Raw::from_environment(environment);
            // The command says what is done: an input of another command, left in the environment, does not.
            raw.retain(|input| named.takes(input));
            if let (Some(input), Some(_)) = (named.input(), argument().next()) {
                raw.put(input, argument().collect::<Vec<_>>().join("\n"));
            }
            with_flags(raw, &matches, |input| named.takes(input), read_file).map(Command::Relay)
        }
    }
}

/// The arguments that are flags: what stands after `--` is none.
fn flags_of(arguments: &[OsString]) -> impl Iterator<Item = &OsString> {
    arguments.iter().take_while(|argument| *argument != "--")
}

/// `--flag true` as `--flag=true` for the flags that are truth values, so that any other word after one is an argument.
fn joined(arguments: &[OsString]) -> Vec<OsString> {
    let is_truth = |argument: &OsString| {
        let name = argument.to_str().and_then(|argument| argument.strip_prefix("--"));
        name.is_some_and(|name| INPUTS.iter().any(|input| input.form == Form::Bool && input.name == name))
    };
    let is_word =
        |argument: &OsString| matches!(argument.to_str(), Some("true" | "True" | "TRUE" | "false" | "False" | "FALSE"));
    let mut joined: Vec<OsString> = Vec::new();
    for argument in arguments {
        match joined.last_mut() {
            Some(flag) if is_truth(flag) && is_word(argument) => {
                flag.push("=");
                flag.push(argument);
            }
            _ => joined.push(argument.clone()),
        }
    }
    joined
}

/// The request with the inputs that were given as flags.
fn with_flags(
    mut raw: Raw,
    matches: &ArgMatches,
    takes: impl Fn(&Input) -> bool,
    read_file: &mut dyn FnMut(&str) -> io::Result<String>,
) -> Result<Request, Failure> {
    let mut standard_input = None;
    for input in INPUTS.iter().filter(|input| takes(input)) {
        let Some(values) = matches.get_many::<String>(input.name) else { continue };
        let values: Vec<&str> = values.map(String::as_str).collect();
        if !input.form.is_secret() {
            raw.put(input, values.join("\n"));
            continue;
        }
        for path in values {
            if path == "-"
                && let Some(other) = standard_input.replace(input.name)
            {
                return Err(invalid(format!(
                    "`--{other}-file` and `--{}-file` both read standard input; one of them accepts `-`.",
                    input.name
                )));
            }
            let value = read_file(path).map_err(|error| {
                invalid(format!(
                    "`--{}-file` cannot read {path:?} ({error}). It accepts the path of a file, or `-` for standard input.",
                    input.name
                ))
            })?;
            raw.put(input, value);
        }
    }
    let yes = matches.try_get_one::<bool>("yes").ok().flatten().copied().unwrap_or_default();
    Ok(Request { raw, json: matches.get_flag("json"), yes })
}

/// The whole command line: the flags of a step, and the commands with theirs. For pages that are made of it.
pub fn command_line() -> clap::Command {
    named::whole()
}

fn completions(shell: &str) -> Result<String, Failure> {
    let shell: Shell = shell.parse().map_err(|_| {
        invalid("`completions` knows no such SHELL; it accepts bash, zsh, fish, elvish or powershell.".to_owned())
    })?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut named::whole(), env!("CARGO_PKG_NAME"), &mut script);
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// Reads a file that holds a secret, or standard input for `-`.
///
/// # Errors
/// What the operating system says, or that the content is not UTF-8.
pub fn read_secret_file(path: &str) -> io::Result<String> {
    let mut bytes = Zeroizing::new(Vec::new());
    if path == "-" {
        io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?.read_to_end(&mut bytes)?;
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))?;
    Ok(text.to_owned())
}

/// `repo-relay VERSION (COMMIT)`; without the commit where the build did not name one.
pub fn version() -> String {
    let version = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    match option_env!("REPO_RELAY_REVISION").filter(|revision| !revision.is_empty()) {
        Some(revision) => format!("{version} ({revision})"),
        None => version.to_owned(),
    }
}

fn explain_options(matches: &ArgMatches) -> Result<ExplainOptions, OptionError> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    Ok(ExplainOptions {
        operation: text("operation").map(explain::parse_operation).transpose()?,
        status: text("status").map(explain::parse_status).transpose()?,
        headers: matches
            .get_many::<String>("header")
            .into_iter()
            .flatten()
            .map(|header| explain::parse_header(header))
            .collect::<Result<_, _>>()?,
    })
}

/// The flag's name without its dashes.
fn long(input: &Input) -> String {
    if input.form.is_secret() { format!("{}-file", input.name) } else { input.name.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{
        context::Context,
        credential::Secret,
        diagnosis::Cause,
        inputs::{Inputs, Push},
    };

    fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Command, Failure> {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut files = |path: &str| match path {
            "-" => Ok("ghp_from_stdin\n".to_owned()),
            "token.txt" => Ok("ghp_from_file\n".to_owned()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        parse(arguments.iter().map(OsString::from), environment, &mut files)
    }

    fn inputs(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Inputs, Failure> {
        let variables = [variables, &[("GITHUB_REPOSITORY", "o/r")]].concat();
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        match command(arguments, &variables)? {
            Command::Relay(request) => Inputs::read(&request.raw, &Context::read(&environment, PathBuf::from("/here"))),
            other => panic!("{other:?}"),
        }
    }

    fn token(inputs: &Inputs) -> &str {
        inputs.credential.token.secret().map_or("", Secret::expose)
    }

    #[test]
    fn a_flag_wins_over_the_environment() {
        let read =
            inputs(&["--timeout", "1m", "--token-file=token.txt"], &[("INPUT_TIMEOUT", "2m"), ("INPUT_TOKEN", "x")]);
        let read = read.unwrap();
        assert_eq!((read.behaviour.timeout.as_secs(), token(&read)), (60, "ghp_from_file"));
    }

    #[test]
    fn a_boolean_flag_needs_no_value() {
        let dry =
            |arguments: &[&str]| inputs(arguments, &[("INPUT_DRY-RUN", "true")]).map(|read| read.behaviour.dry_run);
        assert!(dry(&["--dry-run"]).unwrap() && dry(&["--dry-run=True"]).unwrap() && dry(&[]).unwrap());
        assert!(!dry(&["--dry-run=false"]).unwrap());
        assert!(dry(&["--dry-run=maybe"]).unwrap_err().what.contains("true or false"));
        assert!(dry(&["--dry-run", "true"]).unwrap() && dry(&["--dry-run", "--branch", "b"]).unwrap());
        assert!(!dry(&["--dry-run", "false"]).unwrap());
        assert!(dry(&["--dry-run", "maybe"]).unwrap_err().what.contains("true or false"));
    }

    #[test]
    fn a_list_flag_may_be_repeated_and_may_hold_lines() {
        let read = inputs(&["--tag", "v1,2", "--tag", "a\nb"], &[]).unwrap();
        let names: Vec<String> = read.tags.unwrap().list.iter().map(|tag| tag.name.short().to_owned()).collect();
        assert_eq!(names, ["v1,2", "a", "b"]);
    }

    #[test]
    fn a_secret_comes_from_a_file_and_never_from_an_argument() {
        assert_eq!(token(&inputs(&["--token-file", "-"], &[]).unwrap()), "ghp_from_stdin");
        for arguments in [&["--token=ghp_hidden"][..], &["--token", "ghp_hidden"]] {
            let failure = inputs(arguments, &[]).unwrap_err();
            assert!(failure.what.contains("--token-file") && !failure.to_string().contains("hidden"), "{failure}");
        }
        let missing = inputs(&["--token-file", "no.txt"], &[]).unwrap_err();
        assert!(missing.what.contains("no.txt") && missing.what.contains("--token-file"));
        let twice = inputs(&["--token-file", "-", "--ssh-key-file", "-"], &[]).unwrap_err();
        assert!(twice.what.contains("standard input"), "{twice}");
    }

    #[test]
    fn what_the_command_line_does_not_take_is_refused_by_name_and_without_its_value() {
        for (arguments, named) in [
            (&["--dry_run=ghp_hidden"][..], "--dry-run"),
            (&["--directroy", "ghp_hidden"], "--directory"),
            (&["ghp_hidden"], "`explain`"),
            (&["pubish", "site"], "Did you mean `publish`?"),
            (&["chekc"], "Did you mean `check`?"),
            (&["publish"], "DIRECTORY"),
            (&["publish", "a", "b"], "one DIRECTORY"),
            (&["publish", "a", "--directory", "b"], "`--directory`"),
            (&["push"], "REFSPEC"),
            (&["push", "main", "--directory", "x"], "`publish`"),
            (&["publish", "x", "--refs", "main"], "`push` does"),
            (&["publish", "x", "--direcotry", "y"], "Unknown flag `--direcotry`. Did you mean `--directory`?"),
            (&["check", "a/b", "--tag", "v1"], "`publish` or `push`"),
            (&["check", "--tokn-file", "x"], "--token-file"),
            (&["check", "--token", "ghp_hidden"], "--token-file"),
            (&["completions"], "SHELL"),
            (&["completions", "tcsh"], "bash"),
            (&["-x"], "--repository"),
            (&["--branch", "a", "--branch", "b"], "--branch"),
            (&["--branch"], "--branch"),
            (&["--branch", "--dry-run"], "--branch"),
            (&["explain", "--statsu", "1"], "--status"),
            (&["explain", "--status", "abc"], "--status"),
            (&["explain", "--operation", "pull"], "--operation"),
            (&["explain", "--header", "hidden"], "--header"),
            (&["--branch", "a", "explain"], "The command comes first"),
        ] {
            let failure = command(arguments, &[]).unwrap_err();
            assert_eq!(failure.cause, Cause::InvalidInput, "{arguments:?}");
            assert!(failure.what.contains(named), "{arguments:?}: {failure}");
            assert!(!failure.to_string().contains("hidden"), "{failure}");
        }
    }

    #[test]
    fn help_version_and_explain_are_commands_of_their_own() {
        let bad = [("INPUT_NONSENSE", "x")];
        let help = |arguments: &[&str]| match command(arguments, &bad) {
            Ok(Command::Help(text)) => text,
            other => panic!("{arguments:?}: {other:?}"),
        };
        assert!(help(&["--help"]).contains("--token-file <PATH|->"));
        assert!(help(&["-h"]).lines().count() <= 40);
        assert!(help(&["explain", "--help"]).contains("--operation"));
        for whole in [&["publish", "--help"][..], &["help", "publish"], &["publish", "x", "--nonsense", "--help"]] {
            let text = help(whole);
            assert!(text.contains("--destination <TEXT>") && !text.contains("--refs"), "{text}");
        }
        assert!(help(&["push", "-h"]).contains("repo-relay push REFSPEC..."));
        for version in ["--version", "-V"] {
            assert!(
                matches!(command(&[version], &bad), Ok(Command::Version(text)) if text.starts_with("repo-relay 1."))
            );
        }
        let arguments =
            ["explain", "a.log", "--operation", "rest", "--status", "403", "--header", "X-A: b", "--header", "C: d"];
        let Ok(Command::Explain(asked)) = command(&arguments, &bad) else { panic!("not explain") };
        assert_eq!((asked.options.status, asked.options.headers.len(), asked.json), (Some(403), 2, false));
        assert_eq!(asked.file, Some(PathBuf::from("a.log")));
        let Ok(Command::Explain(asked)) = command(&["explain", "-", "--json"], &bad) else { panic!("not explain") };
        assert!(asked.file.is_none() && asked.json);
        let Ok(Command::Completions(script)) = command(&["completions", "bash"], &bad) else { panic!("no script") };
        assert!(script.contains("--destination") && script.contains("publish"));
    }

    #[test]
    fn a_command_sets_its_input_and_drops_those_of_others() {
        let left = [("INPUT_REFS", "main"), ("INPUT_DIRECTORY", "old"), ("INPUT_TAG", "v1")];
        let read = inputs(&["publish", "--dry-run", "site", "--branch", "b"], &left).unwrap();
        let Push::Directory(push) = &read.push else { panic!("{:?}", read.push) };
        assert_eq!((push.directory.to_str(), push.commit.branch.short()), (Some("site"), "b"));
        assert!(read.behaviour.dry_run && read.tags.is_some());
        let read = inputs(&["push", "main", ":old", "--dry-run", "true"], &left).unwrap();
        assert!(matches!(&read.push, Push::Refs(refs) if refs.specs.len() == 2) && read.behaviour.dry_run);
        for check in [&["check", "acme/site"][..], &["check", "--repository", "acme/site"]] {
            let read = inputs(check, &left).unwrap();
            assert!(!read.writes() && read.targets.list[0].web().ends_with("/acme/site"));
        }
    }

    #[test]
    fn every_command_has_its_flags() {
        for (named, takes, leaves) in [
            (Named::Check, &["token-file", "expiry-warning", "json"][..], &["dry-run", "yes", "branch", "tag"][..]),
            (
                Named::Publish,
                &["branch", "keep", "tag", "wait-for", "dry-run", "yes"],
                &["refs", "remove", "workflow-token-file"],
            ),
            (
                Named::Push,
                &["refs", "tag", "author", "signing-key-file", "wait-for"],
                &["directory", "keep", "message", "cname"],
            ),
        ] {
            let flags = named.flags();
            assert!(takes.iter().all(|flag| flags.contains(*flag)), "{named:?} {flags:?}");
            assert!(!leaves.iter().any(|flag| flags.contains(*flag)), "{named:?} {flags:?}");
        }
    }

    #[test]
    fn json_and_yes_are_told() {
        let Ok(Command::Relay(request)) = command(&["push", "main", "--json", "--yes"], &[]) else { panic!() };
        assert!(request.json && request.yes);
        let Ok(Command::Relay(request)) = command(&["--refs", "main"], &[]) else { panic!() };
        assert!(!request.json && !request.yes);
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert!(asks_for_json(&words(&["push", "--nonsense", "--json"])));
        assert!(!asks_for_json(&words(&["push", "--", "--json"])));
    }
}
