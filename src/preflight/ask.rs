//! Asks: REST and git side by side, the directory meanwhile. What a question comes to is a fact, never an end.

mod commit;
mod listener;
mod previews;
mod proposed;
mod publish;
mod refs;
mod rest;
mod rules;
mod secret;
mod size;
mod tag;
mod wiki;
mod workflow;

use std::time::Duration;

use chrono::Utc;
use tokio::sync::oneshot;

use self::{
    publish::publish_facts,
    refs::{pushed_refs, refs_facts},
    rest::{RestAnswer, if_possible, patiently},
};
use super::{
    facts::{Asked, Facts, ProposedFacts, PublishFacts, RateFacts, Refusal, RepositoryFacts, TagFacts, TokenFacts},
    rules::route,
};
use crate::{
    connection::Connection,
    diagnosis::Failure,
    git::advertisement::Advertisement,
    github::{
        Meta,
        model::{Account, FolderEntry, Pages, Repository},
    },
    names::{Author, RefName},
    plan::{Plan, PushRoute, account_author},
    preflight::Shared,
    publish::directory::AboutSite,
    refs::facts::RefsFacts,
    report::DriftRow,
};

/// Asks everything that `plan` needs to be judged and done.
pub(super) async fn ask(plan: &Plan, connection: &Connection, shared: &Shared) -> Facts {
    let (tell, told) = oneshot::channel();
    let (tell_site, told_site) = oneshot::channel();
    let git = git_facts(plan, connection, shared, told, told_site);
    let (
        user,
        (repository, pages),
        secret,
        rules,
        folder,
        (workflows, workflow_list, workflow_metas),
        (listeners, awaited),
        open,
        git,
        (),
    ) = tokio::join!(
        account(plan, connection, tell),
        repository_and_pages(plan, connection, tell_site),
        secret::ask(plan, connection, shared),
        rules::ask(plan, connection),
        workflow_folder(plan, connection, shared),
        workflow::ask(plan, connection),
        async { tokio::join!(listener::ask(plan, connection), listener::awaited(plan, connection)) },
        proposed::open(plan, connection),
        git,
        read_directory(plan, connection, shared)
    );
    let (rules, rule_metas) = rules;
    let (secret, secret_metas) = secret.unzip();
    let (listeners, listener_metas) = listeners.unzip();
    let others = pages
        .metas()
        .chain(folder.metas())
        .chain(open.metas())
        .chain(awaited.metas())
        .chain(listener_metas.iter().flatten())
        .chain(&rule_metas)
        .chain(&workflow_metas)
        .chain(secret_metas.iter().flatten());
    let (mut token, server_ahead, server_version) =
        facts_of_headers(user.metas().chain(repository.metas()).chain(others));
    let user = user.asked(|account| account.login);
    token.login = user.answer().cloned();
    let open = open.asked(|open| open);
    let (proposed, unread) = match git.proposed {
        Some(Ok(proposed)) => (Some(ProposedFacts { open, ..proposed }), None),
        Some(Err(failure)) => (None, Some(Err(failure))),
        None => (None, None),
    };
    let mut facts = Facts {
        now: Utc::now() + server_ahead,
        server_ahead,
        server_version,
        user,
        repository: repository.asked(|repository| repository_facts(plan, repository, git.wiki)),
        refs: git.refs,
        token,
        author: git.author,
        route: PushRoute::default(),
        proposed,
        publish: unread.or(git.publish),
        pushed_refs: git.pushed_refs,
        drift: git.drift,
        tags: git.tags,
        immutable: git.immutable,
        rules,
        pages: pages.asked(|pages| pages),
        workflows,
        workflow_list,
        listeners,
        awaited: awaited.asked(|list| list),
        workflow_folder: folder.asked(|entries| entries),
        secret,
    };
    take_route(plan, connection, &mut facts).await;
    facts
}

/// The longest part; whoever needs the content waits for this one reading of it.
async fn read_directory(plan: &Plan, connection: &Connection, shared: &Shared) {
    if let Some(directory) = plan.directory() {
        let _ = shared.source.hashed(directory, &connection.watch).await;
    }
}

/// The account, told to whoever makes commits in its name as soon as it is known.
async fn account(plan: &Plan, connection: &Connection, tell: oneshot::Sender<Option<Account>>) -> RestAnswer<Account> {
    let user = user(plan, connection).await;
    // Nobody waits for it where the author is written down.
    let _ = tell.send(user.answer().cloned());
    user
}

/// The repository and its Pages site, told to whoever publishes as soon as they are known.
async fn repository_and_pages(
    plan: &Plan,
    connection: &Connection,
    tell: oneshot::Sender<AboutSite>,
) -> (RestAnswer<Repository>, RestAnswer<Pages>) {
    let (repository, pages) = tokio::join!(repository(plan, connection), pages(plan, connection));
    // Whoever waited for it may be gone: there is nothing to publish.
    let _ = tell.send(commit::about_site(plan, connection, &repository, &pages).await);
    (repository, pages)
}

/// What git, the checkout and the directory tell, before REST answers are counted in.
struct GitFacts {
    refs: Asked<Advertisement>,
    tags: Option<Result<TagFacts, Failure>>,
    immutable: Vec<(RefName, String)>,
    wiki: Option<String>,
    publish: Option<Result<PublishFacts, Failure>>,
    author: Author,
    pushed_refs: Option<Result<RefsFacts, Failure>>,
    proposed: Option<Result<ProposedFacts, Failure>>,
    drift: Vec<DriftRow>,
}

async fn git_facts(
    plan: &Plan,
    connection: &Connection,
    shared: &Shared,
    account: oneshot::Receiver<Option<Account>>,
    site: oneshot::Receiver<AboutSite>,
) -> GitFacts {
    let refs = advertisement(plan, connection).await;
    let known = refs.answer();
    let mut drift = Vec::new();
    let publish = async {
        let author = author(plan, account).await;
        (publish_facts(plan, connection, shared, known, &author, site).await, author)
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
    GitFacts { refs, tags, immutable: [held, moved].concat(), wiki, publish, author, pushed_refs, proposed, drift }
}

/// What the headers of all answers tell: of the token, how far the server's clock is ahead, and the version of an Enterprise
/// Server.
fn facts_of_headers<'a>(metas: impl Iterator<Item = &'a Meta>) -> (TokenFacts, chrono::Duration, Option<(u32, u32)>) {
    let mut token = TokenFacts::default();
    let (mut server_ahead, mut server_version) = (None, None);
    for meta in metas {
        learn(&mut token, meta);
        server_ahead = server_ahead.or_else(|| meta.ahead());
        server_version = server_version.or_else(|| meta.server_version());
    }
    (token, server_ahead.unwrap_or_else(chrono::Duration::zero), server_version)
}

/// What REST tells of the repository; `wiki` is the default branch of the wiki, where the target is one.
fn repository_facts(plan: &Plan, repository: Repository, wiki: Option<String>) -> RepositoryFacts {
    RepositoryFacts {
        full_name: if plan.is_wiki() { format!("{}.wiki", repository.full_name) } else { repository.full_name },
        public: !repository.private && repository.visibility.as_deref() != Some("internal"),
        internal: repository.visibility.as_deref() == Some("internal"),
        archived: repository.archived,
        disabled: repository.disabled,
        default_branch: wiki.unwrap_or(repository.default_branch),
        has_wiki: repository.has_wiki,
        has_pages: repository.has_pages,
        user_may_push: repository.permissions.map(|permissions| permissions.push),
        user_is_admin: repository.permissions.map(|permissions| permissions.admin),
    }
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

/// What the default branch has, where the directory brings workflow files of its own.
async fn workflow_folder(plan: &Plan, connection: &Connection, shared: &Shared) -> RestAnswer<Vec<FolderEntry>> {
    let brings = match plan.directory() {
        Some(directory) if plan.git_token().is_some() && !plan.is_wiki() => {
            shared.source.brings_workflow_files(directory).await
        }
        _ => false,
    };
    if !brings {
        return RestAnswer::none();
    }
    let ask = || connection.github.folder(&plan.target.slug, ".github/workflows", None);
    if_possible(connection, "question for the workflow files", ask).await
}

async fn pages(plan: &Plan, connection: &Connection) -> RestAnswer<Pages> {
    let concerns = plan.directory().is_some() || plan.awaits_pages();
    if !concerns || plan.token().is_none() || plan.is_wiki() {
        return RestAnswer::none();
    }
    if_possible(connection, "question for the Pages site", || connection.github.pages_site(&plan.target.slug)).await
}

async fn user(plan: &Plan, connection: &Connection) -> RestAnswer<Account> {
    if !plan.token().is_some_and(|token| token.kind.has_user()) {
        return RestAnswer::none();
    }
    patiently(connection, "question for the token's account", || connection.github.user()).await
}

async fn repository(plan: &Plan, connection: &Connection) -> RestAnswer<Repository> {
    if plan.token().is_none() {
        return RestAnswer::none();
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
    let selection = plan.selection();
    let ask = || connection.remote.advertise(&selection);
    match connection.retries.run("beginning of a push", ask).await {
        Ok(advertisement) => Asked::Answer(advertisement),
        Err(failure) => Asked::Refused(Refusal { status: None, failure }),
    }
}
