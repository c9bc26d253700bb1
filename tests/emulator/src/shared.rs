//! What all requests share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    faults::Faults,
    log::Journal,
    model::{Model, Token},
};

struct Inner {
    model: Mutex<Model>,
    journal: Journal,
    faults: Faults,
    url: String,
    serial: AtomicU64,
    /// Pushes under way: repository and credential.
    pushes: Mutex<HashMap<u64, (u64, Token)>>,
    hooks: u16,
}

/// What all requests share: cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

impl Shared {
    pub(crate) fn new(model: Model, url: String, hooks: u16) -> Self {
        Self(Arc::new(Inner {
            model: Mutex::new(model),
            journal: Journal::default(),
            faults: Faults::default(),
            url,
            serial: AtomicU64::new(1),
            pushes: Mutex::default(),
            hooks,
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

    /// A number that was not given before.
    pub(crate) fn serial(&self) -> u64 {
        self.0.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// The port on which hooks ask for their verdict.
    pub(crate) fn hooks(&self) -> u16 {
        self.0.hooks
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
