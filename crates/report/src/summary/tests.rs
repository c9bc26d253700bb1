use proptest::prelude::*;

use super::*;
use crate::tests::{fixtures, runner};
use crate::{
    credential::{Redactor, Secret, Texts as _},
    diagnosis::Cause,
};

fn rendered(report: &Report) -> String {
    render(&Redactor::default().redacted(report.clone()), MOST_BYTES)
}

/// The lines outside outside-text's reach: how often each kind of Markdown line begins.
fn skeleton(markdown: &str) -> Vec<String> {
    markdown
        .lines()
        .map(|line| {
            let cells = line.matches(" | ").count();
            let first = line.split([' ', '[', '<', '&']).next().unwrap_or_default();
            let links = line.matches("](<").count();
            format!("{first}:{cells}:{links}")
        })
        .collect()
}

#[test]
fn a_failure_begins_with_its_cause_and_remedy() {
    let markdown = rendered(&fixtures::failure());
    let expected = "## ✗ Relay failed: `branch-protected`\n\n\
        **push** of [<code>octo/site</code>](<https://github.com/octo/site>) failed.\n\n\
        **What happened:** The branch <code>gh-pages</code> of octo/site is protected: a pull request is required.\n\n\
        **What to do:** Let this account push under Settings > Branches, or publish to another <code>branch</code>.\n\n\
        [Read more about `branch-protected`](<https://docs.github.com/";
    assert!(markdown.starts_with(expected), "{markdown}");
    assert!(markdown.find("```mermaid").unwrap() < markdown.find("### Checks").unwrap());
}

#[test]
fn a_success_shows_chain_checks_changes_refs_and_runs() {
    let markdown = rendered(&fixtures::success());
    for part in [
        "## ✓ Relayed to [octo/site](<https://github.com/octo/site>) · gh-pages [1a1a1a1...2b2b2b2](<https://github.com/octo/site/compare/1a1a",
        "  push[\"push gh-pages · done\"]:::done\n",
        "  preflight --> push --> tag --> trigger --> wait\n",
        "  wait -.-> run0\n",
        "  click run0 \"https://github.com/octo/site/actions/runs/4711\" _blank\n",
        "### Checks\n\n|  | Check | Result | Cause |\n| --- | --- | --- | --- |\n| ! | `token-expiry` | The token ends in 9 days. Regenerate it. | ",
        "<details><summary>1 check passed, 1 skipped</summary>\n\n|  | Check | Result | Cause |\n",
        "12 files added, 3 changed, 1 removed, 2 left out by `exclude`; 48.21 kB sent, 9.12 kB received.\n",
        "<details><summary>The first 2 of 16 files</summary>\n\n- <code>about.html</code> removed\n",
        "| [<code>refs/tags/v1.2.0</code>](<https://github.com/octo/site/tree/v1.2.0>) | none | ",
        "| [<code>deploy.yml</code>](<https://github.com/octo/site/actions/runs/4711>) | workflow_dispatch | completed | success |\n",
    ] {
        assert!(markdown.contains(part), "{part}\nin\n{markdown}");
    }
}

#[test]
fn several_targets_begin_with_a_table_of_them() {
    let mut report = fixtures::success();
    report.targets.extend(fixtures::failure().targets);
    let markdown = rendered(&report);
    assert!(markdown.contains("1 of 2 targets failed. The first:"));
    assert!(markdown.contains("### Targets\n"));
    // One for each target, one for its checks that passed, one for its files.
    assert_eq!(markdown.matches("<details>").count(), 6);
    assert_eq!(markdown.matches("</details>").count(), 6);
}

#[test]
fn a_step_without_targets_has_its_cause() {
    let failure = Failure::new(Cause::InvalidInput, "`brnch` is no input.").with_remedy("Write `branch`.");
    let markdown = rendered(&Report::failed(Stage::Inputs, &failure));
    assert!(markdown.contains("<code>brnch</code> is no input.") && markdown.contains("Write <code>branch</code>."));
}

#[test]
fn the_summary_keeps_below_its_limit_and_counts() {
    let mut report = Report::new(vec![fixtures::failure().targets[0].clone(); 600]);
    report.for_each_text(&mut |text| *text = text.repeat(20));
    for most in [0, 300, 20_000, MOST_BYTES] {
        let markdown = render(&Redactor::default().redacted(report.clone()), most);
        assert!(markdown.len() <= most);
        assert_eq!(markdown.contains("sections left out"), most >= 300, "{most}");
    }
    let mut report = fixtures::success();
    report.targets[0].refs = vec![report.targets[0].refs[0].clone(); 5000];
    assert!(rendered(&report).contains("_and 4,900 more._"));
}

#[test]
fn a_megabyte_in_every_text_is_cut() {
    let mut report = fixtures::failure();
    report.for_each_text(&mut |text| *text = "<&>".repeat(350_000));
    let markdown = rendered(&report);
    assert!(markdown.len() < MOST_BYTES, "{}", markdown.len());
    assert!(markdown.contains("### Checks"));
}

#[test]
fn no_secret_is_in_the_summary() {
    let redactor = Redactor::new(&[Secret::new("canary<4711".into())]);
    for mut report in [fixtures::success(), fixtures::failure()] {
        report.for_each_text(&mut |text| text.push_str(" canary<4711"));
        let markdown = render(&redactor.redacted(report), MOST_BYTES);
        assert!(!markdown.contains("canary") && markdown.contains("&#42;&#42;&#42;"));
    }
}

fn check_alone() -> Report {
    let mut target = TargetReport::new(&fixtures::target("acme/site"), &[Stage::Preflight]);
    target.stage(Stage::Preflight, StageStatus::Done, "12 checks passed.");
    target.facts.token_kind = Some(crate::credential::TokenKind::Classic);
    target.facts.login = Some("octo".into());
    target.facts.surplus_scopes = 3;
    target.facts.server_time = Some("2026-11-29T12:00:00Z".parse().unwrap());
    target.facts.token_expires_at = Some("2026-12-04T11:00:00Z".parse().unwrap());
    target.checks = fixtures::success().targets[0].checks.clone();
    target.changes.bytes_received = 500;
    Report::new(vec![target])
}

#[test]
fn p10_a_check_alone_says_what_it_found_and_relays_nothing() {
    let markdown = rendered(&check_alone());
    let first = markdown.lines().next().unwrap();
    assert!(first.starts_with("## ! Token of octo for acme/site: expires in 4 days (2026-12-04"), "{first}");
    assert!(first.contains("3 scopes too many") && first.ends_with("Checked, nothing to relay"), "{first}");
    assert!(!markdown.contains("mermaid") && !markdown.contains("What changed") && markdown.contains("### Checks"));
}

#[test]
fn p20_a_dry_run_says_would_and_links_no_commit_that_is_not_there() {
    let mut report = fixtures::success().dry_run(true);
    let target = &mut report.targets[0];
    target.stage(Stage::Push, StageStatus::Planned, "gh-pages would get a commit.");
    target.runs.clear();
    target.facts.commit = target.facts.previous;
    let markdown = rendered(&report);
    let first = markdown.lines().next().unwrap();
    assert!(first.starts_with("## Would publish to octo/site gh-pages: 12 added, 3 changed, 1 removed"), "{first}");
    assert!(!markdown.contains("commit/2b2b") && !markdown.contains(" sent"), "{markdown}");
    assert!(markdown.contains("### What would change\n"));
}

#[test]
fn a_failure_says_what_was_written_by_then() {
    let mut report = fixtures::success();
    report.targets[0].facts.dispatched = false;
    report.targets[0].fail(Stage::Trigger, &Failure::new(Cause::BadCredentials, "No."));
    let markdown = rendered(&report);
    let written = "**Already written:** the push: yes, the tag: yes, the dispatch: no\n";
    assert!(markdown.contains(written), "{markdown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_text_does_not_change_the_shape(texts in proptest::collection::vec(runner::hostile(), 1..8)) {
        let shape = |mut report: Report, texts: &[String]| {
            let mut at = 0;
            report.targets[0].for_each_text(&mut |text| {
                at += 1;
                // Addresses are tried apart: there a text decides whether there is a link at all.
                if !text.starts_with("https://") && text != "success" {
                    *text = format!("x{}", texts[at % texts.len()]);
                }
            });
            skeleton(&rendered(&report))
        };
        for report in [fixtures::success(), fixtures::failure()] {
            prop_assert_eq!(shape(report.clone(), &texts), shape(report, &["y".to_owned()]));
        }
    }
}
