//! Everything that is looked at before anything is written: facts are asked side by side, then judged purely.
//!
//! Only here can a [`Cleared`] plan be made, and without one nothing can be pushed, tagged or triggered.

mod ask;
mod check;
mod content;
mod dispatch;
mod event;
pub mod facts;
mod files;
mod judge;
mod lfs;
mod listener;
mod page;
mod published;
mod ref_names;
mod refs;
mod rules;
mod secret;
mod secret_files;
mod shared;
mod sso;
mod surroundings;
mod target;
#[cfg(test)]
mod tests;
mod token;
mod triggers;
mod workflow;
mod workflow_files;
mod workflow_inputs;

use self::facts::{Asked, Facts, ProposedFacts, PublishFacts, SecretFacts, TagFacts};
pub use self::shared::Shared;
pub use self::{
    check::{Check, CheckName, Verdict},
    content::conflict,
    judge::{first_failure, judge},
};
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure},
    git::advertisement::Advertisement,
    github::model::{Pages, PublicKey},
    names::Author,
    plan::Plan,
    plan::{PushPlan, PushRoute, SecretPlan, TagPlan, reference},
    publish::directory::DirectoryPlan,
    refs::Local,
    refs::facts::RefsFacts,
};
use std::sync::Arc;

/// A plan that has passed the preflight, with the groundwork that the checks have done for each stage.
#[derive(Clone, Debug)]
pub struct Cleared<P> {
    plan: P,
    facts: Facts,
    push: ClearedPush,
    tags: Option<(TagPlan, TagFacts)>,
    secret: Option<ClearedSecret>,
}

/// What the push stage does, worked out.
#[derive(Clone, Debug)]
pub enum ClearedPush {
    /// There is none.
    None,
    /// A directory, and what publishing it would do.
    Directory(Box<(DirectoryPlan, PublishFacts)>),
    /// Refs of the checkout, and what pushing them would do.
    Refs(Arc<Local>, Box<RefsFacts>),
}

/// A secret that can be set.
#[derive(Clone, Debug)]
pub struct ClearedSecret {
    /// What was asked for.
    pub plan: Arc<SecretPlan>,
    /// The key that it is sealed with.
    pub key: PublicKey,
    /// What is known of it.
    pub facts: SecretFacts,
}

impl Cleared<Plan> {
    /// The plan with all that its stages need; the failure says what could not be worked out although no check failed.
    fn new(plan: Plan, facts: Facts) -> Result<Self, Failure> {
        // No check need have failed: the one that the refusal concerns can be in `ignore-checks`.
        let unknown = || facts.refs.refusal().map_or_else(check::contradiction, |refusal| refusal.failure.clone());
        let push = match &plan.push {
            PushPlan::None => ClearedPush::None,
            PushPlan::Unreadable(failure) => return Err(failure.clone()),
            PushPlan::Directory(directory) => {
                let publish = facts.publish.clone().unwrap_or_else(|| Err(unknown()))?;
                ClearedPush::Directory(Box::new((directory.clone(), publish)))
            }
            PushPlan::Refs(local) => {
                let refs = facts.pushed_refs.clone().unwrap_or_else(|| Err(unknown()))?;
                ClearedPush::Refs(Arc::clone(local), Box::new(refs))
            }
        };
        let tags = match &plan.tags {
            Some(tags) => Some((tags.clone(), facts.tags.clone().unwrap_or_else(|| Err(unknown()))?)),
            None => None,
        };
        let secret = plan.secret.as_ref().map(|secret| cleared_secret(secret, &facts)).transpose()?;
        // Also where the check `workflow` is ignored: such a dispatch could only fail, after the push.
        if let Some(named) = reference::named(&plan, facts.refs.answer(), &[]) {
            named?;
        }
        Ok(Self { plan, facts, push, tags, secret })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The target's refs as they were; none is selected when nothing is pushed.
    pub fn advertisement(&self) -> Advertisement {
        self.facts.refs.answer().cloned().unwrap_or_default()
    }

    /// What the push stage does.
    pub fn push(&self) -> &ClearedPush {
        &self.push
    }

    /// The tags to make, with those that are there and the commit to tag.
    pub fn tags(&self) -> Option<(&TagPlan, &TagFacts)> {
        self.tags.as_ref().map(|(tags, facts)| (tags, facts))
    }

    /// How the change comes to its branch.
    pub fn route(&self) -> &PushRoute {
        &self.facts.route
    }

    /// The Pages site, where the token may ask for it.
    pub fn pages(&self) -> Option<&Pages> {
        self.facts.pages.answer()
    }

    /// What is known of the pull request; none where the plan uses none.
    pub fn proposed(&self) -> Option<&ProposedFacts> {
        self.facts.proposed.as_ref()
    }

    /// Who makes commits and annotated tags.
    pub fn author(&self) -> &Author {
        &self.facts.author
    }

    /// The secret to set.
    pub fn secret(&self) -> Option<&ClearedSecret> {
        self.secret.as_ref()
    }

    /// How far the server's clock is ahead of this machine's.
    pub fn server_ahead(&self) -> chrono::Duration {
        self.facts.server_ahead
    }

    /// The server's clock when the preflight was done.
    pub fn at(&self) -> chrono::DateTime<chrono::Utc> {
        self.facts.now
    }

    /// The target's refs, as far as they were selected; none when the credential may not see them.
    pub fn advertised(&self) -> Option<&Advertisement> {
        self.facts.refs.answer()
    }

    /// The target's default branch, where the token may read the repository.
    pub fn default_branch(&self) -> Option<&str> {
        self.facts.repository.answer().map(|repository| repository.default_branch.as_str())
    }

    /// Why the repository itself is not known, where that says nothing about the token's rights: a question that got lost.
    pub fn lost_repository(&self) -> Option<&Failure> {
        let refusal = self.facts.repository.refusal()?;
        (refusal.status.is_none() || refusal.failure.cause.is_transient()).then_some(&refusal.failure)
    }

    /// What the token's account is called, where it has one.
    pub fn login(&self) -> Option<&str> {
        self.facts.token.login.as_deref()
    }
}

/// What the preflight found, whether or not the plan may go on.
#[derive(Debug)]
pub struct Preflight {
    /// The checks, in the order of the report.
    pub checks: Vec<Check>,
    /// What was learned; nothing when there was no token to ask with.
    pub facts: Option<Facts>,
    /// The plan, cleared, or the failure that stands for all.
    pub outcome: Result<Cleared<Plan>, Failure>,
}

/// Looks at everything. Writes nothing.
pub async fn preflight(plan: Plan, connection: &Connection, shared: &Shared) -> Preflight {
    let stopped = |failure| Preflight { checks: Vec::new(), facts: None, outcome: Err(failure) };
    let restriction = event::restriction(&plan.origin).await;
    if plan.token().is_none() && !plan.can_do_without_token() {
        let mut check = token::present(&plan);
        if let Verdict::Fail(failure) = &mut check.verdict {
            *failure = event::of_missing_token(&plan, restriction.as_ref(), failure);
        }
        let failure = check.failure().cloned();
        return match failure {
            Some(failure) => Preflight { checks: vec![check], ..stopped(failure) },
            None => Preflight { checks: vec![check], facts: None, outcome: Err(check::contradiction()) },
        };
    }
    if let PushPlan::Unreadable(failure) = &plan.push {
        return stopped(failure.clone());
    }
    if let Some(directory) = plan.directory()
        // The directory comes first: finding a wrong path takes no request.
        && let Err(failure) = shared.source.list(directory).await
    {
        return stopped(failure);
    }
    // On the heap: the questions side by side make a large future.
    let facts = Box::pin(ask::ask(&plan, connection, shared)).await;
    let mut checks = judge(&plan, &facts);
    if let Some(restriction) = restriction {
        checks = checks.into_iter().map(|check| restriction.explain(&plan, check)).collect();
    }
    let outcome = match first_failure(&checks) {
        Some(failure) => Err(failure.clone()),
        None => Cleared::new(plan, facts.clone()),
    };
    Preflight { checks, facts: Some(facts), outcome }
}

fn cleared_secret(plan: &Arc<SecretPlan>, facts: &Facts) -> Result<ClearedSecret, Failure> {
    let known = facts.secret.clone().ok_or_else(check::contradiction)?;
    let key = match &known.key {
        Asked::Answer(key) => key.clone(),
        Asked::Refused(refusal) => return Err(refusal.failure.clone()),
        // The question is asked wherever a secret is planned: only the end of the budget leaves it without an answer.
        Asked::No => {
            let what = "The repository's public key was not received before the step's budget (`timeout`) was used up.";
            return Err(Failure::new(Cause::Timeout, what));
        }
    };
    Ok(ClearedSecret { plan: Arc::clone(plan), key, facts: known })
}
