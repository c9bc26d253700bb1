//! The check `secret-files`: files of the directory that hold a credential.

use super::{
    check::{Check, CheckName},
    facts::Facts,
};
use crate::{
    diagnosis::{Cause, Failure},
    plan::Plan,
    publish::{exposed::Exposed, hash::Hashed, walk::shown},
};

/// How many files a message names.
const NAMED: usize = 5;

/// Files that often hold a credential, by the end of their path.
const OFTEN: &[&str] = &[
    ".env",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".git-credentials",
    ".pgpass",
    ".dockercfg",
    ".docker/config.json",
    ".aws/credentials",
    ".kube/config",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
];

/// Whether a file of the directory holds a credential.
pub(super) fn secret_files(plan: &Plan, facts: &Facts) -> Option<Check> {
    plan.directory()?.directory.as_ref()?;
    let hashed = &facts.publish.as_ref()?.as_ref().ok()?.hashed;
    let paths = || hashed.listing().files().iter().map(|file| &file.path[..]);
    let held = |what: Exposed| exposed(hashed, what);
    let written: Vec<&[u8]> = paths().filter(|path| is_credentials_file(name(path))).collect();
    let certain = [
        (
            held(Exposed::OwnSecret),
            "one of this step's own secrets",
            "Let no step before this one write a secret into a file that is published.",
        ),
        (held(Exposed::PrivateKey), "a private key", "If it is an example, add `secret-files` to `ignore-checks`."),
        (
            written,
            "the credentials that google-github-actions/auth writes",
            "Add `gha-creds-*.json` to `exclude` and to .gitignore.",
        ),
    ];
    // All kinds in one message: each further one would cost another run.
    let certain: Vec<_> = certain.into_iter().filter(|(files, ..)| !files.is_empty()).collect();
    if !certain.is_empty() {
        let said: Vec<String> = certain.iter().map(|(files, what, _)| format!("{}: {what}", named(files))).collect();
        let what = format!("The directory has files with credentials. {}.", said.join(". "));
        let more: Vec<&str> = certain.iter().map(|(.., remedy)| *remedy).collect();
        return Some(Check::fail(CheckName::SecretFiles, failure(what, &more.join(" "))));
    }
    let often = |path: &&[u8]| {
        OFTEN.iter().any(|end| is_at_end(path, end)) || name(path).starts_with(b".env.") && !is_example(name(path))
    };
    let mut likely: Vec<&[u8]> = paths().filter(often).collect();
    likely.extend(held(Exposed::RegistryToken));
    if likely.is_empty() {
        return Some(Check::pass(CheckName::SecretFiles, "No file holds a credential."));
    }
    let what = format!("The directory has files that often hold credentials: {}.", named(&likely));
    Some(Check::warn(CheckName::SecretFiles, failure(what, "If nothing in it is secret, leave it.")))
}

fn failure(what: String, more: &str) -> Failure {
    let remedy = format!(
        "Remove the file from the folder, or leave it out with `exclude`. {more} If it was published before, revoke the credential in it."
    );
    Failure::new(Cause::SecretFile, what).with_remedy(remedy)
}

fn exposed(hashed: &Hashed, what: Exposed) -> Vec<&[u8]> {
    hashed.exposed().filter(|(_, held)| *held == what).map(|(file, _)| &file.path[..]).collect()
}

fn name(path: &[u8]) -> &[u8] {
    &path[memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1)..]
}

/// Whether the last names of `path` are those of `end`.
fn is_at_end(path: &[u8], end: &str) -> bool {
    path.strip_suffix(end.as_bytes()).is_some_and(|front| front.is_empty() || front.ends_with(b"/"))
}

/// A file that google-github-actions/auth leaves in the workspace.
///
/// Source: <https://github.com/google-github-actions/auth#prerequisites>
fn is_credentials_file(name: &[u8]) -> bool {
    name.starts_with(b"gha-creds-") && name.ends_with(b".json")
}

/// `.env.example` and the like: made to be published.
fn is_example(name: &[u8]) -> bool {
    [&b"example"[..], b"sample", b"template", b"dist", b"defaults"].iter().any(|end| name.ends_with(end))
}

fn named(files: &[&[u8]]) -> String {
    let names: Vec<String> = files.iter().take(NAMED).map(|path| shown(path)).collect();
    let more = files.len().saturating_sub(NAMED);
    names.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}
