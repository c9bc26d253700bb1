//! Who a commit or a tag is made by.

use std::fmt;

/// `Name <email>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The name, never empty.
    pub name: String,
    /// The address without its angle brackets, never empty.
    pub email: String,
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}
