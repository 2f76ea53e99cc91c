//! How the database is, for those who run the server.

use keepstep_base::disk::free_bytes;

use crate::sql::query::query;
use crate::{Result, Store};

/// How the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseState {
    /// How large it is.
    pub bytes: u64,
    /// How much room the disk has, where that is known.
    pub free: Option<u64>,
    /// The number of the last change of its tables.
    pub migration: u64,
    /// How many of them there were.
    pub migrations: u64,
    /// How many messages to webhooks wait.
    pub waiting_deliveries: u64,
    /// When the first of them was to be sent, in epoch milliseconds.
    pub first_delivery: Option<i64>,
}

impl Store {
    /// Returns how the database is. It takes as long however much there is in it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn state(&self) -> Result<DatabaseState> {
        let mut reader = self.reader().await?;
        let size = query(reader.dialect().database_size()).fetch_one(&mut reader).await?;
        let migrations = query("SELECT max(version) AS newest, count(*) AS applied FROM _sqlx_migrations WHERE success")
            .fetch_one(&mut reader)
            .await?;
        let waiting =
            query("SELECT count(*) AS waiting, min(next_at) AS first_at FROM webhook_deliveries WHERE next_at IS NOT NULL")
                .fetch_one(&mut reader)
                .await?;
        Ok(DatabaseState {
            bytes: size.get::<i64>("bytes")?.unsigned_abs(),
            free: self.folder().and_then(free_bytes),
            migration: migrations.get::<i64>("newest")?.unsigned_abs(),
            migrations: migrations.get::<i64>("applied")?.unsigned_abs(),
            waiting_deliveries: waiting.get::<i64>("waiting")?.unsigned_abs(),
            first_delivery: waiting.get("first_at")?,
        })
    }
}
