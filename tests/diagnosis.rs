//! The classifier against texts as people paste them.

use repo_relay::diagnosis::Cause;

#[test]
fn the_page_of_causes_is_the_table() {
    let page = include_str!("../docs/causes.md");
    assert!(page == Cause::page(), "stale: run `cargo run --example causes > docs/causes.md`");
}
