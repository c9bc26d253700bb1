//! The page `docs/checks.md`: every check with what each of its verdicts means.

use super::check::CheckName;

/// What the verdicts of one check mean; empty where it cannot come to one.
struct VerdictMeanings {
    pass: &'static str,
    warn: &'static str,
    fail: &'static str,
    skip: &'static str,
}

/// The rows, in the order of [`CheckName::ALL`].
// The length is that of the enum: a check without its row does not compile.
const MEANINGS: [(CheckName, VerdictMeanings); CheckName::ALL.len()] = [
    (CheckName::TokenPresent, meanings("a credential is given", "", "there is none, or an empty one", "")),
    (CheckName::TokenKind, meanings("tells the kind, by the token's prefix", "", "", "")),
    (
        CheckName::TokenValid,
        meanings("the server knows the token", "", "it does not, or the server cannot be reached", ""),
    ),
    (
        CheckName::TokenExpiry,
        meanings(
            "it lives longer than `expiry-warning` days",
            "it ends within `expiry-warning` days",
            "it has ended",
            "the server said nothing about the token",
        ),
    ),
    (
        CheckName::TokenScope,
        meanings(
            "the scopes of a classic token are enough",
            "it has scopes that no step needs, named one by one; or `repo` is missing, though git may push",
            "`repo` (`public_repo` for what is public) is missing, and git may not push",
            "the token has permissions instead of scopes, and they cannot be read",
        ),
    ),
    (
        CheckName::Sso,
        meanings(
            "single sign-on does not block the token",
            "some questions were refused, or results were left out, because the token is not authorized",
            "the repository was refused because the token is not authorized; the message has the link that authorizes it",
            "the server said nothing about it",
        ),
    ),
    (
        CheckName::Repository,
        meanings(
            "it exists, can be seen and takes changes",
            "the publish would remove more than half of the files of the default branch",
            "it cannot be seen, is archived or disabled, or is a wiki without a first page",
            "it was not asked for, or the token is dead",
        ),
    ),
    (
        CheckName::Permission,
        meanings(
            "git may push; for a secret: the token may read its public key",
            "there is nothing to do and the token may not push; or git may push, but the role of the account says otherwise",
            "something that the step needs was refused",
            "it was not asked for, or the token is dead",
        ),
    ),
    (
        CheckName::BranchRules,
        meanings(
            "the rules allow this push, or this actor may bypass them",
            "a rule may refuse it: the server does not say who may bypass it, or only the server can judge it; or the branch has a classic protection",
            "a rule that this actor may not bypass is certain to refuse it",
            "the rules cannot be read",
        ),
    ),
    (
        CheckName::RefNames,
        meanings(
            "GitHub takes the name of each branch and tag, and each can stand beside the refs that are there",
            "",
            "a name has 40 hex digits, begins with `refs/` after its kind, is over 255 bytes, or cannot stand beside a ref such as `a` for `a/b`",
            "the refs cannot be read",
        ),
    ),
    (
        CheckName::SecretFiles,
        meanings(
            "no file of the directory holds a credential",
            "the directory has a file that often holds one: `.env`, `.netrc`, `.git-credentials`, `.docker/config.json` and the like, or `.npmrc` with a token",
            "a file holds one of the step's own secrets or a private key, or is one that an action writes credentials to",
            "",
        ),
    ),
    (
        CheckName::Patterns,
        meanings(
            "each line of `keep` and `exclude` matches a file",
            "a line matches nothing in the directory nor on the branch; the message names the likely slip",
            "",
            "the branch cannot be read",
        ),
    ),
    (
        CheckName::NewerPublish,
        meanings(
            "the branch was not published to by a later run of the same workflow",
            "it was: this run would put older content over newer",
            "",
            "the branch cannot be read",
        ),
    ),
    (
        CheckName::Prune,
        meanings(
            "tells which refs `prune` deletes",
            "",
            "it would delete more than five refs that are over half of those that match, or the default branch",
            "the refs cannot be read",
        ),
    ),
    (
        CheckName::Lfs,
        meanings(
            "the target has each Git LFS object that the pushed commits name, or the checkout can upload it",
            "the server has no Git LFS: the pointers are pushed without their objects",
            "neither the target nor the checkout has an object whole, the target refuses one or does not tell which it has, or LFS is off there",
            "git goes over SSH and there is no `token` to ask with",
        ),
    ),
    (
        CheckName::PullRequest,
        meanings(
            "a pull request can be made, or none is needed",
            "the server does not tell whether this credential may make one",
            "this credential may not make one",
            "it cannot be asked for",
        ),
    ),
    (
        CheckName::WorkflowFiles,
        meanings(
            "no workflow files change, or the token has the scope `workflow`",
            "a workflow file changes, and whether the token may do that cannot be read; or another branch has the same file",
            "a workflow file changes and the token cannot push it",
            "the server does not name the scopes",
        ),
    ),
    (
        CheckName::FileSize,
        meanings(
            "no file is above 50 MiB",
            "a file is above 50 MiB",
            "a file is above 100 MiB, or what is new above 2 GiB after deflating",
            "",
        ),
    ),
    (
        CheckName::Tag,
        meanings(
            "no tag is taken, or `tag-exists` allows it",
            "a ruleset may refuse one",
            "one is taken and `tag-exists` does not allow it, belongs to an immutable release and would move, names a commit with workflow files that the token cannot push, or is refused by a ruleset that this actor may not bypass",
            "the rulesets of tags cannot be read",
        ),
    ),
    (
        CheckName::Workflow,
        meanings(
            "each file exists, is active, and takes the inputs",
            "it does not fit yet, but this step changes it",
            "it does not exist, is switched off, has no `workflow_dispatch`, or refuses the inputs",
            "it cannot be read",
        ),
    ),
    (
        CheckName::Listener,
        meanings(
            "a workflow on the default branch listens to the event type",
            "none does",
            "",
            "the workflow files cannot be read",
        ),
    ),
    (
        CheckName::Payload,
        meanings(
            "the event and its payload are within GitHub's limits",
            "it is below 64 KB in characters and above in bytes",
            "over 10 top-level keys, 64 KB or 100 characters of event type",
            "",
        ),
    ),
    (
        CheckName::Pages,
        meanings(
            "the Pages site is made from this branch, or by a workflow",
            "it is made from another branch or folder; readers of a wiki see another branch; or there is none, and `wait-for: pages` waits for it",
            "",
            "there is no site, or the token cannot read it",
        ),
    ),
    (
        CheckName::RateLimit,
        meanings(
            "requests are left",
            "fewer than 50 are left",
            "none are left, some are needed, and the reset comes after `timeout`",
            "the server said nothing about a limit",
        ),
    ),
    (
        CheckName::Triggers,
        meanings(
            "pushes with this token start workflows",
            "pushes with `GITHUB_TOKEN` do not; or the message has `[skip ci]`",
            "",
            "the kind of token is not known",
        ),
    ),
    (
        CheckName::CheckoutCredentials,
        meanings(
            "the checkout left no credential behind",
            "it did (`persist-credentials`); this step never uses it",
            "",
            "",
        ),
    ),
];

const fn meanings(pass: &'static str, warn: &'static str, fail: &'static str, skip: &'static str) -> VerdictMeanings {
    VerdictMeanings { pass, warn, fail, skip }
}

impl CheckName {
    /// The whole list as the Markdown page `docs/checks.md`.
    pub fn page() -> String {
        let mut page = String::from(
            "<!-- Written by `cargo run --example checks > docs/checks.md`; a test fails when it is stale. -->\n\
             # What is checked\n\n\
             All of this is checked, side by side, before anything is written. A check fails only if the server is certain to refuse, and then the step\n\
             stops. If a refusal is only likely, the check is a `warn`, and the server decides. If the token cannot read the answer, the check is a `skip`. Checks that\n\
             have nothing to do with the step are left out. With its name in `ignore-checks`, a check that fails only warns (except `token-present` and\n\
             `file-size`). If there is nothing to push, tag, set or start, only `token-present`, `token-valid` and `repository` can fail.\n\n\
             | check | pass | warn | fail | skip |\n| --- | --- | --- | --- | --- |\n",
        );
        for (name, VerdictMeanings { pass, warn, fail, skip }) in &MEANINGS {
            page.extend(["| `", name.name(), "` | ", pass, " | ", warn, " | ", fail, " | ", skip, " |\n"]);
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_not_stale() {
        let page = include_str!("../../docs/checks.md");
        assert!(page == CheckName::page(), "stale: run `cargo run --example checks > docs/checks.md`");
    }

    #[test]
    fn every_check_has_its_row_in_the_order_of_the_report() {
        let names: Vec<CheckName> = MEANINGS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, CheckName::ALL);
    }
}
