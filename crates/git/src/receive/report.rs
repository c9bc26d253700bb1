//! The server's report on a push: reading it, and telling a refusal from a lost race.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack#_report_status>

use bytes::Bytes;

use super::{
    super::{
        WireError,
        pktline::{Decoder, Packet, PacketReader, line, refusal},
        sideband::{Demultiplexer, RemoteLines},
    },
    PushError, PushRequest, RefCommand, as_git_shows,
};
use crate::{
    credential::OutsideText,
    diagnosis::{
        Situation,
        errors::{PushFault, PushFaultKind},
    },
    names::RefName,
    progress::{NoWatch, Watch},
};

/// How long a report may be, in bytes: a hundred thousand refs with a reason each.
const REPORT_LIMIT: usize = 16 * 1024 * 1024;

/// What the server said about each part of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushReport {
    /// Whether the pack was taken in; otherwise why not.
    pub unpack: Result<(), String>,
    /// The refs in the order of the commands; `Err` holds the words in brackets after `[remote rejected]`.
    pub refs: Vec<(RefName, Result<(), String>)>,
    /// What the server said for a person (git shows it as `remote: …`), lines with a newline between them.
    pub remote_lines: OutsideText,
}

/// The lines of a report, as they came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RawReport {
    unpack: Option<String>,
    refs: Vec<(String, Result<(), String>)>,
}

impl RawReport {
    fn take(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let text = String::from_utf8_lossy(line(payload)).into_owned();
        if let Some(state) = text.strip_prefix("unpack ") {
            self.unpack = Some(state.to_owned());
        } else if let Some(name) = text.strip_prefix("ok ") {
            self.refs.push((name.to_owned(), Ok(())));
        } else if let Some(refused) = text.strip_prefix("ng ") {
            let (name, reason) = refused.split_once(' ').unwrap_or((refused, "refused without a reason"));
            self.refs.push((name.to_owned(), Err(reason.to_owned())));
        // `option` lines of report-status-v2 only explain the `ok` line before them.
        } else if !text.starts_with("option ") {
            return Err(WireError::unexpected("the report holds another line", line(payload)));
        }
        Ok(())
    }

    /// The report on what was asked for; the error says what it lacks.
    pub(super) fn into_report(self, request: &PushRequest, remote_lines: OutsideText) -> Result<PushReport, String> {
        let unpack = match self.unpack.as_deref() {
            Some("ok") => Ok(()),
            Some(reason) => Err(reason.to_owned()),
            None => return Err("the server's answer holds no report".into()),
        };
        let mut refs = Vec::new();
        for RefCommand { name, .. } in &request.commands {
            let found = self.refs.iter().find(|(found, _)| found == name.as_str());
            match (found, &unpack) {
                (Some((_, outcome)), _) => refs.push((name.clone(), outcome.clone())),
                // When the pack could not be unpacked, a server can leave the refs out.
                (None, Err(_)) => refs.push((name.clone(), Err("unpacker error".into()))),
                (None, Ok(())) => return Err(format!("the server's report does not name {}", name.as_str())),
            }
        }
        Ok(PushReport { unpack, refs, remote_lines })
    }
}

/// Reads a report whole: see [`PushReport::read`]. What the server says beside it reaches `watch` line by line.
pub(super) async fn read_report(
    reader: &mut PacketReader,
    sideband: bool,
    said: &mut RemoteLines,
    watch: &dyn Watch,
) -> Result<RawReport, WireError> {
    let mut report = RawReport::default();
    let mut length = 0;
    let mut within = |more: usize| {
        length += more;
        if length > REPORT_LIMIT { Err(WireError::protocol("the report has no end")) } else { Ok(()) }
    };
    if !sideband {
        while let Some(packet) = next_of_report(reader).await? {
            within(packet.len())?;
            report.take(&packet)?;
        }
        return Ok(report);
    }
    let mut bands = Demultiplexer::default();
    let mut decoder = Decoder::default();
    let outcome = loop {
        let payload = match next_of_report(reader).await {
            Ok(Some(payload)) => payload,
            Ok(None) => break Ok(report),
            Err(error) => break Err(error),
        };
        let taken = bands.take(payload);
        bands.lines.show(watch);
        let taken = taken.and_then(|data| {
            let data = data.unwrap_or_default();
            within(data.len())?;
            decoder.feed(&data);
            while let Some(packet) = decoder.decode()? {
                if let Packet::Data(payload) = packet {
                    report.take(&payload)?;
                }
            }
            Ok(())
        });
        if let Err(error) = taken {
            break Err(error);
        }
    };
    bands.lines.show_rest(watch);
    // After an error too: these lines are usually its reason.
    *said = bands.lines;
    outcome
}

/// The next frame of an answer; its end with or without a flush is `None`.
async fn next_of_report(reader: &mut PacketReader) -> Result<Option<Bytes>, WireError> {
    match reader.next().await? {
        Some(Packet::Data(payload)) if payload.starts_with(b"ERR ") => Err(refusal(&payload[4..])),
        Some(Packet::Data(payload)) => Ok(Some(payload)),
        Some(Packet::Flush) | None => Ok(None),
        Some(_) => Err(WireError::protocol("a section mark stands inside a report")),
    }
}

impl PushReport {
    /// Reads the answer to `request`. `sideband`: whether one was agreed on. An answer that says nothing of what was asked for is
    /// [`WireError::Protocol`].
    pub async fn read(reader: &mut PacketReader, sideband: bool, request: &PushRequest) -> Result<Self, WireError> {
        let mut said = RemoteLines::default();
        let report = read_report(reader, sideband, &mut said, &NoWatch).await?;
        report.into_report(request, said.finish()).map_err(WireError::protocol)
    }

    /// Whether all was done.
    pub fn is_success(&self) -> bool {
        self.unpack.is_ok() && self.refs.iter().all(|(_, outcome)| outcome.is_ok())
    }

    /// Whether the server took in the pack and updated this ref.
    pub fn is_done(&self, name: &RefName) -> bool {
        self.unpack.is_ok() && self.refs.iter().any(|(found, outcome)| found == name && outcome.is_ok())
    }

    /// Success only when the server says so for the pack and for every ref; else the error of the first ref
    /// that was refused for a reason of its own.
    pub fn judge(self, situation: &Situation) -> Result<Self, PushError> {
        let refused = |consequence: bool| {
            self.refs
                .iter()
                .find(|(_, outcome)| outcome.as_ref().is_err_and(|reason| consequence || !is_consequence(reason)))
        };
        match refused(false).or_else(|| refused(true)) {
            Some((name, _)) => Err(self.error_of(name, situation)),
            None if self.unpack.is_err() => Err(PushError::Failed(self.fault(None, situation))),
            None => Ok(self),
        }
    }

    /// The error of one ref that was refused.
    pub fn error_of(&self, name: &RefName, situation: &Situation) -> PushError {
        let outcome = self.refs.iter().find(|(found, _)| found == name);
        let Some((_, Err(reason))) = outcome else { return PushError::Failed(self.fault(None, situation)) };
        // NOTE: inside an atomic push the reason stands in the sideband only, whichever ref it belongs to.
        let unexplained = is_consequence(reason) || reason == "failed to update ref";
        let lost = says_lost_race(reason) || unexplained && says_lost_race(self.remote_lines.searched());
        // "failed to update ref" without a word beside it says only that the ref was not moved.
        let silent = unexplained && self.remote_lines.is_blank();
        if self.unpack.is_ok() && (lost || silent) {
            let moved = PushFaultKind::RefMoved(self.as_git_shows(Some((name, reason))).into());
            return PushError::LostRace(PushFault::new(moved, situation));
        }
        PushError::Failed(self.fault(Some((name, reason)), situation))
    }

    fn fault(&self, refused: Option<(&RefName, &str)>, situation: &Situation) -> PushFault {
        PushFault::new(PushFaultKind::Refused(self.as_git_shows(refused).into()), situation)
    }

    /// The report in the form that git prints, by which the diagnosis knows its causes.
    fn as_git_shows(&self, refused: Option<(&RefName, &str)>) -> String {
        let mut text = as_git_shows(&self.remote_lines);
        if let Err(reason) = &self.unpack {
            text = text + "error: remote unpack failed: " + reason + "\n";
        }
        if let Some((name, reason)) = refused {
            let name = name.short();
            text += &[" ! [remote rejected] ", name, " -> ", name, " (", reason, ")\n"].concat();
        }
        text
    }
}

/// Whether a ref was refused only because another one was, or because the whole was.
fn is_consequence(reason: &str) -> bool {
    reason.contains("atomic transaction failed") || reason.contains("atomic push failure")
}

/// Whether a text says that a ref was not as the command named it, or that another push held it.
///
/// Source: `refs/files-backend.c`, `refs/reftable-backend.c` and `refs.c` of git
fn says_lost_race(text: &str) -> bool {
    const SIGNS: [&str; 7] = [
        "but expected",
        "reference already exists",
        "unable to resolve reference",
        "reference is missing",
        "reference does not exist",
        "incorrect old value provided",
        "fetch first",
    ];
    // Another push holds the ref's lock file at this moment.
    let held = text.contains("cannot lock ref") && text.contains("File exists");
    held || SIGNS.iter().any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use proptest::prelude::*;

    use super::{super::super::pktline::PacketWriter, *};
    use crate::{names::Oid, pack::Pack};

    fn request(names: &[&str]) -> PushRequest {
        let command =
            |name: &&str| RefCommand { name: name.parse().unwrap(), old: Oid::ZERO, new: Oid::from_bytes([1; 20]) };
        PushRequest { commands: names.iter().map(command).collect(), pack: Pack::default(), atomic: true }
    }

    fn lines(lines: &[&str]) -> Vec<u8> {
        let mut writer = PacketWriter::default();
        for line in lines {
            writer.line(line).unwrap();
        }
        writer.flush();
        writer.finish().to_vec()
    }

    /// Frames of the sideband, the report in band 1 cut into small pieces.
    fn banded(report: &[u8], text: &str) -> Vec<u8> {
        let mut frames = Vec::new();
        let mut frame = |band: u8, payload: &[u8]| {
            frames.extend_from_slice(format!("{:04x}", payload.len() + 5).as_bytes());
            frames.push(band);
            frames.extend_from_slice(payload);
        };
        frame(2, text.as_bytes());
        for piece in report.chunks(7) {
            frame(1, piece);
        }
        frames.extend_from_slice(b"0000");
        frames
    }

    async fn read(bytes: Vec<u8>, sideband: bool) -> (Result<RawReport, WireError>, OutsideText) {
        let mut said = RemoteLines::default();
        let pieces: Vec<_> = bytes.chunks(5).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let report =
            read_report(&mut PacketReader::new(stream::iter(pieces).boxed()), sideband, &mut said, &NoWatch).await;
        (report, said.finish())
    }

    async fn report(answer: &[&str], names: &[&str]) -> Result<PushReport, String> {
        let (raw, said) = read(banded(&lines(answer), "hello\n"), true).await;
        raw.unwrap().into_report(&request(names), said)
    }

    #[tokio::test]
    async fn a_report_is_read_with_and_without_sideband_and_with_options() {
        let answer = ["unpack ok", "ok refs/heads/a", "option refname refs/heads/b", "option forced-update"];
        let through_bands = report(&answer, &["refs/heads/a"]).await.unwrap();
        assert!(through_bands.is_success());
        assert_eq!(through_bands.remote_lines, "hello".into());
        let (raw, said) = read(lines(&answer), false).await;
        assert_eq!(raw.unwrap().into_report(&request(&["refs/heads/a"]), said).unwrap().refs, through_bands.refs);
    }

    #[tokio::test]
    async fn a_report_that_does_not_speak_of_every_ref_is_none() {
        let names = ["refs/heads/a", "refs/heads/b"];
        assert!(report(&["unpack ok", "ok refs/heads/a"], &names).await.unwrap_err().contains("refs/heads/b"));
        assert!(report(&["ok refs/heads/a", "ok refs/heads/b"], &names).await.is_err());
        assert!(report(&[], &names).await.is_err());
        let failed = report(&["unpack index-pack abnormal exit"], &names).await.unwrap();
        assert!(!failed.is_success() && failed.refs.iter().all(|(_, outcome)| outcome.is_err()));
        assert!(matches!(failed.judge(&Situation::default()), Err(PushError::Failed(_))));
        assert!(matches!(read(lines(&["unpack ok", "surprise"]), false).await.0, Err(WireError::Unexpected { .. })));
    }

    /// The error of a push of two refs with these outcomes and these words in the sideband.
    fn judged(outcomes: [Result<(), &str>; 2], said: &str) -> PushError {
        let names = ["refs/heads/a", "refs/heads/b"].into_iter();
        let refs = names.zip(outcomes).map(|(name, outcome)| (name.parse().unwrap(), outcome.map_err(str::to_owned)));
        let report = PushReport { unpack: Ok(()), refs: refs.collect(), remote_lines: said.into() };
        report.judge(&Situation::default()).unwrap_err()
    }

    #[test]
    fn the_words_of_a_lost_race_are_known() {
        let atomic = "atomic transaction failed";
        let moved = "error: cannot lock ref 'refs/heads/a': is at 11 but expected 22";
        let held = "error: cannot lock ref 'refs/heads/a': Unable to create '/r/a.lock': File exists.";
        for (outcomes, said) in [
            ([Err(atomic), Err(atomic)], moved),
            ([Err(atomic), Err(atomic)], held),
            ([Err(atomic), Err(atomic)], ""),
            ([Err("failed to update ref"), Ok(())], moved),
            ([Err("failed to update ref"), Ok(())], ""),
            ([Ok(()), Err("cannot lock ref 'refs/heads/b': reference already exists")], ""),
            ([Ok(()), Err("cannot lock ref 'refs/heads/b': is at 11 but expected 22")], "a hook speaks"),
            ([Err("incorrect old value provided"), Ok(())], ""),
        ] {
            assert!(matches!(judged(outcomes, said), PushError::LostRace(_)), "{outcomes:?} {said}");
        }
        let blocked = "error: cannot lock ref 'refs/heads/a': 'refs/heads' exists; cannot create 'refs/heads/a'";
        for (outcomes, said) in [
            ([Err("pre-receive hook declined"), Err("pre-receive hook declined")], "error: GH006: Protected branch"),
            ([Err(atomic), Err("hook declined")], moved),
            ([Err("failed to update ref"), Ok(())], blocked),
            ([Err(atomic), Err(atomic)], blocked),
            ([Err("protected branch hook declined"), Ok(())], ""),
        ] {
            assert!(matches!(judged(outcomes, said), PushError::Failed(_)), "{outcomes:?} {said}");
        }
    }

    #[tokio::test]
    async fn a_report_without_an_end_is_given_up() {
        for sideband in [false, true] {
            let line = lines(&["ng refs/heads/a no"]);
            let line = &line[..line.len() - 4];
            let frame = if sideband { banded(line, "")[5..].to_vec() } else { line.to_vec() };
            let frames = Bytes::from(frame[..frame.len() - if sideband { 4 } else { 0 }].repeat(4096));
            let endless = stream::repeat_with(move || Ok(frames.clone()));
            let mut reader = PacketReader::new(endless.boxed());
            let report = read_report(&mut reader, sideband, &mut RemoteLines::default(), &NoWatch).await;
            assert!(matches!(&report, Err(WireError::Protocol(found)) if found.contains("no end")), "{report:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_answers_never_panic(
            frames in prop::collection::vec(("[\x01\x02\x03unpackokgE ]{0,3}", any::<Vec<u8>>()), 0..20), sideband: bool,
        ) {
            let mut writer = PacketWriter::default();
            for (begin, rest) in frames {
                writer.line([begin.as_bytes(), &rest].concat()).unwrap();
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (report, said) = runtime.block_on(read(writer.finish().to_vec(), sideband));
            if let Ok(report) = report {
                let _ = report.into_report(&request(&["refs/heads/a"]), said);
            }
        }
    }
}
