//! Asks about the pull request that would bring the change: is one open, and can this credential make one?

use super::{
    super::facts::{Asked, ProposedFacts, Refusal},
    RestAnswer, if_possible,
};
use crate::{
    connection::Connection,
    credential::TokenKind,
    diagnosis::Failure,
    git::advertisement::Advertisement,
    github::{PullRequestDraft, RestError, model::PullRequest},
    plan::{Plan, ProposedBranch},
    publish::proposal::Base,
};

/// The pull request of the plan's branches that is open.
pub(super) async fn open(plan: &Plan, connection: &Connection) -> RestAnswer<Option<PullRequest>> {
    let Some(ProposedBranch { head, base, .. }) = plan.proposed().filter(|_| plan.token().is_some()) else {
        return RestAnswer::none();
    };
    let ask = || connection.github.open_pull_request(&plan.target.slug, head.short(), base.short());
    if_possible(connection, "question for the open pull request", ask).await
}

/// What git tells of the proposed branch. The open pull request and the right to make one are filled in later.
pub(super) async fn branch(
    plan: &Plan,
    connection: &Connection,
    refs: Option<&Advertisement>,
) -> Option<Result<ProposedFacts, Failure>> {
    let (branch, refs) = (plan.proposed()?, refs?);
    let tip = refs.tip(&branch.head);
    let commit = match tip.filter(|_| plan.directory().is_some()) {
        Some(tip) => {
            let read = async { Base::absent()?.commit(tip, &connection.remote, &connection.retries).await };
            match read.await {
                Ok(commit) => Some(commit),
                Err(failure) => return Some(Err(failure)),
            }
        }
        None => None,
    };
    Some(Ok(ProposedFacts { branch, tip, commit, open: Asked::No, right: Asked::No }))
}

/// Whether this credential can make pull requests. Neither an answer of GitHub nor a setting that `GITHUB_TOKEN` can read tells
/// it; a request for one of a branch into itself does. It cannot make one ("No commits between main and main", status 422),
/// and GitHub refuses it earlier where the right or the setting is missing (403, or 404 for a classic token).
///
/// Source: <https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request>
pub(super) async fn right(plan: &Plan, connection: &Connection, proposed: &ProposedFacts) -> Asked<()> {
    let kind = plan.token().map(|token| token.kind);
    // The scopes of a classic token tell.
    let told = matches!(kind, None | Some(TokenKind::Classic | TokenKind::Oauth));
    if told || proposed.open.answer().is_some_and(Option::is_some) {
        return Asked::No;
    }
    let base = proposed.branch.base.short();
    let draft = PullRequestDraft {
        head: base.to_owned(),
        base: base.to_owned(),
        title: "repo-relay: can a pull request be made?".to_owned(),
        body: String::new(),
    };
    let slug = &plan.target.slug;
    let ask = || async {
        match connection.github.create_pull_request(slug, &draft).await {
            Ok(_) => Ok(Asked::No),
            Err(error) if error.is(422) => Ok(Asked::Answer(())),
            Err(error) if error.is(403) || error.is(404) => Ok(refused(error)),
            Err(error) => Err(Failure::from(error)),
        }
    };
    connection
        .retries
        .run("question for the right to make pull requests", ask)
        .await
        .unwrap_or_else(|failure| Asked::Refused(Refusal { status: None, failure }))
}

fn refused(error: RestError) -> Asked<()> {
    Asked::Refused(Refusal { status: error.status(), failure: error.into() })
}
