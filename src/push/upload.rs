//! What is more than one push takes: its parts go to helper refs first, `refs/repo-relay/upload/ID`, each part below the limit.
//! The push that sets the refs deletes them.

use std::sync::{Mutex, PoisonError};

use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure},
    git::{
        advertisement::{Advertisement, RefSelection},
        checkout::Part,
        receive::{PushError, PushRequest, RefCommand},
        scratch,
    },
    names::Oid,
    plan::Plan,
    preflight::Cleared,
    progress::Event,
};

/// Sends the parts in their order, and returns the commands that delete their helper refs. Whatever ends the step, its end
/// deletes them, too.
///
/// # Errors
/// What a push can fail with. Nothing but helper refs was written.
pub(super) async fn upload(
    parts: &[Part],
    cleared: &Cleared<Plan>,
    advertisement: &Advertisement,
    connection: &Connection,
) -> Result<Vec<RefCommand>, Failure> {
    let mut helpers = Vec::new();
    if parts.is_empty() {
        return Ok(helpers);
    }
    let text = format!("More than one push takes: {} parts go to helper refs first.", parts.len());
    connection.watch.see(Event::Notice(&text));
    let no_name = |error| Failure::new(Cause::InternalError, format!("There is no name for a helper ref: {error}."));
    let base = scratch::upload_name(cleared.at()).map_err(no_name)?;
    for (number, part) in parts.iter().enumerate() {
        let mut commands = Vec::new();
        for head in &part.heads {
            let name = format!("{base}-{}", helpers.len() + commands.len()).parse().map_err(no_name)?;
            // Before the push: an answer that gets lost may leave the ref behind.
            connection.scratch.note(&connection.remote, &name);
            commands.push(RefCommand { name, old: Oid::ZERO, new: *head });
        }
        let what = format!("push of part {} of {}", number + 1, parts.len() + 1);
        let open = Mutex::new(commands.clone());
        connection.retries.run(&what, || once(part, &open, advertisement, connection)).await?;
        helpers.extend(commands);
    }
    let deletion = |RefCommand { name, new, .. }| RefCommand { name, old: new, new: Oid::ZERO };
    Ok(helpers.into_iter().map(deletion).collect())
}

/// Sends a part once. After an answer that got lost the helper refs tell what became of it.
async fn once(
    part: &Part,
    open: &Mutex<Vec<RefCommand>>,
    advertisement: &Advertisement,
    connection: &Connection,
) -> Result<(), Failure> {
    let Connection { remote, watch, retries, .. } = connection;
    let commands = open.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let selection = RefSelection::names(commands.iter().map(|command| &command.name));
    let request = PushRequest { commands, pack: part.pack.clone(), atomic: true };
    let failure = match remote.push(advertisement, &request, watch).await {
        Ok(_) => return Ok(()),
        Err(PushError::Failed(fault)) => return Err(fault.into()),
        // Nobody else knows the names: a race is lost only to an earlier try.
        Err(PushError::Unclear(fault) | PushError::LostRace(fault)) => Failure::from(fault),
    };
    let look = || remote.advertise(&selection);
    let now = retries.run("look at what became of the push", look).await?;
    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|command| now.tip(&command.name) != Some(command.new));
    if open.is_empty() { Ok(()) } else { Err(failure.undone()) }
}
