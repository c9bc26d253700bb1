//! Credentials that actions/checkout left behind for git: looked for so that they can be reported, never read out.
//!
//! Source: <https://github.com/actions/checkout#usage> (`persist-credentials`). Older versions write
//! `http.SERVER/.extraheader` into the checkout's own configuration; newer ones write it into a file of the runner's
//! temporary folder, to which an `includeIf` leads.

use std::{
    fs,
    path::{Path, PathBuf},
};

use git2::Config;

use super::checkout::common_dir;

/// Where a stored header was found. Its value is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHeader {
    /// The variable: `http.https://github.com/.extraheader`.
    pub variable: String,
    /// The file that holds it.
    pub file: PathBuf,
    /// Whether the checkout's configuration only leads to that file.
    pub included: bool,
}

/// The stored headers of the checkout in `workspace`; none when there is no checkout, or nothing can be read.
pub fn stored_headers(workspace: &Path) -> Vec<StoredHeader> {
    let Some(folder) = git_folder(workspace) else { return Vec::new() };
    let (mut found, mut included) = (Vec::new(), Vec::new());
    // A worktree shares the configuration of its repository.
    let folder = common_dir(&folder);
    for name in ["config", "config.worktree"] {
        look(&folder.join(name), false, &mut found, &mut included);
    }
    included.sort();
    // `config` and `config.worktree` can include the same file.
    included.dedup();
    for file in included {
        let file = if file.is_absolute() { file } else { folder.join(file) };
        // Includes inside of it are not followed: actions/checkout writes one level.
        look(&file, true, &mut found, &mut Vec::new());
    }
    found
}

/// `.git`, also where it is a file that names the folder.
fn git_folder(workspace: &Path) -> Option<PathBuf> {
    let place = workspace.join(".git");
    if place.is_dir() {
        return Some(place);
    }
    let text = fs::metadata(&place).ok().filter(fs::Metadata::is_file).and_then(|_| fs::read_to_string(place).ok())?;
    Some(workspace.join(text.strip_prefix("gitdir:")?.trim()))
}

fn look(file: &Path, included: bool, found: &mut Vec<StoredHeader>, others: &mut Vec<PathBuf>) {
    // A pipe or a device in its place would be waited for without end.
    if !fs::metadata(file).is_ok_and(|found| found.is_file()) {
        return;
    }
    let Ok(config) = Config::open(file) else { return };
    let Ok(entries) = config.entries(None) else { return };
    // An entry that is no text is none of those that are looked for.
    let _ = entries.for_each(|entry| {
        let Ok(name) = entry.name() else { return };
        if name.starts_with("http.") && name.ends_with(".extraheader") {
            let header = StoredHeader { variable: name.to_owned(), file: file.to_owned(), included };
            if !found.contains(&header) {
                found.push(header);
            }
        } else if name.starts_with("includeif.")
            && name.rsplit('.').next() == Some("path")
            && let Ok(path) = entry.value()
        {
            others.push(PathBuf::from(path));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout(config: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        fs::write(folder.path().join(".git/config"), config).unwrap();
        folder
    }

    #[test]
    fn a_header_in_the_checkouts_own_configuration_is_found_without_its_value() {
        let folder = checkout("[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic c2VjcmV0\n");
        let found = stored_headers(folder.path());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].variable, "http.https://github.com/.extraheader");
        assert!(!found[0].included);
        assert!(!format!("{found:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn a_header_in_a_file_of_the_runner_is_found_through_each_include() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("git-credentials-1.config");
        fs::write(&file, "[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic c2VjcmV0\n").unwrap();
        let include = |place: &str| format!("[includeIf \"gitdir:{place}\"]\n\tpath = {}\n", file.display());
        let text = format!(
            "{}{}[includeIf \"gitdir:/github/workspace/.git\"]\n\tpath = /nowhere/x.config\n",
            include("/a/.git"),
            include("/b/.git")
        );
        let found = stored_headers(checkout(&text).path());
        assert_eq!(found, [StoredHeader { variable: found[0].variable.clone(), file, included: true }]);
    }

    #[test]
    fn a_header_is_found_from_a_worktree_too() {
        let folder = checkout("[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic c2VjcmV0\n");
        let own = folder.path().join(".git/worktrees/other");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
        assert_eq!(stored_headers(other.path()).len(), 1);
    }

    #[test]
    fn an_ordinary_checkout_or_none_has_no_stored_header() {
        let text = "[remote \"origin\"]\n\turl = https://github.com/o/r\n[http]\n\tsslVerify = true\n";
        assert_eq!(stored_headers(checkout(text).path()), []);
        assert_eq!(stored_headers(tempfile::tempdir().unwrap().path()), []);
        assert_eq!(stored_headers(checkout("[broken").path()), []);
    }
}
