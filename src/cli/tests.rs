//! Arguments, variables and files as one command line, and the refusals of what it does not accept.

use std::path::PathBuf;

use super::*;
use crate::{
    context::Context,
    credential::Secret,
    diagnosis::Cause,
    inputs::{Inputs, Push},
};

fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Invocation, Failure> {
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
        Invocation::Relay(request) => Inputs::read(&request.raw, &Context::read(&environment, PathBuf::from("/here"))),
        other => panic!("{other:?}"),
    }
}

fn token(inputs: &Inputs) -> &str {
    inputs.credential.token.secret().map_or("", Secret::expose)
}

#[test]
fn a_flag_wins_over_the_environment() {
    let read = inputs(&["--timeout", "1m", "--token-file=token.txt"], &[("INPUT_TIMEOUT", "2m"), ("INPUT_TOKEN", "x")]);
    let read = read.unwrap();
    assert_eq!((read.behaviour.timeout.as_secs(), token(&read)), (60, "ghp_from_file"));
}

#[test]
fn a_boolean_flag_needs_no_value() {
    let dry = |arguments: &[&str]| inputs(arguments, &[("INPUT_DRY-RUN", "true")]).map(|read| read.behaviour.dry_run);
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
        Ok(Invocation::Help(text)) => text,
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
            matches!(command(&[version], &bad), Ok(Invocation::Version(text)) if text.starts_with("repo-relay 1."))
        );
    }
    let arguments =
        ["explain", "a.log", "--operation", "rest", "--status", "403", "--header", "X-A: b", "--header", "C: d"];
    let Ok(Invocation::Explain(asked)) = command(&arguments, &bad) else { panic!("not explain") };
    assert_eq!((asked.options.status, asked.options.headers.len(), asked.json), (Some(403), 2, false));
    assert_eq!(asked.file, Some(PathBuf::from("a.log")));
    let Ok(Invocation::Explain(asked)) = command(&["explain", "-", "--json"], &bad) else { panic!("not explain") };
    assert!(asked.file.is_none() && asked.json);
    let Ok(Invocation::Completions(script)) = command(&["completions", "bash"], &bad) else { panic!("no script") };
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
        (NamedCommand::Check, &["token-file", "expiry-warning", "json"][..], &["dry-run", "yes", "branch", "tag"][..]),
        (
            NamedCommand::Publish,
            &["branch", "keep", "tag", "wait-for", "dry-run", "yes"],
            &["refs", "remove", "workflow-token-file"],
        ),
        (
            NamedCommand::Push,
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
    let Ok(Invocation::Relay(request)) = command(&["push", "main", "--json", "--yes"], &[]) else { panic!() };
    assert!(request.json && request.yes);
    let Ok(Invocation::Relay(request)) = command(&["--refs", "main"], &[]) else { panic!() };
    assert!(!request.json && !request.yes);
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    assert!(asks_for_json(&words(&["push", "--nonsense", "--json"])));
    assert!(!asks_for_json(&words(&["push", "--", "--json"])));
}
