//! Asks: REST and git side by side, the directory meanwhile. What a question comes to is a fact, never an end.

mod commit;
mod listener;
mod previews;
mod proposed;
mod rules;
mod secret;
mod size;
mod tag;
mod wiki;
mod workflow;

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use tokio::sync::oneshot;

use super::{
    facts::{Asked, Deflated, Facts, ProposedFacts, PublishFacts, RateFacts, Refusal, RepositoryFacts, TokenFacts},
    rules::route,
};
use crate::github::limits::PACK_LIMIT;
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure, Retry},
    git::{advertisement::Advertisement, pack::Pack},
    github::{
        Answered, Meta, RestError,
        model::{Account, FolderEntry, Pages},
    },
    names::Author,
    plan::{Plan, PushRoute, account_author},
    preflight::Shared,
    publish::{
        directory::AboutSite,
        newer::newer_run,
        proposal::{Base, Proposal},
        unmatched::unmatched,
    },
    refs::{Local, facts::RefsFacts, lfs, prepare::prepare},
    report::DriftRow,
};

/// Asks everything that `plan` needs to be judged and done.
pub(super) async fn ask(plan: &Plan, connection: &Connection, shared: &Shared) -> Facts {
    // The longest part; whoever needs the content waits for this one reading of it.
    let hashing = async {
        if let Some(directory) = plan.directory() {
            let _ = shared.source.hashed(directory, &connection.watch).await;
        }
    };
    let (tell, told) = oneshot::channel();
    let account = async {
        let user = user(plan, connection).await;
        // Nobody waits for it where the author is written down.
        let _ = tell.send(user.last.as_ref().and_then(|last| Some(last.as_ref().ok()?.value.clone())));
        user
    };
    let (tell_site, told_site) = oneshot::channel();
    let around = async {
        let (repository, pages) = tokio::join!(repository(plan, connection), pages(plan, connection));
        // Whoever waited for it may be gone: there is nothing to publish.
        let _ = tell_site.send(commit::about_site(plan, connection, &repository, &pages).await);
        (repository, pages)
    };
    let git = async {
        let refs = advertisement(plan, connection).await;
        let known = refs.answer();
        let mut drift = Vec::new();
        let publish = async {
            let author = author(plan, told).await;
            (publish_facts(plan, connection, shared, known, &author, told_site).await, author)
        };
        let (tags, held, (publish, author), pushed_refs, proposed) = tokio::join!(
            tag::facts(plan, connection, known),
            tag::held(plan, connection, known),
            publish,
            pushed_refs(plan, connection, known, &mut drift),
            proposed::branch(plan, connection, known)
        );
        let wiki = wiki::ask(plan, connection, known).await;
        let moved = tag::held_of_refs(plan, connection, pushed_refs.as_ref()).await;
        let immutable = [held, moved].concat();
        (refs, tags, immutable, wiki, publish, author, pushed_refs, proposed, drift)
    };
    let (
        user,
        (repository, pages),
        secret,
        rules,
        folder,
        (workflows, workflow_list, workflow_metas),
        (listeners, runs),
        open,
        (refs, tags, immutable, wiki, publish, author, pushed_refs, proposed, drift),
        (),
    ) = tokio::join!(
        account,
        around,
        secret::ask(plan, connection, shared),
        rules::ask(plan, connection),
        workflow_folder(plan, connection, shared),
        workflow::ask(plan, connection),
        async { tokio::join!(listener::ask(plan, connection), listener::runs(plan, connection)) },
        proposed::open(plan, connection),
        git,
        hashing
    );
    let mut token = TokenFacts::default();
    let (mut server_ahead, mut server_version) = (None, None);
    let (rules, rule_metas) = rules;
    let (secret, secret_metas) = secret.unzip();
    let (listeners, listener_metas) = listeners.unzip();
    let others = pages
        .metas()
        .chain(folder.metas())
        .chain(open.metas())
        .chain(runs.metas())
        .chain(listener_metas.iter().flatten())
        .chain(&rule_metas)
        .chain(&workflow_metas)
        .chain(secret_metas.iter().flatten());
    for meta in user.metas().chain(repository.metas()).chain(others) {
        learn(&mut token, meta);
        server_ahead = server_ahead.or_else(|| meta.ahead());
        server_version = server_version.or_else(|| meta.server_version());
    }
    let user = user.asked(|account| account.login);
    token.login = user.answer().cloned();
    let repository = repository.asked(|repository| RepositoryFacts {
        full_name: if plan.is_wiki() { format!("{}.wiki", repository.full_name) } else { repository.full_name },
        public: !repository.private,
        archived: repository.archived,
        disabled: repository.disabled,
        default_branch: wiki.clone().unwrap_or(repository.default_branch),
        has_wiki: repository.has_wiki,
        has_pages: repository.has_pages,
        user_may_push: repository.permissions.map(|permissions| permissions.push),
        user_is_admin: repository.permissions.map(|permissions| permissions.admin),
    });
    let server_ahead = server_ahead.unwrap_or_else(chrono::Duration::zero);
    let open = open.asked(|open| open);
    let (proposed, unread) = match proposed {
        Some(Ok(proposed)) => (Some(ProposedFacts { open, ..proposed }), None),
        Some(Err(failure)) => (None, Some(Err(failure))),
        None => (None, None),
    };
    let publish = unread.or(publish);
    let mut facts = Facts {
        now: Utc::now() + server_ahead,
        server_ahead,
        server_version,
        user,
        repository,
        refs,
        token,
        author,
        route: PushRoute::default(),
        proposed,
        publish,
        pushed_refs,
        drift,
        tags,
        immutable,
        rules,
        pages: pages.asked(|pages| pages),
        workflows,
        workflow_list,
        listeners,
        runs: runs.asked(|()| ()),
        workflow_folder: folder.asked(|entries| entries),
        secret,
    };
    take_route(plan, connection, &mut facts).await;
    facts
}

/// Decides how the change comes to its branch, and asks what only that way needs.
async fn take_route(plan: &Plan, connection: &Connection, facts: &mut Facts) {
    facts.route = route(plan, facts);
    let (Some(branch), Some(known)) = (&facts.route.proposed, &facts.proposed) else { return };
    let right = proposed::right(plan, connection, known).await;
    // What the branch itself could not take, a pull request can: the refs are worked out for the proposed branch.
    let unchanged = matches!(&facts.pushed_refs, Some(Ok(refs)) if refs.updates().next().is_none());
    let moved = plan.refs().filter(|_| !unchanged).map(|local| local.moved_to(&branch.head));
    if let (Some(local), Some(refs)) = (moved, facts.refs.answer()) {
        facts.pushed_refs = refs_facts(&local, plan, connection, refs, &mut Vec::new()).await;
    }
    if let Some(known) = &mut facts.proposed {
        known.right = right;
    }
}

/// Who makes commits and tags: an SSH signature is verified only with an address of the account that has the key.
async fn author(plan: &Plan, account: oneshot::Receiver<Option<Account>>) -> Author {
    if !plan.author_is_account() {
        return plan.author.clone();
    }
    match account.await {
        Ok(Some(Account { id, login, .. })) if id > 0 && !login.is_empty() => {
            account_author(&login, id, &plan.target.server)
        }
        _ => plan.author.clone(),
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

    fn answer(&self) -> Option<&T> {
        self.last.as_ref().and_then(|last| last.as_ref().ok()).map(|answered| &answered.value)
    }

    fn status(&self) -> Option<u16> {
        self.last.as_ref().and_then(|last| last.as_ref().err()).and_then(RestError::status)
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
        Some(directory) if plan.git_token().is_some() && !plan.is_wiki() => {
            shared.source.brings_workflow_files(directory).await
        }
        _ => false,
    };
    if !brings {
        return Rest::none();
    }
    let ask = || connection.github.folder(&plan.target.slug, ".github/workflows", None);
    if_possible(connection, "question for the workflow files", ask).await
}

async fn pages(plan: &Plan, connection: &Connection) -> Rest<Pages> {
    if plan.directory().is_none() || plan.token().is_none() || plan.is_wiki() {
        return Rest::none();
    }
    if_possible(connection, "question for the Pages site", || connection.github.pages_site(&plan.target.slug)).await
}

async fn user(plan: &Plan, connection: &Connection) -> Rest<Account> {
    if !plan.token().is_some_and(|token| token.kind.has_user()) {
        return Rest::none();
    }
    patiently(connection, "question for the token's account", || connection.github.user()).await
}

async fn repository(plan: &Plan, connection: &Connection) -> Rest<crate::github::model::Repository> {
    if plan.token().is_none() {
        return Rest::none();
    }
    // REST knows no wiki: the rights are those of the repository that it belongs to.
    let slug = plan.target.slug.repository();
    let ask = || connection.github.repository(&slug);
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
    author: &Author,
    site: oneshot::Receiver<AboutSite>,
) -> Option<Result<PublishFacts, Failure>> {
    let directory = plan.directory()?;
    let Connection { remote, retries, watch, .. } = connection;
    let source = &shared.source;
    let Some(refs) = refs else {
        // Without the branch there is no change to be worked out; a file that cannot be read is told all the same.
        return source.hashed(directory, watch).await.err().map(Err);
    };
    let facts = async {
        let base = Base::absent()?.moved_to(refs.tip(directory.branch()), directory, remote, retries);
        let (hashed, base) = tokio::join!(source.hashed(directory, watch), base);
        let (hashed, base) = (hashed?, base?);
        let closed_previews = previews::closed(plan, connection, directory, &base).await?;
        let about = AboutSite { closed_previews, ..site.await.unwrap_or_default() };
        let commit = plan.commit_plan(author, about);
        let proposal = Proposal::make(directory, &commit, &hashed, &base, remote, retries).await?;
        let deflated = size::deflated(&proposal.pack, PACK_LIMIT).await?;
        let newer = newer_run(plan.origin.run_url.as_deref(), directory, &base, remote, retries).await;
        let work = {
            let (directory, hashed, base) = (directory.clone(), Arc::clone(&hashed), base.clone());
            move || unmatched(&directory, &hashed, &base)
        };
        // What cannot be known here only lacks a warning.
        let unmatched = tokio::task::spawn_blocking(work).await.ok().and_then(Result::ok).unwrap_or_default();
        let newer_run = newer.ok().flatten();
        Ok(PublishFacts { hashed, commit, base, proposal, deflated, unmatched, newer_run })
    };
    Some(facts.await)
}

async fn pushed_refs(
    plan: &Plan,
    connection: &Connection,
    refs: Option<&Advertisement>,
    drift: &mut Vec<DriftRow>,
) -> Option<Result<RefsFacts, Failure>> {
    refs_facts(plan.refs()?, plan, connection, refs?, drift).await
}

async fn is_above(pack: &Pack, limit: u64) -> Result<bool, Failure> {
    Ok(matches!(size::deflated(pack, limit).await?, Some(Deflated::Above(_))))
}

/// What pushing the refs of a checkout would do.
async fn refs_facts(
    local: &Local,
    plan: &Plan,
    connection: &Connection,
    refs: &Advertisement,
    drift: &mut Vec<DriftRow>,
) -> Option<Result<RefsFacts, Failure>> {
    let facts = async {
        if let Some(promisor) = local.promisor.as_ref().filter(|promisor| !promisor.is(&plan.target)) {
            return Err(promisor.refusal(&plan.target).into());
        }
        let (remote, retries) = (&connection.remote, &connection.retries);
        let mut facts = prepare(local, refs, remote, retries, plan.behaviour.dry_run, drift).await?;
        let limit = local.asked.push_limit;
        for batch in &mut facts.batches {
            if !is_above(&batch.pack, limit).await? {
                continue;
            }
            let mut is_sendable = batch.divide();
            for pack in batch.packs() {
                is_sendable = is_sendable && !is_above(pack, limit).await?;
            }
            if !is_sendable {
                facts.above = Some(limit);
            }
        }
        let named = std::mem::take(&mut facts.lfs.named);
        facts.lfs = lfs::look(named, &local.lfs, connection.lfs.as_ref(), remote.situation(), retries).await?;
        Ok(facts)
    };
    Some(facts.await)
}
