//! Checkouts of the relays that upload Git LFS objects, and of those that go in parts.

use std::{fmt::Write as _, fs, path::Path};

use repo_relay::inputs::{Inputs, Push};
use ring::digest::{SHA256, digest};

use super::scene::{Effect, Kind, Scene};
use crate::{leaks::Judged, refs::Tree, world::TARGET};

/// The contents of the Git LFS objects.
const OBJECTS: [&str; 2] = ["first object\n", "second object\n"];

/// The limit of one push of a relay that goes in parts, in bytes.
const LIMIT: u64 = 20_000;

/// Sets the limit of one push for a relay that goes in parts.
pub(super) fn lowered(kind: Kind, inputs: &mut Inputs) {
    if let (Kind::Parts, Push::Refs(refs)) = (kind, &mut inputs.push) {
        refs.push_limit = LIMIT;
    }
}

/// A checkout one commit ahead of the target, which names objects that the target lacks.
pub(super) fn with_objects(workspace: &Path, github: &Judged) {
    let tree = Tree::clone(&github.repository(TARGET).path(), workspace, &[]);
    for text in OBJECTS {
        let oid = oid(text);
        let folder = workspace.join(format!(".git/lfs/objects/{}/{}", &oid[..2], &oid[2..4]));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(&oid), text).unwrap();
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n", text.len());
        fs::write(workspace.join(format!("{}.bin", &oid[..12])), pointer).unwrap();
    }
    tree.git(&["add", "-A"]);
    tree.commit("second.txt", "second\n");
}

/// A checkout three commits ahead of the target, of which two are above the limit.
pub(super) fn with_large_commits(workspace: &Path, github: &Judged) {
    let tree = Tree::clone(&github.repository(TARGET).path(), workspace, &[]);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for name in ["first.txt", "other.txt", "second.txt"] {
        let text = (0..1500).fold(String::new(), |mut text, _| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            writeln!(text, "{state:016x}").unwrap();
            text
        });
        tree.commit(name, &text);
    }
}

/// The objects at the target: none of them counts before all are there.
pub(super) fn objects(scene: &Scene) -> Effect {
    let there = scene.github.repository(TARGET).lfs_objects();
    let right = there.iter().all(|(name, content)| *name == hex::encode(digest(&SHA256, content)));
    let all = OBJECTS.iter().all(|text| there.contains_key(&oid(text)));
    Effect { name: "Git LFS objects", stage: "push", count: usize::from(all || !right), right }
}

/// Helper refs that are left after a success.
pub(super) fn left_over(scene: &Scene) -> Vec<String> {
    let refs = scene.github.repository(TARGET).refs();
    refs.keys()
        .filter(|name| name.starts_with("refs/repo-relay/"))
        .map(|name| format!("left over: {name} after a success"))
        .collect()
}

fn oid(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()))
}
