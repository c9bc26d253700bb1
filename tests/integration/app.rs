//! `app-id` and `app-private-key`: the step mints a token of its own, and ends it.

use std::{
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

use emulator::{
    faults::{Canned, Fault, FaultRule},
    model::{App, Level, Model, Repository, Token},
};
use rustix::process::Signal;
use serde_json::json;

use crate::{
    refs_faults::dry_and_real,
    runner::{Outcome, Step},
    world::{TARGET, World},
};

/// A private key as GitHub gives it out, and its public half.
pub(crate) fn key_pair() -> &'static (String, String) {
    static PAIR: OnceLock<(String, String)> = OnceLock::new();
    PAIR.get_or_init(generate)
}

fn generate() -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let keygen = |arguments: &[&str]| {
        let output = Command::new("ssh-keygen").args(arguments).arg("-f").arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    keygen(&["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""]);
    (std::fs::read_to_string(&path).unwrap(), keygen(&["-e", "-m", "PKCS8"]))
}

const WRITE: &[(&str, Level)] = &[
    ("contents", Level::Write),
    ("actions", Level::Write),
    ("workflows", Level::Write),
    ("secrets", Level::Write),
    ("pages", Level::Read),
    ("issues", Level::Write),
];

fn app() -> App {
    App::new("relay-bot", &key_pair().1).installed("acme", &[TARGET, "acme/other"], WRITE)
}

fn world(app: App) -> World {
    let target = Repository::new(TARGET).private().file("README.md", "hello\n");
    World::of(
        Model::new().repository(target).repository(Repository::new("acme/other")).app(app),
        Token::classic("robin", &["repo"]),
    )
}

/// A step with the App in place of a token.
fn step(world: &World, id: &str) -> Step {
    app_step(world.github.url(), id)
}

fn app_step(server: &str, id: &str) -> Step {
    Step::new(server)
        .input("repository", TARGET)
        .input("token", "")
        .input("app-id", id)
        .input("app-private-key", &key_pair().0)
        .input("directory", "site")
        .file("site/index.html", "<h1>hello</h1>\n")
}

/// The token that was minted: its value is in the emulator's model alone.
fn minted(world: &World) -> (String, bool) {
    let mut found = None;
    world.github.model(|model| {
        found = model.tokens.last().map(|token| (token.value().to_owned(), token.revoked));
    });
    found.unwrap()
}

#[track_caller]
fn assert_ended_and_hidden(world: &World, outcome: &Outcome) {
    let (token, revoked) = minted(world);
    assert!(token.starts_with("ghs_"), "{token}");
    assert!(revoked, "the token lives on: {outcome}");
    assert_eq!(world.github.log().calls("DELETE", "/installation/token").len(), 1);
    let visible: String = outcome.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    assert!(!visible.contains(&token) && !outcome.stderr.contains(&token) && !outcome.summary.contains(&token));
    assert!(outcome.stdout.contains(&format!("::add-mask::{token}\n")), "{outcome}");
}

#[test]
fn the_token_is_cut_down_masked_and_ended() {
    let app = app();
    let (id, client) = (app.id.to_string(), app.client_id.clone());
    for id in [id, client] {
        let world = world(app.clone());
        let outcome = step(&world, &id).input("tag", "v1").run();
        outcome.succeeded();
        assert_eq!(outcome.output("token-kind"), "installation");
        assert_eq!(outcome.output("commit"), world.tip("refs/heads/gh-pages").unwrap());
        let expires = outcome.output("token-expires-at").parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        assert!((expires - chrono::Utc::now()).num_minutes() <= 60, "{expires}");
        assert_ne!(outcome.check("token-expiry"), "warn", "an hour is the whole life of such a token");
        assert_ended_and_hidden(&world, &outcome);
        let log = world.github.log();
        let mints: Vec<_> = log.0.iter().filter(|entry| entry.path.ends_with("/access_tokens")).collect();
        assert_eq!(mints.len(), 1);
        assert_eq!(
            mints[0].request.as_ref().unwrap(),
            &json!({
                "repositories": ["site"],
                "permissions": { "contents": "write", "metadata": "read", "pages": "read", "workflows": "write" },
            })
        );
    }
}

#[test]
fn a_secret_asks_for_secrets_and_for_nothing_else() {
    let app = app();
    let world = world(app.clone());
    let outcome = Step::new(world.github.url())
        .input("repository", TARGET)
        .input("app-id", app.id.to_string())
        .input("app-private-key", &key_pair().0)
        .input("secret-name", "DEPLOY")
        .input("secret-value", "hunter2")
        .run();
    outcome.succeeded();
    let log = world.github.log();
    let mint = log.0.iter().find(|entry| entry.path.ends_with("/access_tokens")).unwrap();
    let permissions = &mint.request.as_ref().unwrap()["permissions"];
    assert_eq!(permissions["secrets"], "write");
    assert_eq!((&permissions["workflows"], &permissions["issues"]), (&json!(null), &json!(null)));
    assert_ended_and_hidden(&world, &outcome);
}

#[test]
fn a_step_that_fails_ends_its_token_too() {
    let app = app();
    let world = world(app.clone());
    world.github.fault(FaultRule::on("POST", "*/git-receive-pack", Fault::Answer(Canned::bad_gateway())).first(2));
    let outcome = step(&world, &app.id.to_string()).input("attempts", "2").run();
    outcome.failed("server-error");
    assert_ended_and_hidden(&world, &outcome);
}

#[test]
fn a_signal_ends_the_token_within_two_seconds() {
    let app = app();
    let world = world(app.clone());
    world.github.fault(FaultRule::on("POST", "*/git-receive-pack", Fault::Silence));
    let step = step(&world, &app.id.to_string());
    let child = step.start();
    let begin = Instant::now();
    while world.github.log().pushes().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        #[allow(clippy::disallowed_methods, reason = "the step is another process")]
        std::thread::sleep(Duration::from_millis(20));
    }
    let outcome = step.ended_by(child, Signal::TERM);
    outcome.failed("cancelled");
    assert_ended_and_hidden(&world, &outcome);
}

#[test]
fn a_dry_run_mints_and_ends_it_and_writes_nothing() {
    let app = app();
    let world = world(app.clone());
    let outcome = step(&world, &app.id.to_string()).input("dry-run", "true").run();
    outcome.succeeded();
    assert_eq!(world.tip("refs/heads/gh-pages"), None);
    assert_ended_and_hidden(&world, &outcome);
}

#[test]
fn a_dry_run_of_refs_shows_what_a_real_one_does_and_both_end_their_tokens() {
    let app = app();
    let target = Repository::new(TARGET).private();
    let world = World::of(
        Model::new().repository(target).repository(Repository::new("acme/other")).app(app.clone()),
        Token::classic("robin", &["repo"]),
    );
    let id = app.id.to_string();
    let with = |step: Step| step.input("token", "").input("app-id", &id).input("app-private-key", &key_pair().0);
    let (bytes, ..) = dry_and_real(&world, with);
    let log = world.github.log();
    assert!((bytes..bytes + 1000).contains(&log.pushes()[0].bytes_in) && log.pushes().len() == 1, "{bytes}\n{log}");
    assert_eq!(log.calls("DELETE", "/installation/token").len(), 2);
    let ends = |model: &mut Model| {
        let minted: Vec<bool> = model.tokens.iter().filter(|token| token.is_bot()).map(|token| token.revoked).collect();
        minted
    };
    assert_eq!(world.github.model(ends), [true, true]);
}

#[test]
fn a_clock_that_is_off_is_set_by_the_servers() {
    for minutes in [-20, 20] {
        let app = app();
        let world = world(app.clone());
        world.github.model(|model| model.settings.clock_skew = chrono::Duration::minutes(minutes));
        step(&world, &app.id.to_string()).run().succeeded();
    }
}

#[test]
fn what_is_wrong_with_the_app_has_its_own_cause() {
    let elsewhere = App::new("relay-bot", &key_pair().1).installed("acme", &["acme/other"], WRITE);
    let nowhere = App::new("relay-bot", &key_pair().1);
    let mut suspended = app();
    suspended.installations[0].suspended = true;
    let reader = App::new("relay-bot", &key_pair().1).installed("acme", &[TARGET], &[("contents", Level::Read)]);
    let stranger = App::new("relay-bot", &generate().1).installed("acme", &[TARGET], WRITE);
    let whole = &key_pair().0;
    for (name, app, id, key, cause) in [
        ("another repository", elsewhere, None, whole.as_str(), "app-not-installed"),
        ("nowhere", nowhere, None, whole, "app-not-installed"),
        ("suspended", suspended, None, whole, "app-not-installed"),
        ("read only", reader, None, whole, "resource-not-accessible-by-integration"),
        ("another key", stranger, None, whole, "app-auth-failed"),
        ("another id", app(), Some("1"), whole, "app-auth-failed"),
        ("half a key", app(), None, &whole[..500], "app-auth-failed"),
    ] {
        let id = id.map_or_else(|| app.id.to_string(), str::to_owned);
        let world = world(app);
        let outcome = step(&world, &id).input("app-private-key", key).run();
        outcome.failed(cause);
        assert_eq!(world.tip("refs/heads/gh-pages"), None, "{name}");
        assert!(world.github.log().pushes().is_empty(), "{name}");
        assert!(outcome.summary.contains(cause), "{name}");
    }
}

#[test]
fn t16_the_key_of_an_app_in_base64_is_named() {
    let app = app();
    let world = world(app.clone());
    let step = || step(&world, &app.id.to_string());
    step().input("app-private-key", format!("\u{feff}{:?}", key_pair().0)).run().succeeded();
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &key_pair().0);
    let outcome = step().input("app-private-key", encoded).run();
    outcome.failed("app-auth-failed");
    assert!(outcome.stdout.contains("a whole key in base64"), "{outcome}");
}

#[test]
fn an_answer_that_got_lost_is_asked_for_again() {
    let app = app();
    let world = world(app.clone());
    for path in ["*/installation", "*/access_tokens"] {
        world.github.fault(FaultRule::on("*", path, Fault::Answer(Canned::bad_gateway())).first(1));
    }
    let outcome = step(&world, &app.id.to_string()).run();
    outcome.succeeded();
    assert_ended_and_hidden(&world, &outcome);
}

#[test]
fn every_target_has_a_token_of_its_own_installation() {
    let app = App::new("relay-bot", &key_pair().1).installed("acme", &[TARGET, "acme/other"], WRITE).installed(
        "umbrella",
        &["umbrella/site"],
        WRITE,
    );
    let id = app.id.to_string();
    let model = [TARGET, "acme/other", "umbrella/site"]
        .iter()
        .fold(Model::new().app(app), |model, slug| model.repository(Repository::new(slug).private().file("a", "a")));
    let github = emulator::Emulator::start(model).unwrap();
    let outcome = app_step(github.url(), &id)
        .input("repository", format!("{TARGET}\nacme/other\numbrella/site\numbrella/stranger"))
        .run();
    outcome.failed("app-not-installed");
    let report = outcome.report();
    let errors: Vec<_> = (0..4).map(|at| report["targets"][at]["error"].as_str().unwrap().to_owned()).collect();
    assert_eq!(errors, ["", "", "", "app-not-installed"], "one that fails does not stop the others");
    for slug in [TARGET, "acme/other", "umbrella/site"] {
        assert!(github.repository(slug).tip("refs/heads/gh-pages").is_some(), "{slug}");
    }
    let log = github.log();
    let mut asked: Vec<_> = log
        .0
        .iter()
        .filter(|entry| entry.path.ends_with("/access_tokens"))
        .map(|entry| entry.request.as_ref().unwrap()["repositories"].to_string())
        .collect();
    asked.sort();
    assert_eq!(asked, [r#"["other"]"#, r#"["site"]"#, r#"["site"]"#]);
    let revoked: Vec<bool> = github.model(|model| model.tokens.iter().map(|token| token.revoked).collect());
    assert_eq!(revoked, [true; 3]);
}

#[test]
fn one_half_of_the_pair_is_refused() {
    let world = world(app());
    let alone = Step::new(world.github.url()).input("repository", TARGET).input("app-id", "12").run();
    alone.failed("invalid-input");
    assert!(world.github.log().0.is_empty());
}

#[test]
fn a_renamed_repository_is_reached_under_its_old_name() {
    let app = App::new("relay-bot", &key_pair().1).installed("acme", &["acme/new-site", "acme/other"], WRITE);
    let id = app.id.to_string();
    let renamed = Repository::new("acme/new-site").formerly(TARGET).private().file("README.md", "hello\n");
    let model = Model::new().repository(renamed).repository(Repository::new("acme/other")).app(app);
    let github = emulator::Emulator::start(model).unwrap();
    let outcome = app_step(github.url(), &id).run();
    outcome.succeeded();
    assert!(github.repository("acme/new-site").tip("refs/heads/gh-pages").is_some());
    let log = github.log();
    let mints: Vec<_> = log.0.iter().filter(|entry| entry.path.ends_with("/access_tokens")).collect();
    let asked = mints.last().unwrap().request.as_ref().unwrap();
    assert_eq!(asked["repositories"], json!(["new-site"]), "cut down to the one repository");
    assert_eq!(
        mints[1].request.as_ref().unwrap()["permissions"],
        json!({"metadata": "read"}),
        "the look may only look"
    );
    let (mut minted, mut revoked) = (0, 0);
    github.model(|model| {
        let tokens = model.tokens.iter().filter(|token| token.value().starts_with("ghs_"));
        (minted, revoked) = tokens.fold((0, 0), |(all, ended), token| (all + 1, ended + usize::from(token.revoked)));
    });
    assert_eq!((minted, revoked), (2, 2), "both have ended");
}
