//! Who got which bundle version.

use super::bundles::read_bundle;
use crate::model::Scope;
use crate::sql::query::query;
use crate::{Result, Store, Transaction};

/// Somebody who pulled a bundle version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// The name of the key or the device.
    pub puller: String,
    /// The program, as it calls itself.
    pub program: String,
    /// When they got it first.
    pub first_at: i64,
    /// When they last asked for it.
    pub last_at: i64,
}

impl Store {
    /// Returns who pulled a bundle version, the last one first.
    ///
    /// # Errors
    /// There is no such version in the scope, or the database failed.
    pub async fn bundle_pulls(&self, scope: &Scope, bundle: &str, limit: u32) -> Result<Vec<Pull>> {
        let mut reader = self.reader().await?;
        read_bundle(&mut reader, scope, bundle).await?;
        let rows = query(
            "SELECT puller, program, first_at, last_at FROM bundle_pulls WHERE bundle_id = $1 ORDER BY last_at DESC, puller_id LIMIT $2",
        )
        .bind(bundle)
        .bind(limit)
        .fetch_all(&mut reader)
        .await?;
        let pull = |row: &crate::sql::row::Row| {
            Ok(Pull {
                puller: row.get("puller")?,
                program: row.get("program")?,
                first_at: row.get("first_at")?,
                last_at: row.get("last_at")?,
            })
        };
        rows.iter().map(pull).collect()
    }
}

impl Transaction {
    /// Notes that a key or a device got a bundle version.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_pull(&mut self, bundle: &str, (puller_id, puller): (&str, &str), program: &str) -> Result<()> {
        let now = self.now;
        query(
            "INSERT INTO bundle_pulls (bundle_id, puller_id, puller, program, first_at, last_at)
             SELECT id, $2, $3, $4, $5, $5 FROM bundles WHERE id = $1
             ON CONFLICT (bundle_id, puller_id) DO UPDATE SET puller = $3, program = $4, last_at = $5",
        )
        .bind(bundle)
        .bind(puller_id)
        .bind(puller)
        .bind(program)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
