//! Browsers: one-time links, users, sessions.

use keepstep_base::api_key::{ApiKey, KeyKind, stored_hash};

use crate::model::{Role, Session, User};
use crate::organizations::check_name;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction, rows};

impl Store {
    /// Returns true if anybody ever signed in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_users(&self) -> Result<bool> {
        let found = query("SELECT EXISTS (SELECT 1 FROM users) AS is_any").fetch_one(&mut *self.reader().await?).await?;
        Ok(found.get("is_any")?)
    }

    /// Returns the people of an organization in the order of their names.
    ///
    /// # Errors
    /// The database failed.
    pub async fn users(&self, org_id: &str) -> Result<Vec<User>> {
        let rows = query("SELECT id, name, role, org_id FROM users WHERE org_id = $1 ORDER BY name, rowid")
            .bind(org_id)
            .fetch_all(&mut *self.reader().await?)
            .await?;
        rows.iter().map(user).collect()
    }

    /// Returns the session of the secret that a browser presented, if it has not ended.
    ///
    /// # Errors
    /// The database failed.
    pub async fn session(&self, presented: &str) -> Result<Option<Session>> {
        let now = self.now();
        Ok(self.any_session(presented).await?.filter(|session| session.expires_at > now))
    }

    /// Returns the session of the secret that a browser presented, if its time is over and it is still remembered.
    ///
    /// # Errors
    /// The database failed.
    pub async fn ended_session(&self, presented: &str) -> Result<Option<Session>> {
        let now = self.now();
        Ok(self.any_session(presented).await?.filter(|session| session.expires_at <= now))
    }

    async fn any_session(&self, presented: &str) -> Result<Option<Session>> {
        let row = query(
            "SELECT u.id, u.name, u.role, u.org_id, s.csrf, s.expires_at
             FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.hash = $1",
        )
        .bind(stored_hash(presented))
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(|row| Ok(Session { user: user(&row)?, csrf: row.get("csrf")?, expires_at: row.get("expires_at")? })).transpose()
    }
}

impl Transaction {
    /// Makes a link that signs one browser in, once: as a new user with that role, or as a user that there is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_link(&mut self, org_id: &str, role: Role, user_id: Option<&str>, expires_at: i64) -> Result<ApiKey> {
        let secret = ApiKey::from_random(KeyKind::Link, self.surroundings.random()?);
        let now = self.now;
        query("INSERT INTO links (hash, org_id, role, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(secret.stored_hash())
            .bind(org_id)
            .bind(role.label())
            .bind(user_id)
            .bind(now)
            .bind(expires_at)
            .execute(self.connection())
            .await?;
        Ok(secret)
    }

    /// Uses a link up and returns its user; a user that the link makes gets the name.
    ///
    /// # Errors
    /// The link is not known, was used or is too old, the name is not one, or the database failed.
    pub async fn redeem_link(&mut self, presented: &str, name: &str) -> Result<User> {
        let hash = stored_hash(presented);
        let row = query("SELECT org_id, role, user_id, expires_at, redeemed_at FROM links WHERE hash = $1")
            .bind(&hash)
            .fetch_optional(self.connection())
            .await?
            .ok_or(StoreError::LinkUnknown)?;
        if row.get::<Option<i64>>("redeemed_at")?.is_some() {
            return Err(StoreError::LinkUsed);
        }
        if row.get::<i64>("expires_at")? <= self.now {
            return Err(StoreError::LinkExpired);
        }
        let user = match row.get::<Option<String>>("user_id")? {
            Some(id) => {
                let row =
                    query("SELECT id, name, role, org_id FROM users WHERE id = $1").bind(id).fetch_one(self.connection()).await?;
                user(&row)?
            }
            None => self.create_user(&row.get::<String>("org_id")?, rows::role(&row, "a link")?, name).await?,
        };
        let now = self.now;
        query("UPDATE links SET redeemed_at = $1, user_id = $2 WHERE hash = $3")
            .bind(now)
            .bind(&user.id)
            .bind(&hash)
            .execute(self.connection())
            .await?;
        Ok(user)
    }

    /// Makes a user.
    ///
    /// # Errors
    /// The name is not one, or the database failed.
    pub async fn create_user(&mut self, org_id: &str, role: Role, name: &str) -> Result<User> {
        let user =
            User { id: self.surroundings.id("user_")?, name: check_name(name)?.to_owned(), role, org_id: org_id.to_owned() };
        let now = self.now;
        query("INSERT INTO users (id, org_id, name, role, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(&user.id)
            .bind(&user.org_id)
            .bind(&user.name)
            .bind(role.label())
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(user)
    }

    /// Signs a browser in: returns the secret for its cookie. Sessions that ended are swept out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_session(&mut self, user: &User, expires_at: i64) -> Result<(ApiKey, Session)> {
        let secret = ApiKey::from_random(KeyKind::Session, self.surroundings.random()?);
        let csrf = data_encoding::HEXLOWER.encode(&self.surroundings.random::<32>()?);
        let now = self.now;
        query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(self.connection()).await?;
        query("INSERT INTO sessions (hash, user_id, csrf, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(secret.stored_hash())
            .bind(&user.id)
            .bind(&csrf)
            .bind(now)
            .bind(expires_at)
            .execute(self.connection())
            .await?;
        Ok((secret, Session { user: user.clone(), csrf, expires_at }))
    }

    /// Signs a browser out. A session that is not there is none already.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_session(&mut self, presented: &str) -> Result<()> {
        query("DELETE FROM sessions WHERE hash = $1").bind(stored_hash(presented)).execute(self.connection()).await?;
        Ok(())
    }
}

pub(crate) fn user(row: &Row) -> Result<User> {
    let id: String = row.get("id")?;
    Ok(User { name: row.get("name")?, role: rows::role(row, &id)?, org_id: row.get("org_id")?, id })
}
