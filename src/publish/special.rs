//! `.gitmodules` and `.gitattributes` of the directory, read as GitHub's check of every push reads them.
//!
//! Source: `fsck_gitmodules_fn`, `check_submodule_name`, `check_submodule_url` and `fsck_blob` of git,
//! <https://git-scm.com/docs/git-fsck#_fsck_messages>

use std::io::Read as _;

use percent_encoding::percent_decode_str;

use super::walk::{File, Listing, changed, shown, unreadable};
use crate::{
    diagnosis::{Cause, Failure},
    git::format::FileMode,
    names::tree::Special,
    publish::git_config::{self, Entry},
};

/// The length in bytes from which on a line of `.gitattributes` is refused.
///
/// Source: `ATTR_MAX_LINE_LENGTH` of git
const LONGEST_LINE: usize = 2048;

/// A larger file, in bytes, is left to the server.
pub(crate) const LARGEST: u64 = 1 << 20;

/// The failure for the first file that GitHub would refuse for its content.
///
/// # Errors
/// A file that cannot be read, or changed since it was listed.
pub(super) fn refused(listing: &Listing) -> Result<Option<Failure>, Failure> {
    // A link by the name of `.gitmodules` was refused when the directory was listed.
    for file in listing.files().iter().filter(|file| file.mode != FileMode::SYMLINK && file.size <= LARGEST) {
        let name = file.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let Some(special) = Special::of(name) else { continue };
        let content = read(listing, file)?;
        if let Some(found) = fault(special, &content) {
            return Ok(Some(failure(&file.path, special, &found)));
        }
    }
    Ok(None)
}

fn read(listing: &Listing, file: &File) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    let opened = listing.open(file)?;
    // One byte more than was listed shows that a file grows, without reading one that never ends.
    opened.take(file.size + 1).read_to_end(&mut content).map_err(|error| unreadable(&file.path, &error))?;
    if content.len() as u64 == file.size { Ok(content) } else { Err(changed(&file.path)) }
}

/// What is wrong with a file's content.
pub(crate) struct Fault {
    /// The place and what stands there, as a part of a sentence.
    pub(crate) what: String,
    /// What to write instead, as the beginning of a sentence.
    pub(crate) remedy: &'static str,
}

fn failure(path: &[u8], special: Special, fault: &Fault) -> Failure {
    let path = shown(path);
    let name = special.name();
    let taken =
        if path.ends_with(&format!("{name}\"")) { String::new() } else { format!(" (git takes it for `{name}`)") };
    let what = format!("GitHub would refuse {path} of the directory{taken}: {}.", fault.what);
    let remedy = format!("{}, or leave the file out with `exclude`.", fault.remedy);
    Failure::new(Cause::PackRefused, what).with_remedy(remedy)
}

/// What git's check of a push refuses in the content of such a file.
pub(crate) fn fault(special: Special, content: &[u8]) -> Option<Fault> {
    match special {
        Special::Modules => git_config::entries(content).iter().find_map(of_module),
        Special::Attributes => {
            // git takes the content for a C string: it does not look behind a NUL.
            let content = content.split(|byte| *byte == 0).next().unwrap_or_default();
            let mut lines = content.split(|byte| *byte == b'\n');
            let at = lines.position(|line| line.len() >= LONGEST_LINE)?;
            let what = format!("its line {} has {LONGEST_LINE} bytes or more", at + 1);
            Some(Fault { what, remedy: "Break the line up" })
        }
    }
}

fn of_module(entry: &Entry) -> Option<Fault> {
    if entry.section != "submodule" {
        return None;
    }
    let name = entry.subsection.as_deref()?;
    let module = shown(name.as_bytes());
    let of = |key: &str, why: &str, remedy| {
        let what =
            format!("the {key} of the submodule {module} is {}, {why}", shown(entry.value.as_deref()?.as_bytes()));
        Some(Fault { what, remedy })
    };
    // `git clone` of such a submodule would read the value as an option, and some options run programs.
    let is_option = |value: &str| value.starts_with('-');
    // git keeps the submodule's repository in `.git/modules/NAME`: `..` would lead out of that folder.
    if name.is_empty() || name.split(['/', '\\']).any(|part| part == "..") {
        let what = format!("the name of the submodule {module} is empty or has a part `..`");
        return Some(Fault { what, remedy: "Rename the submodule" });
    }
    let value = entry.value.as_deref()?;
    match entry.key.as_str() {
        "url" if is_option(value) => {
            of("url", "which git would take for an option", "Write the address of a repository")
        }
        "url" if !is_address(value) => of("url", "which leads to no repository", "Write the address of a repository"),
        "path" if is_option(value) => of("path", "which git would take for an option", "Rename the folder"),
        // git would run the command in every clone that updates its submodules.
        "update" if value.starts_with('!') => of("update", "a command", "Write `checkout`, `rebase` or `merge`"),
        _ => None,
    }
}

/// Whether git takes a submodule's address for one, as far as its words alone tell.
fn is_address(url: &str) -> bool {
    // A line break in an address would give git's credential helpers a second
    // `host=`, and them the password of another host.
    let breaks = |text: &str| percent_decode_str(text).any(|byte| byte == b'\n');
    if url.starts_with("./") || url.starts_with("../") || url.starts_with("git://") {
        return !breaks(url) && !climbs_out(url);
    }
    let schemes = ["http", "https", "ftp", "ftps"];
    let web = schemes.iter().find_map(|scheme| {
        let rest = url.strip_prefix(scheme)?;
        rest.strip_prefix("::").or_else(|| rest.starts_with("://").then_some(url))
    });
    // Of all other forms, such as `git@host:path`, git's check says nothing.
    let Some(web) = web else { return true };
    let host = web.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let host = host.rsplit('@').next().unwrap_or_default();
    !breaks(web) && !host.is_empty() && !host.starts_with(':')
}

/// Whether a relative address leaves its server: `../:x`, `..//x`.
fn climbs_out(url: &str) -> bool {
    let mut rest = url;
    let mut climbed = false;
    loop {
        if let Some(next) = rest.strip_prefix("../") {
            (rest, climbed) = (next, true);
        } else if let Some(next) = rest.strip_prefix("./") {
            rest = next;
        } else {
            return climbed && rest.starts_with([':', '/']);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs git in `folder` with something to read; its output where it succeeded.
    fn git(folder: &std::path::Path, args: &[&str], input: &[u8]) -> Option<String> {
        let mut command = std::process::Command::new("git");
        let piped = || std::process::Stdio::piped();
        let mut child =
            command.current_dir(folder).args(args).stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
        let output = child.wait_with_output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    /// Whether it is refused; git's own strict check must say the same.
    #[track_caller]
    fn is_refused(special: Special, content: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "-q", "--bare"], b"").unwrap();
        let blob = git(folder.path(), &["hash-object", "-w", "--stdin"], content.as_bytes()).unwrap();
        let entry = format!("100644 blob {blob}\t{}\n", special.name());
        git(folder.path(), &["mktree"], entry.as_bytes()).unwrap();
        let refuses = git(folder.path(), &["fsck", "--strict"], b"").is_none();
        let found = fault(special, content.as_bytes()).is_some();
        assert_eq!(found, refuses, "git and this module disagree about {content:?}");
        found
    }

    #[test]
    fn modules_are_judged_as_git_judges_them() {
        let module =
            |name: &str, key: &str, value: &str| format!("[submodule \"{name}\"]\n\tpath = x\n\t{key} = {value}\n");
        for (name, key, value, refused) in [
            ("x", "url", "https://x.example/t", false),
            ("x", "url", "-u./x", true),
            ("x", "URL", "\"-u./x\"", true),
            ("x", "url", "../other.git", false),
            ("x", "url", "git@github.com:o/r.git", false),
            ("x", "url", "../../:x.example/t", true),
            ("x", "url", ".././/x", true),
            ("x", "url", "./%0ahost=evil", true),
            ("x", "url", "https://x.example/%0ahost=evil", true),
            ("x", "url", "https:///x", true),
            ("x", "url", "http::-x", true),
            ("x", "path", "-x", true),
            ("x", "update", "!touch x", true),
            ("x", "update", "rebase", false),
            ("../x", "url", "https://x.example/t", true),
            ("a/../x", "url", "https://x.example/t", true),
            ("a\\\\..", "url", "https://x.example/t", true),
            ("a..b", "url", "https://x.example/t", false),
            ("", "url", "https://x.example/t", true),
            ("x", "url", "# -u./x", false),
        ] {
            assert_eq!(is_refused(Special::Modules, &module(name, key, value)), refused, "{name} {key} {value}");
        }
        assert!(!is_refused(Special::Modules, "[submodules \"../x\"]\n\turl = -x\n"));
        assert!(!is_refused(Special::Modules, "not a configuration [["));
    }

    #[test]
    fn a_line_of_attributes_has_its_length() {
        let line = |length: usize| format!("a text\n{}\nb text\n", "x".repeat(length));
        assert!(!is_refused(Special::Attributes, &line(2047)));
        assert!(is_refused(Special::Attributes, &line(2048)));
        assert!(!is_refused(Special::Attributes, &format!("\0{}", line(3000))), "git reads it up to a NUL");
    }
}
