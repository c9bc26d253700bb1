//! The checkout in the workspace: its refs, and what names objects in it.
//!
//! The credential that a checkout stores for git is never read here. Everything blocks: call it through `spawn_blocking`.

mod confine;
mod entries;
mod held;
mod history;
mod objects;
mod owner;
mod packs;
mod parts;
mod pointers;
mod promisor;
mod reach;
mod stored;
mod trees;
mod unreadable;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use git2::{ErrorCode, ObjectType, Repository};

pub use self::{
    entries::ObjectsToSend,
    objects::{LocalObject, Objects},
    parts::Part,
    pointers::{LfsLookup, LfsStore, NamedObject, WholeFile},
    promisor::Promisor,
    reach::{Missing, Reach},
    stored::StoredEntry,
    trees::SpecialEntry,
};
pub(super) use self::{
    objects::ObjectForm,
    stored::{Copier, DeltaBase},
};
use super::format::ObjectKind;
use crate::{
    diagnosis::errors::CheckoutError,
    names::{Oid, RefName},
};

/// The address of the remote `origin` of the repository that `folder` belongs to, if there is one.
pub fn origin(folder: &Path) -> Option<String> {
    let repository = Repository::discover(folder).ok()?;
    let remote = repository.find_remote("origin").ok()?;
    remote.url().ok().map(str::to_owned)
}

/// Where `HEAD` stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The branch that it names; none when it is detached.
    pub branch: Option<RefName>,
    /// The commit; none on a branch that has no commit yet.
    pub oid: Option<Oid>,
}

/// The checkout, opened.
pub struct Checkout {
    repository: Repository,
    git_dir: PathBuf,
    objects: PathBuf,
    promisor: Option<Promisor>,
    boundary: Option<PathBuf>,
}

impl Checkout {
    /// Opens the repository that `folder` belongs to. Within a `boundary`, a runner's workspace, the owner does not matter,
    /// but the repository, its git directory and what it borrows objects from must lie inside; without one git's own rule
    /// about another user's repository holds.
    ///
    /// # Errors
    /// No repository, a damaged one, one of another user, one that cannot be read whole, or one of which a part lies outside
    /// of the boundary.
    pub fn open(folder: &Path, boundary: Option<&Path>) -> Result<Self, CheckoutError> {
        if boundary.is_some() {
            owner::accept_any();
        }
        // A parent of the workspace is not searched for a repository.
        let ceiling: Vec<PathBuf> =
            boundary.iter().filter_map(|boundary| Some(boundary.parent()?.to_owned())).collect();
        let git_dir =
            Repository::discover_path(folder, ceiling).map_err(|error| unreadable::none(folder, boundary, &error))?;
        let common = common_dir(&git_dir);
        // First of all: whatever reads a pipe waits for its other end.
        for folder in [&git_dir, &common] {
            unreadable::regular(folder)?;
        }
        if let Some(boundary) = boundary {
            confine::check(&git_dir, &common, boundary)?;
        }
        // Before libgit2 opens it: of these formats its own messages name neither the reason nor a way out.
        unreadable::check(&common)?;
        let promisor = Promisor::of(&common);
        if promisor.is_some() {
            promisor::accept_extension();
        }
        let repository = Repository::open(&git_dir).map_err(|error| unreadable::broken(&error))?;
        let boundary = boundary.map(Path::to_owned);
        Ok(Self { repository, git_dir, objects: common.join("objects"), promisor, boundary })
    }

    /// Looks once more whether every part still lies within the boundary: another process can have put a link in its place
    /// while it was read.
    ///
    /// # Errors
    /// As those of [`Self::open`].
    pub fn check_again(&self) -> Result<(), CheckoutError> {
        match &self.boundary {
            Some(boundary) => confine::check(&self.git_dir, &common_dir(&self.git_dir), boundary),
            None => Ok(()),
        }
    }

    /// All refs with the objects that they hold, those outside `refs/` and odd names apart.
    pub fn refs(&self) -> Result<BTreeMap<RefName, Oid>, CheckoutError> {
        let mut refs = BTreeMap::new();
        for reference in self.repository.references().map_err(|error| unreadable::broken(&error))? {
            let reference = reference.map_err(|error| unreadable::broken(&error))?;
            // One odd name that another tool left must not stop the push of all others.
            let Ok(Ok(name)) = reference.name().map(str::parse::<RefName>) else { continue };
            // A symbolic ref that leads nowhere holds nothing.
            if let Some(oid) = reference.resolve().ok().and_then(|reference| reference.target()) {
                refs.insert(name, own(oid));
            }
        }
        Ok(refs)
    }

    /// Where `HEAD` stands.
    pub fn head(&self) -> Result<Head, CheckoutError> {
        let head = self.repository.find_reference("HEAD").map_err(|error| unreadable::broken(&error))?;
        // HEAD is not resolved for this: on a branch without a commit it leads nowhere, and still names the branch.
        let branch = head.symbolic_target().ok().flatten().and_then(|name| name.parse().ok());
        let oid = head.resolve().ok().and_then(|head| head.target()).map(own);
        Ok(Head { branch, oid })
    }

    /// What `git rev-parse` would make of an expression such as `HEAD~1` or an abbreviated id; `None`: nothing.
    pub fn resolve(&self, expression: &str) -> Result<Option<Oid>, CheckoutError> {
        match self.repository.revparse_single(expression) {
            Ok(object) => Ok(Some(own(object.id()))),
            Err(error)
                if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::Ambiguous) =>
            {
                Ok(None)
            }
            Err(error) => Err(unreadable::broken(&error)),
        }
    }

    /// The commits whose parents a shallow clone has left out.
    pub fn shallow(&self) -> BTreeSet<Oid> {
        let path = self.repository.commondir().join("shallow");
        // git removes the file once the history is complete, so that an absent one means "not shallow".
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// The remote that has what this clone lacks, if it is a partial one.
    pub fn promisor(&self) -> Option<&Promisor> {
        self.promisor.as_ref()
    }

    /// Where Git LFS objects are kept.
    pub fn lfs(&self) -> LfsStore {
        LfsStore::beside(&self.objects)
    }

    /// The objects, to be read from several threads.
    pub fn objects(&self) -> Result<Objects, CheckoutError> {
        Objects::open(&self.objects, self.boundary.as_deref())
    }
}

/// The folder that worktrees share; for all others the repository itself.
pub(super) fn common_dir(git_dir: &Path) -> PathBuf {
    let file = git_dir.join("commondir");
    // A pipe in its place would be waited for without end.
    if !fs::metadata(&file).is_ok_and(|found| found.is_file()) {
        return git_dir.to_owned();
    }
    match fs::read_to_string(file) {
        // The path is relative to the git directory or absolute (gitrepository-layout); `join` serves both.
        Ok(text) => git_dir.join(text.trim_end()),
        Err(_) => git_dir.to_owned(),
    }
}

fn own(oid: git2::Oid) -> Oid {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(oid.as_bytes());
    Oid::from_bytes(bytes)
}

fn kind(kind: ObjectType) -> ObjectKind {
    match kind {
        ObjectType::Commit => ObjectKind::Commit,
        ObjectType::Tree => ObjectKind::Tree,
        ObjectType::Tag => ObjectKind::Tag,
        _ => ObjectKind::Blob,
    }
}
