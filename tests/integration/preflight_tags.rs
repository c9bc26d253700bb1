//! The check `tag`: free, as `tag-exists` allows, and open to this actor by the rulesets of tags.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{BypassActor, Enforcement, Repository, Ruleset, Target, Token},
};
use serde_json::json;

use crate::{
    runner::Step,
    world::{TARGET, World},
};

fn with(rules: Ruleset) -> World {
    let repository = Repository::new(TARGET).file("a", "a").tag("v1").file("b", "b").ruleset(rules);
    World::with(repository, Token::classic("robin", &["repo"]))
}

fn tag(world: &World, name: &str) -> Step {
    world.step().input("tag", name).input("tag-target", "main")
}

#[test]
fn a_tag_that_is_there_fails_or_passes_as_tag_exists_says() {
    let world = with(Ruleset::new("none", Target::Branch, &["~ALL"]).rule("deletion"));
    for exists in ["keep", "fail"] {
        let step = tag(&world, "v1").input("tag-exists", exists);
        world.refuses(step, "tag", "tag-exists");
    }
    assert_eq!(tag(&world, "v2").run().succeeded().check("tag"), "pass");
    assert_eq!(tag(&world, "v2").run().succeeded().check("tag"), "pass", "kept");
    assert_eq!(tag(&world, "+v1").run().succeeded().check("tag"), "pass", "moved");
}

#[test]
fn a_tag_ruleset_is_read_with_its_patterns() {
    let creation = |include: &[&str]| Ruleset::new("releases", Target::Tag, include).rule("creation");
    let world = with(creation(&["refs/tags/v*"]));
    let outcome = world.refuses(tag(&world, "v2"), "tag", "protected-tag");
    let message = outcome.message("tag");
    assert!(message.contains("releases") && message.contains("/settings/rules"), "{message}");
    assert_eq!(tag(&world, "release/v2").run().succeeded().check("tag"), "pass");
    let world = with(creation(&["~ALL"]).except("refs/tags/test-*"));
    world.refuses(tag(&world, "v2"), "tag", "protected-tag");
    assert_eq!(tag(&world, "test-1").run().succeeded().check("tag"), "pass");
    let world = with(creation(&["~ALL"]).enforcement(Enforcement::Evaluate));
    assert_eq!(tag(&world, "v2").run().succeeded().check("tag"), "pass");
}

#[test]
fn moving_a_tag_is_another_rule_than_making_one() {
    let world = with(Ruleset::new("fixed", Target::Tag, &["~ALL"]).rule("update"));
    assert_eq!(tag(&world, "v2").run().succeeded().check("tag"), "pass");
    world.refuses(tag(&world, "+v1"), "tag", "protected-tag");
    assert_eq!(tag(&world, "+v2").run().succeeded().check("tag"), "pass", "it is where it should be");
}

#[test]
fn names_are_held_to_their_pattern() {
    let demand = json!({"operator": "regex", "pattern": "^v[0-9]+$", "negate": false});
    let world = with(Ruleset::new("names", Target::Tag, &["~ALL"]).rule_with("tag_name_pattern", demand));
    let outcome = world.refuses(tag(&world, "latest"), "tag", "protected-tag");
    assert!(outcome.message("tag").contains("^v[0-9]+$"), "{}", outcome.message("tag"));
    assert_eq!(tag(&world, "v2").run().succeeded().check("tag"), "pass");
}

#[test]
fn who_may_bypass_a_tag_ruleset_is_let_through() {
    let rules = Ruleset::new("releases", Target::Tag, &["~ALL"]).rule("creation");
    let world = with(rules.bypassed_by(BypassActor::TeamMember("robin".to_owned()), "always"));
    assert_eq!(tag(&world, "v2").run().succeeded().check("tag"), "pass");
}

#[test]
fn a_rule_that_may_or_may_not_hold_is_a_warning() {
    let world = with(Ruleset::new("odd", Target::Tag, &["~ALL"]).rule("a_rule_of_tomorrow"));
    let outcome = tag(&world, "v2").run();
    outcome.succeeded();
    assert_eq!((outcome.check("tag"), outcome.cause("tag")), ("warn".to_owned(), "protected-tag".to_owned()));
    world.github.clear_log(); // GitHub's description of itself does not know this rule either.
}

#[test]
fn tag_rulesets_that_can_not_be_asked_for_are_skipped() {
    let refusal = || Fault::Answer(Canned::error(403, "Resource not accessible by personal access token"));
    for path in ["*/rulesets", "*/rulesets/*"] {
        let world = with(Ruleset::new("quiet", Target::Tag, &["refs/tags/other"]).rule("creation"));
        world.github.fault(FaultRule::on("GET", path, refusal()));
        let outcome = tag(&world, "v2").run();
        outcome.succeeded();
        assert_eq!(outcome.check("tag"), "skip", "{path}");
        assert_eq!(outcome.cause("tag"), "check-not-permitted", "{path}");
    }
}
