//! Opens the files of a listing one after the other, by the folders that hold them.

use std::{
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::{File, Listing, changed, unreadable};
use crate::{
    diagnosis::Failure,
    system::{self, OpenFolder},
};

/// Opens files of one listing. Each thread holds the folder of the file that it opened last: files come in the order of their
/// paths, so that the way from the root is gone once per folder, not once per file.
///
/// NOTE: a folder that is exchanged for a link meanwhile stays the one that was opened, and what is read there is still held to
/// what was listed. A reader ends with the reading, so that no folder is held for longer.
pub struct Reader<'a> {
    listing: &'a Listing,
    /// By the thread's index in rayon's pool. Each is locked by its own thread alone.
    last: Vec<Mutex<Option<LastFolder>>>,
}

/// The folder of a thread's last file.
struct LastFolder {
    /// Its path inside the directory.
    path: Box<[u8]>,
    folder: OpenFolder,
}

impl<'a> Reader<'a> {
    /// A reader that holds no folder yet.
    pub fn of(listing: &'a Listing) -> Self {
        Self { listing, last: (0..rayon::current_num_threads()).map(|_| Mutex::default()).collect() }
    }

    /// Whose files are read.
    pub fn listing(&self) -> &Listing {
        self.listing
    }

    /// As [`Listing::open`].
    pub fn open(&self, file: &File) -> Result<fs::File, Failure> {
        let last = rayon::current_thread_index().and_then(|index| self.last.get(index));
        // Below a followed link files do not lie where their paths say.
        let (Some(last), Some(root), None) = (last, &self.listing.root, &file.place) else {
            return self.listing.open(file);
        };
        let (path, name) = match file.path.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (&file.path[..at], &file.path[at + 1..]),
            None => (&b""[..], &file.path[..]),
        };
        let unreadable = |error| unreadable(&file.path, &error);
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let held = if let Some(held) = last.take().filter(|held| *held.path == *path) {
            held
        } else {
            let place = root.directory.join(system::name_of(path));
            LastFolder { path: path.into(), folder: root.folder.folder(&place).map_err(unreadable)? }
        };
        let (opened, status) = held.folder.file(Path::new(&*system::name_of(name))).map_err(unreadable)?;
        *last = Some(held);
        if file.is_as_listed(&status) { Ok(opened) } else { Err(changed(&file.path)) }
    }
}
