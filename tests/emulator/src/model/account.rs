//! Users and organizations, their policies, and the roles users have on repositories.

use std::collections::BTreeSet;

use super::stable_id;

/// What a user may do with a repository, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Clone and read.
    Read,
    /// Read and manage issues.
    Triage,
    /// Push.
    Write,
    /// Push and manage some settings.
    Maintain,
    /// Everything.
    Admin,
}

/// A rule of an account that shuts credentials out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// The user is suspended.
    Suspended,
    /// The account is locked for billing.
    BillingLocked,
    /// The organization asks for SAML single sign-on: classic and OAuth tokens must be authorized for it.
    RequiresSso,
    /// The organization bars classic personal access tokens.
    ForbidsClassic,
    /// The organization lets only approved OAuth apps in.
    RestrictsOauthApps,
    /// The organization has an IP allow list on which this machine is not.
    IpAllowList,
    /// The enterprise bars fine-grained tokens that live longer than 180 days.
    LimitsLifetime,
}

/// A user or an organization.
#[derive(Clone, Debug)]
pub struct Account {
    /// The name in addresses.
    pub login: String,
    /// The numeric id.
    pub id: u64,
    /// An organization rather than a user.
    pub organization: bool,
    /// The account's policies.
    pub policies: BTreeSet<Policy>,
    /// Verified e-mail addresses; the one that GitHub makes up (`ID+login@users.noreply.…`) belongs to it anyway.
    pub emails: Vec<String>,
    /// Registered SSH signing keys, as in a `.pub` file.
    pub signing_keys: Vec<String>,
}

/// The id of the Actions app's account.
const ACTIONS_BOT: u64 = 41_898_282;

impl Account {
    /// An ordinary user.
    pub fn user(login: &str) -> Self {
        let id = if login.eq_ignore_ascii_case("github-actions[bot]") { ACTIONS_BOT } else { stable_id(login) };
        let (emails, signing_keys) = (Vec::new(), Vec::new());
        Self { login: login.to_owned(), id, organization: false, policies: BTreeSet::new(), emails, signing_keys }
    }

    /// An organization.
    pub fn organization(login: &str) -> Self {
        Self { organization: true, ..Self::user(login) }
    }

    /// Adds a policy.
    #[must_use]
    pub fn with(mut self, policy: Policy) -> Self {
        self.policies.insert(policy);
        self
    }

    /// A verified e-mail address.
    #[must_use]
    pub fn email(mut self, address: &str) -> Self {
        self.emails.push(address.to_owned());
        self
    }

    /// An SSH signing key, as in a `.pub` file.
    #[must_use]
    pub fn signing_key(mut self, public: &str) -> Self {
        self.signing_keys.push(public.trim().to_owned());
        self
    }

    /// Whether the account has this policy.
    pub fn has(&self, policy: Policy) -> bool {
        self.policies.contains(&policy)
    }
}
