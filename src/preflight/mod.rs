//! Everything that is looked at before anything is written: facts are asked side by side, then judged purely.
//!
//! Only here can a [`Cleared`] plan be made, and without one nothing can be pushed, tagged or triggered.

mod ask;
mod check;
mod content;
mod dispatch;
pub mod facts;
mod files;
mod judge;
mod page;
mod rules;
mod secret;
mod shared;
mod sso;
mod surroundings;
mod target;
#[cfg(test)]
mod tests;
mod token;
mod workflow;
mod workflow_files;

use self::facts::{Facts, PublishFacts, SecretFacts, TagFacts};
pub use self::shared::Shared;
pub use self::{
    check::{Check, CheckName, Verdict},
    content::conflict,
    judge::{first_failure, judge},
};
use crate::{
    connection::Connection, diagnosis::Failure, git::advertisement::Advertisement, plan::Plan, refs::facts::RefsFacts,
};

/// A plan that has passed the preflight, with the groundwork that the checks have done.
#[derive(Clone, Debug)]
pub struct Cleared<P> {
    plan: P,
    facts: Facts,
}

impl Cleared<Plan> {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The target's refs as they were; nothing of interest when nothing is pushed.
    pub fn advertisement(&self) -> Advertisement {
        self.facts.refs.answer().cloned().unwrap_or_default()
    }

    /// The directory and what publishing it would do.
    pub fn publish(&self) -> Option<&PublishFacts> {
        self.facts.publish.as_ref().and_then(|publish| publish.as_ref().ok())
    }

    /// What pushing the refs of the checkout would do.
    pub fn refs(&self) -> Option<&RefsFacts> {
        self.facts.pushed_refs.as_ref().and_then(|refs| refs.as_ref().ok())
    }

    /// The tags that are there, and the commit to tag.
    pub fn tags(&self) -> Option<&TagFacts> {
        self.facts.tags.as_ref().and_then(|tags| tags.as_ref().ok())
    }

    /// What is known of the secret to set.
    pub fn secret(&self) -> Option<&SecretFacts> {
        self.facts.secret.as_ref()
    }

    /// How far the server's clock is ahead of this machine's.
    pub fn server_ahead(&self) -> chrono::Duration {
        self.facts.server_ahead
    }

    /// The server's clock when the preflight was done.
    pub fn at(&self) -> chrono::DateTime<chrono::Utc> {
        self.facts.now
    }

    /// The target's refs, as far as they were of interest; none when the credential may not see them.
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
    if plan.token.is_none() && !plan.can_do_without_token() {
        let check = token::present(&plan);
        let failure = check.failure().cloned();
        return match failure {
            Some(failure) => Preflight { checks: vec![check], ..stopped(failure) },
            None => Preflight { checks: vec![check], facts: None, outcome: Err(judge::contradiction()) },
        };
    }
    if let Some(Err(failure)) = &plan.refs {
        return stopped(failure.clone());
    }
    if let Some(directory) = &plan.push
        && let Err(failure) = shared.source.list(directory).await
    {
        return stopped(failure);
    }
    let facts = Box::pin(ask::ask(&plan, connection, shared)).await;
    let checks = judge(&plan, &facts);
    let failure = first_failure(&checks).cloned().or_else(|| facts.unprepared(&plan));
    let outcome = match failure {
        Some(failure) => Err(failure),
        None => Ok(Cleared { plan, facts: facts.clone() }),
    };
    Preflight { checks, facts: Some(facts), outcome }
}
