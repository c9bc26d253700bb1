//! A repository that was renamed or moved is reached under its former name: the server's redirects are followed on the server
//! itself, by everything that reads and by everything that writes.

use emulator::{
    log::{Entry, Log},
    model::{Model, Repository, Role, Token},
};

use crate::{
    leaks::Judged,
    refs::Tree,
    runner::Step,
    world::{TARGET, World},
};

const NOW: &str = "acme/new-site";

const DEPLOY: &str = "name: deploy\nrun-name: Deploy ${{ github.event.client_payload.id }}${{ inputs.id }}\non:\n  \
    repository_dispatch:\n    types: [published]\n  workflow_dispatch:\n    inputs:\n      id: {required: false}\n";

/// A GitHub where the target has another name by now.
fn renamed() -> World {
    let target = Repository::new(NOW)
        .formerly(TARGET)
        .file("README.md", "hello\n")
        .workflow("deploy.yml", DEPLOY)
        .files("gh-pages", &[("old.html", "old\n")])
        .collaborator("robin", Role::Write);
    World::of(Model::new().repository(target), Token::classic("robin", &["repo", "workflow"]))
}

/// The requests whose address begins so, each with the rest of it.
fn asked<'a>(log: &'a Log, method: &str, prefix: &str) -> Vec<(&'a str, &'a Entry)> {
    let of = |entry: &&Entry| entry.method == method;
    log.0.iter().filter(of).filter_map(|entry| Some((entry.path.strip_prefix(prefix)?, entry))).collect()
}

/// Every request under the former name was sent on, and came again to the same thing under the new address, whole.
#[track_caller]
fn assert_followed(github: &Judged, former: &str, new: &str) -> usize {
    let log = github.log();
    let mut followed = 0;
    for (method, status) in [("GET", 301), ("POST", 307), ("PUT", 307)] {
        let again = asked(&log, method, new);
        for (rest, first) in asked(&log, method, former) {
            assert_eq!(first.status, Some(status), "{method} {}", first.path);
            let second = again.iter().find(|(other, _)| *other == rest);
            let (_, second) = second.unwrap_or_else(|| panic!("{method} {new}{rest} was not asked for\n{log}"));
            assert!(second.status.is_some_and(|status| status < 300 || status == 404), "{log}");
            assert_eq!((&second.request, &second.token), (&first.request, &first.token), "{method} {rest}");
            followed += 1;
        }
    }
    followed
}

#[test]
fn a_whole_relay_goes_on_under_the_former_name() {
    let world = renamed();
    let id = r#"{"id": "{relay_id}"}"#;
    let outcome = world
        .publish()
        .input("tag", "v1")
        .input("secret-name", "DEPLOY_TOKEN")
        .input("secret-value", "canary-of-the-secret-value-4711")
        .input("dispatch", "published")
        .input("payload", id)
        .input("workflow", "deploy.yml")
        .input("workflow-inputs", id)
        .input("wait", "completed")
        .run();
    outcome.succeeded();
    let now = world.github.repository(NOW);
    assert_eq!(now.tip("refs/heads/gh-pages").as_deref(), Some(outcome.output("commit")));
    assert_eq!(now.tip("refs/tags/v1").as_deref(), Some(outcome.output("commit")));
    assert_eq!(now.secret("DEPLOY_TOKEN").as_deref(), Some("canary-of-the-secret-value-4711"));
    let events: Vec<String> = world.github.runs(NOW).into_iter().map(|run| run.event).collect();
    assert_eq!(events, ["repository_dispatch", "workflow_dispatch"], "{outcome}");
    assert_eq!(outcome.output("run-conclusion"), "success");

    let id = world.github.model(|model| model.find(NOW).unwrap().id);
    let rest =
        assert_followed(&world.github, &format!("/api/v3/repos/{TARGET}"), &format!("/api/v3/repositories/{id}"));
    let log = world.github.log();
    assert!(rest >= 10 && log.calls("POST", "/dispatches").len() == 4, "{rest}\n{log}");
    assert!(log.calls("PUT", "/actions/secrets/DEPLOY_TOKEN").len() == 2, "{log}");
    let queries = log.rest().filter(|entry| entry.path.contains("/repositories/") && entry.path.contains('?'));
    assert!(queries.count() > 0, "what a request asks besides its path is kept");
    // git learns the new address from the first answer, and asks the old one for nothing more.
    assert_eq!(assert_followed(&world.github, &format!("/{TARGET}.git"), &format!("/{NOW}.git")), 1, "{log}");
    for service in ["git-upload-pack", "git-receive-pack"] {
        let posts = log.calls("POST", service);
        assert!(!posts.is_empty() && posts.iter().all(|post| post.path == format!("/{NOW}.git/{service}")), "{log}");
    }
    assert!(log.0.iter().all(|entry| entry.token.as_deref().is_some_and(|token| token != "unknown")), "{log}");
}

#[test]
fn refs_of_a_checkout_go_on_under_the_former_name() {
    let world = renamed();
    let step: Step = world.step().input("refs", "HEAD:refs/heads/mirror\nrefs/tags/*\n:gh-pages");
    let tree = Tree::init(&step.workspace());
    let tip = tree.commit("a", "b");
    tree.git(&["tag", "v1"]);
    step.run().succeeded();
    let refs = world.github.repository(NOW).refs();
    assert_eq!((refs.get("refs/heads/mirror"), refs.get("refs/tags/v1")), (Some(&tip), Some(&tip)));
    assert!(!refs.contains_key("refs/heads/gh-pages"));
}
