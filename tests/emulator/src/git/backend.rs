//! `git http-backend` as CGI: environment in, header lines and a body out.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::request::Parts;
use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdout, Command},
};
use tokio_util::io::ReaderStream;

use crate::{
    answer::{Answer, Body, ByteStream},
    faults::{Fault, Held},
    model::{Repository, Token},
    shared::Shared,
};

/// Where git and what its hooks call are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where git's http-backend lies. A program that the system has to look for, in a `PATH` of its own, is started by a whole copy
/// of this process, which takes the longer the more memory it has; one that is named whole is not. And called by its own name
/// it is one process less than `git http-backend`.
fn http_backend() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let mut places = PATH.split(':').map(|folder| Path::new(folder).join("git"));
        let git = places.find(|place| place.is_file()).unwrap_or_else(|| "git".into());
        let output = std::process::Command::new(git).arg("--exec-path").output();
        let folder = output.map(|output| String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        Path::new(&folder.unwrap_or_default()).join("git-http-backend")
    })
}

/// As on GitHub a push stays the pack that it came in; beyond so many, which nobody packs together here, small ones are
/// unpacked, or every later command would search them all.
const MOST_PACKS: usize = 60;

fn packs(bare: &Path) -> usize {
    std::fs::read_dir(bare.join("objects/pack")).map_or(0, |files| files.count() / 2)
}

/// A `git http-backend` about to be started.
pub(super) struct Backend {
    command: Command,
    held: Option<Held>,
}

impl Backend {
    /// Prepares the process for one request.
    pub(super) fn new(
        shared: &Shared,
        repository: &Repository,
        token: Option<&Token>,
        parts: &Parts,
        inside: &str,
        faults: &[Fault],
    ) -> Self {
        let mut command = Command::new(http_backend());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.kill_on_drop(true).env_clear();
        let folder = repository.path.file_name().unwrap_or(OsStr::new("missing")).to_string_lossy();
        let home = repository.path.parent().unwrap_or(&repository.path);
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        command
            .env("PATH", PATH)
            .env("HOME", home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_PROJECT_ROOT", home)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", format!("/{folder}/{inside}"))
            .env("REQUEST_METHOD", parts.method.as_str())
            .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
            .env("REMOTE_ADDR", "127.0.0.1")
            .env("EMULATOR_HOOKS", shared.hooks().to_string());
        if let Some(token) = token {
            command.env("REMOTE_USER", &token.login);
        }
        if let Some(kind) = header("content-type") {
            command.env("CONTENT_TYPE", kind);
        }
        if let Some(length) = header("content-length") {
            command.env("CONTENT_LENGTH", length);
        }
        if let Some(encoding) = header("content-encoding") {
            command.env("HTTP_CONTENT_ENCODING", encoding);
        }
        let version = header("git-protocol").filter(|_| !faults.iter().any(|fault| matches!(fault, Fault::NoVersion2)));
        if let Some(version) = version {
            command.env("GIT_PROTOCOL", version);
        }
        let mut config = vec![("safe.directory", "*")];
        if faults.iter().any(|fault| matches!(fault, Fault::NoFilter)) {
            config.push(("uploadpack.allowFilter", "false"));
        }
        if inside == "git-receive-pack" && packs(&repository.path) < MOST_PACKS {
            config.push(("receive.unpackLimit", "1"));
        }
        command.env("GIT_CONFIG_COUNT", config.len().to_string());
        for (index, (key, value)) in config.into_iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        Self { command, held: Fault::held(faults).cloned() }
    }

    /// Adds to the environment, which hooks see too.
    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it and streams its answer.
    pub(super) async fn run(self, shared: &Shared, number: usize, incoming: Incoming) -> io::Result<Answer> {
        self.run_watched(shared, number, incoming, |_| {}).await
    }

    /// As [`Backend::run`], and lets `watch` see each piece of the request's body.
    pub(super) async fn run_watched(
        mut self,
        shared: &Shared,
        number: usize,
        incoming: Incoming,
        mut watch: impl FnMut(&[u8]) + Send + 'static,
    ) -> io::Result<Answer> {
        let mut body: ByteStream = if let Some(held) = self.held {
            // Cut short it is not executed, as git would not.
            let whole = incoming.collect().await.map(Collected::to_bytes).map_err(io::Error::other)?;
            held.wait().await;
            Box::pin(stream::once(async { Ok(whole) }))
        } else {
            Box::pin(incoming.into_data_stream().map_err(io::Error::other))
        };
        let mut child = self.command.spawn()?;
        let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("git http-backend has no pipes"));
        };
        let journal = shared.journal().clone();
        tokio::spawn(async move {
            let mut open = true;
            while let Some(Ok(data)) = body.next().await {
                journal.amend(number, |entry| entry.bytes_in += data.len() as u64);
                watch(&data);
                // A backend that has refused reads no further; what still comes is read and dropped.
                open = open && stdin.write_all(&data).await.is_ok();
            }
        });
        let (head, rest) = read_head(&mut stdout).await?;
        Ok(answer_from(&head, output(rest, stdout, child)))
    }
}

/// The header lines, and what was read beyond them.
async fn read_head(stdout: &mut ChildStdout) -> io::Result<(String, Bytes)> {
    let mut buffer = BytesMut::new();
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            return Ok((head, buffer.freeze().slice(end + 4..)));
        }
        if stdout.read_buf(&mut buffer).await? == 0 {
            return Err(io::Error::other("git http-backend ended without an answer"));
        }
    }
}

fn answer_from(head: &str, stream: ByteStream) -> Answer {
    let mut answer = Answer::empty(200);
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("status") {
            answer.status = value.trim().get(..3).and_then(|code| code.parse().ok()).unwrap_or(answer.status);
        } else {
            answer = answer.header(name, value.trim());
        }
    }
    answer.body = Body::Stream(stream);
    answer
}

/// The rest of the output; the process is waited for at its end, and killed when the stream is dropped before.
fn output(first: Bytes, stdout: ChildStdout, child: Child) -> ByteStream {
    let tail = ReaderStream::with_capacity(stdout, 64 << 10);
    let whole = stream::once(async move { Ok(first) }).chain(tail);
    let state = (Box::pin(whole), Some(child));
    Box::pin(stream::unfold(state, |(mut whole, mut child)| async move {
        if let Some(piece) = whole.next().await {
            return Some((piece, (whole, child)));
        }
        if let Some(mut child) = child.take() {
            let _ = child.wait().await;
        }
        None
    }))
}
