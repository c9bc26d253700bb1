//! Asks: REST and git side by side, the directory meanwhile. What a question comes to is a fact, never an end.

mod rules;
mod secret;
mod size;
mod workflow;

use std::{collections::BTreeMap, time::Duration};

use chrono::Utc;

use super::facts::{Asked, Deflated, Facts, PublishFacts, RateFacts, Refusal, RepositoryFacts, TagFacts, TokenFacts};
use crate::github::limits::PACK_LIMIT;
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure, Retry},
    git::{advertisement::Advertisement, commits::commit_of},
    github::{
        Answered, Meta, RestError,
        model::{FolderEntry, Pages},
    },
    names::{Oid, RefName},
    plan::{Plan, TagPlan, TagTarget},
    preflight::Shared,
    publish::proposal::{Base, Proposal},
    refs::{facts::RefsFacts, prepare::prepare},
};

/// Asks everything that `plan` needs to be judged and done.
pub(super) async fn ask(plan: &Plan, connection: &Connection, shared: &Shared) -> Facts {
    // The longest part; whoever needs the content waits for this one reading of it.
    let hashing = async {
        if let Some(directory) = plan.directory() {
            let _ = shared.source.hashed(directory, &connection.watch).await;
        }
    };
    let git = async {
        let refs = advertisement(plan, connection).await;
        let known = refs.answer();
        let (tags, publish, pushed_refs) = tokio::join!(
            tag_facts(plan, connection, known),
            publish_facts(plan, connection, shared, known),
            pushed_refs(plan, connection, known)
        );
        (refs, tags, publish, pushed_refs)
    };
    let (
        user,
        repository,
        secret,
        rules,
        pages,
        folder,
        (workflows, workflow_metas),
        (refs, tags, publish, pushed_refs),
        (),
    ) = tokio::join!(
        user(plan, connection),
        repository(plan, connection),
        secret::ask(plan, connection, shared),
        rules::ask(plan, connection),
        pages(plan, connection),
        workflow_folder(plan, connection, shared),
        workflow::ask(plan, connection),
        git,
        hashing
    );
    let mut token = TokenFacts::default();
    let mut server_ahead = None;
    let (rules, rule_metas) = rules;
    let (secret, secret_metas) = secret.unzip();
    let others = pages
        .metas()
        .chain(folder.metas())
        .chain(&rule_metas)
        .chain(&workflow_metas)
        .chain(secret_metas.iter().flatten());
    for meta in user.metas().chain(repository.metas()).chain(others) {
        learn(&mut token, meta);
        server_ahead = server_ahead.or_else(|| meta.ahead());
    }
    let user = user.asked(|account| account.login);
    token.login = user.answer().cloned();
    let repository = repository.asked(|repository| RepositoryFacts {
        full_name: repository.full_name,
        public: !repository.private,
        archived: repository.archived,
        disabled: repository.disabled,
        default_branch: repository.default_branch,
        user_may_push: repository.permissions.map(|permissions| permissions.push),
        user_is_admin: repository.permissions.map(|permissions| permissions.admin),
    });
    let server_ahead = server_ahead.unwrap_or_else(chrono::Duration::zero);
    Facts {
        now: Utc::now() + server_ahead,
        server_ahead,
        user,
        repository,
        refs,
        token,
        publish,
        pushed_refs,
        tags,
        rules,
        pages: pages.asked(|pages| pages),
        workflows,
        workflow_folder: folder.asked(|entries| entries),
        secret,
    }
}

/// An answer of REST, or why there is none; either has headers.
struct Rest<T> {
    last: Option<Result<Answered<T>, RestError>>,
    /// What the tries ended with: the last refusal, and why there was no further try.
    failure: Option<Failure>,
}

impl<T> Rest<T> {
    /// Nothing was asked.
    fn none() -> Self {
        Self { last: None, failure: None }
    }

    fn metas(&self) -> impl Iterator<Item = &Meta> {
        self.last.iter().map(|result| match result {
            Ok(answered) => &answered.meta,
            Err(error) => error.meta(),
        })
    }

    fn asked<U>(self, read: impl FnOnce(T) -> U) -> Asked<U> {
        match self.last {
            None => Asked::No,
            Some(Ok(answered)) => Asked::Answer(read(answered.value)),
            Some(Err(error)) => Asked::Refused(Refusal {
                status: error.status(),
                failure: self.failure.unwrap_or_else(|| error.into()),
            }),
        }
    }
}

/// Asks until there is an answer, or a refusal that no second try heals; the last refusal is kept with its headers.
async fn patiently<T, F>(connection: &Connection, what: &str, call: impl FnMut() -> F) -> Rest<T>
where
    F: Future<Output = Result<Answered<T>, RestError>>,
{
    asked(connection, what, call, |_| true).await
}

/// As [`patiently`], for what the plan can do without: a used-up rate limit is not waited for.
async fn if_possible<T, F>(connection: &Connection, what: &str, call: impl FnMut() -> F) -> Rest<T>
where
    F: Future<Output = Result<Answered<T>, RestError>>,
{
    let limited = |failure: &Failure| matches!(failure.cause, Cause::PrimaryRateLimit | Cause::SecondaryRateLimit);
    asked(connection, what, call, |failure| !limited(failure)).await
}

/// Asks again only what is `worth` it.
async fn asked<T, F>(
    connection: &Connection,
    what: &str,
    mut call: impl FnMut() -> F,
    worth: impl Fn(&Failure) -> bool,
) -> Rest<T>
where
    F: Future<Output = Result<Answered<T>, RestError>>,
{
    let last = std::sync::Mutex::new(None);
    let keep = |result: Result<Answered<T>, RestError>| {
        let outcome = match &result {
            Ok(_) => Ok(()),
            Err(error) => {
                let failure = Failure::from(error.clone());
                if worth(&failure) { Err(failure) } else { Err(failure.with_retry(Retry::Never)) }
            }
        };
        *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(result);
        outcome
    };
    let attempt = || {
        let call = call();
        async { keep(call.await) }
    };
    let failure = connection.retries.run(what, attempt).await.err();
    Rest { last: last.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner), failure }
}

/// What the default branch has, where the directory brings workflow files of its own.
async fn workflow_folder(plan: &Plan, connection: &Connection, shared: &Shared) -> Rest<Vec<FolderEntry>> {
    let brings = match plan.directory() {
        Some(directory) if plan.git_token().is_some() => shared.source.brings_workflow_files(directory).await,
        _ => false,
    };
    if !brings {
        return Rest::none();
    }
    let ask = || connection.github.folder(&plan.target.slug, ".github/workflows", None);
    if_possible(connection, "question for the workflow files", ask).await
}

async fn pages(plan: &Plan, connection: &Connection) -> Rest<Pages> {
    if plan.directory().is_none() || plan.token().is_none() {
        return Rest::none();
    }
    if_possible(connection, "question for the Pages site", || connection.github.pages_site(&plan.target.slug)).await
}

async fn user(plan: &Plan, connection: &Connection) -> Rest<crate::github::model::Account> {
    if !plan.token().is_some_and(|token| token.kind.has_user()) {
        return Rest::none();
    }
    patiently(connection, "question for the token's account", || connection.github.user()).await
}

async fn repository(plan: &Plan, connection: &Connection) -> Rest<crate::github::model::Repository> {
    if plan.token().is_none() {
        return Rest::none();
    }
    let ask = || connection.github.repository(&plan.target.slug);
    patiently(connection, "question for the repository", ask).await
}

fn learn(token: &mut TokenFacts, meta: &Meta) {
    token.scopes = token.scopes.take().or_else(|| meta.scopes());
    token.expires_at = token.expires_at.or_else(|| meta.token_expiration());
    // What asks for an authorization says more than what leaves results out.
    let required = |sso: &str| sso.starts_with("required");
    if let Some(sso) = meta.sso()
        && token.sso.as_deref().is_none_or(|known| !required(known) && required(sso))
    {
        token.sso = Some(sso.to_owned());
    }
    let rate = meta.rate_limit();
    if let (Some(limit), Some(remaining)) = (rate.limit, rate.remaining) {
        let until = rate.reset.map(|reset| reset - meta.date().unwrap_or_else(Utc::now));
        let reset_in = until.and_then(|until| until.to_std().ok()).unwrap_or(Duration::ZERO);
        let fewer = token.rate.is_none_or(|known| remaining < known.remaining);
        if fewer {
            token.rate = Some(RateFacts { limit, remaining, reset_in });
        }
    }
}

async fn advertisement(plan: &Plan, connection: &Connection) -> Asked<Advertisement> {
    if !plan.needs_git() {
        return Asked::No;
    }
    let interest = plan.interest();
    let ask = || connection.remote.advertise(&interest);
    match connection.retries.run("beginning of a push", ask).await {
        Ok(advertisement) => Asked::Answer(advertisement),
        Err(failure) => Asked::Refused(Refusal { status: None, failure }),
    }
}

async fn publish_facts(
    plan: &Plan,
    connection: &Connection,
    shared: &Shared,
    refs: Option<&Advertisement>,
) -> Option<Result<PublishFacts, Failure>> {
    let directory = plan.directory()?;
    let Connection { remote, retries, watch, .. } = connection;
    let source = &shared.source;
    let Some(refs) = refs else {
        // Without the branch there is no change to be worked out; a file that can not be read is told all the same.
        return source.hashed(directory, watch).await.err().map(Err);
    };
    let facts = async {
        let base = Base::absent()?.moved_to(refs.tip(directory.branch()), directory, remote, retries);
        let (hashed, base) = tokio::join!(source.hashed(directory, watch), base);
        let (hashed, base) = (hashed?, base?);
        let proposal = Proposal::make(directory, &plan.commit_plan(), &hashed, &base, remote, retries).await?;
        let deflated = size::deflated(&proposal.pack, PACK_LIMIT).await?;
        Ok(PublishFacts { hashed, base, proposal, deflated })
    };
    Some(facts.await)
}

async fn pushed_refs(
    plan: &Plan,
    connection: &Connection,
    refs: Option<&Advertisement>,
) -> Option<Result<RefsFacts, Failure>> {
    match (plan.refs(), refs) {
        (Some(local), Some(refs)) => {
            let mut facts =
                match prepare(local, refs, &connection.remote, &connection.retries, plan.behaviour.dry_run).await {
                    Ok(facts) => facts,
                    Err(failure) => return Some(Err(failure)),
                };
            for batch in &facts.batches {
                match size::deflated(&batch.pack, PACK_LIMIT).await {
                    Ok(Some(Deflated::Above(limit))) => facts.above = Some(limit),
                    Ok(_) => {}
                    Err(failure) => return Some(Err(failure)),
                }
            }
            Some(Ok(facts))
        }
        _ => None,
    }
}

async fn tag_facts(
    plan: &Plan,
    connection: &Connection,
    refs: Option<&Advertisement>,
) -> Option<Result<TagFacts, Failure>> {
    let (tags, refs) = (plan.tags.as_ref()?, refs?);
    let commit = async {
        match wanted(tags, refs) {
            Wanted::Tip => Ok(None),
            Wanted::Object(oid) => {
                let look = || commit_of(&connection.remote, oid);
                connection.retries.run("look at the tag's target", look).await.map(Some)
            }
            Wanted::Nothing(failure) => Err(failure),
        }
    };
    let existing = async {
        let mut existing = BTreeMap::new();
        for (name, _) in &tags.tags {
            if let Some(value) = refs.tip(name) {
                let look = || commit_of(&connection.remote, value);
                let commit = connection.retries.run("look at the tag that is there", look).await?;
                existing.insert(name.clone(), (value, commit));
            }
        }
        Ok::<_, Failure>(existing)
    };
    let (commit, existing) = tokio::join!(commit, existing);
    Some(commit.and_then(|commit| Ok(TagFacts { commit, existing: existing? })))
}

enum Wanted {
    Tip,
    Object(Oid),
    Nothing(Failure),
}

fn wanted(tags: &TagPlan, refs: &Advertisement) -> Wanted {
    let nothing = |what: String| Wanted::Nothing(Failure::new(Cause::InvalidRefOrObject, what));
    match &tags.target {
        TagTarget::PushedTip => Wanted::Tip,
        TagTarget::Commit(oid) | TagTarget::OwnCommit(Some(oid)) => Wanted::Object(*oid),
        TagTarget::OwnCommit(None) => {
            nothing("There is no commit to tag: GITHUB_SHA is not set and `tag-target` is empty.".to_owned())
        }
        TagTarget::Named(name) => {
            let candidates = [name.parse().ok(), RefName::branch(name).ok(), RefName::tag(name).ok()];
            match candidates.iter().flatten().find_map(|name| refs.tip(name)) {
                Some(oid) => Wanted::Object(oid),
                None => {
                    nothing(format!("The target has neither a branch nor a tag {name:?}, which `tag-target` names."))
                }
            }
        }
    }
}
