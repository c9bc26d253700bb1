//! Every recipe of `docs/recipes`, run by act against a GitHub on loopback, with the least token that its page names. A recipe's
//! other side stands in the target as the page has it, and the recipe must have started it.
//!
//! Nothing in a recipe is replaced but its host: `github.com` by what the runner tells (`GITHUB_SERVER_URL`), the
//! enterprise server by its address in the text. `OWNER/repo-relay@v1` is served from a folder whose `action.yml` names the
//! image that is tested, as a release's does. All of the recipes run here but that of [`NEEDS_GITHUB`].

use std::{collections::BTreeSet, fs, path::Path};

use emulator::model::{BypassActor, Level, Model, Repository, Role, Ruleset, Target, Token};
use serde_json::{Value, json};

use crate::{
    engine::variable,
    pages,
    sshd::{Manners, Sshd},
    workflow::{Act, git},
    world::World,
};

/// It takes another run's artifact, and asks GitHub with `gh`.
const NEEDS_GITHUB: &str = "publish-preview.yml";

const OWN: &str = "acme/source";
const PRODUCT: &str = "platform/product";
const SITES: [&str; 3] = ["acme/site-one", "acme/site-two", "acme/site-three"];

const ON_TAG: &str =
    "name: build\non:\n  push:\n    tags: ['v*']\n  workflow_dispatch:\njobs: {a: {runs-on: x, steps: []}}\n";
const BY_HAND: &str = "name: token check\non:\n  workflow_dispatch:\njobs: {a: {runs-on: x, steps: []}}\n";
const MAKEFILE: &str = "docs:\n\tmkdir -p build/docs\n\techo '<h1>docs</h1>' > build/docs/index.html\n\
                        coverage:\n\tmkdir -p map\n\techo '<h1>map</h1>' > map/index.html\n";

/// The tokens that the recipes read, by the names of their secrets: what `docs/tokens.md` says, and no more.
fn tokens() -> Vec<(&'static str, Token)> {
    use Level::{Read, Write};
    let fine = |repositories: &[&str], permissions: &[(&str, Level)]| {
        let owner = repositories[0].split('/').next().unwrap();
        Token::fine_grained("robin", owner, repositories, permissions)
    };
    vec![
        ("WEBSITE_TOKEN", fine(&["acme/website"], &[("contents", Write), ("pages", Read)])),
        ("GHE_TOKEN", fine(&[PRODUCT], &[("contents", Write), ("workflows", Write)])),
        ("OWNER_PAT", fine(&[OWN], &[("contents", Write)])),
        ("RELEASE_PAT", fine(&[OWN], &[("contents", Write), ("actions", Read)])),
        ("UMBRELLA_TOKEN", fine(&["acme/umbrella"], &[("contents", Write), ("actions", Read)])),
        ("SITES_TOKEN", fine(&SITES, &[("contents", Write)])),
        ("ROTATION_TOKEN", fine(&SITES, &[("secrets", Write), ("actions", Write)])),
        ("NEW_WEBSITE_TOKEN", fine(&["acme/website"], &[("contents", Write)])),
        ("OLD_WEBSITE_TOKEN", Token::classic("ada", &["repo"])),
        (
            "GITHUB_TOKEN",
            Token::github_token(
                OWN,
                &[("contents", Write), ("actions", Write), ("pages", Read), ("pull_requests", Read)],
            ),
        ),
    ]
}

fn world(tokens: &[(&str, Token)], receivers: &[pages::Recipe]) -> World {
    let receiver = |file: &str| &*receivers.iter().find(|receiver| receiver.file == file).unwrap().text;
    let rules = Ruleset::new("reviews", Target::Branch, &["refs/heads/master"])
        .rule_with(
            "pull_request",
            json!({
                "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": false,
                "require_code_owner_review": false, "require_last_push_approval": false,
                "required_review_thread_resolution": false
            }),
        )
        .bypassed_by(BypassActor::TeamMember("robin".to_owned()), "always");
    let own = Repository::new(OWN)
        .files("main", &[("Makefile", MAKEFILE), ("repositories.txt", &SITES.join("\n"))])
        .files("master", &[("Makefile", MAKEFILE)])
        .workflow("docker-build.yml", receiver("docker-build.yml"))
        .workflow("npm-publish.yml", ON_TAG)
        .tag("v0.9.0")
        .ruleset(rules);
    let mut model = Model::new()
        .repository(own.collaborator("robin", Role::Admin))
        .repository(
            Repository::new("acme/website").file("README.md", "r").pages("gh-pages").collaborator("robin", Role::Write),
        )
        .repository(
            Repository::new("acme/umbrella")
                .workflow("part-changed.yml", receiver("part-changed.yml"))
                .collaborator("robin", Role::Write),
        )
        .repository(Repository::new(PRODUCT).collaborator("robin", Role::Write));
    for site in SITES {
        let site = Repository::new(site).file("README.md", "r").workflow("token-check.yml", BY_HAND);
        model = model.repository(site.collaborator("robin", Role::Admin));
    }
    let (last, others) = tokens.split_last().unwrap();
    for (_, token) in others {
        model = model.token(token);
    }
    World::of(model, last.1.clone())
}

/// The action as a release has it: its image by name.
fn action(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("action.yml")).unwrap();
    let image = format!("  image: docker://{}\n", variable("REPO_RELAY_IMAGE"));
    let released = text.replace("  image: Dockerfile\n", &image);
    assert!(released.contains(&image));
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("action.yml"), released).unwrap();
}

/// What starts a recipe: the event, its payload.
fn starts(file: &str) -> Vec<(&'static str, Value)> {
    let push = |branch: &str| ("push", json!({"ref": format!("refs/heads/{branch}")}));
    let by_hand = |inputs: Value| ("workflow_dispatch", json!({"ref": "refs/heads/main", "inputs": inputs}));
    let pull = |action: &str| {
        let branch = |name: &str| json!({"ref": name, "sha": "0123456789abcdef0123456789abcdef01234567"});
        let mut head = branch("topic");
        head["repo"] = json!({"full_name": OWN});
        let request = json!({"number": 7, "head": head, "base": branch("main")});
        ("pull_request", json!({"action": action, "number": 7, "pull_request": request}))
    };
    match file {
        "docs.yml" | "docs-with-pages.yml" | "tell-the-umbrella.yml" | "fan-out.yml" | "fan-out-in-slices.yml" => {
            vec![push("main")]
        }
        "coverage.yml" => vec![push("master")],
        "mirror.yml" | "mirror-by-deploy-key.yml" => {
            vec![("release", json!({"action": "published", "release": {"tag_name": "v0.9.0"}}))]
        }
        "release.yml" => vec![by_hand(json!({"version": "1.2.3"}))],
        "release-without-a-pat.yml" => vec![by_hand(json!({"version": "1.2.4"}))],
        "rotate.yml" => vec![by_hand(json!({"dry-run": "true"})), by_hand(json!({"dry-run": "false"}))],
        "token-health.yml" | "token-radar.yml" => vec![("schedule", json!({}))],
        // The workflow's own `git lfs` and another server's refs are not here: what the recipes push is tried by `mirror.yml`.
        "whole-mirror.yml" | "mirror-drift.yml" => vec![],
        "token-check.yml" => vec![by_hand(json!({}))],
        "preview.yml" => vec![pull("opened"), pull("closed")],
        other => panic!("{other}: say here what starts it, and in `judge` what it does"),
    }
}

/// What a recipe must have done, after its start number `turn`.
fn judge(file: &str, turn: usize, world: &World, log: &str) {
    let of = |slug: &str| world.github.repository(slug);
    let paths = |slug: &str, branch: &str| of(slug).files(branch).into_keys().collect::<Vec<_>>();
    let runs = |slug: &str, event: &str| of(slug).runs().iter().filter(|run| run.event == event).count();
    match file {
        "docs.yml" => assert_eq!(paths("acme/website", "gh-pages"), [".nojekyll", "index.html"]),
        "docs-with-pages.yml" => {
            assert_eq!(paths("acme/website", "gh-pages"), [".nojekyll", "CNAME", "index.html"]);
            assert!(log.contains("https://acme.github.io/website/"), "{log}");
        }
        "mirror.yml" | "mirror-by-deploy-key.yml" => {
            for name in ["refs/heads/main", "refs/tags/v0.9.0"] {
                assert_eq!(of(PRODUCT).tip(name), of(OWN).tip(name), "{name}\n{log}");
                // For the next of the two.
                of(PRODUCT).set_ref(name, None);
            }
        }
        "coverage.yml" => assert_eq!(paths(OWN, "master"), ["Makefile", "coverage/index.html"]),
        "release.yml" => {
            assert!(of(OWN).tip("refs/tags/v1.2.3").is_some(), "{log}");
            assert_eq!(runs(OWN, "push"), 2, "{log}");
        }
        "release-without-a-pat.yml" => {
            assert_eq!(of(OWN).tip("refs/tags/v1.2.4"), of(OWN).tip("refs/heads/main"), "{log}");
            assert_eq!(runs(OWN, "workflow_dispatch"), 2, "{log}");
        }
        "tell-the-umbrella.yml" => assert_eq!(runs("acme/umbrella", "repository_dispatch"), 1, "{log}"),
        "token-health.yml" | "token-radar.yml" | "token-check.yml" => assert!(log.contains("checks passed"), "{log}"),
        "fan-out.yml" | "fan-out-in-slices.yml" => {
            for site in SITES {
                assert_eq!(paths(site, "gh-pages"), [".nojekyll", "index.html"], "{log}");
                of(site).set_ref("refs/heads/gh-pages", None);
            }
        }
        "rotate.yml" => {
            let set = |slug: &str| of(slug).secret("WEBSITE_TOKEN").is_some();
            assert_eq!(SITES.map(set), [turn == 1; 3], "{log}");
            let old_token_ended = world.github.model(|model| model.tokens.iter().any(|token| token.revoked));
            assert_eq!(old_token_ended, turn == 1, "{log}");
        }
        "preview.yml" => {
            let preview = "previews/pr-7/index.html".to_owned();
            assert_eq!(paths(OWN, "gh-pages").contains(&preview), turn == 0, "{log}");
        }
        other => panic!("{other}"),
    }
}

#[test]
#[ignore = "needs the image and act: script/test"]
fn act_runs_every_recipe() {
    let tokens = tokens();
    let all = pages::recipes(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (receivers, mut recipes): (Vec<_>, Vec<_>) = all.into_iter().partition(pages::Recipe::is_receiver);
    recipes.retain(|recipe| recipe.file != NEEDS_GITHUB);
    let world = world(&tokens, &receivers);
    let sshd = Sshd::serving(&world, PRODUCT, Manners::default(), &["-t", "ed25519"]);
    let act = Act::start();
    action(&act.path("action"));
    let source = act.path("source");
    git(
        Path::new("/"),
        &["clone", "--quiet", world.github.repository(OWN).path().to_str().unwrap(), source.to_str().unwrap()],
    );
    // A release's run has its tag checked out, and no branch of its own.
    let released = act.path("released");
    git(Path::new("/"), &["clone", "--quiet", source.to_str().unwrap(), released.to_str().unwrap()]);
    git(&released, &["checkout", "--quiet", "--detach", "v0.9.0"]);
    git(&released, &["branch", "--quiet", "--delete", "--force", "main"]);
    let url = world.github.url();
    assert!(recipes.len() >= 13);
    let secrets: BTreeSet<&str> = tokens.iter().map(|(name, _)| *name).collect();

    for recipe in recipes {
        let ssh = recipe.text.contains("ssh-key:");
        let product = "https://acme.ghe.com/platform/product";
        let text = recipe.text.replace(product, &if ssh { sshd.url() } else { format!("{url}/{PRODUCT}") });
        let file = act.path(&recipe.file);
        fs::write(&file, &text).unwrap();
        for (turn, (event, payload)) in starts(&recipe.file).into_iter().enumerate() {
            let mut job = act
                .job(if event == "release" { &released } else { &source }, event)
                .event(&payload)
                .args(["--workflows", file.to_str().unwrap()])
                .args(["--local-repository", &format!("OWNER/repo-relay@v1={}", act.path("action").display())])
                .args(["--env", &format!("GITHUB_SERVER_URL={url}"), "--env", &format!("GITHUB_API_URL={url}/api/v3")])
                .args(["--env", &format!("GITHUB_REPOSITORY={OWN}"), "--env", "GITHUB_REPOSITORY_OWNER=acme"])
                .value("--secret", "MIRROR_KEY", &sshd.key)
                .value("--var", "GHE_KNOWN_HOSTS", &sshd.known_host("ed25519"));
            for (name, token) in &tokens {
                job = job.value("--secret", name, token.value());
            }
            let (success, log) = job.run();
            assert!(success, "{} by {event}:\n{log}", recipe.file);
            assert!(!log.contains("OWNER/repo-relay@v1 is not"), "{log}");
            judge(&recipe.file, turn, &world, &log);
            assert!(
                tokens.iter().all(|(_, token)| !log.contains(token.value())),
                "{}: a token is in the log",
                recipe.file
            );
        }
        for used in text.split("${{ secrets.").skip(1) {
            let name = used.split(' ').next().unwrap();
            assert!(secrets.contains(name) || name == "MIRROR_KEY", "{}: no value for {name}", recipe.file);
        }
    }
}
