//! The report as a whole.

pub(crate) mod fixtures;
pub(crate) mod runner;

use super::*;

fn target(name: &str) -> TargetReport {
    TargetReport::new(&fixtures::target(name), &[Stage::Preflight, Stage::Push, Stage::Tag])
}

#[test]
fn the_first_failed_target_in_list_order_names_the_error() {
    let mut second = target("o/two");
    second.fail(Stage::Push, &Failure::new(Cause::BranchProtected, "No."));
    let mut third = target("o/three");
    third.fail(Stage::Preflight, &Failure::new(Cause::BadCredentials, "No."));
    let report = Report::new(vec![target("o/one"), second, third]);
    assert_eq!(report.error(), Some(Cause::BranchProtected));
    assert_eq!(serde_json::to_value(&report).unwrap()["error"], "branch-protected");
}

#[test]
fn what_failed_first_names_the_error_and_later_stages_are_skipped() {
    let mut target = target("o/r");
    target.stage(Stage::Preflight, StageStatus::Done, "all checks passed");
    target.fail(Stage::Push, &Failure::new(Cause::BranchProtected, "No."));
    target.fail(Stage::Tag, &Failure::new(Cause::TagExists, "Second."));
    assert_eq!(target.error(), Some(Cause::BranchProtected));
    let statuses: Vec<_> = target.stages.iter().map(|stage| stage.status).collect();
    assert_eq!(statuses, [StageStatus::Done, StageStatus::Failed, StageStatus::Failed]);

    let mut fresh = super::tests::target("o/r");
    fresh.fail(Stage::Preflight, &Failure::new(Cause::TokenMissing, "No."));
    let statuses: Vec<_> = fresh.stages.iter().map(|stage| stage.status).collect();
    assert_eq!(statuses, [StageStatus::Failed, StageStatus::Skipped, StageStatus::Skipped]);
}

#[test]
fn wrong_input_is_a_report_without_targets() {
    let report = Report::failed(Stage::Inputs, &Failure::new(Cause::InvalidInput, "`brnch` is no input."));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["error"], "invalid-input");
    assert_eq!(json["targets"], serde_json::json!([]));
    assert!(!report.is_success());
}
