//! Commits, tags and refs made by REST: who may, what is signed, what is said first.

use serde_json::{Value, json};

use super::{
    super::{
        credentials::{Credential, Kind},
        scene::Scene,
        server::Stop,
    },
    Fact, Look, seen,
};

const ZERO: &str = "0000000000000000000000000000000000000000";

pub(crate) const FACTS: &[Fact] = &[
    Fact {
        id: "ref-by-a-reader",
        says: "Making a ref of an object that is not there is refused for the missing right (403) before the object is looked at.",
        code: "docs/limits.md: why no such request is used as a probe",
        kinds: &[Kind::FineGrainedRead, Kind::AppRead],
        expected: "403",
        look: nowhere,
    },
    Fact {
        id: "ref-by-a-writer",
        says: "Making a ref of an object that is not there is answered 422 to a token that may push.",
        code: "crates/diagnosis/src/classify/dispatch.rs: 422 is the request's fault, not the token's",
        kinds: Kind::WRITERS,
        expected: "422",
        look: nowhere,
    },
    Fact {
        id: "helper-ref",
        says: "A ref outside branches and tags can be made and deleted.",
        code: "src/push/signed.rs: the pack of a commit that GitHub signs is sent to `refs/repo-relay/ID`",
        kinds: Kind::WRITERS,
        expected: "201, 204",
        look: |scene, asker| {
            let name = format!("refs/repo-relay/live-{}", asker.kind);
            let body = json!({"ref": name, "sha": scene.tip});
            let made = scene.server.write(asker.bearer(), "POST", scene.target, "/git/refs", &body)?;
            let rest = format!("/git/{name}");
            let gone = scene.server.write(asker.bearer(), "DELETE", scene.target, &rest, &Value::Null)?;
            seen(format!("{}, {}", made.status, gone.status))
        },
    },
    Fact {
        id: "commit-signed-by-github",
        says: "A commit that an App makes by REST without author, committer and signature is signed by GitHub.",
        code: "src/push/signed.rs, `sign: github`: `verification.verified` of the answer decides",
        kinds: &[Kind::App],
        expected: "verified",
        look: |scene, asker| seen(commit(scene, asker, None)?),
    },
    Fact {
        id: "commit-with-an-author",
        says: "A commit that an App makes by REST with an author is not signed.",
        code: "src/inputs/groups.rs: `sign: github` and `author` exclude each other",
        kinds: &[Kind::App],
        expected: "unsigned",
        look: |scene, asker| seen(commit(scene, asker, Some(&person()))?),
    },
    Fact {
        id: "commit-of-a-person",
        says: "A commit that a personal access token makes by REST is not signed.",
        code: "src/preflight/rules/branch.rs: `sign: auto` falls back to no signature for these tokens",
        kinds: &[Kind::Classic, Kind::FineGrained],
        expected: "unsigned",
        look: |scene, asker| seen(commit(scene, asker, None)?),
    },
    Fact {
        id: "tag-object",
        says: "An annotated tag that an App makes by REST is not signed.",
        code: "src/tag.rs: tags are signed with `signing-key` alone",
        kinds: &[Kind::App],
        expected: "unsigned",
        look: |scene, asker| {
            let body = json!({"tag": "live-object", "message": "x", "object": scene.tip, "type": "commit"});
            let made = scene.server.write(asker.bearer(), "POST", scene.target, "/git/tags", &body)?;
            let made = made.success("The tag object cannot be made")?;
            seen(verdict(&made.json["verification"]))
        },
    },
    Fact {
        id: "hash-algorithm",
        says: "A repository tells its hash algorithm.",
        code: "crates/names/src/names/git.rs: `Oid` is SHA-1 alone; a SHA-256 repository is refused",
        kinds: &[],
        expected: "200 sha1",
        look: |scene, _| {
            let answer = scene.read("/hash-algorithm")?;
            seen(format!("{} {}", answer.status, answer.json["hash_algorithm"].as_str().unwrap_or_default()))
        },
    },
];

fn nowhere(scene: &Scene<'_>, asker: &Credential) -> Look {
    let body = json!({"ref": "refs/heads/live-nowhere", "sha": ZERO});
    seen(scene.server.write(asker.bearer(), "POST", scene.target, "/git/refs", &body)?.status.to_string())
}

fn person() -> Value {
    json!({"name": "repo-relay", "email": "repo-relay@example.test", "date": "2026-01-01T00:00:00Z"})
}

/// Makes a commit that no ref names, and says how its signature was judged.
fn commit(scene: &Scene<'_>, asker: &Credential, author: Option<&Value>) -> Result<String, Stop> {
    let tree = scene.read(&format!("/git/commits/{}", scene.tip))?.json["tree"]["sha"].clone();
    let mut body = json!({"message": "live", "tree": tree, "parents": [scene.tip]});
    if let Some(author) = author {
        body["author"] = author.clone();
    }
    let made = scene.server.write(asker.bearer(), "POST", scene.target, "/git/commits", &body)?;
    Ok(verdict(&made.success("The commit cannot be made")?.json["verification"]))
}

fn verdict(verification: &Value) -> String {
    if verification["verified"] == json!(true) {
        return "verified".to_owned();
    }
    verification["reason"].as_str().unwrap_or("no verdict").to_owned()
}
