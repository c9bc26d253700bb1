//! The push stage: a proposal is sent; a lost race is worked out again on the new tip, a lost answer is looked up.

use std::sync::Arc;

use crate::{
    connection::Connection,
    diagnosis::{Failure, Retry},
    git::{
        advertisement::{Advertisement, Interest},
        history,
        receive::{Command, PushError, PushRequest},
    },
    plan::{DirectoryPlan, Plan},
    preflight::{Cleared, facts::PublishFacts},
    publish::{hash::Hashed, proposal::Proposal},
    target::{Oid, RefName},
};

/// What became of a branch.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The branch.
    pub branch: RefName,
    /// Its tip before; none: it was created.
    pub old: Option<Oid>,
    /// Its tip now.
    pub new: Oid,
    /// Whether the old tip is no ancestor of the new one.
    pub forced: bool,
    /// The change as it landed.
    pub proposal: Proposal,
}

/// What one try of a push came to, when it is no failure.
enum Sent {
    Done,
    LostRace,
}

/// Publishes the directory, if the plan says so. `None`: nothing to push is planned.
pub async fn push(cleared: &Cleared<Plan>, connection: &Connection) -> Result<Option<Pushed>, Failure> {
    let plan = cleared.plan();
    let (Some(directory), Some(publish)) = (&plan.push, cleared.publish()) else { return Ok(None) };
    let PublishFacts { hashed, proposal } = publish;
    let mut proposal = proposal.clone();
    let mut advertisement = cleared.advertisement();
    let mut races = connection.retries.races();
    let what = format!("push to {}", directory.branch().short());
    // A dry run shows the proposal and does not send it.
    while !proposal.is_unchanged() && !plan.behaviour.dry_run {
        let send = || send(directory, &proposal, &advertisement, connection);
        match connection.retries.run(&what, send).await? {
            Sent::Done => break,
            Sent::LostRace => races.lost(&what).await?,
        }
        (advertisement, proposal) = again(plan, directory, hashed, connection).await?;
    }
    let branch = directory.branch().clone();
    Ok(Some(Pushed { branch, old: proposal.tip, new: proposal.new_tip, forced: proposal.rewrites, proposal }))
}

/// The same change on the tip that the branch has by now.
async fn again(
    plan: &Plan,
    directory: &DirectoryPlan,
    hashed: &Arc<Hashed>,
    connection: &Connection,
) -> Result<(Advertisement, Proposal), Failure> {
    let interest = Interest::names([directory.branch()]);
    let Connection { remote, retries, .. } = connection;
    let advertisement = retries.run("look at the branch", || remote.advertise(&interest)).await?;
    let tip = advertisement.tip(directory.branch());
    let proposal = Proposal::make(plan, directory, hashed, tip, remote, retries).await?;
    Ok((advertisement, proposal))
}

async fn send(
    directory: &DirectoryPlan,
    proposal: &Proposal,
    advertisement: &Advertisement,
    connection: &Connection,
) -> Result<Sent, Failure> {
    let command =
        Command { name: directory.branch().clone(), old: proposal.tip.unwrap_or(Oid::ZERO), new: proposal.new_tip };
    let request = PushRequest { commands: vec![command.clone()], pack: proposal.pack.clone(), atomic: true };
    match connection.remote.push(advertisement, &request, &connection.watch).await {
        Ok(_) => Ok(Sent::Done),
        Err(PushError::LostRace(_)) => Ok(Sent::LostRace),
        Err(PushError::Failed(failure)) => Err(failure),
        Err(PushError::Unclear(failure)) => look_up(&command, connection, failure).await,
    }
}

/// What became of a push whose answer got lost: done when the branch holds the commit, or has it in its history;
/// not done when the branch stands where it stood; else another push came first.
async fn look_up(command: &Command, connection: &Connection, failure: Failure) -> Result<Sent, Failure> {
    let Connection { remote, retries, .. } = connection;
    let interest = Interest::names([&command.name]);
    let look = || remote.advertise(&interest);
    let advertisement = retries.run("look at what became of the push", look).await?;
    let tip = advertisement.tip(&command.name).unwrap_or(Oid::ZERO);
    if tip == command.new {
        return Ok(Sent::Done);
    }
    if tip == command.old {
        return Err(failure.with_retry(Retry::Backoff));
    }
    if tip.is_zero() {
        return Ok(Sent::LostRace);
    }
    let holds = || history::holds(remote, tip, command.new, command.old);
    let landed = retries.run("look at the branch's history", holds).await?;
    Ok(if landed { Sent::Done } else { Sent::LostRace })
}
