//! What the push of refs tells: the report's refs and outputs, and what a person should know before and after.

use crate::refs::facts::RefUpdate;
use crate::refs::{Local, facts::RefsFacts};
use crate::{
    connection::Connection,
    diagnosis::Stage,
    names::Oid,
    plan::Plan,
    preflight::Cleared,
    progress::Event,
    report::{
        RefReport, StageStatus, TargetReport,
        text::{bytes, count},
    },
};

/// How many refs a sentence names.
const NAMED: usize = 5;

/// Says what is worth knowing before anything is sent.
pub fn begin(plan: &Plan, local: &Local, refs: &RefsFacts, connection: &Connection) {
    for notice in &local.notices {
        connection.watch.see(Event::Notice(notice));
    }
    for name in &refs.absent {
        connection.watch.see(Event::Notice(&format!("The target has no {name}, so there is nothing to delete.")));
    }
    let awaits_start = plan.wait.as_ref().is_some_and(|wait| !wait.expected.is_empty());
    // For a mirror it is all the same. Only who waits for runs of these tags has to know.
    if refs.silent_tags > 0 && awaits_start {
        let text = format!(
            "{} tags are pushed at once: GitHub starts no workflow for any of them. Push 10 or fewer tags in one step where each is to start its workflows.",
            refs.silent_tags
        );
        connection.watch.see(Event::Warning(&text));
    }
}

/// Writes what landed into the report; unless the stage is over with it, its failure follows.
pub fn note(cleared: &Cleared<Plan>, refs: &RefsFacts, landed: &[RefUpdate], is_done: bool, report: &mut TargetReport) {
    let dry_run = cleared.plan().behaviour.dry_run;
    for RefUpdate { name, old, new, forced, .. } in landed {
        let (old, new) = (old.unwrap_or(Oid::ZERO), new.unwrap_or(Oid::ZERO));
        report.refs.push(RefReport::new(name, old, new, *forced));
    }
    report.facts.pushed = !dry_run && !landed.is_empty();
    report.facts.tag_created |= !dry_run && landed.iter().any(|update| update.name.is_tag() && update.new.is_some());
    if let Some((branch, old, _)) = &refs.first_branch {
        let done = landed.iter().find(|update| update.name == *branch);
        report.facts.branch = Some(branch.short().to_owned());
        report.facts.previous = done.map_or(*old, |update| update.old);
        // An output must not name a commit that the target does not have.
        report.facts.commit = done.filter(|_| !dry_run).map_or(*old, |update| update.new);
    }
    if !is_done {
        return;
    }
    let kept = match refs.unchanged {
        0 => String::new(),
        1 => " One ref is there already.".to_owned(),
        count => format!(" {count} refs are there already."),
    };
    let objects = count(refs.lfs.uploads.len() as u64, "Git LFS object");
    let kept = match (refs.lfs.uploads.is_empty(), dry_run) {
        (true, _) => kept,
        (false, true) => format!(" Would be uploaded before it: {objects}, {}.{kept}", bytes(refs.lfs.bytes())),
        (false, false) => format!(" Uploaded before it: {objects}, {}.{kept}", bytes(refs.lfs.bytes())),
    };
    let (status, text) = if landed.is_empty() {
        (StageStatus::Unchanged, format!("Nothing to push.{kept}"))
    } else if dry_run {
        let (objects, size) = (refs.objects(), refs.bytes);
        (StageStatus::Planned, format!("Would be pushed: {}; {objects} objects, {size} bytes.{kept}", list(landed)))
    } else {
        (StageStatus::Done, format!("{}.{kept}", list(landed)))
    };
    report.stage(Stage::Push, status, text);
}

/// `main 1234567..89abcde, v1 created at 89abcde, …`
fn list(updates: &[RefUpdate]) -> String {
    let mut parts: Vec<String> = updates.iter().take(NAMED).map(one).collect();
    if updates.len() > NAMED {
        parts.push(format!("and {} more", updates.len() - NAMED));
    }
    parts.join(", ")
}

fn one(update: &RefUpdate) -> String {
    let name = update.name.short();
    match (update.old, update.new) {
        (Some(old), Some(new)) if update.forced => format!("{name} forced from {} to {}", old.short(), new.short()),
        (Some(old), Some(new)) => format!("{name} from {} to {}", old.short(), new.short()),
        (None, Some(new)) => format!("{name} created at {}", new.short()),
        (old, None) => format!("{name} deleted (it was at {})", old.unwrap_or(Oid::ZERO).short()),
    }
}
