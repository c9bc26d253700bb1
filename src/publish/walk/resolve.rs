//! The folder that `directory` names: inside the workspace, or the reason why it is not, with what to write instead.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::shown;
use crate::{
    diagnosis::{Cause, Failure},
    names::tree,
    system,
};

/// How many folders a message names.
const NAMED: usize = 12;

/// The folder that `directory` names in the workspace, with every symlink on the way resolved.
///
/// `..` or a symlink that leaves the workspace, or a folder in `.git`, is `invalid-input`; what is absent, or a file, is
/// `directory-not-found`.
pub fn resolve_directory(workspace: &Path, directory: &str) -> Result<PathBuf, Failure> {
    let root = workspace.canonicalize().map_err(|error| {
        let what = format!("The workspace {} cannot be opened: {error}.", workspace.display());
        Failure::new(Cause::DirectoryNotFound, what)
    })?;
    let relative = Path::new(directory);
    // An absolute path is understood in both spellings, as the runner names
    // the workspace and as the file system resolves it.
    let relative = relative.strip_prefix(workspace).or_else(|_| relative.strip_prefix(&root)).unwrap_or(relative);
    // The text alone decides first: `site/../../x` leaves the workspace on its way, wherever it would come out.
    let mut depth = 0_u32;
    for component in relative.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth = depth.checked_sub(1).ok_or_else(|| outside(&root, directory))?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return Err(outside(&root, directory)),
        }
    }
    let found = root.join(relative).canonicalize().map_err(|error| missing(&root, relative, directory, &error))?;
    // A link on the way can still lead out of it.
    let Ok(inside) = found.strip_prefix(&root) else { return Err(outside(&root, directory)) };
    // The walk passes over `.git` below the folder alone, and the checkout's credential lies in `.git/config`.
    if inside.iter().any(|name| tree::is_dot_git(&system::bytes_of(name))) {
        let what = format!(
            "`directory` is {}, which leads into `.git`: it holds the checkout's credentials and is never published.",
            shown(directory.as_bytes())
        );
        let remedy = "Name another folder; to push branches and tags of the checkout, use `refs`.";
        return Err(Failure::new(Cause::InvalidInput, what).with_remedy(remedy));
    }
    if !found.is_dir() {
        let folder = relative.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let remedy = format!("Write the folder that holds it, {}; `exclude` leaves its other files out.", path(folder));
        return Err(absent(directory, "is a file, and a folder is published").with_remedy(remedy));
    }
    Ok(found)
}

fn outside(root: &Path, directory: &str) -> Failure {
    let what = format!("`directory` is {}, which leads out of the workspace.", shown(directory.as_bytes()));
    let remedy = match end_that_exists(root, Path::new(directory)) {
        Some(end) => {
            format!("Write {}: a path is relative to the workspace, and the runner's own paths differ.", path(&end))
        }
        None => {
            "Give the folder's path relative to the workspace, and copy what lies elsewhere into it first.".to_owned()
        }
    };
    Failure::new(Cause::InvalidInput, what).with_remedy(remedy)
}

fn absent(directory: &str, why: &str) -> Failure {
    Failure::new(Cause::DirectoryNotFound, format!("The directory {} {why}.", shown(directory.as_bytes())))
}

/// A path as a person writes it into `directory`.
fn path(path: &Path) -> String {
    format!("`directory: {}`", String::from_utf8_lossy(&system::bytes_of(path.as_os_str())).escape_debug())
}

/// Why nothing can be opened at `relative`, and what was likely meant.
fn missing(root: &Path, relative: &Path, directory: &str, error: &io::Error) -> Failure {
    if let Some((link, target)) = dangling(root, relative) {
        let what =
            format!("cannot be opened: {} is a link to {}, which is not there", path_of(&link), path_of(&target));
        let remedy = if target.is_absolute() {
            "In a container action only the workspace is there. Copy what the link points to into the workspace before this step \
             (`cp -rL`), and write the copy's path."
        } else {
            "Let the step that makes it run before this one, or correct the link."
        };
        return absent(directory, &what).with_remedy(remedy);
    }
    match error.kind() {
        io::ErrorKind::NotFound => {}
        io::ErrorKind::NotADirectory => {
            return absent(directory, "leads through a file").with_remedy(offer(root, relative));
        }
        _ => return absent(directory, &format!("cannot be opened: {error}")),
    }
    let (why, remedy) =
        slip(root, directory).unwrap_or_else(|| ("does not exist in the workspace".to_owned(), offer(root, relative)));
    absent(directory, &why).with_remedy(remedy)
}

fn path_of(path: &Path) -> String {
    shown(&system::bytes_of(path.as_os_str()))
}

/// The first link on the way whose target is not there, and that target.
fn dangling(root: &Path, relative: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut way = PathBuf::new();
    for name in relative.components() {
        way.push(name);
        let place = root.join(&way);
        if let Ok(target) = fs::read_link(&place)
            && !place.exists()
        {
            return Some((way, target));
        }
    }
    None
}

/// A slip that the text itself shows: what it is, and what to write.
fn slip(root: &Path, directory: &str) -> Option<(String, String)> {
    let meant = |text: &str| -> String {
        let text = text.trim().trim_end_matches('/');
        let there = !text.is_empty() && root.join(text).is_dir();
        if there {
            path(Path::new(text)) + "."
        } else {
            format!("the folder's path alone. {}", offer(root, Path::new(text)))
        }
    };
    let lines: Vec<&str> = directory.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.len() > 1 {
        let remedy =
            "Publish one folder per step, each with its own `destination`, or collect them in one folder first.";
        return Some((format!("has {} lines, and `directory` is one folder", lines.len()), remedy.to_owned()));
    }
    let bare = directory.trim_matches(['"', '\'', '`']);
    if bare != directory {
        return Some((
            "has quotes in its value, which are no part of the name".to_owned(),
            format!("Write {}", meant(bare)),
        ));
    }
    if directory == "~" || directory.starts_with("~/") || directory.starts_with("$HOME") {
        let rest = directory.split_once('/').map_or("", |(_, rest)| rest);
        let copy = "Copy what lies in the home folder into the workspace first.";
        let remedy = if root.join(rest).is_dir() && !rest.is_empty() {
            format!("Write {}, if that is meant. {copy}", path(Path::new(rest)))
        } else {
            format!("{copy} {}", offer(root, Path::new(rest)))
        };
        return Some((
            "begins with the home folder, which lies outside of the workspace and is not expanded".to_owned(),
            remedy,
        ));
    }
    if directory.contains('$') || directory.matches('%').count() > 1 {
        let what = "has a variable of a shell, which is not expanded here";
        let end = end_that_exists(root, Path::new(directory))
            .map_or_else(|| offer(root, Path::new("")), |end| format!("Write {}.", path(&end)));
        return Some((what.to_owned(), format!("{end} An expression is written `${{{{ env.NAME }}}}`.")));
    }
    if directory.contains('\\') {
        let slashes = directory.replace('\\', "/");
        return Some((
            "does not exist in the workspace, as it has backslashes".to_owned(),
            format!("Write {}", meant(&slashes)),
        ));
    }
    if let Some(at) = directory.find(['*', '?', '[', '{']) {
        let folder = directory[..at].rsplit_once('/').map_or(".", |(folder, _)| folder);
        let what = "is a pattern, and `directory` is one folder, whose whole content is published";
        return Some((what.to_owned(), format!("Write {}", meant(folder))));
    }
    let listed: Vec<&str> = directory.split([',', ';']).map(str::trim).collect();
    if listed.len() > 1 && listed.iter().all(|name| root.join(name).is_dir()) {
        let remedy =
            "Publish one folder per step, each with its own `destination`, or collect them in one folder first.";
        return Some((format!("names {} folders, and `directory` is one", listed.len()), remedy.to_owned()));
    }
    None
}

/// The longest end of a path that is a folder of the workspace: of a path of the runner's machine, what to write.
fn end_that_exists(root: &Path, wrong: &Path) -> Option<PathBuf> {
    let names: Vec<_> = wrong
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect();
    let ends = (0..names.len()).map(|from| names[from..].iter().collect::<PathBuf>());
    ends.into_iter().find(|end| {
        root.join(end).canonicalize().is_ok_and(|place| place.starts_with(root) && place.is_dir() && place != root)
    })
}

/// What there is in place of `relative`: the folder of another spelling, the same name elsewhere, else the folders that are there.
fn offer(root: &Path, relative: &Path) -> String {
    let mut parent = PathBuf::new();
    let mut wrong = None;
    for component in relative.components() {
        let next = parent.join(component);
        if !root.join(&next).is_dir() {
            wrong = component.as_os_str().to_str();
            break;
        }
        parent = next;
    }
    let there = folders(&root.join(&parent));
    if let Some(wrong) = wrong {
        let same = there.iter().find(|name| name.to_lowercase() == wrong.to_lowercase());
        let near = same.or_else(|| {
            there
                .iter()
                .find(|name| crate::names::nearest(wrong, there.iter().map(String::as_str)) == Some(name.as_str()))
        });
        if let Some(near) = near {
            let case = if same.is_some() { " Upper and lower case differ on Linux." } else { "" };
            return format!("Did you mean {}?{case}", path(&parent.join(near)));
        }
        let below = || there.iter().map(|name| parent.join(name).join(wrong)).find(|place| root.join(place).is_dir());
        if let Some(elsewhere) = end_that_exists(root, relative).or_else(below) {
            return format!("Did you mean {}?", path(&elsewhere));
        }
    }
    let place = if parent.as_os_str().is_empty() { "the workspace".to_owned() } else { path_of(&parent) };
    let build = "Let the step that makes the folder run before this one, in the same job.";
    if there.is_empty() {
        let checkout = if parent.as_os_str().is_empty() {
            " A job begins with an empty workspace: actions/checkout or actions/download-artifact fills it."
        } else {
            ""
        };
        return format!("There is no folder in {place}. {build}{checkout}");
    }
    let names: Vec<String> = there.iter().take(NAMED).map(|name| shown(name.as_bytes())).collect();
    let more = there.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("The folders in {place}: {}{more}. {build}", names.join(", "))
}

/// The names of the folders in `place` whose names are text, in order, without `.git`.
fn folders(place: &Path) -> Vec<String> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !tree::is_dot_git(name.as_bytes()))
        .collect();
    names.sort_unstable();
    names
}
