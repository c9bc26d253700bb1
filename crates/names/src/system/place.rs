//! A file below a folder that is held open.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{OpenFolder, Status};

/// Where a file lies: a folder that is held open, and the way from there, on which no symbolic link is followed.
#[derive(Clone, Debug)]
pub struct Place {
    folder: Arc<OpenFolder>,
    below: PathBuf,
}

impl Place {
    /// The file at `below`, relative to `folder`.
    pub fn new(folder: Arc<OpenFolder>, below: PathBuf) -> Self {
        Self { folder, below }
    }

    /// The file at `path`, held by the folder that it lies in.
    ///
    /// # Errors
    /// The folder cannot be opened.
    pub fn at(path: &Path) -> io::Result<Self> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        // Links on the way to the folder are followed once, here. What is held afterwards has none on its way.
        Ok(Self::new(Arc::new(OpenFolder::open(&folder.canonicalize()?)?), name.into()))
    }

    /// Opens the file for reading, with what it is at this moment.
    ///
    /// # Errors
    /// It is no regular file, it is absent, or a symbolic link stands on the way.
    pub fn open(&self) -> io::Result<(File, Status)> {
        self.folder.file(&self.below)
    }

    /// The target of the symbolic link that lies here.
    ///
    /// # Errors
    /// It is none, or another one stands on the way.
    pub fn link(&self) -> io::Result<PathBuf> {
        self.folder.link(&self.below)
    }

    /// The file's path, for a message.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.below)
    }
}
