//! Refs of the checkout, pushed to the target as `git push` would: what the refspecs name here ([`spec`]), what that means
//! for the target's refs ([`updates`]), and what has to be sent ([`prepare`]). `push::refs` sends it.

pub mod blocking;
mod default_branch;
pub mod drift;
pub mod facts;
pub mod lfs;
pub mod prepare;
pub mod prune;
pub mod spec;
mod special;
pub mod updates;
mod workflows;

use std::{collections::BTreeSet, path::Path};

pub use spec::{Destination, Wanted};

use crate::{
    diagnosis::{Cause, Failure},
    git::checkout::{Checkout, LfsStore, Objects, Promisor},
    inputs::RefsPush,
    names::{Oid, RefName},
};

/// What the refspecs name in the checkout.
#[derive(Clone, Debug)]
pub struct Local {
    /// The inputs.
    pub asked: RefsPush,
    /// The refs to push, in order of the lines.
    pub wanted: Vec<Wanted>,
    /// Worth knowing: what a pattern matched and leaves out.
    pub notices: Vec<String>,
    /// The patterns that match no ref of the checkout.
    pub unmatched: Vec<String>,
    /// The names of all refs of the checkout.
    pub names: BTreeSet<RefName>,
    /// The objects.
    pub objects: Objects,
    /// Where Git LFS objects are kept.
    pub lfs: LfsStore,
    /// The commits whose parents a shallow clone has left out.
    pub shallow: BTreeSet<Oid>,
    /// The remote that has the objects which a partial clone has left out.
    pub promisor: Option<Promisor>,
}

impl Local {
    /// Reads the checkout in `workspace`, or in the folder of it that `asked` names. On a runner nothing of it may lie outside.
    ///
    /// # Errors
    /// `local-git-error` for a checkout that cannot be read; `invalid-ref-or-object` for a refspec that names nothing.
    pub fn read(workspace: &Path, on_runner: bool, asked: &RefsPush) -> Result<Self, Failure> {
        let folder = match &asked.checkout {
            Some(folder) => workspace.join(folder),
            None => workspace.to_owned(),
        };
        if asked.checkout.is_some() && !folder.is_dir() {
            let what = format!("`checkout` names {}, and there is no such folder in the workspace.", folder.display());
            return Err(Failure::new(Cause::InvalidInput, what)
                .with_remedy("Set `checkout` to the `path:` of actions/checkout; without `path:` leave it out."));
        }
        // A link in the workspace can lead out of it, and what lies there would be pushed.
        if let (Ok(real), Ok(root)) = (folder.canonicalize(), workspace.canonicalize())
            && asked.checkout.is_some()
            && !real.starts_with(&root)
        {
            let what = format!("`checkout` leads out of the workspace, to {}.", real.display());
            return Err(Failure::new(Cause::InvalidInput, what)
                .with_remedy("Name a folder of the workspace, as `path:` of actions/checkout does."));
        }
        let checkout = Checkout::open(&folder, on_runner.then_some(workspace))?;
        let (refs, head) = (checkout.refs()?, checkout.head()?);
        let objects = checkout.objects()?;
        let kind = |oid| Ok(objects.header(oid).map(|header| header.map(|(kind, _)| kind))?);
        let view = spec::View { refs: &refs, head: &head, resolve: &|text| Ok(checkout.resolve(text)?), kind: &kind };
        let spec::Expanded { wanted, notices, unmatched } = spec::expand(&asked.specs, &view)?;
        let names = refs.into_keys().collect();
        let (lfs, shallow) = (checkout.lfs(), checkout.shallow());
        checkout.check_again()?;
        Ok(Self {
            asked: asked.clone(),
            wanted,
            notices,
            unmatched,
            names,
            lfs,
            shallow,
            promisor: checkout.promisor().cloned(),
            objects,
        })
    }

    /// The same push, forced, to the branch `head` in place of the one that is named.
    #[must_use]
    pub fn moved_to(&self, head: &RefName) -> Self {
        // Forced, as a proposed branch is made anew for each change, whatever it holds.
        let moved = |wanted: &Wanted| Wanted { to: Destination::Full(head.clone()), force: true, ..wanted.clone() };
        Self { wanted: self.wanted.iter().map(moved).collect(), ..self.clone() }
    }

    /// The branches that are written to, as far as the checkout alone tells.
    pub fn branches(&self) -> impl Iterator<Item = &RefName> {
        self.wanted.iter().map(|wanted| wanted.to.likely()).filter(|name| name.is_branch())
    }
}
