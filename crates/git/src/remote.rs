//! One repository on one server: what the stages speak to.

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use tokio::sync::OnceCell;

use super::{
    WireError,
    advertisement::{Advertisement, Greeting, RefSelection},
    fetch::{FetchRequest, Fetched, PackReader, UploadPack},
    pktline::PacketReader,
    receive::{self, PushError, PushProgress, PushReport, PushRequest, RefCommand},
    transport::{Service, Transport},
};
use crate::{
    diagnosis::{
        Operation, Situation,
        errors::{PushFault, PushFaultKind, RemoteError, StoreError},
    },
    http::Traffic,
    names::Oid,
    progress::{Event, Watch},
};

/// A repository and the way to it. Its errors carry the situation, whose names their failures show.
#[derive(Clone)]
pub struct Remote {
    transport: Transport,
    situation: Situation,
    /// The greeting of upload-pack, asked for once.
    upload_pack: Arc<OnceCell<UploadPack>>,
}

impl Remote {
    /// The repository that `transport` reaches.
    pub fn new(transport: Transport, situation: Situation) -> Self {
        Self { transport, situation, upload_pack: Arc::default() }
    }

    /// What the diagnosis knows of this repository.
    pub fn situation(&self) -> &Situation {
        &self.situation
    }

    /// The selected refs as receive-pack names them: the beginning of a push, and so refused to whoever may not write.
    pub async fn advertise(&self, selection: &RefSelection) -> Result<Advertisement, RemoteError> {
        self.receiver(selection).await.map_err(|error| self.error(error, Operation::GitPush))
    }

    async fn receiver(&self, selection: &RefSelection) -> Result<Advertisement, WireError> {
        let mut reader = PacketReader::new(self.transport.advertisement(Service::ReceivePack).await?);
        let greeting = Greeting::read(&mut reader, selection).await?;
        reader.finish().await;
        match greeting {
            Greeting::Refs(advertisement) => Ok(advertisement),
            // Protocol v2 is defined for fetching only.
            Greeting::Commands(_) => Err(WireError::protocol("receive-pack was offered in protocol v2")),
        }
    }

    /// The refs that begin with one of `prefixes`, what annotated tags among them point to, and where `HEAD` points:
    /// for whoever may only read.
    pub async fn refs(&self, prefixes: &[&str]) -> Result<Advertisement, RemoteError> {
        let refs = async { self.upload_pack().await?.refs(prefixes).await };
        refs.await.map_err(|error| self.error(error, Operation::GitFetch))
    }

    /// Fetches; `take` gets the pack as it arrives, on a thread where it may block. No refs are asked for:
    /// whoever knows a tip from [`Self::advertise`] names it.
    pub async fn fetch<T, F>(&self, request: &FetchRequest, take: F) -> Result<Fetched<T>, RemoteError>
    where
        T: Send + 'static,
        F: FnOnce(PackReader) -> Result<T, StoreError> + Send + 'static,
    {
        let fetched = async { self.upload_pack().await?.fetch(request, take).await };
        fetched.await.map_err(|error| self.error(error, Operation::GitFetch))
    }

    /// Which of `candidates` the repository has, reachable from its refs or not; `want` is any object that it has.
    /// `None` where the server speaks only v0, which cannot tell.
    pub async fn known(&self, want: Oid, candidates: &[Oid]) -> Result<Option<BTreeSet<Oid>>, RemoteError> {
        let known = async { self.upload_pack().await?.known(want, candidates).await };
        known.await.map_err(|error| self.error(error, Operation::GitFetch))
    }

    /// Pushes; success means that the server reported `ok` for the pack and for every ref. `advertisement` is the one
    /// that named the old values.
    pub async fn push(
        &self,
        advertisement: &Advertisement,
        request: &PushRequest,
        watch: &Arc<dyn Watch>,
    ) -> Result<PushReport, PushError> {
        self.push_each(advertisement, request, watch).await?.judge(&self.situation)
    }

    /// Pushes, and leaves the judgement of each ref to the caller: see [`PushReport::error_of`].
    pub async fn push_each(
        &self,
        advertisement: &Advertisement,
        request: &PushRequest,
        watch: &Arc<dyn Watch>,
    ) -> Result<PushReport, PushError> {
        let (capabilities, progress) = (&advertisement.capabilities, PushProgress::start());
        let silence = self.transport.waits().silence;
        // Kept while the refs are looked at: its answer can still come.
        let mut push = pin!(receive::push(&self.transport, capabilities, request, &progress, watch, &self.situation));
        let report = loop {
            if let Ok(report) = tokio::time::timeout(silence, &mut push).await {
                break report;
            }
            // It may still work, or its answer got lost on a way that stays open: the refs tell.
            if progress.silence().is_some_and(|silent| silent >= silence) && self.holds(&request.commands).await {
                // The answer may have come while the refs were asked for.
                let answered = tokio::time::timeout(Duration::ZERO, &mut push).await;
                break answered.unwrap_or_else(|_| Err(PushError::Unclear(self.done_in_silence(silence))));
            }
        };
        watch.see(Event::Finished);
        report
    }

    /// Whether every ref has its new value. What cannot be asked is not known.
    async fn holds(&self, commands: &[RefCommand]) -> bool {
        let names: Vec<_> = commands.iter().map(|command| command.name.as_str()).collect();
        let Ok(refs) = self.refs(&names).await else { return false };
        // A deleted ref has no tip, and the new value of its command is zero.
        commands.iter().all(|command| refs.tip(&command.name).unwrap_or(Oid::ZERO) == command.new)
    }

    fn done_in_silence(&self, silence: Duration) -> PushFault {
        PushFault::new(PushFaultKind::DoneInSilence(silence), &self.situation)
    }

    /// What went over the network so far.
    pub fn traffic(&self) -> Traffic {
        self.transport.traffic()
    }

    /// Whether it is reached over SSH.
    pub fn is_ssh(&self) -> bool {
        matches!(self.transport, Transport::Ssh(_))
    }

    async fn upload_pack(&self) -> Result<&UploadPack, WireError> {
        self.upload_pack.get_or_try_init(|| UploadPack::open(&self.transport)).await
    }

    fn error(&self, error: WireError, operation: Operation) -> RemoteError {
        RemoteError::of_wire(error, operation, &self.situation)
    }
}
