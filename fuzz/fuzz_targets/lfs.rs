//! Git LFS: pointers, and what a server answers about the objects that they name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repo_relay::{
    credential::Redactor,
    git::lfs::{
        POINTER_LIMIT, Pointer,
        batch::{LfsObjectState, states_of},
    },
};

fuzz_target!(|input: (bool, &[u8], &[u8])| {
    let (is_encrypted, blob, answer) = input;
    let mut pointers = vec![Pointer::read(PLAIN.as_bytes()).expect("a pointer")];
    if let Some(pointer) = Pointer::read(blob) {
        assert!((blob.len() as u64) < POINTER_LIMIT);
        let plain = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n", pointer.oid, pointer.size);
        assert_eq!(Pointer::read(plain.as_bytes()), Some(pointer), "{plain}");
        pointers.push(pointer);
    }
    let redactor = Redactor::default();
    if let Ok(states) = states_of(answer, &pointers, is_encrypted, &redactor) {
        assert_eq!(states.len(), pointers.len(), "one for each pointer");
        for state in states {
            // An address without TLS is refused where the server has TLS: what is shown of one names its host alone.
            if let LfsObjectState::Wanted(upload) = state {
                let shown = format!("{upload:?}");
                assert!(!shown.contains("http://") && !shown.contains('?'), "{shown}");
            }
        }
    }
});

const PLAIN: &str = "version https://git-lfs.github.com/spec/v1
oid sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
size 6
";
