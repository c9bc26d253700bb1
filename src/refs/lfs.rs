//! The Git LFS objects that the commits to be sent name: which of them the target has, and which the checkout can upload.

use std::path::PathBuf;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rayon::prelude::*;

use super::blocking::blocking;
use crate::{
    credential::Shown,
    diagnosis::{Cause, Failure, Operation, Situation},
    git::{
        WireError,
        checkout::{LfsLookup, LfsStore, NamedObject, WholeFile},
        lfs::{
            Pointer,
            batch::{LfsObjectState, LfsServer, OBJECTS_AT_ONCE},
        },
    },
    retry::Retries,
};

/// How many questions are under way at once.
const QUESTIONS: usize = 4;

/// What is known of the objects.
#[derive(Clone, Debug, Default)]
pub struct LfsFacts {
    /// The objects that the pointers name, each once.
    pub named: Vec<NamedObject>,
    /// Those that the target lacks and the checkout has.
    pub uploads: Vec<LfsFile>,
    /// Those that neither has.
    pub missing: Vec<NamedObject>,
    /// Those that the target lacks and the checkout has damaged, with the file.
    pub damaged: Vec<(NamedObject, PathBuf)>,
    /// Those that the target does not take: the status and the server's words.
    pub refused: Vec<(NamedObject, u16, Shown)>,
    /// Why the target was not asked, or did not tell.
    pub unknown: Option<LfsUnknown>,
}

impl LfsFacts {
    /// The bytes to upload.
    pub fn bytes(&self) -> u64 {
        self.uploads.iter().map(|file| file.pointer.size).sum()
    }
}

/// An object that the checkout has whole.
#[derive(Clone, Debug)]
pub struct LfsFile {
    /// The object.
    pub pointer: Pointer,
    /// Its file.
    pub file: WholeFile,
}

/// Why it is not known which objects the target has.
#[derive(Clone, Debug)]
pub enum LfsUnknown {
    /// The server has no Git LFS for this repository.
    NoServer,
    /// It refused to tell.
    Refused(Failure),
}

/// Compares the objects that `named` stands for with the target, and those that it lacks with the checkout.
///
/// # Errors
/// `internal-error`, where the checkout cannot be looked at.
pub async fn look(
    named: Vec<NamedObject>,
    store: &LfsStore,
    server: &LfsServer,
    situation: &Situation,
    retries: &Retries,
) -> Result<LfsFacts, Failure> {
    let mut facts = LfsFacts { named, ..LfsFacts::default() };
    if facts.named.is_empty() {
        return Ok(facts);
    }
    let ask = |share: Vec<NamedObject>| async move {
        let pointers: Vec<Pointer> = share.iter().map(|named| named.pointer).collect();
        let ask = || async {
            match server.batch(&pointers).await {
                Ok(standings) => Ok(Some(standings)),
                // Neither the server nor the repository has LFS: the check `lfs`
                // says so, and no further try would help.
                Err(WireError::Status { status: 404, .. }) => Ok(None),
                Err(error) => Err(error.into_failure(Operation::GitPush, situation)),
            }
        };
        let told = retries.run("question for the Git LFS objects", ask).await?;
        Ok::<_, Failure>(told.map(|told| share.into_iter().zip(told).collect::<Vec<_>>()))
    };
    let shares: Vec<Vec<NamedObject>> = facts.named.chunks(OBJECTS_AT_ONCE).map(<[_]>::to_vec).collect();
    let told: Result<Vec<_>, Failure> = stream::iter(shares).map(ask).buffered(QUESTIONS).try_collect().await;
    let told = match told.map(|told| told.into_iter().collect::<Option<Vec<_>>>()) {
        Ok(Some(told)) => told,
        Ok(None) => {
            facts.unknown = Some(LfsUnknown::NoServer);
            return Ok(facts);
        }
        Err(failure) => {
            // No error: the verdict is the check's, and the check can be ignored.
            facts.unknown = Some(LfsUnknown::Refused(failure));
            return Ok(facts);
        }
    };
    let mut lacks = Vec::new();
    for (named, standing) in told.into_iter().flatten() {
        match standing {
            LfsObjectState::There => {}
            LfsObjectState::Wanted(_) => lacks.push(named),
            LfsObjectState::Refused { code, message } => facts.refused.push((named, code, message)),
        }
    }
    let store = store.clone();
    // On all cores, as the file of each object is hashed to prove that it is whole.
    let found = blocking(move || {
        Ok(lacks.into_par_iter().map(|named| (named, store.find(&named.pointer))).collect::<Vec<_>>())
    });
    for (named, kept) in found.await? {
        match kept {
            LfsLookup::Whole(file) => facts.uploads.push(LfsFile { pointer: named.pointer, file }),
            LfsLookup::Damaged(path) => facts.damaged.push((named, path)),
            LfsLookup::Absent => facts.missing.push(named),
        }
    }
    Ok(facts)
}

/// How many characters of the server's words are shown.
const LONGEST_SAID: usize = 200;

/// Why the target does not take an object.
pub(crate) fn refused(pointer: &Pointer, code: u16, message: &Shown) -> Failure {
    // The server's words are outside text: they could hold line breaks, and be of any length.
    let message = message.one_line().cut(LONGEST_SAID).into_inner();
    let cause = if code == 422 || code == 413 { Cause::FileTooLarge } else { Cause::LfsUnavailable };
    let what = format!(
        "The target does not take the Git LFS object {} ({} bytes): {message:?} (status {code}).",
        pointer.oid.short(),
        pointer.size
    );
    let failure = Failure::new(cause, what);
    if cause == Cause::FileTooLarge {
        return failure.with_remedy("GitHub's plan sets the largest LFS object (2 GB to 5 GB). Publish the file as a release asset or outside of GitHub.");
    }
    failure
}
