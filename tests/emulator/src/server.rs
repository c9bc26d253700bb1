//! Accepts connections, applies faults, hands requests to a face and logs both sides of each exchange.

use std::{
    convert::Infallible,
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::Utc;
use futures_util::{StreamExt, future, stream};
use http::{HeaderName, HeaderValue, Request, Response, header::AUTHORIZATION, request::Parts};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

use crate::{
    RepositoryHandle, access,
    answer::{Answer, Body, ByteStream},
    api,
    faults::{Canned, Fault, Flood},
    git, handle, lfs,
    log::Entry,
    model::{Model, Repository},
    shared::Shared,
    wire::{Outgoing, Socket, pause},
};

/// Sets the repositories up and begins to serve. Not async: it may be called inside another runtime.
pub(crate) fn serve(runtime: &Runtime, mut model: Model, directory: &Path) -> io::Result<Shared> {
    let hooks = handle::hooks(directory);
    fs::create_dir(&hooks)?;
    git::hook::install(&hooks)?;
    let wikis: Vec<_> = model.repositories.iter().filter_map(Repository::wiki_repository).collect();
    model.repositories.extend(wikis);
    for repository in &mut model.repositories {
        handle::create(repository, directory).map_err(io::Error::other)?;
    }
    let _inside = runtime.enter();
    let bind = |host: &str| {
        let listener = std::net::TcpListener::bind((host, 0))?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    let (listener, asked, storage) = (bind("127.0.0.1")?, bind("127.0.0.1")?, bind(STORAGE_HOST)?);
    let address = |listener: &TcpListener| Ok::<_, io::Error>(format!("http://{}", listener.local_addr()?));
    let urls = (address(&listener)?, address(&storage)?);
    let shared = Shared::new(model, urls, directory, asked.local_addr()?.port());
    runtime.spawn(git::hook::serve(shared.clone(), asked));
    let connections = Arc::new(AtomicU64::new(1));
    runtime.spawn(accept(shared.clone(), listener, Face::GitHub, connections.clone()));
    runtime.spawn(accept(shared.clone(), storage, Face::Storage, connections));
    Ok(shared)
}

/// The storage of LFS objects is on another host, which clients must not take for GitHub.
const STORAGE_HOST: &str = "127.0.0.2";

/// Which server a connection speaks to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Face {
    GitHub,
    Storage,
}

async fn accept(server: Shared, listener: TcpListener, face: Face, connections: Arc<AtomicU64>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let connection = connections.fetch_add(1, Ordering::Relaxed);
        let server = server.clone();
        server.opened(connection);
        tokio::spawn(async move {
            converse(server.clone(), stream, connection, face).await;
            server.abandoned(connection);
        });
    }
}

async fn converse(shared: Shared, stream: TcpStream, connection: u64, face: Face) {
    // Without it an answer's last bytes wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    // TLS would stand between the socket, which must be able to reset, and hyper.
    let socket = TokioIo::new(Socket { stream, reset: reset.clone() });
    let service = service_fn(move |request| exchange(shared.clone(), (connection, face), reset.clone(), request));
    // An error here is a client that went away, or a fault that was asked for.
    let _ =
        http1::Builder::new().timer(TokioTimer::new()).auto_date_header(false).serve_connection(socket, service).await;
}

/// The connection is to be cut instead of answered.
#[derive(Debug, thiserror::Error)]
#[error("cut as a fault asked")]
struct Cut;

async fn exchange(
    shared: Shared,
    (connection, server): (u64, Face),
    reset: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<Outgoing>, Cut> {
    let started = Instant::now();
    let (parts, incoming) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let faults = shared.faults().take(parts.method.as_str(), &path);
    let number = shared.journal().open(entry(&shared, connection, &parts, &path, &faults));
    let latency = shared.model().settings.latency;
    if !latency.is_zero() {
        pause(latency).await;
    }
    let cut = |hard: bool| {
        reset.store(hard, Ordering::Relaxed);
        shared.journal().amend(number, |entry| entry.took = started.elapsed());
        Cut
    };
    let is_rest = server == Face::GitHub && path.starts_with("/api/");
    let mut canned = None;
    for fault in &faults {
        match fault {
            Fault::Delay(duration) => pause(*duration).await,
            Fault::Silence => silence(&shared, connection).await,
            Fault::Reset => return Err(cut(true)),
            Fault::Close => return Err(cut(false)),
            Fault::First(deed) => race(&shared, &path, deed).await,
            Fault::Answer(answer) => canned = Some(answer.clone()),
            Fault::Limit(rest) => {
                let reset = shared.model().now() + *rest;
                canned = Some(Canned::primary_limit(reset.timestamp()));
            }
            Fault::Redirect(status, to) => {
                canned = Some(Canned::error(*status, "Moved Permanently").header("location", to));
            }
            Fault::RefuseChunked if parts.headers.contains_key("transfer-encoding") => {
                canned = Some(Canned::error(411, "Length Required"));
            }
            _ => {}
        }
    }
    let answer = if let Some(canned) = canned {
        // The REST face reads before it answers; git's front end may refuse while the pack still comes in. It lingers,
        // as front ends do: closed with unread data, the connection would be reset and the answer lost.
        if is_rest {
            let body = api::read_body(&shared, number, incoming).await;
            api::note_request(&shared, number, &body);
        } else {
            tokio::spawn(drain(shared.clone(), number, incoming));
        }
        from_canned(&canned)
    } else {
        // In a task of its own: what was begun is finished even when the client goes away.
        let (face, tweaks, begun) = (shared.clone(), faults.clone(), shared.work());
        let work = tokio::spawn(async move {
            let _begun = begun;
            let answer = if server == Face::Storage {
                lfs::storage::answer(&face, number, &parts, incoming).await
            } else if is_rest {
                api::answer(&face, number, &parts, incoming, &tweaks).await
            } else if lfs::is_meant(parts.uri.path()) {
                lfs::answer(&face, number, &parts, incoming).await
            } else {
                git::answer(&face, number, parts, incoming, &tweaks).await
            };
            if let Some(held) = Fault::held(&tweaks) {
                held.done();
            }
            answer
        });
        work.await.unwrap_or_else(|error| Answer::text(500, &format!("the emulator failed: {error}")))
    };
    if faults.iter().any(|fault| matches!(fault, Fault::SilenceAfter)) {
        silence(&shared, connection).await;
    }
    finish(shared.clone(), number, started, reset.clone(), answer, &faults).await
}

/// Nothing comes any more: not even the client's end may be noticed, where its request was not read.
async fn silence(shared: &Shared, connection: u64) {
    shared.abandoned(connection);
    future::pending::<()>().await;
}

/// Reads a body and drops it.
async fn drain(shared: Shared, number: usize, mut incoming: Incoming) {
    while let Some(Ok(frame)) = incoming.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        shared.journal().amend(number, |entry| entry.bytes_in += length);
    }
}

/// Applies the faults that come after the effect and sends the answer.
async fn finish(
    shared: Shared,
    number: usize,
    started: Instant,
    reset: Arc<AtomicBool>,
    mut answer: Answer,
    faults: &[Fault],
) -> Result<Response<Outgoing>, Cut> {
    let mut limit = None;
    for fault in faults {
        match fault {
            Fault::ResetAfter => {
                reset.store(true, Ordering::Relaxed);
                shared.journal().amend(number, |entry| entry.took = started.elapsed());
                return Err(Cut);
            }
            Fault::AnswerAfter(canned) => answer = from_canned(canned),
            Fault::Body(text) => answer.body = Body::Whole(Bytes::from(text.clone())),
            Fault::ContentType(kind) => answer = replace(answer, "content-type", kind),
            Fault::Header(name, value) => answer = replace(answer, name, value),
            Fault::Rewrite(change) => {
                if let Body::Whole(bytes) = &answer.body
                    && let Ok(mut value) = serde_json::from_slice(bytes)
                {
                    change(&mut value);
                    answer.body = Body::Whole(Bytes::from(value.to_string()));
                }
            }
            Fault::Flood(flood) => {
                answer.headers.retain(|(name, _)| name != "content-length");
                answer.body = Body::Stream(pour(flood));
            }
            Fault::Farewell => answer = answer.header("connection", "close"),
            Fault::Lengthy => answer = git::with_length(answer).await,
            Fault::Gzip => answer = git::compressed(answer).await,
            Fault::Truncate(bytes) => limit = Some((*bytes, false)),
            Fault::ResetBody(bytes) => limit = Some((*bytes, true)),
            _ => {}
        }
    }
    if answer.find_header("date").is_none() {
        let date = shared.model().now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        answer = answer.header("date", date);
    }
    for fault in faults {
        if let Fault::Without(name) = fault {
            answer.headers.retain(|(found, _)| found != name);
        }
    }
    shared.journal().amend(number, |entry| {
        entry.status = Some(answer.status.as_u16());
        entry.answer_headers.clone_from(&answer.headers);
        if let Body::Whole(bytes) = &answer.body {
            entry.answer = serde_json::from_slice(bytes).ok();
        }
        entry.took = started.elapsed();
    });
    let inner = match answer.body {
        Body::Whole(bytes) => Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync(),
        Body::Stream(stream) => StreamBody::new(stream.map(|piece| piece.map(Frame::data))).boxed_unsync(),
    };
    let body = Outgoing { inner, shared, number, started, reset, limit, sent: 0, linger: None };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

fn entry(shared: &Shared, connection: u64, parts: &Parts, path: &str, faults: &[Fault]) -> Entry {
    let headers = parts.headers.iter().filter(|(name, _)| **name != AUTHORIZATION);
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let model = shared.model();
    let token = access::presented(&parts.headers)
        .map(|secret| access::live_token(&model, &secret).map_or_else(|| "unknown".into(), |token| token.name.clone()));
    Entry {
        at: Utc::now(),
        connection,
        method: parts.method.to_string(),
        path: path.to_owned(),
        headers: headers.collect(),
        token,
        request: None,
        request_text: String::new(),
        updates: Vec::new(),
        sideband: String::new(),
        status: None,
        answer_headers: Vec::new(),
        answer: None,
        bytes_in: 0,
        bytes_out: 0,
        took: Duration::ZERO,
        faults: faults.iter().map(|fault| format!("{fault:?}")).collect(),
    }
}

fn replace(mut answer: Answer, name: &str, value: &str) -> Answer {
    answer.headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
    answer.header(name, value)
}

fn pour(flood: &Flood) -> ByteStream {
    let Flood { head, piece, times } = flood.clone();
    let pieces = stream::unfold(times, move |left| {
        let piece = piece.clone();
        async move { (left != Some(0)).then(|| (Ok(piece), left.map(|left| left - 1))) }
    });
    stream::once(async { Ok(head) }).chain(pieces).boxed()
}

fn from_canned(canned: &Canned) -> Answer {
    let mut answer = Answer::empty(canned.status).body(Bytes::from(canned.body.clone()));
    answer.headers.clone_from(&canned.headers);
    answer
}

async fn race(shared: &Shared, path: &str, deed: &Arc<dyn Fn(&RepositoryHandle) + Send + Sync>) {
    let slug = git::slug_of(path).or_else(|| api::slug_of(path));
    let id = slug.and_then(|slug| shared.model().find(&slug).map(|repository| repository.id));
    if let Some(id) = id {
        let (deed, handle) = (deed.clone(), RepositoryHandle::new(shared.clone(), id));
        // A panic in the test's closure shows as a race that did not happen.
        let _ = tokio::task::spawn_blocking(move || deed(&handle)).await;
    }
}
