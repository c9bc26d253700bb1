//! What a publish would do to a branch, worked out against its tip: the commit to make and the objects to send.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    commit::commit,
    hash::Hashed,
    message::message,
    tree::{BlobSource, Changes, MergeError, Merged, Placement, RootFile, merge},
};
use crate::{
    diagnosis::{Cause, Failure},
    git::{
        fetch::{FetchRequest, Filter},
        format::ObjectKind,
        objects::ObjectStore,
        pack::{Pack, PackEntry},
        remote::Remote,
    },
    inputs::History,
    plan::{DirectoryPlan, Plan},
    retry::Retries,
    target::Oid,
};

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
    /// Whether the new commit does not have the old tip as its parent.
    pub rewrites: bool,
    /// How many files the branch has before; counted only where some are removed.
    pub files_before: Option<u64>,
}

impl Proposal {
    /// Whether there is nothing to push.
    pub fn is_unchanged(&self) -> bool {
        self.tip == Some(self.new_tip)
    }

    /// Works out what publishing `hashed` changes on the branch whose tip is `tip`: fetches the tip's commit and trees
    /// (never its blobs), merges, and makes the commit.
    pub async fn make(
        plan: &Plan,
        directory: &DirectoryPlan,
        hashed: &Arc<Hashed>,
        tip: Option<Oid>,
        remote: &Remote,
        retries: &Retries,
    ) -> Result<Self, Failure> {
        let base = match tip {
            Some(tip) => Some(retries.run("fetch of the branch's trees", || fetch_trees(remote, tip)).await?),
            None => None,
        };
        let (plan, directory, hashed) = (plan.clone(), directory.clone(), Arc::clone(hashed));
        let work = move || work_out(&plan, &directory, &hashed, tip, base);
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Failure::new(Cause::InternalError, format!("The merge did not end: {error}.")))?
    }
}

/// The commit `tip` and its trees, in a store of their own.
async fn fetch_trees(remote: &Remote, tip: Oid) -> Result<ObjectStore, Failure> {
    let store = ObjectStore::create()?;
    let request =
        FetchRequest { wants: vec![tip], depth: Some(1), filter: Some(Filter::Blobless), ..FetchRequest::default() };
    let fetched = remote.fetch(&request, move |pack| store.index_pack(pack).map(|_| store)).await?;
    Ok(fetched.taken)
}

fn work_out(
    plan: &Plan,
    directory: &DirectoryPlan,
    hashed: &Hashed,
    tip: Option<Oid>,
    fetched: Option<ObjectStore>,
) -> Result<Proposal, Failure> {
    let store = match fetched {
        Some(store) => store,
        None => ObjectStore::create()?,
    };
    let base = tip.map(|tip| store.read_commit(tip)).transpose()?;
    let base_tree = base.as_ref().map(|commit| commit.tree);
    let merged = merged(directory, hashed, base_tree, &store)?;
    let asked = &directory.asked.commit;
    let single = asked.history == History::Single;
    let same_tree = base_tree == Some(merged.tree);
    let same_history = !single || base.as_ref().is_some_and(|commit| commit.parents.is_empty());
    if let Some(tip) = tip
        && same_tree
        && same_history
        && !asked.allow_empty
    {
        let changes = merged.changes;
        return Ok(Proposal {
            tip: Some(tip),
            new_tip: tip,
            pack: Pack::default(),
            changes,
            rewrites: false,
            files_before: None,
        });
    }
    let parents: Vec<Oid> = tip.filter(|_| !single).into_iter().collect();
    let text = message(&asked.message, &plan.origin, plan.first_tag());
    let content = commit(merged.tree, &parents, &plan.author, &text, chrono::Utc::now());
    let new_tip = ObjectKind::Commit.id_of(&content);
    let pack = pack_of(hashed, &merged, new_tip, content);
    let files_before = match base_tree {
        Some(tree) if merged.changes.removed > 0 => files(&store, tree)?,
        _ => None,
    };
    Ok(Proposal { tip, new_tip, pack, changes: merged.changes, rewrites: tip.is_some() && single, files_before })
}

/// How many files a tree holds; not known when one of its trees was not fetched.
fn files(store: &ObjectStore, root: Oid) -> Result<Option<u64>, Failure> {
    let (mut open, mut count) = (vec![root], 0);
    while let Some(tree) = open.pop() {
        let Some(entries) = store.read_tree(tree)? else { return Ok(None) };
        for entry in entries {
            if entry.mode.is_tree() {
                open.push(entry.oid);
            } else {
                count += 1;
            }
        }
    }
    Ok(Some(count))
}

fn merged(
    directory: &DirectoryPlan,
    hashed: &Hashed,
    base_tree: Option<Oid>,
    store: &ObjectStore,
) -> Result<Merged, Failure> {
    let mut root_files = Vec::new();
    if directory.nojekyll {
        root_files.push(RootFile { name: ".nojekyll", content: Bytes::new(), overwrite: false });
    }
    if let Some(host) = &directory.asked.cname {
        root_files.push(RootFile { name: "CNAME", content: format!("{host}\n").into(), overwrite: true });
    }
    let placement = Placement {
        destination: &directory.asked.commit.destination,
        keep: &directory.keep,
        exclude: &directory.exclude,
        root_files: &root_files,
    };
    merge(store, base_tree, Some(hashed), &placement).map_err(|error| match error {
        MergeError::Failed(failure) => failure,
        MergeError::Missing { oid, .. } => {
            Failure::new(Cause::ServerError, format!("The server left the tree {oid} out of what it sent."))
        }
    })
}

fn pack_of(hashed: &Hashed, merged: &Merged, commit: Oid, content: Vec<u8>) -> Pack {
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
                let path = listing.location(&listing.files()[*index]);
                PackEntry::File { oid: blob.oid, size: blob.size, path }
            }
        });
    }
    Pack::new(entries)
}
