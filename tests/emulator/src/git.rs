//! The git face: smart HTTP by `git http-backend`, behind the checks and in the words of GitHub's front end.
//!
//! Protocol: <https://git-scm.com/docs/gitprotocol-http>, <https://git-scm.com/docs/git-http-backend>

mod backend;
pub(crate) mod hook;
pub(crate) mod inspect;
mod names;
mod protection;
mod receive;
pub(crate) mod rules;
mod violations;

use std::io::Write;

use bytes::{Bytes, BytesMut};
use flate2::{Compression, write::GzEncoder};
use futures_util::StreamExt;
use http::{Method, header::AUTHORIZATION, request::Parts};
use hyper::body::Incoming;

use self::backend::Backend;
use crate::{
    access::{self, Refusal},
    answer::{Answer, Body},
    faults::Fault,
    model::{Level, Repository, Token},
    shared::Shared,
};

/// The two services of a git server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    UploadPack,
    ReceivePack,
}

impl Service {
    fn level(self) -> Level {
        if self == Self::ReceivePack { Level::Write } else { Level::Read }
    }
}

/// `owner/name` of a git address's path.
pub(crate) fn slug_of(path: &str) -> Option<String> {
    let mut parts = path.trim_start_matches('/').split(['/', '?']);
    let (owner, name) = (parts.next()?, parts.next()?);
    (!owner.is_empty() && !name.is_empty() && owner != "api")
        .then(|| format!("{owner}/{}", name.strip_suffix(".git").unwrap_or(name)))
}

/// What is asked of which repository: the service, the path inside the repository.
fn parse(parts: &Parts) -> Option<(String, Service, &'static str)> {
    let path = parts.uri.path();
    let slug = slug_of(path)?;
    let inside = path.trim_start_matches('/').splitn(3, '/').nth(2)?;
    let query = parts.uri.query().unwrap_or_default();
    match (&parts.method, inside, query) {
        (&Method::GET, "info/refs", "service=git-upload-pack") => Some((slug, Service::UploadPack, "info/refs")),
        (&Method::GET, "info/refs", "service=git-receive-pack") => Some((slug, Service::ReceivePack, "info/refs")),
        (&Method::POST, "git-upload-pack", _) => Some((slug, Service::UploadPack, "git-upload-pack")),
        (&Method::POST, "git-receive-pack", _) => Some((slug, Service::ReceivePack, "git-receive-pack")),
        _ => None,
    }
}

/// What the checks let through.
struct Admitted {
    repository: Repository,
    token: Option<Token>,
}

/// Answers a request to the git face.
pub(crate) async fn answer(
    shared: &Shared,
    number: usize,
    parts: Parts,
    incoming: Incoming,
    faults: &[Fault],
) -> Answer {
    // A leftover of actions/checkout beside the client's own.
    if parts.headers.get_all(AUTHORIZATION).iter().count() > 1 {
        return Answer::text(400, "Duplicate header: \"Authorization\"\n")
            .header("x-github-request-id", request_id(shared));
    }
    let Some((slug, service, inside)) = parse(&parts) else {
        return Answer::text(404, "Not Found");
    };
    let admitted = match admit(shared, &parts, &slug, service, inside) {
        Ok(admitted) => admitted,
        Err(answer) => return answer.header("x-github-request-id", request_id(shared)),
    };
    let backend = Backend::new(shared, &admitted.repository, admitted.token.as_ref(), &parts, inside, faults);
    let answer = if inside == "git-receive-pack" {
        receive::push(shared, number, admitted.repository, admitted.token, backend, incoming).await
    } else {
        backend.run(shared, number, incoming).await
    };
    let answer = answer.unwrap_or_else(|error| Answer::text(500, &format!("Internal Server Error: {error}")));
    answer.header("x-github-request-id", request_id(shared))
}

fn request_id(shared: &Shared) -> String {
    format!("{:04X}:2A3F:{:06X}:9B1C22:6740AB12", shared.serial() & 0xffff, shared.serial())
}

fn admit(shared: &Shared, parts: &Parts, slug: &str, service: Service, inside: &str) -> Result<Admitted, Answer> {
    let model = shared.model();
    let secret = access::presented(&parts.headers);
    let token = secret.as_deref().and_then(|secret| access::live_token(&model, secret));
    let challenge = |text: &str| Answer::text(401, text).header("www-authenticate", "Basic realm=\"GitHub\"");
    if secret.is_some() && token.is_none() {
        return Err(challenge(
            "Invalid username or token. Password authentication is not supported for Git operations.\n",
        ));
    }
    let Some(repository) = model.find(slug) else {
        if let Some(now) = model.find_former(slug) {
            let suffix = if parts.uri.path().contains(".git/") { ".git" } else { "" };
            let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            let location = format!("{}/{}{suffix}/{inside}{query}", shared.url(), now.slug());
            return Err(Answer::text(301, "").header("location", location));
        }
        return Err(match token {
            Some(_) => Answer::text(404, "Repository not found.\n"),
            None => challenge("Repository not found.\n"),
        });
    };
    // Roles, visibility and standing of a wiki are those of its repository.
    let parent = repository.wiki_of.and_then(|id| model.repositories.iter().find(|one| one.id == id));
    match access::check(&model, token, parent.unwrap_or(repository), "contents", service.level()) {
        Ok(()) => Ok(Admitted { repository: repository.clone(), token: token.cloned() }),
        Err(refusal) => Err(refused(&refusal, repository, token).unwrap_or_else(|| {
            challenge(if token.is_none() && service == Service::ReceivePack {
                "No anonymous write access.\n"
            } else {
                "Repository not found.\n"
            })
        })),
    }
}

/// GitHub's words for a refusal; `None`: ask for a credential.
fn refused(refusal: &Refusal, repository: &Repository, token: Option<&Token>) -> Option<Answer> {
    let slug = repository.slug();
    let token = token?;
    // The read-only grants of bots and users alike are answered with the actor's name.
    let reads = token.grant().is_none_or(|grant| grant.selects(&slug) && grant.level("contents").is_some());
    let text = match refusal {
        Refusal::Anonymous => return None,
        Refusal::Hidden => return Some(Answer::text(404, "Repository not found.\n")),
        Refusal::Suspended => "Your account is suspended.".to_owned(),
        Refusal::Billing => "Your account is disabled. Please see https://github.com/account/billing".to_owned(),
        Refusal::Blocked => format!("Repository '{slug}' is disabled.\nPlease ask the owner to check their account."),
        Refusal::Archived => "This repository was archived so it is read-only.".to_owned(),
        Refusal::ForbidsClassic(_) => {
            "Personal access tokens (classic) are forbidden from accessing this repository.".to_owned()
        }
        Refusal::Sso(organization) => format!(
            "The `{organization}' organization has enabled or enforced SAML SSO. To access\n\
             this repository, you must re-authorize the OAuth Application `GitHub CLI`."
        ),
        Refusal::OauthRestricted(organization) => format!(
            "The `{organization}' organization has enabled OAuth App access restrictions, meaning that data access \
             to third-parties is limited. For more information on these restrictions, including how to enable this \
             app, visit https://docs.github.com/articles/restricting-access-to-your-organization-s-data/"
        ),
        Refusal::IpAllowList(organization) => format!(
            "The `{organization}' organization has an IP allow list enabled, and your IP address is not permitted to \
             access this repository."
        ),
        Refusal::Lifetime(organization) => format!(
            "The '{organization}' enterprise forbids access via a fine-grained personal access tokens if the token's \
             lifetime is greater than 180 days."
        ),
        Refusal::NoRole => format!("Permission to {slug}.git denied to {}.", token.login),
        Refusal::NotGranted if reads || token.is_bot() => {
            format!("Permission to {slug}.git denied to {}.", token.login)
        }
        Refusal::NotGranted | Refusal::NoScope => "Write access to repository not granted.".to_owned(),
    };
    Some(Answer::text(403, &format!("{text}\n")))
}

/// The whole body of an answer that was to be streamed.
async fn collected(body: Body) -> Bytes {
    match body {
        Body::Whole(bytes) => bytes,
        Body::Stream(mut stream) => {
            let mut bytes = BytesMut::new();
            while let Some(Ok(piece)) = stream.next().await {
                bytes.extend_from_slice(&piece);
            }
            bytes.freeze()
        }
    }
}

/// The answer with a length instead of chunks.
pub(crate) async fn with_length(mut answer: Answer) -> Answer {
    let bytes = collected(answer.body).await;
    answer.body = Body::Whole(bytes);
    answer
}

/// The answer compressed with gzip.
pub(crate) async fn compressed(answer: Answer) -> Answer {
    let mut answer = with_length(answer).await;
    if let Body::Whole(bytes) = &answer.body {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        if encoder.write_all(bytes).is_ok()
            && let Ok(packed) = encoder.finish()
        {
            answer.body = Body::Whole(Bytes::from(packed));
            return answer.header("content-encoding", "gzip");
        }
    }
    answer
}
