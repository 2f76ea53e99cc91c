//! Accounts of identity providers: by which of them somebody of an organization signs in.
//!
//! An identity is one person at one issuer, and belongs to one account; an account has at most one of each issuer.

use crate::model::User;
use crate::people::{COLUMNS, EmailAddress, user};
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, Transaction};

/// Somebody as an identity provider names them.
#[derive(Debug, Clone, Copy)]
pub struct NewIdentity<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// What the issuer calls them, and nobody else ever.
    pub subject: &'a str,
    /// The address that the issuer has verified.
    pub email: Option<&'a EmailAddress>,
}

/// An account of an identity provider that somebody signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Names it where it is shown and unlinked.
    pub id: String,
    /// The issuer.
    pub issuer: String,
    /// The address that the issuer had verified when it was linked.
    pub email: Option<String>,
    /// Since when it signs in.
    pub created_at: i64,
    /// When it last did.
    pub used_at: i64,
}

impl Store {
    /// Returns what somebody signs in with besides a password, the first linked first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn identities(&self, user_id: &str) -> Result<Vec<Identity>> {
        let rows =
            query("SELECT id, issuer, email, created_at, used_at FROM identities WHERE user_id = $1 ORDER BY created_at, id")
                .bind(user_id)
                .fetch_all(&mut *self.reader().await?)
                .await?;
        rows.iter().map(identity).collect()
    }
}

impl Transaction {
    /// Returns the account of an identity, and notes that it signs in now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn use_identity(&mut self, issuer: &str, subject: &str) -> Result<Option<User>> {
        let row = query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM identities i JOIN users u ON u.id = i.user_id
             WHERE i.issuer = $1 AND i.subject = $2 AND u.removed_at IS NULL"
        )))
        .bind(issuer)
        .bind(subject)
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let now = self.now;
        query("UPDATE identities SET used_at = $1 WHERE issuer = $2 AND subject = $3")
            .bind(now)
            .bind(issuer)
            .bind(subject)
            .execute(self.connection())
            .await?;
        user(&row).map(Some)
    }

    /// Returns true if an account signs in with an identity of an issuer.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_identity_of(&mut self, user_id: &str, issuer: &str) -> Result<bool> {
        let found = query("SELECT 1 AS is_one FROM identities WHERE user_id = $1 AND issuer = $2")
            .bind(user_id)
            .bind(issuer)
            .fetch_optional(self.connection())
            .await?;
        Ok(found.is_some())
    }

    /// Has an identity sign in an account. It must be nobody else's, and the only one of its issuer that the account has.
    ///
    /// # Errors
    /// The database failed.
    pub async fn link_identity(&mut self, user_id: &str, new: NewIdentity<'_>) -> Result<()> {
        let (id, now) = (self.surroundings.id("identity_")?, self.now);
        query(
            "INSERT INTO identities (id, issuer, subject, user_id, email, created_at, used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
        )
        .bind(id)
        .bind(new.issuer)
        .bind(new.subject)
        .bind(user_id)
        .bind(new.email.map(EmailAddress::as_str))
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Has an identity sign an account in no more. Returns it, if the account had it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unlink_identity(&mut self, user_id: &str, id: &str) -> Result<Option<Identity>> {
        let row = query("SELECT id, issuer, email, created_at, used_at FROM identities WHERE user_id = $1 AND id = $2")
            .bind(user_id)
            .bind(id)
            .fetch_optional(self.connection())
            .await?;
        query("DELETE FROM identities WHERE user_id = $1 AND id = $2").bind(user_id).bind(id).execute(self.connection()).await?;
        row.as_ref().map(identity).transpose()
    }

    /// Returns true if somebody has a password.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_password(&mut self, user_id: &str) -> Result<bool> {
        let found = query("SELECT 1 AS is_one FROM users WHERE id = $1 AND password IS NOT NULL")
            .bind(user_id)
            .fetch_optional(self.connection())
            .await?;
        Ok(found.is_some())
    }
}

fn identity(row: &Row) -> Result<Identity> {
    Ok(Identity {
        id: row.get("id")?,
        issuer: row.get("issuer")?,
        email: row.get("email")?,
        created_at: row.get("created_at")?,
        used_at: row.get("used_at")?,
    })
}
