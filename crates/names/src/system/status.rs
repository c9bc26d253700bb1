//! What a name in a folder stands for.

use super::Stamp;

/// What lies under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, not followed.
    Link,
    /// A socket, a pipe or a device.
    Other,
}

/// What lies under a name, as it was when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub kind: Kind,
    /// A file's size in bytes. Of a link the length of its target.
    pub size: u64,
    /// Whether git records it as executable: its owner's right counts.
    pub is_executable: bool,
    /// When it last changed.
    pub stamp: Stamp,
}
