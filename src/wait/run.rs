//! What the fields of a run tell about it.

use crate::github::model::Run;

/// The workflow's file name; of a workflow that has no file, its path's last part.
pub(super) fn file_name(run: &Run) -> &str {
    // The path of a run can end in `@REF`, and runs of past years have none.
    let path = run.path.split('@').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// What a run's workflow is called in messages: its file, else its title. Runs of past years have no file.
pub(super) fn workflow_name(run: &Run) -> &str {
    let names = [file_name(run), run.name.as_str(), "its workflow"];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

/// The conclusion, or the status until there is one.
pub(super) fn state(run: &Run) -> &str {
    match run.conclusion.as_deref() {
        Some(conclusion) if has_ended(run) => conclusion,
        _ => &run.status,
    }
}

/// Whether nothing of it has begun, as somebody has to approve it first.
pub(super) fn awaits_approval(run: &Run) -> bool {
    matches!(run.status.as_str(), "action_required" | "waiting") || run.conclusion.as_deref() == Some("action_required")
}

/// Whether the run is over.
pub(super) fn has_ended(run: &Run) -> bool {
    run.status == "completed"
}

/// Whether a run that is over ended well.
pub(super) fn ended_well(run: &Run) -> bool {
    matches!(run.conclusion.as_deref(), Some("success" | "neutral" | "skipped"))
}

/// Whether there are builds, and all were cancelled: GitHub builds one at a time, and gives up what is under way when the
/// branch moves on.
pub(super) fn are_given_up(builds: &[Run]) -> bool {
    !builds.is_empty() && builds.iter().all(|run| run.conclusion.as_deref() == Some("cancelled"))
}

/// The build that took the place of `builds`: the newest later one of the same branch, which brings what both pushed.
pub(super) fn successor<'a>(builds: &[Run], all: impl Iterator<Item = &'a Run>) -> Option<&'a Run> {
    let last = builds.last()?;
    let later = all.filter(|run| is_build(run) && run.head_branch == last.head_branch);
    let later = later.filter(|run| (run.created_at, run.id) > (last.created_at, last.id));
    later.max_by_key(|run| (run.created_at, run.id))
}

/// Whether a run is a build and deployment of a Pages site from a branch.
pub(super) fn is_build(run: &Run) -> bool {
    run.path.contains("pages-build-deployment")
}
