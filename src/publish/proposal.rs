//! What a publish would do to a branch, worked out against its tip: the commit to make and the objects to send.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

use super::{
    hash::Hashed,
    message::message,
    tree::{BlobSource, Changes, ClosedPreviews, MergeError, Merged, Placement, RootFile, Site, count_files, merge},
};
use crate::git::commit::commit;
use crate::{
    diagnosis::{Cause, Failure, errors::StoreError},
    git::{
        fetch::{FetchRequest, Filter},
        format::{CommitInfo, ObjectKind, TreeEntry},
        objects::ObjectStore,
        pack::{EarlierVersions, Pack, PackEntry},
        remote::Remote,
    },
    inputs::{History, Nojekyll},
    names::{Oid, TreePath},
    publish::directory::{CommitPlan, DirectoryPlan},
    report::FileStatus,
    retry::Retries,
};

/// The branch that GitHub Pages is usually made from.
const PAGES: &str = "gh-pages";

/// The change of one branch, ready to be sent.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The tip that the change was worked out against; none: the branch is new.
    pub tip: Option<Oid>,
    /// The tip afterwards; the same as `tip` when nothing changes.
    pub new_tip: Oid,
    /// The objects that the branch lacks; empty when nothing changes.
    pub pack: Pack,
    /// What changes, in files.
    pub changes: Changes,
    /// The first files that change.
    pub files: BTreeMap<Vec<u8>, FileStatus>,
    /// Whether the new commit does not have the old tip as its parent.
    pub rewrites: bool,
    /// How many files the branch has before; counted only where some are removed.
    pub files_before: Option<u64>,
}

impl Proposal {
    /// Whether there is nothing to push.
    pub fn is_unchanged(&self) -> bool {
        self.tip.unwrap_or(Oid::ZERO) == self.new_tip
    }

    /// The commit that would be made; none when nothing changes.
    pub fn commit(&self) -> Option<CommitInfo> {
        self.pack.entries().iter().find_map(|entry| match entry {
            PackEntry::Data { kind: ObjectKind::Commit, content, .. } => CommitInfo::read(content),
            _ => None,
        })
    }

    /// Works out what publishing `hashed` changes on the branch as `base` has it: merges, and makes the commit. Trees that
    /// the merge turns out to need, and `base` does not have yet, are fetched.
    pub async fn make(
        directory: &DirectoryPlan,
        commit: &CommitPlan,
        hashed: &Arc<Hashed>,
        base: &Base,
        remote: &Remote,
        retries: &Retries,
    ) -> Result<Self, Failure> {
        let tip = base.tip;
        // The merge runs without the network and ends at a tree that is not here. After the fetch it begins anew: its
        // expensive part, the hashes, is done.
        loop {
            let (directory_, hashed_, store_) = (directory.clone(), Arc::clone(hashed), base.store.clone());
            let (site, closed) = (commit.site(directory), Arc::clone(&commit.about.closed_previews));
            let work = move || merge_at(&directory_, &hashed_, tip, (site, &closed), &store_);
            let merged = tokio::task::spawn_blocking(work)
                .await
                .map_err(|error| Failure::new(Cause::InternalError, format!("The merge did not end: {error}.")))?;
            match merged {
                Ok(merged) => return propose(directory, commit, hashed, tip, merged, &base.store),
                Err(MergeError::Failed(failure)) => return Err(failure),
                Err(MergeError::Missing { oid, deep }) => {
                    // Inside the destination everything below is compared, so that one request
                    // brings it all. On the way there one tree does.
                    let filter = if deep { Filter::Blobless } else { Filter::Tree(0) };
                    base.fetch(oid, None, filter, remote, retries).await?;
                    // Without this look the loop would ask for the same tree for ever.
                    if !base.store.has(oid)? {
                        let what = format!("The server left the tree {oid} out of what it sent.");
                        return Err(Failure::new(Cause::ServerError, what));
                    }
                }
            }
        }
    }
}

/// A branch as a change is worked out against it: its tip's commit and trees, never its blobs.
#[derive(Clone, Debug)]
pub struct Base {
    tip: Option<Oid>,
    store: ObjectStore,
    looked_at: Instant,
    newer: u32,
}

impl Base {
    /// A branch that is not there.
    pub fn absent() -> Result<Self, Failure> {
        Ok(Self { tip: None, store: ObjectStore::create()?, looked_at: Instant::now(), newer: 0 })
    }

    /// The branch once it has this tip: fetches what is not here yet. That does not depend on the directory, and may go on
    /// while it is hashed. Into a destination only the commit is fetched: the merge tells which trees it needs along the
    /// destination's path, so that one preview among ten thousand costs what one preview costs.
    pub async fn moved_to(
        mut self,
        tip: Option<Oid>,
        directory: &DirectoryPlan,
        remote: &Remote,
        retries: &Retries,
    ) -> Result<Self, Failure> {
        let before = std::mem::replace(&mut self.tip, tip);
        (self.looked_at, self.newer) = (Instant::now(), 0);
        if let Some(tip) = tip {
            let at_root = directory.asked.commit.destination.is_root();
            let filter = if at_root { Filter::Blobless } else { Filter::Tree(0) };
            self.newer = self.fetch(tip, before, filter, remote, retries).await?;
        }
        Ok(self)
    }

    /// Any commit of the server, without its trees.
    pub async fn commit(&self, oid: Oid, remote: &Remote, retries: &Retries) -> Result<CommitInfo, Failure> {
        self.fetch(oid, None, Filter::Tree(0), remote, retries).await?;
        Ok(self.store.read_commit(oid)?)
    }

    /// The tip; none: the branch is not there.
    pub fn tip(&self) -> Option<Oid> {
        self.tip
    }

    /// The entries of the folder at `path` in the tree `root`; empty where it is not there. Trees that are not here are fetched.
    pub(super) async fn folder(
        &self,
        root: Oid,
        path: &TreePath,
        remote: &Remote,
        retries: &Retries,
    ) -> Result<Vec<TreeEntry>, Failure> {
        let mut names = path.components();
        let mut oid = root;
        loop {
            if !self.store.has(oid)? {
                self.fetch(oid, None, Filter::Tree(0), remote, retries).await?;
            }
            let entries = self.store.read_tree(oid)?.unwrap_or_default();
            let Some(name) = names.next() else { return Ok(entries) };
            match entries.iter().find(|entry| entry.name == name.as_bytes() && entry.mode.is_tree()) {
                Some(entry) => oid = entry.oid,
                None => return Ok(Vec::new()),
            }
        }
    }

    /// Where what was fetched of the branch lies.
    pub(super) fn store(&self) -> &ObjectStore {
        &self.store
    }

    /// The root tree of the branch; none where it is not there.
    pub(super) fn root(&self) -> Result<Option<Oid>, Failure> {
        self.tip.map(|tip| Ok(self.store.read_commit(tip)?.tree)).transpose()
    }

    /// Gets those of `trees` that are not here, each without the trees below it.
    pub(super) async fn fetch_trees(
        &self,
        trees: impl IntoIterator<Item = Oid>,
        remote: &Remote,
        retries: &Retries,
    ) -> Result<(), Failure> {
        let mut wants = Vec::new();
        for tree in trees {
            if !self.store.has(tree)? {
                wants.push(tree);
            }
        }
        wants.sort_unstable();
        wants.dedup();
        if wants.is_empty() {
            return Ok(());
        }
        // The server gives trees named as wants in spite of the filter, which holds back what they lead to.
        let request = FetchRequest { wants, filter: Some(Filter::Tree(0)), ..FetchRequest::default() };
        let get = || async {
            let store = self.store.clone();
            remote.fetch(&request, move |pack| store.index_pack(pack).map(|_| ())).await
        };
        retries.run("fetch of the branch's trees", get).await.map(|_| ())
    }

    /// When the branch was found to have this tip.
    pub fn looked_at(&self) -> Instant {
        self.looked_at
    }

    /// How many commits came in between the tip before and this one; 1 where there was none before.
    pub fn newer(&self) -> u32 {
        self.newer
    }

    /// Gets `want`, and what the filter leaves of what it leads to: with `before`, all that came in since then, else no
    /// parents. Returns the number of commits that came in since.
    async fn fetch(
        &self,
        want: Oid,
        before: Option<Oid>,
        filter: Filter,
        remote: &Remote,
        retries: &Retries,
    ) -> Result<u32, Failure> {
        let request = FetchRequest {
            wants: vec![want],
            haves: before.into_iter().collect(),
            // With a depth the server would hide the commits in between, which are counted.
            depth: before.is_none().then_some(1),
            filter: Some(filter),
        };
        let get = || async {
            let store = self.store.clone();
            let take = move |pack| {
                store.index_pack(pack)?;
                if before.is_some() { commits_between(&store, before, want) } else { Ok(1) }
            };
            remote.fetch(&request, take).await
        };
        Ok(retries.run("fetch of the branch's trees", get).await?.taken)
    }
}

/// How many of the commits in `store` lead from `tip` back to `before`, or to where they end.
fn commits_between(store: &ObjectStore, before: Option<Oid>, tip: Oid) -> Result<u32, StoreError> {
    let mut seen = HashSet::new();
    let mut open = vec![tip];
    while let Some(oid) = open.pop() {
        if Some(oid) != before && store.has(oid)? && seen.insert(oid) {
            open.extend(store.read_commit(oid)?.parents);
        }
    }
    Ok(u32::try_from(seen.len()).unwrap_or(u32::MAX))
}

/// A merge, with what it was made against.
struct AtTip {
    base: Option<CommitInfo>,
    files_before: Option<u64>,
    merged: Merged,
}

fn merge_at(
    directory: &DirectoryPlan,
    hashed: &Hashed,
    tip: Option<Oid>,
    about: (Site, &ClosedPreviews),
    store: &ObjectStore,
) -> Result<AtTip, MergeError> {
    let base = tip.map(|tip| store.read_commit(tip)).transpose().map_err(Failure::from)?;
    let base_tree = base.as_ref().map(|commit| commit.tree);
    let merged = merged(directory, hashed, base_tree, about, store)?;
    let files_before = match base_tree {
        // Counting reads every tree of the branch; only the check of a
        // publish that removes most of it needs the number.
        Some(tree) if merged.changes.removed > 0 => count_files(store, tree)?,
        _ => None,
    };
    Ok(AtTip { base, files_before, merged })
}

fn propose(
    directory: &DirectoryPlan,
    plan: &CommitPlan,
    hashed: &Hashed,
    tip: Option<Oid>,
    at_tip: AtTip,
    store: &ObjectStore,
) -> Result<Proposal, Failure> {
    let AtTip { base, files_before, merged } = at_tip;
    let asked = &directory.asked.commit;
    let single = asked.history == History::Single;
    let same_tree = base.as_ref().is_some_and(|base| base.tree == merged.tree);
    // `history: single` promises one commit: a longer branch is rewritten even where its files are the same.
    let same_history = !single || base.as_ref().is_some_and(|base| base.parents.is_empty());
    // Nothing can be taken off a branch that is not there.
    let nowhere = tip.is_none() && directory.directory.is_none();
    if nowhere || same_tree && same_history && !asked.allow_empty {
        let (new_tip, changes, files) = (tip.unwrap_or(Oid::ZERO), merged.changes, merged.files);
        return Ok(Proposal {
            tip,
            new_tip,
            pack: Pack::default(),
            changes,
            files,
            rewrites: false,
            files_before: None,
        });
    }
    // Without a parent nothing refers to the old commits any more, and the server can drop them.
    let parents: Vec<Oid> = tip.filter(|_| !single).into_iter().collect();
    let text = message(&asked.message, &plan.origin, plan.first_tag.as_deref(), plan.about.trailers);
    let content = commit(merged.tree, &parents, &plan.author, &text, chrono::Utc::now());
    let content = match &plan.signing_key {
        Some(key) => key.sign_commit(&content)?,
        None => content,
    };
    let new_tip = ObjectKind::Commit.id_of(&content);
    let earlier = EarlierVersions { versions: merged.before.clone(), store: store.clone() };
    let pack = pack_of(hashed, &merged, new_tip, content)?.thin(earlier);
    let (changes, files, rewrites) = (merged.changes, merged.files, tip.is_some() && single);
    Ok(Proposal { tip, new_tip, pack, changes, files, rewrites, files_before })
}

fn merged(
    directory: &DirectoryPlan,
    hashed: &Hashed,
    base_tree: Option<Oid>,
    (site, closed_previews): (Site, &ClosedPreviews),
    store: &ObjectStore,
) -> Result<Merged, MergeError> {
    let mut root_files = Vec::new();
    // What another folder of a branch that is there holds does not say how its site is built.
    let is_site = directory.asked.commit.destination.is_root() || site == Site::Destination;
    let adds_nojekyll = match directory.asked.nojekyll {
        Nojekyll::Always => true,
        Nojekyll::Never => false,
        // Without `.nojekyll`, Pages builds the branch with Jekyll, which leaves out files that begin with `_`.
        Nojekyll::Auto => directory.branch().short() == PAGES && (is_site || base_tree.is_none()),
    };
    if adds_nojekyll && directory.directory.is_some() {
        // Pages looks at the name alone: a file that is there does the same whatever it holds.
        root_files.push(RootFile { name: ".nojekyll", content: Bytes::new(), overwrite: false });
    }
    if let Some(host) = &directory.asked.cname {
        // The input names the host: a `CNAME` of the directory or of the branch gives way to it.
        root_files.push(RootFile { name: "CNAME", content: format!("{host}\n").into(), overwrite: true });
    }
    let placement = Placement {
        destination: &directory.asked.commit.destination,
        keep: &directory.keep,
        exclude: &directory.exclude,
        root_files: &root_files,
        site,
        closed_previews,
    };
    let content = directory.directory.is_some().then_some(hashed);
    merge(store, base_tree, content, &placement)
}

fn pack_of(hashed: &Hashed, merged: &Merged, commit: Oid, content: Vec<u8>) -> Result<Pack, Failure> {
    let data = |kind, oid, content| PackEntry::Data { kind, oid, content };
    let listing = hashed.listing();
    let mut entries = vec![data(ObjectKind::Commit, commit, content.into())];
    for (oid, content) in &merged.trees {
        entries.push(data(ObjectKind::Tree, *oid, content.clone().into()));
    }
    for blob in &merged.blobs {
        entries.push(match &blob.source {
            BlobSource::Memory(content) => data(ObjectKind::Blob, blob.oid, content.clone()),
            BlobSource::File(index) => {
                // Read again while the pack is written, since all new files together may not fit into memory.
                let place = listing.place(&listing.files()[*index])?;
                PackEntry::File { oid: blob.oid, size: blob.size, place }
            }
        });
    }
    Ok(Pack::new(entries))
}
