//! A repository's wiki as a target: git alone serves it, and the rights are those of its repository.

use emulator::model::{Level, Model, Repository, Role, Token};

use crate::{
    runner::{Outcome, Step},
    world::{TARGET, World},
};

const PAGES: [(&str, &str); 2] = [("Home.md", "hello\n"), ("Old.md", "old\n")];

/// The own repository `acme/own` with the workflow's token.
fn own(repository: Repository) -> World {
    let token = Token::github_token("acme/own", &[("contents", Level::Write), ("metadata", Level::Read)]);
    World::of(Model::new().repository(repository), token)
}

fn publish(world: &World, wiki: &str) -> Step {
    Step::new(world.github.url())
        .env("GITHUB_REPOSITORY", "acme/own")
        .input("repository", wiki)
        .input("token", world.token.value())
        .input("workflow-token", if world.token.value().starts_with("ghs_") { world.token.value() } else { "" })
        .input("directory", "pages")
        .file("pages/Home.md", "# Home\n")
}

fn warnings(outcome: &Outcome) -> Vec<&str> {
    outcome.stdout.lines().filter(|line| line.starts_with("::warning")).collect()
}

#[test]
fn p4_the_own_wiki_takes_the_workflows_token() {
    let world = own(Repository::new("acme/own").file("README.md", "r").wiki(&PAGES));
    let wiki = world.github.repository("acme/own.wiki");
    let before = wiki.tip("refs/heads/master").unwrap();
    let planned = publish(&world, "acme/own.wiki").input("branch", "master").input("dry-run", "true").run();
    planned.succeeded();
    assert_eq!(wiki.tip("refs/heads/master").as_ref(), Some(&before));
    let outcome = publish(&world, "acme/own.wiki").input("branch", "master").input("keep", "Old.md").run();
    outcome.succeeded();
    assert_eq!(wiki.files("master").into_keys().collect::<Vec<_>>(), ["Home.md", "Old.md"]);
    assert_eq!(outcome.output("previous"), before);
    assert!(warnings(&outcome).is_empty(), "{outcome}");
    let log = world.github.log();
    for entry in log.rest() {
        assert!(!entry.path.contains(".wiki") && entry.status == Some(200), "REST knows no wiki: {log}");
    }
    assert!(outcome.summary.contains("/acme/own/wiki"), "{}", outcome.summary);
    assert!(!outcome.summary.contains("own.wiki/"), "no page below it exists: {}", outcome.summary);
}

#[test]
fn p4_a_wiki_by_its_address_in_any_case_and_of_another_repository() {
    let world = own(Repository::new("acme/own").file("README.md", "r").wiki(&PAGES));
    let address = format!("{}/acme/OWN.wiki.git", world.github.url());
    publish(&world, &address).input("branch", "master").run().succeeded();
    // With a personal token to another repository's wiki.
    let target = Repository::new(TARGET).file("README.md", "r").private().wiki(&PAGES);
    for token in [
        Token::classic("robin", &["repo"]),
        World::fine_grained(&[("contents", Level::Write), ("metadata", Level::Read)]),
    ] {
        let world = World::with(target.clone(), token);
        let wiki = format!("{TARGET}.wiki");
        publish(&world, &wiki).input("branch", "master").run().succeeded();
        let refs = publish(&world, &wiki).input("directory", "").input("tag", "v1").input("tag-target", "master").run();
        refs.succeeded();
        assert!(world.github.repository(&wiki).tip("refs/tags/v1").is_some());
    }
    // The workflow's token does not reach it.
    let world = own(Repository::new("acme/own").file("README.md", "r"));
    let outcome = publish(&world, "acme/source.wiki").run();
    outcome.failed("github-token-cross-repo");
}

#[test]
fn p4_a_wiki_without_a_page_is_told_how_to_begin() {
    for (repository, words) in [
        (Repository::new("acme/own").file("README.md", "r"), ["first page", "/acme/own/wiki"]),
        (Repository::new("acme/own").file("README.md", "r").without_wiki(), ["switched off", "/acme/own/settings"]),
    ] {
        let world = own(repository);
        for dry_run in ["false", "true"] {
            let outcome = publish(&world, "acme/own.wiki").input("dry-run", dry_run).run();
            outcome.failed("repo-not-found-or-hidden");
            assert_eq!(outcome.check("repository"), "fail", "{outcome}");
            let annotation = outcome.stdout.lines().find(|line| line.starts_with("::error")).unwrap();
            assert!(words.iter().all(|word| annotation.contains(word)), "{annotation}");
        }
        assert!(world.github.log().pushes().is_empty());
    }
}

#[test]
fn p4_a_branch_that_readers_of_the_wiki_do_not_see() {
    let world = own(Repository::new("acme/own").file("README.md", "r").wiki(&PAGES));
    for dry_run in ["true", "false"] {
        let outcome = publish(&world, "acme/own.wiki").input("dry-run", dry_run).run();
        outcome.succeeded();
        assert_eq!(outcome.check("pages"), "warn", "{outcome}");
        let message = outcome.message("pages");
        assert!(message.contains("master") && message.contains("gh-pages"), "{message}");
        assert!(warnings(&outcome).iter().any(|line| line.contains("`branch: master`")), "{outcome}");
    }
    let wiki = world.github.repository("acme/own.wiki");
    assert_eq!(wiki.files("gh-pages").into_keys().collect::<Vec<_>>(), ["Home.md"], "it is no site");
}

#[test]
fn p4_a_wiki_has_no_workflows_secrets_and_pull_requests() {
    let world = own(Repository::new("acme/own").file("README.md", "r").wiki(&PAGES));
    for (input, value) in
        [("dispatch", "go"), ("workflow", "ci.yml"), ("wait-for", "ci.yml"), ("pull-request", "required")]
    {
        let outcome = publish(&world, "acme/own.wiki").input("branch", "master").input(input, value).run();
        outcome.failed("invalid-input");
        let annotation = outcome.stdout.lines().find(|line| line.starts_with("::error")).unwrap();
        assert!(
            annotation.contains(&format!("`{input}`")) && annotation.contains("repository: acme/own"),
            "{annotation}"
        );
    }
    assert!(world.github.log().0.is_empty(), "refused before any request");
}

#[test]
fn p4_a_reader_of_the_repository_does_not_write_its_wiki() {
    let target =
        Repository::new(TARGET).file("README.md", "r").private().wiki(&PAGES).collaborator("reader", Role::Read);
    let world = World::with(target, Token::classic("reader", &["repo"]));
    let outcome = publish(&world, &format!("{TARGET}.wiki")).input("branch", "master").run();
    assert_eq!(outcome.check("permission"), "fail", "{outcome}");
    assert!(world.github.log().pushes().is_empty());
}
