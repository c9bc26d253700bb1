//! Certificates that are trusted, and those that are not: each kind says what was found, and its own next step.

use comrak::nodes::NodeValue;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa};

use crate::{
    front::{self, Authority, Front, Proxy},
    hosts::publish,
    runner::Outcome,
    world::World,
};

/// A certificate that a server signs itself, as `openssl req -x509` makes it unless told otherwise: that of a CA.
fn of_openssl(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut own = CertificateParams::new(names).unwrap();
    own.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    own.distinguished_name.push(DnType::CommonName, "localhost");
    own
}

#[test]
fn t18_a_servers_own_certificate_is_trusted_whatever_its_constraints() {
    let world = World::new();
    let mut no_ca = of_openssl(&["localhost"]);
    no_ca.is_ca = IsCa::ExplicitNoCa;
    let mut for_clients = of_openssl(&["localhost"]);
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    for own in [of_openssl(&["localhost"]), of_openssl(&["*.test", "localhost"]), no_ca, for_clients] {
        let (tls, pem) = front::self_signed(&own);
        let front = Front::with(world.github.url(), tls, pem.clone());
        let server = format!("https://localhost:{}", front.direct.port());
        let stored = [pem.clone(), pem.replace('\n', "\\n"), pem.replace('\n', " ")];
        for text in &stored {
            publish(&world, &server, &front).input("ca-certificate", text).run().succeeded();
        }
    }
}

/// What a server's certificate is made from when a CA signs it.
fn signed(names: &[&str]) -> CertificateParams {
    let mut own = of_openssl(names);
    own.is_ca = IsCa::NoCa;
    own
}

/// A step against a server with this TLS, with `given` as `ca-certificate`. Port and outcome.
#[track_caller]
fn refused(world: &World, tls: tokio_rustls::TlsAcceptor, given: &str) -> (u16, Outcome) {
    let front = Front::with(world.github.url(), tls, given.to_owned());
    let port = front.direct.port();
    let outcome = publish(world, &format!("https://localhost:{port}"), &front).run();
    outcome.failed("tls-certificate-untrusted");
    without_type_names(&outcome);
    assert!(world.github.log().0.is_empty());
    (port, outcome)
}

/// What was found and what to do stand in the annotation and in the summary.
#[track_caller]
fn says(outcome: &Outcome, found: &str, step: &str) {
    let error = outcome.stdout.lines().find(|line| line.starts_with("::error")).unwrap_or_default();
    for text in [error, &as_shown(&outcome.summary)] {
        assert!(text.contains(found) && text.contains(step), "{found}; {step}: {outcome}");
    }
}

/// The words of a summary as GitHub shows them, code between backticks: in the file they stand with entities and tags.
fn as_shown(markdown: &str) -> String {
    let arena = comrak::Arena::new();
    let mut shown = String::new();
    for node in comrak::parse_document(&arena, markdown, &comrak::Options::default()).descendants() {
        match &node.data.borrow().value {
            NodeValue::Text(text) => shown.push_str(text),
            NodeValue::HtmlInline(tag) if ["<code>", "</code>"].contains(&&**tag) => shown.push('`'),
            _ => {}
        }
    }
    shown
}

#[test]
fn t18_a_certificate_out_of_its_time_names_the_clock_and_who_renews_it() {
    let world = World::new();
    let (long_ago, later) = (rcgen::date_time_ymd(2020, 1, 31), rcgen::date_time_ymd(2090, 1, 31));
    let [mut expired, mut early] = [of_openssl(&["localhost"]), of_openssl(&["localhost"])];
    (expired.not_before, expired.not_after) = (long_ago, long_ago);
    (early.not_before, early.not_after) = (later, later);
    // Giving the certificate heals neither; nor does a CA, whose server's certificate has expired.
    let (tls, pem) = front::self_signed(&expired);
    let (port, outcome) = refused(&world, tls, &pem);
    let step = format!("Ask the administrator of localhost:{port} to renew it");
    says(&outcome, "expired on 2020-01-31 00:00 UTC (the clock of this machine shows 2", &step);
    let authority = Authority::new();
    expired.is_ca = IsCa::NoCa;
    let (port, outcome) = refused(&world, authority.sign(&expired, &[]), &authority.pem);
    says(&outcome, "expired on 2020-01-31", &format!("Ask the administrator of localhost:{port} to renew it"));
    let (tls, pem) = front::self_signed(&early);
    let (_, outcome) = refused(&world, tls, &pem);
    says(&outcome, "valid only from 2090-01-31 00:00 UTC on (the clock of", "Set the clock of the runner");
}

#[test]
fn t18_a_certificate_of_other_hosts_names_them() {
    let world = World::new();
    let authority = Authority::new();
    for (names, found, step) in [
        (
            &["ghe.acme.test", "api.acme.test"][..],
            "it was made for ghe.acme.test, api.acme.test, not for localhost",
            "write `https://ghe.acme.test:PORT` into `server-url`",
        ),
        (
            &["a.test", "b.test", "c.test", "d.test", "e.test"],
            "it was made for a.test, b.test, c.test, 2 others, not for localhost",
            "If a.test is the same server",
        ),
        (
            &["*.acme.test"],
            "it was made for *.acme.test, not",
            "a name of the form *.acme.test, with one label for the star",
        ),
        (&["10.1.2.3"], "it was made for 10.1.2.3, not for localhost", "`https://10.1.2.3:PORT`"),
        (&[], "it has no subjectAltName", "with `subjectAltName=DNS:localhost`"),
    ] {
        let (port, outcome) = refused(&world, authority.sign(&signed(names), &[]), &authority.pem);
        says(&outcome, found, &step.replace("PORT", &port.to_string()));
        // A certificate that signs itself is no better off when it is given.
        let (tls, pem) = front::self_signed(&of_openssl(names));
        says(&refused(&world, tls, &pem).1, found, &step.split('`').next().unwrap_or_default().replace("PORT", ""));
    }
    // The address of a server whose certificate has its name.
    let front = Front::with(world.github.url(), authority.server(&["ghe.acme.test"]), authority.pem.clone());
    let outcome = publish(&world, &format!("https://{}", front.direct), &front).run();
    outcome.failed("tls-certificate-untrusted");
    says(&outcome, "not for 127.0.0.1", "If ghe.acme.test is the same server");
}

#[test]
fn t18_a_certificate_whose_signer_is_unknown_says_which_certificate_to_put_in() {
    let world = World::new();
    // One that signed itself: its own fingerprint, so that the right one is exported.
    let (tls, pem) = front::self_signed(&of_openssl(&["localhost"]));
    let (port, outcome) = refused(&world, tls, "");
    let step = format!("openssl s_client -connect localhost:{port}");
    says(&outcome, &format!("its SHA-256 fingerprint is {}", fingerprint(&pem)), &step);
    assert!(!outcome.stdout.contains("which holds others"), "{outcome}");
    let (tls, _) = front::self_signed(&of_openssl(&["localhost"]));
    says(
        &refused(&world, tls, &pem).1,
        "`ca-certificate` does not hold it, which holds others",
        "put the PEM into `ca-certificate`",
    );
    // One of a CA: without the CA's, with another CA's, with one between that is sent or is not.
    let (authority, other) = (Authority::named("Acme Root"), Authority::named("Another Root"));
    let (_, outcome) = refused(&world, authority.server(&["localhost"]), "");
    let step = "for the certificate of the CA \"Acme Root\", and put its PEM into `ca-certificate`";
    says(&outcome, "its issuer \"Acme Root\" is unknown here", step);
    let (_, outcome) = refused(&world, authority.server(&["localhost"]), &other.pem);
    says(&outcome, "nor does a certificate in `ca-certificate`", step);
    let between = authority.under("Acme Issuing");
    let (_, outcome) = refused(&world, between.sign(&signed(&["localhost"]), &[]), &authority.pem);
    says(
        &outcome,
        "\"Acme Issuing\" is unknown here, and the server does not send",
        "should send its certificate along",
    );
    let (_, outcome) = refused(&world, between.sign(&signed(&["localhost"]), &[&between]), "");
    says(&outcome, "it comes from \"Acme Root\"", "the root that signed the CA \"Acme Root\"");
    // The CA was made anew under its old name.
    let renewed = Authority::named("Acme Root");
    let (_, outcome) = refused(&world, authority.server(&["localhost"]), &renewed.pem);
    says(&outcome, "its key did not make this signature", "The CA \"Acme Root\" was probably made anew");
    // What the CA's own certificate heals.
    let front = Front::with(world.github.url(), between.sign(&signed(&["localhost"]), &[&between]), authority.pem);
    publish(&world, &format!("https://localhost:{}", front.direct.port()), &front).run().succeeded();
}

#[test]
fn t18_a_certificate_of_the_wrong_kind_says_which_kind_is_needed() {
    let world = World::new();
    let authority = Authority::named("Acme Root");
    // A CA's certificate, signed by another, where the server's own is needed.
    let (_, outcome) = refused(&world, authority.sign(&of_openssl(&["localhost"]), &[]), &authority.pem);
    says(
        &outcome,
        "it is a CA's certificate (CA:TRUE)",
        "Put the PEM of exactly this certificate into `ca-certificate`",
    );
    let mut for_clients = signed(&["localhost"]);
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let (_, outcome) = refused(&world, authority.sign(&for_clients, &[]), &authority.pem);
    says(&outcome, "it was not made for servers", "with `extendedKeyUsage=serverAuth`");
    // A server's certificate that signs another's.
    let no_ca = authority.under_as("Acme Server", IsCa::ExplicitNoCa);
    let (_, outcome) = refused(&world, no_ca.sign(&signed(&["localhost"]), &[&no_ca]), &authority.pem);
    says(&outcome, "is not a CA's (CA:FALSE)", "that is signed by a CA's (CA:TRUE)");
    // A CA that is allowed to sign for other hosts alone.
    let narrow = authority.for_hosts_below("acme.test");
    let (_, outcome) = refused(&world, narrow.sign(&signed(&["localhost"]), &[&narrow]), &authority.pem);
    says(&outcome, "name constraints", "of a CA that is allowed to sign for that host name");
}

#[test]
fn t18_who_opens_tls_on_the_way_is_not_taken_for_github() {
    let world = World::new();
    let authority = Authority::named("Acme Inspection");
    let front = Front::with(world.github.url(), authority.server(&["github.com", "api.github.com"]), String::new());
    let proxy = Proxy::start(&front, false);
    let outcome = publish(&world, "https://github.com", &front).env("HTTPS_PROXY", proxy.url("")).run();
    outcome.failed("tls-certificate-untrusted");
    says(&outcome, "its issuer \"Acme Inspection\" is unknown here", "such as a proxy that opens TLS");
    assert!(!outcome.stdout.contains("administrator of"), "{outcome}");
    // The proxy's own certificate: no question of `server-url`.
    let front = Front::with(world.github.url(), authority.server(&["proxy.acme.test"]), authority.pem.clone());
    let proxy = format!("https://localhost:{}", front.direct.port());
    let outcome = publish(&world, "https://github.com", &front).env("HTTPS_PROXY", &proxy).run();
    outcome.failed("tls-certificate-untrusted");
    says(&outcome, "it was made for proxy.acme.test", "write this name into `HTTPS_PROXY`");
    assert!(!outcome.stdout.contains("server-url"), "{outcome}");
    assert!(world.github.log().0.is_empty());
}

#[test]
fn where_no_tls_is_spoken_no_certificate_is_blamed() {
    let world = World::new();
    let front = Front::start(world.github.url(), &["localhost"]);
    let plain = world.github.url().replace("http://127.0.0.1", "https://localhost");
    let outcome = publish(&world, &plain, &front).input("attempts", "1").run();
    outcome.failed("connection-failed");
    assert!(outcome.stdout.contains("the answer is not TLS"), "{outcome}");
    without_type_names(&outcome);
    assert!(world.github.log().0.is_empty());
}

/// SHA-256 as `openssl x509 -fingerprint -sha256` prints it.
fn fingerprint(pem: &str) -> String {
    let der = pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
    let der = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, der).unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, &der);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

#[test]
fn t18_what_is_no_certificate_is_told_by_what_it_is() {
    let world = World::new();
    let pem = front::self_signed(&of_openssl(&["localhost"])).1;
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for (text, words) in [
        (base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &pem), "PEM in base64"),
        (key, "a private key, not a certificate"),
        (pem[..200].to_owned(), "no whole certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".to_owned(), "certificate 1 in it is damaged"),
    ] {
        let outcome = world.publish().input("ca-certificate", &text).run();
        outcome.failed("invalid-input");
        assert!(outcome.stdout.contains(words), "{words}: {outcome}");
        without_type_names(&outcome);
    }
    assert!(world.github.log().0.is_empty());
}

/// No name of a library's type stands in a message.
#[track_caller]
fn without_type_names(outcome: &Outcome) {
    for name in
        ["OtherError", "UnknownIssuer", "CaUsed", "BadEncoding", "NotValid", "InvalidContent", "Context {", "DnsName"]
    {
        assert!(!outcome.stdout.contains(name) && !outcome.summary.contains(name), "{name}: {outcome}");
    }
}
