//! The change number: a row that counts the commits that changed anything.

use super::connection::Connection;
use super::query::query;

/// How much had been written when a transaction began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrittenBefore(i64);

/// Begins a transaction as the only one that writes: what is read from now on is the last state.
pub(crate) async fn begin(connection: &mut Connection) -> Result<WrittenBefore, sqlx::Error> {
    let statement = query(connection.dialect().begin());
    Ok(WrittenBefore(statement.fetch_one(connection).await?.get("written")?))
}

/// Returns whether a transaction has changed anything yet.
pub(crate) async fn has_written(connection: &mut Connection, before: WrittenBefore) -> Result<bool, sqlx::Error> {
    let statement = query(connection.dialect().has_written()).bind(before.0);
    Ok(statement.fetch_one(connection).await?.get::<i64>("written")? != 0)
}

/// Counts a transaction that is about to be committed, if it changed anything.
pub(crate) async fn count(connection: &mut Connection, before: WrittenBefore) -> Result<(), sqlx::Error> {
    if has_written(connection, before).await? {
        query("UPDATE change_number SET number = number + 1").execute(connection).await?;
    }
    Ok(())
}

/// Returns the number of the last commit that changed anything, by whatever process.
pub(crate) async fn change_number(connection: &mut Connection) -> Result<i64, sqlx::Error> {
    query("SELECT number FROM change_number").fetch_one(connection).await?.get("number")
}
