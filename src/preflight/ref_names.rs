//! The check `ref-names`: names that GitHub refuses, and names that cannot stand beside a ref that is there.
//!
//! Sources: <https://docs.github.com/en/get-started/using-git/dealing-with-special-characters-in-branch-and-tag-names>,
//! <https://github.blog/changelog/2023-03-23-enforcing-stricter-naming-rules-for-branches-and-tags/>

use super::{
    check::{Check, CheckName},
    facts::Facts,
};
use crate::{
    diagnosis::{Cause, Failure},
    names::RefName,
    plan::Plan,
};

/// The longest full name of a ref that GitHub takes, in bytes (GH005).
const LONGEST: usize = 255;

/// Whether every branch and tag of the plan can be created under its name.
pub(super) fn ref_names(plan: &Plan, facts: &Facts) -> Option<Check> {
    let tags = plan.tags.iter().flat_map(|tags| tags.tags.iter().map(|(name, _)| name));
    let head = facts.route.proposed.as_ref().map(|proposed| &proposed.head);
    let names: Vec<&RefName> = plan.branches().chain(tags).chain(head).collect();
    if names.is_empty() {
        return None;
    }
    let there = facts.refs.answer();
    let is_there = |name: &RefName| there.is_some_and(|there| there.tip(name).is_some());
    // What is there GitHub has taken once: older names than its rules stay valid.
    let refused = names.iter().filter(|name| !is_there(name)).find_map(|name| refusal(name, plan, head));
    // For `refs` the same is found while they are compared, deletions included.
    let others: Vec<&RefName> = match there {
        Some(there) if !plan.pushes_refs() => there.refs.keys().chain(names.iter().copied()).collect(),
        _ => names.clone(),
    };
    let blocked = || {
        let mut new = names.iter().filter(|name| !is_there(name));
        new.find_map(|name| others.iter().find(|other| blocks(other, name)).map(|other| blocking(name, other, head)))
    };
    Some(match refused.or_else(|| if plan.pushes_refs() { None } else { blocked() }) {
        Some(failure) => Check::fail(CheckName::RefNames, failure),
        // A forbidden name is certain without the refs; only a clash with another ref cannot be ruled out.
        None if there.is_none() => Check::skip(CheckName::RefNames, "The refs of the target are not known."),
        None => Check::pass(CheckName::RefNames, "GitHub takes each name."),
    })
}

/// The input that names this ref.
fn input(name: &RefName, plan: &Plan) -> &'static str {
    match (name.is_tag(), plan.pushes_refs()) {
        (true, _) if plan.tags.as_ref().is_some_and(|tags| tags.tags.iter().any(|(tag, _)| tag == name)) => "tag",
        (_, true) => "refs",
        _ => "branch",
    }
}

/// Why GitHub never takes this name.
fn refusal(name: &RefName, plan: &Plan, head: Option<&RefName>) -> Option<Failure> {
    let (short, kind) = (name.short(), if name.is_tag() { "tag" } else { "branch" });
    let why = if short.len() == 40 && short.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "GitHub refuses a name of 40 hex digits, as it looks like a commit".to_owned()
    } else if short.starts_with("refs/") {
        format!("GitHub refuses a {kind} whose own name begins with `refs/`")
    } else if name.as_str().len() > LONGEST {
        format!("the full name has {} bytes and GitHub takes {LONGEST}", name.as_str().len())
    } else {
        return None;
    };
    let what = format!("The {kind} {short:?} cannot be created: {why}.");
    let remedy = if head == Some(name) {
        "`pull-request` names it after `branch` and `destination`: choose shorter ones.".to_owned()
    } else {
        format!("Choose another name in `{}`.", input(name, plan))
    };
    Some(Failure::new(Cause::InvalidRefOrObject, what).with_remedy(remedy))
}

/// Whether git, which keeps refs like files in folders, cannot have both.
fn blocks(other: &RefName, name: &RefName) -> bool {
    let below = |above: &RefName, name: &RefName| {
        name.as_str().strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('/'))
    };
    below(other, name) || below(name, other)
}

fn blocking(name: &RefName, other: &RefName, head: Option<&RefName>) -> Failure {
    let kind = |name: &RefName| if name.is_tag() { "tag" } else { "branch" };
    let what = format!(
        "The {} {} cannot be created beside the {} {}: git keeps refs like files in folders.",
        kind(name),
        name.short(),
        kind(other),
        other.short()
    );
    if head == Some(name) {
        let remedy = format!(
            "`pull-request` brings the change on {}. Rename or delete the branch {} in the target.",
            name.short(),
            other.short()
        );
        return Failure::new(Cause::InvalidRefOrObject, what).with_remedy(remedy);
    }
    let remedy = format!("Choose a name that neither begins with {}/ nor is a folder of it.", other.short());
    Failure::new(Cause::InvalidRefOrObject, what).with_remedy(remedy)
}
