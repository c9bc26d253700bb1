//! Refs of the checkout, pushed to the target as `git push` would: what the refspecs name here ([`spec`]), what that means
//! for the target's refs ([`updates`]), what has to be sent ([`prepare`]), sending it ([`push`](mod@push)), and telling it ([`report`]).

pub mod facts;
pub mod prepare;
pub mod spec;
pub mod updates;
mod workflows;

use std::{collections::BTreeSet, path::Path};

pub use spec::{Destination, Wanted};

use crate::{
    diagnosis::Failure,
    git::checkout::{Checkout, Objects},
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
    /// Worth knowing: what a pattern did not match, or matched and leaves out.
    pub notices: Vec<String>,
    /// The objects.
    pub objects: Objects,
    /// The commits whose parents a shallow clone has left out.
    pub shallow: BTreeSet<Oid>,
}

impl Local {
    /// Reads the checkout in `workspace`.
    ///
    /// # Errors
    /// `local-git-error` for a checkout that can not be read; `invalid-ref-or-object` for a refspec that names nothing.
    pub fn read(workspace: &Path, asked: &RefsPush) -> Result<Self, Failure> {
        let checkout = Checkout::open(workspace)?;
        let (refs, head) = (checkout.refs()?, checkout.head()?);
        let objects = checkout.objects()?;
        let kind = |oid| objects.header(oid).map(|header| header.map(|(kind, _)| kind));
        let view = spec::View { refs: &refs, head: &head, resolve: &|text| checkout.resolve(text), kind: &kind };
        let (wanted, notices) = spec::expand(&asked.specs, &view)?;
        Ok(Self { asked: asked.clone(), wanted, notices, shallow: checkout.shallow(), objects })
    }

    /// The same push, forced, to the branch `head` in place of the one that is named.
    #[must_use]
    pub fn moved_to(&self, head: &RefName) -> Self {
        let moved = |wanted: &Wanted| Wanted { to: Destination::Full(head.clone()), force: true, ..wanted.clone() };
        Self { wanted: self.wanted.iter().map(moved).collect(), ..self.clone() }
    }

    /// The branches that are written to, as far as the checkout alone tells.
    pub fn branches(&self) -> impl Iterator<Item = &RefName> {
        self.wanted.iter().map(|wanted| wanted.to.likely()).filter(|name| name.is_branch())
    }
}
