use std::{sync::PoisonError, time::Duration};

use proptest::prelude::*;

use super::{
    super::{Report, StageStatus},
    *,
};
use crate::tests::{fixtures, runner};
use crate::{
    credential::Texts as _,
    diagnosis::Cause,
    progress::{Event, Watch},
};

/// A stream that can be read afterwards.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn console(mode: Mode) -> (Console, Shared, Shared) {
    let (out, err) = (Shared::default(), Shared::default());
    (Console::new(mode, false, Box::new(out.clone()), Box::new(err.clone()), Redactor::default()), out, err)
}

fn relay(console: &Console, report: &Report, live: bool) {
    for target in &report.targets {
        let log = console.target(&target.repository, live);
        for stage in &target.stages {
            if stage.status == StageStatus::Skipped {
                continue;
            }
            let _open = log.stage(stage.stage);
            if stage.stage == Stage::Preflight {
                target.checks.iter().for_each(|check| log.check(check));
            }
            match target.failure() {
                Some((failed, failure)) if failed == stage.stage => log.failure(failed, failure),
                _ => log.outcome(stage.status, &stage.message),
            }
        }
    }
    console.finish(&console.redactor().redacted(report.clone()));
}

#[test]
fn a_runner_sees_a_fold_a_stage_and_annotations_outside_of_it() {
    let (console, out, err) = console(Mode::Runner);
    console.masks(&[Secret::new("hunter2".into())]);
    relay(&console, &fixtures::failure(), true);
    let docs = Cause::BranchProtected.docs();
    let expected = format!(
        "::add-mask::hunter2\n\
         ::add-mask::eC1hY2Nlc3MtdG9rZW46aHVudGVyMg==\n\
         ::group::preflight\n\
         ✓ token-valid          The token is alice's.\n\
         ! token-expiry         The token ends in 9 days. Regenerate it. (token-expiring)\n\
         - pages                The token may not ask. (check-not-permitted)\n\
         ✓ 2 checks passed\n\
         ::endgroup::\n\
         ::warning title=token-expiring::The token ends in 9 days. Regenerate it.\n\
         ::group::push\n\
         ✗ push failed (branch-protected): The branch `gh-pages` of octo/site is protected: a pull request is required.\n\
         ::endgroup::\n\
         ::error title=branch-protected::The branch `gh-pages` of octo/site is protected: a pull request is required. \
         Let this account push under Settings > Branches, or publish to another `branch`.\n\
         ✗ octo/site: push failed: branch-protected\n\
         \x20 Written:       the push: no, the tag: no, the dispatch: no\n\
         \x20 Read more:     {docs}\n"
    );
    // Of a secret's further spellings the credential's own tests speak.
    let (first, rest) =
        out.text().split_once("::group::").map(|(masks, rest)| (masks.to_owned(), rest.to_owned())).unwrap();
    let masks: Vec<&str> = first.lines().take(2).collect();
    assert!(first.lines().all(|line| line.starts_with("::add-mask::")), "{first}");
    assert_eq!(format!("{}\n::group::{rest}", masks.join("\n")), expected);
    assert_eq!(err.text(), "");
}

#[test]
fn a_guard_that_goes_late_leaves_the_next_part_open() {
    let (console, out, _) = console(Mode::Runner);
    let log = console.target("o/r", true);
    let mut part = log.stage(Stage::Preflight);
    log.line("one");
    part = {
        let next = log.stage(Stage::Push);
        drop(part);
        next
    };
    log.line("two");
    drop(part);
    assert_eq!(out.text(), "::group::preflight\none\n::endgroup::\n::group::push\ntwo\n::endgroup::\n");
}

#[test]
fn a_success_ends_with_one_line() {
    let (console, out, _) = console(Mode::Runner);
    relay(&console, &fixtures::success(), true);
    let log = out.text();
    assert!(log.ends_with(
        "✓ Relayed to octo/site · gh-pages 1a1a1a1...2b2b2b2 · +12 ~3 −1 · #7 · v1.2.0, v1 · deploy.yml ✓ · https://octo.github.io/site/\n"
    ));
    assert_eq!(log.matches("::group::").count(), log.matches("::endgroup::").count());
}

#[test]
fn off_a_runner_there_are_no_commands_and_errors_go_to_standard_error() {
    let (console, out, err) = console(Mode::Plain);
    console.masks(&[Secret::new("hunter2".into())]);
    relay(&console, &fixtures::failure(), true);
    assert!(out.text().starts_with("preflight\n  ✓ token-valid"), "{}", out.text());
    assert!(err.text().starts_with("✗ octo/site: push failed: branch-protected\n  What happened: "));
    assert_eq!(err.text().lines().count(), 5);
    for text in [out.text(), err.text()] {
        assert!(!text.contains("::") && !text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn a_terminal_gets_colour_and_the_same_words() {
    let (terminal, coloured, _) = console(Mode::Terminal);
    let (plain, bare, _) = console(Mode::Plain);
    for console in [&terminal, &plain] {
        relay(console, &fixtures::success(), true);
    }
    assert!(coloured.text().contains("\u{1b}[32m"));
    assert_eq!(anstream::adapter::strip_str(&coloured.text()).to_string(), bare.text());
}

#[test]
fn a_step_that_fails_at_its_inputs_has_its_annotation() {
    let (console, out, _) = console(Mode::Runner);
    let failure = Failure::new(Cause::InvalidInput, "`brnch` is no input.").with_remedy("Write `branch`.");
    console.finish(&console.redactor().redacted(Report::failed(Stage::Inputs, &failure)));
    assert!(
        out.text().starts_with("::error title=invalid-input::`brnch` is no input. Write `branch`.\n✗ inputs failed: ")
    );
}

#[test]
fn parallel_targets_do_not_mix() {
    let (console, out, _) = console(Mode::Runner);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let log = console.target(&format!("o/r{number}"), false);
            scope.spawn(move || {
                for stage in [Stage::Preflight, Stage::Push] {
                    let _open = log.stage(stage);
                    for _ in 0..50 {
                        log.see(Event::Notice(&format!("r{number} works")));
                    }
                }
                log.failure(Stage::Push, &Failure::new(Cause::NoWriteAccess, "It may not.").with_remedy("Ask."));
            });
        }
    });
    let log = out.text();
    let mut owner = None;
    let mut errors = 0;
    for line in log.lines() {
        match runner::parse_line(line) {
            Some(command) if command.name == "group" => {
                assert_eq!(owner, None, "groups do not nest");
                owner = command.data.strip_prefix("o/").map(str::to_owned);
            }
            Some(command) if command.name == "endgroup" => owner = None,
            Some(command) => {
                assert!(owner.is_none() && command.data.starts_with("o/r"));
                errors += 1;
            }
            None if line.ends_with("works") => assert!(line.starts_with(owner.as_deref().unwrap())),
            None => {}
        }
    }
    assert_eq!((errors, log.matches("works").count()), (8, 800));
}

#[test]
fn a_hundred_thousand_warnings_are_ten_annotations_and_lines() {
    let (console, out, _) = console(Mode::Runner);
    for number in 0..100_000 {
        console.warning(None, &format!("number {number}"));
    }
    let (commands, lines) = runner::parse_log(&out.text());
    assert_eq!((commands.len(), lines.len()), (10, 99_991));
    assert_eq!(lines[0], "warning: number 10");
}

#[test]
fn the_same_annotation_is_shown_once() {
    let (console, out, _) = console(Mode::Runner);
    console.warning(Some("token-expiring"), "Soon.");
    console.warning(Some("token-expiring"), "Soon.");
    assert_eq!(out.text().lines().count(), 1);
}

#[test]
fn a_key_is_masked_by_its_lines_and_not_by_its_frame() {
    let (console, out, _) = console(Mode::Runner);
    let body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU";
    let key = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\nshort==\n-----END OPENSSH PRIVATE KEY-----\n");
    console.masks(&[Secret::new(key.clone())]);
    let (commands, _) = runner::parse_log(&out.text());
    let masks: Vec<&str> = commands.iter().map(|command| command.data.as_str()).collect();
    assert!(masks.contains(&body));
    assert!(
        !masks.iter().any(|mask| mask.contains('\n') || mask.ends_with("KEY-----") && mask.len() < 60),
        "{masks:?}"
    );
    console.line(&format!("the key is {key}."));
    assert!(out.text().ends_with("the key is ***\n.\n") || out.text().ends_with("the key is ***.\n"), "{}", out.text());
}

#[test]
fn a_retry_is_a_line() {
    let (console, out, _) = console(Mode::Runner);
    console.target("o/r", true).see(Event::Retry {
        what: "push to gh-pages",
        failure: &Failure::new(Cause::ServerError, "GitHub answered 502."),
        attempt: 1,
        attempts: 5,
        pause: Duration::from_millis(1234),
    });
    assert_eq!(
        out.text(),
        "! push to gh-pages: try 1 of 5 failed (server-error), the next in 1.2s: GitHub answered 502.\n"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn hostile_text_starts_no_command_and_no_secret_is_printed(texts in proptest::collection::vec(runner::hostile(), 1..6)) {
        let secret = "canary\u{202e}::4711";
        let print = |mode, live, texts: &[String]| {
            let (console, out, err) = console(mode);
            console.0.redactor.learn(&[Secret::new(secret.into())]);
            for mut report in [fixtures::success(), fixtures::failure()] {
                let mut at = 0;
                report.for_each_text(&mut |text| {
                    at += 1;
                    *text = format!("{}{secret}", texts[at % texts.len()]);
                });
                for check in &mut report.targets[0].checks {
                    check.message.push_str(secret);
                }
                relay(&console, &report, live);
            }
            console.target(&texts[0], live).see(Event::Warning(&format!("{}{secret}", texts[0])));
            console.notice(Some(&texts[0]), &texts[0]);
            out.text() + &err.text()
        };
        let names = |log: &str| runner::parse_log(log).0.into_iter().map(|command| command.name).collect::<Vec<_>>();
        for live in [true, false] {
            let log = print(Mode::Runner, live, &texts);
// Equal texts stay equal: the same annotation is shown once.
            let same = |text| texts.iter().position(|known| known == text);
            let calm: Vec<String> = texts.iter().map(|text| format!("calm {:?}", same(text))).collect();
            prop_assert_eq!(names(&log), names(&print(Mode::Runner, live, &calm)));
            prop_assert!(!log.contains("canary"));
            let log = print(Mode::Plain, live, &texts);
            prop_assert!(!log.contains("canary") && runner::parse_log(&log).0.is_empty());
        }
    }
}

#[test]
fn a_secret_on_the_line_where_text_is_cut_does_not_show_its_half() {
    for at in [super::finish::LONGEST_TEXT, commands::LONGEST_MESSAGE] {
        let secret = "canary-4711-canary-4711";
        for back in 0..30 {
            let (console, out, _) = console(Mode::Runner);
            console.0.redactor.learn(&[Secret::new(secret.into())]);
            let what = format!("{}{secret}{}", "x".repeat(at - back), "y".repeat(at));
            let failure = Failure::new(Cause::Unknown, what).with_remedy("Do.");
            console.target("o/r", true).failure(Stage::Push, &failure);
            console.finish(&console.redactor().redacted(Report::failed(Stage::Push, &failure)));
            assert!(!out.text().contains("cana"), "{back}");
        }
    }
}
