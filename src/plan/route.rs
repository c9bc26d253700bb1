//! How a change can come to its branch: who makes the commit, and whether a pull request brings it.

use crate::{
    inputs::{MergeMethod, PullRequestInputs, PullRequestWhen, Sign},
    names::{Author, NameError, RefName, ServerUrl, TreePath},
    plan::Plan,
};

/// The author of a commit where the input `author` is not set: the bot that GitHub Actions commits as.
const BOT: (&str, &str) = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com");

/// How a change comes to its branch. The preflight decides it; the push stage acts on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushRoute {
    /// Who makes the commit.
    pub signer: Signer,
    /// The pull request that brings it; none: it is pushed to the branch itself.
    pub proposed: Option<ProposedBranch>,
}

/// Who makes the commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signer {
    /// This step, with its own signature where there is a signing key.
    #[default]
    Step,
    /// GitHub, with its own signature, on the tree that this step sends.
    GitHub,
}

/// A branch that is proposed by a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedBranch {
    /// The branch that the change is pushed to: `relay/BRANCH`, or `relay/BRANCH--DESTINATION`.
    pub head: RefName,
    /// The branch that it is meant for.
    pub base: RefName,
    /// How the pull request is merged; none: it is left open.
    pub merge: Option<MergeMethod>,
}

impl ProposedBranch {
    /// The proposal of a change of `destination` on `base`.
    ///
    /// # Errors
    /// A name that git does not take: that of a branch with such a long name, for instance.
    pub fn new(base: &RefName, destination: &TreePath, merge: Option<MergeMethod>) -> Result<Self, NameError> {
        let folder = destination.as_str().replace('/', "-");
        // The destination joins the name, so that two relays to one branch do not share a proposal.
        let folder = if folder.is_empty() { folder } else { format!("--{folder}") };
        let head = RefName::branch(&format!("relay/{}{}", base.short(), head_form(&folder)))?;
        Ok(Self { head, base: base.clone(), merge })
    }
}

/// A folder's name as the end of a branch's name: what git does not take there becomes `-`.
fn head_form(folder: &str) -> String {
    let taken = |c: char| !c.is_ascii_control() && !" ~^:?*[\\".contains(c);
    let mut name: String = folder.chars().map(|c| if taken(c) { c } else { '-' }).collect();
    // Each replacement can leave another pair behind: `...` becomes `-..` first.
    while name.contains("..") {
        name = name.replace("..", "-.");
    }
    name = name.replace("@{", "@-");
    // Git keeps `.lock` for the files beside a ref.
    if name.ends_with('.') || name.to_ascii_lowercase().ends_with(".lock") { name + "-" } else { name }
}

impl Plan {
    /// The inputs `pull-request` and `pull-request-merge`; none where nothing is pushed.
    pub fn pull_request(&self) -> Option<PullRequestInputs> {
        let of_refs = || Some(self.refs()?.asked.pull_request);
        let asked = self.directory().map(|push| push.asked.commit.pull_request).or_else(of_refs);
        asked.filter(|asked| asked.when != PullRequestWhen::No)
    }

    /// The branch that would be proposed, where a pull request can be used at all.
    pub fn proposed(&self) -> Option<ProposedBranch> {
        let asked = self.pull_request()?;
        let root = TreePath::default();
        let destination = self.directory().map_or(&root, |push| &push.asked.commit.destination);
        // A pull request has one head, so that the first branch is the one that can be proposed.
        ProposedBranch::new(self.branches().next()?, destination, asked.merge).ok()
    }

    /// The input `sign`; `no` where the step makes no commit.
    pub fn sign(&self) -> Sign {
        self.directory().map_or(Sign::No, |push| push.asked.commit.sign)
    }

    /// Whether the input `author` has its default value.
    pub fn has_default_author(&self) -> bool {
        (self.author.name.as_str(), self.author.email.as_str()) == BOT
    }

    /// Whether the author depends on the token's account: an SSH signature is verified only with an address of the account
    /// that has the key.
    pub fn author_is_account(&self) -> bool {
        self.signing_key.is_some() && self.has_default_author()
    }
}

/// The account as the author of a commit, with the address that the server keeps for it.
///
/// Source: <https://docs.github.com/en/account-and-profile/reference/email-addresses-reference#your-noreply-email-address>
pub fn account_author(login: &str, id: u64, server: &ServerUrl) -> Author {
    Author { name: login.to_owned(), email: format!("{id}+{login}@users.noreply.{}", server.host()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposed_branch_is_named_after_branch_and_destination() {
        let head = |base: &str, destination: &str| {
            let base = RefName::branch(base).unwrap();
            ProposedBranch::new(&base, &destination.parse().unwrap(), None).unwrap().head.short().to_owned()
        };
        assert_eq!(head("main", ""), "relay/main");
        assert_eq!(head("main", "docs/api"), "relay/main--docs-api");
        assert_eq!(head("release/1.x", "docs"), "relay/release/1.x--docs");
        for odd in ["a b", "v1..2", "x.lock", "end.", "a@{b}", ".hidden", "q?"] {
            assert!(head("main", odd).starts_with("relay/main--"), "{odd}");
        }
    }

    #[test]
    fn an_account_signs_with_its_own_address() {
        let author = |server: &str| account_author("octo", 7, &server.parse().unwrap()).to_string();
        assert_eq!(author("https://github.com"), "octo <7+octo@users.noreply.github.com>");
        assert_eq!(author("https://ghe.acme.test:8443"), "octo <7+octo@users.noreply.ghe.acme.test>");
    }
}
