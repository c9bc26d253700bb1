//! github.com, a tenant of GHE.com, an Enterprise Server behind a private CA, and the proxies on the way to them.

use emulator::faults::{Fault, FaultRule};

use crate::{
    front::{Front, Proxy},
    runner::Step,
    world::{TARGET, World},
};

const GITHUB: &[&str] = &["github.com", "api.github.com"];
const TENANT: &[&str] = &["acme.ghe.com", "api.acme.ghe.com"];

/// A step in a workflow of github.com that publishes to `server` by way of `front`.
pub(crate) fn publish(world: &World, server: &str, front: &Front) -> Step {
    Step::new("https://github.com")
        .env("GITHUB_API_URL", "https://api.github.com")
        .input("repository", format!("{server}/{TARGET}"))
        .input("token", world.token.value())
        .input("ca-certificate", &front.authority)
        .input("directory", "site")
        .input("dispatch", "published")
        .file("site/index.html", "hello")
}

#[test]
fn an_enterprise_server_behind_a_private_ca_is_reached_from_another_servers_workflow() {
    let world = World::new();
    let front = Front::start(world.github.url(), &["localhost"]);
    let server = format!("https://localhost:{}", front.direct.port());
    let outcome = publish(&world, &server, &front).run();
    outcome.succeeded();
    assert_eq!(outcome.output("commit"), world.tip("refs/heads/gh-pages").unwrap());
    assert_eq!(outcome.output("dispatched"), "true");
    assert_eq!(outcome.report()["targets"][0]["server"], server);
    let log = world.github.log();
    assert!(log.rest().all(|entry| entry.path.starts_with("/api/v3/")));
    assert!(log.0.iter().all(|entry| entry.token.as_deref() != Some("unknown")));
}

#[test]
fn without_its_certificate_it_is_not_trusted() {
    let world = World::new();
    let front = Front::start(world.github.url(), &["localhost"]);
    let server = format!("https://localhost:{}", front.direct.port());
    for authority in ["", &Front::start(world.github.url(), &["localhost"]).authority] {
        let outcome = publish(&world, &server, &front).input("ca-certificate", authority).run();
        outcome.failed("tls-certificate-untrusted");
        assert!(outcome.summary.contains("ca-certificate"), "{}", outcome.summary);
    }
    assert!(world.github.log().0.is_empty());
}

#[test]
fn the_workflows_own_token_goes_to_no_other_server() {
    let world = World::new();
    let front = Front::start(world.github.url(), &["localhost"]);
    let server = format!("https://localhost:{}", front.direct.port());
    let step = publish(&world, &server, &front).input("workflow-token", world.token.value());
    let outcome = step.run();
    outcome.failed("token-missing");
    assert!(outcome.summary.contains("Make a token on the target's own server"), "{}", outcome.summary);
    assert!(world.github.log().0.is_empty());
}

#[test]
fn each_server_has_its_own_interface_and_all_goes_through_the_proxy() {
    for (names, server) in [(GITHUB, "https://github.com"), (TENANT, "https://acme.ghe.com")] {
        for (password, user) in [(false, ""), (true, "ada:s3cret@")] {
            let world = World::new();
            let front = Front::start(world.github.url(), names);
            let proxy = Proxy::start(&front, password);
            let outcome = publish(&world, server, &front).env("HTTPS_PROXY", proxy.url(user)).run();
            outcome.succeeded();
            assert!(world.tip("refs/heads/gh-pages").is_some());
            let hosts: Vec<String> = names.iter().map(|name| format!("{name}:443")).collect();
            assert_eq!(front.asked().len(), 2, "{:?}", front.asked());
            assert!(hosts.iter().all(|host| front.asked().contains(host)), "{:?}", front.asked());
            assert!(!outcome.stdout.contains("s3cret") && !outcome.stderr.contains("s3cret"));
        }
    }
}

#[test]
fn a_proxy_that_refuses_is_named_without_its_password() {
    let world = World::new();
    let front = Front::start(world.github.url(), GITHUB);
    let proxy = Proxy::start(&front, true);
    for user in ["", "ada:wrong-pass@"] {
        let step = publish(&world, "https://github.com", &front).env("https_proxy", proxy.url(user));
        let outcome = step.input("attempts", "2").run();
        outcome.failed("connection-failed");
        assert!(outcome.stdout.contains("proxy"), "{outcome}");
        assert!(!outcome.stdout.contains("wrong-pass") && !outcome.summary.contains("wrong-pass"));
    }
    assert!(front.asked().is_empty());
}

#[test]
fn no_proxy_is_heard() {
    let world = World::new();
    let front = Front::start(world.github.url(), &["localhost"]);
    let proxy = Proxy::start(&front, false);
    let server = format!("https://localhost:{}", front.direct.port());
    let step = || publish(&world, &server, &front).env("HTTPS_PROXY", proxy.url(""));
    step().env("NO_PROXY", "example.test,localhost").run().succeeded();
    assert!(front.asked().is_empty());
    step().env("no_proxy", "example.test").run().succeeded();
    assert_eq!(front.asked(), [format!("localhost:{}", front.direct.port())]);
}

#[test]
fn a_dry_run_and_the_budget_hold_behind_a_proxy_too() {
    let world = World::new();
    let front = Front::start(world.github.url(), GITHUB);
    let proxy = Proxy::start(&front, false);
    let step = || publish(&world, "https://github.com", &front).env("HTTPS_PROXY", proxy.url(""));
    step().input("dry-run", "true").run().succeeded();
    assert_eq!(world.tip("refs/heads/gh-pages"), None);
    let step = step().env("HTTPS_PROXY", "http://127.0.0.1:9").input("timeout", "3s").input("attempts", "100");
    let outcome = step.run();
    // Between two tries the budget ends with the cause of the last one, within a try with its own; either tells what was met.
    assert!(["connection-failed", "timeout"].contains(&outcome.output("error")), "{outcome}");
    assert!(outcome.status == Some(1) && outcome.stdout.contains("127.0.0.1:9"), "{outcome}");
    assert!(outcome.took.as_secs() < 6, "{:?}", outcome.took);
}

#[test]
fn no_redirect_takes_the_credential_elsewhere() {
    for (method, path, status) in [
        ("GET", "*/info/refs", 302),
        ("GET", "*/info/refs", 307),
        ("GET", "/api/v3/repos/acme/site", 301),
        ("POST", "*/git-upload-pack", 307),
        ("POST", "*/git-receive-pack", 301),
        ("POST", "*/git-receive-pack", 307),
        ("POST", "*/dispatches", 307),
        ("POST", "*/dispatches", 308),
    ] {
        let (world, thief) = (World::new(), World::new());
        let before = world.github.repository(TARGET).commit("refs/heads/gh-pages", &[("old.html", b"old")], "before");
        let rule = FaultRule::on(method, path, Fault::Redirect(status, format!("{}/acme/site", thief.github.url())));
        world.github.fault(rule.first(1));
        let outcome = world.publish().input("dispatch", "published").input("attempts", "1").run();
        assert!(thief.github.log().0.is_empty(), "{method} {path} {status}: {outcome}");
        if path.starts_with('*') {
            outcome.failed("connection-failed");
            let reason = if status == 301 { "turn a write into a read" } else { "must not see the credential" };
            assert!(outcome.stdout.contains(reason), "{outcome}");
        }
        if path.contains("info/refs") || path.contains("-pack") {
            assert_eq!(world.tip("refs/heads/gh-pages"), Some(before), "{outcome}");
        }
    }
}

/// How many of the requests came through a proxy, of how many.
fn forwarded(world: &World) -> (usize, usize) {
    let log = world.github.log();
    assert!(log.0.iter().all(|entry| entry.header("proxy-authorization").is_none()), "the password is the proxy's");
    let through = log.0.iter().filter(|entry| entry.header("via").is_some()).count();
    world.github.clear_log();
    (through, log.0.len())
}

#[test]
fn a_server_on_this_machine_is_reached_by_the_proxy_that_is_named_for_plain_http() {
    for (password, user) in [(false, ""), (true, "ada:s3cret@")] {
        let world = World::new();
        let proxy = Proxy::open(password);
        for variable in ["HTTP_PROXY", "http_proxy"] {
            let step = world.publish().input("allow-empty", "true").env(variable, proxy.url(user));
            step.run().succeeded();
            let (through, all) = forwarded(&world);
            assert!(through == all && all > 4, "{variable}: {through} of {all}");
        }
    }
    let (world, proxy) = (World::new(), Proxy::open(true));
    let outcome = world.publish().env("HTTP_PROXY", proxy.url("")).input("attempts", "1").run();
    outcome.failed("connection-failed");
    assert!(outcome.stdout.contains("asks for a user name and password"), "{outcome}");
    assert!(world.github.log().0.is_empty());
}

#[test]
fn no_proxy_is_heard_in_all_its_forms() {
    let world = World::new();
    let proxy = Proxy::open(false);
    for (names, past) in [
        ("*", true),
        ("127.0.0.1", true),
        ("127.0.0.0/8", true),
        ("example.test, 127.0.0.1 ,10.0.0.0/8", true),
        ("example.test 127.0.0.1", true),
        ("", false),
        ("10.0.0.0/8", false),
        ("27.0.0.1,0.0.1", false),
        ("localhost", false),
    ] {
        for variable in ["NO_PROXY", "no_proxy"] {
            let step = world.step().env("HTTP_PROXY", proxy.url("")).env(variable, names);
            step.run().succeeded();
            let (through, all) = forwarded(&world);
            assert_eq!(through, if past { 0 } else { all }, "{variable}={names}");
        }
    }
}

#[test]
fn names_in_no_proxy_stand_for_what_is_below_them_too() {
    let world = World::new();
    let front = Front::start(world.github.url(), &["localhost"]);
    let proxy = Proxy::start(&front, false);
    let server = format!("https://localhost:{}", front.direct.port());
    for names in ["LOCALHOST", ".localhost", "*"] {
        let step = publish(&world, &server, &front).input("allow-empty", "true").env("HTTPS_PROXY", proxy.url(""));
        step.env("NO_PROXY", names).run().succeeded();
        assert!(front.asked().is_empty(), "{names}");
    }
    let step = publish(&world, &server, &front).env("HTTPS_PROXY", proxy.url("")).env("NO_PROXY", "host,ocalhost");
    step.run().succeeded();
    assert_eq!(front.asked().len(), 1);
}
