//! What is pushed: the inputs of a directory and of refs, and what contradicts what among them.

use std::path::PathBuf;

use super::{
    BranchCommit, DirectoryPush, History, MergeMethod, Nojekyll, PullRequestInputs, PullRequestWhen, Push, RefsPush,
    Refspec, Sign, Symlinks, Trailers, forms,
    groups::ref_name,
    read::{InputReader, preset},
    refusal::{accepts, contradiction, invalid, refused, refused_name, unaccepted},
};
use crate::{
    diagnosis::Failure,
    github::limits::PACK_LIMIT,
    globs::Globs,
    names::{NameError, RefName},
};

impl InputReader<'_> {
    pub(super) fn push(&self) -> Result<Push, Failure> {
        // Each value is read before any contradiction is looked for: a malformed one is the nearer mistake.
        let directory = self.text("directory").map(PathBuf::from);
        let commit = self.branch_commit()?;
        let remove = self.boolean("remove")?;
        let keep = globs("keep", &self.lines("keep"))?;
        let exclude = self.exclude()?;
        let nojekyll = self.automatic("nojekyll", (Nojekyll::Auto, Nojekyll::Always, Nojekyll::Never))?;
        let cname = self.text("cname").map(str::to_owned);
        if let Some(name) = cname.as_deref().filter(|name| !forms::host_name(name)) {
            return Err(refused("cname", name, ""));
        }
        let refs = self.refs_push()?;
        let symlinks = self.choice("symlinks", &[("keep", Symlinks::Keep), ("follow", Symlinks::Follow)])?;
        match (directory, remove, refs) {
            (Some(_), _, Some(_)) => Err(contradiction("directory", "refs", "a step pushes a directory or refs")),
            (Some(_), true, _) => {
                Err(contradiction("remove", "directory", "a step publishes a directory or takes a destination off"))
            }
            (None, true, Some(_)) => {
                Err(contradiction("remove", "refs", "a step takes a destination off a branch or pushes refs"))
            }
            // An expression for the destination that came out empty would delete a whole site.
            (None, true, None) if commit.destination.is_root() => Err(invalid(format!(
                "`remove` is true without `destination`, which would take everything off the branch; `destination` accepts {}.",
                accepts("destination")
            ))
            .with_remedy("Set `destination` to the folder that is to go.")),
            (Some(directory), false, None) => {
                Ok(Push::Directory(DirectoryPush { directory, commit, keep, exclude, symlinks, nojekyll, cname }))
            }
            (None, true, None) => Ok(Push::Remove(commit)),
            (None, false, Some(refs)) => Ok(Push::Refs(refs)),
            (None, false, None) => Ok(Push::None),
        }
    }

    /// Not given: the default. Empty: nothing. With a line that begins with `+`: the default and all lines.
    fn exclude(&self) -> Result<Vec<String>, Failure> {
        let Some(text) = self.raw.text("exclude") else { return Ok(vec![preset("exclude").to_owned()]) };
        let mut patterns = Vec::new();
        // Adding is written down, so that a list without it replaces the default as every other list does.
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

    fn branch_commit(&self) -> Result<BranchCommit, Failure> {
        let branch = self.text_or_preset("branch");
        let destination = self.line("destination")?.unwrap_or_default();
        let sign = self.choice_or_no("sign", &[("auto", Sign::Auto), ("github", Sign::Github)], Sign::No)?;
        // GitHub signs over REST, and only a commit whose author and committer it sets itself.
        if sign == Sign::Github && self.is_set("author") {
            return Err(contradiction("sign", "author", "GitHub signs a commit in its own name or it has an author"));
        }
        if sign == Sign::Github && self.is_set("refs") {
            return Err(contradiction(
                "sign",
                "refs",
                "GitHub signs a commit that the step makes, and `refs` makes none",
            ));
        }
        let previews = self.line("prune-previews")?;
        let previews = previews.map(|text| text.parse().map_err(|why: String| refused("prune-previews", text, &why)));
        Ok(BranchCommit {
            branch: ref_name("branch", branch, "refs/heads/", RefName::branch)?,
            destination: destination.parse().map_err(|error: NameError| refused_name("destination", &error))?,
            history: self.choice("history", &[("append", History::Append), ("single", History::Single)])?,
            message: self.text_or_preset("message").to_owned(),
            allow_empty: self.boolean("allow-empty")?,
            trailers: self.automatic("trailers", (Trailers::Auto, Trailers::Always, Trailers::Never))?,
            sign,
            pull_request: self.pull_request()?,
            prune_previews: previews.transpose()?,
        })
    }

    fn pull_request(&self) -> Result<PullRequestInputs, Failure> {
        // `no` is missing here: it has more than one spelling.
        let words = [("required", PullRequestWhen::Required), ("always", PullRequestWhen::Always)];
        let methods = [
            ("merge", Some(MergeMethod::Merge)),
            ("squash", Some(MergeMethod::Squash)),
            ("rebase", Some(MergeMethod::Rebase)),
        ];
        Ok(PullRequestInputs {
            when: self.choice_or_no("pull-request", &words, PullRequestWhen::No)?,
            merge: self.choice_or_no("pull-request-merge", &methods, None)?,
        })
    }

    fn refs_push(&self) -> Result<Option<RefsPush>, Failure> {
        let specs = self.refs()?;
        let prune = self.boolean("prune")?;
        let lfs = self.text_or_preset("lfs");
        let lfs = match (lfs, forms::boolean(lfs)) {
            ("auto", _) => true,
            (_, Some(false)) => false,
            _ => return Err(refused("lfs", lfs, "")),
        };
        // Pruning compares with the patterns: without one every ref of the target would be superfluous.
        if prune && specs.is_empty() {
            return Err(invalid(format!(
                "`prune` is true and `refs` is missing or empty, so there is nothing to compare; `refs` accepts {}.",
                accepts("refs")
            ))
            .with_remedy("Set `refs` to patterns such as `refs/heads/*`, or remove `prune`."));
        }
        let checkout = self.line("checkout")?.map(PathBuf::from);
        let pull_request = self.pull_request()?;
        Ok((!specs.is_empty()).then_some(RefsPush {
            specs,
            checkout,
            prune,
            lfs,
            pull_request,
            push_limit: PACK_LIMIT,
        }))
    }

    fn refs(&self) -> Result<Vec<Refspec>, Failure> {
        let mut specs: Vec<Refspec> = Vec::new();
        for line in self.lines("refs") {
            let spec = forms::refspec(line).map_err(|why| refused("refs", line, &why))?;
            // Two equal commands for one ref make a server refuse the whole push.
            if !specs.contains(&spec) {
                specs.push(spec);
            }
        }
        // Only negative refspecs match nothing, which would pass for a mirror that is up to date.
        match specs.first().filter(|_| specs.iter().all(|spec| spec.negative)) {
            Some(spec) => {
                Err(refused("refs", &spec.to_string(), "it leaves out, and no other line names what is pushed"))
            }
            None => Ok(specs),
        }
    }
}

/// The patterns as they were written, all of them usable.
fn globs(name: &str, patterns: &[&str]) -> Result<Vec<String>, Failure> {
    // Compiled here for the error alone: the patterns are matched on another floor.
    Globs::new(patterns).map_err(|error| unaccepted(name, &format!("is not usable: {error}")))?;
    Ok(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
}
