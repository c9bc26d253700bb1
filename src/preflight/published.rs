//! Checks of a publish against the branch: patterns that match nothing, and a later run that came first.

use super::{
    check::{Check, CheckName},
    facts::Facts,
};
use crate::{
    diagnosis::{Cause, Failure},
    plan::Plan,
    publish::walk::shown,
};

/// How many patterns a message names.
const NAMED: usize = 5;

/// Whether each line of `keep` and `exclude` matches something.
pub(super) fn patterns(plan: &Plan, facts: &Facts) -> Option<Check> {
    // Where the destination is only taken off there is no directory for a pattern to match.
    let directory = plan.directory().filter(|directory| directory.directory.is_some())?;
    if directory.keep.is_empty() && directory.exclude.is_empty() {
        return None;
    }
    let publish = facts.publish.as_ref()?.as_ref().ok()?;
    if publish.unmatched.is_empty() {
        return Some(Check::pass(
            CheckName::Patterns,
            "Every line of `keep` and `exclude` that could be judged matches.",
        ));
    }
    let line = |unmatched: &crate::publish::unmatched::Unmatched| {
        let slip = unmatched.slip.as_ref().map(|slip| format!(" {slip}")).unwrap_or_default();
        let pattern = shown(unmatched.pattern.as_bytes());
        format!("{pattern} of `{}` matches nothing in the directory and on the branch.{slip}", unmatched.input)
    };
    let mut said: Vec<String> = publish.unmatched.iter().take(NAMED).map(line).collect();
    let more = publish.unmatched.len().saturating_sub(NAMED);
    said.extend((more > 0).then(|| format!("So do {more} more lines.")));
    Some(Check::warn(CheckName::Patterns, Failure::new(Cause::PatternUnmatched, said.join(" "))))
}

/// Whether a later run has published here already.
pub(super) fn newer_publish(plan: &Plan, facts: &Facts) -> Option<Check> {
    let directory = plan.directory()?;
    let publish = facts.publish.as_ref()?.as_ref().ok()?;
    // Outside of a run there is no number to compare with.
    plan.origin.run_url.as_ref()?;
    let Some(run) = &publish.newer_run else {
        return Some(Check::pass(CheckName::NewerPublish, "No later run has published here."));
    };
    let what = format!(
        "{} was last published to by a later run than this one: {run}. This run puts older content over it.",
        directory.branch().short()
    );
    let remedy = "Add a `concurrency:` group to the workflow, so that an older run cannot end after a newer one, and re-run the newest run.";
    Some(Check::warn(CheckName::NewerPublish, Failure::new(Cause::NewerPublish, what).with_remedy(remedy)))
}
