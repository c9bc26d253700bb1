//! Secrets and their keys, releases, revocation, visibility, renamed repositories.

use serde_json::{Value, json};

use super::{
    super::{credentials::Kind, scene::Scene},
    Fact, Finding, Look, seen,
};

pub(crate) const FACTS: &[Fact] = &[
    Fact {
        id: "visibility",
        says: "A repository tells its visibility in a word.",
        code: "crates/github/src/model.rs: `trailers: auto` looks at it",
        kinds: &[],
        expected: "private",
        look: |scene, _| seen(scene.read("")?.json["visibility"].as_str().unwrap_or("none").to_owned()),
    },
    Fact {
        id: "key-of-actions",
        says: "Actions secrets have a public key, its id a text.",
        code: "src/secrets.rs, crates/github/src/model.rs: an id that is a number is taken too",
        kinds: &[],
        expected: "key and text id",
        look: |scene, _| key(scene, "/actions"),
    },
    Fact {
        id: "key-of-dependabot",
        says: "Dependabot secrets have a public key of their own.",
        code: "crates/names/src/names/secret_scope.rs: `secret-scope: dependabot`",
        kinds: &[],
        expected: "key and text id",
        look: |scene, _| key(scene, "/dependabot"),
    },
    Fact {
        id: "key-of-codespaces",
        says: "Codespaces secrets have a public key of their own.",
        code: "crates/names/src/names/secret_scope.rs: `secret-scope: codespaces`",
        kinds: &[Kind::Classic],
        expected: "key and text id",
        look: |scene, _| key(scene, "/codespaces"),
    },
    Fact {
        id: "key-of-an-environment",
        says: "Secrets of an environment have a public key of their own.",
        code: "crates/names/src/names/secret_scope.rs: `secret-scope: environment:NAME`",
        kinds: &[],
        expected: "key and text id",
        look: |scene, _| {
            let made = scene.server.write(scene.auth(), "PUT", scene.target, "/environments/live", &json!({}))?;
            if made.status >= 400 {
                return Ok(Finding::Skipped(format!("environments cannot be made here: {}", made.words())));
            }
            key(scene, "/environments/live")
        },
    },
    Fact {
        id: "no-environment",
        says: "The key of an environment that is not there is answered 404.",
        code: "src/preflight/ask.rs: a missing environment is found before the write",
        kinds: &[],
        expected: "404",
        look: |scene, _| seen(scene.read("/environments/live-none/secrets/public-key")?.status.to_string()),
    },
    Fact {
        id: "immutable-release",
        says: "A release says whether it is immutable.",
        code: "src/preflight/ask/tag.rs: the check `tag` fails where an immutable release holds the tag",
        kinds: &[],
        expected: "immutable false",
        look: |scene, _| {
            let body = json!({"tag_name": "live-release", "name": "live"});
            let made = scene.server.write(scene.auth(), "POST", scene.target, "/releases", &body)?;
            made.success("The release cannot be made")?;
            let found = scene.read("/releases/tags/live-release")?;
            seen(format!("immutable {}", found.json["immutable"]))
        },
    },
    Fact {
        id: "revocation",
        says: "A request to revoke credentials bears no credential and is answered 202, also for a token that never was.",
        code: "src/revoke.rs: 202 is success, and proves nothing about the token",
        kinds: &[],
        expected: "202",
        look: |scene, _| seen(scene.server.revoke_unknown()?.status.to_string()),
    },
    Fact {
        id: "rules-of-a-branch",
        says: "The rules of a branch can be read by every token that sees the repository, also of a branch that is not there.",
        code: "src/preflight/ask.rs: the check `branch-rules`",
        kinds: &[Kind::Classic, Kind::FineGrained, Kind::FineGrainedRead, Kind::App],
        expected: "200 and a list",
        look: |scene, asker| {
            let answer =
                scene.server.read(asker.bearer(), &format!("/repos/{}/rules/branches/live-none", scene.target))?;
            if answer.status == 403 && answer.words().contains("Upgrade") {
                return Ok(Finding::Skipped("rules of private repositories need a paid plan".to_owned()));
            }
            let list = if answer.json.is_array() { "and a list" } else { "and no list" };
            seen(format!("{} {list}", answer.status))
        },
    },
    Fact {
        id: "renamed-read",
        says: "A GET of a repository's former name is led to /repositories/ID.",
        code: "crates/http/src/http.rs, src/preflight/target.rs: the redirect is followed on the same server, and told",
        kinds: &[],
        expected: "led to /repositories/ID",
        // Renames the source, which nothing after this row needs under its own name.
        look: |scene, _| renamed(scene, false),
    },
    Fact {
        id: "renamed-write",
        says: "A write to a repository's former name is led to /repositories/ID with its body.",
        code: "crates/http/src/http.rs: 307 is followed with whatever can be sent again",
        kinds: &[],
        expected: "led to /repositories/ID",
        look: |scene, _| renamed(scene, true),
    },
];

fn key(scene: &Scene<'_>, place: &str) -> Look {
    let answer = scene.read(&format!("{place}/secrets/public-key"))?;
    if answer.status == 403 && place == "/codespaces" {
        return Ok(Finding::Skipped(format!("the token may not: {}", answer.words())));
    }
    let (id, key) = (&answer.json["key_id"], &answer.json["key"]);
    match (key.is_string(), id) {
        (true, Value::String(_)) => seen("key and text id"),
        (true, Value::Number(_)) => seen("key and number id"),
        _ => seen(answer.words()),
    }
}

/// Renames the source away and back, and asks for it under its former name between the two.
fn renamed(scene: &Scene<'_>, write: bool) -> Look {
    if !scene.options.make {
        return Ok(Finding::Skipped("a repository that was named is not renamed".to_owned()));
    }
    let name = scene.source.split_once('/').map(|(_, name)| name).unwrap_or_default();
    // The guard knows this name too.
    let moved = format!("{}-moved", scene.source);
    let away = json!({"name": format!("{name}-moved")});
    scene.server.write(scene.auth(), "PATCH", scene.source, "", &away)?.success("The source cannot be renamed")?;
    let answer = if write {
        scene.server.write(scene.auth(), "PATCH", scene.source, "", &json!({"has_wiki": true}))
    } else {
        scene.server.read(scene.auth(), &format!("/repos/{}", scene.source))
    };
    let back = scene.server.write(scene.auth(), "PATCH", &moved, "", &json!({ "name": name }))?;
    back.success("The source cannot be named as before")?;
    let answer = answer?;
    let led = answer.path.contains("/repositories/");
    seen(if led && answer.status == 200 {
        "led to /repositories/ID".to_owned()
    } else {
        format!("{} at {}", answer.status, answer.path)
    })
}
