//! Lists what a directory would put on the branch: files and symlinks, in git's order, none of them opened.

mod follow;
mod resolve;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rayon::prelude::*;
pub use resolve::resolve_directory;

use crate::{
    diagnosis::{Cause, Failure},
    git::format::FileMode,
};
use crate::{
    globs::Globs,
    names::tree,
    system::{self, Stamp},
};

/// A file or symlink of the directory.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path inside the directory: bytes, `/` between names.
    pub path: Box<[u8]>,
    /// File, executable or symlink.
    pub mode: FileMode,
    /// Its size in bytes; of a symlink that of its target's name.
    pub size: u64,
    stamp: Stamp,
    /// Where it lies, if a followed link leads there; else below the directory under its path.
    place: Option<Box<Path>>,
}

/// What a directory holds, ready to be hashed.
#[derive(Clone, Debug)]
pub struct Listing {
    root: PathBuf,
    files: Vec<File>,
    /// Paths that git cannot hold (sockets, pipes, devices): passed over, as git does.
    pub skipped: Vec<Box<[u8]>>,
    /// How many files `exclude` left out.
    pub excluded: u64,
    /// Which patterns of `exclude` left something out, by their index.
    pub cut_by: BTreeSet<usize>,
    /// How many folders hold nothing at all: git stores none.
    pub empty: u64,
}

impl Listing {
    /// A listing without a file: what a folder that is taken off its branch becomes.
    pub fn nothing() -> Self {
        Self {
            root: PathBuf::new(),
            files: Vec::new(),
            skipped: Vec::new(),
            excluded: 0,
            cut_by: BTreeSet::new(),
            empty: 0,
        }
    }

    /// The files, in the byte order of their paths, which is git's.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The sum of the files' sizes in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Files of more than `size` bytes, the biggest first.
    pub fn above(&self, size: u64) -> Vec<&File> {
        let mut big: Vec<_> = self.files.iter().filter(|file| file.size > size).collect();
        big.sort_by_key(|file| std::cmp::Reverse(file.size));
        big
    }

    /// Where `file` lies on disk.
    pub fn location(&self, file: &File) -> PathBuf {
        file.place.as_deref().map_or_else(|| self.root.join(system::name_of(&file.path)), Path::to_owned)
    }

    /// Opens a file that is no symlink for reading. One that changed since it was listed is a failure:
    /// its content would not be what was hashed.
    pub fn open(&self, file: &File) -> Result<fs::File, Failure> {
        let opened = fs::File::open(self.location(file)).map_err(|error| unreadable(&file.path, &error))?;
        let metadata = opened.metadata().map_err(|error| unreadable(&file.path, &error))?;
        if Stamp::of(&metadata) != file.stamp || metadata.len() != file.size {
            return Err(changed(&file.path));
        }
        Ok(opened)
    }

    /// The target of a symlink, as bytes.
    pub fn link_target(&self, file: &File) -> Result<Bytes, Failure> {
        let target = fs::read_link(self.location(file)).map_err(|error| unreadable(&file.path, &error))?;
        let target = system::target_of(target);
        if target.len() as u64 == file.size { Ok(target.into()) } else { Err(changed(&file.path)) }
    }
}

/// A path for a message: quoted, with whatever is no printable text escaped, and with its beginning and end alone when it
/// is so long that the message would be about nothing else.
pub(crate) fn shown(path: &[u8]) -> String {
    const BEGINNING: usize = 120;
    const END: usize = 60;
    let text = String::from_utf8_lossy(path);
    let length = text.chars().count();
    if length <= BEGINNING + END {
        return format!("{text:?}");
    }
    let (beginning, end): (String, String) =
        (text.chars().take(BEGINNING).collect(), text.chars().skip(length - END).collect());
    format!("{:?}", format!("{beginning}…{end}"))
}

/// The failure for a file or folder that cannot be read.
pub(super) fn unreadable(path: &[u8], error: &io::Error) -> Failure {
    Failure::new(Cause::LocalGitError, format!("{} of the directory cannot be read: {error}.", shown(path)))
        .with_remedy("Give the step's user the right to read it, or take it out with `exclude`.")
}

/// The failure for a file that is not what it was when it was listed.
pub(super) fn changed(path: &[u8]) -> Failure {
    Failure::new(Cause::LocalGitError, format!("{} changed while it was being published.", shown(path)))
        .with_remedy("Let whatever writes into the directory end before this step, and run it again.")
}

/// A folder that is listed.
#[derive(Default)]
struct Folder {
    /// Its path inside the directory.
    path: Vec<u8>,
    /// Where it lies on disk, without a link on the way where links are followed.
    place: PathBuf,
    /// The folders on disk that hold the links that led here, the first one first.
    through: Vec<PathBuf>,
}

/// How a directory is listed.
struct Walk<'a> {
    exclude: &'a Globs,
    /// The workspace that followed links must not leave; none: links are listed as links.
    follow: Option<&'a Path>,
}

/// One folder's share of a listing.
#[derive(Default)]
struct Found {
    files: Vec<File>,
    folders: Vec<Folder>,
    skipped: Vec<Box<[u8]>>,
    excluded: u64,
    empty: u64,
    /// The patterns of `exclude` that left anything out, be it an empty folder.
    cut_by: BTreeSet<usize>,
}

impl Found {
    fn join(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.folders.extend(other.folders);
        self.skipped.extend(other.skipped);
        self.excluded += other.excluded;
        self.empty += other.empty;
        self.cut_by.extend(other.cut_by);
        self
    }
}

/// Lists `directory` (as [`resolve_directory`] gives it) without what `exclude` covers.
///
/// Symlinks are listed, never followed; `.git` is passed over at any depth; an empty folder vanishes.
/// A name that git or GitHub refuses is `invalid-input`; a directory without a file is `nothing-to-publish`.
pub fn walk(directory: &Path, exclude: &Globs) -> Result<Listing, Failure> {
    list(directory, &Walk { exclude, follow: None })
}

/// As [`walk`], with the file or folder that a symlink leads to in the link's place.
///
/// A link that dangles, loops, leaves the `workspace` (as the file system resolves it) or leads into `.git` is `invalid-input`.
pub fn walk_following(directory: &Path, exclude: &Globs, workspace: &Path) -> Result<Listing, Failure> {
    list(directory, &Walk { exclude, follow: Some(workspace) })
}

fn list(directory: &Path, walk: &Walk<'_>) -> Result<Listing, Failure> {
    let mut all = Found::default();
    let mut level = vec![Folder { place: directory.to_owned(), ..Folder::default() }];
    let mut folders = 0_u64;
    while !level.is_empty() {
        folders += level.len() as u64;
        let found = level
            .par_iter()
            .map(|folder| read_folder(folder, walk))
            .try_reduce(Found::default, |a, b| Ok(a.join(b)))?;
        all = all.join(found);
        level = std::mem::take(&mut all.folders);
    }
    let Found { mut files, skipped, excluded, empty, cut_by, .. } = all;
    if files.is_empty() {
        return Err(nothing(folders - 1, !cut_by.is_empty(), skipped.len()));
    }
    files.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(Listing { root: directory.to_owned(), files, skipped, excluded, cut_by, empty })
}

fn nothing(folders: u64, is_cut: bool, skipped: usize) -> Failure {
    let why = if is_cut {
        "`exclude` leaves no file of it"
    } else if skipped > 0 {
        "it holds nothing but sockets, pipes or devices"
    } else if folders > 0 {
        "its folders hold no file"
    } else {
        "it is empty"
    };
    let failure = Failure::new(Cause::NothingToPublish, format!("The directory has nothing to publish: {why}."));
    if is_cut { failure.with_remedy("Correct `exclude`; an empty `exclude` leaves nothing out.") } else { failure }
}

fn read_folder(folder: &Folder, walk: &Walk<'_>) -> Result<Found, Failure> {
    let read = || fs::read_dir(&folder.place)?.collect::<io::Result<Vec<_>>>();
    let is_root = folder.path.is_empty();
    let entries = read().map_err(|error| unreadable(if is_root { b"." } else { &folder.path }, &error))?;
    if entries.is_empty() && !is_root {
        return Ok(Found { empty: 1, ..Found::default() });
    }
    entries
        .into_par_iter()
        .with_min_len(512)
        .try_fold(Found::default, |mut found, entry| {
            take(&mut found, folder, &entry, walk)?;
            Ok(found)
        })
        .try_reduce(Found::default, |a, b| Ok(a.join(b)))
}

/// How many files lie below a folder that is left out. What cannot be read there is nobody's loss.
fn files_below(folder: &Path) -> u64 {
    let mut files = 0;
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                _ => files += 1,
            }
        }
    }
    files
}

fn take(found: &mut Found, folder: &Folder, entry: &fs::DirEntry, walk: &Walk<'_>) -> Result<(), Failure> {
    let name = entry.file_name();
    let name = &*system::bytes_of(&name);
    if tree::is_dot_git(name) {
        return Ok(());
    }
    let mut path = Vec::with_capacity(folder.path.len() + 1 + name.len());
    if !folder.path.is_empty() {
        path.extend_from_slice(&folder.path);
        path.push(b'/');
    }
    path.extend_from_slice(name);
    // NOTE: `DirEntry::metadata` does not follow symlinks.
    let mut metadata = entry.metadata().map_err(|error| unreadable(&path, &error))?;
    let mut kind = metadata.file_type();
    if is_excluded(walk.exclude, &path, kind) {
        found.cut_by.extend(walk.exclude.matching(&path, kind.is_dir()));
        found.excluded += if kind.is_dir() { files_below(&entry.path()) } else { 1 };
        return Ok(());
    }
    let mut target = None;
    if let Some(workspace) = walk.follow.filter(|_| kind.is_symlink()) {
        let end = follow::end_of(&path, folder, &entry.path(), workspace)?;
        metadata = fs::symlink_metadata(&end).map_err(|error| unreadable(&path, &error))?;
        kind = metadata.file_type();
        // A pattern such as `docs/` speaks of folders, and the link has become one.
        if kind.is_dir() && is_excluded(walk.exclude, &path, kind) {
            found.cut_by.extend(walk.exclude.matching(&path, true));
            found.excluded += files_below(&end);
            return Ok(());
        }
        target = Some(end);
    }
    let mode = if kind.is_dir() {
        FileMode::TREE
    } else if kind.is_symlink() {
        FileMode::SYMLINK
    } else if !kind.is_file() {
        found.skipped.push(path.into());
        return Ok(());
    } else if system::is_executable(&metadata) {
        FileMode::EXECUTABLE
    } else {
        FileMode::FILE
    };
    if let Some(reason) = tree::refusal(&path, name, mode == FileMode::SYMLINK) {
        let what = format!("{} cannot be published: {reason}.", shown(&path));
        return Err(Failure::new(Cause::InvalidInput, what).with_remedy("Rename it, or take it out with `exclude`."));
    }
    if kind.is_dir() {
        found.folders.push(folder.below(path, target, entry));
    } else {
        let link = mode == FileMode::SYMLINK;
        let size = if link { system::link_length(&entry.path(), &metadata) } else { metadata.len() };
        let place = target.or_else(|| (!folder.through.is_empty()).then(|| entry.path())).map(PathBuf::into_boxed_path);
        found.files.push(File { path: path.into(), mode, size, stamp: Stamp::of(&metadata), place });
    }
    Ok(())
}

fn is_excluded(exclude: &Globs, path: &[u8], kind: fs::FileType) -> bool {
    if kind.is_dir() { exclude.cover(path) } else { exclude.matches(path) }
}

impl Folder {
    /// The folder at `path` in this one: `entry` itself, or the folder that the link `entry` leads to.
    fn below(&self, path: Vec<u8>, target: Option<PathBuf>, entry: &fs::DirEntry) -> Self {
        let mut through = self.through.clone();
        through.extend(target.is_some().then(|| self.place.clone()));
        Self { path, place: target.unwrap_or_else(|| entry.path()), through }
    }
}
