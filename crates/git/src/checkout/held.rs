//! On a runner the objects of a checkout are held by descriptor: whatever another process puts in the place of a folder or a pack,
//! no object from outside of the workspace is sent. libgit2 knows paths alone, so that it gets a private folder of links to
//! what is held open.
//!
//! Source: <https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html>

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    confine,
    packs::PackIndex,
    unreadable::{ALTERNATES_DEPTH, alternates, unreadable},
};
use crate::{diagnosis::errors::CheckoutError, objects::PrivateFolder, system, system::OpenFolder};

/// Objects folders, held open.
pub(super) struct HeldObjects {
    /// What stands in the place of each: first the checkout's own, then those that it borrows from.
    pub(super) folders: Vec<PathBuf>,
    /// The indexes of their packs.
    pub(super) indexes: Vec<PackIndex>,
    links: PrivateFolder,
    open_folders: Vec<OpenFolder>,
    open_files: Vec<File>,
}

impl HeldObjects {
    /// Holds `objects` and what it borrows from. None where the system has no paths of open files: macOS, Windows, a Linux without
    /// `/proc`.
    ///
    /// # Errors
    /// A part that lies outside of `boundary`, or cannot be opened.
    pub(super) fn of(objects: &Path, boundary: &Path) -> Result<Option<Self>, CheckoutError> {
        let boundary = fs::canonicalize(boundary).map_err(|error| unreadable(boundary, &error))?;
        let links = PrivateFolder::create().map_err(|error| unreadable(&std::env::temp_dir(), &error))?;
        let mut held =
            Self { folders: Vec::new(), indexes: Vec::new(), links, open_folders: Vec::new(), open_files: Vec::new() };
        if system::path_of(&folder(objects, &boundary)?).is_none() {
            return Ok(None);
        }
        held.hold(objects, &boundary, ALTERNATES_DEPTH)?;
        Ok(Some(held))
    }

    fn hold(&mut self, objects: &Path, boundary: &Path, depth: usize) -> Result<(), CheckoutError> {
        let place = self.links.path().join(self.folders.len().to_string());
        let made = fs::create_dir(&place).and_then(|()| fs::create_dir(place.join("pack")));
        made.map_err(|error| unreadable(&place, &error))?;
        self.folders.push(place.clone());
        for name in folder(objects, boundary)?.names().map_err(|error| unreadable(objects, &error))? {
            // The folders of loose objects are called by the first two digits of the names.
            let path = objects.join(&name);
            if name.len() == 2 && name.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit) && path.is_dir() {
                let loose = folder(&path, boundary)?;
                link(&loose, &place.join(&name))?;
                self.open_folders.push(loose);
            }
        }
        let packs = objects.join("pack");
        if packs.exists() {
            self.hold_packs(&packs, &place.join("pack"), boundary)?;
        }
        for borrowed in alternates(objects)?.into_iter().filter(|_| depth > 0) {
            self.hold(&borrowed, boundary, depth - 1)?;
        }
        Ok(())
    }

    fn hold_packs(&mut self, packs: &Path, place: &Path, boundary: &Path) -> Result<(), CheckoutError> {
        let mut names = folder(packs, boundary)?.names().map_err(|error| unreadable(packs, &error))?;
        // A listing has no order, and the order decides which copy of an object is sent.
        names.sort();
        for name in names {
            let kind = Path::new(&name).extension().and_then(OsStr::to_str);
            if !matches!(kind, Some("idx" | "pack")) {
                continue;
            }
            let (path, link) = (packs.join(&name), place.join(&name));
            let file = file(&path, boundary)?;
            self::link(&file, &link)?;
            self.open_files.push(file);
            if kind == Some("idx") {
                self.indexes.push(PackIndex { path: link, named: path });
            }
        }
        Ok(())
    }
}

/// What a part that leads outside is called.
const WHAT: &str = "A part of its objects";

/// The folder at `path`, wherever inside of the boundary links lead.
fn folder(path: &Path, boundary: &Path) -> Result<OpenFolder, CheckoutError> {
    let real = confine::inside(WHAT, path, boundary)?;
    // A pipe or a file there is no exchange, and is refused in the same way.
    if !real.is_dir() {
        return Err(unreadable(path, &"it is no folder"));
    }
    // No link on the way is followed any more, so that what is opened is what was looked at.
    OpenFolder::open(&real).map_err(|error| refused(path, &error))
}

/// The file at `path`, likewise.
fn file(path: &Path, boundary: &Path) -> Result<File, CheckoutError> {
    let real = confine::inside(WHAT, path, boundary)?;
    let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
        return Err(CheckoutError::NotRegular(path.to_owned()));
    };
    let opened = OpenFolder::open(folder).and_then(|folder| folder.file(Path::new(name)));
    opened.map(|(file, _)| file).map_err(|error| refused(path, &error))
}

fn refused(path: &Path, error: &io::Error) -> CheckoutError {
    if system::is_replaced(error) {
        return confine::outside(WHAT, path, "it was exchanged for a link while it was opened");
    }
    unreadable(path, error)
}

/// Puts a link to what is held open at `link`.
fn link<T: system::Descriptor>(open: &T, link: &Path) -> Result<(), CheckoutError> {
    let Some(path) = system::path_of(open) else { return Ok(()) };
    system::make_link(&path, link).map_err(|error| unreadable(link, &error))
}
