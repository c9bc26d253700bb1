//! The log of every request that reached the server, in order of arrival.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde_json::Value;

/// What a ref update of a push asked for, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The full ref name.
    pub name: String,
    /// The old value that the client named; 40 zeros for a new ref.
    pub old: String,
    /// The new value; 40 zeros for a deletion.
    pub new: String,
    /// `ok`, or the reason of the `ng`; empty while unknown.
    pub result: String,
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Arrival, by this machine's clock.
    pub at: DateTime<Utc>,
    /// Counts connections from 1: two entries with one number shared a connection.
    pub connection: u64,
    /// `GET`, ...
    pub method: String,
    /// Path with query, as it came.
    pub path: String,
    /// Request headers, lower-case names, without `authorization`.
    pub headers: Vec<(String, String)>,
    /// The credential: nothing, `unknown` (a dead one too), or the token's name. Never its value.
    pub token: Option<String>,
    /// Request body, when it was JSON.
    pub request: Option<Value>,
    /// The same, as it came.
    pub request_text: String,
    /// Ref updates, when it was a push.
    pub updates: Vec<Update>,
    /// What a push's sideband said to a person.
    pub sideband: String,
    /// The status that was sent; `None`: the connection was cut or held instead.
    pub status: Option<u16>,
    /// Answer headers, lower-case names.
    pub answer_headers: Vec<(String, String)>,
    /// Answer body, when it was JSON.
    pub answer: Option<Value>,
    /// Bytes of the request's body that arrived (after the transfer encoding is taken off).
    pub bytes_in: u64,
    /// Bytes of the answer's body that were handed to the connection.
    pub bytes_out: u64,
    /// From arrival to the last byte of the answer.
    pub took: Duration,
    /// Faults that were applied to this exchange.
    pub faults: Vec<String>,
}

impl Entry {
    /// The path without the query.
    pub fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Spoke to the REST face.
    pub fn is_rest(&self) -> bool {
        self.path.starts_with("/api/v3")
    }

    /// A request header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Sums over a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests to the REST face.
    pub rest: usize,
    /// Requests to the git face.
    pub git: usize,
    /// Connections used.
    pub connections: usize,
    /// Body bytes from the client.
    pub bytes_in: u64,
    /// Body bytes to the client.
    pub bytes_out: u64,
}

/// A copy of the log as it stood when it was asked for.
#[derive(Clone, Debug, Default)]
pub struct Log(pub Vec<Entry>);

impl Log {
    /// The requests to the REST face.
    pub fn rest(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| entry.is_rest())
    }

    /// The requests to the git face.
    pub fn git(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| !["/api/", "/storage/"].iter().any(|start| entry.path.starts_with(start)))
    }

    /// The requests to the storage of LFS objects, which is a host of its own.
    pub fn storage(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| entry.path.starts_with("/storage/"))
    }

    /// The requests to GraphQL.
    pub fn graphql(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| entry.path == "/api/graphql")
    }

    /// The requests of this method whose path without query ends so.
    pub fn calls(&self, method: &str, end: &str) -> Vec<&Entry> {
        self.0.iter().filter(|entry| entry.method == method && entry.bare_path().ends_with(end)).collect()
    }

    /// The pushes (not their advertisements).
    pub fn pushes(&self) -> Vec<&Entry> {
        self.calls("POST", "/git-receive-pack")
    }

    /// Counts and sums.
    pub fn totals(&self) -> Totals {
        let connections: BTreeSet<_> = self.0.iter().map(|entry| entry.connection).collect();
        Totals {
            rest: self.rest().count(),
            git: self.git().count(),
            connections: connections.len(),
            bytes_in: self.0.iter().map(|entry| entry.bytes_in).sum(),
            bytes_out: self.0.iter().map(|entry| entry.bytes_out).sum(),
        }
    }

    /// How often each `METHOD path` (without query) was asked.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.0 {
            *counts.entry(format!("{} {}", entry.method, entry.bare_path())).or_default() += 1;
        }
        counts
    }
}

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for entry in &self.0 {
            let status = entry.status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
            write!(f, "#{} {} {} -> {status}", entry.connection, entry.method, entry.path)?;
            write!(f, " (in {} B, out {} B)", entry.bytes_in, entry.bytes_out)?;
            if !entry.faults.is_empty() {
                write!(f, " [{}]", entry.faults.join(", "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// The log that the server writes: entries are filled in while the exchange goes on.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<Entry>>>);

impl Journal {
    /// Adds an entry and returns its number.
    pub(crate) fn open(&self, entry: Entry) -> usize {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(entry);
        entries.len() - 1
    }

    /// Changes an entry.
    pub(crate) fn amend(&self, number: usize, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(number) {
            change(entry);
        }
    }

    /// A copy.
    pub(crate) fn copy(&self) -> Log {
        Log(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Forgets everything so far: for a test that measures only its second half.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
