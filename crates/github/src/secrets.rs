//! The calls about secrets and tokens: the stores of secrets, an App's installation and its tokens, and what ends a token.
//!
//! Source: <https://docs.github.com/en/rest/apps/apps>, <https://docs.github.com/en/rest/credentials/revoke>

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    ApiAnswer, Call, GitHub, Meta, RestError,
    error::Effect,
    model::{AccessToken, Installation, PublicKey, SecretInfo},
    operations::plain,
};
use crate::{
    credential::Secret,
    names::{SecretScope, Slug},
};

/// The path of a store of secrets.
///
/// Source: <https://docs.github.com/en/rest/actions/secrets>, <https://docs.github.com/en/rest/dependabot/secrets>,
/// <https://docs.github.com/en/rest/codespaces/repository-secrets>
fn secrets(repository: &Slug, scope: &SecretScope) -> String {
    match scope {
        SecretScope::Actions => format!("/repos/{repository}/actions/secrets"),
        SecretScope::Dependabot => format!("/repos/{repository}/dependabot/secrets"),
        SecretScope::Codespaces => format!("/repos/{repository}/codespaces/secrets"),
        SecretScope::Environment(name) => format!("/repos/{repository}/environments/{}/secrets", plain(name)),
    }
}

impl GitHub {
    /// `GET …/secrets/public-key` of a store of secrets: each has a key of its own.
    pub async fn public_key(&self, repository: &Slug, scope: &SecretScope) -> Result<ApiAnswer<PublicKey>, RestError> {
        self.ask(&Call::get(format!("{}/public-key", secrets(repository, scope)))).await
    }

    /// `GET …/secrets/{secret_name}`: when it was set, never what it is.
    pub async fn secret(
        &self,
        repository: &Slug,
        scope: &SecretScope,
        name: &str,
    ) -> Result<ApiAnswer<SecretInfo>, RestError> {
        self.ask(&Call::get(format!("{}/{}", secrets(repository, scope), plain(name)))).await
    }

    /// `PUT …/secrets/{secret_name}`: status 201 when it is new, 204 when it was replaced.
    /// `sealed` is the value sealed with the public key `key_id`, in base64.
    pub async fn put_secret(
        &self,
        repository: &Slug,
        scope: &SecretScope,
        name: &str,
        key_id: &str,
        sealed: &str,
    ) -> Result<Meta, RestError> {
        let path = format!("{}/{}", secrets(repository, scope), plain(name));
        let body = json!({ "encrypted_value": sealed, "key_id": key_id }).to_string();
        let call = Call::write(Method::PUT, path, body, &[201, 204], Effect::Repeatable);
        let (meta, _) = self.call(&call).await?;
        Ok(meta)
    }

    /// `GET /repos/{owner}/{repo}/installation`: the App's installation there. The credential is the App's JWT.
    pub async fn installation(&self, repository: &Slug) -> Result<ApiAnswer<Installation>, RestError> {
        self.ask(&Call::get(format!("/repos/{repository}/installation"))).await
    }

    /// `POST /app/installations/{installation_id}/access_tokens`: a token for these repositories (names without their
    /// owner; none: all of the installation) and permissions. The credential is the App's JWT.
    pub async fn create_access_token(
        &self,
        installation: u64,
        repositories: &[&str],
        permissions: &[(&str, &str)],
    ) -> Result<ApiAnswer<AccessToken>, RestError> {
        let path = format!("/app/installations/{installation}/access_tokens");
        let permissions: Map<String, Value> =
            permissions.iter().map(|(name, access)| ((*name).to_owned(), Value::from(*access))).collect();
        let mut body = json!({ "permissions": permissions });
        if !repositories.is_empty() {
            body["repositories"] = json!(repositories);
        }
        // A token whose answer got lost ends by itself within an hour.
        self.ask(&Call::write(Method::POST, path, body.to_string(), &[201], Effect::Repeatable)).await
    }

    /// `DELETE /installation/token`: ends the installation token that this is called with.
    pub async fn revoke_access_token(&self) -> Result<Meta, RestError> {
        let path = "/installation/token".to_owned();
        let call = Call { method: Method::DELETE, expected: &[204], ..Call::get(path) };
        Ok(self.call(&call).await?.0)
    }

    /// `POST /credentials/revoke`: ends a token of any account. It is called without a credential. What is no token, or
    /// dead already, gets the same answer.
    pub async fn revoke_credential(&self, token: &Secret) -> Result<Meta, RestError> {
        let body = json!({ "credentials": [token.expose()] }).to_string();
        let call = Call::write(Method::POST, "/credentials/revoke".to_owned(), body, &[202], Effect::Repeatable);
        Ok(self.call(&call).await?.0)
    }
}
