//! A statement and its values.

use std::borrow::Cow;

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, SqlSafeStr, SqlStr};

use super::connection::{Connection, Handle};
use super::dialect;
use super::row::Row;

/// A value of a parameter, of the kinds that both databases have.
#[derive(Debug, Clone)]
pub(crate) enum Value<'q> {
    Text(Option<Cow<'q, str>>),
    Integer(Option<i64>),
    Boolean(bool),
    Bytes(Vec<u8>),
}

/// A statement with the values of its parameters `$1`, `$2`, …
#[derive(Debug)]
pub(crate) struct Query<'q> {
    text: SqlStr,
    values: Vec<Value<'q>>,
}

/// Returns a statement that both databases understand.
pub(crate) fn query<'q>(text: impl SqlSafeStr) -> Query<'q> {
    Query { text: text.into_sql_str(), values: Vec::new() }
}

impl<'q> Query<'q> {
    /// Gives the next parameter its value.
    pub(crate) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs the statement and returns how many rows it changed.
    pub(crate) async fn execute(self, connection: &mut Connection) -> Result<u64, sqlx::Error> {
        match connection.handle() {
            Handle::Sqlite(sqlite) => {
                Ok(sqlx::query_with(self.text, sqlite_arguments(self.values)?).execute(sqlite).await?.rows_affected())
            }
            Handle::Postgres(postgres) => {
                Ok(sqlx::query_with(self.text, postgres_arguments(self.values)?).execute(postgres).await?.rows_affected())
            }
        }
    }

    /// Returns the first row, if there is one.
    pub(crate) async fn fetch_optional(self, connection: &mut Connection) -> Result<Option<Row>, sqlx::Error> {
        match connection.handle() {
            Handle::Sqlite(sqlite) => {
                let found = sqlx::query_with(self.text, sqlite_arguments(self.values)?).fetch_optional(sqlite).await?;
                Ok(found.map(Row::Sqlite))
            }
            Handle::Postgres(postgres) => {
                let found = sqlx::query_with(self.text, postgres_arguments(self.values)?).fetch_optional(postgres).await?;
                Ok(found.map(Row::Postgres))
            }
        }
    }

    /// Returns the first row, of which there must be one.
    pub(crate) async fn fetch_one(self, connection: &mut Connection) -> Result<Row, sqlx::Error> {
        self.fetch_optional(connection).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// Returns all rows.
    pub(crate) async fn fetch_all(self, connection: &mut Connection) -> Result<Vec<Row>, sqlx::Error> {
        match connection.handle() {
            Handle::Sqlite(sqlite) => {
                let found = sqlx::query_with(self.text, sqlite_arguments(self.values)?).fetch_all(sqlite).await?;
                Ok(found.into_iter().map(Row::Sqlite).collect())
            }
            Handle::Postgres(postgres) => {
                let found = sqlx::query_with(self.text, postgres_arguments(self.values)?).fetch_all(postgres).await?;
                Ok(found.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}

fn sqlite_arguments(values: Vec<Value<'_>>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::Text(Some(Cow::Borrowed(text))) => arguments.add(text),
            Value::Text(text) => arguments.add(text.map(Cow::into_owned)),
            Value::Integer(number) => arguments.add(number),
            Value::Boolean(is_true) => arguments.add(is_true),
            Value::Bytes(bytes) => arguments.add(bytes),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres_arguments(values: Vec<Value<'_>>) -> Result<sqlx::postgres::PgArguments, sqlx::Error> {
    let mut arguments = sqlx::postgres::PgArguments::default();
    for value in values {
        let added = match value {
            Value::Text(text) => arguments.add(text.as_deref().map(dialect::to_postgres).as_deref()),
            Value::Integer(number) => arguments.add(number),
            Value::Boolean(is_true) => arguments.add(is_true),
            Value::Bytes(bytes) => arguments.add(bytes),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

impl<'q> From<&'q str> for Value<'q> {
    fn from(text: &'q str) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl<'q> From<&'q String> for Value<'q> {
    fn from(text: &'q String) -> Self {
        Self::Text(Some(text.as_str().into()))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl<'q> From<Option<&'q str>> for Value<'q> {
    fn from(text: Option<&'q str>) -> Self {
        Self::Text(text.map(Cow::Borrowed))
    }
}

impl<'q> From<&'q Option<String>> for Value<'q> {
    fn from(text: &'q Option<String>) -> Self {
        Self::Text(text.as_deref().map(Cow::Borrowed))
    }
}

impl From<Option<String>> for Value<'_> {
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(Cow::Owned))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(Some(number.into()))
    }
}

impl From<Option<u32>> for Value<'_> {
    fn from(number: Option<u32>) -> Self {
        Self::Integer(number.map(i64::from))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<bool> for Value<'_> {
    fn from(is_true: bool) -> Self {
        Self::Boolean(is_true)
    }
}
