//! What has to be sent: fast-forwards are proved, a shallow checkout is compared with the target, and the packs are worked out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::StreamExt as _;

use super::facts::{Batch, Large, NewWorkflows, RefUpdate, RefsFacts};
use super::lfs::LfsFacts;
use super::{
    Local,
    blocking::blocking,
    default_branch::default_branch,
    drift,
    prune::{self, Extra},
    special,
    updates::{Change, changes},
    workflows::{self},
};
use crate::github::limits::{FILE_WARNING, TAGS_IN_BATCHES, TAGS_THAT_START};
use crate::{
    diagnosis::{Cause, Failure, Operation, Situation},
    git::{
        advertisement::Advertisement,
        checkout::{NamedObject, Reach},
        format::ObjectKind,
        history,
        remote::Remote,
    },
    inputs::RefsPush,
    names::{Oid, RefName},
    progress::NoWatch,
    report::{Drift, DriftRow},
    retry::Retries,
};

/// Works out what pushing `local` to the target that advertises `refs` takes.
///
/// # Errors
/// `non-fast-forward`, `tag-exists`, `shallow-checkout`, `invalid-ref-or-object`, `local-git-error`: nothing may be sent.
pub async fn prepare(
    local: &Local,
    refs: &Advertisement,
    remote: &Remote,
    retries: &Retries,
    dry_run: bool,
    drift: &mut Vec<DriftRow>,
) -> Result<RefsFacts, Failure> {
    let all = changes(&local.wanted, refs)?;
    let extra = extra(local, &all, refs, remote, retries).await?;
    let first_branch =
        all.iter().find(|change| change.name.is_branch()).map(|change| (change.name.clone(), change.old, change.new));
    let values = all.iter().filter_map(|change| Some((change.name.clone(), change.new?))).collect();
    let (absent, all): (Vec<Change>, _) = all.into_iter().partition(|change| change.old.or(change.new).is_none());
    let absent = absent.into_iter().map(|change| change.name).collect();
    let unchanged = all.iter().filter(|change| !change.is_needed()).count();
    let mut needed: Vec<Change> = all.into_iter().filter(Change::is_needed).collect();
    // Without the deletions of `prune`: those refs have rows of their own.
    let differing = needed.clone();
    let pruned: Vec<RefName> =
        if local.asked.prune { extra.refs.iter().map(|(name, _)| name.clone()).collect() } else { Vec::new() };
    let deletions = extra.refs.iter().filter(|_| local.asked.prune);
    needed.extend(deletions.map(|(name, old)| Change { name: name.clone(), old: Some(*old), new: None, force: true }));
    let analysis = LocalAnalysis::new(local, refs, needed);
    let mut analysis = blocking(move || analysis.look()).await?;
    let beyond = ask(&analysis, refs, remote, retries).await?;
    analysis.judge_cuts(&beyond)?;
    let proved = prove(&analysis, &beyond, remote, retries).await?;
    let (mut analysis, compared) = blocking(move || {
        let compared = drift::compare(&mut analysis.reach, &differing)?;
        Ok((analysis, compared))
    })
    .await?;
    let (rows, reach) = drift::rows(compared, &proved, analysis.reach, remote, retries).await?;
    analysis.reach = reach;
    drift.extend(rows);
    drift.extend(extra.refs.iter().map(|(name, _)| DriftRow {
        name: name.as_str().to_owned(),
        state: Drift::Extra,
        ahead: None,
        behind: None,
    }));
    let updates = analysis.updates(&proved)?;
    let thin = !refs.capabilities.has("no-thin");
    let asked = local.asked.clone();
    let (batches, large, named, workflows) = blocking(move || analysis.batches(updates, thin, &asked)).await?;
    let tags = batches.iter().flat_map(|batch| &batch.updates).filter(|update| is_pushed_tag(update)).count();
    let silent_tags = if tags > TAGS_IN_BATCHES { tags } else { 0 };
    // Counting deflates everything, which a real push would then do a second time.
    let bytes = if dry_run { count(&batches).await? } else { 0 };
    Ok(RefsFacts {
        batches,
        first_branch,
        values,
        unchanged,
        absent,
        bytes,
        large,
        silent_tags,
        above: None,
        workflows,
        pruned,
        lfs: LfsFacts { named, ..LfsFacts::default() },
        prunable: extra.matching,
    })
}

/// The refs of the target that have no source any more, without its default branch.
async fn extra(
    local: &Local,
    changes: &[Change],
    refs: &Advertisement,
    remote: &Remote,
    retries: &Retries,
) -> Result<Extra, Failure> {
    let written = changes.iter().map(|change| &change.name).collect();
    let mut extra = prune::extra(&local.asked.specs, &local.names, &written, refs);
    let deleted = |change: &&Change| change.name.is_branch() && change.old.is_some() && change.new.is_none();
    if changes.iter().any(|change| deleted(&change)) || extra.refs.iter().any(|(name, _)| name.is_branch()) {
        // A push's advertisement does not say which branch is the default one.
        let ask = || remote.refs(&["HEAD"]);
        let default = retries.run("question for the default branch", ask).await?.head;
        if let Some(change) = changes.iter().filter(deleted).find(|change| Some(&change.name) == default.as_ref()) {
            return Err(default_branch(&change.name, refs, remote));
        }
        extra.refs.retain(|(name, _)| Some(name) != default.as_ref());
    }
    Ok(extra)
}

/// Makes the packs and counts their bytes.
async fn count(batches: &[Batch]) -> Result<u64, Failure> {
    let mut bytes = 0;
    for batch in batches.iter().filter(|batch| batch.updates.iter().any(|update| update.new.is_some())) {
        let mut stream = batch.pack.stream(Arc::new(NoWatch), Arc::default());
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| error.into_failure(Operation::GitPush, &Situation::default()))?;
            bytes += piece.len() as u64;
        }
    }
    Ok(bytes)
}

/// How many shares the limit of a push is cut into: what a part weighs is estimated, and a part that fails is sent again.
const SHARES: u64 = 4;

/// What is sent together, its large files, the Git LFS objects that it names, and its new workflow files.
type Batches = (Vec<Batch>, Large, Vec<NamedObject>, NewWorkflows);

fn is_pushed_tag(update: &RefUpdate) -> bool {
    update.name.is_tag() && update.new.is_some()
}

/// Decided from the checkout and the refs that the target advertises, before the target is queried further.
struct LocalAnalysis {
    reach: Reach,
    shallow: bool,
    changes: Vec<Change>,
    advertised: Vec<Oid>,
    /// The tips of the target's branches.
    branches: Vec<Oid>,
    /// Commits to be sent whose parents are not here, with these parents.
    cut: Vec<(Oid, Vec<Oid>)>,
    /// Changes whose old value is an ancestor of the new one.
    forward: BTreeSet<RefName>,
    /// For changes that only the target's history can prove: the old value, and the commits not here that the new one leads to.
    open: BTreeMap<RefName, (Oid, Vec<Oid>)>,
}

impl LocalAnalysis {
    fn new(local: &Local, refs: &Advertisement, changes: Vec<Change>) -> Self {
        let advertised: BTreeSet<Oid> = refs.refs.values().copied().collect();
        let branches: BTreeSet<Oid> =
            refs.refs.iter().filter(|(name, _)| name.is_branch()).map(|(_, tip)| *tip).collect();
        Self {
            reach: Reach::new(local.objects.clone(), local.shallow.clone()).partial(local.promisor.is_some()),
            shallow: !local.shallow.is_empty(),
            changes,
            advertised: advertised.into_iter().collect(),
            branches: branches.into_iter().collect(),
            cut: Vec::new(),
            forward: BTreeSet::new(),
            open: BTreeMap::new(),
        }
    }

    fn tips(&self) -> Vec<Oid> {
        self.changes.iter().filter_map(|change| change.new).collect()
    }

    /// Compares the checkout with what the target advertises.
    fn look(mut self) -> Result<Self, Failure> {
        for oid in self.advertised.clone() {
            self.reach.server_has(oid)?;
        }
        for change in self.changes.clone() {
            if let Some(new) = change.new {
                self.look_at(&change, new)?;
            }
        }
        let tips = self.tips();
        self.cut = self.reach.missing(&tips)?.cut;
        Ok(self)
    }

    fn look_at(&mut self, change: &Change, new: Oid) -> Result<(), Failure> {
        let name = &change.name;
        let kind = self.reach.kind(new)?;
        if name.is_branch() && kind != ObjectKind::Commit {
            let what = format!(
                "{name} cannot be set to {}: that is a {}, and a branch holds a commit.",
                new.short(),
                kind.name()
            );
            let remedy = "Write `SOURCE^{commit}:refs/heads/NAME`, or push it to `refs/tags/NAME`.";
            return Err(Failure::new(Cause::InvalidRefOrObject, what).with_remedy(remedy));
        }
        let Some(old) = change.old else { return Ok(()) };
        // As in git, a tag does not move without `+`, not even forward: there is nothing to prove.
        if name.is_tag() || kind != ObjectKind::Commit {
            return Ok(());
        }
        if self.reach.is_here(old) && self.reach.is_ancestor(old, new)? {
            self.forward.insert(name.clone());
        } else if self.shallow {
            let beyond = self.reach.beyond(new)?;
            if !beyond.is_empty() {
                self.open.insert(name.clone(), (old, beyond));
            }
        }
        Ok(())
    }

    /// Every commit that the checkout cuts off must be at the target, or its parents must.
    fn judge_cuts(&mut self, target_has: &BTreeSet<Oid>) -> Result<(), Failure> {
        for (commit, parents) in std::mem::take(&mut self.cut) {
            if target_has.contains(&commit) {
                self.reach.server_has(commit)?;
            } else if let Some(parent) = parents.iter().find(|parent| !target_has.contains(parent)) {
                let what = format!(
                    "The checkout is shallow: it ends at the commit {}, and the target lacks what comes before it ({}).",
                    commit.short(),
                    parent.short()
                );
                return Err(Failure::new(Cause::ShallowCheckout, what));
            }
        }
        Ok(())
    }

    /// The updates, unless one of them would lose what the target has.
    fn updates(&self, proved: &BTreeSet<RefName>) -> Result<Vec<RefUpdate>, Failure> {
        let update = |change: &Change| {
            let Change { name, old, new, force } = change.clone();
            let forward = self.forward.contains(&name) || proved.contains(&name);
            let forced = old.is_some() && new.is_some() && !forward;
            if let (Some(old), Some(new), true) = (old, new, forced && !force) {
                return Err(refused(&name, old, new, self.reach.is_here(old)));
            }
            Ok(RefUpdate { name, old, new, lease: force, forced })
        };
        self.changes.iter().map(update).collect()
    }

    /// Divides the updates into what is sent together, and works out the packs.
    fn batches(mut self, updates: Vec<RefUpdate>, thin: bool, asked: &RefsPush) -> Result<Batches, Failure> {
        let (with_lfs, limit) = (asked.lfs, asked.push_limit);
        // Of a commit that a forced update replaces the new one is no
        // descendant: the target has its files all the same.
        for old in updates.iter().filter_map(|update| update.old) {
            if let Some(commit) = self.reach.is_here(old).then(|| self.reach.commit_of(old)).transpose()?.flatten() {
                self.reach.server_holds_files_of(commit)?;
            }
        }
        let (mut batches, mut large, mut named) = (Vec::new(), Vec::new(), Vec::new());
        for updates in divide(updates) {
            let tips: Vec<Oid> = updates.iter().filter_map(|update| update.new).collect();
            let mut afresh = self.reach.afresh();
            let missing = self.reach.missing(&tips)?;
            let wanted = self.reach.collect(&missing)?;
            if let Some(failure) = special::refused(&self.reach, &wanted)? {
                return Err(failure);
            }
            let pack = self.reach.pack(&wanted, thin)?;
            for entry in
                pack.entries().iter().filter(|entry| entry.kind() == ObjectKind::Blob && entry.may_be(FILE_WARNING))
            {
                let size = self.reach.size(entry.oid())?;
                large.extend((size > FILE_WARNING).then_some((entry.oid(), size)));
            }
            if with_lfs {
                named.extend(self.reach.lfs_pointers(&pack)?);
            }
            let division = if pack.content_bytes() > limit {
                let missing = afresh.missing(&tips)?;
                afresh.divide(&missing, limit / SHARES, thin)?
            } else {
                Vec::new()
            };
            batches.push(Batch { updates, pack, parts: Vec::new(), division });
        }
        // Many commits can name one object: it is looked up and uploaded once.
        named.sort_unstable_by_key(|named| (named.pointer, named.blob));
        named.dedup_by_key(|named| named.pointer.oid);
        large.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let workflows = workflows::look(&mut self.reach, &self.branches, &batches)?;
        Ok((batches, large, named, workflows))
    }
}

/// Branches and deletions first, deletions before all; then tags, a few at a time as long as they can start anything.
fn divide(updates: Vec<RefUpdate>) -> Vec<Vec<RefUpdate>> {
    let (tags, mut first): (Vec<_>, Vec<_>) = updates.into_iter().partition(is_pushed_tag);
    // A deletion can free the name that a new ref needs: `a` before `a/b`.
    first.sort_by_key(|update| update.new.is_some());
    // GitHub starts nothing for more than three tags of one push; a thousand by threes would be hundreds of pushes.
    let size = if tags.len() > TAGS_IN_BATCHES { tags.len() } else { TAGS_THAT_START };
    let mut batches: Vec<_> = Some(first).into_iter().filter(|first| !first.is_empty()).collect();
    batches.extend(tags.chunks(size).map(<[_]>::to_vec));
    batches
}

/// Why a ref is not moved without `+`.
pub(crate) fn refused(name: &RefName, old: Oid, new: Oid, old_is_here: bool) -> Failure {
    let short = name.short();
    if name.is_tag() {
        let what = format!("The tag {short} is there already, with another value ({}).", old.short());
        let remedy = format!("Raise the version; for a tag that is meant to move write `+{name}`.");
        return Failure::new(Cause::TagExists, what).with_remedy(remedy);
    }
    let what = if old_is_here {
        format!(
            "{short} is at {} at the target, which is no ancestor of {}: the push would lose commits.",
            old.short(),
            new.short()
        )
    } else {
        format!(
            "{short} is at {} at the target, a commit that this checkout does not have: the push would lose it.",
            old.short()
        )
    };
    let remedy =
        format!("Merge the target's {short} before this step, or write `+` before the line if it may be lost.");
    Failure::new(Cause::NonFastForward, what).with_remedy(remedy)
}

/// Which of the commits at the shallow checkout's end the target has.
async fn ask(
    analysis: &LocalAnalysis,
    refs: &Advertisement,
    remote: &Remote,
    retries: &Retries,
) -> Result<BTreeSet<Oid>, Failure> {
    let cut = analysis.cut.iter().flat_map(|(commit, parents)| parents.iter().chain([commit]));
    let beyond = analysis.open.values().flat_map(|(_, beyond)| beyond);
    let candidates: BTreeSet<Oid> = cut.chain(beyond).copied().collect();
    let advertised: BTreeSet<Oid> = refs.refs.values().copied().collect();
    // A negotiation has to want something; what it wants is not read.
    let Some(want) = advertised.first().copied().filter(|_| !candidates.is_empty()) else { return Ok(BTreeSet::new()) };
    let candidates: Vec<Oid> = candidates.into_iter().collect();
    let known = || remote.known(want, &candidates);
    let known = retries.run("look at what the target has", known).await?;
    // A server that speaks only v0 does not tell: what it advertises is certain.
    Ok(known.unwrap_or_else(|| candidates.into_iter().filter(|oid| advertised.contains(oid)).collect()))
}

/// Proves by the target's own history what a shallow checkout cannot: that an old value is an ancestor.
async fn prove(
    analysis: &LocalAnalysis,
    target_has: &BTreeSet<Oid>,
    remote: &Remote,
    retries: &Retries,
) -> Result<BTreeSet<RefName>, Failure> {
    let mut proved = BTreeSet::new();
    for (name, (old, beyond)) in &analysis.open {
        for commit in beyond.iter().filter(|commit| target_has.contains(commit)) {
            let holds = || history::holds(remote, *commit, *old, Oid::ZERO);
            if retries.run("look at the branch's history", holds).await? {
                proved.insert(name.clone());
                break;
            }
        }
    }
    Ok(proved)
}
