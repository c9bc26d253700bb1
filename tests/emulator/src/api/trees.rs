//! Trees over REST.
//!
//! <https://docs.github.com/en/rest/git/trees>

use git2::{Index, IndexEntry, IndexTime, ObjectType, Oid};
use serde_json::json;

use super::{Call, Handled, objects::id, refs::open_filled, refusal, repository::commit_named};
use crate::{answer::Answer, model::Level};

fn shown(call: &Call<'_>, slug: &str, bare: &git2::Repository, tree: &git2::Tree<'_>, deep: bool) -> Handled {
    let url = format!("{}/repos/{slug}/git", call.api());
    let mut entries = Vec::new();
    let walked = tree.walk(git2::TreeWalkMode::PreOrder, |parent, entry| {
        let kind = entry.kind().unwrap_or(ObjectType::Blob);
        let path = format!("{parent}{}", String::from_utf8_lossy(entry.name_bytes()));
        let mut item = json!({"path": path, "mode": format!("{:06o}", entry.filemode()), "type": kind.str(),
            "sha": entry.id().to_string(), "url": format!("{url}/{}s/{}", kind.str(), entry.id())});
        if let Ok(blob) = bare.find_blob(entry.id()) {
            item["size"] = json!(blob.size());
        }
        entries.push(item);
        if kind == ObjectType::Tree && !deep { git2::TreeWalkResult::Skip } else { git2::TreeWalkResult::Ok }
    });
    walked.map_err(|error| refusal::error(500, error.message()))?;
    let truncated = entries.len() > 100_000;
    entries.truncate(100_000);
    let sha = tree.id().to_string();
    let status = if call.method == "POST" { 201 } else { 200 };
    let body = json!({"sha": sha, "url": format!("{url}/trees/{sha}"), "tree": entries, "truncated": truncated});
    Ok(Answer::json(status, &body))
}

/// `GET /repos/{owner}/{repo}/git/trees/{tree_sha}`; a ref's name serves too.
pub(super) fn get(call: &mut Call<'_>, owner: &str, name: &str, wanted: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let bare = open_filled(&repository)?;
    let by_id = Oid::from_str(wanted).ok().filter(|_| wanted.len() == 40).and_then(|id| bare.find_tree(id).ok());
    let tree = by_id.or_else(|| commit_named(&bare, wanted).and_then(|commit| commit.tree().ok()));
    let tree = tree.ok_or_else(refusal::not_found)?;
    let deep = call.query("recursive").is_some();
    shown(call, &repository.slug(), &bare, &tree, deep)
}

/// `POST /repos/{owner}/{repo}/git/trees`: files by their blob's id or their content, on top of a tree or of nothing.
pub(super) fn create(call: &mut Call<'_>, owner: &str, name: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Write)?;
    let bare = open_filled(&repository)?;
    let refused = |error: git2::Error| refusal::error(422, error.message());
    let mut index = Index::new().map_err(refused)?;
    if let Some(base) = call.body["base_tree"].as_str() {
        let base = bare.find_object(id(base)?, None).and_then(|object| object.peel_to_tree());
        let base = base.map_err(|_| refusal::error(404, "base_tree is not a valid tree oid"))?;
        index.read_tree(&base).map_err(refused)?;
    }
    for entry in call.body["tree"].as_array().cloned().unwrap_or_default() {
        let path = entry["path"].as_str().unwrap_or_default();
        if entry["sha"].is_null() && !entry["content"].is_string() {
            index.remove_path(path.as_ref()).map_err(|_| refusal::error(422, "GitRPC::BadObjectState"))?;
            continue;
        }
        let mode = u32::from_str_radix(entry["mode"].as_str().unwrap_or("100644"), 8);
        let mode = mode.map_err(|_| refusal::error(422, "Invalid tree info"))?;
        let blob = match (&entry["sha"], entry["content"].as_str()) {
            (_, Some(content)) => bare.blob(content.as_bytes()).map_err(refused)?,
            (sha, None) => id(sha.as_str().unwrap_or_default())?,
        };
        if mode == 0o040_000 {
            let tree = bare.find_tree(blob).map_err(|_| refusal::error(422, "tree.sha is not a valid tree"))?;
            graft(&mut index, &bare, &tree, path).map_err(refused)?;
        } else {
            bare.find_blob(blob).map_err(|_| refusal::error(422, "tree.sha is not a valid blob"))?;
            add(&mut index, path, mode, blob).map_err(refused)?;
        }
    }
    let tree = index.write_tree_to(&bare).and_then(|id| bare.find_tree(id)).map_err(refused)?;
    shown(call, &repository.slug(), &bare, &tree, false)
}

fn add(index: &mut Index, path: &str, mode: u32, id: Oid) -> Result<(), git2::Error> {
    let none = IndexTime::new(0, 0);
    let path = path.as_bytes().to_vec();
    let (dev, ino, uid, gid, file_size, flags, flags_extended) = (0, 0, 0, 0, 0, 0, 0);
    index.add(&IndexEntry {
        ctime: none,
        mtime: none,
        dev,
        ino,
        mode,
        uid,
        gid,
        file_size,
        id,
        flags,
        flags_extended,
        path,
    })
}

/// Puts a whole folder at a path, in the place of what stood there.
fn graft(index: &mut Index, bare: &git2::Repository, tree: &git2::Tree<'_>, path: &str) -> Result<(), git2::Error> {
    index.remove_dir(path.as_ref(), 0)?;
    for entry in tree {
        let inner = format!("{path}/{}", String::from_utf8_lossy(entry.name_bytes()));
        match entry.kind() {
            Some(ObjectType::Tree) => graft(index, bare, &bare.find_tree(entry.id())?, &inner)?,
            _ => add(index, &inner, u32::try_from(entry.filemode()).unwrap_or(0o100_644), entry.id())?,
        }
    }
    Ok(())
}
