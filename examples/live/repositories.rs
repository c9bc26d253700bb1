//! The two repositories: made before anything else, filled, and removed whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use repo_relay::credential::Secret;
use russh::keys::PrivateKey;
use serde_json::{Value, json};

use super::{
    credentials::manager,
    options::Options,
    server::{Auth, Server, Stop},
};

/// What a repository of yours held before the run.
type Refs = BTreeMap<String, String>;

/// What the run makes in the target beside refs, releases and the deploy key; REST paths within the repository.
const SECRET: &str = "/actions/secrets/LIVE_SECRET";
const ENVIRONMENT: &str = "/environments/live";

/// The two repositories of a run.
pub(crate) struct Repositories<'a> {
    options: &'a Options,
    server: &'a Server,
    /// Begun to be made: noted before the request, since its answer may get lost.
    made: Vec<&'a str>,
    /// Of named repositories.
    before: Vec<(&'a str, Refs)>,
    /// Paths of what a named target held beside refs.
    things: BTreeSet<String>,
    /// Public half of the deploy key: noted before it is added, since the answer may get lost.
    key: Option<String>,
    /// Why the server did not take a key that the run made.
    pub(crate) refused_key: Option<String>,
    removed: bool,
}

impl<'a> Repositories<'a> {
    pub(crate) fn of(options: &'a Options, server: &'a Server) -> Self {
        Self {
            options,
            server,
            made: Vec::new(),
            before: Vec::new(),
            things: BTreeSet::new(),
            key: None,
            refused_key: None,
            removed: false,
        }
    }

    fn auth(&self) -> Auth<'a> {
        manager(self.options).map_or(Auth::None, Auth::Bearer)
    }

    /// Makes them, or looks at those that were named.
    ///
    /// # Errors
    /// When that is refused.
    pub(crate) fn make(&mut self) -> Result<(), Stop> {
        if self.options.make {
            let owner = self.server.read(self.auth(), &format!("/users/{}", self.options.owner))?;
            let owner = owner.success("The owner cannot be found")?;
            let organization = owner.json["type"] == "Organization";
            for slug in &self.options.slugs {
                self.made.push(slug);
                let made = self.server.create(self.auth(), slug, organization)?;
                made.success(&format!("{slug} cannot be made"))?;
            }
            return self.add_key();
        }
        for slug in &self.options.slugs {
            let found = self.server.read(self.auth(), &format!("/repos/{slug}"))?;
            let found = found.success(&format!("{slug} cannot be read"))?;
            if found.json["full_name"].as_str() != Some(slug) {
                return Err(Stop::failed(format!("{slug} was renamed: name it as {}.", found.json["full_name"])));
            }
            if found.json["private"] != json!(true) {
                return Err(Stop::failed(format!("{slug} is public: the run takes private repositories alone.")));
            }
            let refs = self.refs(slug)?;
            if refs.is_empty() {
                return Err(Stop::failed(format!("{slug} has no commit: add a README.")));
            }
            self.before.push((slug, refs));
        }
        self.things = self.things()?;
        let taken = [SECRET, ENVIRONMENT].into_iter().find(|path| self.things.contains(*path));
        if let Some(path) = taken {
            return Err(Stop::failed(format!(
                "{} has {path} already, which the run would change.",
                self.options.slugs[1]
            )));
        }
        self.add_key()
    }

    /// Adds the public half of the deploy key to the target. An organization can forbid deploy keys: of a key that the run made
    /// that is a reason to do without, of one that was given an error.
    fn add_key(&mut self) -> Result<(), Stop> {
        let key = &self.options.deploy_key;
        let unusable = |_| Stop::failed("LIVE_DEPLOY_KEY is no private key of OpenSSH without a passphrase.");
        let private = PrivateKey::from_openssh(key.expose()).map_err(unusable)?;
        let public = private.public_key().to_openssh().map_err(unusable)?;
        let body = json!({"title": "repo-relay live", "key": public, "read_only": false});
        let target = &self.options.slugs[1];
        let there = self.keys(&public)?;
        if !there.is_empty() {
            return Err(Stop::failed(format!("{target} has the key of LIVE_DEPLOY_KEY already: give another one.")));
        }
        self.key = Some(public);
        let added = self.server.write(self.auth(), "POST", target, "/keys", &body)?;
        match added.success("The deploy key cannot be added") {
            Err(Stop::Failed(words)) if self.options.deploy_key_is_new => self.refused_key = Some(words),
            other => drop(other?),
        }
        Ok(())
    }

    /// Ids of the target's deploy keys with this public half.
    fn keys(&self, public: &str) -> Result<Vec<u64>, Stop> {
        let path = format!("/repos/{}/keys?per_page=100", self.options.slugs[1]);
        let list = self.server.read(self.auth(), &path)?;
        let all = list.json.as_array().map(Vec::as_slice).unwrap_or_default();
        // The server keeps the key without its comment.
        let is = |one: &&Value| one["key"].as_str().is_some_and(|key| public.starts_with(key));
        Ok(all.iter().filter(is).filter_map(|one| one["id"].as_u64()).collect())
    }

    /// Takes the deploy key out of a target that stays.
    fn remove_key(&self, public: &str) -> Vec<String> {
        let target = &self.options.slugs[1];
        let ids = match self.keys(public) {
            Ok(ids) => ids,
            Err(stop) => return vec![format!("the deploy key of the run at {target} ({stop:?})")],
        };
        let remove = |id: u64| {
            let gone = self.server.write(self.auth(), "DELETE", target, &format!("/keys/{id}"), &Value::Null);
            let is_gone = gone.is_ok_and(|seen| matches!(seen.status, 204 | 404));
            (!is_gone).then(|| format!("the deploy key {id} of {target}"))
        };
        ids.into_iter().filter_map(remove).collect()
    }

    /// The branches and tags of a repository.
    fn refs(&self, slug: &str) -> Result<Refs, Stop> {
        let mut refs = Refs::new();
        for kind in ["heads", "tags", "repo-relay"] {
            let path = format!("/repos/{slug}/git/matching-refs/{kind}/?per_page=100");
            let found = self.server.read(self.auth(), &path)?;
            for one in found.json.as_array().map(Vec::as_slice).unwrap_or_default() {
                if let (Some(name), Some(id)) = (one["ref"].as_str(), one["object"]["sha"].as_str()) {
                    refs.insert(name.to_owned(), id.to_owned());
                }
            }
        }
        Ok(refs)
    }

    /// Paths of the target's releases, and of the secret and the environment of the run where they are there.
    fn things(&self) -> Result<BTreeSet<String>, Stop> {
        let target = &self.options.slugs[1];
        let read = |path: &str| self.server.read(self.auth(), &format!("/repos/{target}{path}"));
        let list = read("/releases?per_page=100")?;
        let releases = list.json.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut things: BTreeSet<String> = releases.iter().map(|one| format!("/releases/{}", one["id"])).collect();
        for path in [SECRET, ENVIRONMENT] {
            if read(path)?.status == 200 {
                things.insert(path.to_owned());
            }
        }
        Ok(things)
    }

    /// Removes what a named target did not hold before.
    fn remove_things(&self) -> Vec<String> {
        let target = &self.options.slugs[1];
        let now = match self.things() {
            Ok(now) => now,
            Err(stop) => return vec![format!("releases, secrets and environments of {target} ({stop:?})")],
        };
        let remove = |path: &String| match self.server.write(self.auth(), "DELETE", target, path, &Value::Null) {
            Ok(seen) if matches!(seen.status, 204 | 404) => None,
            Ok(seen) => Some(format!("{path} of {target} ({})", seen.words())),
            Err(stop) => Some(format!("{path} of {target} ({stop:?})")),
        };
        now.difference(&self.things).filter_map(remove).collect()
    }

    /// Removes what was made and ends the tokens that were minted, also after a signal. What could not be removed, in words.
    pub(crate) fn remove(&mut self) -> Vec<String> {
        self.removed = true;
        self.server.clear();
        let mut left = self.server.end_minted();
        // With a repository that is deleted its key goes anyway.
        if let Some(public) = self.key.take().filter(|_| !self.options.make) {
            left.extend(self.remove_key(&public));
        }
        for slug in std::mem::take(&mut self.made) {
            // One that was not made is not there: 404.
            let problem = match self.server.write(self.auth(), "DELETE", slug, "", &Value::Null) {
                Ok(seen) if matches!(seen.status, 204 | 404) => continue,
                Ok(seen) => seen.words(),
                Err(stop) => format!("{stop:?}"),
            };
            left.push(format!("{slug} ({problem}). Delete it by hand: {}/{slug}/settings", self.server.web()));
        }
        // Nothing was written before both were looked at.
        if self.before.len() == self.options.slugs.len() {
            left.extend(self.remove_things());
        }
        for (slug, before) in std::mem::take(&mut self.before) {
            left.extend(self.restore(slug, &before));
        }
        left
    }

    /// Puts the refs of a named repository back.
    fn restore(&self, slug: &str, before: &Refs) -> Vec<String> {
        let now = match self.refs(slug) {
            Ok(now) => now,
            Err(stop) => return vec![format!("refs of {slug} ({stop:?})")],
        };
        let mut left = Vec::new();
        for (name, id) in &now {
            let rest = format!("/git/{name}");
            let done = match before.get(name) {
                Some(old) if old == id => continue,
                Some(old) => {
                    let body = json!({"sha": old, "force": true});
                    self.server.write(self.auth(), "PATCH", slug, &rest, &body)
                }
                None => self.server.write(self.auth(), "DELETE", slug, &rest, &Value::Null),
            };
            match done {
                Ok(seen) if seen.status < 300 || seen.status == 404 => {}
                Ok(seen) => left.push(format!("{name} of {slug} ({})", seen.words())),
                Err(stop) => left.push(format!("{name} of {slug} ({stop:?})")),
            }
        }
        left
    }
}

impl Drop for Repositories<'_> {
    fn drop(&mut self) {
        // After a panic.
        if !self.removed {
            for problem in self.remove() {
                eprintln!("LEFT OVER: {problem}");
            }
        }
    }
}

/// Commits files onto a branch by REST; the id of the commit.
///
/// # Errors
/// When that is refused.
pub(crate) fn commit(
    server: &Server,
    token: &Secret,
    slug: &str,
    branch: &str,
    files: &[(&str, &str)],
) -> Result<String, Stop> {
    let auth = Auth::Bearer(token);
    let what = format!("{slug} cannot be filled");
    let read = |path: String| server.read(auth, &format!("/repos/{slug}{path}"))?.success(&what);
    let write = |method: &str, rest: &str, body: Value| server.write(auth, method, slug, rest, &body)?.success(&what);
    let tip = read(format!("/git/ref/heads/{branch}"))?.json["object"]["sha"].clone();
    let base = read(format!("/git/commits/{}", tip.as_str().unwrap_or_default()))?.json["tree"]["sha"].clone();
    let entries: Vec<Value> = files
        .iter()
        .map(|(path, content)| json!({"path": path, "mode": "100644", "type": "blob", "content": content}))
        .collect();
    let tree = write("POST", "/git/trees", json!({"base_tree": base, "tree": entries}))?.json["sha"].clone();
    let made = json!({"message": "What the run needs", "tree": tree, "parents": [tip]});
    let commit = write("POST", "/git/commits", made)?.json["sha"].clone();
    write("PATCH", &format!("/git/refs/heads/{branch}"), json!({"sha": commit}))?;
    Ok(commit.as_str().unwrap_or_default().to_owned())
}
