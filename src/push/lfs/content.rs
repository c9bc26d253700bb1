//! An object's bytes on their way from the file to the request.

use std::{
    fs::File,
    io::{self, Read as _},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use ring::digest::{Context, SHA256};
use tokio::sync::mpsc::{self, Sender};

use crate::{
    diagnosis::{Cause, Failure},
    refs::lfs::LfsFile,
    system::Stamp,
};

/// How much of a file is read at once, in bytes.
const PIECE: u64 = 512 * 1024;

/// How many pieces of an object wait to be sent.
const WAITING: usize = 2;

/// The object's bytes; `sent` is told how many each piece has. The last piece is held back until the whole is proved to be the object:
/// without it the body is too short, so that the server stores nothing of a file that changed.
pub(super) fn of(
    file: LfsFile,
    sent: impl Fn(u64) + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static {
    let (sender, pieces) = mpsc::channel(WAITING);
    // One thread for the whole object: each read of an asynchronous file is a task on another thread, and a copy.
    drop(tokio::task::spawn_blocking(move || {
        if read(&file, &sender).is_err() {
            // Nobody waits for it where the request has ended.
            let _ = sender.blocking_send(Err(changed(&file)));
        }
    }));
    stream::unfold((pieces, sent), |(mut pieces, sent)| async move {
        let piece: Result<Bytes, Failure> = pieces.recv().await?;
        if let Ok(piece) = &piece {
            sent(piece.len() as u64);
        }
        Some((piece, (pieces, sent)))
    })
}

/// Reads the file piece by piece. Blocks.
///
/// # Errors
/// The file cannot be read, or is not the object; what was sent of it is less than the whole.
fn read(LfsFile { pointer, file }: &LfsFile, pieces: &Sender<Result<Bytes, Failure>>) -> io::Result<()> {
    let mut open = File::open(&file.path)?;
    // The preflight has hashed it, and an unchanged file need not be hashed again.
    let known = file.stamp.filter(|stamp| Stamp::of_open(&open).is_ok_and(|now| now == *stamp));
    let mut digest = Context::new(&SHA256);
    let mut left = pointer.size;
    while left > 0 {
        let most = left.min(PIECE);
        let mut piece = Vec::with_capacity(usize::try_from(most).unwrap_or_default());
        if open.by_ref().take(most).read_to_end(&mut piece)? as u64 != most {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= most;
        if known.is_none() {
            digest.update(&piece);
        }
        let is_object = || match known {
            // Looked at after the last byte was read: a change before that shows.
            Some(stamp) => Stamp::of_open(&open).is_ok_and(|now| now == stamp),
            None => pointer.oid.is(digest.clone().finish().as_ref()),
        };
        if left == 0 && !is_object() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if pieces.blocking_send(Ok(piece.into())).is_err() {
            // The request has ended.
            return Ok(());
        }
    }
    Ok(())
}

fn changed(LfsFile { pointer, file }: &LfsFile) -> Failure {
    let path = file.path.display();
    let what = format!("The Git LFS object {} changed while it was uploaded ({path}).", pointer.oid.short());
    Failure::new(Cause::LocalGitError, what).with_remedy("Run `git lfs fetch` again before this step.")
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _, path::Path, time::Duration};

    use futures_util::StreamExt as _;

    use super::*;
    use crate::git::{
        checkout::WholeFile,
        lfs::{LfsOid, Pointer},
    };

    /// More than the channel and the reader hold.
    const SIZE: usize = 6 * 512 * 1024 + 100;

    /// The object that `content` is, in the file at `path`, which is as the preflight saw it or has changed too shortly before.
    fn object(path: &Path, content: &[u8], is_known: bool) -> LfsFile {
        let digest = ring::digest::digest(&SHA256, content);
        let oid = LfsOid::from_bytes(digest.as_ref().try_into().unwrap());
        let stamp = is_known.then(|| Stamp::of_open(&File::open(path).unwrap()).unwrap());
        LfsFile {
            pointer: Pointer { oid, size: content.len() as u64 },
            file: WholeFile { path: path.to_owned(), stamp },
        }
    }

    /// What arrives, and whether all did. `meanwhile` happens after the first piece.
    async fn arrives(file: LfsFile, meanwhile: impl FnOnce()) -> (Vec<u8>, bool) {
        let mut pieces = Box::pin(of(file, |_| {}));
        let mut all = pieces.next().await.map_or(Ok(Bytes::new()), |first| first).unwrap_or_default().to_vec();
        meanwhile();
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => all.extend_from_slice(&piece),
                Err(failure) => {
                    assert_eq!(failure.cause, Cause::LocalGitError);
                    return (all, false);
                }
            }
        }
        (all, true)
    }

    #[allow(clippy::disallowed_methods, reason = "the clock of a file system is coarse")]
    fn later() {
        std::thread::sleep(Duration::from_millis(50));
    }

    #[tokio::test]
    async fn the_last_piece_of_a_file_that_is_not_the_object_is_never_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("object");
        let content = vec![7; SIZE];
        let mut other = content.clone();
        other[SIZE - 1] = 8;
        for is_known in [true, false] {
            fs::write(&path, &content).unwrap();
            let file = object(&path, &content, is_known);
            assert_eq!(arrives(file.clone(), || {}).await, (content.clone(), true));
            later();
            fs::write(&path, &other).unwrap();
            let (sent, is_whole) = arrives(file.clone(), || {}).await;
            assert!(!is_whole && sent.len() < SIZE, "{is_known}: {}", sent.len());
            fs::write(&path, &content[1..]).unwrap();
            let (sent, is_whole) = arrives(file.clone(), || {}).await;
            assert!(!is_whole && sent.len() < SIZE, "{is_known}: {}", sent.len());
            fs::write(&path, &content).unwrap();
            let file = object(&path, &content, is_known);
            later();
            let change = || {
                let mut open = fs::OpenOptions::new().append(true).open(&path).unwrap();
                open.set_len(SIZE as u64 - 1).unwrap();
                open.write_all(&[8]).unwrap();
            };
            let (sent, is_whole) = arrives(file, change).await;
            assert!(!is_whole && sent.len() < SIZE, "{is_known}: {}", sent.len());
        }
    }

    #[tokio::test]
    async fn a_file_that_the_preflight_hashed_is_not_hashed_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("object");
        fs::write(&path, vec![8; SIZE]).unwrap();
        // Only a second hash could tell that the name is another object's.
        let (sent, is_whole) = arrives(object(&path, &vec![7; SIZE], true), || {}).await;
        assert!(is_whole && sent.len() == SIZE);
        let (sent, is_whole) = arrives(object(&path, &vec![7; SIZE], false), || {}).await;
        assert!(!is_whole && sent.len() < SIZE);
    }
}
