//! GitHub's limits, each with the page that states it.

/// GitHub starts no workflows for the tags of one push that brings more tags than this.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#push>
pub const TAGS_THAT_START: usize = 3;

/// Up to this many new tags of `refs` are pushed in batches that start workflows; more go in one push. A choice of this
/// program, not a limit of GitHub: a first mirror of a thousand tags should not take hundreds of pushes.
pub const TAGS_IN_BATCHES: usize = 10;

/// The size of a file in bytes from which on GitHub warns.
///
/// Source: <https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-large-files-on-github>
pub const FILE_WARNING: u64 = 50 * 1024 * 1024;

/// The largest file in bytes that GitHub accepts.
///
/// Source: <https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-large-files-on-github>
pub const FILE_LIMIT: u64 = 100 * 1024 * 1024;

/// The largest push in bytes that GitHub accepts.
///
/// Source: <https://docs.github.com/en/get-started/using-git/troubleshooting-the-2-gb-push-limit>
pub const PACK_LIMIT: u64 = 2 * 1024 * 1024 * 1024;

/// The number of top-level keys that the payload of a `repository_dispatch` can have.
///
/// Source: <https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event>
pub const PAYLOAD_KEYS: usize = 10;

/// The size of a payload, in characters, that a `repository_dispatch` must stay below.
///
/// Source: <https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event>
pub const PAYLOAD_CHARACTERS: usize = 64 * 1024;

/// The length of an event type in characters.
///
/// Source: <https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event>
pub const EVENT_TYPE_CHARACTERS: usize = 100;

/// The number of inputs that a `workflow_dispatch` can have on github.com.
///
/// Source: <https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event>
pub const WORKFLOW_INPUTS: usize = 25;

/// The number of inputs that a `workflow_dispatch` can have on Enterprise Server up to 3.19.
///
/// Source: <https://docs.github.com/en/enterprise-server@3.19/rest/actions/workflows#create-a-workflow-dispatch-event>
pub const OLD_WORKFLOW_INPUTS: usize = 10;

/// The size of a `workflow_dispatch`'s inputs in characters.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onworkflow_dispatchinputs>
pub const WORKFLOW_INPUTS_CHARACTERS: usize = 65_535;

/// The size of an Actions secret in bytes.
///
/// Source: <https://docs.github.com/en/actions/reference/security/secrets#limits-for-secrets>
pub const SECRET_BYTES: usize = 48 * 1024;
