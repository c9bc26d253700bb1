//! A whole relay to watch: `cargo run --example demo`. The first run's step summary becomes a page for a browser; with the name
//! of a file as argument its Markdown is written there.
//!
//! A GitHub is started on loopback with two repositories, a site of hundreds of pages is made of this project's own
//! sources, and the program publishes, tags, dispatches and waits. Everything is real but the server: HTTP, git, the program.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "an example talks, and stops at a surprise"
)]

mod page;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use emulator::{
    Emulator,
    model::{Model, Repository, Role, Token},
};
use repo_relay::{context::Environment, step};

const DEPLOY: &str = "name: deploy\non:\n  repository_dispatch:\n    types: [docs-published]\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n    steps: [{run: echo deploy}]\n";
const RELEASE: &str = "name: release\non:\n  push:\n    tags: ['v*']\njobs:\n  image:\n    runs-on: ubuntu-latest\n    steps: [{run: echo build}]\n";

/// The argument under which this example is the program itself, so that it runs as a process of its own.
const AS_PROGRAM: &str = "as-program";

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == AS_PROGRAM) {
        return step::run(arguments.collect(), Environment::of_this_process(), env::current_dir().unwrap());
    }
    demo(&env::args_os().skip(1).map(PathBuf::from).collect::<Vec<_>>());
    ExitCode::SUCCESS
}

/// `keep`: the files for the step summaries of the first run and of the one that fails, if they are wanted.
fn demo(keep: &[PathBuf]) {
    let token = Token::classic("robin", &["repo", "workflow"]);
    let target = Repository::new("acme/handbook")
        .file("README.md", "# The handbook\n")
        .workflow("deploy.yml", DEPLOY)
        .workflow("release.yml", RELEASE)
        .tag("v0.9")
        .pages("gh-pages")
        .collaborator("robin", Role::Write);
    let source = Repository::new("acme/sources").file("README.md", "# Where the pages are made\n");
    let mut github = Emulator::start(Model::new().repository(source).repository(target).token(&token)).unwrap();
    let repositories = github.keep();
    let workspace = repositories.join("workspace");

    title("1. A site is made of this project's own sources");
    let pages = make_site(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), &workspace.join("site"));
    println!("{pages} pages in {}", workspace.join("site").display());
    println!(
        "A GitHub listens on {} with acme/sources (where the workflow runs) and acme/handbook (the target).",
        github.url()
    );

    title("2. One step: check the token, publish to gh-pages, tag, dispatch, and wait for what that starts");
    let inputs = [
        ("repository", "acme/handbook"),
        ("token", token.value()),
        ("directory", "site"),
        ("tag", "v1.0.0"),
        ("tag-target", "main"),
        ("tag-message", "The handbook of {repository}"),
        ("dispatch", "docs-published"),
        ("payload", r#"{"version": "1.0.0"}"#),
        ("wait", "completed"),
        ("wait-for", "pages\nrelease.yml"),
    ];
    relay(&github, &workspace, &inputs, true);
    let summary = fs::read_to_string(workspace.join("summary.md")).unwrap();
    if let Some(file) = keep.first() {
        fs::write(file, &summary).unwrap();
    }

    title("3. A second publish sends only what changed");
    fs::write(workspace.join("site/index.html"), "<h1>The handbook, second edition</h1>\n").unwrap();
    relay(&github, &workspace, &inputs[..3], true);

    title("4. A token that GitHub does not know: the cause and the remedy, and nothing is written");
    relay(&github, &workspace, &[inputs[0], ("token", "ghp_000000000000000000000000000000000000"), inputs[2]], false);
    if let Some(file) = keep.get(1) {
        fs::copy(workspace.join("summary.md"), file).unwrap();
    }

    title("5. The step summary of the first run, as GitHub would show it");
    let page = repositories.join("summary.html");
    fs::write(&page, page::page(&summary)).unwrap();
    println!("Open file://{} in a browser.", page.display());

    title("6. What the server started, once each");
    for run in github.runs("acme/handbook") {
        let branch = run.head_branch.as_deref().unwrap_or_default();
        println!("run {}: {} by {} of {branch}", run.id, run.path, run.event);
    }
    let path = github.repository("acme/handbook").path();
    title("7. Look at the target with git");
    println!("git --git-dir {} log --stat -2 gh-pages", path.display());
    println!("git --git-dir {} show --no-patch v1.0.0", path.display());
    println!("\nAll of it lies in {}, which you may delete.", repositories.display());
}

fn title(text: &str) {
    println!("\n\x1b[1m{text}\x1b[0m\n");
}

/// Runs the program as on a laptop of the workflow's repository, with its summary in a file of the workspace.
fn relay(github: &Emulator, workspace: &Path, inputs: &[(&str, &str)], succeeds: bool) {
    let summary = workspace.join("summary.md");
    fs::write(&summary, "").unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.arg(AS_PROGRAM).current_dir(workspace).env_clear().stdin(Stdio::null());
    command
        .envs(["TERM", "COLORTERM", "NO_COLOR", "TMPDIR"].iter().filter_map(|name| Some((name, env::var_os(name)?))));
    command
        .env("GITHUB_REPOSITORY", "acme/sources")
        .env("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567")
        .env("GITHUB_SERVER_URL", github.url())
        .env("GITHUB_STEP_SUMMARY", &summary);
    for (name, value) in inputs {
        let shown = if *name == "token" { "***" } else { value };
        println!("    {name}: {}", shown.replace('\n', ", "));
        command.env(format!("INPUT_{}", name.to_uppercase()), value);
    }
    println!();
    let status = command.status().unwrap();
    println!("\nexit status {}", status.code().unwrap_or(-1));
    assert_eq!(status.success(), succeeds, "the step ended otherwise than it was to");
}

/// Makes a page of every source and document of the project, and an index; the answer is their number.
fn make_site(project: &Path, site: &Path) -> usize {
    let mut files = Vec::new();
    for folder in ["src", "tests", "examples", "demo", "docs", "README.md", "action.yml", "Cargo.toml"] {
        collect(&project.join(folder), &mut files);
    }
    files.sort();
    let mut index = String::from("# The handbook\n\n");
    for file in &files {
        let Ok(text) = fs::read_to_string(file) else { continue };
        let name = file.strip_prefix(project).unwrap().display().to_string();
        let markdown = match file.extension().and_then(|end| end.to_str()) {
            Some("md") => text,
            end => format!("# {name}\n\n````{}\n{text}\n````\n", end.unwrap_or_default()),
        };
        write_page(&site.join(format!("{name}.html")), &name, &markdown);
        index.extend(["- [", &name, "](", &name, ".html)\n"]);
    }
    write_page(&site.join("index.html"), "The handbook", &index);
    fs::write(site.join("style.css"), "body { max-width: 60em; margin: auto; font-family: sans-serif }\n").unwrap();
    files.len() + 1
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
    } else if let Ok(entries) = fs::read_dir(path) {
        entries.for_each(|entry| collect(&entry.unwrap().path(), files));
    }
}

fn write_page(path: &Path, title: &str, markdown: &str) {
    let up = "../".repeat(title.matches('/').count());
    let body = comrak::markdown_to_html(markdown, &comrak::Options::default());
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<link rel=\"stylesheet\" href=\"{up}style.css\">\n{body}</html>\n"
    );
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, page).unwrap();
}
