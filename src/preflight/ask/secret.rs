//! Asks about the secret that is to be set, and about its new value where that is itself a token.

use super::{Asked, RestAnswer, patiently};
use crate::{
    connection::Connection,
    credential::TokenKind,
    github::{GitHub, Meta},
    plan::{Plan, SecretPlan, Token},
    preflight::Shared,
    preflight::facts::{NewTokenFacts, Refusal, SecretFacts},
};

/// The public key, when the secret was last set, and what the server says about the new value. None: no secret is planned.
pub(super) async fn ask(plan: &Plan, connection: &Connection, shared: &Shared) -> Option<(SecretFacts, Vec<Meta>)> {
    let secret = plan.secret.as_ref()?;
    let (slug, github) = (&plan.target.slug, &connection.github);
    let (key, existing, token) = tokio::join!(
        patiently(connection, "question for the public key", || github.public_key(slug, &secret.scope)),
        patiently(connection, "question for the secret", || github.secret(slug, &secret.scope, &secret.name)),
        new_token(plan, secret, connection, shared),
    );
    let metas = key.metas().chain(existing.metas()).cloned().collect();
    Some((SecretFacts { key: key.asked(|key| key), existing: existing.asked(|info| info), token }, metas))
}

/// Asked once for all targets: they are on one server, and the value is the same.
async fn new_token(
    plan: &Plan,
    secret: &SecretPlan,
    connection: &Connection,
    shared: &Shared,
) -> Option<NewTokenFacts> {
    let token = secret.token.as_ref()?;
    Some(shared.new_token.get_or_init(|| about(plan, secret, token, connection)).await.clone())
}

async fn about(plan: &Plan, secret: &SecretPlan, token: &Token, connection: &Connection) -> NewTokenFacts {
    let padded = secret.value != token.secret;
    let facts = NewTokenFacts { kind: token.kind, padded, ..NewTokenFacts::default() };
    // The workflow's own token is sent to no server: the job that it belongs to runs, and so it is alive.
    if token.kind == TokenKind::GithubToken {
        return facts;
    }
    let mut situation = plan.situation();
    situation.token_kind = Some(token.kind);
    situation.hijacking_header = None;
    let github: GitHub = match connection.github.in_situation(situation).with_token(&token.secret) {
        Ok(github) => github,
        Err(failure) => {
            return NewTokenFacts {
                asked: Asked::Refused(Refusal { status: Some(401), failure: failure.into() }),
                ..facts
            };
        }
    };
    let what = "question about the new value";
    if token.kind.has_user() {
        let user = patiently(connection, what, || github.user()).await;
        let facts = learned(facts, &user);
        let login = user.asked(|account| account.login);
        NewTokenFacts { login: login.answer().cloned(), asked: without_content(login), ..facts }
    } else {
        let limits = patiently(connection, what, || github.rate_limit()).await;
        let facts = learned(facts, &limits);
        NewTokenFacts { asked: without_content(limits.asked(|_| ())), ..facts }
    }
}

fn learned<T>(facts: NewTokenFacts, answer: &RestAnswer<T>) -> NewTokenFacts {
    answer.metas().fold(facts, |facts, meta| NewTokenFacts {
        scopes: meta.scopes(),
        expires_at: meta.token_expiration(),
        ..facts
    })
}

fn without_content<T>(asked: Asked<T>) -> Asked<()> {
    match asked {
        Asked::No => Asked::No,
        Asked::Answer(_) => Asked::Answer(()),
        Asked::Refused(refusal) => Asked::Refused(refusal),
    }
}
