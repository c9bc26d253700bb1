//! Pushing: commands that name the old and the new value of each ref, a pack, and the server's report on both.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack#_pushing_data_to_a_server>,
//! <https://git-scm.com/docs/gitprotocol-capabilities>

mod report;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{
    WireError,
    advertisement::Capabilities,
    fetch::AGENT,
    pack::Pack,
    pktline::{PacketReader, PacketWriter},
    sideband::RemoteLines,
    transport::{Service, ServiceRequest, Transport},
};
pub use crate::diagnosis::errors::PushError;
pub use report::PushReport;
use report::read_report;

use crate::{
    credential::OutsideText,
    diagnosis::{
        Cause, Evidence, Operation, Situation, classify,
        errors::{PushFault, PushFaultKind},
    },
    names::{Oid, RefName},
    progress::Watch,
};

/// One ref update: a compare-and-swap at the server, which refuses it when the ref does not hold `old`.
/// NOTE: a server accepts one that is no fast-forward; who must not force has to look first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefCommand {
    /// The ref.
    pub name: RefName,
    /// The value that it has now; [`Oid::ZERO`] when it is to be created.
    pub old: Oid,
    /// The value that it shall have; [`Oid::ZERO`] when it is to be deleted.
    pub new: Oid,
}

/// What is pushed.
#[derive(Clone, Debug)]
pub struct PushRequest {
    /// The ref updates, at least one.
    pub commands: Vec<RefCommand>,
    /// The objects that the server lacks; it is not sent when there are deletions only.
    pub pack: Pack,
    /// All updates or none, if the server is able to.
    pub atomic: bool,
}

impl PushRequest {
    fn carries_pack(&self) -> bool {
        self.commands.iter().any(|command| !command.new.is_zero())
    }
}

/// The progress of one push, readable while the push runs. Clones share their state.
#[derive(Clone, Debug)]
pub struct PushProgress {
    all_sent: Arc<AtomicBool>,
    moved: Arc<Mutex<Instant>>,
}

impl PushProgress {
    /// The progress of a push that is about to begin.
    pub fn start() -> Self {
        Self { all_sent: Arc::default(), moved: Arc::new(Mutex::new(Instant::now())) }
    }

    /// The time since the server, which has the whole request, last answered a byte. `None` while bytes are still to be sent.
    pub fn silence(&self) -> Option<Duration> {
        self.is_all_sent().then(|| self.moved.lock().unwrap_or_else(PoisonError::into_inner).elapsed())
    }

    fn is_all_sent(&self) -> bool {
        self.all_sent.load(Ordering::Acquire)
    }

    fn note(&self) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// Pushes, and returns the report whatever it says: see [`PushReport::judge`]. `capabilities` are those of the
/// advertisement that named the old values. `progress` tells meanwhile how far it is.
pub async fn push(
    transport: &Transport,
    capabilities: &Capabilities,
    request: &PushRequest,
    progress: &PushProgress,
    watch: &Arc<dyn Watch>,
    situation: &Situation,
) -> Result<PushReport, PushError> {
    let failed = |error| PushError::Failed(PushFault::new(PushFaultKind::NotSent(error), situation));
    let sideband = capabilities.has("side-band-64k");
    let commands = commands(request, capabilities, sideband).map_err(failed)?;
    let body = body(commands, request, capabilities, watch, progress);
    let mut said = RemoteLines::default();
    let outcome = async {
        let answer = transport.request(Service::ReceivePack, false, &body).await?;
        let heard = progress.clone();
        let mut reader = PacketReader::new(answer.inspect(move |_| heard.note()).boxed());
        let report = read_report(&mut reader, sideband, &mut said, &**watch).await?;
        reader.finish().await;
        Ok(report)
    };
    let outcome = outcome.await;
    let remote_lines = said.finish();
    match outcome {
        Ok(report) => report.into_report(request, remote_lines).map_err(|missing| unclear(missing, situation)),
        Err(error) => Err(judge_error(error, &remote_lines, progress.is_all_sent(), situation)),
    }
}

fn commands(request: &PushRequest, capabilities: &Capabilities, sideband: bool) -> Result<Bytes, WireError> {
    // A server without it answers a deletion with an error that does not name the reason.
    if !capabilities.has("delete-refs") && request.commands.iter().any(|command| command.new.is_zero()) {
        return Err(WireError::NoDeletions);
    }
    let mut words = String::new();
    // Version 2 adds `option` lines about refs that a hook has renamed.
    let report = ["report-status-v2", "report-status"].into_iter().find(|word| capabilities.has(word));
    let atomic = request.atomic && capabilities.has("atomic");
    let words_wanted = [report, sideband.then_some("side-band-64k"), atomic.then_some("atomic")];
    for word in words_wanted.into_iter().flatten() {
        words = words + " " + word;
    }
    if capabilities.has("object-format") {
        words += " object-format=sha1";
    }
    if capabilities.has("agent") {
        words = words + " " + AGENT;
    }
    let mut words = Some(words);
    let mut writer = PacketWriter::default();
    for RefCommand { name, old, new } in &request.commands {
        match words.take() {
            // Only the first command carries capabilities, behind a NUL (gitprotocol-pack).
            Some(words) => writer.line(format!("{old} {new} {name}\0{words}"))?,
            None => writer.line(format!("{old} {new} {name}"))?,
        }
    }
    writer.flush();
    Ok(writer.finish())
}

/// The commands and the pack, made as often as they are asked for; `progress` learns when the last byte was handed out.
fn body(
    commands: Bytes,
    request: &PushRequest,
    capabilities: &Capabilities,
    watch: &Arc<dyn Watch>,
    progress: &PushProgress,
) -> ServiceRequest {
    let pack = request.carries_pack().then(|| request.pack.clone());
    // A server that says this cannot complete a pack from the objects that it has.
    let pack = if capabilities.has("no-thin") { pack.map(Pack::self_contained) } else { pack };
    let (watch, progress) = (Arc::clone(watch), progress.clone());
    ServiceRequest::new(move || {
        let commands = stream::iter([Ok(commands.clone())]);
        // The body can be made again (status 411): each one begins as not sent.
        progress.all_sent.store(pack.is_none(), Ordering::Release);
        let handed_out = progress.clone();
        let Some(pack) = &pack else { return commands.inspect(move |_| handed_out.note()).boxed() };
        let pack = pack.stream(Arc::clone(&watch), Arc::clone(&progress.all_sent));
        commands.chain(pack).inspect(move |_| handed_out.note()).boxed()
    })
}

/// A push without a report: refused, not arrived, or unclear.
fn judge_error(error: WireError, remote_lines: &OutsideText, all_sent: bool, situation: &Situation) -> PushError {
    // What the server said before it broke off is the reason; the broken connection is its consequence.
    let spoken = match &error {
        // The words that end it all come with what was said before them.
        WireError::Remote(text) if text.searched().starts_with(remote_lines.searched()) => text.clone(),
        WireError::Remote(text) => [remote_lines.searched(), text.searched()].join("\n").into(),
        _ => remote_lines.clone(),
    };
    if !spoken.is_blank() {
        let shown = as_git_shows(&spoken);
        let diagnosis = classify(&Evidence::of_text(Operation::GitPush, shown.clone()), situation);
        // A text that is transient or unknown decides nothing; how far the request came does.
        if !diagnosis.transient && !matches!(diagnosis.cause, Cause::Unknown | Cause::NotAFailure) {
            return PushError::Failed(PushFault::new(PushFaultKind::Refused(shown.into()), situation));
        }
    }
    let arrived = match &error {
        // A pack that ends too early is never applied.
        WireError::Http(error) => error.maybe_sent && all_sent,
        // A 4xx comes before git sees the push; behind a gateway's 5xx git can be at work.
        WireError::Status { status, .. } => *status >= 500 && all_sent,
        // None of these comes after the last byte: the connection was not made, or the pack not.
        WireError::Ssh(_)
        | WireError::Request(_)
        | WireError::ObjectFormat(_)
        | WireError::NoDeletions
        | WireError::Checkout(_)
        | WireError::Pack(_)
        | WireError::Store(_)
        | WireError::Taker(_) => false,
        WireError::Protocol(_) | WireError::Unexpected { .. } | WireError::Remote(_) | WireError::CutOff => all_sent,
    };
    if arrived {
        PushError::Unclear(PushFault::new(PushFaultKind::Unanswered(error), situation))
    } else {
        PushError::Failed(PushFault::new(PushFaultKind::NotSent(error), situation))
    }
}

fn unclear(missing: String, situation: &Situation) -> PushError {
    PushError::Unclear(PushFault::new(PushFaultKind::NoReport(missing), situation))
}

fn as_git_shows(remote_lines: &OutsideText) -> String {
    remote_lines.searched().lines().flat_map(|line| ["remote: ", line, "\n"]).collect()
}
