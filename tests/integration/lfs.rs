//! Git LFS: objects of the pushed commits are at the target before the refs are, or nothing is sent.

use std::{fs, path::PathBuf};

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{Lfs, LfsState, Repository, Token},
};
use ring::digest::{SHA256, digest};

use crate::{
    mirror::step_of,
    refs::Tree,
    runner::Step,
    sshd::{Manners, Sshd},
    world::{TARGET, World},
};

/// A target with this Git LFS, or with none.
fn world(lfs: impl Into<Option<Lfs>>) -> World {
    let target = Repository::new(TARGET).file("README.md", "hello\n");
    let target = lfs.into().map_or(target.clone(), |lfs| target.lfs(lfs));
    World::with(target, Token::classic("robin", &["repo", "workflow"]))
}

/// A checkout as actions/checkout leaves it with `lfs: true`.
struct Source {
    tree: Tree,
    _folder: tempfile::TempDir,
}

impl Source {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::init(&folder.path().join("source"));
        tree.commit(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
        Self { tree, _folder: folder }
    }

    /// Commits the pointers of objects with these contents, which the checkout has.
    fn add(&self, contents: &[String]) -> Vec<String> {
        let oids: Vec<String> = contents.iter().map(|text| hex::encode(digest(&SHA256, text.as_bytes()))).collect();
        for (oid, text) in oids.iter().zip(contents) {
            let pointer =
                format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n", text.len());
            fs::write(self.tree.0.join(format!("{}.bin", &oid[..12])), pointer).unwrap();
            fs::create_dir_all(self.object(oid).parent().unwrap()).unwrap();
            fs::write(self.object(oid), text).unwrap();
        }
        self.tree.git(&["add", "-A"]);
        self.tree.git(&["commit", "-q", "-m", "Pointers"]);
        oids
    }

    fn object(&self, oid: &str) -> PathBuf {
        self.tree.0.join(format!(".git/lfs/objects/{}/{}/{oid}", &oid[..2], &oid[2..4]))
    }

    fn step(&self, world: &World) -> Step {
        step_of(world, &self.tree, "+main")
    }
}

fn texts(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("object {number}\n").repeat(number as usize + 1)).collect()
}

/// The oids of the objects that the target has.
fn there(world: &World) -> Vec<String> {
    world.github.repository(TARGET).lfs_objects().into_keys().collect()
}

fn sorted(mut oids: Vec<String>) -> Vec<String> {
    oids.sort();
    oids
}

fn batches(world: &World) -> usize {
    world.github.log().calls("POST", "/info/lfs/objects/batch").len()
}

#[test]
fn objects_are_uploaded_before_the_refs_and_only_those_that_lack() {
    for lfs in [Lfs::default(), Lfs::default().verified()] {
        let verifies = lfs.verify;
        let world = world(lfs);
        let source = Source::new();
        let mut oids = source.add(&texts(0..120));
        source.tree.git(&["gc", "-q"]);
        let outcome = source.step(&world).run();
        outcome.succeeded();
        assert_eq!(outcome.check("lfs"), "pass");
        assert!(outcome.message("lfs").contains("120 Git LFS objects"), "{}", outcome.message("lfs"));
        assert_eq!(there(&world), sorted(oids.clone()));
        let log = world.github.log();
        let place = |what: &str| log.0.iter().position(|entry| entry.path.ends_with(what)).unwrap();
        let last_put = log.0.iter().rposition(|entry| entry.method == "PUT").unwrap();
        assert!(place("/info/lfs/objects/batch") < last_put && last_put < place("/git-receive-pack"));
        assert_eq!(log.calls("POST", "/objects/verify").len(), if verifies { 120 } else { 0 });
        assert_eq!(batches(&world), 4, "100 objects at once, in the preflight and for the upload");
        oids.extend(source.add(&texts(120..121)));
        world.github.clear_log();
        source.step(&world).run().succeeded();
        assert_eq!(there(&world), sorted(oids));
        assert_eq!(world.github.log().storage().count(), 1, "what is there is not sent again");
    }
}

#[test]
fn an_object_that_the_target_has_is_not_needed_here() {
    let world = world(Lfs::default());
    let source = Source::new();
    let oids = source.add(&texts(0..3));
    source.step(&world).run().succeeded();
    // The same objects in commits that the target lacks, from a checkout without them.
    source.tree.git(&["commit", "-q", "--amend", "-m", "Other"]);
    source.tree.git(&["checkout", "-q", "--orphan", "fresh"]);
    fs::write(source.tree.0.join(format!("{}.bin", &oids[0][..12])), "no pointer any more\n").unwrap();
    let pointer = source.tree.git(&["show", &format!("main:{}.bin", &oids[1][..12])]);
    source.tree.commit("copy.bin", &format!("{pointer}\nx-y z\n"));
    source.tree.git(&["branch", "-M", "main"]);
    fs::remove_dir_all(source.tree.0.join(".git/lfs")).unwrap();
    world.github.clear_log();
    let outcome = source.step(&world).run();
    outcome.succeeded();
    assert_eq!(outcome.check("lfs"), "pass");
    assert_eq!(world.github.log().storage().count(), 0);
}

#[test]
fn the_storage_gets_the_headers_of_the_batch_and_nothing_else() {
    let world = world(Lfs::default());
    let source = Source::new();
    source.add(&texts(0..1));
    source.step(&world).run().succeeded();
    let log = world.github.log();
    let put = log.storage().next().unwrap();
    let mut names: Vec<&str> = put.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    // `authorization` is not in the log; a credential of ours would have been refused.
    assert_eq!(put.status, Some(200));
    assert_eq!(names, ["content-length", "host", "user-agent", "x-amz-content-sha256", "x-amz-date"]);
}

#[test]
fn an_object_that_nobody_has_stops_the_step_before_anything_is_sent() {
    let world = world(Lfs::default());
    let source = Source::new();
    let oids = source.add(&texts(0..3));
    fs::remove_file(source.object(&oids[1])).unwrap();
    let outcome = world.refuses(source.step(&world), "lfs", "lfs-missing-object");
    assert!(outcome.message("lfs").contains(&oids[1][..12]), "{outcome}");
    assert!(outcome.stdout.contains("lfs: true") && outcome.stdout.contains("--find-object="), "{outcome}");
    assert!(there(&world).is_empty());
    // Ignored, the objects that are here go, and the server decides.
    let outcome = source.step(&world).input("ignore-checks", "lfs").run();
    outcome.failed("lfs-missing-object");
    assert_eq!((outcome.check("lfs"), outcome.stage("push")), ("warn".to_owned(), "failed".to_owned()));
    assert_eq!(there(&world).len(), 2);
}

#[test]
fn an_object_whose_content_is_damaged_is_never_sent() {
    let world = world(Lfs::default());
    let source = Source::new();
    let oids = source.add(&texts(0..2));
    let whole = fs::read(source.object(&oids[0])).unwrap();
    let other: Vec<u8> = whole.iter().map(|byte| byte ^ 1).collect();
    for damaged in [other, [whole.clone(), whole].concat()] {
        fs::write(source.object(&oids[0]), damaged).unwrap();
        let outcome = world.refuses(source.step(&world), "lfs", "lfs-missing-object");
        assert!(outcome.message("lfs").contains("does not match its own SHA-256"), "{outcome}");
    }
}

#[test]
fn lfs_that_takes_nothing_is_told_before_the_push() {
    for state in [LfsState::Disabled, LfsState::OverBudget] {
        let world = world(Lfs::default().state(state));
        let source = Source::new();
        source.add(&texts(0..1));
        world.refuses(source.step(&world), "lfs", "lfs-unavailable");
    }
    let world = world(Lfs::default().limit(20));
    let source = Source::new();
    source.add(&texts(0..3));
    let outcome = world.refuses(source.step(&world), "lfs", "file-too-large");
    assert!(outcome.message("lfs").contains("less than or equal to 20"), "{outcome}");
}

#[test]
fn a_server_without_lfs_is_worth_a_warning() {
    let world = world(None);
    let source = Source::new();
    source.add(&texts(0..1));
    let outcome = source.step(&world).run();
    outcome.succeeded();
    assert_eq!((outcome.check("lfs"), outcome.cause("lfs")), ("warn".to_owned(), "lfs-unavailable".to_owned()));
    assert_eq!(outcome.output("pushed"), "true");
}

#[test]
fn a_dry_run_only_says_and_false_does_not_look() {
    let world = world(Lfs::default());
    let source = Source::new();
    source.add(&texts(0..2));
    let before = world.state();
    let outcome = source.step(&world).input("dry-run", "true").run();
    outcome.succeeded();
    assert!(outcome.stdout.contains("Would be uploaded before it: 2 Git LFS objects"), "{outcome}");
    assert_eq!((world.state(), there(&world).len()), (before, 0));
    world.github.clear_log();
    let outcome = source.step(&world).input("lfs", "false").run();
    outcome.failed("lfs-missing-object");
    assert_eq!((outcome.stage("push"), batches(&world)), ("failed".to_owned(), 0));
}

#[test]
fn what_the_storage_refuses_for_a_moment_is_sent_again_to_a_new_address() {
    let world = world(Lfs::default());
    let source = Source::new();
    let oids = source.add(&texts(0..4));
    world.github.fault(FaultRule::on("PUT", "/storage/*", Fault::Answer(Canned::unavailable(0))).nth(1));
    world
        .github
        .fault(FaultRule::on("PUT", "/storage/*", Fault::Answer(Canned::error(403, "Request has expired"))).nth(2));
    world.github.fault(FaultRule::on("POST", "*/objects/batch", Fault::Answer(Canned::bad_gateway())).nth(1));
    let outcome = source.step(&world).run();
    outcome.succeeded();
    assert_eq!(there(&world), sorted(oids));
    assert_eq!(batches(&world), 5, "one more for each object that was refused, one for the bad gateway");
}

#[test]
fn a_good_status_that_is_no_answer_to_an_upload_counts_as_a_failure() {
    let page = vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())];
    for (status, headers) in [(206, Vec::new()), (200, page)] {
        let answer = Canned { status, headers, body: "<html>Sign in</html>".to_owned() };
        let world = world(Lfs::default());
        let source = Source::new();
        let oids = source.add(&texts(0..2));
        world.github.fault(FaultRule::on("PUT", "/storage/*", Fault::Answer(answer.clone())).nth(1));
        source.step(&world).run().succeeded();
        assert_eq!(there(&world), sorted(oids));
        source.add(&texts(2..3));
        world.github.fault(FaultRule::on("PUT", "/storage/*", Fault::Answer(answer)));
        let outcome = source.step(&world).input("attempts", "2").run();
        outcome.failed("server-error");
        assert_eq!(there(&world).len(), 2, "{outcome}");
    }
}

#[test]
fn a_storage_that_takes_nothing_ends_the_step_before_the_refs() {
    let world = world(Lfs::default());
    let source = Source::new();
    source.add(&texts(0..2));
    let tip = world.tip("refs/heads/main");
    world.github.fault(FaultRule::on("PUT", "/storage/*", Fault::Answer(Canned::error(403, "Access Denied"))));
    let outcome = source.step(&world).input("attempts", "2").run();
    outcome.failed("server-error");
    assert_eq!(outcome.stage("push"), "failed");
    assert!(outcome.stdout.contains("Access Denied"), "{outcome}");
    assert_eq!((world.tip("refs/heads/main"), world.github.log().pushes().len()), (tip, 0));
}

#[test]
fn over_ssh_the_server_grants_the_upload_and_a_token_is_used_where_there_is_one() {
    let world = world(Lfs::default());
    let sshd = Sshd::start(&world, Manners::default());
    let source = Source::new();
    source.add(&texts(0..2));
    let outcome = sshd.over_ssh(source.step(&world)).run();
    outcome.succeeded();
    assert_eq!((outcome.check("lfs"), there(&world).len()), ("pass".to_owned(), 2), "{outcome}");
    let granted = |sshd: &Sshd| sshd.log().iter().filter(|line| line.contains("git-lfs-authenticate")).count();
    assert_eq!(granted(&sshd), 1, "one grant serves the preflight and the upload");
    source.add(&texts(2..3));
    let step = sshd.over_ssh(source.step(&world)).input("token", world.token.value());
    step.run().succeeded();
    assert_eq!((granted(&sshd), there(&world).len()), (1, 3));
}
