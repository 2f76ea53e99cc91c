//! A row of either database.

use std::borrow::Cow;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::dialect;
use crate::rows::Columns;

/// A row that a statement gave.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a column can be read as.
pub(crate) trait Column: Sized {
    /// Returns the value of a column.
    fn of(row: &Row, column: &str) -> Result<Self, sqlx::Error>;
}

impl Row {
    /// Returns the value of a column.
    pub(crate) fn get<T: Column>(&self, column: &str) -> Result<T, sqlx::Error> {
        T::of(self, column)
    }
}

impl Columns for Row {
    fn text(&self, column: &str) -> Result<Option<Cow<'_, str>>, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.text(column),
            Self::Postgres(row) => Ok(row.try_get::<Option<&str>, _>(column)?.map(dialect::from_postgres)),
        }
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.integer(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

impl Column for Option<i64> {
    fn of(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        row.integer(column)
    }
}

impl Column for i64 {
    fn of(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        row.integer(column)?.ok_or_else(|| missing(column))
    }
}

impl Column for u32 {
    fn of(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        Self::try_from(row.get::<i64>(column)?).map_err(|error| unreadable(column, error))
    }
}

impl Column for Option<u32> {
    fn of(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        row.integer(column)?.map(u32::try_from).transpose().map_err(|error| unreadable(column, error))
    }
}

impl Column for u16 {
    fn of(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        Self::try_from(row.get::<i64>(column)?).map_err(|error| unreadable(column, error))
    }
}

impl Column for Option<String> {
    fn of(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        Ok(row.text(column)?.map(Cow::into_owned))
    }
}

impl Column for String {
    fn of(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        row.text(column)?.map(Cow::into_owned).ok_or_else(|| missing(column))
    }
}

impl Column for Vec<u8> {
    fn of(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(row) => row.try_get(column),
        }
    }
}

impl Column for bool {
    fn of(row: &Row, column: &str) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(row) => row.try_get(column),
        }
    }
}

fn missing(column: &str) -> sqlx::Error {
    unreadable(column, sqlx::error::UnexpectedNullError)
}

fn unreadable(column: &str, source: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(source) }
}
