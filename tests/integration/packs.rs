//! Packs by hand, with whatever they claim.
//!
//! Source: <https://git-scm.com/docs/gitformat-pack>

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use flate2::{Compression, write::ZlibEncoder};
use sha1::{Digest, Sha1};

pub(crate) const COMMIT: u8 = 1;
pub(crate) const TREE: u8 = 2;
pub(crate) const BLOB: u8 = 3;
pub(crate) const OFS_DELTA: u8 = 6;

/// A pack that is what it claims to be.
#[derive(Default)]
pub(crate) struct Pack {
    entries: Vec<u8>,
    count: u32,
}

impl Pack {
    /// The first bytes of a pack of so many objects.
    pub(crate) fn header(count: u32) -> Vec<u8> {
        [*b"PACK", 2_u32.to_be_bytes(), count.to_be_bytes()].concat()
    }

    /// Adds an object.
    pub(crate) fn add(&mut self, kind: u8, content: &[u8]) {
        self.entries.extend([head(kind, content.len() as u64), deflated(content)].concat());
        self.count += 1;
    }

    /// The whole.
    pub(crate) fn finish(self) -> Vec<u8> {
        ended([Self::header(self.count), self.entries].concat())
    }
}

/// A pack with its checksum.
pub(crate) fn ended(mut pack: Vec<u8>) -> Vec<u8> {
    let sum = Sha1::digest(&pack);
    pack.extend(sum);
    pack
}

/// The header of an entry that claims a size.
pub(crate) fn head(kind: u8, size: u64) -> Vec<u8> {
    let mut bytes = vec![kind << 4 | u8::try_from(size & 15).unwrap()];
    if size >> 4 > 0 {
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.extend(length(size >> 4));
    }
    bytes
}

/// A number of seven bits a byte, the lowest first.
pub(crate) fn length(mut size: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while size > 0x7f {
        bytes.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
        size >>= 7;
    }
    bytes.push(u8::try_from(size).unwrap());
    bytes
}

pub(crate) fn deflated(content: &[u8]) -> Vec<u8> {
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::fast());
    deflated.write_all(content).unwrap();
    deflated.finish().unwrap()
}

/// A blob, and so many deltas each of which has the one before it as its base.
pub(crate) fn chain(deltas: u32) -> Vec<u8> {
    let mut pack = [Pack::header(deltas + 1), head(BLOB, 0), deflated(b"")].concat();
    let mut last = 12;
    for number in 0..deltas {
        let place = pack.len();
        // The result is five bytes of its own; the first base has none.
        let base = if number == 0 { 0 } else { 5 };
        let delta = [length(base), length(5), vec![5], format!("{number:05}").into_bytes()].concat();
        pack.extend(head(OFS_DELTA, delta.len() as u64));
        let distance = place - last;
        assert!(distance < 0x80, "one byte holds it");
        pack.push(u8::try_from(distance).unwrap());
        pack.extend(deflated(&delta));
        last = place;
    }
    ended(pack)
}

/// git in a repository; its answer without the line's end.
pub(crate) fn git(repository: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("git")
        .arg("--git-dir")
        .arg(repository)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}
