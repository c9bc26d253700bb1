//! The ways to write a repository, and the refusals of addresses that name none.

use std::path::PathBuf;

use super::*;

const RUNNER: [(&str, &str); 3] = [
    ("GITHUB_REPOSITORY", "own/source"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_API_URL", "https://api.github.com"),
];

fn context(pairs: &[(&str, &str)]) -> Context {
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Context::read(&environment, PathBuf::from("/here"))
}

fn targets(lines: &[&str]) -> Result<Vec<String>, Failure> {
    let resolved = resolve(lines, None, None, &context(&RUNNER))?;
    Ok(resolved.list.iter().map(|target| format!("{} {}", target.web(), target.api)).collect())
}

#[test]
fn every_way_to_write_a_repository_names_the_same_target() {
    for line in [
        "o/r",
        "o/r.git",
        "https://github.com/o/r",
        "https://github.com/o/r/",
        "https://github.com/o/r.git",
        "https://github.com/o/r.git/",
        "HTTPS://GitHub.com/o/r",
        "https://github.com:443/o/r",
        "git@github.com:o/r.git",
        "git@github.com:o/r",
        "git@GitHub.com:/o/r.git",
        "ssh://git@github.com/o/r.git",
        "ssh://git@github.com:22/o/r.git",
        "ssh://git@ssh.github.com:443/o/r.git",
    ] {
        assert_eq!(targets(&[line]).unwrap(), ["https://github.com/o/r https://api.github.com"], "{line}");
    }
}

#[test]
fn an_address_brings_its_own_server() {
    for (line, expected) in [
        (
            "https://ghes.example.test:8443/o/r",
            "https://ghes.example.test:8443/o/r https://ghes.example.test:8443/api/v3",
        ),
        ("git@acme.ghe.com:o/r.git", "https://acme.ghe.com/o/r https://api.acme.ghe.com"),
        ("ssh://git@ghes.example.test:2222/o/r", "https://ghes.example.test/o/r https://ghes.example.test/api/v3"),
        ("http://127.0.0.1:4000/o/r", "http://127.0.0.1:4000/o/r http://127.0.0.1:4000/api/v3"),
        ("http://[::1]:4000/o/r", "http://[::1]:4000/o/r http://[::1]:4000/api/v3"),
    ] {
        assert_eq!(targets(&[line]).unwrap(), [expected], "{line}");
    }
}

#[test]
fn what_is_no_repository_is_refused_with_what_would_be() {
    for line in [
        "owner",
        "a/b/c",
        "github.com/o/r",
        "https://github.com/o",
        "https://github.com/o/r/tree/main",
        "https://github.com/o/r?x=1",
        "https://github.com/o/r#readme",
        "git://github.com/o/r",
        "file:///o/r",
        "https:///o/r",
        "git@github.com:r",
        "@github.com:o/r",
        "git@:o/r",
        "o r/x",
        "https://u@github.com/o/r",
        "ssh://git:pw@github.com/o/r",
        "C:\\o\\r",
        "//o/r",
    ] {
        let failure = targets(&[line]).unwrap_err();
        assert_eq!(failure.cause, Cause::InvalidInput, "{line}");
        assert!(failure.what.contains("`repository`") && failure.what.contains("owner/name"), "{}", failure.what);
    }
}

#[test]
fn a_credential_in_an_address_is_not_repeated() {
    for line in [
        "https://x-access-token:ghp_hidden@github.com/o/r",
        "https://ghp_hidden@github.com/o/r",
        "https://u:ghp_hidden/x@github.com/o/r",
        "u:ghp_hidden@github.com:o/r",
        "ssh://git:ghp_hidden@github.com/o/r",
        "ghp_hidden@github.com/o/r",
    ] {
        let failure = targets(&[line]).unwrap_err();
        assert!(!failure.to_string().contains("hidden"), "{failure}");
    }
    let failure = resolve(&["o/r"], Some("https://u:ghp_hidden@x y"), None, &context(&RUNNER)).err().unwrap();
    assert!(!failure.to_string().contains("hidden"), "{failure}");
}

#[test]
fn plain_http_is_insecure_wherever_it_stands() {
    let cause =
        |lines: &[&str], server, api, context: &Context| resolve(lines, server, api, context).err().unwrap().cause;
    let runner = context(&RUNNER);
    assert_eq!(cause(&["http://ghes.example.test/o/r"], None, None, &runner), Cause::InsecureUrl);
    assert_eq!(cause(&["o/r"], Some("http://ghes.example.test"), None, &runner), Cause::InsecureUrl);
    assert_eq!(cause(&["o/r"], None, Some("http://api.github.com"), &runner), Cause::InsecureUrl);
    let plain = context(&[("GITHUB_SERVER_URL", "http://ghes.example.test")]);
    assert_eq!(cause(&["o/r"], None, None, &plain), Cause::InsecureUrl);
}

#[test]
fn one_named_twice_is_relayed_once_with_a_notice() {
    let resolved = resolve(&["o/r", "o/other", "https://github.com/O/R.git"], None, None, &context(&RUNNER)).unwrap();
    assert_eq!(resolved.list.iter().map(|target| target.slug.to_string()).collect::<Vec<_>>(), ["o/r", "o/other"]);
    assert_eq!(resolved.notices, ["`repository` names O/R more than once; it is relayed once."]);
    let lines = ["o/a", "o/b", "o/c", "o/d", "o/e", "o/f", "o/g"];
    let notices = |lines: &[&str]| resolve(lines, None, None, &context(&RUNNER)).unwrap().notices;
    assert_eq!(notices(&lines), [""; 0]);
    let text = "`repository` names o/a, o/b, o/c, o/d, o/e and 2 others more than once; each is relayed once.";
    assert_eq!(notices(&[lines, lines, lines].concat()), [text]);
}

#[test]
fn targets_on_two_servers_are_refused() {
    let failure = targets(&["o/r", "https://ghes.example.test/o/r"]).unwrap_err();
    assert_eq!(failure.cause, Cause::InvalidInput);
    assert!(failure.what.contains("https://github.com") && failure.what.contains("https://ghes.example.test"));
}

#[test]
fn without_a_line_it_is_the_workflows_own_or_origin() {
    assert_eq!(targets(&[]).unwrap(), ["https://github.com/own/source https://api.github.com"]);
    let mut laptop = context(&[]);
    assert!(resolve(&[], None, None, &laptop).err().unwrap().what.contains("`repository`"));
    laptop.origin = Some("https://me:ghp_x@github.com/o/r.git".to_owned());
    assert_eq!(resolve(&[], None, None, &laptop).unwrap().list[0].web(), "https://github.com/o/r");
    laptop.origin = Some("acme@acme.ghe.com:o/r.git".to_owned());
    let resolved = resolve(&[], None, None, &laptop).unwrap();
    assert_eq!(resolved.list[0].web(), "https://acme.ghe.com/o/r");
    assert_eq!(resolved.ssh.unwrap().user, "acme");
}

#[test]
fn the_rest_address_is_the_runners_on_its_own_server_and_derived_elsewhere() {
    let runner = context(&[
        ("GITHUB_SERVER_URL", "https://ghes.example.test"),
        ("GITHUB_API_URL", "https://ghes.example.test/custom"),
    ]);
    let api =
        |line: &str, api: Option<&str>| Ok::<_, Failure>(resolve(&[line], None, api, &runner)?.list[0].api.to_string());
    assert_eq!(api("o/r", None).unwrap(), "https://ghes.example.test/custom");
    assert_eq!(api("https://github.com/o/r", None).unwrap(), "https://api.github.com");
    assert_eq!(api("o/r", Some("https://ghes.example.test/api/v3/")).unwrap(), "https://ghes.example.test/api/v3");
    assert_eq!(api("o/r", Some("https://api.ghes.example.test")).unwrap(), "https://api.ghes.example.test");
    for elsewhere in
        ["https://api.github.com", "https://evil.example.test/ghes.example.test", "https://x.ghes.example.test"]
    {
        let failure = api("o/r", Some(elsewhere)).unwrap_err();
        assert_eq!(failure.cause, Cause::InvalidInput, "{elsewhere}");
        assert!(failure.what.contains("`api-url`"), "{failure}");
    }
}

#[test]
fn an_api_variable_of_another_host_gets_no_credential() {
    let odd = context(&[("GITHUB_SERVER_URL", "http://127.0.0.1:1"), ("GITHUB_API_URL", "https://api.github.com")]);
    assert!(resolve(&["o/r"], None, None, &odd).err().unwrap().what.contains("GITHUB_API_URL"));
}

#[test]
fn a_tenant_is_entered_under_its_own_name() {
    let route =
        |lines: &[&str]| Ok::<_, Failure>(resolve(lines, None, None, &context(&RUNNER))?.ssh.unwrap().to_string());
    for line in
        ["git@acme.ghe.com:o/r.git", "ssh://git@acme.ghe.com/o/r", "ssh://acme.ghe.com:22/o/r", "acme@acme.ghe.com:o/r"]
    {
        assert_eq!(route(&[line]).unwrap(), "acme@acme.ghe.com", "{line}");
    }
    assert_eq!(route(&["git@acme.ghe.com:o/a", "acme@acme.ghe.com:o/b"]).unwrap(), "acme@acme.ghe.com");
    assert_eq!(route(&["deploy@acme.ghe.com:o/r"]).unwrap(), "deploy@acme.ghe.com");
}

#[test]
fn an_ssh_address_on_the_known_server_keeps_that_servers_port() {
    let runner = context(&[("GITHUB_SERVER_URL", "http://127.0.0.1:4000")]);
    let resolved = resolve(&["ssh://deploy@127.0.0.1:2222/o/r.git"], None, None, &runner).unwrap();
    assert_eq!(resolved.list[0].web(), "http://127.0.0.1:4000/o/r");
    assert_eq!(resolved.ssh.unwrap().to_string(), "deploy@127.0.0.1:2222");
    assert!(resolve(&["git@127.0.0.1:o/a", "ssh://git@127.0.0.1:2222/o/b"], None, None, &runner).is_err());
}
