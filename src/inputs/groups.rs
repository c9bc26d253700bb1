//! The groups of inputs, each from its texts to its typed value, and what contradicts what inside a group.

use std::{collections::BTreeSet, path::PathBuf};

use super::{
    ActionsSecret, AppCredential, Behaviour, BranchCommit, Credential, DirectoryPush, History, Nojekyll, Push, Refspec,
    TagExists, TagLine, Tags, TokenInput, Triggers, WaitFor, forms,
    raw::nearest,
    read::{Reader, preset},
    refusal::{accepts, contradiction, incomplete, invalid, refused, refused_name, unaccepted},
    table::{CHECKS, NEVER_IGNORED},
};
use crate::github::limits::SECRET_BYTES;
use crate::names::Author;
use crate::{
    credential::Secret,
    diagnosis::Failure,
    globs::Globs,
    names::{NameError, RefName, ServerUrl},
};

impl Reader<'_> {
    pub(super) fn ca_certificate(&self) -> Result<Option<String>, Failure> {
        let text = self.text("ca-certificate");
        match text {
            Some(text) if !forms::certificates(text) => Err(unaccepted("ca-certificate", "holds no whole certificate")),
            text => Ok(text.map(str::to_owned)),
        }
    }

    pub(super) fn credential(&self, server: &ServerUrl) -> Result<Credential, Failure> {
        let app = match (self.text("app-id"), self.secret("app-private-key")) {
            (None, None) => None,
            (Some(id), Some(private_key)) => {
                let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
                if !plain {
                    return Err(refused("app-id", id, ""));
                }
                Some(AppCredential { id: id.to_owned(), private_key })
            }
            (Some(_), None) => return Err(incomplete("app-id", "app-private-key")),
            (None, Some(_)) => return Err(incomplete("app-private-key", "app-id")),
        };
        let workflow_token = self.secret("workflow-token");
        let token = self.token(server, workflow_token.as_ref())?;
        Ok(Credential {
            token,
            workflow_token,
            ssh_key: self.secret("ssh-key"),
            ssh_known_hosts: self.text("ssh-known-hosts").map(str::to_owned),
            app,
        })
    }

    /// The token, kept from every server but its own where it is known whose it is.
    fn token(&self, server: &ServerUrl, workflow_token: Option<&Secret>) -> Result<TokenInput, Failure> {
        let own = self.context.server().ok();
        let at_home = own.as_ref() == Some(server);
        let withheld = |what: &str| TokenInput::Withheld {
            what: what.to_owned(),
            server: own.as_ref().map_or_else(|| "GITHUB_SERVER_URL".to_owned(), ToString::to_string),
        };
        let (token, variable) = match (self.raw.secret("token"), self.raw.ambient_token()) {
            (Some(token), _) if token.is_blank() => return Ok(TokenInput::Blank),
            (Some(token), _) => (forms::trimmed(token), None),
            (None, Some((variable, token))) => (forms::trimmed(token), Some(variable)),
            (None, None) => return Ok(TokenInput::Absent),
        };
        if !token.expose().bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            let name = variable.map_or("`token`".to_owned(), |variable| format!("{variable} (for `token`)"));
            return Err(invalid(format!(
                "{name} holds a line break or a character that no token has; it accepts {}.",
                accepts("token")
            ))
            .with_remedy("Store the token in the secret again, alone and without quotes."));
        }
        Ok(match variable {
            Some(variable) if !at_home => withheld(variable),
            None if !at_home && workflow_token == Some(&token) => withheld("the workflow's GITHUB_TOKEN"),
            _ => TokenInput::Given(token),
        })
    }

    pub(super) fn push(&self) -> Result<Push, Failure> {
        let directory = self.text("directory").map(PathBuf::from);
        let branch = self.text_or_preset("branch");
        let destination = self.text("destination").unwrap_or_default();
        let commit = BranchCommit {
            branch: ref_name("branch", branch, "refs/heads/", RefName::branch)?,
            destination: destination.parse().map_err(|error: NameError| refused_name("destination", &error))?,
            history: self.choice("history", &[("append", History::Append), ("single", History::Single)])?,
            message: self.text_or_preset("message").to_owned(),
            allow_empty: self.boolean("allow-empty")?,
        };
        let remove = self.boolean("remove")?;
        let keep = globs("keep", &self.lines("keep"))?;
        let exclude = self.exclude()?;
        let nojekyll = self.nojekyll()?;
        let cname = self.text("cname").map(str::to_owned);
        if let Some(name) = cname.as_deref().filter(|name| !forms::host_name(name)) {
            return Err(refused("cname", name, ""));
        }
        let refs = self.refs()?;
        match (directory, remove, refs.is_empty()) {
            (Some(_), _, false) => Err(contradiction("directory", "refs", "a step pushes a directory or refs")),
            (Some(_), true, _) => {
                Err(contradiction("remove", "directory", "a step publishes a directory or takes a destination off"))
            }
            (None, true, false) => {
                Err(contradiction("remove", "refs", "a step takes a destination off a branch or pushes refs"))
            }
            (None, true, true) if commit.destination.is_root() => Err(invalid(format!(
                "`remove` is true without `destination`, which would take everything off the branch; `destination` accepts {}.",
                accepts("destination")
            ))
            .with_remedy("Set `destination` to the folder that is to go.")),
            (Some(directory), false, true) => {
                Ok(Push::Directory(DirectoryPush { directory, commit, keep, exclude, nojekyll, cname }))
            }
            (None, true, true) => Ok(Push::Remove(commit)),
            (None, false, false) => Ok(Push::Refs(refs)),
            (None, false, true) => Ok(Push::None),
        }
    }

    /// Not given: the default. Empty: nothing. With a line that begins with `+`: the default and all lines.
    fn exclude(&self) -> Result<Vec<String>, Failure> {
        let Some(text) = self.raw.text("exclude") else { return Ok(vec![preset("exclude").to_owned()]) };
        let mut patterns = Vec::new();
        if forms::lines(text).any(|line| line.starts_with('+')) {
            patterns.push(preset("exclude"));
        }
        for line in forms::lines(text) {
            let pattern = line.strip_prefix('+').unwrap_or(line).trim();
            if pattern.is_empty() {
                return Err(refused("exclude", line, "nothing stands after `+`"));
            }
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        globs("exclude", &patterns)
    }

    fn nojekyll(&self) -> Result<Nojekyll, Failure> {
        let text = self.text_or_preset("nojekyll");
        match (text, forms::boolean(text)) {
            ("auto", _) => Ok(Nojekyll::Auto),
            (_, Some(true)) => Ok(Nojekyll::Always),
            (_, Some(false)) => Ok(Nojekyll::Never),
            _ => Err(refused("nojekyll", text, "")),
        }
    }

    pub(super) fn author(&self) -> Result<Author, Failure> {
        let text = self.text_or_preset("author");
        forms::author(text).ok_or_else(|| refused("author", text, ""))
    }

    fn refs(&self) -> Result<Vec<Refspec>, Failure> {
        let mut specs: Vec<Refspec> = Vec::new();
        for line in self.lines("refs") {
            let spec = forms::refspec(line).map_err(|why| refused("refs", line, &why))?;
            if !specs.contains(&spec) {
                specs.push(spec);
            }
        }
        match specs.first().filter(|_| specs.iter().all(|spec| spec.negative)) {
            Some(spec) => {
                Err(refused("refs", &spec.to_string(), "it leaves out, and no other line names what is pushed"))
            }
            None => Ok(specs),
        }
    }

    pub(super) fn tags(&self) -> Result<Option<Tags>, Failure> {
        let mut list: Vec<TagLine> = Vec::new();
        for line in self.lines("tag") {
            let (moves, name) = line.strip_prefix('+').map_or((false, line), |name| (true, name.trim()));
            let name = ref_name("tag", name, "refs/tags/", RefName::tag)?;
            match list.iter().find(|other| other.name == name) {
                Some(other) if other.moves != moves => {
                    return Err(refused("tag", line, "it is named with `+` and without"));
                }
                Some(_) => {}
                None => list.push(TagLine { name, moves }),
            }
        }
        let words = [("keep", TagExists::Keep), ("fail", TagExists::Fail), ("move", TagExists::Move)];
        let exists = self.choice("tag-exists", &words)?;
        let target = self.text("tag-target");
        if let Some(target) = target.filter(|target| !forms::ref_or_commit(target)) {
            return Err(refused("tag-target", target, ""));
        }
        let message = self.text("tag-message").map(str::to_owned);
        let target = target.map(str::to_owned);
        Ok((!list.is_empty()).then_some(Tags { list, message, target, exists }))
    }

    pub(super) fn triggers(&self) -> Result<Triggers, Failure> {
        let workflow_ref = self.text("workflow-ref");
        if let Some(name) = workflow_ref.filter(|name| !forms::ref_or_commit(name)) {
            return Err(refused("workflow-ref", name, ""));
        }
        let mut wait_for = Vec::new();
        for name in self.workflow_files("wait-for")? {
            wait_for.push(if name == "pages" { WaitFor::Pages } else { WaitFor::Workflow(name) });
        }
        let wait_text = self.text_or_preset("wait");
        Ok(Triggers {
            dispatch: self.text("dispatch").map(str::to_owned),
            payload: self.json("payload")?,
            workflows: self.workflow_files("workflow")?,
            workflow_ref: workflow_ref.map(str::to_owned),
            workflow_inputs: self.json("workflow-inputs")?,
            wait: forms::wait(wait_text).ok_or_else(|| refused("wait", wait_text, ""))?,
            wait_for,
            wait_timeout: self.duration("wait-timeout")?,
        })
    }

    fn workflow_files(&self, input: &str) -> Result<Vec<String>, Failure> {
        let mut files = Vec::new();
        for line in self.lines(input) {
            let file = forms::workflow_file(line).ok_or_else(|| refused(input, line, ""))?;
            if !files.contains(&file) {
                files.push(file);
            }
        }
        Ok(files)
    }

    pub(super) fn actions_secret(&self) -> Result<Option<ActionsSecret>, Failure> {
        match (self.text("secret-name"), self.secret("secret-value")) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(incomplete("secret-name", "secret-value")),
            (None, Some(_)) => Err(incomplete("secret-value", "secret-name")),
            (Some(name), Some(_)) if !forms::secret_name(name) => Err(refused("secret-name", name, "")),
            (Some(_), Some(value)) if value.expose().len() > SECRET_BYTES => Err(unaccepted(
                "secret-value",
                &format!("is {} bytes long, over GitHub's limit of {SECRET_BYTES}", value.expose().len()),
            )),
            (Some(name), Some(value)) => Ok(Some(ActionsSecret { name: name.to_owned(), value })),
        }
    }

    pub(super) fn behaviour(&self) -> Result<Behaviour, Failure> {
        let mut ignore_checks = BTreeSet::new();
        for line in self.lines("ignore-checks") {
            if NEVER_IGNORED.contains(&line) {
                return Err(refused("ignore-checks", line, "this check is never ignored"));
            }
            let Some(check) = CHECKS.into_iter().find(|check| *check == line) else {
                let like = nearest(line, CHECKS).unwrap_or_default();
                return Err(refused("ignore-checks", line, &format!("the nearest is {like}")));
            };
            ignore_checks.insert(check);
        }
        Ok(Behaviour {
            dry_run: self.boolean("dry-run")?,
            expiry_warning_days: self.number("expiry-warning", 0)?,
            attempts: self.number("attempts", 1)?,
            timeout: self.duration("timeout")?,
            ignore_checks,
        })
    }
}

/// The patterns as they were written, all of them usable.
fn globs(name: &str, patterns: &[&str]) -> Result<Vec<String>, Failure> {
    Globs::new(patterns).map_err(|error| unaccepted(name, &format!("is not usable: {error}")))?;
    Ok(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
}

/// A branch or tag name. A full ref of another kind is a mistake, not a name with slashes.
fn ref_name(
    input: &str,
    text: &str,
    prefix: &str,
    parse: impl Fn(&str) -> Result<RefName, NameError>,
) -> Result<RefName, Failure> {
    if text.starts_with("refs/") && !text.starts_with(prefix) {
        return Err(refused(input, text, &format!("it is a full ref that does not begin with {prefix}")));
    }
    // NOTE: git makes no branch or tag of that name either: it would hide behind what is checked out.
    if text == "HEAD" {
        return Err(refused(input, text, "it is git's word for what is checked out, and no name"));
    }
    parse(text).map_err(|error| refused_name(input, &error))
}
