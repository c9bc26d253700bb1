//! The groups of inputs, each from its texts to its typed value, and what contradicts what inside a group.

use std::collections::BTreeSet;

use super::{
    AppCredential, Behaviour, CheckName, CredentialInputs, SecretInput, TagExists, TagLine, Tags, TokenInput, Triggers,
    WaitFor, forms,
    raw::{CLOUD_TOKENS, ENTERPRISE_TOKENS, nearest_name},
    read::InputReader,
    refusal::{contradiction, incomplete, invalid, refused, refused_name, unaccepted},
    repository::Resolved,
};
use crate::{
    credential::{Secret, is_key_in_base64},
    diagnosis::Failure,
    github::limits::SECRET_BYTES,
    names::{Author, NameError, RefName, ServerUrl},
};

/// The prefixes of the tokens that GitHub revokes on request.
///
/// Source: <https://docs.github.com/en/rest/credentials/revoke>
const REVOCABLE: [&str; 5] = ["ghp_", "github_pat_", "gho_", "ghu_", "ghr_"];

impl InputReader<'_> {
    pub(super) fn ca_certificate(&self) -> Result<Option<String>, Failure> {
        let Some(given) = self.text("ca-certificate") else { return Ok(None) };
        if forms::certificates(given) {
            return Ok(Some(given.to_owned()));
        }
        let text = forms::repaired_certificates(given);
        if forms::certificates(&text) {
            return Ok(Some(text));
        }
        let problem = if is_key_in_base64(&text) {
            "holds PEM in base64: give the PEM itself, which `base64 -d` prints"
        } else if text.contains("PRIVATE KEY-----") {
            "holds a private key, not a certificate: take the file that begins with `-----BEGIN CERTIFICATE-----`, and replace the key, which does not belong here"
        } else {
            "holds no whole certificate in PEM, from `-----BEGIN CERTIFICATE-----` to its END line"
        };
        Err(unaccepted("ca-certificate", problem))
    }

    pub(super) fn credential(&self, target: &Resolved) -> Result<CredentialInputs, Failure> {
        let app = match (self.text("app-id"), self.secret("app-private-key")) {
            (None, None) => None,
            (Some(id), Some(private_key)) => {
                // It becomes a claim of the App's token: other characters cannot be part of an id.
                let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
                if !plain {
                    return Err(refused("app-id", id, ""));
                }
                Some(AppCredential { id: id.to_owned(), private_key })
            }
            (Some(_), None) => return Err(incomplete("app-id", "app-private-key")),
            (None, Some(_)) => return Err(incomplete("app-private-key", "app-id")),
        };
        // A signed token of an App is a credential too, and a checkout can name any server.
        if app.is_some() && target.unconfirmed {
            let web = target.list[0].web();
            return Err(invalid(format!(
                "`repository` is not given, and only the remote `origin` of this checkout names {web}: `app-private-key` signs nothing for it."
            ))
            .with_remedy(format!("If that is the target, write it: `--repository {web}`.")));
        }
        let workflow_token = self.secret("workflow-token");
        let token = self.token(target, workflow_token.as_ref());
        Ok(CredentialInputs {
            token,
            workflow_token,
            ssh_key: self.secret("ssh-key"),
            ssh_known_hosts: self.text("ssh-known-hosts").map(str::to_owned),
            app,
        })
    }

    /// The token, kept from every server but its own where it is known whose it is.
    fn token(&self, target: &Resolved, workflow_token: Option<&Secret>) -> TokenInput {
        let server = &target.list[0].server;
        let (token, variable) = match (self.raw.secret("token"), self.variable_for(server)) {
            // A secret that does not exist arrives as an empty text; the environment's token was not meant.
            (Some(token), _) if token.is_blank() => return TokenInput::Blank,
            (Some(token), _) => (forms::trimmed(token), None),
            (None, Ok(Some((variable, token)))) => (forms::trimmed(token), Some(variable)),
            (None, Ok(None)) => return TokenInput::Absent,
            (None, Err(withheld)) => return withheld,
        };
        if target.unconfirmed {
            let what = variable.unwrap_or("`--token-file`").to_owned();
            return TokenInput::Unconfirmed { what, web: target.list[0].web() };
        }
        // `GITHUB_TOKEN` is worth nothing elsewhere, and must not be shown to another server.
        let at_home = self.context.server().is_ok_and(|own| own == *server);
        if variable.is_none() && !at_home && workflow_token == Some(&token) {
            return self.withheld("the workflow's GITHUB_TOKEN");
        }
        TokenInput::Given(token)
    }

    /// The token of the environment that belongs to `server`, with its variable's name. As with gh, `GH_TOKEN` and `GITHUB_TOKEN`
    /// are those of github.com and GHE.com; where `GITHUB_SERVER_URL` is set they are that server's.
    ///
    /// Source: <https://cli.github.com/manual/gh_help_environment>
    fn variable_for(&self, server: &ServerUrl) -> Result<Option<(&'static str, &Secret)>, TokenInput> {
        let enterprise = self.raw.ambient_token(&ENTERPRISE_TOKENS).filter(|_| server.is_enterprise_server());
        if enterprise.is_some() && !self.context.on_runner {
            return Ok(enterprise);
        }
        let Some((variable, token)) = self.raw.ambient_token(&CLOUD_TOKENS) else { return Ok(None) };
        let belongs = match self.context.server_variable() {
            Some("GITHUB_SERVER_URL") => self.context.server().is_ok_and(|own| own == *server),
            _ => !server.is_enterprise_server(),
        };
        if belongs { Ok(Some((variable, token))) } else { Err(self.withheld(variable)) }
    }

    /// A token that stays with its own server.
    fn withheld(&self, what: &str) -> TokenInput {
        let own = match self.context.server_variable() {
            Some("GH_HOST") => Some("https://github.com".to_owned()),
            _ => self.context.server().ok().map(|server| server.to_string()),
        };
        TokenInput::Withheld { what: what.to_owned(), server: own.unwrap_or_else(|| "GITHUB_SERVER_URL".to_owned()) }
    }

    pub(super) fn author(&self) -> Result<Author, Failure> {
        let text = self.text_or_preset("author");
        forms::author(text).ok_or_else(|| refused("author", text, ""))
    }

    pub(super) fn tags(&self) -> Result<Option<Tags>, Failure> {
        let mut list: Vec<TagLine> = Vec::new();
        for line in self.lines("tag") {
            let (moves, name) = line.strip_prefix('+').map_or((false, line), |name| (true, name.trim()));
            let name = ref_name("tag", name, "refs/tags/", RefName::tag)?;
            match list.iter().find(|other| other.name == name) {
                // Which of the two lines was meant decides whether a tag is overwritten.
                Some(other) if other.moves != moves => {
                    return Err(refused("tag", line, "it is named with `+` and without"));
                }
                Some(_) => {}
                None => list.push(TagLine { name, moves }),
            }
        }
        let words = [("keep", TagExists::Keep), ("fail", TagExists::Fail), ("move", TagExists::Move)];
        let exists = self.choice("tag-exists", &words)?;
        let target = self.text("tag-target");
        if let Some(target) = target.filter(|target| !forms::ref_or_commit(target)) {
            return Err(refused("tag-target", target, ""));
        }
        let message = self.text("tag-message").map(str::to_owned);
        let target = target.map(str::to_owned);
        Ok((!list.is_empty()).then_some(Tags { list, message, target, exists }))
    }

    pub(super) fn triggers(&self) -> Result<Triggers, Failure> {
        let workflow_ref = self.text("workflow-ref");
        if let Some(name) = workflow_ref.filter(|name| !forms::ref_or_commit(name)) {
            return Err(refused("workflow-ref", name, ""));
        }
        let mut wait_for = Vec::new();
        for name in self.workflow_files("wait-for")? {
            wait_for.push(if name == "pages" { WaitFor::Pages } else { WaitFor::Workflow(name) });
        }
        let wait_text = self.text_or_preset("wait");
        Ok(Triggers {
            dispatch: self.line("dispatch")?.map(str::to_owned),
            payload: self.json("payload")?,
            workflows: self.workflow_files("workflow")?,
            workflow_ref: workflow_ref.map(str::to_owned),
            workflow_inputs: self.json("workflow-inputs")?,
            wait: forms::wait(wait_text).ok_or_else(|| refused("wait", wait_text, ""))?,
            wait_for,
            wait_timeout: self.duration("wait-timeout")?,
        })
    }

    fn workflow_files(&self, input: &str) -> Result<Vec<String>, Failure> {
        let mut files = Vec::new();
        for line in self.lines(input) {
            let file = forms::workflow_file(line).ok_or_else(|| refused(input, line, ""))?;
            if !files.contains(&file) {
                files.push(file);
            }
        }
        Ok(files)
    }

    pub(super) fn secret_input(&self) -> Result<Option<SecretInput>, Failure> {
        let scope = self.text_or_preset("secret-scope");
        let scope = scope.parse().map_err(|why| refused("secret-scope", scope, why))?;
        match (self.text("secret-name"), self.secret("secret-value")) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(incomplete("secret-name", "secret-value")),
            (None, Some(_)) => Err(incomplete("secret-value", "secret-name")),
            // GitHub refuses such names only after the value was encrypted and sent.
            (Some(name), Some(_)) if !forms::secret_name(name) => Err(refused("secret-name", name, "")),
            (Some(_), Some(value)) if value.expose().len() > SECRET_BYTES => Err(unaccepted(
                "secret-value",
                &format!("is {} bytes long, over GitHub's limit of {SECRET_BYTES}", value.expose().len()),
            )),
            (Some(name), Some(value)) => Ok(Some(SecretInput { name: name.to_owned(), value, scope })),
        }
    }

    /// The token to revoke: of a form that GitHub revokes, and none that this step uses or hands out.
    pub(super) fn revoke_token(
        &self,
        credential: &CredentialInputs,
        secret: Option<&SecretInput>,
    ) -> Result<Option<Secret>, Failure> {
        let Some(old) = self.secret("revoke-token") else { return Ok(None) };
        let is_token = old.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token || !REVOCABLE.iter().any(|prefix| old.expose().starts_with(prefix)) {
            let what = if old.expose().starts_with("ghs_") {
                "is an installation token or GITHUB_TOKEN, which ends by itself"
            } else {
                "does not have the form of a token that GitHub revokes"
            };
            return Err(unaccepted("revoke-token", what).with_remedy(
                "Store the old token in the secret again, alone and without quotes; a classic token without a prefix is \
                 deleted under Settings > Developer settings > Personal access tokens.",
            ));
        }
        // With an App the token is not used.
        let token = credential.token.secret().filter(|_| credential.app.is_none());
        if token.is_some_and(|token| token.expose() == old.expose()) {
            return Err(contradiction("revoke-token", "token", "the token that the step uses cannot be revoked")
                .with_remedy("Give the new token as `token` and the old one as `revoke-token`."));
        }
        // The receiver of the secret would be handed a dead token.
        if secret.is_some_and(|secret| secret.value.expose().trim() == old.expose()) {
            return Err(contradiction(
                "revoke-token",
                "secret-value",
                "the token that is handed out cannot be revoked",
            )
            .with_remedy("Give the new token as `secret-value` and the old one as `revoke-token`."));
        }
        Ok(Some(old))
    }

    pub(super) fn behaviour(&self) -> Result<Behaviour, Failure> {
        let mut ignore_checks = BTreeSet::new();
        for line in self.lines("ignore-checks") {
            let Some(check) = CheckName::find(line) else {
                let like = nearest_name(line, CheckName::ALL.iter().map(|check| check.name())).unwrap_or_default();
                return Err(refused("ignore-checks", line, &format!("the nearest is {like}")));
            };
            // Ignored, it would let a step begin that cannot send anything.
            if !check.may_be_ignored() {
                return Err(refused("ignore-checks", line, "this check is never ignored"));
            }
            ignore_checks.insert(check);
        }
        Ok(Behaviour {
            dry_run: self.boolean("dry-run")?,
            expiry_warning_days: self.number("expiry-warning", 0)?,
            attempts: self.number("attempts", 1)?,
            timeout: self.duration("timeout")?,
            ignore_checks,
        })
    }
}

/// A branch or tag name. A full ref of another kind is a mistake, not a name with slashes.
pub(super) fn ref_name(
    input: &str,
    text: &str,
    prefix: &str,
    parse: impl Fn(&str) -> Result<RefName, NameError>,
) -> Result<RefName, Failure> {
    if text.starts_with("refs/") && !text.starts_with(prefix) {
        return Err(refused(input, text, &format!("it is a full ref that does not begin with {prefix}")));
    }
    // NOTE: git makes no branch or tag of that name either: it would hide behind what is checked out.
    if text == "HEAD" {
        return Err(refused(input, text, "it is git's word for what is checked out, and no name"));
    }
    parse(text).map_err(|error| refused_name(input, &error))
}
