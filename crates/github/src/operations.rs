//! The calls, in the order of GitHub's documentation: <https://docs.github.com/en/rest>. Each names its address there.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{
    ApiAnswer, Call, GitHub, Meta, RestError,
    error::{Effect, RestErrorKind},
    model::{
        Account, ActionsPermissions, Branch, Content, Dispatched, FolderEntry, GitCommit, Job, Jobs, NamedCommit,
        Pages, PagesBuild, RateLimits, RawContent, Release, Repository, Rule, Ruleset, Run, Runs, ServerMeta, Workflow,
        Workflows,
    },
};
use crate::names::Slug;

/// How many pages of a hundred entries are read of a list.
const PAGES: u32 = 10;
const PER_PAGE: usize = 100;

/// What stays as it is in a part of a path or a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn plain(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A `repository_dispatch`.
#[derive(Clone, Debug)]
pub struct DispatchRequest {
    /// Its name, up to 100 characters.
    pub event_type: String,
    /// What goes with it: the text of a JSON object of up to 10 top-level keys. It is sent as it is.
    pub client_payload: String,
}

/// A `workflow_dispatch`.
#[derive(Clone, Debug)]
pub struct WorkflowDispatchRequest {
    /// Branch or tag; full names are understood too.
    pub reference: String,
    /// The inputs of the workflow: the text of a JSON object. It is sent as it is.
    pub inputs: String,
    /// Whether the answer shall name the run. An older GitHub Enterprise Server refuses the key itself, with a
    /// status of 422 and without having started anything: `false` leaves it out.
    pub return_run_details: bool,
}

/// Which runs are listed. What is `None` does not narrow the list.
#[derive(Clone, Debug, Default)]
pub struct RunQuery<'a> {
    /// The workflow's file name or number.
    pub workflow: Option<&'a str>,
    /// The event.
    pub event: Option<&'a str>,
    /// Who caused it.
    pub actor: Option<&'a str>,
    /// The branch (or tag) of the commit.
    pub branch: Option<&'a str>,
    /// The commit.
    pub head_sha: Option<&'a str>,
    /// When it was made, in search syntax: `>=2026-11-21T04:00:00Z`.
    pub created: Option<&'a str>,
}

impl RunQuery<'_> {
    fn path(&self, repository: &Slug) -> String {
        let mut path = match self.workflow {
            Some(workflow) => format!("/repos/{repository}/actions/workflows/{}/runs", plain(workflow)),
            None => format!("/repos/{repository}/actions/runs"),
        };
        // The pull requests of each run are never read, and make the answer several times as long.
        path.push_str("?per_page=100&exclude_pull_requests=true");
        let filters = [
            ("event", self.event),
            ("actor", self.actor),
            ("branch", self.branch),
            ("head_sha", self.head_sha),
            ("created", self.created),
        ];
        for (name, value) in filters {
            if let Some(value) = value {
                path.extend(["&", name, "=", &plain(value)]);
            }
        }
        path
    }
}

/// The answer to a conditional request.
#[derive(Clone, Debug)]
pub enum Polled<T> {
    /// Nothing changed since the answer that the tag is from; such a request is not counted against the rate limit.
    Unchanged(Meta),
    /// Something did, or no tag was given.
    Changed(ApiAnswer<T>),
}

impl GitHub {
    /// `GET /user`: whose token it is. Not for installation tokens, which get 403.
    pub async fn user(&self) -> Result<ApiAnswer<Account>, RestError> {
        self.ask(&Call::get("/user".to_owned())).await
    }

    /// `GET /rate_limit`: not counted itself, and so the cheapest test of a token.
    pub async fn rate_limit(&self) -> Result<ApiAnswer<RateLimits>, RestError> {
        self.ask(&Call::get("/rate_limit".to_owned())).await
    }

    /// `GET /meta`: the server's host keys or version.
    pub async fn server_meta(&self) -> Result<ApiAnswer<ServerMeta>, RestError> {
        self.ask(&Call::get("/meta".to_owned())).await
    }

    /// `GET /repos/{owner}/{repo}`
    pub async fn repository(&self, repository: &Slug) -> Result<ApiAnswer<Repository>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}"))).await
    }

    /// `GET /repos/{owner}/{repo}/branches/{branch}`
    pub async fn branch(&self, repository: &Slug, branch: &str) -> Result<ApiAnswer<Branch>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}/branches/{}", plain(branch)))).await
    }

    /// `GET /repos/{owner}/{repo}/rules/branches/{branch}`: all active rules, those of the organization included. The branch
    /// need not exist.
    pub async fn branch_rules(&self, repository: &Slug, branch: &str) -> Result<ApiAnswer<Vec<Rule>>, RestError> {
        let path = format!("/repos/{repository}/rules/branches/{}?", plain(branch));
        self.pages(&path, |rules: Vec<Rule>| rules).await
    }

    /// `GET /repos/{owner}/{repo}/rulesets`: those of one target (`branch`, `tag`), parents included, without their rules.
    pub async fn rulesets(&self, repository: &Slug, target: &str) -> Result<ApiAnswer<Vec<Ruleset>>, RestError> {
        let path = format!("/repos/{repository}/rulesets?includes_parents=true&targets={}&", plain(target));
        self.pages(&path, |rulesets: Vec<Ruleset>| rulesets).await
    }

    /// `GET /repos/{owner}/{repo}/rulesets/{ruleset_id}`: with its rules, and whether this user can bypass it.
    pub async fn ruleset(&self, repository: &Slug, id: u64) -> Result<ApiAnswer<Ruleset>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}/rulesets/{id}"))).await
    }

    /// `GET /repos/{owner}/{repo}/actions/workflows`
    pub async fn workflows(&self, repository: &Slug) -> Result<ApiAnswer<Vec<Workflow>>, RestError> {
        let path = format!("/repos/{repository}/actions/workflows?");
        self.pages(&path, |page: Workflows| page.workflows).await
    }

    /// `GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}`: by file name or number.
    pub async fn workflow(&self, repository: &Slug, workflow: &str) -> Result<ApiAnswer<Workflow>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}/actions/workflows/{}", plain(workflow)))).await
    }

    /// `GET /repos/{owner}/{repo}/contents/{path}`: a file at a branch, tag or commit (the default branch without one).
    pub async fn content(
        &self,
        repository: &Slug,
        path: &str,
        reference: Option<&str>,
    ) -> Result<ApiAnswer<Content>, RestError> {
        let file = path.split('/').map(plain).collect::<Vec<_>>().join("/");
        let query = reference.map_or_else(String::new, |reference| format!("?ref={}", plain(reference)));
        let call = Call::get(format!("/repos/{repository}/contents/{file}{query}"));
        let ApiAnswer { value, meta } = self.ask::<RawContent>(&call).await?;
        let value = match value {
            RawContent::Entry { kind, encoding, content } if kind == "file" && encoding == "base64" => {
                let packed: Vec<u8> = content.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
                match STANDARD.decode(packed) {
                    Ok(bytes) => Content::File(bytes),
                    Err(error) => {
                        return Err(self.failed(&call, RestErrorKind::Unreadable(error.to_string()), meta, &[]));
                    }
                }
            }
            _ => Content::Other,
        };
        Ok(ApiAnswer { value, meta })
    }

    /// `GET /repos/{owner}/{repo}/contents/{path}` of a folder: what stands in it, at a branch, tag or commit (the default
    /// branch without one).
    pub async fn folder(
        &self,
        repository: &Slug,
        path: &str,
        reference: Option<&str>,
    ) -> Result<ApiAnswer<Vec<FolderEntry>>, RestError> {
        let folder = path.split('/').map(plain).collect::<Vec<_>>().join("/");
        let query = reference.map_or_else(String::new, |reference| format!("?ref={}", plain(reference)));
        self.ask(&Call::get(format!("/repos/{repository}/contents/{folder}{query}"))).await
    }

    /// `GET /repos/{owner}/{repo}/commits/{ref}`: the commit that a name or a shortened id stands for.
    pub async fn commit_named(&self, repository: &Slug, name: &str) -> Result<ApiAnswer<NamedCommit>, RestError> {
        // The answer lists the files of the commit, which nobody wants.
        self.ask(&Call::get(format!("/repos/{repository}/commits/{}?per_page=1", plain(name)))).await
    }

    /// `GET /repos/{owner}/{repo}/releases/tags/{tag}`: 404 where there is none.
    pub async fn release_by_tag(&self, repository: &Slug, tag: &str) -> Result<ApiAnswer<Release>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}/releases/tags/{}", plain(tag)))).await
    }

    /// `GET /repos/{owner}/{repo}/git/commits/{commit_sha}`
    pub async fn git_commit(&self, repository: &Slug, commit: &str) -> Result<ApiAnswer<GitCommit>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}/git/commits/{commit}"))).await
    }

    /// `GET /repos/{owner}/{repo}/actions/permissions`: needs Administration: read.
    pub async fn actions_permissions(&self, repository: &Slug) -> Result<ApiAnswer<ActionsPermissions>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}/actions/permissions"))).await
    }

    /// `POST /repos/{owner}/{repo}/dispatches`: starts what listens on the default branch. The answer is 204 also when
    /// nothing does.
    pub async fn create_dispatch(&self, repository: &Slug, request: &DispatchRequest) -> Result<Meta, RestError> {
        let path = format!("/repos/{repository}/dispatches");
        let (event_type, payload) = (Value::from(request.event_type.as_str()), &request.client_payload);
        // Put together as text: a JSON value would round large numbers of the user's payload.
        let body = format!(r#"{{"event_type":{event_type},"client_payload":{payload}}}"#);
        let call = Call::write(Method::POST, path, body, &[204], Effect::Once);
        let (meta, _) = self.call(&call).await?;
        Ok(meta)
    }

    /// `POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches`: the run that was started, where the server
    /// tells it (status 200; 204 tells nothing).
    pub async fn create_workflow_dispatch(
        &self,
        repository: &Slug,
        workflow: &str,
        request: &WorkflowDispatchRequest,
    ) -> Result<ApiAnswer<Option<Dispatched>>, RestError> {
        let path = format!("/repos/{repository}/actions/workflows/{}/dispatches", plain(workflow));
        let (reference, inputs) = (Value::from(request.reference.as_str()), &request.inputs);
        let details = if request.return_run_details { r#","return_run_details":true"# } else { "" };
        let body = format!(r#"{{"ref":{reference},"inputs":{inputs}{details}}}"#);
        let call = Call::write(Method::POST, path, body, &[200, 204], Effect::Once);
        let (meta, body) = match self.call(&call).await {
            // The head says that it is done, though the rest got lost.
            Err(error) if call.expected.iter().any(|status| error.status() == Some(*status)) => {
                (error.meta().clone(), Bytes::new())
            }
            // A web page with a good status comes from something before the server: a gate that wants a log-in.
            Ok((meta, body)) if body.trim_ascii_start().starts_with(b"<") => {
                let what = "it is a web page, not JSON".to_owned();
                return Err(self.failed(&call, RestErrorKind::Unreadable(what), meta, &body));
            }
            answered => answered?,
        };
        // The run was started whatever the body is: one that cannot be read is found in the list.
        Ok(ApiAnswer { value: serde_json::from_slice(&body).ok(), meta })
    }

    /// `GET /repos/{owner}/{repo}/actions/runs`, or those of one workflow: the newest hundred. With the tag of an
    /// earlier answer to the same query it is conditional.
    pub async fn runs(
        &self,
        repository: &Slug,
        query: &RunQuery<'_>,
        etag: Option<&str>,
    ) -> Result<Polled<Vec<Run>>, RestError> {
        self.poll(Call::get(query.path(repository)), etag, |page: Runs| page.workflow_runs).await
    }

    /// `GET /repos/{owner}/{repo}/actions/runs/{run_id}`, conditional with a tag.
    pub async fn run(&self, repository: &Slug, id: u64, etag: Option<&str>) -> Result<Polled<Run>, RestError> {
        let path = format!("/repos/{repository}/actions/runs/{id}?exclude_pull_requests=true");
        self.poll(Call::get(path), etag, |run| run).await
    }

    /// `GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs`: those of the latest try.
    pub async fn jobs(&self, repository: &Slug, run: u64) -> Result<ApiAnswer<Vec<Job>>, RestError> {
        let path = format!("/repos/{repository}/actions/runs/{run}/jobs?filter=latest&");
        self.pages(&path, |page: Jobs| page.jobs).await
    }

    /// `GET /repos/{owner}/{repo}/pages`: 404 means no site, or no right to ask.
    pub async fn pages_site(&self, repository: &Slug) -> Result<ApiAnswer<Pages>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}/pages"))).await
    }

    /// `GET /repos/{owner}/{repo}/pages/builds/latest`, conditional with a tag.
    pub async fn latest_pages_build(
        &self,
        repository: &Slug,
        etag: Option<&str>,
    ) -> Result<Polled<PagesBuild>, RestError> {
        self.poll(Call::get(format!("/repos/{repository}/pages/builds/latest")), etag, |build| build).await
    }

    /// Reads a list to its end, or to the bound. `path` ends in `?` or `&`; the head is that of the last page.
    async fn pages<P, T>(&self, path: &str, entries: impl Fn(P) -> Vec<T>) -> Result<ApiAnswer<Vec<T>>, RestError>
    where
        P: serde::de::DeserializeOwned,
    {
        let mut page = 1;
        let mut all = Vec::new();
        loop {
            let ApiAnswer { value, meta } =
                self.ask(&Call::get(format!("{path}per_page={PER_PAGE}&page={page}"))).await?;
            let found = entries(value);
            // A page that is not full is the last one, also on servers without a `Link` header.
            let full = found.len() >= PER_PAGE;
            all.extend(found);
            if !full || page >= PAGES {
                return Ok(ApiAnswer { value: all, meta });
            }
            page += 1;
        }
    }

    async fn poll<P, T>(
        &self,
        call: Call<'_>,
        etag: Option<&str>,
        read: impl Fn(P) -> T,
    ) -> Result<Polled<T>, RestError>
    where
        P: serde::de::DeserializeOwned,
    {
        let call = call.unless(etag);
        let (meta, body) = self.call(&call).await?;
        if meta.status == 304 {
            return Ok(Polled::Unchanged(meta));
        }
        let ApiAnswer { value, meta } = self.read(&call, meta, &body)?;
        Ok(Polled::Changed(ApiAnswer { value: read(value), meta }))
    }
}
