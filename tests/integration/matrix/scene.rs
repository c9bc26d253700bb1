//! The relays that are disturbed, and what they are to bring about.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use emulator::model::{App, Level, Lfs, Model, Repository, Role, Ruleset, SecretScope, Target, Token};

use super::checkouts;
use crate::{
    app::key_pair,
    leaks::Judged,
    refs::Tree,
    runner::{Outcome, Step},
    sshd::{Manners, Sshd},
    world::TARGET,
};

const DEPLOY: &str = "name: deploy\nrun-name: Deploy ${{ github.event.client_payload.id }}${{ inputs.id }}\non:\n  \
    repository_dispatch:\n    types: [published]\n  workflow_dispatch:\n    inputs:\n      id: {required: false}\n";

const ON_TAG: &str = "name: ci\non:\n  push:\n    tags: ['v*']\n";

const SECRET: &str = "canary-of-the-secret-value-4711";

/// A kind of relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Every stage, with a token.
    Whole,
    /// Refs of a checkout.
    Refs,
    /// Refs of a checkout, and the Git LFS objects that they name.
    Lfs,
    /// Refs of a checkout, in parts that go to helper refs first.
    Parts,
    /// With an App's own token.
    App,
    /// A directory whose commit GitHub signs, with an App's own token.
    Signed,
    /// A directory that a pull request brings.
    Proposed,
    /// A directory that a pull request brings, which is merged at once.
    Merged,
    /// A directory that a pull request brings, which is merged by GitHub once its checks have passed.
    MergedLater,
    /// A directory, and the previews of closed pull requests off the same branch.
    Previews,
    /// A secret of this store in two repositories, and then the end of the old token.
    Rotation(Store),
    /// A tag whose run is waited for: whether runs can be listed is asked first.
    Awaited,
    /// A directory and a start, for three targets.
    FanOut,
    /// A directory and a tag.
    Publish,
    /// A tag alone.
    Tag,
    /// A `repository_dispatch` alone.
    Dispatch,
    /// A `workflow_dispatch` whose run is waited for.
    Workflow,
}

/// A store of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Store {
    Actions,
    Dependabot,
    Codespaces,
    Environment,
}

impl Store {
    /// What `secret-scope` calls it, and what the server does.
    fn scope(self) -> (&'static str, SecretScope) {
        match self {
            Self::Actions => ("actions", SecretScope::Actions),
            Self::Dependabot => ("dependabot", SecretScope::Dependabot),
            Self::Codespaces => ("codespaces", SecretScope::Codespaces),
            Self::Environment => ("environment:my stage", SecretScope::Environment("my stage".to_owned())),
        }
    }
}

/// Those that together make every request. The others are parts of them, for what is not about a request.
pub(crate) const KINDS: [Kind; 13] = [
    Kind::Whole,
    Kind::Refs,
    Kind::App,
    Kind::Signed,
    Kind::Proposed,
    Kind::Merged,
    Kind::MergedLater,
    Kind::Previews,
    Kind::Awaited,
    Kind::Rotation(Store::Actions),
    Kind::Rotation(Store::Dependabot),
    Kind::Rotation(Store::Codespaces),
    Kind::Rotation(Store::Environment),
];

/// Those whose other requests are made by [`KINDS`], too.
pub(crate) const OF_CHECKOUTS: [Kind; 2] = [Kind::Lfs, Kind::Parts];

/// The targets beside [`TARGET`] where there are several.
const OTHERS: [&str; 2] = ["acme/docs", "acme/zone"];

/// One relay's surroundings.
pub(crate) struct Scene {
    pub(crate) kind: Kind,
    pub(crate) github: Arc<Judged>,
    /// What git goes over, where it is not HTTP.
    pub(crate) sshd: Option<Arc<Sshd>>,
    token: Token,
    /// The token that a rotation ends.
    old: Token,
}

/// What a relay is to bring about, and how often it did.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) name: &'static str,
    /// The stage that brings it about.
    pub(crate) stage: &'static str,
    pub(crate) count: usize,
    /// It is what it should be, in all parts.
    pub(crate) right: bool,
}

impl Scene {
    pub(crate) fn new(kind: Kind) -> Self {
        let token = Token::classic("robin", &["repo", "workflow"]);
        let old = Token::classic("ada", &["repo"]);
        let target = |slug| {
            Repository::new(slug)
                .file("README.md", "hello\n")
                .workflow("deploy.yml", DEPLOY)
                .files("gh-pages", &[("old.html", "old\n"), ("kept/a.txt", "a\n")])
                .collaborator("robin", Role::Write)
        };
        let source = Repository::new("acme/source").file("README.md", "source\n").collaborator("robin", Role::Write);
        let mut model = Model::new().repository(target(TARGET).pages("gh-pages")).repository(source).token(&token);
        match kind {
            Kind::App | Kind::Signed => model = model.app(app()),
            Kind::MergedLater => {
                let checks = serde_json::json!({
                    "required_status_checks": [{"context": "ci"}], "strict_required_status_checks_policy": false
                });
                let rules = Ruleset::new("ci", Target::Branch, &["refs/heads/gh-pages"])
                    .rule_with("required_status_checks", checks);
                let target = target(TARGET).allow_auto_merge().ruleset(rules);
                let model = Model::new().repository(target).token(&token);
                return Self { kind, github: Arc::new(Judged::start(model)), sshd: None, token, old };
            }
            Kind::Lfs => {
                let target = target(TARGET).lfs(Lfs::default().verified());
                let model = Model::new().repository(target).token(&token);
                return Self { kind, github: Arc::new(Judged::start(model)), sshd: None, token, old };
            }
            Kind::FanOut => model = OTHERS.iter().fold(model, |model, slug| model.repository(target(slug))),
            Kind::Awaited => {
                let file = [(".github/workflows/ci.yml", ON_TAG)];
                let target = target(TARGET).workflow("ci.yml", ON_TAG).files("gh-pages", &file);
                let model = Model::new().repository(target).token(&token);
                return Self { kind, github: Arc::new(Judged::start(model)), sshd: None, token, old };
            }
            Kind::Previews => {
                let previews = PREVIEWS.map(|path| (path, "preview\n"));
                let target = target(TARGET).files("gh-pages", &previews).pull_request("main").pull_request("main");
                let mut model = Model::new().repository(target.pages("gh-pages")).token(&token);
                model.find_mut(TARGET).unwrap().pull_requests[0].open = false;
                return Self { kind, github: Arc::new(Judged::start(model)), sshd: None, token, old };
            }
            Kind::Rotation(_) => {
                // Only an administrator sets Codespaces secrets.
                let target = |slug| target(slug).collaborator("robin", Role::Admin).environment("my stage");
                let model = Model::new().repository(target(TARGET)).repository(target(OTHERS[0]));
                let model = model.token(&token).token(&old);
                return Self { kind, github: Arc::new(Judged::start(model)), sshd: None, token, old };
            }
            _ => {}
        }
        Self { kind, github: Arc::new(Judged::start(model)), sshd: None, token, old }
    }

    /// With git over SSH, and no token.
    pub(crate) fn over_ssh(kind: Kind) -> Self {
        let scene = Self::new(kind);
        let sshd = Sshd::before(&scene.github, TARGET, Manners::default(), &["-t", "ed25519"]);
        Self { sshd: Some(Arc::new(sshd)), ..scene }
    }

    /// The step, ready to run.
    pub(crate) fn step(&self, server: &str) -> Step {
        let step = Step::new(server).input("repository", TARGET).input("token", self.token.value());
        let step = match self.kind {
            Kind::Whole => starts(tagged(publish(step)))
                .input("secret-name", "DEPLOY_TOKEN")
                .input("secret-value", SECRET)
                .input("wait-for", "pages"),
            Kind::Refs => {
                checkout(&step.workspace(), &self.github);
                step.input("refs", "main\nHEAD:refs/heads/release\nrefs/tags/*")
            }
            Kind::Lfs => {
                checkouts::with_objects(&step.workspace(), &self.github);
                step.input("refs", "main")
            }
            Kind::Parts => {
                checkouts::with_large_commits(&step.workspace(), &self.github);
                step.input("refs", "main")
            }
            Kind::App => {
                let step = tagged(publish(step)).input("token", "").input("app-id", app().id.to_string());
                step.input("app-private-key", &key_pair().0)
            }
            Kind::Signed => {
                let step = publish(step).input("sign", "github").input("token", "");
                step.input("app-id", app().id.to_string()).input("app-private-key", &key_pair().0)
            }
            Kind::Proposed => publish(step).input("pull-request", "always"),
            Kind::Merged | Kind::MergedLater => {
                publish(step).input("pull-request", "always").input("pull-request-merge", "squash")
            }
            Kind::Previews => {
                let step = publish(step).input("destination", "previews/pr-2");
                step.input("prune-previews", "previews/pr-{number}")
            }
            Kind::Rotation(store) => step
                .input("repository", format!("{TARGET}\n{}", OTHERS[0]))
                .input("secret-scope", store.scope().0)
                .input("secret-name", "DEPLOY_TOKEN")
                .input("secret-value", SECRET)
                .input("revoke-token", self.old.value()),
            Kind::FanOut => {
                let all = [&[TARGET][..], &OTHERS].concat().join("\n");
                dispatch(publish(step)).input("repository", all)
            }
            Kind::Awaited => tagged(step).input("tag-target", "gh-pages").input("wait-for", "ci.yml"),
            Kind::Publish => tagged(publish(step)),
            Kind::Tag => tagged(step).input("tag-target", "gh-pages"),
            Kind::Dispatch => dispatch(step),
            Kind::Workflow => workflow(step),
        };
        match &self.sshd {
            Some(sshd) => sshd.over_ssh(step),
            None => step,
        }
    }

    /// What must never be seen: the token's value, the secret's, lines of the key, and tokens that were minted.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets =
            self.github.model(|model| model.tokens.iter().map(|token| token.value().to_owned()).collect::<Vec<_>>());
        secrets.push(SECRET.to_owned());
        let mut keys = vec![key_pair().0.as_str()];
        keys.extend(self.sshd.as_ref().map(|sshd| sshd.key.as_str()));
        let lines = keys.into_iter().flat_map(str::lines);
        secrets.extend(lines.filter(|line| line.len() >= 16 && !line.starts_with("-----")).map(str::to_owned));
        secrets
    }

    /// What was brought about at the target.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        self.effects_at(TARGET)
    }

    /// What is wrong beside the effects at the target: at the targets that met no fault, and with what had to stay.
    pub(crate) fn neglected(&self, outcome: &Outcome) -> Vec<String> {
        match self.kind {
            Kind::FanOut => self.neglected_targets(&OTHERS, outcome),
            Kind::Previews => self.wrong_previews(outcome),
            Kind::Parts if outcome.status == Some(0) => checkouts::left_over(self),
            Kind::Rotation(_) => {
                // The fault befalls one of the two targets.
                let is_other_hit = outcome.report()["targets"][1]["error"] != "";
                let mut wrong = match is_other_hit {
                    true if outcome.report()["targets"][0]["error"] != "" => {
                        vec!["lost: a target that met no fault failed".to_owned()]
                    }
                    true => Vec::new(),
                    false => self.neglected_targets(&OTHERS[..1], outcome),
                };
                if failed_before_the_end(outcome) && self.is_revoked() {
                    wrong.push("revoked: a target failed, and the old token has ended".to_owned());
                }
                wrong
            }
            _ => Vec::new(),
        }
    }

    /// What is wrong with these targets, which met no fault.
    fn neglected_targets(&self, targets: &[&str], outcome: &Outcome) -> Vec<String> {
        let mut wrong = Vec::new();
        let report = outcome.report();
        for (slug, told) in targets.iter().zip(report["targets"].as_array().unwrap().iter().skip(1)) {
            for Effect { name, count, right, .. } in self.effects_at(slug) {
                match count {
                    0 => wrong.push(format!("lost: {slug} has no {name}")),
                    1 if !right => wrong.push(format!("half done: {name} of {slug}")),
                    1 => {}
                    _ => wrong.push(format!("doubled: {name} of {slug} {count} times")),
                }
            }
            if told["repository"] != *slug || told["error"] != "" {
                wrong.push(format!("untold: {slug} is told as {told}"));
            }
        }
        wrong
    }

    /// The preview of the open pull request stays; that of the closed one goes, or a warning says why not.
    fn wrong_previews(&self, outcome: &Outcome) -> Vec<String> {
        let files = self.github.repository(TARGET).files("refs/heads/gh-pages");
        let mut wrong = Vec::new();
        if !files.contains_key(PREVIEWS[2]) || !files.contains_key("old.html") {
            wrong.push("lost: a file outside of the previews".to_owned());
        }
        let is_done = outcome.stage("push") == "done";
        let warned = outcome.stdout.contains("No preview is removed by `prune-previews`");
        if is_done && files.contains_key(PREVIEWS[0]) != warned {
            wrong.push(format!("untold: a closed preview, with a warning: {warned}"));
        }
        wrong
    }

    fn is_revoked(&self) -> bool {
        let value = self.old.value();
        self.github.model(|model| model.tokens.iter().any(|token| token.value() == value && token.revoked))
    }

    fn effects_at(&self, slug: &str) -> Vec<Effect> {
        match self.kind {
            Kind::Whole => {
                let mut effects = vec![self.branch(slug), self.tag()];
                let value = self.github.repository(TARGET).secret("DEPLOY_TOKEN");
                let secrets = self.github.repository(TARGET).secrets().len();
                let right = value.as_deref() == Some(SECRET);
                effects.push(Effect { name: "secret", stage: "secret", count: secrets, right });
                effects.extend(["repository_dispatch", "workflow_dispatch"].map(|event| self.start(slug, event)));
                effects
            }
            Kind::Refs => ["refs/heads/main", "refs/heads/release", "refs/tags/v1", "refs/tags/v2"]
                .into_iter()
                .map(|name| self.pushed_ref(slug, name))
                .collect(),
            Kind::Lfs => vec![self.pushed_ref(slug, "refs/heads/main"), checkouts::objects(self)],
            Kind::Parts => vec![self.pushed_ref(slug, "refs/heads/main")],
            Kind::App | Kind::Publish => vec![self.branch(slug), self.tag()],
            Kind::Signed => vec![self.branch(slug)],
            Kind::Proposed => vec![self.proposed_branch(slug), self.pull_request(slug)],
            Kind::Merged => vec![self.proposed_branch(slug), self.pull_request(slug), self.merge(slug)],
            Kind::MergedLater => vec![self.proposed_branch(slug), self.pull_request(slug), self.auto_merge(slug)],
            Kind::Previews => vec![self.preview(slug)],
            Kind::Rotation(store) => {
                let mut effects = vec![self.secret(slug, store)];
                // The old token ends once for the step, and the first target tells of it.
                if slug == TARGET {
                    let count = usize::from(self.is_revoked());
                    effects.push(Effect { name: "end of the old token", stage: "revoke", count, right: true });
                }
                effects
            }
            Kind::FanOut => vec![self.branch(slug), self.start(slug, "repository_dispatch")],
            Kind::Tag | Kind::Awaited => vec![self.tag()],
            Kind::Dispatch => vec![self.start(slug, "repository_dispatch")],
            Kind::Workflow => vec![self.start(slug, "workflow_dispatch")],
        }
    }

    /// A ref of a checkout.
    fn pushed_ref(&self, slug: &str, name: &'static str) -> Effect {
        let tip = self.github.repository(slug).tip(name);
        let right = tip.is_some_and(|tip| self.made_of(&tip) == "change second.txt");
        Effect { name, stage: "push", count: self.landed(slug, name), right }
    }

    fn secret(&self, slug: &str, store: Store) -> Effect {
        let repository = self.github.repository(slug);
        let value = repository.secret_in(&store.scope().1, "DEPLOY_TOKEN");
        Effect {
            name: "secret",
            stage: "secret",
            count: repository.secrets().len(),
            right: value.as_deref() == Some(SECRET),
        }
    }

    /// The published preview; the others are judged apart.
    fn preview(&self, slug: &str) -> Effect {
        let name = "refs/heads/gh-pages";
        let files = self.github.repository(slug).files(name);
        let in_preview = files.keys().filter(|path| path.starts_with("previews/pr-2/")).count();
        let right = in_preview == 2 && files.contains_key("previews/pr-2/deep/page.html");
        Effect { name, stage: "push", count: self.landed(slug, name), right }
    }

    /// The branch that the pull request is made of.
    fn proposed_branch(&self, slug: &str) -> Effect {
        let name = "refs/heads/relay/gh-pages";
        let right = self.github.repository(slug).tip(name).is_some();
        Effect { name, stage: "push", count: self.landed(slug, name), right }
    }

    fn pull_request(&self, slug: &str) -> Effect {
        let count = self.github.model(|model| model.find(slug).unwrap().pull_requests.len());
        let repository = self.github.repository(slug);
        let head = "refs/heads/relay/gh-pages";
        let right = repository.tip(head).is_some() && repository.files(head).contains_key("index.html");
        Effect { name: "pull request", stage: "push", count, right }
    }

    /// The commit that the merge made of the pull request's.
    fn merge(&self, slug: &str) -> Effect {
        let name = "refs/heads/gh-pages";
        let repository = git2::Repository::open_bare(self.github.repository(slug).path()).unwrap();
        let mut walk = repository.revwalk().unwrap();
        walk.push_ref(name).unwrap();
        let right = self.github.repository(slug).files(name).contains_key("deep/page.html");
        Effect { name: "merge", stage: "push", count: walk.count() - 1, right }
    }

    /// What makes GitHub merge the pull request later.
    fn auto_merge(&self, slug: &str) -> Effect {
        let waits = |model: &mut Model| {
            let pulls = &model.find(slug).unwrap().pull_requests;
            pulls.iter().filter(|pull| pull.open && pull.auto_merge.is_some()).count()
        };
        Effect { name: "auto-merge", stage: "push", count: self.github.model(waits), right: true }
    }

    fn start(&self, slug: &str, event: &'static str) -> Effect {
        let count = self.github.runs(slug).iter().filter(|run| run.event == event).count();
        Effect { name: event, stage: "trigger", count, right: count == 1 }
    }

    fn branch(&self, slug: &str) -> Effect {
        let name = "refs/heads/gh-pages";
        let repository = git2::Repository::open_bare(self.github.repository(slug).path()).unwrap();
        let mut walk = repository.revwalk().unwrap();
        walk.push_ref(name).unwrap();
        // All but what was there.
        let made = walk.count() - 1;
        let count = made.max(self.landed(slug, name));
        let files = self.github.repository(slug).files(name);
        let files: BTreeMap<_, _> =
            files.iter().map(|(path, (_, content))| (path.as_str(), content.as_slice())).collect();
        let expected: [(&str, &[u8]); 3] =
            [(".nojekyll", b""), ("deep/page.html", b"<p>page</p>\n"), ("index.html", b"<h1>hello</h1>\n")];
        Effect { name, stage: "push", count, right: files == BTreeMap::from(expected) }
    }

    fn tag(&self) -> Effect {
        let name = "refs/tags/v1";
        let repository = git2::Repository::open_bare(self.github.repository(TARGET).path()).unwrap();
        let commit = repository.find_reference(name).and_then(|tag| tag.peel_to_commit()).ok();
        let tip = self.github.repository(TARGET).tip("refs/heads/gh-pages");
        let right = commit.is_some_and(|commit| Some(commit.id().to_string()) == tip);
        Effect { name, stage: "tag", count: self.landed(TARGET, name), right }
    }

    /// How often a push that was executed moved this ref.
    fn landed(&self, slug: &str, name: &str) -> usize {
        if let Some(sshd) = &self.sshd {
            return sshd.moved(name);
        }
        let log = self.github.log();
        let pushes = log.0.iter().filter(|entry| entry.path.starts_with(&format!("/{slug}.git/")));
        let updates = pushes.flat_map(|entry| &entry.updates);
        updates.filter(|update| update.name == name && update.result == "ok").count()
    }

    fn made_of(&self, id: &str) -> String {
        let repository = git2::Repository::open_bare(self.github.repository(TARGET).path()).unwrap();
        let object = repository.revparse_single(id).unwrap().peel_to_commit().unwrap();
        object.message().unwrap_or_default().trim().to_owned()
    }
}

/// The previews of the closed pull request 1 and of the open one 2, and a file beside them.
const PREVIEWS: [&str; 3] = ["previews/pr-1/index.html", "previews/pr-2/old.html", "previews/list.html"];

/// A target failed before the turn of the old token came.
pub(crate) fn failed_before_the_end(outcome: &Outcome) -> bool {
    let report = outcome.report();
    let stages = report["targets"].as_array().unwrap().iter().flat_map(|target| target["stages"].as_array().unwrap());
    stages.into_iter().any(|stage| stage["status"] == "failed" && stage["name"] != "revoke")
}

/// What an output or a stage of the report says against what there is. Empty: nothing.
pub(crate) fn contradictions(effects: &[Effect], outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let succeeded = outcome.status == Some(0);
    for Effect { name, stage, count, right } in effects {
        let told = outcome.stage(stage);
        if *count > 1 {
            wrong.push(format!("doubled: {name} {count} times"));
        }
        if *count == 1 && !right {
            wrong.push(format!("half done: {name}"));
        }
        if succeeded && *count == 0 {
            wrong.push(format!("lost: success without {name}"));
        }
        if *count == 0 && told == "done" {
            wrong.push(format!("lost: {stage} is done without {name}"));
        }
        if *count == 1 && !matches!(told.as_str(), "done" | "failed") {
            wrong.push(format!("untold: {name} is there and {stage} is {told}"));
        }
        // Of several things of one stage some may be there; of the only one nothing may be said but that it is unsure.
        let alone = effects.iter().filter(|other| other.stage == *stage).count() == 1;
        if *count == 1 && told == "failed" && alone && !outcome.stdout.contains("may have") {
            wrong.push(format!("untold: {name} is there, {stage} failed, and nothing says that it may be"));
        }
    }
    let there = |stage: &str| effects.iter().filter(|effect| effect.stage == stage && effect.count > 0).count();
    for (output, stage) in [("pushed", "push"), ("tag-created", "tag"), ("dispatched", "trigger")] {
        let claimed = outcome.outputs.get(output).is_some_and(|value| value == "true");
        if claimed && there(stage) == 0 && effects.iter().any(|effect| effect.stage == stage) {
            wrong.push(format!("lost: {output} is true"));
        }
    }
    wrong
}

fn publish(step: Step) -> Step {
    let step = step.file("site/index.html", "<h1>hello</h1>\n").file("site/deep/page.html", "<p>page</p>\n");
    step.input("directory", "site")
}

fn tagged(step: Step) -> Step {
    step.input("tag", "v1").input("tag-message", "Release {tag}")
}

fn starts(step: Step) -> Step {
    workflow(dispatch(step))
}

const ID: &str = r#"{"id": "{relay_id}"}"#;

fn dispatch(step: Step) -> Step {
    step.input("dispatch", "published").input("payload", ID)
}

fn workflow(step: Step) -> Step {
    step.input("workflow", "deploy.yml").input("workflow-inputs", ID).input("wait", "completed")
}

fn app() -> App {
    let write = [("contents", Level::Write), ("workflows", Level::Write), ("pages", Level::Read)];
    App::new("relay-bot", &key_pair().1).installed("acme", &[TARGET], &write)
}

/// A checkout one commit ahead of the target, with two new tags.
fn checkout(workspace: &Path, github: &Judged) {
    let tree = Tree::clone(&github.repository(TARGET).path(), workspace, &[]);
    tree.commit("second.txt", "second\n");
    tree.git(&["tag", "v1"]);
    tree.git(&["tag", "-a", "-m", "two", "v2"]);
}
