//! With what the identity provider sent a browser back, and whom it named so.

use super::begun::BegunSignIn;
use super::claims::Person;
use super::exchange::person_of_code;
use super::problem::OidcProblem;
use super::provider::Provider;
use crate::error::Error;
use crate::platform::Platform;
use crate::sign_in_guard::Attempt;
use crate::text::printable;

/// With what the identity provider sent a browser back.
#[derive(Debug, Clone, Default)]
pub struct OidcAnswer {
    /// What the tokens are given for.
    pub code: Option<String>,
    /// Which sign-in it belongs to.
    pub state: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
}

/// Whom the provider named.
pub(super) struct Named<'a> {
    pub(super) person: Person,
    pub(super) issuer: String,
    pub(super) provider: &'a Provider,
    pub(super) attempt: Attempt<'a>,
}

impl Platform {
    /// Returns whom the provider named in its answer to a sign-in. It counts as failed until somebody says that it has succeeded.
    ///
    /// # Errors
    /// The answer is not one to this sign-in, what the provider sends is not accepted, too many sign-ins failed, or the database failed.
    pub(super) async fn named<'a>(
        &'a self,
        begun: Option<&BegunSignIn>,
        answer: &OidcAnswer,
        redirect_uri: &str,
        address: &'a str,
    ) -> Result<Named<'a>, Error> {
        let provider = self.oidc.as_ref().ok_or(OidcProblem::NotSetUp)?;
        let now = self.store.now();
        let state = answer.state.as_deref().unwrap_or_default();
        let begun = begun.filter(|begun| begun.is_answered_by(state, now)).ok_or(OidcProblem::Stale)?;
        let endpoints = provider.endpoints(now).await?;
        let is_of_another = match answer.iss.as_deref() {
            Some(issuer) => issuer != endpoints.issuer,
            None => endpoints.authorization_response_iss_parameter_supported,
        };
        if is_of_another {
            return Err(provider.untrusted("the answer is of another issuer").into());
        }
        let Some(code) = answer.code.as_deref().filter(|_| answer.error.is_none()) else {
            return Err(declined(provider, answer).into());
        };
        let attempt = self.attempt(None, address).await?;
        let person = match person_of_code(provider, &endpoints, begun, code, redirect_uri, now).await {
            Ok(person) => person,
            Err(problem) => {
                tracing::info!(address, %problem, "a sign-in by the identity provider failed");
                // A provider that does not answer is no guess of anybody.
                if matches!(problem, OidcProblem::Unavailable { .. }) {
                    attempt.succeeded().await?;
                }
                return Err(problem.into());
            }
        };
        Ok(Named { person, issuer: endpoints.issuer.clone(), provider, attempt })
    }
}

fn declined(provider: &Provider, answer: &OidcAnswer) -> OidcProblem {
    let reason = match (answer.error_description.as_deref(), answer.error.as_deref()) {
        (Some(text), _) => printable(text.trim_end_matches('.')),
        (None, Some("access_denied")) => "you or it refused".to_owned(),
        (None, Some(error)) => printable(error),
        (None, None) => "its answer has no code".to_owned(),
    };
    OidcProblem::Declined { provider: provider.name(), reason }
}
