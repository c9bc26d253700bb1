//! The checks of what is about to be written: the directory's files and the tags.

use super::{
    check::{Check, CheckName},
    facts::{Deflated, Facts},
    rules::{TagRules, tag_rules},
    workflow_files::of_tag,
};
use crate::github::limits::{FILE_LIMIT, FILE_WARNING};
use crate::{
    diagnosis::{Cause, Failure},
    inputs::TagExists,
    names::{Oid, RefName},
    plan::Plan,
    publish::sizes::{above, counted},
    refs::facts::RefsFacts,
    report::text,
};

/// Whether every file is below GitHub's limit.
pub(super) fn file_size(plan: &Plan, facts: &Facts) -> Option<Check> {
    if plan.pushes_refs() {
        return facts.pushed_refs.as_ref()?.as_ref().ok().map(file_size_of_refs);
    }
    plan.directory()?;
    let publish = match facts.publish.as_ref()? {
        Ok(publish) => publish,
        // Such a directory is not even read, so that there is no publish to judge but this failure.
        Err(failure) if failure.cause == Cause::FileTooLarge => {
            return Some(Check::fail(CheckName::FileSize, failure.clone()));
        }
        Err(_) => return None,
    };
    let listing = publish.hashed.listing();
    // Before the warning: one large file is allowed, a push above the limit is not.
    if let Some(Deflated::Above(limit)) = publish.deflated {
        let what =
            format!("What is new takes more than {} GiB even deflated, GitHub's limit of one push.", limit >> 30);
        let remedy = "Publish less with `exclude`, or in parts: one step for each `destination`.";
        let failure = Failure::new(Cause::PackTooLarge, what).with_remedy(remedy);
        return Some(Check::fail(CheckName::FileSize, failure));
    }
    if let Some((count, names)) = above(listing, FILE_WARNING) {
        let what = format!("{} above 50 MiB, where GitHub begins to warn: {names}.", counted(count));
        return Some(Check::warn(CheckName::FileSize, Failure::new(Cause::FileTooLarge, what)));
    }
    Some(Check::pass(
        CheckName::FileSize,
        format!("{}, none above 50 MiB.", text::count(listing.files().len() as u64, "file")),
    ))
}

/// Whether what the refs bring holds no file above GitHub's limit, in any commit.
fn file_size_of_refs(refs: &RefsFacts) -> Check {
    let too_large = refs.large.first().is_some_and(|(_, size)| *size > FILE_LIMIT);
    if let Some(limit) = refs.above.filter(|_| !too_large) {
        let what =
            format!("One commit alone takes more than {} GiB deflated, GitHub's limit of one push.", limit >> 30);
        let remedy = "Rewrite the commit as several smaller ones, or track its large files with Git LFS.";
        return Check::fail(CheckName::FileSize, Failure::new(Cause::PackTooLarge, what).with_remedy(remedy));
    }
    let Some((oid, size)) = refs.large.first() else {
        return Check::pass(CheckName::FileSize, "No file that is pushed is above 50 MiB.");
    };
    let remedy = format!(
        "`git log --all --find-object={oid}` names the file and its commits. Take it out of the history, or track it with Git LFS."
    );
    // No file name stands here: a blob of the history can have had several.
    let failure = |what: String| Failure::new(Cause::FileTooLarge, what).with_remedy(remedy.clone());
    let (count, size) = (refs.large.iter().filter(|(_, size)| *size > FILE_LIMIT).count(), size >> 20);
    if count > 0 {
        let what = format!("{} above GitHub's limit of 100 MiB; the largest is {oid} ({size} MiB).", counted(count));
        Check::fail(CheckName::FileSize, failure(what))
    } else {
        let what = format!(
            "{} above 50 MiB, where GitHub begins to warn; the largest is {oid} ({size} MiB).",
            counted(refs.large.len())
        );
        Check::warn(CheckName::FileSize, failure(what))
    }
}

/// Whether the tags are free, or as `tag-exists` allows.
pub(super) fn tag(plan: &Plan, facts: &Facts) -> Option<Check> {
    // Those that refs of the checkout move are looked at as well.
    if plan.tags.is_none() {
        return held(facts, &|_| true).map(|failure| Check::fail(CheckName::Tag, failure));
    }
    let tags = plan.tags.as_ref()?;
    let known = match facts.tags.as_ref()? {
        Ok(known) => known,
        Err(failure) => return Some(Check::fail(CheckName::Tag, failure.clone())),
    };
    // Without `tag-target` a tag names the tip that this step is about to push, which is known before the push.
    let planned = facts.publish.as_ref().and_then(|publish| publish.as_ref().ok()).map(|publish| &publish.proposal);
    let pushed = facts.pushed_refs.as_ref().and_then(|refs| refs.as_ref().ok()?.first_tip());
    let commit = known.commit.or_else(|| planned.map(|proposal| proposal.new_tip)).or(pushed);
    for (name, exists) in &tags.tags {
        if let Some(failure) = known.existing.get(name).and_then(|there| conflict(name, *exists, there.1, commit)) {
            let is_held = facts.immutable.iter().any(|(held, _)| held == name);
            // Moving such a tag, which the general remedy offers, is the one thing that nobody can do.
            return Some(Check::fail(CheckName::Tag, if is_held { failure.with_remedy(HELD) } else { failure }));
        }
    }
    // A tag that stays on its commit is no change, even where its release is immutable.
    let moves = |name: &RefName| known.existing.get(name).is_none_or(|there| commit != Some(there.1));
    if let Some(failure) = held(facts, &moves) {
        return Some(Check::fail(CheckName::Tag, failure));
    }
    if let Some(check) = known.new_workflow.as_ref().and_then(|new| of_tag(plan, facts, new)) {
        return Some(check);
    }
    let text = match known.existing.len() {
        0 => "Not taken yet.".to_owned(),
        there => format!("{there} of {} there already, as `tag-exists` allows.", tags.tags.len()),
    };
    Some(match tag_rules(plan, facts, commit) {
        TagRules::Free => Check::pass(CheckName::Tag, text),
        TagRules::Refused(failure) => Check::fail(CheckName::Tag, failure),
        TagRules::Doubtful(failure) => Check::warn(CheckName::Tag, failure),
        TagRules::Unknown(why) => {
            let text = format!("{text} Tag rulesets could not be asked for. {why}");
            Check::skip(CheckName::Tag, text.trim_end())
        }
    })
}

/// What to do about a tag that belongs to an immutable release.
const HELD: &str = "Use a new version: the tag of an immutable release can never move, and its name stays taken for ever, even when the release is deleted.";

/// Why a tag of an immutable release stays as it is.
fn held(facts: &Facts, moves: &dyn Fn(&RefName) -> bool) -> Option<Failure> {
    let (name, page) = facts.immutable.iter().find(|(name, _)| moves(name))?;
    let what = format!(
        "The tag {} belongs to an immutable release: it can neither be moved nor deleted, by anybody.",
        name.short()
    );
    Some(Failure::new(Cause::ProtectedTag, what).with_remedy(HELD).with_link(page.clone()))
}

/// Why a tag that is there, on the commit `there`, stands in the way of tagging `commit`.
pub fn conflict(name: &RefName, exists: TagExists, there: Oid, commit: Option<Oid>) -> Option<Failure> {
    let name = name.short();
    let what = match exists {
        TagExists::Move => return None,
        TagExists::Keep if commit == Some(there) => return None,
        TagExists::Keep => format!("The tag {name} is there and names another commit, {}.", there.short()),
        TagExists::Fail => format!("The tag {name} is there already, on {}.", there.short()),
    };
    Some(Failure::new(Cause::TagExists, what))
}
