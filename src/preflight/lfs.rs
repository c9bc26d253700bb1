//! The check of Git LFS: every object that the pushed commits name is at the target, or can be uploaded before the push.

use super::{
    check::{Check, CheckName},
    facts::Facts,
};
use crate::{
    diagnosis::{Cause, Failure},
    git::checkout::NamedObject,
    plan::Plan,
    refs::lfs::{LfsFacts, LfsUnknown, refused},
    report::text::{bytes, count},
};

/// How many objects a message names.
const NAMED: usize = 5;

/// None where the commits name no object, or none is to be looked at.
pub(super) fn lfs(plan: &Plan, facts: &Facts) -> Option<Check> {
    let lfs = match facts.pushed_refs.as_ref()? {
        Ok(refs) if !refs.lfs.named.is_empty() => &refs.lfs,
        _ => return None,
    };
    let objects = count(lfs.named.len() as u64, "Git LFS object");
    let slug = &plan.target.slug;
    match &lfs.unknown {
        // A server can be without LFS on purpose, and git itself pushes pointers to it all the same.
        Some(LfsUnknown::NoServer) => {
            let what = format!(
                "The pushed commits name {objects}, and {} has no Git LFS for {slug} (status 404): the pointers are pushed without the objects.",
                plan.target.server
            );
            let remedy = "Enable Git LFS at the server, or set `lfs: false` if the pointers are meant to stand alone.";
            return Some(Check::warn(CheckName::Lfs, Failure::new(Cause::LfsUnavailable, what).with_remedy(remedy)));
        }
        Some(LfsUnknown::Refused(failure)) => return Some(Check::fail(CheckName::Lfs, failure.clone())),
        None => {}
    }
    // Before what the target refuses: this one can be mended in the workflow, without anybody's plan or settings.
    if let Some(failure) = lacking(plan, lfs) {
        return Some(Check::fail(CheckName::Lfs, failure));
    }
    if let Some((named, code, message)) = lfs.refused.first() {
        return Some(Check::fail(CheckName::Lfs, refused(&named.pointer, *code, message)));
    }
    let text = if lfs.uploads.is_empty() {
        format!("{slug} has the {objects} that the pushed commits name.")
    } else {
        let uploads = count(lfs.uploads.len() as u64, "Git LFS object");
        format!(
            "{slug} lacks {uploads} ({}), which the checkout has for the upload before the push.",
            bytes(lfs.bytes())
        )
    };
    Some(Check::pass(CheckName::Lfs, text))
}

/// What neither side has whole.
fn lacking(plan: &Plan, lfs: &LfsFacts) -> Option<Failure> {
    let all: Vec<&NamedObject> = lfs.missing.iter().chain(lfs.damaged.iter().map(|(named, _)| named)).collect();
    let first = all.first()?;
    let mut list: Vec<String> = all.iter().take(NAMED).map(|named| named.pointer.oid.short()).collect();
    if all.len() > NAMED {
        list.push(format!("and {} more", all.len() - NAMED));
    }
    let slug = &plan.target.slug;
    let list = list.join(", ");
    let mut what = format!(
        "The pushed commits name {} that neither {slug} nor the checkout has: {list}.",
        count(all.len() as u64, "Git LFS object")
    );
    if let Some((_, path)) = lfs.damaged.first() {
        let files = count(lfs.damaged.len() as u64, "file");
        let (differ, own) =
            if lfs.damaged.len() == 1 { ("does", "its own SHA-256") } else { ("do", "their own SHA-256") };
        what.extend([format!(" {files} in the checkout {differ} not match {own}: "), format!("{}.", path.display())]);
    }
    let damaged = if lfs.damaged.is_empty() { "" } else { "Delete the damaged file. " };
    let remedy = format!(
        "{damaged}Set `lfs: true` under `with:` of actions/checkout, and run `git lfs fetch --all` before this step for older commits and other branches. \
         `git log --all --find-object={}` names the file of the first.",
        first.blob
    );
    Some(Failure::new(Cause::LfsMissingObject, what).with_remedy(remedy))
}
