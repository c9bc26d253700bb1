//! Windows.

mod folder;

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    io,
    os::windows::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

pub use folder::{OpenFolder, is_replaced};
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};

/// When a file was made and its content last changed, as it was listed: one that differs later was changed meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    modified: u64,
    created: u64,
}

impl Stamp {
    /// The moments in the file's metadata.
    fn of(metadata: &Metadata) -> Self {
        Self { modified: metadata.last_write_time(), created: metadata.creation_time() }
    }

    /// The moments of an open file.
    ///
    /// # Errors
    /// The system does not tell them.
    pub fn of_open(file: &File) -> io::Result<Self> {
        Ok(Self::of(&file.metadata()?))
    }

    /// Whether a change after `moment` is seen in another stamp: never, as Windows writes the moment of a change late, when the file is
    /// closed.
    #[allow(clippy::unused_self, reason = "the signature is that of the other systems")]
    pub fn is_before(&self, _moment: SystemTime) -> bool {
        false
    }
}

/// A new folder in the user's own temporary folder, which other users cannot enter.
///
/// # Errors
/// The temporary folder cannot be written to.
pub fn private_folder(prefix: &str) -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(prefix).tempdir()
}

/// A file's name as git stores it. What is no Unicode becomes another name, under which the file cannot be read.
pub fn bytes_of(name: &OsStr) -> Cow<'_, [u8]> {
    match name.to_string_lossy() {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

/// A file's name or path on this machine, from the bytes that git stores.
pub fn name_of(bytes: &[u8]) -> Cow<'_, OsStr> {
    OsString::from(String::from_utf8_lossy(bytes).into_owned()).into()
}

/// The target of a symlink as git stores it: with forward slashes.
pub fn target_of(target: PathBuf) -> Vec<u8> {
    target.to_string_lossy().replace('\\', "/").into_bytes()
}

/// Reads some bytes from `offset` on. It moves the file's position, which nothing here relies on.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

/// What can be held open.
pub trait Descriptor {}

impl<T> Descriptor for T {}

/// Windows has no paths of open files.
pub fn path_of(_: &impl Descriptor) -> Option<PathBuf> {
    None
}

/// Links take a right that few users have, and nothing here needs one.
pub fn make_link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There is no such limit.
pub fn hold_many_files() {}

/// Completes when the console asks the program to end, with the event's name.
///
/// Source: <https://learn.microsoft.com/en-us/windows/console/handlerroutine>
pub async fn ended() -> &'static str {
    let events = (ctrl_c(), ctrl_break(), ctrl_close(), ctrl_shutdown());
    let (Ok(mut interrupt), Ok(mut stop), Ok(mut close), Ok(mut shutdown)) = events else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "Ctrl+C",
        _ = stop.recv() => "Ctrl+Break",
        _ = close.recv() => "closing the console",
        _ = shutdown.recv() => "the system's shutdown",
    }
}

/// Dumps are made where an administrator switched them on; a program has no say in that.
pub fn keep_memory_private() {}
