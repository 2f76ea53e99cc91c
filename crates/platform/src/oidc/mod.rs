//! Signing in with an account of an identity provider, by OpenID Connect: the authorization code flow with PKCE, state and nonce.
//!
//! A sign-in begins with a cookie of the browser ([`BegunSignIn`]) and the address of the provider, which sends the browser back with a code.
//! The code becomes an ID token (`exchange`), which has to be signed by the provider (`signature`) and to be for us, now, and for this
//! sign-in (`claims`). Then it says who somebody is, and `sign_in` decides whether they have an account, or `link` gives it to the account of
//! whoever is signed in. Where the provider's endpoints are
//! is asked beside the requests (`provider`); the connections are those of whoever starts the server ([`IssuerConnection`]).
//!
//! Signatures are checked by `ring`, which TLS is made with anyway; why no library for OpenID Connect is used is in
//! `docs/design/0007-dashboard.md`.

mod answer;
mod begun;
mod claims;
mod connection;
mod exchange;
mod link;
mod problem;
mod provider;
mod sign_in;
mod signature;

use std::fmt;
use std::sync::Arc;

pub use self::answer::OidcAnswer;
pub use self::begun::{BegunSignIn, OIDC_LIFE, OidcPurpose};
pub use self::connection::{IssuerAnswer, IssuerConnection, IssuerRequest, LARGEST_ANSWER};
pub use self::problem::OidcProblem;
pub(crate) use self::provider::Provider;
pub use self::sign_in::OidcProvider;

/// Which identity provider people sign in with, and who this server is there.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// The issuer's address: of `https`, or of this machine.
    pub issuer: String,
    /// The id of this server at the issuer.
    pub client_id: String,
    /// What proves that; a public client has none.
    pub client_secret: Option<ClientSecret>,
    /// Asks the issuer.
    pub connection: Arc<dyn IssuerConnection>,
}

/// The secret of this server at its identity provider. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// Returns the text, to send.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for ClientSecret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientSecret(…)")
    }
}
