//! The one word that libgit2 has to be told before it opens a workspace.

use std::sync::Once;

/// Lets libgit2 open a repository that belongs to another user.
///
/// The runner mounts the workspace of its own user (uid 1001) into the action's container, which runs as root. libgit2 refuses such a
/// repository because its configuration could name programs to run; nothing here runs a program that a configuration names.
pub(super) fn accept_any() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the call sets a global flag of libgit2 without a lock. It comes before anything is opened, and once.
        #[allow(unsafe_code, reason = "libgit2 has no other way to say this")]
        let accepted = unsafe { git2::opts::set_verify_owner_validation(false) };
        // Where this libgit2 does not know the flag, opening the repository says what is wrong.
        drop(accepted);
    });
}
