//! The classifier against texts as people paste them, with its score per cause
//! (`cargo test --test diagnosis -- --nocapture`).
//!
//! `data/failures.jsonl` is the set the rules were written with; `data/failures-more.jsonl` holds wordings from other
//! clients, years and languages. Each record is read as `repo-relay explain` would: the text, and what options can say.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::{collections::BTreeMap, time::Instant};

use proptest::prelude::*;
use repo_relay::{
    diagnosis::{Cause, Operation},
    explain::{self, ExplainOptions},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Record {
    id: String,
    operation: String,
    http_status: Option<u16>,
    headers: BTreeMap<String, String>,
    body_or_stderr: String,
    cause: String,
    ambiguous_with: Vec<String>,
    transient: bool,
}

/// What `explain` prints.
#[derive(Deserialize)]
struct Answer {
    cause: String,
    transient: bool,
    what: String,
    remedy: String,
    docs: String,
}

fn records(lines: &str) -> Vec<Record> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn explained(record: &Record) -> Answer {
    let options = ExplainOptions {
        operation: Operation::from_name(&record.operation),
        status: record.http_status,
        headers: record.headers.clone().into_iter().collect(),
    };
    serde_json::from_str(&explain::run(&options, &record.body_or_stderr)).unwrap()
}

fn of_text(text: &str) -> Answer {
    serde_json::from_str(&explain::run(&ExplainOptions::default(), text)).unwrap()
}

fn is_right(record: &Record, answer: &Answer) -> bool {
    let exact = answer.cause == record.cause;
    (exact && answer.transient == record.transient) || (!exact && record.ambiguous_with.contains(&answer.cause))
}

/// Prints the score per cause and returns how many are right.
fn score(records: &[Record]) -> usize {
    let mut table: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for record in records {
        let answer = explained(record);
        let row = table.entry(&record.cause).or_default();
        row.1 += 1;
        if is_right(record, &answer) {
            row.0 += 1;
        } else {
            println!("  {}: {} instead of {}: {:.300?}", record.id, answer.cause, record.cause, record.body_or_stderr);
        }
    }
    for (cause, (right, all)) in &table {
        println!("{cause:45} {right:3} of {all:3}");
    }
    let right = table.values().map(|row| row.0).sum();
    println!("{:45} {right:3} of {:3}", "all", records.len());
    right
}

#[test]
fn the_labelled_texts_are_told_apart() {
    let records = records(include_str!("data/failures.jsonl"));
    assert_eq!(score(&records), 353, "of {}", records.len());
}

#[test]
fn wordings_of_other_clients_years_and_languages_are_told_apart() {
    let records = records(include_str!("data/failures-more.jsonl"));
    assert_eq!(score(&records), records.len());
}

#[test]
fn the_page_of_causes_is_the_table() {
    let page = include_str!("../docs/causes.md");
    assert!(page == Cause::page(), "stale: run `cargo run --example causes > docs/causes.md`");
}

#[test]
fn what_was_seen_and_what_to_do_are_said_in_bounded_clean_sentences() {
    for record in records(include_str!("data/failures.jsonl")) {
        let Answer { cause, what, remedy, docs, .. } = explained(&record);
        assert!(!what.is_empty() && what.chars().count() <= 501, "{}: {what}", record.id);
        assert!(!what.contains(|c: char| c.is_control() && c != '\n'), "{}: {what:?}", record.id);
        assert!(remedy.ends_with('.') && remedy.len() < 700, "{}: {remedy}", record.id);
        assert!(docs.starts_with("https://"), "{}: {docs}", record.id);
        assert!(cause == "unknown" || !what.contains("{\""), "{}: {what}", record.id);
    }
}

#[test]
fn the_essential_sentence_is_quoted_and_not_the_command_around_it() {
    let what = of_text(
        "/usr/bin/git push origin main\nremote: error: GH006: Protected branch update failed for refs/heads/main.\n\
         remote: error: Changes must be made through a pull request.\n ! [remote rejected] main -> main (protected branch hook declined)",
    )
    .what;
    assert_eq!(what, "Changes must be made through a pull request.");
    let what =
        of_text(r#"{"command": "git push", "exitCode": 128, "stderr": "remote: Repository not found.\nfatal: x\n"}"#)
            .what;
    assert_eq!(what, "Repository not found.");
}

#[test]
fn a_push_that_got_through_at_last_is_no_failure() {
    let first = "fatal: unable to access 'https://github.com/o/r/': Could not resolve host: github.com\nRetrying...\n";
    let done = "To https://github.com/o/r\n   1111111..2222222  main -> main\n";
    assert_eq!(of_text(&format!("{first}{done}")).cause, "not-a-failure");
    assert_eq!(of_text(&format!("{done}{first}")).cause, "dns-failure");
    let other =
        "To https://github.com/o/r\n ! [rejected] v1 -> v1 (already exists)\n   1111111..2222222  main -> main\n";
    assert_eq!(of_text(other).cause, "tag-exists");
}

#[test]
fn an_unknown_text_is_kept() {
    let text = "something nobody heard of\nin two lines";
    let answer = of_text(text);
    assert_eq!((answer.cause.as_str(), answer.what.as_str()), ("unknown", text));
    assert_eq!(of_text("a\u{1b}[1mb\u{1b}[0mc\u{7}").what, "abc");
}

/// The wrappers of the labelled set, and others, around a text.
fn wrapped(text: &str) -> Vec<String> {
    let json = serde_json::to_string(text).unwrap();
    let prefix = |prefix: &str| text.lines().flat_map(|line| [prefix, line, "\n"]).collect::<String>();
    vec![
        format!(r#"{{"command": "git push", "exitCode": 128, "stderr": {json}}}"#),
        format!(r#"{{"error": {{"name": "GitError", "data": {{"stderr": {json}, "code": 1}}}}}}"#),
        format!(r#"[{{"annotation_level": "failure", "path": ".github", "title": "", "message": {json}}}]"#),
        format!(r#"time="2026-01-02T03:04:05Z" level=error msg={json}"#),
        prefix("2026-01-02T03:04:05.6789012Z "),
        prefix("2026-01-02T03:04:05.6789012Z ##[error]"),
        prefix("\u{1b}[31m").replace('\n', "\u{1b}[0m\n"),
        text.replace('\n', "\r\n"),
        text.replace('\n', "        \n"),
        format!("subprocess.CalledProcessError: Command '['git', 'push']' returned non-zero exit status 1.\n{text}"),
        format!("Run git push\n{text}\nError: Process completed with exit code 1."),
    ]
}

#[test]
fn a_wrapper_around_a_text_does_not_change_its_cause() {
    let mut all = 0;
    let mut wrong = Vec::new();
    for mut record in records(include_str!("data/failures.jsonl")) {
        // A success stays one only while nothing around it says failure.
        if matches!(record.cause.as_str(), "not-a-failure" | "github-token-does-not-trigger" | "unknown" | "run-failed")
            || record.body_or_stderr.trim_start().starts_with(['{', '['])
            || record.body_or_stderr.is_empty()
        {
            continue;
        }
        for text in wrapped(&record.body_or_stderr) {
            record.body_or_stderr = text;
            all += 1;
            let answer = explained(&record);
            if !is_right(&record, &answer) {
                wrong.push(format!("{}: {}: {:?}", record.id, answer.cause, record.body_or_stderr));
            }
        }
    }
    assert!(all > 1_500);
    assert!(wrong.is_empty(), "{} of {all}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn without_its_options_a_text_is_mostly_understood_too() {
    let records = records(include_str!("data/failures.jsonl"));
    let right = records.iter().filter(|record| is_right(record, &of_text(&record.body_or_stderr))).count();
    println!("from the text alone: {right} of {}", records.len());
    assert!(right >= 345, "{right}");
}

/// Each text with its cause, as `explain` reads it without any option.
#[track_caller]
fn all_are(texts: &[(&str, &str)]) {
    for (text, cause) in texts {
        assert_eq!(of_text(text).cause, *cause, "{text}");
    }
}

#[test]
fn e1_octokit_writes_500_where_there_was_no_answer() {
    all_are(&[
        (
            "RequestError [HttpError]: request to https://ghe.acme.test/api/v3/repos/a/b/dispatches failed, reason: unable to get local issuer certificate\n  status: 500,\n  request: {",
            "tls-certificate-untrusted",
        ),
        ("HttpError: getaddrinfo ENOTFOUND api.gihtub.com\n  status: 500", "dns-failure"),
        (
            "HttpError: connect ECONNREFUSED 10.0.0.1:443\n    at ... {\n  name: 'HttpError',\n  status: 500,",
            "connection-failed",
        ),
        (
            "RequestError [HttpError]: fetch failed\n  status: 500\n [cause]: Error: self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca\n code: 'DEPTH_ZERO_SELF_SIGNED_CERT'",
            "tls-certificate-untrusted",
        ),
        (
            "HttpError: request to https://api.github.com/repos/a/b failed, reason: certificate has expired\n  status: 500",
            "tls-certificate-untrusted",
        ),
        ("HttpError: getaddrinfo EAI_AGAIN api.github.com\n status: 500", "dns-failure"),
        ("HttpError: connect ETIMEDOUT 140.82.112.5:443 { status: 500 }", "connection-failed"),
        ("HttpError: read ECONNRESET\n    status: 500", "connection-failed"),
        (
            "HttpError: Client network socket disconnected before secure TLS connection was established, status: 500",
            "connection-failed",
        ),
        (
            "RequestError [HttpError]: Hostname/IP does not match certificate's altnames: Host: ghe.acme.test. is not in the cert's altnames: DNS:*.corp\n status: 500",
            "tls-certificate-untrusted",
        ),
    ]);
}

#[test]
fn e2_an_update_that_failed_is_a_rules() {
    all_are(&[
        (
            "{\"message\":\"Reference update failed\",\"documentation_url\":\"https://docs.github.com/rest/git/refs#update-a-reference\",\"status\":\"422\"}",
            "ruleset-violation",
        ),
        (
            "HttpError: Reference update failed - https://docs.github.com/rest/git/refs#create-a-reference\n POST /repos/o/r/git/refs {\"ref\":\"refs/tags/v1\"}",
            "protected-tag",
        ),
        ("gh: Reference update failed (HTTP 422)", "ruleset-violation"),
        ("422 Reference update failed refs/tags/v1.2.3", "protected-tag"),
    ]);
}

#[test]
fn e3_the_status_inside_a_failed_rpc_counts() {
    all_are(&[
        ("error: RPC failed; result=22, HTTP code = 413\nfatal: The remote end hung up unexpectedly", "pack-too-large"),
        (
            "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413 Request Entity Too Large",
            "pack-too-large",
        ),
        ("error: RPC failed; result=22, HTTP code = 401", "bad-credentials"),
        (
            "error: RPC failed; result=22, HTTP code = 403\nfatal: The remote end hung up unexpectedly",
            "no-write-access",
        ),
        ("error: RPC failed; result=22, HTTP code = 404", "repo-not-found-or-hidden"),
        ("error: RPC failed; result=22, HTTP code = 502\nfatal: The remote end hung up unexpectedly", "server-error"),
        ("error: RPC failed; HTTP 504 curl 22 The requested URL returned error: 504", "server-error"),
        ("error: RPC failed; result=56, HTTP code = 200", "connection-failed"),
        ("error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429", "secondary-rate-limit"),
        ("error: RPC failed; result=22, HTTP code = 503", "server-error"),
        ("error: RPC failed; result=22, HTTP code = 500", "server-error"),
    ]);
}

#[test]
fn e4_a_header_that_cannot_be_sent_is_the_tokens_fault() {
    all_are(&[
        (
            "Post \"https://api.github.com/repos/o/r/git/refs\": net/http: invalid header field value for \"Authorization\"",
            "bad-credentials",
        ),
        ("TypeError [ERR_INVALID_CHAR]: Invalid character in header content [\"authorization\"]", "bad-credentials"),
        (
            "requests.exceptions.InvalidHeader: Invalid leading whitespace, reserved character(s), or return character(s) in header value: 'token ghp_***\\n'",
            "bad-credentials",
        ),
        ("ValueError: Invalid header value b'Bearer ***\\n'", "bad-credentials"),
        ("TypeError: Headers.append: \"Bearer ***\n\" is an invalid header value.", "bad-credentials"),
        (
            "java.lang.IllegalArgumentException: Unexpected char 0x0a at 47 in Authorization value: Bearer ghp_x",
            "bad-credentials",
        ),
    ]);
}

#[test]
fn e5_an_ambiguous_refspec() {
    all_are(&[
        (
            "error: src refspec v1 matches more than one\nerror: failed to push some refs to 'https://github.com/o/r'",
            "invalid-ref-or-object",
        ),
        ("error: dst refspec v1 matches more than one\nerror: failed to push some refs", "invalid-ref-or-object"),
        ("error: dst ref refs/heads/a receives from more than one src", "invalid-ref-or-object"),
        ("error: src refspec main does not match any", "invalid-ref-or-object"),
        ("warning: refname 'v1' is ambiguous.\nerror: dst refspec v1 matches more than one", "invalid-ref-or-object"),
    ]);
}

#[test]
fn e6_names_that_github_takes_for_no_ref() {
    all_are(&[
        (
            "remote: error: GH005: Sorry, refs longer than 255 bytes are not allowed.\n ! [remote rejected] x -> x (pre-receive hook declined)",
            "invalid-ref-or-object",
        ),
        (
            "remote: error: GH002: Sorry, branch or tag names consisting of 40 hex characters are not allowed.\n ! [remote rejected] a -> a (pre-receive hook declined)",
            "invalid-ref-or-object",
        ),
        (
            "remote: error: refs longer than 255 bytes\n ! [remote rejected] (pre-receive hook declined)",
            "invalid-ref-or-object",
        ),
        (
            "remote: error: Sorry, branch or tag names starting with 'refs/' are not allowed.\n ! [remote rejected] a -> refs/heads/refs/heads/a (pre-receive hook declined)",
            "invalid-ref-or-object",
        ),
    ]);
}

#[test]
fn e7_two_authorization_headers() {
    all_are(&[
        (
            "remote: Duplicate header: \"Authorization\"\nfatal: unable to access 'https://github.com/o/r/': The requested URL returned error: 400",
            "duplicate-authorization",
        ),
        (
            "fatal: unable to access 'https://github.com/o/r/': The requested URL returned error: 400\nremote: Duplicate header: Authorization",
            "duplicate-authorization",
        ),
        (
            "  remote: Duplicate header: \"Authorization\"\n  Error: fatal: unable to access 'https://github.com/o/r/': The requested URL returned error: 400\nThe process '/usr/bin/git' failed with exit code 128",
            "duplicate-authorization",
        ),
    ]);
}

#[test]
fn e8_an_object_that_the_server_refuses() {
    all_are(&[
        (
            "remote: error: object 1234: gitmodulesUrl: disallowed submodule url: -u./x\nremote: fatal: fsck error in packed object\nerror: remote unpack failed: index-pack failed\n ! [remote rejected] main -> main (unpacker error)",
            "pack-refused",
        ),
        (
            "remote: fatal: fsck error in pack objects\nerror: remote unpack failed: index-pack abnormal exit",
            "pack-refused",
        ),
        (
            "remote: error: object abc: treeNotSorted: not properly sorted\nremote: fatal: fsck error in packed object\nerror: remote unpack failed: unpack-objects abnormal exit",
            "pack-refused",
        ),
        (
            "remote: error: object fb: hasDotgit: contains '.git'\nremote: fatal: fsck error in packed object",
            "pack-refused",
        ),
        (
            "error: remote unpack failed: index-pack failed\n ! [remote rejected] main -> main (unpacker error)",
            "server-error",
        ),
        (
            "remote: error: object 3d: zeroPaddedFilemode: contains zero-padded file modes\nremote: fatal: fsck error in packed object\nTo github.com:o/r.git",
            "pack-refused",
        ),
        (
            "remote: error: object 1a: missingSpaceBeforeDate: invalid author/committer line - missing space before date\nremote: fatal: fsck error in packed object",
            "pack-refused",
        ),
    ]);
}

#[test]
fn e9_runs_that_never_showed_and_runs_that_failed() {
    all_are(&[
        ("Error: Timeout exceeded while attempting to get Run ID", "not-triggered"),
        ("Error: Conclusion is not success, it's [failure].", "run-failed"),
        ("Error: Conclusion is not success, it's [cancelled].", "run-failed"),
        ("Failed: Timeout exceeded while attempting to find Run ID (5 attempts)", "not-triggered"),
        ("Error: Timeout exceeded while awaiting completion of Run 12345678", "wait-timeout"),
        ("Run failed\nError: Workflow run 123 has failed with conclusion failure", "run-failed"),
        ("Error: Workflow 'deploy.yml' run not found within 60 seconds", "not-triggered"),
        ("Error: The workflow was triggered but no run was found", "not-triggered"),
        ("Workflow run timed out after 600 seconds; still in_progress", "wait-timeout"),
        (
            "Run 123 (deploy) has already completed with 'failure'\nError: Process completed with exit code 1.",
            "run-failed",
        ),
    ]);
}

#[test]
fn a_long_text_is_read_in_a_second() {
    let words =
        "remote: permission to push denied {\"a\": [\"b\\n\", {}]} error: 40 http status cannot lock ref is at ";
    for text in [
        words.repeat(11_000),
        "{".repeat(1_000_000),
        "\\n".repeat(500_000),
        "é".repeat(500_000),
        "permission to ".repeat(80_000),
    ] {
        let begin = Instant::now();
        of_text(&text);
        // An unoptimised build on a machine that compiles beside it is given three times the second.
        assert!(begin.elapsed().as_secs_f32() < 3.0, "{:?} for {:.20}", begin.elapsed(), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_stops_the_classifier(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), status in proptest::option::of(0u16..700)) {
        let text = String::from_utf8_lossy(&bytes);
        let options = ExplainOptions { status, ..ExplainOptions::default() };
        prop_assert!(!explain::run(&options, &text).contains('\n'));
    }

    #[test]
    fn no_cut_of_a_text_stops_the_classifier(record in 0usize..353, from in 0usize..600, length in 0usize..600) {
        let records = include_str!("data/failures.jsonl");
        let record: Record = serde_json::from_str(records.lines().nth(record).unwrap()).unwrap();
        let text: String = record.body_or_stderr.chars().skip(from).take(length).collect();
        prop_assert!(Cause::from_slug(&of_text(&text).cause).is_some());
    }
}
