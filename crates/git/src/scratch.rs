//! Scratch refs, `refs/repo-relay/ID`: objects wait there on the server while a step works with them. They are neither branches
//! nor tags, so that no workflow starts and no rule of a branch applies, and every step deletes its own.
//!
//! An ID is `SECONDS-UUID`; the seconds since 1970 tell which ones a killed step left behind.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{
    advertisement::{Advertisement, RefSelection},
    pack::Pack,
    receive::{PushError, PushRequest, RefCommand},
    remote::Remote,
};
use crate::{
    names::{NameError, Oid, RefName},
    progress::{NoWatch, Watch},
};

/// How every scratch ref begins.
pub const PREFIX: &str = "refs/repo-relay/";

/// What follows [`PREFIX`] in the names of helper refs of a push in parts.
const UPLOAD: &str = "upload/";

/// A scratch ref of this age belongs to no step that still runs.
const ABANDONED: TimeDelta = TimeDelta::days(1);

/// How long the deletion may hold up the end of a step.
const FAREWELL: Duration = Duration::from_millis(2500);

/// How long a push that was cut off is watched for: the server may still be at work on it.
const AFTERMATH: Duration = Duration::from_millis(400);

/// How often the deletion of one ref is tried. A server that takes no push leaves the ref to a later step's sweep.
const DELETIONS: u32 = 3;

/// The pause before the second try; each later one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);

/// The name of a new scratch ref; `now` is the server's clock.
///
/// # Errors
/// None in practice: a number and a UUID make a valid name.
pub fn name(now: DateTime<Utc>) -> Result<RefName, NameError> {
    format!("{PREFIX}{}-{}", now.timestamp(), Uuid::new_v4().simple()).parse()
}

/// The name of new helper refs for a push in parts, to which the number of each is added.
///
/// # Errors
/// None in practice, as for [`name`].
pub fn upload_name(now: DateTime<Utc>) -> Result<RefName, NameError> {
    format!("{PREFIX}{UPLOAD}{}-{}", now.timestamp(), Uuid::new_v4().simple()).parse()
}

/// The scratch refs that steps left behind more than a day before `now`, with their values. Names of another form stay.
pub fn abandoned(refs: &Advertisement, now: DateTime<Utc>) -> Vec<(RefName, Oid)> {
    let made = |name: &RefName| {
        let id = name.as_str().strip_prefix(PREFIX)?;
        let seconds = id.strip_prefix(UPLOAD).unwrap_or(id).split('-').next()?.parse().ok()?;
        DateTime::<Utc>::from_timestamp(seconds, 0)
    };
    let old = |name: &RefName| made(name).is_some_and(|made| now - made > ABANDONED);
    refs.refs.iter().filter(|(name, _)| old(name)).map(|(name, value)| (name.clone(), *value)).collect()
}

/// Deletes scratch refs that hold these values. `refs` is an advertisement of the same server.
///
/// # Errors
/// What a push can fail with; a ref that another step deleted first fails the same way.
pub async fn delete(remote: &Remote, refs: &Advertisement, doomed: &[(RefName, Oid)]) -> Result<(), PushError> {
    // With the value that was seen: a ref that another step holds by now is left alone.
    let command = |(name, value): &(RefName, Oid)| RefCommand { name: name.clone(), old: *value, new: Oid::ZERO };
    let request = PushRequest { commands: doomed.iter().map(command).collect(), pack: Pack::default(), atomic: false };
    let watch: Arc<dyn Watch> = Arc::new(NoWatch);
    remote.push(refs, &request, &watch).await.map(|_| ())
}

/// The scratch refs that a step has made and not deleted yet. A clone is the same list.
#[derive(Clone, Default)]
pub struct ScratchRefs(Arc<Mutex<Vec<(Remote, RefName)>>>);

impl ScratchRefs {
    /// Notes a ref before it is made: whatever ends the step, [`Self::delete_all`] deletes it.
    pub fn note(&self, remote: &Remote, name: &RefName) {
        // A second attempt notes its ref again; noted twice, it would be deleted twice.
        self.forget(name);
        self.with(|refs| refs.push((remote.clone(), name.clone())));
    }

    /// The ref is deleted.
    pub fn forget(&self, name: &RefName) {
        self.with(|refs| refs.retain(|(_, noted)| noted != name));
    }

    /// Deletes this one, within a bounded time; one that was never made is no work.
    pub async fn delete(&self, name: &RefName) {
        let noted = self.with(|refs| refs.iter().find(|(_, noted)| noted == name).cloned());
        if let Some((remote, name)) = noted {
            // What is late stays in the list.
            let _ = tokio::time::timeout(FAREWELL, self.delete_one(&remote, &name)).await;
        }
    }

    /// Deletes what is left, side by side and within a bounded time. Returns the names of those that could not be deleted.
    pub async fn delete_all(&self) -> Vec<RefName> {
        let left = self.with(|refs| refs.clone());
        let all = join_all(left.iter().map(|(remote, name)| self.delete_one(remote, name)));
        // What is late stays in the list.
        let _ = tokio::time::timeout(FAREWELL, all).await;
        self.with(std::mem::take).into_iter().map(|(_, name)| name).collect()
    }

    /// Deletes one; a ref that is not there, and does not appear soon, counts as deleted.
    async fn delete_one(&self, remote: &Remote, name: &RefName) {
        let begun = Instant::now();
        let selection = RefSelection::names([name]);
        let mut refused = 0;
        while refused < DELETIONS {
            let gone = match remote.advertise(&selection).await {
                Ok(refs) => match refs.tip(name) {
                    Some(value) => Some(delete(remote, &refs, &[(name.clone(), value)]).await.is_ok()),
                    // It may be on its way yet.
                    None => (begun.elapsed() > AFTERMATH).then_some(true),
                },
                Err(_) => Some(false),
            };
            match gone {
                Some(true) => return self.forget(name),
                Some(false) => refused += 1,
                None => {}
            }
            pause(PAUSE * 2_u32.pow(refused.saturating_sub(1))).await;
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Vec<(Remote, RefName)>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[allow(clippy::disallowed_methods, reason = "the end of a step is no try of its policy")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_ref_is_abandoned_after_a_day() {
        let now: DateTime<Utc> = "2026-11-29T12:00:00Z".parse().unwrap();
        let mut refs = Advertisement::default();
        let fresh = name(now - TimeDelta::hours(23)).unwrap();
        let old = name(now - TimeDelta::hours(25)).unwrap();
        let old_upload: RefName = format!("{}-0", upload_name(now - TimeDelta::hours(25)).unwrap()).parse().unwrap();
        let others =
            ["refs/repo-relay/notes", "refs/heads/1-a", "refs/repo-relay/x-1"].map(|name| name.parse().unwrap());
        for name in [&fresh, &old, &old_upload].into_iter().chain(&others) {
            refs.refs.insert(name.clone(), Oid::from_bytes([1; 20]));
        }
        assert_eq!(abandoned(&refs, now), [old, old_upload].map(|name| (name, Oid::from_bytes([1; 20]))));
        assert!(!fresh.is_branch() && !fresh.is_tag());
    }
}
