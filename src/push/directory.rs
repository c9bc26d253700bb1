//! The push stage: a proposal is sent; a lost race is worked out again on the new tip, a lost answer is looked up.

use std::time::Instant;

use crate::{
    connection::Connection,
    diagnosis::{Failure, Retry},
    git::{
        advertisement::{Advertisement, Interest},
        history,
        receive::{Command, PushError, PushRequest},
    },
    names::{Oid, RefName},
    plan::Plan,
    preflight::{Cleared, facts::PublishFacts},
    progress::Event,
    publish::{directory::DirectoryPlan, proposal::Proposal, walk::shown},
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
pub fn begin(directory: &DirectoryPlan, publish: &PublishFacts, connection: &Connection) {
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

/// Publishes the directory.
pub async fn push(
    cleared: &Cleared<Plan>,
    directory: &DirectoryPlan,
    publish: &PublishFacts,
    connection: &Connection,
) -> Result<Pushed, Failure> {
    let plan = cleared.plan();
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
        if tip == proposal.tip {
            standstills += 1;
            if standstills > STANDSTILLS {
                return Err(failure);
            }
            // The same commit again: what an earlier try may do yet is then no other than what this one does.
            continue;
        }
        standstills = 0;
        if landed(&command(directory, &proposal), tip, connection).await? {
            break;
        }
        base = base.moved_to(tip, directory, remote, retries).await?;
        proposal = Proposal::make(directory, &plan.commit_plan(), hashed, &base, remote, retries).await?;
    }
    let branch = directory.branch().clone();
    Ok(Pushed { branch, old: proposal.tip, new: proposal.new_tip, forced: proposal.rewrites, proposal })
}

async fn send(
    directory: &DirectoryPlan,
    proposal: &Proposal,
    advertisement: &Advertisement,
    connection: &Connection,
) -> Result<Sent, Failure> {
    let command = command(directory, proposal);
    let request = PushRequest { commands: vec![command.clone()], pack: proposal.pack.clone(), atomic: true };
    let (doubt, what) = (&connection.doubt, format!("push to {}", command.name.short()));
    doubt.begin(&what);
    let failure = match connection.remote.push(advertisement, &request, &connection.watch).await {
        Ok(_) => {
            doubt.settle();
            return Ok(Sent::Done);
        }
        Err(PushError::Unclear(failure)) => failure,
        Err(PushError::Failed(failure)) => {
            doubt.clear();
            return Err(failure);
        }
        // What came first may be this very commit, by an earlier try: that is looked at after the pause.
        Err(PushError::LostRace(failure)) => {
            doubt.clear();
            return Ok(Sent::LostRace(failure));
        }
    };
    let tip = advertised(&command.name, connection).await?.tip(&command.name);
    if tip.unwrap_or(Oid::ZERO) != command.old {
        return Ok(if landed(&command, tip, connection).await? { Sent::Done } else { Sent::LostRace(failure) });
    }
    // A silent server may still be at work on it. It may be sent again all the same: each try names the old tip and brings
    // the same commit, so that no more than one of them is done.
    if failure.retry == Retry::Silence {
        doubt.linger(&what);
    } else {
        doubt.clear();
    }
    Err(failure.undone())
}

fn command(directory: &DirectoryPlan, proposal: &Proposal) -> Command {
    Command { name: directory.branch().clone(), old: proposal.tip.unwrap_or(Oid::ZERO), new: proposal.new_tip }
}

/// Whether a push that was sent, and may have been done, is what moved the branch from where it stood: it is when the branch
/// now holds the commit, or has it in its history. No try that named the old tip can be done any more.
async fn landed(command: &Command, tip: Option<Oid>, connection: &Connection) -> Result<bool, Failure> {
    let Connection { remote, retries, doubt, .. } = connection;
    let holds = || history::holds(remote, tip.unwrap_or(Oid::ZERO), command.new, command.old);
    let landed = match tip {
        Some(tip) if tip == command.new => true,
        Some(_) if doubt.is_open() => retries.run("look at the branch's history", holds).await?,
        _ => false,
    };
    doubt.settle();
    Ok(landed)
}

async fn advertised(branch: &RefName, connection: &Connection) -> Result<Advertisement, Failure> {
    let interest = Interest::names([branch]);
    let look = || connection.remote.advertise(&interest);
    connection.retries.run("look at what became of the push", look).await
}
