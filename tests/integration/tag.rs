//! Tags, by git alone.

use emulator::model::{Repository, Token};

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
