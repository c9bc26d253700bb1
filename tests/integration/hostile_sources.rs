//! Hostile text from where neither an input nor GitHub's answers bring it: the runner's variables, an SSH server, a proxy, a
//! certificate, a workflow file that is quoted, the refs of a checkout.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
};

use emulator::{
    model::{Repository, Token},
    runner::HOSTILE,
};

use crate::{
    front::{Authority, Front},
    hostile::{in_parallel, sound, texts, told, tried},
    refs::Tree,
    runner::Step,
    sshd::{Manners, Sshd},
    world::{TARGET, World},
};

/// The runner's variables that somebody else may have a word in: a branch's name, an account's, a workflow file's.
const VARIABLES: [&str; 10] = [
    "GITHUB_REF",
    "GITHUB_HEAD_REF",
    "GITHUB_ACTOR",
    "GITHUB_SHA",
    "GITHUB_RUN_ID",
    "GITHUB_EVENT_NAME",
    "GITHUB_EVENT_PATH",
    "GITHUB_WORKFLOW_REF",
    "GITHUB_REPOSITORY",
    "GITHUB_API_URL",
];

/// What a variable can hold: no NUL, and 128 KiB at most.
fn fit(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(30_000).collect()
}

#[test]
fn every_variable_of_the_runner_may_be_hostile() {
    let world = World::new();
    // Every third text for each, from another one on.
    let some = |(number, name)| texts().into_iter().skip(number % 3).step_by(3).map(move |text| (name, text));
    let cases: Vec<_> = VARIABLES.into_iter().enumerate().flat_map(some).collect();
    let count = cases.len();
    in_parallel(cases, |(name, text)| {
        tried(1);
        let step = world.publish().env(name, fit(&text)).input("dry-run", "true").input("attempts", "1");
        let step =
            step.input("message", "{ref} {actor} {sha} {run_url}").input("tag", "v1").input("tag-message", "{ref}");
        sound(&step.run(), world.github.url());
    });
    told(&format!("{count} variables of the runner"));
}

#[test]
fn a_commit_message_holds_hostile_variables_and_nothing_else() {
    let world = World::new();
    for text in texts() {
        tried(2);
        let text = fit(&text);
        let step = world.publish().env("GITHUB_REF", &text).env("GITHUB_ACTOR", &text).input("allow-empty", "true");
        let outcome = step.input("message", "of {ref} by {actor}").run();
        sound(&outcome, world.github.url());
        outcome.succeeded();
        let message = world.git(&["log", "-1", "--format=%B", "gh-pages"]);
        let trailers = world.git(&["log", "-1", "--format=%(trailers:key=Relay-Source,valueonly)", "gh-pages"]);
        assert!(message.trim_end().ends_with("/acme/source/actions/runs/4711"), "{message}");
        assert_eq!(trailers.trim().lines().count(), 1, "{message}");
    }
    told("the variables in commit messages");
}

#[test]
fn every_word_of_an_ssh_server_may_be_hostile() {
    let cases: Vec<_> = texts().into_iter().enumerate().collect();
    let count = cases.len();
    in_parallel(cases, |(number, text)| {
        tried(1);
        let world = World::new();
        let sshd = Sshd::start(&world, Manners::default());
        // What a person would read, and what git would.
        let text = if number % 3 == 0 { format!("ERROR: {text}") } else { text };
        sshd.plays("git-receive-pack", false, text.as_bytes(), b"", number % 2 == 0);
        let outcome = sshd.over_ssh(world.publish()).input("attempts", "1").input("timeout", "10s").run();
        sound(&outcome, world.github.url());
        assert!(!outcome.output("error").is_empty(), "{outcome}");
    });
    told(&format!("{count} words of an SSH server"));
}

/// A server that answers each connection so and closes it.
fn answers(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&bytes);
        }
    });
    address
}

#[test]
fn every_word_of_a_proxy_may_be_hostile() {
    let cases: Vec<_> = texts().into_iter().enumerate().collect();
    let count = cases.len();
    in_parallel(cases, |(number, text)| {
        tried(2);
        let line: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).take(2000).collect();
        let status = [407, 502, 403, 200][number % 4];
        let address = answers(format!("HTTP/1.1 {status} {line}\r\nx-a: {line}\r\n\r\n{text}").into_bytes());
        let secure = number % 2 == 0;
        let server = if secure { "https://ghes.example.test" } else { "http://127.0.0.1:9" };
        let step = Step::new(server)
            .env(if secure { "HTTPS_PROXY" } else { "HTTP_PROXY" }, format!("http://{address}"))
            .input("repository", TARGET)
            .input("token", "ghp_0123456789abcdefghijklmnopqrstuvwxyz")
            .input("attempts", "1")
            .input("timeout", "5s");
        let outcome = step.input("directory", "site").file("site/index.html", "x").run();
        sound(&outcome, server);
        assert!(!outcome.output("error").is_empty(), "{outcome}");
    });
    told(&format!("{count} answers of a proxy"));
}

#[test]
fn the_names_in_a_certificate_may_be_hostile() {
    // A certificate's names are ASCII.
    let texts: Vec<String> =
        texts().iter().map(|text| text.chars().filter(char::is_ascii).take(3000).collect()).collect();
    let cases: Vec<_> = texts.into_iter().filter(|text: &String| !text.is_empty()).collect();
    let count = cases.len();
    in_parallel(cases, |text: String| {
        tried(1);
        let world = World::new();
        let authority = Authority::new();
        let front = Front::with(world.github.url(), authority.server(&[&text]), authority.pem);
        let server = format!("https://{}", front.direct);
        let step = world.publish().input("server-url", &server).input("ca-certificate", &front.authority);
        let outcome = step.input("attempts", "1").run();
        sound(&outcome, &server);
        assert!(!outcome.output("error").is_empty(), "{outcome}");
    });
    told(&format!("{count} names in certificates"));
}

#[test]
fn a_line_of_a_workflow_file_that_is_quoted_may_be_hostile() {
    // A comment ends with its line, and YAML has no control characters.
    let line =
        |text: &String| text.chars().filter(|c| !c.is_control() && *c != '\u{2028}').take(3000).collect::<String>();
    let mut lines: Vec<String> = texts().iter().map(line).collect();
    lines.dedup();
    // Each takes the seconds of a wait: by eights.
    let cases: Vec<String> = lines.chunks(8).map(|lines| lines.join(" ").chars().take(20_000).collect()).collect();
    let count = lines.len();
    in_parallel(cases, |line: String| {
        tried(8);
        let yaml = format!("on:\n  push:\n    branches: [main] # {line}\n");
        let target =
            Repository::new(TARGET).workflow("ci.yml", &yaml).files("gh-pages", &[(".github/workflows/ci.yml", &yaml)]);
        let world = World::with(target, Token::classic("robin", &["repo", "workflow"]));
        let outcome = world.publish().input("wait-for", "ci.yml").input("wait-timeout", "3s").run();
        sound(&outcome, world.github.url());
        outcome.failed("not-triggered");
        assert!(outcome.stdout.contains("line 3"), "{outcome}");
    });
    told(&format!("{count} lines of a workflow file"));
}

#[test]
fn the_refs_of_a_checkout_may_be_hostile() {
    let name = |text: &&str| {
        let kept = |c: &char| !c.is_control() && !" ~^:?*[\\".contains(*c);
        let name: String = text.chars().filter(kept).take(100).collect();
        name.replace("..", "")
            .replace("@{", "")
            .replace("//", "/")
            .replace(".lock", "")
            .trim_matches(['/', '.', '-'])
            .to_owned()
    };
    let names: Vec<String> =
        HOSTILE.iter().map(name).filter(|name| !name.is_empty()).map(|name| format!("x{name}x")).collect();
    let world = World::with(Repository::new(TARGET), Token::classic("robin", &["repo"]));
    let step = world.step().input("refs", "refs/heads/*");
    let tree = Tree::init(&step.workspace());
    tree.commit("a.txt", "a\n");
    let mut made = 0;
    for name in &names {
        let branch =
            std::process::Command::new("git").arg("-C").arg(step.workspace()).args(["branch", "--", name]).output();
        made += usize::from(branch.unwrap().status.success());
    }
    tried(made);
    let outcome = step.run();
    sound(&outcome, world.github.url());
    outcome.succeeded();
    assert_eq!(world.github.repository(TARGET).refs().len(), made + 1, "and main: {outcome}");
    told(&format!("{made} names of branches in a checkout"));
}
