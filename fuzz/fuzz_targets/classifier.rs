//! Diagnosis: every text has one cause, the same each time, with words that are no bigger than they may be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repo_relay::{
    diagnosis::{Cause, Evidence, Operation, Situation, classify},
    explain::{self, ExplainOptions},
};

/// Far above what a step would show, and far below what a server can send.
const MOST_WORDS: usize = 64 * 1024;

// The form of the input: operation, status, then `REQUEST`, lines of `name: value`, an empty line and the text.
fuzz_target!(|input: (u8, u16, &str)| {
    const OPERATIONS: [Operation; 5] =
        [Operation::GitPush, Operation::GitFetch, Operation::Ssh, Operation::Rest, Operation::Unsaid];
    let (operation, status, input) = input;
    let operation = OPERATIONS[usize::from(operation) % OPERATIONS.len()];
    let (head, text) = input.split_once("\n\n").unwrap_or(("", input));
    let (request, headers) = head.split_once('\n').unwrap_or((head, ""));
    let request = (!request.is_empty()).then_some(request);
    let headers: Vec<_> = headers.lines().filter_map(|line| explain::parse_header(line).ok()).collect();
    let status = (100..600).contains(&status).then_some(status);
    let evidence = Evidence { operation, status, headers: &headers, text: text.into(), request };
    let found = classify(&evidence, &Situation::default());
    let again = classify(&evidence, &Situation::default());
    assert_eq!((found.cause, &found.what, &found.remedy), (again.cause, &again.what, &again.remedy));
    assert_eq!(Cause::from_slug(found.cause.slug()), Some(found.cause), "the cause is one of the list");
    assert!(found.what.len() <= MOST_WORDS, "{} bytes of words", found.what.len());
    assert!(found.remedy.len() <= MOST_WORDS, "{} bytes of a remedy", found.remedy.len());
    assert!(!found.what.trim().is_empty() && found.docs.starts_with("https://"), "{found:?}");

    let operation = (operation != Operation::Unsaid).then_some(operation);
    let line = explain::run(&ExplainOptions { operation, status, headers }, text);
    assert!(!line.contains(['\n', '\r']) && line.starts_with("{\"cause\":\"") && line.ends_with('}'), "{line}");
});
