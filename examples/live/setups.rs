//! The five set-ups of docs/recipes and the stages of a step, with every credential that writes.

use super::{
    credentials::{Credential, Kind},
    scene::Scene,
    server::Stop,
    step::Step,
    table::{Row, Table, Verdict},
};

/// A whole step: what it is for, its row, what the stages must come to, and the step itself.
struct SetUp {
    id: &'static str,
    says: &'static str,
    code: &'static str,
    kinds: &'static [Kind],
    expected: &'static str,
    run: fn(&Scene<'_>, &Credential) -> Result<String, Stop>,
}

/// Those that push.
const PUSHERS: &[Kind] = &[Kind::Classic, Kind::FineGrained, Kind::App, Kind::DeployKey];

const SET_UPS: &[SetUp] = &[
    SetUp {
        id: "stage-preflight",
        says: "A step without a plan checks the token and writes nothing.",
        code: "src/preflight",
        kinds: &[Kind::Classic, Kind::FineGrained, Kind::FineGrainedRead, Kind::App],
        expected: "preflight done",
        run: |scene, asker| stages(Step::of(scene, asker)?),
    },
    SetUp {
        id: "stage-dry-run",
        says: "A dry run checks everything and writes nothing.",
        code: "src/relay.rs",
        kinds: Kind::WRITERS,
        expected: "preflight done, push planned",
        run: |scene, asker| {
            let step = Step::of(scene, asker)?.file("site/index.html", "<h1>dry</h1>\n")?;
            stages(step.input("directory", "site").input("dry-run", "true"))
        },
    },
    SetUp {
        id: "set-up-documentation",
        says: "A folder goes to a destination of the target's gh-pages.",
        code: "docs/recipes, src/push/directory.rs",
        kinds: PUSHERS,
        expected: "preflight done, push done",
        run: |scene, asker| {
            let page = format!("<h1>{}</h1>\n", asker.kind);
            let step = Step::of(scene, asker)?.file("site/index.html", &page)?;
            stages(step.input("directory", "site").input("destination", format!("demo-{}", asker.kind)))
        },
    },
    SetUp {
        id: "set-up-release",
        says: "A branch and its tags go to the target.",
        code: "docs/recipes, src/push/refs.rs",
        kinds: PUSHERS,
        expected: "preflight done, push done",
        run: |scene, asker| {
            let tags = [format!("r1.0-{}", asker.kind), format!("r1.1-{}", asker.kind)];
            let step = Step::of(scene, asker)?.checkout(&[&tags[0], &tags[1]])?;
            stages(step.input("refs", format!("main:refs/heads/release-{}\nrefs/tags/*", asker.kind)))
        },
    },
    SetUp {
        id: "set-up-coverage",
        says: "A folder of the default branch is replaced, and everything else stays.",
        code: "docs/recipes, src/publish/tree/merge.rs",
        kinds: PUSHERS,
        expected: "preflight done, push done",
        run: |scene, asker| {
            let map = format!("<h1>90 % by {}</h1>\n", asker.kind);
            let step = Step::of(scene, asker)?.file("map/index.html", &map)?;
            stages(step.input("directory", "map").input("branch", &scene.main).input("destination", "coverage"))
        },
    },
    SetUp {
        id: "set-up-version-tag",
        says: "A tag starts the builds that listen to it, and they are waited for.",
        code: "docs/recipes, src/tag.rs, src/wait/expected.rs",
        kinds: Kind::WRITERS,
        expected: "preflight done, tag done, wait done",
        run: |scene, asker| {
            let step = Step::of(scene, asker)?.input("tag", format!("live-v2-{}", asker.kind));
            let step = step.input("tag-target", &scene.tip).input("tag-message", "Release {tag}");
            stages(step.input("wait-for", "live-tag.yml").input("wait", "completed").input("wait-timeout", "5m"))
        },
    },
    SetUp {
        id: "set-up-dispatch",
        says: "A repository_dispatch finds its own run by `{relay_id}`.",
        code: "docs/recipes, src/trigger/once.rs",
        kinds: Kind::WRITERS,
        expected: "preflight done, trigger done, wait done",
        run: |scene, asker| {
            let step = Step::of(scene, asker)?.input("dispatch", "live-part");
            let step = step.input("payload", r#"{"relay": "{relay_id}"}"#);
            stages(step.input("wait", "started").input("wait-timeout", "5m"))
        },
    },
    SetUp {
        id: "stage-workflow-dispatch",
        says: "A workflow_dispatch is waited for to its end.",
        code: "src/trigger, src/wait",
        kinds: Kind::WRITERS,
        expected: "preflight done, trigger done, wait done: success",
        run: |scene, asker| {
            let step = Step::of(scene, asker)?.input("workflow", "live-echo.yml");
            let step = step.input("workflow-inputs", r#"{"relay": "{relay_id}"}"#);
            let outcome = step.input("wait", "completed").input("wait-timeout", "5m").run()?;
            Ok(format!("{}: {}", outcome.stages(), outcome.output("run-conclusion")))
        },
    },
    SetUp {
        id: "stage-secret",
        says: "An Actions secret is sealed and set.",
        code: "src/secrets.rs",
        kinds: Kind::WRITERS,
        expected: "preflight done, secret done",
        run: |scene, asker| {
            let step = Step::of(scene, asker)?.input("secret-name", "LIVE_SECRET");
            stages(step.input("secret-value", uuid::Uuid::new_v4().to_string()))
        },
    },
    SetUp {
        id: "stage-pull-request",
        says: "A change of the default branch goes to a pull request.",
        code: "src/push/pull_request.rs",
        kinds: Kind::WRITERS,
        expected: "preflight done, push done: a pull request",
        run: |scene, asker| {
            let page = format!("proposed by {}\n", asker.kind);
            let step = Step::of(scene, asker)?.file("notes/note.txt", &page)?;
            let step = step.input("directory", "notes").input("branch", &scene.main);
            let step = step.input("destination", format!("notes-{}", asker.kind)).input("pull-request", "always");
            let outcome = step.run()?;
            let made = if outcome.output("pull-request").is_empty() { "none" } else { "a pull request" };
            Ok(format!("{}: {made}", outcome.stages()))
        },
    },
    SetUp {
        id: "stage-sign",
        says: "A commit is signed by GitHub and moves the branch.",
        code: "src/push/signed.rs",
        kinds: &[Kind::App],
        expected: "preflight done, push done: verified",
        run: |scene, asker| {
            let step = Step::of(scene, asker)?.file("site/index.html", "<h1>signed</h1>\n")?;
            let outcome =
                step.input("directory", "site").input("branch", "live-signed").input("sign", "github").run()?;
            let commit = scene.read(&format!("/git/commits/{}", outcome.output("commit")))?;
            let verified = commit.json["verification"]["verified"] == serde_json::json!(true);
            Ok(format!("{}: {}", outcome.stages(), if verified { "verified" } else { "not verified" }))
        },
    },
];

fn stages(step: Step<'_>) -> Result<String, Stop> {
    Ok(step.run()?.stages())
}

/// Runs all of them with every credential that is there, and adds their rows.
///
/// # Errors
/// A signal.
pub(crate) fn run(scene: &Scene<'_>, table: &mut Table) -> Result<(), Stop> {
    for set_up in SET_UPS {
        for &kind in set_up.kinds {
            if !table.wants(&format!("{}/{kind}", set_up.id)) {
                continue;
            }
            let came = match scene.credential(kind).map(|credential| (set_up.run)(scene, credential)) {
                None => Err(scene.missing(kind)),
                Some(Err(Stop::Interrupted)) => return Err(Stop::Interrupted),
                Some(Err(Stop::Failed(problem))) => Ok(format!("could not be run: {problem}")),
                Some(Ok(stages)) => Ok(stages),
            };
            let (seen, verdict) = match came {
                Err(reason) => (String::new(), Verdict::Skipped(reason)),
                Ok(stages) if stages == set_up.expected => (stages, Verdict::Holds),
                Ok(stages) => (stages, Verdict::Differs),
            };
            let SetUp { id, says, code, expected, .. } = set_up;
            table.add(Row { id: format!("{id}/{kind}"), says, code, expected: (*expected).to_owned(), seen, verdict });
        }
    }
    let reason = "would end a token of yours; the row `revocation` asks about one that never was".to_owned();
    if !table.wants("stage-revoke") {
        return Ok(());
    }
    table.add(Row {
        id: "stage-revoke".to_owned(),
        says: "An old token is revoked once every stage has succeeded.",
        code: "src/revoke.rs",
        expected: String::new(),
        seen: String::new(),
        verdict: Verdict::Skipped(reason),
    });
    Ok(())
}
