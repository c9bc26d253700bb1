//! The page `docs/checks.md`: every check with what each of its verdicts means.

use super::check::CheckName;

/// What the verdicts of one check mean; empty where it can not come to one.
struct Row {
    pass: &'static str,
    warn: &'static str,
    fail: &'static str,
    skip: &'static str,
}

impl CheckName {
    fn row(self) -> Row {
        let row = |pass, warn, fail, skip| Row { pass, warn, fail, skip };
        match self {
            Self::TokenPresent => row("a credential is given", "", "there is none, or an empty one", ""),
            Self::TokenKind => row("tells the kind, by the token's prefix", "", "", ""),
            Self::TokenValid => row("the server knows the token", "", "it does not, or it can not be reached", ""),
            Self::TokenExpiry => row(
                "it lives longer than `expiry-warning` days",
                "it ends within `expiry-warning` days",
                "it has ended",
                "nothing was told about the token",
            ),
            Self::TokenScope => row(
                "the scopes of a classic token suffice",
                "it has scopes that no step needs, named one by one",
                "`repo` (`public_repo` for what is public) is missing, and git may not push",
                "the token has permissions, not scopes, and which ones can not be asked",
            ),
            Self::Sso => row(
                "no single sign-on stands in the way",
                "a part of the questions was refused, or results were left out, for want of an authorization",
                "the repository was refused for want of an authorization; the link that grants it is shown",
                "nothing was told",
            ),
            Self::Repository => row(
                "it is there, visible and takes changes",
                "the publish would remove more than half of the files of the default branch",
                "it is not visible, archived or disabled",
                "it was not asked for, or the token is dead",
            ),
            Self::Permission => row(
                "git may push; for a secret: its key was given",
                "nothing is planned and the token may not push; or git may push and the account's role says otherwise",
                "what the plan needs was refused",
                "it was not asked for, or the token is dead",
            ),
            Self::BranchRules => row(
                "no rule stands in the way of this push, or this actor may bypass it",
                "a rule may refuse it: the server does not tell who may bypass it, or the rule depends on what only the server knows; a classic branch protection",
                "a rule that this actor may not bypass is certain to refuse it",
                "the rules can not be asked for",
            ),
            Self::WorkflowFiles => row(
                "no workflow file changes, or the token has the scope `workflow`",
                "a workflow file changes, and the right can not be asked for; or another branch has it in the same form",
                "a workflow file changes and the token can not push it",
                "the server does not name the scopes",
            ),
            Self::FileSize => row(
                "no file is above 50 MiB",
                "a file is above 50 MiB",
                "a file is above 100 MiB, or what is new above 2 GiB after deflating",
                "",
            ),
            Self::Tag => row(
                "each tag is free, or as `tag-exists` allows",
                "a ruleset may refuse one",
                "one is there and `tag-exists` does not allow it, or a ruleset that this actor may not bypass refuses it",
                "the rulesets of tags can not be asked for",
            ),
            Self::Workflow => row(
                "each is there, active, and takes the inputs",
                "it does not fit as it is now, and this step changes it",
                "it is not there or switched off, has no `workflow_dispatch`, or refuses the inputs",
                "it can not be asked for, or not be read",
            ),
            Self::Payload => row(
                "the event and its payload are within GitHub's limits",
                "it is below 64 KB in characters and above in bytes",
                "over 10 top-level keys, 64 KB or 100 characters of event type",
                "",
            ),
            Self::Pages => row(
                "the Pages site is made from this branch, or by a workflow",
                "it is made from another branch or folder",
                "",
                "there is no site, or the token may not ask for it",
            ),
            Self::RateLimit => row(
                "requests are left",
                "fewer than 50 are left",
                "none is left, one is needed, and the reset comes after `timeout`",
                "nothing was told",
            ),
            Self::Triggers => row(
                "pushes of this token start workflows",
                "those of `GITHUB_TOKEN` do not; `[skip ci]` in the message",
                "",
                "the kind of token is not known",
            ),
            Self::CheckoutCredentials => row(
                "the checkout left no credential behind",
                "it did (`persist-credentials`); it is never used",
                "",
                "",
            ),
        }
    }

    /// The whole list as the Markdown page `docs/checks.md`.
    pub fn page() -> String {
        let mut page = String::from(
            "<!-- Written by `cargo run --example checks > docs/checks.md`; a test fails when it is stale. -->\n\
             # What is checked\n\n\
             Before anything is written, all of this is looked at, side by side. `fail` stands only for what is certain to be refused, and stops the step;\n\
             what is likely is `warn`, and the server decides; what the token may not ask is `skip`. A check that has nothing to do with the step is not made.\n\
             A name in `ignore-checks` turns its `fail` into a `warn` (not `token-present`, not `file-size`). With nothing to push, tag, set or start only\n\
             `token-present`, `token-valid` and `repository` can fail.\n\n\
             | check | pass | warn | fail | skip |\n| --- | --- | --- | --- | --- |\n",
        );
        for name in Self::ALL {
            let Row { pass, warn, fail, skip } = name.row();
            page.extend(["| `", name.name(), "` | ", pass, " | ", warn, " | ", fail, " | ", skip, " |\n"]);
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::table::CHECKS;

    #[test]
    fn the_page_is_not_stale() {
        let page = include_str!("../../docs/checks.md");
        assert!(page == CheckName::page(), "stale: run `cargo run --example checks > docs/checks.md`");
    }

    #[test]
    fn the_checks_are_those_that_can_be_ignored_by_name() {
        let names: Vec<&str> = CheckName::ALL.iter().map(|name| name.name()).collect();
        assert_eq!(names, CHECKS);
    }
}
