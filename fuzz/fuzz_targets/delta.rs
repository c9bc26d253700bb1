//! Making packs: whatever files are sent, and whatever they have in common, libgit2 reads from the pack what went into it.
#![no_main]

use std::sync::{Arc, atomic::AtomicBool};

use futures_util::StreamExt;
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use repo_relay::{
    git::{
        format::ObjectKind,
        objects::ObjectStore,
        pack::{Pack, PackEntry},
    },
    progress::NoWatch,
};

/// The longest object, in bytes.
const LONGEST: usize = 300_000;

/// Files that are made of the same passages.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    passages: Vec<&'a [u8]>,
    files: Vec<Vec<Part<'a>>>,
}

#[derive(Arbitrary, Debug)]
enum Part<'a> {
    /// A passage from a byte on, repeated.
    Passage { number: u8, from: u16, times: u16 },
    /// An earlier file from a byte on.
    File { number: u8, from: u32, length: u32 },
    Own(&'a [u8]),
}

fuzz_target!(|input: Input| {
    let mut files: Vec<Vec<u8>> = Vec::new();
    for parts in input.files.iter().take(64) {
        let mut content = Vec::new();
        for part in parts {
            match part {
                Part::Passage { number, from, times } if !input.passages.is_empty() => {
                    let passage = input.passages[usize::from(*number) % input.passages.len()];
                    content.extend(passage[usize::from(*from).min(passage.len())..].repeat(usize::from(*times % 512)));
                }
                Part::File { number, from, length } if !files.is_empty() => {
                    let file = &files[usize::from(*number) % files.len()];
                    let from = (*from as usize).min(file.len());
                    content.extend_from_slice(&file[from..file.len().min(from.saturating_add(*length as usize))]);
                }
                Part::Own(bytes) => content.extend_from_slice(bytes),
                Part::Passage { .. } | Part::File { .. } => {}
            }
            content.truncate(LONGEST);
        }
        files.push(content);
    }
    let blob = |content: Vec<u8>| {
        PackEntry::Data { kind: ObjectKind::Blob, oid: ObjectKind::Blob.id_of(&content), content: content.into() }
    };
    let pack = Pack::new(files.iter().cloned().map(blob).collect());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let bytes = runtime.block_on(async {
        let mut stream = pack.stream(Arc::new(NoWatch), Arc::new(AtomicBool::new(false)));
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece.expect("nothing can fail"));
        }
        bytes
    });
    let store = ObjectStore::create().expect("a temporary folder");
    assert_eq!(store.index_pack(&bytes[..]).expect("a whole pack"), pack.len() as u64);
    for content in files {
        let oid = ObjectKind::Blob.id_of(&content);
        assert!(store.read_raw(oid).expect("it is here") == Some((ObjectKind::Blob, content)), "{oid}");
    }
});
