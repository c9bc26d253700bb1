//! Greetings: a narrower selection keeps a part of what a wider one keeps, and counts the same; cuts change nothing.
#![no_main]

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use libfuzzer_sys::fuzz_target;
use repo_relay::git::{
    WireError,
    advertisement::{Greeting, RefSelection},
    pktline::PacketReader,
};

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let all = read(bytes, bytes.len(), &RefSelection::all());
    assert_eq!(all.as_ref().ok(), read(bytes, usize::from(cut), &RefSelection::all()).as_ref().ok());
    let tags = read(bytes, usize::from(cut), &RefSelection::default().with_prefix("refs/tags/"));
    match (all, tags) {
        (Ok(Greeting::Refs(all)), Ok(Greeting::Refs(tags))) => {
            assert_eq!((all.total, &all.head, &all.capabilities), (tags.total, &tags.head, &tags.capabilities));
            assert!(all.refs.len() <= all.total, "{} refs of {}", all.refs.len(), all.total);
            assert_eq!(all.is_empty(), all.total == 0);
            for (name, oid) in &all.refs {
                assert_eq!(name.as_str().parse().as_ref(), Ok(name), "only names that are valid are kept");
                assert_eq!(all.tip(name), Some(*oid));
                let expected = name.as_str().starts_with("refs/tags/").then_some(*oid);
                assert_eq!(tags.tip(name), expected);
            }
            assert!(tags.refs.keys().all(|name| all.refs.contains_key(name)));
        }
        (Ok(Greeting::Commands(all)), Ok(Greeting::Commands(tags))) => assert_eq!(all, tags),
        (Err(_), Err(_)) => {}
        (all, tags) => panic!("{all:?} but {tags:?}"),
    }
});

fn read(bytes: &[u8], cut: usize, selection: &RefSelection) -> Result<Greeting, WireError> {
    let pieces: Vec<_> = bytes.chunks(cut.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(Greeting::read(&mut PacketReader::new(stream::iter(pieces).boxed()), selection))
}
