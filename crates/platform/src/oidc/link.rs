//! An identity that somebody links to the account in which they are signed in, and unlinks.
//!
//! Whoever links one has two proofs: of the account, by its password, and of the identity, by signing in at the provider. That the password
//! was given travels with the sign-in, under a seal of this server.

use data_encoding::BASE64URL_NOPAD;
use hmac::Mac as _;
use keepstep_store::{NewIdentity, Session, Transaction, User};

use super::answer::{Named, OidcAnswer};
use super::begun::{BegunSignIn, OidcPurpose};
use super::claims::Person;
use super::exchange::authorization_address;
use super::problem::OidcProblem;
use crate::error::Error;
use crate::files::mac;
use crate::platform::Platform;
use crate::write::note;

impl Platform {
    /// Begins to link an identity to one's own account. Returns the sign-in with the address to send the browser to. Whoever has no password
    /// needs none.
    ///
    /// # Errors
    /// The password is wrong, there were too many wrong ones, there is no provider or it does not answer, or the database failed.
    pub async fn begin_identity_link(
        &self,
        by: &Session,
        password: &str,
        redirect_uri: &str,
        address: &str,
    ) -> Result<(BegunSignIn, String), Error> {
        let provider = self.oidc.as_ref().ok_or(OidcProblem::NotSetUp)?;
        self.require_password(by, password, address).await?;
        let now = self.store.now();
        let endpoints = provider.endpoints(now).await?;
        let begun = BegunSignIn::new(OidcPurpose::Account(String::new()), self.store.surroundings().random()?, now);
        let seal = mac(&self.address_secret().await?, &proved(by, &begun))?.finalize().into_bytes();
        let begun = begun.proved(BASE64URL_NOPAD.encode(&seal));
        let address = authorization_address(provider, &endpoints, &begun, redirect_uri);
        Ok((begun, address))
    }

    /// Has the identity that the provider named sign in one's own account from now on.
    ///
    /// # Errors
    /// The answer is not one to what this session began, what the provider sends is not accepted, the identity is somebody else's, the account
    /// has another one of the provider, too many sign-ins failed, or the database failed.
    pub async fn link_by_oidc(
        &self,
        by: &Session,
        begun: &BegunSignIn,
        answer: &OidcAnswer,
        redirect_uri: &str,
        address: &str,
    ) -> Result<(), Error> {
        if !self.is_proved(by, begun).await? {
            return Err(OidcProblem::Stale.into());
        }
        let Named { person, issuer, provider, attempt } = self.named(Some(begun), answer, redirect_uri, address).await?;
        let mut transaction = self.store.write().await?;
        let user = transaction.user(&by.user.org_id, &by.user.id).await?;
        match transaction.use_identity(&issuer, &person.sub).await? {
            // Another window was as quick.
            Some(known) if known.id == user.id => {}
            Some(known) => return Err(OidcProblem::LinkedElsewhere { name: known.name }.into()),
            None if transaction.has_identity_of(&user.id, &issuer).await? => {
                return Err(OidcProblem::HasIdentity { provider: provider.name() }.into());
            }
            None => link(&mut transaction, &user, &issuer, &person).await?,
        }
        self.commit_unnoted(transaction, &by.into(), "link an identity").await?;
        attempt.succeeded().await
    }

    /// Returns true where this session has given its password for a sign-in that it began.
    async fn is_proved(&self, by: &Session, begun: &BegunSignIn) -> Result<bool, Error> {
        let OidcPurpose::Account(proof) = begun.purpose() else { return Ok(false) };
        let Ok(proof) = BASE64URL_NOPAD.decode(proof.as_bytes()) else { return Ok(false) };
        let seal = mac(&self.address_secret().await?, &proved(by, begun))?;
        Ok(seal.verify_slice(&proof).is_ok())
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

/// Has an identity sign in an account, which has none of that issuer, and notes it.
pub(super) async fn link(transaction: &mut Transaction, user: &User, issuer: &str, person: &Person) -> Result<(), Error> {
    let email = person.verified_email();
    transaction.link_identity(&user.id, NewIdentity { issuer, subject: &person.sub, email: email.as_ref() }).await?;
    transaction.about("person", &user.id, &user.name);
    note(transaction, &user.org_id, &user.id, &user.name, "link an identity").await?;
    tracing::info!(user = %user.id, issuer, "an identity was linked");
    Ok(())
}

/// Returns what is sealed. No address of a file begins like this, for which the same secret is used.
fn proved(by: &Session, begun: &BegunSignIn) -> Vec<u8> {
    format!("keepstep identity\n{}\n{}", by.id, begun.name()).into_bytes()
}
