//! The push stage for refs: one batch after the other, with a result for each ref.

use crate::refs::facts::RefsFacts;
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use super::{sweep::sweep, upload::upload};
use crate::refs::{
    Local,
    blocking::blocking,
    facts::{Batch, RefUpdate},
    prepare::refused,
};
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure, Retry, Situation},
    git::{
        advertisement::{Advertisement, RefSelection},
        checkout::Reach,
        receive::{PushError, PushReport, PushRequest, RefCommand},
    },
    names::{Oid, RefName},
    pending_write::PendingWrite,
    plan::Plan,
    preflight::Cleared,
};

/// Pushes the refs of the plan. What landed is added to `landed`, also when the whole fails; of a dry run it is what would have.
pub async fn push(
    cleared: &Cleared<Plan>,
    local: &Local,
    refs: &RefsFacts,
    connection: &Connection,
    landed: &mut Vec<RefUpdate>,
) -> Result<(), Failure> {
    let advertisement = cleared.advertisement();
    for batch in &refs.batches {
        if cleared.plan().behaviour.dry_run {
            landed.extend_from_slice(&batch.updates);
        } else {
            let helpers = upload(&batch.parts, cleared, &advertisement, connection).await?;
            send((batch, &helpers), local, &advertisement, connection, landed).await?;
            for helper in &helpers {
                connection.scratch.forget(&helper.name);
            }
        }
    }
    // After the push, so that a clean-up cannot hold up what the step is for.
    sweep(cleared, connection).await;
    Ok(())
}

/// A batch on its way.
#[derive(Default)]
struct Progress {
    open: Vec<RefUpdate>,
    landed: Vec<RefUpdate>,
    /// Sent to a server that was silent until it was given up on, and not settled since: it may do them yet.
    pending: BTreeSet<RefName>,
    /// Refused for good: the first is the failure.
    refused: Vec<(RefUpdate, Failure)>,
}

async fn send(
    (batch, helpers): (&Batch, &[RefCommand]),
    local: &Local,
    advertisement: &Advertisement,
    connection: &Connection,
    landed: &mut Vec<RefUpdate>,
) -> Result<(), Failure> {
    let what = what(names(&batch.updates));
    let progress = Mutex::new(Progress { open: batch.updates.clone(), ..Progress::default() });
    let outcome =
        connection.retries.run(&what, || attempt((batch, helpers), local, advertisement, connection, &progress)).await;
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    landed.extend(progress.landed);
    let Some((first, failure)) = progress.refused.first() else { return outcome };
    let others: Vec<_> = progress.refused[1..].iter().map(|(update, _)| update.name.short()).collect();
    if others.is_empty() {
        return Err(failure.clone());
    }
    let what = format!("{} Refused besides {}: {}.", failure.what, first.name.short(), others.join(", "));
    Err(Failure { what, ..failure.clone() })
}

impl Progress {
    /// It is done, or cannot be done any more with the old value that was named.
    fn settled(&mut self, name: &RefName) {
        self.pending.remove(name);
    }

    /// Sorts what was sent by the report on it. Returns what only a look at the refs can tell, and the failure of the first
    /// update that can be sent again.
    fn sort(
        &mut self,
        sent: Vec<RefUpdate>,
        report: &PushReport,
        situation: &Situation,
    ) -> (Vec<(RefUpdate, Failure)>, Option<Failure>) {
        let (mut unsure, mut again) = (Vec::new(), None);
        for update in sent {
            if report.is_done(&update.name) {
                self.settled(&update.name);
                self.landed.push(update);
                continue;
            }
            match report.error_of(&update.name, situation) {
                PushError::Failed(fault) => {
                    let failure = Failure::from(fault);
                    if failure.retry == Retry::Never {
                        self.refused.push((update, failure));
                    } else {
                        self.open.push(update);
                        again.get_or_insert(failure);
                    }
                }
                PushError::LostRace(fault) | PushError::Unclear(fault) => unsure.push((update, fault.into())),
            }
        }
        (unsure, again)
    }

    /// Names the updates that are in doubt once a try is over.
    fn annotate(&self, pending_write: &PendingWrite) {
        match self.pending.len() {
            0 => pending_write.resolved(),
            _ => pending_write.unanswered(&what(self.pending.iter())),
        }
    }
}

fn what<'a>(mut names: impl ExactSizeIterator<Item = &'a RefName>) -> String {
    match (names.len(), names.next()) {
        (1, Some(name)) => format!("push of {}", name.short()),
        (count, _) => format!("push of {count} refs"),
    }
}

fn names(updates: &[RefUpdate]) -> impl ExactSizeIterator<Item = &RefName> {
    updates.iter().map(|update| &update.name)
}

/// Sends what is open once, and sorts it by what became of it. An error is that of what is still open.
async fn attempt(
    (batch, helpers): (&Batch, &[RefCommand]),
    local: &Local,
    advertisement: &Advertisement,
    connection: &Connection,
    progress: &Mutex<Progress>,
) -> Result<(), Failure> {
    let locked = || progress.lock().unwrap_or_else(PoisonError::into_inner);
    let open = locked().open.clone();
    let commands = open.iter().map(command).chain(helpers.iter().cloned()).collect();
    // Only with scratch refs atomic: a rule that refuses one ref must not keep the others back.
    let request = PushRequest { commands, pack: batch.pack.clone(), atomic: !helpers.is_empty() };
    let mut again: Option<Failure> = None;
    connection.pending_write.sent(&what(names(&open)));
    let outcome = connection.remote.push_each(advertisement, &request, &connection.watch).await;
    if !matches!(outcome, Err(PushError::Unclear(_))) {
        connection.pending_write.answered();
    }
    let unsure = match outcome {
        Ok(report) => {
            let mut progress = locked();
            progress.open.clear();
            let (unsure, failure) = progress.sort(open, &report, connection.remote.situation());
            again = failure;
            unsure
        }
        // The push was refused as a whole, before any ref was: all of them stay open.
        Err(PushError::Failed(fault)) => return Err(fault.into()),
        Err(PushError::Unclear(fault) | PushError::LostRace(fault)) => {
            let failure = Failure::from(fault);
            locked().open.clear();
            open.into_iter().map(|update| (update, failure.clone())).collect()
        }
    };
    if !unsure.is_empty() {
        let now = look(&unsure, connection).await?;
        for (update, failure) in unsure {
            let unmoved = now.tip(&update.name) == update.old;
            let known = now_known(update, local, &now).await?;
            let mut progress = locked();
            match known {
                UpdateFate::Landed(update) => {
                    progress.settled(&update.name);
                    progress.landed.push(update);
                }
                UpdateFate::Refused(update, failure) => {
                    progress.settled(&update.name);
                    progress.refused.push((update, failure));
                }
                UpdateFate::Open(update) => {
                    // It may be sent again all the same: each try names the old value, so that no more than one is done.
                    if unmoved && failure.retry == Retry::Silence {
                        progress.pending.insert(update.name.clone());
                    } else if !unmoved {
                        progress.settled(&update.name);
                    }
                    progress.open.push(update);
                    again.get_or_insert(failure.undone());
                }
            }
        }
    }
    locked().annotate(&connection.pending_write);
    again.map_or(Ok(()), Err)
}

/// What became of an update that another push may have come before.
enum UpdateFate {
    Landed(RefUpdate),
    Refused(RefUpdate, Failure),
    /// It may be sent again.
    Open(RefUpdate),
}

async fn now_known(update: RefUpdate, local: &Local, now: &Advertisement) -> Result<UpdateFate, Failure> {
    let there = now.tip(&update.name);
    if there == update.new {
        return Ok(UpdateFate::Landed(update));
    }
    if there == update.old {
        return Ok(UpdateFate::Open(update));
    }
    let name = update.name.short();
    // `+` was written with the value in mind that was seen: what another push has brought since may not be lost.
    let failure = match (there, update.new) {
        (Some(there), Some(new)) if !update.lease => {
            if update.name.is_branch() && leads_to(local, there, new).await? {
                return Ok(UpdateFate::Open(RefUpdate { old: Some(there), ..update }));
            }
            refused(&update.name, there, new, false)
        }
        _ => {
            let there = there.map_or_else(|| "gone".to_owned(), |there| format!("at {}", there.short()));
            let what = format!("{name} was changed by another push while this step ran: it is {there} now.");
            Failure::new(Cause::StaleInfo, what)
        }
    };
    Ok(UpdateFate::Refused(update, failure))
}

/// Whether the checkout proves that `old` is an ancestor of `new`.
async fn leads_to(local: &Local, old: Oid, new: Oid) -> Result<bool, Failure> {
    let mut reach = Reach::new(local.objects.clone(), local.shallow.clone());
    blocking(move || Ok(reach.is_here(old) && reach.is_ancestor(old, new)?)).await
}

fn command(update: &RefUpdate) -> RefCommand {
    let RefUpdate { name, old, new, .. } = update.clone();
    RefCommand { name, old: old.unwrap_or(Oid::ZERO), new: new.unwrap_or(Oid::ZERO) }
}

async fn look(updates: &[(RefUpdate, Failure)], connection: &Connection) -> Result<Advertisement, Failure> {
    let selection = RefSelection::names(updates.iter().map(|(update, _)| &update.name));
    let look = || connection.remote.advertise(&selection);
    connection.retries.run("look at what became of the push", look).await
}
