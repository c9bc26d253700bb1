//! Which branch or tag `workflow-ref` names.

use super::Plan;
use crate::{
    diagnosis::{Cause, Failure},
    git::advertisement::Advertisement,
    names::{Oid, RefName},
    publish::directory::DirectoryPlan,
};

/// The ref that `workflow-ref` names: the full one wherever that is known. `refs` are the target's; none when the credential
/// may not see them, and a short name then stays as it is. `made` are those that the step made since. `None`: nothing was named.
///
/// # Errors
/// `dispatch-ref-not-found` for a commit, and for what is neither a branch nor a tag.
pub fn named(plan: &Plan, refs: Option<&Advertisement>, made: &[(RefName, Oid)]) -> Option<Result<String, Failure>> {
    let name = plan.workflows.as_ref()?.reference.as_deref()?;
    let planned = |wanted: &RefName| {
        let tags = plan.tags.iter().flat_map(|tags| tags.tags.iter().map(|(name, _)| name));
        plan.directory().map(DirectoryPlan::branch).into_iter().chain(tags).any(|planned| planned == wanted)
    };
    let made = |wanted: &RefName| made.iter().any(|(made, _)| made == wanted);
    let there =
        |wanted: &RefName| planned(wanted) || made(wanted) || refs.is_some_and(|refs| refs.tip(wanted).is_some());
    let forms = if name.starts_with("refs/") {
        vec![name.parse::<RefName>().ok().filter(|full| full.is_branch() || full.is_tag())]
    } else {
        vec![RefName::branch(name).ok(), RefName::tag(name).ok()]
    };
    let found = forms.into_iter().flatten().find(there);
    Some(match found {
        Some(full) => Ok(full.as_str().to_owned()),
        None if name.parse::<Oid>().is_ok() => Err(Failure::new(
            Cause::DispatchRefNotFound,
            format!("`workflow-ref` is the commit {name}: GitHub dispatches a workflow on a branch or a tag, never on a commit."),
        )
        .with_remedy("Set `workflow-ref` to a branch or tag; to run exactly this commit, let `tag` and `tag-target` name it first.")),
        // What a push of refs makes is known once it is done.
        None if refs.is_none() || plan.pushes_refs() => Ok(name.to_owned()),
        None => Err(Failure::new(
            Cause::DispatchRefNotFound,
            format!("{} has neither a branch nor a tag {name:?}, which `workflow-ref` names.", plan.target.slug),
        )),
    })
}
