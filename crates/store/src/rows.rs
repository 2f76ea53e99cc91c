//! Reading columns into the model.

use std::borrow::Cow;

use keepstep_base::Digest;
use keepstep_base::PersonaVersion;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::model::{PersonaStatus, Role};
use crate::{Result, StoreError};

/// The columns of a row, of whatever database.
pub(crate) trait Columns {
    /// Returns a text; `None` for a null.
    fn text(&self, column: &str) -> Result<Option<Cow<'_, str>>, sqlx::Error>;

    /// Returns a whole number; `None` for a null.
    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;
}

impl Columns for SqliteRow {
    fn text(&self, column: &str) -> Result<Option<Cow<'_, str>>, sqlx::Error> {
        Ok(self.try_get::<Option<&str>, _>(column)?.map(Cow::Borrowed))
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }
}

pub(crate) fn damaged(what: &'static str, of: &str) -> StoreError {
    StoreError::Damaged { what, of: of.to_owned() }
}

/// Returns the JSON text of something that always has one.
pub(crate) fn text<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Returns the JSON value of a column.
pub(crate) fn json(row: &impl Columns, column: &'static str, of: &str) -> Result<Option<Value>> {
    row.text(column)?.map(|text| serde_json::from_str(&text).map_err(|_| damaged(column, of))).transpose()
}

/// Returns the JSON object of a column, empty where there is none.
pub(crate) fn object(row: &impl Columns, column: &'static str, of: &str) -> Result<serde_json::Map<String, Value>> {
    let text = row.text(column)?;
    text.map_or_else(|| Ok(serde_json::Map::new()), |text| serde_json::from_str(&text).map_err(|_| damaged(column, of)))
}

pub(crate) fn version(row: &impl Columns, column: &'static str, of: &str) -> Result<Option<PersonaVersion>> {
    let number = row.integer(column)?;
    number.map(|number| u32::try_from(number).map(PersonaVersion).map_err(|_| damaged(column, of))).transpose()
}

pub(crate) fn digest(row: &impl Columns, column: &'static str, of: &str) -> Result<Option<Digest>> {
    row.text(column)?.map(|text| text.parse().map_err(|_| damaged("digest", of))).transpose()
}

pub(crate) fn status(row: &impl Columns, column: &'static str, of: &str) -> Result<PersonaStatus> {
    row.text(column)?.and_then(|text| PersonaStatus::from_label(&text)).ok_or_else(|| damaged("status", of))
}

pub(crate) fn role(row: &impl Columns, of: &str) -> Result<Role> {
    row.text("role")?.and_then(|text| text.parse().ok()).ok_or_else(|| damaged("role", of))
}
