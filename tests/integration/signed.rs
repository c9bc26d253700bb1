//! `sign: github`: the commit is GitHub's, verified, and nothing is left of the way that it took.

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Account, Level, Model, Repository, Ruleset, Target, Token},
};
use rustix::process::Signal;

use crate::{
    runner::{Outcome, Step},
    world::{TARGET, World},
};

const PUSH: &str = "/acme/site.git/git-receive-pack";
const COMMITS: &str = "*/repos/acme/site/git/commits";

fn bot() -> Token {
    Token::installation("relay-bot", "acme", &[TARGET], &[("contents", Level::Write), ("workflows", Level::Write)])
}

fn site() -> Repository {
    Repository::new(TARGET).file("README.md", "hello\n").files("gh-pages", &[("old/page.html", "old\n")])
}

fn world() -> World {
    World::with(site(), bot())
}

fn signed(world: &World) -> Step {
    world.publish().input("sign", "github")
}

/// Waits for a condition.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "the condition is another process's")]
fn until(holds: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "it did not come to that");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Nothing is left of the way: no scratch ref, and no run but those of the branch.
#[track_caller]
fn clean(world: &World) {
    let refs = world.github.repository(TARGET).refs();
    let left: Vec<_> = refs.keys().filter(|name| name.starts_with("refs/repo-relay/")).collect();
    assert!(left.is_empty(), "left over: {left:?}");
}

/// What GitHub says of the commit.
fn verification(world: &World, revision: &str) -> (bool, String) {
    let id = world.git(&["rev-parse", revision]);
    let people = world.git(&["log", "-1", "--format=%an|%ce", &id]);
    let verified = world.git(&["cat-file", "commit", &id]).contains("gpgsig -----BEGIN PGP SIGNATURE-----");
    (verified, people)
}

#[track_caller]
fn lands(world: &World, outcome: &Outcome) {
    outcome.succeeded();
    let (verified, people) = verification(world, "gh-pages");
    assert!(verified, "{people}");
    assert_eq!(people, "relay-bot[bot]|noreply@github.com");
    assert_eq!(world.tip("refs/heads/gh-pages").unwrap(), outcome.output("commit"));
    clean(world);
    world.git(&["fsck", "--strict"]);
}

#[test]
fn github_makes_the_commit_with_one_request_more() {
    let plain = world();
    plain.publish().run().succeeded();
    let world = world();
    let outcome = signed(&world).input("tag", "v1").run();
    lands(&world, &outcome);
    assert!(outcome.message("branch-rules").contains("GitHub makes and signs the commit"), "{outcome}");
    assert!(outcome.summary.contains("signed the commit"), "{}", outcome.summary);
    assert_eq!(world.tip("refs/tags/v1"), world.tip("refs/heads/gh-pages"));
    let rest = |world: &World| world.github.log().0.iter().filter(|entry| entry.path.starts_with("/api/")).count();
    let pushes = |world: &World| world.github.log().pushes().len();
    // The tag is a push of its own.
    assert_eq!((rest(&world), pushes(&world)), (rest(&plain) + 1, pushes(&plain) + 2));
    assert!(world.git(&["log", "-1", "--format=%B", "gh-pages"]).contains("Relay-Source: acme/source@"));
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "2");
    let again = signed(&world).run();
    again.succeeded();
    assert_eq!(again.stage("push"), "unchanged");
}

#[test]
fn every_form_of_a_publish_can_be_signed() {
    let single = world();
    lands(&single, &signed(&single).input("history", "single").run());
    assert_eq!(single.git(&["rev-list", "--count", "gh-pages"]), "1");
    let inside = world();
    lands(&inside, &signed(&inside).input("destination", "docs/api").run());
    assert_eq!(inside.paths("gh-pages"), ["docs/api/index.html", "old/page.html"]);
    let removed = world();
    lands(&removed, &removed.step().input("sign", "github").input("remove", "true").input("destination", "old").run());
    let fresh = World::with(Repository::new(TARGET).file("README.md", "r"), bot());
    lands(&fresh, &signed(&fresh).run());
    let odd = world();
    let step =
        signed(&odd).file("site/run.sh", "#!/bin/sh\n").input("message", "Über \"alles\" \\ \u{1F680}\n\n- a\n- b");
    std::fs::set_permissions(step.workspace().join("site/run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    std::os::unix::fs::symlink("index.html", step.workspace().join("site/latest")).unwrap();
    lands(&odd, &step.run());
    let modes = odd.git(&["ls-tree", "gh-pages", "run.sh", "latest"]);
    assert!(modes.contains("100755") && modes.contains("120000"), "{modes}");
    assert!(odd.git(&["log", "-1", "--format=%B", "gh-pages"]).starts_with("Über \"alles\" \\ \u{1F680}\n\n- a\n- b"));
}

#[test]
fn auto_signs_where_the_rules_ask_for_it_and_nothing_else_would_do() {
    let rules = || Ruleset::new("signed", Target::Branch, &["refs/heads/gh-pages"]).rule("required_signatures");
    let world = World::with(site().ruleset(rules()), bot());
    let outcome = world.publish().run();
    lands(&world, &outcome);
    assert!(outcome.message("branch-rules").contains("the rules ask for verified signatures"), "{outcome}");
    let refused = |world: &World, step: Step, words: &str| {
        let outcome = world.refuses(step, "branch-rules", "required-signatures");
        assert!(outcome.message("branch-rules").contains(words), "{outcome}");
    };
    let world = World::with(site().ruleset(rules()), bot());
    refused(&world, world.publish().input("sign", "no"), "`sign: no`");
    refused(&world, world.publish().input("author", "Ada <ada@example.test>"), "Remove `author`");
    let dry = world.publish().input("dry-run", "true").run();
    dry.succeeded();
    assert!(dry.summary.contains("GitHub would make and sign"), "{}", dry.summary);
    let user = World::with(site().ruleset(rules()), Token::classic("robin", &["repo"]));
    refused(&user, user.publish(), "token of an App");
    let free = self::world();
    free.publish().run().succeeded();
    assert!(!verification(&free, "gh-pages").0, "no rule asks for it");
}

#[test]
fn a_token_that_github_does_not_sign_for_is_named() {
    for token in [Token::classic("robin", &["repo"]), World::fine_grained(&[("contents", Level::Write)])] {
        let world = World::with(site(), token);
        let outcome = signed(&world).run();
        outcome.failed("invalid-input");
        assert!(outcome.stdout.contains("signs only what bots commit"), "{outcome}");
        assert!(world.github.log().0.is_empty());
    }
    let world = world();
    signed(&world).input("author", "Ada <ada@example.test>").run().failed("invalid-input");
}

#[test]
fn a_server_that_does_not_sign_leaves_the_branch_alone() {
    let model = Model::new().repository(site()).set(|settings| settings.web_commit_signing = false);
    let off = World::of(model, bot());
    let before = off.tip("refs/heads/gh-pages");
    let outcome = signed(&off).run();
    outcome.failed("required-signatures");
    assert!(outcome.stdout.contains("did not sign it (unsigned)"), "{outcome}");
    assert_eq!(off.tip("refs/heads/gh-pages"), before);
    clean(&off);
    let old = world();
    old.github.fault(FaultRule::on(
        "POST",
        COMMITS,
        Fault::rewrite(|body| {
            body.as_object_mut().unwrap().remove("verification");
        }),
    ));
    signed(&old).run().failed("required-signatures");
    clean(&old);
}

#[test]
fn a_lost_race_is_merged_and_signed_again() {
    let world = world();
    let moved = Fault::race(|repository| {
        repository.commit("refs/heads/gh-pages", &[("other/page", b"x")], "another publish");
    });
    // The first push brings the tree, the second moves the branch.
    world.github.fault(FaultRule::on("POST", PUSH, moved).nth(2));
    let outcome = signed(&world).input("destination", "mine").input("attempts", "1").run();
    lands(&world, &outcome);
    assert_eq!(world.paths("gh-pages"), ["mine/index.html", "old/page.html", "other/page"]);
}

#[test]
fn whatever_fails_nothing_is_left_over() {
    let refused = || Fault::Answer(Canned::error(403, "Resource not accessible by integration"));
    for (method, path, nth) in [("POST", COMMITS, 1), ("POST", PUSH, 2), ("POST", PUSH, 1)] {
        let world = world();
        let before = world.tip("refs/heads/gh-pages");
        world.github.fault(FaultRule::on(method, path, refused()).nth(nth));
        let outcome = signed(&world).run();
        assert_eq!(outcome.status, Some(1), "{outcome}");
        assert_eq!(world.tip("refs/heads/gh-pages"), before);
        clean(&world);
    }
}

#[test]
fn an_old_scratch_ref_is_deleted_by_the_next_step() {
    let world = world();
    let repository = world.github.repository(TARGET);
    let tip = repository.tip("refs/heads/gh-pages");
    let name = |age: i64| format!("refs/repo-relay/{}-abc", chrono::Utc::now().timestamp() - age);
    let (old, fresh) = (name(25 * 3600), name(3600));
    repository.set_ref(&old, tip.as_deref());
    repository.set_ref(&fresh, tip.as_deref());
    world.publish().run().succeeded();
    let refs = repository.refs();
    assert!(!refs.contains_key(&old) && refs.contains_key(&fresh), "{refs:?}");
}

#[test]
fn a_step_that_is_stopped_takes_its_scratch_ref_away() {
    for silent in [COMMITS, PUSH] {
        let world = world();
        let nth = if silent == PUSH { 2 } else { 1 };
        world.github.fault(FaultRule::on("POST", silent, Fault::SilenceAfter).nth(nth));
        let step = signed(&world);
        let running = step.start();
        let scratch = || world.github.repository(TARGET).refs().keys().any(|name| name.starts_with("refs/repo-relay/"));
        until(|| (scratch() || nth == 2) && world.github.unused_faults().is_empty());
        let outcome = step.ended_by(running, Signal::TERM);
        outcome.failed("cancelled");
        clean(&world);
    }
}

#[test]
fn racing_signed_publishers_to_many_destinations_all_land() {
    const COUNT: usize = 20;
    let world = world();
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let one =
            |number: usize| signed(&world).input("destination", format!("previews/{number}")).input("attempts", "2");
        let running: Vec<_> = (0..COUNT).map(|number| scope.spawn(move || one(number).run())).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for outcome in &outcomes {
        outcome.succeeded();
    }
    let paths = world.paths("gh-pages");
    assert!((0..COUNT).all(|number| paths.contains(&format!("previews/{number}/index.html"))), "{paths:?}");
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), (COUNT + 1).to_string());
    clean(&world);
}

#[test]
fn of_several_targets_each_is_signed_and_one_that_refuses_keeps_its_branch() {
    const COUNT: usize = 5;
    let name = |number: usize| format!("acme/site{number}");
    let names: Vec<String> = (0..COUNT).map(name).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let token = Token::installation("relay-bot", "acme", &all, &[("contents", Level::Write)]);
    let old = |name: &String| Repository::new(name).files("gh-pages", &[("old.html", "old")]);
    let model = names.iter().map(old).fold(Model::new().token(&token), Model::repository);
    let github = crate::leaks::Judged::start(model);
    let before: Vec<_> = names.iter().map(|name| github.repository(name).tip("refs/heads/gh-pages")).collect();
    // One target makes no commit, another one takes the tree and then refuses to move its branch.
    let refused = || Fault::Answer(Canned::error(403, "Resource not accessible by integration"));
    github.fault(FaultRule::on("POST", "*/repos/acme/site1/git/commits", refused()));
    github.fault(FaultRule::on("POST", "/acme/site3.git/git-receive-pack", refused()).nth(2));
    let outcome = Step::new(github.url())
        .input("repository", names.join("\n"))
        .input("token", token.value())
        .input("directory", "site")
        .input("sign", "github")
        .file("site/index.html", "hello")
        .run();
    assert_eq!(outcome.status, Some(1), "{outcome}");
    let report = outcome.report();
    for (number, name) in names.iter().enumerate() {
        let repository = github.repository(name);
        let fails = number == 1 || number == 3;
        let told = &report["targets"][number];
        assert_eq!(told["error"] != "", fails, "{name}: {outcome}");
        let left: Vec<_> = repository.refs().into_keys().filter(|name| name.starts_with("refs/repo-relay/")).collect();
        assert!(left.is_empty(), "{name}: {left:?}");
        let tip = repository.tip("refs/heads/gh-pages");
        assert_eq!(tip == before[number], fails, "{name}");
        if !fails {
            let bare = git2::Repository::open_bare(repository.path()).unwrap();
            let commit = bare.find_commit(tip.unwrap().parse().unwrap()).unwrap();
            assert!(commit.header_field_bytes("gpgsig").unwrap().starts_with(b"-----BEGIN PGP"), "{name}");
            assert_eq!(told["refs"][0]["new"], commit.id().to_string(), "{name}");
        }
        let commits = github.log().calls("POST", &format!("/repos/{name}/git/commits")).len();
        assert_eq!(commits, 1, "one request more for each target: {name}");
    }
    assert_eq!(outcome.output("error"), report["targets"][1]["error"].as_str().unwrap());
    assert_eq!(github.unused_faults(), [""; 0]);
}

#[test]
fn a_key_signs_in_the_name_of_the_tokens_account() {
    let key = crate::signing::Key::ed25519();
    let rules = Ruleset::new("signed", Target::Branch, &["refs/heads/gh-pages"]).rule("required_signatures");
    let robin = Account::user("robin").signing_key(&key.public);
    let id = robin.id;
    let model = Model::new()
        .repository(site().ruleset(rules).collaborator("robin", emulator::model::Role::Write))
        .account(robin);
    let world = World::of(model, Token::classic("robin", &["repo"]));
    let outcome =
        world.publish().input("signing-key", &key.private).input("tag", "v1").input("tag-message", "One").run();
    outcome.succeeded();
    assert_eq!(outcome.check("branch-rules"), "pass", "{outcome}");
    let host = "127.0.0.1";
    let expected = format!("robin <{id}+robin@users.noreply.{host}>");
    assert_eq!(world.git(&["log", "-1", "--format=%cn <%ce>", "gh-pages"]), expected);
    assert_eq!(world.git(&["for-each-ref", "--format=%(taggername) %(taggeremail)", "refs/tags/v1"]), expected);
    // A bot has no keys: GitHub could not verify it.
    let world = World::with(site(), bot());
    let outcome = world.publish().input("signing-key", &key.private).run();
    outcome.succeeded();
    assert_eq!(outcome.check("branch-rules"), "warn", "{outcome}");
    assert!(outcome.message("branch-rules").contains("account of this credential is not known"), "{outcome}");
    // The commit is GitHub's, so the key has no part in it.
    let world = World::with(site(), bot());
    let outcome = signed(&world).input("signing-key", &key.private).run();
    lands(&world, &outcome);
    assert_eq!(outcome.check("branch-rules"), "pass", "{outcome}");
    assert!(!outcome.message("branch-rules").contains("unverified"), "{outcome}");
}
