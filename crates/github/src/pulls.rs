//! The calls for pull requests and for commits that GitHub makes and signs.
//!
//! Sources: <https://docs.github.com/en/rest/pulls/pulls>, <https://docs.github.com/en/rest/git/commits>,
//! <https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge>

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    ApiAnswer, Call, GitHub, RestError,
    error::{Effect, RestErrorKind},
    model::{MadeCommit, MergeDone, PullRequest, WorkflowPermissions},
    operations::plain,
};
use crate::names::{Oid, Slug};

/// How many pull requests one page of a list has.
pub const PULLS_PER_PAGE: usize = 100;

/// A pull request that is to be made.
#[derive(Clone, Debug)]
pub struct PullRequestDraft {
    /// The short name of the branch that is proposed, in the same repository.
    pub head: String,
    /// The short name of the branch that it goes into.
    pub base: String,
    /// Its title.
    pub title: String,
    /// Its description, Markdown.
    pub body: String,
}

/// An answer of GraphQL, which refuses with status 200.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct GraphqlAnswer {
    errors: Vec<GraphqlError>,
}

/// One error of GraphQL.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct GraphqlError {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: String,
}

impl GitHub {
    /// `POST /repos/{owner}/{repo}/git/commits` without author, committer and signature: GitHub makes the commit in the name
    /// of the token's bot and signs it. No ref changes, so that the call can be repeated.
    pub async fn create_commit(
        &self,
        repository: &Slug,
        message: &str,
        tree: Oid,
        parents: &[Oid],
    ) -> Result<ApiAnswer<MadeCommit>, RestError> {
        let path = format!("/repos/{repository}/git/commits");
        let parents: Vec<String> = parents.iter().map(Oid::to_string).collect();
        let body = json!({ "message": message, "tree": tree.to_string(), "parents": parents }).to_string();
        self.ask(&Call::write(Method::POST, path, body, &[201], Effect::Repeatable)).await
    }

    /// `GET /repos/{owner}/{repo}/pulls`: the open pull request from the branch `head` of the same repository into `base`. GitHub
    /// allows one at a time.
    pub async fn open_pull_request(
        &self,
        repository: &Slug,
        head: &str,
        base: &str,
    ) -> Result<ApiAnswer<Option<PullRequest>>, RestError> {
        // A head without its owner is ignored, and every pull request would be listed.
        let head = plain(&format!("{}:{head}", repository.owner()));
        let path = format!("/repos/{repository}/pulls?state=open&head={head}&base={}", plain(base));
        let ApiAnswer { value, meta } = self.ask::<Vec<PullRequest>>(&Call::get(path)).await?;
        Ok(ApiAnswer { value: value.into_iter().next(), meta })
    }

    /// `GET /repos/{owner}/{repo}/pulls?state=open`: one page of the numbers of all open pull requests, the oldest first, and
    /// which page is the last one, where the server says it. Pages count from 1.
    pub async fn open_pull_requests(
        &self,
        repository: &Slug,
        page: u32,
    ) -> Result<ApiAnswer<(Vec<u64>, Option<u32>)>, RestError> {
        let path = format!(
            "/repos/{repository}/pulls?state=open&sort=created&direction=asc&per_page={PULLS_PER_PAGE}&page={page}"
        );
        let ApiAnswer { value, meta } = self.ask::<Vec<PullRequest>>(&Call::get(path)).await?;
        let last = meta.last_page();
        Ok(ApiAnswer { value: (value.into_iter().map(|pull| pull.number).collect(), last), meta })
    }

    /// `GET /repos/{owner}/{repo}/pulls/{pull_number}`
    pub async fn pull_request(&self, repository: &Slug, number: u64) -> Result<ApiAnswer<PullRequest>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}/pulls/{number}"))).await
    }

    /// `POST /repos/{owner}/{repo}/pulls`. GitHub refuses a second one of the same branches with status 422, so that the call can
    /// be repeated.
    pub async fn create_pull_request(
        &self,
        repository: &Slug,
        draft: &PullRequestDraft,
    ) -> Result<ApiAnswer<PullRequest>, RestError> {
        let PullRequestDraft { head, base, title, body } = draft;
        let body = json!({ "title": title, "head": head, "base": base, "body": body }).to_string();
        let path = format!("/repos/{repository}/pulls");
        self.ask(&Call::write(Method::POST, path, body, &[201], Effect::Repeatable)).await
    }

    /// `PATCH /repos/{owner}/{repo}/pulls/{pull_number}`: another title and description.
    pub async fn update_pull_request(
        &self,
        repository: &Slug,
        number: u64,
        title: &str,
        body: &str,
    ) -> Result<ApiAnswer<PullRequest>, RestError> {
        let path = format!("/repos/{repository}/pulls/{number}");
        let body = json!({ "title": title, "body": body }).to_string();
        self.ask(&Call::write(Method::PATCH, path, body, &[200], Effect::Repeatable)).await
    }

    /// `PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge`, by `merge`, `squash` or `rebase`, as long as its branch stands at
    /// `head`. Status 405: it cannot be merged now, or is merged already; 409: the branch has moved.
    pub async fn merge_pull_request(
        &self,
        repository: &Slug,
        number: u64,
        head: Oid,
        method: &str,
    ) -> Result<ApiAnswer<MergeDone>, RestError> {
        let path = format!("/repos/{repository}/pulls/{number}/merge");
        let body = json!({ "sha": head.to_string(), "merge_method": method }).to_string();
        self.ask(&Call::write(Method::PUT, path, body, &[200], Effect::Once)).await
    }

    /// GraphQL `enablePullRequestAutoMerge`, which REST lacks: GitHub merges the pull request by `method` once its conditions are
    /// met. The inner error is a refusal in GitHub's words.
    pub async fn enable_auto_merge(&self, node_id: &str, method: &str) -> Result<Result<(), String>, RestError> {
        const MUTATION: &str = "mutation($id: ID!, $method: PullRequestMergeMethod!) { \
            enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: $method}) { pullRequest { number } } }";
        let variables = json!({ "id": node_id, "method": method.to_ascii_uppercase() });
        let body = json!({ "query": MUTATION, "variables": variables }).to_string();
        let call = Call::write(Method::POST, super::GRAPHQL.to_owned(), body, &[200], Effect::Repeatable);
        let ApiAnswer { value, meta } = self.ask::<GraphqlAnswer>(&call).await?;
        let Some(error) = value.errors.into_iter().next() else { return Ok(Ok(())) };
        // A limit is no answer to the question.
        if error.kind.as_deref() == Some("RATE_LIMITED") {
            return Err(self.failed(&call, RestErrorKind::Refused, meta, error.message.as_bytes()));
        }
        Ok(Err(error.message))
    }

    /// `GET /repos/{owner}/{repo}/actions/permissions/workflow`: whether `GITHUB_TOKEN` can make pull requests there. Needs
    /// Administration: read.
    pub async fn workflow_permissions(&self, repository: &Slug) -> Result<ApiAnswer<WorkflowPermissions>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}/actions/permissions/workflow"))).await
    }
}
