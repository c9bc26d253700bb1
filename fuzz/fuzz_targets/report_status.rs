//! The report on a push: success only where the server said so for the pack and for every ref, however the answer is cut.
#![no_main]

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use libfuzzer_sys::fuzz_target;
use repo_relay::{credential::Redactor, diagnosis::Situation, git::{WireError, pack::Pack, pktline::PacketReader, receive::{RefCommand, PushReport, PushRequest}}, names::Oid};

const NAMES: [&str; 2] = ["refs/heads/a", "refs/tags/v1"];

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (sideband, cut, bytes) = input;
    let whole = read(bytes, bytes.len(), sideband);
    let report = match (whole, read(bytes, usize::from(cut), sideband)) {
        (Ok(whole), Ok(cut)) => {
            assert_eq!(whole, cut);
            whole
        }
        (Err(_), Err(_)) => return,
        (whole, cut) => panic!("{whole:?} but {cut:?}"),
    };
    let refs: Vec<_> = report.refs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(refs, NAMES, "each ref once, in the order of the commands");
    assert!(report.remote_lines.redacted(&Redactor::default()).len() <= 128 * 1024);
    let said = |words: &str| bytes.windows(words.len()).any(|window| window == words.as_bytes());
    if report.is_success() && !sideband {
        // Without bands the lines stand in the answer as they are.
        assert!(said("unpack ok") && NAMES.iter().all(|name| said(&format!("ok {name}"))));
    }
    let done = report.refs.iter().filter(|(name, _)| report.is_done(name)).count();
    assert_eq!(report.is_success(), done == NAMES.len());
    let success = report.is_success();
    assert_eq!(success, report.judge(&Situation::default()).is_ok());
});

fn read(bytes: &[u8], cut: usize, sideband: bool) -> Result<PushReport, WireError> {
    let command = |name: &&str| RefCommand {
        name: name.parse().expect("a ref name"),
        old: Oid::ZERO,
        new: Oid::from_bytes([1; 20]),
    };
    let request = PushRequest { commands: NAMES.iter().map(command).collect(), pack: Pack::default(), atomic: true };
    let pieces: Vec<_> = bytes.chunks(cut.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(PushReport::read(&mut PacketReader::new(stream::iter(pieces).boxed()), sideband, &request))
}
