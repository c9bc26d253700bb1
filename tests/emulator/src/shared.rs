//! What all requests share.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Read},
    net::{Shutdown, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    faults::Faults,
    log::Journal,
    model::{Model, Token},
    ssh,
};

struct Inner {
    model: Mutex<Model>,
    journal: Journal,
    faults: Faults,
    url: String,
    storage: String,
    directory: PathBuf,
    serial: AtomicU64,
    /// Pushes under way: repository and credential.
    pushes: Mutex<HashMap<u64, (u64, Token)>>,
    hooks: u16,
    working: Mutex<Working>,
    rested: Condvar,
    /// Folder of the SSH server, where there is one.
    ssh: OnceLock<PathBuf>,
}

/// What may still change something.
#[derive(Default)]
struct Working {
    /// Connections from which something may come, or be answered.
    connections: HashSet<u64>,
    /// Requests that are executed.
    requests: u64,
}

/// A request that is executed until this is dropped.
pub(crate) struct Work(Shared);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.working(|working| working.requests -= 1);
    }
}

/// What all requests share: cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

impl Shared {
    pub(crate) fn new(model: Model, (url, storage): (String, String), directory: &Path, hooks: u16) -> Self {
        Self(Arc::new(Inner {
            model: Mutex::new(model),
            journal: Journal::default(),
            faults: Faults::default(),
            url,
            storage,
            directory: directory.to_owned(),
            serial: AtomicU64::new(1),
            pushes: Mutex::default(),
            hooks,
            working: Mutex::default(),
            rested: Condvar::new(),
            ssh: OnceLock::new(),
        }))
    }

    /// The state. Never held across an await.
    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.0.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.0.journal
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    /// The address of the storage of LFS objects, another host than [`Shared::url`].
    pub(crate) fn storage(&self) -> &str {
        &self.0.storage
    }

    /// Where the bare repositories lie.
    pub(crate) fn directory(&self) -> &Path {
        &self.0.directory
    }

    /// A number that was not given before.
    pub(crate) fn serial(&self) -> u64 {
        self.0.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// The port on which hooks ask for their verdict.
    pub(crate) fn hooks(&self) -> u16 {
        self.0.hooks
    }

    /// From now on the SSH server of this folder lets the deploy keys in. False: another one does.
    pub(crate) fn attach_ssh(&self, folder: PathBuf) -> bool {
        let attached = self.0.ssh.set(folder).is_ok();
        self.authorize(&self.model());
        attached
    }

    /// Tells the SSH server, if there is one, the deploy keys of `model`.
    pub(crate) fn authorize(&self, model: &Model) {
        if let Some(folder) = self.0.ssh.get() {
            // A server that has ended has no folder.
            let _ = ssh::authorize(folder, model);
        }
    }

    /// A request is executed from now on.
    pub(crate) fn work(&self) -> Work {
        self.working(|working| working.requests += 1);
        Work(self.clone())
    }

    /// A connection was taken.
    pub(crate) fn opened(&self, connection: u64) {
        self.working(|working| {
            working.connections.insert(connection);
        });
    }

    /// Nothing comes over a connection any more.
    pub(crate) fn abandoned(&self, connection: u64) {
        self.working(|working| {
            working.connections.remove(&connection);
        });
    }

    fn working(&self, change: impl FnOnce(&mut Working)) {
        change(&mut self.0.working.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.rested.notify_all();
    }

    /// Waits until no client is there and nothing goes on; what came in before is executed then. False: not within `limit`.
    pub(crate) fn rest(&self, limit: Duration) -> io::Result<bool> {
        // Connections are taken in their order: the end of this one is that of all before it being taken.
        let mut last = TcpStream::connect(self.0.url.trim_start_matches("http://"))?;
        last.shutdown(Shutdown::Write)?;
        last.read_to_end(&mut Vec::new())?;
        drop(last);
        let working = self.0.working.lock().unwrap_or_else(PoisonError::into_inner);
        let is_busy = |working: &mut Working| working.requests > 0 || !working.connections.is_empty();
        let waited = self.0.rested.wait_timeout_while(working, limit, is_busy);
        Ok(waited.is_ok_and(|(_, waited)| !waited.timed_out()))
    }

    /// Remembers a push for its hook, and gives it a number.
    pub(crate) fn open_push(&self, repository: u64, token: Token) -> u64 {
        let number = self.serial();
        self.0.pushes.lock().unwrap_or_else(PoisonError::into_inner).insert(number, (repository, token));
        number
    }

    /// The push of this number.
    pub(crate) fn push(&self, number: u64) -> Option<(u64, Token)> {
        self.0.pushes.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// Forgets a push.
    pub(crate) fn close_push(&self, number: u64) {
        self.0.pushes.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }
}
