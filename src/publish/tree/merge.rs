//! The merge itself: the branch's trees and the directory's, side by side, folder by folder.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{
    Changes, FileStatus, MOST_FILES, MergeError, Merged, Placement, RootFile, Site, Trees,
    new::New,
    outcome::{WantedEntry, conflict, folder_entry, kept, root_file_entry},
};
use crate::{
    diagnosis::{Cause, Failure},
    git::format::{FileMode, TreeEntry},
    names::Oid,
    publish::{folders::Child, hash::Hashed, walk::shown},
};

/// Deeper trees than git itself walks through (`core.maxTreeDepth`) are refused.
const MAX_DEPTH: usize = 2048;
/// How many folders are looked into: more than any repository has. A few trees that hold each other ten times over make billions.
const MAX_FOLDERS: u32 = 1_000_000;

pub(super) struct Merge<'a> {
    pub(super) trees: &'a dyn Trees,
    pub(super) content: Option<&'a Hashed>,
    pub(super) placement: &'a Placement<'a>,
    pub(super) changes: Changes,
    named: BTreeMap<Vec<u8>, FileStatus>,
    pub(super) new: New,
    looked_into: u32,
}

impl<'a> Merge<'a> {
    pub(super) fn new(trees: &'a dyn Trees, content: Option<&'a Hashed>, placement: &'a Placement<'a>) -> Self {
        let (changes, named, new) = (Changes::default(), BTreeMap::new(), New::default());
        Self { trees, content, placement, changes, named, new, looked_into: 0 }
    }

    pub(super) fn run(mut self, base: Option<Oid>) -> Result<Merged, MergeError> {
        let components: Vec<&str> = self.placement.destination.components().collect();
        let merged = self.along(&components, 0, base)?;
        // A commit always names a tree: where nothing is left, the empty one.
        let tree = self.without_closed_previews(merged)?.unwrap_or_else(|| self.new.tree(&[]));
        if let Some(content) = self.content {
            for index in &self.new.files {
                let whole = self.whole(&content.listing().files()[*index].path);
                self.changes.note(whole);
            }
        }
        let before = std::mem::take(&mut self.new.before);
        let (trees, blobs) = self.new.lacking(self.trees, base, self.content, self.placement.root_files)?;
        Ok(Merged { tree, trees, blobs, before, changes: self.changes, files: self.named })
    }

    /// Goes down to the destination and puts the new tree into each folder on the way back.
    fn along(&mut self, components: &[&str], level: usize, base: Option<Oid>) -> Result<Option<Oid>, MergeError> {
        let Some((name, below)) = components.get(level).map(|name| (name.as_bytes(), level + 1)) else {
            let whole = self.content.map(|content| content.folders.root_index());
            return self.folder(whole, base, &mut Vec::new(), 0);
        };
        let before = match base {
            Some(oid) => self.entries(oid, false)?,
            None => Vec::new(),
        };
        let place = before.iter().position(|entry| entry.name == name);
        let old = match place.map(|place| &before[place]) {
            Some(entry) if entry.mode.is_tree() => Some(entry.oid),
            // A file on the way to the destination: there is nothing of it to take off.
            Some(_) if self.content.is_none() && below < components.len() => return Ok(base),
            // A folder would have to take the place of a file or submodule that nobody asked to remove.
            Some(entry) if below < components.len() || (entry.mode.is_submodule() && self.content.is_some()) => {
                let what = if entry.mode.is_submodule() { "a submodule" } else { "a file" };
                let path = components[..below].join("/");
                return Err(conflict(&format!("On the branch {} is {what}", shown(path.as_bytes()))).into());
            }
            Some(_) => {
                self.removed(b"");
                None
            }
            None => None,
        };
        let new = self.along(components, below, old)?;
        let mut after = before.clone();
        match (place, new) {
            (Some(place), Some(oid)) => after[place] = folder_entry(name, oid),
            (Some(place), None) => drop(after.remove(place)),
            (None, Some(oid)) => after.push(folder_entry(name, oid)),
            (None, None) => {}
        }
        if level == 0 && self.placement.site != Site::Destination {
            self.add_root_files(&mut after);
        }
        Ok(self.result(base, &before, after))
    }

    /// The entries of a tree of the branch.
    pub(super) fn entries(&mut self, oid: Oid, deep: bool) -> Result<Vec<TreeEntry>, MergeError> {
        self.looked_into += 1;
        if self.looked_into > MAX_FOLDERS {
            let what = format!("The branch holds more than {MAX_FOLDERS} folders that would have to be looked into.");
            return Err(Failure::new(Cause::ServerError, what).into());
        }
        self.trees.tree(oid)?.ok_or(MergeError::Missing { oid, deep })
    }

    /// Adds the root files where the destination is another folder than the root.
    fn add_root_files(&mut self, root: &mut Vec<TreeEntry>) {
        for (index, file) in self.placement.root_files.iter().enumerate() {
            let entry = root_file_entry(file);
            match root.iter_mut().find(|old| old.name == entry.name) {
                // A folder by this name holds somebody's files, which are outside of the destination.
                Some(old) if !file.overwrite || old.mode.is_tree() => {}
                Some(old) if old.oid == entry.oid && old.mode.canonical() == entry.mode => {}
                Some(old) => {
                    *old = entry;
                    self.changes.changed += 1;
                    self.name(file.name.as_bytes().to_vec(), FileStatus::Changed);
                    self.new.root_files.push(index);
                }
                None => {
                    root.push(entry);
                    self.changes.added += 1;
                    self.name(file.name.as_bytes().to_vec(), FileStatus::Added);
                    self.new.root_files.push(index);
                }
            }
        }
    }

    /// Merges one folder at or below the destination; `path` is relative to it. Nothing is left: no tree.
    fn folder(
        &mut self,
        wanted: Option<usize>,
        base: Option<Oid>,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<Option<Oid>, MergeError> {
        if depth > MAX_DEPTH {
            return Err(conflict("The branch's folders are nested deeper than git allows").into());
        }
        let root = path.is_empty() && self.is_site();
        let alone = wanted.and_then(|wanted| Some((wanted, self.content?.folders.get(wanted))));
        let plain = !root || self.placement.root_files.is_empty();
        match (alone, base) {
            // The branch has what the directory has, and so nothing to keep beside it.
            (Some((_, folder)), Some(base)) if plain && folder.oid == base => return Ok(Some(base)),
            // None of the folder's files meets anything on the branch, so that its trees are taken as they were hashed.
            (Some((index, folder)), None) if plain => {
                self.changes.added += folder.files.len() as u64;
                self.name_all(folder.files.clone());
                self.new.files.extend(folder.files.clone());
                self.new.folders.push(index);
                return Ok(Some(folder.oid));
            }
            (None, None) if plain => return Ok(None),
            _ => {}
        }
        let before = match base {
            Some(oid) => self.entries(oid, true)?,
            None => Vec::new(),
        };
        // git sorts a folder as if its name ended in `/`. The two sides can be compared only by the names themselves.
        let mut old: Vec<&TreeEntry> = before.iter().collect();
        old.sort_unstable_by_key(|entry| &entry.name[..]);
        let wanted = self.wanted(alone.map(|(index, _)| index), root, &old);
        let mut after = Vec::with_capacity(wanted.len().max(before.len()));
        let (mut old, mut wanted) = (old.into_iter().peekable(), wanted.into_iter().peekable());
        let length = path.len();
        loop {
            let order = match (old.peek(), wanted.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some((name, _))) => old.name[..].cmp(name),
            };
            let old = if order.is_le() { old.next() } else { None };
            let wanted = if order.is_ge() { wanted.next() } else { None };
            let name = wanted.as_ref().map(|(name, _)| *name).or(old.map(|old| &old.name[..])).unwrap_or_default();
            if length > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            let entry = match (old, wanted) {
                (old, Some((_, wanted))) => self.put(wanted, old, path, depth)?,
                (Some(old), None) if length == 0 && self.stays_at_root(old) => Some(old.clone()),
                (Some(old), None) => self.stay(old, path, depth)?,
                (None, None) => None,
            };
            after.extend(entry);
            path.truncate(length);
        }
        Ok(self.result(base, &before, after))
    }

    /// What the folder is to hold, in the order of the names' bytes.
    fn wanted(&self, folder: Option<usize>, root: bool, old: &[&TreeEntry]) -> Vec<(&'a [u8], WantedEntry)> {
        let mut wanted: Vec<(&'a [u8], WantedEntry)> = Vec::new();
        if let (Some(index), Some(content)) = (folder, self.content) {
            let name = |child| content.folders.name(child, content.listing().files());
            let children = &content.folders.get(index).children;
            wanted.extend(children.iter().map(|child| (name(*child), WantedEntry::Directory(*child))));
        }
        if root {
            for (index, file) in self.placement.root_files.iter().enumerate() {
                let name = file.name.as_bytes();
                let is_file = |entry: &&TreeEntry| entry.name == name && !entry.mode.is_tree();
                match wanted.iter_mut().find(|(other, _)| *other == name) {
                    Some((_, what @ WantedEntry::Directory(Child::File(_)))) if file.overwrite => {
                        *what = WantedEntry::RootFile(index);
                    }
                    None if file.overwrite || !old.iter().any(is_file) => {
                        wanted.push((name, WantedEntry::RootFile(index)));
                    }
                    _ => {}
                }
            }
        }
        wanted.sort_unstable_by_key(|(name, _)| *name);
        wanted
    }

    /// Whether the site's root is that of the destination.
    fn is_site(&self) -> bool {
        self.placement.destination.is_root() || self.placement.site == Site::Destination
    }

    /// Whether a file at the destination's root stays by the rules of `CNAME` and of the root files.
    fn stays_at_root(&self, old: &TreeEntry) -> bool {
        let named = |file: &RootFile| file.name.as_bytes() == old.name;
        let may_be_site = self.is_site() || self.placement.site == Site::Unknown;
        // GitHub commits `CNAME` itself when a domain is set in the repository's
        // settings: without the file the site loses its domain.
        let is_cname = old.name == b"CNAME" && self.content.is_some() && may_be_site;
        !old.mode.is_tree() && (is_cname || self.is_site() && self.placement.root_files.iter().any(named))
    }

    /// Puts what is wanted in the place of `old`.
    fn put(
        &mut self,
        wanted: WantedEntry,
        old: Option<&TreeEntry>,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<Option<TreeEntry>, MergeError> {
        let entry = match (wanted, self.content) {
            (WantedEntry::Directory(child), Some(content)) => {
                content.folders.entry(child, content.listing().files(), content.oids())
            }
            (WantedEntry::RootFile(index), _) => root_file_entry(&self.placement.root_files[index]),
            (WantedEntry::Directory(_), None) => return Ok(None),
        };
        if let WantedEntry::Directory(Child::Folder(index)) = wanted {
            let base = old.filter(|old| old.mode.is_tree()).map(|old| old.oid);
            if base.is_none() && old.is_some() {
                if self.placement.keep.matches(path) {
                    let held = shown(path);
                    return Err(kept(&format!("{held} is a folder in the directory and a file on the branch"), &held));
                }
                self.removed(path);
            }
            let oid = self.folder(Some(index), base, path, depth + 1)?;
            return Ok(oid.map(|oid| TreeEntry { oid, ..entry }));
        }
        match old {
            // Old repositories have modes such as 100664: the same file, and
            // writing it anew would make a change of nothing.
            Some(old) if old.oid == entry.oid && old.mode.canonical() == entry.mode => return Ok(Some(old.clone())),
            Some(old) if old.mode.is_tree() => {
                self.discard(old.oid, path, depth + 1)?;
                self.changes.added += 1;
                self.name(self.whole(path), FileStatus::Added);
            }
            Some(old) => {
                self.changes.changed += 1;
                self.name(self.whole(path), FileStatus::Changed);
                // A submodule's id is a commit of another repository: no delta can be made against it.
                if !old.mode.is_submodule() {
                    self.new.before.insert(entry.oid, old.oid);
                }
            }
            None => {
                self.changes.added += 1;
                self.name(self.whole(path), FileStatus::Added);
            }
        }
        match wanted {
            WantedEntry::Directory(Child::File(index)) => self.new.files.push(index),
            WantedEntry::RootFile(index) => self.new.root_files.push(index),
            WantedEntry::Directory(Child::Folder(_)) => {}
        }
        Ok(Some(entry))
    }

    /// What is left of an entry that the directory has nothing for.
    fn stay(&mut self, old: &TreeEntry, path: &mut Vec<u8>, depth: usize) -> Result<Option<TreeEntry>, MergeError> {
        let Placement { keep, exclude, .. } = self.placement;
        if old.mode.is_tree() {
            // All below stays: none of its trees has to be read.
            if keep.cover(path) || exclude.cover(path) {
                return Ok(Some(old.clone()));
            }
            let oid = self.folder(None, Some(old.oid), path, depth + 1)?;
            return Ok(oid.map(|oid| TreeEntry { oid, ..old.clone() }));
        }
        // A submodule is the folder of a checkout.
        let covered = old.mode.is_submodule() && (keep.cover(path) || exclude.cover(path));
        if covered || keep.matches(path) || exclude.matches(path) {
            if old.mode == FileMode::SYMLINK {
                let link = self.whole(path);
                self.changes.staying_links.push(link);
            }
            return Ok(Some(old.clone()));
        }
        self.removed(path);
        Ok(None)
    }

    /// Counts what goes with a folder that a file takes the place of. What `exclude` or `keep` protects cannot go.
    fn discard(&mut self, oid: Oid, path: &mut Vec<u8>, depth: usize) -> Result<(), MergeError> {
        if depth > MAX_DEPTH {
            return Err(conflict("The branch's folders are nested deeper than git allows").into());
        }
        let length = path.len();
        for entry in self.entries(oid, true)? {
            path.push(b'/');
            path.extend_from_slice(&entry.name);
            let exclude = self.placement.exclude;
            if if entry.mode.is_tree() { exclude.cover(path) } else { exclude.matches(path) } {
                let (file, held) = (shown(&path[..length]), shown(path));
                return Err(conflict(&format!(
                    "{file} is a file in the directory and a folder on the branch, where `exclude` protects {held}"
                ))
                .into());
            }
            if !entry.mode.is_tree() && self.placement.keep.matches(path) {
                let what = format!("{} is a file in the directory and a folder on the branch", shown(&path[..length]));
                return Err(kept(&what, &shown(path)));
            }
            if entry.mode.is_tree() {
                self.discard(entry.oid, path, depth + 1)?;
            } else {
                self.removed(path);
            }
            path.truncate(length);
        }
        Ok(())
    }

    fn removed(&mut self, path: &[u8]) {
        self.changes.removed += 1;
        let whole = self.whole(path);
        self.name(whole.clone(), FileStatus::Removed);
        self.changes.note(whole);
    }

    /// Keeps the name of a file that changed, if it is one of the first.
    pub(super) fn name(&mut self, path: Vec<u8>, status: FileStatus) {
        let is_full = self.named.len() >= MOST_FILES;
        if is_full && self.named.last_key_value().is_some_and(|(last, _)| *last <= path) {
            return;
        }
        if is_full {
            self.named.pop_last();
        }
        self.named.insert(path, status);
    }

    /// As [`Self::name`] for added files of the directory, which stand in the order of their paths.
    fn name_all(&mut self, files: std::ops::Range<usize>) {
        let Some(content) = self.content else { return };
        // Later ones cannot be among the first: a new folder can be as large as the whole site.
        for file in &content.listing().files()[files.start..files.end.min(files.start + MOST_FILES)] {
            self.name(self.whole(&file.path), FileStatus::Added);
        }
    }

    /// The path on the branch of what lies at `path` in the destination.
    fn whole(&self, path: &[u8]) -> Vec<u8> {
        match self.placement.destination.as_str().as_bytes() {
            b"" => path.to_vec(),
            destination if path.is_empty() => destination.to_vec(),
            destination => [destination, path].join(&b'/'),
        }
    }

    /// The tree of the entries `after`: the old one when they are those of `before`.
    fn result(&mut self, base: Option<Oid>, before: &[TreeEntry], mut after: Vec<TreeEntry>) -> Option<Oid> {
        after.sort_by(TreeEntry::order);
        match base {
            // The id that the branch has: written anew, a tree with zero-padded
            // modes, as old tools made them, would be another one.
            Some(base) if after == before => Some(base),
            _ if after.is_empty() => None,
            _ => {
                let oid = self.new.tree(&after);
                self.new.before.extend(base.map(|base| (oid, base)));
                Some(oid)
            }
        }
    }
}
