//! What `-h` (one screen) and `--help` (whole) print.

use std::fmt::Write as _;

use super::{
    named::{NamedCommand, step_parser},
    version,
};

/// What `repo-relay -h` prints below its first lines.
const FLAGS: &str = "\
Common flags:
      --repository OWNER/NAME  Target repository [default: the remote `origin`]
      --token-file PATH|-      File with the token [default: GH_TOKEN, then GITHUB_TOKEN]
      --dry-run                Run every check and show what would change
      --yes                    Do not ask before writing to `origin`
      --json                   Print the report as one JSON object
  -h, --help                   This screen; every flag
  -V, --version                The version
";

const EXAMPLES: [&str; 3] = [
    "repo-relay check acme/website",
    "repo-relay publish build/docs --repository acme/website --dry-run",
    "repo-relay push main 'refs/tags/*' --repository acme/mirror",
];

/// What every screen and every page ends with.
const ENVIRONMENT: &str = "\
Environment:
  GH_TOKEN, GITHUB_TOKEN                        Token for github.com and GHE.com
  GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN  Token for GitHub Enterprise Server
  GH_HOST                                       Server of a target that is only named owner/name
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY             Proxies
  INPUT_<NAME>                                  Every input, as a workflow step gets it; a flag wins

A token is sent to github.com or to a host that you wrote, never to one that only the checkout's remote names.
Exit status: 0 on success, 1 on failure.
";

impl NamedCommand {
    /// The flags used most, in the form of a help screen.
    fn common(self) -> &'static str {
        match self {
            Self::Check => {
                "      --token-file PATH|-     File with the token [default: GH_TOKEN, then GITHUB_TOKEN]
      --ssh-key-file PATH|-   File with a deploy key
      --server-url URL        Another GitHub than github.com
      --expiry-warning DAYS   Warn this many days before the token expires [default: 14]
      --json                  Print the report as one JSON object
  -h, --help                  This screen; every flag
"
            }
            Self::Publish => {
                "      --repository OWNER/NAME  Target repository [default: the remote `origin`]
      --branch NAME            Branch to publish to [default: gh-pages]
      --destination FOLDER     Folder of the branch to publish into [default: its root]
      --keep GLOB              Files on the branch that stay though the folder lacks them
      --exclude GLOB           Files that are neither published nor removed [default: .github/**]
      --message TEXT           Commit message
      --history single         Replace the branch by one commit
      --tag NAME               Tag the published commit
      --dispatch TYPE          Send a repository_dispatch afterwards
      --wait-for FILE|pages    Follow the runs that the push starts
      --token-file PATH|-      File with the token [default: GH_TOKEN, then GITHUB_TOKEN]
      --dry-run                Run every check and show what would change
      --yes                    Do not ask before writing to `origin`
      --json                   Print the report as one JSON object
  -h, --help                   This screen; every flag
"
            }
            Self::Push => {
                "      --repository OWNER/NAME  Target repository [default: the remote `origin`]
      --tag NAME               Make a tag afterwards
      --workflow FILE          Start a workflow of the target afterwards
      --wait-for FILE          Follow the runs that the push starts
      --token-file PATH|-      File with the token [default: GH_TOKEN, then GITHUB_TOKEN]
      --ssh-key-file PATH|-    File with a deploy key
      --dry-run                Run every check and show what would change
      --yes                    Do not ask before writing to `origin`
      --json                   Print the report as one JSON object
  -h, --help                   This screen; every flag
"
            }
            Self::Explain => {
                "      --operation WHAT        git-push, git-fetch, ssh or rest
      --status N              HTTP status of the answer
      --header 'Name: value'  A header of the answer; repeat the flag for more
      --json                  Print one JSON object on a line, as without a terminal
  -h, --help                  This screen; every flag
"
            }
            Self::Completions => "  -h, --help  This screen\n",
        }
    }

    fn examples(self) -> [&'static str; 3] {
        match self {
            Self::Check => [
                "repo-relay check acme/website",
                "gh auth token | repo-relay check acme/website --token-file -",
                "repo-relay check acme/website --json | jq -r .error",
            ],
            Self::Publish => [
                "repo-relay publish build/docs --repository acme/website --dry-run",
                "repo-relay publish site --repository acme/website --destination v2 --tag v2.0.0",
                "repo-relay publish dist --repository acme/website --wait-for pages",
            ],
            Self::Push => [
                "repo-relay push main --repository acme/mirror",
                "repo-relay push '+refs/heads/*' 'refs/tags/*' '^refs/heads/wip/*' --repository acme/mirror",
                "repo-relay push HEAD:release --repository acme/website --workflow deploy.yml --wait completed",
            ],
            Self::Explain => [
                "repo-relay explain failed.log",
                "git push 2>&1 | repo-relay explain --operation git-push",
                "repo-relay explain --status 404 --header 'X-GitHub-Request-Id: 1' --json < answer.json",
            ],
            Self::Completions => [
                "repo-relay completions bash > ~/.local/share/bash-completion/completions/repo-relay",
                "repo-relay completions zsh > ~/.zfunc/_repo-relay",
                "repo-relay completions fish > ~/.config/fish/completions/repo-relay.fish",
            ],
        }
    }
}

/// One screen: at most 40 lines.
pub(super) fn short(named: Option<NamedCommand>) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = match named {
        Some(named) => write!(
            text,
            "{}.\n\nUsage: repo-relay {} {} [FLAGS]\n\nCommon flags:\n{}",
            named.about(),
            named.name(),
            named.usage(),
            named.common()
        ),
        None => write!(
            text,
            "{}\nPublish a folder, or push branches and tags, to a GitHub repository.\n\n\
             Usage: repo-relay COMMAND [FLAGS]\n       repo-relay [FLAGS]     without a command, as in a workflow step\n\n\
             Commands:\n{}\n{FLAGS}",
            version(),
            commands()
        ),
    };
    examples(&mut text, named.map_or(EXAMPLES, NamedCommand::examples));
    let page = named.map_or(String::new(), |named| format!("{} ", named.name()));
    let _ = writeln!(text, "\nEvery flag: repo-relay {page}--help. Exit status: 0 on success, 1 on failure.");
    text
}

/// Every flag.
pub(super) fn whole(named: Option<NamedCommand>) -> String {
    let usage = match named {
        Some(named) => format!("repo-relay {} {} [FLAGS]", named.name(), named.usage()),
        None => "repo-relay COMMAND [FLAGS]\n       repo-relay [FLAGS]".to_owned(),
    };
    let mut head = match named {
        Some(named) => format!("{}.\n", named.about()),
        None => format!(
            "{}\nPublish a folder, or push branches and tags, to a GitHub repository, then tag it, trigger its workflows and wait for them.\n",
            version()
        ),
    };
    let _ = write!(head, "\nUsage: {usage}\n");
    if named.is_none() {
        let _ = write!(
            head,
            "\nCommands:\n{}\nWithout a command the flags below are the inputs of a workflow step, and what they ask for is done. \
             Without anything to push, tag or trigger, the token is checked and nothing is written.\n",
            commands()
        );
    }
    let parser = named.map_or_else(step_parser, NamedCommand::parser);
    let flags = parser.help_template("{all-args}").render_help().to_string();
    let mut text = format!("{head}\n{}\n", flags.trim_end());
    examples(&mut text, named.map_or(EXAMPLES, NamedCommand::examples));
    if !matches!(named, Some(NamedCommand::Explain | NamedCommand::Completions)) {
        let _ = write!(text, "\n{ENVIRONMENT}");
    }
    text
}

fn commands() -> String {
    let line =
        |named: NamedCommand| format!("  {:<20}  {}\n", format!("{} {}", named.name(), named.usage()), named.about());
    NamedCommand::ALL.into_iter().map(line).collect()
}

fn examples(text: &mut String, examples: [&str; 3]) {
    text.push_str("\nExamples:\n");
    for example in examples {
        let _ = writeln!(text, "  {example}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> impl Iterator<Item = Option<NamedCommand>> {
        NamedCommand::ALL.into_iter().map(Some).chain([None])
    }

    #[test]
    fn a_screen_has_at_most_forty_lines_and_three_examples() {
        for named in every() {
            let text = short(named);
            assert!(text.lines().count() <= 40, "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
            let (_, examples) = text.split_once("\nExamples:\n").unwrap();
            assert_eq!(examples.lines().take_while(|line| !line.is_empty()).count(), 3, "{text}");
        }
    }

    #[test]
    fn a_screen_names_flags_that_the_command_takes() {
        for named in NamedCommand::ALL {
            let text = short(Some(named));
            let words = text.split_whitespace().filter_map(|word| word.strip_prefix("--"));
            let mut seen = 0;
            for flag in words.map(|word| word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())) {
                assert!(named.flags().contains(flag), "--{flag} in\n{text}");
                seen += 1;
            }
            assert!(seen > 0);
        }
    }

    #[test]
    fn the_pages_are_written_for_a_laptop() {
        for named in every() {
            let text = whole(named);
            for workflow in
                ["`with:`", "actions/checkout", "timeout-minutes", "toJSON", "YAML", "workspace", "Dependabot"]
            {
                assert!(!text.contains(workflow), "{workflow} in\n{text}");
            }
        }
    }
}
