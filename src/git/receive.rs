//! Pushing: commands that name the old and the new value of each ref, a pack, and the server's report on both.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack#_pushing_data_to_a_server>,
//! <https://git-scm.com/docs/gitprotocol-capabilities>

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{
    WireError,
    advertisement::Capabilities,
    fetch::AGENT,
    pack::Pack,
    pktline::{Decoder, Packet, Reader, Writer, line, refusal},
    sideband::{Demultiplexer, RemoteLines},
    transport::{Request, Service, Transport},
};
use crate::{
    diagnosis::{Cause, Evidence, Failure, Operation, Retry, Situation, classify},
    progress::Watch,
    target::{Oid, RefName},
};

/// How long a report may be.
const REPORT_LIMIT: usize = 64 * 1024 * 1024;

/// One ref update: a compare-and-swap at the server, which refuses it when the ref does not hold `old`.
/// NOTE: a server accepts one that is no fast-forward; who must not force has to look first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
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
    pub commands: Vec<Command>,
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

/// What the server said about each part of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushReport {
    /// Whether the pack was taken in; otherwise why not.
    pub unpack: Result<(), String>,
    /// The refs in the order of the commands; `Err` holds the words in brackets after `[remote rejected]`.
    pub refs: Vec<(RefName, Result<(), String>)>,
    /// What the server said for a person (git shows it as `remote: …`), lines with a newline between them.
    pub remote_lines: String,
}

/// Why a push did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// A ref did not hold the old value that the command named, or was just being changed by another: fetch, merge, push again.
    /// Servers do not always say so; where the ref turns out not to have moved, count it as a failed try.
    #[error(transparent)]
    LostRace(Failure),
    /// The server refused, or nothing that could be applied was sent; its `retry` tells whether another try may help.
    #[error(transparent)]
    Failed(Failure),
    /// All was sent, and no report came back: only a look at the refs tells what became of it.
    #[error(transparent)]
    Unclear(Failure),
}

impl PushError {
    /// The failure, whatever kind it is.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::LostRace(failure) | Self::Failed(failure) | Self::Unclear(failure) => failure,
        }
    }
}

/// Pushes, and returns the report whatever it says: see [`PushReport::judge`]. `capabilities` are those of the
/// advertisement that named the old values.
pub async fn push(
    transport: &Transport,
    capabilities: &Capabilities,
    request: &PushRequest,
    watch: &Arc<dyn Watch>,
    situation: &Situation,
) -> Result<PushReport, PushError> {
    let failed = |error: WireError| PushError::Failed(error.into_failure(Operation::GitPush, situation));
    let sideband = capabilities.has("side-band-64k");
    let commands = commands(request, capabilities, sideband).map_err(failed)?;
    let ended = Arc::new(AtomicBool::new(false));
    let body = body(commands, request, watch, &ended);
    let mut said = RemoteLines::default();
    let outcome = async {
        let answer = transport.request(Service::ReceivePack, false, &body).await?;
        let mut reader = Reader::new(answer);
        let report = read_report(&mut reader, sideband, &mut said).await?;
        reader.finish().await;
        Ok(report)
    };
    let outcome = outcome.await;
    let remote_lines = said.finish();
    match outcome {
        Ok(report) => report.into_report(request, remote_lines).map_err(|missing| unclear(&missing, situation)),
        Err(error) => Err(judge_error(error, &remote_lines, ended.load(Ordering::Acquire), situation)),
    }
}

fn commands(request: &PushRequest, capabilities: &Capabilities, sideband: bool) -> Result<Bytes, WireError> {
    if !capabilities.has("delete-refs") && request.commands.iter().any(|command| command.new.is_zero()) {
        let failure = Failure::new(Cause::InvalidRefOrObject, "The server does not let refs be deleted by a push.");
        return Err(failure.into());
    }
    let mut words = String::new();
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
    let mut writer = Writer::default();
    for Command { name, old, new } in &request.commands {
        match words.take() {
            Some(words) => writer.line(format!("{old} {new} {name}\0{words}"))?,
            None => writer.line(format!("{old} {new} {name}"))?,
        }
    }
    writer.flush();
    Ok(writer.finish())
}

/// The commands and the pack, made as often as they are asked for; `ended` tells whether the last byte was handed out.
fn body(commands: Bytes, request: &PushRequest, watch: &Arc<dyn Watch>, ended: &Arc<AtomicBool>) -> Request {
    let pack = request.carries_pack().then(|| request.pack.clone());
    let (watch, ended) = (Arc::clone(watch), Arc::clone(ended));
    Request::new(move || {
        let commands = stream::iter([Ok(commands.clone())]);
        ended.store(pack.is_none(), Ordering::Release);
        let Some(pack) = &pack else { return commands.boxed() };
        commands.chain(pack.stream(Arc::clone(&watch), Arc::clone(&ended))).boxed()
    })
}

/// The lines of a report, as they came.
#[derive(Debug, Default, PartialEq, Eq)]
struct RawReport {
    unpack: Option<String>,
    refs: Vec<(String, Result<(), String>)>,
}

impl RawReport {
    fn take(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let text = String::from_utf8_lossy(line(payload)).into_owned();
        if let Some(state) = text.strip_prefix("unpack ") {
            self.unpack = Some(state.to_owned());
        } else if let Some(name) = text.strip_prefix("ok ") {
            self.refs.push((name.to_owned(), Ok(())));
        } else if let Some(refused) = text.strip_prefix("ng ") {
            let (name, reason) = refused.split_once(' ').unwrap_or((refused, "refused without a reason"));
            self.refs.push((name.to_owned(), Err(reason.to_owned())));
        } else if !text.starts_with("option ") {
            let text: String = text.chars().take(80).collect();
            return Err(WireError::protocol(format!("the report holds the line {text:?}")));
        }
        Ok(())
    }

    /// The report on what was asked for; the error says what it lacks.
    fn into_report(self, request: &PushRequest, remote_lines: String) -> Result<PushReport, String> {
        let unpack = match self.unpack.as_deref() {
            Some("ok") => Ok(()),
            Some(reason) => Err(reason.to_owned()),
            None => return Err("the server's answer holds no report".into()),
        };
        let mut refs = Vec::new();
        for Command { name, .. } in &request.commands {
            let found = self.refs.iter().find(|(found, _)| found == name.as_str());
            match (found, &unpack) {
                (Some((_, outcome)), _) => refs.push((name.clone(), outcome.clone())),
                (None, Err(_)) => refs.push((name.clone(), Err("unpacker error".into()))),
                (None, Ok(())) => return Err(format!("the server's report does not name {}", name.as_str())),
            }
        }
        Ok(PushReport { unpack, refs, remote_lines })
    }
}

async fn read_report(reader: &mut Reader, sideband: bool, said: &mut RemoteLines) -> Result<RawReport, WireError> {
    let mut report = RawReport::default();
    if !sideband {
        while let Some(packet) = next_of_report(reader).await? {
            report.take(&packet)?;
        }
        return Ok(report);
    }
    let mut bands = Demultiplexer::default();
    let mut decoder = Decoder::default();
    let mut length = 0;
    let outcome = loop {
        let payload = match next_of_report(reader).await {
            Ok(Some(payload)) => payload,
            Ok(None) => break Ok(report),
            Err(error) => break Err(error),
        };
        let taken = bands.take(payload).and_then(|data| {
            let data = data.unwrap_or_default();
            length += data.len();
            if length > REPORT_LIMIT {
                return Err(WireError::protocol("the report has no end"));
            }
            decoder.feed(&data);
            while let Some(packet) = decoder.decode()? {
                if let Packet::Data(payload) = packet {
                    report.take(&payload)?;
                }
            }
            Ok(())
        });
        if let Err(error) = taken {
            break Err(error);
        }
    };
    *said = bands.lines;
    outcome
}

/// The next frame of an answer; its end with or without a flush is `None`.
async fn next_of_report(reader: &mut Reader) -> Result<Option<Bytes>, WireError> {
    match reader.next().await? {
        Some(Packet::Data(payload)) if payload.starts_with(b"ERR ") => Err(refusal(&payload[4..])),
        Some(Packet::Data(payload)) => Ok(Some(payload)),
        Some(Packet::Flush) | None => Ok(None),
        Some(_) => Err(WireError::protocol("a section mark stands inside a report")),
    }
}

/// A push without a report: refused, not arrived, or unclear.
fn judge_error(error: WireError, remote_lines: &str, all_sent: bool, situation: &Situation) -> PushError {
    // What the server said before it broke off is the reason; the broken connection is its consequence.
    let spoken = match &error {
        WireError::Remote(text) => [remote_lines, text].join("\n"),
        _ => remote_lines.to_owned(),
    };
    if !spoken.trim().is_empty() {
        let diagnosis = classify(&Evidence::of_text(Operation::GitPush, &as_git_shows(&spoken)), situation);
        if !diagnosis.transient && !matches!(diagnosis.cause, Cause::Unknown | Cause::NotAFailure) {
            return PushError::Failed(diagnosis.into_failure());
        }
    }
    let arrived = match &error {
        // A pack that ends too early is never applied.
        WireError::Http(error) => error.maybe_sent && all_sent,
        WireError::Status { status, .. } => *status >= 500 && all_sent,
        WireError::Failed(_) => false,
        WireError::Protocol(_) | WireError::Remote(_) | WireError::CutOff => all_sent,
    };
    let failure = error.into_failure(Operation::GitPush, situation);
    if arrived { PushError::Unclear(failure.with_retry(Retry::Unclear)) } else { PushError::Failed(failure) }
}

fn unclear(missing: &str, situation: &Situation) -> PushError {
    let server = situation.server.as_deref().unwrap_or("the server");
    let what = format!("It is not known whether {server} did what was pushed: {missing}.");
    PushError::Unclear(Failure::new(Cause::ServerError, what).with_retry(Retry::Unclear))
}

fn as_git_shows(remote_lines: &str) -> String {
    remote_lines.lines().flat_map(|line| ["remote: ", line, "\n"]).collect()
}

impl PushReport {
    /// Whether all was done.
    pub fn is_success(&self) -> bool {
        self.unpack.is_ok() && self.refs.iter().all(|(_, outcome)| outcome.is_ok())
    }

    /// Success only when the server says so for the pack and for every ref; else the error of the first ref
    /// that was refused for a reason of its own.
    pub fn judge(self, situation: &Situation) -> Result<Self, PushError> {
        let refused = |consequence: bool| {
            self.refs
                .iter()
                .find(|(_, outcome)| outcome.as_ref().is_err_and(|reason| consequence || !is_consequence(reason)))
        };
        match refused(false).or_else(|| refused(true)) {
            Some((name, _)) => Err(self.error_of(name, situation)),
            None if self.unpack.is_err() => Err(PushError::Failed(self.failure(None, situation))),
            None => Ok(self),
        }
    }

    /// The error of one ref that was refused.
    pub fn error_of(&self, name: &RefName, situation: &Situation) -> PushError {
        let outcome = self.refs.iter().find(|(found, _)| found == name);
        let Some((_, Err(reason))) = outcome else { return PushError::Failed(self.failure(None, situation)) };
        let failure = self.failure(Some((name, reason)), situation);
        // NOTE: inside an atomic push the reason stands in the sideband only, whichever ref it belongs to.
        let unexplained = is_consequence(reason) || reason == "failed to update ref";
        let lost = says_lost_race(reason) || unexplained && says_lost_race(&self.remote_lines);
        let silent = unexplained && self.remote_lines.trim().is_empty();
        if self.unpack.is_ok() && (lost || silent) {
            return PushError::LostRace(Failure { cause: Cause::CannotLockRef, retry: Retry::Backoff, ..failure });
        }
        PushError::Failed(failure)
    }

    fn failure(&self, refused: Option<(&RefName, &str)>, situation: &Situation) -> Failure {
        let mut text = as_git_shows(&self.remote_lines);
        if let Err(reason) = &self.unpack {
            text = text + "error: remote unpack failed: " + reason + "\n";
        }
        if let Some((name, reason)) = refused {
            let name = name.short();
            text += &[" ! [remote rejected] ", name, " -> ", name, " (", reason, ")\n"].concat();
        }
        classify(&Evidence::of_text(Operation::GitPush, &text), situation).into_failure()
    }
}

/// Whether a ref was refused only because another one was, or because the whole was.
fn is_consequence(reason: &str) -> bool {
    reason.contains("atomic transaction failed") || reason.contains("atomic push failure")
}

/// Whether a text says that a ref was not as the command named it, or that another push held it.
///
/// Source: `refs/files-backend.c`, `refs/reftable-backend.c` and `refs.c` of git
fn says_lost_race(text: &str) -> bool {
    const SIGNS: [&str; 7] = [
        "but expected",
        "reference already exists",
        "unable to resolve reference",
        "reference is missing",
        "reference does not exist",
        "incorrect old value provided",
        "fetch first",
    ];
    let held = text.contains("cannot lock ref") && text.contains("File exists");
    held || SIGNS.iter().any(|sign| text.contains(sign))
}
