//! A real OpenSSH server on loopback that serves a repository, the target's mostly, as GitHub serves it to a deploy key.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    ops::RangeInclusive,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

use emulator::{
    Emulator,
    faults::{Fault, FaultRule},
};
use tempfile::TempDir;

use crate::{
    runner::{Outcome, Step, may_unshare},
    world::{TARGET, World},
};

/// How the server behaves.
#[derive(Clone, Copy, Default)]
pub(crate) struct Manners {
    /// What is said in GitHub's words instead of serving, and to which service.
    pub(crate) refuses: Option<(&'static str, &'static str)>,
    /// So many connections are cut before a service says a word.
    pub(crate) cuts_before: u32,
    /// So many pushes are done, and cut before they are reported.
    pub(crate) cuts_after: u32,
    /// For so many seconds it works on each push before the refs move, without a word.
    pub(crate) works: u32,
    /// So many pushes are taken and never answered; nothing comes of them.
    pub(crate) hangs: u32,
    /// It does not let the protocol's version through.
    pub(crate) old: bool,
}

/// The server.
pub(crate) struct Sshd {
    process: Mutex<Child>,
    folder: TempDir,
    port: u16,
    slug: &'static str,
    /// The private key that it lets in.
    pub(crate) key: String,
}

/// Makes a key pair with OpenSSH's own tool; the text of the private half, and that of the public one.
pub(crate) fn generate(folder: &Path, name: &str, options: &[&str]) -> (String, String) {
    let file = folder.join(name);
    let passphrase: &[&str] = if options.contains(&"-N") { &[] } else { &["-N", ""] };
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-C", "test", "-f"]).arg(&file).args(passphrase).args(options);
    assert!(command.status().unwrap().success());
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    (read(file.clone()), read(file.with_extension("pub")))
}

/// Making one takes seconds.
static RSA_HOST_KEY: OnceLock<(String, String)> = OnceLock::new();

/// `served` runs git's service on the repository; `lapse` may do otherwise.
const SERVE: &str = r#"#!/bin/sh
cd FOLDER || exit 1
printf '%s %s\n' "$GIT_PROTOCOL" "$SSH_ORIGINAL_COMMAND" >>log
echo $PPID >session
once() { count=$(cat "$1"); [ "$count" -gt 0 ] && echo $((count - 1)) >"$1"; }
if once before; then kill -9 $PPID; exit 1; fi
service=${SSH_ORIGINAL_COMMAND%% *}
if [ "$service" = "REFUSED" ]; then echo "ERROR: WORDS" >&2; exit 1; fi
case "$SSH_ORIGINAL_COMMAND" in
"git-lfs-authenticate TARGET.git "* | "git-lfs-authenticate 'TARGET.git' "*) cat lfs-authenticate; exit ;;
"git-upload-pack 'TARGET.git'" | "git-receive-pack 'TARGET.git'") ;;
*) echo "ERROR: Repository not found." >&2; exit 1 ;;
esac
served() {
    case $service in
    git-upload-pack)
        git -c uploadpack.allowFilter=true -c uploadpack.allowAnySHA1InWant=true upload-pack "$@" REPOSITORY ;;
    git-receive-pack)
        git receive-pack "$@" FOLDER/view ;;
    esac
}
number=1
until mkdir "$service.$number" 2>/dev/null; do number=$((number + 1)); done
if [ -f lapse ]; then . ./lapse; fi
served
"#;

/// The login shell of the account that the tests run as is not to read its own files first: what they do takes time, and what they
/// print is no word of git's. bash reads them where sshd starts it, unless it is told that it is not the first shell.
const PLAIN: &str = "SetEnv SHLVL=2\n";

const AFTER: &str = r#"#!/bin/sh
cd FOLDER || exit 1
echo >>landed
count=$(cat after)
[ "$count" -gt 0 ] && echo $((count - 1)) >after && kill -9 "$(cat session)"
exit 0
"#;

/// Runs when refs have changed, and before anybody is told.
const CHANGED: &str = r#"#!/bin/sh
cd FOLDER || exit 1
[ "$1" = committed ] || exit 0
cat >>moved
case "$LAPSE" in
cut) kill -9 "$(cat session)" ;;
hush) while kill -0 "$(cat session)" 2>/dev/null; do sleep 0.1; done ;;
esac
exit 0
"#;

const BEFORE: &str = r#"#!/bin/sh
cd FOLDER || exit 1
echo >>begun
count=$(cat hangs)
[ "$count" -gt 0 ] && echo $((count - 1)) >hangs && sleep 20 && exit 1
sleep WORKS
"#;

impl Sshd {
    /// Serves the target of `world` to one new ed25519 key.
    pub(crate) fn start(world: &World, manners: Manners) -> Self {
        Self::for_key(world, manners, &["-t", "ed25519"])
    }

    /// Serves it to one new key of another kind.
    pub(crate) fn for_key(world: &World, manners: Manners, kind: &[&str]) -> Self {
        Self::serving(world, TARGET, manners, kind)
    }

    /// Serves another repository.
    pub(crate) fn serving(world: &World, slug: &'static str, manners: Manners, kind: &[&str]) -> Self {
        Self::before(&world.github, slug, manners, kind)
    }

    /// Serves a repository of `github` to one new key of this kind.
    pub(crate) fn before(github: &Emulator, slug: &'static str, manners: Manners, kind: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path();
        let (key, public) = generate(path, "deploy_key", kind);
        let _ = fs::create_dir_all("/run/sshd");
        generate(path, "host_ed25519", &["-t", "ed25519"]);
        let (host_private, host_public) =
            RSA_HOST_KEY.get_or_init(|| generate(path, "rsa", &["-t", "rsa", "-b", "2048"]));
        fs::write(path.join("host_rsa"), host_private).unwrap();
        fs::write(path.join("host_rsa.pub"), host_public).unwrap();
        fs::set_permissions(path.join("host_rsa"), fs::Permissions::from_mode(0o600)).unwrap();
        let executable = |name: &str, text: &str| {
            fs::write(path.join(name), text).unwrap();
            fs::set_permissions(path.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        };
        let (refused, words) = manners.refuses.unwrap_or(("none", ""));
        let text = SERVE.replace("REFUSED", refused).replace("WORDS", words).replace("TARGET", slug);
        let repository = github.repository(slug).path();
        let text = text.replace("REPOSITORY", &repository.to_string_lossy());
        executable("serve", &text.replace("FOLDER", &path.to_string_lossy()));
        // The same repository without the hooks that belong to HTTP.
        fs::create_dir_all(path.join("view/hooks")).unwrap();
        fs::copy(repository.join("HEAD"), path.join("view/HEAD")).unwrap();
        for part in ["objects", "refs", "packed-refs"] {
            std::os::unix::fs::symlink(repository.join(part), path.join("view").join(part)).unwrap();
        }
        fs::write(path.join("lfs-authenticate"), github.lfs_authenticate(slug)).unwrap();
        let core = "[core]\nrepositoryformatversion = 0\nbare = true\n";
        fs::write(path.join("view/config"), format!("{core}[receive]\nkeepAlive = 0\n")).unwrap();
        let works = BEFORE.replace("FOLDER", &path.to_string_lossy()).replace("WORKS", &manners.works.to_string());
        executable("view/hooks/pre-receive", &works);
        fs::write(path.join("hangs"), manners.hangs.to_string()).unwrap();
        executable("view/hooks/post-receive", &AFTER.replace("FOLDER", &path.to_string_lossy()));
        executable("view/hooks/reference-transaction", &CHANGED.replace("FOLDER", &path.to_string_lossy()));
        fs::write(path.join("before"), manners.cuts_before.to_string()).unwrap();
        fs::write(path.join("after"), manners.cuts_after.to_string()).unwrap();
        let forced = format!("command=\"{}/serve\",restrict {public}", path.display());
        fs::write(path.join("authorized_keys"), forced).unwrap();
        let accepts = if manners.old { "" } else { "AcceptEnv GIT_PROTOCOL\n" };
        let configuration = format!(
            "ListenAddress 127.0.0.1\nHostKey {0}/host_ed25519\nHostKey {0}/host_rsa\nAuthorizedKeysFile {0}/authorized_keys\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             PidFile none\n{accepts}{PLAIN}",
            path.display()
        );
        fs::write(path.join("sshd_config"), configuration).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Mutex::new(listen(path, port));
        Self { process, folder, port, slug, key }
    }

    /// Takes connections again, if a call has ended that: such a call leaves the file `gone` behind. As another server it has
    /// another host key.
    pub(crate) fn revive(&self, as_another: bool) {
        if fs::remove_file(self.folder.path().join("gone")).is_ok() {
            if as_another {
                let (key, _) = generate(self.folder.path(), "another", &["-t", "ed25519"]);
                fs::write(self.folder.path().join("host_ed25519"), key).unwrap();
            }
            let mut process = self.process.lock().unwrap();
            process.wait().unwrap();
            *process = listen(self.folder.path(), self.port);
        }
    }

    /// From now on the calls of these numbers (from 1) of a service do as `deed` says, a piece of shell that git's service
    /// follows unless it ends.
    pub(crate) fn lapse(&self, service: &str, numbers: RangeInclusive<u64>, deed: &str) {
        let (first, last) = numbers.into_inner();
        let text = format!(
            "if [ \"$service\" = {service} ] && [ $number -ge {first} ] && [ $number -le {last} ]; then\n\
             touch lapsed\n{deed}\nfi\n"
        );
        fs::write(self.folder.path().join("lapse"), text).unwrap();
    }

    /// Whether a call did so.
    pub(crate) fn lapsed(&self) -> bool {
        self.folder.path().join("lapsed").exists()
    }

    /// From now on a service answers with its advertisement, if `greets`, then with `head`, then with `piece` again and
    /// again until nobody reads it; an empty piece is the end. On standard error, where a person reads, if `aside`.
    pub(crate) fn plays(&self, service: &str, greets: bool, head: &[u8], piece: &[u8], aside: bool) {
        let write = |name: &str, bytes: &[u8]| fs::write(self.folder.path().join(name), bytes).unwrap();
        write("head", head);
        write("piece", piece);
        let greeting = if greets { "served --advertise-refs </dev/null" } else { ":" };
        let aside = if aside { "exec >&2" } else { ":" };
        let endless = if piece.is_empty() { ":" } else { "while cat piece; do :; done" };
        self.lapse(service, 1..=u64::MAX >> 1, &format!("{greeting}\n{aside}\ncat head\n{endless}\nexit"));
    }

    /// How often a push was executed that changed this ref.
    pub(crate) fn moved(&self, name: &str) -> usize {
        let text = fs::read_to_string(self.folder.path().join("moved")).unwrap_or_default();
        text.lines().filter(|line| line.ends_with(&format!(" {name}"))).count()
    }

    /// How many bytes the call of this number answered, if a lapse kept them in a file `answer.$number`.
    pub(crate) fn answered(&self, number: u64) -> u64 {
        fs::metadata(self.folder.path().join(format!("answer.{number}"))).unwrap().len()
    }

    /// The repository's address.
    pub(crate) fn url(&self) -> String {
        let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        format!("ssh://{}@127.0.0.1:{}/{}.git", user.trim(), self.port, self.slug)
    }

    /// The `known_hosts` line of the host key of this kind, `ed25519` or `rsa`.
    pub(crate) fn known_host(&self, kind: &str) -> String {
        let public = fs::read_to_string(self.folder.path().join(format!("host_{kind}.pub"))).unwrap();
        format!("[127.0.0.1]:{} {public}", self.port)
    }

    /// The same line with the host's name hashed, as OpenSSH does it.
    pub(crate) fn hashed_host(&self) -> String {
        let file = self.folder.path().join("known_hosts");
        fs::write(&file, self.known_host("ed25519")).unwrap();
        let hashed = Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&file).output().unwrap();
        assert!(hashed.status.success());
        fs::read_to_string(file).unwrap()
    }

    /// `step` over SSH, without a token.
    pub(crate) fn over_ssh(&self, step: Step) -> Step {
        step.input("repository", self.url())
            .input("token", "")
            .input("ssh-key", &self.key)
            .input("ssh-known-hosts", self.known_host("ed25519"))
    }

    /// How many pushes came whole.
    pub(crate) fn begun(&self) -> usize {
        fs::read_to_string(self.folder.path().join("begun")).unwrap_or_default().len()
    }

    /// How many of them it took in.
    pub(crate) fn landed(&self) -> usize {
        fs::read_to_string(self.folder.path().join("landed")).unwrap_or_default().len()
    }

    /// The commands that were asked for, each after the protocol's version.
    pub(crate) fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// The same server under another name, on SSH's own port: as the SSH of the tenant `acme.ghe.com`, with `acme` as the user.
pub(crate) struct Tenant {
    pub(crate) sshd: Sshd,
    name: &'static str,
}

impl Tenant {
    /// `None` where this process may not give the machine another name.
    pub(crate) fn start(world: &World) -> Option<Self> {
        Self::named(world, "acme.ghe.com", "acme", 83)
    }

    /// The same as what it is not: the SSH of github.com, with `git` as the user.
    pub(crate) fn github(world: &World) -> Option<Self> {
        Self::named(world, "github.com", "git", 84)
    }

    fn named(world: &World, name: &'static str, user: &str, network: u8) -> Option<Self> {
        // One of its own, for suites that run side by side.
        let [.., third, fourth] = std::process::id().to_be_bytes();
        let address = format!("127.{network}.{third}.{}", fourth.max(1));
        let address = address.as_str();
        if !may_unshare("--mount") || TcpListener::bind((address, 22)).is_err() {
            return None;
        }
        let mut sshd = Sshd::start(world, Manners::default());
        let path = sshd.folder.path();
        fs::write(path.join("hosts"), format!("127.0.0.1 localhost\n{address} {name}\n")).unwrap();
        let users = fs::read_to_string("/etc/passwd").unwrap() + user + ":x:0:0::/root:/bin/sh\n";
        fs::write(path.join("passwd"), users).unwrap();
        let configuration = fs::read_to_string(path.join("sshd_config")).unwrap();
        fs::write(path.join("tenant_config"), configuration.replace("127.0.0.1", address)).unwrap();
        let mount = "mount --bind \"$0/hosts\" /etc/hosts && mount --bind \"$0/passwd\" /etc/passwd && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", mount]).arg(path).arg("/usr/sbin/sshd");
        command.args(["-D", "-e", "-p", "22", "-f"]).arg(path.join("tenant_config"));
        let mut process = command.stderr(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        while TcpStream::connect((address, 22)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(10), "sshd did not start");
            #[allow(clippy::disallowed_methods, reason = "sshd does not say when it is ready")]
            std::thread::sleep(Duration::from_millis(20));
        }
        std::mem::swap(sshd.process.get_mut().unwrap(), &mut process);
        let _ = process.kill();
        let _ = process.wait();
        Some(Self { sshd, name })
    }

    /// Runs a step where the tenant has its name.
    pub(crate) fn run(&self, step: Step) -> Outcome {
        let own = step.command();
        // No shell between: dash drops variables whose names have a hyphen.
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.sshd.process.lock().unwrap().id()));
        command.arg(format!("--wdns={}", step.workspace().display())).arg(own.get_program());
        command.env_clear().envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let begin = Instant::now();
        let output = command.stdin(Stdio::null()).output().unwrap();
        step.outcome(output, begin.elapsed())
    }

    /// The `known_hosts` line under its name.
    pub(crate) fn known_host(&self) -> String {
        let line = self.sshd.known_host("ed25519");
        line.replace(line.split(' ').next().unwrap(), self.name)
    }

    /// From now on the tenant's interface tells its host keys.
    pub(crate) fn tells_its_keys(&self, world: &World) {
        let key = self.known_host().trim_start_matches(self.name).trim().to_owned();
        let answer = serde_json::json!({"verifiable_password_authentication": false, "ssh_keys": [key]});
        world.github.fault(FaultRule::on("GET", "*/meta", Fault::Body(answer.to_string())));
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap();
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// Starts the server, and comes back when it takes connections.
fn listen(folder: &Path, port: u16) -> Child {
    let process = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(folder.join("sshd_config"))
        .args(["-p", &port.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    fs::write(folder.join("listener"), process.id().to_string()).unwrap();
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(10), "sshd did not start");
        #[allow(clippy::disallowed_methods, reason = "sshd does not say when it is ready")]
        std::thread::sleep(Duration::from_millis(20));
    }
    process
}
