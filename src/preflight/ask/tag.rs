//! Asks about the tags: the commit to tag, those that are there, immutable releases, and workflow files that a tag brings.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::{
    super::facts::{NewWorkflow, TagFacts},
    if_possible,
};
use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure},
    git::{advertisement::Advertisement, commits::commit_of},
    inputs::TagExists,
    names::{Oid, RefName, nearest},
    plan::{Plan, TagPlan, TagTarget},
    refs::facts::RefsFacts,
};

/// How many tags are asked about for a release; the server decides about the others.
const RELEASES: usize = 20;

/// How many branches are compared with the commit to tag.
const BRANCHES: usize = 10;

/// How many names of branches, and of tags, a message offers.
const OFFERED: usize = 5;

/// The shortest abbreviation of an object id that git takes.
const SHORTEST: usize = 4;

const WORKFLOWS: &str = ".github/workflows";

/// What is known of the tags of the plan.
pub(super) async fn facts(
    plan: &Plan,
    connection: &Connection,
    refs: Option<&Advertisement>,
) -> Option<Result<TagFacts, Failure>> {
    let (tags, refs) = (plan.tags.as_ref()?, refs?);
    let (commit, existing) = tokio::join!(commit(plan, tags, connection, refs), existing(tags, connection, refs));
    let facts = async {
        let (commit, existing) = (commit?, existing?);
        let new_workflow = match commit {
            Some(commit) if tags.tags.iter().any(|(name, exists)| writes(&existing, name, *exists, commit)) => {
                new_workflow(plan, connection, refs, commit).await
            }
            _ => None,
        };
        Ok(TagFacts { commit, existing, new_workflow })
    };
    Some(facts.await)
}

/// Whether tagging `commit` changes the target.
fn writes(existing: &BTreeMap<RefName, (Oid, Oid)>, name: &RefName, exists: TagExists, commit: Oid) -> bool {
    existing.get(name).is_none_or(|(_, there)| exists == TagExists::Move && *there != commit)
}

/// The commit to tag; none: the branch's tip after the push.
async fn commit(
    plan: &Plan,
    tags: &TagPlan,
    connection: &Connection,
    refs: &Advertisement,
) -> Result<Option<Oid>, Failure> {
    let oid = match &tags.target {
        TagTarget::PushedTip => return Ok(None),
        TagTarget::Commit(oid) | TagTarget::OwnCommit(Some(oid)) => *oid,
        TagTarget::OwnCommit(None) => {
            let what = "There is no commit to tag: GITHUB_SHA is not set and `tag-target` is empty.";
            return Err(Failure::new(Cause::InvalidRefOrObject, what)
                .with_remedy(format!("Set `tag-target` to a commit, branch or tag of the target. {}", offered(refs))));
        }
        TagTarget::Named(name) => {
            let candidates = [name.parse().ok(), RefName::branch(name).ok(), RefName::tag(name).ok()];
            match candidates.iter().flatten().find_map(|name| refs.tip(name)) {
                Some(oid) => oid,
                None => abbreviated(plan, connection, refs, name).await?,
            }
        }
    };
    let look = || commit_of(&connection.remote, oid);
    let found = connection.retries.run("look at the tag's target", look).await;
    found.map(Some).map_err(|failure| match (&tags.target, failure.cause) {
        (target @ (TagTarget::OwnCommit(_) | TagTarget::Commit(_)), Cause::InvalidRefOrObject) => {
            let origin = match target {
                TagTarget::OwnCommit(_) => "which GITHUB_SHA names: it is a commit of the workflow's own repository",
                _ => "which `tag-target` names",
            };
            let what = format!("{} has no commit {oid}, {origin}.", plan.target.slug);
            let remedy = format!(
                "Set `tag-target` to a commit, branch or tag of the target, or push the commit first. {}",
                offered(refs)
            );
            Failure::new(Cause::InvalidRefOrObject, what).with_remedy(remedy)
        }
        _ => failure,
    })
}

/// The commit of the target that the abbreviation `name` stands for.
async fn abbreviated(plan: &Plan, connection: &Connection, refs: &Advertisement, name: &str) -> Result<Oid, Failure> {
    if name.len() < SHORTEST || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(unknown(plan, refs, name));
    }
    let short = name.to_ascii_lowercase();
    if plan.token().is_some() && !plan.is_wiki() {
        let ask = || connection.github.commit_named(&plan.target.slug, &short);
        let answer = if_possible(connection, "question for the commit", ask).await;
        if let Some(oid) = answer.answer().and_then(|commit| commit.sha.parse::<Oid>().ok())
            && oid.to_string().starts_with(&short)
        {
            return Ok(oid);
        }
    } else {
        let tips: BTreeSet<Oid> =
            refs.refs.values().filter(|oid| oid.to_string().starts_with(&short)).copied().collect();
        if let (1, Some(oid)) = (tips.len(), tips.first()) {
            return Ok(*oid);
        }
    }
    let what = format!(
        "`tag-target` is {name:?}: {} has no branch or tag of this name, and no one commit whose id begins with it is known.",
        plan.target.slug
    );
    let remedy =
        format!("Write all 40 digits of the commit (`git rev-parse {name}`), or a branch or tag. {}", offered(refs));
    Err(Failure::new(Cause::InvalidRefOrObject, what).with_remedy(remedy.trim_end()))
}

/// The failure for a name that the target does not have.
fn unknown(plan: &Plan, refs: &Advertisement, name: &str) -> Failure {
    let names: Vec<&str> =
        refs.refs.keys().filter(|name| name.is_branch() || name.is_tag()).map(RefName::short).collect();
    let plain = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")).unwrap_or(name);
    // `origin/main` is how a clone calls the branch.
    let remote = plain.split_once('/').map(|(_, rest)| rest).and_then(|rest| names.iter().find(|name| **name == rest));
    let meant = remote.copied().or_else(|| nearest(plain, names.iter().copied()));
    let meant = meant.map(|meant| format!(" Did you mean {meant}?")).unwrap_or_default();
    let what =
        format!("{} has neither a branch nor a tag {name:?}, which `tag-target` names.{meant}", plan.target.slug);
    let remedy = format!("Correct `tag-target`: a branch, a tag or a commit of the target. {}", offered(refs));
    Failure::new(Cause::InvalidRefOrObject, what).with_remedy(remedy.trim_end())
}

/// The names that can be written: `Branches: main, dev. Tags: v1.`
fn offered(refs: &Advertisement) -> String {
    let list = |kind: &str, is_kind: &dyn Fn(&RefName) -> bool| {
        let names: Vec<&str> = refs.refs.keys().filter(|name| is_kind(name)).map(RefName::short).collect();
        let more = names.len().saturating_sub(OFFERED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!names.is_empty()).then(|| format!("{kind}: {}{more}.", names[..names.len().min(OFFERED)].join(", ")))
    };
    let lists = [list("Branches", &RefName::is_branch), list("Tags", &RefName::is_tag)];
    lists.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The tags of the plan that are there: what each holds, and the commit that it leads to.
async fn existing(
    tags: &TagPlan,
    connection: &Connection,
    refs: &Advertisement,
) -> Result<BTreeMap<RefName, (Oid, Oid)>, Failure> {
    let mut existing = BTreeMap::new();
    for (name, _) in &tags.tags {
        if let Some(value) = refs.tip(name) {
            let look = || commit_of(&connection.remote, value);
            let commit = connection.retries.run("look at the tag that is there", look).await?;
            existing.insert(name.clone(), (value, commit));
        }
    }
    Ok(existing)
}

/// A workflow file of `commit` that no branch has in this form: tagging it takes a right of its own.
///
/// Source: `refusing to allow … to create or update workflow`, which GitHub says of tags and branches alike.
async fn new_workflow(plan: &Plan, connection: &Connection, refs: &Advertisement, commit: Oid) -> Option<NewWorkflow> {
    plan.git_token().filter(|_| !plan.is_wiki())?;
    let tips: BTreeSet<Oid> = refs.refs.iter().filter(|(name, _)| name.is_branch()).map(|(_, tip)| *tip).collect();
    if tips.contains(&commit) {
        return None;
    }
    let folder = async |commit: &Oid| {
        let reference = commit.to_string();
        let ask = || connection.github.folder(&plan.target.slug, WORKFLOWS, Some(&reference));
        let answer = if_possible(connection, "question for the workflow files", ask).await;
        match (answer.answer(), answer.status()) {
            (Some(entries), _) => {
                Some(entries.iter().map(|entry| (entry.name.clone(), entry.sha.clone())).collect::<BTreeSet<_>>())
            }
            (None, Some(404)) => Some(BTreeSet::new()),
            _ => None,
        }
    };
    let mut files = folder(&commit).await?;
    let mut certain = tips.len() <= BRANCHES;
    for tip in tips.iter().take(BRANCHES) {
        if files.is_empty() {
            break;
        }
        match folder(tip).await {
            Some(there) => files.retain(|file| !there.contains(file)),
            None => certain = false,
        }
    }
    let (name, _) = files.first()?;
    Some(NewWorkflow { path: format!("{WORKFLOWS}/{name}"), certain })
}

/// Tags of the plan that are there and belong to an immutable release, with the pages of the releases.
///
/// Source: <https://docs.github.com/en/code-security/supply-chain-security/understanding-your-software-supply-chain/immutable-releases>
pub(super) async fn held(plan: &Plan, connection: &Connection, refs: Option<&Advertisement>) -> Vec<(RefName, String)> {
    let tags = plan.tags.iter().flat_map(|tags| &tags.tags).map(|(name, _)| name);
    held_of(plan, connection, tags.filter(|name| refs.is_some_and(|refs| refs.tip(name).is_some()))).await
}

/// Tags that refs of the checkout move or delete, and that belong to an immutable release.
pub(super) async fn held_of_refs(
    plan: &Plan,
    connection: &Connection,
    refs: Option<&Result<RefsFacts, Failure>>,
) -> Vec<(RefName, String)> {
    let updates = refs.into_iter().flatten().flat_map(RefsFacts::updates);
    let moved = updates.filter(|update| update.name.is_tag() && update.old.is_some()).map(|update| &update.name);
    held_of(plan, connection, moved).await
}

async fn held_of(
    plan: &Plan,
    connection: &Connection,
    names: impl Iterator<Item = &RefName>,
) -> Vec<(RefName, String)> {
    if plan.token().is_none() || plan.is_wiki() {
        return Vec::new();
    }
    let ask = async |name: &RefName| {
        let ask = || connection.github.release_by_tag(&plan.target.slug, name.short());
        let answer = if_possible(connection, "question for the release", ask).await;
        let release = answer.answer().filter(|release| release.immutable)?;
        Some((name.clone(), release.html_url.clone()))
    };
    join_all(names.take(RELEASES).map(ask)).await.into_iter().flatten().collect()
}
