//! Tests of the conversations over real HTTP, with the emulator's `git http-backend` at the other end and faults between.

use std::sync::Arc;

use bytes::Bytes;
use emulator::{
    Emulator,
    faults::{Canned, Fault, FaultRule},
    log::Entry,
    model::{Model, Repository, Role, Token},
};

use crate::{
    advertisement::{Advertisement, RefSelection},
    fetch::{FetchRequest, Fetched, Filter},
    format::{FileMode, ObjectKind, TreeEntry},
    objects::ObjectStore,
    pack::{Pack, PackEntry},
    receive::{PushError, PushReport, PushRequest, RefCommand},
    remote::Remote,
    transport::{HttpTransport, Transport},
};
use crate::{
    credential::Secret,
    diagnosis::{Cause, Failure, Retry, Situation},
    http::{HttpClient, Settings},
    names::Oid,
    progress::{NoWatch, Watch},
};

const PUSH: &str = "/acme/site.git/git-receive-pack";

struct World {
    emulator: Emulator,
    remote: Remote,
}

impl World {
    fn new() -> Self {
        Self::of(Repository::new("acme/site").file("index.html", "hello"), &["repo"], Role::Write)
    }

    fn of(repository: Repository, scopes: &[&str], role: Role) -> Self {
        let token = Token::classic("robin", scopes);
        let model = Model::new().repository(repository.collaborator("robin", role)).token(&token);
        let emulator = start(model);
        let remote = remote(&emulator, "acme/site", token.value());
        Self { emulator, remote }
    }

    fn fault(self, method: &str, path: &str, fault: Fault) -> Self {
        self.emulator.fault(FaultRule::on(method, path, fault));
        self
    }

    async fn advertise(&self) -> Result<Advertisement, Failure> {
        Ok(self.remote.advertise(&RefSelection::all()).await?)
    }

    /// Fetches the tip of `main` without blobs, takes the pack in, and gives the root tree's entries too.
    async fn fetch(&self, tip: Oid) -> Result<Fetched<Vec<TreeEntry>>, Failure> {
        let request =
            FetchRequest { wants: vec![tip], depth: Some(1), filter: Some(Filter::Blobless), ..Default::default() };
        let take = move |pack| {
            let store = ObjectStore::create()?;
            store.index_pack(pack)?;
            store.read_tree(store.read_commit(tip)?.tree).map(Option::unwrap_or_default)
        };
        Ok(self.remote.fetch(&request, take).await?)
    }

    /// Pushes a commit that replaces all files of `main` by one of `size` bytes that do not shrink.
    async fn push(&self, size: usize) -> (Oid, Result<PushReport, PushError>) {
        let advertisement = self.advertise().await.unwrap();
        let name = "refs/heads/main".parse().unwrap();
        let old = advertisement.tip(&name).unwrap();
        let blob = data(ObjectKind::Blob, noise(size));
        let entry = TreeEntry { name: b"noise".to_vec(), mode: FileMode::FILE, oid: blob.oid() };
        let tree = data(ObjectKind::Tree, TreeEntry::write_all(&[entry]));
        let who = "A <a@b> 1700000000 +0000";
        let commit = format!("tree {}\nparent {old}\nauthor {who}\ncommitter {who}\n\nmessage\n", tree.oid());
        let commit = data(ObjectKind::Commit, commit.into_bytes());
        let new = commit.oid();
        let pack = Pack::new(vec![blob, tree, commit]);
        let request = PushRequest { commands: vec![RefCommand { name, old, new }], pack, atomic: true };
        let watch: Arc<dyn Watch> = Arc::new(NoWatch);
        (new, self.remote.push(&advertisement, &request, &watch).await)
    }

    fn tip(&self) -> Oid {
        self.emulator.repository("acme/site").tip("refs/heads/main").unwrap().parse().unwrap()
    }
}

/// NOTE: the emulator starts a runtime of its own, which cannot be done inside a test's.
fn start(model: Model) -> Emulator {
    std::thread::spawn(|| Emulator::start(model)).join().unwrap().unwrap()
}

fn remote(emulator: &Emulator, slug: &str, token: &str) -> Remote {
    let client = HttpClient::new(&Settings::to(vec![emulator.url().parse().unwrap()])).unwrap();
    let address = format!("{}/{slug}.git", emulator.url());
    let transport = HttpTransport::new(client, &address, Some(&Secret::new(token.to_owned()))).unwrap();
    Remote::new(Transport::Http(transport), Situation::default())
}

fn data(kind: ObjectKind, content: Vec<u8>) -> PackEntry {
    PackEntry::Data { kind, oid: kind.id_of(&content), content: Bytes::from(content) }
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 3_u32;
    let byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(byte).take(length).collect()
}

#[tokio::test]
async fn a_publish_takes_four_requests_on_one_connection() {
    let world = World::new();
    let tip = world.tip();
    let fetched = world.fetch(tip).await.unwrap();
    assert!(fetched.filtered && fetched.shallow == [tip]);
    assert_eq!(fetched.taken[0].name, b"index.html");
    let (new, outcome) = world.push(1000).await;
    assert!(outcome.unwrap().is_success());
    assert_eq!(world.tip(), new);

    let log = world.emulator.log();
    let lines: Vec<_> = log.0.iter().map(|entry| format!("{} {}", entry.method, entry.path)).collect();
    assert_eq!(
        lines,
        [
            "GET /acme/site.git/info/refs?service=git-upload-pack",
            "POST /acme/site.git/git-upload-pack",
            "GET /acme/site.git/info/refs?service=git-receive-pack",
            "POST /acme/site.git/git-receive-pack",
        ]
    );
    let header = |name: &str| log.0.iter().map(|entry| entry.header(name).unwrap_or("").to_owned()).collect::<Vec<_>>();
    assert_eq!(header("git-protocol"), ["version=2", "version=2", "", ""]);
    assert!(header("user-agent").iter().all(|agent| agent.starts_with("git/repo-relay-")));
    assert!(log.0.iter().all(|entry| entry.token.as_deref().is_some_and(|token| token != "unknown")));
    let (totals, traffic) = (log.totals(), world.remote.traffic());
    assert_eq!(totals.connections, 1);
    assert_eq!((traffic.requests, traffic.sent, traffic.received), (4, totals.bytes_in, totals.bytes_out));
}

#[tokio::test]
async fn a_renamed_repository_is_followed_to_its_new_address() {
    let token = Token::classic("robin", &["repo"]);
    let repository = Repository::new("acme/new-site").file("a", "a").formerly("acme/site");
    let model = Model::new().repository(repository.collaborator("robin", Role::Write)).token(&token);
    let emulator = start(model);
    let world = World { remote: remote(&emulator, "acme/site", token.value()), emulator };
    world.push(3_000_000).await.1.unwrap();
    let paths: Vec<_> = world.emulator.log().0.iter().map(|entry| entry.bare_path().to_owned()).collect();
    let (old, new) = ("/acme/site.git/info/refs", "/acme/new-site.git/info/refs");
    assert_eq!(paths, [old, new, "/acme/new-site.git/git-receive-pack"]);
}

#[tokio::test]
async fn gzip_and_lengths_and_old_protocols_make_no_difference() {
    for faults in [&[Fault::Gzip][..], &[Fault::Lengthy], &[Fault::NoVersion2], &[Fault::NoVersion2, Fault::Gzip]] {
        let world = faults.iter().fold(World::new(), |world, fault| world.fault("*", "*", fault.clone()));
        let fetched = world.fetch(world.tip()).await.unwrap();
        assert!(fetched.filtered, "{faults:?}");
        assert_eq!(fetched.taken.len(), 1);
        world.push(2_000_000).await.1.unwrap();
        assert!(world.emulator.unused_faults().is_empty());
    }
    let world = World::new().fault("*", "*", Fault::NoFilter);
    assert!(!world.fetch(world.tip()).await.unwrap().filtered);
}

#[tokio::test]
async fn a_server_that_wants_a_length_gets_one() {
    let world = World::new().fault("POST", PUSH, Fault::RefuseChunked);
    let (new, outcome) = world.push(3_000_000).await;
    outcome.unwrap();
    assert_eq!(world.tip(), new);
    let log = world.emulator.log();
    let header = |entry: &&Entry, name: &str| entry.header(name).map(str::to_owned);
    let pushes = log.pushes();
    let statuses: Vec<_> = pushes.iter().map(|push| push.status).collect();
    assert_eq!(statuses, [Some(411), Some(200)]);
    assert_eq!(header(&pushes[0], "transfer-encoding").as_deref(), Some("chunked"));
    assert_eq!(header(&pushes[1], "transfer-encoding"), None);
    assert_eq!(header(&pushes[1], "content-length"), Some(pushes[1].bytes_in.to_string()));
}

#[tokio::test]
async fn what_fits_into_a_megabyte_goes_out_with_its_length() {
    let world = World::new().fault("POST", PUSH, Fault::RefuseChunked);
    world.push(900_000).await.1.unwrap();
    assert_eq!(world.emulator.log().pushes().len(), 1);
}

#[tokio::test]
async fn a_refusal_before_anything_is_sent_says_why() {
    let repository = || Repository::new("acme/site").file("a", "a");
    for (world, cause) in [
        (World::of(repository(), &["repo"], Role::Read), Cause::NoWriteAccess),
        (World::of(repository().archived(), &["repo"], Role::Write), Cause::RepoArchived),
        (World::of(Repository::new("acme/other"), &["repo"], Role::Write), Cause::RepoNotFoundOrHidden),
        (World::new().fault("GET", "*", Fault::Answer(Canned::bad_gateway())), Cause::ServerError),
        (World::new().fault("GET", "*", Fault::Reset), Cause::ConnectionFailed),
        (World::new().fault("GET", "*", Fault::Truncate(100)), Cause::ConnectionFailed),
        (World::new().fault("GET", "*", Fault::ContentType("text/html".into())), Cause::ServerError),
        (World::new().fault("GET", "*", Fault::Body("<html>".into())), Cause::ServerError),
    ] {
        let failure = world.advertise().await.unwrap_err();
        assert_eq!(failure.cause, cause, "{failure}");
        assert_eq!(failure.retry == Retry::Backoff, cause.is_transient(), "{failure:?}");
    }
}

#[tokio::test]
async fn an_early_refusal_beats_the_broken_transfer_that_follows() {
    for (status, text) in [(403, "Permission to acme/site.git denied to robin."), (413, "Request Entity Too Large")] {
        for size in [10_000, 30_000_000] {
            let answer = Canned { status, headers: Vec::new(), body: text.into() };
            let world = World::new().fault("POST", PUSH, Fault::Answer(answer));
            let old = world.tip();
            let (_, outcome) = world.push(size).await;
            let Err(PushError::Failed(fault)) = outcome else { panic!("{status} {size}: {outcome:?}") };
            let failure = Failure::from(fault);
            assert_eq!(failure.retry, Retry::Never, "{status} {size}: {failure:?}");
            assert_eq!(world.tip(), old);
        }
    }
}

#[tokio::test]
async fn a_push_whose_answer_is_lost_is_unclear() {
    for fault in [
        Fault::ResetAfter,
        Fault::AnswerAfter(Canned::bad_gateway()),
        Fault::Truncate(30),
        Fault::ResetBody(30),
        Fault::Body(String::new()),
        Fault::Body("0000".into()),
        Fault::ContentType("text/html".into()),
    ] {
        for size in [1000, 3_000_000] {
            let world = World::new().fault("POST", PUSH, fault.clone());
            let (new, outcome) = world.push(size).await;
            let Err(PushError::Unclear(unclear)) = outcome else { panic!("{fault:?} {size}: {outcome:?}") };
            let failure = Failure::from(unclear);
            assert_eq!(failure.retry, Retry::Unclear(None), "{fault:?}");
            assert_eq!(world.tip(), new, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_push_that_breaks_before_its_end_may_be_sent_again() {
    for fault in [Fault::Reset, Fault::Close] {
        let world = World::new().fault("POST", PUSH, fault);
        let old = world.tip();
        // More than the kernels' buffers on both sides take.
        let (_, outcome) = world.push(80_000_000).await;
        let Err(PushError::Failed(fault)) = outcome else { panic!("{outcome:?}") };
        let failure = Failure::from(fault);
        assert_eq!((failure.cause, failure.retry), (Cause::ConnectionFailed, Retry::Backoff), "{failure}");
        assert_eq!(world.tip(), old);
    }
}

#[tokio::test]
async fn a_fetch_that_breaks_may_be_asked_for_again() {
    let path = "/acme/site.git/git-upload-pack";
    for fault in [Fault::Truncate(150), Fault::ResetBody(150), Fault::Reset, Fault::Body("0000".into())] {
        let world = World::new().fault("POST", path, fault.clone());
        let failure = world.fetch(world.tip()).await.unwrap_err();
        assert_eq!(failure.retry, Retry::Backoff, "{fault:?}: {failure:?}");
        assert!(failure.cause.is_transient(), "{fault:?}: {failure:?}");
    }
}

#[tokio::test]
async fn a_race_lost_at_the_last_moment_is_told_as_such() {
    let race = Fault::race(|repository| {
        repository.commit("refs/heads/main", &[("other", b"other")], "meanwhile");
    });
    let world = World::new().fault("POST", PUSH, race);
    let (_, outcome) = world.push(1000).await;
    assert!(matches!(outcome, Err(PushError::LostRace(_))), "{outcome:?}");
}
