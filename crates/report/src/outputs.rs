//! The step's outputs: the file that `GITHUB_OUTPUT` names.
//!
//! Form: <https://docs.github.com/en/actions/writing-workflows/choosing-what-your-workflow-does/workflow-commands-for-github-actions#multiline-strings>

use std::fmt::Write as _;

use uuid::Uuid;

use super::{Drift, OutputFacts, Report, json};
use crate::{
    credential::{Redacted, TokenKind},
    diagnosis::Cause,
    names::moment::rfc3339,
};

/// The names of the outputs, in the order they are written.
pub const NAMES: &[&str] = &[
    "pushed",
    "commit",
    "previous",
    "branch",
    "tag",
    "tag-created",
    "dispatched",
    "run-id",
    "run-url",
    "run-conclusion",
    "page-url",
    "pull-request",
    "pull-request-url",
    "drift",
    "token-kind",
    "token-expires-at",
    "error",
    "report",
];

/// Every output with its value, in the order of [`NAMES`]; the single-valued ones speak of the first target.
pub fn values(report: &Redacted<Report>) -> Vec<(&'static str, String)> {
    let unknown = OutputFacts::default();
    let first = report.targets.first();
    let facts = first.map_or(&unknown, |target| &target.facts);
    let run = first.and_then(|target| target.last_run());
    let request = first.and_then(|target| target.pull_request.as_ref());
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let oid = |oid: Option<crate::names::Oid>| oid.map(|oid| oid.to_string()).unwrap_or_default();
    NAMES
        .iter()
        .map(|&name| {
            let value = match name {
                "pushed" => facts.pushed.to_string(),
                "commit" => oid(facts.commit),
                "previous" => oid(facts.previous),
                "branch" => text(facts.branch.as_deref()),
                "tag" => facts.tags.join("\n"),
                "tag-created" => facts.tag_created.to_string(),
                "dispatched" => facts.dispatched.to_string(),
                "run-id" => run.map(|run| run.id.to_string()).unwrap_or_default(),
                "run-url" => text(run.map(|run| run.url.as_str())),
                "run-conclusion" => text(run.map(|run| run.conclusion.as_str())),
                "page-url" => text(facts.page_url.as_deref()),
                "pull-request" => request.map(|request| request.number.to_string()).unwrap_or_default(),
                "pull-request-url" => text(request.map(|request| request.url.as_str())),
                "drift" => first.and_then(|target| target.drift).map_or("", Drift::name).to_owned(),
                "token-kind" => facts.token_kind.unwrap_or(TokenKind::Unknown).name().to_owned(),
                "token-expires-at" => facts.token_expires_at.map(rfc3339).unwrap_or_default(),
                "error" => report.error().map_or("", Cause::slug).to_owned(),
                _ => json::render(report),
            };
            (name, value)
        })
        .collect()
}

/// The outputs in the file's form. Each value stands between two lines of a delimiter that nobody can guess,
/// so that no value can end early or bring a further output.
pub fn render(report: &Redacted<Report>) -> String {
    let mut file = String::new();
    for (name, value) in values(report) {
        let delimiter = format!("ghadelimiter_{}", Uuid::new_v4());
        // Writing to a String does not fail.
        let _ = writeln!(file, "{name}<<{delimiter}\n{value}\n{delimiter}");
    }
    file
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::tests::{fixtures, runner};
    use crate::{
        credential::{Redactor, Secret, Texts as _},
        diagnosis::{Failure, Stage},
    };

    fn parsed(report: &Report) -> BTreeMap<String, String> {
        let file = render(&Redactor::default().redacted(report.clone()));
        let pairs = runner::parse_file(&file).unwrap();
        assert_eq!(pairs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), NAMES);
        pairs.into_iter().collect()
    }

    #[test]
    fn the_outputs_speak_of_the_first_target() {
        let mut report = fixtures::success();
        report.targets.extend(fixtures::failure().targets);
        let outputs = parsed(&report);
        let hex = "2b".repeat(20);
        for (name, value) in [
            ("pushed", "true"),
            ("commit", hex.as_str()),
            ("branch", "gh-pages"),
            ("tag", "v1.2.0\nv1"),
            ("tag-created", "true"),
            ("dispatched", "true"),
            ("run-id", "4711"),
            ("run-url", "https://github.com/octo/site/actions/runs/4711"),
            ("run-conclusion", "success"),
            ("page-url", "https://octo.github.io/site/"),
            ("pull-request", "7"),
            ("pull-request-url", "https://github.com/octo/site/pull/7"),
            ("drift", "behind"),
            ("token-kind", "fine-grained"),
            ("token-expires-at", "2027-01-15T08:00:00Z"),
            ("error", "branch-protected"),
        ] {
            assert_eq!(outputs[name], value, "{name}");
        }
        assert_eq!(outputs["report"], json::render(&Redactor::default().redacted(report.clone())));
    }

    #[test]
    fn a_step_that_failed_at_its_inputs_writes_every_output() {
        let outputs = parsed(&Report::failed(Stage::Inputs, &Failure::new(Cause::InvalidInput, "Wrong.")));
        assert_eq!(outputs["error"], "invalid-input");
        assert_eq!((outputs["pushed"].as_str(), outputs["commit"].as_str()), ("false", ""));
        assert_eq!(outputs["token-kind"], "unknown");
    }

    #[test]
    fn no_delimiter_is_used_twice() {
        let file = render(&Redactor::default().redacted(fixtures::success()));
        let mut delimiters: Vec<_> = file.lines().filter_map(|line| line.split_once("<<ghadelimiter_")).collect();
        delimiters.sort_unstable_by_key(|(_, delimiter)| *delimiter);
        delimiters.dedup_by_key(|(_, delimiter)| *delimiter);
        assert_eq!(delimiters.len(), NAMES.len());
    }

    #[test]
    fn no_output_keeps_a_secret() {
        let redactor = Redactor::new(&[Secret::new("4711-canary".into())]);
        let mut report = fixtures::success();
        report.for_each_text(&mut |text| text.push_str(" 4711-canary"));
        assert!(!render(&redactor.redacted(report)).contains("4711-canary"));
    }

    proptest! {
        #[test]
        fn a_value_can_neither_end_early_nor_bring_another(texts in proptest::collection::vec(runner::hostile(), 4)) {
            let mut report = fixtures::success();
            report.targets[0].facts.branch = Some(texts[0].clone());
            report.targets[0].facts.page_url = Some(texts[1].clone());
            report.targets[0].runs[0].url.clone_from(&texts[2]);
            report.targets[0].runs[0].conclusion.clone_from(&texts[3]);
            let outputs = parsed(&report);
            prop_assert_eq!(&[&outputs["branch"], &outputs["page-url"], &outputs["run-url"], &outputs["run-conclusion"]][..],
                &texts.iter().collect::<Vec<_>>()[..]);
        }
    }
}
