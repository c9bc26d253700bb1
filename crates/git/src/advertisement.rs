//! How a conversation begins: the server names its refs and what it is able to do.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack#_reference_discovery>,
//! <https://git-scm.com/docs/gitprotocol-v2#_capability_advertisement>,
//! <https://git-scm.com/docs/gitprotocol-capabilities>

use std::collections::{BTreeMap, BTreeSet};

use super::{
    WireError,
    pktline::{Packet, PacketReader, line},
};
use crate::names::{Oid, RefName};

/// How many refs are kept at most.
const MAX_REFS: usize = 1_000_000;

/// How many bytes the names of the refs that are kept have at most: a million of some length.
const MAX_NAMES: usize = 128 * 1024 * 1024;

/// How many lines a list of capabilities has at most.
const MAX_CAPABILITIES: usize = 1_000;

/// What a server is able to do: names, some with a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<String>);

impl Capabilities {
    fn of_words(words: &str) -> Self {
        Self(words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }

    /// Whether the capability is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|word| word.split('=').next() == Some(name))
    }

    /// All values of a capability: `symref` comes more than once.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter_map(|word| word.split_once('='))
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// Whether one of the blank-separated words of a capability's value is `word`: `fetch=shallow filter`.
    pub fn offers(&self, name: &str, word: &str) -> bool {
        self.values(name).any(|value| value.split(' ').any(|offered| offered == word))
    }

    /// Refuses a repository whose objects are not named by SHA-1.
    fn check_object_format(&self) -> Result<(), WireError> {
        match self.values("object-format").find(|format| *format != "sha1") {
            Some(format) => Err(other_object_format(format)),
            None => Ok(()),
        }
    }
}

/// Which refs of an advertisement are kept. All of them are counted.
#[derive(Clone, Debug, Default)]
pub struct RefSelection {
    names: BTreeSet<String>,
    prefixes: Vec<String>,
}

impl RefSelection {
    /// Every ref.
    pub fn all() -> Self {
        Self::default().with_prefix("")
    }

    /// These refs.
    pub fn names<'a>(names: impl IntoIterator<Item = &'a RefName>) -> Self {
        Self { names: names.into_iter().map(|name| name.as_str().to_owned()).collect(), prefixes: Vec::new() }
    }

    /// Also the refs that begin with `prefix`.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> Self {
        self.prefixes.push(prefix.to_owned());
        self
    }

    fn holds(&self, name: &str) -> bool {
        self.names.contains(name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }
}

/// The refs of a repository, as far as they were asked for, and the service's capabilities (protocol v0 and v1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertisement {
    /// The refs that were selected. Names that are no valid ref names are left out.
    pub refs: BTreeMap<RefName, Oid>,
    /// What annotated tags among them point to, where the service tells (upload-pack does, receive-pack does not).
    pub peeled: BTreeMap<RefName, Oid>,
    /// Where `HEAD` points, where the service tells: a branch that need not exist.
    pub head: Option<RefName>,
    /// What the service is able to do.
    pub capabilities: Capabilities,
    /// How many refs there are, selected or not, without `HEAD`.
    pub total: usize,
    /// The bytes of the names that are kept.
    names: usize,
}

impl Advertisement {
    /// The value of a ref that was selected; `None` when it does not exist.
    pub fn tip(&self, name: &RefName) -> Option<Oid> {
        self.refs.get(name).copied()
    }

    /// Whether the repository has no ref at all.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    fn take(&mut self, payload: &[u8], selection: &RefSelection) -> Result<(), WireError> {
        // A shallow repository lists its boundary commits behind the refs (gitprotocol-pack); they are no refs.
        if payload.starts_with(b"shallow ") {
            return Ok(());
        }
        let (oid, name) = oid_and_rest(payload)?;
        // Objects that the server has from elsewhere, and the place where an empty repository shows its capabilities.
        if matches!(name, b".have" | b"capabilities^{}" | b"HEAD") {
            return Ok(());
        }
        let (name, peeled) = match name.strip_suffix(b"^{}") {
            Some(name) => (name, true),
            None => (name, false),
        };
        // A peeled line repeats the tag above it and must not count as a second ref.
        self.total += usize::from(!peeled);
        // To git a ref name is bytes. One that is not UTF-8 cannot be named by any input, so that nothing is lost by
        // passing it over.
        let name = std::str::from_utf8(name).ok().filter(|name| selection.holds(name));
        if let Some(name) = name.and_then(|name| name.parse().ok()) {
            self.keep(name, oid, peeled)?;
        }
        Ok(())
    }

    /// Takes a ref in, or what it leads to as an annotated tag; there is a bound.
    pub(super) fn keep(&mut self, name: RefName, oid: Oid, peeled: bool) -> Result<(), WireError> {
        // The number of refs alone does not bound the memory: one line can carry a name of 64 KiB.
        self.names += name.as_str().len();
        if self.refs.len() >= MAX_REFS || self.names > MAX_NAMES {
            return Err(WireError::protocol(format!(
                "there are more than {MAX_REFS} refs, or their names are too long"
            )));
        }
        if peeled { &mut self.peeled } else { &mut self.refs }.insert(name, oid);
        Ok(())
    }
}

/// The beginning of an answer to "which service do you offer?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// Protocol v0 or v1: all refs, at once.
    Refs(Advertisement),
    /// Protocol v2: the commands; refs are asked for.
    Commands(Capabilities),
}

impl Greeting {
    /// Reads to the end of the greeting and no further. Memory grows with the selected refs alone.
    pub async fn read(reader: &mut PacketReader, selection: &RefSelection) -> Result<Self, WireError> {
        let mut first = payload(reader).await?;
        // Over HTTP the service is named first, in a section of its own.
        if first.as_deref().is_some_and(|first| first.starts_with(b"# service=")) {
            if payload(reader).await?.is_some() {
                return Err(WireError::protocol("the name of the service is not followed by a flush"));
            }
            first = payload(reader).await?;
        }
        if first.as_deref().map(line) == Some(b"version 2") {
            return Ok(Self::Commands(read_commands(reader).await?));
        }
        // Version 1 is version 0 with this one line in front.
        if first.as_deref().map(line) == Some(b"version 1") {
            first = payload(reader).await?;
        }
        let mut advertisement = Advertisement::default();
        if let Some(first) = first {
            // Only the first ref is followed by capabilities, behind a NUL (gitprotocol-pack).
            let (first, words) = match memchr::memchr(0, &first) {
                Some(nul) => (first.slice(..nul), String::from_utf8_lossy(line(&first[nul + 1..])).into_owned()),
                None => (first, String::new()),
            };
            advertisement.capabilities = Capabilities::of_words(&words);
            // Before any id is read: ids of SHA-256 would otherwise be reported as malformed lines.
            advertisement.capabilities.check_object_format()?;
            advertisement.head = advertisement
                .capabilities
                .values("symref")
                .find_map(|pair| pair.strip_prefix("HEAD:"))
                .and_then(|name| name.parse().ok());
            advertisement.take(line(&first), selection)?;
            while let Some(next) = payload(reader).await? {
                advertisement.take(line(&next), selection)?;
            }
        }
        Ok(Self::Refs(advertisement))
    }
}

async fn read_commands(reader: &mut PacketReader) -> Result<Capabilities, WireError> {
    let mut capabilities = Capabilities::default();
    while let Some(next) = payload(reader).await? {
        // Nothing but the server's goodwill ends this list.
        if capabilities.0.len() >= MAX_CAPABILITIES {
            return Err(WireError::protocol(format!("there are more than {MAX_CAPABILITIES} capabilities")));
        }
        capabilities.0.push(String::from_utf8_lossy(line(&next)).into_owned());
    }
    capabilities.check_object_format()?;
    Ok(capabilities)
}

/// The next line; `None` is the flush.
async fn payload(reader: &mut PacketReader) -> Result<Option<bytes::Bytes>, WireError> {
    match reader.expect().await? {
        Packet::Data(payload) => Ok(Some(payload)),
        Packet::Flush => Ok(None),
        Packet::Delimiter | Packet::ResponseEnd => Err(WireError::protocol("a list of refs holds a section mark")),
    }
}

/// Splits `OID SP REST`.
pub(super) fn oid_and_rest(payload: &[u8]) -> Result<(Oid, &[u8]), WireError> {
    let malformed = || WireError::unexpected("a line of refs is not an object id and a name", payload);
    let space = memchr::memchr(b' ', payload).ok_or_else(malformed)?;
    let (oid, rest) = (&payload[..space], &payload[space + 1..]);
    // A server can leave the capability `object-format` out; the length of its ids tells the format all the same.
    if oid.len() == 64 && oid.iter().all(u8::is_ascii_hexdigit) {
        return Err(other_object_format("sha256"));
    }
    let oid = std::str::from_utf8(oid).ok().and_then(|oid| oid.parse().ok()).ok_or_else(malformed)?;
    Ok((oid, rest))
}

fn other_object_format(format: &str) -> WireError {
    let format: String = format.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    WireError::ObjectFormat(format)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use proptest::prelude::*;

    use super::{super::pktline::PacketWriter, *};
    use crate::diagnosis::{Cause, Operation, Situation};

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    /// Lines to frames; an empty line is a flush.
    fn frames(lines: &[&str]) -> Bytes {
        let mut writer = PacketWriter::default();
        for line in lines {
            if line.is_empty() { writer.flush() } else { writer.line(line).unwrap() }
        }
        writer.finish()
    }

    async fn greeting(bytes: Bytes, selection: &RefSelection) -> Result<Greeting, WireError> {
        Greeting::read(&mut PacketReader::new(stream::iter([Ok(bytes)]).boxed()), selection).await
    }

    async fn refs(lines: &[&str], selection: &RefSelection) -> Advertisement {
        match greeting(frames(lines), selection).await.unwrap() {
            Greeting::Refs(advertisement) => advertisement,
            Greeting::Commands(_) => panic!("v2"),
        }
    }

    #[tokio::test]
    async fn refs_of_interest_are_kept_and_all_are_counted() {
        let main = format!(
            "{A} refs/heads/main\0report-status atomic symref=HEAD:refs/heads/main object-format=sha1 agent=git/2"
        );
        let tag = format!("{A} refs/tags/v1");
        let peeled = format!("{B} refs/tags/v1^{{}}");
        let other = format!("{B} refs/heads/other");
        let odd = format!("{B} refs/heads/-odd");
        let have = format!("{B} .have");
        let head = format!("{A} HEAD");
        let lines = ["# service=git-receive-pack", "", &main, &head, &other, &tag, &peeled, &odd, &have, ""];
        let wanted: RefName = "refs/heads/main".parse().unwrap();
        let some = refs(&lines, &RefSelection::names([&wanted]).with_prefix("refs/tags/")).await;
        assert_eq!(some.refs.keys().map(RefName::as_str).collect::<Vec<_>>(), ["refs/heads/main", "refs/tags/v1"]);
        assert_eq!((some.total, some.is_empty(), some.tip(&wanted)), (4, false, Some(A.parse().unwrap())));
        assert_eq!(some.peeled.values().map(ToString::to_string).collect::<Vec<_>>(), [B]);
        assert_eq!(some.head, Some(wanted));
        assert!(some.capabilities.has("atomic") && some.capabilities.has("agent") && !some.capabilities.has("ato"));
        assert_eq!(refs(&lines, &RefSelection::all()).await.refs.len(), 3);
        assert_eq!(refs(&lines[2..], &RefSelection::default()).await.refs.len(), 0);
    }

    #[tokio::test]
    async fn an_empty_repository_has_capabilities_and_no_refs() {
        let line = format!("{} capabilities^{{}}\0report-status-v2 side-band-64k", Oid::ZERO);
        let empty = refs(&["# service=git-receive-pack", "", &line, ""], &RefSelection::all()).await;
        assert!(empty.is_empty() && empty.refs.is_empty() && empty.capabilities.has("side-band-64k"));
        assert!(refs(&[""], &RefSelection::all()).await.is_empty());
    }

    #[tokio::test]
    async fn protocol_two_names_its_commands() {
        let lines = [
            "# service=git-upload-pack",
            "",
            "version 2",
            "ls-refs=unborn",
            "fetch=shallow filter",
            "object-format=sha1",
            "",
        ];
        let Greeting::Commands(capabilities) = greeting(frames(&lines), &RefSelection::all()).await.unwrap() else {
            panic!("not v2")
        };
        assert!(capabilities.offers("fetch", "filter") && capabilities.offers("ls-refs", "unborn"));
        assert!(!capabilities.offers("fetch", "sideband-all") && !capabilities.offers("filter", "filter"));
    }

    #[tokio::test]
    async fn other_object_formats_are_refused_by_name() {
        let long = format!("{0}{0} refs/heads/main\0object-format=x", &A[..32]);
        let named = format!("{A} refs/heads/main\0object-format=sha256");
        for lines in [&[&long[..], ""][..], &[&named, ""], &["version 2", "object-format=sha256", ""]] {
            let error = greeting(frames(lines), &RefSelection::all()).await.unwrap_err();
            let failure = error.into_failure(Operation::GitPush, &Situation::default());
            assert_eq!(failure.cause, Cause::InvalidRefOrObject, "{failure}");
        }
    }

    #[tokio::test]
    async fn what_is_no_advertisement_is_named() {
        for bytes in [&b"<html>"[..], b"000bhello\n\n0000", b"", b"003f1111"] {
            let error = greeting(Bytes::copy_from_slice(bytes), &RefSelection::all()).await.unwrap_err();
            assert!(
                matches!(error, WireError::Protocol(_) | WireError::Unexpected { .. } | WireError::CutOff),
                "{error:?}"
            );
        }
        let error = greeting(frames(&["ERR Repository not found."]), &RefSelection::all()).await.unwrap_err();
        assert!(matches!(&error, WireError::Remote(text) if *text == "Repository not found.".into()), "{error:?}");
    }

    proptest! {
        #[test]
        fn arbitrary_lines_never_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..20)) {
            let mut writer = PacketWriter::default();
            for line in lines {
                writer.line(line).unwrap();
            }
            writer.flush();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(greeting(writer.finish(), &RefSelection::all()));
        }
    }
}
