//! Lists what a directory would put on the branch: files and symlinks, in git's order, none of them opened.

mod follow;
mod reader;
mod resolve;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use rayon::prelude::*;
pub use reader::Reader;
pub use resolve::resolve_directory;

use crate::{
    diagnosis::{Cause, Failure},
    git::format::FileMode,
};
use crate::{
    globs::Globs,
    names::tree,
    system::{self, Kind, OpenFolder, Place, Stamp, Status},
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
    /// Where it lies below the root, if a followed link leads there; else below the directory under its path.
    place: Option<Box<Path>>,
}

impl File {
    fn is_as_listed(&self, now: &Status) -> bool {
        now.stamp == self.stamp && now.size == self.size
    }
}

/// What a directory holds, ready to be hashed.
#[derive(Clone, Debug)]
pub struct Listing {
    root: Option<Root>,
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
        Self { root: None, files: Vec::new(), skipped: Vec::new(), excluded: 0, cut_by: BTreeSet::new(), empty: 0 }
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

    /// Where `file` lies: reached from the folder that was listed, without following a symlink.
    pub fn place(&self, file: &File) -> Result<Place, Failure> {
        let root = self.root.as_ref().ok_or_else(|| changed(&file.path))?;
        let own = || root.directory.join(system::name_of(&file.path));
        Ok(Place::new(Arc::clone(&root.folder), file.place.as_deref().map_or_else(own, Path::to_owned)))
    }

    /// Opens a file that is no symlink for reading. One that changed since it was listed is a failure:
    /// its content would not be what was hashed.
    pub fn open(&self, file: &File) -> Result<fs::File, Failure> {
        let (opened, status) = self.place(file)?.open().map_err(|error| unreadable(&file.path, &error))?;
        if file.is_as_listed(&status) { Ok(opened) } else { Err(changed(&file.path)) }
    }

    /// The target of a symlink, as bytes.
    pub fn link_target(&self, file: &File) -> Result<Bytes, Failure> {
        let target = self.place(file)?.link().map_err(|error| unreadable(&file.path, &error))?;
        let target = system::target_of(target);
        if target.len() as u64 == file.size { Ok(target.into()) } else { Err(changed(&file.path)) }
    }
}

/// What all paths of a listing are relative to, held open so that nothing else can take its place.
#[derive(Clone, Debug)]
struct Root {
    /// The directory itself; where links are followed, the workspace that holds all they lead to.
    folder: Arc<OpenFolder>,
    /// The way from there to the directory.
    directory: PathBuf,
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
    if system::is_replaced(error) {
        return changed(path);
    }
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
struct ListedFolder {
    /// Its path inside the directory.
    path: Vec<u8>,
    /// Where it lies below the root, without a link on the way.
    place: PathBuf,
    /// The folders below the root that hold the links that led here, the first one first.
    through: Vec<PathBuf>,
}

/// How a directory is listed.
struct Walk<'a> {
    exclude: &'a Globs,
    root: Root,
    /// Whether links are followed, as far as the root; else they are listed as links.
    follows: bool,
}

/// One folder's share of a listing.
#[derive(Default)]
struct FolderListing {
    files: Vec<File>,
    folders: Vec<ListedFolder>,
    skipped: Vec<Box<[u8]>>,
    excluded: u64,
    empty: u64,
    /// The patterns of `exclude` that left anything out, be it an empty folder.
    cut_by: BTreeSet<usize>,
}

impl FolderListing {
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
    let root = Root { folder: Arc::new(held(directory)?), directory: PathBuf::new() };
    list(&Walk { exclude, root, follows: false })
}

/// As [`walk`], with the file or folder that a symlink leads to in the link's place.
///
/// A link that dangles, loops, leaves the `workspace` (as the file system resolves it) or leads into `.git` is `invalid-input`.
pub fn walk_following(directory: &Path, exclude: &Globs, workspace: &Path) -> Result<Listing, Failure> {
    let below = directory.strip_prefix(workspace).map_err(|_| changed(b"."))?.to_owned();
    let root = Root { folder: Arc::new(held(workspace)?), directory: below };
    list(&Walk { exclude, root, follows: true })
}

fn held(folder: &Path) -> Result<OpenFolder, Failure> {
    OpenFolder::open(folder).map_err(|error| unreadable(b".", &error))
}

fn list(walk: &Walk<'_>) -> Result<Listing, Failure> {
    let mut all = FolderListing::default();
    let mut level = vec![ListedFolder { place: walk.root.directory.clone(), ..ListedFolder::default() }];
    let mut folders = 0_u64;
    // Level by level: all folders of one are read side by side, and no depth of folders can exhaust the stack.
    while !level.is_empty() {
        folders += level.len() as u64;
        let found = level
            .par_iter()
            .map(|folder| read_folder(folder, walk))
            .try_reduce(FolderListing::default, |a, b| Ok(a.join(b)))?;
        all = all.join(found);
        level = std::mem::take(&mut all.folders);
    }
    let FolderListing { mut files, skipped, excluded, empty, cut_by, .. } = all;
    if files.is_empty() {
        return Err(nothing(folders - 1, !cut_by.is_empty(), skipped.len()));
    }
    // Threads end in any order; the trees are built from files in the order of their paths' bytes.
    files.par_sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(Listing { root: Some(walk.root.clone()), files, skipped, excluded, cut_by, empty })
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

fn read_folder(folder: &ListedFolder, walk: &Walk<'_>) -> Result<FolderListing, Failure> {
    let is_root = folder.path.is_empty();
    let unreadable = |error| unreadable(if is_root { b"." } else { &folder.path }, &error);
    let (open, names) = walk.root.folder.listed(&folder.place).map_err(unreadable)?;
    if names.is_empty() && !is_root {
        return Ok(FolderListing { empty: 1, ..FolderListing::default() });
    }
    names
        .into_par_iter()
        // A folder of fewer entries stays with one thread: the share of each
        // would be too small to pay for handing it out.
        .with_min_len(512)
        .try_fold(FolderListing::default, |mut found, name| {
            take(&mut found, folder, &open, &name, walk)?;
            Ok(found)
        })
        .try_reduce(FolderListing::default, |a, b| Ok(a.join(b)))
}

/// How many files lie below a folder that is left out. What cannot be read there is nobody's loss.
fn files_below(root: &OpenFolder, place: PathBuf) -> u64 {
    let mut files = 0;
    let mut waiting = vec![place];
    while let Some(place) = waiting.pop() {
        let Ok((open, names)) = root.listed(&place) else { continue };
        for name in names {
            match open.status(Path::new(&name)) {
                Ok(status) if status.kind == Kind::Folder => waiting.push(place.join(name)),
                _ => files += 1,
            }
        }
    }
    files
}

fn take(
    found: &mut FolderListing,
    folder: &ListedFolder,
    open: &OpenFolder,
    entry: &OsStr,
    walk: &Walk<'_>,
) -> Result<(), Failure> {
    let root = &walk.root.folder;
    let name = &*system::bytes_of(entry);
    // Before any pattern is looked at: none can bring a repository's own folder into a publish.
    if tree::is_dot_git(name) {
        return Ok(());
    }
    let mut path = Vec::with_capacity(folder.path.len() + 1 + name.len());
    if !folder.path.is_empty() {
        path.extend_from_slice(&folder.path);
        path.push(b'/');
    }
    path.extend_from_slice(name);
    let place = || folder.place.join(entry);
    // By the folder that is held open, not by its path: a link that takes the folder's place meanwhile leads nowhere.
    let mut status = open.status(Path::new(entry)).map_err(|error| unreadable(&path, &error))?;
    if is_excluded(walk.exclude, &path, status) {
        let is_folder = status.kind == Kind::Folder;
        found.cut_by.extend(walk.exclude.matching(&path, is_folder));
        found.excluded += if is_folder { files_below(root, place()) } else { 1 };
        return Ok(());
    }
    let mut target = None;
    if walk.follows && status.kind == Kind::Link {
        let end = follow::end_of(&path, folder, &place(), root.path())?;
        status = root.status(&end).map_err(|error| unreadable(&path, &error))?;
        // A pattern such as `docs/` speaks of folders, and the link has become one.
        if status.kind == Kind::Folder && is_excluded(walk.exclude, &path, status) {
            found.cut_by.extend(walk.exclude.matching(&path, true));
            found.excluded += files_below(root, end);
            return Ok(());
        }
        target = Some(end);
    }
    let mode = match status.kind {
        Kind::Folder => FileMode::TREE,
        // The end of a followed link is none: another one has taken its place.
        Kind::Link if walk.follows => return Err(changed(&path)),
        Kind::Link => FileMode::SYMLINK,
        Kind::Other => {
            found.skipped.push(path.into());
            return Ok(());
        }
        Kind::File if status.is_executable => FileMode::EXECUTABLE,
        Kind::File => FileMode::FILE,
    };
    // After `exclude`, which is the way to publish a directory that holds such a name.
    if let Some(reason) = tree::refusal(&path, name, mode == FileMode::SYMLINK) {
        let what = format!("{} cannot be published: {reason}.", shown(&path));
        return Err(Failure::new(Cause::InvalidInput, what).with_remedy("Rename it, or take it out with `exclude`."));
    }
    if status.kind == Kind::Folder {
        found.folders.push(folder.below(path, target, entry));
    } else {
        // Nearly all files lie under their own path: a copy of it in each would double the memory of the listing.
        let place = target.or_else(|| (!folder.through.is_empty()).then(place)).map(PathBuf::into_boxed_path);
        found.files.push(File { path: path.into(), mode, size: status.size, stamp: status.stamp, place });
    }
    Ok(())
}

fn is_excluded(exclude: &Globs, path: &[u8], status: Status) -> bool {
    if status.kind == Kind::Folder { exclude.cover(path) } else { exclude.matches(path) }
}

impl ListedFolder {
    /// The folder at `path` in this one: `entry` itself, or the folder that the link `entry` leads to.
    fn below(&self, path: Vec<u8>, target: Option<PathBuf>, entry: &OsStr) -> Self {
        let mut through = self.through.clone();
        through.extend(target.is_some().then(|| self.place.clone()));
        Self { path, place: target.unwrap_or_else(|| self.place.join(entry)), through }
    }
}
