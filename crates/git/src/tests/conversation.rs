//! Tests of whole conversations with git itself: `git upload-pack` and `git receive-pack` as a server runs them.

use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command as Process, Stdio},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use tempfile::TempDir;

use crate::{
    advertisement::RefSelection,
    fetch::{FetchRequest, Filter},
    format::{FileMode, ObjectKind, TreeEntry},
    objects::ObjectStore,
    pack::{Pack, PackEntry},
    receive::{PushError, PushReport, PushRequest, RefCommand},
    remote::Remote,
    transport::{ProcessTransport, Transport},
};
use crate::{
    diagnosis::{Failure, Retry, Situation, errors::StoreError},
    names::{Oid, RefName},
    progress::{Event, NoWatch, Watch},
    system::Place,
};

/// Runs git in `folder` and gives what it prints.
fn git(folder: &Path, arguments: &[&str]) -> String {
    git_with(folder, arguments, b"")
}

fn git_with(folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Process::new("git");
    command.args(["-c", "user.name=A", "-c", "user.email=a@b"]).args(arguments).current_dir(folder);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", "/nonexistent");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

struct Server {
    folder: TempDir,
    settings: Vec<String>,
    v2: bool,
}

impl Server {
    fn new(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &[&["init", "-q", "--bare", "-b", "main", "."], options].concat());
        let settings =
            ["uploadpack.allowFilter=true", "uploadpack.allowAnySHA1InWant=true", "receive.fsckObjects=true"];
        Self { folder, settings: settings.map(str::to_owned).to_vec(), v2: true }
    }

    /// A repository with two commits on `main`: `a/b/one`, then `two` beside it, and an annotated tag on the first.
    fn with_history() -> (Self, Oid, Oid) {
        let server = Self::new(&[]);
        let blob = server.git_with(&["hash-object", "-w", "--stdin"], b"hello\n");
        let inner = server.git_with(&["mktree"], format!("100644 blob {blob}\tone\n").as_bytes());
        let middle = server.git_with(&["mktree"], format!("040000 tree {inner}\tb\n").as_bytes());
        let root = server.git_with(&["mktree"], format!("040000 tree {middle}\ta\n").as_bytes());
        let first = server.git(&["commit-tree", "-m", "first", &root]);
        let root = format!("040000 tree {middle}\ta\n100644 blob {blob}\ttwo\n");
        let root = server.git_with(&["mktree"], root.as_bytes());
        let second = server.git(&["commit-tree", "-m", "second", "-p", &first, &root]);
        server.git(&["update-ref", "refs/heads/main", &second]);
        server.git(&["tag", "-a", "-m", "v1", "v1", &first]);
        (server, first.parse().unwrap(), second.parse().unwrap())
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(self.folder.path(), arguments)
    }

    fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        git_with(self.folder.path(), arguments, input)
    }

    fn oid(&self, name: &str) -> Oid {
        self.git(&["rev-parse", name]).parse().unwrap()
    }

    fn remote(&self) -> Remote {
        let transport = ProcessTransport {
            repository: self.folder.path().to_owned(),
            settings: self.settings.clone(),
            v2: self.v2,
        };
        Remote::new(Transport::Process(transport), Situation::default())
    }

    fn hook(&self, name: &str, script: &str) {
        let path = self.folder.path().join("hooks").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    async fn push(&self, commands: &[(&str, Oid, Oid)], pack: Pack, atomic: bool) -> Result<PushReport, PushError> {
        let commands = commands
            .iter()
            .map(|(name, old, new)| RefCommand { name: name.parse().unwrap(), old: *old, new: *new })
            .collect();
        let remote = self.remote();
        let advertisement = remote.advertise(&RefSelection::all()).await.unwrap();
        let watch: Arc<dyn Watch> = Arc::new(NoWatch);
        remote.push(&advertisement, &PushRequest { commands, pack, atomic }, &watch).await
    }
}

fn data(kind: ObjectKind, content: &[u8]) -> PackEntry {
    PackEntry::Data { kind, oid: kind.id_of(content), content: Bytes::copy_from_slice(content) }
}

/// A commit of these files (name, content) without parents: its id and all its objects. Files lie in `folder`.
fn commit_of(folder: &Path, files: &[(&str, Vec<u8>)]) -> (Oid, Vec<PackEntry>) {
    let mut objects = Vec::new();
    let mut entries = Vec::new();
    for (name, content) in files {
        let (oid, path) = (ObjectKind::Blob.id_of(content), folder.join(name));
        fs::write(&path, content).unwrap();
        entries.push(TreeEntry { name: name.as_bytes().to_vec(), mode: FileMode::FILE, oid });
        objects.push(PackEntry::File { oid, size: content.len() as u64, place: Place::at(&path).unwrap() });
    }
    let tree = data(ObjectKind::Tree, &TreeEntry::write_all(&entries));
    let who = "A <a@b> 1700000000 +0000";
    let text = format!("tree {}\nauthor {who}\ncommitter {who}\n\nmessage\n", tree.oid());
    let commit = data(ObjectKind::Commit, text.as_bytes());
    let oid = commit.oid();
    objects.extend([tree, commit]);
    (oid, objects)
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(byte).take(length).collect()
}

#[derive(Default)]
struct Seen(Mutex<Vec<(u64, u64, u64)>>);

impl Watch for Seen {
    fn see(&self, event: Event<'_>) {
        if let Event::Sending { objects, total, bytes } = event {
            self.0.lock().unwrap().push((objects, total, bytes));
        }
    }
}

#[tokio::test]
async fn a_first_push_of_files_of_all_sizes_is_accepted_and_whole() {
    let (server, folder) = (Server::new(&[]), tempfile::tempdir().unwrap());
    let mut files = vec![
        ("empty", Vec::new()),
        ("large-noise", noise(3_000_001)),
        ("large-text", b"the quick brown fox\n".repeat(200_000)),
        ("mixed", [noise(700_000), vec![b'x'; 900_000]].concat()),
        ("exactly-large", vec![b'y'; 1024 * 1024]),
        ("one-more", vec![b'z'; 1024 * 1024 + 1]),
    ];
    let names: Vec<String> = (0..300).map(|index| format!("small-{index:03}")).collect();
    files.extend(names.iter().map(|name| (&name[..], name.repeat(300).into_bytes())));
    files.sort();
    let (commit, objects) = commit_of(folder.path(), &files);
    let pack = Pack::new(objects);
    let seen = Arc::new(Seen::default());
    let watch: Arc<dyn Watch> = Arc::clone(&seen) as _;

    let remote = server.remote();
    let advertisement = remote.advertise(&RefSelection::all()).await.unwrap();
    assert!(advertisement.is_empty());
    let commands = vec![RefCommand { name: "refs/heads/main".parse().unwrap(), old: Oid::ZERO, new: commit }];
    let request = PushRequest { commands, pack: pack.clone(), atomic: true };
    let report = remote.push(&advertisement, &request, &watch).await.unwrap();

    assert!(report.is_success() && report.refs.len() == 1);
    assert_eq!(server.oid("main"), commit);
    server.git(&["fsck", "--strict", "--full"]);
    for (name, content) in &files {
        assert_eq!(server.oid(&format!("main:{name}")), ObjectKind::Blob.id_of(content), "{name}");
    }
    let seen = seen.0.lock().unwrap();
    let (objects, total, bytes) = *seen.last().unwrap();
    assert_eq!((objects, total), (pack.len() as u64, pack.len() as u64));
    assert!(seen.is_sorted() && bytes > 3_700_000 && bytes < 4_200_000, "{bytes}");
}

#[tokio::test]
async fn a_pack_is_the_same_bytes_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let files = [("a", noise(2_000_000)), ("b", b"text ".repeat(500_000)), ("c", b"small".to_vec())];
    let pack = Pack::new(commit_of(folder.path(), &files).1);
    let mut made = Vec::new();
    for _ in 0..2 {
        let stream = pack.stream(Arc::new(NoWatch), Arc::default());
        let pieces: Vec<Bytes> = futures_util::TryStreamExt::try_collect(stream).await.unwrap();
        made.push(pieces.concat());
    }
    assert!(made[0] == made[1]);
}

#[tokio::test]
async fn the_tip_comes_without_its_blobs_and_without_its_past() {
    for (v2, filter) in [(true, true), (true, false), (false, true), (false, false)] {
        let (mut server, first, second) = Server::with_history();
        server.v2 = v2;
        server.settings[0] = format!("uploadpack.allowFilter={filter}");
        let store = ObjectStore::create().unwrap();
        let taker = store.clone();
        let request =
            FetchRequest { wants: vec![second], depth: Some(1), filter: Some(Filter::Blobless), ..Default::default() };
        let fetched = server.remote().fetch(&request, move |pack| taker.index_pack(pack)).await.unwrap();
        assert_eq!((fetched.shallow, fetched.filtered), (vec![second], filter), "{v2} {filter}");
        assert_eq!(fetched.taken, if filter { 4 } else { 5 });
        assert!(fetched.bytes > 100 && fetched.bytes < 1000);
        assert!(store.has(second).unwrap() && store.has(server.oid("main:a/b")).unwrap());
        assert!(!store.has(first).unwrap());
        assert_eq!(store.has(server.oid("main:two")).unwrap(), !filter);
    }
}

#[tokio::test]
async fn commits_since_a_known_one_come_alone() {
    for v2 in [true, false] {
        let (mut server, first, second) = Server::with_history();
        server.v2 = v2;
        let third = server.git(&["commit-tree", "-m", "third", "-p", "main", "main^{tree}"]);
        server.git(&["update-ref", "refs/heads/main", &third]);
        let third: Oid = third.parse().unwrap();
        let request = FetchRequest {
            wants: vec![third],
            haves: vec![first, Oid::from_bytes([7; 20])],
            filter: Some(Filter::Tree(0)),
            ..Default::default()
        };
        let store = ObjectStore::create().unwrap();
        let taker = store.clone();
        let fetched = server.remote().fetch(&request, move |pack| taker.index_pack(pack)).await.unwrap();
        assert_eq!(fetched.taken, 2, "v2 {v2}");
        assert!(store.has(third).unwrap() && store.has(second).unwrap());
    }
}

#[tokio::test]
async fn one_tree_comes_when_it_is_named() {
    let (server, ..) = Server::with_history();
    let wants = vec![server.oid("main:a"), server.oid("main^{tree}")];
    let request = FetchRequest { wants, filter: Some(Filter::Tree(0)), ..Default::default() };
    let store = ObjectStore::create().unwrap();
    let taker = store.clone();
    let fetched = server.remote().fetch(&request, move |pack| taker.index_pack(pack)).await.unwrap();
    assert_eq!(fetched.taken, 2);
    assert!(store.has(server.oid("main:a")).unwrap() && !store.has(server.oid("main:a/b")).unwrap());
}

#[tokio::test]
async fn what_the_server_lacks_is_said_in_its_words() {
    let (server, ..) = Server::with_history();
    let request = FetchRequest { wants: vec![Oid::from_bytes([7; 20])], ..Default::default() };
    let failure = Failure::from(server.remote().fetch(&request, |_| Ok(())).await.unwrap_err());
    assert!(failure.what.contains("not our ref"), "{failure}");
}

#[tokio::test]
async fn a_taker_that_gives_up_is_the_failure() {
    let (server, _, second) = Server::with_history();
    let request = FetchRequest { wants: vec![second], ..Default::default() };
    let take = |mut pack: crate::fetch::PackReader| {
        pack.read_exact(&mut [0; 4]).unwrap();
        Err::<(), _>(StoreError::Untrustworthy("gave up".to_owned()))
    };
    let failure = Failure::from(server.remote().fetch(&request, take).await.unwrap_err());
    assert_eq!(failure.what, "The server gave up.");
}

#[tokio::test]
async fn the_server_tells_which_commits_it_knows() {
    let (mut server, first, second) = Server::with_history();
    let elsewhere: Oid = server.git(&["commit-tree", "-m", "unreachable", "main^{tree}"]).parse().unwrap();
    let candidates = [first, elsewhere, Oid::from_bytes([7; 20])];
    let known = server.remote().known(second, &candidates).await.unwrap().unwrap();
    assert_eq!(known, [first, elsewhere].into());
    assert!(server.remote().known(second, &candidates[2..]).await.unwrap().unwrap().is_empty());
    server.v2 = false;
    assert_eq!(server.remote().known(second, &candidates).await.unwrap(), None);
}

#[tokio::test]
async fn refs_are_listed_with_head_and_peeled_tags() {
    for v2 in [true, false] {
        let (mut server, first, second) = Server::with_history();
        server.v2 = v2;
        let tag: RefName = "refs/tags/v1".parse().unwrap();
        let refs = server.remote().refs(&["refs/tags/"]).await.unwrap();
        assert_eq!((refs.tip(&tag), refs.peeled.get(&tag)), (Some(server.oid("v1")), Some(&first)));
        assert_eq!((refs.refs.len(), refs.head), (1, Some("refs/heads/main".parse().unwrap())));
        let refs = server.remote().refs(&["refs/heads/main"]).await.unwrap();
        assert_eq!(refs.refs.into_values().collect::<Vec<_>>(), [second]);
    }
    let refs = Server::new(&[]).remote().refs(&["refs/"]).await.unwrap();
    assert!(refs.is_empty());
    assert_eq!(refs.head, Some("refs/heads/main".parse().unwrap()));
}

#[tokio::test]
async fn a_lost_race_is_told_from_a_refusal() {
    let (server, first, second) = Server::with_history();
    for atomic in [true, false] {
        for (name, old) in [
            ("refs/heads/main", first),     // moved meanwhile
            ("refs/heads/main", Oid::ZERO), // created meanwhile
            ("refs/heads/gone", second),    // deleted meanwhile
        ] {
            let outcome = server.push(&[(name, old, first)], Pack::default(), atomic).await;
            assert!(
                matches!(&outcome, Err(PushError::LostRace(fault)) if Failure::from(fault.clone()).retry == Retry::Backoff),
                "{outcome:?}"
            );
        }
        // A folder of refs where a ref is wanted: no second try helps.
        let outcome = server.push(&[("refs/heads/main/x", Oid::ZERO, first)], Pack::default(), atomic).await;
        assert!(matches!(outcome, Err(PushError::Failed(_))), "{outcome:?}");
    }
    // A lock that another push holds.
    fs::write(server.folder.path().join("refs/heads/main.lock"), "").unwrap();
    let outcome = server.push(&[("refs/heads/main", second, first)], Pack::default(), true).await;
    assert!(matches!(outcome, Err(PushError::LostRace(_))), "{outcome:?}");
    assert_eq!(server.oid("main"), second);
}

#[tokio::test]
async fn a_refusing_hook_is_quoted() {
    let (server, first, second) = Server::with_history();
    server.hook("pre-receive", "echo 'no pushes on Fridays' >&2; printf 'progress\\r' >&2; exit 1");
    let outcome = server.push(&[("refs/heads/main", second, first)], Pack::default(), true).await;
    let Err(PushError::Failed(fault)) = outcome else { panic!("{outcome:?}") };
    let failure = Failure::from(fault);
    assert!(failure.what.contains("hook declined"), "{failure}");
    assert!(matches!(failure.retry, Retry::Never), "{failure:?}");
}

#[tokio::test]
async fn refs_of_one_push_are_reported_apart() {
    let (server, first, _) = Server::with_history();
    let tag = server.oid("v1");
    server.hook("update", "[ \"$1\" != refs/heads/closed ] || { echo closed for repair >&2; exit 1; }");
    let commands = [("refs/heads/closed", Oid::ZERO, first), ("refs/heads/open", Oid::ZERO, first)];
    let outcome = server.push(&commands, Pack::default(), true).await;
    assert!(
        matches!(&outcome, Err(PushError::Failed(fault)) if Failure::from(fault.clone()).what.contains("hook declined")),
        "{outcome:?}"
    );
    assert!(server.git(&["for-each-ref", "refs/heads/open"]).is_empty());

    let remote = server.remote();
    let advertisement = remote.advertise(&RefSelection::default()).await.unwrap();
    let command = |(name, old, new): (&str, Oid, Oid)| RefCommand { name: name.parse().unwrap(), old, new };
    let commands = commands.into_iter().chain([("refs/tags/v1", tag, Oid::ZERO)]).map(command).collect();
    let request = PushRequest { commands, pack: Pack::default(), atomic: false };
    let watch: Arc<dyn Watch> = Arc::new(NoWatch);
    let report = remote.push_each(&advertisement, &request, &watch).await.unwrap();
    assert_eq!(report.remote_lines, "closed for repair\nerror: hook declined to update refs/heads/closed".into());
    let outcomes: Vec<_> = report.refs.iter().map(|(name, outcome)| (name.short(), outcome.is_ok())).collect();
    assert_eq!(outcomes, [("closed", false), ("open", true), ("v1", true)]);
    assert_eq!(server.git(&["for-each-ref", "--format=%(refname:short)"]), "main\nopen");
}

#[tokio::test]
async fn deletions_alone_carry_no_pack() {
    let (server, ..) = Server::with_history();
    server.push(&[("refs/tags/v1", server.oid("v1"), Oid::ZERO)], Pack::default(), true).await.unwrap();
    assert!(server.git(&["for-each-ref", "refs/tags"]).is_empty());
}

#[tokio::test]
async fn a_pack_that_lacks_objects_is_refused() {
    let (server, folder) = (Server::new(&[]), tempfile::tempdir().unwrap());
    let (commit, mut objects) = commit_of(folder.path(), &[("a", b"a".to_vec()), ("b", b"b".to_vec())]);
    objects.remove(0);
    let outcome = server.push(&[("refs/heads/main", Oid::ZERO, commit)], Pack::new(objects), true).await;
    assert!(matches!(outcome, Err(PushError::Failed(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_file_that_changes_meanwhile_ends_the_push() {
    let long = vec![b'x'; 2_000_000];
    for content in [&b"short"[..], &long] {
        for tamper in ["grow", "shrink", "alter", "remove"] {
            let (server, folder) = (Server::new(&[]), tempfile::tempdir().unwrap());
            let (commit, objects) = commit_of(folder.path(), &[("file", content.to_vec()), ("other", noise(10_000))]);
            let path = folder.path().join("file");
            match tamper {
                "grow" => fs::write(&path, [content, b"x"].concat()).unwrap(),
                "shrink" => fs::write(&path, &content[1..]).unwrap(),
                "alter" => fs::write(&path, [b"y", &content[1..]].concat()).unwrap(),
                _ => fs::remove_file(&path).unwrap(),
            }
            let outcome = server.push(&[("refs/heads/main", Oid::ZERO, commit)], Pack::new(objects), true).await;
            let Err(PushError::Failed(fault)) = outcome else { panic!("{tamper}: {outcome:?}") };
            let failure = Failure::from(fault);
            let named = if tamper == "remove" { "cannot be read" } else { "was changed" };
            assert!(failure.what.contains(named), "{tamper}: {failure}");
            assert!(server.git(&["for-each-ref"]).is_empty());
        }
    }
}

#[tokio::test]
async fn a_repository_of_sha256_is_refused_by_name() {
    let mut server = Server::new(&["--object-format=sha256"]);
    // Of an empty repository git before 2.41 says nothing to who fetches by the old protocol.
    let tree = server.git_with(&["mktree"], b"");
    let commit = server.git(&["commit-tree", "-m", "one", &tree]);
    server.git(&["update-ref", "refs/heads/main", &commit]);
    let failure = Failure::from(server.remote().advertise(&RefSelection::all()).await.unwrap_err());
    assert!(failure.what.contains("sha256"), "{failure}");
    for v2 in [true, false] {
        server.v2 = v2;
        let failure = Failure::from(server.remote().refs(&["refs/"]).await.unwrap_err());
        assert!(failure.what.contains("sha256"), "{failure}");
    }
}
