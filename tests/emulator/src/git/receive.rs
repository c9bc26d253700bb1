//! A push: what it asks for, what git made of it, and what it starts.
//!
//! Formats: <https://git-scm.com/docs/gitprotocol-pack> (reference update request, report status)

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use hyper::body::Incoming;

use super::{backend::Backend, collected};
use crate::{
    answer::{Answer, Body},
    handle,
    log::Update,
    model::{Repository, Token},
    shared::Shared,
    workflows,
};

/// Lets git receive a push, notes its outcome in the log and starts what it starts.
pub(super) async fn push(
    shared: &Shared,
    number: usize,
    repository: Repository,
    token: Option<Token>,
    backend: Backend,
    incoming: Incoming,
) -> io::Result<Answer> {
    let commands = Arc::new(Mutex::new(Commands::default()));
    let seen = commands.clone();
    let watch = move |piece: &[u8]| seen.lock().unwrap_or_else(PoisonError::into_inner).feed(piece);
    let open = token.clone().map(|token| shared.open_push(repository.id, token));
    let backend = backend.env("EMULATOR_PUSH", &open.unwrap_or_default().to_string());
    let mut answer = backend.run_watched(shared, number, incoming, watch).await?;
    let bytes = collected(answer.body).await;
    if let Some(open) = open {
        shared.close_push(open);
    }
    let mut updates = std::mem::take(&mut commands.lock().unwrap_or_else(PoisonError::into_inner).updates);
    let report = Report::read(&bytes);
    for update in &mut updates {
        if let Some((_, result)) = report.results.iter().find(|(name, _)| *name == update.name) {
            update.result.clone_from(result);
        }
    }
    shared.journal().amend(number, |entry| {
        entry.updates.clone_from(&updates);
        entry.sideband.clone_from(&report.sideband);
    });
    updates.retain(|update| update.result == "ok");
    if let Some(token) = token
        && !updates.is_empty()
    {
        let (shared, id) = (shared.clone(), repository.id);
        let path = repository.path.clone();
        let started = tokio::task::spawn_blocking(move || {
            adopt_default_branch(&shared, id, &path, &updates);
            let mut model = shared.model();
            workflows::pushed(&shared, &mut model, id, &token, &updates);
        });
        started.await.map_err(io::Error::other)?;
    }
    answer.body = Body::Stream(Box::pin(futures_util::stream::once(async move { Ok(bytes) })));
    Ok(answer)
}

/// The first branch of an empty repository becomes its default branch.
fn adopt_default_branch(shared: &Shared, id: u64, path: &std::path::Path, updates: &[Update]) {
    let Ok(bare) = handle::open(path) else { return };
    let branch = updates.iter().find_map(|update| update.name.strip_prefix("refs/heads/"));
    if let (Err(_), Some(branch)) = (bare.head(), branch)
        && bare.set_head(&format!("refs/heads/{branch}")).is_ok()
    {
        let mut model = shared.model();
        if let Some(repository) = model.repositories.iter_mut().find(|repository| repository.id == id) {
            branch.clone_into(&mut repository.default_branch);
        }
    }
}

/// Reads the reference update request while it passes.
#[derive(Default)]
struct Commands {
    buffer: Vec<u8>,
    done: bool,
    updates: Vec<Update>,
}

impl Commands {
    fn feed(&mut self, piece: &[u8]) {
        if self.done {
            return;
        }
        self.buffer.extend_from_slice(piece);
        while let Some((line, length)) = pkt_line(&self.buffer) {
            let Some(line) = line else {
                self.done = true;
                self.buffer = Vec::new();
                return;
            };
            let text = String::from_utf8_lossy(line.split(|&byte| byte == 0).next().unwrap_or_default()).into_owned();
            let mut words = text.trim_end().splitn(3, ' ');
            if let (Some(old), Some(new), Some(name)) = (words.next(), words.next(), words.next())
                && old.len() == 40
            {
                let (name, old, new) = (name.to_owned(), old.to_owned(), new.to_owned());
                self.updates.push(Update { name, old, new, result: String::new() });
            }
            self.buffer.drain(..length);
        }
    }
}

/// The first pkt-line of a buffer (`None` inside: flush) and its length with the prefix; `None`: not whole yet.
pub(super) fn pkt_line(buffer: &[u8]) -> Option<(Option<&[u8]>, usize)> {
    let length = usize::from_str_radix(std::str::from_utf8(buffer.get(..4)?).ok()?, 16).ok()?;
    match length {
        0..4 => Some((None, 4)),
        _ => Some((Some(buffer.get(4..length)?), length)),
    }
}

/// The server's report and what it said beside it.
#[derive(Default)]
struct Report {
    results: Vec<(String, String)>,
    sideband: String,
}

impl Report {
    fn read(answer: &Bytes) -> Self {
        let mut report = Self::default();
        let mut inner = Vec::new();
        let mut rest = &answer[..];
        while let Some((line, length)) = pkt_line(rest) {
            match line.and_then(|line| line.split_first()) {
                Some((1, data)) => inner.extend_from_slice(data),
                Some((2 | 3, text)) => report.sideband.push_str(&String::from_utf8_lossy(text)),
                // Without side-band the report itself stands here.
                Some(_) => inner.extend_from_slice(&rest[..length]),
                None => {}
            }
            rest = &rest[length..];
        }
        let mut rest = &inner[..];
        while let Some((line, length)) = pkt_line(rest) {
            let text = String::from_utf8_lossy(line.unwrap_or_default()).trim_end().to_owned();
            match text.split_once(' ') {
                Some(("ok", name)) => report.results.push((name.to_owned(), "ok".to_owned())),
                Some(("ng", refused)) => {
                    let (name, reason) = refused.split_once(' ').unwrap_or((refused, "refused"));
                    report.results.push((name.to_owned(), reason.to_owned()));
                }
                _ => {}
            }
            rest = &rest[length..];
        }
        report
    }
}
