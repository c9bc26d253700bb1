//! The push stage: a proposal is sent; a lost race is worked out again on the new tip, a lost answer is looked up.

use std::time::Instant;

use super::{signed::Signing, sweep::sweep};
use crate::{
    connection::Connection,
    diagnosis::{Failure, Retry},
    git::{
        advertisement::{Advertisement, RefSelection},
        history,
        pack::Pack,
        receive::{PushError, PushRequest, RefCommand},
    },
    names::{Oid, RefName},
    plan::{Plan, Signer},
    preflight::{Cleared, facts::PublishFacts},
    progress::Event,
    publish::{directory::DirectoryPlan, earlier, proposal::Proposal, walk::shown},
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
enum PushTry {
    Done,
    /// Another push came first.
    LostRace(Failure),
}

/// The branch that GitHub Pages is usually made from.
const PAGES: &str = "gh-pages";

/// The size of a directory, in bytes, from which a warning speaks of the limit of Pages, which is 1 GB.
///
/// Source: <https://docs.github.com/en/pages/getting-started-with-github-pages/github-pages-limits>
const SITE_WARNING: u64 = 900_000_000;

/// How many paths a sentence names.
const NAMED: usize = 5;

/// How often in a row a push may lose a race although the branch does not move: another push that holds its lock does
/// that for a moment, a server that cannot write its refs does it for ever.
const STANDSTILLS: u32 = 10;

/// Says what is worth knowing before anything is sent.
pub fn begin(directory: &DirectoryPlan, publish: &PublishFacts, connection: &Connection) {
    let skipped = &publish.hashed.listing().skipped;
    if !skipped.is_empty() {
        let (count, names) = (skipped.len(), named(skipped.iter().map(|path| &path[..])));
        let text = format!("Not published, since git holds no sockets, pipes and devices ({count}): {names}.");
        connection.watch.see(Event::Notice(&text));
    }
    let branch = directory.branch().short();
    let is_site = publish.commit.about.pages.as_ref().map_or(branch == PAGES, |(source, _)| source == branch);
    if is_site && let Some(text) = near_the_limit(publish.hashed.listing().bytes()) {
        connection.watch.see(Event::Warning(&text));
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

/// What to say of a directory of `bytes` bytes that becomes a site.
fn near_the_limit(bytes: u64) -> Option<String> {
    (bytes >= SITE_WARNING).then(|| {
        format!(
            "The directory has {} MB; GitHub Pages refuses a site of more than 1 GB, with all that the branch holds. \
             Publish less with `exclude`, or remove old folders (`prune-previews`).",
            bytes / 1_000_000
        )
    })
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
    let name = cleared.route().proposed.as_ref().map_or(directory.branch(), |proposed| &proposed.head);
    let there = cleared.advertisement().tip(name);
    let proposal = publish.proposal.clone();
    // A dry run shows the proposal and does not send it.
    let pushed = if plan.behaviour.dry_run {
        pushed(name, there, proposal.new_tip, proposal)
    } else if proposal.is_unchanged() {
        pushed(directory.branch(), proposal.tip, proposal.new_tip, proposal)
    // Sending it again would only change the commit's time, and start the checks of the pull request anew.
    } else if let Some(tip) = there.filter(|_| is_proposed_already(cleared, &proposal)) {
        pushed(name, there, tip, proposal)
    } else {
        let mut signing = match cleared.route().signer {
            Signer::Step => None,
            Signer::GitHub => Some(Signing::new(cleared, connection)?),
        };
        let landed = land(cleared, directory, publish, connection, name, &mut signing).await;
        // Also after a failure: nobody else knows that the scratch ref is there.
        if let Some(signing) = &mut signing {
            signing.discard().await;
        }
        landed?
    };
    // After the push, so that a clean-up cannot hold up what the step is for.
    sweep(cleared, connection).await;
    Ok(pushed)
}

fn pushed(branch: &RefName, old: Option<Oid>, new: Oid, proposal: Proposal) -> Pushed {
    // A proposed branch is made anew on the branch that it is for.
    let elsewhere = old.is_some() && old != proposal.tip && old != Some(new);
    Pushed { branch: branch.clone(), old, new, forced: proposal.rewrites || elsewhere, proposal }
}

/// Whether the proposed branch holds this very change: the same files, on the same commit.
fn is_proposed_already(cleared: &Cleared<Plan>, proposal: &Proposal) -> bool {
    let known = cleared.proposed().filter(|_| cleared.route().proposed.is_some());
    match (known.and_then(|known| known.commit.as_ref()), proposal.commit()) {
        (Some(there), Some(ours)) => there.tree == ours.tree && there.parents == ours.parents,
        _ => false,
    }
}

/// Pushes to `name` until the change is there: a lost race is worked out again on the new tip of the branch.
async fn land(
    cleared: &Cleared<Plan>,
    directory: &DirectoryPlan,
    publish: &PublishFacts,
    connection: &Connection,
    name: &RefName,
    signing: &mut Option<Signing<'_>>,
) -> Result<Pushed, Failure> {
    let PublishFacts { hashed, commit, base, proposal, .. } = publish;
    let (mut base, mut proposal) = (base.clone(), proposal.clone());
    let mut advertisement = cleared.advertisement();
    let mut there = advertisement.tip(name);
    let mut signed = None;
    let Connection { remote, retries, .. } = connection;
    let mut races = retries.races();
    let mut standstills = 0;
    let mut looked_at = base.looked_at();
    let what = format!("push to {}", name.short());
    // Once: the store keeps what it brings for the tries after a lost race.
    earlier::fetch(&base, &proposal, remote, retries).await;
    let mut sent = None;
    while !proposal.is_unchanged() {
        // In a crowd the branch moves on while the change is worked out again: a look costs less than a pack that comes too late.
        let overtaken = races.count() > 0 && {
            advertisement = look(name, directory, signing.as_mut(), connection).await?;
            (advertisement.tip(directory.branch()), advertisement.tip(name)) != (proposal.tip, there)
        };
        if !overtaken {
            let new = match (signing.as_mut(), signed) {
                (None, _) => proposal.new_tip,
                // GitHub's commit serves as long as the change is the same: new content is limited to 80 requests a minute.
                (Some(_), Some(signed)) => signed,
                (Some(signing), None) => signing.sign(&proposal, &advertisement).await?,
            };
            signed = signing.as_ref().map(|_| new);
            let command = RefCommand { name: name.clone(), old: there.unwrap_or(Oid::ZERO), new };
            let deletion = signing.as_ref().and_then(Signing::deletion);
            // With the commit of GitHub the server has all objects.
            let pack = if signing.is_some() { Pack::default() } else { proposal.pack.clone() };
            let commands = [command.clone()].into_iter().chain(deletion).collect();
            // The branch moves and the scratch ref goes, or neither.
            let request = PushRequest { commands, pack, atomic: true };
            match retries.run(&what, || send(&command, &request, &advertisement, connection)).await? {
                PushTry::Done => {
                    signing.iter_mut().for_each(Signing::done);
                    return Ok(pushed(name, there, new, proposal));
                }
                PushTry::LostRace(failure) => sent = Some((command, failure)),
            }
        }
        // Looked at only after the pause: what was seen before it would be out of date, and the next race lost too.
        races.lost(&what, looked_at.elapsed()).await?;
        advertisement = look(name, directory, signing.as_mut(), connection).await?;
        let since = std::mem::replace(&mut looked_at, Instant::now()).elapsed();
        let (tip, now) = (advertisement.tip(directory.branch()), advertisement.tip(name));
        if tip == proposal.tip && now == there {
            standstills += 1;
            match sent {
                Some((_, failure)) if standstills > STANDSTILLS => return Err(failure),
                // The same commit again: what an earlier try may do yet is then no other than what this one does.
                _ => continue,
            }
        }
        standstills = 0;
        if let Some((command, _)) = &sent
            && landed(command, now, connection).await?
        {
            return Ok(pushed(name, there, command.new, proposal));
        }
        there = now;
        if tip != proposal.tip {
            base = base.moved_to(tip, directory, remote, retries).await?;
            races.seen(base.newer(), since);
            proposal = Proposal::make(directory, commit, hashed, &base, remote, retries).await?;
            signed = None;
        }
    }
    Ok(pushed(directory.branch(), proposal.tip, proposal.new_tip, proposal))
}

/// Sends `request` once, of which `command` is the part that counts.
async fn send(
    command: &RefCommand,
    request: &PushRequest,
    advertisement: &Advertisement,
    connection: &Connection,
) -> Result<PushTry, Failure> {
    let (pending_write, what) = (&connection.pending_write, format!("push to {}", command.name.short()));
    pending_write.sent(&what);
    let failure = match connection.remote.push(advertisement, request, &connection.watch).await {
        Ok(_) => {
            pending_write.resolved();
            return Ok(PushTry::Done);
        }
        Err(PushError::Unclear(fault)) => Failure::from(fault),
        Err(PushError::Failed(fault)) => {
            pending_write.answered();
            return Err(fault.into());
        }
        // What came first may be this very commit, by an earlier try: that is looked at after the pause.
        Err(PushError::LostRace(fault)) => {
            pending_write.answered();
            return Ok(PushTry::LostRace(fault.into()));
        }
    };
    let tip = advertised(&RefSelection::names([&command.name]), connection).await?.tip(&command.name);
    if tip.unwrap_or(Oid::ZERO) != command.old {
        return Ok(if landed(command, tip, connection).await? { PushTry::Done } else { PushTry::LostRace(failure) });
    }
    // A silent server may still be at work on it. It may be sent again all the same: each try names the old tip and brings
    // the same commit, so that no more than one of them is done.
    if failure.retry == Retry::Silence {
        pending_write.unanswered(&what);
    } else {
        pending_write.answered();
    }
    Err(failure.undone())
}

/// Whether a push that was sent, and may have been done, is what moved the branch from where it stood: it is when the branch
/// now holds the commit, or has it in its history. No try that named the old tip can be done any more.
async fn landed(command: &RefCommand, tip: Option<Oid>, connection: &Connection) -> Result<bool, Failure> {
    let Connection { remote, retries, pending_write, .. } = connection;
    let holds = || history::holds(remote, tip.unwrap_or(Oid::ZERO), command.new, command.old);
    let landed = match tip {
        Some(tip) if tip == command.new => true,
        // Only a try without an answer can have landed unseen and been built
        // upon: else no request is spent on the history.
        Some(_) if pending_write.is_open() => retries.run("look at the branch's history", holds).await?,
        _ => false,
    };
    pending_write.resolved();
    Ok(landed)
}

/// The refs that the next try depends on, as the server has them now.
async fn look(
    name: &RefName,
    directory: &DirectoryPlan,
    signing: Option<&mut Signing<'_>>,
    connection: &Connection,
) -> Result<Advertisement, Failure> {
    let selection = [name, directory.branch()].into_iter().chain(signing.as_ref().map(|signing| signing.name()));
    let advertisement = advertised(&RefSelection::names(selection), connection).await?;
    if let Some(signing) = signing {
        signing.seen(&advertisement);
    }
    Ok(advertisement)
}

async fn advertised(selection: &RefSelection, connection: &Connection) -> Result<Advertisement, Failure> {
    let look = || connection.remote.advertise(selection);
    connection.retries.run("look at what became of the push", look).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_comes_before_the_limit_of_pages() {
        assert_eq!(near_the_limit(SITE_WARNING - 1), None);
        assert!(near_the_limit(900_000_000).unwrap().starts_with("The directory has 900 MB;"));
    }
}
