//! Hostile text everywhere: whatever an input, a file, a branch or a server brings, the log, the outputs, the summary and the
//! report are read back as the runner and GitHub read them, and hold what they should and nothing else.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use comrak::nodes::NodeValue;
use emulator::{
    faults::{Canned, Fault, FaultRule, Flood},
    model::{Model, Outcome as Ending, Repository, Role, Token},
    runner::{HOSTILE, parse_file, parse_log},
};
use serde_json::Value;

use crate::{
    runner::{Outcome, Step},
    world::{TARGET, World},
};

/// Texts that were put somewhere.
static TRIED: AtomicUsize = AtomicUsize::new(0);

/// The list, all of it in one text, and a megabyte.
pub(crate) fn texts() -> Vec<String> {
    let mut texts: Vec<String> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    texts.push(HOSTILE.join("\n"));
    texts.push(HOSTILE.join(" ").repeat(1 + (1 << 20) / HOSTILE.join(" ").len()));
    texts
}

/// Each case on one of a few threads: a step is a process of its own.
pub(crate) fn in_parallel<T: Send>(cases: Vec<T>, test: impl Fn(T) + Sync) {
    let cases = Mutex::new(cases.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(case) = { cases.lock().unwrap().next() } {
                    test(case);
                }
            });
        }
    });
}

pub(crate) fn tried(places: usize) {
    TRIED.fetch_add(places, Ordering::Relaxed);
}

pub(crate) fn told(what: &str) {
    println!("hostile: {what}; {} strings were put somewhere so far", TRIED.load(Ordering::Relaxed));
}

/// The HTML that a summary is written with.
const HTML: [&str; 8] = ["<code>", "</code>", "<!-- -->", "<br>", "<details>", "</details>", "<summary>", "</summary>"];

/// What remains of a step's three faces when all words are taken out.
#[derive(Debug, PartialEq)]
pub(crate) struct Shape {
    commands: Vec<(String, Option<String>)>,
    blocks: Vec<String>,
    chain: Vec<String>,
}

/// Reads all that a step has left behind as the runner and GitHub read it. `server`: where links may lead beside the documentation.
#[track_caller]
pub(crate) fn sound(outcome: &Outcome, server: &str) -> Shape {
    let (commands, _) = parse_log(&outcome.stdout);
    let shown = || commands.iter().map(|command| (command.name.as_str(), &command.properties));
    let allowed = ["add-mask", "group", "endgroup", "error", "warning", "notice"];
    assert!(shown().all(|(name, _)| allowed.contains(&name)), "{commands:?}");
    let titles: Vec<_> = repo_relay::diagnosis::Cause::ALL.iter().map(|cause| cause.slug()).collect();
    for (name, properties) in shown() {
        assert!(properties.keys().all(|key| key == "title"), "{name} {properties:?}");
        assert!(properties.values().all(|title| titles.contains(&&**title)), "{name} {properties:?}");
    }
    let count = |wanted: &str| shown().filter(|(name, _)| *name == wanted).count();
    assert_eq!(count("group"), count("endgroup"), "{outcome}");
    let first = commands.iter().position(|command| command.name != "add-mask").unwrap_or(commands.len());
    assert!(commands[first..].iter().all(|command| command.name != "add-mask"), "a mask among the rest: {outcome}");
    let error = outcome.output("error");
    // A check that fails is one, and what ended the step is the last.
    let last = shown().rfind(|(name, _)| *name == "error");
    assert_eq!(last.map_or("", |(_, properties)| &properties["title"]), error, "{outcome}");
    assert_eq!(outcome.status, Some(i32::from(!error.is_empty())));

    let file = std::fs::read_to_string(outcome.path("output")).unwrap();
    let outputs = parse_file(&file).unwrap();
    let names: Vec<_> = outputs.iter().map(|(name, _)| name.as_str()).collect();
    let expected: Vec<_> = repo_relay::inputs::table::OUTPUTS.iter().map(|output| output.name).collect();
    assert_eq!(names, expected, "each output once");
    let schema: Value = serde_json::from_str(include_str!("../../docs/report.schema.json")).unwrap();
    jsonschema::validate(&schema, &outcome.report()).unwrap();

    let (blocks, chain) = read_by_github(&outcome.summary, server);
    let commands = shown().filter(|(name, _)| *name != "add-mask");
    let commands = commands.map(|(name, properties)| (name.to_owned(), properties.get("title").cloned())).collect();
    Shape { commands, blocks, chain }
}

/// The blocks of a summary, and its chain without labels and addresses.
fn read_by_github(markdown: &str, server: &str) -> (Vec<String>, Vec<String>) {
    let arena = comrak::Arena::new();
    let mut options = comrak::Options::default();
    let extension = &mut options.extension;
    (extension.autolink, extension.table, extension.strikethrough) = (true, true, true);
    (extension.tasklist, extension.footnotes, extension.alerts) = (true, true, true);
    (extension.math_dollars, extension.math_code) = (true, true);
    let (mut blocks, mut chain) = (Vec::new(), Vec::new());
    for node in comrak::parse_document(&arena, markdown, &options).descendants() {
        match &node.data.borrow().value {
            NodeValue::HtmlInline(html) => assert!(HTML.contains(&&**html), "{html} in {markdown}"),
            NodeValue::HtmlBlock(html) => {
                let known = HTML.iter().fold(html.literal.clone(), |rest, tag| rest.replace(tag, ""));
                assert!(!known.contains('<'), "{} in {markdown}", html.literal);
                blocks.push("html".to_owned());
            }
            NodeValue::Link(link) => {
                let documentation = repo_relay::diagnosis::Cause::ALL.iter().any(|cause| cause.docs() == link.url);
                let known = documentation || link.url.starts_with("https://docs.github.com/");
                assert!(known || link.url.starts_with(server), "{} in {markdown}", link.url);
            }
            NodeValue::CodeBlock(block) => {
                assert_eq!(block.info, "mermaid", "{markdown}");
                chain.extend(block.literal.lines().map(|line| unlabelled(line, server)));
                blocks.push("chain".to_owned());
            }
            NodeValue::Image(_)
            | NodeValue::FootnoteReference(_)
            | NodeValue::FootnoteDefinition(_)
            | NodeValue::Math(_)
            | NodeValue::Alert(_)
            | NodeValue::TaskItem(_) => panic!("{:?} in {markdown}", node.data.borrow().value),
            NodeValue::Heading(heading) => blocks.push(format!("heading {}", heading.level)),
            NodeValue::Table(_) => blocks.push("table".to_owned()),
            NodeValue::TableRow(_) => blocks.push("row".to_owned()),
            NodeValue::TableCell => blocks.push("cell".to_owned()),
            NodeValue::Paragraph => blocks.push("paragraph".to_owned()),
            NodeValue::Item(_) => blocks.push("item".to_owned()),
            NodeValue::ThematicBreak => blocks.push("break".to_owned()),
            _ => {}
        }
    }
    (blocks, chain)
}

/// A line of the chain without what stands in quotation marks, of which there is none too many.
fn unlabelled(line: &str, server: &str) -> String {
    let parts: Vec<&str> = line.split('"').collect();
    assert!(parts.len() % 2 == 1, "{line}");
    for label in parts.iter().skip(1).step_by(2) {
        assert!(!label.contains(['[', ']', '<', '>', '`', '{', '}', '|', '\\']), "{line}");
        assert!(!line.trim_start().starts_with("click ") || label.starts_with(server), "{line}");
    }
    parts.into_iter().step_by(2).collect::<Vec<_>>().join("\"\"")
}

#[test]
fn every_input_may_be_hostile() {
    let world = World::new();
    let inputs = repo_relay::inputs::INPUTS.iter().filter(|input| !input.form.is_secret());
    let texts = texts();
    let (all, long) = (texts.len() - 2, texts.len() - 1);
    let mut cases = Vec::new();
    for (number, input) in inputs.enumerate() {
        for text in [number % all, (number * 7 + 3) % all, all, long] {
            // What the environment cannot hold, and no runner can hand over.
            let text = texts[text].replace('\0', "");
            // Linux takes 128 KiB in one variable.
            let text = text.chars().scan(0, |sum, c| {
                *sum += c.len_utf8();
                (*sum < 120_000).then_some(c)
            });
            cases.push((input.name, text.collect::<String>()));
        }
    }
    let count = cases.len();
    in_parallel(cases, |(name, text)| {
        tried(1);
        let mut step = world.step().input("dry-run", "true").input("attempts", "1").input("timeout", "5s");
        let companions: &[(&str, &str)] = match name {
            "directory" | "dry-run" | "repository" | "server-url" | "api-url" | "refs" => &[],
            "secret-name" => &[("secret-value", "a value of it")],
            "payload" => &[("dispatch", "go")],
            "workflow-inputs" | "workflow-ref" => &[("workflow", "ci.yml")],
            "tag-message" | "tag-target" | "tag-exists" => &[("tag", "v1")],
            _ => &[("directory", "site")],
        };
        for (name, value) in companions {
            step = step.input(name, *value);
        }
        let outcome = step.file("site/index.html", "x").input(name, text).run();
        sound(&outcome, world.github.url());
    });
    told(&format!("{count} inputs"));
}

#[test]
fn every_refusal_may_be_hostile() {
    let mut cases: Vec<(usize, String)> = texts().into_iter().enumerate().collect();
    let count = cases.len();
    cases.rotate_left(1);
    in_parallel(cases, |(number, text)| {
        tried(1);
        let world = World::new();
        world.github.repository(TARGET).commit("refs/heads/gh-pages", &[("old", b"old")], "old");
        let rule = |method, path: &str, fault| world.github.fault(FaultRule::on(method, path, fault));
        let plain = |status| Fault::Answer(Canned { status, headers: Vec::new(), body: text.clone() });
        let frames = |band: u8| -> Vec<u8> {
            let frame = |piece: &[u8]| [format!("{:04x}", piece.len() + 5).as_bytes(), &[band], piece].concat();
            text.as_bytes().chunks(60_000).flat_map(frame).collect()
        };
        match number % 6 {
            0 => rule("GET", "/api/v3/user", Fault::Answer(Canned::error(401, &text))),
            1 => rule("GET", "*/info/refs", plain(403)),
            2 => rule("POST", "*/git-upload-pack", Fault::Flood(Flood::once(frames(3)))),
            3 => {
                let reason: String = text.chars().filter(|c| *c != '\n').take(5000).collect();
                let line = |text: String| format!("{:04x}{text}", text.len() + 4);
                let report = line("unpack ok\n".into()) + &line(format!("ng refs/heads/gh-pages {reason}\n")) + "0000";
                let report = [format!("{:04x}\u{1}", report.len() + 5).as_bytes(), report.as_bytes()].concat();
                let answer = [frames(2), report, b"0000".to_vec()].concat();
                rule("POST", "*/git-receive-pack", Fault::Flood(Flood::once(answer)));
            }
            4 => rule("POST", "*/dispatches", Fault::Answer(Canned::error(422, &text))),
            _ => {
                let header: String = text.chars().filter(|c| !c.is_control()).take(3000).collect();
                let canned = Canned::error(403, "no").header("x-accepted-github-permissions", &header);
                rule("POST", "*/dispatches", Fault::Answer(canned.header("x-github-sso", &header)));
            }
        }
        let step = world.publish().input("attempts", "1").input("timeout", "10s").input("dispatch", "published");
        let outcome = step.run();
        sound(&outcome, world.github.url());
        assert!(!outcome.output("error").is_empty(), "{outcome}");
        world.github.clear_faults();
    });
    told(&format!("{count} refusals"));
}

#[test]
fn names_of_files_branches_and_tags_may_be_hostile() {
    let world = World::new();
    let branch = "x%0A<b>\u{202e}|`id`|'\"]-->#quot;$(id)&amp;,;=!";
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    let mut step = world.step().input("directory", "site").input("branch", branch).input("tag", "+v1<script>%0A`|\"");
    let mut names = BTreeSet::new();
    for text in texts() {
        let name: String = text.replace('/', "_").replace('\0', "").replace('\\', "_");
        let name: String = name
            .chars()
            .scan(0, |sum, c| {
                *sum += c.len_utf8();
                (*sum < 200).then_some(c)
            })
            .collect();
        step = step.file(&format!("site/{name}x"), pointer);
        names.insert(format!("{name}x"));
        tried(1);
    }
    let message = texts().join("\n").replace('\0', "").chars().take(20_000).collect::<String>();
    let outcome = step.input("message", &message).input("nojekyll", "false").run();
    sound(&outcome, world.github.url());
    assert!(outcome.output("error").is_empty() || outcome.output("error") == "invalid-input", "{outcome}");
    if outcome.output("error").is_empty() {
        assert_eq!(outcome.output("branch"), branch);
        assert_eq!(outcome.output("tag"), "v1<script>%0A`|\"");
        let there: BTreeSet<String> = world.paths(&format!("refs/heads/{branch}")).into_iter().collect();
        assert_eq!(there, names);
        assert_eq!(outcome.report()["targets"][0]["refs"][0]["ref"], format!("refs/heads/{branch}"));
    }
    told(&format!("{} names of files: {:?}", names.len(), outcome.output("error")));
}

const MANUAL: &str = "name: ci\non:\n  workflow_dispatch:\n";

/// A publish with a tag and a workflow that fails, or does not.
fn relay(world: &World) -> Step {
    let step = world.publish().input("tag", "v1").input("workflow", "ci.yml").input("wait", "completed");
    step.input("attempts", "3").input("timeout", "20s").input("wait-timeout", "4s")
}

fn world_that(fails: bool) -> World {
    let ending = if fails { Ending::failure("publish", "Upload") } else { Ending::concluded("success") };
    let target = Repository::new(TARGET).workflow("ci.yml", MANUAL).outcome("ci.yml", ending);
    let target = target.collaborator("robin", Role::Write);
    World::of(Model::new().repository(target), Token::classic("robin", &["repo", "workflow"]))
}

/// Members of GitHub's answers that mean something to a program; the others are for people.
const MEANT: [&str; 24] = [
    "sha",
    "ref",
    "status",
    "conclusion",
    "event",
    "state",
    "path",
    "url",
    "html_url",
    "head_sha",
    "head_branch",
    "created_at",
    "updated_at",
    "type",
    "content",
    "encoding",
    "key",
    "key_id",
    "default_branch",
    "visibility",
    "login",
    "full_name",
    "workflow_url",
    "node_id",
];

/// Puts `text` in the place of each string whose member `wanted` accepts; the answer is their number.
fn replace(value: &mut Value, member: &str, text: &str, wanted: &dyn Fn(&str) -> bool) -> usize {
    match value {
        Value::String(old) if wanted(member) => {
            text.clone_into(old);
            1
        }
        Value::Array(values) => values.iter_mut().map(|value| replace(value, member, text, wanted)).sum(),
        Value::Object(members) => members.iter_mut().map(|(name, value)| replace(value, name, text, wanted)).sum(),
        _ => 0,
    }
}

fn rewritten(world: &World, text: &str, wanted: impl Fn(&str) -> bool + Send + Sync + 'static) {
    let text = text.to_owned();
    let change = move |value: &mut Value| tried(replace(value, "", &text, &wanted));
    world.github.fault(FaultRule::on("*", "/api/v3/*", Fault::rewrite(change)));
}

#[test]
fn every_text_of_the_server_may_be_hostile() {
    let people = |member: &str| !MEANT.contains(&member);
    let shape_of = |fails: bool, text: &str| {
        let world = world_that(fails);
        rewritten(&world, text, people);
        let outcome = relay(&world).run();
        assert_eq!(outcome.output("error"), if fails { "run-failed" } else { "" }, "{text:.200}: {outcome}");
        assert_eq!(outcome.output("dispatched"), "true");
        (sound(&outcome, world.github.url()), outcome)
    };
    for fails in [true, false] {
        let (expected, _) = shape_of(fails, "x");
        let all = texts();
        // Each of the list in turn would take minutes: by threes, joined, and whole.
        let mut cases: Vec<String> = all[..HOSTILE.len()].chunks(8).map(|texts| texts.join(" ")).collect();
        // An answer of more than eight megabytes is not read at all.
        cases.extend(all[HOSTILE.len()..].iter().map(|text| text.chars().take(30_000).collect()));
        in_parallel(cases, |text: String| {
            let (shape, outcome) = shape_of(fails, &text);
            assert_eq!(shape, expected, "{outcome}");
        });
    }
    told("the texts of a server's answers, each in every place at once");
}

#[test]
fn what_a_program_reads_may_be_hostile_too() {
    let texts = texts();
    let cases: Vec<_> = MEANT.iter().enumerate().collect();
    in_parallel(cases, |(number, member)| {
        let world = world_that(number % 2 == 0);
        rewritten(&world, &texts[number % HOSTILE.len()], move |found| found == *member);
        let outcome = relay(&world).run();
        // An address that the server names is linked, if it is one of the web.
        sound(&outcome, if member.ends_with("url") { "http" } else { world.github.url() });
        world.github.clear_faults();
    });
    told(&format!("{} members of a server's answers that a program reads", MEANT.len()));
}
