//! Rules on refs: rulesets (GH013), the older branch protection (GH006), and the checks with a code of their own.
//!
//! Source: <https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets>

use super::{Cause, Reading};
use crate::finding::{CausePattern, Finding, earliest};
use crate::reading::Endpoint;

/// What is refused whatever rule set says so.
const OF_ITSELF: [CausePattern; 9] = [
    CausePattern::of(
        Cause::MissingWorkflowScope,
        &[
            // "refusing to allow a Personal Access Token to create or update workflow …".
            "refusing to allow",
            "create or update workflow",
            "without 'workflow' scope",
            "without 'workflows' permission",
            "without 'workflow' permission",
            "needs the 'workflow' scope",
        ],
    ),
    CausePattern::of(
        Cause::PushProtectionSecret,
        &[
            "github push protection",
            "push cannot contain secrets",
            "gh009",
            "secrets detected",
            "secret detected in content",
            "secret_scanning",
            // The link under which a found secret can be allowed; no other refusal has it.
            "/security/secret-scanning/",
            "resolve the following secrets",
            "working-with-push-protection",
            "blocked-by-push-protection",
            "to push, remove secret from commit",
            "allow the secret",
        ],
    ),
    CausePattern::of(
        Cause::EmailPrivacy,
        &[
            "gh007",
            "publish a private email",
            "email privacy restrictions",
            "private email address",
            "make your email public",
        ],
    ),
    // The advice names the command; the object's id before it differs each time.
    CausePattern::of(Cause::LfsMissingObject, &["gh008", "unknown git lfs object", "git lfs push --all"]),
    CausePattern::of(Cause::InvalidRefOrObject, &["gh002", "gh005", "refs longer than", "branch or tag names"]),
    // GH001 also only warns, from 50 MB on: the word before it tells a refusal.
    CausePattern::of(Cause::FileTooLarge, &["error: gh001", "exceeds*file size limit", "file size limit of"]),
    CausePattern::of(Cause::ForcePushForbidden, &["gh003", "force-pushing to * is not allowed"]),
    CausePattern::of(
        Cause::ProtectedTag,
        &[
            "immutable release",
            "protected tag update failed",
            "protected tag hook",
            "force-push to this tag",
            "this tag is protected",
            "tag is protected",
            "protected tag",
        ],
    ),
    CausePattern::of(
        Cause::PreReceiveHookDeclined,
        &[
            "failed with exit status*pre-receive hook declined",
            // Enterprise Server names the hook's file, which its administrator chose.
            ".sh: failed with exit status",
            ".sh: execution exceeded",
        ],
    ),
];

/// A pull request or the merge queue: one step heals all rules of the refusal.
const PULL_REQUEST: [&str; 8] = [
    "through a pull request",
    "through the merge queue",
    "through a merge queue",
    "via a pull request",
    "via the merge queue",
    "must use a pull request",
    "pull request is required",
    "must be made through",
];

/// Rules with a cause of their own; the first one named counts.
const OWN: [CausePattern; 4] = [
    CausePattern::of(
        Cause::RequiredStatusChecks,
        &[
            "required status check",
            "status checks are expected",
            "status checks have not succeeded",
            "required statuses must pass",
            "required workflow",
            // The check ran on no commit of this push, so that its result is still expected.
            "check is expected",
        ],
    ),
    CausePattern::of(
        Cause::RequiredSignatures,
        &[
            "verified signature",
            "valid signature",
            "commits must be signed",
            "signed commits",
            "must have*signatures",
            "unsigned commit",
        ],
    ),
    CausePattern::of(
        Cause::ForcePushForbidden,
        &[
            "cannot force-push",
            "force-push to a protected",
            "cannot force push",
            "can't force-push",
            "force pushes are not allowed",
            "force-push*not allowed",
            "denying non-fast-forward",
            "force push to*protected",
        ],
    ),
    CausePattern::of(Cause::FileTooLarge, &["this exceeds*file size limit"]),
];

/// Rules of a push ruleset, which stand under the heading of push protection like a found secret does.
const PUSH_RULES: [&str; 5] = [
    "file path is restricted",
    "file paths are restricted",
    "file extension is restricted",
    "file extensions are restricted",
    "maximum file path length",
];

/// Rules without a cause of their own.
const OTHER: [&str; 30] = [
    "creations being restricted",
    "cannot create ref",
    "cannot update this protected",
    "cannot delete this protected",
    "cannot delete this branch",
    "cannot delete a protected",
    "cannot delete this ref",
    "cannot change this locked branch",
    "updates being restricted",
    "deletions being restricted",
    "must not contain merge commits",
    "merge commits",
    "not authorized to push to this branch",
    "approving review",
    "code owner",
    "review from",
    "linear history",
    "must match",
    "must not match",
    "match a given regex",
    "does not match pattern",
    "following paths are restricted",
    "file path",
    "file extension",
    "deployments",
    "code scanning",
    "code quality",
    "conversation",
    "branch is locked",
    "commit message",
];

/// Words of a ruleset's refusal, of the older protection's, and how each ends when nothing else is known.
const RULESET: [&str; 7] = [
    // All that the REST API says of a rule that refuses a ref.
    "reference update failed",
    "reference cannot be updated",
    "gh013",
    "repository rule violations",
    "repository rule violation",
    "due to repository rule",
    "rule violations found",
];
const PROTECTION: [&str; 8] = [
    "gh006",
    "protected branch update failed",
    "protected branch hook declined",
    "protected branch",
    "about-protected-branches",
    "not authorized to push to this branch",
    "approving review is required",
    "refusing to delete the current branch",
];

/// A rule that refuses the update of a ref.
pub(super) fn look(reading: &Reading) -> Option<Finding> {
    if let Some(path) = reading.first_of(&PUSH_RULES)
        // With a secret in the same refusal the secret is the cause: it has to go first.
        && !reading.has_any(&["contain secrets", "following secrets", "remove secret"])
    {
        return Some(Finding::new(Cause::RulesetViolation, &[], Some(path)));
    }
    if let Some(finding) = earliest(reading, &OF_ITSELF[..2]).or_else(|| earliest(reading, &OF_ITSELF[2..])) {
        let cause = match finding.cause {
            // A limit of size that only warns beside a rule, and a hook's line beside a code, say less than those.
            Cause::PreReceiveHookDeclined if reading.has_any(&["gh006", "gh013"]) => None,
            cause => Some(cause),
        };
        if cause.is_some() {
            return Some(finding);
        }
    }
    let ruleset = reading.first_of(&RULESET);
    let protection = reading.first_of(&PROTECTION);
    let pull_request = reading.first_of(&PULL_REQUEST);
    let own = earliest(reading, &OWN);
    let span = pull_request.or_else(|| own.as_ref().and_then(|own| own.span)).or_else(|| reading.first_of(&OTHER));
    if ruleset.is_none() && protection.is_none() && pull_request.is_none() && own.is_none() {
        return None;
    }
    let shown = span.or(ruleset).or(protection);
    let of_tag = is_on_a_tag(reading);
    if of_tag && (ruleset.is_some() || protection.is_some()) {
        return Some(Finding::new(Cause::ProtectedTag, &[], shown));
    }
    let by_ruleset = ruleset.is_some() && !reading.has("gh006");
    let other = reading.first_of(&OTHER);
    // A pull request heals most other rules of the refusal too, so that it is named before them.
    if pull_request.is_some() {
        let checks = own.as_ref().is_some_and(|own| own.cause == Cause::RequiredStatusChecks);
        let (cause, also): (_, &[Cause]) = match (by_ruleset, checks) {
            (true, false) if other.is_some() => (Cause::RulesetRequiresPr, &[Cause::RulesetViolation]),
            (true, _) => (Cause::RulesetRequiresPr, &[]),
            (false, true) => (Cause::BranchProtected, &[Cause::RequiredStatusChecks]),
            (false, false) if protection.is_some() => (Cause::BranchProtected, &[]),
            (false, false) => (Cause::BranchProtected, &[Cause::RulesetRequiresPr]),
        };
        return Some(Finding::new(cause, also, pull_request));
    }
    // GH006 is the older protection even where a ruleset is named beside it.
    let general = if by_ruleset { Cause::RulesetViolation } else { Cause::BranchProtected };
    let mut also = Vec::new();
    if let Some(own) = own {
        let first = other.is_none_or(|other| own.span.is_some_and(|own| own.start <= other.start));
        if first || !(by_ruleset || protection.is_some()) {
            if other.is_some() {
                also.push(general);
            }
            return Some(Finding { cause: own.cause, also, span: own.span });
        }
        also.push(own.cause);
    }
    // A link to the manual or a mention in a hook's output is no refusal.
    if general == Cause::BranchProtected && other.is_none() && !is_refused(reading) {
        return None;
    }
    if by_ruleset && is_request_for_any_ref(reading) {
        also.push(Cause::ProtectedTag);
    }
    if shown == ruleset || shown == protection {
        also.extend(if by_ruleset { &[Cause::RulesetRequiresPr][..] } else { &[] });
        also.extend([Cause::RequiredStatusChecks, Cause::RequiredSignatures, Cause::ForcePushForbidden]);
    }
    Some(Finding { cause: general, also, span: shown })
}

/// Whether the older protection refuses, and is not only linked or mentioned.
fn is_refused(reading: &Reading) -> bool {
    reading.has_any(&[
        "gh006",
        "protected branch update failed",
        "protected branch hook",
        "refusing to delete the current",
        "to a protected branch",
        "branch is protected",
    ])
}

/// Whether the ref that is refused is a tag: named in the refusal, or by a release's own tag.
fn is_on_a_tag(reading: &Reading) -> bool {
    let tag = reading.first_of(&[
        "for refs/tags/",
        "field: pre_receive",
        "'resource': 'release'",
        "resource: release",
        "ref=refs%2ftags",
        "ref 'refs/tags/",
    ]);
    let branch = reading.first_of(&["for refs/heads/", "ref=refs%2fheads"]);
    match (tag, branch) {
        // A release makes a tag and never a branch.
        _ if reading.endpoint == Endpoint::Releases => true,
        (Some(tag), Some(branch)) => tag.start < branch.start,
        (None, None) => reading.has("refs/tags/") && !reading.has_any(&["refs/heads/", "refs%2fheads"]),
        (tag, _) => tag.is_some(),
    }
}

/// `POST git/refs` does not say in its answer whether it was a branch or a tag.
fn is_request_for_any_ref(reading: &Reading) -> bool {
    reading.operation == super::Operation::Rest && !reading.has_any(&["for refs/heads/", "git/refs/heads"])
}
