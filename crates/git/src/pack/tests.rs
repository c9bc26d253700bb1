//! Packs with deltas, read by git and by libgit2.

use std::{fs::File, path::Path, process::Command};

use futures_util::TryStreamExt;
use proptest::prelude::*;

use super::*;
use crate::{format::ObjectKind, names::Oid, objects::ObjectStore, progress::NoWatch};

fn blob(content: Vec<u8>) -> PackEntry {
    PackEntry::Data { kind: ObjectKind::Blob, oid: ObjectKind::Blob.id_of(&content), content: content.into() }
}

fn bytes(pack: &Pack) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let pieces: Vec<Bytes> =
        runtime.block_on(async { pack.stream(Arc::new(NoWatch), Arc::default()).try_collect().await }).unwrap();
    pieces.concat()
}

/// `words` words without a pattern, the same for the same seed.
fn words(seed: u32, words: u32) -> String {
    let word = |at: u32| format!("{:x} ", (seed * 7919 + at).wrapping_mul(2_654_435_761) >> 5);
    (0..words).map(word).collect()
}

fn page(number: u32) -> Vec<u8> {
    let [head, body, foot] = [words(1, 300), words(100 + number, 60), words(2, 200)];
    format!("<html>{head}<main>{body}</main>{foot}</html>").into_bytes()
}

fn git(folder: &Path, arguments: &[&str], input: &Path) -> String {
    let mut git = Command::new("git");
    git.current_dir(folder).env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1").args(arguments);
    let output = git.stdin(File::open(input).unwrap()).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What git says of a pack: how many deltas it has, and the longest chain of them.
fn deltas(pack: &[u8]) -> (usize, u32) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pack");
    std::fs::write(&file, pack).unwrap();
    git(folder.path(), &["init", "-q"], Path::new("/dev/null"));
    git(folder.path(), &["unpack-objects", "--strict"], &file);
    git(folder.path(), &["index-pack", "--strict", "a.pack"], &file);
    let told = git(folder.path(), &["verify-pack", "-v", "a.idx"], &file);
    let depths: Vec<u32> = told.lines().filter_map(|line| line.split_whitespace().nth(5)?.parse().ok()).collect();
    (depths.len(), depths.into_iter().max().unwrap_or_default())
}

/// Every object comes out of libgit2's indexer as it went in.
fn assert_readable(pack: &Pack, bytes: &[u8]) {
    let store = ObjectStore::create().unwrap();
    assert_eq!(store.index_pack(bytes).unwrap(), pack.len() as u64);
    for entry in pack.entries() {
        let PackEntry::Data { kind, oid, content } = entry else { panic!("only data here") };
        let read = store.read_raw(*oid).unwrap();
        assert!(read == Some((*kind, content.to_vec())), "{oid}");
    }
}

#[test]
fn pages_of_one_template_are_deltas_in_short_chains() {
    let pack = Pack::new((0..400).map(|number| blob(page(number))).collect());
    let made = bytes(&pack);
    let (count, depth) = deltas(&made);
    assert!(count > 380, "{count} deltas of 400 pages");
    assert!((1..=24).contains(&depth), "{depth} deltas in a chain");
    assert!(made.len() < 400 * 420, "{} bytes", made.len());
    assert_readable(&pack, &made);
}

#[test]
fn a_chain_ends_where_each_version_follows_from_the_one_before() {
    let mut text = words(1, 500);
    let mut versions = Vec::new();
    for number in 0..100 {
        text = format!("{number} {}", &text[..text.len() - 9]);
        versions.push(blob(text.clone().into_bytes()));
    }
    let pack = Pack::new(versions);
    let made = bytes(&pack);
    let (count, depth) = deltas(&made);
    assert!(count > 90 && depth == 24, "{count} deltas, {depth} in a chain");
    assert_readable(&pack, &made);
}

#[test]
fn files_that_do_not_resemble_and_other_kinds_stay_whole() {
    let mut entries: Vec<_> = (0..100).map(|number| blob(words(1000 + 31 * number, 300).into_bytes())).collect();
    let tag = "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype tree\ntag v\ntagger A <a@b> 0 +0000\n\nm\n";
    for number in 0..2 {
        let content = Bytes::from(format!("{tag}{}{number}\n", words(5, 100)));
        entries.push(PackEntry::Data { kind: ObjectKind::Tag, oid: ObjectKind::Tag.id_of(&content), content });
    }
    let pack = Pack::new(entries);
    let made = bytes(&pack);
    assert_readable(&pack, &made);
    let store = tempfile::tempdir().unwrap();
    let file = store.path().join("a.pack");
    std::fs::write(&file, &made).unwrap();
    git(store.path(), &["index-pack", "a.pack"], &file);
    let told = git(store.path(), &["verify-pack", "-v", "a.idx"], &file);
    assert!(!told.contains("chain length = 1:"), "{told}");
}

fn works(sizes: &[usize]) -> Vec<(usize, u64)> {
    let data =
        |size: &usize| PackEntry::Data { kind: ObjectKind::Blob, oid: Oid::ZERO, content: vec![0; *size].into() };
    let entries: Vec<_> = sizes.iter().map(data).collect();
    let bytes = |range: &Range<usize>| entries[range.clone()].iter().map(PackEntry::size).sum();
    let one = |work| match work {
        Work::Objects(range) => (range.len(), bytes(&range)),
        Work::Block { .. } | Work::Copies(_) => panic!("small objects"),
    };
    WorkPlan::of(&entries, 2).map(one).collect()
}

#[test]
fn a_few_pages_are_divided_among_the_cores_and_a_site_is_not_crumbled() {
    assert_eq!(works(&[50_000; 16]), [(4, 200_000); 4]);
    assert_eq!(works(&[100; 20]), [(20, 2000)]);
    let many = works(&[25_000; 2000]);
    assert!(many[..many.len() - 1].iter().all(|(_, bytes)| *bytes >= RUN), "{many:?}");
    assert_eq!(many.iter().map(|(count, _)| count).sum::<usize>(), 2000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn libgit2_reads_what_is_made_of_common_passages(
        passages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 1..6),
        objects in prop::collection::vec(prop::collection::vec((0_usize..6, 0_usize..400, 1_usize..6), 0..12), 1..30),
    ) {
        let content = |parts: &Vec<(usize, usize, usize)>| {
            let part = |(passage, from, times): &(usize, usize, usize)| {
                let passage = &passages[passage % passages.len()];
                passage[(*from).min(passage.len())..].repeat(*times)
            };
            parts.iter().flat_map(part).collect::<Vec<u8>>()
        };
        let pack = Pack::new(objects.iter().map(content).map(blob).collect());
        assert_readable(&pack, &bytes(&pack));
    }
}

#[test]
fn git_reads_what_is_made_of_common_passages() {
    for seed in 0..6 {
        let passages: Vec<String> = (0..8).map(|number| words(seed * 8 + number, 40)).collect();
        let content =
            |number: usize| (0..9).map(|at| &passages[(number * (at + 3) + at * at) % 8][number % 50..]).collect();
        let pack = Pack::new((0..80).map(content).map(|text: String| blob(text.into_bytes())).collect());
        let made = bytes(&pack);
        assert!(deltas(&made).0 > 10);
        assert_readable(&pack, &made);
    }
}

#[test]
fn a_thin_pack_is_made_of_earlier_versions_and_can_do_without() {
    let store = ObjectStore::create().unwrap();
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"], Path::new("/dev/null"));
    let (mut versions, mut entries) = (HashMap::new(), Vec::new());
    for number in 0..50 {
        let old = words(1000 + 31 * number, 300);
        let file = folder.path().join("old");
        std::fs::write(&file, &old).unwrap();
        let known = git(folder.path(), &["hash-object", "-w", "--stdin"], &file).trim().parse().unwrap();
        let new = blob((old.clone() + "new footer").into_bytes());
        versions.insert(new.oid(), known);
        entries.push(new);
        // Of the last one the earlier version is not at hand.
        if number < 49 {
            assert_eq!(store.write(ObjectKind::Blob, old.as_bytes()).unwrap(), known);
        }
    }
    let pack = Pack::new(entries).thin(EarlierVersions { versions, store });
    let thin = bytes(&pack);
    assert!(thin.len() < 50 * 60 + 2000, "{} bytes", thin.len());
    let file = folder.path().join("thin");
    std::fs::write(&file, &thin).unwrap();
    git(folder.path(), &["index-pack", "--stdin", "--fix-thin", "--strict"], &file);
    for entry in pack.entries() {
        let name = entry.oid().to_string();
        assert_eq!(git(folder.path(), &["cat-file", "-s", &name], &file).trim(), entry.size().to_string());
    }
    let (thin_size, whole_size) = pack.measured(&[0, 7]).unwrap();
    assert!(thin_size * 10 < whole_size, "{thin_size} of {whole_size}");
    let pack = pack.self_contained();
    assert_readable(&pack, &bytes(&pack));
}
