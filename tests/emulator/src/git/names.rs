//! Names of branches and tags that GitHub refuses.
//!
//! 40 hexadecimal digits and names that are too long: the words of GitHub's `pre-receive` hook; names that begin with
//! `refs/`: <https://github.blog/changelog/2023-03-23-branch-and-tag-names-that-start-with-refs-are-now-disallowed/>

/// The longest ref name, in bytes.
const LONGEST: usize = 255;

/// Why a full ref name cannot be made, in the lines of the sideband.
pub(super) fn refusal(full_ref: &str) -> Option<Vec<String>> {
    if full_ref.len() > LONGEST {
        return Some(vec![format!("error: GH005: Sorry, refs longer than {LONGEST} bytes are not allowed.")]);
    }
    let short = full_ref.strip_prefix("refs/heads/").or_else(|| full_ref.strip_prefix("refs/tags/"))?;
    let sentence = if short.len() == 40 && short.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "consisting of 40 hex characters"
    } else if short.starts_with("refs/") {
        "starting with 'refs/'"
    } else {
        return None;
    };
    Some(vec![
        format!("error: GH002: Sorry, branch or tag names {sentence} are not allowed."),
        format!("error: Invalid branch or tag name \"{short}\""),
    ])
}
