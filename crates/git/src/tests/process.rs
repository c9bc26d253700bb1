//! git as a subprocess, as an HTTP server would run it: for tests of the conversations alone.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    ByteStream, WireError,
    transport::{Service, ServiceRequest},
};

/// A repository of this machine.
#[derive(Clone, Debug)]
pub struct ProcessTransport {
    /// Where it lies.
    pub repository: PathBuf,
    /// The protocol that upload-pack is asked for.
    pub v2: bool,
    /// Settings of git, `key=value`.
    pub settings: Vec<String>,
}

impl ProcessTransport {
    pub(crate) async fn advertisement(&self, service: Service) -> Result<ByteStream, WireError> {
        let v2 = self.v2 && service == Service::UploadPack;
        self.run(service, v2, &["--stateless-rpc", "--advertise-refs"], Bytes::new()).await
    }

    pub(crate) async fn request(
        &self,
        service: Service,
        v2: bool,
        request: &ServiceRequest,
    ) -> Result<ByteStream, WireError> {
        let input: Vec<Bytes> = request.stream().try_collect().await?;
        self.run(service, v2, &["--stateless-rpc"], input.concat().into()).await
    }

    async fn run(&self, service: Service, v2: bool, options: &[&str], input: Bytes) -> Result<ByteStream, WireError> {
        let mut command = Command::new("git");
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command.arg(&service.name()[4..]).args(options).arg(&self.repository);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", "/nonexistent");
        if v2 {
            command.env("GIT_PROTOCOL", "version=2");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let writer = std::thread::spawn(move || {
                let _ = stdin.write_all(&input);
            });
            let mut output = Vec::new();
            child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
            writer.join().unwrap();
            child.wait().unwrap();
            output
        });
        let output = output.await.unwrap();
        let pieces: Vec<_> = output.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Ok(stream::iter(pieces).boxed())
    }
}
