//! Patterns of `keep` and `exclude` that match nothing, and the slip that is likely behind each.

use super::{directory::DirectoryPlan, hash::Hashed, proposal::Base};
use crate::{
    diagnosis::Failure,
    git::format::{FileMode, TreeEntry},
    globs::Globs,
    inputs::table::{Preset, find},
    names::Oid,
};

/// How many entries of the branch are looked at; of a branch with more, no pattern is said to match nothing.
const MOST: usize = 200_000;

/// A line that matches nothing, neither in the directory nor on the branch.
#[derive(Clone, Debug)]
pub struct Unmatched {
    /// `keep` or `exclude`.
    pub input: &'static str,
    /// The line.
    pub pattern: String,
    /// The likely slip and what to write, as sentences.
    pub slip: Option<String>,
}

/// The lines that match nothing. On a new branch, where `keep` has nothing to keep yet, only those with a slip count.
pub fn unmatched(plan: &DirectoryPlan, hashed: &Hashed, base: &Base) -> Result<Vec<Unmatched>, Failure> {
    let listing = hashed.listing();
    let matches = |globs: &Globs| listing.files().iter().any(|file| globs.matches(&file.path));
    let mut open = Vec::new();
    for (input, globs) in [("keep", &plan.keep), ("exclude", &plan.exclude)] {
        for (index, pattern) in globs.patterns().iter().enumerate() {
            let Ok(alone) = Globs::new(&[pattern]) else { continue };
            // What `exclude` leaves out never came into the listing: only the walk knows which lines did it.
            let cuts = input == "exclude" && (is_default(pattern) || listing.cut_by.contains(&index));
            if !cuts && !is_below_another(globs, pattern) && !matches(&alone) {
                open.push((input, pattern.clone(), alone));
            }
        }
    }
    let links = listing.files().iter().filter(|file| file.mode == FileMode::SYMLINK);
    let mut links: Vec<Vec<u8>> = links.map(|file| file.path.to_vec()).collect();
    let is_known = open.is_empty() || on_branch(plan, base, &mut open, &mut links)?;
    // A pattern may match what was not looked at: a warning has to be certain.
    if !is_known {
        return Ok(Vec::new());
    }
    let told = open.into_iter().map(|(input, pattern, _)| {
        let slip = slip(&pattern, plan, &links, &matches);
        Unmatched { input, pattern, slip }
    });
    Ok(told.filter(|unmatched| base.tip().is_some() || unmatched.slip.is_some()).collect())
}

fn is_default(pattern: &str) -> bool {
    find("exclude").is_some_and(|input| matches!(input.preset, Preset::Value(value) if value == pattern))
}

/// Whether another line covers a folder above what this one names: its files are never looked at one by one.
fn is_below_another(globs: &Globs, pattern: &str) -> bool {
    let is_content = |rest: &str| matches!(rest, "" | "**" | "**/");
    let mut above = pattern.match_indices('/').filter(|(end, _)| !is_content(&pattern[end + 1..]));
    above.any(|(end, _)| globs.cover(&pattern.as_bytes()[..end]))
}

/// Takes the patterns out of `open` that match a file of the branch below the destination, and notes its links. False: not all of
/// the branch is here, or it is too large.
fn on_branch(
    plan: &DirectoryPlan,
    base: &Base,
    open: &mut Vec<(&'static str, String, Globs)>,
    links: &mut Vec<Vec<u8>>,
) -> Result<bool, Failure> {
    // Nothing is there to match: that is as certain as a look at all files.
    let Some(tip) = base.tip() else { return Ok(true) };
    let mut root = base.store().read_commit(tip)?.tree;
    for name in plan.asked.commit.destination.components() {
        let Some(entries) = base.store().read_tree(root)? else { return Ok(false) };
        match entries.iter().find(|entry| entry.name == name.as_bytes()) {
            Some(entry) if entry.mode.is_tree() => root = entry.oid,
            _ => return Ok(true),
        }
    }
    let mut folders: Vec<(Vec<u8>, Oid)> = vec![(Vec::new(), root)];
    let mut seen = 0;
    while let Some((folder, oid)) = folders.pop() {
        let Some(entries) = base.store().read_tree(oid)? else { return Ok(false) };
        seen += entries.len();
        if seen > MOST {
            return Ok(false);
        }
        for TreeEntry { name, mode, oid } in entries {
            let path = if folder.is_empty() { name } else { [&folder[..], &name].join(&b'/') };
            if mode.is_tree() {
                folders.push((path, oid));
                continue;
            }
            open.retain(|(_, _, globs)| !(globs.matches(&path) || (mode.is_submodule() && globs.cover(&path))));
            if mode == FileMode::SYMLINK {
                links.push(path);
            }
        }
        if open.is_empty() {
            break;
        }
    }
    Ok(true)
}

/// What a person most likely meant by a pattern that matches nothing.
fn slip(pattern: &str, plan: &DirectoryPlan, links: &[Vec<u8>], matches: &dyn Fn(&Globs) -> bool) -> Option<String> {
    let would_match = |pattern: &str| Globs::new(&[pattern]).is_ok_and(|globs| matches(&globs));
    let has = |mark: char| pattern.starts_with(mark) || pattern.ends_with(mark);
    if pattern.starts_with('[') && pattern.ends_with(']') && (pattern.contains(',') || pattern.contains(['"', '\''])) {
        return Some(
            "It is written as a list in brackets; write one pattern per line, without brackets, quotes and commas."
                .to_owned(),
        );
    }
    if has('"') || has('\'') || has('`') {
        let bare = pattern.trim_matches(['"', '\'', '`', ',']);
        return Some(format!("The quotes count as part of the name; write {bare:?} without them."));
    }
    // In `{a,b}` the comma is part of the pattern.
    if pattern.contains(',') && !pattern.contains('{') {
        return Some("Commas count as part of the name; write one pattern per line.".to_owned());
    }
    if pattern.starts_with("- ") {
        return Some("The dash counts as part of the name; write one pattern per line, without a dash.".to_owned());
    }
    if pattern.starts_with('#') {
        return Some("The line counts as a pattern: comments are not supported here.".to_owned());
    }
    if let Some(mark) = [';', '|', ' '].into_iter().find(|mark| pattern.trim().contains(*mark)) {
        let mark = if mark == ' ' { "A blank".to_owned() } else { format!("`{mark}`") };
        return Some(format!("{mark} counts as part of the name; write one pattern per line."));
    }
    let destination = plan.asked.commit.destination.as_str();
    let source = plan.asked.directory.to_string_lossy();
    for (name, front) in [("destination", destination), ("directory", source.trim_start_matches("./"))] {
        let front = front.trim_end_matches('/');
        if !front.is_empty()
            && let Some(rest) = pattern.trim_start_matches("./").strip_prefix(front)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            let rest = rest.trim_start_matches('/');
            let rest = if rest.is_empty() { "**" } else { rest };
            return Some(format!("Patterns are relative to `destination`, without `{name}` in front; write {rest:?}."));
        }
    }
    let above = |link: &&Vec<u8>| pattern.as_bytes().strip_prefix(&link[..]).is_some_and(|rest| rest.starts_with(b"/"));
    if let Some(link) = links.iter().find(above) {
        let link = String::from_utf8_lossy(link);
        return Some(format!("{link:?} is a symbolic link, and a link is one file; write {link:?}."));
    }
    let deep = format!("**/{pattern}");
    if would_match(&deep) {
        return Some(format!("A pattern begins at the destination; write {deep:?} for every depth."));
    }
    None
}
