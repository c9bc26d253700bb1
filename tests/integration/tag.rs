//! Tags, by git alone.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Repository, Token},
};

use crate::world::{TARGET, World};

#[test]
fn the_commit_just_pushed_is_tagged() {
    let world = World::new();
    let outcome = world.publish().input("tag", "v1.4.2").run();
    outcome.succeeded();
    assert_eq!(outcome.output("tag"), "v1.4.2");
    assert_eq!(outcome.output("tag-created"), "true");
    assert_eq!(world.tip("refs/tags/v1.4.2").unwrap(), outcome.output("commit"));
}

#[test]
fn an_annotated_tag_carries_its_message() {
    let world = World::new();
    world.publish().input("tag", "v2").input("tag-message", "Release {tag} of {repository}").run().succeeded();
    assert_eq!(world.git(&["cat-file", "-t", "refs/tags/v2"]), "tag");
    assert_eq!(
        world.git(&["for-each-ref", "--format=%(contents:subject)", "refs/tags/v2"]),
        "Release v2 of acme/source"
    );
    assert_eq!(world.git(&["rev-parse", "v2^{commit}"]), world.tip("refs/heads/gh-pages").unwrap());
    world.git(&["fsck", "--strict"]);
}

#[test]
fn any_commit_branch_or_tag_of_the_target_can_be_tagged() {
    let world = World::new();
    let main = world.tip("refs/heads/main").unwrap();
    world.github.repository(TARGET).commit("refs/heads/main", &[("b", b"b")], "second");
    world.step().input("tag", "old").input("tag-target", &main).run().succeeded();
    assert_eq!(world.tip("refs/tags/old").unwrap(), main);
    world.step().input("tag", "new").input("tag-target", "main").run().succeeded();
    assert_eq!(world.tip("refs/tags/new"), world.tip("refs/heads/main"));
    world.step().input("tag", "annotated").input("tag-target", "old").input("tag-message", "m").run().succeeded();
    world.step().input("tag", "again").input("tag-target", "annotated").run().succeeded();
    assert_eq!(world.git(&["rev-parse", "again^{commit}"]), main);
}

#[test]
fn a_target_that_is_not_there_is_said() {
    let world = World::new();
    let missing = "1111111111111111111111111111111111111111";
    world.step().input("tag", "v1").input("tag-target", missing).run().failed("invalid-ref-or-object");
    world.step().input("tag", "v1").input("tag-target", "no-such-branch").run().failed("invalid-ref-or-object");
    // GITHUB_SHA, which only the source has.
    world.step().input("tag", "v1").run().failed("invalid-ref-or-object");
    assert_eq!(world.tip("refs/tags/v1"), None);
}

#[test]
fn a_tag_that_is_there_is_kept_refused_or_moved() {
    let world = World::with(Repository::new(TARGET).file("a", "a").tag("v1"), Token::classic("robin", &["repo"]));
    let before = world.tip("refs/tags/v1").unwrap();
    let same = world.step().input("tag", "v1").input("tag-target", "main").run();
    same.succeeded();
    assert_eq!(same.output("tag-created"), "false");
    assert_eq!(same.stage("tag"), "unchanged");
    world.step().input("tag", "v1").input("tag-target", "main").input("tag-exists", "fail").run().failed("tag-exists");
    world.github.repository(TARGET).commit("refs/heads/main", &[("b", b"b")], "second");
    world.step().input("tag", "v1").input("tag-target", "main").run().failed("tag-exists");
    assert_eq!(world.tip("refs/tags/v1").unwrap(), before);
    let moved = world.step().input("tag", "v1").input("tag-target", "main").input("tag-exists", "move").run();
    moved.succeeded();
    assert_eq!(moved.output("tag-created"), "true");
    assert_eq!(world.tip("refs/tags/v1"), world.tip("refs/heads/main"));
}

const ON_TAG: &str = "name: release\non:\n  push:\n    tags: ['v*']\n";

#[test]
fn many_tags_start_their_workflow_each() {
    let world = World::with(
        Repository::new(TARGET).workflow("release.yml", ON_TAG),
        Token::classic("robin", &["repo", "workflow"]),
    );
    let outcome = world
        .step()
        .input("tag", "v1.0\nv1.1\nv1.2\n+v1\nv2.0\nv2.1\nv2.2")
        .input("tag-target", "main")
        .input("wait-for", "release.yml")
        .run();
    outcome.succeeded();
    assert_eq!(world.github.log().pushes().iter().map(|push| push.updates.len()).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(world.github.runs(TARGET).len(), 7, "more than three in one push would start nothing");
    assert_eq!(outcome.report()["targets"][0]["runs"].as_array().unwrap().len(), 7, "{outcome}");
    assert_eq!(outcome.output("tag"), "v1.0\nv1.1\nv1.2\nv1\nv2.0\nv2.1\nv2.2");
}

#[test]
fn the_branch_that_is_published_does_not_count_among_the_tags_of_a_push() {
    let both = "on:\n  push:\n    branches: [gh-pages]\n    tags: ['v*']\n";
    let target = Repository::new(TARGET).files("gh-pages", &[(".github/workflows/release.yml", both)]);
    let world = World::with(target.workflow("release.yml", both), Token::classic("robin", &["repo", "workflow"]));
    let outcome = world.publish().input("tag", "v1\nv2\nv3\nv4").input("wait-for", "release.yml").run();
    outcome.succeeded();
    assert_eq!(world.github.log().pushes().iter().map(|push| push.updates.len()).collect::<Vec<_>>(), [1, 3, 1]);
    assert_eq!(world.github.runs(TARGET).len(), 5, "{outcome}");
    assert_eq!(outcome.report()["targets"][0]["runs"].as_array().unwrap().len(), 5, "{outcome}");
}

#[test]
fn a_tag_whose_workflow_files_are_on_no_branch_is_explained() {
    use emulator::model::Level::{Read, Write};
    let unable = [
        Token::classic("robin", &["repo"]),
        World::fine_grained(&[("contents", Write), ("metadata", Read)]),
        Token::installation("helper", "acme", &[TARGET], &[("contents", Write), ("metadata", Read)]),
    ];
    for token in unable {
        let world = World::with(Repository::new(TARGET).file("a", "a"), token);
        let target = world.github.repository(TARGET);
        let commit = target.commit("refs/heads/tmp", &[(".github/workflows/release.yml", ON_TAG.as_bytes())], "m");
        target.set_ref("refs/heads/tmp", None);
        // The commit is the target's alone, and on none of its branches.
        let outcome = world.step().input("tag", "v1").input("tag-target", &commit).run();
        outcome.failed("missing-workflow-scope");
        assert!(outcome.stdout.contains("orkflow"), "{outcome}");
        assert_eq!(world.tip("refs/tags/v1"), None);
    }
    let world = World::with(Repository::new(TARGET).file("a", "a"), Token::classic("robin", &["repo", "workflow"]));
    let target = world.github.repository(TARGET);
    let commit = target.commit("refs/heads/tmp", &[(".github/workflows/release.yml", ON_TAG.as_bytes())], "m");
    target.set_ref("refs/heads/tmp", None);
    world.step().input("tag", "v1").input("tag-target", &commit).run().succeeded();
    assert_eq!(world.tip("refs/tags/v1").unwrap(), commit);
}

#[test]
fn a_moved_tag_is_swapped_for_the_value_that_was_seen() {
    let world = World::with(Repository::new(TARGET).file("a", "a").tag("v1"), Token::classic("robin", &["repo"]));
    let target = world.github.repository(TARGET);
    let second = target.commit("refs/heads/main", &[("b", b"b")], "second");
    let third = target.commit("refs/heads/main", &[("c", b"c")], "third");
    // Another push moves it between the look and ours.
    let other = second.clone();
    world.github.fault(
        FaultRule::on(
            "POST",
            "*/git-receive-pack",
            Fault::race(move |target| target.set_ref("refs/tags/v1", Some(&other))),
        )
        .first(1),
    );
    world.step().input("tag", "+v1").input("tag-target", "main").run().succeeded();
    assert_eq!(world.tip("refs/tags/v1").unwrap(), third);
    let updates: Vec<String> = world.github.log().pushes().iter().map(|push| push.updates[0].old.clone()).collect();
    assert_eq!(updates.last(), Some(&second), "the second try names what the other push left: {updates:?}");
}

#[test]
fn a_tag_whose_answer_got_lost_is_looked_up() {
    for fault in [Fault::ResetAfter, Fault::AnswerAfter(Canned::bad_gateway()), Fault::Reset] {
        let world = World::with(
            Repository::new(TARGET).workflow("release.yml", ON_TAG),
            Token::classic("robin", &["repo", "workflow"]),
        );
        world.github.fault(FaultRule::on("POST", "*/git-receive-pack", fault).first(1));
        let outcome = world.step().input("tag", "v1").input("tag-target", "main").run();
        outcome.succeeded();
        assert_eq!(outcome.output("tag-created"), "true");
        assert_eq!(world.github.runs(TARGET).len(), 1);
    }
}
