//! The machine that a step runs on is not trusted: variables, pipes in the place of files, files that cannot be written.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use emulator::model::{Repository, Token};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    runner::{Outcome, Step, may_unshare},
    world::{TARGET, World},
};

pub(crate) fn pipe(path: &std::path::Path) {
    let _ = fs::remove_file(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn checkout(world: &World) -> Step {
    let step = world.step().input("refs", "main").input("timeout", "3s");
    crate::refs::Tree::init(&step.workspace()).commit("a.txt", "1");
    step
}

#[test]
fn m2_a_pipe_in_the_place_of_a_file_of_the_checkout_holds_nothing_up() {
    for name in [
        "config",
        "HEAD",
        "packed-refs",
        "shallow",
        "commondir",
        "info/grafts",
        "objects/info/alternates",
        "objects/info/commit-graph",
        "objects/pack/multi-pack-index",
        "objects/pack/pack-1.idx",
        "objects/aa/00000000000000000000000000000000000000",
        "refs/heads/main",
        "lfs/objects/aa/bb/pipe",
    ] {
        let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
        let step = checkout(&world);
        pipe(&step.workspace().join(".git").join(name));
        let outcome = step.run();
        assert_eq!(outcome.status, Some(1), "{name}: {outcome}");
        assert!(outcome.took < Duration::from_secs(2), "{name}: {:?}", outcome.took);
        assert_eq!(outcome.output("error"), "local-git-error", "{name}: {outcome}");
        assert!(name == "HEAD" || outcome.stdout.contains("is no regular file"), "{name}: {outcome}");
        assert_eq!(world.tip("refs/heads/main"), None, "{name}");
    }
}

#[test]
fn m2_a_pipe_in_a_repository_that_objects_are_borrowed_from_holds_nothing_up() {
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let step = checkout(&world);
    let lender = step.workspace().join("lender/objects");
    pipe(&lender.join("info/alternates"));
    fs::write(step.workspace().join(".git/objects/info/alternates"), lender.to_str().unwrap()).unwrap();
    let outcome = step.run();
    outcome.failed("local-git-error");
    assert!(outcome.took < Duration::from_secs(2), "{:?}", outcome.took);
}

#[test]
fn m2_a_pipe_beside_a_publish_of_a_directory_holds_nothing_up() {
    let world = World::new();
    let step = world.publish();
    pipe(&step.workspace().join(".git/config"));
    let outcome = step.run();
    outcome.succeeded();
    assert!(outcome.took < Duration::from_secs(10), "{:?}", outcome.took);
}

#[test]
fn m12_outputs_that_cannot_be_written_fail_the_step() {
    let world = World::new();
    let outcome = world.publish().env("GITHUB_OUTPUT", "/dev/full").run();
    assert_eq!(outcome.status, Some(1), "{outcome}");
    assert!(outcome.stdout.contains("The outputs could not be written to /dev/full"), "{outcome}");
    let world = World::new();
    let outcome = world.publish().env("GITHUB_OUTPUT", "/").run();
    assert_eq!(outcome.status, Some(1), "{outcome}");
    // A summary is for people: without it the step stays what it was.
    let world = World::new();
    let outcome = world.publish().env("GITHUB_STEP_SUMMARY", "/dev/full").run();
    assert_eq!(outcome.status, Some(0), "{outcome}");
}

/// How a step beside a pipe comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Timeout,
    Signalled(Signal),
    /// As the first process of its namespace, as in a container: a signal without a handler does nothing there.
    FirstProcess(Signal),
}

impl End {
    fn signal(self) -> Option<Signal> {
        match self {
            Self::Timeout => None,
            Self::Signalled(signal) | Self::FirstProcess(signal) => Some(signal),
        }
    }
}

const SIGNALS: [(Signal, &str); 4] =
    [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT"), (Signal::HUP, "SIGHUP"), (Signal::QUIT, "SIGQUIT")];

/// Where a pipe may lie: below the step's folder.
const PIPES: &[&str] = &[
    "workspace/.git",
    "workspace/.git/HEAD",
    "workspace/.git/config",
    "workspace/.git/packed-refs",
    "workspace/.git/shallow",
    "workspace/.git/commondir",
    "workspace/.git/refs/heads/main",
    "workspace/.git/objects/info/alternates",
    "workspace/.git/objects/pack/pack-1.idx",
    "workspace/.git/objects/aa/00000000000000000000000000000000000000",
    "workspace/.git/lfs/objects/aa/bb/pipe",
    INCLUDED,
    "home/.gitconfig",
    "home/.config/git/config",
    "event.json",
];

/// A file that only the configuration of the checkout names: it is waited for.
const INCLUDED: &str = "workspace/.git/included.config";

/// The program that `child` is, or has started.
fn program_of(child: &Child, end: End) -> Option<Pid> {
    if !matches!(end, End::FirstProcess(_)) {
        return Some(Pid::from_child(child));
    }
    let id = child.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
pub(crate) fn rest() {
    std::thread::sleep(Duration::from_millis(10));
}

/// Runs the step beside a pipe to its end. The answer is what it printed.
fn beside_a_pipe(place: &str, end: End) -> String {
    const SETTLED: Duration = Duration::from_millis(500);
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let step = checkout(&world);
    let folder = step.workspace().parent().unwrap().to_owned();
    let step =
        step.env("GITHUB_EVENT_PATH", folder.join("event.json").to_str().unwrap()).env("GITHUB_EVENT_NAME", "push");
    if place == "workspace/.git" {
        fs::remove_dir_all(folder.join(place)).unwrap();
    }
    pipe(&folder.join(place));
    if place == INCLUDED {
        let config = folder.join("workspace/.git/config");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(config, text + "[include]\n\tpath = included.config\n").unwrap();
    }
    let mut command = step.command();
    if matches!(end, End::FirstProcess(_)) {
        command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", env!("CARGO_BIN_EXE_repo-relay")]);
        command.env_clear().envs(step.variables()).env("PATH", "/usr/bin:/bin").current_dir(step.workspace());
    }
    let begin = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut ended = false;
    if let Some(signal) = end.signal() {
        while !ended && begin.elapsed() < SETTLED {
            ended = child.try_wait().unwrap().is_some();
            rest();
        }
        if let Some(program) = program_of(&child, end).filter(|_| !ended) {
            kill_process(program, signal).unwrap();
        }
    }
    let output = child.wait_with_output().unwrap();
    let outcome = step.outcome(output, begin.elapsed());
    let most = if end == End::Timeout { Duration::from_secs(5) } else { SETTLED + Duration::from_secs(3) };
    assert!(outcome.took < most, "{place}, {end:?}: {:?}\n{outcome}", outcome.took);
    let error = outcome.output("error").to_owned();
    assert_eq!(outcome.status, Some(i32::from(!error.is_empty())), "{place}, {end:?}: {outcome}");
    assert_eq!(outcome.report()["error"], *error, "{place}, {end:?}");
    assert!(!outcome.summary.is_empty(), "{place}, {end:?}");
    let left = crate::ending::left_files(&outcome);
    assert!(left.is_empty(), "{place}, {end:?}: {left:?}");
    outcome.stdout
}

#[test]
fn m2_beside_a_pipe_every_end_comes_with_its_report() {
    let term = Signal::TERM;
    let ends = if may_unshare("-pf") {
        vec![End::Timeout, End::Signalled(term), End::FirstProcess(term)]
    } else {
        println!("no namespace may be made here: the end as its first process is not tried");
        vec![End::Timeout, End::Signalled(term)]
    };
    let cases: Vec<(&str, End)> = PIPES.iter().flat_map(|place| ends.iter().map(|end| (*place, *end))).collect();
    for_all(&cases, |(place, end)| drop(beside_a_pipe(place, *end)));
    println!("{} places, {} ends", PIPES.len(), ends.len());
}

#[test]
fn m6_every_signal_ends_a_step_that_reads_the_workspace() {
    let may_unshare = may_unshare("-pf");
    let ends = |(signal, name)| [(End::Signalled(signal), name), (End::FirstProcess(signal), name)];
    let cases: Vec<(End, &str)> = SIGNALS.into_iter().flat_map(ends).collect();
    for_all(&cases, |(end, name)| {
        if may_unshare || !matches!(end, End::FirstProcess(_)) {
            let printed = beside_a_pipe(INCLUDED, *end);
            assert!(printed.contains(&format!("was stopped by {name}")), "{end:?}: {printed}");
        }
    });
}

/// Runs `work` for all, four at a time.
fn for_all<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
}

/// Variables that a runner, an earlier step or an image may set, with a value that would do harm where it was heeded.
const OTHERS: &[(&str, &str)] = &[
    ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:1/"),
    ("ACTIONS_RESULTS_URL", "http://127.0.0.1:1/"),
    ("ACTIONS_RUNTIME_URL", "http://127.0.0.1:1/"),
    ("ACTIONS_STEP_DEBUG", "true"),
    ("ALL_PROXY", "http://127.0.0.1:1"),
    ("CARGO_HTTP_CAINFO", "/nowhere"),
    ("CLICOLOR_FORCE", "1"),
    ("COLUMNS", "3"),
    ("CURL_CA_BUNDLE", "/nowhere"),
    ("EMAIL", "mallory@example.test"),
    ("FORCE_COLOR", "1"),
    ("GCONV_PATH", "/nowhere"),
    ("GH_HOST", "127.0.0.1:1"),
    ("GH_TOKEN", "another-token-of-the-environment"),
    ("GIT_ATTR_SOURCE", "x"),
    ("GIT_COMMITTER_DATE", "@0 +0000"),
    ("GIT_CONFIG_COUNT", "1"),
    ("GIT_CONFIG_KEY_0", "core.bare"),
    ("GIT_CONFIG_SYSTEM", "/nowhere"),
    ("GIT_CONFIG_VALUE_0", "true"),
    ("GIT_DEFAULT_HASH", "sha256"),
    ("GIT_GRAFT_FILE", "/nowhere"),
    ("GIT_PROXY_COMMAND", "/bin/false"),
    ("GIT_REPLACE_REF_BASE", "refs/heads/"),
    ("GIT_SHALLOW_FILE", "/nowhere"),
    ("GIT_SSH", "/bin/false"),
    ("GITHUB_ACTION", "x"),
    ("GITHUB_ACTION_PATH", "/nowhere"),
    ("GITHUB_BASE_REF", "other"),
    ("GITHUB_ENV", "/nowhere"),
    ("GITHUB_GRAPHQL_URL", "http://127.0.0.1:1/graphql"),
    ("GITHUB_JOB", "x"),
    ("GITHUB_PATH", "/nowhere"),
    ("GITHUB_REF_NAME", "other"),
    ("GITHUB_REPOSITORY_OWNER", "mallory"),
    ("GITHUB_RUN_ATTEMPT", "x"),
    ("GITHUB_STATE", "/nowhere"),
    ("GITHUB_TOKEN", "another-token-of-the-environment"),
    ("GITHUB_TRIGGERING_ACTOR", "mallory"),
    ("GITHUB_WORKFLOW", "x"),
    ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "/nowhere"),
    ("GIT_ASKPASS", "/bin/false"),
    ("GIT_AUTHOR_NAME", "mallory"),
    ("GIT_CEILING_DIRECTORIES", "/"),
    ("GIT_COMMON_DIR", "/nowhere"),
    ("GIT_CONFIG", "/nowhere"),
    ("GIT_CONFIG_GLOBAL", "/nowhere"),
    ("GIT_CONFIG_PARAMETERS", "'core.bare=true'"),
    ("GIT_DIR", "/nowhere"),
    ("GIT_INDEX_FILE", "/nowhere"),
    ("GIT_NAMESPACE", "x"),
    ("GIT_OBJECT_DIRECTORY", "/nowhere"),
    ("GIT_SSH_COMMAND", "/bin/false"),
    ("GIT_SSL_NO_VERIFY", "1"),
    ("GIT_TRACE", "1"),
    ("GIT_WORK_TREE", "/nowhere"),
    ("HOSTALIASES", "/nowhere"),
    ("Input_Server-Url", "http://127.0.0.1:1"),
    ("LANG", "xx_XX"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("LOCALDOMAIN", "example.test"),
    ("LOCPATH", "/nowhere"),
    ("NODE_EXTRA_CA_CERTS", "/nowhere"),
    ("OPENSSL_CONF", "/nowhere"),
    ("PATH", "/nowhere"),
    ("RAYON_NUM_THREADS", "5000"),
    ("REQUESTS_CA_BUNDLE", "/nowhere"),
    ("RES_OPTIONS", "ndots:15"),
    ("RUNNER_OS", "Windows"),
    ("RUNNER_TEMP", "/nowhere"),
    ("RUNNER_TOOL_CACHE", "/nowhere"),
    ("RUST_BACKTRACE", "full"),
    ("RUST_LOG", "trace"),
    ("RUST_MIN_STACK", "1099511627776000"),
    ("SERVER_URL", "http://127.0.0.1:1"),
    ("SOURCE_DATE_EPOCH", "1"),
    ("SSH_AUTH_SOCK", "/nowhere"),
    ("SSL_CERT_DIR", "/nowhere"),
    ("SSL_CERT_FILE", "/nowhere"),
    ("SSLKEYLOGFILE", "/nowhere"),
    ("TERM", "xterm-256color"),
    ("TOKIO_WORKER_THREADS", "many"),
    ("TZ", "Pacific/Kiritimati"),
    ("XDG_CONFIG_HOME", "/nowhere"),
    ("XDG_RUNTIME_DIR", "/nowhere"),
];

/// What came of a publish and of a push of refs under this variable.
fn result_under(variable: Option<(&str, &str)>) -> Vec<BTreeMap<String, String>> {
    let told = |step: Step, world: &World| {
        let step = match variable {
            Some((name, value)) => step.env(name, value),
            None => step,
        };
        let outcome: Outcome = step.run();
        assert_eq!(outcome.status, Some(0), "{variable:?}: {outcome}");
        let mut outputs = outcome.outputs.clone();
        outputs.retain(|name, _| !matches!(&**name, "report" | "commit" | "previous"));
        let report = outcome.report();
        let checks = report["targets"][0]["checks"].as_array().unwrap().iter();
        // How many requests are left depends on which of them came first.
        let checks = checks.filter(|check| check["name"] != "rate-limit").map(ToString::to_string);
        outputs.insert("checks".to_owned(), checks.collect::<String>().replace(world.github.url(), "SERVER"));
        outputs.insert("stderr".to_owned(), outcome.stderr.clone());
        outputs
    };
    let world = World::new();
    let mut published = told(world.publish(), &world);
    published.insert("files".to_owned(), world.paths("refs/heads/gh-pages").join(" "));
    published.insert("author".to_owned(), world.git(&["log", "-1", "--format=%an%ae%cn", "refs/heads/gh-pages"]));
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let mut pushed = told(checkout(&world).input("timeout", "1m"), &world);
    pushed.insert("files".to_owned(), world.paths("refs/heads/main").join(" "));
    for outputs in [&mut published, &mut pushed] {
        outputs.retain(|_, value| !value.contains("127.0.0.1") || value.contains("127.0.0.1:1/"));
    }
    vec![published, pushed]
}

#[test]
fn m1_no_other_variable_changes_the_result() {
    let usual = result_under(None);
    for_all(OTHERS, |(name, value)| assert_eq!(result_under(Some((name, value))), usual, "{name}"));
    println!("{} variables tried", OTHERS.len());
}

#[test]
fn m1_the_list_of_variables_is_whole() {
    let page = include_str!("../../SECURITY.md");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    // The two readers of the environment.
    let sources = ["src/context.rs", "src/inputs/raw.rs"].map(read);
    let codes = sources.each_ref().map(|source| source.split("#[cfg(test)]\nmod tests").next().unwrap());
    let names = codes.iter().flat_map(|code| code.split('"').skip(1).step_by(2));
    let is_name = |name: &&str| name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    // What every input's variable begins with is listed as such.
    let names: Vec<&str> = names.filter(is_name).filter(|name| *name != "INPUT_").collect();
    for known in ["GITHUB_SHA", "HTTPS_PROXY", "GH_ENTERPRISE_TOKEN"] {
        assert!(names.contains(&known), "{names:?}");
    }
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "SECURITY.md does not list {name}");
    }
}
