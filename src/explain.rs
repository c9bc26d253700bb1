//! `repo-relay explain`: the diagnosis on its own, for a person with a log.

use serde::Serialize;

use crate::{
    credential::OutsideText,
    diagnosis::{Diagnosis, Evidence, Operation, Situation, classify},
    report::text::safe_line,
};

/// What a person may tell beside the text; all of it optional.
#[derive(Clone, Debug, Default)]
pub struct ExplainOptions {
    /// `--operation`: what was being done.
    pub operation: Option<Operation>,
    /// `--status`: the HTTP status.
    pub status: Option<u16>,
    /// `--header`: the answer's headers, names in lower case.
    pub headers: Vec<(String, String)>,
}

/// Why an option of `explain` is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Not one of the operations.
    #[error("--operation takes git-push, git-fetch, ssh or rest, not {0:?}")]
    Operation(String),
    /// Not a status of HTTP.
    #[error("--status takes a number from 100 to 599, not {0:?}")]
    Status(String),
    /// No header line.
    #[error("--header takes 'Name: value', and one given is no such line")]
    Header,
}

/// Reads the value of `--operation`.
pub fn parse_operation(value: &str) -> Result<Operation, OptionError> {
    Operation::from_name(value).ok_or_else(|| OptionError::Operation(value.to_owned()))
}

/// Reads the value of `--status`.
pub fn parse_status(value: &str) -> Result<u16, OptionError> {
    let status = value.parse().ok().filter(|status| (100..600).contains(status));
    status.ok_or_else(|| OptionError::Status(value.to_owned()))
}

/// Reads a value of `--header` into a lower-case name and a trimmed value.
pub fn parse_header(value: &str) -> Result<(String, String), OptionError> {
    let wrong = || OptionError::Header;
    let (name, rest) = value.split_once(':').ok_or_else(wrong)?;
    let name = name.trim();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(wrong());
    }
    Ok((name.to_ascii_lowercase(), rest.trim().to_owned()))
}

/// The line that `explain` prints, members in this order.
#[derive(Serialize)]
struct ExplainJson<'a> {
    cause: &'a str,
    transient: bool,
    what: &'a str,
    remedy: &'a str,
    docs: &'a str,
}

/// Diagnoses `text` and returns the one line of JSON, without a line end.
pub fn run(options: &ExplainOptions, text: &str) -> String {
    let diagnosis = diagnose(options, text);
    let line = ExplainJson {
        cause: diagnosis.cause.slug(),
        transient: diagnosis.transient,
        what: &diagnosis.what,
        remedy: &diagnosis.remedy,
        docs: diagnosis.page(),
    };
    // NOTE: strings and a bool always serialise; the fallback only satisfies the type.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Diagnoses `text` and returns what a person reads, in whole lines.
pub fn prose(options: &ExplainOptions, text: &str) -> String {
    let Diagnosis { cause, transient, what, remedy, docs, also, .. } = diagnose(options, text);
    let line = |text: &str| {
        text.lines().map(|line| safe_line(line).into_owned()).collect::<Vec<_>>().join("\n               ")
    };
    let mut prose =
        format!("{}\n\n  What happened: {}\n  What to do:    {}\n", cause.slug(), line(&what), line(&remedy));
    if transient {
        prose.push_str("  Try again:     it may pass by itself.\n");
    }
    if !also.is_empty() {
        let also: Vec<&str> = also.iter().map(|cause| cause.slug()).collect();
        prose.extend(["  It also fits:  ", &also.join(", "), "\n"]);
    }
    if !docs.is_empty() {
        prose.extend(["  Read more:     ", docs, "\n"]);
    }
    prose
}

/// The diagnosis, without anything in it that has the form of a token.
fn diagnose(options: &ExplainOptions, text: &str) -> Diagnosis {
    let evidence = Evidence {
        operation: options.operation.unwrap_or(Operation::Unsaid),
        status: options.status,
        headers: &options.headers,
        text: OutsideText::from(text),
        request: None,
    };
    // No secret is known here, and what has the form of a token is taken out all the same.
    classify(&evidence, &Situation::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_parsed_strictly() {
        assert_eq!(parse_operation("git-fetch"), Ok(Operation::GitFetch));
        for wrong in ["", "push", "unsaid", "REST "] {
            assert!(parse_operation(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_status("403"), Ok(403));
        for wrong in ["", "99", "600", "4o3", "-1", "40300"] {
            assert!(parse_status(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_header("Retry-After:  60 "), Ok(("retry-after".into(), "60".into())));
        assert_eq!(
            parse_header("x-github-sso: required; url=https://h/x"),
            Ok(("x-github-sso".into(), "required; url=https://h/x".into()))
        );
        for wrong in ["", "no colon", ": x", "a b: c"] {
            assert!(parse_header(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_answer_is_one_line_of_json_with_these_members() {
        let line = run(&ExplainOptions::default(), "a \"quoted\"\nunheard-of thing\u{1b}[31m");
        assert!(!line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let members: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members.len(), 5);
        assert_eq!(value["cause"], "unknown");
        assert_eq!(value["transient"], false);
    }
}
