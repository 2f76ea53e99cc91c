//! Keys: made once, stored as a hash.

use keepstep_base::api_key::{ApiKey, KeyKind, stored_hash};

use crate::model::{Key, Role, Scope};
use crate::organizations::check_name;
use crate::sign_in::USE_NOTED;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction, rows};

/// A key to make.
#[derive(Debug, Clone)]
pub struct NewKey<'a> {
    /// Its name: the author of what is written with it.
    pub name: &'a str,
    /// What it may do.
    pub role: Role,
    /// What it may see.
    pub scope: &'a Scope,
    /// When it ends, in epoch milliseconds.
    pub expires_at: Option<i64>,
}

const COLUMNS: &str = "id, name, role, org_id, project_id, created_at, expires_at, revoked_at, created_by, used_at, used_by";

impl Store {
    /// Returns the key that was presented, also one that ended or was taken back. The access key of a device is one that
    /// acts as the person who let the device in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn key(&self, presented: &str) -> Result<Option<Key>> {
        let hash = stored_hash(presented);
        let row = query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM keys WHERE hash = $1")))
            .bind(&hash)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        match row {
            Some(row) => key(&row).map(Some),
            None => self.access_key(&hash).await,
        }
    }

    /// Returns the keys of an organization, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keys(&self, org_id: &str) -> Result<Vec<Key>> {
        let rows = query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM keys WHERE org_id = $1 ORDER BY created_at DESC, rowid DESC"
        )))
        .bind(org_id)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.iter().map(key).collect()
    }

    /// Returns the keys that a person created, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keys_created_by(&self, org_id: &str, user_id: &str) -> Result<Vec<Key>> {
        let rows = query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM keys WHERE org_id = $1 AND creator_id = $2 ORDER BY created_at DESC, rowid DESC"
        )))
        .bind(org_id)
        .bind(user_id)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.iter().map(key).collect()
    }
}

impl Transaction {
    /// Makes a key. This is the only time that it can be read.
    ///
    /// # Errors
    /// The name is not one, or the database failed.
    pub async fn create_key(&mut self, new: NewKey<'_>) -> Result<(ApiKey, Key)> {
        let secret = ApiKey::from_random(KeyKind::Api, self.surroundings.random()?);
        let key = Key {
            id: self.surroundings.id("key_")?,
            name: check_name(new.name)?.to_owned(),
            role: new.role,
            scope: new.scope.clone(),
            created_at: self.now,
            expires_at: new.expires_at,
            revoked_at: None,
            created_by: None,
            used_at: None,
            used_by: None,
            may_publish: true,
            memberships: Vec::new(),
        };
        query(
            "INSERT INTO keys (id, hash, org_id, project_id, name, role, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&key.id)
        .bind(secret.stored_hash())
        .bind(&key.scope.org_id)
        .bind(key.scope.only_project())
        .bind(&key.name)
        .bind(key.role.label())
        .bind(key.created_at)
        .bind(key.expires_at)
        .execute(self.connection())
        .await?;
        Ok((secret, key))
    }

    /// Keeps who made a key: their name then, and the id of the person, also where they made it with a device of theirs.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_key_creator(&mut self, id: &str, name: &str, creator: &str) -> Result<()> {
        query(
            "UPDATE keys SET created_by = $1, creator_id = coalesce((SELECT user_id FROM device_logins WHERE id = $2), $2)
             WHERE id = $3",
        )
        .bind(name)
        .bind(creator)
        .bind(id)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that a key, or the login of a device, is used now and by what, if that was not noted lately.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_key_use(&mut self, id: &str, by: &str) -> Result<()> {
        let now = self.now;
        for statement in [
            "UPDATE keys SET used_at = $1, used_by = $2 WHERE id = $3 AND (used_at IS NULL OR used_at <= $4)",
            "UPDATE device_logins SET used_at = $1, used_by = $2 WHERE id = $3 AND (used_by IS NULL OR used_at <= $4)",
        ] {
            query(statement).bind(now).bind(by).bind(id).bind(now - USE_NOTED).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Takes a key back. It stays in the list; doing it again changes nothing.
    ///
    /// # Errors
    /// The organization has no such key, or the database failed.
    pub async fn revoke_key(&mut self, org_id: &str, id: &str) -> Result<()> {
        let now = self.now;
        let done = query("UPDATE keys SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2 AND org_id = $3")
            .bind(now)
            .bind(id)
            .bind(org_id)
            .execute(self.connection())
            .await?;
        if done == 0 { Err(StoreError::KeyNotFound(id.to_owned())) } else { Ok(()) }
    }
}

fn key(row: &Row) -> Result<Key> {
    let id: String = row.get("id")?;
    Ok(Key {
        name: row.get("name")?,
        role: rows::role(row, &id)?,
        scope: Scope::of(row.get::<String>("org_id")?, row.get("project_id")?),
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        revoked_at: row.get("revoked_at")?,
        created_by: row.get("created_by")?,
        used_at: row.get("used_at")?,
        used_by: row.get("used_by")?,
        may_publish: true,
        memberships: Vec::new(),
        id,
    })
}
