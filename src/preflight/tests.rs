//! The judgement from plan and facts alone, case by case.

pub(super) mod fixtures;

use super::{
    check::{CheckName, Verdict},
    facts::{Deflated, Facts},
    judge::{first_failure, judge},
};
use crate::preflight::tests::fixtures::{facts, plan, publish, refusal};
use crate::{
    diagnosis::Cause,
    names::{Oid, RefName},
    plan::Plan,
    publish::tree::Changes,
    refs::facts::{NewWorkflows, RefsFacts},
};

const PUBLISH: &[(&str, &str)] = &[("directory", "site")];

/// Status and cause of one check, as the report writes them.
fn verdict(plan: &Plan, facts: &Facts, name: &str) -> String {
    let checks = judge(plan, facts);
    match checks.iter().find(|check| check.name.name() == name).map(|check| &check.verdict) {
        None => "none".to_owned(),
        Some(Verdict::Pass(_)) => "pass".to_owned(),
        Some(Verdict::Warn(failure)) => format!("warn {}", failure.cause.slug()),
        Some(Verdict::Fail(failure)) => format!("fail {}", failure.cause.slug()),
        Some(Verdict::Skip(failure)) => format!("skip {}", failure.cause.slug()),
    }
}

fn tip() -> Oid {
    "0123456789abcdef0123456789abcdef01234567".parse().unwrap()
}

#[test]
fn the_same_refusal_fails_where_something_is_planned_and_warns_where_nothing_is() {
    let mut facts = facts();
    facts.refs = refusal(None, Cause::NoWriteAccess);
    assert_eq!(verdict(&plan(PUBLISH), &facts, "permission"), "fail no-write-access");
    assert_eq!(verdict(&plan(&[("tag", "v1")]), &facts, "permission"), "fail no-write-access");
    assert_eq!(verdict(&plan(&[]), &facts, "permission"), "warn no-write-access");
    let ignored = [PUBLISH, &[("ignore-checks", "permission")]].concat();
    assert_eq!(verdict(&plan(&ignored), &facts, "permission"), "warn no-write-access");
}

#[test]
fn what_did_not_come_through_says_nothing_about_the_right() {
    for (cause, words) in [
        (Cause::NoWriteAccess, "The token may not push here. The server"),
        (Cause::ConnectionFailed, "Whether the token may push here could not be asked. The server"),
    ] {
        let facts = Facts { refs: refusal(None, cause), ..facts() };
        let checks = judge(&plan(&[]), &facts);
        let check = checks.iter().find(|check| check.name == CheckName::Permission).unwrap();
        assert!(matches!(&check.verdict, Verdict::Warn(failure) if failure.what.starts_with(words)), "{check:?}");
    }
}

#[test]
fn the_first_failure_is_the_one_that_explains_the_others() {
    let mut facts = facts();
    facts.user = refusal(Some(401), Cause::BadCredentials);
    facts.repository = refusal(Some(401), Cause::BadCredentials);
    facts.refs = refusal(None, Cause::NoWriteAccess);
    let checks = judge(&plan(PUBLISH), &facts);
    assert_eq!(first_failure(&checks).map(|failure| failure.cause), Some(Cause::BadCredentials));
}

#[test]
fn a_404_has_the_reason_that_is_likely_for_the_kind_of_token() {
    for (token, cause) in [
        ("ghp_x", "fail repo-not-found-or-hidden"),
        ("github_pat_x", "fail fine-grained-repo-not-selected"),
        ("ghs_12345_eyJ.a-b.c", "fail repo-not-found-or-hidden"),
    ] {
        let mut facts = facts();
        facts.repository = refusal(Some(404), Cause::RepoNotFoundOrHidden);
        facts.refs = refusal(None, Cause::RepoNotFoundOrHidden);
        assert_eq!(verdict(&plan(&[("token", token), ("directory", "site")]), &facts, "repository"), cause);
    }
}

#[test]
fn scopes_are_weighed_by_what_is_public_and_what_git_allows() {
    let scopes = |list: &[&str]| Some(list.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>());
    for (list, public, git, expected) in [
        (&["repo"][..], false, false, "pass"),
        (&["public_repo"], true, false, "pass"),
        (&["public_repo"], false, false, "fail missing-repo-scope"),
        (&[], true, false, "fail missing-repo-scope"),
        (&[], true, true, "warn missing-repo-scope"),
        (&["gist"], true, true, "warn missing-repo-scope"),
        (&["repo", "gist"], true, true, "warn token-overscoped"),
        (&["repo", "repo:invite"], true, true, "pass"),
        (&["public_repo", "repo:invite"], true, true, "warn token-overscoped"),
    ] {
        let mut facts = facts();
        facts.token.scopes = scopes(list);
        if let super::facts::Asked::Answer(repository) = &mut facts.repository {
            repository.public = public;
        }
        if !git {
            facts.refs = refusal(None, Cause::NoWriteAccess);
        }
        assert_eq!(verdict(&plan(PUBLISH), &facts, "token-scope"), expected, "{list:?} {public} {git}");
    }
    assert_eq!(verdict(&plan(PUBLISH), &facts(), "token-scope"), "skip check-not-permitted");
}

#[test]
fn a_push_above_two_gibibytes_fails_only_when_it_is_so_after_deflating() {
    let judged = |deflated| {
        let mut facts = facts();
        let mut publish = publish(Some(tip()), Changes::default());
        publish.deflated = deflated;
        facts.publish = Some(Ok(publish));
        verdict(&plan(PUBLISH), &facts, "file-size")
    };
    assert_eq!(judged(None), "pass");
    assert_eq!(judged(Some(Deflated::Whole(1 << 30))), "pass");
    assert_eq!(judged(Some(Deflated::Above(2 << 30))), "fail pack-too-large");
    let mut facts = facts();
    let mut publish = publish(Some(tip()), Changes::default());
    publish.deflated = Some(Deflated::Above(2 << 30));
    facts.publish = Some(Ok(publish));
    assert!(judge(&plan(PUBLISH), &facts).iter().any(|check| check.clone().ignored().failure().is_some()));
}

#[test]
fn more_than_half_is_more_than_half() {
    for (removed, before, branch, expected) in [
        (11, 20, "main", "warn invalid-input"),
        (10, 20, "main", "pass"),
        (20, 20, "gh-pages", "pass"),
        (1, 1, "main", "warn invalid-input"),
    ] {
        let mut facts = facts();
        let mut publish = publish(Some(tip()), Changes { removed, ..Changes::default() });
        publish.proposal.files_before = Some(before);
        facts.publish = Some(Ok(publish));
        let plan = plan(&[("directory", "site"), ("branch", branch)]);
        assert_eq!(verdict(&plan, &facts, "repository"), expected, "{removed} of {before} on {branch}");
    }
}

#[test]
fn a_workflow_file_that_goes_is_not_certain_to_be_refused() {
    let changes = Changes { workflow_files: vec![b".github/workflows/old.yml".to_vec()], ..Changes::default() };
    let mut facts = facts();
    facts.publish = Some(Ok(publish(Some(tip()), changes)));
    facts.token.scopes = Some(vec!["repo".to_owned()]);
    assert_eq!(verdict(&plan(PUBLISH), &facts, "workflow-files"), "warn missing-workflow-scope");
    facts.token.scopes = None;
    assert_eq!(verdict(&plan(PUBLISH), &facts, "workflow-files"), "skip check-not-permitted");
    let fine_grained = plan(&[("directory", "site"), ("token", "github_pat_x")]);
    assert_eq!(verdict(&fine_grained, &facts, "workflow-files"), "warn missing-workflow-scope");
}

#[test]
fn single_sign_on_fails_only_where_what_the_plan_needs_was_refused() {
    let mut facts = facts();
    facts.token.sso = Some("required; url=https://github.com/orgs/acme/sso?authorization_request=A".to_owned());
    assert_eq!(verdict(&plan(PUBLISH), &facts, "sso"), "warn sso-authorization-required");
    facts.refs = refusal(None, Cause::SsoAuthorizationRequired);
    assert_eq!(verdict(&plan(PUBLISH), &facts, "sso"), "fail sso-authorization-required");
    let checks = judge(&plan(PUBLISH), &facts);
    let link = first_failure(&checks).and_then(|failure| failure.link.clone());
    assert_eq!(link.as_deref(), Some("https://github.com/orgs/acme/sso?authorization_request=A"));
}

#[test]
fn what_was_not_answered_is_skipped() {
    let mut facts = facts();
    facts.user = refusal(None, Cause::ConnectionFailed);
    facts.repository = refusal(None, Cause::ConnectionFailed);
    facts.refs = refusal(None, Cause::ConnectionFailed);
    for check in ["token-expiry", "token-scope", "sso", "rate-limit", "branch-rules"] {
        assert_eq!(verdict(&plan(PUBLISH), &facts, check), "skip check-not-permitted", "{check}");
    }
    assert_eq!(verdict(&plan(PUBLISH), &facts, "token-valid"), "fail connection-failed");
}

#[test]
fn an_unknown_kind_of_token_may_or_may_not_start_workflows() {
    let judged = |token: &str| verdict(&plan(&[("token", token), ("tag", "v1")]), &facts(), "triggers");
    assert_eq!(judged("0x-from-elsewhere"), "skip check-not-permitted");
    assert_eq!(judged("ghp_x"), "pass");
    assert_eq!(verdict(&plan(PUBLISH), &facts(), "triggers"), "none");
}

#[test]
fn refs_are_held_to_githubs_sizes_and_to_the_right_to_workflow_files() {
    let plan = plan(&[("refs", "main")]);
    let with = |refs: RefsFacts| {
        let mut facts = facts();
        facts.pushed_refs = Some(Ok(refs));
        facts
    };
    let size = |above, large| verdict(&plan, &with(RefsFacts { large, above, ..RefsFacts::default() }), "file-size");
    let gigabytes = Some(2 << 30);
    assert_eq!(size(None, Vec::new()), "pass");
    assert_eq!(size(gigabytes, Vec::new()), "fail pack-too-large");
    assert_eq!(size(None, vec![(tip(), 60 << 20)]), "warn file-too-large");
    assert_eq!(size(gigabytes, vec![(tip(), (100 << 20) + 1)]), "fail file-too-large", "the file is the better reason");
    let brings = |unsure, scopes: Option<&str>| {
        let files = vec![(RefName::branch("main").unwrap(), ".github/workflows/ci.yml".to_owned())];
        let mut facts = with(RefsFacts { workflows: NewWorkflows { files, unsure }, ..RefsFacts::default() });
        facts.token.scopes = scopes.map(|scope| vec![scope.to_owned()]);
        verdict(&plan, &facts, "workflow-files")
    };
    assert_eq!(brings(false, Some("repo")), "fail missing-workflow-scope");
    assert_eq!(brings(true, Some("repo")), "warn missing-workflow-scope", "a branch that is not here may have it");
    assert_eq!(brings(false, Some("workflow")), "pass");
    assert_eq!(brings(false, None), "skip check-not-permitted");
}

#[test]
fn the_workflows_own_token_writes_to_no_other_repository() {
    let own = |more: &[(&str, &str)]| plan(&[&[("token", "ghs_x"), ("workflow-token", "ghs_x")], more].concat());
    for planned in [PUBLISH, &[("tag", "v1")], &[("dispatch", "go")], &[("workflow", "d.yml")]] {
        assert_eq!(verdict(&own(planned), &facts(), "permission"), "fail github-token-cross-repo", "{planned:?}");
        let here = [planned, &[("repository", "own/source")]].concat();
        let mut there = facts();
        if let super::facts::Asked::Answer(repository) = &mut there.repository {
            repository.full_name = "own/source".to_owned();
        }
        assert_eq!(verdict(&own(&here), &there, "permission"), "pass", "{planned:?}");
        // What was renamed may be the workflow's own under its former name.
        assert_eq!(verdict(&own(planned), &there, "permission"), "pass", "{planned:?}");
    }
    assert_eq!(verdict(&own(&[]), &facts(), "permission"), "pass", "reading is another matter");
    assert_eq!(verdict(&plan(PUBLISH), &facts(), "permission"), "pass");
}
