//! What is known of the identity provider: where its endpoints are, with which keys it signs, and whether it answers.
//!
//! It is asked when the server starts and again when what is known is old, never by a page that is looked at: a provider that does not
//! answer keeps nobody waiting but whoever signs in with it. One request at a time asks it, and one that failed is not made again at once.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::OidcSettings;
use super::connection::{IssuerAnswer, IssuerRequest};
use super::problem::OidcProblem;
use super::signature::{Key, Token, Unverified, keys_of};
use crate::text::printable;

/// How long what is known counts as new, in milliseconds: an hour.
const NEW: i64 = 60 * 60 * 1000;

/// How long a provider is left alone after it was asked, in milliseconds: nobody makes this server ask as often as they like.
const PAUSE: i64 = 10 * 1000;

/// Where the document is, below the issuer's address.
const DOCUMENT: &str = "/.well-known/openid-configuration";

/// Where an issuer does what (OpenID Connect Discovery 1.0).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Endpoints {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    #[serde(default)]
    pub(super) userinfo_endpoint: Option<String>,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// The identity provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(super) settings: OidcSettings,
    /// Whoever holds it may ask.
    known: tokio::sync::Mutex<Known>,
    /// Why it could not be used when it was last asked, and when that was: for pages, which do not wait.
    failed: Mutex<Option<(String, i64)>>,
}

#[derive(Debug, Default)]
struct Known {
    endpoints: Option<(Arc<Endpoints>, i64)>,
    keys: Option<(Arc<Vec<Key>>, i64)>,
    /// Why it had no keys to give when it was last asked, and when that was.
    no_keys: Option<(String, i64)>,
}

impl Provider {
    /// Returns a provider that was not asked yet.
    pub(crate) fn new(settings: OidcSettings) -> Self {
        Self { settings, known: tokio::sync::Mutex::default(), failed: Mutex::default() }
    }

    /// Returns what people call it: its host.
    pub(super) fn name(&self) -> String {
        let url = Url::parse(&self.settings.issuer).ok();
        let host = url.as_ref().and_then(|url| Some((url.host_str()?.to_owned(), url.port())));
        match host {
            Some((host, Some(port))) => format!("{host}:{port}"),
            Some((host, None)) => host,
            None => printable(&self.settings.issuer),
        }
    }

    /// Returns why it cannot be used, as far as is known without asking it, as the end of a sentence.
    pub(super) fn failure(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(reason, _)| reason.clone())
    }

    /// Returns true where asking it once more may help.
    pub(super) fn may_be_asked_again(&self, now: i64) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.as_ref().is_none_or(|(_, at)| is_over(*at, PAUSE, now))
    }

    /// Returns the problem of a provider that cannot be used.
    pub(super) fn unavailable(&self, reason: impl Into<String>) -> OidcProblem {
        OidcProblem::Unavailable { provider: self.name(), reason: reason.into() }
    }

    /// Returns the problem of something from the provider that is not accepted.
    pub(super) fn untrusted(&self, reason: impl Into<String>) -> OidcProblem {
        OidcProblem::Untrusted { provider: self.name(), reason: reason.into() }
    }

    /// Returns where it does what. What is old is used where it does not answer.
    ///
    /// # Errors
    /// It does not answer, or answers with something else.
    pub(super) async fn endpoints(&self, now: i64) -> Result<Arc<Endpoints>, OidcProblem> {
        let mut known = self.known.lock().await;
        let old = match &known.endpoints {
            Some((endpoints, at)) if !is_over(*at, NEW, now) => return Ok(Arc::clone(endpoints)),
            old => old.as_ref().map(|(endpoints, _)| Arc::clone(endpoints)),
        };
        if let Some(reason) = self.failure().filter(|_| !self.may_be_asked_again(now)) {
            return old.ok_or_else(|| self.unavailable(reason));
        }
        match self.discover().await {
            Ok(endpoints) => {
                let endpoints = Arc::new(endpoints);
                known.endpoints = Some((Arc::clone(&endpoints), now));
                self.note(None);
                Ok(endpoints)
            }
            Err(reason) => {
                tracing::warn!(issuer = self.settings.issuer, reason, "the identity provider cannot be used");
                self.note(Some((reason.clone(), now)));
                old.ok_or_else(|| self.unavailable(reason))
            }
        }
    }

    fn note(&self, failed: Option<(String, i64)>) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed;
    }

    async fn discover(&self) -> Result<Endpoints, String> {
        let issuer = self.settings.issuer.trim_end_matches('/');
        let endpoints: Endpoints = self.read(&format!("{issuer}{DOCUMENT}"), None).await?;
        if endpoints.issuer.trim_end_matches('/') != issuer {
            return Err(format!("it says that it is the issuer {}", printable(&endpoints.issuer)));
        }
        let all = [&endpoints.authorization_endpoint, &endpoints.token_endpoint, &endpoints.jwks_uri];
        for address in all.into_iter().chain(&endpoints.userinfo_endpoint) {
            // What is secret goes there.
            let is_good = Url::parse(address)
                .is_ok_and(|url| url.scheme() == "https" || (url.scheme() == "http" && issuer.starts_with("http:")));
            if !is_good {
                return Err(format!("its address {} is not one of https", printable(address)));
            }
        }
        Ok(endpoints)
    }

    /// Returns what a token says, if the provider has signed it. Its keys are asked for once more where the token names one that is not known.
    ///
    /// # Errors
    /// The provider has not signed it, or does not answer.
    pub(super) async fn verified(&self, token: &Token<'_>, endpoints: &Endpoints, now: i64) -> Result<Vec<u8>, OidcProblem> {
        let mut known = self.known.lock().await;
        let mut tried = Err(Unverified::UnknownKey);
        if let Some((keys, at)) = &known.keys
            && !is_over(*at, NEW, now)
        {
            tried = token.verified(keys);
            if tried == Err(Unverified::UnknownKey) && !is_over(*at, PAUSE, now) {
                return Err(self.untrusted(text_of(&Unverified::UnknownKey)));
            }
        }
        if tried == Err(Unverified::UnknownKey) {
            if let Some((reason, at)) = &known.no_keys
                && !is_over(*at, PAUSE, now)
            {
                return Err(self.unavailable(reason.clone()));
            }
            let asked = self.ask(&endpoints.jwks_uri, None).await.and_then(|answer| keys_of(&answer.body));
            known.no_keys = asked.as_ref().err().map(|reason| (reason.clone(), now));
            let keys = Arc::new(asked.map_err(|reason| self.unavailable(reason))?);
            known.keys = Some((Arc::clone(&keys), now));
            return token.verified(&keys).map(<[u8]>::to_vec).map_err(|why| self.untrusted(text_of(&why)));
        }
        tried.map(<[u8]>::to_vec).map_err(|why| self.untrusted(text_of(&why)))
    }

    /// Reads a document.
    pub(super) async fn read<T: DeserializeOwned>(&self, url: &str, authorization: Option<String>) -> Result<T, String> {
        let answer = self.ask(url, authorization).await?;
        serde_json::from_slice(&answer.body).map_err(|_| "it answers with something else than an issuer does".to_owned())
    }

    async fn ask(&self, url: &str, authorization: Option<String>) -> Result<IssuerAnswer, String> {
        let request = IssuerRequest { url: url.to_owned(), authorization, form: None };
        let answer = self.settings.connection.send(request).await?;
        if answer.status == 200 { Ok(answer) } else { Err(format!("it answers with status {}", answer.status)) }
    }
}

/// Returns true if so much time has passed. A clock that was set back makes nothing last longer than it lasts.
fn is_over(since: i64, life: i64, now: i64) -> bool {
    now.saturating_sub(since) >= life || now < since
}

/// Returns why a token is not taken for signed, as the end of a sentence.
fn text_of(why: &Unverified) -> String {
    match why {
        Unverified::Malformed(how) => format!("the ID token is invalid: {how}"),
        Unverified::Algorithm(name) => format!("the ID token is signed by the algorithm {}", printable(name)),
        Unverified::UnknownKey => "the ID token is signed by a key that the issuer does not publish".to_owned(),
        Unverified::Forged => "the signature of the ID token is wrong".to_owned(),
    }
}

impl From<Unverified> for String {
    fn from(why: Unverified) -> Self {
        text_of(&why)
    }
}
