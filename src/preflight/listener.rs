//! The check `listener`: a workflow on the default branch listens to the event that is dispatched. GitHub takes an event
//! that nobody listens to without a word.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#repository_dispatch>

use super::{
    check::{Check, CheckName},
    facts::{Asked, Facts, FileText, ListenerFacts},
};
use crate::{
    diagnosis::{Cause, Failure},
    plan::Plan,
    workflow_file::WorkflowFile,
};

/// How alike two event types must be for one to be taken for a slip of the other.
const ALIKE: f64 = 0.85;

/// Whether a workflow listens to the `repository_dispatch`.
pub(super) fn listener(plan: &Plan, facts: &Facts) -> Option<Check> {
    let event_type = &plan.dispatch.as_ref()?.event_type;
    let ListenerFacts { list, files } = facts.listeners.as_ref()?;
    let skip = |text: String| Some(Check::skip(CheckName::Listener, text));
    let list = match list {
        Asked::No => return skip("The workflows were not asked for.".to_owned()),
        Asked::Refused(refusal) => {
            return skip(format!("The workflows could not be asked for. {}", refusal.failure.what));
        }
        Asked::Answer(list) => list,
    };
    let branch = facts.repository.answer().map_or("", |repository| repository.default_branch.as_str());
    let mut near: Vec<(f64, String, Option<String>)> = Vec::new();
    for (file, text) in files {
        let FileText::Text(text) = text else { continue };
        let read = WorkflowFile::read(text);
        match read.excludes_dispatch(event_type) {
            None => {
                let text = format!("{file} on the default branch {branch} listens to {event_type}.");
                return Some(Check::pass(CheckName::Listener, text));
            }
            Some(exclusion) if read.listens_to("repository_dispatch") => {
                let likeness = |kind: &&str| strsim::jaro_winkler(event_type, kind);
                let most = read.dispatch_types().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
                let meant = most.filter(|kind| likeness(kind) >= ALIKE && !kind.contains(['*', '?', '[', '!']));
                let near_by = most.as_ref().map_or(0.0, likeness);
                near.push((near_by, format!(" {file} comes nearest: {}.", exclusion.why), meant.map(str::to_owned)));
            }
            Some(_) => {}
        }
    }
    // Any file that was not read may be the one that listens: a warning would be a guess.
    let unread = |(file, text): &'_ (String, FileText)| match text {
        FileText::Unread(why) => Some((file.clone(), why.clone())),
        _ => None,
    };
    if let Some((file, why)) = files.iter().find_map(unread) {
        return skip(format!(
            "{file} on the default branch could not be read, and no other file listens to {event_type}. {why}"
        ));
    }
    let near = near.into_iter().max_by(|one, other| one.0.total_cmp(&other.0));
    let off: Vec<&str> = list
        .iter()
        .filter(|workflow| workflow.state.starts_with("disabled"))
        .filter_map(|workflow| workflow.path.strip_prefix(".github/workflows/"))
        .collect();
    let off = if off.is_empty() { String::new() } else { format!(" Switched off: {}.", off.join(", ")) };
    // The push of this very step can bring the workflow that listens.
    let before = if plan.branches().any(|pushed| pushed.short() == branch) {
        " That is so before this step's push."
    } else {
        ""
    };
    let what = format!(
        "No workflow file on the default branch {branch} listens to a `repository_dispatch` of the type {event_type}: it will start nothing.{}{off}{before}",
        near.as_ref().map_or("", |(_, near, _)| near)
    );
    let remedy = match near.and_then(|(_, _, meant)| meant) {
        Some(meant) => {
            format!("Did you mean `dispatch: {meant}`? Else add {event_type} to the `types` of that file on {branch}.")
        }
        None => format!(
            "Add `on: repository_dispatch: types: [{event_type}]` to a workflow file on {branch}, or correct `dispatch`."
        ),
    };
    let failure = Failure::new(Cause::NotTriggered, what).with_remedy(remedy);
    Some(Check::warn(CheckName::Listener, failure.with_link(format!("{}/actions", plan.target.web()))))
}
