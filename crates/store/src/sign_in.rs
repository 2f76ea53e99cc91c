//! Browsers: one-time links and sessions.

use keepstep_base::api_key::{ApiKey, KeyKind, stored_hash};

use crate::link_target::{LinkPurpose, purpose, require_open};
use crate::model::{Rights, Role, Session, User};
use crate::people::{COLUMNS, EmailAddress, NewAccount, memberships, user};
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction, rows};

/// How often it is noted that a session or a key is used, in milliseconds: reading pages writes nothing in between.
pub const USE_NOTED: i64 = 5 * 60 * 1000;

/// How long a session that has ended is remembered, in milliseconds: what somebody typed in it is shown to them again.
const REMEMBERED: i64 = 14 * 24 * 60 * 60 * 1000;

/// A link to make.
#[derive(Debug, Clone, Copy)]
pub struct NewLink<'a> {
    /// The organization.
    pub org_id: &'a str,
    /// What for.
    pub purpose: LinkPurpose,
    /// The role that it gives.
    pub role: Role,
    /// The account that it is for, where there is one.
    pub user_id: Option<&'a str>,
    /// The person who makes it.
    pub created_by: Option<&'a str>,
    /// When it ends.
    pub expires_at: i64,
}

/// A link that is being used up.
struct OpenedLink {
    id: String,
    hash: String,
    org_id: String,
    purpose: LinkPurpose,
    role: Role,
    user_id: Option<String>,
}

/// Where a browser is, and what it calls itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// In words, such as `Firefox on Linux`.
    pub name: String,
    /// Its network address.
    pub address: String,
}

/// A session as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSession {
    /// Its id, which opens nothing.
    pub id: String,
    /// The browser.
    pub device: Device,
    /// When it began.
    pub created_at: i64,
    /// When it was last used, to within [`USE_NOTED`].
    pub used_at: i64,
}

impl Store {
    /// Returns true if anybody ever signed in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_users(&self) -> Result<bool> {
        let found = query("SELECT EXISTS (SELECT 1 FROM users) AS is_any").fetch_one(&mut *self.reader().await?).await?;
        Ok(found.get("is_any")?)
    }

    /// Returns the sessions of a person that have not ended, the last used first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sessions(&self, user_id: &str) -> Result<Vec<ListedSession>> {
        let rows = query(
            "SELECT id, device, address, created_at, used_at FROM sessions
             WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY used_at DESC, created_at DESC, id",
        )
        .bind(user_id)
        .bind(self.now())
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let listed = |row: &Row| {
            Ok(ListedSession {
                id: row.get("id")?,
                device: Device { name: row.get("device")?, address: row.get("address")? },
                created_at: row.get("created_at")?,
                used_at: row.get("used_at")?,
            })
        };
        rows.iter().map(listed).collect()
    }

    /// Returns the session of the secret that a browser presented, if it has not ended.
    ///
    /// # Errors
    /// The database failed.
    pub async fn session(&self, presented: &str) -> Result<Option<Session>> {
        Ok(self.any_session(presented).await?.filter(|(_, ended)| !ended).map(|(session, _)| session))
    }

    /// Returns the session of the secret that a browser presented, if it has ended and is still remembered.
    ///
    /// # Errors
    /// The database failed.
    pub async fn ended_session(&self, presented: &str) -> Result<Option<Session>> {
        Ok(self.any_session(presented).await?.filter(|(_, ended)| *ended).map(|(session, _)| session))
    }

    async fn any_session(&self, presented: &str) -> Result<Option<(Session, bool)>> {
        let mut reader = self.reader().await?;
        let row = query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS}, s.id AS session_id, s.csrf, s.expires_at, s.used_at, s.ended_at, u.removed_at
             FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.hash = $1"
        )))
        .bind(stored_hash(presented))
        .fetch_optional(&mut reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut user = user(&row)?;
        let rights = Rights::of(&user, memberships(&mut reader, &user.id).await?);
        user.role = rights.role;
        let session = Session {
            id: row.get("session_id")?,
            user,
            rights,
            csrf: row.get("csrf")?,
            expires_at: row.get("expires_at")?,
            used_at: row.get("used_at")?,
        };
        let was_ended = row.get::<Option<i64>>("ended_at")?.is_some() || row.get::<Option<i64>>("removed_at")?.is_some();
        let ended = was_ended || session.expires_at <= self.now();
        Ok(Some((session, ended)))
    }
}

impl Transaction {
    /// Makes a link that somebody can use once. Returns it, and the id that names it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_link(&mut self, new: NewLink<'_>) -> Result<(ApiKey, String)> {
        let secret = ApiKey::from_random(KeyKind::Link, self.surroundings.random()?);
        let id = self.surroundings.id("link_")?;
        let now = self.now;
        query(
            "INSERT INTO links (hash, id, org_id, purpose, role, user_id, created_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(secret.stored_hash())
        .bind(&id)
        .bind(new.org_id)
        .bind(new.purpose.label())
        .bind(new.role.label())
        .bind(new.user_id)
        .bind(new.created_by)
        .bind(now)
        .bind(new.expires_at)
        .execute(self.connection())
        .await?;
        Ok((secret, id))
    }

    /// Makes a link of no more use, one that nobody has used yet.
    ///
    /// # Errors
    /// The organization has no such open link, or the database failed.
    pub async fn revoke_link(&mut self, org_id: &str, id: &str) -> Result<()> {
        let now = self.now;
        let done =
            query("UPDATE links SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2 AND org_id = $3 AND redeemed_at IS NULL")
                .bind(now)
                .bind(id)
                .bind(org_id)
                .execute(self.connection())
                .await?;
        if done == 0 { Err(StoreError::LinkUnknown) } else { Ok(()) }
    }

    /// Uses a link up and returns whom it is for: somebody new, or the account that it is for, with the password that they chose. The
    /// sessions that such an account had end; where the link makes an owner of it, so does all else that opened it.
    ///
    /// # Errors
    /// The link is not known, was used, revoked or has expired; the name is not one, or somebody else has the address; or the database
    /// failed.
    pub async fn redeem_link(&mut self, presented: &str, account: &NewAccount<'_>) -> Result<User> {
        let link = self.open_link(presented).await?;
        let user = match (link.purpose, &link.user_id) {
            (LinkPurpose::Reset, Some(id)) => {
                let user = self.user(&link.org_id, id).await?;
                self.set_profile(id, &user.name, account.email).await?;
                user
            }
            _ => self.account_of_link(&link, account.name, Some(account.email)).await?,
        };
        self.set_password(&user.id, account.password, None).await?;
        self.use_up(&link, &user).await
    }

    /// Uses a link up that makes an account, for somebody who signs in without a password. Returns who that is.
    ///
    /// # Errors
    /// As for [`Transaction::redeem_link`]; a link that sets a password is none that is known here.
    pub async fn redeem_link_without_password(
        &mut self,
        presented: &str,
        name: &str,
        email: Option<&EmailAddress>,
    ) -> Result<User> {
        let link = self.open_link(presented).await?;
        if link.purpose == LinkPurpose::Reset {
            return Err(StoreError::LinkUnknown);
        }
        let user = self.account_of_link(&link, name, email).await?;
        self.use_up(&link, &user).await
    }

    /// Uses a link up that makes an owner, for whoever has just proved that an account is theirs. Returns them, or nobody where the link is for
    /// something else.
    ///
    /// # Errors
    /// As for [`Transaction::redeem_link`].
    pub async fn redeem_owner_link(&mut self, presented: &str, user: &User) -> Result<Option<User>> {
        let link = self.open_link(presented).await?;
        if link.purpose != LinkPurpose::Owner || link.org_id != user.org_id {
            return Ok(None);
        }
        let owner = self.set_rights(&link.org_id, &user.id, Some(link.role), true).await?;
        self.use_up(&link, &owner).await.map(Some)
    }

    async fn open_link(&mut self, presented: &str) -> Result<OpenedLink> {
        let hash = stored_hash(presented);
        let row =
            query("SELECT id, org_id, purpose, role, user_id, expires_at, redeemed_at, revoked_at FROM links WHERE hash = $1")
                .bind(&hash)
                .fetch_optional(self.connection())
                .await?
                .ok_or(StoreError::LinkUnknown)?;
        require_open(&row, self.now)?;
        Ok(OpenedLink {
            id: row.get("id")?,
            org_id: row.get("org_id")?,
            purpose: purpose(&row)?,
            role: rows::role(&row, "a link")?,
            user_id: row.get("user_id")?,
            hash,
        })
    }

    /// Returns the account that a link makes, or makes an owner's.
    async fn account_of_link(&mut self, link: &OpenedLink, name: &str, email: Option<&EmailAddress>) -> Result<User> {
        let known = match email {
            Some(email) => self.user_of_email(email).await?,
            None => None,
        };
        match (known, email) {
            // Whoever runs the server may do everything to it, so also give an owner who is locked out their account back. Nobody has proved
            // that the address was theirs when they took it, so what opened the account before must not open that of an owner.
            (Some(known), _) if link.purpose == LinkPurpose::Owner && known.org_id == link.org_id => {
                self.close_account(&known.id).await?;
                self.set_rights(&link.org_id, &known.id, Some(link.role), true).await
            }
            (Some(_), email) => Err(StoreError::EmailTaken { email: email.map_or("", EmailAddress::as_str).to_owned() }),
            (None, email) => {
                let user = self.create_user(&link.org_id, link.role, name).await?;
                if let Some(email) = email {
                    self.set_profile(&user.id, name, email).await?;
                }
                self.give_link_rights(&link.id, &user).await?;
                Ok(user)
            }
        }
    }

    /// Notes that a link was used, and returns whom it made.
    async fn use_up(&mut self, link: &OpenedLink, user: &User) -> Result<User> {
        let now = self.now;
        query("UPDATE links SET redeemed_at = $1, user_id = $2 WHERE hash = $3")
            .bind(now)
            .bind(&user.id)
            .bind(&link.hash)
            .execute(self.connection())
            .await?;
        self.user(&link.org_id, &user.id).await
    }

    /// Signs a browser in: returns the secret for its cookie. Sessions that ended long ago are swept out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_session(&mut self, user: &User, expires_at: i64, device: &Device) -> Result<(ApiKey, Session)> {
        let secret = ApiKey::from_random(KeyKind::Session, self.surroundings.random()?);
        let id = self.surroundings.id("session_")?;
        let csrf = data_encoding::HEXLOWER.encode(&self.surroundings.random::<32>()?);
        let now = self.now;
        query("DELETE FROM sessions WHERE expires_at <= $1").bind(now - REMEMBERED).execute(self.connection()).await?;
        query(
            "INSERT INTO sessions (hash, id, user_id, csrf, created_at, expires_at, device, address, used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $5)",
        )
        .bind(secret.stored_hash())
        .bind(&id)
        .bind(&user.id)
        .bind(&csrf)
        .bind(now)
        .bind(expires_at)
        .bind(&device.name)
        .bind(&device.address)
        .execute(self.connection())
        .await?;
        let rights = Rights::of(user, memberships(self.connection(), &user.id).await?);
        Ok((secret, Session { id, user: user.clone(), rights, csrf, expires_at, used_at: now }))
    }

    /// Notes that a session is used now, if that was not noted lately.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_session_use(&mut self, id: &str) -> Result<()> {
        let now = self.now;
        query("UPDATE sessions SET used_at = $1 WHERE id = $2 AND used_at <= $3")
            .bind(now)
            .bind(id)
            .bind(now - USE_NOTED)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Signs a browser out. A session that is not there is none already.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_session(&mut self, presented: &str) -> Result<()> {
        let now = self.now;
        query("UPDATE sessions SET ended_at = coalesce(ended_at, $1) WHERE hash = $2")
            .bind(now)
            .bind(stored_hash(presented))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Ends a session of a person by its id. One that has ended stays so.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_session_of(&mut self, user_id: &str, id: &str) -> Result<()> {
        let now = self.now;
        query("UPDATE sessions SET ended_at = coalesce(ended_at, $1) WHERE id = $2 AND user_id = $3")
            .bind(now)
            .bind(id)
            .bind(user_id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Ends all sessions of a person but one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_sessions(&mut self, user_id: &str, kept: Option<&str>) -> Result<()> {
        let now = self.now;
        query("UPDATE sessions SET ended_at = coalesce(ended_at, $1) WHERE user_id = $2 AND id <> $3")
            .bind(now)
            .bind(user_id)
            .bind(kept.unwrap_or_default())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
