//! Deploy keys: added by REST, used by OpenSSH's own client through a real sshd.

use std::{fs, path::Path, process::Command};

use emulator::{
    Emulator,
    conformance::check,
    model::{Model, Repository, Role, Token},
};
use serde_json::{Value, json};

use crate::support::{Reply, call, clone_with_commit, get, start};

const KEYS: &str = "/api/v3/repos/acme/site/keys";

/// Makes a key pair; the public half.
fn generate(folder: &Path, name: &str) -> String {
    let file = folder.join(name);
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&file).status().unwrap();
    assert!(made.success());
    fs::read_to_string(file.with_extension("pub")).unwrap()
}

fn add(emulator: &Emulator, path: &str, token: &Token, key: &str, read_only: bool) -> Reply {
    let body = json!({"title": "test", "key": key, "read_only": read_only});
    call(emulator, "POST", path, Some(token), &[], Some(&body)).unwrap()
}

#[test]
fn a_key_that_rest_added_pushes_until_it_is_deleted() {
    let site = Repository::new("acme/site").collaborator("boss", Role::Admin).file("README.md", "hello");
    let other = Repository::new("acme/other").collaborator("boss", Role::Admin).file("README.md", "hello");
    let token = Token::classic("boss", &["repo"]);
    let emulator = start(Model::new().repository(site).repository(other).token(&token));
    let ssh = emulator.serve_ssh().unwrap();
    assert!(emulator.serve_ssh().is_err(), "there is one already");
    let keys = tempfile::tempdir().unwrap();
    let (writes, reads) = (generate(keys.path(), "writes"), generate(keys.path(), "reads"));
    fs::write(keys.path().join("hosts"), ssh.known_host()).unwrap();
    let clone = clone_with_commit(&emulator, "acme/site", &token, "new.txt");
    let push = |key: &str, slug: &str, branch: &str| {
        let folder = keys.path().display();
        let client = format!(
            "ssh -F none -i {folder}/{key} -o IdentitiesOnly=yes -o UserKnownHostsFile={folder}/hosts -o BatchMode=yes"
        );
        let mut command = Command::new("git");
        command.current_dir(clone.path()).env("GIT_SSH_COMMAND", client);
        let came = command.args(["push", &format!("{}/{slug}.git", ssh.url()), &format!("HEAD:refs/heads/{branch}")]);
        let came = came.output().unwrap();
        (came.status.success(), String::from_utf8_lossy(&came.stderr).into_owned())
    };
    assert!(!push("writes", "acme/site", "early").0, "a key that nobody added");

    let added = add(&emulator, KEYS, &token, &writes, false);
    assert_eq!(added.status, 201, "{}", added.text);
    assert_eq!(add(&emulator, KEYS, &token, &reads, true).status, 201);
    let listed = get(&emulator, "/repos/acme/site/keys", &token).json();
    let shown = listed.as_array().unwrap().iter().map(|key| key["read_only"].clone()).collect::<Vec<Value>>();
    assert_eq!(shown, [json!(false), json!(true)]);
    let again = add(&emulator, "/api/v3/repos/acme/other/keys", &token, &writes, false);
    assert_eq!((again.status, again.json()["errors"][0]["message"].as_str()), (422, Some("key is already in use")));
    assert_eq!(add(&emulator, KEYS, &token, "ssh-ed25519 nonsense", false).status, 422);

    let (done, told) = push("writes", "acme/site", "by-key");
    assert!(done, "{told}");
    assert!(emulator.repository("acme/site").tip("refs/heads/by-key").is_some());
    let (done, told) = push("reads", "acme/site", "by-reader");
    assert!(!done && told.contains("marked as read only"), "{told}");
    let (done, told) = push("writes", "acme/other", "by-key");
    assert!(!done && told.contains("Repository not found"), "{told}");

    let path = format!("{KEYS}/{}", added.json()["id"]);
    assert_eq!(call(&emulator, "DELETE", &path, Some(&token), &[], None).unwrap().status, 204);
    assert_eq!(call(&emulator, "DELETE", &path, Some(&token), &[], None).unwrap().status, 404);
    assert!(!push("writes", "acme/site", "late").0, "a key that was deleted");
    assert!(emulator.repository("acme/site").tip("refs/heads/late").is_none());
    let wrong = check(&emulator.log());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
