//! The commands for people: which inputs each one can use, and the parser made from the table of inputs.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, Command as Parser};

use super::{laptop, long};
use crate::inputs::{
    INPUTS,
    table::{Group, InputForm, InputRow, find},
};

/// The id of a command's own argument.
pub(super) const ARGUMENT: &str = "argument";

/// A command for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedCommand {
    /// The preflight alone.
    Check,
    /// A folder onto a branch.
    Publish,
    /// Refs of the checkout.
    Push,
    /// The diagnosis of a text.
    Explain,
    /// A shell's completion script.
    Completions,
}

impl NamedCommand {
    pub(super) const ALL: [Self; 5] = [Self::Check, Self::Publish, Self::Push, Self::Explain, Self::Completions];

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|named| named.name() == word)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Publish => "publish",
            Self::Push => "push",
            Self::Explain => "explain",
            Self::Completions => "completions",
        }
    }

    /// One line about it, without a full stop.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Check => "Check the token and the repository, without writing",
            Self::Publish => "Publish a folder to a branch",
            Self::Push => "Push branches and tags of this checkout",
            Self::Explain => "Explain an error of git or GitHub, from a file or standard input",
            Self::Completions => "Print a completion script for bash, zsh, fish, elvish or powershell",
        }
    }

    /// The name of its own argument, as usage lines show it.
    pub(super) fn argument(self) -> &'static str {
        match self {
            Self::Check => "REPOSITORY",
            Self::Publish => "DIRECTORY",
            Self::Push => "REFSPEC",
            Self::Explain => "FILE",
            Self::Completions => "SHELL",
        }
    }

    /// The argument as a usage line writes it.
    pub(super) fn usage(self) -> String {
        match self {
            Self::Check | Self::Explain => format!("[{}]", self.argument()),
            Self::Publish | Self::Completions => self.argument().to_owned(),
            Self::Push => format!("{}...", self.argument()),
        }
    }

    /// The input that its own argument sets.
    pub(super) fn input(self) -> Option<&'static InputRow> {
        match self {
            Self::Check => find("repository"),
            Self::Publish => find("directory"),
            Self::Push => find("refs"),
            Self::Explain | Self::Completions => None,
        }
    }

    /// Whether the command can use this input: its group belongs to the command, or something that it needs does.
    pub(super) fn takes(self, input: &InputRow) -> bool {
        let group = match self {
            Self::Check => matches!(input.group, Group::Target | Group::Credential | Group::Behaviour),
            Self::Publish => input.group != Group::PushRefs,
            Self::Push => input.group != Group::PushDirectory,
            Self::Explain | Self::Completions => false,
        };
        let pointless = match input.name {
            // The workflow's own token exists on a runner alone; `remove` is for a step without a directory.
            "workflow-token" | "remove" => true,
            "dry-run" => self == Self::Check,
            _ => false,
        };
        // An input that serves another one goes with it, whatever group it stands in.
        let needed = |name: &&str| find(name).is_some_and(|need| self.takes(need));
        !pointless && if input.needs.is_empty() { group } else { input.needs.iter().any(needed) }
    }

    /// The flags that are no inputs, without their dashes.
    fn own_flags(self) -> &'static [&'static str] {
        match self {
            Self::Check => &["json", "help"],
            Self::Publish | Self::Push => &["yes", "json", "help"],
            Self::Explain => &["operation", "status", "header", "json", "help"],
            Self::Completions => &["help"],
        }
    }

    /// Every flag, without its dashes.
    pub(super) fn flags(self) -> BTreeSet<String> {
        let inputs = INPUTS.iter().filter(|input| self.takes(input)).map(long);
        inputs.chain(self.own_flags().iter().map(|&flag| flag.to_owned())).collect()
    }

    pub(super) fn parser(self) -> Parser {
        let mut parser = bare(self.name()).about(format!("{}.", self.about()));
        let argument = Arg::new(ARGUMENT).value_name(self.argument());
        parser = parser.arg(match self {
            Self::Check => {
                argument.conflicts_with("repository").help("Repository to check, as `repository` accepts it.")
            }
            Self::Publish => argument
                .required_unless_present("directory")
                .conflicts_with("directory")
                .help("Folder to publish, inside the current directory."),
            Self::Push => argument
                .required_unless_present("refs")
                .conflicts_with("refs")
                .action(ArgAction::Append)
                .num_args(1..)
                .help("What to push, as `git push` takes it: main, HEAD:release, +main, refs/tags/*, :old."),
            Self::Explain => argument.help("File with the failure's text, or `-` for standard input."),
            Self::Completions => argument.required(true).help("bash, zsh, fish, elvish or powershell."),
        });
        parser = match self {
            Self::Explain => explain_flags(parser),
            Self::Completions => parser,
            Self::Check | Self::Publish | Self::Push => with_inputs(parser, |input| self.takes(input), true),
        };
        self.own_flags().iter().fold(parser.next_help_heading("Options"), |parser, flag| match own_flag(flag) {
            Some(arg) => parser.arg(arg),
            None => parser,
        })
    }
}

/// The flags of a step without a command.
pub(super) fn flags_of_a_step() -> BTreeSet<String> {
    let own = ["yes", "json", "help", "version"].map(str::to_owned);
    INPUTS.iter().map(long).chain(own).collect()
}

/// The parser of a step without a command: the flags are the inputs.
pub(super) fn step_parser() -> Parser {
    let parser = with_inputs(bare(env!("CARGO_PKG_NAME")), |_| true, false).next_help_heading("Options");
    let own = ["yes", "json", "help", "version"].into_iter().filter_map(own_flag);
    own.fold(parser, Parser::arg)
}

/// The whole command line, as a completion script describes it.
pub(super) fn whole() -> Parser {
    let parser = step_parser().no_binary_name(false);
    NamedCommand::ALL.into_iter().fold(parser, |parser, named| parser.subcommand(named.parser().no_binary_name(false)))
}

fn bare(name: &'static str) -> Parser {
    Parser::new(name)
        // The caller has taken the name and the command off already.
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        // Wider lines are hard to read, and terminals of a whole screen are common.
        .max_term_width(110)
}

/// `joined`: a truth value is given as `--flag=false` alone, so that an argument may follow the flag.
fn with_inputs(parser: Parser, takes: impl Fn(&InputRow) -> bool, joined: bool) -> Parser {
    Group::ALL.into_iter().fold(parser, |parser, group| {
        let inputs = INPUTS.iter().filter(|input| input.group == group && takes(input));
        inputs.fold(parser.next_help_heading(group.title()), |parser, input| parser.arg(argument(input, joined)))
    })
}

fn argument(input: &'static InputRow, joined: bool) -> Arg {
    let arg = Arg::new(input.name).long(long(input)).help(laptop::help(input).replace('`', ""));
    let arg = match input.form {
        InputForm::List(_) => arg.action(ArgAction::Append),
        InputForm::Bool => arg.num_args(0..=1).default_missing_value("true").require_equals(joined),
        _ => arg,
    };
    arg.value_name(match input.form {
        InputForm::Bool => "true|false".to_owned(),
        InputForm::Choice(words) => words.join("|"),
        InputForm::Secret(_) | InputForm::VerbatimSecret(_) => "PATH|-".to_owned(),
        InputForm::Number(_) => "N".to_owned(),
        InputForm::Duration => "TIME".to_owned(),
        InputForm::Json => "JSON".to_owned(),
        InputForm::List(_) => "ITEM".to_owned(),
        InputForm::Text(_) | InputForm::Verbatim(_) => "TEXT".to_owned(),
    })
}

fn own_flag(name: &str) -> Option<Arg> {
    let flag =
        |name: &'static str, help: &'static str| Some(Arg::new(name).long(name).action(ArgAction::SetTrue).help(help));
    match name {
        "json" => {
            flag("json", "Print the result as one JSON object on standard output; other text goes to standard error.")
        }
        "yes" => flag("yes", "Do not ask before writing to a repository that only the checkout names."),
        "help" => flag("help", "Print every flag; -h prints one screen.").map(|arg| arg.short('h')),
        "version" => flag("version", "Print the version.").map(|arg| arg.short('V')),
        _ => None,
    }
}

fn explain_flags(parser: Parser) -> Parser {
    let flag = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    parser
        .arg(flag("operation", "git-push|git-fetch|ssh|rest", "What was being done."))
        .arg(flag("status", "N", "HTTP status of the answer."))
        .arg(
            flag("header", "Name: value", "A header of the answer; repeat the flag for more.")
                .action(ArgAction::Append),
        )
}
