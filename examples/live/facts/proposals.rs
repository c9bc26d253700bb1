//! Pull requests: what is refused, and in which words.

use serde_json::json;

use super::{
    super::{repositories::commit, scene::Scene, server::Stop},
    Fact, seen,
};

pub(crate) const FACTS: &[Fact] = &[
    Fact {
        id: "no-commits-between",
        says: "A pull request of a branch that brings nothing is refused: no commits between.",
        code: "src/push/pull_request.rs, crates/diagnosis/src/classify/rules.rs",
        kinds: &[],
        expected: "422 with No commits between",
        look: |scene, _| {
            branch(scene, "live-empty")?;
            let words = propose(scene, "live-empty")?.1;
            seen(known(&words, "422", "No commits between"))
        },
    },
    Fact {
        id: "twice-proposed",
        says: "A second pull request of the same branch is refused: one exists already.",
        code: "src/push/pull_request.rs: the one that is there is updated",
        kinds: &[],
        expected: "422 with A pull request already exists for",
        look: |scene, _| {
            branch(scene, "live-twice")?;
            commit(scene.server, scene.token(), scene.target, "live-twice", &[("live-twice.txt", "x\n")])?;
            propose(scene, "live-twice")?;
            seen(known(&propose(scene, "live-twice")?.1, "422", "A pull request already exists for"))
        },
    },
    Fact {
        id: "probe-for-the-right",
        says: "A pull request of a branch that is not there is refused with 422, and none is made.",
        code: "src/preflight/ask.rs: the check `pull-request` asks so for the right",
        kinds: &[],
        expected: "422 with Validation Failed",
        look: |scene, _| seen(known(&propose(scene, "live-not-there")?.1, "422", "Validation Failed")),
    },
    Fact {
        id: "merge-of-a-moved-head",
        says: "A merge that names another head than the pull request's is answered 409.",
        code: "src/push/pull_request.rs: the merge names the commit that was pushed",
        kinds: &[],
        expected: "409",
        look: |scene, _| {
            let number = fresh(scene, "live-moved")?;
            let body = json!({"sha": scene.tip});
            seen(merge(scene, number, &body)?.split(' ').next().unwrap_or_default())
        },
    },
    Fact {
        id: "merge-of-a-merged-one",
        says: "A merge of what is merged or closed is answered 405: not mergeable.",
        code: "src/push/pull_request.rs, crates/diagnosis/src/classify/rules.rs",
        kinds: &[],
        expected: "405 Pull Request is not mergeable",
        look: |scene, _| {
            let number = fresh(scene, "live-closed")?;
            let rest = format!("/pulls/{number}");
            let closed = scene.server.write(scene.auth(), "PATCH", scene.target, &rest, &json!({"state": "closed"}))?;
            closed.success("The pull request cannot be closed")?;
            seen(merge(scene, number, &json!({}))?)
        },
    },
    Fact {
        id: "auto-merge-refused",
        says: "Auto-merge is refused where nothing is to be waited for, or where it is not switched on.",
        code: "src/push/pull_request.rs, crates/github/src/operations.rs: the pull request is then merged at once, or the refusal told",
        kinds: &[],
        expected: "refused",
        look: |scene, _| {
            let number = fresh(scene, "live-auto")?;
            let node = scene.read(&format!("/pulls/{number}"))?.json["node_id"].clone();
            let query =
                "mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id}) { clientMutationId } }";
            let answer = scene.server.mutate(scene.auth(), scene.target, query, &json!({ "id": node }))?;
            let errors = answer.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
            let first = errors.first().and_then(|error| error["message"].as_str()).unwrap_or_default();
            let reasons = [
                "clean status",
                "Protected branch rules not configured",
                "Auto merge is not allowed",
                "auto-merge is not",
            ];
            let is_known = reasons.iter().any(|reason| first.to_lowercase().contains(&reason.to_lowercase()));
            seen(if is_known { "refused".to_owned() } else { format!("{} {first}", answer.status) })
        },
    },
];

/// The words where they hold `reason`, in the form in which rows expect them.
fn known(words: &str, status: &str, reason: &str) -> String {
    if words.starts_with(status) && words.contains(reason) {
        format!("{status} with {reason}")
    } else {
        words.to_owned()
    }
}

fn branch(scene: &Scene<'_>, name: &str) -> Result<(), Stop> {
    // Nothing else moves the default branch meanwhile, but earlier rows may have.
    let tip = scene.read(&format!("/git/ref/heads/{}", scene.main))?.json["object"]["sha"].clone();
    let body = json!({"ref": format!("refs/heads/{name}"), "sha": tip});
    let made = scene.server.write(scene.auth(), "POST", scene.target, "/git/refs", &body)?;
    made.success("A branch cannot be made").map(|_| ())
}

/// Proposes a branch: the pull request's number, and the answer's words.
fn propose(scene: &Scene<'_>, branch: &str) -> Result<(u64, String), Stop> {
    let body = json!({"title": "live", "head": branch, "base": scene.main});
    let answer = scene.server.write(scene.auth(), "POST", scene.target, "/pulls", &body)?;
    Ok((answer.json["number"].as_u64().unwrap_or_default(), answer.words()))
}

/// A pull request that could be merged.
fn fresh(scene: &Scene<'_>, name: &str) -> Result<u64, Stop> {
    branch(scene, name)?;
    commit(scene.server, scene.token(), scene.target, name, &[(&format!("{name}.txt"), "x\n")])?;
    let (number, words) = propose(scene, name)?;
    if number == 0 { Err(Stop::failed(format!("The pull request cannot be made: {words}"))) } else { Ok(number) }
}

fn merge(scene: &Scene<'_>, number: u64, body: &serde_json::Value) -> Result<String, Stop> {
    let rest = format!("/pulls/{number}/merge");
    Ok(scene.server.write(scene.auth(), "PUT", scene.target, &rest, body)?.words())
}
