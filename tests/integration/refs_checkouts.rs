//! Checkouts as runners have them: shallow, of another user, with a stored credential, and such that cannot be read.

use std::{fs, process::Command};

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Account, BypassActor, Model, Repository, Role, Ruleset, Target, Token},
};

use crate::{
    refs::Tree,
    runner::{Outcome, Step},
    world::{TARGET, World},
};

/// A source repository of six commits on `main`, in a folder of its own.
pub(crate) fn source() -> (tempfile::TempDir, Tree) {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::init(&folder.path().join("source"));
    for number in 1..=6 {
        tree.commit(&format!("folder/{number}.txt"), &"line\n".repeat(number * 50));
    }
    (folder, tree)
}

/// Clones `from` into the step's workspace as actions/checkout would.
pub(crate) fn cloned(step: Step, from: &Tree, options: &[&str]) -> Step {
    let workspace = step.workspace();
    let inner = workspace.join("inner");
    Tree::clone(&from.0, &inner, options);
    for entry in fs::read_dir(&inner).unwrap() {
        let entry = entry.unwrap();
        fs::rename(entry.path(), workspace.join(entry.file_name())).unwrap();
    }
    fs::remove_dir(inner).unwrap();
    step
}

pub(crate) fn empty() -> World {
    World::with(Repository::new(TARGET), Token::classic("robin", &["repo", "workflow"]))
}

/// Brings revisions of `from` to branches of the target behind the server's back.
pub(crate) fn seed(world: &World, from: &Tree, refspecs: &[&str]) {
    let target = Tree(world.github.repository(TARGET).path());
    from.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let url = format!("file://{}", from.0.display());
    for spec in refspecs {
        let (revision, name) = spec.split_once(':').unwrap();
        target.git(&["fetch", "-q", &url, &format!("{}:{name}", from.git(&["rev-parse", revision]))]);
    }
}

fn push(world: &World, from: &Tree, options: &[&str], refs: &str) -> Outcome {
    cloned(world.step().input("refs", refs), from, options).run()
}

/// What docs/recipes/mirror.md begins with: a release's run has its tag checked out.
#[test]
fn the_checkout_of_a_release_has_a_branch_only_as_the_remote_s() {
    let (world, (_folder, tree)) = (empty(), source());
    tree.git(&["tag", "v1.0.0", "main~1"]);
    let push = |refs: &str| {
        let step = cloned(world.step().input("refs", refs), &tree, &[]);
        let checkout = Tree(step.workspace());
        checkout.git(&["checkout", "-q", "--detach", "v1.0.0"]);
        checkout.git(&["branch", "-q", "-D", "main"]);
        step.run()
    };
    let outcome = push("main\nrefs/tags/*");
    outcome.failed("invalid-ref-or-object");
    assert!(outcome.stdout.contains("Write `origin/main:main`."), "{outcome}");
    push("origin/main:refs/heads/main\nrefs/tags/*").succeeded();
    for name in ["refs/heads/main", "refs/tags/v1.0.0"] {
        assert_eq!(world.tip(name), Some(tree.git(&["rev-parse", name])), "{name}");
    }
}

#[test]
fn a_shallow_checkout_that_the_target_can_not_complete_is_found_before_sending() {
    let world = empty();
    let (_folder, tree) = source();
    let outcome = push(&world, &tree, &["--depth", "1"], "main");
    outcome.failed("shallow-checkout");
    assert!(outcome.stdout.contains("fetch-depth: 0"), "{outcome}");
    seed(&world, &tree, &["main~2:refs/heads/main"]);
    push(&world, &tree, &["--depth", "1"], "main").failed("shallow-checkout");
    assert!(world.github.log().pushes().is_empty());
}

#[test]
fn a_shallow_checkout_that_the_target_completes_is_pushed() {
    let (_folder, tree) = source();
    // The target has the parent; the commit itself; what is two below the end, which its own history proves.
    for (depth, seeds) in [
        ("1", &["main~1:refs/heads/main"][..]),
        ("2", &["main~2:refs/heads/main"]),
        ("3", &["main~2:refs/heads/main"]),
        ("2", &["main~2:refs/heads/other", "main~4:refs/heads/main"]),
        ("1", &["main:refs/heads/other", "main~4:refs/heads/main"]),
        ("1", &["main~1:refs/heads/other"]),
    ] {
        let world = empty();
        seed(&world, &tree, seeds);
        push(&world, &tree, &["--depth", depth], "main").succeeded();
        assert_eq!(world.tip("refs/heads/main"), Some(tree.git(&["rev-parse", "main"])), "{depth} {seeds:?}");
        world.git(&["fsck", "--strict"]);
    }
}

#[test]
fn a_shallow_checkout_does_not_hide_that_commits_would_be_lost() {
    let world = empty();
    let (_folder, tree) = source();
    seed(&world, &tree, &["main~1:refs/heads/other", "main~1:refs/heads/main"]);
    let theirs = world.github.repository(TARGET).commit("refs/heads/main", &[("theirs", b"x")], "theirs");
    push(&world, &tree, &["--depth", "1"], "main").failed("non-fast-forward");
    assert_eq!(world.tip("refs/heads/main"), Some(theirs));
    push(&world, &tree, &["--depth", "1"], "+main").succeeded();
    assert_eq!(world.tip("refs/heads/main"), Some(tree.git(&["rev-parse", "main"])));
}

#[test]
fn a_single_branch_checkout_pushes_its_branch_and_knows_no_other() {
    let world = empty();
    let (_folder, tree) = source();
    tree.git(&["branch", "other"]);
    push(&world, &tree, &["--single-branch"], "HEAD:refs/heads/copy").succeeded();
    assert_eq!(world.tip("refs/heads/copy"), Some(tree.git(&["rev-parse", "main"])));
    let outcome = push(&world, &tree, &[], "other");
    outcome.failed("invalid-ref-or-object");
    assert!(outcome.stdout.contains("origin/other:other"), "{outcome}");
    push(&world, &tree, &[], "origin/other:other").succeeded();
    assert!(world.tip("refs/heads/other").is_some());
}

type Prepare<'a> = Box<dyn Fn(Step) -> Step + 'a>;

#[test]
fn checkouts_that_can_not_be_read_each_have_their_own_remedy() {
    let world = World::new();
    let (folder, tree) = source();
    tree.git(&["config", "uploadpack.allowFilter", "true"]);
    let init = |step: Step, option: &str| {
        Tree(step.workspace()).git(&["init", "-q", "-b", "main", option]);
        Tree(step.workspace()).commit("a", "a");
        step
    };
    let away = folder.path().join("away");
    fs::create_dir(&away).unwrap();
    let cases: Vec<(&str, &str, Prepare<'_>)> = vec![
        ("no git repository", "Run actions/checkout", Box::new(|step| step)),
        (
            "in the folder \"inner\" of the workspace",
            "Set `checkout: inner`",
            Box::new(|step: Step| {
                Tree::clone(&tree.0, &step.workspace().join("inner"), &[]);
                step
            }),
        ),
        ("partial clone", "`filter:`", Box::new(|step| cloned(step, &tree, &["--filter=blob:none", "--no-checkout"]))),
        ("sha256", "object format sha1", Box::new(|step| init(step, "--object-format=sha256"))),
        (
            "reftable",
            "git refs migrate",
            // As `git init --ref-format=reftable` leaves it, which git before 2.45 does not know.
            Box::new(|step: Step| {
                let inside = Tree::init(&step.workspace());
                inside.git(&["config", "core.repositoryFormatVersion", "1"]);
                inside.git(&["config", "extensions.refStorage", "reftable"]);
                fs::write(inside.0.join(".git/HEAD"), "ref: refs/heads/.invalid\n").unwrap();
                fs::create_dir(inside.0.join(".git/reftable")).unwrap();
                step
            }),
        ),
        (
            "borrows objects",
            "Mount that folder",
            Box::new(|step: Step| {
                let step = cloned(step, &tree, &[]);
                let file = step.workspace().join(".git/objects/info/alternates");
                fs::write(file, format!("{}/gone/objects\n", away.display())).unwrap();
                step
            }),
        ),
        (
            "borrows objects",
            "Mount that folder",
            Box::new(|step: Step| {
                let between = step.workspace().join("between");
                let step = cloned(step, &tree, &[]);
                Tree::clone(&tree.0, &between, &[]);
                let gone = format!("{}/gone/objects\n", away.display());
                fs::write(between.join(".git/objects/info/alternates"), gone).unwrap();
                let file = step.workspace().join(".git/objects/info/alternates");
                fs::write(file, format!("{}/.git/objects\n", between.display())).unwrap();
                step
            }),
        ),
        (
            "damaged",
            "fresh clone",
            Box::new(|step: Step| {
                let step = cloned(step, &tree, &[]);
                let inside = Tree(step.workspace());
                inside.commit("lost", "lost\n");
                let blob = inside.git(&["rev-parse", "HEAD:lost"]);
                fs::remove_file(inside.0.join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
                step
            }),
        ),
    ];
    for (what, remedy, prepare) in cases {
        let outcome = prepare(world.step().input("refs", "+main")).run();
        outcome.failed("local-git-error");
        assert!(outcome.stdout.contains(what) && outcome.stdout.contains(remedy), "{what}: {outcome}");
    }
    assert!(world.github.log().pushes().is_empty());
}

#[test]
fn r1_a_partial_clone_is_pushed_to_the_repository_that_it_was_cloned_from() {
    let (_folder, tree) = source();
    for (filter, extension) in [("blob:none", false), ("blob:limit=400", true), ("tree:0", false)] {
        let world = empty();
        seed(&world, &tree, &["main:refs/heads/main"]);
        let target = Tree(world.github.repository(TARGET).path());
        target.git(&["config", "uploadpack.allowFilter", "true"]);
        let options = [&format!("--filter={filter}")[..], "--no-checkout"];
        let step = cloned(world.step().input("refs", "HEAD:main"), &target, &options);
        // As `sparse-checkout:` of actions/checkout leaves it: one folder of the tree is there.
        let inside = Tree(step.workspace());
        inside.git(&["sparse-checkout", "set", "--no-cone", "/folder/2.txt"]);
        inside.git(&["checkout", "-q", "main"]);
        let commit = inside.commit("folder/2.txt", "changed\n");
        let absent = inside.git(&["rev-list", "--objects", "--all", "--missing=print"]);
        assert!(absent.lines().any(|line| line.starts_with('?')), "{filter}: the clone is whole\n{absent}");
        inside.git(&["remote", "set-url", "origin", &format!("{}/{TARGET}.git", world.github.url())]);
        if extension {
            inside.git(&["config", "extensions.partialClone", "origin"]);
        }
        step.run().succeeded();
        assert_eq!(world.tip("refs/heads/main"), Some(commit), "{filter}");
        world.git(&["fsck", "--full", "--strict"]);
    }
}

#[test]
fn a_workspace_of_another_user_opens() {
    let world = empty();
    let (_folder, tree) = source();
    let step = cloned(world.step().input("refs", "main"), &tree, &[]);
    let changed = Command::new("chown").args(["-R", "1001:1001"]).arg(step.workspace()).status().unwrap();
    if !changed.success() {
        println!("only root can give files away: this test is for root");
        return;
    }
    step.run().succeeded();
    assert_eq!(world.tip("refs/heads/main"), Some(tree.git(&["rev-parse", "main"])));
}

/// actions/checkout with `persist-credentials`: in the checkout's own configuration, or (newer) in a file that it includes.
pub(crate) fn persist(step: &Step, server: &str, value: &str, newer: bool) {
    let workspace = step.workspace();
    let section = format!("[http \"{server}/\"]\n\textraheader = AUTHORIZATION: basic {value}\n");
    let config = workspace.join(".git/config");
    let mut text = fs::read_to_string(&config).unwrap();
    if newer {
        let file = workspace.parent().unwrap().join("temp/git-credentials-0000.config");
        fs::write(&file, section).unwrap();
        let include = format!("[includeIf \"gitdir:{}/.git\"]\n\tpath = {}\n", workspace.display(), file.display());
        text += &include;
    } else {
        text += &section;
    }
    fs::write(config, text).unwrap();
}

pub(crate) fn basic(token: &str) -> String {
    let mut command = Command::new("base64");
    let input = tempfile::NamedTempFile::new().unwrap();
    fs::write(input.path(), format!("x-access-token:{token}")).unwrap();
    let output = command.arg("-w0").arg(input.path()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The world of the hijack story: a ruleset that wants pull requests, an owner who may pass it by, the workflow's own token that may not.
pub(crate) fn guarded() -> (World, Token) {
    let own = Token::github_token(TARGET, &[("contents", emulator::model::Level::Write)]).named("the workflow's own");
    let rules = Ruleset::new("reviews", Target::Branch, &["refs/heads/main", "refs/heads/master"])
        .rule("pull_request")
        .bypassed_by(BypassActor::Role(Role::Admin), "always");
    let site = Repository::new(TARGET)
        .file("README.md", "hello\n")
        .files("master", &[("README.md", "hello\n")])
        .collaborator("olivia", Role::Admin)
        .ruleset(rules);
    let model = Model::new().account(Account::organization("acme")).repository(site).token(&own);
    (World::of(model, Token::classic("olivia", &["repo", "workflow"]).named("olivia's")), own)
}

pub(crate) fn pusher(world: &World) -> Vec<String> {
    world.github.log().pushes().iter().filter_map(|entry| entry.token.clone()).collect()
}

#[test]
fn the_checkouts_own_credential_is_never_used() {
    for newer in [false, true] {
        let (world, own) = guarded();
        let target = Tree(world.github.repository(TARGET).path());
        let step = cloned(world.step().input("refs", "main"), &target, &[]);
        persist(&step, world.github.url(), &basic(own.value()), newer);
        let tree = Tree(step.workspace());
        let commit = tree.commit("release.txt", "1.4.2\n");
        // What the story is about: with the stored header git pushes as the workflow's own token, whatever the address says.
        let url =
            format!("{}/{TARGET}.git", world.github.url().replace("://", &format!("://x:{}@", world.token.value())));
        let by_git = tree.try_git(&["push", "-q", &url, "main"]);
        assert!(by_git.is_err_and(|text| text.contains("GH013")), "git's own push is refused");
        assert!(pusher(&world).iter().all(|token| token == "the workflow's own"), "{:?}", pusher(&world));
        let outcome = step.run();
        outcome.succeeded();
        assert_eq!(world.tip("refs/heads/main"), Some(commit));
        assert_eq!(pusher(&world).last().unwrap(), "olivia's");
        assert_eq!(outcome.check("checkout-credentials"), "warn", "{outcome}");
    }
}

#[test]
fn no_form_of_a_stored_credential_is_used_and_no_address_is_bent() {
    let (world, own) = guarded();
    let (elsewhere, _) = guarded();
    let target = Tree(world.github.repository(TARGET).path());
    let step = cloned(world.step().input("refs", "HEAD:main\nHEAD:refs/heads/copy"), &target, &[]);
    let (home, tree) = (step.workspace().parent().unwrap().join("home"), Tree(step.workspace()));
    let (server, secret) = (world.github.url(), own.value());
    let (_, host) = server.split_once("://").unwrap();
    let marks = tempfile::tempdir().unwrap();
    let mark = |name: &str| format!("touch {}; exit 1", marks.path().join(name).display());
    let with_name = format!("http://x-access-token:{secret}@{host}/{TARGET}.git");
    for (name, value) in [
        ("remote.origin.url", &with_name[..]),
        ("remote.origin.pushurl", &with_name),
        ("http.extraheader", &format!("AUTHORIZATION: basic {}", basic(secret))),
        ("credential.helper", &format!("!{}", mark("helper"))),
        ("core.sshCommand", &mark("ssh")),
        ("core.askPass", &mark("ask")),
        ("http.proxy", "http://127.0.0.1:9"),
        (&format!("url.{}/.insteadOf", elsewhere.github.url()), &format!("{server}/")),
    ] {
        tree.git(&["config", name, value]);
    }
    fs::write(home.join(".gitconfig"), format!("[credential]\n\thelper = \"!{}\"\n", mark("home"))).unwrap();
    fs::write(home.join(".git-credentials"), format!("http://x:{secret}@{host}\n")).unwrap();
    fs::write(home.join(".netrc"), format!("machine 127.0.0.1 login x password {secret}\n")).unwrap();
    tree.git(&["add", "-A"]);
    let commit = tree.commit("release.txt", "1.4.2\n");
    let outcome = step
        .env("GIT_ASKPASS", "/bin/false")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "http.extraheader")
        .env("GIT_CONFIG_VALUE_0", format!("AUTHORIZATION: basic {}", basic(secret)))
        .run();
    outcome.succeeded();
    assert_eq!(world.tip("refs/heads/main"), Some(commit));
    let log = world.github.log();
    assert!(log.0.iter().all(|entry| entry.token.as_deref() == Some("olivia's")), "{log}");
    assert!(elsewhere.github.log().0.is_empty(), "an address is not rewritten");
    assert_eq!(fs::read_dir(marks.path()).unwrap().count(), 0, "nothing of the checkout's own is run");
    assert_eq!(outcome.check("checkout-credentials"), "warn", "{outcome}");
}

#[test]
fn the_same_set_up_as_a_directory_does_not_lose_to_commits_that_came_meanwhile() {
    let (world, own) = guarded();
    let target = Tree(world.github.repository(TARGET).path());
    let step = cloned(world.step(), &target, &[]);
    persist(&step, world.github.url(), &basic(own.value()), false);
    let came = world.github.repository(TARGET).commit("refs/heads/master", &[("meanwhile", b"x")], "meanwhile");
    let outcome = step
        .input("directory", "map")
        .input("branch", "master")
        .input("destination", "coverage")
        .file("map/index.html", "<h1>90 %</h1>")
        .run();
    outcome.succeeded();
    assert_eq!(world.git(&["rev-parse", "master^"]), came);
    assert_eq!(world.paths("master"), ["README.md", "coverage/index.html", "meanwhile"]);
    assert_eq!(pusher(&world), ["olivia's"]);
}

#[test]
fn an_app_whose_bypass_is_not_known_is_warned_with_the_list_to_look_at() {
    let rules = Ruleset::new("reviews", Target::Branch, &["refs/heads/main"])
        .rule("pull_request")
        .bypassed_by(BypassActor::App("relay".to_owned()), "always");
    let site = Repository::new(TARGET).file("README.md", "hello\n").ruleset(rules);
    let token = Token::installation("relay", "acme", &[TARGET], &[("contents", emulator::model::Level::Write)]);
    let world = World::of(Model::new().account(Account::organization("acme")).repository(site), token);
    let target = Tree(world.github.repository(TARGET).path());
    let step = cloned(world.step().input("refs", "main"), &target, &[]);
    let commit = Tree(step.workspace()).commit("a", "a");
    let refusal = Canned::error(404, "Not Found");
    world.github.fault(FaultRule::on("GET", "*/rulesets/*", Fault::Answer(refusal)));
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(outcome.check("branch-rules"), "warn", "{outcome}");
    assert!(outcome.stdout.contains("Bypass list"), "{outcome}");
    assert_eq!(world.tip("refs/heads/main"), Some(commit));
}
