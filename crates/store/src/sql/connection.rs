//! A connection to either database.

use std::fmt;
use std::ops::{Deref, DerefMut};

use futures_util::future::{BoxFuture, ready};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::sqlite::{SqliteConnection, SqliteQueryResult, SqliteRow, SqliteStatement, SqliteTypeInfo};
use sqlx::{Connection as _, Database, Either, Execute, Executor, SqlStr, Sqlite};

use super::dialect::Dialect;

/// A connection to one of the databases.
pub(crate) enum Connection {
    Sqlite(Held<Sqlite>),
    Postgres(Held<Postgres>),
}

/// How a connection is held.
pub(crate) enum Held<D: Database> {
    /// It reads, and goes back to its pool.
    Reader(PoolConnection<D>),
    /// It writes, in a transaction.
    Writer(sqlx::Transaction<'static, D>),
    /// It belongs to nobody else.
    Alone(Box<D::Connection>),
}

/// What a statement runs on.
pub(crate) enum Handle<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A connection that reads, borrowed from the pool.
#[derive(Debug)]
pub(crate) struct Reader(pub(crate) Connection);

impl<D: Database> Held<D> {
    fn connection(&mut self) -> &mut D::Connection {
        match self {
            Self::Reader(connection) => connection,
            Self::Writer(transaction) => transaction,
            Self::Alone(connection) => connection,
        }
    }

    async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Writer(transaction) => transaction.commit().await,
            Self::Reader(_) | Self::Alone(_) => Ok(()),
        }
    }

    async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Alone(connection) => connection.close().await,
            Self::Reader(_) | Self::Writer(_) => Ok(()),
        }
    }
}

impl Connection {
    pub(crate) fn handle(&mut self) -> Handle<'_> {
        match self {
            Self::Sqlite(held) => Handle::Sqlite(held.connection()),
            Self::Postgres(held) => Handle::Postgres(held.connection()),
        }
    }

    /// Returns which database it is.
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Returns the connection to SQLite, for statements that only SQLite knows.
    ///
    /// # Errors
    /// It is one to PostgreSQL.
    pub(crate) fn sqlite(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        match self.handle() {
            Handle::Sqlite(connection) => Ok(connection),
            Handle::Postgres(_) => Err(sqlx::Error::Configuration("this is not supported on PostgreSQL yet".into())),
        }
    }

    /// Makes what a transaction wrote visible and durable.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(held) => held.commit().await,
            Self::Postgres(held) => held.commit().await,
        }
    }

    /// Closes a connection that belongs to nobody else. The others go back to where they came from.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(held) => held.close().await,
            Self::Postgres(held) => held.close().await,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connection")
    }
}

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

/// Statements of the subjects that only SQLite keeps yet, which `sqlx` runs as they are. With PostgreSQL they fail, each with a sentence
/// that says so.
impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<SqliteQueryResult, SqliteRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        match self.sqlite() {
            Ok(connection) => connection.fetch_many(query),
            Err(error) => stream::once(ready(Err(error))).boxed(),
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<SqliteRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        match self.sqlite() {
            Ok(connection) => connection.fetch_optional(query),
            Err(error) => ready(Err(error)).boxed(),
        }
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteTypeInfo],
    ) -> BoxFuture<'e, Result<SqliteStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        match self.sqlite() {
            Ok(connection) => connection.prepare_with(sql, parameters),
            Err(error) => ready(Err(error)).boxed(),
        }
    }
}
