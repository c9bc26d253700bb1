//! Apps and their tokens, secrets, Pages, references over REST.

use std::process::Command;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::Utc;
use crypto_box::{PublicKey, aead::OsRng};
use emulator::{
    Emulator,
    conformance::check,
    model::{
        App, Decoy,
        Level::{Read, Write},
        Model, Repository, Role, Ruleset, Target, Token,
    },
};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Value, json};

use crate::support::{Reply, address, call, clone_with_commit, get, ok, post, start};

/// A fresh RSA key: the private half for `ring`, the public half as PEM.
fn key_pair() -> (RsaKeyPair, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let keygen = |arguments: &[&str]| {
        let output = Command::new("ssh-keygen").args(arguments).arg("-f").arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    keygen(&["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""]);
    let pem = std::fs::read_to_string(&path).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let private = RsaKeyPair::from_der(&STANDARD.decode(body).unwrap()).unwrap();
    (private, keygen(&["-e", "-m", "PKCS8"]))
}

fn jwt(key: &RsaKeyPair, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn as_app(emulator: &Emulator, method: &str, path: &str, jwt: &str, body: Option<&Value>) -> Reply {
    let header = format!("Bearer {jwt}");
    call(emulator, method, &format!("/api/v3{path}"), None, &[("authorization", &header)], body).unwrap()
}

#[test]
fn an_app_mints_a_token_for_its_repositories_and_revokes_it() {
    let (private, public) = key_pair();
    let app =
        App::new("relay-bot", &public).installed("acme", &["acme/site"], &[("contents", Write), ("actions", Read)]);
    let (issuer, installation) = (app.id.to_string(), app.installations[0].id);
    let model = Model::new().repository(Repository::new("acme/site").private().file("a", "b"));
    let emulator = start(model.repository(Repository::new("acme/other")).app(app));
    let now = Utc::now().timestamp();
    let good = jwt(&private, &json!({"iss": issuer, "iat": now - 60, "exp": now + 540}));
    let mint = format!("/app/installations/{installation}/access_tokens");
    let refused = [
        (jwt(&private, &json!({"iss": "1", "iat": now, "exp": now + 60})), "could not be decoded"),
        (jwt(&key_pair().0, &json!({"iss": issuer, "iat": now, "exp": now + 60})), "could not be decoded"),
        (
            jwt(&private, &json!({"iss": issuer, "iat": now - 900, "exp": now - 300})),
            "'Expiration time' claim ('exp') must",
        ),
        (jwt(&private, &json!({"iss": issuer, "iat": now, "exp": now + 3600})), "too far in the future"),
        (jwt(&private, &json!({"iss": issuer, "iat": now + 60, "exp": now + 120})), "'Issued at' claim ('iat')"),
    ];
    for (jwt, words) in refused {
        let reply = as_app(&emulator, "POST", &mint, &jwt, None);
        assert!(reply.status == 401 && reply.text.contains(words), "{words}: {}", reply.text);
    }
    assert_eq!(as_app(&emulator, "GET", "/app", &good, None).json()["slug"], "relay-bot");
    let found = as_app(&emulator, "GET", "/repos/acme/site/installation", &good, None).json();
    assert_eq!(found["id"], installation);
    assert_eq!(as_app(&emulator, "GET", "/repos/acme/other/installation", &good, None).status, 404);
    assert_eq!(as_app(&emulator, "GET", "/app/installations", &good, None).json()[0]["app_id"].to_string(), issuer);
    let send = |body: Value| as_app(&emulator, "POST", &mint, &good, Some(&body));
    assert_eq!(send(json!({"repositories": ["other"]})).status, 422);
    assert_eq!(send(json!({"permissions": {"secrets": "write"}})).status, 422);
    let minted = send(json!({"repositories": ["site"], "permissions": {"contents": "write"}}));
    assert_eq!((minted.status, &minted.json()["repository_selection"]), (201, &json!("selected")));
    let token = emulator.model(|model| model.tokens.last().unwrap().clone());
    assert_eq!(minted.json()["token"], token.value());
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    ok(clone.path(), &["push", "-q", "origin", "main"]);
    assert_eq!(get(&emulator, "/installation/repositories", &token).json()["total_count"], 1);
    assert_eq!(get(&emulator, "/repos/acme/site/actions/runs", &token).status, 403, "cut down to contents");
    let gone = call(&emulator, "DELETE", "/api/v3/installation/token", Some(&token), &[], None).unwrap();
    assert_eq!(gone.status, 204);
    assert_eq!(get(&emulator, "/repos/acme/site", &token).status, 401);
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn a_secret_is_kept_sealed_and_can_be_opened_by_the_test() {
    let token = Token::fine_grained("robin", "acme", &["acme/site"], &[("secrets", Write)]);
    let weak = Token::classic("mallory", &["repo"]);
    let repository = Repository::new("acme/site").collaborator("robin", Role::Write);
    let emulator = start(Model::new().repository(repository).token(&token).token(&weak));
    let path = "/repos/acme/site/actions/secrets";
    assert_eq!(get(&emulator, &format!("{path}/public-key"), &weak).status, 404);
    let public = get(&emulator, &format!("{path}/public-key"), &token).json();
    let key: [u8; 32] = STANDARD.decode(public["key"].as_str().unwrap()).unwrap().try_into().unwrap();
    let sealed = PublicKey::from(key).seal(&mut OsRng, b"hush").unwrap();
    let put = |name: &str, key: &Value| {
        let body = json!({"encrypted_value": STANDARD.encode(&sealed), "key_id": key});
        call(&emulator, "PUT", &format!("/api/v3{path}/{name}"), Some(&token), &[], Some(&body)).unwrap().status
    };
    assert_eq!(put("DEPLOY", &json!("wrong")), 422);
    assert_eq!(put("GITHUB_X", &public["key_id"]), 422);
    assert_eq!((put("Deploy", &public["key_id"]), put("DEPLOY", &public["key_id"])), (201, 204));
    assert_eq!(emulator.repository("acme/site").secret("deploy").as_deref(), Some("hush"));
    assert_eq!(get(&emulator, &format!("{path}/DEPLOY"), &token).json()["name"], "DEPLOY");
    let gone = call(&emulator, "DELETE", &format!("/api/v3{path}/DEPLOY"), Some(&token), &[], None).unwrap();
    assert_eq!((gone.status, emulator.repository("acme/site").secrets().len()), (204, 0));
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn a_push_to_the_branch_of_pages_builds_the_site() {
    let token = Token::github_token("acme/site", &[("contents", Write), ("pages", Read), ("actions", Read)]);
    let repository = Repository::new("acme/site").file("a", "b").pages("gh-pages").decoys(&[Decoy::OtherActor]);
    let emulator = start(Model::new().repository(repository).token(&token));
    assert_eq!(get(&emulator, "/repos/acme/site/pages/builds/latest", &token).status, 404);
    let clone = clone_with_commit(&emulator, "acme/site", &token, "x");
    ok(clone.path(), &["push", "-q", "origin", "main:gh-pages"]);
    let build = get(&emulator, "/repos/acme/site/pages/builds/latest", &token).json();
    assert_eq!(
        (&build["status"], build["commit"].as_str()),
        (&json!("building"), Some(ok(clone.path(), &["rev-parse", "HEAD"]).as_str()))
    );
    assert_eq!(get(&emulator, "/repos/acme/site/pages", &token).json()["html_url"], "https://acme.github.io/site/");
    let run = emulator.runs("acme/site").remove(0);
    assert_eq!((run.event.as_str(), run.title.as_str()), ("dynamic", "pages build and deployment"));
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn references_over_rest_obey_the_rules_of_a_push() {
    let token = Token::classic("robin", &["repo"]);
    let bot = Token::installation("bot", "acme", &["*"], &[("contents", Write)]);
    let tags = Ruleset::new("tags", Target::Tag, &["refs/tags/v*"]).rule("creation").rule("deletion");
    let repository = Repository::new("acme/site")
        .collaborator("robin", Role::Write)
        .workflow("tag.yml", "on:\n  push:\n    tags: ['*']\n")
        .tag("v0")
        .ruleset(tags);
    let model = Model::new().repository(repository).repository(Repository::new("acme/empty")).token(&token);
    let emulator = start(model.token(&bot));
    let main = emulator.repository("acme/site").tip("refs/heads/main").unwrap();
    let create = |token: &Token, name: &str, sha: &str| {
        let reply = post(&emulator, "/repos/acme/site/git/refs", token, &json!({"ref": name, "sha": sha}));
        (reply.status, reply.text)
    };
    let zero = "1".repeat(40);
    let cases = [
        ("tags/x", main.as_str(), 422, "must start with 'refs/'"),
        ("refs/tags/x", zero.as_str(), 422, "Object does not exist"),
        ("refs/heads/main", main.as_str(), 422, "Reference already exists"),
        ("refs/tags/v1", main.as_str(), 422, "Cannot create ref due to creations being restricted."),
        ("refs/tags/x", main.as_str(), 201, "refs/tags/x"),
    ];
    for (name, sha, status, words) in cases {
        let (got, text) = create(&token, name, sha);
        assert!(got == status && text.contains(words), "{name}: {got} {text}");
    }
    assert_eq!(emulator.runs("acme/site").len(), 1, "the tag starts its workflow");
    let tag = json!({"tag": "y", "message": "Words", "object": main, "type": "commit"});
    let made = post(&emulator, "/repos/acme/site/git/tags", &token, &tag).json();
    assert_eq!(
        get(&emulator, &format!("/repos/acme/site/git/tags/{}", made["sha"].as_str().unwrap()), &token).json()["tag"],
        "y"
    );
    let tree = get(&emulator, "/repos/acme/site/git/trees/main?recursive=1", &token).json();
    assert_eq!(tree["tree"][2]["path"], ".github/workflows/tag.yml");
    let commit = json!({"message": "By REST", "tree": tree["sha"], "parents": [main]});
    let commit = post(&emulator, "/repos/acme/site/git/commits", &token, &commit).json();
    let patch = |sha: &Value, force: bool| {
        let body = json!({"sha": sha, "force": force});
        call(&emulator, "PATCH", "/api/v3/repos/acme/site/git/refs/heads/main", Some(&token), &[], Some(&body))
            .unwrap()
            .status
    };
    assert_eq!(patch(&commit["sha"], false), 200);
    assert_eq!((patch(&json!(main), false), patch(&json!(main), true)), (422, 200));
    let delete = |name: &str| {
        let path = format!("/api/v3/repos/acme/site/git/refs/{name}");
        call(&emulator, "DELETE", &path, Some(&token), &[], None).unwrap().status
    };
    assert_eq!((delete("tags/x"), delete("tags/x"), delete("tags/v0")), (204, 422, 422));
    for path in ["git/ref/heads/main", "git/matching-refs/tags/v", "commits/main", "git/ref/heads/ma"] {
        get(&emulator, &format!("/repos/acme/site/{path}"), &token);
    }
    get(&emulator, &format!("/repos/acme/site/git/commits/{main}"), &token);
    post(&emulator, "/repos/acme/site/git/blobs", &token, &json!({"content": "aGk=", "encoding": "base64"}));
    assert_eq!(get(&emulator, "/repos/acme/empty/git/ref/heads/main", &token).status, 409);
    let clone = clone_with_commit(&emulator, "acme/site", &token, ".github/workflows/new.yml");
    let head = ok(clone.path(), &["rev-parse", "HEAD"]);
    emulator.model(|model| model.tokens.push(Token::classic("robin", &["repo", "workflow"]).named("full")));
    let full = emulator.model(|model| model.tokens.last().unwrap().clone());
    ok(clone.path(), &["push", "-q", &address(&emulator, "acme/site", Some(&full)), "HEAD:side"]);
    emulator.repository("acme/site").set_ref("refs/heads/side", None);
    assert_eq!(create(&bot, "refs/tags/z", &head).0, 403, "the workflow file stands on no branch");
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}
