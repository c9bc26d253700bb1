//! Every input with its default, what it accepts and what it refuses; and what contradicts what.

use std::path::PathBuf;

use super::{table::find, *};
use crate::{
    context::{Context, Environment},
    diagnosis::{Cause, Failure},
};

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";

const RUNNER: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_REPOSITORY", "own/source"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_API_URL", "https://api.github.com"),
];

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs
        .iter()
        .map(|(name, value)| {
            // A lower-case name is an input's.
            let variable = if name.chars().any(char::is_uppercase) {
                (*name).to_owned()
            } else {
                format!("INPUT_{}", name.to_uppercase())
            };
            (variable, (*value).to_owned())
        })
        .collect()
}

/// Reads inputs on a runner, with what this version does not have yet.
fn whole(pairs: &[(&str, &str)]) -> Result<Inputs, Failure> {
    let environment = environment(&[RUNNER, pairs].concat());
    let context = Context::read(&environment, PathBuf::from("/here"));
    let raw = Raw::from_environment(environment);
    read::InputReader { raw: &raw, context: &context }.read_all()
}

fn failure(pairs: &[(&str, &str)]) -> Failure {
    whole(pairs).map(|inputs| panic!("{pairs:?} gave {inputs:?}")).unwrap_err()
}

/// A text that says what an input became, for comparison.
fn shown(name: &str, pairs: &[(&str, &str)]) -> String {
    let inputs = whole(pairs).unwrap_or_else(|failure| panic!("{pairs:?}: {failure}"));
    let onto = match &inputs.push {
        Push::Directory(push) => Some(&push.commit),
        Push::Remove(commit) => Some(commit),
        Push::None | Push::Refs(_) => None,
    };
    let directory = match &inputs.push {
        Push::Directory(push) => Some(push),
        _ => None,
    };
    let refs = match &inputs.push {
        Push::Refs(push) => Some(push),
        _ => None,
    };
    let (tags, triggers, behaviour) = (inputs.tags.as_ref(), &inputs.triggers, &inputs.behaviour);
    let credential = &inputs.credential;
    let secret = |secret: &Option<Secret>| secret.as_ref().map_or(String::new(), |secret| secret.expose().to_owned());
    let list = |items: &[String]| items.join("|");
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match name {
        "repository" => list(&inputs.targets.list.iter().map(|target| target.slug.to_string()).collect::<Vec<_>>()),
        "server-url" => inputs.targets.list[0].server.to_string(),
        "api-url" => inputs.targets.list[0].api.to_string(),
        "ca-certificate" => text(&inputs.targets.ca_certificate),
        "token" => {
            credential.token.secret().map_or(format!("{:?}", credential.token), |token| token.expose().to_owned())
        }
        "workflow-token" => secret(&credential.workflow_token),
        "ssh-key" => secret(&credential.ssh_key),
        "ssh-known-hosts" => text(&credential.ssh_known_hosts),
        "app-id" => credential.app.as_ref().map_or(String::new(), |app| app.id.clone()),
        "app-private-key" => credential.app.as_ref().map_or(String::new(), |app| app.private_key.expose().to_owned()),
        "directory" => directory.map_or(String::new(), |push| push.directory.display().to_string()),
        "branch" => onto.unwrap().branch.to_string(),
        "destination" => onto.unwrap().destination.to_string(),
        "remove" => matches!(inputs.push, Push::Remove(_)).to_string(),
        "keep" => list(&directory.unwrap().keep),
        "exclude" => list(&directory.unwrap().exclude),
        "symlinks" => format!("{:?}", directory.unwrap().symlinks),
        "history" => format!("{:?}", onto.unwrap().history),
        "message" => onto.unwrap().message.clone(),
        "trailers" => format!("{:?}", onto.unwrap().trailers),
        "author" => inputs.author.to_string(),
        "nojekyll" => format!("{:?}", directory.unwrap().nojekyll),
        "cname" => text(&directory.unwrap().cname),
        "allow-empty" => onto.unwrap().allow_empty.to_string(),
        "signing-key" => secret(&inputs.signing_key),
        "sign" => format!("{:?}", onto.unwrap().sign),
        "pull-request" => match (onto, refs) {
            (Some(commit), _) => format!("{:?}", commit.pull_request.when),
            (None, push) => format!("{:?}", push.unwrap().pull_request.when),
        },
        "pull-request-merge" => format!("{:?}", onto.unwrap().pull_request.merge),
        "prune-previews" => onto.unwrap().prune_previews.as_ref().map_or(String::new(), ToString::to_string),
        "refs" => match &inputs.push {
            Push::Refs(push) => list(&push.specs.iter().map(ToString::to_string).collect::<Vec<_>>()),
            _ => String::new(),
        },
        "checkout" => refs.and_then(|push| push.checkout.clone()).map_or(String::new(), |at| at.display().to_string()),
        "prune" => refs.is_some_and(|push| push.prune).to_string(),
        "lfs" => refs.is_none_or(|push| push.lfs).to_string(),
        "tag" => tags.map_or(String::new(), |tags| {
            let sign = |moves| if moves { "+" } else { "" };
            list(&tags.list.iter().map(|tag| format!("{}{}", sign(tag.moves), tag.name)).collect::<Vec<_>>())
        }),
        "tag-message" => text(&tags.unwrap().message),
        "tag-target" => text(&tags.unwrap().target),
        "tag-exists" => format!("{:?}", tags.unwrap().exists),
        "dispatch" => text(&triggers.dispatch),
        "payload" => triggers.payload.text().to_owned(),
        "workflow" => list(&triggers.workflows),
        "workflow-ref" => text(&triggers.workflow_ref),
        "workflow-inputs" => triggers.workflow_inputs.text().to_owned(),
        "wait" => format!("{:?}", triggers.wait),
        "wait-for" => format!("{:?}", triggers.wait_for),
        "wait-timeout" => format!("{:?}", triggers.wait_timeout),
        "secret-name" => inputs.secret.as_ref().map_or(String::new(), |secret| secret.name.clone()),
        "secret-value" => inputs.secret.as_ref().map_or(String::new(), |secret| secret.value.expose().to_owned()),
        "secret-scope" => inputs.secret.as_ref().map_or(String::new(), |secret| secret.scope.to_string()),
        "revoke-token" => secret(&inputs.revoke_token),
        "dry-run" => behaviour.dry_run.to_string(),
        "expiry-warning" => behaviour.expiry_warning_days.to_string(),
        "attempts" => behaviour.attempts.to_string(),
        "timeout" => format!("{:?}", behaviour.timeout),
        "ignore-checks" => {
            let mut names: Vec<&str> = behaviour.ignore_checks.iter().map(|check| check.name()).collect();
            names.sort_unstable();
            names.join("|")
        }
        other => panic!("{other} is not shown"),
    }
}

/// One input: its name, what must be given beside it, what it becomes when not given or empty, what texts become, and
/// texts that are refused.
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const DIRECTORY: &[(&str, &str)] = &[("directory", "site")];
const TAG: &[(&str, &str)] = &[("tag", "v1")];

const ROWS: &[Row] = &[
    (
        "repository",
        &[],
        "own/source",
        &[(" o/r ", "o/r"), ("o/r\n\no/s\n", "o/r|o/s"), ("o/r\nO/R", "o/r")],
        &["o", "o/r,o/s", "https://github.com/o"],
    ),
    (
        "server-url",
        &[],
        "https://github.com",
        &[("https://ghes.example.test/", "https://ghes.example.test"), ("http://localhost:1", "http://localhost:1")],
        &["github.com", "https://github.com/o/r", "ftp://github.com"],
    ),
    (
        "api-url",
        &[],
        "https://api.github.com",
        &[("https://github.com/api/v3/", "https://github.com/api/v3")],
        &["api.github.com", "https://example.test", "https://github.com.example.test"],
    ),
    ("ca-certificate", &[], "", &[(PEM, PEM)], &["ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA"]),
    ("token", &[], "Blank", &[(" ghp_x\n", "ghp_x"), ("a b", "a b"), ("gh\u{e4}", "gh\u{e4}")], &[]),
    ("workflow-token", &[], "", &[(" ghs_x\n", "ghs_x")], &[]),
    ("ssh-key", &[], "", &[("KEY\n", "KEY")], &[]),
    ("ssh-known-hosts", &[], "", &[("h ssh-ed25519 A\n", "h ssh-ed25519 A")], &[]),
    ("app-id", &[("app-private-key", "KEY")], "?", &[("12345", "12345"), ("Iv23li_x.y", "Iv23li_x.y")], &["a b", ""]),
    ("app-private-key", &[("app-id", "1")], "?", &[(" KEY\n", "KEY")], &["", " \n"]),
    ("directory", &[], "", &[(" site ", "site"), ("/here/a b", "/here/a b")], &[]),
    (
        "branch",
        DIRECTORY,
        "refs/heads/gh-pages",
        &[("main", "refs/heads/main"), ("refs/heads/a/b", "refs/heads/a/b")],
        &["a b", "-x", "refs/tags/v1", "a..b", "x.lock", "refs/heads/", "HEAD"],
    ),
    (
        "destination",
        DIRECTORY,
        "",
        &[("docs/v2/", "docs/v2"), ("/", ""), ("./a", "a")],
        &["../a", "a/../b", "a/.git", ".GIT/x", "a\nb", "a\r\nb"],
    ),
    ("remove", &[("destination", "a")], "false", &[("True", "true"), ("FALSE", "false")], &["yes", "1"]),
    ("keep", DIRECTORY, "", &[("a,b\n c/** \n\n", "a,b|c/**")], &["a[", "{a"]),
    (
        "exclude",
        DIRECTORY,
        "?",
        &[
            ("", ""),
            (" \n ", ""),
            ("drafts/**\nx", "drafts/**|x"),
            ("+drafts/**", ".github/**|drafts/**"),
            ("a\n+ b", ".github/**|a|b"),
        ],
        &["a[", "+", "+a["],
    ),
    ("symlinks", DIRECTORY, "Keep", &[("keep", "Keep"), ("follow", "Follow")], &["copy", "Follow", "true"]),
    ("history", DIRECTORY, "Append", &[("append", "Append"), ("single", "Single")], &["Single", "none"]),
    ("message", DIRECTORY, "Publish {repository}@{short_sha}", &[(" two\n\nlines \n", " two\n\nlines \n")], &[]),
    (
        "trailers",
        DIRECTORY,
        "Auto",
        &[("auto", "Auto"), ("true", "Always"), ("True", "Always"), ("false", "Never")],
        &["yes", "no"],
    ),
    (
        "author",
        TAG,
        "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>",
        &[(" A B <a@b.c> ", "A B <a@b.c>")],
        &["octocat", "a@b.c", "<a@b.c>", "A <>", "A <a@b.c> x"],
    ),
    ("nojekyll", DIRECTORY, "Auto", &[("auto", "Auto"), ("true", "Always"), ("FALSE", "Never")], &["yes", "Auto"]),
    (
        "cname",
        DIRECTORY,
        "",
        &[(" www.example.test\n", "www.example.test")],
        &["https://www.example.test", "a.b\nc.d", "10.0.0.1"],
    ),
    ("allow-empty", DIRECTORY, "false", &[("TRUE", "true")], &["on"]),
    ("signing-key", DIRECTORY, "", &[("KEY\n", "KEY")], &[]),
    (
        "sign",
        DIRECTORY,
        "Auto",
        &[("auto", "Auto"), ("github", "Github"), ("no", "No"), ("false", "No")],
        &["true", "GitHub", "ssh"],
    ),
    (
        "pull-request",
        &[("refs", "main")],
        "No",
        &[("no", "No"), ("False", "No"), ("required", "Required"), ("always", "Always")],
        &["true", "yes", "Always"],
    ),
    (
        "pull-request-merge",
        &[("directory", "site"), ("pull-request", "always")],
        "None",
        &[("merge", "Some(Merge)"), ("squash", "Some(Squash)"), ("rebase", "Some(Rebase)"), ("no", "None")],
        &["true", "auto", "Merge"],
    ),
    (
        "prune-previews",
        DIRECTORY,
        "",
        &[("previews/pr-{number}", "previews/pr-{number}"), (" /{number}/ ", "{number}")],
        &["previews", "pr-{n}", "../{number}", "{number}-{number}", ".git/{number}"],
    ),
    (
        "refs",
        &[],
        "",
        &[
            ("main\n+HEAD:gh-pages\nrefs/tags/*\n:old\nmain", "main|+HEAD:gh-pages|refs/tags/*|:old"),
            (":\n^refs/heads/wip\ntag v1", ":|^refs/heads/wip|refs/tags/v1"),
        ],
        &["a:b:c", "^refs/heads/wip", "a b", "main,dev:"],
    ),
    ("checkout", &[("refs", "main")], "", &[(" code ", "code"), ("/here/a b", "/here/a b")], &[]),
    ("prune", &[("refs", "refs/heads/*")], "false", &[("true", "true"), ("False", "false")], &["yes", "tags"]),
    ("lfs", &[("refs", "main")], "true", &[("auto", "true"), ("false", "false"), ("FALSE", "false")], &["true", "no"]),
    (
        "tag",
        &[],
        "",
        &[
            ("v1.4.2\n+v1\nv1.4.2", "refs/tags/v1.4.2|+refs/tags/v1"),
            ("refs/tags/x", "refs/tags/x"),
            ("a,b", "refs/tags/a,b"),
        ],
        &["+", "a b", "refs/heads/main", "v1\n+v1", "-x", "refs/tags/", "HEAD"],
    ),
    ("tag-message", TAG, "", &[(" a\n", " a\n")], &[]),
    ("tag-target", TAG, "", &[(" main ", "main"), ("refs/tags/v0", "refs/tags/v0")], &["a b", "HEAD~1", "-x"]),
    ("tag-exists", TAG, "Keep", &[("fail", "Fail"), ("move", "Move")], &["replace", "MOVE"]),
    ("dispatch", &[], "", &[(" docs ", "docs")], &["docs\nsite"]),
    (
        "payload",
        &[("dispatch", "x")],
        "{}",
        &[(" { \"b\": 1.0,\n\"a\": [] } ", "{\"b\":1.0,\"a\":[]}")],
        &["[]", "{a}", "1"],
    ),
    ("workflow", &[], "", &[("a.yml\n.github/workflows/b.yaml\na.yml", "a.yml|b.yaml")], &["../a.yml", "o/r/a.yml"]),
    ("workflow-ref", &[("workflow", "a.yml")], "", &[("main", "main")], &["a b", "main^"]),
    ("workflow-inputs", &[("workflow", "a.yml")], "{}", &[("{\"a\": \"1 2\"}", "{\"a\":\"1 2\"}")], &["\"x\"", "a: 1"]),
    (
        "wait",
        &[("dispatch", "x")],
        "No",
        &[("no", "No"), ("False", "No"), ("started", "Started"), ("completed", "Completed")],
        &["true", "yes", "No", "Completed"],
    ),
    ("wait-for", &[], "[]", &[("pages\na.yml", "[Pages, Workflow(\"a.yml\")]")], &["a/b"]),
    (
        "wait-timeout",
        &[("wait-for", "pages")],
        "600s",
        &[("90s", "90s"), ("1h30m", "5400s")],
        &["10", "0s", "soon", "-1m"],
    ),
    (
        "secret-name",
        &[("secret-value", "v")],
        "?",
        &[("NPM_TOKEN", "NPM_TOKEN")],
        &["GITHUB_X", "github_x", "1A", "A-B", ""],
    ),
    ("secret-value", &[("secret-name", "N")], "?", &[(" v\n", " v\n")], &["", " \n"]),
    (
        "secret-scope",
        &[("secret-name", "N"), ("secret-value", "v")],
        "actions",
        &[
            ("dependabot", "dependabot"),
            ("codespaces", "codespaces"),
            ("environment: my stage ", "environment:my stage"),
        ],
        &["Actions", "environment", "environment:", "environment: ", "org", "environment:a\nb"],
    ),
    (
        "revoke-token",
        &[],
        "",
        &[(" ghp_old\n", "ghp_old"), ("github_pat_old", "github_pat_old"), ("ghr_old", "ghr_old")],
        &["ghs_old", "0123456789abcdef0123456789abcdef01234567", "Bearer ghp_old", "ghp_a ghp_b", "ghp_a\nb"],
    ),
    ("dry-run", &[], "false", &[("true", "true"), ("False", "false")], &["yes", "0", "tRue", "true false"]),
    ("expiry-warning", &[], "14", &[("0", "0"), (" 30 ", "30")], &["-1", "2w", "1.5"]),
    ("attempts", &[], "5", &[("1", "1")], &["0", "-1", "many", "99999999999"]),
    ("timeout", &[], "900s", &[("90s", "90s"), ("10m", "600s")], &["15", "0m", "15 minuten"]),
    ("ignore-checks", &[], "", &[("pages\nsso", "pages|sso")], &["token-present", "file-size", "page", "pages,sso"]),
];

#[test]
fn every_input_has_its_default_and_reads_what_it_accepts() {
    let rows: Vec<&str> = ROWS.iter().map(|row| row.0).collect();
    assert_eq!(rows, INPUTS.iter().map(|input| input.name).collect::<Vec<_>>());
    for (name, beside, preset, accepted, _) in ROWS {
        // `?`: the input has no default beside these, or an empty value is not the same as none.
        if *preset != "?" {
            assert_eq!(shown(name, &[*beside, &[(*name, "")]].concat()), *preset, "{name}, empty");
            assert_eq!(shown(name, &[*beside, &[(*name, " \n ")]].concat()), *preset, "{name}, blank");
        }
        if !["?", "Blank"].contains(preset) {
            assert_eq!(shown(name, beside), *preset, "{name}, not given");
        }
        for (text, value) in *accepted {
            assert_eq!(shown(name, &[*beside, &[(*name, *text)]].concat()), *value, "{name}: {text:?}");
        }
    }
}

#[test]
fn every_refusal_names_the_input_and_what_it_accepts() {
    for (name, beside, _, _, refused) in ROWS {
        for text in *refused {
            let failure = failure(&[*beside, &[(*name, *text)]].concat());
            assert_eq!(failure.cause, Cause::InvalidInput, "{name}: {text:?}");
            let accepts = find(name).unwrap().form.accepts();
            assert!(failure.what.contains(&format!("`{name}`")), "{name}: {text:?}: {failure}");
            assert!(failure.what.contains(&accepts) || text.contains("https"), "{name}: {text:?}: {failure}");
            assert!(failure.what.ends_with('.'), "{failure}");
        }
    }
}

#[test]
fn the_defaults_of_the_table_are_accepted_as_values() {
    for input in INPUTS {
        if let table::Preset::Value(value) = input.preset {
            let beside: &[(&str, &str)] =
                if input.needs.contains(&"tag") || input.name == "author" { TAG } else { DIRECTORY };
            assert_eq!(
                shown(input.name, &[beside, &[(input.name, value)]].concat()),
                shown(input.name, beside),
                "{}",
                input.name
            );
        }
    }
}

#[test]
fn contradictions_are_refused_by_name() {
    for (pairs, names) in [
        (&[("directory", "site"), ("refs", "main")][..], ["directory", "refs"]),
        (&[("directory", "site"), ("remove", "true"), ("destination", "a")], ["directory", "remove"]),
        (&[("refs", "main"), ("remove", "true"), ("destination", "a")], ["refs", "remove"]),
        (&[("remove", "true")], ["remove", "destination"]),
        (&[("remove", "true"), ("destination", "/")], ["remove", "destination"]),
        (&[("app-id", "1")], ["app-id", "app-private-key"]),
        (&[("app-private-key", "K")], ["app-id", "app-private-key"]),
        (&[("secret-name", "N")], ["secret-name", "secret-value"]),
        (&[("secret-value", "v")], ["secret-name", "secret-value"]),
        (&[("directory", "site"), ("sign", "github"), ("author", "A <a@b.c>")], ["sign", "author"]),
        (&[("refs", "main"), ("sign", "github")], ["sign", "refs"]),
        (&[("prune", "true")], ["prune", "refs"]),
        (&[("directory", "site"), ("prune", "true")], ["prune", "refs"]),
        (&[("token", "ghp_old"), ("revoke-token", "ghp_old\n")], ["revoke-token", "token"]),
        (
            &[("secret-name", "N"), ("secret-value", "ghp_old "), ("revoke-token", "ghp_old")],
            ["revoke-token", "secret-value"],
        ),
    ] {
        let failure = failure(pairs);
        assert_eq!(failure.cause, Cause::InvalidInput, "{pairs:?}");
        for name in names {
            assert!(failure.what.contains(&format!("`{name}`")), "{pairs:?}: {failure}");
        }
    }
}

#[test]
fn empty_inputs_contradict_nothing() {
    let empty: Vec<(&str, &str)> = INPUTS.iter().map(|input| (input.name, "")).collect();
    let inputs = whole(&empty).unwrap();
    assert!(matches!(inputs.push, Push::None) && inputs.tags.is_none() && inputs.secret.is_none());
    assert!(inputs.notices.is_empty(), "{:?}", inputs.notices);
}

#[test]
fn an_input_that_does_not_exist_is_refused_with_the_nearest_name() {
    for (variable, name) in [
        ("INPUT_DRY_RUN", "dry-run"),
        ("INPUT_DIRECTORIES", "directory"),
        ("INPUT_TAGS", "tag"),
        ("INPUT_DRY-RUNS", "dry-run"),
        ("INPUT_token", "token"),
    ] {
        let failure = failure(&[(variable, "")]);
        assert_eq!(failure.cause, Cause::InvalidInput);
        assert!(failure.what.ends_with(&format!("Did you mean `{name}`?")), "{failure}");
    }
}

#[cfg(unix)]
#[test]
fn an_input_that_is_not_utf_8_is_refused() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};
    let variable = (OsString::from("INPUT_DIRECTORY"), OsString::from_vec(vec![b'a', 0xff]));
    let repository = (OsString::from("GITHUB_REPOSITORY"), OsString::from("o/r"));
    let environment: Environment = [variable, repository].into_iter().collect();
    let context = Context::read(&environment, PathBuf::from("/here"));
    let failure = Inputs::read(&Raw::from_environment(environment), &context).unwrap_err();
    assert!(failure.what.contains("`directory`") && failure.what.contains("UTF-8"), "{failure}");
}

#[test]
fn a_secret_over_githubs_limit_is_refused() {
    let fits = "x".repeat(48 * 1024);
    assert_eq!(shown("secret-value", &[("secret-name", "N"), ("secret-value", &fits)]), fits);
    let failure = failure(&[("secret-name", "N"), ("secret-value", &format!("{fits}x"))]);
    assert!(failure.what.contains("`secret-value`") && failure.what.contains("49153"), "{failure}");
}

#[test]
fn a_token_that_is_not_used_may_be_revoked() {
    let app = [("token", "ghp_old"), ("app-id", "1"), ("app-private-key", "K"), ("revoke-token", "ghp_old")];
    assert_eq!(shown("revoke-token", &app), "ghp_old");
    let new = [("token", "ghp_new"), ("secret-name", "N"), ("secret-value", "ghp_new"), ("revoke-token", "ghp_old")];
    assert_eq!(shown("revoke-token", &new), "ghp_old");
}

#[test]
fn a_refused_secret_is_not_repeated() {
    let value = format!("ghp_hidden\n{}", "y".repeat(50_000));
    for (name, beside) in [("secret-value", ("secret-name", "N")), ("revoke-token", ("dry-run", "true"))] {
        let failure = failure(&[(name, &value), beside]);
        assert!(!failure.to_string().contains("hidden"), "{name}");
    }
}

#[test]
fn a_token_is_missing_only_when_it_is_given_empty() {
    let token = |pairs: &[(&str, &str)]| whole(pairs).unwrap().credential.token;
    assert!(matches!(token(&[("token", "")]), TokenInput::Blank));
    assert!(matches!(token(&[("token", " \n"), ("GH_TOKEN", "ghp_x")]), TokenInput::Blank));
    assert!(matches!(token(&[]), TokenInput::Absent));
    assert_eq!(token(&[("GITHUB_TOKEN", "ghp_b")]).secret().unwrap().expose(), "ghp_b");
    assert_eq!(token(&[("GH_TOKEN", "ghp_a"), ("GITHUB_TOKEN", "ghp_b")]).secret().unwrap().expose(), "ghp_a");
    assert_eq!(token(&[("token", "ghp_c"), ("GH_TOKEN", "ghp_a")]).secret().unwrap().expose(), "ghp_c");
}

#[test]
fn a_token_of_the_workflows_server_stays_there() {
    let withheld = |pairs: &[(&str, &str)]| matches!(whole(pairs).unwrap().credential.token, TokenInput::Withheld { server, .. } if server == "https://github.com");
    let elsewhere = ("repository", "https://ghes.example.test/o/r");
    assert!(withheld(&[elsewhere, ("token", "ghs_own"), ("workflow-token", "ghs_own")]));
    assert!(withheld(&[elsewhere, ("token", " ghs_own"), ("workflow-token", "ghs_own\n")]));
    assert!(withheld(&[elsewhere, ("GH_TOKEN", "ghp_a")]));
    assert!(withheld(&[("server-url", "https://ghes.example.test"), ("GITHUB_TOKEN", "ghp_a")]));
    assert!(!withheld(&[elsewhere, ("token", "ghp_other"), ("workflow-token", "ghs_own")]));
    assert!(!withheld(&[("token", "ghs_own"), ("workflow-token", "ghs_own")]));
    assert!(!withheld(&[elsewhere, ("token", "ghp_a"), ("GH_TOKEN", "ghp_a")]));
}

#[test]
fn an_input_without_effect_is_noticed_and_not_refused() {
    let notices = |pairs: &[(&str, &str)]| whole(pairs).unwrap().notices;
    assert_eq!(notices(&[("tag-exists", "move")]), ["`tag-exists` has no effect without `tag`."]);
    assert_eq!(notices(&[("tag-message", "x")]), ["`tag-message` has no effect without `tag`."]);
    assert_eq!(
        notices(&[("refs", "main"), ("history", "single")]),
        ["`history` has no effect without `directory` or `remove`."]
    );
    assert!(
        notices(&[("history", "append"), ("nojekyll", "auto"), ("payload", " {} "), ("timeout", "900s")]).is_empty()
    );
    let tag = [("signing-key", "K"), ("tag", "v1"), ("tag-message", "m")];
    assert!(notices(&tag[..2])[0].starts_with("`signing-key` signs no lightweight tag"));
    assert!(notices(&tag).is_empty());
    assert_eq!(notices(&[("refs", "main"), ("sign", "no")]), ["`sign` has no effect without `directory` or `remove`."]);
    assert_eq!(
        notices(&[("refs", "main"), ("pull-request", "false"), ("pull-request-merge", "squash")]),
        ["`pull-request-merge` has no effect without `pull-request`."]
    );
    assert!(notices(&[("directory", "x"), ("cname", "a.example.test"), ("history", "single")]).is_empty());
}

#[test]
fn p10_inputs_of_a_push_that_pushes_nothing_are_a_warning() {
    let warnings = |pairs: &[(&str, &str)]| whole(pairs).unwrap().warnings;
    let text = warnings(&[("directory", ""), ("branch", "pages"), ("destination", "v2")]).concat();
    assert!(
        text.starts_with(
            "Nothing is pushed: `directory` and `refs` are empty, although `branch`, `destination` are set."
        ),
        "{text}"
    );
    assert!(whole(&[("directory", ""), ("message", "x")]).unwrap().notices.is_empty());
    for fine in [
        &[("directory", "")][..],
        &[("directory", "x"), ("branch", "b")],
        &[("branch", "gh-pages")],
        &[("refs", "main"), ("keep", "x")],
    ] {
        assert!(warnings(fine).is_empty(), "{fine:?}");
    }
}

#[test]
fn m5_a_host_that_only_the_checkout_names_gets_no_token() {
    let read = |origin: &str, pairs: &[(&str, &str)]| {
        let env = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: crate::context::Environment = env.collect();
        let mut context = crate::context::Context::read(&environment, "/here".into());
        context.origin = Some(origin.to_owned());
        Inputs::read(&Raw::from_environment(environment), &context)
    };
    let token = |origin: &str, pairs: &[(&str, &str)]| read(origin, pairs).unwrap().credential.token;
    let (evil, file) = ("https://evil.example.test/o/r", ("INPUT_TOKEN", "ghp_a"));
    for pairs in [&[file][..], &[("GH_ENTERPRISE_TOKEN", "ghp_a")], &[file, ("GH_HOST", "other.example.test")]] {
        for origin in [evil, "git@evil.example.test:o/r.git", "ssh://git@evil.example.test:22/o/r"] {
            let token = token(origin, pairs);
            assert!(matches!(&token, TokenInput::Unconfirmed { web, .. } if web == evil), "{origin} {token:?}");
        }
    }
    for written in [
        ("GH_HOST", "evil.example.test"),
        ("GITHUB_SERVER_URL", "https://evil.example.test"),
        ("INPUT_REPOSITORY", evil),
        ("INPUT_SERVER-URL", "https://evil.example.test"),
    ] {
        assert!(token(evil, &[file, written]).secret().is_some(), "{written:?}");
    }
    assert!(token("git@github.com:o/r.git", &[file]).secret().is_some());
    let app = [("INPUT_APP-ID", "1"), ("INPUT_APP-PRIVATE-KEY", "k")];
    assert!(read(evil, &app).unwrap_err().to_string().contains("--repository https://evil.example.test/o/r"));
}

#[test]
fn a_variable_holds_the_token_of_the_server_that_gh_means() {
    let laptop = |pairs: &[(&str, &str)]| {
        let env = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: crate::context::Environment = env.collect();
        let context = crate::context::Context::read(&environment, "/here".into());
        let token = Inputs::read(&Raw::from_environment(environment), &context).unwrap().credential.token;
        token.secret().map(|token| token.expose().to_owned())
    };
    let all =
        [("GH_TOKEN", "a"), ("GITHUB_TOKEN", "b"), ("GH_ENTERPRISE_TOKEN", "c"), ("GITHUB_ENTERPRISE_TOKEN", "d")];
    for (place, from, expected) in [
        (("INPUT_REPOSITORY", "o/r"), 0, Some("a")),
        (("INPUT_REPOSITORY", "o/r"), 1, Some("b")),
        (("INPUT_REPOSITORY", "o/r"), 2, None),
        (("INPUT_REPOSITORY", "https://acme.ghe.com/o/r"), 0, Some("a")),
        (("INPUT_REPOSITORY", "https://ghe.acme.test/o/r"), 0, Some("c")),
        (("INPUT_REPOSITORY", "https://ghe.acme.test/o/r"), 3, Some("d")),
    ] {
        assert_eq!(laptop(&[&[place][..], &all[from..]].concat()).as_deref(), expected, "{place:?} {from}");
    }
    let target = ("INPUT_REPOSITORY", "o/r");
    assert_eq!(laptop(&[target, ("GH_HOST", "ghe.acme.test"), all[0], all[2]]).as_deref(), Some("c"));
    assert_eq!(laptop(&[target, ("GH_HOST", "ghe.acme.test"), all[0]]), None);
    assert_eq!(laptop(&[target, ("GH_HOST", "acme.ghe.com"), all[0]]).as_deref(), Some("a"));
    assert_eq!(laptop(&[target, ("GITHUB_SERVER_URL", "https://ghe.acme.test"), all[0]]).as_deref(), Some("a"));
}

#[test]
fn the_defaults_as_the_action_writes_them_are_no_inputs() {
    let read = |pairs: &[(&str, &str)]| {
        let environment = environment(&[RUNNER, pairs].concat());
        let context = Context::read(&environment, PathBuf::from("/here"));
        Inputs::read(&Raw::from_environment(environment), &context)
    };
    let defaults: Vec<(&str, &str)> = INPUTS
        .iter()
        .filter_map(|input| match input.preset {
            table::Preset::Value(value) => Some((input.name, value)),
            _ => None,
        })
        .collect();
    assert!(read(&defaults).is_ok() && read(&[("wait", "false"), ("workflow-inputs", "{ }")]).is_ok());
}

#[test]
fn neither_inputs_nor_plans_print_a_secret() {
    let pairs = [
        ("repository", "o/r"),
        ("token", "ghp_canary0123456789012345678901234567890"),
        ("workflow-token", "ghs_canary0123456789012345678901234567890"),
        ("secret-name", "N"),
        ("secret-value", "a canary"),
    ];
    let inputs = whole(&pairs).unwrap();
    let context = Context::read(&environment(&[RUNNER, &pairs].concat()), PathBuf::from("/here"));
    let plans = crate::plan::Plan::for_targets(&inputs, &context).unwrap();
    let printed = format!("{inputs:?} {inputs:#?} {plans:?} {context:?}");
    assert!(printed.contains("***") && !printed.contains("canary"), "{printed}");
}
