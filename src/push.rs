//! The push stage: a proposal is sent; a lost race is worked out again on the new tip, a lost answer is looked up.

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
    publish::proposal::Proposal,
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
    /// Another push came first; these are the refs by now.
    LostRace(Advertisement, Failure),
}

/// How often in a row a push may lose a race although the branch does not move: another push that holds its lock does
/// that for a moment, a server that can not write its refs does it for ever.
const STANDSTILLS: u32 = 10;

/// Publishes the directory, if the plan says so. `None`: nothing to push is planned.
pub async fn push(cleared: &Cleared<Plan>, connection: &Connection) -> Result<Option<Pushed>, Failure> {
    let plan = cleared.plan();
    let (Some(directory), Some(publish)) = (&plan.push, cleared.publish()) else { return Ok(None) };
    let PublishFacts { hashed, proposal, .. } = publish;
    let mut proposal = proposal.clone();
    let mut advertisement = cleared.advertisement();
    let mut races = connection.retries.races();
    let mut standstills = 0;
    let what = format!("push to {}", directory.branch().short());
    // A dry run shows the proposal and does not send it.
    while !proposal.is_unchanged() && !plan.behaviour.dry_run {
        let send = || send(directory, &proposal, &advertisement, connection);
        match connection.retries.run(&what, send).await? {
            Sent::Done => break,
            Sent::LostRace(now, failure) => {
                let tip = now.tip(directory.branch());
                standstills = if tip == proposal.tip { standstills + 1 } else { 0 };
                if standstills > STANDSTILLS {
                    return Err(failure);
                }
                advertisement = now;
            }
        }
        races.lost(&what).await?;
        let tip = advertisement.tip(directory.branch());
        let Connection { remote, retries, .. } = connection;
        proposal = Proposal::make(plan, directory, hashed, tip, remote, retries).await?;
    }
    let branch = directory.branch().clone();
    Ok(Some(Pushed { branch, old: proposal.tip, new: proposal.new_tip, forced: proposal.rewrites, proposal }))
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
        Err(PushError::Failed(failure)) => Err(failure),
        Err(PushError::LostRace(failure)) => look(&command, false, connection, failure).await,
        Err(PushError::Unclear(failure)) => look(&command, true, connection, failure).await,
    }
}

/// What became of a push that lost a race, or (`unclear`) whose answer got lost. It is done when the branch holds the
/// commit, or has it in its history; it failed when the branch stands where it stood; else another push came first.
async fn look(command: &Command, unclear: bool, connection: &Connection, failure: Failure) -> Result<Sent, Failure> {
    let Connection { remote, retries, .. } = connection;
    let interest = Interest::names([&command.name]);
    let look = || remote.advertise(&interest);
    let advertisement = retries.run("look at what became of the push", look).await?;
    let tip = advertisement.tip(&command.name).unwrap_or(Oid::ZERO);
    if tip == command.new {
        return Ok(Sent::Done);
    }
    if !unclear || tip.is_zero() && !command.old.is_zero() {
        return Ok(Sent::LostRace(advertisement, failure));
    }
    if tip == command.old {
        return Err(failure.with_retry(Retry::Backoff));
    }
    let holds = || history::holds(remote, tip, command.new, command.old);
    let landed = retries.run("look at the branch's history", holds).await?;
    Ok(if landed { Sent::Done } else { Sent::LostRace(advertisement, failure) })
}
