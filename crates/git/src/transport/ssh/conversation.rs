//! One service that runs in a channel, from its first word to its last.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client::Msg};
use tokio::task::JoinHandle;

use super::{
    super::{Service, ServiceRequest},
    ChannelCounters, Silence,
};
use crate::{
    WireError,
    credential::OutsideText,
    diagnosis::{Cause, Evidence, Operation, Situation, classify, errors::SshError},
    http::Waits,
    pktline::Frames,
};

/// How much of what the server says beside the answer is kept.
const TEXT_LIMIT: usize = 16 * 1024;

/// How a line begins, in lower case, with which a server or its git refuses something.
const REFUSALS: [&str; 4] = ["error", "fatal", "remote:", "permission"];

/// A service that runs at the other end.
pub(super) struct Conversation {
    reader: ChannelReadHalf,
    writer: Arc<ChannelWriteHalf<Msg>>,
    /// The request on its way.
    sending: Option<JoinHandle<Result<(), WireError>>>,
    /// What the server said for a person.
    said: Vec<u8>,
    /// The server does not run such a command.
    refused: bool,
    /// The service ended; it was not the connection that broke.
    whole: bool,
    /// Something of the answer to the request came.
    answered: bool,
    /// How long neither side may move a byte now.
    limit: Duration,
    /// The same once the request was sent.
    limit_then: Duration,
    outgoing: Arc<RequestProgress>,
    silence: Silence,
    counters: Arc<ChannelCounters>,
}

/// The state of the request's sending, shared with the task that waits for the answer.
#[derive(Default)]
struct RequestProgress {
    /// Bytes that were sent.
    sent: AtomicU64,
    /// The network waits for our own data.
    producing: AtomicBool,
}

impl Drop for Conversation {
    /// Ends the service too: one that waits for more would hold its channel as long as the connection lasts.
    fn drop(&mut self) {
        if let Some(task) = &self.sending {
            task.abort();
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let writer = Arc::clone(&self.writer);
            runtime.spawn(async move { writer.close().await });
        }
    }
}

impl Conversation {
    /// With `service`, which was started in `channel`.
    pub(super) fn new(
        channel: Channel<Msg>,
        service: Service,
        waits: Waits,
        silence: Silence,
        counters: Arc<ChannelCounters>,
    ) -> Self {
        let (reader, writer) = channel.split();
        let limit_then = if service == Service::ReceivePack { waits.work } else { waits.silence };
        Self {
            reader,
            writer: Arc::new(writer),
            sending: None,
            said: Vec::new(),
            refused: false,
            whole: false,
            answered: false,
            limit: waits.silence,
            limit_then,
            outgoing: Arc::default(),
            silence,
            counters,
        }
    }

    /// The next message of the other side, unless it is silent for too long while nothing is sent to it either.
    async fn message(&mut self) -> Result<Option<ChannelMsg>, WireError> {
        loop {
            let before = self.outgoing.sent.load(Ordering::Relaxed);
            let (reader, sending) = (&mut self.reader, &mut self.sending);
            let heard = async {
                match sending.as_mut() {
                    None => Ok(reader.wait().await),
                    Some(task) => tokio::select! {
                        message = reader.wait() => Ok(message),
                        sent = task => Err(sent),
                    },
                }
            };
            match tokio::time::timeout(self.limit, heard).await {
                Ok(Ok(message)) => return Ok(message),
                Ok(Err(sent)) => {
                    self.sending = None;
                    match sent {
                        Ok(Ok(())) => self.limit = self.limit_then,
                        // What could not be made is the reason; of a channel that was closed the server tells why.
                        Ok(Err(error)) if !matches!(error, WireError::CutOff) => return Err(error),
                        _ => {}
                    }
                }
                Err(_) => {
                    let RequestProgress { sent, producing } = &*self.outgoing;
                    // A disk or a core of our own that is slow is not the server's silence.
                    if sent.load(Ordering::Relaxed) == before && !producing.load(Ordering::Relaxed) {
                        return Err(WireError::Http(self.silence.of(self.limit)));
                    }
                }
            }
        }
    }

    /// The next piece of the service's output; `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, WireError> {
        loop {
            match self.message().await? {
                Some(ChannelMsg::Data { data }) if !data.is_empty() => {
                    self.counters.received.fetch_add(data.len() as u64, Ordering::Relaxed);
                    return Ok(Some(data));
                }
                // Standard error: progress, and the words of a refusal.
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    let room = TEXT_LIMIT.saturating_sub(self.said.len());
                    self.said.extend_from_slice(&data[..data.len().min(room)]);
                }
                // The answer to `exec`: the server does not run this command.
                Some(ChannelMsg::Failure) => {
                    (self.refused, self.whole) = (true, true);
                    return Ok(None);
                }
                Some(ChannelMsg::Eof | ChannelMsg::Close) => {
                    self.whole = true;
                    return Ok(None);
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// Reads to the end of the advertisement; gives what came after it.
    pub(super) async fn skip_advertisement(&mut self) -> Result<Bytes, WireError> {
        let mut frames = Frames::default();
        loop {
            let Some(mut piece) = self.next().await? else { return Err(self.turned_away()) };
            if let Some(end) = frames.flush_in(&piece)? {
                piece.advance(end);
                return Ok(piece);
            }
        }
    }

    /// Begins to send the request; the answer may be read meanwhile.
    pub(super) fn send(&mut self, request: &ServiceRequest) {
        let writer = Arc::clone(&self.writer);
        let (outgoing, counters) = (Arc::clone(&self.outgoing), Arc::clone(&self.counters));
        let mut bytes = request.stream();
        let task = tokio::spawn(async move {
            loop {
                outgoing.producing.store(true, Ordering::Relaxed);
                let Some(piece) = bytes.next().await else { break };
                outgoing.producing.store(false, Ordering::Relaxed);
                let piece = piece?;
                let length = piece.len() as u64;
                writer.data_bytes(piece).await.map_err(|_| WireError::CutOff)?;
                outgoing.sent.fetch_add(length, Ordering::Relaxed);
                counters.sent.fetch_add(length, Ordering::Relaxed);
            }
            outgoing.producing.store(false, Ordering::Relaxed);
            writer.eof().await.map_err(|_| WireError::CutOff)
        });
        self.sending = Some(task);
    }

    /// The next piece of the answer to the request.
    pub(super) async fn answer(&mut self) -> Result<Option<Bytes>, WireError> {
        match self.next().await? {
            Some(piece) => {
                self.answered = true;
                Ok(Some(piece))
            }
            // The channel ended without a word of its end: the connection is gone.
            None if !self.whole => Err(self.silence.error().map_or(WireError::CutOff, WireError::Http)),
            None if !self.answered && self.has_reason() => Err(WireError::Remote(self.text())),
            None => Ok(None),
        }
    }

    /// Whether the service ended by itself, so that what it said is all.
    pub(super) fn ended_whole(&self) -> Result<(), WireError> {
        if self.whole { Ok(()) } else { Err(self.silence.error().map_or(WireError::CutOff, WireError::Http)) }
    }

    /// Takes leave of a service that is not needed further.
    pub(super) async fn end(&mut self) {
        // It ends by itself; that it is told is a courtesy.
        let _ = self.writer.data_bytes(Bytes::from_static(b"0000")).await;
        let _ = self.writer.eof().await;
    }

    fn text(&self) -> OutsideText {
        let said = self.said.trim_ascii();
        if self.said.len() < TEXT_LIMIT { OutsideText::from_bytes(said) } else { OutsideText::cut_off(said) }
    }

    /// Whether the server said why it ended. What a login prints in passing, a greeting or a shell's own trouble, is no reason.
    fn has_reason(&self) -> bool {
        let text = self.text();
        let begins = |line: &str| REFUSALS.iter().any(|word| line.trim_start().to_ascii_lowercase().starts_with(word));
        if text.searched().lines().any(begins) {
            return true;
        }
        // No situation is needed: it tells known causes apart, and makes none known.
        let is_known = |text| {
            let evidence = Evidence::of_text(Operation::Ssh, text);
            classify(&evidence, &Situation::default()).cause != Cause::Unknown
        };
        !text.is_blank() && is_known(text)
    }

    /// Why a service ended before it had said what there is.
    pub(super) fn turned_away(&self) -> WireError {
        let text = self.text();
        if text.is_blank() && !self.whole {
            return WireError::CutOff;
        }
        if !self.has_reason() && !self.refused {
            return SshError::NoReason(text).into();
        }
        if text.is_blank() { SshError::NoGit.into() } else { SshError::Refused(text).into() }
    }
}
