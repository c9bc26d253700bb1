//! The forms that values come in, each with one reader; what is wrong is said in a clause that ends no sentence.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use url::Host;

use super::{Refspec, Wait};
use crate::names::Author;
use crate::{
    credential::{Secret, repaired_key_text},
    names::RefName,
};

/// The longest time an input may name. A job lasts at most five days.
// Anything longer is a slip of units, and a moment so far away overflows the arithmetic of instants.
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// `true` and `false` as YAML 1.2's core schema writes them.
///
/// Source: <https://yaml.org/spec/1.2.2/#103-core-schema>
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// How far runs are followed; `false` is what YAML 1.1 makes of `no`.
pub(super) fn wait(text: &str) -> Option<Wait> {
    match text {
        "no" => Some(Wait::No),
        "started" => Some(Wait::Started),
        "completed" => Some(Wait::Completed),
        _ => (boolean(text) == Some(false)).then_some(Wait::No),
    }
}

/// The secret without its outer white space.
pub(super) fn trimmed(secret: &Secret) -> Secret {
    Secret::new(secret.expose().trim().to_owned())
}

/// The items of a list: one a line, outer white space cut, empty lines left out.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    // A YAML block ends with a line break and is often indented by an expression.
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// A time such as `90s`, `10m`, `1h30m`; more than nothing, and at most thirty days.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    // With no time at all every stage would fail before it begins, with a message about its server.
    if time.is_zero() {
        return Err("it is no time at all".to_owned());
    }
    if time > LONGEST {
        return Err("it is longer than 30 days".to_owned());
    }
    Ok(time)
}

/// `Name <email>`.
pub(super) fn author(text: &str) -> Option<Author> {
    let (name, rest) = text.split_once('<')?;
    let (name, email) = (name.trim(), rest.strip_suffix('>')?.trim());
    // git writes `<`, `>` and line breaks as the structure of a commit object, where nothing can be quoted.
    let plain = |part: &str| !part.is_empty() && !part.contains(['<', '>']) && !part.contains(char::is_control);
    (plain(name) && plain(email) && !email.contains(char::is_whitespace))
        .then(|| Author { name: name.to_owned(), email: email.to_owned() })
}

/// A host name with at least two labels: what Pages serves a site under.
pub(super) fn host_name(text: &str) -> bool {
    let labels = text.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    // `localhost` and wildcards are host names to the parser; Pages serves neither.
    labels && text.contains('.') && !text.contains('*') && matches!(Host::parse(text), Ok(Host::Domain(_)))
}

/// The PEM certificates of a text with their line breaks back in place, as [`repaired_key_text`] does for a key. What stands
/// between them is left out; a text without any is as it was.
pub(super) fn repaired_certificates(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut repaired = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(BEGIN) {
        let Some(length) = rest[begin..].find(END) else { return text.to_owned() };
        let end = begin + length + END.len();
        repaired.push_str(&repaired_key_text(&rest[begin..end]));
        rest = &rest[end..];
    }
    if repaired.is_empty() { text.to_owned() } else { repaired }
}

/// Whether the text holds at least one certificate, and no broken one.
pub(super) fn certificates(text: &str) -> bool {
    let mut found = CertificateDer::pem_slice_iter(text.as_bytes()).peekable();
    // `all` holds for no certificate at all, so one has to be there first.
    found.peek().is_some() && found.all(|certificate| certificate.is_ok())
}

/// A name of an Actions secret.
///
/// Source: <https://docs.github.com/en/actions/reference/security/secrets#naming-your-secrets>
pub(super) fn secret_name(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        // GitHub stores names in upper case, so the reserved prefix is refused in any spelling.
        && !text.to_ascii_uppercase().starts_with("GITHUB_")
}

/// A file of `.github/workflows`, with or without that folder before it.
pub(super) fn workflow_file(text: &str) -> Option<String> {
    // People copy the path from the repository; GitHub's REST API takes the file name alone.
    let name = text.trim_start_matches("./");
    let name = name.strip_prefix(".github/workflows/").unwrap_or(name);
    // The name becomes part of a REST path: nothing in it may lead to another endpoint.
    let plain = !name.is_empty() && !matches!(name, "." | "..") && !name.contains(['/', '\\']);
    (plain && !name.contains(char::is_control)).then(|| name.to_owned())
}

/// A commit, branch or tag by name: what one ref name, short or full, can be.
pub(super) fn ref_or_commit(text: &str) -> bool {
    if text.starts_with("refs/") { text.parse::<RefName>().is_ok() } else { RefName::branch(text).is_ok() }
}

/// One refspec of `git push`. An expression such as `HEAD~1` or an object id needs a destination beside it.
///
/// Source: <https://git-scm.com/docs/git-push#Documentation/git-push.txt-refspec>
pub(super) fn refspec(line: &str) -> Result<Refspec, String> {
    if let Some(left_out) = line.strip_prefix('^') {
        // A short name leaves open whether a branch or a tag is meant, and would leave out too much or nothing.
        if !left_out.starts_with("refs/") || !is_pattern(left_out) {
            return Err(
                "what stands after `^` must be a whole name or a pattern of such, which begin with refs/".to_owned()
            );
        }
        return Ok(Refspec { force: false, negative: true, source: Some(left_out.to_owned()), destination: None });
    }
    // NOTE: on a command line these are two words: `git push origin tag v1`.
    if let Some(("tag", name)) = line.split_once(char::is_whitespace) {
        let tag = RefName::tag(name.trim()).map_err(|error| error.to_string())?;
        return Ok(Refspec { force: false, negative: false, source: Some(tag.to_string()), destination: None });
    }
    let (force, rest) = match line.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (source, destination) = match rest.split_once(':') {
        Some((source, destination)) => (source, Some(destination)),
        None => (rest, None),
    };
    let spec = Refspec {
        force,
        negative: false,
        source: Some(source.to_owned()).filter(|source| !source.is_empty()),
        destination: destination.map(str::to_owned),
    };
    match (spec.source.as_deref(), destination) {
        (None, None) => Err("it names no ref".to_owned()),
        // `:` and `+:` are git's "matching": the branches that both sides have.
        (None, Some("")) => Ok(spec),
        (Some(_), Some("")) => Err("nothing stands after `:`; leave `:` out to keep the name".to_owned()),
        (None, Some(name)) if name.contains('*') || !ref_or_commit(name) => {
            Err("what stands after `:` is no ref that can be deleted".to_owned())
        }
        // An id has no name of its own that it could get at the target.
        (Some(source), None) if is_object_id(source) => {
            Err("an object id needs a destination, such as ID:refs/heads/main".to_owned())
        }
        (Some(source), None) if !is_pattern(source) => Err("it is no ref name or pattern".to_owned()),
        (Some(source), Some(name)) if !is_pattern(name) || !is_source(source) => {
            Err("it is not of the form SOURCE:DESTINATION".to_owned())
        }
        // What the star stands for on one side is filled in on the other.
        (Some(source), Some(name)) if source.contains('*') != name.contains('*') => {
            Err("`*` must stand on both sides of `:`, or on none".to_owned())
        }
        _ => Ok(spec),
    }
}

/// A ref name, short or full, with at most one `*` in it.
fn is_pattern(text: &str) -> bool {
    text.matches('*').count() <= 1 && ref_or_commit(&text.replace('*', "x"))
}

/// What `git rev-parse` may take, or a pattern.
fn is_source(text: &str) -> bool {
    is_pattern(text)
        || !text.contains('*')
            // To `git rev-parse` these are an option, a negation, and with `..` a range: no single commit.
            && !text.starts_with(['-', '^'])
            && !text.contains(char::is_whitespace)
            && !text.contains("..")
}

fn is_object_id(text: &str) -> bool {
    // SHA-1 alone: GitHub hosts no repository in the SHA-256 format.
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_those_of_yaml_1_2() {
        for text in ["true", "True", "TRUE"] {
            assert_eq!(boolean(text), Some(true));
        }
        for text in ["false", "False", "FALSE"] {
            assert_eq!(boolean(text), Some(false));
        }
        for text in ["yes", "no", "on", "off", "1", "0", "tRUE", "y", "~"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }

    #[test]
    fn a_list_has_one_item_a_line_and_commas_are_data() {
        assert_eq!(lines(" a,b \r\n\n\t c \n").collect::<Vec<_>>(), ["a,b", "c"]);
    }

    #[test]
    fn times_are_read_and_nonsense_is_not() {
        let seconds = |text| duration(text).map(|time| time.as_secs());
        assert_eq!((seconds("90s"), seconds("10m"), seconds("1h30m")), (Ok(90), Ok(600), Ok(5400)));
        for wrong in ["0s", "0", "10", "ten minutes", "-5m", "1x", "31days", "999999999999999999999h", ""] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_author_is_a_name_and_an_address() {
        let bot = author("github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>").unwrap();
        assert_eq!(bot.name, "github-actions[bot]");
        assert_eq!(bot.to_string(), "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>");
        for wrong in ["octocat", "<a@b>", "a <>", "a <b@c> d", "a <b <c>>", "a\nb <c@d>", "a <b c@d>"] {
            assert_eq!(author(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_cname_is_a_host_name_alone() {
        for fine in ["www.example.com", "example.com", "bücher.example"] {
            assert!(host_name(fine), "{fine}");
        }
        for wrong in [
            "https://example.com",
            "example.com/x",
            "10.0.0.1",
            "localhost",
            "a b.com",
            "a..com",
            "*.a.com",
            "a.com:80",
        ] {
            assert!(!host_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn certificates_are_whole_pem() {
        let good = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(certificates(good));
        for wrong in ["", "AAAA", &good[..40], "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(!certificates(&repaired_certificates(wrong)), "{wrong}");
        }
        let two = good.repeat(2);
        for text in [
            two.replace('\n', "\\n"),
            two.replace('\n', " "),
            two.replace('\n', "\r\n"),
            format!("{two:?}"),
            format!("# ours\n{two}"),
        ] {
            assert_eq!(repaired_certificates(&text), two, "{text}");
        }
    }

    #[test]
    fn names_of_secrets_and_workflows_are_checked() {
        for (name, fine) in
            [("NPM_TOKEN", true), ("_x1", true), ("1X", false), ("A-B", false), ("Github_X", false), ("", false)]
        {
            assert_eq!(secret_name(name), fine, "{name}");
        }
        assert_eq!(workflow_file(".github/workflows/deploy.yml").as_deref(), Some("deploy.yml"));
        assert_eq!(workflow_file("deploy.yml").as_deref(), Some("deploy.yml"));
        for wrong in ["../x.yml", "a/b.yml", "..", "", "a\tb"] {
            assert_eq!(workflow_file(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn refspecs_are_those_of_git_push() {
        for fine in [
            "main",
            "+main",
            "HEAD",
            "HEAD:gh-pages",
            "+HEAD~1:refs/heads/x",
            "refs/tags/*",
            "refs/heads/*:refs/heads/m/*",
            ":old",
            "+:refs/tags/old",
            "0123456789abcdef0123456789abcdef01234567:refs/heads/x",
            "main:main",
            ":",
            "+:",
            "^refs/heads/main",
            "^refs/tags/nightly-*",
        ] {
            assert_eq!(refspec(fine).map(|spec| spec.to_string()), Ok(fine.to_owned()));
        }
        assert_eq!(refspec("tag v1").map(|spec| spec.to_string()), Ok("refs/tags/v1".to_owned()));
        for wrong in [
            "+",
            "main:",
            "a:b:c",
            ":refs/heads/*",
            "a b",
            "refs/*/*",
            "refs/heads/*:x",
            "HEAD~1",
            "^main",
            "^",
            "+^refs/heads/main",
            "^refs/heads/*/*",
            "^refs/heads/a:refs/heads/b",
            "tag ",
            "tag v1:v2",
            "tag v 1",
            "-x:y",
            "0123456789abcdef0123456789abcdef01234567",
            "a..b:c",
        ] {
            assert!(refspec(wrong).is_err(), "{wrong}");
        }
    }
}
