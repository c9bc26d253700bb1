//! The hot paths of a publish on their own: hashing a directory, merging trees, writing a pack. `cargo bench`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a measurement")]

use std::{
    fs,
    hint::black_box,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt as _;
use repo_relay::{
    credential::Secret,
    git::{
        format::ObjectKind,
        objects::ObjectStore,
        pack::{Pack, PackEntry},
    },
    globs::Globs,
    names::{Oid, TreePath},
    progress::NoWatch,
    publish::{
        exposed::Search,
        hash::{Hashed, Retain, hash},
        tree::{ClosedPreviews, Merged, Placement, Site, merge},
        walk::walk,
    },
};
use tempfile::TempDir;

/// A site of `files` pages of `size` bytes in `folders` folders.
fn site(files: usize, folders: usize, size: usize) -> TempDir {
    let site = tempfile::tempdir().unwrap();
    for number in 0..files {
        let folder = site.path().join(format!("part{}", number % folders));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("page{number}.html")), text(number, size)).unwrap();
    }
    site
}

/// `size` bytes that deflate as pages do.
fn text(number: usize, size: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(size + 64);
    let mut state = number as u64 + 1;
    while text.len() < size {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.extend_from_slice(format!("<p>part {} of page {number}</p>\n", state >> 52).as_bytes());
    }
    text.truncate(size);
    text
}

/// `size` bytes that do not deflate.
fn noise(number: usize, size: usize) -> Vec<u8> {
    let mut state = number as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..size.div_ceil(8)).flat_map(|_| next()).take(size).collect()
}

fn hashed(site: &Path) -> Hashed {
    hashed_with(site, &Search::nothing())
}

fn hashed_with(site: &Path, search: &Search) -> Hashed {
    hash(walk(site, &Globs::default()).unwrap(), &Retain::nothing(), search, &NoWatch).unwrap()
}

fn merged(store: &ObjectStore, base: Option<Oid>, content: &Hashed, destination: &str) -> Merged {
    let (destination, none): (TreePath, _) = (destination.parse().unwrap(), Globs::default());
    let placement = Placement {
        destination: &destination,
        keep: &none,
        exclude: &none,
        root_files: &[],
        site: Site::Root,
        closed_previews: &ClosedPreviews::new(),
    };
    merge(store, base, Some(content), &placement).unwrap()
}

/// A store with the trees of a branch whose root tree comes with it.
fn branch(content: &Hashed, destination: &str) -> (ObjectStore, Oid) {
    let store = ObjectStore::create().unwrap();
    let merged = merged(&store, None, content, destination);
    for (_, tree) in &merged.trees {
        store.write(ObjectKind::Tree, tree).unwrap();
    }
    (store, merged.tree)
}

fn hashing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hashing");
    for (name, files, size) in [
        ("2,000 files of 8 KiB", 2000, 8 << 10),
        ("20,000 files of 25 KiB", 20_000, 25 << 10),
        ("4 files of 8 MiB", 4, 8 << 20),
    ] {
        let site = site(files, 20, size);
        group.throughput(Throughput::Bytes((files * size) as u64));
        group.bench_function(BenchmarkId::new("walk and hash", name), |bencher| {
            bencher.iter(|| black_box(hashed(site.path()).tree()));
        });
        // As every publish does: at most 5 % above the line before.
        let secrets = ["ghp_0123456789abcdefghijklmnopqrstuvwxyz", "ghs_zyxwvutsrqponmlkjihgfedcba9876543210"];
        let search = Search::of(&secrets.map(|secret| Secret::new(secret.to_owned())));
        group.bench_function(BenchmarkId::new("walk, hash and search for secrets", name), |bencher| {
            bencher.iter(|| black_box(hashed_with(site.path(), &search).tree()));
        });
    }
    group.finish();
}

fn merging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tree merge");
    for (name, files, folders) in [("100 folders", 5000, 100), ("one folder", 5000, 1)] {
        let site = site(files, folders, 32);
        let (store, base) = branch(&hashed(site.path()), "");
        for number in 0..10 {
            fs::write(site.path().join(format!("part0/page{}.html", number * 100)), "changed").unwrap();
        }
        let changed = hashed(site.path());
        let expected = merged(&store, Some(base), &changed, "");
        assert_eq!((expected.changes.changed, expected.blobs.len()), (10, 1));
        group.throughput(Throughput::Elements(files as u64));
        group.bench_function(BenchmarkId::new("10 files of 5,000 changed", name), |bencher| {
            bencher.iter(|| black_box(merged(&store, Some(base), &changed, "").tree));
        });
        group.bench_function(BenchmarkId::new("onto a new branch", name), |bencher| {
            bencher.iter(|| black_box(merged(&store, None, &changed, "").tree));
        });
        group.bench_function(BenchmarkId::new("beside what is there", name), |bencher| {
            bencher.iter(|| black_box(merged(&store, Some(base), &changed, "previews/7").tree));
        });
    }
    group.finish();
}

fn packing(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let mut group = criterion.benchmark_group("pack writing");
    group.sample_size(20);
    for (name, objects, size, make) in [
        ("500 pages of 16 KiB", 500, 16 << 10, text as fn(usize, usize) -> Vec<u8>),
        ("500 media of 16 KiB", 500, 16 << 10, noise),
    ] {
        let blob = |number| {
            let content = make(number, size);
            PackEntry::Data { kind: ObjectKind::Blob, oid: ObjectKind::Blob.id_of(&content), content: content.into() }
        };
        let pack = Pack::new((0..objects).map(blob).collect());
        group.throughput(Throughput::Bytes((objects * size) as u64));
        group.bench_function(BenchmarkId::new("deflate and assemble", name), |bencher| {
            let written = |pack: Pack| {
                runtime.block_on(async {
                    let mut stream = pack.stream(Arc::new(NoWatch), Arc::new(AtomicBool::new(false)));
                    let mut bytes = 0;
                    while let Some(piece) = stream.next().await {
                        bytes += piece.unwrap().len();
                    }
                    bytes
                })
            };
            bencher.iter_batched(|| pack.clone(), |pack| black_box(written(pack)), BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group!(benches, hashing, merging, packing);
criterion_main!(benches);
