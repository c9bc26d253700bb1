//! A server that means no good: whatever it sends and however long, the step ends with a cause of the list, in its time, and
//! with little memory.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use emulator::{
    faults::{Canned, Fault, FaultRule, Flood},
    model::{Repository, Token},
};
use flate2::{Compress, Compression, FlushCompress, write::GzEncoder};

use crate::{
    packs::{self, Pack},
    runner::{Outcome, Step},
    world::{TARGET, World},
};

/// What any of these may take, in megabytes: a usual publish takes some twenty of a binary that is not optimised.
pub(crate) const MOST_MEGABYTES: u64 = 200;

/// What a step did, and its peak of memory in megabytes.
pub(crate) fn megabytes((outcome, peak): (Outcome, u64)) -> (Outcome, u64) {
    (outcome, peak / 1024)
}

/// Runs a step against an attack: it must end with one of these causes, within its time and memory, and leave nothing behind.
#[track_caller]
pub(crate) fn withstands(name: &str, step: Step, causes: &[&str], within: Duration) -> Outcome {
    let (outcome, peak) = megabytes(step.run_measured());
    println!("malicious: {name}: {} after {:.1?}, at most {peak} MB", outcome.output("error"), outcome.took);
    assert_eq!(outcome.status, Some(1), "{name}: {outcome}");
    assert!(causes.contains(&outcome.output("error")), "{name}: {outcome}");
    assert!(outcome.took < within, "{name}: {outcome}");
    assert!((1..MOST_MEGABYTES).contains(&peak), "{name} took {peak} MB: {outcome}");
    let left: Vec<_> = std::fs::read_dir(outcome.path("temp")).unwrap().collect();
    assert!(left.is_empty(), "{name} left {left:?}");
    outcome
}

/// A target that has a branch to publish to.
pub(crate) fn world() -> World {
    let world = World::new();
    world.github.repository(TARGET).commit("refs/heads/gh-pages", &[("old.html", b"old")], "old");
    world
}

/// A publish of one try, with a budget of three seconds.
fn publish(world: &World) -> Step {
    world.publish().input("attempts", "1").input("timeout", "3s")
}

/// What has no end of its own ends with the budget; the rest is for a machine with much else to do.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) fn frame(payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    [format!("{:04x}", payload.len() + 4).as_bytes(), payload].concat()
}

pub(crate) fn band(number: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame([&[number], payload.as_ref()].concat())
}

/// Many copies in one piece, so that the server is not what is slow.
pub(crate) fn many(piece: impl AsRef<[u8]>) -> Vec<u8> {
    piece.as_ref().repeat((256 * 1024) / piece.as_ref().len() + 1)
}

fn in_answer_to(world: &World, service: &str, fault: Fault) {
    world.github.fault(FaultRule::on("POST", &format!("*/git-{service}"), fault));
}

/// The pack that answers a fetch, in place of the right one.
fn answer_with(world: &World, pack: &[u8]) {
    let mut answer = frame("packfile\n");
    for piece in pack.chunks(60_000) {
        answer.extend(band(1, piece));
    }
    answer.extend(b"0000");
    world.github.fault(
        // The first request of a fetch in protocol v2 that holds a pack.
        FaultRule::on("POST", "*/git-upload-pack", Fault::Flood(Flood::once(answer))),
    );
}

#[test]
fn a_sideband_without_end_ends_with_the_budget() {
    let opening = frame("packfile\n");
    for (name, service, flood) in [
        ("endless progress", "upload-pack", Flood::endless(opening.clone(), many(band(2, "Counting objects: 50%\r")))),
        ("endless words", "upload-pack", Flood::endless(opening.clone(), many(band(2, "remote: wait a little\n")))),
        ("one endless line", "upload-pack", Flood::endless(opening, many(band(2, "x".repeat(60_000))))),
        ("endless words about a push", "receive-pack", Flood::endless("", many(band(2, "remote: hold on\n")))),
    ] {
        let world = world();
        in_answer_to(&world, service, Fault::Flood(flood));
        withstands(name, publish(&world), &["timeout"], SOON);
    }
}

#[test]
fn a_report_without_end_is_given_up() {
    let world = world();
    let report = many(band(1, frame("ng refs/heads/gh-pages no\n")));
    in_answer_to(&world, "receive-pack", Fault::Flood(Flood::endless("", report)));
    // What became of the push is looked up, and it arrived.
    let (outcome, peak) = megabytes(world.publish().input("attempts", "1").run_measured());
    println!("malicious: endless report: {:?} after {:.1?}, at most {peak} MB", outcome.output("error"), outcome.took);
    outcome.succeeded();
    assert_eq!(outcome.output("commit"), world.tip("refs/heads/gh-pages").unwrap());
    assert!(peak < MOST_MEGABYTES, "{peak} MB: {outcome}");
}

#[test]
fn data_without_end_is_refused_or_ends_with_the_budget() {
    let opening = frame("packfile\n");
    let zeros = vec![0; 50_000];
    let world_ = world();
    in_answer_to(&world_, "upload-pack", Fault::Flood(Flood::endless(opening.clone(), many(band(1, &zeros)))));
    withstands("endless garbage for a pack", publish(&world_), &["server-error"], SOON);

    // A blob of 15 GiB, of which a thousandth is sent.
    let mut deflate = Compress::new(Compression::best(), true);
    let mut piece = Vec::with_capacity(1 << 20);
    deflate.compress_vec(&[], &mut piece, FlushCompress::Sync).unwrap();
    let begin = [Pack::header(1), packs::head(packs::BLOB, 15 << 30), std::mem::take(&mut piece)].concat();
    piece.reserve(1 << 20);
    deflate.compress_vec(&vec![0; 1 << 20], &mut piece, FlushCompress::Full).unwrap();
    let head = [opening.clone(), band(1, begin)].concat();
    let world_ = world();
    in_answer_to(&world_, "upload-pack", Fault::Flood(Flood::endless(head, band(1, piece))));
    withstands("a blob that inflates to 15 GiB", publish(&world_), &["timeout", "server-error"], SOON);

    let entry = [packs::head(packs::BLOB, 0), packs::deflated(b"")].concat();
    let head = [opening, band(1, Pack::header(3_999_999))].concat();
    let world_ = world();
    in_answer_to(&world_, "upload-pack", Fault::Flood(Flood::endless(head, band(1, entry.repeat(4000)))));
    withstands("four million objects", publish(&world_), &["timeout", "server-error"], SOON);
}

#[test]
fn a_pack_that_asks_for_terabytes_is_refused() {
    let delta = |result: u64| [packs::length(3), packs::length(result), b"\x90\x03".to_vec()].concat();
    let small = |kind, claim| [Pack::header(1), packs::head(kind, claim), packs::deflated(b"tree")].concat();
    let bomb = delta(1 << 40);
    let on_blob = [
        Pack::header(2),
        packs::head(packs::BLOB, 3),
        packs::deflated(b"abc"),
        packs::head(packs::OFS_DELTA, bomb.len() as u64),
        vec![12],
        packs::deflated(&bomb),
    ];
    let named = include_bytes!("../../fuzz/seeds/pack/named-base-without-end");
    for (name, pack) in [
        ("four billion objects", Pack::header(u32::MAX)),
        ("a tree of a terabyte", small(packs::TREE, 1 << 40)),
        ("a commit of a gigabyte", small(packs::COMMIT, 1 << 30)),
        ("a blob of sixteen exabytes", small(packs::BLOB, u64::MAX)),
        ("a delta that becomes a terabyte", on_blob.concat()),
        ("a delta that libgit2 would search the base of for ever", named[..named.len() - 20].to_vec()),
    ] {
        let world = world();
        answer_with(&world, &packs::ended(pack));
        let outcome = withstands(name, publish(&world), &["server-error"], SOON);
        assert!(outcome.stdout.contains("is not taken in"), "{outcome}");
    }
}

#[test]
fn a_chain_of_fifty_thousand_deltas_takes_no_more_than_its_time() {
    let world = world();
    answer_with(&world, &packs::chain(50_000));
    let outcome = withstands("a chain of 50000 deltas", publish(&world), &["server-error", "timeout"], SOON);
    assert!(outcome.output("error") == "timeout" || outcome.stdout.contains("left the commit"), "{outcome}");
}

#[test]
fn another_object_under_the_right_name_is_no_object() {
    let world = world();
    let commit =
        b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nnot it\n";
    let mut pack = Pack::default();
    pack.add(packs::COMMIT, commit);
    pack.add(packs::TREE, b"");
    answer_with(&world, &pack.finish());
    let outcome = withstands("another commit than was asked for", publish(&world), &["server-error"], SOON);
    assert!(outcome.stdout.contains("left the commit"), "{outcome}");
    // A ref that names what is no commit.
    let world = self::world();
    let repository = world.github.repository(TARGET);
    let blob = packs::git(&repository.path(), &["hash-object", "-w", "--stdin"], b"no commit");
    std::fs::write(repository.path().join("refs/heads/gh-pages"), blob + "\n").unwrap();
    withstands("a branch that names a file", publish(&world), &["server-error"], SOON);
}

#[test]
fn folders_with_names_that_lead_elsewhere_are_the_servers_fault() {
    for name in ["..", ".", ".git", ".GIT", "a/b", "../../etc"] {
        let world = world();
        let path = world.github.repository(TARGET).path();
        let git = |arguments: &[&str], input: &[u8]| packs::git(&path, arguments, input);
        let blob = git(&["hash-object", "-w", "--stdin"], b"evil");
        let entry = [b"100644 ", name.as_bytes(), b"\0", &hex::decode(blob).unwrap()].concat();
        let tree = git(&["hash-object", "-t", "tree", "--literally", "-w", "--stdin"], &entry);
        let who = ["-c", "user.name=A", "-c", "user.email=a@b"];
        let commit = git(&[&who[..], &["commit-tree", "-m", "evil", &tree]].concat(), b"");
        git(&["update-ref", "refs/heads/gh-pages", &commit], b"");
        let outcome = withstands(&format!("an entry named {name:?}"), publish(&world), &["server-error"], SOON);
        assert!(outcome.stdout.contains(&format!("{name:?}")), "{outcome}");
        assert_eq!(world.tip("refs/heads/gh-pages"), Some(commit));
    }
}

#[test]
fn a_million_refs_are_read_and_refs_without_end_end_with_the_budget() {
    let world = world();
    let (tip, oid) = (world.tip("refs/heads/gh-pages").unwrap(), "1".repeat(40));
    let words = "report-status delete-refs side-band-64k ofs-delta atomic object-format=sha1";
    let mut head = frame("# service=git-receive-pack\n");
    head.extend(b"0000");
    head.extend(frame(format!("{tip} refs/heads/gh-pages\0{words}\n")));
    let rule = |flood| FaultRule::on("GET", "*/info/refs", Fault::Flood(flood)).first(1);
    let refs = |begin: u32, end: u32| {
        (begin..end).fold(Vec::new(), |mut text, number| {
            let mut line = String::new();
            writeln!(line, "{oid} refs/tags/v{number:09}").unwrap();
            text.extend(frame(line));
            text
        })
    };
    world.github.fault(rule(Flood::once([head.clone(), refs(0, 1_000_000), b"0000".to_vec()].concat())));
    let (outcome, peak) = megabytes(world.publish().input("attempts", "1").run_measured());
    println!("malicious: a million refs: read after {:.1?}, at most {peak} MB", outcome.took);
    outcome.succeeded();
    assert!(peak < MOST_MEGABYTES, "{peak} MB");

    let world = self::world();
    world.github.fault(rule(Flood::endless(head, refs(0, 4000))));
    withstands("refs without end", publish(&world), &["timeout"], SOON);
}

#[test]
fn lists_without_end_are_read_to_a_bound() {
    let world = world();
    let rules = (0..100).map(|_| r#"{"type":"never_heard_of","ruleset_id":1}"#).collect::<Vec<_>>().join(",");
    let path = format!("/api/v3/repos/{TARGET}/rules/branches/*");
    world.github.fault(FaultRule::on("GET", &path, Fault::Body(format!("[{rules}]"))));
    let next = format!("<{}{path}?page=2>; rel=\"next\"", world.github.url());
    world.github.fault(FaultRule::on("GET", &path, Fault::Header("link".into(), next)));
    let (outcome, peak) = megabytes(world.publish().run_measured());
    let asked = world.github.log().calls("GET", "/rules/branches/gh-pages").len();
    println!("malicious: pages without end: {asked} read, {:.1?}, at most {peak} MB", outcome.took);
    outcome.succeeded();
    assert!((2..=10).contains(&asked), "{asked} pages");
}

#[test]
fn a_workflow_file_that_would_burst_is_told_and_not_read_further() {
    let laughs = (1..9).fold("a0: &a0 [x, x]\n".to_owned(), |text, number| {
        let ten = [format!("*a{}", number - 1).as_str(); 10].join(",");
        format!("{text}a{number}: &a{number} [{ten}]\n")
    });
    for (name, text, said) in [
        ("half a million lists in each other", "- ".repeat(500_000), "nested deeper"),
        ("keys of keys", "? ".repeat(500_000), "nested deeper"),
        ("half a million tables", format!("on: [{}]", "a: b,".repeat(200_000)), "more than 100000 parts"),
        ("a billion laughs", laughs, "alias expansion"),
    ] {
        let target = Repository::new(TARGET).workflow("ci.yml", "on: workflow_dispatch\n");
        let world = World::with(target, Token::classic("robin", &["repo"]));
        let content = BASE64_STANDARD.encode(&text);
        let body = serde_json::json!({ "type": "file", "encoding": "base64", "size": text.len(), "content": content });
        let path = format!("/api/v3/repos/{TARGET}/contents/.github/workflows/ci.yml");
        world.github.fault(FaultRule::on("GET", &path, Fault::Body(body.to_string())));
        let (outcome, peak) =
            megabytes(world.step().input("workflow", "ci.yml").input("dry-run", "true").run_measured());
        println!("malicious: {name}: {} after {:.1?}, at most {peak} MB", outcome.check("workflow"), outcome.took);
        outcome.succeeded();
        assert_eq!(outcome.cause("workflow"), "workflow-dispatch-no-trigger", "{name}: {outcome}");
        assert!(outcome.message("workflow").contains(said), "{name}: {outcome}");
        assert!((1..MOST_MEGABYTES).contains(&peak) && outcome.took < SOON, "{name} took {peak} MB: {outcome}");
    }
}

#[test]
fn json_without_end_is_cut_off() {
    let world = world();
    let path = format!("/api/v3/repos/{TARGET}");
    for (name, head, piece) in [("spaces", "{", " "), ("a list", "[1", ",1"), ("brackets", "", "[")] {
        world.github.fault(FaultRule::on("GET", &path, Fault::Flood(Flood::endless(head, many(piece)))));
        let (outcome, peak) = megabytes(publish(&world).run_measured());
        // What cannot be known of the repository is skipped; git serves it all the same.
        println!("malicious: JSON of endless {name}: skipped after {:.1?}, at most {peak} MB", outcome.took);
        assert!(["", "timeout"].contains(&outcome.output("error")), "{outcome}");
        assert!((1..MOST_MEGABYTES).contains(&peak) && outcome.took < SOON, "{peak} MB: {outcome}");
        world.github.clear_faults();
    }
    // Refusals are read too, for what they say.
    let refusal = Fault::AnswerAfter(Canned::error(403, "no"));
    world.github.fault(FaultRule::on("GET", "*/info/refs", refusal));
    let words = Flood::endless("remote: Permission to acme/site.git denied to robin.\n", many("and so on\n"));
    world.github.fault(FaultRule::on("GET", "*/info/refs", Fault::Flood(words)));
    withstands("an endless refusal", publish(&world), &["no-write-access"], SOON);
}

#[test]
fn a_gzip_bomb_is_unpacked_in_small_steps() {
    let world = world();
    let line = frame(format!("{} refs/tags/v1\n", "1".repeat(40)));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&line.repeat(200_000)).unwrap();
    let member = gzip.finish().unwrap();
    println!("malicious: each {} bytes of gzip become {}", member.len(), line.len() * 200_000);
    let rule = |fault| world.github.fault(FaultRule::on("GET", "*/info/refs", fault));
    rule(Fault::Header("content-encoding".into(), "gzip".into()));
    rule(Fault::Flood(Flood::endless("", member)));
    withstands("a gzip bomb", publish(&world), &["timeout", "server-error"], SOON);
}

/// A server that answers every connection with these bytes, again and again after a beginning.
pub(crate) fn raw(head: &'static [u8], piece: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let Ok(mut stream) = stream else { return };
                let _ = stream.read(&mut [0; 4096]);
                let mut going = stream.write_all(head).is_ok();
                let pieces = piece.repeat(1000);
                while going {
                    going = stream.write_all(&pieces).is_ok();
                }
            });
        }
    });
    address
}

#[test]
fn heads_and_chunks_without_end_are_given_up() {
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let chunk =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffff\r\n[";
    for (name, head, piece) in [
        ("endless headers", json, "x-more: and more and more\r\n"),
        ("one endless header", "HTTP/1.1 200 OK\r\nx: ", "x"),
        ("an endless status line", "HTTP/1.1 200 ", "OK "),
        ("an endless chunk", chunk, " "),
        ("endless small chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\n \r\n"),
        ("endless early answers", "", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("endless words of no protocol", "", "220 smtp.example.test ESMTP\r\n"),
    ] {
        let step = Step::new(&format!("http://{}", raw(head.as_bytes(), piece.as_bytes())))
            .input("repository", TARGET)
            .input("token", "ghp_0123456789abcdefghijklmnopqrstuvwxyz")
            .input("directory", "site")
            .input("attempts", "1")
            .input("timeout", "3s")
            .file("site/index.html", "x");
        withstands(name, step, &["connection-failed", "server-error", "timeout"], SOON);
    }
}
