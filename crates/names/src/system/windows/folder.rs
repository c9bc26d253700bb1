//! Folders by path. NOTE: unlike on Linux and macOS a name that is exchanged for a link while it is read is noticed only where
//! it is the file's own.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata},
    io,
    os::windows::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{Stamp, target_of};
use crate::system::status::{Kind, Status};

/// Opens a link itself, not what it leads to.
///
/// Source: <https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-createfilew> (`FILE_FLAG_OPEN_REPARSE_POINT`)
const OPEN_LINK_ITSELF: u32 = 0x0020_0000;

/// A folder.
#[derive(Debug)]
pub struct OpenFolder {
    path: PathBuf,
}

impl OpenFolder {
    /// The folder at a path without symbolic links, as `canonicalize` gives it.
    ///
    /// # Errors
    /// It cannot be found, or it is none.
    pub fn open(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        if metadata.is_dir() { Ok(Self { path: path.to_owned() }) } else { Err(io::ErrorKind::NotADirectory.into()) }
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
        Self::open(&self.path.join(below))
    }

    /// Opens the regular file at `below` for reading, with what it is at this moment.
    ///
    /// # Errors
    /// It is no regular file, or it is absent.
    pub fn file(&self, below: &Path) -> io::Result<(File, Status)> {
        let path = self.path.join(below);
        // A link that has taken the file's place is opened as a link, and refused as no file.
        let file = fs::OpenOptions::new().read(true).custom_flags(OPEN_LINK_ITSELF).open(&path)?;
        let status = status_of(&path, &file.metadata()?);
        if status.kind == Kind::File {
            Ok((file, status))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
        }
    }

    /// What lies at `below`; a symbolic link is not followed.
    ///
    /// # Errors
    /// Nothing is there.
    pub fn status(&self, below: &Path) -> io::Result<Status> {
        let path = self.path.join(below);
        let metadata = fs::symlink_metadata(&path)?;
        Ok(status_of(&path, &metadata))
    }

    /// The target of the symbolic link at `below`.
    ///
    /// # Errors
    /// It is none.
    pub fn link(&self, below: &Path) -> io::Result<PathBuf> {
        fs::read_link(self.path.join(below))
    }

    /// The names in this folder, in no order.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// The folder at `below`, as [`Self::folder`] gives it, and the names in it, in no order.
    ///
    /// # Errors
    /// As [`Self::open`], or it cannot be read.
    pub fn listed(&self, below: &Path) -> io::Result<(Self, Vec<OsString>)> {
        let folder = self.folder(below)?;
        let names = folder.names()?;
        Ok((folder, names))
    }
}

/// Whether an error of an [`OpenFolder`] says that something else has taken the place of what was there.
pub fn is_replaced(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotADirectory
}

fn status_of(path: &Path, metadata: &Metadata) -> Status {
    let kind = if metadata.is_symlink() {
        Kind::Link
    } else if metadata.is_dir() {
        Kind::Folder
    } else if metadata.is_file() {
        Kind::File
    } else {
        Kind::Other
    };
    // The file system does not tell the length of a link's target.
    let size = match kind {
        Kind::Link => fs::read_link(path).map_or(0, |target| target_of(target).len() as u64),
        _ => metadata.len(),
    };
    // There is no executable bit.
    Status { kind, size, is_executable: false, stamp: Stamp::of(metadata) }
}
