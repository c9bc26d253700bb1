//! The one table of inputs, and the one of outputs: every other list of them is made from here or compared with it.

pub use super::row::{Group, InputForm, InputRow, Preset};

/// The commit message where none is given.
pub const MESSAGE: &str = "Publish {repository}@{short_sha}";

/// Finds a row by its name.
pub fn find(name: &str) -> Option<&'static InputRow> {
    INPUTS.iter().find(|input| input.name == name)
}

// `remove` makes a commit as `directory` does, so whatever shapes the commit serves both.
const PUSH: &[&str] = &["directory", "remove"];

/// Every input, in the order of `--help`, `action.yml` and `docs/inputs.md`.
pub const INPUTS: &[InputRow] = &[
    InputRow {
        name: "repository",
        group: Group::Target,
        form: InputForm::List(
            "owner/name, or a whole address such as https://github.com/owner/name or git@github.com:owner/name.git",
        ),
        // Not an expression: the program derives it itself, so that a laptop has a default as well.
        preset: Preset::Derived("the workflow's own; on a laptop `origin`"),
        help: "Target repository, as `owner/name` or a whole address, whose host then replaces `server-url`. \
               Write several repositories of one server as several lines. `owner/name.wiki` is a repository's wiki, once it has a first page. A token never belongs into an address: use `token`.",
        needs: &[],
    },
    InputRow {
        name: "server-url",
        group: Group::Target,
        form: InputForm::Text("the web address of a GitHub server, such as https://github.com"),
        preset: Preset::Derived("`GITHUB_SERVER_URL`"),
        help: "Web address of the target's GitHub, such as `https://ghe.example.com`, without a path. Plain `http://` is refused except for loopback.",
        needs: &[],
    },
    InputRow {
        name: "api-url",
        group: Group::Target,
        form: InputForm::Text(
            "an address on the target's own host or its api. name, such as https://ghes.example.com/api/v3",
        ),
        preset: Preset::Derived("derived from the server"),
        help: "REST address of the target's GitHub, such as `https://ghe.example.com/api/v3`. Leave it out unless the server has an unusual one. \
               It must be on the target's host, or on that host with `api.` in front.",
        needs: &[],
    },
    InputRow {
        name: "ca-certificate",
        group: Group::Target,
        form: InputForm::Text("PEM certificates, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"),
        preset: Preset::None,
        help: "PEM of the private CA of a GitHub Enterprise Server or a proxy, added to the public roots. Keep its line breaks: write it as a block (`|`).",
        needs: &[],
    },
    InputRow {
        name: "token",
        group: Group::Credential,
        form: InputForm::Secret(
            "a token of the target's server: classic, fine-grained, an App's installation token or GITHUB_TOKEN",
        ),
        // An action does not find GITHUB_TOKEN in its environment: only an expression as a default hands it over.
        preset: Preset::Expression("${{ github.token }}"),
        help: "Token for the target: \
               a classic or fine-grained PAT, an App's installation token, or `GITHUB_TOKEN`, which reaches only the workflow's own repository. \
               If it is empty, the step fails with `token-missing`: no secret has that name, or the run is a fork's or Dependabot's. \
               On a laptop `GH_TOKEN` or `GITHUB_TOKEN` is used, for `GITHUB_SERVER_URL` (else github.com) only.",
        needs: &[],
    },
    InputRow {
        name: "workflow-token",
        group: Group::Credential,
        form: InputForm::Secret("the workflow's own GITHUB_TOKEN"),
        preset: Preset::Expression("${{ github.token }}"),
        help: "Internal; do not set. It is compared with `token` to recognize the workflow's `GITHUB_TOKEN`, which is never sent to another server.",
        needs: &[],
    },
    InputRow {
        name: "ssh-key",
        group: Group::Credential,
        form: InputForm::Secret("a private key in OpenSSH or PEM form, without a passphrase"),
        preset: Preset::None,
        help: "Private key (OpenSSH or PEM, no passphrase) of a deploy key with write access: git goes over SSH, the API with `token`. \
               Store the whole file in the secret, first and last line included.",
        needs: &[],
    },
    InputRow {
        name: "ssh-known-hosts",
        group: Group::Credential,
        form: InputForm::Text("lines of a known_hosts file, such as: ghes.example.com ssh-ed25519 AAAA…"),
        preset: Preset::None,
        help: "Extra `known_hosts` lines; github.com's keys are built in. For another server, ask its administrator for the lines: the check cannot be switched off.",
        needs: &["ssh-key"],
    },
    InputRow {
        name: "app-id",
        group: Group::Credential,
        form: InputForm::Text("a GitHub App's client id or app id, together with app-private-key"),
        preset: Preset::None,
        help: "Client id or app id of a GitHub App that is installed on the target. The step creates an installation token and uses it instead of `token`. \
               Requires `app-private-key`.",
        needs: &[],
    },
    InputRow {
        name: "app-private-key",
        group: Group::Credential,
        form: InputForm::Secret("the PEM file of the App's private key, together with app-id"),
        preset: Preset::None,
        help: "Private key (PEM) of that App. Store the whole file in the secret, line breaks included.",
        needs: &[],
    },
    InputRow {
        name: "directory",
        group: Group::PushDirectory,
        form: InputForm::Text("the path of a folder inside the workspace"),
        preset: Preset::None,
        help: "Folder of the workspace, such as `build/docs`. Its content becomes the content of the branch, byte for byte; no checkout is needed. \
               It must hold at least one file, so that a failed build cannot wipe a site. If another job built it, download its artifact first.",
        needs: &[],
    },
    InputRow {
        name: "branch",
        group: Group::PushDirectory,
        form: InputForm::Text("a branch name, such as gh-pages"),
        preset: Preset::Value("gh-pages"),
        help: "Branch of the target to publish to. If it does not exist, it is created without parents. Everything else on it is removed: \
               to publish into a branch with other files, set `destination` or `keep`.",
        needs: &["directory", "remove", "wait-for"],
    },
    InputRow {
        name: "destination",
        group: Group::PushDirectory,
        form: InputForm::Text("a folder of the branch, such as docs/v2, without .. or .git"),
        preset: Preset::Derived("the root"),
        help: "Folder of the branch to publish into; everything outside it stays. Give each preview a separate folder, such as `previews/pr-7`.",
        needs: PUSH,
    },
    InputRow {
        name: "remove",
        group: Group::PushDirectory,
        form: InputForm::Bool,
        preset: Preset::Value("false"),
        help: "`true`, without `directory`: remove `destination` from the branch, such as the preview of a closed pull request. \
               An absent folder is a success.",
        needs: &[],
    },
    InputRow {
        name: "keep",
        group: Group::PushDirectory,
        form: InputForm::List("globs relative to destination, such as CNAME or archive/**"),
        preset: Preset::None,
        help: "Globs, one per line, relative to `destination`: files on the branch that stay although the directory lacks them; `**` keeps all. \
               A kept file where the directory has a folder, or the reverse, is refused. \
               `*.map` matches at the top only, `**/*.map` at every depth.",
        needs: &["directory"],
    },
    InputRow {
        name: "exclude",
        group: Group::PushDirectory,
        form: InputForm::List(
            "globs relative to destination, such as drafts/**, with a leading + to add to the default",
        ),
        // Pushing workflow files takes a right of its own, and a folder that is published rarely means to.
        preset: Preset::Value(".github/**"),
        help: "Globs, one per line, relative to `destination`: files that are neither published nor removed from the branch. \
               A line that begins with `+` adds to the default instead of replacing it; empty excludes nothing. \
               `*.map` matches at the top only, `**/*.map` at every depth. `.git` is never published.",
        needs: &["directory"],
    },
    InputRow {
        name: "symlinks",
        group: Group::PushDirectory,
        form: InputForm::Choice(&["keep", "follow"]),
        preset: Preset::Value("keep"),
        help: "`keep` publishes links as links. `follow` publishes the file or folder that a link points to in its place; \
               a link that dangles, loops or leaves the workspace is refused. Pages serves no links: set `follow` for a site that has some.",
        needs: &["directory"],
    },
    InputRow {
        name: "history",
        group: Group::PushDirectory,
        form: InputForm::Choice(&["append", "single"]),
        preset: Preset::Value("append"),
        help: "`append` adds one commit to the branch. \
               `single` turns the branch into one commit without parents, for large generated sites; a rule against force pushes refuses that.",
        needs: PUSH,
    },
    InputRow {
        name: "message",
        group: Group::PushDirectory,
        // Verbatim: the indentation of its first line belongs to the text.
        form: InputForm::Verbatim("the text of a commit message"),
        preset: Preset::Value(MESSAGE),
        help: "Commit message; `{repository} {sha} {short_sha} {ref} {actor} {run_url} {tag}` are filled in. \
               With `[skip ci]` in it, the target's workflows do not start.",
        needs: PUSH,
    },
    InputRow {
        name: "trailers",
        group: Group::PushDirectory,
        form: InputForm::Choice(&["auto", "true", "false"]),
        preset: Preset::Value("auto"),
        help: "Whether the commit message ends with `Relay-Source` (repository and commit) and `Relay-Run` (address of the run). \
               `auto` leaves them out where the source repository is private and the target is public.",
        needs: PUSH,
    },
    InputRow {
        name: "author",
        group: Group::PushDirectory,
        form: InputForm::Text("Name <email>"),
        preset: Preset::Value("github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"),
        help: "Author and committer, and tagger of annotated tags, as `Name <email>`; in YAML put it in quotes. \
               If GitHub refuses to publish a private address, use the account's noreply address.",
        // An annotated tag has a tagger; a lightweight one has nobody to name.
        needs: &["directory", "remove", "tag-message"],
    },
    InputRow {
        name: "nojekyll",
        group: Group::PushDirectory,
        form: InputForm::Choice(&["auto", "true", "false"]),
        preset: Preset::Value("auto"),
        help: "Whether to add `.nojekyll` at the root of the branch, without which Pages leaves out files that begin with `_`: \
               `auto` (yes on the branch `gh-pages` where it is new or its root is published), `true` or `false`. If Pages builds the site with Jekyll, set `false`.",
        needs: &["directory"],
    },
    InputRow {
        name: "cname",
        group: Group::PushDirectory,
        form: InputForm::Text("a host name, such as www.example.com"),
        preset: Preset::None,
        help: "The site's host name, such as `docs.example.com`, without `https://`: the content of `CNAME` at the root of the branch, \
               or in `destination` where that is the folder that Pages publishes from. A `CNAME` that is already there stays when the directory has none.",
        needs: &["directory"],
    },
    InputRow {
        name: "allow-empty",
        group: Group::PushDirectory,
        form: InputForm::Bool,
        preset: Preset::Value("false"),
        help: "`true`: make a commit even if nothing changed. `false`: no change is a success without a commit.",
        needs: PUSH,
    },
    InputRow {
        name: "signing-key",
        group: Group::PushDirectory,
        form: InputForm::Secret("an SSH private key without a passphrase"),
        preset: Preset::None,
        help: "SSH private key (OpenSSH or PEM, no passphrase) that signs the commit and the tag. \
               Add its public half as a signing key to the account of `author`, or GitHub shows them as unverified.",
        needs: &["directory", "remove", "tag"],
    },
    InputRow {
        name: "sign",
        group: Group::PushDirectory,
        // YAML 1.1 reads an unquoted `no` as a boolean, so `false` arrives in its place.
        form: InputForm::Choice(&["auto", "github", "no", "false"]),
        preset: Preset::Value("auto"),
        help: "`github`: GitHub signs the commit, so that it is verified; `token` must be an App's or `GITHUB_TOKEN`, and `author` is left out. \
               `auto` does so where the rules of the branch require it and nothing else satisfies them. `no` does not.",
        needs: PUSH,
    },
    InputRow {
        name: "pull-request",
        group: Group::PushDirectory,
        form: InputForm::Choice(&["no", "required", "always", "false"]),
        preset: Preset::Value("no"),
        help: "`required`: where the rules of the branch do not let this actor push to it, the change goes to the branch `relay/BRANCH` and to one pull request, \
               which is made or updated. `always` does so in any case. With `refs` it takes one branch. The token needs Pull requests: Read and write.",
        needs: &["directory", "remove", "refs"],
    },
    InputRow {
        name: "pull-request-merge",
        group: Group::PushDirectory,
        form: InputForm::Choice(&["no", "merge", "squash", "rebase", "false"]),
        preset: Preset::Value("no"),
        help: "How to merge the pull request: at once where that is allowed, else by auto-merge, which must be allowed under the repository's Settings > General.",
        needs: &["pull-request"],
    },
    InputRow {
        name: "prune-previews",
        group: Group::PushDirectory,
        form: InputForm::Text("a folder of the branch with {number} in it once, such as previews/pr-{number}"),
        preset: Preset::None,
        help: "Folder of the branch with `{number}`, such as `previews/pr-{number}`: each folder of this form whose pull request (of the target repository) is not open \
               is removed in the same commit, whatever `keep` and `exclude` say. If the token cannot read the pull requests (Pull requests: Read), all folders stay.",
        needs: PUSH,
    },
    InputRow {
        name: "refs",
        group: Group::PushRefs,
        form: InputForm::List("git refspecs, such as main, HEAD:gh-pages, +main, refs/tags/* or :old"),
        preset: Preset::None,
        help: "Refspecs of the checkout, one per line, as for `git push`: `main`, `HEAD:release`, `refs/tags/*`, `:old`. A `+` in front forces with a lease. \
               Set `fetch-depth: 0` under actions/checkout. It excludes `directory`.",
        needs: &[],
    },
    InputRow {
        name: "checkout",
        group: Group::PushRefs,
        form: InputForm::Text("the path of a folder inside the workspace"),
        preset: Preset::Derived("the workspace"),
        help: "Folder of the workspace that holds the checkout: the `path` of actions/checkout.",
        needs: &["refs"],
    },
    InputRow {
        name: "prune",
        group: Group::PushRefs,
        form: InputForm::Bool,
        preset: Preset::Value("false"),
        help: "`true`: delete refs of the target that match the right side of a pattern of `refs` and have no source any more, except the default branch. \
               Check out all branches and tags (`fetch-depth: 0`): the check `prune` stops a deletion of more than half of them.",
        needs: &[],
    },
    InputRow {
        name: "lfs",
        group: Group::PushRefs,
        form: InputForm::Choice(&["auto", "false"]),
        preset: Preset::Value("auto"),
        help: "`auto`: upload the Git LFS objects that the pushed commits name and the target lacks, before the push. Set `lfs: true` under actions/checkout. \
               `false` pushes the commits alone.",
        needs: &["refs"],
    },
    InputRow {
        name: "tag",
        group: Group::Tag,
        form: InputForm::List("tag names, such as v1.4.2, with a leading + to move one that exists"),
        preset: Preset::None,
        help: "Tags to create, one name per line. A `+` in front moves that tag regardless of `tag-exists` (`+v1`).",
        needs: &[],
    },
    InputRow {
        name: "tag-message",
        group: Group::Tag,
        form: InputForm::Verbatim("the text of an annotation"),
        preset: Preset::None,
        help: "Message of the tags, which makes them annotated; the placeholders of `message` are filled in. Without it they are lightweight.",
        needs: &["tag"],
    },
    InputRow {
        name: "tag-target",
        group: Group::Tag,
        form: InputForm::Text("a commit, branch or tag of the target repository"),
        preset: Preset::Derived("the branch's tip after the push, else `GITHUB_SHA`"),
        help: "Commit, branch or tag of the target repository that the tag points to.",
        needs: &["tag"],
    },
    InputRow {
        name: "tag-exists",
        group: Group::Tag,
        form: InputForm::Choice(&["keep", "fail", "move"]),
        preset: Preset::Value("keep"),
        help: "If the tag already exists: `keep` it (a success if it names the same commit, else a failure), `fail`, or `move` it. \
               To move only a floating major, write `+v1` in `tag` instead.",
        needs: &["tag"],
    },
    InputRow {
        name: "dispatch",
        group: Group::Trigger,
        form: InputForm::Text("an event type, at most 100 characters"),
        preset: Preset::None,
        help: "Event type of a `repository_dispatch`, at most 100 characters. Only workflows on the target's default branch listen, if they name the type under `on: \
               repository_dispatch: types:`.",
        needs: &[],
    },
    InputRow {
        name: "payload",
        group: Group::Trigger,
        form: InputForm::Json,
        preset: Preset::Value("{}"),
        help: "JSON object that is sent as `client_payload`, with at most 10 top-level keys. \
               Insert values with `toJSON()`, so that a quote in one of them does not break it.",
        needs: &["dispatch"],
    },
    InputRow {
        name: "workflow",
        group: Group::Trigger,
        form: InputForm::List("file names of the target's .github/workflows, such as deploy.yml"),
        preset: Preset::None,
        help: "Workflow files of the target to start by `workflow_dispatch`, one per line. Use the name of the file (`deploy.yml`), not the title of the workflow.",
        needs: &[],
    },
    InputRow {
        name: "workflow-ref",
        group: Group::Trigger,
        form: InputForm::Text("a branch or tag of the target"),
        preset: Preset::Derived("the tag made, else the branch pushed (with `refs`), else the default branch"),
        help: "Branch or tag of the target on which `workflow` runs; a commit id does not work.",
        needs: &["workflow"],
    },
    InputRow {
        name: "workflow-inputs",
        group: Group::Trigger,
        form: InputForm::Json,
        preset: Preset::Value("{}"),
        help: "JSON object of the workflow's inputs, as its file declares them under `on: workflow_dispatch: inputs:`; others are refused. \
               Insert values with `toJSON()`.",
        needs: &["workflow"],
    },
    InputRow {
        name: "wait",
        group: Group::Trigger,
        form: InputForm::Choice(&["no", "false", "started", "completed"]),
        preset: Preset::Value("no"),
        help: "`no`; `started`: wait until each trigger has a run; `completed`: wait until each run has ended, and fail unless it succeeded. \
               For slow workflows raise `wait-timeout`.",
        needs: &["dispatch", "workflow", "wait-for"],
    },
    InputRow {
        name: "wait-for",
        group: Group::Trigger,
        form: InputForm::List("workflow file names, or pages"),
        preset: Preset::None,
        help: "Workflow files that the push or the tag should start, one per line. The step waits until each has a run, with `wait: completed` \
               until each run has ended. `pages` is the Pages deployment of the branch, always to its end. \
               A push with `GITHUB_TOKEN` starts none: use another token, or start them with `workflow`.",
        needs: &[],
    },
    InputRow {
        name: "wait-timeout",
        group: Group::Trigger,
        form: InputForm::Duration,
        preset: Preset::Value("10m"),
        help: "Maximum time to wait for runs, such as `90s`, `10m` or `1h30m`. Keep the job's `timeout-minutes` above it.",
        needs: &["wait", "wait-for"],
    },
    InputRow {
        name: "secret-name",
        group: Group::Secret,
        form: InputForm::Text(
            "letters, digits and _, no digit first, not beginning with GITHUB_; together with secret-value",
        ),
        preset: Preset::None,
        help: "Name of a secret to set on every target, together with `secret-value`. It cannot begin with `GITHUB_`, which GitHub reserves.",
        needs: &[],
    },
    InputRow {
        name: "secret-value",
        group: Group::Secret,
        // Verbatim: a secret can be a whole file, and its last line break may count.
        form: InputForm::VerbatimSecret("the secret's value, at most 48 KB; together with secret-name"),
        preset: Preset::None,
        help: "Value of the secret, at most 48 KB; it is encrypted with the target's public key before it is sent. White space counts: a line break at the end becomes part of it.",
        needs: &[],
    },
    InputRow {
        name: "secret-scope",
        group: Group::Secret,
        form: InputForm::Text("actions, dependabot, codespaces, or environment:NAME"),
        preset: Preset::Value("actions"),
        help: "Where the secret is set: `actions`, `dependabot`, `codespaces`, or `environment:NAME` for a deployment environment, which must exist.",
        needs: &["secret-name"],
    },
    InputRow {
        name: "revoke-token",
        group: Group::Secret,
        form: InputForm::Secret(
            "an old token that begins with ghp_, github_pat_, gho_, ghu_ or ghr_, and that the step itself does not use",
        ),
        preset: Preset::None,
        help: "Old token to revoke after every stage of every target has succeeded. If anything fails, and in a dry run, it is not revoked. \
               Revoking cannot be undone, and GitHub sends an email to the owner of the token. Not available on GitHub Enterprise Server.",
        needs: &[],
    },
    InputRow {
        name: "dry-run",
        group: Group::Behaviour,
        form: InputForm::Bool,
        preset: Preset::Value("false"),
        help: "`true`: run every check and report what would change, without writing. A failed check fails the step.",
        needs: &[],
    },
    InputRow {
        name: "expiry-warning",
        group: Group::Behaviour,
        form: InputForm::Number(0),
        preset: Preset::Value("14"),
        help: "Number of days before the token's expiry from which on the step warns. Raise it if a new token takes long to get.",
        needs: &[],
    },
    InputRow {
        name: "attempts",
        group: Group::Behaviour,
        // The first try is one of them: 0 would mean that nothing is sent.
        form: InputForm::Number(1),
        preset: Preset::Value("5"),
        help: "Maximum attempts for transient errors, with exponential backoff; `1` disables retries. \
               A lost race for a branch does not count.",
        needs: &[],
    },
    InputRow {
        name: "timeout",
        group: Group::Behaviour,
        form: InputForm::Duration,
        preset: Preset::Value("15m"),
        help: "Time for everything except waiting for runs, such as `90s`, `10m` or `1h30m`. \
               Keep it below the job's `timeout-minutes`, so that the report is still written.",
        needs: &[],
    },
    InputRow {
        name: "ignore-checks",
        group: Group::Behaviour,
        form: InputForm::List("names of preflight checks, except token-present and file-size"),
        preset: Preset::None,
        help: "Preflight checks, one name per line, whose failure is only a warning. The log, the summary and docs/checks.md show the names.",
        needs: &[],
    },
];

/// A row of the table of outputs.
#[derive(Debug)]
pub struct Output {
    /// The name under `outputs`.
    pub name: &'static str,
    /// What it holds.
    pub help: &'static str,
}

/// Every output, in the order of `action.yml` and `docs/inputs.md`.
pub const OUTPUTS: &[Output] = &[
    Output { name: "pushed", help: "`true` when the push stage changed the target, else `false`." },
    Output { name: "commit", help: "The commit at the tip of the branch afterwards." },
    Output { name: "previous", help: "The commit at the tip before; empty for a new branch." },
    Output { name: "branch", help: "The name of the branch." },
    Output { name: "tag", help: "The tags, one per line, without `+`." },
    Output {
        name: "tag-created",
        help: "`true` when a tag was created or moved, by `tag` or by `refs`, else `false`.",
    },
    Output { name: "dispatched", help: "`true` when a trigger was sent, else `false`." },
    Output { name: "run-id", help: "Id of the run of the last trigger, if it was looked up." },
    Output { name: "run-url", help: "Address of that run." },
    Output { name: "run-conclusion", help: "How that run ended: `success`, `failure`, …; empty until then." },
    Output {
        name: "page-url",
        help: "Address of the published folder where the branch is the Pages source; with `wait-for: pages` once it is deployed.",
    },
    Output { name: "pull-request", help: "Number of the pull request, if one was made or updated." },
    Output { name: "pull-request-url", help: "Address of that pull request." },
    Output {
        name: "drift",
        help: "How the target stood to the checkout before the push of `refs`: `none`, `behind`, `diverged` or `extra`.",
    },
    Output {
        name: "token-kind",
        help: "`classic`, `fine-grained`, `installation`, `github-token`, `oauth`, `user-to-server` or `unknown`.",
    },
    Output { name: "token-expires-at", help: "When the token expires (RFC 3339); empty for never or unknown." },
    Output { name: "error", help: "The name of the cause, written on failure too; empty on success." },
    Output {
        name: "report",
        help: "Everything as JSON: stages, checks, refs, changes, pull request and runs of each target (`docs/report.schema.json`).",
    },
];
