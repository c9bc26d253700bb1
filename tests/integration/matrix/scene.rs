//! The relays that are disturbed, and what they are to bring about.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use emulator::model::{App, Level, Model, Repository, Role, Token};

use crate::{
    app::key_pair,
    leaks::Judged,
    refs::Tree,
    runner::{Outcome, Step},
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
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Whole, Kind::Refs, Kind::App];

/// One relay's surroundings.
pub(crate) struct Scene {
    pub(crate) kind: Kind,
    pub(crate) github: Arc<Judged>,
    token: Token,
    seed: Option<String>,
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
        let target = Repository::new(TARGET)
            .file("README.md", "hello\n")
            .workflow("deploy.yml", DEPLOY)
            .files("gh-pages", &[("old.html", "old\n"), ("kept/a.txt", "a\n")])
            .pages("gh-pages")
            .collaborator("robin", Role::Write);
        let source = Repository::new("acme/source").file("README.md", "source\n").collaborator("robin", Role::Write);
        let mut model = Model::new().repository(target).repository(source).token(&token);
        if kind == Kind::App {
            model = model.app(app());
        }
        let github = Arc::new(Judged::start(model));
        let seed = github.repository(TARGET).tip("refs/heads/gh-pages");
        Self { kind, github, token, seed }
    }

    /// The step, ready to run.
    pub(crate) fn step(&self, server: &str) -> Step {
        let step = Step::new(server).input("repository", TARGET);
        match self.kind {
            Kind::Whole => starts(tagged(publish(step)))
                .input("token", self.token.value())
                .input("secret-name", "DEPLOY_TOKEN")
                .input("secret-value", SECRET)
                .input("wait-for", "pages"),
            Kind::Refs => {
                checkout(&step.workspace(), &self.github);
                let refs = "main\nHEAD:refs/heads/release\nrefs/tags/*";
                step.input("token", self.token.value()).input("refs", refs)
            }
            Kind::App => {
                let step = tagged(publish(step)).input("token", "").input("app-id", app().id.to_string());
                step.input("app-private-key", &key_pair().0)
            }
        }
    }

    /// What must never be seen: the token's value, the secret's, lines of the key, and tokens that were minted.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets =
            self.github.model(|model| model.tokens.iter().map(|token| token.value().to_owned()).collect::<Vec<_>>());
        secrets.push(SECRET.to_owned());
        secrets.extend(key_pair().0.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned));
        secrets
    }

    /// What was brought about.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        match self.kind {
            Kind::Whole => {
                let mut effects = vec![self.branch(), self.tag()];
                let value = self.github.repository(TARGET).secret("DEPLOY_TOKEN");
                let secrets = self.github.repository(TARGET).secrets().len();
                let right = value.as_deref() == Some(SECRET);
                effects.push(Effect { name: "secret", stage: "secret", count: secrets, right });
                for event in ["repository_dispatch", "workflow_dispatch"] {
                    let count = self.github.runs(TARGET).iter().filter(|run| run.event == event).count();
                    effects.push(Effect { name: event, stage: "trigger", count, right: count == 1 });
                }
                effects
            }
            Kind::Refs => ["refs/heads/main", "refs/heads/release", "refs/tags/v1", "refs/tags/v2"]
                .into_iter()
                .map(|name| {
                    let tip = self.github.repository(TARGET).tip(name);
                    let right = tip.is_some_and(|tip| self.made_of(&tip) == "change second.txt");
                    Effect { name, stage: "push", count: self.landed(name), right }
                })
                .collect(),
            Kind::App => vec![self.branch(), self.tag()],
        }
    }

    fn branch(&self) -> Effect {
        let name = "refs/heads/gh-pages";
        let repository = git2::Repository::open_bare(self.github.repository(TARGET).path()).unwrap();
        let mut walk = repository.revwalk().unwrap();
        walk.push_ref(name).unwrap();
        walk.hide(git2::Oid::from_str(self.seed.as_ref().unwrap()).unwrap()).unwrap();
        let count = walk.count().max(self.landed(name));
        let files = self.github.repository(TARGET).files(name);
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
        Effect { name, stage: "tag", count: self.landed(name), right }
    }

    /// How often a push that was executed moved this ref.
    fn landed(&self, name: &str) -> usize {
        let log = self.github.log();
        let updates = log.0.iter().flat_map(|entry| &entry.updates);
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
    let id = r#"{"id": "{relay_id}"}"#;
    let step = step.input("dispatch", "published").input("payload", id);
    step.input("workflow", "deploy.yml").input("workflow-inputs", id).input("wait", "completed")
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
