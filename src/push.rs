//! The push stage: a proposal is sent; a lost race is worked out again on the new tip, a lost answer is looked up.

use std::time::Instant;

use crate::{
    connection::Connection,
    diagnosis::Failure,
    git::{
        advertisement::{Advertisement, Interest},
        history,
        receive::{Command, PushError, PushRequest},
    },
    plan::{DirectoryPlan, Plan},
    preflight::{Cleared, facts::PublishFacts},
    progress::Event,
    publish::{proposal::Proposal, walk::shown},
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
    /// Another push came first.
    LostRace(Failure),
}

/// The branch that GitHub Pages is usually made from.
const PAGES: &str = "gh-pages";

/// How many paths a sentence names.
const NAMED: usize = 5;

/// How often in a row a push may lose a race although the branch does not move: another push that holds its lock does
/// that for a moment, a server that can not write its refs does it for ever.
const STANDSTILLS: u32 = 10;

/// Says what is worth knowing before anything is sent.
pub fn begin(cleared: &Cleared<Plan>, connection: &Connection) {
    let (Some(directory), Some(publish)) = (&cleared.plan().push, cleared.publish()) else { return };
    let skipped = &publish.hashed.listing().skipped;
    if !skipped.is_empty() {
        let (count, names) = (skipped.len(), named(skipped.iter().map(|path| &path[..])));
        let text = format!("Not published, since git holds no sockets, pipes and devices ({count}): {names}.");
        connection.watch.see(Event::Notice(&text));
    }
    let pointers: Vec<&[u8]> = publish.hashed.lfs_pointers().map(|file| &file.path[..]).collect();
    if !pointers.is_empty() && directory.branch().short() == PAGES {
        let (count, names) = (pointers.len(), named(pointers.into_iter()));
        let text = format!(
            "Git LFS pointers are published in place of the files ({count}): {names}. GitHub Pages serves the pointers as \
             they are. Let the files themselves come first: `lfs: true` under `with:` of actions/checkout."
        );
        connection.watch.see(Event::Warning(&text));
    }
}

/// The first of some paths, as a sentence names them.
fn named<'a>(paths: impl Iterator<Item = &'a [u8]> + Clone) -> String {
    let rest = paths.clone().skip(NAMED).count();
    let shown: Vec<_> = paths.take(NAMED).map(shown).collect();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    shown.join(", ") + &more
}

/// Publishes the directory, if the plan says so. `None`: nothing to push is planned.
pub async fn push(cleared: &Cleared<Plan>, connection: &Connection) -> Result<Option<Pushed>, Failure> {
    let plan = cleared.plan();
    let (Some(directory), Some(publish)) = (&plan.push, cleared.publish()) else { return Ok(None) };
    let PublishFacts { hashed, base, proposal, .. } = publish;
    let (mut base, mut proposal) = (base.clone(), proposal.clone());
    let mut advertisement = cleared.advertisement();
    let Connection { remote, retries, .. } = connection;
    let mut races = retries.races();
    let mut standstills = 0;
    let mut begun = Instant::now();
    let what = format!("push to {}", directory.branch().short());
    // A dry run shows the proposal and does not send it.
    while !proposal.is_unchanged() && !plan.behaviour.dry_run {
        let send = || send(directory, &proposal, &advertisement, connection);
        let failure = match retries.run(&what, send).await? {
            Sent::Done => break,
            Sent::LostRace(failure) => failure,
        };
        // Looked at only after the pause: what was seen before it would be out of date, and the next race lost too.
        races.lost(&what, begun.elapsed()).await?;
        begun = Instant::now();
        advertisement = advertised(directory.branch(), connection).await?;
        let tip = advertisement.tip(directory.branch());
        if tip == Some(proposal.new_tip) {
            break;
        }
        standstills = if tip == proposal.tip { standstills + 1 } else { 0 };
        if standstills > STANDSTILLS {
            return Err(failure);
        }
        base = base.moved_to(tip, directory, remote, retries).await?;
        proposal = Proposal::make(plan, directory, hashed, &base, remote, retries).await?;
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
    connection.doubt.begin(&format!("push to {}", command.name.short()));
    let outcome = match connection.remote.push(advertisement, &request, &connection.watch).await {
        Ok(_) => Ok(Sent::Done),
        Err(PushError::Failed(failure)) => Err(failure),
        Err(PushError::LostRace(failure)) => Ok(Sent::LostRace(failure)),
        Err(PushError::Unclear(failure)) => return look(&command, connection, failure).await,
    };
    connection.doubt.clear();
    outcome
}

/// What became of a push whose answer got lost. It is done when the branch holds the commit, or has it in its history;
/// it failed when the branch stands where it stood; else another push came first.
async fn look(command: &Command, connection: &Connection, failure: Failure) -> Result<Sent, Failure> {
    let Connection { remote, retries, .. } = connection;
    let tip = advertised(&command.name, connection).await?.tip(&command.name).unwrap_or(Oid::ZERO);
    if tip == command.new || tip == command.old || tip.is_zero() {
        connection.doubt.clear();
    }
    if tip == command.new {
        return Ok(Sent::Done);
    }
    if tip == command.old {
        return Err(failure.undone());
    }
    if tip.is_zero() {
        return Ok(Sent::LostRace(failure));
    }
    let holds = || history::holds(remote, tip, command.new, command.old);
    let landed = retries.run("look at the branch's history", holds).await?;
    connection.doubt.clear();
    Ok(if landed { Sent::Done } else { Sent::LostRace(failure) })
}

async fn advertised(branch: &RefName, connection: &Connection) -> Result<Advertisement, Failure> {
    let interest = Interest::names([branch]);
    let look = || connection.remote.advertise(&interest);
    connection.retries.run("look at what became of the push", look).await
}
