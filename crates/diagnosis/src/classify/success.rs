//! A success that looks like a failure: rules that were bypassed, warnings, notices beside an updated ref.

use super::{Cause, Operation, Reading};
use crate::finding::Finding;
use crate::reading::Span;

/// A ref that was not updated, whatever happened to others.
const REFUSED: [&str; 6] =
    ["rejected]", "remote failure]", "! [", "failed to push", "unable to update local ref", "error: gh0"];

/// Words that tell of trouble; a push that succeeded after them was tried again.
const TROUBLE: [&str; 8] = [
    "rpc failed",
    "fatal:",
    "error: the ",
    "remote end hung up",
    "internal server error",
    "exit code",
    "returned error",
    "exitcode: 1",
];

/// A ref was updated, and nothing after it says that something went wrong.
pub(super) fn look(reading: &Reading) -> Option<Finding> {
    // The text of a run's state, as a waiting action prints it.
    let of_a_run = reading.operation == Operation::Unsaid && reading.has("status: completed");
    if reading.operation == Operation::Rest || of_a_run {
        return answered(reading);
    }
    // A push of several refs can update one and lose another: then it has failed.
    if reading.has_any(&REFUSED) {
        return None;
    }
    let bypassed = reading.first_of(&["bypassed rule violations", "bypassed push protection"]);
    let last = reading.lines().filter(|line| is_ref_update(line)).last();
    let trouble = match last.and_then(|line| reading.after(line)) {
        // What went wrong before the update was tried again, and has passed.
        Some(rest) => TROUBLE.iter().any(|word| rest.contains(word)),
        None => reading.has_any(&TROUBLE),
    };
    if trouble {
        return None;
    }
    if bypassed.is_some() || last.is_some() {
        return Some(Finding::new(Cause::NotAFailure, &[Cause::GithubTokenDoesNotTrigger], bypassed));
    }
    let warned = reading.first_of(&[
        "larger than github's recommended maximum",
        "recommended maximum file size",
        "warning: gh001",
        "successfully authenticated, but github does not provide shell access",
    ]);
    warned.map(|span| Finding::new(Cause::NotAFailure, &[Cause::FileTooLarge], Some(span)))
}

/// A call that was answered with a result.
fn answered(reading: &Reading) -> Option<Finding> {
    // An answer without the organizations that want single sign-on is a success with holes.
    let partial = reading.header("x-github-sso").is_some();
    let success = matches!(reading.status, Some(200..300) | None);
    if partial || !success {
        return None;
    }
    let concluded = reading.first_of(&["conclusion: success", "conclusion: neutral", "conclusion: skipped"]);
    // GraphQL answers 200 with a list of errors.
    if concluded.is_some() && !reading.has("errors") {
        return Some(Finding::new(Cause::NotAFailure, &[], concluded));
    }
    None
}

/// What is left at the end: an answer with a status of success, or git with nothing to do.
pub(super) fn look_again(reading: &Reading) -> Option<Finding> {
    let fine = matches!(reading.status, Some(200..300)) && !reading.html;
    // A text about a failure under a status of success does not belong to this answer.
    let told = reading.has_any(&["error", "fail", "conclusion", "forbidden", "although you"]);
    if fine && !told && reading.operation == Operation::Rest {
        return Some(Finding::new(Cause::NotAFailure, &[], Some(Span { start: 0, end: 0 })));
    }
    let idle = reading.first_of(&["everything up-to-date", "already up to date"]);
    idle.filter(|_| !reading.has_any(&TROUBLE) && !reading.has_any(&REFUSED))
        .map(|span| Finding::new(Cause::NotAFailure, &[], Some(span)))
}

/// `abc1234..def5678  main -> main`, ` * [new tag]  v1 -> v1`, and the same with `--porcelain`.
fn is_ref_update(line: &str) -> bool {
    const NAMED: [&str; 5] = ["[new tag]", "[new branch]", "[new reference]", "[deleted]", "[up to date]"];
    if line.trim_start().starts_with('!') {
        return false;
    }
    let is_id = |id: &str| id.len() >= 7 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_move = |word: &str| {
        let ids = word.split_once("...").or_else(|| word.split_once(".."));
        ids.is_some_and(|(old, new)| is_id(old) && is_id(new))
    };
    // Only near the start of the line: further right a message can hold two ids as well.
    NAMED.iter().any(|named| line.contains(named)) || line.split_whitespace().take(4).any(is_move)
}

#[cfg(test)]
mod tests {
    use super::is_ref_update;

    #[test]
    fn an_updated_ref_is_known_by_its_line() {
        for line in [
            "   9b3241e..03bf2de  x -> x",
            " * [new tag]  v1 -> v1",
            "+ 1111111...2222222 a -> a (forced update)",
            " - [deleted] x",
            "=\trefs/heads/x:refs/heads/x\t[up to date]",
            " \trefs/heads/x:refs/heads/x\t1111111..2222222",
        ] {
            assert!(is_ref_update(line), "{line}");
        }
        for line in ["! [remote rejected] x -> x (failure)", "a -> b", "1.2..3", "To https://github.com/o/r"] {
            assert!(!is_ref_update(line), "{line}");
        }
    }
}
