//! A repository and its branches.

use git2::Commit;
use serde_json::{Value, json};

use super::{Call, Handled, refusal, resources};
use crate::{
    answer::Answer,
    git::rules::Surroundings,
    handle,
    model::{Guard, Level, Repository, timestamp},
    signatures,
};

/// `GET /repos/{owner}/{repo}`
pub(super) fn get(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "metadata", Level::Read)?;
    Ok(Answer::json(200, &resources::full(call, &repository)))
}

/// `GET /repos/{owner}/{repo}/hash-algorithm`
pub(super) fn hash_algorithm(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    call.repository(owner, name, "metadata", Level::Read)?;
    Ok(Answer::json(200, &json!({"hash_algorithm": "sha1"})))
}

/// `GET /repos/{owner}/{repo}/branches/{branch}`
pub(super) fn branch(call: &mut Call<'_>, owner: &str, name: &str, branch: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let bare = open(&repository)?;
    let tip = bare.find_reference(&format!("refs/heads/{branch}")).and_then(|tip| tip.peel_to_commit());
    let tip = tip.map_err(|_| refusal::error(404, "Branch not found"))?;
    let url = format!("{}/repos/{}/branches/{branch}", call.api(), repository.slug());
    let protection = repository.protections.iter().find(|protection| protection.covers(branch));
    let contexts = protection.map(|protection| protection.checks.clone()).unwrap_or_default();
    let everyone = protection.is_some_and(|protection| protection.guards.contains(&Guard::Admins));
    let level = match (contexts.is_empty(), everyone) {
        (true, _) => "off",
        (false, true) => "everyone",
        (false, false) => "non_admins",
    };
    let body = json!({
        "name": branch, "commit": commit(call, &repository, &tip), "protected": protection.is_some(),
        "_links": {"self": url, "html": format!("{}/{}/tree/{branch}", call.shared.url(), repository.slug())},
        "protection": {
            "enabled": protection.is_some(),
            "required_status_checks": {"enforcement_level": level, "contexts": contexts, "checks": []},
        },
        "protection_url": format!("{url}/protection"),
    });
    Ok(Answer::json(200, &body))
}

/// Opens the bare repository.
pub(super) fn open(repository: &Repository) -> Result<git2::Repository, Answer> {
    handle::open(&repository.path).map_err(|error| refusal::error(500, error.message()))
}

/// A person in a commit.
pub(super) fn signature(who: &git2::Signature<'_>) -> Value {
    let at = chrono::DateTime::from_timestamp(who.when().seconds(), 0).unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    json!({"name": text(who.name_bytes()), "email": text(who.email_bytes()), "date": timestamp(at)})
}

/// A commit as the commits API shows it.
pub(super) fn commit(call: &Call<'_>, repository: &Repository, commit: &Commit<'_>) -> Value {
    let (id, slug) = (commit.id().to_string(), repository.slug());
    let (url, web) = (format!("{}/repos/{slug}", call.api()), format!("{}/{slug}", call.shared.url()));
    let parents = commit.parent_ids().map(|parent| {
        json!({"sha": parent.to_string(), "url": format!("{url}/commits/{parent}"), "html_url": format!("{web}/commit/{parent}")})
    });
    json!({
        "sha": id, "node_id": format!("C_{id}"), "url": format!("{url}/commits/{id}"),
        "html_url": format!("{web}/commit/{id}"), "comments_url": format!("{url}/commits/{id}/comments"),
        "commit": {
            "url": format!("{url}/git/commits/{id}"), "author": signature(&commit.author()),
            "committer": signature(&commit.committer()), "comment_count": 0,
            "message": String::from_utf8_lossy(commit.message_bytes()).trim_end(),
            "tree": {"sha": commit.tree_id().to_string(), "url": format!("{url}/git/trees/{}", commit.tree_id())},
            "verification": verification(call, commit),
        },
        "author": null, "committer": null, "parents": parents.collect::<Vec<_>>(),
    })
}

/// What GitHub says of a commit's signature.
pub(super) fn verification(call: &Call<'_>, commit: &Commit<'_>) -> Value {
    let around = Surroundings::of(call.shared.url(), call.model);
    signatures::judge(&around.accounts, around.host(), commit).object()
}

/// The commit that a branch name, tag name, full ref or commit id names, in GitHub's order.
pub(super) fn commit_named<'a>(bare: &'a git2::Repository, name: &str) -> Option<Commit<'a>> {
    let full = if name.starts_with("refs/") { name.to_owned() } else { format!("refs/{name}") };
    let candidates = [format!("refs/heads/{name}"), format!("refs/tags/{name}"), full];
    let by_ref = candidates.iter().find_map(|full| bare.find_reference(full).ok()?.peel_to_commit().ok());
    by_ref.or_else(|| {
        let is_id = name.len() >= 7 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| bare.find_commit_by_prefix(name).ok()).flatten()
    })
}
