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
    named::{ARGUMENT, NamedCommand},
    refused::{invalid, refused},
};
use crate::{
    context::Environment,
    diagnosis::Failure,
    explain::{self, ExplainOptions, OptionError},
    inputs::{
        INPUTS, Raw,
        table::{InputForm, InputRow},
    },
};

/// What the program is asked to do.
#[derive(Clone, Debug)]
pub enum Invocation {
    /// One relay.
    Relay(RelayRequest),
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
pub struct RelayRequest {
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
) -> Result<Invocation, Failure> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut whole = flags_of(&arguments).any(|argument| argument == "--help");
    // People type it, and git and cargo understand it.
    if arguments.first().is_some_and(|first| first == "help") {
        arguments.remove(0);
        whole = true;
    }
    let named = arguments.first().and_then(|first| first.to_str()).and_then(NamedCommand::of);
    // Before anything is parsed: help is asked for by those whose flags are wrong.
    if whole {
        return Ok(Invocation::Help(help::whole(named)));
    }
    if flags_of(&arguments).any(|argument| argument == "-h") {
        return Ok(Invocation::Help(help::short(named)));
    }
    // Without a command the flags are the inputs of a step, so that both can be tried alike.
    let Some(named) = named else {
        let matches = named::step_parser().try_get_matches_from(arguments).map_err(|error| refused(&error, None))?;
        if matches.get_flag("version") {
            return Ok(Invocation::Version(format!("{}\n", version())));
        }
        let raw = Raw::from_environment(environment);
        return with_flags(raw, &matches, |_| true, read_file).map(Invocation::Relay);
    };
    let arguments = joined(&arguments[1..]);
    let matches = named.parser().try_get_matches_from(arguments).map_err(|error| refused(&error, Some(named)))?;
    let argument = || matches.get_many::<String>(ARGUMENT).into_iter().flatten().map(String::as_str);
    match named {
        NamedCommand::Explain => explain_options(&matches)
            .map(|options| {
                let file = argument().next().filter(|file| *file != "-").map(PathBuf::from);
                Invocation::Explain(Explain { options, file, json: matches.get_flag("json") })
            })
            .map_err(|error| invalid(format!("{error}."))),
        NamedCommand::Completions => completions(argument().next().unwrap_or_default()).map(Invocation::Completions),
        NamedCommand::Check | NamedCommand::Publish | NamedCommand::Push => {
            let mut raw = Raw::from_environment(environment);
            // The command says what is done: an input of another command, left in the environment, does not.
            raw.retain(|input| named.takes(input));
            if let (Some(input), Some(_)) = (named.input(), argument().next()) {
                raw.put(input, argument().collect::<Vec<_>>().join("\n"));
            }
            with_flags(raw, &matches, |input| named.takes(input), read_file).map(Invocation::Relay)
        }
    }
}

/// The arguments that are flags: what stands after `--` is none.
fn flags_of(arguments: &[OsString]) -> impl Iterator<Item = &OsString> {
    arguments.iter().take_while(|argument| *argument != "--")
}

/// `--flag true` as `--flag=true` for the flags that are truth values, so that any other word after one is an argument.
fn joined(arguments: &[OsString]) -> Vec<OsString> {
    // clap would take the next word as the value of an optional one, whatever it is.
    let is_truth = |argument: &OsString| {
        let name = argument.to_str().and_then(|argument| argument.strip_prefix("--"));
        name.is_some_and(|name| INPUTS.iter().any(|input| input.form == InputForm::Bool && input.name == name))
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
    takes: impl Fn(&InputRow) -> bool,
    read_file: &mut dyn FnMut(&str) -> io::Result<String>,
) -> Result<RelayRequest, Failure> {
    // Standard input can be read once: a second secret from it would be empty.
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
    // Not every command has this flag, and asking clap for an unknown one is a panic.
    let yes = matches.try_get_one::<bool>("yes").ok().flatten().copied().unwrap_or_default();
    Ok(RelayRequest { raw, json: matches.get_flag("json"), yes })
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
    // The buffer holds a secret, and is wiped when it is dropped.
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
    // A build that knows no commit passes an empty text.
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
fn long(input: &InputRow) -> String {
    if input.form.is_secret() { format!("{}-file", input.name) } else { input.name.to_owned() }
}

#[cfg(test)]
mod tests;
