//! A GitHub App's own token: minted for one target and what its plan needs, and ended with the step.
//!
//! Source: <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation>

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::runtime::Builder;

pub use crate::plan::app::App;
use crate::{
    credential::{Secret, TokenKind},
    diagnosis::{Cause, Failure, Retry},
    github::{
        ApiAnswer, GitHub, RestError,
        model::{AccessToken, Installation},
    },
    http::{HttpClient, HttpError, Settings},
    inputs::PullRequestWhen,
    plan::{Credential, Plan, Token},
    report::Console,
    retry::Retries,
};

/// How far the server's clock may be away before a refusal is put down to it, in seconds.
const SAME_TIME: i64 = 30;

/// How long one try to end a token may hold up the end of the step. A token that is not ended then is tried once more.
const FAREWELL: Duration = Duration::from_millis(700);

/// The pause before the second try.
const PAUSE: Duration = Duration::from_millis(80);

/// Access to one kind of thing, by GitHub's name of the permission.
type Permission = (&'static str, &'static str);

/// The tokens that were minted and have not ended. Cheap to clone; a clone is the same list.
#[derive(Clone, Default)]
pub struct Tokens(Arc<Mutex<Vec<Alive>>>);

/// A token that was minted.
struct Alive {
    /// The client that sends it.
    github: GitHub,
    /// What another client is made of, where this one's runtime does not run any more.
    anew: Box<dyn Fn() -> Result<GitHub, Failure> + Send>,
}

/// A plan with a credential that can be sent.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// The plan.
    pub plan: Plan,
    /// When a token that was minted for it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

struct Minted {
    token: Token,
    expires_at: Option<DateTime<Utc>>,
}

impl Tokens {
    /// The plan as it is or, where an App authenticates, with a token that is minted for it.
    ///
    /// # Errors
    /// Those of minting: `app-auth-failed`, `app-not-installed`, `resource-not-accessible-by-integration` for a permission
    /// that the installation lacks; and what every request may meet.
    pub async fn authenticate(
        &self,
        plan: Plan,
        (http, settings): (&HttpClient, &Settings),
        retries: &Retries,
        console: &Console,
    ) -> Result<Authenticated, Failure> {
        let Credential::App(app) = &plan.credential else { return Ok(Authenticated { plan, expires_at: None }) };
        let Minted { token, expires_at } = self.mint(app, &plan, (http, settings), retries, console).await?;
        Ok(Authenticated { plan: Plan { credential: Credential::Token(token), ..plan }, expires_at })
    }

    /// Mints a token for the target of `plan` and no more than it needs. It is masked before it is used, and ended by
    /// [`Self::revoke`].
    async fn mint(
        &self,
        app: &App,
        plan: &Plan,
        (http, settings): (&HttpClient, &Settings),
        retries: &Retries,
        console: &Console,
    ) -> Result<Minted, Failure> {
        let speak = |token: &Secret| Ok(GitHub::new(http, &plan.target.api, Some(token), plan.situation())?);
        let find = || async {
            let (as_app, found) = find(app, plan, console, &speak).await?;
            Ok::<_, Failure>((as_app, found))
        };
        let (as_app, installation) = retries.run("question for the App's installation", find).await?;
        if let Some(since) = installation.suspended_at {
            let what = format!(
                "The App {} is installed on {}, but suspended since {}.",
                installation.app_slug,
                plan.target.slug.owner(),
                since.format("%Y-%m-%d")
            );
            return Err(not_installed(plan, what));
        }
        let permissions = cut_down(plan, &installation)?;
        let request =
            |repository, permissions| create(plan, retries, &as_app, installation.id, repository, permissions);
        let minted = match request(Some(plan.target.slug.repository().name()), &permissions).await? {
            Minting::Token(minted) => minted,
            // NOTE: the installation is found under a repository's old name too; the list of a token's repositories knows new ones only.
            Minting::Unlisted(failure) => {
                let look = request(None, &[("metadata", "read")]).await?.token()?;
                console.masks([&look.token]);
                let looking = speak(&look.token)?;
                self.keep(looking.clone(), &look.token, plan, settings);
                let ask = || async {
                    Ok::<_, Failure>(looking.repository(&plan.target.slug.repository()).await?.value.full_name)
                };
                let full_name = retries.run("question for the repository's name", ask).await.unwrap_or_default();
                match full_name
                    .rsplit('/')
                    .next()
                    .filter(|name| !name.is_empty() && *name != plan.target.slug.repository().name())
                {
                    Some(name) => request(Some(name), &permissions).await?.token()?,
                    None => return Err(failure),
                }
            }
        };
        console.masks([&minted.token]);
        self.keep(speak(&minted.token)?, &minted.token, plan, settings);
        let kind = match TokenKind::of(&minted.token, None) {
            // The tokens of older servers have no prefix.
            TokenKind::Unknown => TokenKind::Installation,
            kind => kind,
        };
        Ok(Minted { token: Token { secret: minted.token, kind }, expires_at: minted.expires_at })
    }

    fn keep(&self, github: GitHub, token: &Secret, plan: &Plan, settings: &Settings) {
        let (token, settings, api, situation) =
            (token.clone(), settings.clone(), plan.target.api.clone(), plan.situation());
        let anew = move || {
            let http = HttpClient::new(&settings).map_err(HttpError::into_read_failure)?;
            Ok(GitHub::new(&http, &api, Some(&token), situation.clone())?)
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Alive { github, anew: Box::new(anew) });
    }

    fn take(&self) -> Vec<Alive> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends all tokens, side by side, each with two tries. The answer says how many could not be ended; those end by themselves.
    pub async fn revoke(&self) -> usize {
        ended(self.take().into_iter().map(|token| token.github)).await
    }

    /// As [`Self::revoke`], after a panic: on a runtime and connections of its own, as nothing of the step's own may move any
    /// more. Must be called outside of every runtime.
    pub fn revoke_after_panic(&self) -> usize {
        let alive = self.take();
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return alive.len() };
        runtime.block_on(async {
            let clients: Vec<GitHub> = alive.iter().filter_map(|token| (token.anew)().ok()).collect();
            alive.len() - clients.len() + ended(clients.into_iter()).await
        })
    }
}

/// What one try to end a token came to.
enum End {
    Ended,
    /// It may be tried once more.
    Alive,
    /// A second try would get the same answer, or the server named a pause, which is longer than a step's end may take: the
    /// token ends by itself within an hour.
    Kept,
}

/// Ends the tokens of these clients; the answer is how many of them could not be ended.
async fn ended(clients: impl Iterator<Item = GitHub>) -> usize {
    let ends = join_all(clients.map(|client| async move {
        match end(&client).await {
            End::Alive => end_later(&client).await,
            other => other,
        }
    }));
    ends.await.into_iter().filter(|end| !matches!(end, End::Ended)).count()
}

async fn end(client: &GitHub) -> End {
    match tokio::time::timeout(FAREWELL, client.revoke_access_token()).await {
        Ok(Ok(_)) => End::Ended,
        // One that is not known any more has ended already.
        Ok(Err(error)) if error.status() == Some(401) => End::Ended,
        Ok(Err(error)) => match Failure::from(error).retry {
            Retry::Never | Retry::After(_) | Retry::Unclear(Some(_)) => End::Kept,
            _ => End::Alive,
        },
        Err(_) => End::Alive,
    }
}

#[allow(clippy::disallowed_methods, reason = "the end of a step is no try of its policy")]
async fn end_later(client: &GitHub) -> End {
    tokio::time::sleep(PAUSE).await;
    end(client).await
}

/// Asks for the installation; where the clocks differ, once more by the server's.
async fn find(
    app: &App,
    plan: &Plan,
    console: &Console,
    speak: &impl Fn(&Secret) -> Result<GitHub, Failure>,
) -> Result<(GitHub, Installation), Failure> {
    let mut now = Utc::now();
    let mut again = true;
    loop {
        let statement = app.statement(now)?;
        // Masked before it is sent: a proxy or server can repeat it in an error.
        console.masks([&statement]);
        let as_app = speak(&statement)?;
        match as_app.installation(&plan.target.slug.repository()).await {
            Ok(ApiAnswer { value, .. }) => return Ok((as_app, value)),
            Err(error) => match error.meta().date() {
                Some(date) if again && error.status() == Some(401) && (date - now).num_seconds().abs() > SAME_TIME => {
                    (now, again) = (date, false);
                }
                _ => return Err(refused_app(app, plan, error)),
            },
        }
    }
}

/// What came of asking for a token.
enum Minting {
    Token(AccessToken),
    /// The installation lists no repository of this name.
    Unlisted(Failure),
}

impl Minting {
    fn token(self) -> Result<AccessToken, Failure> {
        match self {
            Self::Token(token) => Ok(token),
            Self::Unlisted(failure) => Err(failure),
        }
    }
}

/// Asks for a token of the installation; without a `repository` it is for all that the installation reaches.
async fn create(
    plan: &Plan,
    retries: &Retries,
    as_app: &GitHub,
    installation: u64,
    repository: Option<&str>,
    permissions: &[Permission],
) -> Result<Minting, Failure> {
    let mint = || async {
        match as_app.create_access_token(installation, repository.as_slice(), permissions).await {
            Ok(minted) => Ok(Minting::Token(minted.value)),
            Err(error) if error.status() == Some(422) && error.says("accessible to the parent") => {
                Ok(Minting::Unlisted(refused_token(plan, error)))
            }
            Err(error) => Err(refused_token(plan, error)),
        }
    };
    retries.run("request for the App's token", mint).await
}

/// The permissions to ask for: what the plan cannot do without, and of what merely helps as much as was granted.
fn cut_down(plan: &Plan, installation: &Installation) -> Result<Vec<Permission>, Failure> {
    let (needed, helpful) = wanted(plan);
    let lacking: Vec<String> = needed
        .iter()
        .filter(|permission| !grants(&installation.permissions, **permission))
        .map(|(name, access)| format!("{name}: {access}"))
        .collect();
    if !lacking.is_empty() {
        let what = format!(
            "The App {} lacks on {} what this step needs: {}.",
            installation.app_slug,
            plan.target.slug.owner(),
            lacking.join(", ")
        );
        let remedy = format!(
            "Open {}/apps/{} > App settings > Permissions & events, grant it under Repository permissions, then have {} accept the change under Settings > GitHub Apps.",
            plan.target.server,
            installation.app_slug,
            plan.target.slug.owner()
        );
        return Err(Failure::new(Cause::ResourceNotAccessibleByIntegration, what).with_remedy(remedy));
    }
    // GitHub refuses the whole request when it names a permission that the installation lacks.
    let helpful = helpful.into_iter().filter(|permission| grants(&installation.permissions, *permission));
    let mut permissions: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, access) in needed.into_iter().chain(helpful) {
        let known = permissions.entry(name).or_insert(access);
        // One permission can be needed and helpful; the larger access counts.
        if access == "write" {
            *known = access;
        }
    }
    Ok(permissions.into_iter().collect())
}

/// What the plan cannot do without, and what merely helps.
fn wanted(plan: &Plan) -> (Vec<Permission>, Vec<Permission>) {
    let mut needed = vec![("metadata", "read")];
    let mut helpful = Vec::new();
    if plan.dispatch.is_some() || (plan.needs_contents() && plan.ssh.is_none()) {
        needed.push(("contents", "write"));
    } else {
        // A health check tells what there is.
        helpful.push(("contents", "write"));
    }
    if plan.pushes() && plan.ssh.is_none() {
        helpful.extend([("workflows", "write"), ("pages", "read")]);
    }
    if plan.workflows.is_some() {
        needed.push(("actions", "write"));
    } else if plan.triggers() || plan.wait.is_some() {
        helpful.push(("actions", "read"));
    }
    match plan.pull_request().map(|asked| asked.when) {
        Some(PullRequestWhen::Always) => needed.push(("pull_requests", "write")),
        Some(PullRequestWhen::Required) => helpful.push(("pull_requests", "write")),
        Some(PullRequestWhen::No) | None => {}
    }
    if plan.directory().is_some_and(|directory| directory.asked.commit.prune_previews.is_some()) {
        helpful.push(("pull_requests", "read"));
    }
    if let Some(secret) = &plan.secret {
        needed.push((secret.scope.permission(), "write"));
    }
    (needed, helpful)
}

fn grants(granted: &BTreeMap<String, String>, (name, access): Permission) -> bool {
    let held = granted.get(name).map(String::as_str);
    // Nobody is asked for the right to see that a repository is there.
    name == "metadata" || held == Some("admin") || held == Some("write") || held == Some(access)
}

/// What a refusal of the App itself means.
fn refused_app(app: &App, plan: &Plan, error: RestError) -> Failure {
    let (status, is_unknown) = (error.status(), error.says("integration not found"));
    let failure = Failure::from(error);
    match status {
        Some(401) => {
            let what =
                format!("{} does not accept the signature of App {}: {}", plan.target.server, app.id, failure.what);
            Failure { cause: Cause::AppAuthFailed, what, remedy: None, ..failure }
        }
        Some(404) if is_unknown => {
            let what = format!("{} knows no App {}.", plan.target.server, app.id);
            Failure { cause: Cause::AppAuthFailed, what, remedy: None, ..failure }
        }
        Some(404) => {
            let what = format!(
                "The App {} is not installed for {}, or {} does not exist.",
                app.id, plan.target.slug, plan.target.slug
            );
            not_installed(plan, what)
        }
        _ => failure,
    }
}

/// What a refusal of the token means.
fn refused_token(plan: &Plan, error: RestError) -> Failure {
    let (status, is_refused) = (error.status(), error.says("permissions"));
    let is_out_of_reach = error.says("suspended") || error.says("accessible to the parent");
    let failure = Failure::from(error);
    match status {
        Some(422) if is_refused => {
            Failure { cause: Cause::ResourceNotAccessibleByIntegration, remedy: None, ..failure }
        }
        Some(403 | 422) if is_out_of_reach => not_installed(plan, failure.what),
        _ => failure,
    }
}

fn not_installed(plan: &Plan, what: String) -> Failure {
    let owner = plan.target.slug.owner();
    let remedy = format!(
        "Install it on {owner} (the App's settings > Install App), or under {owner}'s Settings > GitHub Apps > Configure add {} to its repositories and lift a suspension.",
        plan.target.slug
    );
    Failure::new(Cause::AppNotInstalled, what).with_remedy(remedy)
}
