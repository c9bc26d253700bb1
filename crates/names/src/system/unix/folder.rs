//! Folders by descriptor: what lies below one is reached without following a symbolic link, whatever is renamed meanwhile.
//!
//! Source: <https://man7.org/linux/man-pages/man2/openat2.2.html>

use std::{
    ffi::{CStr, OsStr, OsString},
    fs::File,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt as _, OsStringExt as _},
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat},
    io::Errno,
};

use super::Stamp;
use crate::system::status::{Kind, Status};

/// How a folder is held: on Linux without the right to read it, which only its listing needs.
#[cfg(target_os = "linux")]
const HOLD: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);
#[cfg(not(target_os = "linux"))]
const HOLD: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

/// How a folder is opened to be listed.
const LIST: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

/// A pipe is not waited for, and a terminal does not become this program's own.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// A folder that stays the same one, whatever its path comes to name.
#[derive(Debug)]
pub struct OpenFolder {
    descriptor: OwnedFd,
    path: PathBuf,
}

impl OpenFolder {
    /// Opens the folder at an absolute path without symbolic links, as `canonicalize` gives it.
    ///
    /// # Errors
    /// It cannot be opened, or a symbolic link has come to stand on the way.
    pub fn open(path: &Path) -> io::Result<Self> {
        let below = path.strip_prefix("/").map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let root = rustix::fs::open("/", HOLD | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { descriptor: open_below(root.as_fd(), below, HOLD)?, path: path.to_owned() })
    }

    /// The path that it was opened under, for a message.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder at `below`, relative to this one; the empty path is this one.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn folder(&self, below: &Path) -> io::Result<Self> {
        Ok(Self { descriptor: self.open_below(below, HOLD)?, path: self.path.join(below) })
    }

    /// Opens the regular file at `below` for reading, with what it is at this moment.
    ///
    /// # Errors
    /// It is no regular file, it is absent, or a symbolic link stands on the way.
    pub fn file(&self, below: &Path) -> io::Result<(File, Status)> {
        let file = File::from(self.open_below(below, READ)?);
        // Of the open file, not of its name, which can stand for something else by now.
        let status = status_of(&fstat(&file)?);
        if status.kind == Kind::File {
            Ok((file, status))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
        }
    }

    /// What lies at `below`; a symbolic link is not followed.
    ///
    /// # Errors
    /// Nothing is there, or a symbolic link stands on the way.
    pub fn status(&self, below: &Path) -> io::Result<Status> {
        let (holder, name) = self.holder_of(below)?;
        let descriptor = holder.as_ref().map_or(self.descriptor.as_fd(), AsFd::as_fd);
        Ok(status_of(&statat(descriptor, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    /// The target of the symbolic link at `below`.
    ///
    /// # Errors
    /// It is none, or another one stands on the way.
    pub fn link(&self, below: &Path) -> io::Result<PathBuf> {
        let (holder, name) = self.holder_of(below)?;
        let descriptor = holder.as_ref().map_or(self.descriptor.as_fd(), AsFd::as_fd);
        let target = readlinkat(descriptor, name, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// The names in this folder, in no order.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        // Opened once more: the held descriptor can be one without the right to read, which cannot be listed.
        Ok(self.listed(Path::new(""))?.1)
    }

    /// The folder at `below`, as [`Self::folder`] gives it, and the names in it, in no order.
    ///
    /// # Errors
    /// As [`Self::open`], or it cannot be read.
    pub fn listed(&self, below: &Path) -> io::Result<(Self, Vec<OsString>)> {
        let descriptor = self.open_below(below, LIST)?;
        let names = names_in(descriptor.as_fd())?;
        Ok((Self { descriptor, path: self.path.join(below) }, names))
    }

    /// The folder that holds `below`, none for this one, and the name in it.
    fn holder_of<'a>(&self, below: &'a Path) -> io::Result<(Option<OwnedFd>, &'a OsStr)> {
        let Some(name) = below.file_name() else { return Ok((None, OsStr::new("."))) };
        match below.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => Ok((Some(self.open_below(parent, HOLD)?), name)),
            None => Ok((None, name)),
        }
    }

    fn open_below(&self, below: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        Ok(open_below(self.descriptor.as_fd(), below, flags)?)
    }
}

impl AsFd for OpenFolder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Whether an error of an [`OpenFolder`] says that something else has taken the place of what was there.
pub fn is_replaced(error: &io::Error) -> bool {
    // A link is ELOOP, on FreeBSD EMLINK, and ENOTDIR where a folder is wanted. EXDEV: the path would lead out.
    let replaced = [Errno::LOOP, Errno::XDEV, Errno::NOTDIR, Errno::MLINK];
    Errno::from_io_error(error).is_some_and(|error| replaced.contains(&error))
}

fn open_below(folder: BorrowedFd<'_>, below: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
    // A single name needs no `openat2`, which takes a lock of the whole system to see that the end lies below.
    #[cfg(target_os = "linux")]
    if below.components().nth(1).is_some() {
        match in_one_step(folder, below, flags) {
            // Linux before 5.6 and gVisor do not know the call; the filter of an older container engine forbids it.
            Err(Errno::NOSYS | Errno::PERM) => {}
            opened => return opened,
        }
    }
    step_by_step(folder, below, flags)
}

#[cfg(target_os = "linux")]
fn in_one_step(folder: BorrowedFd<'_>, below: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::{ResolveFlags, openat2};
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat2(folder, below, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)
}

/// Opens one name after the other, each in the folder that the one before is.
fn step_by_step(folder: BorrowedFd<'_>, below: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let mut names = below.components().peekable();
    let mut held: Option<OwnedFd> = None;
    while let Some(name) = names.next() {
        if !matches!(name, Component::Normal(_) | Component::CurDir) {
            // `..` would leave the folder: openat2 gives the same error.
            return Err(Errno::XDEV);
        }
        // The folders on the way are passed through, which takes no right to read them.
        let flags = if names.peek().is_some() { HOLD } else { flags };
        let at = held.as_ref().map_or(folder, AsFd::as_fd);
        held = Some(openat(at, name.as_os_str(), flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?);
    }
    held.ok_or(Errno::NOENT)
}

/// The names in a folder that is open for reading and was not listed yet.
#[cfg(target_os = "linux")]
fn names_in(folder: BorrowedFd<'_>) -> io::Result<Vec<OsString>> {
    /// As much as the C library asks for at a time, in bytes.
    const BUFFER: usize = 32 * 1024;
    let mut buffer = Vec::with_capacity(BUFFER);
    let mut entries = rustix::fs::RawDir::new(folder, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        names.extend(name_in(entry?.file_name()));
    }
    Ok(names)
}

#[cfg(not(target_os = "linux"))]
fn names_in(folder: BorrowedFd<'_>) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder)? {
        names.extend(name_in(entry?.file_name()));
    }
    Ok(names)
}

/// The name of an entry, none for the folder itself and the one above.
fn name_in(entry: &CStr) -> Option<OsString> {
    let name = entry.to_bytes();
    (!matches!(name, b"." | b"..")).then(|| OsStr::from_bytes(name).to_owned())
}

fn status_of(stat: &Stat) -> Status {
    let mode = stat.st_mode;
    let kind = match FileType::from_raw_mode(mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    };
    Status {
        kind,
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        is_executable: mode & 0o100 != 0,
        stamp: Stamp::of(stat),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    type Opener = fn(BorrowedFd<'_>, &Path, OFlags) -> rustix::io::Result<OwnedFd>;

    const OPENERS: &[Opener] = &[
        open_below,
        step_by_step,
        #[cfg(target_os = "linux")]
        in_one_step,
    ];

    #[test]
    fn no_link_is_followed_and_nothing_above_is_reached_by_either_way() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().canonicalize().unwrap().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "inside").unwrap();
        fs::write(root.parent().unwrap().join("secret"), "outside").unwrap();
        symlink("../secret", root.join("file-link")).unwrap();
        symlink("a", root.join("folder-link")).unwrap();
        symlink("/", root.join("a/up")).unwrap();
        let folder = OpenFolder::open(&root).unwrap();
        for open in OPENERS {
            let opened = |below: &str| open(folder.descriptor.as_fd(), Path::new(below), READ);
            let text = io::read_to_string(File::from(opened("a/b/file").unwrap())).unwrap();
            assert_eq!(text, "inside");
            for refused in ["file-link", "folder-link/b/file", "../secret", "a/../../secret", "a/up/etc/passwd", "/etc"]
            {
                let error = opened(refused).unwrap_err();
                assert!(is_replaced(&error.into()), "{refused}: {error}");
            }
        }
    }

    #[test]
    fn a_pipe_is_neither_waited_for_nor_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let made = std::process::Command::new("mkfifo").arg(path.join("pipe")).status().unwrap();
        assert!(made.success());
        let open = OpenFolder::open(&path).unwrap();
        assert_eq!(open.status(Path::new("pipe")).unwrap().kind, Kind::Other);
        assert!(open.file(Path::new("pipe")).unwrap_err().to_string().contains("no regular file"));
        assert!(open.file(Path::new("")).unwrap_err().to_string().contains("no regular file"));
    }

    #[test]
    fn an_open_folder_stays_when_its_path_names_another() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().canonicalize().unwrap();
        fs::create_dir(path.join("site")).unwrap();
        fs::write(path.join("site/own"), "").unwrap();
        let open = OpenFolder::open(&path.join("site")).unwrap();
        fs::rename(path.join("site"), path.join("moved")).unwrap();
        symlink("/etc", path.join("site")).unwrap();
        assert_eq!(open.names().unwrap(), ["own"]);
        assert!(is_replaced(&OpenFolder::open(&path.join("site")).unwrap_err()));
        assert_eq!(open.folder(Path::new("")).unwrap().names().unwrap(), ["own"]);
    }
}
