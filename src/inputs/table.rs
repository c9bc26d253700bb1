//! The one table of inputs, and the one of outputs: every other list of them is made from here or compared with it.

pub use super::row::{Form, Group, Input, Preset};

/// Inputs whose stage this version does not have: a value for one of them is refused by name, never ignored.
pub const NOT_YET: &[&str] = &[];

/// The preflight checks, by the names that the report and `ignore-checks` use.
pub const CHECKS: [&str; 18] = [
    "token-present",
    "token-kind",
    "token-valid",
    "token-expiry",
    "token-scope",
    "sso",
    "repository",
    "permission",
    "branch-rules",
    "workflow-files",
    "file-size",
    "tag",
    "workflow",
    "payload",
    "pages",
    "rate-limit",
    "triggers",
    "checkout-credentials",
];

/// The checks that `ignore-checks` does not accept.
pub const NEVER_IGNORED: [&str; 2] = ["token-present", "file-size"];

/// Finds a row by its name.
pub fn find(name: &str) -> Option<&'static Input> {
    INPUTS.iter().find(|input| input.name == name)
}

const PUSH: &[&str] = &["directory", "remove"];

/// Every input, in the order of `--help`, `action.yml` and the README.
pub const INPUTS: &[Input] = &[
    Input {
        name: "repository",
        group: Group::Target,
        form: Form::List(
            "owner/name, or a whole address such as https://github.com/owner/name or git@github.com:owner/name.git",
        ),
        preset: Preset::Derived("the workflow's own; on a laptop `origin`"),
        help: "Repository to relay to: `owner/name` or its whole address, whose host then replaces `server-url`; several lines relay to each, all on one server. \
               An address must not hold a token: that goes into `token`.",
        needs: &[],
    },
    Input {
        name: "server-url",
        group: Group::Target,
        form: Form::Text("the web address of a GitHub server, such as https://github.com"),
        preset: Preset::Derived("`GITHUB_SERVER_URL`"),
        help: "Web address of the target's GitHub, without a path. Plain http is refused unless the host is this machine.",
        needs: &[],
    },
    Input {
        name: "api-url",
        group: Group::Target,
        form: Form::Text(
            "an address on the target's own host or its api. name, such as https://ghes.example.com/api/v3",
        ),
        preset: Preset::Derived("derived from the server"),
        help: "REST address of the target's GitHub; needed only where a server is set up unusually. It must be on the target's host, `api.` in front of it apart.",
        needs: &[],
    },
    Input {
        name: "ca-certificate",
        group: Group::Target,
        form: Form::Text("PEM certificates, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"),
        preset: Preset::None,
        help: "PEM of the private CA of a GitHub Enterprise Server or proxy, added to the public roots. Keep the line breaks: write it as a block (`|`).",
        needs: &[],
    },
    Input {
        name: "token",
        group: Group::Credential,
        form: Form::Secret(
            "a token of the target's server: classic, fine-grained, an App's installation token or GITHUB_TOKEN",
        ),
        preset: Preset::Expression("${{ github.token }}"),
        help: "Token for the target: classic or fine-grained PAT, App installation token, or `GITHUB_TOKEN`, which reaches the workflow's own repository only. \
               Empty is `token-missing`: the secret is not defined, or the run is a fork's or Dependabot's. On a laptop `GH_TOKEN` or `GITHUB_TOKEN` serve for `GITHUB_SERVER_URL` (else github.com).",
        needs: &[],
    },
    Input {
        name: "workflow-token",
        group: Group::Credential,
        form: Form::Secret("the workflow's own GITHUB_TOKEN"),
        preset: Preset::Expression("${{ github.token }}"),
        help: "Not to be set. It is only compared with `token`, to know the workflow's `GITHUB_TOKEN` and keep it from other servers.",
        needs: &[],
    },
    Input {
        name: "ssh-key",
        group: Group::Credential,
        form: Form::Secret("a private key in OpenSSH or PEM form, without a passphrase"),
        preset: Preset::None,
        help: "Private key (OpenSSH or PEM) of a deploy key with write access: git goes over SSH, the API with `token`. Store the whole file, first and last line included.",
        needs: &[],
    },
    Input {
        name: "ssh-known-hosts",
        group: Group::Credential,
        form: Form::Text("lines of a known_hosts file, such as: ghes.example.com ssh-ed25519 AAAA…"),
        preset: Preset::None,
        help: "Extra `known_hosts` lines; github.com's keys are built in. For another server get its lines from the administrator: the check can not be switched off.",
        needs: &["ssh-key"],
    },
    Input {
        name: "app-id",
        group: Group::Credential,
        form: Form::Text("a GitHub App's client id or app id, together with app-private-key"),
        preset: Preset::None,
        help: "Client id or app id of a GitHub App installed on the target: the step mints an installation token of its own, which takes the place of `token`. Set `app-private-key` too.",
        needs: &[],
    },
    Input {
        name: "app-private-key",
        group: Group::Credential,
        form: Form::Secret("the PEM file of the App's private key, together with app-id"),
        preset: Preset::None,
        help: "Private key (PEM) of that App. Store the whole file in the secret, line breaks included.",
        needs: &[],
    },
    Input {
        name: "directory",
        group: Group::PushDirectory,
        form: Form::Text("the path of a folder inside the workspace"),
        preset: Preset::None,
        help: "Folder of the workspace whose content becomes the branch's content, byte for byte; no checkout is needed. It must hold at least one file: a failed build does not wipe a site.",
        needs: &[],
    },
    Input {
        name: "branch",
        group: Group::PushDirectory,
        form: Form::Text("a branch name, such as gh-pages"),
        preset: Preset::Value("gh-pages"),
        help: "Branch of the target to publish to; created, without parents, when absent.",
        needs: &["directory", "remove", "wait-for"],
    },
    Input {
        name: "destination",
        group: Group::PushDirectory,
        form: Form::Text("a folder of the branch, such as docs/v2, without .. or .git"),
        preset: Preset::Derived("the root"),
        help: "Folder of the branch that the content lands in; everything outside it stays. A path of its own for each preview keeps them apart.",
        needs: PUSH,
    },
    Input {
        name: "remove",
        group: Group::PushDirectory,
        form: Form::Bool,
        preset: Preset::Value("false"),
        help: "`true`, without `directory`: take `destination` off the branch, such as a closed pull request's preview. Absent already is a success.",
        needs: &[],
    },
    Input {
        name: "keep",
        group: Group::PushDirectory,
        form: Form::List("globs relative to destination, such as CNAME or archive/**"),
        preset: Preset::None,
        help: "Globs, one a line and relative to `destination`: files already on the branch that stay though the directory lacks them (`**` keeps all).",
        needs: &["directory"],
    },
    Input {
        name: "exclude",
        group: Group::PushDirectory,
        form: Form::List("globs relative to destination, such as drafts/**, with a leading + to add to the default"),
        preset: Preset::Value(".github/**"),
        help: "Globs, one a line and relative to `destination`: files neither published nor removed from the branch. Lines that begin with `+` add to the default; empty excludes nothing. `.git` never is published.",
        needs: &["directory"],
    },
    Input {
        name: "history",
        group: Group::PushDirectory,
        form: Form::Choice(&["append", "single"]),
        preset: Preset::Value("append"),
        help: "`append` one commit to the branch, or `single`: the branch becomes one commit without parents, for large generated sites.",
        needs: PUSH,
    },
    Input {
        name: "message",
        group: Group::PushDirectory,
        form: Form::Verbatim("the text of a commit message"),
        preset: Preset::Value("Publish {repository}@{short_sha}"),
        help: "Commit message; `{repository} {sha} {short_sha} {ref} {actor} {run_url} {tag}` are filled in. `[skip ci]` in it keeps the target's workflows from starting.",
        needs: PUSH,
    },
    Input {
        name: "author",
        group: Group::PushDirectory,
        form: Form::Text("Name <email>"),
        preset: Preset::Value("github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"),
        help: "Author and committer, and tagger of an annotated tag, as `Name <email>`. In YAML put it in quotes.",
        needs: &["directory", "remove", "tag-message"],
    },
    Input {
        name: "nojekyll",
        group: Group::PushDirectory,
        form: Form::Choice(&["auto", "true", "false"]),
        preset: Preset::Value("auto"),
        help: "Add `.nojekyll` at the branch's root, so that Pages publishes files that begin with `_`: `auto` when the branch is `gh-pages`, `true`, or `false`.",
        needs: &["directory"],
    },
    Input {
        name: "cname",
        group: Group::PushDirectory,
        form: Form::Text("a host name, such as www.example.com"),
        preset: Preset::None,
        help: "Content of `CNAME` at the branch's root: the site's host name alone, without `https://`. A `CNAME` that is there stays when the directory has none.",
        needs: &["directory"],
    },
    Input {
        name: "allow-empty",
        group: Group::PushDirectory,
        form: Form::Bool,
        preset: Preset::Value("false"),
        help: "`true`: commit although nothing changed. `false`: no change is a success without a commit.",
        needs: PUSH,
    },
    Input {
        name: "signing-key",
        group: Group::PushDirectory,
        form: Form::Secret("an SSH private key without a passphrase"),
        preset: Preset::None,
        help: "SSH private key that signs the commit and the tag. Add its public half as a signing key to the account of `author`.",
        needs: &["directory", "remove", "tag"],
    },
    Input {
        name: "refs",
        group: Group::PushRefs,
        form: Form::List("git refspecs, such as main, HEAD:gh-pages, +main, refs/tags/* or :old"),
        preset: Preset::None,
        help: "Refspecs of the checkout, one a line, as `git push` takes them; `+` forces with a lease. Set `fetch-depth: 0` under actions/checkout, and not `directory` too.",
        needs: &[],
    },
    Input {
        name: "tag",
        group: Group::Tag,
        form: Form::List("tag names, such as v1.4.2, with a leading + to move one that exists"),
        preset: Preset::None,
        help: "Tags to make, one name a line; a leading `+` moves that one whatever `tag-exists` says (`+v1`).",
        needs: &[],
    },
    Input {
        name: "tag-message",
        group: Group::Tag,
        form: Form::Verbatim("the text of an annotation"),
        preset: Preset::None,
        help: "Message of annotated tags, with the placeholders of `message`; without it tags are lightweight.",
        needs: &["tag"],
    },
    Input {
        name: "tag-target",
        group: Group::Tag,
        form: Form::Text("a commit, branch or tag of the target repository"),
        preset: Preset::Derived("the branch's tip after the push, else `GITHUB_SHA`"),
        help: "What is tagged: a commit, branch or tag of the target repository, not of this one.",
        needs: &["tag"],
    },
    Input {
        name: "tag-exists",
        group: Group::Tag,
        form: Form::Choice(&["keep", "fail", "move"]),
        preset: Preset::Value("keep"),
        help: "When the tag is there: `keep` succeeds if it names the same commit and fails if not, `fail`, or `move`. To move only a floating major write `+v1` in `tag`.",
        needs: &["tag"],
    },
    Input {
        name: "dispatch",
        group: Group::Trigger,
        form: Form::Text("an event type, at most 100 characters"),
        preset: Preset::None,
        help: "Event type of a `repository_dispatch`. Only workflows on the target's default branch listen, under `on: repository_dispatch: types:`.",
        needs: &[],
    },
    Input {
        name: "payload",
        group: Group::Trigger,
        form: Form::Json,
        preset: Preset::Value("{}"),
        help: "JSON object sent as `client_payload`, at most 10 top-level keys. Insert values with `toJSON()`, so that quotes in them do not break it.",
        needs: &["dispatch"],
    },
    Input {
        name: "workflow",
        group: Group::Trigger,
        form: Form::List("file names of the target's .github/workflows, such as deploy.yml"),
        preset: Preset::None,
        help: "Workflow files of the target, one a line: a `workflow_dispatch` of each. The file's name, not the workflow's title.",
        needs: &[],
    },
    Input {
        name: "workflow-ref",
        group: Group::Trigger,
        form: Form::Text("a branch or tag of the target"),
        preset: Preset::Derived("the tag made, else the branch pushed (with `refs`), else the default branch"),
        help: "Branch or tag of the target on which `workflow` runs. A commit id does not serve.",
        needs: &["workflow"],
    },
    Input {
        name: "workflow-inputs",
        group: Group::Trigger,
        form: Form::Json,
        preset: Preset::Value("{}"),
        help: "JSON object of the workflow's inputs, as its `on: workflow_dispatch: inputs:` declares them.",
        needs: &["workflow"],
    },
    Input {
        name: "wait",
        group: Group::Trigger,
        form: Form::Choice(&["no", "false", "started", "completed"]),
        preset: Preset::Value("no"),
        help: "`no`; `started`: until a run of each trigger exists; `completed`: until each has ended, and fail unless it ended well.",
        needs: &["dispatch", "workflow", "wait-for"],
    },
    Input {
        name: "wait-for",
        group: Group::Trigger,
        form: Form::List("workflow file names, or pages"),
        preset: Preset::None,
        help: "Workflow files that the push or the tag is expected to start, one a line; `pages` is the Pages deployment of the branch. A push by `GITHUB_TOKEN` starts none.",
        needs: &[],
    },
    Input {
        name: "wait-timeout",
        group: Group::Trigger,
        form: Form::Duration,
        preset: Preset::Value("10m"),
        help: "How long to wait for runs: `90s`, `10m`, `1h30m`.",
        needs: &["wait", "wait-for"],
    },
    Input {
        name: "secret-name",
        group: Group::Secret,
        form: Form::Text(
            "letters, digits and _, no digit first, not beginning with GITHUB_; together with secret-value",
        ),
        preset: Preset::None,
        help: "Name of an Actions secret to set on every target, together with `secret-value`. Names that begin with `GITHUB_` are GitHub's own.",
        needs: &[],
    },
    Input {
        name: "secret-value",
        group: Group::Secret,
        form: Form::VerbatimSecret("the secret's value, at most 48 KB; together with secret-name"),
        preset: Preset::None,
        help: "Its value, at most 48 KB, white space included; sealed with the target's public key before it is sent.",
        needs: &[],
    },
    Input {
        name: "dry-run",
        group: Group::Behaviour,
        form: Form::Bool,
        preset: Preset::Value("false"),
        help: "`true`: everything but the writes; the report says what would be pushed, tagged and sent, and a failed check fails the step.",
        needs: &[],
    },
    Input {
        name: "expiry-warning",
        group: Group::Behaviour,
        form: Form::Number(0),
        preset: Preset::Value("14"),
        help: "Days before the token's expiry from which a warning is raised.",
        needs: &[],
    },
    Input {
        name: "attempts",
        group: Group::Behaviour,
        form: Form::Number(1),
        preset: Preset::Value("5"),
        help: "Tries for what is transient, with growing pauses; `1` tries once. A lost race on a branch is not counted.",
        needs: &[],
    },
    Input {
        name: "timeout",
        group: Group::Behaviour,
        form: Form::Duration,
        preset: Preset::Value("15m"),
        help: "Budget of everything but waiting for runs: `90s`, `10m`, `1h30m`. Keep it below the job's `timeout-minutes`, so that the report is still written.",
        needs: &[],
    },
    Input {
        name: "ignore-checks",
        group: Group::Behaviour,
        form: Form::List("names of preflight checks, except token-present and file-size"),
        preset: Preset::None,
        help: "Preflight checks, one name a line, whose failure is reported as a warning and does not stop the step. The report names the check that failed.",
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

/// Every output, in the order of `action.yml` and the README.
pub const OUTPUTS: &[Output] = &[
    Output { name: "pushed", help: "`true` when the push stage changed the target, else `false`." },
    Output { name: "commit", help: "The branch's tip at the target afterwards." },
    Output { name: "previous", help: "The branch's tip before; empty for a new branch." },
    Output { name: "branch", help: "The branch's name." },
    Output { name: "tag", help: "The tags, one a line, without `+`." },
    Output { name: "tag-created", help: "`true` when a tag was created or moved, else `false`." },
    Output { name: "dispatched", help: "`true` when a trigger was sent, else `false`." },
    Output { name: "run-id", help: "Id of the last trigger's run, where it was looked up." },
    Output { name: "run-url", help: "Address of that run." },
    Output { name: "run-conclusion", help: "Its conclusion, once it has ended: `success`, `failure`, …" },
    Output { name: "page-url", help: "Address of the published site, with `wait-for: pages`." },
    Output {
        name: "token-kind",
        help: "`classic`, `fine-grained`, `installation`, `github-token`, `oauth`, `user-to-server` or `unknown`.",
    },
    Output { name: "token-expires-at", help: "The token's expiry, RFC 3339; empty when never or unknown." },
    Output { name: "error", help: "The cause's slug, written on failure too; empty on success." },
    Output {
        name: "report",
        help: "Everything as JSON: stages, checks, refs, changes and runs of each target (`docs/report.schema.json`).",
    },
];
