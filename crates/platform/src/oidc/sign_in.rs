//! Who comes in with an account of the identity provider: whoever was invited, and nobody else.

use keepstep_base::api_key::ApiKey;
use keepstep_store::{EmailAddress, NewIdentity, Session, StoreError, Transaction, User, check_name};

use super::begun::{BegunSignIn, OidcPurpose};
use super::claims::Person;
use super::exchange::{authorization_address, person_of_code};
use super::problem::OidcProblem;
use super::provider::Provider;
use crate::error::Error;
use crate::platform::Platform;
use crate::sign_in::Browser;
use crate::text::printable;
use crate::write::note;

/// How many owners are named to somebody who needs an invitation.
const NAMED: usize = 3;

/// The identity provider as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcProvider {
    /// What people call it: its host.
    pub name: String,
    /// Why it cannot be used, as far as is known now, as the end of a sentence.
    pub failure: Option<String>,
}

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

impl Platform {
    /// Returns the identity provider, if this server has one. Where it did not answer when it was last asked, it is asked again beside this.
    pub fn oidc_provider(&self) -> Option<OidcProvider> {
        let provider = self.oidc.as_ref()?;
        let failure = provider.failure();
        if failure.is_some() && provider.may_be_asked_again(self.store.now()) {
            self.look_for_oidc_provider();
        }
        Some(OidcProvider { name: provider.name(), failure })
    }

    /// Asks the identity provider where it does what, beside everything else. One that does not answer keeps nobody waiting.
    pub fn look_for_oidc_provider(&self) {
        let platform = self.clone();
        if self.oidc.is_some() {
            tokio::spawn(async move {
                if let Some(provider) = &platform.oidc {
                    // What is wrong is in the log, and on the page that signs in.
                    let _ = provider.endpoints(platform.store.now()).await;
                }
            });
        }
    }

    /// Begins a sign-in at the identity provider, which sends the browser back to `redirect_uri`. Returns it with the address to send the
    /// browser to.
    ///
    /// # Errors
    /// There is no such provider or it does not answer, or the machine has no random bytes to give.
    pub async fn begin_oidc_sign_in(&self, purpose: OidcPurpose, redirect_uri: &str) -> Result<(BegunSignIn, String), Error> {
        let provider = self.oidc.as_ref().ok_or(OidcProblem::NotSetUp)?;
        let now = self.store.now();
        let endpoints = provider.endpoints(now).await?;
        let begun = BegunSignIn::new(purpose, self.store.surroundings().random()?, now);
        let address = authorization_address(provider, &endpoints, &begun, redirect_uri);
        Ok((begun, address))
    }

    /// Signs a browser in as whom the identity provider named, if they have an account: by an earlier sign-in, by their verified address,
    /// or by the invitation that they opened. A session that the browser had before ends.
    ///
    /// # Errors
    /// The answer is not one to this sign-in, what the provider sends is not accepted, they have no account, too many sign-ins failed, or
    /// the database failed.
    pub async fn sign_in_by_oidc(
        &self,
        begun: Option<&BegunSignIn>,
        answer: &OidcAnswer,
        redirect_uri: &str,
        browser: Browser<'_>,
    ) -> Result<ApiKey, Error> {
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
        let attempt = self.attempt(None, &browser.device.address).await?;
        let person = match person_of_code(provider, &endpoints, begun, code, redirect_uri, now).await {
            Ok(person) => person,
            Err(problem) => {
                tracing::info!(address = browser.device.address, %problem, "a sign-in by the identity provider failed");
                // A provider that does not answer is no guess of anybody.
                if matches!(problem, OidcProblem::Unavailable { .. }) {
                    attempt.succeeded().await?;
                }
                return Err(problem.into());
            }
        };
        let mut transaction = self.store.write().await?;
        let found = self.account_of(&mut transaction, provider, &endpoints.issuer, &person, begun.purpose()).await;
        let user = match found {
            Ok(user) => user,
            Err(error) => {
                drop(transaction);
                tracing::info!(address = browser.device.address, %error, "a sign-in by the identity provider failed");
                return Err(error);
            }
        };
        let secret = self.begin_session(transaction, &user, browser).await?;
        attempt.succeeded().await?;
        Ok(secret)
    }

    async fn account_of(
        &self,
        transaction: &mut Transaction,
        provider: &Provider,
        issuer: &str,
        person: &Person,
        purpose: &OidcPurpose,
    ) -> Result<User, Error> {
        let known = transaction.use_identity(issuer, &person.sub).await?;
        let email = person.email.as_deref().filter(|_| person.email_verified).and_then(|email| EmailAddress::parse(email).ok());
        let user = match (known, purpose) {
            (Some(known), OidcPurpose::Page(_)) => return Ok(known),
            (Some(known), OidcPurpose::Link(_)) => return Err(OidcProblem::HasAccount { name: known.name }.into()),
            (None, OidcPurpose::Link(token)) => {
                transaction.redeem_link_without_password(token, &name_of(person, email.as_ref()), email.as_ref()).await?
            }
            (None, OidcPurpose::Page(_)) => {
                let found = match &email {
                    Some(email) => transaction.user_of_email(email).await?,
                    None => None,
                };
                match found {
                    Some(user) => user,
                    None => return Err(self.no_account(provider, person, email.as_ref()).await?.into()),
                }
            }
        };
        if transaction.has_identity_of(&user.id, issuer).await? {
            let email = email.as_ref().map_or("", EmailAddress::as_str).to_owned();
            return Err(OidcProblem::OtherIdentity { email, provider: provider.name() }.into());
        }
        transaction.link_identity(&user.id, NewIdentity { issuer, subject: &person.sub, email: email.as_ref() }).await?;
        transaction.about("person", &user.id, &user.name);
        note(transaction, &user.org_id, &user.id, &user.name, "link an identity").await?;
        tracing::info!(user = %user.id, issuer, "an identity was linked");
        Ok(user)
    }

    /// Returns what somebody is told who has no account: whom to ask for an invitation. Owners are named to their colleagues, whose address
    /// is at the same host; not to whoever has an account at a provider for everybody.
    async fn no_account(
        &self,
        provider: &Provider,
        person: &Person,
        email: Option<&EmailAddress>,
    ) -> Result<OidcProblem, StoreError> {
        let owners = self.store.owners().await?.into_iter();
        let is_colleague = |owner: &User| {
            let of_owner = owner.email.as_deref().and_then(|email| EmailAddress::parse(email).ok());
            matches!((of_owner, email), (Some(owner), Some(email)) if owner.host() == email.host())
        };
        let names: Vec<String> = owners.filter(is_colleague).take(NAMED).map(|owner| printable(&owner.name)).collect();
        let whom = if names.is_empty() { "an owner of this server".to_owned() } else { names.join(" or ") };
        Ok(match (&person.email, email) {
            (Some(unverified), None) => {
                OidcProblem::NotVerified { provider: provider.name(), email: printable(unverified), whom }
            }
            (_, email) => {
                let who = email.map(EmailAddress::as_str).or(person.preferred_username.as_deref()).unwrap_or("this identity");
                OidcProblem::NoAccount { who: printable(who), whom }
            }
        })
    }

    /// Has an identity sign in one's own account no more. It stays where it is the only way in.
    ///
    /// # Errors
    /// There is no password to sign in with, the account has no such identity, or the database failed.
    pub async fn unlink_identity(&self, by: &Session, id: &str) -> Result<(), Error> {
        let mut transaction = self.store.write().await?;
        let unlinked = transaction.unlink_identity(&by.user.id, id).await?;
        if unlinked.is_none() {
            return Err(Error::NotFound("The identity was".to_owned()));
        }
        if by.user.email.is_none() || !transaction.has_password(&by.user.id).await? {
            return Err(Error::Refused(
                "Set an e-mail address and a password first: without them nothing else signs you in.".to_owned(),
            ));
        }
        transaction.about("person", &by.user.id, &by.user.name);
        self.commit(transaction, &by.into(), "unlink an identity").await
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

/// Returns the name of a new account.
fn name_of(person: &Person, email: Option<&EmailAddress>) -> String {
    let local = email.and_then(|email| email.as_str().rsplit_once('@')).map(|(local, _)| local);
    let names = [person.name.as_deref(), person.preferred_username.as_deref(), local];
    let name = names.into_iter().flatten().find_map(|name| check_name(name).ok());
    name.unwrap_or("New member").to_owned()
}
