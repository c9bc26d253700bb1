//! A commit that GitHub makes and signs: the tree is sent to a scratch ref, GitHub makes the commit on it, and the push that moves
//! the branch deletes the scratch ref.
//!
//! Source: <https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots>

use std::collections::HashSet;

use crate::{
    connection::Connection,
    diagnosis::{Cause, Failure},
    git::{
        advertisement::{Advertisement, RefSelection},
        pack::{Pack, PackEntry},
        receive::{PushError, PushRequest, RefCommand},
        scratch,
    },
    github::model::MadeCommit,
    names::{Oid, RefName},
    plan::Plan,
    preflight::Cleared,
    publish::proposal::Proposal,
};

/// The scratch ref of one push, and what was sent to it.
pub(super) struct Signing<'a> {
    plan: &'a Plan,
    connection: &'a Connection,
    name: RefName,
    /// What it holds; none: it is not there.
    value: Option<Oid>,
    /// Objects that the server has by it.
    sent: HashSet<Oid>,
}

impl<'a> Signing<'a> {
    /// Before anything is sent.
    pub(super) fn new(cleared: &'a Cleared<Plan>, connection: &'a Connection) -> Result<Self, Failure> {
        let name = scratch::name(cleared.at()).map_err(|error| {
            Failure::new(Cause::InternalError, format!("There is no name for a scratch ref: {error}."))
        })?;
        Ok(Self { plan: cleared.plan(), connection, name, value: None, sent: HashSet::new() })
    }

    /// The scratch ref.
    pub(super) fn name(&self) -> &RefName {
        &self.name
    }

    /// The command that deletes the scratch ref beside the one that moves the branch.
    pub(super) fn deletion(&self) -> Option<RefCommand> {
        self.value.map(|old| RefCommand { name: self.name.clone(), old, new: Oid::ZERO })
    }

    /// Takes over what the server now says.
    pub(super) fn seen(&mut self, refs: &Advertisement) {
        self.value = refs.tip(&self.name);
        if self.value.is_none() {
            // Nothing keeps the objects any more.
            self.sent.clear();
        }
    }

    /// The branch was moved, and the scratch ref is gone with it.
    pub(super) fn done(&mut self) {
        self.value = None;
        self.connection.scratch.forget(&self.name);
    }

    /// The id of the commit that GitHub made for `proposal`, verified.
    pub(super) async fn sign(&mut self, proposal: &Proposal, refs: &Advertisement) -> Result<Oid, Failure> {
        let Some(commit) = proposal.commit() else {
            return Err(Failure::new(Cause::InternalError, "There is no commit to be signed."));
        };
        self.hand_over(proposal, refs).await?;
        let Connection { github, retries, .. } = self.connection;
        retries.turn().await;
        let (slug, message) = (&self.plan.target.slug, String::from_utf8_lossy(&commit.message));
        let make = || async {
            let made = github.create_commit(slug, &message, commit.tree, &commit.parents).await;
            // Whatever became of it: a commit that no ref names is nobody's.
            made.map(|made| made.value).map_err(Failure::from)
        };
        let made = retries.run("request for a signed commit", make).await?;
        verified(self.plan, &made)
    }

    /// Sends the objects to the scratch ref, so that GitHub has the tree.
    async fn hand_over(&mut self, proposal: &Proposal, refs: &Advertisement) -> Result<(), Failure> {
        let new = proposal.new_tip;
        if self.value == Some(new) {
            return Ok(());
        }
        let Connection { retries, scratch, remote, .. } = self.connection;
        // Before the push: an answer that gets lost may leave the ref behind.
        scratch.note(remote, &self.name);
        // After a lost race only what the new tip changed has to be sent.
        let lacking = |entry: &&PackEntry| !self.sent.contains(&entry.oid());
        let pack = Pack::new(proposal.pack.entries().iter().filter(lacking).cloned().collect());
        let command = RefCommand { name: self.name.clone(), old: self.value.unwrap_or(Oid::ZERO), new };
        let request = PushRequest { commands: vec![command.clone()], pack, atomic: true };
        let outcome =
            retries.run("push of the tree to be signed", || self.hand_over_once(&request, &command, refs)).await;
        match outcome {
            Ok(()) => {
                self.value = Some(new);
                self.sent.extend(proposal.pack.entries().iter().map(PackEntry::oid));
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    async fn hand_over_once(
        &self,
        request: &PushRequest,
        command: &RefCommand,
        refs: &Advertisement,
    ) -> Result<(), Failure> {
        let Connection { remote, watch, retries, .. } = self.connection;
        let failure = match remote.push(refs, request, watch).await {
            Ok(_) => return Ok(()),
            Err(PushError::Failed(fault)) => return Err(fault.into()),
            // Nobody else knows the name: a race is lost only to an earlier try.
            Err(PushError::Unclear(fault) | PushError::LostRace(fault)) => Failure::from(fault),
        };
        let selection = RefSelection::names([&command.name]);
        let look = || remote.advertise(&selection);
        let now = retries.run("look at what became of the push", look).await?;
        if now.tip(&command.name) == Some(command.new) { Ok(()) } else { Err(failure.undone()) }
    }

    /// Deletes the scratch ref, if it may be there.
    pub(super) async fn discard(&mut self) {
        self.connection.scratch.delete(&self.name).await;
        self.value = None;
    }
}

/// The commit's id, when GitHub says that its signature is good.
fn verified(plan: &Plan, made: &MadeCommit) -> Result<Oid, Failure> {
    let server = &plan.target.server;
    // Enterprise Server without web commit signing makes the commit all the
    // same, and says only here that it is unsigned.
    if !made.verification.verified {
        let reason = if made.verification.reason.is_empty() { "no reason given" } else { &made.verification.reason };
        let what = format!(
            "{server} made the commit and did not sign it ({reason}); nothing was published. It signs what the token of an App or `GITHUB_TOKEN` commits."
        );
        let remedy = if server.is_github_com() || server.tenant().is_some() {
            "Use as `token` that of a GitHub App's installation or `GITHUB_TOKEN`, or set `signing-key` to an SSH key of the account in `author`."
        } else {
            "Have the site administrator switch web commit signing on, or set `signing-key` to an SSH key of the account in `author`."
        };
        return Err(Failure::new(Cause::RequiredSignatures, what).with_remedy(remedy));
    }
    made.sha.parse().map_err(|_| {
        Failure::new(Cause::ServerError, format!("{server} made a commit and named it {:?}, which is no id.", made.sha))
    })
}
