//! The relays that are disturbed, and what they are to bring about.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use emulator::model::{App, Level, Model, Repository, Role, Token};

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

const SECRET: &str = "canary-of-the-secret-value-4711";

/// A kind of relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Every stage, with a token.
    Whole,
    /// Refs of a checkout.
    Refs,
    /// With an App's own token.
    App,
    /// A directory whose commit GitHub signs, with an App's own token.
    Signed,
    /// A directory that a pull request brings.
    Proposed,
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

/// Those that together make every request. The others are parts of them, for what is not about a request.
pub(crate) const KINDS: [Kind; 5] = [Kind::Whole, Kind::Refs, Kind::App, Kind::Signed, Kind::Proposed];

/// The targets beside [`TARGET`] where there are several.
const OTHERS: [&str; 2] = ["acme/docs", "acme/zone"];

/// One relay's surroundings.
pub(crate) struct Scene {
    pub(crate) kind: Kind,
    pub(crate) github: Arc<Judged>,
    /// What git goes over, where it is not HTTP.
    pub(crate) sshd: Option<Arc<Sshd>>,
    token: Token,
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
            Kind::FanOut => model = OTHERS.iter().fold(model, |model, slug| model.repository(target(slug))),
            _ => {}
        }
        Self { kind, github: Arc::new(Judged::start(model)), sshd: None, token }
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
            Kind::App => {
                let step = tagged(publish(step)).input("token", "").input("app-id", app().id.to_string());
                step.input("app-private-key", &key_pair().0)
            }
            Kind::Signed => {
                let step = publish(step).input("sign", "github").input("token", "");
                step.input("app-id", app().id.to_string()).input("app-private-key", &key_pair().0)
            }
            Kind::Proposed => publish(step).input("pull-request", "always"),
            Kind::FanOut => {
                let all = [&[TARGET][..], &OTHERS].concat().join("\n");
                dispatch(publish(step)).input("repository", all)
            }
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

    /// What is wrong with the targets that met no fault.
    pub(crate) fn neglected(&self, outcome: &Outcome) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.kind == Kind::FanOut {
            let report = outcome.report();
            for (slug, told) in OTHERS.iter().zip(report["targets"].as_array().unwrap().iter().skip(1)) {
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
        }
        wrong
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
                .map(|name| {
                    let tip = self.github.repository(TARGET).tip(name);
                    let right = tip.is_some_and(|tip| self.made_of(&tip) == "change second.txt");
                    Effect { name, stage: "push", count: self.landed(slug, name), right }
                })
                .collect(),
            Kind::App | Kind::Publish => vec![self.branch(slug), self.tag()],
            Kind::Signed => vec![self.branch(slug)],
            Kind::Proposed => vec![self.proposed_branch(slug), self.pull_request(slug)],
            Kind::FanOut => vec![self.branch(slug), self.start(slug, "repository_dispatch")],
            Kind::Tag => vec![self.tag()],
            Kind::Dispatch => vec![self.start(slug, "repository_dispatch")],
            Kind::Workflow => vec![self.start(slug, "workflow_dispatch")],
        }
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
