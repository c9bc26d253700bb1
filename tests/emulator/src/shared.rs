//! What all requests share.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::{faults::Faults, log::Journal, model::Model};

struct Inner {
    model: Mutex<Model>,
    journal: Journal,
    faults: Faults,
    url: String,
    serial: AtomicU64,
}

/// What all requests share: cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

impl Shared {
    pub(crate) fn new(model: Model, url: String) -> Self {
        Self(Arc::new(Inner {
            model: Mutex::new(model),
            journal: Journal::default(),
            faults: Faults::default(),
            url,
            serial: AtomicU64::new(1),
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
}
