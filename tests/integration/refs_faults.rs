//! Refs of the checkout where something goes wrong: lost answers, races, refusals, sizes, rights, several targets.

use std::fs;

use emulator::{
    Emulator,
    faults::{Canned, Fault, FaultRule},
    model::{Level, Model, Repository, Role, Ruleset, Target, Token},
};

use crate::{
    refs::{Tree, checkout, updates},
    refs_checkouts::{cloned, empty, seed, source},
    runner::{Outcome, Step},
    world::{TARGET, World},
};

#[test]
fn a_push_whose_answer_got_lost_is_looked_up_and_one_that_did_not_arrive_is_sent_again() {
    for (fault, pushes) in [
        (Fault::ResetAfter, 3),
        (Fault::AnswerAfter(Canned::bad_gateway()), 3),
        (Fault::Truncate(10), 3),
        (Fault::Reset, 4),
        (Fault::Answer(Canned::bad_gateway()), 4),
    ] {
        let world = empty();
        let (step, tree) = checkout(&world, "main\nHEAD~1:refs/heads/before\nrefs/tags/*");
        for name in ["v1", "v2", "v3", "v4"] {
            tree.git(&["tag", name]);
        }
        let what = format!("{fault:?}");
        world.github.fault(FaultRule::on("POST", "*/git-receive-pack", fault).first(1));
        let outcome = step.run();
        outcome.succeeded();
        assert_eq!(world.github.log().pushes().len(), pushes, "{what}: a push, three tags, one tag");
        assert_eq!(updates(&outcome).len(), 6, "{what}: {outcome}");
        assert_eq!(outcome.output("pushed"), "true");
        assert_eq!(outcome.output("commit"), tree.git(&["rev-parse", "main"]));
        assert_eq!(world.github.repository(TARGET).refs().len(), 6);
        world.git(&["fsck", "--strict"]);
    }
}

#[test]
fn no_more_than_attempts_are_made() {
    let world = empty();
    let (step, _) = checkout(&world, "main");
    world.github.fault(FaultRule::on("POST", "*/git-receive-pack", Fault::Answer(Canned::bad_gateway())));
    step.input("attempts", "2").run().failed("server-error");
    assert_eq!(world.github.log().pushes().len(), 2);
}

/// A world whose `main` is the first of three commits of the step's checkout; `deed` comes between the look and the push.
fn raced(
    refs: &str,
    deed: impl Fn(&Tree, &emulator::RepositoryHandle) + Send + Sync + 'static,
) -> (World, Outcome, Tree) {
    let world = empty();
    let (step, tree) = checkout(&world, refs);
    seed(&world, &tree, &["main~2:refs/heads/main", "main~1:refs/heads/next"]);
    let theirs = Tree(tree.0.clone());
    let race = Fault::race(move |target| deed(&theirs, target));
    world.github.fault(FaultRule::on("POST", "*/git-receive-pack", race).first(1));
    let outcome = step.run();
    (world, outcome, tree)
}

#[test]
fn a_branch_that_another_push_moved_along_the_way_is_moved_on() {
    let (world, outcome, tree) =
        raced("main", |tree, target| target.set_ref("refs/heads/main", Some(&tree.git(&["rev-parse", "main~1"]))));
    outcome.succeeded();
    assert_eq!(world.tip("refs/heads/main"), Some(tree.git(&["rev-parse", "main"])));
    assert_eq!(outcome.output("previous"), tree.git(&["rev-parse", "main~1"]), "{outcome}");
}

#[test]
fn a_branch_that_another_push_moved_elsewhere_is_not_overwritten() {
    for (refs, branch, cause) in
        [("main", "main", "non-fast-forward"), ("+main", "main", "stale-info"), (":next", "next", "stale-info")]
    {
        let name = format!("refs/heads/{branch}");
        let (world, outcome, _) =
            raced(refs, move |_, target| drop(target.commit(&name, &[("theirs", b"x")], "theirs")));
        outcome.failed(cause);
        assert_eq!(outcome.stage("push"), "failed");
        assert_eq!(world.git(&["log", "-1", "--format=%s", branch]), "theirs", "{refs}");
        assert_eq!(outcome.output("pushed"), "false");
    }
}

#[test]
fn what_another_push_has_done_already_is_a_success() {
    let (world, outcome, tree) = raced("main\n:next", |_, target| target.set_ref("refs/heads/next", None));
    outcome.succeeded();
    assert_eq!(world.tip("refs/heads/next"), None);
    assert_eq!(world.tip("refs/heads/main"), Some(tree.git(&["rev-parse", "main"])));
}

#[test]
fn one_ref_that_is_refused_does_not_hold_the_others_and_the_report_says_which() {
    let rules = Ruleset::new("locked", Target::Branch, &["refs/heads/locked"]).rule("creation");
    let token = Token::classic("robin", &["repo", "workflow"]);
    let world = World::with(Repository::new(TARGET).ruleset(rules), token);
    let (step, tree) = checkout(&world, "HEAD:locked\nmain\nHEAD~1:refs/heads/other\nv1");
    tree.git(&["tag", "v1"]);
    // The rules are there; that they are certain to refuse is left aside here.
    let outcome = step.input("ignore-checks", "branch-rules").run();
    assert_eq!((outcome.status, outcome.stage("push")), (Some(1), "failed".to_owned()), "{outcome}");
    assert!(outcome.stdout.contains("locked"), "{outcome}");
    let landed = updates(&outcome);
    assert_eq!(landed.keys().map(String::as_str).collect::<Vec<_>>(), ["refs/heads/main", "refs/heads/other"]);
    let refs = world.github.repository(TARGET).refs();
    assert_eq!(refs.into_keys().collect::<Vec<_>>(), ["refs/heads/main", "refs/heads/other"], "no tag after a failure");
    assert_eq!((outcome.output("pushed"), outcome.output("branch")), ("true", "locked"));
    assert_eq!(outcome.output("commit"), "", "of the first branch, which is not there");
}

#[test]
fn refs_and_a_tag_go_in_one_step() {
    let world = empty();
    let (step, tree) = checkout(&world, "main");
    let outcome = step.input("tag", "v1\n+v").input("tag-message", "Release {tag}").run();
    outcome.succeeded();
    let tip = tree.git(&["rev-parse", "main"]);
    assert_eq!(world.git(&["rev-parse", "v1^{commit}", "v^{commit}"]), format!("{tip}\n{tip}"));
    assert_eq!((outcome.stage("push"), outcome.stage("tag")), ("done".to_owned(), "done".to_owned()));
    assert_eq!((outcome.output("tag"), outcome.output("tag-created")), ("v1\nv", "true"));
    assert_eq!(updates(&outcome).len(), 3, "{outcome}");
}

#[test]
fn every_target_gets_the_refs_and_one_that_refuses_them_does_not_hold_the_others() {
    let token = Token::classic("robin", &["repo", "workflow"]);
    let names = ["acme/one", "acme/two", "acme/three"];
    let mut model = Model::new().token(&token);
    for name in names {
        model = model.repository(Repository::new(name).collaborator("robin", Role::Write));
    }
    let github = Emulator::start(model).unwrap();
    let theirs = github.repository("acme/two").commit("refs/heads/main", &[("a", b"a")], "theirs");
    let step = Step::new(github.url())
        .input("repository", names.join("\n"))
        .input("token", token.value())
        .input("refs", "main\nrefs/tags/*");
    let tree = Tree::init(&step.workspace());
    let tip = tree.commit("a", "of the checkout");
    tree.git(&["tag", "v1"]);
    let outcome = step.run();
    outcome.failed("non-fast-forward");
    let report = outcome.report();
    let errors: Vec<_> = report["targets"].as_array().unwrap().iter().map(|target| target["error"].clone()).collect();
    assert_eq!(errors, ["", "non-fast-forward", ""]);
    for name in ["acme/one", "acme/three"] {
        assert_eq!(github.repository(name).refs().into_values().collect::<Vec<_>>(), [tip.clone(), tip.clone()]);
    }
    assert_eq!(github.repository("acme/two").tip("refs/heads/main"), Some(theirs));
}

#[test]
fn a_file_that_github_refuses_is_found_in_any_commit_before_sending() {
    let world = empty();
    let (step, tree) = checkout(&world, "main");
    fs::File::create(tree.0.join("dump.bin")).unwrap().set_len((100 << 20) + 1).unwrap();
    tree.git(&["-c", "core.compression=0", "add", "dump.bin"]);
    tree.git(&["commit", "-q", "-m", "by accident"]);
    let blob = tree.git(&["rev-parse", "HEAD:dump.bin"]);
    tree.git(&["rm", "-q", "dump.bin"]);
    tree.git(&["commit", "-q", "-m", "and away"]);
    let outcome = world.refuses(step, "file-size", "file-too-large");
    let message = outcome.message("file-size");
    assert!(message.contains(&blob) && message.contains("100 MiB"), "{message}");
}

#[test]
fn workflow_files_need_a_right_of_their_own() {
    const ON: &str = "on: push\njobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n";
    let narrow = || Token::classic("robin", &["repo"]);
    let with_workflow = |world: &World, refs: &str| {
        let (step, tree) = checkout(world, refs);
        tree.commit(".github/workflows/ci.yml", ON);
        tree.commit("after.txt", "x");
        (step, tree)
    };
    // On a first mirror nothing is there yet: it is certain to be refused.
    for refs in ["main", "HEAD:refs/tags/v1"] {
        let world = World::with(Repository::new(TARGET), narrow());
        let (step, _) = with_workflow(&world, refs);
        let outcome = world.refuses(step, "workflow-files", "missing-workflow-scope");
        let message = outcome.message("workflow-files");
        assert!(message.contains(".github/workflows/ci.yml") && message.contains("tick `workflow`"), "{message}");
    }
    // The server has it on a branch: what leaves it as it is may come, what changes it may not.
    let world = World::with(Repository::new(TARGET), narrow());
    let (step, tree) = with_workflow(&world, "main");
    seed(&world, &tree, &["main~1:refs/heads/main"]);
    let outcome = step.run();
    outcome.succeeded();
    assert_eq!(outcome.check("workflow-files"), "pass");
    let step = cloned(world.step().input("refs", "main"), &tree, &[]);
    Tree(step.workspace()).commit(".github/workflows/ci.yml", &ON.replace("push", "workflow_dispatch"));
    world.refuses(step, "workflow-files", "missing-workflow-scope");
    // A branch that is not here may have the same files: the server decides.
    let world = World::with(Repository::new(TARGET).files("unknown", &[(".github/workflows/ci.yml", ON)]), narrow());
    let outcome = with_workflow(&world, "main").0.run();
    outcome.succeeded();
    assert_eq!(
        (outcome.check("workflow-files"), outcome.cause("workflow-files")),
        ("warn".into(), "missing-workflow-scope".into())
    );
    // With the scope, and with a token whose rights cannot be asked.
    for (token, status) in [
        (Token::classic("robin", &["repo", "workflow"]), "pass"),
        (
            World::fine_grained(&[("contents", Level::Write), ("workflows", Level::Write), ("metadata", Level::Read)]),
            "warn",
        ),
    ] {
        let world = World::with(Repository::new(TARGET), token);
        let outcome = with_workflow(&world, "main").0.run();
        outcome.succeeded();
        assert_eq!(outcome.check("workflow-files"), status);
    }
}

#[test]
fn a_server_that_speaks_version_0_alone_is_served() {
    let (_folder, tree) = source();
    for (depth, refs, cause) in [("1", "main", None), ("1", "HEAD:refs/heads/new", Some("shallow-checkout"))] {
        let world = empty();
        if cause.is_none() {
            seed(&world, &tree, &["main~1:refs/heads/main"]);
        }
        world.github.fault(FaultRule::on("*", "*.git/*", Fault::NoVersion2));
        let outcome = cloned(world.step().input("refs", refs), &tree, &["--depth", depth]).run();
        if let Some(cause) = cause {
            outcome.failed(cause);
        } else {
            outcome.succeeded();
            assert_eq!(world.tip("refs/heads/main"), Some(tree.git(&["rev-parse", "main"])));
        }
    }
}

/// A dry run of refs that create, force and delete, and then the same in earnest; `with` gives both their credential. The answer
/// is how many bytes the dry run said that it would send, the dry run, and the real one.
pub(crate) fn dry_and_real(world: &World, with: impl Fn(Step) -> Step) -> (u64, Outcome, Outcome) {
    let (_step, tree) = checkout(world, "main");
    seed(world, &tree, &["main~1:refs/heads/moved", "main~2:refs/heads/gone"]);
    let (moved, gone) = (tree.git(&["rev-parse", "main~1"]), tree.git(&["rev-parse", "main~2"]));
    let before = world.state();
    let copy = |dry_run: &str| {
        let step = world.step().input("refs", "main\n+HEAD~2:refs/heads/moved\n:gone").input("dry-run", dry_run);
        with(cloned(step, &tree, &[]))
    };
    let outcome = copy("true").run();
    outcome.succeeded();
    assert_eq!(world.state(), before);
    assert_eq!((outcome.stage("push"), outcome.output("pushed")), ("planned".to_owned(), "false"));
    let nothing = "0".repeat(40);
    let expected = [
        ("refs/heads/gone", (gone.clone(), nothing.clone(), false)),
        ("refs/heads/main", (nothing, tree.git(&["rev-parse", "main"]), false)),
        ("refs/heads/moved", (moved, gone, true)),
    ];
    let shown = updates(&outcome);
    assert_eq!(shown, expected.map(|(name, update)| (name.to_owned(), update)).into(), "old, new, forced: {outcome}");
    let said = outcome.stdout.lines().find(|line| line.contains("Would be pushed")).unwrap().to_owned();
    let bytes: u64 = said.split(" bytes").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    let objects = tree.git(&["rev-list", "--objects", "main", "^main~1"]).lines().count();
    assert!(said.contains(&format!("{objects} objects, ")) && said.contains("gone deleted"), "{said}");
    let real = copy("false").run();
    real.succeeded();
    assert_eq!(updates(&real), shown);
    let refs = world.github.repository(TARGET).refs();
    for (name, (_, new, _)) in shown {
        assert_eq!(refs.get(&name), Some(&new).filter(|new| !new.starts_with("0000")), "{name}");
    }
    (bytes, outcome, real)
}

#[test]
fn a_dry_run_says_how_much_would_be_sent_and_a_real_one_sends_it() {
    let world = empty();
    let (bytes, ..) = dry_and_real(&world, |step| step);
    let pushes: Vec<u64> = world.github.log().pushes().iter().map(|push| push.bytes_in).collect();
    assert_eq!(pushes.len(), 1, "the real one alone");
    assert!((bytes..bytes + 1000).contains(&pushes[0]), "the commands come before the pack: {pushes:?} {bytes}");
}

#[test]
fn the_outputs_tell_where_the_branch_stands_when_nothing_may_be_sent() {
    let world = World::new();
    let before = world.tip("refs/heads/main").unwrap();
    let (step, _) = checkout(&world, "v1\nmain");
    let outcome = step.run();
    outcome.failed("invalid-ref-or-object");
    let (step, tree) = checkout(&world, "v1\nmain");
    tree.git(&["tag", "v1"]);
    let outcome = step.run();
    outcome.failed("non-fast-forward");
    assert_eq!((outcome.output("branch"), outcome.output("commit")), ("main", &before[..]));
    assert_eq!((outcome.output("previous"), outcome.output("pushed")), (&before[..], "false"));
}

#[test]
fn what_a_job_has_just_committed_is_sent_as_what_changed() {
    let world = empty();
    let noise = |seed: u32| -> String {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        (0..3000).flat_map(|_| [(next() % 1_000_000).to_string(), "\n".to_owned()]).collect()
    };
    let first = world.step().input("refs", "main");
    let tree = Tree::init(&first.workspace());
    for number in 0..40 {
        fs::write(tree.0.join(format!("{number}.txt")), noise(number)).unwrap();
    }
    tree.commit("folder/deep/0.txt", &noise(99));
    let ran = first.run();
    ran.succeeded();
    let tree = Tree(ran.path("workspace"));
    for number in 0..5 {
        let file = tree.0.join("folder/deep/0.txt");
        let text = fs::read_to_string(&file).unwrap();
        tree.commit("folder/deep/0.txt", &text.replacen("00", &format!("<{number}>"), 1));
        tree.git(&["mv", &format!("{number}.txt"), &format!("moved-{number}.txt")]);
        tree.git(&["commit", "-q", "-m", "moved"]);
    }
    // One file goes back to what it was: a delta against its own delta must not come of it.
    tree.git(&["revert", "--no-edit", "HEAD~1"]);
    tree.git(&["revert", "--no-edit", "HEAD"]);
    let second = cloned(world.step().input("refs", "main"), &tree, &[]);
    fs::remove_dir_all(second.workspace().join(".git")).unwrap();
    fs::rename(tree.0.join(".git"), second.workspace().join(".git")).unwrap();
    let tip = Tree(second.workspace()).git(&["rev-parse", "main"]);
    second.run().succeeded();
    assert_eq!(world.tip("refs/heads/main"), Some(tip));
    let sent = world.github.log().pushes()[1].bytes_in;
    assert!(sent < 8000, "seven versions of 12 kB each, and of a folder of 41 files, took {sent} bytes");
    world.git(&["fsck", "--strict"]);
}
