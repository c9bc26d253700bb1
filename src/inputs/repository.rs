//! `repository`, `server-url` and `api-url` become targets on one server.

use std::{collections::HashSet, str::FromStr};

use super::{
    SshRoute,
    address::{RepositoryAddress, SSH_OVER_HTTPS, place, without_userinfo},
};
use crate::{
    context::Context,
    diagnosis::{Cause, Failure},
    names::{ApiUrl, NameError, ServerUrl, Slug, Target},
};

/// How many targets a sentence names.
const NAMED: usize = 5;

/// The targets of a relay, and what was noticed about their lines.
pub(super) struct Resolved {
    pub(super) list: Vec<Target>,
    pub(super) ssh: Option<SshRoute>,
    pub(super) notices: Vec<String>,
    /// Whether the server is one that the checkout's configuration alone names: it gets no token.
    pub(super) unconfirmed: bool,
}

/// Resolves the lines of `repository` against `server-url`, `api-url` and the context.
pub(super) fn resolve(
    lines: &[&str],
    server_url: Option<&str>,
    api_url: Option<&str>,
    context: &Context,
) -> Result<Resolved, Failure> {
    let explicit: Option<ServerUrl> = server_url.map(|text| address("server-url", text)).transpose()?;
    let places = match lines {
        [] => vec![own_place(context)?],
        lines => lines
            .iter()
            .map(|line| place(line).map_err(|error| refused("repository", &error)))
            .collect::<Result<_, _>>()?,
    };
    let base = || match &explicit {
        Some(server) => Ok(server.clone()),
        None => own_server(context),
    };

    let mut found: Option<ServerUrl> = None;
    let mut ssh: Option<SshRoute> = None;
    let mut slugs: Vec<Slug> = Vec::new();
    let (mut seen, mut again, mut repeated) = (HashSet::new(), HashSet::new(), Vec::new());
    for place in places {
        let (server, route, slug) = match place {
            RepositoryAddress::Slug(slug) => (base()?, None, slug),
            RepositoryAddress::Web(server, slug) => (server, None, slug),
            RepositoryAddress::Ssh(route, slug) => {
                let server = server_of(&route, base().ok())?;
                (server.clone(), Some(on_tenant(route, &server)), slug)
            }
        };
        match &found {
            Some(first) if *first != server => {
                return Err(invalid(format!(
                    "`repository` names targets on more than one server, {first} and {server}; one step accepts one server."
                ))
                .with_remedy("Make one step of each server, with a token of its own."));
            }
            _ => found = Some(server),
        }
        match (&ssh, route) {
            (Some(first), Some(other)) if *first != other => {
                return Err(invalid(format!(
                    "`repository` names two ways of SSH to one server, {first} and {other}; it accepts one."
                )));
            }
            (None, Some(route)) => ssh = Some(route),
            _ => {}
        }
        if seen.insert(slug.clone()) {
            slugs.push(slug);
        } else if again.insert(slug.clone()) {
            repeated.push(slug);
        }
    }
    let server = match found {
        Some(server) => server,
        None => base()?,
    };
    let api = api(&server, api_url, context)?;
    let list = slugs.into_iter().map(|slug| Target { slug, server: server.clone(), api: api.clone() }).collect();
    let written = explicit.as_ref() == Some(&server)
        || context.server_variable().is_some() && context.server().is_ok_and(|own| own == server);
    let by_origin = lines.is_empty() && context.repository.is_none();
    let unconfirmed = by_origin && !written && !server.is_github_com();
    Ok(Resolved { list, ssh, notices: Vec::from_iter(named_again(&repeated)), unconfirmed })
}

/// One sentence for all of them: a step has room for a few notices.
fn named_again(repeated: &[Slug]) -> Option<String> {
    let (first, others) = repeated.split_first()?;
    let mut names = first.to_string();
    others.iter().take(NAMED - 1).for_each(|slug| names.extend([", ", &slug.to_string()]));
    if others.len() >= NAMED {
        let rest = others.len() + 1 - NAMED;
        names = format!("{names} and {rest} {}", if rest == 1 { "other" } else { "others" });
    }
    let whole = if others.is_empty() { "it is" } else { "each is" };
    Some(format!("`repository` names {names} more than once; {whole} relayed once."))
}

/// Without `repository`: the workflow's own, on a laptop `origin`.
fn own_place(context: &Context) -> Result<RepositoryAddress, Failure> {
    if let Some(slug) = &context.repository {
        return Ok(RepositoryAddress::Slug(slug.clone()));
    }
    let missing = |why: &str| {
        invalid(format!("`repository` is not given and {why}; it accepts owner/name or the repository's address."))
    };
    match &context.origin {
        None => Err(missing("neither GITHUB_REPOSITORY nor a remote `origin` says which one is meant")),
        // NOTE: a password that git keeps in the remote's address is never used.
        Some(origin) => place(&if origin.starts_with("http") { without_userinfo(origin) } else { origin.clone() })
            .map_err(|_| missing("the remote `origin` is no such address")),
    }
}

/// The server of a target that is only named `owner/name`.
fn own_server(context: &Context) -> Result<ServerUrl, Failure> {
    let variable = context.server_variable().unwrap_or("GITHUB_SERVER_URL");
    context.server().map_err(|error| refused_variable(variable, "server-url", &error))
}

/// The server behind an SSH address: the known one where the host is its own, else https on that host.
fn server_of(route: &SshRoute, known: Option<ServerUrl>) -> Result<ServerUrl, Failure> {
    let host = if route.host == SSH_OVER_HTTPS { "github.com" } else { &route.host };
    match known {
        Some(server) if server.host() == host => Ok(server),
        _ => format!("https://{host}").parse().map_err(|error| refused("repository", &error)),
    }
}

/// A tenant lets nobody in as `git`: its own name is the user.
///
/// Source: <https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency/about-github-enterprise-cloud-with-data-residency>
fn on_tenant(route: SshRoute, server: &ServerUrl) -> SshRoute {
    match server.tenant().filter(|_| route.user == "git") {
        Some(tenant) => SshRoute { user: tenant.to_owned(), ..route },
        None => route,
    }
}

fn api(server: &ServerUrl, api_url: Option<&str>, context: &Context) -> Result<ApiUrl, Failure> {
    let (api, name) = if let Some(text) = api_url {
        (address::<ApiUrl>("api-url", text)?, "`api-url`")
    } else if context.server().is_ok_and(|own| own == *server) {
        let own = context.api().map_err(|error| refused_variable("GITHUB_API_URL", "api-url", &error))?;
        (own.unwrap_or_else(|| server.derived_api()), "GITHUB_API_URL (for `api-url`)")
    } else {
        (server.derived_api(), "`api-url`")
    };
    if api.belongs_to(server) {
        Ok(api)
    } else {
        Err(invalid(format!(
            "{name} is {api}, on another host than the target's {server}, which would be given the credential; \
             it accepts an address on {host} or api.{host}.",
            host = server.host(),
        )))
    }
}

/// Reads `server-url` or `api-url`. A text with an `@` is not even shown: it may hold a credential.
fn address<T: FromStr<Err = NameError>>(input: &str, text: &str) -> Result<T, Failure> {
    let read = if text.contains('@') {
        Err(NameError::Malformed("an address must not hold a user name or a password".to_owned()))
    } else {
        text.parse()
    };
    read.map_err(|error| refused(input, &error))
}

fn invalid(what: String) -> Failure {
    Failure::new(Cause::InvalidInput, what)
}

fn refused(input: &str, error: &NameError) -> Failure {
    explained(&format!("`{input}` is not accepted: "), input, error)
}

fn refused_variable(variable: &str, input: &str, error: &NameError) -> Failure {
    explained(&format!("`{input}` is not given and {variable} cannot be used instead: "), input, error)
}

fn explained(start: &str, input: &str, error: &NameError) -> Failure {
    let cause = match error {
        NameError::Malformed(_) => Cause::InvalidInput,
        NameError::Insecure(_) => Cause::InsecureUrl,
    };
    let accepts = super::table::find(input).map(|input| input.form.accepts()).unwrap_or_default();
    Failure::new(cause, format!("{start}{error}. It accepts {accepts}."))
}

#[cfg(test)]
mod tests;
