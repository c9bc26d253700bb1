//! Which branch or tag a `workflow_dispatch` runs on. The full ref is sent: a short name may be a branch's and a tag's.
//!
//! Source: <https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event>

use std::collections::BTreeSet;

use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure, Retry},
    git::checkout::Reach,
    github::model::Content,
    names::{Oid, RefName},
    plan::{Plan, reference::named},
    preflight::{Cleared, ClearedPush},
    refs::blocking::blocking,
};

/// Where GitHub looks for workflows.
const WORKFLOWS: &str = ".github/workflows";

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
        if holds(cleared, connection, file, *commit).await? {
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
async fn holds(cleared: &Cleared<Plan>, connection: &Connection, file: &str, commit: Oid) -> Result<bool, Failure> {
    if let Some(planned) = holds_once_pushed(cleared, connection, file, commit).await? {
        return Ok(planned);
    }
    let (path, commit) = (format!("{WORKFLOWS}/{file}"), commit.to_string());
    let slug = &cleared.plan().target.slug;
    let look = || async {
        match connection.github.content(slug, &path, Some(&commit)).await {
            Ok(found) => Ok::<_, Failure>(matches!(found.value, Content::File(_))),
            Err(error) if error.is_not_permitted() => Ok(false),
            Err(error) => Err(error.into()),
        }
    };
    connection.retries.run("look for the workflow file", look).await
}

/// Likewise for a commit that a dry run has not sent, so that the target cannot be asked; `None` for any other.
async fn holds_once_pushed(
    cleared: &Cleared<Plan>,
    connection: &Connection,
    file: &str,
    commit: Oid,
) -> Result<Option<bool>, Failure> {
    if !cleared.plan().behaviour.dry_run {
        return Ok(None);
    }
    match cleared.push() {
        ClearedPush::Directory(work) => {
            let (base, proposal) = (&work.1.base, &work.1.proposal);
            let Ok(path) = format!("{WORKFLOWS}/{file}").parse() else { return Ok(None) };
            if proposal.is_unchanged() || proposal.new_tip != commit {
                return Ok(None);
            }
            Ok(Some(proposal.has_file(&path, base, &connection.remote, &connection.retries).await?))
        }
        ClearedPush::Refs(local, _) => {
            let mut reach = Reach::new(local.objects.clone(), local.shallow.clone());
            let file = file.as_bytes().to_vec();
            let look = move || {
                if !reach.is_here(commit) {
                    return Ok(None);
                }
                let files = reach.files_in(commit, &WORKFLOWS.split('/').collect::<Vec<_>>())?;
                Ok(Some(files.contains_key(&file)))
            };
            blocking(look).await
        }
        ClearedPush::None => Ok(None),
    }
}
