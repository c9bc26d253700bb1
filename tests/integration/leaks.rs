//! No secret anywhere: after every step its streams, its files and what it sent are searched for each secret that it was
//! given, in every form that a secret takes on its way.
//!
//! The forms are worked out here anew and not by the code under test, which masks by a list of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::ThreadId,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use emulator::{Emulator, model::Model};
use memchr::memmem::Finder;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// A shorter value, or line of a key, cannot be told from ordinary text.
const SHORTEST: usize = 8;
const SHORTEST_KEY_LINE: usize = 16;

/// The inputs that hold a secret.
pub(crate) const SECRET_INPUTS: [&str; 7] =
    ["token", "workflow-token", "ssh-key", "app-private-key", "signing-key", "secret-value", "revoke-token"];

/// The variables that may: a token of a laptop, and proxies with a password in their address.
const SECRET_VARIABLES: [&str; 7] =
    ["GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"];

/// A secret under its input's name, with the forms that are looked for.
#[derive(Clone, Debug)]
pub(crate) struct Canary {
    name: String,
    /// Ready to search: making them costs more than a search in what a small server saw.
    forms: Arc<[Finder<'static>]>,
    /// Whether no other test can have the same text by chance.
    unique: bool,
}

impl Canary {
    pub(crate) fn new(name: &str, value: &str) -> Self {
        let unique = value.starts_with("gh") && value.len() > 30 || value.contains("-----BEGIN ");
        let forms = forms(value).iter().map(|form| Finder::new(form.as_bytes()).into_owned()).collect();
        Self { name: name.to_owned(), forms, unique }
    }

    /// Whether both look for the same.
    fn is(&self, other: &Self) -> bool {
        let mut pairs = self.forms.iter().zip(other.forms.iter());
        self.name == other.name
            && self.forms.len() == other.forms.len()
            && pairs.all(|(one, other)| one.needle() == other.needle())
    }

    /// Where in `text` one of the forms stands, with what is before it.
    fn find(&self, text: &[u8]) -> Option<String> {
        let place = self.forms.iter().find_map(|form| form.find(text))?;
        Some(String::from_utf8_lossy(&text[place.saturating_sub(200)..place]).into_owned())
    }
}

/// Every form in which a secret could be seen: as it is, its lines, in base64 wherever it stands in what is encoded,
/// in the pair of basic authentication, for URLs, in JSON, escaped by Rust, in hexadecimal digits.
fn forms(value: &str) -> Vec<String> {
    let trimmed = value.trim();
    let mut forms = BTreeSet::from([value.to_owned(), trimmed.to_owned()]);
    let key = value.contains("-----BEGIN ");
    let mut parts = vec![value, trimmed];
    if trimmed.lines().count() > 1 {
        let shortest = if key { SHORTEST_KEY_LINE } else { SHORTEST };
        let telling = |line: &&str| line.len() >= shortest && !line.starts_with("-----");
        parts.extend(trimmed.lines().map(str::trim).filter(telling));
    }
    for part in parts.into_iter().filter(|part| part.len() >= SHORTEST) {
        forms.insert(part.to_owned());
        forms.insert(BASE64_STANDARD.encode(format!("x-access-token:{part}")));
        for offset in 0..3 {
            let encoded = BASE64_STANDARD.encode([&vec![0; offset][..], part.as_bytes()].concat());
            // Of the first and the last character some bits belong to what stands beside the secret.
            let (begin, end) = ((offset * 8).div_ceil(6), (offset + part.len()) * 8 / 6);
            forms.insert(encoded[begin..end].to_owned());
            forms.insert(encoded[begin..end].replace('+', "-").replace('/', "_"));
        }
        let encoded = utf8_percent_encode(part, NON_ALPHANUMERIC).to_string();
        forms.insert(encoded.to_lowercase());
        forms.insert(encoded);
        forms.insert(url::form_urlencoded::byte_serialize(part.as_bytes()).collect());
        let json = serde_json::Value::from(part).to_string();
        forms.insert(json[1..json.len() - 1].replace('/', "\\/"));
        forms.insert(json[1..json.len() - 1].to_owned());
        forms.insert(part.escape_debug().to_string());
        forms.insert(hex::encode(part));
    }
    forms.into_iter().filter(|form| form.len() >= SHORTEST).collect()
}

/// The secrets among what a step is given.
pub(crate) fn canaries(inputs: &BTreeMap<String, String>, variables: &BTreeMap<String, String>) -> Vec<Canary> {
    let given = |name: &str| inputs.get(name).map(|value| Canary::new(name, value));
    let password = |value: &str| value.split_once('@')?.0.rsplit_once(':').map(|(_, password)| password.to_owned());
    let variable = |name: &str| {
        let value = variables.get(name)?;
        let secret = if name.ends_with("TOKEN") { Some(value.clone()) } else { password(value) };
        secret.map(|secret| Canary::new(name, &secret))
    };
    let inputs = SECRET_INPUTS.iter().filter_map(|name| given(name));
    let canaries = inputs.chain(SECRET_VARIABLES.iter().filter_map(|name| variable(name)));
    canaries.filter(|canary| !canary.forms.is_empty()).collect()
}

/// The secrets of all steps of this process, by the thread of their test.
static KNOWN: Mutex<Vec<(ThreadId, Canary)>> = Mutex::new(Vec::new());
/// What was searched in all: forms, places, bytes.
static SEARCHED: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

/// Searches `places` for `canaries`.
#[track_caller]
pub(crate) fn search<'a>(
    what: &str,
    canaries: &[Canary],
    places: impl IntoIterator<Item = (String, std::borrow::Cow<'a, [u8]>)>,
) {
    let forms: usize = canaries.iter().map(|canary| canary.forms.len()).sum();
    let (mut count, mut bytes) = (0, 0);
    // All in one text, each place behind its name: thousands of small places would be searched as often as there are forms.
    let mut all = Vec::new();
    for (place, text) in places {
        (count, bytes) = (count + 1, bytes + text.len());
        all.extend_from_slice(format!("\n== {place}\n").as_bytes());
        all.extend_from_slice(&text);
    }
    for canary in canaries {
        if let Some(before) = canary.find(&all) {
            panic!("LEAKED: `{}` is in {what}, after {before:?}", canary.name);
        }
    }
    let sums: Vec<_> = SEARCHED
        .iter()
        .zip([forms, count, bytes])
        .map(|(sum, more)| sum.fetch_add(more, Ordering::Relaxed) + more)
        .collect();
    println!(
        "secrets: {forms} forms of {} secrets in {count} places ({bytes} bytes) of {what}: none leaked; so far {} forms, {} places, {} bytes",
        canaries.len(),
        sums[0],
        sums[1],
        sums[2]
    );
}

/// The files below a folder that hold one of the secrets already: a test may have put them there.
pub(crate) fn holding(folder: &Path, canaries: &[Canary]) -> BTreeSet<PathBuf> {
    let holds = |path: &PathBuf| {
        let content = fs::read(path).unwrap_or_default();
        canaries.iter().any(|canary| canary.find(&content).is_some())
    };
    files(folder).into_iter().filter(holds).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files
}

/// Searches what a step left behind: its streams, and the files below `folder` (workspace, HOME, temporary files, outputs and
/// summary) but for those of `before`. On standard output the masks themselves stand for the runner alone.
#[track_caller]
pub(crate) fn judge_step(
    canaries: &[Canary],
    arguments: &[String],
    stdout: &str,
    stderr: &str,
    folder: &Path,
    before: &BTreeSet<PathBuf>,
) {
    let mine = std::thread::current().id();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    for canary in canaries {
        // Thousands of steps with one secret hold its forms once.
        let same = known.iter().rev().find(|(_, other)| other.is(canary)).map(|(_, other)| other.clone());
        known.push((mine, same.unwrap_or_else(|| canary.clone())));
    }
    drop(known);
    let printed: Vec<&str> = stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    let mut places = vec![
        ("standard output".to_owned(), printed.join("\n").into_bytes().into()),
        ("standard error".to_owned(), stderr.as_bytes().into()),
        ("the arguments".to_owned(), arguments.join(" ").into_bytes().into()),
    ];
    for path in files(folder).into_iter().filter(|path| !before.contains(path)) {
        // Of a folder that may not be read nothing can be seen.
        let content = fs::read(&path).unwrap_or_default();
        places.push((path.display().to_string(), content.into()));
    }
    search("a step", canaries, places);
}

/// A GitHub whose log is searched when it ends: addresses, headers other than `authorization`, and JSON.
pub(crate) struct Judged {
    github: Emulator,
    /// How many secrets were known when it started: those of earlier steps are none of its business.
    known: usize,
}

impl Judged {
    pub(crate) fn start(model: Model) -> Self {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).len();
        Self { github: Emulator::start(model).unwrap(), known }
    }
}

impl Deref for Judged {
    type Target = Emulator;

    fn deref(&self) -> &Emulator {
        &self.github
    }
}

impl Drop for Judged {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mine = std::thread::current().id();
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut canaries: Vec<Canary> = known[self.known..]
            .iter()
            .filter(|(thread, canary)| *thread == mine || canary.unique)
            .map(|(_, canary)| canary.clone())
            .collect();
        drop(known);
        // Also tokens that were minted on the way, and those that no step was given.
        canaries.extend(
            self.github.model(|model| {
                model.tokens.iter().map(|token| Canary::new("a token", token.value())).collect::<Vec<_>>()
            }),
        );
        let mut seen = BTreeSet::new();
        canaries
            .retain(|canary| seen.insert(canary.forms.iter().map(|form| form.needle().to_vec()).collect::<Vec<_>>()));
        let log = self.github.log();
        let places = log.0.iter().map(|entry| {
            let headers = entry.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
            let address = percent_decode_str(&entry.path).decode_utf8_lossy();
            // The one request that names a credential in its body, as that is what it is for.
            let revokes = entry.method == "POST" && entry.bare_path().ends_with("/credentials/revoke");
            let body = entry.request.as_ref().filter(|_| !revokes).map(ToString::to_string).unwrap_or_default();
            let sent = format!("{}\n{address}\n{}\n{body}", entry.path, headers.collect::<String>());
            (format!("the request {} {}", entry.method, entry.bare_path()), sent.into_bytes().into())
        });
        search("a server's log", &canaries, places);
    }
}

#[test]
fn each_form_of_a_secret_is_found_where_it_is_planted() {
    let token = "ghp_x+y/z0123456789\"abc";
    let canary = Canary::new("token", token);
    for prefix in ["", "u", "us", "x-access-token:", "user:"] {
        let encoded = BASE64_STANDARD.encode(format!("{prefix}{token}@more"));
        assert!(canary.find(format!("Basic {encoded}").as_bytes()).is_some(), "{prefix}");
    }
    for planted in [
        format!("https://x:{}@h/", utf8_percent_encode(token, NON_ALPHANUMERIC)),
        serde_json::json!({ "token": token }).to_string(),
        format!("{:?}", Some(token)),
        hex::encode(token),
    ] {
        assert!(canary.find(planted.as_bytes()).is_some(), "{planted}");
    }
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nshort\n-----END OPENSSH PRIVATE KEY-----";
    let canary = Canary::new("ssh-key", key);
    assert!(canary.find(b"... b3BlbnNzaC1rZXktdjEAAAAABG5vbmU ...").is_some());
    assert!(canary.find(b"short, -----BEGIN OPENSSH PRIVATE KEY----- and -----END OPENSSH PRIVATE KEY-----").is_none());
}

#[test]
fn the_inputs_that_hold_a_secret_are_those_that_say_so() {
    let said = repo_relay::inputs::INPUTS.iter().filter(|input| input.form.is_secret()).map(|input| input.name);
    assert_eq!(said.collect::<BTreeSet<_>>(), BTreeSet::from(SECRET_INPUTS));
}
