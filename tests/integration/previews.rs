//! `prune-previews`: previews of closed pull requests go in the commit of the publish or of the removal.

use std::time::Instant;

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Level, Repository, Token},
};

use crate::{
    runner::Step,
    world::{TARGET, World},
};

/// A target with the pull requests 1 to `count`, of which those in `open` are open, and these files on `gh-pages`.
fn world(count: u64, open: &[u64], files: &[(&str, &str)], token: Token) -> World {
    let target = Repository::new(TARGET).file("README.md", "r\n").pages("gh-pages").files("gh-pages", files);
    let target = (0..count).fold(target, |target, _| target.pull_request("main"));
    let world = World::with(target, token);
    close(&world, |number| !open.contains(&number));
    world
}

fn close(world: &World, doomed: impl Fn(u64) -> bool) {
    world.github.model(|model| {
        let pulls = &mut model.find_mut(TARGET).unwrap().pull_requests;
        pulls.iter_mut().filter(|pull| doomed(pull.number)).for_each(|pull| pull.open = false);
    });
}

fn classic() -> Token {
    Token::classic("robin", &["repo"])
}

fn publish(world: &World, destination: &str) -> Step {
    world.publish().input("destination", destination).input("prune-previews", "previews/pr-{number}")
}

fn lists(world: &World) -> usize {
    world.github.log().calls("GET", "/repos/acme/site/pulls").len()
}

const FILES: &[(&str, &str)] = &[
    ("index.html", "root"),
    ("previews/index.html", "list"),
    ("previews/pr-1/a/index.html", "one"),
    ("previews/pr-2/index.html", "two"),
    ("previews/pr-3/index.html", "three"),
    ("previews/pr-03/index.html", "no number of GitHub's"),
    ("previews/pr-x/index.html", "no number"),
    ("previews/pr-4", "a file"),
    ("other/pr-1/index.html", "elsewhere"),
];

#[test]
fn a_publish_removes_the_previews_of_closed_pull_requests_in_its_commit() {
    let world = world(5, &[2], FILES, classic());
    let outcome = publish(&world, "previews/pr-5").run();
    outcome.succeeded();
    let expected = [
        "index.html",
        "other/pr-1/index.html",
        "previews/index.html",
        "previews/pr-03/index.html",
        "previews/pr-2/index.html",
        "previews/pr-4",
        "previews/pr-5/index.html",
        "previews/pr-x/index.html",
    ];
    assert_eq!(world.paths("gh-pages"), expected, "{outcome}");
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "2", "one commit does both");
    let report = outcome.report();
    let changes = &report["targets"][0]["changes"];
    assert_eq!((changes["added"].as_u64(), changes["removed"].as_u64()), (Some(1), Some(2)), "{outcome}");
    assert!(outcome.stdout.contains("0 removed and 2 previews"), "{outcome}");
    assert_eq!(outcome.output("page-url"), "https://acme.github.io/site/previews/pr-5/");
    // Its own preview stays, though its pull request is closed too, and the second publish finds nothing to do.
    let tip = world.tip("refs/heads/gh-pages");
    let again = publish(&world, "previews/pr-5").run();
    again.succeeded();
    assert_eq!((again.output("pushed"), world.tip("refs/heads/gh-pages")), ("false", tip), "{again}");
    world.git(&["fsck", "--full", "--strict"]);
}

#[test]
fn a_removal_removes_the_others_too_and_an_empty_folder_vanishes() {
    let files = [("index.html", "root"), ("previews/pr-1/x", "1"), ("previews/pr-2/x", "2"), ("previews/pr-3/x", "3")];
    let world = world(3, &[3], &files, classic());
    let remove = |destination: &str| {
        let step = world.step().input("remove", "true").input("destination", destination);
        step.input("prune-previews", "previews/pr-{number}")
    };
    remove("previews/pr-1").input("dry-run", "true").run().succeeded();
    assert_eq!(world.paths("gh-pages").len(), 4, "a dry run removes nothing");
    let outcome = remove("previews/pr-1").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), ["index.html", "previews/pr-3/x"], "{outcome}");
    assert_eq!(outcome.output("page-url"), "", "{outcome}");
    close(&world, |_| true);
    let outcome = remove("previews/pr-1").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), ["index.html"], "{outcome}");
    let before = lists(&world);
    remove("previews/pr-1").run().succeeded();
    assert_eq!(lists(&world), before, "without a preview nobody asks for pull requests");
}

#[test]
fn a_publish_of_the_whole_site_prunes_though_the_folder_is_kept() {
    let world = world(3, &[2], FILES, classic());
    let step = publish(&world, "").file("site/previews/pr-1/new.html", "the directory brings it");
    let outcome = step.input("keep", "previews/**").run();
    outcome.succeeded();
    let paths = world.paths("gh-pages");
    for (path, there) in [
        ("previews/pr-1/new.html", true),
        ("previews/pr-1/a/index.html", true),
        ("previews/pr-2/index.html", true),
        ("previews/pr-3/index.html", false),
        ("index.html", true),
        ("other/pr-1/index.html", false),
    ] {
        assert_eq!(paths.contains(&path.to_owned()), there, "{path}: {outcome}");
    }
}

#[test]
fn a_folder_below_the_number_is_found_and_nothing_else_of_it_goes() {
    let files = [("p/1/site/a/b", "1"), ("p/1/notes", "1"), ("p/2/site/x", "2"), ("p/3/x", "3"), ("p/4/site/x", "4")];
    let world = world(4, &[2], &files, classic());
    let outcome = world.publish().input("destination", "new").input("prune-previews", "p/{number}/site").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), ["new/index.html", "p/1/notes", "p/2/site/x", "p/3/x"], "{outcome}");
}

#[test]
fn without_an_answer_all_previews_stay_and_a_warning_says_so() {
    let world = world(3, &[], FILES, World::fine_grained(&[("contents", Level::Write), ("metadata", Level::Read)]));
    world.github.model(|model| model.find_mut(TARGET).unwrap().visibility = emulator::model::Visibility::Private);
    let outcome = publish(&world, "new").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages").len(), FILES.len() + 1, "{outcome}");
    assert!(outcome.stdout.contains("::warning::No preview is removed"), "{outcome}");
    assert!(outcome.stdout.contains("Pull requests: Read"), "{outcome}");
    let world = self::world(150, &[], FILES, classic());
    close(&world, |_| false);
    world.github.model(|model| {
        model.find_mut(TARGET).unwrap().pull_requests.iter_mut().for_each(|pull| pull.open = pull.number != 1);
    });
    // The second page never comes.
    let fault = Fault::Answer(Canned::error(500, "No."));
    world.github.fault(FaultRule::on("GET", "*/repos/acme/site/pulls", fault).from(2));
    let outcome = publish(&world, "new").input("attempts", "1").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages").len(), FILES.len() + 1, "{outcome}");
}

#[test]
fn every_page_of_open_pull_requests_is_read() {
    let world =
        world(250, &[], &[("previews/pr-1/x", "1"), ("previews/pr-120/x", "2"), ("previews/pr-250/x", "3")], classic());
    world.github.model(|model| {
        model.find_mut(TARGET).unwrap().pull_requests.iter_mut().for_each(|pull| pull.open = pull.number != 120);
    });
    let outcome = publish(&world, "new").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), ["new/index.html", "previews/pr-1/x", "previews/pr-250/x"], "{outcome}");
    assert_eq!(lists(&world), 4, "the first page twice, the others once, from the last one backwards");
    // A pull request of the first page closes after that page was read: 101 moves to the first page.
    let world = self::world(150, &[], &[("previews/pr-101/x", "1")], classic());
    world.github.model(|model| {
        model.find_mut(TARGET).unwrap().pull_requests.iter_mut().for_each(|pull| pull.open = true);
    });
    let closing = Fault::race(|repository| repository.change_pull_request(1, |pull| pull.open = false));
    world.github.fault(FaultRule::on("GET", "*/repos/acme/site/pulls", closing).nth(2));
    let outcome = publish(&world, "new").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), ["new/index.html", "previews/pr-101/x"], "{outcome}");
}

#[test]
fn what_came_to_the_branch_after_the_pull_requests_were_read_stays() {
    let world = world(3, &[], FILES, classic());
    let push = format!("/{TARGET}.git/git-receive-pack");
    let race = Fault::race(|repository| {
        let files: &[(&str, &[u8])] = &[("previews/pr-3/index.html", b"again"), ("previews/pr-9/index.html", b"nine")];
        repository.commit("refs/heads/gh-pages", files, "another");
    });
    world.github.fault(FaultRule::on("POST", &push, race).first(1));
    let outcome = publish(&world, "new").run();
    outcome.succeeded();
    let paths = world.paths("gh-pages");
    let has = |path: &str| paths.contains(&path.to_owned());
    assert!(has("previews/pr-3/index.html") && has("previews/pr-9/index.html"), "{paths:?}");
    assert!(!has("previews/pr-1/a/index.html") && !has("previews/pr-2/index.html"), "{paths:?}");
}

#[test]
fn the_cost_is_that_of_the_folder_not_of_what_the_previews_hold() {
    let cost = |files_each: usize| {
        let names: Vec<String> = (1..=40_u64)
            .flat_map(|number| (0..files_each).map(move |file| format!("previews/pr-{number}/d{file}/f")))
            .collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (&name[..], "x")).collect();
        let world = world(41, &[40, 41], &files, classic());
        let outcome = publish(&world, "previews/pr-41").run();
        outcome.succeeded();
        assert_eq!(world.paths("gh-pages").len(), files_each + 1, "{outcome}");
        assert_eq!(lists(&world), 1);
        outcome.report()["targets"][0]["changes"]["bytes_received"].as_u64().unwrap()
    };
    let (few, many) = (cost(1), cost(60));
    assert!(many < few + 500, "{few} bytes with one file in each preview, {many} with sixty");
}

/// Prints what ten thousand previews cost, nine thousand of them closed.
#[test]
#[ignore = "a measurement"]
fn ten_thousand_previews() {
    let names: Vec<String> = (1..=10_000_u64).map(|number| format!("previews/pr-{number}/index.html")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (&name[..], "x")).collect();
    let world = world(10_000, &[], &files, classic());
    world.github.model(|model| {
        model.find_mut(TARGET).unwrap().pull_requests.iter_mut().for_each(|pull| pull.open = pull.number > 9000);
    });
    let began = Instant::now();
    let outcome = publish(&world, "previews/pr-10000").run();
    outcome.succeeded();
    let report = outcome.report();
    let changes = &report["targets"][0]["changes"];
    println!(
        "{:?}; {} requests, {} of them lists; {} bytes sent, {} received",
        began.elapsed(),
        world.github.log().0.len(),
        lists(&world),
        changes["bytes_sent"],
        changes["bytes_received"]
    );
    assert_eq!(world.paths("gh-pages").len(), 1000);
}
