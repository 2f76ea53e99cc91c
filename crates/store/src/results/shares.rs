//! Links to an experiment for whoever has no account.

use keepstep_base::api_key::{ApiKey, KeyKind, stored_hash};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::read::batch_number;
use crate::model::Scope;
use crate::{Result, Store, StoreError, Transaction};

/// A link to an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its id, which opens nothing.
    pub id: String,
    /// The name of who created it.
    pub created_by: String,
    /// When, in epoch milliseconds.
    pub created_at: i64,
    /// When it expires.
    pub expires_at: i64,
}

/// The experiment that a link opens.
#[derive(Debug, Clone)]
pub struct SharedExperiment {
    /// What can be seen with the link: the project of the experiment. Whoever has it is shown the experiment alone.
    pub scope: Scope,
    /// The experiment.
    pub batch_id: String,
}

impl Store {
    /// Returns the links to an experiment that work, the newest first.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn shares(&self, scope: &Scope, batch: &str) -> Result<Vec<Share>> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let rows = sqlx::query(
            "SELECT id, created_by, created_at, expires_at FROM shares
             WHERE batch = ? AND revoked_at IS NULL AND expires_at > ? ORDER BY created_at DESC, id",
        )
        .bind(number)
        .bind(self.now())
        .fetch_all(&mut *reader)
        .await?;
        let share = |row: &SqliteRow| {
            Ok(Share {
                id: row.try_get("id")?,
                created_by: row.try_get("created_by")?,
                created_at: row.try_get("created_at")?,
                expires_at: row.try_get("expires_at")?,
            })
        };
        rows.iter().map(share).collect()
    }

    /// Returns the experiment that a link opens; nothing where it is unknown, expired or revoked, or its experiment was deleted: whoever
    /// has it is not told which.
    ///
    /// # Errors
    /// The database failed.
    pub async fn shared_experiment(&self, presented: &str) -> Result<Option<SharedExperiment>> {
        let row = sqlx::query(
            "SELECT b.id, b.project_id, p.org_id FROM shares s JOIN run_batches b ON b.number = s.batch
               JOIN projects p ON p.id = b.project_id
             WHERE s.hash = ? AND s.revoked_at IS NULL AND s.expires_at > ?",
        )
        .bind(stored_hash(presented))
        .bind(self.now())
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        let shared = |row: SqliteRow| {
            let (org, project): (String, String) = (row.try_get("org_id")?, row.try_get("project_id")?);
            Ok(SharedExperiment { scope: Scope::some_projects(&org, [project]), batch_id: row.try_get("id")? })
        };
        row.map(shared).transpose()
    }
}

impl Transaction {
    /// Makes a link to an experiment. It can be read only now.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn create_share(&mut self, scope: &Scope, batch: &str, by: &str, expires_at: i64) -> Result<ApiKey> {
        let (number, now) = (batch_number(self.connection(), scope, batch).await?, self.now);
        let secret = ApiKey::from_random(KeyKind::Link, self.surroundings.random()?);
        let id = self.surroundings.id("share_")?;
        sqlx::query("INSERT INTO shares (id, hash, batch, created_by, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(id)
            .bind(secret.stored_hash())
            .bind(number)
            .bind(by)
            .bind(now)
            .bind(expires_at)
            .execute(self.connection())
            .await?;
        Ok(secret)
    }

    /// Revokes a link to an experiment.
    ///
    /// # Errors
    /// There is no such experiment in the scope, it has no such link, or the database failed.
    pub async fn revoke_share(&mut self, scope: &Scope, batch: &str, id: &str) -> Result<()> {
        let (number, now) = (batch_number(self.connection(), scope, batch).await?, self.now);
        let done = sqlx::query("UPDATE shares SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND batch = ?")
            .bind(now)
            .bind(id)
            .bind(number)
            .execute(self.connection())
            .await?;
        if done.rows_affected() == 0 { Err(StoreError::LinkUnknown) } else { Ok(()) }
    }
}
