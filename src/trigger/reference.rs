//! Which branch or tag a `workflow_dispatch` runs on. The full ref is sent: a short name may be a branch's and a tag's.
//!
//! Source: <https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event>

use std::collections::BTreeSet;

use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure, Retry},
    github::model::Content,
    names::{Oid, RefName},
    plan::{Plan, reference::named},
    preflight::Cleared,
};

/// The ref that the workflow file is dispatched on: the named one, else the first of [`candidates`] whose commit holds the file,
/// else the default branch.
pub(super) async fn choose(
    cleared: &Cleared<Plan>,
    connection: &Connection,
    file: &str,
    made: &[(RefName, Oid)],
) -> Result<String, Failure> {
    if let Some(named) = named(cleared.plan(), cleared.advertised(), made) {
        return named;
    }
    let mut without = BTreeSet::new();
    for (name, commit) in candidates(cleared.plan(), made) {
        // The tags and branches of one step often name one commit: it takes one request.
        if without.contains(commit) {
            continue;
        }
        if holds(cleared.plan(), connection, file, *commit).await? {
            return Ok(name.as_str().to_owned());
        }
        without.insert(*commit);
    }
    match (cleared.default_branch(), cleared.lost_repository()) {
        (Some(branch), _) => Ok(format!("refs/heads/{branch}")),
        (None, Some(lost)) => {
            let what = format!("The target's default branch is not known, and `workflow-ref` is empty. {}", lost.what);
            Err(Failure { what, ..lost.clone() }.with_retry(Retry::Never))
        }
        (None, None) => Err(Failure::new(
            Cause::DispatchRefNotFound,
            "The target's default branch is not known: the token may not read the repository, and `workflow-ref` is empty.",
        )
        .with_remedy("Set `workflow-ref` to a branch or tag of the target.")),
    }
}

/// The tags of `tag`; a tag that `refs` names, where that is the only one; the branches of `refs`, in order of the lines.
fn candidates<'a>(plan: &Plan, made: &'a [(RefName, Oid)]) -> Vec<&'a (RefName, Oid)> {
    let is_line = |name: &RefName| plan.tags.iter().any(|tags| tags.tags.iter().any(|(tag, _)| tag == name));
    let (mut candidates, others): (Vec<_>, Vec<_>) = made.iter().partition(|(name, _)| is_line(name));
    let (tags, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|(name, _)| name.is_tag());
    // Of several nobody can say which is meant.
    candidates.extend(tags.first().copied().filter(|_| tags.len() == 1));
    candidates.extend(others.into_iter().filter(|(name, _)| name.is_branch() && plan.pushes_refs()));
    candidates
}

/// Whether a commit holds a workflow file. Where the token may not look, it does not count.
async fn holds(plan: &Plan, connection: &Connection, file: &str, commit: Oid) -> Result<bool, Failure> {
    let (path, commit) = (format!(".github/workflows/{file}"), commit.to_string());
    let look = || async {
        match connection.github.content(&plan.target.slug, &path, Some(&commit)).await {
            Ok(found) => Ok::<_, Failure>(matches!(found.value, Content::File(_))),
            Err(error) if error.is_not_permitted() => Ok(false),
            Err(error) => Err(error.into()),
        }
    };
    connection.retries.run("look for the workflow file", look).await
}
