//! GitHub Apps and their installations.

use std::collections::BTreeMap;

use super::{Level, Selection, stable_id};

/// An App on an account.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The numeric id.
    pub id: u64,
    /// The account it is installed on.
    pub owner: String,
    /// The repositories it was given.
    pub repositories: Selection,
    /// The permissions the owner has accepted.
    pub permissions: BTreeMap<String, Level>,
    /// Switched off by the owner.
    pub suspended: bool,
}

/// A GitHub App.
#[derive(Clone, Debug)]
pub struct App {
    /// The numeric id.
    pub id: u64,
    /// The client id, which a JWT may name instead.
    pub client_id: String,
    /// The name in addresses; the App acts as `slug[bot]`.
    pub slug: String,
    /// The public half of its key: PEM, `BEGIN PUBLIC KEY` or `BEGIN RSA PUBLIC KEY`.
    pub public_key: String,
    /// Where it is installed.
    pub installations: Vec<Installation>,
}

impl App {
    /// An App with this key, installed nowhere.
    pub fn new(slug: &str, public_key: &str) -> Self {
        let id = stable_id(slug) % 3_000_000;
        Self {
            id,
            client_id: format!("Iv23li{id:014}"),
            slug: slug.to_owned(),
            public_key: public_key.to_owned(),
            installations: Vec::new(),
        }
    }

    /// Installs the App for repositories (`["*"]`: all) of `owner`.
    #[must_use]
    pub fn installed(mut self, owner: &str, repositories: &[&str], permissions: &[(&str, Level)]) -> Self {
        let repositories = match repositories {
            ["*"] => Selection::All,
            some => Selection::Only(some.iter().map(|&slug| slug.to_owned()).collect()),
        };
        let mut permissions: BTreeMap<_, _> =
            permissions.iter().map(|&(name, level)| (name.to_owned(), level)).collect();
        permissions.entry("metadata".to_owned()).or_insert(Level::Read);
        self.installations.push(Installation {
            id: stable_id(&format!("{}@{owner}", self.slug)),
            owner: owner.to_owned(),
            repositories,
            permissions,
            suspended: false,
        });
        self
    }
}
