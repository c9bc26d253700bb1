//! Linux and macOS.

mod folder;

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    fs::{File, Permissions},
    io,
    os::fd::AsRawFd as _,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::{FileExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
    time::SystemTime,
};

pub use folder::{OpenFolder, is_replaced};
pub use std::os::fd::AsFd as Descriptor;

use rustix::{
    fs::Stat,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// When a file's content and its inode last changed, as it was listed: one that differs later was changed meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The moments in what the system tells about the file.
    fn of(stat: &Stat) -> Self {
        // The fields are of another type on each system; what does not fit is no moment.
        fn moment(seconds: impl TryInto<i64>, nanoseconds: impl TryInto<i64>) -> (i64, i64) {
            (seconds.try_into().unwrap_or_default(), nanoseconds.try_into().unwrap_or_default())
        }
        // NOTE: no inode number: on some network and FUSE file systems it is not the same for two looks at one file.
        Self { modified: moment(stat.st_mtime, stat.st_mtime_nsec), changed: moment(stat.st_ctime, stat.st_ctime_nsec) }
    }

    /// The moments of an open file.
    ///
    /// # Errors
    /// The system does not tell them.
    pub fn of_open(file: &File) -> io::Result<Self> {
        Ok(Self::of(&rustix::fs::fstat(file)?))
    }

    /// Whether the last change is older than `moment`. A change after it is then seen in another stamp.
    pub fn is_before(&self, moment: SystemTime) -> bool {
        let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).is_ok_and(|seconds| self.modified.max(self.changed).0 < seconds)
    }
}

/// A new folder in the system's temporary folder that no other user can enter.
///
/// # Errors
/// The temporary folder cannot be written to.
pub fn private_folder(prefix: &str) -> io::Result<tempfile::TempDir> {
    // From its first moment on: one that is closed afterwards was open to others before.
    tempfile::Builder::new().prefix(prefix).permissions(Permissions::from_mode(0o700)).tempdir()
}

/// A file's name as git stores it.
pub fn bytes_of(name: &OsStr) -> Cow<'_, [u8]> {
    name.as_bytes().into()
}

/// A file's name or path on this machine, from the bytes that git stores.
pub fn name_of(bytes: &[u8]) -> Cow<'_, OsStr> {
    OsStr::from_bytes(bytes).into()
}

/// The target of a symlink as git stores it.
pub fn target_of(target: PathBuf) -> Vec<u8> {
    OsString::from(target).into_vec()
}

/// Reads some bytes from `offset` on, without moving the file's position.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

/// The path by which this process reaches what it holds open, whatever its name has come to stand for; none where the system has no such
/// paths.
pub fn path_of(open: &impl Descriptor) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let path = PathBuf::from(format!("/proc/self/fd/{}", open.as_fd().as_raw_fd()));
    // A container without `/proc` has none.
    path.exists().then_some(path)
}

/// Makes a symbolic link at `link`.
pub fn make_link(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

/// Lets the program hold as many files open as its user is allowed to: the packs of a checkout are held all at once.
pub fn hold_many_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| maximum.is_none_or(|maximum| current < maximum)) {
        // Where the system refuses, the limit is what it was.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// Completes when a signal asks the program to end, with the signal's name.
pub async fn ended() -> &'static str {
    async fn received(signal: io::Result<Signal>) {
        match signal {
            Ok(mut signal) => {
                signal.recv().await;
            }
            // A signal that cannot be received must not look like one that came.
            Err(_) => std::future::pending().await,
        }
    }
    // As process 1 of a container, a program ignores each of these that it does not handle.
    tokio::select! {
        () = received(signal(SignalKind::terminate())) => "SIGTERM",
        () = received(signal(SignalKind::interrupt())) => "SIGINT",
        () = received(signal(SignalKind::hangup())) => "SIGHUP",
        () = received(signal(SignalKind::quit())) => "SIGQUIT",
    }
}

/// Keeps the credential out of core dumps and, on Linux, other processes of the same user out of this one's memory.
///
/// Source: <https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html>
pub fn keep_memory_private() {
    // Where the kernel refuses there is nothing else to do.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    #[cfg(not(target_os = "linux"))]
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    use super::*;

    #[test]
    fn a_process_that_holds_a_credential_is_not_dumped() {
        keep_memory_private();
        assert!(matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable)));
    }
}
