//! The tag stage: by git alone, with an empty pack or a pack of tag objects, so that one way serves every transport.

use crate::preflight::facts::TagFacts;
use std::time::Instant;

use crate::github::limits::TAGS_THAT_START;
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure, Retry},
    git::{
        advertisement::{Advertisement, RefSelection},
        commit::tag as tag_object,
        commits::commit_of,
        format::ObjectKind,
        pack::{Pack, PackEntry},
        receive::{PushError, PushRequest, RefCommand},
    },
    inputs::TagExists,
    names::{Oid, RefName},
    plan::{Plan, TagPlan},
    preflight::{Cleared, conflict},
    publish::message::placeholders,
};

/// One tag after the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// The tag.
    pub name: RefName,
    /// What it held before; none: it was created.
    pub old: Option<Oid>,
    /// What it holds now: a commit, or a tag object.
    pub new: Oid,
    /// The commit that it leads to.
    pub commit: Oid,
}

impl Tagged {
    /// Whether the tag was left as it was.
    pub fn is_unchanged(&self) -> bool {
        self.old == Some(self.new)
    }
}

/// One tag that has to be made or moved.
#[derive(Clone, Debug)]
struct Update {
    tagged: Tagged,
    object: Option<PackEntry>,
}

/// Makes the tags of the plan; `pushed` is the branch's tip after the push stage; `note` hears of each batch as soon as it is
/// there. What a dry run would make is the same, not sent.
pub async fn tag(
    cleared: &Cleared<Plan>,
    (tags, known): (&TagPlan, &TagFacts),
    pushed: Option<Oid>,
    connection: &Connection,
    note: &mut dyn FnMut(&[Tagged]),
) -> Result<Vec<Tagged>, Failure> {
    let plan = cleared.plan();
    let commit = known.commit.or(pushed).ok_or_else(|| {
        Failure::new(
            Cause::InvalidRefOrObject,
            "There is no commit to tag: `tag-target` is empty and nothing was pushed.",
        )
    })?;
    let mut done = Vec::new();
    let mut updates = Vec::new();
    for (name, exists) in &tags.tags {
        match decide(cleared, tags, name, *exists, known.existing.get(name).copied(), commit)? {
            Decision::Keep(tagged) => done.push(tagged),
            Decision::Write(update) => updates.push((*exists, update)),
        }
    }
    // A release before the majors that follow it: a step that is cut short leaves no `v1` ahead of its `v1.4.2`.
    updates.sort_by_key(|(exists, _)| *exists == TagExists::Move);
    let updates: Vec<Update> = updates.into_iter().map(|(_, update)| update).collect();
    let mut advertisement = cleared.advertisement();
    // GitHub starts no workflow for the tags of a push that has more than three.
    for batch in updates.chunks(TAGS_THAT_START) {
        let written = if plan.behaviour.dry_run {
            batch.to_vec()
        } else {
            write(cleared, tags, batch.to_vec(), &mut advertisement, connection).await?
        };
        let written: Vec<Tagged> = written.into_iter().map(|update| update.tagged).collect();
        note(&written);
        done.extend(written);
    }
    // Outputs and report keep the order of the input.
    done.sort_by_key(|tagged| tags.tags.iter().position(|(name, _)| *name == tagged.name));
    Ok(done)
}

enum Decision {
    Keep(Tagged),
    Write(Update),
}

/// What is to be done about one tag that should lead to `commit`; `there` is its present value and the commit behind it.
fn decide(
    cleared: &Cleared<Plan>,
    tags: &TagPlan,
    name: &RefName,
    exists: TagExists,
    there: Option<(Oid, Oid)>,
    commit: Oid,
) -> Result<Decision, Failure> {
    let plan = cleared.plan();
    if let Some((value, at)) = there {
        if let Some(failure) = conflict(name, exists, at, Some(commit)) {
            return Err(failure);
        }
        // The commit decides: an annotated tag stays where a plain one is asked for, and the other way round.
        if at == commit {
            return Ok(Decision::Keep(Tagged { name: name.clone(), old: Some(value), new: value, commit }));
        }
    }
    let object = tags.message.as_ref().map(|message| -> Result<PackEntry, Failure> {
        let text = placeholders(message, &plan.origin, Some(name.short()));
        let content = tag_object(name.short(), commit, cleared.author(), &text, chrono::Utc::now());
        let content = match &plan.signing_key {
            Some(key) => key.sign_tag(&content)?,
            None => content,
        };
        Ok(PackEntry::Data { kind: ObjectKind::Tag, oid: ObjectKind::Tag.id_of(&content), content: content.into() })
    });
    let object = object.transpose()?;
    let new = object.as_ref().map_or(commit, PackEntry::oid);
    let tagged = Tagged { name: name.clone(), old: there.map(|(value, _)| value), new, commit };
    Ok(Decision::Write(Update { tagged, object }))
}

/// Pushes one batch. A tag that another push made meanwhile is decided about again.
async fn write(
    cleared: &Cleared<Plan>,
    tags: &TagPlan,
    mut batch: Vec<Update>,
    advertisement: &mut Advertisement,
    connection: &Connection,
) -> Result<Vec<Update>, Failure> {
    let what = what(&batch);
    let mut races = connection.retries.races();
    let mut begun = Instant::now();
    let mut kept = Vec::new();
    while !batch.is_empty() {
        let send = || send(&batch, advertisement, connection);
        if connection.retries.run(&what, send).await? {
            break;
        }
        races.lost(&what, begun.elapsed()).await?;
        begun = Instant::now();
        *advertisement = look(&batch, connection).await?;
        let mut open = Vec::new();
        for update in std::mem::take(&mut batch) {
            let name = &update.tagged.name;
            // As it was, it is sent as it is: an earlier try may be done yet, and must be no other.
            if advertisement.tip(name) == update.tagged.old {
                open.push(update);
                continue;
            }
            if advertisement.tip(name) == Some(update.tagged.new) {
                kept.push(update);
                continue;
            }
            let there = match advertisement.tip(name) {
                Some(value) => {
                    let look = || commit_of(&connection.remote, value);
                    Some((value, connection.retries.run("look at the tag that is there", look).await?))
                }
                None => None,
            };
            let exists = tags.tags.iter().find(|(tag, _)| tag == name).map_or(TagExists::Keep, |(_, exists)| *exists);
            match decide(cleared, tags, name, exists, there, update.tagged.commit)? {
                Decision::Keep(tagged) => kept.push(Update { tagged, object: None }),
                Decision::Write(update) => open.push(update),
            }
        }
        batch = open;
    }
    // Whichever try it was by.
    connection.pending_write.resolved();
    kept.extend(batch);
    Ok(kept)
}

fn what(batch: &[Update]) -> String {
    let names: Vec<&str> = batch.iter().map(|update| update.tagged.name.short()).collect();
    format!("push of {}", names.join(", "))
}

/// Sends a batch once; the answer is whether it is done, or lost against another push.
async fn send(batch: &[Update], advertisement: &Advertisement, connection: &Connection) -> Result<bool, Failure> {
    let command = |update: &Update| RefCommand {
        name: update.tagged.name.clone(),
        old: update.tagged.old.unwrap_or(Oid::ZERO),
        new: update.tagged.new,
    };
    let request = PushRequest {
        commands: batch.iter().map(command).collect(),
        pack: Pack::new(batch.iter().filter_map(|update| update.object.clone()).collect()),
        // A refused tag must not leave the release half tagged.
        atomic: true,
    };
    let pending_write = &connection.pending_write;
    pending_write.sent(&what(batch));
    let failure = match connection.remote.push(advertisement, &request, &connection.watch).await {
        Ok(_) => {
            pending_write.resolved();
            return Ok(true);
        }
        Err(PushError::Unclear(fault)) => Failure::from(fault),
        Err(PushError::LostRace(fault)) => {
            pending_write.answered();
            fault.into()
        }
        Err(PushError::Failed(fault)) => {
            pending_write.answered();
            return Err(fault.into());
        }
    };
    let now = look(batch, connection).await?;
    let holds = |update: &Update, value: Option<Oid>| now.tip(&update.tagged.name) == value;
    if batch.iter().all(|update| holds(update, Some(update.tagged.new))) {
        pending_write.resolved();
        return Ok(true);
    }
    let unmoved: Vec<Update> = batch.iter().filter(|update| holds(update, update.tagged.old)).cloned().collect();
    // A silent server may still be at work on those. They may be sent again all the same: each try names the old value
    // and brings the same object, so that no more than one of them is done.
    if unmoved.is_empty() {
        pending_write.resolved();
    } else if failure.retry == Retry::Silence {
        pending_write.unanswered(&what(&unmoved));
    } else {
        pending_write.answered();
    }
    if unmoved.len() == batch.len() { Err(failure.undone()) } else { Ok(false) }
}

async fn look(batch: &[Update], connection: &Connection) -> Result<Advertisement, Failure> {
    let selection = RefSelection::names(batch.iter().map(|update| &update.tagged.name));
    let look = || connection.remote.advertise(&selection);
    connection.retries.run("look at the tags", look).await
}
