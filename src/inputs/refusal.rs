//! How an input is refused: always by name, always with what it accepts.

use super::table::find;
use crate::{
    credential::{OutsideText, Redactor},
    diagnosis::{Cause, Failure},
    names::NameError,
};

pub(super) fn accepts(name: &str) -> String {
    find(name).map(|input| input.form.accepts()).unwrap_or_default()
}

pub(super) fn invalid(what: String) -> Failure {
    Failure::new(Cause::InvalidInput, what)
}

/// How many characters of a value are shown.
const LONGEST_VALUE: usize = 100;

/// The beginning of a value, quoted.
fn quoted(text: &str) -> String {
    // The step's own secrets are not known here: what is printed is redacted once more, and knows a part of one by the mark.
    let value = OutsideText::from(text).redacted(&Redactor::default()).cut(LONGEST_VALUE);
    format!("{:?}", *value)
}

pub(super) fn refused(name: &str, text: &str, why: &str) -> Failure {
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    invalid(format!("`{name}` is {}{why}; it accepts {}.", quoted(text), accepts(name)))
}

pub(super) fn refused_name(name: &str, error: &NameError) -> Failure {
    invalid(format!("`{name}` is not accepted: {error}; it accepts {}.", accepts(name)))
}

pub(super) fn unaccepted(name: &str, problem: &str) -> Failure {
    invalid(format!("`{name}` {problem}; it accepts {}.", accepts(name)))
}

pub(super) fn incomplete(given: &str, missing: &str) -> Failure {
    invalid(format!(
        "`{given}` is given and `{missing}` is missing or empty; `{missing}` accepts {}.",
        accepts(missing)
    ))
    .with_remedy(format!("Set `{missing}` too; if it reads a secret, define that secret under exactly this name."))
}

pub(super) fn contradiction(one: &str, other: &str, rule: &str) -> Failure {
    invalid(format!("`{one}` and `{other}` contradict each other: {rule}, not both."))
        .with_remedy(format!("Remove `{one}` or `{other}`, or make two steps of them."))
}
