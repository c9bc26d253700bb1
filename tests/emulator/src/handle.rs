//! A repository as a test sees it from behind the server: its bare directory, refs, files, runs, secrets.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use git2::{
    Index, IndexEntry, IndexTime, ObjectType, Oid, RepositoryInitOptions, Signature, Time, TreeWalkMode, TreeWalkResult,
};

use crate::{
    api::unseal,
    lfs,
    model::{Files, PullRequest, Repository, Run, Secret, SecretScope},
    pulls,
    shared::Shared,
};

/// A repository of a running emulator.
#[derive(Clone)]
pub struct RepositoryHandle {
    shared: Shared,
    id: u64,
}

impl RepositoryHandle {
    pub(crate) fn new(shared: Shared, id: u64) -> Self {
        Self { shared, id }
    }

    fn look<T>(&self, look: impl FnOnce(&Repository) -> T) -> T {
        let model = self.shared.model();
        let found = model.repositories.iter().find(|repository| repository.id == self.id);
        let Some(repository) = found else { panic!("the repository was taken out of the emulator") };
        look(repository)
    }

    fn open(&self) -> git2::Repository {
        open(&self.path()).unwrap_or_else(|error| panic!("cannot open {}: {error}", self.path().display()))
    }

    /// The bare repository, to look at with git.
    pub fn path(&self) -> PathBuf {
        self.look(|repository| repository.path.clone())
    }

    /// The object id that a full ref name holds.
    pub fn tip(&self, full_ref: &str) -> Option<String> {
        let repository = self.open();
        repository.refname_to_id(full_ref).ok().map(|id| id.to_string())
    }

    /// All refs with the object ids they hold (of an annotated tag: the tag object's).
    pub fn refs(&self) -> BTreeMap<String, String> {
        refs(&self.open())
    }

    /// Path to mode (`100644`, `100755`, `120000`) and content of every file of a commit, named in any way git
    /// understands.
    ///
    /// # Panics
    /// When there is no such commit.
    pub fn files(&self, revision: &str) -> BTreeMap<String, (String, Vec<u8>)> {
        let repository = self.open();
        let commit = repository.revparse_single(revision).and_then(|object| object.peel_to_commit());
        let tree = commit.and_then(|commit| commit.tree());
        let tree = tree.unwrap_or_else(|error| panic!("no commit {revision}: {error}"));
        let mut files = BTreeMap::new();
        let walked = tree.walk(TreeWalkMode::PreOrder, |parent, entry| {
            if entry.kind() == Some(ObjectType::Blob)
                && let Ok(blob) = repository.find_blob(entry.id())
            {
                let path = format!("{parent}{}", String::from_utf8_lossy(entry.name_bytes()));
                files.insert(path, (format!("{:06o}", entry.filemode()), blob.content().to_vec()));
            }
            TreeWalkResult::Ok
        });
        walked.unwrap_or_else(|error| panic!("cannot read the tree of {revision}: {error}"));
        files
    }

    /// Commits files on top of a full ref (which is made where it is missing), past all rules and without starting
    /// anything: the other side of a race. Returns the commit's id.
    ///
    /// # Panics
    /// When git cannot.
    pub fn commit(&self, full_ref: &str, files: &[(&str, &[u8])], message: &str) -> String {
        let files: Files = files.iter().map(|&(path, content)| (path.to_owned(), content.to_vec())).collect();
        let made = commit_files(&self.open(), full_ref, &files, message);
        made.unwrap_or_else(|error| panic!("cannot commit: {error}")).to_string()
    }

    /// Points a full ref at an object, or deletes it (`None`), past all rules.
    ///
    /// # Panics
    /// When git cannot.
    pub fn set_ref(&self, full_ref: &str, id: Option<&str>) {
        let repository = self.open();
        let done = match id {
            Some(id) => {
                Oid::from_str(id).and_then(|id| repository.reference(full_ref, id, true, "set by the test")).map(|_| ())
            }
            None => repository.find_reference(full_ref).and_then(|mut reference| reference.delete()),
        };
        done.unwrap_or_else(|error| panic!("cannot set {full_ref}: {error}"));
    }

    /// The pull request with this number.
    ///
    /// # Panics
    /// When there is none.
    pub fn pull_request(&self, number: u64) -> PullRequest {
        let found = self.look(|repository| repository.pull_requests.iter().find(|pull| pull.number == number).cloned());
        found.unwrap_or_else(|| panic!("there is no pull request {number}"))
    }

    /// Changes a pull request: approves it (`approvals`), lets checks pass (`passed_checks`). Merges it when auto-merge waited
    /// for that.
    pub fn change_pull_request(&self, number: u64, change: impl FnOnce(&mut PullRequest)) {
        let mut model = self.shared.model();
        let repository = model.repositories.iter_mut().find(|repository| repository.id == self.id);
        let pulls = repository.into_iter().flat_map(|repository| &mut repository.pull_requests);
        if let Some(pull) = pulls.into_iter().find(|pull| pull.number == number) {
            change(pull);
        }
        pulls::merge_waiting(&self.shared, &mut model, self.id);
    }

    /// All runs, decoys among them, in order of their start.
    pub fn runs(&self) -> Vec<Run> {
        self.look(|repository| repository.runs.clone())
    }

    /// The LFS objects that the server has, by oid.
    pub fn lfs_objects(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = self.look(lfs::folder);
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let whole = files.filter(|file| file.path().extension().is_none());
        whole
            .map(|file| (file.file_name().to_string_lossy().into_owned(), fs::read(file.path()).unwrap_or_default()))
            .collect()
    }

    /// Deletes a run, as a person may while somebody waits for it.
    pub fn delete_run(&self, id: u64) {
        let mut model = self.shared.model();
        for repository in model.repositories.iter_mut().filter(|repository| repository.id == self.id) {
            repository.runs.retain(|run| run.id != id);
        }
    }

    /// The value of an Actions secret, opened with the repository's key; `None` when it is not set or was sealed to
    /// another key.
    pub fn secret(&self, name: &str) -> Option<String> {
        self.secret_in(&SecretScope::Actions, name)
    }

    /// As [`RepositoryHandle::secret`], for a secret of any scope.
    pub fn secret_in(&self, scope: &SecretScope, name: &str) -> Option<String> {
        let secrets = self.secrets();
        let fits = |secret: &&Secret| secret.scope == *scope && secret.name.eq_ignore_ascii_case(name);
        let secret = secrets.iter().find(fits)?;
        unseal(self.id, scope, &secret.sealed)
    }

    /// The secrets of every scope as they came, sealed.
    pub fn secrets(&self) -> Vec<Secret> {
        self.look(|repository| repository.secrets.clone())
    }
}

/// Opens a bare repository.
pub(crate) fn open(path: &Path) -> Result<git2::Repository, git2::Error> {
    git2::Repository::open_bare(path)
}

/// All refs with the object ids they hold.
pub(crate) fn refs(repository: &git2::Repository) -> BTreeMap<String, String> {
    let mut refs = BTreeMap::new();
    if let Ok(references) = repository.references() {
        for reference in references.flatten() {
            if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
                refs.insert(name.to_owned(), id.to_string());
            }
        }
    }
    refs
}

/// The folder of the hooks that all repositories share.
pub(crate) fn hooks(directory: &Path) -> PathBuf {
    directory.join("hooks")
}

/// Makes the bare repository with the settings of GitHub's servers and puts the seeds in.
pub(crate) fn create(repository: &mut Repository, directory: &Path) -> Result<(), git2::Error> {
    repository.path = directory.join(format!("{}.git", repository.id));
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head(&repository.default_branch);
    let bare = git2::Repository::init_opts(&repository.path, &options)?;
    let mut config = bare.config()?;
    for (key, value) in [
        ("uploadpack.allowFilter", "true"),
        ("uploadpack.allowAnySHA1InWant", "true"),
        ("http.receivepack", "true"),
        ("receive.advertisePushOptions", "true"),
        ("receive.fsckObjects", "true"),
        ("receive.autogc", "false"),
        ("core.fsync", "none"),
        ("receive.procReceiveRefs", "refs"),
        ("transfer.hideRefs", "refs/pull"),
        ("core.hooksPath", &hooks(directory).to_string_lossy()),
    ] {
        config.set_str(key, value)?;
    }
    for seed in std::mem::take(&mut repository.seeds) {
        if seed.full_ref.starts_with("refs/tags/") {
            let tip = bare.refname_to_id(&format!("refs/heads/{}", repository.default_branch))?;
            bare.reference(&seed.full_ref, tip, true, "seed")?;
        } else {
            commit_files(&bare, &seed.full_ref, &seed.files, "Seed")?;
        }
    }
    for pull in &mut repository.pull_requests {
        pull.head_sha =
            bare.refname_to_id(&format!("refs/heads/{}", pull.head)).map(|id| id.to_string()).unwrap_or_default();
    }
    // A server that was just set up has no leftovers of libgit2's own default hooks and description.
    let _ = fs::remove_dir_all(repository.path.join("hooks"));
    Ok(())
}

/// Commits files on top of a ref.
pub(crate) fn commit_files(
    repository: &git2::Repository,
    full_ref: &str,
    files: &Files,
    message: &str,
) -> Result<Oid, git2::Error> {
    let parent = repository.find_reference(full_ref).and_then(|reference| reference.peel_to_commit()).ok();
    let mut index = Index::new()?;
    if let Some(parent) = &parent {
        index.read_tree(&parent.tree()?)?;
    }
    for (path, content) in files {
        index.add(&IndexEntry {
            ctime: IndexTime::new(0, 0),
            mtime: IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode: 0o100_644,
            uid: 0,
            gid: 0,
            file_size: 0,
            id: repository.blob(content)?,
            flags: 0,
            flags_extended: 0,
            path: path.clone().into_bytes(),
        })?;
    }
    let tree = repository.find_tree(index.write_tree_to(repository)?)?;
    let now = chrono::Utc::now().timestamp();
    let author = Signature::new("Seeder", "seeder@example.com", &Time::new(now, 0))?;
    let parents: Vec<_> = parent.iter().collect();
    repository.commit(Some(full_ref), &author, &author, message, &tree, &parents)
}
