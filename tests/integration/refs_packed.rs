//! What a checkout holds in packs goes to the target as it lies there.

use std::fs;

use crate::{refs::Tree, refs_checkouts::empty};

/// Lines of digits: about half of it is left when it is deflated.
fn text(lines: u32) -> String {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    (0..lines).flat_map(|_| [(next() % 1_000_000).to_string(), "\n".to_owned()]).collect()
}

/// The bytes of all packs.
fn packed(tree: &Tree) -> u64 {
    let packs = fs::read_dir(tree.0.join(".git/objects/pack")).unwrap().map(|entry| entry.unwrap());
    let packs = packs.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "pack"));
    packs.map(|entry| entry.metadata().unwrap().len()).sum()
}

#[test]
fn deltas_and_deflated_objects_are_copied_and_not_made_anew() {
    // Stored without compression an object shows by its size that nobody unpacked it; so does a delta against a large file.
    for compression in ["0", "9"] {
        let world = empty();
        let step = world.step().input("refs", "main");
        let tree = Tree::init(&step.workspace());
        let text = text(10_000);
        for number in 0..30 {
            tree.commit("folder/large.txt", &text.replacen("00", &format!("<{number}>"), number + 1));
        }
        // Two threads share the versions of a file as it comes, and then two of them stand whole.
        let compression_of = format!("pack.compression={compression}");
        tree.git(&["-c", "pack.threads=1", "-c", &compression_of, "repack", "-q", "-a", "-d", "-F"]);
        let (size, objects) = (packed(&tree), tree.git(&["rev-list", "--objects", "main"]).lines().count() as u64);
        let unlike = if compression == "0" { 65_000..200_000 } else { 25_000..65_000 };
        assert!(unlike.contains(&size), "{size} bytes: one version whole, the others as what changed");
        let tip = tree.git(&["rev-parse", "main"]);
        step.run().succeeded();
        assert_eq!(world.tip("refs/heads/main"), Some(tip));
        let sent = world.github.log().pushes()[0].bytes_in;
        // A base may be named in full, which takes 20 bytes.
        assert!(
            sent.abs_diff(size) < 20 * objects + 500,
            "{sent} bytes were sent of a pack of {size}, {objects} objects"
        );
        world.git(&["fsck", "--strict"]);
    }
}
