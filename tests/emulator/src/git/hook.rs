//! The `proc-receive` hook: git asks it about every ref update after the pack is in, and passes what it prints to the
//! client's sideband. The hook itself is a few lines of shell that hand everything to the emulator over loopback; the
//! verdict is made there. It is the one hook whose `ng` reasons reach the client as they are, as GitHub's do.
//!
//! Protocol: <https://git-scm.com/docs/githooks#proc-receive>

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{
    receive::pkt_line,
    rules::{self, Surroundings},
};
use crate::{log::Update, shared::Shared};

/// Lines up to a `.` go to the client's sideband, what follows is the report.
const SCRIPT: &str = r#"#!/bin/bash
exec 3<>"/dev/tcp/127.0.0.1/$EMULATOR_HOOKS" 4<&0 || exit 1
printf '%s\n' "$EMULATOR_PUSH" >&3
printf '000eversion=1\n0000'
cat <&4 >&3 2>/dev/null &
while IFS= read -r line <&3 && [ "$line" != . ]; do printf '%s\n' "$line" >&2; done
cat <&3
"#;

/// Puts the hook into the folder that all repositories take their hooks from.
pub(crate) fn install(folder: &Path) -> io::Result<()> {
    let path = folder.join("proc-receive");
    fs::write(&path, SCRIPT)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
}

/// Answers the hooks that call.
pub(crate) async fn serve(shared: Shared, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        // A hook that goes away was killed with its git: the push fails there.
        tokio::spawn(async move { judge(&shared, stream).await });
    }
}

async fn judge(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut id = String::new();
    stream.read_line(&mut id).await?;
    let (capabilities, updates) = read_updates(&mut stream).await?;
    let verdict = match id.trim().parse().ok().and_then(|id| shared.push(id)) {
        Some((repository, token)) => {
            let (shared, updates) = (shared.clone(), updates.clone());
            let judged = tokio::task::spawn_blocking(move || {
                let (found, around) = {
                    let model = shared.model();
                    let found = model.repositories.iter().find(|one| one.id == repository).cloned();
                    (found, Surroundings::of(shared.url(), &model))
                };
                found.map(|found| rules::judge(&around, &found, &token, &updates))
            });
            judged.await.map_err(io::Error::other)?.unwrap_or_default()
        }
        None => return Err(io::Error::other("an unknown push")),
    };
    let atomic = capabilities.contains("atomic") && !verdict.refused.is_empty();
    let mut answer = Vec::new();
    for line in &verdict.lines {
        answer.extend_from_slice(format!("{line}\n").as_bytes());
    }
    answer.extend_from_slice(b".\n");
    let mut report = |line: String| answer.extend_from_slice(format!("{:04x}{line}", line.len() + 4).as_bytes());
    for Update { name, .. } in &updates {
        match verdict.refused.iter().find(|(refused, _)| refused == name) {
            Some((_, reason)) => report(format!("ng {name} {reason}\n")),
            // git's own word for what shares an atomic push with a refused ref
            None if atomic => report(format!("ng {name} atomic push failure\n")),
            None => {
                report(format!("ok {name}\n"));
                report("option fall-through\n".to_owned());
            }
        }
    }
    answer.extend_from_slice(b"0000");
    stream.write_all(&answer).await?;
    stream.shutdown().await
}

/// The capabilities of the version line and the ref updates, each of which ends with a flush.
async fn read_updates(stream: &mut BufReader<TcpStream>) -> io::Result<(String, Vec<Update>)> {
    let (mut capabilities, mut updates, mut flushes) = (String::new(), Vec::new(), 0);
    while flushes < 2 {
        let mut line = vec![0; 4];
        stream.read_exact(&mut line).await?;
        let length = std::str::from_utf8(&line).ok().and_then(|text| usize::from_str_radix(text, 16).ok()).unwrap_or(0);
        line.resize(length.max(4), 0);
        stream.read_exact(&mut line[4..]).await?;
        match pkt_line(&line) {
            Some((Some(payload), _)) => {
                let text = String::from_utf8_lossy(payload).trim_end().to_owned();
                let mut words = text.splitn(3, ' ');
                if flushes == 0 {
                    capabilities = text;
                } else if let (Some(old), Some(new), Some(name)) = (words.next(), words.next(), words.next()) {
                    let (name, old, new) = (name.to_owned(), old.to_owned(), new.to_owned());
                    updates.push(Update { name, old, new, result: String::new() });
                }
            }
            _ => flushes += 1,
        }
    }
    Ok((capabilities, updates))
}
