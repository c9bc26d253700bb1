//! Workflow files that refs bring and no branch of the target has: they need a right of their own.

use std::collections::HashSet;

use crate::refs::facts::{Batch, NewWorkflows};
use crate::{diagnosis::Failure, git::checkout::Reach, names::Oid};

/// Where GitHub looks for workflows.
const FOLDER: [&str; 2] = [".github", "workflows"];

/// Compares the commits that are pushed with the tips of the target's branches, as the server does.
pub(super) fn look(reach: &mut Reach, branches: &[Oid], batches: &[Batch]) -> Result<NewWorkflows, Failure> {
    let (mut held, mut unsure) = (HashSet::new(), false);
    for tip in branches {
        if reach.is_here(*tip) {
            held.extend(reach.files_in(*tip, &FOLDER)?);
        } else {
            // GitHub lets a file through that some branch has, and this one may have it.
            unsure = true;
        }
    }
    let mut files = Vec::new();
    for batch in batches {
        let mut brought = Vec::new();
        for update in &batch.updates {
            let Some(new) = update.new else { continue };
            let all = reach.files_in(new, &FOLDER)?;
            if let Some((name, _)) = all.iter().find(|(name, oid)| !held.contains(&((*name).clone(), **oid))) {
                let path = format!("{}/{}", FOLDER.join("/"), String::from_utf8_lossy(name));
                files.push((update.name.clone(), path));
            }
            if update.name.is_branch() {
                brought.extend(all);
            }
        }
        // Only now: within one push the server compares with the branches as they were before it.
        held.extend(brought);
    }
    Ok(NewWorkflows { files, unsure })
}
