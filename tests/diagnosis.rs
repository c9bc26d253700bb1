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
