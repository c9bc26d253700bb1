//! The checks of the target: is it there, may this credential write to it, is there budget left.

use std::time::Duration;

use chrono::TimeDelta;

use super::{
    check::{Check, CheckName},
    facts::{Asked, Facts, Refusal},
};
use crate::{
    credential::TokenKind,
    diagnosis::{Cause, Failure},
    plan::Plan,
};

/// Whether the repository exists, can be seen and takes changes.
pub(super) fn repository(plan: &Plan, facts: &Facts) -> Check {
    let name = &plan.target.slug;
    if let Some(failure) = no_wiki(plan, facts) {
        return Check::fail(CheckName::Repository, failure);
    }
    if let Some(repository) = facts.repository.answer() {
        if repository.archived {
            let what = format!("{name} is archived: it is read-only.");
            return Check::fail(CheckName::Repository, Failure::new(Cause::RepoArchived, what));
        }
        if repository.disabled {
            let what = format!("{name} is disabled by GitHub.");
            return Check::fail(CheckName::Repository, Failure::new(Cause::RepoDisabled, what));
        }
        let visibility = match (repository.internal, repository.public) {
            (true, _) => "internal",
            (false, true) => "public",
            (false, false) => "private",
        };
        let renamed = is_renamed(plan, &repository.full_name);
        let owner = repository.full_name.split('/').next().unwrap_or_default();
        // Within one owner a rename is harmless. A new owner can be anybody, and would get all that is pushed.
        if renamed && !owner.eq_ignore_ascii_case(name.owner()) {
            let what = format!(
                "{name} is now {}: it belongs to {owner} and no longer to {}, and all that is pushed goes there.",
                repository.full_name,
                name.owner()
            );
            let remedy =
                format!("If {owner} is the owner that you mean, set `repository` to {}.", repository.full_name);
            return Check::warn(CheckName::Repository, Failure::new(Cause::OwnerChanged, what).with_remedy(remedy));
        }
        if let Some(failure) = losses(plan, facts) {
            return Check::warn(CheckName::Repository, failure);
        }
        let text = if renamed {
            format!("{name} is now {}; its old name still leads there. It is {visibility}.", repository.full_name)
        } else {
            format!("{name} exists and is {visibility}.")
        };
        return Check::pass(CheckName::Repository, text);
    }
    // The push goes by git: its yes counts more than a refusal of REST.
    if facts.refs.answer().is_some() {
        return Check::pass(CheckName::Repository, format!("{name} exists: git may push to it."));
    }
    match facts.repository.refusal() {
        // Git has words of its own for it, and goes another way.
        Some(Refusal { failure, .. }) if plan.can_do_without_token() => {
            Check::warn(CheckName::Repository, failure.clone())
        }
        Some(Refusal { failure, .. }) => Check::fail(CheckName::Repository, hidden(plan, facts, failure)),
        None => Check::skip(CheckName::Repository, format!("{name} could not be asked about.")),
    }
}

/// Why git does not find the wiki of a repository that is there.
fn no_wiki(plan: &Plan, facts: &Facts) -> Option<Failure> {
    let (parent, known) = (plan.target.slug.wiki_of()?, facts.repository.answer()?);
    let Refusal { failure, .. } = facts.refs.refusal()?;
    if failure.cause != Cause::RepoNotFoundOrHidden && failure.cause != Cause::FineGrainedRepoNotSelected {
        return None;
    }
    if known.has_wiki == Some(false) {
        let page = format!("{}/{parent}/settings", plan.target.server);
        let what = format!("{parent} has no wiki: it is switched off.");
        let remedy = format!("Switch it on under {page} (Features > Wikis), then create its first page.");
        return Some(Failure::new(Cause::RepoNotFoundOrHidden, what).with_remedy(remedy).with_link(page));
    }
    let page = plan.target.web();
    let what = format!("{parent} is there, and git does not find its wiki: a wiki exists from its first page on.");
    let remedy = format!("Create its first page on {page}, whatever it holds; then run the step again.");
    Some(Failure::new(Cause::RepoNotFoundOrHidden, what).with_remedy(remedy).with_link(page))
}

/// Whether the server calls the target by another name than the plan.
fn is_renamed(plan: &Plan, full_name: &str) -> bool {
    !full_name.is_empty() && !full_name.eq_ignore_ascii_case(&plan.target.slug.to_string())
}

/// A 404 in the words of the token's kind: each kind has its own likely reason.
fn hidden(plan: &Plan, facts: &Facts, failure: &Failure) -> Failure {
    let (slug, server) = (&plan.target.slug, &plan.target.server);
    let kind = plan.git_token().map(|token| token.kind);
    if plan.ssh.is_some() && failure.cause == Cause::RepoNotFoundOrHidden {
        return foreign_key(plan, facts, failure);
    }
    match (failure.cause, kind) {
        (Cause::RepoNotFoundOrHidden | Cause::FineGrainedRepoNotSelected, Some(TokenKind::FineGrained)) => {
            let page = format!("{server}/settings/personal-access-tokens");
            let what = format!("{slug} cannot be seen with this fine-grained token, or does not exist.");
            let remedy = format!(
                "Open {server}/{slug} in a browser: if it opens, open the token on {page} and set Resource owner to {} and Repository access to {slug} \
                 (in an organization an owner then approves it under Settings > Personal access tokens > Pending requests); if it does not, correct `repository`.",
                slug.owner()
            );
            Failure::new(Cause::FineGrainedRepoNotSelected, what).with_remedy(remedy).with_link(page)
        }
        (Cause::RepoNotFoundOrHidden, Some(TokenKind::Installation)) => {
            let what = format!("{slug} cannot be seen with this App's token, or does not exist.");
            let remedy = format!(
                "Open {server}/{slug} in a browser: if it opens, the App must be installed on {} with this repository selected (the owner's Settings > GitHub Apps > Configure > Repository access), \
                 and the token must be minted for it; if it does not, correct `repository`.",
                slug.owner()
            );
            Failure { what, ..failure.clone() }.with_remedy(remedy)
        }
        (Cause::GithubTokenCrossRepo, Some(TokenKind::GithubToken)) => {
            foreign(plan, facts).unwrap_or_else(|| failure.clone())
        }
        (Cause::RepoNotFoundOrHidden, Some(TokenKind::Classic | TokenKind::Oauth | TokenKind::UserToServer)) => {
            let account = account(facts);
            let what = format!("{slug} does not exist, or {account} cannot see it.");
            let remedy = format!(
                "Open {server}/{slug} as {account}: a 404 there means that the name is wrong (correct `repository`) or that the account \
                 has no access (have an administrator give it the Write role); if it opens, give the token the scope `repo`."
            );
            Failure { what, ..failure.clone() }.with_remedy(remedy).with_link(format!("{server}/{slug}"))
        }
        _ => failure.clone(),
    }
}

/// A deploy key that the server knows, and not for this repository: it answers as if there were none.
fn foreign_key(plan: &Plan, facts: &Facts, failure: &Failure) -> Failure {
    let (slug, page) = (&plan.target.slug, format!("{}/settings/keys", plan.target.web()));
    let (cause, what, or) = if facts.repository.answer().is_some() {
        let what =
            format!("{slug} is there, and `ssh-key` is no key of it: it belongs to another repository or account.");
        (Cause::DeployKeyReadOnly, what, "")
    } else {
        (
            failure.cause,
            format!(
                "`ssh-key` is no key of {slug}: it belongs to another repository or account, or {slug} does not exist."
            ),
            " If that page does not exist, correct `repository`.",
        )
    };
    let remedy = format!(
        "Add the public half of `ssh-key` on {page} with \"Allow write access\" ticked. A key can be a deploy key of one repository only: \
         for another one make a new pair (`ssh-keygen -t ed25519 -N ''`).{or}"
    );
    // The rest of the failure is a sentence of ours.
    let words = failure.what.split_once(": \"").and_then(|(_, words)| words.strip_suffix("\"."));
    let what = words.map_or_else(|| what.clone(), |words| format!("{what} The server says: \"{words}\"."));
    Failure { cause, what, ..failure.clone() }.with_remedy(remedy).with_link(page)
}

/// A branch of which a publish would leave less than half is worth a warning: the input `branch` or `destination` may be wrong.
pub(super) fn losses(plan: &Plan, facts: &Facts) -> Option<Failure> {
    let (directory, proposal) = (plan.directory()?, facts.proposal()?);
    let default = &facts.repository.answer()?.default_branch;
    let (branch, removed, before) = (directory.branch().short(), proposal.changes.removed, proposal.files_before?);
    // A site's branch is replaced as a whole again and again; the default branch holds what people write.
    if branch != default || removed * 2 <= before {
        return None;
    }
    let what = format!(
        "The publish would remove {removed} of the {before} files of {branch}, the default branch of the target."
    );
    let remedy = format!(
        "If that is not meant, set `branch` to another branch than {branch} (`gh-pages`), `destination` to a folder of it, or name in `keep` what stays."
    );
    Some(Failure::new(Cause::InvalidInput, what).with_remedy(remedy))
}

/// Whether the credential may write: the start of a push is asked for, which is what the push itself will ask for.
pub(super) fn permission(plan: &Plan, facts: &Facts) -> Check {
    // Before git's refusal, which would send a person to look for a permission that no setting gives.
    if let Some(failure) = foreign(plan, facts) {
        return Check::fail(CheckName::Permission, failure);
    }
    if no_wiki(plan, facts).is_some() {
        return Check::skip(CheckName::Permission, "The wiki is not there.");
    }
    if let Some(failure) = reader_starts(plan, facts) {
        return Check::fail(CheckName::Permission, failure);
    }
    match facts.refs.refusal() {
        Some(Refusal { failure, .. }) if plan.needs_contents() => {
            return Check::fail(CheckName::Permission, hidden(plan, facts, failure));
        }
        // To start a workflow takes no right of git's.
        Some(_) if plan.workflows.is_some() => {}
        Some(Refusal { failure, .. }) => {
            let who = if plan.ssh.is_some() { "deploy key" } else { "token" };
            // What did not come through says nothing about the right.
            let found = if failure.cause.is_transient() {
                format!("Whether the {who} may push here could not be asked.")
            } else {
                format!("The {who} may not push here.")
            };
            let what = format!("{found} {}", failure.what);
            return Check::warn(CheckName::Permission, Failure { what, ..failure.clone() });
        }
        None if facts.refs.answer().is_none() && plan.workflows.is_none() => {
            return Check::skip(CheckName::Permission, "Whether git may push here was not asked.");
        }
        None => {}
    }
    // To start a workflow takes Actions: write, which holds the right to read; who may not even read has neither.
    let lacks = [Cause::FineGrainedPermissionMissing, Cause::ResourceNotAccessibleByIntegration];
    let refused = facts.workflows.iter().filter_map(|workflow| workflow.state.refusal());
    if let Some(refusal) =
        refused.filter(|refusal| refusal.status == Some(403)).find(|refusal| lacks.contains(&refusal.failure.cause))
    {
        let what = format!("To start a workflow takes Actions: write, which the token lacks. {}", refusal.failure.what);
        let remedy = match plan.token().map(|token| token.kind) {
            Some(TokenKind::FineGrained) => format!(
                "On {}/settings/personal-access-tokens open the token and set Repository permissions > Actions to Read and write.",
                plan.target.server
            ),
            Some(TokenKind::GithubToken) => "Add `actions: write` to the job's `permissions:`.".to_owned(),
            _ => "In the App's settings > Permissions & events set Actions to Read and write, and accept the change in the installation.".to_owned(),
        };
        let failure = Failure { what, ..refusal.failure.clone() }.with_remedy(remedy);
        return Check::fail(CheckName::Permission, failure);
    }
    if let Some(failure) = unlisted_runs(plan, facts) {
        return Check::fail(CheckName::Permission, failure);
    }
    if !plan.needs_contents() && plan.workflows.is_some() {
        return starts(plan, facts);
    }
    if plan.ssh.is_some() {
        return Check::pass(CheckName::Permission, "The deploy key may push here.");
    }
    let kind = plan.token().map(|token| token.kind);
    let repository = facts.repository.answer();
    // The role of the USER: where it is too low, no token of theirs can have more.
    let reader = repository.is_some_and(|repository| repository.user_may_push == Some(false));
    if reader && kind.is_some_and(TokenKind::has_user) {
        let what = format!("git may push here, yet {} has no Write role on {}.", account(facts), plan.target.slug);
        let page = format!("{}/settings/access", plan.target.web());
        let remedy =
            format!("If the push is refused, have an administrator give the account the role Write on {page}.");
        let failure = Failure::new(Cause::NoWriteAccess, what).with_remedy(remedy).with_link(page);
        return Check::warn(CheckName::Permission, failure);
    }
    let role = match repository.filter(|_| kind.is_some_and(TokenKind::has_user)) {
        Some(repository) if repository.user_is_admin == Some(true) => "; its account is an administrator",
        Some(repository) if repository.user_may_push == Some(true) => "; its account may write",
        _ => "",
    };
    Check::pass(CheckName::Permission, format!("git may push here (Contents: write){role}."))
}

/// Whether workflows may be started, where nothing else is to be done: Actions: write is told by nothing but the start itself.
fn starts(plan: &Plan, facts: &Facts) -> Check {
    let states = facts.workflows.iter().map(|workflow| &workflow.state);
    // A file that is not there was looked for all the same.
    let lost = states.filter_map(Asked::refusal).find(|refusal| refusal.status != Some(404));
    if let Some(Refusal { failure, .. }) = lost {
        return Check::skip(CheckName::Permission, format!("The workflows could not be asked for. {}", failure.what));
    }
    let account = facts.repository.answer().and_then(|repository| repository.user_may_push);
    let has_user = plan.token().is_some_and(|token| token.kind.has_user());
    let role = if has_user && account == Some(true) { "; its account may write" } else { "" };
    Check::pass(
        CheckName::Permission,
        format!("The token may look at the workflows here (Actions: read, at least){role}."),
    )
}

/// An account without the role Write that is to start a workflow: GitHub answers that as if there were no such workflow.
fn reader_starts(plan: &Plan, facts: &Facts) -> Option<Failure> {
    let has_user = plan.token().is_some_and(|token| token.kind.has_user());
    let is_reader = facts.repository.answer()?.user_may_push == Some(false);
    (plan.workflows.is_some() && has_user && is_reader).then(|| {
        let page = format!("{}/settings/access", plan.target.web());
        let what = format!(
            "{} has not the role Write on {}, which starting a workflow there needs.",
            account(facts),
            plan.target.slug
        );
        let remedy = format!("Have an administrator give the account the role Write on {page}, or use another token.");
        Failure::new(Cause::NoWriteAccess, what).with_remedy(remedy).with_link(page)
    })
}

/// What the wait stage would be refused: who may not list workflows may not list their runs. A Pages site that the token may ask
/// for is looked at by its builds instead.
fn unlisted_runs(plan: &Plan, facts: &Facts) -> Option<Failure> {
    let has_site = facts.repository.answer().is_some_and(|repository| repository.has_pages == Some(true));
    let is_blind =
        plan.awaits_pages() && has_site && facts.pages.refusal().is_some_and(|refusal| refusal.status.is_some());
    if !plan.lists_runs() && !is_blind {
        return None;
    }
    let lacks = [Cause::FineGrainedPermissionMissing, Cause::ResourceNotAccessibleByIntegration];
    let list = facts.listeners.as_ref().and_then(|known| known.list.refusal());
    let refusal = facts.awaited.refusal().or(list).filter(|refusal| refusal.status == Some(403))?;
    if !lacks.contains(&refusal.failure.cause) {
        return None;
    }
    let (inputs, needed) = if plan.lists_runs() {
        ("`wait` and `wait-for` need", "Actions: read")
    } else {
        ("`wait-for: pages` needs", "Actions: read or Pages: read")
    };
    let what = format!("{inputs} {needed}, which the token lacks. {}", refusal.failure.what);
    let remedy = match plan.token().map(|token| token.kind) {
        Some(TokenKind::FineGrained) => format!(
            "On {}/settings/personal-access-tokens open the token and set Repository permissions > Actions to Read-only, or set `wait: no` and leave `wait-for` out.",
            plan.target.server
        ),
        Some(TokenKind::GithubToken) => "Add `actions: read` to the job's `permissions:`.".to_owned(),
        _ => "In the App's settings > Permissions & events set Actions to Read-only, and accept the change in the installation.".to_owned(),
    };
    Some(Failure { what, ..refusal.failure.clone() }.with_remedy(remedy))
}

/// `GITHUB_TOKEN` writes to the repository of its workflow and to no other, whatever `permissions:` says.
///
/// Source: <https://docs.github.com/en/actions/concepts/security/github_token>
fn foreign(plan: &Plan, facts: &Facts) -> Option<Failure> {
    // A former name may be that of the workflow's own repository.
    if facts.repository.answer().is_some_and(|repository| is_renamed(plan, &repository.full_name)) {
        return None;
    }
    let is_used = plan.triggers() || plan.secret.is_some() || (plan.writes() && plan.ssh.is_none());
    let own = plan.token().is_some_and(|token| token.kind == TokenKind::GithubToken);
    (own && is_used && !plan.own_repository).then(|| {
        let what = format!("`GITHUB_TOKEN` reaches the workflow's own repository alone, not {}.", plan.target.slug);
        Failure::new(Cause::GithubTokenCrossRepo, what)
    })
}

fn account(facts: &Facts) -> &str {
    facts.token.login.as_deref().unwrap_or("the token's account")
}

/// Fewer requests left than this are worth a warning: another job of the same account may need them too.
const FEW_REQUESTS: u64 = 50;

/// Whether enough requests are left in this hour.
pub(super) fn rate_limit(plan: &Plan, facts: &Facts) -> Check {
    let Some(rate) = facts.token.rate else {
        if !facts.rest_answered() {
            return Check::skip(CheckName::RateLimit, "The server said nothing about a limit.");
        }
        return Check::pass(CheckName::RateLimit, "The server names no limit.");
    };
    let left = format!("{} of {} requests are left in this hour", rate.remaining, rate.limit);
    let minutes = rate.reset_in.as_secs().div_ceil(60);
    let reset = TimeDelta::from_std(rate.reset_in).ok().and_then(|pause| facts.now.checked_add_signed(pause));
    let at = reset.map(|reset| format!(", at {}", reset.format("%H:%M:%S UTC"))).unwrap_or_default();
    // Requests of git do not count against this limit: a push alone goes on.
    if rate.remaining == 0 && (plan.triggers() || plan.secret.is_some()) {
        let what = format!("{left}; the budget is full again in {minutes} min{at}.");
        let failure = Failure::new(Cause::PrimaryRateLimit, what);
        // A reset within the step's budget is waited for by the request itself.
        return if rate.reset_in > plan.behaviour.timeout {
            Check::fail(CheckName::RateLimit, failure)
        } else {
            Check::warn(CheckName::RateLimit, failure)
        };
    }
    if rate.remaining < FEW_REQUESTS && rate.reset_in > Duration::ZERO {
        let what = format!("Only {left}; the budget is full again in {minutes} min{at}.");
        return Check::warn(CheckName::RateLimit, Failure::new(Cause::PrimaryRateLimit, what));
    }
    Check::pass(CheckName::RateLimit, format!("{left}."))
}
