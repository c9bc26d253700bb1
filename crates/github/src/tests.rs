//! The calls against real sockets: what is sent, what is read, and what becomes of an answer that is none.

use emulator::loopback::{Act, Seen, Server, answer};
use serde_json::{Value, json};
use url::Url;

use super::{
    model::{Content, Dispatched},
    *,
};
use crate::{
    diagnosis::{Cause, Failure, Retry},
    http::Settings,
    names::{SecretScope, Slug, moment},
};

fn slug() -> Slug {
    "octo/site".parse().unwrap()
}

fn github(server: &Server) -> GitHub {
    github_at(&server.url(), Some("ghp_geheim")).unwrap()
}

fn github_at(url: &Url, token: Option<&str>) -> Result<GitHub, Failure> {
    let http = HttpClient::new(&Settings::to(vec![url.clone()])).unwrap();
    let api: ApiUrl = url.join("/api/v3").unwrap().as_str().parse().unwrap();
    let token = token.map(|token| Secret::new(token.to_owned()));
    Ok(GitHub::new(&http, &api, token.as_ref(), Situation::default())?)
}

fn ok(body: &Value) -> Act {
    status("200 OK", body)
}

fn status(status: &str, body: &Value) -> Act {
    Act::Answer(answer(status, "content-type: application/json\r\n", &body.to_string()))
}

/// `METHOD target`, without the interface's own prefix.
fn line(seen: &Seen) -> String {
    format!("{} {}", seen.method, seen.target.strip_prefix("/api/v3").unwrap_or("outside the interface"))
}

fn dispatch() -> DispatchRequest {
    DispatchRequest { event_type: "deploy".into(), client_payload: json!({"a": {"b": [1, "two"]}}).to_string() }
}

#[tokio::test]
async fn every_read_asks_its_own_address_with_the_same_headers() {
    let server = Server::start(|seen| match seen.target.split('?').next().unwrap() {
        path if path.ends_with("/branches/a%2Fb") && path.contains("/rules/") => ok(&json!([])),
        path if path.ends_with("/rulesets") => ok(&json!([])),
        path if path.ends_with("/public-key") => ok(&json!({"key_id": "1", "key": "AAAA"})),
        _ => ok(&json!({})),
    })
    .await;
    let (github, repository) = (github(&server), slug());
    github.user().await.unwrap();
    github.rate_limit().await.unwrap();
    github.server_meta().await.unwrap();
    github.repository(&repository).await.unwrap();
    github.branch(&repository, "a/b").await.unwrap();
    github.branch_rules(&repository, "a/b").await.unwrap();
    github.rulesets(&repository, "tag").await.unwrap();
    github.ruleset(&repository, 7).await.unwrap();
    github.workflows(&repository).await.unwrap();
    github.workflow(&repository, "deploy it.yml").await.unwrap();
    github.content(&repository, ".github/workflows/ä.yml", Some("refs/tags/v1+2")).await.unwrap();
    let query = RunQuery {
        event: Some("push"),
        actor: Some("github-actions[bot]"),
        branch: Some("a/b"),
        head_sha: Some("abc"),
        created: Some(">=2026-11-21T04:00:00+00:00"),
        workflow: None,
    };
    github.runs(&repository, &query, None).await.unwrap();
    github.runs(&repository, &RunQuery { workflow: Some("ci.yml"), ..RunQuery::default() }, None).await.unwrap();
    github.run(&repository, 9, None).await.unwrap();
    github.jobs(&repository, 9).await.unwrap();
    github.pages_site(&repository).await.unwrap();
    github.latest_pages_build(&repository, None).await.unwrap();
    github.public_key(&repository, &SecretScope::Actions).await.unwrap();
    github.secret(&repository, &SecretScope::Actions, "DEPLOY_TOKEN").await.unwrap();
    github.installation(&repository).await.unwrap();

    let seen = server.seen();
    let lines: Vec<String> = seen.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "GET /user",
            "GET /rate_limit",
            "GET /meta",
            "GET /repos/octo/site",
            "GET /repos/octo/site/branches/a%2Fb",
            "GET /repos/octo/site/rules/branches/a%2Fb?per_page=100&page=1",
            "GET /repos/octo/site/rulesets?includes_parents=true&targets=tag&per_page=100&page=1",
            "GET /repos/octo/site/rulesets/7",
            "GET /repos/octo/site/actions/workflows?per_page=100&page=1",
            "GET /repos/octo/site/actions/workflows/deploy%20it.yml",
            "GET /repos/octo/site/contents/.github/workflows/%C3%A4.yml?ref=refs%2Ftags%2Fv1%2B2",
            "GET /repos/octo/site/actions/runs?per_page=100&exclude_pull_requests=true&event=push\
             &actor=github-actions%5Bbot%5D&branch=a%2Fb&head_sha=abc&created=%3E%3D2026-11-21T04%3A00%3A00%2B00%3A00",
            "GET /repos/octo/site/actions/workflows/ci.yml/runs?per_page=100&exclude_pull_requests=true",
            "GET /repos/octo/site/actions/runs/9?exclude_pull_requests=true",
            "GET /repos/octo/site/actions/runs/9/jobs?filter=latest&per_page=100&page=1",
            "GET /repos/octo/site/pages",
            "GET /repos/octo/site/pages/builds/latest",
            "GET /repos/octo/site/actions/secrets/public-key",
            "GET /repos/octo/site/actions/secrets/DEPLOY_TOKEN",
            "GET /repos/octo/site/installation",
        ]
    );
    for request in seen {
        assert_eq!(request.header("authorization"), Some("Bearer ghp_geheim"));
        assert_eq!(request.header("accept"), Some("application/vnd.github+json"));
        assert_eq!((request.header("content-length"), request.header("transfer-encoding")), (None, None));
        assert_eq!(request.header("user-agent"), Some(crate::http::AGENT));
        let versions = request.headers.iter().filter(|(name, _)| name == "x-github-api-version");
        assert_eq!(versions.map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["2022-11-28"]);
    }
}

#[tokio::test]
async fn every_write_sends_the_body_that_is_documented() {
    let server = Server::start(|seen| match seen.target.rsplit('/').next() {
        Some("access_tokens") => {
            status("201 Created", &json!({"token": "ghs_x", "expires_at": "2026-11-21T05:00:00Z"}))
        }
        _ => Act::Answer("HTTP/1.1 204 No Content\r\n\r\n".into()),
    })
    .await;
    let (github, repository) = (github(&server), slug());
    github.create_dispatch(&repository, &dispatch()).await.unwrap();
    let mut request = WorkflowDispatchRequest {
        reference: "refs/tags/v1".into(),
        inputs: json!({"stage": "live"}).to_string(),
        return_run_details: true,
    };
    assert_eq!(github.create_workflow_dispatch(&repository, "ci.yml", &request).await.unwrap().value, None);
    request.return_run_details = false;
    github.create_workflow_dispatch(&repository, "ci.yml", &request).await.unwrap();
    github.put_secret(&repository, &SecretScope::Actions, "DEPLOY_TOKEN", "42", "c2VhbGVk").await.unwrap();
    let token = github.create_access_token(5, &["site"], &[("contents", "write")]).await.unwrap().value;
    assert_eq!(token.token.expose(), "ghs_x");
    assert_eq!(token.expires_at.map(moment::rfc3339).as_deref(), Some("2026-11-21T05:00:00Z"));
    github.revoke_access_token().await.unwrap();

    let sent: Vec<(String, Value)> = server
        .seen()
        .iter()
        .map(|seen| (line(seen), serde_json::from_slice(&seen.body).unwrap_or(Value::Null)))
        .collect();
    let expected = [
        (
            "POST /repos/octo/site/dispatches",
            json!({"event_type": "deploy", "client_payload": {"a": {"b": [1, "two"]}}}),
        ),
        (
            "POST /repos/octo/site/actions/workflows/ci.yml/dispatches",
            json!({"ref": "refs/tags/v1", "inputs": {"stage": "live"}, "return_run_details": true}),
        ),
        (
            "POST /repos/octo/site/actions/workflows/ci.yml/dispatches",
            json!({"ref": "refs/tags/v1", "inputs": {"stage": "live"}}),
        ),
        ("PUT /repos/octo/site/actions/secrets/DEPLOY_TOKEN", json!({"encrypted_value": "c2VhbGVk", "key_id": "42"})),
        (
            "POST /app/installations/5/access_tokens",
            json!({"repositories": ["site"], "permissions": {"contents": "write"}}),
        ),
        ("DELETE /installation/token", Value::Null),
    ];
    assert_eq!(sent, expected.map(|(line, body)| (line.to_owned(), body)));
}

#[tokio::test]
async fn answers_are_read_although_an_older_server_leaves_fields_out() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/api/v3/repos/octo/site" => ok(&json!({"full_name": "octo/renamed", "permissions": {"push": true}})),
        target if target.contains("/rulesets/7") => {
            ok(&json!({"id": 7, "name": "live", "enforcement": "active", "conditions": null, "rules": [{"type": "new_kind"}]}))
        }
        target if target.contains("/runs/9") => ok(&json!({
            "id": 9, "status": "queued", "conclusion": null, "head_branch": null, "actor": null,
            "created_at": "2026-11-21T04:00:00Z", "name": null
        })),
        target if target.contains("/dispatches") => {
            ok(&json!({"workflow_run_id": 12, "run_url": "u", "html_url": "https://github.test/runs/12"}))
        }
        _ => ok(&json!({"type": "file", "encoding": "base64", "content": "b246IFtw\ndXNoXQ==\n"})),
    })
    .await;
    let (github, repository) = (github(&server), slug());
    let found = github.repository(&repository).await.unwrap().value;
    assert_eq!(found.full_name, "octo/renamed");
    assert!(found.permissions.unwrap().push && !found.archived);
    let ruleset = github.ruleset(&repository, 7).await.unwrap().value;
    assert_eq!((ruleset.rules[0].kind.as_str(), ruleset.current_user_can_bypass), ("new_kind", None));
    let Polled::Changed(run) = github.run(&repository, 9, None).await.unwrap() else {
        panic!("nothing was asked before")
    };
    assert_eq!((run.value.status.as_str(), run.value.conclusion), ("queued", None));
    assert!(run.value.created_at.is_some());
    let request =
        WorkflowDispatchRequest { reference: "main".into(), inputs: json!({}).to_string(), return_run_details: true };
    let dispatched = github.create_workflow_dispatch(&repository, "ci.yml", &request).await.unwrap().value;
    assert_eq!(dispatched, Some(Dispatched { id: 12, html_url: "https://github.test/runs/12".into() }));
    let content = github.content(&repository, "ci.yml", None).await.unwrap().value;
    assert_eq!(content, Content::File(b"on: [push]".to_vec()));
}

#[tokio::test]
async fn a_folder_is_no_file() {
    let server = Server::start(|_| ok(&json!([{"type": "file", "name": "a"}]))).await;
    assert_eq!(github(&server).content(&slug(), "docs", None).await.unwrap().value, Content::Other);
    let server = Server::start(|_| ok(&json!({"type": "submodule"}))).await;
    assert_eq!(github(&server).content(&slug(), "docs", None).await.unwrap().value, Content::Other);
}

#[tokio::test]
async fn a_list_is_read_to_its_end_but_not_for_ever() {
    let server = Server::start(|seen| {
        let many = if seen.target.contains("/workflows") || seen.target.ends_with("page=1") { 100 } else { 3 };
        let entries: Vec<Value> = (0..many).map(|id| json!({"id": id, "type": "creation"})).collect();
        if seen.target.contains("/workflows") { ok(&json!({"workflows": entries})) } else { ok(&json!(entries)) }
    })
    .await;
    let github = github(&server);
    assert_eq!(github.branch_rules(&slug(), "main").await.unwrap().value.len(), 103);
    assert_eq!(server.seen().len(), 2);
    assert_eq!(github.workflows(&slug()).await.unwrap().value.len(), 1000);
    assert_eq!(server.seen().len(), 12);
}

#[tokio::test]
async fn a_poll_with_a_tag_is_conditional() {
    let server = Server::start(|seen| match seen.header("if-none-match") {
        Some("\"t1\"") => Act::Answer("HTTP/1.1 304 Not Modified\r\netag: \"t1\"\r\n\r\n".into()),
        _ => Act::Answer(answer("200 OK", "etag: \"t1\"\r\n", r#"{"workflow_runs": [{"id": 1}]}"#)),
    })
    .await;
    let github = github(&server);
    let query = RunQuery::default();
    let Polled::Changed(first) = github.runs(&slug(), &query, None).await.unwrap() else { panic!("no tag was sent") };
    assert_eq!(first.value.len(), 1);
    let again = github.runs(&slug(), &query, first.meta.etag()).await.unwrap();
    assert!(matches!(again, Polled::Unchanged(meta) if meta.etag() == Some("\"t1\"")));
    let other = github.runs(&slug(), &query, Some("\"t0\"")).await.unwrap();
    assert!(matches!(other, Polled::Changed(_)));
}

#[tokio::test]
async fn a_refusal_keeps_what_the_diagnosis_needs() {
    let server = Server::start(|_| {
        let headers = "X-Accepted-GitHub-Permissions: contents=write\r\nX-GitHub-Request-Id: 1234\r\n";
        Act::Answer(answer(
            "403 Forbidden",
            headers,
            r#"{"message": "Resource not accessible by personal access token"}"#,
        ))
    })
    .await;
    let error = github(&server).create_dispatch(&slug(), &dispatch()).await.unwrap_err();
    assert_eq!(error.status(), Some(403));
    assert_eq!(error.endpoint(), "POST /repos/octo/site/dispatches");
    assert_eq!(error.meta().accepted_permissions(), Some("contents=write"));
    assert_eq!(error.meta().request_id(), Some("1234"));
    assert!(error.says("not accessible") && error.is_not_permitted());
    assert_eq!(Failure::from(error).retry, Retry::Never);
}

#[tokio::test]
async fn after_a_lost_or_broken_answer_only_what_is_safe_may_be_sent_again() {
    let acts: [(fn() -> Act, bool); 4] = [
        (|| Act::Answer(answer("502 Bad Gateway", "", "<html>oops</html>")), true),
        (|| Act::Reset, true),
        (|| Act::Answer(answer("200 OK", "content-type: text/html\r\n", " <!DOCTYPE html><p>Maintenance")), false),
        (|| Act::Answer(answer("200 OK", "", r#"{"id": 1"#)), false),
    ];
    for (act, for_writes) in acts {
        let server = Server::start(move |_| act()).await;
        let github = github(&server);
        let read = Failure::from(github.repository(&slug()).await.unwrap_err());
        assert_eq!(read.retry, Retry::Backoff, "{read}");
        assert!(matches!(read.cause, Cause::ServerError | Cause::ConnectionFailed), "{read}");
        assert_eq!(server.seen().len(), 1, "nothing is retried here");
        if for_writes {
            let write = Failure::from(github.create_dispatch(&slug(), &dispatch()).await.unwrap_err());
            assert_eq!(write.retry, Retry::Unclear(None), "{write}");
            let secret =
                Failure::from(github.put_secret(&slug(), &SecretScope::Actions, "A", "1", "x").await.unwrap_err());
            assert_eq!(secret.retry, Retry::Backoff, "{secret}");
            assert_eq!(server.seen().len(), 3, "nothing is retried here");
        }
    }
}

#[tokio::test]
async fn what_was_never_sent_may_be_sent_again() {
    let github = github_at(&"http://127.0.0.1:1".parse().unwrap(), Some("ghp_geheim")).unwrap();
    let failure = Failure::from(github.create_dispatch(&slug(), &dispatch()).await.unwrap_err());
    assert_eq!((failure.cause, failure.retry), (Cause::ConnectionFailed, Retry::Backoff));
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let server = Server::start(|_| {
        let piece = format!("100000\r\n{}\r\n", "x".repeat(1 << 20));
        let mut pieces = vec!["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()];
        pieces.extend(std::iter::repeat_n(piece, 10));
        Act::Slowly(pieces, std::time::Duration::ZERO)
    })
    .await;
    let error = github(&server).repository(&slug()).await.unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test]
async fn a_renamed_repository_is_written_to_through_its_redirect() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/api/v3/repos/octo/site/dispatches" => {
            Act::Answer(answer("307 Temporary Redirect", "location: /api/v3/repositories/1/dispatches\r\n", ""))
        }
        _ => Act::Answer("HTTP/1.1 204 No Content\r\n\r\n".into()),
    })
    .await;
    github(&server).create_dispatch(&slug(), &dispatch()).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        seen.iter().map(line).collect::<Vec<_>>(),
        ["POST /repos/octo/site/dispatches", "POST /repositories/1/dispatches"]
    );
    assert_eq!(seen[0].body, seen[1].body);
    assert_eq!(seen[1].header("authorization"), Some("Bearer ghp_geheim"));
}

#[tokio::test]
async fn a_token_is_neither_printed_nor_broken_into_lines() {
    let server = Server::start(|_| ok(&json!({}))).await;
    let shown = format!("{:?} {:?}", github(&server), github(&server).user().await.unwrap());
    assert!(!shown.contains("geheim"));
    let failure = github_at(&server.url(), Some("ghp_geheim\r\nx-evil: 1")).unwrap_err();
    assert_eq!(failure.cause, Cause::BadCredentials);
    assert!(!failure.to_string().contains("geheim"));
    github_at(&server.url(), None).unwrap().server_meta().await.unwrap();
    assert_eq!(server.seen().pop().unwrap().header("authorization"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_agree_with_github_own_description() {
    use emulator::{
        Emulator, conformance,
        model::{Model, Repository, Role, Token},
    };
    let token = Token::classic("robin", &["repo", "workflow"]);
    let yaml = "on:\n  repository_dispatch:\n  workflow_dispatch:\njobs: {}\n";
    let site = Repository::new("octo/site").collaborator("robin", Role::Admin).workflow("ci.yml", yaml);
    let model = Model::new().repository(site).token(&token);
    let emulator = tokio::task::block_in_place(|| Emulator::start(model)).unwrap();
    let url: Url = emulator.url().parse().unwrap();
    let (github, repository) = (github_at(&url, Some(token.value())).unwrap(), slug());

    assert_eq!(github.user().await.unwrap().value.login, "robin");
    let limits = github.rate_limit().await.unwrap();
    assert_eq!(limits.meta.scopes().unwrap(), ["repo", "workflow"]);
    assert!(limits.value.resources["core"].limit > 0 && limits.meta.date().is_some());
    assert_eq!(github.repository(&repository).await.unwrap().value.default_branch, "main");
    assert_eq!(github.branch(&repository, "main").await.unwrap().value.commit.sha.len(), 40);
    assert!(github.branch_rules(&repository, "main").await.unwrap().value.is_empty());
    assert!(github.rulesets(&repository, "tag").await.unwrap().value.is_empty());
    let workflows = github.workflows(&repository).await.unwrap().value;
    assert!(workflows.iter().any(|workflow| workflow.path == ".github/workflows/ci.yml"));
    assert_eq!(github.workflow(&repository, "ci.yml").await.unwrap().value.state, "active");
    let content = github.content(&repository, ".github/workflows/ci.yml", Some("main")).await.unwrap().value;
    assert_eq!(content, Content::File(yaml.into()));
    assert!(github.workflow(&repository, "other.yml").await.unwrap_err().is(404));
    github.create_dispatch(&repository, &dispatch()).await.unwrap();
    let request = WorkflowDispatchRequest {
        reference: "refs/heads/main".into(),
        inputs: json!({}).to_string(),
        return_run_details: true,
    };
    let run = github.create_workflow_dispatch(&repository, "ci.yml", &request).await.unwrap().value.unwrap();
    let query = RunQuery { event: Some("workflow_dispatch"), created: Some(">=2020-01-01"), ..RunQuery::default() };
    let Polled::Changed(list) = github.runs(&repository, &query, None).await.unwrap() else {
        panic!("no tag was sent")
    };
    github.runs(&repository, &query, list.meta.etag()).await.unwrap();
    if let Polled::Changed(found) = github.run(&repository, run.id, None).await.unwrap() {
        assert_eq!((found.value.id, found.value.event.as_str()), (run.id, "workflow_dispatch"));
    }
    github.jobs(&repository, run.id).await.unwrap();
    let violations = conformance::check(&emulator.log());
    assert!(violations.is_empty(), "{violations:#?}");
}
