//! What the refs to be written mean for the refs that the target has. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::spec::{Destination, Wanted};
use crate::{
    diagnosis::{Cause, Failure},
    git::advertisement::Advertisement,
    names::{Oid, RefName},
};

/// A ref of the target that is to get another value, or that has its value already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its full name.
    pub name: RefName,
    /// What the target has.
    pub old: Option<Oid>,
    /// What it is to have; `None`: it is deleted.
    pub new: Option<Oid>,
    /// `+`: forced, with a lease on `old`.
    pub force: bool,
}

impl Change {
    /// Whether there is anything to do.
    pub fn is_needed(&self) -> bool {
        self.old != self.new
    }
}

fn invalid(spec: &str, why: &str, remedy: &str) -> Failure {
    Failure::new(Cause::InvalidRefOrObject, format!("The line {spec:?} of `refs` cannot be pushed: {why}."))
        .with_remedy(remedy)
}

/// One change for each ref, in order of the lines.
///
/// # Errors
/// `invalid-ref-or-object`: a name that is both a branch and a tag, that is not there to be deleted, that stands in the way of another.
/// `invalid-input`: two lines that give one ref two values.
pub fn changes(wanted: &[Wanted], target: &Advertisement) -> Result<Vec<Change>, Failure> {
    let mut changes: Vec<Change> = Vec::new();
    let mut places: BTreeMap<RefName, (usize, bool)> = BTreeMap::new();
    for wanted in wanted {
        let name = name(wanted, target)?;
        let old = target.tip(&name);
        // `:` is git's `matching`: a branch that the target lacks is not created.
        if wanted.in_both && old.is_none() {
            continue;
        }
        // NOTE: of a whole name git says nothing worse than a warning, so that a clean-up can be done again.
        if wanted.from.is_none() && old.is_none() && !matches!(wanted.to, Destination::Full(_)) {
            return Err(invalid(
                &wanted.spec,
                &format!("the target has no {name} to delete"),
                "Take the line out, or correct the name.",
            ));
        }
        let change = Change { name: name.clone(), old, new: wanted.from, force: wanted.force };
        match places.get(&name) {
            None => {
                places.insert(name, (changes.len(), wanted.matched));
                changes.push(change);
            }
            // Both lines want the same value: the `+` of one is enough.
            Some((place, _)) if changes[*place].new == change.new => changes[*place].force |= change.force,
            // A line that names the ref counts more than a pattern.
            Some(_) if wanted.matched => {}
            Some((place, true)) => {
                let place = *place;
                changes[place] = change;
                places.insert(name, (place, false));
            }
            Some(_) => {
                let what = format!("Two lines of `refs` give {name} two values; one is {:?}.", wanted.spec);
                return Err(Failure::new(Cause::InvalidInput, what).with_remedy("Take one of the lines out."));
            }
        }
    }
    blocked(&changes, target)?;
    Ok(changes)
}

/// The first branch in order of the lines, if there is one.
pub fn first_branch(wanted: &[Wanted], target: &Advertisement) -> Option<RefName> {
    let named = |wanted: &Wanted| {
        name(wanted, target).ok().filter(|name| name.is_branch() && (!wanted.in_both || target.tip(name).is_some()))
    };
    wanted.iter().find_map(named)
}

/// The full name at the target.
fn name(wanted: &Wanted, target: &Advertisement) -> Result<RefName, Failure> {
    let (branch, tag, makes_tag) = match &wanted.to {
        Destination::Full(name) => return Ok(name.clone()),
        Destination::Short { branch, tag, makes_tag } => (branch, tag, makes_tag),
    };
    match (target.tip(branch).is_some(), target.tip(tag).is_some()) {
        (true, true) => {
            let remedy = format!("Write the whole name: {branch} or {tag}.");
            Err(invalid(&wanted.spec, &format!("the target has both a branch and a tag {}", branch.short()), &remedy))
        }
        (true, false) => Ok(branch.clone()),
        (false, true) => Ok(tag.clone()),
        (false, false) => Ok(if *makes_tag { tag } else { branch }.clone()),
    }
}

/// `a` and `a/b` cannot stand beside each other.
fn blocked(changes: &[Change], target: &Advertisement) -> Result<(), Failure> {
    let deleted: BTreeSet<&RefName> =
        changes.iter().filter(|change| change.new.is_none()).map(|change| &change.name).collect();
    // Deletions are sent first, so that the names they free can be taken.
    let kept = target.refs.keys().filter(|name| !deleted.contains(name));
    let mut names: BTreeSet<&str> = kept.map(RefName::as_str).collect();
    let made = changes.iter().filter(|change| change.new.is_some() && change.old.is_none());
    names.extend(made.clone().map(|change| change.name.as_str()));
    for change in made {
        let name = change.name.as_str();
        let above = name.match_indices('/').map(|(at, _)| &name[..at]).find(|above| names.contains(above));
        let below = format!("{name}/");
        let other =
            above.or_else(|| names.range(below.as_str()..).next().copied().filter(|other| other.starts_with(&below)));
        if let Some(other) = other {
            let what = format!(
                "{name} cannot be created: it cannot stand beside {other}, since git keeps refs like files in folders."
            );
            return Err(Failure::new(Cause::InvalidRefOrObject, what));
        }
    }
    Ok(())
}
