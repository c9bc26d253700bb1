//! A release and its floating major in one step: `v1.4.2`, which never moves, and `+v1`, which follows it.

use emulator::faults::{Canned, Fault, FaultRule};

use crate::{
    runner::Step,
    world::{TARGET, World},
};

fn release(world: &World, tags: &str) -> Step {
    world.publish().input("tag", tags)
}

#[test]
fn a_release_and_its_floating_major_are_made_in_one_step() {
    let world = World::new();
    world.github.repository(TARGET).commit("refs/heads/gh-pages", &[("old", b"old")], "1.4.1");
    let old = world.tip("refs/heads/gh-pages").unwrap();
    world.github.repository(TARGET).set_ref("refs/tags/v1", Some(&old));
    world.github.repository(TARGET).set_ref("refs/tags/v1.4.1", Some(&old));
    let outcome = release(&world, "v1.4.2\n+v1").run();
    outcome.succeeded();
    let new = world.tip("refs/heads/gh-pages").unwrap();
    assert_eq!(outcome.output("commit"), new);
    assert_eq!((world.tip("refs/tags/v1.4.2"), world.tip("refs/tags/v1")), (Some(new.clone()), Some(new)));
    assert_eq!(world.tip("refs/tags/v1.4.1"), Some(old));
}

#[test]
fn a_second_run_never_moves_the_release_and_leaves_the_major_with_it() {
    let world = World::new();
    release(&world, "v1.4.2\n+v1").run().succeeded();
    let first = world.tip("refs/tags/v1.4.2").unwrap();
    let again = release(&world, "v1.4.2\n+v1").run();
    again.succeeded();
    assert_eq!((again.output("tag-created"), again.stage("tag").as_str()), ("false", "unchanged"));
    // Other content under the same version is refused before anything is written, the branch included.
    let other = release(&world, "v1.4.2\n+v1").file("site/index.html", "other").run();
    other.failed("tag-exists");
    for name in ["refs/heads/gh-pages", "refs/tags/v1.4.2", "refs/tags/v1"] {
        assert_eq!(world.tip(name).as_deref(), Some(&*first), "{name}");
    }
}

#[test]
fn a_major_never_moves_before_its_release_is_there() {
    // More than one push's worth of tags, the moving ones first in the list; the second push is refused for good.
    let world = World::new();
    let old = world.tip("refs/heads/main").unwrap();
    for name in ["v1", "latest", "stable"] {
        world.github.repository(TARGET).set_ref(&format!("refs/tags/{name}"), Some(&old));
    }
    let refused = Fault::Answer(Canned::error(403, "no"));
    world.github.fault(FaultRule::on("POST", "*/git-receive-pack", refused).nth(3));
    let outcome = release(&world, "+v1\n+latest\n+stable\nv1.4.2").run();
    assert_eq!(outcome.status, Some(1), "{outcome}");
    let new = world.tip("refs/heads/gh-pages").unwrap();
    assert_eq!(world.tip("refs/tags/v1.4.2"), Some(new.clone()), "{outcome}");
    // What was made before the refusal is told.
    assert_eq!(outcome.output("tag-created"), "true", "{outcome}");
    assert_eq!(outcome.report()["targets"][0]["refs"].as_array().unwrap().len(), 4, "{outcome}");
    for name in ["v1", "latest", "stable"] {
        let tip = world.tip(&format!("refs/tags/{name}")).unwrap();
        assert!(tip == old || tip == new, "{name}");
    }
    // The next run brings the rest, and makes nothing twice.
    release(&world, "+v1\n+latest\n+stable\nv1.4.2").run().succeeded();
    for name in ["v1", "latest", "stable", "v1.4.2"] {
        assert_eq!(world.tip(&format!("refs/tags/{name}")), Some(new.clone()), "{name}");
    }
}
