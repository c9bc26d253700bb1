//! The five set-ups that docs/recipes shows, whole: what each leaves behind at the target, and as whom.

use std::path::Path;

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Account, BypassActor, Level, Model, Repository, Role, Ruleset, Target, Token},
};
use serde_json::json;

use crate::{
    front::{Front, Proxy},
    refs::Tree,
    refs_checkouts::{basic, cloned, guarded, persist, pusher},
    runner::Step,
    sshd::{Manners, Sshd, Tenant},
    world::{TARGET, World},
};

const WRITE: Level = Level::Write;
const READ: Level = Level::Read;

/// What a job builds of `acme/demo`.
fn documentation(step: Step) -> Step {
    step.env("GITHUB_REPOSITORY", "acme/demo")
        .input("directory", "build/docs")
        .input("cname", "docs.example.com")
        .file("build/docs/index.html", "<h1>Skill</h1>\n")
        .file("build/docs/_static/style.css", "h1 { color: teal }\n")
}

const DOCUMENTATION: [&str; 4] = [".nojekyll", "CNAME", "_static/style.css", "index.html"];

#[test]
fn a_demos_documentation_goes_to_the_skills_pages() {
    let token = World::fine_grained(&[("contents", WRITE), ("pages", READ), ("metadata", READ)]).named("the skill's");
    let skill = Repository::new(TARGET).file("README.md", "the skill\n").pages("gh-pages");
    let world = World::with(skill, token);
    let before = world.tip("refs/heads/main");
    let outcome = documentation(world.step()).input("wait-for", "pages").run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), DOCUMENTATION);
    assert_eq!(outcome.output("page-url"), "https://acme.github.io/site/");
    assert_eq!(outcome.output("token-kind"), "fine-grained");
    assert_eq!(world.tip("refs/heads/main"), before, "only gh-pages is written");
    assert!(world.git(&["log", "-1", "--format=%B", "gh-pages"]).contains("Relay-Source: acme/demo@"));
    assert_eq!(pusher(&world), ["the skill's"]);
}

#[test]
fn a_demos_documentation_goes_there_with_a_deploy_key_too() {
    let world = World::new();
    let sshd = Sshd::start(&world, Manners::default());
    let outcome = documentation(sshd.over_ssh(world.step())).run();
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), DOCUMENTATION);
    assert_eq!(outcome.output("commit"), world.tip("refs/heads/gh-pages").unwrap());
    assert!(world.github.log().0.is_empty(), "a deploy key has no API");
}

const CI: &str = "name: ci\non:\n  push:\n    branches: [main]\n";

/// The checkout of a product with a workflow, a release for each of three commits, and what a mirror must not take along.
fn product(folder: &Path) -> Tree {
    let tree = Tree::init(folder);
    tree.commit(".github/workflows/ci.yml", CI);
    for (number, kind) in [("1.0", "-a"), ("1.1", "-a"), ("2.0", "--no-sign")] {
        tree.commit("VERSION", number);
        tree.git(&["tag", kind, "-m", "release", &format!("v{number}")]);
    }
    tree.git(&["branch", "unreleased"]);
    tree.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    tree
}

/// The tenant's repository: it has a branch and a tag of its own, which stay.
fn tenant_world() -> World {
    let token = Token::classic("robin", &["repo", "workflow"]).named("the tenant's");
    let world = World::with(Repository::new(TARGET), token);
    let own = world.github.repository(TARGET).commit("refs/heads/theirs", &[("NOTES", b"the tenant's own")], "own");
    world.github.repository(TARGET).set_ref("refs/tags/tenant-1", Some(&own));
    world
}

#[track_caller]
fn assert_synced(world: &World, tree: &Tree) {
    let mut refs = world.github.repository(TARGET).refs();
    let [branch, tag] = ["refs/heads/theirs", "refs/tags/tenant-1"].map(|name| refs.remove(name));
    assert!(branch.is_some() && tag.is_some(), "what is the tenant's own stays");
    let names: Vec<&str> = refs.keys().map(String::as_str).collect();
    assert_eq!(names, ["refs/heads/main", "refs/tags/v1.0", "refs/tags/v1.1", "refs/tags/v2.0"]);
    for (name, value) in &refs {
        assert_eq!(*value, tree.git(&["rev-parse", name]), "{name}");
    }
    world.git(&["fsck", "--strict"]);
}

#[test]
fn a_release_is_synced_to_a_tenant_with_its_token() {
    let world = tenant_world();
    let front = Front::start(world.github.url(), &["acme.ghe.com", "api.acme.ghe.com"]);
    let proxy = Proxy::start(&front, false);
    let step = || {
        Step::new("https://github.com")
            .env("GITHUB_API_URL", "https://api.github.com")
            .env("HTTPS_PROXY", proxy.url(""))
            .input("repository", format!("https://acme.ghe.com/{TARGET}"))
            .input("token", world.token.value())
            .input("ca-certificate", &front.authority)
            .input("refs", "main\nrefs/tags/*")
    };
    let first = step();
    let tree = product(&first.workspace());
    let outcome = first.run();
    outcome.succeeded();
    assert_synced(&world, &tree);
    assert_eq!(front.asked(), ["acme.ghe.com:443", "api.acme.ghe.com:443"]);
    let pushes: Vec<usize> = world.github.log().pushes().iter().map(|push| push.updates.len()).collect();
    assert_eq!(pushes, [1, 3], "the branch, then so few tags that they start something");
    assert_eq!(pusher(&world), ["the tenant's"; 2]);
    let runs = world.github.runs(TARGET);
    assert_eq!(runs.iter().map(|run| (&run.event[..], &run.actor[..])).collect::<Vec<_>>(), [("push", "robin")]);
    // The next release: what is there stays, what is new comes.
    let second = cloned(step(), &tree, &[]);
    let again = second.run();
    again.succeeded();
    assert_eq!((again.output("pushed"), again.output("tag-created")), ("false", "false"));
}

#[test]
fn a_release_is_synced_to_a_tenant_with_a_deploy_key() {
    let world = tenant_world();
    let Some(tenant) = Tenant::start(&world) else {
        println!("only root can give a name to this machine: this test is for root");
        return;
    };
    for with_token in [false, true] {
        let step = Step::new("https://github.com")
            .env("GITHUB_API_URL", "https://api.github.com")
            .input("repository", format!("https://acme.ghe.com/{TARGET}"))
            .input("token", "")
            .input("ssh-key", &tenant.sshd.key)
            .input("refs", "main\nrefs/tags/*");
        let tree = product(&step.workspace());
        if with_token {
            // Without a line for the host its keys come from the tenant's own interface.
            let front = Front::start(world.github.url(), &["acme.ghe.com", "api.acme.ghe.com"]);
            let proxy = Proxy::start(&front, false);
            tenant.tells_its_keys(&world);
            let step = step
                .env("HTTPS_PROXY", proxy.url(""))
                .input("token", world.token.value())
                .input("ca-certificate", &front.authority)
                .input("refs", "main:refs/heads/more");
            let outcome = tenant.run(step);
            outcome.succeeded();
            assert_eq!(world.tip("refs/heads/more"), Some(tree.git(&["rev-parse", "main"])));
            assert_eq!(front.asked(), ["api.acme.ghe.com:443"], "git goes over SSH");
            assert_eq!(world.github.log().calls("GET", "/meta").len(), 1);
        } else {
            let stranger = Step::new("https://github.com")
                .input("repository", format!("https://acme.ghe.com/{TARGET}"))
                .input("token", "")
                .input("ssh-key", &tenant.sshd.key)
                .input("directory", "site")
                .file("site/index.html", "hello");
            tenant.run(stranger).failed("ssh-host-key-unknown");
            let outcome = tenant.run(step.input("ssh-known-hosts", tenant.known_host()));
            outcome.succeeded();
            assert_synced(&world, &tree);
        }
    }
    assert!(tenant.sshd.log().iter().any(|line| line.contains(&format!("git-receive-pack '{TARGET}.git'"))));
}

#[test]
fn a_coverage_map_lands_on_a_protected_master_as_its_owner() {
    for newer in [false, true] {
        for as_refs in [false, true] {
            let (world, own) = guarded();
            let target = Tree(world.github.repository(TARGET).path());
            let step = cloned(world.step(), &target, &["-b", "master"]);
            persist(&step, world.github.url(), &basic(own.value()), newer);
            let before = world.tip("refs/heads/master").unwrap();
            let step = if as_refs {
                Tree(step.workspace()).commit("coverage/index.html", "<h1>90 %</h1>");
                step.input("refs", "HEAD:master")
            } else {
                step.input("directory", "map")
                    .input("branch", "master")
                    .input("destination", "coverage")
                    .file("map/index.html", "<h1>90 %</h1>")
            };
            let outcome = step.run();
            outcome.succeeded();
            assert_eq!(world.paths("master"), ["README.md", "coverage/index.html"]);
            assert_eq!(world.git(&["rev-parse", "master^"]), before);
            assert_eq!(pusher(&world), ["olivia's"], "and never the workflow's own token");
            assert_eq!(outcome.check("checkout-credentials"), "warn", "{outcome}");
            assert_ne!(outcome.check("branch-rules"), "fail");
        }
    }
}

#[test]
fn an_app_may_pass_a_rule_by_unless_the_server_says_otherwise() {
    for listed in [true, false] {
        let mut rules = Ruleset::new("reviews", Target::Branch, &["refs/heads/master"]).rule("pull_request");
        if listed {
            rules = rules.bypassed_by(BypassActor::App("relay".to_owned()), "always");
        }
        let site = Repository::new(TARGET).file("README.md", "hello\n").files("master", &[("a", "a")]).ruleset(rules);
        let token = Token::installation("relay", "acme", &[TARGET], &[("contents", WRITE), ("metadata", READ)]);
        let world = World::of(Model::new().account(Account::organization("acme")).repository(site), token);
        world.github.fault(FaultRule::on("GET", "*/rulesets/*", Fault::Answer(Canned::error(404, "Not Found"))));
        let step = world.step().input("directory", "map").input("branch", "master").input("destination", "coverage");
        let outcome = step.file("map/index.html", "<h1>90 %</h1>").run();
        assert_eq!(outcome.check("branch-rules"), "warn", "{outcome}");
        assert!(outcome.message("branch-rules").contains("ypass list"), "{}", outcome.message("branch-rules"));
        if listed {
            outcome.succeeded();
            assert_eq!(world.paths("master"), ["a", "coverage/index.html"]);
        } else {
            assert_eq!(outcome.stage("push"), "failed", "the server decided: {outcome}");
            assert_eq!(world.paths("master"), ["a"]);
        }
    }
}

/// A repository whose releases start two workflows, by their tag and by hand.
fn released() -> Repository {
    let on = "on:\n  push:\n    tags: ['v*']\n  workflow_dispatch:\n";
    Repository::new("acme/source")
        .file("README.md", "source\n")
        .workflow("docker-build.yml", &format!("name: docker\n{on}"))
        .workflow("npm-publish.yml", &format!("name: npm\n{on}"))
        .collaborator("robin", Role::Write)
}

fn release(github: &emulator::Emulator, token: &Token) -> Step {
    let commit = github.repository("acme/source").tip("refs/heads/main").unwrap();
    Step::new(github.url())
        .env("GITHUB_SHA", commit)
        .input("token", token.value())
        .input("tag", "v1.4.2")
        .input("tag-message", "Release {tag}")
}

/// The runs of a release: workflow, event, ref and actor.
fn runs(github: &emulator::Emulator) -> Vec<[String; 4]> {
    let mut runs: Vec<_> =
        github.runs("acme/source").into_iter().map(|run| [run.path, run.event, run.full_ref, run.actor]).collect();
    runs.sort();
    runs
}

#[test]
fn a_version_tag_starts_the_builds() {
    let pat = Token::fine_grained(
        "robin",
        "acme",
        &["acme/source"],
        &[("contents", WRITE), ("actions", READ), ("metadata", READ)],
    );
    let app = Token::installation(
        "relay",
        "acme",
        &["acme/source"],
        &[("contents", WRITE), ("actions", READ), ("metadata", READ)],
    );
    for (token, actor) in [(pat, "robin"), (app, "relay[bot]")] {
        let github = emulator::Emulator::start(Model::new().repository(released()).token(&token)).unwrap();
        let outcome = release(&github, &token).input("wait-for", "docker-build.yml\nnpm-publish.yml").run();
        outcome.succeeded();
        assert_eq!(outcome.output("tag-created"), "true");
        let expected = ["docker-build.yml", "npm-publish.yml"]
            .map(|file| [&format!(".github/workflows/{file}"), "push", "refs/tags/v1.4.2", actor].map(str::to_owned));
        assert_eq!(runs(&github), expected, "{outcome}");
        assert_eq!(outcome.report()["targets"][0]["runs"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn a_version_tag_starts_the_builds_without_a_pat() {
    let token = Token::github_token("acme/source", &[("contents", WRITE), ("actions", WRITE)]);
    let github = emulator::Emulator::start(Model::new().repository(released()).token(&token)).unwrap();
    let step = || release(&github, &token).input("workflow-token", token.value());
    let hoped = step().input("wait-for", "docker-build.yml").input("tag", "v0").input("wait-timeout", "5s").run();
    assert_eq!(hoped.status, Some(1), "what GITHUB_TOKEN pushes starts nothing: {hoped}");
    assert!(runs(&github).is_empty());
    let outcome = step().input("workflow", "docker-build.yml\nnpm-publish.yml").input("wait", "completed").run();
    outcome.succeeded();
    let started: Vec<_> = runs(&github).into_iter().map(|[path, event, name, _]| [path, event, name]).collect();
    let expected = ["docker-build.yml", "npm-publish.yml"]
        .map(|file| [&format!(".github/workflows/{file}"), "workflow_dispatch", "refs/tags/v1.4.2"].map(str::to_owned));
    assert_eq!(started, expected);
    assert_eq!(outcome.output("run-conclusion"), "success");
}

const PARTS: usize = 6;

fn part(number: usize) -> String {
    format!("acme/part{number}")
}

/// The step of one part, as docs/recipes/dispatch.md has it; the name of its secret is that of all parts.
fn tell(github: &emulator::Emulator, number: usize, token: &str) -> Step {
    let payload = json!({"part": part(number), "sha": "0123456", "relay": "{relay_id}"});
    Step::new(github.url())
        .env("GITHUB_REPOSITORY", part(number))
        .input("repository", "acme/umbrella")
        .input("token", token)
        .input("dispatch", "part-changed")
        .input("payload", payload.to_string())
        .input("wait", "started")
}

#[test]
fn many_parts_tell_one_umbrella_and_their_token_is_rotated_in_one_step() {
    let umbrella = Repository::new("acme/umbrella")
        .file("README.md", "r")
        .workflow("part-changed.yml", include_str!("../../docs/workflows/part-changed.yml"))
        .collaborator("robin", Role::Write);
    let scope = [("contents", WRITE), ("actions", READ), ("metadata", READ)];
    let [old, new] = [(), ()].map(|()| Token::fine_grained("robin", "acme", &["acme/umbrella"], &scope));
    let rotator = Token::classic("robin", &["repo"]);
    let mut model = Model::new().repository(umbrella).token(&old).token(&new).token(&rotator);
    for number in 0..PARTS {
        model = model.repository(Repository::new(&part(number)).file("a", "a").collaborator("robin", Role::Admin));
    }
    let github = emulator::Emulator::start(model).unwrap();
    let all = |token: &str| {
        std::thread::scope(|scope| {
            let steps: Vec<_> = (0..PARTS)
                .map(|number| {
                    scope.spawn({
                        let github = &github;
                        move || tell(github, number, token).run()
                    })
                })
                .collect();
            steps.into_iter().map(|step| step.join().unwrap()).collect::<Vec<_>>()
        })
    };
    let outcomes = all(old.value());
    let runs = github.runs("acme/umbrella");
    assert_eq!(runs.len(), PARTS, "each is started once");
    for (number, outcome) in outcomes.iter().enumerate() {
        outcome.succeeded();
        let own = runs.iter().find(|run| run.id.to_string() == outcome.output("run-id")).expect("its own run");
        assert_eq!(own.payload["part"], part(number), "{outcome}");
        assert_ne!(own.payload["relay"], "{relay_id}");
    }
    // The rotation: one step for all, then the old token ends.
    let targets: Vec<String> = (0..PARTS).map(part).collect();
    let rotate = || {
        Step::new(github.url())
            .input("repository", targets.join("\n"))
            .input("token", rotator.value())
            .input("secret-name", "UMBRELLA_TOKEN")
            .input("secret-value", new.value())
    };
    rotate().input("dry-run", "true").run().succeeded();
    assert!(targets.iter().all(|part| github.repository(part).secret("UMBRELLA_TOKEN").is_none()));
    rotate().run().succeeded();
    github.model(|model| model.tokens[0].revoked = true);
    tell(&github, 0, old.value()).run().failed("bad-credentials");
    let secret = |part: &String| github.repository(part).secret("UMBRELLA_TOKEN").unwrap();
    assert!(targets.iter().all(|part| secret(part) == new.value()));
    for outcome in all(&secret(&targets[0])) {
        outcome.succeeded();
    }
    assert_eq!(github.runs("acme/umbrella").len(), 2 * PARTS);
}
