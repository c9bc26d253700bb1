//! Facts that no request of this program can settle, each with the reason.

use super::{Row, Verdict};

/// Name, fact, place in the code, reason.
const UNASKED: &[[&str; 4]] = &[
    [
        "sso-headers",
        "X-GitHub-SSO names the organization whose single sign-on a classic token lacks.",
        "crates/diagnosis/src/classify/credentials.rs, the check `sso`",
        "needs an organization with SAML single sign-on",
    ],
    [
        "signed-by-the-wrong-address",
        "A commit signed by a user's key is verified only where the committer's address belongs to that account.",
        "crates/git/src/sign.rs, src/publish/message.rs: the committer is set to the account's own address",
        "needs a signing key registered on the account, which is no repository of the run",
    ],
    [
        "burned-tag",
        "The tag of a deleted immutable release cannot be made again, although no ruleset shows.",
        "crates/diagnosis/src/classify/rules.rs, the check `tag`",
        "needs immutable releases switched on in the repository's settings",
    ],
    [
        "pull-requests-of-actions",
        "A workflow's own token is refused a pull request where the settings do not let Actions make them.",
        "src/preflight/ask.rs: the check `pull-request`",
        "needs a workflow's own token of the target",
    ],
    [
        "bypass",
        "A ruleset tells whether the asker can bypass it: always, pull_requests_only, never, exempt.",
        "src/preflight/rules/examine.rs",
        "needs the right to make rulesets, on private repositories with a paid plan",
    ],
    [
        "rule-suites",
        "The list of rule suites takes no fine-grained token.",
        "not used: src/preflight/rules asks the rules themselves",
        "needs the right to make rulesets",
    ],
    [
        "pre-filled-pages",
        "The pages that make a token can be pre-filled by their address.",
        "crates/diagnosis/src/token_page.rs, crates/diagnosis/src/link.rs",
        "needs a signed-in browser",
    ],
    [
        "oidc-subjects",
        "OIDC subjects of new repositories hold immutable ids.",
        "not used",
        "needs a job with `id-token: write`; nothing in the program depends on it",
    ],
    [
        "parallel-steps",
        "Two steps of one job that run at once share HOME and workspace.",
        "crates/git/src/scratch.rs: each process has a scratch folder of its own",
        "needs a runner",
    ],
    [
        "pages-and-symlinks",
        "A Pages build refuses a branch that holds symlinks.",
        "src/preflight/page.rs: the check `pages` warns",
        "needs Pages on a private repository, which takes a paid plan",
    ],
    [
        "pages-by-a-workflow-token",
        "A push of a workflow's own token starts the Pages build.",
        "src/wait/expected.rs: `wait-for: pages`",
        "needs a workflow's own token of the target, and Pages",
    ],
    [
        "fork-pull-requests",
        "A fork's pull request gets a token that only reads.",
        "crates/diagnosis/src/job_permissions.rs",
        "needs a fork of another account",
    ],
    [
        "old-runs-and-other-workflows",
        "Runs of 2020 and 2021 have no `path`; workflows of other branches and deleted ones are listed too.",
        "crates/github/src/model/runs.rs, src/preflight/ask.rs",
        "needs a repository of that age",
    ],
    [
        "container-actions",
        "A container action runs on Linux runners alone.",
        "native/action.yml is the way for the others",
        "needs runners of other systems",
    ],
    [
        "uploads-and-pushes-a-minute",
        "Uploads have a host of their own, and six pushes a minute are recommended.",
        "not used: the program uploads nothing and obeys whatever limit an answer states",
        "no answer tells it",
    ],
];

/// Their rows.
pub(crate) fn rows() -> impl Iterator<Item = Row> {
    UNASKED.iter().map(|&[id, says, code, reason]| Row {
        id: id.to_owned(),
        says,
        code,
        expected: String::new(),
        seen: String::new(),
        verdict: Verdict::Skipped(reason.to_owned()),
    })
}
