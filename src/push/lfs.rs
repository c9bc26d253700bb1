//! The Git LFS objects that the target lacks, uploaded before the refs that need them.

mod content;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    connection::Connection,
    diagnosis::{Failure, Operation},
    git::lfs::{
        Pointer,
        batch::{LfsObjectState, LfsServer, OBJECTS_AT_ONCE},
    },
    plan::Plan,
    preflight::Cleared,
    progress::{Event, Watch},
    refs::{
        facts::RefsFacts,
        lfs::{LfsFile, refused},
    },
};

/// How many objects are on their way at once.
const AT_ONCE: usize = 16;

/// How far the uploads are.
#[derive(Clone)]
struct Meter {
    watch: Arc<dyn Watch>,
    total: u64,
    sent: Arc<AtomicU64>,
}

impl Meter {
    fn add(&self, bytes: u64) {
        let done = self.sent.fetch_add(bytes, Ordering::Relaxed) + bytes;
        // What had to be sent twice does not count twice.
        self.watch.see(Event::Uploading { done: done.min(self.total), total: self.total });
    }
}

/// Uploads what the target lacks; nothing in a dry run. An object that arrived counts for every later step: nothing is sent twice.
///
/// # Errors
/// The first failure that no further try heals; the objects before it are at the target.
pub async fn upload(cleared: &Cleared<Plan>, refs: &RefsFacts, connection: &Connection) -> Result<(), Failure> {
    let facts = &refs.lfs;
    let is_idle = facts.uploads.is_empty() || cleared.plan().behaviour.dry_run;
    if is_idle {
        return Ok(());
    }
    let server = &connection.lfs;
    let meter = Meter { watch: Arc::clone(&connection.watch), total: facts.bytes(), sent: Arc::default() };
    let shares: Vec<Vec<LfsFile>> = facts.uploads.chunks(OBJECTS_AT_ONCE).map(<[_]>::to_vec).collect();
    let ask = |share: Vec<LfsFile>| async move {
        let pointers: Vec<Pointer> = share.iter().map(|file| file.pointer).collect();
        let ask = || ask(server, &pointers, connection);
        let standings = connection.retries.run("question for the Git LFS storage", ask).await?;
        Ok::<_, Failure>(stream::iter(share.into_iter().zip(standings).map(Ok)))
    };
    let meter = &meter;
    // The next share's addresses are there when the last objects of the one before are sent.
    let uploads = stream::iter(shares).map(ask).buffered(2).try_flatten();
    let outcome = uploads
        .try_for_each_concurrent(AT_ONCE, |(file, standing)| one(server, file, standing, connection, meter))
        .await;
    connection.watch.see(Event::Finished);
    outcome
}

async fn ask(
    server: &LfsServer,
    pointers: &[Pointer],
    connection: &Connection,
) -> Result<Vec<LfsObjectState>, Failure> {
    let situation = connection.remote.situation();
    server.batch(pointers).await.map_err(|error| error.into_failure(Operation::GitPush, situation))
}

/// Uploads one object. Each further try asks again where to: the address may have ended, and the object may be there.
async fn one(
    server: &LfsServer,
    file: LfsFile,
    standing: LfsObjectState,
    connection: &Connection,
    meter: &Meter,
) -> Result<(), Failure> {
    let what = format!("upload of the Git LFS object {}", file.pointer.oid.short());
    // The addresses that came with the share serve the first try alone.
    let first = Mutex::new(Some(standing));
    let attempt = || async {
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fresh = first.filter(|standing| !matches!(standing, LfsObjectState::Wanted(upload) if !upload.is_fresh()));
        let standing = match fresh {
            Some(standing) => Some(standing),
            None => ask(server, &[file.pointer], connection).await?.pop(),
        };
        match standing {
            Some(LfsObjectState::Wanted(upload)) => {
                let meter = meter.clone();
                let content = content::of(file.clone(), move |bytes| meter.add(bytes));
                server.send(&file.pointer, &upload, content).await.map_err(Failure::from)
            }
            Some(LfsObjectState::Refused { code, message }) => Err(refused(&file.pointer, code, &message)),
            Some(LfsObjectState::There) | None => Ok(()),
        }
    };
    connection.retries.run(&what, attempt).await
}
