//! Browsers: one-time links, users, sessions.

use keepstep_base::api_key::{ApiKey, KeyKind, stored_hash};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::model::{Role, Session, User};
use crate::organisations::check_name;
use crate::{Result, Store, StoreError, Transaction, rows};

impl Store {
    /// Returns true if anybody ever signed in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_users(&self) -> Result<bool> {
        let any = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users)").fetch_one(&mut *self.reader().await?).await?;
        Ok(any)
    }

    /// Returns the people of an organisation in the order of their names.
    ///
    /// # Errors
    /// The database failed.
    pub async fn users(&self, org_id: &str) -> Result<Vec<User>> {
        let rows = sqlx::query("SELECT id, name, role, org_id FROM users WHERE org_id = ? ORDER BY name, rowid")
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
        let row = sqlx::query(
            "SELECT u.id, u.name, u.role, u.org_id, s.csrf, s.expires_at
             FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.hash = ?",
        )
        .bind(stored_hash(presented))
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(|row| Ok(Session { user: user(&row)?, csrf: row.try_get("csrf")?, expires_at: row.try_get("expires_at")? }))
            .transpose()
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
        sqlx::query("INSERT INTO links (hash, org_id, role, user_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)")
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
        let row = sqlx::query("SELECT org_id, role, user_id, expires_at, redeemed_at FROM links WHERE hash = ?")
            .bind(&hash)
            .fetch_optional(self.connection())
            .await?
            .ok_or(StoreError::LinkUnknown)?;
        if row.try_get::<Option<i64>, _>("redeemed_at")?.is_some() {
            return Err(StoreError::LinkUsed);
        }
        if row.try_get::<i64, _>("expires_at")? <= self.now {
            return Err(StoreError::LinkExpired);
        }
        let user = match row.try_get::<Option<String>, _>("user_id")? {
            Some(id) => {
                let row = sqlx::query("SELECT id, name, role, org_id FROM users WHERE id = ?")
                    .bind(id)
                    .fetch_one(self.connection())
                    .await?;
                user(&row)?
            }
            None => self.create_user(&row.try_get::<String, _>("org_id")?, rows::role(&row, "a link")?, name).await?,
        };
        let now = self.now;
        sqlx::query("UPDATE links SET redeemed_at = ?, user_id = ? WHERE hash = ?")
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
        sqlx::query("INSERT INTO users (id, org_id, name, role, created_at) VALUES (?, ?, ?, ?, ?)")
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
        sqlx::query("DELETE FROM sessions WHERE expires_at <= ?").bind(now).execute(self.connection()).await?;
        sqlx::query("INSERT INTO sessions (hash, user_id, csrf, created_at, expires_at) VALUES (?, ?, ?, ?, ?)")
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
        sqlx::query("DELETE FROM sessions WHERE hash = ?").bind(stored_hash(presented)).execute(self.connection()).await?;
        Ok(())
    }
}

pub(crate) fn user(row: &SqliteRow) -> Result<User> {
    let id: String = row.try_get("id")?;
    Ok(User { name: row.try_get("name")?, role: rows::role(row, &id)?, org_id: row.try_get("org_id")?, id })
}
