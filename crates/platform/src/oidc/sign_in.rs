//! Who comes in with an account of the identity provider: whoever was invited, and nobody else.

use keepstep_base::api_key::ApiKey;
use keepstep_store::{EmailAddress, StoreError, Transaction, User, check_name};

use super::answer::{Named, OidcAnswer};
use super::begun::{BegunSignIn, OidcPurpose};
use super::claims::Person;
use super::exchange::authorization_address;
use super::link::link;
use super::problem::OidcProblem;
use super::provider::Provider;
use crate::error::Error;
use crate::platform::Platform;
use crate::sign_in::Browser;
use crate::text::printable;

/// How many owners are named to somebody who needs an invitation.
const NAMED: usize = 3;

/// The identity provider as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcProvider {
    /// What people call it: its host.
    pub name: String,
    /// The issuer that was named at the start.
    pub issuer: String,
    /// Why it cannot be used, as far as is known now, as the end of a sentence.
    pub failure: Option<String>,
}

impl Platform {
    /// Returns the identity provider, if this server has one. Where it did not answer when it was last asked, it is asked again beside this.
    pub fn oidc_provider(&self) -> Option<OidcProvider> {
        let provider = self.oidc.as_ref()?;
        let failure = provider.failure();
        if failure.is_some() && provider.may_be_asked_again(self.store.now()) {
            self.look_for_oidc_provider();
        }
        Some(OidcProvider { name: provider.name(), issuer: provider.settings.issuer.clone(), failure })
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

    /// Signs a browser in as whom the identity provider named, if they have an account: by an identity that is linked to it, or by the
    /// invitation that they opened. A session that the browser had before ends.
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
        let Named { person, issuer, provider, attempt } =
            self.named(begun, answer, redirect_uri, &browser.device.address).await?;
        let purpose = begun.map(BegunSignIn::purpose).ok_or(OidcProblem::Stale)?;
        let mut transaction = self.store.write().await?;
        let found = self.account_of(&mut transaction, provider, &issuer, &person, purpose).await;
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
        let email = person.verified_email();
        let user = match (known, purpose) {
            // That is begun by whoever is signed in already.
            (_, OidcPurpose::Account(_)) => return Err(OidcProblem::Stale.into()),
            (Some(known), OidcPurpose::Page(_)) => return Ok(known),
            (Some(known), OidcPurpose::Link(token)) => {
                let owner = transaction.redeem_owner_link(token, &known).await?;
                return owner.ok_or_else(|| OidcProblem::HasAccount { name: known.name }.into());
            }
            (None, OidcPurpose::Link(token)) => {
                transaction.redeem_link_without_password(token, &name_of(person, email.as_ref()), email.as_ref()).await?
            }
            (None, OidcPurpose::Page(_)) => return Err(self.no_account(transaction, provider, issuer, person).await?.into()),
        };
        link(transaction, &user, issuer, person).await?;
        Ok(user)
    }

    /// Returns what somebody is told whose identity has no account: how to link it, or whom to ask for an invitation. Owners are named to their
    /// colleagues, whose address is at the same host; not to whoever has an account at a provider for everybody.
    async fn no_account(
        &self,
        transaction: &mut Transaction,
        provider: &Provider,
        issuer: &str,
        person: &Person,
    ) -> Result<OidcProblem, StoreError> {
        let email = person.verified_email();
        if let Some(verified) = &email
            && let Some(user) = transaction.user_of_email(verified).await?
        {
            let (email, provider) = (verified.as_str().to_owned(), provider.name());
            return Ok(if transaction.has_identity_of(&user.id, issuer).await? {
                OidcProblem::OtherIdentity { email, provider }
            } else {
                OidcProblem::NotLinked { email, provider }
            });
        }
        let owners = self.store.owners().await?.into_iter();
        let is_colleague = |owner: &User| {
            let of_owner = owner.email.as_deref().and_then(|email| EmailAddress::parse(email).ok());
            matches!((of_owner, &email), (Some(owner), Some(email)) if owner.host() == email.host())
        };
        let names: Vec<String> = owners.filter(is_colleague).take(NAMED).map(|owner| printable(&owner.name)).collect();
        let whom = if names.is_empty() { "an owner of this server".to_owned() } else { names.join(" or ") };
        Ok(match (&person.email, &email) {
            (Some(unverified), None) => {
                OidcProblem::NotVerified { provider: provider.name(), email: printable(unverified), whom }
            }
            (_, email) => {
                let who =
                    email.as_ref().map(EmailAddress::as_str).or(person.preferred_username.as_deref()).unwrap_or("this identity");
                OidcProblem::NoAccount { who: printable(who), whom }
            }
        })
    }
}

/// Returns the name of a new account.
fn name_of(person: &Person, email: Option<&EmailAddress>) -> String {
    let local = email.and_then(|email| email.as_str().rsplit_once('@')).map(|(local, _)| local);
    let names = [person.name.as_deref(), person.preferred_username.as_deref(), local];
    let name = names.into_iter().flatten().find_map(|name| check_name(name).ok());
    name.unwrap_or("New member").to_owned()
}
