//! Secrets of each scope, and the revocation of credentials.

use base64::{Engine, engine::general_purpose::STANDARD};
use crypto_box::{PublicKey, aead::OsRng};
use emulator::{
    Emulator,
    conformance::check,
    model::{
        Flavour,
        Level::{Read, Write},
        Model, Repository, Role, SecretScope, Token,
    },
};
use serde_json::{Value, json};

use crate::support::{Reply, call, get, start};

fn put(emulator: &Emulator, path: &str, token: &Token, value: &str) -> Reply {
    let key = get(emulator, &format!("{path}/public-key"), token).json();
    let public: [u8; 32] = STANDARD.decode(key["key"].as_str().unwrap()).unwrap().try_into().unwrap();
    let sealed = PublicKey::from(public).seal(&mut OsRng, value.as_bytes()).unwrap();
    let body = json!({"encrypted_value": STANDARD.encode(sealed), "key_id": key["key_id"]});
    call(emulator, "PUT", &format!("/api/v3{path}/DEPLOY"), Some(token), &[], Some(&body)).unwrap()
}

#[test]
fn each_scope_has_its_own_key_and_permission() {
    let scopes = [
        ("actions/secrets", "secrets", SecretScope::Actions),
        ("dependabot/secrets", "dependabot_secrets", SecretScope::Dependabot),
        ("codespaces/secrets", "codespaces_secrets", SecretScope::Codespaces),
        ("environments/live%20site/secrets", "environments", SecretScope::Environment("live site".into())),
    ];
    let site = Repository::new("acme/site").collaborator("boss", Role::Admin).environment("live site");
    let tokens: Vec<_> = scopes
        .iter()
        .map(|(_, permission, _)| Token::fine_grained("boss", "acme", &["acme/site"], &[(permission, Write)]))
        .collect();
    let emulator = start(tokens.iter().fold(Model::new().repository(site), Model::token));
    let mut keys = Vec::new();
    for (index, (path, permission, scope)) in scopes.iter().enumerate() {
        let path = format!("/repos/acme/site/{path}");
        for (other, token) in tokens.iter().enumerate() {
            let reply = get(&emulator, &format!("{path}/public-key"), token);
            assert_eq!(reply.status, if other == index { 200 } else { 403 }, "{path} with {:?}", token.grant());
        }
        let token = &tokens[index];
        let reply = get(&emulator, &format!("{path}/public-key"), token);
        assert_eq!(reply.header("x-accepted-github-permissions"), Some(format!("{permission}=read").as_str()));
        keys.push(reply.json()["key"].clone());
        assert_eq!(get(&emulator, &format!("{path}/DEPLOY"), token).status, 404, "no other scope's secret is seen");
        assert_eq!(put(&emulator, &path, token, "hush").status, 201);
        assert_eq!(put(&emulator, &path, token, &format!("hush {index}")).status, 204);
        assert_eq!(get(&emulator, &format!("{path}/DEPLOY"), token).json()["name"], "DEPLOY");
        let found = emulator.repository("acme/site").secret_in(scope, "deploy");
        assert_eq!(found, Some(format!("hush {index}")));
    }
    keys.dedup();
    assert_eq!(keys.len(), 4, "each scope has its own key");
    assert_eq!(emulator.repository("acme/site").secret("DEPLOY").as_deref(), Some("hush 0"));
    assert_eq!(get(&emulator, "/repos/acme/site/environments/none/secrets/public-key", &tokens[3]).status, 404);
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
}

#[test]
fn environments_are_seen_and_the_id_of_a_key_may_be_a_number() {
    let token = Token::fine_grained("robin", "acme", &["*"], &[("secrets", Write), ("actions", Read)]);
    let site = Repository::new("acme/site").collaborator("robin", Role::Write).environment("live");
    let model = Model::new().repository(site).token(&token).set(|settings| {
        settings.numeric_key_ids = true;
        settings.flavour = Flavour::Enterprise("3.19".into());
    });
    let emulator = start(model);
    assert_eq!(get(&emulator, "/repos/acme/site/environments/live", &token).json()["name"], "live");
    assert_eq!(get(&emulator, "/repos/acme/site/environments/test", &token).status, 404);
    let path = "/repos/acme/site/actions/secrets";
    assert!(get(&emulator, &format!("{path}/public-key"), &token).json()["key_id"].is_u64());
    assert_eq!(put(&emulator, path, &token, "hush").status, 201);
    assert_eq!(emulator.repository("acme/site").secret("DEPLOY").as_deref(), Some("hush"));
    let wrong = json!({"encrypted_value": "eA==", "key_id": "1"});
    let reply = call(&emulator, "PUT", &format!("/api/v3{path}/DEPLOY"), Some(&token), &[], Some(&wrong)).unwrap();
    assert_eq!(reply.status, 422);
}

#[test]
fn a_credential_is_revoked_without_a_credential() {
    let (old, other) = (Token::classic("robin", &["repo"]), Token::classic("robin", &["repo"]));
    let app = Token::installation("relay-bot", "acme", &["*"], &[]);
    let model = [&old, &other, &app].into_iter().fold(Model::new(), Model::token);
    let emulator = start(model.set(|settings| settings.revocations_left = 3));
    let revoke = |token: Option<&Token>, body: &Value| {
        call(&emulator, "POST", "/api/v3/credentials/revoke", token, &[], Some(body)).unwrap().status
    };
    let named = json!({"credentials": [old.value(), app.value(), "ghp_unknown"]});
    assert_eq!(revoke(Some(&other), &named), 403);
    assert_eq!(get(&emulator, "/user", &old).status, 200);
    assert_eq!(revoke(None, &named), 202);
    assert_eq!(get(&emulator, "/user", &old).status, 401);
    assert_eq!((get(&emulator, "/user", &other).status, get(&emulator, "/rate_limit", &app).status), (200, 200));
    assert_eq!(revoke(None, &named), 202, "what is dead already is no error");
    assert!(check(&emulator.log()).is_empty(), "{:?}", check(&emulator.log()));
    assert_eq!(revoke(None, &json!({"credentials": []})), 422);
    assert_eq!(revoke(None, &named), 403, "60 an hour");
    emulator.model(|model| model.settings.flavour = Flavour::Enterprise("3.19".into()));
    assert_eq!(revoke(None, &named), 404);
}
