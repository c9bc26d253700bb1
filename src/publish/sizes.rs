//! GitHub's limit of one file, which is known before anything is read.

use super::walk::Listing;
use crate::diagnosis::{Cause, Failure};
use crate::github::limits::FILE_LIMIT;

/// The failure for files above GitHub's limit, if the directory has any. They need not be read to be refused.
pub fn too_large(listing: &Listing) -> Option<Failure> {
    let (count, names) = above(listing, FILE_LIMIT)?;
    Some(Failure::new(Cause::FileTooLarge, format!("{} above GitHub's limit of 100 MiB: {names}.", counted(count))))
}

/// How many files have more than `limit` bytes, and what the biggest are called; none: nothing.
pub fn above(listing: &Listing, limit: u64) -> Option<(usize, String)> {
    let files = listing.above(limit);
    let name = |file: &&super::walk::File| format!("{} ({} MiB)", String::from_utf8_lossy(&file.path), file.size >> 20);
    let names: Vec<String> = files.iter().take(3).map(name).collect();
    (!files.is_empty()).then(|| (files.len(), names.join(", ")))
}

/// `One file is`, `3 files are`.
pub fn counted(count: usize) -> String {
    if count == 1 { "One file is".to_owned() } else { format!("{count} files are") }
}
