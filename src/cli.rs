//! The command line: flags made from the table of inputs, and the subcommand `explain`.

use std::{
    ffi::OsString,
    io::{self, Read as _},
};

use clap::{
    Arg, ArgAction, ArgMatches, Command as Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};
use zeroize::Zeroizing;

use crate::{
    context::Environment,
    diagnosis::{Cause, Failure},
    explain::{self, ExplainOptions, OptionError},
    inputs::{
        INPUTS, Raw, nearest,
        table::{Form, Group, Input, Preset},
    },
};

/// The flags of `explain`.
const EXPLAIN_FLAGS: [&str; 4] = ["operation", "status", "header", "help"];

/// What the program is asked to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// One relay, with its inputs unread: mask [`Raw::secrets`] first, then [`Inputs::read`](crate::inputs::Inputs::read).
    Relay(Raw),
    /// The diagnosis of a text on standard input.
    Explain(ExplainOptions),
    /// This text, on standard output.
    Help(String),
    /// This line, on standard output.
    Version(String),
}

/// Reads the arguments (without the program's name) and the inputs in the environment; a flag wins.
/// `read_file` reads the file of a `--NAME-file` flag, `-` being standard input: [`read_secret_file`] in the program.
///
/// # Errors
/// `invalid-input` for a flag that is unknown, repeated or lacks its value, and for a file that can not be read.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment,
    read_file: &mut dyn FnMut(&str) -> io::Result<String>,
) -> Result<Command, Failure> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let explaining = arguments.first().is_some_and(|first| first == "explain");
    let matches = match parser().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => return Ok(Command::Help(error.render().to_string())),
        Err(error) if error.kind() == ErrorKind::DisplayVersion => {
            return Ok(Command::Version(format!("{}\n", version())));
        }
        Err(error) => return Err(refused(&error, explaining)),
    };
    if let Some(("explain", options)) = matches.subcommand() {
        return explain_options(options).map(Command::Explain).map_err(|error| invalid(format!("{error}.")));
    }
    let mut raw = Raw::from_environment(environment);
    let mut standard_input = None;
    for input in INPUTS {
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
                    "`--{}-file` can not read {path:?} ({error}); it accepts the path of a file, or `-` for standard input.",
                    input.name
                ))
            })?;
            raw.put(input, value);
        }
    }
    Ok(Command::Relay(raw))
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

/// The parser that the table describes.
fn parser() -> Parser {
    let mut parser = Parser::new(env!("CARGO_PKG_NAME"))
        .no_binary_name(true)
        .about("Push to another repository, tag it, start its workflows and prove that they started.")
        .after_help(
            "Every flag is an input of the action, under the same name, and wins over INPUT_<NAME> in the environment. \
             A list is one item a line, or the flag once for each item. \
             Without anything to push, tag or start, the token is checked and nothing is changed.",
        )
        .version(version())
        .disable_help_subcommand(true)
        .args_conflicts_with_subcommands(true)
        .max_term_width(110)
        .subcommand(explain_parser());
    for group in Group::ALL {
        parser = parser.next_help_heading(group.title());
        for input in INPUTS.iter().filter(|input| input.group == group) {
            parser = parser.arg(argument(input));
        }
    }
    parser
}

fn argument(input: &Input) -> Arg {
    let secret = input.form.is_secret();
    let preset = match input.preset {
        Preset::Value(words) | Preset::Derived(words) => format!(" [default: {words}]"),
        Preset::None | Preset::Expression(_) => String::new(),
    };
    let arg = Arg::new(input.name).help(format!("{}{preset}", input.help).replace('`', ""));
    let arg = if secret { arg.long(format!("{}-file", input.name)) } else { arg.long(input.name) };
    let arg = match input.form {
        Form::List(_) => arg.action(ArgAction::Append),
        Form::Bool => arg.num_args(0..=1).default_missing_value("true"),
        _ => arg,
    };
    arg.value_name(match input.form {
        Form::Bool => "true|false".to_owned(),
        Form::Choice(words) => words.join("|"),
        Form::Secret(_) | Form::VerbatimSecret(_) => "PATH|-".to_owned(),
        Form::Number(_) => "N".to_owned(),
        Form::Duration => "TIME".to_owned(),
        Form::Json => "JSON".to_owned(),
        Form::List(_) => "ITEM".to_owned(),
        Form::Text(_) | Form::Verbatim(_) => "TEXT".to_owned(),
    })
}

fn explain_parser() -> Parser {
    Parser::new("explain")
        .about("Diagnose a failure's text from standard input: prints one JSON object on a line.")
        .arg(
            Arg::new("operation")
                .long("operation")
                .value_name("git-push|git-fetch|ssh|rest")
                .help("What was being done."),
        )
        .arg(Arg::new("status").long("status").value_name("N").help("The HTTP status of the answer."))
        .arg(
            Arg::new("header")
                .long("header")
                .value_name("Name: value")
                .action(ArgAction::Append)
                .help("A header of the answer; may be repeated."),
        )
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

/// clap's refusal in this program's words. No value is repeated, only names: a value may be a secret.
fn refused(error: &clap::Error, explaining: bool) -> Failure {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let flag = text(ContextKind::InvalidArg).unwrap_or_default();
    let flag = flag.split(['=', ' ']).next().unwrap_or_default();
    match (error.kind(), flag.strip_prefix("--")) {
        (ErrorKind::UnknownArgument, Some(name)) => unknown_flag(name, explaining),
        (ErrorKind::UnknownArgument, None) if flag.starts_with('-') => invalid(
            "A flag with one `-` is not known; every flag is written in full, such as `--repository`.".to_owned(),
        ),
        (ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand, _) => {
            invalid("An argument stands without a flag before it; the command line accepts flags (`--dry-run`, `--dry-run=false`), or `explain` first.".to_owned())
        }
        (ErrorKind::ArgumentConflict, Some(name)) => {
            invalid(format!("`--{name}` is given more than once, or beside `explain`; it accepts one value."))
        }
        (ErrorKind::ArgumentConflict, None) => invalid("`explain` does not go together with other flags.".to_owned()),
        (ErrorKind::InvalidUtf8, _) => invalid("An argument is not valid UTF-8.".to_owned()),
        (_, Some(name)) => {
            let input = INPUTS.iter().find(|input| long(input) == name);
            let accepts = input.filter(|input| !input.form.is_secret()).map(|input| input.form.accepts());
            let accepts = accepts.unwrap_or_else(|| "a value".to_owned());
            invalid(format!("`--{name}` has no value, or one that it does not take; it accepts {accepts}."))
        }
        (kind, None) => invalid(format!("The command line is not understood ({kind}).")),
    }
    .with_remedy("Correct the command line; `repo-relay --help` lists every flag and what it accepts.")
}

fn unknown_flag(name: &str, explaining: bool) -> Failure {
    if explaining {
        let like = nearest(name, EXPLAIN_FLAGS).unwrap_or_default();
        return invalid(format!("`--{name}` is no flag of `explain`; the nearest is `--{like}`."));
    }
    if INPUTS.iter().any(|input| input.name == name && input.form.is_secret()) {
        return invalid(format!(
            "`--{name}` is not accepted: a secret on the command line can be read by others; \
             `--{name}-file` accepts the path of a file, or `-` for standard input."
        ));
    }
    let flags: Vec<String> = INPUTS.iter().map(long).chain(["help".to_owned(), "version".to_owned()]).collect();
    let like = nearest(name, flags.iter().map(String::as_str)).unwrap_or_default();
    invalid(format!("`--{name}` is no flag; the nearest is `--{like}`."))
}

/// The flag's name without its dashes.
fn long(input: &Input) -> String {
    if input.form.is_secret() { format!("{}-file", input.name) } else { input.name.to_owned() }
}

fn invalid(what: String) -> Failure {
    Failure::new(Cause::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{context::Context, credential::Secret, inputs::Inputs};

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
            Command::Relay(raw) => Inputs::read(&raw, &Context::read(&environment, PathBuf::from("/here"))),
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
            (&["ghp_hidden"], "explain"),
            (&["-x"], "--repository"),
            (&["--branch", "a", "--branch", "b"], "--branch"),
            (&["--branch"], "--branch"),
            (&["--branch", "--dry-run"], "--branch"),
            (&["explain", "--statsu", "1"], "--status"),
            (&["explain", "--status", "abc"], "--status"),
            (&["explain", "--operation", "pull"], "--operation"),
            (&["explain", "--header", "x"], "--header"),
            (&["--branch", "a", "explain"], "explain"),
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
        assert!(
            matches!(command(&["--help"], &bad), Ok(Command::Help(text)) if text.contains("--token-file <PATH|->"))
        );
        assert!(matches!(command(&["-h"], &bad), Ok(Command::Help(_))));
        assert!(
            matches!(command(&["--version"], &bad), Ok(Command::Version(text)) if text.starts_with("repo-relay 1."))
        );
        assert!(
            matches!(command(&["explain", "--help"], &bad), Ok(Command::Help(text)) if text.contains("--operation"))
        );
        let Ok(Command::Explain(options)) = command(
            &["explain", "--operation", "rest", "--status", "403", "--header", "X-A: b", "--header", "C: d"],
            &bad,
        ) else {
            panic!("not explain");
        };
        assert_eq!((options.status, options.headers.len()), (Some(403), 2));
    }
}
