//! One update of a ref as rules see it: made or moved, forced or not, and the commit and files that it brings.

use super::super::{facts::Facts, files::new_files};
use crate::{
    git::{format::ObjectKind, pack::PackEntry},
    names::RefName,
    plan::{Plan, Signer},
    refs::facts::RefsFacts,
};

/// The committer's address of commits that GitHub makes.
const GITHUB: &str = "noreply@github.com";

/// What happens to the ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is new.
    Creates,
    /// It is there and moves.
    Updates,
    /// It goes.
    Deletes,
}

/// One update of a ref.
#[derive(Clone, Debug)]
pub(super) struct PlannedUpdate<'a> {
    pub(super) name: &'a RefName,
    pub(super) way: Way,
    /// Whether the old value is lost; none: not known.
    pub(super) forced: Option<bool>,
    /// The one commit that the push brings; none: the commits are not known, or there is none.
    pub(super) commit: Option<NewCommit>,
    /// Files that are certain to be new or changed: path and size in bytes.
    pub(super) files: Vec<(String, u64)>,
}

/// The commit of a publish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NewCommit {
    pub(super) message: String,
    /// The author's address; none: it is not known before GitHub has made the commit.
    pub(super) author: Option<String>,
    pub(super) committer: String,
    pub(super) signed: bool,
    pub(super) parents: usize,
}

impl NewCommit {
    /// Reads the object's bytes, which this program has made itself.
    fn read(content: &[u8]) -> Self {
        let text = String::from_utf8_lossy(content);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut commit = Self { message: message.to_owned(), ..Self::default() };
        let email = |person: &str| {
            let (_, rest) = person.split_once('<')?;
            Some(rest.split_once('>')?.0.to_owned())
        };
        for line in head.lines() {
            match line.split_once(' ') {
                Some(("parent", _)) => commit.parents += 1,
                Some(("author", person)) => commit.author = email(person),
                Some(("committer", person)) => commit.committer = email(person).unwrap_or_default(),
                Some(("gpgsig" | "gpgsig-sha256", _)) => commit.signed = true,
                _ => {}
            }
        }
        commit
    }
}

/// The update of a branch that a publish makes on its way; none where it changes nothing, or could not be worked out.
pub(super) fn of_publish<'a>(plan: &'a Plan, facts: &'a Facts) -> Option<PlannedUpdate<'a>> {
    let directory = plan.directory()?;
    let publish = facts.publish.as_ref()?.as_ref().ok()?;
    let proposal = &publish.proposal;
    if proposal.is_unchanged() {
        return None;
    }
    let commit = proposal.pack.entries().iter().find_map(|entry| match entry {
        PackEntry::Data { kind: ObjectKind::Commit, content, .. } => Some(NewCommit::read(content)),
        _ => None,
    });
    let commit = match facts.route.signer {
        Signer::Step => commit,
        // GitHub makes it in the name of the token's bot.
        Signer::GitHub => {
            commit.map(|commit| NewCommit { signed: true, author: None, committer: GITHUB.to_owned(), ..commit })
        }
    };
    let files = new_files(publish, directory);
    let (name, tip, forced) = match &facts.route.proposed {
        None => (directory.branch(), proposal.tip, Some(proposal.rewrites)),
        // The commit stands on the branch that it is meant for: what the proposed branch held before may be lost.
        Some(proposed) => {
            let tip = facts.refs.answer().and_then(|refs| refs.tip(&proposed.head));
            (&proposed.head, tip, tip.is_none().then_some(false))
        }
    };
    Some(PlannedUpdate {
        name,
        way: if tip.is_none() { Way::Creates } else { Way::Updates },
        forced,
        commit,
        files: files.into_iter().map(|(path, file)| (String::from_utf8_lossy(&path).into_owned(), file.size)).collect(),
    })
}

/// The updates of branches that pushing refs makes; their commits and files are not looked at.
pub(super) fn of_refs(facts: &Facts) -> impl Iterator<Item = PlannedUpdate<'_>> {
    let refs = facts.pushed_refs.iter().flatten();
    refs.flat_map(RefsFacts::updates).filter(|update| update.name.is_branch()).map(|update| PlannedUpdate {
        name: &update.name,
        way: match (update.old, update.new) {
            (_, None) => Way::Deletes,
            (None, _) => Way::Creates,
            _ => Way::Updates,
        },
        forced: Some(update.forced),
        commit: None,
        files: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_read_as_git_writes_it() {
        let text = "tree 0\nparent 1\nauthor A <a@x.test> 1 +0000\ncommitter C <c@x.test> 1 +0000\ngpgsig -----BEGIN\n x\n -----END\n\nSubject\n\nauthor B <b@x.test>\n";
        let commit = NewCommit::read(text.as_bytes());
        let expected = NewCommit {
            message: "Subject\n\nauthor B <b@x.test>\n".to_owned(),
            author: Some("a@x.test".to_owned()),
            committer: "c@x.test".to_owned(),
            signed: true,
            parents: 1,
        };
        assert_eq!(commit, expected);
    }
}
