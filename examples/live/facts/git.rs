//! What git's side of the server does: the first request of a push, names and objects that it refuses.

use super::{
    super::{
        credentials::{Credential, Kind},
        scene::Scene,
        server::Auth,
        step::Step,
    },
    Fact, Finding, Look, seen,
};

pub(crate) const FACTS: &[Fact] = &[
    Fact {
        id: "push-probe-of-a-writer",
        says: "The first request of a push is answered 200 to a token that may push.",
        code: "src/preflight/ask.rs, crates/git/src/advertisement.rs: the advertisement is the proof that git may push",
        kinds: Kind::WRITERS,
        expected: "200",
        look: probe,
    },
    Fact {
        id: "push-probe-of-a-reader",
        says: "The first request of a push is answered 403 to a token that may only read the repository.",
        code: "src/preflight/target.rs: `permission` fails by it before anything is sent",
        kinds: &[Kind::FineGrainedRead, Kind::AppRead],
        expected: "403",
        look: probe,
    },
    Fact {
        id: "two-credentials",
        says: "git over HTTP answers 400 where two Authorization headers come.",
        code: "crates/diagnosis/src/classify/credentials.rs: `Duplicate header`; the check `checkout-credentials` warns of the leftover",
        kinds: &[],
        expected: "400",
        look: |scene, asker| {
            let answer = scene.server.receive_pack(Auth::GitTwice(&asker.token), scene.target)?;
            seen(answer.status.to_string())
        },
    },
    Fact {
        id: "no-rest-for-wikis",
        says: "A wiki is served by git alone: REST answers 404.",
        code: "crates/names/src/names.rs, src/connection.rs: of a wiki REST is never asked",
        kinds: &[],
        expected: "404",
        look: |scene, asker| {
            let answer = scene.server.read(asker.bearer(), &format!("/repos/{}.wiki", scene.target))?;
            seen(answer.status.to_string())
        },
    },
    Fact {
        id: "name-of-40-digits",
        says: "A branch named by 40 hexadecimal digits is refused (GH002).",
        code: "crates/names/src/names/git.rs, the check `ref-names`: refused before the push",
        kinds: &[],
        expected: "refused with GH002",
        look: |scene, asker| refused(scene, asker, &"0123456789".repeat(4), &["GH002"]),
    },
    Fact {
        id: "name-that-begins-with-refs",
        says: "A branch whose short name begins with `refs/` is refused (GH002).",
        code: "crates/names/src/names/git.rs, the check `ref-names`: refused before the push",
        kinds: &[],
        expected: "refused with GH002",
        look: |scene, asker| refused(scene, asker, "refs/live", &["GH002"]),
    },
    Fact {
        id: "name-of-256-bytes",
        says: "A ref name of more than 255 bytes is refused (GH005).",
        code: "crates/names/src/names/git.rs, the check `ref-names`: refused before the push",
        kinds: &[],
        expected: "refused with GH005",
        look: |scene, asker| {
            refused(scene, asker, &format!("live/{}", "x".repeat(200) + "/" + &"y".repeat(60)), &["GH005"])
        },
    },
    Fact {
        id: "checked-objects",
        says: "A push with a `.gitmodules` that git fsck calls an error is refused, and names the fault.",
        code: "crates/diagnosis/src/classify/repository.rs: the cause of a refused object is never tried again",
        kinds: &[],
        expected: "refused with gitmodulesUrl",
        look: |scene, asker| {
            let module = "[submodule \"a\"]\n\tpath = a\n\turl = --upload-pack=evil\n";
            let step = Step::of(scene, asker)?.file("site/.gitmodules", module)?;
            let outcome = step.input("directory", "site").input("branch", "live-fsck").run()?;
            let stages = outcome.stages();
            if stages.contains("push skipped") {
                return Ok(Finding::Skipped("the program refuses it before anything is sent".to_owned()));
            }
            seen(words(&outcome.remote(), outcome.succeeded, &stages, &["gitmodulesUrl"]))
        },
    },
];

fn probe(scene: &Scene<'_>, asker: &Credential) -> Look {
    seen(scene.server.receive_pack(asker.git(), scene.target)?.status.to_string())
}

/// Pushes a branch of this name although the check says that it will be refused.
fn refused(scene: &Scene<'_>, asker: &Credential, name: &str, codes: &[&str]) -> Look {
    let step = Step::of(scene, asker)?.checkout(&[])?;
    let outcome = step.input("refs", format!("HEAD:refs/heads/{name}")).input("ignore-checks", "ref-names").run()?;
    seen(words(&outcome.remote(), outcome.succeeded, &outcome.stages(), codes))
}

/// Whether a push was refused with one of these words.
fn words(remote: &str, succeeded: bool, stages: &str, codes: &[&str]) -> String {
    match codes.iter().find(|code| remote.contains(**code) || stages.contains(**code)) {
        Some(code) if !succeeded => format!("refused with {code}"),
        _ if succeeded => "accepted".to_owned(),
        _ => format!("refused otherwise: {stages}"),
    }
}
