//! `.gitmodules` and `.gitattributes` of the commits that are pushed, read as GitHub's check of every push reads them.

use crate::{
    diagnosis::{Cause, Failure},
    git::checkout::{ObjectsToSend, Reach, SpecialEntry},
    names::tree::Special,
    publish::{
        special::{Fault, LARGEST, fault},
        walk::shown,
    },
};

/// The failure for the first new file that GitHub would refuse.
///
/// # Errors
/// A checkout that cannot be read.
pub(super) fn refused(reach: &Reach, wanted: &ObjectsToSend) -> Result<Option<Failure>, Failure> {
    for entry in wanted.special() {
        let Some(special) = Special::of(&entry.name) else { continue };
        if entry.is_link {
            if special == Special::Modules {
                let found = Fault { what: "it is a symbolic link".to_owned(), remedy: "Make it a file" };
                return Ok(Some(failure(entry, special, &found)));
            }
            continue;
        }
        let content = reach.blob(entry.blob, LARGEST)?;
        if let Some(found) = content.and_then(|content| fault(special, &content)) {
            return Ok(Some(failure(entry, special, &found)));
        }
    }
    Ok(None)
}

fn failure(entry: &SpecialEntry, special: Special, fault: &Fault) -> Failure {
    let (name, blob) = (shown(&entry.name), entry.blob);
    let plain = special.name();
    let taken = if entry.name == plain.as_bytes() { String::new() } else { format!(", which git takes for `{plain}`") };
    let what = format!("GitHub would refuse the file {name} of a commit that is pushed{taken}: {}.", fault.what);
    // No path stands here: a blob of the history can have had several.
    let remedy = format!(
        "{} in each commit that has it, which means to rewrite them: `git log --all --find-object={blob}` names them.",
        fault.remedy
    );
    Failure::new(Cause::PackRefused, what).with_remedy(remedy)
}
