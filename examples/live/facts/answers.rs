//! What answers bear, for each kind of token, and what each kind may ask.

use repo_relay::names::moment::token_expiry;

use super::super::{
    credentials::{Credential, Kind},
    scene::Scene,
};
use super::{Fact, Look, seen};

pub(crate) const FACTS: &[Fact] = &[
    Fact {
        id: "scopes-header",
        says: "Answers to a classic token name its scopes in X-OAuth-Scopes.",
        code: "crates/github/src/meta.rs, src/preflight/token.rs: the check `token-scope` reads the scopes there",
        kinds: &[Kind::Classic],
        expected: "there",
        look: |scene, asker| presence(scene, asker, "x-oauth-scopes"),
    },
    Fact {
        id: "no-scopes-header",
        says: "Answers to every other kind of token have no X-OAuth-Scopes.",
        code: "src/preflight/token.rs: without the header no scope is judged",
        kinds: &[Kind::FineGrained, Kind::App],
        expected: "absent",
        look: |scene, asker| presence(scene, asker, "x-oauth-scopes"),
    },
    Fact {
        id: "needed-permissions-header",
        says: "X-Accepted-GitHub-Permissions names what an endpoint needs.",
        code: "crates/diagnosis/src/job_permissions.rs, crates/diagnosis/src/token_page.rs: the missing permission is named from it",
        kinds: &[Kind::FineGrained, Kind::App],
        expected: "there",
        look: |scene, asker| presence(scene, asker, "x-accepted-github-permissions"),
    },
    Fact {
        id: "no-needed-permissions-header",
        says: "Answers to a classic token lack X-Accepted-GitHub-Permissions.",
        code: "crates/diagnosis/src/remedy.rs: nothing depends on its absence; a classic token's remedy names scopes",
        kinds: &[Kind::Classic],
        expected: "absent",
        look: |scene, asker| presence(scene, asker, "x-accepted-github-permissions"),
    },
    Fact {
        id: "expiry-header",
        says: "GitHub-Authentication-Token-Expiration is absent (no expiry) or a date that can be read.",
        code: "crates/names/src/names/moment.rs: `token_expiry` reads both forms of the date",
        kinds: &[Kind::Classic, Kind::FineGrained],
        expected: "absent or read",
        look: |scene, asker| {
            let answer = scene.server.read(asker.bearer(), &format!("/repos/{}", scene.target))?;
            match answer.header("github-authentication-token-expiration") {
                Some(text) if token_expiry(text).is_none() => seen(format!("not read: {text}")),
                _ => seen("absent or read"),
            }
        },
    },
    Fact {
        id: "no-expiry-header",
        says: "Answers to an installation token, a workflow's own among them, name no expiry.",
        code: "src/preflight/token.rs: `token-expires-at` of an App comes from minting alone",
        kinds: &[Kind::App, Kind::GithubToken],
        expected: "absent",
        look: |scene, asker| {
            let answer = scene.server.read(asker.bearer(), "/rate_limit")?;
            seen(word(answer.header("github-authentication-token-expiration").is_some()))
        },
    },
    Fact {
        id: "installation-token-form",
        says: "An installation token begins with `ghs_`.",
        code: "crates/names/src/credential.rs: `TokenKind::of` goes by the prefix and by nothing else",
        kinds: &[Kind::App],
        expected: "ghs_",
        look: |_, asker| seen(asker.token.expose().chars().take(4).collect::<String>()),
    },
    Fact {
        id: "rate-limit-free",
        says: "GET /rate_limit answers every kind of token, with the core budget under `resources`.",
        code: "src/preflight/ask.rs, crates/github/src/meta.rs: the cheapest question whether a token lives",
        kinds: &[Kind::Classic, Kind::FineGrained, Kind::App, Kind::GithubToken],
        expected: "200 with resources.core",
        look: |scene, asker| {
            let answer = scene.server.read(asker.bearer(), "/rate_limit")?;
            let core = if answer.json["resources"]["core"]["limit"].is_u64() { "with" } else { "without" };
            seen(format!("{} {core} resources.core", answer.status))
        },
    },
    Fact {
        id: "user-of-an-app",
        says: "GET /user is refused to an installation token.",
        code: "crates/names/src/credential.rs: `TokenKind::has_user`; the account is asked for where there is one",
        kinds: &[Kind::App, Kind::GithubToken],
        expected: "403 Resource not accessible by integration",
        look: |scene, asker| seen(scene.server.read(asker.bearer(), "/user")?.words()),
    },
    Fact {
        id: "user-of-a-token",
        says: "GET /user names the account of a personal access token.",
        code: "src/preflight/ask.rs: the account's login and id come from there",
        kinds: &[Kind::Classic, Kind::FineGrained],
        expected: "login and id",
        look: |scene, asker| {
            let answer = scene.server.read(asker.bearer(), "/user")?;
            let named = answer.json["login"].is_string() && answer.json["id"].is_u64();
            seen(if named { "login and id".to_owned() } else { answer.words() })
        },
    },
    Fact {
        id: "installation-repositories",
        says: "GET /installation/repositories answers an App's token.",
        code: "crates/github/src/operations.rs: not relied on; would tell an App's token from a workflow's own",
        kinds: &[Kind::App],
        expected: "200",
        look: |scene, asker| seen(scene.server.read(asker.bearer(), "/installation/repositories")?.status.to_string()),
    },
    Fact {
        id: "installation-repositories-of-a-workflow",
        says: "GET /installation/repositories is refused to a workflow's own token.",
        code: "crates/names/src/credential.rs: not relied on; a workflow's own token is known by its value",
        kinds: &[Kind::GithubToken],
        expected: "403",
        look: |scene, asker| seen(scene.server.read(asker.bearer(), "/installation/repositories")?.status.to_string()),
    },
    Fact {
        id: "role-of-an-app",
        says: "`permissions.push` of a repository is false for an installation token that may push.",
        code: "src/preflight/target.rs: the field is passed over for tokens without a user",
        kinds: &[Kind::App],
        expected: "push false",
        look: role,
    },
    Fact {
        id: "role-of-a-user",
        says: "`permissions.push` of a repository is the user's role.",
        code: "src/preflight/target.rs: false is a sure no, true proves nothing",
        kinds: &[Kind::Classic, Kind::FineGrained, Kind::FineGrainedRead],
        expected: "push true",
        look: role,
    },
    Fact {
        id: "version-served",
        says: "A request for version 2022-11-28 of the interface is answered with it.",
        code: "crates/github/src/lib.rs: the version that every request names",
        kinds: &[],
        expected: "200 2022-11-28",
        look: |scene, asker| {
            let answer = scene.server.read_version(asker.bearer(), "/rate_limit", "2022-11-28")?;
            let version = answer.header("x-github-api-version-selected").unwrap_or("without a version");
            seen(format!("{} {version}", answer.status))
        },
    },
    Fact {
        id: "version-unknown",
        says: "A version of the interface that is not there is answered 400.",
        code: "crates/diagnosis/src/classify/answers.rs: 400 is never tried again",
        kinds: &[],
        expected: "400",
        look: |scene, asker| {
            let answer = scene.server.read_version(asker.bearer(), "/rate_limit", "2020-01-01")?;
            seen(answer.status.to_string())
        },
    },
    Fact {
        id: "request-id",
        says: "Answers bear X-GitHub-Request-Id, those to git among them.",
        code: "crates/http/src/http.rs: the id stands in the trace; crates/github/src/meta.rs: and in a failure's words",
        kinds: &[],
        expected: "REST there, git there",
        look: |scene, asker| {
            let rest = scene.server.read(asker.bearer(), "/rate_limit")?;
            let git = scene.server.receive_pack(asker.git(), scene.target)?;
            let [rest, git] = [rest, git].map(|answer| word(answer.header("x-github-request-id").is_some()));
            seen(format!("REST {rest}, git {git}"))
        },
    },
];

fn word(is_there: bool) -> &'static str {
    if is_there { "there" } else { "absent" }
}

fn presence(scene: &Scene<'_>, asker: &Credential, header: &str) -> Look {
    let answer = scene.server.read(asker.bearer(), &format!("/repos/{}", scene.target))?;
    let answer = answer.success("The target cannot be read")?;
    seen(word(answer.header(header).is_some()))
}

fn role(scene: &Scene<'_>, asker: &Credential) -> Look {
    let answer = scene.server.read(asker.bearer(), &format!("/repos/{}", scene.target))?;
    seen(format!("push {}", answer.json["permissions"]["push"]))
}
