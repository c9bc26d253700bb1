//! Git LFS: pointers, a repository's batch API ([`batch`]), and the transfer of objects to the storage ([`transfer`]).
//!
//! Source: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>

pub mod batch;
pub mod transfer;

use std::fmt;

/// A pointer file is shorter than this, in bytes.
pub const POINTER_LIMIT: u64 = 1024;

const VERSION: &str = "version https://git-lfs.github.com/spec/v1";

/// The SHA-256 of an object's content, which is its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LfsOid([u8; 32]);

impl LfsOid {
    /// The name of this digest.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// 64 lower-case hexadecimal digits.
    fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        // The specification wants lower case; in another form git-lfs takes the file for content.
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        (is_lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(Self(bytes))
    }

    /// The first twelve digits, for messages.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }

    /// Whether this is the digest of the content.
    pub fn is(&self, digest: &[u8]) -> bool {
        self.0 == digest
    }
}

impl fmt::Display for LfsOid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for LfsOid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a pointer file stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer {
    /// The object's name.
    pub oid: LfsOid,
    /// The object's size in bytes.
    pub size: u64,
}

impl Pointer {
    /// The pointer that a blob holds; none for any other content.
    pub fn read(blob: &[u8]) -> Option<Self> {
        // The specification's own bound: a longer blob is content, whatever it begins with.
        if blob.len() as u64 >= POINTER_LIMIT || !blob.starts_with(VERSION.as_bytes()) {
            return None;
        }
        let mut lines = std::str::from_utf8(blob).ok()?.lines();
        lines.next().filter(|line| *line == VERSION)?;
        let (mut oid, mut size) = (None, None);
        for line in lines {
            match line.split_once(' ') {
                Some(("oid", value)) => oid = LfsOid::parse(value.strip_prefix("sha256:")?),
                Some(("size", value)) => size = value.parse().ok(),
                // Lines of extensions (`ext-…`) tell how the content was made, not what is stored.
                _ => {}
            }
        }
        Some(Self { oid: oid?, size: size? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OID: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

    #[test]
    fn pointers_are_told_from_other_content() {
        let text = format!("{VERSION}\noid sha256:{OID}\nsize 6\n");
        let pointer = Pointer::read(text.as_bytes()).unwrap();
        assert_eq!((pointer.oid.to_string(), pointer.size), (OID.to_owned(), 6));
        assert_eq!(pointer.oid.short(), "5891b5b522d5");
        let extended = text.replace("oid", &format!("ext-0-case sha256:{OID}\noid"));
        assert_eq!(Pointer::read(extended.as_bytes()), Some(pointer));
        for other in [
            text.replace("/v1", "/v2"),
            text.replace("/v1", "/v10"),
            text.replace("sha256", "sha512"),
            text.replace(OID, &OID.to_uppercase()),
            text.replace(OID, &OID[1..]),
            text.replace("size 6", "size -6"),
            text.replace("size 6\n", ""),
            format!(" {text}"),
            format!("{text}{}", "x".repeat(1024)),
            String::new(),
        ] {
            assert_eq!(Pointer::read(other.as_bytes()), None, "{other}");
        }
    }
}
