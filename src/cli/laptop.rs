//! The inputs' help as a laptop needs it: the table's texts speak to the author of a workflow.

use crate::inputs::table::{InputRow, Preset};

/// What an input means on a laptop, and what counts without it; `None` where the table's own default holds there too.
struct LaptopHelp {
    name: &'static str,
    help: &'static str,
    preset: Option<&'static str>,
}

const fn says(name: &'static str, help: &'static str) -> LaptopHelp {
    LaptopHelp { name, help, preset: None }
}

const fn says_with(name: &'static str, help: &'static str, preset: &'static str) -> LaptopHelp {
    LaptopHelp { name, help, preset: Some(preset) }
}

// Only the inputs whose help in the table speaks to the author of a workflow.
const TEXTS: &[LaptopHelp] = &[
    says_with(
        "repository",
        "Target repository, as owner/name or a whole address, whose host then replaces --server-url. Repeat the flag for several \
         repositories of one server. A token never belongs into an address.",
        "the remote `origin`",
    ),
    says_with(
        "server-url",
        "Web address of the target's GitHub, such as https://ghe.example.com, without a path.",
        "GITHUB_SERVER_URL, else GH_HOST, else https://github.com",
    ),
    says(
        "ca-certificate",
        "PEM of a private CA, for GitHub Enterprise Server or a proxy: --ca-certificate \"$(cat ca.pem)\".",
    ),
    says_with(
        "token",
        "File that holds the token; `-` reads standard input: gh auth token | repo-relay check --token-file -",
        "GH_TOKEN, then GITHUB_TOKEN; for Enterprise Server GH_ENTERPRISE_TOKEN, then GITHUB_ENTERPRISE_TOKEN",
    ),
    says("workflow-token", "Internal to the action; do not set."),
    says(
        "ssh-key",
        "File with the private key (OpenSSH or PEM, no passphrase) of a deploy key with write access: git goes over SSH, the API \
         with the token.",
    ),
    says(
        "ssh-known-hosts",
        "Extra known_hosts lines; github.com's keys are built in. For another server, ask its administrator for the lines.",
    ),
    says(
        "app-id",
        "Client id or app id of a GitHub App that is installed on the target; takes the place of the token. Needs \
         --app-private-key-file.",
    ),
    says("app-private-key", "File with that App's private key (PEM)."),
    says(
        "directory",
        "Folder to publish, inside the current directory. Its content becomes the content of the branch, byte for byte.",
    ),
    says(
        "author",
        "Author and committer, and tagger of annotated tags. If GitHub refuses to publish a private address, use the account's \
         noreply address.",
    ),
    says(
        "signing-key",
        "File with the SSH private key (OpenSSH or PEM, no passphrase) that signs the commit and the tag. Add its public half as a \
         signing key to the account.",
    ),
    says(
        "refs",
        "Refspecs, as `git push` takes them: main, HEAD:release, refs/tags/*, :old. A + in front forces with a lease.",
    ),
    says_with(
        "tag-target",
        "Commit, branch or tag of the target repository that the tag names.",
        "the branch's tip after the push",
    ),
    says("payload", "JSON object that is sent as `client_payload`, with at most 10 top-level keys."),
    says(
        "workflow-inputs",
        "JSON object of the workflow's inputs, as its file declares them under `on: workflow_dispatch: inputs:`.",
    ),
    says(
        "wait-for",
        "Workflow files that the push or the tag starts, to be followed; `pages` is the Pages deployment of the branch.",
    ),
    says("wait-timeout", "How long to wait for runs, such as 90s, 10m or 1h30m."),
    says(
        "secret-value",
        "File with the secret's value, at most 48 KB. White space counts: a line break at the end becomes part of it.",
    ),
    says("revoke-token", "File with the old token, which is revoked after every target has succeeded."),
    says("timeout", "Time for everything except waiting for runs, such as 90s, 10m or 1h30m."),
    says(
        "ignore-checks",
        "Name of a preflight check that warns instead of failing; repeat the flag for more. docs/checks.md has the names.",
    ),
    says_with("checkout", "Folder that holds the git checkout, inside the current directory.", "the current directory"),
    says(
        "symlinks",
        "keep publishes links as links; follow publishes what a link points to in its place, and refuses a link that dangles, loops \
         or leaves the current directory. Pages serves no links.",
    ),
    says(
        "lfs",
        "auto uploads the Git LFS objects that the pushed commits name and the target lacks, before the push; fetch them with `git lfs \
         fetch` first. false pushes the commits alone.",
    ),
    says(
        "keep",
        "Glob, relative to the destination: files on the branch that stay although the directory lacks them; ** keeps all. Repeat the \
         flag for more. *.map matches at the top only, **/*.map at every depth.",
    ),
    says(
        "exclude",
        "Glob, relative to the destination: files that are neither published nor removed from the branch. Repeat the flag for more; a \
         glob that begins with + adds to the default. .git is never published.",
    ),
    says(
        "workflow",
        "Workflow file of the target (deploy.yml, not its title) to start by `workflow_dispatch`; repeat the flag for more.",
    ),
    says("dry-run", "Run every check and report what would change, without writing. A failed check is exit status 1."),
];

/// The help of an input with its default, for `--help`.
pub(super) fn help(input: &InputRow) -> String {
    let laptop = TEXTS.iter().find(|laptop| laptop.name == input.name);
    let text = laptop.map_or(input.help, |laptop| laptop.help);
    let preset = match (laptop.and_then(|laptop| laptop.preset), input.preset) {
        (Some(words), _) | (None, Preset::Value(words) | Preset::Derived(words)) => format!(" [default: {words}]"),
        // An expression has no value outside a workflow.
        (None, Preset::None | Preset::Expression(_)) => String::new(),
    };
    format!("{text}{preset}")
}
