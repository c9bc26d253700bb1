//! Reading packs: what is damaged is refused, what is taken in has the content that its id names, and claims cost no memory.
#![no_main]

use std::{collections::HashSet, io::Write};

use flate2::{Compression, write::ZlibEncoder};
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary, Unstructured},
    fuzz_target,
};
use repo_relay::{git::{format::{CommitInfo, ObjectKind, TreeEntry}, objects::ObjectStore}, names::Oid};
use sha1::{Digest, Sha1};

/// A pack, whole or with a lie in it.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    entries: Vec<Entry<'a>>,
    lie: Option<Lie>,
}

#[derive(Arbitrary, Debug)]
enum Entry<'a> {
    Object { kind: u8, content: &'a [u8] },
    Tree(Vec<(u8, &'a [u8], [u8; 20])>),
    Zeros { kind: u8, size: u16 },
    Delta { base: u8, by_name: bool, steps: Vec<Step<'a>> },
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Insert(&'a [u8]),
    Copy { offset: u16, size: u16 },
}

#[derive(Arbitrary, Debug)]
enum Lie {
    /// How many entries there are.
    Count(u32),
    /// The size in an entry's header.
    Size { entry: u8, size: u64 },
    /// The size of its result in a delta.
    Result { entry: u8, size: u64 },
    /// A byte changed, with the checksum made good again or not.
    Flip { at: u16, by: u8, mended: bool },
    Cut(u16),
    Checksum([u8; 20]),
}

// The bytes of a pack as they are, or of what a pack is built from.
fuzz_target!(|bytes: &[u8]| {
    let store = ObjectStore::create().expect("a temporary folder");
    if bytes.starts_with(b"PACK") {
        let _ = store.index_pack(bytes);
        let _ = (CommitInfo::read(bytes), TreeEntry::read_all(bytes));
        return;
    }
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    let (mut pack, objects) = build(&input);
    match &input.lie {
        None => {
            let oids: HashSet<_> = objects.iter().map(|(kind, content)| kind.id_of(content)).collect();
            let named = input.entries.iter().skip(1).any(|entry| matches!(entry, Entry::Delta { by_name: true, .. }));
            if oids.len() < objects.len() || named {
                // No server sends an object twice, or a delta by the name of its base: both are refused.
                let _ = store.index_pack(&pack[..]);
                return;
            }
            let taken = store.index_pack(&pack[..]);
            let count = input.entries.len().min(MOST) as u64;
            assert_eq!(taken.as_ref().ok(), Some(&count), "{taken:?}");
            for (kind, content) in objects {
                let oid = kind.id_of(&content);
                assert_eq!(store.read_raw(oid).expect("it is here"), Some((kind, content)), "{oid}");
                look(&store, oid);
            }
            return;
        }
        Some(Lie::Flip { at, by, mended }) if !pack.is_empty() => {
            let at = usize::from(*at) % pack.len();
            pack[at] ^= by | 1;
            if *mended {
                let end = pack.len() - 20;
                let sum = Sha1::digest(&pack[..end]);
                pack[end..].copy_from_slice(&sum);
            } else {
                assert!(store.index_pack(&pack[..]).is_err(), "a damaged pack was taken in");
                return;
            }
        }
        Some(Lie::Cut(at)) => {
            pack.truncate(usize::from(*at) % pack.len());
            assert!(store.index_pack(&pack[..]).is_err(), "half a pack was taken in");
            return;
        }
        Some(_) => {}
    }
    let _ = store.index_pack(&pack[..]);
    for (kind, content) in objects {
        let oid = kind.id_of(&content);
        // It may be there or not; if it is, it is what its id names.
        if let Ok(Some((kind, content))) = store.read_raw(oid) {
            assert_eq!(kind.id_of(&content), oid, "another object under this name");
            look(&store, oid);
        }
    }
});

fn look(store: &ObjectStore, oid: Oid) {
    let _ = store.read_commit(oid);
    if let Ok(Some(entries)) = store.read_tree(oid) {
        assert!(entries.iter().all(|entry| !entry.name.is_empty()));
    }
}

/// How many entries a pack gets at most.
const MOST: usize = 40;

/// The pack's bytes, and the objects that it would hold without the lie.
fn build(input: &Input) -> (Vec<u8>, Vec<(ObjectKind, Vec<u8>)>) {
    let entries = &input.entries[..input.entries.len().min(MOST)];
    let count = match input.lie {
        Some(Lie::Count(count)) => count,
        _ => entries.len() as u32,
    };
    let mut pack = [*b"PACK", 2_u32.to_be_bytes(), count.to_be_bytes()].concat();
    let mut objects: Vec<(ObjectKind, Vec<u8>)> = Vec::new();
    let mut places = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let place = pack.len();
        let (number, content, head, object) = put(entry, &objects, &places, place, input, index);
        let mut size = content.len() as u64;
        if let Some(Lie::Size { entry, size: lie }) = input.lie
            && usize::from(entry) % entries.len() == index
        {
            size = lie;
        }
        header(number, size, &mut pack);
        pack.extend_from_slice(&head);
        let mut deflated = ZlibEncoder::new(Vec::new(), Compression::fast());
        deflated.write_all(&content).expect("memory");
        pack.extend_from_slice(&deflated.finish().expect("memory"));
        objects.push(object);
        places.push(place);
    }
    let mut sum: [u8; 20] = Sha1::digest(&pack).into();
    if let Some(Lie::Checksum(lie)) = input.lie {
        sum = lie;
    }
    pack.extend_from_slice(&sum);
    (pack, objects)
}

/// The number of an entry's kind, what is deflated, what stands before it, and the object that it makes.
fn put(
    entry: &Entry,
    objects: &[(ObjectKind, Vec<u8>)],
    places: &[usize],
    place: usize,
    input: &Input,
    index: usize,
) -> (u8, Vec<u8>, Vec<u8>, (ObjectKind, Vec<u8>)) {
    const KINDS: [(u8, ObjectKind); 4] =
        [(1, ObjectKind::Commit), (2, ObjectKind::Tree), (3, ObjectKind::Blob), (4, ObjectKind::Tag)];
    let plain = |kind: u8, content: Vec<u8>| {
        let (number, kind) = KINDS[usize::from(kind) % KINDS.len()];
        (number, content.clone(), Vec::new(), (kind, content))
    };
    match entry {
        Entry::Object { kind, content } => plain(*kind, content.to_vec()),
        Entry::Zeros { kind, size } => plain(*kind, vec![0; usize::from(*size)]),
        Entry::Tree(names) => {
            let mut content = Vec::new();
            for (mode, name, oid) in names {
                let mode = ["40000", "100644", "160000", "0", "777777777777"][usize::from(*mode) % 5];
                content.extend_from_slice(mode.as_bytes());
                content.push(b' ');
                content.extend_from_slice(name);
                content.push(0);
                content.extend_from_slice(oid);
            }
            plain(1, content)
        }
        Entry::Delta { .. } if objects.is_empty() => plain(2, Vec::new()),
        Entry::Delta { base, by_name, steps } => {
            let base = usize::from(*base) % objects.len();
            let (kind, from) = &objects[base];
            let (mut made, mut code) = (Vec::new(), Vec::new());
            for step in steps.iter().take(64) {
                match step {
                    Step::Insert(bytes) => {
                        let bytes = &bytes[..bytes.len().min(127)];
                        if !bytes.is_empty() {
                            code.push(bytes.len() as u8);
                            code.extend_from_slice(bytes);
                            made.extend_from_slice(bytes);
                        }
                    }
                    Step::Copy { offset, size } if !from.is_empty() => {
                        let offset = usize::from(*offset) % from.len();
                        let size = (usize::from(*size) % (from.len() - offset)).max(1);
                        code.push(0x80 | 0x03 | 0x30);
                        code.extend_from_slice(&(offset as u16).to_le_bytes());
                        code.extend_from_slice(&(size as u16).to_le_bytes());
                        made.extend_from_slice(&from[offset..offset + size]);
                    }
                    Step::Copy { .. } => {}
                }
            }
            let mut result = made.len() as u64;
            if let Some(Lie::Result { entry, size }) = input.lie
                && usize::from(entry) % input.entries.len().min(MOST) == index
            {
                result = size;
            }
            let mut content = Vec::new();
            length(from.len() as u64, &mut content);
            length(result, &mut content);
            content.extend_from_slice(&code);
            let object = (*kind, made);
            if *by_name {
                (7, content, kind.id_of(from).as_bytes().to_vec(), object)
            } else {
                (6, content, distance((place - places[base]) as u64), object)
            }
        }
    }
}

fn header(number: u8, size: u64, pack: &mut Vec<u8>) {
    let mut byte = number << 4 | (size & 0x0f) as u8;
    let mut rest = size >> 4;
    while rest > 0 {
        pack.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    pack.push(byte);
}

fn length(mut size: u64, out: &mut Vec<u8>) {
    while size > 0x7f {
        out.push(size as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
}

fn distance(mut distance: u64) -> Vec<u8> {
    let mut bytes = vec![(distance & 0x7f) as u8];
    while distance > 0x7f {
        distance = (distance >> 7) - 1;
        bytes.insert(0, 0x80 | (distance & 0x7f) as u8);
    }
    bytes
}
