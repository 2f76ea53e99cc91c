//! Signing in: people by a password or by a link in their browser, and devices as a person who approves their code.

use keepstep_base::api_key::{ApiKey, KeyForm, form_of};
use keepstep_store::{
    Attempted, Device, DeviceCodes, DeviceLogin, EmailAddress, LinkTarget, LoginKeys, LoginProgress, NewAccount, Role,
    StoreError, Transaction, User, check_name,
};

use crate::actor::Actor;
use crate::error::{Error, KeyProblem};
use crate::passwords::check_password;
use crate::platform::Platform;
use crate::write::note;

/// How long a browser stays signed in, in milliseconds: 14 days.
pub const SESSION_LIFE: i64 = 14 * 24 * 60 * 60 * 1000;

/// The name of a device that gave none.
const UNNAMED: &str = "a command line";

/// A browser that somebody signs in with.
#[derive(Debug, Clone, Copy)]
pub struct Browser<'a> {
    /// What it is and where.
    pub device: &'a Device,
    /// The secret of the session that it has already.
    pub previous: Option<&'a str>,
}

/// What somebody typed who opened a one-time link.
#[derive(Clone, Copy)]
pub struct LinkForm<'a> {
    /// Their name; of no meaning where there is an account already.
    pub name: &'a str,
    /// With which address they want to sign in; of no meaning where the account has one.
    pub email: &'a str,
    /// The password that they chose.
    pub password: &'a str,
}

impl Platform {
    /// Returns whom a one-time link signs in. It uses nothing up.
    ///
    /// # Errors
    /// The link is not known, used, revoked or has expired; or the database failed.
    pub async fn link_target(&self, token: &str) -> Result<LinkTarget, Error> {
        if form_of(token) != KeyForm::Ours {
            return Err(StoreError::LinkUnknown.into());
        }
        Ok(self.store.link_target(token).await?)
    }

    /// Uses a one-time link up, and signs a browser in as whom the link is for. A session that the browser had before ends.
    ///
    /// # Errors
    /// The link is not known, used, revoked or has expired; the name, the address or the password is not one; somebody else has the
    /// address; or the database failed.
    pub async fn sign_in_by_link(&self, token: &str, form: LinkForm<'_>, browser: Browser<'_>) -> Result<ApiKey, Error> {
        let target = self.link_target(token).await?;
        if target.account.is_none() {
            check_name(form.name)?;
        }
        let of_account = target.account.and_then(|account| account.email);
        let email = EmailAddress::parse(of_account.as_deref().unwrap_or(form.email))?;
        check_password(form.password, &email)?;
        let password = self.budgets.hash_password(form.password, self.store.surroundings().random()?).await?;
        let mut transaction = self.store.write().await?;
        let account = NewAccount { name: form.name, email: &email, password: &password };
        let user = transaction.redeem_link(token, &account).await?;
        // Whoever was locked out is not kept waiting by what was tried before.
        transaction.forget_failures(Attempted::Account(&email)).await?;
        self.begin_session(transaction, &user, browser).await
    }

    /// Signs a browser in as whoever has an address and a password. A session that the browser had before ends.
    ///
    /// # Errors
    /// One of both is wrong, too many were, or the database failed.
    pub async fn sign_in_by_password(&self, email: &str, password: &str, browser: Browser<'_>) -> Result<ApiKey, Error> {
        let email = EmailAddress::parse(email).map_err(|_| Error::WrongPassword)?;
        let attempt = self.attempt(Attempted::Account(&email), &browser.device.address).await?;
        let found = self.store.credentials(&email).await?;
        // Whether there is such an account shows neither in the answer nor in how long it takes.
        let hash = found.as_ref().and_then(|found| found.password.clone());
        let is_right = self.budgets.is_password(password, hash).await?;
        let Some(found) = found.filter(|_| is_right) else {
            // Not what was typed as an address: it may be a password.
            tracing::info!(address = browser.device.address, "a sign-in failed");
            return Err(Error::WrongPassword);
        };
        attempt.succeeded().await?;
        let mut transaction = self.store.write().await?;
        // They may have been removed while the password was compared.
        let user = transaction.user(&found.user.org_id, &found.user.id).await.map_err(|_| Error::WrongPassword)?;
        self.begin_session(transaction, &user, browser).await
    }

    pub(crate) async fn begin_session(
        &self,
        mut transaction: Transaction,
        user: &User,
        browser: Browser<'_>,
    ) -> Result<ApiKey, Error> {
        if let Some(previous) = browser.previous {
            transaction.end_session(previous).await?;
        }
        let expires_at = transaction.now().saturating_add(SESSION_LIFE);
        let (secret, _) = transaction.create_session(user, expires_at, browser.device).await?;
        note(&mut transaction, &user.org_id, &user.id, &user.name, "sign in").await?;
        transaction.commit().await?;
        tracing::info!(user = %user.id, "a browser signed in");
        Ok(secret)
    }

    /// Ends the session of a browser.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sign_out(&self, session: &str) -> Result<(), Error> {
        let mut transaction = self.store.write().await?;
        transaction.end_session(session).await?;
        Ok(transaction.commit().await?)
    }

    /// Gives a device the codes with which a person can let it in. Anybody may ask.
    ///
    /// # Errors
    /// Too many devices of the address wait, or the database failed.
    pub async fn start_device_login(&self, name: Option<&str>, address: &str) -> Result<DeviceCodes, Error> {
        let name = name.filter(|name| !name.trim().is_empty()).unwrap_or(UNNAMED);
        let mut transaction = self.store.write().await?;
        let codes = transaction.start_device_login(name, address).await?;
        transaction.commit().await?;
        Ok(codes)
    }

    /// Returns how far the login of a device is, with its keys once it is approved.
    ///
    /// # Errors
    /// The code is cut or mistyped, or the database failed.
    pub async fn complete_device_login(&self, code: &str) -> Result<LoginProgress, Error> {
        if form_of(code) != KeyForm::Ours {
            return Err(Error::Invalid("This device code is incomplete or mistyped.".to_owned()));
        }
        // Waiting devices must not keep writers waiting.
        if self.store.is_device_waiting(code).await? {
            return Ok(LoginProgress::Pending);
        }
        let mut transaction = self.store.write().await?;
        let progress = transaction.complete_device_login(code).await?;
        transaction.commit().await?;
        if let LoginProgress::Approved(keys) = &progress {
            tracing::info!(user = %keys.user.id, "a device signed in");
        }
        Ok(progress)
    }

    /// Gives a device its next keys.
    ///
    /// # Errors
    /// The key is cut, not known, or of a login that has ended; or the database failed.
    pub async fn refresh_device_login(&self, key: &str) -> Result<LoginKeys, Error> {
        KeyProblem::of_form(key)?;
        let mut transaction = self.store.write().await?;
        let keys = transaction.refresh_device_login(key).await?;
        // Also where there are none: a key that was used before has just ended the login.
        transaction.commit().await?;
        Ok(keys.ok_or(KeyProblem::LoginEnded)?)
    }

    /// Returns the device that waits with a code that a person typed. Wrong codes are counted, so that nobody finds a stranger's device
    /// by guessing.
    ///
    /// # Errors
    /// Too many codes were wrong, or the database failed.
    pub async fn device_of_code(&self, actor: &Actor, code: &str) -> Result<Option<DeviceLogin>, Error> {
        actor.require(Role::Viewer)?;
        let mut transaction = self.store.write().await?;
        let device = transaction.device_login(&actor.id, code).await?;
        transaction.commit().await?;
        Ok(device)
    }

    /// Lets the device of a code in as the person who typed it, or refuses it. Returns the device, if one waits with that code.
    ///
    /// # Errors
    /// Too many codes were wrong, or the database failed.
    pub async fn decide_device_login(&self, actor: &Actor, code: &str, approve: bool) -> Result<Option<DeviceLogin>, Error> {
        let Some(device) = self.device_of_code(actor, code).await? else { return Ok(None) };
        let mut transaction = self.store.write().await?;
        transaction.decide_device_login(&device.id, &actor.id, approve).await?;
        transaction.about("device", &device.id, &device.device_name);
        self.commit(transaction, actor, if approve { "approve a device" } else { "refuse a device" }).await?;
        tracing::info!(user = %actor.id, login = %device.id, approve, "a device was decided about");
        Ok(Some(device))
    }

    /// Signs a device of one's own out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sign_out_device(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        actor.require(Role::Viewer)?;
        let mut transaction = self.store.write().await?;
        transaction.revoke_device(&actor.scope.org_id, Some(&actor.id), id).await?;
        transaction.about("device", id, "");
        self.commit(transaction, actor, "sign a device out").await
    }
}
