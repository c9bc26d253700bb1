//! `ssh-key`: git over SSH against a real OpenSSH server.

use emulator::model::{Level, Model, Repository, Token};

use crate::{
    refs::Tree,
    refs_faults::dry_and_real,
    runner::{Outcome, Step},
    sshd::{Manners, Sshd, Tenant, generate},
    world::{TARGET, World},
};

fn publish(world: &World, sshd: &Sshd) -> Step {
    sshd.over_ssh(world.publish())
}

#[test]
fn a_directory_and_a_tag_go_over_ssh_alone() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let outcome = publish(&world, &sshd).input("tag", "v1").input("tag-message", "first").run();
    outcome.succeeded();
    assert_eq!(outcome.output("commit"), world.tip("refs/heads/gh-pages").unwrap());
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "index.html"]);
    assert_eq!(world.git(&["rev-parse", "v1^{commit}"]), world.tip("refs/heads/gh-pages").unwrap());
    assert!(world.github.log().0.is_empty(), "without a token the API is not asked");
    for (check, status) in [("token-present", "pass"), ("permission", "pass"), ("token-valid", ""), ("sso", "")] {
        assert_eq!(outcome.check(check), status, "{check}");
    }
    let changes = &outcome.report()["targets"][0]["changes"];
    assert!(changes["bytes_sent"].as_u64().unwrap() > 100 && changes["bytes_received"].as_u64().unwrap() > 100);
    world.git(&["fsck", "--strict"]);
    // Not a line of the key is shown; the runner masks each.
    for line in sshd.key.lines().filter(|line| line.len() >= 16 && !line.starts_with("-----")) {
        assert!(outcome.stdout.contains(&format!("::add-mask::{line}\n")));
        let shown = outcome.stdout.lines().filter(|shown| !shown.starts_with("::add-mask::"));
        assert_eq!(shown.filter(|shown| shown.contains(line)).count(), 0);
        assert!(!outcome.stderr.contains(line) && !outcome.summary.contains(line));
    }
}

#[test]
fn what_is_there_is_fetched_in_protocol_two_where_the_server_lets_it_through() {
    for old in [false, true] {
        let site = Repository::new(TARGET).file("README.md", "hello\n");
        let world = World::with(site, Token::classic("robin", &["repo"]));
        world.github.repository(TARGET).commit("refs/heads/gh-pages", &[("docs/old.html", b"old")], "before");
        let before = world.tip("refs/heads/gh-pages").unwrap();
        let sshd = Sshd::start(&world, Manners { old, ..Manners::default() });
        let outcome = publish(&world, &sshd).input("destination", "new").run();
        outcome.succeeded();
        assert!(world.paths("gh-pages").contains(&"docs/old.html".to_owned()));
        assert!(world.paths("gh-pages").contains(&"new/index.html".to_owned()));
        assert_eq!(world.git(&["rev-parse", "gh-pages^"]), before);
        let version = if old { " " } else { "version=2 " };
        assert!(sshd.log().contains(&format!("{version}git-upload-pack '{TARGET}.git'")), "{:?}", sshd.log());
        let again = publish(&world, &sshd).input("destination", "new").run();
        again.succeeded();
        assert_eq!(again.output("pushed"), "false");
    }
}

#[test]
fn refs_of_the_checkout_go_over_ssh() {
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let sshd = Sshd::start(&world, Manners { cuts_before: 1, ..Manners::default() });
    let step = sshd.over_ssh(world.step()).input("refs", "main\nrefs/tags/*");
    let tree = Tree::init(&step.workspace());
    let commits: Vec<String> = (0..3).map(|number| tree.commit(&format!("{number}.txt"), "line\n")).collect();
    tree.git(&["tag", "v1", &commits[0]]);
    tree.git(&["tag", "-a", "-m", "two", "v2", &commits[1]]);
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(world.tip("refs/heads/main").as_ref(), commits.last());
    assert_eq!(world.git(&["rev-parse", "v1", "v2^{commit}"]), commits[..2].join("\n"));
    world.git(&["fsck", "--strict"]);
    assert!(world.github.log().0.is_empty());
}

#[test]
fn with_a_token_git_goes_over_ssh_and_the_api_over_http() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let step = publish(&world, &sshd).input("token", world.token.value()).input("dispatch", "published");
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(outcome.output("dispatched"), "true");
    assert_eq!(outcome.check("token-valid"), "pass");
    let log = world.github.log();
    assert_eq!(log.calls("POST", &format!("/repos/{TARGET}/dispatches")).len(), 1);
    assert!(log.0.iter().all(|entry| !entry.path.contains(".git/")), "git goes over SSH");
}

#[test]
fn without_a_token_there_is_no_trigger() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    publish(&world, &sshd).input("dispatch", "published").run().failed("token-missing");
    assert!(sshd.log().is_empty());
}

#[test]
fn a_token_that_git_does_not_need_does_not_stop_it() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let outcome = publish(&world, &sshd).input("token", "ghp_0000000000000000000000000000000000000").run();
    outcome.succeeded();
    assert_eq!(outcome.check("token-valid"), "warn");
    assert!(world.tip("refs/heads/gh-pages").is_some());
}

#[test]
fn the_workflows_own_token_that_comes_along_does_not_stop_the_key() {
    // What action.yml puts into `token` when nobody does: it is good for the workflow's own repository alone.
    let own = Token::github_token("acme/source", &[("contents", Level::Write)]);
    let site = Repository::new(TARGET).private().file("README.md", "hello\n");
    let world = World::of(Model::new().repository(site), own.clone());
    let sshd = Sshd::start(&world, Manners::default());
    let step = publish(&world, &sshd).input("token", own.value()).input("workflow-token", own.value());
    let outcome = step.input("tag", "v1").run();
    outcome.succeeded();
    assert_eq!(outcome.output("token-kind"), "github-token");
    assert!(world.tip("refs/heads/gh-pages").is_some() && world.tip("refs/tags/v1").is_some());
}

#[test]
fn every_kind_of_key_and_form_logs_in() {
    let world = World::new();
    for kind in [
        &["-t", "ecdsa", "-b", "256"][..],
        &["-t", "ecdsa", "-b", "384", "-m", "PEM"],
        &["-t", "ecdsa", "-b", "521", "-m", "PKCS8"],
        &["-t", "rsa", "-b", "2048"],
        &["-t", "rsa", "-b", "3072", "-m", "PEM"],
        &["-t", "rsa", "-b", "4096", "-m", "PKCS8"],
    ] {
        let sshd = Sshd::for_key(&world, Manners::default(), kind);
        let outcome = sshd.over_ssh(world.step()).run();
        outcome.succeeded();
        assert_eq!(outcome.check("permission"), "pass", "{kind:?}");
    }
}

#[test]
fn t16_every_key_is_read_however_it_was_stored() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let key = sshd.key.clone();
    for (number, text) in [
        key.replace('\n', "\\n"),
        key.replace('\n', "\r"),
        key.replace('\n', " "),
        format!("{key:?}"),
        format!("\u{feff}{key}"),
    ]
    .iter()
    .enumerate()
    {
        let step = publish(&world, &sshd).input("ssh-key", text).input("signing-key", text);
        step.file("site/index.html", number.to_string()).run().succeeded();
        assert!(world.git(&["cat-file", "commit", "gh-pages"]).contains("gpgsig"), "{number}");
    }
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &key);
    for input in ["ssh-key", "signing-key"] {
        let outcome = publish(&world, &sshd).input(input, &encoded).run();
        outcome.failed("ssh-key-unusable");
        assert!(outcome.stdout.contains("a whole key in base64"), "{input}: {outcome}");
    }
}

#[test]
fn a_dry_run_looks_and_writes_nothing() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let outcome = publish(&world, &sshd).input("dry-run", "true").input("tag", "v1").run();
    outcome.succeeded();
    assert_eq!((outcome.stage("push"), outcome.stage("tag")), ("planned".to_owned(), "planned".to_owned()));
    assert_eq!((world.tip("refs/heads/gh-pages"), world.tip("refs/tags/v1")), (None, None));
    assert!(!sshd.log().is_empty());
}

#[test]
fn a_dry_run_of_refs_shows_what_a_real_one_does() {
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let sshd = Sshd::start(&world, Manners::default());
    let (bytes, dry, real) = dry_and_real(&world, |step| sshd.over_ssh(step));
    let sent = |outcome: &Outcome| outcome.report()["targets"][0]["changes"]["bytes_sent"].as_u64().unwrap();
    // Besides the pack: the commands, and what is asked before them.
    assert!(
        (bytes..bytes + 2000).contains(&sent(&real)) && sent(&dry) < bytes,
        "{bytes} {} {}",
        sent(&real),
        sent(&dry)
    );
    assert!(world.github.log().0.is_empty());
}

#[test]
fn host_lines_may_be_hashed_and_of_any_kind() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let comments = format!("# ours\n\n{}", sshd.known_host("rsa"));
    for lines in [sshd.known_host("rsa"), sshd.hashed_host(), comments] {
        sshd.over_ssh(world.step()).input("ssh-known-hosts", lines).run().succeeded();
    }
}

#[test]
fn a_host_that_can_not_be_believed_is_told_nothing() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let other = Sshd::start(&world, Manners::default());
    let (host, key) = (sshd.known_host("ed25519"), other.known_host("ed25519"));
    let changed = format!("{} {}", host.split(' ').next().unwrap(), key.split_once(' ').unwrap().1);
    let revoked = format!("{host}@revoked {host}");
    let authority = format!("@cert-authority {host}");
    for (lines, cause, words) in [
        ("", "ssh-host-key-unknown", "SHA256:"),
        (&key[..], "ssh-host-key-unknown", "No host key is known"),
        (&changed, "ssh-host-key-mismatch", "another host key than the known one"),
        (&revoked, "ssh-host-key-mismatch", "marked as revoked"),
        (&authority, "invalid-input", "`@cert-authority`"),
        ("127.0.0.1", "invalid-input", "Line 1"),
    ] {
        let outcome = publish(&world, &sshd).input("ssh-known-hosts", lines).run();
        outcome.failed(cause);
        assert!(outcome.summary.contains(cause) && outcome.stdout.contains(words), "{words}: {outcome}");
    }
    assert!(sshd.log().is_empty());
}

#[test]
fn githubs_own_host_keys_are_known_without_a_line() {
    let world = World::new();
    let Some(github) = Tenant::github(&world) else {
        println!("only root can give a name to this machine: this test is for root");
        return;
    };
    let step = || {
        Step::new("https://github.com")
            .input("repository", TARGET)
            .input("token", "")
            .input("ssh-key", &github.sshd.key)
            .input("directory", "site")
            .file("site/index.html", "hello")
    };
    // Somebody who sits where github.com should: unknown he is not, he is another.
    let outcome = github.run(step());
    outcome.failed("ssh-host-key-mismatch");
    assert!(outcome.stdout.contains("SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"), "{outcome}");
    assert!(github.sshd.log().is_empty(), "he is told nothing");
    let outcome = github.run(step().input("ssh-known-hosts", github.known_host()));
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "index.html"], "as the user git");
}

#[test]
fn a_key_that_is_not_known_or_not_usable_is_named() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let folder = tempfile::tempdir().unwrap();
    let (stranger, public) = generate(folder.path(), "stranger", &["-t", "ed25519"]);
    let (encrypted, _) = generate(folder.path(), "encrypted", &["-t", "ed25519", "-N", "secret"]);
    let cut = &stranger[..stranger.len() / 2];
    for (key, cause) in [
        (&stranger[..], "ssh-permission-denied-publickey"),
        (&encrypted, "ssh-key-unusable"),
        (cut, "ssh-key-unusable"),
        (&public, "ssh-key-unusable"),
    ] {
        let outcome = publish(&world, &sshd).input("ssh-key", key).run();
        outcome.failed(cause);
        assert_eq!(world.tip("refs/heads/gh-pages"), None);
    }
    assert!(sshd.log().is_empty());
}

#[test]
fn what_github_says_instead_of_serving_is_understood() {
    for (service, words, cause) in [
        (
            "git-receive-pack",
            "The key you are authenticating with has been marked as read only.",
            "deploy-key-read-only",
        ),
        ("git-receive-pack", "Permission to acme/site.git denied to deploy key", "deploy-key-read-only"),
        ("git-receive-pack", "Repository not found.", "repo-not-found-or-hidden"),
        (
            "git-receive-pack",
            "The 'acme' organization has enabled or enforced SAML SSO. To access this repository, you must use the HTTPS remote with a personal access token or SSH with an SSH key and passphrase that has been authorized for this organization.",
            "sso-authorization-required",
        ),
    ] {
        let world = World::new();
        let sshd = Sshd::start(&world, Manners { refuses: Some((service, words)), ..Manners::default() });
        let outcome = publish(&world, &sshd).run();
        outcome.failed(cause);
        assert_eq!(outcome.check("permission"), "fail", "{words}");
        assert_eq!(sshd.log().len(), 1, "a refusal is not asked for twice");
    }
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners { cuts_before: 2, ..Manners::default() });
    publish(&world, &sshd).run().succeeded();
    assert!(world.tip("refs/heads/gh-pages").is_some());

    let sshd = Sshd::start(&world, Manners { cuts_before: 100, ..Manners::default() });
    let outcome = publish(&world, &sshd).input("attempts", "2").run();
    outcome.failed("connection-failed");
    assert_eq!(sshd.log().len(), 2);
}

#[test]
fn what_a_login_prints_in_passing_is_no_reason() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let noise = "echo 'shims: cannot rehash' >&2";
    // The first publish, onto a branch that is not there, fetches nothing.
    for service in ["git-receive-pack", "git-upload-pack"] {
        sshd.lapse(service, 1..=1, &format!("{noise}; exit 1"));
        let outcome = publish(&world, &sshd).file("site/page", service).run();
        outcome.succeeded();
        assert_eq!(outcome.output("pushed"), "true", "{outcome}");
    }
    sshd.lapse("git-receive-pack", 1..=1000, &format!("{noise}; exit 1"));
    let outcome = publish(&world, &sshd).file("site/page", "x").input("attempts", "2").run();
    outcome.failed("connection-failed");
    assert!(outcome.stdout.contains("shims: cannot rehash"), "{outcome}");
}

#[test]
fn a_push_whose_report_is_lost_is_looked_up_and_not_made_twice() {
    let world = World::new();
    // The branch, and then the tag.
    let sshd = Sshd::start(&world, Manners { cuts_after: 2, ..Manners::default() });
    let outcome = publish(&world, &sshd).input("tag", "v1").input("tag-message", "first").run();
    outcome.succeeded();
    assert_eq!((outcome.output("pushed"), outcome.output("tag-created")), ("true", "true"));
    assert_eq!(world.git(&["rev-list", "--count", "gh-pages"]), "1");
    assert_eq!(outcome.output("commit"), world.tip("refs/heads/gh-pages").unwrap());
    assert_eq!(world.git(&["rev-parse", "v1^{commit}"]), world.tip("refs/heads/gh-pages").unwrap());
    assert_eq!((sshd.begun(), sshd.landed()), (2, 2), "each was sent once");

    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let sshd = Sshd::start(&world, Manners { cuts_after: 2, ..Manners::default() });
    let step = sshd.over_ssh(world.step()).input("refs", "main\nrefs/tags/*");
    let tree = Tree::init(&step.workspace());
    let tip = tree.commit("a", "b");
    tree.git(&["tag", "v1"]);
    step.run().succeeded();
    assert_eq!(world.github.repository(TARGET).refs().into_values().collect::<Vec<_>>(), [tip.clone(), tip]);
    assert_eq!((sshd.begun(), sshd.landed()), (2, 2), "the branch, and then the tag");
}

#[test]
fn a_tag_whose_connection_breaks_is_sent_again() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners { cuts_before: 2, ..Manners::default() });
    let outcome = sshd.over_ssh(world.step()).input("tag", "v1").input("tag-target", "main").run();
    outcome.succeeded();
    assert_eq!(world.tip("refs/tags/v1"), world.tip("refs/heads/main"));
    assert_eq!(sshd.landed(), 1);
}

#[test]
fn a_server_that_is_not_there_is_waited_for_no_longer_than_the_budget() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let step = publish(&world, &sshd).input("attempts", "100").input("timeout", "3s");
    drop(sshd);
    let outcome = step.run();
    // Between two tries the budget ends with the cause of the last one, within a try with its own; either tells what was met.
    assert!(["connection-failed", "timeout"].contains(&outcome.output("error")), "{outcome}");
    assert!(outcome.status == Some(1) && outcome.stdout.contains("Connection refused"), "{outcome}");
    assert!(outcome.took.as_secs() < 6, "{:?}", outcome.took);
}

#[test]
fn a_server_that_has_no_such_repository_is_named_in_gits_own_words() {
    for (service, deed) in [
        ("git-receive-pack", "git receive-pack 'acme/site.git'; exit"),
        ("git-upload-pack", "git upload-pack 'acme/site.git'; exit"),
    ] {
        let site = Repository::new(TARGET).file("README.md", "hello\n").files("gh-pages", &[("a", "a")]);
        let world = World::with(site, Token::classic("robin", &["repo"]));
        let before = world.state();
        let sshd = Sshd::start(&world, Manners::default());
        sshd.lapse(service, 1..=100, deed);
        let outcome = publish(&world, &sshd).run();
        outcome.failed("repo-not-found-or-hidden");
        assert!(outcome.stdout.contains("does not appear to be a git repository"), "{outcome}");
        for shown in [&outcome.stdout, &outcome.summary] {
            assert!(shown.contains("repo-not-found-or-hidden") && shown.contains(TARGET), "{outcome}");
        }
        let page = format!("{}/{TARGET}", world.github.url());
        assert!(outcome.summary.contains(&page), "{page}: {}", outcome.summary);
        let calls = sshd.log().iter().filter(|line| line.contains(service)).count();
        assert_eq!(calls, 1, "a refusal is not asked for twice");
        assert_eq!(world.state(), before);
    }
}
