//! A directory onto a branch.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::Repository,
};

use crate::{
    runner::SHA,
    world::{TARGET, World},
};

#[test]
fn a_directory_becomes_a_new_branch() {
    let world = World::new();
    let outcome = world.publish().file("site/css/main.css", "a{}").run();
    outcome.succeeded();
    let tip = world.tip("refs/heads/gh-pages").unwrap();
    assert_eq!(outcome.output("pushed"), "true");
    assert_eq!(outcome.output("commit"), tip);
    assert_eq!(outcome.output("previous"), "");
    assert_eq!(outcome.output("branch"), "gh-pages");
    assert_eq!(outcome.output("token-kind"), "classic");
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "css/main.css", "index.html"]);
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "1", "created as an orphan");
    let message = world.git(&["log", "-1", "--format=%B", "gh-pages"]);
    let url = world.github.url();
    assert_eq!(
        message,
        format!(
            "Publish acme/source@0123456\n\nRelay-Source: acme/source@{SHA}\nRelay-Run: {url}/acme/source/actions/runs/4711"
        )
    );
    let who = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>";
    assert_eq!(world.git(&["log", "-1", "--format=%an <%ae>|%cn <%ce>", "gh-pages"]), format!("{who}|{who}"));
    world.git(&["fsck", "--strict"]);
}

#[test]
fn the_second_publish_replaces_the_content_and_keeps_the_history() {
    let world = World::with(
        Repository::new(TARGET)
            .files("gh-pages", &[("old.html", "old"), ("index.html", "before"), (".github/x.yml", "x")]),
        emulator::model::Token::classic("robin", &["repo", "workflow"]),
    );
    let before = world.tip("refs/heads/gh-pages").unwrap();
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(outcome.output("previous"), before);
    assert_eq!(world.git(&["rev-parse", "gh-pages^"]), before);
    assert_eq!(world.paths("gh-pages"), [".github/x.yml", ".nojekyll", "index.html"]);
    let changes = outcome.report()["targets"][0]["changes"].clone();
    assert_eq!(
        (changes["added"].as_u64(), changes["changed"].as_u64(), changes["removed"].as_u64()),
        (Some(1), Some(1), Some(1))
    );
}

#[test]
fn nothing_changed_means_no_commit_unless_it_is_allowed() {
    let world = World::new();
    world.publish().run().succeeded();
    let tip = world.tip("refs/heads/gh-pages").unwrap();
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(outcome.output("pushed"), "false");
    assert_eq!(outcome.output("commit"), tip);
    assert_eq!(outcome.stage("push"), "unchanged");
    assert_eq!(world.tip("refs/heads/gh-pages").unwrap(), tip);

    let outcome = world.publish().input("allow-empty", "true").run();
    outcome.succeeded();
    assert_eq!(outcome.output("pushed"), "true");
    assert_eq!(world.git(&["rev-parse", "gh-pages^"]), tip);
    assert_eq!(world.git(&["rev-parse", "gh-pages^{tree}"]), world.git(&["rev-parse", &format!("{tip}^{{tree}}")]));
}

#[test]
fn a_destination_leaves_the_rest_of_the_branch_alone() {
    let world = World::with(
        Repository::new(TARGET)
            .files("main", &[("README.md", "r"), ("docs/old.md", "o"), ("docs/sub/x", "x"), ("src/a.rs", "a")]),
        emulator::model::Token::classic("robin", &["repo"]),
    );
    let step =
        world.publish().input("branch", "main").input("destination", "/docs/").input("cname", "docs.example.test");
    step.run().succeeded();
    assert_eq!(world.paths("main"), ["CNAME", "README.md", "docs/index.html", "src/a.rs"]);
}

#[test]
fn modes_links_and_odd_names_arrive_as_git_keeps_them() {
    let world = World::new();
    let step = world
        .publish()
        .file("site/run.sh", "#!/bin/sh\n")
        .file("site/a b/ünï.txt", "u")
        .file("site/-dash", "d")
        .file("site/line\nbreak", "n")
        .file("site/.gitignore", "*.log\n")
        .file("site/drop.log", "published all the same")
        .file("site/sub/.git/config", "no");
    let site = step.workspace().join("site");
    std::fs::set_permissions(site.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("index.html", site.join("link")).unwrap();
    symlink("../../outside", site.join("dangling")).unwrap();
    step.run().succeeded();
    let listing = world.git(&["ls-tree", "-r", "-z", "gh-pages"]);
    let entry = |entry: &str| format!("{} {}", &entry[..6], entry.split_once('\t').unwrap().1);
    let mut listing: Vec<String> = listing.split('\0').filter(|entry| !entry.is_empty()).map(entry).collect();
    listing.sort_unstable();
    assert_eq!(
        listing,
        [
            "100644 -dash",
            "100644 .gitignore",
            "100644 .nojekyll",
            "100644 a b/ünï.txt",
            "100644 drop.log",
            "100644 index.html",
            "100644 line\nbreak",
            "100755 run.sh",
            "120000 dangling",
            "120000 link",
        ]
    );
    assert_eq!(world.git(&["cat-file", "-p", "gh-pages:dangling"]), "../../outside");
    world.git(&["fsck", "--strict"]);
}

#[test]
fn message_and_author_are_the_users() {
    let world = World::new();
    let step = world
        .publish()
        .input("message", "Site of {ref} by {actor}: {short_sha} {unknown}\n\nBody of {repository}\n")
        .input("author", "Ada Lovelace <ada@example.test>")
        .input("nojekyll", "false");
    step.run().succeeded();
    assert_eq!(
        world.git(&["log", "-1", "--format=%s", "gh-pages"]),
        "Site of refs/heads/main by ada: 0123456 {unknown}"
    );
    assert_eq!(world.git(&["log", "-1", "--format=%an <%ae>", "gh-pages"]), "Ada Lovelace <ada@example.test>");
    assert_eq!(
        world.git(&["log", "-1", "--format=%(trailers:key=Relay-Source,valueonly)", "gh-pages"]),
        format!("acme/source@{SHA}")
    );
    assert_eq!(world.paths("gh-pages"), ["index.html"]);
}

#[test]
fn an_empty_directory_is_refused_before_anything_is_sent() {
    let world = World::new();
    let step = world.step().input("directory", "site");
    std::fs::create_dir_all(step.workspace().join("site/empty")).unwrap();
    step.run().failed("nothing-to-publish");
    assert!(world.github.log().pushes().is_empty());
    world.step().input("directory", "absent").run().failed("directory-not-found");
    assert_eq!(world.tip("refs/heads/gh-pages"), None);
}

#[test]
fn a_plain_publish_needs_few_requests_and_the_second_sends_only_what_changed() {
    let world = World::new();
    let site = |generation: usize| {
        let mut step = world.publish();
        for n in 0..2000 {
            let body = if n < 10 { format!("page {n}, generation {generation}\n") } else { format!("page {n}\n") };
            step = step.file(&format!("site/part{}/page{n}.html", n % 50), body.repeat(20));
        }
        step
    };
    site(1).run().succeeded();
    world.github.clear_log();
    let outcome = site(2).run();
    outcome.succeeded();
    let log = world.github.log();
    assert!(log.rest().count() <= 8, "{:?}", log.counts());
    assert!(log.git().count() <= 4, "{:?}", log.counts());
    let down: u64 = log.git().map(|entry| entry.bytes_out).sum();
    let up: u64 = log.git().map(|entry| entry.bytes_in).sum();
    let packed_trees = packed(&world, "gh-pages^", &["--filter=blob:none"]);
    let packed_change = packed(&world, "gh-pages", &["--not", "gh-pages^"]);
    println!("down {down} B (commit and trees packed: {packed_trees} B), up {up} B (change packed: {packed_change} B)");
    assert!(down * 10 < packed_trees * 12, "{down} against {packed_trees}");
    assert!(up < packed_change * 3, "{up} against {packed_change}");
}

/// The size of the pack that git itself makes of one commit, its trees and (without a filter) its blobs.
fn packed(world: &World, commit: &str, more: &[&str]) -> u64 {
    let git_dir = world.github.repository(TARGET).path();
    let script = format!(
        "git rev-list --objects -1 {commit} {} | cut -c1-40 | git pack-objects --stdout -q | wc -c",
        more.join(" ")
    );
    let output = std::process::Command::new("sh").args(["-c", &script]).env("GIT_DIR", git_dir).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn a_push_whose_answer_got_lost_is_seen_as_done() {
    let world = World::new();
    world.github.fault(FaultRule::on("POST", "*/git-receive-pack", Fault::ResetAfter).first(1));
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(outcome.output("pushed"), "true");
    assert_eq!(world.github.log().pushes().len(), 1, "looked up, not sent again");
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "1");
}

#[test]
fn a_push_that_did_not_arrive_is_sent_again() {
    let world = World::new();
    world.github.fault(FaultRule::on("POST", "*/git-receive-pack", Fault::Reset).first(2));
    let outcome = world.publish().run();
    outcome.succeeded();
    assert_eq!(world.github.log().pushes().len(), 3);
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "1");
}

#[test]
fn what_is_transient_is_tried_again_with_growing_gaps_and_no_longer_than_attempts() {
    let world = World::new();
    world.github.fault(FaultRule::on("GET", "*/info/refs", Fault::Answer(Canned::bad_gateway())));
    let outcome = world.publish().input("attempts", "3").run();
    outcome.failed("server-error");
    let log = world.github.log();
    let tries: Vec<_> =
        log.git().filter(|entry| entry.path.ends_with("service=git-receive-pack")).map(|entry| entry.at).collect();
    assert_eq!(tries.len(), 3);
    // Full jitter: anything from nothing to 1 s, then to 2 s, and the way there and back.
    let gaps: Vec<i64> = tries.windows(2).map(|pair| (pair[1] - pair[0]).num_milliseconds()).collect();
    println!("gaps {gaps:?} ms");
    assert!(gaps[0] <= 1000 + 500 && gaps[1] <= 2000 + 500, "{gaps:?}");
    assert_eq!(world.tip("refs/heads/gh-pages"), None);
}

#[test]
fn retry_after_is_kept_to_the_second() {
    let world = World::new();
    world.github.fault(FaultRule::on("GET", "*/info/refs", Fault::Answer(Canned::unavailable(2))).first(1));
    world.publish().run().succeeded();
    let log = world.github.log();
    let times: Vec<_> =
        log.git().filter(|entry| entry.path.contains("info/refs")).map(|entry| (entry.at, entry.status)).collect();
    let failed = times.iter().find(|(_, status)| *status == Some(503)).unwrap().0;
    let again = times.iter().map(|(at, _)| *at).find(|at| *at > failed + chrono::Duration::milliseconds(1500)).unwrap();
    let gap = (again - failed).num_milliseconds();
    assert!((2000..3000).contains(&gap), "{gap} ms");
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_it_would() {
    let world = World::new();
    let outcome = world.publish().input("tag", "v1").input("dispatch", "x").input("dry-run", "true").run();
    outcome.succeeded();
    assert_eq!(outcome.output("pushed"), "false");
    assert_eq!(outcome.output("tag-created"), "false");
    assert_eq!(outcome.output("dispatched"), "false");
    assert_eq!(outcome.output("commit"), "");
    assert_eq!(outcome.stage("push"), "planned");
    assert!(world.github.repository(TARGET).refs().keys().eq(["refs/heads/main"]));
    assert!(world.github.log().calls("POST", "/dispatches").is_empty());
}
