//! Looking at a backup that was unpacked.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::pack::{count_rows, newest_schema};
use super::{BackupError, DATABASE, Manifest};
use crate::{Result, StoreError};

/// Checks that the database in a folder has what a backup says of it, before anything upgrades it: its schema, and how many rows each table has.
///
/// # Errors
/// It has something else, or cannot be read.
pub async fn check_restored(folder: &Path, manifest: &Manifest) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(folder.join(DATABASE)).read_only(true);
    let mut connection = options.connect().await?;
    let outcome = check(&mut connection, manifest).await;
    connection.close().await?;
    outcome
}

async fn check(connection: &mut SqliteConnection, manifest: &Manifest) -> Result<()> {
    let differs = |what: String| Err(StoreError::Backup(BackupError::Differs(what)));
    let schema = newest_schema(connection).await?;
    if schema != manifest.schema {
        return differs(format!("the database has the schema {schema}, not {}", manifest.schema));
    }
    let rows = count_rows(connection).await?;
    for (table, wanted) in &manifest.rows {
        let found = rows.get(table).copied();
        if found != Some(*wanted) {
            return differs(format!("the table {table} has {} rows, not {wanted}", found.unwrap_or_default()));
        }
    }
    if rows.len() != manifest.rows.len() {
        return differs("the database has other tables".to_owned());
    }
    Ok(())
}
