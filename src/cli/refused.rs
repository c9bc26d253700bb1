//! What the command line does not take, in this program's words. Names are repeated and values are not: a value may be a secret.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{
    long,
    named::{NamedCommand, flags_of_a_step},
};
use crate::{
    diagnosis::{Cause, Failure},
    inputs::{INPUTS, nearest_name},
};

/// A word this unlike every command is not meant to be one.
const LIKE: f64 = 0.75;

/// clap's refusal of the arguments of `named`, or of a step.
pub(super) fn refused(error: &clap::Error, named: Option<NamedCommand>) -> Failure {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let flag = text(ContextKind::InvalidArg).unwrap_or_default();
    let flag = flag.split(['=', ' ']).next().unwrap_or_default();
    let what = match (error.kind(), flag.strip_prefix("--")) {
        (ErrorKind::UnknownArgument, Some(name)) => unknown_flag(name, named),
        (ErrorKind::UnknownArgument, None) if flag.starts_with('-') => {
            "Unknown flag with one dash. Flags are written in full with two dashes, such as `--repository`.".to_owned()
        }
        (ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand, _) => surplus(named, flag),
        (ErrorKind::ArgumentConflict, name) => match (named.and_then(NamedCommand::input), name) {
            (Some(input), name) if name.is_none_or(|name| name == input.name) => {
                let argument = named.map_or("", NamedCommand::argument);
                format!("{argument} and `--{}` say the same. Write one of them.", input.name)
            }
            (_, Some(name)) => format!("`--{name}` is given more than once; it accepts one value."),
            (_, None) => "An argument is given twice.".to_owned(),
        },
        (ErrorKind::MissingRequiredArgument, _) => missing(named),
        (ErrorKind::InvalidUtf8, _) => "An argument is not valid UTF-8.".to_owned(),
        (_, Some(name)) => {
            let input = INPUTS.iter().find(|input| long(input) == name);
            let accepts = input.filter(|input| !input.form.is_secret()).map(|input| input.form.accepts());
            let accepts = accepts.unwrap_or_else(|| "a value".to_owned());
            format!("`--{name}` has no value, or one that it does not accept. It accepts {accepts}.")
        }
        (kind, None) => format!("The command line is not understood ({kind})."),
    };
    invalid(what).with_remedy(remedy(named))
}

fn remedy(named: Option<NamedCommand>) -> String {
    let command = named.map_or(String::new(), |named| format!("{} ", named.name()));
    format!("Correct the command line; `repo-relay {command}--help` lists every flag and what it accepts.")
}

fn missing(named: Option<NamedCommand>) -> String {
    match named {
        Some(named @ NamedCommand::Publish) => format!("`publish` needs {}, the folder to publish.", named.argument()),
        Some(named @ NamedCommand::Push) => {
            format!("`push` needs a {}, such as `main` or `HEAD:release`.", named.argument())
        }
        Some(NamedCommand::Completions) => {
            "`completions` needs a SHELL: bash, zsh, fish, elvish or powershell.".to_owned()
        }
        _ => "An argument is missing.".to_owned(),
    }
}

/// An argument too many, or a first word that is no command.
fn surplus(named: Option<NamedCommand>, word: &str) -> String {
    match named {
        Some(
            named @ (NamedCommand::Check | NamedCommand::Publish | NamedCommand::Explain | NamedCommand::Completions),
        ) => {
            format!("`{}` accepts one {}; more arguments are given.", named.name(), named.argument())
        }
        Some(NamedCommand::Push) | None => match like_a_command(word) {
            Some(command) if command == word => format!("The command comes first: `repo-relay {command} ...`."),
            Some(command) => format!("Unknown command. Did you mean `{command}`?"),
            None => format!(
                "An argument without a flag before it is no command. The commands are {}.",
                NamedCommand::ALL.map(|named| format!("`{}`", named.name())).join(", ")
            ),
        },
    }
}

/// The command that a mistyped first word most likely means.
fn like_a_command(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let likeness = |named: &NamedCommand| strsim::jaro_winkler(&word, named.name());
    let best = NamedCommand::ALL.into_iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(&best) >= LIKE).then_some(best.name())
}

fn unknown_flag(name: &str, named: Option<NamedCommand>) -> String {
    let flags = named.map_or_else(flags_of_a_step, NamedCommand::flags);
    if INPUTS.iter().any(|input| input.name == name && input.form.is_secret()) {
        return format!(
            "`--{name}` is not accepted: others can read a secret on the command line. \
             `--{name}-file` accepts the path of a file, or `-` for standard input."
        );
    }
    if let Some(named) = named
        && flags_of_a_step().contains(name)
    {
        let others: Vec<String> = NamedCommand::ALL
            .into_iter()
            .filter(|other| other.flags().contains(name))
            .map(|other| format!("`{}`", other.name()))
            .collect();
        return match others.as_slice() {
            [] => format!("`{}` does not take `--{name}`; without a command it is accepted.", named.name()),
            others => format!("`{}` does not take `--{name}`; {} does.", named.name(), others.join(" or ")),
        };
    }
    let like = nearest_name(name, flags.iter().map(String::as_str)).unwrap_or_default();
    // A name that is a token's, or a page long, was not meant to be one.
    let shown = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte));
    let flag = if shown { format!("Unknown flag `--{name}`.") } else { "Unknown flag.".to_owned() };
    format!("{flag} Did you mean `--{like}`?")
}

pub(super) fn invalid(what: String) -> Failure {
    Failure::new(Cause::InvalidInput, what)
}
