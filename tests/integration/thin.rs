//! What a push sends when the branch has an earlier version of it.

use emulator::model::Repository;

use crate::{
    runner::{Outcome, Step},
    world::{TARGET, World},
};

/// `count` words without a pattern, the same for the same seed.
fn words(seed: u32, count: u32) -> String {
    let word = |at: u32| format!("{:x} ", (seed * 7919 + at).wrapping_mul(2_654_435_761) >> 6);
    (0..count).map(word).collect()
}

/// A site of `count` pages of some 16 kB each.
fn site(world: &World, count: u32, page: impl Fn(u32) -> String) -> Step {
    (0..count).fold(world.publish(), |step, number| {
        step.file(&format!("site/part{}/page{number}.html", number % 7), page(number))
    })
}

/// Bytes of git that came down and went up in one step, and how many requests of git it took.
fn bytes(world: &World, outcome: &Outcome) -> (u64, u64, usize) {
    outcome.succeeded();
    let log = world.github.log();
    let sums = (log.git().map(|entry| entry.bytes_out).sum(), log.git().map(|entry| entry.bytes_in).sum());
    let count = log.git().count();
    world.github.clear_log();
    (sums.0, sums.1, count)
}

#[test]
fn a_new_footer_on_every_page_is_sent_as_what_changed() {
    let world = World::new();
    let page = |number: u32, body: u32, footer: &str| {
        format!("<p>{}</p><footer>{footer} {number}</footer>", words(body, 2000))
    };
    let first = site(&world, 320, |number| page(number, number, "version 1")).run();
    let (_, whole, _) = bytes(&world, &first);
    let second = site(&world, 320, |number| page(number, number, "version 2")).run();
    let (down, up, requests) = bytes(&world, &second);
    println!("first publish {whole} B up; new footer {down} B down, {up} B up, {requests} requests");
    assert!(up * 20 < whole, "{up} of {whole}");
    assert!(requests <= 6, "{requests} requests of git");
    // Pages that are other pages now are sent whole, and no more than a few earlier versions are fetched to find that out.
    let third = site(&world, 320, |number| page(number, number + 1000, "version 3")).run();
    let (down, up, _) = bytes(&world, &third);
    println!("other pages {down} B down, {up} B up");
    assert!(down * 10 < whole && up * 10 > whole * 9, "{down} down, {up} up");
    world.git(&["fsck", "--strict"]);
    let files = world.github.repository(TARGET).files("gh-pages");
    for number in 0..320 {
        let path = format!("part{}/page{number}.html", number % 7);
        assert_eq!(files[&path].1, page(number, number + 1000, "version 3").as_bytes(), "{path}");
    }
}

#[test]
fn a_folder_of_many_files_is_sent_as_the_line_that_changed() {
    let files: Vec<_> = (0..3000).map(|number| (format!("page{number}.html"), format!("page {number}"))).collect();
    let on_branch: Vec<_> = files.iter().map(|(path, content)| (&path[..], &content[..])).collect();
    let world = World::with(
        Repository::new(TARGET).files("gh-pages", &on_branch).file("README.md", "r"),
        emulator::model::Token::classic("robin", &["repo"]),
    );
    let step = files.iter().fold(world.publish(), |step, (path, content)| step.file(&format!("site/{path}"), content));
    let outcome = step.file("site/page77.html", "changed").run();
    let (_, up, _) = bytes(&world, &outcome);
    assert!(up < 4000, "{up} bytes for one changed file");
    world.git(&["fsck", "--strict"]);
    assert_eq!(world.git(&["show", "gh-pages:page77.html"]), "changed");
}
