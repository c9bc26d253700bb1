//! What a machine can run out of, or not have: the disk, the runner's files, somebody who reads. The step says so, and what was
//! done is told wherever it can be.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use emulator::model::{Model, Repository, Role, Token};

use crate::{
    runner::{Outcome, Step, may_unshare},
    world::{TARGET, World},
};

/// A summary's limit: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>
const SUMMARY: usize = 1 << 20;

/// Starts the step in a mount namespace of its own, in which `prepare` was run by a shell. None where the kernel gives none,
/// as in most containers and under chroot.
fn confined(step: Step, prepare: &str) -> Option<Outcome> {
    let Some(options) = ["-rm", "-m"].into_iter().find(|options| may_unshare(options)) else {
        println!("no namespace to be had here: not tested");
        return None;
    };
    let plain = step.command();
    let mut command = Command::new("unshare");
    command.args([
        options,
        "sh",
        "-c",
        &format!("set -e; {prepare}; exec \"$0\""),
        plain.get_program().to_str().unwrap(),
    ]);
    command.env_clear().current_dir(step.workspace()).stdin(Stdio::null()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.envs(step.variables());
    let begin = Instant::now();
    let output = command.output().unwrap();
    Some(step.outcome(output, begin.elapsed()))
}

/// Ended by itself, without a panic.
#[track_caller]
fn graceful(outcome: &Outcome) {
    assert!(matches!(outcome.status, Some(0 | 1)), "{outcome}");
    assert!(!outcome.stderr.contains("panicked") && !outcome.stdout.contains("panicked"), "{outcome}");
}

#[test]
fn outputs_that_cannot_be_written_fail_the_step_and_a_summary_is_a_warning() {
    for (output, summary) in [
        ("", ""),
        ("/no/such/folder/output", "/no/such/folder/summary"),
        ("/dev/full", "/dev/full"),
        ("/", "/proc/self"),
    ] {
        let world = World::new();
        let outcome = world.publish().env("GITHUB_OUTPUT", output).env("GITHUB_STEP_SUMMARY", summary).run();
        graceful(&outcome);
        let expected = usize::from(!output.is_empty());
        assert_eq!(outcome.status, Some(i32::from(!output.is_empty())), "{output}: {outcome}");
        assert!(world.tip("refs/heads/gh-pages").is_some());
        let told = |level: &str| {
            let lines = outcome.stdout.lines();
            lines.filter(|line| line.starts_with(level) && line.contains("could not be written")).count()
        };
        assert_eq!((told("::error"), told("::warning")), (expected, expected), "{output}: {outcome}");
    }
}

#[test]
fn a_failure_is_told_though_no_file_takes_it() {
    let world = World::new();
    let step = world.publish().input("token", "ghp_wrong").env("GITHUB_OUTPUT", "/dev/full");
    let outcome = step.env("GITHUB_STEP_SUMMARY", "/dev/full").run();
    graceful(&outcome);
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stdout.contains("::error title=bad-credentials::"), "{outcome}");
}

#[test]
fn a_full_temporary_folder_is_named_and_nothing_is_pushed() {
    let names: Vec<String> =
        (0..400).map(|number| format!("folder-{number}/a-name-that-takes-room-{number}.txt")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    for size in ["4k", "16k", "32k", "64k"] {
        let target = Repository::new(TARGET).file("README.md", "r").files("gh-pages", &files);
        let world = World::with(target, Token::classic("robin", &["repo"]));
        let before = world.tip("refs/heads/gh-pages");
        let prepare = format!("mount -t tmpfs -o size={size} none \"$TMPDIR\"");
        let Some(outcome) = confined(world.publish(), &prepare) else { return };
        graceful(&outcome);
        if outcome.status == Some(0) {
            println!("{size} was enough");
            continue;
        }
        assert_eq!(outcome.output("error"), "internal-error", "{size}: {outcome}");
        assert!(outcome.stdout.contains("temporary"), "{size}: {outcome}");
        assert_eq!(world.tip("refs/heads/gh-pages"), before, "{size}");
    }
}

#[test]
fn a_workspace_that_can_not_be_written_to_is_published_all_the_same() {
    let world = World::new();
    let prepare = "mount --bind \"$GITHUB_WORKSPACE\" \"$GITHUB_WORKSPACE\"; mount -o remount,bind,ro \"$GITHUB_WORKSPACE\"; \
                   ! touch \"$GITHUB_WORKSPACE/x\" 2>/dev/null; cd \"$GITHUB_WORKSPACE\"";
    let Some(outcome) = confined(world.publish().input("tag", "v1"), prepare) else { return };
    outcome.succeeded();
    assert_eq!(world.paths("gh-pages"), [".nojekyll", "index.html"]);
}

#[test]
fn nobody_who_reads_the_log_is_no_reason_to_stop() {
    let world = World::new();
    let step = world.publish().input("tag", "v1");
    let mut child = step.start();
    // Both streams are closed at once; what is written there meets a broken pipe.
    drop((child.stdout.take(), child.stderr.take()));
    let status = child.wait().unwrap();
    let empty = std::process::Output { status, stdout: Vec::new(), stderr: Vec::new() };
    let outcome = step.outcome(empty, Duration::ZERO);
    outcome.succeeded();
    assert!(world.tip("refs/tags/v1").is_some());
}

#[test]
fn help_and_explain_do_not_mind_a_reader_that_goes_away() {
    for (argument, text) in [("--help", ""), ("explain", "fatal: repository not found")] {
        let step = Step::new("http://127.0.0.1:9").arg(argument);
        let mut child =
            step.command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut input = child.stdin.take().unwrap();
        let _ = input.write_all(text.as_bytes());
        drop(input);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{argument}: {:?} {said}", output.status);
    }
}

#[test]
fn a_thousand_failing_targets_keep_to_the_limits_of_the_runner() {
    let token = Token::classic("robin", &["repo"]);
    let model = Model::new().repository(Repository::new(TARGET).collaborator("robin", Role::Write)).token(&token);
    let github = crate::once::emulator(model);
    let targets: Vec<String> =
        (0..1000).map(|number| format!("acme/no-such-repository-with-a-long-name-{number}")).collect();
    let step = Step::new(github.url()).input("repository", targets.join("\n")).input("token", token.value());
    // Something stands in the file already.
    let taken = "x".repeat(SUMMARY - 60_000);
    fs::write(step.workspace().join("../summary"), &taken).unwrap();
    let outcome = step.run();
    outcome.failed("repo-not-found-or-hidden");
    graceful(&outcome);
    assert!(outcome.summary.len() > taken.len() && outcome.summary.len() <= SUMMARY, "{}", outcome.summary.len());
    assert!(outcome.output("report").len() <= 256 << 10, "{}", outcome.output("report").len());
    for level in ["::error", "::warning", "::notice"] {
        let count = outcome.stdout.lines().filter(|line| line.starts_with(level)).count();
        assert!(count <= 10, "{level}: {count}");
    }
}

/// The most that the runner can hand over in one variable, in bytes (`MAX_ARG_STRLEN` of Linux).
const VARIABLE: usize = 128 << 10;

#[test]
fn as_many_failing_targets_as_a_list_can_hold_are_ten_annotations_and_lines() {
    let mut targets = String::new();
    let mut count = 0;
    // Each of them has two errors to tell: that of a check, and that of its preflight.
    while targets.len() + 30 < VARIABLE {
        targets.extend(["acme/target-", &count.to_string(), "\n"]);
        count += 1;
    }
    let (outcome, memory) =
        Step::new("http://127.0.0.1:9").input("repository", targets).input("token", "").run_measured();
    graceful(&outcome);
    assert_eq!((outcome.status, outcome.output("error")), (Some(1), "token-missing"));
    let lines = |begin: &str| outcome.stdout.lines().filter(|line| line.starts_with(begin)).count();
    assert_eq!((lines("::error"), lines("::warning"), lines("::notice")), (10, 0, 0));
    assert_eq!((lines("::group::acme/target-"), lines("::endgroup::")), (count, count), "every target is in the log");
    assert!(outcome.stdout.len() < count * 2000, "{} bytes for {count} targets", outcome.stdout.len());
    assert!(outcome.summary.len() <= SUMMARY, "{}", outcome.summary.len());
    let report = outcome.report();
    let told = report["targets"].as_array().unwrap().len();
    assert_eq!(report["omitted_targets"], count - told, "what is left out is counted");
    println!("{count} failing targets: {:.1} s, {} MiB", outcome.took.as_secs_f64(), memory >> 10);
    assert!(memory < 150 << 10, "{memory} KiB");
}

#[test]
fn twenty_thousand_files_that_are_worth_a_warning_are_one() {
    let pointer = "version https://git-lfs.github.com/spec/v1\n\
                   oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    let world = World::new();
    let mut step = world.publish();
    for number in 0..20_000 {
        step = step.file(&format!("site/{}/picture-{number}.png", number / 500), pointer);
    }
    let mut pipes = Command::new("mkfifo");
    pipes.args((0..1000).map(|number| format!("pipe-{number}"))).current_dir(step.workspace().join("site"));
    assert!(pipes.status().unwrap().success());
    let outcome = step.input("dry-run", "true").run();
    outcome.succeeded();
    let warnings: Vec<&str> = outcome.stdout.lines().filter(|line| line.starts_with("::warning")).collect();
    let [warning] = warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains("(20000)") && warning.contains("and 19995 more"), "{warning}");
    let pipes: Vec<&str> = outcome.stdout.lines().filter(|line| line.contains("pipe-")).collect();
    let [line] = pipes[..] else { panic!("{pipes:?}") };
    assert!(line.contains("(1000)") && line.contains("and 995 more"), "{line}");
}
