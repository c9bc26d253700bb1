//! Files and folders at a ref.

use base64::{Engine, engine::general_purpose::STANDARD};
use git2::{ObjectType, Tree, TreeEntry};
use serde_json::{Value, json};

use super::{Call, Handled, refs::is_empty, refusal, repository::open};
use crate::{
    answer::Answer,
    model::{Level, Repository},
};

/// `GET /repos/{owner}/{repo}/contents/{path}`
pub(super) fn get(call: &mut Call<'_>, owner: &str, name: &str, path: &str) -> Handled {
    let repository = call.repository(owner, name, "contents", Level::Read)?;
    let bare = open(&repository)?;
    if is_empty(&bare) {
        return Err(refusal::error(404, "This repository is empty."));
    }
    let wanted = call.query("ref").unwrap_or(&repository.default_branch).to_owned();
    let commit = super::repository::commit_named(&bare, &wanted)
        .ok_or_else(|| refusal::error(404, &format!("No commit found for the ref {wanted}")))?;
    let tree = commit.tree().map_err(|_| refusal::not_found())?;
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Ok(Answer::json(200, &listing(call, &repository, &bare, &tree, "", &wanted)));
    }
    let entry = tree.get_path(path.as_ref()).map_err(|_| refusal::not_found())?;
    let body = match entry.kind() {
        Some(ObjectType::Tree) => {
            let folder = bare.find_tree(entry.id()).map_err(|_| refusal::not_found())?;
            listing(call, &repository, &bare, &folder, &format!("{path}/"), &wanted)
        }
        _ => object(call, &repository, &bare, &entry, path, &wanted, true),
    };
    Ok(Answer::json(200, &body))
}

fn listing(
    call: &Call<'_>,
    repository: &Repository,
    bare: &git2::Repository,
    tree: &Tree<'_>,
    prefix: &str,
    wanted: &str,
) -> Value {
    let each = tree.iter().map(|entry| {
        let path = format!("{prefix}{}", String::from_utf8_lossy(entry.name_bytes()));
        object(call, repository, bare, &entry, &path, wanted, false)
    });
    Value::Array(each.collect())
}

fn object(
    call: &Call<'_>,
    repository: &Repository,
    bare: &git2::Repository,
    entry: &TreeEntry<'_>,
    path: &str,
    wanted: &str,
    whole: bool,
) -> Value {
    let (slug, id) = (repository.slug(), entry.id().to_string());
    let escaped = percent_encoding::utf8_percent_encode(path, super::PATH).to_string();
    let (kind, folder, web) = match (entry.kind(), entry.filemode()) {
        (Some(ObjectType::Tree), _) => ("dir", "trees", "tree"),
        (Some(ObjectType::Commit), _) => ("submodule", "trees", "tree"),
        (_, 0o120_000) => ("symlink", "blobs", "blob"),
        _ => ("file", "blobs", "blob"),
    };
    let url = format!("{}/repos/{slug}/contents/{escaped}?ref={wanted}", call.api());
    let git = format!("{}/repos/{slug}/git/{folder}/{id}", call.api());
    let html = format!("{}/{slug}/{web}/{wanted}/{escaped}", call.shared.url());
    let blob = bare.find_blob(entry.id()).ok();
    let content = blob.as_ref().map(git2::Blob::content).unwrap_or_default();
    let download = blob.as_ref().map(|_| format!("{}/raw/{slug}/{wanted}/{escaped}", call.shared.url()));
    let mut body = json!({
        "type": kind, "size": content.len(), "name": path.rsplit('/').next().unwrap_or_default(), "path": path,
        "sha": id, "url": url, "git_url": git, "html_url": html, "download_url": download,
        "_links": {"self": url, "git": git, "html": html},
    });
    if whole && kind == "file" {
        // GitHub breaks the lines every 60 characters.
        let encoded = STANDARD.encode(content);
        let lines = encoded.as_bytes().chunks(60).map(|line| format!("{}\n", String::from_utf8_lossy(line)));
        body["encoding"] = json!("base64");
        body["content"] = json!(lines.collect::<String>());
    } else if whole && kind == "symlink" {
        body["target"] = json!(String::from_utf8_lossy(content));
    }
    body
}
