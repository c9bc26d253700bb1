//! git over SSH for deploy keys: a real OpenSSH server on loopback that lets in the keys that REST added.
//!
//! A push goes straight into the bare repository: rules of branches, faults and runs of workflows belong to HTTP.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::model::Model;

/// The forced command of every key: its repository's name and path, and whether it only reads.
const SERVE: &str = r#"#!/bin/sh
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
case "$SSH_ORIGINAL_COMMAND" in
"git-upload-pack '$1.git'" | "git-upload-pack '/$1.git'")
    exec git -c uploadpack.allowFilter=true -c uploadpack.allowAnySHA1InWant=true upload-pack "$2" ;;
"git-receive-pack '$1.git'" | "git-receive-pack '/$1.git'")
    if [ "$3" != write ]; then
        echo "ERROR: The key you are authenticating with has been marked as read only." >&2
        exit 1
    fi
    # The same repository without the settings and hooks that belong to HTTP.
    view=$(dirname "$0")/view.$$
    mkdir "$view" && cp "$2/HEAD" "$view/HEAD" && ln -s "$2/objects" "$2/refs" "$2/packed-refs" "$view/" || exit 1
    printf '[core]\nrepositoryformatversion = 0\nbare = true\n[receive]\nkeepAlive = 0\n' >"$view/config"
    git receive-pack "$view"
    status=$?
    rm -rf "$view"
    exit $status ;;
esac
echo "ERROR: Repository not found." >&2
exit 1
"#;

/// A running SSH server. Dropping it ends it.
pub struct Ssh {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Ssh {
    /// Starts it; the keys that it lets in are those of [`authorize`].
    pub(crate) fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("emulator-ssh-").tempdir()?;
        let path = folder.path();
        let made =
            Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path.join("host")).status()?;
        if !made.success() {
            return Err(io::Error::other("ssh-keygen made no host key"));
        }
        fs::write(path.join("serve"), SERVE)?;
        fs::set_permissions(path.join("serve"), fs::Permissions::from_mode(0o755))?;
        fs::write(path.join("authorized_keys"), "")?;
        // SHLVL: bash as the login shell reads its own files first unless it is told that it is not the first shell.
        let configuration = format!(
            "ListenAddress 127.0.0.1\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized_keys\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nPidFile none\n\
             AcceptEnv GIT_PROTOCOL\nSetEnv SHLVL=2\n",
            path.display()
        );
        fs::write(path.join("sshd_config"), configuration)?;
        // Where root runs it, sshd wants its folder.
        let _ = fs::create_dir_all("/run/sshd");
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self { process: listen(path, port)?, folder, port })
    }

    /// `ssh://USER@127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        let user = Command::new("id").arg("-un").output().map(|output| output.stdout).unwrap_or_default();
        format!("ssh://{}@127.0.0.1:{}", String::from_utf8_lossy(&user).trim(), self.port)
    }

    /// The line of `known_hosts` that names its host key.
    pub fn known_host(&self) -> String {
        let public = fs::read_to_string(self.folder.path().join("host.pub")).unwrap_or_default();
        format!("[127.0.0.1]:{} {}", self.port, public.trim())
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the server, and comes back when it says that it takes connections.
fn listen(folder: &Path, port: u16) -> io::Result<Child> {
    let mut process = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(folder.join("sshd_config"))
        .args(["-p", &port.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines =
        process.stderr.take().map(BufReader::new).into_iter().flat_map(BufRead::lines).map_while(Result::ok);
    let mut said = String::new();
    for line in lines.by_ref() {
        if line.starts_with("Server listening") {
            // Read on, so that it can say what it wants.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(process);
        }
        said += &line;
    }
    let _ = process.wait();
    Err(io::Error::other(format!("sshd did not start: {said}")))
}

/// Lets exactly the deploy keys of `model` in.
pub(crate) fn authorize(folder: &Path, model: &Model) -> io::Result<()> {
    let mut text = Vec::new();
    for repository in &model.repositories {
        for key in &repository.deploy_keys {
            let may = if key.read_only { "read" } else { "write" };
            let (slug, path) = (repository.slug(), repository.path.display());
            writeln!(text, "command=\"{}/serve {slug} {path} {may}\",restrict {}", folder.display(), key.key)?;
        }
    }
    // Whole or not at all: sshd reads it whenever somebody comes.
    let fresh = folder.join("authorized_keys.new");
    fs::write(&fresh, text)?;
    fs::rename(fresh, folder.join("authorized_keys"))
}
